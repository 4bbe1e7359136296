package autoscaling

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"

	"flyball/internal/page"
	"flyball/internal/store"
	"flyball/scaling"
)

// maxPolicies is how many scaling policies a target can have.
const maxPolicies = 50

// A policy is a scaling policy. What is encoded is what the store keeps.
type policy struct {
	ResourceID string
	Name       string
	ARN        string
	Type       types.PolicyType
	Created    time.Time
	Tracking   *types.TargetTrackingScalingPolicyConfiguration `json:",omitempty"`
	Step       *types.StepScalingPolicyConfiguration           `json:",omitempty"`
	Predictive *types.PredictiveScalingPolicyConfiguration     `json:",omitempty"`
	Alarms     []string                                        `json:",omitempty"` // target tracking: the high one, then the low one if there is one
	Cooldown   scaling.Cooldown                                `json:",omitzero"`
	Acted      time.Time                                       `json:",omitzero"` // predictive: the last hour whose capacity was set

	rule       scaling.Policy // made from the configuration; predictive: nil
	heard      []string       // step: alarms that have called
	prediction *prediction    // predictive: the newest; nil: none yet
}

func policyKey(resourceID, name string) string { return resourceID + " " + name }

// put adds the policy's document to a batch.
func (p *policy) put(b *store.Batch) *store.Batch {
	put(b, kindPolicy, policyKey(p.ResourceID, p.Name), p)
	return b
}

// attach adds a policy to its target, or replaces the one of the same name.
func (a *API) attach(t *target, p *policy) {
	i, found := t.find(p.Name)
	if found {
		a.withdraw(t.policies[i])
		t.policies[i] = p
	} else {
		t.policies = slices.Insert(t.policies, i, p)
	}
	a.policies[p.ARN] = p
}

func (t *target) find(name string) (int, bool) {
	return slices.BinarySearchFunc(t.policies, name, func(p *policy, name string) int { return strings.Compare(p.Name, name) })
}

// policy is the target's policy of a name, or nil.
func (t *target) policy(name string) *policy {
	if i, ok := t.find(name); ok {
		return t.policies[i]
	}
	return nil
}

// ownAlarms are the alarms that belong to the target's policies.
func (t *target) ownAlarms() []string {
	var names []string
	for _, p := range t.policies {
		names = append(names, p.Alarms...)
	}
	return names
}

// PutScalingPolicy implements the operation. For target tracking it creates the
// policy's alarms.
func (a *API) PutScalingPolicy(ctx context.Context, in *applicationautoscaling.PutScalingPolicyInput, _ ...func(*applicationautoscaling.Options)) (*applicationautoscaling.PutScalingPolicyOutput, error) {
	resourceID, err := checkKey(in.ServiceNamespace, in.ResourceId, in.ScalableDimension)
	if err != nil {
		return nil, err
	}
	if aws.ToString(in.PolicyName) == "" {
		return nil, invalid("PolicyName must be specified")
	}
	t := a.lookup(resourceID)
	if t == nil {
		return nil, targetNotRegistered(resourceID)
	}
	t.work.Lock()
	defer t.work.Unlock()
	p, err := a.putPolicy(ctx, t, in)
	if err != nil {
		return nil, err
	}
	out := &applicationautoscaling.PutScalingPolicyOutput{PolicyARN: aws.String(p.ARN), Alarms: a.named(p.Alarms)}
	if p.Type == types.PolicyTypeStepScaling {
		out.Alarms, err = a.stepAlarms(ctx, p.ARN)
	}
	return out, err
}

// putPolicy checks a policy, makes its alarms, and then keeps it.
func (a *API) putPolicy(ctx context.Context, t *target, in *applicationautoscaling.PutScalingPolicyInput) (*policy, error) {
	p, old, err := a.draft(t, in)
	if err != nil {
		return nil, err
	}
	if p.Tracking != nil {
		if err := a.putAlarms(ctx, t, p, old); err != nil {
			return nil, err
		}
	}
	if p.Predictive != nil {
		if err := a.probe(ctx, p); err != nil {
			return nil, err
		}
	}
	a.mu.Lock()
	if a.targets[t.ResourceID] != t {
		a.mu.Unlock()
		return nil, targetNotRegistered(t.ResourceID)
	}
	var b store.Batch
	if p.Predictive != nil {
		a.takeOver(&b, p, old)
	}
	a.attach(t, p)
	a.enroll(p)
	a.setMetricPeriod(t)
	commit := a.cfg.Store.Write(p.put(&b))
	a.mu.Unlock()
	return p, durable(commit)
}

