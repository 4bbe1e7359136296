package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"flyball/internal/client"
	"flyball/internal/duration"
	"flyball/internal/load"
)

// feed sends messages to a queue and prints a line a second, or JSON at the end.
func (l loading) feed(ctx context.Context, out io.Writer) error {
	feed, err := l.messagesToSend()
	if err != nil {
		return err
	}
	if err := l.server.complete(); err != nil {
		return err
	}
	c := l.server.client()
	if feed.URL, err = queueURL(ctx, c, l.queue); err != nil {
		return err
	}
	feed.Queue = c.SQS
	var summary load.Summary
	var speed float64
	kept, err := l.recorded(ctx, func(ctx context.Context, clock client.Clock, record func(load.Second)) error {
		start := time.Now()
		speed = clock.Speed
		feed.Now = func() time.Time { return clock.Now.Add(time.Duration(float64(time.Since(start)) * speed)) }
		// A rate is of messages in a second of that clock.
		feed.Schedule = feed.Schedule.Faster(speed).Times(speed)
		feed.Report = record
		if !l.json {
			fmt.Fprintln(out, "elapsed   rate  messages  errors  p50       p95       behind  waiting")
			feed.Report = func(s load.Second) {
				printFed(out, s, speed, depth(ctx, c.SQS, feed.URL))
				record(s)
			}
		}
		summary, err = feed.Run(ctx)
		return err
	})
	if err != nil {
		return err
	}
	judgements, failed := l.failIf.judge(measured(summary))
	return errors.Join(l.printFeed(out, summary, speed, judgements), l.writeReports(ctx, out, kept, route{}, judgements), failed)
}

// messagesToSend is what the flags say, with times and rates of the server's clock.
func (l loading) messagesToSend() (f load.Feed, err error) {
	l.body = cmp.Or(l.body, "message {{.N}}")
	if f.Body, err = l.bodyTemplate(); err != nil {
		return f, err
	}
	switch {
	case l.group != "":
		group, err := load.ParseTemplate(l.group)
		if err != nil {
			return f, refuse("--group: %w", err)
		}
		f.Group = &group
	case strings.HasSuffix(l.queue, ".fifo"):
		return f, refuse("--group: a FIFO queue needs message groups, such as --group all or --group '{{random 1 10}}'")
	}
	switch {
	case l.messages < 0:
		return f, refuse("--messages %d is negative", l.messages)
	case l.rate <= 0 && l.messages == 0 && l.shape == nil:
		return f, refuse("give --rate, --stages, --traffic, --traffic-from, --generate or --messages")
	}
	f.Messages = l.messages
	f.Schedule, err = l.pace()
	return f, err
}

// pace is the rate over time. The number of messages says what is not given of rate and
// time; with neither, there is no rate: all are due at once.
func (l loading) pace() (load.Schedule, error) {
	if l.messages == 0 || l.shape != nil || l.rate > 0 && l.timed {
		return l.schedule()
	}
	ramps := (l.ramp + l.rampDown).Seconds() / 2 // a ramp has half as many messages
	switch {
	case l.rate > 0:
		if l.hold = time.Duration((float64(l.messages)/l.rate - ramps) * float64(time.Second)); l.hold < 0 {
			return nil, refuse("the ramps alone have more than %d messages", l.messages)
		}
	case l.timed:
		hold := l.hold
		if l.duration != 0 {
			hold = l.duration - l.ramp - l.rampDown
		}
		l.rate = float64(l.messages) / (hold.Seconds() + ramps)
	default:
		return nil, nil
	}
	return l.schedule()
}

// queueURL is that of a queue, which may be given by its name.
func queueURL(ctx context.Context, c *client.Client, queue string) (string, error) {
	if strings.Contains(queue, "://") {
		return queue, nil
	}
	out, err := c.SQS.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &queue})
	if _, none := errors.AsType[*types.QueueDoesNotExist](err); none {
		return "", refuse("there is no queue %s in region %s; aws sqs list-queues names those that are there", queue, c.Region)
	}
	if err != nil {
		return "", c.Plain(err)
	}
	return *out.QueueUrl, nil
}

// depth is how many messages wait in a queue, or why that is not known.
func depth(ctx context.Context, c *sqs.Client, url string) string {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	name := types.QueueAttributeNameApproximateNumberOfMessages
	out, err := c.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: aws.String(url), AttributeNames: []types.QueueAttributeName{name}})
	if err != nil {
		return "unknown"
	}
	return out.Attributes[string(name)]
}

func printFed(w io.Writer, s load.Second, speed float64, waiting string) {
	elapsed := time.Duration(float64(s.Elapsed) * speed).Round(time.Second)
	fmt.Fprintf(w, "%7s  %5.0f  %8d  %6d  %-8s  %-8s  %6d  %7s\n", duration.String(elapsed), s.Level/speed, s.Requests, s.Errors,
		short(s.Latency.P50), short(s.Latency.P95), s.InFlight, waiting)
}

// printFeed tells what was sent. That nothing could be is an error.
func (l loading) printFeed(w io.Writer, s load.Summary, speed float64, judgements []judgement) error {
	sent := s.Requests - s.Errors
	if l.json {
		told := summaryJSON(s, speed, judgements)
		told["sent"] = sent
		err := printLine(w, told)
		if err != nil {
			return err
		}
	} else {
		fmt.Fprintf(w, "%d sent, %d failed in %s; calls took p50 %s, p95 %s, p99 %s\n", sent, s.Errors,
			duration.String(s.Elapsed.Round(time.Millisecond)), short(s.Latency.P50), short(s.Latency.P95), short(s.Latency.P99))
		printJudgements(w, judgements)
	}
	if s.Errors == 0 {
		return nil
	}
	if sent == 0 {
		return fmt.Errorf("no message was sent: %s; aws sqs list-queues names the queues that are there", s.Err)
	}
	if !l.json {
		fmt.Fprintf(w, "failures by kind: %s; one of them: %s\n", s.Failures, s.Err)
	}
	return nil
}
