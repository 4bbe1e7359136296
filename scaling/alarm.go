package scaling

import (
	"fmt"
	"time"

	"flyball/metric"
)

// An Alarm is what one alarm that drives a policy sees. A target tracking
// policy has one that breaches above the target and, if it may scale in, one
// that breaches below 90 % of it. A step policy has those that name it as their
// action.
type Alarm struct {
	Name       string
	State      State
	Below      bool               // breaches below the threshold rather than above it
	OrEqual    bool               // breaches at the threshold, too
	Threshold  float64            //
	Period     time.Duration      // of one datapoint
	Needed, Of int                // datapoints that must breach, of how many periods
	Datapoints []metric.Datapoint // of the newest closed periods, oldest first; periods without data are left out
}

// A State is the state of an alarm. The zero State is InsufficientData.
type State int8

// The states.
const (
	InsufficientData State = iota
	OK
	InAlarm
)

// String returns the state as CloudWatch writes it.
func (s State) String() string {
	switch s {
	case OK:
		return "OK"
	case InAlarm:
		return "ALARM"
	}
	return "INSUFFICIENT_DATA"
}

// MarshalText encodes the state as its String.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText decodes what MarshalText encoded.
func (s *State) UnmarshalText(text []byte) error {
	for _, known := range []State{InsufficientData, OK, InAlarm} {
		if known.String() == string(text) {
			*s = known
			return nil
		}
	}
	return fmt.Errorf("unknown alarm state %q", text)
}

// breaches reports whether one value is on the alarm's side of the threshold.
func (a Alarm) breaches(v float64) bool {
	if v == a.Threshold {
		return a.OrEqual
	}
	return (v < a.Threshold) == a.Below
}

// latest is the newest datapoint.
func (a Alarm) latest() (metric.Datapoint, bool) {
	if len(a.Datapoints) == 0 {
		return metric.Datapoint{}, false
	}
	return a.Datapoints[len(a.Datapoints)-1], true
}
