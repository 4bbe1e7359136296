package delivery_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"flyball/internal/clock"
	"flyball/internal/deliver"
	"flyball/internal/delivery"
)

// BenchmarkDeliver measures durable deliveries, from Deliver to the target, by ten callers
// with ten deliveries each.
func BenchmarkDeliver(b *testing.B) {
	var router deliver.Router
	var left sync.WaitGroup
	router.Handle("target", func(context.Context, arn.ARN, any) error { left.Done(); return nil })
	q, err := delivery.Open(delivery.Options{Folder: b.TempDir(), Clock: clock.New(time.Now(), 1), Router: &router})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = q.Run(ctx) })
	body := make([]byte, 500)
	const callers, batch = 10, 10
	left.Add(b.N * batch)
	b.ResetTimer()
	var sending sync.WaitGroup
	for c := range callers {
		sending.Go(func() {
			for i := c; i < b.N; i += callers {
				all := make([]delivery.Delivery, batch)
				for n := range all {
					all[n] = delivery.Delivery{Owner: "test", To: fmt.Sprintf("arn:aws:target:us-east-1:123456789012:%d", n), Invocation: deliver.Invocation{Body: body}}
				}
				if err := q.Deliver(ctx, all...); err != nil {
					b.Error(err)
				}
			}
		})
	}
	sending.Wait()
	left.Wait()
	b.ReportMetric(float64(b.N*batch)/b.Elapsed().Seconds(), "deliveries/s")
	cancel()
	running.Wait()
	q.Close()
}

// BenchmarkDeliverOne measures how long one delivery takes to its target, disk included.
func BenchmarkDeliverOne(b *testing.B) {
	var router deliver.Router
	taken := make(chan struct{})
	router.Handle("target", func(context.Context, arn.ARN, any) error { taken <- struct{}{}; return nil })
	q, err := delivery.Open(delivery.Options{Folder: b.TempDir(), Clock: clock.New(time.Now(), 1), Router: &router})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = q.Run(ctx) })
	for b.Loop() {
		if err := q.Deliver(ctx, delivery.Delivery{To: target}); err != nil {
			b.Fatal(err)
		}
		<-taken
	}
	cancel()
	running.Wait()
	q.Close()
}
