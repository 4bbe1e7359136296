package forecast

import (
	"math"
	"slices"
)

// unproven bounds, in times of the highest load, what may come as long as no
// forecast could be compared with what came.
const unproven = 3

// A deviation is how far what came was from the combination in the back-tests.
type deviation struct {
	errs    []float64        // in units of error to expect, ascending
	size    float64          // the mean of their sizes
	hours   []float64        // how uncertain each hour of the day is, in times of the usual; nil: all alike
	steps   []float64        // the same of each step to come
	spreads []float64        // how far apart the methods are at each step to come; nil: not known
	rough   float64          // how uncertain the history was as a whole beside the back-tests
	wider   [][sides]float64 // by how much each side of each step is wider than so; nil: not at all
}

// deviation is taken from the back-tests; without any, from repeating the last
// day or value within the history. The paths are those of the combination, from each origin.
func (c *contest) deviation(paths [][]float64) deviation {
	type miss struct {
		size float64 // in units of unitError
		hour int
	}
	var misses []miss
	last := len(c.origins) - 1
	for k, from := range c.origins[:last] {
		path := paths[k]
		spreads := c.spreads(k, path)
		for i, f := range path {
			if t := from + i; t < len(c.values) && c.known[t] {
				f /= c.scale
				misses = append(misses, miss{(c.values[t] - f) / unitError(f, spreads[i], i), t})
			}
		}
	}
	if len(misses) == 0 {
		return newDeviation(c.naiveErrors())
	}
	var hours []float64
	if len(c.seasons) > 0 {
		day := c.seasons[0]
		sums, counts := make([]float64, day), make([]float64, day)
		for _, m := range misses {
			sums[m.hour%day] += math.Abs(m.size)
			counts[m.hour%day]++
		}
		hours = evened(sums, counts)
	}
	errs := make([]float64, len(misses))
	d := deviation{hours: hours}
	for i, m := range misses {
		errs[i] = m.size / d.at(m.hour)
	}
	d = newDeviation(errs)
	d.hours, d.spreads, d.rough = hours, c.spreads(last, paths[last]), c.rough()
	return d
}

// newDeviation sorts the errors.
func newDeviation(errs []float64) deviation {
	slices.Sort(errs)
	d := deviation{errs: errs, rough: 1}
	for _, e := range errs {
		d.size += math.Abs(e) / float64(len(errs))
	}
	return d
}

// spreads are how far the methods are from a path at each step from an origin, by their
// weights: where they disagree, the combination is less certain.
func (c *contest) spreads(origin int, path []float64) []float64 {
	all := make([]float64, len(path))
	for i, v := range path {
		for _, d := range c.candidates {
			all[i] += d.weight * math.Abs(d.paths[origin][i]-v/c.scale)
		}
	}
	return all
}

// rough is how uncertain the history was as a whole, beside the time of the back-tests, which
// may have been a quiet one: by how much seasons differ from the ones before.
func (c *contest) rough() float64 {
	const share, limit, tiny = 0.2, 10.0, 1e-3
	k := len(c.seasons)
	if k == 0 {
		return 1
	}
	long := c.seasons[k-1]
	all, recent := tiny, tiny
	tested := max(long, c.origins[0])
	for t := long; t < len(c.values); t++ {
		e := math.Abs(c.values[t] - c.values[t-long])
		all += e / float64(len(c.values)-long)
		if t >= tested {
			recent += e / float64(len(c.values)-tested)
		}
	}
	return math.Pow(min(max(all/recent, 1/limit), limit), share)
}

// evened are the means relative to that of all, each drawn to 1 as if it had
// been seen so many times more: a few errors say little.
func evened(sums, counts []float64) []float64 {
	const doubt = 16
	all := sum(sums) / sum(counts)
	means := make([]float64, len(sums))
	for i := range means {
		means[i] = 1
		if all > 0 {
			means[i] = (sums[i]/all + doubt) / (counts[i] + doubt)
		}
	}
	return means
}

// at is how uncertain an hour of the history, or after it, is.
func (d deviation) at(hour int) float64 {
	if d.hours == nil {
		return 1
	}
	return d.hours[hour%len(d.hours)]
}

