package autoscaling

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"

	"flyball/internal/optional"
	"flyball/internal/page"
	"flyball/internal/state"
	"flyball/scaling"
	"flyball/schedule"
)

// maxActions is how many scheduled actions a target can have.
const maxActions = 200

// An action is a scheduled action. It is a value: a change is another action in
// its place. What is encoded is what the store keeps.
type action struct {
	ResourceID scaling.ResourceID
	Name       string
	Expression string
	Timezone   string    `json:",omitempty"` // as it was given; "" is UTC
	Start      time.Time `json:",omitzero"`
	End        time.Time `json:",omitzero"`
	Min        *int32    `json:",omitempty"`
	Max        *int32    `json:",omitempty"`
	Created    time.Time
	Done       time.Time // runs up to here have been, or were skipped

	schedule schedule.Schedule // made from the expression, the zone and the bounds
	next     time.Time         // the first run after Done; zero: none
}

func (c *action) named() string { return c.Name }

func actionKey(id scaling.ResourceID, name string) string { return string(id) + " " + name }

// change is what the action does to the target's bounds.
func (c *action) change() scaling.BoundsChange { return scaling.BoundsChange{Min: c.Min, Max: c.Max} }

// zones are time zones by name. Scheduled actions share them: there are a few
// hundred at most.
type zones struct{ byName sync.Map }

func (z *zones) of(name string) (*time.Location, error) {
	if name == "" {
		return time.UTC, nil
	}
	if zone, ok := z.byName.Load(name); ok {
		return zone.(*time.Location), nil
	}
	zone, err := schedule.Zone(name)
	if err == nil {
		z.byName.Store(name, zone)
	}
	return zone, err
}

// compile makes the schedule. Start and end times bound "a recurring schedule"
// ("PutScheduledAction"): an at expression runs at its time whatever they say. A
// rate without a start time counts from the action's creation: the first run is
// one interval later.
func (c *action) compile(known *zones) error {
	zone, err := known.of(c.Timezone)
	if err != nil {
		return invalid("Time zone %s is not valid. Give the name of an IANA time zone, such as Pacific/Tahiti or Etc/GMT+9.", c.Timezone)
	}
	s, err := schedule.Parse(c.Expression, zone)
	if err != nil {
		return invalid("Invalid schedule expression. Details: %s", err)
	}
	if !s.Once() {
		start := c.Start
		if start.IsZero() {
			start = c.Created
		}
		s = s.Between(start, c.End)
	}
	c.schedule = s
	c.next, _ = s.Next(c.Done) // zero where there is none
	return nil
}

