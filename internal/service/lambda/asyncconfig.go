package lambda

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"flyball/internal/service/lambda/fault"
	"flyball/internal/service/lambda/rules"
	"flyball/internal/state"
)

// An asyncConfig says what becomes of the asynchronous invocations of a function, or of a
// version or an alias of it.
type asyncConfig struct {
	Function  string
	Qualifier string // $LATEST for the function itself
	Modified  time.Time
	MaxAge    *int32 // seconds
	Retries   *int32
	OnSuccess string // ARNs of destinations
	OnFailure string
}

// asyncSettings is what a call gives of one.
type asyncSettings struct {
	age, retries *int32
	destinations *types.DestinationConfig
}

// with is the configuration with what is given.
func (c asyncConfig) with(in asyncSettings) asyncConfig {
	if in.age != nil {
		c.MaxAge = in.age
	}
	if in.retries != nil {
		c.Retries = in.retries
	}
	if d := in.destinations; d != nil {
		c.OnSuccess, c.OnFailure = "", ""
		if d.OnSuccess != nil {
			c.OnSuccess = aws.ToString(d.OnSuccess.Destination)
		}
		if d.OnFailure != nil {
			c.OnFailure = aws.ToString(d.OnFailure.Destination)
		}
	}
	return c
}

// asyncOf names what a call's configuration is of. Without a qualifier it is $LATEST.
func (a *API) asyncOf(name, qualifier *string) (owner *API, r rules.Reference, err error) {
	owner, r, err = a.named(name, qualifier)
	if r.Qualifier == "" {
		r.Qualifier = rules.Latest
	}
	return owner, r, err
}

// PutFunctionEventInvokeConfig replaces what becomes of asynchronous invocations.
func (a *API) PutFunctionEventInvokeConfig(ctx context.Context, in *lambda.PutFunctionEventInvokeConfigInput, _ ...func(*lambda.Options)) (*lambda.PutFunctionEventInvokeConfigOutput, error) {
	given := asyncSettings{in.MaximumEventAgeInSeconds, in.MaximumRetryAttempts, in.DestinationConfig}
	c, err := a.setAsync(ctx, in.FunctionName, in.Qualifier, given, false)
	if err != nil {
		return nil, err
	}
	return as[lambda.PutFunctionEventInvokeConfigOutput](a.describeAsync(c)), nil
}

// UpdateFunctionEventInvokeConfig changes what becomes of asynchronous invocations.
func (a *API) UpdateFunctionEventInvokeConfig(ctx context.Context, in *lambda.UpdateFunctionEventInvokeConfigInput, _ ...func(*lambda.Options)) (*lambda.UpdateFunctionEventInvokeConfigOutput, error) {
	given := asyncSettings{in.MaximumEventAgeInSeconds, in.MaximumRetryAttempts, in.DestinationConfig}
	c, err := a.setAsync(ctx, in.FunctionName, in.Qualifier, given, true)
	if err != nil {
		return nil, err
	}
	return as[lambda.UpdateFunctionEventInvokeConfigOutput](a.describeAsync(c)), nil
}

// setAsync stores a configuration: another one, or the old one changed.
func (a *API) setAsync(ctx context.Context, name, qualifier *string, given asyncSettings, change bool) (c asyncConfig, err error) {
	owner, r, err := a.asyncOf(name, qualifier)
	if err != nil {
		return c, err
	}
	if owner != a {
		return c, fault.Denied()
	}
	if given == (asyncSettings{}) {
		return c, fault.Parameter("You must specify at least one of error handling or destination setting.")
	}
	err = a.cell.State.Change(ctx, func(_ context.Context, tx *state.Tx) error {
		if _, err := a.lookup(r); err != nil {
			return fault.NotFound("The function doesn't exist.")
		}
		k := key(r.Name, r.Qualifier)
		old, exists := a.asyncs.Get(k)
		switch {
		case change && !exists:
			return a.noAsync(r)
		case !change:
			old = asyncConfig{Function: r.Name, Qualifier: r.Qualifier}
		}
		c = old.with(given)
		c.Modified = a.cell.Clock.Now()
		for _, destination := range []string{c.OnSuccess, c.OnFailure} {
			if err := a.checkDestination(r.Name, destination, c); err != nil {
				return err
			}
		}
		a.asyncs.Put(tx, k, c)
		return nil
	})
	return c, err
}

// noAsync answers that something has no configuration.
func (a *API) noAsync(r rules.Reference) error {
	return fault.NotFound("The function %s doesn't have an EventInvokeConfig", a.qualified(r.Name, r.Qualifier))
}

