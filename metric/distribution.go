package metric

import (
	"math"
	"slices"

	"github.com/DataDog/sketches-go/ddsketch/mapping"
)

const (
	// exactValues is how many different values a distribution keeps as they are.
	exactValues = 32
	// maxBins bounds a distribution of rounded values: 512 bins of 1 % cover more
	// than four decades. When values spread wider, the lowest are taken together.
	maxBins = 512
	// accuracy is the relative error of a rounded value.
	accuracy = 0.01
)

// rounding maps positive values to the numbers of DDSketch's bins, and back. It
// holds constants only.
var rounding = func() *mapping.CubicallyInterpolatedMapping {
	m, err := mapping.NewCubicallyInterpolatedMapping(accuracy)
	if err != nil {
		panic(err) // the constant above is out of range
	}
	return m
}()

// A distribution tells how often which values came, none of them negative. It is
// a DDSketch whose bins are kept sparse and sorted, as most periods have few: a
// minute's 150 values take 2 KiB, where a dense store takes that for two decades.
// As long as there are few different values it does not round them.
type distribution struct {
	bins    []bin // sorted by key
	rounded bool
}

// A bin counts the datapoints of one value, or of one rounded value.
type bin struct {
	key   float64 // the value; when rounded, its bin number in DDSketch
	count float64
}

// tiny is the key of values too small for DDSketch, zero above all.
const tiny = math.MinInt32

// All other keys of rounded values lie between these.
var (
	lowestKey  = roundedKey(rounding.MinIndexableValue())
	highestKey = roundedKey(rounding.MaxIndexableValue())
)

func newDistribution(value, count float64) *distribution {
	return &distribution{bins: append(make([]bin, 0, 4), bin{value, count})}
}

func (d *distribution) clone() *distribution {
	return &distribution{bins: slices.Clone(d.bins), rounded: d.rounded}
}

func roundedKey(value float64) float64 {
	if value < rounding.MinIndexableValue() {
		return tiny
	}
	return float64(rounding.Index(min(value, rounding.MaxIndexableValue())))
}

// value is the middle of what a bin stands for.
func (d *distribution) value(b bin) float64 {
	switch {
	case !d.rounded:
		return b.key
	case b.key == tiny:
		return 0
	default:
		return rounding.Value(int(b.key))
	}
}

func (d *distribution) add(value, count float64) {
	key := value
	if d.rounded {
		key = roundedKey(value)
	}
	i := d.search(key)
	if i < len(d.bins) && d.bins[i].key == key {
		d.bins[i].count += count
		return
	}
	d.bins = slices.Insert(d.bins, i, bin{key, count})
	if !d.rounded && len(d.bins) > exactValues {
		d.round()
	}
	d.bound()
}

// bound takes the lowest values together when there are too many.
func (d *distribution) bound() {
	extra := len(d.bins) - maxBins
	if extra <= 0 {
		return
	}
	for _, b := range d.bins[:extra] {
		d.bins[extra].count += b.count
	}
	d.bins = slices.Delete(d.bins, 0, extra)
}

// grow makes room for n values more, as far as they may have bins of their own.
func (d *distribution) grow(n int) {
	d.bins = slices.Grow(d.bins, min(n, 4*exactValues))
}

// search returns the index of the first bin whose key is not less.
func (d *distribution) search(key float64) int {
	// Without a branch for the processor to guess wrong: twice as fast as the usual
	// binary search, for the one thing that costs in adding a value.
	i, left := 0, len(d.bins)
	for left > 0 {
		half := (left + 1) / 2
		if d.bins[i+half-1].key < key {
			i += half
		}
		left -= half
	}
	return i
}

// round gives up the exact values.
func (d *distribution) round() {
	d.rounded = true
	kept := d.bins[:0]
	for _, b := range d.bins {
		b.key = roundedKey(b.key)
		if n := len(kept); n > 0 && kept[n-1].key == b.key {
			kept[n-1].count += b.count
		} else {
			kept = append(kept, b)
		}
	}
	d.bins = kept
}

