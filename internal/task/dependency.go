package task

import (
	"context"
	"fmt"
	"time"
)

// A Dependency is what a container waits for before it is started.
type Dependency struct {
	Container string
	Condition Condition
}

// A Condition is how far another container has to have come.
type Condition string

// The conditions, in ECS's words.
const (
	Started   Condition = "START"    // it has been started
	Completed Condition = "COMPLETE" // it has ended
	Succeeded Condition = "SUCCESS"  // it has ended with exit code 0
	IsHealthy Condition = "HEALTHY"  // its health check has passed
)

// Progress tells how far a container has come.
type Progress struct {
	Started chan struct{} // closed when it has been started
	Healthy chan struct{} // closed when its health check has passed for the first time
	Ended   chan struct{} // closed when it has ended, or will never be started
}

// NewProgress is that of a container that has not been started.
func NewProgress() Progress {
	return Progress{make(chan struct{}), make(chan struct{}), make(chan struct{})}
}

// Settled returns when the container has been started, or will never be.
func (p Progress) Settled() {
	select {
	case <-p.Started:
	case <-p.Ended:
	}
}

// A Peer is another container of the same task, as those that depend on it see it.
type Peer struct {
	Container
	Progress
	Exit func() Exit // how it ended, once it has
}

// Await returns nil when all that a container depends on has come as far as it
// wants, or how the container ends instead of being started: ctx has ended, or a
// dependency never comes so far or not within its start timeout.
func Await(ctx context.Context, c Container, peer func(name string) Peer) *Exit {
	for _, d := range c.DependsOn {
		on := peer(d.Container)
		why := d.await(ctx, on)
		if why == "" {
			continue
		}
		// The code is the one that the container agent of ECS gives it.
		exit := &Exit{Container: c.Name, Code: 143, Known: true, Reason: fmt.Sprintf(
			"CannotStartContainerError: dependency graph: failed to resolve container ordering dependency [%s] for target [%s] as %s", d.Container, c.Name, why)}
		if closed(on.Ended) {
			exit.Err = on.Exit().Err
		}
		return exit
	}
	return nil
}

// await returns why the condition will not be met, or "" when it is.
func (d Dependency) await(ctx context.Context, on Peer) string {
	var timeout <-chan time.Time
	if on.StartTimeout > 0 {
		timer := time.NewTimer(on.StartTimeout)
		defer timer.Stop()
		timeout = timer.C
	}
	reached := map[Condition]chan struct{}{
		Started: on.Started, Completed: on.Ended, Succeeded: on.Ended, IsHealthy: on.Healthy,
	}[d.Condition]
	select {
	case <-reached:
	case <-on.Ended:
	case <-timeout:
		return "dependency timed out"
	case <-ctx.Done():
		return "the task is being stopped"
	}
	switch {
	case !closed(on.Started):
		return "dependency was not started"
	case !closed(reached):
		return "dependency ended before it was healthy"
	case d.Condition == Succeeded && (!on.Exit().Known || on.Exit().Code != 0):
		return "dependency did not exit successfully"
	}
	return ""
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// Dependants are the indices of the containers that depend on one, and are
// stopped before it.
func Dependants(containers []Container, name string) []int {
	var found []int
	for i, c := range containers {
		for _, d := range c.DependsOn {
			if d.Container == name {
				found = append(found, i)
				break
			}
		}
	}
	return found
}
