package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// fixedTrees are those that no call changes.
func fixedTrees() map[string]bool {
	return map[string]bool{clusterName: true, steadyName: true, scaledName: true}
}

// check compares what a new life of the server shows with what is known of the
// lives before.
func (r *run) check(ctx context.Context, n int) error {
	w, err := readWorld(ctx, r.regions)
	if err != nil {
		return fmt.Errorf("read what the server shows: %w", err)
	}
	for name := range fixedTrees() {
		r.forget(name)
	}
	if n == 1 {
		r.fixed = w.facts
	}
	trees, known, cutOff := r.known()
	faults := audit(known, cutOff, w.facts.of(trees))
	for _, f := range w.inconsistent() {
		if trees[f.subject] {
			faults = append(faults, f)
		}
	}
	for _, s := range r.sightings {
		faults = append(faults, s.dirty(known, cutOff, w)...)
	}
	faults = append(faults, lostTasks(r.tasks, r.alive, w.tasks)...)
	faults = append(faults, w.failures()...)
	for _, s := range r.churns {
		faults = append(faults, s.unstopped(w.tasks)...)
		faults = append(faults, s.unknown(w.tasks)...)
	}
	faults = append(faults, w.strays...)
	capacity, err := r.checkScaled(ctx)
	if err != nil {
		return fmt.Errorf("read the scaled service: %w", err)
	}
	r.report(n, append(faults, capacity...)...)
	r.figures.count(r.callers())
	r.adopt(ctx, w, faults)
	return nil
}

// known is all that the callers know, the names of their trees, and the calls
// that were cut off.
func (r *run) known() (map[string]bool, facts, []change) {
	trees, known := fixedTrees(), facts{}
	known.apply(r.fixed)
	var cutOff []change
	for name, c := range r.callers() {
		trees[name] = true
		known.apply(c.known)
		if c.cutOff != nil {
			cutOff = append(cutOff, *c.cutOff)
		}
	}
	return trees, known, cutOff
}

// callers are those who change something, by the tree that is theirs.
func (r *run) callers() map[string]*caller {
	all := map[string]*caller{}
	for _, t := range r.trees {
		all[t.name] = &t.caller
	}
	for _, s := range r.churns {
		all[s.name] = &s.caller
	}
	return all
}

// adopt takes what the server shows for what is known from now on. Trees that
// have a fault are given up for new ones: what follows from the fault would be
// counted, too.
func (r *run) adopt(ctx context.Context, w *world, faults []fault) {
	faulty := map[string]bool{}
	for _, f := range faults {
		faulty[f.subject] = true
	}
	for i, t := range r.trees {
		if faulty[t.name] {
			t.abandon(ctx, t.home.client)
			r.trees[i] = r.newTree(t.home)
		}
	}
	for name, c := range r.callers() {
		c.known, c.cutOff = w.facts.of(map[string]bool{name: true}), nil
	}
	for _, s := range r.churns {
		r.forget(s.name)
		s.adopt(w.tasks)
	}
	r.fixed = w.facts.of(fixedTrees())
	r.tasks, r.sightings = w.tasks, nil
}

// checkScaled checks the scaled service. It may scale at this moment, and an
// activity that was interrupted is settled a moment after the start: what is
// wrong must stay so.
func (r *run) checkScaled(ctx context.Context) (faults []fault, err error) {
	c := r.regions[0].client
	for range 20 {
		before, after := newWorld(), newWorld()
		for _, read := range []func() error{
			func() error { return before.readServices(ctx, c) },
			func() error { return after.readActivities(ctx, c) },
			func() error { return after.readServices(ctx, c) },
		} {
			if err := read(); err != nil {
				return nil, err
			}
		}
		desired, ok := after.desired[scaledName]
		if !ok {
			return nil, nil // the audit tells
		}
		faults = scaled(after.activities, desired, cooldown)
		if len(faults) == 0 && before.desired[scaledName] == desired {
			return nil, nil
		}
		pause(ctx, 50*time.Millisecond)
	}
	return faults, ctx.Err()
}

// settle waits until all that was begun has come to an end, and reports what has
// not.
func (r *run) settle(ctx context.Context, n int, p *program) error {
	if err := rest(ctx, r.regions[0].client); err != nil {
		return err
	}
	var before []fault
	for began := time.Now(); ; pause(ctx, 100*time.Millisecond) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		w, err := readWatched(ctx, r.regions)
		if err != nil {
			return err
		}
		left, err := leftovers(r.mark, r.data, p.pid(), w.tasks)
		if err != nil {
			return err
		}
		running, err := processes(taskMark, r.mark)
		if err != nil {
			return err
		}
		left = append(left, w.unsettled(aliveTasks(running))...)
		if len(left) == 0 || time.Since(began) > r.within(settleWithin) {
			r.report(n, both(before, left)...)
			r.tasks = w.tasks
			return nil
		}
		before = left
	}
}

// both are the faults of a look that were there at the one before, too: others
// may be passing.
func both(before, now []fault) []fault {
	return slices.DeleteFunc(slices.Clone(now), func(f fault) bool {
		return !slices.ContainsFunc(before, func(b fault) bool { return b.kind == f.kind && b.subject == f.subject })
	})
}
