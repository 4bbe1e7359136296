package autoscaler_test

import (
	"math"
	"testing"

	"flyball/autoscaler"
)

var seen = autoscaler.Seen{Desired: 4, Running: 3, Ready: 2, Serving: 2, CPU: 1, Memory: 200, Requests: 30, Concurrency: 6, Queue: 8, VCPU: 0.5, MiB: 256}

func TestMetricsOfAllAndOfOneReplica(t *testing.T) {
	for m, want := range map[autoscaler.Metric][3]float64{ // of all, of one, what one has
		autoscaler.CPU: {1, 0.5, 0.5}, autoscaler.Memory: {200, 100, 256}, autoscaler.Requests: {30, 15, 0},
		autoscaler.Concurrency: {6, 3, 0}, autoscaler.Queue: {8, 4, 0},
	} {
		if got := [3]float64{seen.Total(m), seen.PerReplica(m), seen.Capacity(m)}; got != want {
			t.Errorf("%s: %v, want %v", m, got, want)
		}
	}
	if v := (autoscaler.Seen{CPU: 1}).PerReplica(autoscaler.CPU); !math.IsNaN(v) {
		t.Errorf("without a replica %v", v)
	}
	if d := seen.Stay(); d != (autoscaler.Decision{Replicas: 4}) {
		t.Errorf("%+v", d)
	}
}

// What was averaged is averaged again; replicas and what waits are those of the last interval.
func TestAMeanOfSeveralIntervals(t *testing.T) {
	var s autoscaler.Sum
	s.Add(autoscaler.Seen{Desired: 1, Serving: 1, Requests: 10, CPU: 3, Queue: 100})
	s.Add(seen)
	got := s.Mean()
	if got.Desired != 4 || got.Queue != 8 || got.Serving != 1.5 || got.Requests != 20 || got.CPU != 2 {
		t.Errorf("%+v", got)
	}
	s.Add(seen)
	if got := s.Mean(); got != seen {
		t.Errorf("anew %+v", got)
	}
}
