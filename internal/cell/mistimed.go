package cell

import (
	"sync/atomic"
	"time"
)

const (
	// apart is how far the server's clock has to be from the wall clock for the two to be confused.
	apart = time.Minute
	// justNow is how long ago, by the wall clock, a range may end that was meant to end now.
	justNow = 5 * time.Minute
	// recently is what a clock that is behind the wall clock is looked at for.
	recently = 24 * time.Hour
	// tellEvery is how often, in real time, a cell tells of queries that are mistimed.
	tellEvery = 10 * time.Minute
)

// told is when a cell last told of a query that was mistimed, in Unix nanoseconds.
type told struct{ at atomic.Int64 }

// FoundNothing is told of an operation that found nothing in a range of times. If that is the
// wall clock's present, while the server's clock is elsewhere and there is something from then
// until its present, the log says so, once in a while: the query asks for the wrong clock's times.
func (c *Cell) FoundNothing(operation string, from, to time.Time, has func(from, to time.Time) bool) {
	now, wall := c.Clock.Now(), c.Clock.Wall()
	ahead := now.Sub(wall)
	since := to
	if ahead < 0 {
		since = now.Add(-recently)
	}
	last := c.mistimed.at.Load()
	switch {
	case c.Log == nil || ahead.Abs() < apart:
		return
	case wall.Before(from) || wall.After(to.Add(justNow)):
		return
	case last != 0 && wall.Sub(time.Unix(0, last)).Abs() < tellEvery:
		return
	case !has(since, now) || !c.mistimed.at.CompareAndSwap(last, wall.UnixNano()):
		return
	}
	c.Log.Warn("a query found nothing, for it asks for the wall clock's time, and the server's clock shows another, of which there is something: "+
		"ask for the times that flyball now prints, as in --start-time $(flyball now --ago 1h) --end-time $(flyball now)",
		"operation", operation, "from", from.UTC(), "to", to.UTC(), "now", now, "ahead", ahead.Round(time.Second))
}
