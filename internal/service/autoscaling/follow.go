package autoscaling

import (
	"context"
	"maps"
	"slices"
	"time"

	"flyball/governor"
	"flyball/scaling"
)

// fastestLook is how often the world is looked at at most, on the wall clock,
// however fast the server's clock is.
const fastestLook = 50 * time.Millisecond

// followLoop looks at every service with an activity until it has ended, once in
// each second of the clock: in its middle, for much else happens on full seconds.
func (a *API) followLoop(ctx context.Context) {
	for a.until(ctx, time.Second, time.Second/2) {
		if a.follow(ctx) {
			continue
		}
		select { // there is nothing to follow until there is an activity
		case <-ctx.Done():
			return
		case <-a.wake:
		}
	}
}

// nudge tells that there is something to follow.
func (a *API) nudge() {
	select {
	case a.wake <- struct{}{}:
	default: // it is told already
	}
}

// follow looks once, and reports whether there was an activity. A service that
// cannot be looked at now is left for the next time.
func (a *API) follow(ctx context.Context) bool {
	var ids []scaling.ResourceID
	a.state.View(ctx, func() { ids = slices.Collect(maps.Keys(a.rows.following)) })
	now, patience := a.now(), a.patience()
	a.stepAll(ctx, ids, func(t *target, c governor.Capacity) bool {
		_, out := t.governor().Step(now, governor.Seen{Capacity: c, NewID: newID, Patience: patience})
		return len(out.Records) > 0
	})
	return len(ids) > 0
}

// stepAll looks at targets, and makes a step for those that a function picks.
func (a *API) stepAll(ctx context.Context, ids []scaling.ResourceID, picks func(*target, governor.Capacity) bool) {
	for batch := range slices.Chunk(ids, targetsAtOnce) {
		seen, err := a.cfg.Capacity.Look(ctx, batch)
		if err != nil {
			a.log.Debug("services could not be looked at", "error", err)
			continue
		}
		for i, id := range batch {
			if t := a.lookup(ctx, id); t != nil && picks(t, seen[i]) {
				a.stepAgain(ctx, id)
			}
		}
	}
}

// stepAgain makes a step of a target for what its capacity is now. It looks again,
// since an alarm may have changed everything meanwhile. A target that is just
// being governed waits for the next time.
func (a *API) stepAgain(ctx context.Context, id scaling.ResourceID) {
	unlock, free := a.busy.try(id)
	if !free {
		return
	}
	defer unlock()
	capacity, err := a.look(ctx, id)
	if err == nil {
		_, err = a.step(ctx, id, governor.Seen{Capacity: capacity, NewID: newID, Patience: a.patience()})
	}
	if err != nil && ctx.Err() == nil {
		a.log.Debug("an activity could not be followed", "target", id, "error", err)
	}
}

// findEmpty notices the targets that have lost their last task. With none there
// may be no alarm that calls, so that demand is looked for from then on.
func (a *API) findEmpty(ctx context.Context) {
	var ids []scaling.ResourceID
	a.state.View(ctx, func() {
		for id, t := range a.rows.targets {
			if !t.Empty && slices.ContainsFunc(t.policies, func(p *policy) bool { return p.Tracking != nil }) {
				ids = append(ids, id)
			}
		}
	})
	a.stepAll(ctx, ids, func(_ *target, c governor.Capacity) bool { return !c.Gone && c.Desired == 0 && c.Running == 0 })
}

// every calls a function in the middle of each interval of the clock, such as each
// minute.
func (a *API) every(ctx context.Context, interval time.Duration, do func(context.Context)) {
	for a.until(ctx, interval, interval/2) {
		do(ctx)
	}
}

// until waits for the next time that is at a place in an interval of the clock. It
// reports false when ctx ends before.
func (a *API) until(ctx context.Context, interval, place time.Duration) bool {
	now := a.now()
	next := now.Add(-place).Truncate(interval).Add(interval + place)
	timer := time.NewTimer(max(a.cell.Clock.Real(next.Sub(now)), fastestLook))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
