// Package whatif tells what a service would have done with other policies, on the load
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
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/internal/fit"
	"flyball/internal/policydoc"
	"flyball/internal/simulation"
	"flyball/internal/tune"
	"flyball/scaling"
	"flyball/sim"
)

// A Past is what was measured of a service, minute by minute.
type Past struct {
	Start    time.Time // a full minute
	Minutes  []Minute
	VCPU     float64       // of a task
	Memory   float64       // of a task, in MiB; 0: not known
	TaskTime time.Duration // from asking for a task until it runs
	Hours    []Hour        // before the start, oldest first, which predictive policies forecast from
	// Own are the values of metrics that policies have specified themselves, a minute each, by
	// their keys (OwnKey). What is not known is NaN.
	Own map[string][]float64
}

// An Hour is what was measured in one before. What is not known is NaN.
type Hour struct {
	CPU, Memory float64 // percent of what the running tasks have
	Tasks       float64 // that ran
	Requests    float64
}

// A Minute is what was measured in one. What is not known is NaN.
type Minute struct {
	CPU      float64 // percent of what the running tasks have
	Memory   float64 // percent of what the running tasks have
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
	Cost        float64
	Kept        float64 // percent of what is agreed on; NaN where that is not known
}

// An Outcome is the past beside two runs on its load: with the policies as they are, which shows how
// true a run is, and with the change.
type Outcome struct {
	Was, Now, Then Course
	Target         float64 // as it is; 0 where more than that is compared
	Tracks         types.MetricType
	Own            string // the key of the metric that is looked at in the place of Tracks
}

// ErrUnmeasured is the error of a policy whose metric does not tell how much load there was.
var ErrUnmeasured = errors.New("this is told of policies that track CPU utilization, memory utilization or requests per target")

// saturated is the CPU utilization from which on there may be more load than is measured.
const saturated = 98

// unit is the CPU time of what stands for a request where load is known by its CPU alone.
const unit = 10 * time.Millisecond

// A Question is which documents about one target are compared on its past, and by what.
type Question struct {
	Now, Then policydoc.Documents
	// Tracks is the metric that is looked at: utilization of CPU or of memory, or requests per target.
	Tracks types.MetricType
	Own    string  // the key of a metric that is looked at in the place of Tracks
	Limit  float64 // of it, above which minutes are counted
	// Goal is what is agreed on; nil: nothing is.
	Goal  *tune.Goal
	Price sim.Price // of tasks; zero: they cost nothing
}

// Run tells what the change would have done. The documents are those of the one target.
func Run(d policydoc.Documents, past Past, c Change) (Outcome, error) {
	if !(c.Target > 0) || math.IsInf(c.Target, 1) {
		return Outcome{}, errors.New("a target value is a number greater than 0")
	}
	i := slices.IndexFunc(d.Policies, func(p types.ScalingPolicy) bool { return aws.ToString(p.PolicyName) == c.Policy })
	if i < 0 || d.Policies[i].TargetTrackingScalingPolicyConfiguration == nil {
		return Outcome{}, fmt.Errorf("there is no target tracking policy %s", c.Policy)
	}
	config := *d.Policies[i].TargetTrackingScalingPolicyConfiguration
	q := Question{Now: d, Limit: c.Target, Own: OwnKey(config.CustomizedMetricSpecification)}
	if m := config.PredefinedMetricSpecification; m != nil {
		q.Tracks = m.PredefinedMetricType
	} else if q.Tracks = types.MetricTypeECSServiceAverageCPUUtilization; past.Own[q.Own] == nil {
		return Outcome{}, ErrUnmeasured
	}
	changed, err := d.With(policydoc.Settings{{Policy: c.Policy, Field: "target", Value: strconv.FormatFloat(c.Target, 'g', -1, 64)}})
	if err != nil {
		return Outcome{}, err
	}
	q.Then = changed
	o, err := Compare(past, q)
	o.Target = aws.ToFloat64(config.TargetValue)
	return o, err
}

// Compare plays the past through two sets of documents.
func Compare(past Past, q Question) (o Outcome, err error) {
	m, err := past.Model(q)
	if err != nil {
		return o, err
	}
	o.Was, o.Tracks, o.Own = m.measured(q), q.Tracks, q.Own
	if o.Now, err = m.run(q.Now, q); err != nil {
		return o, err
	}
	o.Then, err = m.run(q.Then, q)
	return o, err
}

// A Model is a service with the load that it has had, as far as its metrics tell.
type Model struct {
	Past
	Service  sim.Service
	Requests []float64 // of each minute
	Counted  bool      // they are requests; else each stands for some CPU time
}

