package forecast

import (
	"math"
	"slices"
)

// sinceLaunch is the history from its first load on, if nothing came for a day
// and more before, and for longer than ever since: then there was no service.
// A service that rests at weekends has rests as long.
func sinceLaunch(series []float64, day int) []float64 {
	first := slices.IndexFunc(series, func(v float64) bool { return v != 0 && !math.IsNaN(v) })
	if first < day {
		return series
	}
	rest := 0
	for _, v := range series[first:] {
		if rest++; v != 0 && !math.IsNaN(v) {
			rest = 0
		}
		if rest >= first {
			return series
		}
	}
	return series[first:]
}

// Of an outage.
const (
	outageLoad  = 0.05 // the load that may be left, of the usual
	outageHours = 2    // the shortest
)

// forgetOutages makes gaps of hours in which a service that is usually busy had
// no load: of two hours and more that lack at least the load of an average
// one. Otherwise the zeros would make the days after them look like a rise.
func (h *history) forgetOutages() {
	if len(h.seasons) == 0 || h.signed {
		return
	}
	day := h.seasons[0]
	usual := medianShape(h.values, day)
	away := func(t int) bool { return h.values[t] <= outageLoad*usual[t%day] && usual[t%day] > 0 }
	for t := 1; t < len(h.values); t++ {
		end, lack := t, 0.0
		for ; end < len(h.values) && away(end); end++ {
			lack += usual[end%day]
		}
		if end-t >= outageHours && lack >= 1 && !away(t-1) && h.isOutage(t, end, lack) {
			for i := t; i < end; i++ {
				h.known[i] = false
			}
		}
		t = max(t, end)
	}
	fill(h.values, h.known, h.seasons)
}

// isOutage says whether the hours from one to another, which lack so much of
// the usual day, are no weekend and not the end of the service: the weeks before
// and after were busy then. With no week beside them, or before the load is
// back, they may be a quarter of a day.
func (h *history) isOutage(from, to int, lack float64) bool {
	n, day, week := len(h.values), h.seasons[0], h.seasons[len(h.seasons)-1]
	left, weeks := sum(h.values[from:to]), 0
	for _, shift := range []int{-week, week} {
		if week == day || from+shift < 0 || to+shift > n {
			continue
		}
		if beside := sum(h.values[from+shift : to+shift]); beside < lack/4 || beside < 10*left {
			return false
		}
		weeks++
	}
	ended, brief := to < n, to-from <= day/4
	return brief && (ended || weeks > 0) || ended && weeks > 0 && to-from <= week
}
