package iam

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"flyball/internal/service/iam/rules"
)

// A detail is one item of GetAccountAuthorizationDetails.
type detail struct {
	key string
	add func(*iam.GetAccountAuthorizationDetailsOutput)
}

// GetAccountAuthorizationDetails shows who there is and what they may do: users,
// groups, roles and managed policies, those of AWS if they are in use.
func (a *API) GetAccountAuthorizationDetails(ctx context.Context, in *iam.GetAccountAuthorizationDetailsInput, _ ...func(*iam.Options)) (*iam.GetAccountAuthorizationDetailsOutput, error) {
	return read(ctx, a, func() (*iam.GetAccountAuthorizationDetailsOutput, error) {
		l, err := list(a.details(in.Filter), func(d detail) string { return d.key }, in.Marker, in.MaxItems)
		if err != nil {
			return nil, err
		}
		out := &iam.GetAccountAuthorizationDetailsOutput{
			UserDetailList: []types.UserDetail{}, GroupDetailList: []types.GroupDetail{},
			RoleDetailList: []types.RoleDetail{}, Policies: []types.ManagedPolicyDetail{},
			Marker: l.marker, IsTruncated: l.truncated,
		}
		for _, d := range l.items {
			d.add(out)
		}
		return out, nil
	})
}

// details are the items of some types, of all if none is given, in the order of
// their keys.
func (a *API) details(filter []types.EntityType) (all []detail) {
	asked := func(kind types.EntityType) bool { return len(filter) == 0 || slices.Contains(filter, kind) }
	type output = iam.GetAccountAuthorizationDetailsOutput
	if asked(types.EntityTypeUser) {
		for _, u := range a.users.all() {
			all = append(all, detail{"1" + u.key(), func(out *output) { out.UserDetailList = append(out.UserDetailList, a.userDetail(u)) }})
		}
	}
	if asked(types.EntityTypeGroup) {
		for _, g := range a.groups.all() {
			all = append(all, detail{"2" + g.key(), func(out *output) { out.GroupDetailList = append(out.GroupDetailList, a.groupDetail(g)) }})
		}
	}
	if asked(types.EntityTypeRole) {
		for _, r := range a.roles.all() {
			all = append(all, detail{"3" + r.key(), func(out *output) { out.RoleDetailList = append(out.RoleDetailList, a.roleDetail(r)) }})
		}
	}
	used := a.usage()
	for _, p := range a.policies.scope(types.PolicyScopeTypeAll) {
		kind := types.EntityTypeLocalManagedPolicy
		if p.aws {
			kind = types.EntityTypeAWSManagedPolicy
		}
		if arn := a.policies.arn(p); asked(kind) && (!p.aws || used[arn] != usage{}) {
			all = append(all, detail{"4" + arn, func(out *output) { out.Policies = append(out.Policies, a.policyDetail(p, used)) }})
		}
	}
	return all
}

func (a *API) userDetail(u user) types.UserDetail {
	return types.UserDetail{
		Arn: aws.String(a.userARN(u)), CreateDate: &u.Created, Path: &u.Path, UserId: &u.ID, UserName: &u.Name,
		AttachedManagedPolicies: attachedPolicies(u.Attached),
		GroupList:               shown(a.groupsOf(u), group.name),
		PermissionsBoundary:     u.describeBoundary(),
		Tags:                    rules.TagList(u.Tags),
		UserPolicyList:          u.inlinePolicies(),
	}
}

func (a *API) groupDetail(g group) types.GroupDetail {
	d := a.describeGroup(g)
	return types.GroupDetail{
		Arn: d.Arn, CreateDate: d.CreateDate, GroupId: d.GroupId, GroupName: d.GroupName, Path: d.Path,
		AttachedManagedPolicies: attachedPolicies(g.Attached),
		GroupPolicyList:         g.inlinePolicies(),
	}
}

func (a *API) roleDetail(r role) types.RoleDetail {
	return types.RoleDetail{
		Arn: aws.String(a.roleARN(r)), CreateDate: &r.Created, Path: &r.Path, RoleId: &r.ID, RoleName: &r.Name,
		AssumeRolePolicyDocument: encoded(r.Trust),
		AttachedManagedPolicies:  attachedPolicies(r.Attached),
		InstanceProfileList:      shown(a.profilesWith(r), a.describeProfile),
		PermissionsBoundary:      r.describeBoundary(),
		RoleLastUsed:             r.lastUsed(),
		RolePolicyList:           r.inlinePolicies(),
		Tags:                     rules.TagList(r.Tags),
	}
}

func (a *API) policyDetail(p managedPolicy, used map[string]usage) types.ManagedPolicyDetail {
	d := a.policies.describe(p, used)
	return types.ManagedPolicyDetail{
		Arn: d.Arn, AttachmentCount: d.AttachmentCount, CreateDate: d.CreateDate, DefaultVersionId: d.DefaultVersionId,
		IsAttachable: d.IsAttachable, Path: d.Path, PermissionsBoundaryUsageCount: d.PermissionsBoundaryUsageCount,
		PolicyId: d.PolicyId, PolicyName: d.PolicyName, UpdateDate: d.UpdateDate,
		PolicyVersionList: shown(p.Versions, func(v version) types.PolicyVersion {
			described := p.describe(v)
			described.Document = encoded(v.Document)
			return described
		}),
	}
}
