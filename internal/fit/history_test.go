package fit_test

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"flyball/internal/fit"
)

// A plain history has requests from 300 to 1500 a minute on four tasks of a vCPU, of 40 ms of processor time
// and 60 ms of waiting, and no chance but a percent of noise.
func plain() fit.History {
	random := rand.New(rand.NewPCG(1, 1))
	h := fit.History{Start: start, Step: time.Minute}
	for i := range 300 {
		requests := 900 + 600*math.Sin(float64(i)/20)
		noise := func() float64 { return 1 + 0.01*random.NormFloat64() }
		h.Requests = append(h.Requests, requests)
		h.Tasks = append(h.Tasks, 4)
		h.CPU = append(h.CPU, 100*requests/60*0.04/4*noise())
		h.Latency = append(h.Latency, 0.1*noise())
		h.P95 = append(h.P95, (0.1+0.04*0.5*(math.Log(20)-1))*noise())
	}
	return h
}

var whole = fit.Task{VCPU: 1, Memory: 1024}

// about wants a value near one, and its bounds around it.
func about(t *testing.T, m fit.Model, name string, want, within float64) {
	t.Helper()
	v, told := m.Value(name)
	if !told || math.Abs(v.At-want) > within || v.Low > want || v.High < want {
		t.Errorf("%s is %+v, want %v; missing: %v", name, v, want, m.Missing)
	}
}

func estimate(t *testing.T, h fit.History) fit.Model {
	t.Helper()
	m, err := fit.Estimate(h, whole)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestTheVariationIsInTheTailOfLatency(t *testing.T) {
	m := estimate(t, plain())
	about(t, m, fit.CPUPerRequest, 0.04, 0.0004)
	about(t, m, fit.WaitPerRequest, 0.06, 0.001)
	about(t, m, fit.Variation, 0.5, 0.03)
}

// A tenth of the steps are of a batch job that has nothing to do with requests, and of a fault in which
// requests take a minute.
func TestStepsThatAreUnlikeTheOthersHaveNoPart(t *testing.T) {
	h := plain()
	for i := 50; i < 80; i++ {
		h.CPU[i], h.Latency[i] = 90, 60
	}
	m := estimate(t, h)
	about(t, m, fit.CPUPerRequest, 0.04, 0.0004)
	about(t, m, fit.WaitPerRequest, 0.06, 0.001)
}

func TestWhatTasksUseAtRestIsNoPartOfARequest(t *testing.T) {
	h := plain()
	for i := range h.CPU {
		h.CPU[i] += 12
	}
	m := estimate(t, h)
	about(t, m, fit.CPUPerRequest, 0.04, 0.0004)
	if notes := strings.Join(m.Notes, " "); !strings.Contains(notes, "uses 12.0 % of its processors without any request") {
		t.Errorf("notes %s", notes)
	}
}

func TestUnderAConstantLoadItSaysWhatCannotBeTold(t *testing.T) {
	h := plain()
	for i := range h.Requests {
		h.CPU[i] *= 900 / h.Requests[i]
		h.Requests[i] = 900
	}
	m := estimate(t, h)
	about(t, m, fit.CPUPerRequest, 0.04, 0.0004)
	if notes := strings.Join(m.Notes, " "); !strings.Contains(notes, "requests of a task hardly change") {
		t.Errorf("notes %s", notes)
	}
}

// Six in hand of a task are short when half of its processor is in use: latency rises from there on.
func TestFewHandsAreSeenByLatencyThatRisesBeforeProcessorsAreBusy(t *testing.T) {
	l := web
	l.service.CPU, l.service.Wait, l.service.VCPU, l.service.Concurrency = 20*time.Millisecond, 180*time.Millisecond, 1, 3
	l.low, l.high = 400, 2200
	m, err := fit.Estimate(l.measured(t, 3), fit.Task{VCPU: 1, Memory: 512})
	if err != nil {
		t.Fatal(err)
	}
	v, seen := m.Value(fit.Concurrency)
	if !seen || v.Low > 3 || v.High < 3 || v.High > 5 {
		t.Errorf("%+v, missing %v", v, m.Missing)
	}
	about(t, m, fit.WaitPerRequest, 0.18, 0.005)
}

// Three tasks more run 150 s after they were asked for, and two more 90 s after.
func TestStartsAreHowFarRunningTasksAreBehind(t *testing.T) {
	h := plain()
	h.Desired = append([]float64(nil), h.Tasks...)
	for i := range h.Tasks {
		switch {
		case i >= 202:
			h.Desired[i], h.Tasks[i] = 9, 9
		case i >= 200:
			h.Desired[i], h.Tasks[i] = 9, 7
		case i >= 103:
			h.Desired[i], h.Tasks[i] = 7, 7
		case i >= 100:
			h.Desired[i] = 7
		}
	}
	m := estimate(t, h)
	v, told := m.Value(fit.Start)
	if want := (3*180.0 + 2*120) / 5; !told || math.Abs(v.At-want) > 1 || v.Low > 100 || v.High < 180 {
		t.Errorf("%+v, want %v; missing %v", v, want, m.Missing)
	}
}

// On a clock of sixty times the speed, a minute is a second of the tasks.
func TestTimesAreThoseOfTheTasks(t *testing.T) {
	h := plain()
	for i := range h.Requests {
		h.Requests[i] /= 60
	}
	h.Faster, h.Starts = 60, []time.Duration{time.Minute, time.Minute, 2 * time.Minute}
	m := estimate(t, h)
	about(t, m, fit.CPUPerRequest, 0.04, 0.0004)
	about(t, m, fit.Start, 4.0/3, 0.01)
}

func TestEstimateSaysWhatIsMissing(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*fit.History)
		want   string
	}{
		"no tasks":    {func(h *fit.History) { h.Tasks = nil }, "no number of tasks"},
		"no requests": {func(h *fit.History) { h.Requests = nil }, "no requests"},
		"a few steps": {func(h *fit.History) {
			h.Requests, h.Tasks = h.Requests[:9], h.Tasks[:9]
			h.CPU, h.Latency, h.P95 = nil, nil, nil
		}, "in 9 steps"},
		"lists unequal":                 {func(h *fit.History) { h.CPU = h.CPU[:9] }, "has 9 steps"},
		"below nothing":                 {func(h *fit.History) { h.CPU[3] = -1 }, "CPU of step 4 is -1"},
		"no utilization and no latency": {func(h *fit.History) { h.CPU, h.Latency, h.P95 = nil, nil, nil }, "no CPU utilization"},
	} {
		h := plain()
		c.change(&h)
		if _, err := fit.Estimate(h, whole); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q in it", name, err, c.want)
		}
	}
	h := plain()
	h.CPU = nil
	m := estimate(t, h)
	if len(m.Missing) == 0 || m.Missing[0].Name != fit.CPUPerRequest || m.Missing[0].Why != "there is no CPU utilization" {
		t.Errorf("%+v", m.Missing)
	}
	about(t, m, fit.WaitPerRequest, 0.1, 0.001)
}

