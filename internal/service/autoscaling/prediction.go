package autoscaling

import (
	"slices"
	"time"

	"flyball/scaling"
)

// A prediction is what a policy forecasts: the load, and the capacity that it
// needs whatever the target's bounds. What is encoded is what the store keeps; of
// a prediction that was renewed, the hours until then.
type prediction struct {
	Made     time.Time
	Start    time.Time // of the first hour
	Load     []float64 // of each hour
	Capacity []scaling.Capacity
	Step     time.Duration `json:",omitzero"` // for which there is a capacity each; 0: an hour
}

// plan is the prediction as package scaling sees it.
func (f *prediction) plan() scaling.Plan {
	return scaling.Plan{Start: f.Start, Step: f.Step, Steps: f.Capacity}
}

// perHour is for how many steps of an hour there is a capacity each.
func (f *prediction) perHour() int {
	if f.Step == 0 {
		return 1
	}
	return int(time.Hour / f.Step)
}

// capacityOf is what an hour needs: the most of its steps.
func (f *prediction) capacityOf(hour int) scaling.Capacity {
	n := f.perHour()
	return slices.Max(f.Capacity[hour*n : hour*n+n])
}

// until is the prediction without the hours from one on.
func (f *prediction) until(hour time.Time) *prediction {
	n := min(max(int(hour.Sub(f.Start)/time.Hour), 0), len(f.Load))
	return &prediction{f.Made, f.Start, f.Load[:n], f.Capacity[:n*f.perHour()], f.Step}
}
