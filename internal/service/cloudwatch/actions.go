package cloudwatch

import (
	"context"
	"fmt"
	"sync"
	"time"

	"flyball/alarm"
	"flyball/internal/store"
)

// maxWorkers is how many actions are under way at a time. Most of their time
// they wait for the disk, which they do together.
const maxWorkers = 64

// A dispatcher carries out actions on goroutines of its own: those of one alarm
// in order, those of different alarms side by side. Its goroutines end when
// there is nothing to do.
type dispatcher struct {
	api *API

	mu      sync.Mutex
	ctx     context.Context // nil before start and after stop
	ready   []*actionQueue  // have something to do, and nobody who does it
	workers int
	idle    sync.WaitGroup
}

// An actionQueue is the actions of one alarm that wait to be carried out.
type actionQueue struct {
	alarm   *record
	pending []action
	taken   bool              // in ready, or with a worker
	failure map[string]string // why an action's last attempt failed, by ARN
}

type action struct {
	alarm.Notification
	updated alarm.Instant // of the alarm's state
	message *string       // for a notification topic
}

// start has actions carried out until ctx ends; stop waits for those under way.
func (d *dispatcher) start(ctx context.Context) (stop func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ctx = ctx
	for range d.ready {
		d.hire()
	}
	return func() {
		d.mu.Lock()
		d.ctx = nil
		d.mu.Unlock()
		d.idle.Wait()
	}
}

// hire starts a worker if there may be another one.
func (d *dispatcher) hire() {
	if d.ctx == nil || d.workers == maxWorkers {
		return
	}
	d.workers++
	ctx := d.ctx
	d.idle.Go(func() { d.work(ctx) })
}

// enqueue adds an action to its alarm's. A repetition is dropped while another
// one waits, for it would tell nothing else.
func (d *dispatcher) enqueue(r *record, n action) {
	d.mu.Lock()
	defer d.mu.Unlock()
	q := r.queue
	if q == nil {
		q = &actionQueue{alarm: r}
		r.queue = q
	}
	if last := len(q.pending) - 1; n.Repeat && last >= 0 && q.pending[last].Action == n.Action {
		return
	}
	q.pending = append(q.pending, n)
	if !q.taken {
		q.taken = true
		d.ready = append(d.ready, q)
		d.hire()
	}
}

// take returns the next action to carry out, from the alarm that waits longest.
func (d *dispatcher) take(done *actionQueue) (*actionQueue, action, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if done != nil {
		if len(done.pending) > 0 {
			d.ready = append(d.ready, done)
		} else {
			done.taken, done.pending = false, nil
		}
	}
	if len(d.ready) == 0 || d.ctx == nil {
		d.workers--
		return nil, action{}, false
	}
	q := d.ready[0]
	d.ready = d.ready[1:]
	n := q.pending[0]
	q.pending = q.pending[1:]
	return q, n, true
}

func (d *dispatcher) work(ctx context.Context) {
	var q *actionQueue
	for {
		next, n, ok := d.take(q)
		if !ok {
			return
		}
		q = next
		d.api.carryOut(ctx, q, n)
	}
}

// fire starts the actions of an alarm's state, or repeats those that are
// scaling policies. The caller holds the lock.
func (a *API) fire(r *record, previous alarm.State, now time.Time, repeat bool, why reason) {
	actions := r.of(r.State)
	if !r.enabled || len(actions) == 0 {
		return
	}
	n := action{updated: r.updated, Notification: alarm.Notification{
		Alarm: r.name, AlarmARN: a.alarmARN(r.name),
		State: r.State, Previous: previous, Repeat: repeat, At: now,
	}}
	n.Reason, n.ReasonData = r.reason()
	if r.composite == nil {
		n.Threshold, n.Comparison = r.metric.rule.Threshold, r.metric.rule.Comparison
		if s, ok := why.(*seen); ok {
			n.Datapoints = s.evidence().Datapoints()
		}
	}
	for _, n.Action = range actions {
		if repeat && !isScaling(n.Action) {
			continue
		}
		n.message = nil
		if isTopic(n.Action) {
			n.message = a.message(r, n.Notification)
		}
		a.actions.enqueue(r, n)
	}
}

// carryOut does an action and tells the alarm's history. A repetition is told
// only if it ended differently from the time before.
func (a *API) carryOut(ctx context.Context, q *actionQueue, n action) {
	failure := ""
	if isScaling(n.Action) {
		if a.Act == nil {
			failure = "Scaling policies are not available."
		} else if err := a.Act(ctx, n.Notification); err != nil {
			failure = err.Error()
		}
	}
	if ctx.Err() != nil && failure != "" {
		return // the server is stopping
	}
	before := q.failure[n.Action]
	if failure != before {
		if q.failure == nil {
			q.failure = map[string]string{}
		}
		q.failure[n.Action] = failure
	} else if n.Repeat {
		return
	}
	b := new(store.Batch)
	a.history.action(b, a, q.alarm, n, failure)
	a.Store.Write(b)
}

// summary is the HistorySummary of an action.
func (n action) summary(failure string) string {
	if failure == "" {
		return fmt.Sprintf("Successfully executed action %s", n.Action)
	}
	return fmt.Sprintf("Failed to execute action %s. Received error: %q", n.Action, failure)
}
