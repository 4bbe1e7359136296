package scheduler

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

func TestSpreadFollowsBaseAndWeights(t *testing.T) {
	item := func(provider string, base, weight int32) types.CapacityProviderStrategyItem {
		return types.CapacityProviderStrategyItem{CapacityProvider: &provider, Base: base, Weight: weight}
	}
	tests := []struct {
		name     string
		strategy []types.CapacityProviderStrategyItem
		want     string // the providers of the first tasks
	}{
		{"no strategy", nil, "   "},
		{"one provider", []types.CapacityProviderStrategyItem{item("a", 0, 1)}, "a a a"},
		{"equal weights", []types.CapacityProviderStrategyItem{item("a", 0, 1), item("b", 0, 1)}, "a b a b"},
		{"a weight of none", []types.CapacityProviderStrategyItem{item("a", 0, 0), item("b", 0, 1)}, "b b b"},
		{"one to four", []types.CapacityProviderStrategyItem{item("a", 0, 1), item("b", 0, 4)}, "b b b a b b b b a b"},
		{"a base before the weights", []types.CapacityProviderStrategyItem{item("a", 0, 1), item("b", 2, 1)}, "b b a b a b"},
		{"a base without a weight", []types.CapacityProviderStrategyItem{item("a", 0, 1), item("b", 1, 0)}, "b a a a"},
	}
	for _, tt := range tests {
		s := NewSpread(tt.strategy)
		got := make([]string, strings.Count(tt.want, " ")+1)
		for i := range got {
			got[i] = s.Next()
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s: %v, want %s", tt.name, got, tt.want)
		}
	}
}
