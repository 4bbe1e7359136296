package lambda

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/uuid"

	"flyball/internal/function"
	"flyball/internal/service/lambda/polling"
	"flyball/internal/service/lambda/rules"
)

// Queues are what mappings need of SQS.
type Queues interface {
	GetQueueAttributes(context.Context, *sqs.GetQueueAttributesInput, ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error)
	ReceiveMessage(context.Context, *sqs.ReceiveMessageInput, ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error)
	DeleteMessageBatch(context.Context, *sqs.DeleteMessageBatchInput, ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error)
	ChangeMessageVisibilityBatch(context.Context, *sqs.ChangeMessageVisibilityBatchInput, ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error)
}

var _ Queues = (*sqs.Client)(nil)

// scaleEvery is how often, on the server's clock, the pollers of a mapping are counted
// anew, and fastestScale how often in real time at most.
const (
	scaleEvery   = time.Second
	fastestScale = 50 * time.Millisecond
)

// Pauses after something that is not the function's failure, such as a queue that was
// deleted: they become longer up to the longest.
const (
	firstPause   = 100 * time.Millisecond
	longestPause = 30 * time.Second
)

// A feed is a mapping that is carried out.
type feed struct {
	api     *API
	m       mapping
	queue   sourceQueue
	filters []polling.Filter
	log     *slog.Logger

	wanted  atomic.Int32 // pollers
	running atomic.Int32
	waiting atomic.Int32 // those that have found no message
	done    atomic.Int32 // batches since the last look
	failed  atomic.Int32
}

// poll carries out a mapping until ctx ends and the batches that are under way are over.
func (a *API) poll(ctx context.Context, m mapping) {
	f := &feed{api: a, m: m, log: a.cell.Log.With("mapping", m.UUID, "function", m.Function, "queue", m.Queue)}
	var err error
	if f.filters, err = m.compile(); err != nil {
		f.log.Error("the filters of an event source mapping are not understood any more", "error", err)
		return
	}
	if !f.open(ctx) {
		return
	}
	var pollers sync.WaitGroup
	defer pollers.Wait()
	scale := polling.NewScale(a.cell.Clock.Now(), m.limits())
	for {
		for f.wanted.Store(int32(scale.Pollers())); f.running.Load() < f.wanted.Load(); f.running.Add(1) {
			pollers.Go(func() { f.poller(ctx) })
		}
		if !sleep(ctx, max(a.cell.Clock.Real(scaleEvery), fastestScale)) {
			return
		}
		scale = scale.Step(a.cell.Clock.Now(), polling.Seen{
			Busy: int(f.running.Load() - f.waiting.Load()), Done: int(f.done.Swap(0)), Failed: int(f.failed.Swap(0)),
		})
	}
}

// open waits until there is the queue. It reports false when ctx ends before.
func (f *feed) open(ctx context.Context) bool {
	var again pause
	for {
		var err error
		if f.queue, err = f.api.queue(ctx, f.m.Queue); err == nil {
			return true
		}
		if !again.after(ctx, f.log, err) {
			return false
		}
	}
}

// poller has one batch after the other processed, as long as there are not more pollers
// than there are to be.
func (f *feed) poller(ctx context.Context) {
	var again pause
	var left []polling.Record // that did not fit into the batch before
	defer func() { f.release(ctx, left) }()
	for ctx.Err() == nil {
		if n := f.running.Load(); n > f.wanted.Load() && f.running.CompareAndSwap(n, n-1) {
			return
		}
		var err error
		if left, err = f.next(ctx, left); err == nil {
			again = 0
		} else {
			again.after(ctx, f.log, err)
		}
	}
	f.running.Add(-1)
}

// next has the next batch processed, if messages come. The function is looked at before
// any is received, which would count for nothing, and again when there is a batch: it may
// be another one, or gone, by then.
func (f *feed) next(ctx context.Context, first []polling.Record) (left []polling.Record, err error) {
	if _, err := f.target(ctx); err != nil {
		return first, err
	}
	b, left, err := f.gather(ctx, first)
	if err != nil || len(b.Records()) == 0 {
		return left, err
	}
	t, err := f.target(ctx)
	if err != nil {
		f.release(ctx, b.Records())
		return left, err
	}
	f.process(ctx, t, b)
	return left, nil
}

