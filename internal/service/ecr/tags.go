package ecr

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"flyball/internal/tags"
)

// mergeTags adds tags to those of a repository.
func mergeTags(have map[string]string, add []types.Tag) (map[string]string, error) {
	merged, err := tags.Merge(have, tags.Map(add, func(t types.Tag) (k, v *string) { return t.Key, t.Value }), tags.Most)
	switch {
	case errors.Is(err, tags.ErrTooMany):
		return nil, &types.TooManyTagsException{Message: aws.String("The list of tags on the repository is over the limit. The maximum number of tags that can be applied to a repository is 50.")}
	case err != nil:
		return nil, &types.InvalidTagParameterException{Message: aws.String(err.Error())}
	}
	return merged, nil
}

// tagList are tags as the API shows them.
func tagList(m map[string]string) []types.Tag {
	return tags.List(m, func(k, v string) types.Tag { return types.Tag{Key: &k, Value: &v} })
}

// resource is the name of the repository that an ARN names.
func (s *service) resource(arn *string) (*string, error) {
	resource, ok := s.Cell.Parse("ecr", aws.ToString(arn))
	name, is := strings.CutPrefix(resource, "repository/")
	if !ok || !is {
		return nil, invalid("Invalid parameter at 'resourceArn' failed to satisfy constraint: 'Invalid ARN'")
	}
	return &name, nil
}

// TagResource tags a repository.
func (a *API) TagResource(ctx context.Context, in *ecr.TagResourceInput, _ ...func(*ecr.Options)) (*ecr.TagResourceOutput, error) {
	name, err := a.resource(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	_, err = a.alter(ctx, nil, name, func(r *repository) (err error) {
		r.Tags, err = mergeTags(r.Tags, in.Tags)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &ecr.TagResourceOutput{}, nil
}

// UntagResource removes tags of a repository.
func (a *API) UntagResource(ctx context.Context, in *ecr.UntagResourceInput, _ ...func(*ecr.Options)) (*ecr.UntagResourceOutput, error) {
	name, err := a.resource(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	_, err = a.alter(ctx, nil, name, func(r *repository) error { r.Tags = tags.Remove(r.Tags, in.TagKeys); return nil })
	if err != nil {
		return nil, err
	}
	return &ecr.UntagResourceOutput{}, nil
}

// ListTagsForResource lists the tags of a repository.
func (a *API) ListTagsForResource(ctx context.Context, in *ecr.ListTagsForResourceInput, _ ...func(*ecr.Options)) (*ecr.ListTagsForResourceOutput, error) {
	name, err := a.resource(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	r, err := a.look(ctx, nil, name)
	if err != nil {
		return nil, err
	}
	return &ecr.ListTagsForResourceOutput{Tags: tagList(r.Tags)}, nil
}

// Resource is what policies see of a repository: its tags, and the text of its own
// policy.
func (a *API) Resource(ctx context.Context, name string) (tags map[string]string, policy string, ok bool) {
	r, err := a.look(ctx, nil, &name)
	return r.Tags, r.Policy, err == nil
}