// draft is the policy that a request asks for, checked, and the one that it
// replaces, if any.
func (a *API) draft(t *target, in *applicationautoscaling.PutScalingPolicyInput) (p, old *policy, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.targets[t.ResourceID] != t {
		return nil, nil, targetNotRegistered(t.ResourceID)
	}
	old = t.policy(*in.PolicyName)
	switch {
	case old != nil:
		p = &policy{
			ResourceID: t.ResourceID, Name: old.Name, ARN: old.ARN, Type: old.Type, Created: old.Created,
			Tracking: old.Tracking, Step: old.Step, Predictive: old.Predictive, Alarms: old.Alarms, Cooldown: old.Cooldown, heard: old.heard,
		}
	case len(t.policies) >= maxPolicies:
		return nil, nil, limitExceeded("The limit of %d scaling policies for a scalable target is reached.", maxPolicies)
	default:
		p = &policy{ResourceID: t.ResourceID, Name: *in.PolicyName, ARN: a.newPolicyARN(t.ResourceID, *in.PolicyName), Created: a.now()}
	}
	if err := p.configure(in); err != nil {
		return nil, nil, err
	}
	if p.rule, err = p.compile(); err != nil {
		return nil, nil, err
	}
	for _, other := range t.policies {
		if other.Name != p.Name && sameMetric(p.Tracking, other.Tracking) {
			return nil, nil, invalid("Only one TargetTrackingScaling policy for a given metric specification is allowed.")
		}
	}
	return p, old, nil
}

// DeleteScalingPolicy implements the operation. Alarms of step policies belong
// to the user and stay.
func (a *API) DeleteScalingPolicy(ctx context.Context, in *applicationautoscaling.DeleteScalingPolicyInput, _ ...func(*applicationautoscaling.Options)) (*applicationautoscaling.DeleteScalingPolicyOutput, error) {
	if elsewhere(in.ServiceNamespace) {
		return nil, policyNotFound(in.ServiceNamespace, aws.ToString(in.ResourceId), in.ScalableDimension, aws.ToString(in.PolicyName))
	}
	resourceID, err := checkKey(in.ServiceNamespace, in.ResourceId, in.ScalableDimension)
	if err != nil {
		return nil, err
	}
	name := aws.ToString(in.PolicyName)
	t := a.lookup(resourceID)
	if t == nil {
		return nil, policyNotFound(namespace, resourceID, dimension, name)
	}
	t.work.Lock()
	defer t.work.Unlock()
	a.mu.Lock()
	p := t.policy(name)
	a.mu.Unlock()
	if p == nil {
		return nil, policyNotFound(namespace, resourceID, dimension, name)
	}
	if err := a.deleteAlarms(ctx, p.Alarms); err != nil {
		return nil, err
	}
	a.mu.Lock()
	i, _ := t.find(name)
	t.policies = slices.Delete(t.policies, i, i+1)
	delete(a.policies, p.ARN)
	a.withdraw(p)
	a.setMetricPeriod(t)
	commit := a.cfg.Store.Write(forgetPredictions(new(store.Batch), p).Delete(kindPolicy, policyKey(resourceID, name)))
	a.mu.Unlock()
	if err := durable(commit); err != nil {
		return nil, err
	}
	return &applicationautoscaling.DeleteScalingPolicyOutput{}, nil
}

// DescribeScalingPolicies implements the operation.
func (a *API) DescribeScalingPolicies(ctx context.Context, in *applicationautoscaling.DescribeScalingPoliciesInput, _ ...func(*applicationautoscaling.Options)) (*applicationautoscaling.DescribeScalingPoliciesOutput, error) {
	limit, err := checkListing(in.ScalableDimension, in.ResourceId != nil, in.MaxResults, 10)
	if err != nil {
		return nil, err
	}
	out := &applicationautoscaling.DescribeScalingPoliciesOutput{ScalingPolicies: []types.ScalingPolicy{}}
	if !scales(in.ServiceNamespace, in.ScalableDimension) {
		return out, nil
	}
	a.mu.Lock()
	matching := collect(a, in.ResourceId, func(t *target) []*policy { return t.policies }, func(p *policy) bool {
		return len(in.PolicyNames) == 0 || slices.Contains(in.PolicyNames, p.Name)
	})
	policies, next, err := page.Of(matching, func(p *policy) string { return policyKey(p.ResourceID, p.Name) }, in.NextToken, limit)
	if err != nil {
		a.mu.Unlock()
		return nil, invalidToken(in.NextToken)
	}
	for _, p := range policies {
		out.ScalingPolicies = append(out.ScalingPolicies, a.describePolicy(p))
	}
	a.mu.Unlock()
	out.NextToken = next
	for i, p := range out.ScalingPolicies { // outside the lock: it asks CloudWatch
		if p.PolicyType != types.PolicyTypeStepScaling {
			continue
		}
		if out.ScalingPolicies[i].Alarms, err = a.stepAlarms(ctx, *p.PolicyARN); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (a *API) describePolicy(p *policy) types.ScalingPolicy {
	return types.ScalingPolicy{
		ServiceNamespace:                         namespace,
		ResourceId:                               aws.String(p.ResourceID),
		ScalableDimension:                        dimension,
		PolicyARN:                                aws.String(p.ARN),
		PolicyName:                               aws.String(p.Name),
		PolicyType:                               p.Type,
		CreationTime:                             aws.Time(p.Created),
		TargetTrackingScalingPolicyConfiguration: p.Tracking,
		StepScalingPolicyConfiguration:           p.Step,
		PredictiveScalingPolicyConfiguration:     p.Predictive,
		Alarms:                                   a.named(p.Alarms),
	}
}

// named are alarms as the API lists them.
func (a *API) named(names []string) []types.Alarm {
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
