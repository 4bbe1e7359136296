package autoscaling

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/uuid"

	"flyball/internal/page"
	"flyball/internal/service/autoscaling/fault"
	"flyball/internal/service/autoscaling/rules"
	"flyball/internal/state"
	"flyball/scaling"
)

// maxPolicies is how many scaling policies a target can have.
const maxPolicies = 50

// scalingPolicies are the operations of scaling policies.
type scalingPolicies struct {
	*host
	targetGroups func(context.Context, scaling.ResourceID) ([]string, error) // if set
	backlogs     Backlogs
}

// PutScalingPolicy creates or changes a policy. For target tracking its alarms are
// part of the change.
func (ps *scalingPolicies) PutScalingPolicy(ctx context.Context, in *applicationautoscaling.PutScalingPolicyInput, _ ...func(*applicationautoscaling.Options)) (*applicationautoscaling.PutScalingPolicyOutput, error) {
	id, err := rules.Resource(in.ServiceNamespace, in.ResourceId, in.ScalableDimension)
	if err != nil {
		return nil, err
	}
	if aws.ToString(in.PolicyName) == "" {
		return nil, fault.Invalid("PolicyName must be specified")
	}
	if ps.lookup(ctx, id) == nil {
		return nil, fault.TargetNotRegistered(rules.Key(id))
	}
	if err := ps.checkQueue(ctx, in.TargetTrackingScalingPolicyConfiguration); err != nil {
		return nil, err
	}
	if err := probe(ctx, ps.alarms.client, ps.now(), in.PredictiveScalingPolicyConfiguration); err != nil {
		return nil, err
	}
	roles, err := ps.roles.open()
	if err != nil {
		return nil, err
	}
	var p *policy
	err = ps.change(ctx, id, fault.TargetNotRegistered, func(ctx context.Context, tx *state.Tx, t *target) (*target, error) {
		old := t.policy(*in.PolicyName)
		if p, err = ps.draft(t, old, in); err != nil {
			return nil, err
		}
		if err := ps.checkAttached(ctx, p); err != nil {
			return nil, err
		}
		if err := ps.replace(ctx, tx, t, p, old); err != nil {
			return nil, err
		}
		if err := ps.admitAlarms(ctx, roles, t, p); err != nil {
			return nil, err
		}
		t = t.withPolicy(p)
		return t, ps.setMetricPeriod(ctx, t)
	})
	if err != nil {
		return nil, err
	}
	out := &applicationautoscaling.PutScalingPolicyOutput{PolicyARN: aws.String(p.ARN), Alarms: ps.alarmsOf(p.Alarms)}
	if p.Type == types.PolicyTypeStepScaling {
		out.Alarms, err = ps.alarms.calling(ctx, p.ARN)
	}
	return out, err
}

// draft is the policy that a request asks for, checked.
func (ps *scalingPolicies) draft(t *target, old *policy, in *applicationautoscaling.PutScalingPolicyInput) (*policy, error) {
	p := &policy{ResourceID: t.ResourceID, Name: *in.PolicyName, ARN: ps.newARN(t.ResourceID, *in.PolicyName), Created: ps.now()}
	if old != nil {
		*p = *old
	} else if len(t.policies) >= maxPolicies {
		return nil, fault.Limit("The limit of %d scaling policies for a scalable target is reached.", maxPolicies)
	}
	var err error
	if p.Policy, err = p.With(in); err != nil {
		return nil, err
	}
	if err := p.compile(); err != nil {
		return nil, err
	}
	for _, other := range t.policies {
		if other.Name != p.Name && p.SameMetric(other.Policy) {
			return nil, fault.Invalid("Only one TargetTrackingScaling policy for a given metric specification is allowed.")
		}
	}
	return p, nil
}

// checkAttached refuses a policy that follows the requests of another service.
func (ps *scalingPolicies) checkAttached(ctx context.Context, p *policy) error {
	if ps.targetGroups == nil || len(p.Labels()) == 0 {
		return nil
	}
	groups, err := ps.targetGroups(ctx, p.ResourceID)
	if err != nil {
		return fault.Invalid("The target groups of %s cannot be read: %v", p.ResourceID, err)
	}
	return p.CheckAttached(p.ResourceID, groups)
}

// checkQueue refuses a policy that follows the backlog of a queue that is not there.
func (ps *scalingPolicies) checkQueue(ctx context.Context, c *types.TargetTrackingScalingPolicyConfiguration) error {
	_, label, follows := rules.Policy{Tracking: c}.Queue()
	if !follows || label == "" {
		return nil
	}
	if ps.backlogs == nil {
		return rules.NoQueue(label, ps.cell.Region, ps.cell.Account)
	}
	switch _, err := ps.backlogs.Waiting(ctx, label); {
	case errors.As(err, new(*sqstypes.QueueDoesNotExist)):
		return rules.NoQueue(label, ps.cell.Region, ps.cell.Account)
	case err != nil:
		return fault.Internal(err)
	}
	return nil
}

