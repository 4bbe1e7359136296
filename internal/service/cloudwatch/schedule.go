package cloudwatch

import (
	"context"
	"slices"
	"sync"
	"time"

	"flyball/alarm"
	"flyball/internal/due"
	"flyball/internal/state"
)

// settle is how long after its creation an alarm is evaluated for the first
// time: long enough for a client to see it as it created it.
const settle = 5 * time.Second

// A schedule knows what of alarms is due when. Its classes are guarded by the
// state's lock.
type schedule struct {
	classes map[time.Duration]*class // by evaluation interval
	late    lateList
	queue   due.Queue[task]
}

// A class is the alarms that are evaluated at the same instants.
type class struct {
	alarms []*entry
}

// A task is something to do at a time.
type task struct {
	kind     taskKind
	interval time.Duration // of the class whose periods close
	alarm    *entry        // the one that is due by itself
}

type taskKind uint8

const (
	periodsClose taskKind = iota
	single                // the first evaluation of a metric alarm, or the end of what suppresses a composite alarm's actions
	lateData              // datapoints landed in periods that had closed
	retire                // history past its time is removed
)

func (s *schedule) init() {
	s.classes = map[time.Duration]*class{}
	s.queue.Set(task{kind: retire}, time.Time{})
}

// add has an alarm evaluated with its class.
func (s *schedule) add(e *entry, now time.Time) {
	interval := e.metric.rule.Interval()
	c := s.classes[interval]
	if c == nil {
		c = &class{}
		s.classes[interval] = c
		s.queue.Set(task{kind: periodsClose, interval: interval}, alarm.Boundary(now, interval).Add(interval))
	}
	e.slot = int32(len(c.alarms))
	c.alarms = append(c.alarms, e)
}

// remove fills the alarm's place with the last one of its class.
func (s *schedule) remove(e *entry) {
	interval := e.metric.rule.Interval()
	c := s.classes[interval]
	last := len(c.alarms) - 1
	c.alarms[e.slot] = c.alarms[last]
	c.alarms[e.slot].slot = e.slot
	c.alarms[last] = nil
	c.alarms = c.alarms[:last]
	if last == 0 {
		delete(s.classes, interval)
		s.queue.Drop(task{kind: periodsClose, interval: interval})
	}
}

// soon has an alarm that is new or changed evaluated in a moment.
func (s *schedule) soon(tx *state.Tx, e *entry, now time.Time) {
	first := task{kind: single, alarm: e}
	s.queue.Set(first, now.Add(settle))
	tx.Undo(func() { s.queue.Drop(first) })
}

// suppressed has a composite alarm looked at when the time of what suppresses its
// actions is over.
func (s *schedule) suppressed(e *entry) {
	if p := e.suppression; p != nil && !p.Until.IsZero() {
		s.queue.Set(task{kind: single, alarm: e}, p.Until)
	}
}

// do does what is due.
func (a *alarms) do(ctx context.Context, tasks []task) {
	now := a.now()
	for _, t := range tasks {
		switch t.kind {
		case periodsClose:
			a.evaluateClass(ctx, t.interval, now)
		case lateData:
			for part := range slices.Chunk(a.schedule.late.take(), chunk) {
				a.evaluate(ctx, part, now)
			}
		case single:
			if t.alarm.composite == nil {
				a.evaluate(ctx, []*entry{t.alarm}, now)
			} else {
				a.cell.State.Later(func(tx *state.Tx) { a.endSuppression(tx, t.alarm, now) })
			}
		case retire:
			a.history.retire(ctx, a.cell, now)
			a.schedule.queue.Set(t, now.Add(retireEvery))
		}
	}
}

// evaluateClass evaluates the alarms of a class, and has it due again at its next
// boundary. Boundaries that pass meanwhile are not made up for.
func (a *alarms) evaluateClass(ctx context.Context, interval time.Duration, now time.Time) {
	a.cell.State.View(ctx, func() {
		if a.schedule.classes[interval] != nil {
			a.schedule.queue.Set(task{kind: periodsClose, interval: interval}, alarm.Boundary(now, interval).Add(interval))
		}
	})
	for start := 0; ; start += chunk {
		part := a.part(ctx, interval, start)
		if len(part) == 0 {
			return
		}
		a.evaluate(ctx, part, now)
		for _, e := range part {
			if e.metric.selects() {
				// Nobody tells it of datapoints that come a moment after their period.
				a.schedule.queue.Set(task{kind: single, alarm: e}, now.Add(settle))
			}
		}
	}
}

// part copies a chunk of a class. An alarm that is removed meanwhile may hide
// another until next time.
func (a *alarms) part(ctx context.Context, interval time.Duration, start int) []*entry {
	part := a.evaluator.part[:0]
	a.cell.State.View(ctx, func() {
		if c := a.schedule.classes[interval]; c != nil && start < len(c.alarms) {
			part = append(part, c.alarms[start:min(start+chunk, len(c.alarms))]...)
		}
	})
	a.evaluator.part = part
	return part
}

// A lateList is the alarms for which a datapoint landed in a period that had
// closed, each once.
type lateList struct {
	mu     sync.Mutex
	alarms []*entry
}

// add adds an alarm, and tells whether it is the first.
func (l *lateList) add(e *entry) (first bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e.late {
		return false
	}
	e.late = true
	l.alarms = append(l.alarms, e)
	return len(l.alarms) == 1
}

// take returns the alarms and empties the list.
func (l *lateList) take() []*entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	taken := l.alarms
	l.alarms = nil
	for _, e := range taken {
		e.late = false
	}
	return taken
}
