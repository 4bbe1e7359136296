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
	if want := "the metric must be at or below 25, or 1 would be too few"; !slices.Contains(e.ScaleIn.Needs, want) {
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
