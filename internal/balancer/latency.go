package balancer

import (
	"math/bits"
	"sync/atomic"
	"time"

	"flyball/metric"
)

// A latency is a distribution of durations to which any number of requests add at the
// same time without a lock. Each power of two of microseconds is split into 32 bins, so
// that a percentile is within 2 %.
type latency struct {
	bins [bins]atomic.Uint32
	sum  atomic.Int64 // in nanoseconds, so that the average is exact
}

const (
	splitBits = 5
	split     = 1 << splitBits
	octaves   = 28 // up to 2^(28+5) microseconds, which is over two hours
	bins      = (octaves + 1) * split
)

func (l *latency) add(d time.Duration) {
	d = max(d, 0)
	l.sum.Add(int64(d))
	l.bins[binOf(d)].Add(1)
}

// binOf returns the bin of a duration: the first bins are a microsecond each.
func binOf(d time.Duration) int {
	us := uint64(d / time.Microsecond)
	if us < split {
		return int(us)
	}
	shift := bits.Len64(us) - splitBits - 1
	return min(shift*split+int(us>>shift), bins-1)
}

// middle is the duration in the middle of a bin, in seconds.
func middle(bin int) float64 {
	if bin < split {
		return (float64(bin) + 0.5) / 1e6
	}
	shift := bin/split - 1
	return (float64(bin%split+split) + 0.5) * float64(uint64(1)<<shift) / 1e6
}

// take returns what was added as a statistic set, and begins anew.
func (l *latency) take() metric.Set {
	var set metric.Set
	for i := range l.bins {
		if l.bins[i].Load() == 0 {
			continue
		}
		set.Add(middle(i), float64(l.bins[i].Swap(0)))
	}
	if sum := l.sum.Swap(0); set.Count > 0 {
		set.Sum = time.Duration(sum).Seconds()
	}
	return set
}
