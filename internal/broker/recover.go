package broker

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"flyball/internal/damage"
	"flyball/internal/queue"
	"flyball/internal/queuelog"
)

// open reads what an earlier life has left of a queue.
func (q *Queue) open(s queue.Settings) (err error) {
	if q.log, err = queuelog.Open(queuelog.Options{
		Folder: q.folder, Segment: q.broker.Segment, Lazy: q.broker.Lazy, Disk: q.broker.Disk, Log: q.broker.Log,
		Book: q.broker.book, Name: filepath.Base(q.folder)}); err != nil {
		return fmt.Errorf("open the log of a queue: %w", err)
	}
	c, err := readCheckpoint(q.folder)
	whole := err == nil
	if err != nil {
		// All of the log is as good, but for segments that were removed since.
		q.broker.Log.Error("the checkpoint of a queue is damaged; its log is read from the beginning, and messages that were deleted may come back",
			"file", filepath.Join(q.folder, checkpointName), "error", err, "next", damage.Restore)
		c = checkpoint{Next: 1, Live: map[queuelog.Position]int64{}}
	}
	q.next, q.live, q.saves.from = c.Next, c.Live, c.From
	q.backlog = newBacklog(q.log, c.Front, q.fifo)
	q.machine = queue.New(s, q.backlog)
	q.machine.Restore(c.Memory)
	q.machine.Gone = q.gone
	if err := q.remember(c.Dedup, c.From); err != nil {
		return err
	}
	lost, err := q.replay(c.From)
	if err != nil {
		return err
	}
	if whole && lost > 0 {
		q.broker.Log.Error("messages of a queue are lost: they are missing in its log", "queue", q.folder, "messages", lost, "next", damage.Restore)
	}
	q.skipped = q.machine.Skipped()
	q.machine.Correct(q.now())
	q.machine.Advance(q.now())
	return nil
}

// remember takes the messages in a part of the log for deduplication alone.
func (q *Queue) remember(from, to queuelog.Position) error {
	if !q.fifo {
		return nil
	}
	r := q.log.Reader(from)
	for {
		record, at, _, err := r.Next(to)
		if err != nil {
			return ended(err)
		}
		q.known(record, at)
	}
}

// known remembers a message that was sent in the last minutes, and not at a time to come, from before
// the clock was put back.
func (q *Queue) known(record []byte, at queuelog.Position) {
	index, ok := decodeIndex(record, true)
	if !q.fifo || !ok || index.Sent+queue.DeduplicationTime <= q.now() || index.Sent > q.now() {
		return
	}
	if m, err := decodeMessage(record); err == nil {
		q.dedup.Add(m.Sent, m.DedupGroup, m.Dedup, queue.Original{ID: m.ID, Sequence: m.Sequence, Place: int64(at)})
	}
}

// replay brings the queue up to date with what the log tells from a position on, and counts
// the messages that are missing in it: they are numbered in the order of the log.
func (q *Queue) replay(from queuelog.Position) (lost uint64, err error) {
	r := q.log.Reader(from)
	end := q.log.End()
	for {
		record, at, next, err := r.Next(end)
		if err != nil {
			return lost, ended(err)
		}
		switch record[0] {
		case recordMessage:
			before := q.next
			if err = q.resend(record, at); q.next > before+1 {
				lost += q.next - before - 1
			}
		case recordPurge:
			q.purged(next)
		case queuelog.Filler:
		default:
			err = replay(q.machine, record)
		}
		if err != nil {
			q.broker.Log.Error("a record of a queue's log makes no sense; it is passed over", "queue", q.folder, "at", at, "next", damage.Restore)
		}
	}
}

// resend takes in a message that was sent before.
func (q *Queue) resend(record []byte, at queuelog.Position) error {
	m, ok := decodeIndex(record, q.fifo)
	if !ok {
		return errRecord
	}
	if m.Sequence < q.next {
		return nil
	}
	q.next = m.Sequence + 1
	m.Place = int64(at)
	if segment, ok := q.log.SegmentOf(at); ok {
		q.live[segment]++
	}
	q.machine.Sent(m)
	q.known(record, at)
	return nil
}

// ended is the error with which reading ended, if it is one.
func ended(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
