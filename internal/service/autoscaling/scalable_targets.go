package autoscaling

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"

	"flyball/internal/cell"
	"flyball/internal/optional"
	"flyball/internal/page"
	"flyball/internal/service/autoscaling/fault"
	"flyball/internal/service/autoscaling/rules"
	"flyball/internal/state"
	"flyball/scaling"
)

// scalableTargets are the operations of scalable targets.
type scalableTargets struct {
	*host
	most int // targets that there can be; 0 is no bound
}

// RegisterScalableTarget creates or changes a target, and brings the resource's
// capacity inside its bounds, after the change that it is part of. That the capacity
// cannot be set does not undo the registration: the activity tells.
func (ts *scalableTargets) RegisterScalableTarget(ctx context.Context, in *applicationautoscaling.RegisterScalableTargetInput, _ ...func(*applicationautoscaling.Options)) (*applicationautoscaling.RegisterScalableTargetOutput, error) {
	id, err := rules.Resource(in.ServiceNamespace, in.ResourceId, in.ScalableDimension)
	if err != nil {
		return nil, err
	}
	if err := rules.CheckTags(in.Tags); err != nil {
		return nil, err
	}
	t, err := ts.register(ctx, id, in)
	if err != nil {
		return nil, err
	}
	return &applicationautoscaling.RegisterScalableTargetOutput{ScalableTargetARN: aws.String(t.arn(ts.cell))}, nil
}

// register keeps what a request asks for, if the target's role may scale it.
func (ts *scalableTargets) register(ctx context.Context, id scaling.ResourceID, in *applicationautoscaling.RegisterScalableTargetInput) (t *target, err error) {
	roles, err := ts.roles.open()
	if err != nil {
		return nil, err
	}
	err = ts.state.Change(ctx, func(ctx context.Context, tx *state.Tx) (err error) {
		seen, err := ts.look(ctx, id) // in the change, so that it does not go meanwhile
		if err != nil {
			return err
		}
		if seen.Gone {
			return fault.ResourceGone(id)
		}
		if t, err = ts.draft(id, in); err != nil {
			return err
		}
		ts.rows.put(tx, t)
		tx.After(func() { ts.bringInside(ctx, id) })
		return ts.roles.admit(ctx, roles, t)
	})
	return t, err
}

// bringInside governs a target whose bounds are new.
func (ts *scalableTargets) bringInside(ctx context.Context, id scaling.ResourceID) {
	if err := ts.govern(ctx, id, nil); err != nil && !errors.Is(err, errDeregistered) {
		ts.log.Warn("the capacity could not be brought inside the bounds of a scalable target", "target", id, "error", err)
	}
}

