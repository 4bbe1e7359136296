package autoscaling

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"flyball/governor"
	"flyball/scaling"
)

// fastestLook is how often the world is looked at at most, on the wall clock,
// however fast the server's clock is.
const fastestLook = 50 * time.Millisecond

// run governs targets as time passes, and forgets old activities, until ctx ends.
func (h *host) run(ctx context.Context) {
	var loops sync.WaitGroup
	clk := h.cell.Clock
	clk.Go(ctx, &loops, func(ctx context.Context) { h.times.steps.Run(ctx, clk, targetsAtOnce, h.governDue) })
	clk.Go(ctx, &loops, h.followLoop)
	clk.Go(ctx, &loops, func(ctx context.Context) { h.every(ctx, time.Minute, h.findEmpty) })
	clk.Go(ctx, &loops, func(ctx context.Context) { h.every(ctx, time.Hour, h.activities.purge) })
	clk.Idle(ctx, loops.Wait)
}

// followLoop looks at every service with an activity until it has ended, once in
// each second of the clock: in its middle, for much else happens on full seconds.
func (h *host) followLoop(ctx context.Context) {
	for h.until(ctx, time.Second, time.Second/2) {
		if h.follow(ctx) {
			continue
		}
		h.cell.Clock.Wait(ctx, time.Time{}, h.wake) // there is nothing to follow until there is an activity
	}
}

// follow looks once, and reports whether there was an activity. A service that
// cannot be looked at now is left for the next time.
func (h *host) follow(ctx context.Context) bool {
	var ids []scaling.ResourceID
	h.state.View(ctx, func() { ids = slices.Collect(maps.Keys(h.rows.following)) })
	now, patience := h.now(), h.patience()
	h.stepAll(ctx, ids, func(t *target, c governor.Capacity) bool {
		_, out := t.governor().Step(now, governor.Seen{Capacity: c, NewID: newID, Patience: patience})
		return len(out.Records) > 0
	})
	return len(ids) > 0
}

// stepAll looks at targets, and makes a step for those that a function picks.
func (h *host) stepAll(ctx context.Context, ids []scaling.ResourceID, picks func(*target, governor.Capacity) bool) {
	for batch := range slices.Chunk(ids, targetsAtOnce) {
		seen, err := h.capacity.Look(ctx, batch)
		if err != nil {
			h.log.Debug("services could not be looked at", "error", err)
			continue
		}
		for i, id := range batch {
			if t := h.lookup(ctx, id); t != nil && picks(t, seen[i]) {
				h.stepAgain(ctx, id)
			}
		}
	}
}

// stepAgain makes a step of a target for what its capacity is now. It looks again,
// since an alarm may have changed everything meanwhile. A target that is just
// being governed waits for the next time.
func (h *host) stepAgain(ctx context.Context, id scaling.ResourceID) {
	unlock, free := h.busy.try(id)
	if !free {
		return
	}
	defer unlock()
	capacity, err := h.look(ctx, id)
	if err == nil {
		_, err = h.step(ctx, id, governor.Seen{Capacity: capacity, NewID: newID, Patience: h.patience()})
	}
	if err != nil && ctx.Err() == nil {
		h.log.Debug("an activity could not be followed", "target", id, "error", err)
	}
}

// findEmpty notices the targets that have lost their last task. With none there
// may be no alarm that calls, so that demand is looked for from then on.
func (h *host) findEmpty(ctx context.Context) {
	var ids []scaling.ResourceID
	h.state.View(ctx, func() {
		for id, t := range h.rows.targets {
			if !t.Empty && t.tracks() {
				ids = append(ids, id)
			}
		}
	})
	h.stepAll(ctx, ids, func(_ *target, c governor.Capacity) bool { return empty(c) })
}

// every calls a function in the middle of each interval of the clock, such as each
// minute.
func (h *host) every(ctx context.Context, interval time.Duration, do func(context.Context)) {
	for h.until(ctx, interval, interval/2) {
		do(ctx)
	}
}

// until waits for the next time that is at a place in an interval of the clock. It
// reports false when ctx ends before.
func (h *host) until(ctx context.Context, interval, place time.Duration) bool {
	clk, began := h.cell.Clock, time.Now()
	if !clk.Wait(ctx, h.now().Add(-place).Truncate(interval).Add(interval+place), nil) {
		return false
	}
	return clk.Pause(ctx, fastestLook-time.Since(began))
}
