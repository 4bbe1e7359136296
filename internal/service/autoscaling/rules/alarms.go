package rules

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/scaling"
)

// An AlarmSetting is what the alarms of a target tracking policy depend on beside
// its configuration.
type AlarmSetting struct {
	Resource  scaling.ResourceID
	PolicyARN string
	Rule      scaling.TargetTracking
	Pace      Pace
	High, Low string // the alarms' names
}

// AlarmInputs are the alarms of a target tracking policy: one above the target, and
// then one below 90 % of it, unless scale-in is disabled.
func (p Policy) AlarmInputs(s AlarmSetting) []*cloudwatch.PutMetricAlarmInput {
	alarms := []*cloudwatch.PutMetricAlarmInput{
		p.alarm(s, s.High, cwtypes.ComparisonOperatorGreaterThanThreshold, s.Rule.Target(), s.Pace.out),
	}
	if s.Rule.ScalesIn() {
		alarms = append(alarms, p.alarm(s, s.Low, cwtypes.ComparisonOperatorLessThanThreshold, s.Rule.LowThreshold(), s.Pace.in))
	}
	return alarms
}

func (p Policy) alarm(s AlarmSetting, name string, op cwtypes.ComparisonOperator, threshold float64, datapoints int32) *cloudwatch.PutMetricAlarmInput {
	in := p.metric(s.Resource, s.Pace)
	in.AlarmName = aws.String(name)
	in.AlarmDescription = aws.String("DO NOT EDIT OR DELETE. For TargetTrackingScaling policy " + s.PolicyARN + ".")
	in.AlarmActions = []string{s.PolicyARN}
	in.ActionsEnabled = aws.Bool(true)
	in.ComparisonOperator = op
	in.Threshold = aws.Float64(threshold)
	in.EvaluationPeriods = aws.Int32(datapoints)
	return in
}

// metric is an alarm on the policy's metric, without its threshold.
func (p Policy) metric(id scaling.ResourceID, pace Pace) *cloudwatch.PutMetricAlarmInput {
	if m := p.Tracking.CustomizedMetricSpecification; m != nil && len(m.Metrics) > 0 {
		return &cloudwatch.PutMetricAlarmInput{Metrics: metricQueries(m.Metrics, p.Period(pace))}
	} else if m != nil {
		return &cloudwatch.PutMetricAlarmInput{
			Namespace:  m.Namespace,
			MetricName: m.MetricName,
			Dimensions: alarmDimensions(m.Dimensions),
			Statistic:  cwtypes.Statistic(m.Statistic),
			Unit:       cwtypes.StandardUnit(aws.ToString(m.Unit)),
			Period:     seconds(StandardPeriod),
		}
	}
	m := p.Tracking.PredefinedMetricSpecification
	if queue, counts := queueOf(m); counts {
		return p.backlogMetric(id, queue, pace)
	}
	if m.PredefinedMetricType == requestCountPerTarget {
		return &cloudwatch.PutMetricAlarmInput{
			Namespace:  aws.String("AWS/ApplicationELB"),
			MetricName: aws.String("RequestCountPerTarget"),
			Statistic:  cwtypes.StatisticSum,
			Period:     seconds(StandardPeriod),
			Dimensions: balancerDimensions(*m.ResourceLabel),
		}
	}
	if m.PredefinedMetricType == podCPU || m.PredefinedMetricType == podMemory {
		return podMetric(id, m.PredefinedMetricType)
	}
	if m.PredefinedMetricType == provisionedUtilization {
		return &cloudwatch.PutMetricAlarmInput{
			Namespace:  aws.String("AWS/Lambda"),
			MetricName: aws.String("ProvisionedConcurrencyUtilization"),
			Statistic:  cwtypes.StatisticAverage,
			Period:     seconds(StandardPeriod),
			Dimensions: functionDimensions(id),
		}
	}
	name := "CPUUtilization"
	if m.PredefinedMetricType == memoryUtilization || m.PredefinedMetricType == memoryHighResolution {
		name = "MemoryUtilization"
	}
	return &cloudwatch.PutMetricAlarmInput{
		Namespace:  aws.String("AWS/ECS"),
		MetricName: aws.String(name),
		Statistic:  cwtypes.StatisticAverage,
		Unit:       cwtypes.StandardUnitPercent,
		Period:     seconds(p.Period(pace)),
		Dimensions: serviceDimensions(id),
	}
}

// podMetric is an alarm on what the pods of a scale use, without its threshold.
func podMetric(id scaling.ResourceID, kind types.MetricType) *cloudwatch.PutMetricAlarmInput {
	namespace, resource, name := id.Scale()
	what := "CPUUtilization"
	if kind == podMemory {
		what = "MemoryUtilization"
	}
	return &cloudwatch.PutMetricAlarmInput{
		Namespace: aws.String(NamespaceKubernetes), MetricName: aws.String(what),
		Statistic: cwtypes.StatisticAverage, Unit: cwtypes.StandardUnitPercent, Period: seconds(StandardPeriod),
		Dimensions: []cwtypes.Dimension{
			{Name: aws.String("Name"), Value: aws.String(name)},
			{Name: aws.String("Namespace"), Value: aws.String(namespace)},
			{Name: aws.String("Resource"), Value: aws.String(resource)},
		},
	}
}