// draft is the target that a request asks for. Members that are not given keep
// their value.
func (ts *scalableTargets) draft(id scaling.ResourceID, in *applicationautoscaling.RegisterScalableTargetInput) (*target, error) {
	old := ts.rows.targets[id]
	t := &target{row: &row{ResourceID: id, ID: newTargetID(), Created: ts.now()}}
	switch {
	case old != nil && len(in.Tags) > 0:
		return nil, fault.Invalid("The scalable target that you tried to tag already exists. To update tags on an existing scalable target, use the TagResource API.")
	case old != nil:
		changed := *old.row
		t = old.withRow(&changed)
	case in.MinCapacity == nil || in.MaxCapacity == nil:
		return nil, fault.Invalid("Minimum capacity and maximum capacity must be specified when a new scalable target is registered")
	case ts.most > 0 && len(ts.rows.targets) >= ts.most:
		return nil, fault.Limit("The limit of %d scalable targets for service namespace %s is reached.", ts.most, id.Kind().Namespace())
	case len(in.Tags) > rules.MaxTags:
		return nil, fault.TooManyTags(t.arn(ts.cell), rules.MaxTags)
	default:
		t.Tags = in.Tags
	}
	minimum, maximum, suspended := t.Min, t.Max, t.Suspended
	optional.Set(&minimum, in.MinCapacity)
	optional.Set(&maximum, in.MaxCapacity)
	bounds, err := scaling.NewBounds(minimum, maximum)
	if err != nil {
		return nil, fault.Rule(err)
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
func (ts *scalableTargets) DeregisterScalableTarget(ctx context.Context, in *applicationautoscaling.DeregisterScalableTargetInput, _ ...func(*applicationautoscaling.Options)) (*applicationautoscaling.DeregisterScalableTargetOutput, error) {
	id, err := rules.Existing(in.ServiceNamespace, in.ResourceId, in.ScalableDimension, fault.TargetNotFound)
	if err != nil {
		return nil, err
	}
	err = ts.state.Change(ctx, func(ctx context.Context, tx *state.Tx) error {
		t := ts.rows.targets[id]
		if t == nil {
			return fault.TargetNotFound(rules.Key(id))
		}
		return ts.forget(ctx, tx, t)
	})
	if err != nil {
		return nil, err
	}
	return &applicationautoscaling.DeregisterScalableTargetOutput{}, nil
}

// DescribeScalableTargets lists targets by their resource ids.
func (ts *scalableTargets) DescribeScalableTargets(ctx context.Context, in *applicationautoscaling.DescribeScalableTargetsInput, _ ...func(*applicationautoscaling.Options)) (*applicationautoscaling.DescribeScalableTargetsOutput, error) {
	limit, err := rules.PageSize(in.ScalableDimension, len(in.ResourceIds) > 0, in.MaxResults, 50)
	if err != nil {
		return nil, err
	}
	out := &applicationautoscaling.DescribeScalableTargetsOutput{ScalableTargets: []types.ScalableTarget{}}
	kind, listed := rules.Listed(in.ServiceNamespace, in.ScalableDimension)
	if !listed {
		return out, nil
	}
	ids := make([]scaling.ResourceID, len(in.ResourceIds))
	for i, id := range in.ResourceIds {
		ids[i] = scaling.ResourceID(id)
	}
	var targets []*target
	ts.state.View(ctx, func() { targets = ts.rows.ofKind(kind, ids...) })
	targets, out.NextToken, err = page.Of(targets, func(t *target) string { return string(t.ResourceID) }, in.NextToken, limit)
	if err != nil {
		return nil, fault.Token(in.NextToken)
	}
	for _, t := range targets {
		out.ScalableTargets = append(out.ScalableTargets, ts.describe(t))
	}
	return out, nil
}

func (ts *scalableTargets) describe(t *target) types.ScalableTarget {
	key := rules.Key(t.ResourceID)
	return types.ScalableTarget{
		ServiceNamespace:  key.Namespace,
		ResourceId:        aws.String(string(t.ResourceID)),
		ScalableDimension: key.Dimension,
		MinCapacity:       aws.Int32(t.Min),
		MaxCapacity:       aws.Int32(t.Max),
		RoleARN:           aws.String(ts.roles.of(t)),
		CreationTime:      aws.Time(t.Created),
		ScalableTargetARN: aws.String(t.arn(ts.cell)),
		SuspendedState: &types.SuspendedState{
			DynamicScalingInSuspended:  aws.Bool(t.Suspended.In),
			DynamicScalingOutSuspended: aws.Bool(t.Suspended.Out),
			ScheduledScalingSuspended:  aws.Bool(t.Suspended.Scheduled),
		},
	}
}

// newTargetID makes the end of a target's ARN.
func newTargetID() string { return cell.NewID("0ec5", 32) }

// named is the target that an ARN names, or "". The state's lock is held.
func (h *host) named(arn string) scaling.ResourceID {
	resource, _ := h.cell.Parse("application-autoscaling", arn)
	id, _ := strings.CutPrefix(resource, targetPrefix)
	return h.rows.byID[id]
}
