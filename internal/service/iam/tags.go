package iam

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"flyball/internal/service/iam/rules"
)

func (r *resource) tag(add []types.Tag) (err error) {
	r.Tags, err = rules.WithTags(r.Tags, add)
	return err
}

func (r *resource) untag(keys []string) error {
	r.Tags = rules.WithoutTags(r.Tags, keys)
	return nil
}

// listTags lists the tags of what is found, by their keys.
func listTags(ctx context.Context, a *API, find func() (resource, error), marker *string, most *int32) (listing[types.Tag], error) {
	return read(ctx, a, func() (l listing[types.Tag], err error) {
		r, err := find()
		if err != nil {
			return l, err
		}
		return list(rules.TagList(r.Tags), func(t types.Tag) string { return *t.Key }, marker, most)
	})
}

// TagRole adds tags to a role, or replaces their values.
func (a *API) TagRole(ctx context.Context, in *iam.TagRoleInput, _ ...func(*iam.Options)) (*iam.TagRoleOutput, error) {
	return &iam.TagRoleOutput{}, amend(ctx, a, &a.roles.directory, in.RoleName, func(r *role) error { return r.tag(in.Tags) })
}

// UntagRole takes tags from a role.
func (a *API) UntagRole(ctx context.Context, in *iam.UntagRoleInput, _ ...func(*iam.Options)) (*iam.UntagRoleOutput, error) {
	return &iam.UntagRoleOutput{}, amend(ctx, a, &a.roles.directory, in.RoleName, func(r *role) error { return r.untag(in.TagKeys) })
}

// ListRoleTags lists the tags of a role.
func (a *API) ListRoleTags(ctx context.Context, in *iam.ListRoleTagsInput, _ ...func(*iam.Options)) (*iam.ListRoleTagsOutput, error) {
	l, err := listTags(ctx, a, func() (resource, error) {
		r, err := a.roles.find(in.RoleName)
		return r.resource, err
	}, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return &iam.ListRoleTagsOutput{Tags: l.items, Marker: l.marker, IsTruncated: l.truncated}, nil
}

// TagUser adds tags to a user, or replaces their values.
func (a *API) TagUser(ctx context.Context, in *iam.TagUserInput, _ ...func(*iam.Options)) (*iam.TagUserOutput, error) {
	return &iam.TagUserOutput{}, amend(ctx, a, &a.users.directory, in.UserName, func(r *user) error { return r.tag(in.Tags) })
}

// UntagUser takes tags from a user.
func (a *API) UntagUser(ctx context.Context, in *iam.UntagUserInput, _ ...func(*iam.Options)) (*iam.UntagUserOutput, error) {
	return &iam.UntagUserOutput{}, amend(ctx, a, &a.users.directory, in.UserName, func(r *user) error { return r.untag(in.TagKeys) })
}

// ListUserTags lists the tags of a user.
func (a *API) ListUserTags(ctx context.Context, in *iam.ListUserTagsInput, _ ...func(*iam.Options)) (*iam.ListUserTagsOutput, error) {
	l, err := listTags(ctx, a, func() (resource, error) {
		r, err := a.users.find(in.UserName)
		return r.resource, err
	}, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return &iam.ListUserTagsOutput{Tags: l.items, Marker: l.marker, IsTruncated: l.truncated}, nil
}

// TagInstanceProfile adds tags to an instance profile, or replaces their values.
func (a *API) TagInstanceProfile(ctx context.Context, in *iam.TagInstanceProfileInput, _ ...func(*iam.Options)) (*iam.TagInstanceProfileOutput, error) {
	return &iam.TagInstanceProfileOutput{}, amend(ctx, a, &a.profiles.directory, in.InstanceProfileName, func(r *profile) error { return r.tag(in.Tags) })
}

// UntagInstanceProfile takes tags from an instance profile.
func (a *API) UntagInstanceProfile(ctx context.Context, in *iam.UntagInstanceProfileInput, _ ...func(*iam.Options)) (*iam.UntagInstanceProfileOutput, error) {
	return &iam.UntagInstanceProfileOutput{}, amend(ctx, a, &a.profiles.directory, in.InstanceProfileName, func(r *profile) error { return r.untag(in.TagKeys) })
}

// ListInstanceProfileTags lists the tags of an instance profile.
func (a *API) ListInstanceProfileTags(ctx context.Context, in *iam.ListInstanceProfileTagsInput, _ ...func(*iam.Options)) (*iam.ListInstanceProfileTagsOutput, error) {
	l, err := listTags(ctx, a, func() (resource, error) {
		r, err := a.profiles.find(in.InstanceProfileName)
		return r.resource, err
	}, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return &iam.ListInstanceProfileTagsOutput{Tags: l.items, Marker: l.marker, IsTruncated: l.truncated}, nil
}

// TagPolicy adds tags to a managed policy, or replaces their values.
func (a *API) TagPolicy(ctx context.Context, in *iam.TagPolicyInput, _ ...func(*iam.Options)) (*iam.TagPolicyOutput, error) {
	return &iam.TagPolicyOutput{}, a.changePolicy(ctx, in.PolicyArn, func(p *managedPolicy) error { return p.tag(in.Tags) })
}

// UntagPolicy takes tags from a managed policy.
func (a *API) UntagPolicy(ctx context.Context, in *iam.UntagPolicyInput, _ ...func(*iam.Options)) (*iam.UntagPolicyOutput, error) {
	return &iam.UntagPolicyOutput{}, a.changePolicy(ctx, in.PolicyArn, func(p *managedPolicy) error { return p.untag(in.TagKeys) })
}

// ListPolicyTags lists the tags of a managed policy.
func (a *API) ListPolicyTags(ctx context.Context, in *iam.ListPolicyTagsInput, _ ...func(*iam.Options)) (*iam.ListPolicyTagsOutput, error) {
	l, err := listTags(ctx, a, func() (resource, error) {
		p, err := a.policies.find(in.PolicyArn)
		return p.resource, err
	}, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return &iam.ListPolicyTagsOutput{Tags: l.items, Marker: l.marker, IsTruncated: l.truncated}, nil
}
