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
	Since      time.Time          // when it went into its state; zero: not known
	Silent     Silence            // why it does not call, whatever its state
	Missing    []string           // metrics of its expression that have no data for the newest period
}

// A Silence is why an alarm does not call the policy that waits for it.
type Silence string

// The silences. "" is an alarm that calls.
const (
	ActionsDisabled Silence = "its actions are disabled"
	ActionRemoved   Silence = "the policy is not among its actions any more"
	AlarmDeleted    Silence = "it was deleted"
)

// below reports whether the alarm breaches below its threshold.
func (a *Alarm) below() bool {
	return a.Comparison == alarm.Less || a.Comparison == alarm.LessOrEqual
}

func (a *Alarm) breaches(v float64) bool { return a.Comparison.Breaches(v, a.Threshold) }

// latest is the newest datapoint.
func (a *Alarm) latest() (metric.Datapoint, bool) {
	if len(a.Datapoints) == 0 {
		return metric.Datapoint{}, false
	}
	return a.Datapoints[len(a.Datapoints)-1], true
}
