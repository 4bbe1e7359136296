package policy

import (
	"fmt"
	"slices"
	"strings"
)

// check says what AWS would refuse in a document of this type. It looks at all
// of the document for one rule, then for the next, in the order in which IAM is
// known to go through managed policies.
func (d *draft) check(t Type, managed bool) *Malformed {
	if m := d.each((*draftStatement).checkOperators); m != nil {
		return m
	}
	if managed && d.version != Version2012 {
		return malformed(oldVersion, "Version is %s", d.version)
	}
	if m := d.each((*draftStatement).checkLegacy); m != nil {
		return m
	}
	switch t {
	case RoleTrust:
		return d.each((*draftStatement).hasPrincipal, (*draftStatement).hasNoResource,
			(*draftStatement).hasActions, (*draftStatement).checkActions, (*draftStatement).checkAssumed)
	case ResourceBased:
		return d.each((*draftStatement).hasPrincipal,
			(*draftStatement).hasActions, (*draftStatement).checkResources, (*draftStatement).checkActions)
	}
	if m := d.checkSids(); m != nil {
		return m
	}
	return d.each((*draftStatement).hasNoPrincipal, (*draftStatement).hasActions,
		(*draftStatement).checkResources, (*draftStatement).checkIAMResources, (*draftStatement).checkActions,
		(*draftStatement).hasResources)
}

// checkKept is check for a resource's policy whose resources its service has not looked
// at.
func (d *draft) checkKept() *Malformed {
	return d.each((*draftStatement).checkOperators, (*draftStatement).checkLegacy, (*draftStatement).hasPrincipal,
		(*draftStatement).hasActions, (*draftStatement).checkActions)
}

func (d *draft) each(rules ...func(*draftStatement) *Malformed) *Malformed {
	for _, rule := range rules {
		for i := range d.statements {
			if m := rule(&d.statements[i]); m != nil {
				return m
			}
		}
	}
	return nil
}

// checkOperators wants operators that exist, with values in their form. Numbers,
// addresses and dates are looked at later.
func (s *draftStatement) checkOperators() *Malformed {
	for _, c := range s.conditions {
		if _, _, m := compileCondition(c, false); m != nil && m.Message != legacyParsing {
			m.Reason = s.at + "." + m.Reason
			return m
		}
	}
	return nil
}

// checkLegacy has what IAM's older parser refuses: an effect in another case,
// numbers, addresses and dates that are none, and ARNs that leave out parts in the middle.
func (s *draftStatement) checkLegacy() *Malformed {
	if s.otherCase {
		return malformed(legacyParsing, "%s.Effect: neither Allow nor Deny", s.at)
	}
	for _, c := range s.conditions {
		if _, _, m := compileCondition(c, false); m != nil {
			m.Reason = s.at + "." + m.Reason
			return m
		}
	}
	for _, r := range s.resources.values {
		parts := splitPattern(r)
		short := len(parts) < arnParts && strings.Contains(r, "::")
		if checkResource(r) == nil && (short || len(parts) > 2 && parts[2] == "") {
			return malformed(legacyParsing, "%s: %s", s.at, r)
		}
	}
	return nil
}

// checkSids holds an identity-based policy to what IAM wants of identifiers.
// Services have rules of their own for their resources' policies ("IAM JSON
// policy elements: Sid").
func (d *draft) checkSids() *Malformed {
	seen := map[string]bool{}
	for _, s := range d.statements {
		if strings.ContainsFunc(s.sid, func(r rune) bool { return !isAlphanumeric(r) }) {
			return malformed(sidCharacters, "%s.Sid", s.at)
		}
		if s.sid != "" && seen[s.sid] {
			return malformed(duplicateSid, "%s.Sid", s.at)
		}
		seen[s.sid] = true
	}
	return nil
}

func isAlphanumeric(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}

func (s *draftStatement) hasActions() *Malformed {
	if len(s.actions.values) == 0 {
		return malformed(noActions, "%s", s.at)
	}
	return nil
}

func (s *draftStatement) hasResources() *Malformed {
	if len(s.resources.values) == 0 {
		return malformed(noResources, "%s", s.at)
	}
	return nil
}

func (s *draftStatement) hasNoResource() *Malformed {
	if !s.resources.given {
		return nil
	}
	name := "Resource"
	if s.resources.not {
		name = "NotResource"
	}
	return malformed("Has prohibited field "+name, "%s", s.at)
}

