package scheduler

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"

	"flyball/internal/service/scheduler/fault"
	"flyball/internal/state"
	"flyball/internal/tags"
)

// Groups alone have tags.

// mostTags is how many tags a group can have ("TagResource", Scheduler API Reference).
const mostTags = 200

// TagResource adds or replaces tags of a group.
func (a *API) TagResource(ctx context.Context, in *scheduler.TagResourceInput, _ ...func(*scheduler.Options)) (*scheduler.TagResourceOutput, error) {
	err := a.changeTags(ctx, in.ResourceArn, func(have map[string]string) (map[string]string, error) { return mergeTags(have, in.Tags) })
	if err != nil {
		return nil, err
	}
	return &scheduler.TagResourceOutput{}, nil
}

// UntagResource removes tags of a group.
func (a *API) UntagResource(ctx context.Context, in *scheduler.UntagResourceInput, _ ...func(*scheduler.Options)) (*scheduler.UntagResourceOutput, error) {
	err := a.changeTags(ctx, in.ResourceArn, func(have map[string]string) (map[string]string, error) {
		return tags.Remove(have, in.TagKeys), nil
	})
	if err != nil {
		return nil, err
	}
	return &scheduler.UntagResourceOutput{}, nil
}

// ListTagsForResource lists the tags of a group.
func (a *API) ListTagsForResource(ctx context.Context, in *scheduler.ListTagsForResourceInput, _ ...func(*scheduler.Options)) (*scheduler.ListTagsForResourceOutput, error) {
	have, ok := a.Resource(ctx, aws.ToString(in.ResourceArn))
	if !ok {
		return nil, fault.NoResource(aws.ToString(in.ResourceArn))
	}
	return &scheduler.ListTagsForResourceOutput{
		Tags: tags.List(have, func(key, value string) types.Tag { return types.Tag{Key: &key, Value: &value} }),
	}, nil
}

// Resource is the tags of a group or a schedule, which has none, by its ARN, for those who
// judge.
func (a *API) Resource(ctx context.Context, arn string) (have map[string]string, ok bool) {
	resource, ok := a.cell.Parse("scheduler", arn)
	if !ok {
		return nil, false
	}
	kind, name, _ := strings.Cut(resource, "/")
	a.cell.State.View(ctx, func() {
		switch kind {
		case "schedule-group":
			var g group
			g, ok = a.group(name)
			have = g.Tags
		case "schedule":
			_, ok = a.schedules.Get(name)
		default:
			ok = false
		}
	})
	return have, ok
}

// changeTags changes the tags of a group.
func (a *API) changeTags(ctx context.Context, arn *string, change func(map[string]string) (map[string]string, error)) error {
	resource, _ := a.cell.Parse("scheduler", aws.ToString(arn))
	name, isGroup := strings.CutPrefix(resource, "schedule-group/")
	return a.cell.State.Change(ctx, func(_ context.Context, tx *state.Tx) error {
		g, ok := a.group(name)
		if !ok || !isGroup {
			return fault.NoResource(aws.ToString(arn))
		}
		var err error
		if g.Tags, err = change(g.Tags); err != nil {
			return err
		}
		g.Modified = a.cell.Clock.Now()
		a.groups.Put(tx, name, g)
		return nil
	})
}

func mergeTags(have map[string]string, add []types.Tag) (map[string]string, error) {
	given := tags.Map(add, func(t types.Tag) (key, value *string) { return t.Key, t.Value })
	if len(given) < len(add) {
		return nil, fault.Invalid("Tag keys must be unique.")
	}
	merged, err := tags.Merge(have, given, mostTags)
	switch {
	case errors.Is(err, tags.ErrTooMany):
		return nil, fault.TooMany("tags of a schedule group", mostTags)
	case err != nil:
		return nil, fault.Invalid("%s.", err)
	}
	return merged, nil
}
