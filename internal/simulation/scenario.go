// Package simulation makes scenarios of package sim from documents about scalable targets
// and a model of their service, and tells how a run went: as text, as JSON, and as values
// that conditions are held against.
package simulation

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/governor"
	"flyball/internal/policydoc"
	"flyball/internal/service/autoscaling/rules"
	"flyball/metric"
	"flyball/scaling"
	"flyball/schedule"
	"flyball/sim"
)

// A Setup is what a scenario needs beside documents about its target.
type Setup struct {
	Start    time.Time
	Service  sim.Service
	Min, Max *int32 // in the place of the target's; nil: as the documents say
	Initial  *int32 // tasks that run at the start; nil: as the documents say, or the minimum
	AWS      bool   // alarms see things as late as on AWS
	// Metrics are those that target tracking policies follow, by the names of these, where they
	// are not what the documents' metrics are in the model.
	Metrics map[string]sim.Metric
}

// New is the scenario of one target that documents tell of, and what is to be said about
// it, in a sentence each. Their Services fill in what a setup leaves open of a task.
func New(d policydoc.Documents, s Setup) (sim.Scenario, []string, error) {
	scenario := sim.Scenario{Start: s.Start, Service: s.Service}
	notes := slices.Clone(d.Notes)
	if s.AWS {
		scenario.Delays = sim.AWSDelays
	}
	if err := bound(&scenario, d, s); err != nil {
		return scenario, nil, err
	}
	tags, err := tagsOf(d)
	if err != nil {
		return scenario, nil, err
	}
	for _, p := range d.Policies {
		one, note, err := policy(d, p, tags, s.Metrics)
		if errors.Is(err, errOwnForecast) && one.Predictive != nil && !one.Predictive.Scales {
			notes = append(notes, fmt.Sprintf("policy %s only forecasts, and is left out: %v", one.Name, err))
			continue
		}
		if err != nil {
			return scenario, nil, fmt.Errorf("policy %s: %w", aws.ToString(p.PolicyName), err)
		}
		if note != "" {
			notes = append(notes, fmt.Sprintf("policy %s: %s", one.Name, note))
		}
		scenario.Policies = append(scenario.Policies, one)
	}
	slices.SortFunc(scenario.Policies, func(a, b sim.Policy) int { return strings.Compare(a.Name, b.Name) })
	for _, a := range d.Actions {
		one, err := scheduled(a, s.Start)
		if err != nil {
			return scenario, nil, fmt.Errorf("scheduled action %s: %w%s", aws.ToString(a.ScheduledActionName), err, ofCron(aws.ToString(a.Schedule)))
		}
		if one.Next.IsZero() {
			notes = append(notes, fmt.Sprintf("scheduled action %s has no run after the start of the traffic", one.Name))
		}
		scenario.Schedules = append(scenario.Schedules, one)
	}
	slices.SortFunc(scenario.Schedules, func(a, b governor.Schedule) int { return strings.Compare(a.Name, b.Name) })
	if len(scenario.Policies)+len(scenario.Schedules)+len(d.Autoscalers) == 0 {
		notes = append(notes, "no policy scales the target: its tasks stay as many as they are")
	}
	return scenario, notes, nil
}

// bound sets the bounds and the number of tasks at the start.
func bound(scenario *sim.Scenario, d policydoc.Documents, s Setup) error {
	minimum, maximum := s.Min, s.Max
	for _, t := range d.Targets {
		if minimum == nil {
			minimum = t.MinCapacity
		}
		if maximum == nil {
			maximum = t.MaxCapacity
		}
		if t.SuspendedState != nil {
			scenario.Suspended = rules.ReadSuspended(t.SuspendedState)
		}
	}
	if minimum == nil || maximum == nil {
		return errors.New("no scalable target says between how many tasks it scales: give --min and --max, min and max in a policy file, or the output of describe-scalable-targets")
	}
	var err error
	if scenario.Bounds, err = scaling.NewBounds(*minimum, *maximum); err != nil {
		return fmt.Errorf("%w; --min and --max give others", err)
	}
	initial := *minimum
	for _, service := range d.Services {
		initial = max(initial, int32(service.Desired))
	}
	if s.Initial != nil {
		initial = *s.Initial
	}
	if initial < 0 {
		return fmt.Errorf("%d tasks at the start; there must be 0 or more", initial)
	}
	scenario.Initial = scaling.Capacity(initial)
	return nil
}

