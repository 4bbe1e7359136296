package forecast

import (
	"math"
	"slices"
)

// interval says how far the values may lie from the forecast, by how far they
// did from the same combination in the back-tests.
func (c *contest) interval(values []float64, level float64) Interval {
	errs := c.standardErrors()
	tail := (1 - level) / 2
	below, above := quantile(errs, tail), quantile(errs, 1-tail)
	// The back-tests chose the weights, and have seen few extremes.
	widen := 1 + 0.063/math.Sqrt(tail)
	below, above = min(below, 0)*widen, max(above, 0)*widen
	in := Interval{Level: level, Lower: make([]float64, c.horizon), Upper: make([]float64, c.horizon)}
	for i, v := range values {
		unit := c.scale * unitError(v/c.scale, i)
		in.Lower[i], in.Upper[i] = v+below*unit, v+above*unit
		if !c.signed {
			in.Lower[i] = max(in.Lower[i], 0)
		}
	}
	return in
}

// unitError is the size of error to expect of a forecast (relative to the
// mean load) at a step, up to a factor: it grows with the load, though less than in
// proportion, and slowly with the time ahead.
func unitError(forecast float64, step int) float64 {
	return math.Pow(math.Abs(forecast)+0.05, 0.7) * math.Pow(float64(step+1), 0.25)
}

// standardErrors are the errors of the combination in the back-tests in units
// of unitError, ascending.
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
	slices.Sort(errs)
	return errs
}

// quantile interpolates between the order statistics.
func quantile(sorted []float64, p float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	x := p*float64(len(sorted)+1) - 1
	x = min(max(x, 0), float64(len(sorted)-1))
	i := int(x)
	if i+1 == len(sorted) {
		return sorted[i]
	}
	return sorted[i] + (x-float64(i))*(sorted[i+1]-sorted[i])
}
