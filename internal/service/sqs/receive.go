package sqs

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/uuid"

	"flyball/internal/broker"
	"flyball/internal/optional"
	"flyball/internal/queue"
	"flyball/internal/service/sqs/fault"
	"flyball/internal/service/sqs/rules"
)

// The limits of a receive ("ReceiveMessage").
const (
	mostReceived  = 10
	mostWait      = 20
	mostInvisible = 43_200
)

// ReceiveMessage takes messages that can be received. It waits for real seconds, however
// fast the server's clock runs: it is a client's connection that waits.
func (a *API) ReceiveMessage(ctx context.Context, in *sqs.ReceiveMessageInput, _ ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	owner, r, q, err := a.open(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	request, err := r.request(in)
	if err != nil {
		return nil, err
	}
	show, err := r.show(in)
	if err != nil {
		return nil, err
	}
	owner.redrive(ctx, r, &request)
	got, err := q.Receive(ctx, request)
	switch {
	case errors.Is(err, queue.ErrOverLimit):
		return nil, fault.OverLimit()
	case err != nil:
		return nil, closed(err)
	}
	out := &sqs.ReceiveMessageOutput{}
	for _, m := range got {
		out.Messages = append(out.Messages, show.message(&r, m))
	}
	return out, nil
}

// request is what a caller would receive from a queue.
func (r *row) request(in *sqs.ReceiveMessageInput) (q broker.Request, err error) {
	q = broker.Request{
		Most: 1, Invisible: r.seconds(rules.VisibilityTimeout), Wait: r.seconds(rules.ReceiveMessageWaitTimeSeconds),
		Attempt: aws.ToString(in.ReceiveRequestAttemptId),
	}
	if n, given := optional.Number(in.MaxNumberOfMessages); given {
		if n < 1 || n > mostReceived {
			return q, fault.Value(n, "MaxNumberOfMessages", "Must be between 1 and 10, if provided.")
		}
		q.Most = int(n)
	}
	if n, given := optional.Number(in.WaitTimeSeconds); given {
		if n < 0 || n > mostWait {
			return q, fault.Value(n, "WaitTimeSeconds", "Must be >= 0 and <= 20, if provided.")
		}
		q.Wait = time.Duration(n) * time.Second
	}
	if n, given := optional.Number(in.VisibilityTimeout); given {
		if n < 0 || n > mostInvisible {
			return q, fault.Value(n, "VisibilityTimeout", "Must be between 0 and 43200, if provided.")
		}
		q.Invisible = time.Duration(n) * time.Second
	}
	switch {
	case q.Attempt != "" && !r.fifo():
		return q, fault.Value(q.Attempt, "ReceiveRequestAttemptId", "The request includes a parameter that is not valid for this queue type.")
	case q.Attempt != "":
		return q, rules.Token("ReceiveRequestAttemptId", q.Attempt)
	}
	return q, nil
}

// A show is what a receiver wants to see of messages.
type show struct {
	system []types.MessageSystemAttributeName
	user   []string
}

// show is what a receiver asks to see.
func (r *row) show(in *sqs.ReceiveMessageInput) (s show, err error) {
	s = show{system: slices.Clone(in.MessageSystemAttributeNames), user: in.MessageAttributeNames}
	//lint:ignore SA1019 older clients ask by it
	for _, name := range in.AttributeNames {
		s.system = append(s.system, types.MessageSystemAttributeName(name))
	}
	known := types.MessageSystemAttributeNameAll.Values()
	for _, name := range s.system {
		if !slices.Contains(known, name) {
			return s, fault.Attribute(string(name))
		}
	}
	return s, nil
}

// message is a message as a receiver sees it.
func (s show) message(r *row, m broker.Received) types.Message {
	attributes := s.attributes(m.Attributes)
	return types.Message{
		MessageId: aws.String(uuid.UUID(m.ID).String()), ReceiptHandle: r.handle(m.Receipt),
		Body: &m.Body, MD5OfBody: aws.String(rules.MD5(m.Body)),
		Attributes:             s.systemAttributes(r, m),
		MessageAttributes:      userAttributes(attributes),
		MD5OfMessageAttributes: rules.AttributesMD5(attributes),
	}
}

// attributes are the message attributes that a receiver asks for: by their names, by
// how they begin, or all.
func (s show) attributes(all []broker.Attribute) (shown []broker.Attribute) {
	for _, a := range all {
		if slices.ContainsFunc(s.user, func(want string) bool {
			prefix, wild := strings.CutSuffix(want, "*")
			return want == "All" || want == a.Name || wild && strings.HasPrefix(a.Name, strings.TrimSuffix(prefix, "."))
		}) {
			shown = append(shown, a)
		}
	}
	return shown
}

func userAttributes(all []broker.Attribute) map[string]types.MessageAttributeValue {
	if len(all) == 0 {
		return nil
	}
	m := make(map[string]types.MessageAttributeValue, len(all))
	for _, a := range all {
		v := types.MessageAttributeValue{DataType: &a.Type}
		if a.Binary {
			v.BinaryValue = []byte(a.Value)
		} else {
			v.StringValue = &a.Value
		}
		m[a.Name] = v
	}
	return m
}

// systemAttributes are the attributes of the system's that a receiver asks for.
func (s show) systemAttributes(r *row, m broker.Received) map[string]string {
	if len(s.system) == 0 {
		return nil
	}
	all := map[types.MessageSystemAttributeName]string{
		types.MessageSystemAttributeNameSenderId:                         m.Sender,
		types.MessageSystemAttributeNameSentTimestamp:                    strconv.FormatInt(int64(m.Sent), 10),
		types.MessageSystemAttributeNameApproximateReceiveCount:          strconv.FormatUint(uint64(m.Receives), 10),
		types.MessageSystemAttributeNameApproximateFirstReceiveTimestamp: strconv.FormatInt(int64(m.First), 10),
		types.MessageSystemAttributeNameMessageGroupId:                   m.Group,
		types.MessageSystemAttributeNameMessageDeduplicationId:           m.Dedup,
		types.MessageSystemAttributeNameAWSTraceHeader:                   m.Trace,
		types.MessageSystemAttributeNameDeadLetterQueueSourceArn:         m.Source,
	}
	if r.fifo() {
		all[types.MessageSystemAttributeNameSequenceNumber] = sequenceNumber(m.Sequence)
	}
	shown := map[string]string{}
	for name, value := range all {
		if value != "" && (slices.Contains(s.system, name) || slices.Contains(s.system, types.MessageSystemAttributeNameAll)) {
			shown[string(name)] = value
		}
	}
	return shown
}
