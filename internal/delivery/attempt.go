package delivery

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"flyball/internal/deliver"
)

// A verdict is what becomes of a parcel after an attempt.
type verdict struct {
	parcel
	outcome   Outcome
	wait      time.Duration // before the next attempt
	condition Condition
	code      string
}

// judge says what becomes of a parcel at an age, with the error of an attempt.
func (p parcel) judge(err error, age time.Duration, random float64) verdict {
	v := verdict{parcel: p, code: codeOf(err)}
	var refused *deliver.Refused
	var busy *deliver.Busy
	switch {
	case err == nil:
		v.Failed++ // it is an attempt, although it did not fail
		v.outcome = Taken
		return v
	case errors.As(err, &refused):
		v.Failed++
		v.outcome = Refused
		return v
	case errors.As(err, &busy):
		v.Busy++
		v.wait, v.condition = p.Retry.afterBusy(v.Busy, age, random)
	default:
		v.Failed, v.Busy = p.Failed+1, 0
		v.wait, v.condition = p.Retry.after(v.Failed, age, random)
	}
	v.outcome = Retried
	if v.condition != "" {
		v.outcome = Exhausted
	}
	return v
}

// codeOf is the error code that a dead letter shows, one of those in "Using dead-letter
// queues to process undelivered events in EventBridge".
func codeOf(err error) string {
	var refused *deliver.Refused
	var busy *deliver.Busy
	switch {
	case err == nil:
		return ""
	case errors.As(err, &refused):
		return refused.Code
	case errors.As(err, &busy):
		return "THROTTLING"
	case errors.Is(err, context.DeadlineExceeded):
		return "TIMEOUT"
	}
	return "ERROR_FROM_TARGET"
}

// attempt makes attempts at a delivery until the target is not busy, and does what comes of the last. Those
// behind it in the lane would find the target busy, too, and so are spared their attempts, and the disk their
// way back into the queue. It reports whether the worker is to go on.
func (q *Queue) attempt(ctx context.Context, l *lane, j job) bool {
	for {
		began := q.Clock.Now()
		v, err := q.try(ctx, j, began)
		if err != nil && ctx.Err() != nil {
			return false // the server stops, which says nothing of the target
		}
		q.tell(ctx, j, v, began, err)
		if v.outcome != Retried || v.Busy == 0 {
			q.settle(j, v, err)
			return true
		}
		busy := v.Busy // what the verdict is of needs no memory meanwhile
		receipt, ok := q.pause(ctx, l, j.receipt, v.wait)
		if !ok {
			return false
		}
		if j, ok = q.load(receipt); !ok {
			return true
		}
		j.Busy = busy
	}
}

// try makes an attempt, and judges it.
func (q *Queue) try(ctx context.Context, j job, began time.Time) (v verdict, err error) {
	if j.Retry.expired(began.Sub(j.Accepted), q.Clock.Speed()) {
		v, err = verdict{parcel: j.parcel, outcome: Exhausted, condition: ByAge, code: codeTooOld}, errTooOld
	} else {
		err = q.take(ctx, j.parcel)
		v = j.judge(err, q.Clock.Now().Sub(j.Accepted), random())
	}
	if v.Letter {
		v.outcome = fateOfLetter(v.outcome)
	}
	return v, err
}

// What is told of a delivery that grew too old before an attempt could be made.
const codeTooOld = "UNKNOWN"

var errPanicked = errors.New("an internal error")

var errTooOld = errors.New("the event was not delivered before its maximum age")

// fateOfLetter is the outcome of an attempt as that of a dead letter.
func fateOfLetter(o Outcome) Outcome {
	switch o {
	case Taken:
		return Buried
	case Refused, Exhausted:
		return Lost
	}
	return o
}

// take hands an invocation to its target, or a dead letter to its queue. A panic is
// logged with its stack and is a failed attempt: the delivery is kept on disk, so that
// it would end each life of the server.
func (q *Queue) take(ctx context.Context, p parcel) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			q.Log.Error("an attempt panicked", "to", p.To, "invocation", p.Invocation.ID, "panic", cause, "stack", string(debug.Stack()))
			err = errPanicked
		}
	}()
	p.Invocation.Attempt = p.Failed + 1
	switch own := q.owners[p.Owner].Take; {
	case p.Letter:
		return q.Router.Deliver(ctx, p.DeadLetter, p.Invocation)
	case own != nil:
		return own(ctx, p.Delivery)
	}
	return q.Router.Deliver(ctx, p.To, p.Invocation)
}

// tell tells the owner. Of a dead letter that is attempted again nobody is told.
func (q *Queue) tell(ctx context.Context, j job, v verdict, began time.Time, err error) {
	done := q.owners[j.Owner].Done
	if done == nil || j.Letter && v.outcome == Retried {
		return
	}
	done(ctx, Report{
		Delivery: j.Delivery, Outcome: v.outcome, Accepted: j.Accepted, Began: began,
		Attempts: v.Failed, Err: err, Code: v.code, Condition: v.condition,
	})
}

// settle does what a verdict says.
func (q *Queue) settle(j job, v verdict, err error) {
	switch {
	case v.outcome == Retried:
		q.putBack(j, v.parcel, v.wait)
	case (v.outcome == Refused || v.outcome == Exhausted) && j.DeadLetter != "":
		q.putBack(j, v.letter(v.code, fmt.Sprint(err), v.condition, q.Clock.Now()), 0)
	default:
		if v.outcome == Lost {
			q.Log.Warn("a dead letter could not be sent", "from", j.Invocation.Source, "to", j.DeadLetter, "reason", err)
		}
		q.forget(j.receipt)
	}
}
