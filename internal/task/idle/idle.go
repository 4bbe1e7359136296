// Package idle runs tasks that do nothing: for measurements and tests of all that
// is around tasks.
package idle

import (
	"context"
	"io"
	"sync"
	"time"

	"flyball/internal/task"
)

// Runtime starts tasks at once, and keeps nothing.
type Runtime struct{}

var _ task.Runtime = Runtime{}

// Name implements task.Runtime.
func (Runtime) Name() string { return "idle" }

// Recover implements task.Runtime.
func (Runtime) Recover(context.Context) ([]task.Task, error) { return nil, nil }

// Close implements task.Runtime.
func (Runtime) Close() error { return nil }

// Start implements task.Runtime.
func (Runtime) Start(_ context.Context, spec task.Spec) (task.Task, error) {
	done := make(chan struct{})
	return &idle{id: spec.ID, done: done, end: sync.OnceFunc(func() { close(done) })}, nil
}

type idle struct {
	id   string
	done chan struct{}
	end  func()
}

func (t *idle) ID() string            { return t.id }
func (t *idle) Address() string       { return "127.0.0.1" }
func (t *idle) Done() <-chan struct{} { return t.done }
func (t *idle) Exits() []task.Exit    { return nil }
func (t *idle) Health() task.Health   { return task.HealthUnknown }
func (t *idle) Remove() error         { return nil }

func (t *idle) Usage(context.Context) (task.Usage, error) { return task.Usage{At: time.Now()}, nil }

func (t *idle) Stop(context.Context) error {
	t.end()
	return nil
}

func (t *idle) Logs(_ context.Context, _ string, opts task.LogOptions) (task.Log, error) {
	return silence{t, opts.Follow}, nil
}

// silence is the log of a task that writes nothing.
type silence struct {
	of     *idle
	follow bool
}

// Next implements task.Log.
func (s silence) Next(ctx context.Context) (task.Line, error) {
	if s.follow {
		select {
		case <-s.of.done:
		case <-ctx.Done():
			return task.Line{}, ctx.Err()
		}
	}
	return task.Line{}, io.EOF
}

// Position implements task.Log.
func (s silence) Position() string { return "" }

// Close implements task.Log.
func (s silence) Close() error { return nil }
