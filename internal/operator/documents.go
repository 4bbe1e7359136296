package operator

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"flyball/internal/backlog"
	"flyball/internal/operator/v1alpha1"
	"flyball/internal/policydoc"
	"flyball/internal/service/autoscaling/rules"
	"flyball/internal/source"
	"flyball/scaling"
)

// A described is a target with its policies and actions, in order of their names.
type described struct {
	resource string // as control.Target has it
	target   *v1alpha1.ScalableTarget
	policies []v1alpha1.ScalingPolicy
	actions  []v1alpha1.ScheduledAction
}

// documents is what the resources say, in AWS's shapes.
func (d described) documents() policydoc.Documents {
	s := d.target.Spec
	var docs policydoc.Documents
	target := types.ScalableTarget{ResourceId: &d.resource, MinCapacity: &s.MinCapacity, MaxCapacity: &s.MaxCapacity}
	if u := s.SuspendedState; u != nil {
		target.SuspendedState = &types.SuspendedState{
			DynamicScalingInSuspended: &u.DynamicScalingInSuspended, DynamicScalingOutSuspended: &u.DynamicScalingOutSuspended,
			ScheduledScalingSuspended: &u.ScheduledScalingSuspended,
		}
	}
	docs.Targets = []types.ScalableTarget{target}
	docs.Tags = map[string]map[string]string{d.resource: d.tags()}
	for _, p := range d.policies {
		policy, alarms := d.policy(p)
		docs.Policies = append(docs.Policies, policy)
		docs.Alarms = append(docs.Alarms, alarms...)
	}
	for _, a := range d.actions {
		docs.Actions = append(docs.Actions, d.action(a))
	}
	return docs
}

// policy is a policy, and the alarms that call it.
func (d described) policy(p v1alpha1.ScalingPolicy) (types.ScalingPolicy, []cwtypes.MetricAlarm) {
	arn := d.resource + ":policyName/" + p.Name
	out := types.ScalingPolicy{PolicyName: &p.Name, PolicyARN: &arn, ResourceId: &d.resource, PolicyType: types.PolicyType(p.Spec.PolicyType)}
	if t := p.Spec.TargetTrackingScalingPolicyConfiguration; t != nil {
		out.TargetTrackingScalingPolicyConfiguration = &types.TargetTrackingScalingPolicyConfiguration{
			TargetValue: &t.TargetValue, ScaleOutCooldown: t.ScaleOutCooldown, ScaleInCooldown: t.ScaleInCooldown,
			DisableScaleIn: &t.DisableScaleIn,
		}
		measure(out.TargetTrackingScalingPolicyConfiguration, t.MetricSource)
	}
	if s := p.Spec.StepScalingPolicyConfiguration; s != nil {
		out.StepScalingPolicyConfiguration = steps(*s)
	}
	if c := p.Spec.PredictiveScalingPolicyConfiguration; c != nil {
		out.PredictiveScalingPolicyConfiguration = predictive(*c)
	}
	var alarms []cwtypes.MetricAlarm
	for _, a := range p.Spec.Alarms {
		alarms = append(alarms, d.alarm(a, arn))
	}
	return out, alarms
}

func steps(s v1alpha1.StepScalingPolicyConfiguration) *types.StepScalingPolicyConfiguration {
	out := &types.StepScalingPolicyConfiguration{
		AdjustmentType: types.AdjustmentType(s.AdjustmentType), MinAdjustmentMagnitude: s.MinAdjustmentMagnitude,
		Cooldown: s.Cooldown, MetricAggregationType: types.MetricAggregationType(s.MetricAggregationType),
	}
	for _, one := range s.StepAdjustments {
		out.StepAdjustments = append(out.StepAdjustments, types.StepAdjustment{
			MetricIntervalLowerBound: one.MetricIntervalLowerBound, MetricIntervalUpperBound: one.MetricIntervalUpperBound, ScalingAdjustment: &one.ScalingAdjustment,
		})
	}
	return out
}

// period is that of the metrics of step policies, in seconds.
const period = 60

// alarm is an alarm that calls a policy.
func (d described) alarm(a v1alpha1.MetricAlarm, policy string) cwtypes.MetricAlarm {
	out := cwtypes.MetricAlarm{
		AlarmName: &a.AlarmName, AlarmActions: []string{policy}, ActionsEnabled: aws.Bool(true),
		ComparisonOperator: cwtypes.ComparisonOperator(a.ComparisonOperator), Threshold: &a.Threshold,
		EvaluationPeriods: aws.Int32(cmp.Or(a.EvaluationPeriods, 1)), DatapointsToAlarm: a.DatapointsToAlarm,
		TreatMissingData: aws.String(cmp.Or(a.TreatMissingData, "missing")),
	}
	m := d.alarmMetric(a.MetricSource)
	for _, q := range m.Metrics {
		out.Metrics = append(out.Metrics, alarmQuery(q))
	}
	if len(m.Metrics) > 0 {
		return out
	}
	out.Namespace, out.MetricName, out.Statistic, out.Period = m.Namespace, m.MetricName, cwtypes.Statistic(m.Statistic), aws.Int32(period)
	if m.Unit != nil {
		out.Unit = cwtypes.StandardUnit(*m.Unit)
	}
	for _, one := range m.Dimensions {
		out.Dimensions = append(out.Dimensions, cwtypes.Dimension{Name: one.Name, Value: one.Value})
	}
	return out
}

