package report

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
)

// minute is the period of the metrics that are read.
const minute = time.Minute

// A statistic names what is read of a metric.
type statistic struct{ namespace, metric, name string }

// readMetrics reads the service's own.
func (r *reader) readMetrics(ctx context.Context) error {
	read, err := r.values(ctx, map[string]string{"ClusterName": r.cluster, "ServiceName": r.name}, map[string]statistic{
		"cpu":      {"AWS/ECS", "CPUUtilization", "Average"},
		"measured": {"AWS/ECS", "CPUUtilization", "SampleCount"}, // each task is one sample a minute
		"running":  {"ECS/ContainerInsights", "RunningTaskCount", "Average"},
	})
	if err != nil {
		return err
	}
	r.CPU, r.Running = read["cpu"], read["measured"]
	if insights := read["running"]; len(insights) > 0 {
		r.Running = insights
	}
	return nil
}

// readBalancer reads what the load balancer has seen, where no record tells more.
func (r *reader) readBalancer(ctx context.Context) error {
	if r.group == "" || len(r.Load) > 0 {
		return nil
	}
	out, err := r.LoadBalancing.DescribeTargetGroups(ctx, &elb.DescribeTargetGroupsInput{TargetGroupArns: []string{r.group}})
	if err != nil {
		return err
	}
	if len(out.TargetGroups) == 0 || len(out.TargetGroups[0].LoadBalancerArns) == 0 {
		return nil
	}
	_, balancer, _ := strings.Cut(out.TargetGroups[0].LoadBalancerArns[0], ":loadbalancer/")
	group := r.group[strings.LastIndexByte(r.group, ':')+1:]
	const namespace = "AWS/ApplicationELB"
	read, err := r.values(ctx, map[string]string{"LoadBalancer": balancer, "TargetGroup": group}, map[string]statistic{
		"requests": {namespace, "RequestCount", "Sum"},
		"failures": {namespace, "HTTPCode_Target_5XX_Count", "Sum"},
		"p50":      {namespace, "TargetResponseTime", "p50"},
		"p95":      {namespace, "TargetResponseTime", "p95"},
		"p99":      {namespace, "TargetResponseTime", "p99"},
	})
	r.Balancer = Balancer{read["requests"], read["failures"], read["p50"], read["p95"], read["p99"]}
	return err
}

// values reads statistics of metrics with the same dimensions.
func (r *reader) values(ctx context.Context, dimensions map[string]string, wanted map[string]statistic) (map[string][]Datapoint, error) {
	var named []cwtypes.Dimension
	for _, name := range slices.Sorted(maps.Keys(dimensions)) {
		named = append(named, cwtypes.Dimension{Name: aws.String(name), Value: aws.String(dimensions[name])})
	}
	// The values of minutes that have not ended would be of a part of them.
	from, to := r.From.Truncate(minute), r.To.Truncate(minute)
	if !from.Before(to) {
		return nil, nil // no minute has ended
	}
	in := &cloudwatch.GetMetricDataInput{StartTime: &from, EndTime: &to, ScanBy: cwtypes.ScanByTimestampAscending}
	for id, s := range wanted {
		in.MetricDataQueries = append(in.MetricDataQueries, cwtypes.MetricDataQuery{Id: aws.String(id), MetricStat: &cwtypes.MetricStat{
			Period: aws.Int32(int32(minute / time.Second)), Stat: aws.String(s.name),
			Metric: &cwtypes.Metric{Namespace: aws.String(s.namespace), MetricName: aws.String(s.metric), Dimensions: named},
		}})
	}
	read := map[string][]Datapoint{}
	for pages := cloudwatch.NewGetMetricDataPaginator(r.CloudWatch, in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, result := range page.MetricDataResults {
			id := aws.ToString(result.Id)
			for i, at := range result.Timestamps[:min(len(result.Timestamps), len(result.Values))] {
				read[id] = append(read[id], Datapoint{at, result.Values[i]})
			}
		}
	}
	return read, nil
}
