// Package voucher sets up services of workers that take vouchers from queues, and looks
// at them while they work: for `flyball demo backlog` and for measurements. It is a
// client of AWS's APIs and no more.
//
//	s, err := voucher.Open(ctx, client, voucher.Plan{
//		Name: "vouchers", Most: 20, Each: 100 * time.Millisecond, Agreed: 10 * time.Second, Period: time.Second,
//	})
//	state, err := s.Look(ctx)              // what waits, and what runs
//	waits, err := s.Waits(ctx, time.Time{}) // how long each message has waited
package voucher

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	aas "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	aastypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"flyball/internal/client"
)

// A Plan is a queue, and a service of 0 to Most workers that a policy scales so that
// messages wait no longer than agreed. Its times are the server's.
type Plan struct {
	Name   string // of the queue, the service and the log group
	Most   int32  // workers
	Each   time.Duration
	Agreed time.Duration
	Period time.Duration // of the metrics: a minute, as AWS has it, or less
	// Math has the policy divide the two metrics that AWS publishes, in place of following
	// Flyball's own.
	Math bool
}

// Acceptable is the backlog per worker at which the last message waits as long as agreed:
// 100 messages for 10 s of waiting and 0.1 s of work.
func (p Plan) Acceptable() float64 { return p.Agreed.Seconds() / p.Each.Seconds() }

// Target is the backlog per worker that the policy aims at: half of the acceptable one.
// Target tracking lets a backlog come to its target, and adds workers then. The other
// half is for the time that it takes to see it and to start them.
func (p Plan) Target() float64 { return p.Acceptable() / 2 }

// Cluster is where all services are.
const Cluster = "vouchers"

// cooldowns are those of the policies: more workers come whenever the backlog says so, and
// go one step a minute.
const outCooldown, inCooldown = 0, 60

// A Shop is a plan that has been carried out.
type Shop struct {
	Plan
	URL    string // of the queue
	client *client.Client
	told   map[string]bool // activities
}

// Open carries out a plan: the service has no task, and nothing is in the queue.
func Open(ctx context.Context, c *client.Client, p Plan) (*Shop, error) {
	s := &Shop{Plan: p, client: c, told: map[string]bool{}}
	for _, step := range []func(context.Context) error{s.createQueue, s.createService, s.createPolicy} {
		if err := step(ctx); err != nil {
			return nil, fmt.Errorf("set up %s: %w", p.Name, err)
		}
	}
	return s, nil
}

// createQueue makes the queue. Its own metrics are as fast as the policy's, which may
// follow them.
func (s *Shop) createQueue(ctx context.Context) error {
	out, err := s.client.SQS.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &s.Name, Tags: s.pace()})
	if err != nil {
		return err
	}
	s.URL = *out.QueueUrl
	return nil
}

// pace is the tag for metrics that are faster than AWS's.
func (s *Shop) pace() map[string]string {
	if s.Period >= time.Minute {
		return nil
	}
	return map[string]string{"flyball:metric-period": strconv.Itoa(int(s.Period / time.Second))}
}

func (s *Shop) createService(ctx context.Context) error {
	_, err := s.client.ECS.CreateCluster(ctx, &ecs.CreateClusterInput{
		ClusterName: aws.String(Cluster),
		Settings:    []ecstypes.ClusterSetting{{Name: ecstypes.ClusterSettingNameContainerInsights, Value: aws.String("enabled")}},
	})
	if err != nil {
		return err
	}
	_, err = s.client.ECS.RegisterTaskDefinition(ctx, &ecs.RegisterTaskDefinitionInput{
		Family: &s.Name,
		ContainerDefinitions: []ecstypes.ContainerDefinition{{
			Name: aws.String("worker"), Image: aws.String("flyball/worker"), Cpu: 64, Memory: aws.Int32(64), StopTimeout: aws.Int32(5),
			Environment: environment(map[string]string{
				"QUEUE_URL": s.URL, "TIME_PER_MESSAGE": s.Each.String(), "LOG_MESSAGES": "1", "VISIBILITY_TIMEOUT": "1m",
			}),
			LogConfiguration: &ecstypes.LogConfiguration{LogDriver: ecstypes.LogDriverAwslogs, Options: map[string]string{
				"awslogs-group": s.Name, "awslogs-region": s.client.Region, "awslogs-stream-prefix": "worker", "awslogs-create-group": "true",
			}},
		}},
	})
	if err != nil {
		return err
	}
	_, err = s.client.ECS.CreateService(ctx, &ecs.CreateServiceInput{
		Cluster: aws.String(Cluster), ServiceName: &s.Name, TaskDefinition: &s.Name, DesiredCount: aws.Int32(0),
		LaunchType: ecstypes.LaunchTypeEc2,
	})
	return err
}

