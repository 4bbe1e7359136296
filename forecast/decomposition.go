package forecast

import "math"

// decompose takes the series apart into a trend, a shape of the week and one
// of the day in which newer weeks and days count more, and a rest; the rest is
// smoothed and its last level stays.
func decompose(s *sample) [][]float64 {
	n := len(s.seasons)
	if n == 0 || s.origins[0] < 2*s.seasons[n-1] {
		return nil
	}
	long, day := s.seasons[n-1], s.seasons[0]
	paths := s.paths()
	for k, from := range s.origins {
		v := s.values[:from]
		rest := detrended(v, long)
		week := recentShape(rest, long, 0.6)
		for i := range rest {
			rest[i] -= week[i%long]
		}
		hours := make([]float64, day)
		if n > 1 {
			const last, share = 14, 0.6 // days; of the shape that stays
			first := max(0, from-last*day)
			first -= first % day
			hours = recentShape(rest[first:], day, 0.8)
			for i := range hours {
				hours[i] *= share
			}
		}
		for i := range rest {
			rest[i] = v[i] - week[i%long] - hours[i%day]
		}
		level := settle(rest, day)
		for i := range paths[k] {
			t := from + i
			paths[k][i] = level + week[t%long] + hours[t%day]
		}
	}
	return paths
}

// detrended is v without its moving average over a season; at both ends the
// nearest whole season is the average.
func detrended(v []float64, season int) []float64 {
	n := len(v)
	sum := make([]float64, n+1)
	for i, x := range v {
		sum[i+1] = sum[i] + x
	}
	rest := make([]float64, n)
	for t, x := range v {
		first := min(max(t-season/2, 0), n-season)
		rest[t] = x - (sum[first+season]-sum[first])/float64(season)
	}
	return rest
}

// recentShape is the weighted mean of v at each position in a season; with
// each season back the weight falls to keep of what it was.
func recentShape(v []float64, season int, keep float64) []float64 {
	shape, mass := make([]float64, season), make([]float64, season)
	fade := math.Pow(keep, 1/float64(season))
	w := 1.0
	for t := len(v) - 1; t >= 0; t-- {
		shape[t%season] += w * v[t]
		mass[t%season] += w
		w *= fade
	}
	for i := range shape {
		if mass[i] > 0 {
			shape[i] /= mass[i]
		}
	}
	return shape
}

// settle is the last level of v under the exponential smoothing that forecasts
// half a day and one and a half days ahead best.
func settle(v []float64, day int) float64 {
	near, far := day/2, day+day/2
	best, level := math.Inf(1), v[len(v)-1]
	for _, follow := range []float64{0.01, 0.03, 0.06, 0.1, 0.2, 0.4, 0.7} {
		l, loss := v[0], 0.0
		for t, x := range v {
			l += follow * (x - l)
			if t+far < len(v) {
				loss += math.Abs(v[t+near]-l) + math.Abs(v[t+far]-l)
			}
		}
		if loss < best {
			best, level = loss, l
		}
	}
	return level
}
