package queue

import "math"

// Millis is a time in milliseconds since 1970, or a duration in milliseconds.
type Millis int64

// The limits of AWS ("Amazon SQS message quotas").
const (
	MostInFlight  = 120_000
	MostInvisible = Millis(12 * 60 * 60 * 1000) // from a receive on
)

// Settings are the attributes of a queue that say what becomes of its messages.
type Settings struct {
	FIFO         bool
	Retention    Millis
	MostInFlight int64 // 0: as many as AWS lets be
}

func (s Settings) mostInFlight() int64 {
	if s.MostInFlight > 0 {
		return s.MostInFlight
	}
	return MostInFlight
}

// A Message is what a queue knows of one.
type Message struct {
	Sequence uint64 // grows in the order of sending, from 1
	Place    int64  // where its content is
	Sent     Millis
	Delay    Millis // after Sent, before it can be received
	Group    string // of a FIFO queue
}

// A Backlog is the messages that were sent without a delay and never looked at, in
// the order of sending.
type Backlog interface {
	// Peek is the first of them, unless there is none.
	Peek() (Message, bool)
	// Skip takes the first one away.
	Skip()
}

// A Queue is the state of one queue. Its methods must not be called concurrently.
type Queue struct {
	// Gone is told of the place of each message that is no longer in the queue,
	// unless it is nil.
	Gone func(place int64)

	settings Settings
	backlog  Backlog
	waiting  int64 // messages in the backlog

	entries map[uint64]*entry // those that were looked at, by sequence
	due     heapOf            // delayed and in flight, by when that ends
	age     heapOf            // all but those that expired in flight, by when they were sent
	ready   order             // can be received

	now     Millis // the last time that the queue was brought to
	counts  Counts
	skipped int64
	back    int64 // messages that became visible by time alone
}

// Counts are the messages of a queue by what they are.
type Counts struct {
	Visible, InFlight, Delayed int64
}

// order is which of the entries can be received, and which is next.
type order interface {
	add(*entry)  // a new one, delayed or visible
	due(*entry)  // its delay is over
	back(*entry) // it is in flight no more
	drop(*entry) // it is gone
	pick(*entry) // a certain one is taken
	take() *entry
	settled()      // whoever takes has what it wanted
	locked() int64 // groups with messages in flight
}

// New returns a queue without messages.
func New(s Settings, b Backlog) *Queue {
	q := &Queue{settings: s, backlog: b, due: heapOf{less: dueFirst, slot: dueSlot}, age: heapOf{less: oldestFirst, slot: ageSlot}}
	q.clear()
	return q
}

// clear forgets all messages.
func (q *Queue) clear() {
	q.entries = map[uint64]*entry{}
	q.due.all, q.age.all = nil, nil
	q.waiting, q.counts = 0, Counts{}
	if q.settings.FIFO {
		q.ready = newGroups(q)
	} else {
		q.ready = &returned{queue: q}
	}
}

// Set changes the settings. Whether it is a FIFO queue never changes.
func (q *Queue) Set(s Settings) { q.settings = s }

// Sent takes in a message that was sent. Those without a delay are in the backlog.
func (q *Queue) Sent(m Message) {
	if m.Delay == 0 {
		q.waiting++
		return
	}
	e := q.enter(m)
	e.state, e.until = delayed, m.Sent+m.Delay
	q.counts.Delayed++
	q.due.push(e)
	q.ready.add(e)
}

// enter makes an entry of a message.
func (q *Queue) enter(m Message) *entry {
	e := &entry{sequence: m.Sequence, place: m.Place, sent: m.Sent, slots: [2]int32{-1, -1}, rank: -1}
	if q.settings.FIFO {
		e.group = q.ready.(*groups).of(m.Group)
	}
	q.entries[m.Sequence] = e
	q.age.push(e)
	return e
}

