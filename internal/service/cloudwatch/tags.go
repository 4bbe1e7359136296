package cloudwatch

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/internal/state"
	"flyball/internal/tags"
)

// tagMap reads a list of tags; nil is none.
func tagMap(list []types.Tag) map[string]string {
	if len(list) == 0 {
		return nil
	}
	return tags.Map(list, func(t types.Tag) (key, value *string) { return t.Key, t.Value })
}

// tagList writes tags as a list.
func tagList(m map[string]string) []types.Tag {
	return tags.List(m, func(key, value string) types.Tag { return types.Tag{Key: &key, Value: &value} })
}

// withTags adds the tags of a request to those that a resource has.
func withTags(have map[string]string, add []types.Tag) (map[string]string, error) {
	if len(add) == 0 {
		return have, nil
	}
	merged, err := tags.Merge(have, tagMap(add), tags.Most)
	switch {
	case errors.Is(err, tags.ErrTooMany):
		return nil, invalidValue("A resource must not have more than %d tags.", tags.Most)
	case err != nil:
		return nil, invalidValue("%v.", err)
	}
	return merged, nil
}

// TagResource adds tags to an alarm or a dashboard, or replaces their values.
func (a *API) TagResource(ctx context.Context, in *cloudwatch.TagResourceInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.TagResourceOutput, error) {
	return &cloudwatch.TagResourceOutput{}, a.retag(ctx, aws.ToString(in.ResourceARN), func(have map[string]string) (map[string]string, error) {
		return withTags(have, in.Tags)
	})
}

// UntagResource takes tags from an alarm or a dashboard.
func (a *API) UntagResource(ctx context.Context, in *cloudwatch.UntagResourceInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.UntagResourceOutput, error) {
	return &cloudwatch.UntagResourceOutput{}, a.retag(ctx, aws.ToString(in.ResourceARN), func(have map[string]string) (map[string]string, error) {
		return tags.Remove(have, in.TagKeys), nil
	})
}

// ListTagsForResource shows the tags of an alarm or a dashboard. An alarm that there
// is not has none: CloudWatch does not look whether there is one.
func (a *API) ListTagsForResource(ctx context.Context, in *cloudwatch.ListTagsForResourceInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.ListTagsForResourceOutput, error) {
	var have map[string]string
	var err error
	if _, isAlarm := a.alarms.nameOf(aws.ToString(in.ResourceARN)); !isAlarm {
		err = unknownResource(in.ResourceARN)
	}
	a.cell.State.View(ctx, func() {
		if r, ok := a.tagged(aws.ToString(in.ResourceARN)); ok {
			have, err = r.tags, nil
		}
	})
	if err != nil {
		return nil, err
	}
	return &cloudwatch.ListTagsForResourceOutput{Tags: tagList(have)}, nil
}

// A taggable is the tags of a resource, and how to give it others.
type taggable struct {
	tags map[string]string
	put  func(*state.Tx, map[string]string)
}

// tagged finds the resource with an ARN.
func (a *API) tagged(arn string) (taggable, bool) {
	if r, ok := a.alarms.tagged(arn); ok {
		return r, true
	}
	return a.dashboards.tagged(arn)
}

func (a *API) retag(ctx context.Context, arn string, change func(have map[string]string) (map[string]string, error)) error {
	return a.cell.State.Change(ctx, func(_ context.Context, tx *state.Tx) error {
		r, ok := a.tagged(arn)
		if !ok {
			return unknownResource(&arn)
		}
		changed, err := change(r.tags)
		if err == nil {
			r.put(tx, changed)
		}
		return err
	})
}

// unknownResource refuses an ARN of nothing; CloudWatch says no more.
func unknownResource(arn *string) error {
	return &types.ResourceNotFoundException{Message: new("Unknown"), ResourceId: arn}
}

// tagged finds the alarm with an ARN.
func (a *alarms) tagged(arn string) (taggable, bool) {
	name, ok := a.nameOf(arn)
	e := a.registry.get(name)
	if !ok || e == nil {
		return taggable{}, false
	}
	return taggable{e.tags, func(tx *state.Tx, tags map[string]string) {
		before := e.tags
		tx.Undo(func() { e.tags = before })
		e.tags = tags
		a.putDefinition(tx, e)
	}}, true
}

// tagged finds the dashboard with an ARN.
func (s *dashboards) tagged(arn string) (taggable, bool) {
	name, ok := s.nameOf(arn)
	d, found := s.rows.Get(name)
	if !ok || !found {
		return taggable{}, false
	}
	return taggable{tagMap(d.Tags), func(tx *state.Tx, tags map[string]string) {
		d.Tags = tagList(tags)
		s.rows.Put(tx, name, d)
	}}, true
}
