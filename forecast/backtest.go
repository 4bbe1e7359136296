package forecast

import (
	"cmp"
	"math"
	"slices"
)

// A sample is what a method sees: a complete series and the origins to
// forecast from. From each origin it may use only the values before it, but
// for a few parameters that are fitted to the whole series.
type sample struct {
	values  []float64
	known   []bool
	seasons []int
	origins []int // ascending; the last is len(values): the forecast itself
	horizon int
}

// paths returns room for a forecast from each origin.
func (s *sample) paths() [][]float64 {
	all := make([]float64, len(s.origins)*s.horizon)
	p := make([][]float64, len(s.origins))
	for i := range p {
		p[i], all = all[:s.horizon:s.horizon], all[s.horizon:]
	}
	return p
}

// A candidate is a method with what it forecast in the back-tests.
type candidate struct {
	name   string
	blind  bool // to the week
	plain  bool // has no shape
	credit float64
	paths  [][]float64 // one for each origin, in units of the history
	error  float64
	weight float64
}

// A contest holds all candidates for one history.
type contest struct {
	*history
	origins    []int
	horizon    int
	candidates []*candidate
}

// origins are where the forecasts start: up to so many back-tests half a horizon
// apart (in whole days, so that each starts at the same time of day as the
// forecast itself), and if they do not reach as far, two more a week and two weeks
// ago, which meet the days of the week that come next, as long as half of the
// history remains to learn from, of a short one two thirds, and the longest season; and
// the end of the history.
func origins(n, horizon int, seasons []int) []int {
	const most = 20
	step, learn := (horizon+1)/2, (n+1)/2
	if k := len(seasons); k > 0 {
		day, long := seasons[0], seasons[k-1]
		step = (step + day - 1) / day * day
		learn = max(learn, min((2*n+2)/3, 2*long)) // of two of them most methods can
		if n-step >= long {
			learn = max(learn, long)
		}
	}
	var o []int
	if k := len(seasons); k > 1 {
		for t := n - 2*seasons[k-1]; t < n-most*step; t += seasons[k-1] {
			if t >= learn {
				o = append(o, t)
			}
		}
	}
	for k := min(most, (n-learn)/step); k >= 0; k-- {
		o = append(o, n-k*step)
	}
	return o
}

// backTest runs every method that the history is long enough for. Where there is
// none to compare them in, the last season is repeated.
func (h *history) backTest(horizon int) *contest {
	c := &contest{history: h, horizon: horizon, origins: origins(len(h.values), horizon, h.seasons)}
	fresh := h.weekIsFresh(c.origins[0])
	if fresh {
		c.origins = c.origins[len(c.origins)-1:]
	}
	plain := &sample{h.values, h.known, nil, c.origins, horizon}
	for _, s := range h.seasons {
		if s <= c.origins[0] {
			plain.seasons = append(plain.seasons, s)
		}
	}
	logs := *plain
	if !h.signed {
		logs.values = h.log()
	}
	ceilings := h.ceilings(c.origins, horizon)
	for _, m := range methods(plain.seasons) {
		// A single back-test may favour the last value by chance.
		tests := len(c.origins) - 1
		if len(plain.seasons) > 0 && (tests == 0 && !m.once || tests == 1 && m.plain) {
			continue
		}
		log := m.log && !h.signed
		s := plain
		if log {
			s = &logs
		}
		paths := m.forecast(s)
		if paths == nil {
			continue
		}
		for k, p := range paths {
			if log {
				exp(p)
			}
			h.bound(p, ceilings[k])
		}
		c.candidates = append(c.candidates, &candidate{name: m.name, blind: m.blind, plain: m.plain, credit: cmp.Or(m.credit, 1), paths: paths})
	}
	return c
}

// bound keeps a load that has never been negative from becoming so, and from
// rising as no load has risen.
func (h *history) bound(path []float64, ceiling float64) {
	if h.signed {
		return
	}
	for i, v := range path {
		path[i] = min(max(v, 0), ceiling)
	}
}

// ceilings are how high the load may be forecast to rise from each origin:
// above the highest by then as far as that has ever risen within a horizon,
// after the first day, and by half at least.
func (h *history) ceilings(origins []int, horizon int) []float64 {
	day := 1
	if len(h.seasons) > 0 {
		day = h.seasons[0]
	}
	highest, growth := make([]float64, len(h.values)), 1.5
	var c []float64
	for t, v := range h.values {
		highest[t] = v
		if t > 0 {
			highest[t] = max(v, highest[t-1])
		}
		if before := highest[max(min(day, t+1)-1, t-horizon)]; before > 0 {
			growth = max(growth, highest[t]/before)
		}
		if len(c) < len(origins) && origins[len(c)] == t+1 {
			c = append(c, growth*highest[t])
		}
	}
	return c
}

// Powers of the inverse error that make weights. Where the last value or its
// drift is about as good as the best, there is no shape to learn, and what most
// others see is noise.
const (
	mild   = 2.2
	strict = 8.0
	near   = 1.15
	trust  = 3.0 // in the plain ones then: they have nothing to fit
)

