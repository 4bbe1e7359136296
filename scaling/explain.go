package scaling

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"flyball/alarm"
)

// An Explanation says how a target stands: what each alarm sees, what would be
// decided now, and what would have to happen for the next scale-out and
// scale-in. It encodes as JSON for programs and prints as text for people.
type Explanation struct {
	At        time.Time       `json:"at"`
	Desired   Capacity        `json:"desired"`
	Running   Capacity        `json:"running"`
	Min       Capacity        `json:"min"`
	Max       Capacity        `json:"max"`
	Suspended Suspended       `json:"suspended"`
	Deploying bool            `json:"deploying"`
	Policies  []PolicyOutlook `json:"policies"`
	ScaleOut  Outlook         `json:"scaleOut"`
	ScaleIn   Outlook         `json:"scaleIn"`
	Decision  Decision        `json:"decision"` // what would be decided now
}

// A PolicyOutlook is how one policy stands.
type PolicyOutlook struct {
	Name     string         `json:"name"`
	Cooldown Cooldown       `json:"cooldown,omitzero"`
	Alarms   []AlarmOutlook `json:"alarms"`
	ScaleOut Outlook        `json:"scaleOut"`
	ScaleIn  Outlook        `json:"scaleIn"`
}

// An AlarmOutlook is what one alarm sees.
type AlarmOutlook struct {
	Name      string    `json:"name"`
	State     string    `json:"state"` // as CloudWatch spells it
	Threshold float64   `json:"threshold"`
	Latest    *float64  `json:"latest,omitempty"` // nil: no data
	Breaching int       `json:"breaching"`        // datapoints that breach, among the newest Of
	Needed    int       `json:"needed"`
	Of        int       `json:"of"`
	Earliest  time.Time `json:"earliest,omitzero"` // when it can be in ALARM, if every coming datapoint breaches; zero: it does not call
	Text      string    `json:"text"`
}

// An Outlook is when capacity can move in one direction, and what has to happen
// first.
type Outlook struct {
	Possible bool      `json:"possible"`          // false: not before someone changes the configuration
	Earliest time.Time `json:"earliest,omitzero"` // if every coming datapoint breaches; zero: nobody knows
	Needs    []string  `json:"needs"`             // everything that has to happen
}

// Explain tells how a target stands at a moment.
func Explain(now time.Time, t Target, seen Seen) Explanation {
	e := Explanation{
		At:        now,
		Desired:   seen.Desired,
		Running:   seen.Running,
		Min:       t.Bounds.min,
		Max:       t.Bounds.max,
		Suspended: t.Suspended,
		Deploying: seen.Deploying,
		Decision:  Decide(now, t, seen).unless(seen),
		Policies:  make([]PolicyOutlook, len(seen.Policies)),
	}
	for i, r := range seen.Policies {
		e.Policies[i] = explainPolicy(now, r, seen)
	}
	e.ScaleOut = soonest(e.Policies, func(p PolicyOutlook) Outlook { return p.ScaleOut })
	e.ScaleIn = e.scaleIn(seen)
	e.awaitScaleOut()
	e.limit(t)
	return e
}

// unless is the decision if the alarm that would ask for it calls at all.
func (d Decision) unless(seen Seen) Decision {
	for _, r := range seen.Policies {
		for _, a := range r.Alarms {
			if d.Direction != Hold && r.Name == d.Policy && a.Name == d.Alarm && a.Silent != "" {
				d.Reasons = []Reason{{Code: AlarmSilent, Policy: r.Name, Alarm: a.Name, Capacity: d.To}}
				d.Direction, d.To = Hold, d.Desired
			}
		}
	}
	return d
}

func explainPolicy(now time.Time, r Reading, seen Seen) PolicyOutlook {
	p := PolicyOutlook{Name: r.Name, Alarms: make([]AlarmOutlook, len(r.Alarms))}
	if r.Cooldown.Holds(now) {
		p.Cooldown = r.Cooldown
	}
	for i, a := range r.Alarms {
		p.Alarms[i] = explainAlarm(now, r.called(a), a)
	}
	p.ScaleOut = r.outlook(Out, now, seen)
	p.ScaleIn = r.outlook(In, now, seen)
	return p
}

