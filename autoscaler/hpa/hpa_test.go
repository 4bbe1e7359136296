package hpa_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"flyball/autoscaler"
	"flyball/autoscaler/hpa"
)

var start = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// tolerated is the tolerance of a tenth that Kubernetes has.
func tolerated(ratio float64) bool { return 0.9 <= ratio && ratio <= 1.1 }

func TestReplicasByThePodsMean(t *testing.T) {
	for _, c := range []struct {
		rule         string
		pods         hpa.Pods
		mean, target float64
		want         int
	}{
		{"200m against 100m doubles", hpa.Pods{Current: 3, Measured: 3}, 200, 100, 6},
		{"50m against 100m halves", hpa.Pods{Current: 4, Measured: 4}, 50, 100, 2},
		{"105 % is tolerated", hpa.Pods{Current: 10, Measured: 10}, 105, 100, 10},
		{"111 % is not", hpa.Pods{Current: 10, Measured: 10}, 111, 100, 12},
		{"110 % to the digit is tolerated", hpa.Pods{Current: 10, Measured: 10}, 110, 100, 10},
		{"unready pods count with nothing to scale out", hpa.Pods{Current: 10, Measured: 5, Unready: 5}, 300, 100, 15},
		{"and may bring the ratio within tolerance", hpa.Pods{Current: 10, Measured: 5, Unready: 5}, 200, 100, 10},
		{"and may not turn the direction", hpa.Pods{Current: 10, Measured: 5, Unready: 5}, 150, 100, 10},
		{"unready pods do not count to scale in", hpa.Pods{Current: 10, Measured: 5, Unready: 5}, 50, 100, 3},
		{"missing pods count with nothing to scale out", hpa.Pods{Current: 4, Measured: 3, Missing: 1}, 200, 100, 6},
		{"missing pods count with the target to scale in", hpa.Pods{Current: 4, Measured: 3, Missing: 1}, 50, 100, 3},
		{"and may bring the ratio within tolerance", hpa.Pods{Current: 10, Measured: 2, Missing: 8}, 60, 100, 10},
	} {
		if got := c.pods.Replicas(c.mean, c.target, tolerated); got != c.want {
			t.Errorf("%s: %d, want %d", c.rule, got, c.want)
		}
	}
}

// load is what an HPA sees of pods that are all ready.
func load(at time.Duration, pods int, rps float64) autoscaler.Seen {
	return autoscaler.Seen{
		At: start.Add(at), Desired: pods, Running: pods, Ready: pods, Min: 1, Max: 1000, Serving: float64(pods),
		Requests: rps, CPU: rps, Queue: rps, VCPU: 1,
	}
}

// perPod is a metric of which each pod is to have one.
var perPod = hpa.Metric{Metric: autoscaler.Requests, Kind: hpa.TotalAverage, Target: 1, Name: "external metric rps"}

// lives are the sizes over time under a load, from some pods on.
func lives(spec hpa.Spec, pods int, every time.Duration, loads ...float64) (sizes []int, held []string) {
	spec.Sync = every
	a := spec.New()
	for i, l := range loads {
		d := a.Decide(load(time.Duration(i)*every, pods, l))
		pods = d.Replicas
		sizes, held = append(sizes, pods), append(held, d.Held)
	}
	return sizes, held
}

func steady(load float64, n int) []float64 { return slices.Repeat([]float64{load}, n) }

