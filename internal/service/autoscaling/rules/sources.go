package rules

import (
	"math"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/scaling"
)

// A predefined is a predefined metric of predictive scaling.
type predefined struct {
	namespace, name, stat string
	balancer              bool    // of a load balancer's target group, and not of the service
	divide                float64 // the datapoint of an hour by this; 0: by 1
}

// The predefined metrics. Loads are totals of an hour: of the CPU utilization,
// the sum over its tasks and minutes. Scaling metrics are averages a task; for
// requests, a minute's, which is what the target value counts.
var (
	loadMetrics = map[string]predefined{
		"ECSServiceTotalCPUUtilization":    {namespace: "AWS/ECS", name: "CPUUtilization", stat: "Sum"},
		"ECSServiceTotalMemoryUtilization": {namespace: "AWS/ECS", name: "MemoryUtilization", stat: "Sum"},
		"TotalALBRequestCount":             {namespace: "AWS/ApplicationELB", name: "RequestCount", stat: "Sum", balancer: true},
	}
	scalingMetrics = map[string]predefined{
		"ECSServiceAverageCPUUtilization":    {namespace: "AWS/ECS", name: "CPUUtilization", stat: "Average"},
		"ECSServiceAverageMemoryUtilization": {namespace: "AWS/ECS", name: "MemoryUtilization", stat: "Average"},
		"ALBRequestCountPerTarget":           {namespace: "AWS/ApplicationELB", name: "RequestCountPerTarget", stat: "Sum", balancer: true, divide: 60},
	}
	metricPairs = map[string]struct{ load, scaling string }{
		"ECSServiceCPUUtilization":    {"ECSServiceTotalCPUUtilization", "ECSServiceAverageCPUUtilization"},
		"ECSServiceMemoryUtilization": {"ECSServiceTotalMemoryUtilization", "ECSServiceAverageMemoryUtilization"},
		"ALBRequestCount":             {"TotalALBRequestCount", "ALBRequestCountPerTarget"},
	}
)

// A Source is where the hours of a metric come from.
type Source struct {
	Queries []cwtypes.MetricDataQuery
	divide  float64 // each datapoint by this
	silent  bool    // no datapoint means that nothing happened, and not that nobody looked
}

// Means are the hours' values from the sums and numbers of their datapoints; NaN
// where there is none.
func (s Source) Means(sums, counts []float64) []float64 {
	values := make([]float64, len(sums))
	begun := false
	for i, n := range counts {
		begun = begun || n > 0
		switch {
		case n > 0:
			values[i] = sums[i] / n / s.divide
		case !s.silent || !begun:
			values[i] = math.NaN()
		}
	}
	return values
}

// Every is the source with datapoints of another period than an hour.
func (s Source) Every(period time.Duration) Source {
	s.Queries = slices.Clone(s.Queries)
	for i, q := range s.Queries {
		if q.MetricStat != nil {
			finer := *q.MetricStat
			finer.Period = seconds(period)
			s.Queries[i].MetricStat = &finer
		}
		if q.Period != nil {
			s.Queries[i].Period = seconds(period)
		}
	}
	return s
}

// Sources are where the history of a predictive policy comes from.
type Sources struct{ Load, Metric, Tasks Source }

// Sources are those of a policy for a service that publishes its metrics with a
// period.
//
// Each task is in each datapoint of the service's CPU utilization once, which tells
// how many there were. ("Determine the number of RUNNING tasks", Amazon ECS
// developer guide)
func (p Policy) Sources(id scaling.ResourceID, period time.Duration) Sources {
	m := p.Specification()
	name, label := pairOf(m.PredefinedMetricPairSpecification)
	load, loadLabel := metricPairs[name].load, label
	if l := m.PredefinedLoadMetricSpecification; l != nil {
		load, loadLabel = aws.ToString(l.PredefinedMetricType), aws.ToString(l.ResourceLabel)
	}
	metric, metricLabel := metricPairs[name].scaling, label
	if s := m.PredefinedScalingMetricSpecification; s != nil {
		metric, metricLabel = aws.ToString(s.PredefinedMetricType), aws.ToString(s.ResourceLabel)
	}
	tasks := predefined{namespace: "AWS/ECS", name: "CPUUtilization", stat: "SampleCount", divide: float64(time.Hour / period)}
	return Sources{
		Load:   source(m.CustomizedLoadMetricSpecification, loadMetrics[load], id, loadLabel),
		Metric: source(m.CustomizedScalingMetricSpecification, scalingMetrics[metric], id, metricLabel),
		Tasks:  source(m.CustomizedCapacityMetricSpecification, tasks, id, ""),
	}
}

func pairOf(m *types.PredictiveScalingPredefinedMetricPairSpecification) (name, label string) {
	if m == nil {
		return "", ""
	}
	return aws.ToString(m.PredefinedMetricType), aws.ToString(m.ResourceLabel)
}

// source is that of a customized metric, or where there is none, of a predefined
// one.
func source(c *types.PredictiveScalingCustomizedMetricSpecification, m predefined, id scaling.ResourceID, label string) Source {
	if c != nil {
		return customized(c)
	}
	dimensions := serviceDimensions(id)
	if m.balancer {
		dimensions = balancerDimensions(label)
	}
	return Source{
		Queries: []cwtypes.MetricDataQuery{{
			Id: aws.String("m"),
			MetricStat: &cwtypes.MetricStat{
				Metric: &cwtypes.Metric{Namespace: aws.String(m.namespace), MetricName: aws.String(m.name), Dimensions: dimensions},
				Stat:   aws.String(m.stat), Period: seconds(time.Hour),
			},
		}},
		divide: max(m.divide, 1),
		silent: m.balancer,
	}
}

func customized(c *types.PredictiveScalingCustomizedMetricSpecification) Source {
	return Source{Queries: metricQueries(plainQueries(c.MetricDataQueries), time.Hour), divide: 1}
}
