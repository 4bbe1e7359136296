package hindsight

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/alarm"
	"flyball/governor"
	"flyball/internal/policydoc"
	"flyball/internal/service/autoscaling/rules"
	"flyball/metric"
	"flyball/scaling"
)

// A Past is what is known of a target at a time.
type Past struct {
	Resource  scaling.ResourceID
	At        time.Time
	Documents policydoc.Documents // the target, its policies and all alarms that call them
	// Alarms are what alarms saw, by name.
	Alarms map[string]Watched
	// Activities are those that began until a minute after At, the newest first.
	Activities []scaling.Activity
	// Desired and Running are what was measured then; nil: nothing was.
	Desired, Running *scaling.Capacity
}

// Watched is what an alarm saw until a time.
type Watched struct {
	Datapoints []metric.Datapoint // oldest first
	State      alarm.State        // that it was in
	Since      time.Time          // when it went into it; zero: not known, and neither is the state
}

// An Untold is why a target's past cannot be told: of a time before it, or with policies that
// decide nothing.
type Untold struct{ error }

// Unwrap returns what is in the way.
func (u *Untold) Unwrap() error { return u.error }

// A BadSetting is a value that the target's policies cannot have.
type BadSetting struct{ error }

// Unwrap returns what is wrong with it.
func (b *BadSetting) Unwrap() error { return b.error }

// Explain tells how the target stood, and what would have been decided with other values.
func (p Past) Explain(settings policydoc.Settings) (Explanation, error) {
	if err := p.begun(); err != nil {
		return Explanation{}, &Untold{err}
	}
	stood, sources, err := p.stand(p.Documents)
	if err != nil {
		return Explanation{}, &Untold{err}
	}
	e := Explanation{Explanation: stood, Done: []scaling.Activity{}, Sources: sources}
	e.Resource = p.Resource
	for _, a := range slices.Backward(p.Activities) {
		if a.Start.Before(p.At) {
			e.Last = &a
			continue
		}
		e.Done = append(e.Done, a)
	}
	if len(settings) == 0 {
		return e, nil
	}
	documents, err := p.Documents.With(settings)
	if err != nil {
		return e, &BadSetting{err}
	}
	other, _, err := p.stand(documents)
	if err != nil {
		return e, &BadSetting{fmt.Errorf("with %s: %w", strings.Join(settings.Texts(), ", "), err)}
	}
	e.With = &With{Settings: settings.Texts(), Explanation: other.Explanation}
	return e, nil
}

// begun refuses a time in which the target was not there yet, and nothing scaled before.
func (p Past) begun() error {
	if len(p.Documents.Targets) == 0 {
		return nil
	}
	created := aws.ToTime(p.Documents.Targets[0].CreationTime)
	before := func(a scaling.Activity) bool { return a.Start.Before(p.At) }
	if !p.At.Before(created) || slices.ContainsFunc(p.Activities, before) {
		return nil
	}
	return fmt.Errorf("%s was not scaled yet at %s: it is a scalable target since %s; give a time after that", p.Resource, p.At.UTC().Format(time.RFC3339), created.UTC().Format(time.RFC3339))
}

// stand is how the target stood with its policies as documents describe them.
func (p Past) stand(d policydoc.Documents) (governor.Explanation, []Source, error) {
	if len(d.Targets) == 0 {
		return governor.Explanation{}, nil, errors.New("there is no scalable target")
	}
	g := governor.Governor{Kind: p.Resource.Kind()}
	bounds, boundsFrom, err := p.bounds(d.Targets[0])
	if err != nil {
		return governor.Explanation{}, nil, err
	}
	g.Bounds = bounds
	g.Suspended = rules.ReadSuspended(d.Targets[0].SuspendedState)
	capacity, sources := p.capacity(bounds)
	seen := governor.Seen{Capacity: capacity, Alarms: map[string][]scaling.Alarm{}}
	for _, policy := range d.Policies {
		one, alarms, err := p.policy(d, policy)
		if err != nil {
			return governor.Explanation{}, nil, fmt.Errorf("policy %s: %w", aws.ToString(policy.PolicyName), err)
		}
		g.Policies = append(g.Policies, one)
		seen.Alarms[one.Name] = alarms
		if one.Predictive != nil {
			sources = append(sources, Source{"policy " + one.Name, Today, "what it forecast then is not kept, and left out"})
		}
	}
	slices.SortFunc(g.Policies, func(a, b governor.Policy) int { return strings.Compare(a.Name, b.Name) })
	g.Policies = slices.DeleteFunc(g.Policies, func(p governor.Policy) bool { return p.Rule == nil })
	sources = append(sources, Source{"datapoints", Recorded, ""}, Source{"activities", Recorded, ""}, p.states(seen.Alarms),
		Source{"cooldowns", Rebuilt, "from the activities"}, Source{"what was decided", Rebuilt, "by the rules that decide today"},
		boundsFrom, Source{"policies and alarms", Today, ""})
	return g.Explain(p.At, seen), sources, nil
}

