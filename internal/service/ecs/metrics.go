package ecs

import (
	"context"
	"math"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"flyball/internal/service/ecs/rules"
	"flyball/internal/service/ecs/scheduler"
	runtime "flyball/internal/task"
	"flyball/metric"
)

// The metrics of services and clusters. One loop wakes at the end of each
// period, measures every running task that is due, and publishes statistic sets
// over the tasks, stamped with the start of the period.

const (
	ecsNamespace      = "AWS/ECS"
	insightsNamespace = "ECS/ContainerInsights"
)

// A mark is what a task had used at one moment.
type mark struct {
	at  time.Time // by the runtime's clock; zero when the use was not known
	cpu time.Duration
}

// A meter has what a task had used at the ends of its last periods. Only the
// metrics loop touches it.
type meter struct {
	last   mark // at the last boundary of the service's metric period
	minute mark // at the last full minute
}

// usageTime is the time by the clock that the runtime measures tasks by: the wall clock, for the most part.
func (a *API) usageTime() time.Time {
	if r, ok := a.cfg.Runtime.(runtime.Effortless); ok {
		return r.Now()
	}
	return time.Now()
}

// measure begins to measure a running task, from a mark on.
func (a *API) measure(t *task, from mark) {
	t.meter = &meter{from, from}
	a.measured[t] = struct{}{}
}

// metricsLoop publishes at every boundary of a period in use until ctx ends.
func (a *API) metricsLoop(ctx context.Context) {
	next := a.nextBoundary(ctx, a.now())
	for ctx.Err() == nil {
		if !a.cell.Clock.Wait(ctx, next, a.newPeriod) {
			// There may be a shorter period.
			if sooner := a.nextBoundary(ctx, a.now()); sooner.Before(next) {
				next = sooner
			}
			continue
		}
		// The periods that were missed, in a stall or while the machine was asleep, are not made up.
		if now := a.now(); now.Sub(next) > usualPeriod || next.Before(a.cell.Clock.Landed()) {
			next = a.nextBoundary(ctx, now)
			continue
		}
		a.publishMetrics(ctx, next)
		next = a.nextBoundary(ctx, next)
	}
}

func fullMinute(t time.Time) bool { return ends(t, usualPeriod) }

// ends is whether a period of a length ends at a time.
func ends(t time.Time, period time.Duration) bool { return t.Truncate(period).Equal(t) }

// nextBoundary is the first end of a period after a time.
func (a *API) nextBoundary(ctx context.Context, after time.Time) time.Time {
	next := after.Truncate(usualPeriod).Add(usualPeriod)
	a.cell.State.View(ctx, func() {
		for period := range a.byPeriod {
			if end := after.Truncate(period).Add(period); end.Before(next) {
				next = end
			}
		}
	})
	return next
}

// An interval is one period of a service or of a cluster: how many tasks there
// were at its end, and which of them are measured.
type interval struct {
	cluster, service          string // service is empty for a cluster
	period                    time.Duration
	insights                  bool
	desired, running, pending int
	tasks                     []*task
}

// publishMetrics measures what is due at a boundary and hands it to CloudWatch.
func (a *API) publishMetrics(ctx context.Context, boundary time.Time) {
	intervals, tasks := a.intervalsAt(ctx, boundary)
	usage := a.readUsage(ctx, tasks)
	samples := make([]metric.Sample, 0, 2*len(intervals)) // CPU and memory, of most
	for _, i := range intervals {
		samples = append(samples, i.samples(boundary, usage)...)
	}
	for t, u := range usage {
		t.use.Store(t.useSince(u))
		t.meter.advance(u, boundary)
	}
	if a.cfg.Metrics != nil && len(samples) > 0 {
		a.cfg.Metrics.Record(samples)
	}
}

// intervalsAt are the intervals that end at a boundary, and the tasks to measure
// for them.
func (a *API) intervalsAt(ctx context.Context, boundary time.Time) (intervals []interval, tasks []*task) {
	a.cell.State.View(ctx, func() {
		intervals, tasks = a.serviceIntervals(boundary)
		if fullMinute(boundary) {
			var ofClusters []interval
			ofClusters, tasks = a.clusterIntervals()
			intervals = append(intervals, ofClusters...)
		}
	})
	return intervals, tasks
}

func (a *API) serviceIntervals(boundary time.Time) (intervals []interval, tasks []*task) {
	for period, services := range a.byPeriod {
		if !ends(boundary, period) {
			continue
		}
		intervals = slices.Grow(intervals, len(services))
		for s := range services {
			if len(s.tasks) == 0 && !s.cluster.insights() {
				continue
			}
			i := s.interval(period, a.measured)
			intervals = append(intervals, i)
			tasks = append(tasks, i.tasks...)
		}
	}
	return intervals, tasks
}

// clusterIntervals are those of the clusters, with all their tasks: of services
// and of none.
func (a *API) clusterIntervals() (intervals []interval, tasks []*task) {
	byCluster := map[*cluster][]*task{}
	tasks = make([]*task, 0, len(a.measured))
	for t := range a.measured {
		byCluster[t.cluster] = append(byCluster[t.cluster], t)
		tasks = append(tasks, t)
	}
	for c, measured := range byCluster {
		intervals = append(intervals, interval{cluster: c.name, period: usualPeriod, tasks: measured})
	}
	return intervals, tasks
}

