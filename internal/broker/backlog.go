package broker

import (
	"errors"
	"io"
	"log/slog"

	"flyball/internal/queue"
	"flyball/internal/queuelog"
)

// A backlog reads the messages of a log that were sent without a delay, in order.
type backlog struct {
	log    *queuelog.Log
	reader *queuelog.Reader
	fifo   bool
	tell   *slog.Logger

	front  queuelog.Position // all before it was looked at
	peeked queue.Message
	have   bool              // peeked is the first message
	after  queuelog.Position // behind peeked
}

func newBacklog(log *queuelog.Log, from queuelog.Position, fifo bool) *backlog {
	return &backlog{log: log, reader: log.Reader(from), fifo: fifo, front: from, tell: log.Log}
}

// Peek is the first message.
func (b *backlog) Peek() (queue.Message, bool) {
	for !b.have {
		record, at, next, err := b.reader.Next(b.log.End())
		if err != nil {
			if !errors.Is(err, io.EOF) {
				b.tell.Error("messages of a queue cannot be read", "error", err)
			}
			return queue.Message{}, false
		}
		b.front = at
		m, ok := decodeIndex(record, b.fifo)
		if !ok || m.Delay > 0 {
			b.front = next
			continue
		}
		m.Place = int64(at)
		b.peeked, b.have, b.after = m, true, next
	}
	return b.peeked, true
}

// Skip takes the first message away.
func (b *backlog) Skip() {
	if b.have {
		b.have, b.front = false, b.after
	}
}

// seek goes on at another position.
func (b *backlog) seek(to queuelog.Position) {
	b.have, b.front = false, to
	b.reader.Seek(to)
}
