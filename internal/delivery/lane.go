package delivery

import (
	"cmp"
	"context"
	"slices"
	"time"

	"flyball/internal/broker"
	"flyball/internal/queue"
)

// A lane is the deliveries to one target: those that are attempted, and those that wait
// for one of these to end, of which it knows the receipts alone. Those that find it full
// are put into the queue again, and come back about as fast as the lane has lately been
// emptied. So a target which takes nothing neither fills the memory nor keeps the queue
// from the others.
type lane struct {
	running int
	waiting []queue.Receipt
	pauses  []*pause  // of those that found the target busy, in the order in which they were sent
	slot    time.Time // when the last comes back of those that were put back
	pace    pace
}

// The limits of lanes. A delivery that waits costs about 200 bytes. A lane takes half of what is left for
// all at most, so that any number of targets that take nothing leave room for the others.
const (
	mostAttempts = 32
	mostWaiting  = 200_000
	mostHeld     = 500_000 // in all lanes, beside one attempt for each worker
)

// A pace is how fast a lane is emptied while deliveries wait in it.
type pace struct {
	ended  int // attempts since then
	since  time.Time
	second float64 // attempts that ended in a second, before since
}

// The bounds of how soon a delivery comes back that has found its lane full. They are times of a wall
// clock: to put deliveries back takes the disk as long at any speed of the server's.
const (
	paceTime  = 100 * time.Millisecond // over which a pace is measured
	leastPace = 20                     // in a second
	soonest   = 5 * time.Millisecond
	latest    = 5 * time.Minute
)

// at measures the pace up to a time, and returns it.
func (p *pace) at(now time.Time) float64 {
	if p.since.IsZero() {
		p.ended, p.since = 0, now
	}
	if passed := now.Sub(p.since); passed >= paceTime {
		p.second = float64(p.ended) / passed.Seconds()
		p.ended, p.since = 0, now
	}
	return max(p.second, leastPace)
}

// A laneKey names a lane.
type laneKey struct{ owner, to string }

// A job is a parcel that was received.
type job struct {
	parcel
	receipt queue.Receipt
}

// admit has a delivery be attempted, or wait in its lane. Without room there it says after
// which time the delivery is to come again.
func (q *Queue) admit(ctx context.Context, m broker.Received) (again time.Duration, ok bool) {
	key := laneOf(m.Message)
	q.mu.Lock()
	defer q.mu.Unlock()
	l := q.lanes[key]
	if l == nil {
		l = &lane{}
		q.lanes[key] = l
	}
	switch {
	case l.running < q.most(key.owner):
		l.running++
		q.Clock.Go(ctx, &q.workers, func(ctx context.Context) { q.work(ctx, key, l, m) })
	case len(l.waiting) < min(q.mostWaiting, (q.mostHeld-q.held)/2):
		l.waiting = append(l.waiting, m.Receipt)
		l.pace.at(time.Now()) // it is known when the lane is full
	default:
		return time.Duration(float64(l.comeAgain(time.Now())) * q.Clock.Speed()), false
	}
	q.held++
	return 0, true
}

// comeAgain is how long a delivery stays away that has found the lane full: until half of
// those that wait are gone, at the lane's pace, and then a little faster than that, each
// after the one before.
func (l *lane) comeAgain(now time.Time) time.Duration {
	pace := l.pace.at(now)
	after := func(n float64) time.Duration { return time.Duration(n / pace * float64(time.Second)) }
	first := now.Add(max(after(float64(len(l.waiting))/2), soonest))
	l.slot = l.slot.Add(after(0.8))
	if l.slot.Before(first) {
		l.slot = first
	}
	return min(l.slot.Sub(now), latest)
}

// most is how many attempts an owner has made at a time at one target.
func (q *Queue) most(owner string) int {
	if n := q.owners[owner].Most; n > 0 {
		return n
	}
	return mostAttempts
}

// work attempts a delivery, and then those that wait in its lane.
func (q *Queue) work(ctx context.Context, key laneKey, l *lane, m broker.Received) {
	j, ok := q.open(m.Message, m.Receipt)
	for {
		if ok && !q.attempt(ctx, l, j) || ctx.Err() != nil {
			return
		}
		receipt, more := q.next(key, l)
		if !more {
			return
		}
		j, ok = q.load(receipt)
	}
}

// next is the delivery that a lane's worker goes on with. Without one the worker ends, and
// with the last worker the lane.
func (q *Queue) next(key laneKey, l *lane) (r queue.Receipt, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.held--
	l.pace.ended++
	if len(l.pauses) > 0 {
		return l.relieve(), true
	}
	if len(l.waiting) == 0 {
		l.pace.since = time.Time{} // what it does from here on is not measured
		if l.running--; l.running == 0 {
			delete(q.lanes, key)
		}
		return queue.Receipt{}, false
	}
	r, l.waiting = l.waiting[0], l.waiting[1:]
	return r, true
}

// A pause is a worker that waits because the target of its delivery was busy.
type pause struct {
	receipt queue.Receipt
	end     context.CancelFunc
	over    bool // another worker has the delivery
}

// insert puts a pause into its place.
func (l *lane) insert(p *pause) {
	bySequence := func(a, b *pause) int { return cmp.Compare(a.receipt.Sequence, b.receipt.Sequence) }
	at, _ := slices.BinarySearchFunc(l.pauses, p, bySequence)
	l.pauses = slices.Insert(l.pauses, at, p)
}

// relieve is the first of the deliveries that found the target busy, for a worker whose attempt has ended: the
// target may have room now. Who paused with it goes on with one that has not been attempted, or ends.
func (l *lane) relieve() queue.Receipt {
	p := l.pauses[0]
	l.pauses = l.pauses[1:]
	first := p.receipt
	if len(l.waiting) > 0 {
		p.receipt, l.waiting = l.waiting[0], l.waiting[1:]
		l.insert(p)
	} else {
		p.over = true
		l.running--
		p.end()
	}
	return first
}

// pause waits for a busy target, for a time at most, and returns the delivery to be attempted then, if the
// worker is to go on.
func (q *Queue) pause(ctx context.Context, l *lane, r queue.Receipt, most time.Duration) (queue.Receipt, bool) {
	waiting, end := context.WithCancel(ctx)
	defer end()
	p := &pause{receipt: r, end: end}
	q.mu.Lock()
	l.insert(p)
	q.mu.Unlock()
	ended := q.Clock.SleepUntil(waiting, q.Clock.Now().Add(most))
	q.mu.Lock()
	defer q.mu.Unlock()
	if ended != nil || p.over {
		return queue.Receipt{}, false
	}
	l.pauses = slices.DeleteFunc(l.pauses, func(other *pause) bool { return other == p })
	return p.receipt, true
}
