package console

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	scalingtypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/governor"
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
	memory, err := seriesOf(v.r.Context(), v.Client, []types.MetricDataQuery{ofTasks("memory", cluster, service, "MemoryUtilization", "Average", time.Minute)}, w.From, w.To)
	if err != nil {
		return past, err
	}
	cpu, used, running, requests := byMinute(run.CPU), byMinute(asPoints(memory["memory"])), byMinute(run.Running), byMinute(run.Balancer.Requests)
	end := w.To.Truncate(time.Minute)
	for at := w.From; at.Before(end); at = at.Add(time.Minute) {
		past.Minutes = append(past.Minutes, whatif.Minute{
			CPU: valueAt(cpu, at), Memory: valueAt(used, at), Running: valueAt(running, at), Requests: valueAt(requests, at), Desired: before(run.Desired, at.Add(time.Minute)),
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

// ofTasks asks for a metric of the tasks of a service.
func ofTasks(id, cluster, service, name, statistic string, period time.Duration) types.MetricDataQuery {
	return types.MetricDataQuery{Id: &id, MetricStat: &types.MetricStat{
		Period: aws.Int32(int32(period.Seconds())), Stat: &statistic,
		Metric: &types.Metric{Namespace: aws.String("AWS/ECS"), MetricName: &name, Dimensions: []types.Dimension{
			{Name: aws.String("ClusterName"), Value: &cluster}, {Name: aws.String("ServiceName"), Value: &service},
		}},
	}}
}

// forecasts reports whether one of some policies does.
func forecasts(policies []scalingtypes.ScalingPolicy) bool {
	return slices.ContainsFunc(policies, func(p scalingtypes.ScalingPolicy) bool { return p.PredictiveScalingPolicyConfiguration != nil })
}

// readHours reads the hours of a service before a time, as many as are forecast from. Label names its
// target group, if it has one.
func readHours(v *visit, cluster, service, label string, before time.Time) ([]whatif.Hour, error) {
	queries := []types.MetricDataQuery{
		ofTasks("cpu", cluster, service, "CPUUtilization", "Average", time.Hour), ofTasks("tasks", cluster, service, "CPUUtilization", "SampleCount", time.Hour),
		ofTasks("memory", cluster, service, "MemoryUtilization", "Average", time.Hour),
	}
	if balancer, group, is := strings.Cut(label, "/targetgroup/"); is {
		q := requestsOf("requests", ":targetgroup/"+group, ":loadbalancer/"+balancer)
		q.MetricStat.Period = aws.Int32(3600)
		queries = append(queries, q)
	}
	end := before.UTC().Truncate(time.Hour)
	begin := end.Add(-governor.HistoryHours * time.Hour)
	found, err := seriesOf(v.r.Context(), v.Client, queries, begin, end)
	return hoursOf(found, begin, end), err
}

// hoursOf are the hours from the first one with a datapoint on.
func hoursOf(found map[string][]datapoint, begin, end time.Time) (hours []whatif.Hour) {
	values := map[string]map[time.Time]float64{}
	for id, points := range found {
		values[id] = map[time.Time]float64{}
		for _, p := range points {
			values[id][p.at.UTC()] = p.value
		}
	}
	value := func(id string, at time.Time) float64 {
		if v, ok := values[id][at]; ok {
			return v
		}
		return math.NaN()
	}
	for at := begin.UTC(); at.Before(end); at = at.Add(time.Hour) {
		h := whatif.Hour{CPU: value("cpu", at), Memory: value("memory", at), Tasks: value("tasks", at) / 60, Requests: value("requests", at)}
		if len(hours) == 0 && math.IsNaN(h.CPU) && math.IsNaN(h.Requests) {
			continue
		}
		if len(found["requests"]) > 0 {
			h.Requests = known(h.Requests) // no datapoint is that there were none
		}
		hours = append(hours, h)
	}
	return hours
}

// known is a value, 0 where there is none.
func known(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return v
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
