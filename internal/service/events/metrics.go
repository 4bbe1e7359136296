package events

import (
	"context"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"flyball/internal/delivery"
	"flyball/metric"
)

const (
	namespace = "AWS/Events"
	period    = time.Minute
)

// counts are what has happened in a period, by metric ("Monitoring Amazon EventBridge").
type counts struct {
	mu   sync.Mutex
	sets map[countKey]*metric.Set
}

// A countKey is a metric of a rule, or of the account.
type countKey struct{ name, unit, bus, rule string }

func (c *counts) add(key countKey, value float64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sets == nil {
		c.sets = map[countKey]*metric.Set{}
	}
	set := c.sets[key]
	if set == nil {
		set = &metric.Set{}
		c.sets[key] = set
	}
	set.Add(value, 1)
}

// rule counts something that happened to a rule.
func (c *counts) rule(name string, r rule) { c.add(countKey{name, "Count", r.Bus, r.Name}, 1) }

// putEvents counts a call.
func (c *counts) putEvents(entries, failed, size int) {
	for name, value := range map[string]int{
		"PutEventsApproximateCallCount": 1, "PutEventsApproximateSuccessCount": 1, "PutEventsEntriesCount": entries, "PutEventsFailedEntriesCount": failed,
	} {
		c.add(countKey{name: name, unit: "Count"}, float64(value))
	}
	c.add(countKey{name: "PutEventsRequestSize", unit: "Bytes"}, float64(size))
}

// take returns what was counted, and begins anew.
func (c *counts) take() map[countKey]*metric.Set {
	c.mu.Lock()
	defer c.mu.Unlock()
	sets := c.sets
	c.sets = nil
	return sets
}

// delivered counts what became of a delivery.
func (a *API) delivered(_ context.Context, r delivery.Report) {
	from, err := arn.Parse(r.Invocation.Source)
	if err != nil {
		return
	}
	busName, name, _ := ruleOfARN(from.Resource)
	count := func(metric string) { a.counts.rule(metric, rule{Bus: busName, Name: name}) }
	switch r.Outcome {
	case delivery.Buried:
		count("InvocationsSentToDlq")
		return
	case delivery.Lost:
		count("InvocationsFailedToBeSentToDlq")
		return
	}
	count("InvocationAttempts")
	if r.Attempts > 1 {
		count("RetryInvocationAttempts")
	}
	switch r.Outcome {
	case delivery.Taken:
		count("Invocations")
		count("SuccessfulInvocationAttempts")
		a.latency("IngestionToInvocationStartLatency", busName, name, r.Began.Sub(r.Accepted))
		a.latency("IngestionToInvocationSuccessLatency", busName, name, a.cell.Clock.Now().Sub(r.Accepted))
	case delivery.Refused, delivery.Exhausted:
		count("Invocations")
		count("FailedInvocations")
	}
}

func (a *API) latency(name, busName, ruleName string, took time.Duration) {
	a.counts.add(countKey{name, "Milliseconds", busName, ruleName}, float64(took.Milliseconds()))
}

// publishLoop publishes what was counted at the end of each minute until ctx ends, and once
// more then.
func (a *API) publishLoop(ctx context.Context) {
	for {
		start := a.cell.Clock.Now().Truncate(period)
		err := a.cell.Clock.SleepUntil(ctx, start.Add(period))
		a.publish(start)
		if err != nil {
			return
		}
	}
}

// publish publishes what was counted in the period from a start on.
func (a *API) publish(start time.Time) {
	sets := a.counts.take()
	if a.cfg.Metrics == nil || len(sets) == 0 {
		return
	}
	var samples []metric.Sample
	for key, set := range sets {
		for _, dimensions := range key.dimensions() {
			samples = append(samples, metric.Sample{
				Metric: metric.NewID(namespace, key.name, dimensions...), Time: start, Unit: key.unit, Set: *set,
			})
		}
	}
	a.cfg.Metrics.Record(samples)
}

// dimensions are those under which a metric is published: of rules on another bus than
// the default one also with the bus.
func (k countKey) dimensions() [][]metric.Dimension {
	if k.rule == "" {
		return [][]metric.Dimension{nil}
	}
	name := metric.Dimension{Name: "RuleName", Value: k.rule}
	all := [][]metric.Dimension{{name}}
	if k.bus != defaultBus {
		all = append(all, []metric.Dimension{{Name: "EventBusName", Value: k.bus}, name})
	}
	return all
}
