package ecs

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/service/ecs/lifecycle"
	"flyball/internal/service/ecs/scheduler"
	"flyball/internal/state"
)

// reconcileAll has every service reconciled that was there before the server
// started.
func (a *API) reconcileAll(ctx context.Context) {
	a.cell.State.View(ctx, func() {
		for _, c := range a.clusters {
			for _, s := range c.services {
				a.reconcileSoon(s)
				a.watched.Sooner(s, a.now())
			}
		}
	})
}

// reconcileSoon has a service reconciled by the loop.
func (a *API) reconcileSoon(s *service) { a.reconciling.Sooner(s, a.now()) }

// reconcileDue reconciles services whose time has come.
func (a *API) reconcileDue(_ context.Context, due []*service) {
	a.cell.State.Later(func(tx *state.Tx) {
		for _, s := range due {
			a.reconcile(tx, s)
		}
	})
}

// reconcile decides what a service needs, and acts. In a change that can fail the
// service was kept.
func (a *API) reconcile(tx *state.Tx, s *service) {
	if !s.there() {
		return
	}
	now, before := a.now(), s.progress()
	if s.status() == draining && len(s.tasks) == 0 {
		a.deactivate(tx, s, now)
		return
	}
	a.noteReady(tx, s, now)
	a.trip(tx, s, now)
	s.dropEmpty()
	if r := s.history[0]; r.beside() && s.status() == active {
		a.advance(tx, s, now)
	}
	if r := s.history[0]; r.beside() && s.status() == active {
		a.keepFleets(tx, s, now)
	} else {
		a.replaceTasks(tx, s, now)
	}
	if s.progress() != before {
		s.save(tx)
	}
}

// A progress tells whether reconciling has changed what is stored of a service.
// Whatever is done is told in an event; the rest is silent.
type progress struct {
	events              uint64
	deployments, failed int
}

func (s *service) progress() progress {
	return progress{s.eventNumber, len(s.deployments), s.primary().Failed}
}

// deactivate ends a service whose last task has stopped.
func (a *API) deactivate(tx *state.Tx, s *service, now time.Time) {
	s.api.Status = aws.String(inactive)
	s.inactiveAt = now
	if r := s.history[0]; r.running() {
		r.finish(types.ServiceDeploymentStatusStopped, "The service was deleted.", now)
		r.StoppedAt = aws.Time(now)
		r.save(tx, s)
	}
	s.deployments = nil
	a.retire(tx, s, now)
	s.save(tx)
	if a.cfg.Ended != nil {
		tx.After(func() { a.cfg.Ended(s.cluster.name, s.name) })
	}
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
		RetryAt:        s.primary().Retry.RetryAt,
		Tasks:          make([]scheduler.Task, 0, len(s.tasks)),
	}
	for _, t := range s.tasks {
		v.Tasks = append(v.Tasks, t.view(virtual))
	}
	return v
}

// noteReady notes which of the primary's tasks have become ready. One that has
// ends the row of failures that the circuit breaker counts.
func (a *API) noteReady(tx *state.Tx, s *service, now time.Time) {
	d := s.primary()
	reset := s.api.DeploymentConfiguration.DeploymentCircuitBreaker.ResetOnHealthyTask
	for _, t := range s.tasks {
		if t.steady || t.deployment != d.ID || !t.view(a.virtual).Ready(now) {
			continue
		}
		keep(tx, &t.steady)
		t.steady = true
		if reset == nil || *reset {
			d.Failed = 0
		}
	}
}

// trip fails the primary deployment when too many of its tasks have failed, and
// goes back to the last completed one if that is wanted.
func (a *API) trip(tx *state.Tx, s *service, now time.Time) {
	d := s.primary()
	if !s.breakerOn() || d.Failed < s.breakerThreshold() {
		return
	}
	s.history[0].Threshold, s.history[0].Tripped = s.breakerThreshold(), true
	a.failDeployment(tx, s, byBreaker, s.api.DeploymentConfiguration.DeploymentCircuitBreaker.Rollback, now)
}

// replaceTasks has the tasks of the primary deployment take the place of older ones,
// and keeps their number.
func (a *API) replaceTasks(tx *state.Tx, s *service, now time.Time) {
	view := s.view(a.virtual)
	todo := scheduler.Decide(view, now)
	a.act(tx, s, s.primary(), todo, now)
	if s.status() != active {
		return
	}
	if todo.Settled || s.earlySuccess(view, now) {
		a.completeRolling(tx, s, now)
	}
	if todo.Settled && s.primary().State != types.DeploymentRolloutStateInProgress && !s.steady {
		s.steady = true
		s.warned = nil
		a.tell(tx, s, reachedSteadyState)
	}
}

// earlySuccess is whether a rolling deployment has as many healthy tasks as are enough
// for it. It goes on in the background, and so may the removal of older tasks.
func (s *service) earlySuccess(v scheduler.View, now time.Time) bool {
	c := s.api.DeploymentConfiguration.EarlySuccessCriteria
	if c == nil || !c.Enable || v.Halted {
		return false
	}
	return v.Reached(int(*c.HealthyPercent), c.SourceServiceRevisionCleanup == types.ServiceRevisionCleanupBlocking, now)
}

