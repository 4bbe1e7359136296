package sim

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"flyball/alarm"
	"flyball/governor"
	"flyball/metric"
	"flyball/scaling"
)

// A host does for a run what Application Auto Scaling does in the server: it brings a
// governor what it has to see, sets the capacity, and follows what comes of it.
type host struct {
	run      *run
	governor governor.Governor
	watchers [][]*watcher               // of each policy
	alarms   [][]scaling.Alarm          // of each policy, as a step sees them
	seen     map[string][]scaling.Alarm // room for the alarms that a step sees, by policy
	calls    []called                   // that are to be answered
	call     governor.Call              // room for the one that is
	standing standing
	idle     bool          // the last step did nothing, and told nothing
	newID    func() string // numbers activities
	ids      int
	tracks   bool

	steps   int64 // when time alone makes the next step
	follows int64 // when the activity is looked at
	empties int64 // when it is noticed that the last task is gone
}

// Called is an alarm that calls its policy, and the meter whose alarms have looked.
type called struct {
	*watcher
	meter *meter
}

func newHost(r *run) *host {
	s := r.scenario
	g := governor.Governor{Kind: scaling.Services, Bounds: s.Bounds, Suspended: s.Suspended, Schedules: s.Schedules}
	h := &host{run: r, seen: map[string][]scaling.Alarm{}, steps: never, follows: never, empties: never}
	for _, p := range s.Policies {
		g.Policies = append(g.Policies, p.governed())
	}
	h.watchers = make([][]*watcher, len(s.Policies))
	h.alarms = make([][]scaling.Alarm, len(s.Policies))
	h.governor = g.Retarget(s.Bounds, s.Suspended)
	h.tracks = g.Tracks()
	h.newID = func() string {
		h.ids++
		return strconv.Itoa(h.ids)
	}
	return h
}

// governed is the policy as package governor sees it.
func (p Policy) governed() governor.Policy {
	g := governor.Policy{Name: p.Name, Rule: p.Rule}
	if p.Predictive != nil {
		g.Predictive = p.Predictive.governed()
		return g
	}
	if g.Tracks() { // a step policy's alarms are known when they have called
		for _, a := range p.Alarms {
			g.Alarms = append(g.Alarms, a.Name)
			g.Period = a.Rule.Period
		}
	}
	return g
}

// watch makes an alarm known as one of a policy.
func (h *host) watch(policy int, w *watcher) {
	h.watchers[policy] = append(h.watchers[policy], w)
	needed := int(w.rule.Periods)
	if w.rule.Datapoints > 0 {
		needed = int(w.rule.Datapoints)
	}
	h.alarms[policy] = append(h.alarms[policy], scaling.Alarm{
		Name: w.name, Comparison: w.rule.Comparison, Threshold: w.rule.Threshold,
		Period: w.rule.Period, Needed: needed, Of: int(w.rule.Periods),
	})
	h.seen[h.governor.Policies[policy].Name] = h.alarms[policy]
}

// begin registers the target.
func (h *host) begin() {
	h.noticeTasks()
	h.govern(nil)
}

// next is when the host has something to do.
func (h *host) next() int64 { return min(h.steps, h.follows, h.empties) }

// step does what is due.
func (h *host) step() {
	now := h.run.now
	if h.empties <= now {
		h.empties = never
		if c := h.run.capacity(); c.Desired == 0 && c.Running == 0 && !h.governor.Empty {
			h.advance(governor.Seen{Capacity: c, NewID: h.newID, Brief: true, Certain: true})
		}
	}
	if h.steps <= now {
		h.govern(nil)
	}
	if h.follows <= now {
		h.follow()
	}
}

// retarget gives the target other bounds.
func (h *host) retarget(c Change) {
	bounds, suspended := h.governor.Bounds, h.governor.Suspended
	if c.Bounds != nil {
		bounds = *c.Bounds
	}
	if c.Suspended != nil {
		suspended = *c.Suspended
	}
	h.governor, h.standing = h.governor.Retarget(bounds, suspended), standing{}
	h.govern(nil)
}

// schedule puts a scheduled action.
func (h *host) schedule(s governor.Schedule) {
	all := slices.Clone(h.governor.Schedules)
	i := slices.IndexFunc(all, func(old governor.Schedule) bool { return old.Name == s.Name })
	if i < 0 {
		all = append(all, s)
		slices.SortFunc(all, func(a, b governor.Schedule) int { return strings.Compare(a.Name, b.Name) })
	} else {
		all[i] = s
	}
	h.governor.Schedules = all
	h.steps = instant(h.governor.Next(moment(h.run.now)))
}

// answer lets the policies act whose alarms call.
func (h *host) answer() {
	for i := range h.calls {
		if !h.stands(&h.calls[i]) {
			h.govern(&h.calls[i])
		}
	}
	h.calls = h.calls[:0]
}

// govern makes a step for an alarm that calls, or because its time has come, and then
// those that time makes.
func (h *host) govern(call *called) {
	from := moment(h.run.now)
	for {
		seen := h.see(from, call)
		next := h.advance(seen)
		if call != nil && h.idle {
			h.stand(from, call, seen.Capacity)
		}
		if next.IsZero() || next.After(from) {
			return
		}
		call = nil
	}
}

