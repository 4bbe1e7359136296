package autoscaling

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"

	"flyball/internal/page"
	"flyball/internal/store"
	"flyball/scaling"
	"flyball/schedule"
)

// maxActions is how many scheduled actions a target can have.
const maxActions = 200

// An action is a scheduled action. What is encoded is what the store keeps.
type action struct {
	ResourceID string
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
	next     time.Time         // as planned
	place    int               // in the agenda, or unplanned
}

const unplanned = -1

func actionKey(resourceID, name string) string { return resourceID + " " + name }

// put adds the action's document to a batch.
func (c *action) put(b *store.Batch) *store.Batch {
	put(b, kindAction, actionKey(c.ResourceID, c.Name), c)
	return b
}

// change is what the action does to the target's bounds.
func (c *action) change() scaling.BoundsChange { return scaling.BoundsChange{Min: c.Min, Max: c.Max} }

// compile makes the schedule. Start and end times bound "a recurring schedule"
// ("PutScheduledAction"): an at expression runs at its time whatever they say. A
// rate without a start time counts from the action's creation: the first run is
// one interval later.
func (a *API) compile(c *action) error {
	zone, err := a.zone(c.Timezone)
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
	return nil
}

// zone finds a time zone. Actions share them: there are a few hundred at most.
func (a *API) zone(name string) (*time.Location, error) {
	if name == "" {
		return time.UTC, nil
	}
	if zone := a.zones[name]; zone != nil {
		return zone, nil
	}
	zone, err := schedule.Zone(name)
	if err == nil {
		a.zones[name] = zone
	}
	return zone, err
}

// actionAt is where the target's scheduled action of a name is, or would be.
func (t *target) actionAt(name string) (int, bool) {
	return slices.BinarySearchFunc(t.actions, name, func(c *action, name string) int { return strings.Compare(c.Name, name) })
}

// action is the target's scheduled action of a name, or nil.
func (t *target) action(name string) *action {
	if i, ok := t.actionAt(name); ok {
		return t.actions[i]
	}
	return nil
}

// keep adds an action to its target and to the agenda, or puts it in the place
// of the one of the same name.
func (a *API) keep(t *target, c *action) {
	i, found := t.actionAt(c.Name)
	if found {
		a.agenda.drop(t.actions[i])
		t.actions[i] = c
	} else {
		t.actions = slices.Insert(t.actions, i, c)
	}
	c.place = unplanned
	a.agenda.plan(c)
}

