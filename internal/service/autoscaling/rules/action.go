package rules

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"

	"flyball/internal/optional"
	"flyball/internal/service/autoscaling/fault"
	"flyball/scaling"
	"flyball/schedule"
)

// An Action is what a scheduled action is configured to do.
type Action struct {
	Expression string
	Timezone   string    `json:",omitempty"` // as it was given; "" is UTC
	Start      time.Time `json:",omitzero"`
	End        time.Time `json:",omitzero"`
	Min        *int32    `json:",omitempty"`
	Max        *int32    `json:",omitempty"`
}

// With is the action as a request changes it. Members that are not given keep their
// value, except for the start and end times: "If you don't specify start and end
// times, the old values are deleted."
func (a Action) With(in *applicationautoscaling.PutScheduledActionInput) (Action, error) {
	optional.Set(&a.Expression, in.Schedule)
	optional.Set(&a.Timezone, in.Timezone)
	a.Start, a.End = aws.ToTime(in.StartTime), aws.ToTime(in.EndTime)
	if in.ScalableTargetAction != nil {
		a.Min, a.Max = in.ScalableTargetAction.MinCapacity, in.ScalableTargetAction.MaxCapacity
	}
	if a.Min == nil && a.Max == nil && in.ScalableTargetAction == nil {
		return a, fault.Invalid("ScalableTargetAction must be set")
	}
	if a.Expression == "" {
		return a, fault.Invalid("A schedule must be specified when a new scheduled action is created")
	}
	return a, nil
}

// Change is what the action does to the target's bounds.
func (a Action) Change() scaling.BoundsChange { return scaling.BoundsChange{Min: a.Min, Max: a.Max} }

// SameRuns reports whether two actions run at the same times.
func (a Action) SameRuns(other Action) bool {
	return a.Expression == other.Expression && a.Timezone == other.Timezone && a.Start.Equal(other.Start) && a.End.Equal(other.End)
}

// Compile makes the schedule of an action that was created at a time, with the
// zones that a function finds. Start and end times bound "a recurring schedule"
// ("PutScheduledAction"): an at expression runs at its time whatever they say. A
// rate without a start time counts from the action's creation: the first run is
// one interval later.
func (a Action) Compile(created time.Time, zone func(name string) (*time.Location, error)) (schedule.Schedule, error) {
	in := time.UTC
	if a.Timezone != "" {
		var err error
		if in, err = zone(a.Timezone); err != nil {
			return schedule.Schedule{}, fault.Invalid("Time zone %s is not valid. Give the name of an IANA time zone, such as Pacific/Tahiti or Etc/GMT+9.", a.Timezone)
		}
	}
	s, err := schedule.Parse(a.Expression, in)
	if err != nil {
		return s, fault.Invalid("Invalid schedule expression. Details: %s", err)
	}
	if s.Once() {
		return s, nil
	}
	start := a.Start
	if start.IsZero() {
		start = created
	}
	return s.Between(start, a.End), nil
}

// Check refuses what is wrong for every target. The bounds that a change of one end
// meets are known only when it runs.
func (a Action) Check() error {
	if a.Min == nil && a.Max == nil {
		return fault.Invalid("At least one of minimum capacity and maximum capacity should be provided")
	}
	if !a.Start.IsZero() && !a.End.IsZero() && !a.Start.Before(a.End) {
		return fault.Invalid("StartTime must be before EndTime")
	}
	widest, err := scaling.NewBounds(0, int32(scaling.MaxCapacity))
	if err == nil {
		_, err = a.Change().Apply(widest)
	}
	if err != nil {
		return fault.Rule(err)
	}
	return nil
}
