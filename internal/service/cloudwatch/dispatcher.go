package cloudwatch

import (
	"context"
	"slices"
	"sync"

	"flyball/alarm"
	"flyball/internal/clock"
	"flyball/internal/deliver"
)

// maxWorkers is how many actions are under way at a time. Most of their time
// they wait for the disk, which they do together.
const maxWorkers = 64

// A dispatcher carries out actions on goroutines of its own: those of one alarm
// in order, those of different alarms side by side. Its goroutines end when
// there is nothing to do.
type dispatcher struct {
	clock  *clock.Clock
	router *deliver.Router
	done   func(j *job, failure string) // is told how an action ended, if that is news

	mu      sync.Mutex
	ctx     context.Context // nil before start and after stop
	ready   []*jobQueue     // have a job that no worker does
	workers int
	idle    sync.WaitGroup
}

// A jobQueue is the jobs of one alarm that wait.
type jobQueue struct {
	pending []*job
	taken   bool              // in ready, or with a worker
	failure map[string]string // why an action's last attempt failed, by ARN
}

// A job is an action that an alarm calls for.
type job struct {
	alarm.Notification
	entry   *entry
	updated alarm.Instant // of the alarm's state
	message *string       // as a notification topic gets it
}

// start has actions carried out until ctx ends; stop waits for those under way.
func (d *dispatcher) start(ctx context.Context) (stop func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ctx = ctx
	d.startWorkers()
	return func() {
		d.mu.Lock()
		d.ctx = nil
		d.mu.Unlock()
		d.idle.Wait()
	}
}

// startWorkers starts a worker for each alarm that waits, as far as there may be.
func (d *dispatcher) startWorkers() {
	for range d.ready {
		if d.ctx == nil || d.workers == maxWorkers {
			return
		}
		d.workers++
		d.clock.Go(d.ctx, &d.idle, d.work)
	}
}

// wake has the jobs done that were enqueued.
func (d *dispatcher) wake() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.startWorkers()
}

// enqueue adds a job to its alarm's, in the order of the changes that call for them;
// wake, once the change has succeeded, has it done. A repetition is dropped while
// another one waits, for it would tell nothing else.
func (d *dispatcher) enqueue(j *job) {
	d.mu.Lock()
	defer d.mu.Unlock()
	q := j.entry.jobs
	if q == nil {
		q = &jobQueue{}
		j.entry.jobs = q
	}
	if last := len(q.pending) - 1; j.Repeat && last >= 0 && q.pending[last].Action == j.Action {
		return
	}
	q.pending = append(q.pending, j)
	if !q.taken {
		q.taken = true
		d.ready = append(d.ready, q)
	}
}

// withdraw takes a job back that no worker has begun.
func (d *dispatcher) withdraw(j *job) {
	d.mu.Lock()
	defer d.mu.Unlock()
	q := j.entry.jobs
	q.pending = slices.DeleteFunc(q.pending, func(other *job) bool { return other == j })
}

// next returns the next job to do, of the alarm that waits longest. A worker that
// has done one gives the queue back that it was of.
func (d *dispatcher) next(done *jobQueue) (*jobQueue, *job) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if done != nil {
		d.ready = append(d.ready, done)
	}
	for len(d.ready) > 0 && d.ctx != nil {
		q := d.ready[0]
		d.ready = d.ready[1:]
		if len(q.pending) > 0 {
			j := q.pending[0]
			q.pending = q.pending[1:]
			return q, j
		}
		q.taken, q.pending = false, nil
	}
	d.workers--
	return nil, nil
}

func (d *dispatcher) work(ctx context.Context) {
	q, j := d.next(nil)
	for j != nil {
		d.carryOut(ctx, q, j)
		q, j = d.next(q)
	}
}

// carryOut does a job, and tells how it ended. A repetition is told only if it
// ended differently from the time before.
func (d *dispatcher) carryOut(ctx context.Context, q *jobQueue, j *job) {
	failure := d.deliver(ctx, j.Notification)
	if ctx.Err() != nil && failure != "" {
		return // the server is stopping
	}
	before := q.failure[j.Action]
	if failure != before {
		if q.failure == nil {
			q.failure = map[string]string{}
		}
		q.failure[j.Action] = failure
	} else if j.Repeat {
		return
	}
	d.done(j, failure)
}

// deliver hands an action to whoever takes it, and returns why it failed, or "".
// What nobody takes is in the history alone, unless it scales.
func (d *dispatcher) deliver(ctx context.Context, n alarm.Notification) string {
	switch {
	case d.router != nil && d.router.Takes(serviceOf(n.Action)):
		if err := d.router.Deliver(ctx, n.Action, n); err != nil {
			return err.Error()
		}
	case isScaling(n.Action):
		return "Scaling policies are not available."
	}
	return ""
}
