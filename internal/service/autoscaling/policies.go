package autoscaling

import (
	"context"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"

	"flyball/governor"
	"flyball/internal/page"
	"flyball/internal/state"
	"flyball/scaling"
)

// maxPolicies is how many scaling policies a target can have.
const maxPolicies = 50

// A policy is a scaling policy. It is a value: a change is another policy in its
// place. What is encoded is what the store keeps.
type policy struct {
	ResourceID scaling.ResourceID
	Name       string
	ARN        string
	Type       types.PolicyType
	Created    time.Time
	Tracking   *types.TargetTrackingScalingPolicyConfiguration `json:",omitempty"`
	Step       *types.StepScalingPolicyConfiguration           `json:",omitempty"`
	Predictive *types.PredictiveScalingPolicyConfiguration     `json:",omitempty"`
	Alarms     []string                                        `json:",omitempty"` // target tracking: the high one, then the low one if there is one
	Called     []string                                        `json:",omitempty"` // step: alarms that have called
	Cooldown   scaling.Cooldown                                `json:",omitzero"`
	Acted      time.Time                                       `json:",omitzero"` // predictive: the last hour whose capacity was set

	rule       scaling.Policy // made from the configuration; predictive: nil
	prediction *prediction    // predictive: the newest; nil: none yet
	lacks      string         // predictive: why there is none
}

func (p *policy) named() string { return p.Name }
func (p *policy) id() policyID  { return policyID{p.ResourceID, p.Name} }

// governed is the policy as package governor sees it.
func (p *policy) governed() governor.Policy {
	g := governor.Policy{Name: p.Name, Rule: p.rule, Alarms: p.Alarms, Cooldown: p.Cooldown}
	if p.Step != nil {
		g.Alarms = p.Called
	}
	if p.Predictive != nil {
		g.Predictive = &governor.Predictive{Scales: p.forecastsAndScales(), Buffer: p.buffer(), Breach: p.breach(), Acted: p.Acted, Lacks: p.lacks}
		if p.prediction != nil {
			g.Predictive.Plan = p.prediction.plan()
		}
	}
	return g
}

// become is the policy after a step: itself where nothing has changed.
func (p *policy) become(g governor.Policy) *policy {
	changed := *p
	changed.Cooldown = g.Cooldown
	if p.Step != nil {
		changed.Called = g.Alarms
	}
	if g.Predictive != nil {
		changed.Acted = g.Predictive.Acted
	}
	if changed.Cooldown == p.Cooldown && len(changed.Called) == len(p.Called) && changed.Acted.Equal(p.Acted) {
		return p
	}
	return &changed
}

// PutScalingPolicy creates or changes a policy. For target tracking its alarms are
// part of the change.
func (a *API) PutScalingPolicy(ctx context.Context, in *applicationautoscaling.PutScalingPolicyInput, _ ...func(*applicationautoscaling.Options)) (*applicationautoscaling.PutScalingPolicyOutput, error) {
	id, err := checkKey(in.ServiceNamespace, in.ResourceId, in.ScalableDimension)
	if err != nil {
		return nil, err
	}
	if aws.ToString(in.PolicyName) == "" {
		return nil, invalid("PolicyName must be specified")
	}
	if a.lookup(ctx, id) == nil {
		return nil, targetNotRegistered(id)
	}
	if err := a.probe(ctx, in.PredictiveScalingPolicyConfiguration); err != nil {
		return nil, err
	}
	var p *policy
	err = a.state.Change(ctx, func(ctx context.Context, tx *state.Tx) error {
		t := a.rows.targets[id]
		if t == nil {
			return targetNotRegistered(id)
		}
		old := t.policy(*in.PolicyName)
		if p, err = a.draft(t, old, in); err != nil {
			return err
		}
		return a.putPolicy(ctx, tx, t, p, old)
	})
	if err != nil {
		return nil, err
	}
	out := &applicationautoscaling.PutScalingPolicyOutput{PolicyARN: aws.String(p.ARN), Alarms: a.alarmsNamed(p.Alarms)}
	if p.Type == types.PolicyTypeStepScaling {
		out.Alarms, err = a.stepAlarms(ctx, p.ARN)
	}
	return out, err
}

// draft is the policy that a request asks for, checked.
func (a *API) draft(t *target, old *policy, in *applicationautoscaling.PutScalingPolicyInput) (*policy, error) {
	p := &policy{ResourceID: t.ResourceID, Name: *in.PolicyName, ARN: a.newPolicyARN(t.ResourceID, *in.PolicyName), Created: a.now()}
	if old != nil {
		*p = *old
	} else if len(t.policies) >= maxPolicies {
		return nil, limitExceeded("The limit of %d scaling policies for a scalable target is reached.", maxPolicies)
	}
	if err := p.configure(in); err != nil {
		return nil, err
	}
	if err := p.compile(); err != nil {
		return nil, err
	}
	for _, other := range t.policies {
		if other.Name != p.Name && sameMetric(p.Tracking, other.Tracking) {
			return nil, invalid("Only one TargetTrackingScaling policy for a given metric specification is allowed.")
		}
	}
	return p, nil
}

// putPolicy keeps a policy in the place of an old one, if there is one, with its
// alarms.
func (a *API) putPolicy(ctx context.Context, tx *state.Tx, t *target, p, old *policy) error {
	if p.Tracking != nil {
		if err := a.putAlarms(ctx, t, p, old); err != nil {
			return err
		}
	}
	if p.Predictive != nil && old != nil && !sameForecast(p, old) {
		p.Acted, p.prediction, p.lacks = time.Time{}, nil, ""
		tx.DeleteRange(kindPrediction, predictionsOf(p.id()))
	}
	t = &target{t.row, with(t.policies, p, (*policy).named), t.actions}
	a.rows.put(tx, t)
	tx.After(func() {
		a.planRenewal(p)
		a.replan(t.ResourceID)
	})
	return a.setMetricPeriod(ctx, t)
}

