package clock_test

import (
	"testing"

	"flyball/internal/clock"
)

func BenchmarkNow(b *testing.B) {
	c := clock.New(noon, 1)
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			c.Now()
		}
	})
}