// Of a request that takes its processor time and nothing else, the one is as often above as below
// the other by a little.
func TestOnlyARequestThatIsTooQuickForItsTaskIsNoted(t *testing.T) {
	for _, c := range []struct {
		latency float64
		noted   bool
	}{{0.03985, false}, {0.02, true}} {
		h := plain()
		for i := range h.Latency {
			h.Latency[i] *= c.latency / 0.1
		}
		h.P95 = nil
		m := estimate(t, h)
		if noted := slices.ContainsFunc(m.Notes, func(n string) bool { return strings.Contains(n, "more processors than that") }); noted != c.noted {
			t.Errorf("%v s: noted is %v, of %v", c.latency, noted, m.Notes)
		}
	}
}

func TestWorkersWithoutABacklogAreKnownByWhatIsInHand(t *testing.T) {
	h := plain()
	h.Latency, h.P95, h.Done = nil, nil, h.Requests
	for i := range h.Requests {
		h.Waiting, h.InHand = append(h.Waiting, 0), append(h.InHand, h.Requests[i]/60*0.1)
	}
	m, err := fit.EstimateWorkers(h, whole)
	if err != nil {
		t.Fatal(err)
	}
	about(t, m, fit.CPUPerRequest, 0.04, 0.0004)
	about(t, m, fit.WaitPerRequest, 0.06, 0.001)
	h.Done, h.Waiting, h.InHand = nil, nil, nil
	if _, err := fit.EstimateWorkers(h, whole); !errors.Is(err, fit.ErrNothing) || !strings.Contains(err.Error(), "neither messages done nor") {
		t.Errorf("%v", err)
	}
}

// What is written is read again, flag by flag; and a model can be written by hand.
func TestAModelIsReadAsItWasWritten(t *testing.T) {
	m := estimate(t, plain())
	var written bytes.Buffer
	if err := m.WriteJSON(&written); err != nil {
		t.Fatal(err)
	}
	read, err := fit.ReadSettings(&written)
	if err != nil || len(read) != len(m.Settings()) {
		t.Fatalf("%v, %v", read, err)
	}
	flags := m.Flags()
	for _, s := range read {
		if !strings.Contains(flags, "--"+s.Name+" "+s.Value) {
			t.Errorf("%+v is none of %s", s, flags)
		}
	}
	read, err = fit.ReadSettings(strings.NewReader(`{"Model": {"task-cpu": 256}}`))
	if err != nil || len(read) != 1 || read[0] != (fit.Setting{Name: "task-cpu", Value: "256"}) {
		t.Errorf("%v, %v", read, err)
	}
	for _, text := range []string{"", "{}", `{"Model": {"task-cpu": [1]}}`, `{"Model": 3}`, `{"Model": {}}`} {
		if _, err := fit.ReadSettings(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), "flyball fit --out") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func FuzzReadSettings(f *testing.F) {
	f.Add(`{"Model": {"cpu-per-request": {"Value": "50ms", "Low": "49ms"}, "task-cpu": 256, "workers": true}}`)
	f.Add(`{"Model": null}`)
	f.Fuzz(func(t *testing.T, text string) {
		read, err := fit.ReadSettings(strings.NewReader(text))
		if err == nil && len(read) == 0 {
			t.Errorf("%q is read as no settings", text)
		}
	})
}
