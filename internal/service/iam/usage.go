package iam

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// usage is how many users, groups and roles have a managed policy.
type usage struct{ attached, bounding int32 }

// eachHolder goes through all users, groups and roles. Quotas bound their number.
func (a *API) eachHolder(f func(types.EntityType, holder)) {
	for _, u := range a.users.all() {
		f(types.EntityTypeUser, u.holder)
	}
	for _, g := range a.groups.all() {
		f(types.EntityTypeGroup, g.holder)
	}
	for _, r := range a.roles.all() {
		f(types.EntityTypeRole, r.holder)
	}
}

// usage counts who has which managed policy, by ARN.
func (a *API) usage() map[string]usage {
	used := map[string]usage{}
	a.eachHolder(func(_ types.EntityType, h holder) {
		for _, arn := range h.Attached {
			u := used[arn]
			u.attached++
			used[arn] = u
		}
		if h.Boundary != "" {
			u := used[h.Boundary]
			u.bounding++
			used[h.Boundary] = u
		}
	})
	return used
}

// A user of a policy is a user, a group or a role that has it.
type policyUser struct {
	kind     types.EntityType
	name, id string
}

// key orders those who have a policy, whatever they are.
func (u policyUser) key() string { return string(u.kind) + "/" + strings.ToLower(u.name) }

// ListEntitiesForPolicy lists the users, groups and roles that have a policy.
func (a *API) ListEntitiesForPolicy(ctx context.Context, in *iam.ListEntitiesForPolicyInput, _ ...func(*iam.Options)) (*iam.ListEntitiesForPolicyOutput, error) {
	return read(ctx, a, func() (*iam.ListEntitiesForPolicyOutput, error) {
		if _, err := a.policies.find(in.PolicyArn); err != nil {
			return nil, err
		}
		l, err := list(a.policyUsers(in), policyUser.key, in.Marker, in.MaxItems)
		if err != nil {
			return nil, err
		}
		out := &iam.ListEntitiesForPolicyOutput{
			PolicyGroups: []types.PolicyGroup{}, PolicyRoles: []types.PolicyRole{}, PolicyUsers: []types.PolicyUser{},
			Marker: l.marker, IsTruncated: l.truncated,
		}
		for _, u := range l.items {
			switch u.kind {
			case types.EntityTypeUser:
				out.PolicyUsers = append(out.PolicyUsers, types.PolicyUser{UserId: &u.id, UserName: &u.name})
			case types.EntityTypeGroup:
				out.PolicyGroups = append(out.PolicyGroups, types.PolicyGroup{GroupId: &u.id, GroupName: &u.name})
			default:
				out.PolicyRoles = append(out.PolicyRoles, types.PolicyRole{RoleId: &u.id, RoleName: &u.name})
			}
		}
		return out, nil
	})
}

// policyUsers are those that a request asks for, in order.
func (a *API) policyUsers(in *iam.ListEntitiesForPolicyInput) (found []policyUser) {
	a.eachHolder(func(kind types.EntityType, h holder) {
		_, attached := slices.BinarySearch(h.Attached, *in.PolicyArn)
		has := attached && in.PolicyUsageFilter != types.PolicyUsageTypePermissionsBoundary ||
			h.Boundary == *in.PolicyArn && in.PolicyUsageFilter != types.PolicyUsageTypePermissionsPolicy
		asked := in.EntityFilter == "" || in.EntityFilter == kind
		if has && asked && strings.HasPrefix(h.Path, aws.ToString(in.PathPrefix)) {
			found = append(found, policyUser{kind, h.Name, h.ID})
		}
	})
	slices.SortFunc(found, func(x, y policyUser) int { return strings.Compare(x.key(), y.key()) })
	return found
}
