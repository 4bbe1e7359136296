package main

import (
	"fmt"
	"math"
	"time"

	"flyball/internal/policydoc"
	"flyball/internal/preset"
	"flyball/internal/tune"
	"flyball/sim"
)

// ahead measures Flyball's own controller against target tracking, on the last third of each workload: the
// task-hours of both where both have too few tasks in as many minutes. Target tracking has AWS's cooldowns,
// and is between target values in steps of 2.5 %, along a straight line.
func ahead(dir string) error {
	all, err := workloads(dir)
	if err != nil {
		return err
	}
	fmt.Printf("# %d tasks at the busiest; last third\n%-26s %14s %12s %12s %8s\n", tunedTasks, "workload", "too few tasks", "lookahead h", "tracking h", "of it")
	for _, w := range all {
		p, err := w.problem(1)
		if err != nil {
			return err
		}
		own, err := preset.ParseShort("flyball:")
		if err != nil {
			return err
		}
		c := tune.Defaults()
		c.Min, c.Max = p.Min, p.Max
		few, hours, err := w.supply(p, policydoc.Documents{Targets: p.Subject.Documents(c).Targets, Autoscalers: []preset.Preset{own}})
		if err != nil {
			return err
		}
		tracking, err := w.tracking(p, c, few)
		if err != nil {
			return err
		}
		fmt.Printf("%-26s %12.2f %% %12.0f %12.0f %8.3f\n", w.name, few, hours, tracking, hours/tracking)
	}
	return nil
}

// tracking is how many task-hours target tracking has that has too few tasks in a share of the minutes; not
// a number where no target value has as few.
func (w workload) tracking(p tune.Problem, c tune.Candidate, share float64) (float64, error) {
	var few, hours float64
	for target := 95.0; target >= 10; target -= 2.5 {
		c.Target = target
		lower, more, err := w.supply(p, p.Subject.Documents(c))
		if err != nil {
			return 0, err
		}
		if lower <= share {
			if hours == 0 || few == lower {
				return more, nil
			}
			return more + (hours-more)*(share-lower)/(few-lower), nil
		}
		few, hours = lower, more
	}
	return math.NaN(), nil
}

// supply is in which share of the minutes documents have too few tasks, in percent, and how many task-hours.
func (w workload) supply(p tune.Problem, d policydoc.Documents) (few, hours float64, err error) {
	s, err := p.Build(d)
	if err != nil {
		return 0, 0, err
	}
	for _, a := range d.Autoscalers {
		a.Apply(&s)
	}
	s.Agreement, s.WarmUp = p.Goal.Latency(), time.Duration(p.Train)*time.Minute
	r, err := sim.Run(s, func(yield func(sim.Minute) bool) {
		for _, v := range p.Requests {
			if !yield(sim.Minute{Requests: v}) {
				return
			}
		}
	})
	return r.Elasticity.UnderTimeshare, r.TaskHours, err
}
