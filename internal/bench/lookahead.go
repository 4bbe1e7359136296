package main

import (
	"fmt"
	"math"
	"slices"
	"time"

	"flyball/autoscaler"
	"flyball/internal/policydoc"
	"flyball/internal/preset"
	"flyball/internal/tune"
	"flyball/sim"
)

// ahead measures Flyball's own controller against target tracking, on the last third of each workload: the
// task-hours of both where both have too few tasks in as many minutes. Target tracking has AWS's cooldowns,
// and is between target values in steps of 2.5 %, along a straight line. Beside it stands what there is to know: the
// task-hours of who knows each coming minute and, of traffic that is made up, of who knows all but its noise.
func ahead(dir string) error {
	all, err := workloads(dir)
	if err != nil {
		return err
	}
	fmt.Printf("# %d tasks at the busiest; last third; task-hours, and what part they are of target tracking's\n%-26s %14s %14s %14s %14s %22s\n",
		tunedTasks, "workload", "too few tasks", "lookahead", "knows all", "but the noise", "lookahead, 0.98")
	for _, w := range all {
		if err := w.ahead(); err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
	}
	return nil
}

// ahead prints a row.
func (w workload) ahead() error {
	p, err := w.problem(1)
	if err != nil {
		return err
	}
	few, hours, err := w.lookahead(p, 0.95)
	if err != nil {
		return err
	}
	tracking, err := w.tracking(p, few)
	if err != nil {
		return err
	}
	_, known, err := w.knowing(p, p.Requests)
	if err != nil {
		return err
	}
	meant, err := w.knowingMeans(p, few)
	if err != nil {
		return err
	}
	fewer, more, err := w.lookahead(p, 0.98)
	if err != nil {
		return err
	}
	trackingMore, err := w.tracking(p, fewer)
	if err != nil {
		return err
	}
	part := func(hours, of float64) string {
		if math.IsNaN(hours) {
			return "-"
		}
		return fmt.Sprintf("%.0f %.3f", hours, hours/of)
	}
	fmt.Printf("%-26s %12.2f %% %14s %14s %14s %22s\n", w.name, few, part(hours, tracking), part(known, tracking), part(meant, tracking),
		fmt.Sprintf("%.2f %% %s", fewer, part(more, trackingMore)))
	return nil
}

// lookahead is how much Flyball's own controller lacks, and its task-hours.
func (w workload) lookahead(p tune.Problem, quantile float64) (few, hours float64, err error) {
	own, err := preset.ParseShort(fmt.Sprintf("flyball:quantile=%v", quantile))
	if err != nil {
		return 0, 0, err
	}
	return w.controlled(p, own)
}

func (w workload) controlled(p tune.Problem, by preset.Preset) (few, hours float64, err error) {
	return w.supply(p, policydoc.Documents{Targets: bounded(p).Targets, Autoscalers: []preset.Preset{by}})
}

// bounded is a target between the bounds of a problem, with AWS's default policy.
func bounded(p tune.Problem) policydoc.Documents {
	c := tune.Defaults()
	c.Min, c.Max = p.Min, p.Max
	return p.Subject.Documents(c)
}

// An oracle knows how many tasks each minute needs, and asks for them a minute before.
type oracle struct {
	start time.Time
	needs []int
}

func (oracle) Interval() time.Duration { return time.Minute }

// Decide covers the minutes in which what it asks for now, and not yet what it asks for next, will serve.
func (o oracle) Decide(s autoscaler.Seen) autoscaler.Decision {
	d := s.Stay()
	d.By = "oracle"
	from := min(int(s.At.Sub(o.start)/time.Minute), len(o.needs)-1)
	d.Replicas = slices.Max(o.needs[from:min(from+2, len(o.needs))])
	return d
}

// knowing is how much an oracle lacks, and its task-hours, who takes loads for those that come.
func (w workload) knowing(p tune.Problem, loads []float64) (few, hours float64, err error) {
	staff := sim.Staffing(p.Service, p.Goal.Latency())
	o := oracle{w.start, make([]int, len(loads))}
	for i, load := range loads {
		o.needs[i] = staff(load / 60)
	}
	return w.controlled(p, preset.Preset{Make: func(sim.Scenario) autoscaler.Autoscaler { return o }})
}

// knowingMeans is how many task-hours an oracle has who knows all of made-up traffic but its noise, and takes loads for
// so much higher that it lacks in a share of the minutes; not a number where nobody knows it without.
func (w workload) knowingMeans(p tune.Problem, share float64) (float64, error) {
	if w.means == nil {
		return math.NaN(), nil
	}
	scale := sum(p.Requests) / sum(w.means)
	loads := make([]float64, len(w.means))
	low, high, best := 1.0, 3.0, math.NaN()
	for range 14 {
		margin := (low + high) / 2
		for i, v := range w.means {
			loads[i] = v * scale * margin
		}
		few, hours, err := w.knowing(p, loads)
		if err != nil {
			return 0, err
		}
		if few > share {
			low = margin
		} else {
			high, best = margin, hours
		}
	}
	return best, nil
}

func sum(values []float64) (all float64) {
	for _, v := range values {
		all += v
	}
	return all
}

// tracking is how many task-hours target tracking has that has too few tasks in a share of the minutes; not
// a number where no target value has as few.
func (w workload) tracking(p tune.Problem, share float64) (float64, error) {
	c := tune.Defaults()
	c.Min, c.Max = p.Min, p.Max
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
