package forecast

import (
	"math"
	"slices"
)

// A smoother is exponential smoothing with a level and several seasons that
// add up, and an error that fades (Taylor's multiple seasonal method).
type smoother struct {
	level    float64
	last     float64 // the last value's distance from level and seasons
	seasonal []cycle
}

// A cycle is the shape of one season and where in it the next value is.
type cycle struct {
	shape []float64
	next  int
}

// at is the shape's value for the given steps after the next value.
func (c *cycle) at(steps int) float64 {
	i := c.next + steps
	for i >= len(c.shape) {
		i -= len(c.shape)
	}
	return c.shape[i]
}

// A smoothing holds how fast each part follows the values, all within 0 to 1.
type smoothing struct {
	level    float64
	fade     float64 // share of the last error in the next value
	seasonal [maxSeasons]float64
}

const maxSeasons = 3

// smooth fits the smoothing to the whole series and forecasts from each origin
// by the state at that time.
func smooth(s *sample) [][]float64 {
	seasons := s.seasons[:min(len(s.seasons), maxSeasons)]
	if n := len(seasons); n > 0 && s.origins[0] < seasons[n-1]*5/4 {
		return nil
	}
	start := newSmoother(s.values[:s.origins[0]], seasons)
	p := fitSmoothing(s, start)
	paths := s.paths()
	state := start.clone()
	t := 0
	for k, from := range s.origins {
		for ; t < from; t++ {
			state.observe(s.values[t]-state.base(0), p)
		}
		state.extend(paths[k], p)
	}
	return paths
}

// newSmoother starts from the means of the first cycles, two if there are.
func newSmoother(v []float64, seasons []int) *smoother {
	n := min(len(v), 48)
	if k := len(seasons); k > 0 {
		long := seasons[k-1]
		n = min(len(v)/long, 2) * long
	}
	v = slices.Clone(v[:n])
	s := &smoother{level: mean(v)}
	for i := range v {
		v[i] -= s.level
	}
	for _, season := range seasons {
		shape := recentShape(v, season, 1)
		for i := range v {
			v[i] -= shape[i%season]
		}
		s.seasonal = append(s.seasonal, cycle{shape: shape})
	}
	return s
}

func (s *smoother) clone() *smoother {
	c := &smoother{seasonal: make([]cycle, len(s.seasonal))}
	c.reset(s)
	return c
}

// reset makes s a copy of another smoother, in the memory it has.
func (s *smoother) reset(from *smoother) {
	s.level, s.last = from.level, from.last
	for i, c := range from.seasonal {
		s.seasonal[i] = cycle{append(s.seasonal[i].shape[:0], c.shape...), c.next}
	}
}

// base is what the level and the seasons say of the value so many steps after
// the next.
func (s *smoother) base(steps int) float64 {
	b := s.level
	for i := range s.seasonal {
		b += s.seasonal[i].at(steps)
	}
	return b
}

// observe takes in how far the next value lies from the base.
func (s *smoother) observe(e float64, p smoothing) {
	s.level += p.level * e
	for i := range s.seasonal {
		c := &s.seasonal[i]
		c.shape[c.next] += p.seasonal[i] * e
		if c.next++; c.next == len(c.shape) {
			c.next = 0
		}
	}
	s.last = e
}

// extend forecasts the next values.
func (s *smoother) extend(path []float64, p smoothing) {
	e := s.last
	for i := range path {
		e *= p.fade
		path[i] = s.base(i) + e
	}
}

// loss is the sum of the absolute errors one step and one day ahead: a
// smoothing that is best for the next hour alone follows too fast.
func (s *smoother) loss(v []float64, p smoothing) float64 {
	day, long := 24, 0
	if n := len(s.seasonal); n > 0 {
		day, long = len(s.seasonal[0].shape), len(s.seasonal[n-1].shape)
	}
	far := math.Pow(p.fade, float64(day))
	total := 0.0
	for t, y := range v[:max(0, len(v)-day)] {
		e, faded := y-s.base(0), p.fade*s.last
		s.observe(e, p)
		if t >= long {
			total += math.Abs(e-faded) + math.Abs(v[t+day]-s.base(day-1)-far*s.last)
		}
	}
	return total
}

// fitSmoothing searches the smoothing with the least loss, each parameter in
// turn by steps that grow while they help and shrink when none does.
func fitSmoothing(s *sample, start *smoother) smoothing {
	p := smoothing{level: 0.05, fade: 0.7}
	step := make([]float64, 2+len(start.seasonal))
	params := func(p *smoothing) []*float64 {
		list := []*float64{&p.level, &p.fade}
		for i := range start.seasonal {
			list = append(list, &p.seasonal[i])
		}
		return list
	}
	for i := range step {
		step[i] = 0.1
	}
	for i := range start.seasonal {
		p.seasonal[i] = 0.1 * float64(i+1)
	}
	scratch := start.clone()
	best := scratch.loss(s.values, p)
	for slices.Max(step) > 0.005 {
		improved := false
		for i := range step {
			for _, way := range []float64{step[i], -step[i]} {
				q := p
				x := params(&q)[i]
				*x = min(max(*x+way, 0), 0.95)
				if q == p {
					continue
				}
				scratch.reset(start)
				if l := scratch.loss(s.values, q); l < best {
					best, p = l, q
					step[i] *= 1.3
					improved = true
					break
				}
			}
		}
		if !improved {
			for i := range step {
				step[i] /= 2
			}
		}
	}
	return p
}
