package awslogs

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"flyball/internal/task"
)

// A follower puts what one container writes. All but its contexts belongs to the
// goroutine that runs it.
type follower struct {
	driver    *Driver
	task      task.Task
	container string
	to        Destination
	role      string // the execution role of the task
	key       string // TASK/CONTAINER
	slog      *slog.Logger

	reads   context.Context // ends when no more is read
	stop    func()
	puts    context.Context // ends when no more is put
	abandon func()
	done    chan struct{} // closed when the follower has ended

	log    task.Log
	events assembler
	next   *task.Line // was read, and begins the next batch
	mark   mark       // that is remembered
	last   int64      // time of the last event, in milliseconds since 1970
	since  int        // bytes put since the mark
	marked time.Time  // when the mark was set, on the wall clock

	refused bool      // what was put last
	warned  time.Time // of lines that were lost, on the wall clock
}

func newFollower(d *Driver, t task.Task, container string, to Destination, role string) *follower {
	f := &follower{
		driver: d, task: t, container: container, to: to, role: role, key: t.ID() + "/" + container,
		slog:   d.log.With("task", t.ID(), "container", container, "group", to.Group),
		done:   make(chan struct{}),
		events: assembler{begins: to.Begins},
	}
	f.puts, f.abandon = context.WithCancel(d.lives)
	f.reads, f.stop = context.WithCancel(f.puts)
	return f
}

// run puts what the container writes until it has ended, or the follower is to.
func (f *follower) run() {
	defer close(f.done)
	defer f.abandon()
	f.mark = f.driver.markOf(f.key)
	if f.mark.Ended {
		return
	}
	if err := f.resume(); err != nil {
		f.giveUp(err)
		return
	}
	defer f.log.Close()
	for {
		b, err := f.collect()
		if len(b.events) > 0 && !f.put(b) {
			return
		}
		switch {
		case errors.Is(err, io.EOF):
			f.setMark(mark{Position: f.log.Position(), After: f.last, Ended: true})
			return
		case err != nil:
			f.setMark(mark{Position: f.position(), After: f.last})
			f.giveUp(err)
			return
		case f.next != nil && f.next.Lost:
			f.passLoss()
		case f.next != nil: // and where it begins is not known
		case f.since >= markBytes || time.Since(f.marked) >= markInterval && f.since > 0:
			f.setMark(mark{Position: f.position(), After: f.last})
		}
	}
}

// giveUp says why a container is followed no longer, unless that was asked for.
func (f *follower) giveUp(err error) {
	if f.reads.Err() == nil {
		f.slog.Error("a container's log is not put into CloudWatch Logs any more", "error", err)
	}
}

// How much is put, and for how long, before that is remembered. A life of the server
// that follows a kill reads so much again.
const (
	markBytes    = 1 << 20
	markInterval = 10 * time.Second
)

// setMark remembers how far the follower is. Every later event has a later time.
func (f *follower) setMark(m mark) {
	f.driver.setMark(f.key, m)
	f.mark, f.since, f.marked = m, 0, time.Now()
}

// position is behind what was put.
func (f *follower) position() string {
	if f.events.holds() {
		return f.events.from
	}
	return f.log.Position()
}

// warnInterval is how often it is said of a container that its lines are lost.
const warnInterval = time.Minute

// passLoss remembers that the log goes on behind something that was lost, before
// anything is put of what follows: the bytes that were put tell no more where it was.
func (f *follower) passLoss() {
	if time.Since(f.warned) >= warnInterval {
		f.slog.Warn("lines of a container were lost: it writes faster than they can be put")
		f.warned = time.Now()
	}
	f.setMark(mark{Position: f.next.Start, After: f.last})
	_ = f.driver.cell.State.Settle(f.puts) // if the disk fails, the server ends
}

// resume opens the log behind what was put. Since the mark was set, that may have been
// more.
func (f *follower) resume() error {
	put, err := f.putSince()
	if err != nil {
		return err
	}
	position := f.mark.Position
	if put > 0 {
		if position, err = f.skip(position, put); err != nil {
			return err
		}
	}
	opts := task.LogOptions{Position: position, Follow: true, Behind: f.to.Buffer, Hold: f.to.Blocking}
	f.marked = time.Now()
	f.log, err = f.task.Logs(f.reads, f.container, opts)
	return err
}

// skip is the position behind some bytes of messages.
func (f *follower) skip(position string, bytes int) (string, error) {
	log, err := f.task.Logs(f.reads, f.container, task.LogOptions{Position: position})
	if err != nil {
		return "", err
	}
	defer log.Close()
	for bytes > 0 {
		line, err := log.Next(f.reads)
		switch {
		case errors.Is(err, io.EOF):
			return position, nil
		case err != nil:
			return "", err
		case line.Lost: // and with it, where what was put ends
			f.setMark(mark{Position: line.Start, After: f.last})
			return line.Start, nil
		}
		bytes -= f.events.size(line)
		position = log.Position()
	}
	return position, nil
}

// putSince is how many bytes of messages were put since the mark was set. It also finds
// the time of the last event.
func (f *follower) putSince() (bytes int, err error) {
	f.last = f.mark.After
	in := &cloudwatchlogs.GetLogEventsInput{
		LogGroupName: &f.to.Group, LogStreamName: &f.to.Stream,
		StartTime: aws.Int64(f.mark.After + 1), StartFromHead: aws.Bool(true),
	}
	for {
		var page *cloudwatchlogs.GetLogEventsOutput
		err := f.try(func(logs Logs) (err error) {
			page, err = logs.GetLogEvents(f.puts, in)
			return err
		})
		if refused(err) {
			return bytes, nil // there is no such stream any more
		}
		if err != nil {
			return 0, err
		}
		for _, e := range page.Events {
			bytes += len(aws.ToString(e.Message))
			f.last = max(f.last, aws.ToInt64(e.Timestamp))
		}
		if aws.ToString(page.NextForwardToken) == aws.ToString(in.NextToken) {
			return bytes, nil
		}
		in.NextToken = page.NextForwardToken
	}
}

