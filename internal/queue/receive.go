package queue

import "errors"

// What can be wrong with a receipt.
var (
	ErrOverLimit   = errors.New("too many messages are in flight")
	ErrGone        = errors.New("the message is not in the queue any more")
	ErrNotInFlight = errors.New("the message is not in flight by this receipt")
	ErrTooLong     = errors.New("the message would be in flight for more than 12 hours")
)

// A Receipt is one delivery of a message.
type Receipt struct {
	Sequence uint64
	Receives uint32 // of the message, with this one
}

// A Delivery is a message as it was received.
type Delivery struct {
	Receipt
	Place    int64
	Received Millis
	First    Millis // when the message was received first
	Until    Millis // invisible
	// Dead is a message that was received as often as it may be. It goes to the dead
	// letters, whose it is until then, and this was not counted as a receive.
	Dead bool
}

// A Want is what a caller would receive.
type Want struct {
	Most         int
	Invisible    Millis // what is received
	MostReceives uint32 // after which a message is dead; 0: none ever is
}

// deadTime is how long a dead message is held until it is where it goes.
const deadTime = 30_000

// Receive takes messages that can be received. Those that are dead come in addition to
// those that are wanted.
func (q *Queue) Receive(now Millis, w Want) (got []Delivery, err error) {
	q.Advance(now)
	defer q.ready.settled()
	for n := 0; n < w.Most; {
		if q.counts.InFlight >= q.settings.mostInFlight() {
			if n == 0 && !q.settings.FIFO {
				return got, ErrOverLimit
			}
			break
		}
		e := q.ready.take()
		if e == nil {
			break
		}
		dead := w.MostReceives > 0 && e.receives >= w.MostReceives
		if dead {
			q.fly(e, now+deadTime)
		} else {
			n++
			e.receives++
			e.received = now
			if e.first == 0 {
				e.first = now
			}
			q.fly(e, now+w.Invisible)
		}
		got = append(got, Delivery{Receipt{e.sequence, e.receives}, e.place, e.received, e.first, e.until, dead})
	}
	return got, nil
}

// fly notes that a message that was taken is in flight. With a time that has come it is
// visible again when the queue next advances.
func (q *Queue) fly(e *entry, until Millis) {
	q.counts.Visible--
	q.counts.InFlight++
	e.state, e.until = inFlight, until
	q.due.push(e)
}

// find is the message of a receipt. In a FIFO queue it has to be in flight by this very
// receipt; in a standard queue every receipt of a message is good as long as the message
// is there, as on AWS.
func (q *Queue) find(r Receipt) (*entry, error) {
	e := q.entries[r.Sequence]
	switch {
	case e == nil:
		return nil, ErrGone
	case q.settings.FIFO && (e.receives != r.Receives || e.state != inFlight), e.receives == 0:
		return nil, ErrNotInFlight
	}
	return e, nil
}

// Deletable returns the error that Delete would.
func (q *Queue) Deletable(now Millis, r Receipt) error {
	q.Advance(now)
	_, err := q.find(r)
	return err
}

// Delete removes the message of a receipt.
func (q *Queue) Delete(now Millis, r Receipt) error {
	q.Advance(now)
	e, err := q.find(r)
	if err != nil {
		return err
	}
	q.remove(e)
	return nil
}

// Until is when the message of a receipt comes back after SetInvisible, or the error that
// this returns.
func (q *Queue) Until(now Millis, r Receipt, invisible Millis) (until Millis, err error) {
	q.Advance(now)
	e, err := q.find(r)
	switch {
	case err != nil:
		return 0, err
	case now+invisible > e.received+MostInvisible:
		return 0, ErrTooLong
	}
	return now + invisible, nil
}

// SetInvisible has the message of a receipt come back after a time. One of a standard
// queue that has come back already is in flight again.
func (q *Queue) SetInvisible(now Millis, r Receipt, invisible Millis) (until Millis, err error) {
	if until, err = q.Until(now, r, invisible); err != nil {
		return 0, err
	}
	q.setUntil(q.entries[r.Sequence], until)
	q.Advance(now)
	return until, nil
}

// setUntil has a message be in flight until a time.
func (q *Queue) setUntil(e *entry, until Millis) {
	if e.state == visible {
		q.ready.pick(e)
		q.fly(e, until)
		return
	}
	q.due.remove(e)
	e.until = until
	q.due.push(e)
}

// InFlight tells whether the message of a receipt is still in flight by it.
func (q *Queue) InFlight(r Receipt) bool {
	e, err := q.find(r)
	return err == nil && e.state == inFlight && e.receives == r.Receives
}

// Place is where the content of a receipt's message is, as long as the message is there.
func (q *Queue) Place(r Receipt) (place int64, ok bool) {
	e := q.entries[r.Sequence]
	if e == nil {
		return 0, false
	}
	return e.place, true
}
