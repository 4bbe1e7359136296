// Package nomad is the Nomad Autoscaler with its strategy target-value, by its documentation
// ("Scaling Policies", "Target Value", HashiCorp Nomad): count x metric / target, at each
// evaluation interval, and a cooldown after each scaling.
package nomad

import (
	"fmt"
	"math"
	"time"

	"flyball/autoscaler"
)

// A Spec is a scaling policy of a task group. The zero value of what Nomad has a default for
// is that default.
type Spec struct {
	Checks   []Check
	Interval time.Duration  // of evaluation; 0: 10 s
	Cooldown *time.Duration // after each scaling; nil: 5 min
}

// A Check is a metric with a target value. The largest count of several checks counts.
type Check struct {
	Name string
	autoscaler.Metric
	Kind      Kind
	Target    float64
	Threshold float64       // how far from 1 a factor may be; 0: 0.01
	Window    time.Duration // that the metric is the mean of; 0: an evaluation interval
	MaxUp     int           // by which a count rises at most at once; 0: any number
	MaxDown   int           // by which it falls at most
}

// A Kind is what a check's metric is of.
type Kind uint8

// The kinds.
const (
	Percent Kind = iota // of the resource that a task has, on average
	Mean                // of the tasks
	Total               // of all of them
)

// New is the autoscaler of a spec.
func (s Spec) New() autoscaler.Autoscaler {
	if s.Interval == 0 {
		s.Interval = 10 * time.Second
	}
	if s.Cooldown == nil {
		s.Cooldown = new(5 * time.Minute)
	}
	return &controller{Spec: s, values: make([][]float64, len(s.Checks))}
}

// A controller evaluates a policy.
type controller struct {
	Spec
	until  time.Time   // cooldown
	values [][]float64 // of each check, the newest last
}

// Interval is that of evaluation.
func (c *controller) Interval() time.Duration { return c.Spec.Interval }

// By names the decisions.
const By = "Nomad Autoscaler"

// Decide is an evaluation.
func (c *controller) Decide(s autoscaler.Seen) autoscaler.Decision {
	d := s.Stay()
	for i, check := range c.Checks {
		c.values[i] = check.record(c.values[i], s, c.Spec.Interval)
	}
	if s.At.Before(c.until) {
		d.Held = "Cooldown"
		return d
	}
	best := -1
	for i, check := range c.Checks {
		value := mean(c.values[i])
		if math.IsNaN(value) || math.IsInf(value, 0) {
			continue // Nomad tries it again at the next evaluation
		}
		n, factor := check.Count(s.Desired, value)
		if n = max(min(n, s.Max), s.Min); n > best {
			best = n
			d = check.decision(s, n, factor, value)
		}
	}
	if d.Replicas != s.Desired {
		c.until = s.At.Add(*c.Cooldown)
	}
	return d
}

// decision is a count with its reason, in the words of the strategy.
func (c Check) decision(s autoscaler.Seen, count int, factor, value float64) autoscaler.Decision {
	d := autoscaler.Decision{Replicas: count, By: By}
	direction := "down"
	switch {
	case count == s.Desired:
		return d
	case count > s.Desired:
		direction = "up"
	}
	d.Reason = fmt.Sprintf("scaling %s because factor is %f: %s is %.4g against a target of %.4g", direction, factor, c.Name, value, c.Target)
	return d
}

// record keeps the values of a check's window.
func (c Check) record(values []float64, s autoscaler.Seen, interval time.Duration) []float64 {
	values = append(values, c.value(s))
	if most := max(1, int(c.Window/interval)); len(values) > most {
		values = values[:copy(values, values[len(values)-most:])]
	}
	return values
}

// value is what the check's metric is.
func (c Check) value(s autoscaler.Seen) float64 {
	switch c.Kind {
	case Percent:
		return 100 * s.PerReplica(c.Metric) / s.Capacity(c.Metric)
	case Mean:
		if s.Desired > 0 {
			return s.PerReplica(c.Metric)
		}
	}
	return s.Total(c.Metric)
}

// mean is that of the values that there are; NaN: there are none.
func mean(values []float64) float64 {
	sum, n := 0.0, 0.0
	for _, v := range values {
		if v == v {
			sum, n = sum+v, n+1
		}
	}
	return sum / n
}

// Count is how many there are to be in the place of some, by the metric's value, and the
// factor that it is due to.
func (c Check) Count(count int, value float64) (n int, factor float64) {
	threshold := c.Threshold
	if threshold == 0 {
		threshold = 0.01
	}
	factor = value
	if c.Target != 0 {
		factor = value / c.Target
	}
	switch {
	case count == 0:
		n = ceil(factor)
	case math.Abs(factor-1) < threshold:
		return count, factor
	default:
		n = ceil(float64(count) * factor)
	}
	if c.MaxUp > 0 {
		n = min(n, count+c.MaxUp)
	}
	if c.MaxDown > 0 {
		n = max(n, count-c.MaxDown)
	}
	return n, factor
}

// ceil rounds up, but for what the arithmetic of floating point adds to a whole number.
func ceil(v float64) int { return int(math.Ceil(min(v, 1e9) - 1e-9)) }
