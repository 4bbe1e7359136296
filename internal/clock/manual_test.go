package clock_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"flyball/internal/clock"
)

// A diary is what work on a manual clock notes, and when.
type diary struct {
	*clock.Clock
	t     *testing.T
	ctx   context.Context
	loops sync.WaitGroup

	mu    sync.Mutex
	lines []string
}

func openDiary(t *testing.T) *diary {
	ctx, stop := context.WithCancel(context.Background())
	d := &diary{Clock: clock.Manual(nil, noon), t: t, ctx: ctx}
	t.Cleanup(func() {
		stop()
		d.End()
		d.loops.Wait()
	})
	return d
}

func (d *diary) work(f func(context.Context)) { d.Go(d.ctx, &d.loops, f) }

func (d *diary) note(what string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, d.Now().Sub(noon).String()+" "+what)
}

// every notes a word at each end of an interval.
func (d *diary) every(interval time.Duration, what string) {
	d.work(func(ctx context.Context) {
		for d.Wait(ctx, d.Now().Truncate(interval).Add(interval), nil) {
			d.note(what)
		}
	})
}

func (d *diary) advance(by time.Duration) {
	d.t.Helper()
	if err := d.Advance(d.ctx, by, nil); err != nil {
		d.t.Fatal(err)
	}
}

func (d *diary) reads(want ...string) {
	d.t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if !slices.Equal(d.lines, want) {
		d.t.Errorf("it reads %q, want %q", d.lines, want)
	}
}

func TestAManualClockStandsStill(t *testing.T) {
	d := openDiary(t)
	d.every(time.Millisecond, "it moved")
	d.advance(0)
	if !d.Now().Equal(noon) || !d.IsManual() || d.Stands() != 0 {
		t.Errorf("it shows %v", d.Now())
	}
	d.reads()
}

func TestTimeGoesFromWhatIsDueToWhatIsDueNext(t *testing.T) {
	d := openDiary(t)
	d.every(2*time.Minute, "two")
	d.every(3*time.Minute, "three")
	d.advance(5 * time.Minute)
	d.advance(time.Minute)
	// What is due at the same time is done in the order in which it was begun.
	d.reads("2m0s two", "3m0s three", "4m0s two", "6m0s two", "6m0s three")
}

func TestWhatFollowsIsDoneBeforeTimeGoesOn(t *testing.T) {
	d := openDiary(t)
	called := d.Signal()
	d.work(func(ctx context.Context) {
		for ctx.Err() == nil {
			if d.Wait(ctx, time.Time{}, called); ctx.Err() == nil {
				d.note("called")
				d.Go(ctx, &d.loops, func(context.Context) { d.note("child") })
			}
		}
	})
	d.work(func(ctx context.Context) {
		for d.Wait(ctx, d.Now().Add(time.Minute), nil) {
			called.Set()
			d.note("calls")
		}
	})
	d.advance(2 * time.Minute)
	d.reads("1m0s calls", "1m0s called", "1m0s child", "2m0s calls", "2m0s called", "2m0s child")
}

func TestWorkOutsideIsWaitedForAndHoldsUpNobody(t *testing.T) {
	d := openDiary(t)
	beside := d.Signal()
	arrived := make(chan struct{})
	d.work(func(ctx context.Context) {
		d.Wait(ctx, noon.Add(time.Minute), nil)
		beside.Set()
		d.Outside(ctx, func() { <-arrived })
		d.note("back")
	})
	d.work(func(ctx context.Context) {
		d.Wait(ctx, time.Time{}, beside)
		d.note("beside")
		close(arrived)
	})
	d.advance(time.Hour)
	d.reads("1m0s beside", "1m0s back")
}

func TestWhoWaitsForOthersIsNotWaitedFor(t *testing.T) {
	d := openDiary(t)
	d.work(func(ctx context.Context) {
		var children sync.WaitGroup
		d.Go(ctx, &children, func(ctx context.Context) {
			d.Wait(ctx, noon.Add(time.Hour), nil)
			d.note("child")
		})
		d.Idle(ctx, children.Wait)
		d.note("parent")
	})
	d.advance(time.Minute)
	d.reads()
	d.advance(time.Hour)
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.lines) == 0 || d.lines[0] != "1h0m0s child" {
		t.Error(d.lines)
	}
}

