package scheduler

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// A Spread deals tasks out over the capacity providers of a strategy, or over others
// alike.
type Spread struct {
	strategy []types.CapacityProviderStrategyItem
	tasks    map[string]int // by name of a provider
}

// NewSpread deals out by a strategy, after the tasks whose providers are given.
func NewSpread(strategy []types.CapacityProviderStrategyItem, providers ...string) *Spread {
	s := &Spread{strategy, map[string]int{}}
	for _, name := range providers {
		s.tasks[name]++
	}
	return s
}

// NewEvenSpread deals out over some names alike, such as those of subnets, after the
// tasks whose names are given.
func NewEvenSpread(names []string, tasks ...string) *Spread {
	alike := make([]types.CapacityProviderStrategyItem, len(names))
	for i := range names {
		alike[i] = types.CapacityProviderStrategyItem{CapacityProvider: &names[i], Weight: 1}
	}
	return NewSpread(alike, tasks...)
}

// Next is the provider of one more task: the one whose base is not met yet, else
// the one that would be the least ahead of its weight. It is "" without a strategy.
// With a base of 1 on FARGATE and weights of 1 and 4, six tasks are two of FARGATE
// and four of FARGATE_SPOT.
func (s *Spread) Next() string {
	var chosen types.CapacityProviderStrategyItem
	beyond := func(i types.CapacityProviderStrategyItem) int {
		return s.tasks[aws.ToString(i.CapacityProvider)] - int(i.Base) + 1
	}
	for _, i := range s.strategy {
		if beyond(i) <= 0 {
			chosen = i
			break
		}
		first := chosen.CapacityProvider == nil
		if i.Weight > 0 && (first || beyond(i)*int(chosen.Weight) < beyond(chosen)*int(i.Weight)) {
			chosen = i
		}
	}
	name := aws.ToString(chosen.CapacityProvider)
	s.tasks[name]++
	return name
}
