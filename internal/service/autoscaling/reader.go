package autoscaling

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/alarm"
	"flyball/metric"
	"flyball/scaling"
)

// A reader reads the alarms of a target, for one step or explanation.
type reader struct {
	api         *API
	now         time.Time
	target      *target
	call        *notified // brings the datapoints of its alarm; nil: none does
	nothingRuns bool
	// thorough reads what no decision needs, too: the datapoints of all alarms, and
	// the alarms that could call a step policy and have not.
	thorough bool
}

// A watched is an alarm of a policy, as CloudWatch describes it and as package
// scaling sees it.
type watched struct {
	described cwtypes.MetricAlarm
	seen      scaling.Alarm
}

// read returns the alarms of each policy that has some, by policy, with the
// datapoints that a decision needs.
func (r reader) read(ctx context.Context) (map[string][]scaling.Alarm, error) {
	names := map[string][]string{}
	for _, p := range r.target.policies {
		if p.Predictive != nil {
			continue // it has no alarm
		}
		var err error
		if names[p.Name], err = r.names(ctx, p); err != nil {
			return nil, err
		}
	}
	described, err := r.describe(ctx, names)
	if err != nil {
		return nil, err
	}
	alarms := map[string][]*watched{}
	var calls dataCalls
	for _, p := range r.target.policies {
		all, err := r.watch(p, names[p.Name], described)
		if err != nil {
			return nil, err
		}
		alarms[p.Name] = all
		r.want(&calls, p, all)
	}
	if err := r.fetch(ctx, calls); err != nil {
		return nil, err
	}
	seen := map[string][]scaling.Alarm{}
	for name, all := range alarms {
		for _, w := range all {
			seen[name] = append(seen[name], w.seen)
		}
	}
	return seen, nil
}

// names are the alarms of a policy: its own, or those that have called a step
// policy. One that has not called is not in ALARM.
func (r reader) names(ctx context.Context, p *policy) ([]string, error) {
	names := p.Alarms
	if p.Step == nil {
		return names, nil
	}
	names = slices.Clone(p.Called)
	if r.call != nil && r.call.policy == p.Name && !slices.Contains(names, r.call.Alarm) {
		names = append(names, r.call.Alarm)
	}
	if !r.thorough {
		return names, nil
	}
	could, err := r.api.stepAlarms(ctx, p.ARN)
	for _, m := range could {
		if name := aws.ToString(m.AlarmName); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names, err
}

// describe finds the alarms of all policies, by name.
func (r reader) describe(ctx context.Context, of map[string][]string) (map[string]cwtypes.MetricAlarm, error) {
	var names []string
	for _, some := range of {
		names = append(names, some...)
	}
	alarms := make(map[string]cwtypes.MetricAlarm, len(names))
	for batch := range slices.Chunk(names, 100) { // a call takes no more
		out, err := r.api.cfg.Alarms.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{
			AlarmNames: batch, MaxRecords: aws.Int32(100), AlarmTypes: []cwtypes.AlarmType{cwtypes.AlarmTypeMetricAlarm},
		})
		if err != nil {
			return nil, alarmsFailed(err)
		}
		for _, m := range out.MetricAlarms {
			alarms[aws.ToString(m.AlarmName)] = m
		}
	}
	return alarms, nil
}

// watch is the state of a policy's alarms. Of a target tracking policy those that
// were deleted are there, too, to be told of.
func (r reader) watch(p *policy, names []string, described map[string]cwtypes.MetricAlarm) ([]*watched, error) {
	var all []*watched
	for i, name := range names {
		m, exists := described[name]
		called := r.call != nil && name == r.call.Alarm
		if !exists {
			if p.Tracking != nil {
				all = append(all, &watched{seen: deleted(name, i)})
			}
			continue
		}
		seen, err := readAlarm(m)
		if err != nil && called {
			return nil, err
		}
		if err != nil {
			continue // a user's alarm that cannot drive steps keeps nobody from scaling
		}
		seen.Silent = silence(m, p.ARN)
		if p.Step != nil && seen.Silent == scaling.ActionRemoved {
			continue // it is another's alarm now
		}
		if called {
			seen.State, seen.Datapoints = alarm.Alarm, r.call.Datapoints
		}
		all = append(all, &watched{m, seen})
	}
	return all, nil
}

// deleted is an alarm of a target tracking policy that somebody has deleted: the
// first is the high one.
func deleted(name string, i int) scaling.Alarm {
	a := scaling.Alarm{Name: name, Silent: scaling.AlarmDeleted, Comparison: alarm.Greater}
	if i > 0 {
		a.Comparison = alarm.Less
	}
	return a
}

// silence is why an alarm does not call a policy.
func silence(m cwtypes.MetricAlarm, policyARN string) scaling.Silence {
	switch {
	case !slices.Contains(m.AlarmActions, policyARN):
		return scaling.ActionRemoved
	case m.ActionsEnabled != nil && !*m.ActionsEnabled:
		return scaling.ActionsDisabled
	}
	return ""
}

// readAlarm is an alarm as package scaling sees it, without its datapoints.
func readAlarm(m cwtypes.MetricAlarm) (scaling.Alarm, error) {
	state, err := alarm.ParseState(string(m.StateValue))
	if err != nil {
		return scaling.Alarm{}, internal(fmt.Errorf("alarm %s: %w", aws.ToString(m.AlarmName), err))
	}
	comparison, err := alarm.ParseComparison(string(m.ComparisonOperator))
	if err != nil {
		return scaling.Alarm{}, invalid("Alarm %s: %v", aws.ToString(m.AlarmName), err)
	}
	of := int(aws.ToInt32(m.EvaluationPeriods))
	return scaling.Alarm{
		Name:       aws.ToString(m.AlarmName),
		State:      state,
		Since:      aws.ToTime(m.StateTransitionedTimestamp),
		Comparison: comparison,
		Threshold:  aws.ToFloat64(m.Threshold),
		Period:     alarmPeriod(m),
		Needed:     cmp.Or(int(aws.ToInt32(m.DatapointsToAlarm)), of),
		Of:         of,
	}, nil
}

