package control

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"flyball/alarm"
	"flyball/governor"
	"flyball/scaling"
	"flyball/schedule"
)

// A governed is a target with what is known of it. It is one round's at a time.
type governed struct {
	target     Target
	governor   governor.Governor
	created    map[string]time.Time // when scheduled actions were seen first
	watching   [][]*watching        // of each policy
	foreseeing []*foreseeing        // of the predictive policies
	saved      string               // what State has

	real   governor.Capacity // that was looked at last
	seen   governor.Capacity // what steps see of it
	looked time.Time         // when it was seen; zero: never
	tried  time.Time         // when it was looked at last, whether it was seen or not
	unseen error             // why it could not be
	unkept error             // why what was decided could not be kept
	next   time.Time         // when time alone makes the next step; zero: never

	blind   error           // why a metric cannot be read, as it was told; nil: all can be
	stale   map[string]bool // alarms whose call was held back, and that was told
	missing bool            // it was told that the resource is not there
	halted  string          // why nothing is to be done; "": go on
	paused  string          // why nothing is done, as it was told

	last   *scaling.Activity // the newest that was more than a reason to do nothing
	shadow shadow            // of a dry run
	course course            // of the capacity, as long as alarms look back

	watched  bool      // its alarms have read in this round
	callings []calling // that are to be answered in it

	apart bool // it is being governed beside the rounds, which leave it alone meanwhile
}

// inherit takes over what is known of a target that was described otherwise.
func (g *governed) inherit(old *governed) {
	g.inheritStanding(old)
	g.real, g.seen, g.looked, g.tried = old.real, old.seen, old.looked, old.tried
	g.last, g.shadow, g.course = old.last, old.shadow, old.course
	for _, f := range g.foreseeing {
		for _, was := range old.foreseeing {
			if was.policy == f.policy && was.Of == f.Of {
				f.lacks, f.due, f.fresh = was.lacks, was.due, true
			}
		}
	}
}

// inheritStanding takes over how a target stood, as it was told, so that it is not told again.
func (g *governed) inheritStanding(old *governed) {
	g.blind, g.unseen, g.unkept, g.missing, g.paused = old.blind, old.unseen, old.unkept, old.missing, old.paused
}

// A calling is an alarm that calls its policy.
type calling struct {
	policy int
	*watching
}

// govern begins to govern a target with what is remembered of it; nil: nothing is.
func govern(t Target, m *Memory, now time.Time) *governed {
	if m == nil {
		m = &Memory{}
	}
	g := &governed{target: t, created: map[string]time.Time{}, stale: map[string]bool{}}
	g.governor = governor.Governor{Kind: t.Resource.Kind(), Bounds: t.Bounds, Suspended: t.Suspended, Limits: t.Limits, State: m.Governor}
	declared := Range{int32(t.Bounds.Min()), int32(t.Bounds.Max())}
	if b, err := scaling.NewBounds(m.Bounds.Min, m.Bounds.Max); err == nil && m.Declared == declared {
		g.governor.Bounds = b // as scheduled actions have left them
	} else {
		g.governor.Outside = true
	}
	for _, p := range t.Policies {
		g.policy(p, m)
	}
	for _, s := range t.Schedules {
		g.schedule(s, m, now)
	}
	g.last = m.Last
	if m.Shadow != nil {
		g.shadow = shadow{capacity: *m.Shadow, cast: true}
	}
	g.next = now
	return g
}

// policy takes over a policy with what is remembered of it.
func (g *governed) policy(p Policy, m *Memory) {
	known := m.Policies[p.Name]
	to := governor.Policy{Name: p.Name, Rule: p.Rule, Cooldown: known.Cooldown, Alarms: known.Called}
	if p.Predictive != nil {
		f := foresee(p, known)
		g.foreseeing = append(g.foreseeing, f)
		acted := known.Acted
		if f.forecast == nil {
			acted = time.Time{}
		}
		to.Predictive = f.known(acted)
	}
	var watches []*watching
	for i := range p.Alarms {
		a := &p.Alarms[i]
		w := &watching{alarm: a}
		if r, ok := m.Alarms[a.Name]; ok {
			w.watch = r.watch()
		}
		watches = append(watches, w)
	}
	if to.Tracks() {
		to.Alarms = nil
		for _, w := range watches {
			to.Alarms, to.Period = append(to.Alarms, w.alarm.Name), w.alarm.Rule.Period
		}
	}
	g.governor.Policies = append(g.governor.Policies, to)
	g.watching = append(g.watching, watches)
}

