package scaling_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"flyball/alarm"
	"flyball/scaling"
)

func explain(t *testing.T, desired scaling.Capacity, readings ...scaling.Reading) scaling.Explanation {
	return scaling.Explain(now, bounds(t, 1, 20), scaling.Seen{Desired: desired, Running: desired, Policies: readings})
}

func TestExplainSaysWhatTheAlarmsLackAndWhenTheyCanHaveIt(t *testing.T) {
	p := tracking(t, scaling.TrackingConfig{Target: 50, ScaleInCooldown: cooldown})
	r := tracked("cpu", p, append(repeat(48, 6), repeat(30, 9)...)...)
	r.Cooldown = scaling.Cooldown{Direction: scaling.In, Until: now.Add(100 * time.Second)}
	e := explain(t, 10, r)

	want := []string{"low alarm of policy cpu has 9 of 15 datapoints below 45", "cooldown ends 17:02:10"}
	if !slices.Equal(e.ScaleIn.Needs, want) {
		t.Errorf("scale-in needs %q, want %q", e.ScaleIn.Needs, want)
	}
	if at := time.Date(2026, 3, 2, 17, 6, 0, 0, time.UTC); !e.ScaleIn.Possible || !e.ScaleIn.Earliest.Equal(at) {
		t.Errorf("scale-in at %v, want %v", e.ScaleIn.Earliest, at)
	}
	if want := "low alarm of policy cpu has 9 of 15 datapoints below 45; cooldown ends 17:02:10; earliest 17:06:00"; e.ScaleIn.String() != want {
		t.Errorf("scale-in is %q, want %q", e.ScaleIn, want)
	}
	want = []string{"high alarm of policy cpu has 0 of 3 datapoints above 50"}
	if !slices.Equal(e.ScaleOut.Needs, want) {
		t.Errorf("scale-out needs %q, want %q", e.ScaleOut.Needs, want)
	}
}

func TestExplainCountsTheDatapointsThatLeaveTheRange(t *testing.T) {
	p := tracking(t, scaling.TrackingConfig{Target: 50})
	e := explain(t, 10, tracked("cpu", p, append(repeat(30, 14), 48)...)) // the newest does not breach
	if at := now.Truncate(time.Minute).Add(15 * time.Minute); !e.ScaleIn.Earliest.Equal(at) {
		t.Errorf("scale-in at %v, want %v", e.ScaleIn.Earliest, at)
	}
}

func TestExplainNamesTheMetricThatTheArithmeticNeeds(t *testing.T) {
	p := tracking(t, scaling.TrackingConfig{Target: 50})
	e := explain(t, 2, tracked("cpu", p, repeat(30, 15)...))
	if want := "the metric of policy cpu must be at or below 25, or 1 would be too few"; !slices.Contains(e.ScaleIn.Needs, want) {
		t.Errorf("scale-in needs %q, want %q among them", e.ScaleIn.Needs, want)
	}
	if codes(e.Decision)[0] != scaling.AutoScalingAnticipatedFlapping {
		t.Errorf("now: %v", e.Decision)
	}
}

func TestExplainWaitsForEveryPolicyThatMayScaleIn(t *testing.T) {
	p := tracking(t, scaling.TrackingConfig{Target: 50})
	e := explain(t, 10, tracked("cpu", p, repeat(30, 15)...), tracked("memory", p, append(repeat(48, 10), repeat(30, 5)...)...))
	if at := now.Truncate(time.Minute).Add(10 * time.Minute); !e.ScaleIn.Earliest.Equal(at) {
		t.Errorf("scale-in at %v, want %v: %v", e.ScaleIn.Earliest, at, e.ScaleIn)
	}
}

func TestExplainKnowsWhatCannotHappen(t *testing.T) {
	p := tracking(t, scaling.TrackingConfig{Target: 50, DisableScaleIn: true})
	r := tracked("cpu", p, repeat(60, 3)...)
	e := explain(t, 20, r)
	if e.ScaleOut.Possible || !slices.Contains(e.ScaleOut.Needs, "already at the maximum capacity of 20") {
		t.Errorf("scale-out: %v", e.ScaleOut)
	}
	if e.ScaleIn.Possible || !slices.Contains(e.ScaleIn.Needs, "scale-in is disabled in policy cpu") {
		t.Errorf("scale-in: %v", e.ScaleIn)
	}
	least := explain(t, 1, tracked("cpu", tracking(t, scaling.TrackingConfig{Target: 50}), repeat(60, 3)...))
	if want := []string{"already at the minimum capacity of 1"}; least.ScaleIn.Possible || !slices.Equal(least.ScaleIn.Needs, want) {
		t.Errorf("scale-in: %v, want nothing but %q", least.ScaleIn, want)
	}
	none := explain(t, 5)
	if none.ScaleOut.Possible || none.ScaleIn.Possible {
		t.Error("a target without policies can scale")
	}
}

