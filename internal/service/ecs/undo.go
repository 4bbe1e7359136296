package ecs

import "flyball/internal/state"

// What a change has done to rows is taken back when it fails. Whoever changes
// something that was there before keeps it first: of a task and of a task
// definition only what changes, because the goroutine that drives the task reads
// the rest without the lock.

// keep has a failed change restore what p points to.
func keep[T any](tx *state.Tx, p *T) {
	old := *p
	tx.Undo(func() { *p = old })
}

// put sets an entry of a map, until the change fails.
func put[K comparable, V any](tx *state.Tx, m map[K]V, key K, value V) {
	keepEntry(tx, m, key)
	m[key] = value
}

// drop deletes an entry of a map, until the change fails.
func drop[K comparable, V any](tx *state.Tx, m map[K]V, key K) {
	keepEntry(tx, m, key)
	delete(m, key)
}

func keepEntry[K comparable, V any](tx *state.Tx, m map[K]V, key K) {
	old, had := m[key]
	tx.Undo(func() {
		if had {
			m[key] = old
		} else {
			delete(m, key)
		}
	})
}

// keep has a failed change restore the service with its deployments. Tasks and
// events are changed through put, drop and lists that are replaced.
func (s *service) keep(tx *state.Tx) {
	keep(tx, s)
	for _, d := range s.deployments {
		keep(tx, d)
	}
	if len(s.history) > 0 {
		keep(tx, s.history[0]) // the others have ended
	}
}
