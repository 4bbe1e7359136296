package ecs

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// This file says which services are valid, in AWS's words.

// maxDesired is AWS's quota of tasks per service.
const maxDesired = 5000

// checkCreate validates what can be seen without looking at the state.
func checkCreate(in *ecs.CreateServiceInput) error {
	// First, since other controllers require other members.
	if err := checkConfiguration(in); err != nil {
		return err
	}
	daemon := in.SchedulingStrategy == types.SchedulingStrategyDaemon
	switch {
	case !validName(aws.ToString(in.ServiceName)):
		return invalidParameter("The service name can only contain letters, numbers, hyphens and underscores, up to 255 characters.")
	case aws.ToString(in.TaskDefinition) == "":
		return invalidParameter("TaskDefinition can not be blank.")
	case daemon && in.DesiredCount != nil:
		return errDaemonCount()
	case !daemon && in.DesiredCount == nil:
		return invalidParameter("The desired count for the service must be specified.")
	case len(aws.ToString(in.ClientToken)) > 36:
		return invalidParameter("The client token can be at most 36 characters long.")
	}
	return checkTags(in.Tags)
}

func checkUpdate(in *ecs.UpdateServiceInput) error {
	return checkConfiguration(&ecs.CreateServiceInput{
		DeploymentController:          in.DeploymentController,
		DesiredCount:                  in.DesiredCount,
		HealthCheckGracePeriodSeconds: in.HealthCheckGracePeriodSeconds,
		PlacementConstraints:          in.PlacementConstraints,
		PlacementStrategy:             in.PlacementStrategy,
		Monitoring:                    in.Monitoring,
		DeploymentConfiguration:       in.DeploymentConfiguration,
		ServiceConnectConfiguration:   in.ServiceConnectConfiguration,
		ServiceRegistries:             in.ServiceRegistries,
		VolumeConfigurations:          in.VolumeConfigurations,
		VpcLatticeConfigurations:      in.VpcLatticeConfigurations,
		GatewayConnectors:             in.GatewayConnectors,
	})
}

// checkConfiguration validates what a service may be created with and changed to.
func checkConfiguration(in *ecs.CreateServiceInput) error {
	if err := checkController(in.DeploymentController); err != nil {
		return err
	}
	if err := checkDesired(in.DesiredCount); err != nil {
		return err
	}
	if err := checkGracePeriod(in.HealthCheckGracePeriodSeconds); err != nil {
		return err
	}
	if err := checkPlacement(in.PlacementConstraints, in.PlacementStrategy); err != nil {
		return err
	}
	if err := checkMonitoring(in.Monitoring); err != nil {
		return err
	}
	return checkUnservedFeatures(in.ServiceConnectConfiguration, map[string]bool{
		"canaryConfiguration":      in.DeploymentConfiguration != nil && in.DeploymentConfiguration.CanaryConfiguration != nil,
		"linearConfiguration":      in.DeploymentConfiguration != nil && in.DeploymentConfiguration.LinearConfiguration != nil,
		"serviceRegistries":        len(in.ServiceRegistries) > 0,
		"volumeConfigurations":     len(in.VolumeConfigurations) > 0,
		"vpcLatticeConfigurations": len(in.VpcLatticeConfigurations) > 0,
		"gatewayConnectors":        len(in.GatewayConnectors) > 0,
	})
}

// checkCreateAgain decides about a service name that is taken.
func checkCreateAgain(old *service, in *ecs.CreateServiceInput) error {
	if old.status() == draining {
		return invalidParameter("Unable to Start a service that is still Draining.")
	}
	if token := aws.ToString(in.ClientToken); token == "" || token != old.clientToken {
		return invalidParameter("Creation of service was not idempotent.")
	}
	return nil
}

