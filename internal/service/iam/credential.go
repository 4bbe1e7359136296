package iam

import (
	"context"
	"time"

	"flyball/internal/cell"
	"flyball/internal/principal"
	"flyball/internal/signature"
	"flyball/internal/state"
)

// Root is the root user of a cell's account, which may do everything.
func Root(c *cell.Cell) principal.Principal {
	return principal.Principal{Kind: principal.Root, Account: c.Account, ARN: c.GlobalARN("iam", "root"), ID: c.Account}
}

// caller is who makes a call. Calls with keys that nobody has are the root user's.
func (a *API) caller(ctx context.Context) principal.Principal {
	if p, ok := principal.FromContext(ctx); ok {
		return p
	}
	return Root(a.cell)
}

// Credential is what stands behind an access key, if a user of the account has it.
func (a *API) Credential(ctx context.Context, accessKey string) (c signature.Credential, ok bool) {
	a.cell.State.View(ctx, func() {
		row, found := a.keys.Get(accessKey)
		if !found {
			return
		}
		if u, found := a.users.get(row.User); found {
			c, ok = signature.Credential{Secret: row.Secret, Active: !row.Inactive, Principal: a.userPrincipal(u)}, true
		}
	})
	return c, ok
}

func (a *API) userPrincipal(u user) principal.Principal {
	return principal.Principal{Kind: principal.User, Account: a.cell.Account, ARN: a.userARN(u), ID: u.ID, Name: u.Name, Tags: u.Tags}
}

// User is the principal that a user is.
func (a *API) User(ctx context.Context, name string) (p principal.Principal, ok bool) {
	a.cell.State.View(ctx, func() {
		var u user
		if u, ok = a.users.get(name); ok {
			p = a.userPrincipal(u)
		}
	})
	return p, ok
}

// usedAtMost is how often the use of credentials is noted.
const usedAtMost = time.Minute

// Used notes that a principal made a call with an access key, for those who ask
// when a key or a role was used last.
func (a *API) Used(ctx context.Context, p principal.Principal, key, service, region string) {
	now := use{a.now(), region, service}
	stale := func(u use) bool { return now.At.Sub(u.At) >= usedAtMost }
	note := false
	a.cell.State.View(ctx, func() {
		k, isKey := a.keys.Get(key)
		r, isRole := a.roles.get(p.Name)
		note = isKey && stale(k.Used) || p.Kind == principal.Role && isRole && stale(r.Used)
	})
	if !note {
		return
	}
	noteUse := func(tx *state.Tx) {
		if k, ok := a.keys.Get(key); ok {
			k.Used = now
			a.keys.Put(tx, key, k)
		}
		if r, ok := a.roles.get(p.Name); ok && p.Kind == principal.Role {
			r.Used = now
			a.roles.put(tx, r)
		}
	}
	if !a.cell.State.Join(ctx, noteUse) {
		a.cell.State.Later(noteUse)
	}
}
