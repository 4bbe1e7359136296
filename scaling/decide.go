package scaling

import (
	"fmt"
	"slices"
	"time"

	"flyball/alarm"
	"flyball/metric"
)

// A Decision is what is to be done with a target, and why.
type Decision struct {
	At        time.Time  `json:"at"`
	Kind      Kind       `json:"kind,omitempty"` // of the resource
	Direction Direction  `json:"direction"`
	Desired   Capacity   `json:"desired"` // as it was seen
	Running   Capacity   `json:"running"` // as it was seen
	To        Capacity   `json:"to"`      // the capacity to set; with Hold the desired one
	Policy    string     `json:"policy,omitempty"`
	Alarm     string     `json:"alarm,omitempty"`
	Rule      string     `json:"rule,omitempty"`    // the arithmetic, in words
	Reasons   []Reason   `json:"reasons,omitempty"` // with Hold: everything that stands in the way
	Proposals []Proposal `json:"proposals"`         // one per policy, in the order of Seen.Policies; those of predictive policies follow
	brief     bool       // as it was asked for
}

// A Proposal is what one policy asks for.
type Proposal struct {
	Policy    string    `json:"policy"`
	Direction Direction `json:"direction"`
	Alarm     string    `json:"alarm,omitempty"`
	Metric    float64   `json:"metric"`
	Base      Capacity  `json:"base"`              // what the arithmetic started from
	To        Capacity  `json:"to"`                // before the target's bounds
	Rule      string    `json:"rule,omitempty"`    // the arithmetic, or of one that asks for nothing what it sees
	Blocked   []Reason  `json:"blocked,omitempty"` // why it cannot be followed
}

// Decide says what to do with a target at a moment. Out, if any policy says
// out; in, only if every target tracking policy that may scale in says in, or a
// step policy does; of several, the largest capacity. ("Target tracking scaling
// policies" and "PutScalingPolicy", Application Auto Scaling documentation)
//
// The capacity of a decision other than Hold is always inside the bounds, and
// on the side of the desired capacity that the direction says.
func Decide(now time.Time, t Target, seen Seen) Decision {
	d := Decision{At: now, Kind: t.Kind, Desired: seen.Desired, Running: seen.Running, To: seen.Desired, brief: seen.Brief}
	d.Proposals = make([]Proposal, len(seen.Policies))
	for i, r := range seen.Policies {
		o := r.Policy.propose(now, r, seen)
		o.limit(now, t, seen, r)
		d.Proposals[i] = o
	}
	if !seen.Brief {
		d.tellOthers(seen)
	}
	wanted := Out
	if out := slices.IndexFunc(d.Proposals, func(o Proposal) bool { return o.Direction == Out }); out >= 0 {
		d.holdIn(d.Proposals[out], seen)
	} else {
		wanted = In
		d.agree(seen)
	}
	best := d.largest(wanted)
	if best == nil {
		d.hold(wanted, seen.Called)
		return d
	}
	d.Direction, d.To = wanted, t.Bounds.Clamp(best.To)
	if wanted == In {
		d.To = max(d.To, t.floor())
	}
	d.To = t.Reach.clamp(d.To)
	d.Policy, d.Alarm, d.Rule = best.Policy, best.Alarm, best.Rule
	return d
}

// limit adds what stands in the way of any policy's wish.
func (o *Proposal) limit(now time.Time, t Target, seen Seen, r Reading) {
	switch o.Direction {
	case Out:
		if t.Suspended.Out {
			o.block(Reason{Code: ScalingSuspended})
		}
		if seen.Desired >= t.Bounds.max {
			o.block(Reason{Code: AlreadyAtMaxCapacity, Capacity: t.Bounds.max})
		} else if t.Reach.clamp(seen.Desired+1) <= seen.Desired {
			o.block(Reason{Code: ChangeLimited, Capacity: seen.Desired, Until: t.Reach.Until})
		}
	case In:
		if t.Suspended.In {
			o.block(Reason{Code: ScalingSuspended})
		}
		if seen.Desired <= t.Bounds.min {
			o.block(Reason{Code: AlreadyAtMinCapacity, Capacity: t.Bounds.min})
		} else if f := t.Floor; seen.Desired <= t.floor() {
			o.block(Reason{Code: AtForecastCapacity, Capacity: f.Capacity, Other: f.Policy, Until: f.Until()})
		} else if t.Reach.clamp(seen.Desired-1) >= seen.Desired {
			o.block(Reason{Code: ChangeLimited, Capacity: seen.Desired, Until: t.Reach.Until})
		}
		if seen.Deploying {
			o.block(Reason{Code: TargetServicePutResourceAsUnscalable, Capacity: seen.Desired})
		}
		if r.Cooldown.holds(In, now) {
			o.block(Reason{Code: InCooldown, Until: r.Cooldown.Until})
		}
	}
}

// holdIn keeps every policy from scaling in while one asks for a scale-out, even
// where that cannot be followed.
func (d *Decision) holdIn(out Proposal, seen Seen) {
	held := Reason{Code: HeldByScaleOut, Capacity: seen.Desired, Other: out.Policy, Alarm: out.Alarm}
	for _, r := range seen.Policies {
		for _, a := range r.Alarms {
			if r.Name == out.Policy && a.Name == out.Alarm && a.State == alarm.Alarm {
				held.Since = a.Since
			}
		}
	}
	for i := range d.Proposals {
		if o := &d.Proposals[i]; o.Direction == In {
			o.block(held)
		}
	}
}

