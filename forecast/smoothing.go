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
	seasonal [][]float64
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
	next := 0
	for t := 0; ; t++ {
		if t == s.origins[next] {
			state.extend(paths[next], t, p)
			if next++; next == len(s.origins) {
				return paths
			}
		}
		state.observe(s.values[t], t, p)
	}
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
		shape, count := make([]float64, season), make([]float64, season)
		for i, x := range v {
			shape[i%season] += x
			count[i%season]++
		}
		for i := range shape {
			shape[i] /= count[i]
		}
		for i := range v {
			v[i] -= shape[i%season]
		}
		s.seasonal = append(s.seasonal, shape)
	}
	return s
}

func (s *smoother) clone() *smoother {
	c := &smoother{}
	c.reset(s)
	return c
}

// reset makes s a copy of another smoother, in the memory it has.
func (s *smoother) reset(from *smoother) {
	s.level, s.last = from.level, from.last
	if s.seasonal == nil {
		s.seasonal = make([][]float64, len(from.seasonal))
	}
	for i, shape := range from.seasonal {
		s.seasonal[i] = append(s.seasonal[i][:0], shape...)
	}
}

// base is what the level and the seasons say of time t.
func (s *smoother) base(t int) float64 {
	b := s.level
	for _, shape := range s.seasonal {
		b += shape[t%len(shape)]
	}
	return b
}

// observe takes in the value of time t.
func (s *smoother) observe(v float64, t int, p smoothing) {
	e := v - s.base(t)
	s.level += p.level * e
	for i, shape := range s.seasonal {
		shape[t%len(shape)] += p.seasonal[i] * e
	}
	s.last = e
}

// extend forecasts time t and what follows.
func (s *smoother) extend(path []float64, t int, p smoothing) {
	e := s.last
	for i := range path {
		e *= p.fade
		path[i] = s.base(t+i) + e
	}
}

// loss is the sum of the absolute errors one step and one day ahead: a
// smoothing that is best for the next hour alone follows too fast.
func (s *smoother) loss(v []float64, p smoothing) float64 {
	day, long := 24, 0
	for i, shape := range s.seasonal {
		if i == 0 {
			day = len(shape)
		}
		long = len(shape)
	}
	far := math.Pow(p.fade, float64(day))
	total := 0.0
	for t, y := range v {
		e := y - s.base(t) - p.fade*s.last
		s.observe(y, t, p)
		if t < long || t+day >= len(v) {
			continue
		}
		total += math.Abs(e) + math.Abs(v[t+day]-s.base(t+day)-far*s.last)
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
