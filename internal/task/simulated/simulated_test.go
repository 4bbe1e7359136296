package simulated_test

import (
	"context"
	"errors"
	"math"
	"sync"
	"testing"
	"time"

	"flyball/internal/clock"
	"flyball/internal/task"
	"flyball/internal/task/simulated"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// A world is a runtime whose tasks start after 20 s and stop after 5 s of a manual clock.
type world struct {
	*simulated.Runtime
	t     *testing.T
	clk   *clock.Clock
	loops sync.WaitGroup
	tasks []task.Task
}

func newWorld(t *testing.T) *world {
	clk := clock.Manual(nil, noon)
	w := &world{t: t, clk: clk, Runtime: simulated.New(simulated.Options{Clock: clk, Start: 20 * time.Second, Stop: 5 * time.Second})}
	t.Cleanup(func() {
		w.End()
		clk.End()
		w.loops.Wait()
	})
	return w
}

// start has a task of demo/web started, of 256 units and 512 MiB.
func (w *world) start(ctx context.Context) {
	w.clk.Go(ctx, &w.loops, func(ctx context.Context) {
		t, err := w.Start(ctx, task.Spec{ID: "t", CPU: 256, Memory: 512, Labels: map[string]string{"cluster": "demo", "service": "web"}})
		if err == nil {
			w.tasks = append(w.tasks, t)
		} else if ctx.Err() == nil {
			w.t.Error(err)
		}
	})
}

func (w *world) advance(by time.Duration) {
	w.t.Helper()
	if err := w.clk.Advance(context.Background(), by, nil); err != nil {
		w.t.Fatal(err)
	}
}

// percent is what a task uses of its CPU over a span, and of its memory at its end.
func (w *world) percent(t task.Task, over time.Duration) (cpu, memory float64) {
	w.t.Helper()
	before, err := t.Usage(context.Background())
	w.advance(over)
	after, err2 := t.Usage(context.Background())
	if err = errors.Join(err, err2); err != nil || after.At.Sub(before.At) != over {
		w.t.Fatalf("%v to %v, %v", before.At, after.At, err)
	}
	exact := func(v float64) float64 { return math.Round(v*1e6) / 1e6 } // a byte is a part of a millionth
	return exact(400 * float64(after.CPU-before.CPU) / float64(over)), exact(100 * float64(after.Memory) / (512 << 20))
}

func (w *world) load(l simulated.Load) {
	w.t.Helper()
	if err := w.SetLoad("demo/web", l); err != nil {
		w.t.Fatal(err)
	}
}

func TestTasksStartAndStopAfterTheirDelays(t *testing.T) {
	w := newWorld(t)
	w.start(t.Context())
	if w.advance(20*time.Second - 1); len(w.tasks) != 0 {
		t.Error("it runs early")
	}
	if w.advance(1); len(w.tasks) != 1 {
		t.Fatal("it does not run")
	}
	w.clk.Go(t.Context(), &w.loops, func(ctx context.Context) { _ = w.tasks[0].Stop(ctx) })
	w.advance(5*time.Second - 1)
	select {
	case <-w.tasks[0].Done():
		t.Error("it has stopped early")
	default:
	}
	w.advance(1)
	select {
	case <-w.tasks[0].Done():
	default:
		t.Error("it has not stopped")
	}
}

func TestAStartThatIsGivenUpLeavesNothing(t *testing.T) {
	w := newWorld(t)
	stop := w.clk.Signal()
	ctx, cancel := stop.Context(t.Context())
	defer cancel()
	w.start(ctx)
	w.advance(time.Second)
	stop.Close()
	if w.advance(time.Minute); len(w.tasks) != 0 {
		t.Error("it was started")
	}
}

func TestWhatTasksUse(t *testing.T) {
	for _, tt := range []struct {
		name        string
		load        simulated.Load
		tasks       int
		cpu, memory float64
	}{
		{"nothing is nothing", simulated.Load{}, 2, 0, 0},
		{"a total is divided among those that run", simulated.Load{TotalCPU: 90, TotalMemory: 60}, 3, 30, 20},
		{"each has its own part", simulated.Load{TaskCPU: 15, TaskMemory: 25}, 3, 15, 25},
		{"both parts are added", simulated.Load{TotalCPU: 90, TaskCPU: 15, TotalMemory: 30, TaskMemory: 25}, 2, 60, 40},
		{"no task uses more than it has", simulated.Load{TotalCPU: 900, TotalMemory: 900}, 2, 100, 100},
	} {
		w := newWorld(t)
		w.load(tt.load)
		for range tt.tasks {
			w.start(t.Context())
		}
		w.advance(20 * time.Second)
		for _, one := range w.tasks {
			if cpu, memory := w.percent(one, time.Minute); cpu != tt.cpu || memory != tt.memory {
				t.Errorf("%s: %v %% of CPU and %v %% of memory, want %v and %v", tt.name, cpu, memory, tt.cpu, tt.memory)
			}
		}
	}
}

func TestTasksTakeOverWhatOthersHaveLeft(t *testing.T) {
	w := newWorld(t)
	w.load(simulated.Load{TotalCPU: 80})
	w.start(t.Context())
	w.start(t.Context())
	w.advance(20 * time.Second)
	w.clk.Go(t.Context(), &w.loops, func(ctx context.Context) {
		w.clk.Wait(ctx, noon.Add(50*time.Second), nil)
		_ = w.tasks[1].Stop(ctx)
	})
	// Half of the minute two share 80 %, then one has them alone.
	if cpu, _ := w.percent(w.tasks[0], time.Minute); cpu != 60 {
		t.Errorf("it uses %v %%", cpu)
	}
}

func TestWrongLoadsChangeNothing(t *testing.T) {
	w := newWorld(t)
	w.load(simulated.Load{TaskCPU: 10})
	if err := w.SetLoad("demo/web", simulated.Load{TotalCPU: -1}); err == nil {
		t.Error("it took a negative load")
	}
	if got := w.Loads()["demo/web"]; got != (simulated.Load{TaskCPU: 10}) {
		t.Errorf("the load is %+v", got)
	}
}