func explainAlarm(now time.Time, called string, a Alarm) AlarmOutlook {
	breaching, earliest := a.forecast(now)
	o := AlarmOutlook{
		Name:      a.Name,
		State:     a.State.String(),
		Threshold: a.Threshold,
		Breaching: breaching,
		Needed:    a.Needed,
		Of:        a.Of,
		Earliest:  earliest,
		Text:      a.progress(called, breaching),
	}
	if d, ok := a.latest(); ok {
		o.Latest = &d.Value
	}
	if a.State == alarm.Alarm {
		o.Text = fmt.Sprintf("%s is in ALARM%s: %d of %d datapoints are %s %s", called, sinceTime(a.Since), breaching, a.Of, a.side(), number(a.Threshold))
	}
	if len(a.Missing) > 0 {
		o.Text += fmt.Sprintf("; there is no data of %s", strings.Join(a.Missing, ", "))
	}
	if a.Silent != "" {
		o.Earliest = time.Time{}
		o.Text = a.silence(called)
	}
	return o
}

// silence tells why an alarm does not call, and what to do.
func (a *Alarm) silence(called string) string {
	remedy := "put the policy again"
	if a.Silent == ActionsDisabled {
		remedy = "enable them"
	}
	return fmt.Sprintf("%s will not call: %s; %s", called, a.Silent, remedy)
}

// outlook is when one policy can ask for a direction.
func (r Reading) outlook(d Direction, now time.Time, seen Seen) Outlook {
	o := Outlook{Possible: true, Earliest: now, Needs: []string{}}
	switch p := r.Policy.(type) {
	case TargetTracking:
		if d == In && !p.scaleIn {
			return Outlook{Needs: []string{fmt.Sprintf("scale-in is disabled in policy %s", r.Name)}}
		}
		if d == Out && p.ofTasks && seen.Desired == 0 && seen.Running == 0 {
			return Outlook{Needs: []string{fmt.Sprintf("the metric of policy %s has no data while nothing runs; set the capacity or the minimum", r.Name)}}
		}
		o.await(now, r, *r.alarm(d == In))
		if d == In {
			o.needLoad(r.Name, p, seen)
		}
	case Step:
		alarms := p.leading(d, r.Alarms, seen.Desired)
		if len(alarms) == 0 {
			return Outlook{Needs: []string{fmt.Sprintf("no alarm of policy %s leads to a %s", r.Name, d)}}
		}
		o.await(now, r, slices.MinFunc(alarms, func(a, b Alarm) int {
			_, x := a.forecast(now)
			_, y := b.forecast(now)
			return x.Compare(y)
		}))
	}
	o.awaitCooldown(now, d, r, seen)
	return o
}

// await adds that an alarm has to be in ALARM.
func (o *Outlook) await(now time.Time, r Reading, a Alarm) {
	if a.Silent != "" {
		*o = Outlook{Needs: []string{a.silence(r.called(a))}}
		return
	}
	if a.State == alarm.Alarm {
		return
	}
	breaching, at := a.forecast(now)
	o.Earliest = later(o.Earliest, at)
	o.Needs = append(o.Needs, a.progress(r.called(a), breaching))
}

// needLoad adds the metric that the arithmetic asks for where that is less than
// the alarm's threshold: 2 tasks against a target of 50 can become 1 only at 25
// or under.
func (o *Outlook) needLoad(policy string, p TargetTracking, seen Seen) {
	if !o.Possible || seen.Desired == 0 {
		return
	}
	if seen.Running == 0 {
		o.Needs = append(o.Needs, "something has to run")
		return
	}
	limit := p.target * float64(seen.Desired-1) / float64(seen.Running)
	if limit < p.LowThreshold() {
		o.Needs = append(o.Needs, fmt.Sprintf("the metric of policy %s must be at or below %s, or %d would be too few", policy, number(limit), seen.Desired-1))
	}
}

