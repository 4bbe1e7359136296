package simulation

import (
	"errors"
	"fmt"
	"math"
	"time"

	"flyball/sim"
)

// A History is traffic of the past: the requests of steps of time, one after the other.
type History struct {
	Start  time.Time // zero: not known
	Step   time.Duration
	Values []float64 // NaN: there were none
}

// someMonday is when traffic begins that has no times.
var someMonday = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)

// Minutes are the history's minutes, from the one on that it begins in. The requests of a
// longer step are spread evenly over it.
func (h History) Minutes() (start time.Time, traffic sim.Traffic, err error) {
	whole := h.Step >= time.Minute && h.Step%time.Minute == 0
	switch {
	case h.Step <= 0 || !whole && (h.Step > time.Minute || time.Minute%h.Step != 0):
		return start, nil, fmt.Errorf("rows are %v apart; it must be whole minutes, or a part of a minute", h.Step)
	case len(h.Values) == 0:
		return start, nil, errors.New("there are no rows")
	}
	for i, v := range h.Values {
		if v < 0 || math.IsInf(v, 0) {
			return start, nil, fmt.Errorf("row %d has %v requests; it must be a number that is not negative", i+1, v)
		}
	}
	start = h.Start.UTC().Truncate(time.Minute)
	if h.Start.IsZero() {
		start = someMonday
	}
	if whole {
		return start, h.spread(int(h.Step / time.Minute)), nil
	}
	return start, h.gather(int(time.Minute / h.Step)), nil
}

// spread is the minutes of steps of several.
func (h History) spread(minutes int) sim.Traffic {
	return func(yield func(sim.Minute) bool) {
		for _, v := range h.Values {
			for range minutes {
				if !yield(sim.Minute{Requests: orNone(v) / float64(minutes)}) {
					return
				}
			}
		}
	}
}

// gather is the minutes of steps of which each has several.
func (h History) gather(steps int) sim.Traffic {
	return func(yield func(sim.Minute) bool) {
		for begin := 0; begin < len(h.Values); begin += steps {
			sum := 0.0
			for _, v := range h.Values[begin:min(begin+steps, len(h.Values))] {
				sum += orNone(v)
			}
			if !yield(sim.Minute{Requests: sum}) {
				return
			}
		}
	}
}

// orNone is a number of requests, of which none is 0.
func orNone(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return v
}
