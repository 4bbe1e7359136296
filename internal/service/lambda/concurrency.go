package lambda

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"flyball/internal/service/lambda/code"
	"flyball/internal/service/lambda/fault"
	"flyball/internal/service/lambda/rules"
	"flyball/internal/state"
)

// Concurrency of an account in a region, and what of it no function can keep for itself
// ("Configuring reserved concurrency for a function").
const (
	accountConcurrency = 1000
	leastUnreserved    = 100
)

// totalCode is the most bytes of all functions' code ("Lambda quotas").
const totalCode = 75 << 30

// unreserved is the concurrency that functions share which keep none, beside a function:
// what of it is provisioned is not shared any more. It is called under the state's lock.
func (a *API) unreserved(beside string) int32 {
	left := int32(accountConcurrency)
	for _, name := range a.functions.Keys("") {
		if f, _ := a.functions.Get(name); f.Reserved != nil && name != beside {
			left -= *f.Reserved
		}
	}
	for _, p := range a.provisions.Rows("") {
		if f, _ := a.functions.Get(p.Function); f.Reserved == nil && p.Function != beside {
			left -= p.Wanted
		}
	}
	return left
}

// onDemand is what of the concurrency that a function keeps is not provisioned; nil if it
// keeps none. It is called under the state's lock.
func (a *API) onDemand(f functionRow) *int32 {
	if f.Reserved == nil {
		return nil
	}
	left := *f.Reserved - a.provisionedOf(f.Name)
	return &left
}

// provisionedOf is what is provisioned of a function.
func (a *API) provisionedOf(function string) (n int32) {
	for _, p := range a.provisions.Rows(key(function, "")) {
		n += p.Wanted
	}
	return n
}

// PutFunctionConcurrency keeps concurrency for a function, which then has no more.
func (a *API) PutFunctionConcurrency(ctx context.Context, in *lambda.PutFunctionConcurrencyInput, _ ...func(*lambda.Options)) (*lambda.PutFunctionConcurrencyOutput, error) {
	if owner := a.ownerOf(in.FunctionName); owner != a {
		return owner.PutFunctionConcurrency(ctx, in)
	}
	_, name, err := a.unqualified(in.FunctionName)
	if err != nil {
		return nil, err
	}
	if in.ReservedConcurrentExecutions == nil {
		return nil, fault.Constraint("null", "reservedConcurrentExecutions", "not be null")
	}
	kept := *in.ReservedConcurrentExecutions
	err = a.changeFunction(ctx, name, func(f *functionRow) error {
		if a.unreserved(name)-kept < leastUnreserved {
			return fault.Limit("Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [%d].", leastUnreserved)
		}
		if provisioned := a.provisionedOf(name); kept < provisioned {
			return fault.Limit(" ReservedConcurrentExecutions  %d should not be lower than function's total provisioned concurrency [%d].", kept, provisioned)
		}
		f.Reserved = &kept
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &lambda.PutFunctionConcurrencyOutput{ReservedConcurrentExecutions: &kept}, nil
}

// GetFunctionConcurrency tells what concurrency is kept for a function.
func (a *API) GetFunctionConcurrency(ctx context.Context, in *lambda.GetFunctionConcurrencyInput, _ ...func(*lambda.Options)) (*lambda.GetFunctionConcurrencyOutput, error) {
	owner, name, err := a.unqualified(in.FunctionName)
	if err != nil {
		return nil, err
	}
	var t target
	owner.cell.State.View(ctx, func() { t, err = owner.lookup(rules.Reference{Name: name}) })
	if err != nil {
		return nil, err
	}
	return &lambda.GetFunctionConcurrencyOutput{ReservedConcurrentExecutions: t.function.Reserved}, nil
}

// DeleteFunctionConcurrency has a function share what concurrency is left.
func (a *API) DeleteFunctionConcurrency(ctx context.Context, in *lambda.DeleteFunctionConcurrencyInput, _ ...func(*lambda.Options)) (*lambda.DeleteFunctionConcurrencyOutput, error) {
	if owner := a.ownerOf(in.FunctionName); owner != a {
		return owner.DeleteFunctionConcurrency(ctx, in)
	}
	_, name, err := a.unqualified(in.FunctionName)
	if err != nil {
		return nil, err
	}
	if err := a.changeFunction(ctx, name, func(f *functionRow) error { f.Reserved = nil; return nil }); err != nil {
		return nil, err
	}
	return &lambda.DeleteFunctionConcurrencyOutput{}, nil
}

// changeFunction changes what all versions of a function have in common.
func (a *API) changeFunction(ctx context.Context, name string, change func(*functionRow) error) error {
	return a.cell.State.Change(ctx, func(_ context.Context, tx *state.Tx) error {
		f, ok := a.functions.Get(name)
		if !ok {
			return fault.NoFunction(a.qualified(name, rules.Latest))
		}
		if err := change(&f); err != nil {
			return err
		}
		a.functions.Put(tx, name, f)
		return nil
	})
}

// GetAccountSettings tells the limits of the account and what is used of them.
func (a *API) GetAccountSettings(ctx context.Context, _ *lambda.GetAccountSettingsInput, _ ...func(*lambda.Options)) (*lambda.GetAccountSettingsOutput, error) {
	out := &lambda.GetAccountSettingsOutput{
		AccountLimit: &types.AccountLimit{
			CodeSizeZipped: code.MaxZipped, CodeSizeUnzipped: code.MaxUnzipped, TotalCodeSize: totalCode,
			ConcurrentExecutions: accountConcurrency,
		},
		AccountUsage: &types.AccountUsage{},
	}
	a.cell.State.View(ctx, func() {
		left := a.unreserved("")
		out.AccountLimit.UnreservedConcurrentExecutions = &left
		out.AccountUsage.FunctionCount = int64(a.functions.Len())
		for _, v := range a.versions.Rows("") {
			out.AccountUsage.TotalCodeSize += v.Code.Size
		}
	})
	return out, nil
}
