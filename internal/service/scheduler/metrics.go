package scheduler

import (
	"context"
	"errors"

	"flyball/internal/clock"
	"flyball/internal/deliver"
	"flyball/internal/delivery"
	"flyball/internal/tally"
	"flyball/metric"
)

const namespace = "AWS/Scheduler"

// A count is a metric of groups. Source: Scheduler User Guide, "Monitoring EventBridge
// Scheduler with CloudWatch".
type count string

const (
	attempted count = "InvocationAttemptCount"
	failed    count = "TargetErrorCount"
	throttled count = "TargetErrorThrottledCount"
	dropped   count = "InvocationDroppedCount"
	buried    count = "InvocationsSentToDeadLetterCount"
	lost      count = "InvocationsFailedToBeSentToDeadLetterCount"
)

// counts are what has been counted of groups.
type counts struct{ *tally.Tally[countKey] }

// A countKey is a metric of a group.
type countKey struct {
	group string
	name  count
}

func newCounts(c *clock.Clock, to tally.Recorder) counts {
	return counts{tally.New(c, to, countKey.metrics)}
}

// metrics are those of the group and of all groups.
func (k countKey) metrics() (unit string, of []metric.ID) {
	group := metric.Dimension{Name: "ScheduleGroup", Value: k.group}
	return "Count", []metric.ID{metric.NewID(namespace, string(k.name), group), metric.NewID(namespace, string(k.name))}
}

func (c counts) add(group string, name count) { c.Add(countKey{group, name}, 1) }

// done counts what an attempt has come to.
func (a *API) done(_ context.Context, r delivery.Report) {
	group := string(r.Note)
	switch r.Outcome {
	case delivery.Buried:
		a.counts.add(group, buried)
		return
	case delivery.Lost:
		a.counts.add(group, lost)
		return
	}
	a.counts.add(group, attempted)
	if r.Err != nil {
		a.counts.add(group, failed)
	}
	if _, busy := errors.AsType[*deliver.Busy](r.Err); busy {
		a.counts.add(group, throttled)
	}
	if r.Outcome == delivery.Refused || r.Outcome == delivery.Exhausted {
		a.counts.add(group, dropped)
	}
}
