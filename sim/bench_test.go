package sim_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"flyball/scaling"
	"flyball/sim"
)

// start is a Monday.
var start = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// days is traffic that swings between 300 and 2,700 requests a minute each day, with some
// noise.
func days(n int) sim.Traffic {
	return func(yield func(sim.Minute) bool) {
		for i := range n * 24 * 60 {
			noise := float64((i*7919)%101-50) / 1000
			v := (1500 - 1200*math.Cos(2*math.Pi*float64(i)/1440)) * (1 + noise)
			if !yield(sim.Minute{Requests: v}) {
				return
			}
		}
	}
}

func tracking(tb testing.TB, target float64) scaling.TargetTracking {
	tb.Helper()
	rule, err := scaling.NewTargetTracking(scaling.TrackingConfig{Target: target, ScaleOutCooldown: 5 * time.Minute, ScaleInCooldown: 5 * time.Minute, OfTasks: true})
	if err != nil {
		tb.Fatal(err)
	}
	return rule
}

func bounds(tb testing.TB, min, max int32) scaling.Bounds {
	tb.Helper()
	b, err := scaling.NewBounds(min, max)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// web is a service of a quarter of a processor a task, at 50 ms a request.
func web(tb testing.TB) sim.Scenario {
	return sim.Scenario{
		Start:    start,
		Service:  sim.Service{CPU: 50 * time.Millisecond, VCPU: 0.25, Memory: 512, Start: 30 * time.Second, Healthy: 10 * time.Second},
		Bounds:   bounds(tb, 1, 50),
		Initial:  2,
		Policies: []sim.Policy{sim.Tracking("cpu", tracking(tb, 50), sim.Metric{Quantity: sim.CPUUtilization}, sim.Pace{})},
	}
}

// BenchmarkTargetTracking reports the simulated minutes of a target in a second.
func BenchmarkTargetTracking(b *testing.B) {
	s, traffic := web(b), slices.Values(slices.Collect(days(28)))
	b.ReportAllocs()
	minutes := 0
	for b.Loop() {
		r, err := sim.Run(s, traffic)
		if err != nil {
			b.Fatal(err)
		}
		minutes += r.Minutes
	}
	b.ReportMetric(float64(minutes)/b.Elapsed().Seconds(), "minutes/s")
}
