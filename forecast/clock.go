package forecast

import (
	"math"
	"slices"
)

// followClock brings the history before a change of the clock to the new time: twice a year people
// come an hour earlier or later by UTC. A change is believed after a day, if the days since are like those of
// the week before, moved by an hour, and as close to them as weeks usually are.
func (h *history) followClock() {
	const (
		day, week = 24, 168
		seen      = 6 * day // after the change, as far as the same days of the week were before it
		closer    = 0.6     // error beside that of the week before as it was
		usual     = 1.5     // the same beside that of the week before
	)
	n := len(h.values)
	if !slices.Equal(h.seasons, []int{day, week}) || n < 2*week+day {
		return
	}
	away := func(lag, from, to int) float64 {
		sum := 0.0
		for t := from; t < to; t++ {
			sum += math.Abs(h.values[t] - h.values[t-lag])
		}
		return sum
	}
	best, change, earlier := 0.0, 0, false
	for at := 2 * week; at <= n-day; at++ {
		to := min(at+seen, n)
		before := away(week, at, to)
		most := min(closer*before, usual*away(week, at-week, at)/week*float64(to-at))
		for _, lag := range []int{week - 1, week + 1} {
			if e := away(lag, at, to); e < most && before-e > best {
				best, change, earlier = before-e, at, lag < week
			}
		}
	}
	switch {
	case change == 0:
	case earlier:
		copy(h.values[:change-1], h.values[1:change])
		copy(h.known[:change-1], h.known[1:change])
	default:
		copy(h.values[1:change], h.values[:change-1])
		copy(h.known[1:change], h.known[:change-1])
	}
}
