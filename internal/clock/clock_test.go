package clock_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"flyball/internal/clock"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestAClockRunsAtItsSpeed(t *testing.T) {
	for _, test := range []struct {
		speed   float64
		elapsed time.Duration
		want    time.Duration
	}{
		{1, time.Second, time.Second},
		{60, time.Second, time.Minute},
		{0.5, time.Minute, 30 * time.Second},
		{60, 1000 * time.Hour, 60_000 * time.Hour},
	} {
		synctest.Test(t, func(t *testing.T) {
			c := clock.New(noon, test.speed)
			time.Sleep(test.elapsed)
			if got := c.Now().Sub(noon); got != test.want {
				t.Errorf("at speed %v %v pass in %v, want %v", test.speed, got, test.elapsed, test.want)
			}
		})
	}
}

func TestAClockShowsUTC(t *testing.T) {
	c := clock.New(noon.In(time.FixedZone("elsewhere", 3600)), 1)
	if zone := c.Now().Location(); zone != time.UTC {
		t.Errorf("it shows %v", zone)
	}
}

func TestRealIsTheWaitOnTheWallClock(t *testing.T) {
	if got := clock.New(noon, 60).Real(time.Minute); got != time.Second {
		t.Errorf("a minute at speed 60 takes %v, want a second", got)
	}
	if got := clock.New(noon, 1).Real(time.Minute); got != time.Minute {
		t.Errorf("a minute at speed 1 takes %v", got)
	}
}

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

func TestSleepUntilAPastInstantReturnsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		if err := clock.New(noon, 1).SleepUntil(t.Context(), noon.Add(-time.Hour)); err != nil || time.Since(began) != 0 {
			t.Errorf("it returns %v after %v", err, time.Since(began))
		}
	})
}

func TestSleepUntilEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		err := clock.New(noon, 2).SleepUntil(ctx, noon.Add(time.Hour))
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
			t.Errorf("it returns %v after %v", err, time.Since(began))
		}
	})
}
