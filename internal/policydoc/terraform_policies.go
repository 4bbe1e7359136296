package policydoc

import (
	"cmp"

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
