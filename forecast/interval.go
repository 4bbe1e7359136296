package forecast

import (
	"math"
	"slices"
)

// unproven bounds, in times of the highest load, what may come as long as no
// forecast could be compared with what came.
const unproven = 3

// quantile is what the values will be at or under with a probability, by how
// far they were from the same combination in the back-tests, whose errors are
// given. Half of them are under the forecast, whatever the back-tests say: they
// are too few to know better.
func (c *contest) quantile(values, errs []float64, p float64) []float64 {
	away := (quantile(errs, p) - quantile(errs, 0.5)) * c.widening(min(p, 1-p))
	out := make([]float64, len(values))
	most := math.Inf(1)
	if len(c.origins) == 1 {
		_, highest := bounds(c.values)
		most = unproven * highest * c.scale
	}
	for i, v := range values {
		out[i] = v + away*c.scale*unitError(v/c.scale, i)
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
	return math.Pow(math.Abs(forecast)+0.2, 0.7) * math.Pow(float64(step+1), 0.25)
}

// standardErrors are the errors of the combination in the back-tests in units
// of unitError, ascending; without back-tests, those of repeating the last day
// or value within the history.
func (c *contest) standardErrors() []float64 {
	var errs []float64
	for k, from := range c.origins[:len(c.origins)-1] {
		for i, f := range c.combine(k) {
			if from+i < len(c.values) && c.known[from+i] {
				f /= c.scale
				errs = append(errs, (c.values[from+i]-f)/unitError(f, i))
			}
		}
	}
	if len(errs) == 0 {
		errs = c.naiveErrors()
	}
	slices.Sort(errs)
	return errs
}

// naiveErrors are those of repeating the last day, or the last value in a
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
