package autoscaling

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/google/uuid"

	"flyball/internal/page"
	"flyball/internal/store"
	"flyball/scaling"
)

// A target is a scalable target: an ECS service that may be scaled. What is
// encoded is what the store keeps.
type target struct {
	ResourceID string
	ARN        string
	Min, Max   int32
	Suspended  scaling.Suspended
	Role       string `json:",omitempty"` // "": the service-linked one
	Created    time.Time
	Tags       map[string]string `json:",omitempty"`
	Activity   *scaling.Activity `json:",omitempty"` // the one that has not ended

	// work is held while something outside is looked at and changed for this
	// target: a decision, or the alarms of a policy.
	work     sync.Mutex
	policies []*policy // sorted by name
	actions  []*action // sorted by name
	held     held
	emptied  time.Time // when it was last seen to have lost its tasks
}

// insert adds a target to the maps.
func (a *API) insert(t *target) {
	a.targets[t.ResourceID] = t
	a.byARN[t.ARN] = t
	a.sorted = nil
}

// listed are all targets in the order of their resource ids.
func (a *API) listed() []*target {
	if a.sorted == nil {
		a.sorted = slices.SortedFunc(maps.Values(a.targets), func(x, y *target) int {
			return strings.Compare(x.ResourceID, y.ResourceID)
		})
	}
	return a.sorted
}

// engine is the target as package scaling sees it.
func (t *target) engine() scaling.Target {
	b, err := scaling.NewBounds(t.Min, t.Max)
	if err != nil {
		panic(err) // checked when it was registered
	}
	return scaling.Target{Bounds: b, Suspended: t.Suspended}
}

