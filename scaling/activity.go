package scaling

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// An Activity is the record of one decision: what is being done about it, or
// that nothing was. It is a value; its methods return what it becomes.
type Activity struct {
	ID          string    `json:"id"`
	Kind        Kind      `json:"kind,omitempty"` // of the resource
	Description string    `json:"description"`
	Cause       string    `json:"cause"`
	Status      Status    `json:"status"`
	Message     string    `json:"message,omitempty"`
	Details     string    `json:"details,omitempty"` // the arithmetic, or the error
	From        Capacity  `json:"from,omitempty"`    // the desired capacity before
	To          Capacity  `json:"to"`                // what was asked for; with NotScaled the desired capacity
	Start       time.Time `json:"start"`
	End         time.Time `json:"end,omitzero"`
	NotScaled   []Reason  `json:"notScaled,omitempty"` // why nothing was done
	// Others are what the other policies of the target said then, and Untold how many more did:
	// of a decision, with its words.
	Others []Proposal `json:"others,omitempty"`
	Untold int        `json:"untold,omitempty"`
	brief  bool       // it has no words
}

// A Status is the state of an activity, as DescribeScalingActivities writes it.
type Status string

// The states. An activity is Pending before the capacity is set and InProgress
// until it is reached; the others are final.
const (
	Pending     Status = "Pending"
	InProgress  Status = "InProgress"
	Successful  Status = "Successful"
	Overridden  Status = "Overridden"
	Unfulfilled Status = "Unfulfilled"
	Failed      Status = "Failed"
)

// Ended reports whether the state is final.
func (s Status) Ended() bool { return s != Pending && s != InProgress }

// Activity begins the record of a decision. With Hold it never began: it
// tells only why, and has no end.
func (d Decision) Activity(id string) Activity {
	a := Activity{
		ID:      id,
		Kind:    d.Kind,
		Details: d.Rule,
		From:    d.Desired,
		To:      d.To,
		Start:   d.At,
		brief:   d.brief,
	}
	if !d.brief {
		a.Others, a.Untold = d.others()
		a.Cause = fmt.Sprintf("monitor alarm %s in state ALARM triggered policy %s", d.Alarm, d.Policy)
	}
	if d.Direction == Hold {
		a.Description = "Attempting to scale due to alarm triggered"
		a.Status = Failed
		a.NotScaled = d.Reasons
		for _, r := range d.Reasons {
			if r.Code == HeldByScaleOut { // its code alone does not say by whom
				a.Details += "; " + r.String()
			}
		}
		return a
	}
	if !d.brief {
		a.Description = d.Kind.setting(d.To)
	}
	a.Status = Pending
	return a
}

// BoundsActivity begins the record of bringing a capacity inside new bounds of a
// target, or as far as may be. It returns false if it is inside already, or may not be moved.
func BoundsActivity(id string, now time.Time, t Target, desired Capacity) (Activity, bool) {
	bound := t.Bounds.Clamp(desired)
	to := t.Reach.clamp(bound)
	which := "minimum"
	switch {
	case to == desired:
		return Activity{}, false
	case to < desired:
		which = "maximum"
	}
	return Activity{
		ID:          id,
		Kind:        t.Kind,
		Description: t.Kind.setting(to),
		Cause:       fmt.Sprintf("%s capacity was set to %d", which, bound),
		Status:      Pending,
		From:        desired,
		To:          to,
		Start:       now,
	}, true
}

// Requested is the activity after the capacity was set.
func (a Activity) Requested() Activity {
	if a.Status == Pending {
		a.Status = InProgress
		a.Message = a.set("Waiting for change to be fulfilled by %s.", a.Kind.Namespace())
	}
	return a
}

// Fulfilled is the activity after the capacity was reached.
func (a Activity) Fulfilled(at time.Time) Activity {
	return a.ended(Successful, at, a.set("Change successfully fulfilled by %s.", a.Kind.Namespace()))
}

// Overridden is the activity after someone else set another capacity.
func (a Activity) Overridden(at time.Time, by Capacity) Activity {
	return a.ended(Overridden, at, a.set("Found it was later changed to %d.", by))
}

// Unfulfilled is the activity when the capacity was not reached in time.
func (a Activity) Unfulfilled(at time.Time, running Capacity) Activity {
	return a.ended(Unfulfilled, at, a.set("Change was not fulfilled by %s: %d %s.", a.Kind.Namespace(), running, a.Kind.words().running))
}

// Failed is the activity when the capacity could not be set.
func (a Activity) Failed(at time.Time, err error) Activity {
	if !a.Status.Ended() {
		a.Details = err.Error()
	}
	return a.ended(Failed, at, fmt.Sprintf("Failed to set %s to %d. Reason: %v", a.Kind.words().capacity, a.To, err))
}

// set tells that the capacity was set, and what came of it.
func (a Activity) set(outcome string, args ...any) string {
	if a.brief {
		return ""
	}
	return fmt.Sprintf("Successfully set %s to %d. ", a.Kind.words().capacity, a.To) + fmt.Sprintf(outcome, args...)
}

// ended makes a state final. One that is already final stays.
func (a Activity) ended(s Status, at time.Time, message string) Activity {
	if a.Status.Ended() {
		return a
	}
	a.Status, a.End, a.Message = s, at, message
	return a
}

// join writes reasons as one list. What several policies say alike is said once.
func join(reasons []Reason) string {
	var text []string
	for _, r := range reasons {
		if !slices.Contains(text, r.String()) {
			text = append(text, r.String())
		}
	}
	return strings.Join(text, "; ")
}
