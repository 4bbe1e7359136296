package iam

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"flyball/internal/accesskey"
	"flyball/internal/cell"
	"flyball/internal/service/iam/fault"
	"flyball/internal/service/iam/rules"
	"flyball/internal/state"
)

// A profile is the row of an instance profile.
type profile struct {
	resource
	Role string `json:",omitempty"` // name
}

// has tells whether a role is in the profile.
func (p profile) has(r role) bool { return strings.EqualFold(p.Role, r.Name) }

// profiles are the account's instance profiles.
type profiles struct{ directory[profile] }

func (d *profiles) open(c *cell.Cell) error {
	return d.directory.open(c, "iam.instanceprofile", quota{"InstanceProfilesPerAccount", 1000}, words{
		missing: "Instance Profile %s cannot be found.", taken: "Instance Profile %s already exists.",
	})
}

// rolesPerProfile is how many roles an instance profile can have.
var rolesPerProfile = quota{"InstanceSessionsPerInstanceProfile", 1}

// describeProfile is an instance profile with its role.
func (a *API) describeProfile(p profile) types.InstanceProfile {
	described := types.InstanceProfile{
		Arn:        aws.String(a.arn("instance-profile", p.Path, p.Name)),
		CreateDate: &p.Created, InstanceProfileId: &p.ID, InstanceProfileName: &p.Name, Path: &p.Path, Roles: []types.Role{},
	}
	if r, ok := a.roles.get(p.Role); ok {
		described.Roles = append(described.Roles, a.describeMember(r))
	}
	return described
}

func (a *API) describeOneProfile(p profile) *types.InstanceProfile {
	described := a.describeProfile(p)
	described.Tags = rules.TagList(p.Tags)
	return &described
}

// CreateInstanceProfile creates an instance profile.
func (a *API) CreateInstanceProfile(ctx context.Context, in *iam.CreateInstanceProfileInput, _ ...func(*iam.Options)) (*iam.CreateInstanceProfileOutput, error) {
	if err := checkPath(in.Path); err != nil {
		return nil, err
	}
	tags, err := rules.Tags(in.Tags)
	if err != nil {
		return nil, err
	}
	p := profile{resource: resource{Name: aws.ToString(in.InstanceProfileName), Path: path(in.Path), ID: accesskey.NewID("AIPA"), Created: a.now(), Tags: tags}}
	if err := a.write(ctx, func(tx *state.Tx) error { return a.profiles.add(tx, p) }); err != nil {
		return nil, err
	}
	return &iam.CreateInstanceProfileOutput{InstanceProfile: a.describeOneProfile(p)}, nil
}

// GetInstanceProfile shows an instance profile.
func (a *API) GetInstanceProfile(ctx context.Context, in *iam.GetInstanceProfileInput, _ ...func(*iam.Options)) (*iam.GetInstanceProfileOutput, error) {
	return read(ctx, a, func() (*iam.GetInstanceProfileOutput, error) {
		p, err := a.profiles.find(in.InstanceProfileName)
		if err != nil {
			return nil, err
		}
		return &iam.GetInstanceProfileOutput{InstanceProfile: a.describeOneProfile(p)}, nil
	})
}

// ListInstanceProfiles lists instance profiles by their names.
func (a *API) ListInstanceProfiles(ctx context.Context, in *iam.ListInstanceProfilesInput, _ ...func(*iam.Options)) (*iam.ListInstanceProfilesOutput, error) {
	return read(ctx, a, func() (*iam.ListInstanceProfilesOutput, error) {
		some := within(a.profiles.all(), in.PathPrefix, func(p profile) string { return p.Path })
		l, err := list(some, profile.key, in.Marker, in.MaxItems)
		return &iam.ListInstanceProfilesOutput{InstanceProfiles: shown(l.items, a.describeProfile), Marker: l.marker, IsTruncated: l.truncated}, err
	})
}

// ListInstanceProfilesForRole lists the instance profiles that a role is in.
func (a *API) ListInstanceProfilesForRole(ctx context.Context, in *iam.ListInstanceProfilesForRoleInput, _ ...func(*iam.Options)) (*iam.ListInstanceProfilesForRoleOutput, error) {
	return read(ctx, a, func() (*iam.ListInstanceProfilesForRoleOutput, error) {
		r, err := a.roles.find(in.RoleName)
		if err != nil {
			return nil, err
		}
		with := a.profilesWith(r)
		l, err := list(with, profile.key, in.Marker, in.MaxItems)
		return &iam.ListInstanceProfilesForRoleOutput{InstanceProfiles: shown(l.items, a.describeProfile), Marker: l.marker, IsTruncated: l.truncated}, err
	})
}

// profilesWith are the instance profiles that a role is in, by their names.
func (a *API) profilesWith(r role) []profile {
	return slices.DeleteFunc(a.profiles.all(), func(p profile) bool { return !p.has(r) })
}

// AddRoleToInstanceProfile puts a role into an instance profile.
func (a *API) AddRoleToInstanceProfile(ctx context.Context, in *iam.AddRoleToInstanceProfileInput, _ ...func(*iam.Options)) (*iam.AddRoleToInstanceProfileOutput, error) {
	return &iam.AddRoleToInstanceProfileOutput{}, change(ctx, a, &a.profiles.directory, in.InstanceProfileName, func(p *profile) error {
		r, err := a.roles.own(in.RoleName)
		switch {
		case err != nil:
			return err
		case p.Role != "":
			return rolesPerProfile.admits(1)
		}
		p.Role = r.Name
		return nil
	})
}

// RemoveRoleFromInstanceProfile takes a role out of an instance profile.
func (a *API) RemoveRoleFromInstanceProfile(ctx context.Context, in *iam.RemoveRoleFromInstanceProfileInput, _ ...func(*iam.Options)) (*iam.RemoveRoleFromInstanceProfileOutput, error) {
	return &iam.RemoveRoleFromInstanceProfileOutput{}, change(ctx, a, &a.profiles.directory, in.InstanceProfileName, func(p *profile) error {
		if r, err := a.roles.find(in.RoleName); err != nil {
			return err
		} else if !p.has(r) {
			return fault.NoSuchEntity(a.roles.words.missing, r.Name)
		}
		p.Role = ""
		return nil
	})
}

// DeleteInstanceProfile deletes an instance profile without a role.
func (a *API) DeleteInstanceProfile(ctx context.Context, in *iam.DeleteInstanceProfileInput, _ ...func(*iam.Options)) (*iam.DeleteInstanceProfileOutput, error) {
	return &iam.DeleteInstanceProfileOutput{}, a.write(ctx, func(tx *state.Tx) error {
		p, err := a.profiles.find(in.InstanceProfileName)
		switch {
		case err != nil:
			return err
		case p.Role != "":
			return fault.DeleteConflict("Cannot delete entity, must remove roles from instance profile first.")
		}
		a.profiles.remove(tx, p)
		return nil
	})
}
