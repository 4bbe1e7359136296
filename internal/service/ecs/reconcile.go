package ecs

import (
	"container/heap"
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/service/ecs/scheduler"
	"flyball/internal/store"
)

// reconcileLoop looks at every service that has changed or whose time has come,
// and has the new tasks driven. It returns when ctx ends; the tasks
// live on with lives.
func (a *API) reconcileLoop(ctx, lives context.Context) {
	a.mu.Lock()
	for _, c := range a.clusters {
		for _, s := range c.services {
			if s.status() != inactive {
				a.markDirty(s)
			}
		}
	}
	a.mu.Unlock()

	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		for {
			s, ok := a.nextDirty()
			if !ok || ctx.Err() != nil {
				break
			}
			a.reconcile(s)
		}
		a.mu.Lock()
		a.driveNew(lives)
		a.mu.Unlock()
		timer.Reset(a.untilWakeup())
		select {
		case <-ctx.Done():
			return
		case <-a.wake:
		case <-timer.C:
		}
	}
}

// nextDirty takes a service to look at: one that is marked, or one whose time
// has come.
func (a *API) nextDirty() (*service, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	for len(a.timers) > 0 && !a.timers[0].at.After(now) {
		w := heap.Pop(&a.timers).(wakeup)
		if w.at.Equal(w.service.lookAt) {
			w.service.lookAt = time.Time{}
			a.markDirty(w.service)
		}
	}
	if len(a.dirty) == 0 {
		return nil, false
	}
	s := a.dirty[0]
	a.dirty[0] = nil
	a.dirty = a.dirty[1:]
	s.queued = false
	return s, true
}

// untilWakeup is how long, in real time, until the earliest wakeup.
func (a *API) untilWakeup() time.Duration {
	const idle = time.Hour
	a.mu.RLock()
	defer a.mu.RUnlock()
	if len(a.timers) == 0 {
		return idle
	}
	// A microsecond more, so that rounding does not wake it up too early.
	return max(0, a.cfg.Clock.Real(a.timers[0].at.Sub(a.now()))) + time.Microsecond
}

// driveNew gives every task that has none yet the goroutine that drives it. The
// lock is held.
func (a *API) driveNew(lives context.Context) {
	for _, t := range a.undriven {
		a.drivers.Go(func() { a.drive(lives, t) })
	}
	a.undriven = nil
}

func (a *API) reconcile(s *service) {
	var b store.Batch
	a.mu.Lock()
	defer a.mu.Unlock()
	a.look(s, &b)
	a.writeLater(&b)
}

// look looks at one service, decides and acts. The lock is held.
func (a *API) look(s *service, b *store.Batch) {
	before, now := b.Len(), a.now()
	switch s.status() {
	case inactive:
		return
	case draining:
		if len(s.tasks) == 0 {
			a.deactivate(s, b, now)
			break
		}
		fallthrough
	default:
		a.noteReady(s, now)
		a.trip(s, b, now)
		s.dropEmpty()
		a.act(s, scheduler.Decide(s.view(a.virtual), now), b, now)
	}
	if b.Len() > before {
		s.save(b)
	}
}

// deactivate ends a service whose last task has stopped.
func (a *API) deactivate(s *service, b *store.Batch, now time.Time) {
	s.api.Status = aws.String(inactive)
	s.inactiveAt = now
	if r := s.history[0]; r.running() {
		r.finish(types.ServiceDeploymentStatusStopped, "The service was deleted.", now)
		r.StoppedAt = aws.Time(now)
		r.save(b, s)
	}
	s.deployments = nil
	a.retired = append(a.retired, retirement{now.Add(forgetAfter), nil, s})
	s.save(b)
}

// view is the service as the scheduler sees it.
func (s *service) view(virtual func(time.Duration) time.Duration) scheduler.View {
	v := scheduler.View{
		Desired:        s.desired(),
		MinimumHealthy: int(*s.api.DeploymentConfiguration.MinimumHealthyPercent),
		Maximum:        int(*s.api.DeploymentConfiguration.MaximumPercent),
		Primary:        s.primary().ID,
		Halted:         s.primary().State == types.DeploymentRolloutStateFailed,
		Deleted:        s.status() == draining,
		RetryAt:        s.retryAt,
		Tasks:          make([]scheduler.Task, 0, len(s.tasks)),
	}
	for _, t := range s.tasks {
		v.Tasks = append(v.Tasks, t.view(virtual))
	}
	return v
}

// noteReady sees which of the primary's tasks have become ready. One that has
// ends the row of failures that the circuit breaker counts.
func (a *API) noteReady(s *service, now time.Time) {
	d := s.primary()
	keep := s.api.DeploymentConfiguration.DeploymentCircuitBreaker.ResetOnHealthyTask
	for _, t := range s.tasks {
		if t.steady || t.deployment != d.ID || !t.view(a.virtual).Ready(now) {
			continue
		}
		t.steady = true
		if keep == nil || *keep {
			d.Failed = 0
		}
	}
}

