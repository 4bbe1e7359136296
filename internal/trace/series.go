package trace

import "time"

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
	return p.trace(o)
}
