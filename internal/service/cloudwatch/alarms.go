package cloudwatch

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/alarm"
	"flyball/internal/page"
	"flyball/internal/store"
	"flyball/metric"
)

// maxRecords is the size of a page.
func maxRecords(asked *int32, otherwise int) (int, error) {
	switch {
	case asked == nil:
		return otherwise, nil
	case *asked < 1 || *asked > 100:
		return 0, validation("The value %d for parameter MaxRecords is invalid. It must be between 1 and 100.", *asked)
	}
	return int(*asked), nil
}

// alarmTypes are the types asked for: metric alarms, if none are.
func alarmTypes(asked []types.AlarmType) []types.AlarmType {
	if len(asked) == 0 {
		return []types.AlarmType{types.AlarmTypeMetricAlarm}
	}
	return asked
}

// DescribeAlarms lists alarms by name.
func (a *API) DescribeAlarms(_ context.Context, in *cloudwatch.DescribeAlarmsInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.DescribeAlarmsOutput, error) {
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

	a.mu.Lock()
	defer a.mu.Unlock()
	found, next, err := page.Of(a.selected(in), func(r *record) string { return r.name }, in.NextToken, limit)
	if err != nil {
		return nil, badToken(err)
	}
	out := &cloudwatch.DescribeAlarmsOutput{
		MetricAlarms: []types.MetricAlarm{}, CompositeAlarms: []types.CompositeAlarm{}, NextToken: next,
	}
	for _, r := range found {
		switch {
		case r.composite != nil && family:
			c := a.describeComposite(r)
			out.CompositeAlarms = append(out.CompositeAlarms, briefComposite(c, in.ChildrenOfAlarmName != nil))
		case r.composite != nil:
			out.CompositeAlarms = append(out.CompositeAlarms, a.describeComposite(r))
		case family:
			m := a.describeMetric(r)
			out.MetricAlarms = append(out.MetricAlarms, types.MetricAlarm{
				AlarmName: m.AlarmName, AlarmArn: m.AlarmArn, StateValue: m.StateValue, StateUpdatedTimestamp: m.StateUpdatedTimestamp,
			})
		default:
			out.MetricAlarms = append(out.MetricAlarms, a.describeMetric(r))
		}
	}
	return out, nil
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
func (a *API) selected(in *cloudwatch.DescribeAlarmsInput) []*record {
	var among []*record
	switch {
	case in.ChildrenOfAlarmName != nil:
		return a.byName(a.children(a.named(*in.ChildrenOfAlarmName)))
	case in.ParentsOfAlarmName != nil:
		var parents []string
		for _, r := range a.parents[a.named(*in.ParentsOfAlarmName)] {
			parents = append(parents, r.name)
		}
		return a.byName(parents)
	case len(in.AlarmNames) > 0:
		among = a.byName(in.AlarmNames)
	default:
		among = withPrefix(a.sorted(), str(in.AlarmNamePrefix))
	}
	kinds := alarmTypes(in.AlarmTypes)
	if a.composites == 0 && slices.Contains(kinds, types.AlarmTypeMetricAlarm) && in.StateValue == "" && in.ActionPrefix == nil {
		return among // all of them
	}
	var found []*record
	for _, r := range among {
		if slices.Contains(kinds, r.kind()) &&
			(in.StateValue == "" || in.StateValue == types.StateValue(r.State.String())) &&
			(in.ActionPrefix == nil || r.hasAction(*in.ActionPrefix)) {
			found = append(found, r)
		}
	}
	return found
}

// byName are the alarms of these names that exist, by name.
func (a *API) byName(names []string) []*record {
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	var found []*record
	for _, name := range names {
		if r := a.alarms[name]; r != nil {
			found = append(found, r)
		}
	}
	return found
}

// withPrefix is the part of a list by name whose names have a prefix.
func withPrefix(sorted []*record, prefix string) []*record {
	start, _ := slices.BinarySearchFunc(sorted, prefix, func(r *record, p string) int { return strings.Compare(r.name, p) })
	rest := sorted[start:]
	if end := slices.IndexFunc(rest, func(r *record) bool { return !strings.HasPrefix(r.name, prefix) }); end >= 0 {
		rest = rest[:end]
	}
	return rest
}

// hasAction tells whether the alarm has an action that starts with prefix.
func (r *record) hasAction(prefix string) bool {
	return slices.ContainsFunc(r.actions, func(arn string) bool { return strings.HasPrefix(arn, prefix) })
}

// DescribeAlarmsForMetric lists the alarms on one metric, without those whose
// expressions use it.
func (a *API) DescribeAlarmsForMetric(_ context.Context, in *cloudwatch.DescribeAlarmsForMetricInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.DescribeAlarmsForMetricOutput, error) {
	if str(in.MetricName) == "" || str(in.Namespace) == "" {
		return nil, validation("The parameters MetricName and Namespace must be specified.")
	}
	if e := in.ExtendedStatistic; e != nil {
		if _, err := metric.ParseStatistic(*e); err != nil {
			return nil, validation("The value %.64s for parameter ExtendedStatistic is not supported.", *e)
		}
	}
	out := &cloudwatch.DescribeAlarmsForMetricOutput{MetricAlarms: []types.MetricAlarm{}}
	series, ok := a.Metrics.Lookup(metric.NewID(*in.Namespace, *in.MetricName, dimensions(in.Dimensions)...))
	if !ok {
		return out, nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	w := a.watches[series]
	if w == nil {
		return out, nil
	}
	var found []string
	for _, r := range w.alarms {
		if r.metric.series == nil {
			continue
		}
		m := a.describeMetric(r)
		if (in.Statistic == "" || in.Statistic == m.Statistic) &&
			(in.ExtendedStatistic == nil || *in.ExtendedStatistic == str(m.ExtendedStatistic)) &&
			(in.Period == nil || m.Period != nil && *in.Period == *m.Period) &&
			(in.Unit == "" || in.Unit == m.Unit) {
			found = append(found, r.name)
		}
	}
	for _, r := range a.byName(found) {
		out.MetricAlarms = append(out.MetricAlarms, a.describeMetric(r))
	}
	return out, nil
}

// DeleteAlarms deletes all the alarms or none. Names without an alarm are
// ignored.
func (a *API) DeleteAlarms(_ context.Context, in *cloudwatch.DeleteAlarmsInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.DeleteAlarmsOutput, error) {
	now := a.now()
	a.mu.Lock()
	doomed := a.byName(in.AlarmNames)
	if err := a.checkDelete(doomed, in.AlarmNames); err != nil {
		a.mu.Unlock()
		return nil, err
	}
	b := new(store.Batch)
	for _, r := range doomed {
		a.history.configured(b, a, r, "Delete", now)
		b.Delete(kindAlarm, r.name)
		b.Delete(kindState, r.name)
		a.remove(r)
	}
	commit := a.Store.Write(b)
	a.mu.Unlock()
	if err := commit.Wait(); err != nil {
		return nil, internal(err)
	}
	return &cloudwatch.DeleteAlarmsOutput{}, nil
}

// checkDelete refuses to delete what a composite alarm that stays depends on.
func (a *API) checkDelete(doomed []*record, asked []string) error {
	var needed []string
	composites := 0
	for _, r := range doomed {
		if r.composite != nil {
			composites++
		}
		if slices.ContainsFunc(a.parents[r.name], func(parent *record) bool { return parent == r || !slices.Contains(doomed, parent) }) {
			needed = append(needed, r.name)
		}
	}
	switch {
	case composites > 1:
		return validation("Only one composite alarm can be deleted at a time.")
	case len(needed) == 1:
		return validation("Cannot delete %s as there are composite alarm(s) depending on it.", needed[0])
	case len(needed) > 1:
		return validation("Cannot delete %s as there are composite alarm(s) depending on them.", strings.Join(needed, ","))
	}
	return nil
}

// SetAlarmState puts an alarm into a state until its next evaluation, to try
// its actions.
func (a *API) SetAlarmState(_ context.Context, in *cloudwatch.SetAlarmStateInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.SetAlarmStateOutput, error) {
	to, err := alarm.ParseState(string(in.StateValue))
	if err != nil {
		return nil, validation("1 validation error detected: Value '%s' at 'stateValue' failed to satisfy constraint: Member must satisfy enum value set: [INSUFFICIENT_DATA, ALARM, OK]", in.StateValue)
	}
	if in.StateReason == nil {
		return nil, validation("The parameter StateReason must be specified.")
	}
	if d := in.StateReasonData; d != nil && !json.Valid([]byte(*d)) {
		return nil, &types.InvalidFormatFault{Message: ptr("StateReasonData is not valid JSON.")}
	}
	now := a.now()
	why := &said{*in.StateReason, str(in.StateReasonData)}
	a.mu.Lock()
	r := a.alarms[str(in.AlarmName)]
	if r == nil {
		a.mu.Unlock()
		return nil, &types.ResourceNotFound{} // CloudWatch says no more
	}
	if to != r.State {
		a.transition(r, r.Enter(now, to), why, now)
	} else {
		r.why, r.updated = why, alarm.At(now)
	}
	b := new(store.Batch)
	putState(b, r)
	commit := a.Store.Write(b)
	a.mu.Unlock()
	if err := commit.Wait(); err != nil {
		return nil, internal(err)
	}
	return &cloudwatch.SetAlarmStateOutput{}, nil
}

// EnableAlarmActions has alarms carry out their actions again. Names without an
// alarm are ignored.
func (a *API) EnableAlarmActions(_ context.Context, in *cloudwatch.EnableAlarmActionsInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.EnableAlarmActionsOutput, error) {
	return &cloudwatch.EnableAlarmActionsOutput{}, a.enable(in.AlarmNames, true)
}

// DisableAlarmActions has alarms change their state without actions. Names
// without an alarm are ignored.
func (a *API) DisableAlarmActions(_ context.Context, in *cloudwatch.DisableAlarmActionsInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.DisableAlarmActionsOutput, error) {
	return &cloudwatch.DisableAlarmActionsOutput{}, a.enable(in.AlarmNames, false)
}

func (a *API) enable(names []string, enabled bool) error {
	if len(names) == 0 {
		return validation("The parameter AlarmNames must be specified.")
	}
	now := a.now()
	b := new(store.Batch)
	a.mu.Lock()
	for _, r := range a.byName(names) {
		if r.enabled == enabled {
			continue
		}
		r.enabled, r.configured = enabled, alarm.At(now)
		a.putDefinition(b, r)
		a.history.configured(b, a, r, "Update", now)
	}
	commit := a.Store.Write(b)
	a.mu.Unlock()
	if err := commit.Wait(); err != nil {
		return internal(fmt.Errorf("enable or disable actions: %w", err))
	}
	return nil
}
