// Package keda is Kubernetes Event-driven Autoscaling, by its documentation ("Scaling
// Deployments, StatefulSets & Custom Resources", "ScaledObject specification", KEDA): its
// operator looks at triggers to go from 0 replicas to 1 and back, and a Horizontal Pod
// Autoscaler scales what is above.
package keda

import (
	"fmt"
	"time"

	"flyball/autoscaler"
	"flyball/autoscaler/hpa"
)

// A Spec is a ScaledObject. The zero value of what KEDA has a default for is that default.
type Spec struct {
	Triggers []Trigger
	// HPA is that behind it, without metrics, which are those of the triggers.
	HPA hpa.Spec
	// Least is how many replicas there are at least with activity, where there is none without
	// (idleReplicaCount); 0: the minimum, or 1.
	Least int

	Polling         time.Duration  // time between two looks at the triggers; 0: 30 s
	Cooldown        *time.Duration // from the last activity until nothing runs; nil: 5 min
	InitialCooldown time.Duration  // from the start until nothing runs
}

// A Trigger is a metric with what counts as activity: a value above Activation.
type Trigger struct {
	hpa.Metric
	Activation float64
}

// New is the autoscaler of a spec.
func (s Spec) New() autoscaler.Autoscaler {
	if s.Polling == 0 {
		s.Polling = 30 * time.Second
	}
	if s.Cooldown == nil {
		s.Cooldown = new(5 * time.Minute)
	}
	for _, t := range s.Triggers {
		s.HPA.Metrics = append(s.HPA.Metrics, t.Metric)
	}
	c := &controller{Spec: s, hpa: s.HPA.New()}
	c.interval = divisor(s.Polling, c.hpa.Interval())
	return c
}

// divisor is the largest duration that both are multiples of, a second at least.
func divisor(a, b time.Duration) time.Duration {
	for b != 0 {
		a, b = b, a%b
	}
	return max(a, time.Second)
}

// A controller is the operator with the HPA behind it.
type controller struct {
	Spec
	hpa      autoscaler.Autoscaler
	interval time.Duration
	begun    time.Time
	active   time.Time // when there was activity last; the zero time: never
	polls    time.Time // when the triggers are looked at next
	syncs    time.Time // when the HPA is asked next
	since    autoscaler.Sum
}

// Interval divides the polling interval and the HPA's sync period.
func (c *controller) Interval() time.Duration { return c.interval }

// Decide looks at the triggers, or asks the HPA, or both, whatever is due.
func (c *controller) Decide(s autoscaler.Seen) autoscaler.Decision {
	if c.begun.IsZero() {
		c.begun, c.polls, c.syncs = s.At, s.At, s.At
	}
	c.since.Add(s)
	d := s.Stay()
	if !s.At.Before(c.polls) {
		c.polls = s.At.Add(c.Polling)
		d = c.poll(s)
	}
	if s.At.Before(c.syncs) {
		return d
	}
	c.syncs = s.At.Add(c.hpa.Interval())
	mean := c.since.Mean()
	if d.Replicas != s.Desired || s.Desired == 0 {
		return d
	}
	mean.Min = c.least(s)
	return c.hpa.Decide(mean)
}

// least is how many replicas there are at least with activity.
func (c *controller) least(s autoscaler.Seen) int { return max(1, s.Min, c.Least) }

// poll looks whether there is activity.
func (c *controller) poll(s autoscaler.Seen) autoscaler.Decision {
	d := s.Stay()
	if cause := c.activity(s); cause != nil {
		c.active = s.At
		if s.Desired == 0 {
			d.Replicas, d.By = c.least(s), "KEDA activation"
			d.Reason = fmt.Sprintf("Scaled from 0 to %d, triggered by %s: %.4g is above an activation of %.4g", d.Replicas, cause.Name, s.Total(cause.Metric.Metric), cause.Activation)
		}
		return d
	}
	if s.Desired == 0 || s.Min > 0 {
		return d
	}
	if s.At.Before(c.begun.Add(c.InitialCooldown)) || s.At.Before(c.active.Add(*c.Cooldown)) {
		d.Held = "CooldownPeriod"
		return d
	}
	d.Replicas, d.By = 0, "KEDA deactivation"
	d.Reason = fmt.Sprintf("Deactivated from %d to 0: no trigger was active for %g s", s.Desired, c.Cooldown.Seconds())
	return d
}

// activity is the trigger that is active; nil: none is.
func (c *controller) activity(s autoscaler.Seen) *Trigger {
	for i := range c.Triggers {
		if t := &c.Triggers[i]; s.Total(t.Metric.Metric) > t.Activation {
			return t
		}
	}
	return nil
}