// awaitCooldown adds that the policy's cooldown has to end. It is no obstacle to
// a scale-out larger than the last one.
func (o *Outlook) awaitCooldown(now time.Time, d Direction, r Reading, seen Seen) {
	c := r.Cooldown
	if !o.Possible || !c.holds(d, now) {
		return
	}
	switch {
	case d == Out:
		blocked := r.Policy.propose(now, r, seen).Blocked
		if slices.ContainsFunc(blocked, func(b Reason) bool { return b.Code == InCooldown }) {
			o.wait(c.Until) // what is asked for now is not more
		}
		o.Needs = append(o.Needs, fmt.Sprintf("until the cooldown of policy %s ends, only a scale-out from %d to more than is there adds the difference", r.Name, c.Base))
	case c.Until.IsZero():
		o.Needs = append(o.Needs, fmt.Sprintf("the scale-in of policy %s is still in progress", r.Name))
	default:
		o.Earliest = later(o.Earliest, c.Until)
		o.Needs = append(o.Needs, fmt.Sprintf("cooldown ends %s", c.Until.Format(time.TimeOnly)))
	}
}

// wait adds that something ends at a time; zero is one that nobody knows.
func (o *Outlook) wait(until time.Time) {
	if until.IsZero() || o.Earliest.IsZero() {
		o.Earliest = time.Time{}
	} else {
		o.Earliest = later(o.Earliest, until)
	}
}

// scaleIn is when the target can scale in: when all its target tracking
// policies that may do so agree, or when one step policy asks for it.
func (e Explanation) scaleIn(seen Seen) Outlook {
	var together Outlook
	var alone []PolicyOutlook
	for i, p := range e.Policies {
		if _, ok := seen.Policies[i].Policy.(TargetTracking); !ok || !p.ScaleIn.Possible {
			alone = append(alone, p)
			continue
		}
		together.Possible = true
		together.Earliest = later(together.Earliest, p.ScaleIn.Earliest)
		together.Needs = append(together.Needs, p.ScaleIn.Needs...)
	}
	first := soonest(alone, func(p PolicyOutlook) Outlook { return p.ScaleIn })
	if together.Possible && !(first.Possible && first.sooner(together)) {
		return together
	}
	return first
}

// awaitScaleOut adds that a policy that asks for a scale-out holds every scale-in
// back for as long as it does. Nobody knows how long that is.
func (e *Explanation) awaitScaleOut() {
	for _, o := range e.Decision.Proposals {
		for _, r := range o.Blocked {
			if e.ScaleIn.Possible && r.Code == HeldByScaleOut {
				e.ScaleIn.Earliest = time.Time{}
				e.ScaleIn.Needs = append(e.ScaleIn.Needs, r.String())
				return
			}
		}
	}
}

// limit adds what holds for the whole target.
func (e *Explanation) limit(t Target) {
	never := func(o *Outlook, why string) {
		if o.Possible {
			o.Needs = nil // whatever comes of them
		}
		o.Possible, o.Earliest = false, time.Time{}
		o.Needs = append(o.Needs, why)
	}
	if e.Desired >= e.Max {
		never(&e.ScaleOut, fmt.Sprintf("already at the maximum capacity of %d", e.Max))
	}
	if e.Desired <= e.Min {
		never(&e.ScaleIn, fmt.Sprintf("already at the minimum capacity of %d", e.Min))
	}
	if f := t.Floor; e.Desired > e.Min && e.Desired <= t.floor() {
		if !e.ScaleIn.Earliest.IsZero() {
			e.ScaleIn.Earliest = later(e.ScaleIn.Earliest, f.Until())
		}
		e.ScaleIn.Needs = append(e.ScaleIn.Needs, f.String())
	}
	if t.Suspended.Out {
		never(&e.ScaleOut, "scale-out is suspended")
	}
	if t.Suspended.In {
		never(&e.ScaleIn, "scale-in is suspended")
	}
	if e.Deploying {
		e.ScaleIn.Needs = append(e.ScaleIn.Needs, "the deployment in progress has to end")
	}
}

// NoPolicy is what a target needs that no policy with alarms scales.
const NoPolicy = "a target tracking or step scaling policy"

// soonest is the earliest of the policies' outlooks.
func soonest(policies []PolicyOutlook, of func(PolicyOutlook) Outlook) Outlook {
	var best Outlook
	for _, p := range policies {
		o := of(p)
		switch {
		case !o.Possible && !best.Possible:
			best.Needs = append(best.Needs, o.Needs...)
		case o.Possible && (!best.Possible || o.sooner(best)):
			best = o
		}
	}
	if len(policies) == 0 {
		best.Needs = []string{NoPolicy}
	}
	return best
}

