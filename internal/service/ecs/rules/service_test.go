package rules

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

func TestAServiceRefusesAnotherResolution(t *testing.T) {
	for _, c := range []types.MetricConfiguration{
		{MetricNames: []string{"CPUUtilization"}, ResolutionSeconds: aws.Int32(30)},
		{MetricNames: []string{"CPUUtilization"}},
		{MetricNames: []string{"RunningTaskCount"}, ResolutionSeconds: aws.Int32(20)},
		{ResolutionSeconds: aws.Int32(20)},
	} {
		if err := checkMonitoring(&types.MonitoringConfiguration{MetricConfigurations: []types.MetricConfiguration{c}}); err == nil {
			t.Errorf("%+v is accepted", c)
		}
	}
}

func TestAServiceThatIsRefused(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   ecs.CreateServiceInput
		want string
	}{
		{"without a count", ecs.CreateServiceInput{}, "InvalidParameterException: The desired count for the service must be specified."},
		{"a negative count", ecs.CreateServiceInput{DesiredCount: aws.Int32(-1)}, "InvalidParameterException: The desired count for the service must not be negative."},
		{"more than the quota", ecs.CreateServiceInput{DesiredCount: aws.Int32(5001)}, "InvalidParameterException: The desired count for the service must be at most 5000."},
		{"a daemon with a count", ecs.CreateServiceInput{DesiredCount: aws.Int32(1), SchedulingStrategy: types.SchedulingStrategyDaemon},
			"InvalidParameterException: The daemon scheduling strategy does not support a desired count for services. Remove the desired count value and try again."},
		{"a daemon with a strategy", ecs.CreateServiceInput{SchedulingStrategy: types.SchedulingStrategyDaemon, PlacementStrategy: []types.PlacementStrategy{{Type: types.PlacementStrategyTypeRandom}}},
			"InvalidParameterException: The daemon scheduling strategy does not support placement strategies. Remove the placement strategy and try again"},
		{"a daemon spread over zones", ecs.CreateServiceInput{SchedulingStrategy: types.SchedulingStrategyDaemon, AvailabilityZoneRebalancing: types.AvailabilityZoneRebalancingEnabled},
			"InvalidParameterException: The service couldn't be created because Availability Zone Rebalancing does not support DAEMON as scheduling strategy. Update scheduling strategy and try again."},
		{"another controller", ecs.CreateServiceInput{DeploymentController: &types.DeploymentController{Type: types.DeploymentControllerTypeExternal}},
			"UnsupportedFeatureException: The deployment controller EXTERNAL is not supported by this server."},
		{"Service Connect", ecs.CreateServiceInput{ServiceConnectConfiguration: &types.ServiceConnectConfiguration{Enabled: true}},
			"UnsupportedFeatureException: Service Connect is not supported by this server."},
		{"a long client token", ecs.CreateServiceInput{DesiredCount: aws.Int32(1), ClientToken: aws.String(strings.Repeat("a", 37))},
			"InvalidParameterException: The client token can be at most 36 characters long."},
	} {
		tt.in.ServiceName, tt.in.TaskDefinition = aws.String("web"), aws.String("web")
		if got := refusal(CheckNewService(&tt.in)); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestFargatePlacesByItself(t *testing.T) {
	for want, placed := range map[string]struct {
		constraints []types.PlacementConstraint
		strategy    []types.PlacementStrategy
	}{
		"": {},
		"Placement constraints are not supported with FARGATE launch type.": {constraints: []types.PlacementConstraint{{Type: types.PlacementConstraintTypeDistinctInstance}}},
		"Placement strategies are not supported with FARGATE launch type.":  {strategy: []types.PlacementStrategy{{Type: types.PlacementStrategyTypeRandom}}},
	} {
		if _, got, _ := strings.Cut(refusal(checkPlacement(types.LaunchTypeFargate, placed.constraints, placed.strategy)), ": "); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestPlacementStrategiesThatAreRefused(t *testing.T) {
	for want, strategy := range map[string][]types.PlacementStrategy{
		"":                                      {{Type: types.PlacementStrategyTypeBinpack, Field: aws.String("MEMORY")}, {Type: types.PlacementStrategyTypeSpread, Field: aws.String("host")}},
		"binpack field 'host' is invalid":       {{Type: types.PlacementStrategyTypeBinpack, Field: aws.String("host")}},
		"random field should not be specified.": {{Type: types.PlacementStrategyTypeRandom, Field: aws.String("host")}},
		"Maximum number of strategies is 5":     slices.Repeat([]types.PlacementStrategy{{Type: types.PlacementStrategyTypeRandom}}, 6),
	} {
		if _, got, _ := strings.Cut(refusal(checkPlacement("", nil, strategy)), ": "); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestADeploymentConfigurationKeepsWhatAChangeLeavesOut(t *testing.T) {
	first := DeploymentDefaults(&types.DeploymentConfiguration{MaximumPercent: aws.Int32(150)}, nil, types.SchedulingStrategyReplica)
	if *first.MaximumPercent != 150 || *first.MinimumHealthyPercent != 100 {
		t.Errorf("filled in: at most %d, at least %d", *first.MaximumPercent, *first.MinimumHealthyPercent)
	}
	second := DeploymentDefaults(&types.DeploymentConfiguration{MinimumHealthyPercent: aws.Int32(50)}, first, types.SchedulingStrategyReplica)
	if *second.MaximumPercent != 150 || *second.MinimumHealthyPercent != 50 {
		t.Errorf("changed: at most %d, at least %d", *second.MaximumPercent, *second.MinimumHealthyPercent)
	}
	daemon := DeploymentDefaults(nil, nil, types.SchedulingStrategyDaemon)
	if *daemon.MaximumPercent != 100 || *daemon.MinimumHealthyPercent != 0 {
		t.Errorf("daemon: at most %d, at least %d", *daemon.MaximumPercent, *daemon.MinimumHealthyPercent)
	}
}
