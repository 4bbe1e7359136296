package events

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"flyball/internal/clock"
	"flyball/internal/delivery"
	"flyball/internal/tally"
	"flyball/metric"
)

// namespace is that of rules' metrics ("Monitoring Amazon EventBridge").
const namespace = "AWS/Events"

// counts are what has happened to rules, and in the account.
type counts struct{ *tally.Tally[countKey] }

// A countKey is a metric of a rule, or of the account.
type countKey struct{ name, unit, bus, rule string }

func newCounts(c *clock.Clock, to tally.Recorder) counts {
	return counts{tally.New(c, to, countKey.metrics)}
}

// rule counts something that happened to a rule.
func (c counts) rule(name string, r rule) { c.Add(countKey{name, "Count", r.Bus, r.Name}, 1) }

// putEvents counts a call.
func (c counts) putEvents(entries, failed, size int) {
	for name, value := range map[string]int{
		"PutEventsApproximateCallCount": 1, "PutEventsApproximateSuccessCount": 1, "PutEventsEntriesCount": entries, "PutEventsFailedEntriesCount": failed,
	} {
		c.Add(countKey{name: name, unit: "Count"}, float64(value))
	}
	c.Add(countKey{name: "PutEventsRequestSize", unit: "Bytes"}, float64(size))
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
	a.counts.Add(countKey{name, "Milliseconds", busName, ruleName}, float64(took.Milliseconds()))
}

// metrics are those that a count is of: for a rule on another bus than the default one also
// one with the bus.
func (k countKey) metrics() (unit string, of []metric.ID) {
	if k.rule == "" {
		return k.unit, []metric.ID{metric.NewID(namespace, k.name)}
	}
	rule := metric.Dimension{Name: "RuleName", Value: k.rule}
	of = []metric.ID{metric.NewID(namespace, k.name, rule)}
	if k.bus != defaultBus {
		of = append(of, metric.NewID(namespace, k.name, metric.Dimension{Name: "EventBusName", Value: k.bus}, rule))
	}
	return k.unit, of
}
