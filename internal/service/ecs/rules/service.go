package rules

import (
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/service/ecs/fault"
)

// maxDesired is AWS's quota of tasks per service.
const maxDesired = 5000

// CheckNewService validates what can be seen without looking at the state, but for
// the tags.
func CheckNewService(in *ecs.CreateServiceInput) error {
	// First, since other controllers require other members.
	if err := checkConfiguration(in); err != nil {
		return err
	}
	switch {
	case !ValidName(aws.ToString(in.ServiceName)):
		return fault.InvalidParameter(`ServiceName must match ^[a-zA-Z0-9\-_]{1,255}$, but was %s`, aws.ToString(in.ServiceName))
	case aws.ToString(in.TaskDefinition) == "":
		return fault.InvalidParameter("TaskDefinition can not be blank.")
	case in.SchedulingStrategy != types.SchedulingStrategyDaemon && in.DesiredCount == nil:
		return fault.InvalidParameter("The desired count for the service must be specified.")
	case in.SchedulingStrategy == types.SchedulingStrategyDaemon && len(in.PlacementStrategy) > 0:
		return fault.InvalidParameter("The daemon scheduling strategy does not support placement strategies. Remove the placement strategy and try again")
	case in.SchedulingStrategy == types.SchedulingStrategyDaemon && in.AvailabilityZoneRebalancing == types.AvailabilityZoneRebalancingEnabled:
		return fault.InvalidParameter("The service couldn't be created because Availability Zone Rebalancing does not support DAEMON as scheduling strategy. Update scheduling strategy and try again.")
	case len(aws.ToString(in.ClientToken)) > 36:
		return fault.InvalidParameter("The client token can be at most 36 characters long.")
	}
	return CheckDaemonCount(in.SchedulingStrategy, in.DesiredCount)
}

// CheckServiceUpdate validates the change of a service.
func CheckServiceUpdate(in *ecs.UpdateServiceInput) error {
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
	if err := checkPlacement(in.LaunchType, in.PlacementConstraints, in.PlacementStrategy); err != nil {
		return err
	}
	if err := checkMonitoring(in.Monitoring); err != nil {
		return err
	}
	return checkUnservedFeatures(in.ServiceConnectConfiguration, map[string]bool{
		"serviceRegistries":        len(in.ServiceRegistries) > 0,
		"volumeConfigurations":     len(in.VolumeConfigurations) > 0,
		"vpcLatticeConfigurations": len(in.VpcLatticeConfigurations) > 0,
		"gatewayConnectors":        len(in.GatewayConnectors) > 0,
	})
}

// checkPlacement validates what is kept and shown; there is one machine to place
// tasks on.
func checkPlacement(launch types.LaunchType, constraints []types.PlacementConstraint, strategy []types.PlacementStrategy) error {
	fargate := launch == types.LaunchTypeFargate
	switch {
	case fargate && len(constraints) > 0:
		return fault.InvalidParameter("Placement constraints are not supported with FARGATE launch type.")
	case fargate && len(strategy) > 0:
		return fault.InvalidParameter("Placement strategies are not supported with FARGATE launch type.")
	case len(constraints) > 10:
		return fault.InvalidParameter("Placement constraints can have at most 10 items.")
	case len(strategy) > 5:
		return fault.InvalidParameter("Maximum number of strategies is 5")
	}
	for _, c := range constraints {
		if c.Type == "" || len(aws.ToString(c.Expression)) > 2000 {
			return fault.InvalidParameter("A placement constraint must have a type, and an expression of at most 2000 characters.")
		}
		if c.Type == types.PlacementConstraintTypeDistinctInstance && c.Expression != nil {
			return fault.InvalidParameter("distinctInstance expression should not be specified.")
		}
	}
	for _, s := range strategy {
		if field := aws.ToString(s.Field); s.Type == types.PlacementStrategyTypeBinpack && !strings.EqualFold(field, "cpu") && !strings.EqualFold(field, "memory") {
			return fault.InvalidParameter("binpack field '%s' is invalid", field)
		}
		if s.Type == types.PlacementStrategyTypeRandom && s.Field != nil {
			return fault.InvalidParameter("random field should not be specified.")
		}
		if s.Type == "" || len(aws.ToString(s.Field)) > 255 {
			return fault.InvalidParameter("A placement strategy must have a type, and a field of at most 255 characters.")
		}
	}
	return nil
}

// checkUnservedFeatures refuses what would be accepted and then not done.
func checkUnservedFeatures(connect *types.ServiceConnectConfiguration, given map[string]bool) error {
	if connect != nil && connect.Enabled {
		return fault.NotServed("Service Connect")
	}
	for _, member := range slices.Sorted(maps.Keys(given)) {
		if given[member] {
			return fault.NotServed(member)
		}
	}
	return nil
}

func checkDesired(n *int32) error {
	if n == nil {
		return nil
	}
	if *n < 0 {
		return fault.InvalidParameter("The desired count for the service must not be negative.")
	}
	if *n > maxDesired {
		return fault.InvalidParameter("The desired count for the service must be at most %d.", maxDesired)
	}
	return nil
}

// CheckDaemonCount refuses a desired count for a service that has one task on each
// host.
func CheckDaemonCount(scheduling types.SchedulingStrategy, desired *int32) error {
	if scheduling == types.SchedulingStrategyDaemon && desired != nil {
		return fault.InvalidParameter("The daemon scheduling strategy does not support a desired count for services. Remove the desired count value and try again.")
	}
	return nil
}

func checkController(c *types.DeploymentController) error {
	if c == nil || c.Type == "" || c.Type == types.DeploymentControllerTypeEcs {
		return nil
	}
	return fault.NotServed("The deployment controller " + string(c.Type))
}

func checkGracePeriod(seconds *int32) error {
	if aws.ToInt32(seconds) < 0 {
		return fault.InvalidParameter("The health check grace period must not be negative.")
	}
	return nil
}

// checkMonitoring validates the resolutions of a service's metrics.
func checkMonitoring(m *types.MonitoringConfiguration) error {
	if m == nil {
		return nil
	}
	if len(m.MetricConfigurations) > 5 {
		return fault.InvalidParameter("Metric configurations can have at most 5 items.")
	}
	for _, c := range m.MetricConfigurations {
		if n := aws.ToInt32(c.ResolutionSeconds); n != 20 && n != 60 {
			return fault.InvalidParameter("The resolution of a metric must be 20 or 60 seconds, not %d.", n)
		}
		if len(c.MetricNames) == 0 || len(c.MetricNames) > 5 {
			return fault.InvalidParameter("A metric configuration must have 1 to 5 metric names.")
		}
		for _, name := range c.MetricNames {
			if name != "CPUUtilization" && name != "MemoryUtilization" {
				return fault.InvalidParameter("Metric %s is not one of CPUUtilization and MemoryUtilization.", name)
			}
		}
	}
	return nil
}

// CanonicalPlacement names the instance as ECS shows it: "host" is another word
// for instanceId.
func CanonicalPlacement(strategy []types.PlacementStrategy) []types.PlacementStrategy {
	strategy = slices.Clone(strategy)
	for i := range strategy {
		if s := &strategy[i]; s.Type == types.PlacementStrategyTypeSpread && aws.ToString(s.Field) == "host" {
			s.Field = aws.String("instanceId")
		}
	}
	return strategy
}
