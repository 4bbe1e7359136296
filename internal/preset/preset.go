// Package preset makes autoscalers that are not AWS's of what people have of them: a
// HorizontalPodAutoscaler, a ScaledObject of KEDA or a Service of Knative in YAML or JSON, a
// job of Nomad in JSON, or a short form such as hpa:cpu=60.
package preset

import (
	"fmt"
	"math"
	"time"

	"flyball/autoscaler"
	"flyball/sim"
)

// A Preset is an autoscaler as somebody has configured it.
type Preset struct {
	Name     string // of what it scales; empty: not said
	Min, Max *int32 // nil: others say
	// Make is the autoscaler in a scenario.
	Make func(sim.Scenario) autoscaler.Autoscaler
	// Buffers has requests wait where no replica serves, as the activator of Knative does.
	Buffers bool
	// Concurrency is how many requests a replica takes in hand; 0: others say.
	Concurrency int
	// Notes are what is to be known of it, in a sentence each.
	Notes []string
}

// Apply has the preset decide in a scenario.
func (p Preset) Apply(s *sim.Scenario) {
	if p.Concurrency > 0 && s.Service.Concurrency == 0 {
		s.Service.Concurrency = p.Concurrency
	}
	s.Service.Buffered = s.Service.Buffered || p.Buffers
	scenario := *s
	s.Autoscaler = func() autoscaler.Autoscaler { return p.Make(scenario) }
}

// always is an autoscaler that does not depend on its scenario.
func always[A autoscaler.Autoscaler](make func() A) func(sim.Scenario) autoscaler.Autoscaler {
	return func(sim.Scenario) autoscaler.Autoscaler { return make() }
}

// bound sets a bound that somebody said.
func bound(of **int32, name string, v float64) error {
	if !(v >= 0 && v <= math.MaxInt32) || v != math.Trunc(v) {
		return fmt.Errorf("%s is %v; write a whole number of replicas, such as 2", name, v)
	}
	*of = new(int32(v))
	return nil
}

// seconds is a duration of whole seconds within bounds.
func seconds(name string, v, least, most float64) (time.Duration, error) {
	if !(v >= least && v <= most) {
		return 0, fmt.Errorf("%s is %v s; it must be %v to %v", name, v, least, most)
	}
	return time.Duration(v * float64(time.Second)), nil
}
