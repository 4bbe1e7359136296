package policy

import "unicode"

// The most characters of a policy document, without white space ("IAM and AWS
// STS quotas"). The inline limits of an identity are for all of its inline
// policies together.
const (
	MaxManagedSize     = 6144
	MaxUserInlineSize  = 2048
	MaxGroupInlineSize = 5120
	MaxRoleInlineSize  = 10240
	MaxTrustSize       = 2048
	MaxSessionSize     = 2048
)

// The versions of the policy language. A document that states none is in the
// first. Only the second has policy variables.
const (
	Version2008 = "2008-10-17"
	Version2012 = "2012-10-17"
)

// Type is what a policy is to a request: where it is attached, and so what a
// document there may say.
type Type uint8

const (
	IdentityBased       Type = iota + 1 // of a user, a group or a role: no Principal
	PermissionsBoundary                 // a managed policy as the limit of a user or a role
	Session                             // given when a role is assumed; no Principal
	ResourceBased                       // of a queue, a function, a repository: a Principal
	RoleTrust                           // who may assume a role: a Principal, no Resource
)

// String is the type in AWS's words, as in "because no identity-based policy
// allows".
func (t Type) String() string {
	switch t {
	case IdentityBased:
		return "identity-based policy"
	case PermissionsBoundary:
		return "permissions boundary"
	case Session:
		return "session policy"
	case ResourceBased:
		return "resource-based policy"
	case RoleTrust:
		return "role trust policy"
	}
	return "policy"
}

// namesPrincipals tells the policies that say whom they concern from those that
// concern whoever has them.
func (t Type) namesPrincipals() bool { return t == ResourceBased || t == RoleTrust }

// Effect is what a statement does to the requests that it applies to.
type Effect uint8

const (
	Allow Effect = iota + 1
	Deny
)

// Document is a policy document, compiled. It does not change.
type Document struct {
	version    string
	id         string
	statements []statement
}

// statement applies to a request when all of its elements do.
type statement struct {
	sid        string
	effect     Effect
	principals principals
	actions    actions
	resources  resources
	conditions []condition
	needs      []key // variables without whose values the statement does not apply
}

// Version is the version of the language that the document is in.
func (d *Document) Version() string { return d.version }

// ID is the Id of the document, and empty where it has none.
func (d *Document) ID() string { return d.id }

// Len is the number of statements.
func (d *Document) Len() int { return len(d.statements) }

// Sid is the identifier of a statement, and empty where it has none.
func (d *Document) Sid(statement int) string { return d.statements[statement].sid }

// Effect is what a statement does.
func (d *Document) Effect(statement int) Effect { return d.statements[statement].effect }

// Principals are all that the document names in Principal and NotPrincipal
// elements, in its order. Whether they exist is for IAM to say.
func (d *Document) Principals() []NamedPrincipal {
	var named []NamedPrincipal
	for _, s := range d.statements {
		named = append(named, s.principals.named...)
	}
	return named
}

// Size is the number of characters that count for a document's limit, which are
// those that are not white space.
func Size(text string) int {
	n := 0
	for _, r := range text {
		if !unicode.IsSpace(r) {
			n++
		}
	}
	return n
}