// schedule takes over a scheduled action with what is remembered of it.
func (g *governed) schedule(s Schedule, m *Memory, now time.Time) {
	known, ok := m.Schedules[s.Name]
	if !ok {
		known = ScheduleMemory{Created: now, Done: now}
	}
	g.created[s.Name] = known.Created
	to := governor.Schedule{Name: s.Name, Change: s.Change(), Created: known.Created, Done: known.Done}
	times, err := s.Compile(known.Created, schedule.Zone)
	if err != nil {
		return // Compile has refused it
	}
	to.Times = times
	to.Next, _ = times.Next(known.Done) // zero where there is none
	g.governor.Schedules = append(g.governor.Schedules, to)
}

func (m AlarmMemory) watch() alarm.Watch {
	state, err := alarm.ParseState(m.State)
	if err != nil || m.Since.IsZero() {
		return alarm.Watch{}
	}
	return alarm.Watch{State: state, Since: alarm.At(m.Since), Called: alarm.At(m.Called)}
}

// memory is what is to be remembered.
func (g *governed) memory() *Memory {
	gov := &g.governor
	m := &Memory{
		Declared: Range{int32(g.target.Bounds.Min()), int32(g.target.Bounds.Max())},
		Bounds:   Range{int32(gov.Bounds.Min()), int32(gov.Bounds.Max())},
		Governor: gov.State, Last: g.last,
		Policies: map[string]PolicyMemory{}, Schedules: map[string]ScheduleMemory{}, Alarms: map[string]AlarmMemory{},
	}
	for i, p := range gov.Policies {
		var known PolicyMemory
		if p.Predictive != nil {
			known = g.foreseen(p)
		}
		known.Cooldown = p.Cooldown
		if !p.Tracks() {
			known.Called = p.Alarms
		}
		if known.Cooldown != (scaling.Cooldown{}) || known.Called != nil || known.Forecast != nil {
			m.Policies[p.Name] = known
		}
		for _, w := range g.watching[i] {
			m.Alarms[w.alarm.Name] = remembered(w.watch)
		}
	}
	for _, s := range gov.Schedules {
		m.Schedules[s.Name] = ScheduleMemory{Created: g.created[s.Name], Done: s.Done}
	}
	if g.shadow.cast {
		m.Shadow = &g.shadow.capacity
	}
	return m
}

// recall notes the newest of what has been done, for those who ask later.
func (g *governed) recall(records []scaling.Activity) {
	for _, a := range records {
		if a.Status != scaling.Pending && len(a.NotScaled) == 0 {
			g.last = &a
		}
	}
}

// changed is what is to be remembered, if it is another than what State has: nil: it is not. How alarms stand is no
// reason to keep it, since they find that out again from their datapoints; it is kept with what else changes.
func (g *governed) changed() (*Memory, string) {
	m := g.memory()
	compared := *m
	compared.Alarms = nil
	text, err := json.Marshal(compared)
	if err != nil || string(text) == g.saved {
		return nil, g.saved
	}
	return m, string(text)
}

// tracking reports whether an alarm is that of a target tracking policy.
func (g *governed) tracking(w *watching) bool {
	i := slices.IndexFunc(g.watching, func(of []*watching) bool { return slices.Contains(of, w) })
	return i >= 0 && g.governor.Policies[i].Tracks()
}

// reads reports whether metrics of the target are being read.
func (g *governed) reads() bool {
	return slices.ContainsFunc(g.watching, func(of []*watching) bool {
		return slices.ContainsFunc(of, func(w *watching) bool { return w.reads })
	})
}

// tracks reports whether a target tracking policy watches the target.
func (g *governed) tracks() bool { return g.governor.Tracks() }

// see are the alarms of each policy as a step sees them, one of which may call.
func (g *governed) see(call *calling, c governor.Capacity) map[string][]scaling.Alarm {
	seen := make(map[string][]scaling.Alarm, len(g.watching))
	nothingRuns := c.Desired == 0 && c.Running == 0
	for i, watches := range g.watching {
		p := &g.governor.Policies[i]
		var alarms []scaling.Alarm
		for _, w := range watches {
			calls := call != nil && call.watching == w
			if !p.Tracks() && !calls && !slices.Contains(p.Alarms, w.alarm.Name) {
				continue
			}
			a := w.seen(calls, nothingRuns)
			if call != nil && call.policy == i && p.Tracks() && !calls {
				a.Datapoints = nil // those of the one that calls count
			}
			alarms = append(alarms, a)
		}
		seen[p.Name] = alarms
	}
	return seen
}

// alarm is the alarm of a name; nil: there is none.
func (g *governed) alarm(name string) *watching {
	for _, watches := range g.watching {
		for _, w := range watches {
			if w.alarm.Name == name {
				return w
			}
		}
	}
	return nil
}

// inOrder sorts what a target has by name, as governors expect it.
func (t Target) inOrder() Target {
	t.Policies, t.Schedules = slices.Clone(t.Policies), slices.Clone(t.Schedules)
	slices.SortFunc(t.Policies, func(a, b Policy) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(t.Schedules, func(a, b Schedule) int { return strings.Compare(a.Name, b.Name) })
	return t
}
