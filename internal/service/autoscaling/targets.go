package autoscaling

import (
	"cmp"
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"

	"flyball/internal/optional"
	"flyball/internal/page"
	"flyball/internal/state"
	"flyball/scaling"
)

// RegisterScalableTarget creates or changes a target, and brings the service's
// capacity inside its bounds. That the capacity cannot be set does not undo the
// registration: the activity tells.
func (a *API) RegisterScalableTarget(ctx context.Context, in *applicationautoscaling.RegisterScalableTargetInput, _ ...func(*applicationautoscaling.Options)) (*applicationautoscaling.RegisterScalableTargetOutput, error) {
	id, err := checkKey(in.ServiceNamespace, in.ResourceId, in.ScalableDimension)
	if err != nil {
		return nil, err
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	seen, err := a.look(ctx, id)
	if err != nil {
		return nil, err
	}
	if seen.Gone {
		return nil, serviceGone(id)
	}
	var t *target
	err = a.state.Change(ctx, func(_ context.Context, tx *state.Tx) error {
		var err error
		if t, err = a.register(id, in); err == nil {
			a.rows.put(tx, t)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := a.govern(ctx, id, nil); err != nil && !errors.Is(err, errDeregistered) {
		a.log.Warn("the capacity could not be brought inside the bounds of a scalable target", "target", id, "error", err)
	}
	return &applicationautoscaling.RegisterScalableTargetOutput{ScalableTargetARN: aws.String(t.ARN)}, nil
}

// register is the target that a request asks for. Members that are not given keep
// their value.
func (a *API) register(id scaling.ResourceID, in *applicationautoscaling.RegisterScalableTargetInput) (*target, error) {
	old := a.rows.targets[id]
	t := &target{row: &row{ResourceID: id, ARN: a.newTargetARN(), Created: a.now()}}
	switch {
	case old != nil && len(in.Tags) > 0:
		return nil, invalid("The scalable target that you tried to tag already exists. To update tags on an existing scalable target, use the TagResource API.")
	case old != nil:
		changed := *old.row
		t = &target{&changed, old.policies, old.actions}
	case in.MinCapacity == nil || in.MaxCapacity == nil:
		return nil, invalid("Minimum capacity and maximum capacity must be specified when a new scalable target is registered")
	case a.cfg.MaxTargets > 0 && len(a.rows.targets) >= a.cfg.MaxTargets:
		return nil, limitExceeded("The limit of %d scalable targets for service namespace %s is reached.", a.cfg.MaxTargets, namespace)
	case len(in.Tags) > maxTags:
		return nil, tooManyTags(t.ARN)
	default:
		t.Tags = in.Tags
	}
	minimum, maximum, suspended := t.Min, t.Max, t.Suspended
	optional.Set(&minimum, in.MinCapacity)
	optional.Set(&maximum, in.MaxCapacity)
	bounds, err := scaling.NewBounds(minimum, maximum)
	if err != nil {
		return nil, invalidRule(err)
	}
	if s := in.SuspendedState; s != nil {
		optional.Set(&suspended.In, s.DynamicScalingInSuspended)
		optional.Set(&suspended.Out, s.DynamicScalingOutSuspended)
		optional.Set(&suspended.Scheduled, s.ScheduledScalingSuspended)
	}
	optional.Set(&t.Role, in.RoleARN)
	return t.become(t.governor().Retarget(bounds, suspended)), nil
}

// DeregisterScalableTarget forgets a target. Its policies and their alarms, and its
// scheduled actions, go with it.
func (a *API) DeregisterScalableTarget(ctx context.Context, in *applicationautoscaling.DeregisterScalableTargetInput, _ ...func(*applicationautoscaling.Options)) (*applicationautoscaling.DeregisterScalableTargetOutput, error) {
	if elsewhere(in.ServiceNamespace) {
		return nil, targetNotFound(in.ServiceNamespace, aws.ToString(in.ResourceId), in.ScalableDimension)
	}
	id, err := checkKey(in.ServiceNamespace, in.ResourceId, in.ScalableDimension)
	if err != nil {
		return nil, err
	}
	err = a.state.Change(ctx, func(ctx context.Context, tx *state.Tx) error {
		t := a.rows.targets[id]
		if t == nil {
			return targetNotFound(namespace, string(id), dimension)
		}
		return a.deregister(ctx, tx, t)
	})
	if err != nil {
		return nil, err
	}
	return &applicationautoscaling.DeregisterScalableTargetOutput{}, nil
}

// ServiceDeleted takes away the target of an ECS service that is gone, as part of
// the change that the context comes from. Without a target it does nothing.
func (a *API) ServiceDeleted(ctx context.Context, id scaling.ResourceID) error {
	return a.state.Change(ctx, func(ctx context.Context, tx *state.Tx) error {
		if t := a.rows.targets[id]; t != nil {
			return a.deregister(ctx, tx, t)
		}
		return nil
	})
}

func (a *API) deregister(ctx context.Context, tx *state.Tx, t *target) error {
	for _, p := range t.policies {
		if err := a.deleteAlarms(ctx, p.Alarms); err != nil {
			return err
		}
		tx.After(func() { a.renewals.Drop(p.id()) })
	}
	for _, activity := range t.governor().Leave(a.now(), errDeregistered) {
		a.record(tx, t.ResourceID, activity)
	}
	a.rows.remove(tx, t)
	tx.After(func() { a.replan(t.ResourceID) })
	if a.cfg.MetricPeriod == nil {
		return nil
	}
	return a.cfg.MetricPeriod(ctx, t.ResourceID, standardPeriod)
}

// DescribeScalableTargets lists targets by their resource ids.
func (a *API) DescribeScalableTargets(ctx context.Context, in *applicationautoscaling.DescribeScalableTargetsInput, _ ...func(*applicationautoscaling.Options)) (*applicationautoscaling.DescribeScalableTargetsOutput, error) {
	limit, err := checkListing(in.ScalableDimension, len(in.ResourceIds) > 0, in.MaxResults, 50)
	if err != nil {
		return nil, err
	}
	out := &applicationautoscaling.DescribeScalableTargetsOutput{ScalableTargets: []types.ScalableTarget{}}
	if !scales(in.ServiceNamespace, in.ScalableDimension) {
		return out, nil
	}
	ids := make([]scaling.ResourceID, len(in.ResourceIds))
	for i, id := range in.ResourceIds {
		ids[i] = scaling.ResourceID(id)
	}
	var targets []*target
	a.state.View(ctx, func() { targets = a.rows.selected(ids...) })
	targets, out.NextToken, err = page.Of(targets, func(t *target) string { return string(t.ResourceID) }, in.NextToken, limit)
	if err != nil {
		return nil, invalidToken(in.NextToken)
	}
	for _, t := range targets {
		out.ScalableTargets = append(out.ScalableTargets, a.describe(t))
	}
	return out, nil
}

// collect gathers what the targets have, or the one with the resource id if there
// is one, in the order of their resource ids.
func collect[T any](ctx context.Context, a *API, resourceID *string, of func(*target) []T, wanted func(T) bool) []T {
	var targets []*target
	a.state.View(ctx, func() {
		if resourceID == nil {
			targets = a.rows.selected()
		} else {
			targets = a.rows.selected(scaling.ResourceID(*resourceID))
		}
	})
	var items []T
	for _, t := range targets {
		for _, item := range of(t) {
			if wanted(item) {
				items = append(items, item)
			}
		}
	}
	return items
}

func (a *API) describe(t *target) types.ScalableTarget {
	return types.ScalableTarget{
		ServiceNamespace:  namespace,
		ResourceId:        aws.String(string(t.ResourceID)),
		ScalableDimension: dimension,
		MinCapacity:       aws.Int32(t.Min),
		MaxCapacity:       aws.Int32(t.Max),
		RoleARN:           aws.String(cmp.Or(t.Role, a.linkedRole())),
		CreationTime:      aws.Time(t.Created),
		ScalableTargetARN: aws.String(t.ARN),
		SuspendedState: &types.SuspendedState{
			DynamicScalingInSuspended:  aws.Bool(t.Suspended.In),
			DynamicScalingOutSuspended: aws.Bool(t.Suspended.Out),
			ScheduledScalingSuspended:  aws.Bool(t.Suspended.Scheduled),
		},
	}
}

// scales reports whether there can be anything to list. Other namespaces have
// no targets here, which is what listing them says.
func scales(ns types.ServiceNamespace, dim types.ScalableDimension) bool {
	return ns == namespace && (dim == "" || dim == dimension)
}

// checkListing checks what all listings take, and returns how many items a page
// has: what was asked for, up to the most that the operation gives.
func checkListing(dim types.ScalableDimension, named bool, asked *int32, most int) (int, error) {
	if dim != "" && !named {
		return 0, invalid("A resource ID must be specified when ScalableDimension is specified")
	}
	limit, ok := page.Limit(asked, most, most)
	if !ok {
		return 0, invalid("MaxResults must be between 1 and %d", most)
	}
	return limit, nil
}
