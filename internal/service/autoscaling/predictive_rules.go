package autoscaling

import (
	"math"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/scaling"
)

// defaultBuffer is how long before the hour capacity is set where a policy says
// nothing.
const defaultBuffer = 300 * time.Second

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

// withDefaults is a configuration as it is described: with the mode and the
// buffer that it has when it names none.
func withDefaults(c *types.PredictiveScalingPolicyConfiguration) *types.PredictiveScalingPolicyConfiguration {
	if c == nil {
		return nil
	}
	full := *c
	if full.Mode == "" {
		full.Mode = types.PredictiveScalingModeForecastOnly
	}
	if full.SchedulingBufferTime == nil {
		full.SchedulingBufferTime = seconds(defaultBuffer)
	}
	return &full
}

// forecastsAndScales reports whether the policy sets capacity.
func (p *policy) forecastsAndScales() bool {
	return p.Predictive != nil && p.Predictive.Mode == types.PredictiveScalingModeForecastAndScale
}

// buffer is how long before the hour the policy sets its capacity.
func (p *policy) buffer() time.Duration {
	return time.Duration(aws.ToInt32(p.Predictive.SchedulingBufferTime)) * time.Second
}

// breach is what the policy does with a maximum capacity that is too small.
func (p *policy) breach() scaling.Breach {
	return scaling.Breach{
		Increase: p.Predictive.MaxCapacityBreachBehavior == types.PredictiveScalingMaxCapacityBreachBehaviorIncreaseMaxCapacity,
		Buffer:   int(aws.ToInt32(p.Predictive.MaxCapacityBuffer)),
	}
}

// metrics is the policy's one metric specification.
func (p *policy) metrics() types.PredictiveScalingMetricSpecification {
	return p.Predictive.MetricSpecifications[0]
}

// checkPredictive says what is wrong with a configuration.
func checkPredictive(c *types.PredictiveScalingPolicyConfiguration) error {
	if len(c.MetricSpecifications) != 1 {
		return invalid("MetricSpecifications must have exactly one metric specification")
	}
	if b := aws.ToInt32(c.SchedulingBufferTime); b < 0 || b > 3600 {
		return invalid("SchedulingBufferTime must be between 0 and 3600")
	}
	if err := checkBreach(c.MaxCapacityBreachBehavior, c.MaxCapacityBuffer); err != nil {
		return err
	}
	switch c.Mode {
	case types.PredictiveScalingModeForecastOnly, types.PredictiveScalingModeForecastAndScale:
	default:
		return invalid("Mode must be ForecastOnly or ForecastAndScale")
	}
	return checkSpecification(c.MetricSpecifications[0])
}

func checkBreach(behavior types.PredictiveScalingMaxCapacityBreachBehavior, buffer *int32) error {
	switch behavior {
	case types.PredictiveScalingMaxCapacityBreachBehaviorIncreaseMaxCapacity:
		if buffer == nil {
			return invalid("MaxCapacityBuffer must be specified when MaxCapacityBreachBehavior is IncreaseMaxCapacity")
		}
		if *buffer < 0 || *buffer > 100 {
			return invalid("MaxCapacityBuffer must be between 0 and 100")
		}
	case "", types.PredictiveScalingMaxCapacityBreachBehaviorHonorMaxCapacity:
		if buffer != nil {
			return invalid("MaxCapacityBuffer can only be specified when MaxCapacityBreachBehavior is IncreaseMaxCapacity")
		}
	default:
		return invalid("MaxCapacityBreachBehavior must be HonorMaxCapacity or IncreaseMaxCapacity")
	}
	return nil
}

// checkSpecification checks which metrics there are, and then each.
func checkSpecification(m types.PredictiveScalingMetricSpecification) error {
	if v := aws.ToFloat64(m.TargetValue); !(v > 0) || v > math.Ldexp(1, 360) {
		return invalid("TargetValue must be greater than 0 and at most 2^360")
	}
	load := m.PredefinedLoadMetricSpecification != nil || m.CustomizedLoadMetricSpecification != nil
	scaling := m.PredefinedScalingMetricSpecification != nil || m.CustomizedScalingMetricSpecification != nil
	if pair := m.PredefinedMetricPairSpecification; pair != nil {
		if load || scaling || m.CustomizedCapacityMetricSpecification != nil {
			return invalid("PredefinedMetricPairSpecification cannot be specified with other metric specifications")
		}
		_, ok := metricPairs[aws.ToString(pair.PredefinedMetricType)]
		return checkPredefinedMetric(pair.PredefinedMetricType, pair.ResourceLabel, ok, "pair")
	}
	switch {
	case !load || !scaling:
		return invalid("Either a predefined metric pair, or a load metric and a scaling metric must be specified")
	case m.PredefinedLoadMetricSpecification != nil && m.CustomizedLoadMetricSpecification != nil:
		return invalid("Only one of PredefinedLoadMetricSpecification and CustomizedLoadMetricSpecification can be specified")
	case m.PredefinedScalingMetricSpecification != nil && m.CustomizedScalingMetricSpecification != nil:
		return invalid("Only one of PredefinedScalingMetricSpecification and CustomizedScalingMetricSpecification can be specified")
	}
	if l := m.PredefinedLoadMetricSpecification; l != nil {
		_, ok := loadMetrics[aws.ToString(l.PredefinedMetricType)]
		if err := checkPredefinedMetric(l.PredefinedMetricType, l.ResourceLabel, ok, "load"); err != nil {
			return err
		}
	}
	if s := m.PredefinedScalingMetricSpecification; s != nil {
		_, ok := scalingMetrics[aws.ToString(s.PredefinedMetricType)]
		if err := checkPredefinedMetric(s.PredefinedMetricType, s.ResourceLabel, ok, "scaling"); err != nil {
			return err
		}
	}
	return checkCustomizedMetrics(m.CustomizedLoadMetricSpecification, m.CustomizedScalingMetricSpecification, m.CustomizedCapacityMetricSpecification)
}

