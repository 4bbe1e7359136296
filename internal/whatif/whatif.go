// Package whatif tells what a service would have done with another target value, on the load
// that it has had: the past is measured, the rest is a run of package sim with the service's own
// policies.
//
// What was measured bounds what can be told. Load that was not served is not in the metrics, so that
// minutes in which tasks were saturated have had more of it than is known; and clients that wait for
// their answers send more when there are more tasks.
package whatif

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"

	"flyball/internal/policydoc"
	"flyball/internal/simulation"
	"flyball/scaling"
	"flyball/sim"
)

// A Past is what was measured of a service, minute by minute.
type Past struct {
	Start    time.Time // a full minute
	Minutes  []Minute
	VCPU     float64       // of a task
	TaskTime time.Duration // from asking for a task until it runs
}

// A Minute is what was measured in one. What is not known is NaN.
type Minute struct {
	CPU      float64 // percent of what the running tasks have
	Running  float64 // tasks
	Desired  float64 // tasks
	Requests float64
}

// A Change is another target value of a policy.
type Change struct {
	Policy string
	Target float64
}

// A Course is how the number of tasks goes, in reality or in a run.
type Course struct {
	Desired     []float64 // at the end of each minute
	Metric      []float64 // of the policy
	TaskMinutes float64
	Out, In     int // changes of the desired count
	Most        int
	Over        int // minutes with the metric above the target of the change
	Saturated   int // minutes in which tasks had no CPU left
}

// An Outcome is the past beside two runs on its load: with the policies as they are, which shows how
// true a run is, and with the change.
type Outcome struct {
	Was, Now, Then Course
	Target         float64 // as it is
}

// ErrUnmeasured is the error of a policy whose metric does not tell how much load there was.
var ErrUnmeasured = errors.New("this is told of policies that track CPU utilization or requests per target")

// saturated is the CPU utilization from which on there may be more load than is measured.
const saturated = 98

// unit is the CPU time of what stands for a request where load is known by its CPU alone.
const unit = 10 * time.Millisecond

// Run tells what the change would have done. The documents are those of the one target.
func Run(d policydoc.Documents, past Past, c Change) (Outcome, error) {
	if !(c.Target > 0) || math.IsInf(c.Target, 1) {
		return Outcome{}, errors.New("a target value is a number greater than 0")
	}
	if len(past.Minutes) < 2 {
		return Outcome{}, errors.New("no minute of this time has been measured yet")
	}
	i := slices.IndexFunc(d.Policies, func(p types.ScalingPolicy) bool { return aws.ToString(p.PolicyName) == c.Policy })
	if i < 0 || d.Policies[i].TargetTrackingScalingPolicyConfiguration == nil {
		return Outcome{}, fmt.Errorf("there is no target tracking policy %s", c.Policy)
	}
	config := *d.Policies[i].TargetTrackingScalingPolicyConfiguration
	l, err := past.load(config)
	if err != nil {
		return Outcome{}, err
	}
	o := Outcome{Target: aws.ToFloat64(config.TargetValue), Was: past.course(l, c.Target)}
	if o.Now, err = past.run(d, l, c.Target); err != nil {
		return Outcome{}, err
	}
	changed, err := d.With(policydoc.Settings{{Policy: c.Policy, Field: "target", Value: strconv.FormatFloat(c.Target, 'g', -1, 64)}})
	if err != nil {
		return Outcome{}, err
	}
	o.Then, err = past.run(changed, l, c.Target)
	return o, err
}

// A load is the past as traffic of a model of the service.
type load struct {
	requests   []float64
	cpu        time.Duration // of a request
	byRequests bool          // the policy tracks them
}

// load is the traffic by what the policy tracks.
func (p Past) load(c types.TargetTrackingScalingPolicyConfiguration) (load, error) {
	if c.PredefinedMetricSpecification == nil {
		return load{}, ErrUnmeasured
	}
	l := load{requests: make([]float64, len(p.Minutes)), cpu: unit}
	var seconds, requests float64
	for i, m := range p.Minutes {
		busy := known(m.CPU) / 100 * known(m.Running) * p.VCPU * 60
		seconds, requests = seconds+busy, requests+known(m.Requests)
		l.requests[i] = busy / unit.Seconds()
	}
	switch c.PredefinedMetricSpecification.PredefinedMetricType {
	case types.MetricTypeECSServiceAverageCPUUtilization:
		return l, nil
	case types.MetricTypeALBRequestCountPerTarget:
		if requests == 0 {
			return l, errors.New("there was no request in this time")
		}
		l.byRequests, l.cpu = true, time.Duration(seconds/requests*float64(time.Second))
		for i, m := range p.Minutes {
			l.requests[i] = known(m.Requests)
		}
		return l, nil
	}
	return l, ErrUnmeasured
}

func known(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return v
}

// course is what was measured.
func (p Past) course(l load, target float64) Course {
	var c Course
	for i, m := range p.Minutes {
		value := m.CPU
		if l.byRequests {
			value = l.requests[i] / max(known(m.Running), 1)
		}
		c.add(m.Desired, known(m.Running), value, target, m.CPU)
	}
	return c
}

// run lives through the load with the policies of some documents.
func (p Past) run(d policydoc.Documents, l load, target float64) (Course, error) {
	var c Course
	initial := int32(max(known(p.Minutes[0].Desired), 0))
	scenario, _, err := simulation.New(d, simulation.Setup{
		Start: p.Start, Initial: &initial,
		Service: sim.Service{CPU: l.cpu, VCPU: p.VCPU, Start: p.TaskTime, Concurrency: 1000},
	})
	if err != nil {
		return c, err
	}
	minute := 0
	scenario.Observer.Minute = func(r sim.Record) {
		cpu := share(100*l.requests[minute]*l.cpu.Seconds(), float64(r.Running)*p.VCPU*60)
		value := min(cpu, 100) // what is more waits, and is known by its minutes alone
		if l.byRequests {
			value = share(l.requests[minute], float64(r.Serving))
		}
		minute++
		c.add(float64(r.Desired), float64(r.Running), value, target, cpu)
	}
	_, err = sim.Run(scenario, func(yield func(sim.Minute) bool) {
		for _, n := range l.requests {
			if !yield(sim.Minute{Requests: n}) {
				return
			}
		}
	})
	return c, err
}

func share(a, b float64) float64 {
	if b == 0 {
		return math.NaN()
	}
	return a / b
}

// add adds a minute.
func (c *Course) add(desired, running, value, target, cpu float64) {
	if n := len(c.Desired); n > 0 {
		switch before := c.Desired[n-1]; {
		case desired > before:
			c.Out++
		case desired < before:
			c.In++
		}
	}
	c.Desired, c.Metric = append(c.Desired, desired), append(c.Metric, value)
	c.TaskMinutes += running
	c.Most = max(c.Most, int(scaling.Capacity(known(desired))))
	if value > target {
		c.Over++
	}
	if cpu >= saturated {
		c.Saturated++
	}
}
