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
	StepsOnly   bool      `json:"stepsOnly,omitempty"` // no target tracking: Step and In do it all
	Step        Step      `json:"step,omitzero"`
	In          StepIn    `json:"stepIn,omitzero"`
	Hours       Hours     `json:"hours,omitzero"`
	Forecast    Predicted `json:"predictive,omitzero"`
}

// A Step policy answers what is too fast for target tracking: datapoints this far above the
// target add this many percent, and more of them from ten points higher on. The zero value
// is none.
type Step struct {
	Above   float64 `json:"abovePercentOfTarget"`
	Percent int32   `json:"addPercent"`
	More    int32   `json:"addPercentFromTenPointsOn,omitempty"` // 0: as below
	Points  int32   `json:"datapoints"`                          // that are above
	Of      int32   `json:"of"`                                  // so many periods
}

// A StepIn policy removes tasks in the place of target tracking, which waits for a quarter
// of an hour: datapoints this far below the target remove this many percent. The zero
// value is none.
type StepIn struct {
	Below    float64 `json:"belowPercentOfTarget"`
	Percent  int32   `json:"removePercent"`
	Points   int32   `json:"datapoints"`
	Of       int32   `json:"of"`
	Cooldown int32   `json:"cooldown"` // seconds
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
	if c.StepsOnly {
		kinds = nil
	}
	if c.Step != (Step{}) {
		kinds = append(kinds, "a step policy")
	}
	if c.In != (StepIn{}) {
		kinds = append(kinds, "a step policy that scales in")
	}
	if c.Hours != (Hours{}) {
		kinds = append(kinds, "schedules")
	}
	if c.Forecast != (Predicted{}) {
		kinds = append(kinds, "predictive scaling")
	}
	return strings.Join(kinds, ", ")
}

// String tells the candidate in a line.
func (c Candidate) String() string {
	var b strings.Builder
	switch {
	case c.StepsOnly:
		b.WriteString("steps only")
	case c.In != (StepIn{}):
		fmt.Fprintf(&b, "target %.4g, cooldown %d s out, no scale-in by it", c.Target, c.OutCooldown)
	default:
		fmt.Fprintf(&b, "target %.4g, cooldowns %d s out, %d s in", c.Target, c.OutCooldown, c.InCooldown)
	}
	fmt.Fprintf(&b, ", %d to %d tasks", c.Min, c.Max)
	if s := c.Step; s != (Step{}) {
		fmt.Fprintf(&b, "; +%d %% at %.4g%s", s.Percent, c.stepAt(), points(s.Points, s.Of))
		if s.More > 0 {
			fmt.Fprintf(&b, ", +%d %% from %.4g on", s.More, c.stepAt()+moreAfter)
		}
	}
	if s := c.In; s != (StepIn{}) {
		fmt.Fprintf(&b, "; -%d %% at %.4g%s, cooldown %d s", s.Percent, c.inAt(), points(s.Points, s.Of), s.Cooldown)
	}
	if h := c.Hours.describe(c.Min); h != "" {
		b.WriteString("; " + h)
	}
	if p := c.Forecast; p != (Predicted{}) {
		fmt.Fprintf(&b, "; forecast for %.4g, %d s ahead", p.Target, p.Buffer)
	}
	return b.String()
}

// points says how many datapoints call an alarm, where it is not one.
func points(points, of int32) string {
	switch {
	case of <= 1:
		return ""
	case points == of:
		return fmt.Sprintf(" for %d min", of)
	}
	return fmt.Sprintf(" in %d of %d min", points, of)
}

// moreAfter is how many points above the threshold of a step policy its second step begins.
const moreAfter = 10

// stepAt is the value at which the step policy is called that scales out, and inAt that of
// the one that scales in.
func (c Candidate) stepAt() float64 { return round(c.Target * (1 + c.Step.Above/100)) }
func (c Candidate) inAt() float64   { return round(c.Target * (1 - c.In.Below/100)) }
