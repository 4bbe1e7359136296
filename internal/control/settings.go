package control

import (
	"fmt"
	"slices"

	"flyball/internal/policydoc"
	"flyball/scaling"
)

// Apply gives a target what a file beside its policies says of it, and of all.
func Apply(b policydoc.Beside, t Target) (Target, error) {
	var err error
	if t.Limits, err = limits(b.Limits, t.Limits); err != nil {
		return t, fmt.Errorf("limits: %w", err)
	}
	of := b.Targets[string(t.Resource)]
	if t.Limits, err = limits(of.Limits, t.Limits); err != nil {
		return t, fmt.Errorf("limits of %s: %w", t.Resource, err)
	}
	t.Paused = of.Paused
	return t, nil
}

// limits are those that are written, in the place of others.
func limits(written policydoc.Limits, others scaling.Limits) (l scaling.Limits, err error) {
	l = others
	if written.Out != "" {
		if l.Out, err = scaling.ParseLimit(string(written.Out)); err != nil {
			return others, fmt.Errorf("scaleOutPerMinute: %w", err)
		}
	}
	if written.In != "" {
		if l.In, err = scaling.ParseLimit(string(written.In)); err != nil {
			return others, fmt.Errorf("scaleInPerMinute: %w", err)
		}
	}
	return l, nil
}

// join adds what another file says.
func join(a, b policydoc.Beside) policydoc.Beside {
	if b.Limits != (policydoc.Limits{}) {
		a.Limits = b.Limits
	}
	a.Metrics = slices.Concat(a.Metrics, b.Metrics)
	targets := map[string]policydoc.OfTarget{}
	for _, of := range []map[string]policydoc.OfTarget{a.Targets, b.Targets} {
		for id, one := range of {
			targets[id] = one
		}
	}
	a.Targets = targets
	return a
}
