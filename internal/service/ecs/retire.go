package ecs

import (
	"context"
	"errors"
	"time"

	"flyball/internal/state"
	"flyball/internal/store"
)

// forgetAfter is how long stopped tasks and deleted services stay describable,
// in virtual time.
const forgetAfter = time.Hour

// forgottenAtOnce is how many are forgotten in one change.
const forgottenAtOnce = 64

// A retiree is something that has ended: a task or a service.
type retiree interface {
	forget(ctx context.Context, a *API, tx *state.Tx)
}

// retire has something forgotten that has ended at a time.
func (a *API) retire(tx *state.Tx, r retiree, ended time.Time) {
	tx.After(func() { a.retired.Set(r, ended.Add(forgetAfter)) })
}

// forget drops what ended long enough ago.
func (a *API) forget(ctx context.Context, due []retiree) {
	a.cell.State.Later(func(tx *state.Tx) {
		for _, r := range due {
			r.forget(ctx, a, tx)
		}
	})
}

// forget implements retiree. What the runtime keeps goes with the task; should the
// server end before, its next life finds a task that nobody knows.
func (t *task) forget(ctx context.Context, a *API, tx *state.Tx) {
	drop(tx, t.cluster.tasks, t.id)
	tx.Delete(kindTask, t.key())
	for _, m := range t.balancing.stored() {
		a.unindex(m)
	}
	handle := t.handle
	tx.After(func() {
		a.finishLogs(ctx, t)
		if handle == nil {
			return
		}
		// The runtime may not have seen yet that a task of an earlier life has
		// stopped.
		if err := errors.Join(handle.Stop(ctx), handle.Remove()); err != nil && ctx.Err() == nil {
			a.cell.Log.Warn("remove a stopped task", "task", t.id, "err", err)
		}
	})
}

// forget implements retiree. The name may belong to a newer service by now.
func (s *service) forget(_ context.Context, a *API, tx *state.Tx) {
	a.setPeriod(tx, s, 0)
	if s.cluster.services[s.name] != s {
		return
	}
	drop(tx, s.cluster.services, s.name)
	tx.Delete(kindService, s.key())
	tx.DeleteRange(kindEvent, store.Prefix(s.key()+"/"))
	tx.DeleteRange(kindRollout, store.Prefix(s.key()+"/"))
}