func environment(values map[string]string) (pairs []ecstypes.KeyValuePair) {
	for name, value := range values {
		pairs = append(pairs, ecstypes.KeyValuePair{Name: &name, Value: &value})
	}
	return pairs
}

func (s *Shop) resource() string { return "service/" + Cluster + "/" + s.Name }

func (s *Shop) createPolicy(ctx context.Context) error {
	_, err := s.client.AutoScaling.RegisterScalableTarget(ctx, &aas.RegisterScalableTargetInput{
		ServiceNamespace: aastypes.ServiceNamespaceEcs, ScalableDimension: aastypes.ScalableDimensionECSServiceDesiredCount,
		ResourceId: aws.String(s.resource()), MinCapacity: aws.Int32(0), MaxCapacity: &s.Most, Tags: s.pace(),
	})
	if err != nil {
		return err
	}
	c := &aastypes.TargetTrackingScalingPolicyConfiguration{
		TargetValue: aws.Float64(s.Target()), ScaleOutCooldown: aws.Int32(outCooldown), ScaleInCooldown: aws.Int32(inCooldown),
	}
	if s.Math {
		c.CustomizedMetricSpecification = s.divided()
	} else {
		c.PredefinedMetricSpecification = &aastypes.PredefinedMetricSpecification{
			PredefinedMetricType: "FlyballSQSBacklogPerTask", ResourceLabel: &s.Name,
		}
	}
	_, err = s.client.AutoScaling.PutScalingPolicy(ctx, &aas.PutScalingPolicyInput{
		ServiceNamespace: aastypes.ServiceNamespaceEcs, ScalableDimension: aastypes.ScalableDimensionECSServiceDesiredCount,
		ResourceId: aws.String(s.resource()), PolicyName: aws.String("backlog"),
		PolicyType: aastypes.PolicyTypeTargetTrackingScaling, TargetTrackingScalingPolicyConfiguration: c,
	})
	return err
}

// divided is the backlog per task of AWS's two metrics, which counts no task as one.
func (s *Shop) divided() *aastypes.CustomizedMetricSpecification {
	metric := func(id, namespace, name string, dimensions ...string) aastypes.TargetTrackingMetricDataQuery {
		m := &aastypes.TargetTrackingMetric{Namespace: &namespace, MetricName: &name}
		for i := 0; i < len(dimensions); i += 2 {
			m.Dimensions = append(m.Dimensions, aastypes.TargetTrackingMetricDimension{Name: &dimensions[i], Value: &dimensions[i+1]})
		}
		return aastypes.TargetTrackingMetricDataQuery{
			Id: &id, ReturnData: aws.Bool(false), MetricStat: &aastypes.TargetTrackingMetricStat{Metric: m, Stat: aws.String("Average")},
		}
	}
	return &aastypes.CustomizedMetricSpecification{Metrics: []aastypes.TargetTrackingMetricDataQuery{
		metric("visible", "AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", s.Name),
		metric("tasks", "ECS/ContainerInsights", "RunningTaskCount", "ClusterName", Cluster, "ServiceName", s.Name),
		{Id: aws.String("backlog"), Expression: aws.String("IF(FILL(tasks, 0) > 0, visible / tasks, visible)")},
	}}
}

// A State is what there is of a shop at a moment.
type State struct {
	Waiting, InFlight int // messages
	Desired, Running  int // workers
}

// PerTask is the backlog that each worker has, where nobody works as with one worker.
func (s State) PerTask() float64 { return float64(s.Waiting) / float64(max(1, s.Running)) }

// Look looks at the queue and the service.
func (s *Shop) Look(ctx context.Context) (State, error) {
	queue, err := s.client.SQS.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &s.URL, AttributeNames: []sqstypes.QueueAttributeName{
		sqstypes.QueueAttributeNameApproximateNumberOfMessages, sqstypes.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
	}})
	if err != nil {
		return State{}, err
	}
	services, err := s.client.ECS.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: aws.String(Cluster), Services: []string{s.Name}})
	if err != nil {
		return State{}, err
	}
	if len(services.Services) != 1 {
		return State{}, errors.New("the service " + s.Name + " is gone")
	}
	service := services.Services[0]
	number := func(name sqstypes.QueueAttributeName) int {
		n, _ := strconv.Atoi(queue.Attributes[string(name)])
		return n
	}
	return State{
		Waiting:  number(sqstypes.QueueAttributeNameApproximateNumberOfMessages),
		InFlight: number(sqstypes.QueueAttributeNameApproximateNumberOfMessagesNotVisible),
		Desired:  int(service.DesiredCount), Running: int(service.RunningCount),
	}, nil
}
