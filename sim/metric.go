package sim

import (
	"math"
	"time"

	"flyball/metric"
)

// A Quantity is what a metric measures of the service.
type Quantity uint8

// The quantities.
const (
	CPUUtilization        Quantity = iota // percent of the processors that running tasks have
	MemoryUtilization                     // percent of the memory that running tasks have
	RequestCount                          // requests in a period; no datapoint without any
	RequestCountPerTarget                 // requests in a period, divided by the tasks that serve
	ResponseTime                          // seconds, on average; no datapoint without a request
	QueueLength                           // requests or messages that wait at the end of a period
	BacklogPerTask                        // QueueLength for each running task, and as with one where none runs
	RunningTasks                          // at the end of a period
	DesiredTasks                          // at the end of a period
	Given                                 // a value that comes with the traffic
	Computed                              // of other metrics
)

var quantityNames = [...]string{
	CPUUtilization: "CPU utilization", MemoryUtilization: "memory utilization", RequestCount: "requests",
	RequestCountPerTarget: "requests per task", ResponseTime: "response time", QueueLength: "queue length",
	BacklogPerTask: "backlog per task", RunningTasks: "running tasks", DesiredTasks: "desired tasks", Given: "given", Computed: "computed",
}

// String is the name of the quantity.
func (q Quantity) String() string { return quantityNames[q] }

// A Metric is what an alarm watches.
type Metric struct {
	Quantity
	// Index is the place of a Given value among those of a minute.
	Index int
	// Formula is what a Computed value is computed by.
	Formula *Formula
	// Statistic is how minutes become one datapoint where the period is longer; the zero
	// value is Average. Of one minute the tasks are all alike, so that there every statistic
	// of a task's metric is the same.
	Statistic metric.Statistic
}

// A Formula is metric math: a value of a period by those of metrics.
type Formula struct {
	Of []Metric
	// Value is the formula's value; where nothing runs, what is divided by the tasks is as
	// with one.
	Value func(values []float64, nothingRuns bool) float64
}

// merge is the datapoint of several that make a longer period.
func (m Metric) merge(values []float64) float64 {
	sum, least, most, n := 0.0, math.Inf(1), math.Inf(-1), 0
	for _, v := range values {
		if v == v {
			sum, least, most = sum+v, min(least, v), max(most, v)
			n++
		}
	}
	switch {
	case n == 0:
		return math.NaN()
	case m.Statistic == metric.Sum:
		return sum
	case m.Statistic == metric.Minimum:
		return least
	case m.Statistic == metric.Maximum:
		return most
	}
	return sum / float64(n)
}

// A window is what was measured since a period began.
type window struct {
	served, arrived float64 // requests
	counted         float64 // requests of which the response time is known
	delays          float64 // seconds of response times
	inHand          float64 // seconds that requests were in hand
	running         float64 // seconds of tasks
	serving         float64
}

// add adds what became of requests with some tasks.
func (w *window) add(f *flow, s *station, running, serving float64) {
	w.arrived += f.arrived
	w.served += f.served
	if kept := f.known(); kept > 0 {
		w.counted += kept
		w.delays += kept * (f.delay + s.time + s.apart)
	}
	w.inHand += f.served * (s.time + s.apart)
	w.running += running * f.seconds
	w.serving += serving * f.seconds
}

// measure is the value of a quantity at the end of a period.
func (r *run) measure(m Metric, w *window, period time.Duration) float64 {
	switch m.Quantity {
	case CPUUtilization:
		return share(100*w.served*r.cpu, r.scenario.Service.VCPU*w.running)
	case MemoryUtilization:
		s := &r.scenario.Service
		return share(100*(s.MemoryAtRest*w.running+s.MemoryPerRequest*w.inHand), s.Memory*w.running)
	case RequestCount:
		return something(w.arrived)
	case RequestCountPerTarget:
		return share(something(w.arrived), w.serving/period.Seconds())
	case ResponseTime:
		return share(w.delays, w.counted)
	case QueueLength:
		return r.queue.waitingNow(float64(r.tasks.serving()), r.rate)
	case BacklogPerTask:
		return r.queue.waitingNow(float64(r.tasks.serving()), r.rate) / float64(max(1, r.tasks.running()))
	case RunningTasks:
		return float64(r.tasks.running())
	case DesiredTasks:
		return float64(r.tasks.desired)
	case Computed:
		values := make([]float64, len(m.Formula.Of))
		for i, of := range m.Formula.Of {
			values[i] = r.measure(of, w, period)
		}
		return m.Formula.Value(values, r.tasks.running() == 0)
	default:
		if m.Index < len(r.minute.Given) {
			return r.minute.Given[m.Index]
		}
		return math.NaN()
	}
}

// share is a quotient, and no value where there is nothing to divide by.
func share(of, by float64) float64 {
	if by == 0 {
		return math.NaN()
	}
	return of / by
}

// something is a count, of which 0 is no datapoint.
func something(n float64) float64 {
	if n == 0 {
		return math.NaN()
	}
	return n
}