// alarmQuery is a query as alarms have it.
func alarmQuery(q types.TargetTrackingMetricDataQuery) cwtypes.MetricDataQuery {
	out := cwtypes.MetricDataQuery{Id: q.Id, Expression: q.Expression, Label: q.Label, ReturnData: q.ReturnData}
	if q.MetricStat == nil {
		return out
	}
	m := q.MetricStat.Metric
	metric := &cwtypes.Metric{Namespace: m.Namespace, MetricName: m.MetricName}
	for _, one := range m.Dimensions {
		metric.Dimensions = append(metric.Dimensions, cwtypes.Dimension{Name: one.Name, Value: one.Value})
	}
	out.MetricStat = &cwtypes.MetricStat{Metric: metric, Stat: q.MetricStat.Stat, Period: aws.Int32(period)}
	if q.MetricStat.Unit != nil {
		out.MetricStat.Unit = cwtypes.StandardUnit(*q.MetricStat.Unit)
	}
	return out
}

// The predefined metrics of what has a scale.
const (
	podCPU         = types.MetricType("FlyballPodAverageCPUUtilization")
	podMemory      = types.MetricType("FlyballPodAverageMemoryUtilization")
	backlogPerTask = types.MetricType("FlyballSQSBacklogPerTask")
)

// measure sets the metric of a target tracking policy.
func measure(c *types.TargetTrackingScalingPolicyConfiguration, m v1alpha1.MetricSource) {
	predefined := types.PredefinedMetricSpecification{PredefinedMetricType: podCPU}
	switch {
	case m.Resource != nil && m.Resource.Name == "memory":
		predefined.PredefinedMetricType = podMemory
	case m.Resource != nil:
	case m.SQS != nil:
		predefined.PredefinedMetricType, predefined.ResourceLabel = backlogPerTask, &m.SQS.QueueName
	case m.CustomizedMetricSpecification != nil:
		c.CustomizedMetricSpecification = cloudWatch(*m.CustomizedMetricSpecification)
		return
	default:
		c.CustomizedMetricSpecification = bound(m)
		return
	}
	c.PredefinedMetricSpecification = &predefined
}

// alarmMetric is the metric of an alarm.
func (d described) alarmMetric(m v1alpha1.MetricSource) *types.CustomizedMetricSpecification {
	switch {
	case m.CustomizedMetricSpecification != nil:
		return cloudWatch(*m.CustomizedMetricSpecification)
	case m.SQS != nil:
		return specification(backlog.Namespace, source.Messages, "QueueName", m.SQS.QueueName)
	case m.Resource != nil:
		name := "CPUUtilization"
		if m.Resource.Name == "memory" {
			name = "MemoryUtilization"
		}
		namespace, resource, of := scaling.ResourceID(d.resource).Scale()
		return specification(rules.NamespaceKubernetes, name, "Name", of, "Namespace", namespace, "Resource", resource)
	}
	return bound(m)
}

// specification is a metric with dimensions, which are names and values in turn.
func specification(namespace, name string, dimensions ...string) *types.CustomizedMetricSpecification {
	out := &types.CustomizedMetricSpecification{Namespace: &namespace, MetricName: &name, Statistic: types.MetricStatisticAverage}
	for i := 0; i < len(dimensions); i += 2 {
		out.Dimensions = append(out.Dimensions, types.MetricDimension{Name: &dimensions[i], Value: &dimensions[i+1]})
	}
	return out
}

// bound is a metric that the policy says where to read.
func bound(m v1alpha1.MetricSource) *types.CustomizedMetricSpecification {
	id := boundID(m)
	return specification(id.Namespace, id.Name, id.Dimensions[0].Name, id.Dimensions[0].Value)
}

// digest tells texts apart: names of metrics and values of dimensions are short.
func digest(texts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(texts, "\x00")))
	return hex.EncodeToString(sum[:16])
}

// cloudWatch is a metric of CloudWatch.
func cloudWatch(m v1alpha1.CustomizedMetricSpecification) *types.CustomizedMetricSpecification {
	if len(m.Metrics) == 0 {
		out := &types.CustomizedMetricSpecification{Namespace: &m.Namespace, MetricName: &m.MetricName, Statistic: types.MetricStatistic(m.Statistic), Unit: optional(m.Unit)}
		for _, one := range m.Dimensions {
			out.Dimensions = append(out.Dimensions, types.MetricDimension{Name: &one.Name, Value: &one.Value})
		}
		return out
	}
	out := &types.CustomizedMetricSpecification{}
	for _, q := range m.Metrics {
		query := types.TargetTrackingMetricDataQuery{Id: &q.ID, Expression: optional(q.Expression), Label: optional(q.Label), ReturnData: q.ReturnData}
		if s := q.MetricStat; s != nil {
			metric := &types.TargetTrackingMetric{Namespace: &s.Metric.Namespace, MetricName: &s.Metric.MetricName}
			for _, one := range s.Metric.Dimensions {
				metric.Dimensions = append(metric.Dimensions, types.TargetTrackingMetricDimension{Name: &one.Name, Value: &one.Value})
			}
			query.MetricStat = &types.TargetTrackingMetricStat{Metric: metric, Stat: &s.Stat, Unit: optional(s.Unit)}
		}
		out.Metrics = append(out.Metrics, query)
	}
	return out
}

func (d described) action(a v1alpha1.ScheduledAction) types.ScheduledAction {
	s := a.Spec
	return types.ScheduledAction{
		ScheduledActionName: &a.Name, ResourceId: &d.resource, Schedule: &s.Schedule, Timezone: optional(s.Timezone),
		StartTime: timeOf(s.StartTime), EndTime: timeOf(s.EndTime),
		ScalableTargetAction: &types.ScalableTargetAction{MinCapacity: s.ScalableTargetAction.MinCapacity, MaxCapacity: s.ScalableTargetAction.MaxCapacity},
	}
}

func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func timeOf(t *metav1.Time) *time.Time {
	if t == nil {
		return nil
	}
	return &t.Time
}
