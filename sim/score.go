package sim

import (
	"fmt"
	"math"
	"slices"
	"time"

	"flyball/scaling"
)

// An Agreement is how fast a share of the requests has to be answered, or a message to
// be done with, in each minute.
type Agreement struct {
	Within time.Duration // 0: four times what a request takes alone
	Share  float64       // 0: 0.95
}

func (a Agreement) check() error {
	if a.Within < 0 {
		return fmt.Errorf("an agreement of %v; it must not be negative", a.Within)
	}
	if !(a.Share >= 0 && a.Share < 1) {
		return fmt.Errorf("an agreement for a share of %v; it must be between 0 and 1", a.Share)
	}
	return nil
}

// or is the agreement, or what is agreed where nothing else is said.
func (a Agreement) or(s *station) Agreement {
	if a.Within == 0 {
		a.Within = seconds(4 * (s.time + s.apart))
	}
	if a.Share == 0 {
		a.Share = 0.95
	}
	return a
}

// A Price is what a task costs by the hour.
type Price struct {
	VCPUHour, GBHour float64
}

// of is the price of a task of a service for an hour.
func (p Price) of(s Service) float64 { return p.VCPUHour*s.VCPU + p.GBHour*s.Memory/1024 }

// A Result is how a run went. Its size does not depend on how long it was.
type Result struct {
	Start, End time.Time // of what is scored
	Minutes    int
	Agreement  Agreement
	// Alone is the share of the requests that are answered as agreed where none waits. If it is
	// less than the agreement's share, no number of tasks keeps the agreement.
	Alone float64

	Requests float64
	Late     float64 // requests that were answered, but not within what is agreed
	Dropped  float64 // requests that were given up
	Backlog  float64 // requests that wait at the end

	Mean, P50, P95, P99    time.Duration // of the response times
	WorstMinute, WorstHour Worst

	TaskHours float64 // that are paid for
	Cost      float64
	Tasks     float64 // that serve, on average
	Use       float64 // of their capacity, as a share

	MinutesAtMin, MinutesAtMax int
	Elasticity                 Elasticity
	Activities                 []Activities
	MinutesBad                 int // minutes that broke the agreement
}

// SLO is the percentage of the requests that were answered as agreed.
func (r Result) SLO() float64 {
	if r.Requests == 0 {
		return 100
	}
	return 100 * (1 - min(1, (r.Late+r.Dropped)/r.Requests))
}

// A Worst is the time in which the smallest share of the requests was answered as
// agreed.
type Worst struct {
	At  time.Time
	SLO float64 // percent
}

// Activities are how often the capacity was set for one reason, or why it was not.
type Activities struct {
	Reason string // "policy cpu", "scheduled action evening", "forecast of daily", "bounds", or a code such as AlreadyAtMaxCapacity
	Out    int
	In     int
	Held   int // not scaled
}

// A Record is one minute of a run.
type Record struct {
	Time     time.Time
	Requests float64
	Late     float64
	Dropped  float64
	Backlog  float64 // at its end
	Mean     time.Duration
	Desired  int // at its end, as are the others
	Running  int
	Serving  int
	Needed   int     // the fewest tasks that would keep the agreement
	Use      float64 // of the capacity, as a share
	Paid     float64 // seconds of tasks that are paid for
}

// A score adds up what becomes of a run, minute by minute.
type score struct {
	scenario  *Scenario
	station   *station
	agreement Agreement
	within    float64 // the agreement in seconds
	left      float64 // of these, when all that is always the same has passed
	served    float64 // the share of requests whose service alone takes longer than what is left
	demand    demand
	minutes   int // lived through
	skip      int // of the warm-up

	minute    tally
	hour      tally // its totals so far
	total     tally
	latencies latencies
	result    Result
	elastic   elasticity
	reasons   map[string]*Activities
	order     []string
}

// A tally is what became of requests in a time.
type tally struct {
	arrived, dropped, late, served, delays float64
	capacity                               float64 // requests that could have been served
	paid, serving                          float64 // seconds of tasks
	told                                   float64 // requests of which it is known how long they took
}

func newScore(s *Scenario, st *station) score {
	sc := score{
		scenario: s, station: st, agreement: s.Agreement.or(st), skip: int((s.WarmUp + time.Minute - 1) / time.Minute),
		reasons: map[string]*Activities{},
	}
	sc.within = sc.agreement.Within.Seconds()
	sc.left = sc.within - st.apart - st.fixed
	sc.served = st.later(waiting{}, sc.within)
	sc.demand = demand{station: st, agreement: sc.agreement}
	sc.latencies.station = st
	sc.result.WorstMinute.SLO, sc.result.WorstHour.SLO = 100, 100
	return sc
}

func (s *score) scored() bool { return s.minutes >= s.skip }

// add adds what became of requests in a part of a minute.
func (s *score) add(f *flow, serving, paid float64) {
	t := &s.minute
	t.arrived += f.arrived
	t.dropped += f.dropped
	t.served += f.served
	t.paid += paid * f.seconds
	t.serving += serving * f.seconds
	t.capacity += s.station.rate(serving) * f.seconds
	kept := f.known()
	if kept <= 0 {
		return
	}
	t.told += kept
	if f.took != nil {
		s.addEach(f.took)
		return
	}
	if f.waiting.behind == 0 && s.left > 0 {
		t.late += kept * s.station.latest(f.waiting, s.left, s.served)
	} else {
		t.late += kept * s.station.later(f.waiting, s.within)
	}
	t.delays += kept * (f.delay + s.station.time + s.station.apart)
	if s.scored() {
		s.latencies.add(kept, f.waiting, f.delay)
	}
}

