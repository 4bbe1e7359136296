package capacity_test

import (
	"context"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"flyball/governor"
	"flyball/internal/capacity"
	"flyball/scaling"
)

// provisioned is the concurrency of the aliases that there are, by function and alias.
type provisioned map[string]int32

func (p provisioned) GetProvisionedConcurrencyConfig(_ context.Context, in *lambda.GetProvisionedConcurrencyConfigInput, _ ...func(*lambda.Options)) (*lambda.GetProvisionedConcurrencyConfigOutput, error) {
	switch n, ok := p[*in.FunctionName+":"+*in.Qualifier]; {
	case !ok:
		return nil, &types.ResourceNotFoundException{}
	case n == 0:
		return nil, &types.ProvisionedConcurrencyConfigNotFoundException{}
	default:
		return &lambda.GetProvisionedConcurrencyConfigOutput{
			RequestedProvisionedConcurrentExecutions: aws.Int32(n), AllocatedProvisionedConcurrentExecutions: aws.Int32(n - 1),
		}, nil
	}
}

func (p provisioned) PutProvisionedConcurrencyConfig(_ context.Context, in *lambda.PutProvisionedConcurrencyConfigInput, _ ...func(*lambda.Options)) (*lambda.PutProvisionedConcurrencyConfigOutput, error) {
	p[*in.FunctionName+":"+*in.Qualifier] = *in.ProvisionedConcurrentExecutions
	return nil, nil
}

func (p provisioned) DeleteProvisionedConcurrencyConfig(_ context.Context, in *lambda.DeleteProvisionedConcurrencyConfigInput, _ ...func(*lambda.Options)) (*lambda.DeleteProvisionedConcurrencyConfigOutput, error) {
	p[*in.FunctionName+":"+*in.Qualifier] = 0
	return nil, nil
}

// counted is a capacity that is the place of an id among those that it is asked for.
type counted struct{ capacity.Capacity }

func (counted) Look(_ context.Context, ids []scaling.ResourceID) ([]governor.Capacity, error) {
	seen := make([]governor.Capacity, len(ids))
	for i := range ids {
		seen[i].Desired = scaling.Capacity(100 + i)
	}
	return seen, nil
}

func TestTheCapacityOfAFunctionIsItsProvisionedConcurrency(t *testing.T) {
	functions := capacity.Functions{Lambda: provisioned{"f:live": 5, "f:idle": 0}}
	seen, err := functions.Look(t.Context(), []scaling.ResourceID{"function:f:live", "function:f:idle", "function:f:none"})
	if want := []governor.Capacity{{Desired: 5, Running: 4}, {}, {Gone: true}}; err != nil || !slices.Equal(seen, want) {
		t.Errorf("got %v, %v; want %v", seen, err, want)
	}
}

func TestACapacityOfNoneTakesTheConfigurationAway(t *testing.T) {
	p := provisioned{"f:live": 5}
	for _, to := range []scaling.Capacity{7, 0} {
		if err := (capacity.Functions{Lambda: p}).Set(t.Context(), "function:f:live", to); err != nil || p["f:live"] != int32(to) {
			t.Errorf("got %d, %v; want %d", p["f:live"], err, to)
		}
	}
}

func TestEachKindHasItsOwnCapacity(t *testing.T) {
	p := provisioned{"f:a": 2, "f:b": 3}
	kinds := capacity.Kinds{scaling.Functions: capacity.Functions{Lambda: p}, scaling.Services: counted{}}
	seen, err := kinds.Look(t.Context(), []scaling.ResourceID{"service/c/x", "function:f:b", "service/c/y", "function:f:a"})
	if want := []governor.Capacity{{Desired: 100}, {Desired: 3, Running: 2}, {Desired: 101}, {Desired: 2, Running: 1}}; err != nil || !slices.Equal(seen, want) {
		t.Errorf("got %v, %v; want %v", seen, err, want)
	}
	if err := kinds.Set(t.Context(), "function:f:a", 9); err != nil || p["f:a"] != 9 {
		t.Errorf("got %d, %v; want 9", p["f:a"], err)
	}
	if err := (capacity.Kinds{}).Set(t.Context(), "function:f:a", 9); err == nil {
		t.Error("a kind without a capacity is set")
	}
}
