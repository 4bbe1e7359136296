package load

import (
	"strconv"
	"time"

	"github.com/DataDog/sketches-go/ddsketch"
)

// Latency is how long answers took, to within one percent.
type Latency struct {
	P50, P90, P95, P99, P999, Max time.Duration // P999 is that of 99.9 %
}

// A Histogram is how long answers took, one bucket for each length to within one
// percent, in order. Histograms of several seconds can be added up, which percentiles
// can not.
type Histogram []Bucket

// A Bucket counts the answers of one length.
type Bucket struct {
	Seconds float64
	Count   float64
}

// Latency is that of the answers in several histograms together.
func (h Histogram) Latency(more ...Histogram) Latency {
	s := newSketch()
	for _, h := range append(more, h) {
		for _, b := range h {
			_ = s.AddWithCount(b.Seconds, b.Count) // what cannot be counted is left out
		}
	}
	return s.latency()
}

// A sketch counts how long answers took in bounded memory.
type sketch struct{ *ddsketch.DDSketch }

// newSketch has room for 1 % steps from a microsecond to an hour.
func newSketch() sketch {
	s, err := ddsketch.LogCollapsingLowestDenseDDSketch(0.01, 1200)
	if err != nil {
		panic(err) // the accuracy is one it takes
	}
	return sketch{s}
}

func (s sketch) add(took time.Duration) {
	_ = s.Add(max(took, time.Microsecond).Seconds()) // any duration can be counted
}

func (s sketch) latency() Latency {
	values, err := s.GetValuesAtQuantiles([]float64{0.5, 0.9, 0.95, 0.99, 0.999, 1})
	if err != nil {
		return Latency{} // nothing was counted
	}
	seconds := func(v float64) time.Duration { return time.Duration(v * float64(time.Second)) }
	return Latency{P50: seconds(values[0]), P90: seconds(values[1]), P95: seconds(values[2]), P99: seconds(values[3]), P999: seconds(values[4]), Max: seconds(values[5])}
}

func (s sketch) histogram() Histogram {
	var h Histogram
	s.GetPositiveValueStore().ForEach(func(index int, count float64) bool {
		h = append(h, Bucket{rounded(s.Value(index)), count})
		return false
	})
	return h
}

// rounded leaves four digits, which is finer than the buckets are wide.
func rounded(v float64) float64 {
	v, _ = strconv.ParseFloat(strconv.FormatFloat(v, 'g', 4, 64), 64)
	return v
}