// target is the function as it is now.
func (f *feed) target(ctx context.Context) (t target, err error) {
	f.api.cell.State.View(ctx, func() {
		t, err = f.api.lookup(rules.Reference{Name: f.m.Function, Qualifier: f.m.Qualifier})
	})
	return t, err
}

// gather receives messages until a batch of them is complete, or until none has come
// for as long as one can wait.
func (f *feed) gather(ctx context.Context, first []polling.Record) (b *polling.Batch, left []polling.Record, err error) {
	clock := f.api.cell.Clock
	b = polling.NewBatch(polling.Rules{Size: int(f.m.BatchSize), Window: time.Duration(f.m.Window) * time.Second})
	left = f.add(b, first)
	for !b.Complete(clock.Now()) {
		var records []polling.Record
		closes, open := b.Closes()
		if open {
			records, err = f.receive(ctx, b.Wants(), clock.Until(closes))
		} else if records, err = f.receive(ctx, b.Wants(), 0); err == nil && len(records) == 0 {
			f.waiting.Add(1)
			records, err = f.receive(ctx, b.Wants(), longestWait)
			f.waiting.Add(-1)
		}
		left = f.add(b, records)
		if err != nil || !open && len(records) == 0 {
			break
		}
	}
	if err != nil || ctx.Err() != nil {
		f.release(ctx, slices.Concat(b.Records(), left))
		return polling.NewBatch(polling.Rules{}), nil, err
	}
	return b, left, nil
}

// add adds records to a batch, and returns those that do not fit.
func (f *feed) add(b *polling.Batch, records []polling.Record) (left []polling.Record) {
	now := f.api.cell.Clock.Now()
	for i, r := range records {
		if !b.Add(now, r) {
			return records[i:]
		}
	}
	return nil
}

// longestWait is how long a call of SQS waits for messages.
const longestWait = 20 * time.Second

// receive receives messages, for some real time, and deletes those that no filter wants.
func (f *feed) receive(ctx context.Context, most int, wait time.Duration) ([]polling.Record, error) {
	wait = min(max(wait, 0), longestWait)
	seconds := int32((wait + time.Second - 1) / time.Second)
	within, cancel := ctx, context.CancelFunc(func() {})
	if wait > 0 {
		within, cancel = context.WithTimeout(ctx, wait)
	}
	defer cancel()
	out, err := f.api.cfg.Queues.ReceiveMessage(within, &sqs.ReceiveMessageInput{
		QueueUrl: &f.queue.url, MaxNumberOfMessages: int32(most), WaitTimeSeconds: seconds,
		MessageSystemAttributeNames: []sqstypes.MessageSystemAttributeName{sqstypes.MessageSystemAttributeNameAll},
		MessageAttributeNames:       []string{"All"},
	})
	if within.Err() != nil && ctx.Err() == nil && (err != nil || out == nil) {
		return nil, nil // the window is over
	}
	if err != nil {
		return nil, err
	}
	return f.records(ctx, out.Messages)
}

// records are those of messages that some filter wants.
func (f *feed) records(ctx context.Context, messages []sqstypes.Message) ([]polling.Record, error) {
	var wanted, unwanted []polling.Record
	for _, m := range messages {
		r, err := polling.NewRecord(polling.Source{ARN: f.m.Queue, Region: f.api.cell.Region, Waits: f.m.Window > 0}, m)
		if err != nil {
			return nil, err
		}
		passes, err := r.Passes(f.filters)
		if err != nil || passes {
			wanted = append(wanted, r) // what a filter cannot read the function shall see
		} else {
			unwanted = append(unwanted, r)
		}
	}
	f.count("PolledEventCount", len(messages))
	f.count("FilteredOutEventCount", len(unwanted))
	f.delete(context.WithoutCancel(ctx), unwanted)
	return wanted, nil
}

