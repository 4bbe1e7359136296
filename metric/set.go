package metric

// A Set stands for any number of datapoints of one period. The zero Set is
// empty. Beyond the four fields it keeps a distribution for percentiles, unless
// the fields tell all: when every value is the same.
//
// A plain copy shares the distribution. Clone a set before both copies grow.
type Set struct {
	Count, Sum, Min, Max float64

	// dist is nil when all values are the same, and when it is not known: for
	// statistic sets, and as soon as a value is negative, for which CloudWatch
	// has no percentiles (API reference, "GetMetricStatistics").
	dist *distribution
}

// Add adds a value that was measured count times. Count must be positive, and
// neither may be infinite or NaN.
func (s *Set) Add(value, count float64) {
	switch {
	case s.Count == 0:
		*s = Set{Count: count, Sum: value * count, Min: value, Max: value}
		return
	case s.dist != nil && value >= 0:
		s.dist.add(value, count)
	case value == s.Min && value == s.Max:
		// Still one value.
	case s.Min == s.Max && s.Min >= 0 && value >= 0:
		s.dist = newDistribution(s.Min, s.Count)
		s.dist.add(value, count)
	default:
		s.dist = nil
	}
	s.Count += count
	s.Sum += value * count
	s.Min = min(s.Min, value)
	s.Max = max(s.Max, value)
}

// AddValues adds values[i] counts[i] times each, or once each when there are no
// counts. A count may be 0; else the same rules as for Add hold.
func (s *Set) AddValues(values, counts []float64) {
	known := s.dist
	for i, v := range values {
		count := 1.0
		if len(counts) > 0 {
			count = counts[i]
		}
		if count > 0 {
			s.Add(v, count)
		}
		if known == nil && s.dist != nil {
			known = s.dist
			known.grow(len(values) - i)
		}
	}
}

// AddStatistics adds datapoints that were aggregated elsewhere, so that their
// distribution is not known, unless all values are the same. Count must be
// positive, and min at most max.
func (s *Set) AddStatistics(count, sum, min, max float64) {
	s.Merge(Set{Count: count, Sum: sum, Min: min, Max: max})
}

// Merge adds all datapoints of another set, which stays as it is.
func (s *Set) Merge(o Set) {
	switch {
	case o.Count == 0:
		return
	case s.Count == 0:
		*s = o.Clone()
		return
	case o.Min == o.Max:
		sum := s.Sum + o.Sum
		s.Add(o.Min, o.Count)
		s.Sum = sum // of a statistic set with rounded members, maybe not min * count
		return
	case o.dist == nil || s.Min < 0:
		s.dist = nil
	case s.dist != nil:
		s.dist.merge(o.dist)
	case s.Min == s.Max:
		s.dist = o.dist.clone()
		s.dist.add(s.Min, s.Count)
	}
	s.Count += o.Count
	s.Sum += o.Sum
	s.Min = min(s.Min, o.Min)
	s.Max = max(s.Max, o.Max)
}

// MergeTotals is Merge for those who read SampleCount, Sum, Average, Minimum and
// Maximum only. It is faster, and leaves the distribution unknown.
func (s *Set) MergeTotals(o Set) {
	if o.Count == 0 {
		return
	}
	o.dist = nil
	if s.Count == 0 {
		*s = o
		return
	}
	s.dist = nil
	s.Count += o.Count
	s.Sum += o.Sum
	s.Min = min(s.Min, o.Min)
	s.Max = max(s.Max, o.Max)
}

// Clone returns a copy that shares nothing with the set.
func (s Set) Clone() Set {
	if s.dist != nil {
		s.dist = s.dist.clone()
	}
	return s
}

// Value reads a statistic. It is false for an empty set, and for a statistic
// that needs more than the set knows: the values of a statistic set, say.
//
// Percentiles are by nearest rank: p50 of 1, 2, 3, 4 is 2. Percentages of
// datapoints split a datapoint that lies on the border: tm50 of 1, 2, 3 is the
// mean of 1 and half of 2. Past 32 different values, extended statistics are
// within 1 % of the exact values.
func (s Set) Value(stat Statistic) (float64, bool) {
	if s.Count == 0 {
		return 0, false
	}
	switch stat.kind {
	case none:
		return 0, false
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
	if s.Min < 0 || s.dist == nil && s.Min != s.Max {
		return 0, false
	}
	return s.extended(stat)
}
