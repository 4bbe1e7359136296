package alarm

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"flyball/metric"
)

// InitialReason is the reason for the state of an alarm that was not evaluated
// yet.
const InitialReason = "Unchecked: Initial alarm creation"

// Evidence is what an evaluation saw, from which the reason for the state is
// told in CloudWatch's words.
type Evidence struct {
	Rule      Rule
	Verdict   Verdict
	Statistic string    // such as Average or p99
	Unit      string    // "" for any
	At        time.Time // when the alarm was evaluated
	End       time.Time // when the newest period ended
	Values    []float64 // as given to Evaluate
	Counts    []float64 `json:",omitempty"` // sample counts of the values; may be nil
	Lower     []float64 `json:",omitempty"` // of the band of the values, where there is one
	Upper     []float64 `json:",omitempty"`
}

// A point is one evaluated datapoint; a missing one has the value NaN.
type point struct {
	index        int // in the values
	time         time.Time
	value, count float64
}

// points returns the datapoints that were evaluated, newest first: the real
// ones and, among them in time, the missing ones that the treatment filled in.
func (e Evidence) points() []point {
	out := make([]point, 0, e.Rule.Periods)
	taken, filled := int32(0), int32(0)
	for i := len(e.Values) - 1; i >= 0; i-- {
		missing := math.IsNaN(e.Values[i])
		if missing && filled == e.Verdict.Filled || !missing && taken == e.Rule.Periods-e.Verdict.Filled {
			continue
		}
		p := point{index: i, time: e.End.Add(-time.Duration(len(e.Values)-i) * e.Rule.period()), value: e.Values[i]}
		if missing {
			filled++
		} else {
			taken++
			if i < len(e.Counts) {
				p.count = e.Counts[i]
			}
		}
		out = append(out, p)
	}
	return out
}

// Datapoints returns the real datapoints that were evaluated, oldest first.
func (e Evidence) Datapoints() []metric.Datapoint {
	return e.AppendDatapoints(make([]metric.Datapoint, 0, e.Rule.Periods))
}

// AppendDatapoints appends what Datapoints returns. It does not allocate where there is
// room.
func (e Evidence) AppendDatapoints(to []metric.Datapoint) []metric.Datapoint {
	first, left := len(e.Values), e.Rule.Periods-e.Verdict.Filled
	for first > 0 && left > 0 {
		first--
		if !math.IsNaN(e.Values[first]) {
			left--
		}
	}
	period := e.Rule.period()
	at := e.End.Add(-time.Duration(len(e.Values)-first) * period)
	for _, v := range e.Values[first:] {
		if !math.IsNaN(v) {
			to = append(to, metric.Datapoint{Time: at, Value: v})
		}
		at = at.Add(period)
	}
	return to
}

// Reason tells why the alarm is in its state, as in a StateReason.
func (e Evidence) Reason() string {
	v, periods := e.Verdict, int(e.Rule.Periods)
	if v.State == InsufficientData {
		return fmt.Sprintf("Insufficient Data: %s unknown.", was(v.Filled, "datapoint"))
	}
	filled := ""
	if v.Filled > 0 && e.Rule.Missing != Missing {
		filled = fmt.Sprintf(" and %s treated as [%s]", was(v.Filled, "missing datapoint"), treatedAs[e.Rule.Missing])
	}
	real := v.Breaching + v.Within
	threshold := "Threshold"
	if e.Rule.Comparison.OfBand() {
		threshold = "Thresholds"
	}
	switch {
	case real == 0:
		return fmt.Sprintf("%s Crossed: no datapoints were received for %s%s.", threshold, plural(int32(periods), "period"), filled)
	case e.Rule.Datapoints == 0 && filled != "":
		return fmt.Sprintf("%s Crossed: %s received for %s%s.", threshold, was(real, "datapoint"), plural(int32(periods), "period"), filled)
	}

	crossed, not, minimum, transition := v.Breaching, "", e.Rule.needed(), "OK -> ALARM"
	if v.State == OK {
		crossed, not, minimum, transition = v.Within, "not ", periods-e.Rule.needed()+1, "ALARM -> OK"
	}
	of, tail := plural(crossed, "datapoint"), ""
	if e.Rule.Datapoints > 0 {
		of = fmt.Sprintf("%d out of the last %d datapoints", crossed, periods)
		tail = fmt.Sprintf(" (minimum %s for %s transition)", plural(int32(minimum), "datapoint"), transition)
	}
	verb := "were"
	if crossed == 1 {
		verb = "was"
	}
	names := e.listed()
	is := fmt.Sprintf("%s %s", verb, e.compared(not, names))
	if crossed < listed {
		return fmt.Sprintf("%s Crossed: %s [%s] %s%s%s.", threshold, of, show(names), is, filled, tail)
	}
	return fmt.Sprintf("%s Crossed: %s %s%s. The most recent datapoints which crossed the threshold: [%s]%s.", threshold, of, is, filled, show(names), tail)
}

// compared says what the named datapoints were or, with "not ", were not.
func (e Evidence) compared(not string, names []point) string {
	bounds := func(of []float64) string {
		var all []string
		for _, p := range names {
			all = append(all, Number(of[p.index]).String())
		}
		return strings.Join(all, ", ")
	}
	switch c := e.Rule.Comparison; c {
	case OutsideBand:
		return fmt.Sprintf("%sless than the lower thresholds [%s] or %sgreater than the upper thresholds [%s]", not, bounds(e.Lower), not, bounds(e.Upper))
	case BelowBand:
		return fmt.Sprintf("%sless than the lower thresholds [%s]", not, bounds(e.Lower))
	case AboveBand:
		return fmt.Sprintf("%sgreater than the upper thresholds [%s]", not, bounds(e.Upper))
	default:
		return fmt.Sprintf("%s%s the threshold (%s)", not, comparisons[c].text, Number(e.Rule.Threshold))
	}
}

