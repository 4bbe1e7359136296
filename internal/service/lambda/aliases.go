package lambda

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"flyball/internal/service/lambda/fault"
	"flyball/internal/service/lambda/rules"
	"flyball/internal/state"
)

// An alias is a name for a version of a function, which may share its invocations with
// another one.
type alias struct {
	Function    string
	Name        string
	Version     string
	Description string
	Weights     map[string]float64 // what part of the invocations goes to another version
	Revision    string
}

// pick chooses the version of an invocation, by a number from 0 on and below 1.
func (l alias) pick(at float64) string {
	for number, weight := range l.Weights {
		if at < weight {
			return number
		}
	}
	return l.Version
}

// chosen is the version that an invocation of a target runs.
func (t target) chosen() (version, error) {
	if t.alias == nil || len(t.alias.Weights) == 0 {
		return t.version, nil
	}
	number := t.alias.pick(rand.Float64())
	if v, ok := t.api.versions.Get(versionKey(t.function.Name, number)); ok {
		return v, nil
	}
	return t.version, fault.NoFunction(t.api.qualified(t.function.Name, number))
}

// CreateAlias gives a version of a function a name.
func (a *API) CreateAlias(ctx context.Context, in *lambda.CreateAliasInput, _ ...func(*lambda.Options)) (*lambda.CreateAliasOutput, error) {
	if owner := a.ownerOf(in.FunctionName); owner != a {
		return owner.CreateAlias(ctx, in)
	}
	_, function, err := a.unqualified(in.FunctionName)
	if err != nil {
		return nil, err
	}
	l := alias{Function: function, Name: aws.ToString(in.Name), Version: aws.ToString(in.FunctionVersion), Description: aws.ToString(in.Description), Revision: newRevision()}
	if !rules.IsAlias(l.Name) {
		return nil, fault.Constraint(l.Name, "name", `satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)`)
	}
	l.Weights = weights(in.RoutingConfig)
	err = a.cell.State.Change(ctx, func(_ context.Context, tx *state.Tx) error {
		if err := a.checkAlias(l); err != nil {
			return err
		}
		if _, exists := a.aliases.Get(key(function, l.Name)); exists {
			return fault.Conflict("Alias already exists: %s", a.qualified(function, l.Name))
		}
		a.aliases.Put(tx, key(function, l.Name), l)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return as[lambda.CreateAliasOutput](a.describeAlias(l)), nil
}

// weights are those of a routing configuration, if it has any.
func weights(c *types.AliasRoutingConfiguration) map[string]float64 {
	if c == nil || len(c.AdditionalVersionWeights) == 0 {
		return nil
	}
	return maps.Clone(c.AdditionalVersionWeights)
}

// checkAlias checks that an alias points to what there is ("Implement Lambda canary
// deployments using a weighted alias"). It is called under the state's lock.
func (a *API) checkAlias(l alias) error {
	if err := checkWeights(l); err != nil {
		return err
	}
	if _, err := a.lookup(rules.Reference{Name: l.Function, Qualifier: l.Version}); err != nil || !rules.IsVersion(l.Version) {
		return fault.NoFunction(a.qualified(l.Function, l.Version))
	}
	for number := range l.Weights {
		if _, err := a.lookup(rules.Reference{Name: l.Function, Qualifier: number}); err != nil {
			return err
		}
	}
	return nil
}

func checkWeights(l alias) error {
	if len(l.Weights) == 0 {
		return nil
	}
	const member = "routingConfig.additionalVersionWeights"
	if len(l.Weights) > 1 {
		return fault.Parameter("Number of items in AdditionalVersionWeights cannot be greater than 1")
	}
	for number, weight := range l.Weights {
		shown := fmt.Sprintf("{%s=%v}", number, weight)
		switch {
		case number == rules.Latest || !rules.IsVersion(number):
			return fault.Constraint(shown, member, "satisfy constraint: [Member must have length less than or equal to 1024, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: [0-9]+]")
		case weight < 0 || weight > 1:
			return fault.Constraint(shown, member, "satisfy constraint: [Member must have value less than or equal to 1.0, Member must have value greater than or equal to 0.0, Member must not be null]")
		case number == l.Version:
			return fault.Parameter("Invalid function version %s. Function version %s is already included in routing configuration.", number, number)
		}
	}
	if l.Version == rules.Latest {
		return fault.Limit("$LATEST is not supported for an alias pointing to more than 1 version")
	}
	return nil
}

func (a *API) describeAlias(l alias) *types.AliasConfiguration {
	d := &types.AliasConfiguration{
		AliasArn: aws.String(a.qualified(l.Function, l.Name)), Name: &l.Name, FunctionVersion: &l.Version,
		Description: &l.Description, RevisionId: &l.Revision,
	}
	if len(l.Weights) > 0 {
		d.RoutingConfig = &types.AliasRoutingConfiguration{AdditionalVersionWeights: l.Weights}
	}
	return d
}

// GetAlias describes an alias.
func (a *API) GetAlias(ctx context.Context, in *lambda.GetAliasInput, _ ...func(*lambda.Options)) (*lambda.GetAliasOutput, error) {
	owner, r, err := a.named(in.FunctionName, in.Name)
	if err != nil {
		return nil, err
	}
	var l alias
	var exists bool
	owner.cell.State.View(ctx, func() { l, exists = owner.aliases.Get(key(r.Name, r.Qualifier)) })
	if !exists {
		return nil, fault.NoAlias(owner.qualified(r.Name, r.Qualifier))
	}
	return as[lambda.GetAliasOutput](owner.describeAlias(l)), nil
}

// UpdateAlias has an alias point elsewhere.
func (a *API) UpdateAlias(ctx context.Context, in *lambda.UpdateAliasInput, _ ...func(*lambda.Options)) (*lambda.UpdateAliasOutput, error) {
	if owner := a.ownerOf(in.FunctionName); owner != a {
		return owner.UpdateAlias(ctx, in)
	}
	_, function, err := a.unqualified(in.FunctionName)
	if err != nil {
		return nil, err
	}
	var l alias
	err = a.cell.State.Change(ctx, func(_ context.Context, tx *state.Tx) error {
		if _, exists := a.functions.Get(function); !exists {
			return fault.NoFunction(a.arn(function))
		}
		var exists bool
		if l, exists = a.aliases.Get(key(function, aws.ToString(in.Name))); !exists {
			return fault.NotFound("Alias not found: %s", a.qualified(function, aws.ToString(in.Name)))
		}
		if err := revised(in.RevisionId, l.Revision); err != nil {
			return err
		}
		if in.FunctionVersion != nil {
			l.Version = *in.FunctionVersion
		}
		if in.Description != nil {
			l.Description = *in.Description
		}
		if in.RoutingConfig != nil {
			l.Weights = weights(in.RoutingConfig)
		}
		l.Revision = newRevision()
		if err := a.checkAlias(l); err != nil {
			return err
		}
		a.aliases.Put(tx, key(function, l.Name), l)
		a.reprovision(tx, function)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return as[lambda.UpdateAliasOutput](a.describeAlias(l)), nil
}

// DeleteAlias deletes an alias, if there is one.
func (a *API) DeleteAlias(ctx context.Context, in *lambda.DeleteAliasInput, _ ...func(*lambda.Options)) (*lambda.DeleteAliasOutput, error) {
	if owner := a.ownerOf(in.FunctionName); owner != a {
		return owner.DeleteAlias(ctx, in)
	}
	_, function, err := a.unqualified(in.FunctionName)
	if err != nil {
		return nil, err
	}
	name := aws.ToString(in.Name)
	err = a.cell.State.Change(ctx, func(ctx context.Context, tx *state.Tx) error {
		a.aliases.Delete(tx, key(function, name))
		a.policies.Delete(tx, key(function, name))
		a.asyncs.Delete(tx, key(function, name))
		a.provisions.Delete(tx, key(function, name))
		a.reprovision(tx, function)
		return a.deleted(ctx, function, name)
	})
	if err != nil {
		return nil, err
	}
	return &lambda.DeleteAliasOutput{}, nil
}

// ListAliases lists the aliases of a function, or those of one of its versions.
func (a *API) ListAliases(ctx context.Context, in *lambda.ListAliasesInput, _ ...func(*lambda.Options)) (*lambda.ListAliasesOutput, error) {
	owner, function, err := a.unqualified(in.FunctionName)
	if err != nil {
		return nil, err
	}
	rows, exists := rowsOf(ctx, owner, owner.aliases, function)
	if !exists {
		return nil, fault.NoFunction(owner.arn(function))
	}
	if number := in.FunctionVersion; number != nil {
		rows = slices.DeleteFunc(rows, func(l alias) bool {
			_, weighted := l.Weights[*number]
			return !weighted && l.Version != *number
		})
	}
	rows, next, err := pageOf(rows, func(l alias) string { return l.Name }, in.Marker, in.MaxItems, listed)
	if err != nil {
		return nil, err
	}
	out := &lambda.ListAliasesOutput{NextMarker: next, Aliases: []types.AliasConfiguration{}}
	for _, l := range rows {
		out.Aliases = append(out.Aliases, *owner.describeAlias(l))
	}
	return out, nil
}
