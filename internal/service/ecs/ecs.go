// Package ecs is Amazon ECS on one machine: clusters, task definitions and
// services whose tasks are real, started and stopped through a task runtime.
//
// An API call changes what is wanted, looks at the service once, so that the next
// call finds the tasks that it starts or stops, and returns. One loop goes on:
//
//	UpdateService(desiredCount 5) ──> look at the service
//	        look: scheduler.Decide(view, now) ──> actions
//	        actions: tasks to start, tasks to stop, when to look again
//	        each task has a goroutine that drives it through its life
//	        a task that starts, stops or turns unhealthy marks its service dirty
//	        reconcile loop: look at each dirty service, and when its time has come
//
// Package scheduler holds every rule of the service scheduler as pure functions,
// package rules what ECS accepts. This package keeps state, speaks ECS's words and
// publishes metrics.
package ecs

import (
	"container/heap"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"flyball/internal/clock"
	"flyball/internal/service/ecs/fault"
	"flyball/internal/store"
	runtime "flyball/internal/task"
	"flyball/metric"
)

// Config is what the service needs from the rest of the server.
type Config struct {
	Account, Region string // of every ARN
	Clock           *clock.Clock
	Store           store.Store
	Log             *slog.Logger
	Runtime         runtime.Runtime // starts the tasks
	Metrics         Recorder        // takes the tasks' metrics; nil keeps none
	Endpoint        string          // AWS_ENDPOINT_URL of the tasks; "" sets none
	Metadata        string          // URL of the server that Metadata is mounted on, for the tasks; "" serves none
	TargetGroups    TargetGroups    // nil knows no target group
	// Deleted, if set, is told of each service that was deleted, before the call
	// is answered.
	Deleted func(ctx context.Context, cluster, service string)
	// KeepTasks leaves the tasks running when Run ends, for the next life of the
	// server to adopt.
	KeepTasks bool
}

// A Recorder takes measurements; CloudWatch is one.
type Recorder interface {
	Record([]metric.Sample)
}

// TargetGroups tells which load balancer target groups can be served.
type TargetGroups interface {
	HasTargetGroup(arn string) bool
}

// How many tasks are started at the same time, and how many are measured.
const (
	startsAtOnce  = 8
	samplesAtOnce = 16
)

// stopGrace bounds a clean shutdown in real time: the longest stop timeout that
// Fargate allows and a little more. Nobody else stops the tasks.
const stopGrace = 125 * time.Second

// forgetAfter is how long stopped tasks and deleted services stay describable,
// in virtual time.
const forgetAfter = time.Hour

// An API serves the operations of Amazon ECS. Its methods may be called from
// several goroutines. What they return is shared with the API's own state: it
// must not be changed.
type API struct {
	cfg Config

	mu          sync.RWMutex
	clusters    map[string]*cluster
	families    map[string]*family
	providers   map[string]*provider // those that users created, by name
	settings    map[settingKey]string
	dirty       []*service               // to be reconciled, each once
	timers      wakeups                  // services to look at again at a time
	undriven    []*task                  // accepted or adopted, not yet given the goroutine that drives them
	retired     []retirement             // to be forgotten, oldest first
	measured    measuredByPace           // services by the period of their metrics
	paces       map[string]time.Duration // periods that were set, by CLUSTER/SERVICE
	running     map[*task]struct{}
	unconfirmed []*task // loaded from the store; Adopt learns whether they still run

	wake    chan struct{} // holds a token when the loop has work
	repace  chan struct{} // holds a token when a metric period has changed
	starts  chan struct{} // holds a token for each task being started
	drivers sync.WaitGroup
}

// New returns the service with its state loaded from the store. Adopt must be
// called before any other method. Nothing runs until Run is called.
func New(cfg Config) (*API, error) {
	a := &API{
		cfg:       cfg,
		clusters:  map[string]*cluster{},
		families:  map[string]*family{},
		providers: map[string]*provider{},
		settings:  map[settingKey]string{},
		measured:  measuredByPace{},
		paces:     map[string]time.Duration{},
		running:   map[*task]struct{}{},
		wake:      make(chan struct{}, 1),
		repace:    make(chan struct{}, 1),
		starts:    make(chan struct{}, startsAtOnce),
	}
	if a.cfg.Log == nil {
		a.cfg.Log = slog.New(slog.DiscardHandler)
	}
	if err := a.load(); err != nil {
		return nil, fmt.Errorf("load ECS state: %w", err)
	}
	return a, nil
}

