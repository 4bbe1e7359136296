package queue

import (
	"cmp"
	"slices"
)

// Saved is all that a queue knows.
type Saved struct {
	Waiting int64 // messages in the backlog
	Entries []SavedEntry
}

// A SavedEntry is what a queue knows of a message that it has looked at.
type SavedEntry struct {
	Message
	Until    Millis // in flight or delayed; 0: visible
	Received Millis
	First    Millis
	Receives uint32
	InFlight bool
	Expired  bool // in flight
}

// Save is all that the queue knows, in the order of sending.
func (q *Queue) Save() Saved {
	s := Saved{Waiting: q.waiting, Entries: make([]SavedEntry, 0, len(q.entries))}
	for _, e := range q.entries {
		saved := SavedEntry{
			Message:  Message{Sequence: e.sequence, Place: e.place, Sent: e.sent},
			Received: e.received, First: e.first, Receives: e.receives,
			InFlight: e.state == inFlight, Expired: e.slots[ageSlot] < 0,
		}
		if e.state != visible {
			saved.Until = e.until
		}
		if e.group != nil {
			saved.Group = e.group.name
		}
		s.Entries = append(s.Entries, saved)
	}
	slices.SortFunc(s.Entries, func(a, b SavedEntry) int { return cmp.Compare(a.Sequence, b.Sequence) })
	return s
}

// Restore has a queue without messages know what another has known, whose backlog it
// has now.
func (q *Queue) Restore(s Saved) {
	q.waiting = s.Waiting
	for _, saved := range s.Entries {
		e := q.enter(saved.Message)
		e.until, e.received, e.first, e.receives = saved.Until, saved.Received, saved.First, saved.Receives
		if saved.Expired {
			q.age.remove(e)
		}
		if saved.Until != 0 && !saved.InFlight {
			e.state = delayed
			q.counts.Delayed++
			q.due.push(e)
			q.ready.add(e)
			continue
		}
		e.state = visible
		q.counts.Visible++
		q.ready.add(e)
		if saved.InFlight {
			q.ready.pick(e)
			q.fly(e, saved.Until)
		}
	}
}
