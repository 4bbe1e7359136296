package events

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"flyball/internal/delivery"
	"flyball/internal/state"
)

// Rules are due at the times of their schedules, in UTC. What was due while the server did
// not run is not made up for, but for the last minute before it came back: a schedule "is
// invoked within the minute" ("Creating a rule that runs on a schedule"), and a restart is
// to lose no run. A run that was on disk before a kill has the ID that it would have again.

const (
	mostDue = 1000
	catchUp = time.Minute
)

// resume is the time after which schedules are due that an earlier life has not fired.
func (a *API) resume() time.Time {
	from := a.cell.Clock.Now().Add(-catchUp)
	if fired, ok := a.fired.Get(""); ok && fired.After(from) {
		return fired
	}
	return from
}

// plan has a rule be due at the first time of its schedule after one, under the lock of
// the index. A rate counts from when the rule was made: that itself is no run.
func (a *API) plan(key string, r *active, after time.Time) {
	s, err := r.schedule()
	if err != nil { // it was checked when it was put
		a.cell.Log.Error("the schedule of a rule cannot be read", "rule", r.arn, "error", err)
		return
	}
	if after.Before(r.Since) {
		after = r.Since
	}
	if next, ok := s.Next(after); ok {
		r.next = next
		a.due.Set(key, next)
	}
}

// fire has the targets of rules that are due get their events.
func (a *API) fire(ctx context.Context, keys []string) {
	var all []delivery.Delivery
	var last time.Time
	for _, key := range keys {
		r, at := a.turn(key)
		if r == nil {
			continue
		}
		e, err := a.event(scheduled(r, at))
		if err != nil {
			a.cell.Log.Error("the event of a schedule cannot be made", "rule", r.arn, "error", err)
			continue
		}
		all = append(all, a.trigger(r, e)...)
		if at.After(last) {
			last = at
		}
	}
	if len(all) > 0 {
		if err := a.cfg.Deliveries.Deliver(ctx, all...); err != nil {
			a.cell.Log.Error("the events of schedules could not be kept", "error", err)
			return // the server ends
		}
	}
	a.note(a.firedUntil(last))
}

// firedUntil is until when no run is to come any more, after the last of those that were fired: a
// rule that is behind has some from before it.
func (a *API) firedUntil(last time.Time) time.Time {
	if next, ok := a.due.First(); ok && !next.After(last) {
		return next.Add(-1)
	}
	return last
}

// turn is a rule that is due, with the time that it was due at. It is due again at the
// next, unless that is too long ago already: a minute on a wall clock, whatever the speed, so that
// a disk that is slow for a moment costs no run.
func (a *API) turn(key string) (*active, time.Time) {
	a.index.mu.Lock()
	defer a.index.mu.Unlock()
	r := a.index.active[key]
	if r == nil {
		return nil, time.Time{}
	}
	at := a.missed(r)
	after := at
	behind := time.Duration(float64(catchUp) * max(a.cell.Clock.Speed(), 1))
	if oldest := a.cell.Clock.Now().Add(-behind); after.Before(oldest) {
		after = oldest
	}
	a.plan(key, r, after)
	return r, at
}

// missed is the run that a rule that is due has: of those that were missed while the machine
// was asleep, the last.
func (a *API) missed(r *active) time.Time {
	landed := a.cell.Clock.Landed()
	if !r.next.Before(landed) {
		return r.next
	}
	if s, err := r.schedule(); err == nil {
		if last, ok := s.Last(r.next, landed); ok {
			return last
		}
	}
	return r.next
}

// note keeps until when schedules were fired.
func (a *API) note(last time.Time) {
	a.cell.State.Later(func(tx *state.Tx) {
		if fired, _ := a.fired.Get(""); last.After(fired) {
			a.fired.Put(tx, "", last)
		}
	})
}

// scheduled is the event of a schedule ("Scheduled Event").
func scheduled(r *active, at time.Time) Event {
	return Event{
		ID:     uuid.NewSHA1(uuid.NameSpaceOID, []byte(r.arn+at.Format(time.RFC3339))).String(),
		Source: "aws.events", DetailType: "Scheduled Event", Time: at, Resources: []string{r.arn}, Detail: json.RawMessage("{}"),
	}
}
