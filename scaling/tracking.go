package scaling

import (
	"errors"
	"fmt"
	"math"
	"time"

	"flyball/alarm"
	"flyball/metric"
)

// A TargetTracking policy keeps a metric near a target value. Make one with
// NewTargetTracking.
type TargetTracking struct {
	target      float64
	outCooldown time.Duration
	inCooldown  time.Duration
	scaleIn     bool
	ofTasks     bool
	atZero      bool
}

// TrackingConfig is what a target tracking policy is made from.
type TrackingConfig struct {
	Target           float64 // above zero, in the metric's unit
	ScaleOutCooldown time.Duration
	ScaleInCooldown  time.Duration
	DisableScaleIn   bool
	OfTasks          bool // the metric is measured of running tasks: without one it has no data
	AtZero           bool // the metric is as with one running task where none runs
}

// NewTargetTracking returns the policy, or says what is wrong with its
// configuration.
func NewTargetTracking(c TrackingConfig) (TargetTracking, error) {
	// Capacity is set in proportion to metric and target, which has no meaning
	// for a target of zero or less.
	if !(c.Target > 0) || math.IsInf(c.Target, 1) {
		return TargetTracking{}, fmt.Errorf("target value %v must be a number greater than 0", c.Target)
	}
	if c.ScaleOutCooldown < 0 || c.ScaleInCooldown < 0 {
		return TargetTracking{}, errors.New("cooldown must not be negative")
	}
	return TargetTracking{
		target:      c.Target,
		outCooldown: c.ScaleOutCooldown,
		inCooldown:  c.ScaleInCooldown,
		scaleIn:     !c.DisableScaleIn,
		ofTasks:     c.OfTasks,
		atZero:      c.AtZero,
	}, nil
}

// Target is the value that the policy keeps its metric near.
func (p TargetTracking) Target() float64 { return p.target }

// ScalesIn reports whether the policy may remove capacity.
func (p TargetTracking) ScalesIn() bool { return p.scaleIn }

// LowThreshold is the value below which the policy thinks of scaling in: 90 %
// of the target.
func (p TargetTracking) LowThreshold() float64 { return p.target * 0.9 }

// Cooldown implements Policy.
func (p TargetTracking) Cooldown(d Direction) time.Duration {
	if d == In {
		return p.inCooldown
	}
	return p.outCooldown
}

// propose implements Policy.
func (p TargetTracking) propose(now time.Time, r Reading, seen Seen) Proposal {
	latest, ok := r.latest()
	high, low := r.alarm(false), r.alarm(true)
	switch {
	case !ok:
		return r.hold(NoData)
	case seen.Desired == 0 && seen.Running == 0:
		return p.fromZero(now, r, high, latest, seen)
	case high.State == alarm.Alarm:
		return p.out(now, r, high, seen, latest.Value)
	case low.State == alarm.Alarm && p.scaleIn && seen.Running > 0:
		return p.in(r, low, seen, latest.Value)
	case high.State == alarm.InsufficientData, low.State == alarm.Alarm && p.scaleIn:
		return r.hold(NoData) // with nothing running, what the metric shows is of tasks that are gone
	}
	return r.hold(NotInAlarm)
}

// out asks for capacity in proportion, rounded up: 10 running tasks at 150
// against a target of 100 make 15.
func (p TargetTracking) out(now time.Time, r Reading, by *Alarm, seen Seen, value float64) Proposal {
	base := r.Cooldown.base(seen.Running, now)
	to := p.Need(base, value)
	rule := p.rule(seen, base, value, to)
	if base != seen.Running && !seen.Brief {
		rule = "in the cooldown of the last scale-out, counted from before it: " + rule
	}
	o := r.wish(Out, by, value, base, to, rule)
	if to <= seen.Desired {
		// Within the cooldown the alarm goes on calling about what was just
		// answered.
		if r.Cooldown.holds(Out, now) || p.Need(seen.Running, value) > seen.Desired {
			o.block(Reason{Code: InCooldown, Until: r.Cooldown.Until})
		} else {
			o.block(Reason{Code: AlreadyAtDesiredCapacity, Capacity: seen.Desired})
		}
	}
	return o
}

// fromZero asks for the first task. With no task there is nothing to multiply,
// and often no metric either: one fresh datapoint that shows demand is enough,
// and the smallest step the answer. A metric that is as with one task says how many
// there have to be: 10,000 messages against a target of 100 need 100 tasks at once.
func (p TargetTracking) fromZero(now time.Time, r Reading, by *Alarm, d metric.Datapoint, seen Seen) Proposal {
	if stale := now.Sub(d.Time) > 3*by.Period; d.Value <= 0 || stale {
		return r.hold(NotInAlarm)
	}
	if p.atZero {
		to := max(1, p.Need(1, d.Value))
		return r.wish(Out, by, d.Value, 1, to, "nothing runs: "+p.rule(seen, 1, d.Value, to))
	}
	return r.wish(Out, by, d.Value, 1, 1, "nothing runs and the metric shows demand: "+number(d.Value))
}

// in asks for less, in proportion but more gradually: half of what could go,
// and at least one. AWS does not say how much it removes at a time; half keeps
// a service that is idle for a quarter of an hour from losing nearly
// everything at once, and still ends where the proportion leads. 20 running
// tasks at 10 against a target of 50 need 4, so 16 could go; 8 go, 12 stay.
// Tasks that were asked for and do not run, since they crash or start slowly, go
// no faster: of 20 desired, 2 running at 10 need 1, and 10 stay.
func (p TargetTracking) in(r Reading, by *Alarm, seen Seen, value float64) Proposal {
	need := p.Need(seen.Running, value)
	to := max(seen.Running, seen.Desired)
	if need < to {
		to -= (to - need + 1) / 2
	}
	rule := p.rule(seen, seen.Running, value, need)
	if to != need && !seen.Brief {
		rule += fmt.Sprintf("; half of the difference goes, which leaves %d", to)
	}
	i := r.wish(In, by, value, seen.Running, to, rule)
	switch {
	case need >= seen.Desired:
		i.block(Reason{Code: AutoScalingAnticipatedFlapping, Capacity: seen.Desired, Other: r.Name})
	case to >= seen.Desired:
		i.block(Reason{Code: AlreadyAtDesiredCapacity, Capacity: seen.Desired})
	}
	return i
}

// Need is the smallest capacity that leaves the metric at or under the target,
// if running tasks share the same load.
func (p TargetTracking) Need(running Capacity, value float64) Capacity {
	// The slack keeps 3 tasks at 0.1 against 0.3 at 1, which binary fractions
	// would otherwise round up to 2.
	return ceil(float64(running) * value / p.target * (1 - 1e-12))
}

// rule tells the arithmetic, where somebody wants to know.
func (p TargetTracking) rule(seen Seen, running Capacity, value float64, need Capacity) string {
	if seen.Brief {
		return ""
	}
	return fmt.Sprintf("%d running at %s against a target of %s need %d", running, number(value), number(p.target), need)
}

// ceil rounds up to a capacity.
func ceil(x float64) Capacity {
	switch x = math.Ceil(x); {
	case !(x > 0): // also NaN
		return 0
	case x > float64(MaxCapacity):
		return MaxCapacity
	}
	return Capacity(x)
}
