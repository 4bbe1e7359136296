package broker

import (
	"errors"
	"sync"

	"flyball/internal/clock"
	"flyball/internal/queue"
	"flyball/internal/queuelog"
)

// ErrRemoved is returned for a queue that was removed.
var ErrRemoved = errors.New("the queue was removed")

// A Queue is one queue. Its methods may be called from several goroutines.
type Queue struct {
	broker *Broker
	fifo   bool
	folder string

	mu       sync.Mutex
	log      *queuelog.Log
	machine  *queue.Queue
	backlog  *backlog
	dedup    queue.Deduplication
	attempts queue.Attempts
	next     uint64 // sequence of the next message
	unsynced []sent
	waiting  waiters
	live     map[queuelog.Position]int64 // messages, by their segments
	skipped  int64                       // messages whose expiry is in the log
	back     int64                       // messages that came back, as those who wait were told
	alarm    *clock.Timer                // for those who wait; nil: none has
	saves    saves
	saving   sync.WaitGroup
	stats    Stats
	removed  bool
	batch    queuelog.Batch
	scratch  []byte // that records are read into
}

// sent is a message that is not on disk yet.
type sent struct {
	queue.Message
	end queuelog.Position // it is once all before this is
}

// What a queue keeps in buffers: room for records of the usual length, and batches up
// to a length.
const (
	usualRecord = 4 << 10
	mostBatch   = 64 << 10
)

// now is the server's time.
func (q *Queue) now() queue.Millis { return queue.Millis(q.broker.Clock.Now().UnixMilli()) }

// append writes records, under the lock. Not all of them are synced, so that it is seen here
// that the log's file has been taken away.
func (q *Queue) append(record func([]byte) []byte) (end queuelog.Position, err error) {
	if q.removed {
		return 0, ErrRemoved
	}
	if err := q.log.Present(); err != nil {
		return 0, q.broker.failed(err)
	}
	return q.appendToSync(record)
}

// appendToSync is append for what is synced next, by which it is seen, too.
func (q *Queue) appendToSync(record func([]byte) []byte) (end queuelog.Position, err error) {
	q.begin()
	q.batch.Add(record)
	return q.write()
}

// begin empties the batch, under the lock.
func (q *Queue) begin() {
	if q.batch.Bytes() > mostBatch {
		q.batch = queuelog.Batch{}
	}
	q.batch.Reset()
}

// write writes the batch, under the lock.
func (q *Queue) write() (end queuelog.Position, err error) {
	if q.removed {
		return 0, ErrRemoved
	}
	first, err := q.log.Append(&q.batch)
	if err != nil {
		return 0, q.broker.failed(err)
	}
	return first + queuelog.Position(q.batch.Bytes()), nil
}

// sync waits until all is on disk up to a position, and takes in what was sent.
// It is called without the lock.
func (q *Queue) sync(to queuelog.Position) error {
	if err := q.log.Sync(to); err != nil {
		if errors.Is(err, queuelog.ErrClosed) {
			return ErrRemoved
		}
		return q.broker.failed(err)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.takeIn()
	return nil
}

// takeIn has messages be in the queue that are on disk now, under the lock.
func (q *Queue) takeIn() {
	synced, n := q.log.Synced(), 0
	for n < len(q.unsynced) && q.unsynced[n].end <= synced {
		q.machine.Sent(q.unsynced[n].Message)
		n++
	}
	if q.unsynced = q.unsynced[n:]; len(q.unsynced) == 0 {
		q.unsynced = nil
	}
	q.waiting.tell(int64(n))
	q.settle()
}

// noteSkips writes to the log that messages have expired.
func (q *Queue) noteSkips() {
	if q.removed || q.skipped == q.machine.Skipped() {
		return
	}
	q.skipped = q.machine.Skipped()
	front := q.next
	if m, ok := q.backlog.Peek(); ok {
		front = m.Sequence
	}
	_, _ = q.append(func(b []byte) []byte { return appendSkip(b, front) }) // failed has noted it
}

// gone notes that a message is no longer in the queue.
func (q *Queue) gone(place int64) {
	if segment, ok := q.log.SegmentOf(queuelog.Position(place)); ok {
		q.live[segment]--
	}
}
