package sim

import (
	"errors"
	"math"
	"math/rand/v2"
	"time"

	"flyball/alarm"
	"flyball/governor"
)

// A run is a scenario under way. Its times are nanoseconds since 1970, which compare
// and add sooner than a time.Time.
type run struct {
	scenario *Scenario
	now      int64
	minute   Minute
	rate     float64 // requests a second
	cpu      float64 // seconds that a request takes of a processor

	queue   queue
	tasks   *tasks
	meters  []*meter
	changes []Change // that are to come

	host       *host
	oracle     oracle
	controller controller
	score      score

	explains int64 // when an observer wants to hear how the target stands

	next int64 // when anything of the above does something
}

// Run lives through the traffic.
func Run(s Scenario, traffic Traffic) (Result, error) {
	if err := s.check(); err != nil {
		return Result{}, err
	}
	r := newRun(&s)
	for m := range traffic {
		if !(m.Requests >= 0) || math.IsInf(m.Requests, 1) {
			return Result{}, badRequests(m.Requests)
		}
		r.live(m)
		if r.score.minutes > longestRun {
			return Result{}, errors.New("the traffic is longer than a hundred years")
		}
	}
	return r.result(), nil
}

// longestRun bounds a run, in minutes.
const longestRun = 100 * 366 * 24 * 60

func newRun(s *Scenario) *run {
	random := rand.New(rand.NewPCG(s.Seed, 0x5eed))
	r := &run{
		scenario: s, now: s.Start.UnixNano(), changes: s.Changes, cpu: s.Service.CPU.Seconds(), explains: s.explainsAt(),
		queue: newQueue(s.Service),
	}
	if s.OneByOne {
		r.queue.crowd = &crowd{station: &r.queue.station, timeout: r.queue.timeout, random: rand.New(rand.NewPCG(s.Seed, 0xc0de))}
	}
	r.tasks = newTasks(s.Service, int(s.Initial), random, r.now)
	r.tasks.took = s.Took
	r.score = newScore(s, &r.queue.station)
	r.host = newHost(r)
	r.oracle = newOracle(r)
	r.controller = newController(r)
	r.watchAlarms()
	r.host.begin()
	r.oracle.begin()
	r.plan()
	return r
}

// watchAlarms sets up the meters with the alarms of all policies.
func (r *run) watchAlarms() {
	for i, p := range r.scenario.Policies {
		for _, a := range p.Alarms {
			period := min(a.Rule.Period, time.Minute)
			m := r.meter(period, r.scenario.delays(a))
			w := &watcher{policy: i, name: a.Name, rule: a.Rule, series: m.of(a.Metric), each: int(a.Rule.Period / period)}
			if w.each > 1 {
				w.merged = make([]float64, a.Rule.Range())
			}
			w.counts = w.each == 1 && m.delays.Publication == 0 && (a.Rule.Datapoints == 0 || a.Rule.Datapoints == a.Rule.Periods)
			w.series.reserve(w.span() + max(m.late, w.each))
			m.watchers = append(m.watchers, w)
			r.host.watch(i, w)
		}
	}
}

// meter is the one of a period and of delays.
func (r *run) meter(period time.Duration, d Delays) *meter {
	for _, m := range r.meters {
		if m.period == period && m.delays == d {
			return m
		}
	}
	m := &meter{period: period, delays: d, ends: r.now + int64(period), appears: never, looks: never, late: int(d.Evaluation / period)}
	if d.Evaluation > 0 {
		m.looks = r.now + int64(period+d.Evaluation%period)
	}
	r.meters = append(r.meters, m)
	return m
}

// of is the series of a metric.
func (m *meter) of(metric Metric) *series {
	for _, s := range m.series {
		if s.metric == metric {
			return s
		}
	}
	s := &series{metric: metric, hidden: math.NaN()}
	m.series = append(m.series, s)
	return s
}

// live lives through a minute.
func (r *run) live(m Minute) {
	end := r.now + int64(time.Minute)
	r.minute, r.rate = m, m.Requests/60
	for r.next < end {
		r.pass(r.next)
		r.act()
	}
	r.pass(end)
	r.score.closeMinute(r)
	if r.next == end {
		r.act()
	}
}