func (d *distribution) merge(o *distribution) {
	if !o.rounded {
		for _, b := range o.bins {
			d.add(b.key, b.count)
		}
		return
	}
	if !d.rounded {
		d.round()
	}
	i := 0
	for _, b := range o.bins {
		for i < len(d.bins) && d.bins[i].key < b.key {
			i++
		}
		if i < len(d.bins) && d.bins[i].key == b.key {
			d.bins[i].count += b.count
		} else {
			d.bins = slices.Insert(d.bins, i, b)
		}
	}
	d.bound()
}

// extended reads a statistic of the distribution, which must be known.
func (s *Set) extended(stat Statistic) (float64, bool) {
	switch stat.kind {
	case percentile:
		return s.quantile(stat.hi / 100), true
	case winsorizedMean:
		return s.winsorizedMean(stat), true
	}
	count, sum := s.between(stat)
	switch stat.kind {
	case trimmedMean:
		if count == 0 {
			return 0, false
		}
		return sum / count, true
	case trimmedCount:
		return count, true
	case trimmedSum:
		return sum, true
	case percentileRank:
		return 100 * count / s.Count, true
	}
	return 0, false
}

// each calls f for the different values, from the lowest on, until it is false.
func (s *Set) each(f func(value, count float64) bool) {
	if s.dist == nil {
		f(s.Min, s.Count)
		return
	}
	for _, b := range s.dist.bins {
		if !f(s.clamp(s.dist.value(b)), b.count) {
			return
		}
	}
}

// quantile is the lowest value that at least the part q of all datapoints does
// not exceed.
func (s *Set) quantile(q float64) float64 {
	switch q {
	case 0:
		return s.Min
	case 1:
		return s.Max
	}
	// 0.55 of 100 is 55.000000000000007 in floating point: not the 56th.
	rank := q * s.Count * (1 - 1e-12)
	if s.dist == nil {
		return s.Min
	}
	seen := 0.0
	for _, b := range s.dist.bins {
		if seen += b.count; seen >= rank {
			return s.clamp(s.dist.value(b))
		}
	}
	return s.Max
}

// clamp keeps a rounded value between the extremes, which are exact.
func (s *Set) clamp(v float64) float64 { return min(max(v, s.Min), s.Max) }

// between adds up what lies between the bounds of a statistic.
func (s *Set) between(stat Statistic) (count, sum float64) {
	if stat.loUnit == percent || stat.hiUnit == percent {
		return s.betweenRanks(stat)
	}
	s.each(func(v, n float64) bool {
		if stat.loUnit == value && v <= stat.lo {
			return true
		}
		if stat.hiUnit == value && v > stat.hi {
			return false
		}
		count += n
		sum += v * n
		return true
	})
	return count, sum
}

// betweenRanks takes of each value the part of its datapoints whose rank lies
// between the bounds.
func (s *Set) betweenRanks(stat Statistic) (count, sum float64) {
	first, last := stat.lo/100*s.Count, s.Count
	if stat.hiUnit == percent {
		last = stat.hi / 100 * s.Count
	}
	seen := 0.0
	s.each(func(v, n float64) bool {
		if part := min(seen+n, last) - max(seen, first); part > 0 {
			count += part
			sum += v * part
		}
		seen += n
		return seen < last
	})
	return count, sum
}

func (s *Set) winsorizedMean(stat Statistic) float64 {
	lo, hi := s.Min, s.Max
	switch stat.loUnit {
	case percent:
		lo = s.quantile(stat.lo / 100)
	case value:
		lo = stat.lo
	}
	switch stat.hiUnit {
	case percent:
		hi = s.quantile(stat.hi / 100)
	case value:
		hi = stat.hi
	}
	sum := 0.0
	s.each(func(v, n float64) bool {
		sum += min(max(v, lo), hi) * n
		return true
	})
	return sum / s.Count
}
