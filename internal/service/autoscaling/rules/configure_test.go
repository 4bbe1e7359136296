package rules

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/smithy-go"

	"flyball/scaling"
)

// wantError checks an error's code and the start of its message.
func wantError(t *testing.T, err error, code, message string) {
	t.Helper()
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		t.Fatalf("got %v, want %s", err, code)
	}
	if api.ErrorCode() != code || !strings.HasPrefix(api.ErrorMessage(), message) {
		t.Errorf("got %s: %s\nwant %s: %s", api.ErrorCode(), api.ErrorMessage(), code, message)
	}
}

// compiled is the rule of a new policy.
func compiled(in *applicationautoscaling.PutScalingPolicyInput) (scaling.Policy, error) {
	p, err := Policy{}.With(in)
	if err != nil {
		return nil, err
	}
	return p.Compile(scaling.Services)
}

// tracking is a policy that follows the CPU utilization.
func tracking() *applicationautoscaling.PutScalingPolicyInput {
	return &applicationautoscaling.PutScalingPolicyInput{
		PolicyName: aws.String("p"), PolicyType: types.PolicyTypeTargetTrackingScaling,
		TargetTrackingScalingPolicyConfiguration: &types.TargetTrackingScalingPolicyConfiguration{
			TargetValue:                   aws.Float64(50),
			PredefinedMetricSpecification: &types.PredefinedMetricSpecification{PredefinedMetricType: cpuUtilization},
		},
	}
}

// stepping is a policy with two steps.
func stepping() *applicationautoscaling.PutScalingPolicyInput {
	return &applicationautoscaling.PutScalingPolicyInput{
		PolicyName: aws.String("p"),
		StepScalingPolicyConfiguration: &types.StepScalingPolicyConfiguration{
			AdjustmentType: types.AdjustmentTypeChangeInCapacity,
			StepAdjustments: []types.StepAdjustment{
				{MetricIntervalLowerBound: aws.Float64(0), MetricIntervalUpperBound: aws.Float64(20), ScalingAdjustment: aws.Int32(2)},
				{MetricIntervalLowerBound: aws.Float64(20), ScalingAdjustment: aws.Int32(3)},
			},
		},
	}
}