// pass lets time pass in which nothing changes.
func (r *run) pass(until int64) {
	if until <= r.now {
		return
	}
	running, serving := r.tasks.counts.running, r.tasks.counts.serving
	if r.queue.held.count > 0 && serving > 0 {
		f := r.queue.release(serving)
		r.pour(&f, running, serving)
	}
	f := r.queue.pass(serving, r.rate, float64(until-r.now)/1e9)
	r.pour(&f, running, serving)
	r.now = until
}

// pour tells those who measure what became of requests.
func (r *run) pour(f *flow, running, serving float64) {
	for _, m := range r.meters {
		m.window.add(f, &r.queue.station, running, serving)
	}
	if r.oracle.ends != never {
		r.oracle.window.add(f, &r.queue.station, running, serving)
	}
	if r.controller.next != never {
		r.controller.add(f, running, serving)
	}
	r.score.add(f, serving, r.tasks.counts.paid)
}

// act does what is due now.
func (r *run) act() {
	now := r.now
	if r.tasks.next <= now {
		r.tasks.step(now)
		r.host.noticeTasks()
	}
	for len(r.changes) > 0 && r.changes[0].At.UnixNano() <= now {
		r.change(r.changes[0])
		r.changes = r.changes[1:]
	}
	if now == r.oracle.ends {
		r.oracle.close()
	}
	for _, m := range r.meters {
		m.due = r.measured(m)
	}
	for _, m := range r.meters {
		if m.due {
			r.look(m)
		}
	}
	if r.explains <= now {
		r.host.explain()
	}
	if len(r.host.calls) > 0 {
		r.host.answer()
	}
	r.oracle.step()
	if r.host.next() <= now {
		r.host.step()
	}
	r.controller.step()
	r.plan()
}

// measured ends a meter's period and lets its datapoints appear, as far as that is due, and
// reports whether its alarms look now.
func (r *run) measured(m *meter) (looks bool) {
	now := r.now
	if m.ends == now {
		m.close(r, now)
		looks = m.looks == never
	}
	if m.appears == now {
		m.publish()
		looks = looks || m.looks == never
	}
	if m.looks == now {
		m.looks += int64(m.period)
		looks = true
	}
	return looks
}

// look has a meter's alarms look.
func (r *run) look(m *meter) {
	for _, w := range m.watchers {
		before := w.watch.State
		if w.look(r.now, m.late) {
			r.host.calls = append(r.host.calls, called{w, m})
		}
		if w.watch.State == before {
			continue
		}
		r.host.standing = standing{}
		if tell := r.scenario.Observer.Alarm; tell != nil {
			tell(moment(r.now), w.name, w.watch.State)
		}
	}
}

// change does what somebody does by hand.
func (r *run) change(c Change) {
	if c.Deploy {
		r.tasks.deploy(r.now)
	}
	if c.Desired != nil {
		r.tasks.set(r.now, int(*c.Desired))
	}
	r.host.noticeTasks()
	if c.Schedule != nil {
		r.host.schedule(*c.Schedule)
	}
	if c.Bounds != nil || c.Suspended != nil {
		r.host.retarget(c)
	}
}

// plan finds when something is to be done next.
func (r *run) plan() {
	next := min(r.tasks.next, r.host.next(), r.oracle.next(), r.controller.next, max(r.now, r.explains))
	for _, m := range r.meters {
		next = min(next, m.ends, m.appears, m.looks)
	}
	if len(r.changes) > 0 {
		next = min(next, max(r.now, r.changes[0].At.UnixNano()))
	}
	r.next = next
}

// moment is a time as the engine's other packages have it.
func moment(ns int64) time.Time { return alarm.Instant(ns).Time() }

// instant is a time of the engine's other packages; never for the zero time.
func instant(t time.Time) int64 {
	if t.IsZero() {
		return never
	}
	return t.UnixNano()
}

// capacity is what is seen of the service.
func (r *run) capacity() governor.Capacity { return r.tasks.seen() }