// see gathers what a step has to see.
func (h *host) see(now time.Time, call *called) governor.Seen {
	seen := governor.Seen{Capacity: h.run.capacity(), NewID: h.newID, Brief: true, Certain: true}
	if call != nil {
		h.call = governor.Call{Policy: h.governor.Policies[call.policy].Name, Alarm: call.name}
		seen.Call = &h.call
	}
	if !governor.Needs(seen.Capacity, seen.Call, h.tracks) {
		return seen
	}
	for i := range h.governor.Policies {
		p := &h.governor.Policies[i]
		switch {
		case p.Tracks():
			h.look(now, i, call)
		case p.Rule != nil:
			h.lookAtSteps(now, i, call)
		}
	}
	seen.Alarms = h.seen
	return seen
}

// look sees the alarms of a target tracking policy, with the newest datapoints unless
// one of them calls with its own.
func (h *host) look(now time.Time, policy int, call *called) {
	own := call != nil && call.policy == policy
	for i, w := range h.watchers[policy] {
		a := &h.alarms[policy][i]
		a.State, a.Since, a.Datapoints = w.watch.State, w.since(), nil
		switch {
		case own && call.watcher == w:
			a.Datapoints = call.evidence(now)
		case !own:
			a.Datapoints = w.newest(now)
		}
	}
}

// lookAtSteps sees those alarms of a step policy that have called, with datapoints where
// they are in ALARM, or where it is not the only policy.
func (h *host) lookAtSteps(now time.Time, policy int, call *called) {
	p := &h.governor.Policies[policy]
	var seen []scaling.Alarm
	for i, w := range h.watchers[policy] {
		calls := call != nil && call.watcher == w
		if !calls && !slices.Contains(p.Alarms, w.name) {
			continue
		}
		a := h.alarms[policy][i]
		a.State, a.Since = w.watch.State, w.since()
		switch {
		case calls:
			a.Datapoints = call.evidence(now)
		case a.State == alarm.Alarm || len(h.governor.Policies) > 1: // others tell of it
			a.Datapoints = w.newest(now)
		}
		seen = append(seen, a)
	}
	h.seen[p.Name] = seen
}

// evidence are the datapoints with which the alarm calls.
func (c *called) evidence(now time.Time) []metric.Datapoint {
	late := time.Duration(c.meter.late) * c.meter.period
	return c.watcher.evidence(alarm.Boundary(now, c.meter.period).Add(-late), c.meter.late)
}

// advance makes a step, and returns when time alone makes the next.
func (h *host) advance(seen governor.Seen) time.Time {
	now := moment(h.run.now)
	ids := h.ids
	g, out := h.governor.Step(now, seen)
	if seen.Brief && len(out.Records) > 0 && h.run.scenario.Observer.Activity != nil {
		h.ids, seen.Brief = ids, false // somebody wants to hear its words
		g, out = h.governor.Step(now, seen)
	}
	return h.become(now, g, out, seen.Capacity)
}

// become makes a step's outcome true: it sets the capacity that the step asks for.
func (h *host) become(now time.Time, g governor.Governor, out governor.Outcome, seen governor.Capacity) time.Time {
	h.standing, h.idle = standing{}, out.Set == nil && len(out.Records) == 0
	h.record(out)
	if out.Set != nil {
		h.run.tasks.set(h.run.now, int(out.Set.To))
		h.run.score.scaled(h.reason(now, g, out), seen.Desired, out.Set.To)
		g, out = g.Done(now, nil)
		h.record(out)
		h.noticeTasks()
	}
	h.governor = g
	next := g.Next(now)
	h.steps = instant(next)
	if g.Activity != nil && h.follows == never {
		h.follows = h.tick(h.run.now)
	}
	return next
}

// reason is why a capacity is set: a policy, a forecast, a scheduled action, or bounds that
// somebody has changed.
func (h *host) reason(now time.Time, g governor.Governor, out governor.Outcome) string {
	switch {
	case out.Decision != nil:
		return "policy " + out.Decision.Policy
	case g.Before != nil && g.Before.Below:
		return "forecast of " + g.Floor(now).Policy
	}
	for _, s := range g.Schedules {
		if s.Done.Equal(now) {
			return "scheduled action " + s.Name
		}
	}
	return "bounds"
}

// tick is the next time at which activities are looked at: the middle of a second.
func (h *host) tick(now int64) int64 {
	const second = int64(time.Second)
	return (now-second/2)/second*second + second + second/2
}

// noticeTasks has an activity followed, and it noticed that the last task is gone, after
// the tasks have changed.
func (h *host) noticeTasks() {
	now := h.run.now
	if h.governor.Activity != nil {
		h.follows = h.tick(now)
	}
	if c := h.run.capacity(); c.Desired == 0 && c.Running == 0 && h.tracks && !h.governor.Empty {
		const minute = int64(time.Minute)
		h.empties = (now-minute/2)/minute*minute + minute + minute/2
	}
}

// follow looks at what has become of the activity.
func (h *host) follow() {
	h.follows = never
	a := h.governor.Activity
	if a == nil {
		return
	}
	now := moment(h.run.now)
	seen := governor.Seen{Capacity: h.run.capacity(), NewID: h.newID, Certain: true, Brief: h.run.scenario.Observer.Activity == nil}
	if g, out := h.governor.Step(now, seen); len(out.Records) > 0 {
		h.become(now, g, out, seen.Capacity)
		return
	}
	// Nothing has come of it yet: when tasks change, or when it has taken too long.
	if late := h.tick(a.Start.Add(patience).UnixNano()); late > h.run.now {
		h.follows = late
	} else {
		h.follows = h.tick(h.run.now)
	}
}

// patience is how long an activity may take, as in package governor.
const patience = 30 * time.Minute

func (h *host) record(out governor.Outcome) {
	h.run.score.records(out.Records)
	if tell := h.run.scenario.Observer.Activity; tell != nil {
		for _, a := range out.Records {
			tell(a)
		}
	}
}
