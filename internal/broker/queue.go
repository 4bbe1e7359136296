package broker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

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
	alarm    *time.Timer                 // for those who wait; nil: none has
	saves    saves
	stats    Stats
	removed  bool
	batch    queuelog.Batch
	scratch  []byte // that records are read into
}

// sent is a message that is not on disk yet.
type sent struct {
	queue.Message
	end  queuelog.Position // it is once all before this is
	size int
}

// What a queue keeps in buffers: room for records of the usual length, and batches up
// to a length.
const (
	usualRecord = 4 << 10
	mostBatch   = 64 << 10
)

// now is the server's time.
func (q *Queue) now() queue.Millis { return queue.Millis(q.broker.Clock.Now().UnixMilli()) }

// append writes records, under the lock.
func (q *Queue) append(record func([]byte) []byte) (end queuelog.Position, err error) {
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
	q.arm()
}

// A Dispatch is what became of a message that was sent.
type Dispatch struct {
	ID       [16]byte
	Sequence uint64
}

// Send sends messages. They are on disk when it returns. What a FIFO queue was sent
// before is not sent again.
func (q *Queue) Send(messages []*Message) ([]Dispatch, error) {
	out, end, err := q.enqueue(messages)
	if err != nil {
		return nil, err
	}
	return out, q.sync(end)
}

// enqueue writes messages to the log.
func (q *Queue) enqueue(messages []*Message) (out []Dispatch, end queuelog.Position, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.now()
	q.stats.active = now
	out = make([]Dispatch, len(messages))
	var fresh []*Message
	q.begin()
	for i, m := range messages {
		if original, known := q.duplicate(now, m, fresh); known {
			out[i] = original
			q.stats.Duplicates++
			continue
		}
		if m.Sent == 0 {
			m.Sent = now
		}
		m.Sequence = q.next + uint64(len(fresh))
		out[i] = Dispatch{m.ID, m.Sequence}
		fresh = append(fresh, m)
		q.batch.Add(func(b []byte) []byte { return appendMessage(b, m) })
	}
	if len(fresh) == 0 {
		return out, q.log.End(), nil
	}
	end, err = q.write()
	if err != nil {
		return nil, 0, err
	}
	q.written(now, fresh, end-queuelog.Position(q.batch.Bytes()))
	return out, end, nil
}

// duplicate finds the message that another one is taken for.
func (q *Queue) duplicate(now queue.Millis, m *Message, fresh []*Message) (Dispatch, bool) {
	if !q.fifo {
		return Dispatch{}, false
	}
	for _, f := range fresh {
		if f.Dedup == m.Dedup && f.DedupGroup == m.DedupGroup {
			return Dispatch{f.ID, f.Sequence}, true
		}
	}
	original, known := q.dedup.Find(now, m.DedupGroup, m.Dedup)
	return Dispatch{original.ID, original.Sequence}, known
}

// written notes messages that were written from a position on.
func (q *Queue) written(now queue.Millis, fresh []*Message, first queuelog.Position) {
	segment, _ := q.log.SegmentOf(first)
	q.live[segment] += int64(len(fresh))
	q.next += uint64(len(fresh))
	end := first + queuelog.Position(q.batch.Bytes())
	for i, m := range fresh {
		place := int64(first + q.batch.Offset(i))
		index := queue.Message{Sequence: m.Sequence, Place: place, Sent: m.Sent, Delay: m.Delay, Group: m.Group}
		q.unsynced = append(q.unsynced, sent{index, end, m.Size()})
		if m.Source == "" { // AWS does not count dead letters as sent
			q.stats.sent(m.Size())
		}
		if q.fifo {
			q.dedup.Add(now, m.DedupGroup, m.Dedup, queue.Original{ID: m.ID, Sequence: m.Sequence, Place: place})
		}
	}
	q.maySave()
}

// A Request asks for messages.
type Request struct {
	Most         int
	Invisible    time.Duration
	Wait         time.Duration // for the first message; in real time
	Attempt      string        // ReceiveRequestAttemptId
	MostReceives uint32        // before a message is dead; 0: none ever is
	// Bury takes dead messages to where they go. What it returns without an error is
	// gone from the queue.
	Bury func([]*Message) error
}

