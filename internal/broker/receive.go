package broker

import (
	"context"
	"errors"
	"time"

	"flyball/internal/queue"
	"flyball/internal/queuelog"
)

// A Request asks for messages.
type Request struct {
	Most         int
	Invisible    time.Duration
	Wait         time.Duration // for the first message; in real time
	Attempt      string        // ReceiveRequestAttemptId
	MostReceives uint32        // before a message is dead; 0: none ever is
	// Bury takes dead messages to where they go. What it returns without an error is
	// gone from the queue.
	Bury func([]*Message) error
}

// A Received is a message that was received.
type Received struct {
	*Message
	Receipt  queue.Receipt
	Receives uint32
	First    queue.Millis
}

// Receive takes messages that can be received, and waits for the first of them if it is
// asked to. A caller that is gone gets none.
func (q *Queue) Receive(ctx context.Context, r Request) ([]Received, error) {
	deadline := time.Now().Add(r.Wait)
	w := newWaiter(q.broker.Clock)
	for {
		jumped := q.broker.Clock.Jumped()
		got, dead, err := q.take(ctx, r, w, time.Now().Before(deadline))
		if len(dead) > 0 {
			q.bury(dead, r.Bury)
		}
		switch {
		case err != nil, len(got) > 0:
			return got, err
		case len(dead) > 0: // there may be others behind them
		case !time.Now().Before(deadline) || q.broker.stopped():
			return nil, q.leave(ctx, w)
		default:
			q.wait(ctx, w, deadline, jumped)
		}
	}
}

// take receives what there is. Without anything the waiter joins those who wait.
func (q *Queue) take(ctx context.Context, r Request, w *waiter, waits bool) (got []Received, dead []*Message, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.removed {
		return nil, nil, ErrRemoved
	}
	if ctx.Err() != nil {
		q.pass(w)
		return nil, nil, ctx.Err()
	}
	now := q.now()
	q.stats.active = now
	deliveries, err := q.deliver(now, r)
	defer q.settle()
	if err != nil {
		q.pass(w)
		return nil, nil, err
	}
	if len(deliveries) > 0 {
		q.waiting.leave(w)
		got, dead = q.read(deliveries)
		q.stats.Received += int64(len(got))
		return got, dead, nil
	}
	if waits && !w.in {
		q.waiting.join(w)
	}
	return nil, nil, nil
}

// pass has another look for the message that a waiter was told of and does not take.
func (q *Queue) pass(w *waiter) {
	if q.waiting.leave(w) {
		q.waiting.tell(1)
	}
}

// leave ends the waiting of a caller that got nothing.
func (q *Queue) leave(ctx context.Context, w *waiter) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.pass(w)
	q.stats.EmptyReceives++
	return ctx.Err()
}

// arm has those who wait be told when time alone brings a message back.
func (q *Queue) arm() {
	at, ok := q.machine.Next()
	if !ok || q.waiting.first == nil {
		return
	}
	if q.alarm == nil {
		q.alarm = q.broker.Clock.Timer(q.ring)
	}
	q.alarm.Set(time.UnixMilli(int64(at) + 1))
}

// ring tells those who wait of messages that have come back.
func (q *Queue) ring() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.machine.Advance(q.now())
	q.settle()
}

// settle tells those who wait of what has come back since they were told last, whatever
// has brought the queue to the present.
func (q *Queue) settle() {
	q.waiting.tell(q.machine.Back() - q.back)
	q.back = q.machine.Back()
	q.arm()
}

// wait waits until there may be messages, or there is no reason to wait any longer.
func (q *Queue) wait(ctx context.Context, w *waiter, deadline time.Time, jumped <-chan struct{}) {
	if q.broker.Clock.Counts(ctx) {
		q.broker.Clock.Await(ctx, time.Time{}, q.broker.stopping, w.told)
		return
	}
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-q.broker.stopping:
	case <-w.told.C():
	case <-jumped:
	case <-timer.C:
	}
}

// deliver has messages be in flight, and writes that to the log.
func (q *Queue) deliver(now queue.Millis, r Request) ([]queue.Delivery, error) {
	invisible := queue.Millis(r.Invisible.Milliseconds())
	if r.Attempt != "" {
		q.machine.Advance(now)
		if again := q.attempts.Find(now, r.Attempt, q.machine); len(again) > 0 {
			for i := range again {
				again[i].Until = now + invisible
				q.machine.Reappoint(again[i].Sequence, again[i].Until)
			}
			_, err := q.append(func(b []byte) []byte { return appendReceive(b, again) })
			return again, err
		}
	}
	got, err := q.machine.Receive(now, queue.Want{Most: r.Most, Invisible: invisible, MostReceives: r.MostReceives})
	q.noteSkips()
	if errors.Is(err, queue.ErrOverLimit) && r.Wait > 0 {
		err = nil // "When using long polling, Amazon SQS doesn't return an error" ("Amazon SQS message quotas")
	}
	if err != nil || len(got) == 0 {
		return nil, err
	}
	if _, err = q.append(func(b []byte) []byte { return appendReceive(b, got) }); err != nil {
		for _, d := range got {
			q.machine.Reappoint(d.Sequence, now) // nobody gets it: it is visible
		}
		return nil, err
	}
	if r.Attempt != "" {
		q.attempts.Add(now, r.Attempt, got)
	}
	q.maySave()
	return got, nil
}

// read reads messages that were received. What cannot be read is lost, and gone.
func (q *Queue) read(deliveries []queue.Delivery) (got []Received, dead []*Message) {
	for _, d := range deliveries {
		m, err := q.content(d.Place)
		switch {
		case err != nil:
			q.broker.Log.Error("a message is lost", "queue", q.folder, "sequence", d.Sequence, "error", err)
			q.machine.Remove(d.Sequence)
		case d.Dead:
			m.Receives += d.Receives
			if m.First == 0 {
				m.First = d.First
			}
			dead = append(dead, m)
		default:
			r := Received{Message: m, Receipt: d.Receipt, Receives: m.Receives + d.Receives, First: d.First}
			if m.First != 0 {
				r.First = m.First
			}
			got = append(got, r)
		}
	}
	return got, dead
}

// Reread reads a message that was received once more.
func (q *Queue) Reread(r queue.Receipt) (*Message, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	place, ok := q.machine.Place(r)
	switch {
	case q.removed:
		return nil, ErrRemoved
	case !ok:
		return nil, queue.ErrGone
	}
	return q.content(place)
}

func (q *Queue) content(place int64) (*Message, error) {
	if q.scratch == nil {
		q.scratch = make([]byte, usualRecord)
	}
	record, err := q.log.Read(queuelog.Position(place), q.scratch)
	if err != nil {
		return nil, err
	}
	return decodeMessage(record)
}

// bury takes dead messages away. If that fails they come back.
func (q *Queue) bury(dead []*Message, where func([]*Message) error) {
	sequences := make([]uint64, len(dead))
	for i, m := range dead {
		sequences[i] = m.Sequence
	}
	if err := where(dead); err != nil {
		q.broker.Log.Warn("messages could not be moved to their dead-letter queue", "queue", q.folder, "reason", err)
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, sequence := range sequences {
		q.machine.Remove(sequence)
	}
	_, _ = q.append(func(b []byte) []byte { return appendDelete(b, sequences) }) // failed has noted it
	q.waiting.tell(int64(len(sequences)))                                        // groups may be free now
}
