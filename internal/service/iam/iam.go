// Package iam is AWS Identity and Access Management of one account: users, groups
// and roles, their policies, and access keys.
//
//	a, err := iam.New(iam.Config{Cell: c}) // of the pseudo-region aws-global
//	a.GetUser(ctx, &iam.GetUserInput{})    // of the principal whose call ctx is of
//
// It keeps what is said and judges nothing: Policies says what has a voice when a
// principal acts. Policy documents are kept as they were written, and answered
// URL-encoded, as IAM does.
//
// Names are unique whatever their case, as in "IAM and AWS STS quotas" of the user
// guide, so rows are kept by their names in lower case.
package iam

import (
	"context"
	"net/url"
	"strings"
	"time"

	"flyball/internal/cell"
	"flyball/internal/service/iam/fault"
	"flyball/internal/state"
)

// Config is what the service needs of its surroundings.
type Config struct {
	Cell *cell.Cell
}

// An API serves the operations of IAM in one account. Its methods may be called
// concurrently.
type API struct {
	cell     *cell.Cell
	users    users
	groups   groups
	roles    roles
	policies policies
	profiles profiles
	keys     *state.Table[userKey] // by access key
	alias    *state.Table[string]
}

// New returns the service with what the cell's state has of it.
func New(cfg Config) (*API, error) {
	a := &API{cell: cfg.Cell}
	for _, d := range []interface{ open(*cell.Cell) error }{&a.users, &a.groups, &a.roles, &a.policies, &a.profiles} {
		if err := d.open(cfg.Cell); err != nil {
			return nil, err
		}
	}
	var err error
	if a.keys, err = state.NewTable[userKey](cfg.Cell.State, kindKey); err != nil {
		return nil, err
	}
	if a.alias, err = state.NewTable[string](cfg.Cell.State, kindAlias); err != nil {
		return nil, err
	}
	return a, nil
}

// now is the time, as IAM tells it: to the second.
func (a *API) now() time.Time { return a.cell.Clock.Now().UTC().Truncate(time.Second) }

// arn names a resource of the account, such as role/service/web.
func (a *API) arn(kind, path, name string) string { return a.cell.GlobalARN("iam", kind+path+name) }

// path is the path that a resource is created with.
func path(given *string) string {
	if given == nil || *given == "" {
		return "/"
	}
	return *given
}

// checkPath refuses the path of the roles of services.
func checkPath(given *string) error {
	if strings.HasPrefix(path(given), serviceRolePath) {
		return fault.ReservedPath()
	}
	return nil
}

// encoded is a policy document as answers have it.
func encoded(document string) *string {
	text := strings.ReplaceAll(url.QueryEscape(document), "+", "%20")
	return &text
}

// read returns what a function finds that only reads rows.
func read[T any](ctx context.Context, a *API, f func() (T, error)) (found T, err error) {
	a.cell.State.View(ctx, func() { found, err = f() })
	return found, err
}

// write changes rows, all or none.
func (a *API) write(ctx context.Context, f func(*state.Tx) error) error {
	return a.cell.State.Change(ctx, func(_ context.Context, tx *state.Tx) error { return f(tx) })
}
