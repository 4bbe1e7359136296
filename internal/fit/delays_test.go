package fit_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"flyball/internal/fit"
	"flyball/scaling"
	"flyball/sim"
)

// coming measures each minute of a service whose tasks come and go by hand, at any moment.
func coming(t *testing.T, service sim.Service, seed uint64) fit.History {
	t.Helper()
	bounds, err := scaling.NewBounds(1, 100)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(seed, 2))
	s := sim.Scenario{Start: start, Service: service, Bounds: bounds, Initial: 4, Seed: seed}
	for at := start.Add(20 * time.Minute); at.Before(start.Add(10 * time.Hour)); at = at.Add(20*time.Minute + time.Duration(random.IntN(600))*time.Second) {
		to := scaling.Capacity(2 + random.IntN(12))
		s.Changes = append(s.Changes, sim.Change{At: at, Desired: &to})
	}
	h := fit.History{Start: start, Step: time.Minute}
	s.Observer.Minute = func(r sim.Record) {
		h.Requests = append(h.Requests, r.Requests)
		h.Desired = append(h.Desired, float64(r.Desired))
		h.Tasks = append(h.Tasks, float64(r.Running))
		h.Serving = append(h.Serving, float64(r.Serving))
		h.Living = append(h.Living, r.Paid/60)
		h.CPU = append(h.CPU, 100*r.Requests*service.CPU.Seconds()/(60*service.VCPU*float64(r.Running)))
	}
	if _, err := sim.Run(s, func(yield func(sim.Minute) bool) {
		for i := range 600 {
			if !yield(sim.Minute{Requests: float64(60 + i%100)}) {
				return
			}
		}
	}); err != nil {
		t.Fatal(err)
	}
	return h
}

// How long tasks take to start, to be healthy and to go is found from how many there are of each, within
// the bounds that are told.
func TestDelaysOfTasksAreFoundInTheirNumbers(t *testing.T) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 1))
		delay := func() time.Duration { return time.Duration(20+random.IntN(280)) * time.Second }
		service := sim.Service{CPU: 50 * time.Millisecond, VCPU: 0.5, Start: delay(), Healthy: delay(), Drain: delay()}
		m, err := fit.Estimate(coming(t, service, seed), fit.Task{VCPU: 0.5})
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]time.Duration{fit.Start: service.Start, fit.HealthCheck: service.Healthy, fit.Drain: service.Drain} {
			v, told := m.Value(name)
			if told && (want.Seconds() < v.Low || want.Seconds() > v.High || v.High-v.Low > 121) || !told && want > time.Minute {
				t.Errorf("seed %d: %s is %v, want %v", seed, name, v, want)
			}
		}
	}
}

// Times of single tasks go before numbers of them, on the clock of the tasks.
func TestDrainsOfSingleTasksAreTold(t *testing.T) {
	h := coming(t, sim.Service{CPU: 50 * time.Millisecond, VCPU: 0.5, Drain: 5 * time.Minute}, 1)
	for i := range 12 {
		h.Drains = append(h.Drains, time.Duration(28+i%5)*time.Second)
	}
	m, err := fit.Estimate(h, fit.Task{VCPU: 0.5})
	if err != nil {
		t.Fatal(err)
	}
	if v, _ := m.Value(fit.Drain); math.Abs(v.At-29.75) > 0.01 || v.Low < 28.5 || v.High > 31 {
		t.Errorf("%+v, want half a minute", v)
	}
	for _, v := range m.Values {
		if v.Name == fit.HealthCheck {
			t.Errorf("a delay of none is told: %+v", v)
		}
	}
}
