package autoscaling

import (
	"fmt"
	"log/slog"
	"slices"

	"flyball/internal/state"
)

// loadRegistry reads what was kept.
func loadRegistry(st *state.State, known *zones, log *slog.Logger) (*registry, error) {
	l := loading{registry: newRegistry(), state: st, zones: known, log: log}
	for _, load := range []func() error{l.loadTargets, l.loadPolicies, l.loadPredictions, l.loadActions} {
		if err := load(); err != nil {
			return nil, err
		}
	}
	for _, t := range l.targets {
		slices.SortFunc(t.policies, byName)
		slices.SortFunc(t.actions, byName)
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
			if err := l.loadPrediction(p); err != nil {
				return err
			}
		}
	}
	return nil
}

// loadPrediction reads back what a policy forecast last.
func (l *loading) loadPrediction(p *policy) error {
	if p.Predictive == nil {
		return nil
	}
	newest := p.id().predictions()
	newest.Reverse = true
	return state.Scan(l.state, kindPrediction, newest, func(_ string, f *prediction) bool {
		p.prediction = f
		return false
	})
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
