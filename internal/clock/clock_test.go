package clock_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"flyball/internal/clock"
)

func TestSleepUntilNeverReturnsEarly(t *testing.T) {
	for _, speed := range []float64{0.5, 1, 7, 60, 3600} {
		synctest.Test(t, func(t *testing.T) {
			clk := clock.New(time.Date(2026, 11, 21, 16, 55, 30, 1, time.UTC), speed)
			until := clk.Now()
			for range 100 {
				until = until.Add(61*time.Second + 3599)
				if err := clk.SleepUntil(t.Context(), until); err != nil {
					t.Fatal(err)
				}
				// In fake time it wakes at once, or a microsecond later.
				if late := clk.Now().Sub(until); late < 0 || late > time.Duration(speed*2000) {
					t.Fatalf("speed %v: woke %v late", speed, late)
				}
			}
		})
	}
}

func TestSleepUntilEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	clk := clock.New(time.Now(), 1)
	if err := clk.SleepUntil(ctx, clk.Now().Add(time.Hour)); err != context.Canceled {
		t.Errorf("got %v", err)
	}
}