// Run drives the tasks, keeps services at their desired count and publishes
// metrics until ctx ends. Then it stops all tasks, unless they are to be kept,
// and returns nil.
func (a *API) Run(ctx context.Context) error {
	// Tasks outlive ctx: they are stopped in order after it has ended.
	lives, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()

	var loops errgroup.Group
	loops.Go(func() error { a.reconcileLoop(ctx, lives); return nil })
	loops.Go(func() error { a.metricsLoop(ctx); return nil })
	_ = loops.Wait()

	if !a.cfg.KeepTasks {
		a.stopAll(lives, stopGrace)
	}
	end()
	a.drivers.Wait()
	return nil
}

// stopAll stops every task at the same time and waits for them, but not longer
// than the grace period. Tasks that nobody drives yet are driven to their end:
// an adopted one has processes. A task that a call adds from here on is never
// driven, so nothing is started for it.
func (a *API) stopAll(lives context.Context, grace time.Duration) {
	a.mu.Lock()
	var b store.Batch
	for _, c := range a.clusters {
		for _, t := range c.tasks {
			t.askToStop(&b, a.now(), stopShutdown, "The server was shut down.")
		}
	}
	a.driveNew(lives)
	a.writeLater(&b)
	a.mu.Unlock()

	stopped := make(chan struct{})
	go func() {
		a.drivers.Wait()
		close(stopped)
	}()
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-stopped:
	case <-timer.C:
	}
}

func (a *API) now() time.Time { return a.cfg.Clock.Now() }

// virtual is how much virtual time passes in a span of real time. Tasks live in
// real time; what is said of their lives is turned into the clock's.
func (a *API) virtual(real time.Duration) time.Duration {
	return time.Duration(float64(real) * a.cfg.Clock.Speed())
}

// change runs one state change under the lock and returns when it is durable.
// The function validates everything first: when it returns an error it has
// changed nothing.
func (a *API) change(f func(b *store.Batch) error) error {
	var b store.Batch
	a.mu.Lock()
	if err := f(&b); err != nil {
		a.mu.Unlock()
		return err
	}
	commit := a.cfg.Store.Write(&b)
	a.mu.Unlock()
	if err := commit.Wait(); err != nil {
		return fault.Server(err)
	}
	return nil
}

// answer is what a call returns after a change: its output, or only the error.
func answer[T any](out *T, err error) (*T, error) {
	if err != nil {
		return nil, err
	}
	return out, nil
}

// writeLater writes a change that no caller waits for. If it fails, Store.Failed
// ends the server; there is no one here to tell. The lock is held.
func (a *API) writeLater(b *store.Batch) { _ = a.cfg.Store.Write(b) }

// markDirty has the loop look at a service soon. The lock is held.
func (a *API) markDirty(s *service) {
	if !s.queued {
		s.queued = true
		a.dirty = append(a.dirty, s)
	}
	a.nudge()
}

// lookAgain has the loop look at a service at a time. The lock is held.
func (a *API) lookAgain(s *service, at time.Time) {
	if !s.lookAt.IsZero() && !at.Before(s.lookAt) {
		return // it will be looked at sooner, and decide then
	}
	s.lookAt = at
	heap.Push(&a.timers, wakeup{at, s})
}

func (a *API) nudge() { signal(a.wake) }

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // a token is there already
	}
}

// A wakeup is a service to be looked at again.
type wakeup struct {
	at      time.Time
	service *service
}

// wakeups is a heap, the earliest first. An entry whose time is no longer its
// service's is out of date and skipped.
type wakeups []wakeup

func (w wakeups) Len() int           { return len(w) }
func (w wakeups) Less(i, j int) bool { return w[i].at.Before(w[j].at) }
func (w wakeups) Swap(i, j int)      { w[i], w[j] = w[j], w[i] }
func (w *wakeups) Push(x any)        { *w = append(*w, x.(wakeup)) }
func (w *wakeups) Pop() any {
	last := len(*w) - 1
	x := (*w)[last]
	(*w)[last] = wakeup{}
	*w = (*w)[:last]
	return x
}

// document is the stored form of a value. The values are our own structs and
// the SDK's, which always marshal.
func document(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("ecs: marshal %T: %v", v, err))
	}
	return b
}
