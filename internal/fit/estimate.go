package fit

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// saturated is the utilization, in percent, from which requests may pile up: what arrives is not
// what is served then.
const saturated = 95

// ErrNothing is the error of a history that tells nothing of a service.
var ErrNothing = errors.New("nothing can be told of the service")

// Estimate finds the model of a service that answers requests in its history.
func Estimate(h History, t Task) (Model, error) {
	m := Model{Step: h.Step, Task: t}
	if err := h.check(t); err != nil {
		return m, err
	}
	if !h.Start.IsZero() {
		m.From, m.To = h.Start, h.Start.Add(time.Duration(h.len())*h.Step)
	}
	all := h.steps()
	m.Steps = len(all)
	if m.Steps < fewSteps {
		return m, h.tooFew(m.Steps)
	}
	usable := settled(all)
	if left := len(all) - len(usable); left > 0 {
		m.note("Left out %d steps beside a change of the number of tasks.", left)
	}
	usable = thinned(&m, usable)
	e := estimator{task: t}
	cpu := e.estimateCPU(&m, usable)
	e.estimateLatency(&m, usable, cpu)
	e.estimateMemory(&m, usable)
	m.estimateDelays(h)
	if len(m.Values) == 0 {
		return m, fmt.Errorf("%w: %s", ErrNothing, m.Missing[0].Why)
	}
	return m, nil
}

// tooFew says what a history lacks of which requests and tasks are known in few steps.
func (h *History) tooFew(n int) error {
	switch {
	case h.Requests == nil:
		return fmt.Errorf("%w: the history has no requests", ErrNothing)
	case h.Tasks == nil:
		return fmt.Errorf("%w: the history has no number of tasks, and the utilization of tasks says what a request takes only with that", ErrNothing)
	}
	return fmt.Errorf("%w: requests and running tasks are known together in %d steps; there must be %d at least", ErrNothing, n, fewSteps)
}

// An estimator has what is found of a service, for what is found with it.
type estimator struct {
	task  Task
	alone float64 // seconds that the processor time of a request takes in a task
	base  float64 // seconds that a request takes where none waits for another; NaN: not known

	workers bool // what is done is counted, and not what comes
}

// processors are those of a task: one of 0.25 vCPU has one, at a quarter of its speed.
func (t Task) processors() float64 { return math.Max(1, math.Ceil(t.VCPU)) }

// estimateCPU fits the utilization law, with what the tasks use at rest: the seconds that the
// processors of a task are busy in a second are those at rest and, for each request in a second,
// its processor time.
func (e *estimator) estimateCPU(m *Model, all []step) interval {
	e.alone, e.base = math.NaN(), math.NaN()
	var used []step
	full := 0
	for _, s := range all {
		switch {
		case !known(s.cpu):
		case s.cpu >= saturated && !e.workers:
			full++
		default:
			used = append(used, s)
		}
	}
	if len(used) < fewSteps {
		m.miss(CPUPerRequest, "%s", lackOfCPU(all, full))
		return interval{math.NaN(), math.NaN(), math.NaN()}
	}
	if full > 0 {
		m.note("Left out %d steps with processors in use by %d %% or more: requests pile up there, and those served are not those that came.", full, saturated)
	}
	constant := steadyLoad(used)
	found := deleting(used, func(some []step) []float64 {
		if constant {
			return []float64{ratio(e.busy(some)), 0}
		}
		l := fitLine(e.busy(some), normal)
		return []float64{l.slope, l.base}
	})
	cpu, rest := found[0], found[1]
	if !(cpu.at > 0) {
		m.miss(CPUPerRequest, "CPU utilization does not rise with the requests of a task; are both of this service, and of the same time?")
		return interval{math.NaN(), math.NaN(), math.NaN()}
	}
	m.add(CPUPerRequest, Seconds, cpu.notNegative())
	e.alone = cpu.at * e.task.processors() / e.task.VCPU
	switch share := 100 * rest.at / e.task.VCPU; {
	case constant:
		m.note("The requests of a task hardly change (within %.0f %%), so that what tasks use at rest cannot be told from what requests use: all of it was taken for that of requests.", 100*variationOf(used))
	case rest.low > 0 && share >= 0.5:
		m.note("A task uses %.1f %% of its processors without any request. The simulation does not have that: utilization is higher by it than simulated.", share)
	}
	return cpu
}

