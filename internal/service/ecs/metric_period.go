package ecs

import (
	"context"
	"time"

	"flyball/internal/state"
)

// usualPeriod is the period of ECS metrics.
const usualPeriod = time.Minute

// servicesByPeriod are the services by the period of their metrics.
type servicesByPeriod map[time.Duration]map[*service]struct{}

// SetMetricPeriod sets the period of a service's CPU and memory metrics, in
// virtual time: from one second to a minute, and a part of a minute such as 20
// seconds. Any other period means a minute again. It holds for the name of the
// service, whether it exists yet or not. Inside a change of the cell's state it is
// part of that, and taken back with it.
func (a *API) SetMetricPeriod(ctx context.Context, cluster, service string, period time.Duration) {
	if period < time.Second || period > usualPeriod || usualPeriod%period != 0 {
		period = usualPeriod
	}
	// Nothing is written, so nothing can fail.
	_ = a.cell.State.Maintain(ctx, func(_ context.Context, tx *state.Tx) error {
		if key := cluster + "/" + service; period == usualPeriod {
			drop(tx, a.periods, key)
		} else {
			put(tx, a.periods, key, period)
		}
		if c, ok := a.clusters[cluster]; ok {
			if s, ok := c.services[service]; ok && s.status() != inactive {
				a.setPeriod(tx, s, a.periodOf(s))
			}
		}
		return nil
	})
}

// periodOf is the shorter of the period that was set for a service and the
// resolution that it was given itself, or a minute.
func (a *API) periodOf(s *service) time.Duration {
	period := usualPeriod
	if p, ok := a.periods[s.key()]; ok {
		period = p
	}
	if s.monitoring != nil {
		for _, c := range s.monitoring.MetricConfigurations {
			period = min(period, time.Duration(*c.ResolutionSeconds)*time.Second)
		}
	}
	return period
}

// setPeriod files a service under its period, or for 0 under none, until the
// change fails.
func (a *API) setPeriod(tx *state.Tx, s *service, period time.Duration) {
	old := s.period
	if old == period {
		return
	}
	tx.Undo(func() { a.fileUnder(s, old) })
	a.fileUnder(s, period)
}

func (a *API) fileUnder(s *service, period time.Duration) {
	delete(a.byPeriod[s.period], s)
	if len(a.byPeriod[s.period]) == 0 {
		delete(a.byPeriod, s.period)
	}
	s.period = period
	if period == 0 {
		return
	}
	if a.byPeriod[period] == nil {
		a.byPeriod[period] = map[*service]struct{}{}
	}
	a.byPeriod[period][s] = struct{}{}
	a.newPeriod.Set()
}
