package console

import (
	"context"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"

	"flyball/internal/client"
	"flyball/internal/report"
	"flyball/internal/whatif"
)

// readPast reads what was measured of a service, minute by minute.
func readPast(v *visit, cluster, service string, w window) (whatif.Past, error) {
	w.From = w.From.Truncate(time.Minute)
	run, err := readRun(v, cluster, service, w)
	if err != nil {
		return whatif.Past{}, err
	}
	past := whatif.Past{Start: w.From, VCPU: 1}
	if past.VCPU, past.TaskTime, err = taskModel(v.r.Context(), v.Client, cluster, service); err != nil {
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

// taskModel is how many processors a task of a service has, and how long the running ones took to start.
func taskModel(ctx context.Context, c *client.Client, cluster, service string) (vcpu float64, start time.Duration, err error) {
	list, err := c.ECS.ListTasks(ctx, &ecs.ListTasksInput{Cluster: &cluster, ServiceName: &service, MaxResults: aws.Int32(mostShown)})
	if err != nil || len(list.TaskArns) == 0 {
		return 1, 0, err
	}
	out, err := c.ECS.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: &cluster, Tasks: list.TaskArns})
	if err != nil {
		return 1, 0, err
	}
	vcpu = 1
	var times []time.Duration
	for _, t := range out.Tasks {
		if units, err := strconv.ParseFloat(aws.ToString(t.Cpu), 64); err == nil && units > 0 {
			vcpu = units / 1024
		}
		if t.StartedAt != nil && t.CreatedAt != nil {
			times = append(times, t.StartedAt.Sub(*t.CreatedAt))
		}
	}
	if len(times) > 0 {
		slices.Sort(times)
		start = min(max(times[len(times)/2], 0), longestStart)
	}
	return vcpu, start, nil
}
