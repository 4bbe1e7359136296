// Package backlog measures how many messages of a queue wait for each running task of
// a service, which is what target tracking follows to keep a waiting time: with 0.1 s of
// work a message, 100 messages a task are 10 s of waiting.
//
//	m := backlog.New(backlog.Config{Clock: clock, Queues: sqs, Capacity: services, Metrics: cloudWatch})
//	m.Watch("service/shop/workers", map[string]time.Duration{"vouchers": time.Second})
//	go m.Run(ctx)
//
// Messages in flight are not counted. One that is sent now waits until those before it
// have been taken: that is visible messages by running tasks times the work of one, and
// has nothing of what is in hands already. With them, a task that works would count one
// message for itself however many tasks there are, and a target near 1 would add tasks
// without end.
package backlog

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"flyball/internal/capacity"
	"flyball/internal/clock"
	"flyball/internal/due"
	"flyball/metric"
	"flyball/scaling"
)

// Namespace is where the metric is published, and Name what it is called.
const (
	Namespace = "Flyball/SQS"
	Name      = "BacklogPerTask"
)

// Metric is the backlog per task of a queue and a service.
func Metric(service scaling.ResourceID, queue string) metric.ID {
	if service.Kind() != scaling.Services {
		return metric.NewID(Namespace, Name,
			metric.Dimension{Name: "QueueName", Value: queue},
			metric.Dimension{Name: "ResourceId", Value: string(service)})
	}
	cluster, name := service.Service()
	return metric.NewID(Namespace, Name,
		metric.Dimension{Name: "ClusterName", Value: cluster},
		metric.Dimension{Name: "QueueName", Value: queue},
		metric.Dimension{Name: "ServiceName", Value: name})
}

// Config is what a Meter needs of its surroundings. All fields but Log must be set.
type Config struct {
	Clock    *clock.Clock
	Queues   Queues
	Capacity capacity.Capacity
	Metrics  Recorder
	Log      *slog.Logger
}

// Queues tell how many messages of a queue are visible; an error is a queue of which that
// is not known.
type Queues interface {
	Waiting(ctx context.Context, queue string) (int64, error)
}

// A Recorder takes measurements; CloudWatch is one.
type Recorder interface {
	Record([]metric.Sample)
}

// A Meter measures at the end of each period. Its methods may be called concurrently.
type Meter struct {
	cfg Config
	due due.Queue[pair]

	mu      sync.Mutex
	watched map[scaling.ResourceID]map[string]time.Duration // by service and queue
}

// A pair is a service and a queue of which it takes messages.
type pair struct {
	service scaling.ResourceID
	queue   string
}

// New returns a Meter that measures nothing yet.
func New(cfg Config) *Meter {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Meter{cfg: cfg, watched: map[scaling.ResourceID]map[string]time.Duration{}}
}

// Watch measures the backlogs of a service from now on: those of some queues, each with a
// period, and of no others.
func (m *Meter) Watch(service scaling.ResourceID, queues map[string]time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for queue := range m.watched[service] {
		if _, still := queues[queue]; !still {
			m.due.Drop(pair{service, queue})
		}
	}
	if len(queues) == 0 {
		delete(m.watched, service)
		return
	}
	now := m.cfg.Clock.Now()
	for queue, period := range queues {
		if m.watched[service][queue] != period {
			m.due.Set(pair{service, queue}, boundary(now, period))
		}
	}
	m.watched[service] = queues
}

// boundary is the first end of a period after a time.
func boundary(after time.Time, period time.Duration) time.Time {
	return after.Truncate(period).Add(period)
}

// measuredAtOnce is how many backlogs are measured together.
const measuredAtOnce = 1000

// Run measures until ctx ends.
func (m *Meter) Run(ctx context.Context) {
	m.due.Run(ctx, m.cfg.Clock, measuredAtOnce, m.measure)
}

// measure publishes backlogs whose periods have ended.
func (m *Meter) measure(ctx context.Context, pairs []pair) {
	ids := make([]scaling.ResourceID, len(pairs))
	for i, p := range pairs {
		ids[i] = p.service
	}
	seen, err := m.cfg.Capacity.Look(ctx, ids)
	if err != nil && ctx.Err() == nil {
		m.cfg.Log.Warn("the tasks of services could not be counted for their backlogs", "error", err)
	}
	var samples []metric.Sample
	for i, p := range pairs {
		end, period, watched := m.next(p)
		if !watched || err != nil || seen[i].Gone {
			continue
		}
		waiting, err := m.cfg.Queues.Waiting(ctx, p.queue)
		if err != nil {
			m.cfg.Log.Debug("a backlog could not be measured", "queue", p.queue, "service", p.service, "error", err)
			continue
		}
		samples = append(samples, sample(p, end.Add(-period), period, PerTask(waiting, seen[i].Running)))
	}
	if len(samples) > 0 {
		m.cfg.Metrics.Record(samples)
	}
}

// next is when the period of a pair ended that is measured now, and makes it due at the
// end of the next one.
func (m *Meter) next(p pair) (end time.Time, period time.Duration, watched bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if period, watched = m.watched[p.service][p.queue]; !watched {
		return end, 0, false
	}
	now := m.cfg.Clock.Now()
	m.due.Set(p, boundary(now, period))
	return now.Truncate(period), period, true
}

// PerTask divides the waiting messages by the tasks that run. Where none does it is as
// with one, so that there is a value from which a service at zero can start.
func PerTask(waiting int64, running scaling.Capacity) float64 {
	return float64(waiting) / float64(max(running, 1))
}

func sample(p pair, start time.Time, period time.Duration, v float64) metric.Sample {
	s := metric.Sample{Metric: Metric(p.service, p.queue), Time: start, Unit: "Count"}
	if period < time.Minute {
		s.Resolution = time.Second
	}
	s.Set.Add(v, 1)
	return s
}
