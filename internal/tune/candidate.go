package tune

import (
	"fmt"
	"strings"
)

// A Candidate is one way to scale a target.
type Candidate struct {
	Target      float64   `json:"targetValue"`
	OutCooldown int32     `json:"scaleOutCooldown"` // seconds
	InCooldown  int32     `json:"scaleInCooldown"`
	Min         int32     `json:"minCapacity"`
	Max         int32     `json:"maxCapacity"`
	Step        Step      `json:"step,omitzero"`
	Schedule    Schedule  `json:"schedule,omitzero"`
	Forecast    Predicted `json:"predictive,omitzero"`
}

// A Step policy beside target tracking answers what is too fast for it: one datapoint
// this far above the target adds this many percent. The zero value is none.
type Step struct {
	Above   float64 `json:"abovePercentOfTarget"`
	Percent int32   `json:"addPercent"`
}

// A Schedule raises the minimum between two hours of each day, or of Monday to Friday. The
// zero value is none.
type Schedule struct {
	From     int   `json:"fromHour"` // UTC
	To       int   `json:"toHour"`
	Min      int32 `json:"minCapacity"`
	Weekdays bool  `json:"weekdaysOnly"`
}

// A Predicted is predictive scaling beside target tracking, with a target value of its own.
// The zero value is none.
type Predicted struct {
	Target float64 `json:"targetValue"`
	Buffer int32   `json:"schedulingBufferTime"` // seconds
}

// Kinds names the policies of a candidate.
func (c Candidate) Kinds() string {
	kinds := []string{"target tracking"}
	if c.Step != (Step{}) {
		kinds = append(kinds, "a step policy")
	}
	if c.Schedule != (Schedule{}) {
		kinds = append(kinds, "a schedule")
	}
	if c.Forecast != (Predicted{}) {
		kinds = append(kinds, "predictive scaling")
	}
	return strings.Join(kinds, ", ")
}

// String tells the candidate in a line.
func (c Candidate) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "target %.4g, cooldowns %d s out, %d s in, %d to %d tasks", c.Target, c.OutCooldown, c.InCooldown, c.Min, c.Max)
	if s := c.Step; s != (Step{}) {
		fmt.Fprintf(&b, "; +%d %% at %.4g", s.Percent, c.stepAt())
	}
	if s := c.Schedule; s != (Schedule{}) {
		days := "daily"
		if s.Weekdays {
			days = "Monday to Friday"
		}
		fmt.Fprintf(&b, "; at least %d from %02d:00 to %02d:00 UTC, %s", s.Min, s.From, s.To, days)
	}
	if p := c.Forecast; p != (Predicted{}) {
		fmt.Fprintf(&b, "; forecast for %.4g, %d s ahead", p.Target, p.Buffer)
	}
	return b.String()
}

// stepAt is the value at which the step policy is called.
func (c Candidate) stepAt() float64 { return c.Target * (1 + c.Step.Above/100) }