// trip fails the primary deployment when too many of its tasks have failed, and
// goes back to the last completed one if that is wanted.
func (a *API) trip(s *service, b *store.Batch, now time.Time) {
	d := s.primary()
	if !s.breakerOn() || d.Failed < s.breakerThreshold() {
		return
	}
	s.history[0].Threshold = s.breakerThreshold()
	s.fail(now)
	s.event(b, now, deploymentMessage(d, deploymentFailed))
	if target, ok := s.rollbackTarget(); ok && s.api.DeploymentConfiguration.DeploymentCircuitBreaker.Rollback {
		s.event(b, now, rollingBackTo(target))
		s.rollBack(target, "ECS deployment circuit breaker: rolling back to deploymentId "+target.ID, "Service deployment rolled back because the circuit breaker threshold was exceeded.", now)
	}
	s.history[0].save(b, s)
}

// act does what was decided.
func (a *API) act(s *service, todo scheduler.Actions, b *store.Batch, now time.Time) {
	d := s.primary()
	a.stopUnhealthy(s, todo.Unhealthy, b, now)
	a.stopSurplus(s, todo.Surplus, b, now)
	a.startTasks(s, todo.Start, b)

	if todo.Start+len(todo.Surplus)+len(todo.Unhealthy) > 0 {
		s.steady = false
	}
	if s.failures >= 3 && s.retryAt.After(now) {
		s.warn(b, now, cannotStart)
	}
	if todo.Stuck {
		s.warn(b, now, cannotMove)
	}
	if todo.Shielded > 0 {
		s.warn(b, now, cannotScaleIn(d, todo.Shielded))
	}
	if todo.Settled && s.status() == active {
		a.settle(s, b, now)
	}
	if !todo.Wake.IsZero() {
		a.lookAgain(s, todo.Wake)
	}
}

// settle records that a service has what it wants.
func (a *API) settle(s *service, b *store.Batch, now time.Time) {
	d := s.primary()
	if d.State == types.DeploymentRolloutStateInProgress {
		s.complete(now)
		s.event(b, now, deploymentMessage(d, deploymentCompleted))
		s.history[0].save(b, s)
	}
	if !s.steady {
		s.steady = true
		s.warned = ""
		s.event(b, now, reachedSteadyState)
	}
}

func (a *API) startTasks(s *service, n int, b *store.Batch) {
	if n == 0 {
		return
	}
	d := s.primary()
	def, ok := a.findDefinition(d.TaskDefinition)
	if !ok {
		a.cfg.Log.Error("start tasks: the task definition is gone", "service", s.key(), "definition", d.TaskDefinition)
		return
	}
	var ids []string
	providers := s.spread(d)
	for range n {
		t := a.newTask(taskOrder{
			cluster:    s.cluster,
			service:    s,
			deployment: d.ID,
			definition: def,
			launch:     d.Launch,
			provider:   providers.Next(),
			group:      "service:" + s.name,
			startedBy:  d.ID,
			tags:       s.taskTags(def),
			exec:       s.api.EnableExecuteCommand,
		}, b)
		ids = append(ids, t.id)
	}
	s.event(b, a.now(), startedTasks(ids))
}

// spread deals further tasks of a deployment out, after those that it has.
func (s *service) spread(d *deployment) *scheduler.Spread {
	var providers []string
	for _, t := range s.tasks {
		if t.deployment == d.ID && !t.askedToStop() {
			providers = append(providers, aws.ToString(t.api.CapacityProviderName))
		}
	}
	return scheduler.NewSpread(d.Strategy, providers...)
}

// taskTags are the tags that a service's tasks are started with.
func (s *service) taskTags(def *definition) []types.Tag {
	var tags []types.Tag
	if s.api.EnableECSManagedTags {
		tags = append(tags,
			types.Tag{Key: aws.String("aws:ecs:clusterName"), Value: aws.String(s.cluster.name)},
			types.Tag{Key: aws.String("aws:ecs:serviceName"), Value: aws.String(s.name)})
	}
	switch s.api.PropagateTags {
	case types.PropagateTagsService:
		tags = append(tags, s.api.Tags...)
	case types.PropagateTagsTaskDefinition:
		tags = append(tags, def.tags...)
	}
	return tags
}

func (a *API) stopUnhealthy(s *service, ids []string, b *store.Batch, now time.Time) {
	for _, id := range ids {
		t := s.tasks[id]
		t.unhealthy = true
		t.askToStop(b, now, stopScheduler, "Task failed container health checks")
		s.event(b, now, failedHealthCheck(id))
	}
}

// stopSurplus stops tasks that are too many or too old, and tells of running and
// pending ones apart, as ECS does.
func (a *API) stopSurplus(s *service, ids []string, b *store.Batch, now time.Time) {
	var wereRunning []string
	werePending := 0
	for _, id := range ids {
		t := s.tasks[id]
		if t.phase() == scheduler.Running {
			wereRunning = append(wereRunning, id)
		} else {
			werePending++
		}
		t.askToStop(b, now, stopScheduler, "Scaling activity initiated by (deployment "+s.primary().ID+")")
	}
	if len(wereRunning) > 0 {
		if len(s.api.LoadBalancers) > 0 {
			s.event(b, now, beganDraining(len(wereRunning)))
		}
		s.event(b, now, stoppedRunning(wereRunning))
	}
	if werePending > 0 {
		s.event(b, now, stoppedPending(werePending))
	}
}
