package fit

import (
	"math"
	"slices"
)

// Candidates of a concurrency.
const mostHands = 1000

// bottleneck finds whether requests queue for processors or for the hands of tasks, of which
// there are so few that latency rises before processors are busy.
func (e *estimator) bottleneck(m *Model, used []step, cpu station) (station, bool) {
	base := unloaded(used)
	most := 0.0 // requests in hand of a task
	for _, s := range used {
		most = max(most, s.perTask()*base)
	}
	limit := mostHands
	if cpu.time > 0 {
		limit = int(min(float64(limit), math.Ceil(base*cpu.servers/cpu.time)-1)) // with more, processors are short sooner
	}
	// Of a step in which latency is that of the unloaded service there is nothing to be seen.
	rises := 0
	for _, s := range used {
		if s.latency > 1.15*base {
			rises++
		}
	}
	if rises < fewSteps || limit < 1 {
		return cpu, false
	}
	best, errs := 0, map[int][]float64{}
	for c := max(1, int(most)); c <= limit; c = max(c+1, c*21/20) {
		if errs[c] = misses(station{float64(c), base}, used); best == 0 || total(errs[c]) < total(errs[best]) {
			best = c
		}
	}
	if best == 0 || cpu.time > 0 && total(errs[best]) > 0.7*total(misses(cpu, used)) {
		return cpu, false
	}
	low, high := best, best
	for c := range errs {
		if near(errs[c], errs[best]) {
			low, high = min(low, c), max(high, c)
		}
	}
	if high > 2*low+2 {
		return cpu, false
	}
	m.add(Concurrency, Whole, interval{float64(best), float64(low), float64(high)})
	return station{float64(best), base}, true
}

// unloaded is the latency of the fifth of the steps with the fewest requests for a task.
func unloaded(used []step) float64 {
	sorted := slices.Clone(used)
	slices.SortFunc(sorted, func(a, b step) int {
		if a.perTask() < b.perTask() {
			return -1
		}
		return 1
	})
	var points []point
	for _, s := range sorted[:max(min(len(sorted), fewSteps), len(sorted)/5)] {
		points = append(points, point{0, s.latency, s.rate})
	}
	return mean(points, skewed)
}

// misses are how far latency is from what a station makes of it, in groups of steps: the squares
// of logarithms. A step that is too busy for it counts for what is missed most.
func misses(st station, used []step) []float64 {
	points := queuedAt(st, used)
	if len(points) < fewSteps {
		return slices.Repeat([]float64{math.Inf(1)}, mostGroups)
	}
	base, factor := alone(points)
	if !known(factor) || factor < 0.5 {
		factor = 0.5
	}
	groups := make([]float64, mostGroups)
	for i, s := range used {
		w := st.waiting(s)
		miss := 0.0
		switch {
		case known(w):
			miss = math.Log(s.latency / (base + factor*w))
		case st.use(s) < 1.1 && s.latency < 2*base:
			miss = math.Log(s.latency / (2 * base))
		}
		groups[i*mostGroups/len(used)] += miss * miss
	}
	return groups
}

// near is whether one is worse than another only by chance, by the groups' differences.
func near(a, b []float64) bool {
	var sum, squares float64
	n := float64(len(a))
	for i := range a {
		d := a[i] - b[i]
		sum, squares = sum+d, squares+d*d
	}
	deviation := math.Sqrt(max(0, squares/n-sum*sum/n/n) / (n - 1))
	return !math.IsInf(sum, 1) && sum/n <= student(n-1)*deviation
}

func total(values []float64) (sum float64) {
	for _, v := range values {
		sum += v
	}
	return sum
}

// unseen says that no limit was seen, and what it is at least.
func (e *estimator) unseen(m *Model, used []step) {
	most := 0.0
	for _, s := range used {
		most = max(most, s.perTask()*s.latency)
	}
	m.miss(Concurrency, "tasks never were short of it before their processors were; they had up to %.0f requests in hand, so that it is not less", math.Ceil(most))
}