// act does what was decided about the tasks of a deployment.
func (a *API) act(tx *state.Tx, s *service, d *deployment, todo scheduler.Actions, now time.Time) {
	a.stopUnhealthy(tx, s, todo.Unhealthy)
	a.stopSurplus(tx, s, todo.Surplus)
	if todo.Start > 0 && a.hasRoom(tx, s, now) {
		a.startTasks(tx, s, d, todo.Start)
	}

	if todo.Start+len(todo.Surplus)+len(todo.Unhealthy) > 0 {
		s.steady = false
	}
	if d.Retry.Failures >= 3 && d.Retry.RetryAt.After(now) {
		a.warn(tx, s, cannotStart)
	}
	if todo.Stuck {
		a.warn(tx, s, cannotMove)
	}
	if todo.Shielded > 0 {
		a.warn(tx, s, cannotScaleIn(d, todo.Shielded))
	}
	if !todo.Wake.IsZero() {
		a.reconciling.Sooner(s, todo.Wake)
	}
}

// completeRolling completes a rolling deployment that has the tasks it wants, once its
// bake time is over.
func (a *API) completeRolling(tx *state.Tx, s *service, now time.Time) {
	d, r := s.primary(), s.history[0]
	if d.State != types.DeploymentRolloutStateInProgress {
		return
	}
	before := r.Position.Stage
	r.Position = r.Position.Next(r.Plan, now, lifecycle.Seen{Ready: true, SourceReady: true})
	if !r.Position.Ended {
		a.reconciling.Sooner(s, r.Position.Wake(r.Plan))
		if r.Position.Stage != before {
			r.save(tx, s)
		}
		return
	}
	s.complete(now)
	a.tell(tx, s, deploymentCompleted(d))
	r.save(tx, s)
}

func (a *API) startTasks(tx *state.Tx, s *service, d *deployment, n int) {
	def, ok := a.findDefinition(d.TaskDefinition)
	if !ok {
		a.cell.Log.Error("start tasks: the task definition is gone", "service", s.key(), "definition", d.TaskDefinition)
		return
	}
	var ids []string
	providers, subnets := s.spread(d)
	for range n {
		t := a.newTask(tx, taskOrder{
			cluster:    s.cluster,
			service:    s,
			deployment: d.ID,
			definition: def,
			launch:     d.Launch,
			balancers:  d.balancers(),
			provider:   providers.Next(),
			subnet:     subnets.Next(),
			group:      "service:" + s.name,
			startedBy:  d.ID,
			tags:       s.taskTags(def),
			exec:       s.api.EnableExecuteCommand,
		})
		ids = append(ids, t.id)
	}
	a.tell(tx, s, startedTasks(ids))
}

// spread deals further tasks of a deployment out over its capacity providers and its
// subnets, after those that it has.
func (s *service) spread(d *deployment) (overProviders, overSubnets *scheduler.Spread) {
	var providers, subnets []string
	for _, t := range s.tasks {
		if t.deployment == d.ID && !t.askedToStop() {
			providers = append(providers, aws.ToString(t.api.CapacityProviderName))
			subnets = append(subnets, t.subnet())
		}
	}
	return scheduler.NewSpread(d.Strategy, providers...), scheduler.NewEvenSpread(d.Subnets(), subnets...)
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

func (a *API) stopUnhealthy(tx *state.Tx, s *service, ids []string) {
	for _, id := range ids {
		t := s.tasks[id]
		if m := t.balancing.failing(); m != nil {
			a.stopFailing(tx, s, m)
			continue
		}
		a.stopTask(tx, t, stopScheduler, "Task failed container health checks")
		keep(tx, &t.unhealthy)
		t.unhealthy = true
		a.tell(tx, s, failedHealthCheck(id))
	}
}

// stopFailing stops a task for the health of a target. It is a failure of its
// deployment as soon as it is decided: until it has stopped its connections drain,
// by default for five minutes. There is no back-off, since the task has run.
func (a *API) stopFailing(tx *state.Tx, s *service, m *target) {
	a.tell(tx, s, failedTarget(m))
	a.stopTask(tx, m.task, stopScheduler, "Task failed ELB health checks in (target-group "+m.Group+")")
	a.countFailure(tx, s, m.task)
}

// stopSurplus stops tasks that are too many or too old, and tells of running and
// pending ones apart, as ECS does.
func (a *API) stopSurplus(tx *state.Tx, s *service, ids []string) {
	var wereRunning []string
	werePending := 0
	for _, id := range ids {
		t := s.tasks[id]
		if t.phase() == scheduler.Running {
			wereRunning = append(wereRunning, id)
		} else {
			werePending++
		}
		a.stopTask(tx, t, stopScheduler, "Scaling activity initiated by (deployment "+s.primary().ID+")")
	}
	if len(wereRunning) > 0 {
		a.tell(tx, s, stoppedRunning(wereRunning))
	}
	if werePending > 0 {
		a.tell(tx, s, stoppedPending(werePending))
	}
}
