package events_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/smithy-go"

	"flyball/internal/cell"
	"flyball/internal/clock"
	"flyball/internal/deliver"
	"flyball/internal/delivery"
	"flyball/internal/service/events"
	"flyball/internal/state"
	"flyball/internal/store"
	"flyball/metric"
)

var _ interface {
	PutEvents(context.Context, *eventbridge.PutEventsInput, ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error)
	PutRule(context.Context, *eventbridge.PutRuleInput, ...func(*eventbridge.Options)) (*eventbridge.PutRuleOutput, error)
} = (*events.API)(nil)

const (
	queueARN = "arn:aws:sqs:us-east-1:123456789012:q"
	deadARN  = "arn:aws:sqs:us-east-1:123456789012:dead"
)

// A world is the service with queues that take what they are sent, unless refuse says no.
type world struct {
	*events.API
	deliveries *delivery.Queue
	state      *state.State
	router     deliver.Router
	refuse     func(to string) error

	mu      sync.Mutex
	sent    map[string][]deliver.Invocation // by ARN
	samples []metric.Sample
}

// Record implements tally.Recorder.
func (w *world) Record(s []metric.Sample) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.samples = append(w.samples, s...)
}

// open opens the service in a store and folder, and runs it until the returned function is
// called.
func open(t testing.TB, st store.Store, folder string) (*world, func()) {
	t.Helper()
	w := &world{sent: map[string][]deliver.Invocation{}}
	clk := clock.New(time.Now(), 1)
	c := &cell.Cell{
		Account: "123456789012", Region: "us-east-1", Clock: clk, Log: slog.New(slog.DiscardHandler),
		State: state.New(st).Scope(cell.Scope("123456789012", "us-east-1")),
	}
	w.state = c.State
	w.router.Handle("sqs", func(_ context.Context, to arn.ARN, message any) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.refuse != nil {
			if err := w.refuse(to.String()); err != nil {
				return err
			}
		}
		w.sent[to.String()] = append(w.sent[to.String()], message.(deliver.Invocation))
		return nil
	})
	w.router.Handle("events", func(ctx context.Context, to arn.ARN, message any) error {
		return w.Receive(ctx, to.Resource[len("event-bus/"):], message.(deliver.Invocation))
	})
	w.router.Handle("ecs", func(_ context.Context, to arn.ARN, message any) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.sent[to.String()] = append(w.sent[to.String()], message.(deliver.Invocation))
		return nil
	})
	var err error
	w.deliveries, err = delivery.Open(delivery.Options{Folder: folder, Lazy: true, Clock: clk, Router: &w.router, Log: c.Log})
	if err != nil {
		t.Fatal(err)
	}
	if w.API, err = events.New(events.Config{Cell: c, Deliveries: w.deliveries, Metrics: w}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = w.API.Run(ctx) })
	running.Go(func() { _ = w.deliveries.Run(ctx) })
	return w, func() { cancel(); running.Wait(); w.deliveries.Close() }
}

// fresh opens the service with nothing in it.
func fresh(t testing.TB) (*world, func()) {
	t.Helper()
	st, err := store.OpenSQLite("")
	if err != nil {
		t.Fatal(err)
	}
	w, stop := open(t, st, t.TempDir())
	return w, func() { stop(); st.Close() }
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// rule puts a rule with targets on the default bus.
func (w *world) rule(t testing.TB, name, pattern string, targets ...types.Target) string {
	t.Helper()
	out, err := w.PutRule(t.Context(), &eventbridge.PutRuleInput{Name: &name, EventPattern: &pattern})
	if err != nil {
		t.Fatal(err)
	}
	w.targets(t, name, targets...)
	return *out.RuleArn
}

func (w *world) targets(t testing.TB, rule string, targets ...types.Target) {
	t.Helper()
	if len(targets) == 0 {
		return
	}
	if _, err := w.PutTargets(t.Context(), &eventbridge.PutTargetsInput{Rule: &rule, Targets: targets}); err != nil {
		t.Fatal(err)
	}
}

// put sends an event and returns its ID.
func (w *world) put(t testing.TB, source, detailType, detail string) string {
	t.Helper()
	out, err := w.PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{
		{Source: &source, DetailType: &detailType, Detail: &detail},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if out.FailedEntryCount > 0 {
		t.Fatalf("%s: %s", *out.Entries[0].ErrorCode, *out.Entries[0].ErrorMessage)
	}
	return *out.Entries[0].EventId
}

// to are the bodies that a target was sent.
func (w *world) to(arn string) (bodies []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range w.sent[arn] {
		bodies = append(bodies, string(m.Body))
	}
	return bodies
}

func queue(id string) types.Target { return types.Target{Id: &id, Arn: aws.String(queueARN)} }

// news is how many events of services have rows.
func (w *world) news(t *testing.T) (n int) {
	t.Helper()
	err := state.Scan(w.state, state.Kind{Name: "events.news", Version: 1}, store.Range{}, func(string, *json.RawMessage) bool { n++; return true })
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// refused checks the code and the text of an error.
func refused(t *testing.T, err error, code, message string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != code || api.ErrorMessage() != message {
		t.Errorf("got %v, want %s: %s", err, code, message)
	}
}

// document is JSON as a value.
func document(t *testing.T, text string) (v map[string]any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}
