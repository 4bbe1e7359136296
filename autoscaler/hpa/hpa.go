// Package hpa is the Horizontal Pod Autoscaler of Kubernetes (autoscaling/v2), by its
// documentation ("Horizontal Pod Autoscaling", Kubernetes) and the behaviour of its
// controller: desired = ceil(current x metric / target), with a tolerance, with pods that
// are not ready or have no metrics, with stabilization windows and scaling policies.
package hpa

import (
	"fmt"
	"math"
	"time"

	"flyball/autoscaler"
)

// A Spec is a HorizontalPodAutoscaler. The zero value of what Kubernetes has a default for
// is that default.
type Spec struct {
	Metrics  []Metric
	Up, Down Rules
	// Sync is the time between two decisions; 0: 15 s.
	Sync time.Duration
	// Tolerance is how far a metric may be from its target; 0: 0.1.
	Tolerance float64
}

// A Metric is one that replicas are computed from. The largest of several counts.
type Metric struct {
	autoscaler.Metric
	Kind   Kind
	Target float64
	Name   string // as the HPA names it in its events, such as "cpu resource utilization (percentage of request)"
}

// A Kind is what a target value is of.
type Kind uint8

// The kinds of targets.
const (
	Utilization  Kind = iota // percent of the resource that a pod asks for
	PodAverage               // the pods' mean: of a resource's amount, or of a metric of pods
	TotalAverage             // an object's or external metric, divided by the pods
	Total                    // an object's or external metric as it is
)

// defaults fills in what Kubernetes does.
func (s Spec) defaults() Spec {
	if s.Sync == 0 {
		s.Sync = 15 * time.Second
	}
	if s.Tolerance == 0 {
		s.Tolerance = 0.1
	}
	if s.Up.Policies == nil {
		s.Up.Policies = []Policy{{Percent: true, Value: 100, Period: 15 * time.Second}, {Value: 4, Period: 15 * time.Second}}
	}
	if s.Down.Policies == nil {
		s.Down.Policies = []Policy{{Percent: true, Value: 100, Period: 15 * time.Second}}
	}
	if s.Down.Stabilization == nil {
		s.Down.Stabilization = new(5 * time.Minute)
	}
	return s
}

// New is the autoscaler of a spec.
func (s Spec) New() autoscaler.Autoscaler { return &controller{Spec: s.defaults(), ready: -1} }

// A controller decides by a spec.
type controller struct {
	Spec
	ready   int // pods that were ready at the last sync; -1: there was none
	history history
}

// Interval is the sync period.
func (c *controller) Interval() time.Duration { return c.Sync }

// By names the decisions.
const By = "HorizontalPodAutoscaler"

// Decide is a sync.
func (c *controller) Decide(s autoscaler.Seen) autoscaler.Decision {
	measured := s.Ready
	if c.ready >= 0 { // those that became ready since have no whole window of CPU
		measured = min(c.ready, s.Ready)
	}
	c.ready = s.Ready
	d := s.Stay()
	d.By = By
	if s.Desired == 0 {
		d.Held = "ScalingDisabled"
		return d
	}
	wish, complete := c.propose(s, measured)
	if !complete && wish.replicas <= s.Desired { // a metric that fails keeps the others from scaling in
		d.Held = "FailedGetMetric"
		return d
	}
	d.Replicas, d.Held = c.limit(s, wish.replicas)
	if d.Replicas != s.Desired {
		d.Reason = wish.reason(d, s)
	}
	return d
}

// A proposal is the number of replicas that a metric asks for.
type proposal struct {
	replicas int
	metric   *Metric
	value    float64
}

// reason is what the HPA says in its event, with the values that it is due to.
func (p proposal) reason(d autoscaler.Decision, s autoscaler.Seen) string {
	text := fmt.Sprintf("New size: %d; reason: %s above target", d.Replicas, p.metric.Name)
	if p.replicas < s.Desired {
		text = fmt.Sprintf("New size: %d; reason: All metrics below target; %s", d.Replicas, p.metric.Name)
	}
	text += fmt.Sprintf(" (%.4g against %.4g, %d of %d pods ready)", p.value, p.metric.Target, s.Ready, s.Desired)
	if d.Held != "" {
		text += fmt.Sprintf("; %s: %d were asked for", d.Held, p.replicas)
	}
	return text
}

