package scaling_test

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"flyball/alarm"
	"flyball/metric"
	"flyball/scaling"
)

// capacities are small enough to meet each other and the bounds often.
func capacity(max uint32) *rapid.Generator[scaling.Capacity] {
	return rapid.Map(rapid.Uint32Range(0, max), func(c uint32) scaling.Capacity { return scaling.Capacity(c) })
}

func drawTarget(t *rapid.T) scaling.Target {
	low := rapid.Int32Range(0, 30).Draw(t, "min")
	b, err := scaling.NewBounds(low, low+rapid.Int32Range(0, 30).Draw(t, "max-min"))
	if err != nil {
		t.Fatal(err)
	}
	target := scaling.Target{Bounds: b, Suspended: scaling.Suspended{
		In: rapid.IntRange(0, 9).Draw(t, "suspended in") == 0, Out: rapid.IntRange(0, 9).Draw(t, "suspended out") == 0,
	}}
	if rapid.Bool().Draw(t, "forecast") {
		target.Floor = scaling.Floor{Capacity: capacity(60).Draw(t, "floor"), Policy: "forecast", Hour: now.Truncate(time.Hour)}
	}
	return target
}

func drawCooldown(t *rapid.T) scaling.Cooldown {
	return rapid.SampledFrom([]scaling.Cooldown{
		{}, {}, {},
		{Direction: scaling.In},
		{Direction: scaling.Out, Base: 7},
		{Direction: scaling.In, Until: now.Add(time.Minute)},
		{Direction: scaling.Out, Base: 3, Until: now.Add(time.Minute)},
		{Direction: scaling.Out, Base: 3, Until: now.Add(-time.Minute)},
	}).Draw(t, "cooldown")
}

func drawTracking(t *rapid.T, name string) scaling.Reading {
	p, err := scaling.NewTargetTracking(scaling.TrackingConfig{
		Target:         rapid.Float64Range(0.01, 200).Draw(t, "target"),
		DisableScaleIn: rapid.IntRange(0, 3).Draw(t, "disable") == 0,
	})
	if err != nil {
		t.Fatal(err)
	}
	var r scaling.Reading
	switch value := rapid.Float64Range(0, 3*p.Target()).Draw(t, "metric"); rapid.IntRange(0, 4).Draw(t, "datapoints") {
	case 0:
		r = tracked(name, p)
	case 1:
		r = tracked(name, p, value)
	default:
		r = tracked(name, p, repeat(value, 15)...)
	}
	r.Cooldown = drawCooldown(t)
	return r
}

func drawStep(t *rapid.T, name string) scaling.Reading {
	adjustment := rapid.SampledFrom([]scaling.Adjustment{scaling.ChangeInCapacity, scaling.ExactCapacity, scaling.PercentChangeInCapacity}).Draw(t, "adjustment")
	amount := rapid.Int32Range(-50, 50)
	if adjustment == scaling.ExactCapacity {
		amount = rapid.Int32Range(0, 50)
	}
	p, err := scaling.NewStep(scaling.StepConfig{Adjustment: adjustment, Steps: []scaling.StepAdjustment{
		{Lower: math.Inf(-1), Upper: -10, Amount: amount.Draw(t, "amount")},
		{Lower: -10, Upper: 0, Amount: amount.Draw(t, "amount")},
		{Lower: 0, Upper: math.Inf(1), Amount: amount.Draw(t, "amount")},
	}})
	if err != nil {
		t.Fatal(err)
	}
	r := stepped(name, p, rapid.Bool().Draw(t, "below"), 50, rapid.Float64Range(0, 100).Draw(t, "metric"))
	r.Alarms[0].State = rapid.SampledFrom([]alarm.State{alarm.InsufficientData, alarm.OK, alarm.Alarm}).Draw(t, "state")
	r.Cooldown = drawCooldown(t)
	return r
}

func drawSeen(t *rapid.T) scaling.Seen {
	seen := scaling.Seen{
		Desired:   capacity(40).Draw(t, "desired"),
		Running:   capacity(40).Draw(t, "running"),
		Deploying: rapid.IntRange(0, 4).Draw(t, "deploying") == 0,
	}
	for i := range rapid.IntRange(0, 4).Draw(t, "policies") {
		name := string(rune('a' + i))
		if rapid.Bool().Draw(t, "tracking") {
			seen.Policies = append(seen.Policies, drawTracking(t, name))
		} else {
			seen.Policies = append(seen.Policies, drawStep(t, name))
		}
	}
	return seen
}

func TestDecideKeepsItsPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		target, seen := drawTarget(t), drawSeen(t)
		d := scaling.Decide(now, target, seen)
		outs := 0
		for _, o := range d.Proposals {
			if o.Direction == scaling.Out {
				outs++
			}
		}
		if floor := target.Bounds.Clamp(target.Floor.Capacity); d.Direction == scaling.In && d.To < floor {
			t.Errorf("%v leaves less than the forecast of %d", d, floor)
		}
		if d.Direction != scaling.Hold && (d.To < target.Bounds.Min() || d.To > target.Bounds.Max()) {
			t.Errorf("outside the bounds: %v", d)
		}
		switch d.Direction {
		case scaling.Out:
			if d.To <= seen.Desired {
				t.Errorf("a scale-out does not add: %v", d)
			}
			if target.Suspended.Out {
				t.Errorf("out while suspended: %v", d)
			}
		case scaling.In:
			if d.To >= seen.Desired {
				t.Errorf("a scale-in does not remove: %v", d)
			}
			if target.Suspended.In || seen.Deploying || outs > 0 {
				t.Errorf("in while suspended, deploying or wanted out: %v", d)
			}
		case scaling.Hold:
			if d.To != seen.Desired {
				t.Errorf("hold changes capacity: %v", d)
			}
			if len(d.Reasons) == 0 && len(seen.Policies) > 0 {
				t.Errorf("hold without a reason: %+v", d)
			}
		}
		if again := scaling.Decide(now, target, seen); again.String() != d.String() {
			t.Errorf("decides differently the second time: %v, %v", d, again)
		}
	})
}

