package autoscaling

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"flyball/governor"
	"flyball/internal/state"
	"flyball/internal/store"
	"flyball/scaling"
)

// The kinds of documents.
var (
	kindTarget     = state.Kind{Name: "autoscaling.target", Version: 1}     // by resource id
	kindPolicy     = state.Kind{Name: "autoscaling.policy", Version: 1}     // by resource id and policy name
	kindAction     = state.Kind{Name: "autoscaling.action", Version: 1}     // by resource id and scheduled action name
	kindPrediction = state.Kind{Name: "autoscaling.prediction", Version: 1} // by resource id, policy name and first hour
)

// A target is a scalable target with what belongs to it. It is a value: a change
// is another target in its place.
type target struct {
	*row
	policies []*policy // by name
	actions  []*action // by name
}

// A row is a target as the store keeps it, without its policies and actions.
type row struct {
	ResourceID scaling.ResourceID
	ARN        string
	Min, Max   int32
	Suspended  scaling.Suspended
	Role       string `json:",omitempty"` // "": the service-linked one
	Created    time.Time
	Tags       map[string]string `json:",omitempty"`
	governor.State
}

// A registry is all targets, and where their policies are found. It is guarded by
// the state's lock.
type registry struct {
	targets   map[scaling.ResourceID]*target
	byARN     map[string]scaling.ResourceID   // targets
	policies  map[string]policyID             // by ARN
	following map[scaling.ResourceID]struct{} // targets with an activity
	sorted    *sortedIDs
}

// A policyID names a policy.
type policyID struct {
	target scaling.ResourceID
	name   string
}

func (id policyID) key() string { return string(id.target) + " " + id.name }

// loadRegistry reads what was kept.
func loadRegistry(st *state.State, known *zones, log *slog.Logger) (*registry, error) {
	l := loading{
		registry: &registry{
			targets:   map[scaling.ResourceID]*target{},
			byARN:     map[string]scaling.ResourceID{},
			policies:  map[string]policyID{},
			following: map[scaling.ResourceID]struct{}{},
			sorted:    new(sortedIDs),
		},
		state: st, zones: known, log: log,
	}
	for _, load := range []func() error{l.loadTargets, l.loadPolicies, l.loadPredictions, l.loadActions} {
		if err := load(); err != nil {
			return nil, err
		}
	}
	for _, t := range l.targets {
		slices.SortFunc(t.policies, func(x, y *policy) int { return strings.Compare(x.Name, y.Name) })
		slices.SortFunc(t.actions, func(x, y *action) int { return strings.Compare(x.Name, y.Name) })
		l.index(t)
	}
	l.forgetStrays()
	return l.registry, nil
}

// loading is a registry that is being read.
type loading struct {
	*registry
	state  *state.State
	zones  *zones
	log    *slog.Logger
	strays []stray
}

// A stray is a document whose target is gone. Releases could leave some behind
// that were killed at the wrong moment.
type stray struct {
	kind state.Kind
	key  string
}

func (l *loading) loadTargets() error {
	return state.Load(l.state, kindTarget, func(_ string, t *row) error {
		l.targets[t.ResourceID] = &target{row: t}
		return nil
	})
}

func (l *loading) loadPolicies() error {
	return state.Load(l.state, kindPolicy, func(key string, p *policy) error {
		t := l.targets[p.ResourceID]
		if t == nil {
			l.strays = append(l.strays, stray{kindPolicy, key})
			return nil
		}
		if err := p.compile(); err != nil {
			return fmt.Errorf("policy %s: %w", p.ARN, err)
		}
		t.policies = append(t.policies, p)
		return nil
	})
}

func (l *loading) loadPredictions() error {
	for _, t := range l.targets {
		for _, p := range t.policies {
			if err := loadPrediction(l.state, p); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *loading) loadActions() error {
	return state.Load(l.state, kindAction, func(key string, c *action) error {
		t := l.targets[c.ResourceID]
		if t == nil {
			l.strays = append(l.strays, stray{kindAction, key})
			return nil
		}
		if err := c.compile(l.zones); err != nil { // a newer time zone database may not have the zone, or the time
			l.log.Error("a scheduled action never runs: its schedule is no longer valid", "target", c.ResourceID, "action", c.Name, "error", err)
		}
		t.actions = append(t.actions, c)
		return nil
	})
}

func (l *loading) forgetStrays() {
	l.state.Later(func(tx *state.Tx) {
		for _, s := range l.strays {
			l.log.Warn("forgotten: it belongs to no scalable target", "kind", s.kind.Name, "key", s.key)
			tx.Delete(s.kind, s.key)
		}
	})
}

// index makes a target known.
func (r *registry) index(t *target) {
	if r.targets[t.ResourceID] == nil {
		r.sorted.forget()
	}
	r.targets[t.ResourceID] = t
	r.byARN[t.ARN] = t.ResourceID
	for _, p := range t.policies {
		r.policies[p.ARN] = p.id()
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
	delete(r.byARN, t.ARN)
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
	putChanged(tx, kindPolicy, old.policies, t.policies, func(p *policy) string { return p.id().key() })
	putChanged(tx, kindAction, old.actions, t.actions, func(c *action) string { return actionKey(c.ResourceID, c.Name) })
}

// drop forgets the policies of a target that the one in its place has not.
func (r *registry) drop(old, t *target) {
	for _, p := range old.policies {
		if t.policy(p.Name) == nil {
			delete(r.policies, p.ARN)
		}
	}
}

// putChanged writes the documents of a list that are new or another than before,
// and deletes those that are gone.
func putChanged[T any](tx *state.Tx, k state.Kind, old, now []*T, key func(*T) string) {
	before := make(map[string]*T, len(old))
	for _, v := range old {
		before[key(v)] = v
	}
	for _, v := range now {
		if before[key(v)] != v {
			tx.Put(k, key(v), v)
		}
		delete(before, key(v))
	}
	for _, gone := range slices.Sorted(maps.Keys(before)) {
		tx.Delete(k, gone)
	}
}

// remove forgets a target with all that belongs to it.
func (r *registry) remove(tx *state.Tx, t *target) {
	r.unindex(t)
	tx.Undo(func() { r.index(t) })
	of := store.Prefix(string(t.ResourceID) + " ")
	tx.Delete(kindTarget, string(t.ResourceID))
	tx.DeleteRange(kindPolicy, of)
	tx.DeleteRange(kindPrediction, of)
	tx.DeleteRange(kindAction, of)
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

// policy is the target's policy of a name, or nil.
func (t *target) policy(name string) *policy { return named(t.policies, name, (*policy).named) }

// action is the target's scheduled action of a name, or nil.
func (t *target) action(name string) *action { return named(t.actions, name, (*action).named) }

// named finds an item in a list by name, or returns nil.
func named[T any](list []*T, name string, of func(*T) string) *T {
	if i, ok := slices.BinarySearchFunc(list, name, func(v *T, name string) int { return strings.Compare(of(v), name) }); ok {
		return list[i]
	}
	return nil
}

// with is a list by name with an item in it, in the place of the one of its name.
func with[T any](list []*T, item *T, of func(*T) string) []*T {
	i, found := slices.BinarySearchFunc(list, of(item), func(v *T, name string) int { return strings.Compare(of(v), name) })
	if list = slices.Clone(list); found {
		list[i] = item
		return list
	}
	return slices.Insert(list, i, item)
}

// without is a list without an item.
func without[T comparable](list []T, item T) []T {
	return slices.DeleteFunc(slices.Clone(list), func(v T) bool { return v == item })
}
