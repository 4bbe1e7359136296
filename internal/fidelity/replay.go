package fidelity

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"flyball/alarm"
	"flyball/internal/policydoc"
	"flyball/internal/simulation"
	"flyball/scaling"
	"flyball/sim"
)

// A Rerun is what package sim made of a record.
type Rerun struct {
	Desired    []scaling.Capacity // at the end of each minute
	Activities []Activity
	Alarms     []Transition
}

// Replay gives the alarms the metrics that were measured, and lets tasks take as long to run as they
// took. All else is decided anew.
func (r Record) Replay() (Rerun, error) {
	s, err := r.scenario(sim.Service{CPU: time.Second, VCPU: 1, Start: usual(r.starts()), Variation: 1e-6})
	if err != nil {
		return Rerun{}, err
	}
	for i := range s.Policies {
		for j := range s.Policies[i].Alarms {
			s.Policies[i].Alarms[j].Metric = sim.Metric{Quantity: sim.Given}
		}
	}
	s.Delays = func(sim.Alarm) sim.Delays { return sim.Delays{Publication: max(r.Lag, time.Millisecond)} }
	s.Took = r.took
	late := r.late()
	return r.run(s, func(i int, m Minute) sim.Minute {
		v := math.NaN()
		if m.CPU != nil {
			v = *m.CPU
		}
		return sim.Minute{Given: []float64{v}, Late: late[i]}
	})
}

// late is how long after each minute its alarms had looked, where something that they did tells it.
func (r Record) late() []time.Duration {
	all := make([]time.Duration, len(r.Minutes))
	hear := func(at time.Time) {
		after := at.Sub(at.Truncate(time.Minute))
		if i := int(at.Sub(r.From)/time.Minute) - 1; i >= 0 && i < len(all) && (all[i] == 0 || after < all[i]) {
			all[i] = after
		}
	}
	for _, t := range r.Alarms {
		hear(t.At)
	}
	for _, a := range r.Activities {
		hear(a.Start)
	}
	return all
}

// Predict lives through what arrived, with a model of the service.
func (r Record) Predict(model sim.Service) (Rerun, error) {
	s, err := r.scenario(model)
	if err != nil {
		return Rerun{}, err
	}
	return r.run(s, func(_ int, m Minute) sim.Minute { return sim.Minute{Requests: m.Requests} })
}

// PredictWork is Predict with what the requests of each minute took of the processors in the place of how
// many came: a machine that is busy with other things makes requests take longer in some minutes.
func (r Record) PredictWork(model sim.Service) (Rerun, error) {
	s, err := r.scenario(model)
	if err != nil {
		return Rerun{}, err
	}
	perTask := model.VCPU * time.Minute.Seconds() / model.CPU.Seconds()
	return r.run(s, func(_ int, m Minute) sim.Minute {
		if m.CPU == nil {
			return sim.Minute{Requests: m.Requests}
		}
		return sim.Minute{Requests: *m.CPU / 100 * m.Measured * perTask}
	})
}

// Model is the service as the record tells it: what a request took of the processors, and how long tasks
// took to start.
func (r Record) Model(vcpu, memory float64) sim.Service {
	percent, requests := 0.0, 0.0
	for _, m := range r.Minutes {
		if m.CPU != nil {
			percent += *m.CPU * m.Measured
		}
		requests += m.Requests
	}
	each := time.Duration(percent / 100 * vcpu / max(requests, 1) * float64(time.Minute))
	return sim.Service{CPU: each, VCPU: vcpu, Memory: memory, Variation: 1e-6, Start: usual(r.starts()), Timeout: time.Hour}
}

// scenario is that of the policies.
func (r Record) scenario(model sim.Service) (sim.Scenario, error) {
	documents, err := policydoc.Read(strings.NewReader(r.Policies))
	if err != nil {
		return sim.Scenario{}, err
	}
	s, _, err := simulation.New(documents, simulation.Setup{Start: r.From, Initial: aws.Int32(int32(r.Initial)), Service: model})
	return s, err
}

// run lives through the minutes and hears what is done.
func (r Record) run(s sim.Scenario, minute func(int, Minute) sim.Minute) (Rerun, error) {
	var out Rerun
	s.Observer.Activity = func(a scaling.Activity) {
		if len(a.NotScaled) > 0 || a.Status == scaling.Failed {
			return
		}
		if n := len(out.Activities); n > 0 && out.Activities[n-1].Start.Equal(a.Start) {
			out.Activities[n-1].End = a.End
			return
		}
		out.Activities = append(out.Activities, Activity{a.Start, a.End, a.To, a.Details})
	}
	s.Observer.Alarm = func(at time.Time, name string, state alarm.State) {
		out.Alarms = append(out.Alarms, Transition{at, strings.Contains(name, "AlarmHigh"), state.String()})
	}
	_, err := sim.Run(s, func(yield func(sim.Minute) bool) {
		for i, m := range r.Minutes {
			if !yield(minute(i, m)) {
				return
			}
		}
	})
	out.Desired = r.each(out.Activities)
	return out, err
}

// starts are how long tasks took to run, where some were asked for.
func (r Record) starts() (all []time.Duration) {
	before := r.Initial
	for _, a := range r.Activities {
		if a.To > before && !a.End.IsZero() { // tasks that are stopped need no start
			all = append(all, a.End.Sub(a.Start))
		}
		before = a.To
	}
	return all
}

// took is how long it took until as many ran as were asked for about then.
func (r Record) took(asked time.Time, stops bool) time.Duration {
	took, nearest, before := time.Duration(0), time.Minute, r.Initial
	if !stops {
		took = usual(r.starts())
	}
	for _, a := range r.Activities {
		apart := a.Start.Sub(asked).Abs()
		if (a.To < before) == stops && !a.End.IsZero() && apart < nearest {
			took, nearest = a.End.Sub(asked), apart
		}
		before = a.To
	}
	return took
}

// usual is the median; 20 s of none.
func usual(all []time.Duration) time.Duration {
	if len(all) == 0 {
		return 20 * time.Second
	}
	slices.Sort(all)
	return all[len(all)/2]
}
