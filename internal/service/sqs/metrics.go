package sqs

import (
	"context"
	"slices"
	"strconv"
	"time"

	"flyball/internal/broker"
	"flyball/internal/queue"
	"flyball/internal/service/sqs/fault"
	"flyball/metric"
)

// Queues publish at the end of each of their periods while they are active: "a queue is
// considered active for up to six hours" after a message or a call ("Monitoring Amazon
// SQS queues using CloudWatch").

const (
	namespace   = "AWS/SQS"
	usualPeriod = time.Minute
	activeTime  = 6 * time.Hour
)

// tagMetricPeriod is a tag of Flyball's own on a queue: the seconds between its
// datapoints.
const tagMetricPeriod = "flyball:metric-period"

var metricPeriods = []int{1, 5, 10, 20, 30, 60}

func checkPeriodTag(tags map[string]string) error {
	value, given := tags[tagMetricPeriod]
	if n, err := strconv.Atoi(value); given && (err != nil || !slices.Contains(metricPeriods, n)) {
		return fault.Parameter("Tag %s must be a number of seconds, one of %v, not %q", tagMetricPeriod, metricPeriods, value)
	}
	return nil
}

// period is how often a queue publishes.
func (r *row) period() time.Duration {
	if n, err := strconv.Atoi(r.Tags[tagMetricPeriod]); err == nil && n > 0 {
		return time.Duration(n) * time.Second
	}
	return usualPeriod
}

// periodsMayHaveChanged wakes the loop.
func (a *API) periodsMayHaveChanged() { a.newPeriods.Set() }

// metricsLoop publishes at the end of each period of any queue until ctx ends.
func (a *API) metricsLoop(ctx context.Context) {
	clk := a.cell.Clock
	for ctx.Err() == nil {
		next := a.nextBoundary(ctx, clk.Now())
		// What the queues were like while the machine was asleep nobody knows.
		if clk.Wait(ctx, next, a.newPeriods) && !next.Before(clk.Landed()) {
			a.publish(ctx, next)
		}
	}
}

// nextBoundary is the first end of a queue's period after a time.
func (a *API) nextBoundary(ctx context.Context, after time.Time) time.Time {
	next := after.Truncate(usualPeriod).Add(usualPeriod)
	a.cell.State.View(ctx, func() {
		for _, name := range a.rows.Keys("") {
			r, _ := a.rows.Get(name)
			if end := after.Truncate(r.period()).Add(r.period()); end.Before(next) {
				next = end
			}
		}
	})
	return next
}

// publish measures the queues whose periods end at a time.
func (a *API) publish(ctx context.Context, end time.Time) {
	if a.cfg.Metrics == nil {
		return
	}
	var rows []row
	a.cell.State.View(ctx, func() { rows = a.rows.Rows("") })
	var samples []metric.Sample
	for _, r := range rows {
		isNew := end.Sub(r.Created) < activeTime // it was created, which is a call
		if !end.Truncate(r.period()).Equal(end) || !isNew && !a.broker.Has(r.ID) {
			continue
		}
		q, err := a.messages(r)
		if err != nil {
			a.cell.Log.Error("a queue cannot be measured", "queue", r.Name, "error", err)
			continue
		}
		samples = append(samples, a.measured(r, q, end.Add(-r.period()))...)
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
	} else if now.UnixMilli()-max(int64(active), r.Created.UnixMilli()) > activeTime.Milliseconds() {
		return nil
	}
	samples := &samplesOf{queue: r.Name, at: start}
	if r.period() < usualPeriod {
		samples.resolution = time.Second
	}
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

// samplesOf are the samples of a queue for a period.
type samplesOf struct {
	queue      string
	at         time.Time
	resolution time.Duration
	all        []metric.Sample
}

func (s *samplesOf) count(name string, n int64) { s.add(name, "Count", one(float64(n))) }

// one is the set of a single value.
func one(v float64) (s metric.Set) {
	s.Add(v, 1)
	return s
}

func (s *samplesOf) add(name, unit string, set metric.Set) {
	s.all = append(s.all, metric.Sample{
		Metric: metric.NewID(namespace, name, metric.Dimension{Name: "QueueName", Value: s.queue}), Time: s.at, Unit: unit, Resolution: s.resolution, Set: set,
	})
}
