package console

import (
	"cmp"
	"math"
	"slices"
	"time"

	"flyball/internal/history"
	"flyball/internal/report"
	"flyball/internal/whatif"
	"flyball/scaling"
)

// readPast reads what was measured of a service, minute by minute.
func readPast(v *visit, cluster, service string, w window) (whatif.Past, error) {
	w.From = w.From.Truncate(time.Minute)
	run, err := readRun(v, cluster, service, w)
	if err != nil {
		return whatif.Past{}, err
	}
	past := whatif.Past{Start: w.From}
	if err := v.readTasks(&past, cluster, service); err != nil {
		return past, err
	}
	cpu, running, requests := byMinute(run.CPU), byMinute(run.Running), byMinute(run.Balancer.Requests)
	end := w.To.Truncate(time.Minute)
	for at := w.From; at.Before(end); at = at.Add(time.Minute) {
		past.Minutes = append(past.Minutes, whatif.Minute{
			CPU: valueAt(cpu, at), Running: valueAt(running, at), Requests: valueAt(requests, at), Desired: before(run.Desired, at.Add(time.Minute)),
		})
	}
	// What was before the first datapoint is not known.
	first := slices.IndexFunc(past.Minutes, func(m whatif.Minute) bool { return !math.IsNaN(m.CPU) })
	if first > 0 {
		past.Start, past.Minutes = past.Start.Add(time.Duration(first)*time.Minute), past.Minutes[first:]
	}
	if first < 0 {
		past.Minutes = nil
	}
	return past, nil
}

func byMinute(points []report.Datapoint) map[int64]float64 {
	values := make(map[int64]float64, len(points))
	for _, p := range points {
		values[p.At.Unix()/60] = p.Value
	}
	return values
}

func valueAt(values map[int64]float64, at time.Time) float64 {
	if v, ok := values[at.Unix()/60]; ok {
		return v
	}
	return math.NaN()
}

// before is the value that holds before a time.
func before(points []report.Datapoint, at time.Time) (value float64) {
	for _, p := range points {
		if !p.At.Before(at) {
			break
		}
		value = p.Value
	}
	return value
}

// longestStart bounds how long a task is taken to start.
const longestStart = time.Hour

// readTasks reads how many processors a task has, one if that is not said, and how long half of the running
// ones took to start at most.
func (v *visit) readTasks(past *whatif.Past, cluster, service string) error {
	c := v.Client
	source := history.Source{AutoScaling: c.AutoScaling, CloudWatch: c.CloudWatch, ECS: c.ECS, LoadBalancing: c.LoadBalancing}
	task, starts, err := history.Tasks(v.r.Context(), source, scaling.ServiceID(cluster, service))
	past.VCPU, past.Memory = cmp.Or(task.VCPU, 1), task.Memory
	if len(starts) > 0 {
		slices.Sort(starts)
		past.TaskTime = min(starts[len(starts)/2], longestStart)
	}
	return err
}
