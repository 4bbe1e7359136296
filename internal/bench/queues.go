package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

const sqsTarget = "AmazonSQS."

// A queueClient calls one queue without the work of an SDK's client.
type queueClient struct {
	*program
	http http.Client
	url  string // of the queue
	// prefix begins the names of its figures.
	prefix string
}

// call makes one call, and decodes its answer into out if there is one.
func (q *queueClient) call(ctx context.Context, operation string, in document, out any) error {
	in["QueueUrl"] = q.url
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	return q.post(ctx, operation, body, out)
}

func (q *queueClient) post(ctx context.Context, operation string, body []byte, out any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, q.program.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header = http.Header{
		"X-Amz-Target": {sqsTarget + operation}, "Content-Type": {"application/x-amz-json-1.0"},
		"Authorization": {"AWS4-HMAC-SHA256 Credential=bench/20260101/us-east-1/sqs/aws4_request, SignedHeaders=host, Signature=0"},
	}
	res, err := q.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	switch {
	case err != nil:
		return err
	case res.StatusCode != http.StatusOK:
		return fmt.Errorf("%s: %s: %s", operation, res.Status, text)
	case out == nil:
		return nil
	}
	return json.Unmarshal(text, out)
}

// A receiveAnswer is what is read of ReceiveMessage's.
type receiveAnswer struct {
	Messages []struct{ ReceiptHandle string }
}

