package simulation

import (
	"fmt"
	"iter"
	"math"
	"time"

	"flyball/sim"
)

// someMonday is when traffic begins that has no times.
var someMonday = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)

// Minutes is traffic of the past, of which the requests of each minute are given, from the
// minute on that it begins in; they are read as often as the traffic is. NaN is a minute without any.
func Minutes(begins time.Time, requests iter.Seq[float64]) (start time.Time, traffic sim.Traffic, err error) {
	minute := 0
	for v := range requests {
		if minute++; v < 0 || math.IsInf(v, 0) {
			at := ""
			if !begins.IsZero() {
				at = ", " + begins.UTC().Add(time.Duration(minute-1)*time.Minute).Format(time.RFC3339) + ","
			}
			return start, nil, fmt.Errorf("minute %d%s has %v requests, and there must be 0 or more; leave its row out, or name another column with --column", minute, at, v)
		}
	}
	start = begins.UTC().Truncate(time.Minute)
	if begins.IsZero() {
		start = someMonday
	}
	return start, func(yield func(sim.Minute) bool) {
		for v := range requests {
			if math.IsNaN(v) {
				v = 0
			}
			if !yield(sim.Minute{Requests: v}) {
				return
			}
		}
	}, nil
}
