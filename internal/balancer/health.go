package balancer

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// A health is what the checks of a registered target have come to. It is a value;
// "Health checks for Application Load Balancer target groups" has its rules.
type health struct {
	state       types.TargetHealthStateEnum // initial, healthy or unhealthy
	reason      types.TargetHealthReasonEnum
	description string
	successes   int // in a row
	failures    int
}

// registered is the health of a target that is new to its group.
func registered() health {
	return health{
		state:       types.TargetHealthStateEnumInitial,
		reason:      types.TargetHealthReasonEnumRegistrationInProgress,
		description: "Target registration is in progress",
	}
}

// checking is the health when the first check begins.
func (h health) checking() health {
	if h.reason == types.TargetHealthReasonEnumRegistrationInProgress {
		h.reason = types.TargetHealthReasonEnumInitialHealthChecking
		h.description = "Initial health checks in progress"
	}
	return h
}

// A verdict is what one check says. The zero verdict is a success.
type verdict struct {
	reason      types.TargetHealthReasonEnum
	description string
}

func wrongCode(code string) verdict {
	return verdict{types.TargetHealthReasonEnumResponseCodeMismatch, fmt.Sprintf("Health checks failed with these codes: [%s]", code)}
}

var (
	timedOut = verdict{types.TargetHealthReasonEnumTimeout, "Request timed out"}
	failed   = verdict{types.TargetHealthReasonEnumFailedHealthChecks, "Health checks failed"}
)

// after is the health after a check. A target becomes healthy with its first success,
// and only on the way back from unhealthy with as many in a row as the threshold says.
func (h health) after(v verdict, g *types.TargetGroup) health {
	if v == (verdict{}) {
		h.successes, h.failures = h.successes+1, 0
		if h.state == types.TargetHealthStateEnumInitial || h.successes >= int(aws.ToInt32(g.HealthyThresholdCount)) {
			return health{state: types.TargetHealthStateEnumHealthy, successes: h.successes}
		}
		return h
	}
	h.successes, h.failures = 0, h.failures+1
	if h.state == types.TargetHealthStateEnumUnhealthy || h.failures >= int(aws.ToInt32(g.UnhealthyThresholdCount)) {
		h.state, h.reason, h.description = types.TargetHealthStateEnumUnhealthy, v.reason, v.description
	}
	return h
}

// told is the health of a target as AWS describes it, which depends on its group, too.
func (t *target) told(used, checked bool) types.TargetHealth {
	tell := func(state types.TargetHealthStateEnum, reason types.TargetHealthReasonEnum, description string) types.TargetHealth {
		h := types.TargetHealth{State: state, Reason: reason}
		if description != "" {
			h.Description = &description
		}
		return h
	}
	switch {
	case !t.DrainUntil.IsZero():
		return tell(types.TargetHealthStateEnumDraining, types.TargetHealthReasonEnumDeregistrationInProgress,
			"Target deregistration is in progress")
	case !used:
		return tell(types.TargetHealthStateEnumUnused, types.TargetHealthReasonEnumNotInUse,
			"Target group is not configured to receive traffic from the load balancer")
	case !checked:
		return tell(types.TargetHealthStateEnumUnavailable, types.TargetHealthReasonEnumHealthCheckDisabled,
			"Health checks are not enabled for this target group")
	default:
		return tell(t.health.state, t.health.reason, t.health.description)
	}
}
