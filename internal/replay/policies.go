package replay

import (
	"math"
	"slices"
	"time"

	"flyball/governor"
	"flyball/scaling"
	"flyball/sim"
)

// cooldown is what ECS services wait where a policy says nothing.
const cooldown = 300 * time.Second

// began is when traffic begins, for what has no times of its own.
var began = time.Unix(0, 0).UTC().AddDate(2, 0, 0)

// track is the tasks that serve in each minute under target tracking, and under a
// forecast as its floor where there is one.
func (s Setup) track(t Traffic, forecast sim.Forecaster) ([]scaling.Capacity, error) {
	bounds, err := scaling.NewBounds(1, math.MaxInt32)
	if err != nil {
		return nil, err
	}
	rule, err := scaling.NewTargetTracking(scaling.TrackingConfig{
		Target: s.target(), ScaleOutCooldown: cooldown, ScaleInCooldown: cooldown,
	})
	if err != nil {
		return nil, err
	}
	serving := make([]scaling.Capacity, 0, len(t))
	scenario := sim.Scenario{
		Start: began, Bounds: bounds, Initial: scaling.Capacity(s.need(t[0])),
		// A task serves so many requests a minute, one after the other.
		Service:  sim.Service{Wait: s.perRequest(), Concurrency: 1, Start: s.start()},
		Policies: []sim.Policy{sim.Tracking("tracking", rule, sim.Metric{Quantity: sim.RequestCountPerTarget}, sim.Pace{})},
		Forecast: forecast,
		Observer: sim.Observer{Minute: func(r sim.Record) { serving = append(serving, scaling.Capacity(r.Serving)) }},
	}
	if forecast != nil {
		scenario.Policies = append(scenario.Policies, sim.Policy{Name: "forecast", Predictive: &sim.Predictive{
			Load: sim.RequestCount, Metric: sim.RequestCountPerTarget, Target: s.target(), Scales: true, Buffer: s.Buffer, Quantile: s.Quantile,
		}})
	}
	_, err = sim.Run(scenario, func(yield func(sim.Minute) bool) {
		for _, v := range t {
			if !yield(sim.Minute{Requests: v}) {
				return
			}
		}
	})
	return serving, err
}

// perRequest is the time that a task takes for a request.
func (s Setup) perRequest() time.Duration {
	return time.Duration(min(max(float64(time.Minute)/s.PerTask, 1), float64(24*time.Hour)))
}

// start is the time that a task takes to start, in whole minutes: it serves in the first
// one that it serves all of.
func (s Setup) start() time.Duration { return (s.Start + time.Minute - 1).Truncate(time.Minute) }

// follow is the tasks that serve in each minute if the capacity is what is forecast,
// neither more nor less. No policy of the server does that: it is what the forecast is
// worth by itself.
func (s Setup) follow(hours []float64, forecast sim.Forecaster) ([]scaling.Capacity, error) {
	plan := scaling.Plan{Start: began, Hours: make([]scaling.Capacity, len(hours))}
	past := make([]scaling.Hour, len(hours))
	for i, load := range hours {
		past[i] = scaling.Hour{Load: load, Metric: s.target(), Tasks: load / 60 / s.target()}
	}
	every := int(governor.RenewedAfter / time.Hour)
	for made := governor.NeededHours; made < len(hours); made += every {
		f, err := forecast(past[max(0, made-governor.HistoryHours):made], s.target(), s.Quantile)
		if err != nil {
			return nil, err
		}
		copy(plan.Hours[made:], f.Capacity[:every])
	}
	desired := make([]scaling.Capacity, 60*len(hours))
	for i := range desired {
		now := began.Add(time.Duration(i) * time.Minute)
		desired[i] = max(1, plan.Floor("", now, now.Add(s.Buffer).Truncate(time.Hour)).Capacity)
	}
	// A task that was asked for in every minute of the time that it takes to start serves
	// now; what is not asked for stops at once.
	start := int(s.start() / time.Minute)
	serving := make([]scaling.Capacity, len(desired))
	for i := range serving {
		serving[i] = slices.Min(desired[max(0, i-start) : i+1])
	}
	return serving, nil
}

// seasonalNaive repeats the same hour of last week, in the first week that of the day
// before.
func seasonalNaive(history []scaling.Hour, target, _ float64) (governor.Prediction, error) {
	season := 7 * 24
	if len(history) < season {
		season = 24
	}
	if len(history) < season {
		return governor.Prediction{}, governor.ShortHistory{Hours: len(history)}
	}
	last := history[len(history)-season:]
	p := governor.Prediction{Relation: scaling.Relation{PerLoad: 1.0 / 60}}
	for i := range governor.ForecastHours {
		load := last[i%season].Load
		p.Load = append(p.Load, load)
		p.Capacity = append(p.Capacity, p.Relation.Capacity(load, target))
	}
	return p, nil
}

// remembering is a forecaster that makes each forecast once: of one traffic, the one with
// so many hours whose newest have some load.
func remembering(forecast sim.Forecaster) sim.Forecaster {
	type key struct {
		hours  int
		totals [2]float64
	}
	made := map[key]governor.Prediction{}
	return func(history []scaling.Hour, target, quantile float64) (governor.Prediction, error) {
		k := key{hours: len(history)}
		for i, h := range history {
			k.totals[0] += h.Load
			k.totals[1] += h.Load * float64(i)
		}
		if p, ok := made[k]; ok {
			return p, nil
		}
		p, err := forecast(history, target, quantile)
		if err == nil {
			made[k] = p
		}
		return p, err
	}
}
