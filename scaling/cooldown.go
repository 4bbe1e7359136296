package scaling

import "time"

// A Cooldown is what a policy remembers of its last scaling activity. The zero
// Cooldown holds nothing back.
//
// A scale-out cooldown does not stop scaling out: what was added counts as part
// of the next scale-out, so that only a larger one adds the difference. After
// 10 tasks became 12, a step that asks for 3 more adds 1. A scale-in cooldown
// stops further scale-in, and a scale-out ends it. ("Define cooldown periods",
// Application Auto Scaling user guide)
type Cooldown struct {
	Direction Direction `json:"direction"`
	// Base is, after a scale-out, the capacity that its arithmetic started from.
	Base Capacity `json:"base,omitempty"`
	// Until is when the cooldown ends. It is zero while the activity still runs,
	// since a cooldown is counted from the activity's end.
	Until time.Time `json:"until,omitzero"`
}

// Holds reports whether the policy is still waiting at a moment.
func (c Cooldown) Holds(now time.Time) bool {
	return c.Direction != Hold && (c.Until.IsZero() || now.Before(c.Until))
}

// holds reports whether the policy waits after an activity in one direction.
func (c Cooldown) holds(d Direction, now time.Time) bool {
	return c.Direction == d && c.Holds(now)
}

// End starts counting: the activity that the cooldown follows ended at a
// moment. A cooldown that is being counted already stays as it is.
func (c Cooldown) End(p Policy, at time.Time) Cooldown {
	if c.Direction != Hold && c.Until.IsZero() {
		c.Until = at.Add(p.Cooldown(c.Direction))
	}
	return c
}

// base is the capacity that a scale-out starts from: the current one, or within
// a scale-out cooldown the one before what was added.
func (c Cooldown) base(current Capacity, now time.Time) Capacity {
	if c.holds(Out, now) {
		return min(current, c.Base)
	}
	return current
}
