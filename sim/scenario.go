package sim

import (
	"errors"
	"fmt"
	"iter"
	"time"

	"flyball/alarm"
	"flyball/autoscaler"
	"flyball/governor"
	"flyball/internal/duration"
	"flyball/metric"
	"flyball/scaling"
)

// A Minute of traffic.
type Minute struct {
	Requests float64   // that arrive, spread evenly over the minute
	Given    []float64 // values of Given metrics; NaN is no datapoint
	// Late is how long after the minute its datapoints appear, where that was recorded. 0: as Delays
	// say, which then tell that they are late at all.
	Late time.Duration
}

// Traffic is minutes, one after the other, from the start of the scenario on.
type Traffic = iter.Seq[Minute]

// A Scenario is all that a run depends on, besides its traffic.
type Scenario struct {
	Start     time.Time // a full minute
	Service   Service
	Bounds    scaling.Bounds
	Suspended scaling.Suspended
	Initial   scaling.Capacity // tasks that run at the start
	Policies  []Policy
	Schedules []governor.Schedule
	// Autoscaler makes a controller that is not AWS's, which decides in the place of
	// policies; nil: policies do.
	Autoscaler func() autoscaler.Autoscaler
	// Changes are what somebody does by hand, in the order of their times.
	Changes []Change
	// Took is how long tasks took to run that were asked for at a time, or to stop, where that was
	// recorded; nil: as the Service says.
	Took func(asked time.Time, stops bool) time.Duration
	// Delays are those of an alarm; nil: none, as in Flyball.
	Delays func(Alarm) Delays
	// OneByOne has each request arrive and served by chance, instead of all as a fluid. It
	// takes time with every request, and is meant for small loads.
	OneByOne bool
	// Seed begins the chance of a run: how long tasks take to start, when they crash, and each request.
	Seed uint64

	Agreement Agreement
	Price     Price         // of tasks; zero: nothing costs anything
	WarmUp    time.Duration // at the beginning, that is run and not scored
	Observer  Observer
	Forecast  Forecaster // nil: governor.Predict
	Explain   time.Time  // when Observer.Explained is told how the target stands; zero: never
}

// A Change is something that somebody does at a time, besides the autoscaler. What is
// nil stays as it is.
type Change struct {
	At        time.Time
	Desired   *scaling.Capacity  // sets the desired count
	Bounds    *scaling.Bounds    // registers the target again
	Suspended *scaling.Suspended // with Bounds: what is suspended from then on
	Schedule  *governor.Schedule // puts a scheduled action, in the place of one of its name
	Deploy    bool               // a deployment that replaces all tasks
}

// An Alarm calls the policy that has it.
type Alarm struct {
	Name   string
	Metric Metric
	Rule   alarm.Rule
}

// A Policy is a scaling policy of any kind.
type Policy struct {
	Name string
	Rule scaling.Policy // target tracking or steps; nil: predictive scaling
	// Alarms are the two of target tracking, the one above the target first, or those
	// that call a step policy.
	Alarms     []Alarm
	Predictive *Predictive // with Rule nil
}

// A Pace is how fast a target tracking policy reacts. The zero value is AWS's.
type Pace struct {
	Period  time.Duration // of the metric; 0: a minute
	Out, In int32         // datapoints above the target, and below 90 % of it; 0: 3, and 15
}

// Tracking is a target tracking policy on a metric, with its alarms.
func Tracking(name string, rule scaling.TargetTracking, m Metric, pace Pace) Policy {
	side := func(side string, c alarm.Comparison, threshold float64, periods, usual int32) Alarm {
		if periods == 0 {
			periods = usual
		}
		period := pace.Period
		if period == 0 {
			period = time.Minute
		}
		return Alarm{
			Name:   "TargetTracking-" + name + "-Alarm" + side,
			Metric: m,
			Rule:   alarm.Rule{Comparison: c, Threshold: threshold, Periods: periods, Period: period},
		}
	}
	p := Policy{Name: name, Rule: rule, Alarms: []Alarm{side("High", alarm.Greater, rule.Target(), pace.Out, 3)}}
	if rule.ScalesIn() {
		p.Alarms = append(p.Alarms, side("Low", alarm.Less, rule.LowThreshold(), pace.In, 15))
	}
	return p
}