// tagsOf are the tags of the target.
func tagsOf(d policydoc.Documents) (map[string]string, error) {
	for resource, tags := range d.Tags {
		if err := rules.CheckTags(tags); err != nil {
			return nil, fmt.Errorf("target %s: %w", resource, rules.Plain(err))
		}
		return tags, nil // there is one target
	}
	return nil, nil
}

// policy is a policy of a target with such tags as package sim has it, and what is to be said
// about it.
func policy(d policydoc.Documents, p types.ScalingPolicy, tags map[string]string, metrics map[string]sim.Metric) (sim.Policy, string, error) {
	one := sim.Policy{Name: aws.ToString(p.PolicyName)}
	checked, rule, err := rules.ReadPolicy(p, scaling.ResourceID(aws.ToString(p.ResourceId)).Kind())
	if err != nil {
		return one, "", err
	}
	one.Rule = rule
	note := ""
	switch {
	case checked.Predictive != nil:
		one.Predictive, err = predictive(checked, rules.ForesightOf(tags))
	case checked.Tracking != nil:
		one.Alarms, err = trackingAlarms(checked, p, one.Rule.(scaling.TargetTracking), rules.PaceOf(tags), metrics)
	default:
		if one.Alarms, err = stepAlarms(d, p); err == nil && len(one.Alarms) == 0 {
			err = errors.New("no alarm that calls it is described: add the output of aws cloudwatch describe-alarms")
		}
	}
	return one, note, err
}

// trackingAlarms are the two alarms that a target tracking policy makes for itself.
func trackingAlarms(checked rules.Policy, p types.ScalingPolicy, rule scaling.TargetTracking, pace rules.Pace, metrics map[string]sim.Metric) ([]sim.Alarm, error) {
	id := scaling.ResourceID(aws.ToString(p.ResourceId))
	if _, err := scaling.ParseResourceID(id.Kind(), string(id)); err != nil {
		id = "service/default/service" // of which there is one only
	}
	name := aws.ToString(p.PolicyName)
	var alarms []sim.Alarm
	for _, in := range checked.AlarmInputs(rules.AlarmSetting{Resource: id, Rule: rule, Pace: pace, High: name + "-AlarmHigh", Low: name + "-AlarmLow"}) {
		m := cwtypes.MetricAlarm{
			AlarmName: in.AlarmName, Namespace: in.Namespace, MetricName: in.MetricName, Statistic: in.Statistic, Period: in.Period, Metrics: in.Metrics,
			ComparisonOperator: in.ComparisonOperator, Threshold: in.Threshold, EvaluationPeriods: in.EvaluationPeriods,
		}
		var one sim.Alarm
		var err error
		if metric, given := metrics[name]; given {
			one = sim.Alarm{Name: aws.ToString(m.AlarmName), Metric: metric}
			one.Rule, err = rules.ReadAlarm(m)
		} else {
			one, err = alarmOf(m)
		}
		if err != nil {
			return nil, err
		}
		alarms = append(alarms, one)
	}
	return alarms, nil
}

// stepAlarms are the alarms whose action is a step policy.
func stepAlarms(d policydoc.Documents, p types.ScalingPolicy) ([]sim.Alarm, error) {
	var alarms []sim.Alarm
	for _, m := range d.Alarms {
		if !slices.Contains(m.AlarmActions, aws.ToString(p.PolicyARN)) || m.ActionsEnabled != nil && !*m.ActionsEnabled {
			continue
		}
		one, err := alarmOf(m)
		if err != nil {
			return nil, fmt.Errorf("alarm %s: %w", aws.ToString(m.AlarmName), err)
		}
		alarms = append(alarms, one)
	}
	return alarms, nil
}

