// Package replay runs scaling policies against the traffic of the past, in
// virtual time, and counts how often there were enough tasks and how many were
// too many. Package sim runs them, as the server would.
package replay

import (
	"errors"
	"fmt"
	"math"
	"time"

	"flyball/governor"
	"flyball/internal/trace"
	"flyball/scaling"
)

// A Setup is what all policies of a replay have in common.
type Setup struct {
	PerTask  float64       // requests a minute that one task can serve
	Headroom float64       // percent more tasks than that, which the target value keeps free
	Start    time.Duration // from asking for a task until it serves
	Buffer   time.Duration // how long before its hour a forecast capacity is asked for
	WarmUp   time.Duration // that is replayed and not counted
	Quantile float64       // of the forecast load that there is to be capacity for; forecast.Provision if zero
	Floors   bool          // leave target tracking out
}

// target is the target value of the policies: with a headroom of 25 and tasks
// that can serve 100 requests a minute, 80.
func (s Setup) target() float64 { return s.PerTask / (1 + s.Headroom/100) }

// MinWarmUp is the shortest warm-up: a day of history for the first forecast,
// which is in force an hour later.
const MinWarmUp = 25 * time.Hour

// maxMinutes bounds a replay to ten years.
const maxMinutes = 10 * 366 * 24 * 60

func (s Setup) check() error {
	switch {
	case !(s.PerTask > 0) || math.IsInf(s.PerTask, 1):
		return fmt.Errorf("%v requests a minute for a task; it must be a number greater than 0", s.PerTask)
	case !(s.Headroom >= 0 && s.Headroom <= 1000):
		return fmt.Errorf("a headroom of %v percent; it must be 0 to 1000", s.Headroom)
	case s.Start < 0 || s.Start > time.Hour:
		return fmt.Errorf("tasks that take %v to start; it must be 0 to 1h", s.Start)
	case s.Buffer < 0 || s.Buffer > time.Hour:
		return fmt.Errorf("a buffer of %v; it must be 0 to 1h", s.Buffer)
	case !(s.Quantile >= 0 && s.Quantile < 1):
		return fmt.Errorf("a quantile of %v; it must be between 0 and 1", s.Quantile)
	case s.WarmUp < MinWarmUp:
		return fmt.Errorf("a warm-up of %v; it must be %v at least", s.WarmUp, MinWarmUp)
	}
	return nil
}

// need is the smallest number of tasks for a load, one at least.
func (s Setup) need(perMinute float64) float64 {
	relation := scaling.Relation{PerLoad: 1}
	return float64(max(1, relation.Capacity(perMinute, s.PerTask)))
}

// A Traffic is a load of requests minute by minute.
type Traffic []float64

// NewTraffic makes the traffic of a trace of requests in each of its steps,
// of whole minutes. The requests of a longer step are spread evenly over its
// minutes; a step without a value had none.
func NewTraffic(t trace.Trace, step time.Duration) (Traffic, error) {
	n := int(step / time.Minute)
	switch {
	case n < 1 || step%time.Minute != 0 || time.Hour%step != 0:
		return nil, fmt.Errorf("rows are %v apart; an hour must be a number of steps of whole minutes", step)
	case len(t.Values) > maxMinutes/n:
		return nil, errors.New("more than ten years of traffic")
	}
	traffic := make(Traffic, 0, n*len(t.Values))
	for i, v := range t.Values {
		if v < 0 {
			return nil, fmt.Errorf("value %d is negative: %v requests", i+1, v)
		}
		if math.IsNaN(v) {
			v = 0
		}
		for range n {
			traffic = append(traffic, v/float64(n))
		}
	}
	return traffic, nil
}

// hours are the sums of all whole hours.
func (t Traffic) hours() []float64 {
	sums := make([]float64, len(t)/60)
	for i := range sums {
		for _, v := range t[60*i : 60*i+60] {
			sums[i] += v
		}
	}
	return sums
}

// An Outcome is how one policy did.
type Outcome struct {
	Policy        string
	HoursEnough   float64 // share of hours whose mean number of tasks was enough for their requests
	MinutesEnough float64 // share of minutes whose tasks were enough for their requests
	TooMany       float64 // tasks above the need of the hour, on average
	TooFew        float64 // tasks below it
	Tasks         float64 // that ran, on average
}

// A Report compares the policies.
type Report struct {
	Services int     // of a batch
	Hours    int     // that were counted
	Need     float64 // tasks that were needed, on average over the hours
	Outcomes []Outcome
}

// Compare replays traffic with each policy.
func Compare(t Traffic, s Setup) (Report, error) {
	if err := s.check(); err != nil {
		return Report{}, err
	}
	hours := t.hours()
	first := int((s.WarmUp + time.Hour - 1) / time.Hour)
	if len(hours) <= first {
		return Report{}, fmt.Errorf("%d hours of traffic are too few for a warm-up of %v", len(hours), s.WarmUp)
	}
	t = t[:60*len(hours)]
	r := Report{Hours: len(hours) - first}
	for _, h := range hours[first:] {
		r.Need += s.need(h/60) / float64(r.Hours)
	}
	predicted, naive := remembering(governor.Predict), remembering(seasonalNaive)
	for _, p := range []struct {
		name  string
		tasks func() ([]scaling.Capacity, error)
		floor bool // it only follows a forecast
	}{
		{"predictive", func() ([]scaling.Capacity, error) { return s.follow(hours, predicted) }, true},
		{"seasonal naive", func() ([]scaling.Capacity, error) { return s.follow(hours, naive) }, true},
		{"target tracking", func() ([]scaling.Capacity, error) { return s.track(t, nil) }, false},
		{"predictive + target tracking", func() ([]scaling.Capacity, error) { return s.track(t, predicted) }, false},
		{"seasonal naive + target tracking", func() ([]scaling.Capacity, error) { return s.track(t, naive) }, false},
	} {
		if s.Floors && !p.floor {
			continue
		}
		tasks, err := p.tasks()
		if err != nil {
			return Report{}, err
		}
		r.Outcomes = append(r.Outcomes, s.judge(p.name, t, hours, tasks, first))
	}
	return r, nil
}

// judge holds the tasks of every minute against the load.
func (s Setup) judge(name string, t Traffic, hours []float64, tasks []scaling.Capacity, first int) Outcome {
	o := Outcome{Policy: name}
	for h := first; h < len(hours); h++ {
		mean := 0.0
		for i := 60 * h; i < 60*h+60; i++ {
			mean += float64(tasks[i]) / 60
			if float64(tasks[i]) >= s.need(t[i]) {
				o.MinutesEnough += 1.0 / 60
			}
		}
		// What tasks that come and go within an hour can serve is no whole
		// number of tasks; the slack is for the sum of fractions.
		if mean*s.PerTask*(1+1e-9) >= hours[h]/60 {
			o.HoursEnough++
		}
		need := s.need(hours[h] / 60)
		o.TooMany += max(0, mean-need)
		o.TooFew += max(0, need-mean)
		o.Tasks += mean
	}
	for _, sum := range []*float64{&o.HoursEnough, &o.MinutesEnough, &o.TooMany, &o.TooFew, &o.Tasks} {
		*sum /= float64(len(hours) - first)
	}
	return o
}