func alarmPeriod(m cwtypes.MetricAlarm) time.Duration {
	seconds := aws.ToInt32(m.Period)
	for _, q := range m.Metrics { // an alarm on metric math has its period there
		if q.MetricStat != nil {
			seconds = max(seconds, aws.ToInt32(q.MetricStat.Period))
		}
		seconds = max(seconds, aws.ToInt32(q.Period))
	}
	return time.Duration(cmp.Or(seconds, 60)) * time.Second
}

// want asks for the datapoints that a decision needs: the newest of a target
// tracking policy, whose two alarms watch one metric, and those of a step policy's
// alarms that are in ALARM.
func (r reader) want(calls *dataCalls, p *policy, all []*watched) {
	var wanted []*watched
	called := slices.ContainsFunc(all, func(w *watched) bool { return len(w.seen.Datapoints) > 0 })
	for _, w := range all {
		needed := r.thorough || p.Step != nil && w.seen.State == alarm.Alarm || p.Tracking != nil && !called
		if needed && w.described.AlarmName != nil && len(w.seen.Datapoints) == 0 {
			wanted = append(wanted, w)
		}
	}
	if p.Tracking != nil && len(wanted) > 0 {
		calls.add(wanted...)
		return
	}
	for _, w := range wanted {
		calls.add(w)
	}
}

// dataCalls are the calls that fetch datapoints: one for all alarms on a metric,
// and one for each metric math, for its expressions know its metrics by their ids.
type dataCalls struct {
	metrics  dataCall
	formulas []dataCall
}

// A dataCall is one call for datapoints.
type dataCall struct {
	queries []cwtypes.MetricDataQuery
	wanted  map[string][]*watched // by the id of a query
	longest time.Duration
}

// add asks for the datapoints of alarms that watch the same.
func (c *dataCalls) add(alarms ...*watched) {
	switch m := alarms[0].described; {
	case len(m.Metrics) > 0:
		call := dataCall{queries: m.Metrics}
		call.add(returnedID(m.Metrics), alarms)
		c.formulas = append(c.formulas, call)
	case m.MetricName != nil:
		id := "m" + strconv.Itoa(len(c.metrics.queries))
		c.metrics.queries = append(c.metrics.queries, cwtypes.MetricDataQuery{
			Id: aws.String(id),
			MetricStat: &cwtypes.MetricStat{
				Metric: &cwtypes.Metric{Namespace: m.Namespace, MetricName: m.MetricName, Dimensions: m.Dimensions},
				Period: aws.Int32(int32(alarms[0].seen.Period / time.Second)),
				Stat:   aws.String(cmp.Or(string(m.Statistic), aws.ToString(m.ExtendedStatistic))),
				Unit:   m.Unit,
			},
		})
		c.metrics.add(id, alarms)
	}
}

func (c *dataCall) add(id string, alarms []*watched) {
	if c.wanted == nil {
		c.wanted = map[string][]*watched{}
	}
	c.wanted[id] = alarms
	for _, w := range alarms {
		c.longest = max(c.longest, time.Duration(w.seen.Of+1)*w.seen.Period)
	}
}

// fetch makes the calls.
func (r reader) fetch(ctx context.Context, calls dataCalls) error {
	if len(calls.metrics.queries) > 0 {
		results, err := r.get(ctx, calls.metrics.queries, calls.metrics.longest)
		if err != nil {
			return err
		}
		for _, result := range results {
			for _, w := range calls.metrics.wanted[aws.ToString(result.Id)] {
				w.seen.Datapoints = newest(result, w.seen, r.now)
			}
		}
	}
	for _, call := range calls.formulas {
		results, err := r.get(ctx, answering(call.queries), call.longest)
		if err != nil {
			return err
		}
		for _, alarms := range call.wanted {
			for _, w := range alarms {
				f := formula{call.queries, results, w.seen, r.now}
				w.seen.Datapoints, w.seen.Missing = f.datapoints(r.nothingRuns), f.missing()
			}
		}
	}
	return nil
}

// get reads metrics up to now.
func (r reader) get(ctx context.Context, queries []cwtypes.MetricDataQuery, span time.Duration) ([]cwtypes.MetricDataResult, error) {
	out, err := r.api.cfg.Alarms.GetMetricData(ctx, &cloudwatch.GetMetricDataInput{
		MetricDataQueries: queries,
		StartTime:         aws.Time(r.now.Add(-span)),
		EndTime:           aws.Time(r.now),
		ScanBy:            cwtypes.ScanByTimestampAscending,
	})
	if err != nil {
		return nil, alarmsFailed(err)
	}
	return out.MetricDataResults, nil
}

// newest are the datapoints of the newest closed periods that an alarm evaluates.
func newest(r cwtypes.MetricDataResult, seen scaling.Alarm, now time.Time) []metric.Datapoint {
	end := now.Truncate(seen.Period)
	start := end.Add(-time.Duration(seen.Of) * seen.Period)
	var points []metric.Datapoint
	for i, at := range r.Timestamps {
		if i < len(r.Values) && !at.Before(start) && at.Before(end) {
			points = append(points, metric.Datapoint{Time: at, Value: r.Values[i]})
		}
	}
	return points
}
