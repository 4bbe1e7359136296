package console

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/awscommand"
)

// tagsText are tags as people type them, such as "team=shop, stage=test".
func tagsText(tags []ecstypes.Tag) string {
	var all []string
	for _, t := range tags {
		all = append(all, paired(aws.ToString(t.Key), aws.ToString(t.Value)))
	}
	return strings.Join(all, ", ")
}

// typedTags reads tags that were typed.
func typedTags(text string) (tags []ecstypes.Tag, err error) {
	all, err := pairs(text)
	if err != nil {
		return nil, &fieldError{"tags", sentence(err) + ` Write tags such as team=shop, stage="a, b".`}
	}
	for _, p := range all {
		if slices.ContainsFunc(tags, func(t ecstypes.Tag) bool { return *t.Key == p[0] }) {
			return nil, &fieldError{"tags", fmt.Sprintf("Tag %q is there twice.", p[0])}
		}
		tags = append(tags, ecstypes.Tag{Key: &p[0], Value: &p[1]})
	}
	return tags, nil
}

// A tagChange is what is to become of the tags of a service.
type tagChange struct {
	after []ecstypes.Tag // all of them
	put   []ecstypes.Tag
	gone  []string // keys
}

// changeTags is the change from tags to those that were typed.
func changeTags(before, typed []ecstypes.Tag) (c tagChange) {
	for _, t := range typed {
		if !slices.ContainsFunc(before, func(o ecstypes.Tag) bool { return same(o, t) }) {
			c.put = append(c.put, t)
		}
	}
	c.after = slices.Clone(typed)
	for _, t := range before {
		if !slices.ContainsFunc(typed, func(o ecstypes.Tag) bool { return *o.Key == aws.ToString(t.Key) }) {
			c.gone = append(c.gone, aws.ToString(t.Key))
		}
	}
	return c
}

// plan are the calls that tag a resource of ECS, in Terraform with one of them.
func (t tagChange) plan(v *visit, arn, hcl string) (all plan) {
	if len(t.put) > 0 {
		in := &ecs.TagResourceInput{ResourceArn: &arn, Tags: t.put}
		all = append(all, planned{
			Title: "Tags", part: "tags", Command: awscommand.Format("ecs", "tag-resource", in),
			send: func(ctx context.Context) error {
				_, err := v.Client.ECS.TagResource(ctx, in)
				return err
			},
		})
	}
	if len(t.gone) > 0 {
		in := &ecs.UntagResourceInput{ResourceArn: &arn, TagKeys: t.gone}
		all = append(all, planned{
			Title: "Without tags " + strings.Join(t.gone, ", "), part: "tags", Command: awscommand.Format("ecs", "untag-resource", in),
			send: func(ctx context.Context) error {
				_, err := v.Client.ECS.UntagResource(ctx, in)
				return err
			},
		})
	}
	if len(all) > 0 {
		all[0].HCL = hcl
	}
	return all
}
