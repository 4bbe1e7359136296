package iam

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"flyball/internal/principal"
)

// A Role is what others need to know of a role.
type Role struct {
	Name, ARN, ID string
	Trust         Document
	MaxSession    time.Duration
	Tags          map[string]string
}

// Role is the role with a name.
func (a *API) Role(ctx context.Context, name string) (found Role, ok bool) {
	a.cell.State.View(ctx, func() {
		var r role
		if r, ok = a.roles.get(name); ok {
			found = Role{r.Name, a.roleARN(r), r.ID, Document{r.Name, r.Trust}, time.Duration(r.MaxSession) * time.Second, r.Tags}
		}
	})
	return found, ok
}

// RoleAt is the role with an ARN.
func (a *API) RoleAt(ctx context.Context, arn string) (found Role, ok bool) {
	found, ok = a.Role(ctx, arn[strings.LastIndexByte(arn, '/')+1:])
	return found, ok && found.ARN == arn
}

// Session is the principal that a session of a role is, with tags of its own.
func (a *API) Session(r Role, name string, tags map[string]string) principal.Principal {
	all := maps.Clone(r.Tags)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, tags)
	return principal.Principal{
		Kind: principal.Role, Account: a.cell.Account, Name: r.Name, Tags: all,
		ARN: a.cell.GlobalARN("sts", "assumed-role/"+r.Name+"/"+name),
		ID:  r.ID + ":" + name,
	}
}

// A Document is a policy in the words of whoever wrote it.
type Document struct {
	Name string // of an embedded policy, or the ARN of a managed one
	Text string
}

// Policies are what has a voice when a principal acts.
type Policies struct {
	Holder   string     // the ARN of the user or the role that has them
	Identity []Document // of the role, or of the user and its groups
	Boundary *Document  // nil where nothing bounds it
	Session  []Document // nil where the session was not narrowed
}

// Policies are those of a user or of a role, whose sessions know of more. It is not
// ok if there is no such user or role, or another one of the same name.
func (a *API) Policies(ctx context.Context, p principal.Principal) (found Policies, ok bool) {
	a.cell.State.View(ctx, func() {
		switch p.Kind {
		case principal.User:
			var u user
			if u, ok = a.users.get(p.Name); !ok {
				return
			}
			ok = u.ID == p.ID
			found = Policies{a.userARN(u), a.documents(u.holder), a.bounds(u.holder), nil}
			for _, g := range a.groupsOf(u) {
				found.Identity = append(found.Identity, a.documents(g.holder)...)
			}
		case principal.Role:
			var r role
			if r, ok = a.roles.get(p.Name); !ok {
				return
			}
			ok = len(p.ID) > len(r.ID) && p.ID[:len(r.ID)] == r.ID
			found = Policies{a.roleARN(r), a.documents(r.holder), a.bounds(r.holder), nil}
		}
	})
	if !ok {
		return Policies{}, false
	}
	return found, true
}

// documents are the policies of a holder, embedded ones first.
func (a *API) documents(h holder) (all []Document) {
	for _, name := range slices.Sorted(maps.Keys(h.Inline)) {
		all = append(all, Document{name, h.Inline[name]})
	}
	for _, arn := range h.Attached {
		if d := a.document(arn); d != nil {
			all = append(all, *d)
		}
	}
	return all
}

func (a *API) bounds(h holder) *Document {
	if h.Boundary == "" {
		return nil
	}
	return a.document(h.Boundary)
}

// document is what a managed policy says, or nil if there is none.
func (a *API) document(arn string) *Document {
	p, ok := a.policies.get(arn)
	if !ok {
		return nil
	}
	return &Document{arn, p.current()}
}

// ManagedPolicies are the documents of managed policies, for sessions that are
// narrowed to them. It is not ok if one does not exist.
func (a *API) ManagedPolicies(ctx context.Context, arns []string) (found []Document, ok bool) {
	ok = true
	a.cell.State.View(ctx, func() {
		for _, arn := range arns {
			d := a.document(arn)
			if d == nil {
				ok = false
				return
			}
			found = append(found, *d)
		}
	})
	return found, ok
}
