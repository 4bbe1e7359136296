package ecs

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/state"
)

// Documents that belong together may not be there together: earlier releases wrote
// them one after the other, and one that was killed in between left some of them. What can be made whole is, the
// rest is removed, and the log tells of each. A start is never refused for it.

// An orphaned document says what it belongs to and is not there.
type orphaned string

func (o orphaned) Error() string { return string(o) }

// An orphan is a document that belongs to nothing.
type orphan struct {
	kind   state.Kind
	key    string
	reason orphaned
}

// mend makes the loaded state whole.
func (l *loader) mend() {
	l.cell.State.Later(func(tx *state.Tx) {
		for _, o := range l.orphans {
			l.cell.Log.Warn("removed what belongs to nothing", "kind", o.kind.Name, "key", o.key, "reason", o.reason)
			tx.Delete(o.kind, o.key)
		}
		for _, c := range l.clusters {
			for _, s := range c.services {
				l.mendService(tx, s)
			}
		}
		for _, t := range l.unconfirmed {
			l.mendTask(tx, t)
		}
	})
}

// mendService gives a service the service deployment that its primary deployment
// is shown by. A service without any deployment was on its way out and goes.
func (l *loader) mendService(tx *state.Tx, s *service) {
	gone := s.status() == inactive
	switch {
	case len(s.deployments) == 0 && (!gone || len(s.history) == 0):
		l.cell.Log.Warn("removed a service that has no deployment", "service", s.key())
		l.retired.Drop(s)
		s.forget(context.Background(), l.API, tx)
	case len(s.history) == 0:
		l.cell.Log.Warn("a service had no service deployment, and has one again", "service", s.key())
		r := newRollout(s.primary().revision, s, s.primary().CreatedAt)
		if s.primary().State != types.DeploymentRolloutStateInProgress {
			r.finish(types.ServiceDeploymentStatusSuccessful, "", s.primary().UpdatedAt)
		}
		s.history = []*rollout{r}
		r.save(tx, s)
	}
}

// mendTask stops a task whose service is gone: nobody else would.
func (l *loader) mendTask(tx *state.Tx, t *task) {
	if t.deployment == "" || t.service != nil && t.service.status() != inactive && t.cluster.services[t.service.name] == t.service {
		return
	}
	l.cell.Log.Warn("stopping a task whose service is gone", "task", t.key())
	t.service = nil
	l.stopTask(tx, t, stopScheduler, "The service of the task is gone.")
}
