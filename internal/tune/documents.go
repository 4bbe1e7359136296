package tune

import (
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/internal/policydoc"
)

// A Subject is what is tuned: a target and the metric that its policy tracks.
type Subject struct {
	ResourceID string // such as service/shop/web
	Name       string // of the target tracking policy
	// Tracking is the policy that there is: its metric is kept, its values are not.
	Tracking types.TargetTrackingScalingPolicyConfiguration
}

// NewSubject is that of documents of one target: of its first target tracking policy, or
// CPU utilization where there is none.
func NewSubject(resource string, d policydoc.Documents) Subject {
	s := Subject{ResourceID: resource, Name: "cpu"}
	for _, p := range d.Policies {
		if c := p.TargetTrackingScalingPolicyConfiguration; c != nil && !aws.ToBool(c.DisableScaleIn) {
			s.Name, s.Tracking = aws.ToString(p.PolicyName), *c
			return s
		}
	}
	s.Tracking = Defaults().config(types.TargetTrackingScalingPolicyConfiguration{
		PredefinedMetricSpecification: &types.PredefinedMetricSpecification{PredefinedMetricType: types.MetricTypeECSServiceAverageCPUUtilization},
	})
	return s
}

// Defaults is target tracking as AWS proposes it: 70 %, cooldowns of 300 s.
func Defaults() Candidate { return Candidate{Target: 70, OutCooldown: 300, InCooldown: 300} }

// Percent reports whether the metric is a utilization.
func (s Subject) Percent() bool {
	p := s.Tracking.PredefinedMetricSpecification
	return p != nil && strings.Contains(string(p.PredefinedMetricType), "AverageCPUUtilization") || p != nil && strings.Contains(string(p.PredefinedMetricType), "AverageMemoryUtilization")
}

func (c Candidate) config(t types.TargetTrackingScalingPolicyConfiguration) types.TargetTrackingScalingPolicyConfiguration {
	t.TargetValue = &c.Target
	t.ScaleOutCooldown, t.ScaleInCooldown = &c.OutCooldown, &c.InCooldown
	t.DisableScaleIn = nil
	return t
}

// Documents are those that describe a candidate in place.
func (s Subject) Documents(c Candidate) policydoc.Documents {
	id := aws.String(s.ResourceID)
	tracking := c.config(s.Tracking)
	d := policydoc.Documents{
		Targets: []types.ScalableTarget{{ResourceId: id, MinCapacity: &c.Min, MaxCapacity: &c.Max}},
		Policies: []types.ScalingPolicy{{
			PolicyName: aws.String(s.Name), ResourceId: id, PolicyType: types.PolicyTypeTargetTrackingScaling,
			TargetTrackingScalingPolicyConfiguration: &tracking,
		}},
	}
	if c.Step != (Step{}) {
		p, a := s.step(c)
		d.Policies, d.Alarms = append(d.Policies, p), append(d.Alarms, a)
	}
	if c.Forecast != (Predicted{}) {
		d.Policies = append(d.Policies, s.predictive(c))
	}
	if c.Schedule != (Schedule{}) {
		d.Actions = s.actions(c)
	}
	return d
}

// step is the step policy of a candidate, with its alarm.
func (s Subject) step(c Candidate) (types.ScalingPolicy, cwtypes.MetricAlarm) {
	name := s.Name + "-step"
	p := types.ScalingPolicy{
		PolicyName: &name, PolicyARN: &name, ResourceId: aws.String(s.ResourceID), PolicyType: types.PolicyTypeStepScaling,
		StepScalingPolicyConfiguration: &types.StepScalingPolicyConfiguration{
			AdjustmentType: types.AdjustmentTypePercentChangeInCapacity, Cooldown: aws.Int32(60), MetricAggregationType: types.MetricAggregationTypeMaximum,
			MinAdjustmentMagnitude: aws.Int32(1),
			StepAdjustments:        []types.StepAdjustment{{MetricIntervalLowerBound: aws.Float64(0), ScalingAdjustment: &c.Step.Percent}},
		},
	}
	metric := "CPUUtilization"
	if m := s.Tracking.PredefinedMetricSpecification; m != nil && m.PredefinedMetricType == types.MetricTypeECSServiceAverageMemoryUtilization {
		metric = "MemoryUtilization"
	}
	a := cwtypes.MetricAlarm{
		AlarmName: aws.String(name), Namespace: aws.String("AWS/ECS"), MetricName: &metric, Statistic: cwtypes.StatisticAverage,
		Period: aws.Int32(60), EvaluationPeriods: aws.Int32(1), ComparisonOperator: cwtypes.ComparisonOperatorGreaterThanOrEqualToThreshold,
		Threshold: aws.Float64(c.stepAt()), AlarmActions: []string{name},
	}
	return p, a
}

// predictive is the predictive policy of a candidate.
func (s Subject) predictive(c Candidate) types.ScalingPolicy {
	pair := &types.PredictiveScalingPredefinedMetricPairSpecification{PredefinedMetricType: aws.String("ECSServiceCPUUtilization")}
	if m := s.Tracking.PredefinedMetricSpecification; m != nil && m.PredefinedMetricType == types.MetricTypeECSServiceAverageMemoryUtilization {
		pair.PredefinedMetricType = aws.String("ECSServiceMemoryUtilization")
	}
	return types.ScalingPolicy{
		PolicyName: aws.String(s.Name + "-forecast"), ResourceId: aws.String(s.ResourceID), PolicyType: types.PolicyTypePredictiveScaling,
		PredictiveScalingPolicyConfiguration: &types.PredictiveScalingPolicyConfiguration{
			Mode: types.PredictiveScalingModeForecastAndScale, SchedulingBufferTime: &c.Forecast.Buffer,
			MetricSpecifications: []types.PredictiveScalingMetricSpecification{{TargetValue: &c.Forecast.Target, PredefinedMetricPairSpecification: pair}},
		},
	}
}

// actions are the scheduled actions of a candidate: one that raises the minimum, and one that
// lowers it again.
func (s Subject) actions(c Candidate) []types.ScheduledAction {
	days := "* * ?"
	if c.Schedule.Weekdays {
		days = "? * MON-FRI"
	}
	action := func(name string, hour int, least int32) types.ScheduledAction {
		return types.ScheduledAction{
			ScheduledActionName: &name, ResourceId: aws.String(s.ResourceID),
			Schedule:             aws.String(fmt.Sprintf("cron(0 %d %s *)", hour, days)),
			ScalableTargetAction: &types.ScalableTargetAction{MinCapacity: &least, MaxCapacity: &c.Max},
		}
	}
	return []types.ScheduledAction{
		action(s.Name+"-busy", c.Schedule.From, c.Schedule.Min),
		action(s.Name+"-quiet", c.Schedule.To, c.Min),
	}
}
