package scaling_test

import (
	"slices"
	"testing"
	"time"

	"flyball/alarm"
	"flyball/metric"
	"flyball/scaling"
)

// now is the moment of most tests: half past a minute, so that the newest
// closed period of one minute ended 30 s ago.
var now = time.Date(2026, 3, 2, 17, 0, 30, 0, time.UTC)

func bounds(t testing.TB, min, max int32) scaling.Target {
	t.Helper()
	b, err := scaling.NewBounds(min, max)
	if err != nil {
		t.Fatal(err)
	}
	return scaling.Target{Bounds: b}
}

func tracking(t testing.TB, c scaling.TrackingConfig) scaling.TargetTracking {
	t.Helper()
	p, err := scaling.NewTargetTracking(c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func step(t testing.TB, c scaling.StepConfig) scaling.Step {
	t.Helper()
	p, err := scaling.NewStep(c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// points are one-minute datapoints, oldest first, the newest of which is the
// period that closed last before now.
func points(values ...float64) []metric.Datapoint {
	var p []metric.Datapoint
	for i, v := range values {
		ago := time.Duration(len(values)-i) * time.Minute
		p = append(p, metric.Datapoint{Time: now.Truncate(time.Minute).Add(-ago), Value: v})
	}
	return p
}

func repeat(v float64, n int) []float64 { return slices.Repeat([]float64{v}, n) }

// tracked reads a target tracking policy whose metric has had the values, with
// the alarms in the states that follow.
func tracked(name string, p scaling.TargetTracking, values ...float64) scaling.Reading {
	high := scaling.Alarm{Name: name + "-High", Comparison: alarm.Greater, Threshold: p.Target(), Period: time.Minute, Needed: 3, Of: 3}
	low := scaling.Alarm{Name: name + "-Low", Comparison: alarm.Less, Threshold: p.LowThreshold(), Period: time.Minute, Needed: 15, Of: 15}
	for _, a := range []*scaling.Alarm{&high, &low} {
		n := min(len(values), a.Of)
		a.Datapoints = points(values[len(values)-n:]...)
		breaching := 0
		for _, v := range values[len(values)-n:] {
			if a.Comparison.Breaches(v, a.Threshold) {
				breaching++
			}
		}
		switch {
		case n == 0:
			a.State = alarm.InsufficientData
		case breaching == a.Of:
			a.State = alarm.Alarm
		default:
			a.State = alarm.OK
		}
	}
	r := scaling.Reading{Name: name, Policy: p, Alarms: []scaling.Alarm{high}}
	if p.ScalesIn() {
		r.Alarms = append(r.Alarms, low)
	}
	return r
}

// stepped reads a step policy with one alarm that is in ALARM.
func stepped(name string, p scaling.Step, below bool, threshold float64, values ...float64) scaling.Reading {
	comparison := alarm.GreaterOrEqual
	if below {
		comparison = alarm.LessOrEqual
	}
	return scaling.Reading{Name: name, Policy: p, Alarms: []scaling.Alarm{{
		Name: name + "-alarm", State: alarm.Alarm, Comparison: comparison, Threshold: threshold,
		Period: time.Minute, Needed: len(values), Of: len(values), Datapoints: points(values...),
	}}}
}

func codes(d scaling.Decision) []scaling.Code {
	var codes []scaling.Code
	for _, r := range d.Reasons {
		if !slices.Contains(codes, r.Code) {
			codes = append(codes, r.Code)
		}
	}
	return codes
}
