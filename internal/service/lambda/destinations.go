package lambda

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"flyball/internal/deliver"
	"flyball/internal/delivery"
	"flyball/internal/function"
	"flyball/internal/service/lambda/rules"
)

// An outcome is what became of an event.
type outcome struct {
	delivery  delivery.Delivery
	attempts  int
	condition string           // Success, RetriesExhausted, EventAgeExceeded or ZeroReservedConcurrency
	answer    *function.Answer // nil when the function has not run
	version   string
	err       error
}

// A destined is what is kept of an outcome on its way beside its document.
type destined struct {
	Event      string // the ARN by which the event's function was named
	Function   string // the ARN of what the outcome is of
	DeadLetter bool
	Succeeded  bool
}

// A record is what a destination is sent ("Capturing records of Lambda asynchronous
// invocations").
type record struct {
	Version   string          `json:"version"`
	Timestamp string          `json:"timestamp"`
	Request   requestContext  `json:"requestContext"`
	Payload   json.RawMessage `json:"requestPayload"`
	Response  *responseOf     `json:"responseContext,omitempty"`
	Answer    json.RawMessage `json:"responsePayload,omitempty"`
}

type requestContext struct {
	RequestID string `json:"requestId"`
	Function  string `json:"functionArn"`
	Condition string `json:"condition"`
	Attempts  int    `json:"approximateInvokeCount"`
}

type responseOf struct {
	Status  int    `json:"statusCode"`
	Version string `json:"executedVersion"`
	Error   string `json:"functionError,omitempty"`
}

// timestamp is how records tell times.
const timestamp = "2006-01-02T15:04:05.000Z"

// record is the outcome as a destination is sent it.
func (o outcome) record(t target, now time.Time) record {
	r := record{
		Version: "1.0", Timestamp: now.UTC().Format(timestamp), Payload: o.delivery.Invocation.Body,
		Request: requestContext{o.delivery.Invocation.ID, t.full(), o.condition, o.attempts},
	}
	if o.answer != nil {
		r.Response, r.Answer = &responseOf{http.StatusOK, o.version, o.answer.Error}, o.answer.Payload
		if !json.Valid(r.Answer) {
			r.Answer, _ = json.Marshal(string(o.answer.Payload))
		}
	}
	return r
}

// full is the ARN of a target with $LATEST where it has no qualifier.
func (t target) full() string {
	return t.api.qualified(t.function.Name, cmp.Or(t.qualifier, rules.Latest))
}

// send has a destination, if there is one, get an outcome.
func (a *API) send(ctx context.Context, t target, to string, o outcome) error {
	if to == "" {
		return nil
	}
	body, err := json.Marshal(o.record(t, a.cell.Clock.Now()))
	if err != nil {
		return err
	}
	return a.dispatch(ctx, t, to, body, nil, destined{Event: t.arn(), Function: t.full(), Succeeded: o.condition == "Success"})
}

// maxErrorMessage is how much of an error a dead letter tells.
const maxErrorMessage = 1 << 10

// bury has the queue for dead letters, if the function has one, get an event ("Adding a
// dead-letter queue").
func (a *API) bury(ctx context.Context, t target, o outcome) error {
	to := t.version.Settings.DeadLetters
	if to == "" {
		return nil
	}
	message := fmt.Sprint(o.err)
	attributes := map[string]string{
		"RequestID": o.delivery.Invocation.ID, "ErrorCode": fmt.Sprint(statusOf(o.err)),
		"ErrorMessage": strings.ToValidUTF8(message[:min(len(message), maxErrorMessage)], ""),
	}
	return a.dispatch(ctx, t, to, o.delivery.Invocation.Body, attributes, destined{Event: t.arn(), DeadLetter: true})
}

// statusOf is the status that an invocation with an error has: that of the function's own
// is 200.
func statusOf(err error) int {
	var api smithy.APIError
	var response *smithyhttp.ResponseError
	switch {
	case errors.As(err, new(*failed)):
		return http.StatusOK
	case errors.As(err, &response):
		return response.HTTPStatusCode()
	case errors.As(err, &api) && api.ErrorCode() == "TooManyRequestsException":
		return http.StatusTooManyRequests
	}
	return http.StatusInternalServerError
}

// dispatch sends a document on its way.
func (a *API) dispatch(ctx context.Context, t target, to string, body []byte, attributes map[string]string, about destined) error {
	note, err := json.Marshal(about)
	if err != nil {
		return err
	}
	return a.cfg.Deliveries.Deliver(ctx, delivery.Delivery{
		Owner: outcomesOwner, To: to, Note: note, Retry: delivery.Retry{MaxAge: defaultAge, Retries: outcomeRetries},
		Invocation: deliver.Invocation{Principal: Principal, Source: a.arn(t.function.Name), Role: t.version.Settings.Role, Body: body, Attributes: attributes},
	})
}

// outcomeRetries is how often what became of an event is sent again. AWS does not say.
const outcomeRetries = 10

// bring brings an outcome to its destination. Event buses are put an event.
func (a *API) bring(ctx context.Context, d delivery.Delivery) error {
	if parts := strings.SplitN(d.To, ":", 4); len(parts) < 4 || parts[2] != "events" {
		return a.cfg.Route(ctx, d.To, d.Invocation)
	}
	var about destined
	if err := json.Unmarshal(d.Note, &about); err != nil {
		return &deliver.Refused{Err: err}
	}
	kind := "Lambda Function Invocation Result - Failure"
	if about.Succeeded {
		kind = "Lambda Function Invocation Result - Success"
	}
	return a.cfg.PutEvent(ctx, d.Invocation, types.PutEventsRequestEntry{
		EventBusName: &d.To, Source: aws.String("lambda"), DetailType: &kind,
		Resources: []string{d.To, about.Function}, Detail: aws.String(string(d.Invocation.Body)),
		Time: aws.Time(a.cell.Clock.Now()),
	})
}

// brought measures what did not reach its destination.
func (a *API) brought(ctx context.Context, r delivery.Report) {
	var about destined
	if r.Outcome != delivery.Refused && r.Outcome != delivery.Exhausted || json.Unmarshal(r.Note, &about) != nil {
		return
	}
	a.cell.Log.Warn("what became of an event did not reach its destination", "function", about.Event, "to", r.To, "reason", r.Err)
	t, err := a.find(ctx, &about.Event, nil)
	if err != nil {
		return
	}
	name := "DestinationDeliveryFailures"
	if about.DeadLetter {
		name = "DeadLetterErrors"
	}
	a.meter.measured(t, t.version, name, "Count", 1)
}
