package outcome

import (
	"fmt"
	"time"

	"flyball/alarm"
	"flyball/scaling"
)

// A Decision is a scaling activity, or attempts in a row that came to nothing for the
// same reason.
type Decision struct {
	At       time.Time `json:"at"`
	Until    time.Time `json:"until,omitzero"` // of the last of several attempts
	Times    int       `json:"times"`
	From     int       `json:"from"`
	To       int       `json:"to"` // the same as From where nothing was scaled
	Why      string    `json:"why"`
	Cause    string    `json:"cause"`
	withheld scaling.Code
}

// mostDecisions are kept: more than a year has with one each quarter of an hour.
const mostDecisions = 40_000

// Activity takes in what has become of an activity.
func (r *Recording) Activity(a scaling.Activity) {
	if r.open == nil {
		r.open = map[string]int{}
	}
	place, known := r.open[a.ID]
	if !known {
		place = r.decide(decision(a))
	}
	r.open[a.ID] = place
	if a.Status.Ended() {
		delete(r.open, a.ID)
	}
}

// decide keeps a decision, and returns its place.
func (r *Recording) decide(d Decision) int {
	n := len(r.decisions)
	if n > 0 && r.decisions[n-1].repeats(d) {
		last := &r.decisions[n-1]
		last.Times++
		last.Until = d.At
		return n - 1
	}
	if n == mostDecisions {
		r.more++
		return -1
	}
	r.decisions = append(r.decisions, d)
	return n
}

func decision(a scaling.Activity) Decision {
	d := Decision{At: a.Start, Times: 1, From: int(a.From), To: int(a.To), Why: a.Details, Cause: a.Cause}
	for _, reason := range a.NotScaled {
		d.To = d.From
		if reason.Reported() && d.withheld == "" {
			d.withheld, d.Why = reason.Code, reason.String()
		}
	}
	return d
}

// repeats reports whether a decision is one more attempt that comes to nothing.
func (d Decision) repeats(next Decision) bool {
	return d.From == d.To && next.From == next.To && d.From == next.From && d.withheld == next.withheld && d.Cause == next.Cause
}

// headline says what was decided.
func (d Decision) headline() string {
	switch {
	case d.To > d.From:
		return fmt.Sprintf("Scale-out from %d to %d tasks", d.From, d.To)
	case d.To < d.From:
		return fmt.Sprintf("Scale-in from %d to %d tasks", d.From, d.To)
	case d.Times > 1:
		return fmt.Sprintf("Not scaled, %d times until %s", d.Times, d.Until.Format(stamp))
	}
	return "Not scaled"
}

// because is the reason in one line.
func (d Decision) because() string {
	if d.Why == "" {
		return d.Cause
	}
	return d.Why
}

// An alarmed time is one in which an alarm was in ALARM; it goes on without an end.
type alarmed struct {
	name     string
	from, to time.Time
	times    int // that it went into ALARM
}

// Alarm takes in that an alarm goes into a state.
func (r *Recording) Alarm(at time.Time, name string, state alarm.State) {
	last := len(r.alarms) - 1
	for last >= 0 && r.alarms[last].name != name {
		last--
	}
	switch {
	case state != alarm.Alarm:
		if last >= 0 && r.alarms[last].to.IsZero() {
			r.alarms[last].to = at
		}
	case len(r.alarms) < mostDecisions:
		r.alarms = append(r.alarms, alarmed{name: name, from: at, times: 1})
	}
}
