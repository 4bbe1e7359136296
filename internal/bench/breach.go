package main

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	aastypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/client"
	"flyball/internal/server"
	"flyball/internal/task/idle"
)

// breach measures the time from the PutMetricData call that completes a breach
// to the answer of DescribeServices that shows the changed desired count, with
// many targets, each with a target tracking policy on a metric of its own. The
// tasks are not real, everything else is: HTTP, the disk, the alarms. The server
// is a process of its own, so that its figure is not that of the client's garbage.
func breach(ctx context.Context, targets int) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "flyball-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	p, err := start(ctx, self, "-serve", dir)
	if err != nil {
		return err
	}
	defer p.stop()
	b := bench{client.New(client.Config{Endpoint: p.url, Region: "us-east-1"})}
	began := time.Now()
	if err := b.setUp(ctx, targets); err != nil {
		return err
	}
	figure("set_up_target", float64(time.Since(began).Milliseconds())/float64(targets), "ms")
	var took []time.Duration
	for _, i := range rand.Perm(targets)[:min(targets, 1000)] {
		d, err := b.once(ctx, i)
		if err != nil {
			return err
		}
		took = append(took, d)
	}
	figure(fmt.Sprintf("breach_to_desired_p50_%d_targets", targets), quantile(took, 0.5), "ms")
	figure(fmt.Sprintf("breach_to_desired_p99_%d_targets", targets), quantile(took, 0.99), "ms")
	return nil
}

// serve is the server of the breach measurement: one whose tasks are not real.
func serve(ctx context.Context, dir string) error {
	s, err := server.Open(ctx, server.Config{
		Addr: "127.0.0.1:0", Data: dir, Tasks: idle.Runtime{}, Speed: 1, Account: "123456789012", Region: "us-east-1",
		Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return err
	}
	fmt.Println("ready", s.URL())
	return s.Run(ctx)
}

type bench struct{ *client.Client }

func (b bench) setUp(ctx context.Context, targets int) error {
	if _, err := b.ECS.CreateCluster(ctx, &ecs.CreateClusterInput{ClusterName: aws.String("bench")}); err != nil {
		return err
	}
	_, err := b.ECS.RegisterTaskDefinition(ctx, &ecs.RegisterTaskDefinitionInput{
		Family: aws.String("idle"),
		ContainerDefinitions: []ecstypes.ContainerDefinition{{
			Name: aws.String("idle"), Image: aws.String("idle"), Memory: aws.Int32(16),
		}},
	})
	if err != nil {
		return err
	}
	return each(ctx, targets, b.addTarget)
}

func (b bench) addTarget(ctx context.Context, i int) error {
	name := fmt.Sprint("s", i)
	_, err := b.ECS.CreateService(ctx, &ecs.CreateServiceInput{
		Cluster: aws.String("bench"), ServiceName: &name, TaskDefinition: aws.String("idle"), DesiredCount: aws.Int32(1),
	})
	if err != nil {
		return err
	}
	resource := "service/bench/" + name
	_, err = b.AutoScaling.RegisterScalableTarget(ctx, &applicationautoscaling.RegisterScalableTargetInput{
		ServiceNamespace: aastypes.ServiceNamespaceEcs, ScalableDimension: aastypes.ScalableDimensionECSServiceDesiredCount,
		ResourceId: &resource, MinCapacity: aws.Int32(1), MaxCapacity: aws.Int32(10),
	})
	if err != nil {
		return err
	}
	_, err = b.AutoScaling.PutScalingPolicy(ctx, &applicationautoscaling.PutScalingPolicyInput{
		ServiceNamespace: aastypes.ServiceNamespaceEcs, ScalableDimension: aastypes.ScalableDimensionECSServiceDesiredCount,
		ResourceId: &resource, PolicyName: aws.String("backlog"), PolicyType: aastypes.PolicyTypeTargetTrackingScaling,
		TargetTrackingScalingPolicyConfiguration: &aastypes.TargetTrackingScalingPolicyConfiguration{
			TargetValue: aws.Float64(100),
			CustomizedMetricSpecification: &aastypes.CustomizedMetricSpecification{
				Namespace: aws.String("Bench"), MetricName: aws.String("Backlog"), Statistic: aastypes.MetricStatisticAverage,
				Dimensions: []aastypes.MetricDimension{{Name: aws.String("Service"), Value: &name}},
			},
		},
	})
	return err
}

// once lets one target breach and waits for its desired count.
func (b bench) once(ctx context.Context, i int) (time.Duration, error) {
	// A period that closes in the middle would take the breach's last datapoint
	// for the one before.
	for now := time.Now(); now.Second() >= 58; now = time.Now() {
		time.Sleep(100 * time.Millisecond)
	}
	name := fmt.Sprint("s", i)
	minute := time.Now().Truncate(time.Minute)
	for ago, value := range map[int]float64{4: 10, 3: 150, 2: 150} {
		if err := b.put(ctx, name, minute.Add(-time.Duration(ago)*time.Minute), value); err != nil {
			return 0, err
		}
	}
	began := time.Now()
	if err := b.put(ctx, name, minute.Add(-time.Minute), 150); err != nil {
		return 0, err
	}
	for time.Since(began) < 5*time.Second {
		out, err := b.ECS.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: aws.String("bench"), Services: []string{name}})
		if err != nil {
			return 0, err
		}
		if out.Services[0].DesiredCount == 2 {
			return time.Since(began), nil
		}
	}
	return 0, fmt.Errorf("service %s was not scaled within 5 s", name)
}

func (b bench) put(ctx context.Context, service string, at time.Time, value float64) error {
	_, err := b.CloudWatch.PutMetricData(ctx, &cloudwatch.PutMetricDataInput{
		Namespace: aws.String("Bench"),
		MetricData: []cwtypes.MetricDatum{{
			MetricName: aws.String("Backlog"), Timestamp: &at, Value: &value,
			Dimensions: []cwtypes.Dimension{{Name: aws.String("Service"), Value: &service}},
		}},
	})
	return err
}
