package history

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	aas "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	aastypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"

	"flyball/internal/fit"
	"flyball/scaling"
)

// A group is a target group, as metrics name it.
type group struct{ balancer, group string }

// describe finds the service's task, its target groups and its queue.
func (f *fetcher) describe(ctx context.Context, id scaling.ResourceID) error {
	service, err := f.service(ctx)
	if err != nil {
		return err
	}
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

// service is the service as ECS has it.
func (f *fetcher) service(ctx context.Context) (ecstypes.Service, error) {
	out, err := f.ECS.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: &f.cluster, Services: []string{f.name}})
	if err != nil {
		return ecstypes.Service{}, err
	}
	if len(out.Services) == 0 {
		return ecstypes.Service{}, fmt.Errorf("there is no service %s in cluster %s", f.name, f.cluster)
	}
	return out.Services[0], nil
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

// starts are how long the tasks that run took to start.
func (f *fetcher) starts(ctx context.Context) (starts []time.Duration, err error) {
	err = f.eachTask(ctx, ecstypes.DesiredStatusRunning, func(t ecstypes.Task) {
		if t.CreatedAt != nil && t.StartedAt != nil && !t.StartedAt.Before(*t.CreatedAt) {
			starts = append(starts, t.StartedAt.Sub(*t.CreatedAt))
		}
	})
	return starts, err
}

// drains are how long tasks took to go that the service, or somebody, has stopped. ECS knows of those of
// the last hour.
func (f *fetcher) drains(ctx context.Context) (drains []time.Duration, err error) {
	err = f.eachTask(ctx, ecstypes.DesiredStatusStopped, func(t ecstypes.Task) {
		asked := t.StopCode == ecstypes.TaskStopCodeServiceSchedulerInitiated || t.StopCode == ecstypes.TaskStopCodeUserInitiated
		if asked && t.StartedAt != nil && t.StoppingAt != nil && t.StoppedAt != nil && !t.StoppedAt.Before(*t.StoppingAt) {
			drains = append(drains, t.StoppedAt.Sub(*t.StoppingAt))
		}
	})
	return drains, err
}

// eachTask tells of the service's tasks of a desired status.
func (f *fetcher) eachTask(ctx context.Context, status ecstypes.DesiredStatus, tell func(ecstypes.Task)) error {
	pages := ecs.NewListTasksPaginator(f.ECS, &ecs.ListTasksInput{Cluster: &f.cluster, ServiceName: &f.name, DesiredStatus: status})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		if len(page.TaskArns) == 0 {
			continue
		}
		out, err := f.ECS.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: &f.cluster, Tasks: page.TaskArns})
		if err != nil {
			return err
		}
		for _, t := range out.Tasks {
			tell(t)
		}
	}
	return nil
}