// load takes the first message of the backlog out of it. It can be received. With none
// there it returns nil.
func (q *Queue) load() *entry {
	m, ok := q.backlog.Peek()
	// One that came from another queue may be older than those before it.
	for ; ok && m.Sent+q.settings.Retention <= q.now; m, ok = q.backlog.Peek() {
		q.skip(m)
	}
	if !ok {
		q.waiting = 0 // what was lost with the disk is not counted
		return nil
	}
	q.backlog.Skip()
	q.waiting--
	e := q.enter(m)
	e.state = visible
	q.counts.Visible++
	return e
}

// Advance brings the queue to a time: delays and invisibility end, and what is too
// old is gone.
func (q *Queue) Advance(now Millis) {
	q.now = now
	for e := q.due.first(); e != nil && e.until <= now; e = q.due.first() {
		q.due.remove(e)
		q.reappear(e)
	}
	q.expire(now - q.settings.Retention)
}

// reappear makes a message visible that was delayed or in flight.
func (q *Queue) reappear(e *entry) {
	was := e.state
	e.state = visible
	q.counts.Visible++
	q.back++
	if was == delayed {
		q.counts.Delayed--
		q.ready.due(e)
		return
	}
	q.counts.InFlight--
	if e.slots[ageSlot] < 0 {
		q.remove(e) // it expired in flight
		return
	}
	q.ready.back(e)
}

// expire removes what was sent at a time or before. What is in flight is let be until
// it would come back.
func (q *Queue) expire(before Millis) {
	for e := q.age.first(); e != nil && e.sent <= before; e = q.age.first() {
		q.age.remove(e)
		if e.state != inFlight {
			q.remove(e)
		}
	}
	for q.waiting > 0 {
		m, ok := q.backlog.Peek()
		if !ok {
			q.waiting = 0
			return
		}
		if m.Sent > before {
			return
		}
		q.skip(m)
	}
}

// skip removes the first message of the backlog.
func (q *Queue) skip(m Message) {
	q.backlog.Skip()
	q.waiting--
	q.skipped++
	q.gone(m.Place)
}

// Skipped is how many messages went from the backlog without being looked at.
func (q *Queue) Skipped() int64 { return q.skipped }

// remove takes an entry out of the queue.
func (q *Queue) remove(e *entry) {
	switch e.state {
	case delayed:
		q.counts.Delayed--
	case visible:
		q.counts.Visible--
	case inFlight:
		q.counts.InFlight--
	}
	delete(q.entries, e.sequence)
	q.due.remove(e)
	q.age.remove(e)
	q.ready.drop(e)
	e.state = gone
	q.gone(e.place)
}

func (q *Queue) gone(place int64) {
	if q.Gone != nil {
		q.Gone(place)
	}
}

// Purge removes all messages. What is in the backlog is for the caller to take away.
func (q *Queue) Purge() { q.clear() }

// Next is when time alone changes what can be received. Without that it is false.
func (q *Queue) Next() (at Millis, ok bool) {
	if e := q.due.first(); e != nil {
		return e.until, true
	}
	return 0, false
}

// Back is how often a message became visible that was delayed or in flight.
func (q *Queue) Back() int64 { return q.back }

// Counts are how many messages there are.
func (q *Queue) Counts() Counts {
	c := q.counts
	c.Visible += q.waiting
	return c
}

// LockedGroups is how many groups of a FIFO queue have messages in flight.
func (q *Queue) LockedGroups() int64 { return q.ready.locked() }

// often is how many receives take a message out of the measure of the oldest one
// ("Available CloudWatch metrics for Amazon SQS": a poison pill).
const often = 3

// Oldest is when the oldest message was sent, but for those that were received three
// times or more, and those in flight past their retention. Without messages it is false.
func (q *Queue) Oldest() (sent Millis, ok bool) {
	sent = math.MaxInt64
	if first := q.age.first(); first != nil && first.receives < often {
		sent = first.sent
	} else {
		for _, e := range q.age.all {
			if e.receives < often {
				sent = min(sent, e.sent)
			}
		}
	}
	if q.waiting > 0 {
		if m, ok := q.backlog.Peek(); ok {
			sent = min(sent, m.Sent)
		}
	}
	return sent, sent != math.MaxInt64
}
