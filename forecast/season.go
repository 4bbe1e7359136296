package forecast

import (
	"math"
	"slices"
)

// ownSeason finds the season of an hourly load that repeats neither by day nor by week, such as
// that of a job each ten hours, and where in the history it begins; 0 if there is none. Days and
// weeks are what nearly all loads have: another season must be far closer to what came, in four
// days or, one that is new, in two.
func (h *history) ownSeason() (season, since int) {
	const (
		day, week = 24, 168
		longest   = 48
		valley    = 0.6 // of the error at a shorter lag: that of a random walk only grows with the lag
		follows   = 0.5 // share of the usual error that a stretch has as long as it has the season
	)
	n := len(h.values)
	if !slices.Equal(h.seasons, []int{day, week}) || n < 2*week {
		return 0, 0
	}
	usual := func(from, to int) float64 { return min(h.away(day, from, to), h.away(week, from, to)) }
	for _, sure := range []struct {
		hours int
		share float64 // of the usual error
	}{{4 * day, 0.5}, {2 * day, 0.25}} {
		since = n - sure.hours
		best, highest := sure.share*usual(since, n), 0.0
		for lag := 1; lag <= longest; lag++ {
			e := h.away(lag, since, n)
			highest = max(highest, e)
			if lag%day != 0 && day%lag != 0 && e < min(best, valley*highest) {
				best, season = e, lag
			}
		}
		if season > 0 {
			break
		}
	}
	if season == 0 {
		return 0, 0
	}
	for since >= day+week && h.away(season, since-day, since) < follows*usual(since-day, since) {
		since -= day
	}
	if since < day+week { // up to where it can be seen, and so before
		return season, 0
	}
	return season, since - season
}

// away is how far the values from one place to before another are from those a lag before,
// added up.
func (h *history) away(lag, from, to int) float64 {
	sum := 0.0
	for t := from; t < to; t++ {
		sum += math.Abs(h.values[t] - h.values[t-lag])
	}
	return sum
}