func (s *draftStatement) hasPrincipal() *Malformed {
	if !s.principals.given || len(s.principals.named) == 0 {
		return malformed(noPrincipal, "%s", s.at)
	}
	for _, p := range s.principals.named {
		if !p.wellFormed() {
			return malformed(fmt.Sprintf("Invalid principal in policy: %q:%q", strings.ToUpper(string(p.Type)), p.ID), "%s", s.at)
		}
	}
	return nil
}

func (s *draftStatement) hasNoPrincipal() *Malformed {
	if s.principals.given {
		return malformed(hasPrincipal, "%s", s.at)
	}
	return nil
}

// checkActions wants "*", or a service and an action with one colon between.
func (s *draftStatement) checkActions() *Malformed {
	for _, a := range s.actions.values {
		vendor, _, ok := strings.Cut(a, ":")
		switch {
		case a == "*":
		case !ok:
			return malformed(noVendor, "%s: %s", s.at, a)
		case strings.Count(a, ":") > 1:
			return malformed(manyColons, "%s: %s", s.at, a)
		case strings.ContainsAny(vendor, "*?") && vendor != "*":
			return malformed(wildVendor, "%s: %s", s.at, a)
		case strings.ContainsFunc(vendor, func(r rune) bool { return !isAlphanumeric(r) && r != '-' && r != '.' }) && vendor != "*":
			return malformed(fmt.Sprintf("Vendor %s is not valid", vendor), "%s: %s", s.at, a)
		}
	}
	return nil
}

// checkAssumed wants the actions of a trust policy to be those with which STS asks it.
func (s *draftStatement) checkAssumed() *Malformed {
	for _, a := range s.actions.values {
		vendor, action, _ := strings.Cut(strings.ToLower(a), ":")
		if vendor != "sts" || !strings.ContainsAny(action, "*?") && !slices.Contains(assumingActions, action) {
			return malformed(otherThanAssumed, "%s: %s", s.at, a)
		}
	}
	return nil
}

// assumingActions are the actions of STS that a trust policy can be about, in lower case.
var assumingActions = []string{"assumerole", "assumerolewithsaml", "assumerolewithwebidentity", "setcontext", "setsourceidentity", "tagsession"}

func (s *draftStatement) checkResources() *Malformed {
	for _, r := range s.resources.values {
		if m := checkResource(r); m != nil {
			m.Reason = s.at
			return m
		}
	}
	return nil
}

// checkIAMResources wants IAM's own resources to be of a kind that IAM has.
func (s *draftStatement) checkIAMResources() *Malformed {
	for _, r := range s.resources.values {
		parts := splitPattern(r)
		if len(parts) < arnParts || parts[2] != "iam" || parts[5] == "*" {
			continue
		}
		if !slices.ContainsFunc(iamResources, func(kind string) bool { return strings.HasPrefix(parts[5], kind) }) {
			return malformed(fmt.Sprintf(`IAM resource path must either be "*" or start with %s.`, strings.Join(iamResources, ", ")), "%s: %s", s.at, r)
		}
	}
	return nil
}

// iamResources are how the names of IAM's resources start, in the order in which
// IAM lists them.
var iamResources = []string{
	"user/", "federated-user/", "role/", "group/", "instance-profile/", "mfa/", "server-certificate/",
	"policy/", "sms-mfa/", "saml-provider/", "oidc-provider/", "report/", "access-report/",
}

// checkResource wants "*" or an ARN whose partition and service are written out.
// Wildcards stand for partitions in AWS's own policies, so they may here.
func checkResource(r string) *Malformed {
	if r == "*" {
		return nil
	}
	parts := splitPattern(r)
	switch {
	case len(parts) == 1:
		return &Malformed{Message: fmt.Sprintf("Resource %s must be in ARN format or \"*\".", r)}
	case !isPartition(parts[1]):
		rest := append(parts[2:], "*", "*", "*", "*")[:4]
		return &Malformed{Message: fmt.Sprintf("Partition %q is not valid for resource %q.", parts[1], "arn:"+parts[1]+":"+strings.Join(rest, ":"))}
	case len(parts) == 2 || strings.ContainsAny(parts[2], "*?"):
		return &Malformed{Message: vendorWildcard}
	case parts[2] == "iam" && len(parts) > 3 && parts[3] != "":
		return &Malformed{Message: fmt.Sprintf("IAM resource %s cannot contain region information.", r)}
	case parts[2] == "s3" && len(parts) == arnParts && parts[3] != "" && parts[4] == "":
		return &Malformed{Message: fmt.Sprintf("Resource %s can not contain region information.", r)}
	}
	return nil
}

func isPartition(name string) bool {
	return name == "aws" || strings.HasPrefix(name, "aws-") || strings.ContainsAny(name, "*?")
}