// listed is how many datapoints a reason names at most; from this number on it
// names them in a sentence of their own.
const listed = 5

var treatedAs = [...]string{Missing: "Missing", Ignore: "Ignored", Breaching: "Breaching", NotBreaching: "NonBreaching"}

// listed are the datapoints that made the state, newest first, as many as a reason
// names.
func (e Evidence) listed() []point {
	var names []point
	for _, p := range e.points() {
		if math.IsNaN(p.value) || len(names) == listed {
			continue
		}
		if e.Rule.breaches(Band{e.Lower, e.Upper}, p.index, p.value) == (e.Verdict.State == Alarm) {
			names = append(names, p)
		}
	}
	return names
}

// show names datapoints with their times.
func show(points []point) string {
	var names []string
	for _, p := range points {
		names = append(names, fmt.Sprintf("%s (%s)", Number(p.value), p.time.UTC().Format("02/01/06 15:04:05")))
	}
	return strings.Join(names, ", ")
}

func plural(n int32, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func was(n int32, noun string) string {
	if n == 1 {
		return "1 " + noun + " was"
	}
	return plural(n, noun) + " were"
}

// TimeFormat is how times are written in the JSON of reasons and histories.
const TimeFormat = "2006-01-02T15:04:05.000-0700"

// reasonData is the JSON of a StateReasonData, members in CloudWatch's order.
type reasonData struct {
	Version    string      `json:"version"`
	QueryDate  string      `json:"queryDate"`
	StartDate  string      `json:"startDate,omitempty"`
	Unit       string      `json:"unit,omitempty"`
	Statistic  string      `json:"statistic,omitempty"`
	Period     int64       `json:"period"`
	Recent     []Number    `json:"recentDatapoints"`
	Threshold  *Number     `json:"threshold,omitempty"`
	Lower      []Number    `json:"recentLowerThresholds,omitempty"`
	Upper      []Number    `json:"recentUpperThresholds,omitempty"`
	Datapoints []dataPoint `json:"evaluatedDatapoints"`
}

type dataPoint struct {
	Timestamp   string  `json:"timestamp"`
	SampleCount *Number `json:"sampleCount,omitempty"`
	Value       *Number `json:"value,omitempty"`
	Threshold   *Number `json:"threshold,omitempty"` // of a band with one side
}

// ReasonData is the evidence as JSON, as in a StateReasonData.
func (e Evidence) ReasonData() string {
	d := reasonData{
		Version:   "1.0",
		QueryDate: e.At.UTC().Format(TimeFormat),
		Unit:      e.Unit,
		Statistic: e.Statistic,
		Period:    int64(e.Rule.period() / time.Second),
		Recent:    []Number{},
	}
	if !e.Rule.Comparison.OfBand() {
		d.Threshold = new(Number(e.Rule.Threshold))
	}
	for _, p := range e.points() {
		dp := dataPoint{Timestamp: p.time.UTC().Format(TimeFormat)}
		if !math.IsNaN(p.value) {
			value, count := Number(p.value), Number(p.count)
			dp.Value = &value
			if count > 0 {
				dp.SampleCount = &count
			}
			dp.Threshold = d.addBounds(e, p.index)
		}
		d.Datapoints = append(d.Datapoints, dp)
	}
	slices.Reverse(d.Lower) // recent ones are the oldest first
	slices.Reverse(d.Upper)
	for i, p := range e.Datapoints() {
		if i == 0 {
			d.StartDate = p.Time.UTC().Format(TimeFormat)
		}
		d.Recent = append(d.Recent, Number(p.Value))
	}
	return string(encode(d))
}

// addBounds adds the bounds that the i-th value was compared with, and returns the
// only one.
func (d *reasonData) addBounds(e Evidence, i int) *Number {
	var lower, upper *Number
	switch c := e.Rule.Comparison; {
	case !c.OfBand():
		return nil
	case c == OutsideBand:
		lower, upper = new(Number(e.Lower[i])), new(Number(e.Upper[i]))
	case c == BelowBand:
		lower = new(Number(e.Lower[i]))
	default:
		upper = new(Number(e.Upper[i]))
	}
	if lower != nil {
		d.Lower = append(d.Lower, *lower)
	}
	if upper != nil {
		d.Upper = append(d.Upper, *upper)
	}
	if lower != nil && upper != nil {
		return nil
	}
	return cmp.Or(lower, upper)
}

// A Number is written as CloudWatch, a Java program, writes a double: with a
// decimal point always, and an exponent below 0.001 and from 10 million on.
type Number float64

func (n Number) String() string {
	f := float64(n)
	if abs := math.Abs(f); abs != 0 && (abs < 1e-3 || abs >= 1e7) {
		mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'E', -1, 64), "E")
		exp, _ := strconv.Atoi(exponent)
		return point0(mantissa) + "E" + strconv.Itoa(exp)
	}
	return point0(strconv.FormatFloat(f, 'f', -1, 64))
}

// MarshalJSON implements json.Marshaler.
func (n Number) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(n)) || math.IsInf(float64(n), 0) {
		return []byte("null"), nil
	}
	return []byte(n.String()), nil
}

func point0(digits string) string {
	if strings.Contains(digits, ".") {
		return digits
	}
	return digits + ".0"
}
