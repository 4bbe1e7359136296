package control

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/internal/backlog"
	"flyball/internal/policydoc"
	"flyball/internal/service/autoscaling/rules"
	"flyball/internal/source"
	"flyball/metric"
	"flyball/metric/math"
	"flyball/scaling"
	"flyball/schedule"
)

// Sources say where a metric is read; an error is a metric that nothing here reads.
type Sources interface {
	Of(source.Query) (source.Source, error)
}

// A Problem is what of documents cannot be governed by, and why. The target that it is about is
// not compiled: half of its policies would be others than those that somebody wants.
type Problem struct {
	Resource string // "" where that is not known
	Err      error
}

// Error implements error.
func (p Problem) Error() string {
	if p.Resource == "" {
		return p.Err.Error()
	}
	return fmt.Sprintf("%s: %v", p.Resource, p.Err)
}

// Compile makes targets of documents in AWS's shapes, with the metrics of their policies read
// from sources. What AWS's API would refuse is refused here, in the same words.
func Compile(d policydoc.Documents, from Sources) (targets []Target, problems []Problem) {
	for _, p := range d.Autoscalers {
		problems = append(problems, Problem{p.Name, errors.New("it is an autoscaler that is not AWS's: flyball simulate runs it, and control scales by policies in AWS's shapes")})
	}
	for _, resource := range d.Resources() {
		t, err := compile(d.Of(resource), resource, from)
		if err != nil {
			problems = append(problems, Problem{resource, err})
			continue
		}
		targets = append(targets, t)
	}
	return targets, problems
}

// compile makes the target of a resource.
func compile(d policydoc.Documents, resource string, from Sources) (t Target, err error) {
	kind := scaling.ResourceID(resource).Kind()
	if t.Resource, err = scaling.ParseResourceID(kind, resource); err != nil {
		return t, err
	}
	if len(d.Targets) != 1 {
		return t, fmt.Errorf("there are %d scalable targets of it, and there should be one: add what aws application-autoscaling describe-scalable-targets prints, or min and max to a policy file", len(d.Targets))
	}
	target := d.Targets[0]
	if target.MinCapacity == nil || target.MaxCapacity == nil {
		return t, errors.New("its scalable target has no MinCapacity or no MaxCapacity")
	}
	if ns, dim := target.ServiceNamespace, target.ScalableDimension; ns != "" && string(ns) != kind.Namespace() || dim != "" && string(dim) != kind.Dimension() {
		return t, fmt.Errorf("a resource named like this is of ServiceNamespace %s and ScalableDimension %s, not %s and %s", kind.Namespace(), kind.Dimension(), ns, dim)
	}
	if t.Bounds, err = scaling.NewBounds(*target.MinCapacity, *target.MaxCapacity); err != nil {
		return t, err
	}
	t.Suspended = rules.ReadSuspended(target.SuspendedState)
	for _, p := range d.Policies {
		one, err := compilePolicy(d, t, p, from)
		if err != nil {
			return t, fmt.Errorf("policy %s: %w", aws.ToString(p.PolicyName), err)
		}
		if slices.ContainsFunc(t.Policies, func(other Policy) bool { return other.Name == one.Name }) {
			return t, fmt.Errorf("there are two policies named %s", one.Name)
		}
		t.Policies = append(t.Policies, one)
	}
	for _, a := range d.Actions {
		one, err := compileSchedule(a)
		if err != nil {
			return t, fmt.Errorf("scheduled action %s: %w", aws.ToString(a.ScheduledActionName), rules.Plain(err))
		}
		if slices.ContainsFunc(t.Schedules, func(other Schedule) bool { return other.Name == one.Name }) {
			return t, fmt.Errorf("there are two scheduled actions named %s", one.Name)
		}
		t.Schedules = append(t.Schedules, one)
	}
	return t.inOrder(), nil
}

// compilePolicy makes a policy with its alarms.
func compilePolicy(d policydoc.Documents, t Target, p types.ScalingPolicy, from Sources) (Policy, error) {
	one := Policy{Name: aws.ToString(p.PolicyName)}
	if one.Name == "" {
		return one, errors.New("it has no PolicyName")
	}
	checked, rule, err := rules.ReadPolicy(p, t.Resource.Kind())
	if err != nil {
		return one, err
	}
	one.Rule = rule
	switch {
	case checked.Predictive != nil:
		one.Predictive, err = compilePredictive(checked, t.Resource, d.Tags[string(t.Resource)], from)
	case checked.Tracking != nil:
		one.Alarms, err = trackingAlarms(checked, t.Resource, one.Name, rule.(scaling.TargetTracking), from)
	default:
		one.Alarms, err = stepAlarms(d, p, from)
	}
	return one, err
}

