package main

import (
	"fmt"
	"sync"
	"time"
)

// A ledger knows what has become of each message of a queue, as far as its producers and
// consumers were told, and finds what must not be.
type ledger struct {
	mu     sync.Mutex
	fifo   bool
	faults func(...fault)

	sent     map[parcel]bool // acknowledged
	seen     map[parcel]bool // received by somebody, once or more
	messages map[string]*receipt
	last     map[string]int // of each group, the highest number that was received
	again    int            // messages that were received more than once, as they may be
}

// A parcel is what a producer sends: its producer, which is the message group of a FIFO
// queue, and its number, from 1. A standard queue may hold one several times, when a
// send that was cut off is made again.
type parcel struct {
	group  string
	number int
}

// A receipt is what is known of a message, by its ID.
type receipt struct {
	until   time.Time // in flight at least until then
	deleted bool      // acknowledged in time
}

func newLedger(fifo bool, faults func(...fault)) *ledger {
	return &ledger{
		fifo: fifo, faults: faults,
		sent: map[parcel]bool{}, seen: map[parcel]bool{}, messages: map[string]*receipt{}, last: map[string]int{},
	}
}

func (l *ledger) acknowledged(p parcel) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent[p] = true
}

// received notes a message that a call brought which began at a time. It is in flight
// from then on for as long as was asked for, less what the server's clock may differ.
func (l *ledger) received(id string, p parcel, began, now time.Time, visibility time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.messages[id]
	if r == nil {
		r = &receipt{}
		l.messages[id] = r
	} else {
		l.again++
		l.judge(r, id, p, now)
	}
	r.until = began.Add(visibility)
	l.seen[p] = true
	if l.fifo {
		l.follow(p)
	}
}

// judge finds a message that was received again and must not have been.
func (l *ledger) judge(r *receipt, id string, p parcel, now time.Time) {
	switch {
	case r.deleted:
		l.faults(fault{twice, id, fmt.Sprintf("message %s (%v) was received after its deletion was acknowledged", id, p)})
	case now.Before(r.until):
		l.faults(fault{twice, id, fmt.Sprintf("message %s (%v) was received %v before its visibility timeout ended", id, p, r.until.Sub(now))})
	}
}

// follow finds a message of a group that came before one that was sent before it.
func (l *ledger) follow(p parcel) {
	if last := l.last[p.group]; p.number > last+1 {
		l.faults(fault{disorder, fmt.Sprint(p), fmt.Sprintf("of group %s number %d was received after number %d", p.group, p.number, last)})
	}
	l.last[p.group] = max(l.last[p.group], p.number)
}

// inTime reports whether a message is in flight still.
func (l *ledger) inTime(id string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return now.Before(l.messages[id].until)
}

// deleted notes that a deletion was acknowledged. Once a message may have come back, it may
// have been on its way to another consumer by then: such a deletion was not in time.
func (l *ledger) deleted(id string, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r := l.messages[id]; now.Before(r.until) {
		r.deleted = true
	}
}

// missing is how many messages were acknowledged and not received.
func (l *ledger) missing() (n int, example parcel) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for p := range l.sent {
		if !l.seen[p] {
			n, example = n+1, p
		}
	}
	return n, example
}