// Of a history that wanders, with no shape of a day or week: back-tests, which are few, may
// favour one that is none.
const (
	wanders     = 0.9 // error of the last value, of that of the last day and of the last week
	wanderer    = 1.5 // how far the last value may be from the best
	trustLonger = 20.0
)

// A wander is how a history went as a whole.
type wander struct {
	wanders bool // the last value was closer to what came than the last day and the last week
	drifts  bool // its drift was closer still
}

// wander looks through all of the history.
func (c *contest) wander() wander {
	k := len(c.seasons)
	if k == 0 {
		return wander{drifts: true}
	}
	day, long := c.seasons[0], c.seasons[k-1]
	ahead := min(c.horizon, 2*day)
	last, drift, daily, weekly := 0.0, 0.0, 0.0, 0.0
	for from := long; from+ahead <= len(c.values); from += max(1, day/4) {
		now := c.values[from-1]
		step := driftOf(c.values[:from])
		for i, v := range c.values[from : from+ahead] {
			last += math.Abs(v - now)
			drift += math.Abs(v - now - float64(i+1)*step)
			daily += math.Abs(v - c.values[from-day+i%day])
			weekly += math.Abs(v - c.values[from-long+i%long])
		}
	}
	return wander{last > 0 && last < wanders*min(daily, weekly), drift < last}
}

// weigh gives each candidate a weight by about the inverse square of its error.
func (c *contest) weigh() {
	// Back-tests of a few days may all have met days like the one before.
	const doubt = 0.1
	k := len(c.seasons)
	doubted := k > 1 && c.origins[0] >= c.seasons[k-1] && len(c.values) < 3*c.seasons[k-1] && c.daysDiffer()
	best, plain, power := math.Inf(1), math.Inf(1), mild
	for _, d := range c.candidates {
		d.error = c.loss(d.paths)
		if d.error < best {
			best = d.error
		}
		if d.plain && d.error < plain {
			plain = d.error
		}
	}
	limit, credit := near, trust
	history := c.wander()
	if history.wanders {
		limit, credit = wanderer, trustLonger
	}
	if plain <= limit*best {
		power = strict
	}
	sum := 0.0
	for _, d := range c.candidates {
		d.weight = d.credit
		if !math.IsNaN(d.error) {
			// A history without noise has errors of zero.
			r := (best + 1e-9) / (d.error + 1e-9)
			d.weight *= math.Pow(r, power)
		}
		if power == strict && d.plain && (d.name != driftName || history.drifts || !history.wanders) {
			d.weight *= credit
		}
		if d.blind && doubted {
			d.weight *= doubt
		}
		sum += d.weight
	}
	for _, d := range c.candidates {
		d.weight /= sum
	}
}

// loss is the mean over the back-tests of two relative errors: of the sum,
// which is governed by the busy hours, and of each hour, where a quiet one
// counts as much.
func (c *contest) loss(paths [][]float64) float64 {
	total, tests := 0.0, 0
	for k, from := range c.origins[:len(c.origins)-1] {
		miss, load, ratio, n := 0.0, 0.0, 0.0, 0.0
		for i, f := range paths[k] {
			if from+i >= len(c.values) {
				break
			}
			if !c.known[from+i] {
				continue
			}
			y := c.values[from+i]
			e, size := math.Abs(y-f), math.Abs(y)+math.Abs(f)
			miss += e
			load += math.Abs(y)
			if size > 0 {
				ratio += e / size
			}
			n++
		}
		if n == 0 {
			continue
		}
		total += ratio/n + miss/max(load, 1e-3*n)
		tests++
	}
	if tests == 0 {
		return math.NaN()
	}
	return total / float64(tests) / 2
}

// combine is the middle of the candidates' forecasts from an origin, in the
// unit of the history: at each step the weighted mean of what lies between the
// weighted quartiles, so that a method gone astray does no harm.
func (c *contest) combine(origin int) []float64 {
	out := make([]float64, c.horizon)
	order := make([]*candidate, len(c.candidates))
	for i := range out {
		copy(order, c.candidates)
		slices.SortStableFunc(order, func(a, b *candidate) int {
			return cmp.Compare(a.paths[origin][i], b.paths[origin][i])
		})
		sum, mass, below := 0.0, 0.0, 0.0
		for _, d := range order {
			inside := min(below+d.weight, 0.75) - max(below, 0.25)
			if inside > 0 {
				sum += inside * d.paths[origin][i]
				mass += inside
			}
			below += d.weight
		}
		out[i] = sum / mass * c.scale
	}
	return out
}

// combineAll is the combination from each origin.
func (c *contest) combineAll() [][]float64 {
	paths := make([][]float64, len(c.origins))
	for k := range paths {
		paths[k] = c.combine(k)
	}
	return paths
}

func (c *contest) methods() []Method {
	var list []Method
	for _, d := range c.candidates {
		list = append(list, Method{d.name, d.weight, d.error})
	}
	slices.SortStableFunc(list, func(a, b Method) int { return cmp.Compare(b.Weight, a.Weight) })
	return list
}
