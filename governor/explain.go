package governor

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"flyball/scaling"
)

// An Explanation says how a target stands: what its alarms see, what was done
// last, and what would have to happen for the next change of capacity. It encodes
// as JSON for programs and prints as text for people.
type Explanation struct {
	Resource  scaling.ResourceID `json:"resourceId"`
	Last      *scaling.Activity  `json:"lastActivity,omitempty"` // nil: nothing was scaled as long as activities are kept
	Kept      string             `json:"-"`                      // for how long that is, in a sentence's words; "": six weeks
	Scheduled *Run               `json:"scheduled,omitempty"`    // nil: no schedule has a run left
	Floor     scaling.Floor      `json:"floor,omitzero"`         // of predictive scaling, now
	Forecast  []Forecast         `json:"forecast,omitempty"`     // what each predictive policy forecasts next
	scaling.Explanation
}

// A Run is when a scheduled action runs next, and what it does.
type Run struct {
	Action string    `json:"action"`
	At     time.Time `json:"at"`
	Min    *int32    `json:"min,omitempty"` // nil: the minimum stays
	Max    *int32    `json:"max,omitempty"` // nil: the maximum stays
}

// A Forecast is what a predictive policy forecasts for the hour that it acts for
// next, or why it does not.
type Forecast struct {
	Policy   string           `json:"policy"`
	Hour     time.Time        `json:"hour,omitzero"`
	Capacity scaling.Capacity `json:"capacity"`
	At       time.Time        `json:"at,omitzero"`     // when it sets the capacity; zero: it only forecasts
	Lacks    string           `json:"lacks,omitempty"` // why there is no forecast
}

// Explain tells how the target stands at a moment. It changes nothing.
func (g Governor) Explain(now time.Time, seen Seen) Explanation {
	e := Explanation{
		Scheduled:   g.nextRun(),
		Floor:       g.Floor(now),
		Forecast:    g.forecasts(now),
		Explanation: scaling.Explain(now, g.target(now, seen.Capacity), g.seen(seen)),
	}
	e.Decision.Proposals = append(e.Decision.Proposals, g.foreseen(now)...)
	e.foresee()
	return e
}

// foreseen is what the predictive policies say while others decide: they ask for no change then,
// and raise the capacity at a time of their own.
func (g Governor) foreseen(now time.Time) (said []scaling.Proposal) {
	for _, f := range g.forecasts(now) {
		said = append(said, scaling.Proposal{Policy: f.Policy, To: f.Capacity, Rule: f.told()})
	}
	for i, o := range said {
		if floor := g.Policies[g.policy(o.Policy)].floor(now); floor.Capacity > 0 {
			said[i].Rule += "; " + floor.String()
		}
	}
	return said
}

// foresee has a target that only predictive policies scale need what these do.
func (e *Explanation) foresee() {
	if len(e.Policies) > 0 || len(e.Forecast) == 0 {
		return
	}
	var forecasts []string
	for _, f := range e.Forecast {
		forecasts = append(forecasts, f.needs(e.Desired))
	}
	replace := func(needs *[]string, by ...string) {
		if i := slices.Index(*needs, scaling.NoPolicy); i >= 0 {
			*needs = slices.Replace(slices.Clone(*needs), i, i+1, by...)
		}
	}
	replace(&e.ScaleOut.Needs, forecasts...)
	replace(&e.ScaleIn.Needs, scaling.NoPolicy+", since predictive policies remove nothing")
}

// needs is what of a forecast has to be for it to add to a capacity.
func (f Forecast) needs(desired scaling.Capacity) string {
	switch {
	case f.Lacks != "":
		return f.String()
	case f.At.IsZero():
		return fmt.Sprintf("policy %s to scale by its forecasts: it only makes them", f.Policy)
	case f.Capacity <= desired:
		return fmt.Sprintf("policy %s to forecast more than %d: it forecasts %d for %s", f.Policy, desired, f.Capacity, f.Hour.Format(time.DateTime))
	}
	return fmt.Sprintf("until %s, when policy %s sets the %d that it forecasts for %s", f.At.Format(time.TimeOnly), f.Policy, f.Capacity, f.Hour.Format(time.TimeOnly))
}

// nextRun is the first run of a schedule from now on, or nil.
func (g Governor) nextRun() *Run {
	var first *Schedule
	for i, s := range g.Schedules {
		if !s.Next.IsZero() && (first == nil || s.Next.Before(first.Next)) {
			first = &g.Schedules[i]
		}
	}
	if first == nil {
		return nil
	}
	return &Run{Action: first.Name, At: first.Next, Min: first.Change.Min, Max: first.Change.Max}
}

// forecasts are what the predictive policies forecast next.
func (g Governor) forecasts(now time.Time) []Forecast {
	var next []Forecast
	for _, policy := range g.Policies {
		p := policy.Predictive
		if p == nil {
			continue
		}
		every := p.Plan.Every()
		hour := now.Truncate(every).Add(every)
		if p.Scales && !hour.After(p.Acted) {
			hour = p.Acted.Add(every)
		}
		f := Forecast{Policy: policy.Name, Hour: hour}
		capacity, ok := p.Plan.At(hour)
		switch {
		case !ok && p.Lacks != "":
			f = Forecast{Policy: policy.Name, Lacks: p.Lacks}
		case !ok:
			f = Forecast{Policy: policy.Name, Lacks: "it has not been made yet"}
		default:
			f.Capacity = capacity
			if p.Scales {
				f.At = hour.Add(-p.Buffer)
			}
		}
		next = append(next, f)
	}
	return next
}

// String tells the forecast in a sentence's words.
func (f Forecast) String() string {
	return "policy " + f.Policy + " " + f.told()
}

// told is the forecast in words that follow the name of the policy.
func (f Forecast) told() string {
	if f.Lacks != "" {
		return "has no forecast: " + f.Lacks
	}
	text := fmt.Sprintf("forecasts %d for %s", f.Capacity, f.Hour.Format(time.DateTime))
	if f.At.IsZero() {
		return text + " and does not scale"
	}
	return text + ", to be set at " + f.At.Format(time.TimeOnly)
}

// String tells the explanation as lines of text.
func (e Explanation) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "target     %s\n%s", e.Resource, e.Explanation)
	if r := e.Scheduled; r != nil {
		fmt.Fprintf(&b, "scheduled  %s %s sets %s", r.At.Format(time.DateTime), r.Action, scaling.BoundsChange{Min: r.Min, Max: r.Max})
		if e.Suspended.Scheduled {
			b.WriteString(", unless scheduled scaling is still suspended")
		}
		b.WriteString("\n")
	}
	if e.Floor.Capacity > 0 {
		fmt.Fprintf(&b, "floor      %s\n", e.Floor)
	}
	for _, f := range e.Forecast {
		fmt.Fprintf(&b, "forecast   %s", f)
		if e.Suspended.Out && !f.At.IsZero() {
			b.WriteString(", unless scale-out is still suspended")
		}
		b.WriteString("\n")
	}
	if e.Last == nil {
		fmt.Fprintf(&b, "last       nothing was scaled %s\n", cmp.Or(e.Kept, "in the last six weeks"))
	} else {
		why := cmp.Or(e.Last.Details, e.Last.Cause)
		fmt.Fprintf(&b, "last       %s %s (%s): %s\n", e.Last.Start.Format(time.DateTime), e.Last.Description, e.Last.Status, why)
	}
	return b.String()
}
