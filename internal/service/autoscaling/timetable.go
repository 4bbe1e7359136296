package autoscaling

import (
	"time"

	"flyball/governor"
	"flyball/internal/clock"
	"flyball/internal/due"
	"flyball/scaling"
)

// A timetable knows when time alone has something done: a step of a target, or a
// policy's next forecast.
type timetable struct {
	clock    *clock.Clock
	steps    due.Queue[scaling.ResourceID]
	renewals due.Queue[policyID]
}

// plan has a target governed when its time comes, and returns when that is. The
// state's lock is held, so that the last plan is that of the last change.
func (tt *timetable) plan(id scaling.ResourceID, g governor.Governor) (next time.Time) {
	if next = g.Next(tt.clock.Now()); next.IsZero() {
		tt.steps.Drop(id)
	} else {
		tt.steps.Set(id, next)
	}
	return next
}

// planRenewal makes a predictive policy due for its next forecast. Others are
// never due.
func (tt *timetable) planRenewal(p *policy) {
	if p.Predictive == nil {
		return
	}
	renewal := tt.clock.Now()
	if p.prediction != nil {
		renewal = p.prediction.Made.Add(governor.RenewedAfter(p.prediction.Step))
	}
	tt.renewals.Set(p.id(), renewal)
}
