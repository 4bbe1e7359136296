package status

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/smithy-go"
	"golang.org/x/sync/errgroup"

	"flyball/internal/client"
	"flyball/scaling"
)

// An Alarm is a CloudWatch alarm.
type Alarm struct {
	Name   string    `json:"name"`
	State  string    `json:"state"`
	Since  time.Time `json:"since"`
	Reason string    `json:"reason"`
	Rule   string    `json:"rule"` // in words, such as "Average > 50 for 3 of 3 x 60 s"
	// New is an alarm of a policy whose rule was put so lately that there may be no data for it yet.
	New bool `json:"-"`
}

// NewAlarm is an alarm as it is shown.
func NewAlarm(a types.MetricAlarm) Alarm {
	return Alarm{
		Name:   aws.ToString(a.AlarmName),
		State:  string(a.StateValue),
		Since:  aws.ToTime(a.StateUpdatedTimestamp),
		Reason: aws.ToString(a.StateReason),
		Rule:   alarmRule(a),
	}
}

// NewCompositeAlarm is an alarm of alarms as it is shown.
func NewCompositeAlarm(a types.CompositeAlarm) Alarm {
	return Alarm{
		Name: aws.ToString(a.AlarmName), State: string(a.StateValue), Since: aws.ToTime(a.StateUpdatedTimestamp),
		Reason: aws.ToString(a.StateReason), Rule: aws.ToString(a.AlarmRule),
	}
}

// alarmsAtOnce is how many alarms one call can describe ("DescribeAlarms").
const alarmsAtOnce = 100

// mostOthers bounds how many alarms are looked through for those of no policy.
const mostOthers = 1000

// readAlarms reads the alarms of the targets' policies, which have these names, with the metrics that they watch,
// and if the whole is asked for those of no policy.
func (s *Status) readAlarms(ctx context.Context, c *client.Client, targets map[scaling.ResourceID]*Target, names []string, whole bool) error {
	alarms, err := describeAlarms(ctx, c, names)
	if err != nil {
		return fmt.Errorf("read the alarms: %w", err)
	}
	var watching []*watch
	for _, target := range targets {
		for i := range target.Policies {
			p := &target.Policies[i]
			for j, a := range p.Alarms {
				p.Alarms[j] = NewAlarm(alarms[a.Name])
				p.Alarms[j].Name = a.Name // also of one that is gone
				p.Alarms[j].New = isNew(alarms[a.Name], s.Now)
			}
			if p.Goal == nil || len(p.Alarms) == 0 {
				continue
			}
			if a, ok := alarms[p.Alarms[0].Name]; ok {
				p.Watched = Watched(a)
				watching = append(watching, &watch{policy: p, alarm: a})
			}
		}
	}
	if err := readValues(ctx, c, s.Now, watching); err != nil {
		return fmt.Errorf("read the metrics of policies: %w", err)
	}
	if !whole {
		return nil
	}
	s.Alarms, err = otherAlarms(ctx, c, alarms)
	return err
}

// isNew reports whether an alarm has not yet had the time that it looks at, and a period more in which
// its first datapoint comes: AlarmHigh of target tracking has four minutes.
func isNew(a types.MetricAlarm, now time.Time) bool {
	if a.AlarmConfigurationUpdatedTimestamp == nil {
		return false
	}
	_, period := watched(a)
	takes := time.Duration(period) * time.Second * time.Duration(aws.ToInt32(a.EvaluationPeriods)+1)
	return now.Sub(*a.AlarmConfigurationUpdatedTimestamp) < takes
}

// alarmNames are those of all alarms of the targets' policies.
func alarmNames(targets map[scaling.ResourceID]*Target) (names []string) {
	for _, target := range targets {
		for _, p := range target.Policies {
			for _, a := range p.Alarms {
				names = append(names, a.Name)
			}
		}
	}
	return names
}

// describeAlarms reads alarms by their names.
func describeAlarms(ctx context.Context, c *client.Client, names []string) (map[string]types.MetricAlarm, error) {
	batches := slices.Collect(slices.Chunk(names, alarmsAtOnce))
	found := make([][]types.MetricAlarm, len(batches))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(callsAtOnce)
	for i, batch := range batches {
		group.Go(func() error {
			out, err := c.CloudWatch.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{AlarmNames: batch, MaxRecords: aws.Int32(alarmsAtOnce)})
			if err != nil {
				return err
			}
			found[i] = out.MetricAlarms
			return nil
		})
	}
	err := group.Wait()
	alarms := map[string]types.MetricAlarm{}
	for _, a := range slices.Concat(found...) {
		alarms[aws.ToString(a.AlarmName)] = a
	}
	return alarms, err
}

// otherAlarms reads alarms that are of no policy.
func otherAlarms(ctx context.Context, c *client.Client, known map[string]types.MetricAlarm) ([]Alarm, error) {
	others, looked := []Alarm{}, 0
	pages := cloudwatch.NewDescribeAlarmsPaginator(c.CloudWatch, &cloudwatch.DescribeAlarmsInput{
		MaxRecords: aws.Int32(alarmsAtOnce), AlarmTypes: []types.AlarmType{types.AlarmTypeMetricAlarm, types.AlarmTypeCompositeAlarm},
	})
	for pages.HasMorePages() && looked < mostOthers+len(known) {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("read the alarms: %w", err)
		}
		looked += len(page.MetricAlarms) + len(page.CompositeAlarms)
		for _, a := range page.MetricAlarms {
			if _, ofPolicy := known[aws.ToString(a.AlarmName)]; !ofPolicy {
				others = append(others, NewAlarm(a))
			}
		}
		for _, a := range page.CompositeAlarms {
			others = append(others, NewCompositeAlarm(a))
		}
	}
	return others, nil
}