// batchTime is how long a batch waits for more lines, in real time.
const batchTime = time.Second

// collect returns the events of the lines that are there, after waiting for the first
// one. With io.EOF nothing follows on them.
func (f *follower) collect() (b batch, err error) {
	more, err := f.await(&b)
	if !more {
		return b, err
	}
	ctx, cancel := context.WithTimeout(f.reads, batchTime)
	defer cancel()
	for more && !b.full() {
		more, err = f.take(ctx, &b)
	}
	return b, err
}

// await takes the first line, for which lines of an event do not wait for long.
func (f *follower) await(b *batch) (more bool, err error) {
	if !f.events.holds() {
		return f.take(f.reads, b)
	}
	ctx, cancel := context.WithDeadline(f.reads, f.events.since.Add(quietAfter))
	defer cancel()
	return f.take(ctx, b)
}

// take adds what the next line completes to a batch. It returns false when the batch is
// to be put: because of the line, which the next batch begins with, or for want of one.
func (f *follower) take(ctx context.Context, b *batch) (more bool, err error) {
	position, line, err := f.read(ctx)
	if err != nil {
		return false, f.pause(b, err)
	}
	at := f.virtual(line.At)
	if f.next == nil && (line.Lost || b.spans(at)) {
		f.complete(b)
		f.hold(line)
		return false, nil
	}
	f.next = nil
	began, messages := f.events.add(line, at, position)
	f.add(b, began, messages)
	return true, nil
}

// read returns the next line and, for those who may have to come back to it, the position
// before it.
func (f *follower) read(ctx context.Context) (position string, line task.Line, err error) {
	if f.next != nil {
		return f.next.Start, *f.next, nil
	}
	if f.events.begins != nil {
		position = f.log.Position()
	}
	line, err = f.log.Next(ctx)
	return position, line, err
}

// hold keeps a line for the next batch.
func (f *follower) hold(line task.Line) {
	line.Text = slices.Clone(line.Text)
	f.next = &line
}

// pause ends a batch for want of a line: because the time is over, or with an error.
func (f *follower) pause(b *batch, err error) error {
	switch {
	case errors.Is(err, context.DeadlineExceeded) && f.reads.Err() == nil:
		if f.events.holds() && time.Since(f.events.since) >= quietAfter {
			f.complete(b)
		}
		return nil
	case errors.Is(err, io.EOF):
		f.complete(b)
	}
	return err
}

// complete adds the event of the lines that are held.
func (f *follower) complete(b *batch) {
	if f.events.holds() {
		f.add(b, f.events.at, f.events.flush())
	}
}

// add adds messages that were written at a time. No event is earlier than the one before
// it, nor as early as the last one that the mark knows.
func (f *follower) add(b *batch, at int64, messages []string) {
	if len(messages) > 0 {
		f.last = max(at, f.last, f.mark.After+1)
		b.add(f.last, messages)
	}
}

// virtual is when a line was written, in milliseconds since 1970 on the server's clock.
// Of lines without a time it is when they are read.
func (f *follower) virtual(at time.Time) int64 {
	clock := f.driver.cell.Clock
	now := clock.Now()
	if !at.IsZero() {
		now = now.Add(-time.Duration(float64(time.Since(at)) * clock.Speed()))
	}
	return now.UnixMilli()
}

// put puts a batch. It returns false when nothing is to be put any more. What is refused
// is dropped: the log group may have been deleted.
func (f *follower) put(b batch) bool {
	in := &cloudwatchlogs.PutLogEventsInput{LogGroupName: &f.to.Group, LogStreamName: &f.to.Stream, LogEvents: b.events}
	var out *cloudwatchlogs.PutLogEventsOutput
	err := f.try(func(logs Logs) (err error) {
		out, err = logs.PutLogEvents(f.puts, in)
		if !is[*types.ResourceNotFoundException](err) {
			return err
		}
		if err := f.driver.Open(f.puts, f.to, f.role); err != nil {
			return err
		}
		out, err = logs.PutLogEvents(f.puts, in)
		return err
	})
	if f.puts.Err() != nil && err != nil {
		return false
	}
	if err != nil && !f.refused {
		f.slog.Warn("lines of a container are not put into CloudWatch Logs", "reason", err)
	}
	f.refused = err != nil
	f.since += b.bytes
	if err != nil || out.RejectedLogEventsInfo != nil {
		f.since = markBytes // what the stream has tells less than what was read
	}
	return true
}

// The pauses between calls that have failed, in real time.
const (
	firstRetry = time.Second
	mostRetry  = 30 * time.Second
)

// try makes a call until it succeeds, is refused, or nothing is to be put any more.
func (f *follower) try(call func(Logs) error) error {
	for pause := firstRetry; ; pause = min(2*pause, mostRetry) {
		logs, err := f.driver.cfg.Logs(f.to.Region)
		if err == nil {
			err = call(logs)
		}
		if err == nil || refused(err) || f.puts.Err() != nil {
			return err
		}
		f.slog.Warn("a call of CloudWatch Logs failed, and is made again", "reason", err)
		select {
		case <-time.After(pause):
		case <-f.puts.Done():
			return err
		}
	}
}