// A Received is a message that was received.
type Received struct {
	*Message
	Receipt  queue.Receipt
	Receives uint32
	First    queue.Millis
}

// Receive takes messages that can be received, and waits for the first of them if it is
// asked to. A caller that is gone gets none.
func (q *Queue) Receive(ctx context.Context, r Request) ([]Received, error) {
	deadline := time.Now().Add(r.Wait)
	w := newWaiter()
	for {
		got, dead, err := q.take(ctx, r, w, time.Now().Before(deadline))
		if len(dead) > 0 {
			q.bury(dead, r.Bury)
		}
		switch {
		case err != nil, len(got) > 0:
			return got, err
		case len(dead) > 0: // there may be others behind them
		case !time.Now().Before(deadline) || q.broker.stopped():
			return nil, q.leave(ctx, w)
		default:
			q.wait(ctx, w, deadline)
		}
	}
}

// take receives what there is. Without anything the waiter joins those who wait.
func (q *Queue) take(ctx context.Context, r Request, w *waiter, waits bool) (got []Received, dead []*Message, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.removed {
		return nil, nil, ErrRemoved
	}
	if ctx.Err() != nil {
		q.pass(w)
		return nil, nil, ctx.Err()
	}
	now := q.now()
	q.stats.active = now
	deliveries, err := q.deliver(now, r)
	if err != nil {
		q.pass(w)
		return nil, nil, err
	}
	if len(deliveries) > 0 {
		q.waiting.leave(w)
		got, dead = q.read(deliveries)
		q.stats.Received += int64(len(got))
		return got, dead, nil
	}
	if waits && !w.in {
		q.waiting.join(w)
		q.arm()
	}
	return nil, nil, nil
}

// pass has another look for the message that a waiter was told of and does not take.
func (q *Queue) pass(w *waiter) {
	if q.waiting.leave(w) {
		q.waiting.tell(1)
	}
}

// leave ends the waiting of a caller that got nothing.
func (q *Queue) leave(ctx context.Context, w *waiter) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.pass(w)
	q.stats.EmptyReceives++
	return ctx.Err()
}

// arm has those who wait be told when time alone brings a message back.
func (q *Queue) arm() {
	at, ok := q.machine.Next()
	if !ok || q.waiting.first == nil {
		return
	}
	in := max(q.broker.Clock.Real(time.Duration(at-q.now())*time.Millisecond), 0) + time.Millisecond
	if q.alarm == nil {
		q.alarm = time.AfterFunc(in, q.ring)
	} else {
		q.alarm.Reset(in)
	}
}

// ring tells those who wait of messages that have come back.
func (q *Queue) ring() {
	q.mu.Lock()
	defer q.mu.Unlock()
	before := q.machine.Counts().Visible
	q.machine.Advance(q.now())
	q.waiting.tell(q.machine.Counts().Visible - before)
	q.arm()
}

// wait waits until there may be messages, or there is no reason to wait any longer.
func (q *Queue) wait(ctx context.Context, w *waiter, deadline time.Time) {
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-q.broker.stopping:
	case <-w.told:
	case <-timer.C:
	}
}

// deliver has messages be in flight, and writes that to the log.
func (q *Queue) deliver(now queue.Millis, r Request) ([]queue.Delivery, error) {
	invisible := queue.Millis(r.Invisible.Milliseconds())
	if r.Attempt != "" {
		q.machine.Advance(now)
		if again := q.attempts.Find(now, r.Attempt, q.machine); len(again) > 0 {
			for i := range again {
				again[i].Until = now + invisible
				q.machine.Reappoint(again[i].Sequence, again[i].Until)
			}
			_, err := q.append(func(b []byte) []byte { return appendReceive(b, again) })
			return again, err
		}
	}
	got, err := q.machine.Receive(now, queue.Want{Most: r.Most, Invisible: invisible, MostReceives: r.MostReceives})
	q.noteSkips()
	if err != nil || len(got) == 0 {
		return nil, err
	}
	if r.Attempt != "" {
		q.attempts.Add(now, r.Attempt, got)
	}
	_, err = q.append(func(b []byte) []byte { return appendReceive(b, got) })
	q.maySave()
	return got, err
}

