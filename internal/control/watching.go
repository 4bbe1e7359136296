package control

import (
	"errors"
	"fmt"
	gomath "math"
	"slices"
	"time"

	"flyball/alarm"
	"flyball/internal/source"
	"flyball/metric"
	"flyball/scaling"
)

const (
	// lateness is how many periods the newest datapoint may be behind: those that wait for
	// theirs are left out, and the ones before them are looked at. Load balancers publish two
	// minutes late.
	lateness = 2
	// freshness is how many of the newest periods may have no datapoint for an alarm to take
	// capacity away.
	freshness = 3
)

// A watching is an alarm with what it has seen.
type watching struct {
	alarm   *Alarm
	watch   alarm.Watch
	verdict alarm.Verdict
	end     time.Time   // when the newest period ended of what was read last; zero: nothing was
	inputs  [][]float64 // of that, by input
	values  []float64   // what they come to
	behind  int         // periods that have ended since then
	blind   error       // why they could not be read last
	looked  time.Time   // the boundary at which it read last
	stepped time.Time   // the one at which it looked last
	reads   bool        // its inputs are being read
}

// periods are how many an alarm reads.
func (w *watching) periods() int { return w.alarm.Rule.Range() + lateness }

// due is when the alarm looks next.
func (w *watching) due(settle time.Duration) time.Time {
	if w.looked.IsZero() {
		return time.Time{}
	}
	return w.looked.Add(w.alarm.Rule.Interval() + settle)
}

// query is what an input is asked for at a time.
func (w *watching) query(in Input, now time.Time) source.Query {
	q := in.Query
	q.Now, q.End = now, now.Truncate(q.Period)
	q.Periods = w.periods()
	return q
}

// take takes over what was read for a time.
func (w *watching) take(now time.Time, answers []source.Answer) {
	w.looked = now.Truncate(w.alarm.Rule.Interval())
	w.behind = 0
	if !w.end.IsZero() {
		w.behind = int(now.Sub(w.end) / w.period())
	}
	if slices.ContainsFunc(answers, func(a source.Answer) bool { return errors.Is(a.Err, source.ErrBudget) }) {
		w.stepped = w.looked // it looks again when its turn has come
		return
	}
	w.blind = nil
	inputs := make([][]float64, len(answers))
	for i, a := range answers {
		if a.Err != nil {
			w.blind = fmt.Errorf("read %s: %w", w.alarm.Inputs[i].Query, a.Err)
			return
		}
		inputs[i] = a.Values
	}
	end := now.Truncate(w.period())
	values, err := w.alarm.compute(inputs, end, 0)
	if err != nil {
		w.blind = err
		return
	}
	w.end, w.inputs, w.values, w.behind = end, inputs, values, 0
}

func (w *watching) period() time.Duration { return w.alarm.period() }

// lag is how many of the newest periods have no datapoint.
func lag(values []float64) int {
	n := 0
	for n < len(values) && gomath.IsNaN(values[len(values)-1-n]) {
		n++
	}
	return n
}

// evaluated are the values that the rule is held against, and when the newest of their periods
// ended: those that still wait for their datapoint are left out.
func (w *watching) evaluated() (values []float64, end time.Time) {
	late := min(lag(w.values), lateness)
	n := len(w.values) - late
	return w.values[n-w.alarm.Rule.Range() : n], w.end.Add(-time.Duration(late) * w.period())
}

// step is a step of the alarm's watch, and reports whether it calls its policy.
func (w *watching) step(now time.Time) (calls bool) {
	values, _ := w.evaluated()
	next, verdict, call := w.watch.Step(now, w.alarm.Rule, values, gomath.Inf(1))
	w.watch, w.verdict = next, verdict
	return call != alarm.None && next.State == alarm.Alarm
}

// fresh reports whether what the alarm saw is enough to take capacity away: as many datapoints as
// it evaluates, and none of long ago.
func (w *watching) fresh() bool {
	return w.blind == nil && w.verdict.Filled == 0 && lag(w.values)+w.behind <= freshness
}

// shade has the alarm see what its metric would be if the load were shared by other tasks.
func (w *watching) shade(share func(time.Time) float64) {
	if w.blind != nil || w.behind > 0 {
		return
	}
	values := make([]float64, len(w.values))
	for i, v := range w.values {
		values[i] = v * share(w.end.Add(-time.Duration(len(values)-i)*w.period()+w.period()/2))
	}
	w.values = values
}

// seen is the alarm as a step of the governor sees it. Where nothing runs, a formula divides by
// the one task that there might be.
func (w *watching) seen(calls, nothingRuns bool) scaling.Alarm {
	r := w.alarm.Rule
	needed := int(r.Periods)
	if r.Datapoints > 0 {
		needed = int(r.Datapoints)
	}
	a := scaling.Alarm{
		Name: w.alarm.Name, State: w.watch.State, Comparison: r.Comparison, Threshold: r.Threshold,
		Period: w.period(), Needed: needed, Of: int(r.Periods),
	}
	if w.watch.Since != 0 {
		a.Since = w.watch.Since.Time()
	}
	switch {
	case w.end.IsZero() || w.blind != nil:
		a.State = alarm.InsufficientData
		return a
	case calls:
		values, end := w.evaluated()
		a.Datapoints = alarm.Evidence{Rule: r, Verdict: w.verdict, End: end, Values: values}.Datapoints()
		return a
	}
	values := w.values
	if nothingRuns && w.alarm.Formula != nil {
		if again, err := w.alarm.compute(w.inputs, w.end, 1); err == nil {
			values = again
		}
	}
	a.Datapoints = w.newest(values)
	if a.State == alarm.Alarm && w.below() && !w.fresh() {
		a.State = alarm.InsufficientData // it does not speak for taking capacity away
	}
	a.Missing = w.missing()
	return a
}

// below reports whether the alarm breaches below its threshold.
func (w *watching) below() bool {
	c := w.alarm.Rule.Comparison
	return c == alarm.Less || c == alarm.LessOrEqual
}

// newest are the datapoints of the newest periods that the alarm evaluates.
func (w *watching) newest(values []float64) []metric.Datapoint {
	late := min(lag(values), lateness)
	values = values[:len(values)-late]
	values = values[len(values)-int(w.alarm.Rule.Periods):]
	end := w.end.Add(-time.Duration(late) * w.period())
	var points []metric.Datapoint
	for i, v := range values {
		if !gomath.IsNaN(v) {
			points = append(points, metric.Datapoint{Time: end.Add(-time.Duration(len(values)-i) * w.period()), Value: v})
		}
	}
	return points
}

// missing names the metrics of a formula that have no datapoint of the newest period.
func (w *watching) missing() []string {
	if w.alarm.Formula == nil {
		return nil
	}
	var names []string
	for i, in := range w.alarm.Inputs {
		if lag(w.inputs[i]) > lateness {
			names = append(names, in.ID+" ("+in.Query.Metric.Name+")")
		}
	}
	return names
}
