package policy

import (
	"fmt"
	"regexp"
	"strings"
)

// NamedPrincipal is one entry of a Principal or NotPrincipal element.
type NamedPrincipal struct {
	Type PrincipalType
	ID   string // an account, an ARN, a service's name, or *
}

// PrincipalType is the name of a list of principals.
type PrincipalType string

const (
	AWSPrincipal           PrincipalType = "AWS"
	ServicePrincipal       PrincipalType = "Service"
	FederatedPrincipal     PrincipalType = "Federated"     // parsed; no request has one
	CanonicalUserPrincipal PrincipalType = "CanonicalUser" // parsed; no request has one
)

// principals is a Principal or NotPrincipal element. One that is not given
// concerns whoever has the policy.
type principals struct {
	given, not bool
	bare       bool // "*" without a type
	named      []NamedPrincipal
}

func readPrincipals(m member) (principals, error) {
	p := principals{given: true, not: m.name == "NotPrincipal"}
	if m.value == "*" {
		p.bare, p.named = true, []NamedPrincipal{{AWSPrincipal, "*"}}
		return p, nil
	}
	types, ok := m.value.(object)
	if !ok {
		return p, fmt.Errorf("%s: neither * nor an object", m.name)
	}
	for _, t := range types {
		switch PrincipalType(t.name) {
		case AWSPrincipal, ServicePrincipal, FederatedPrincipal, CanonicalUserPrincipal:
		default:
			return p, fmt.Errorf("%s.%s: no type of principal", m.name, t.name)
		}
		ids, err := scalars(t)
		if err != nil {
			return p, fmt.Errorf("%s.%w", m.name, err)
		}
		for _, id := range ids {
			if dashed.MatchString(id) && t.name == string(AWSPrincipal) {
				id = strings.ReplaceAll(id, "-", "")
			}
			p.named = append(p.named, NamedPrincipal{PrincipalType(t.name), id})
		}
	}
	return p, nil
}

// wellFormed says whether the entry can be a principal at all. Wildcards stand
// for everyone or not at all ("AWS JSON policy elements: Principal").
func (n NamedPrincipal) wellFormed() bool {
	if n.ID == "*" {
		return true
	}
	if strings.ContainsAny(n.ID, "*?") {
		return false
	}
	switch n.Type {
	case AWSPrincipal:
		a := splitARN(n.ID)
		return isAccount(n.ID) || isUniqueID(n.ID) || a.ok && (a.parts[2] == "iam" || a.parts[2] == "sts") && isAccount(a.parts[4]) && a.parts[5] != ""
	case ServicePrincipal:
		return strings.Contains(n.ID, ".")
	}
	return true
}

// dashed is an account as the console shows it.
var dashed = regexp.MustCompile(`^\d{4}-\d{4}-\d{4}$`)

// isUniqueID tells the identifier of a user or a role, which IAM puts in the place of
// an ARN when what it names is deleted ("IAM identifiers").
func isUniqueID(id string) bool {
	return len(id) == 21 && (strings.HasPrefix(id, "AIDA") || strings.HasPrefix(id, "AROA"))
}

// naming is how an entry names the caller, from not at all to the caller itself.
type naming uint8

const (
	unnamed naming = iota
	byAccount
	byRole // the role of a session
	itself // a user, a session, a service, or everyone
)

// names says how the entry names the caller.
func (n NamedPrincipal) names(p *Principal) naming {
	switch {
	case n.Type == ServicePrincipal:
		if p.Kind == Service && (n.ID == p.Service || n.ID == "*") {
			return itself
		}
	case n.Type != AWSPrincipal:
	case n.ID == "*":
		return itself
	case n.ID == p.ARN || isUniqueID(n.ID) && n.ID == p.UserID:
		return itself
	case p.Kind == RoleSession && (n.ID == p.Role || isUniqueID(n.ID) && strings.HasPrefix(p.UserID, n.ID+":")):
		return byRole
	case n.ID == p.Account || isRootOf(n.ID, p.Account):
		return byAccount
	}
	return unnamed
}

// isRootOf compares with arn:PARTITION:iam::ACCOUNT:root without making it.
func isRootOf(id, account string) bool {
	prefix, ok := strings.CutSuffix(id, ":root")
	if !ok {
		return false
	}
	prefix, ok = strings.CutSuffix(prefix, account)
	return ok && account != "" && strings.HasPrefix(prefix, "arn:") && strings.HasSuffix(prefix, ":iam::")
}

// naming is how the element names the caller.
//
// NotPrincipal means everyone but the named. A Deny spares a caller only if the
// caller itself is named and its role and its account are named as well; an Allow
// leaves out whoever is named in any of these ways. Where "AWS JSON policy
// elements: NotPrincipal" leaves open whether the account has to be named, this
// is the careful reading.
func (ps *principals) naming(effect Effect, p *Principal) naming {
	if ps.not {
		if effect == Deny && ps.spares(p) || effect == Allow && ps.most(p) > unnamed {
			return unnamed
		}
		return itself
	}
	return ps.most(p)
}

func (ps *principals) most(p *Principal) naming {
	most := unnamed
	for _, n := range ps.named {
		most = max(most, n.names(p))
	}
	return most
}

// spares says whether every way in which the caller can be named is there.
func (ps *principals) spares(p *Principal) bool {
	var named [itself + 1]bool
	for _, n := range ps.named {
		if n.ID == "*" && n.Type == AWSPrincipal {
			return true
		}
		named[n.names(p)] = true
	}
	switch p.Kind {
	case User:
		return named[itself] && named[byAccount]
	case RoleSession:
		return named[itself] && named[byRole] && named[byAccount]
	}
	return named[itself]
}
