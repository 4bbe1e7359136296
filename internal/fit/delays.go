package fit

import (
	"cmp"
	"math"
	"time"

	"flyball/internal/duration"
)

// estimateDelays finds how long tasks take to start, until they get requests, and to go.
func (m *Model) estimateDelays(h History) {
	m.estimateStart(h)
	m.estimateHealthCheck(h)
	m.estimateDrain(h)
}

// estimateStart finds how long tasks take to start: by single tasks whose times are known, or by
// how far the running tasks are behind the desired ones.
func (m *Model) estimateStart(h History) {
	if len(h.Starts) > 1 {
		m.timesOf(Start, StartSpread, h.Starts, cmp.Or(h.Faster, 1))
		return
	}
	if h.Tasks == nil || h.Desired == nil {
		m.miss(Start, "desired and running tasks tell it together, where the service scales out")
		return
	}
	m.lagOf(Start, h, h.Desired, h.Tasks, "the service never scales out in this time", "tasks that are desired run after")
}

// estimateHealthCheck finds how long tasks run before they get requests, by how far those that get
// some are behind those that run.
func (m *Model) estimateHealthCheck(h History) {
	if h.Tasks == nil || h.Serving == nil {
		m.miss(HealthCheck, "running and healthy tasks tell it together, where the service scales out")
		return
	}
	m.lagOf(HealthCheck, h, h.Tasks, h.Serving, "no task begins to run in this time", "tasks that run get requests after")
}

// estimateDrain finds how long tasks live on that are told to stop: by single tasks, or by how far
// those that live are behind those that run.
func (m *Model) estimateDrain(h History) {
	if len(h.Drains) > 1 {
		m.timesOf(Drain, "", h.Drains, cmp.Or(h.Faster, 1))
		return
	}
	if h.Tasks == nil || h.Living == nil {
		m.miss(Drain, "tasks that have been stopped tell it, or running and living tasks together, where the service scales in")
		return
	}
	m.lagOf(Drain, h, negative(h.Tasks), negative(h.Living), "the service never scales in in this time", "tasks that are stopped are gone after")
}

// negative has less be more.
func negative(values []float64) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = -v
	}
	return out
}

// lagOf is how long one number of tasks takes to follow another one up.
func (m *Model) lagOf(name string, h History, leads, follows []float64, never, after string) {
	rises := h.rises(leads, follows)
	if len(rises) == 0 {
		m.miss(name, "%s", never)
		return
	}
	sum, tasks := 0.0, 0.0
	for _, r := range rises {
		sum, tasks = sum+r.behind, tasks+r.tasks
	}
	at := sum / tasks
	// A count at the end of a step says nothing of the step before, and what scales acts at the same moment of
	// each: so the mean of many rises is no surer than one of them, and known within a step.
	within := h.seconds()
	if at < within/4 {
		m.miss(name, "%s %s at most, and steps of %s tell no more", after, Seconds.text(at+within), duration.String(h.Step))
		return
	}
	m.add(name, Seconds, interval{at, at - within, at + within}.notNegative())
}

// timesOf is the mean of times, and their standard deviation if that has a name.
func (m *Model) timesOf(name, spread string, times []time.Duration, faster float64) {
	n, sum, squares := float64(len(times)), 0.0, 0.0
	for _, t := range times {
		sum += t.Seconds() / faster
	}
	average := sum / n
	for _, t := range times {
		squares += (t.Seconds()/faster - average) * (t.Seconds()/faster - average)
	}
	deviation := math.Sqrt(squares / (n - 1))
	half := student(n-1) * deviation / math.Sqrt(n)
	m.add(name, Seconds, interval{average, average - half, average + half}.notNegative())
	if n >= fewSteps && spread != "" {
		// Of normal times, the standard error of the deviation is this one.
		half = student(n-1) * deviation / math.Sqrt(2*(n-1))
		m.add(spread, Seconds, interval{deviation, deviation - half, deviation + half}.notNegative())
	}
}

// A rise is a time in which tasks are added, until they are there.
type rise struct {
	tasks  float64 // that were added
	behind float64 // seconds of tasks that were to be there and were not
}

// rises are those that come to an end: before and after, both numbers are the same.
func (h *History) rises(leads, follows []float64) []rise {
	var all []rise
	var r rise
	under := false
	for i := 1; i < min(len(follows), len(leads)); i++ {
		lack := leads[i] - follows[i]
		if math.IsNaN(lack) || math.IsNaN(leads[i-1]) {
			r, under = rise{}, false
			continue
		}
		if added := leads[i] - leads[i-1]; added > 0 && (under || follows[i-1] == leads[i-1]) {
			r.tasks, under = r.tasks+added, true
		} else if added < 0 {
			r, under = rise{}, false
		}
		if !under {
			continue
		}
		if lack <= 0 {
			all = append(all, r)
			r, under = rise{}, false
			continue
		}
		r.behind += lack * h.seconds()
	}
	return all
}
