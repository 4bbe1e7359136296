package metric

import "time"

// A Set stands for any number of datapoints of one period. The zero Set is
// empty. Next to the fields that it shows, it keeps what percentiles are read
// from; a plain copy shares that, Clone does not.
type Set struct {
	Count, Sum, Min, Max float64
}

// Add adds a value that was measured count times. Count must be positive.
func (s *Set) Add(value, count float64) {
	s.Merge(Set{Count: count, Sum: value * count, Min: value, Max: value})
}

// AddValues adds values[i] counts[i] times each; with nil counts, once each.
func (s *Set) AddValues(values, counts []float64) {
	for i, v := range values {
		n := 1.0
		if counts != nil {
			n = counts[i]
		}
		s.Add(v, n)
	}
}

// AddStatistics adds a statistic set that was aggregated elsewhere. Percentiles
// are then no longer known, unless all its values are the same.
func (s *Set) AddStatistics(count, sum, min, max float64) {
	s.Merge(Set{Count: count, Sum: sum, Min: min, Max: max})
}

// Merge adds all datapoints of another set, which stays as it is.
func (s *Set) Merge(o Set) {
	if o.Count == 0 {
		return
	}
	if s.Count == 0 {
		*s = o
		return
	}
	s.Count += o.Count
	s.Sum += o.Sum
	s.Min = min(s.Min, o.Min)
	s.Max = max(s.Max, o.Max)
}

// Value reads a statistic. It is false for an empty set, and for a statistic
// that needs more than the set knows: percentiles of statistic sets.
func (s *Set) Value(stat Statistic) (float64, bool) {
	if s.Count == 0 {
		return 0, false
	}
	switch stat.kind {
	case sampleCount:
		return s.Count, true
	case sum:
		return s.Sum, true
	case average:
		return s.Sum / s.Count, true
	case minimum:
		return s.Min, true
	case maximum:
		return s.Max, true
	}
	return s.Max, s.Min == s.Max
}

// A Sample is a measurement on its way into a metric: one statistic set at one
// moment.
type Sample struct {
	Metric     ID
	Time       time.Time
	Unit       string        // one of Units; "" is None
	Resolution time.Duration // one minute, or one second for high resolution; 0 is one minute
	Set        Set
}
