package fit

import (
	"cmp"
	"math"
	"time"
)

// estimateStart finds how long tasks take to start: by single tasks whose times are known, or by
// how far the running tasks are behind the desired ones.
func (m *Model) estimateStart(h History) {
	if len(h.Starts) > 1 {
		m.startsOf(h.Starts, cmp.Or(h.Faster, 1))
		return
	}
	if h.Tasks == nil || h.Desired == nil {
		m.miss(Start, "desired and running tasks tell it together, where the service scales out")
		return
	}
	rises := h.rises()
	if len(rises) == 0 {
		m.miss(Start, "the service never scales out in this time")
		return
	}
	sum, tasks := 0.0, 0.0
	for _, r := range rises {
		sum, tasks = sum+r.behind, tasks+r.tasks
	}
	at := sum / tasks
	// A count at the end of a step says nothing of the step before: each rise is known within one.
	within := h.seconds()
	if at < within {
		m.miss(Start, "tasks that are desired run after %s at most, and steps of %s tell no more", Seconds.text(at+within), brief(h.Step))
		return
	}
	m.add(Start, Seconds, interval{at, at - within, at + within})
}

// startsOf is the mean of times, and their standard deviation.
func (m *Model) startsOf(starts []time.Duration, faster float64) {
	n, sum, squares := float64(len(starts)), 0.0, 0.0
	for _, s := range starts {
		sum += s.Seconds() / faster
	}
	average := sum / n
	for _, s := range starts {
		squares += (s.Seconds()/faster - average) * (s.Seconds()/faster - average)
	}
	deviation := math.Sqrt(squares / (n - 1))
	half := student(n-1) * deviation / math.Sqrt(n)
	m.add(Start, Seconds, interval{average, average - half, average + half}.notNegative())
	if n >= fewSteps {
		// Of normal times, the standard error of the deviation is this one.
		half = student(n-1) * deviation / math.Sqrt(2*(n-1))
		m.add(StartSpread, Seconds, interval{deviation, deviation - half, deviation + half}.notNegative())
	}
}

// A rise is a time in which tasks are added, until they run.
type rise struct {
	tasks  float64 // that were added
	behind float64 // seconds of tasks that were desired and did not run
}

// rises are those that come to an end: before and after, all desired tasks run.
func (h *History) rises() []rise {
	var all []rise
	var r rise
	under := false
	for i := 1; i < min(len(h.Tasks), len(h.Desired)); i++ {
		lack := h.Desired[i] - h.Tasks[i]
		if math.IsNaN(lack) || math.IsNaN(h.Desired[i-1]) {
			r, under = rise{}, false
			continue
		}
		if added := h.Desired[i] - h.Desired[i-1]; added > 0 && (under || h.Tasks[i-1] == h.Desired[i-1]) {
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
