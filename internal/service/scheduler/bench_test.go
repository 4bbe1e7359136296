package scheduler_test

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	sdk "github.com/aws/aws-sdk-go-v2/service/scheduler"

	"flyball/internal/cell"
	"flyball/internal/clock"
	"flyball/internal/deliver"
	"flyball/internal/delivery"
	"flyball/internal/service/scheduler"
	"flyball/internal/state"
	"flyball/internal/store"
)

// BenchmarkRuns measures what a run costs, from the agenda to the target, with everything
// on disk: 10,000 schedules are due at once. Use -benchtime 1x.
func BenchmarkRuns(b *testing.B) {
	const schedules = 10_000
	dir := b.TempDir()
	st, err := store.OpenSQLite(filepath.Join(dir, "state.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer st.Close()
	c := &cell.Cell{
		Account: account, Region: "eu-west-2", Clock: clock.New(time.Now(), 1),
		State: state.New(st).Scope(cell.Scope(account, "eu-west-2")), Log: slog.New(slog.DiscardHandler),
	}
	var router deliver.Router
	var left sync.WaitGroup
	router.Handle("sqs", func(context.Context, arn.ARN, any) error { left.Done(); return nil })
	queue, err := delivery.Open(delivery.Options{Folder: filepath.Join(dir, "deliveries"), Clock: c.Clock, Router: &router, Log: c.Log})
	if err != nil {
		b.Fatal(err)
	}
	defer queue.Close()
	api, err := scheduler.New(scheduler.Config{Cell: c, Deliveries: queue, Router: &router})
	if err != nil {
		b.Fatal(err)
	}
	var creating sync.WaitGroup
	for part := range 100 { // so that they share syncs
		creating.Go(func() {
			for i := part; i < schedules; i += 100 {
				in := scheduleOf("rate(1 days)", func(in *sdk.CreateScheduleInput) { in.Name = aws.String(fmt.Sprint(i)) })
				if _, err := api.CreateSchedule(b.Context(), in); err != nil {
					b.Error(err)
				}
			}
		})
	}
	creating.Wait()
	left.Add(schedules)
	ctx, cancel := context.WithCancel(b.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = queue.Run(ctx) })
	b.ResetTimer() // all of them are one operation
	running.Go(func() { _ = api.Run(ctx) })
	left.Wait()
	b.ReportMetric(float64(b.Elapsed().Microseconds())/schedules, "µs/run")
	cancel()
	running.Wait()
}
