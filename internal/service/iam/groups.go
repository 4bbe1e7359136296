package iam

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"flyball/internal/accesskey"
	"flyball/internal/cell"
	"flyball/internal/optional"
	"flyball/internal/service/iam/fault"
	"flyball/internal/state"
	"flyball/policy"
)

// A group is the row of one. Who is in it is said by the users.
type group struct{ holder }

// groups are the account's groups.
type groups struct{ holders[group, *group] }

func (d *groups) open(c *cell.Cell) error {
	d.attachable, d.inline, d.noun = quota{"PoliciesPerGroup", 10}, policy.MaxGroupInlineSize, "group"
	return d.directory.open(c, "iam.group", quota{"GroupsPerAccount", 300}, words{
		missing: "The group with name %s cannot be found.", taken: "Group with name %s already exists.",
	})
}

// groupsPerUser is how many groups a user can be in.
var groupsPerUser = quota{"GroupsPerUser", 10}

func (a *API) describeGroup(g group) types.Group {
	return types.Group{Arn: aws.String(a.arn("group", g.Path, g.Name)), CreateDate: &g.Created, GroupId: &g.ID, GroupName: &g.Name, Path: &g.Path}
}

// members are the users in a group, by their names.
func (a *API) members(g group) []user {
	return slices.DeleteFunc(a.users.all(), func(u user) bool { return !slices.Contains(u.Groups, g.ID) })
}

// groupsOf are the groups that a user is in, by their names.
func (a *API) groupsOf(u user) []group {
	if len(u.Groups) == 0 {
		return nil
	}
	return slices.DeleteFunc(a.groups.all(), func(g group) bool { return !slices.Contains(u.Groups, g.ID) })
}

// CreateGroup creates a group.
func (a *API) CreateGroup(ctx context.Context, in *iam.CreateGroupInput, _ ...func(*iam.Options)) (*iam.CreateGroupOutput, error) {
	if err := checkPath(in.Path); err != nil {
		return nil, err
	}
	g := group{holder{resource: resource{Name: aws.ToString(in.GroupName), Path: path(in.Path), ID: accesskey.NewID("AGPA"), Created: a.now()}}}
	if err := a.write(ctx, func(tx *state.Tx) error { return a.groups.add(tx, g) }); err != nil {
		return nil, err
	}
	return &iam.CreateGroupOutput{Group: new(a.describeGroup(g))}, nil
}

// GetGroup shows a group with its members.
func (a *API) GetGroup(ctx context.Context, in *iam.GetGroupInput, _ ...func(*iam.Options)) (*iam.GetGroupOutput, error) {
	return read(ctx, a, func() (*iam.GetGroupOutput, error) {
		g, err := a.groups.find(in.GroupName)
		if err != nil {
			return nil, err
		}
		described := a.describeGroup(g)
		l, err := list(a.members(g), user.key, in.Marker, in.MaxItems)
		return &iam.GetGroupOutput{Group: &described, Users: shown(l.items, a.describeUser), Marker: l.marker, IsTruncated: l.truncated}, err
	})
}

// ListGroups lists groups by their names.
func (a *API) ListGroups(ctx context.Context, in *iam.ListGroupsInput, _ ...func(*iam.Options)) (*iam.ListGroupsOutput, error) {
	return read(ctx, a, func() (*iam.ListGroupsOutput, error) {
		some := within(a.groups.all(), in.PathPrefix, func(g group) string { return g.Path })
		l, err := list(some, group.key, in.Marker, in.MaxItems)
		return &iam.ListGroupsOutput{Groups: shown(l.items, a.describeGroup), Marker: l.marker, IsTruncated: l.truncated}, err
	})
}

// ListGroupsForUser lists the groups that a user is in.
func (a *API) ListGroupsForUser(ctx context.Context, in *iam.ListGroupsForUserInput, _ ...func(*iam.Options)) (*iam.ListGroupsForUserOutput, error) {
	return read(ctx, a, func() (*iam.ListGroupsForUserOutput, error) {
		u, err := a.users.find(in.UserName)
		if err != nil {
			return nil, err
		}
		l, err := list(a.groupsOf(u), group.key, in.Marker, in.MaxItems)
		return &iam.ListGroupsForUserOutput{Groups: shown(l.items, a.describeGroup), Marker: l.marker, IsTruncated: l.truncated}, err
	})
}

// UpdateGroup changes the name or the path of a group.
func (a *API) UpdateGroup(ctx context.Context, in *iam.UpdateGroupInput, _ ...func(*iam.Options)) (*iam.UpdateGroupOutput, error) {
	return &iam.UpdateGroupOutput{}, a.write(ctx, func(tx *state.Tx) error {
		g, err := a.groups.find(in.GroupName)
		if err != nil {
			return err
		}
		before := g.Name
		optional.Set(&g.Name, in.NewGroupName)
		optional.Set(&g.Path, in.NewPath)
		return a.groups.rename(tx, before, g)
	})
}

// DeleteGroup deletes a group that nothing hangs on.
func (a *API) DeleteGroup(ctx context.Context, in *iam.DeleteGroupInput, _ ...func(*iam.Options)) (*iam.DeleteGroupOutput, error) {
	return &iam.DeleteGroupOutput{}, a.write(ctx, func(tx *state.Tx) error {
		g, err := a.groups.find(in.GroupName)
		if err != nil {
			return err
		}
		if len(a.members(g)) > 0 {
			return fault.DeleteConflict("Cannot delete entity, must remove users from group first.")
		}
		if err := g.bare(); err != nil {
			return err
		}
		a.groups.remove(tx, g)
		return nil
	})
}

// AddUserToGroup puts a user into a group.
func (a *API) AddUserToGroup(ctx context.Context, in *iam.AddUserToGroupInput, _ ...func(*iam.Options)) (*iam.AddUserToGroupOutput, error) {
	return &iam.AddUserToGroupOutput{}, change(ctx, a, &a.users.directory, in.UserName, func(u *user) error {
		g, err := a.groups.find(in.GroupName)
		if err != nil || slices.Contains(u.Groups, g.ID) {
			return err
		}
		if err := groupsPerUser.admits(len(u.Groups)); err != nil {
			return err
		}
		u.Groups = append(slices.Clone(u.Groups), g.ID)
		return nil
	})
}

// RemoveUserFromGroup takes a user out of a group.
func (a *API) RemoveUserFromGroup(ctx context.Context, in *iam.RemoveUserFromGroupInput, _ ...func(*iam.Options)) (*iam.RemoveUserFromGroupOutput, error) {
	return &iam.RemoveUserFromGroupOutput{}, change(ctx, a, &a.users.directory, in.UserName, func(u *user) error {
		g, err := a.groups.find(in.GroupName)
		if err != nil {
			return err
		}
		at := slices.Index(u.Groups, g.ID)
		if at < 0 {
			return fault.NoSuchEntity("The user with name %s cannot be found in the group %s.", u.Name, g.Name)
		}
		u.Groups = slices.Delete(slices.Clone(u.Groups), at, at+1)
		return nil
	})
}
