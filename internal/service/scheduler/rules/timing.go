// Package rules is what Amazon EventBridge Scheduler says of schedules, without a
// clock: when they run, which targets they have, and what is sent to these.
package rules

import (
	"hash/fnv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"

	"flyball/internal/optional"
	"flyball/internal/service/scheduler/fault"
	"flyball/schedule"
)

// A Timing is when a schedule runs. Sources: Scheduler User Guide, "Schedule types" and
// "Configuring flexible time windows".
type Timing struct {
	Expression string
	Zone       string
	Start, End time.Time // zero: no bound
	Window     int32     // minutes in which a run is to begin; 0: it begins at its time
	// Since is when the schedule began to count: when it was made or enabled, or got
	// another expression.
	Since time.Time
}

// Zones are time zones that were found before: to find one reads a file. The zero Zones
// are ready to use, from several goroutines.
type Zones struct{ known sync.Map }

func (z *Zones) find(name string) (*time.Location, error) {
	if found, ok := z.known.Load(name); ok {
		return found.(*time.Location), nil
	}
	found, err := schedule.Zone(name)
	if err != nil {
		return nil, fault.Zone(name)
	}
	z.known.Store(name, found)
	return found, nil
}

// Same reports whether two timings have the same runs, but for when they began to count.
func (t Timing) Same(other Timing) bool {
	return t.Expression == other.Expression && t.Zone == other.Zone && t.Window == other.Window &&
		t.Start.Equal(other.Start) && t.End.Equal(other.End)
}

// late is how long before now a start date may be.
const late = 5 * time.Minute

// Check refuses a timing that a schedule cannot have which begins to count now.
func (t Timing) Check(zones *Zones) error {
	runs, err := t.Compile(zones)
	switch {
	case err != nil:
		return err
	case runs.schedule.Once():
		return nil // it has no bounds
	case !t.Start.IsZero() && t.Start.Before(t.Since.Add(-late)):
		return fault.Invalid("The StartDate you specify cannot be earlier than 5 minutes ago.")
	case !t.Start.IsZero() && !t.End.IsZero() && !t.Start.Before(t.End):
		return fault.Invalid("The StartDate you specify must come before the EndDate.")
	}
	return nil
}

// Window is how many minutes a run may be late; 0 is none.
func Window(w *types.FlexibleTimeWindow) (minutes int32, err error) {
	switch {
	case w.Mode == types.FlexibleTimeWindowModeFlexible && w.MaximumWindowInMinutes == nil:
		return 0, fault.Invalid("MaximumWindowInMinutes must be provided when FlexibleTimeWindowMode is set to FLEXIBLE.")
	case w.Mode == types.FlexibleTimeWindowModeOff && w.MaximumWindowInMinutes != nil:
		return 0, fault.Invalid("MaximumWindowInMinutes cannot be given when the Mode of FlexibleTimeWindow is OFF.")
	}
	return aws.ToInt32(w.MaximumWindowInMinutes), nil
}

// Retry is a retry policy with what AWS fills in: a day, and 185 times.
func Retry(given *types.RetryPolicy) *types.RetryPolicy {
	policy := &types.RetryPolicy{MaximumEventAgeInSeconds: aws.Int32(86_400), MaximumRetryAttempts: aws.Int32(185)}
	if given != nil {
		optional.Set(policy.MaximumEventAgeInSeconds, given.MaximumEventAgeInSeconds)
		optional.Set(policy.MaximumRetryAttempts, given.MaximumRetryAttempts)
	}
	return policy
}

// precise is how exactly schedules run: "All schedule types on EventBridge Scheduler
// invoke their targets with 60 second precision."
const precise = time.Minute

// Compile reads the expression. A rate counts from its start date, or from when the
// schedule began, at once. A run of an at() expression whose minute is not over yet is
// still to come; one-time schedules have no bounds.
func (t Timing) Compile(zones *Zones) (Runs, error) {
	zone, err := zones.find(t.Zone)
	if err != nil {
		return Runs{}, err
	}
	s, err := schedule.Parse(t.Expression, zone)
	if err != nil || s.HasSeconds() {
		return Runs{}, fault.Expression(t.Expression)
	}
	r := Runs{schedule: s, first: t.Since.Add(-1)}
	switch {
	case s.Once():
		r.first = t.Since.Add(-precise)
	case s.Counts() && t.Start.IsZero():
		r.schedule = s.Between(t.Since, t.End)
	default:
		r.schedule = s.Between(t.Start, t.End)
	}
	return r, nil
}

// Runs are the runs of a schedule.
type Runs struct {
	schedule schedule.Schedule
	first    time.Time // no run is before or at this time
}

// After is the first run after another, or the first of all after the zero time.
func (r Runs) After(last time.Time) (time.Time, bool) { return r.schedule.Next(r.from(last)) }

// Last is the last run after another that is not after a time.
func (r Runs) Last(last, until time.Time) (time.Time, bool) {
	return r.schedule.Last(r.from(last), until)
}

func (r Runs) from(last time.Time) time.Time {
	if last.IsZero() {
		return r.first
	}
	return last
}

// Delay is how long after its time a run of a schedule begins: always the same part of
// the window, so that its runs keep their distance, and another for each schedule.
func Delay(arn string, window int32) time.Duration {
	if window == 0 {
		return 0
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(arn))
	return time.Duration(h.Sum64()%uint64(window*60)) * time.Second
}
