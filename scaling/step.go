package scaling

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"flyball/alarm"
)

// A Step policy changes capacity by steps that depend on how far the metric is
// from an alarm's threshold. Make one with NewStep.
type Step struct {
	adjustment  Adjustment
	aggregation Aggregation
	magnitude   Capacity
	cooldown    time.Duration
	steps       []StepAdjustment // sorted by Lower, without gaps
}

// StepConfig is what a step policy is made from.
type StepConfig struct {
	Adjustment   Adjustment
	Steps        []StepAdjustment // 1 to MaxSteps
	MinMagnitude int32            // only with PercentChangeInCapacity; 0: none
	Aggregation  Aggregation
	Cooldown     time.Duration
}

// MaxSteps is the most step adjustments that a policy can have.
const MaxSteps = 20

// A StepAdjustment is the adjustment for a range of differences between metric
// and threshold. A bound that is not given is infinite. Above the threshold the
// lower bound belongs to the range and the upper one does not; below it, it is
// the other way round.
type StepAdjustment struct {
	Lower, Upper float64
	Amount       int32
}

// An Adjustment says what a step's amount means.
type Adjustment int8

// The adjustments.
const (
	ChangeInCapacity Adjustment = iota
	ExactCapacity
	PercentChangeInCapacity
)

// An Aggregation makes one value of the datapoints that an alarm evaluated.
type Aggregation int8

// The aggregations.
const (
	Average Aggregation = iota
	Minimum
	Maximum
)

// NewStep returns the policy, or says what is wrong with its configuration.
func NewStep(c StepConfig) (Step, error) {
	switch {
	case c.Cooldown < 0:
		return Step{}, errors.New("cooldown must not be negative")
	case c.MinMagnitude < 0:
		return Step{}, errors.New("minimum adjustment magnitude must not be negative")
	case c.MinMagnitude > 0 && c.Adjustment != PercentChangeInCapacity:
		return Step{}, errors.New("minimum adjustment magnitude can only be used with adjustment type PercentChangeInCapacity")
	}
	steps, err := sortedSteps(c.Steps)
	if err != nil {
		return Step{}, err
	}
	for _, s := range steps {
		if c.Adjustment == ExactCapacity && s.Amount < 0 {
			return Step{}, fmt.Errorf("scaling adjustment %d must not be negative with adjustment type ExactCapacity", s.Amount)
		}
	}
	return Step{
		adjustment:  c.Adjustment,
		aggregation: c.Aggregation,
		magnitude:   Capacity(c.MinMagnitude),
		cooldown:    c.Cooldown,
		steps:       steps,
	}, nil
}

// sortedSteps checks that the ranges follow one another from their lowest bound
// to their highest, and that they are open-ended on each side of the threshold
// that they reach into. ("Step adjustments", Application Auto Scaling user guide)
func sortedSteps(given []StepAdjustment) ([]StepAdjustment, error) {
	if len(given) == 0 {
		return nil, errors.New("there must be at least one step adjustment")
	}
	if len(given) > MaxSteps {
		return nil, fmt.Errorf("there can be at most %d step adjustments per scaling policy", MaxSteps)
	}
	steps := slices.Clone(given)
	slices.SortFunc(steps, func(a, b StepAdjustment) int { return cmp.Compare(a.Lower, b.Lower) })
	for i, s := range steps {
		switch {
		case math.IsNaN(s.Lower) || math.IsNaN(s.Upper):
			return nil, errors.New("the bounds of a step adjustment must be numbers")
		case math.IsInf(s.Lower, -1) && math.IsInf(s.Upper, 1):
			return nil, errors.New("both lower and upper bounds of a step adjustment cannot be left unspecified")
		case !(s.Lower < s.Upper):
			return nil, fmt.Errorf("the upper bound of a step adjustment must be greater than its lower bound (%v, %v)", s.Lower, s.Upper)
		case i > 0 && math.IsInf(s.Lower, -1):
			return nil, errors.New("at most one step adjustment may have an unspecified lower bound")
		case i > 0 && math.IsInf(steps[i-1].Upper, 1) && math.IsInf(s.Upper, 1):
			return nil, errors.New("at most one step adjustment may have an unspecified upper bound")
		case i > 0 && s.Lower < steps[i-1].Upper:
			return nil, fmt.Errorf("step adjustment intervals must not overlap (at %v)", s.Lower)
		case i > 0 && s.Lower > steps[i-1].Upper:
			return nil, fmt.Errorf("step adjustment intervals must not have a gap between them (%v to %v)", steps[i-1].Upper, s.Lower)
		}
	}
	if low := steps[0].Lower; low < 0 && !math.IsInf(low, -1) {
		return nil, errors.New("there must be a step adjustment with an unspecified lower bound when one step adjustment has a negative lower bound")
	}
	if high := steps[len(steps)-1].Upper; high > 0 && !math.IsInf(high, 1) {
		return nil, errors.New("there must be a step adjustment with an unspecified upper bound when one step adjustment has a positive upper bound")
	}
	return steps, nil
}

// Cooldown implements Policy.
func (p Step) Cooldown(Direction) time.Duration { return p.cooldown }

