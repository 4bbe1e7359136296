package task

import (
	"context"
	"io"
	"time"
)

// LineBytes is how long a line of a log may be. A longer one comes in pieces. It is
// what the awslogs driver of Docker makes one event of at most.
const LineBytes = 256<<10 - 26

// LogOptions say what is read of a container's log.
type LogOptions struct {
	// Position is where an earlier reader of the same log was; "" is the oldest line
	// that is kept.
	Position string
	// Follow waits for what the container writes until it has ended.
	Follow bool
	// Behind is how many bytes that are not read yet are kept for the reader, if it
	// is not 0: of more than that, the oldest are left out.
	Behind int64
	// Hold, with Behind, holds the container up instead. The Docker runtime cannot.
	Hold bool
}

// A Log reads what a container has written, from the oldest line on. It is for one
// goroutine.
type Log interface {
	// Next returns the next line, which the container has ended unless it has ended
	// itself. The error is io.EOF when there is none and there
	// will be none, or that of ctx, which does not keep the log from being read on.
	Next(ctx context.Context) (Line, error)
	// Position is behind the line that Next returned last: there another reader can
	// go on, in another life of the server, too.
	Position() string
	// Close ends the reading. It does nothing to the log.
	Close() error
}

// A Line is one line of a container's log, or a piece of a long one.
type Line struct {
	Text    []byte    // without the newline; valid until the next call of Next
	Partial bool      // the line goes on in the next piece
	Lost    bool      // what was written before it is not there any more, or was left out
	Start   string    // the position of its beginning, if something was lost before it
	At      time.Time // when it was written, on the wall clock; zero if that is not known
}

// Text is a log as one text. Reading and closing it are those of the log.
func Text(ctx context.Context, log Log) io.ReadCloser {
	return &text{ctx: ctx, log: log}
}

type text struct {
	ctx  context.Context
	log  Log
	rest []byte
}

// Read implements io.Reader.
func (t *text) Read(p []byte) (int, error) {
	for len(t.rest) == 0 {
		line, err := t.log.Next(t.ctx)
		if err != nil {
			return 0, err
		}
		t.rest = append(t.rest[:0], line.Text...)
		if !line.Partial {
			t.rest = append(t.rest, '\n')
		}
	}
	n := copy(p, t.rest)
	t.rest = t.rest[n:]
	return n, nil
}

// Close implements io.Closer.
func (t *text) Close() error { return t.log.Close() }