// states says where the states of the alarms are from.
func (p Past) states(alarms map[string][]scaling.Alarm) Source {
	for _, all := range alarms {
		for _, a := range all {
			if p.Alarms[a.Name].Since.IsZero() {
				return Source{"states of alarms", Rebuilt, "from the datapoints; the history does not go back as far"}
			}
		}
	}
	return Source{"states of alarms", Recorded, "and evaluated with what was measured until then"}
}

// policy is a policy as package governor has it, with its alarms as they stood.
func (p Past) policy(d policydoc.Documents, doc types.ScalingPolicy) (governor.Policy, []scaling.Alarm, error) {
	one := governor.Policy{Name: aws.ToString(doc.PolicyName)}
	checked, rule, err := rules.ReadPolicy(doc, p.Resource.Kind())
	if err != nil {
		return one, nil, err
	}
	one.Rule = rule
	if checked.Predictive != nil {
		forecasts := checked.Forecasts()
		one.Predictive = &forecasts
		return one, nil, nil
	}
	one.Cooldown = p.cooldown(one.Name, one.Rule)
	var alarms []scaling.Alarm
	for _, m := range d.Alarms {
		if !slices.Contains(m.AlarmActions, aws.ToString(doc.PolicyARN)) {
			continue
		}
		rule, err := rules.ReadAlarm(m)
		if err != nil {
			return one, nil, fmt.Errorf("alarm %s: %w", aws.ToString(m.AlarmName), err)
		}
		if tracking, is := one.Rule.(scaling.TargetTracking); is {
			rule.Threshold = tracking.Target()
			if rule.Comparison == alarm.Less || rule.Comparison == alarm.LessOrEqual {
				if !tracking.ScalesIn() {
					continue
				}
				rule.Threshold = tracking.LowThreshold()
			}
		}
		alarms = append(alarms, p.alarm(m, rule))
	}
	// The high alarm of target tracking comes first.
	slices.SortStableFunc(alarms, func(a, b scaling.Alarm) int { return below(a.Comparison) - below(b.Comparison) })
	for _, a := range alarms {
		one.Alarms, one.Period = append(one.Alarms, a.Name), a.Period
	}
	if tracking, is := one.Rule.(scaling.TargetTracking); is && (len(alarms) == 0 || tracking.ScalesIn() && len(alarms) < 2) {
		return one, nil, errors.New("its alarms are not there: put the policy again")
	}
	return one, alarms, nil
}

func below(c alarm.Comparison) int {
	if c == alarm.Less || c == alarm.LessOrEqual {
		return 1
	}
	return 0
}

// alarm is an alarm as it stood: in the state that it was in, evaluated with what was measured
// until then. With another threshold the recorded state is of no use.
func (p Past) alarm(m cwtypes.MetricAlarm, r alarm.Rule) scaling.Alarm {
	name := aws.ToString(m.AlarmName)
	w := p.Alarms[name]
	needed := r.Periods
	if r.Datapoints > 0 {
		needed = r.Datapoints
	}
	a := scaling.Alarm{
		Name: name, Comparison: r.Comparison, Threshold: r.Threshold, Period: r.Period, Needed: int(needed), Of: int(r.Periods),
	}
	if m.ActionsEnabled != nil && !*m.ActionsEnabled {
		a.Silent = scaling.ActionsDisabled
	}
	end := p.At.Truncate(r.Period)
	values := make([]float64, r.Range())
	for i := range values {
		values[i] = math.NaN()
	}
	for _, d := range w.Datapoints {
		back := int(end.Sub(d.Time) / r.Period)
		if back < 1 || back > len(values) {
			continue
		}
		values[len(values)-back] = d.Value
		if back <= int(r.Periods) {
			a.Datapoints = append(a.Datapoints, d)
		}
	}
	state, since := w.State, w.Since
	if r.Threshold != aws.ToFloat64(m.Threshold) || since.IsZero() {
		state, since = alarm.OK, time.Time{}
	}
	a.State = r.Evaluate(state, values, math.Inf(1)).State
	if a.Since = since; a.State != state {
		a.Since = p.At
	}
	if since.IsZero() {
		a.Since = time.Time{}
	}
	return a
}