// PutScheduledAction implements the operation.
func (a *API) PutScheduledAction(ctx context.Context, in *applicationautoscaling.PutScheduledActionInput, _ ...func(*applicationautoscaling.Options)) (*applicationautoscaling.PutScheduledActionOutput, error) {
	id, err := checkKey(in.ServiceNamespace, in.ResourceId, in.ScalableDimension)
	if err != nil {
		return nil, err
	}
	if aws.ToString(in.ScheduledActionName) == "" {
		return nil, invalid("ScheduledActionName must be specified")
	}
	err = a.state.Change(ctx, func(_ context.Context, tx *state.Tx) error {
		t := a.rows.targets[id]
		if t == nil {
			return targetNotRegistered(id)
		}
		c, err := a.draftAction(t, in)
		if err != nil {
			return err
		}
		a.rows.put(tx, &target{t.row, t.policies, with(t.actions, c, (*action).named)})
		tx.After(func() { a.replan(id) })
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &applicationautoscaling.PutScheduledActionOutput{}, nil
}

// draftAction is the scheduled action that a request asks for, checked. Members
// that are not given keep their value, except for the start and end times: "If
// you don't specify start and end times, the old values are deleted."
func (a *API) draftAction(t *target, in *applicationautoscaling.PutScheduledActionInput) (*action, error) {
	now, old := a.now(), t.action(*in.ScheduledActionName)
	c := &action{ResourceID: t.ResourceID, Name: *in.ScheduledActionName, Created: now, Done: now}
	if old != nil {
		*c = *old
	} else if len(t.actions) >= maxActions {
		return nil, limitExceeded("The limit of %d scheduled actions for a scalable target is reached.", maxActions)
	}
	optional.Set(&c.Expression, in.Schedule)
	optional.Set(&c.Timezone, in.Timezone)
	c.Start, c.End = aws.ToTime(in.StartTime), aws.ToTime(in.EndTime)
	if in.ScalableTargetAction != nil {
		c.Min, c.Max = in.ScalableTargetAction.MinCapacity, in.ScalableTargetAction.MaxCapacity
	}
	if c.Expression == "" {
		return nil, invalid("A schedule must be specified when a new scheduled action is created")
	}
	if old == nil || !c.runsLike(old) {
		c.Done = now
	}
	if err := c.compile(&a.zones); err != nil {
		return nil, err
	}
	if err := checkChange(c); err != nil {
		return nil, err
	}
	if old == nil || !c.runsLike(old) {
		if _, ok := c.schedule.Next(now); !ok && c.schedule.Once() {
			return nil, invalid("Invalid schedule expression. Details: %s is in the past.", c.Expression)
		}
	}
	return c, nil
}

// checkChange refuses what is wrong for every target. The bounds that a change
// of one end meets are known only when it runs.
func checkChange(c *action) error {
	if c.Min == nil && c.Max == nil {
		return invalid("At least one of minimum capacity and maximum capacity should be provided")
	}
	if !c.Start.IsZero() && !c.End.IsZero() && !c.Start.Before(c.End) {
		return invalid("The start time must be before the end time")
	}
	widest, err := scaling.NewBounds(0, int32(scaling.MaxCapacity))
	if err == nil {
		_, err = c.change().Apply(widest)
	}
	if err != nil {
		return invalidRule(err)
	}
	return nil
}

// runsLike reports whether two actions run at the same times.
func (c *action) runsLike(other *action) bool {
	return c.Expression == other.Expression && c.Timezone == other.Timezone && c.Start.Equal(other.Start) && c.End.Equal(other.End)
}

// DescribeScheduledActions implements the operation: in the order of their
// targets and names. One that has no run left stays until it is deleted.
func (a *API) DescribeScheduledActions(ctx context.Context, in *applicationautoscaling.DescribeScheduledActionsInput, _ ...func(*applicationautoscaling.Options)) (*applicationautoscaling.DescribeScheduledActionsOutput, error) {
	limit, err := checkListing(in.ScalableDimension, in.ResourceId != nil, in.MaxResults, 50)
	if err != nil {
		return nil, err
	}
	out := &applicationautoscaling.DescribeScheduledActionsOutput{ScheduledActions: []types.ScheduledAction{}}
	if !scales(in.ServiceNamespace, in.ScalableDimension) {
		return out, nil
	}
	matching := collect(ctx, a, in.ResourceId, func(t *target) []*action { return t.actions }, func(c *action) bool {
		return len(in.ScheduledActionNames) == 0 || slices.Contains(in.ScheduledActionNames, c.Name)
	})
	actions, next, err := page.Of(matching, func(c *action) string { return actionKey(c.ResourceID, c.Name) }, in.NextToken, limit)
	if err != nil {
		return nil, invalidToken(in.NextToken)
	}
	a.state.View(ctx, func() {
		for _, c := range actions {
			if t := a.rows.targets[c.ResourceID]; t != nil { // it may be gone meanwhile
				out.ScheduledActions = append(out.ScheduledActions, a.describeAction(t, c))
			}
		}
	})
	out.NextToken = next
	return out, nil
}

func (a *API) describeAction(t *target, c *action) types.ScheduledAction {
	out := types.ScheduledAction{
		ServiceNamespace:     namespace,
		ResourceId:           aws.String(string(c.ResourceID)),
		ScalableDimension:    dimension,
		ScheduledActionName:  aws.String(c.Name),
		ScheduledActionARN:   aws.String(a.actionARN(t, c.Name)),
		Schedule:             aws.String(c.Expression),
		ScalableTargetAction: &types.ScalableTargetAction{MinCapacity: c.Min, MaxCapacity: c.Max},
		CreationTime:         aws.Time(c.Created),
	}
	if c.Timezone != "" {
		out.Timezone = aws.String(c.Timezone)
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
func (a *API) DeleteScheduledAction(ctx context.Context, in *applicationautoscaling.DeleteScheduledActionInput, _ ...func(*applicationautoscaling.Options)) (*applicationautoscaling.DeleteScheduledActionOutput, error) {
	name := aws.ToString(in.ScheduledActionName)
	if elsewhere(in.ServiceNamespace) {
		return nil, scheduledActionNotFound(in.ServiceNamespace, aws.ToString(in.ResourceId), in.ScalableDimension, name)
	}
	id, err := checkKey(in.ServiceNamespace, in.ResourceId, in.ScalableDimension)
	if err != nil {
		return nil, err
	}
	err = a.state.Change(ctx, func(_ context.Context, tx *state.Tx) error {
		t := a.rows.targets[id]
		if t == nil || t.action(name) == nil {
			return scheduledActionNotFound(namespace, string(id), dimension, name)
		}
		a.rows.put(tx, &target{t.row, t.policies, without(t.actions, t.action(name))})
		tx.After(func() { a.replan(id) })
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &applicationautoscaling.DeleteScheduledActionOutput{}, nil
}
