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
		Cause:   fmt.Sprintf("monitor alarm %s in state ALARM triggered policy %s", d.Alarm, d.Policy),
		Details: d.Rule,
		From:    d.Desired,
		To:      d.To,
		Start:   d.At,
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
	a.Description = setting(d.To)
	a.Status = Pending
	return a
}

// BoundsActivity begins the record of bringing a capacity inside new bounds. It
// returns false if it is inside already.
func BoundsActivity(id string, now time.Time, b Bounds, desired Capacity) (Activity, bool) {
	to := b.Clamp(desired)
	which := "minimum"
	switch {
	case to == desired:
		return Activity{}, false
	case to < desired:
		which = "maximum"
	}
	return Activity{
		ID:          id,
		Description: setting(to),
		Cause:       fmt.Sprintf("%s capacity was set to %d", which, to),
		Status:      Pending,
		From:        desired,
		To:          to,
		Start:       now,
	}, true
}

func setting(to Capacity) string { return fmt.Sprintf("Setting desired count to %d.", to) }

// Requested is the activity after the capacity was set.
func (a Activity) Requested() Activity {
	if a.Status == Pending {
		a.Status = InProgress
		a.Message = fmt.Sprintf("Successfully set desired count to %d. Waiting for change to be fulfilled by ecs.", a.To)
	}
	return a
}

// Fulfilled is the activity after the capacity was reached.
func (a Activity) Fulfilled(at time.Time) Activity {
	return a.ended(Successful, at, fmt.Sprintf("Successfully set desired count to %d. Change successfully fulfilled by ecs.", a.To))
}

// Overridden is the activity after someone else set another capacity.
func (a Activity) Overridden(at time.Time, by Capacity) Activity {
	return a.ended(Overridden, at, fmt.Sprintf("Successfully set desired count to %d. Found it was later changed to %d.", a.To, by))
}

// Unfulfilled is the activity when the capacity was not reached in time.
func (a Activity) Unfulfilled(at time.Time, running Capacity) Activity {
	return a.ended(Unfulfilled, at, fmt.Sprintf("Successfully set desired count to %d. Change was not fulfilled by ecs: %d tasks are running.", a.To, running))
}

// Failed is the activity when the capacity could not be set.
func (a Activity) Failed(at time.Time, err error) Activity {
	if !a.Status.Ended() {
		a.Details = err.Error()
	}
	return a.ended(Failed, at, fmt.Sprintf("Failed to set desired count to %d. Reason: %v", a.To, err))
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
