package events

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/google/uuid"

	"flyball/internal/deliver"
	"flyball/internal/delivery"
	"flyball/internal/optional"
)

// principal is the service that sends events.
const principal = "events.amazonaws.com"

// dispatch has events reach the targets of the rules that want them, by their buses. The
// deliveries are on disk when it returns.
func (a *API) dispatch(ctx context.Context, sent map[string][]*event) error {
	var all []delivery.Delivery
	for busName, list := range sent {
		for _, e := range list {
			all = append(all, a.deliveries(busName, e)...)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return a.cfg.Deliveries.Deliver(ctx, all...)
}

// deliveries is what the rules of a bus have to send of an event.
func (a *API) deliveries(busName string, e *event) (all []delivery.Delivery) {
	for _, r := range a.match(busName, e.parsed) {
		a.counts.rule("MatchedEvents", r.rule)
		all = append(all, a.trigger(r, e)...)
	}
	return all
}

// trigger is what a rule has to send of an event.
func (a *API) trigger(r *active, e *event) (all []delivery.Delivery) {
	a.counts.rule("TriggeredRules", r.rule)
	for _, t := range r.targets {
		d, err := deliveryOf(r, t, e)
		if err != nil {
			a.counts.rule("FailedInvocations", r.rule)
			a.cell.Log.Warn("the input of a target cannot be made of an event", "rule", r.arn, "target", *t.Id, "reason", err)
			continue
		}
		all = append(all, d)
	}
	return all
}

// hopsAttribute tells a bus through how many others an event came.
const hopsAttribute = "hops"

// deliveryOf is the delivery of an event to a target of a rule.
func deliveryOf(r *active, t target, e *event) (d delivery.Delivery, err error) {
	to, err := arn.Parse(*t.Arn)
	if err != nil {
		return d, err
	}
	d = delivery.Delivery{
		Owner: owner, To: *t.Arn, Retry: retryOf(t),
		Invocation: deliver.Invocation{
			// The same at each attempt, and after a kill between this and the acknowledgement of a schedule.
			ID:        uuid.NewSHA1(uuid.NameSpaceOID, []byte(e.ID+r.arn+*t.Id)).String(),
			Principal: principal, Source: r.arn, Role: aws.ToString(t.RoleArn), Trace: e.trace,
		},
	}
	// "nothing from the event is passed to the target" if that is a task (PutTargets).
	if to.Service != "ecs" || t.input.given() {
		if d.Invocation.Body, err = t.input.of(e, r); err != nil {
			return d, err
		}
	}
	switch {
	case to.Service == "events":
		d.Invocation.Attributes = map[string]string{hopsAttribute: strconv.Itoa(e.hops + 1)}
	case t.EcsParameters != nil:
		d.Invocation.Parameters = t.EcsParameters
	case t.SqsParameters != nil:
		d.Invocation.Parameters = t.SqsParameters
	}
	if t.DeadLetterConfig != nil {
		d.DeadLetter = aws.ToString(t.DeadLetterConfig.Arn)
		d.Attributes = map[string]string{"RULE_ARN": r.arn, "TARGET_ARN": *t.Arn}
		if !bytes.Equal(d.Invocation.Body, e.document) {
			d.Original = e.document
		}
	}
	return d, nil
}

// The defaults of retry policies ("RetryPolicy").
const (
	defaultRetries = 185
	defaultAge     = 24 * 60 * 60 // seconds
)

func retryOf(t target) delivery.Retry {
	r := delivery.Retry{MaxAge: defaultAge * time.Second, Retries: defaultRetries}
	if p := t.RetryPolicy; p != nil {
		r.MaxAge = time.Duration(optional.Or(p.MaximumEventAgeInSeconds, defaultAge)) * time.Second
		r.Retries = int(optional.Or(p.MaximumRetryAttempts, defaultRetries))
	}
	return r
}

// mostHops is how many buses an event goes through: rules that send events in a circle
// would go on forever.
const mostHops = 10

// Receive takes an event that a rule of some bus sends to a bus of the cell.
func (a *API) Receive(ctx context.Context, busName string, in deliver.Invocation) error {
	e, err := readEvent(in.Body, a.cell.Clock.Now())
	if err != nil {
		return &deliver.Refused{Code: "INVALID_JSON", Err: fmt.Errorf("what is sent to an event bus must be an event: %w", err)}
	}
	from, err := arn.Parse(in.Source)
	if err != nil {
		return &deliver.Refused{Code: "INVALID_PARAMETER", Err: err}
	}
	if refused := a.thirdHop(e, from); refused != nil {
		return refused
	}
	if from.Region != a.cell.Region {
		// Another region gives it an identifier of its own, the same at each attempt.
		e.ID = uuid.NewSHA1(uuid.NameSpaceOID, []byte(in.ID)).String()
		if err := e.write(); err != nil {
			return &deliver.Refused{Code: "INVALID_JSON", Err: err}
		}
	}
	e.trace = in.Trace
	if e.hops, _ = strconv.Atoi(in.Attributes[hopsAttribute]); e.hops > mostHops {
		return &deliver.Refused{Code: "SDK_CLIENT_ERROR", Err: fmt.Errorf("the event went through %d event buses already", mostHops)}
	}
	a.cell.State.View(ctx, func() { _, err = a.bus(busName) })
	if err != nil {
		return &deliver.Refused{Code: "NO_RESOURCE", Err: err}
	}
	return a.dispatch(ctx, map[string][]*event{busName: {e}})
}

// thirdHop refuses an event that came to the bus of the rule from another account or
// region, and would go to a third one ("Sending and receiving events between AWS accounts").
func (a *API) thirdHop(e *event, rule arn.ARN) error {
	switch {
	case e.Account != rule.AccountID && rule.AccountID != a.cell.Account:
		return &deliver.Refused{Code: "THIRD_ACCOUNT_HOP_DETECTED", Err: errors.New("an event is not sent on to a third account")}
	case e.Region != rule.Region && rule.Region != a.cell.Region:
		return &deliver.Refused{Code: "THIRD_REGION_HOP_DETECTED", Err: errors.New("an event is not sent on to a third region")}
	}
	return nil
}
