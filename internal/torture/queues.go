package main

import (
	"context"
	"fmt"
	"log"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"golang.org/x/sync/errgroup"

	"flyball/internal/client"
)

// The messages of a run of queues: four of five go through a standard queue, and the
// others through a FIFO queue, in which each producer is a message group.
const (
	queueProducers = 8
	queueConsumers = 8
	fifoShare      = 5
	queueRound     = 1000 // messages
	visibility     = 10 * time.Second
	// clockSlack is by how much less than the visibility timeout a message has to stay in
	// flight: the server counts whole milliseconds on its own clock.
	clockSlack = 100 * time.Millisecond
	queueLife  = 8 * time.Second        // of a server, on average, where there is work for it
	whileDown  = 100 * time.Millisecond // between calls that fail, which leaves the server time to start
	atRest     = 2 * time.Minute        // to find that nothing comes any more
)

// A stream is a queue with its ledger.
type stream struct {
	*ledger
	name  string
	total int
	url   string
	api   *sqs.Client
	ended atomic.Int64 // producers that have sent all
}

// killsOfQueues sends messages through queues and takes them out, while the server is
// killed again and again, until all were taken.
func killsOfQueues(ctx context.Context, r *run) error {
	r.speed = 1
	q := &queuesRun{run: r}
	messages := r.rounds * queueRound
	api := client.New(client.Config{Endpoint: "http://" + r.addr, Region: "us-east-1"}).SQS
	once := sqs.New(api.Options(), func(o *sqs.Options) { o.Retryer, o.DisableMessageChecksumValidation = aws.NopRetryer{}, true })
	for _, s := range []*stream{{name: "standard", total: messages - messages/fifoShare}, {name: "ordered.fifo", total: messages / fifoShare}} {
		s.api, s.url = once, "http://"+r.addr+"/123456789012/"+s.name
		s.ledger = newLedger(strings.HasSuffix(s.name, ".fifo"), q.found)
		q.streams = append(q.streams, s)
	}
	return q.all(ctx)
}

// A queuesRun is one run.
type queuesRun struct {
	*run
	streams []*stream
	faults  atomic.Pointer[[]fault] // that were found since they were reported last
}

// found keeps faults until they are reported.
func (q *queuesRun) found(faults ...fault) {
	for {
		old := q.faults.Load()
		all := faults
		if old != nil {
			all = append(append([]fault(nil), *old...), faults...)
		}
		if q.faults.CompareAndSwap(old, &all) {
			return
		}
	}
}

// all lives until all messages were taken, and looks whether the last life knows of none.
func (q *queuesRun) all(ctx context.Context) error {
	began := time.Now()
	p, err := q.start(ctx, 1)
	if err != nil {
		return err
	}
	defer func() { p.kill() }()
	for _, s := range q.streams {
		if err := s.create(ctx); err != nil {
			return err
		}
	}
	working, stop := context.WithCancel(ctx)
	defer stop()
	producing, stopProducing := context.WithCancel(working)
	defer stopProducing()
	var clients errgroup.Group
	for _, s := range q.streams {
		for i := range queueProducers {
			clients.Go(func() error { s.produce(producing, i); return nil })
		}
		for range queueConsumers {
			clients.Go(func() error { s.consume(working); return nil })
		}
	}
	n := 1
	for ; !q.taken() && time.Now().Before(q.until) && ctx.Err() == nil; n++ {
		pause(ctx, time.Duration(float64(queueLife)*(0.5+q.rng.Float64())))
		q.kill(n, p)
		q.attempts++
		next, err := q.start(ctx, n+1)
		if err != nil {
			return err
		}
		p = next
		q.tell(n, began)
	}
	stopProducing() // if the time was over before all was sent
	err = q.rest(ctx, n)
	stop()
	_ = clients.Wait()
	q.tell(n, began)
	return err
}

// tell reports the faults that were found, and how far the run has come.
func (q *queuesRun) tell(n int, began time.Time) {
	if faults := q.faults.Swap(nil); faults != nil {
		q.report(n, *faults...)
	}
	for _, s := range q.streams {
		s.mu.Lock()
		log.Printf("life %d, %v: %s: %d sent, %d received, %d of them more than once", n, time.Since(began).Round(time.Second), s.name, len(s.sent), len(s.seen), s.again)
		s.mu.Unlock()
	}
}

// taken reports whether all messages were sent and received.
func (q *queuesRun) taken() bool {
	for _, s := range q.streams {
		if n, _ := s.missing(); s.ended.Load() < queueProducers || n > 0 {
			return false
		}
	}
	return true
}

