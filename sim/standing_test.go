package sim_test

import (
	"math"
	"reflect"
	"testing"
	"time"

	"flyball/alarm"
	"flyball/scaling"
	"flyball/sim"
)

// A policy beside the one that tracks, whose alarm never calls, changes nothing but that each
// call is answered anew.
func TestAnAnswerThatStandsIsTheOneThatWouldBeGiven(t *testing.T) {
	rule, err := scaling.NewStep(scaling.StepConfig{Steps: []scaling.StepAdjustment{{Upper: math.Inf(1), Amount: 1}}})
	if err != nil {
		t.Fatal(err)
	}
	silent := sim.Policy{Name: "silent", Rule: rule, Alarms: []sim.Alarm{{
		Name: "silent", Metric: sim.Metric{Quantity: sim.CPUUtilization},
		Rule: alarm.Rule{Comparison: alarm.Greater, Threshold: math.MaxFloat64, Periods: 1, Period: time.Minute},
	}}}
	for name, change := range map[string]func(*sim.Scenario){
		"as it is":         func(*sim.Scenario) {},
		"seen late":        func(s *sim.Scenario) { s.Delays = sim.AWSDelays },
		"a higher minimum": func(s *sim.Scenario) { s.Bounds = bounds(t, 6, 50) },
		"from no task":     func(s *sim.Scenario) { s.Bounds, s.Initial = bounds(t, 0, 50), 0 },
		"tasks that crash": func(s *sim.Scenario) { s.Service.CrashesPerHour = 0.5 },
		"slow tasks":       func(s *sim.Scenario) { s.Service.Start, s.Service.StartSpread = 8*time.Minute, 3*time.Minute },
		"changes by hand":  func(s *sim.Scenario) { s.Changes = byHand(t) },
		"a low target":     func(s *sim.Scenario) { s.Policies[0] = sim.Tracking("cpu", tracking(t, 20), sim.Metric{}, sim.Pace{}) },
		"sooner in than out": func(s *sim.Scenario) {
			s.Policies[0] = sim.Tracking("cpu", tracking(t, 60), sim.Metric{}, sim.Pace{Out: 5, In: 3})
		},
	} {
		s := web(t)
		change(&s)
		want := s
		want.Policies = append(want.Policies[:1:1], silent)
		if got, want := run(t, s, days(3)), run(t, want, days(3)); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v\nwhere each call is answered anew\n%+v", name, got, want)
		}
	}
}

// byHand sets the desired count, other bounds and a deployment at night, when alarms call.
func byHand(t *testing.T) []sim.Change {
	night := start.Add(25 * time.Hour)
	twelve, higher := scaling.Capacity(12), bounds(t, 4, 40)
	return []sim.Change{
		{At: night, Desired: &twelve}, {At: night.Add(90 * time.Second), Bounds: &higher}, {At: night.Add(time.Hour), Deploy: true},
	}
}
