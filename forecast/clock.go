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
	asItWas, moved := h.apart(week), [2]apart{h.apart(week - 1), h.apart(week + 1)}
	best, change, earlier := 0.0, 0, false
	for at := 2 * week; at <= n-day; at++ {
		to := min(at+seen, n)
		before := asItWas.within(at, to)
		most := min(closer*before, usual*asItWas.within(at-week, at)/week*float64(to-at))
		for i, a := range moved {
			if e := a.within(at, to); e < most && before-e > best {
				best, change, earlier = before-e, at, i == 0
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

// An apart is how far values are from those a lag before, added up: at each place that of all
// values before it, so that any stretch is a difference.
type apart []float64

func (h *history) apart(lag int) apart {
	a := make(apart, len(h.values)+1)
	for t := range h.values {
		a[t+1] = a[t]
		if t >= lag {
			a[t+1] += math.Abs(h.values[t] - h.values[t-lag])
		}
	}
	return a
}

// within is that of the values from one place to before another.
func (a apart) within(from, to int) float64 { return a[to] - a[from] }
