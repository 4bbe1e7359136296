package ecs

import "context"

// A Level is how many tasks a service is to have, and has.
type Level struct {
	Cluster, Service          string
	Desired, Running, Pending int
}

// Levels are those of all services that have not ended, in no order.
func (a *API) Levels(ctx context.Context) (levels []Level) {
	a.cell.State.View(ctx, func() {
		for _, c := range a.clusters {
			for _, s := range c.services {
				if !s.there() {
					continue
				}
				l := Level{Cluster: c.name, Service: s.name, Desired: s.desired()}
				for _, n := range s.counts() {
					l.Running += int(n.running)
					l.Pending += int(n.pending)
				}
				levels = append(levels, l)
			}
		}
	})
	return levels
}
