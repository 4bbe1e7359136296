package lambda

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"flyball/internal/deliver"
	"flyball/internal/delivery"
	"flyball/internal/function"
	"flyball/internal/optional"
	"flyball/internal/service/lambda/fault"
	"flyball/internal/service/lambda/rules"
)

// Deliveries brings events to functions, and what came of them to their destinations; a
// delivery.Queue does.
type Deliveries interface {
	Register(name string, owner delivery.Owner)
	Deliver(ctx context.Context, deliveries ...delivery.Delivery) error
}

// The names under which the service sends deliveries.
const (
	eventsOwner   = "lambda"
	outcomesOwner = "lambda-outcomes"
)

// Lambda's own limits, where no configuration has others ("Configuring error handling
// settings for Lambda asynchronous invocations").
const (
	defaultAge     = 6 * time.Hour
	defaultRetries = 2
)

// backoff is how long Lambda waits before each retry.
var backoff = []time.Duration{time.Minute, 2 * time.Minute}

// An event is what is kept of an asynchronous invocation beside its payload.
type event struct{ ClientContext, TraceID string }

// openAsync has events of an earlier life, and new ones, run.
func (a *API) openAsync() {
	if a.cfg.Deliveries == nil {
		return
	}
	a.cfg.Deliveries.Register(eventsOwner, delivery.Owner{Take: a.attempt, Done: a.attempted, Most: accountConcurrency})
	a.cfg.Deliveries.Register(outcomesOwner, delivery.Owner{Take: a.bring, Done: a.brought})
}

// Take takes an event that another service sends to a function, which it names by its
// ARN. When it returns the event is on disk.
func (a *API) Take(ctx context.Context, to string, sent deliver.Invocation) error {
	t, err := a.find(ctx, &to, nil)
	if err != nil {
		return err
	}
	return t.api.accept(ctx, t, function.Call{RequestID: sent.ID, Payload: sent.Body, TraceID: sent.Trace})
}

// accept takes an event for a function.
func (a *API) accept(ctx context.Context, t target, call function.Call) error {
	payload, err := checkPayload(call.Payload, maxAsyncPayload, types.InvocationTypeEvent)
	if err != nil {
		return err
	}
	note, err := json.Marshal(event{call.ClientContext, call.TraceID})
	if err != nil {
		return err
	}
	c := a.asyncOfTarget(ctx, t)
	err = a.cfg.Deliveries.Deliver(ctx, delivery.Delivery{
		Owner: eventsOwner, To: t.arn(), Note: note,
		Invocation: deliver.Invocation{ID: call.RequestID, Principal: Principal, Source: t.arn(), Body: payload},
		Retry: delivery.Retry{
			MaxAge: c.age(), Retries: int(optional.Or(c.Retries, defaultRetries)), Backoff: backoff,
		},
	})
	if err == nil {
		a.meter.measured(t, t.version, "AsyncEventsReceived", "Count", 1)
	}
	return err
}

// Principal is Lambda as a caller of others.
const Principal = "lambda.amazonaws.com"

// asyncOfTarget is what becomes of a target's events.
func (a *API) asyncOfTarget(ctx context.Context, t target) (c asyncConfig) {
	a.cell.State.View(ctx, func() {
		c, _ = a.asyncs.Get(key(t.function.Name, cmp.Or(t.qualifier, rules.Latest)))
	})
	return c
}

func (c asyncConfig) age() time.Duration {
	if c.MaxAge == nil {
		return defaultAge
	}
	return time.Duration(*c.MaxAge) * time.Second
}

// A failed is the error of an attempt at which the function has failed.
type failed struct {
	answer  function.Answer
	version string
}

func (f *failed) Error() string {
	var said struct {
		Message string `json:"errorMessage"`
	}
	if json.Unmarshal(f.answer.Payload, &said) != nil || said.Message == "" {
		return string(f.answer.Payload)
	}
	return said.Message
}

// zeroConcurrency is the condition of an event for a function that keeps no concurrency at
// all: it is given up at once ("Configuring reserved concurrency for a function").
const zeroConcurrency = "ZeroReservedConcurrency"

// isOff tells whether nothing of the function may run.
func (f functionRow) isOff() bool { return f.Reserved != nil && *f.Reserved == 0 }

// attempt runs a function with an event.
func (a *API) attempt(ctx context.Context, d delivery.Delivery) error {
	var kept event
	if err := json.Unmarshal(d.Note, &kept); err != nil {
		return &deliver.Refused{Code: "InvalidRequestContentException", Err: err}
	}
	t, err := a.find(ctx, &d.To, nil)
	if err != nil {
		return &deliver.Refused{Code: "ResourceNotFoundException", Err: err}
	}
	answer, ran, err := a.run(ctx, t, function.Call{
		RequestID: d.Invocation.ID, ARN: d.To, Payload: d.Invocation.Body, ClientContext: kept.ClientContext, TraceID: kept.TraceID,
	})
	switch {
	case errors.As(err, new(*types.TooManyRequestsException)) && t.function.isOff():
		return &deliver.Refused{Code: zeroConcurrency, Err: err}
	case errors.As(err, new(*types.TooManyRequestsException)):
		return &deliver.Busy{Err: err}
	case err != nil:
		return err
	case answer.Error != "":
		return &failed{answer, ran.Number}
	}
	c := a.asyncOfTarget(ctx, t)
	return a.send(ctx, t, c.OnSuccess, outcome{delivery: d, attempts: 1, condition: "Success", answer: &answer, version: ran.Number})
}

// attempted measures an attempt, and has an event that is given up reach those who want
// to know.
func (a *API) attempted(ctx context.Context, r delivery.Report) {
	t, err := a.find(ctx, &r.To, nil)
	if err != nil {
		return // the function is no more, and nobody wants to know
	}
	a.meter.measured(t, t.version, "AsyncEventAge", "Milliseconds", float64(r.Began.Sub(r.Accepted))/float64(time.Millisecond))
	if r.Outcome != delivery.Refused && r.Outcome != delivery.Exhausted {
		return
	}
	a.meter.measured(t, t.version, "AsyncEventsDropped", "Count", 1)
	given := outcome{delivery: r.Delivery, attempts: r.Attempts, condition: "RetriesExhausted", err: r.Err}
	if r.Condition == delivery.ByAge {
		given.condition = "EventAgeExceeded"
	}
	if refused, ok := errors.AsType[*deliver.Refused](r.Err); ok && refused.Code == zeroConcurrency {
		given.condition, given.attempts = zeroConcurrency, 0
	}
	if f, ok := errors.AsType[*failed](r.Err); ok {
		given.answer, given.version = &f.answer, f.version
	} else if r.Attempts == 0 && r.Condition == delivery.ByAge {
		given.err = fault.Throttled(types.ThrottleReasonConcurrentInvocationLimitExceeded) // for all of its age
	}
	c := a.asyncOfTarget(ctx, t)
	if err := errors.Join(a.send(ctx, t, c.OnFailure, given), a.bury(ctx, t, given)); err != nil {
		a.cell.Log.Error("what became of an event could not be sent", "function", r.To, "request", r.Invocation.ID, "error", err)
	}
}
