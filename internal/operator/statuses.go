package operator

import (
	"context"
	"errors"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"flyball/internal/operator/v1alpha1"
)

// statuses writes the status of resources. A write goes by what was read: if somebody else has
// written since, it is made again of what there is then.
type statuses struct {
	client client.Client // reads a copy
	live   client.Reader // asks the API server
}

// attempts is how often a write is made before it fails.
const attempts = 5

// target changes the status of a ScalableTarget. A change that returns errBehind is asked again with
// what the API server has.
func (s statuses) target(ctx context.Context, key types.NamespacedName, change func(*v1alpha1.ScalableTarget) error) error {
	return update(ctx, s, key, &v1alpha1.ScalableTarget{}, func(t *v1alpha1.ScalableTarget) any { return t.Status.DeepCopy() }, change)
}

func (s statuses) policy(ctx context.Context, key types.NamespacedName, change func(*v1alpha1.ScalingPolicy) error) error {
	return update(ctx, s, key, &v1alpha1.ScalingPolicy{}, func(p *v1alpha1.ScalingPolicy) any { return p.Status.DeepCopy() }, change)
}

func (s statuses) action(ctx context.Context, key types.NamespacedName, change func(*v1alpha1.ScheduledAction) error) error {
	return update(ctx, s, key, &v1alpha1.ScheduledAction{}, func(a *v1alpha1.ScheduledAction) any { return a.Status.DeepCopy() }, change)
}

func update[T client.Object](ctx context.Context, s statuses, key types.NamespacedName, into T, status func(T) any, change func(T) error) error {
	var err error
	read := client.Reader(s.client)
	for range attempts {
		if err = read.Get(ctx, key, into); err != nil {
			return err
		}
		before := status(into)
		read = s.live
		if err = change(into); errors.Is(err, errBehind) {
			continue
		}
		if err != nil || equality.Semantic.DeepEqual(before, status(into)) {
			return err
		}
		if err = s.client.Status().Update(ctx, into); !apierrors.IsConflict(err) {
			return err
		}
	}
	return err
}