// propose is the largest number of replicas that a metric asks for, and whether all metrics
// could be had.
func (c *controller) propose(s autoscaler.Seen, measured int) (p proposal, complete bool) {
	p.replicas, complete = -1, true
	for i := range c.Metrics {
		n, value, ok := c.replicas(c.Metrics[i], s, measured)
		if !ok {
			complete = false
		} else if n > p.replicas {
			p = proposal{n, &c.Metrics[i], value}
		}
	}
	return p, complete && len(c.Metrics) > 0
}

// replicas is how many a metric asks for, with its value.
func (c *controller) replicas(m Metric, s autoscaler.Seen, measured int) (n int, value float64, ok bool) {
	switch m.Kind {
	case TotalAverage:
		value = s.Total(m.Metric) / float64(s.Desired)
		if c.tolerated(value / m.Target) {
			return s.Desired, value, true
		}
		return ceil(s.Total(m.Metric) / m.Target), value, true
	case Total:
		value = s.Total(m.Metric)
		if c.tolerated(value / m.Target) {
			return s.Desired, value, true
		}
		return ceil(value / m.Target * float64(s.Ready)), value, true
	}
	pods := Pods{Current: s.Desired, Measured: measured}
	value = s.PerReplica(m.Metric)
	if m.Metric != autoscaler.CPU && s.Running > 0 { // other metrics are taken of every pod that runs
		pods.Measured, value = s.Running, s.Total(m.Metric)/float64(s.Running)
	}
	pods.Unready = max(0, s.Desired-pods.Measured)
	if m.Kind == Utilization {
		value *= 100 / s.Capacity(m.Metric)
	}
	if pods.Measured == 0 || math.IsNaN(value) || math.IsInf(value, 0) {
		return s.Desired, value, false
	}
	return pods.Replicas(value, m.Target, c.tolerated), value, true
}

// tolerated reports whether a ratio is too near to 1 to do something.
func (c *controller) tolerated(ratio float64) bool {
	up, down := c.Tolerance, c.Tolerance
	if c.Up.Tolerance != nil {
		up = *c.Up.Tolerance
	}
	if c.Down.Tolerance != nil {
		down = *c.Down.Tolerance
	}
	return 1-down <= ratio && ratio <= 1+up
}

// Pods are those of a workload, as a computation by the pods' mean sees them.
type Pods struct {
	Current  int // as many as are asked for
	Measured int // with a metric
	Unready  int // that do not count yet: pending, or not ready for long enough
	Missing  int // without a metric
}

// Replicas is how many pods a mean over the measured ones asks for. To scale out, those
// unready or missing count with nothing; to scale in, missing ones count with the target. What
// changes the direction then, or is tolerated, changes nothing.
func (p Pods) Replicas(mean, target float64, tolerated func(ratio float64) bool) int {
	ratio := mean / target
	unready := p.Unready
	if ratio <= 1 {
		unready = 0
	}
	if unready == 0 && p.Missing == 0 {
		if tolerated(ratio) {
			return p.Current
		}
		return ceil(ratio * float64(p.Measured))
	}
	sum := ratio * float64(p.Measured)
	if ratio < 1 {
		sum += float64(p.Missing)
	}
	counted := float64(p.Measured + p.Missing + unready)
	corrected := sum / counted
	if tolerated(corrected) || (ratio < 1) != (corrected < 1) {
		return p.Current
	}
	n := ceil(corrected * counted)
	if corrected < 1 && n > p.Current || corrected > 1 && n < p.Current {
		return p.Current
	}
	return n
}

// ceil rounds up, but for what the arithmetic of floating point adds to a whole number.
func ceil(v float64) int { return int(math.Ceil(min(v, 1e9) - 1e-9)) }
