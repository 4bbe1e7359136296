package lambda

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/google/uuid"

	"flyball/internal/damage"
	"flyball/internal/endpoint"
	"flyball/internal/function"
	"flyball/internal/service/lambda/fault"
	"flyball/internal/service/lambda/rules"
)

// A Runner runs functions; a function.Host is one.
type Runner interface {
	Invoke(context.Context, function.Function, function.Call) (function.Answer, error)
	Retire(arn string)
}

// The most bytes of a payload ("Lambda quotas").
const (
	maxSyncPayload  = 6 << 20
	maxAsyncPayload = 1 << 20
)

// Invoke runs a function and answers with what it has answered, or takes an event for it.
func (a *API) Invoke(ctx context.Context, in *lambda.InvokeInput, _ ...func(*lambda.Options)) (*lambda.InvokeOutput, error) {
	t, err := a.invoked(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	err = refuse(
		unsupported{"durable functions", in.DurableExecutionName != nil},
		unsupported{"tenant isolation", in.TenantId != nil},
	)
	if err != nil {
		return nil, err
	}
	call := function.Call{
		RequestID: cmp.Or(endpoint.RequestID(ctx), uuid.NewString()), ARN: t.arn(), Payload: in.Payload, TraceID: endpoint.Trace(ctx),
	}
	if call.ClientContext, err = clientContext(in.ClientContext); err != nil {
		return nil, err
	}
	switch in.InvocationType {
	case types.InvocationTypeDryRun:
		return &lambda.InvokeOutput{StatusCode: http.StatusNoContent}, nil
	case types.InvocationTypeEvent:
		if err := t.api.accept(ctx, t, call); err != nil {
			return nil, err
		}
		return &lambda.InvokeOutput{StatusCode: http.StatusAccepted}, nil
	}
	return t.api.invoke(ctx, t, call, in.LogType)
}

// invoked is find in the words of invocations: without a qualifier it is $LATEST that is missing.
func (a *API) invoked(ctx context.Context, name, qualifier *string) (target, error) {
	t, err := a.find(ctx, name, qualifier)
	if _, missing := errors.AsType[*types.ResourceNotFoundException](err); missing && t.api != nil && t.qualifier == "" {
		_, r, _ := a.named(name, qualifier)
		err = fault.NoFunction(t.api.qualified(r.Name, rules.Latest))
	}
	return t, err
}

// clientContext is what a call has in base64.
func clientContext(given *string) (string, error) {
	text, err := base64.StdEncoding.DecodeString(aws.ToString(given))
	if err != nil || len(text) > 0 && !json.Valid(text) {
		return "", fault.ClientContext()
	}
	return string(text), nil
}

// invoke runs a function while its caller waits.
func (a *API) invoke(ctx context.Context, t target, call function.Call, logs types.LogType) (*lambda.InvokeOutput, error) {
	answer, ran, err := a.run(ctx, t, call)
	if err != nil {
		return nil, err
	}
	out := &lambda.InvokeOutput{StatusCode: http.StatusOK, Payload: answer.Payload, ExecutedVersion: &ran.Number}
	if answer.Error != "" {
		out.FunctionError = &answer.Error
	}
	if logs == types.LogTypeTail {
		out.LogResult = aws.String(base64.StdEncoding.EncodeToString(answer.Log))
	}
	return out, nil
}

// run runs a function, if there is concurrency for it. Failures of the function itself
// are in its answer.
func (a *API) run(ctx context.Context, t target, call function.Call) (answer function.Answer, ran version, err error) {
	if call.Payload, err = checkPayload(call.Payload, maxSyncPayload, types.InvocationTypeRequestResponse); err != nil {
		return answer, ran, err
	}
	b := bound{shared: func() int32 { return a.sharedConcurrency(ctx) }}
	a.cell.State.View(ctx, func() { ran, err = t.chosen(); b.reserved = a.onDemand(t.function) })
	if err != nil {
		return answer, ran, err
	}
	spell := a.beginSpell(ctx, t, ran)
	defer spell.end()
	b.provisioned = spell.isCovered()
	leave, reason := a.limiter.enter(t.function.Name, b)
	if leave == nil {
		a.meter.measured(t, ran, "Throttles", "Count", 1)
		return answer, ran, fault.Throttled(reason)
	}
	defer leave()
	a.meterConcurrency(t)
	spell.entered()
	fn, ran, release, err := a.held(ctx, t, ran)
	if err != nil {
		return answer, ran, err
	}
	defer release()
	if answer, err = a.cfg.Runner.Invoke(ctx, fn, call); err != nil {
		return answer, ran, a.cannotRun(ctx, t, err)
	}
	a.meterAnswer(t, ran, answer)
	spell.answered(answer.Provisioned)
	return answer, ran, nil
}

// checkPayload checks what a function is given. Nothing is an empty object.
func checkPayload(payload []byte, most int, kind types.InvocationType) ([]byte, error) {
	if len(payload) > most {
		return nil, fault.TooLarge("%d byte payload is too large for the %s invocation type (limit %d bytes)", len(payload), kind, most)
	}
	if len(payload) == 0 {
		return []byte("{}"), nil
	}
	if !json.Valid(payload) {
		var v any
		return nil, fault.Payload(json.Unmarshal(payload, &v))
	}
	return payload, nil
}

// sharedConcurrency is what functions share that keep none.
func (a *API) sharedConcurrency(ctx context.Context) (left int32) {
	a.cell.State.View(ctx, func() { left = a.unreserved("") })
	return left
}

// held is the version of a target as it is run, with its code, which stays until release is
// called. The code of a version that was replaced since it was chosen may be gone: then it
// is the one that has replaced it.
func (a *API) held(ctx context.Context, t target, chosen version) (fn function.Function, ran version, release func(), err error) {
	for {
		release = a.cfg.Code.Hold(chosen.Code)
		if fn, err = a.runnable(chosen); err == nil {
			return fn, chosen, release, nil
		}
		release()
		now, failed := chosen, error(nil)
		a.cell.State.View(ctx, func() {
			if t, failed = a.lookup(t.reference()); failed == nil {
				now, failed = t.chosen()
			}
		})
		if failed != nil || now.Code == chosen.Code {
			return fn, chosen, nil, cmp.Or(failed, err)
		}
		chosen = now
	}
}

// credentialsTime is how long an environment has the credentials that it was started
// with at most; they last twice as long.
const credentialsTime = 6 * time.Hour

// runnable is a version as it is run. Its revision changes with what is to be run, and
// when environments need other credentials.
func (a *API) runnable(v version) (fn function.Function, err error) {
	s := v.Settings
	folder, err := a.cfg.Code.Path(v.Code)
	if errors.As(err, new(*damage.Error)) {
		return fn, err
	}
	if err != nil {
		return fn, fault.Parameter("The code of the function cannot be read: %v", err)
	}
	fn = function.Function{
		ARN: a.qualified(v.Function, v.Number), Name: v.Function, Version: v.Number,
		Revision: v.Modified.Format(time.RFC3339Nano) + " " + a.cell.Clock.Wall().Truncate(credentialsTime).Format(time.RFC3339),
		Runtime:  s.Runtime, Handler: s.Handler, Code: folder,
		Memory: int(s.Memory), Storage: int(s.Storage), Timeout: time.Duration(s.Timeout) * time.Second,
		Region: a.cell.Region, Group: s.Logging.Group, JSONLogs: s.Logging.Format == string(types.LogFormatJson), LogLevel: s.Logging.Application,
	}
	for name, value := range s.Environment {
		fn.Env = append(fn.Env, name+"="+value)
	}
	return fn, nil
}

// cannotRun is the error of a function that this server does not run, such as one that was
// deleted after it was found.
func (a *API) cannotRun(ctx context.Context, t target, err error) error {
	var gone error
	a.cell.State.View(ctx, func() { _, gone = a.lookup(t.reference()) })
	switch {
	case ctx.Err() != nil:
		return err
	case gone != nil:
		return gone
	case errors.Is(err, function.ErrRuntime):
		return &types.InvalidRuntimeException{Message: aws.String(err.Error()), Type: aws.String("Service")}
	}
	return fault.Service("The function could not be run: %v", err)
}

func (a *API) meterConcurrency(t target) {
	own, shared, all := a.limiter.concurrency(t.function.Name)
	a.meter.Add(measure{name: "ConcurrentExecutions", unit: "Count"}, float64(all))
	a.meter.Add(measure{name: "ConcurrentExecutions", unit: "Count", function: t.function.Name}, float64(own))
	if t.function.Reserved == nil {
		a.meter.Add(measure{name: "UnreservedConcurrentExecutions", unit: "Count"}, float64(shared))
	}
}

func (a *API) meterAnswer(t target, ran version, answer function.Answer) {
	failed := 0.0
	if answer.Error != "" {
		failed = 1
	}
	a.meter.measured(t, ran, "Invocations", "Count", 1)
	a.meter.measured(t, ran, "Errors", "Count", failed)
	a.meter.measured(t, ran, "Duration", "Milliseconds", float64(answer.Duration)/float64(time.Millisecond))
}

// retire has the environments of a version end.
func (a *API) retire(v version) {
	if a.cfg.Runner != nil {
		a.cfg.Runner.Retire(a.qualified(v.Function, v.Number))
	}
}