// trackingAlarms are those that a target tracking policy makes for itself.
func trackingAlarms(checked rules.Policy, id scaling.ResourceID, name string, rule scaling.TargetTracking, from Sources) (alarms []Alarm, err error) {
	inputs := checked.AlarmInputs(rules.AlarmSetting{Resource: id, Rule: rule, Pace: rules.PaceOf(nil), High: name + "-AlarmHigh", Low: name + "-AlarmLow"})
	_, queue, counts := checked.Queue()
	for _, in := range inputs {
		m := cwtypes.MetricAlarm{
			AlarmName: in.AlarmName, Namespace: in.Namespace, MetricName: in.MetricName, Dimensions: in.Dimensions, Unit: in.Unit,
			Statistic: in.Statistic, Period: in.Period, Metrics: in.Metrics,
			ComparisonOperator: in.ComparisonOperator, Threshold: in.Threshold, EvaluationPeriods: in.EvaluationPeriods,
		}
		var one Alarm
		if counts {
			one, err = backlogAlarm(m, queue, from)
		} else {
			one, err = compileAlarm(m, from)
		}
		if err != nil {
			return nil, err
		}
		alarms = append(alarms, one)
	}
	return alarms, nil
}

// stepAlarms are the alarms whose action is a step policy.
func stepAlarms(d policydoc.Documents, p types.ScalingPolicy, from Sources) (alarms []Alarm, err error) {
	for _, m := range d.Alarms {
		if !slices.Contains(m.AlarmActions, aws.ToString(p.PolicyARN)) || m.ActionsEnabled != nil && !*m.ActionsEnabled {
			continue
		}
		one, err := compileAlarm(m, from)
		if err != nil {
			return nil, fmt.Errorf("alarm %s: %w", aws.ToString(m.AlarmName), err)
		}
		alarms = append(alarms, one)
	}
	if len(alarms) == 0 {
		return nil, errors.New("no alarm that calls it is described: add the output of aws cloudwatch describe-alarms")
	}
	return alarms, nil
}

// compileAlarm makes an alarm of what CloudWatch describes.
func compileAlarm(m cwtypes.MetricAlarm, from Sources) (a Alarm, err error) {
	a.Name = aws.ToString(m.AlarmName)
	if a.Rule, err = rules.ReadAlarm(m); err != nil {
		return a, err
	}
	if len(m.Metrics) > 0 {
		if a.Measure, err = measure(m.Metrics, a.Rule.Period, from); err != nil {
			return a, err
		}
		return a, watchable(m.Metrics, a.Result)
	}
	if m.MetricName == nil || m.Namespace == nil {
		return a, errors.New("it watches no metric")
	}
	q := query(m.Namespace, m.MetricName, m.Dimensions, cmp.Or(string(m.Statistic), aws.ToString(m.ExtendedStatistic)), m.Unit, a.Rule.Period)
	return a, a.read("m", q, from)
}

// read adds an input.
func (m *Measure) read(id string, q source.Query, from Sources) error {
	if _, err := metric.ParseStatistic(q.Statistic); q.Formula == nil && err != nil {
		return fmt.Errorf("the statistic %q of metric %s is not known", q.Statistic, q.Metric.Name)
	}
	s, err := from.Of(q)
	if err != nil {
		return err
	}
	m.Inputs = append(m.Inputs, Input{ID: id, Query: q, Source: s, Running: s == source.Running})
	return nil
}

