package governor

import (
	"slices"
	"time"

	"flyball/scaling"
	"flyball/schedule"
)

// A Governor is everything that is known of a scalable target between two steps.
// It is a value: what a method returns shares nothing with its receiver that
// either would change.
type Governor struct {
	Kind      scaling.Kind // of the resource
	Bounds    scaling.Bounds
	Suspended scaling.Suspended
	Limits    scaling.Limits
	Policies  []Policy   // by name
	Schedules []Schedule // by name
	State
}

// State is what a governor remembers beside its policies and schedules. It
// encodes as JSON.
type State struct {
	// Activity is the one that has not ended.
	Activity *scaling.Activity `json:",omitempty"`
	// Before is what comes back if the capacity of a Pending activity cannot be
	// set.
	Before *Before `json:",omitempty"`
	// Outside says that the bounds have changed, and that the capacity is still to
	// be brought inside them.
	Outside bool `json:",omitempty"`
	// Below says that an hour with a forecast has begun, and that the capacity is
	// still to be raised to it.
	Below bool `json:",omitempty"`
	// Empty says that there was no task when the capacity was seen last.
	Empty bool `json:",omitempty"`
	// Emptied is when the last task was seen to be gone. Older datapoints are about
	// tasks that are no more.
	Emptied time.Time `json:",omitzero"`
	// Moved is the change of capacity that began the minute which limits are counted in.
	Moved Moved `json:",omitzero"`
	// Limited is when limits let the capacity be brought further.
	Limited time.Time `json:",omitzero"`
	// Held are the decisions not to scale that were recorded last, by alarm.
	Held map[string]Held `json:",omitempty"`
}

// Moved is when capacity was changed, and from what.
type Moved struct {
	At   time.Time
	From scaling.Capacity
}

// Before is what an activity that is Pending takes the place of.
type Before struct {
	Activity  *scaling.Activity           `json:",omitempty"`
	Cooldowns map[string]scaling.Cooldown `json:",omitempty"` // by policy
	// Outside and Below are those of the state that the activity sees to.
	Outside bool `json:",omitempty"`
	Below   bool `json:",omitempty"`
}

// Held is a decision not to scale. An alarm asks again each minute while it stays
// in ALARM, and gets the same answer: that is one activity, not one a minute.
type Held struct {
	Since   time.Time `json:",omitzero"` // when the alarm went into ALARM
	Reasons string
}

// A Policy is a scaling policy of any kind.
type Policy struct {
	Name string
	// Rule is a target tracking or a step policy's; nil for predictive scaling.
	Rule scaling.Policy
	// Alarms are the names of those that call the policy: the two of target
	// tracking, the high one first, or those that have called a step policy.
	Alarms []string
	// Period is how often its metric has a datapoint; 0 is a minute.
	Period   time.Duration
	Cooldown scaling.Cooldown
	// Predictive is what a predictive policy has; nil for the others.
	Predictive *Predictive
}

// Tracks reports whether it is a target tracking policy.
func (p Policy) Tracks() bool {
	_, tracks := p.Rule.(scaling.TargetTracking)
	return tracks
}

// Predictive is a predictive scaling policy with its newest forecast.
type Predictive struct {
	Scales bool          // it sets capacity, and does not only forecast
	Buffer time.Duration // how long before its hour capacity is set
	Breach scaling.Breach
	Plan   scaling.Plan // the newest forecast; without hours: none yet
	Acted  time.Time    // the last hour whose capacity was set
	// Lacks is why there is no forecast, in a sentence's words.
	Lacks string
}

// acts reports whether the policy has hours to act for.
func (p *Predictive) acts() bool { return p != nil && p.Scales && len(p.Plan.Steps) > 0 }

// next is when the policy acts for the first hour that it has not acted for. Hours
// that have passed, while the host was down or because a fast clock has passed
// several, are not made up for.
func (p *Predictive) next(now time.Time) time.Time {
	every := p.Plan.Every()
	hour := p.Acted.Truncate(every).Add(every)
	if current := now.Truncate(every); hour.Before(current) {
		hour = current
	}
	return hour.Add(-p.Buffer)
}

// floor is the policy's own floor at a moment.
func (p Policy) floor(now time.Time) scaling.Floor {
	if !p.Predictive.acts() {
		return scaling.Floor{}
	}
	return p.Predictive.Plan.Floor(p.Name, now, p.Predictive.Acted)
}