func TestExplainKnowsThatTasksMeasureNothingWhenNoneRuns(t *testing.T) {
	for name, c := range map[string]struct {
		ofTasks  bool
		desired  scaling.Capacity
		possible bool
	}{
		"requests per target":            {true, 0, false},
		"requests per target of one":     {true, 1, true},
		"what others measure, at 0":      {false, 0, true},
		"what others measure, of a task": {false, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			p := tracking(t, scaling.TrackingConfig{Target: 50, OfTasks: c.ofTasks})
			e := scaling.Explain(now, bounds(t, 0, 20), scaling.Seen{Desired: c.desired, Running: c.desired, Policies: []scaling.Reading{tracked("requests", p)}})
			if e.ScaleOut.Possible != c.possible {
				t.Errorf("scale-out: %v, want possible: %v", e.ScaleOut, c.possible)
			}
			if want := "not possible: the metric of policy requests has no data while nothing runs; set the capacity or the minimum"; !c.possible && e.ScaleOut.String() != want {
				t.Errorf("scale-out: %q, want %q", e.ScaleOut, want)
			}
		})
	}
}

func TestExplainAsksStepAlarmsWhichWayTheyLead(t *testing.T) {
	p := step(t, scaling.StepConfig{Steps: []scaling.StepAdjustment{{Lower: 0, Upper: inf, Amount: 2}}})
	r := stepped("more", p, false, 50, 10)
	r.Alarms[0].State = alarm.OK
	e := explain(t, 5, r)
	if !e.ScaleOut.Possible || !e.ScaleOut.Earliest.Equal(now.Truncate(time.Minute).Add(time.Minute)) {
		t.Errorf("scale-out: %v", e.ScaleOut)
	}
	if e.ScaleIn.Possible {
		t.Errorf("scale-in: %v", e.ScaleIn)
	}
}

