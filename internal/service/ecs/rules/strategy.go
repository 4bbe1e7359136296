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

// CheckStrategy validates a strategy against the providers that its cluster has.
func CheckStrategy(strategy []types.CapacityProviderStrategyItem, providers []string) error {
	bases, weights, fargate := 0, int32(0), 0
	for _, item := range strategy {
		if OfFargate(aws.ToString(item.CapacityProvider)) {
			fargate++
		}
		if !slices.Contains(providers, aws.ToString(item.CapacityProvider)) {
			return fault.InvalidParameter("The specified capacity provider strategy cannot contain a capacity provider that is not associated with the cluster. Associate the capacity provider with the cluster and try again.")
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
		return fault.InvalidParameter("Only one capacity provider in a strategy can have a base value defined.")
	}
	if len(strategy) > 0 && weights == 0 {
		return fault.InvalidParameter("There are no capacity providers in the capacity provider strategy with a weight value greater than zero.")
	}
	return nil
}
