package queue

import (
	"cmp"
	"container/heap"
	"slices"
)

// What a log tells of an earlier life of the queue is done again with the functions
// below, in the order of the log; and then Advance brings the queue to the present.

// Redeliver does again what Receive has done with a message. What stood before it in
// the backlog has been looked at, too.
func (q *Queue) Redeliver(d Delivery) {
	e := q.reach(d.Sequence)
	if e == nil {
		return
	}
	if q.still(e); e.state == gone {
		return
	}
	e.receives, e.received, e.first = d.Receives, d.Received, d.First
	q.ready.pick(e)
	q.fly(e, d.Until)
}

// reach is the entry of a message that was looked at in an earlier life.
func (q *Queue) reach(sequence uint64) *entry {
	for q.entries[sequence] == nil && q.waiting > 0 {
		m, ok := q.backlog.Peek()
		if !ok || m.Sequence > sequence {
			break
		}
		q.ready.add(q.load())
	}
	return q.entries[sequence]
}

// still has a message that is delayed or in flight be so no more.
func (q *Queue) still(e *entry) {
	if e.state != visible {
		q.due.remove(e)
		q.reappear(e)
	}
}

// Reappoint does again what SetInvisible has done.
func (q *Queue) Reappoint(sequence uint64, until Millis) {
	if e := q.entries[sequence]; e != nil && e.state != delayed {
		q.setUntil(e, until)
	}
}

// Remove removes a message.
func (q *Queue) Remove(sequence uint64) {
	if e := q.reach(sequence); e != nil {
		q.remove(e)
	}
}

// SkipTo removes the messages of the backlog before a sequence.
func (q *Queue) SkipTo(sequence uint64) {
	for q.waiting > 0 {
		m, ok := q.backlog.Peek()
		if !ok || m.Sequence >= sequence {
			return
		}
		q.skip(m)
	}
}

// Correct has messages that were sent or received at times to come be so now, and wait for as
// long as they would have: the clock has been put back since.
func (q *Queue) Correct(now Millis) {
	for _, e := range q.entries {
		switch {
		case e.state == delayed:
			e.until -= max(e.sent-now, 0)
		case e.state == inFlight:
			e.until -= max(e.received-now, 0)
		}
		e.sent, e.received, e.first = min(e.sent, now), min(e.received, now), min(e.first, now)
	}
	heap.Init(&q.due)
	heap.Init(&q.age)
}

// Recall has all messages that are in flight be visible now: whoever has received them
// is no more.
func (q *Queue) Recall(now Millis) {
	q.Advance(now)
	var aloft []*entry
	for _, e := range q.due.all {
		if e.state == inFlight {
			aloft = append(aloft, e)
		}
	}
	slices.SortFunc(aloft, func(a, b *entry) int { return cmp.Compare(a.sequence, b.sequence) })
	for _, e := range aloft {
		q.still(e)
	}
}
