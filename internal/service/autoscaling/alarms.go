package autoscaling

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/google/uuid"

	"flyball/scaling"
)

// putAlarms makes or changes the two alarms of a target tracking policy: one
// above the target, and one below 90 % of it unless scale-in is disabled. They
// keep their names as long as the policy keeps its metric. They are part of the
// change that the context comes from.
func (a *API) putAlarms(ctx context.Context, t *target, p, old *policy) error {
	if old != nil && !sameMetric(p.Tracking, old.Tracking) {
		p.Alarms = nil
	}
	inputs := p.alarmInputs(t.pace())
	p.Alarms = nil
	for _, in := range inputs {
		if _, err := a.cfg.Alarms.PutMetricAlarm(ctx, in); err != nil {
			return alarmsFailed(err)
		}
		p.Alarms = append(p.Alarms, *in.AlarmName)
	}
	if old == nil {
		return nil
	}
	return a.deleteAlarms(ctx, slices.DeleteFunc(slices.Clone(old.Alarms), func(name string) bool { return slices.Contains(p.Alarms, name) }))
}

// deleteAlarms deletes alarms. Some may be gone: that their description asks
// nobody to delete them keeps nobody from it.
func (a *API) deleteAlarms(ctx context.Context, names []string) error {
	remove := func(names []string) error {
		_, err := a.cfg.Alarms.DeleteAlarms(ctx, &cloudwatch.DeleteAlarmsInput{AlarmNames: names})
		return err
	}
	for batch := range slices.Chunk(names, 100) { // a call takes no more
		err := remove(batch)
		if isMissing(err) { // and deletes none if one is missing
			err = nil
			for _, name := range batch {
				if one := remove([]string{name}); one != nil && !isMissing(one) {
					err = one
				}
			}
		}
		if err != nil {
			return alarmsFailed(err)
		}
	}
	return nil
}

func isMissing(err error) bool {
	return errors.As(err, new(*cwtypes.ResourceNotFound)) || errors.As(err, new(*cwtypes.ResourceNotFoundException))
}

// alarmInputs are the alarms of a target tracking policy, the high one first.
// Those that it has already keep their names.
func (p *policy) alarmInputs(pace pace) []*cloudwatch.PutMetricAlarmInput {
	rule := p.rule.(scaling.TargetTracking)
	name := func(i int, side string) *string {
		if i < len(p.Alarms) {
			return aws.String(p.Alarms[i])
		}
		return aws.String("TargetTracking-" + string(p.ResourceID) + "-Alarm" + side + "-" + uuid.NewString())
	}
	input := func(name *string, op cwtypes.ComparisonOperator, threshold float64, periods int32) *cloudwatch.PutMetricAlarmInput {
		in := p.metricAlarm(pace)
		in.AlarmName = name
		in.AlarmDescription = aws.String("DO NOT EDIT OR DELETE. For TargetTrackingScaling policy " + p.ARN + ".")
		in.AlarmActions = []string{p.ARN}
		in.ActionsEnabled = aws.Bool(true)
		in.ComparisonOperator = op
		in.Threshold = aws.Float64(threshold)
		in.EvaluationPeriods = aws.Int32(periods)
		return in
	}
	inputs := []*cloudwatch.PutMetricAlarmInput{
		input(name(0, "High"), cwtypes.ComparisonOperatorGreaterThanThreshold, rule.Target(), pace.out),
	}
	if rule.ScalesIn() {
		inputs = append(inputs, input(name(1, "Low"), cwtypes.ComparisonOperatorLessThanThreshold, rule.LowThreshold(), pace.in))
	}
	return inputs
}

// metricAlarm is an alarm on the policy's metric, without its threshold.
func (p *policy) metricAlarm(pace pace) *cloudwatch.PutMetricAlarmInput {
	if m := p.Tracking.CustomizedMetricSpecification; m != nil && len(m.Metrics) > 0 {
		return &cloudwatch.PutMetricAlarmInput{Metrics: alarmQueries(m.Metrics, standardPeriod)}
	} else if m != nil {
		in := &cloudwatch.PutMetricAlarmInput{
			Namespace:  m.Namespace,
			MetricName: m.MetricName,
			Statistic:  cwtypes.Statistic(m.Statistic),
			Unit:       cwtypes.StandardUnit(aws.ToString(m.Unit)),
			Period:     seconds(standardPeriod),
		}
		for _, d := range m.Dimensions {
			in.Dimensions = append(in.Dimensions, cwtypes.Dimension{Name: d.Name, Value: d.Value})
		}
		return in
	}
	m := p.Tracking.PredefinedMetricSpecification
	if m.PredefinedMetricType == requestCountPerTarget {
		return &cloudwatch.PutMetricAlarmInput{
			Namespace:  aws.String("AWS/ApplicationELB"),
			MetricName: aws.String("RequestCountPerTarget"),
			Statistic:  cwtypes.StatisticSum,
			Period:     seconds(standardPeriod),
			Dimensions: balancerDimensions(*m.ResourceLabel),
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
		Period:     seconds(p.period(pace)),
		Dimensions: serviceDimensions(p.ResourceID),
	}
}

// serviceDimensions tell a service's metrics from others'.
func serviceDimensions(id scaling.ResourceID) []cwtypes.Dimension {
	cluster, service := id.Service()
	return []cwtypes.Dimension{
		{Name: aws.String("ClusterName"), Value: aws.String(cluster)},
		{Name: aws.String("ServiceName"), Value: aws.String(service)},
	}
}

// balancerDimensions tell the metrics of a load balancer's target group, which a
// resource label names.
func balancerDimensions(label string) []cwtypes.Dimension {
	balancer, group, _ := strings.Cut(label, "/targetgroup/")
	return []cwtypes.Dimension{
		{Name: aws.String("LoadBalancer"), Value: aws.String(balancer)},
		{Name: aws.String("TargetGroup"), Value: aws.String("targetgroup/" + group)},
	}
}

func seconds(d time.Duration) *int32 { return aws.Int32(int32(d / time.Second)) }
