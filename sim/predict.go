package sim

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"flyball/governor"
	"flyball/internal/duration"
	"flyball/scaling"
)

// A Predictive is a predictive scaling policy. Its load is a total of each hour, and
// its metric an average of a task, as those of AWS's pairs of metrics are.
type Predictive struct {
	Load   Quantity // CPUUtilization or MemoryUtilization of all tasks, or RequestCount
	Metric Quantity // CPUUtilization, MemoryUtilization or RequestCountPerTarget, a minute
	Target float64  // of the metric
	Scales bool     // it sets capacity, and does not only forecast
	Buffer time.Duration
	Breach scaling.Breach
	// Quantile is that of the load which there is to be capacity for; 0: forecast.Provision.
	Quantile float64
	// Calendar is that of the service.
	Calendar governor.Calendar
	// Hours are how many of the newest hours forecasts are made from; 0: governor.HistoryHours,
	// which are the most.
	Hours int
	// Step is for how long there is a capacity each; 0: an hour. An hour is a number of steps,
	// each of whole minutes.
	Step time.Duration
	// Publication is the time from the end of a minute until its datapoints appear. A forecast
	// on the hour misses the last minute then, as the server's does.
	Publication time.Duration
	// History is the hours before the start, the newest last.
	History []scaling.Hour
}

// A Forecaster forecasts as governor.Predict does. One that remembers what it has
// forecast makes many runs over the same traffic quick.
type Forecaster func(history []scaling.Hour, aim governor.Aim) (governor.Prediction, error)

func (p *Predictive) check() error {
	switch {
	case p.Load != CPUUtilization && p.Load != MemoryUtilization && p.Load != RequestCount:
		return fmt.Errorf("the load is %s; it must be CPU or memory utilization, or requests", p.Load)
	case p.Metric != CPUUtilization && p.Metric != MemoryUtilization && p.Metric != RequestCountPerTarget:
		return fmt.Errorf("the metric is %s; it must be CPU or memory utilization, or requests per task", p.Metric)
	case !(p.Target > 0) || math.IsInf(p.Target, 1):
		return fmt.Errorf("target value %v must be a number greater than 0", p.Target)
	case p.Buffer < 0 || p.Buffer > time.Hour:
		return fmt.Errorf("a buffer of %s; it must be 0 to 1h", duration.String(p.Buffer))
	case p.Publication < 0 || p.Publication >= time.Minute:
		return fmt.Errorf("datapoints appear %s after their minute; it must be less than a minute", duration.String(p.Publication))
	case p.Step != 0 && (p.Step < time.Minute || p.Step%time.Minute != 0 || time.Hour%p.Step != 0):
		return fmt.Errorf("forecasts in steps of %s; an hour must be a number of steps of whole minutes", duration.String(p.Step))
	case p.Hours < 0 || p.Hours > governor.HistoryHours:
		return fmt.Errorf("forecasts from %d hours; it must be 1 to %d", p.Hours, governor.HistoryHours)
	case !(p.Quantile >= 0 && p.Quantile < 1):
		return fmt.Errorf("a quantile of %v; it must be between 0 and 1", p.Quantile)
	}
	return nil
}

func (p *Predictive) governed() *governor.Predictive {
	return &governor.Predictive{Scales: p.Scales, Buffer: p.Buffer, Breach: p.Breach}
}

// An oracle keeps the hours of a run for its predictive policies, and makes their
// forecasts when the server would.
type oracle struct {
	run      *run
	window   window // of the minute
	ends     int64  // when the minute ends; never: nobody forecasts
	policies []predicting
}

// A predicting policy has its hours and the time of its next forecast.
type predicting struct {
	*Predictive
	place  int
	hours  []scaling.Hour // the last one is that of the newest minute
	steps  stepLoads      // of which there is a capacity each, if they are shorter than hours
	sums   hourSums
	begun  bool // there was load in some hour
	renews int64
	seen   scaling.Hour // the newest hour, until its last minute appears
	whole  int64        // when that is
}

// HourSums is an hour that is not over: the totals of its minutes.
type hourSums struct {
	load, metric, tasks    float64
	loads, metrics, counts int
}

func newOracle(r *run) oracle {
	o := oracle{run: r, ends: never}
	for i, p := range r.scenario.Policies {
		if p.Predictive != nil {
			o.policies = append(o.policies, predicting{Predictive: p.Predictive, place: i, hours: historyOf(p.Predictive.History), steps: newStepLoads(p.Predictive.Step), renews: never})
			o.ends = r.now + int64(time.Minute)
		}
	}
	return o
}

// historyOf is room for two lengths of history, with what there is of it.
func historyOf(past []scaling.Hour) []scaling.Hour {
	return append(make([]scaling.Hour, 0, 2*governor.HistoryHours), past[max(0, len(past)-governor.HistoryHours):]...)
}

// begin makes the first forecasts.
func (o *oracle) begin() {
	for i := range o.policies {
		o.policies[i].renews = o.run.now
	}
	o.step()
}

func (o *oracle) next() int64 {
	next := o.ends
	for i := range o.policies {
		next = min(next, o.policies[i].renews)
	}
	return next
}

// close ends a minute.
func (o *oracle) close() {
	over := o.run.now%int64(time.Hour) == 0
	for i := range o.policies {
		p := &o.policies[i]
		if over {
			p.seen, p.whole = p.hour(), o.run.now+int64(p.Publication)
		}
		p.steps.add(o.run.now, p.sums.add(o.run, p.Predictive, &o.window))
		if over {
			p.push(p.hour())
			p.sums = hourSums{}
		}
	}
	o.window = window{}
	o.ends += int64(time.Minute)
}