func TestBehaviours(t *testing.T) {
	now, minute := new(time.Duration(0)), time.Minute
	pods := func(n int) hpa.Policy { return hpa.Policy{Value: n, Period: minute} }
	percent := func(n int) hpa.Policy { return hpa.Policy{Percent: true, Value: n, Period: minute} }
	for _, c := range []struct {
		rule  string
		spec  hpa.Spec
		from  int
		every time.Duration
		loads []float64
		want  string
	}{
		{"scale-in of 4 pods or 10 % a minute, whichever is more", hpa.Spec{Down: hpa.Rules{Stabilization: now, Policies: []hpa.Policy{pods(4), percent(10)}}},
			80, minute, steady(10, 14), "72 64 57 51 45 40 36 32 28 24 20 16 12 10"},
		{"whichever is less", hpa.Spec{Down: hpa.Rules{Stabilization: now, Select: hpa.Min, Policies: []hpa.Policy{pods(5), percent(10)}}},
			80, minute, steady(10, 3), "75 70 65"},
		{"scale-in disabled", hpa.Spec{Down: hpa.Rules{Stabilization: now, Select: hpa.Disabled}}, 80, minute, steady(10, 3), "80 80 80"},
		{"by default 4 pods or twice as many in 15 s", hpa.Spec{}, 1, 15 * time.Second, steady(100, 6), "5 10 20 40 80 100"},
		{"a policy's period goes over several syncs", hpa.Spec{Up: hpa.Rules{Policies: []hpa.Policy{pods(4)}}}, 2, 15 * time.Second, steady(100, 6), "6 6 6 6 10 10"},
		{"by default the highest of 5 minutes to scale in", hpa.Spec{}, 10, minute, append([]float64{10, 10}, steady(5, 5)...), "10 10 10 10 10 10 5"},
		{"the lowest of a window to scale out", hpa.Spec{Up: hpa.Rules{Stabilization: new(2 * minute)}}, 10, minute, []float64{10, 20, 20, 20}, "10 10 20 20"},
		{"a tolerance of its own to scale out", hpa.Spec{Up: hpa.Rules{Tolerance: new(0.01)}}, 10, minute, []float64{10.2, 10.9}, "11 11"},
	} {
		c.spec.Metrics = []hpa.Metric{perPod}
		sizes, held := lives(c.spec, c.from, c.every, c.loads...)
		if got := strings.Trim(fmt.Sprint(sizes), "[]"); got != c.want {
			t.Errorf("%s:\n%s (%q), want\n%s", c.rule, got, held, c.want)
		}
	}
}

func TestTheLargestOfSeveralMetricsCounts(t *testing.T) {
	spec := hpa.Spec{Metrics: []hpa.Metric{{Metric: autoscaler.CPU, Target: 50, Name: "cpu resource utilization (percentage of request)"}, perPod}}
	d := spec.New().Decide(load(0, 4, 3)) // 75 % of 50 %, and 3 for 1 each
	want := "New size: 6; reason: cpu resource utilization (percentage of request) above target (75 against 50, 4 of 4 pods ready)"
	if d.Replicas != 6 || d.Reason != want || d.By != hpa.By {
		t.Errorf("%+v", d)
	}
}

// Without a metric of a ready pod nothing is scaled in, but another metric may scale out.
func TestAMetricThatFailsBlocksScaleInOnly(t *testing.T) {
	spec := hpa.Spec{Metrics: []hpa.Metric{{Metric: autoscaler.CPU, Target: 50, Name: "cpu"}, perPod}}
	for rps, want := range map[float64]int{1: 4, 8: 8} {
		s := load(0, 4, rps)
		s.Ready, s.Serving = 0, 0
		if d := spec.New().Decide(s); d.Replicas != want || (want == 4) != (d.Held == "FailedGetMetric") {
			t.Errorf("%v requests: %+v, want %d", rps, d, want)
		}
	}
}

func TestNoReplicasDisableIt(t *testing.T) {
	if d := (hpa.Spec{Metrics: []hpa.Metric{perPod}}).New().Decide(load(0, 0, 10)); d.Replicas != 0 || d.Held != "ScalingDisabled" {
		t.Errorf("%+v", d)
	}
}

func TestBoundsHold(t *testing.T) {
	s := load(0, 10, 100)
	s.Max = 12
	if d := (hpa.Spec{Metrics: []hpa.Metric{perPod}}).New().Decide(s); d.Replicas != 12 || d.Held != "TooManyReplicas" || !strings.Contains(d.Reason, "100 were asked for") {
		t.Errorf("%+v", d)
	}
}
