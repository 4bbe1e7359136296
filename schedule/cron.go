package schedule

import (
	"math/bits"
	"time"
)

// The years of a cron expression.
const (
	firstYear = 1970
	lastYear  = 2199
)

// cron is the fields of a cron expression as sets: bit n is the value n.
type cron struct {
	seconds, minutes, hours, months uint64
	years                           [(lastYear-firstYear)/64 + 1]uint64 // bit n is the year 1970+n
	days                            days
	zone                            *time.Location
	fine                            bool // it has a field of seconds
}

// next goes from one wall-clock time that the fields match to the next, until
// one is an instant after the given one. Usually the first is.
func (c *cron) next(after, _ time.Time) (time.Time, bool) {
	wall := wallClock(after, c.zone)
	for {
		var ok bool
		if wall, ok = c.match(wall.Add(time.Second)); !ok {
			return time.Time{}, false
		}
		// No instant: the clock skips this time. One that is past: the clock
		// shows this time again, and it had its run.
		if run, ok := instant(wall, c.zone); ok && run.After(after) {
			return run, true
		}
	}
}

// match is the first wall-clock time, not before the given one, that the fields
// match. Wall-clock times are written as if they were UTC.
func (c *cron) match(wall time.Time) (time.Time, bool) {
	year, month, day := wall.Date()
	if c.matchesDay(year, month, day) {
		if hour, minute, second, ok := c.timeFrom(wall.Clock()); ok {
			return time.Date(year, month, day, hour, minute, second, 0, time.UTC), true
		}
	}
	year, month, day, ok := c.dayAfter(year, month, day)
	if !ok {
		return time.Time{}, false
	}
	return time.Date(year, month, day, first(c.hours), first(c.minutes), first(c.seconds), 0, time.UTC), true
}

func (c *cron) matchesDay(year int, month time.Month, day int) bool {
	return c.matchesYear(year) && c.months>>month&1 == 1 && c.days.in(monthOf(year, month))>>day&1 == 1
}

func (c *cron) matchesYear(year int) bool {
	n := year - firstYear
	return n >= 0 && year <= lastYear && c.years[n/64]>>(n%64)&1 == 1
}

// timeFrom is the first time of day, not before the given one, that the fields
// match.
func (c *cron) timeFrom(hour, minute, second int) (h, m, s int, ok bool) {
	if c.hours>>hour&1 == 1 {
		if c.minutes>>minute&1 == 1 {
			if s, ok := from(c.seconds, second); ok {
				return hour, minute, s, true
			}
		}
		if m, ok := from(c.minutes, minute+1); ok {
			return hour, m, first(c.seconds), true
		}
	}
	h, ok = from(c.hours, hour+1)
	return h, first(c.minutes), first(c.seconds), ok
}

// dayAfter is the first day after the given one that the fields match.
func (c *cron) dayAfter(year int, month time.Month, day int) (int, time.Month, int, bool) {
	if year < firstYear {
		year, month, day = firstYear, time.January, 0
	}
	for ; year <= lastYear; year, month, day = year+1, time.January, 0 {
		if !c.matchesYear(year) {
			continue
		}
		for m, ok := from(c.months, int(month)); ok; m, ok = from(c.months, m+1) {
			if m != int(month) {
				day = 0 // of a later month every day will do
			}
			if d, ok := from(uint64(c.days.in(monthOf(year, time.Month(m)))), day+1); ok {
				return year, time.Month(m), d, true
			}
		}
	}
	return 0, 0, 0, false
}

// first is the smallest member of a set that is not empty.
func first(set uint64) int { return bits.TrailingZeros64(set) }

// from is the smallest member of a set that is not less than n, which is from 0
// to 64.
func from(set uint64, n int) (int, bool) {
	set = set >> n << n
	return first(set), set != 0
}
