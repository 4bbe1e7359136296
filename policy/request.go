package policy

import (
	"strings"
	"time"
)

// Request is what is judged: who wants to do what with which resource, and what
// else is known of it.
type Request struct {
	Principal Principal
	Action    string // service:Action, as in ecs:UpdateService
	Resource  string // an ARN, or * for an action without a resource
	// ResourceAccount owns the resource. Where it is empty it is the account in
	// the resource's ARN, and without one that of the principal.
	ResourceAccount string
	Time            time.Time // zero: not known, and no condition on the time holds
	// Context has the condition keys that Principal, ResourceAccount and Time do
	// not say: aws:SourceIp, aws:RequestTag/team, sts:ExternalId. Names are
	// compared without regard to case. A key without values is not there.
	Context map[string][]string
}

// PrincipalKind is what sort of caller a principal is.
type PrincipalKind uint8

const (
	Anonymous PrincipalKind = iota
	Root
	User
	RoleSession
	Service
)

// Principal is the caller.
type Principal struct {
	Kind    PrincipalKind
	ARN     string            // of a root, a user, or the assumed-role session; empty for others
	Role    string            // of a role session: the ARN of its role
	Account string            // 12 digits; empty for services and anonymous callers
	Service string            // of a service: its name, as in ecs-tasks.amazonaws.com
	UserID  string            // aws:userid
	Tags    map[string]string // of the user, or of the session and its role
}

// entity is the ARN in aws:PrincipalArn: a session's is that of its role.
func (p *Principal) entity() string {
	if p.Kind == RoleSession {
		return p.Role
	}
	return p.ARN
}

// userName is a user's name without its path.
func (p *Principal) userName() string {
	if p.Kind != User {
		return ""
	}
	return p.ARN[strings.LastIndexAny(p.ARN, ":/")+1:]
}

// owner is the account of the resource.
func (r *Request) owner(resource *arn) string {
	switch {
	case r.ResourceAccount != "":
		return r.ResourceAccount
	case resource.ok && isAccount(resource.parts[4]):
		return resource.parts[4]
	}
	return r.Principal.Account
}

// isAccount tells the twelve digits of an account.
func isAccount(s string) bool {
	return len(s) == 12 && strings.Trim(s, "0123456789") == ""
}
