// Package worker is the program behind flyball/worker: it takes messages from a queue and
// spends time on each.
//
// Any program that imports this package turns into that one when it is started as it.
package worker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"flyball/internal/workload"
)

func init() { workload.Become(workload.Worker, run) }

// Times on the wall clock.
const (
	poll        = 20 * time.Second // how long a receive waits for a message
	callTimeout = 10 * time.Second // how long a call may take, but for that
	// finishWithin is how long a worker that is told to stop goes on with the message
	// that it works on, and releaseWithin how long it may then take to tell the queue.
	// ECS ends a task 30 s after telling it, unless told otherwise.
	finishWithin  = 20 * time.Second
	releaseWithin = 5 * time.Second
	// deleteWithin is when a message that is done with is deleted at the latest, while
	// the worker goes on with others of its batch.
	deleteWithin = time.Second
	firstPause   = 100 * time.Millisecond // after a call that failed; it doubles
	longestPause = 5 * time.Second
)

// queue is what a worker asks of SQS.
type queue interface {
	ReceiveMessage(context.Context, *sqs.ReceiveMessageInput, ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error)
	DeleteMessageBatch(context.Context, *sqs.DeleteMessageBatchInput, ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error)
	ChangeMessageVisibilityBatch(context.Context, *sqs.ChangeMessageVisibilityBatchInput, ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error)
}

var _ queue = (*sqs.Client)(nil)

// A worker takes messages from a queue and spends a given time on each, one after
// the other, before it deletes them.
type worker struct {
	settings
	queue      queue
	protection *protection // nil asks for none
	out        io.Writer
}

// run takes messages until ctx ends, and then lets the one that it works on come to its
// end. Where the queue is and with which key it is called is found as by any client of the
// SDK. The settings, with durations on the queue's clock, which runs FLYBALL_SPEED times as
// fast as the wall clock (1 by default):
//
//	QUEUE_URL           the queue to take messages from
//	TIME_PER_MESSAGE    how long a message takes, 100ms by default
//	WORK                "wait", the default, or "cpu": that long in CPU time
//	BATCH               how many messages to take at once, 1 to 10, 10 by default
//	VISIBILITY_TIMEOUT  asked for with each receive and again while it works; 30s by default
//	PROTECT             1 protects the task from scale-in while it works
//	LOG_MESSAGES        1 writes a line for each message, with the time that it has waited
func run(ctx context.Context, getenv func(string) string) error {
	s, err := readSettings(getenv)
	if err != nil {
		return err
	}
	w := &worker{settings: s, out: os.Stdout}
	if s.protect {
		if w.protection, err = newProtection(getenv("ECS_AGENT_URI"), s); err != nil {
			return err
		}
	}
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	w.queue = sqs.NewFromConfig(cfg)
	w.say("worker: takes messages from %s, %v each", s.url, s.each)
	w.run(ctx)
	return nil
}

// run takes messages until ctx ends. Whatever the queue answers, it goes on: a
// server that is being restarted comes back.
func (w *worker) run(ctx context.Context) {
	pause := firstPause
	for ctx.Err() == nil {
		w.giveWay(ctx)
		messages, err := w.receive(ctx)
		received := time.Now()
		switch {
		case err != nil && ctx.Err() == nil:
			w.say("worker: receiving: %v", err)
			sleep(ctx, pause)
			pause = min(2*pause, longestPause)
			continue
		case len(messages) == 0:
			w.unprotect(ctx)
		default:
			w.protect(ctx)
			w.work(ctx, messages, received)
		}
		pause = firstPause
	}
}

func (w *worker) receive(ctx context.Context) ([]types.Message, error) {
	ctx, cancel := context.WithTimeout(ctx, poll+callTimeout)
	defer cancel()
	in := &sqs.ReceiveMessageInput{
		QueueUrl:            &w.url,
		MaxNumberOfMessages: int32(w.batch),
		WaitTimeSeconds:     int32(poll / time.Second),
		VisibilityTimeout:   int32(w.visibility / time.Second),
	}
	if w.protection != nil && w.protection.on {
		in.WaitTimeSeconds = 0 // a task that has nothing to do is not to be protected
	}
	if w.log {
		in.MessageSystemAttributeNames = waited
	}
	out, err := w.queue.ReceiveMessage(ctx, in)
	if err != nil {
		return nil, err
	}
	return out.Messages, nil
}

