package cloudwatch

import (
	"slices"
	"sync/atomic"
	"time"

	"flyball/alarm"
	"flyball/internal/clock"
	"flyball/internal/tsdb"
)

// A listener hears of the datapoints of a metric that has alarms. It hears of them
// in the midst of whatever publishes them, so it takes no lock of the service: it
// lists the alarms for the loop to evaluate.
type listener struct {
	clock    *clock.Clock
	schedule *schedule
	alarms   atomic.Pointer[[]*entry] // replaced, never changed
	finest   atomic.Int64             // the shortest evaluation interval among them
}

// all are the alarms on the metric.
func (l *listener) all() []*entry {
	if alarms := l.alarms.Load(); alarms != nil {
		return *alarms
	}
	return nil
}

func (l *listener) add(e *entry) { l.set(append(slices.Clip(l.all()), e)) }

// remove returns how many alarms are left.
func (l *listener) remove(e *entry) int {
	left := slices.DeleteFunc(slices.Clone(l.all()), func(other *entry) bool { return other == e })
	l.set(left)
	return len(left)
}

func (l *listener) set(alarms []*entry) {
	finest := time.Minute
	for _, e := range alarms {
		finest = min(finest, e.metric.rule.Interval())
	}
	l.finest.Store(int64(finest))
	l.alarms.Store(&alarms)
}

// Landed implements tsdb.Watcher. Datapoints of a period that is still open wait
// until it closes; one that came late has its alarms evaluated at once.
func (l *listener) Landed(_ *tsdb.Series, at time.Time) {
	now := l.clock.Now()
	if !at.Before(alarm.Boundary(now, time.Duration(l.finest.Load()))) {
		return
	}
	for _, e := range l.all() {
		rule := &e.metric.rule
		end := alarm.Boundary(now, rule.Interval())
		start := end.Add(-time.Duration(e.metric.lookback()) * rule.Period)
		if at.Before(end) && !at.Before(start) && l.schedule.late.add(e) {
			l.schedule.queue.Set(task{kind: lateData}, now)
		}
	}
}
