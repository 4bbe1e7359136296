package autoscaling

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/google/uuid"

	"flyball/scaling"
)

// The periods of ECS metrics.
const (
	standardPeriod = time.Minute
	highResolution = 20 * time.Second
)

// How many datapoints in a row the two alarms of a target tracking policy need,
// where no tag says otherwise.
const (
	outDatapoints = 3
	inDatapoints  = 15
)

// putAlarms makes or changes the two alarms of a target tracking policy: one
// above the target, and one below 90 % of it unless scale-in is disabled. They
// keep their names as long as the policy keeps its metric. If one fails, it
// puts back what was there.
func (a *API) putAlarms(ctx context.Context, t *target, p, old *policy) error {
	if old != nil && !sameMetric(p.Tracking, old.Tracking) {
		p.Alarms = nil
	}
	inputs := a.alarmInputs(t.ResourceID, p, a.paceOf(t))
	p.Alarms = nil
	for _, in := range inputs {
		if _, err := a.cfg.Alarms.PutMetricAlarm(ctx, in); err != nil {
			a.revertAlarms(ctx, t, p, old)
			return alarmsFailed(err)
		}
		p.Alarms = append(p.Alarms, *in.AlarmName)
	}
	if old == nil {
		return nil
	}
	return a.deleteAlarms(ctx, without(old.Alarms, p.Alarms))
}

// revertAlarms undoes what putAlarms has done so far. Its own errors have
// nowhere to go: the caller already tells of one.
func (a *API) revertAlarms(ctx context.Context, t *target, p, old *policy) {
	if old == nil {
		_ = a.deleteAlarms(ctx, p.Alarms)
		return
	}
	_ = a.deleteAlarms(ctx, without(p.Alarms, old.Alarms))
	for _, in := range a.alarmInputs(t.ResourceID, old, a.paceOf(t)) {
		_, _ = a.cfg.Alarms.PutMetricAlarm(ctx, in)
	}
}

// deleteAlarms deletes alarms. Some may be gone: users do delete what they are
// told not to.
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

// without are the names that others does not have.
func without(names, others []string) []string {
	var left []string
	for _, n := range names {
		if !slices.Contains(others, n) {
			left = append(left, n)
		}
	}
	return left
}

// alarmInputs are the alarms of a target tracking policy, the high one first.
// Those that it has already keep their names.
func (a *API) alarmInputs(resourceID string, p *policy, pace pace) []*cloudwatch.PutMetricAlarmInput {
	rule := p.rule.(scaling.TargetTracking)
	name := func(i int, side string) *string {
		if i < len(p.Alarms) {
			return aws.String(p.Alarms[i])
		}
		return aws.String("TargetTracking-" + resourceID + "-Alarm" + side + "-" + uuid.NewString())
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
func serviceDimensions(resourceID string) []cwtypes.Dimension {
	cluster, service := split(resourceID)
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

// utilization reports whether the policy follows a metric that ECS publishes.
func (p *policy) utilization() bool {
	if p.Tracking == nil || p.Tracking.PredefinedMetricSpecification == nil {
		return false
	}
	return p.Tracking.PredefinedMetricSpecification.PredefinedMetricType != requestCountPerTarget
}

// period is how often a policy wants to see a utilization: each minute, each
// 20 s with a high-resolution metric, or as the target's tag says.
func (p *policy) period(pace pace) time.Duration {
	if pace.period > 0 {
		return pace.period
	}
	switch p.Tracking.PredefinedMetricSpecification.PredefinedMetricType {
	case cpuHighResolution, memoryHighResolution:
		return highResolution
	}
	return standardPeriod
}

// setMetricPeriod tells ECS how often the target's policies want its metrics.
func (a *API) setMetricPeriod(t *target) {
	if a.cfg.MetricPeriod == nil {
		return
	}
	a.cfg.MetricPeriod(t.ResourceID, t.metricPeriod())
}

// metricPeriod is how often the target's policies want ECS's metrics.
func (t *target) metricPeriod() time.Duration {
	period := standardPeriod
	for _, p := range t.policies {
		if p.utilization() {
			period = min(period, p.period(t.pace()))
		}
	}
	return period
}

// applyPace changes the alarms of a target whose tags have changed.
func (a *API) applyPace(ctx context.Context, t *target) error {
	t.work.Lock()
	defer t.work.Unlock()
	a.mu.Lock()
	var inputs []*cloudwatch.PutMetricAlarmInput
	for _, p := range t.policies {
		if p.Type == types.PolicyTypeTargetTrackingScaling {
			inputs = append(inputs, a.alarmInputs(t.ResourceID, p, t.pace())...)
		}
	}
	a.setMetricPeriod(t)
	a.mu.Unlock()
	for _, in := range inputs {
		if _, err := a.cfg.Alarms.PutMetricAlarm(ctx, in); err != nil {
			return alarmsFailed(err)
		}
	}
	return nil
}

func seconds(d time.Duration) *int32 { return aws.Int32(int32(d / time.Second)) }
