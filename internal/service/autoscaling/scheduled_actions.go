package autoscaling

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/google/uuid"

	"flyball/internal/optional"
	"flyball/internal/page"
	"flyball/internal/service/autoscaling/fault"
	"flyball/internal/service/autoscaling/rules"
	"flyball/internal/state"
)

// maxActions is how many scheduled actions a target can have.
const maxActions = 200

// scheduledActions are the operations of scheduled actions.
type scheduledActions struct{ *host }

// PutScheduledAction implements the operation.
func (as *scheduledActions) PutScheduledAction(ctx context.Context, in *applicationautoscaling.PutScheduledActionInput, _ ...func(*applicationautoscaling.Options)) (*applicationautoscaling.PutScheduledActionOutput, error) {
	id, err := rules.Resource(in.ServiceNamespace, in.ResourceId, in.ScalableDimension)
	if err != nil {
		return nil, err
	}
	if aws.ToString(in.ScheduledActionName) == "" {
		return nil, fault.Invalid("ScheduledActionName must be specified")
	}
	err = as.change(ctx, id, fault.TargetNotRegistered, func(_ context.Context, _ *state.Tx, t *target) (*target, error) {
		c, err := as.draft(t, in)
		if err != nil {
			return nil, err
		}
		return t.withAction(c), nil
	})
	if err != nil {
		return nil, err
	}
	return &applicationautoscaling.PutScheduledActionOutput{}, nil
}

// draft is the scheduled action that a request asks for, checked.
func (as *scheduledActions) draft(t *target, in *applicationautoscaling.PutScheduledActionInput) (*action, error) {
	now, old := as.now(), t.action(*in.ScheduledActionName)
	c := &action{ResourceID: t.ResourceID, Name: *in.ScheduledActionName, Created: now, Done: now}
	if old != nil {
		*c = *old
	} else if len(t.actions) >= maxActions {
		return nil, fault.Limit("The limit of %d scheduled actions for a scalable target is reached.", maxActions)
	}
	var err error
	if c.Action, err = c.With(in); err != nil {
		return nil, err
	}
	renewed := old == nil || !c.SameRuns(old.Action)
	if renewed {
		c.Done = now
	}
	if err := c.compile(&as.zones); err != nil {
		return nil, err
	}
	if err := c.Check(); err != nil {
		return nil, err
	}
	if renewed && c.next.IsZero() && c.schedule.Once() {
		return nil, fault.Invalid("Invalid schedule expression. Details: %s is in the past.", c.Expression)
	}
	return c, nil
}

// DescribeScheduledActions implements the operation: in the order of their
// targets and names. One that has no run left stays until it is deleted.
func (as *scheduledActions) DescribeScheduledActions(ctx context.Context, in *applicationautoscaling.DescribeScheduledActionsInput, _ ...func(*applicationautoscaling.Options)) (*applicationautoscaling.DescribeScheduledActionsOutput, error) {
	limit, err := rules.PageSize(in.ScalableDimension, in.ResourceId != nil, in.MaxResults, 50)
	if err != nil {
		return nil, err
	}
	out := &applicationautoscaling.DescribeScheduledActionsOutput{ScheduledActions: []types.ScheduledAction{}}
	kind, listed := rules.Listed(in.ServiceNamespace, in.ScalableDimension)
	if !listed {
		return out, nil
	}
	matching := collect(ctx, as.host, kind, in.ResourceId, func(t *target) []*action { return t.actions }, func(c *action) bool {
		return len(in.ScheduledActionNames) == 0 || slices.Contains(in.ScheduledActionNames, c.Name)
	})
	actions, next, err := page.Of(matching, func(c *action) string { return c.key() }, in.NextToken, limit)
	if err != nil {
		return nil, fault.Token(in.NextToken)
	}
	as.state.View(ctx, func() {
		for _, c := range actions {
			if t := as.rows.targets[c.ResourceID]; t != nil { // it may be gone meanwhile
				out.ScheduledActions = append(out.ScheduledActions, as.describe(t, c))
			}
		}
	})
	out.NextToken = next
	return out, nil
}

func (as *scheduledActions) describe(t *target, c *action) types.ScheduledAction {
	key := rules.Key(c.ResourceID)
	out := types.ScheduledAction{
		ServiceNamespace:     key.Namespace,
		ResourceId:           aws.String(string(c.ResourceID)),
		ScalableDimension:    key.Dimension,
		ScheduledActionName:  aws.String(c.Name),
		ScheduledActionARN:   aws.String(as.arn(t, c.Name)),
		Schedule:             aws.String(c.Expression),
		Timezone:             optional.String(c.Timezone),
		ScalableTargetAction: &types.ScalableTargetAction{MinCapacity: c.Min, MaxCapacity: c.Max},
		CreationTime:         aws.Time(c.Created),
	}
	if !c.Start.IsZero() {
		out.StartTime = aws.Time(c.Start)
	}
	if !c.End.IsZero() {
		out.EndTime = aws.Time(c.End)
	}
	return out
}

// DeleteScheduledAction implements the operation.
func (as *scheduledActions) DeleteScheduledAction(ctx context.Context, in *applicationautoscaling.DeleteScheduledActionInput, _ ...func(*applicationautoscaling.Options)) (*applicationautoscaling.DeleteScheduledActionOutput, error) {
	name := aws.ToString(in.ScheduledActionName)
	notFound := func(k fault.Key) error { return fault.ActionNotFound(k, name) }
	id, err := rules.Existing(in.ServiceNamespace, in.ResourceId, in.ScalableDimension, notFound)
	if err != nil {
		return nil, err
	}
	err = as.change(ctx, id, notFound, func(_ context.Context, _ *state.Tx, t *target) (*target, error) {
		if t.action(name) == nil {
			return nil, notFound(rules.Key(id))
		}
		return t.withoutAction(t.action(name)), nil
	})
	if err != nil {
		return nil, err
	}
	return &applicationautoscaling.DeleteScheduledActionOutput{}, nil
}

// arn names a scheduled action. The actions of a target share the UUID in it, as
// AWS's do.
func (as *scheduledActions) arn(t *target, name string) string {
	id := uuid.NewSHA1(uuid.NameSpaceURL, []byte(t.arn(as.cell)))
	return as.cell.ARN("autoscaling", "scheduledAction:"+id.String()+":resource/"+t.ResourceID.Kind().Namespace()+"/"+string(t.ResourceID)+":scheduledActionName/"+name)
}
