package history_test

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	aas "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	aastypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"flyball/internal/history"
	"flyball/internal/trace"
)

var now = time.Date(2026, 3, 2, 12, 0, 30, 0, time.UTC)

// A cloud is what AWS has of a service of two tasks: statistics of metrics by their names, minute by
// minute until now, of which each page has one minute.
type cloud struct {
	groups  []string // target groups
	queue   string   // that a policy watches
	metrics map[string][]float64
	status  cwtypes.StatusCode
}

func (c cloud) source() history.Source {
	return history.Source{AutoScaling: c, CloudWatch: c, ECS: c, LoadBalancing: c}
}

func (c cloud) DescribeServices(context.Context, *ecs.DescribeServicesInput, ...func(*ecs.Options)) (*ecs.DescribeServicesOutput, error) {
	s := ecstypes.Service{RunningCount: 2, TaskDefinition: aws.String("web:1")}
	for _, g := range c.groups {
		s.LoadBalancers = append(s.LoadBalancers, ecstypes.LoadBalancer{TargetGroupArn: aws.String("arn:aws:elasticloadbalancing:r:1:targetgroup/" + g)})
	}
	return &ecs.DescribeServicesOutput{Services: []ecstypes.Service{s}}, nil
}

func (c cloud) DescribeTaskDefinition(context.Context, *ecs.DescribeTaskDefinitionInput, ...func(*ecs.Options)) (*ecs.DescribeTaskDefinitionOutput, error) {
	return &ecs.DescribeTaskDefinitionOutput{TaskDefinition: &ecstypes.TaskDefinition{ContainerDefinitions: []ecstypes.ContainerDefinition{
		{Cpu: 128, Memory: aws.Int32(100)}, {Cpu: 128, MemoryReservation: aws.Int32(50)},
	}}}, nil
}

func (c cloud) ListTasks(_ context.Context, in *ecs.ListTasksInput, _ ...func(*ecs.Options)) (*ecs.ListTasksOutput, error) {
	return &ecs.ListTasksOutput{TaskArns: []string{"a " + string(in.DesiredStatus), "b"}}, nil
}

// DescribeTasks tells of a task that was stopped and was gone after 25 s, and of one that ended by itself.
func (c cloud) DescribeTasks(_ context.Context, in *ecs.DescribeTasksInput, _ ...func(*ecs.Options)) (*ecs.DescribeTasksOutput, error) {
	if in.Tasks[0] == "a STOPPED" {
		gone := ecstypes.Task{StartedAt: aws.Time(now), StoppingAt: aws.Time(now), StoppedAt: aws.Time(now.Add(25 * time.Second)), StopCode: ecstypes.TaskStopCodeServiceSchedulerInitiated}
		ended := gone
		ended.StopCode, ended.StoppedAt = ecstypes.TaskStopCodeEssentialContainerExited, aws.Time(now)
		return &ecs.DescribeTasksOutput{Tasks: []ecstypes.Task{gone, ended}}, nil
	}
	return &ecs.DescribeTasksOutput{Tasks: []ecstypes.Task{
		{CreatedAt: aws.Time(now), StartedAt: aws.Time(now.Add(40 * time.Second))}, {CreatedAt: aws.Time(now)},
	}}, nil
}

func (c cloud) DescribeTargetGroups(context.Context, *elb.DescribeTargetGroupsInput, ...func(*elb.Options)) (*elb.DescribeTargetGroupsOutput, error) {
	out := &elb.DescribeTargetGroupsOutput{}
	for _, g := range c.groups {
		out.TargetGroups = append(out.TargetGroups, elbtypes.TargetGroup{
			TargetGroupArn:   aws.String("arn:aws:elasticloadbalancing:r:1:targetgroup/" + g),
			LoadBalancerArns: []string{"arn:aws:elasticloadbalancing:r:1:loadbalancer/app/web/1"},
		})
	}
	return out, nil
}