// measure is what queries of CloudWatch come to. Math is computed here, of metrics from wherever they
// are; but what has a search or a query of Metrics Insights is asked of CloudWatch as a whole.
func measure(queries []cwtypes.MetricDataQuery, period time.Duration, from Sources) (m Measure, err error) {
	program, result, err := program(queries)
	if err != nil {
		return m, err
	}
	m.Result = result
	if len(program.Selections(result))+len(program.Searches(result)) > 0 {
		return m, m.read(result, source.Query{Formula: source.NewFormula(queries, result), Period: period}, from)
	}
	for _, q := range queries {
		s := q.MetricStat
		if s == nil {
			continue
		}
		if s.Metric == nil {
			return m, fmt.Errorf("its metric %s has no name", aws.ToString(q.Id))
		}
		of := query(s.Metric.Namespace, s.Metric.MetricName, s.Metric.Dimensions, aws.ToString(s.Stat), s.Unit, period)
		if err := m.read(aws.ToString(q.Id), of, from); err != nil {
			return m, err
		}
	}
	switch {
	case program.HasBands(result):
		return m, errors.New("it watches a band of anomaly detection, which control does not have")
	case len(m.Inputs) == 0:
		return m, errors.New("its metric math reads no metric")
	}
	m.Formula = program
	return m, nil
}

// program is the metric math of queries, and which of them it comes to.
func program(queries []cwtypes.MetricDataQuery) (p *math.Program, result string, err error) {
	var named []math.Query
	for _, q := range queries {
		if q.ReturnData == nil || *q.ReturnData {
			result = aws.ToString(q.Id)
		}
		named = append(named, math.Query{ID: aws.ToString(q.Id), Expression: aws.ToString(q.Expression)})
	}
	if result == "" {
		return nil, "", errors.New("none of its metrics returns data")
	}
	p, err = math.Compile(named)
	return p, result, err
}

// watchable says why an alarm cannot watch what queries come to.
func watchable(queries []cwtypes.MetricDataQuery, result string) error {
	p, _, err := program(queries)
	if err != nil {
		return err
	}
	return p.Watchable(result)
}

// backlogAlarm is an alarm on the messages that wait for each running task: where none runs, as if
// there were one.
func backlogAlarm(m cwtypes.MetricAlarm, queue string, from Sources) (a Alarm, err error) {
	a.Name = aws.ToString(m.AlarmName)
	if a.Rule, err = rules.ReadAlarm(m); err != nil {
		return a, err
	}
	name := queue[strings.LastIndexAny(queue, ":/")+1:]
	waiting := source.Query{
		Metric:    metric.NewID(backlog.Namespace, source.Messages, metric.Dimension{Name: "QueueName", Value: name}),
		Statistic: "Average", Period: a.Rule.Period,
	}
	if err := a.read("waiting", waiting, from); err != nil {
		return a, err
	}
	a.Inputs = append(a.Inputs, Input{ID: "running", Query: source.Query{Metric: metric.NewID(backlog.Namespace, "Running"), Period: a.Rule.Period}, Source: source.Running, Running: true})
	a.Result = "backlog"
	a.Formula, err = math.Compile([]math.Query{{ID: "waiting"}, {ID: "running"}, {ID: "backlog", Expression: "IF(running > 0, waiting/running, waiting)"}})
	return a, err
}

// query is a metric of CloudWatch as sources are asked for it.
func query(namespace, name *string, dimensions []cwtypes.Dimension, statistic string, unit cwtypes.StandardUnit, period time.Duration) source.Query {
	var of []metric.Dimension
	for _, d := range dimensions {
		of = append(of, metric.Dimension{Name: aws.ToString(d.Name), Value: aws.ToString(d.Value)})
	}
	return source.Query{
		Metric:    metric.NewID(aws.ToString(namespace), aws.ToString(name), of...),
		Statistic: cmp.Or(statistic, "Average"), Unit: string(unit), Period: period,
	}
}

// compileSchedule makes a scheduled action.
func compileSchedule(a types.ScheduledAction) (Schedule, error) {
	one := Schedule{Name: aws.ToString(a.ScheduledActionName)}
	if one.Name == "" {
		return one, errors.New("it has no ScheduledActionName")
	}
	var err error
	one.Action, err = rules.Action{}.With(&applicationautoscaling.PutScheduledActionInput{
		ScheduledActionName: a.ScheduledActionName, Schedule: a.Schedule, Timezone: a.Timezone,
		StartTime: a.StartTime, EndTime: a.EndTime, ScalableTargetAction: a.ScalableTargetAction,
	})
	if err == nil {
		_, err = one.Compile(time.Unix(0, 0), schedule.Zone)
	}
	if err == nil {
		err = one.Check()
	}
	return one, err
}
