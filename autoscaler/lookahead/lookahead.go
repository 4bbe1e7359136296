// Package lookahead is a controller of Flyball's own, which AWS does not have: it staffs a
// service for the load that is expected by the time at which a replica asked for now would
// serve, and learns from how its expectations came true how far it has to go above them.
//
// The load expected is the highest of the next few intervals, by several forecasters: the last
// value, the last value with its trend, the mean of some time, and the same time a day or a week
// before, raised or lowered by how the load differs from that of then. Each has a margin, which
// rises when the load was above what it said, and falls when it was below, so that a share of the
// intervals stays within (adaptive conformal inference; Gibbs and Candès 2021); one in proportion to the load, and one
// to its root. The expectation is their mean, in which those count most whose margins were cheapest lately. How many
// replicas a load needs is computed, and not a share of utilization: by Erlang C many replicas may be busier than few.
package lookahead

import (
	"fmt"
	"math"
	"time"

	"flyball/autoscaler"
)

// A Spec is how the controller is set.
type Spec struct {
	// Staff is how many replicas keep the agreement under a load, in requests a second.
	Staff func(rate float64) int
	// Lead is how long a replica takes from being asked for until it serves.
	Lead time.Duration
	// Interval is the time from one decision to the next; 0: a minute.
	Interval time.Duration
	// Quantile is the share of the intervals that there are to be replicas enough for; 0: 0.95.
	Quantile float64
	// Hold is how many intervals a number of replicas lasts that was needed; 0: 3.
	Hold int
}

// New is the controller of a spec.
func (s Spec) New() autoscaler.Autoscaler {
	if s.Interval == 0 {
		s.Interval = time.Minute
	}
	if s.Quantile == 0 {
		s.Quantile = 0.95
	}
	if s.Hold == 0 {
		s.Hold = 3
	}
	ahead := 1 + int((s.Lead+s.Interval-1)/s.Interval)
	return &controller{
		Spec: s, ahead: ahead, past: newPast(s.Interval, ahead),
		experts: experts(),
	}
}

// caution is the margin of who has not seen anything come true yet: a fifth.
const caution = 0.2

// experts are those that are listened to: each forecaster, with its errors on each scale.
func experts() (all pool) {
	for _, on := range scales() {
		for _, f := range []forecaster{
			last{}, &trend{}, mean{5 * time.Minute, "the mean of 5 minutes"}, mean{20 * time.Minute, "the mean of 20 minutes"}, mean{time.Hour, "the mean of an hour"},
			before{day, "the same time yesterday"}, before{7 * day, "the same time a week ago"},
		} {
			all = append(all, &expert{forecaster: f, scale: on, margin: caution})
		}
	}
	return all
}

const day = 24 * time.Hour

// A controller decides by a spec.
type controller struct {
	Spec
	ahead   int // intervals that a decision has to last
	past    past
	experts pool
	wishes  []int // of the last decisions
}

// Interval is the time between two decisions.
func (c *controller) Interval() time.Duration { return c.Spec.Interval }

// By names the decisions.
const By = "Flyball lookahead"

// Decide looks ahead.
func (c *controller) Decide(s autoscaler.Seen) autoscaler.Decision {
	c.past.add(s.Requests)
	for _, e := range c.experts {
		e.learn(&c.past, c.Quantile)
	}
	expected := c.experts.upper() + s.Queue/c.Spec.Interval.Seconds()
	wish := c.Staff(expected)
	c.wishes = append(c.wishes, wish)
	if len(c.wishes) > c.Hold {
		c.wishes = c.wishes[:copy(c.wishes, c.wishes[1:])]
	}
	d := s.Stay()
	d.Replicas = wish
	for _, w := range c.wishes {
		d.Replicas = max(d.Replicas, w)
	}
	if d.Replicas > wish {
		d.Held = "HoldBeforeScaleIn"
	}
	if d.Replicas != s.Desired {
		d.By = By
		d.Reason = fmt.Sprintf("up to %.3g requests a second are expected within %g s, by %s above all and what it was wrong by; that needs %d replicas",
			expected, (time.Duration(c.ahead) * c.Spec.Interval).Seconds(), c.experts.best().name(), wish)
	}
	return d
}

// A past is the load of the last week and a little more, one value an interval.
type past struct {
	interval time.Duration
	ahead    int
	values   []float64
	n        int     // so far
	level    float64 // mean of a day
}

func newPast(interval time.Duration, ahead int) past {
	return past{interval: interval, ahead: ahead, values: make([]float64, int(7*day/interval)+2*ahead+20)}
}

func (p *past) add(v float64) {
	p.values[p.n%len(p.values)] = v
	p.n++
	p.level += (v - p.level) / math.Min(float64(p.n), float64(day/p.interval))
}

// at is the value some intervals ago; 0 is the newest.
func (p *past) at(ago int) float64 { return p.values[(p.n-1-ago)%len(p.values)] }

// has reports whether there is a value so many intervals ago.
func (p *past) has(ago int) bool { return ago < p.n && ago < len(p.values) }

// highest is the highest of the intervals that follow the one some intervals ago.
func (p *past) highest(ago int) float64 {
	most := 0.0
	for i := 1; i <= p.ahead && ago-i >= 0; i++ {
		most = max(most, p.at(ago-i))
	}
	return most
}

// mean is the mean of some intervals up to the one some intervals ago.
func (p *past) mean(ago, of int) float64 {
	sum := 0.0
	for i := range of {
		sum += p.at(ago + i)
	}
	return sum / float64(of)
}
