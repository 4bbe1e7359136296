package history

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	aas "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	aastypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"

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

// A Window is the time that is read.
type Window struct{ From, To time.Time }

// Last is the window of some time until now.
func Last(now time.Time, length time.Duration) Window {
	w := Window{To: now.UTC().Truncate(time.Minute)}
	w.From = w.To.Add(-length)
	p := w.period()
	w.From, w.To = w.From.Truncate(p), w.To.Truncate(p) // minutes that have not ended are of a part of them
	return w
}

// period is the finest for which CloudWatch keeps datapoints so long ("Metrics retention").
func (w Window) period() time.Duration {
	switch age := w.To.Sub(w.From); {
	case age <= 15*24*time.Hour:
		return time.Minute
	case age <= 63*24*time.Hour:
		return 5 * time.Minute
	}
	return time.Hour
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
	out.History.Step = w.period()
	if err := f.read(ctx); err != nil {
		return out, err
	}
	if err := f.fill(&out); err != nil {
		return out, err
	}
	starts, err := f.starts(ctx)
	out.History.Starts = starts
	return out, err
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
	t, err := trace.Of("requests", times, values, f.window.period(), o)
	if late := times[0].Sub(f.window.From); err == nil && late >= time.Hour {
		t.Notes = append(t.Notes, fmt.Sprintf("The first datapoint is of %s, %v after the beginning of the time that was asked for.", times[0].Format(time.RFC3339), late))
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

// A group is a target group, as metrics name it.
type group struct{ balancer, group string }

// A query is a statistic of a metric.
type query struct {
	namespace, metric, statistic string
	dimensions                   map[string]string
}

// describe finds the service's task, its target groups and its queue.
func (f *fetcher) describe(ctx context.Context, id scaling.ResourceID) error {
	out, err := f.ECS.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: &f.cluster, Services: []string{f.name}})
	if err != nil {
		return err
	}
	if len(out.Services) == 0 {
		return fmt.Errorf("there is no service %s in cluster %s", f.name, f.cluster)
	}
	service := out.Services[0]
	f.running = int(service.RunningCount)
	if err := f.describeGroups(ctx, service); err != nil {
		return err
	}
	if err := f.describeTask(ctx, service); err != nil {
		return err
	}
	if f.queue != "" || len(f.groups) > 0 {
		return nil
	}
	pages := aas.NewDescribeScalingPoliciesPaginator(f.AutoScaling, &aas.DescribeScalingPoliciesInput{
		ServiceNamespace: aastypes.ServiceNamespaceEcs, ResourceId: aws.String(string(id)),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, p := range page.ScalingPolicies {
			if name := queueOf(p); name != "" {
				f.queue = name
			}
		}
	}
	return nil
}

// queueOf is the queue that a target tracking policy watches.
func queueOf(p aastypes.ScalingPolicy) string {
	t := p.TargetTrackingScalingPolicyConfiguration
	if t == nil || t.CustomizedMetricSpecification == nil {
		return ""
	}
	dimensions := t.CustomizedMetricSpecification.Dimensions
	for _, q := range t.CustomizedMetricSpecification.Metrics {
		if q.MetricStat != nil && q.MetricStat.Metric != nil {
			for _, d := range q.MetricStat.Metric.Dimensions {
				dimensions = append(dimensions, aastypes.MetricDimension{Name: d.Name, Value: d.Value})
			}
		}
	}
	for _, d := range dimensions {
		if aws.ToString(d.Name) == "QueueName" {
			return aws.ToString(d.Value)
		}
	}
	return ""
}

// describeGroups finds the target groups, those too that a deployment shifts traffic to.
func (f *fetcher) describeGroups(ctx context.Context, s ecstypes.Service) error {
	var arns []string
	for _, b := range s.LoadBalancers {
		arns = append(arns, aws.ToString(b.TargetGroupArn))
		if b.AdvancedConfiguration != nil {
			arns = append(arns, aws.ToString(b.AdvancedConfiguration.AlternateTargetGroupArn))
		}
	}
	arns = slices.DeleteFunc(arns, func(arn string) bool { return arn == "" })
	if len(arns) == 0 {
		return nil
	}
	out, err := f.LoadBalancing.DescribeTargetGroups(ctx, &elb.DescribeTargetGroupsInput{TargetGroupArns: arns})
	if err != nil {
		return err
	}
	for _, g := range out.TargetGroups {
		for _, arn := range g.LoadBalancerArns {
			if _, balancer, is := strings.Cut(arn, ":loadbalancer/"); is && strings.HasPrefix(balancer, "app/") {
				of := aws.ToString(g.TargetGroupArn)
				f.groups = append(f.groups, group{balancer, of[strings.LastIndexByte(of, ':')+1:]})
			}
		}
	}
	return nil
}

// describeTask finds how large a task is.
func (f *fetcher) describeTask(ctx context.Context, s ecstypes.Service) error {
	if s.TaskDefinition == nil {
		return nil
	}
	out, err := f.ECS.DescribeTaskDefinition(ctx, &ecs.DescribeTaskDefinitionInput{TaskDefinition: s.TaskDefinition})
	if err != nil {
		return err
	}
	d := out.TaskDefinition
	cpu, _ := strconv.ParseFloat(aws.ToString(d.Cpu), 64)
	memory, _ := strconv.ParseFloat(aws.ToString(d.Memory), 64)
	for _, c := range d.ContainerDefinitions {
		if d.Cpu == nil {
			cpu += float64(c.Cpu)
		}
		if d.Memory == nil {
			memory += float64(max(aws.ToInt32(c.Memory), aws.ToInt32(c.MemoryReservation)))
		}
	}
	f.task = fit.Task{VCPU: cpu / 1024, Memory: memory}
	return nil
}

// queries are what is asked of CloudWatch.
func (f *fetcher) queries() map[string]query {
	service := map[string]string{"ClusterName": f.cluster, "ServiceName": f.name}
	const own, insights, balancing, queues = "AWS/ECS", "ECS/ContainerInsights", "AWS/ApplicationELB", "AWS/SQS"
	all := map[string]query{
		"cpu":     {own, "CPUUtilization", "Average", service},
		"counted": {own, "CPUUtilization", "SampleCount", service},
		"memory":  {own, "MemoryUtilization", "Average", service},
		"running": {insights, "RunningTaskCount", "Average", service},
		"desired": {insights, "DesiredTaskCount", "Average", service},
	}
	for i, g := range f.groups {
		dimensions := map[string]string{"LoadBalancer": g.balancer, "TargetGroup": g.group}
		all[fmt.Sprintf("requests%d", i)] = query{balancing, "RequestCount", "Sum", dimensions}
		all[fmt.Sprintf("latency%d", i)] = query{balancing, "TargetResponseTime", "Average", dimensions}
		all[fmt.Sprintf("late%d", i)] = query{balancing, "TargetResponseTime", "p95", dimensions}
	}
	if f.queue != "" {
		dimensions := map[string]string{"QueueName": f.queue}
		all["sent"] = query{queues, "NumberOfMessagesSent", "Sum", dimensions}
		all["deleted"] = query{queues, "NumberOfMessagesDeleted", "Sum", dimensions}
		all["visible"] = query{queues, "ApproximateNumberOfMessagesVisible", "Average", dimensions}
		all["hand"] = query{queues, "ApproximateNumberOfMessagesNotVisible", "Average", dimensions}
	}
	return all
}

func (f *fetcher) read(ctx context.Context) error { return f.values(ctx, f.queries()) }

// values reads metrics, page by page.
func (f *fetcher) values(ctx context.Context, wanted map[string]query) error {
	in := &cloudwatch.GetMetricDataInput{StartTime: &f.window.From, EndTime: &f.window.To, ScanBy: cwtypes.ScanByTimestampAscending}
	for _, id := range slices.Sorted(maps.Keys(wanted)) {
		q := wanted[id]
		m := &cwtypes.Metric{Namespace: &q.namespace, MetricName: &q.metric}
		for _, name := range slices.Sorted(maps.Keys(q.dimensions)) {
			m.Dimensions = append(m.Dimensions, cwtypes.Dimension{Name: aws.String(name), Value: aws.String(q.dimensions[name])})
		}
		in.MetricDataQueries = append(in.MetricDataQueries, cwtypes.MetricDataQuery{Id: aws.String(id), MetricStat: &cwtypes.MetricStat{
			Metric: m, Period: aws.Int32(int32(f.window.period() / time.Second)), Stat: &q.statistic,
		}})
	}
	f.found = map[string]map[time.Time]float64{}
	for pages := cloudwatch.NewGetMetricDataPaginator(f.CloudWatch, in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, result := range page.MetricDataResults {
			if result.StatusCode == cwtypes.StatusCodeForbidden {
				return fmt.Errorf("the access key may not read metrics: allow it cloudwatch:GetMetricData")
			}
			id := aws.ToString(result.Id)
			if f.found[id] == nil {
				f.found[id] = map[time.Time]float64{}
			}
			for i, at := range result.Timestamps[:min(len(result.Timestamps), len(result.Values))] {
				f.found[id][at.UTC()] = result.Values[i]
			}
		}
	}
	return nil
}

// series is a metric in steps of the history; what is not there is as given.
func (f *fetcher) series(id string, from, to time.Time) []float64 {
	found := f.found[id]
	if len(found) == 0 {
		return nil
	}
	p := f.window.period()
	values := slices.Repeat([]float64{math.NaN()}, int(to.Sub(from)/p))
	for at, v := range found {
		if i := int(at.Sub(from) / p); i >= 0 && i < len(values) {
			values[i] = v
		}
	}
	return values
}

// bounds are the first and the last step of which anything is known.
func (f *fetcher) bounds() (from, to time.Time) {
	for _, found := range f.found {
		for at := range found {
			if from.IsZero() || at.Before(from) {
				from = at
			}
			if end := at.Add(f.window.period()); end.After(to) {
				to = end
			}
		}
	}
	return from, to
}

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
	if h.Tasks = f.series("running", from, to); h.Tasks == nil {
		h.Tasks = f.tasksBySamples(f.series("counted", from, to))
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
	each := f.window.period().Minutes()
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

// starts are how long the tasks that run took to start.
func (f *fetcher) starts(ctx context.Context) (starts []time.Duration, err error) {
	pages := ecs.NewListTasksPaginator(f.ECS, &ecs.ListTasksInput{Cluster: &f.cluster, ServiceName: &f.name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		if len(page.TaskArns) == 0 {
			continue
		}
		out, err := f.ECS.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: &f.cluster, Tasks: page.TaskArns})
		if err != nil {
			return nil, err
		}
		for _, t := range out.Tasks {
			if t.CreatedAt != nil && t.StartedAt != nil && !t.StartedAt.Before(*t.CreatedAt) {
				starts = append(starts, t.StartedAt.Sub(*t.CreatedAt))
			}
		}
	}
	return starts, nil
}
