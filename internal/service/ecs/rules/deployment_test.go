package rules

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

func TestADeploymentConfigurationThatIsRefused(t *testing.T) {
	pause := func(stages ...types.DeploymentLifecycleHookStage) []types.DeploymentLifecycleHook {
		return []types.DeploymentLifecycleHook{{TargetType: types.DeploymentLifecycleHookTargetTypePause, LifecycleStages: stages}}
	}
	early := func(percent int32, cleanup types.ServiceRevisionCleanup) *types.DeploymentEarlySuccessCriteria {
		return &types.DeploymentEarlySuccessCriteria{Enable: true, HealthyPercent: &percent, SourceServiceRevisionCleanup: cleanup}
	}
	breaker := func(kind types.ThresholdType, value int32) *types.DeploymentCircuitBreaker {
		return &types.DeploymentCircuitBreaker{Enable: true, ThresholdConfiguration: &types.ThresholdConfiguration{Type: kind, Value: value}}
	}
	const blueGreen, linear, canary = types.DeploymentStrategyBlueGreen, types.DeploymentStrategyLinear, types.DeploymentStrategyCanary
	for _, tt := range []struct {
		name string
		in   types.DeploymentConfiguration
		want string
	}{
		{"nothing", types.DeploymentConfiguration{}, ""},
		{"blue/green in place", types.DeploymentConfiguration{Strategy: blueGreen, MaximumPercent: aws.Int32(100)}, ""},
		{"rolling in place", types.DeploymentConfiguration{MaximumPercent: aws.Int32(100)},
			"InvalidParameterException: Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments."},
		{"more than all", types.DeploymentConfiguration{MinimumHealthyPercent: aws.Int32(101)}, "InvalidParameterException: minimumHealthyPercent must be at most 100"},
		{"less than all", types.DeploymentConfiguration{MaximumPercent: aws.Int32(99)}, "InvalidParameterException: maximumPercent must be at least 100"},
		{"another strategy", types.DeploymentConfiguration{Strategy: "RED"}, "InvalidParameterException: The deployment strategy RED is not valid."},
		{"a long bake", types.DeploymentConfiguration{Strategy: blueGreen, BakeTimeInMinutes: aws.Int32(1441)}, "InvalidParameterException: bakeTimeInMinutes must be between 0 and 1440."},
		{"the usual steps", types.DeploymentConfiguration{Strategy: linear}, ""},
		{"steps of tenths", types.DeploymentConfiguration{Strategy: linear, LinearConfiguration: &types.LinearConfiguration{StepPercent: aws.Float64(33.3)}}, ""},
		{"small steps", types.DeploymentConfiguration{Strategy: linear, LinearConfiguration: &types.LinearConfiguration{StepPercent: aws.Float64(2.9)}},
			"InvalidParameterException: stepPercent must be a multiple of 0.1 between 3.0 and 100.0."},
		{"steps of hundredths", types.DeploymentConfiguration{Strategy: linear, LinearConfiguration: &types.LinearConfiguration{StepPercent: aws.Float64(33.33)}},
			"InvalidParameterException: stepPercent must be a multiple of 0.1 between 3.0 and 100.0."},
		{"steps of a canary", types.DeploymentConfiguration{Strategy: canary, LinearConfiguration: &types.LinearConfiguration{}},
			"InvalidParameterException: linearConfiguration is only valid with the deployment strategy LINEAR."},
		{"a canary of nothing", types.DeploymentConfiguration{Strategy: canary, CanaryConfiguration: &types.CanaryConfiguration{CanaryPercent: aws.Float64(0)}},
			"InvalidParameterException: canaryPercent must be a multiple of 0.1 between 0.1 and 100.0."},
		{"a function", types.DeploymentConfiguration{Strategy: blueGreen, LifecycleHooks: asking(theFunction, "role")}, ""},
		{"a function in a shift", types.DeploymentConfiguration{Strategy: blueGreen, LifecycleHooks: asking(theFunction, "role", types.DeploymentLifecycleHookStageTestTrafficShift)}, ""},
		{"no function", types.DeploymentConfiguration{Strategy: blueGreen, LifecycleHooks: asking("arn:aws:sqs:us-east-1:123456789012:q", "role")},
			"InvalidParameterException: The hookTargetArn of a lifecycle hook must be the ARN of a Lambda function."},
		{"a function without a role", types.DeploymentConfiguration{Strategy: blueGreen, LifecycleHooks: asking(theFunction, "")},
			"InvalidParameterException: The roleArn of a lifecycle hook must be specified."},
		{"a function in a rolling deployment", types.DeploymentConfiguration{LifecycleHooks: asking(theFunction, "role")},
			"UnsupportedFeatureException: A lifecycle hook of a rolling deployment is not supported by this server."},
		{"a pause", types.DeploymentConfiguration{Strategy: blueGreen, LifecycleHooks: pause(types.DeploymentLifecycleHookStagePreScaleUp)}, ""},
		{"a pause in a shift", types.DeploymentConfiguration{Strategy: blueGreen, LifecycleHooks: pause(types.DeploymentLifecycleHookStageTestTrafficShift)},
			"InvalidParameterException: PAUSE hooks cannot be configured at the lifecycle stage TEST_TRAFFIC_SHIFT."},
		{"a pause nowhere", types.DeploymentConfiguration{Strategy: blueGreen, LifecycleHooks: pause()},
			"InvalidParameterException: A lifecycle hook must have at least one lifecycle stage."},
		{"alarms without names", types.DeploymentConfiguration{Alarms: &types.DeploymentAlarms{Enable: true}},
			"InvalidParameterException: alarmNames must have at least one name when deployment alarms are enabled."},
		{"another threshold", types.DeploymentConfiguration{DeploymentCircuitBreaker: breaker("PERCENT", 5)}, "InvalidParameterException: The type PERCENT of the circuit breaker threshold is not valid."},
		{"no failure", types.DeploymentConfiguration{DeploymentCircuitBreaker: breaker(types.ThresholdTypeCount, 0)},
			"InvalidParameterException: The value of the circuit breaker threshold must be at least 1."},
		{"early success", types.DeploymentConfiguration{MinimumHealthyPercent: aws.Int32(50), EarlySuccessCriteria: early(75, types.ServiceRevisionCleanupDeferred)}, ""},
		{"success below the minimum", types.DeploymentConfiguration{EarlySuccessCriteria: early(75, types.ServiceRevisionCleanupDeferred)},
			"InvalidParameterException: The healthyPercent of earlySuccessCriteria must be between minimumHealthyPercent and 100."},
		{"early success beside the source", types.DeploymentConfiguration{Strategy: blueGreen, EarlySuccessCriteria: early(100, types.ServiceRevisionCleanupDeferred)},
			"InvalidParameterException: earlySuccessCriteria is only valid with the deployment strategy ROLLING."},
	} {
		filled := DeploymentDefaults(&tt.in, nil, types.SchedulingStrategyReplica)
		if got := refusal(CheckDeploymentConfiguration(filled, types.SchedulingStrategyReplica)); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestAStrategyThatIsLeftTakesItsConfigurationWithIt(t *testing.T) {
	first := DeploymentDefaults(&types.DeploymentConfiguration{
		Strategy: types.DeploymentStrategyCanary, LifecycleHooks: []types.DeploymentLifecycleHook{{TargetType: types.DeploymentLifecycleHookTargetTypePause}},
	}, nil, types.SchedulingStrategyReplica)
	if c := first.CanaryConfiguration; *c.CanaryPercent != 5 || *c.CanaryBakeTimeInMinutes != 10 {
		t.Errorf("canary of %v %% for %d min", *c.CanaryPercent, *c.CanaryBakeTimeInMinutes)
	}
	second := DeploymentDefaults(&types.DeploymentConfiguration{Strategy: types.DeploymentStrategyRolling}, first, types.SchedulingStrategyReplica)
	if second.CanaryConfiguration != nil || second.LifecycleHooks != nil {
		t.Errorf("it keeps %+v and %+v", second.CanaryConfiguration, second.LifecycleHooks)
	}
}

func TestAdvancedConfigurationsThatAreRefused(t *testing.T) {
	def := &types.TaskDefinition{NetworkMode: types.NetworkModeAwsvpc, ContainerDefinitions: []types.ContainerDefinition{{
		Name: aws.String("web"), PortMappings: []types.PortMapping{{ContainerPort: aws.Int32(8080)}},
	}}}
	balancing := Balancing{
		Group: func(arn string) *elbtypes.TargetGroup {
			return map[string]*elbtypes.TargetGroup{"blue": {TargetType: elbtypes.TargetTypeEnumIp}, "green": {TargetType: elbtypes.TargetTypeEnumIp}}[arn]
		},
		Listen: func(arn string) bool { return arn == "rule" || arn == "test" },
	}
	whole := func(change func(*types.AdvancedConfiguration)) *types.AdvancedConfiguration {
		c := &types.AdvancedConfiguration{AlternateTargetGroupArn: aws.String("green"), ProductionListenerRule: aws.String("rule"), RoleArn: aws.String("role")}
		change(c)
		return c
	}
	for _, tt := range []struct {
		name string
		c    *types.AdvancedConfiguration
		want string
	}{
		{"whole", whole(func(c *types.AdvancedConfiguration) { c.TestListenerRule = aws.String("test") }), ""},
		{"none", nil, "InvalidParameterException: advancedConfiguration must be specified for each load balancer of a service with the deployment strategy BLUE_GREEN."},
		{"one group", whole(func(c *types.AdvancedConfiguration) { c.AlternateTargetGroupArn = nil }),
			"InvalidParameterException: alternateTargetGroupArn must be specified in advancedConfiguration."},
		{"no role", whole(func(c *types.AdvancedConfiguration) { c.RoleArn = nil }), "InvalidParameterException: roleArn must be specified in advancedConfiguration."},
		{"one group twice", whole(func(c *types.AdvancedConfiguration) { c.AlternateTargetGroupArn = aws.String("blue") }),
			"InvalidParameterException: alternateTargetGroupArn must be another target group than targetGroupArn."},
		{"an unknown group", whole(func(c *types.AdvancedConfiguration) { c.AlternateTargetGroupArn = aws.String("red") }),
			"InvalidParameterException: The target group with targetGroupArn red does not exist."},
		{"an unknown rule", whole(func(c *types.AdvancedConfiguration) { c.TestListenerRule = aws.String("none") }),
			"InvalidParameterException: The listener rule none does not exist."},
		{"one rule twice", whole(func(c *types.AdvancedConfiguration) { c.TestListenerRule = aws.String("rule") }),
			"InvalidParameterException: testListenerRule must be another listener rule than productionListenerRule."},
	} {
		lb := types.LoadBalancer{TargetGroupArn: aws.String("blue"), ContainerName: aws.String("web"), ContainerPort: aws.Int32(8080), AdvancedConfiguration: tt.c}
		if got := refusal(CheckLoadBalancers(def, []types.LoadBalancer{lb}, types.DeploymentStrategyBlueGreen, balancing)); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
	if got := refusal(CheckLoadBalancers(def, nil, types.DeploymentStrategyLinear, balancing)); got != "InvalidParameterException: The deployment strategy LINEAR requires a load balancer." {
		t.Errorf("without a load balancer: %s", got)
	}
}

const theFunction = "arn:aws:lambda:us-east-1:123456789012:function:hook"

// asking is a hook that asks a function, before tasks start unless it says when.
func asking(function, role string, stages ...types.DeploymentLifecycleHookStage) []types.DeploymentLifecycleHook {
	if stages == nil {
		stages = []types.DeploymentLifecycleHookStage{types.DeploymentLifecycleHookStagePreScaleUp}
	}
	return []types.DeploymentLifecycleHook{{HookTargetArn: &function, RoleArn: &role, LifecycleStages: stages}}
}
