package governor

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"strconv"
	"time"

	"flyball/metric"
	"flyball/scaling"
)

// Seen is what is known of the world when a step is made.
type Seen struct {
	Capacity Capacity
	// Alarms are those of each policy, with their newest datapoints, where Needs
	// asks for them; by policy.
	Alarms map[string][]scaling.Alarm
	// Call is the alarm that called; nil: time has come, or an activity is followed.
	Call *Call
	// NewID makes the identifiers of activities.
	NewID func() string
	// Brief leaves the words of a decision and its activity unsaid; see scaling.Seen. Of a
	// decision to hold there is only what is recorded.
	Brief bool
	// Certain says that a capacity that is asked for will be set: what it takes the place of
	// is not kept.
	Certain bool
	// Patience is how long an activity may take to be fulfilled; 0 is half an hour.
	Patience time.Duration
}

// A Capacity is what is seen of the resource that is scaled.
type Capacity struct {
	Desired   scaling.Capacity // that was last asked for
	Running   scaling.Capacity // that is there
	Deploying bool             // a deployment is under way
	// New is what is there of the revision that is being deployed. Until the old one is
	// gone, Running may be twice what is desired.
	New  scaling.Capacity
	Gone bool // the resource does not exist any more
}

// has reports whether a capacity that was asked for is there.
func (c Capacity) has(n scaling.Capacity) bool { return c.Running == n || c.Deploying && c.New == n }

// empty reports whether there is no task, nor one asked for.
func (c Capacity) empty() bool { return !c.Gone && c.Desired == 0 && c.Running == 0 }

// A Call is an alarm in ALARM that asks a policy to act.
type Call struct {
	Policy string
	Alarm  string
	Since  time.Time // when the alarm went into ALARM; zero: not known
}

// patience is how long activities may take where nothing else is said.
const patience = 30 * time.Minute

// An Outcome is what a step asks of the host. The records are stored with the
// governor's next state, and before the capacity is set.
type Outcome struct {
	Records  []scaling.Activity // new, or in the place of the one with the same identifier
	Set      *Set               // the capacity to set; nil: none
	Decision *scaling.Decision  // what was decided because of an alarm or of demand; nil: nothing had to be
}

// A Set is a capacity that the host sets, and tells Done about.
type Set struct {
	To scaling.Capacity
}

// ErrInterrupted is why an activity failed that was still Pending when the host
// started again.
var ErrInterrupted = errors.New("the server ended before the capacity was set")

// ErrGone is why an activity failed whose resource is no more.
var ErrGone = errors.New("the resource does not exist any more")

// Needs reports whether the next step has to see the alarms, for a capacity that
// was seen: when one calls, or when nothing runs, a target tracking policy watches
// and so demand is looked for.
func Needs(c Capacity, call *Call, tracks bool) (alarms bool) {
	return call != nil || c.empty() && tracks
}

// Step is what the governor becomes, and what it asks for, when it sees the world
// at a moment. It asks for one capacity at most: where several schedules are due, or
// the hour of a forecast, too, the host steps on until Next is in the future.
func (g Governor) Step(now time.Time, seen Seen) (Governor, Outcome) {
	s := step{now: now, seen: seen, g: g}
	s.noteTasks()
	s.follow()
	switch {
	case seen.Capacity.Gone:
	case seen.Call != nil:
		s.hear()
		s.decide()
	case s.runSchedules():
	default:
		s.reachHour()
		if !s.raise() && s.g.Empty && seen.Alarms != nil && s.g.Tracks() {
			s.decide()
		}
	}
	return s.g, s.out
}

// A step is one that is being made.
type step struct {
	now   time.Time
	seen  Seen
	g     Governor // as it becomes
	owned bool     // its policies and schedules are shared with no other
	out   Outcome
}

// own makes the policies and schedules the step's own, to be changed.
func (s *step) own() {
	if !s.owned {
		s.g, s.owned = s.g.clone(), true
	}
}

func (s *step) record(a scaling.Activity) { s.out.Records = append(s.out.Records, a) }

