package ecs

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/store"
	runtime "flyball/internal/task"
)

// Adopt settles which of the tasks that were alive in the server's last life
// still are. Found is what the runtime has recovered, by ID. Adopt takes out of it
// what it knows: tasks that run are driven on by Run, and of stopped ones the
// logs are kept. A task that is not found has stopped. What is left in found when
// all who share the runtime have adopted is nobody's.
func (a *API) Adopt(found map[string]runtime.Task) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var b store.Batch
	now := a.now()
	for _, t := range a.unconfirmed {
		if handle, alive := found[t.id]; alive {
			a.resume(t, handle, &b, now)
		} else {
			a.lost(t, now)
			t.save(&b)
		}
		delete(found, t.id)
	}
	a.unconfirmed = nil
	for _, c := range a.clusters {
		for id, handle := range found {
			if t := c.tasks[id]; t != nil {
				t.handle = handle // its logs are kept as long as the task is remembered
				delete(found, id)
			}
		}
	}
	a.writeLater(&b)
}

// resume takes up a task that has been running all the time. The lock is held.
func (a *API) resume(t *task, handle runtime.Task, b *store.Batch, now time.Time) {
	t.handle, t.resumed = handle, true
	a.measure(t)
	a.undriven = append(a.undriven, t)
	if t.api.StartedAt != nil {
		return
	}
	// It was started, but that was not written down.
	t.api.StartedAt = aws.Time(now)
	t.setStatus(statusRunning)
	t.setAttachment("ATTACHED", handle.Address())
	t.connect(handle.Address())
	t.setContainers(func(c *types.Container) { c.LastStatus = aws.String(statusRunning) })
	t.save(b)
}

// lost ends a task that did not survive. It is not counted as a failure of the
// task. The lock is held.
func (a *API) lost(t *task, now time.Time) {
	if !t.askedToStop() {
		t.api.DesiredStatus = aws.String(statusStopped)
		t.api.StopCode = stopShutdown
		t.api.StoppedReason = aws.String("The task did not survive a restart of the server.")
		t.api.StoppingAt = aws.Time(now)
	}
	a.retire(t, now)
}
