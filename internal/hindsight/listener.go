package hindsight

import (
	"time"

	"flyball/governor"
	"flyball/scaling"
)

// A Listener makes the explanation of a time of a simulated run of what the run tells.
type Listener struct {
	At       time.Time
	Resource scaling.ResourceID

	stood *governor.Explanation
	last  *scaling.Activity
	done  []scaling.Activity
}

// Explained hears how the target stood at the time.
func (l *Listener) Explained(e governor.Explanation) { l.stood = &e }

// Activity hears of an activity, and of what becomes of it.
func (l *Listener) Activity(a scaling.Activity) {
	switch {
	case a.Start.Before(l.At):
		if a.Status != scaling.Failed {
			l.last = &a
		}
	case a.Start.Before(l.At.Add(time.Minute)):
		for i := range l.done {
			if l.done[i].ID == a.ID {
				l.done[i] = a
				return
			}
		}
		l.done = append(l.done, a)
	}
}

// Explanation is what was heard; nil where the run was not at the time.
func (l *Listener) Explanation() *Explanation {
	if l.stood == nil {
		return nil
	}
	e := &Explanation{Explanation: *l.stood, Done: l.done}
	if e.Resource, e.Last = l.Resource, l.last; e.Done == nil {
		e.Done = []scaling.Activity{}
	}
	return e
}