func TestASignalIsNotLost(t *testing.T) {
	d := openDiary(t)
	s := d.Signal()
	s.Set()
	s.Set()
	d.work(func(ctx context.Context) {
		d.note("begins")
		d.Wait(ctx, time.Time{}, s)
		d.note("once")
		d.Wait(ctx, time.Time{}, s)
		d.note("twice")
		d.Wait(ctx, time.Time{}, s)
		d.note("closed")
	})
	d.advance(0)
	d.reads("0s begins", "0s once")
	s.Set()
	d.advance(0)
	s.Close()
	s.Close()
	d.advance(0)
	d.reads("0s begins", "0s once", "0s twice", "0s closed")
}

func TestAClosedSignalWakesAll(t *testing.T) {
	d := openDiary(t)
	s := d.Signal()
	for range 2 {
		d.work(func(ctx context.Context) {
			d.Wait(ctx, noon.Add(time.Hour), s)
			d.note("woken")
		})
	}
	d.advance(time.Minute)
	s.Close()
	d.advance(0)
	d.reads("1m0s woken", "1m0s woken")
}

func TestAContextOfASignalEndsWhatWaitsByTheClock(t *testing.T) {
	d := openDiary(t)
	stop := d.Signal()
	d.work(func(ctx context.Context) {
		ctx, cancel := stop.Context(ctx)
		defer cancel()
		if !d.Wait(ctx, noon.Add(time.Hour), nil) && ctx.Err() != nil {
			d.note("ended")
		}
	})
	d.advance(time.Minute)
	stop.Close()
	d.advance(time.Minute)
	d.reads("1m0s ended")
}

func TestATimerRingsAtItsLastTime(t *testing.T) {
	d := openDiary(t)
	timer := d.Timer(func() { d.note("rings") })
	timer.Set(noon.Add(time.Minute))
	timer.Set(noon.Add(2 * time.Minute))
	d.advance(3 * time.Minute)
	timer.Set(noon.Add(4 * time.Minute))
	timer.Stop()
	d.advance(3 * time.Minute)
	d.reads("2m0s rings")
}

func TestAnAdvanceEndsWhenItIsEnough(t *testing.T) {
	d := openDiary(t)
	d.every(time.Minute, "minute")
	if err := d.Advance(d.ctx, time.Hour, func() bool { return len(d.lines) == 3 }); err != nil {
		t.Fatal(err)
	}
	if got := d.Now().Sub(noon); got != 3*time.Minute {
		t.Errorf("it shows noon + %v", got)
	}
}

func TestAnAdvanceEndsWithItsContext(t *testing.T) {
	d := openDiary(t)
	never := make(chan struct{})
	defer close(never)
	d.work(func(ctx context.Context) {
		d.Wait(ctx, noon.Add(time.Minute), nil)
		d.Outside(ctx, func() { <-never })
	})
	ctx, cancel := context.WithTimeout(d.ctx, 10*time.Millisecond)
	defer cancel()
	if err := d.Advance(ctx, time.Hour, nil); !errors.Is(err, context.DeadlineExceeded) || d.Now().Sub(noon) != time.Minute {
		t.Errorf("at %v: %v", d.Now(), err)
	}
}

func TestWhatIsLeftAtRestIsDoneBeforeTimeGoesOn(t *testing.T) {
	d := openDiary(t)
	left := 0
	d.OnRest(func(context.Context) bool {
		if left == 0 {
			return false
		}
		left = 0
		d.note("flushed")
		return true
	})
	d.work(func(ctx context.Context) {
		for d.Wait(ctx, d.Now().Add(time.Minute), nil) {
			left++
		}
	})
	d.advance(2 * time.Minute)
	d.reads("1m0s flushed", "2m0s flushed")
}

func TestAClockThatRunsCannotBeMoved(t *testing.T) {
	if err := clock.New(noon, 1).Advance(t.Context(), time.Minute, nil); err == nil {
		t.Error("it moved")
	}
}
