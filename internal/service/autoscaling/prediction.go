package autoscaling

import (
	"time"

	"flyball/scaling"
)

// A prediction is what a policy forecasts: the load, and the capacity that it
// needs whatever the target's bounds. What is encoded is what the store keeps; of
// a prediction that was renewed, the hours until then.
type prediction struct {
	Made     time.Time
	Start    time.Time // of the first hour
	Load     []float64
	Capacity []scaling.Capacity
}

// plan is the prediction as package scaling sees it.
func (f *prediction) plan() scaling.Plan { return scaling.Plan{Start: f.Start, Hours: f.Capacity} }

// until is the prediction without the hours from one on.
func (f *prediction) until(hour time.Time) *prediction {
	n := min(max(int(hour.Sub(f.Start)/time.Hour), 0), len(f.Capacity))
	return &prediction{f.Made, f.Start, f.Load[:n], f.Capacity[:n]}
}
