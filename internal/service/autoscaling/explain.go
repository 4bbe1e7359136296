package autoscaling

import (
	"context"

	"flyball/governor"
	"flyball/scaling"
)

// Explain tells what the alarms of a target see now, what was done last and why,
// and what would have to happen for the next scale-out and scale-in. It changes
// nothing.
func (a *API) Explain(ctx context.Context, resourceID string) (governor.Explanation, error) {
	id := scaling.ResourceID(resourceID)
	t := a.lookup(ctx, id)
	if t == nil {
		return governor.Explanation{}, targetNotFound(namespace, resourceID, dimension)
	}
	seen := governor.Seen{}
	var err error
	if seen.Capacity, err = a.look(ctx, id); err != nil {
		return governor.Explanation{}, err
	}
	if seen.Capacity.Gone {
		return governor.Explanation{}, serviceGone(id)
	}
	now := a.now()
	r := reader{api: a, now: now, target: t, thorough: true, nothingRuns: seen.Capacity.Running == 0 && seen.Capacity.Desired == 0}
	if seen.Alarms, err = r.read(ctx); err != nil {
		return governor.Explanation{}, err
	}
	e := t.governor().Explain(now, seen)
	e.Resource = id
	if e.Last, err = a.lastActivity(resourceID); err != nil {
		return e, internal(err)
	}
	return e, nil
}
