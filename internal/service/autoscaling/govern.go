package autoscaling

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aws/smithy-go"
	"golang.org/x/sync/errgroup"

	"flyball/alarm"
	"flyball/governor"
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

var errDeregistered = errors.New("the scalable target was deregistered")

// AlarmAction carries out a scaling policy because of an alarm. That nothing is
// to be done is no error; that the service or the alarms cannot be read, or the
// capacity cannot be set, is.
func (a *API) AlarmAction(ctx context.Context, n alarm.Notification) error {
	if n.State != alarm.Alarm {
		return nil // missing data never scales, and being back to normal is no reason to
	}
	var id policyID
	var ok bool
	a.state.View(ctx, func() { id, ok = a.rows.policies[n.Action] })
	if !ok {
		return fmt.Errorf("no scaling policy %s", n.Action)
	}
	return a.govern(ctx, id.target, &notified{id.name, n})
}

// notified is an alarm's call for a policy.
type notified struct {
	policy string
	alarm.Notification
}

// governDue governs targets whose time has come.
func (a *API) governDue(ctx context.Context, ids []scaling.ResourceID) {
	var all errgroup.Group
	all.SetLimit(governedAtOnce)
	for _, id := range ids {
		all.Go(func() error {
			if err := a.govern(ctx, id, nil); err != nil && ctx.Err() == nil && !errors.Is(err, errDeregistered) {
				a.log.Warn("a scalable target could not be governed", "target", id, "error", err)
				a.timed.Sooner(id, a.now().Add(retryAfter))
			}
			return nil
		})
	}
	_ = all.Wait()
}

// govern makes a step of a target, for an alarm that calls or because its time has
// come, and then those that time makes until the next one is in the future.
func (a *API) govern(ctx context.Context, id scaling.ResourceID, call *notified) error {
	defer a.busy.lock(id)()
	var failures error
	for from := a.now(); ; call = nil {
		t := a.lookup(ctx, id)
		if t == nil {
			return errors.Join(failures, errDeregistered)
		}
		seen, err := a.see(ctx, t, call)
		if err != nil {
			return errors.Join(failures, err)
		}
		if seen.Capacity.Gone {
			return errors.Join(failures, serviceGone(id), a.ServiceDeleted(ctx, id))
		}
		next, err := a.step(ctx, id, seen)
		failures = errors.Join(failures, err)
		if ctx.Err() != nil || next.IsZero() || next.After(from) {
			return failures
		}
	}
}

// see gathers what a step of a target has to see.
func (a *API) see(ctx context.Context, t *target, call *notified) (governor.Seen, error) {
	seen := governor.Seen{NewID: newID, Patience: a.patience()}
	if call != nil {
		seen.Call = &governor.Call{Policy: call.policy, Alarm: call.Alarm}
	}
	var err error
	if seen.Capacity, err = a.look(ctx, t.ResourceID); err != nil || seen.Capacity.Gone {
		return seen, err
	}
	if t.governor().Needs(seen.Capacity, seen.Call) {
		r := reader{api: a, now: a.now(), target: t, call: call, nothingRuns: seen.Capacity.Running == 0 && seen.Capacity.Desired == 0}
		seen.Alarms, err = r.read(ctx)
	}
	return seen, err
}

// look is the capacity of a resource.
func (a *API) look(ctx context.Context, id scaling.ResourceID) (governor.Capacity, error) {
	seen, err := a.cfg.Capacity.Look(ctx, []scaling.ResourceID{id})
	if err != nil {
		return governor.Capacity{}, internal(err)
	}
	return seen[0], nil
}

func (a *API) patience() time.Duration {
	return max(30*time.Minute, time.Duration(float64(patienceReal)*a.cell.Clock.Speed()))
}

// step makes one step of a target, and sets the capacity that it asks for. What
// the target becomes is written before that. The caller holds the target's lock.
// It returns when time alone makes the next step.
func (a *API) step(ctx context.Context, id scaling.ResourceID, seen governor.Seen) (next time.Time, err error) {
	var out governor.Outcome
	next, known := a.advance(id, func(g governor.Governor) (next governor.Governor) {
		next, out = g.Step(a.now(), seen)
		return next
	}, &out)
	if !known {
		return next, errDeregistered
	}
	if d := out.Decision; d != nil {
		a.log.Debug("decided", "target", id, "decision", *d)
	}
	if out.Set == nil {
		return next, nil
	}
	failure := a.cfg.Capacity.Set(ctx, id, out.Set.To)
	if failure != nil && ctx.Err() != nil {
		return next, failure // the server is stopping: the next start sees what has come of it
	}
	out = governor.Outcome{}
	next, _ = a.advance(id, func(g governor.Governor) (next governor.Governor) {
		next, out = g.Done(a.now(), said(failure))
		return next
	}, &out)
	a.nudge()
	if failure != nil {
		err = fmt.Errorf("set the desired count of %s: %w", id, failure)
	}
	return next, err
}

