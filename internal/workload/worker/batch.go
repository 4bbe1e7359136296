package worker

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// A batch is messages that a worker holds. As long as it does, nobody else gets them.
type batch struct {
	w        *worker
	finished []string  // receipt handles of those done with and not deleted yet
	since    time.Time // when the first of them was done with

	keeping sync.WaitGroup
	stop    context.CancelFunc // ends keeping

	mu   sync.Mutex
	held map[string]string // receipt handles, by message ID, of those not done with
}

// hold takes charge of messages until release.
func (w *worker) hold(ctx context.Context, messages []types.Message) *batch {
	b := &batch{w: w, held: map[string]string{}}
	for _, m := range messages {
		b.held[aws.ToString(m.MessageId)] = aws.ToString(m.ReceiptHandle)
	}
	ctx, b.stop = context.WithCancel(ctx)
	b.keeping.Go(func() { b.keep(ctx) })
	return b
}

// keep extends the visibility timeout of what is held, each time when half of it is over.
func (b *batch) keep(ctx context.Context) {
	for sleep(ctx, b.w.real(b.w.visibility/2)) {
		if err := b.setVisibility(ctx, b.w.visibility); err != nil && ctx.Err() == nil {
			b.w.say("worker: extending the visibility timeout: %v", err)
		}
	}
}

// setVisibility makes what is held visible after a time.
func (b *batch) setVisibility(ctx context.Context, after time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	var entries []types.ChangeMessageVisibilityBatchRequestEntry
	b.mu.Lock()
	for _, handle := range b.held {
		entries = append(entries, types.ChangeMessageVisibilityBatchRequestEntry{
			Id: aws.String(strconv.Itoa(len(entries))), ReceiptHandle: &handle, VisibilityTimeout: int32(after / time.Second),
		})
	}
	b.mu.Unlock()
	if len(entries) == 0 {
		return nil
	}
	out, err := b.w.queue.ChangeMessageVisibilityBatch(ctx, &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &b.w.url, Entries: entries})
	if err == nil {
		b.w.tellFailed("changing the visibility timeout", out.Failed)
	}
	return err
}

// done notes that a message is done with. It reports whether it is time to delete
// those that are.
func (b *batch) done(m types.Message) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	id := aws.ToString(m.MessageId)
	if len(b.finished) == 0 {
		b.since = time.Now()
	}
	b.finished = append(b.finished, b.held[id])
	delete(b.held, id)
	return time.Since(b.since) >= deleteWithin
}

// delete deletes what is done with. It tries until ctx ends, or the queue refuses.
func (b *batch) delete(ctx context.Context) {
	var entries []types.DeleteMessageBatchRequestEntry
	for i, handle := range b.finished {
		entries = append(entries, types.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: &handle})
	}
	b.finished = nil
	for pause := firstPause; len(entries) > 0; pause = min(2*pause, longestPause) {
		call, cancel := context.WithTimeout(ctx, callTimeout)
		out, err := b.w.queue.DeleteMessageBatch(call, &sqs.DeleteMessageBatchInput{QueueUrl: &b.w.url, Entries: entries})
		cancel()
		if err == nil {
			b.w.tellFailed("deleting", out.Failed)
			return
		}
		b.w.say("worker: deleting: %v", err)
		if refused(err) || !sleep(ctx, pause) {
			return
		}
	}
}

// release deletes what is done with and gives the rest back to the queue, for which it
// has some time left also when ctx has ended.
func (b *batch) release(ctx context.Context) {
	ctx, cancel := outlive(ctx, releaseWithin)
	defer cancel()
	b.delete(ctx)
	b.stop()
	b.keeping.Wait()
	if err := b.setVisibility(ctx, 0); err != nil {
		b.w.say("worker: giving messages back: %v", err)
	}
}

// tellFailed tells which entries of a batch the queue refused.
func (w *worker) tellFailed(what string, failed []types.BatchResultErrorEntry) {
	for _, f := range failed {
		w.say("worker: %s: %s: %s", what, aws.ToString(f.Code), aws.ToString(f.Message))
	}
}

// timestamp is a time that SQS gives in milliseconds.
func timestamp(s string) time.Time {
	ms, _ := strconv.ParseInt(s, 10, 64) // what is no number is the beginning of time
	return time.UnixMilli(ms)
}
