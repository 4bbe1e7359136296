package function

import (
	"context"
	"fmt"
	"sync"
	"time"

	"flyball/internal/task"
)

// Logs takes what environments write. Its method is called from several goroutines, for
// each stream from one at a time.
type Logs interface {
	// Put appends lines to a stream of the function's log group. Neither may exist yet.
	Put(ctx context.Context, fn Function, stream string, lines []Line) error
}

// A Line is one event of a log.
type Line struct {
	At   time.Time // on the wall clock
	Text string
}

const (
	logBehind  = 1 << 20 // what is read of it at one look; of more, the oldest is left out
	logPending = 4 << 20 // what waits to be put; more is left out
	tailBytes  = 4 << 10 // what an answer tells
)

// A logWriter brings what an environment writes to its log stream.
type logWriter struct {
	host   *Host
	fn     Function
	stream string

	reading sync.Mutex
	from    task.Log // what the environment's programs write; nil before there is a task

	mu      sync.Mutex
	pending []Line
	bytes   int
	lost    int
	putting bool
	tail    []byte
}

// take takes what the environment's programs have written since the last time.
func (w *logWriter) take() {
	w.reading.Lock()
	defer w.reading.Unlock()
	if w.from == nil {
		return
	}
	for {
		line, err := w.from.Next(context.Background())
		if err != nil {
			return // there is nothing more now
		}
		if line.Lost {
			w.add("[ERROR] Flyball: the function has written more than its log takes; lines have been left out here")
		}
		w.add(string(line.Text))
	}
}

// add appends a line.
func (w *logWriter) add(text string) {
	if len(text) > task.LineBytes {
		text = text[:task.LineBytes]
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tail = append(append(w.tail, text...), '\n')
	if len(w.tail) > 16*tailBytes {
		w.tail = append([]byte(nil), w.tail[len(w.tail)-tailBytes:]...)
	}
	if w.host.logs == nil {
		return
	}
	if w.bytes > logPending {
		w.lost++
		return
	}
	w.pending = append(w.pending, Line{time.Now(), text})
	w.bytes += len(text)
	if !w.putting {
		w.putting = true
		w.host.work.Go(w.put)
	}
}

// put puts what waits, until nothing does.
func (w *logWriter) put() {
	for {
		w.mu.Lock()
		lines, lost := w.pending, w.lost
		w.pending, w.bytes, w.lost = nil, 0, 0
		w.putting = len(lines) > 0
		w.mu.Unlock()
		if len(lines) == 0 {
			return
		}
		if lost > 0 {
			lines = append(lines, Line{time.Now(), fmt.Sprintf("[ERROR] Flyball: %d lines have been left out here", lost)})
		}
		w.host.putting <- struct{}{}
		err := w.host.logs.Put(context.Background(), w.fn, w.stream, lines)
		<-w.host.putting
		if err != nil {
			w.host.log.Warn("cannot write a function's log", "function", w.fn.ARN, "error", err)
		}
	}
}

// newLog returns a writer to a log stream of its own.
func (h *Host) newLog(fn Function) *logWriter {
	return &logWriter{host: h, fn: fn, stream: newStream(fn, time.Now())}
}

// newStream is the name of a new environment's log stream.
func newStream(fn Function, now time.Time) string {
	return now.UTC().Format("2006/01/02/[") + fn.Version + "]" + randomHex(16)
}

// forget forgets the end of the log.
func (w *logWriter) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tail = w.tail[:0]
}

// last is the end of the log since forget.
func (w *logWriter) last() []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]byte(nil), w.tail[max(0, len(w.tail)-tailBytes):]...)
}

// attach has the writer take what a new environment writes.
func (w *logWriter) attach(from task.Log) {
	w.reading.Lock()
	defer w.reading.Unlock()
	w.from = from
}

// detach takes the rest of what an environment has written that has ended.
func (w *logWriter) detach() {
	w.take()
	w.reading.Lock()
	defer w.reading.Unlock()
	if w.from != nil {
		_ = w.from.Close() // which was only read
		w.from = nil
	}
}