func (s *service) interval(period time.Duration, measured map[*task]struct{}) interval {
	i := interval{
		cluster:  s.cluster.name,
		service:  s.name,
		period:   period,
		insights: s.cluster.insights(),
		desired:  s.desired(),
	}
	for _, t := range s.tasks {
		switch t.phase() {
		case scheduler.Running:
			i.running++
		case scheduler.Pending:
			i.pending++
		}
		if _, ok := measured[t]; ok {
			i.tasks = append(i.tasks, t)
		}
	}
	return i
}

// readUsage measures tasks, several at a time. Those that cannot be measured,
// such as one that has just stopped, are left out.
func (a *API) readUsage(ctx context.Context, tasks []*task) map[*task]runtime.Usage {
	readings := make([]runtime.Usage, len(tasks))
	var group errgroup.Group
	group.SetLimit(samplesAtOnce)
	for i, t := range tasks {
		group.Go(func() error {
			if u, err := t.handle.Usage(ctx); err == nil {
				readings[i] = u
			}
			return nil
		})
	}
	_ = group.Wait()
	usage := make(map[*task]runtime.Usage, len(tasks))
	for i, t := range tasks {
		if !readings[i].At.IsZero() {
			usage[t] = readings[i]
		}
	}
	return usage
}

// advance makes this reading the one that the next is compared with.
func (m *meter) advance(u runtime.Usage, boundary time.Time) {
	m.last = mark{at: u.At, cpu: u.CPU}
	if fullMinute(boundary) {
		m.minute = m.last
	}
}

// cpuSince is the CPU that a task has used since a mark, in units: 1024 are one
// virtual CPU kept busy. CPU time and the time that it is set against are real,
// however fast the clock runs.
func cpuSince(m mark, u runtime.Usage) (float64, bool) {
	span := u.At.Sub(m.at)
	if m.at.IsZero() || span <= 0 {
		return 0, false
	}
	return 1024 * max(0, float64(u.CPU-m.cpu)/float64(span)), true
}

// percent is a part of a whole, to a millionth of a percent: what is exactly at a threshold is not above
// it for the way in which it was computed.
func percent(part, whole float64) float64 { return math.Round(part/whole*1e8) / 1e6 }

// samples are the metrics of an interval that ends at a boundary.
func (i interval) samples(boundary time.Time, usage map[*task]runtime.Usage) []metric.Sample {
	var cpu, memory, cpuUnits, megabytes metric.Set
	var reserved rules.Size
	for _, t := range i.tasks {
		reserved.CPU += t.reserved.CPU
		reserved.Memory += t.reserved.Memory
		u, ok := usage[t]
		if !ok {
			continue
		}
		since := t.meter.last
		if i.service == "" {
			since = t.meter.minute
		}
		if units, ok := cpuSince(since, u); ok {
			cpu.Add(percent(units, float64(t.reserved.CPU)), 1)
			cpuUnits.Add(units, 1)
		}
		used := float64(u.Memory) / (1 << 20)
		megabytes.Add(used, 1)
		if t.reserved.Memory > 0 {
			memory.Add(percent(used, float64(t.reserved.Memory)), 1)
		}
	}
	w := sampleWriter{interval: i, at: boundary.Add(-i.period)}
	w.add(ecsNamespace, "CPUUtilization", "Percent", cpu)
	w.add(ecsNamespace, "MemoryUtilization", "Percent", memory)
	if i.insights {
		w.one("DesiredTaskCount", "Count", float64(i.desired))
		w.one("RunningTaskCount", "Count", float64(i.running))
		w.one("PendingTaskCount", "Count", float64(i.pending))
		w.one("CpuUtilized", "None", cpuUnits.Sum)
		w.one("CpuReserved", "None", float64(reserved.CPU))
		w.one("MemoryUtilized", "Megabytes", megabytes.Sum)
		w.one("MemoryReserved", "Megabytes", float64(reserved.Memory))
	}
	return w.samples
}

// A sampleWriter collects the samples of one interval.
type sampleWriter struct {
	interval interval
	at       time.Time
	samples  []metric.Sample
}

func (w *sampleWriter) one(name, unit string, v float64) {
	var set metric.Set
	set.Add(v, 1)
	w.add(insightsNamespace, name, unit, set)
}

func (w *sampleWriter) add(namespace, name, unit string, set metric.Set) {
	if set.Count == 0 {
		return
	}
	dimensions := []metric.Dimension{{Name: "ClusterName", Value: w.interval.cluster}}
	if w.interval.service != "" {
		dimensions = append(dimensions, metric.Dimension{Name: "ServiceName", Value: w.interval.service})
	}
	resolution := usualPeriod
	if w.interval.period < usualPeriod {
		resolution = time.Second
	}
	w.samples = append(w.samples, metric.Sample{
		Metric:     metric.NewID(namespace, name, dimensions...),
		Time:       w.at,
		Unit:       unit,
		Resolution: resolution,
		Set:        set,
	})
}