func TestExplanationEncodesAndPrints(t *testing.T) {
	p := tracking(t, scaling.TrackingConfig{Target: 50})
	e := explain(t, 10, tracked("cpu", p, repeat(60, 3)...))
	if _, err := json.Marshal(e); err != nil {
		t.Error(err)
	}
	text := e.String()
	for _, want := range []string{
		"10 desired, 10 running, 1 to 20 allowed",
		"high alarm of policy cpu is in ALARM: 3 of 3 datapoints are above 50",
		"now        scale-out from 10 to 12 by policy cpu: 10 running at 60 against a target of 50 need 12",
		"scale-out  when the alarm calls next",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
}

// held is a target whose tracking policy is idle while a step policy's alarm
// stays in ALARM at the maximum capacity.
func held(t *testing.T, called string) scaling.Seen {
	surge := step(t, scaling.StepConfig{Steps: []scaling.StepAdjustment{{Lower: 0, Upper: inf, Amount: 1}}})
	hot := stepped("surge", surge, false, 10, 50)
	hot.Alarms[0].Since = now.Add(-20 * time.Minute)
	idle := tracked("cpu", tracking(t, scaling.TrackingConfig{Target: 50}), repeat(1, 15)...)
	return scaling.Seen{Desired: 20, Running: 20, Policies: []scaling.Reading{hot, idle}, Called: called}
}

func TestExplainNamesThePolicyThatHoldsScaleInBack(t *testing.T) {
	e := scaling.Explain(now, bounds(t, 1, 20), held(t, ""))
	if want := "policy surge asks for a scale-out: its alarm surge-alarm is in ALARM since 16:40:30"; !slices.Contains(e.ScaleIn.Needs, want) {
		t.Errorf("scale-in needs %q, want %q among them", e.ScaleIn.Needs, want)
	}
	if !e.ScaleIn.Earliest.IsZero() || strings.Contains(e.ScaleIn.String(), "earliest") {
		t.Errorf("scale-in is %q", e.ScaleIn)
	}
}

func TestThePolicyThatWasCalledIsToldWhatHoldsItBack(t *testing.T) {
	d := scaling.Decide(now, bounds(t, 1, 20), held(t, "cpu-Low"))
	if d.Policy != "cpu" || d.Alarm != "cpu-Low" || !slices.Equal(codes(d), []scaling.Code{scaling.HeldByScaleOut}) {
		t.Errorf("got policy %s, alarm %s: %v", d.Policy, d.Alarm, d)
	}
	if a := d.Activity("id"); len(a.NotScaled) != 1 || !a.NotScaled[0].Reported() {
		t.Errorf("the activity tells %v", a.NotScaled)
	} else if !strings.Contains(a.Details, "its alarm surge-alarm is in ALARM") {
		t.Errorf("the activity's details are %q", a.Details)
	}
}

func TestExplainTellsOfAlarmsThatWillNotCall(t *testing.T) {
	p := tracking(t, scaling.TrackingConfig{Target: 50})
	for silence, want := range map[scaling.Silence]string{
		scaling.ActionsDisabled: "high alarm of policy cpu will not call: its actions are disabled; enable them",
		scaling.ActionRemoved:   "high alarm of policy cpu will not call: the policy is not among its actions any more; put the policy again",
		scaling.AlarmDeleted:    "high alarm of policy cpu will not call: it was deleted; put the policy again",
	} {
		r := tracked("cpu", p, repeat(80, 3)...)
		r.Alarms[0].Silent = silence
		e := explain(t, 10, r)
		if e.ScaleOut.Possible || !slices.Contains(e.ScaleOut.Needs, want) {
			t.Errorf("scale-out is %q, want %q", e.ScaleOut, want)
		}
		if text := e.Policies[0].Alarms[0].Text; text != want {
			t.Errorf("the alarm is told as %q", text)
		}
		if d := e.Decision; d.Direction != scaling.Hold || d.To != 10 || !slices.Equal(codes(d), []scaling.Code{scaling.AlarmSilent}) {
			t.Errorf("the decision is %v", d)
		}
	}
}

func TestExplainWaitsForTheCooldownOfAScaleOut(t *testing.T) {
	p := tracking(t, scaling.TrackingConfig{Target: 50, ScaleOutCooldown: cooldown})
	until := now.Add(100 * time.Second)
	for _, test := range []struct {
		name     string
		value    float64
		until    time.Time
		earliest time.Time
	}{
		{"as much as is there", 50.1, until, until},
		{"more than is there", 90, until, now},
		{"the activity has not ended", 50.1, time.Time{}, time.Time{}},
	} {
		r := tracked("cpu", p, repeat(test.value, 3)...)
		r.Cooldown = scaling.Cooldown{Direction: scaling.Out, Base: 8, Until: test.until}
		if e := explain(t, 10, r); !e.ScaleOut.Possible || !e.ScaleOut.Earliest.Equal(test.earliest) {
			t.Errorf("%s: %v, want it at %v; now %v", test.name, e.ScaleOut, test.earliest, e.Decision)
		}
	}
}

func TestAKnownTimeIsSoonerThanOneThatNobodyKnows(t *testing.T) {
	p := tracking(t, scaling.TrackingConfig{Target: 50, ScaleOutCooldown: cooldown})
	running := tracked("cpu", p, repeat(50.1, 3)...)
	running.Cooldown = scaling.Cooldown{Direction: scaling.Out, Base: 8} // its activity has not ended
	e := explain(t, 10, running, tracked("memory", p, repeat(48, 3)...))
	if at := now.Truncate(time.Minute).Add(3 * time.Minute); !e.ScaleOut.Earliest.Equal(at) {
		t.Errorf("scale-out %v, want it at %v", e.ScaleOut, at)
	}
}

func TestExplainNamesTheMetricsWithoutData(t *testing.T) {
	r := tracked("backlog", tracking(t, scaling.TrackingConfig{Target: 50}), repeat(30, 3)...)
	r.Alarms[0].Missing = []string{"m1 (ApproximateNumberOfMessagesVisible)"}
	if text := explain(t, 10, r).Policies[0].Alarms[0].Text; !strings.HasSuffix(text, "; there is no data of m1 (ApproximateNumberOfMessagesVisible)") {
		t.Errorf("the alarm is told as %q", text)
	}
}

func TestWhatSeveralPoliciesSayAlikeIsSaidOnce(t *testing.T) {
	p := tracking(t, scaling.TrackingConfig{Target: 50})
	d := scaling.Decide(now, bounds(t, 10, 20), scaling.Seen{Desired: 10, Running: 10, Policies: []scaling.Reading{
		tracked("cpu", p, repeat(1, 15)...), tracked("memory", p, repeat(1, 15)...),
	}})
	if want := "hold at 10: already at the minimum capacity of 10"; d.String() != want {
		t.Errorf("got %q, want %q", d, want)
	}
}

func TestTheArithmeticNamesWhatItDoes(t *testing.T) {
	p := tracking(t, scaling.TrackingConfig{Target: 50})
	idle := scaling.Decide(now, bounds(t, 1, 20), scaling.Seen{Desired: 2, Running: 2, Policies: []scaling.Reading{tracked("cpu", p, repeat(1, 15)...)}})
	if want := "2 running at 1 against a target of 50 need 1"; idle.Rule != want {
		t.Errorf("got %q, want %q", idle.Rule, want)
	}
	percent := step(t, scaling.StepConfig{Adjustment: scaling.PercentChangeInCapacity, MinMagnitude: 2, Steps: []scaling.StepAdjustment{{Lower: 0, Upper: inf, Amount: 25}}})
	d := scaling.Decide(now, bounds(t, 1, 20), scaling.Seen{Desired: 4, Running: 4, Policies: []scaling.Reading{stepped("p", percent, false, 50, 60)}})
	if want := "+25 % of 4, by 2 at least (MinAdjustmentMagnitude), make 6"; !strings.HasSuffix(d.Rule, want) {
		t.Errorf("got %q, want %q at its end", d.Rule, want)
	}
}
