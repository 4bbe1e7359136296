// Package principal says who makes a call.
package principal

import "context"

// A Kind says what a principal is.
type Kind string

// The kinds of principals that credentials stand for.
const (
	Root Kind = "root" // the account itself
	User Kind = "user"
	Role Kind = "role" // a session of a role
)

// A Principal is who makes a call.
type Principal struct {
	Kind    Kind
	Account string            // 12 digits
	ARN     string            // of the user, of the role's session, or of the root user
	ID      string            // aws:userid: that of the user, ROLE-ID:SESSION, or the account
	Name    string            // of the user or the role
	Tags    map[string]string // of the user, or of the role with those of the session
}

type key struct{}

// NewContext returns a context of a call that a principal makes.
func NewContext(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, key{}, p)
}

// FromContext is who makes the call of a context. There is none when the call was
// made with an access key that no account has, or without any: whom such a call
// stands for is for the service to say.
func FromContext(ctx context.Context) (p Principal, ok bool) {
	p, ok = ctx.Value(key{}).(Principal)
	return p, ok
}
