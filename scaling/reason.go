package scaling

import (
	"encoding/json"
	"fmt"
	"time"
)

// A Code names a reason for not scaling. The first five are those that
// DescribeScalingActivities reports; the others say what AWS keeps to itself.
type Code string

// The codes.
const (
	AlreadyAtMaxCapacity                 Code = "AlreadyAtMaxCapacity"
	AlreadyAtMinCapacity                 Code = "AlreadyAtMinCapacity"
	AlreadyAtDesiredCapacity             Code = "AlreadyAtDesiredCapacity"
	AutoScalingAnticipatedFlapping       Code = "AutoScalingAnticipatedFlapping"
	TargetServicePutResourceAsUnscalable Code = "TargetServicePutResourceAsUnscalable"

	// HeldByScaleOut is Flyball's own, and reported beside the codes of AWS: a
	// scale-in waits as long as another policy asks for a scale-out.
	HeldByScaleOut Code = "HeldByScaleOut"

	NotInAlarm       Code = "NotInAlarm"       // no alarm of the policy is in ALARM
	NoData           Code = "InsufficientData" // the policy's metric has no data
	InCooldown       Code = "Cooldown"         // the policy waits until Until; zero: for an activity to end
	OthersDisagree   Code = "OtherPolicies"    // another policy does not agree to scale in
	ScalingSuspended Code = "Suspended"        // the target's scaling in this direction is suspended
	ScaleInDisabled  Code = "ScaleInDisabled"  // the policy never scales in
	NoStep           Code = "NoStep"           // no step adjustment covers the metric

	// AlarmSilent is for explanations: the alarm that would ask for the capacity does
	// not call.
	AlarmSilent Code = "AlarmSilent"

	ChangeLimited Code = "ChangeLimited" // the capacity has changed as much as it may until Until

	AtForecastCapacity Code = "AtForecastCapacity" // the policy Other forecasts that the capacity is needed until Until
)

// A Reason says why a policy's wish was not followed.
type Reason struct {
	Code     Code      `json:"code"`
	Policy   string    `json:"policy,omitempty"`
	Capacity Capacity  `json:"capacity"`        // the maximum, the minimum or the current capacity, as the code says
	Until    time.Time `json:"until,omitzero"`  // InCooldown, AtForecastCapacity, ChangeLimited: when it ends
	Other    string    `json:"other,omitempty"` // OthersDisagree, HeldByScaleOut, AutoScalingAnticipatedFlapping, AtForecastCapacity: the other policy
	Alarm    string    `json:"alarm,omitempty"` // HeldByScaleOut: that drives the other policy; AlarmSilent
	Since    time.Time `json:"since,omitzero"`  // HeldByScaleOut: when it went into ALARM; zero: not known
}

// Reported reports whether the reason is told in an activity: AWS has a code for
// it, or it can last without end and nothing else would tell.
func (r Reason) Reported() bool {
	switch r.Code {
	case AlreadyAtMaxCapacity, AlreadyAtMinCapacity, AlreadyAtDesiredCapacity,
		AutoScalingAnticipatedFlapping, TargetServicePutResourceAsUnscalable, HeldByScaleOut:
		return true
	}
	return false
}

// String is the reason in a sentence's words.
func (r Reason) String() string {
	switch r.Code {
	case AlreadyAtMaxCapacity:
		return fmt.Sprintf("already at the maximum capacity of %d", r.Capacity)
	case AlreadyAtMinCapacity:
		return fmt.Sprintf("already at the minimum capacity of %d", r.Capacity)
	case AlreadyAtDesiredCapacity:
		return fmt.Sprintf("%d is already the capacity that policy %s asks for", r.Capacity, r.Policy)
	case AutoScalingAnticipatedFlapping:
		return fmt.Sprintf("with less than %d the metric of policy %s would be above its target", r.Capacity, r.Other)
	case TargetServicePutResourceAsUnscalable:
		return "a deployment is in progress, which stops scale-in"
	case NotInAlarm:
		return fmt.Sprintf("no alarm of policy %s is in ALARM", r.Policy)
	case NoData:
		return fmt.Sprintf("the metric of policy %s has insufficient data", r.Policy)
	case InCooldown:
		if r.Until.IsZero() {
			return fmt.Sprintf("the last scaling activity of policy %s is still in progress", r.Policy)
		}
		return fmt.Sprintf("the cooldown of policy %s ends at %s", r.Policy, r.Until.Format(time.TimeOnly))
	case HeldByScaleOut:
		return fmt.Sprintf("policy %s asks for a scale-out: its alarm %s is in ALARM%s", r.Other, r.Alarm, sinceTime(r.Since))
	case AlarmSilent:
		return fmt.Sprintf("policy %s would ask for %d, but its alarm %s does not call", r.Policy, r.Capacity, r.Alarm)
	case OthersDisagree:
		return fmt.Sprintf("policy %s does not agree to scale in", r.Other)
	case ScalingSuspended:
		return "scaling in this direction is suspended"
	case ScaleInDisabled:
		return fmt.Sprintf("scale-in is disabled in policy %s", r.Policy)
	case ChangeLimited:
		return fmt.Sprintf("the capacity has changed as much as its limits allow until %s", r.Until.Format(time.TimeOnly))
	case AtForecastCapacity:
		return Floor{Capacity: r.Capacity, Policy: r.Other, Hour: r.Until.Add(-time.Hour)}.String()
	case NoStep:
		return fmt.Sprintf("no step adjustment of policy %s covers the metric", r.Policy)
	}
	return string(r.Code)
}

// sinceTime tells since when something lasts, where that is known.
func sinceTime(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return " since " + at.Format(time.TimeOnly)
}

// MarshalJSON adds the sentence to the members.
func (r Reason) MarshalJSON() ([]byte, error) {
	type members Reason // without this method
	return json.Marshal(struct {
		members
		Text string `json:"text"`
	}{members(r), r.String()})
}
