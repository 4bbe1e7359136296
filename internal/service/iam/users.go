package iam

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"flyball/internal/accesskey"
	"flyball/internal/cell"
	"flyball/internal/optional"
	"flyball/internal/principal"
	"flyball/internal/service/iam/fault"
	"flyball/internal/service/iam/rules"
	"flyball/internal/state"
	"flyball/policy"
)

// A user is the row of one.
type user struct {
	holder
	Groups []string `json:",omitempty"` // identifiers of the groups
	Keys   []string `json:",omitempty"` // access keys, the oldest first
}

// users are the account's users.
type users struct{ holders[user, *user] }

func (d *users) open(c *cell.Cell) error {
	d.attachable, d.inline, d.noun = quota{"PoliciesPerUser", 10}, policy.MaxUserInlineSize, "user"
	return d.directory.open(c, "iam.user", quota{"UsersPerAccount", 5000}, words{
		missing: "The user with name %s cannot be found.", taken: "User with name %s already exists.",
	})
}

func (a *API) userARN(u user) string { return a.arn("user", u.Path, u.Name) }

// userName is the user whom a call is about: the caller if it names nobody.
func (a *API) userName(ctx context.Context, given *string) (*string, error) {
	if given != nil {
		return given, nil
	}
	if c := a.caller(ctx); c.Kind == principal.User {
		return &c.Name, nil
	}
	return nil, fault.Validation("Must specify userName when calling with non-User credentials")
}

// describeUser is a user as listings show it.
func (a *API) describeUser(u user) types.User {
	return types.User{Arn: aws.String(a.userARN(u)), CreateDate: &u.Created, Path: &u.Path, UserId: &u.ID, UserName: &u.Name}
}

// describeOneUser is a user in full.
func (a *API) describeOneUser(u user) *types.User {
	shown := a.describeUser(u)
	shown.PermissionsBoundary = u.describeBoundary()
	if len(u.Tags) > 0 {
		shown.Tags = rules.TagList(u.Tags)
	}
	return &shown
}

// CreateUser creates a user.
func (a *API) CreateUser(ctx context.Context, in *iam.CreateUserInput, _ ...func(*iam.Options)) (*iam.CreateUserOutput, error) {
	if err := checkPath(in.Path); err != nil {
		return nil, err
	}
	tags, err := rules.Tags(in.Tags)
	if err != nil {
		return nil, err
	}
	u := user{holder: holder{resource: resource{Name: aws.ToString(in.UserName), Path: path(in.Path), ID: accesskey.NewID("AIDA"), Created: a.now(), Tags: tags}}}
	err = a.write(ctx, func(tx *state.Tx) (err error) {
		if u.Boundary, err = a.policies.boundary(in.PermissionsBoundary); err != nil {
			return err
		}
		return a.users.add(tx, u)
	})
	if err != nil {
		return nil, err
	}
	return &iam.CreateUserOutput{User: a.describeOneUser(u)}, nil
}

// GetUser shows a user, the caller if none is named.
func (a *API) GetUser(ctx context.Context, in *iam.GetUserInput, _ ...func(*iam.Options)) (*iam.GetUserOutput, error) {
	if c := a.caller(ctx); in.UserName == nil && c.Kind == principal.Root {
		return &iam.GetUserOutput{User: &types.User{Arn: &c.ARN, UserId: &c.ID, CreateDate: aws.Time(time.Unix(0, 0))}}, nil
	}
	name, err := a.userName(ctx, in.UserName)
	if err != nil {
		return nil, err
	}
	return read(ctx, a, func() (*iam.GetUserOutput, error) {
		u, err := a.users.find(name)
		if err != nil {
			return nil, err
		}
		return &iam.GetUserOutput{User: a.describeOneUser(u)}, nil
	})
}

// ListUsers lists users by their names.
func (a *API) ListUsers(ctx context.Context, in *iam.ListUsersInput, _ ...func(*iam.Options)) (*iam.ListUsersOutput, error) {
	return read(ctx, a, func() (*iam.ListUsersOutput, error) {
		some := within(a.users.all(), in.PathPrefix, func(u user) string { return u.Path })
		l, err := list(some, user.key, in.Marker, in.MaxItems)
		return &iam.ListUsersOutput{Users: shown(l.items, a.describeUser), Marker: l.marker, IsTruncated: l.truncated}, err
	})
}

// UpdateUser changes the name or the path of a user.
func (a *API) UpdateUser(ctx context.Context, in *iam.UpdateUserInput, _ ...func(*iam.Options)) (*iam.UpdateUserOutput, error) {
	return &iam.UpdateUserOutput{}, a.write(ctx, func(tx *state.Tx) error {
		u, err := a.users.find(in.UserName)
		if err != nil {
			return err
		}
		before := u.Name
		optional.Set(&u.Name, in.NewUserName)
		optional.Set(&u.Path, in.NewPath)
		for _, id := range u.Keys {
			k, _ := a.keys.Get(id)
			k.User = u.Name
			a.keys.Put(tx, id, k)
		}
		return a.users.rename(tx, before, u)
	})
}

// DeleteUser deletes a user that nothing hangs on.
func (a *API) DeleteUser(ctx context.Context, in *iam.DeleteUserInput, _ ...func(*iam.Options)) (*iam.DeleteUserOutput, error) {
	return &iam.DeleteUserOutput{}, a.write(ctx, func(tx *state.Tx) error {
		u, err := a.users.find(in.UserName)
		switch {
		case err != nil:
			return err
		case len(u.Groups) > 0:
			return fault.DeleteConflict("Cannot delete entity, must remove users from group first.")
		case len(u.Keys) > 0:
			return fault.DeleteConflict("Cannot delete entity, must delete access keys first.")
		}
		if err := u.bare(); err != nil {
			return err
		}
		a.users.remove(tx, u)
		return nil
	})
}

// PutUserPermissionsBoundary bounds what a user may do.
func (a *API) PutUserPermissionsBoundary(ctx context.Context, in *iam.PutUserPermissionsBoundaryInput, _ ...func(*iam.Options)) (*iam.PutUserPermissionsBoundaryOutput, error) {
	return &iam.PutUserPermissionsBoundaryOutput{}, a.users.bound(ctx, a, in.UserName, in.PermissionsBoundary)
}

// DeleteUserPermissionsBoundary takes the bounds of a user away.
func (a *API) DeleteUserPermissionsBoundary(ctx context.Context, in *iam.DeleteUserPermissionsBoundaryInput, _ ...func(*iam.Options)) (*iam.DeleteUserPermissionsBoundaryOutput, error) {
	return &iam.DeleteUserPermissionsBoundaryOutput{}, a.users.unbound(ctx, a, in.UserName)
}
