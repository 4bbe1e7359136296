package sim

import (
	"time"

	"flyball/governor"
	"flyball/metric"
	"flyball/scaling"
)

// explain tells the observer how the target stands at the scenario's Explain, with what its
// alarms see then, and before anything is done about it. It changes nothing.
func (h *host) explain() {
	r := h.run
	r.explains = never
	now := moment(r.now)
	seen := governor.Seen{Capacity: r.capacity(), Alarms: map[string][]scaling.Alarm{}}
	for i, p := range h.governor.Policies {
		for k, w := range h.watchers[i] {
			a := h.alarms[i][k]
			a.State, a.Since, a.Datapoints = w.watch.State, w.since(), append([]metric.Datapoint(nil), w.newest(now)...)
			seen.Alarms[p.Name] = append(seen.Alarms[p.Name], a)
		}
	}
	r.scenario.Observer.Explained(h.governor.Explain(now, seen))
}

// explainsAt is when a run explains itself: never, where nobody asks.
func (s *Scenario) explainsAt() int64 {
	if s.Observer.Explained == nil || s.Explain.IsZero() {
		return never
	}
	return s.Explain.Truncate(time.Second).UnixNano()
}
