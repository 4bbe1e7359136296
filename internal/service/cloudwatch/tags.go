package cloudwatch

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/internal/store"
)

// Limits of tags, from the API reference.
const (
	maxTags     = 50  // of a resource
	maxTagKey   = 128 // characters
	maxTagValue = 256 // characters
)

// newTags are the tags of a new resource, by key.
func newTags(in []types.Tag) ([]types.Tag, error) { return withTags(nil, in) }

// withTags adds tags to those that a resource has, by key. Both stay as they
// are.
func withTags(have, add []types.Tag) ([]types.Tag, error) {
	tags := slices.Clone(have)
	for _, t := range add {
		switch {
		case str(t.Key) == "" || t.Value == nil:
			return nil, invalidValue("A tag must have a key and a value.")
		case strings.HasPrefix(strings.ToLower(*t.Key), "aws:"):
			return nil, invalidValue("Tag keys that start with aws: are reserved.")
		case utf8.RuneCountInString(*t.Key) > maxTagKey || utf8.RuneCountInString(*t.Value) > maxTagValue:
			return nil, invalidValue("A tag must have a key of at most %d characters and a value of at most %d.", maxTagKey, maxTagValue)
		}
		i, found := slices.BinarySearchFunc(tags, *t.Key, func(t types.Tag, key string) int { return strings.Compare(*t.Key, key) })
		if found {
			tags[i] = t
		} else {
			tags = slices.Insert(tags, i, t)
		}
	}
	if len(tags) > maxTags {
		return nil, invalidValue("A resource must not have more than %d tags.", maxTags)
	}
	return tags, nil
}

// TagResource adds tags to an alarm or a dashboard, or replaces their values.
func (a *API) TagResource(_ context.Context, in *cloudwatch.TagResourceInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.TagResourceOutput, error) {
	return &cloudwatch.TagResourceOutput{}, a.retag(str(in.ResourceARN), func(have []types.Tag) ([]types.Tag, error) {
		return withTags(have, in.Tags)
	})
}

// UntagResource takes tags from an alarm or a dashboard.
func (a *API) UntagResource(_ context.Context, in *cloudwatch.UntagResourceInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.UntagResourceOutput, error) {
	return &cloudwatch.UntagResourceOutput{}, a.retag(str(in.ResourceARN), func(have []types.Tag) ([]types.Tag, error) {
		return slices.DeleteFunc(slices.Clone(have), func(t types.Tag) bool { return slices.Contains(in.TagKeys, *t.Key) }), nil
	})
}

// ListTagsForResource shows the tags of an alarm or a dashboard.
func (a *API) ListTagsForResource(_ context.Context, in *cloudwatch.ListTagsForResourceInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.ListTagsForResourceOutput, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	t, err := a.tagged(str(in.ResourceARN))
	if err != nil {
		return nil, err
	}
	tags := slices.Clone(*t.tags)
	if tags == nil {
		tags = []types.Tag{}
	}
	return &cloudwatch.ListTagsForResourceOutput{Tags: tags}, nil
}

// A taggable is a resource's tags, and how to store it with them.
type taggable struct {
	tags *[]types.Tag
	put  func(*store.Batch)
}

// tagged finds the resource with an ARN. The caller holds the lock.
func (a *API) tagged(arn string) (taggable, error) {
	if name, ok := a.alarmName(arn); ok {
		if r := a.alarms[name]; r != nil {
			return taggable{&r.tags, func(b *store.Batch) { a.putDefinition(b, r) }}, nil
		}
	}
	for _, d := range a.dashboards {
		if a.dashboardARN(d.name) == arn {
			return taggable{&d.Tags, d.put}, nil
		}
	}
	return taggable{}, &types.ResourceNotFoundException{Message: ptr("Unknown"), ResourceId: &arn} // CloudWatch says no more
}

func (a *API) retag(arn string, change func(have []types.Tag) ([]types.Tag, error)) error {
	b := new(store.Batch)
	a.mu.Lock()
	t, err := a.tagged(arn)
	if err == nil {
		var tags []types.Tag
		if tags, err = change(*t.tags); err == nil {
			*t.tags = tags
			t.put(b)
		}
	}
	if err != nil {
		a.mu.Unlock()
		return err
	}
	commit := a.Store.Write(b)
	a.mu.Unlock()
	if err := commit.Wait(); err != nil {
		return internal(err)
	}
	return nil
}
