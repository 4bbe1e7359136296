package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"flyball/internal/client"
	"flyball/internal/load"
	"flyball/internal/threshold"
)

// loadNames are what --fail-if can compare, of a whole load.
var loadNames = threshold.Names{
	{Name: "p50", Unit: threshold.Duration, About: "median latency of the answers that were no failures"},
	{Name: "p90", Unit: threshold.Duration, About: "90th percentile of the same; and so on"},
	{Name: "p95", Unit: threshold.Duration, About: "95th percentile"},
	{Name: "p99", Unit: threshold.Duration, About: "99th percentile"},
	{Name: "p99.9", Unit: threshold.Duration, About: "99.9th percentile"},
	{Name: "max", Unit: threshold.Duration, About: "the slowest answer"},
	{Name: "errors", Unit: threshold.Share, About: "share of the requests that failed"},
	{Name: "failed", Unit: threshold.Number, About: "how many failed"},
	{Name: "requests", Unit: threshold.Number, About: "how many there were, with those that failed"},
	{Name: "throughput", Unit: threshold.Number, About: "answers a second that were no failures"},
}

// measured are the values of loadNames. Latencies of no answer are not known.
func measured(s load.Summary) map[string]float64 {
	values := map[string]float64{
		"errors": s.ErrorShare(), "failed": float64(s.Errors), "requests": float64(s.Requests), "throughput": s.Throughput(),
	}
	if s.Requests > s.Errors {
		for name, d := range map[string]time.Duration{
			"p50": s.Latency.P50, "p90": s.Latency.P90, "p95": s.Latency.P95, "p99": s.Latency.P99, "p99.9": s.Latency.P999, "max": s.Latency.Max,
		} {
			values[name] = d.Seconds()
		}
	}
	return values
}

// run sends requests, and tells what came of them.
func (l loading) run(ctx context.Context, urls []string, out io.Writer) error {
	schedule, err := l.schedule()
	if err != nil {
		return err
	}
	request, err := l.request()
	if err != nil {
		return err
	}
	following, stop := context.WithCancel(ctx)
	defer stop()
	route, err := l.findRoute(following, urls)
	if err != nil {
		return err
	}
	if route.follower != nil && request.Header.Get("Host") == "" && route.follower.Place().Host != "" {
		request.Header.Set("Host", route.follower.Place().Host)
	}
	transport := route.transport()
	defer transport.CloseIdleConnections()
	var summary load.Summary
	first := firstAnswer{patience: l.patience(route), timeout: l.timeout}
	kept, err := l.recorded(ctx, func(ctx context.Context, clock client.Clock, record func(load.Second)) error {
		ctx, end := context.WithCancelCause(ctx)
		defer end(nil)
		real := schedule.Faster(clock.Speed)
		show, say := l.newScreen(out, route, real, clock.Speed)
		first.say, first.end = say, end
		summary, err = load.Plan{
			Targets:  route.targets,
			Schedule: real,
			Open:     l.open, Think: l.think, Request: request,
			Timeout: l.timeout, Drain: l.drain, InFlight: l.connections, Retry: route.follower != nil, Transport: transport,
			Report: func(s load.Second) {
				s.Tasks = route.tasks()
				record(s)
				first.see(s)
				show(s)
			},
		}.Run(ctx)
		return err
	})
	if err != nil {
		return err
	}
	return l.conclude(ctx, out, summary, kept, route, first)
}

// conclude tells what came of a load, writes its reports, and fails if it is not good enough.
func (l loading) conclude(ctx context.Context, out io.Writer, s load.Summary, kept *keptLoad, r route, first firstAnswer) error {
	judgements, failed := l.failIf.judge(measured(s))
	var told error
	if l.json {
		told = printLine(out, summaryJSON(s, kept.clock.Speed, judgements))
	} else {
		printSummary(out, s)
		printJudgements(out, judgements)
	}
	if r.follower != nil && r.follower.Err() != nil {
		fmt.Fprintln(os.Stderr, "flyball: at the end the server did not tell where the tasks are:", r.follower.Err())
	}
	return errors.Join(told, l.writeReports(ctx, out, kept, r, judgements), failed, first.check(s))
}

// A keptLoad is what is kept of a load, and the clock that it began on.
type keptLoad struct {
	clock   client.Clock
	history load.History
}

// recorded runs a load on the clock that it follows, and keeps its record. A record that
// cannot be kept ends the load: it is what the load is for.
func (l loading) recorded(ctx context.Context, run func(ctx context.Context, clock client.Clock, record func(load.Second)) error) (*keptLoad, error) {
	var file *os.File
	var err error
	if l.out != "" { // before the server's clock is read, and before anything is sent
		if file, err = os.Create(l.out); err != nil {
			return nil, err
		}
		defer file.Close()
	}
	clock, err := l.clock(ctx)
	if err != nil {
		return nil, err
	}
	kept := &keptLoad{clock: clock}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	recorder := load.NewRecorder(file, clock.Now, clock.Speed)
	err = run(ctx, clock, func(s load.Second) {
		if len(l.reports) > 0 {
			kept.history.Add(recorder.Line(s))
		}
		if file == nil {
			return
		}
		if err := recorder.Write(s); err != nil {
			stop(err)
		}
	})
	if err != nil || file == nil {
		return kept, err
	}
	return kept, errors.Join(notCanceled(context.Cause(ctx)), file.Close())
}

// notCanceled is an error of ours: that the user ended the load is none.
func notCanceled(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
