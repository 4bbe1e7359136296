package fit

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"flyball/internal/duration"
)

// A History is what was measured of a service in equal steps of time, oldest first. A list that is
// nil was not measured; NaN is a step without a value.
type History struct {
	Start time.Time // of the first step; zero if that is not known
	Step  time.Duration
	// Faster is how many times as fast the clock of the steps is as that of the tasks, as a server's
	// clock can be; 0 is 1. Times of a model are those of the tasks.
	Faster float64

	Requests []float64 // that arrived in the step, or messages that were sent
	CPU      []float64 // utilization, in percent of what the tasks have
	Memory   []float64 // utilization, in percent of what the tasks have
	Tasks    []float64 // that ran, on average or at the end of the step
	Desired  []float64 // tasks that were to run
	Serving  []float64 // tasks that got requests, for they were healthy
	Living   []float64 // tasks that ran, and those that had been told to stop and were not gone yet
	Latency  []float64 // seconds that a request took, on average
	P95      []float64 // seconds that 95 % of the requests took at most
	Done     []float64 // messages that were done with, for workers
	Waiting  []float64 // messages that wait at the end of the step, for workers
	InHand   []float64 // messages that are being worked at, for workers

	// Starts are how long single tasks took from being asked for until they ran.
	Starts []time.Duration
	// Drains are how long single tasks took from being told to stop until they were gone.
	Drains []time.Duration
}

// A Task is the size of one.
type Task struct {
	VCPU   float64
	Memory float64 // MiB; 0: not known
}

// seconds are those of a step on the clock of the tasks.
func (h *History) seconds() float64 { return h.Step.Seconds() / cmp.Or(h.Faster, 1) }

// series are the lists with what they are called.
func (h *History) series() []struct {
	name   string
	values *[]float64
} {
	type named = struct {
		name   string
		values *[]float64
	}
	return []named{
		{"requests", &h.Requests}, {"CPU", &h.CPU}, {"memory", &h.Memory}, {"tasks", &h.Tasks}, {"desired tasks", &h.Desired}, {"healthy tasks", &h.Serving}, {"living tasks", &h.Living},
		{"latency", &h.Latency}, {"p95 latency", &h.P95}, {"messages done", &h.Done}, {"messages waiting", &h.Waiting}, {"messages in hand", &h.InHand},
	}
}

// len is the number of steps.
func (h *History) len() int {
	n := 0
	for _, s := range h.series() {
		n = max(n, len(*s.values))
	}
	return n
}

// most is the largest value of a series.
const most = 1e15

func (h *History) check(t Task) error {
	if h.Step < time.Second || h.Step > 24*time.Hour || !(h.Faster >= 0 && h.Faster <= 1e6) {
		return fmt.Errorf("a step of %s; it must be a second to a day", duration.String(h.Step))
	}
	n := h.len()
	for _, s := range h.series() {
		if *s.values != nil && len(*s.values) != n {
			return fmt.Errorf("%s has %d steps and others have %d", s.name, len(*s.values), n)
		}
		for i, v := range *s.values {
			if v < 0 || v > most {
				return fmt.Errorf("%s of step %d is %v; it must be a number from 0 to %v: leave the row out", s.name, i+1, v, most)
			}
		}
	}
	if !(t.VCPU > 0 && t.VCPU <= 1024) || !(t.Memory >= 0) {
		return errors.New("a task has no size")
	}
	return nil
}

// A step is what is known of one.
type step struct {
	rate    float64 // requests a second
	tasks   float64
	cpu     float64 // percent
	memory  float64 // percent
	latency float64 // seconds
	p95     float64
	steady  bool // neither the step before nor the one after has another number of tasks
}

// perTask is the rate of one task.
func (s step) perTask() float64 { return s.rate / s.tasks }

// at is a value that may not be there.
func at(values []float64, i int) float64 {
	if i < 0 || i >= len(values) {
		return math.NaN()
	}
	return values[i]
}

// steps are those in which requests and tasks are known and some tasks run.
func (h *History) steps() []step {
	var all []step
	for i := range h.len() {
		if s, is := h.step(i); is {
			all = append(all, s)
		}
	}
	return all
}

// step is what is known of a step, if requests and tasks are.
func (h *History) step(i int) (step, bool) {
	s := step{
		rate: at(h.Requests, i) / h.seconds(), tasks: at(h.Tasks, i), cpu: at(h.CPU, i), memory: at(h.Memory, i),
		latency: at(h.Latency, i), p95: at(h.P95, i),
	}
	s.steady = s.tasks == at(h.Tasks, i-1) && (i+1 == len(h.Tasks) || s.tasks == at(h.Tasks, i+1))
	return s, s.rate >= 0 && s.tasks > 0
}

// settled are the steps in which the tasks do not change, or all if these are few.
func settled(all []step) []step {
	steady := slices.DeleteFunc(slices.Clone(all), func(s step) bool { return !s.steady })
	if len(steady) >= fewSteps && 3*len(steady) >= len(all) {
		return steady
	}
	return all
}

// mostSteps is how many steps are looked at: more would take long, and tell hardly more.
const mostSteps = 20_000

// thinned are every so many steps of very many.
func thinned[T any](m *Model, all []T) []T {
	each := (len(all) + mostSteps - 1) / mostSteps
	if each <= 1 {
		return all
	}
	m.note("Of so many steps, one in %d was looked at.", each)
	some := make([]T, 0, len(all)/each+1)
	for i := 0; i < len(all); i += each {
		some = append(some, all[i])
	}
	return some
}

// fewSteps is how many steps a value needs at least.
const fewSteps = 12
