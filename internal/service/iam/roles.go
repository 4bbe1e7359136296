package iam

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"flyball/internal/accesskey"
	"flyball/internal/cell"
	"flyball/internal/optional"
	"flyball/internal/service/iam/fault"
	"flyball/internal/service/iam/rules"
	"flyball/internal/state"
	"flyball/policy"
)

// defaultSession is how long sessions of a role may last if nothing else was said,
// in seconds.
const defaultSession = 3600

// A role is the row of one.
type role struct {
	holder
	Trust       string  // who may assume it
	Description *string `json:",omitempty"` // one that is empty is shown, and none is not
	MaxSession  int32   // in seconds
	Service     string  `json:",omitempty"` // of a service-linked role
	Used        use     `json:",omitzero"`
}

// A use is when credentials were used last, and where.
type use struct {
	At      time.Time
	Region  string
	Service string
}

// roles are the account's roles.
type roles struct{ holders[role, *role] }

func (d *roles) open(c *cell.Cell) error {
	d.attachable, d.inline, d.noun = quota{"PoliciesPerRole", 10}, policy.MaxRoleInlineSize, "role"
	d.guard = func(r role) error {
		if r.Service != "" {
			return fault.Unmodifiable(r.Name)
		}
		return nil
	}
	return d.directory.open(c, "iam.role", quota{"RolesPerAccount", 1000}, words{
		missing: "The role with name %s cannot be found.", taken: "Role with name %s already exists.",
	})
}

func (a *API) roleARN(r role) string { return a.arn("role", r.Path, r.Name) }

// describeRole is a role as listings show it: in full but for its tags, boundary
// and last use.
func (a *API) describeRole(r role) types.Role {
	shown := a.describeMember(r)
	shown.MaxSessionDuration = &r.MaxSession
	return shown
}

// describeMember is a role as its instance profile and its creation show it, which
// do not say how long sessions may be.
func (a *API) describeMember(r role) types.Role {
	return types.Role{
		Arn:                      aws.String(a.roleARN(r)),
		AssumeRolePolicyDocument: encoded(r.Trust),
		CreateDate:               &r.Created,
		Description:              r.Description,
		Path:                     &r.Path,
		RoleId:                   &r.ID,
		RoleName:                 &r.Name,
	}
}

// describeOneRole is a role as the operations show it that are about one alone.
func (a *API) describeOneRole(r role) *types.Role {
	shown := a.describeNewRole(r)
	shown.MaxSessionDuration = &r.MaxSession
	return shown
}

// describeNewRole is a role as the operations show it that create it.
func (a *API) describeNewRole(r role) *types.Role {
	shown := a.describeMember(r)
	shown.PermissionsBoundary = r.describeBoundary()
	if len(r.Tags) > 0 {
		shown.Tags = rules.TagList(r.Tags)
	}
	return &shown
}

func (r role) lastUsed() *types.RoleLastUsed {
	if r.Used.At.IsZero() {
		return &types.RoleLastUsed{}
	}
	return &types.RoleLastUsed{LastUsedDate: &r.Used.At, Region: &r.Used.Region}
}

// CreateRole creates a role.
func (a *API) CreateRole(ctx context.Context, in *iam.CreateRoleInput, _ ...func(*iam.Options)) (*iam.CreateRoleOutput, error) {
	if err := checkPath(in.Path); err != nil {
		return nil, err
	}
	tags, err := rules.Tags(in.Tags)
	if err != nil {
		return nil, err
	}
	r := role{
		holder: holder{resource: resource{Name: aws.ToString(in.RoleName), Path: path(in.Path), ID: accesskey.NewID("AROA"), Created: a.now(), Tags: tags}},
		Trust:  aws.ToString(in.AssumeRolePolicyDocument), Description: in.Description,
		MaxSession: optional.Or(in.MaxSessionDuration, defaultSession),
	}
	err = a.write(ctx, func(tx *state.Tx) (err error) {
		if err := a.checkTrust(r.Trust); err != nil {
			return err
		}
		if r.Boundary, err = a.policies.boundary(in.PermissionsBoundary); err != nil {
			return err
		}
		return a.roles.add(tx, r)
	})
	if err != nil {
		return nil, err
	}
	return &iam.CreateRoleOutput{Role: a.describeNewRole(r)}, nil
}

// checkTrust refuses a trust policy that can be none, or that names a user or a
// role of this account that does not exist.
func (a *API) checkTrust(document string) error {
	principals, err := rules.CheckTrust(document)
	if err != nil {
		return err
	}
	for _, name := range principals {
		if !a.exists(name) {
			return rules.InvalidPrincipal(name)
		}
	}
	return nil
}

