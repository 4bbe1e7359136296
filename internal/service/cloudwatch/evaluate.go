package cloudwatch

import (
	"context"
	"math"
	"slices"
	"time"

	"flyball/alarm"
	"flyball/internal/state"
	"flyball/metric"
)

// chunk is how many alarms are evaluated together, so that nobody waits for a
// million of them: what they see is read without the lock, and it takes some
// microseconds to find out under the lock that nothing is to be done.
const chunk = 128

// acting is how many alarms change in one hold of the lock: half a millisecond.
const acting = 16

// An evaluator is room for what the alarms of a chunk see. One goroutine uses it,
// that of Run.
type evaluator struct {
	part   []*entry
	views  []view
	values []float64
}

// A view is what an alarm sees at a time.
type view struct {
	alarm   *entry
	end     alarm.Instant // of the newest period
	values  []float64     // of the evaluation range, newest last; NaN is no data
	band    alarm.Band    // of the values, where the alarm compares with one
	samples float64       // how many measurements the newest N values are of, where that matters
	counts  []float64     // sample counts of the values, once something is to be done
}

// evaluate brings the state of metric alarms up to date.
func (a *alarms) evaluate(ctx context.Context, part []*entry, now time.Time) {
	views := a.read(part, now)
	calling := views[:0]
	a.cell.State.View(ctx, func() {
		for _, v := range views {
			if _, _, call := v.step(now); call != alarm.None {
				calling = append(calling, v)
			}
		}
	})
	if len(calling) == 0 {
		return
	}
	for i := range calling {
		calling[i].counts = a.counts(calling[i].alarm, calling[i].end.Time())
	}
	for some := range slices.Chunk(calling, acting) {
		a.cell.State.Later(func(tx *state.Tx) {
			for _, v := range some {
				a.act(tx, v, now)
			}
		})
	}
}

// step is the step of the alarm's watch. It calls for a repetition only where there
// are actions that repeat, and for nothing when the alarm was deleted, or put into
// its state since the evaluation began.
func (v *view) step(now time.Time) (alarm.Watch, alarm.Verdict, alarm.Call) {
	w, verdict, call := v.alarm.Watch.StepBand(now, v.alarm.metric.rule, v.values, v.band, v.samples)
	if v.alarm.deleted || v.alarm.updated > alarm.At(now) || call == alarm.Repeat && !v.alarm.repeats() {
		call = alarm.None
	}
	return w, verdict, call
}

// act does what a step calls for.
func (a *alarms) act(tx *state.Tx, v view, now time.Time) {
	e := v.alarm
	switch w, verdict, call := v.step(now); call {
	case alarm.Change:
		a.transition(tx, e, w, v.observation(verdict, now), now)
	case alarm.Repeat:
		e.Watch = w
		a.fire(tx, e, e.status, true, v.observation(verdict, now), now)
	}
}

// observation is what was seen, to be kept. The room that a view has is used again.
func (v *view) observation(verdict alarm.Verdict, now time.Time) *observation {
	return &observation{
		by: &v.alarm.metric, verdict: verdict, at: alarm.At(now), end: v.end,
		values: slices.Clone(v.values), counts: sameCounts(v.counts, v.values), band: v.band,
	}
}

// read reads what alarms see, without those whose metric cannot be read. The views
// are valid until the next call.
func (a *alarms) read(part []*entry, now time.Time) []view {
	room := &a.evaluator
	room.views, room.values = room.views[:0], room.values[:0]
	var interval time.Duration
	var end time.Time
	for _, e := range part {
		m := &e.metric
		if every := m.rule.Interval(); every != interval {
			interval, end = every, alarm.Boundary(now, every)
		}
		used, n := len(room.values), m.lookback()
		room.values = slices.Grow(room.values, n)[:used+n]
		v := view{alarm: e, end: alarm.At(end), values: room.values[used : used+n : used+n]}
		if m.rule.Comparison.OfBand() {
			v.band = alarm.Band{Lower: make([]float64, n), Upper: make([]float64, n)}
		}
		if err := m.read(v.values, v.band, end); err != nil {
			a.cell.Log.Error("read the metric of an alarm", "alarm", e.name, "error", err)
			continue
		}
		if m.rule.MinSamples > 0 {
			for _, n := range a.counts(e, end)[n-int(m.rule.Periods):] {
				v.samples += n
			}
		}
		room.views = append(room.views, v)
	}
	return room.views
}

// lookback is how many periods an evaluation looks at. Datapoints of a metric of
// standard resolution stand at the beginning of their minute: with shorter periods all
// of that minute is looked at, so that it does not matter at which second they came.
func (m *metricRule) lookback() int {
	n := m.rule.Range()
	if m.series == nil || m.rule.Period >= time.Minute || m.series.Resolution() < time.Minute {
		return n
	}
	return max(n, int(m.rule.Periods)-1+int(time.Minute/m.rule.Period))
}

// counts reads the sample counts of the evaluation range; 0 where there is no
// data. A formula has none.
func (a *alarms) counts(e *entry, end time.Time) []float64 {
	m := &e.metric
	if m.series == nil {
		return nil
	}
	counts := make([]float64, m.lookback())
	if err := m.series.Window(counts, metric.SampleCount, m.rule.Period, m.unit, end); err != nil {
		a.cell.Log.Error("read the sample counts of a metric", "alarm", e.name, "error", err)
	}
	for i, n := range counts {
		if math.IsNaN(n) {
			counts[i] = 0
		}
	}
	return counts
}

// transition puts an alarm into another state, tells its history, starts its
// actions and has the composite alarms that name it follow.
func (a *alarms) transition(tx *state.Tx, e *entry, to alarm.Watch, why reason, now time.Time) {
	before, next := e.status, e.status
	tx.Undo(func() { a.registry.enter(e, before) })
	next.Watch, next.why, next.updated = to, why, alarm.At(now)
	a.registry.enter(e, next)
	a.history.addStateUpdate(tx, e, before, now)
	if e.composite != nil {
		a.suppress(e, now)
	}
	if p := e.suppression; p == nil || p.By == "" {
		a.fire(tx, e, before, false, why, now)
	}
	tx.Put(kindStatus, e.name, e.status.document())
	a.publish(tx, e, before, now)
	a.follow(tx, e, now)
}