// agree makes the target tracking policies scale in together or not at all. A
// step policy is not held back by them: AWS warns that its scale-in "will not
// be blocked".
func (d *Decision) agree(seen Seen) {
	var against, above string // a policy that does not agree; one whose metric would rise above its target
	var need Capacity
	for i, r := range seen.Policies {
		p, tracking := r.Policy.(TargetTracking)
		if !tracking {
			continue
		}
		if p.scaleIn {
			if !d.Proposals[i].follows(In) {
				against = r.Name
			}
			continue
		}
		// A policy that never scales in has no vote, but the others' scale-in
		// would raise its metric, too, and send the capacity straight out again.
		if latest, ok := r.latest(); ok {
			if n := p.Need(seen.Running, latest.Value); n > need {
				need, above = n, r.Name
			}
		}
	}
	for i, r := range seen.Policies {
		o := &d.Proposals[i]
		if _, tracking := r.Policy.(TargetTracking); !tracking || !o.follows(In) {
			continue
		}
		if against != "" {
			o.block(Reason{Code: OthersDisagree, Other: against})
		}
		if need >= seen.Desired {
			o.block(Reason{Code: AutoScalingAnticipatedFlapping, Capacity: seen.Desired, Other: above})
		}
		o.To = max(o.To, need)
	}
}

// largest is the proposal for the largest capacity among those that can be
// followed in a direction.
func (d *Decision) largest(wanted Direction) *Proposal {
	var best *Proposal
	for i := range d.Proposals {
		if o := &d.Proposals[i]; o.follows(wanted) && (best == nil || o.To > best.To) {
			best = o
		}
	}
	return best
}

// hold collects why nothing is done. The policy that was called is named with its
// alarm, or else the one that came closest to a change; where no alarm drives any,
// every policy says why not.
func (d *Decision) hold(wanted Direction, called string) {
	var best *Proposal
	for i := range d.Proposals {
		switch o := &d.Proposals[i]; {
		case o.Alarm == "" || best != nil && best.Alarm == called:
		case best == nil || o.Alarm == called || o.rank(wanted) > best.rank(wanted):
			best = o
		}
	}
	if best != nil {
		d.Policy, d.Alarm, d.Rule = best.Policy, best.Alarm, best.Rule
	}
	for _, o := range d.Proposals {
		if best != nil && o.Direction != best.Direction {
			continue
		}
		for _, r := range o.Blocked {
			if !slices.Contains(d.Reasons, r) {
				d.Reasons = append(d.Reasons, r)
			}
		}
	}
}

// rank orders proposals that were not followed: those in the direction that
// counts first, then the larger capacity.
func (o *Proposal) rank(wanted Direction) int64 {
	rank := int64(o.To)
	if o.Direction == wanted {
		rank += int64(MaxCapacity) + 1
	}
	return rank
}

// Driven reports whether an alarm drove the decision, followed or not.
func (d Decision) Driven() bool { return d.Alarm != "" }

// Begin is the cooldown of a policy once the decision is acted on. Every policy
// that asked for the change waits, not only the one with the largest capacity.
func (d Decision) Begin(r Reading) Cooldown {
	if d.Direction == Out && r.Cooldown.Direction == In {
		r.Cooldown = Cooldown{} // a scale-out ends a scale-in cooldown
	}
	i := slices.IndexFunc(d.Proposals, func(o Proposal) bool { return o.Policy == r.Name })
	if i < 0 || d.Direction == Hold || !d.Proposals[i].follows(d.Direction) {
		return r.Cooldown
	}
	c := Cooldown{Direction: d.Direction}
	if d.Direction == Out {
		c.Base = d.Proposals[i].Base
	}
	return c
}

// follows reports whether the proposal asks for a direction and nothing stands
// in its way.
func (o Proposal) follows(d Direction) bool { return o.Direction == d && len(o.Blocked) == 0 }

func (o *Proposal) block(r Reason) {
	r.Policy = o.Policy
	o.Blocked = append(o.Blocked, r)
}

// hold is the proposal to leave the capacity as it is.
func (r *Reading) hold(why Code) Proposal {
	return Proposal{Policy: r.Name, Blocked: []Reason{{Code: why, Policy: r.Name}}}
}

// wish is the proposal to change the capacity.
func (r *Reading) wish(d Direction, by *Alarm, metric float64, base, to Capacity, rule string) Proposal {
	return Proposal{Policy: r.Name, Direction: d, Alarm: by.Name, Metric: metric, Base: base, To: to, Rule: rule}
}

// alarm is the alarm of a target tracking policy that breaches below its
// threshold, or above it.
func (r *Reading) alarm(below bool) *Alarm {
	for i := range r.Alarms {
		if a := &r.Alarms[i]; a.below() == below {
			return a
		}
	}
	return &Alarm{}
}

// latest is the newest datapoint of a target tracking policy's metric. Both of
// its alarms watch the same one, so it may come from either.
func (r *Reading) latest() (metric.Datapoint, bool) {
	var newest metric.Datapoint
	var found bool
	for i := range r.Alarms {
		if d, ok := r.Alarms[i].latest(); ok && (!found || d.Time.After(newest.Time)) {
			newest, found = d, true
		}
	}
	return newest, found
}

// String tells the decision in a line.
func (d Decision) String() string {
	if d.Direction == Hold && len(d.Reasons) == 0 {
		return fmt.Sprintf("hold at %d: no alarm drives a policy", d.Desired)
	}
	if d.Direction == Hold {
		return fmt.Sprintf("hold at %d: %s", d.Desired, join(d.Reasons))
	}
	return fmt.Sprintf("%s from %d to %d by policy %s: %s", d.Direction, d.Desired, d.To, d.Policy, d.Rule)
}
