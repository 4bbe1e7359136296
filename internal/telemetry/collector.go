package telemetry

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// A collector makes metrics of what there is. It describes none beforehand: their series are
// made for a scrape and forgotten after it.
type collector struct{ read func() Reading }

// Describe implements prometheus.Collector.
func (collector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c collector) Collect(out chan<- prometheus.Metric) {
	r, m := c.read(), maker{out}
	m.clock(r.Clock)
	m.store(r.Store)
	m.lease(r.Lease)
	m.services(r.Cells)
	m.targets(r.Cells)
	m.alarms(r.Cells)
	m.queues(r.Cells)
	m.forecasts(r.Cells)
}

// A maker makes the series of one scrape.
type maker struct{ out chan<- prometheus.Metric }

// A family makes a series of a metric: its value, and the values of its labels.
type family func(value float64, labels ...string)

func (m maker) gauge(name, help string, labels ...string) family {
	return m.family(prometheus.GaugeValue, name, help, labels)
}

func (m maker) counter(name, help string, labels ...string) family {
	return m.family(prometheus.CounterValue, name, help, labels)
}

func (m maker) family(kind prometheus.ValueType, name, help string, labels []string) family {
	desc := prometheus.NewDesc(name, help, labels, nil)
	return func(value float64, labels ...string) {
		for i := range labels {
			labels[i] = strings.ToValidUTF8(labels[i], "\ufffd")
		}
		m.out <- prometheus.MustNewConstMetric(desc, kind, value, labels...)
	}
}

func (m maker) clock(c Clock) {
	m.gauge("flyball_clock_timestamp_seconds", "What the server's clock shows, in seconds since 1970.")(float64(c.Now.UnixMilli()) / 1000)
	m.gauge("flyball_clock_lead_seconds", "How far the server's clock is before the wall clock; below 0 where it is behind.")(c.Lead.Seconds())
	m.gauge("flyball_clock_speed_ratio", "How many seconds of the server's clock pass in a real one.")(c.Speed)
}

func (m maker) store(s Store) {
	m.counter("flyball_store_transactions_total", "Writes of the state to the disk since the start.")(float64(s.Transactions))
	m.counter("flyball_store_written_documents_total", "Documents that these have written or deleted.")(float64(s.Documents))
	m.counter("flyball_store_written_bytes_total", "Bytes of these documents and their keys.")(float64(s.Bytes))
	stalled := 0.0
	if s.Stalled {
		stalled = 1
	}
	m.gauge("flyball_store_stalled", "1 while a write of the state waits for room on the disk, or else 0.")(stalled)
}

func (m maker) lease(l *Lease) {
	if l == nil {
		return
	}
	m.gauge("flyball_lease_epoch", "The epoch of the lease in which this answer was given; it grows with each change of the owner.")(float64(l.Epoch))
	owner := m.gauge("flyball_replica_owner", "1 for the replica that has the lease, 0 for the others.", "replica", "release")
	silent := m.gauge("flyball_replica_silent_seconds", "How long ago a replica has told the database that it is alive.", "replica")
	renewals := m.counter("flyball_replica_renewals_total", "How often a replica has told the database that it is alive, since it joined.", "replica")
	forwarded := m.counter("flyball_replica_forwarded_calls_total", "Calls that a replica has handed on to the owner since it started.", "replica")
	waited := m.counter("flyball_replica_renewal_seconds_total", "How long a replica has waited for the database to take these.", "replica")
	refused := m.counter("flyball_replica_refused_writes_total", "Writes of a replica that were refused since another one had the lease. Its server ends with the first.", "replica")
	for _, r := range l.Replicas {
		is := 0.0
		if r.Owner {
			is = 1
		}
		owner(is, r.Address, r.Release)
		silent(r.Silent.Seconds(), r.Address)
		renewals(float64(r.Renewals), r.Address)
		forwarded(float64(r.Forwarded), r.Address)
		waited(r.Waited.Seconds(), r.Address)
		refused(float64(r.Refused), r.Address)
	}
}

func (m maker) services(cells []Cell) {
	labels := []string{"account", "region", "cluster", "service"}
	desired := m.gauge("flyball_service_desired_tasks", "How many tasks an ECS service is to have.", labels...)
	running := m.gauge("flyball_service_running_tasks", "How many tasks of an ECS service run.", labels...)
	pending := m.gauge("flyball_service_pending_tasks", "How many tasks of an ECS service are on their way to run.", labels...)
	for _, c := range cells {
		for _, s := range c.Services {
			desired(float64(s.Desired), c.Account, c.Region, s.Cluster, s.Name)
			running(float64(s.Running), c.Account, c.Region, s.Cluster, s.Name)
			pending(float64(s.Pending), c.Account, c.Region, s.Cluster, s.Name)
		}
	}
}

func (m maker) targets(cells []Cell) {
	least := m.gauge("flyball_scalable_target_min_capacity", "The least capacity of a scalable target.", "account", "region", "resource")
	most := m.gauge("flyball_scalable_target_max_capacity", "The largest capacity of a scalable target.", "account", "region", "resource")
	for _, c := range cells {
		for _, t := range c.Targets {
			least(float64(t.Min), c.Account, c.Region, t.Resource)
			most(float64(t.Max), c.Account, c.Region, t.Resource)
		}
	}
}

func (m maker) alarms(cells []Cell) {
	alarms := m.gauge("flyball_alarms", "Alarms of CloudWatch by their state.", "account", "region", "state")
	for _, c := range cells {
		for state, n := range c.Alarms {
			alarms(float64(n), c.Account, c.Region, state)
		}
	}
}

func (m maker) queues(cells []Cell) {
	messages := m.gauge("flyball_queue_messages", "Messages of an SQS queue by their state.", "account", "region", "queue", "state")
	for _, c := range cells {
		for _, q := range c.Queues {
			messages(float64(q.Visible), c.Account, c.Region, q.Name, "visible")
			messages(float64(q.NotVisible), c.Account, c.Region, q.Name, "not_visible")
			messages(float64(q.Delayed), c.Account, c.Region, q.Name, "delayed")
		}
	}
}

func (m maker) forecasts(cells []Cell) {
	off := m.gauge("flyball_forecast_error_ratio",
		"How far forecast and measured load were from each other in the last 24 full hours, added up, as a part of the measured load.",
		"account", "region", "resource", "policy")
	for _, c := range cells {
		for _, f := range c.Forecasts {
			off(f.Error, c.Account, c.Region, f.Resource, f.Policy)
		}
	}
}
