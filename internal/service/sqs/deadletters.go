package sqs

import (
	"context"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"flyball/internal/broker"
	"flyball/internal/service/sqs/fault"
	"flyball/internal/service/sqs/rules"
)

// checkRedrive checks that the queue exists, and takes them, that a queue's dead letters
// go to.
func (a *API) checkRedrive(ctx context.Context, r row) error {
	redrive, ok := rules.ReadRedrive(r.Attributes[rules.RedrivePolicy])
	if !ok {
		return nil
	}
	text := r.Attributes[rules.RedrivePolicy]
	if redrive.Target == a.arn(r.Name) {
		return nil // a queue may be its own
	}
	if at, err := arn.Parse(redrive.Target); err == nil && at.Region != a.cell.Region {
		return fault.Value(text, rules.RedrivePolicy, "Dead-letter target must be in same region as the source.")
	}
	_, target, err := a.named(ctx, redrive.Target)
	switch {
	case err != nil:
		return fault.Value(text, rules.RedrivePolicy, "Dead letter target does not exist.")
	case target.fifo() != r.fifo():
		return fault.Value(text, rules.RedrivePolicy, "Dead-letter queue must be same type of queue as the source.")
	case !rules.Allowed(target.Attributes[rules.RedriveAllowPolicy], a.arn(r.Name)):
		return fault.Value(text, rules.RedrivePolicy, "Queue "+redrive.Target+" does not permit "+a.arn(r.Name)+" as a source.")
	}
	return nil
}

// redrive has a receive take dead messages to their queue, if a queue has one that
// exists. Without it they are received as ever.
func (a *API) redrive(ctx context.Context, r row, request *broker.Request) {
	redrive, ok := rules.ReadRedrive(r.Attributes[rules.RedrivePolicy])
	if !ok {
		return
	}
	owner, target, err := a.named(ctx, redrive.Target)
	if err != nil {
		return
	}
	request.MostReceives = uint32(redrive.Most)
	request.Bury = func(dead []*broker.Message) error { return owner.bury(target, dead, a.arn(r.Name)) }
}

// bury sends dead messages to their queue. They keep their ID; those of a standard
// queue also keep when they were sent, so that they get no older than there ("Using
// dead-letter queues").
func (a *API) bury(target row, dead []*broker.Message, source string) error {
	q, err := a.messages(target)
	if err != nil {
		return err
	}
	for _, m := range dead {
		m.Source, m.Delay = source, 0
		if target.fifo() {
			m.Sent = 0
			// It has been accepted once; its ID must not make it a duplicate here.
			m.DedupGroup = "dead " + source + " " + strconv.FormatUint(m.Sequence, 10)
		}
	}
	_, err = q.Send(dead)
	return err
}

// ListDeadLetterSourceQueues lists the queues whose dead letters go to a queue.
func (a *API) ListDeadLetterSourceQueues(ctx context.Context, in *sqs.ListDeadLetterSourceQueuesInput, _ ...func(*sqs.Options)) (*sqs.ListDeadLetterSourceQueuesOutput, error) {
	owner, r, err := a.at(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	var names []string
	owner.cell.State.View(ctx, func() { names = owner.sources(owner.arn(r.Name)) })
	names, next, err := listed(names, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &sqs.ListDeadLetterSourceQueuesOutput{QueueUrls: owner.urlsOf(ctx, names), NextToken: next}
	if out.QueueUrls == nil {
		out.QueueUrls = []string{}
	}
	return out, nil
}

// sources are the names of the queues whose dead letters go to a queue, under the lock.
func (a *API) sources(arn string) []string {
	return slices.DeleteFunc(slices.Clone(a.rows.Keys("")), func(name string) bool {
		r, _ := a.rows.Get(name)
		return !isDeadLetters(r, arn)
	})
}

// isTarget tells whether any queue's dead letters go to a queue.
func (a *API) isTarget(ctx context.Context, name string) (is bool) {
	a.cell.State.View(ctx, func() { is = len(a.sources(a.arn(name))) > 0 })
	return is
}