// rest waits until both queues are empty, and reports what was lost.
func (q *queuesRun) rest(ctx context.Context, n int) error {
	for _, s := range q.streams {
		var left string
		for began := time.Now(); time.Since(began) < q.within(atRest) && ctx.Err() == nil; pause(ctx, 100*time.Millisecond) {
			var err error
			if left, err = s.left(ctx); err != nil {
				return err
			}
			if left == "" {
				break
			}
		}
		if left != "" {
			q.report(n, fault{lost, s.name, s.name + " does not come to be empty: " + left})
		}
		if missing, example := s.missing(); missing > 0 {
			q.report(n, fault{lost, s.name, fmt.Sprintf("%s: %d acknowledged messages were never received, such as %v", s.name, missing, example)})
		}
	}
	return ctx.Err()
}

// left tells what a queue says that it holds; "" is nothing.
func (s *stream) left(ctx context.Context) (string, error) {
	names := []types.QueueAttributeName{types.QueueAttributeNameApproximateNumberOfMessages, types.QueueAttributeNameApproximateNumberOfMessagesNotVisible}
	out, err := s.api.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &s.url, AttributeNames: names})
	if err != nil {
		return "", err
	}
	visible, inFlight := out.Attributes[string(names[0])], out.Attributes[string(names[1])]
	if visible == "0" && inFlight == "0" {
		return "", nil
	}
	return visible + " messages visible, " + inFlight + " in flight", nil
}

func (s *stream) create(ctx context.Context) error {
	attributes := map[string]string{"VisibilityTimeout": strconv.Itoa(int(visibility / time.Second))}
	if s.fifo {
		attributes["FifoQueue"], attributes["DeduplicationScope"], attributes["FifoThroughputLimit"] = "true", "messageGroup", "perMessageGroupId"
	}
	_, err := s.api.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &s.name, Attributes: attributes})
	return err
}

// produce sends a producer's share, in batches, each until it is acknowledged.
func (s *stream) produce(ctx context.Context, i int) {
	group := strconv.Itoa(i)
	for first, last := 1, s.total/queueProducers; first <= last; first += 10 {
		var entries []types.SendMessageBatchRequestEntry
		for n := first; n < min(first+10, last+1); n++ {
			text := group + "-" + strconv.Itoa(n)
			e := types.SendMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(n)), MessageBody: aws.String(text)}
			if s.fifo {
				e.MessageGroupId, e.MessageDeduplicationId = &group, e.MessageBody
			}
			entries = append(entries, e)
		}
		for !s.send(ctx, group, entries) {
			if pause(ctx, whileDown); ctx.Err() != nil {
				return
			}
		}
	}
	s.ended.Add(1)
}

// send makes one attempt, and reports whether all of the batch was acknowledged.
func (s *stream) send(ctx context.Context, group string, entries []types.SendMessageBatchRequestEntry) bool {
	out, err := s.api.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: &s.url, Entries: entries})
	if err != nil || len(out.Failed) > 0 {
		return false
	}
	for _, e := range entries {
		n, _ := strconv.Atoi(*e.Id)
		s.acknowledged(parcel{group, n})
	}
	return true
}

// consume receives messages and deletes them until ctx ends.
func (s *stream) consume(ctx context.Context) {
	for ctx.Err() == nil {
		began := time.Now()
		out, err := s.api.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &s.url, MaxNumberOfMessages: 10, WaitTimeSeconds: 1})
		if err != nil {
			pause(ctx, whileDown)
			continue
		}
		now := time.Now()
		handles := map[string]*string{}
		for _, m := range out.Messages {
			p, ok := readParcel(*m.Body)
			if !ok {
				s.faults(fault{halfWritten, *m.MessageId, "message " + *m.MessageId + " has the body " + *m.Body})
				continue
			}
			s.received(*m.MessageId, p, began, now, visibility-clockSlack)
			handles[*m.MessageId] = m.ReceiptHandle
		}
		s.delete(ctx, handles)
	}
}

func readParcel(body string) (p parcel, ok bool) {
	group, number, ok := strings.Cut(body, "-")
	n, err := strconv.Atoi(number)
	return parcel{group, n}, ok && err == nil
}

// delete deletes messages until that is acknowledged, or it is too late to.
func (s *stream) delete(ctx context.Context, handles map[string]*string) {
	for len(handles) > 0 && ctx.Err() == nil {
		var entries []types.DeleteMessageBatchRequestEntry
		for id, handle := range handles {
			if !s.inTime(id, time.Now()) {
				delete(handles, id) // it may come back, and is deleted then
				continue
			}
			entries = append(entries, types.DeleteMessageBatchRequestEntry{Id: &id, ReceiptHandle: handle})
		}
		if len(entries) == 0 {
			return
		}
		out, err := s.api.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: &s.url, Entries: entries})
		if err != nil {
			pause(ctx, whileDown)
			continue
		}
		now := time.Now()
		for _, e := range out.Successful {
			s.deleted(*e.Id, now)
		}
		return
	}
}