func TestPolicyRefusals(t *testing.T) {
	type input = applicationautoscaling.PutScalingPolicyInput
	track := func(change func(*types.TargetTrackingScalingPolicyConfiguration)) *input {
		in := tracking()
		change(in.TargetTrackingScalingPolicyConfiguration)
		return in
	}
	steps := func(change func(*types.StepScalingPolicyConfiguration)) *input {
		in := stepping()
		change(in.StepScalingPolicyConfiguration)
		return in
	}
	tests := []struct {
		name          string
		in            *input
		code, message string
	}{
		{"no configuration", &input{PolicyName: aws.String("p"), PolicyType: types.PolicyTypeTargetTrackingScaling}, "ValidationException", "TargetTrackingScaling policy configuration must be specified"},
		{"predictive scaling", &input{PolicyName: aws.String("p"), PolicyType: types.PolicyTypePredictiveScaling}, "ValidationException", "PredictiveScaling policy configuration must be specified"},
		{"a target of zero", track(func(c *types.TargetTrackingScalingPolicyConfiguration) { c.TargetValue = aws.Float64(0) }), "ValidationException", "Target value 0 must be a number greater than 0"},
		{"no metric", track(func(c *types.TargetTrackingScalingPolicyConfiguration) { c.PredefinedMetricSpecification = nil }), "ValidationException", "PredefinedMetricSpecification or CustomizedMetricSpecification must be set for target tracking scaling."},
		{"a metric of another service", track(func(c *types.TargetTrackingScalingPolicyConfiguration) {
			c.PredefinedMetricSpecification.PredefinedMetricType = types.MetricTypeDynamoDBReadCapacityUtilization
		}), "ValidationException", "Predefined metric type DynamoDBReadCapacityUtilization is not supported"},
		{"requests without a label", track(func(c *types.TargetTrackingScalingPolicyConfiguration) {
			c.PredefinedMetricSpecification.PredefinedMetricType = requestCountPerTarget
		}), "ValidationException", "Resource label should be specified for predefined metric type ALBRequestCountPerTarget"},
		{"a label of another form", track(func(c *types.TargetTrackingScalingPolicyConfiguration) {
			c.PredefinedMetricSpecification.PredefinedMetricType = requestCountPerTarget
			c.PredefinedMetricSpecification.ResourceLabel = aws.String("net/lb/1/targetgroup/tg/2")
		}), "ValidationException", "Invalid resource label"},
		{"a label for the CPU", track(func(c *types.TargetTrackingScalingPolicyConfiguration) {
			c.PredefinedMetricSpecification.ResourceLabel = aws.String("app/lb/1/targetgroup/tg/2")
		}), "ValidationException", "Resource label cannot be specified"},
		{"a backlog without a queue", track(func(c *types.TargetTrackingScalingPolicyConfiguration) {
			c.PredefinedMetricSpecification.PredefinedMetricType = backlogPerTask
		}), "ValidationException", "Resource label should be specified for predefined metric type FlyballSQSBacklogPerTask"},
		{"a backlog of a queue without a name", track(func(c *types.TargetTrackingScalingPolicyConfiguration) {
			c.PredefinedMetricSpecification.PredefinedMetricType = backlogPerTask
			c.PredefinedMetricSpecification.ResourceLabel = aws.String("arn:aws:sqs:us-east-1:123456789012:")
		}), "ValidationException", "Resource label should be specified for predefined metric type FlyballSQSBacklogPerTask"},
		{"neither a metric nor an expression", track(func(c *types.TargetTrackingScalingPolicyConfiguration) {
			c.PredefinedMetricSpecification = nil
			c.CustomizedMetricSpecification = &types.CustomizedMetricSpecification{Metrics: []types.TargetTrackingMetricDataQuery{{Id: aws.String("e")}}}
		}), "ValidationException", "Exactly one of Expression and MetricStat must be specified for the Id 'e'"},
		{"half a customized metric", track(func(c *types.TargetTrackingScalingPolicyConfiguration) {
			c.PredefinedMetricSpecification = nil
			c.CustomizedMetricSpecification = &types.CustomizedMetricSpecification{MetricName: aws.String("x")}
		}), "ValidationException", "MetricName, Namespace and Statistic must be specified"},
		{"a negative cooldown", track(func(c *types.TargetTrackingScalingPolicyConfiguration) { c.ScaleInCooldown = aws.Int32(-1) }), "ValidationException", "Cooldown must not be negative"},
		{"no adjustment type", steps(func(c *types.StepScalingPolicyConfiguration) { c.AdjustmentType = "" }), "ValidationException", "Adjustment type must be specified"},
		{"two steps that are open below", steps(func(c *types.StepScalingPolicyConfiguration) {
			c.StepAdjustments = []types.StepAdjustment{{MetricIntervalUpperBound: aws.Float64(0), ScalingAdjustment: aws.Int32(1)}, {MetricIntervalUpperBound: aws.Float64(5), ScalingAdjustment: aws.Int32(1)}}
		}), "ValidationException", "At most one step adjustment may have an unspecified lower bound"},
		{"no steps", steps(func(c *types.StepScalingPolicyConfiguration) { c.StepAdjustments = nil }), "ValidationException", "There must be at least one step adjustment"},
		{"too many steps", steps(func(c *types.StepScalingPolicyConfiguration) {
			c.StepAdjustments = slices.Repeat(c.StepAdjustments, 11)
		}), "LimitExceededException", "There can be at most 20 step adjustments per scaling policy"},
		{"a step without bounds", steps(func(c *types.StepScalingPolicyConfiguration) {
			c.StepAdjustments = []types.StepAdjustment{{ScalingAdjustment: aws.Int32(1)}}
		}), "ValidationException", "Both lower and upper bounds of a step adjustment cannot be left unspecified"},
		{"steps that end", steps(func(c *types.StepScalingPolicyConfiguration) {
			c.StepAdjustments = []types.StepAdjustment{{MetricIntervalLowerBound: aws.Float64(0), MetricIntervalUpperBound: aws.Float64(5), ScalingAdjustment: aws.Int32(1)}}
		}), "ValidationException", "There must be a step adjustment with an unspecified upper bound when one step adjustment has a positive upper bound"},
		{"a step without an adjustment", steps(func(c *types.StepScalingPolicyConfiguration) { c.StepAdjustments[0].ScalingAdjustment = nil }), "ValidationException", "ScalingAdjustment must be specified"},
		{"a gap", steps(func(c *types.StepScalingPolicyConfiguration) {
			c.StepAdjustments[1].MetricIntervalLowerBound = aws.Float64(30)
		}), "ValidationException", "Step adjustment intervals must not have a gap"},
		{"both configurations", func() *input {
			in := stepping()
			in.TargetTrackingScalingPolicyConfiguration = &types.TargetTrackingScalingPolicyConfiguration{}
			return in
		}(), "ValidationException", "TargetTrackingScalingPolicyConfiguration cannot be specified for policy type StepScaling"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := compiled(tt.in)
			wantError(t, err, tt.code, tt.message)
		})
	}
}

func TestATypeCannotBeChanged(t *testing.T) {
	_, err := Policy{Type: types.PolicyTypeStepScaling}.With(tracking())
	wantError(t, err, "ValidationException", "The type of a scaling policy cannot be changed: p is a StepScaling policy")
}
