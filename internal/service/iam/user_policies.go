package iam

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// PutUserPolicy embeds a policy in a user, or replaces one.
func (a *API) PutUserPolicy(ctx context.Context, in *iam.PutUserPolicyInput, _ ...func(*iam.Options)) (*iam.PutUserPolicyOutput, error) {
	return &iam.PutUserPolicyOutput{}, a.users.putInline(ctx, a, in.UserName, in.PolicyName, in.PolicyDocument)
}

// GetUserPolicy shows a policy that is embedded in a user.
func (a *API) GetUserPolicy(ctx context.Context, in *iam.GetUserPolicyInput, _ ...func(*iam.Options)) (*iam.GetUserPolicyOutput, error) {
	document, err := a.users.getInline(ctx, a, in.UserName, in.PolicyName)
	if err != nil {
		return nil, err
	}
	return &iam.GetUserPolicyOutput{UserName: in.UserName, PolicyName: in.PolicyName, PolicyDocument: document}, nil
}

// DeleteUserPolicy takes an embedded policy out of a user.
func (a *API) DeleteUserPolicy(ctx context.Context, in *iam.DeleteUserPolicyInput, _ ...func(*iam.Options)) (*iam.DeleteUserPolicyOutput, error) {
	return &iam.DeleteUserPolicyOutput{}, a.users.deleteInline(ctx, a, in.UserName, in.PolicyName)
}

// ListUserPolicies lists the policies that are embedded in a user.
func (a *API) ListUserPolicies(ctx context.Context, in *iam.ListUserPoliciesInput, _ ...func(*iam.Options)) (*iam.ListUserPoliciesOutput, error) {
	l, err := a.users.listInline(ctx, a, in.UserName, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return &iam.ListUserPoliciesOutput{PolicyNames: shown(l.items, itself), Marker: l.marker, IsTruncated: l.truncated}, nil
}

// AttachUserPolicy attaches a managed policy to a user.
func (a *API) AttachUserPolicy(ctx context.Context, in *iam.AttachUserPolicyInput, _ ...func(*iam.Options)) (*iam.AttachUserPolicyOutput, error) {
	return &iam.AttachUserPolicyOutput{}, a.users.attach(ctx, a, in.UserName, in.PolicyArn)
}

// DetachUserPolicy takes a managed policy from a user.
func (a *API) DetachUserPolicy(ctx context.Context, in *iam.DetachUserPolicyInput, _ ...func(*iam.Options)) (*iam.DetachUserPolicyOutput, error) {
	return &iam.DetachUserPolicyOutput{}, a.users.detach(ctx, a, in.UserName, in.PolicyArn)
}

// ListAttachedUserPolicies lists the managed policies of a user.
func (a *API) ListAttachedUserPolicies(ctx context.Context, in *iam.ListAttachedUserPoliciesInput, _ ...func(*iam.Options)) (*iam.ListAttachedUserPoliciesOutput, error) {
	l, err := a.users.listAttached(ctx, a, in.UserName, in.PathPrefix, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return &iam.ListAttachedUserPoliciesOutput{AttachedPolicies: l.items, Marker: l.marker, IsTruncated: l.truncated}, nil
}
