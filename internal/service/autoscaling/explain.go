package autoscaling

import (
	"context"
	"fmt"

	"flyball/scaling"
)

// An Explanation says how a target stands and what it did last.
type Explanation struct {
	ResourceID string            `json:"resourceId"`
	Last       *scaling.Activity `json:"lastActivity,omitempty"` // nil: it has not scaled in the last six weeks
	Scheduled  *ScheduledRun     `json:"scheduled,omitempty"`    // nil: no scheduled action has a run left
	Floor      scaling.Floor     `json:"floor,omitzero"`         // of predictive scaling, now
	Forecast   []ForecastHour    `json:"forecast,omitempty"`     // what each predictive policy forecasts next
	scaling.Explanation
}

// Explain tells what the alarms of a target see now, what was done last and
// why, and what would have to happen for the next scale-out and scale-in.
func (a *API) Explain(ctx context.Context, resourceID string) (Explanation, error) {
	e := Explanation{ResourceID: resourceID}
	t := a.lookup(resourceID)
	if t == nil {
		return e, targetNotFound(namespace, resourceID, dimension)
	}
	seen, err := a.look(ctx, t, nil, true)
	if err != nil {
		return e, unwrapGone(err)
	}
	if e.Last, err = a.lastActivity(resourceID); err != nil {
		return e, internal(err)
	}
	a.mu.Lock()
	engine := t.engine()
	engine.Floor = t.floor(a.now())
	e.Floor, e.Forecast = engine.Floor, t.nextHours(a.now())
	e.Scheduled = t.nextRun()
	a.mu.Unlock()
	e.Explanation = scaling.Explain(a.now(), engine, seen)
	return e, nil
}

// String tells the explanation as lines of text.
func (e Explanation) String() string {
	text := fmt.Sprintf("target     %s\n%s", e.ResourceID, e.Explanation)
	if r := e.Scheduled; r != nil {
		text += fmt.Sprintf("scheduled  %s %s sets %s", r.At.Format("2006-01-02 15:04:05"), r.Action, scaling.BoundsChange{Min: r.Min, Max: r.Max})
		if e.Suspended.Scheduled {
			text += ", unless scheduled scaling is still suspended"
		}
		text += "\n"
	}
	if e.Floor.Capacity > 0 {
		text += fmt.Sprintf("floor      %s\n", e.Floor)
	}
	for _, f := range e.Forecast {
		text += fmt.Sprintf("forecast   %s", f)
		if e.Suspended.Out && !f.At.IsZero() {
			text += ", unless scale-out is still suspended"
		}
		text += "\n"
	}
	if e.Last == nil {
		return text + "last       nothing was scaled in the last six weeks\n"
	}
	return text + fmt.Sprintf("last       %s %s (%s): %s\n", e.Last.Start.Format("2006-01-02 15:04:05"), e.Last.Description, e.Last.Status, e.Last.Details)
}
