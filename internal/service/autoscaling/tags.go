package autoscaling

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"

	"flyball/internal/store"
)

// maxTags is how many tags a scalable target can have.
const maxTags = 50

// Tags that change how fast target tracking reacts. They are Flyball's own:
// without them the behaviour is that of AWS.
const (
	tagPrefix        = "flyball:"
	tagMetricPeriod  = "flyball:metric-period"        // seconds between datapoints of CPU and memory
	tagOutDatapoints = "flyball:scale-out-datapoints" // that must be above the target
	tagInDatapoints  = "flyball:scale-in-datapoints"  // that must be below 90 % of it
)

// metricPeriods are the periods that tagMetricPeriod takes.
var metricPeriods = []int{1, 5, 10, 20, 30, 60}

// maxDatapoints bounds what the two other tags take.
const maxDatapoints = 100

// A pace is how fast the target tracking policies of a target react.
type pace struct {
	period  time.Duration // of CPU and memory utilization; 0: as the policy's metric says
	out, in int32         // datapoints
}

// pace reads the target's tags, which were checked when they were set.
func (t *target) pace() pace {
	p := pace{out: outDatapoints, in: inDatapoints}
	number := func(tag string) int {
		n, _ := strconv.Atoi(t.Tags[tag])
		return n
	}
	p.period = time.Duration(number(tagMetricPeriod)) * time.Second
	if n := number(tagOutDatapoints); n > 0 {
		p.out = int32(n)
	}
	if n := number(tagInDatapoints); n > 0 {
		p.in = int32(n)
	}
	return p
}

func (a *API) paceOf(t *target) pace {
	a.mu.Lock()
	defer a.mu.Unlock()
	return t.pace()
}

// checkTags refuses tags that AWS refuses, and values of our own tags that mean
// nothing.
func checkTags(tags map[string]string) error {
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		value := tags[key]
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

// mergeTags are the tags with others added or replaced.
func mergeTags(tags, added map[string]string) map[string]string {
	merged := maps.Clone(tags)
	if merged == nil {
		merged = make(map[string]string, len(added))
	}
	maps.Copy(merged, added)
	return merged
}

// TagResource implements the operation.
func (a *API) TagResource(ctx context.Context, in *applicationautoscaling.TagResourceInput, _ ...func(*applicationautoscaling.Options)) (*applicationautoscaling.TagResourceOutput, error) {
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	err := a.retag(ctx, aws.ToString(in.ResourceARN), func(tags map[string]string) map[string]string { return mergeTags(tags, in.Tags) })
	if err != nil {
		return nil, err
	}
	return &applicationautoscaling.TagResourceOutput{}, nil
}

// UntagResource implements the operation. Keys that are not there are ignored.
func (a *API) UntagResource(ctx context.Context, in *applicationautoscaling.UntagResourceInput, _ ...func(*applicationautoscaling.Options)) (*applicationautoscaling.UntagResourceOutput, error) {
	err := a.retag(ctx, aws.ToString(in.ResourceARN), func(tags map[string]string) map[string]string {
		left := maps.Clone(tags)
		for _, key := range in.TagKeys {
			delete(left, key)
		}
		return left
	})
	if err != nil {
		return nil, err
	}
	return &applicationautoscaling.UntagResourceOutput{}, nil
}

// ListTagsForResource implements the operation.
func (a *API) ListTagsForResource(_ context.Context, in *applicationautoscaling.ListTagsForResourceInput, _ ...func(*applicationautoscaling.Options)) (*applicationautoscaling.ListTagsForResourceOutput, error) {
	name := aws.ToString(in.ResourceARN)
	a.mu.Lock()
	defer a.mu.Unlock()
	t := a.byARN[name]
	if t == nil {
		return nil, resourceNotFound(name)
	}
	return &applicationautoscaling.ListTagsForResourceOutput{Tags: mergeTags(t.Tags, nil)}, nil
}

// retag changes the tags of a target, and its alarms where they depend on them.
func (a *API) retag(ctx context.Context, name string, change func(map[string]string) map[string]string) error {
	a.mu.Lock()
	t := a.byARN[name]
	if t == nil {
		a.mu.Unlock()
		return resourceNotFound(name)
	}
	tags, before := change(t.Tags), t.pace()
	if len(tags) > maxTags {
		a.mu.Unlock()
		return tooManyTags(name)
	}
	t.Tags = tags
	faster := t.pace() != before
	commit := a.cfg.Store.Write(t.put(new(store.Batch)))
	a.mu.Unlock()
	if err := durable(commit); err != nil {
		return err
	}
	if !faster {
		return nil
	}
	return a.applyPace(ctx, t)
}
