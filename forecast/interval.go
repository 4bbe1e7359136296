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
	errs  []float64 // in units of error to expect, ascending
	hours []float64 // how uncertain each hour of the day is, in times of the usual; nil: all alike
	steps []float64 // the same of each step to come
}

// deviation is taken from the back-tests; without any, from repeating the last
// day or value within the history.
func (c *contest) deviation() deviation {
	type miss struct {
		size float64 // in units of unitError
		hour int
	}
	var misses []miss
	for k, from := range c.origins[:len(c.origins)-1] {
		for i, f := range c.combine(k) {
			if t := from + i; t < len(c.values) && c.known[t] {
				f /= c.scale
				misses = append(misses, miss{(c.values[t] - f) / unitError(f, i), t})
			}
		}
	}
	if len(misses) == 0 {
		return deviation{errs: c.naiveErrors()}
	}
	d := deviation{}
	if len(c.seasons) > 0 {
		day := c.seasons[0]
		sums, counts := make([]float64, day), make([]float64, day)
		for _, m := range misses {
			sums[m.hour%day] += math.Abs(m.size)
			counts[m.hour%day]++
		}
		d.hours = evened(sums, counts)
	}
	for _, m := range misses {
		d.errs = append(d.errs, m.size/d.at(m.hour))
	}
	slices.Sort(d.errs)
	return d
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

// quantile is what the values will be at or under with a probability, by how
// far they were from the same combination in the back-tests. Half of them are
// under the forecast, whatever the back-tests say: they are too few to know
// better.
func (c *contest) quantile(values []float64, d deviation, p float64) []float64 {
	away := (quantile(d.errs, p) - quantile(d.errs, 0.5)) * c.widening(min(p, 1-p))
	out := make([]float64, len(values))
	most := math.Inf(1)
	if len(c.origins) == 1 {
		_, highest := bounds(c.values)
		most = unproven * highest * c.scale
	}
	for i, v := range values {
		out[i] = v + away*c.scale*unitError(v/c.scale, i)*d.at(len(c.values)+i)*d.ahead(i)
		if !c.signed {
			out[i] = max(min(out[i], max(most, v)), 0)
		}
	}
	return out
}

// widening makes up for what the back-tests do not show: they chose the
// weights, and have seen few extremes, the fewer the less of them there were.
// The constants hold 80 % and 95 % intervals to their level on the earlier
// parts of the M4 series (docs/predictive.md).
func (c *contest) widening(tail float64) float64 {
	tests := float64(len(c.origins) - 1)
	return (1 + 0.063/math.Sqrt(tail)) * (1 + 1.5/(tests+1)) / (1 + 1.5/7)
}

// unitError is the size of error to expect, up to a factor, of a forecast in
// units of the mean load: it grows with the load, though less than in
// proportion, and slowly with the time ahead.
func unitError(forecast float64, step int) float64 {
	return math.Pow(math.Abs(forecast)+0.2, 0.7) * math.Pow(float64(step+1), 0.3)
}

// naiveErrors are the errors, ascending, of repeating the last day, or the last value in a
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
		errs = append(errs, (y-f)/unitError(size, lag-1))
	}
	slices.Sort(errs)
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