// process invokes the function with a batch, and deletes what it has processed. What it
// has not can be received again when its visibility timeout is over, or at once where
// the function was not run because ctx has ended.
func (f *feed) process(ctx context.Context, t target, b *polling.Batch) {
	received := f.api.cell.Clock.Now()
	answer, err := f.invoke(ctx, t, b.Event(), received)
	if err != nil && ctx.Err() != nil {
		f.release(ctx, b.Records())
		return
	}
	ctx = context.WithoutCancel(ctx)
	failed := b.Records()
	switch {
	case err != nil:
		f.log.Warn("a batch could not be processed", "error", err)
	case answer.Error != "":
	case f.m.Reports:
		failed = polling.Failures(b.Records(), answer.Payload)
	default:
		failed = nil
	}
	processed := without(b.Records(), failed)
	f.delete(ctx, processed)
	f.count("InvokedEventCount", len(b.Records()))
	f.count("FailedInvokeEventCount", len(failed))
	f.count("DeletedEventCount", len(processed))
	if len(processed) == 0 {
		f.failed.Add(1)
	} else {
		f.done.Add(1)
	}
}

// invoke invokes the function. While there is no concurrency for it that is tried again,
// as long as an invocation can be over before the messages can be received again, and ctx
// has not ended; an invocation that has begun ends by itself.
func (f *feed) invoke(ctx context.Context, t target, event []byte, received time.Time) (answer function.Answer, err error) {
	clock := f.api.cell.Clock
	until := received.Add(f.queue.visibility - time.Duration(t.version.Settings.Timeout)*time.Second)
	for wait := firstPause; ; wait = min(2*wait, longestPause) {
		answer, _, err = f.api.run(context.WithoutCancel(ctx), t, function.Call{RequestID: uuid.NewString(), ARN: t.arn(), Payload: event})
		if !errors.As(err, new(*types.TooManyRequestsException)) {
			return answer, err
		}
		f.failed.Add(1)
		if next := clock.Now().Add(wait); !next.Before(until) || clock.SleepUntil(ctx, next) != nil {
			return answer, err
		}
	}
}

// without are the records that are not among others, which are in the same order.
func without(records, others []polling.Record) []polling.Record {
	if len(others) == 0 {
		return records
	}
	var left []polling.Record
	for _, r := range records {
		if len(others) > 0 && others[0].Receipt == r.Receipt {
			others = others[1:]
			continue
		}
		left = append(left, r)
	}
	return left
}

// deletedAtOnce is how many messages one call deletes.
const deletedAtOnce = 10

// delete deletes messages from the queue. Those that cannot be deleted come again.
func (f *feed) delete(ctx context.Context, records []polling.Record) {
	for some := range slices.Chunk(records, deletedAtOnce) {
		in := &sqs.DeleteMessageBatchInput{QueueUrl: &f.queue.url}
		for i, r := range some {
			in.Entries = append(in.Entries, sqstypes.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: aws.String(r.Receipt)})
		}
		if out, err := f.api.cfg.Queues.DeleteMessageBatch(ctx, in); err != nil {
			f.log.Warn("messages that were processed could not be deleted", "error", err)
		} else if len(out.Failed) > 0 {
			f.log.Debug("messages that were processed could not be deleted", "count", len(out.Failed), "why", aws.ToString(out.Failed[0].Message))
		}
	}
}

// release lets others receive messages that were not sent to the function.
func (f *feed) release(ctx context.Context, records []polling.Record) {
	ctx = context.WithoutCancel(ctx)
	for some := range slices.Chunk(records, deletedAtOnce) {
		in := &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &f.queue.url}
		for i, r := range some {
			in.Entries = append(in.Entries, sqstypes.ChangeMessageVisibilityBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: aws.String(r.Receipt)})
		}
		if _, err := f.api.cfg.Queues.ChangeMessageVisibilityBatch(ctx, in); err != nil {
			f.log.Debug("messages could not be made visible", "error", err)
		}
	}
}

// count adds to a metric of the mapping, if those were asked for.
func (f *feed) count(name string, n int) {
	if n > 0 && len(f.m.Metrics) > 0 {
		f.api.meter.Add(measure{name: name, unit: "Count", mapping: f.m.UUID}, float64(n))
	}
}

// A pause is how long to wait before something is tried again.
type pause time.Duration

// after waits after an error, each time longer, and tells of the first one. It reports
// false when ctx ends.
func (p *pause) after(ctx context.Context, log *slog.Logger, err error) bool {
	if ctx.Err() != nil {
		return false
	}
	if *p == 0 {
		log.Warn("an event source mapping cannot be carried out", "error", err)
	}
	*p = min(max(2**p, pause(firstPause)), pause(longestPause))
	return sleep(ctx, time.Duration(*p))
}

// sleep waits for some real time. It reports false when ctx ends before.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
