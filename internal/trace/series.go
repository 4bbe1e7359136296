package trace

import (
	"iter"
	"math"
	"slices"
	"time"
)

// A Series is a trace whose values are not in memory, but are read in turn. It takes as much
// memory for ten years as it does for a month.
type Series struct {
	Name   string // as those of a Trace
	Kind   Kind
	Start  time.Time
	Step   time.Duration
	Notes  []string
	values *column[float64]
}

// Len is the number of steps.
func (s Series) Len() int { return s.values.len() }

// Values are those of the steps, oldest first; NaN is a gap. They can be read as often as is wanted;
// Err tells afterwards whether all could be.
func (s Series) Values() iter.Seq[float64] {
	return func(yield func(float64) bool) {
		for _, v := range s.values.all() {
			if !yield(v) {
				return
			}
		}
	}
}

// Err is why values could not be read, if they could not.
func (s Series) Err() error { return s.values.err }

// Trace is the series with its values in memory.
func (s Series) Trace() (Trace, error) {
	t := Trace{Name: s.Name, Kind: s.Kind, Start: s.Start, Step: s.Step, Notes: s.Notes, Values: make([]float64, 0, s.Len())}
	for v := range s.Values() {
		t.Values = append(t.Values, v)
	}
	return t, s.Err()
}

// Series is the trace as one.
func (t Trace) Series() Series { return Made(t, slices.Values(t.Values)) }

// Made is a series of values, with what a trace says of them.
func Made(t Trace, values iter.Seq[float64]) Series {
	return Series{Name: t.Name, Kind: t.Kind, Start: t.Start, Step: t.Step, Notes: t.Notes, values: columnOf(values)}
}

// Of makes a trace of values at times, as those of a file are made one: each is about a step, of
// which some may be missing.
func Of(name string, times []time.Time, values []float64, step time.Duration, o Options) (Trace, error) {
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	p := points{name: name, kind: kindOf(name), times: true, step: step, rows: &timeline{}}
	for i, at := range times {
		p.rows.add(point{at.UnixNano(), values[i], 0})
	}
	s, err := p.series(o)
	if err != nil {
		return Trace{}, err
	}
	return s.Trace()
}

// note tells what was done.
func (s *Series) note(text string) { s.Notes = append(s.Notes, text) }

// absent stands for a step that has no row, until it is decided what it is. It is a NaN, and no
// other: those of rows without a value have other bits.
var absent = math.Float64frombits(0x7ff8_0000_0000_0a65)

func isAbsent(v float64) bool { return math.Float64bits(v) == math.Float64bits(absent) }
