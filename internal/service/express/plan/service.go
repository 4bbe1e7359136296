package plan

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// Balancers are the load balancers of the service for ECS, which shifts traffic between
// the target groups by the listener rule.
func (p Parts) Balancers(s Settings) []types.LoadBalancer {
	return []types.LoadBalancer{{
		TargetGroupArn: &p.TargetGroups[0], ContainerName: aws.String(Container), ContainerPort: s.Container.ContainerPort,
		AdvancedConfiguration: &types.AdvancedConfiguration{
			AlternateTargetGroupArn: &p.TargetGroups[1], ProductionListenerRule: &p.Rule, RoleArn: &p.Role,
		},
	}}
}

// FargateStrategy has Fargate run the tasks.
func FargateStrategy() []types.CapacityProviderStrategyItem {
	return []types.CapacityProviderStrategyItem{{CapacityProvider: aws.String("FARGATE"), Base: 1, Weight: 1}}
}

// Service is the service for ECS.
func (p Parts) Service(s Settings, definition string, network *types.NetworkConfiguration, given []types.Tag) *ecs.CreateServiceInput {
	return &ecs.CreateServiceInput{
		Cluster: &p.Cluster, ServiceName: &p.Name, TaskDefinition: &definition, DesiredCount: s.Scaling.MinTaskCount,
		CapacityProviderStrategy: FargateStrategy(), PlatformVersion: aws.String("LATEST"), NetworkConfiguration: network,
		LoadBalancers: p.Balancers(s), HealthCheckGracePeriodSeconds: aws.Int32(300), SchedulingStrategy: types.SchedulingStrategyReplica,
		AvailabilityZoneRebalancing: types.AvailabilityZoneRebalancingEnabled, EnableECSManagedTags: true, PropagateTags: types.PropagateTagsService,
		DeploymentConfiguration: p.deployment(), Tags: given,
	}
}

// deployment is how new revisions take the place of others: with a twentieth of the
// requests for three minutes, then with all ("Updating an Amazon ECS Express Mode
// service"). The alarm and tasks that do not start take a deployment back.
func (p Parts) deployment() *types.DeploymentConfiguration {
	return &types.DeploymentConfiguration{
		Strategy: types.DeploymentStrategyCanary, BakeTimeInMinutes: aws.Int32(3),
		CanaryConfiguration:      &types.CanaryConfiguration{CanaryPercent: aws.Float64(5), CanaryBakeTimeInMinutes: aws.Int32(3)},
		DeploymentCircuitBreaker: &types.DeploymentCircuitBreaker{Enable: true, Rollback: true},
		Alarms:                   &types.DeploymentAlarms{Enable: true, Rollback: true, AlarmNames: []string{AlarmName(p.Cluster, p.Name)}},
	}
}
