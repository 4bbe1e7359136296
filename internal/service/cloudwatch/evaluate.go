package cloudwatch

import (
	"context"
	"math"
	"slices"
	"sync/atomic"
	"time"

	"flyball/alarm"
	"flyball/internal/store"
	"flyball/internal/tsdb"
	"flyball/metric"
)

// settle is how long after its creation an alarm is evaluated for the first
// time: long enough for a client to see it as it created it.
const settle = 5 * time.Second

// retireEvery is how often history past its time is removed.
const retireEvery = time.Hour

// chunk is how many alarms are evaluated in one hold of the lock, so that calls
// need not wait for a million: about 0.1 ms.
const chunk = 128

// A schedule knows which alarms are due when. It is guarded by the API's lock.
type schedule struct {
	classes map[time.Duration]*class // by evaluation interval
	fresh   []fresh                  // in the order of their times
	retire  time.Time                // when history is next looked at; zero is at once
	changed chan struct{}            // holds a token when something became due earlier
}

// A fresh alarm was created or changed, and is evaluated for the first time at
// a time of its own.
type fresh struct {
	alarm *record
	at    time.Time
}

// A class is the alarms that are evaluated at the same instants.
type class struct {
	alarms []*record
	due    time.Time // the next instant; zero is that nothing was evaluated yet
}

func (s *schedule) init() {
	s.classes = map[time.Duration]*class{}
	s.changed = make(chan struct{}, 1)
}

func (s *schedule) add(r *record) {
	c := s.classes[r.metric.rule.Interval()]
	if c == nil {
		c = &class{}
		s.classes[r.metric.rule.Interval()] = c
		s.rouse()
	}
	r.slot = int32(len(c.alarms))
	c.alarms = append(c.alarms, r)
}

// remove fills the alarm's place with the last one of its class.
func (s *schedule) remove(r *record) {
	c := s.classes[r.metric.rule.Interval()]
	last := len(c.alarms) - 1
	c.alarms[r.slot] = c.alarms[last]
	c.alarms[r.slot].slot = r.slot
	c.alarms[last] = nil
	c.alarms = c.alarms[:last]
	if last == 0 {
		delete(s.classes, r.metric.rule.Interval())
	}
}

// soon has an alarm evaluated in a moment.
func (s *schedule) soon(r *record, now time.Time) {
	s.fresh = append(s.fresh, fresh{r, now.Add(settle)})
	if len(s.fresh) == 1 {
		s.rouse()
	}
}

// rouse makes the loop look again at what is due.
func (s *schedule) rouse() {
	select {
	case s.changed <- struct{}{}:
	default: // it is about to
	}
}

// next is when the loop has something to do.
func (a *API) next(now time.Time) time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := &a.schedule
	at := s.retire
	for interval, c := range s.classes {
		if c.due.IsZero() {
			c.due = alarm.Boundary(now, interval).Add(interval)
		}
		at = earlier(at, c.due)
	}
	if len(s.fresh) > 0 {
		at = earlier(at, s.fresh[0].at)
	}
	for _, list := range a.suppressed {
		for _, r := range list {
			if p := r.suppression; p != nil && !p.Until.IsZero() {
				at = earlier(at, p.Until)
			}
		}
	}
	return at
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// Run evaluates alarms and carries out their actions until ctx ends.
func (a *API) Run(ctx context.Context) error {
	stop := a.actions.start(ctx)
	defer stop()
	for ctx.Err() == nil {
		if a.sleep(ctx, a.next(a.Clock.Now())) {
			a.evaluateDue()
		}
	}
	return nil
}

// sleep returns true at the time given, and false when the schedule changed or
// ctx ended before.
func (a *API) sleep(ctx context.Context, until time.Time) bool {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	woken := make(chan struct{})
	go func() {
		defer close(woken)
		select {
		case <-a.schedule.changed:
			cancel()
		case <-ctx.Done():
		}
	}()
	err := a.Clock.SleepUntil(ctx, until)
	cancel()
	<-woken
	return err == nil
}

// evaluateDue does all that is due.
func (a *API) evaluateDue() {
	now := a.now()
	for _, interval := range a.dueIntervals(now) {
		for start := 0; a.evaluateChunk(interval, start, now); start += chunk {
		}
	}
	if a.evaluateFresh(now) {
		a.history.retire(a.Store, now)
	}
}

// evaluateFresh does what is due beside the classes, and tells whether it is
// time to look at the history.
func (a *API) evaluateFresh(now time.Time) (retire bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := &a.schedule
	for len(s.fresh) > 0 && !s.fresh[0].at.After(now) {
		if r := s.fresh[0].alarm; !r.deleted {
			a.evaluate(r, now)
		}
		s.fresh = s.fresh[1:]
	}
	if len(s.fresh) == 0 {
		s.fresh = nil
	}
	a.endSuppressions(now)
	if now.Before(s.retire) {
		return false
	}
	s.retire = now.Add(retireEvery)
	return true
}

