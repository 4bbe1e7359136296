package autoscaling

import (
	"context"

	"flyball/governor"
	"flyball/internal/service/autoscaling/fault"
	"flyball/internal/service/autoscaling/rules"
	"flyball/scaling"
)

// Explain tells what the alarms of a target see now, what was done last and why,
// and what would have to happen for the next scale-out and scale-in. It changes
// nothing.
func (h *host) Explain(ctx context.Context, resourceID string) (governor.Explanation, error) {
	id := scaling.ResourceID(resourceID)
	t := h.lookup(ctx, id)
	if t == nil {
		return governor.Explanation{}, fault.TargetNotFound(rules.Key(id))
	}
	seen := governor.Seen{}
	var err error
	if seen.Capacity, err = h.look(ctx, id); err != nil {
		return governor.Explanation{}, err
	}
	if seen.Capacity.Gone {
		return governor.Explanation{}, fault.ResourceGone(id)
	}
	now := h.now()
	r := alarmReader{alarms: h.alarms, now: now, target: t, thorough: true, nothingRuns: empty(seen.Capacity)}
	if seen.Alarms, err = r.read(ctx); err != nil {
		return governor.Explanation{}, err
	}
	e := t.governor().Explain(now, seen)
	e.Resource = id
	if e.Last, err = h.activities.last(resourceID); err != nil {
		return e, fault.Internal(err)
	}
	return e, nil
}
