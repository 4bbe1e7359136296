package scaling_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"flyball/scaling"
)

// What the other policies said is told with their numbers, whichever way they went.
func TestAnActivityTellsWhatTheOtherPoliciesSaid(t *testing.T) {
	p := tracking(t, scaling.TrackingConfig{Target: 50})
	seen := scaling.Seen{Desired: 4, Running: 4, Policies: []scaling.Reading{
		tracked("cpu", p, repeat(80, 15)...), tracked("calm", p, repeat(48, 15)...), tracked("idle", p, repeat(10, 15)...), tracked("blind", p), tracked("high", p, repeat(60, 15)...),
	}}
	d := scaling.Decide(now, bounds(t, 1, 10), seen)
	a := d.Activity("1")
	if d.Policy != "cpu" || len(a.Others) != 4 || a.Untold != 0 {
		t.Fatalf("%s tells of %d others", d, len(a.Others))
	}
	for i, want := range []string{
		"asks for nothing: the metric is 48, against a target of 50; its high alarm, above 50, is OK; its low alarm, below 45, is OK",
		"asks for a scale-in to 2: 4 running at 10 against a target of 50 need 1; half of the difference goes, which leaves 2; not followed: policy cpu asks for a scale-out: its alarm cpu-High is in ALARM",
		"asks for nothing: the metric has no data, against a target of 50; its high alarm, above 50, is INSUFFICIENT_DATA; its low alarm, below 45, is INSUFFICIENT_DATA",
		"asks for a scale-out to 5: 4 running at 60 against a target of 50 need 5",
	} {
		if got := a.Others[i].String(); got != want {
			t.Errorf("%s\n%s, want\n%s", a.Others[i].Policy, got, want)
		}
	}
	if a.Others[0].Metric != 48 {
		t.Errorf("a policy that asks for nothing sees %v", a.Others[0].Metric)
	}
	seen.Brief = true
	if a := scaling.Decide(now, bounds(t, 1, 10), seen).Activity("1"); len(a.Others) > 0 {
		t.Errorf("a brief decision tells of %d others", len(a.Others))
	}
}

// However many policies and alarms there are, an activity stays small, and tells of those first that
// wanted something.
func TestWhatOthersSaidIsBounded(t *testing.T) {
	p := tracking(t, scaling.TrackingConfig{Target: 50})
	name := strings.Repeat("n", 250)
	seen := scaling.Seen{Desired: 4, Running: 4}
	for i := range 50 {
		value := 48.0
		if i >= 48 {
			value = 60
		}
		seen.Policies = append(seen.Policies, tracked(fmt.Sprint(i, name), p, repeat(value, 15)...))
	}
	a := scaling.Decide(now, bounds(t, 1, 10), seen).Activity("1")
	text, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Others) != 10 || a.Untold != 39 || a.Others[0].Direction != scaling.Out || len(text) > 20_000 {
		t.Errorf("%d others, %d untold, the first a %s, in %d bytes", len(a.Others), a.Untold, a.Others[0].Direction, len(text))
	}
}

func TestAnActivityOfAnEarlierReleaseIsRead(t *testing.T) {
	var a scaling.Activity
	if err := json.Unmarshal([]byte(`{"id":"1","description":"Setting desired count to 3.","cause":"monitor alarm a in state ALARM triggered policy p","status":"Successful","to":3,"start":"2026-03-02T17:00:30Z"}`), &a); err != nil {
		t.Fatal(err)
	}
	if a.To != 3 || a.Others != nil || a.Untold != 0 {
		t.Errorf("it is %+v", a)
	}
}
