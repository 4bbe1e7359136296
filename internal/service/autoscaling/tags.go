package autoscaling

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"

	"flyball/internal/state"
	"flyball/internal/tags"
)

// maxTags is how many tags a scalable target can have.
const maxTags = tags.Most

// checkTags refuses tags that AWS refuses, and values of our own tags that mean
// nothing.
func checkTags(given map[string]string) error {
	for _, key := range slices.Sorted(maps.Keys(given)) {
		value := given[key]
		if strings.HasPrefix(strings.ToLower(key), "aws:") {
			return invalid("aws: prefixed tag key names are not allowed for external use.")
		}
		if !strings.HasPrefix(key, tagPrefix) {
			continue
		}
		n, err := strconv.Atoi(value)
		switch key {
		case tagMetricPeriod:
			if err != nil || !slices.Contains(metricPeriods, n) {
				return invalid("Tag %s must be a number of seconds, one of %v, not %q", key, metricPeriods, value)
			}
		case tagOutDatapoints, tagInDatapoints:
			if err != nil || n < 1 || n > maxDatapoints {
				return invalid("Tag %s must be a number of datapoints from 1 to %d, not %q", key, maxDatapoints, value)
			}
		default:
			return invalid("Tag %s is not known; %s, %s and %s are", key, tagMetricPeriod, tagOutDatapoints, tagInDatapoints)
		}
	}
	return nil
}

// TagResource adds tags to a target, or replaces their values.
func (a *API) TagResource(ctx context.Context, in *applicationautoscaling.TagResourceInput, _ ...func(*applicationautoscaling.Options)) (*applicationautoscaling.TagResourceOutput, error) {
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	err := a.retag(ctx, aws.ToString(in.ResourceARN), func(have map[string]string) (map[string]string, error) {
		return tags.Merge(have, in.Tags, maxTags)
	})
	if err != nil {
		return nil, err
	}
	return &applicationautoscaling.TagResourceOutput{}, nil
}

// UntagResource takes tags from a target. Keys that are not there are ignored.
func (a *API) UntagResource(ctx context.Context, in *applicationautoscaling.UntagResourceInput, _ ...func(*applicationautoscaling.Options)) (*applicationautoscaling.UntagResourceOutput, error) {
	err := a.retag(ctx, aws.ToString(in.ResourceARN), func(have map[string]string) (map[string]string, error) {
		return tags.Remove(have, in.TagKeys), nil
	})
	if err != nil {
		return nil, err
	}
	return &applicationautoscaling.UntagResourceOutput{}, nil
}

// ListTagsForResource shows the tags of a target.
func (a *API) ListTagsForResource(ctx context.Context, in *applicationautoscaling.ListTagsForResourceInput, _ ...func(*applicationautoscaling.Options)) (*applicationautoscaling.ListTagsForResourceOutput, error) {
	name := aws.ToString(in.ResourceARN)
	var t *target
	a.state.View(ctx, func() { t = a.rows.targets[a.rows.byARN[name]] })
	if t == nil {
		return nil, resourceNotFound(name)
	}
	out := &applicationautoscaling.ListTagsForResourceOutput{Tags: map[string]string{}}
	maps.Copy(out.Tags, t.Tags)
	return out, nil
}

// retag changes the tags of a target, and its alarms where they depend on them.
func (a *API) retag(ctx context.Context, name string, change func(map[string]string) (map[string]string, error)) error {
	return a.state.Change(ctx, func(ctx context.Context, tx *state.Tx) error {
		old := a.rows.targets[a.rows.byARN[name]]
		if old == nil {
			return resourceNotFound(name)
		}
		changed := *old.row
		var err error
		switch changed.Tags, err = change(old.Tags); {
		case errors.Is(err, tags.ErrTooMany):
			return tooManyTags(name)
		case err != nil:
			return invalidRule(err)
		}
		return a.repace(ctx, tx, old, &target{&changed, old.policies, old.actions})
	})
}