// replace brings the alarms and the forecast of a policy that takes the place of
// an old one, if there is one.
func (ps *scalingPolicies) replace(ctx context.Context, tx *state.Tx, t *target, p, old *policy) error {
	if p.Tracking != nil {
		if err := ps.alarms.put(ctx, t.pace(), p, old); err != nil {
			return err
		}
	}
	if p.Predictive != nil && old != nil && !p.SameForecast(old.Policy) {
		p.Acted, p.prediction, p.lacks = time.Time{}, nil, ""
		tx.DeleteRange(kindPrediction, p.id().predictions())
	}
	tx.After(func() { ps.times.planRenewal(p) })
	return nil
}

// admitAlarms refuses a target tracking policy whose alarms the target's role cannot
// read. Which alarms will call a step policy is not known when it is put.
func (ps *scalingPolicies) admitAlarms(ctx context.Context, roles Roles, t *target, p *policy) error {
	if len(p.Alarms) == 0 {
		return nil
	}
	return ps.roles.admitAlarms(ctx, roles, t, p.Alarms)
}

// DeleteScalingPolicy deletes a policy, with its alarms. Those of step policies
// belong to the user and stay.
func (ps *scalingPolicies) DeleteScalingPolicy(ctx context.Context, in *applicationautoscaling.DeleteScalingPolicyInput, _ ...func(*applicationautoscaling.Options)) (*applicationautoscaling.DeleteScalingPolicyOutput, error) {
	name := aws.ToString(in.PolicyName)
	notFound := func(k fault.Key) error { return fault.PolicyNotFound(k, name) }
	id, err := rules.Existing(in.ServiceNamespace, in.ResourceId, in.ScalableDimension, notFound)
	if err != nil {
		return nil, err
	}
	err = ps.change(ctx, id, notFound, func(ctx context.Context, tx *state.Tx, t *target) (*target, error) {
		p := t.policy(name)
		if p == nil {
			return nil, notFound(rules.Key(id))
		}
		if err := ps.alarms.delete(ctx, p.Alarms); err != nil {
			return nil, err
		}
		tx.DeleteRange(kindPrediction, p.id().predictions())
		tx.After(func() { ps.times.renewals.Drop(p.id()) })
		t = t.withoutPolicy(p)
		return t, ps.setMetricPeriod(ctx, t)
	})
	if err != nil {
		return nil, err
	}
	return &applicationautoscaling.DeleteScalingPolicyOutput{}, nil
}

// DescribeScalingPolicies lists policies by their targets and names.
func (ps *scalingPolicies) DescribeScalingPolicies(ctx context.Context, in *applicationautoscaling.DescribeScalingPoliciesInput, _ ...func(*applicationautoscaling.Options)) (*applicationautoscaling.DescribeScalingPoliciesOutput, error) {
	limit, err := rules.PageSize(in.ScalableDimension, in.ResourceId != nil, in.MaxResults, 10)
	if err != nil {
		return nil, err
	}
	out := &applicationautoscaling.DescribeScalingPoliciesOutput{ScalingPolicies: []types.ScalingPolicy{}}
	kind, listed := rules.Listed(in.ServiceNamespace, in.ScalableDimension)
	if !listed {
		return out, nil
	}
	matching := collect(ctx, ps.host, kind, in.ResourceId, func(t *target) []*policy { return t.policies }, func(p *policy) bool {
		return len(in.PolicyNames) == 0 || slices.Contains(in.PolicyNames, p.Name)
	})
	policies, next, err := page.Of(matching, func(p *policy) string { return p.id().key() }, in.NextToken, limit)
	if err != nil {
		return nil, fault.Token(in.NextToken)
	}
	out.NextToken = next
	for _, p := range policies {
		described := ps.describe(p)
		if p.Type == types.PolicyTypeStepScaling {
			if described.Alarms, err = ps.alarms.calling(ctx, p.ARN); err != nil {
				return nil, err
			}
		}
		out.ScalingPolicies = append(out.ScalingPolicies, described)
	}
	return out, nil
}

func (ps *scalingPolicies) describe(p *policy) types.ScalingPolicy {
	key := rules.Key(p.ResourceID)
	return types.ScalingPolicy{
		ServiceNamespace:                         key.Namespace,
		ResourceId:                               aws.String(string(p.ResourceID)),
		ScalableDimension:                        key.Dimension,
		PolicyARN:                                aws.String(p.ARN),
		PolicyName:                               aws.String(p.Name),
		PolicyType:                               p.Type,
		CreationTime:                             aws.Time(p.Created),
		TargetTrackingScalingPolicyConfiguration: p.Tracking,
		StepScalingPolicyConfiguration:           p.Step,
		PredictiveScalingPolicyConfiguration:     p.Predictive,
		Alarms:                                   ps.alarmsOf(p.Alarms),
	}
}

// alarmsOf are alarms of this cell as the API lists them.
func (ps *scalingPolicies) alarmsOf(names []string) []types.Alarm {
	alarms := make([]types.Alarm, len(names))
	for i, name := range names {
		alarms[i] = types.Alarm{AlarmName: aws.String(name), AlarmARN: aws.String(ps.cell.ARN("cloudwatch", "alarm:"+name))}
	}
	return alarms
}

func (ps *scalingPolicies) newARN(id scaling.ResourceID, name string) string {
	return ps.cell.ARN("autoscaling", "scalingPolicy:"+uuid.NewString()+":resource/"+id.Kind().Namespace()+"/"+string(id)+":policyName/"+name)
}
