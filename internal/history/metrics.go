package history

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// A query is a statistic of a metric.
type query struct {
	namespace, metric, statistic string
	dimensions                   map[string]string
}

// queries are what is asked of CloudWatch.
func (f *fetcher) queries() map[string]query {
	service := map[string]string{"ClusterName": f.cluster, "ServiceName": f.name}
	const own, insights, balancing, queues = "AWS/ECS", "ECS/ContainerInsights", "AWS/ApplicationELB", "AWS/SQS"
	all := map[string]query{
		"cpu":     {own, "CPUUtilization", "Average", service},
		"counted": {own, "CPUUtilization", "SampleCount", service},
		"memory":  {own, "MemoryUtilization", "Average", service},
		"running": {insights, "RunningTaskCount", "Average", service},
		"desired": {insights, "DesiredTaskCount", "Average", service},
	}
	for i, g := range f.groups {
		dimensions := map[string]string{"LoadBalancer": g.balancer, "TargetGroup": g.group}
		all[fmt.Sprintf("requests%d", i)] = query{balancing, "RequestCount", "Sum", dimensions}
		all[fmt.Sprintf("latency%d", i)] = query{balancing, "TargetResponseTime", "Average", dimensions}
		all[fmt.Sprintf("healthy%d", i)] = query{balancing, "HealthyHostCount", "Average", dimensions}
		all[fmt.Sprintf("late%d", i)] = query{balancing, "TargetResponseTime", "p95", dimensions}
	}
	if f.queue != "" {
		dimensions := map[string]string{"QueueName": f.queue}
		all["sent"] = query{queues, "NumberOfMessagesSent", "Sum", dimensions}
		all["deleted"] = query{queues, "NumberOfMessagesDeleted", "Sum", dimensions}
		all["visible"] = query{queues, "ApproximateNumberOfMessagesVisible", "Average", dimensions}
		all["hand"] = query{queues, "ApproximateNumberOfMessagesNotVisible", "Average", dimensions}
	}
	return all
}

func (f *fetcher) read(ctx context.Context) error { return f.values(ctx, f.queries()) }

// values reads metrics, page by page.
func (f *fetcher) values(ctx context.Context, wanted map[string]query) error {
	in := &cloudwatch.GetMetricDataInput{StartTime: &f.window.From, EndTime: &f.window.To, ScanBy: cwtypes.ScanByTimestampAscending}
	for _, id := range slices.Sorted(maps.Keys(wanted)) {
		q := wanted[id]
		m := &cwtypes.Metric{Namespace: &q.namespace, MetricName: &q.metric}
		for _, name := range slices.Sorted(maps.Keys(q.dimensions)) {
			m.Dimensions = append(m.Dimensions, cwtypes.Dimension{Name: aws.String(name), Value: aws.String(q.dimensions[name])})
		}
		in.MetricDataQueries = append(in.MetricDataQueries, cwtypes.MetricDataQuery{Id: aws.String(id), MetricStat: &cwtypes.MetricStat{
			Metric: m, Period: aws.Int32(int32(f.window.Step / time.Second)), Stat: &q.statistic,
		}})
	}
	f.found = map[string]map[time.Time]float64{}
	for pages := cloudwatch.NewGetMetricDataPaginator(f.CloudWatch, in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, result := range page.MetricDataResults {
			if result.StatusCode == cwtypes.StatusCodeForbidden {
				return fmt.Errorf("the access key may not read metrics: allow it cloudwatch:GetMetricData")
			}
			id := aws.ToString(result.Id)
			if f.found[id] == nil {
				f.found[id] = map[time.Time]float64{}
			}
			for i, at := range result.Timestamps[:min(len(result.Timestamps), len(result.Values))] {
				f.found[id][at.UTC()] = result.Values[i]
			}
		}
	}
	return nil
}

// series is a metric in steps of the history; what is not there is as given.
func (f *fetcher) series(id string, from, to time.Time) []float64 {
	found := f.found[id]
	if len(found) == 0 {
		return nil
	}
	p := f.window.Step
	values := slices.Repeat([]float64{math.NaN()}, int(to.Sub(from)/p))
	for at, v := range found {
		if i := int(at.Sub(from) / p); i >= 0 && i < len(values) {
			values[i] = v
		}
	}
	return values
}

// bounds are the first and the last step of which anything is known.
func (f *fetcher) bounds() (from, to time.Time) {
	for _, found := range f.found {
		for at := range found {
			if from.IsZero() || at.Before(from) {
				from = at
			}
			if end := at.Add(f.window.Step); end.After(to) {
				to = end
			}
		}
	}
	return from, to
}
