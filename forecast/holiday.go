package forecast

import (
	"math"
	"slices"
	"time"
)

// Holidays are taken to be like the weekday that those of the history were like, and like
// Sundays as long as it has none.
const (
	usualHoliday   = time.Sunday
	holidayWeeks   = 4   // that the load of a weekday is taken from
	holidaySpread  = 2.0 // how uncertain they are, in times of the usual
	holidayAtLeast = 0.1 // of the load of the weekday that they are like
)

// A holidays is what is known of the holidays of a history.
type holidays struct {
	*wall
	days  map[time.Weekday][]float64 // the usual load of a weekday, by time of day
	like  time.Weekday
	size  float64 // times the usual load of that weekday
	known bool    // there were some
}

// newHolidays knows of none if the calendar has none, or steps are no part of a day.
func newHolidays(w *wall) *holidays {
	const day = 24 * time.Hour
	h := &holidays{wall: w, days: map[time.Weekday][]float64{}, like: usualHoliday}
	if len(w.Holidays) == 0 || w.step() >= day || day%w.step() != 0 {
		return h
	}
	for weekday := time.Sunday; weekday <= time.Saturday; weekday++ {
		h.days[weekday] = h.usual(weekday)
	}
	h.learn()
	return h
}

// timeOfDay is which of the day's values a place is.
func (h *holidays) timeOfDay(place int) int {
	at := h.at(place)
	return int(at.Sub(at.Truncate(24*time.Hour)) / h.step())
}

// usual is the mean load of the newest days of a weekday that were no holidays, NaN where
// there is none.
func (h *holidays) usual(weekday time.Weekday) []float64 {
	sums := make([]float64, 24*time.Hour/h.step())
	counts := make([]float64, len(sums))
	for place := len(h.values) - 1; place >= 0; place-- {
		at, k := h.at(place), h.timeOfDay(place)
		if at.Weekday() != weekday || h.isHoliday(at) || math.IsNaN(h.values[place]) || counts[k] == holidayWeeks {
			continue
		}
		sums[k] += h.values[place]
		counts[k]++
	}
	for k := range sums {
		sums[k] /= counts[k]
	}
	return sums
}

// learn finds the weekday that the holidays of the history were most like, and how much
// load they had beside it; without any, how much the last week had beside those before.
func (h *holidays) learn() {
	best := math.Inf(1)
	for weekday := time.Sunday; weekday <= time.Saturday; weekday++ {
		miss, ratio, n := h.compare(0, func(at time.Time) (time.Weekday, bool) { return weekday, h.isHoliday(at) })
		if n > 0 && miss < best {
			best, h.like, h.size, h.known = miss, weekday, ratio, true
		}
	}
	if !h.known {
		week := int(7 * 24 * time.Hour / h.step())
		_, h.size, _ = h.compare(len(h.values)-week, func(at time.Time) (time.Weekday, bool) { return at.Weekday(), !h.isHoliday(at) })
	}
}

// compare holds the values from a place on against the usual load of the weekday that
// chosen takes them for: how far they were off, what part of it they are, how many.
func (h *holidays) compare(from int, chosen func(time.Time) (time.Weekday, bool)) (miss, ratio float64, n int) {
	load, usual := 0.0, 0.0
	for place := max(from, 0); place < len(h.values); place++ {
		weekday, counts := chosen(h.at(place))
		v, u := h.values[place], h.days[weekday][h.timeOfDay(place)]
		if !counts || math.IsNaN(v) || math.IsNaN(u) {
			continue
		}
		miss += math.Abs(v - u)
		load += v
		usual += u
		n++
	}
	if !(usual > 0) {
		return miss, 1, n
	}
	return miss, min(max(load/usual, holidayAtLeast), 1/holidayAtLeast), n
}

// without is the history whose holidays are gaps, so that they are not taken for what
// comes a day and a week later. Where each day of the week was not seen twice, they stay.
func (h *holidays) without() []float64 {
	values := slices.Clone(h.values)
	if len(h.days) == 0 || len(values) < int(14*24*time.Hour/h.step()) {
		return values
	}
	for place := range values {
		if h.isHoliday(h.at(place)) {
			values[place] = math.NaN()
		}
	}
	return values
}

// replace puts into a forecast what is known of holidays to come, and returns how
// uncertain each step is, in times of the usual.
func (h *holidays) replace(path []float64) []float64 {
	if h == nil || len(h.days) == 0 {
		return nil
	}
	spread := make([]float64, len(path))
	for i := range path {
		spread[i] = 1
		place := len(h.values) + i
		at := h.at(place)
		if !h.isHoliday(at) || at.Weekday() == h.like && !h.known {
			continue
		}
		spread[i] = holidaySpread
		if v := h.size * h.days[h.like][h.timeOfDay(place)]; !math.IsNaN(v) {
			path[i] = v
		}
	}
	return spread
}