// An Observer is told what happens in a run. What is nil is told nothing.
type Observer struct {
	Minute   func(Record)
	Activity func(scaling.Activity)
	// Alarm is told when an alarm goes into a state.
	Alarm func(at time.Time, name string, state alarm.State)
	// Explained is told how the target stands at Scenario.Explain: what its alarms see, and
	// what is decided then.
	Explained func(governor.Explanation)
}

func (s *Scenario) check() error {
	if err := s.Service.check(); err != nil {
		return err
	}
	if !s.Start.Truncate(time.Minute).Equal(s.Start) || s.Start.Year() < 1971 || s.Start.Year() > 2200 {
		return fmt.Errorf("the start is %v; it must be a full minute, in the years 1971 to 2200", s.Start)
	}
	if s.WarmUp < 0 {
		return errors.New("the warm-up must not be negative")
	}
	for i, c := range s.Changes {
		if c.At.Before(s.Start) || i > 0 && c.At.Before(s.Changes[i-1].At) {
			return fmt.Errorf("change %d is at %v; changes must be in order, and not before the start", i+1, c.At)
		}
	}
	if s.Autoscaler != nil && len(s.Policies) > 0 {
		return errors.New("either policies decide, or another autoscaler")
	}
	names := map[string]bool{}
	for _, p := range s.Policies {
		if names[p.Name] {
			return fmt.Errorf("there are two policies of the name %q", p.Name)
		}
		names[p.Name] = true
		if err := p.check(s.delays); err != nil {
			return fmt.Errorf("policy %s: %w", p.Name, err)
		}
	}
	return s.Agreement.check()
}

func (p Policy) check(delays func(Alarm) Delays) error {
	switch {
	case (p.Rule == nil) == (p.Predictive == nil):
		return errors.New("it must either have a rule or be predictive")
	case p.Predictive != nil:
		return p.Predictive.check()
	case len(p.Alarms) == 0:
		return errors.New("no alarm calls it")
	}
	for _, a := range p.Alarms {
		if err := a.check(delays(a)); err != nil {
			return fmt.Errorf("alarm %s: %w", a.Name, err)
		}
	}
	return nil
}

func (a Alarm) check(d Delays) error {
	period := a.Rule.Period
	switch {
	case a.Rule.Comparison.OfBand():
		return errors.New("it has a band, and scaling needs a threshold")
	case a.Rule.Periods < 1 || a.Rule.Periods > 1440:
		return fmt.Errorf("%d evaluation periods; there must be 1 to 1440", a.Rule.Periods)
	case period < time.Second || period > 24*time.Hour || period < time.Minute && time.Minute%period != 0 || period > time.Minute && period%time.Minute != 0:
		return fmt.Errorf("a period of %s; it must be a part of a minute, or whole minutes up to a day", duration.String(period))
	case d.Publication < 0 || d.Publication >= min(period, time.Minute):
		return fmt.Errorf("datapoints appear %s after their period; it must be less than the period of %s", duration.String(d.Publication), duration.String(min(period, time.Minute)))
	case d.Evaluation < 0 || d.Evaluation > time.Hour || d.Evaluation > 0 && d.Evaluation < d.Publication:
		return fmt.Errorf("it looks %s behind; it must be at least as long as datapoints take to appear, and an hour at most", duration.String(d.Evaluation))
	case a.Metric.Quantity > Computed || (a.Metric.Quantity == Computed) != (a.Metric.Formula != nil):
		return errors.New("it watches an unknown quantity")
	}
	if s := a.Metric.Statistic; s != (metric.Statistic{}) && !s.Basic() {
		return fmt.Errorf("the statistic %s cannot be simulated", s)
	}
	return nil
}
