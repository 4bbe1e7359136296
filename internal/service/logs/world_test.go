package logs_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/smithy-go"

	"flyball/internal/cell"
	"flyball/internal/clock"
	"flyball/internal/service/logs"
	"flyball/internal/state"
	"flyball/internal/store"
	"flyball/metric"
)

const (
	account = "123456789012"
	region  = "eu-west-2"
	hour    = int64(time.Hour / time.Millisecond)
	day     = 24 * hour
)

// A world is the service in a cell of its own.
type world struct {
	*logs.API
	t    testing.TB
	dir  string
	cell *cell.Cell
	took recorder
}

// A recorder keeps the samples that it is handed.
type recorder struct {
	mu      sync.Mutex
	samples []metric.Sample
}

func (r *recorder) Record(samples []metric.Sample) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.samples = append(r.samples, samples...)
}

func newWorld(t testing.TB) *world {
	t.Helper()
	st, err := store.OpenSQLite("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	w := &world{t: t, dir: t.TempDir(), cell: &cell.Cell{
		Account: account, Region: region, Clock: clock.New(time.Now(), 1), State: state.New(st).Scope(cell.Scope(account, region)),
	}}
	w.open()
	t.Cleanup(func() { w.Close() })
	return w
}

func (w *world) open() {
	w.t.Helper()
	api, err := logs.New(logs.Config{Cell: w.cell, Dir: w.dir, Metrics: &w.took})
	if err != nil {
		w.t.Fatal(err)
	}
	w.API = api
}

// restart closes the service and opens it anew.
func (w *world) restart() {
	w.t.Helper()
	if err := w.Close(); err != nil {
		w.t.Fatal(err)
	}
	w.open()
}

func (w *world) now() int64 { return w.cell.Clock.Now().UnixMilli() }

func (w *world) create(group string, streams ...string) {
	w.t.Helper()
	must(w.CreateLogGroup(ctx(w), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: &group}))
	for _, s := range streams {
		must(w.CreateLogStream(ctx(w), &cloudwatchlogs.CreateLogStreamInput{LogGroupName: &group, LogStreamName: &s}))
	}
}

// put puts messages, a millisecond apart.
func (w *world) put(group, stream string, from int64, messages ...string) *cloudwatchlogs.PutLogEventsOutput {
	w.t.Helper()
	var events []types.InputLogEvent
	for i, m := range messages {
		events = append(events, types.InputLogEvent{Timestamp: aws.Int64(from + int64(i)), Message: &m})
	}
	return must(w.PutLogEvents(ctx(w), &cloudwatchlogs.PutLogEventsInput{LogGroupName: &group, LogStreamName: &stream, LogEvents: events}))
}

// search finds messages in a group, page by page.
func (w *world) search(in *cloudwatchlogs.FilterLogEventsInput) (messages []string) {
	w.t.Helper()
	pages := cloudwatchlogs.NewFilterLogEventsPaginator(w, in)
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx(w))
		if err != nil {
			w.t.Fatal(err)
		}
		for _, e := range out.Events {
			messages = append(messages, *e.Message)
		}
	}
	return messages
}

func ctx(w *world) context.Context { return w.t.Context() }

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// refused checks what an error says.
func refused(t *testing.T, what string, err error, code, message string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != code || api.ErrorMessage() != message {
		t.Errorf("%s: got %v, want %s: %s", what, err, code, message)
	}
}

func lines(n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprint("line ", i))
	}
	return all
}
