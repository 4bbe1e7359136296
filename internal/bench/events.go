package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventstypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// A ruleWorld is a region with a queue that rules send to.
type ruleWorld struct {
	events *eventbridge.Client
	sqs    *sqs.Client
	queue  *string // its URL
	target eventstypes.Target
}

func (p *program) rules(ctx context.Context, region string) (w ruleWorld, err error) {
	cfg := aws.Config{Region: region, BaseEndpoint: &p.url, Credentials: credentials.NewStaticCredentialsProvider("bench", "bench", "")}
	w = ruleWorld{events: eventbridge.NewFromConfig(cfg), sqs: sqs.NewFromConfig(cfg)}
	out, err := w.sqs.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("events")})
	if err != nil {
		return w, err
	}
	w.queue = out.QueueUrl
	w.target = eventstypes.Target{Id: aws.String("queue"), Arn: aws.String("arn:aws:sqs:" + region + ":123456789012:events")}
	return w, nil
}

// rule makes a rule whose target is the queue.
func (w ruleWorld) rule(ctx context.Context, in *eventbridge.PutRuleInput) error {
	if _, err := w.events.PutRule(ctx, in); err != nil {
		return err
	}
	_, err := w.events.PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: in.Name, Targets: []eventstypes.Target{w.target}})
	return err
}

// eventRules measures events over 100 rules, each of which wants one in a hundred, until
// they are acknowledged and until they are in a queue; and 1,000 schedules of one minute.
func eventRules(ctx context.Context, binary string) error {
	p, err := startAnew(ctx, binary)
	if err != nil {
		return err
	}
	defer p.end()
	w, err := p.rules(ctx, "us-east-1")
	if err != nil {
		return err
	}
	const rules = 100
	for i := range rules {
		pattern := fmt.Sprintf(`{"source": ["shop"], "detail": {"kind": ["k%d"], "amount": [{"numeric": [">", 5]}]}}`, i)
		if err := w.rule(ctx, &eventbridge.PutRuleInput{Name: aws.String(fmt.Sprint("r", i)), EventPattern: &pattern}); err != nil {
			return err
		}
	}
	if err := p.putEvents(ctx, w, rules); err != nil {
		return err
	}
	return p.fireSchedules(ctx)
}

// putEvents puts events for a time, ten a call.
func (p *program) putEvents(ctx context.Context, w ruleWorld, rules int) error {
	var entries []document
	for i := range 10 {
		detail := fmt.Sprintf(`{"kind": "k%d", "amount": 7, "text": "%s"}`, i*rules/10, strings.Repeat("x", 150))
		entries = append(entries, document{"Source": "shop", "DetailType": "Order", "Detail": detail})
	}
	body, err := json.Marshal(document{"Entries": entries})
	if err != nil {
		return err
	}
	header := http.Header{"X-Amz-Target": {"AWSEvents.PutEvents"}, "Content-Type": {"application/x-amz-json-1.1"}}
	began := time.Now()
	var sent atomic.Int64
	rate, _, err := many(ctx, callers, 5*time.Second, func(ctx context.Context) (int, error) {
		err := post(ctx, p.url, body, header.Clone())
		if err == nil {
			sent.Add(int64(len(entries)))
		}
		return len(entries), err
	})
	if err != nil {
		return err
	}
	figure(fmt.Sprintf("events_put_10_over_%d_rules", rules), rate, "events/s")
	for {
		n, err := w.waiting(ctx)
		if err != nil {
			return err
		}
		if int64(n) >= sent.Load() {
			figure(fmt.Sprintf("events_in_queue_over_%d_rules", rules), float64(n)/time.Since(began).Seconds(), "events/s")
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// waiting is how many messages are in the queue.
func (w ruleWorld) waiting(ctx context.Context) (n int, err error) {
	out, err := w.sqs.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: w.queue, AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameApproximateNumberOfMessages},
	})
	if err != nil {
		return 0, err
	}
	_, err = fmt.Sscan(out.Attributes["ApproximateNumberOfMessages"], &n)
	return n, err
}

// fireSchedules has 1,000 rules fire at a minute: 250 in each of four regions, as a bus has
// 300 at most. It measures how late the last event of the minute is in its queue.
func (p *program) fireSchedules(ctx context.Context) error {
	const each = 250
	var worlds []ruleWorld
	for _, region := range []string{"eu-west-1", "eu-west-2", "us-east-2", "us-west-2"} {
		w, err := p.rules(ctx, region)
		if err != nil {
			return err
		}
		worlds = append(worlds, w)
		for i := range each {
			if err := w.rule(ctx, &eventbridge.PutRuleInput{Name: aws.String(fmt.Sprint("s", i)), ScheduleExpression: aws.String("cron(* * * * ? *)")}); err != nil {
				return err
			}
		}
	}
	// A minute that began before the last rule was made does not count.
	next := time.Now().Truncate(time.Minute).Add(time.Minute)
	time.Sleep(time.Until(next.Add(-2 * time.Second)))
	for _, w := range worlds {
		if _, err := w.sqs.PurgeQueue(ctx, &sqs.PurgeQueueInput{QueueUrl: w.queue}); err != nil {
			return err
		}
	}
	before, err := p.cpu()
	if err != nil {
		return err
	}
	time.Sleep(time.Until(next))
	for _, w := range worlds {
		for n := 0; n < each; {
			if n, err = w.waiting(ctx); err != nil {
				return err
			}
		}
	}
	figure("events_1000_schedules_last", float64(time.Since(next).Milliseconds()), "ms")
	after, err := p.cpu()
	figure("events_1000_schedules_cpu", float64((after - before).Milliseconds()), "ms")
	return err
}
