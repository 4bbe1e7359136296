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
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

const (
	cluster    = "demo"
	service    = "web"
	policy     = "cpu50"
	resourceID = "service/" + cluster + "/" + service
	port       = 8080
)

// setUp does what Terraform or the aws CLI would do, and waits for the first tasks.
func (w *watch) setUp(ctx context.Context) error {
	for _, step := range []func(context.Context) error{w.createLoadBalancer, w.createService, w.createPolicy, w.awaitTasks} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// subnets are where the load balancer and the tasks are. They are names only.
var subnets = []string{"subnet-0demo1", "subnet-0demo2"}

func (w *watch) createLoadBalancer(ctx context.Context) error {
	api := w.client.LoadBalancing
	lb, err := api.CreateLoadBalancer(ctx, &elb.CreateLoadBalancerInput{Name: aws.String(service), Subnets: subnets})
	if err != nil {
		return err
	}
	group, err := api.CreateTargetGroup(ctx, &elb.CreateTargetGroupInput{
		Name: aws.String(service), Protocol: elbtypes.ProtocolEnumHttp, Port: aws.Int32(port), VpcId: aws.String("vpc-0demo"),
		TargetType: elbtypes.TargetTypeEnumIp, HealthCheckIntervalSeconds: aws.Int32(5), HealthCheckTimeoutSeconds: aws.Int32(2),
	})
	if err != nil {
		return err
	}
	w.group = aws.ToString(group.TargetGroups[0].TargetGroupArn)
	// Draining is in real time.
	_, err = api.ModifyTargetGroupAttributes(ctx, &elb.ModifyTargetGroupAttributesInput{
		TargetGroupArn: &w.group,
		Attributes:     []elbtypes.TargetGroupAttribute{{Key: aws.String("deregistration_delay.timeout_seconds"), Value: aws.String("2")}},
	})
	if err != nil {
		return err
	}
	w.url = fmt.Sprintf("http://%s:%d/computation", aws.ToString(lb.LoadBalancers[0].DNSName), port)
	_, err = api.CreateListener(ctx, &elb.CreateListenerInput{
		LoadBalancerArn: lb.LoadBalancers[0].LoadBalancerArn, Protocol: elbtypes.ProtocolEnumHttp, Port: aws.Int32(port),
		DefaultActions: []elbtypes.Action{{Type: elbtypes.ActionTypeEnumForward, TargetGroupArn: &w.group}},
	})
	return err
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
			PortMappings: []ecstypes.PortMapping{{ContainerPort: aws.Int32(port)}},
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
			AwsvpcConfiguration: &ecstypes.AwsVpcConfiguration{Subnets: subnets},
		},
		LoadBalancers: []ecstypes.LoadBalancer{{
			TargetGroupArn: &w.group, ContainerName: aws.String("web"), ContainerPort: aws.Int32(port),
		}},
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
		healthy, err := w.healthy(ctx)
		if err != nil {
			return err
		}
		if healthy >= minTasks {
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

// healthy is how many tasks the load balancer sends requests to.
func (w *watch) healthy(ctx context.Context) (n int, err error) {
	out, err := w.client.LoadBalancing.DescribeTargetHealth(ctx, &elb.DescribeTargetHealthInput{TargetGroupArn: &w.group})
	if err != nil {
		return 0, err
	}
	for _, t := range out.TargetHealthDescriptions {
		if t.TargetHealth.State == elbtypes.TargetHealthStateEnumHealthy {
			n++
		}
	}
	return n, nil
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
