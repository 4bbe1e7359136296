package ecs

import (
	"context"
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

// usualPace is the period of ECS metrics.
const usualPace = time.Minute

// measuredByPace are the services by the period of their metrics.
type measuredByPace map[time.Duration]map[*service]struct{}

// A mark is what a task had used at one moment.
type mark struct {
	at  time.Time // wall clock
	cpu time.Duration
}

// SetMetricPeriod sets the period of a service's CPU and memory metrics, in
// virtual time: from one second to a minute, and a part of a minute such as 20
// seconds. Any other period means a minute again. It holds for the name of the
// service, whether it exists yet or not.
func (a *API) SetMetricPeriod(cluster, service string, period time.Duration) {
	if period < time.Second || period > usualPace || usualPace%period != 0 {
		period = usualPace
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	key := cluster + "/" + service
	delete(a.paces, key)
	if period != usualPace {
		a.paces[key] = period
	}
	if c, ok := a.clusters[cluster]; ok {
		if s, ok := c.services[service]; ok && s.status() != inactive {
			a.setPace(s, a.paceOf(s))
		}
	}
}

// paceOf is the shorter of the period that was set for a service and the
// resolution that it was given itself, or a minute.
func (a *API) paceOf(s *service) time.Duration {
	pace := usualPace
	if p, ok := a.paces[s.key()]; ok {
		pace = p
	}
	if s.monitoring != nil {
		for _, c := range s.monitoring.MetricConfigurations {
			pace = min(pace, time.Duration(*c.ResolutionSeconds)*time.Second)
		}
	}
	return pace
}

// setPace files a service under its period, or under none. The lock is held.
func (a *API) setPace(s *service, pace time.Duration) {
	if s.pace == pace {
		return
	}
	delete(a.measured[s.pace], s)
	if len(a.measured[s.pace]) == 0 {
		delete(a.measured, s.pace)
	}
	s.pace = pace
	if pace == 0 {
		return
	}
	if a.measured[pace] == nil {
		a.measured[pace] = map[*service]struct{}{}
	}
	a.measured[pace][s] = struct{}{}
	signal(a.repace)
}

// measure begins to measure a running task. Of one that has been running since
// before the server started, the CPU time so far is not known: its first reading
// is only a mark. The lock is held.
func (a *API) measure(t *task) {
	if !t.resumed {
		t.last = mark{at: time.Now()}
		t.minute = t.last
	}
	a.running[t] = struct{}{}
}

// metricsLoop publishes at every boundary of a period in use until ctx ends.
func (a *API) metricsLoop(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	next := a.nextBoundary(a.now())
	for {
		timer.Reset(max(0, a.cfg.Clock.Real(next.Sub(a.now()))) + time.Microsecond)
		select {
		case <-ctx.Done():
			return
		case <-a.repace: // perhaps a shorter period
			if sooner := a.nextBoundary(a.now()); sooner.Before(next) {
				next = sooner
			}
			continue
		case <-timer.C:
		}
		// After a stall the periods that were missed are not made up.
		if now := a.now(); now.Sub(next) > usualPace {
			next = a.nextBoundary(now)
			continue
		}
		a.publish(ctx, next)
		if fullMinute(next) {
			a.forget(next)
		}
		next = a.nextBoundary(next)
	}
}

func fullMinute(t time.Time) bool { return ends(t, usualPace) }

// ends is whether a period of a length ends at a time.
func ends(t time.Time, period time.Duration) bool { return t.Truncate(period).Equal(t) }

// nextBoundary is the first end of a period after a time.
func (a *API) nextBoundary(after time.Time) time.Time {
	a.mu.RLock()
	defer a.mu.RUnlock()
	next := after.Truncate(usualPace).Add(usualPace)
	for pace := range a.measured {
		if end := after.Truncate(pace).Add(pace); end.Before(next) {
			next = end
		}
	}
	return next
}

// A subject is a service or a cluster whose metrics are due.
type subject struct {
	cluster, service          string // service is empty for a cluster
	period                    time.Duration
	insights                  bool
	desired, running, pending int
	tasks                     []*task
}

// publish measures what is due at a boundary and hands it to CloudWatch.
func (a *API) publish(ctx context.Context, boundary time.Time) {
	subjects, tasks := a.due(boundary)
	usage := a.readUsage(ctx, tasks)
	samples := make([]metric.Sample, 0, 2*len(subjects)) // CPU and memory, of most
	for _, s := range subjects {
		samples = append(samples, s.samples(boundary, usage)...)
	}
	for t, u := range usage {
		t.advance(u, boundary)
	}
	if a.cfg.Metrics != nil && len(samples) > 0 {
		a.cfg.Metrics.Record(samples)
	}
}

// due is what has a period that ends now, and the tasks to measure for it.
func (a *API) due(boundary time.Time) ([]subject, []*task) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	var subjects []subject
	var tasks []*task
	for pace, services := range a.measured {
		if !ends(boundary, pace) {
			continue
		}
		subjects = slices.Grow(subjects, len(services))
		for s := range services {
			if len(s.tasks) == 0 && !s.cluster.insights() {
				continue
			}
			sub := s.subject(pace, a.running)
			subjects = append(subjects, sub)
			tasks = append(tasks, sub.tasks...)
		}
	}
	if !fullMinute(boundary) {
		return subjects, tasks
	}
	// A full minute: the clusters are due too, with all their tasks.
	byCluster := map[*cluster][]*task{}
	tasks = tasks[:0]
	for t := range a.running {
		byCluster[t.cluster] = append(byCluster[t.cluster], t)
		tasks = append(tasks, t)
	}
	for c, running := range byCluster {
		subjects = append(subjects, subject{cluster: c.name, period: usualPace, tasks: running})
	}
	return subjects, tasks
}

func (s *service) subject(pace time.Duration, measured map[*task]struct{}) subject {
	sub := subject{
		cluster:  s.cluster.name,
		service:  s.name,
		period:   pace,
		insights: s.cluster.insights(),
		desired:  s.desired(),
	}
	for _, t := range s.tasks {
		switch t.phase() {
		case scheduler.Running:
			sub.running++
		case scheduler.Pending:
			sub.pending++
		}
		if _, ok := measured[t]; ok {
			sub.tasks = append(sub.tasks, t)
		}
	}
	return sub
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

// advance makes this reading the one that the next is compared with. Only the
// metrics loop touches the marks of a task that is being measured.
func (t *task) advance(u runtime.Usage, boundary time.Time) {
	m := mark{at: u.At, cpu: u.CPU}
	t.last = m
	if fullMinute(boundary) {
		t.minute = m
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

// samples are the metrics of one subject for the period that ends at a boundary.
func (s subject) samples(boundary time.Time, usage map[*task]runtime.Usage) []metric.Sample {
	var cpu, memory, cpuUnits, megabytes metric.Set
	var reserved rules.Size
	for _, t := range s.tasks {
		reserved.CPU += t.reserved.CPU
		reserved.Memory += t.reserved.Memory
		u, ok := usage[t]
		if !ok {
			continue
		}
		since := t.last
		if s.service == "" {
			since = t.minute
		}
		if units, ok := cpuSince(since, u); ok {
			cpu.Add(100*units/float64(t.reserved.CPU), 1)
			cpuUnits.Add(units, 1)
		}
		used := float64(u.Memory) / (1 << 20)
		megabytes.Add(used, 1)
		if t.reserved.Memory > 0 {
			memory.Add(100*used/float64(t.reserved.Memory), 1)
		}
	}
	p := publication{subject: s, at: boundary.Add(-s.period)}
	p.add(ecsNamespace, "CPUUtilization", "Percent", cpu)
	p.add(ecsNamespace, "MemoryUtilization", "Percent", memory)
	if s.insights {
		p.one("DesiredTaskCount", "Count", float64(s.desired))
		p.one("RunningTaskCount", "Count", float64(s.running))
		p.one("PendingTaskCount", "Count", float64(s.pending))
		p.one("CpuUtilized", "None", cpuUnits.Sum)
		p.one("CpuReserved", "None", float64(reserved.CPU))
		p.one("MemoryUtilized", "Megabytes", megabytes.Sum)
		p.one("MemoryReserved", "Megabytes", float64(reserved.Memory))
	}
	return p.samples
}

// A publication collects the samples of one subject.
type publication struct {
	subject subject
	at      time.Time
	samples []metric.Sample
}

func (p *publication) one(name, unit string, v float64) {
	var set metric.Set
	set.Add(v, 1)
	p.add(insightsNamespace, name, unit, set)
}

func (p *publication) add(namespace, name, unit string, set metric.Set) {
	if set.Count == 0 {
		return
	}
	dimensions := []metric.Dimension{{Name: "ClusterName", Value: p.subject.cluster}}
	if p.subject.service != "" {
		dimensions = append(dimensions, metric.Dimension{Name: "ServiceName", Value: p.subject.service})
	}
	resolution := usualPace
	if p.subject.period < usualPace {
		resolution = time.Second
	}
	p.samples = append(p.samples, metric.Sample{
		Metric:     metric.NewID(namespace, name, dimensions...),
		Time:       p.at,
		Unit:       unit,
		Resolution: resolution,
		Set:        set,
	})
}
