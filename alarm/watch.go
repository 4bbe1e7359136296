package alarm

import (
	"math"
	"time"

	"flyball/metric"
)

// A Watch is the state of an alarm over time: all that an evaluation needs to
// know of those before it. The zero Watch is that of a new alarm.
//
//	var w alarm.Watch
//	for {
//		// fill values for periods that end at alarm.Boundary(now, rule.Interval())
//		next, verdict, call := w.Step(now, rule, values, 0)
//		w = next
//		switch call {
//		case alarm.Change: // tell of it, and start the actions of w.State
//		case alarm.Repeat: // start those of them again that repeat: scaling policies
//		}
//	}
//
// A step is due each Interval, when a period closes, and when a datapoint lands in
// a period that has closed already. More steps do no harm: one that sees what the
// step before it saw, at the same time, calls for nothing.
//
// It is small, for there may be a million of them, and can be stored as it is.
type Watch struct {
	State  State
	Since  Instant // when the alarm went into the state; 0 while it has been in no other
	Called Instant // when the actions of the state were called for last; 0 is that they should be at once
}

// A Call is what a step calls for.
type Call uint8

// The calls of a step.
const (
	None   Call = iota
	Change      // the state is another: its actions are to be started
	Repeat      // it lasts: the actions that repeat are to be started again
)

var callNames = [...]string{None: "none", Change: "change", Repeat: "repeat"}

// String is the name of the call.
func (c Call) String() string { return callNames[c] }

// Step evaluates the rule at a time over the values of Range() periods, as
// Evaluate does, and returns the watch that follows and what is to be done. It
// does not allocate.
//
// An action that scales repeats once a minute as long as the state lasts
// ("Alarm actions" in the CloudWatch User Guide). It waits for a datapoint that is
// pending, so that it is decided on the newest data.
func (w Watch) Step(now time.Time, r Rule, values []float64, samples float64) (Watch, Verdict, Call) {
	return w.StepBand(now, r, values, Band{}, samples)
}

// StepBand is Step with the band that the values are compared with.
func (w Watch) StepBand(now time.Time, r Rule, values []float64, band Band, samples float64) (Watch, Verdict, Call) {
	v := r.EvaluateBand(w.State, values, band, samples)
	w, call := w.Find(now, r, v, metric.Pending(values))
	return w, v, call
}

// Find is Step for those who know what an evaluation finds, and whether the newest
// datapoint is pending.
func (w Watch) Find(now time.Time, r Rule, v Verdict, pending bool) (Watch, Call) {
	switch {
	case v.State != w.State:
		return w.Enter(now, v.State), Change
	case w.Since != 0 && At(now) >= w.again(r) && !pending:
		w.Called = At(now)
		return w, Repeat
	}
	return w, None
}

// Calm reports whether an alarm that is OK stays so whatever else it sees: of the newest
// datapoints, so many do not breach that the others cannot be enough. With M of M that is
// one datapoint to look at, and not M.
func (r Rule) Calm(values []float64) bool {
	enough := r.Periods - int32(r.needed()) + 1
	for i, seen := len(values)-1, int32(0); i >= 0 && seen < r.Periods; i-- {
		if math.IsNaN(values[i]) {
			continue
		}
		seen++
		if r.Comparison.Breaches(values[i], r.Threshold) {
			continue
		}
		if enough--; enough == 0 {
			return !r.Comparison.OfBand()
		}
	}
	return false
}

// Enter puts the alarm into a state, whatever it sees. It stays there until a step
// finds another.
func (w Watch) Enter(now time.Time, s State) Watch {
	return Watch{State: s, Since: At(now), Called: At(now)}
}

// Again is when the state's actions may next be called for, if the state lasts. It
// is the zero time for an alarm that has been in one state only: such an alarm
// repeats nothing.
func (w Watch) Again(r Rule) time.Time {
	if w.Since == 0 {
		return time.Time{}
	}
	return w.again(r).Time()
}

// again is on the minute that follows the last call, or on the one after if that is
// less than half a minute away: a call for the late datapoint of one minute is no
// reason to miss the next one.
func (w Watch) again(r Rule) Instant {
	every := Instant(r.repeat())
	return (w.Called+every/2)/every*every + every
}

// An Instant is a time in nanoseconds since 1970, a third as large as a time.Time.
// 0 stands for no time.
type Instant int64

// At is the instant of a time after 1970.
func At(t time.Time) Instant { return Instant(t.UnixNano()) }

// Time is the instant as a time, in UTC.
func (i Instant) Time() time.Time { return time.Unix(0, int64(i)).UTC() }