// Model is the past as traffic. Where something depends on requests they are those that were
// counted, of which each takes the same CPU time; else they stand for the CPU time that was used.
func (p Past) Model(q Question) (Model, error) {
	m := Model{Past: p, Requests: make([]float64, len(p.Minutes))}
	if len(p.Minutes) < 2 {
		return m, errors.New("no minute of this time has been measured yet")
	}
	cpu := unit
	var seconds, requests float64
	for i, minute := range p.Minutes {
		busy := known(minute.CPU) / 100 * known(minute.Running) * p.VCPU * 60
		seconds, requests = seconds+busy, requests+known(minute.Requests)
		m.Requests[i] = busy / unit.Seconds()
	}
	switch {
	case q.Tracks == types.MetricTypeALBRequestCountPerTarget && requests == 0:
		return m, errors.New("there was no request in this time")
	case q.Tracks != types.MetricTypeALBRequestCountPerTarget && q.Tracks != types.MetricTypeECSServiceAverageCPUUtilization && q.Tracks != types.MetricTypeECSServiceAverageMemoryUtilization:
		return m, ErrUnmeasured
	case q.Goal != nil && q.Goal.Unit() == "requests" && requests == 0:
		return m, errors.New("no load balancer has counted requests in this time: agree on minutes, such as p95 utilization < 80%")
	}
	if m.Counted = requests > 0 && seconds > 0 && q.countsRequests(); m.Counted {
		cpu = time.Duration(seconds / requests * float64(time.Second))
		for i, minute := range p.Minutes {
			m.Requests[i] = known(minute.Requests)
		}
	}
	m.Service = sim.Service{CPU: cpu, VCPU: p.VCPU, Memory: p.Memory, Start: p.TaskTime, Concurrency: 1000}
	if q.looksAtMemory() {
		return m, m.fitMemory()
	}
	return m, nil
}

// looksAtMemory reports whether something of a question depends on the memory of tasks.
func (q Question) looksAtMemory() bool {
	if q.Tracks == types.MetricTypeECSServiceAverageMemoryUtilization {
		return true
	}
	return slices.ContainsFunc(slices.Concat(q.Now.Alarms, q.Then.Alarms), func(a cwtypes.MetricAlarm) bool {
		return aws.ToString(a.MetricName) == "MemoryUtilization"
	}) || slices.ContainsFunc(slices.Concat(q.Now.Policies, q.Then.Policies), func(p types.ScalingPolicy) bool {
		c, ahead := p.TargetTrackingScalingPolicyConfiguration, p.PredictiveScalingPolicyConfiguration
		if c != nil && c.PredefinedMetricSpecification != nil {
			return c.PredefinedMetricSpecification.PredefinedMetricType == types.MetricTypeECSServiceAverageMemoryUtilization
		}
		return ahead != nil && slices.ContainsFunc(ahead.MetricSpecifications, func(m types.PredictiveScalingMetricSpecification) bool {
			pair := m.PredefinedMetricPairSpecification
			return pair != nil && aws.ToString(pair.PredefinedMetricType) == "ECSServiceMemoryUtilization"
		})
	})
}

// fitMemory estimates what memory a task takes at rest, and with what stands for a request in hand.
func (m *Model) fitMemory() error {
	h := fit.History{Start: m.Start, Step: time.Minute, Requests: m.Requests}
	for _, minute := range m.Minutes {
		h.CPU, h.Memory, h.Tasks = append(h.CPU, minute.CPU), append(h.Memory, minute.Memory), append(h.Tasks, minute.Running)
	}
	estimated, err := fit.Estimate(h, fit.Task{VCPU: m.VCPU, Memory: m.Memory})
	if err != nil {
		return err
	}
	rest, ok := estimated.Value(fit.MemoryAtRest)
	if !ok {
		i := slices.IndexFunc(estimated.Missing, func(v fit.Missing) bool { return v.Name == fit.MemoryAtRest })
		if i < 0 {
			return errors.New("what memory a task takes is not known")
		}
		return fmt.Errorf("what memory a task takes is not known: %s", estimated.Missing[i].Why)
	}
	m.Service.MemoryAtRest = rest.At
	if each, ok := estimated.Value(fit.MemoryPerRequest); ok {
		m.Service.MemoryPerRequest = each.At
	}
	return nil
}

