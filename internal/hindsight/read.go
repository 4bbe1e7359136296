package hindsight

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/alarm"
	"flyball/internal/client"
	"flyball/internal/policydoc"
	"flyball/metric"
	"flyball/scaling"
)

// A Question is what is asked about a target's past.
type Question struct {
	Resource scaling.ResourceID // such as service/shop/web
	At       time.Time
	Set      policydoc.Settings // other values to ask about; none: only how it was
}

// activitiesBefore is how far activities are read before the time that is asked about: longer
// than cooldowns are.
const activitiesBefore = 24 * time.Hour

// Read asks a server, or AWS, how a target stood. It changes nothing there.
func Read(ctx context.Context, c *client.Client, q Question) (Explanation, error) {
	r := reader{client: c, past: Past{Resource: q.Resource, At: q.At, Alarms: map[string]Watched{}}}
	for _, read := range []func(context.Context) error{r.documents, r.activities, r.alarms, r.measured} {
		if err := read(ctx); err != nil {
			return Explanation{}, err
		}
	}
	return r.past.Explain(q.Set)
}

// A reader gathers what is known of a target at a time.
type reader struct {
	client *client.Client
	past   Past
}

// documents reads the target and its policies as they are, with the alarms that call them.
func (r *reader) documents(ctx context.Context) error {
	namespace := types.ServiceNamespace(r.past.Resource.Kind().Namespace())
	id := aws.String(string(r.past.Resource))
	targets, err := r.client.AutoScaling.DescribeScalableTargets(ctx, &applicationautoscaling.DescribeScalableTargetsInput{ServiceNamespace: namespace, ResourceIds: []string{*id}})
	if err != nil {
		return fmt.Errorf("read the scalable target: %w", err)
	}
	if len(targets.ScalableTargets) == 0 {
		return &types.ObjectNotFoundException{Message: aws.String(fmt.Sprintf("No scalable target registered for %s", *id))}
	}
	d := &r.past.Documents
	d.Targets = targets.ScalableTargets[:1]
	policies := applicationautoscaling.NewDescribeScalingPoliciesPaginator(r.client.AutoScaling, &applicationautoscaling.DescribeScalingPoliciesInput{ServiceNamespace: namespace, ResourceId: id})
	for policies.HasMorePages() {
		page, err := policies.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("read the scaling policies: %w", err)
		}
		d.Policies = append(d.Policies, page.ScalingPolicies...)
	}
	for _, p := range d.Policies {
		out, err := r.client.CloudWatch.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{ActionPrefix: p.PolicyARN, AlarmTypes: []cwtypes.AlarmType{cwtypes.AlarmTypeMetricAlarm}})
		if err != nil {
			return fmt.Errorf("read the alarms of policy %s: %w", aws.ToString(p.PolicyName), err)
		}
		d.Alarms = append(d.Alarms, out.MetricAlarms...)
	}
	return nil
}

// activities reads those until a minute after the time, and back to one that set a capacity.
func (r *reader) activities(ctx context.Context) error {
	pages := applicationautoscaling.NewDescribeScalingActivitiesPaginator(r.client.AutoScaling, &applicationautoscaling.DescribeScalingActivitiesInput{
		ServiceNamespace: types.ServiceNamespace(r.past.Resource.Kind().Namespace()), ResourceId: aws.String(string(r.past.Resource)),
		IncludeNotScaledActivities: aws.Bool(true), MaxResults: aws.Int32(50),
	})
	set := 0
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("read the scaling activities: %w", err)
		}
		for _, described := range page.ScalingActivities {
			a := ActivityOf(described)
			if !a.Start.Before(r.past.At.Add(time.Minute)) {
				continue
			}
			if set >= 2 && a.Start.Before(r.past.At.Add(-activitiesBefore)) {
				return nil
			}
			if sets(a) && a.Start.Before(r.past.At) {
				set++
			}
			r.past.Activities = append(r.past.Activities, a)
		}
	}
	slices.SortStableFunc(r.past.Activities, func(a, b scaling.Activity) int { return b.Start.Compare(a.Start) })
	return nil
}

// alarms reads what each alarm saw, and the state that it was in.
func (r *reader) alarms(ctx context.Context) error {
	for _, m := range r.past.Documents.Alarms {
		name := aws.ToString(m.AlarmName)
		w, err := r.state(ctx, name)
		if err == nil {
			w.Datapoints, err = r.datapoints(ctx, m)
		}
		if err != nil {
			return fmt.Errorf("read what alarm %s saw: %w", name, err)
		}
		r.past.Alarms[name] = w
	}
	return nil
}

