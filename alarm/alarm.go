// Package alarm decides the state of CloudWatch alarms.
//
// A metric alarm's rule looks at the newest datapoints of a metric, newest
// last, NaN where a period has none:
//
//	rule := alarm.Rule{Comparison: alarm.Greater, Threshold: 50, Periods: 3}
//	values := make([]float64, rule.Range())    // five, to have some to spare
//	// fill values for periods that end at alarm.Boundary(now, rule.Interval())
//	verdict := rule.Evaluate(state, values, 0)
//
// A Watch is the state that this gives over time, and says when actions are due;
// a Notification is what they are handed. Evidence is what an evaluation saw, and
// tells the reason in CloudWatch's words. A composite alarm's rule is an Expression
// over the states of other alarms.
//
// The package keeps no clock and does no I/O. Evaluate and Step do not allocate.
package alarm

import (
	"cmp"
	"fmt"
	"math"
	"time"
)

// State is the state of an alarm. The zero State is that of a new alarm.
type State uint8

// The states of an alarm.
const (
	InsufficientData State = iota
	OK
	Alarm
)

var stateNames = [...]string{InsufficientData: "INSUFFICIENT_DATA", OK: "OK", Alarm: "ALARM"}

// String is the state as CloudWatch spells it.
func (s State) String() string { return stateNames[s] }

// ParseState reads a state as CloudWatch spells it.
func ParseState(s string) (State, error) {
	for i, name := range stateNames {
		if s == name {
			return State(i), nil
		}
	}
	return 0, fmt.Errorf("alarm: unknown state %q", s)
}

// Comparison is how a datapoint is held against the threshold.
type Comparison uint8

// The comparisons: four with a static threshold, three with the band of an anomaly
// detection model.
const (
	GreaterOrEqual Comparison = iota
	Greater
	Less
	LessOrEqual
	OutsideBand
	BelowBand
	AboveBand
)

var comparisons = [...]struct{ name, text string }{
	GreaterOrEqual: {"GreaterThanOrEqualToThreshold", "greater than or equal to"},
	Greater:        {"GreaterThanThreshold", "greater than"},
	Less:           {"LessThanThreshold", "less than"},
	LessOrEqual:    {"LessThanOrEqualToThreshold", "less than or equal to"},
	OutsideBand:    {name: "LessThanLowerOrGreaterThanUpperThreshold"},
	BelowBand:      {name: "LessThanLowerThreshold"},
	AboveBand:      {name: "GreaterThanUpperThreshold"},
}

// String is the comparison operator as CloudWatch spells it.
func (c Comparison) String() string { return comparisons[c].name }

// ParseComparison reads a comparison operator as CloudWatch spells it.
func ParseComparison(s string) (Comparison, error) {
	for i, c := range comparisons {
		if s == c.name {
			return Comparison(i), nil
		}
	}
	return 0, fmt.Errorf("alarm: unknown comparison operator %q", s)
}

// OfBand tells whether the comparison is with a band.
func (c Comparison) OfBand() bool { return c >= OutsideBand }

// A Band is what the datapoints of a rule are compared with, where its Comparison is
// OfBand: the bounds of what is usual, one for each value. Where there is no band the
// value is missing, too: nothing is known of it.
type Band struct{ Lower, Upper []float64 }

// breaches tells whether the i-th value lies on the wrong side of the band.
func (b Band) breaches(c Comparison, i int, value float64) bool {
	return c != AboveBand && value < b.Lower[i] || c != BelowBand && value > b.Upper[i]
}

// Breaches tells whether a datapoint breaches the threshold; of a band it knows
// nothing.
func (c Comparison) Breaches(value, threshold float64) bool {
	switch c {
	case Greater:
		return value > threshold
	case Less:
		return value < threshold
	case LessOrEqual:
		return value <= threshold
	case GreaterOrEqual:
		return value >= threshold
	default:
		return false
	}
}

// Treatment is what a missing datapoint counts as.
type Treatment uint8

// The treatments of missing data.
const (
	Missing      Treatment = iota // not at all; with no data there is no state
	Ignore                        // as a reason to keep the state
	Breaching                     // as one that breaches
	NotBreaching                  // as one that does not
)

var treatmentNames = [...]string{Missing: "missing", Ignore: "ignore", Breaching: "breaching", NotBreaching: "notBreaching"}

// String is the treatment as CloudWatch spells it.
func (t Treatment) String() string { return treatmentNames[t] }

// ParseTreatment reads a treatment as CloudWatch spells it.
func ParseTreatment(s string) (Treatment, error) {
	for i, name := range treatmentNames {
		if s == name {
			return Treatment(i), nil
		}
	}
	return 0, fmt.Errorf("alarm: unknown treatment of missing data %q", s)
}

