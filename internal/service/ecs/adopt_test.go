package ecs

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/state"
	"flyball/internal/store"
)

func TestTheFirstCallsAfterACrashFindAdoptedTasks(t *testing.T) {
	inWorld(t, func(w *world) {
		w.serve(3)
		first := w.runtime.any()
		w.crash()
		w.open()
		if s := w.service(); s.RunningCount != 3 {
			t.Errorf("%d tasks run before Run, want 3", s.RunningCount)
		}
		stop := &ecs.StopTaskInput{Cluster: aws.String("prod"), Task: aws.String(first.ID())}
		must(w.api.StopTask(w.Context(), stop))(w)
		w.scale(0)
		must(w.api.StopTask(w.Context(), stop))(w)
		must(w.api.DeleteService(w.Context(), &ecs.DeleteServiceInput{Cluster: aws.String("prod"), Service: aws.String("web")}))(w)
		w.run()
		w.pass(time.Second)
		if w.runtime.alive() != 0 || *w.service().Status != inactive {
			t.Errorf("%d tasks are alive, the service is %s", w.runtime.alive(), *w.service().Status)
		}
	})
}

func TestATaskThatWasStoppingIsStoppedAfterACrash(t *testing.T) {
	inWorld(t, func(w *world) {
		w.runtime.set(nil, func(t *fakeTask) { t.ignores = true })
		w.serve(1)
		stopping := w.runtime.any()
		stop := &ecs.StopTaskInput{Cluster: aws.String("prod"), Task: aws.String(stopping.ID())}
		w.scale(0)
		w.pass(time.Second)
		w.crash()
		stopping.ignores = false
		w.open()
		must(w.api.StopTask(w.Context(), stop))(w)
		w.run()
		if !stopping.stopped() {
			t.Error("the task is alive")
		}
	})
}

// What the runtime keeps of a stopped task goes when the task is forgotten: in the
// life in which it stopped, and in the next one, whose runtime may not have seen
// yet that it has stopped.
func TestAForgottenTaskIsRemovedFromTheRuntime(t *testing.T) {
	for name, between := range map[string]func(w *world, stopped *fakeTask){
		"in the same life": func(*world, *fakeTask) {},
		"in the next life": func(w *world, _ *fakeTask) { w.crash(); w.boot() },
		"in the next life, before it was seen to have stopped": func(w *world, stopped *fakeTask) {
			w.crash()
			stopped.done = make(chan struct{})
			w.boot()
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.serve(1)
				stopped := w.runtime.any()
				w.scale(0)
				w.pass(time.Minute)
				between(w, stopped)
				w.pass(forgetAfter - 2*time.Minute)
				if stopped.removed.Load() {
					t.Error("the task is removed while it is remembered")
				}
				w.pass(2 * time.Minute)
				if !stopped.removed.Load() {
					t.Error("the task is forgotten and not removed")
				}
			})
		})
	}
}

func TestAShutdownAtOnceStopsAdoptedTasks(t *testing.T) {
	inWorld(t, func(w *world) {
		w.serve(20)
		w.crash()
		w.open()
		ctx, end := context.WithCancel(w.Context())
		end()
		if err := w.api.Run(ctx); err != nil {
			t.Error(err)
		}
		if n := w.runtime.alive(); n != 0 {
			t.Errorf("%d tasks are alive", n)
		}
	})
}

func TestAShutdownAtOnceStartsNothing(t *testing.T) {
	inWorld(t, func(w *world) {
		w.crash()
		w.open()
		w.cluster("prod")
		w.define()
		must(w.api.CreateService(w.Context(), webService(5)))(w)
		ctx, end := context.WithCancel(w.Context())
		end()
		if err := w.api.Run(ctx); err != nil {
			t.Error(err)
		}
		if n := w.runtime.alive(); n != 0 {
			t.Errorf("%d tasks are alive", n)
		}
	})
}

func TestATaskWhoseRecordIsNotOnDiskIsNotStarted(t *testing.T) {
	inWorld(t, func(w *world) {
		w.cluster("prod")
		w.define()
		w.store.Close()
		_, err := w.api.CreateService(w.Context(), webService(3))
		if err == nil {
			t.Error("the service was created without a store")
		}
		w.pass(time.Second)
		if w.runtime.started != 0 {
			t.Errorf("%d tasks were started", w.runtime.started)
		}
	})
}

