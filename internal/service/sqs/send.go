package sqs

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/uuid"

	"flyball/internal/broker"
	"flyball/internal/endpoint"
	"flyball/internal/optional"
	"flyball/internal/principal"
	"flyball/internal/queue"
	"flyball/internal/service/sqs/fault"
	"flyball/internal/service/sqs/rules"
	"flyball/internal/state"
)

// SendMessage sends a message. It is on disk when this returns.
func (a *API) SendMessage(ctx context.Context, in *sqs.SendMessageInput, _ ...func(*sqs.Options)) (*sqs.SendMessageOutput, error) {
	owner, r, q, err := a.open(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	m, err := owner.message(ctx, r, types.SendMessageBatchRequestEntry{
		MessageBody: in.MessageBody, DelaySeconds: in.DelaySeconds, MessageAttributes: in.MessageAttributes,
		MessageSystemAttributes: in.MessageSystemAttributes, MessageDeduplicationId: in.MessageDeduplicationId, MessageGroupId: in.MessageGroupId,
	})
	if err != nil {
		return nil, err
	}
	if most := r.number(rules.MaximumMessageSize); m.Size() > most {
		return nil, fault.Parameter("One or more parameters are invalid. Reason: Message must be shorter than %d bytes.", most)
	}
	if err := a.cell.State.Admitted(); err != nil {
		return nil, err
	}
	sent, err := send(ctx, q, m)
	if err != nil {
		return nil, err
	}
	e := r.sent(m, sent[0])
	return &sqs.SendMessageOutput{
		MessageId: e.MessageId, MD5OfMessageBody: e.MD5OfMessageBody, MD5OfMessageAttributes: e.MD5OfMessageAttributes,
		MD5OfMessageSystemAttributes: e.MD5OfMessageSystemAttributes, SequenceNumber: e.SequenceNumber,
	}, nil
}

// SendMessageBatch sends messages. Those that are not wrong are on disk when this
// returns.
func (a *API) SendMessageBatch(ctx context.Context, in *sqs.SendMessageBatchInput, _ ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error) {
	owner, r, q, err := a.open(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	ids, size := make([]*string, len(in.Entries)), 0
	for i, e := range in.Entries {
		ids[i] = e.Id
		size += sizeOf(e)
	}
	if err := checkBatch("SendMessageBatchRequestEntry", ids); err != nil {
		return nil, err
	}
	if size > rules.MostBatch {
		return nil, fault.BatchTooLong(rules.MostBatch, size)
	}
	if err := r.checkEntries(in.Entries); err != nil {
		return nil, err
	}
	out := &sqs.SendMessageBatchOutput{Successful: []types.SendMessageBatchResultEntry{}}
	var messages []*broker.Message
	ids = ids[:0]
	for _, e := range in.Entries {
		m, err := owner.entry(ctx, r, e)
		if err != nil {
			out.Failed = append(out.Failed, failed(e.Id, err))
			continue
		}
		messages, ids = append(messages, m), append(ids, e.Id)
	}
	if len(messages) == 0 {
		return out, nil
	}
	if err := a.cell.State.Admitted(); err != nil {
		return nil, err
	}
	sent, err := send(ctx, q, messages...)
	if err != nil {
		return nil, err
	}
	for i, m := range messages {
		e := r.sent(m, sent[i])
		e.Id = ids[i]
		out.Successful = append(out.Successful, e)
	}
	return out, nil
}

// send sends messages to a queue, for a call that wants to hear if that waits.
func send(ctx context.Context, q *broker.Queue, messages ...*broker.Message) (sent []broker.Dispatch, err error) {
	err = state.Patiently(ctx, func() error {
		sent, err = q.Send(messages)
		return err
	})
	return sent, closed(err)
}

// checkEntries checks what every entry for a FIFO queue must have.
func (r *row) checkEntries(entries []types.SendMessageBatchRequestEntry) error {
	for _, e := range entries {
		switch {
		case !r.fifo():
		case aws.ToString(e.MessageGroupId) == "":
			return fault.Parameter("The request must contain the parameter MessageGroupId.")
		case e.MessageDeduplicationId == nil && r.Attributes[rules.ContentBasedDeduplication] != "true":
			return fault.NoDeduplication()
		}
	}
	return nil
}

// sizeOf is what an entry counts for the limit of a batch.
func sizeOf(e types.SendMessageBatchRequestEntry) int {
	n := len(aws.ToString(e.MessageBody))
	for name, v := range e.MessageAttributes {
		n += len(name) + len(aws.ToString(v.DataType)) + len(aws.ToString(v.StringValue)) + len(v.BinaryValue)
	}
	return n
}

// entry is the message of an entry of a batch.
func (a *API) entry(ctx context.Context, r row, e types.SendMessageBatchRequestEntry) (*broker.Message, error) {
	m, err := a.message(ctx, r, e)
	if err != nil {
		return nil, err
	}
	if most := r.number(rules.MaximumMessageSize); m.Size() > most {
		return nil, fault.Parameter("One or more parameters cannot be validated. Reason: Message must be shorter than %d bytes.", most)
	}
	return m, nil
}

// message is what a sender gives as a message of a queue.
func (a *API) message(ctx context.Context, r row, e types.SendMessageBatchRequestEntry) (*broker.Message, error) {
	if err := rules.Body(aws.ToString(e.MessageBody)); err != nil {
		return nil, err
	}
	m := &broker.Message{ID: uuid.New(), Body: *e.MessageBody, Sender: a.sender(ctx)}
	var err error
	if m.Attributes, err = rules.Attributes(e.MessageAttributes); err != nil {
		return nil, err
	}
	if m.Trace, err = trace(e.MessageSystemAttributes); err != nil {
		return nil, err
	}
	m.Trace = cmp.Or(m.Trace, endpoint.Trace(ctx))
	delay, err := r.delay(e.DelaySeconds)
	if err != nil {
		return nil, err
	}
	m.Delay = queue.Millis(delay.Milliseconds())
	return m, r.group(m, e)
}

// sender is who sends, as receivers are told: the ID of a user or of a role's session.
func (a *API) sender(ctx context.Context) string {
	if p, ok := principal.FromContext(ctx); ok && p.ID != "" {
		return p.ID
	}
	return a.cell.Account
}

// trace is the one system attribute that senders can give.
func trace(given map[string]types.MessageSystemAttributeValue) (string, error) {
	for name, v := range given {
		switch {
		case name != string(types.MessageSystemAttributeNameForSendsAWSTraceHeader):
			return "", fault.Parameter("Message system attribute name '%s' is invalid.", name)
		case aws.ToString(v.DataType) != "String":
			return "", fault.Parameter("The type of message (system) attribute '%s' is invalid. You must use only the following supported type prefixes: String.", name)
		case aws.ToString(v.StringValue) == "":
			return "", fault.Parameter("Message (system) attribute '%s' must contain a non-empty value of type 'String'.", name)
		}
	}
	return aws.ToString(given[string(types.MessageSystemAttributeNameForSendsAWSTraceHeader)].StringValue), nil
}

// mostDelay bounds the delay of a message.
const mostDelay = 900

// delay is how long a message is delayed. In FIFO queues all are for the same time.
func (r *row) delay(n int32) (time.Duration, error) {
	n, given := optional.Number(n)
	switch {
	case !given:
		return r.seconds(rules.DelaySeconds), nil
	case n < 0 || n > mostDelay:
		return 0, fault.Value(n, "DelaySeconds", "DelaySeconds must be >= 0 and <= 900.")
	case r.fifo() && n != 0:
		return 0, fault.Value(n, "DelaySeconds", "The request include parameter that is not valid for this queue type.")
	case r.fifo():
		return r.seconds(rules.DelaySeconds), nil
	}
	return time.Duration(n) * time.Second, nil
}

// group has a message be of a group, and of the same content as others.
func (r *row) group(m *broker.Message, e types.SendMessageBatchRequestEntry) error {
	if e.MessageGroupId != nil {
		m.Group = *e.MessageGroupId
		if err := rules.Token("MessageGroupId", m.Group); err != nil {
			return err
		}
	}
	if e.MessageDeduplicationId != nil {
		m.Dedup = *e.MessageDeduplicationId
		if err := rules.Token("MessageDeduplicationId", m.Dedup); err != nil {
			return err
		}
	}
	switch {
	case !r.fifo() && m.Dedup != "":
		return fault.Value(m.Dedup, "MessageDeduplicationId", "The request includes a parameter that is not valid for this queue type.")
	case !r.fifo():
		return nil
	case m.Group == "":
		return fault.Missing("MessageGroupId")
	case m.Dedup == "" && r.Attributes[rules.ContentBasedDeduplication] != "true":
		return fault.NoDeduplication()
	case m.Dedup == "":
		sum := sha256.Sum256([]byte(m.Body))
		m.Dedup = hex.EncodeToString(sum[:])
	}
	if r.Attributes[rules.DeduplicationScope] == "messageGroup" {
		m.DedupGroup = m.Group
	}
	return nil
}

// sent is what a sender is told of a message.
func (r *row) sent(m *broker.Message, d broker.Dispatch) types.SendMessageBatchResultEntry {
	e := types.SendMessageBatchResultEntry{
		MessageId: aws.String(uuid.UUID(d.ID).String()), MD5OfMessageBody: aws.String(rules.MD5(m.Body)),
		MD5OfMessageAttributes: rules.AttributesMD5(m.Attributes),
	}
	if m.Trace != "" {
		e.MD5OfMessageSystemAttributes = rules.AttributesMD5([]broker.Attribute{{
			Name: string(types.MessageSystemAttributeNameForSendsAWSTraceHeader), Type: "String", Value: m.Trace,
		}})
	}
	if r.fifo() {
		e.SequenceNumber = aws.String(sequenceNumber(d.Sequence))
	}
	return e
}

// sequenceNumber is a sequence as clients see it: "20 digits".
func sequenceNumber(sequence uint64) string { return fmt.Sprintf("188%017d", sequence*256) }