// PutScheduledAction implements the operation.
func (a *API) PutScheduledAction(_ context.Context, in *applicationautoscaling.PutScheduledActionInput, _ ...func(*applicationautoscaling.Options)) (*applicationautoscaling.PutScheduledActionOutput, error) {
	resourceID, err := checkKey(in.ServiceNamespace, in.ResourceId, in.ScalableDimension)
	if err != nil {
		return nil, err
	}
	if aws.ToString(in.ScheduledActionName) == "" {
		return nil, invalid("ScheduledActionName must be specified")
	}
	t := a.lookup(resourceID)
	if t == nil {
		return nil, targetNotRegistered(resourceID)
	}
	t.work.Lock() // an action that is running is not changed under way
	defer t.work.Unlock()
	a.mu.Lock()
	if a.targets[resourceID] != t {
		a.mu.Unlock()
		return nil, targetNotRegistered(resourceID)
	}
	c, err := a.draftAction(t, in)
	if err != nil {
		a.mu.Unlock()
		return nil, err
	}
	a.keep(t, c)
	commit := a.cfg.Store.Write(c.put(new(store.Batch)))
	a.mu.Unlock()
	a.replan()
	if err := durable(commit); err != nil {
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
	given(&c.Expression, in.Schedule)
	given(&c.Timezone, in.Timezone)
	c.Start, c.End = aws.ToTime(in.StartTime), aws.ToTime(in.EndTime)
	if in.ScalableTargetAction != nil {
		c.Min, c.Max = in.ScalableTargetAction.MinCapacity, in.ScalableTargetAction.MaxCapacity
	}
	if c.Expression == "" {
		return nil, invalid("A schedule must be specified when a new scheduled action is created")
	}
	if err := a.compile(c); err != nil {
		return nil, err
	}
	if err := checkChange(c); err != nil {
		return nil, err
	}
	if old == nil || !c.runsLike(old) {
		c.Done = now
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
func (a *API) DescribeScheduledActions(_ context.Context, in *applicationautoscaling.DescribeScheduledActionsInput, _ ...func(*applicationautoscaling.Options)) (*applicationautoscaling.DescribeScheduledActionsOutput, error) {
	limit, err := checkListing(in.ScalableDimension, in.ResourceId != nil, in.MaxResults, 50)
	if err != nil {
		return nil, err
	}
	out := &applicationautoscaling.DescribeScheduledActionsOutput{ScheduledActions: []types.ScheduledAction{}}
	if !scales(in.ServiceNamespace, in.ScalableDimension) {
		return out, nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	matching := collect(a, in.ResourceId, func(t *target) []*action { return t.actions }, func(c *action) bool {
		return len(in.ScheduledActionNames) == 0 || slices.Contains(in.ScheduledActionNames, c.Name)
	})
	actions, next, err := page.Of(matching, func(c *action) string { return actionKey(c.ResourceID, c.Name) }, in.NextToken, limit)
	if err != nil {
		return nil, invalidToken(in.NextToken)
	}
	for _, c := range actions {
		out.ScheduledActions = append(out.ScheduledActions, a.describeAction(c))
	}
	out.NextToken = next
	return out, nil
}

func (a *API) describeAction(c *action) types.ScheduledAction {
	out := types.ScheduledAction{
		ServiceNamespace:     namespace,
		ResourceId:           aws.String(c.ResourceID),
		ScalableDimension:    dimension,
		ScheduledActionName:  aws.String(c.Name),
		ScheduledActionARN:   aws.String(a.actionARN(a.targets[c.ResourceID], c.Name)),
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
func (a *API) DeleteScheduledAction(_ context.Context, in *applicationautoscaling.DeleteScheduledActionInput, _ ...func(*applicationautoscaling.Options)) (*applicationautoscaling.DeleteScheduledActionOutput, error) {
	name := aws.ToString(in.ScheduledActionName)
	if elsewhere(in.ServiceNamespace) {
		return nil, scheduledActionNotFound(in.ServiceNamespace, aws.ToString(in.ResourceId), in.ScalableDimension, name)
	}
	resourceID, err := checkKey(in.ServiceNamespace, in.ResourceId, in.ScalableDimension)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	t := a.targets[resourceID]
	if t == nil || t.action(name) == nil {
		a.mu.Unlock()
		return nil, scheduledActionNotFound(namespace, resourceID, dimension, name)
	}
	i, _ := t.actionAt(name)
	a.agenda.drop(t.actions[i])
	t.actions = slices.Delete(t.actions, i, i+1)
	commit := a.cfg.Store.Write(new(store.Batch).Delete(kindAction, actionKey(resourceID, name)))
	a.mu.Unlock()
	if err := durable(commit); err != nil {
		return nil, err
	}
	return &applicationautoscaling.DeleteScheduledActionOutput{}, nil
}

// A ScheduledRun is when a scheduled action runs next, and what it does.
type ScheduledRun struct {
	Action string    `json:"action"`
	At     time.Time `json:"at"`
	Min    *int32    `json:"min,omitempty"` // nil: the minimum stays
	Max    *int32    `json:"max,omitempty"` // nil: the maximum stays
}

// nextRun is the target's first scheduled run from now on, or nil.
func (t *target) nextRun() *ScheduledRun {
	var first *action
	for _, c := range t.actions {
		if !c.next.IsZero() && (first == nil || c.next.Before(first.next)) {
			first = c
		}
	}
	if first == nil {
		return nil
	}
	return &ScheduledRun{Action: first.Name, At: first.next, Min: first.Min, Max: first.Max}
}