// advance keeps what a target becomes, with what is to be recorded, and plans the
// step that time makes next. It reports whether there is such a target.
func (a *API) advance(id scaling.ResourceID, become func(governor.Governor) governor.Governor, out *governor.Outcome) (next time.Time, known bool) {
	a.state.Later(func(tx *state.Tx) {
		t := a.rows.targets[id]
		if t == nil {
			return
		}
		known = true
		t = t.become(become(t.governor()))
		if t != a.rows.targets[id] {
			a.rows.put(tx, t)
		}
		for _, activity := range out.Records {
			putActivity(tx, id, activity)
			tx.After(func() { a.tell(id, activity) })
		}
		if out.Set == nil { // else what comes of it is planned for
			next = a.plan(t)
		}
	})
	return next, known
}

// lookup is a target, or nil.
func (a *API) lookup(ctx context.Context, id scaling.ResourceID) (t *target) {
	a.state.View(ctx, func() { t = a.rows.targets[id] })
	return t
}

// plan has a target governed when its time comes. The state's lock is held, so
// that the last plan is that of the last change.
func (a *API) plan(t *target) (next time.Time) {
	if next = t.governor().Next(a.now()); next.IsZero() {
		a.timed.Drop(t.ResourceID)
	} else {
		a.timed.Set(t.ResourceID, next)
	}
	return next
}

// replan has a target governed when the time of what it is now has come.
func (a *API) replan(id scaling.ResourceID) {
	a.state.View(context.Background(), func() {
		if t := a.rows.targets[id]; t != nil {
			a.plan(t)
		} else {
			a.timed.Drop(id)
		}
	})
}

// governor is the target as a value that decides.
func (t *target) governor() governor.Governor {
	g := governor.Governor{Bounds: t.bounds(), Suspended: t.Suspended, State: t.State}
	if len(t.policies) > 0 {
		g.Policies = make([]governor.Policy, len(t.policies))
	}
	for i, p := range t.policies {
		g.Policies[i] = p.governed()
	}
	if len(t.actions) > 0 {
		g.Schedules = make([]governor.Schedule, len(t.actions))
	}
	for i, c := range t.actions {
		g.Schedules[i] = governor.Schedule{Name: c.Name, Times: c.schedule, Change: c.change(), Created: c.Created, Done: c.Done, Next: c.next}
	}
	return g
}

// bounds are those that the target was registered with, or that a schedule or a
// forecast has set.
func (t *target) bounds() scaling.Bounds {
	b, err := scaling.NewBounds(t.Min, t.Max)
	if err != nil {
		panic(err) // checked when it was registered
	}
	return b
}

// become is the target after a step: itself where nothing has changed.
func (t *target) become(g governor.Governor) *target {
	next := *t
	if g.Bounds != t.bounds() || g.Suspended != t.Suspended || !sameState(g.State, t.State) {
		changed := *t.row
		changed.Min, changed.Max = int32(g.Bounds.Min()), int32(g.Bounds.Max())
		changed.Suspended, changed.State = g.Suspended, g.State
		next.row = &changed
	}
	for i, p := range g.Policies {
		if changed := t.policies[i].become(p); changed != t.policies[i] {
			next.policies = with(next.policies, changed, (*policy).named)
		}
	}
	for i, s := range g.Schedules {
		if c := t.actions[i]; !s.Done.Equal(c.Done) {
			changed := *c
			changed.Done, changed.next = s.Done, s.Next
			next.actions = with(next.actions, &changed, (*action).named)
		}
	}
	if next.row == t.row && slices.Equal(next.policies, t.policies) && slices.Equal(next.actions, t.actions) {
		return t
	}
	return &next
}

func sameState(a, b governor.State) bool {
	return a.Activity == b.Activity && a.Before == b.Before &&
		a.Outside == b.Outside && a.Below == b.Below && a.Empty == b.Empty && a.Emptied.Equal(b.Emptied) &&
		maps.Equal(a.Held, b.Held)
}

// said is what a failing call said, without the SDK's wrapping.
func said(err error) error {
	var api smithy.APIError
	if errors.As(err, &api) {
		return fmt.Errorf("%s: %s", api.ErrorCode(), api.ErrorMessage())
	}
	return err
}