// exists tells whether a principal can exist. Of what is not a user or a role of
// this account nothing is known.
func (a *API) exists(principal string) bool {
	name := principal[strings.LastIndexByte(principal, '/')+1:]
	switch {
	case strings.HasPrefix(principal, a.arn("user", "/", "")):
		u, ok := a.users.get(name)
		return ok && a.userARN(u) == principal
	case strings.HasPrefix(principal, a.arn("role", "/", "")):
		r, ok := a.roles.get(name)
		return ok && a.roleARN(r) == principal
	}
	return true
}

// GetRole shows a role.
func (a *API) GetRole(ctx context.Context, in *iam.GetRoleInput, _ ...func(*iam.Options)) (*iam.GetRoleOutput, error) {
	return read(ctx, a, func() (*iam.GetRoleOutput, error) {
		r, err := a.roles.find(in.RoleName)
		if err != nil {
			return nil, err
		}
		shown := a.describeOneRole(r)
		shown.RoleLastUsed = r.lastUsed()
		return &iam.GetRoleOutput{Role: shown}, nil
	})
}

// ListRoles lists roles by their names.
func (a *API) ListRoles(ctx context.Context, in *iam.ListRolesInput, _ ...func(*iam.Options)) (*iam.ListRolesOutput, error) {
	return read(ctx, a, func() (*iam.ListRolesOutput, error) {
		some := within(a.roles.all(), in.PathPrefix, func(r role) string { return r.Path })
		l, err := list(some, role.key, in.Marker, in.MaxItems)
		return &iam.ListRolesOutput{Roles: shown(l.items, a.describeRole), Marker: l.marker, IsTruncated: l.truncated}, err
	})
}

// UpdateRole changes the description of a role and how long its sessions may last.
// Of a service-linked role only the description can be changed.
func (a *API) UpdateRole(ctx context.Context, in *iam.UpdateRoleInput, _ ...func(*iam.Options)) (*iam.UpdateRoleOutput, error) {
	return &iam.UpdateRoleOutput{}, amend(ctx, a, &a.roles.directory, in.RoleName, func(r *role) error {
		if in.MaxSessionDuration != nil && r.Service != "" {
			return fault.Unmodifiable(r.Name)
		}
		optional.Set(&r.MaxSession, in.MaxSessionDuration)
		r.Description = cmp.Or(in.Description, r.Description)
		return nil
	})
}

// UpdateRoleDescription changes the description of a role.
func (a *API) UpdateRoleDescription(ctx context.Context, in *iam.UpdateRoleDescriptionInput, _ ...func(*iam.Options)) (*iam.UpdateRoleDescriptionOutput, error) {
	out := &iam.UpdateRoleDescriptionOutput{}
	return out, amend(ctx, a, &a.roles.directory, in.RoleName, func(r *role) error {
		r.Description = in.Description
		out.Role = a.describeOneRole(*r)
		return nil
	})
}

// UpdateAssumeRolePolicy changes who may assume a role.
func (a *API) UpdateAssumeRolePolicy(ctx context.Context, in *iam.UpdateAssumeRolePolicyInput, _ ...func(*iam.Options)) (*iam.UpdateAssumeRolePolicyOutput, error) {
	return &iam.UpdateAssumeRolePolicyOutput{}, change(ctx, a, &a.roles.directory, in.RoleName, func(r *role) error {
		r.Trust = aws.ToString(in.PolicyDocument)
		return a.checkTrust(r.Trust)
	})
}

// DeleteRole deletes a role that nothing hangs on.
func (a *API) DeleteRole(ctx context.Context, in *iam.DeleteRoleInput, _ ...func(*iam.Options)) (*iam.DeleteRoleOutput, error) {
	return &iam.DeleteRoleOutput{}, a.write(ctx, func(tx *state.Tx) error {
		r, err := a.roles.own(in.RoleName)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(a.profiles.all(), func(p profile) bool { return p.has(r) }) {
			return fault.DeleteConflict("Cannot delete entity, must remove roles from instance profile first.")
		}
		if err := r.bare(); err != nil {
			return err
		}
		a.roles.remove(tx, r)
		return nil
	})
}

// PutRolePermissionsBoundary bounds what a role may do.
func (a *API) PutRolePermissionsBoundary(ctx context.Context, in *iam.PutRolePermissionsBoundaryInput, _ ...func(*iam.Options)) (*iam.PutRolePermissionsBoundaryOutput, error) {
	return &iam.PutRolePermissionsBoundaryOutput{}, a.roles.bound(ctx, a, in.RoleName, in.PermissionsBoundary)
}

// DeleteRolePermissionsBoundary takes the bounds of a role away.
func (a *API) DeleteRolePermissionsBoundary(ctx context.Context, in *iam.DeleteRolePermissionsBoundaryInput, _ ...func(*iam.Options)) (*iam.DeleteRolePermissionsBoundaryOutput, error) {
	return &iam.DeleteRolePermissionsBoundaryOutput{}, a.roles.unbound(ctx, a, in.RoleName)
}
