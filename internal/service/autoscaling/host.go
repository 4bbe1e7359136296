package autoscaling

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"flyball/governor"
	"flyball/internal/capacity"
	"flyball/internal/cell"
	"flyball/internal/clock"
	"flyball/internal/service/autoscaling/fault"
	"flyball/internal/service/autoscaling/rules"
	"flyball/internal/state"
	"flyball/scaling"
)

var errDeregistered = errors.New("the scalable target was deregistered")

// A host keeps the targets of a cell, and does for them what package governor
// decides. The operations of the API change the rows that it governs by.
type host struct {
	cell       *cell.Cell
	state      *state.State
	log        *slog.Logger
	capacity   capacity.Capacity
	alarms     policyAlarms
	roles      targetRoles
	activities *activities
	// metricPeriod, if set, is told how often ECS's metrics of a target are wanted.
	metricPeriod func(context.Context, scaling.ResourceID, time.Duration) error
	backlogs     Backlogs               // nil: there are none
	decided      func(scaling.Decision) // nil: nobody is told

	rows  *registry // under the state's lock
	zones zones     // of scheduled actions
	times timetable
	busy  targetLocks   // held while one target is governed
	wake  *clock.Signal // there is an activity to follow
}

// open reads what the cell remembers.
func (h *host) open() (err error) {
	if h.rows, err = loadRegistry(h.state, &h.zones, h.log); err != nil {
		return fmt.Errorf("load scalable targets: %w", err)
	}
	for _, t := range h.rows.targets {
		h.times.plan(t.ResourceID, t.governor())
		h.watchBacklogs(t.ResourceID, t)
		for _, p := range t.policies {
			h.times.planRenewal(p)
		}
		if err := h.setMetricPeriod(context.Background(), t); err != nil {
			return fmt.Errorf("set the period of the metrics of %s: %w", t.ResourceID, err)
		}
	}
	return nil
}

func (h *host) now() time.Time { return h.cell.Clock.Now() }

// lookup is a target, or nil.
func (h *host) lookup(ctx context.Context, id scaling.ResourceID) (t *target) {
	h.state.View(ctx, func() { t = h.rows.targets[id] })
	return t
}

// collect gathers what the targets of a kind have, or the one with the resource id if
// there is one, in the order of their resource ids.
func collect[T any](ctx context.Context, h *host, kind scaling.Kind, resourceID *string, of func(*target) []T, wanted func(T) bool) []T {
	var ids []scaling.ResourceID
	if resourceID != nil {
		ids = append(ids, scaling.ResourceID(*resourceID))
	}
	var targets []*target
	h.state.View(ctx, func() { targets = h.rows.ofKind(kind, ids...) })
	var items []T
	for _, t := range targets {
		for _, item := range of(t) {
			if wanted(item) {
				items = append(items, item)
			}
		}
	}
	return items
}

// change puts a target in the place of the one that it is made of, and plans what
// time makes of it. Where there is no target it returns what says so.
func (h *host) change(ctx context.Context, id scaling.ResourceID, missing func(fault.Key) error, become func(context.Context, *state.Tx, *target) (*target, error)) error {
	return h.state.Change(ctx, func(ctx context.Context, tx *state.Tx) error {
		old := h.rows.targets[id]
		if old == nil {
			return missing(rules.Key(id))
		}
		t, err := become(ctx, tx, old)
		if err != nil {
			return err
		}
		h.rows.put(tx, t)
		tx.After(func() { h.replan(id) })
		return nil
	})
}

// forget takes away a target with all that belongs to it.
func (h *host) forget(ctx context.Context, tx *state.Tx, t *target) error {
	for _, p := range t.policies {
		if err := h.alarms.delete(ctx, p.Alarms); err != nil {
			return err
		}
		tx.After(func() { h.times.renewals.Drop(p.id()) })
	}
	for _, activity := range t.governor().Leave(h.now(), errDeregistered) {
		h.activities.record(tx, t.ResourceID, t.bounds(), activity)
	}
	h.rows.remove(tx, t)
	tx.After(func() { h.replan(t.ResourceID) })
	return h.tellMetricPeriod(ctx, t.ResourceID, rules.StandardPeriod)
}

// forgetGone takes away a target whose resource was seen to be gone, if it still
// is: another service and target of the same name may have come meanwhile.
func (h *host) forgetGone(ctx context.Context, t *target) error {
	return h.state.Maintain(ctx, func(ctx context.Context, tx *state.Tx) error {
		current := h.rows.targets[t.ResourceID]
		if current == nil || current.ID != t.ID {
			return nil
		}
		if seen, err := h.look(ctx, t.ResourceID); err != nil || !seen.Gone {
			return err
		}
		return h.forget(ctx, tx, current)
	})
}

// ResourceDeleted takes away the target of a resource that is gone, as part of the
// change that the context comes from. Without a target it does nothing.
func (h *host) ResourceDeleted(ctx context.Context, id scaling.ResourceID) error {
	return h.state.Maintain(ctx, func(ctx context.Context, tx *state.Tx) error {
		if t := h.rows.targets[id]; t != nil {
			return h.forget(ctx, tx, t)
		}
		return nil
	})
}

// replan has a target governed when the time of what it is now has come, and its
// backlogs measured.
func (h *host) replan(id scaling.ResourceID) {
	h.state.View(context.Background(), func() {
		t := h.rows.targets[id]
		if t != nil {
			h.times.plan(id, t.governor())
		} else {
			h.times.steps.Drop(id)
		}
		h.watchBacklogs(id, t)
	})
}

// watchBacklogs tells which backlogs the policies of a target follow; nil is one that
// is gone.
func (h *host) watchBacklogs(id scaling.ResourceID, t *target) {
	switch {
	case h.backlogs == nil:
	case t == nil:
		h.backlogs.Watch(id, nil)
	default:
		h.backlogs.Watch(id, t.backlogs())
	}
}

// setMetricPeriod tells ECS how often the target's policies want its metrics.
func (h *host) setMetricPeriod(ctx context.Context, t *target) error {
	return h.tellMetricPeriod(ctx, t.ResourceID, t.metricPeriod())
}

func (h *host) tellMetricPeriod(ctx context.Context, id scaling.ResourceID, period time.Duration) error {
	if h.metricPeriod == nil || id.Kind() != scaling.Services {
		return nil
	}
	return h.metricPeriod(ctx, id, period)
}

// look is the capacity of a resource.
func (h *host) look(ctx context.Context, id scaling.ResourceID) (governor.Capacity, error) {
	seen, err := h.capacity.Look(ctx, []scaling.ResourceID{id})
	if err != nil {
		return governor.Capacity{}, fault.Internal(err)
	}
	return seen[0], nil
}

// empty reports whether there is no task, nor one asked for.
func empty(c governor.Capacity) bool { return !c.Gone && c.Desired == 0 && c.Running == 0 }

// nudge tells that there is an activity to follow.
func (h *host) nudge() { h.wake.Set() }