func (p *predicting) push(h scaling.Hour) {
	if len(p.hours) == cap(p.hours) {
		n := copy(p.hours, p.hours[len(p.hours)-governor.HistoryHours+1:])
		p.hours = p.hours[:n]
	}
	p.hours = append(p.hours, h)
}

// add adds a minute, and returns its load. Of a task's metric the total counts once for each
// task.
func (s *hourSums) add(r *run, p *Predictive, w *window) (load float64) {
	tasks := w.running / 60
	if v := r.measure(Metric{Quantity: p.Load}, w, time.Minute); v == v {
		if p.Load != RequestCount {
			v *= tasks
		}
		s.load += v
		s.loads++
		load = v
	}
	if v := r.measure(Metric{Quantity: p.Metric}, w, time.Minute); v == v {
		if p.Metric == RequestCountPerTarget {
			s.metric += v
			s.metrics = 60 // a total of the hour, of which the target value counts a minute
		} else {
			s.metric += v * tasks // each task of each minute counts alike
			s.metrics++
		}
	}
	if tasks > 0 {
		s.tasks += tasks
		s.counts++
	}
	return load
}

// StepLoads are the loads of steps that are shorter than hours.
type stepLoads struct {
	step  int64 // 0: none are kept
	loads []float64
	last  float64 // the load of the newest minute
}

func newStepLoads(step time.Duration) stepLoads {
	if step >= time.Hour {
		step = 0
	}
	return stepLoads{step: int64(step)}
}

// add adds the minute that ends at a time. There are as many loads as the hours that
// forecasts are made from have, and at most twice as many.
func (s *stepLoads) add(ends int64, load float64) {
	if s.step == 0 {
		return
	}
	if begins := ends - int64(time.Minute); begins%s.step == 0 || len(s.loads) == 0 {
		if most := s.most(); len(s.loads) == 2*most {
			s.loads = s.loads[:copy(s.loads, s.loads[most:])]
		}
		s.loads = append(s.loads, 0)
	}
	s.loads[len(s.loads)-1] += load
	s.last = load
}

func (s *stepLoads) most() int { return governor.HistoryHours * int(int64(time.Hour)/s.step) }

// history are the loads up to the newest full hour, without its last minute if that is not
// published.
func (s *stepLoads) history(now int64, whole bool) []float64 {
	if s.step == 0 {
		return nil
	}
	since := (now%int64(time.Hour) + s.step - 1) / s.step
	loads := s.loads[:max(0, len(s.loads)-int(since))]
	loads = loads[max(0, len(loads)-s.most()):]
	if n := len(loads); n > 0 && !whole {
		loads = slices.Clone(loads)
		loads[n-1] -= s.last
	}
	return loads
}

// hour is the hour that the totals make.
func (p *predicting) hour() scaling.Hour {
	h := scaling.Hour{Load: math.NaN(), Metric: math.NaN(), Tasks: math.NaN()}
	s := &p.sums
	p.begun = p.begun || s.loads > 0
	switch {
	case s.loads > 0:
		h.Load = s.load
	case p.Load == RequestCount && p.begun:
		h.Load = 0 // no datapoint of requests is that there were none
	}
	switch {
	case s.metrics > 0 && p.Metric == RequestCountPerTarget:
		h.Metric = s.metric / 60
	case s.metrics > 0:
		h.Metric = s.metric / s.tasks
	}
	if s.counts > 0 {
		h.Tasks = s.tasks / 60
	}
	return h
}

// step makes the forecasts that are due: every six hours, and each hour as long as
// there are too few hours to make one of.
func (o *oracle) step() {
	now := o.run.now
	for i := range o.policies {
		p := &o.policies[i]
		if p.renews > now {
			continue
		}
		plan, err := o.forecast(p)
		g := &o.run.host.governor.Policies[p.place]
		renewed := *g.Predictive
		if err != nil {
			const hour = int64(time.Hour)
			renewed.Lacks = err.Error()
			p.renews = now/hour*hour + hour
		} else {
			renewed.Plan, renewed.Lacks = plan, ""
			p.renews = now + int64(governor.RenewedAfter(p.Step))
		}
		g.Predictive = &renewed
		o.run.host.steps = instant(o.run.host.governor.Next(moment(now)))
	}
}

// forecast is a policy's plan for the hours to come.
func (o *oracle) forecast(p *predicting) (scaling.Plan, error) {
	if len(p.hours) < governor.NeededHours {
		return scaling.Plan{}, governor.ShortHistory{Hours: len(p.hours)}
	}
	start := moment(o.run.now).Truncate(time.Hour)
	predict := o.run.scenario.Forecast
	if predict == nil {
		predict = governor.Predict
	}
	read := cmp.Or(p.Hours, governor.HistoryHours)
	history, whole := p.hours[max(0, len(p.hours)-read):], o.run.now >= p.whole
	if !whole {
		history = slices.Clone(history)
		history[len(history)-1] = p.seen
	}
	f, err := predict(history, governor.Aim{
		Target: p.Target, Quantile: p.Quantile, Calendar: p.Calendar, Next: start, Step: p.Step, Fine: p.steps.history(o.run.now, whole),
	})
	if err != nil && !errors.As(err, new(governor.ShortHistory)) && !errors.Is(err, scaling.ErrNoRelation) && !errors.Is(err, governor.ErrTooLarge) {
		err = fmt.Errorf("no forecast: %w", err)
	}
	return scaling.Plan{Start: start, Step: p.Step, Steps: f.Capacity}, err
}
