// Package kpa is the Knative Pod Autoscaler, by its documentation ("Supported autoscaler
// types", "Configuring metrics", "Configuring scale bounds", Knative Serving) and the
// behaviour of its controller: an average of a minute decides, one of 6 s where traffic
// doubles at once, and to nothing after a grace period.
package kpa

import (
	"fmt"
	"math"
	"time"

	"flyball/autoscaler"
)

// A Spec is what annotations and the config map config-autoscaler say. The zero value of what
// Knative has a default for is that default.
type Spec struct {
	// Metric is autoscaler.Concurrency or autoscaler.Requests.
	Metric autoscaler.Metric
	// Target is the metric of a pod that is aimed at: a share of what it takes at most, 0.7
	// by default; see Default.
	Target float64

	StableWindow   time.Duration // 0: 60 s
	PanicWindow    float64       // percent of the stable window; 0: 10
	PanicThreshold float64       // percent of the ready pods' target; 0: 200
	MaxScaleUp     float64       // pods at most for each that is ready; 0: 1000
	MaxScaleDown   float64       // 0: 2
	ScaleDownDelay time.Duration // that the highest decision lasts
	Grace          time.Duration // until the last pod goes; 0: 30 s
	Activation     int           // pods at least, where there are some; 0: 1
}

// Default is the target of a pod that takes so much at most: 70 % of that. 0 is Knative's
// own: 100 requests in hand, or 200 a second.
func Default(m autoscaler.Metric, most float64) float64 {
	if most == 0 && m == autoscaler.Requests {
		most = 200
	} else if most == 0 {
		most = 100
	}
	return 0.7 * most
}

// tick is how often the KPA decides.
const tick = 2 * time.Second

// New is the autoscaler of a spec.
func (s Spec) New() *Controller {
	if s.Target == 0 {
		s.Target = Default(s.Metric, 0)
	}
	for _, d := range []struct {
		to *float64
		v  float64
	}{{&s.PanicWindow, 10}, {&s.PanicThreshold, 200}, {&s.MaxScaleUp, 1000}, {&s.MaxScaleDown, 2}} {
		if *d.to == 0 {
			*d.to = d.v
		}
	}
	if s.StableWindow == 0 {
		s.StableWindow = time.Minute
	}
	if s.Grace == 0 {
		s.Grace = 30 * time.Second
	}
	c := &Controller{Spec: s, delay: highest{window: s.ScaleDownDelay}}
	c.values = make([]float64, max(1, int(s.StableWindow/tick)))
	c.panics = max(1, int(math.Round(float64(s.StableWindow)*s.PanicWindow/100/float64(tick))))
	return c
}

// A Controller decides by a spec.
type Controller struct {
	Spec
	values []float64 // of the metric, one a tick
	ticks  int       // so far
	panics int       // ticks of the panic window
	begun  bool

	panicSince time.Time // the zero time: it does not panic
	panicPods  int       // the most since it does
	delay      highest
	idle       time.Time // since when nothing is asked for; the zero time: something is
}

// Interval is the tick.
func (c *Controller) Interval() time.Duration { return tick }

// Decide is a tick.
func (c *Controller) Decide(s autoscaler.Seen) autoscaler.Decision {
	c.values[c.ticks%len(c.values)] = s.Total(c.Metric)
	c.ticks++
	if !c.begun {
		c.Begin(s.At, s.Ready)
	}
	stable, panics := c.average(len(c.values)), c.average(c.panics)
	d := s.Stay()
	d.Replicas, d.Held = c.Scale(s.At, s.Ready, stable, panics)
	if d.Replicas == 0 && s.Min == 0 && s.Desired > 0 {
		d.Replicas, d.Held = c.toZero(s.At)
	} else {
		c.idle = time.Time{}
	}
	d.Replicas = min(max(d.Replicas, s.Min), s.Max)
	if d.Replicas != s.Desired {
		d.By, d.Reason = c.reason(s, stable, panics)
	}
	return d
}

// average is that of the newest ticks.
func (c *Controller) average(of int) float64 {
	of = min(of, c.ticks)
	sum := 0.0
	for i := range of {
		sum += c.values[(c.ticks-1-i)%len(c.values)]
	}
	return sum / float64(of)
}

// Begin has the autoscaler begin with ready pods: with more than one of them it panics, so
// that it does not scale in before it has seen enough.
func (c *Controller) Begin(now time.Time, ready int) {
	c.begun = true
	if ready > 1 {
		c.panicSince, c.panicPods = now, ready
	}
}

// Scale is how many pods there are to be by the averages of the stable and the panic window,
// and why these are not as many as the averages ask for.
func (c *Controller) Scale(now time.Time, ready int, stable, panics float64) (pods int, held string) {
	from := max(1, float64(ready))
	most, least := math.Ceil(c.MaxScaleUp*from), math.Floor(from/c.MaxScaleDown)
	wishStable, wishPanic := math.Ceil(stable/c.Target), math.Ceil(panics/c.Target)
	bounded := func(wish float64) int {
		n := int(min(max(wish, least), most))
		if wish > 0 {
			n = max(n, c.Activation)
		}
		return n
	}
	c.panicking(now, wishPanic/from >= c.PanicThreshold/100)
	pods, wish := bounded(wishStable), wishStable
	if !c.panicSince.IsZero() {
		wish = max(wish, wishPanic)
		pods = max(pods, bounded(wishPanic))
		c.panicPods = max(c.panicPods, pods)
		if pods < c.panicPods {
			pods, held = c.panicPods, "PanicMode"
		}
	}
	switch {
	case held != "":
	case wish > most:
		held = "MaxScaleUpRate"
	case wish < least:
		held = "MaxScaleDownRate"
	}
	if delayed := c.delay.of(now, pods); delayed > pods {
		return delayed, "ScaleDownDelay"
	}
	return pods, held
}

// panicking begins to panic, goes on, or ends it a stable window after what it was due to.
func (c *Controller) panicking(now time.Time, over bool) {
	switch {
	case over:
		c.panicSince = now
	case !c.panicSince.IsZero() && c.panicSince.Add(c.StableWindow).Before(now):
		c.panicSince, c.panicPods = time.Time{}, 0
	}
}

// toZero keeps the last pod for the grace period, in which the activator comes into the path
// of requests.
func (c *Controller) toZero(now time.Time) (pods int, held string) {
	if c.idle.IsZero() {
		c.idle = now
	}
	if now.Sub(c.idle) < c.Grace {
		return 1, "ScaleToZeroGracePeriod"
	}
	return 0, ""
}

// reason tells what was observed, in the words of the KPA.
func (c *Controller) reason(s autoscaler.Seen, stable, panics float64) (by, reason string) {
	mode := "stable"
	if !c.panicSince.IsZero() {
		mode = "panic"
	}
	return "Knative KPA, " + mode + " mode", fmt.Sprintf("Operating in %s mode: %s observed, stable = %.4g, panic = %.4g; target = %.4g; StablePodCount = %.0f, PanicPodCount = %.0f, ReadyEndpointCount = %d",
		mode, c.Metric, stable, panics, c.Target, math.Ceil(stable/c.Target), math.Ceil(panics/c.Target), s.Ready)
}
