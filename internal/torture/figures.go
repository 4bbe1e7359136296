package main

import (
	"fmt"
	"io"
	"slices"
	"time"
)

// Figures tell how much a run has done.
type figures struct {
	lives, kills, stops           int
	early                         int // starts with calls at their first moment
	acknowledged, cutOff, refused int
	ready                         []time.Duration
}

// count adds what the callers have done since the last time.
func (f *figures) count(callers map[string]*caller) {
	for _, c := range callers {
		f.acknowledged += c.calls
		f.refused += len(c.refused)
		if c.cutOff != nil {
			f.cutOff++
		}
		c.logRefusals()
		c.calls, c.refused = 0, nil
	}
}

func (f *figures) print(w io.Writer) {
	fmt.Fprintf(w, "killed %d times, stopped %d times, called at the first moment %d times\n", f.kills, f.stops, f.early)
	fmt.Fprintf(w, "calls: %d acknowledged, %d cut off, %d refused\n", f.acknowledged, f.cutOff, f.refused)
	if n := len(f.ready); n > 0 {
		slices.Sort(f.ready)
		fmt.Fprintf(w, "start to ready: p50 %v, most %v\n", f.ready[n/2].Round(time.Millisecond), f.ready[n-1].Round(time.Millisecond))
	}
}