// addEach adds requests of which each response time is known.
func (s *score) addEach(took []float64) {
	for _, seconds := range took {
		if seconds > s.within {
			s.minute.late++
		}
		s.minute.delays += seconds
		if s.scored() {
			s.latencies.addOne(seconds)
		}
	}
}

func (t *tally) add(o *tally) {
	t.arrived += o.arrived
	t.dropped += o.dropped
	t.late += o.late
	t.served += o.served
	t.delays += o.delays
	t.capacity += o.capacity
	t.paid += o.paid
	t.serving += o.serving
	t.told += o.told
}

// slo is the percentage of requests that were answered as agreed.
func (t *tally) slo() float64 {
	if t.arrived <= 0 {
		return 100
	}
	return 100 * (1 - clamp((t.late+t.dropped)/t.arrived, 0, 1))
}

// closeMinute ends a minute.
func (s *score) closeMinute(r *run) {
	counted := s.scored()
	s.minutes++
	m := s.minute
	s.minute = tally{}
	needed := s.demand.of(r.rate)
	if counted {
		s.judge(r, &m, needed)
	}
	if tell := s.scenario.Observer.Minute; tell != nil {
		tell(s.record(r, &m, needed))
	}
}

// judge scores a minute.
func (s *score) judge(r *run, m *tally, needed int) {
	res := &s.result
	res.Minutes++
	s.total.add(m)
	s.hour.add(m)
	slo := m.slo()
	if slo < 100*s.agreement.Share {
		res.MinutesBad++
	}
	if slo < res.WorstMinute.SLO {
		res.WorstMinute = Worst{moment(r.now - int64(time.Minute)), slo}
	}
	if r.now%int64(time.Hour) == 0 {
		if slo := s.hour.slo(); slo < res.WorstHour.SLO {
			res.WorstHour = Worst{moment(r.now - int64(time.Hour)), slo}
		}
		s.hour = tally{}
	}
	bounds, desired := r.host.governor.Bounds, scaling.Capacity(r.tasks.desired)
	if desired <= bounds.Min() {
		res.MinutesAtMin++
	}
	if desired >= bounds.Max() {
		res.MinutesAtMax++
	}
	s.elastic.add(needed, r.tasks.serving())
}

func (s *score) record(r *run, m *tally, needed int) Record {
	rec := Record{
		Time: moment(r.now - int64(time.Minute)), Requests: m.arrived, Late: m.late, Dropped: m.dropped, Backlog: r.queue.backlog,
		Desired: r.tasks.desired, Running: r.tasks.running(), Serving: r.tasks.serving(), Needed: needed, Paid: m.paid,
	}
	if m.told > 0 {
		rec.Mean = seconds(m.delays / m.told)
	}
	if m.capacity > 0 {
		rec.Use = m.served / m.capacity
	}
	return rec
}

// scaled counts a capacity that is set for a reason.
func (s *score) scaled(reason string, from, to scaling.Capacity) {
	if !s.scored() {
		return
	}
	a := s.reason(reason)
	if to > from {
		a.Out++
	} else {
		a.In++
	}
}

// records counts the decisions not to scale.
func (s *score) records(all []scaling.Activity) {
	if !s.scored() {
		return
	}
	for _, a := range all {
		i := slices.IndexFunc(a.NotScaled, scaling.Reason.Reported)
		if i >= 0 {
			s.reason(string(a.NotScaled[i].Code)).Held++
		}
	}
}

func (s *score) reason(text string) *Activities {
	if s.reasons[text] == nil {
		s.reasons[text] = &Activities{Reason: text}
		s.order = append(s.order, text)
	}
	return s.reasons[text]
}

// result is how the run went.
func (r *run) result() Result {
	s := &r.score
	res := s.result
	res.End = moment(r.now)
	res.Start = res.End.Add(-time.Duration(res.Minutes) * time.Minute)
	res.Agreement, res.Alone = s.agreement, 1-s.served
	res.Requests, res.Late, res.Dropped, res.Backlog = s.total.arrived, s.total.late, s.total.dropped, r.queue.backlog
	l := &s.latencies
	res.Mean, res.P50, res.P95, res.P99 = l.mean(), l.quantile(0.5), l.quantile(0.95), l.quantile(0.99)
	res.TaskHours = s.total.paid / 3600
	res.Cost = res.TaskHours * s.scenario.Price.of(s.scenario.Service)
	if res.Minutes > 0 {
		res.Tasks = s.total.serving / 60 / float64(res.Minutes)
	}
	if s.total.capacity > 0 {
		res.Use = s.total.served / s.total.capacity
	}
	res.Elasticity = s.elastic.measures()
	for _, reason := range s.order {
		res.Activities = append(res.Activities, *s.reasons[reason])
	}
	return res
}

func badRequests(v float64) error {
	if math.IsNaN(v) {
		return fmt.Errorf("a minute has no number of requests")
	}
	return fmt.Errorf("a minute has %v requests; it must be a number that is not negative", v)
}
