package autoscaling

import (
	"context"
	"errors"
	"maps"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"

	"flyball/internal/service/autoscaling/fault"
	"flyball/internal/service/autoscaling/rules"
	"flyball/internal/state"
	"flyball/internal/tags"
)

// targetTags are the operations of the tags of scalable targets.
type targetTags struct{ *host }

// TagResource adds tags to a target, or replaces their values.
func (tt *targetTags) TagResource(ctx context.Context, in *applicationautoscaling.TagResourceInput, _ ...func(*applicationautoscaling.Options)) (*applicationautoscaling.TagResourceOutput, error) {
	if err := rules.CheckTags(in.Tags); err != nil {
		return nil, err
	}
	err := tt.retag(ctx, aws.ToString(in.ResourceARN), func(have map[string]string) (map[string]string, error) {
		return tags.Merge(have, in.Tags, rules.MaxTags)
	})
	if err != nil {
		return nil, err
	}
	return &applicationautoscaling.TagResourceOutput{}, nil
}

// UntagResource takes tags from a target. Keys that are not there are ignored.
func (tt *targetTags) UntagResource(ctx context.Context, in *applicationautoscaling.UntagResourceInput, _ ...func(*applicationautoscaling.Options)) (*applicationautoscaling.UntagResourceOutput, error) {
	err := tt.retag(ctx, aws.ToString(in.ResourceARN), func(have map[string]string) (map[string]string, error) {
		return tags.Remove(have, in.TagKeys), nil
	})
	if err != nil {
		return nil, err
	}
	return &applicationautoscaling.UntagResourceOutput{}, nil
}

// ListTagsForResource shows the tags of a target.
func (tt *targetTags) ListTagsForResource(ctx context.Context, in *applicationautoscaling.ListTagsForResourceInput, _ ...func(*applicationautoscaling.Options)) (*applicationautoscaling.ListTagsForResourceOutput, error) {
	name := aws.ToString(in.ResourceARN)
	var t *target
	tt.state.View(ctx, func() { t = tt.rows.targets[tt.named(name)] })
	if t == nil {
		return nil, fault.ResourceNotFound(name)
	}
	out := &applicationautoscaling.ListTagsForResourceOutput{Tags: map[string]string{}}
	maps.Copy(out.Tags, t.Tags)
	return out, nil
}

// retag changes the tags of a target, and the alarms and forecasts that depend on them.
func (tt *targetTags) retag(ctx context.Context, arn string, change func(map[string]string) (map[string]string, error)) error {
	return tt.state.Change(ctx, func(ctx context.Context, _ *state.Tx) error {
		missing := func(fault.Key) error { return fault.ResourceNotFound(arn) }
		return tt.change(ctx, tt.named(arn), missing, func(ctx context.Context, tx *state.Tx, old *target) (*target, error) {
			changed := *old.row
			var err error
			switch changed.Tags, err = change(old.Tags); {
			case errors.Is(err, tags.ErrTooMany):
				return nil, fault.TooManyTags(arn, rules.MaxTags)
			case err != nil:
				return nil, fault.Rule(err)
			}
			t := old.withRow(&changed)
			if !rules.SameForesight(old.Tags, t.Tags) {
				tx.After(func() { tt.forecastAnew(t) })
			}
			if t.pace() == old.pace() {
				return t, nil
			}
			return t, tt.repace(ctx, t)
		})
	})
}

// forecastAnew has the predictive policies of a target forecast again.
func (tt *targetTags) forecastAnew(t *target) {
	for _, p := range t.policies {
		if p.Predictive != nil {
			tt.times.renewals.Set(p.id(), tt.now())
		}
	}
}

// repace changes the alarms of a target's target tracking policies, and the period
// of its metrics, to its pace.
func (tt *targetTags) repace(ctx context.Context, t *target) error {
	for _, p := range t.policies {
		if p.Tracking == nil {
			continue
		}
		if _, err := tt.alarms.write(ctx, t.pace(), p); err != nil {
			return err
		}
	}
	return tt.setMetricPeriod(ctx, t)
}
