package logs

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"flyball/internal/service/logs/fault"
	"flyball/internal/tags"
)

func refusedTags(err error, arn string) error {
	if errors.Is(err, tags.ErrTooMany) {
		return fault.TooManyTags(arn)
	}
	return fault.Invalid("%s", err)
}

// tagged is the name of the group that an ARN of TagResource is of. Other resources have
// no tags here.
func (a *API) tagged(arn string) (string, error) {
	resource, ok := a.cell.Parse("logs", arn)
	name, is := strings.CutPrefix(resource, "log-group:")
	if !ok || !is {
		return "", fault.NotFound("The specified resource does not exist.")
	}
	return name, nil
}

// TagResource adds tags to a group, or replaces them.
func (a *API) TagResource(ctx context.Context, in *cloudwatchlogs.TagResourceInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.TagResourceOutput, error) {
	name, err := a.tagged(*in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return &cloudwatchlogs.TagResourceOutput{}, a.tag(ctx, name, in.Tags)
}

// TagLogGroup is TagResource by the name of a group.
func (a *API) TagLogGroup(ctx context.Context, in *cloudwatchlogs.TagLogGroupInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.TagLogGroupOutput, error) {
	return &cloudwatchlogs.TagLogGroupOutput{}, a.tag(ctx, *in.LogGroupName, in.Tags)
}

func (a *API) tag(ctx context.Context, name string, add map[string]string) error {
	return a.changeGroup(ctx, name, func(g *group) (err error) {
		g.Tags, err = a.mergeTags(g.Tags, add, a.groupARN(name))
		return err
	})
}

// UntagResource removes tags from a group.
func (a *API) UntagResource(ctx context.Context, in *cloudwatchlogs.UntagResourceInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.UntagResourceOutput, error) {
	name, err := a.tagged(*in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return &cloudwatchlogs.UntagResourceOutput{}, a.untag(ctx, name, in.TagKeys)
}

// UntagLogGroup is UntagResource by the name of a group.
func (a *API) UntagLogGroup(ctx context.Context, in *cloudwatchlogs.UntagLogGroupInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.UntagLogGroupOutput, error) {
	return &cloudwatchlogs.UntagLogGroupOutput{}, a.untag(ctx, *in.LogGroupName, in.Tags)
}

func (a *API) untag(ctx context.Context, name string, keys []string) error {
	return a.changeGroup(ctx, name, func(g *group) error {
		g.Tags = tags.Remove(g.Tags, keys)
		return nil
	})
}

// ListTagsForResource lists the tags of a group.
func (a *API) ListTagsForResource(ctx context.Context, in *cloudwatchlogs.ListTagsForResourceInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.ListTagsForResourceOutput, error) {
	name, err := a.tagged(*in.ResourceArn)
	if err != nil {
		return nil, err
	}
	g, err := a.group(ctx, name)
	return &cloudwatchlogs.ListTagsForResourceOutput{Tags: tagsOf(g)}, err
}

// ListTagsLogGroup is ListTagsForResource by the name of a group.
func (a *API) ListTagsLogGroup(ctx context.Context, in *cloudwatchlogs.ListTagsLogGroupInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.ListTagsLogGroupOutput, error) {
	g, err := a.group(ctx, *in.LogGroupName)
	return &cloudwatchlogs.ListTagsLogGroupOutput{Tags: tagsOf(g)}, err
}

func tagsOf(g group) map[string]string {
	if g.Tags == nil {
		return map[string]string{}
	}
	return g.Tags
}

// Resource finds a group by its ARN or that of a stream in it, for policies: its ARN as it
// was asked for, and its tags.
func (a *API) Resource(ctx context.Context, arn string) (string, map[string]string, bool) {
	resource, ok := a.cell.Parse("logs", arn)
	name, is := strings.CutPrefix(resource, "log-group:")
	if !ok || !is {
		return arn, nil, false
	}
	name, _, _ = strings.Cut(name, ":")
	g, err := a.group(ctx, name)
	return arn, g.Tags, err == nil
}
