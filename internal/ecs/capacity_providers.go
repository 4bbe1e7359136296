package ecs

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/store"
)

// The capacity providers that every account has. Here they are the same: this
// machine.
var fargateProviders = map[string]types.CapacityProviderType{
	"FARGATE":      types.CapacityProviderTypeFargate,
	"FARGATE_SPOT": types.CapacityProviderTypeFargateSpot,
}

// DescribeCapacityProviders describes FARGATE and FARGATE_SPOT.
func (a *API) DescribeCapacityProviders(ctx context.Context, in *ecs.DescribeCapacityProvidersInput, _ ...func(*ecs.Options)) (*ecs.DescribeCapacityProvidersOutput, error) {
	names := slices.Clone(in.CapacityProviders)
	if len(names) == 0 {
		names = sortedKeys(fargateProviders)
	}
	out := &ecs.DescribeCapacityProvidersOutput{CapacityProviders: []types.CapacityProvider{}, Failures: []types.Failure{}}
	for _, ref := range names {
		parts, ok := a.resource("capacity-provider", ref)
		if !ok || fargateProviders[parts[0]] == "" {
			out.Failures = append(out.Failures, missing(a.reference("capacity-provider", ref)))
			continue
		}
		out.CapacityProviders = append(out.CapacityProviders, types.CapacityProvider{
			CapacityProviderArn: aws.String(a.arn("capacity-provider", parts[0])),
			Name:                aws.String(parts[0]),
			Status:              types.CapacityProviderStatusActive,
			Tags:                []types.Tag{},
			Type:                fargateProviders[parts[0]],
		})
	}
	return out, nil
}

// PutClusterCapacityProviders sets the capacity providers of a cluster and its
// default strategy.
func (a *API) PutClusterCapacityProviders(ctx context.Context, in *ecs.PutClusterCapacityProvidersInput, _ ...func(*ecs.Options)) (*ecs.PutClusterCapacityProvidersOutput, error) {
	if err := checkProviders(in.CapacityProviders, in.DefaultCapacityProviderStrategy); err != nil {
		return nil, err
	}
	out := &ecs.PutClusterCapacityProvidersOutput{}
	return answer(out, a.change(func(b *store.Batch) error {
		c, err := a.activeCluster(in.Cluster)
		if err != nil {
			return err
		}
		for _, gone := range c.api.CapacityProviders {
			if !slices.Contains(in.CapacityProviders, gone) && c.usesProvider(gone) {
				return &types.ResourceInUseException{Message: aws.String("The specified capacity provider is in use and cannot be removed.")}
			}
		}
		c.api.CapacityProviders = orEmpty(in.CapacityProviders)
		c.api.DefaultCapacityProviderStrategy = orEmpty(in.DefaultCapacityProviderStrategy)
		c.save(b)
		out.Cluster = a.describeCluster(c, types.ClusterField("").Values())
		return nil
	}))
}

func (c *cluster) usesProvider(name string) bool {
	for _, s := range c.services {
		if s.status() != inactive && namesProvider(s.api.CapacityProviderStrategy, name) {
			return true
		}
	}
	return false
}

func namesProvider(strategy []types.CapacityProviderStrategyItem, name string) bool {
	return slices.ContainsFunc(strategy, func(i types.CapacityProviderStrategyItem) bool {
		return aws.ToString(i.CapacityProvider) == name
	})
}

// checkProviders validates the providers of a cluster and its default strategy.
func checkProviders(providers []string, strategy []types.CapacityProviderStrategyItem) error {
	for _, p := range providers {
		if fargateProviders[p] == "" {
			return invalidParameter("The specified capacity provider %s was not found. Specify a valid name or ARN and try again.", p)
		}
	}
	return checkStrategy(strategy, providers)
}

// checkStrategy validates a strategy against the providers that its cluster has.
func checkStrategy(strategy []types.CapacityProviderStrategyItem, providers []string) error {
	bases, weights := 0, int32(0)
	for _, item := range strategy {
		if !slices.Contains(providers, aws.ToString(item.CapacityProvider)) {
			return invalidParameter("The specified capacity provider strategy cannot contain a capacity provider that is not associated with the cluster. Associate the capacity provider with the cluster and try again.")
		}
		if item.Base < 0 || item.Base > 100000 {
			return invalidParameter("The base value of a capacity provider strategy must be between 0 and 100,000.")
		}
		if item.Weight < 0 || item.Weight > 1000 {
			return invalidParameter("The weight value of a capacity provider strategy must be between 0 and 1,000.")
		}
		if item.Base > 0 {
			bases++
		}
		weights += item.Weight
	}
	if bases > 1 {
		return invalidParameter("Only one capacity provider in a strategy can have a base value defined.")
	}
	if len(strategy) > 0 && weights == 0 {
		return invalidParameter("A capacity provider strategy must contain at least one capacity provider with a weight greater than 0.")
	}
	return nil
}
