package iam

import (
	"flyball/internal/cell"
)

// A Kind says what a principal is.
type Kind string

// The kinds of principals.
const (
	KindRoot Kind = "root" // the account itself
	KindUser Kind = "user"
	KindRole Kind = "role" // a session of a role
)

// A Principal is who makes a call.
type Principal struct {
	Kind    Kind
	Account string
	ARN     string            // of the user, of the role's session, or of the root user
	ID      string            // aws:userid: that of the user, ROLE-ID:SESSION, or the account
	Name    string            // of the user or the role
	Tags    map[string]string // of the user, or of the role with those of the session
}

// Root is the root user of a cell's account. It may do everything.
func Root(c *cell.Cell) Principal {
	return Principal{Kind: KindRoot, Account: c.Account, ARN: c.GlobalARN("iam", "root"), ID: c.Account}
}
