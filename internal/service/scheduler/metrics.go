package scheduler

import (
	"context"
	"errors"
	"sync"
	"time"

	"flyball/internal/deliver"
	"flyball/internal/delivery"
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

// counts are what has been counted since it was published, by group.
type counts struct {
	mu  sync.Mutex
	all map[string]map[count]float64
}

func (c *counts) add(group string, names ...count) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all == nil {
		c.all = map[string]map[count]float64{}
	}
	if c.all[group] == nil {
		c.all[group] = map[count]float64{}
	}
	for _, name := range names {
		c.all[group][name]++
	}
}

// take takes what has been counted, as samples of groups and of the whole.
func (c *counts) take(at time.Time) (samples []metric.Sample) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for group, counted := range c.all {
		for name, n := range counted {
			var set metric.Set
			set.Add(n, 1)
			samples = append(samples,
				metric.Sample{Metric: metric.NewID(namespace, string(name), metric.Dimension{Name: "ScheduleGroup", Value: group}), Time: at, Unit: "Count", Set: set},
				metric.Sample{Metric: metric.NewID(namespace, string(name)), Time: at, Unit: "Count", Set: set},
			)
		}
	}
	c.all = nil
	return samples
}

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

// publishMetrics publishes each minute until ctx ends, and once more then.
func (a *API) publishMetrics(ctx context.Context) {
	for {
		start := a.cell.Clock.Now().Truncate(time.Minute)
		err := a.cell.Clock.SleepUntil(ctx, start.Add(time.Minute))
		if samples := a.counts.take(start); len(samples) > 0 && a.cfg.Metrics != nil {
			a.cfg.Metrics.Record(samples)
		}
		if err != nil {
			return
		}
	}
}