func (c cloud) DescribeScalingPolicies(context.Context, *aas.DescribeScalingPoliciesInput, ...func(*aas.Options)) (*aas.DescribeScalingPoliciesOutput, error) {
	out := &aas.DescribeScalingPoliciesOutput{}
	if c.queue != "" {
		out.ScalingPolicies = []aastypes.ScalingPolicy{{TargetTrackingScalingPolicyConfiguration: &aastypes.TargetTrackingScalingPolicyConfiguration{
			CustomizedMetricSpecification: &aastypes.CustomizedMetricSpecification{Metrics: []aastypes.TargetTrackingMetricDataQuery{{
				MetricStat: &aastypes.TargetTrackingMetricStat{Metric: &aastypes.TargetTrackingMetric{
					Dimensions: []aastypes.TargetTrackingMetricDimension{{Name: aws.String("QueueName"), Value: &c.queue}},
				}},
			}}},
		}}}
	}
	return out, nil
}

func (c cloud) GetMetricData(_ context.Context, in *cloudwatch.GetMetricDataInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricDataOutput, error) {
	out, page, most := &cloudwatch.GetMetricDataOutput{}, len(aws.ToString(in.NextToken)), 0
	for _, q := range in.MetricDataQueries {
		name := *q.MetricStat.Metric.MetricName + " " + *q.MetricStat.Stat
		for _, d := range q.MetricStat.Metric.Dimensions {
			if *d.Name == "TargetGroup" {
				name += " " + *d.Value
			}
		}
		result := cwtypes.MetricDataResult{Id: q.Id, StatusCode: c.status}
		values := c.metrics[name]
		most = max(most, len(values))
		if page < len(values) && !math.IsNaN(values[page]) {
			at := now.Truncate(time.Minute).Add(time.Duration(page-len(values)) * time.Minute)
			result.Timestamps, result.Values = []time.Time{at}, []float64{values[page]}
		}
		out.MetricDataResults = append(out.MetricDataResults, result)
	}
	if page+1 < most {
		out.NextToken = aws.String(strings.Repeat("x", page+1))
	}
	return out, nil
}

var none = math.NaN()

// Requests of two target groups add up, and their latency counts for as much as they have; a minute in which
// tasks were measured and no request counted had none.
func TestFetchReadsAllPagesOfAllTargetGroups(t *testing.T) {
	c := cloud{groups: []string{"targetgroup/a/1", "targetgroup/b/2"}, metrics: map[string][]float64{
		"CPUUtilization Average": {40, 41, 42}, "CPUUtilization SampleCount": {2, 2, 2}, "MemoryUtilization Average": {10, 10, 10},
		"RequestCount Sum targetgroup/targetgroup/a/1": {300, none, 100}, "RequestCount Sum targetgroup/targetgroup/b/2": {100, none, 300},
		"TargetResponseTime Average targetgroup/targetgroup/a/1": {0.1, none, 0.1}, "TargetResponseTime Average targetgroup/targetgroup/b/2": {0.3, none, 0.3},
	}}
	got, err := history.Fetch(t.Context(), c.source(), "service/shop/web", history.Last(now, time.Hour), "")
	if err != nil {
		t.Fatal(err)
	}
	h := got.History
	if h.Requests[0] != 400 || h.Requests[1] != 0 || h.Requests[2] != 400 || math.Abs(h.Latency[0]-0.15) > 1e-9 || math.Abs(h.Latency[2]-0.25) > 1e-9 ||
		h.CPU[2] != 42 || h.Tasks[1] != 2 || !h.Start.Equal(now.Truncate(time.Minute).Add(-3*time.Minute)) || len(h.Starts) != 1 || h.Starts[0] != 40*time.Second {
		t.Errorf("%+v", h)
	}
	if h.Serving != nil || h.Living != nil || len(h.Drains) != 1 || h.Drains[0] != 25*time.Second {
		t.Errorf("%v serve and %v live, %v", h.Serving, h.Living, h.Drains)
	}
	if got.Task.VCPU != 0.25 || got.Task.Memory != 150 || got.Workers {
		t.Errorf("%+v", got)
	}
}

