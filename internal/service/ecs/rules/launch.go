package rules

import (
	"cmp"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/service/ecs/fault"
)

// A Launch is how the tasks of a deployment are started, besides their
// definition.
type Launch struct {
	LaunchType      types.LaunchType
	Strategy        []types.CapacityProviderStrategyItem
	Network         *types.NetworkConfiguration
	PlatformVersion *string
	LoadBalancers   []types.LoadBalancer
	// Zones are the availability zones of the subnets, in their order.
	Zones []string `json:",omitempty"`
}

// Subnets are those that tasks may be in, if they have network interfaces.
func (l Launch) Subnets() []string {
	if l.Network == nil {
		return nil
	}
	return l.Network.AwsvpcConfiguration.Subnets
}

// Zone is the availability zone of a subnet, or "".
func (l Launch) Zone(subnet string) string {
	if at := slices.Index(l.Subnets(), subnet); at >= 0 && at < len(l.Zones) {
		return l.Zones[at]
	}
	return ""
}

// Changed is the launch with the changes of an update.
func (l Launch) Changed(in *ecs.UpdateServiceInput) Launch {
	if in.NetworkConfiguration != nil {
		l.Network = networkDefaults(in.NetworkConfiguration)
	}
	if in.PlatformVersion != nil {
		l.PlatformVersion = in.PlatformVersion
	}
	if in.CapacityProviderStrategy != nil && !sameStrategy(l.Strategy, in.CapacityProviderStrategy) {
		l.LaunchType, l.Strategy = "", in.CapacityProviderStrategy
	}
	if in.LoadBalancers != nil {
		l.LoadBalancers = slices.Concat(in.LoadBalancers) // nil for none
	}
	return l
}

// CheckChange refuses another capacity provider strategy where no new deployment is
// forced, although the change would start one.
func (l Launch) CheckChange(to Launch, forced bool) error {
	if !forced && !sameStrategy(l.Strategy, to.Strategy) {
		return fault.InvalidParameter("When switching from launch type to capacity provider strategy on an existing service, or making a change to a capacity provider strategy on a service that is already using one, you must force a new deployment.")
	}
	return nil
}

// sameStrategy is whether two strategies deal tasks out alike, in whatever order
// they name the providers.
func sameStrategy(x, y []types.CapacityProviderStrategyItem) bool {
	inOrder := func(items []types.CapacityProviderStrategyItem) []types.CapacityProviderStrategyItem {
		return slices.SortedFunc(slices.Values(items), func(x, y types.CapacityProviderStrategyItem) int {
			return cmp.Compare(aws.ToString(x.CapacityProvider), aws.ToString(y.CapacityProvider))
		})
	}
	return slices.EqualFunc(inOrder(x), inOrder(y), func(x, y types.CapacityProviderStrategyItem) bool {
		return aws.ToString(x.CapacityProvider) == aws.ToString(y.CapacityProvider) && x.Base == y.Base && x.Weight == y.Weight
	})
}

// RunsAs is the launch type that the tasks show. A strategy's providers are all
// of Fargate or none is.
func (l Launch) RunsAs() types.LaunchType {
	switch {
	case len(l.Strategy) == 0:
		return l.LaunchType
	case OfFargate(aws.ToString(l.Strategy[0].CapacityProvider)):
		return types.LaunchTypeFargate
	}
	return types.LaunchTypeEc2
}

// Resolve fills in how tasks are launched, and checks that the cluster and the
// task definition allow it.
func (l Launch) Resolve(cluster *types.Cluster, def *types.TaskDefinition) (Launch, error) {
	if l.LaunchType != "" && len(l.Strategy) > 0 {
		return l, fault.InvalidParameter("Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.")
	}
	if l.LaunchType == types.LaunchTypeManagedInstances {
		return l, fault.NotServed("The launch type MANAGED_INSTANCES")
	}
	if l.LaunchType == "" && len(l.Strategy) == 0 {
		l.Strategy = cluster.DefaultCapacityProviderStrategy
	}
	if err := CheckStrategy(l.Strategy, cluster.CapacityProviders); err != nil {
		return l, err
	}
	if l.LaunchType == "" && len(l.Strategy) == 0 {
		l.LaunchType = types.LaunchTypeEc2
	}
	fargate := l.RunsAs() == types.LaunchTypeFargate
	if err := checkCompatible(l, def, fargate); err != nil {
		return l, err
	}
	if fargate && aws.ToString(l.PlatformVersion) == "" {
		l.PlatformVersion = aws.String("LATEST")
	}
	l.Network = networkDefaults(l.Network)
	l.LoadBalancers = slices.Concat(l.LoadBalancers)
	return l, checkNetwork(l, def)
}

func networkDefaults(n *types.NetworkConfiguration) *types.NetworkConfiguration {
	if n == nil || n.AwsvpcConfiguration == nil {
		return nil
	}
	vpc := *n.AwsvpcConfiguration
	vpc.SecurityGroups = append([]string{}, vpc.SecurityGroups...)
	if vpc.AssignPublicIp == "" {
		vpc.AssignPublicIp = types.AssignPublicIpDisabled
	}
	return &types.NetworkConfiguration{AwsvpcConfiguration: &vpc}
}

func checkCompatible(l Launch, def *types.TaskDefinition, fargate bool) error {
	switch {
	case fargate && !slices.Contains(def.Compatibilities, types.CompatibilityFargate):
		return fault.InvalidParameter("Task definition does not support launch_type FARGATE.")
	case l.LaunchType == types.LaunchTypeExternal && !slices.Contains(def.Compatibilities, types.CompatibilityExternal):
		return fault.InvalidParameter("Task definition does not support launch_type EXTERNAL.")
	case !fargate && l.PlatformVersion != nil:
		return fault.InvalidParameter("The platform version must be null when specifying an EC2 launch type.")
	case fargate && !slices.Contains([]string{"", "LATEST", "1.3.0", "1.4.0"}, aws.ToString(l.PlatformVersion)):
		return &types.PlatformUnknownException{Message: aws.String("The specified platform does not exist.")}
	}
	return nil
}

func checkNetwork(l Launch, def *types.TaskDefinition) error {
	n := l.Network
	awsvpc := def.NetworkMode == types.NetworkModeAwsvpc
	given := n != nil && n.AwsvpcConfiguration != nil
	switch {
	case awsvpc && !given:
		return fault.InvalidParameter("Network Configuration must be provided when networkMode 'awsvpc' is specified.")
	case !awsvpc && given:
		return fault.InvalidParameter("Network Configuration is not valid for the given networkMode of this task definition.")
	case !given:
		return nil
	}
	vpc := n.AwsvpcConfiguration
	switch {
	case len(vpc.Subnets) == 0:
		return fault.InvalidParameter("subnets can not be empty.")
	case len(vpc.Subnets) > 16:
		return fault.InvalidParameter("subnets can have at most 16 items.")
	case vpc.AssignPublicIp == types.AssignPublicIpEnabled && l.LaunchType == types.LaunchTypeEc2:
		return fault.InvalidParameter("Assign public IP is not supported for this launch type.")
	case len(vpc.SecurityGroups) > 5:
		return fault.InvalidParameter("securityGroups can have at most 5 items.")
	}
	return nil
}