// What a state that was written by halves is made of. Each case removes some
// documents of a service with two running tasks and says what the next start
// makes of it.
func TestAStateWrittenByHalvesIsMended(t *testing.T) {
	for _, c := range []struct {
		name     string
		gone     func(b *store.Batch)
		log      string // what the log tells
		services int
		alive    int // of the adopted tasks and those that replace them
	}{
		{"the cluster is gone", func(b *store.Batch) { b.Delete(kindCluster.Name, "prod") }, "no cluster prod", 0, 0},
		{"the service is gone", func(b *store.Batch) { b.Delete(kindService.Name, "prod/web") }, "whose service is gone", 0, 0},
		{"the task definition is gone", func(b *store.Batch) { b.Delete(kindDefinition.Name, "web:1") }, "no task definition web:1", 1, 0},
		{"the service deployments are gone", func(b *store.Batch) { b.DeleteRange(kindRollout.Name, store.Range{}) }, "had no service deployment", 1, 2},
		{"the events are gone", func(b *store.Batch) { b.DeleteRange(kindEvent.Name, store.Range{}) }, "", 1, 2},
		{"the tasks are gone", func(b *store.Batch) { b.DeleteRange(kindTask.Name, store.Range{}) }, "", 1, 2},
		{"only an instance is there", func(b *store.Batch) {
			for _, kind := range []state.Kind{kindCluster, kindService, kindRollout, kindEvent, kindTask} {
				b.DeleteRange(kind.Name, store.Range{})
			}
		}, "no cluster prod", 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				var log strings.Builder
				w.config.Cell.Log = slog.New(slog.NewTextHandler(&log, nil))
				w.serve(2)
				must(w.api.RegisterContainerInstance(w.Context(), &ecs.RegisterContainerInstanceInput{Cluster: aws.String("prod")}))(w)
				w.crash()
				var b store.Batch
				c.gone(&b)
				if err := w.store.Write(&b).Wait(); err != nil {
					t.Fatal(err)
				}
				w.boot()
				w.pass(10 * time.Second)
				if !strings.Contains(log.String(), c.log) {
					t.Errorf("the log does not tell of %q:\n%s", c.log, log.String())
				}
				for _, stray := range w.strays {
					stray.Stop(w.Context())
				}
				if n := w.runtime.alive(); n != c.alive {
					t.Errorf("%d tasks are alive, want %d", n, c.alive)
				}
				n := 0
				if _, ok := w.api.clusters["prod"]; ok {
					n = len(must(w.api.ListServices(w.Context(), &ecs.ListServicesInput{Cluster: aws.String("prod")}))(w).ServiceArns)
				}
				if n != c.services {
					t.Errorf("%d services, want %d", n, c.services)
				}
				log.Reset()
				w.crash()
				w.boot()
				if strings.Contains(log.String(), "level=WARN") {
					t.Errorf("the second start mends again:\n%s", log.String())
				}
			})
		})
	}
}

func TestARevisionIsFoundBesideOneThatIsGone(t *testing.T) {
	inWorld(t, func(w *world) {
		w.define()
		w.define()
		w.crash()
		if err := w.store.Write(new(store.Batch).Delete(kindDefinition.Name, "web:1")).Wait(); err != nil {
			t.Fatal(err)
		}
		w.boot()
		out := must(w.api.DescribeTaskDefinition(w.Context(), &ecs.DescribeTaskDefinitionInput{TaskDefinition: aws.String("web:2")}))(w)
		if out.TaskDefinition.Revision != 2 {
			t.Errorf("revision %d, want 2", out.TaskDefinition.Revision)
		}
		if next := w.define(); next.Revision != 3 {
			t.Errorf("the next revision is %d, want 3", next.Revision)
		}
	})
}

// A task that RunTask started belongs to no service and is not stopped for it.
func TestATaskOfNoServiceIsAdopted(t *testing.T) {
	inWorld(t, func(w *world) {
		w.cluster("prod")
		w.define()
		must(w.api.RunTask(w.Context(), &ecs.RunTaskInput{
			Cluster: aws.String("prod"), TaskDefinition: aws.String("web"), LaunchType: types.LaunchTypeFargate, NetworkConfiguration: subnets,
		}))(w)
		w.pass(time.Second)
		w.crash()
		w.boot()
		synctest.Wait()
		if n := w.runtime.alive(); n != 1 {
			t.Errorf("%d tasks are alive, want 1", n)
		}
	})
}