// queues measures a standard queue with durable writes: batches of ten messages of 200
// bytes from and to many callers, how soon one who waits gets a message, and the memory
// of a server with a long backlog.
func queues(ctx context.Context, binary string, backlog int) error {
	dir, err := os.MkdirTemp("", "flyball-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	p, err := startFlyball(ctx, binary, dir)
	if err != nil {
		return err
	}
	defer func() { p.stop() }()
	q := &queueClient{program: p, url: p.url + "/123456789012/bench"}
	q.http.Transport = &http.Transport{MaxIdleConnsPerHost: 64}
	if err := q.call(ctx, "CreateQueue", document{"QueueName": "bench"}, nil); err != nil {
		return err
	}
	if err := q.throughput(ctx, 5*time.Second); err != nil {
		return err
	}
	if err := q.wakeUps(ctx, 1000); err != nil {
		return err
	}
	if err := q.backlog(ctx, backlog); err != nil {
		return err
	}
	return restart(ctx, q, binary, dir, backlog)
}

// beside measures the throughput of another server that speaks SQS's protocol.
func beside(ctx context.Context, url string) error {
	q := &queueClient{program: &program{url: url}}
	q.http.Transport = &http.Transport{MaxIdleConnsPerHost: 64}
	var made struct{ QueueUrl string }
	if err := q.call(ctx, "CreateQueue", document{"QueueName": "bench"}, &made); err != nil {
		return err
	}
	q.url, q.prefix = made.QueueUrl, "beside_"
	return q.throughput(ctx, 5*time.Second)
}

// restart kills the server and measures how long it is from a start until the number of
// waiting messages is told, which has to be right.
func restart(ctx context.Context, q *queueClient, binary, dir string, backlog int) error {
	q.program.cmd.Process.Kill()
	q.program.cmd.Wait()
	began := time.Now()
	p, err := startFlyball(ctx, binary, dir)
	if err != nil {
		return err
	}
	defer p.stop()
	q.program = p
	var got struct{ Attributes map[string]string }
	if err := q.call(ctx, "GetQueueAttributes", document{"AttributeNames": []string{"ApproximateNumberOfMessages"}}, &got); err != nil {
		return err
	}
	if n := got.Attributes["ApproximateNumberOfMessages"]; n != fmt.Sprint(backlog) {
		return fmt.Errorf("%s messages wait after a kill, and %d did before", n, backlog)
	}
	figure(fmt.Sprintf("queue_restart_at_%d", backlog), float64(time.Since(began).Milliseconds()), "ms")
	return nil
}

// many runs callers until one of them returns an error or says that it is done, or for a
// time, and tells how many messages all of them have handled, and how many a second.
func many(ctx context.Context, callers int, d time.Duration, call func(context.Context) (n int, err error)) (rate float64, handled int64, err error) {
	var total atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	began := time.Now()
	for range callers {
		group.Go(func() error {
			for d == 0 || time.Since(began) < d {
				n, err := call(ctx)
				if err != nil || n == 0 {
					return err
				}
				total.Add(int64(n))
			}
			return nil
		})
	}
	err = group.Wait()
	return float64(total.Load()) / time.Since(began).Seconds(), total.Load(), err
}

const callers = 32

// throughput measures sends, and then receives of what was sent with their deletes.
func (q *queueClient) throughput(ctx context.Context, d time.Duration) error {
	body := q.batch()
	send := func(ctx context.Context) (int, error) { return 10, q.post(ctx, "SendMessageBatch", body, nil) }
	if err := q.rate(ctx, "sends", d, send); err != nil {
		return err
	}
	return q.rate(ctx, "receives_and_deletes", 0, q.take)
}

// rate measures how many messages are handled in a second, and the processor time that one
// takes of the server, for which it matters less what else the machine does.
func (q *queueClient) rate(ctx context.Context, what string, d time.Duration, call func(context.Context) (int, error)) error {
	before, err := q.used()
	if err != nil {
		return err
	}
	rate, handled, err := many(ctx, callers, d, call)
	if err != nil {
		return err
	}
	after, err := q.used()
	if err != nil {
		return err
	}
	figure(q.prefix+"queue_"+what+"_10x200B", rate, "messages/s")
	if after > before {
		figure(q.prefix+"queue_"+what+"_server_cpu", (after-before).Seconds()*1e6/float64(handled), "us/message")
	}
	return nil
}

// used is the processor time that the server has used, or nothing where it is another's.
func (q *queueClient) used() (time.Duration, error) {
	if q.cmd == nil {
		return 0, nil
	}
	return q.cpu()
}

// batch is a request that sends ten messages.
func (q *queueClient) batch() []byte {
	var entries []document
	for i := range 10 {
		entries = append(entries, document{"Id": fmt.Sprint(i), "MessageBody": strings.Repeat("m", 200)})
	}
	body, _ := json.Marshal(document{"QueueUrl": q.url, "Entries": entries}) // texts can be written
	return body
}

// take receives messages and deletes them.
func (q *queueClient) take(ctx context.Context) (int, error) {
	var got receiveAnswer
	if err := q.call(ctx, "ReceiveMessage", document{"MaxNumberOfMessages": 10}, &got); err != nil || len(got.Messages) == 0 {
		return 0, err
	}
	var entries []document
	for i, m := range got.Messages {
		entries = append(entries, document{"Id": fmt.Sprint(i), "ReceiptHandle": m.ReceiptHandle})
	}
	return len(entries), q.call(ctx, "DeleteMessageBatch", document{"Entries": entries}, nil)
}

// wakeUps measures the time from before a message is sent until one who waits has it.
func (q *queueClient) wakeUps(ctx context.Context, n int) error {
	var took []time.Duration
	for range n {
		got := make(chan error, 1)
		var answer receiveAnswer
		go func() { got <- q.call(ctx, "ReceiveMessage", document{"WaitTimeSeconds": 20}, &answer) }()
		time.Sleep(5 * time.Millisecond) // for it to wait
		sent := time.Now()
		if err := q.call(ctx, "SendMessage", document{"MessageBody": "wake up"}, nil); err != nil {
			return err
		}
		if err := <-got; err != nil {
			return err
		}
		took = append(took, time.Since(sent))
		for _, m := range answer.Messages {
			if err := q.call(ctx, "DeleteMessage", document{"ReceiptHandle": m.ReceiptHandle}, nil); err != nil {
				return err
			}
		}
	}
	figure("queue_wake_up_p50", quantile(took, 0.5), "ms")
	figure("queue_wake_up_p99", quantile(took, 0.99), "ms")
	return nil
}

// backlog measures the memory of a server whose queue holds many messages.
func (q *queueClient) backlog(ctx context.Context, n int) error {
	body := q.batch()
	var sent atomic.Int64
	_, _, err := many(ctx, callers, 0, func(ctx context.Context) (int, error) {
		if sent.Add(10) > int64(n) {
			return 0, nil
		}
		return 10, q.post(ctx, "SendMessageBatch", body, nil)
	})
	if err != nil {
		return err
	}
	if mib, err := q.rss(); err == nil {
		figure(fmt.Sprintf("queue_memory_at_%d", n), mib, "MiB")
	}
	return nil
}
