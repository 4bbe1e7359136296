package scaling_test

import (
	"testing"

	"flyball/scaling"
)

func BenchmarkDecide(b *testing.B) {
	p, err := scaling.NewTargetTracking(scaling.TrackingConfig{Target: 50})
	if err != nil {
		b.Fatal(err)
	}
	target := bounds(b, 1, 100)
	for name, values := range map[string][]float64{"hold": repeat(48, 15), "out": repeat(60, 15), "in": repeat(10, 15)} {
		seen := scaling.Seen{Desired: 10, Running: 10, Policies: []scaling.Reading{tracked("cpu", p, values...)}}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				scaling.Decide(now, target, seen)
			}
		})
	}
}
