package broker

import "flyball/internal/clock"

// waiters are the callers that wait for messages, in the order of their coming.
type waiters struct {
	first, last *waiter
}

// A waiter is one of them.
type waiter struct {
	told       *clock.Signal // there may be messages
	in         bool
	next, prev *waiter
}

func newWaiter(clk *clock.Clock) *waiter { return &waiter{told: clk.Signal()} }

// join puts a waiter at the end.
func (l *waiters) join(w *waiter) {
	w.in, w.prev, w.next = true, l.last, nil
	if l.last != nil {
		l.last.next = w
	} else {
		l.first = w
	}
	l.last = w
}

// leave takes a waiter out. It tells whether the waiter had been told of a message,
// which is then another's.
func (l *waiters) leave(w *waiter) (told bool) {
	if w.in {
		l.unlink(w)
		return false
	}
	return w.told.Take()
}

func (l *waiters) unlink(w *waiter) {
	if w.prev != nil {
		w.prev.next = w.next
	} else {
		l.first = w.next
	}
	if w.next != nil {
		w.next.prev = w.prev
	} else {
		l.last = w.prev
	}
	w.in, w.prev, w.next = false, nil, nil
}

// tell has a number of those who have waited longest look for messages.
func (l *waiters) tell(n int64) {
	for ; n > 0 && l.first != nil; n-- {
		w := l.first
		l.unlink(w)
		w.told.Set()
	}
}
