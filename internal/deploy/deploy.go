// Package deploy makes a service of an image or of a program of this machine, with a load
// balancer before it and policies that scale it. It is a client of AWS's APIs and no more, and
// tells each call as a command of the aws CLI.
package deploy

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	aas "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	aastypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/awscommand"
	"flyball/internal/client"
)

// A Plan is a service.
type Plan struct {
	Cluster, Name string
	Image         string
	Command       []string // in place of the image's
	Folder        string   // where the command runs; "" is where the image says
	Environment   []ecstypes.KeyValuePair
	CPU, Memory   int32 // of a task: 1024 is a processor, and MiB

	// Port is where the container listens, and where a load balancer is reached then. Without
	// one there is no load balancer.
	Port       int32
	HealthPath string

	Least, Most int32
	// TargetCPU is the percentage of CPU that a policy aims at, and TargetRequests the number of
	// requests a minute for each task. At 0 there is no such policy.
	TargetCPU, TargetRequests float64
}

// A Service is what has become of a plan.
type Service struct {
	Plan
	URL     string // "" without a load balancer
	Running int32

	balancer balancer
}

// A deployer carries out a plan.
type deployer struct {
	*client.Client
	plan    Plan
	tell    func(command string)
	service Service
}

// Apply makes what a plan says, or changes what an earlier one has made, and returns when the
// service's tasks run. It hands each call to tell, as a command.
func Apply(ctx context.Context, c *client.Client, p Plan, tell func(command string)) (Service, error) {
	d := &deployer{Client: c, plan: p, tell: tell, service: Service{Plan: p}}
	before, err := d.find(ctx)
	if err == nil && before != nil {
		err = p.fits(before.LoadBalancers)
	}
	if err == nil && before == nil && p.Port != 0 {
		err = d.unclaimed(ctx)
	}
	if err != nil {
		return d.service, err
	}
	definition, err := d.register(ctx)
	if err != nil {
		return d.service, err
	}
	if before == nil {
		err = d.create(ctx, definition)
	} else {
		err = d.update(ctx, *before, definition)
	}
	if err != nil {
		return d.service, err
	}
	if err := d.scale(ctx); err != nil {
		return d.service, err
	}
	return d.service, d.await(ctx, definition)
}

// call tells a call and makes it.
func call[In, Options, Out any](ctx context.Context, d *deployer, service, operation string, do func(context.Context, *In, ...func(*Options)) (*Out, error), in *In) (*Out, error) {
	d.tell(awscommand.Format(service, operation, in))
	return do(ctx, in)
}

// find returns the service if it is there, and makes its cluster if that is not. One that was deleted and still
// drains is waited for: none of its name can be made before.
func (d *deployer) find(ctx context.Context) (*ecstypes.Service, error) {
	if _, err := call(ctx, d, "ecs", "create-cluster", d.ECS.CreateCluster, &ecs.CreateClusterInput{ClusterName: &d.plan.Cluster}); err != nil {
		return nil, err
	}
	for waits := false; ; waits = true {
		out, err := d.ECS.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: &d.plan.Cluster, Services: []string{d.plan.Name}})
		if err != nil || len(out.Services) == 0 {
			return nil, err
		}
		switch s := &out.Services[0]; aws.ToString(s.Status) {
		case "ACTIVE":
			return s, nil
		case "DRAINING":
			if err := d.awaitDrained(ctx, waits); err != nil {
				return nil, err
			}
		default:
			return nil, nil
		}
	}
}

// register registers the task definition, and returns its ARN.
func (d *deployer) register(ctx context.Context) (*string, error) {
	container := ecstypes.ContainerDefinition{Name: &d.plan.Name, Image: &d.plan.Image, Command: d.plan.Command, Environment: d.plan.Environment}
	if d.plan.Folder != "" {
		container.WorkingDirectory = &d.plan.Folder
	}
	if d.plan.Port != 0 {
		container.PortMappings = []ecstypes.PortMapping{{ContainerPort: &d.plan.Port}}
	}
	out, err := call(ctx, d, "ecs", "register-task-definition", d.ECS.RegisterTaskDefinition, &ecs.RegisterTaskDefinitionInput{
		Family: &d.plan.Name, NetworkMode: ecstypes.NetworkModeAwsvpc,
		RequiresCompatibilities: []ecstypes.Compatibility{ecstypes.CompatibilityFargate},
		Cpu:                     aws.String(fmt.Sprint(d.plan.CPU)), Memory: aws.String(fmt.Sprint(d.plan.Memory)),
		ContainerDefinitions: []ecstypes.ContainerDefinition{container},
	})
	if err != nil {
		return nil, err
	}
	return out.TaskDefinition.TaskDefinitionArn, nil
}

