package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"golang.org/x/sync/errgroup"

	"flyball/internal/client"
	"flyball/internal/load"
	"flyball/internal/voucher"
)

// The burst that is measured, in the server's time, which is five times as fast as the
// wall clock: so that what workers and calls take does not weigh more than it would.
const (
	burstSize      = 10_000
	burstSpeed     = 5
	burstWorkers   = 20
	burstAgreed    = 10 * time.Second
	burstLongest   = 20 * time.Minute
	burstEach      = 100 * time.Millisecond
	afterTheMinute = 5 * time.Second // when in a minute messages come
)

// burst measures how soon an idle service works off many messages that come at once, by
// how it follows its backlog: AWS's two metrics or Flyball's own, each minute or each
// second. One more message comes each second, whose waiting time tells when the agreed
// one is kept again.
func burst(ctx context.Context, binary string) error {
	dir, err := os.MkdirTemp("", "flyball-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	p, err := start(ctx, binary, "serve", "--addr", "127.0.0.1:0", "--data", dir, "--runtime", "process",
		"--speed", fmt.Sprint(burstSpeed), "--log-level", "error")
	if err != nil {
		return err
	}
	defer p.stop()
	c := client.New(client.Config{Endpoint: p.url, Region: "us-east-1"})
	for _, plan := range []voucher.Plan{
		{Name: "math_60s", Period: time.Minute, Math: true},
		{Name: "math_1s", Period: time.Second, Math: true},
		{Name: "flyball_60s", Period: time.Minute},
		{Name: "flyball_1s", Period: time.Second},
	} {
		plan.Most, plan.Each, plan.Agreed = burstWorkers, burstEach, burstAgreed
		if err := burstOnto(ctx, c, plan); err != nil {
			return fmt.Errorf("%s: %w", plan.Name, err)
		}
	}
	return nil
}

// burstOnto measures one burst.
func burstOnto(ctx context.Context, c *client.Client, plan voucher.Plan) error {
	shop, err := voucher.Open(ctx, c, plan)
	if err != nil {
		return err
	}
	now, err := serverTime(ctx, c)
	if err != nil {
		return err
	}
	// An idle queue has had time to be measured as such.
	from := now().Truncate(time.Minute).Add(2*time.Minute + afterTheMinute)
	time.Sleep(from.Sub(now()) / burstSpeed)
	b := &burstRun{shop: shop, queue: c.SQS, now: now, began: now()}
	if err := b.run(ctx); err != nil {
		return err
	}
	return b.report(ctx)
}

// serverTime reads the server's clock once, and goes on from there.
func serverTime(ctx context.Context, c *client.Client) (func() time.Time, error) {
	clock, err := c.Clock(ctx)
	read := time.Now()
	return func() time.Time { return clock.Now.Add(time.Duration(float64(time.Since(read)) * clock.Speed)) }, err
}

// A burstRun is one burst that is being worked off.
type burstRun struct {
	shop         *voucher.Shop
	queue        *sqs.Client
	now          func() time.Time
	began        time.Time
	first, empty time.Time // when a worker ran, and when no message waited any more
	sent         int
}

// run sends the burst, and a message each second until the queue is empty.
func (b *burstRun) run(ctx context.Context) error {
	body, err := load.ParseTemplate("{{.N}}")
	if err != nil {
		return err
	}
	var all errgroup.Group
	all.Go(func() error {
		sent, err := load.Feed{Queue: b.queue, URL: b.shop.URL, Messages: burstSize, Body: body}.Run(ctx)
		b.sent += sent.Requests - sent.Errors
		return err
	})
	drained, stop := context.WithCancel(ctx)
	defer stop()
	probes := 0
	all.Go(func() error {
		for drained.Err() == nil {
			time.Sleep(time.Second / burstSpeed)
			if _, err := b.queue.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &b.shop.URL, MessageBody: aws.String("probe")}); err != nil {
				return err
			}
			probes++
		}
		return nil
	})
	err = b.watch(ctx)
	stop()
	err = errors.Join(err, all.Wait())
	b.sent += probes
	return err
}

// watch waits until a worker runs, and then until no messages wait that others are
// behind of.
func (b *burstRun) watch(ctx context.Context) error {
	for b.now().Sub(b.began) < burstLongest {
		s, err := b.shop.Look(ctx)
		if err != nil {
			return err
		}
		at := b.now()
		if b.first.IsZero() && s.Running > 0 {
			b.first = at
		}
		if !b.first.IsZero() && s.Waiting == 0 {
			b.empty = at
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return fmt.Errorf("after %v the queue is not empty", burstLongest)
}

// report prints the times since the burst. The agreement is kept from the first message
// on after which none waits longer.
func (b *burstRun) report(ctx context.Context) error {
	waits, err := b.waits(ctx)
	if err != nil {
		return err
	}
	late := b.began
	for _, w := range waits {
		if w.For > burstAgreed && w.Sent().After(late) {
			late = w.Sent()
		}
	}
	for name, at := range map[string]time.Time{"first_worker": b.first, "agreement": late, "empty": b.empty} {
		figure("backlog_"+b.shop.Name+"_"+name, at.Sub(b.began).Seconds(), "s")
	}
	return nil
}

// waits are those of all messages, once the logs tell of all.
func (b *burstRun) waits(ctx context.Context) ([]voucher.Wait, error) {
	for began := time.Now(); time.Since(began) < time.Minute; time.Sleep(200 * time.Millisecond) {
		waits, err := b.shop.Waits(ctx, time.Time{})
		if err != nil || len(waits) >= b.sent {
			return waits, err
		}
	}
	return nil, fmt.Errorf("the logs do not tell of all %d messages", b.sent)
}