// checkPlacement validates what is kept and shown; there is one machine to place
// tasks on.
func checkPlacement(constraints []types.PlacementConstraint, strategy []types.PlacementStrategy) error {
	switch {
	case len(constraints) > 10:
		return invalidParameter("Placement constraints can have at most 10 items.")
	case len(strategy) > 5:
		return invalidParameter("Placement strategies can have at most 5 items.")
	}
	for _, c := range constraints {
		if c.Type == "" || len(aws.ToString(c.Expression)) > 2000 {
			return invalidParameter("A placement constraint must have a type, and an expression of at most 2000 characters.")
		}
	}
	for _, s := range strategy {
		if s.Type == "" || len(aws.ToString(s.Field)) > 255 {
			return invalidParameter("A placement strategy must have a type, and a field of at most 255 characters.")
		}
	}
	return nil
}

// checkUnservedFeatures refuses what would be accepted and then not done.
func checkUnservedFeatures(connect *types.ServiceConnectConfiguration, given map[string]bool) error {
	if connect != nil && connect.Enabled {
		return notServed("Service Connect")
	}
	for _, member := range sortedKeys(given) {
		if given[member] {
			return notServed(member)
		}
	}
	return nil
}

func checkDesired(n *int32) error {
	if n == nil {
		return nil
	}
	if *n < 0 {
		return invalidParameter("The desired count for the service must not be negative.")
	}
	if *n > maxDesired {
		return invalidParameter("The desired count for the service must be at most %d.", maxDesired)
	}
	return nil
}

func errDaemonCount() error {
	return invalidParameter("The daemon scheduling strategy does not support a desired count for services. Remove the desired count value and try again.")
}

func checkController(c *types.DeploymentController) error {
	if c == nil || c.Type == "" || c.Type == types.DeploymentControllerTypeEcs {
		return nil
	}
	return notServed("The deployment controller " + string(c.Type))
}

// canonicalStrategy names the instance as ECS shows it: "host" is another word
// for instanceId.
func canonicalStrategy(strategy []types.PlacementStrategy) []types.PlacementStrategy {
	strategy = slices.Clone(strategy)
	for i := range strategy {
		if s := &strategy[i]; s.Type == types.PlacementStrategyTypeSpread && aws.ToString(s.Field) == "host" {
			s.Field = aws.String("instanceId")
		}
	}
	return strategy
}

func checkGracePeriod(seconds *int32) error {
	if aws.ToInt32(seconds) < 0 {
		return invalidParameter("The health check grace period must not be negative.")
	}
	return nil
}

// checkMonitoring validates the resolutions of a service's metrics.
func checkMonitoring(m *types.MonitoringConfiguration) error {
	if m == nil {
		return nil
	}
	if len(m.MetricConfigurations) > 5 {
		return invalidParameter("Metric configurations can have at most 5 items.")
	}
	for _, c := range m.MetricConfigurations {
		if n := aws.ToInt32(c.ResolutionSeconds); n != 20 && n != 60 {
			return invalidParameter("The resolution of a metric must be 20 or 60 seconds, not %d.", n)
		}
		if len(c.MetricNames) == 0 || len(c.MetricNames) > 5 {
			return invalidParameter("A metric configuration must have 1 to 5 metric names.")
		}
		for _, name := range c.MetricNames {
			if name != "CPUUtilization" && name != "MemoryUtilization" {
				return invalidParameter("Metric %s is not one of CPUUtilization and MemoryUtilization.", name)
			}
		}
	}
	return nil
}

// checkRole refuses a role for calls to load balancers where none is called, or
// where only the service-linked role may.
func checkRole(role *string, def *definition, balancers []types.LoadBalancer) error {
	switch {
	case role == nil:
		return nil
	case def.api.NetworkMode == types.NetworkModeAwsvpc:
		return invalidParameter("You cannot specify an IAM role for services that require a service linked role.")
	case len(balancers) == 0:
		return invalidParameter("The role parameter is only valid for services configured to use load balancers.")
	}
	return nil
}

