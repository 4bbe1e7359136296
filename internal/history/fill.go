package history

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"flyball/internal/fit"
)

// ErrNoMetrics is the error of a service of which CloudWatch has nothing.
var ErrNoMetrics = errors.New("CloudWatch has no metrics of the service in this time")

// fill makes a history of what was read.
func (f *fetcher) fill(out *Fetched) error {
	from, to := f.bounds()
	if from.IsZero() {
		return ErrNoMetrics
	}
	h := &out.History
	h.Start = from
	h.CPU, h.Memory = f.series("cpu", from, to), f.series("memory", from, to)
	h.Desired = f.series("desired", from, to)
	// Tasks that are told to stop are measured until they are gone, and no longer count as running.
	h.Tasks, h.Living = f.series("running", from, to), f.tasksBySamples(f.series("counted", from, to))
	if h.Tasks == nil {
		h.Tasks, h.Living = h.Living, nil
	}
	if len(f.groups) == 1 { // of several, a task may be in each or in one
		h.Serving = f.series("healthy0", from, to)
	}
	if f.queue != "" {
		h.Requests = withNone(f.series("sent", from, to), h.CPU)
		h.Done = withNone(f.series("deleted", from, to), h.CPU)
		h.Waiting, h.InHand = f.series("visible", from, to), f.series("hand", from, to)
		return nil
	}
	f.fillRequests(h, from, to)
	return nil
}

// fillRequests adds the requests of target groups up, and weighs their latency by them.
func (f *fetcher) fillRequests(h *fit.History, from, to time.Time) {
	for g := range f.groups {
		requests := f.series(fmt.Sprintf("requests%d", g), from, to)
		if requests == nil {
			continue
		}
		h.Latency = weighted(h.Latency, h.Requests, f.series(fmt.Sprintf("latency%d", g), from, to), requests)
		h.P95 = weighted(h.P95, h.Requests, f.series(fmt.Sprintf("late%d", g), from, to), requests)
		h.Requests = added(h.Requests, requests)
	}
	h.Requests = withNone(h.Requests, h.CPU)
}

// added is the sum of what is known.
func added(a, b []float64) []float64 {
	if a == nil {
		return b
	}
	for i, v := range b {
		switch {
		case math.IsNaN(a[i]):
			a[i] = v
		case !math.IsNaN(v):
			a[i] += v
		}
	}
	return a
}

// weighted is the mean of two series by what each counts.
func weighted(a, countA, b, countB []float64) []float64 {
	if a == nil || b == nil {
		if a == nil {
			return b
		}
		return a
	}
	for i := range a {
		switch {
		case math.IsNaN(a[i]):
			a[i] = b[i]
		case !math.IsNaN(b[i]):
			a[i] = (a[i]*countA[i] + b[i]*countB[i]) / (countA[i] + countB[i])
		}
	}
	return a
}

// withNone has counts that are not there be none where the service was measured.
func withNone(counts, measured []float64) []float64 {
	for i := range counts {
		if math.IsNaN(counts[i]) && i < len(measured) && !math.IsNaN(measured[i]) {
			counts[i] = 0
		}
	}
	return counts
}

// tasksBySamples finds the running tasks by how many samples of utilization there are: a task
// makes one a minute ("Service RUNNING task count", of "Use cases for ECS CloudWatch metrics"), and
// more with metrics of less than a minute.
func (f *fetcher) tasksBySamples(counted []float64) []float64 {
	each := f.window.Step.Minutes()
	last := math.NaN()
	for _, v := range slices.Backward(counted) {
		if !math.IsNaN(v) {
			last = v / each
			break
		}
	}
	if f.running > 0 {
		times := last / float64(f.running)
		whole := func(v float64) bool { return math.IsNaN(v) || math.Mod(v, each*times) == 0 }
		if times > 1 && times == math.Trunc(times) && !slices.ContainsFunc(counted, func(v float64) bool { return !whole(v) }) {
			each *= times
		}
	}
	for i := range counted {
		counted[i] /= each
	}
	return counted
}