// lackOfCPU says why processor time is not known.
func lackOfCPU(all []step, full int) string {
	if full > 0 {
		return fmt.Sprintf("CPU utilization is %d %% or more in %d steps, and lower in less than %d: a service that is not overloaded tells what a request takes", saturated, full, fewSteps)
	}
	if slices.ContainsFunc(all, func(s step) bool { return known(s.cpu) }) {
		return fmt.Sprintf("CPU utilization is known in less than %d steps in which requests and tasks are", fewSteps)
	}
	return "there is no CPU utilization"
}

// busy are the points of the utilization law.
func (e *estimator) busy(steps []step) []point {
	usual := 0.0
	for _, s := range steps {
		usual += s.tasks / float64(len(steps))
	}
	points := make([]point, len(steps))
	for i, s := range steps {
		points[i] = point{s.perTask(), s.cpu / 100 * e.task.VCPU, s.tasks / usual}
	}
	return points
}

// ratio is the slope of a line through nothing, without points far from it.
func ratio(points []point) float64 {
	quotients := make([]point, 0, len(points))
	for _, p := range points {
		if p.x > 0 {
			quotients = append(quotients, point{0, p.y / p.x, p.weight})
		}
	}
	return mean(quotients, normal)
}

// steadyLoad is whether requests of a task change too little to tell what comes with them.
func steadyLoad(steps []step) bool { return variationOf(steps) < 0.08 }

// variationOf is the standard deviation of the requests of a task, as a share of their mean.
func variationOf(steps []step) float64 {
	sum, squares, n := 0.0, 0.0, float64(len(steps))
	for _, s := range steps {
		sum += s.perTask()
		squares += s.perTask() * s.perTask()
	}
	return math.Sqrt(max(0, squares/n-sum*sum/n/n)) / (sum / n)
}

// estimateMemory fits the memory of a task to the requests that it has in hand: their rate by the
// time that each takes (Little's law).
func (e *estimator) estimateMemory(m *Model, all []step) {
	var used []step
	for _, s := range all {
		if known(s.memory) && (e.workers || !(s.cpu >= saturated)) {
			used = append(used, s)
		}
	}
	switch {
	case len(used) < fewSteps:
		m.miss(MemoryAtRest, "there is no memory utilization")
		m.miss(MemoryPerRequest, "there is no memory utilization")
		return
	case e.task.Memory == 0:
		m.miss(MemoryAtRest, "how much memory a task has is not known")
		m.miss(MemoryPerRequest, "how much memory a task has is not known")
		return
	}
	constant := steadyLoad(used)
	took := e.base
	if !known(took) {
		took = e.alone
	}
	found := deleting(used, func(some []step) []float64 {
		points := make([]point, len(some))
		for i, s := range some {
			points[i] = point{s.perTask() * took, s.memory / 100 * e.task.Memory, 1}
		}
		if constant || !known(took) {
			return []float64{mean(points, normal), 0}
		}
		l := fitLine(points, normal)
		return []float64{l.base, l.slope}
	})
	m.add(MemoryAtRest, MiB, found[0].notNegative())
	switch {
	case constant:
		m.miss(MemoryPerRequest, "the requests of a task hardly change, and all memory was taken for that at rest")
	case !known(took):
		m.miss(MemoryPerRequest, "how long a task has a request in hand is not known: neither latency nor CPU utilization tells it")
	case found[1].high < 0:
		m.add(MemoryPerRequest, MiB, interval{0, 0, 0})
		m.note("Memory falls with the requests of a task; what a request uses was taken for nothing.")
	default:
		m.add(MemoryPerRequest, MiB, found[1].notNegative())
		if !known(e.base) {
			m.note("Latency is not known: a task was taken to have a request in hand for its processor time, and memory per request is too large if it waits besides.")
		}
	}
}