// A Schedule is a scheduled action.
type Schedule struct {
	Name    string
	Times   schedule.Schedule
	Change  scaling.BoundsChange
	Created time.Time
	Done    time.Time // runs up to here have been, or were skipped
	Next    time.Time // the first run after Done; zero: there is none
}

// ran is the schedule after the runs up to one.
func (s Schedule) ran(at time.Time) Schedule {
	s.Done = at
	s.Next, _ = s.Times.Next(at) // zero where there is none
	return s
}

// clone is a copy that can be changed.
func (g Governor) clone() Governor {
	g.Policies = slices.Clone(g.Policies)
	g.Schedules = slices.Clone(g.Schedules)
	return g
}

// policy is the place of a policy among the governor's, or -1.
func (g Governor) policy(name string) int {
	return slices.IndexFunc(g.Policies, func(p Policy) bool { return p.Name == name })
}

// Floor is the largest of the floors of the policies. While scale-out is
// suspended there is none: "all scale-out activities that are triggered by a
// scaling policy" are, and nothing would hold what was never set.
func (g Governor) Floor(now time.Time) scaling.Floor {
	var highest scaling.Floor
	if g.Suspended.Out {
		return highest
	}
	for _, p := range g.Policies {
		if f := p.floor(now); f.Capacity > highest.Capacity {
			highest = f
		}
	}
	return highest
}

// target is the governor as the rules of package scaling see it, at a capacity that was seen.
func (g Governor) target(now time.Time, c Capacity) scaling.Target {
	return scaling.Target{Kind: g.Kind, Bounds: g.Bounds, Suspended: g.Suspended, Floor: g.Floor(now), Reach: g.reach(now, c.Desired)}
}

// minute is how long limits count the changes of capacity together.
const minute = time.Minute

// counts reports whether the minute lasts that limits are counted in.
func (m Moved) counts(now time.Time) bool {
	return !m.At.IsZero() && now.Before(m.At.Add(minute)) && !now.Before(m.At)
}

// reach is how far limits let the capacity be changed.
func (g Governor) reach(now time.Time, desired scaling.Capacity) scaling.Reach {
	if g.Moved.counts(now) {
		return g.Limits.Reach(g.Moved.From, g.Moved.At.Add(minute))
	}
	return g.Limits.Reach(desired, now.Add(minute))
}

// Tracks reports whether a target tracking policy watches the target.
func (g Governor) Tracks() bool { return slices.ContainsFunc(g.Policies, Policy.Tracks) }

// Next is when time alone makes the next step: zero is never. An alarm's call
// comes when it comes, and an activity is followed by looking at it.
func (g Governor) Next(now time.Time) time.Time {
	if g.Outside || g.Below {
		if g.Limited.After(now) {
			return g.Limited
		}
		return now
	}
	var next time.Time
	sooner := func(at time.Time) {
		if !at.IsZero() && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	for _, s := range g.Schedules {
		sooner(s.Next)
	}
	for _, p := range g.Policies {
		if p.Predictive.acts() {
			sooner(p.Predictive.next(now))
		}
	}
	if g.Empty && g.Tracks() {
		sooner(nextDemand(now, g.shortestPeriod()))
	}
	return next
}

// shortestPeriod is that of the metrics which target tracking policies follow.
func (g Governor) shortestPeriod() time.Duration {
	shortest := time.Minute
	for _, p := range g.Policies {
		if p.Tracks() && p.Period > 0 {
			shortest = min(shortest, p.Period)
		}
	}
	return shortest
}

// nextDemand is when demand is looked for next where nothing runs: in the middle of
// each period, which is late enough for the datapoints of the one before to have come,
// and a time at which no alarm calls.
func nextDemand(now time.Time, period time.Duration) time.Time {
	at := now.Truncate(period).Add(period / 2)
	if !at.After(now) {
		at = at.Add(period)
	}
	return at
}

// Retarget gives the governor other bounds and suspensions. The next step brings
// the capacity inside.
func (g Governor) Retarget(b scaling.Bounds, s scaling.Suspended) Governor {
	g.Bounds, g.Suspended, g.Outside = b, s, true
	return g
}

// Leave ends what is under way because the target is governed no more. It returns
// what is to be recorded.
func (g Governor) Leave(now time.Time, why error) []scaling.Activity {
	if g.Activity == nil {
		return nil
	}
	return []scaling.Activity{g.Activity.Failed(now, why)}
}