// ahead is how uncertain a step to come is beside its hour.
func (d deviation) ahead(step int) float64 {
	if d.steps == nil {
		return 1
	}
	return d.steps[step]
}

// widened is how much wider than the back-tests have it a step is, on the side of away.
func (d deviation) widened(step int, away float64) float64 {
	switch {
	case d.wider == nil:
		return 1
	case away < 0:
		return d.wider[step][below]
	}
	return d.wider[step][above]
}

// quantile is what the values will be at or under with a probability, by how
// far they were from the same combination in the back-tests. Half of them are
// under the forecast, whatever the back-tests say: they are too few to know
// better.
func (c *contest) quantile(values []float64, d deviation, p float64) []float64 {
	away := d.away(p) * d.rough * c.widening(min(p, 1-p))
	out := make([]float64, len(values))
	most := math.Inf(1)
	if len(c.origins) == 1 {
		_, highest := bounds(c.values)
		most = unproven * highest * c.scale
	}
	for i, v := range values {
		spread := 0.0
		if d.spreads != nil {
			spread = d.spreads[i]
		}
		out[i] = v + away*c.scale*unitError(v/c.scale, spread, i)*d.at(len(c.values)+i)*d.ahead(i)*d.widened(i, away)
		if !c.signed {
			out[i] = max(min(out[i], max(most, v)), 0)
		}
	}
	return out
}

// away is how far a quantile is from the median, in units of error to expect. The errors are of
// a few back-tests, and those of one are alike: so that of the other side counts, too, and
// that of a normal distribution with errors of their size.
func (d deviation) away(p float64) float64 {
	const other, normal, fit = 0.25, 0.33, 0.92
	middle := quantile(d.errs, 0.5)
	own, mirrored := quantile(d.errs, p)-middle, middle-quantile(d.errs, 1-p)
	seen := (1-other)*own + other*mirrored
	usual := math.Sqrt2 * math.Erfinv(2*p-1) * math.Sqrt(math.Pi/2) * d.size
	return (1-normal)*seen + normal*fit*usual
}

// widening makes up for what the back-tests do not show: they chose the
// weights, and have seen few extremes, the fewer the less of them there were.
// The constants hold 80 % and 95 % intervals to their level on the earlier
// parts of the M4 series (docs/predictive.md).
func (c *contest) widening(tail float64) float64 {
	const few, extremes = 1.5, 0.048
	tests := float64(len(c.origins) - 1)
	return (1 + extremes/math.Sqrt(tail)) * (1 + few/(tests+1)) / (1 + few/7)
}

// unitError is the size of error to expect, up to a factor, of a forecast in
// units of the mean load: it grows with the load, though less than in
// proportion, with how far apart the methods are, and slowly with the time ahead.
func unitError(forecast, spread float64, step int) float64 {
	size := math.Abs(forecast)
	return math.Sqrt(size+0.25) * math.Pow(spread+0.035*(size+0.2), 0.35) * math.Pow(float64(step+1), 0.3)
}

// naiveErrors are the errors of repeating the last day, or the last value in a
// history of less than a day and a half. From one hour to the next a load may
// rise from nothing: what counts is the size of the larger value.
func (c *contest) naiveErrors() []float64 {
	lag := 1
	if n := len(c.seasons); n > 0 && len(c.values) > c.seasons[0]*3/2 {
		lag = c.seasons[0]
	}
	var errs []float64
	for t := lag; t < len(c.values); t++ {
		f, y := c.values[t-lag], c.values[t]
		size := f
		if lag == 1 {
			size = max(math.Abs(f), math.Abs(y))
		}
		errs = append(errs, (y-f)/unitError(size, 0, lag-1))
	}
	return errs
}

// quantile interpolates between the order statistics.
func quantile(sorted []float64, p float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	x := min(max(p*float64(len(sorted)+1)-1, 0), float64(len(sorted)-1))
	i := int(x)
	if i+1 == len(sorted) {
		return sorted[i]
	}
	return sorted[i] + (x-float64(i))*(sorted[i+1]-sorted[i])
}
