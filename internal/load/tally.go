package load

import (
	"sync"
	"time"

	"github.com/DataDog/sketches-go/ddsketch"
)

// Latency is how long answers took, to within one percent.
type Latency struct {
	P50, P90, P95, P99, Max time.Duration
}

// A tally counts requests.
type tally struct {
	mu       sync.Mutex
	requests int
	errors   int
	err      error
	latency  *ddsketch.DDSketch // seconds
}

func newTally() *tally { return &tally{latency: newSketch()} }

// newSketch has room for 1 % steps from a microsecond to an hour.
func newSketch() *ddsketch.DDSketch {
	sketch, err := ddsketch.LogCollapsingLowestDenseDDSketch(0.01, 1200)
	if err != nil {
		panic(err) // the accuracy is one it takes
	}
	return sketch
}

func (t *tally) add(took time.Duration, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.requests++
	if err != nil {
		t.errors++
		t.err = err
		return
	}
	_ = t.latency.Add(max(took, time.Microsecond).Seconds()) // any duration can be counted
}

// reset empties the tally and returns what was in it.
func (t *tally) reset() *tally {
	t.mu.Lock()
	defer t.mu.Unlock()
	done := &tally{requests: t.requests, errors: t.errors, err: t.err, latency: t.latency}
	t.requests, t.errors, t.err, t.latency = 0, 0, nil, newSketch()
	return done
}

// merge adds what nobody else counts in any more.
func (t *tally) merge(done *tally) {
	t.requests += done.requests
	t.errors += done.errors
	if done.err != nil {
		t.err = done.err
	}
	_ = t.latency.MergeWith(done.latency) // they are of one kind
}

func (t *tally) summary(elapsed time.Duration) Summary {
	s := Summary{Elapsed: elapsed, Requests: t.requests, Errors: t.errors, Latency: latencyOf(t.latency)}
	if t.err != nil {
		s.Err = t.err.Error()
	}
	return s
}

func latencyOf(sketch *ddsketch.DDSketch) Latency {
	values, err := sketch.GetValuesAtQuantiles([]float64{0.5, 0.9, 0.95, 0.99, 1})
	if err != nil {
		return Latency{} // nothing was counted
	}
	seconds := func(v float64) time.Duration { return time.Duration(v * float64(time.Second)) }
	return Latency{P50: seconds(values[0]), P90: seconds(values[1]), P95: seconds(values[2]), P99: seconds(values[3]), Max: seconds(values[4])}
}