// A watch is a policy whose metric an alarm watches.
type watch struct {
	policy *Policy
	alarm  types.MetricAlarm
}

// queriesAtOnce is how many metrics one call can read ("GetMetricData").
const queriesAtOnce = 500

// readValues reads the newest value of each metric that is watched. An alarm on metric math
// has a call of its own, for its queries have names of their own.
func readValues(ctx context.Context, c *client.Client, now time.Time, watching []*watch) error {
	var calls [][]*watch
	var single []*watch
	for _, w := range watching {
		if len(w.alarm.Metrics) > 0 {
			calls = append(calls, []*watch{w})
		} else {
			single = append(single, w)
		}
	}
	calls = slices.AppendSeq(calls, slices.Chunk(single, queriesAtOnce))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(callsAtOnce)
	for _, call := range calls {
		group.Go(func() error { return readNewest(ctx, c, now, call) })
	}
	return group.Wait()
}

// recent is how many periods back the newest value of a metric is looked for.
const recent = 5

// readNewest reads the newest values of what some alarms watch in one call.
func readNewest(ctx context.Context, c *client.Client, now time.Time, watching []*watch) error {
	in := &cloudwatch.GetMetricDataInput{EndTime: &now, ScanBy: types.ScanByTimestampDescending}
	byID := map[string]*watch{}
	var longest int32 = 60
	for i, w := range watching {
		_, period := watched(w.alarm)
		longest = max(longest, period)
		if len(w.alarm.Metrics) > 0 {
			in.MetricDataQueries = w.alarm.Metrics
			for _, q := range w.alarm.Metrics {
				byID[aws.ToString(q.Id)] = w
			}
			continue
		}
		q := query(fmt.Sprintf("m%d", i), w.alarm)
		byID[*q.Id] = w
		in.MetricDataQueries = append(in.MetricDataQueries, q)
	}
	in.StartTime = aws.Time(now.Add(-recent * time.Duration(longest) * time.Second))
	pages := cloudwatch.NewGetMetricDataPaginator(c.CloudWatch, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, r := range page.MetricDataResults {
			if w := byID[aws.ToString(r.Id)]; w != nil && len(r.Values) > 0 && w.policy.Value == nil {
				w.policy.Value, w.policy.At = &r.Values[0], r.Timestamps[0]
			}
		}
	}
	return nil
}

// Watched is what an alarm watches, as CloudWatch is asked for it.
func Watched(a types.MetricAlarm) []types.MetricDataQuery {
	if len(a.Metrics) > 0 {
		return a.Metrics
	}
	return []types.MetricDataQuery{query("m", a)}
}

// query is what an alarm on one metric watches.
func query(id string, a types.MetricAlarm) types.MetricDataQuery {
	stat, _ := watched(a)
	return types.MetricDataQuery{Id: &id, MetricStat: &types.MetricStat{
		Metric: &types.Metric{Namespace: a.Namespace, MetricName: a.MetricName, Dimensions: a.Dimensions},
		Period: a.Period, Stat: &stat, Unit: a.Unit,
	}}
}

// refusal is why a call was refused, if it was.
func refusal(err error) (reason string, refused bool) {
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok || api.ErrorFault() == smithy.FaultServer {
		return "", false
	}
	return api.ErrorMessage(), true
}

var operators = map[types.ComparisonOperator]string{
	types.ComparisonOperatorGreaterThanThreshold:          ">",
	types.ComparisonOperatorGreaterThanOrEqualToThreshold: ">=",
	types.ComparisonOperatorLessThanThreshold:             "<",
	types.ComparisonOperatorLessThanOrEqualToThreshold:    "<=",
}

// alarmRule says in words when an alarm fires.
func alarmRule(a types.MetricAlarm) string {
	n := aws.ToInt32(a.EvaluationPeriods)
	m := n
	if a.DatapointsToAlarm != nil {
		m = *a.DatapointsToAlarm
	}
	value, period := watched(a)
	if a.ThresholdMetricId != nil {
		return fmt.Sprintf("%s outside its band for %d of %d x %d s", value, m, n, period)
	}
	return fmt.Sprintf("%s %s %.15g for %d of %d x %d s", value, operators[a.ComparisonOperator],
		aws.ToFloat64(a.Threshold), m, n, period)
}

// watched is what an alarm compares with its threshold, a statistic or an
// expression, and the seconds of its period.
func watched(a types.MetricAlarm) (value string, period int32) {
	value, period = string(a.Statistic), aws.ToInt32(a.Period)
	if a.ExtendedStatistic != nil {
		value = *a.ExtendedStatistic
	}
	for _, q := range a.Metrics {
		period = max(period, aws.ToInt32(q.Period))
		if q.MetricStat != nil {
			period = max(period, aws.ToInt32(q.MetricStat.Period))
		}
		switch returns := q.ReturnData == nil || *q.ReturnData; {
		case returns && q.Expression != nil:
			value = *q.Expression
		case returns && q.MetricStat != nil:
			value = aws.ToString(q.MetricStat.Stat)
		}
	}
	return value, period
}