// sooner reports whether o is known to be possible before another outlook.
func (o Outlook) sooner(other Outlook) bool {
	return !o.Earliest.IsZero() && (other.Earliest.IsZero() || o.Earliest.Before(other.Earliest))
}

// forecast counts the datapoints that breach among the newest Of periods, and
// says when the alarm can be in ALARM if every coming datapoint breaches.
func (a *Alarm) forecast(now time.Time) (breaching int, earliest time.Time) {
	if a.Period <= 0 {
		return 0, now
	}
	closed := now.Truncate(a.Period) // the end of the newest closed period
	if d, ok := a.latest(); ok {
		closed = later(closed, d.Time.Add(a.Period))
	}
	breaches := make([]bool, a.Of) // newest first
	for _, d := range a.Datapoints {
		i := int(closed.Sub(d.Time)/a.Period) - 1
		if i >= 0 && i < a.Of && a.breaches(d.Value) {
			breaches[i] = true
			breaching++
		}
	}
	if a.State == alarm.Alarm {
		return breaching, now
	}
	left := breaching
	for k := 0; k <= a.Of; k++ { // k more periods that breach push the oldest k out
		if k > 0 && breaches[a.Of-k] {
			left--
		}
		if left+k >= a.Needed {
			return breaching, later(now, closed.Add(time.Duration(k)*a.Period))
		}
	}
	return breaching, later(now, closed.Add(time.Duration(a.Of)*a.Period))
}

// progress tells how far an alarm is from ALARM.
func (a *Alarm) progress(called string, breaching int) string {
	return fmt.Sprintf("%s has %d of %d datapoints %s %s", called, breaching, a.Needed, a.side(), number(a.Threshold))
}

// called is a name for an alarm that people recognize. Those of target tracking
// have long names that tell nothing.
func (r Reading) called(a Alarm) string {
	switch _, tracking := r.Policy.(TargetTracking); {
	case !tracking:
		return "alarm " + a.Name + " of policy " + r.Name
	case a.below():
		return "low alarm of policy " + r.Name
	}
	return "high alarm of policy " + r.Name
}

// side is where the alarm's breaching values are.
func (a *Alarm) side() string {
	switch a.Comparison {
	case alarm.Less:
		return "below"
	case alarm.LessOrEqual:
		return "at or below"
	case alarm.GreaterOrEqual:
		return "at or above"
	}
	return "above"
}

// leading are the alarms that make a policy's steps go in a direction.
func (p Step) leading(d Direction, alarms []Alarm, desired Capacity) []Alarm {
	var leading []Alarm
	for _, a := range alarms {
		leads := slices.ContainsFunc(p.steps, func(s StepAdjustment) bool {
			reached := s.Upper > 0
			if a.below() {
				reached = s.Lower < 0
			}
			return reached && p.asks(d, s.Amount, desired)
		})
		if leads {
			leading = append(leading, a)
		}
	}
	return leading
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// number writes a value without the noise of binary fractions.
func number(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }

// String tells the outlook in a line.
func (o Outlook) String() string {
	switch {
	case !o.Possible:
		return "not possible: " + strings.Join(o.Needs, "; ")
	case len(o.Needs) == 0:
		return "when the alarm calls next"
	case o.Earliest.IsZero():
		return strings.Join(o.Needs, "; ")
	}
	return fmt.Sprintf("%s; earliest %s", strings.Join(o.Needs, "; "), o.Earliest.Format(time.TimeOnly))
}

// String tells the explanation as lines of text.
func (e Explanation) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "capacity   %d desired, %d running, %d to %d allowed\n", e.Desired, e.Running, e.Min, e.Max)
	for _, p := range e.Policies {
		for _, a := range p.Alarms {
			fmt.Fprintf(&b, "sees       %s\n", a.Text)
		}
	}
	fmt.Fprintf(&b, "now        %s\n", e.Decision)
	b.WriteString(e.Decision.Said())
	fmt.Fprintf(&b, "scale-out  %s\n", e.ScaleOut)
	fmt.Fprintf(&b, "scale-in   %s\n", e.ScaleIn)
	return b.String()
}
