package forecast

import (
	"math"
	"slices"
)

// A learner says by how much an interval should be wider or narrower than the errors of
// the back-tests alone have it: how far these can be relied on was learnt from many series
// (docs/predictive.md), the same for all.
type learner struct {
	mean, spread [signs]float64            // of the signs, where they were learnt
	weights      [sides][signs + 1]float64 // the last is for all steps
}

const (
	signs = 19
	sides = 2 // above and below

	// extreme is how many spreads from the mean a sign is believed.
	extreme = 3.0
	// widest and narrowest are the logarithms of how far widths may go from those of the
	// back-tests: what is far too narrow costs more than is gained elsewhere.
	widest, narrowest = 1.0, 0.3
)

const (
	above = iota
	below
)

// standard brings signs to the scale that they were learnt on.
func (l *learner) standard(raw [signs]float64) [signs]float64 {
	for i, v := range raw {
		raw[i] = min(max((v-l.mean[i])/max(l.spread[i], 1e-6), -extreme), extreme)
	}
	return raw
}

// wider are the logarithms of how much wider each side should be by standard signs, and how
// steeply these follow the weights.
func (l *learner) wider(x [signs]float64) (wider, slopes [sides]float64) {
	for k, w := range l.weights {
		sum := w[signs]
		for i, v := range x {
			sum += w[i] * v
		}
		limit := widest
		if sum < 0 {
			limit = narrowest
		}
		y := math.Tanh(sum / limit)
		wider[k], slopes[k] = limit*y, 1-y*y
	}
	return wider, slopes
}

// widen makes each step as wide as what was learnt says. That was learnt from hourly series with
// days and weeks: others keep the widths of the back-tests.
func (c *contest) widen(d *deviation, paths [][]float64) {
	if d.spreads == nil || !slices.Equal(c.seasons, []int{24, 168}) {
		return
	}
	signs := c.signs(*d, paths)
	d.wider = make([][sides]float64, len(signs))
	for i, s := range signs {
		wider, _ := learnt.wider(learnt.standard(s))
		for k, w := range wider {
			d.wider[i][k] = math.Exp(w)
		}
	}
}

// A record is how the combination did in the back-tests, in units of the mean load.
type record struct {
	all    float64   // mean size of an error
	recent float64   // that of the last few back-tests
	days   float64   // that of the mean error of a whole day
	steps  []float64 // mean size of an error at each step
	hours  []float64 // and at each hour of the day
}

// record takes the combined paths of each origin.
func (c *contest) record(paths [][]float64) record {
	const few = 3
	day := c.seasons[0]
	var all, recent, days, empty tally
	steps, hours := make([]tally, c.horizon), make([]tally, day)
	last := len(c.origins) - 1
	for k, from := range c.origins[:last] {
		total := 0.0
		for i, f := range paths[k] {
			t := from + i
			if t >= len(c.values) {
				break
			}
			e := 0.0 // of a gap: it says nothing of its day
			if c.known[t] {
				e = c.values[t] - f/c.scale
				for _, y := range []*tally{&all, &steps[i], &hours[t%day]} {
					y.add(e)
				}
				if k >= last-few {
					recent.add(e)
				}
			}
			if total += e; (i+1)%day == 0 {
				days.add(total / float64(day))
				total = 0
			}
		}
	}
	r := record{all: all.mean(empty), recent: recent.mean(all), days: days.mean(all)}
	for _, y := range steps {
		r.steps = append(r.steps, y.mean(all))
	}
	for _, y := range hours {
		r.hours = append(r.hours, y.mean(all))
	}
	return r
}

// A tally makes the mean size of errors.
type tally struct{ sum, count float64 }

func (t *tally) add(e float64) {
	t.sum += math.Abs(e)
	t.count++
}

// mean is that of another tally as long as this one is empty.
func (t tally) mean(other tally) float64 {
	if t.count == 0 {
		t = other
	}
	return t.sum / max(t.count, 1)
}

// signs are what the width of an interval is judged by at each step: how large errors were
// at that step, at that hour, lately and for whole days, how much the history changes from day
// to day and week to week, and how far the methods are apart, beside the width that the
// back-tests give.
func (c *contest) signs(d deviation, paths [][]float64) [][signs]float64 {
	const tiny = 1e-5
	path, r := paths[len(paths)-1], c.record(paths)
	log := func(v float64) float64 { return math.Log(max(v, tiny)) }
	n, day, week := len(c.values), c.seasons[0], c.seasons[1]
	lo, hi := bounds(c.values)
	lower, upper := c.quantile(path, d, 0.025), c.quantile(path, d, 0.975)
	at := func(p float64) float64 { return quantile(d.errs, p) }
	asymmetry := log(at(0.975)-at(0.5)) - log(at(0.5)-at(0.025))
	byDay, byWeek := c.changes(day), c.changes(week)
	out := make([][signs]float64, len(path))
	for i, f := range path {
		f /= c.scale
		width := log((upper[i] - lower[i]) / 2 / c.scale)
		out[i] = [signs]float64{
			log(d.spreads[i]) - width,
			log(r.steps[i]) - width,
			log(r.hours[(n+i)%day]) - width,
			log(byDay[(n+i)%day]) - width,
			log(byWeek[(n+i)%week]) - width,
			log(r.all) - width,
			log(sum(byDay)/float64(day)) - width,
			log(r.days) - log(r.all),
			log(r.recent) - log(r.all),
			log(d.rough),
			log(float64(len(c.origins))),
			log(float64(min(i+1, 2*day))),
			asymmetry,
			log(at(0.975)-at(0.025)) - log(d.size),
			log(at(0.9)-at(0.1)) - log(d.size),
			log(math.Abs(f) + 0.01),
			log((math.Abs(f) + 0.02) / (max(hi, 0) + 0.02)),
			log(max(f-lo, 0) + 0.02),
			width,
		}
	}
	return out
}

// changes are the mean sizes of the change from one season to the next, at each position in it.
func (c *contest) changes(season int) []float64 {
	at := make([]tally, season)
	for t := season; t < len(c.values); t++ {
		at[t%season].add(c.values[t] - c.values[t-season])
	}
	means := make([]float64, season)
	for i, y := range at {
		means[i] = y.mean(tally{})
	}
	return means
}