// checkLoadBalancers validates the load balancers of a service. The lock is held.
func (a *API) checkLoadBalancers(def *definition, balancers []types.LoadBalancer) error {
	if len(balancers) > 5 {
		return invalidParameter("A service can have at most 5 target groups.")
	}
	for _, lb := range balancers {
		group := aws.ToString(lb.TargetGroupArn)
		name := aws.ToString(lb.ContainerName)
		switch {
		case lb.LoadBalancerName != nil:
			return notServed("A Classic Load Balancer")
		case lb.AdvancedConfiguration != nil:
			return notServed("advancedConfiguration of a load balancer")
		case group == "":
			return invalidParameter("targetGroupArn or loadBalancerName must be specified.")
		case !def.container(name):
			return invalidParameter("The container %s does not exist in the task definition.", name)
		case !def.exposes(name, aws.ToInt32(lb.ContainerPort)):
			return invalidParameter("The container %s did not have a container port %d defined.", name, aws.ToInt32(lb.ContainerPort))
		case a.cfg.TargetGroups == nil || !a.cfg.TargetGroups.HasTargetGroup(group):
			return invalidParameter("The target group with targetGroupArn %s does not exist.", group)
		}
	}
	return nil
}

func (d *definition) exposes(container string, port int32) bool {
	for _, c := range d.api.ContainerDefinitions {
		if *c.Name == container {
			return slices.ContainsFunc(c.PortMappings, func(p types.PortMapping) bool { return aws.ToInt32(p.ContainerPort) == port })
		}
	}
	return false
}

// deploymentDefaults fills in a deployment configuration: what a change leaves
// out keeps its value, and what nobody has said is AWS's default.
func deploymentDefaults(in, old *types.DeploymentConfiguration, scheduling types.SchedulingStrategy) *types.DeploymentConfiguration {
	filled := types.DeploymentConfiguration{
		DeploymentCircuitBreaker: &types.DeploymentCircuitBreaker{},
		MaximumPercent:           aws.Int32(200),
		MinimumHealthyPercent:    aws.Int32(100),
		Strategy:                 types.DeploymentStrategyRolling,
		BakeTimeInMinutes:        aws.Int32(0),
	}
	if scheduling == types.SchedulingStrategyDaemon {
		filled.MaximumPercent, filled.MinimumHealthyPercent = aws.Int32(100), aws.Int32(0)
	}
	for _, c := range []*types.DeploymentConfiguration{old, in} {
		if c == nil {
			continue
		}
		filled.MaximumPercent = orElse(c.MaximumPercent, filled.MaximumPercent)
		filled.MinimumHealthyPercent = orElse(c.MinimumHealthyPercent, filled.MinimumHealthyPercent)
		if c.DeploymentCircuitBreaker != nil {
			filled.DeploymentCircuitBreaker = c.DeploymentCircuitBreaker
		}
		if c.Alarms != nil {
			filled.Alarms = c.Alarms
		}
		if c.Strategy != "" {
			filled.Strategy = c.Strategy
		}
		filled.BakeTimeInMinutes = orElse(c.BakeTimeInMinutes, filled.BakeTimeInMinutes)
		filled.LifecycleHooks = c.LifecycleHooks
		if c.EarlySuccessCriteria != nil {
			filled.EarlySuccessCriteria = c.EarlySuccessCriteria
		}
	}
	return &filled
}

func checkDeploymentConfiguration(c *types.DeploymentConfiguration) error {
	least, most := *c.MinimumHealthyPercent, *c.MaximumPercent
	switch {
	case c.Strategy != types.DeploymentStrategyRolling:
		return notServed("The deployment strategy " + string(c.Strategy))
	case c.Alarms != nil && c.Alarms.Enable:
		return notServed("deploymentConfiguration.alarms")
	case len(c.LifecycleHooks) > 0:
		return notServed("A deployment lifecycle hook")
	case aws.ToInt32(c.BakeTimeInMinutes) != 0:
		return notServed("A bake time for rolling deployments")
	case c.EarlySuccessCriteria != nil:
		return notServed("earlySuccessCriteria")
	case least < 0 || least > 100:
		return invalidParameter("The minimumHealthyPercent must be between 0 and 100.")
	case most < 100:
		return invalidParameter("The maximumPercent must be at least 100.")
	case least == 100 && most == 100:
		return invalidParameter("Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments.")
	}
	if t := c.DeploymentCircuitBreaker.ThresholdConfiguration; t != nil && t.Value < 1 {
		return invalidParameter("The value of the circuit breaker threshold must be at least 1.")
	}
	return nil
}

