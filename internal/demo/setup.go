package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	aastypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

const (
	cluster    = "demo"
	service    = "web"
	policy     = "cpu50"
	resourceID = "service/" + cluster + "/" + service
)

// setUp does what Terraform or the aws CLI would do, and waits for the first tasks.
func (w *watch) setUp(ctx context.Context) error {
	for _, step := range []func(context.Context) error{w.createService, w.createPolicy, w.awaitTasks} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (w *watch) createService(ctx context.Context) error {
	api := w.client.ECS
	if _, err := api.CreateCluster(ctx, &ecs.CreateClusterInput{ClusterName: aws.String(cluster)}); err != nil {
		return err
	}
	_, err := api.RegisterTaskDefinition(ctx, &ecs.RegisterTaskDefinitionInput{
		Family: aws.String(service),
		ContainerDefinitions: []ecstypes.ContainerDefinition{{
			Name:         aws.String("web"),
			Image:        aws.String("flyball/web"),
			Cpu:          taskCPU,
			Memory:       aws.Int32(taskMemory),
			PortMappings: []ecstypes.PortMapping{{ContainerPort: aws.Int32(8080)}},
			StopTimeout:  aws.Int32(2),
		}},
		NetworkMode: ecstypes.NetworkModeAwsvpc,
	})
	if err != nil {
		return err
	}
	_, err = api.CreateService(ctx, &ecs.CreateServiceInput{
		Cluster:        aws.String(cluster),
		ServiceName:    aws.String(service),
		TaskDefinition: aws.String(service),
		DesiredCount:   aws.Int32(minTasks),
		LaunchType:     ecstypes.LaunchTypeEc2,
		NetworkConfiguration: &ecstypes.NetworkConfiguration{
			AwsvpcConfiguration: &ecstypes.AwsVpcConfiguration{Subnets: []string{"subnet-0demo"}},
		},
	})
	return err
}

func (w *watch) createPolicy(ctx context.Context) error {
	api := w.client.AutoScaling
	_, err := api.RegisterScalableTarget(ctx, &applicationautoscaling.RegisterScalableTargetInput{
		ServiceNamespace:  aastypes.ServiceNamespaceEcs,
		ResourceId:        aws.String(resourceID),
		ScalableDimension: aastypes.ScalableDimensionECSServiceDesiredCount,
		MinCapacity:       aws.Int32(minTasks),
		MaxCapacity:       aws.Int32(maxTasks),
	})
	if err != nil {
		return err
	}
	_, err = api.PutScalingPolicy(ctx, &applicationautoscaling.PutScalingPolicyInput{
		ServiceNamespace:  aastypes.ServiceNamespaceEcs,
		ResourceId:        aws.String(resourceID),
		ScalableDimension: aastypes.ScalableDimensionECSServiceDesiredCount,
		PolicyName:        aws.String(policy),
		PolicyType:        aastypes.PolicyTypeTargetTrackingScaling,
		TargetTrackingScalingPolicyConfiguration: &aastypes.TargetTrackingScalingPolicyConfiguration{
			TargetValue: aws.Float64(targetCPU),
			PredefinedMetricSpecification: &aastypes.PredefinedMetricSpecification{
				PredefinedMetricType: aastypes.MetricTypeECSServiceAverageCPUUtilization,
			},
			ScaleOutCooldown: aws.Int32(30),
			ScaleInCooldown:  aws.Int32(30),
		},
	})
	return err
}

// awaitTasks returns when the first tasks can serve, or says what ECS says when
// they do not.
func (w *watch) awaitTasks(ctx context.Context) error {
	for late := time.After(20 * time.Second); ; {
		svc, err := w.describe(ctx)
		if err != nil {
			return err
		}
		if err := w.findTasks(ctx); err != nil {
			return err
		}
		if len(*w.targets.Load()) >= minTasks {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-late:
			why := "no event tells why"
			if len(svc.Events) > 0 {
				why = aws.ToString(svc.Events[0].Message)
			}
			return fmt.Errorf("the first tasks do not run: %s", why)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (w *watch) describe(ctx context.Context) (ecstypes.Service, error) {
	out, err := w.client.ECS.DescribeServices(ctx, &ecs.DescribeServicesInput{
		Cluster: aws.String(cluster), Services: []string{service},
	})
	if err != nil {
		return ecstypes.Service{}, err
	}
	if len(out.Services) == 0 {
		return ecstypes.Service{}, fmt.Errorf("service %s is gone", service)
	}
	return out.Services[0], nil
}
