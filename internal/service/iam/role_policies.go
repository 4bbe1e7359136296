package iam

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// PutRolePolicy embeds a policy in a role, or replaces one.
func (a *API) PutRolePolicy(ctx context.Context, in *iam.PutRolePolicyInput, _ ...func(*iam.Options)) (*iam.PutRolePolicyOutput, error) {
	return &iam.PutRolePolicyOutput{}, a.roles.putInline(ctx, a, in.RoleName, in.PolicyName, in.PolicyDocument)
}

// GetRolePolicy shows a policy that is embedded in a role.
func (a *API) GetRolePolicy(ctx context.Context, in *iam.GetRolePolicyInput, _ ...func(*iam.Options)) (*iam.GetRolePolicyOutput, error) {
	document, err := a.roles.getInline(ctx, a, in.RoleName, in.PolicyName)
	if err != nil {
		return nil, err
	}
	return &iam.GetRolePolicyOutput{RoleName: in.RoleName, PolicyName: in.PolicyName, PolicyDocument: document}, nil
}

// DeleteRolePolicy takes an embedded policy out of a role.
func (a *API) DeleteRolePolicy(ctx context.Context, in *iam.DeleteRolePolicyInput, _ ...func(*iam.Options)) (*iam.DeleteRolePolicyOutput, error) {
	return &iam.DeleteRolePolicyOutput{}, a.roles.deleteInline(ctx, a, in.RoleName, in.PolicyName)
}

// ListRolePolicies lists the policies that are embedded in a role.
func (a *API) ListRolePolicies(ctx context.Context, in *iam.ListRolePoliciesInput, _ ...func(*iam.Options)) (*iam.ListRolePoliciesOutput, error) {
	l, err := a.roles.listInline(ctx, a, in.RoleName, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return &iam.ListRolePoliciesOutput{PolicyNames: shown(l.items, itself), Marker: l.marker, IsTruncated: l.truncated}, nil
}

// AttachRolePolicy attaches a managed policy to a role.
func (a *API) AttachRolePolicy(ctx context.Context, in *iam.AttachRolePolicyInput, _ ...func(*iam.Options)) (*iam.AttachRolePolicyOutput, error) {
	return &iam.AttachRolePolicyOutput{}, a.roles.attach(ctx, a, in.RoleName, in.PolicyArn)
}

// DetachRolePolicy takes a managed policy from a role.
func (a *API) DetachRolePolicy(ctx context.Context, in *iam.DetachRolePolicyInput, _ ...func(*iam.Options)) (*iam.DetachRolePolicyOutput, error) {
	return &iam.DetachRolePolicyOutput{}, a.roles.detach(ctx, a, in.RoleName, in.PolicyArn)
}

// ListAttachedRolePolicies lists the managed policies of a role.
func (a *API) ListAttachedRolePolicies(ctx context.Context, in *iam.ListAttachedRolePoliciesInput, _ ...func(*iam.Options)) (*iam.ListAttachedRolePoliciesOutput, error) {
	l, err := a.roles.listAttached(ctx, a, in.RoleName, in.PathPrefix, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return &iam.ListAttachedRolePoliciesOutput{AttachedPolicies: l.items, Marker: l.marker, IsTruncated: l.truncated}, nil
}
