package fit

import "math"

// Groups of steps for the intervals.
const (
	mostGroups  = 30
	leastGroups = 6
)

// An interval is a value with the bounds in which the true one lies in 95 of 100 cases.
type interval struct{ at, low, high float64 }

// deleting estimates several values from all steps, and their intervals from the estimates
// without each of some groups of steps that follow each other (the delete-a-group jackknife).
func deleting[T any](all []T, estimate func([]T) []float64) []interval {
	whole := estimate(all)
	groups := min(mostGroups, len(all)/2)
	intervals := make([]interval, len(whole))
	for i, v := range whole {
		intervals[i] = interval{v, math.NaN(), math.NaN()}
	}
	if groups < leastGroups {
		return intervals
	}
	parts := make([][]float64, groups)
	for g := range groups {
		from, to := g*len(all)/groups, (g+1)*len(all)/groups
		rest := make([]T, 0, len(all)-to+from)
		parts[g] = estimate(append(append(rest, all[:from]...), all[to:]...))
	}
	for i := range intervals {
		intervals[i] = intervals[i].with(parts, i)
	}
	return intervals
}

// with adds the bounds, by the i-th value of each part.
func (v interval) with(parts [][]float64, i int) interval {
	n, sum, squares := 0.0, 0.0, 0.0
	for _, p := range parts {
		if !math.IsNaN(p[i]) {
			n, sum = n+1, sum+p[i]
		}
	}
	if n < leastGroups {
		return v
	}
	for _, p := range parts {
		if d := p[i] - sum/n; !math.IsNaN(d) {
			squares += d * d
		}
	}
	half := student(n-1) * math.Sqrt((n-1)/n*squares)
	return interval{v.at, v.at - half, v.at + half}
}

// student is the 0.975 quantile of Student's t with some degrees of freedom, from 4 on within a
// percent of it.
func student(degrees float64) float64 {
	const z = 1.959964
	return z + (z*z*z+z)/(4*degrees) + (5*math.Pow(z, 5)+16*z*z*z+3*z)/(96*degrees*degrees) +
		(3*math.Pow(z, 7)+19*math.Pow(z, 5)+17*z*z*z-15*z)/(384*math.Pow(degrees, 3))
}

// notNegative is the interval of something that cannot be negative.
func (v interval) notNegative() interval {
	return interval{max(0, v.at), max(0, v.low), max(0, v.high)}
}