// countsRequests reports whether something of a question depends on single requests.
func (q Question) countsRequests() bool {
	if q.Tracks == types.MetricTypeALBRequestCountPerTarget || q.Goal != nil && q.Goal.Unit() == "requests" {
		return true
	}
	return slices.ContainsFunc(slices.Concat(q.Now.Policies, q.Then.Policies), func(p types.ScalingPolicy) bool {
		c, ahead := p.TargetTrackingScalingPolicyConfiguration, p.PredictiveScalingPolicyConfiguration
		if c != nil && c.PredefinedMetricSpecification != nil {
			return c.PredefinedMetricSpecification.PredefinedMetricType == types.MetricTypeALBRequestCountPerTarget
		}
		return ahead != nil && slices.ContainsFunc(ahead.MetricSpecifications, func(m types.PredictiveScalingMetricSpecification) bool {
			pair := m.PredefinedMetricPairSpecification
			return pair != nil && aws.ToString(pair.PredefinedMetricType) == "ALBRequestCount"
		})
	})
}

func known(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return v
}

// measured is what was measured.
func (m Model) measured(q Question) Course {
	var c Course
	for i, minute := range m.Minutes {
		value := minute.CPU
		switch {
		case q.Own != "":
			value = m.Own[q.Own][i]
		case q.Tracks == types.MetricTypeALBRequestCountPerTarget:
			value = m.Requests[i] / max(known(minute.Running), 1)
		case q.Tracks == types.MetricTypeECSServiceAverageMemoryUtilization:
			value = minute.Memory
		}
		c.add(minute.Desired, known(minute.Running), value, q.Limit, minute.CPU)
	}
	c.Kept = math.NaN()
	return c
}

// Scenario is that of documents on this load.
func (m Model) Scenario(d policydoc.Documents) (sim.Scenario, []string, error) {
	initial := int32(max(known(m.Minutes[0].Desired), 0))
	s, notes, err := simulation.New(d, simulation.Setup{Start: m.Start, Initial: &initial, Service: m.Service, Metrics: m.metrics(d)})
	for _, p := range s.Policies {
		if p.Predictive != nil {
			p.Predictive.History = m.history(p.Predictive)
		}
	}
	return s, notes, err
}

// history is what a predictive policy knew at the start. The load is the total of the tasks' values
// of each minute.
func (m Model) history(p *sim.Predictive) (all []scaling.Hour) {
	for _, h := range m.Hours {
		hour := scaling.Hour{Tasks: h.Tasks}
		switch p.Load {
		case sim.CPUUtilization:
			hour.Load = h.CPU * h.Tasks * 60
		case sim.MemoryUtilization:
			hour.Load = h.Memory * h.Tasks * 60
		default:
			hour.Load = h.Requests
		}
		switch p.Metric {
		case sim.CPUUtilization:
			hour.Metric = h.CPU
		case sim.MemoryUtilization:
			hour.Metric = h.Memory
		default:
			hour.Metric = h.Requests / 60 / h.Tasks // of a target in a minute
		}
		all = append(all, hour)
	}
	return all
}

// run lives through the load with the policies of some documents.
func (m Model) run(d policydoc.Documents, q Question) (c Course, err error) {
	scenario, _, err := m.Scenario(d)
	if err != nil {
		return c, err
	}
	for _, a := range d.Autoscalers {
		a.Apply(&scenario)
	}
	scenario.Price = q.Price
	if q.Goal != nil {
		scenario.Agreement = q.Goal.Latency()
	}
	var missed, total float64
	minute := 0
	scenario.Observer.Minute = func(r sim.Record) {
		cpu := share(100*m.Requests[minute]*m.Service.CPU.Seconds(), float64(r.Running)*m.VCPU*60)
		value := min(cpu, 100) // what is more waits, and is known by its minutes alone
		switch {
		case q.Own != "":
			value = m.total(q.Own, minute) / max(float64(r.Running), 1)
		case q.Tracks == types.MetricTypeALBRequestCountPerTarget:
			value = share(m.Requests[minute], float64(r.Serving))
		case q.Tracks == types.MetricTypeECSServiceAverageMemoryUtilization:
			inHand := share(r.Requests*r.Mean.Seconds()/60, float64(r.Running))
			value = share(100*(m.Service.MemoryAtRest+m.Service.MemoryPerRequest*inHand), m.Memory)
		}
		minute++
		c.add(float64(r.Desired), float64(r.Running), value, q.Limit, cpu)
		if q.Goal != nil {
			bad, of := q.Goal.Counts(r)
			missed, total = missed+bad, total+of
		}
	}
	result, err := sim.Run(scenario, func(yield func(sim.Minute) bool) {
		given := m.Given()
		for i, n := range m.Requests {
			minute := sim.Minute{Requests: n}
			if given != nil {
				minute.Given = given[i]
			}
			if !yield(minute) {
				return
			}
		}
	})
	c.Cost, c.Kept = result.Cost, 100*(1-share(missed, total))
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