// dueIntervals takes the classes that are due; each is due again at its next
// boundary. Boundaries that passed meanwhile are not made up for.
func (a *API) dueIntervals(now time.Time) []time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	var due []time.Duration
	for interval, c := range a.schedule.classes {
		if !c.due.IsZero() && !c.due.After(now) {
			c.due = alarm.Boundary(now, interval).Add(interval)
			due = append(due, interval)
		}
	}
	slices.Sort(due)
	return due
}

// evaluateChunk evaluates some alarms of a class, and tells whether there are
// more. One that is removed meanwhile may hide another until next time.
func (a *API) evaluateChunk(interval time.Duration, start int, now time.Time) (more bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	c := a.schedule.classes[interval]
	if c == nil || start >= len(c.alarms) {
		return false
	}
	for _, r := range c.alarms[start:min(start+chunk, len(c.alarms))] {
		a.evaluate(r, now)
	}
	return true
}

// evaluate brings a metric alarm's state up to date. The caller holds the lock.
func (a *API) evaluate(r *record, now time.Time) {
	m := &r.metric
	end := alarm.Boundary(now, m.rule.Interval())
	values := a.window(m.rule.Range())
	if err := m.read(values, end); err != nil {
		a.Log.Error("read the metric of an alarm", "alarm", r.name, "error", err)
		return
	}
	samples := 0.0
	if m.rule.MinSamples > 0 {
		for _, n := range a.counts(m, end)[m.rule.Range()-int(m.rule.Periods):] {
			samples += n
		}
	}
	w, v, call := r.Watch.Step(now, m.rule, values, samples)
	switch {
	case call == alarm.Change:
		a.transition(r, w, a.see(m, v, values, end, now), now)
	case call == alarm.Repeat:
		r.Watch = w
		if r.repeats() {
			a.fire(r, r.State, now, true, a.see(m, v, values, end, now))
		}
	}
}

// window is room for the values of an evaluation, valid until the next one.
func (a *API) window(n int) []float64 {
	if cap(a.scratch) < n {
		a.scratch = make([]float64, n)
	}
	return a.scratch[:n]
}

// counts reads the sample counts of the evaluation range; 0 where there is no
// data. A formula has none.
func (a *API) counts(m *metricRule, end time.Time) []float64 {
	if m.series == nil {
		return nil
	}
	counts := make([]float64, m.rule.Range())
	if err := m.series.Window(counts, metric.SampleCount, m.rule.Period, m.unit, end); err != nil {
		a.Log.Error("read the sample counts of a metric", "error", err)
	}
	for i, n := range counts {
		if math.IsNaN(n) {
			counts[i] = 0
		}
	}
	return counts
}

// see keeps what an evaluation saw.
func (a *API) see(m *metricRule, v alarm.Verdict, values []float64, end, now time.Time) *seen {
	return &seen{
		by: m, verdict: v, at: alarm.At(now), end: alarm.At(end),
		values: slices.Clone(values), counts: sameCounts(a.counts(m, end), values),
	}
}

// transition puts an alarm into another state, tells its history, starts its
// actions and has the composite alarms that watch it follow. The caller holds the
// lock.
func (a *API) transition(r *record, to alarm.Watch, why reason, now time.Time) {
	from := r.standing
	r.Watch, r.why, r.updated = to, why, alarm.At(now)
	key := a.history.key(now) // before those of the actions
	if r.composite != nil {
		a.suppress(r, now)
	}
	if p := r.suppression; p == nil || p.By == "" {
		a.fire(r, from.State, now, false, why)
	}
	// The actions are on their way; what is left to do is not urgent.
	b := new(store.Batch)
	a.history.stateUpdate(b, key, r, from, now)
	putState(b, r)
	a.Store.Write(b)
	a.follow(r, now)
}

// A watch hears of the datapoints of a metric that has alarms.
type watch struct {
	api    *API
	finest atomic.Int64 // shortest evaluation interval of its alarms
	alarms []*record    // guarded by the API's lock
}

func (w *watch) add(r *record) {
	w.alarms = append(w.alarms, r)
	w.measure()
}

// remove returns how many alarms are left.
func (w *watch) remove(r *record) int {
	w.alarms = slices.DeleteFunc(w.alarms, func(other *record) bool { return other == r })
	w.measure()
	return len(w.alarms)
}

func (w *watch) measure() {
	finest := time.Minute
	for _, r := range w.alarms {
		finest = min(finest, r.metric.rule.Interval())
	}
	w.finest.Store(int64(finest))
}

// Landed implements tsdb.Watcher. Datapoints of a period that is still open
// wait until it closes; one that came late has its alarms evaluated at once.
func (w *watch) Landed(_ *tsdb.Series, at time.Time) {
	now := w.api.now()
	if !at.Before(alarm.Boundary(now, time.Duration(w.finest.Load()))) {
		return
	}
	w.api.mu.Lock()
	defer w.api.mu.Unlock()
	for _, r := range w.alarms {
		m := &r.metric
		end := alarm.Boundary(now, m.rule.Interval())
		start := end.Add(-time.Duration(m.rule.Range()) * m.rule.Period)
		if at.Before(end) && !at.Before(start) {
			w.api.evaluate(r, now)
		}
	}
}