func checkPredefinedMetric(metricType, label *string, known bool, use string) error {
	name := aws.ToString(metricType)
	if !known {
		return invalid("Predefined metric type %s is not supported as %s metric of scalable dimension %s", name, use, dimension)
	}
	return checkLabel(name, label, name == "ALBRequestCount" || loadMetrics[name].balancer || scalingMetrics[name].balancer)
}

// checkCustomizedMetrics checks the queries of a policy's customized metrics,
// whose ids must differ from each other. What an expression says is CloudWatch's
// to check.
func checkCustomizedMetrics(metrics ...*types.PredictiveScalingCustomizedMetricSpecification) error {
	seen := map[string]bool{}
	for _, m := range metrics {
		if m == nil {
			continue
		}
		answers := 0
		for _, q := range plainQueries(m.MetricDataQueries) {
			if err := checkQuery(q); err != nil {
				return err
			}
			if seen[*q.Id] {
				return invalid("The Id '%s' is not unique in MetricDataQueries", *q.Id)
			}
			seen[*q.Id] = true
			if returnsData(q) {
				answers++
			}
		}
		if answers != 1 {
			return invalid("Exactly one element of MetricDataQueries must return data")
		}
	}
	return nil
}

// plainQueries are queries in the type that the metrics of target tracking have,
// which has the same members.
func plainQueries(in []types.PredictiveScalingMetricDataQuery) []types.TargetTrackingMetricDataQuery {
	out := make([]types.TargetTrackingMetricDataQuery, len(in))
	for i, q := range in {
		out[i] = types.TargetTrackingMetricDataQuery{Id: q.Id, Expression: q.Expression, Label: q.Label, ReturnData: q.ReturnData}
		s := q.MetricStat
		if s == nil {
			continue
		}
		out[i].MetricStat = &types.TargetTrackingMetricStat{Stat: s.Stat, Unit: s.Unit}
		if s.Metric == nil {
			continue
		}
		out[i].MetricStat.Metric = &types.TargetTrackingMetric{Namespace: s.Metric.Namespace, MetricName: s.Metric.MetricName}
		for _, d := range s.Metric.Dimensions {
			out[i].MetricStat.Metric.Dimensions = append(out[i].MetricStat.Metric.Dimensions, types.TargetTrackingMetricDimension{Name: d.Name, Value: d.Value})
		}
	}
	return out
}

// A source is where the hours of a metric come from.
type source struct {
	queries []cwtypes.MetricDataQuery
	divide  float64 // each datapoint by this
	silent  bool    // no datapoint means that nothing happened, and not that nobody looked
}

// loadSource is where a policy's load comes from.
func (p *policy) loadSource() source {
	m := p.metrics()
	if c := m.CustomizedLoadMetricSpecification; c != nil {
		return customizedSource(c)
	}
	name, label := pairOf(m.PredefinedMetricPairSpecification)
	metric := metricPairs[name].load
	if l := m.PredefinedLoadMetricSpecification; l != nil {
		metric, label = aws.ToString(l.PredefinedMetricType), aws.ToString(l.ResourceLabel)
	}
	return p.predefinedSource(loadMetrics[metric], label)
}

// scalingSource is where a policy's scaling metric comes from.
func (p *policy) scalingSource() source {
	m := p.metrics()
	if c := m.CustomizedScalingMetricSpecification; c != nil {
		return customizedSource(c)
	}
	name, label := pairOf(m.PredefinedMetricPairSpecification)
	metric := metricPairs[name].scaling
	if s := m.PredefinedScalingMetricSpecification; s != nil {
		metric, label = aws.ToString(s.PredefinedMetricType), aws.ToString(s.ResourceLabel)
	}
	return p.predefinedSource(scalingMetrics[metric], label)
}

// taskSource is where the number of tasks comes from: each of them is in each
// datapoint of the service's CPU utilization once. ("Determine the number of
// RUNNING tasks", Amazon ECS developer guide)
func (p *policy) taskSource(every time.Duration) source {
	if c := p.metrics().CustomizedCapacityMetricSpecification; c != nil {
		return customizedSource(c)
	}
	return p.predefinedSource(predefined{
		namespace: "AWS/ECS", name: "CPUUtilization", stat: "SampleCount",
		divide: float64(time.Hour / every),
	}, "")
}

func pairOf(m *types.PredictiveScalingPredefinedMetricPairSpecification) (name, label string) {
	if m == nil {
		return "", ""
	}
	return aws.ToString(m.PredefinedMetricType), aws.ToString(m.ResourceLabel)
}

func (p *policy) predefinedSource(m predefined, label string) source {
	dimensions := serviceDimensions(p.ResourceID)
	if m.balancer {
		dimensions = balancerDimensions(label)
	}
	return source{
		queries: []cwtypes.MetricDataQuery{{
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

func customizedSource(m *types.PredictiveScalingCustomizedMetricSpecification) source {
	return source{queries: alarmQueries(plainQueries(m.MetricDataQueries), time.Hour), divide: 1}
}
