package rules

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/service/ecs/fault"
)

// FargateProviders are the capacity providers that every account has.
var FargateProviders = map[string]types.CapacityProviderType{
	"FARGATE":      types.CapacityProviderTypeFargate,
	"FARGATE_SPOT": types.CapacityProviderTypeFargateSpot,
}

// OfFargate is whether a capacity provider is one of Fargate's.
func OfFargate(provider string) bool { return FargateProviders[provider] != "" }

// CheckStrategy validates the strategy of a service or a task against the providers that
// its cluster has.
func CheckStrategy(strategy []types.CapacityProviderStrategyItem, providers []string) error {
	return checkStrategy(strategy, providers, strategyWords{
		foreign: "The specified capacity provider strategy cannot contain a capacity provider that is not associated with the cluster. Associate the capacity provider with the cluster and try again.",
		bases:   "There are multiple capacity providers in the specified capacity provider strategy with a base value greater than zero. Only one capacity provider can have a base value greater than zero. Specify a valid capacity provider strategy and try again.",
	})
}

// CheckDefaultStrategy validates the default strategy of a cluster, for which ECS has words
// of its own.
func CheckDefaultStrategy(strategy []types.CapacityProviderStrategyItem, providers []string) error {
	return checkStrategy(strategy, providers, strategyWords{
		foreign: "The specified capacity provider strategy cannot contain a capacity provider that is not associated with the cluster. Associate the capacity provider with the cluster or specify a valid capacity provider and try again.",
		bases:   "The specified capacity provider strategy contains multiple capacity providers with a base value defined. Only one capacity provider per strategy can have a base value defined.",
	})
}

// strategyWords are what ECS says of a provider that the cluster does not have, and of two
// base values.
type strategyWords struct{ foreign, bases string }

func checkStrategy(strategy []types.CapacityProviderStrategyItem, providers []string, words strategyWords) error {
	bases, weights, fargate := 0, int32(0), 0
	for _, item := range strategy {
		if OfFargate(aws.ToString(item.CapacityProvider)) {
			fargate++
		}
		if !slices.Contains(providers, aws.ToString(item.CapacityProvider)) {
			return fault.InvalidParameter("%s", words.foreign)
		}
		if item.Base < 0 || item.Base > 100000 {
			return fault.InvalidParameter("The base value of a capacity provider strategy must be between 0 and 100,000.")
		}
		if item.Weight < 0 || item.Weight > 1000 {
			return fault.InvalidParameter("The weight value of a capacity provider strategy must be between 0 and 1,000.")
		}
		if item.Base > 0 {
			bases++
		}
		weights += item.Weight
	}
	if fargate != 0 && fargate != len(strategy) {
		return fault.InvalidParameter("The specified capacity provider strategy cannot contain a mix of capacity providers using Auto Scaling groups and Fargate providers. Specify one or the other and try again.")
	}
	if bases > 1 {
		return fault.InvalidParameter("%s", words.bases)
	}
	if len(strategy) > 0 && weights == 0 {
		return fault.InvalidParameter("There are no capacity providers in the capacity provider strategy with a weight value greater than zero.")
	}
	return nil
}
