package autoscaling

import (
	"maps"
	"slices"
	"sync/atomic"

	"flyball/internal/state"
	"flyball/scaling"
)

// A registry is all targets, and where their policies are found. It is guarded by
// the state's lock.
type registry struct {
	targets   map[scaling.ResourceID]*target
	byID      map[string]scaling.ResourceID   // targets
	policies  map[string]*policy              // by ARN
	following map[scaling.ResourceID]struct{} // targets with an activity
	sorted    *sortedIDs
}

func newRegistry() *registry {
	return &registry{
		targets:   map[scaling.ResourceID]*target{},
		byID:      map[string]scaling.ResourceID{},
		policies:  map[string]*policy{},
		following: map[scaling.ResourceID]struct{}{},
		sorted:    new(sortedIDs),
	}
}

// index makes a target known.
func (r *registry) index(t *target) {
	if r.targets[t.ResourceID] == nil {
		r.sorted.forget()
	}
	r.targets[t.ResourceID] = t
	r.byID[t.ID] = t.ResourceID
	for _, p := range t.policies {
		r.policies[p.ARN] = p
	}
	if t.Activity != nil {
		r.following[t.ResourceID] = struct{}{}
	} else {
		delete(r.following, t.ResourceID)
	}
}

// unindex makes a target unknown.
func (r *registry) unindex(t *target) {
	r.sorted.forget()
	delete(r.targets, t.ResourceID)
	delete(r.byID, t.ID)
	delete(r.following, t.ResourceID)
	for _, p := range t.policies {
		delete(r.policies, p.ARN)
	}
}

// put keeps a target in the place of the one with its resource id. It writes the
// documents that differ.
func (r *registry) put(tx *state.Tx, t *target) {
	old := r.targets[t.ResourceID]
	if old == nil {
		old = &target{}
	} else {
		r.drop(old, t)
	}
	r.index(t)
	tx.Undo(func() {
		r.unindex(t)
		if old.row != nil {
			r.index(old)
		}
	})
	if t.row != old.row {
		tx.Put(kindTarget, string(t.ResourceID), t.row)
	}
	putChanged(tx, kindPolicy, t.ResourceID, old.policies, t.policies)
	putChanged(tx, kindAction, t.ResourceID, old.actions, t.actions)
}

// drop forgets the policies of a target that the one in its place has not.
func (r *registry) drop(old, t *target) {
	for _, p := range old.policies {
		if t.policy(p.Name) == nil {
			delete(r.policies, p.ARN)
		}
	}
}

// putChanged writes the documents of a target's list that are new or another than
// before, and deletes those that are gone.
func putChanged[T named](tx *state.Tx, k state.Kind, id scaling.ResourceID, old, now []T) {
	before := make(map[string]T, len(old))
	for _, v := range old {
		before[v.named()] = v
	}
	for _, v := range now {
		if before[v.named()] != v {
			tx.Put(k, keyOf(id, v.named()), v)
		}
		delete(before, v.named())
	}
	for _, gone := range slices.Sorted(maps.Keys(before)) {
		tx.Delete(k, keyOf(id, gone))
	}
}

// remove forgets a target with all that belongs to it.
func (r *registry) remove(tx *state.Tx, t *target) {
	r.unindex(t)
	tx.Undo(func() { r.index(t) })
	of := keysOf(t.ResourceID)
	tx.Delete(kindTarget, string(t.ResourceID))
	tx.DeleteRange(kindPolicy, of)
	tx.DeleteRange(kindPrediction, of)
	tx.DeleteRange(kindAction, of)
}

// policy is a policy, or nil.
func (r *registry) policy(id policyID) *policy {
	if t := r.targets[id.target]; t != nil {
		return t.policy(id.name)
	}
	return nil
}

// putPolicy keeps a policy in the place of the target's one with its name.
func (r *registry) putPolicy(tx *state.Tx, p *policy) {
	r.put(tx, r.targets[p.ResourceID].withPolicy(p))
}

// listed are all targets in the order of their resource ids.
func (r *registry) listed() []scaling.ResourceID {
	return r.sorted.of(func() []scaling.ResourceID { return slices.Sorted(maps.Keys(r.targets)) })
}

// selected are the targets with some resource ids, or without any all of them, in
// the order of their ids.
func (r *registry) selected(ids ...scaling.ResourceID) []*target {
	if len(ids) == 0 {
		ids = r.listed()
	} else {
		ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	}
	targets := make([]*target, 0, len(ids))
	for _, id := range ids {
		if t := r.targets[id]; t != nil {
			targets = append(targets, t)
		}
	}
	return targets
}

// ofKind are those of them that are of a kind.
func (r *registry) ofKind(k scaling.Kind, ids ...scaling.ResourceID) []*target {
	return slices.DeleteFunc(r.selected(ids...), func(t *target) bool { return t.ResourceID.Kind() != k })
}

// sortedIDs are the resource ids of all targets in order, sorted when they are
// asked for first. Readers may ask at the same time.
type sortedIDs struct {
	ids atomic.Pointer[[]scaling.ResourceID]
}

func (s *sortedIDs) forget() { s.ids.Store(nil) }

func (s *sortedIDs) of(sort func() []scaling.ResourceID) []scaling.ResourceID {
	if ids := s.ids.Load(); ids != nil {
		return *ids
	}
	ids := sort()
	s.ids.Store(&ids)
	return ids
}
