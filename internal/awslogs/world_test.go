package awslogs

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"flyball/internal/cell"
	"flyball/internal/clock"
	"flyball/internal/state"
	"flyball/internal/store"
	"flyball/internal/task"
)

// noon is when the world begins.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// destination is where the containers of the tests write to.
var destination = Destination{Group: "app", Region: "us-east-1", Stream: "web/main/1", Buffer: defaultBuffer}

// A world is a driver over log groups that remember all that was put, in the time of a
// synctest bubble.
type world struct {
	*testing.T
	cell   *cell.Cell
	logs   *fakeLogs
	driver *Driver
}

func inWorld(t *testing.T, test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		st, err := store.OpenSQLite("")
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		w := &world{T: t, logs: &fakeLogs{groups: map[string]map[string][]event{"app": {}}}}
		w.cell = &cell.Cell{
			Account: "123456789012", Region: "us-east-1", Clock: clock.New(noon, 1),
			State: state.New(st).Scope("a/"), Log: slog.New(slog.DiscardHandler),
		}
		w.boot()
		defer func() { w.kill() }()
		test(w)
	})
}

// boot begins a life of the driver.
func (w *world) boot() {
	w.Helper()
	var err error
	w.driver, err = New(Config{Cell: w.cell, Logs: func(region string) (Logs, error) { return w.logs, nil }})
	if err != nil {
		w.Fatal(err)
	}
}

// kill ends a life of the driver at once.
func (w *world) kill() {
	w.driver.end()
	synctest.Wait()
}

// open makes the stream of the tests.
func (w *world) open() {
	w.Helper()
	if err := w.driver.Open(w.Context(), destination, ""); err != nil {
		w.Fatal(err)
	}
}

// messages are those of a stream.
func (w *world) messages(stream string) []string {
	var all []string
	for _, e := range w.logs.stream("app", stream) {
		all = append(all, e.message)
	}
	return all
}

// wants compares the messages of the stream of the tests.
func (w *world) wants(want ...string) {
	w.Helper()
	if got := w.messages(destination.Stream); !slices.Equal(got, want) {
		w.Errorf("the stream has %q, want %q", got, want)
	}
}

// An event is a message in a stream.
type event struct {
	at      int64
	message string
}

// fakeLogs keeps log groups.
type fakeLogs struct {
	mu     sync.Mutex
	groups map[string]map[string][]event
	puts   int
	before func() error // called before a batch is kept
	after  func() error // called afterwards
}

// disturb has batches fail before they are kept, or after it.
func (l *fakeLogs) disturb(before, after func() error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.before, l.after = before, after
}

// faults are what disturb has set.
func (l *fakeLogs) faults() (before, after func() error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	none := func() error { return nil }
	before, after = none, none
	if l.before != nil {
		before = l.before
	}
	if l.after != nil {
		after = l.after
	}
	return before, after
}

// batches is how many were put.
func (l *fakeLogs) batches() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.puts
}

// drop deletes a stream.
func (l *fakeLogs) drop(group, stream string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.groups[group], stream)
}

func (l *fakeLogs) stream(group, name string) []event {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.groups[group][name])
}

func (l *fakeLogs) CreateLogGroup(_ context.Context, in *cloudwatchlogs.CreateLogGroupInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.CreateLogGroupOutput, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.groups[*in.LogGroupName] != nil {
		return nil, &types.ResourceAlreadyExistsException{}
	}
	l.groups[*in.LogGroupName] = map[string][]event{}
	return &cloudwatchlogs.CreateLogGroupOutput{}, nil
}

func (l *fakeLogs) CreateLogStream(_ context.Context, in *cloudwatchlogs.CreateLogStreamInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.CreateLogStreamOutput, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	group := l.groups[*in.LogGroupName]
	if group == nil {
		return nil, &types.ResourceNotFoundException{Message: aws.String("The specified log group does not exist.")}
	}
	if _, ok := group[*in.LogStreamName]; ok {
		return nil, &types.ResourceAlreadyExistsException{}
	}
	group[*in.LogStreamName] = []event{}
	return &cloudwatchlogs.CreateLogStreamOutput{}, nil
}

func (l *fakeLogs) PutLogEvents(_ context.Context, in *cloudwatchlogs.PutLogEventsInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.PutLogEventsOutput, error) {
	fail, after := l.faults()
	if err := fail(); err != nil {
		return nil, err
	}
	if err := l.keep(in); err != nil {
		return nil, err
	}
	if err := after(); err != nil {
		return nil, err
	}
	return &cloudwatchlogs.PutLogEventsOutput{}, nil
}

