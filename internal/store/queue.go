package store

import (
	"sync"
	"time"
)

// A queue is the batches that wait to be written, in one group.
type queue struct {
	mu     sync.Mutex
	group  *group        // nil: nothing is queued
	moment *time.Timer   // flushes the queue
	wake   chan struct{} // holds one token from a flush until the group is taken
	waits  bool          // a write does not get through: what is needless is left out meanwhile
	closed bool

	stalled chan struct{} // closed while a write waits for room; never nil
	full    bool          // it is closed
}

// init readies the queue.
func (q *queue) init() {
	q.wake, q.stalled = make(chan struct{}, 1), make(chan struct{})
	q.moment = time.AfterFunc(time.Hour, q.Flush)
	q.moment.Stop()
}

// Write implements Store.
func (q *queue) Write(b *Batch) Commit {
	if b.Len() == 0 {
		return Commit{}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		g := &group{done: make(chan struct{}), err: ErrClosed}
		close(g.done)
		return Commit{g.done, &g.err}
	}
	if q.group == nil {
		q.group = &group{done: make(chan struct{})}
		q.moment.Reset(moment)
	}
	q.group.add(b.changes)
	if q.waits {
		q.group.merge()
	}
	return Commit{q.group.done, &q.group.err}
}

// Flush implements Store.
func (q *queue) Flush() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return
	}
	q.moment.Stop()
	select {
	case q.wake <- struct{}{}:
	default: // a token is there already
	}
}

// hold notes that a write does not get through, for want of room or for another reason, and returns how many bytes of changes
// are kept until it does. For room nobody else waits.
func (q *queue) hold(g *group, room bool) (kept int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waits = true
	if room && !q.full {
		q.full = true
		close(q.stalled)
	}
	kept = g.bytes
	if q.group != nil {
		kept += q.group.bytes
	}
	return kept
}

// resume has others wait for writes again.
func (q *queue) resume() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waits = false
	if q.full {
		q.full, q.stalled = false, make(chan struct{})
	}
}

// Stalled implements Store.
func (q *queue) Stalled() <-chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.stalled
}

// take takes what is queued; nil is nothing.
func (q *queue) take() *group {
	q.mu.Lock()
	defer q.mu.Unlock()
	g := q.group
	q.group = nil
	return g
}

// end has nothing be queued any more, and wakes the writer for the last time. It reports whether it was open.
func (q *queue) end() (was bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false
	}
	q.closed = true
	q.moment.Stop()
	close(q.wake)
	return true
}
