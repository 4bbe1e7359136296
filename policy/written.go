package policy

import (
	"fmt"
	"slices"
	"strings"
)

// CheckWritten says what IAM refuses in a document that somebody writes in a partition,
// such as aws, beyond what Parse does: a document that says such a thing means
// something, and one that is kept goes on to. A trust policy is of no partition: it names no resources.
func CheckWritten(text string, t Type, partition string) error {
	d, err := read(text, t)
	if err != nil {
		return err
	}
	inPartition := func(s *draftStatement) *Malformed { return s.checkPartition(partition) }
	rules := []func(*draftStatement) *Malformed{(*draftStatement).checkARNValues, inPartition, (*draftStatement).checkGlobal, (*draftStatement).checkVendors}
	if t == RoleTrust {
		rules = []func(*draftStatement) *Malformed{(*draftStatement).checkARNValues, (*draftStatement).checkTrusted, (*draftStatement).checkExactlyAssumed}
	}
	if m := d.each(rules...); m != nil {
		return m
	}
	return nil
}

// checkARNValues wants ARNs to be compared with ARNs.
func (s *draftStatement) checkARNValues() *Malformed {
	for _, c := range s.conditions {
		if !strings.Contains(strings.ToLower(c.operator), "arn") {
			continue
		}
		for _, v := range c.values {
			if !strings.ContainsAny(v, "*?") && len(splitPattern(v)) < arnParts {
				return malformed(legacyParsing, "%s.Condition.%s.%s: %q is no ARN", s.at, c.operator, c.key, v)
			}
		}
	}
	return nil
}

func (s *draftStatement) checkPartition(own string) *Malformed {
	for _, r := range s.resources.values {
		parts := splitPattern(r)
		if len(parts) > 1 && parts[1] != own && !strings.ContainsAny(parts[1], "*?") {
			return malformed(fmt.Sprintf("Partition %q is not valid for resource %q.", parts[1], r), "%s", s.at)
		}
	}
	return nil
}

// checkGlobal wants the names of buckets and hosted zones to stand without a region, and
// those of buckets without an account. Access points have both.
func (s *draftStatement) checkGlobal() *Malformed {
	for _, r := range s.resources.values {
		parts := splitPattern(r)
		switch {
		case len(parts) > 2 && len(parts) < arnParts && parts[2] == "s3" && parts[len(parts)-1] != "*":
			return malformed(legacyParsing, "%s: %s", s.at, r)
		case len(parts) < arnParts:
		case parts[2] == "route53" && parts[3] != "" && parts[3] != "*":
			return malformed(fmt.Sprintf("Resource %s can not contain region information.", r), "%s", s.at)
		case parts[2] == "s3" && parts[3] == "" && isAccount(parts[4]) && !strings.Contains(parts[5], "/"):
			return malformed(fmt.Sprintf("Resource %s cannot contain an account id.", r), "%s", s.at)
		}
	}
	return nil
}

func (s *draftStatement) checkVendors() *Malformed {
	for _, a := range s.actions.values {
		if strings.HasPrefix(a, "*:") {
			return malformed(wildVendor, "%s: %s", s.at, a)
		}
	}
	return nil
}

// checkTrusted wants a trust policy to say whom it trusts by a type, and of the users of
// an identity pool which.
func (s *draftStatement) checkTrusted() *Malformed {
	if s.principals.bare {
		return malformed(`AssumeRolepolicy contained an invalid principal: "STAR":"*".`, "%s", s.at)
	}
	for _, p := range s.principals.named {
		switch {
		case p.Type == ServicePrincipal && p.ID == "*":
			return malformed(`Invalid principal in policy: "SERVICE":"*"`, "%s", s.at)
		case p.Type == FederatedPrincipal && p.ID == "cognito-identity.amazonaws.com" && len(s.conditions) == 0:
			return malformed("A condition block must be present for the Cognito provider", "%s", s.at)
		}
	}
	return nil
}

// checkExactlyAssumed wants the actions of a trust policy in the case that they have, and
// patterns to stand for them alone.
func (s *draftStatement) checkExactlyAssumed() *Malformed {
	for _, a := range s.actions.values {
		_, action, _ := strings.Cut(a, ":")
		start, _, wild := strings.Cut(strings.ReplaceAll(action, "?", "*"), "*")
		if known := slices.Contains(assuming, start); !known && !(wild && strings.HasPrefix(start, "AssumeRole")) {
			return malformed(otherThanAssumed, "%s: %s", s.at, a)
		}
	}
	return nil
}

var assuming = []string{"AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "SetContext", "SetSourceIdentity", "TagSession"}
