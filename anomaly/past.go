package anomaly

import (
	"math"
	"slices"
	"time"

	"flyball/metric"
)

// A past is the points that a model is trained on, summed up by steps: the last of
// them ends where the model begins.
type past struct {
	steps  []metric.Set
	square []float64 // the sum of the points' squares, of each step
	daily  int       // how many steps are a day
	signed bool      // a point is negative
}

// past sums up the points that a training may use.
func (m *Model) past(points []metric.Datapoint, o Options) *past {
	n := int(Reach / m.step)
	p := &past{steps: make([]metric.Set, n), square: make([]float64, n), daily: max(1, int(day/m.step))}
	start := m.origin.Add(-time.Duration(n) * m.step)
	for _, point := range points {
		since := wall(point.Time, m.location).Sub(start)
		if since < 0 || since >= time.Duration(n)*m.step || math.IsNaN(point.Value) || o.excludes(point.Time) {
			continue
		}
		i := since / m.step
		p.steps[i].MergeTotals(metric.Set{Count: 1, Sum: point.Value, Min: point.Value, Max: point.Value})
		p.square[i] += point.Value * point.Value
		p.signed = p.signed || point.Value < 0
	}
	return p
}

func (o Options) excludes(t time.Time) bool {
	return slices.ContainsFunc(o.Excluded, func(r Range) bool { return !t.Before(r.Start) && t.Before(r.End) })
}

// filled is how many steps have points.
func (p *past) filled() (n int) {
	for i := range p.steps {
		if p.steps[i].Count > 0 {
			n++
		}
	}
	return n
}

// means are the means of the steps, NaN where there is no point.
func (p *past) means() []float64 {
	means := make([]float64, len(p.steps))
	for i := range p.steps {
		means[i] = p.steps[i].Sum / p.steps[i].Count // 0/0 is NaN
	}
	return means
}

// spread is how far points are from the mean of their step, below and above, in the
// steps at the same time of day as the i-th after the past: the median of the
// standard deviations, so that one bad day does not widen the band; with spikes half
// of the furthest that a point was, so that a width of 2 holds it.
func (p *past) spread(i int, spikes bool) (down, up float64) {
	var deviations []float64
	for at := len(p.steps) - p.daily + i%p.daily; at >= 0; at -= p.daily {
		s := &p.steps[at]
		if s.Count == 0 {
			continue
		}
		mean := s.Sum / s.Count
		deviations = append(deviations, math.Sqrt(max(0, p.square[at]/s.Count-mean*mean)))
		if spikes {
			down, up = max(down, (mean-s.Min)/2), max(up, (s.Max-mean)/2)
		}
	}
	if len(deviations) == 0 {
		return down, up
	}
	slices.Sort(deviations)
	typical := deviations[len(deviations)/2]
	return max(down, typical), max(up, typical)
}
