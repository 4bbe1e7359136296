package rules

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

var (
	subnets  = &types.NetworkConfiguration{AwsvpcConfiguration: &types.AwsVpcConfiguration{Subnets: []string{"subnet-1"}}}
	fargate  = &types.TaskDefinition{NetworkMode: types.NetworkModeAwsvpc, Compatibilities: []types.Compatibility{types.CompatibilityEc2, types.CompatibilityFargate}}
	bridged  = &types.TaskDefinition{NetworkMode: types.NetworkModeBridge, Compatibilities: []types.Compatibility{types.CompatibilityExternal, types.CompatibilityEc2}}
	ofSpot   = []types.CapacityProviderStrategyItem{{CapacityProvider: aws.String("FARGATE_SPOT"), Weight: 1}}
	withSpot = &types.Cluster{CapacityProviders: []string{"FARGATE", "FARGATE_SPOT"}, DefaultCapacityProviderStrategy: ofSpot}
)

func TestLaunchesAreFilledIn(t *testing.T) {
	for _, tt := range []struct {
		name     string
		launch   Launch
		cluster  *types.Cluster
		def      *types.TaskDefinition
		runsAs   types.LaunchType
		platform string
	}{
		{"nothing said is EC2", Launch{}, &types.Cluster{}, bridged, types.LaunchTypeEc2, ""},
		{"Fargate has the latest platform", Launch{LaunchType: types.LaunchTypeFargate, Network: subnets}, &types.Cluster{}, fargate, types.LaunchTypeFargate, "LATEST"},
		{"the cluster's strategy counts where none is given", Launch{Network: subnets}, withSpot, fargate, types.LaunchTypeFargate, "LATEST"},
		{"a launch type counts before the cluster's strategy", Launch{LaunchType: types.LaunchTypeEc2}, withSpot, bridged, types.LaunchTypeEc2, ""},
	} {
		l, err := tt.launch.Resolve(tt.cluster, tt.def)
		if err != nil || l.RunsAs() != tt.runsAs || aws.ToString(l.PlatformVersion) != tt.platform {
			t.Errorf("%s: runs as %s on platform %q, %v", tt.name, l.RunsAs(), aws.ToString(l.PlatformVersion), err)
		}
	}
}

func TestLaunchesThatAreRefused(t *testing.T) {
	for _, tt := range []struct {
		name   string
		launch Launch
		def    *types.TaskDefinition
		want   string
	}{
		{"a launch type and a strategy", Launch{LaunchType: types.LaunchTypeFargate, Strategy: ofSpot}, fargate,
			"InvalidParameterException: Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again."},
		{"two bases", Launch{Strategy: []types.CapacityProviderStrategyItem{{CapacityProvider: aws.String("FARGATE_SPOT"), Base: 1, Weight: 1}, {CapacityProvider: aws.String("FARGATE_SPOT"), Base: 1, Weight: 1}}, Network: subnets}, fargate,
			"InvalidParameterException: There are multiple capacity providers in the specified capacity provider strategy with a base value greater than zero. Only one capacity provider can have a base value greater than zero. Specify a valid capacity provider strategy and try again."},
		{"Fargate with a definition for EC2", Launch{LaunchType: types.LaunchTypeFargate}, bridged,
			"InvalidParameterException: Task definition does not support launch_type FARGATE."},
		{"a platform on EC2", Launch{LaunchType: types.LaunchTypeEc2, PlatformVersion: aws.String("LATEST")}, bridged,
			"InvalidParameterException: The platform version must be null when specifying an EC2 launch type."},
		{"a public address on EC2", Launch{LaunchType: types.LaunchTypeEc2, Network: &types.NetworkConfiguration{AwsvpcConfiguration: &types.AwsVpcConfiguration{
			Subnets: []string{"subnet-1"}, AssignPublicIp: types.AssignPublicIpEnabled}}}, fargate,
			"InvalidParameterException: Assign public IP is not supported for this launch type."},
		{"a platform that is none", Launch{LaunchType: types.LaunchTypeFargate, PlatformVersion: aws.String("2"), Network: subnets}, fargate,
			"PlatformUnknownException: The specified platform does not exist."},
		{"awsvpc without subnets", Launch{LaunchType: types.LaunchTypeFargate}, fargate,
			"InvalidParameterException: Network Configuration must be provided when networkMode 'awsvpc' is specified."},
		{"subnets without awsvpc", Launch{LaunchType: types.LaunchTypeEc2, Network: subnets}, bridged,
			"InvalidParameterException: Network Configuration is not valid for the given networkMode of this task definition."},
	} {
		if _, err := tt.launch.Resolve(withSpot, tt.def); refusal(err) != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, refusal(err), tt.want)
		}
	}
}

