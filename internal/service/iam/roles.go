package iam

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"flyball/internal/accesskey"
	"flyball/internal/optional"
	"flyball/internal/state"
)

var kindRole = state.Kind{Name: "iam.role", Version: 1}

// A role is the row of one.
type role struct {
	Name, Path, ID string
	Created        time.Time
	Trust          string // who may assume it
	Description    string `json:",omitempty"`
	MaxSession     int32  // in seconds
}

func (r *role) name() string { return r.Name }

// defaultSession is how long sessions of a role may last if nothing else was said,
// in seconds.
const defaultSession = 3600

// describe is the role as listings show it.
func (a *API) describeRole(r role) types.Role {
	return types.Role{
		Arn:                      aws.String(a.arn("role", r.Path, r.Name)),
		AssumeRolePolicyDocument: encoded(r.Trust),
		CreateDate:               &r.Created,
		Description:              optional.String(r.Description),
		MaxSessionDuration:       &r.MaxSession,
		Path:                     &r.Path,
		RoleId:                   &r.ID,
		RoleName:                 &r.Name,
	}
}

// CreateRole creates a role.
func (a *API) CreateRole(ctx context.Context, in *iam.CreateRoleInput, _ ...func(*iam.Options)) (*iam.CreateRoleOutput, error) {
	r := role{
		Name: aws.ToString(in.RoleName), Path: path(in.Path), ID: accesskey.NewID("AROA"), Created: a.now(),
		Trust: aws.ToString(in.AssumeRolePolicyDocument), Description: aws.ToString(in.Description),
		MaxSession: optional.Or(in.MaxSessionDuration, defaultSession),
	}
	if err := a.write(ctx, func(tx *state.Tx) error { return a.roles.add(tx, r) }); err != nil {
		return nil, err
	}
	return &iam.CreateRoleOutput{Role: new(a.describeRole(r))}, nil
}

// GetRole shows a role.
func (a *API) GetRole(ctx context.Context, in *iam.GetRoleInput, _ ...func(*iam.Options)) (*iam.GetRoleOutput, error) {
	return read(ctx, a, func() (*iam.GetRoleOutput, error) {
		r, err := a.roles.find(in.RoleName)
		if err != nil {
			return nil, err
		}
		shown := a.describeRole(r)
		shown.RoleLastUsed = &types.RoleLastUsed{}
		return &iam.GetRoleOutput{Role: &shown}, nil
	})
}

// DeleteRole deletes a role that nothing hangs on.
func (a *API) DeleteRole(ctx context.Context, in *iam.DeleteRoleInput, _ ...func(*iam.Options)) (*iam.DeleteRoleOutput, error) {
	return &iam.DeleteRoleOutput{}, a.write(ctx, func(tx *state.Tx) error {
		r, err := a.roles.find(in.RoleName)
		if err != nil {
			return err
		}
		a.roles.remove(tx, r)
		return nil
	})
}