// alarmOf is an alarm as package sim has it.
func alarmOf(m cwtypes.MetricAlarm) (sim.Alarm, error) {
	rule, err := rules.ReadAlarm(m)
	a := sim.Alarm{Name: aws.ToString(m.AlarmName), Rule: rule}
	switch {
	case err != nil:
	case len(m.Metrics) > 0:
		a.Metric, err = formula(m.Metrics, rule.Period)
	default:
		a.Metric, err = metricOf(aws.ToString(m.Namespace), aws.ToString(m.MetricName), string(m.Statistic)+aws.ToString(m.ExtendedStatistic))
	}
	return a, err
}

// ofCron says how a schedule is written that is a line of a crontab.
func ofCron(schedule string) string {
	fields := len(strings.Fields(schedule))
	if strings.Contains(schedule, "(") || fields != 5 && fields != 6 {
		return ""
	}
	return " Write a line of a crontab as AWS does, with the year at the end, such as cron(0 8 ? * MON-FRI *)."
}

// scheduled is a scheduled action of a target that is there since the start.
func scheduled(a types.ScheduledAction, start time.Time) (governor.Schedule, error) {
	g := governor.Schedule{Name: aws.ToString(a.ScheduledActionName), Created: start, Done: start}
	checked, err := rules.Action{}.With(&applicationautoscaling.PutScheduledActionInput{
		ScheduledActionName: a.ScheduledActionName, Schedule: a.Schedule, Timezone: a.Timezone,
		StartTime: a.StartTime, EndTime: a.EndTime, ScalableTargetAction: a.ScalableTargetAction,
	})
	if err == nil {
		g.Times, err = checked.Compile(start, schedule.Zone)
	}
	if err == nil {
		err = checked.Check()
	}
	if err != nil {
		return g, rules.Plain(err)
	}
	g.Change = checked.Change()
	g.Next, _ = g.Times.Next(start)
	return g, nil
}

// appears is how long after their minute the datapoints are there that forecasts are made
// from: a moment, so that a forecast at the full hour misses its last minute, as the server's
// does.
const appears = time.Second

// errOwnForecast is that of a predictive policy on metrics that a simulation does not have.
var errOwnForecast = errors.New("its customized metrics cannot be simulated; predefined metrics can")

// predictive is a predictive policy with its metrics as quantities, and how it forecasts.
func predictive(checked rules.Policy, ahead rules.Foresight) (*sim.Predictive, error) {
	m := checked.Specification()
	f := checked.Forecasts()
	p := &sim.Predictive{Target: aws.ToFloat64(m.TargetValue), Scales: f.Scales, Buffer: f.Buffer, Breach: f.Breach, Publication: appears,
		Hours: ahead.Hours, Calendar: ahead.Calendar, Step: ahead.Step}
	name := ""
	switch {
	case m.PredefinedMetricPairSpecification != nil:
		name = aws.ToString(m.PredefinedMetricPairSpecification.PredefinedMetricType)
	case m.PredefinedScalingMetricSpecification != nil:
		name = aws.ToString(m.PredefinedScalingMetricSpecification.PredefinedMetricType)
	}
	load := name
	if m.PredefinedLoadMetricSpecification != nil {
		load = aws.ToString(m.PredefinedLoadMetricSpecification.PredefinedMetricType)
	}
	if name == "" || load == "" {
		return p, errOwnForecast
	}
	pick := func(name string, requests sim.Quantity) sim.Quantity {
		switch {
		case strings.Contains(name, "Memory"):
			return sim.MemoryUtilization
		case strings.Contains(name, "CPU"):
			return sim.CPUUtilization
		}
		return requests
	}
	p.Load, p.Metric = pick(load, sim.RequestCount), pick(name, sim.RequestCountPerTarget)
	return p, nil
}

// statistic reads the name of a statistic.
func statistic(name string) (metric.Statistic, error) {
	if name == "" {
		return metric.Average, nil
	}
	s, err := metric.ParseStatistic(name)
	if err != nil {
		return s, fmt.Errorf("its statistic %q is not known", name)
	}
	return s, nil
}
