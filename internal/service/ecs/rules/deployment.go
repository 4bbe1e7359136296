package rules

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/service/ecs/fault"
)

// longestBake is the most minutes that a deployment can wait for: a day.
const longestBake = 1440

// DeploymentDefaults fills in a deployment configuration: what a change leaves
// out keeps its value, and what nobody has said is AWS's default.
func DeploymentDefaults(in, old *types.DeploymentConfiguration, scheduling types.SchedulingStrategy) *types.DeploymentConfiguration {
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
		filled.MaximumPercent = cmp.Or(c.MaximumPercent, filled.MaximumPercent)
		filled.MinimumHealthyPercent = cmp.Or(c.MinimumHealthyPercent, filled.MinimumHealthyPercent)
		filled.DeploymentCircuitBreaker = cmp.Or(c.DeploymentCircuitBreaker, filled.DeploymentCircuitBreaker)
		filled.Alarms = cmp.Or(c.Alarms, filled.Alarms)
		filled.Strategy = cmp.Or(c.Strategy, filled.Strategy)
		filled.BakeTimeInMinutes = cmp.Or(c.BakeTimeInMinutes, filled.BakeTimeInMinutes)
		filled.LinearConfiguration = cmp.Or(c.LinearConfiguration, filled.LinearConfiguration)
		filled.CanaryConfiguration = cmp.Or(c.CanaryConfiguration, filled.CanaryConfiguration)
		if c.LifecycleHooks != nil {
			filled.LifecycleHooks = c.LifecycleHooks
		}
		filled.EarlySuccessCriteria = cmp.Or(c.EarlySuccessCriteria, filled.EarlySuccessCriteria)
	}
	if filled.Strategy == types.DeploymentStrategyRolling && (in == nil || in.LifecycleHooks == nil) {
		filled.LifecycleHooks = nil
	}
	return withSteps(&filled, in)
}

// withSteps fills in how a strategy shifts traffic. One that is left takes its
// configuration with it, unless a request gives that of another strategy.
func withSteps(c, in *types.DeploymentConfiguration) *types.DeploymentConfiguration {
	if c.Strategy == types.DeploymentStrategyLinear {
		l := types.LinearConfiguration{StepPercent: aws.Float64(10), StepBakeTimeInMinutes: aws.Int32(6)}
		if given := c.LinearConfiguration; given != nil {
			l.StepPercent = cmp.Or(given.StepPercent, l.StepPercent)
			l.StepBakeTimeInMinutes = cmp.Or(given.StepBakeTimeInMinutes, l.StepBakeTimeInMinutes)
		}
		c.LinearConfiguration = &l
	} else if in == nil || in.LinearConfiguration == nil {
		c.LinearConfiguration = nil
	}
	if c.Strategy == types.DeploymentStrategyCanary {
		n := types.CanaryConfiguration{CanaryPercent: aws.Float64(5), CanaryBakeTimeInMinutes: aws.Int32(10)}
		if given := c.CanaryConfiguration; given != nil {
			n.CanaryPercent = cmp.Or(given.CanaryPercent, n.CanaryPercent)
			n.CanaryBakeTimeInMinutes = cmp.Or(given.CanaryBakeTimeInMinutes, n.CanaryBakeTimeInMinutes)
		}
		c.CanaryConfiguration = &n
	} else if in == nil || in.CanaryConfiguration == nil {
		c.CanaryConfiguration = nil
	}
	return c
}

// CheckDeploymentConfiguration validates a configuration whose defaults are filled
// in.
func CheckDeploymentConfiguration(c *types.DeploymentConfiguration, scheduling types.SchedulingStrategy) error {
	rolling := c.Strategy == types.DeploymentStrategyRolling
	least, most := *c.MinimumHealthyPercent, *c.MaximumPercent
	switch {
	case !slices.Contains(c.Strategy.Values(), c.Strategy):
		return fault.InvalidParameter("The deployment strategy %s is not valid.", c.Strategy)
	case !rolling && scheduling == types.SchedulingStrategyDaemon:
		return fault.InvalidParameter("The daemon scheduling strategy does not support the deployment strategy %s.", c.Strategy)
	case least < 0:
		return fault.InvalidParameter("minimumHealthyPercent must be at least 0")
	case least > 100:
		return fault.InvalidParameter("minimumHealthyPercent must be at most 100")
	case most < 100:
		return fault.InvalidParameter("maximumPercent must be at least 100")
	case scheduling == types.SchedulingStrategyDaemon && most > 100:
		return fault.InvalidParameter("The daemon scheduling strategy does not support values above 100 for maximumPercent on a deployment configuration. Change the maximumPercent value to 100, and try again")
	case rolling && least == 100 && most == 100:
		return fault.InvalidParameter("Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments.")
	}
	for _, err := range []error{checkSteps(c), checkHooks(c), checkAlarms(c.Alarms), checkBreaker(c.DeploymentCircuitBreaker), checkEarlySuccess(c)} {
		if err != nil {
			return err
		}
	}
	return nil
}

