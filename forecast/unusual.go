package forecast

import (
	"math"
	"slices"
)

// A course is how a load runs beside its usual week: at each hour the ratio of
// the load around it to the median of the same hours of all weeks.
type course struct {
	ratio  []float64
	day    int
	spread float64 // robust standard deviation of ratio around its level
}

// newCourse returns false if the history is too short to know the usual: it
// takes three of the longest season (beside days alone, each weekend would be
// unusual).
func newCourse(h *history) (course, bool) {
	c := course{}
	k := len(h.seasons)
	if k == 0 || h.signed || len(h.values) < 3*h.seasons[k-1] {
		return c, false
	}
	c.day = h.seasons[0]
	usual := medianShape(h.values, h.seasons[k-1])
	n, reach := len(h.values), c.day/8
	c.ratio = make([]float64, n)
	for t := range c.ratio {
		load, norm := 0.0, 0.0
		for i := max(0, t-reach); i <= min(n-1, t+reach); i++ {
			load += h.values[i]
			norm += usual[i%len(usual)]
		}
		// A tenth of the mean load keeps quiet nights from mattering.
		few := 0.1 * float64(2*reach+1)
		c.ratio[t] = (load + few) / (norm + few)
	}
	away := make([]float64, 0, n)
	for from := 0; from < n; from += c.day {
		level := c.weekAround(from)
		for _, r := range c.ratio[from:min(n, from+c.day)] {
			away = append(away, math.Abs(r-level)/level)
		}
	}
	c.spread = 1.4826 * median(away)
	return c, true
}

// medianShape is the median of v at each position in a season.
func medianShape(v []float64, season int) []float64 {
	shape := make([]float64, season)
	at := make([]float64, 0, len(v)/season+1)
	for i := range shape {
		at = at[:0]
		for t := i; t < len(v); t += season {
			at = append(at, v[t])
		}
		shape[i] = median(at)
	}
	return shape
}

// level is the median ratio from one hour to before another.
func (c course) level(from, to int) float64 {
	return median(slices.Clone(c.ratio[max(0, from):min(len(c.ratio), to)]))
}

// weekAround is the level of the seven days in whose middle a day is.
func (c course) weekAround(day int) float64 { return c.level(day-3*c.day, day+4*c.day) }

// strange says whether a ratio is so far from a level that it is neither noise
// nor an ordinary change: by three tenths and six standard deviations.
func (c course) strange(ratio, level float64) bool {
	return math.Abs(ratio-level) > max(0.3, 6*c.spread)*level
}

// followLevel brings the history before a lasting change of level to the new
// level. A change is lasting after three days.
func (h *history) followLevel() {
	c, ok := newCourse(h)
	n := len(h.values)
	if !ok || n < 10*c.day {
		return
	}
	before, now := c.level(n-10*c.day, n-3*c.day), c.level(n-3*c.day, n)
	for k := range 3 {
		day := c.level(n-(k+1)*c.day, n-k*c.day)
		if !c.strange(day, before) || math.Abs(day-now) > 0.2*now {
			return
		}
	}
	start := n - 3*c.day
	for start > 0 && math.Abs(c.ratio[start-1]-now) < math.Abs(c.ratio[start-1]-before) {
		start--
	}
	for i := range start {
		h.values[i] *= now / before
	}
}

// followWeeks brings the history before a lasting change of level a week and
// longer ago to the new level.
func (h *history) followWeeks() {
	k := len(h.seasons)
	if k < 2 || h.signed || len(h.values) < 3*h.seasons[k-1] {
		return
	}
	w := newWeeks(h)
	at, ratio := w.change()
	if at == 0 || !w.lasts(at, ratio) {
		return
	}
	for i := range at {
		h.values[i] *= ratio
	}
}

// weeks are the loads of all weeks of a history.
type weeks struct {
	day, week int
	loads     []float64 // of the week before each hour
	values    []float64
}

func newWeeks(h *history) weeks {
	w := weeks{h.seasons[0], h.seasons[len(h.seasons)-1], make([]float64, len(h.values)+1), h.values}
	w.loads[w.week] = sum(h.values[:w.week])
	for end := w.week + 1; end < len(w.loads); end++ {
		w.loads[end] = w.loads[end-1] + h.values[end-1] - h.values[end-1-w.week]
	}
	return w
}

// change finds the hour, whole days ago, around which two weeks differ most,
// by three tenths at least, and how many times the load is since.
func (w weeks) change() (at int, ratio float64) {
	most := math.Log(1.3)
	for t := len(w.values) - w.week; t >= w.week; t -= w.day {
		before, after := w.loads[t], w.loads[t+w.week]
		if before <= 0 || after <= 0 {
			continue
		}
		if d := math.Abs(math.Log(after / before)); d > most {
			at, ratio, most = t, after/before, d
		}
	}
	return at, ratio
}

// lasts says whether the weeks on each side of a change are alike, and every
// day of the week has changed as much: it is neither a trend nor a holiday.
func (w weeks) lasts(at int, ratio float64) bool {
	const alike = 0.15
	for end := len(w.values); end >= w.week; end -= w.day {
		side := w.loads[at]
		if end >= at+w.week {
			side = w.loads[at+w.week]
		} else if end > at {
			continue
		}
		if math.Abs(w.loads[end]-side) > alike*side {
			return false
		}
	}
	for from := at - w.week; from+w.day <= at; from += w.day {
		before, after := sum(w.values[from:from+w.day]), sum(w.values[from+w.week:from+w.week+w.day])
		if math.Abs(after-ratio*before) > alike*ratio*before {
			return false
		}
	}
	return true
}

// forgetUnusual makes gaps of what was unusual for half a day to three days and
// has passed since a day: holidays and outages. Shorter bursts stay: regressions
// are robust to them, and they tell how uncertain the load is.
func (h *history) forgetUnusual() {
	c, ok := newCourse(h)
	if !ok {
		return
	}
	n := len(h.values)
	strange := make([]bool, n)
	for from := 0; from < n; from += c.day {
		level := c.weekAround(from)
		for t := from; t < min(n, from+c.day); t++ {
			strange[t] = c.strange(c.ratio[t], level)
		}
	}
	for t := 1; t < n; t++ {
		end := t
		for end < n && strange[end] {
			end++
		}
		long := end - t
		if !strange[t-1] && long >= c.day/2 && long <= 3*c.day && end <= n-c.day {
			for i := t; i < end; i++ {
				h.known[i] = false
			}
		}
		t = max(t, end)
	}
	fill(h.values, h.known, h.seasons)
}

// median sorts v.
func median(v []float64) float64 {
	slices.Sort(v)
	if n := len(v); n%2 == 0 {
		return (v[n/2-1] + v[n/2]) / 2
	}
	return v[len(v)/2]
}
