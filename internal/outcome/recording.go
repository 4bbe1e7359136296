package outcome

import (
	"math"
	"time"

	"flyball/sim"
)

// A Recording keeps of a run what is drawn and listed. It is of bounded size, however
// long the run is: minutes become steps of equal length, of which the lowest and the
// highest values stay.
type Recording struct {
	start time.Time
	each  int // minutes of a step
	steps []step

	decisions []Decision
	more      int            // decisions beyond those that are kept
	open      map[string]int // activities that have not ended, and their places; -1: not kept
	alarms    []alarmed
}

// A quantity is what is recorded of each minute.
type quantity int

const (
	load quantity = iota
	needed
	desired
	running
	serving
	use
	latency
	missed // percent of the requests that were not answered as agreed
	quantities
)

// A step is some minutes in a row.
type step struct {
	minutes   int
	low, high [quantities]extreme
	sum       [quantities]float64
}

// An extreme is a value, and in which minute of the run it was; NaN is none.
type extreme struct {
	minute int
	value  float64
}

// mostSteps are enough for any picture.
const mostSteps = 1024

// Minute takes in a minute.
func (r *Recording) Minute(m sim.Record) {
	if len(r.steps) == 0 {
		r.start, r.each = m.Time, 1
	}
	if n := len(r.steps); n == 0 || r.steps[n-1].minutes == r.each {
		if n == mostSteps {
			r.halve()
		}
		r.steps = append(r.steps, empty())
	}
	r.steps[len(r.steps)-1].add(int(m.Time.Sub(r.start)/time.Minute), values(m))
}

func values(m sim.Record) (v [quantities]float64) {
	v[load], v[needed], v[desired] = m.Requests, float64(m.Needed), float64(m.Desired)
	v[running], v[serving], v[use] = float64(m.Running), float64(m.Serving), 100*m.Use
	v[latency], v[missed] = math.NaN(), 0
	if m.Mean > 0 {
		v[latency] = m.Mean.Seconds()
	}
	if m.Requests > 0 {
		v[missed] = 100 * min(1, (m.Late+m.Dropped)/m.Requests)
	}
	return v
}

func empty() (s step) {
	for q := range quantities {
		s.low[q].value, s.high[q].value = math.NaN(), math.NaN()
	}
	return s
}

func (s *step) add(minute int, values [quantities]float64) {
	s.minutes++
	for q, v := range values {
		if math.IsNaN(v) {
			continue
		}
		s.sum[q] += v
		s.low[q].lower(extreme{minute, v})
		s.high[q].raise(extreme{minute, v})
	}
}

func (e *extreme) lower(o extreme) {
	if math.IsNaN(e.value) || o.value < e.value {
		*e = o
	}
}

func (e *extreme) raise(o extreme) {
	if math.IsNaN(e.value) || o.value > e.value {
		*e = o
	}
}

// halve makes one step of each two.
func (r *Recording) halve() {
	for i := 0; i < len(r.steps); i += 2 {
		a, b := r.steps[i], r.steps[i+1]
		a.minutes += b.minutes
		for q := range quantities {
			a.sum[q] += b.sum[q]
			a.low[q].lower(b.low[q])
			a.high[q].raise(b.high[q])
		}
		r.steps[i/2] = a
	}
	r.steps, r.each = r.steps[:len(r.steps)/2], 2*r.each
}

// means are the averages of the steps.
func (r *Recording) means(q quantity) []float64 {
	means := make([]float64, len(r.steps))
	for i, s := range r.steps {
		means[i] = s.sum[q] / float64(s.minutes)
	}
	return means
}

// at is when a minute of the run begins.
func (r *Recording) at(minute int) time.Time {
	return r.start.Add(time.Duration(minute) * time.Minute)
}

// length is that of a step.
func (r *Recording) length() time.Duration { return time.Duration(r.each) * time.Minute }
