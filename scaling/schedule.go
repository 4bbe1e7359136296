package scaling

import (
	"fmt"
	"strings"
	"time"
)

// A BoundsChange is what a scheduled action does to a target's bounds: it sets
// the minimum, the maximum or both. The zero BoundsChange keeps them.
type BoundsChange struct {
	Min, Max *int32
}

// Apply is what the bounds become, or an error if they would be the wrong way
// round or negative. A change of one end alone can be right for some bounds and
// wrong for others.
func (c BoundsChange) Apply(b Bounds) (Bounds, error) {
	min, max := int32(b.min), int32(b.max)
	if c.Min != nil {
		min = *c.Min
	}
	if c.Max != nil {
		max = *c.Max
	}
	return NewBounds(min, max)
}

// String is the change as an activity tells it: "min capacity to 5 and max
// capacity to 10".
func (c BoundsChange) String() string {
	var ends []string
	if c.Min != nil {
		ends = append(ends, fmt.Sprintf("min capacity to %d", *c.Min))
	}
	if c.Max != nil {
		ends = append(ends, fmt.Sprintf("max capacity to %d", *c.Max))
	}
	return strings.Join(ends, " and ")
}

// ScheduledActivity is the record of a scheduled action that ran: the change of
// the bounds, which is done at once and has no end, or the error that was in the
// way. Bringing a capacity inside the new bounds, which the target has already, is
// another activity.
func ScheduledActivity(id string, now time.Time, t Target, action string, c BoundsChange, err error) Activity {
	a := Activity{
		ID:          id,
		Kind:        t.Kind,
		Description: fmt.Sprintf("Setting %s", c),
		Cause:       fmt.Sprintf("scheduled action name %s was triggered", action),
		Status:      Successful,
		Message:     fmt.Sprintf("Successfully set %s", c),
		To:          t.Bounds.min,
		Start:       now,
	}
	if err != nil {
		a.Status, a.End = Failed, now
		a.Message = fmt.Sprintf("Failed to set %s. Reason: %v", c, err)
		a.Details = err.Error()
	}
	return a
}