// propose implements Policy. Of several alarms in ALARM, the one that leads to
// the largest capacity counts.
func (p Step) propose(now time.Time, r Reading, seen Seen) Proposal {
	best := r.hold(NotInAlarm)
	for _, a := range r.Alarms {
		if a.State != alarm.Alarm {
			continue
		}
		if o := p.follow(now, r, a, seen); best.Alarm == "" || o.To > best.To {
			best = o
		}
	}
	return best
}

// follow is what the policy asks for because of one alarm. The steps start from
// the desired capacity: tasks that were asked for and have not started yet are
// there already as far as the user's steps are concerned.
func (p Step) follow(now time.Time, r Reading, a Alarm, seen Seen) Proposal {
	metric := p.metric(a)
	step, ok := p.step(metric-a.Threshold, a.below())
	if !ok {
		return r.hold(NoStep)
	}
	base := r.Cooldown.base(seen.Desired, now)
	held, free := p.apply(step.Amount, base), p.apply(step.Amount, seen.Desired)
	current := Reason{Code: AlreadyAtDesiredCapacity, Capacity: seen.Desired}
	switch {
	case p.asks(Out, step.Amount, seen.Desired):
		o := r.wish(Out, &a, metric, base, held, p.rule(seen, metric, a, step, base, held))
		switch {
		case held > seen.Desired:
		case free > seen.Desired:
			o.block(Reason{Code: InCooldown, Until: r.Cooldown.Until})
		default:
			o.block(current)
		}
		return o
	case p.asks(In, step.Amount, seen.Desired):
		i := r.wish(In, &a, metric, seen.Desired, free, p.rule(seen, metric, a, step, seen.Desired, free))
		if free >= seen.Desired {
			i.block(current)
		}
		return i
	}
	o := r.wish(Hold, &a, metric, seen.Desired, free, p.rule(seen, metric, a, step, seen.Desired, free))
	o.block(current)
	return o
}

// asks reports whether an amount asks for more or for less than a capacity.
func (p Step) asks(d Direction, amount int32, current Capacity) bool {
	from := int64(0)
	if p.adjustment == ExactCapacity {
		from = int64(current)
	}
	return Direction(cmp.Compare(int64(amount), from)) == d
}

// metric is the value that is compared with the steps: the alarm's datapoints,
// aggregated. An alarm whose datapoints do not explain its state was put into
// ALARM by hand, to see what happens; the metric then counts as being just at
// the threshold.
func (p Step) metric(a Alarm) float64 {
	if len(a.Datapoints) == 0 {
		return a.Threshold
	}
	v := a.Datapoints[0].Value
	for _, d := range a.Datapoints[1:] {
		switch p.aggregation {
		case Minimum:
			v = min(v, d.Value)
		case Maximum:
			v = max(v, d.Value)
		default:
			v += d.Value
		}
	}
	if p.aggregation == Average {
		v /= float64(len(a.Datapoints))
	}
	if v != a.Threshold && !a.breaches(v) {
		return a.Threshold
	}
	return v
}

// step finds the adjustment for a difference. At the threshold itself the
// alarm's side decides which bound belongs to the range.
func (p Step) step(difference float64, below bool) (StepAdjustment, bool) {
	above := difference > 0 || difference == 0 && !below
	for _, s := range p.steps {
		if above && s.Lower <= difference && difference < s.Upper ||
			!above && s.Lower < difference && difference <= s.Upper {
			return s, true
		}
	}
	return StepAdjustment{}, false
}

// apply is the capacity that an adjustment makes of another.
func (p Step) apply(amount int32, from Capacity) Capacity {
	switch p.adjustment {
	case ExactCapacity:
		return Capacity(amount)
	case PercentChangeInCapacity:
		return shift(from, p.percent(amount, from))
	}
	return shift(from, int64(amount))
}

// percent is the change that a percentage makes. Between -1 and 1 it is a whole
// task; beyond that it is rounded towards zero: 30 % of 11 is 3, 10 % of 5 is 1.
func (p Step) percent(amount int32, of Capacity) int64 {
	change := int64(amount) * int64(of) / 100 // Go's division rounds towards zero
	switch {
	case amount == 0:
		return 0
	case amount > 0:
		if change == 0 && of > 0 {
			change = 1
		}
		return max(change, int64(p.magnitude))
	default:
		if change == 0 && of > 0 {
			change = -1
		}
		return min(change, -int64(p.magnitude))
	}
}

// shift adds a change to a capacity.
func shift(c Capacity, change int64) Capacity {
	return Capacity(min(max(int64(c)+change, 0), int64(MaxCapacity)))
}

// rule tells the arithmetic, where somebody wants to know.
func (p Step) rule(seen Seen, metric float64, a Alarm, step StepAdjustment, from, to Capacity) string {
	if seen.Brief {
		return ""
	}
	where := fmt.Sprintf("the metric at %s is %s from the threshold of %s", number(metric), number(metric-a.Threshold), number(a.Threshold))
	switch p.adjustment {
	case ExactCapacity:
		return fmt.Sprintf("%s: exactly %d", where, to)
	case PercentChangeInCapacity:
		least := ""
		if p.magnitude > 0 {
			least = fmt.Sprintf(", by %d at least (MinAdjustmentMagnitude),", p.magnitude)
		}
		return fmt.Sprintf("%s: %+d %% of %d%s make %d", where, step.Amount, from, least, to)
	}
	return fmt.Sprintf("%s: %d %+d make %d", where, from, step.Amount, to)
}
