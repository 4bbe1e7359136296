// Package clock is the one clock of a server. It runs at the speed of the wall
// clock, or a number of times faster.
package clock

import (
	"context"
	"time"
)

// A Clock tells virtual time: it starts at a given instant and runs Speed times
// as fast as the wall clock. It never goes back. The zero Clock is not usable;
// make one with New.
type Clock struct {
	real    time.Time // wall clock, with its monotonic reading, at the start
	virtual time.Time // what the clock showed then
	speed   float64
}

// New returns a clock that shows start now and runs speed times as fast as the
// wall clock from here on. Speed must be positive.
func New(start time.Time, speed float64) *Clock {
	return &Clock{real: time.Now(), virtual: start.UTC(), speed: speed}
}

// Speed is how many virtual seconds pass in one real second.
func (c *Clock) Speed() float64 { return c.speed }

// Now is the virtual time, in UTC.
func (c *Clock) Now() time.Time {
	elapsed := time.Since(c.real)
	if c.speed != 1 {
		elapsed = time.Duration(float64(elapsed) * c.speed)
	}
	return c.virtual.Add(elapsed)
}

// Real is how long a virtual duration takes on the wall clock.
func (c *Clock) Real(d time.Duration) time.Duration {
	if c.speed == 1 {
		return d
	}
	return time.Duration(float64(d) / c.speed)
}

// SleepUntil returns nil when the clock shows t or later, or the context's
// error when it ends first.
func (c *Clock) SleepUntil(ctx context.Context, t time.Time) error {
	for {
		left := t.Sub(c.Now())
		if left <= 0 {
			return ctx.Err()
		}
		// The float division may round the wait down by a nanosecond or so, even
		// to nothing; the loop asks the clock again.
		timer := time.NewTimer(max(c.Real(left), time.Microsecond))
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
		}
	}
}
