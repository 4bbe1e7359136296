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

// orBySeason is the contest, and its combination, or those by the season that the history seems to have of its
// own, if their back-tests missed clearly less in the time that has that season, and far less if it is shorter than
// a week: days and weeks with a job each five hours seem to have a season of five until Saturday.
func (c *contest) orBySeason(paths [][]float64) (*contest, [][]float64, error) {
	const (
		week    = 168
		clearly = 0.8
		far     = 0.3
	)
	h, err := c.rival()
	if err != nil {
		return nil, nil, err
	}
	own := h.backTest(c.horizon)
	own.weigh()
	ownPaths := own.combineAll()
	newest, share := len(own.values)-own.origins[0], clearly
	if len(own.values) < week+own.seasons[0] {
		share = far
	}
	if own.missed(ownPaths, newest) <= share*c.missed(paths, newest) {
		return own, ownPaths, nil
	}
	return c, paths, nil
}

// missed is the share of the load that forecasts have missed in the back-tests of so many of the
// newest values, NaN if there is none.
func (c *contest) missed(paths [][]float64, newest int) float64 {
	miss, load := 0.0, 0.0
	for k, from := range c.origins[:len(c.origins)-1] {
		if from < len(c.values)-newest {
			continue
		}
		for i, f := range paths[k][:min(c.horizon, len(c.values)-from)] {
			if c.known[from+i] {
				miss += math.Abs(c.values[from+i] - f/c.scale)
				load += math.Abs(c.values[from+i])
			}
		}
	}
	return miss / load
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
