package sim_test

import (
	"math"
	"reflect"
	"testing"
	"time"

	"flyball/autoscaler"
	"flyball/autoscaler/hpa"
	"flyball/scaling"
	"flyball/sim"
)

// A script answers one decision after the other, and keeps what it saw.
type script struct {
	seen    []autoscaler.Seen
	answers []autoscaler.Decision
}

func (s *script) Interval() time.Duration { return 15 * time.Second }

func (s *script) Decide(seen autoscaler.Seen) autoscaler.Decision {
	s.seen = append(s.seen, seen)
	if len(s.seen) > len(s.answers) {
		return seen.Stay()
	}
	return s.answers[len(s.seen)-1]
}

// controlled is tasks with a processor each, of which a request takes a second.
func controlled(t *testing.T, tasks int32, a autoscaler.Autoscaler) sim.Scenario {
	s := unscaled(t, tasks, time.Second)
	s.Bounds = bounds(t, 0, 20)
	s.Autoscaler = func() autoscaler.Autoscaler { return a }
	return s
}

// 90 requests a minute, of which a task serves 60, are one and a half processors, and as many
// requests in hand beside those that wait: with two tasks there wait 1.93 (Erlang C).
func TestAnAutoscalerSeesTheServiceEachInterval(t *testing.T) {
	a := &script{}
	run(t, controlled(t, 2, a), steady(90, 10))
	if len(a.seen) != 40 {
		t.Fatalf("asked %d times, want 40", len(a.seen))
	}
	s := a.seen[8]
	if !s.At.Equal(start.Add(9*15*time.Second)) || s.Desired != 2 || s.Running != 2 || s.Ready != 2 || s.Min != 0 || s.Max != 20 || s.Serving != 2 || s.VCPU != 1 {
		t.Errorf("saw %+v", s)
	}
	for name, v := range map[string][2]float64{"requests": {s.Requests, 1.5}, "processors": {s.CPU, 1.5}, "waiting": {s.Queue, 1.93}, "in hand": {s.Concurrency, 3.43}} {
		if math.Abs(v[0]-v[1]) > 0.02*v[1] {
			t.Errorf("%s: %v, want %v", name, v[0], v[1])
		}
	}
}

// What it says is done within the bounds, told, and counted; why it holds is counted once for
// as long as it lasts.
func TestAnAutoscalersDecisionsAreDone(t *testing.T) {
	a := &script{answers: []autoscaler.Decision{
		{Replicas: 4, By: "script", Reason: "more"}, {Replicas: 4, Held: "Waits"}, {Replicas: 4, Held: "Waits"}, {Replicas: 90, By: "script"}, {Replicas: 1, By: "script"}, {Replicas: 1},
	}}
	s := controlled(t, 2, a)
	s.Service.Start = 20 * time.Second
	var told []scaling.Activity
	s.Observer.Activity = func(a scaling.Activity) { told = append(told, a) }
	r := run(t, s, steady(60, 2))
	if len(told) != 3 || told[0].From != 2 || told[0].To != 4 || told[0].Details != "more" || told[1].To != 20 || told[2].To != 1 {
		t.Errorf("told %+v", told)
	}
	want := []sim.Activities{{Reason: "script", Out: 2, In: 1}, {Reason: "Waits", Held: 1}}
	if !reflect.DeepEqual(r.Activities, want) {
		t.Errorf("counted %+v", r.Activities)
	}
	if b := a.seen[1]; b.Desired != 4 || b.Running != 2 || b.Ready != 2 {
		t.Errorf("after 15 s it saw %+v", b)
	}
	if b := a.seen[2]; b.Running != 4 || b.Ready != 4 {
		t.Errorf("after 30 s it saw %+v", b)
	}
}

// Each run has a controller of its own.
func TestAnAutoscalerGivesTheSameResultTwice(t *testing.T) {
	s := web(t)
	s.Policies = nil
	s.Autoscaler = hpa.Spec{Metrics: []hpa.Metric{{Metric: autoscaler.CPU, Target: 60, Name: "cpu"}}}.New
	a, b := run(t, s, days(1)), run(t, s, days(1))
	if !reflect.DeepEqual(a, b) || a.SLO() < 90 {
		t.Errorf("%+v\n%+v", a, b)
	}
}

func TestEitherPoliciesOrAnAutoscaler(t *testing.T) {
	s := web(t)
	s.Autoscaler = hpa.Spec{}.New
	if _, err := sim.Run(s, steady(60, 1)); err == nil {
		t.Error("both were taken")
	}
}
