package cloudwatch

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/internal/page"
	"flyball/metric"
)

// maxRecords is the size of a page.
func maxRecords(asked *int32, otherwise int) (int, error) {
	const most = 100
	limit, ok := page.Limit(asked, otherwise, most)
	if !ok || asked != nil && *asked > most {
		return 0, validation("The value %d for parameter MaxRecords is invalid. It must be between 1 and %d.", *asked, most)
	}
	return limit, nil
}

// alarmTypes are the types asked for: metric alarms, if none are.
func alarmTypes(asked []types.AlarmType) []types.AlarmType {
	if len(asked) == 0 {
		return []types.AlarmType{types.AlarmTypeMetricAlarm}
	}
	return asked
}

// DescribeAlarms lists alarms by name.
func (a *alarms) DescribeAlarms(ctx context.Context, in *cloudwatch.DescribeAlarmsInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.DescribeAlarmsOutput, error) {
	limit, err := maxRecords(in.MaxRecords, 50)
	if err != nil {
		return nil, err
	}
	if in.AlarmNamePrefix != nil && len(in.AlarmNames) > 0 {
		return nil, validation("AlarmNamePrefix and AlarmNames are mutually exclusive and you have specified both.")
	}
	family := in.ChildrenOfAlarmName != nil || in.ParentsOfAlarmName != nil
	if family && (in.ChildrenOfAlarmName != nil && in.ParentsOfAlarmName != nil || in.AlarmNamePrefix != nil || in.AlarmNames != nil ||
		in.AlarmTypes != nil || in.ActionPrefix != nil || in.StateValue != "") {
		return nil, validation("ChildrenOfAlarmName and ParentsOfAlarmName can be specified only with MaxRecords and NextToken.")
	}

	out := &cloudwatch.DescribeAlarmsOutput{MetricAlarms: []types.MetricAlarm{}, CompositeAlarms: []types.CompositeAlarm{}}
	a.cell.State.View(ctx, func() {
		var found []*entry
		if found, out.NextToken, err = page.Of(a.selected(in), func(e *entry) string { return e.name }, in.NextToken, limit); err != nil {
			err = badToken(err)
			return
		}
		for _, e := range found {
			a.describe(out, e, family, in.ChildrenOfAlarmName != nil)
		}
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// describe adds an alarm to an answer. Of a family, which are the parents or
// children of an alarm, little is shown.
func (a *alarms) describe(out *cloudwatch.DescribeAlarmsOutput, e *entry, family, children bool) {
	switch {
	case e.composite != nil && family:
		out.CompositeAlarms = append(out.CompositeAlarms, briefComposite(a.describeComposite(e), children))
	case e.composite != nil:
		out.CompositeAlarms = append(out.CompositeAlarms, a.describeComposite(e))
	case family:
		m := a.describeMetric(e)
		out.MetricAlarms = append(out.MetricAlarms, types.MetricAlarm{
			AlarmName: m.AlarmName, AlarmArn: m.AlarmArn, StateValue: m.StateValue, StateUpdatedTimestamp: m.StateUpdatedTimestamp,
		})
	default:
		out.MetricAlarms = append(out.MetricAlarms, a.describeMetric(e))
	}
}

// briefComposite is what DescribeAlarms shows of a composite alarm's children,
// with their state, and parents.
func briefComposite(c types.CompositeAlarm, state bool) types.CompositeAlarm {
	brief := types.CompositeAlarm{AlarmName: c.AlarmName, AlarmArn: c.AlarmArn}
	if state {
		brief.StateValue, brief.StateUpdatedTimestamp = c.StateValue, c.StateUpdatedTimestamp
	}
	return brief
}

// selected are the alarms that a DescribeAlarms asks for, by name.
func (a *alarms) selected(in *cloudwatch.DescribeAlarmsInput) []*entry {
	var among []*entry
	switch {
	case in.ChildrenOfAlarmName != nil:
		return a.registry.withNames(a.registry.children(a.resolve(*in.ChildrenOfAlarmName)))
	case in.ParentsOfAlarmName != nil:
		var parents []string
		for _, e := range a.registry.parents[a.resolve(*in.ParentsOfAlarmName)] {
			parents = append(parents, e.name)
		}
		return a.registry.withNames(parents)
	case len(in.AlarmNames) > 0:
		among = a.registry.withNames(in.AlarmNames)
	default:
		among = a.registry.withPrefix(aws.ToString(in.AlarmNamePrefix))
	}
	kinds := alarmTypes(in.AlarmTypes)
	if a.registry.composites == 0 && slices.Contains(kinds, types.AlarmTypeMetricAlarm) && in.StateValue == "" && in.ActionPrefix == nil {
		return among // all of them
	}
	var found []*entry
	for _, e := range among {
		if slices.Contains(kinds, e.kind()) &&
			(in.StateValue == "" || in.StateValue == types.StateValue(e.State.String())) &&
			(in.ActionPrefix == nil || e.hasAction(*in.ActionPrefix)) {
			found = append(found, e)
		}
	}
	return found
}

// hasAction tells whether the alarm has an action that starts with prefix.
func (e *entry) hasAction(prefix string) bool {
	return slices.ContainsFunc(e.actions, func(arn string) bool { return strings.HasPrefix(arn, prefix) })
}

// DescribeAlarmsForMetric lists the alarms on one metric, without those whose
// expressions use it.
func (a *alarms) DescribeAlarmsForMetric(ctx context.Context, in *cloudwatch.DescribeAlarmsForMetricInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.DescribeAlarmsForMetricOutput, error) {
	if aws.ToString(in.MetricName) == "" || aws.ToString(in.Namespace) == "" {
		return nil, validation("The parameters MetricName and Namespace must be specified.")
	}
	if e := in.ExtendedStatistic; e != nil {
		if _, err := metric.ParseStatistic(*e); err != nil {
			return nil, validation("The value %.64s for parameter ExtendedStatistic is not supported.", *e)
		}
	}
	out := &cloudwatch.DescribeAlarmsForMetricOutput{MetricAlarms: []types.MetricAlarm{}}
	series, ok := a.db.Lookup(metric.NewID(*in.Namespace, *in.MetricName, dimensions(in.Dimensions)...))
	if !ok {
		return out, nil
	}
	a.cell.State.View(ctx, func() {
		l := a.listeners[series]
		if l == nil {
			return
		}
		var names []string
		for _, e := range l.all() {
			if e.metric.series != nil && isAskedFor(a.describeMetric(e), in) {
				names = append(names, e.name)
			}
		}
		for _, e := range a.registry.withNames(names) {
			out.MetricAlarms = append(out.MetricAlarms, a.describeMetric(e))
		}
	})
	return out, nil
}

// isAskedFor tells whether an alarm has what a DescribeAlarmsForMetric asks for
// beside the metric.
func isAskedFor(m types.MetricAlarm, in *cloudwatch.DescribeAlarmsForMetricInput) bool {
	return (in.Statistic == "" || in.Statistic == m.Statistic) &&
		(in.ExtendedStatistic == nil || *in.ExtendedStatistic == aws.ToString(m.ExtendedStatistic)) &&
		(in.Period == nil || m.Period != nil && *in.Period == *m.Period) &&
		(in.Unit == "" || in.Unit == m.Unit)
}
