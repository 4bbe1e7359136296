package main

import (
	"cmp"
	"context"
	"encoding/json"
	"log"
	"os"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// A queue is what a worker asks of SQS.
type queue interface {
	ReceiveMessage(context.Context, *sqs.ReceiveMessageInput, ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error)
	DeleteMessageBatch(context.Context, *sqs.DeleteMessageBatchInput, ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error)
}

// A worker takes vouchers from the queue, ten at a time, and answers them one after
// the other. What it cannot answer comes back to the queue by itself, and goes to the
// dead letters when that has not helped.
type worker struct {
	db    database
	queue queue
	url   string
	each  time.Duration // that a voucher takes, on the queue's clock
	speed float64       // of that clock
}

func (w worker) run(ctx context.Context) {
	log.Printf("worker: takes vouchers from %s, %v each", w.url, w.each)
	for ctx.Err() == nil {
		out, err := w.queue.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: &w.url, MaxNumberOfMessages: 10, WaitTimeSeconds: 20,
			MessageSystemAttributeNames: []types.MessageSystemAttributeName{
				types.MessageSystemAttributeNameSentTimestamp, types.MessageSystemAttributeNameApproximateFirstReceiveTimestamp,
			},
		})
		if err == nil && len(out.Messages) > 0 {
			// A worker that is told to stop has time for ten vouchers: that is one second.
			err = w.answer(context.WithoutCancel(ctx), out.Messages, time.Now())
		}
		if err != nil && ctx.Err() == nil {
			log.Printf("worker: %v", err)
			pause(ctx, time.Second)
		}
	}
}

// answer answers messages that were received at a time, and deletes those that it could.
func (w worker) answer(ctx context.Context, messages []types.Message, received time.Time) error {
	var answers []upload
	var done []types.DeleteMessageBatchRequestEntry
	for i, m := range messages {
		waited := w.waited(m, received)
		// The time is that of the i-th since the beginning: what one is late the next makes up for.
		pause(ctx, time.Until(received.Add(time.Duration(float64(i+1)*float64(w.each)/w.speed))))
		var t task
		if err := json.Unmarshal([]byte(aws.ToString(m.Body)), &t); err != nil || t.ID == "" {
			log.Printf("worker: message %s is no voucher: %v", aws.ToString(m.MessageId), err)
			continue
		}
		status, balance, err := w.db.look(ctx, t.Code, time.Now())
		if err != nil {
			return err
		}
		answers = append(answers, upload{ID: t.ID, Code: t.Code, Status: status, Balance: balance, Waited: &waited, Worker: name()})
		done = append(done, types.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: m.ReceiptHandle})
	}
	if len(done) == 0 {
		return nil
	}
	if err := w.db.answer(ctx, answers); err != nil {
		return err
	}
	_, err := w.queue.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: &w.url, Entries: done})
	return err
}

// waited is how many seconds a message that is begun now has waited since it was sent,
// on the queue's clock: until it was received, and in this worker's hands since.
func (w worker) waited(m types.Message, received time.Time) float64 {
	milliseconds := func(name types.MessageSystemAttributeName) float64 {
		n, _ := strconv.ParseFloat(m.Attributes[string(name)], 64) // SQS gives a number
		return n
	}
	until := milliseconds(types.MessageSystemAttributeNameApproximateFirstReceiveTimestamp) - milliseconds(types.MessageSystemAttributeNameSentTimestamp)
	return until/1000 + time.Since(received).Seconds()*w.speed
}

// name is what this worker is known by.
func name() string { return cmp.Or(os.Getenv("HOSTNAME"), strconv.Itoa(os.Getpid())) }

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
