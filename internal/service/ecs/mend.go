package ecs

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/store"
)

// Documents that belong together may not be there together: a server that was
// killed, or one with less care, left some of them. What can be made whole is, the
// rest is removed, and the log tells of each. A start is never refused for it.

// An orphaned document says what it belongs to and is not there.
type orphaned string

func (o orphaned) Error() string { return string(o) }

// mend makes the loaded state whole.
func (a *API) mend(b *store.Batch) {
	for _, c := range a.clusters {
		for _, s := range c.services {
			a.mendService(s, b)
		}
	}
	for _, t := range a.unconfirmed {
		a.mendTask(t, b)
	}
}

// mendService gives a service the service deployment that its primary deployment
// is shown by. A service without any deployment was on its way out and goes.
func (a *API) mendService(s *service, b *store.Batch) {
	gone := s.status() == inactive
	switch {
	case len(s.deployments) == 0 && (!gone || len(s.history) == 0):
		a.cfg.Log.Warn("removed a service that has no deployment", "service", s.key())
		a.remove(s, b)
		a.retired = slices.DeleteFunc(a.retired, func(r retirement) bool { return r.service == s })
	case len(s.history) == 0:
		a.cfg.Log.Warn("a service had no service deployment, and has one again", "service", s.key())
		r := newRollout(s.primary().revision, s, s.primary().CreatedAt)
		if s.primary().State != types.DeploymentRolloutStateInProgress {
			r.finish(types.ServiceDeploymentStatusSuccessful, "", s.primary().UpdatedAt)
		}
		s.history = []*rollout{r}
		r.save(b, s)
	}
}

// mendTask stops a task whose service is gone: nobody else would.
func (a *API) mendTask(t *task, b *store.Batch) {
	if t.deployment == "" || t.service != nil && t.service.status() != inactive && t.cluster.services[t.service.name] == t.service {
		return
	}
	a.cfg.Log.Warn("stopping a task whose service is gone", "task", t.key())
	t.service = nil
	t.askToStop(b, a.now(), stopScheduler, "The service of the task is gone.")
}