// A Rule is what a metric alarm watches for.
type Rule struct {
	Threshold  float64       // of nothing, if the Comparison is OfBand
	MinSamples float64       // with data from fewer samples the state is kept; see LowSamples
	Period     time.Duration // of a datapoint; 0 is a minute
	Periods    int32         // N, how many datapoints are evaluated; at least 1
	Datapoints int32         // M, how many of them must breach; 0 is all of them
	Comparison Comparison
	Missing    Treatment
}

// spare is how many periods more than N the evaluation looks back for data. AWS
// does not document the number; in its worked examples N is 3 and the range 5.
const spare = 2

// Range is how many periods an evaluation looks at, at least.
func (r Rule) Range() int { return int(r.Periods) + spare }

// Interval is how often the alarm is evaluated: each minute, or with a shorter
// period each time one closes.
func (r Rule) Interval() time.Duration { return min(r.period(), time.Minute) }

func (r Rule) period() time.Duration { return cmp.Or(r.Period, time.Minute) }

// repeat is how often scaling actions repeat: each minute, or every 10 seconds
// with a period that CloudWatch does not have, which is chosen to see things
// happen sooner.
func (r Rule) repeat() time.Duration {
	if shortest := 10 * time.Second; r.period() < shortest {
		return shortest
	}
	return time.Minute
}

// needed is M.
func (r Rule) needed() int {
	if r.Datapoints > 0 {
		return int(r.Datapoints)
	}
	return int(r.Periods)
}

// A Verdict is what an evaluation found. Breaching, Within and Filled add up
// to the rule's Periods.
type Verdict struct {
	State     State
	Breaching int32 // datapoints that breach
	Within    int32 // datapoints that do not
	Filled    int32 // datapoints that are missing, and that the treatment stands in for
	Kept      bool  // the evaluation could not tell, so the state stays as it was
}

// Evaluate decides the state from the newest datapoints: there are Range() values or
// more, the newest is last, a missing one is NaN. Samples is how many
// measurements the values were made from; it matters only with MinSamples.
//
// It follows "Configuring how CloudWatch alarms treat missing data" in the
// CloudWatch User Guide: the newest N real datapoints of the range are
// evaluated, and the treatment of missing data fills in only what lacks.
func (r Rule) Evaluate(current State, values []float64, samples float64) Verdict {
	return r.EvaluateBand(current, values, Band{}, samples)
}

// EvaluateBand is Evaluate with the band that the values are compared with.
func (r Rule) EvaluateBand(current State, values []float64, band Band, samples float64) Verdict {
	var v Verdict
	oldest := 0 // age of the oldest datapoint evaluated: 1 is the newest period
	for i := len(values) - 1; i >= 0 && v.Breaching+v.Within < r.Periods; i-- {
		if math.IsNaN(values[i]) {
			continue
		}
		oldest = len(values) - i
		if r.breaches(band, i, values[i]) {
			v.Breaching++
		} else {
			v.Within++
		}
	}
	v.Filled = r.Periods - v.Breaching - v.Within
	if samples < r.MinSamples && oldest > 0 {
		return v.keep(current)
	}

	needed := int32(r.needed())
	switch {
	case v.Breaching >= needed:
		v.State = Alarm
	case v.Filled == 0 || r.Missing == NotBreaching:
		v.State = OK
	case r.Missing == Breaching:
		v.State = OK
		if v.Breaching+v.Filled >= needed {
			v.State = Alarm
		}
	case v.Within > 0:
		v.State = OK
	case r.Missing == Ignore:
		return v.keep(current)
	case oldest >= int(needed):
		// All there is breaches, and the oldest has been there for M periods:
		// "- - X - -" alarms with M = 3, and "- - - X -" waits, because the next
		// datapoint may be a good one.
		v.State = Alarm
	default:
		v.State = InsufficientData
	}
	return v
}

// breaches tells whether the i-th value, which is not missing, breaches.
func (r Rule) breaches(band Band, i int, value float64) bool {
	if r.Comparison.OfBand() {
		return band.breaches(r.Comparison, i, value)
	}
	return r.Comparison.Breaches(value, r.Threshold)
}

func (v Verdict) keep(current State) Verdict {
	v.State = current
	v.Kept = true
	return v
}

// LowSamples is the number of samples under which the percentile p, above 0 and
// below 100, is not statistically significant: 10/(1-p) for the upper half,
// 10/p for the lower, such as 1,000 for p99. Source: "Percentile-based alarms
// and low data samples" in the CloudWatch User Guide.
func LowSamples(p float64) float64 {
	tail := min(p, 100-p) / 100
	if tail <= 0 {
		return 0
	}
	// Rounded, for 10/(1-0.99) is a hair above 1,000 in binary.
	return math.Round(10/tail*1e6) / 1e6
}

// Boundary is the latest instant at which an alarm with this evaluation
// interval was due; its periods end there.
func Boundary(now time.Time, interval time.Duration) time.Time {
	return now.Truncate(interval)
}
