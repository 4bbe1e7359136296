package fit

import (
	"math"
	"slices"
)

// A point of a line that is fitted, with what it counts.
type point struct{ x, y, weight float64 }

// A line is y = base + slope x.
type line struct{ base, slope float64 }

func (l line) at(x float64) float64 { return l.base + l.slope*x }

// How far from the others a point may be, in usual deviations, before it has no part in a line.
const (
	normal = 4.685 // for errors that are normal: 95 % as good as least squares
	skewed = 15    // for latency, which chance makes much longer now and then, and never much shorter
)

// fitLine fits a line to points such that those far from all others have no part in it: Tukey's
// resistant line, made better by least squares that are weighted anew (bisquare).
func fitLine(points []point, cut float64) line {
	l := resistantLine(points)
	for range 20 {
		scale := spread(points, l)
		next := leastSquares(points, func(p point) float64 { return p.weight * bisquare((p.y-l.at(p.x))*math.Sqrt(p.weight), cut*scale) })
		if math.IsNaN(next.slope) || math.IsNaN(next.base) {
			return l
		}
		moved := math.Abs(next.base-l.base) + math.Abs(next.slope-l.slope)
		if l = next; moved <= 1e-9*(math.Abs(l.base)+math.Abs(l.slope)) {
			break
		}
	}
	return l
}

// bisquare is the weight of a residual, which is 0 from a bound on.
func bisquare(residual, bound float64) float64 {
	if bound == 0 {
		return 1
	}
	u := residual / bound
	if u*u >= 1 {
		return 0
	}
	return (1 - u*u) * (1 - u*u)
}

// spread is the usual deviation from a line, of points as heavy as one: 1.4826 times the median
// is the standard deviation of normal ones.
func spread(points []point, l line) float64 {
	residuals := make([]float64, len(points))
	for i, p := range points {
		residuals[i] = math.Abs(p.y-l.at(p.x)) * math.Sqrt(p.weight)
	}
	return 1.4826 * median(residuals)
}

// leastSquares is the line of the least squares; NaN where all points lie above one x.
func leastSquares(points []point, weight func(point) float64) line {
	var w, x, y float64
	for _, p := range points {
		k := weight(p)
		w, x, y = w+k, x+k*p.x, y+k*p.y
	}
	x, y = x/w, y/w
	var xx, xy float64
	for _, p := range points {
		k := weight(p)
		xx, xy = xx+k*(p.x-x)*(p.x-x), xy+k*(p.x-x)*(p.y-y)
	}
	slope := xy / xx
	return line{y - slope*x, slope}
}

// resistantLine goes through the medians of the points' lower and upper third.
func resistantLine(points []point) line {
	sorted := slices.Clone(points)
	slices.SortFunc(sorted, func(a, b point) int {
		switch {
		case a.x < b.x:
			return -1
		case a.x > b.x:
			return 1
		}
		return 0
	})
	third := max(1, len(sorted)/3)
	low, high := sorted[:third], sorted[len(sorted)-third:]
	dx := median(xs(high)) - median(xs(low))
	if !(dx > 0) {
		return line{median(ys(sorted)), 0}
	}
	slope := (median(ys(high)) - median(ys(low))) / dx
	bases := make([]float64, len(sorted))
	for i, p := range sorted {
		bases[i] = p.y - slope*p.x
	}
	return line{median(bases), slope}
}

func xs(points []point) []float64 {
	v := make([]float64, len(points))
	for i, p := range points {
		v[i] = p.x
	}
	return v
}

func ys(points []point) []float64 {
	v := make([]float64, len(points))
	for i, p := range points {
		v[i] = p.y
	}
	return v
}

// median reorders the values.
func median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	slices.Sort(values)
	if m := len(values) / 2; len(values)%2 == 1 {
		return values[m]
	} else {
		return (values[m-1] + values[m]) / 2
	}
}

// mean is the weighted mean of the points' y without those far from the others.
func mean(points []point, cut float64) float64 {
	center := median(ys(points))
	flat := line{center, 0}
	for range 10 {
		scale := spread(points, flat)
		var w, y float64
		for _, p := range points {
			k := p.weight * bisquare((p.y-flat.base)*math.Sqrt(p.weight), cut*scale)
			w, y = w+k, y+k*p.y
		}
		if w == 0 {
			return flat.base
		}
		flat.base = y / w
	}
	return flat.base
}