// read reads messages that were received. What cannot be read is lost, and gone.
func (q *Queue) read(deliveries []queue.Delivery) (got []Received, dead []*Message) {
	for _, d := range deliveries {
		m, err := q.content(d.Place)
		switch {
		case err != nil:
			q.broker.Log.Error("a message is lost", "queue", q.folder, "sequence", d.Sequence, "error", err)
			q.machine.Remove(d.Sequence)
		case d.Dead:
			m.Receives += d.Receives
			if m.First == 0 {
				m.First = d.First
			}
			dead = append(dead, m)
		default:
			r := Received{Message: m, Receipt: d.Receipt, Receives: m.Receives + d.Receives, First: d.First}
			if m.First != 0 {
				r.First = m.First
			}
			got = append(got, r)
		}
	}
	return got, dead
}

func (q *Queue) content(place int64) (*Message, error) {
	if q.scratch == nil {
		q.scratch = make([]byte, usualRecord)
	}
	record, err := q.log.Read(queuelog.Position(place), q.scratch)
	if err != nil {
		return nil, err
	}
	return decodeMessage(record)
}

// bury takes dead messages away. If that fails they come back.
func (q *Queue) bury(dead []*Message, where func([]*Message) error) {
	sequences := make([]uint64, len(dead))
	for i, m := range dead {
		sequences[i] = m.Sequence
	}
	if err := where(dead); err != nil {
		q.broker.Log.Warn("messages could not be moved to their dead-letter queue", "queue", q.folder, "reason", err)
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, sequence := range sequences {
		q.machine.Remove(sequence)
	}
	_, _ = q.append(func(b []byte) []byte { return appendDelete(b, sequences) }) // failed has noted it
}

// Delete deletes messages. They are gone on disk when it returns. The errors are those
// of package queue, one a receipt.
func (q *Queue) Delete(receipts []queue.Receipt) ([]error, error) {
	errs, end, err := q.remove(receipts)
	if err != nil || end == 0 {
		return errs, err
	}
	return errs, q.sync(end)
}

func (q *Queue) remove(receipts []queue.Receipt) (errs []error, end queuelog.Position, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.now()
	q.stats.active = now
	errs = make([]error, len(receipts))
	var gone []uint64
	for i, r := range receipts {
		if errs[i] = q.machine.Delete(now, r); errs[i] == nil {
			gone = append(gone, r.Sequence)
		}
	}
	q.noteSkips()
	if len(gone) == 0 {
		return errs, 0, nil
	}
	q.stats.Deleted += int64(len(gone))
	if end, err = q.append(func(b []byte) []byte { return appendDelete(b, gone) }); err != nil {
		return nil, 0, err
	}
	q.waiting.tell(int64(len(gone))) // groups may be free now
	q.maySave()
	return errs, end, nil
}

// SetInvisible has the message of a receipt come back after a time. The errors are
// those of package queue.
func (q *Queue) SetInvisible(r queue.Receipt, invisible time.Duration) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.now()
	q.stats.active = now
	until, err := q.machine.SetInvisible(now, r, queue.Millis(invisible.Milliseconds()))
	if err != nil {
		return err
	}
	_, err = q.append(func(b []byte) []byte { return appendInFlight(b, r.Sequence, until) })
	q.waiting.tell(1) // it may come back before all others
	return err
}

// Purge deletes all messages.
func (q *Queue) Purge() error {
	end, err := q.purge()
	if err != nil {
		return err
	}
	if err := q.sync(end); err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.save()
	return nil
}

func (q *Queue) purge() (end queuelog.Position, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if end, err = q.append(func(b []byte) []byte { return append(b, recordPurge) }); err != nil {
		return 0, err
	}
	q.purged(end)
	q.unsynced = nil
	return end, nil
}

// purged forgets all messages before a position.
func (q *Queue) purged(end queuelog.Position) {
	q.machine.Purge()
	q.backlog.seek(end)
	q.dedup, q.attempts = queue.Deduplication{}, queue.Attempts{}
	clear(q.live)
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

// String names the queue in messages.
func (q *Queue) String() string { return fmt.Sprintf("queue in %s", q.folder) }
