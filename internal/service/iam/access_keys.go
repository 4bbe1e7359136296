package iam

import (
	"context"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"flyball/internal/accesskey"
	"flyball/internal/principal"
	"flyball/internal/service/iam/fault"
	"flyball/internal/state"
)

var kindKey = state.Kind{Name: "iam.accesskey", Version: 1}

// A userKey is the row of an access key. Signatures cannot be checked without the
// secret, so it is kept; it is shown once, when it is made.
type userKey struct {
	ID, Secret string
	User       string // name
	Inactive   bool   `json:",omitempty"`
	Created    time.Time
	Used       use `json:",omitzero"`
}

// keysPerUser is how many access keys a user can have.
var keysPerUser = quota{"AccessKeysPerUser", 2}

func (k userKey) status() types.StatusType {
	if k.Inactive {
		return types.StatusTypeInactive
	}
	return types.StatusTypeActive
}

func (k userKey) describe() types.AccessKeyMetadata {
	return types.AccessKeyMetadata{AccessKeyId: &k.ID, CreateDate: &k.Created, Status: k.status(), UserName: &k.User}
}

// CreateAccessKey gives a user an access key, the caller if none is named.
func (a *API) CreateAccessKey(ctx context.Context, in *iam.CreateAccessKeyInput, _ ...func(*iam.Options)) (*iam.CreateAccessKeyOutput, error) {
	name, err := a.userName(ctx, in.UserName)
	if err != nil {
		return nil, err
	}
	k := userKey{Created: a.now()}
	err = a.write(ctx, func(tx *state.Tx) error {
		k.ID, k.Secret = accesskey.New(accesskey.User, a.cell.Account, func(id string) bool { _, taken := a.keys.Get(id); return taken })
		u, err := a.users.find(name)
		if err != nil {
			return err
		}
		if err := keysPerUser.admits(len(u.Keys)); err != nil {
			return err
		}
		k.User = u.Name
		a.keys.Put(tx, k.ID, k)
		u.Keys = append(slices.Clone(u.Keys), k.ID)
		a.users.put(tx, u)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &iam.CreateAccessKeyOutput{AccessKey: &types.AccessKey{
		AccessKeyId: &k.ID, SecretAccessKey: &k.Secret, Status: k.status(), UserName: &k.User, CreateDate: &k.Created,
	}}, nil
}

// ListAccessKeys lists the access keys of a user, of the caller if none is named.
func (a *API) ListAccessKeys(ctx context.Context, in *iam.ListAccessKeysInput, _ ...func(*iam.Options)) (*iam.ListAccessKeysOutput, error) {
	if in.UserName == nil && a.caller(ctx).Kind == principal.Root {
		return &iam.ListAccessKeysOutput{AccessKeyMetadata: []types.AccessKeyMetadata{}}, nil
	}
	name, err := a.userName(ctx, in.UserName)
	if err != nil {
		return nil, err
	}
	return read(ctx, a, func() (*iam.ListAccessKeysOutput, error) {
		u, err := a.users.find(name)
		if err != nil {
			return nil, err
		}
		l, err := list(slices.Sorted(slices.Values(u.Keys)), itself, in.Marker, in.MaxItems)
		describe := func(id string) types.AccessKeyMetadata {
			k, _ := a.keys.Get(id)
			return k.describe()
		}
		return &iam.ListAccessKeysOutput{AccessKeyMetadata: shown(l.items, describe), Marker: l.marker, IsTruncated: l.truncated}, err
	})
}

// keyOf is an access key of a user.
func (a *API) keyOf(ctx context.Context, name, id *string) (userKey, user, error) {
	name, err := a.userName(ctx, name)
	if err != nil {
		return userKey{}, user{}, err
	}
	u, err := a.users.find(name)
	if err != nil {
		return userKey{}, user{}, err
	}
	k, ok := a.keys.Get(aws.ToString(id))
	if !ok || k.User != u.Name {
		return k, u, noKey(id)
	}
	return k, u, nil
}

func noKey(id *string) error {
	return fault.NoSuchEntity("The Access Key with id %s cannot be found.", aws.ToString(id))
}

// UpdateAccessKey makes an access key usable, or unusable.
func (a *API) UpdateAccessKey(ctx context.Context, in *iam.UpdateAccessKeyInput, _ ...func(*iam.Options)) (*iam.UpdateAccessKeyOutput, error) {
	return &iam.UpdateAccessKeyOutput{}, a.write(ctx, func(tx *state.Tx) error {
		k, _, err := a.keyOf(ctx, in.UserName, in.AccessKeyId)
		if err != nil {
			return err
		}
		k.Inactive = in.Status != types.StatusTypeActive
		a.keys.Put(tx, k.ID, k)
		return nil
	})
}

// DeleteAccessKey takes an access key from a user.
func (a *API) DeleteAccessKey(ctx context.Context, in *iam.DeleteAccessKeyInput, _ ...func(*iam.Options)) (*iam.DeleteAccessKeyOutput, error) {
	return &iam.DeleteAccessKeyOutput{}, a.write(ctx, func(tx *state.Tx) error {
		k, u, err := a.keyOf(ctx, in.UserName, in.AccessKeyId)
		if err != nil {
			return err
		}
		a.keys.Delete(tx, k.ID)
		u.Keys = slices.DeleteFunc(slices.Clone(u.Keys), func(id string) bool { return id == k.ID })
		a.users.put(tx, u)
		return nil
	})
}

// GetAccessKeyLastUsed says when an access key was used last.
func (a *API) GetAccessKeyLastUsed(ctx context.Context, in *iam.GetAccessKeyLastUsedInput, _ ...func(*iam.Options)) (*iam.GetAccessKeyLastUsedOutput, error) {
	return read(ctx, a, func() (*iam.GetAccessKeyLastUsedOutput, error) {
		k, ok := a.keys.Get(aws.ToString(in.AccessKeyId))
		if !ok {
			return nil, noKey(in.AccessKeyId)
		}
		last := &types.AccessKeyLastUsed{Region: aws.String("N/A"), ServiceName: aws.String("N/A")}
		if !k.Used.At.IsZero() {
			last = &types.AccessKeyLastUsed{LastUsedDate: &k.Used.At, Region: &k.Used.Region, ServiceName: &k.Used.Service}
		}
		return &iam.GetAccessKeyLastUsedOutput{AccessKeyLastUsed: last, UserName: &k.User}, nil
	})
}
