package scaling

import (
	"fmt"
	"slices"
	"strings"
)

// An activity is told by the policy that it is because of. What the others said at that moment is
// kept with it: afterwards nobody could tell it any more.

// Bounds of what is kept of the others, so that no activity grows without end: a target can have
// fifty policies, and a step policy any number of alarms.
const (
	mostOthers = 10
	mostAlarms = 3
)

// tellOthers has the proposals to leave the capacity as it is say what their policies see.
func (d *Decision) tellOthers(seen Seen) {
	for i := range d.Proposals {
		if o := &d.Proposals[i]; o.Alarm == "" {
			o.Metric, o.Rule = seen.Policies[i].sees()
		}
	}
}

// sees is what a policy sees that asks for nothing: the newest value of its metric, 0 where there
// is none, and that in words.
func (r *Reading) sees() (newest float64, text string) {
	tracking, tracks := r.Policy.(TargetTracking)
	latest, measured := r.latest()
	var parts []string
	switch {
	case tracks && measured:
		parts = append(parts, fmt.Sprintf("the metric is %s, against a target of %s", number(latest.Value), number(tracking.target)))
	case tracks:
		parts = append(parts, "the metric has no data, against a target of "+number(tracking.target))
	case len(r.Alarms) == 0:
		parts = append(parts, "no alarm has called it")
	}
	for i := range r.Alarms[:min(len(r.Alarms), mostAlarms)] {
		a := &r.Alarms[i]
		parts = append(parts, a.stands(tracks))
	}
	if more := len(r.Alarms) - mostAlarms; more > 0 {
		parts = append(parts, fmt.Sprintf("%d more alarms", more))
	}
	return latest.Value, strings.Join(parts, "; ")
}

// stands tells the state of an alarm. Those of target tracking are known by their sides.
func (a *Alarm) stands(tracks bool) string {
	name := "alarm " + a.Name
	if tracks {
		name = "its high alarm"
		if a.below() {
			name = "its low alarm"
		}
	}
	text := fmt.Sprintf("%s, %s %s, is %s", name, a.side(), number(a.Threshold), a.State)
	if d, measured := a.latest(); measured && !tracks {
		text += " at " + number(d.Value)
	}
	return text
}

// others are the proposals of all policies but the one that the decision is because of, and how
// many are left out. Where there are many, those that ask for a change come first.
func (d *Decision) others() (told []Proposal, untold int) {
	for _, o := range d.Proposals {
		if o.Policy != d.Policy {
			told = append(told, o)
		}
	}
	if untold = len(told) - mostOthers; untold <= 0 {
		return told, 0
	}
	idle := func(o Proposal) int {
		if o.Direction == Hold {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(told, func(a, b Proposal) int { return idle(a) - idle(b) })
	return slices.Clip(told[:mostOthers]), untold
}

// String tells the proposal in a sentence's words.
func (o Proposal) String() string {
	if o.Direction == Hold {
		if o.Rule == "" {
			return "asks for nothing: " + join(o.Blocked)
		}
		return "asks for nothing: " + o.Rule
	}
	text := fmt.Sprintf("asks for a %s to %d", o.Direction, o.To)
	if o.Rule != "" {
		text += ": " + o.Rule
	}
	if len(o.Blocked) > 0 {
		text += "; not followed: " + join(o.Blocked)
	}
	return text
}

// Said is what each policy says, a line each, where there are several.
func (d Decision) Said() string {
	if len(d.Proposals) < 2 {
		return ""
	}
	var b strings.Builder
	for _, o := range d.Proposals {
		fmt.Fprintf(&b, "says       policy %s %s\n", o.Policy, o)
	}
	return b.String()
}