// checkSteps validates how long a deployment bakes and how it shifts traffic.
func checkSteps(c *types.DeploymentConfiguration) error {
	if err := checkBake("bakeTimeInMinutes", c.BakeTimeInMinutes); err != nil {
		return err
	}
	if l := c.LinearConfiguration; l != nil {
		switch {
		case c.Strategy != types.DeploymentStrategyLinear:
			return fault.InvalidParameter("linearConfiguration is only valid with the deployment strategy LINEAR.")
		case !isShare(l.StepPercent, 3):
			return fault.InvalidParameter("stepPercent must be a multiple of 0.1 between 3.0 and 100.0.")
		}
		return checkBake("stepBakeTimeInMinutes", l.StepBakeTimeInMinutes)
	}
	if n := c.CanaryConfiguration; n != nil {
		switch {
		case c.Strategy != types.DeploymentStrategyCanary:
			return fault.InvalidParameter("canaryConfiguration is only valid with the deployment strategy CANARY.")
		case !isShare(n.CanaryPercent, 0.1):
			return fault.InvalidParameter("canaryPercent must be a multiple of 0.1 between 0.1 and 100.0.")
		}
		return checkBake("canaryBakeTimeInMinutes", n.CanaryBakeTimeInMinutes)
	}
	return nil
}

func checkBake(member string, minutes *int32) error {
	if n := aws.ToInt32(minutes); n < 0 || n > longestBake {
		return fault.InvalidParameter("%s must be between 0 and %d.", member, longestBake)
	}
	return nil
}

// isShare is whether a percentage is one of tenths, from a least one to all.
func isShare(percent *float64, least float64) bool {
	p := aws.ToFloat64(percent)
	return p >= least && p <= 100 && math.Abs(p*10-math.Round(p*10)) < 1e-6
}

// checkHooks validates lifecycle hooks.
func checkHooks(c *types.DeploymentConfiguration) error {
	if len(c.LifecycleHooks) > 0 && c.Strategy == types.DeploymentStrategyRolling {
		return fault.NotServed("A lifecycle hook of a rolling deployment")
	}
	for _, h := range c.LifecycleHooks {
		if len(h.LifecycleStages) == 0 {
			return fault.InvalidParameter("A lifecycle hook must have at least one lifecycle stage.")
		}
		for _, stage := range h.LifecycleStages {
			if !slices.Contains(stage.Values(), stage) {
				return fault.InvalidParameter("The lifecycle stage %s is not valid.", stage)
			}
		}
		check := checkFunctionHook
		if h.TargetType == types.DeploymentLifecycleHookTargetTypePause {
			check = checkPause
		}
		if err := check(h); err != nil {
			return err
		}
		if t := h.TimeoutConfiguration; t != nil && t.TimeoutInMinutes != nil && *t.TimeoutInMinutes < 1 {
			return fault.InvalidParameter("timeoutInMinutes must be at least 1.")
		}
	}
	return nil
}

func checkPause(h types.DeploymentLifecycleHook) error {
	for _, stage := range h.LifecycleStages {
		if stage == types.DeploymentLifecycleHookStageTestTrafficShift || stage == types.DeploymentLifecycleHookStageProductionTrafficShift {
			return fault.InvalidParameter("PAUSE hooks cannot be configured at the lifecycle stage %s.", stage)
		}
	}
	return nil
}

// checkFunctionHook validates a hook of the type AWS_LAMBDA, which is the default.
func checkFunctionHook(h types.DeploymentLifecycleHook) error {
	name, err := arn.Parse(aws.ToString(h.HookTargetArn))
	switch {
	case err != nil || name.Service != "lambda" || !strings.HasPrefix(name.Resource, "function:"):
		return fault.InvalidParameter("The hookTargetArn of a lifecycle hook must be the ARN of a Lambda function.")
	case aws.ToString(h.RoleArn) == "":
		return fault.InvalidParameter("The roleArn of a lifecycle hook must be specified.")
	case h.HookDetails != nil:
		return fault.NotServed("The member hookDetails of a lifecycle hook")
	}
	return nil
}

func checkAlarms(a *types.DeploymentAlarms) error {
	if a != nil && a.Enable && len(a.AlarmNames) == 0 {
		return fault.InvalidParameter("alarmNames must have at least one name when deployment alarms are enabled.")
	}
	return nil
}

func checkBreaker(b *types.DeploymentCircuitBreaker) error {
	t := b.ThresholdConfiguration
	switch {
	case t == nil:
		return nil
	case !slices.Contains(t.Type.Values(), t.Type):
		return fault.InvalidParameter("The type %s of the circuit breaker threshold is not valid.", t.Type)
	case t.Value < 1:
		return fault.InvalidParameter("The value of the circuit breaker threshold must be at least 1.")
	}
	return nil
}

func checkEarlySuccess(c *types.DeploymentConfiguration) error {
	e := c.EarlySuccessCriteria
	switch {
	case e == nil || !e.Enable:
		return nil
	case c.Strategy != types.DeploymentStrategyRolling:
		return fault.InvalidParameter("earlySuccessCriteria is only valid with the deployment strategy ROLLING.")
	case e.HealthyPercent == nil || e.SourceServiceRevisionCleanup == "":
		return fault.InvalidParameter("earlySuccessCriteria must have healthyPercent and sourceServiceRevisionCleanup when it is enabled.")
	case *e.HealthyPercent < *c.MinimumHealthyPercent || *e.HealthyPercent > 100:
		return fault.InvalidParameter("The healthyPercent of earlySuccessCriteria must be between minimumHealthyPercent and 100.")
	case !slices.Contains(e.SourceServiceRevisionCleanup.Values(), e.SourceServiceRevisionCleanup):
		return fault.InvalidParameter("The sourceServiceRevisionCleanup %s is not valid.", e.SourceServiceRevisionCleanup)
	}
	return nil
}
