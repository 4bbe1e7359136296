package autoscaling

import (
	"context"
	"math"
	"time"

	"flyball/scaling"
)

const (
	// comparedHours is how many hours a forecast is compared with what was measured.
	comparedHours = 24
	// settling is how long after an hour its measurements are all there.
	settling = 5 * time.Minute
)

// A TargetBounds is within which bounds a target is scaled.
type TargetBounds struct {
	Resource scaling.ResourceID
	Min, Max scaling.Capacity
}

// Bounds are those of all targets, in no order.
func (h *host) Bounds(ctx context.Context) (all []TargetBounds) {
	h.state.View(ctx, func() {
		for id, t := range h.rows.targets {
			all = append(all, TargetBounds{id, t.bounds().Min(), t.bounds().Max()})
		}
	})
	return all
}

// An Accuracy is how far the forecast of a policy has been from what was measured: the
// differences in the last 24 full hours, added up, as a part of the load in these.
type Accuracy struct {
	Resource scaling.ResourceID
	Policy   string
	Error    float64
}

// Accuracies are those of all policies that have forecast hours which are over. They change by the
// hour, and so are they read: what is asked for within it is what was found at first.
func (fc *forecaster) Accuracies(ctx context.Context) []Accuracy {
	end := fc.now().Add(-settling).Truncate(time.Hour)
	fc.accuracy.mu.Lock()
	defer fc.accuracy.mu.Unlock()
	if fc.accuracy.end.Equal(end) {
		return fc.accuracy.found
	}
	var policies []*policy
	fc.state.View(ctx, func() {
		for _, p := range fc.rows.policies {
			if p.prediction != nil {
				policies = append(policies, p)
			}
		}
	})
	var found []Accuracy
	for _, p := range policies {
		if off, ok := fc.off(ctx, p, end); ok {
			found = append(found, Accuracy{p.ResourceID, p.Name, off})
		}
	}
	fc.accuracy.end, fc.accuracy.found = end, found
	return found
}

// off is how far a policy's forecast has been from what was measured until an hour. What
// cannot be read, or was not measured, counts for nothing.
func (fc *forecaster) off(ctx context.Context, p *policy, end time.Time) (float64, bool) {
	predicted, err := fc.predicted(p, end.Add(-comparedHours*time.Hour), end)
	if err != nil || len(predicted.times) == 0 {
		return 0, false
	}
	past, _ := fc.past(ctx, p, end)
	hours, err := fc.history(ctx, p, past)
	if err != nil {
		return 0, false
	}
	first := end.Add(-time.Duration(len(hours)) * time.Hour)
	var off, load float64
	for i, at := range predicted.times {
		measured := hours[int(at.Sub(first)/time.Hour)].Load
		if !math.IsNaN(measured) {
			off += math.Abs(predicted.load[i] - measured)
			load += measured
		}
	}
	return off / load, load > 0
}
