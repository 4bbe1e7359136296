package lambda

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"flyball/internal/service/lambda/fault"
	"flyball/internal/service/lambda/rules"
	"flyball/internal/state"
)

// A provisioned is the provisioned concurrency of a version or an alias.
type provisioned struct {
	Function  string
	Qualifier string
	Wanted    int32
	Modified  time.Time
}

var kindProvisioned = state.Kind{Name: "lambda.provisioned", Version: 1} // by key of the qualifier

// PutProvisionedConcurrencyConfig keeps environments of a version or an alias started.
func (a *API) PutProvisionedConcurrencyConfig(ctx context.Context, in *lambda.PutProvisionedConcurrencyConfigInput, _ ...func(*lambda.Options)) (*lambda.PutProvisionedConcurrencyConfigOutput, error) {
	r, err := a.provisionable(in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	p := provisioned{Function: r.Name, Qualifier: r.Qualifier, Wanted: aws.ToInt32(in.ProvisionedConcurrentExecutions), Modified: a.cell.Clock.Now()}
	if p.Wanted < 1 {
		return nil, fault.Constraint(p.Wanted, "provisionedConcurrentExecutions", "have value greater than or equal to 1")
	}
	err = a.cell.State.Change(ctx, func(_ context.Context, tx *state.Tx) error {
		t, err := a.aliasOrVersion(r)
		if err != nil {
			return err
		}
		if err := a.checkProvisioned(t, p); err != nil {
			return err
		}
		a.provisions.Put(tx, key(p.Function, p.Qualifier), p)
		a.reprovision(tx, p.Function)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &lambda.PutProvisionedConcurrencyConfigOutput{
		RequestedProvisionedConcurrentExecutions: &p.Wanted, AllocatedProvisionedConcurrentExecutions: aws.Int32(0),
		AvailableProvisionedConcurrentExecutions: aws.Int32(0), Status: types.ProvisionedConcurrencyStatusEnumInProgress,
		LastModified: aws.String(p.Modified.UTC().Format(timeFormat)),
	}, nil
}

// provisionable names a version or an alias of a function of this account.
func (a *API) provisionable(name, qualifier *string) (rules.Reference, error) {
	owner, r, err := a.named(name, qualifier)
	switch {
	case err != nil:
		return r, err
	case owner != a:
		return r, fault.Denied()
	case r.Qualifier == "" || r.Qualifier == rules.Latest:
		return r, fault.Parameter("Provisioned Concurrency Configs cannot be applied to unpublished function versions.")
	}
	return r, nil
}

// aliasOrVersion is lookup in the words of provisioned concurrency: an alias is missed also
// of a function that does not exist.
func (a *API) aliasOrVersion(r rules.Reference) (target, error) {
	t, err := a.lookup(r)
	if err != nil && rules.IsAlias(r.Qualifier) {
		err = fault.NoAlias(a.qualified(r.Name, r.Qualifier))
	}
	return t, err
}

// checkProvisioned checks that there is concurrency that can be provisioned, and that
// nothing else provisions the same version. It is called under the state's lock.
func (a *API) checkProvisioned(t target, p provisioned) error {
	if !t.version.published() {
		return fault.Parameter("Provisioned Concurrency Configs cannot be applied to unpublished function versions.")
	}
	others := int32(0)
	for _, other := range a.provisions.Rows(key(p.Function, "")) {
		if other.Qualifier == p.Qualifier {
			continue
		}
		others += other.Wanted
		if _, shared := a.shares(other)[t.version.Number]; shared && t.alias != nil {
			return fault.Conflict("Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version")
		} else if shared {
			return fault.Conflict("Version is pointed by a Provisioned Concurrency alias")
		}
	}
	if kept := t.function.Reserved; kept != nil {
		if p.Wanted > *kept-others {
			return fault.Parameter("Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function")
		}
		return nil
	}
	left := a.unreserved("") + a.wanted(p.Function, p.Qualifier)
	switch {
	case p.Wanted > left:
		return fault.Limit("Specified ConcurrentExecutions for function is greater than account's unreserved concurrency [%d].", left)
	case left-p.Wanted < leastUnreserved:
		return fault.Limit("Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [%d].", leastUnreserved)
	}
	return nil
}

// wanted is the provisioned concurrency of a version or an alias.
func (a *API) wanted(function, qualifier string) int32 {
	p, _ := a.provisions.Get(key(function, qualifier))
	return p.Wanted
}

// shares are how many environments are provisioned of which versions: those of an alias
// with weights have their part of them.
func (a *API) shares(p provisioned) map[string]int {
	if rules.IsVersion(p.Qualifier) {
		return map[string]int{p.Qualifier: int(p.Wanted)}
	}
	l, exists := a.aliases.Get(key(p.Function, p.Qualifier))
	if !exists {
		return nil
	}
	shares, left := map[string]int{}, int(p.Wanted)
	for number, weight := range l.Weights {
		shares[number] = int(float64(p.Wanted)*weight + 0.5)
		left -= shares[number]
	}
	shares[l.Version] += left
	return shares
}

// GetProvisionedConcurrencyConfig tells how far the environments of a version or an alias
// are.
func (a *API) GetProvisionedConcurrencyConfig(ctx context.Context, in *lambda.GetProvisionedConcurrencyConfigInput, _ ...func(*lambda.Options)) (*lambda.GetProvisionedConcurrencyConfigOutput, error) {
	owner, r, err := a.named(in.FunctionName, in.Qualifier)
	switch {
	case err != nil:
		return nil, err
	case r.Qualifier == "" || r.Qualifier == rules.Latest:
		return nil, notPublished()
	}
	var p provisioned
	var exists bool
	owner.cell.State.View(ctx, func() {
		_, err = owner.aliasOrVersion(r)
		p, exists = owner.provisions.Get(key(r.Name, r.Qualifier))
	})
	switch {
	case err != nil:
		return nil, err
	case !exists:
		return nil, fault.NotProvisioned()
	}
	return as[lambda.GetProvisionedConcurrencyConfigOutput](owner.describeProvisioned(ctx, p)), nil
}

func notPublished() error {
	return fault.Parameter("The function resource provided must be an alias or a published version.")
}

// DeleteProvisionedConcurrencyConfig has the environments of a version or an alias be
// started when they are needed. That there are none is no error.
func (a *API) DeleteProvisionedConcurrencyConfig(ctx context.Context, in *lambda.DeleteProvisionedConcurrencyConfigInput, _ ...func(*lambda.Options)) (*lambda.DeleteProvisionedConcurrencyConfigOutput, error) {
	owner, r, err := a.named(in.FunctionName, in.Qualifier)
	switch {
	case err != nil:
		return nil, err
	case owner != a:
		return nil, fault.Denied()
	case r.Qualifier == "" || r.Qualifier == rules.Latest:
		return nil, notPublished()
	}
	err = a.cell.State.Change(ctx, func(_ context.Context, tx *state.Tx) error {
		if _, err := a.aliasOrVersion(r); err != nil {
			return err
		}
		a.provisions.Delete(tx, key(r.Name, r.Qualifier))
		a.reprovision(tx, r.Name)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &lambda.DeleteProvisionedConcurrencyConfigOutput{}, nil
}

// ListProvisionedConcurrencyConfigs lists those of a function.
func (a *API) ListProvisionedConcurrencyConfigs(ctx context.Context, in *lambda.ListProvisionedConcurrencyConfigsInput, _ ...func(*lambda.Options)) (*lambda.ListProvisionedConcurrencyConfigsOutput, error) {
	owner, name, err := a.unqualified(in.FunctionName)
	if err != nil {
		return nil, err
	}
	rows, exists := rowsOf(ctx, owner, owner.provisions, name)
	if !exists {
		return nil, fault.NoFunction(owner.arn(name))
	}
	rows, next, err := pageOf(rows, func(p provisioned) string { return p.Qualifier }, in.Marker, in.MaxItems, listed)
	if err != nil {
		return nil, err
	}
	out := &lambda.ListProvisionedConcurrencyConfigsOutput{ProvisionedConcurrencyConfigs: []types.ProvisionedConcurrencyConfigListItem{}, NextMarker: next}
	for _, p := range rows {
		out.ProvisionedConcurrencyConfigs = append(out.ProvisionedConcurrencyConfigs, *owner.describeProvisioned(ctx, p))
	}
	return out, nil
}

func (a *API) describeProvisioned(ctx context.Context, p provisioned) *types.ProvisionedConcurrencyConfigListItem {
	var shares map[string]int
	a.cell.State.View(ctx, func() { shares = a.shares(p) })
	d := &types.ProvisionedConcurrencyConfigListItem{
		FunctionArn: aws.String(a.qualified(p.Function, p.Qualifier)), RequestedProvisionedConcurrentExecutions: &p.Wanted,
		LastModified: aws.String(p.Modified.UTC().Format(timeFormat)), Status: types.ProvisionedConcurrencyStatusEnumInProgress,
	}
	started := 0
	for number, n := range shares {
		of := a.provisioning(p.Function, number)
		started += min(n, of.Available)
		if of.Failure != "" && of.Available < n {
			d.Status, d.StatusReason = types.ProvisionedConcurrencyStatusEnumFailed, aws.String("FUNCTION_ERROR_INIT_FAILURE")
		}
	}
	if started >= int(p.Wanted) {
		d.Status, d.StatusReason = types.ProvisionedConcurrencyStatusEnumReady, nil
	}
	d.AllocatedProvisionedConcurrentExecutions, d.AvailableProvisionedConcurrentExecutions = aws.Int32(int32(started)), aws.Int32(int32(started))
	return d
}
