package control

import (
	"fmt"
	"time"

	"flyball/alarm"
	"flyball/internal/service/autoscaling/rules"
	"flyball/internal/source"
	"flyball/metric/math"
	"flyball/scaling"
)

// A Target is what somebody wants of a resource: between which bounds it is to be scaled, and
// by which policies. It is a value that says nothing of what has happened; Compile makes it of
// AWS's shapes.
type Target struct {
	// Resource is what is scaled. Its Kind says which Capacity sets it: service/CLUSTER/NAME is
	// a service of ECS, function:NAME:QUALIFIER concurrency of Lambda, an address
	// (https://...) a custom resource, and kubernetes/NAMESPACE/RESOURCE.GROUP/NAME
	// something that has a scale, such as kubernetes/shop/deployments.apps/web.
	Resource  scaling.ResourceID
	Bounds    scaling.Bounds
	Suspended scaling.Suspended
	Limits    scaling.Limits // of how fast capacity changes; zero: none
	Policies  []Policy       // by name
	Schedules []Schedule     // by name
	// Paused says why nothing is to be done for now, in a sentence's words; "": go on.
	Paused string
	// From is where the target is described, for people: a file, or a custom resource.
	From string
}

// A Policy is a scaling policy with the alarms that call it.
type Policy struct {
	Name   string
	Rule   scaling.Policy
	Alarms []Alarm // of target tracking: the high one, and then the low one if it scales in
	// Predictive is what a predictive policy forecasts from, with Rule nil; nil for the others.
	Predictive *Predictive
}

// An Alarm is a rule over what some inputs come to.
type Alarm struct {
	Name string
	Rule alarm.Rule
	Measure
}

// A Measure is a series of values: an input as it is, or what is computed of some.
type Measure struct {
	Inputs []Input
	// Formula is what is computed of the inputs, and Result the name of what it comes to; nil:
	// the one input is meant.
	Formula *math.Program
	Result  string
}

// period is that of all inputs.
func (m *Measure) period() time.Duration { return m.Inputs[0].Query.Period }

// compute is what the inputs come to in the periods up to an end, with what a divisor of zero counts as.
func (m *Measure) compute(inputs [][]float64, end time.Time, zeroDivisor float64) ([]float64, error) {
	if m.Formula == nil {
		return inputs[0], nil
	}
	n := len(inputs[0])
	grid := math.Grid{Start: end.Add(-time.Duration(n) * m.period()), Step: m.period(), Len: n}
	run := m.Formula.Run(math.Env{Grid: grid, ZeroDivisor: zeroDivisor, Metric: func(id string) (math.Series, error) {
		s := math.NewSeries(grid)
		for i, in := range m.Inputs {
			if in.ID == id {
				copy(s.Values, inputs[i])
			}
		}
		return s, nil
	}})
	series, err := run.Result(m.Result)
	if err != nil {
		return nil, fmt.Errorf("compute %s: %w", m.Result, err)
	}
	if len(series) != 1 {
		return nil, fmt.Errorf("compute %s: it comes to %d series, and should to one", m.Result, len(series))
	}
	return series[0].Values, nil
}

// An Input is a metric, its name in the formula, and where it is read.
type Input struct {
	ID     string
	Query  source.Query // without its time and number of periods
	Source source.Source
	// Running is the running capacity of the target itself, which the host knows.
	Running bool
}

// A Schedule is a scheduled action. When it was seen first is remembered, since a rate counts
// from there.
type Schedule struct {
	Name string
	rules.Action
}
