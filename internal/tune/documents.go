package tune

import (
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
	if c.In != (StepIn{}) {
		t.ScaleInCooldown, t.DisableScaleIn = nil, aws.Bool(true)
	}
	return t
}

// Documents are those that describe a candidate in place.
func (s Subject) Documents(c Candidate) policydoc.Documents {
	id := aws.String(s.ResourceID)
	d := policydoc.Documents{Targets: []types.ScalableTarget{{ResourceId: id, MinCapacity: &c.Min, MaxCapacity: &c.Max}}}
	if !c.StepsOnly {
		tracking := c.config(s.Tracking)
		d.Policies = append(d.Policies, types.ScalingPolicy{
			PolicyName: aws.String(s.Name), ResourceId: id, PolicyType: types.PolicyTypeTargetTrackingScaling,
			TargetTrackingScalingPolicyConfiguration: &tracking,
		})
	}
	if c.Step != (Step{}) {
		s.addSteps(&d, s.out(c))
	}
	if c.In != (StepIn{}) {
		s.addSteps(&d, s.in(c))
	}
	if c.Forecast != (Predicted{}) {
		d.Policies = append(d.Policies, s.predictive(c))
	}
	if c.Hours != (Hours{}) {
		d.Actions = s.actions(c)
	}
	return d
}

// A stepping is what a step policy and its alarm have of their own.
type stepping struct {
	name       string
	cooldown   int32
	steps      []types.StepAdjustment
	comparison cwtypes.ComparisonOperator
	threshold  float64
	points, of int32
}

// out is the step policy of a candidate that adds tasks.
func (s Subject) out(c Candidate) stepping {
	steps := []types.StepAdjustment{{MetricIntervalLowerBound: aws.Float64(0), ScalingAdjustment: &c.Step.Percent}}
	if c.Step.More > 0 {
		steps[0].MetricIntervalUpperBound = aws.Float64(moreAfter)
		steps = append(steps, types.StepAdjustment{MetricIntervalLowerBound: aws.Float64(moreAfter), ScalingAdjustment: &c.Step.More})
	}
	return stepping{s.Name + "-step", 60, steps, cwtypes.ComparisonOperatorGreaterThanOrEqualToThreshold, c.stepAt(), c.Step.Points, c.Step.Of}
}

// in is the one that removes tasks.
func (s Subject) in(c Candidate) stepping {
	steps := []types.StepAdjustment{{MetricIntervalUpperBound: aws.Float64(0), ScalingAdjustment: aws.Int32(-c.In.Percent)}}
	return stepping{s.Name + "-in", c.In.Cooldown, steps, cwtypes.ComparisonOperatorLessThanThreshold, c.inAt(), c.In.Points, c.In.Of}
}

// addSteps adds a step policy with its alarm.
func (s Subject) addSteps(d *policydoc.Documents, of stepping) {
	d.Policies = append(d.Policies, types.ScalingPolicy{
		PolicyName: &of.name, PolicyARN: &of.name, ResourceId: aws.String(s.ResourceID), PolicyType: types.PolicyTypeStepScaling,
		StepScalingPolicyConfiguration: &types.StepScalingPolicyConfiguration{
			AdjustmentType: types.AdjustmentTypePercentChangeInCapacity, Cooldown: &of.cooldown, MetricAggregationType: types.MetricAggregationTypeMaximum,
			MinAdjustmentMagnitude: aws.Int32(1), StepAdjustments: of.steps,
		},
	})
	metric := "CPUUtilization"
	if m := s.Tracking.PredefinedMetricSpecification; m != nil && m.PredefinedMetricType == types.MetricTypeECSServiceAverageMemoryUtilization {
		metric = "MemoryUtilization"
	}
	d.Alarms = append(d.Alarms, cwtypes.MetricAlarm{
		AlarmName: &of.name, Namespace: aws.String("AWS/ECS"), MetricName: &metric, Statistic: cwtypes.StatisticAverage,
		Period: aws.Int32(60), EvaluationPeriods: &of.of, DatapointsToAlarm: &of.points, ComparisonOperator: of.comparison,
		Threshold: &of.threshold, AlarmActions: []string{of.name},
	})
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