func (l *fakeLogs) keep(in *cloudwatchlogs.PutLogEventsInput) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	stream, ok := l.groups[*in.LogGroupName][*in.LogStreamName]
	if !ok {
		return &types.ResourceNotFoundException{Message: aws.String("The specified log stream does not exist.")}
	}
	bytes := 0
	for i, e := range in.LogEvents {
		bytes += len(*e.Message) + 26
		switch {
		case *e.Message == "" || len(*e.Message) > 256<<10:
			return errors.New("a message of a wrong length")
		case i > 0 && *e.Timestamp < *in.LogEvents[i-1].Timestamp:
			return errors.New("not in the order of times")
		case *e.Timestamp-*in.LogEvents[0].Timestamp > (24 * time.Hour).Milliseconds():
			return errors.New("a batch of more than a day")
		}
		stream = append(stream, event{*e.Timestamp, *e.Message})
	}
	if bytes > 1<<20 || len(in.LogEvents) > 10_000 || len(in.LogEvents) == 0 {
		return errors.New("a batch of a wrong size")
	}
	l.groups[*in.LogGroupName][*in.LogStreamName] = stream
	l.puts++
	return nil
}

// GetLogEvents pages by three events.
func (l *fakeLogs) GetLogEvents(_ context.Context, in *cloudwatchlogs.GetLogEventsInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.GetLogEventsOutput, error) {
	from, _ := strconv.Atoi(aws.ToString(in.NextToken))
	out := &cloudwatchlogs.GetLogEventsOutput{}
	all := l.stream(*in.LogGroupName, *in.LogStreamName)
	for ; from < len(all) && len(out.Events) < 3; from++ {
		if e := all[from]; e.at >= *in.StartTime {
			out.Events = append(out.Events, types.OutputLogEvent{Message: &e.message, Timestamp: &e.at})
		}
	}
	out.NextForwardToken = aws.String(strconv.Itoa(from))
	return out, nil
}

// A writer is a task of one container, which writes what the tests tell it.
type writer struct {
	task.Task // nil: what else there is of a task is not asked for
	done      chan struct{}

	mu      sync.Mutex
	lines   []string // a line that ends with \ goes on
	at      []time.Time
	cut     int           // the first line that is kept
	written chan struct{} // closed at the next line
}

func newWriter() *writer { return &writer{done: make(chan struct{}), written: make(chan struct{})} }

func (w *writer) ID() string            { return "1" }
func (w *writer) Done() <-chan struct{} { return w.done }

// write writes lines.
func (w *writer) write(lines ...string) { w.writeAt(time.Time{}, lines...) }

func (w *writer) writeAt(at time.Time, lines ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, line := range lines {
		w.lines, w.at = append(w.lines, line), append(w.at, at)
	}
	close(w.written)
	w.written = make(chan struct{})
}

// lose cuts the oldest lines off.
func (w *writer) lose(lines int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = lines
}

func (w *writer) Logs(_ context.Context, container string, opts task.LogOptions) (task.Log, error) {
	n, _ := strconv.Atoi(opts.Position)
	return &reader{of: w, n: n, opts: opts}, nil
}

type reader struct {
	of   *writer
	n    int
	opts task.LogOptions
}

func (r *reader) Next(ctx context.Context) (task.Line, error) {
	for {
		over := !r.opts.Follow || closed(r.of.done)
		line, ok, written := r.line()
		switch {
		case ok:
			return line, nil
		case over:
			return task.Line{}, io.EOF
		}
		select {
		case <-written:
		case <-r.of.done:
		case <-ctx.Done():
			return task.Line{}, ctx.Err()
		}
	}
}

func (r *reader) line() (line task.Line, ok bool, written <-chan struct{}) {
	r.of.mu.Lock()
	defer r.of.mu.Unlock()
	if r.n < r.of.cut {
		r.n, line.Lost, line.Start = r.of.cut, true, strconv.Itoa(r.of.cut)
	}
	if r.n == len(r.of.lines) {
		return line, false, r.of.written
	}
	text, partial := strings.CutSuffix(r.of.lines[r.n], `\`)
	line.Text, line.Partial, line.At = []byte(text), partial, r.of.at[r.n]
	r.n++
	return line, true, nil
}

func (r *reader) Position() string { return strconv.Itoa(r.n) }
func (r *reader) Close() error     { return nil }

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