// DeleteScalingPolicy deletes a policy, with its alarms. Those of step policies
// belong to the user and stay.
func (a *API) DeleteScalingPolicy(ctx context.Context, in *applicationautoscaling.DeleteScalingPolicyInput, _ ...func(*applicationautoscaling.Options)) (*applicationautoscaling.DeleteScalingPolicyOutput, error) {
	if elsewhere(in.ServiceNamespace) {
		return nil, policyNotFound(in.ServiceNamespace, aws.ToString(in.ResourceId), in.ScalableDimension, aws.ToString(in.PolicyName))
	}
	id, err := checkKey(in.ServiceNamespace, in.ResourceId, in.ScalableDimension)
	if err != nil {
		return nil, err
	}
	name := aws.ToString(in.PolicyName)
	err = a.state.Change(ctx, func(ctx context.Context, tx *state.Tx) error {
		t := a.rows.targets[id]
		if t == nil || t.policy(name) == nil {
			return policyNotFound(namespace, string(id), dimension, name)
		}
		return a.deletePolicy(ctx, tx, t, t.policy(name))
	})
	if err != nil {
		return nil, err
	}
	return &applicationautoscaling.DeleteScalingPolicyOutput{}, nil
}

func (a *API) deletePolicy(ctx context.Context, tx *state.Tx, t *target, p *policy) error {
	if err := a.deleteAlarms(ctx, p.Alarms); err != nil {
		return err
	}
	t = &target{t.row, without(t.policies, p), t.actions}
	a.rows.put(tx, t)
	tx.DeleteRange(kindPrediction, predictionsOf(p.id()))
	tx.After(func() {
		a.renewals.Drop(p.id())
		a.replan(t.ResourceID)
	})
	return a.setMetricPeriod(ctx, t)
}

// DescribeScalingPolicies lists policies by their targets and names.
func (a *API) DescribeScalingPolicies(ctx context.Context, in *applicationautoscaling.DescribeScalingPoliciesInput, _ ...func(*applicationautoscaling.Options)) (*applicationautoscaling.DescribeScalingPoliciesOutput, error) {
	limit, err := checkListing(in.ScalableDimension, in.ResourceId != nil, in.MaxResults, 10)
	if err != nil {
		return nil, err
	}
	out := &applicationautoscaling.DescribeScalingPoliciesOutput{ScalingPolicies: []types.ScalingPolicy{}}
	if !scales(in.ServiceNamespace, in.ScalableDimension) {
		return out, nil
	}
	matching := collect(ctx, a, in.ResourceId, func(t *target) []*policy { return t.policies }, func(p *policy) bool {
		return len(in.PolicyNames) == 0 || slices.Contains(in.PolicyNames, p.Name)
	})
	policies, next, err := page.Of(matching, func(p *policy) string { return p.id().key() }, in.NextToken, limit)
	if err != nil {
		return nil, invalidToken(in.NextToken)
	}
	out.NextToken = next
	for _, p := range policies {
		described := a.describePolicy(p)
		if p.Type == types.PolicyTypeStepScaling {
			if described.Alarms, err = a.stepAlarms(ctx, p.ARN); err != nil {
				return nil, err
			}
		}
		out.ScalingPolicies = append(out.ScalingPolicies, described)
	}
	return out, nil
}

func (a *API) describePolicy(p *policy) types.ScalingPolicy {
	return types.ScalingPolicy{
		ServiceNamespace:                         namespace,
		ResourceId:                               aws.String(string(p.ResourceID)),
		ScalableDimension:                        dimension,
		PolicyARN:                                aws.String(p.ARN),
		PolicyName:                               aws.String(p.Name),
		PolicyType:                               p.Type,
		CreationTime:                             aws.Time(p.Created),
		TargetTrackingScalingPolicyConfiguration: p.Tracking,
		StepScalingPolicyConfiguration:           p.Step,
		PredictiveScalingPolicyConfiguration:     p.Predictive,
		Alarms:                                   a.alarmsNamed(p.Alarms),
	}
}

// alarmsNamed are alarms as the API lists them.
func (a *API) alarmsNamed(names []string) []types.Alarm {
	alarms := make([]types.Alarm, len(names))
	for i, name := range names {
		alarms[i] = types.Alarm{AlarmName: aws.String(name), AlarmARN: aws.String(a.alarmARN(name))}
	}
	return alarms
}

// stepAlarms are the user's alarms whose action is a step policy.
func (a *API) stepAlarms(ctx context.Context, policyARN string) ([]types.Alarm, error) {
	found, err := a.cfg.Alarms.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{ActionPrefix: aws.String(policyARN)})
	if err != nil {
		return nil, alarmsFailed(err)
	}
	alarms := make([]types.Alarm, 0, len(found.MetricAlarms)+len(found.CompositeAlarms))
	for _, m := range found.MetricAlarms {
		alarms = append(alarms, types.Alarm{AlarmName: m.AlarmName, AlarmARN: m.AlarmArn})
	}
	for _, c := range found.CompositeAlarms {
		alarms = append(alarms, types.Alarm{AlarmName: c.AlarmName, AlarmARN: c.AlarmArn})
	}
	return alarms, nil
}
