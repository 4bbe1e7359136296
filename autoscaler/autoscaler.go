// Package autoscaler is what a controller of replicas is, where AWS's policies and alarms
// do not decide: it looks at a service at regular times, and says how many replicas there
// should be, and why. Each package below it is one such controller, by its published
// algorithm.
//
//	controller := hpa.Spec{Metrics: ...}.New()
//	for each controller.Interval() {
//		decision := controller.Decide(seen)
//		// set decision.Replicas; say decision.Reason
//	}
//
// A controller remembers what it has seen. It keeps no clock: the time is in what it sees.
package autoscaler

import (
	"math"
	"time"
)

// An Autoscaler decides how many replicas there are to be.
type Autoscaler interface {
	// Interval is the time from one decision to the next.
	Interval() time.Duration
	// Decide is asked once each interval, in the order of time.
	Decide(Seen) Decision
}

// A Decision is the number of replicas that there are to be.
type Decision struct {
	Replicas int
	// By names what the decision is due to, in the autoscaler's words: few different ones.
	By string
	// Reason says why, in the autoscaler's words.
	Reason string
	// Held says why the number stays what it is although a metric asks for another one, as
	// a code such as ScaleDownStabilized; empty: it does not.
	Held string
}

// Stay is the decision to leave the replicas as they are.
func (s Seen) Stay() Decision { return Decision{Replicas: s.Desired} }

// A Seen is what a controller can see of a service when it is asked: replicas at that
// moment, and averages since it was asked last.
type Seen struct {
	At       time.Time
	Desired  int
	Running  int // replicas that run, whether they get requests or not
	Ready    int // of these, those that get requests
	Min, Max int

	Serving     float64 // replicas that got requests, on average
	Requests    float64 // that arrived in a second
	Concurrency float64 // requests in hand or waiting, on average
	CPU         float64 // processors in use
	Memory      float64 // MiB in use
	Queue       float64 // requests or messages that wait now

	VCPU float64 // processors that a replica has
	MiB  float64 // memory that a replica has; 0: not known
}

// A Metric is what a controller scales by.
type Metric uint8

// The metrics.
const (
	CPU         Metric = iota // processors in use
	Memory                    // MiB in use
	Requests                  // a second
	Concurrency               // requests in hand or waiting
	Queue                     // requests or messages that wait
)

var metricNames = [...]string{CPU: "cpu", Memory: "memory", Requests: "rps", Concurrency: "concurrency", Queue: "queue"}

// String is the name of the metric in short forms.
func (m Metric) String() string { return metricNames[m] }

// Total is a metric over all replicas.
func (s Seen) Total(m Metric) float64 {
	switch m {
	case CPU:
		return s.CPU
	case Memory:
		return s.Memory
	case Requests:
		return s.Requests
	case Concurrency:
		return s.Concurrency
	}
	return s.Queue
}

// PerReplica is the average of a metric over the replicas that got requests; NaN where none
// did.
func (s Seen) PerReplica(m Metric) float64 {
	if s.Serving == 0 {
		return math.NaN()
	}
	return s.Total(m) / s.Serving
}

// Capacity is how much of a resource a replica has; 0: not known, or no resource.
func (s Seen) Capacity(m Metric) float64 {
	switch m {
	case CPU:
		return s.VCPU
	case Memory:
		return s.MiB
	}
	return 0
}