// Healthy targets are the tasks that get requests. Where Container Insights counts those that run, the samples of
// utilization count those, too, that are told to stop.
func TestFetchReadsHealthyAndLivingTasks(t *testing.T) {
	c := cloud{groups: []string{"targetgroup/a/1"}, metrics: map[string][]float64{
		"CPUUtilization Average": {40, 41, 42}, "CPUUtilization SampleCount": {3, 3, 2}, "RunningTaskCount Average": {3, 2, 2},
		"HealthyHostCount Average targetgroup/targetgroup/a/1": {2, 2, 2}, "RequestCount Sum targetgroup/targetgroup/a/1": {300, 300, 100},
	}}
	got, err := history.Fetch(t.Context(), c.source(), "service/shop/web", history.Last(now, time.Hour), "")
	if h := got.History; err != nil || !slices.Equal(h.Serving, []float64{2, 2, 2}) || !slices.Equal(h.Living, []float64{3, 3, 2}) || !slices.Equal(h.Tasks, []float64{3, 2, 2}) {
		t.Errorf("%v: %+v", err, h)
	}
}

func TestTasksHaveTheSizeOfTheirContainersAndTheirStarts(t *testing.T) {
	task, starts, err := history.Tasks(t.Context(), cloud{}.source(), "service/shop/web")
	if err != nil || task.VCPU != 0.25 || len(starts) != 1 || starts[0] != 40*time.Second {
		t.Errorf("%+v, %v, %v", task, starts, err)
	}
}

// With metrics of 20 s, a task makes three samples a minute.
func TestSamplesOfShorterPeriodsAreNoTasks(t *testing.T) {
	c := cloud{queue: "jobs", metrics: map[string][]float64{
		"CPUUtilization Average": {40, 41, 42}, "CPUUtilization SampleCount": {9, 9, 6}, "NumberOfMessagesSent Sum": {60, none, 50},
		"NumberOfMessagesDeleted Sum": {50, 50, 10}, "ApproximateNumberOfMessagesVisible Average": {10, 20, 30},
	}}
	got, err := history.Fetch(t.Context(), c.source(), "service/shop/web", history.Last(now, time.Hour), "")
	if err != nil {
		t.Fatal(err)
	}
	if h := got.History; !got.Workers || h.Tasks[0] != 3 || h.Tasks[2] != 2 || h.Done[2] != 10 || h.Requests[1] != 0 || h.Waiting[1] != 20 {
		t.Errorf("%+v", got)
	}
}

func TestTrafficTellsOfGaps(t *testing.T) {
	requests := make([]float64, 90)
	for i := range requests {
		requests[i] = 600
	}
	requests[40], requests[41] = none, none
	c := cloud{groups: []string{"web/1"}, metrics: map[string][]float64{"RequestCount Sum targetgroup/web/1": requests}}
	got, err := history.Traffic(t.Context(), c.source(), "service/shop/web", history.Last(now, 24*time.Hour), "", trace.Options{})
	if err != nil {
		t.Fatal(err)
	}
	notes := strings.Join(got.Notes, " ")
	if len(got.Values) != 90 || got.Step != time.Minute || !math.IsNaN(got.Values[40]) || !strings.Contains(notes, "2 missing rows") || !strings.Contains(notes, "22h30m of the time that was asked for is left out") {
		t.Errorf("%d values at %v, notes %s", len(got.Values), got.Step, notes)
	}
}

func TestFetchSaysWhatIsMissing(t *testing.T) {
	for name, c := range map[string]struct {
		cloud cloud
		want  string
	}{
		"nothing that counts":    {cloud{}, "--queue"},
		"nothing that was there": {cloud{groups: []string{"web/1"}}, "--last"},
		"not allowed":            {cloud{groups: []string{"web/1"}, status: cwtypes.StatusCodeForbidden}, "cloudwatch:GetMetricData"},
	} {
		_, err := history.Traffic(t.Context(), c.cloud.source(), "service/shop/web", history.Last(now, time.Hour), "", trace.Options{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q in it", name, err, c.want)
		}
	}
	if _, err := history.Fetch(t.Context(), cloud{}.source(), "service/shop/web", history.Last(now, time.Hour), ""); err == nil || !strings.Contains(err.Error(), "no metrics") {
		t.Errorf("%v", err)
	}
}
