package forecast

import (
	"fmt"
	"math"
	"time"
)

// A Calendar says when the values of a history were. Days and weeks are those of the
// service's clock then, which goes forward and back twice a year, and holidays are no
// usual days.
type Calendar struct {
	// Next is when the first value after the history begins.
	Next time.Time
	// Step is the time between values, an hour if zero.
	Step time.Duration
	// Zone is the time zone of the service, UTC if nil.
	Zone *time.Location
	// Holidays are dates in that zone.
	Holidays []Holiday
}

// A Holiday is a date, in one year or, if Year is 0, in all.
type Holiday struct {
	Year  int
	Month time.Month
	Day   int
}

// ParseHoliday reads a date: 2026-12-25, or 12-25 for that of each year.
func ParseHoliday(text string) (Holiday, error) {
	if t, err := time.Parse(time.DateOnly, text); err == nil {
		return Holiday{t.Year(), t.Month(), t.Day()}, nil
	}
	const leap = "2000-" // has all dates
	t, err := time.Parse(time.DateOnly, leap+text)
	if err != nil {
		return Holiday{}, fmt.Errorf("%q is no date; give 2026-12-25, or 12-25 for that of each year", text)
	}
	return Holiday{Month: t.Month(), Day: t.Day()}, nil
}

// isHoliday says whether a time on the service's clock is on a holiday.
func (c *Calendar) isHoliday(local time.Time) bool {
	year, month, day := local.Date()
	for _, h := range c.Holidays {
		if h.Month == month && h.Day == day && (h.Year == 0 || h.Year == year) {
			return true
		}
	}
	return false
}

// local is what the service's clock shows, as if it were UTC.
func (c *Calendar) local(t time.Time) time.Time {
	t = t.In(c.zone())
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	return time.Date(year, month, day, hour, minute, second, 0, time.UTC)
}

func (c *Calendar) zone() *time.Location {
	if c.Zone == nil {
		return time.UTC
	}
	return c.Zone
}

func (c *Calendar) step() time.Duration {
	if c.Step == 0 {
		return time.Hour
	}
	return c.Step
}

// A wall is a history by the clock on the wall: a value for each hour that the clock
// shows, NaN for one that it leaves out, the mean of one that it shows twice.
type wall struct {
	*Calendar
	start  time.Time // of the first value
	begin  time.Time // what the clock shows at the first value
	values []float64
	ahead  []int // of each step to come, how many hours of the clock after the values it is
}

// wall lays a history out, and the steps that follow it.
func (c *Calendar) wall(history []float64, horizon int) *wall {
	w := &wall{Calendar: c, start: c.Next.Add(-time.Duration(len(history)) * c.step())}
	w.begin = c.local(w.start)
	var counts []int
	for i, v := range history {
		at := max(w.place(i), 0)
		for len(w.values) <= at {
			w.values, counts = append(w.values, math.NaN()), append(counts, 0)
		}
		if math.IsNaN(v) {
			continue
		}
		if counts[at]++; counts[at] == 1 {
			w.values[at] = v
		} else {
			w.values[at] += (v - w.values[at]) / float64(counts[at])
		}
	}
	for i := range horizon {
		w.ahead = append(w.ahead, max(w.place(len(history)+i)-len(w.values), 0))
	}
	return w
}

// place is which hour of the clock a step of the history, or after it, is.
func (w *wall) place(step int) int {
	shown := w.local(w.start.Add(time.Duration(step) * w.step())).Sub(w.begin)
	return int((shown + w.step()/2) / w.step())
}

// at is what the clock shows at a place.
func (w *wall) at(place int) time.Time { return w.begin.Add(time.Duration(place) * w.step()) }

// horizon is how many hours of the clock the steps to come reach.
func (w *wall) horizon() int {
	n := 1
	for _, a := range w.ahead {
		n = max(n, a+1)
	}
	return n
}

// pick takes of what was forecast by the clock what the steps to come are.
func (w *wall) pick(path []float64) []float64 {
	out := make([]float64, len(w.ahead))
	for i, a := range w.ahead {
		out[i] = path[a]
	}
	return out
}