// checkDestination checks where the outcome of an invocation is to go ("Capturing records
// of Lambda asynchronous invocations").
func (a *API) checkDestination(function, destination string, c asyncConfig) error {
	if destination == "" {
		return nil
	}
	to, err := arn.Parse(destination)
	if err != nil {
		return fault.Parameter("The provided destination config DestinationConfig(%s) is invalid.", shownDestinations(c))
	}
	switch to.Service {
	case "lambda":
		r, ok := rules.ParseReference(destination)
		if !ok {
			break
		}
		if to.AccountID == a.cell.Account && r.Name == function {
			return fault.Parameter("You can't specify the function as a destination for itself.")
		}
		if _, err := a.lookup(r); err != nil && to.AccountID == a.cell.Account {
			return fault.Parameter("The destination ARN %s is invalid.", destination)
		}
		return nil
	case "sqs", "events":
		return nil
	case "sns", "s3":
		return fault.Unsupported("destinations in " + to.Service)
	}
	return fault.Parameter("The provided destination config DestinationConfig(%s) is invalid.", shownDestinations(c))
}

// shownDestinations are destinations as AWS shows them in an error.
func shownDestinations(c asyncConfig) string {
	shown := func(kind, name, destination string) string {
		if destination == "" {
			return name + "=null"
		}
		return name + "=" + kind + "(destination=" + destination + ")"
	}
	return shown("OnSuccess", "onSuccess", c.OnSuccess) + ", " + shown("OnFailure", "onFailure", c.OnFailure)
}

func (a *API) describeAsync(c asyncConfig) *types.FunctionEventInvokeConfig {
	d := &types.FunctionEventInvokeConfig{
		FunctionArn: aws.String(a.qualified(c.Function, c.Qualifier)), LastModified: &c.Modified,
		MaximumEventAgeInSeconds: c.MaxAge, MaximumRetryAttempts: c.Retries,
		DestinationConfig: &types.DestinationConfig{OnSuccess: &types.OnSuccess{}, OnFailure: &types.OnFailure{}},
	}
	if c.OnSuccess != "" {
		d.DestinationConfig.OnSuccess.Destination = &c.OnSuccess
	}
	if c.OnFailure != "" {
		d.DestinationConfig.OnFailure.Destination = &c.OnFailure
	}
	return d
}

// GetFunctionEventInvokeConfig tells what becomes of asynchronous invocations.
func (a *API) GetFunctionEventInvokeConfig(ctx context.Context, in *lambda.GetFunctionEventInvokeConfigInput, _ ...func(*lambda.Options)) (*lambda.GetFunctionEventInvokeConfigOutput, error) {
	owner, r, err := a.asyncOf(in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	var c asyncConfig
	var exists bool
	owner.cell.State.View(ctx, func() { c, exists = owner.asyncs.Get(key(r.Name, r.Qualifier)) })
	if !exists {
		return nil, owner.noAsync(r)
	}
	return as[lambda.GetFunctionEventInvokeConfigOutput](owner.describeAsync(c)), nil
}

// DeleteFunctionEventInvokeConfig has Lambda's defaults hold again.
func (a *API) DeleteFunctionEventInvokeConfig(ctx context.Context, in *lambda.DeleteFunctionEventInvokeConfigInput, _ ...func(*lambda.Options)) (*lambda.DeleteFunctionEventInvokeConfigOutput, error) {
	owner, r, err := a.asyncOf(in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	if owner != a {
		return nil, fault.Denied()
	}
	err = a.cell.State.Change(ctx, func(_ context.Context, tx *state.Tx) error {
		if _, exists := a.asyncs.Get(key(r.Name, r.Qualifier)); !exists {
			return a.noAsync(r)
		}
		a.asyncs.Delete(tx, key(r.Name, r.Qualifier))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &lambda.DeleteFunctionEventInvokeConfigOutput{}, nil
}

// ListFunctionEventInvokeConfigs lists those of a function and its qualifiers.
func (a *API) ListFunctionEventInvokeConfigs(ctx context.Context, in *lambda.ListFunctionEventInvokeConfigsInput, _ ...func(*lambda.Options)) (*lambda.ListFunctionEventInvokeConfigsOutput, error) {
	owner, name, err := a.unqualified(in.FunctionName)
	if err != nil {
		return nil, err
	}
	rows, exists := rowsOf(ctx, owner, owner.asyncs, name)
	if !exists {
		return nil, fault.NotFound("The function doesn't exist.")
	}
	rows, next, err := pageOf(rows, func(c asyncConfig) string { return c.Qualifier }, in.Marker, in.MaxItems, listed)
	if err != nil {
		return nil, err
	}
	out := &lambda.ListFunctionEventInvokeConfigsOutput{NextMarker: next, FunctionEventInvokeConfigs: []types.FunctionEventInvokeConfig{}}
	for _, c := range rows {
		out.FunctionEventInvokeConfigs = append(out.FunctionEventInvokeConfigs, *owner.describeAsync(c))
	}
	return out, nil
}