func TestScaleInLeavesEveryTrackedMetricAtOrUnderItsTarget(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		running := capacity(40).Draw(t, "running")
		seen := scaling.Seen{Desired: running, Running: running}
		for _, name := range []string{"a", "b", "c"} {
			seen.Policies = append(seen.Policies, drawTracking(t, name))
		}
		b, err := scaling.NewBounds(0, math.MaxInt32)
		if err != nil {
			t.Fatal(err)
		}
		d := scaling.Decide(now, scaling.Target{Bounds: b}, seen)
		if d.Direction != scaling.In {
			return
		}
		for _, r := range seen.Policies {
			p := r.Policy.(scaling.TargetTracking)
			points := r.Alarms[0].Datapoints
			if len(points) == 0 {
				continue
			}
			load := points[len(points)-1].Value * float64(running)
			if load > p.Target()*float64(d.To)*(1+1e-9) {
				t.Errorf("%v leaves a load of %v for %d tasks with a target of %v", d, load, d.To, p.Target())
			}
		}
	})
}

func TestMoreLoadNeverMeansLessCapacity(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		target := drawTarget(t)
		p, err := scaling.NewTargetTracking(scaling.TrackingConfig{Target: rapid.Float64Range(1, 100).Draw(t, "target")})
		if err != nil {
			t.Fatal(err)
		}
		seen := scaling.Seen{Desired: capacity(40).Draw(t, "desired"), Running: capacity(40).Draw(t, "running")}
		hold := drawCooldown(t)
		at := func(v float64) scaling.Capacity {
			r := tracked("p", p, repeat(v, 15)...)
			r.Cooldown = hold
			seen.Policies = []scaling.Reading{r}
			return scaling.Decide(now, target, seen).To
		}
		low := rapid.Float64Range(0, 300).Draw(t, "metric")
		high := low + rapid.Float64Range(0, 100).Draw(t, "more")
		if at(low) > at(high) {
			t.Errorf("%d at %v, %d at %v", at(low), low, at(high), high)
		}
	})
}

func TestMissingDataNeverScales(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		target, seen := drawTarget(t), drawSeen(t)
		for i := range seen.Policies {
			for j := range seen.Policies[i].Alarms {
				seen.Policies[i].Alarms[j].State = alarm.InsufficientData
			}
		}
		if seen.Desired == 0 && seen.Running == 0 {
			return // where one datapoint is enough
		}
		if d := scaling.Decide(now, target, seen); d.Direction != scaling.Hold {
			t.Errorf("got %v", d)
		}
	})
}

func TestBeginTouchesOnlyThoseThatAsked(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		target, seen := drawTarget(t), drawSeen(t)
		d := scaling.Decide(now, target, seen)
		for i, r := range seen.Policies {
			c := d.Begin(r)
			switch {
			case d.Direction == scaling.Hold && c != r.Cooldown:
				t.Errorf("holding starts %+v", c)
			case d.Direction == scaling.Out && c.Direction == scaling.In:
				t.Errorf("a scale-in cooldown outlives a scale-out: %+v", c)
			case d.Direction != scaling.Hold && d.Proposals[i].Direction == d.Direction && len(d.Proposals[i].Blocked) == 0 && !c.Holds(now):
				t.Errorf("policy %s asked and does not wait", r.Name)
			}
		}
	})
}

func TestExplainNeverContradictsDecide(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		target, seen := drawTarget(t), drawSeen(t)
		e := scaling.Explain(now, target, seen)
		if e.Decision.String() != scaling.Decide(now, target, seen).String() {
			t.Error("another decision")
		}
		// Without running tasks the metric says nothing, except from zero.
		if e.Decision.Direction == scaling.Out && seen.Desired > 0 && !e.ScaleOut.Possible {
			t.Errorf("%v, but scale-out is %v", e.Decision, e.ScaleOut)
		}
		if e.Decision.Direction == scaling.In && !e.ScaleIn.Possible {
			t.Errorf("%v, but scale-in is %v", e.Decision, e.ScaleIn)
		}
		for _, o := range []scaling.Outlook{e.ScaleOut, e.ScaleIn} {
			if o.Possible && !o.Earliest.IsZero() && o.Earliest.Before(now) {
				t.Errorf("possible in the past: %v", o)
			}
			if !o.Possible && len(o.Needs) == 0 {
				t.Error("impossible without a reason")
			}
		}
		if _, err := json.Marshal(e); err != nil {
			t.Error(err)
		}
	})
}

func FuzzStepMetric(f *testing.F) {
	f.Add(50.0, 60.0, int32(10), uint32(10))
	f.Fuzz(func(t *testing.T, threshold, value float64, amount int32, desired uint32) {
		p, err := scaling.NewStep(scaling.StepConfig{Adjustment: scaling.PercentChangeInCapacity, Steps: []scaling.StepAdjustment{{Lower: 0, Upper: inf, Amount: amount}}})
		if err != nil {
			t.Fatal(err)
		}
		r := stepped("p", p, false, threshold, value)
		r.Alarms[0].Datapoints = []metric.Datapoint{{Time: now, Value: value}}
		target := bounds(t, 0, math.MaxInt32)
		if d := scaling.Decide(now, target, scaling.Seen{Desired: scaling.Capacity(desired), Policies: []scaling.Reading{r}}); d.Direction != scaling.Hold && d.To > scaling.MaxCapacity {
			t.Errorf("got %v", d)
		}
	})
}
