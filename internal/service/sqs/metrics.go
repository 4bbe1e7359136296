package sqs

import (
	"context"
	"time"

	"flyball/internal/broker"
	"flyball/internal/queue"
	"flyball/metric"
)

// Queues publish each minute while they are active: "a queue is considered active for up
// to six hours" after a message or a call ("Monitoring Amazon SQS queues using
// CloudWatch").

const (
	namespace  = "AWS/SQS"
	period     = time.Minute
	activeTime = 6 * time.Hour
)

// metricsLoop publishes at the end of each minute until ctx ends.
func (a *API) metricsLoop(ctx context.Context) error {
	for {
		start := a.cell.Clock.Now().Truncate(period)
		if a.cell.Clock.SleepUntil(ctx, start.Add(period)) != nil {
			return nil
		}
		a.publish(ctx, start)
	}
}

// publish measures all queues at the end of a minute.
func (a *API) publish(ctx context.Context, start time.Time) {
	if a.cfg.Metrics == nil {
		return
	}
	var rows []row
	a.cell.State.View(ctx, func() { rows = a.rows.Rows("") })
	var samples []metric.Sample
	for _, r := range rows {
		if !a.broker.Has(r.ID) {
			continue
		}
		q, err := a.messages(r)
		if err != nil {
			a.cell.Log.Error("a queue cannot be measured", "queue", r.Name, "error", err)
			continue
		}
		samples = append(samples, a.measured(r, q, start)...)
	}
	if len(samples) > 0 {
		a.cfg.Metrics.Record(samples)
	}
}

// measured are the samples of a queue, if it is active.
func (a *API) measured(r row, q *broker.Queue, start time.Time) []metric.Sample {
	m := q.Measure()
	stats, active := q.TakeStats()
	now := a.cell.Clock.Now()
	if m.Counts != (queue.Counts{}) {
		q.Touch()
	} else if now.UnixMilli()-int64(active) > activeTime.Milliseconds() {
		return nil
	}
	samples := &samplesOf{queue: r.Name, at: start}
	samples.count("ApproximateNumberOfMessagesVisible", m.Visible)
	samples.count("ApproximateNumberOfMessagesNotVisible", m.InFlight)
	samples.count("ApproximateNumberOfMessagesDelayed", m.Delayed)
	samples.count("NumberOfMessagesSent", stats.Sent)
	samples.count("NumberOfMessagesReceived", stats.Received)
	samples.count("NumberOfMessagesDeleted", stats.Deleted)
	samples.count("NumberOfEmptyReceives", stats.EmptyReceives)
	age := 0.0
	if m.Oldest > 0 {
		age = max(0, float64((now.UnixMilli()-int64(m.Oldest))/1000))
	}
	samples.add("ApproximateAgeOfOldestMessage", "Seconds", one(age))
	if stats.Sent > 0 {
		samples.add("SentMessageSize", "Bytes", stats.Sizes)
	}
	if r.fifo() {
		samples.count("ApproximateNumberOfGroupsWithInflightMessages", m.LockedGroups)
		samples.count("NumberOfDeduplicatedSentMessages", stats.Duplicates)
	}
	return samples.all
}

// samplesOf are the samples of a queue for a minute.
type samplesOf struct {
	queue string
	at    time.Time
	all   []metric.Sample
}

func (s *samplesOf) count(name string, n int64) { s.add(name, "Count", one(float64(n))) }

// one is the set of a single value.
func one(v float64) (s metric.Set) {
	s.Add(v, 1)
	return s
}

func (s *samplesOf) add(name, unit string, set metric.Set) {
	s.all = append(s.all, metric.Sample{
		Metric: metric.NewID(namespace, name, metric.Dimension{Name: "QueueName", Value: s.queue}), Time: s.at, Unit: unit, Set: set,
	})
}