// noteTasks sees whether the last task has gone, or the first one has come.
func (s *step) noteTasks() {
	c := s.seen.Capacity
	if c.Gone || s.g.Empty == c.empty() {
		return
	}
	if s.g.Empty = c.empty(); s.g.Empty {
		s.g.Emptied = s.now
	}
}

// follow is what has become of the activity.
func (s *step) follow() {
	if s.g.Activity == nil {
		return
	}
	a, c := *s.g.Activity, s.seen.Capacity
	if a.Status == scaling.Pending { // the host was killed before it knew
		interrupted := ErrInterrupted
		if c.Desired == a.To {
			interrupted = nil
		}
		outside, below := s.g.Outside, s.g.Below
		next, out := s.g.Done(s.now, interrupted)
		s.g, s.owned, s.out.Records = next, interrupted != nil, append(s.out.Records, out.Records...)
		if interrupted != nil {
			s.g.Outside, s.g.Below = outside, below // it is still to be seen to
			return
		}
		a = *s.g.Activity
	}
	switch {
	case c.Gone:
		s.end(a.Failed(s.now, ErrGone))
	case c.Desired != a.To:
		s.end(a.Overridden(s.now, c.Desired))
	case c.has(a.To):
		s.end(a.Fulfilled(s.now))
	case s.now.Sub(a.Start) > cmp.Or(s.seen.Patience, patience):
		s.end(a.Unfulfilled(s.now, c.Running))
	}
}

// end is how the activity is over: the policies' cooldowns are counted from now.
func (s *step) end(a scaling.Activity) {
	s.own()
	s.g.Activity = nil
	s.g.countCooldowns(s.now)
	s.record(a)
}

func (g *Governor) countCooldowns(now time.Time) {
	for i, p := range g.Policies {
		if p.Rule != nil {
			g.Policies[i].Cooldown = p.Cooldown.End(p.Rule, now)
		}
	}
}

// hear notes which alarm calls a step policy: it is asked from now on when other
// policies are about to act.
func (s *step) hear() {
	i := s.g.policy(s.seen.Call.Policy)
	if i < 0 {
		return
	}
	p := s.g.Policies[i]
	if name := s.seen.Call.Alarm; !p.Tracks() && !slices.Contains(p.Alarms, name) {
		s.own()
		s.g.Policies[i].Alarms = append(slices.Clone(p.Alarms), name)
	}
}

// decide asks the policies.
func (s *step) decide() {
	d := s.g.decide(s.now, s.seen)
	if d.Direction == scaling.Hold {
		s.hold(&d)
	}
	if d.Direction != scaling.Hold || !s.seen.Brief {
		told := d // what only holds stays off the heap
		s.out.Decision = &told
	}
	if d.Direction != scaling.Hold {
		s.set(d.Activity(s.seen.NewID()), &d)
	}
}

// decide is what the policies say of what is seen.
func (g Governor) decide(now time.Time, seen Seen) scaling.Decision {
	d := scaling.Decide(now, g.target(now, seen.Capacity), g.seen(seen))
	if !seen.Brief {
		d.Proposals = append(d.Proposals, g.foreseen(now)...)
	}
	return d
}

// seen is the world as the rules of package scaling see it. Datapoints about
// tasks that are gone are left out: only what came after them tells of demand,
// and once there is a task again, of its idleness.
func (g Governor) seen(seen Seen) scaling.Seen {
	c := seen.Capacity
	out := scaling.Seen{Desired: c.Desired, Running: c.Running, Deploying: c.Deploying, Brief: seen.Brief, Policies: make([]scaling.Reading, 0, len(g.Policies))}
	if seen.Call != nil {
		out.Called = seen.Call.Alarm
	}
	for _, p := range g.Policies {
		if p.Rule == nil {
			continue
		}
		out.Policies = append(out.Policies, scaling.Reading{
			Name: p.Name, Policy: p.Rule, Cooldown: p.Cooldown, Alarms: sinceEmptied(seen.Alarms[p.Name], g.Emptied),
		})
	}
	return out
}

