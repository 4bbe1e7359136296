package broker

import (
	"time"

	"flyball/internal/queue"
	"flyball/internal/queuelog"
)

// Delete deletes messages. They are gone on disk when it returns. The errors are those
// of package queue, one a receipt.
func (q *Queue) Delete(receipts []queue.Receipt) ([]error, error) {
	errs, end, err := q.remove(receipts, q.appendToSync)
	if err != nil || end == 0 {
		return errs, err
	}
	return errs, q.sync(end)
}

// Forget deletes messages as Delete does, and waits for no disk: when the machine itself
// stops, they may be there again.
func (q *Queue) Forget(receipts []queue.Receipt) error {
	_, _, err := q.remove(receipts, q.append)
	return err
}

// Recall has all messages that are in flight be visible now, for a receiver that nobody
// shares the queue with and that has begun anew.
func (q *Queue) Recall() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.machine.Recall(q.now())
	q.settle()
}

func (q *Queue) remove(receipts []queue.Receipt, add func(record func([]byte) []byte) (queuelog.Position, error)) (errs []error, end queuelog.Position, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	defer q.settle()
	now := q.now()
	q.stats.active = now
	errs = make([]error, len(receipts))
	var gone []uint64
	for i, r := range receipts {
		if errs[i] = q.machine.Deletable(now, r); errs[i] == nil {
			gone = append(gone, r.Sequence)
		}
	}
	q.noteSkips()
	if len(gone) == 0 {
		return errs, 0, nil
	}
	// A delete that cannot be kept leaves the messages where they are.
	if end, err = add(func(b []byte) []byte { return appendDelete(b, gone) }); err != nil {
		return nil, 0, err
	}
	for i, r := range receipts {
		if errs[i] == nil {
			errs[i] = q.machine.Delete(now, r)
		}
	}
	q.stats.Deleted += int64(len(gone))
	q.waiting.tell(int64(len(gone))) // groups may be free now
	q.maySave()
	return errs, end, nil
}

// SetInvisible has the message of a receipt come back after a time. The errors are
// those of package queue.
func (q *Queue) SetInvisible(r queue.Receipt, invisible time.Duration) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	defer q.settle()
	now := q.now()
	q.stats.active = now
	until, err := q.machine.Until(now, r, queue.Millis(invisible.Milliseconds()))
	if err != nil {
		return err
	}
	if _, err := q.append(func(b []byte) []byte { return appendInFlight(b, r.Sequence, until) }); err != nil {
		return err
	}
	_, err = q.machine.SetInvisible(now, r, queue.Millis(invisible.Milliseconds()))
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
