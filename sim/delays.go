package sim

import "time"

// Delays are how much later than things happen an alarm sees them. The zero value is
// what Flyball does.
type Delays struct {
	// Publication is the time from the end of a period until its datapoints appear. The
	// alarm looks when the period ends and when they appear.
	Publication time.Duration
	// Evaluation is how far behind the alarm looks, at complete periods only.
	Evaluation time.Duration
}

// AWSDelays are those of AWS, by its own measurement: 363 s from a step of load to the call
// of an alarm with three datapoints of 60 s, and 86 s with three of 20 s. What is not the
// datapoints' own time is how far the alarm looks behind.
func AWSDelays(a Alarm) Delays {
	if a.Rule.Period > 0 && a.Rule.Period < time.Minute {
		return Delays{Evaluation: 26 * time.Second}
	}
	return Delays{Evaluation: 183 * time.Second}
}

// delays are those of an alarm.
func (s *Scenario) delays(a Alarm) Delays {
	if s.Delays == nil {
		return Delays{}
	}
	return s.Delays(a)
}
