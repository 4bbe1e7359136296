package broker

import (
	"flyball/internal/queue"
	"flyball/metric"
)

// Stats are what has happened to a queue since they were taken last.
type Stats struct {
	Sent, Received, Deleted, EmptyReceives, Duplicates int64
	Sizes                                              metric.Set // bytes of the messages that were sent

	active queue.Millis // when it was used last
}

func (s *Stats) sent(size int) {
	s.Sent++
	s.Sizes.Add(float64(size), 1)
}

// A Measure is what a queue holds at a moment.
type Measure struct {
	queue.Counts
	Oldest       queue.Millis // when the oldest message was sent that counts; 0: none
	LockedGroups int64
}

// Measure is what the queue holds now.
func (q *Queue) Measure() Measure {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.machine.Advance(q.now())
	q.settle()
	m := Measure{Counts: q.machine.Counts(), LockedGroups: q.machine.LockedGroups()}
	m.Oldest, _ = q.machine.Oldest()
	if m.Counts == (queue.Counts{}) {
		m.Oldest = 0
	}
	return m
}

// TakeStats returns what has happened, and when the queue was used last, and begins
// anew.
func (q *Queue) TakeStats() (s Stats, active queue.Millis) {
	q.mu.Lock()
	defer q.mu.Unlock()
	s = q.stats
	q.stats = Stats{active: s.active}
	return s, s.active
}

// Touch has the queue count as used now.
func (q *Queue) Touch() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.stats.active = q.now()
}
