package ecr

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"flyball/policy"
)

// checkPolicy refuses a text that is no policy of a resource. What cannot be judged
// must not be kept.
func checkPolicy(text *string, of string) error {
	if _, err := policy.Parse(aws.ToString(text), policy.ResourceBased); err != nil {
		return unmet("PolicyText", "Invalid "+of+" policy provided")
	}
	return nil
}

// SetRepositoryPolicy gives a repository a policy of its own.
func (a *API) SetRepositoryPolicy(ctx context.Context, in *ecr.SetRepositoryPolicyInput, _ ...func(*ecr.Options)) (*ecr.SetRepositoryPolicyOutput, error) {
	r, err := a.alter(ctx, in.RegistryId, in.RepositoryName, func(r *repository) error {
		r.Policy = aws.ToString(in.PolicyText)
		return checkPolicy(in.PolicyText, "repository")
	})
	if err != nil {
		return nil, err
	}
	return &ecr.SetRepositoryPolicyOutput{RegistryId: &a.Cell.Account, RepositoryName: &r.Name, PolicyText: &r.Policy}, nil
}

// GetRepositoryPolicy reads the policy of a repository.
func (a *API) GetRepositoryPolicy(ctx context.Context, in *ecr.GetRepositoryPolicyInput, _ ...func(*ecr.Options)) (*ecr.GetRepositoryPolicyOutput, error) {
	r, err := a.look(ctx, in.RegistryId, in.RepositoryName)
	if err == nil && r.Policy == "" {
		err = a.noPolicy(r)
	}
	if err != nil {
		return nil, err
	}
	return &ecr.GetRepositoryPolicyOutput{RegistryId: &a.Cell.Account, RepositoryName: &r.Name, PolicyText: &r.Policy}, nil
}

// DeleteRepositoryPolicy removes the policy of a repository.
func (a *API) DeleteRepositoryPolicy(ctx context.Context, in *ecr.DeleteRepositoryPolicyInput, _ ...func(*ecr.Options)) (*ecr.DeleteRepositoryPolicyOutput, error) {
	var text string
	r, err := a.alter(ctx, in.RegistryId, in.RepositoryName, func(r *repository) error {
		if r.Policy == "" {
			return a.noPolicy(*r)
		}
		text, r.Policy = r.Policy, ""
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ecr.DeleteRepositoryPolicyOutput{RegistryId: &a.Cell.Account, RepositoryName: &r.Name, PolicyText: &text}, nil
}

func (s *service) noPolicy(r repository) error {
	return &types.RepositoryPolicyNotFoundException{Message: aws.String(fmt.Sprintf(
		"Repository policy does not exist for the repository with name '%s' in the registry with id '%s'", r.Name, s.Cell.Account))}
}

// PutRegistryPolicy gives the registry a policy. It is kept: who may replicate to the
// registry, which it is about, is nobody.
func (a *API) PutRegistryPolicy(ctx context.Context, in *ecr.PutRegistryPolicyInput, _ ...func(*ecr.Options)) (*ecr.PutRegistryPolicyOutput, error) {
	if err := checkPolicy(in.PolicyText, "registry"); err != nil {
		return nil, err
	}
	err := a.set(ctx, func(s *settings) error { s.Policy = *in.PolicyText; return nil })
	if err != nil {
		return nil, err
	}
	return &ecr.PutRegistryPolicyOutput{RegistryId: &a.Cell.Account, PolicyText: in.PolicyText}, nil
}

// GetRegistryPolicy reads the policy of the registry.
func (a *API) GetRegistryPolicy(ctx context.Context, _ *ecr.GetRegistryPolicyInput, _ ...func(*ecr.Options)) (*ecr.GetRegistryPolicyOutput, error) {
	s := a.setting(ctx)
	if s.Policy == "" {
		return nil, a.noRegistryPolicy()
	}
	return &ecr.GetRegistryPolicyOutput{RegistryId: &a.Cell.Account, PolicyText: &s.Policy}, nil
}

// DeleteRegistryPolicy removes the policy of the registry.
func (a *API) DeleteRegistryPolicy(ctx context.Context, _ *ecr.DeleteRegistryPolicyInput, _ ...func(*ecr.Options)) (*ecr.DeleteRegistryPolicyOutput, error) {
	var text string
	err := a.set(ctx, func(s *settings) error {
		if s.Policy == "" {
			return a.noRegistryPolicy()
		}
		text, s.Policy = s.Policy, ""
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ecr.DeleteRegistryPolicyOutput{RegistryId: &a.Cell.Account, PolicyText: &text}, nil
}

func (s *service) noRegistryPolicy() error {
	return &types.RegistryPolicyNotFoundException{Message: aws.String(fmt.Sprintf(
		"Registry policy does not exist in the registry with id '%s'", s.Cell.Account))}
}