// state is the state that an alarm was in just before the time, as its history tells.
func (r *reader) state(ctx context.Context, name string) (Watched, error) {
	out, err := r.client.CloudWatch.DescribeAlarmHistory(ctx, &cloudwatch.DescribeAlarmHistoryInput{
		AlarmName: &name, HistoryItemType: cwtypes.HistoryItemTypeStateUpdate, EndDate: &r.past.At, MaxRecords: aws.Int32(1), ScanBy: cwtypes.ScanByTimestampDescending,
	})
	if err != nil || len(out.AlarmHistoryItems) == 0 {
		return Watched{}, err
	}
	item := out.AlarmHistoryItems[0]
	var data struct {
		NewState struct {
			StateValue string `json:"stateValue"`
		} `json:"newState"`
	}
	if json.Unmarshal([]byte(aws.ToString(item.HistoryData)), &data) != nil {
		return Watched{}, nil // it is rebuilt
	}
	state, err := alarm.ParseState(data.NewState.StateValue)
	if err != nil {
		return Watched{}, nil
	}
	return Watched{State: state, Since: aws.ToTime(item.Timestamp)}, nil
}

// datapoints are those that an alarm evaluates at the time.
func (r *reader) datapoints(ctx context.Context, m cwtypes.MetricAlarm) ([]metric.Datapoint, error) {
	rule, err := ruleOf(m)
	if err != nil {
		return nil, err
	}
	queries, id := m.Metrics, ""
	for _, q := range queries {
		if q.ReturnData == nil || *q.ReturnData {
			id = aws.ToString(q.Id)
		}
	}
	if len(queries) == 0 {
		id = "m"
		queries = []cwtypes.MetricDataQuery{{Id: &id, MetricStat: &cwtypes.MetricStat{
			Metric: &cwtypes.Metric{Namespace: m.Namespace, MetricName: m.MetricName, Dimensions: m.Dimensions},
			Period: aws.Int32(int32(rule.Period / time.Second)), Stat: aws.String(cmp.Or(string(m.Statistic), aws.ToString(m.ExtendedStatistic))), Unit: m.Unit,
		}}}
	}
	end := r.past.At.Truncate(rule.Period)
	return r.values(ctx, queries, id, end.Add(-time.Duration(rule.Range())*rule.Period), end)
}

// values are the datapoints of one of some queries.
func (r *reader) values(ctx context.Context, queries []cwtypes.MetricDataQuery, id string, start, end time.Time) ([]metric.Datapoint, error) {
	out, err := r.client.CloudWatch.GetMetricData(ctx, &cloudwatch.GetMetricDataInput{
		MetricDataQueries: queries, StartTime: &start, EndTime: &end, ScanBy: cwtypes.ScanByTimestampAscending,
	})
	if err != nil {
		return nil, err
	}
	var points []metric.Datapoint
	for _, result := range out.MetricDataResults {
		for i, at := range result.Timestamps {
			if aws.ToString(result.Id) == id && i < len(result.Values) && at.Before(end) {
				points = append(points, metric.Datapoint{Time: at, Value: result.Values[i]})
			}
		}
	}
	return points, nil
}

// measured reads how many tasks were desired and running, where Container Insights measured it.
func (r *reader) measured(ctx context.Context) error {
	name := strings.Split(string(r.past.Resource), "/")
	if name[0] != "service" || len(name) != 3 {
		return nil
	}
	end := r.past.At.Truncate(time.Minute)
	for i, of := range []struct {
		metric string
		to     **scaling.Capacity
	}{{"DesiredTaskCount", &r.past.Desired}, {"RunningTaskCount", &r.past.Running}} {
		id := "m" + strconv.Itoa(i)
		points, err := r.values(ctx, []cwtypes.MetricDataQuery{{Id: &id, MetricStat: &cwtypes.MetricStat{
			Metric: &cwtypes.Metric{Namespace: aws.String("ECS/ContainerInsights"), MetricName: &of.metric, Dimensions: []cwtypes.Dimension{
				{Name: aws.String("ClusterName"), Value: &name[1]}, {Name: aws.String("ServiceName"), Value: &name[2]},
			}},
			Period: aws.Int32(60), Stat: aws.String("Average"),
		}}}, id, end.Add(-time.Minute), end)
		if err != nil {
			return fmt.Errorf("read the number of tasks: %w", err)
		}
		if len(points) > 0 {
			n := scaling.Capacity(max(0, points[len(points)-1].Value) + 0.5)
			*of.to = &n
		}
	}
	return nil
}
