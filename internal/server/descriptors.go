package server

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"flyball/internal/descriptors"
	"flyball/internal/task"
)

// roomy starts the tasks of a runtime only while there are descriptors for them, beside
// those of calls and of the server itself.
func (s *Server) roomy(r task.Runtime) task.Runtime {
	if _, ok := r.(interface{ StartsAtOnce() int }); ok {
		return r // its tasks take none, or none of this machine
	}
	bounded := roomy{r, s.reserve}
	if from, ok := r.(task.Puller); ok {
		return struct {
			roomy
			task.Puller
		}{bounded, from}
	}
	return bounded
}

type roomy struct {
	task.Runtime
	reserve *descriptors.Reserve
}

// startTakes is how long the start of a task takes more descriptors than the task does:
// its containers may then wait for each other for minutes.
const startTakes = 5 * time.Second

// Start implements task.Runtime. The reason why a task does not start is shown to users.
func (r roomy) Start(ctx context.Context, spec task.Spec) (task.Task, error) {
	leave, err := r.reserve.Enter(ctx)
	if err != nil {
		return nil, noRoom(err)
	}
	leave = sync.OnceFunc(leave)
	defer leave()
	defer time.AfterFunc(startTakes, leave).Stop()
	started, err := r.Runtime.Start(ctx, spec)
	return started, noRoom(err)
}

// noRoom says of errors for want of descriptors what mends them, and that the task is not to blame.
func noRoom(err error) error {
	if errors.Is(err, descriptors.ErrShort) || descriptors.Exhausted(err) {
		return fmt.Errorf("%w: %w; stop tasks, or start the server with a higher limit", task.ErrNoRoom, err)
	}
	return err
}
