// Package rules holds what IAM accepts: policy documents and tags. Its functions
// are pure; their errors are IAM's.
package rules

import (
	"errors"

	"flyball/internal/service/iam/fault"
	"flyball/policy"
)

// CheckInline refuses a policy that cannot be embedded in a user, a group or a
// role in a partition.
func CheckInline(document, partition string) error {
	if _, err := policy.Parse(document, policy.IdentityBased); err != nil {
		return refusal(err)
	}
	return refusal(policy.CheckWritten(document, policy.IdentityBased, partition))
}

// CheckManaged refuses a policy that cannot be attached, or is too long for that.
func CheckManaged(document, partition string) error {
	if _, err := policy.ParseManaged(document); err != nil {
		return refusal(err)
	}
	if err := policy.CheckWritten(document, policy.IdentityBased, partition); err != nil {
		return refusal(err)
	}
	if policy.Size(document) > policy.MaxManagedSize {
		return fault.Quota("PolicySize", policy.MaxManagedSize)
	}
	return nil
}

// CheckTrust refuses a policy that cannot say who may assume a role, or is too long
// for that, or names a service that AWS has not. It returns the users, roles and accounts
// that the policy names: they must exist.
func CheckTrust(document string) (named []string, err error) {
	parsed, err := policy.Parse(document, policy.RoleTrust)
	if err != nil {
		return nil, refusal(err)
	}
	if err := policy.CheckWritten(document, policy.RoleTrust, ""); err != nil {
		return nil, refusal(err)
	}
	if policy.Size(document) > policy.MaxTrustSize {
		return nil, fault.Quota("ACLSizePerRole", policy.MaxTrustSize)
	}
	for _, p := range parsed.Principals() {
		switch {
		case p.Type == policy.AWSPrincipal:
			named = append(named, p.ID)
		case p.Type == policy.ServicePrincipal && !IsService(p.ID):
			return nil, fault.MalformedPolicy(`Invalid principal in policy: "SERVICE":"%s"`, p.ID)
		}
	}
	return named, nil
}

// InvalidPrincipal refuses a user or a role that does not exist.
func InvalidPrincipal(name string) error {
	return fault.MalformedPolicy(`Invalid principal in policy: "AWS":"%s"`, name)
}

// refusal is what IAM answers to a document that is none.
func refusal(err error) error {
	if m, ok := errors.AsType[*policy.Malformed](err); ok {
		return fault.MalformedPolicy("%s", m.Message)
	}
	return err
}