// sinceEmptied are alarms without the datapoints before a time.
func sinceEmptied(alarms []scaling.Alarm, emptied time.Time) []scaling.Alarm {
	if emptied.IsZero() {
		return alarms
	}
	alarms = slices.Clone(alarms)
	stale := func(d metric.Datapoint) bool { return d.Time.Before(emptied) }
	for i, a := range alarms {
		if slices.ContainsFunc(a.Datapoints, stale) {
			alarms[i].Datapoints = slices.DeleteFunc(slices.Clone(a.Datapoints), stale)
		}
	}
	return alarms
}

// hold records why nothing is done, if there is something to tell and it was not
// told already.
func (s *step) hold(d *scaling.Decision) {
	if !d.Driven() {
		return
	}
	told := s.g.Held[d.Alarm]
	var room [128]byte
	reasons := room[:0]
	for _, r := range d.Reasons {
		if r.Reported() {
			reasons = append(append(reasons, r.Code...), ' ')
			reasons = append(strconv.AppendUint(reasons, uint64(r.Capacity), 10), ';')
		}
	}
	held := Held{Since: s.since(d.Alarm), Reasons: told.Reasons}
	if string(reasons) != told.Reasons { // the comparison does not allocate
		held.Reasons = string(reasons)
	}
	if held.Reasons == "" || held.Reasons == told.Reasons && held.Since.Equal(told.Since) {
		return
	}
	s.g.Held = maps.Clone(s.g.Held)
	if s.g.Held == nil {
		s.g.Held = map[string]Held{}
	}
	s.g.Held[d.Alarm] = held
	s.record(d.Activity(s.seen.NewID()))
}

// since is when an alarm went into its state.
func (s *step) since(alarm string) time.Time {
	if c := s.seen.Call; c != nil && c.Alarm == alarm && !c.Since.IsZero() {
		return c.Since
	}
	for _, alarms := range s.seen.Alarms {
		for _, a := range alarms {
			if a.Name == alarm {
				return a.Since
			}
		}
	}
	return time.Time{}
}

// set asks for a capacity. The policies that asked for it wait from now on; those
// of a decision, and without one none.
func (s *step) set(a scaling.Activity, d *scaling.Decision) {
	before := &Before{Activity: s.g.Activity}
	overrides := s.g.Activity != nil
	if s.g.Limits != (scaling.Limits{}) && !s.g.Moved.counts(s.now) {
		s.g.Moved = Moved{At: s.now, From: s.seen.Capacity.Desired}
	}
	s.own()
	for i, p := range s.g.Policies {
		if !s.seen.Certain && p.Cooldown != (scaling.Cooldown{}) {
			if before.Cooldowns == nil {
				before.Cooldowns = map[string]scaling.Cooldown{}
			}
			before.Cooldowns[p.Name] = p.Cooldown
		}
		if overrides && p.Rule != nil {
			p.Cooldown = p.Cooldown.End(p.Rule, s.now)
		}
		if d != nil {
			p.Cooldown = d.Begin(scaling.Reading{Name: p.Name, Cooldown: p.Cooldown})
		}
		s.g.Policies[i].Cooldown = p.Cooldown
	}
	s.g.Activity, s.g.Before = &a, before
	s.record(a)
	s.out.Set = &Set{To: a.To}
}

// Done is what the governor becomes when the capacity of its last Step was set,
// or could not be.
func (g Governor) Done(now time.Time, err error) (Governor, Outcome) {
	if g.Activity == nil || g.Activity.Status != scaling.Pending {
		return g, Outcome{}
	}
	a, before := *g.Activity, g.Before
	if before == nil {
		before = &Before{} // by a release that did not keep it
	}
	g.Before, g.Outside, g.Below = nil, g.Outside && !before.Outside, g.Below && !before.Below
	if err != nil {
		g = g.clone()
		g.Activity = before.Activity
		for i, p := range g.Policies {
			g.Policies[i].Cooldown = before.Cooldowns[p.Name]
		}
		return g, Outcome{Records: []scaling.Activity{a.Failed(now, err)}}
	}
	var out Outcome
	if old := before.Activity; old != nil {
		out.Records = append(out.Records, old.Overridden(now, a.To))
	}
	a = a.Requested()
	g.Activity, g.Held = &a, nil
	out.Records = append(out.Records, a)
	return g, out
}
