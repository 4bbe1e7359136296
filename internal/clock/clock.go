// Package clock is the one clock of a server. At speed 1 it follows the wall clock,
// over suspends and jumps; at other speeds it runs by itself; and a manual one stands still until it
// is moved.
package clock

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// A Wall tells the time of this machine.
type Wall func() time.Time

// A Clock tells the time of a server: it starts at a given instant and runs Speed times
// as fast as the wall clock. It never goes back.
//
// At speed 1 it goes with the wall clock: where that jumps forward, as after a suspend, the
// clock does; where that goes back, the clock stands still until the wall clock has caught up.
// The zero Clock is not usable; make one with New or Following.
type Clock struct {
	wall    Wall      // nil: this machine's
	began   time.Time // what the wall clock showed at the start
	ran     time.Time // the machine's clock then, with its monotonic reading
	virtual time.Time // what the clock showed then
	speed   float64

	// Of a clock that follows, in nanoseconds from the start on.
	shown  atomic.Int64 // the latest time that was shown
	offset atomic.Int64 // how far the wall clock is from the time that has run; small steps come with Look
	jumped atomic.Pointer[chan struct{}]
	manual *manual // of a clock that stands still until it is moved

	mu     sync.Mutex
	woke   time.Duration // the offset at which waiters were woken last
	landed time.Time     // what the clock showed after its last jump forward
	told   Jump          // what Look is to tell of
}

// New returns a clock that shows start now and runs speed times as fast as the
// wall clock from here on. Speed must be positive.
func New(start time.Time, speed float64) *Clock { return Following(nil, start, speed) }

// Following returns a clock as New does, on another wall clock than this machine's; nil is
// this machine's.
func Following(wall Wall, start time.Time, speed float64) *Clock {
	c := &Clock{wall: wall, ran: time.Now(), virtual: start.UTC(), speed: speed}
	c.began = c.Wall()
	jumped := make(chan struct{})
	c.jumped.Store(&jumped)
	return c
}

// NotBefore has a clock at speed 1 stand still until it would show a time by itself.
func (c *Clock) NotBefore(t time.Time) {
	c.shown.Store(max(c.shown.Load(), int64(t.Sub(c.virtual))))
}

// Speed is how many virtual seconds pass in one real second.
func (c *Clock) Speed() float64 { return c.speed }

// Wall is the time of the wall clock. It has no monotonic reading: what is compared with it
// also counts the time that the machine was asleep.
func (c *Clock) Wall() time.Time {
	if c.wall == nil {
		return time.Now().Round(0)
	}
	return c.wall().Round(0)
}

// Now is the virtual time, in UTC.
func (c *Clock) Now() time.Time {
	if c.manual != nil {
		return c.virtual.Add(time.Duration(c.shown.Load()))
	}
	if c.speed != 1 {
		return c.virtual.Add(time.Duration(float64(time.Since(c.ran)) * c.speed))
	}
	passed := int64(c.passed())
	for {
		shown := c.shown.Load()
		if passed <= shown {
			return c.virtual.Add(time.Duration(shown))
		}
		if c.shown.CompareAndSwap(shown, passed) {
			return c.virtual.Add(time.Duration(passed))
		}
	}
}

// passed is how far the wall clock has gone since the start. A jump is noticed by whoever
// asks first.
func (c *Clock) passed() time.Duration {
	passed, ran := c.readings()
	if step := passed - ran - time.Duration(c.offset.Load()); step > jump || step < -jump {
		c.look(false)
	}
	return passed
}

// readings are how far the wall clock has gone since the start, and how much time has run.
func (c *Clock) readings() (passed, ran time.Duration) {
	now := time.Now()
	wall := now
	if c.wall != nil {
		wall = c.wall()
	}
	return wall.Round(0).Sub(c.began), now.Sub(c.ran)
}

// Real is how long a virtual duration takes on the wall clock.
func (c *Clock) Real(d time.Duration) time.Duration {
	if c.speed == 1 {
		return d
	}
	return time.Duration(float64(d) / c.speed)
}

// Until is how much real time passes until the clock shows a time, if the wall clock goes on
// as it goes: where the clock stands still, that is until it has caught up, too.
func (c *Clock) Until(t time.Time) time.Duration {
	now := c.Now()
	if c.speed == 1 {
		return t.Sub(now) + c.Stands()
	}
	return c.Real(t.Sub(now))
}

// Stands is how long the clock stands still from here on: 0 where it runs.
func (c *Clock) Stands() time.Duration {
	if c.speed != 1 || c.manual != nil {
		return 0
	}
	return max(time.Duration(c.shown.Load())-c.passed(), 0)
}

// SleepUntil returns nil when the clock shows t or later, or the context's
// error when it ends first.
func (c *Clock) SleepUntil(ctx context.Context, t time.Time) error {
	c.Wait(ctx, t, nil)
	return ctx.Err()
}

// Wait returns when the clock shows t, when there is something sooner, or when ctx ends. It
// reports whether the clock shows t.
func (c *Clock) Wait(ctx context.Context, t time.Time, sooner *Signal) bool {
	return c.Await(ctx, t, nil, sooner)
}

// Await is Wait for who waits for another thing as well, which happens outside of what the clock
// knows, such as the end of a program. A zero time, a nil channel and a nil signal never come.
func (c *Clock) Await(ctx context.Context, t time.Time, other <-chan struct{}, signal *Signal) bool {
	if c.manual != nil {
		if c.shows(t) {
			return true
		}
		of, _ := ctx.Value(signalKey{}).(*Signal)
		c.manual.wait(ctx, t, other, signal, of)
		return c.shows(t)
	}
	for {
		jumped := c.Jumped()
		if c.shows(t) {
			return true
		}
		timer := c.timer(t)
		select {
		case <-ctx.Done():
			timer.Stop()
			return false
		case <-signal.C():
			timer.Stop()
			return false
		case <-other:
			timer.Stop()
			return false
		case <-jumped:
			timer.Stop()
		case <-timer.C:
		}
	}
}

// shows is whether the clock shows a time or a later one.
func (c *Clock) shows(t time.Time) bool { return !t.IsZero() && !c.Now().Before(t) }

// never is longer than anybody waits.
const never = 100 * 365 * 24 * time.Hour

// timer rings when the clock shows a time. A rounded division may have it ring a nanosecond
// early, even at once, so the clock has to be asked again.
func (c *Clock) timer(t time.Time) *time.Timer {
	if t.IsZero() {
		return time.NewTimer(never)
	}
	return time.NewTimer(max(c.Until(t), time.Microsecond))
}

// Pause waits for some real time, so that a loop leaves the processor to others. On a manual clock,
// which is in no hurry, and for a time that is over it returns at once. It reports false when ctx has ended.
func (c *Clock) Pause(ctx context.Context, d time.Duration) bool {
	if c.manual != nil || d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
