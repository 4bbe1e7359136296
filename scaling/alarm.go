package scaling

import (
	"time"

	"flyball/alarm"
	"flyball/metric"
)

// An Alarm is what one alarm that drives a policy sees. A target tracking
// policy has one that breaches above the target and, if it may scale in, one
// that breaches below 90 % of it. A step policy has those that name it as their
// action.
type Alarm struct {
	Name       string
	State      alarm.State
	Comparison alarm.Comparison
	Threshold  float64
	Period     time.Duration      // of one datapoint
	Needed, Of int                // datapoints that must breach, of how many periods
	Datapoints []metric.Datapoint // of the newest closed periods, oldest first; periods without data are left out
}

// below reports whether the alarm breaches below its threshold.
func (a Alarm) below() bool {
	return a.Comparison == alarm.Less || a.Comparison == alarm.LessOrEqual
}

func (a Alarm) breaches(v float64) bool { return a.Comparison.Breaches(v, a.Threshold) }

// latest is the newest datapoint.
func (a Alarm) latest() (metric.Datapoint, bool) {
	if len(a.Datapoints) == 0 {
		return metric.Datapoint{}, false
	}
	return a.Datapoints[len(a.Datapoints)-1], true
}
