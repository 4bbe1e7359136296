package rules

import (
	"cmp"

	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"

	"flyball/internal/service/autoscaling/fault"
	"flyball/scaling"
)

// With is the policy as a request changes it. A member that is left out keeps its
// value.
func (p Policy) With(in *applicationautoscaling.PutScalingPolicyInput) (Policy, error) {
	// AWS had step scaling first, and takes it for policies that name no type.
	kind := cmp.Or(in.PolicyType, p.Type, types.PolicyTypeStepScaling)
	if p.Type != "" && kind != p.Type {
		return p, fault.Invalid("The type of a scaling policy cannot be changed: %s is a %s policy", *in.PolicyName, p.Type)
	}
	for _, c := range []struct {
		kind  types.PolicyType
		given bool
	}{
		{types.PolicyTypeStepScaling, in.StepScalingPolicyConfiguration != nil},
		{types.PolicyTypeTargetTrackingScaling, in.TargetTrackingScalingPolicyConfiguration != nil},
		{types.PolicyTypePredictiveScaling, in.PredictiveScalingPolicyConfiguration != nil},
	} {
		if c.given && c.kind != kind {
			return p, fault.Invalid("%sPolicyConfiguration cannot be specified for policy type %s", c.kind, kind)
		}
	}
	return Policy{
		Type:       kind,
		Tracking:   cmp.Or(in.TargetTrackingScalingPolicyConfiguration, p.Tracking),
		Step:       cmp.Or(in.StepScalingPolicyConfiguration, p.Step),
		Predictive: cmp.Or(withDefaults(in.PredictiveScalingPolicyConfiguration), p.Predictive),
	}, nil
}

// Compile makes the rule that the policy follows for a kind of resource, or says what
// is wrong with the policy. Predictive scaling has no rule: no alarm calls it. Functions
// have no other policies than those of target tracking ("PutScalingPolicy").
func (p Policy) Compile(k scaling.Kind) (scaling.Policy, error) {
	switch {
	case k == scaling.Functions && p.Type != types.PolicyTypeTargetTrackingScaling:
		return nil, fault.Invalid("Policy type %s is not supported for service namespace %s", p.Type, namespace(k))
	case p.Type == types.PolicyTypeTargetTrackingScaling && p.Tracking != nil:
		return compileTracking(k, p.Tracking)
	case p.Type == types.PolicyTypeStepScaling && p.Step != nil:
		return compileStep(p.Step)
	case p.Type == types.PolicyTypePredictiveScaling && p.Predictive != nil:
		return nil, checkPredictive(p.Predictive)
	}
	return nil, fault.Invalid("%s policy configuration must be specified", p.Type)
}
