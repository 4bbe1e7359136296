package main

import (
	"math"
	"slices"
	"time"

	"flyball/scaling"
	"flyball/sim"
)

// targetMinutes measures how many minutes of a scalable target with one target tracking
// policy are simulated in a second of processor time, over a year of days.
func targetMinutes() error {
	rule, err := scaling.NewTargetTracking(scaling.TrackingConfig{Target: 50, ScaleOutCooldown: 5 * time.Minute, ScaleInCooldown: 5 * time.Minute, OfTasks: true})
	if err != nil {
		return err
	}
	bounds, err := scaling.NewBounds(1, 50)
	if err != nil {
		return err
	}
	scenario := sim.Scenario{
		Start:    time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		Service:  sim.Service{CPU: 50 * time.Millisecond, VCPU: 0.25, Start: 30 * time.Second},
		Bounds:   bounds,
		Initial:  2,
		Policies: []sim.Policy{sim.Tracking("cpu", rule, sim.Metric{Quantity: sim.CPUUtilization}, sim.Pace{})},
	}
	traffic, minutes := year(), 0
	began := processorTime()
	for processorTime()-began < 2*time.Second {
		r, err := sim.Run(scenario, traffic)
		if err != nil {
			return err
		}
		minutes += r.Minutes
	}
	figure("simulated_target_minutes", float64(minutes)/(processorTime()-began).Seconds(), "minutes/core-s")
	return nil
}

// year is traffic that swings between 300 and 2,700 requests a minute each day, with some
// noise.
func year() sim.Traffic {
	var minutes []sim.Minute
	for i := range 365 * 24 * 60 {
		noise := float64((i*7919)%101-50) / 1000
		v := (1500 - 1200*math.Cos(2*math.Pi*float64(i)/1440)) * (1 + noise)
		minutes = append(minutes, sim.Minute{Requests: v})
	}
	return slices.Values(minutes)
}