// RegisterScalableTarget implements the operation.
func (a *API) RegisterScalableTarget(ctx context.Context, in *applicationautoscaling.RegisterScalableTargetInput, _ ...func(*applicationautoscaling.Options)) (*applicationautoscaling.RegisterScalableTargetOutput, error) {
	resourceID, err := checkKey(in.ServiceNamespace, in.ResourceId, in.ScalableDimension)
	if err != nil {
		return nil, err
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	t, err := a.register(ctx, resourceID, in)
	if err != nil {
		return nil, unwrapGone(err)
	}
	return &applicationautoscaling.RegisterScalableTargetOutput{ScalableTargetARN: aws.String(t.ARN)}, nil
}

// register creates or changes a target, and brings the service's capacity
// inside its bounds.
func (a *API) register(ctx context.Context, resourceID string, in *applicationautoscaling.RegisterScalableTargetInput) (*target, error) {
	seen, err := a.service(ctx, resourceID)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	t := a.targets[resourceID]
	isNew := t == nil
	if isNew {
		t = &target{ResourceID: resourceID, ARN: a.newTargetARN(), Created: a.now()}
	}
	change, err := a.merge(t, isNew, in)
	if err != nil {
		a.mu.Unlock()
		return nil, err
	}
	t.Min, t.Max, t.Suspended, t.Role, t.Tags = change.Min, change.Max, change.Suspended, change.Role, change.Tags
	if isNew {
		a.insert(t)
	}
	if seen.Desired == 0 {
		a.watchZero(t)
	}
	commit := a.cfg.Store.Write(t.put(new(store.Batch)))
	a.mu.Unlock()
	if err := durable(commit); err != nil {
		return nil, err
	}
	if len(in.Tags) > 0 && !isNew {
		if err := a.applyPace(ctx, t); err != nil {
			return nil, err
		}
	}
	return t, a.enforceBounds(ctx, t)
}

// merge is the target with the members that a request gives; others keep their
// value.
func (a *API) merge(t *target, isNew bool, in *applicationautoscaling.RegisterScalableTargetInput) (*target, error) {
	m := &target{Min: t.Min, Max: t.Max, Suspended: t.Suspended, Role: t.Role, Tags: t.Tags}
	if isNew && (in.MinCapacity == nil || in.MaxCapacity == nil) {
		return nil, invalid("Minimum capacity and maximum capacity must be specified when a new scalable target is registered")
	}
	if isNew && a.cfg.MaxTargets > 0 && len(a.targets) >= a.cfg.MaxTargets {
		return nil, limitExceeded("The limit of %d scalable targets for service namespace %s is reached.", a.cfg.MaxTargets, namespace)
	}
	given(&m.Min, in.MinCapacity)
	given(&m.Max, in.MaxCapacity)
	if _, err := scaling.NewBounds(m.Min, m.Max); err != nil {
		return nil, invalidRule(err)
	}
	if s := in.SuspendedState; s != nil {
		given(&m.Suspended.In, s.DynamicScalingInSuspended)
		given(&m.Suspended.Out, s.DynamicScalingOutSuspended)
		given(&m.Suspended.Scheduled, s.ScheduledScalingSuspended)
	}
	given(&m.Role, in.RoleARN)
	if len(in.Tags) > 0 {
		m.Tags = mergeTags(t.Tags, in.Tags)
		if len(m.Tags) > maxTags {
			return nil, tooManyTags(t.ARN)
		}
	}
	return m, nil
}

// given sets a value if there is one to set.
func given[T any](to *T, v *T) {
	if v != nil {
		*to = *v
	}
}

// enforceBounds brings a capacity outside the bounds inside them. That it
// fails does not undo the registration: the activity tells.
func (a *API) enforceBounds(ctx context.Context, t *target) error {
	t.work.Lock()
	defer t.work.Unlock()
	return a.bringInside(ctx, t)
}

// bringInside is enforceBounds for a caller that holds t.work.
func (a *API) bringInside(ctx context.Context, t *target) error {
	seen, err := a.service(ctx, t.ResourceID)
	if err != nil {
		return err
	}
	a.mu.Lock()
	bounds := t.engine().Bounds
	a.mu.Unlock()
	if activity, ok := scaling.BoundsActivity(uuid.NewString(), a.now(), bounds, seen.Desired); ok {
		_ = a.perform(ctx, t, activity, nil)
	}
	return nil
}

// DeregisterScalableTarget implements the operation. It deletes the policies
// and their alarms, and the scheduled actions, too.
func (a *API) DeregisterScalableTarget(ctx context.Context, in *applicationautoscaling.DeregisterScalableTargetInput, _ ...func(*applicationautoscaling.Options)) (*applicationautoscaling.DeregisterScalableTargetOutput, error) {
	if elsewhere(in.ServiceNamespace) {
		return nil, targetNotFound(in.ServiceNamespace, aws.ToString(in.ResourceId), in.ScalableDimension)
	}
	resourceID, err := checkKey(in.ServiceNamespace, in.ResourceId, in.ScalableDimension)
	if err != nil {
		return nil, err
	}
	if err := a.deregister(ctx, resourceID); err != nil {
		return nil, err
	}
	return &applicationautoscaling.DeregisterScalableTargetOutput{}, nil
}

// ServiceDeleted takes away the target of an ECS service that is gone. Without
// a target it does nothing.
func (a *API) ServiceDeleted(ctx context.Context, resourceID string) error {
	a.mu.Lock()
	_, ok := a.targets[resourceID]
	a.mu.Unlock()
	if !ok {
		return nil
	}
	return a.deregister(ctx, resourceID)
}

func (a *API) deregister(ctx context.Context, resourceID string) error {
	t := a.lookup(resourceID)
	if t == nil {
		return targetNotFound(namespace, resourceID, dimension)
	}
	t.work.Lock()
	defer t.work.Unlock()
	a.mu.Lock()
	if a.targets[resourceID] != t {
		a.mu.Unlock()
		return targetNotFound(namespace, resourceID, dimension)
	}
	names := t.ownAlarms()
	a.mu.Unlock()
	if err := a.deleteAlarms(ctx, names); err != nil {
		return err
	}
	a.mu.Lock()
	var b store.Batch
	if t.Activity != nil {
		a.end(&b, t, t.Activity.Failed(a.now(), errDeregistered))
	}
	b.Delete(kindTarget, resourceID).
		DeleteRange(kindPolicy, store.Prefix(policyKey(resourceID, ""))).
		DeleteRange(kindPrediction, store.Prefix(policyKey(resourceID, ""))).
		DeleteRange(kindAction, store.Prefix(actionKey(resourceID, "")))
	delete(a.targets, resourceID)
	delete(a.byARN, t.ARN)
	delete(a.following, t)
	delete(a.zero, t)
	for _, p := range t.policies {
		delete(a.policies, p.ARN)
		a.withdraw(p)
	}
	for _, c := range t.actions {
		a.agenda.drop(c)
	}
	a.sorted = nil
	commit := a.cfg.Store.Write(&b)
	a.mu.Unlock()
	if a.cfg.MetricPeriod != nil {
		a.cfg.MetricPeriod(resourceID, standardPeriod)
	}
	return durable(commit)
}

// lookup finds a target.
func (a *API) lookup(resourceID string) *target {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.targets[resourceID]
}

// DescribeScalableTargets implements the operation.
func (a *API) DescribeScalableTargets(_ context.Context, in *applicationautoscaling.DescribeScalableTargetsInput, _ ...func(*applicationautoscaling.Options)) (*applicationautoscaling.DescribeScalableTargetsOutput, error) {
	limit, err := checkListing(in.ScalableDimension, len(in.ResourceIds) > 0, in.MaxResults, 50)
	if err != nil {
		return nil, err
	}
	out := &applicationautoscaling.DescribeScalableTargetsOutput{ScalableTargets: []types.ScalableTarget{}}
	if !scales(in.ServiceNamespace, in.ScalableDimension) {
		return out, nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	targets, next, err := page.Of(a.selected(in.ResourceIds), func(t *target) string { return t.ResourceID }, in.NextToken, limit)
	if err != nil {
		return nil, invalidToken(in.NextToken)
	}
	for _, t := range targets {
		out.ScalableTargets = append(out.ScalableTargets, a.describe(t))
	}
	out.NextToken = next
	return out, nil
}

// selected are the targets with some resource ids, or without any all of them.
func (a *API) selected(resourceIDs []string) []*target {
	if len(resourceIDs) == 0 {
		return a.listed()
	}
	ids := slices.Clone(resourceIDs)
	slices.Sort(ids)
	var targets []*target
	for _, id := range slices.Compact(ids) {
		if t := a.targets[id]; t != nil {
			targets = append(targets, t)
		}
	}
	return targets
}

// collect gathers what the targets have, or the one with the resource id if there
// is one, in the order of their resource ids.
func collect[T any](a *API, resourceID *string, of func(*target) []T, wanted func(T) bool) []T {
	var ids []string
	if resourceID != nil {
		ids = []string{*resourceID}
	}
	var items []T
	for _, t := range a.selected(ids) {
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
		ResourceId:        aws.String(t.ResourceID),
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
func checkListing(dim types.ScalableDimension, named bool, asked *int32, most int) (limit int, err error) {
	switch {
	case dim != "" && !named:
		return 0, invalid("A resource ID must be specified when ScalableDimension is specified")
	case asked == nil:
		return most, nil
	case *asked < 1:
		return 0, invalid("MaxResults must be between 1 and %d", most)
	}
	return min(int(*asked), most), nil
}

// put adds the target's document to a batch.
func (t *target) put(b *store.Batch) *store.Batch {
	put(b, kindTarget, t.ResourceID, t)
	return b
}
