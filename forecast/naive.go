package forecast

import (
	"cmp"
	"slices"
)

// naive repeats the last season.
func naive(season int) func(*sample) [][]float64 {
	return func(s *sample) [][]float64 {
		paths := s.paths()
		for k, from := range s.origins {
			for i := range paths[k] {
				paths[k][i] = s.values[from-season+i%season]
			}
		}
		return paths
	}
}

// drift goes on from the last value as the values before it went: by the mean
// step of the last two days, or of all there are.
func drift(s *sample) [][]float64 {
	if s.origins[0] < 2 {
		return nil
	}
	paths := s.paths()
	for k, from := range s.origins {
		step := driftOf(s.values[:from])
		for i := range paths[k] {
			paths[k][i] = s.values[from-1] + float64(i+1)*step
		}
	}
	return paths
}

// driftOf is the mean step of the last two days of v, or of all there are.
func driftOf(v []float64) float64 {
	const reach = 48
	first, last := max(0, len(v)-reach-1), len(v)-1
	return (v[last] - v[first]) / float64(last-first)
}

// level repeats the mean of the last values, for series without seasons.
func level(s *sample) [][]float64 {
	paths := s.paths()
	for k, from := range s.origins {
		m := mean(s.values[max(0, from-6):from])
		for i := range paths[k] {
			paths[k][i] = m
		}
	}
	return paths
}

// profile is the mean of the last four seasons at each position, shifted by
// most of what the last day was above or below it.
func profile(season int) func(*sample) [][]float64 {
	const seasons, follow = 4, 0.7
	return func(s *sample) [][]float64 {
		day := s.seasons[0]
		if s.origins[0] < season+day || s.origins[0] < 2*day {
			return nil
		}
		paths := s.paths()
		for k, from := range s.origins {
			at := func(t int) float64 {
				sum, n := 0.0, 0.0
				for i := t - season; i >= max(0, t-seasons*season); i -= season {
					if i < from {
						sum += s.values[i]
						n++
					}
				}
				if n == 0 { // beyond the last season
					return s.values[from-season+(t-from)%season]
				}
				return sum / n
			}
			shift := 0.0
			for t := from - day; t < from; t++ {
				shift += (s.values[t] - at(t)) / float64(day)
			}
			for i := range paths[k] {
				paths[k][i] = at(from+i) + follow*shift
			}
		}
		return paths
	}
}

// analogs looks for the times in the past, at the same time of day, when the
// last days went as they did now, and takes the mean of what followed, the
// closer ones counting more.
func analogs(days, nearest int) func(*sample) [][]float64 {
	type match struct {
		distance, shift float64
		at              int
	}
	const follow = 0.7 // of the difference in level that stays
	return func(s *sample) [][]float64 {
		day := s.seasons[0]
		length := days * day
		if s.origins[0] < length+s.horizon+3*day {
			return nil
		}
		paths := s.paths()
		for k, from := range s.origins {
			now := s.values[from-length : from]
			var found []match
			for t := from - day; t >= length; t -= day {
				if t+s.horizon > from {
					continue
				}
				then := s.values[t-length : t]
				m := match{at: t}
				for i, v := range now {
					m.shift += (v - then[i]) / float64(length)
				}
				m.shift *= follow
				for i, v := range now {
					e := v - then[i] - m.shift
					m.distance += e * e
				}
				found = append(found, m)
			}
			slices.SortStableFunc(found, func(a, b match) int { return cmp.Compare(a.distance, b.distance) })
			total := 0.0
			for _, m := range found[:min(nearest, len(found))] {
				w := 1 / (m.distance + 1e-6)
				total += w
				for i := range paths[k] {
					paths[k][i] += w * (s.values[m.at+i] + m.shift)
				}
			}
			for i := range paths[k] {
				paths[k][i] /= total
			}
		}
		return paths
	}
}
