package rules

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"

	"flyball/internal/service/iam/fault"
	"flyball/policy"
)

// trustActions are what a trust policy can be about ("Actions defined by AWS
// Security Token Service").
var trustActions = []string{
	"sts:*", "*", "sts:AssumeRole*", "sts:AssumeRole", "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity", "sts:SetContext", "sts:SetSourceIdentity", "sts:TagSession",
}

// CheckTrust refuses a policy that cannot say who may assume a role. It returns the
// principals of kind AWS, which must exist.
func CheckTrust(document string) (principals []string, err error) {
	if !json.Valid([]byte(document)) {
		return nil, errJSON
	}
	_, statements, err := parse(document)
	if err != nil {
		return nil, err
	}
	if err := checkForm(statements); err != nil {
		return nil, err
	}
	for _, s := range statements {
		if err := s.checkTrustMembers(); err != nil {
			return nil, err
		}
		named, err := checkPrincipal(s.principal)
		if err != nil {
			return nil, err
		}
		principals = append(principals, named...)
	}
	return principals, judgeable(document, policy.RoleTrust)
}

func (s statement) checkTrustMembers() error {
	switch {
	case s.resource:
		return fault.MalformedPolicy("Has prohibited field %s.", s.prohibited)
	case s.principal == nil:
		return fault.MalformedPolicy("Missing required field Principal")
	case len(s.actions) == 0:
		return fault.MalformedPolicy("Missing required field Action")
	}
	for _, action := range s.actions {
		if !slices.ContainsFunc(trustActions, func(a string) bool { return strings.EqualFold(a, action) }) {
			return fault.MalformedPolicy("Trust Policy statement actions can only be sts:AssumeRole, sts:AssumeRoleWithSAML,  and sts:AssumeRoleWithWebIdentity")
		}
	}
	return nil
}

// checkPrincipal refuses what can be no principal ("AWS JSON policy elements:
// Principal").
func checkPrincipal(principal any) (named []string, err error) {
	if principal == "*" {
		return nil, nil
	}
	kinds, ok := principal.(map[string]any)
	if !ok || len(kinds) == 0 {
		return nil, errSyntax
	}
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		list, ok := texts(kinds[kind], true)
		if !ok {
			return nil, errSyntax
		}
		valid := map[string]func(string) bool{
			"AWS": isAWSPrincipal, "Service": isServicePrincipal, "Federated": isFederatedPrincipal, "CanonicalUser": isCanonicalUser,
		}[kind]
		if valid == nil {
			return nil, errSyntax
		}
		for _, name := range list {
			if !valid(name) {
				return nil, InvalidPrincipal(kind, name)
			}
		}
		if kind == "AWS" {
			named = append(named, list...)
		}
	}
	return named, nil
}

// InvalidPrincipal refuses a principal that does not exist.
func InvalidPrincipal(kind, name string) error {
	if kind == "Service" {
		kind = "SERVICE"
	}
	return fault.MalformedPolicy(`Invalid principal in policy: "%s":"%s"`, kind, name)
}

var (
	account      = regexp.MustCompile(`^[0-9]{12}$`)
	principalARN = regexp.MustCompile(`^arn:aws[a-z-]*:(iam::[0-9]{12}:(root|user/.+|role/.+)|sts::[0-9]{12}:(assumed-role|federated-user)/.+)$`)
	uniqueID     = regexp.MustCompile(`^A(IDA|ROA)[A-Z0-9]{12,}$`)
	serviceName  = regexp.MustCompile(`^[a-z0-9.-]+\.(amazonaws\.com(\.cn)?|amazon\.com|aws\.internal|aws\.com)$`)
)

func isAWSPrincipal(name string) bool {
	return name == "*" || account.MatchString(name) || principalARN.MatchString(name) || uniqueID.MatchString(name)
}

func isServicePrincipal(name string) bool   { return serviceName.MatchString(name) }
func isFederatedPrincipal(name string) bool { return name != "" }
func isCanonicalUser(name string) bool      { return name != "" }
