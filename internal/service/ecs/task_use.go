package ecs

import (
	"context"

	runtime "flyball/internal/task"

	"flyball/internal/service/ecs/fault"
)

// A TaskUse is what a task used in the last period of its service's metrics.
type TaskUse struct {
	CPU    *float64 `json:"cpu,omitempty"` // percent of what it has; nil in its first period
	Memory float64  `json:"memory"`        // MiB
}

// TaskUses are those of the tasks of a service that are measured, by their IDs. They are of the same
// readings as the service's metrics.
func (a *API) TaskUses(ctx context.Context, cluster, service string) (map[string]TaskUse, error) {
	return read(ctx, a, func() (map[string]TaskUse, error) {
		c, err := a.activeCluster(&cluster)
		if err != nil {
			return nil, err
		}
		s, ok := a.findService(c, service)
		if !ok {
			return nil, fault.ServiceNotFound()
		}
		uses := map[string]TaskUse{}
		for _, t := range s.tasks {
			if use := t.use.Load(); use != nil {
				uses[t.id] = *use
			}
		}
		return uses, nil
	})
}

// useSince is what a task has used since the last boundary.
func (t *task) useSince(u runtime.Usage) *TaskUse {
	use := &TaskUse{Memory: float64(u.Memory) / (1 << 20)}
	if units, ok := cpuSince(t.meter.last, u); ok && t.reserved.CPU > 0 {
		use.CPU = new(percent(units, float64(t.reserved.CPU)))
	}
	return use
}
