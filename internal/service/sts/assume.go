package sts

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"flyball/internal/optional"
	"flyball/internal/principal"
	"flyball/internal/service/iam"
	"flyball/internal/state"
	"flyball/internal/tags"
	"flyball/policy"
)

// Bounds of AssumeRole ("AssumeRole").
const (
	usualSession  = 3600               // seconds
	longestChain  = 3600 * time.Second // of a session that was assumed from another role's
	maxPolicySize = 2048               // characters of a session policy and of its managed policies' ARNs
	maxPolicyARNs = 10
)

// AssumeRole makes temporary credentials that act as a role.
func (a *API) AssumeRole(ctx context.Context, in *sts.AssumeRoleInput, _ ...func(*sts.Options)) (*sts.AssumeRoleOutput, error) {
	if err := checkAssumeRole(in); err != nil {
		return nil, err
	}
	caller := a.caller(ctx)
	owner, role, err := a.findRole(ctx, in.RoleArn, caller.Principal.ARN)
	if err != nil {
		return nil, err
	}
	s, packed, err := newSession(in, caller)
	if err != nil {
		return nil, err
	}
	lasts, err := duration(in, caller, role)
	if err != nil {
		return nil, err
	}
	if _, ok := owner.IAM.ManagedPolicies(ctx, s.PolicyARNs); !ok {
		return nil, malformedPolicy("One of the session policies' ARNs names no managed policy.")
	}
	if err := a.judge(ctx, in, caller, role, s); err != nil {
		return nil, err
	}
	s.Principal = owner.IAM.Session(role, *in.RoleSessionName, s.Principal.Tags)
	out := &sts.AssumeRoleOutput{
		AssumedRoleUser:  &types.AssumedRoleUser{Arn: &s.Principal.ARN, AssumedRoleId: &s.Principal.ID},
		PackedPolicySize: packed, SourceIdentity: optional.String(s.SourceIdentity),
	}
	err = owner.Cell.State.Change(ctx, func(_ context.Context, tx *state.Tx) error {
		out.Credentials = owner.issue(tx, s, lasts, in.MinimumSessionTokenSize)
		return nil
	})
	if err != nil {
		return nil, err
	}
	out.SessionTokenSize, out.SessionTokenUtilization = measure(out.Credentials.SessionToken)
	return out, nil
}

// checkAssumeRole refuses what no role can be assumed with.
func checkAssumeRole(in *sts.AssumeRoleInput) error {
	switch {
	case len(in.ProvidedContexts) > 0:
		return validation("ProvidedContexts are not supported.")
	case len(in.PolicyArns) > maxPolicyARNs:
		return validation("1 validation error detected: Value at 'policyArns' failed to satisfy constraint: Member must have length less than or equal to %d", maxPolicyARNs)
	}
	return cmp.Or(checkMFA(in.SerialNumber, in.TokenCode), checkToken(in.MinimumSessionTokenSize))
}

// findRole finds the role with an ARN and the service of its account. To whom it
// does not exist AWS says the same as to whom it is denied.
func (a *API) findRole(ctx context.Context, name *string, caller string) (*API, iam.Role, error) {
	at, err := arn.Parse(*name)
	if err != nil || at.Service != "iam" || !strings.HasPrefix(at.Resource, "role/") {
		return nil, iam.Role{}, validation("%s is invalid", *name)
	}
	owner, found := a, true
	if at.AccountID != a.Cell.Account {
		if owner, found = nil, false; a.Account != nil {
			owner, found = a.Account(at.AccountID)
		}
	}
	if !found {
		return nil, iam.Role{}, notAuthorized(caller, *name)
	}
	role, ok := owner.IAM.RoleAt(ctx, *name)
	if !ok {
		return nil, iam.Role{}, notAuthorized(caller, *name)
	}
	return owner, role, nil
}

// newSession is the session that a request asks for, with only the session's own
// tags, and how much of what it may hold that is, in percent.
func newSession(in *sts.AssumeRoleInput, caller Credential) (s session, percent *int32, err error) {
	s = session{Policy: aws.ToString(in.Policy), SourceIdentity: aws.ToString(in.SourceIdentity), Transitive: in.TransitiveTagKeys}
	size := 0
	if s.Policy != "" {
		if _, err := policy.Parse(s.Policy, policy.Session); err != nil {
			return s, nil, malformed(err)
		}
		size = policy.Size(s.Policy)
	}
	for _, p := range in.PolicyArns {
		s.PolicyARNs = append(s.PolicyARNs, aws.ToString(p.Arn))
		size += len(aws.ToString(p.Arn))
	}
	if s.Principal.Tags, err = sessionTags(in, caller); err != nil {
		return s, nil, err
	}
	switch packed := size * 100 / policy.MaxSessionSize; {
	case packed > 100:
		return s, nil, packedTooLarge(packed)
	case size > 0:
		percent = aws.Int32(int32(max(packed, 1)))
	}
	if before := caller.session; before != nil {
		s.SourceIdentity = cmp.Or(before.SourceIdentity, s.SourceIdentity)
		s.Transitive = slices.Compact(slices.Sorted(slices.Values(slices.Concat(s.Transitive, before.Transitive))))
	}
	return s, percent, nil
}

// sessionTags are those of the request and the transitive ones of the caller's own
// session.
func sessionTags(in *sts.AssumeRoleInput, caller Credential) (map[string]string, error) {
	given := tags.Map(in.Tags, func(t types.Tag) (key, value *string) { return t.Key, t.Value })
	folded := map[string]bool{}
	for key := range given {
		folded[strings.ToLower(key)] = true
	}
	if len(folded) != len(in.Tags) {
		return nil, invalidValue("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
	}
	for _, key := range in.TransitiveTagKeys {
		if !folded[strings.ToLower(key)] {
			return nil, invalidValue("The specified transitive tag key must be included in the requested tags.")
		}
	}
	if caller.session != nil {
		for _, key := range caller.session.Transitive {
			if folded[strings.ToLower(key)] {
				return nil, invalidValue("One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.")
			}
			for held, value := range caller.Principal.Tags {
				if strings.EqualFold(held, key) {
					given[held] = value
				}
			}
		}
	}
	merged, err := tags.Merge(nil, given, tags.Most)
	if err != nil {
		return nil, validation("%v.", err)
	}
	return merged, nil
}

// duration is how long the session lasts. Sessions that are assumed from sessions
// of roles last an hour at most ("Role chaining").
func duration(in *sts.AssumeRoleInput, caller Credential, role iam.Role) (time.Duration, error) {
	lasts := time.Duration(optional.Or(in.DurationSeconds, usualSession)) * time.Second
	switch {
	case lasts > role.MaxSession:
		return 0, validation("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	case caller.session != nil && caller.Principal.Kind == principal.Role && lasts > longestChain:
		return 0, validation("The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining")
	}
	return lasts, nil
}

// judge asks whether the caller may assume the role.
func (a *API) judge(ctx context.Context, in *sts.AssumeRoleInput, caller Credential, role iam.Role, s session) error {
	if a.Trust == nil {
		return nil
	}
	policies, ok := a.Policies(ctx, caller)
	if !ok {
		return notAuthorized(caller.Principal.ARN, role.ARN)
	}
	return a.Trust.Assume(ctx, Assumption{
		Caller: caller.Principal, Policies: policies, Role: role, Region: a.region, SessionName: *in.RoleSessionName,
		ExternalID: aws.ToString(in.ExternalId), SourceIdentity: s.SourceIdentity,
		Tags: s.Principal.Tags, TransitiveTags: s.Transitive,
	})
}
