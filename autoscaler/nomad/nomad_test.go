package nomad_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"flyball/autoscaler"
	"flyball/autoscaler/nomad"
)

var start = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

func TestCount(t *testing.T) {
	for _, c := range []struct {
		rule  string
		check nomad.Check
		count int
		value float64
		want  int
	}{
		{"by the factor, rounded up", nomad.Check{Target: 70}, 4, 90, 6},
		{"down as well", nomad.Check{Target: 70}, 4, 30, 2},
		{"within the threshold nothing", nomad.Check{Target: 100}, 10, 100.9, 10},
		{"beyond it something", nomad.Check{Target: 100}, 10, 101.5, 11},
		{"a threshold of its own", nomad.Check{Target: 100, Threshold: 0.1}, 10, 108, 10},
		{"from 0 the factor itself", nomad.Check{Target: 5}, 0, 12, 3},
		{"a target of 0 is the metric itself", nomad.Check{}, 0, 2, 2},
		{"no more up at once", nomad.Check{Target: 10, MaxUp: 3}, 4, 100, 7},
		{"no more down at once", nomad.Check{Target: 10, MaxDown: 2}, 10, 1, 8},
	} {
		if got, _ := c.check.Count(c.count, c.value); got != c.want {
			t.Errorf("%s: %d, want %d", c.rule, got, c.want)
		}
	}
}

// play lets it live with a utilization of processors at each evaluation.
func play(spec nomad.Spec, count int, percent ...float64) string {
	a := spec.New()
	var sizes []int
	for i, p := range percent {
		n := float64(count)
		count = a.Decide(autoscaler.Seen{
			At: start.Add(time.Duration(i) * a.Interval()), Desired: count, Ready: count, Min: 1, Max: 20, Serving: n, CPU: p / 100 * n, VCPU: 1, Queue: 2 * p,
		}).Replicas
		sizes = append(sizes, count)
	}
	return strings.Trim(fmt.Sprint(sizes), "[]")
}

func TestLives(t *testing.T) {
	cpu := nomad.Check{Name: "avg_cpu", Target: 50}
	for rule, c := range map[string]struct {
		spec nomad.Spec
		load []float64
		want string
	}{
		"a cooldown after each scaling":      {nomad.Spec{Checks: []nomad.Check{cpu}, Cooldown: new(30 * time.Second)}, []float64{100, 100, 100, 100}, "4 4 4 8"},
		"without cooldown at each":           {nomad.Spec{Checks: []nomad.Check{cpu}, Cooldown: new(time.Duration(0))}, []float64{100, 100, 25}, "4 8 4"},
		"between the bounds":                 {nomad.Spec{Checks: []nomad.Check{cpu}, Cooldown: new(time.Duration(0))}, []float64{100, 100, 100, 100, 0}, "4 8 16 20 1"},
		"the largest count of several":       {nomad.Spec{Checks: []nomad.Check{cpu, {Name: "jobs", Metric: autoscaler.Queue, Kind: nomad.Total, Target: 20}}}, []float64{40}, "8"},
		"a check that stays keeps the count": {nomad.Spec{Checks: []nomad.Check{{Name: "cpu", Target: 25}, cpu}}, []float64{25}, "2"},
		"the mean of a window":               {nomad.Spec{Checks: []nomad.Check{{Name: "cpu", Target: 50, Window: 20 * time.Second}}, Cooldown: new(time.Duration(0))}, []float64{50, 100}, "2 3"},
	} {
		if got := play(c.spec, 2, c.load...); got != c.want {
			t.Errorf("%s: %s, want %s", rule, got, c.want)
		}
	}
}

func TestItSaysTheFactor(t *testing.T) {
	d := nomad.Spec{Checks: []nomad.Check{{Name: "avg_cpu", Target: 50}}}.New().Decide(autoscaler.Seen{At: start, Desired: 2, Min: 1, Max: 20, Serving: 2, CPU: 1.5, VCPU: 1})
	if want := "scaling up because factor is 1.500000: avg_cpu is 75 against a target of 50"; d.Reason != want || d.Replicas != 3 {
		t.Errorf("%+v", d)
	}
}
