package history

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	aas "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"

	"flyball/internal/duration"
	"flyball/internal/fit"
	"flyball/internal/trace"
	"flyball/scaling"
)

// A Source is where a service's metrics are read from. The SDK's clients meet it.
type Source struct {
	AutoScaling   aas.DescribeScalingPoliciesAPIClient
	CloudWatch    cloudwatch.GetMetricDataAPIClient
	ECS           ECS
	LoadBalancing elb.DescribeTargetGroupsAPIClient
}

// ECS has the service, its tasks and their definition.
type ECS interface {
	ecs.DescribeServicesAPIClient
	ecs.ListTasksAPIClient
	ecs.DescribeTasksAPIClient
	DescribeTaskDefinition(context.Context, *ecs.DescribeTaskDefinitionInput, ...func(*ecs.Options)) (*ecs.DescribeTaskDefinitionOutput, error)
}

// A Window is the time that is read, in steps.
type Window struct {
	From, To time.Time
	Step     time.Duration
}

// Last is the window of some time until now, in the shortest steps that CloudWatch keeps so long
// ("Metrics retention").
func Last(now time.Time, length time.Duration) Window {
	w := Window{Step: time.Hour}
	switch {
	case length <= 15*24*time.Hour:
		w.Step = time.Minute
	case length <= 63*24*time.Hour:
		w.Step = 5 * time.Minute
	}
	// A step that has not ended is left out.
	w.To = now.UTC().Truncate(w.Step)
	w.From = w.To.Add(-length).Truncate(w.Step)
	return w
}

// Fetched is what is read of a service.
type Fetched struct {
	History fit.History
	Task    fit.Task
	Workers bool
	Notes   []string
}

// Fetch reads what CloudWatch has of a service, and what ECS tells of its tasks. With a queue, or where its
// policies watch one, it is a service of workers.
func Fetch(ctx context.Context, s Source, service scaling.ResourceID, w Window, queue string) (Fetched, error) {
	f := fetcher{Source: s, window: w, queue: queue}
	f.cluster, f.name = service.Service()
	if err := f.describe(ctx, service); err != nil {
		return Fetched{}, err
	}
	out := Fetched{Workers: f.queue != "", Task: f.task}
	out.History.Step = w.Step
	if err := f.read(ctx); err != nil {
		return out, err
	}
	err := f.fill(&out)
	if err != nil {
		return out, err
	}
	if out.History.Starts, err = f.starts(ctx); err != nil {
		return out, err
	}
	out.History.Drains, err = f.drains(ctx)
	return out, err
}

// Tasks is how large a task of a service is, and how long those that there are took to start.
func Tasks(ctx context.Context, s Source, service scaling.ResourceID) (fit.Task, []time.Duration, error) {
	f := fetcher{Source: s}
	f.cluster, f.name = service.Service()
	found, err := f.service(ctx)
	if err != nil {
		return fit.Task{}, nil, err
	}
	if err := f.describeTask(ctx, found); err != nil {
		return fit.Task{}, nil, err
	}
	starts, err := f.starts(ctx)
	return f.task, starts, err
}

// Traffic reads the requests of a service's target groups, or the messages sent to its queue, as a file of
// them would be read.
func Traffic(ctx context.Context, s Source, service scaling.ResourceID, w Window, queue string, o trace.Options) (trace.Trace, error) {
	f := fetcher{Source: s, window: w, queue: queue}
	f.cluster, f.name = service.Service()
	if err := f.describe(ctx, service); err != nil {
		return trace.Trace{}, err
	}
	if len(f.groups) == 0 && f.queue == "" {
		return trace.Trace{}, fmt.Errorf("service %s has no target group of an Application Load Balancer, and no policy on a queue: nothing counts what it serves. Name its queue with --queue, or give a file with --traffic", f.name)
	}
	wanted := f.queries()
	maps.DeleteFunc(wanted, func(id string, _ query) bool { return !strings.HasPrefix(id, "requests") && id != "sent" })
	if err := f.values(ctx, wanted); err != nil {
		return trace.Trace{}, err
	}
	sum := map[time.Time]float64{}
	for _, id := range slices.Sorted(maps.Keys(wanted)) {
		for at, v := range f.found[id] {
			sum[at] += v
		}
	}
	return f.trace(sum, o)
}

// trace makes a trace of what was counted.
func (f *fetcher) trace(sum map[time.Time]float64, o trace.Options) (trace.Trace, error) {
	if len(sum) == 0 {
		return trace.Trace{}, fmt.Errorf("CloudWatch has no requests of service %s from %s to %s; ask for another time with --last", f.name, f.window.From.Format(time.RFC3339), f.window.To.Format(time.RFC3339))
	}
	times := slices.SortedFunc(maps.Keys(sum), time.Time.Compare)
	values := make([]float64, len(times))
	for i, at := range times {
		values[i] = sum[at]
	}
	o.Kind = trace.Counts
	t, err := trace.Of("requests", times, values, f.window.Step, o)
	first, end := times[0], times[len(times)-1].Add(f.window.Step)
	if out := first.Sub(f.window.From) + f.window.To.Sub(end); err == nil && out > f.window.Step {
		t.Notes = append(t.Notes, fmt.Sprintf("Nothing was counted before %s and after %s: %s of the time that was asked for is left out, and so is what its tasks cost.",
			first.Format(time.RFC3339), end.Format(time.RFC3339), duration.String(out)))
	}
	return t, err
}

// A fetcher is what is read of a service.
type fetcher struct {
	Source
	window        Window
	cluster, name string
	queue         string
	groups        []group
	running       int
	task          fit.Task
	found         map[string]map[time.Time]float64
}
