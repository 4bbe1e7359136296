package load

import (
	"context"
	"errors"
	"math"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
)

// A Sender takes batches of messages; a client of SQS is one.
type Sender interface {
	SendMessageBatch(context.Context, *sqs.SendMessageBatchInput, ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error)
}

var _ Sender = (*sqs.Client)(nil)

// A Feed sends messages to a queue, at a rate or all at once. It is an open loop, but
// for its bound: while all its calls wait for their answers, messages that are due
// wait, and are sent late.
type Feed struct {
	Queue    Sender
	URL      string
	Schedule Schedule         // messages per second over time; without one all are due at once
	Messages int              // to send in all; as many as the schedule has due by default
	Body     Template         // of each message
	Group    *Template        // of their message groups; nil gives them none
	Now      func() time.Time // what messages are told; the wall clock by default
	Report   func(Second)     // called at the end of each second, by one goroutine; may be nil
}

const (
	// sendersAtOnce is how many batches are under way at the same time.
	sendersAtOnce = 8
	// SQS takes ten messages at once, of 1 MiB in all.
	batchMessages = 10
	batchBytes    = 1 << 20
	mostMessages  = 1_000_000_000
)

// Run sends the messages until all are sent or ctx ends, which is no error. Of a Second
// and of the Summary, requests are messages, in flight are those that are due and not
// answered, and latency is that of the calls which took them.
func (f Feed) Run(ctx context.Context) (Summary, error) {
	total, err := f.total()
	if err != nil {
		return Summary{}, err
	}
	if f.Now == nil {
		f.Now = time.Now
	}
	r := &feeding{Feed: f, progress: newProgress(f.Schedule, true, f.Report), total: total}
	if err := r.run(ctx); err != nil {
		return Summary{}, err
	}
	return r.summary(), nil
}

// total is how many messages are to be sent.
func (f Feed) total() (int, error) {
	if f.Schedule == nil {
		if f.Messages <= 0 || f.Messages > mostMessages {
			return 0, errors.New("without a rate it takes the number of messages")
		}
		return f.Messages, nil
	}
	if err := f.Schedule.Check(); err != nil {
		return 0, err
	}
	due := int(math.Round(f.Schedule.Total(f.Schedule.Duration())))
	if f.Messages > 0 {
		due = min(due, f.Messages)
	}
	if due == 0 {
		return 0, errors.New("no message is due in that time")
	}
	return due, nil
}

// A feeding is a feed at work.
type feeding struct {
	Feed
	*progress
	total    int
	answered atomic.Int64
}

// run sends all messages and reports each second.
func (r *feeding) run(ctx context.Context) error {
	var failed error // composing
	batches := make(chan []types.SendMessageBatchRequestEntry)
	var working sync.WaitGroup
	working.Go(func() {
		defer close(batches)
		failed = r.compose(ctx, batches)
	})
	for range r.senders() {
		working.Go(func() {
			for batch := range batches {
				r.send(ctx, batch)
			}
		})
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		working.Wait()
	}()
	reporting := time.NewTicker(time.Second)
	defer reporting.Stop()
	for {
		select {
		case <-reporting.C:
			r.report(r.waiting())
		case <-done:
			r.report(r.waiting())
			return failed
		}
	}
}

// senders is how many batches go out at the same time. The order of a FIFO queue's
// messages is that in which they are sent.
func (r *feeding) senders() int {
	if r.fifo() {
		return 1
	}
	return sendersAtOnce
}

func (r *feeding) fifo() bool { return strings.HasSuffix(r.URL, ".fifo") }

// due is how many messages are to have been sent by now.
func (r *feeding) due() int {
	elapsed := time.Since(r.start)
	if r.Schedule == nil || elapsed >= r.end {
		return r.total
	}
	return min(r.total, int(r.planned.total(elapsed)))
}

// waiting is how many messages are due and not answered.
func (r *feeding) waiting() int { return r.due() - int(r.answered.Load()) }

// compose puts the messages that are due into batches, until all are or ctx ends.
func (r *feeding) compose(ctx context.Context, batches chan<- []types.SendMessageBatchRequestEntry) error {
	var next *types.SendMessageBatchRequestEntry // made for the batch before, which had no room for it
	for made := 0; made < r.total; {
		due := r.due()
		if made == due {
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(tick):
				continue
			}
		}
		var batch []types.SendMessageBatchRequestEntry
		for size := 0; made < due && len(batch) < batchMessages; made++ {
			if next == nil {
				entry := r.entry(made + 1)
				next = &entry
			}
			if size += len(*next.MessageBody); size > batchBytes && len(batch) > 0 {
				break
			}
			batch, next = append(batch, *next), nil
		}
		select {
		case <-ctx.Done():
			return nil
		case batches <- batch:
		}
	}
	return nil
}

// entry is the message of a number in its batch.
func (r *feeding) entry(n int) types.SendMessageBatchRequestEntry {
	m := newMessage(n, r.Now())
	e := types.SendMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(n)), MessageBody: aws.String(r.Body.text(m))}
	if r.Group != nil {
		e.MessageGroupId = aws.String(r.Group.text(m))
	}
	if r.fifo() {
		e.MessageDeduplicationId = &m.ID
	}
	return e
}

// send sends a batch, and counts each of its messages. What the end of the load cuts
// short is not counted.
func (r *feeding) send(ctx context.Context, batch []types.SendMessageBatchRequestEntry) {
	begin := time.Now()
	out, err := r.Queue.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: &r.URL, Entries: batch})
	if ctx.Err() != nil {
		return
	}
	took := time.Since(begin)
	defer r.answered.Add(int64(len(batch)))
	if err != nil {
		for range batch {
			r.second.add(took, err)
		}
		return
	}
	for _, f := range out.Failed {
		r.second.add(took, &smithy.GenericAPIError{Code: aws.ToString(f.Code), Message: aws.ToString(f.Message)})
	}
	for range out.Successful {
		r.second.add(took, nil)
	}
}
