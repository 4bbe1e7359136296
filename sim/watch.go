package sim

import (
	"math"
	"time"

	"flyball/alarm"
	"flyball/metric"
)

// A meter measures at the end of each of its periods, and has its alarms look. Those of
// longer periods look at several.
type meter struct {
	period   time.Duration
	delays   Delays
	window   window
	series   []*series
	watchers []*watcher
	ends     int64 // when the period ends that is measured
	appears  int64 // when the datapoints of the last one appear; never: they have
	looks    int64 // when the alarms look next; never: as datapoints appear
	late     int   // whole periods that the alarms look behind
	due      bool  // the alarms look now
}

// A series is the newest datapoints of a metric, the newest last, NaN where there is
// none.
type series struct {
	metric Metric
	values []float64
	keep   int
	hidden float64 // the newest, until it appears
}

func (s *series) push(v float64) {
	if len(s.values) == cap(s.values) {
		n := copy(s.values, s.values[len(s.values)-s.keep:])
		s.values = s.values[:n]
	}
	s.values = append(s.values, v)
}

// reserve makes room for so many values, which there are none of yet.
func (s *series) reserve(n int) {
	if n <= s.keep {
		return
	}
	s.keep = n
	s.values = make([]float64, n, 8*n)
	for i := range s.values {
		s.values[i] = math.NaN()
	}
}

// A watcher is an alarm of a policy with what it sees.
type watcher struct {
	policy int // its place
	name   string
	rule   alarm.Rule
	series *series
	each   int // datapoints of the series in a period
	watch  alarm.Watch
	merged []float64 // of its longer periods
	counts bool      // its streak tells what an evaluation would find
	streak streak

	verdict alarm.Verdict // of the step that calls
	points  []metric.Datapoint
}

// since is when the alarm went into its state; the zero time: it has been in no other.
func (w *watcher) since() time.Time {
	if w.watch.Since == 0 {
		return time.Time{}
	}
	return w.watch.Since.Time()
}

// span is how many datapoints of its series a watcher looks at.
func (w *watcher) span() int { return w.rule.Range() * w.each }

// values are those of its evaluation range, so many datapoints of the series ago.
func (w *watcher) values(late int) []float64 {
	all := w.series.values
	all = all[len(all)-w.span()-late : len(all)-late]
	if w.each == 1 {
		return all
	}
	for i := range w.merged {
		w.merged[i] = w.series.metric.merge(all[i*w.each : (i+1)*w.each])
	}
	return w.merged
}

// A streak is how many of a watcher's newest datapoints are there without a gap, and how many of
// them breach without one that does not.
type streak struct{ known, breaching int32 }

// add adds the next datapoint.
func (s *streak) add(r *alarm.Rule, v float64) {
	switch {
	case v != v:
		*s = streak{}
	case r.Comparison.Breaches(v, r.Threshold):
		*s = streak{s.known + 1, s.breaching + 1}
	default:
		*s = streak{known: s.known + 1}
	}
}

// verdict is what a rule finds that wants all of its datapoints to breach, and has them all.
func (s *streak) verdict(r *alarm.Rule) alarm.Verdict {
	if s.breaching >= r.Periods {
		return alarm.Verdict{State: alarm.Alarm, Breaching: r.Periods}
	}
	return alarm.Verdict{State: alarm.OK, Breaching: s.breaching, Within: r.Periods - s.breaching}
}

// look is a step of the alarm's watch, and reports whether it calls its policy. Most looks
// find the alarm OK, as it was, or need only the newest datapoint to find it in ALARM still.
func (w *watcher) look(now int64, late int) (calls bool) {
	if w.counts {
		w.streak.add(&w.rule, w.newestValue(late))
		if w.streak.known >= w.rule.Periods {
			if w.watch.State == alarm.OK && w.streak.breaching < w.rule.Periods {
				return false
			}
			found := w.streak.verdict(&w.rule)
			next, call := w.watch.Find(moment(now), w.rule, found, false)
			return w.become(next, found, call)
		}
	}
	values := w.values(late)
	if w.watch.State == alarm.OK && w.rule.Calm(values) {
		return false
	}
	next, verdict, call := w.watch.Step(moment(now), w.rule, values, math.Inf(1))
	return w.become(next, verdict, call)
}

// become takes over what a step found, and reports whether the alarm calls its policy.
func (w *watcher) become(next alarm.Watch, found alarm.Verdict, call alarm.Call) (calls bool) {
	if call == alarm.None || call == alarm.Repeat && next.State != alarm.Alarm {
		return false
	}
	w.watch, w.verdict = next, found
	return next.State == alarm.Alarm
}

// newestValue is the newest one that the alarm looks at.
func (w *watcher) newestValue(late int) float64 {
	return w.series.values[len(w.series.values)-1-late]
}

// evidence are the datapoints that the alarm has just evaluated.
func (w *watcher) evidence(end time.Time, late int) []metric.Datapoint {
	w.points = alarm.Evidence{Rule: w.rule, Verdict: w.verdict, End: end, Values: w.values(late)}.AppendDatapoints(w.points[:0])
	return w.points
}

// newest are the datapoints of the newest closed periods that the alarm evaluates. Those
// of several minutes begin at multiples of their length.
func (w *watcher) newest(now time.Time) []metric.Datapoint {
	w.points = w.points[:0]
	end := now.Truncate(w.rule.Period)
	values := w.values(int(alarm.Boundary(now, w.rule.Interval()).Sub(end) / w.rule.Interval()))
	values = values[len(values)-int(w.rule.Periods):]
	for i, v := range values {
		if v == v {
			at := end.Add(-time.Duration(len(values)-i) * w.rule.Period)
			w.points = append(w.points, metric.Datapoint{Time: at, Value: v})
		}
	}
	return w.points
}

// close ends a period: its datapoints appear at once, or some time later.
func (m *meter) close(r *run, now int64) {
	delay := int64(m.delays.Publication)
	if late := int64(r.minute.Late); delay > 0 && late > 0 {
		delay = min(late, int64(m.period)-1)
	}
	for _, s := range m.series {
		v := r.measure(s.metric, &m.window, m.period)
		if delay > 0 {
			s.hidden, v = v, math.NaN()
		}
		s.push(v)
	}
	m.window = window{}
	m.ends = now + int64(m.period)
	if delay > 0 {
		m.appears = now + delay
	}
}

// publish lets the datapoints of the last period appear.
func (m *meter) publish() {
	for _, s := range m.series {
		s.values[len(s.values)-1] = s.hidden
	}
	m.appears = never
}
