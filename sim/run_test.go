package sim_test

import (
	"errors"
	"math"
	"reflect"
	"runtime"
	"slices"
	"testing"
	"time"

	"flyball/governor"
	"flyball/scaling"
	"flyball/schedule"
	"flyball/sim"
)

// steady is the same requests a minute for some minutes.
func steady(requests float64, minutes int) sim.Traffic {
	return func(yield func(sim.Minute) bool) {
		for range minutes {
			if !yield(sim.Minute{Requests: requests}) {
				return
			}
		}
	}
}

func run(t *testing.T, s sim.Scenario, traffic sim.Traffic) sim.Result {
	t.Helper()
	r, err := sim.Run(s, traffic)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// unscaled is tasks with a processor each, which nothing scales.
func unscaled(t *testing.T, tasks int32, cpu time.Duration) sim.Scenario {
	return sim.Scenario{
		Start: start, Service: sim.Service{CPU: cpu, VCPU: 1}, Bounds: bounds(t, tasks, tasks), Initial: scaling.Capacity(tasks),
		Agreement: sim.Agreement{Within: 3 * cpu},
	}
}

// One by one, requests wait as Erlang says; and the fluid tells the same of them.
func TestFluidAndSingleRequestsAgreeWithErlang(t *testing.T) {
	for _, c := range []struct {
		tasks int32
		rate  float64 // requests a second, of which a task serves one
		waits float64 // seconds, on average
	}{{1, 0.5, 1}, {2, 1.5, 1.285714}, {10, 8, 0.204590}} {
		s := unscaled(t, c.tasks, time.Second)
		fluid := run(t, s, steady(60*c.rate, 1200))
		s.OneByOne = true
		single := run(t, s, steady(60*c.rate, 1200))
		for name, r := range map[string]sim.Result{"fluid": fluid, "one by one": single} {
			if got, want := r.Mean.Seconds(), 1+c.waits; math.Abs(got-want) > 0.04*want {
				t.Errorf("%d tasks, %v/s, %s: a mean of %.3f s, want %.3f", c.tasks, c.rate, name, got, want)
			}
		}
		for _, d := range [][2]time.Duration{{fluid.P50, single.P50}, {fluid.P95, single.P95}, {fluid.P99, single.P99}} {
			if a, b := d[0].Seconds(), d[1].Seconds(); math.Abs(a-b) > 0.06*b {
				t.Errorf("%d tasks, %v/s: quantiles %v of the fluid, %v one by one", c.tasks, c.rate, d[0], d[1])
			}
		}
		if math.Abs(fluid.SLO()-single.SLO()) > 1 {
			t.Errorf("%d tasks, %v/s: %.2f %% as agreed of the fluid, %.2f %% one by one", c.tasks, c.rate, fluid.SLO(), single.SLO())
		}
	}
}

// Both lose and pile up the same above capacity.
func TestFluidAndSingleRequestsAgreeAboveCapacity(t *testing.T) {
	s := unscaled(t, 4, time.Second)
	fluid := run(t, s, steady(300, 240))
	s.OneByOne = true
	single := run(t, s, steady(300, 240))
	if math.Abs(fluid.Dropped-single.Dropped) > 0.04*fluid.Requests || math.Abs(fluid.P50.Seconds()-single.P50.Seconds()) > 3 {
		t.Errorf("%.0f and %.0f of %.0f given up, p50 %v and %v", fluid.Dropped, single.Dropped, fluid.Requests, fluid.P50, single.P50)
	}
}

func TestTheSameScenarioGivesTheSameResult(t *testing.T) {
	s := web(t)
	s.Service.StartSpread, s.Service.CrashesPerHour, s.Seed = 10*time.Second, 0.5, 7
	for _, one := range []bool{false, true} {
		s.OneByOne = one
		a, b := run(t, s, steady(300, 600)), run(t, s, steady(300, 600))
		if !reflect.DeepEqual(a, b) {
			t.Errorf("one by one %v:\n%+v\n%+v", one, a, b)
		}
		s.Seed++
		if c := run(t, s, steady(300, 600)); reflect.DeepEqual(a, c) {
			t.Errorf("one by one %v: another seed changed nothing", one)
		}
		s.Seed--
	}
}

// Who watches a run changes nothing of it.
func TestAnObserverChangesNothing(t *testing.T) {
	s := web(t)
	quiet := run(t, s, days(2))
	words, minutes := 0, 0
	s.Observer = sim.Observer{Minute: func(sim.Record) { minutes++ }, Activity: func(a scaling.Activity) {
		if a.Cause != "" && a.Description != "" {
			words++
		}
	}}
	if seen := run(t, s, days(2)); !reflect.DeepEqual(quiet, seen) || words == 0 || minutes != 2*1440 {
		t.Errorf("%d activities with their words, %d minutes:\n%+v\n%+v", words, minutes, quiet, seen)
	}
}

// Four months take as much memory as ten days.
func TestMemoryDoesNotGrowWithTheTrace(t *testing.T) {
	s := web(t)
	used := func(n int) uint64 {
		var before, during runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		most, i := uint64(0), 0
		s.Observer.Minute = func(sim.Record) {
			if i++; i%5_000 == 0 {
				runtime.GC()
				runtime.ReadMemStats(&during)
				most = max(most, during.HeapAlloc-min(during.HeapAlloc, before.HeapAlloc))
			}
		}
		run(t, s, days(n))
		return most
	}
	if short, long := used(10), used(120); long > 2*short+1<<20 {
		t.Errorf("four months take %d bytes, ten days %d", long, short)
	}
}

// AWS measured 363 s from a step of load to the decision: 3 minutes, and 183 s that its
// alarms look behind; Flyball's alarms decide when the third minute is over.
func TestDelaysOfAWS(t *testing.T) {
	for name, c := range map[string]struct {
		delays func(sim.Alarm) sim.Delays
		period time.Duration
		want   time.Duration
	}{
		"Flyball":                {nil, time.Minute, 3 * time.Minute},
		"AWS":                    {sim.AWSDelays, time.Minute, 363 * time.Second},
		"AWS at high resolution": {sim.AWSDelays, 20 * time.Second, 86 * time.Second},
	} {
		s := web(t)
		s.Delays = c.delays
		s.Policies = []sim.Policy{sim.Tracking("cpu", tracking(t, 50), sim.Metric{Quantity: sim.CPUUtilization}, sim.Pace{Period: c.period})}
		var first time.Time
		s.Observer.Activity = func(a scaling.Activity) {
			if first.IsZero() {
				first = a.Start
			}
		}
		run(t, s, func(yield func(sim.Minute) bool) {
			for i := range 90 {
				v := 300.0
				if i >= 60 {
					v = 600
				}
				if !yield(sim.Minute{Requests: v}) {
					return
				}
			}
		})
		if got := first.Sub(start.Add(time.Hour)); got != c.want {
			t.Errorf("%s: decided %v after the step of load, want %v", name, got, c.want)
		}
	}
}

// A deployment doubles the tasks at most, never has fewer than desired that serve, and
// keeps policies from scaling in.
func TestADeployment(t *testing.T) {
	s := unscaled(t, 5, time.Second)
	s.Bounds = bounds(t, 1, 20)
	s.Service.Start, s.Service.Healthy = 90*time.Second, 30*time.Second
	at := start.Add(30 * time.Minute)
	s.Changes = []sim.Change{{At: at, Deploy: true}}
	most, least := 0, 100
	s.Observer.Minute = func(r sim.Record) { most, least = max(most, r.Running), min(least, r.Serving) }
	if r := run(t, s, steady(60, 120)); most != 10 || least != 5 || math.Abs(r.TaskHours-10-5*120.0/3600) > 0.01 {
		t.Errorf("%d run at most, %d serve at least, %v task-hours", most, least, r.TaskHours)
	}
}

// Each of ten tasks ends twice an hour, and is away for a minute.
func TestCrashesTakeTasksAway(t *testing.T) {
	s := unscaled(t, 10, time.Second)
	s.Service.CrashesPerHour, s.Service.Start = 2, time.Minute
	if r := run(t, s, steady(60, 3000)); math.Abs(r.Tasks-10/(1+2.0/60)) > 0.05 {
		t.Errorf("%v tasks serve on average, want %v", r.Tasks, 10/(1+2.0/60))
	}
}

func TestRunRefuses(t *testing.T) {
	for name, change := range map[string]func(*sim.Scenario){
		"half a minute":             func(s *sim.Scenario) { s.Start = s.Start.Add(time.Second) },
		"a task without processors": func(s *sim.Scenario) { s.Service.VCPU = 0 },
		"a request without work":    func(s *sim.Scenario) { s.Service.CPU = 0 },
		"two of a name":             func(s *sim.Scenario) { s.Policies = append(s.Policies, s.Policies[0]) },
		"a policy without alarms":   func(s *sim.Scenario) { s.Policies[0].Alarms = nil },
		"late datapoints": func(s *sim.Scenario) {
			s.Delays = func(sim.Alarm) sim.Delays { return sim.Delays{Publication: time.Minute} }
		},
		"an odd period":             func(s *sim.Scenario) { s.Policies[0].Alarms[0].Rule.Period = 7 * time.Second },
		"a change before the start": func(s *sim.Scenario) { s.Changes = []sim.Change{{At: s.Start.Add(-1)}} },
		"a share of 1":              func(s *sim.Scenario) { s.Agreement.Share = 1 },
	} {
		s := web(t)
		change(&s)
		if _, err := sim.Run(s, days(1)); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	for _, v := range []float64{-1, math.NaN(), math.Inf(1)} {
		if _, err := sim.Run(web(t), steady(v, 1)); err == nil {
			t.Errorf("%v requests were taken", v)
		}
	}
}

// Of whatever sets the capacity there is one reason, however often it does.
func TestReasonsAreFewAndNamed(t *testing.T) {
	s := web(t)
	times, err := schedule.Parse("cron(0 8 * * ? *)", time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	eight := int32(8)
	s.Schedules = []governor.Schedule{{Name: "morning", Times: times, Change: scaling.BoundsChange{Min: &eight}, Done: start, Next: start.Add(8 * time.Hour)}}
	s.Policies = append(s.Policies, sim.Policy{Name: "daily", Predictive: &sim.Predictive{
		Load: sim.RequestCount, Metric: sim.RequestCountPerTarget, Target: 100, Scales: true, Buffer: 5 * time.Minute,
	}})
	s.Bounds = bounds(t, 1, 60)
	s.Forecast = func([]scaling.Hour, governor.Aim) (governor.Prediction, error) {
		p := governor.Prediction{Capacity: make([]scaling.Capacity, governor.ForecastHours)}
		for i := range p.Capacity {
			p.Capacity[i] = scaling.Capacity(20 + i%3)
		}
		return p, nil
	}
	few := scaling.Capacity(1)
	for day := range 3 {
		s.Changes = append(s.Changes, sim.Change{At: start.Add(time.Duration(24*day)*time.Hour + 8*time.Hour - time.Second), Desired: &few})
	}
	reasons := map[string]bool{}
	for _, a := range run(t, s, days(3)).Activities {
		reasons[a.Reason] = true
	}
	if len(reasons) > 8 || !reasons["policy cpu"] || !reasons["scheduled action morning"] || !reasons["forecast of daily"] {
		t.Errorf("reasons %v", reasons)
	}
}

// A forecaster of one's own is asked each hour until it has an answer, and then each six.
func TestForecastsAreMadeWhenTheServerMakesThem(t *testing.T) {
	s := web(t)
	s.Policies = append(s.Policies, sim.Policy{Name: "forecast", Predictive: &sim.Predictive{
		Load: sim.RequestCount, Metric: sim.RequestCountPerTarget, Target: 100, Scales: true, Buffer: 5 * time.Minute,
	}})
	asked := 0
	s.Forecast = func(history []scaling.Hour, _ governor.Aim) (governor.Prediction, error) {
		asked++
		if len(history) < 30 {
			return governor.Prediction{}, errors.New("not yet")
		}
		return governor.Prediction{Capacity: make([]scaling.Capacity, governor.ForecastHours)}, nil
	}
	run(t, s, steady(600, 48*60))
	if want := 6 + 1 + 3; asked != want { // from 24 to 29 hours in vain, then at 30, 36, 42 and 48
		t.Errorf("asked %d times, want %d", asked, want)
	}
}

// Where it was recorded how long tasks took to run and to stop, they take as long, and are seen to run until
// they have stopped.
func TestTasksTakeAsLongAsWasRecorded(t *testing.T) {
	four, one := scaling.Capacity(4), scaling.Capacity(1)
	s := sim.Scenario{
		Start: start, Service: sim.Service{CPU: time.Second, VCPU: 1, Start: time.Hour}, Bounds: bounds(t, 1, 9), Initial: 1,
		Changes: []sim.Change{{At: start.Add(time.Minute), Desired: &four}, {At: start.Add(5 * time.Minute), Desired: &one}},
		Took: func(_ time.Time, stops bool) time.Duration {
			if stops {
				return 90 * time.Second
			}
			return 150 * time.Second
		},
	}
	var running, paid []int
	s.Observer.Minute = func(r sim.Record) {
		running, paid = append(running, r.Running), append(paid, int(r.Paid+0.5))
	}
	if _, err := sim.Run(s, steady(0, 8)); err != nil {
		t.Fatal(err)
	}
	// Three more are asked for after a minute and run after three and a half; three stop from the fifth minute on.
	if want := []int{1, 1, 1, 4, 4, 1, 1, 1}; !slices.Equal(running, want) {
		t.Errorf("running at the ends of the minutes: %v, want %v", running, want)
	}
	if want := []int{60, 240, 240, 240, 240, 240, 150, 60}; !slices.Equal(paid, want) {
		t.Errorf("seconds of tasks that are paid for: %v, want %v", paid, want)
	}
}

// A minute whose datapoints were recorded to be late has the alarm call as late.
func TestDatapointsAreAsLateAsWasRecorded(t *testing.T) {
	rule, err := scaling.NewTargetTracking(scaling.TrackingConfig{Target: 50})
	if err != nil {
		t.Fatal(err)
	}
	s := sim.Scenario{
		Start: start, Service: sim.Service{CPU: time.Second, VCPU: 1}, Bounds: bounds(t, 1, 9), Initial: 1,
		Policies: []sim.Policy{sim.Tracking("cpu", rule, sim.Metric{Quantity: sim.Given}, sim.Pace{})},
		Delays:   func(sim.Alarm) sim.Delays { return sim.Delays{Publication: time.Second} },
	}
	var set []time.Duration
	s.Observer.Activity = func(a scaling.Activity) {
		set = append(set, a.Start.Sub(start))
	}
	minutes := func(late time.Duration) sim.Traffic {
		return func(yield func(sim.Minute) bool) {
			for i := range 14 {
				m := sim.Minute{Given: []float64{40}}
				if i >= 10 {
					m.Given[0] = 90
				}
				if i == 12 { // the third above the target
					m.Late = late
				}
				if !yield(m) {
					return
				}
			}
		}
	}
	for late, want := range map[time.Duration]time.Duration{0: 13*time.Minute + time.Second, 7 * time.Second: 13*time.Minute + 7*time.Second} {
		set = nil
		if _, err := sim.Run(s, minutes(late)); err != nil {
			t.Fatal(err)
		}
		if len(set) == 0 || set[0] != want {
			t.Errorf("a minute %v late: set after %v, want %v", late, set, want)
		}
	}
}
