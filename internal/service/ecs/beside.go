package ecs

import (
	"reflect"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/service/ecs/lifecycle"
	"flyball/internal/service/ecs/scheduler"
	"flyball/internal/state"
)

// Deployments with the strategies BLUE_GREEN, LINEAR and CANARY run the new revision
// beside the one that it replaces. Package lifecycle decides how they go on; here it is
// seen what it decides by, and done what it wants.

// shiftsTraffic is whether new deployments of the service run beside old ones.
func (s *service) shiftsTraffic() bool {
	return s.api.DeploymentConfiguration.Strategy != types.DeploymentStrategyRolling
}

// plan fills in how a service deployment is to go.
func (s *service) plan(r *rollout, source *deployment) {
	c := s.api.DeploymentConfiguration
	r.Plan.Bake = minutes(c.BakeTimeInMinutes)
	if source != nil {
		r.Source = source.Number
	}
	if !s.shiftsTraffic() {
		r.Routes = s.returning(source)
		r.Plan.Routed = len(r.Routes) > 0
		r.Plan.Reconcile = r.Plan.Routed
		return
	}
	r.Routes = r.Target.routes(source)
	r.Plan.Beside, r.Plan.Routed = true, len(r.Routes) > 0
	r.Plan.Reconcile = len(r.Sources) > 1
	r.Plan.First = source == nil || !source.proven()
	r.Plan.Shares = []float64{100}
	switch c.Strategy {
	case types.DeploymentStrategyLinear:
		r.Plan.Shares = lifecycle.Shares(*c.LinearConfiguration.StepPercent)
		r.Plan.StepBake = minutes(c.LinearConfiguration.StepBakeTimeInMinutes)
	case types.DeploymentStrategyCanary:
		r.Plan.Shares = slices.Compact([]float64{*c.CanaryConfiguration.CanaryPercent, 100})
		r.Plan.StepBake = minutes(c.CanaryConfiguration.CanaryBakeTimeInMinutes)
	}
	for _, h := range c.LifecycleHooks {
		r.Plan.Hooks = append(r.Plan.Hooks, planHook(h))
	}
}

func minutes(n *int32) time.Duration { return time.Duration(aws.ToInt32(n)) * time.Minute }

// seen is what a service's deployment can be seen to have come to. The source can take
// its traffic back when it has the tasks that are asked of it, or no fewer healthy ones
// than the target.
func (a *API) seen(s *service, now time.Time) lifecycle.Seen {
	r := s.history[0]
	seen := lifecycle.Seen{Shifted: r.shifted()}
	ready, sourceReady := 0, 0
	for _, t := range s.tasks {
		healthy := 0
		if t.view(a.virtual).Ready(now) {
			healthy = 1
		}
		switch t.deployment {
		case deploymentID(r.Target.Number):
			seen.Target++
			ready += healthy
		case deploymentID(r.Source):
			seen.Source++
			sourceReady += healthy
		default:
			seen.Others++
		}
	}
	seen.Ready = ready >= s.desired()
	seen.SourceReady = sourceReady >= min(s.desired(), ready)
	return seen
}

// advance takes a deployment of two revisions on as far as it gets.
func (a *API) advance(tx *state.Tx, s *service, now time.Time) {
	r := s.history[0]
	before := r.Position
	r.Position = before.Next(r.Plan, now, a.seen(s, now))
	a.tellHooks(tx, s, before)
	a.turned(tx, s, before, byHook, now)
	a.askHooks(s, now)
	if r.Position.Ended {
		s.complete(now)
		a.tell(tx, s, deploymentCompleted(s.primary()))
	}
	if !reflect.DeepEqual(r.Position, before) {
		r.UpdatedAt = now
		r.save(tx, s)
	}
	switch {
	case r.routable():
		a.unrouted.Sooner(s, now)
	case r.Position.Traffic != before.Traffic: // to what the listeners have sent all along
		a.reconcileSoon(s)
	}
	if wake := r.Position.Wake(r.Plan); wake.After(now) {
		a.reconciling.Sooner(s, wake)
	}
}

// turned does what follows when a deployment has turned back or halted by itself.
func (a *API) turned(tx *state.Tx, s *service, before lifecycle.Position, why cause, now time.Time) {
	at := s.history[0].Position
	if back := at.Back && !before.Back; back || at.Halted && !before.Halted {
		a.failDeployment(tx, s, why, back, now)
		a.reconcileSoon(s)
	}
}

// keepFleets keeps as many tasks of each revision as their deployment wants.
func (a *API) keepFleets(tx *state.Tx, s *service, now time.Time) {
	r := s.history[0]
	target, source, others := r.Position.Fleets(a.seen(s, now))
	for _, d := range slices.Clone(s.deployments) {
		fleet := others
		switch d.Number {
		case r.Target.Number:
			fleet = target
		case r.Source:
			fleet = source
		}
		a.act(tx, s, d, scheduler.Decide(s.fleetView(d, fleet, a.virtual), now), now)
	}
}

// fleetView is one deployment as the scheduler sees it, which knows no others beside it.
func (s *service) fleetView(d *deployment, fleet lifecycle.Fleet, virtual func(time.Duration) time.Duration) scheduler.View {
	v := s.view(virtual)
	v.Primary, v.MinimumHealthy, v.Maximum, v.Halted = d.ID, 0, 100, fleet == lifecycle.Held
	v.RetryAt = d.Retry.RetryAt
	v.Tasks = slices.DeleteFunc(v.Tasks, func(t scheduler.Task) bool { return t.Deployment != d.ID })
	switch fleet {
	case lifecycle.None:
		v.Desired = 0
	case lifecycle.Held:
		v.Desired = len(v.Tasks)
	}
	return v
}