// work spends its time on each of a batch of messages. When stopping ends it
// finishes the message that it works on, if that does not take too long, and gives
// the others back.
func (w *worker) work(stopping context.Context, messages []types.Message, received time.Time) {
	ctx, cancel := outlive(stopping, finishWithin)
	defer cancel()
	b := w.hold(ctx, messages)
	end := time.Now()
	for _, m := range messages {
		if stopping.Err() != nil {
			break
		}
		if w.log {
			w.say("%s", w.line(m, received))
		}
		end = end.Add(w.real(w.each))
		if !w.spend(ctx, end) {
			break
		}
		if b.done(m) {
			b.delete(ctx)
			end = time.Now() // what a call takes is not taken off the next message
		}
	}
	b.release(ctx)
}

// spend works on a message: until a time, or for as much CPU time. It reports
// whether it could.
func (w *worker) spend(ctx context.Context, end time.Time) bool {
	if !w.cpu {
		return sleep(ctx, time.Until(end))
	}
	const slice = 10 * time.Millisecond // between two looks at ctx
	for left := w.real(w.each); left > 0 && ctx.Err() == nil; left -= slice {
		workload.Burn(min(left, slice))
	}
	return ctx.Err() == nil
}

// waited is what is asked about messages to know how long they have waited.
var waited = []types.MessageSystemAttributeName{
	types.MessageSystemAttributeNameSentTimestamp,
	types.MessageSystemAttributeNameApproximateFirstReceiveTimestamp,
	types.MessageSystemAttributeNameApproximateReceiveCount,
}

// line tells of a message that is begun now how long it has waited since it was
// sent. The queue's times are on its own clock: the worker adds what has passed on
// the wall clock since. Of a message that was received before it is the time until then.
func (w *worker) line(m types.Message, received time.Time) string {
	at := func(name types.MessageSystemAttributeName) time.Time { return timestamp(m.Attributes[string(name)]) }
	wait := at(types.MessageSystemAttributeNameApproximateFirstReceiveTimestamp).Sub(at(types.MessageSystemAttributeNameSentTimestamp))
	wait += time.Duration(float64(time.Since(received)) * w.speed)
	line := fmt.Sprintf("message %s waited %.3f s", aws.ToString(m.MessageId), wait.Seconds())
	if count := m.Attributes[string(types.MessageSystemAttributeNameApproximateReceiveCount)]; count != "1" {
		line += ", received " + count + " times"
	}
	return line
}

// giveWay ends a protection that has lasted, before more messages are taken.
func (w *worker) giveWay(ctx context.Context) {
	if w.protection != nil && w.protection.lasted() {
		w.unprotect(ctx)
	}
}

func (w *worker) protect(ctx context.Context)   { w.setProtection(ctx, true) }
func (w *worker) unprotect(ctx context.Context) { w.setProtection(ctx, false) }

// setProtection has the task protected or not. Without protection the worker works,
// too: what it holds when it is stopped comes back to the queue.
func (w *worker) setProtection(ctx context.Context, on bool) {
	if w.protection == nil {
		return
	}
	if err := w.protection.set(ctx, on); err != nil && ctx.Err() == nil {
		w.say("worker: task protection: %v", err)
	}
}

func (w *worker) say(format string, args ...any) { fmt.Fprintf(w.out, format+"\n", args...) }

// refused reports whether a call failed with an answer that will be the same again.
func refused(err error) bool {
	answer, ok := errors.AsType[*awshttp.ResponseError](err)
	return ok && answer.HTTPStatusCode() >= 400 && answer.HTTPStatusCode() < 500
}

// outlive is a context that ends a while after another.
func outlive(ctx context.Context, by time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		sleep(longer, by)
		cancel()
	})
	return longer, func() { stop(); cancel() }
}

// sleep waits for a time. It reports whether ctx let it.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
