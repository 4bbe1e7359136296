package rules

import "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"

// A Policy is what a scaling policy is configured to do: one of three kinds, with
// the configuration of that kind.
type Policy struct {
	Type       types.PolicyType
	Tracking   *types.TargetTrackingScalingPolicyConfiguration `json:",omitempty"`
	Step       *types.StepScalingPolicyConfiguration           `json:",omitempty"`
	Predictive *types.PredictiveScalingPolicyConfiguration     `json:",omitempty"`
}

// Specification is a predictive policy's one metric specification.
func (p Policy) Specification() types.PredictiveScalingMetricSpecification {
	return p.Predictive.MetricSpecifications[0]
}