func TestLoadBalancersNameAPortOfTheDefinition(t *testing.T) {
	def := &types.TaskDefinition{NetworkMode: types.NetworkModeAwsvpc, ContainerDefinitions: []types.ContainerDefinition{{
		Name: aws.String("web"), PortMappings: []types.PortMapping{{ContainerPort: aws.Int32(8080)}},
	}}}
	find := func(arn string) *elbtypes.TargetGroup {
		return map[string]*elbtypes.TargetGroup{
			"blue":      {TargetType: elbtypes.TargetTypeEnumIp, LoadBalancerArns: []string{"web"}},
			"idle":      {TargetType: elbtypes.TargetTypeEnumIp},
			"instances": {TargetType: elbtypes.TargetTypeEnumInstance, LoadBalancerArns: []string{"web"}},
		}[arn]
	}
	for _, tt := range []struct {
		group, container string
		port             int32
		want             string
	}{
		{"blue", "web", 8080, ""},
		{"green", "web", 8080, "InvalidParameterException: The target group with targetGroupArn green does not exist."},
		{"blue", "db", 8080, "InvalidParameterException: The container db does not exist in the task definition."},
		{"blue", "web", 80, "InvalidParameterException: The container web did not have a container port 80 defined."},
		{"idle", "web", 8080, "InvalidParameterException: The target group with targetGroupArn idle does not have an associated load balancer."},
		{"instances", "web", 8080, "InvalidParameterException: The provided target group instances has target type instance, which is incompatible with the awsvpc network mode specified in the task definition."},
		{"", "web", 8080, "InvalidParameterException: targetGroupArn or loadBalancerName must be specified."},
	} {
		lb := types.LoadBalancer{TargetGroupArn: &tt.group, ContainerName: &tt.container, ContainerPort: &tt.port}
		if got := refusal(CheckLoadBalancers(def, []types.LoadBalancer{lb}, types.DeploymentStrategyRolling, Balancing{Group: find})); got != tt.want {
			t.Errorf("%s at %s:%d: %s, want %s", tt.group, tt.container, tt.port, got, tt.want)
		}
	}
}

func TestAnotherStrategyTakesAForcedDeployment(t *testing.T) {
	item := func(provider string, base, weight int32) types.CapacityProviderStrategyItem {
		return types.CapacityProviderStrategyItem{CapacityProvider: &provider, Base: base, Weight: weight}
	}
	mixed := Launch{Strategy: []types.CapacityProviderStrategyItem{item("FARGATE_SPOT", 0, 10), item("FARGATE", 0, 1)}}
	for _, tt := range []struct {
		name    string
		from    Launch
		to      []types.CapacityProviderStrategyItem
		forced  bool
		refused bool
	}{
		{"none is given", mixed, nil, false, false},
		{"the same", mixed, mixed.Strategy, false, false},
		{"the same in another order", mixed, []types.CapacityProviderStrategyItem{item("FARGATE", 0, 1), item("FARGATE_SPOT", 0, 10)}, false, false},
		{"one provider less", mixed, []types.CapacityProviderStrategyItem{item("FARGATE", 0, 1)}, false, true},
		{"one provider less, forced", mixed, []types.CapacityProviderStrategyItem{item("FARGATE", 0, 1)}, true, false},
		{"another weight", mixed, []types.CapacityProviderStrategyItem{item("FARGATE_SPOT", 0, 10), item("FARGATE", 0, 2)}, false, true},
		{"a base", mixed, []types.CapacityProviderStrategyItem{item("FARGATE_SPOT", 0, 10), item("FARGATE", 1, 1)}, false, true},
		{"in place of a launch type", Launch{LaunchType: types.LaunchTypeFargate}, mixed.Strategy, false, true},
		{"in place of a launch type, forced", Launch{LaunchType: types.LaunchTypeFargate}, mixed.Strategy, true, false},
	} {
		to := tt.from.Changed(&ecs.UpdateServiceInput{CapacityProviderStrategy: tt.to})
		if err := tt.from.CheckChange(to, tt.forced); (err != nil) != tt.refused {
			t.Errorf("%s: %v, want refused: %v", tt.name, err, tt.refused)
		}
	}
}
