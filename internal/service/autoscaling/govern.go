package autoscaling

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"flyball/alarm"
	"flyball/governor"
	"flyball/internal/service/autoscaling/fault"
	"flyball/internal/state"
	"flyball/scaling"
)

// targetsAtOnce is how many targets are taken from the queue together, and
// governedAtOnce how many of those are governed at the same time. Their writes
// share the store's disk syncs.
const (
	targetsAtOnce  = 1000
	governedAtOnce = 16
)

// retryAfter is when a target is governed again whose capacity could not be seen.
const retryAfter = time.Minute

// patienceReal bounds how long activities may take in real time: tasks start in
// real time however fast the clock runs.
const patienceReal = 2 * time.Minute

// AlarmAction carries out a scaling policy because of an alarm. That nothing is
// to be done is no error; that the service or the alarms cannot be read, or the
// capacity cannot be set, is.
func (h *host) AlarmAction(ctx context.Context, n alarm.Notification) error {
	if n.State != alarm.Alarm {
		return nil // missing data never scales, and being back to normal is no reason to
	}
	var p *policy
	h.state.View(ctx, func() { p = h.rows.policies[n.Action] })
	if p == nil {
		return fmt.Errorf("no scaling policy %s", n.Action)
	}
	return h.govern(ctx, p.ResourceID, &notified{p.Name, n})
}

// governDue governs targets whose time has come.
func (h *host) governDue(ctx context.Context, ids []scaling.ResourceID) {
	var all errgroup.Group
	all.SetLimit(governedAtOnce)
	for _, id := range ids {
		all.Go(func() error {
			if err := h.govern(ctx, id, nil); err != nil && ctx.Err() == nil && !errors.Is(err, errDeregistered) {
				h.log.Warn("a scalable target could not be governed", "target", id, "error", err)
				h.times.steps.Sooner(id, h.now().Add(retryAfter))
			}
			return nil
		})
	}
	_ = all.Wait()
}

// govern makes a step of a target, for an alarm that calls or because its time has
// come, and then those that time makes until the next one is in the future.
func (h *host) govern(ctx context.Context, id scaling.ResourceID, call *notified) error {
	defer h.busy.lock(id)()
	var failures error
	for from := h.now(); ; call = nil {
		t := h.lookup(ctx, id)
		if t == nil {
			return errors.Join(failures, errDeregistered)
		}
		seen, err := h.see(ctx, t, call)
		if err != nil {
			return errors.Join(failures, err)
		}
		if seen.Capacity.Gone {
			return errors.Join(failures, fault.ResourceGone(id), h.forgetGone(ctx, t))
		}
		next, err := h.step(ctx, id, seen)
		failures = errors.Join(failures, err)
		if ctx.Err() != nil || next.IsZero() || next.After(from) {
			return failures
		}
	}
}

// see gathers what a step of a target has to see.
func (h *host) see(ctx context.Context, t *target, call *notified) (governor.Seen, error) {
	seen := governor.Seen{NewID: newID, Patience: h.patience()}
	if call != nil {
		seen.Call = &governor.Call{Policy: call.policy, Alarm: call.Alarm}
	}
	var err error
	if seen.Capacity, err = h.look(ctx, t.ResourceID); err != nil || seen.Capacity.Gone {
		return seen, err
	}
	if governor.Needs(seen.Capacity, seen.Call, t.tracks()) {
		r := alarmReader{alarms: h.alarms, now: h.now(), target: t, call: call, nothingRuns: empty(seen.Capacity)}
		seen.Alarms, err = r.read(ctx)
	}
	return seen, err
}

// patience is how long an activity may take on the server's clock.
func (h *host) patience() time.Duration {
	return max(30*time.Minute, time.Duration(float64(patienceReal)*h.cell.Clock.Speed()))
}

// step makes one step of a target, and sets the capacity that it asks for. What
// the target becomes is queued for the disk before that: the desired count goes
// through the same journal, after it. The caller holds the target's lock. It
// returns when time alone makes the next step.
func (h *host) step(ctx context.Context, id scaling.ResourceID, seen governor.Seen) (next time.Time, err error) {
	var out governor.Outcome
	next, known := h.advance(id, func(g governor.Governor) (next governor.Governor) {
		next, out = g.Step(h.now(), seen)
		return next
	}, &out)
	if !known {
		return next, errDeregistered
	}
	if d := out.Decision; d != nil {
		h.log.Debug("decided", "target", id, "decision", *d)
		if h.decided != nil {
			h.decided(*d)
		}
	}
	if out.Set == nil {
		return next, nil
	}
	failure := h.mayScale(ctx, id, out.Decision)
	if failure == nil {
		failure = h.capacity.Set(ctx, id, out.Set.To)
	}
	if failure != nil && ctx.Err() != nil {
		return next, failure // the server is stopping: the next start sees what has come of it
	}
	out = governor.Outcome{}
	next, _ = h.advance(id, func(g governor.Governor) (next governor.Governor) {
		next, out = g.Done(h.now(), fault.Said(failure))
		return next
	}, &out)
	h.nudge()
	if failure != nil {
		err = fmt.Errorf("set the desired count of %s: %w", id, failure)
	}
	return next, err
}

// mayScale judges whether the role of a target still allows what is decided. It comes
// just before the capacity is set, so that what was taken away is missed at once, and
// the activity tells of it. What the role cannot read is missed then, too: without
// reading there would be no activity to tell.
func (h *host) mayScale(ctx context.Context, id scaling.ResourceID, d *scaling.Decision) error {
	t := h.lookup(ctx, id)
	if t == nil || t.Role == "" {
		return nil
	}
	roles, err := h.roles.open()
	if err != nil {
		return err
	}
	calls := scalingCalls(id)
	if d != nil && d.Alarm != "" {
		calls = append(calls, alarmCall(d.Alarm))
	}
	lack, err := h.roles.lack(ctx, roles, t, calls...)
	if err == nil && lack != "" {
		err = errors.New(lack)
	}
	return err
}

// advance keeps what a target becomes, with what is to be recorded, and plans the
// step that time makes next. It reports whether there is such a target.
func (h *host) advance(id scaling.ResourceID, become func(governor.Governor) governor.Governor, out *governor.Outcome) (next time.Time, known bool) {
	h.state.Later(func(tx *state.Tx) {
		t := h.rows.targets[id]
		if t == nil {
			return
		}
		known = true
		g := become(t.governor())
		if changed := t.become(g); changed != t {
			h.rows.put(tx, changed)
		}
		for _, activity := range out.Records {
			h.activities.record(tx, id, g.Bounds, activity)
		}
		if out.Set == nil { // else what comes of it is planned for
			next = h.times.plan(id, g)
		}
	})
	return next, known
}