func (d *deployer) create(ctx context.Context, definition *string) error {
	vpc, subnets, err := d.network(ctx)
	if err != nil {
		return err
	}
	in := &ecs.CreateServiceInput{
		Cluster: &d.plan.Cluster, ServiceName: &d.plan.Name, TaskDefinition: definition,
		DesiredCount: aws.Int32(max(d.plan.Least, 1)), LaunchType: ecstypes.LaunchTypeFargate,
		NetworkConfiguration: &ecstypes.NetworkConfiguration{
			AwsvpcConfiguration: &ecstypes.AwsVpcConfiguration{Subnets: subnets, AssignPublicIp: ecstypes.AssignPublicIpEnabled},
		},
	}
	if d.plan.Port != 0 {
		if err := d.balance(ctx, vpc, subnets); err != nil {
			return err
		}
		in.LoadBalancers = []ecstypes.LoadBalancer{{TargetGroupArn: &d.service.balancer.group, ContainerName: &d.plan.Name, ContainerPort: &d.plan.Port}}
	}
	_, err = call(ctx, d, "ecs", "create-service", d.ECS.CreateService, in)
	return err
}

// fits refuses a plan for a service whose load balancer, which stays, is another one.
func (p Plan) fits(had []ecstypes.LoadBalancer) error {
	switch {
	case len(had) > 0 && aws.ToInt32(had[0].ContainerPort) != p.Port:
		return fmt.Errorf("service %s/%s has a load balancer for port %d; give --port %[3]d, or another --name",
			p.Cluster, p.Name, aws.ToInt32(had[0].ContainerPort))
	case len(had) == 0 && p.Port != 0:
		return fmt.Errorf("service %s/%s has no load balancer; leave --port out, or give another --name", p.Cluster, p.Name)
	}
	return nil
}

// update gives a service that is there its new tasks. Its load balancer stays as it is.
func (d *deployer) update(ctx context.Context, before ecstypes.Service, definition *string) error {
	if had := before.LoadBalancers; len(had) > 0 {
		if err := d.findBalancer(ctx, aws.ToString(had[0].TargetGroupArn)); err != nil {
			return err
		}
	}
	_, err := call(ctx, d, "ecs", "update-service", d.ECS.UpdateService, &ecs.UpdateServiceInput{
		Cluster: &d.plan.Cluster, Service: &d.plan.Name, TaskDefinition: definition,
	})
	return err
}

// scale registers the scalable target and puts its policies.
func (d *deployer) scale(ctx context.Context) error {
	id := "service/" + d.plan.Cluster + "/" + d.plan.Name
	_, err := call(ctx, d, "application-autoscaling", "register-scalable-target", d.AutoScaling.RegisterScalableTarget, &aas.RegisterScalableTargetInput{
		ServiceNamespace: aastypes.ServiceNamespaceEcs, ScalableDimension: aastypes.ScalableDimensionECSServiceDesiredCount, ResourceId: &id,
		MinCapacity: &d.plan.Least, MaxCapacity: &d.plan.Most,
	})
	if err != nil {
		return err
	}
	for _, p := range d.policies() {
		_, err := call(ctx, d, "application-autoscaling", "put-scaling-policy", d.AutoScaling.PutScalingPolicy, &aas.PutScalingPolicyInput{
			ServiceNamespace: aastypes.ServiceNamespaceEcs, ScalableDimension: aastypes.ScalableDimensionECSServiceDesiredCount, ResourceId: &id,
			PolicyName: &p.name, PolicyType: aastypes.PolicyTypeTargetTrackingScaling,
			TargetTrackingScalingPolicyConfiguration: &aastypes.TargetTrackingScalingPolicyConfiguration{
				TargetValue: &p.target, PredefinedMetricSpecification: &p.metric,
			},
		})
		if err != nil {
			return err
		}
	}
	return nil
}

type policy struct {
	name   string
	target float64
	metric aastypes.PredefinedMetricSpecification
}

func (d *deployer) policies() (all []policy) {
	if d.plan.TargetCPU > 0 {
		all = append(all, policy{"cpu", d.plan.TargetCPU, aastypes.PredefinedMetricSpecification{
			PredefinedMetricType: aastypes.MetricTypeECSServiceAverageCPUUtilization,
		}})
	}
	if d.plan.TargetRequests > 0 {
		all = append(all, policy{"requests", d.plan.TargetRequests, aastypes.PredefinedMetricSpecification{
			PredefinedMetricType: aastypes.MetricTypeALBRequestCountPerTarget, ResourceLabel: aws.String(d.service.balancer.label()),
		}})
	}
	return all
}
