package policydoc

import (
	"cmp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
)

func (p *plan) policy(d *Documents, r *resource) error {
	var s types.ScalingPolicy
	id, err := p.resourceID(r)
	if err != nil {
		return err
	}
	rename(r.Values, "name", "policy_name")
	rename(r.Values, "arn", "policy_arn")
	if err := into(r.Values, &s); err != nil {
		return err
	}
	s.ResourceId = &id
	// The provider sends 0 for a cooldown that is left out, and not nothing.
	if c := s.TargetTrackingScalingPolicyConfiguration; c != nil {
		c.ScaleInCooldown, c.ScaleOutCooldown = cmp.Or(c.ScaleInCooldown, aws.Int32(0)), cmp.Or(c.ScaleOutCooldown, aws.Int32(0))
	}
	labelKnownLater(&s)
	if s.PolicyType == "" {
		s.PolicyType = types.PolicyTypeStepScaling
	}
	if aws.ToString(s.PolicyARN) == "" {
		s.PolicyARN = aws.String(r.Address) // what alarms in the plan name
	}
	d.Policies = append(d.Policies, s)
	return nil
}

// unknownLabel stands for the load balancer of a metric that is known only after the apply.
// Which one it is makes no difference to a simulation.
const unknownLabel = "app/known-after-apply/0/targetgroup/known-after-apply/0"

// labelKnownLater gives the metrics of load balancers a label where the plan has none yet.
func labelKnownLater(s *types.ScalingPolicy) {
	if c := s.TargetTrackingScalingPolicyConfiguration; c != nil && c.PredefinedMetricSpecification != nil {
		if m := c.PredefinedMetricSpecification; m.PredefinedMetricType == types.MetricTypeALBRequestCountPerTarget {
			m.ResourceLabel = cmp.Or(m.ResourceLabel, aws.String(unknownLabel))
		}
	}
	c := s.PredictiveScalingPolicyConfiguration
	if c == nil {
		return
	}
	for _, m := range c.MetricSpecifications {
		if pair := m.PredefinedMetricPairSpecification; pair != nil && strings.Contains(aws.ToString(pair.PredefinedMetricType), "ALB") {
			pair.ResourceLabel = cmp.Or(pair.ResourceLabel, aws.String(unknownLabel))
		}
	}
}
