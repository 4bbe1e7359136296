package delivery

import (
	"context"
	"time"

	"flyball/internal/queue"
)

// A lane is the deliveries to one target that are in memory: those that are attempted,
// and those that wait for one of these to end. Those that find it full are put into the
// queue again, and come back one a millisecond, so that a target which takes nothing
// neither fills the memory nor keeps the queue from the others.
type lane struct {
	running int
	waiting []job
	bytes   int       // of those that wait
	slot    time.Time // when the last comes back of those that were put back
}

// The limits of lanes. What is held in all lanes bounds how many deliveries are in flight.
const (
	mostAttempts     = 32
	mostWaiting      = 256
	mostWaitingBytes = 4 << 20
	mostHeld         = 50_000
	slotLength       = time.Millisecond
	firstSlot        = time.Second
)

// A laneKey names a lane.
type laneKey struct{ owner, to string }

// A job is a parcel that was received.
type job struct {
	parcel
	receipt queue.Receipt
	size    int
}

func (j job) lane() laneKey {
	if j.Letter {
		return laneKey{j.Owner, j.DeadLetter}
	}
	return laneKey{j.Owner, j.To}
}

// admit has a job be attempted, or wait in its lane. Without room there it says after which
// time the job is to come again.
func (q *Queue) admit(ctx context.Context, j job) (again time.Duration, ok bool) {
	key := j.lane()
	q.mu.Lock()
	defer q.mu.Unlock()
	l := q.lanes[key]
	if l == nil {
		l = &lane{}
		q.lanes[key] = l
	}
	switch {
	case l.running < q.most(j.Owner):
		l.running++
		q.workers.Go(func() { q.work(ctx, key, l, j) })
	case len(l.waiting) == 0 || len(l.waiting) < mostWaiting && l.bytes+j.size <= mostWaitingBytes:
		l.waiting = append(l.waiting, j)
		l.bytes += j.size
	default:
		return l.comeAgain(q.Clock.Now()), false
	}
	q.held++
	return 0, true
}

// comeAgain is how long a delivery stays away that has found the lane full.
func (l *lane) comeAgain(now time.Time) time.Duration {
	l.slot = l.slot.Add(slotLength)
	if soonest := now.Add(firstSlot); l.slot.Before(soonest) {
		l.slot = soonest
	}
	return l.slot.Sub(now)
}

// most is how many attempts an owner has made at a time at one target.
func (q *Queue) most(owner string) int {
	if n := q.owners[owner].Most; n > 0 {
		return n
	}
	return mostAttempts
}

// work attempts a job, and then those that wait in its lane.
func (q *Queue) work(ctx context.Context, key laneKey, l *lane, j job) {
	for ok := true; ok && ctx.Err() == nil; j, ok = q.next(key, l) {
		q.attempt(ctx, j)
	}
}

// next is the job that a lane's worker goes on with. Without one the worker ends, and with
// the last worker the lane.
func (q *Queue) next(key laneKey, l *lane) (j job, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.held--
	select {
	case q.freed <- struct{}{}:
	default: // it is told already
	}
	if len(l.waiting) == 0 {
		if l.running--; l.running == 0 {
			delete(q.lanes, key)
		}
		return job{}, false
	}
	j, l.waiting = l.waiting[0], l.waiting[1:]
	l.bytes -= j.size
	return j, true
}

// awaitRoom waits until more may be held, and says how much.
func (q *Queue) awaitRoom(ctx context.Context) int {
	for {
		q.mu.Lock()
		room := mostHeld - q.held
		q.mu.Unlock()
		if room > 0 {
			return room
		}
		select {
		case <-ctx.Done():
			return 0
		case <-q.freed:
		}
	}
}
