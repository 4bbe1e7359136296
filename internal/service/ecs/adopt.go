package ecs

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/state"
	runtime "flyball/internal/task"
)

// Adopt settles which of the tasks that were alive in the server's last life
// still are. Found is what the runtime has recovered, by ID. Adopt takes out of it
// what it knows: tasks that run are driven on by Run, and of stopped ones the
// logs are kept. A task that is not found has stopped. What is left in found when
// all who share the runtime have adopted is nobody's.
func (a *API) Adopt(found map[string]runtime.Task) {
	addresses := make(map[string]string, len(found))
	for id, handle := range found {
		addresses[id] = handle.Address()
	}
	a.cell.State.Later(func(tx *state.Tx) {
		now := a.now()
		for _, t := range a.unconfirmed {
			if handle, alive := found[t.id]; alive {
				a.resume(tx, t, handle, addresses[t.id], now)
			} else {
				a.lose(tx, t, now)
			}
			delete(found, t.id)
		}
		a.unconfirmed = nil
		for _, c := range a.clusters {
			for id, handle := range found {
				if t := c.tasks[id]; t != nil {
					t.handle = handle // its logs are kept as long as the task is remembered
					a.followLogs(t, handle)
					delete(found, id)
				}
			}
		}
	})
}

// resume takes up a task that has been running all the time.
func (a *API) resume(tx *state.Tx, t *task, handle runtime.Task, address string, now time.Time) {
	t.handle, t.address = handle, address
	a.followLogs(t, handle)
	a.measure(t, mark{}) // what it has used so far is not known
	a.undriven.Set(t, now)
	switch {
	case t.api.StartedAt != nil:
		t.steady = t.view(a.virtual).Ready(now) // it was counted as ready already
		return
	case t.attached():
		return // it waits for its target groups to be RUNNING
	}
	// It was started, but that was not written down.
	a.attach(t, handle, address)
	t.setContainers(func(c *types.Container) { c.LastStatus = aws.String(statusRunning) })
	if t.balancing.several() {
		t.setStatus(statusActivating)
	} else {
		t.api.StartedAt = aws.Time(now)
		t.setStatus(statusRunning)
	}
	a.changed(tx, t)
}

// lose ends a task that did not survive. It is not counted as a failure of the
// task.
func (a *API) lose(tx *state.Tx, t *task, now time.Time) {
	if !t.askedToStop() {
		t.api.DesiredStatus = aws.String(statusStopped)
		t.api.StopCode = stopShutdown
		t.api.StoppedReason = aws.String("The task did not survive a restart of the server.")
		t.api.StoppingAt = aws.Time(now)
	}
	a.end(tx, t, now)
}