// resolve fills in how tasks are launched, and checks that the cluster and the
// task definition allow it.
func (l launch) resolve(c *cluster, def *definition) (launch, error) {
	if l.LaunchType != "" && len(l.Strategy) > 0 {
		return l, invalidParameter("Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.")
	}
	if l.LaunchType == types.LaunchTypeManagedInstances {
		return l, notServed("The launch type MANAGED_INSTANCES")
	}
	if l.LaunchType == "" && len(l.Strategy) == 0 {
		l.Strategy = c.api.DefaultCapacityProviderStrategy
	}
	if err := checkStrategy(l.Strategy, c.api.CapacityProviders); err != nil {
		return l, err
	}
	if l.LaunchType == "" && len(l.Strategy) == 0 {
		l.LaunchType = types.LaunchTypeEc2
	}
	fargate := l.runsAs() == types.LaunchTypeFargate
	if err := checkCompatible(l, def, fargate); err != nil {
		return l, err
	}
	if fargate && aws.ToString(l.PlatformVersion) == "" {
		l.PlatformVersion = aws.String("LATEST")
	}
	l.Network = networkDefaults(l.Network)
	return l, checkNetwork(l.Network, def)
}

func networkDefaults(n *types.NetworkConfiguration) *types.NetworkConfiguration {
	if n == nil || n.AwsvpcConfiguration == nil {
		return nil
	}
	vpc := *n.AwsvpcConfiguration
	vpc.SecurityGroups = orEmpty(vpc.SecurityGroups)
	if vpc.AssignPublicIp == "" {
		vpc.AssignPublicIp = types.AssignPublicIpDisabled
	}
	return &types.NetworkConfiguration{AwsvpcConfiguration: &vpc}
}

func checkCompatible(l launch, def *definition, fargate bool) error {
	switch {
	case fargate && !def.supports(types.CompatibilityFargate):
		return invalidParameter("Task definition does not support launch_type FARGATE.")
	case l.LaunchType == types.LaunchTypeExternal && !def.supports(types.CompatibilityExternal):
		return invalidParameter("Task definition does not support launch_type EXTERNAL.")
	case !fargate && l.PlatformVersion != nil:
		return invalidParameter("The platform version must be null when specifying an EC2 launch type.")
	case fargate && !slices.Contains([]string{"", "LATEST", "1.3.0", "1.4.0"}, aws.ToString(l.PlatformVersion)):
		return &types.PlatformUnknownException{Message: aws.String("The specified platform does not exist.")}
	}
	return nil
}

func checkNetwork(n *types.NetworkConfiguration, def *definition) error {
	awsvpc := def.api.NetworkMode == types.NetworkModeAwsvpc
	given := n != nil && n.AwsvpcConfiguration != nil
	switch {
	case awsvpc && !given:
		return invalidParameter("Network Configuration must be provided when networkMode 'awsvpc' is specified.")
	case !awsvpc && given:
		return invalidParameter("Network Configuration is not valid for the given networkMode of this task definition.")
	case !given:
		return nil
	}
	vpc := n.AwsvpcConfiguration
	switch {
	case len(vpc.Subnets) == 0:
		return invalidParameter("subnets can not be empty.")
	case len(vpc.Subnets) > 16:
		return invalidParameter("subnets can have at most 16 items.")
	case len(vpc.SecurityGroups) > 5:
		return invalidParameter("securityGroups can have at most 5 items.")
	}
	return nil
}
