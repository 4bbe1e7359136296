package sqs

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"flyball/internal/broker"
	"flyball/internal/optional"
	"flyball/internal/queue"
	"flyball/internal/service/sqs/fault"
	"flyball/internal/state"
)

// DeleteMessage deletes a message. It is gone on disk when this returns.
func (a *API) DeleteMessage(ctx context.Context, in *sqs.DeleteMessageInput, _ ...func(*sqs.Options)) (*sqs.DeleteMessageOutput, error) {
	_, r, q, err := a.open(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	receipt, err := r.receipt(in.ReceiptHandle)
	if err != nil {
		return nil, err
	}
	errs, err := remove(ctx, q, receipt)
	if err != nil {
		return nil, err
	}
	if err := r.deleted(errs[0], *in.ReceiptHandle); err != nil {
		return nil, err
	}
	return &sqs.DeleteMessageOutput{}, nil
}

// remove deletes messages of a queue, for a call that wants to hear if that waits.
func remove(ctx context.Context, q *broker.Queue, receipts ...queue.Receipt) (errs []error, err error) {
	err = state.Patiently(ctx, func() error {
		errs, err = q.Delete(receipts)
		return err
	})
	return errs, closed(err)
}

// deleted is the answer for a receipt handle, given what the queue has said. A standard
// queue answers with success for all messages that are or were its own.
func (r *row) deleted(err error, handle string) error {
	if r.fifo() && errors.Is(err, queue.ErrNotInFlight) {
		return fault.HandleExpired(handle)
	}
	return nil
}

// DeleteMessageBatch deletes messages.
func (a *API) DeleteMessageBatch(ctx context.Context, in *sqs.DeleteMessageBatchInput, _ ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error) {
	_, r, q, err := a.open(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	ids := make([]*string, len(in.Entries))
	for i, e := range in.Entries {
		ids[i] = e.Id
	}
	if err := checkBatch("DeleteMessageBatchRequestEntry", ids); err != nil {
		return nil, err
	}
	out := &sqs.DeleteMessageBatchOutput{Successful: []types.DeleteMessageBatchResultEntry{}}
	var entries []types.DeleteMessageBatchRequestEntry
	var receipts []queue.Receipt
	for _, e := range in.Entries {
		receipt, err := r.receipt(e.ReceiptHandle)
		if err != nil {
			out.Failed = append(out.Failed, failed(e.Id, err))
			continue
		}
		entries, receipts = append(entries, e), append(receipts, receipt)
	}
	errs, err := remove(ctx, q, receipts...)
	if err != nil {
		return nil, err
	}
	for i, e := range entries {
		if err := r.deleted(errs[i], *e.ReceiptHandle); err != nil {
			out.Failed = append(out.Failed, failed(e.Id, err))
			continue
		}
		out.Successful = append(out.Successful, types.DeleteMessageBatchResultEntry{Id: e.Id})
	}
	return out, nil
}

// ChangeMessageVisibility has a message come back at another time.
func (a *API) ChangeMessageVisibility(ctx context.Context, in *sqs.ChangeMessageVisibilityInput, _ ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityOutput, error) {
	_, r, q, err := a.open(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if _, given := optional.Number(in.VisibilityTimeout); !given {
		return nil, fault.Missing("VisibilityTimeout")
	}
	if err := r.changeVisibility(q, in.ReceiptHandle, in.VisibilityTimeout); err != nil {
		return nil, err
	}
	return &sqs.ChangeMessageVisibilityOutput{}, nil
}

func (r *row) changeVisibility(q *broker.Queue, handle *string, timeout int32) error {
	timeout, _ = optional.Number(timeout)
	receipt, err := r.receipt(handle)
	switch {
	case err != nil:
		return err
	case timeout < 0 || timeout > mostInvisible:
		return fault.Value(timeout, "VisibilityTimeout", "Must be between 0 and 43200.")
	}
	err = q.SetInvisible(receipt, time.Duration(timeout)*time.Second)
	switch {
	case errors.Is(err, queue.ErrTooLong):
		return fault.Value(timeout, "VisibilityTimeout", "Total VisibilityTimeout for the message is beyond the limit [43200 seconds].")
	case errors.Is(err, queue.ErrGone), errors.Is(err, queue.ErrNotInFlight):
		return fault.NotInFlight(aws.ToString(handle))
	}
	return closed(err)
}

// ChangeMessageVisibilityBatch has messages come back at other times.
func (a *API) ChangeMessageVisibilityBatch(ctx context.Context, in *sqs.ChangeMessageVisibilityBatchInput, _ ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	_, r, q, err := a.open(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	ids := make([]*string, len(in.Entries))
	for i, e := range in.Entries {
		ids[i] = e.Id
	}
	if err := checkBatch("ChangeMessageVisibilityBatchRequestEntry", ids); err != nil {
		return nil, err
	}
	out := &sqs.ChangeMessageVisibilityBatchOutput{Successful: []types.ChangeMessageVisibilityBatchResultEntry{}}
	for _, e := range in.Entries {
		if err := r.changeVisibility(q, e.ReceiptHandle, e.VisibilityTimeout); err != nil {
			out.Failed = append(out.Failed, failed(e.Id, err))
			continue
		}
		out.Successful = append(out.Successful, types.ChangeMessageVisibilityBatchResultEntry{Id: e.Id})
	}
	return out, nil
}
