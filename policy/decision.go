package policy

import "strings"

// Outcome is how a request is judged. The zero value denies.
type Outcome uint8

const (
	ImplicitDeny Outcome = iota // nothing allows it
	ExplicitDeny                // a Deny applies to it
	Allowed
)

// Decision is the judgement of a request, with what decided it.
type Decision struct {
	Outcome Outcome
	// Type is the type of policy that decided: the one that allows, the one that
	// denies, or the one that would have had to allow. The root user of an account
	// is allowed by none.
	Type Type
	// Document and Statement are where the Allow or the Deny stands. Nothing
	// stands where a request is denied implicitly, and Document is nil.
	Document  *Document
	Statement int
}

// Allowed says whether the request may be carried out.
func (d Decision) Allowed() bool { return d.Outcome == Allowed }

// Refusal is AWS's sentence for a request that is not allowed ("Troubleshoot
// access denied error messages").
func (d Decision) Refusal(r *Request) string {
	var b strings.Builder
	b.WriteString("User: " + r.Principal.name() + " is not authorized to perform: " + r.Action)
	if r.Resource != "" {
		b.WriteString(" on resource: " + r.Resource)
	}
	b.WriteString(" " + d.Why(r))
	return b.String()
}

// Why is the end of that sentence: which type of policy denies a request, or would
// have had to allow it.
func (d Decision) Why(r *Request) string {
	if d.Outcome == ExplicitDeny {
		return "with an explicit deny in " + d.Type.article() + " " + d.Type.String()
	}
	return "because no " + d.Type.String() + " allows the " + r.Action + " action"
}

// article is the one before the type; a role has one trust policy.
func (t Type) article() string {
	switch t {
	case IdentityBased:
		return "an"
	case RoleTrust:
		return "the"
	}
	return "a"
}

// name is what a refusal calls the caller.
func (p *Principal) name() string {
	switch p.Kind {
	case Anonymous:
		return "anonymous"
	case Service:
		return p.Service
	}
	return p.ARN
}
