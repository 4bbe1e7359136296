package rules

import (
	"math"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"

	"flyball/internal/optional"
	"flyball/internal/service/autoscaling/fault"
	"flyball/scaling"
)

// defaultCooldown is what a kind of resource waits where a policy says nothing:
// services five minutes, functions nothing ("TargetTrackingScalingPolicyConfiguration").
func defaultCooldown(k scaling.Kind) time.Duration {
	if k == scaling.Functions {
		return 0
	}
	return 300 * time.Second
}

func cooldown(seconds *int32, otherwise time.Duration) time.Duration {
	if seconds == nil {
		return otherwise
	}
	return time.Duration(*seconds) * time.Second
}

var (
	adjustments = map[types.AdjustmentType]scaling.Adjustment{
		types.AdjustmentTypeChangeInCapacity:        scaling.ChangeInCapacity,
		types.AdjustmentTypeExactCapacity:           scaling.ExactCapacity,
		types.AdjustmentTypePercentChangeInCapacity: scaling.PercentChangeInCapacity,
	}
	aggregations = map[types.MetricAggregationType]scaling.Aggregation{
		"":                                 scaling.Average,
		types.MetricAggregationTypeAverage: scaling.Average,
		types.MetricAggregationTypeMinimum: scaling.Minimum,
		types.MetricAggregationTypeMaximum: scaling.Maximum,
	}
)

// compileStep makes the rule of a configuration.
func compileStep(c *types.StepScalingPolicyConfiguration) (scaling.Policy, error) {
	adjustment, ok := adjustments[c.AdjustmentType]
	if !ok {
		return nil, fault.Invalid("Adjustment type must be specified")
	}
	aggregation, ok := aggregations[c.MetricAggregationType]
	if !ok {
		return nil, fault.Invalid("MetricAggregationType must be one of Average, Minimum and Maximum")
	}
	if len(c.StepAdjustments) > scaling.MaxSteps {
		return nil, fault.Limit("There can be at most %d step adjustments per scaling policy", scaling.MaxSteps)
	}
	steps := make([]scaling.StepAdjustment, len(c.StepAdjustments))
	for i, s := range c.StepAdjustments {
		if s.ScalingAdjustment == nil {
			return nil, fault.Invalid("ScalingAdjustment must be specified for a step adjustment")
		}
		steps[i] = scaling.StepAdjustment{Lower: math.Inf(-1), Upper: math.Inf(1), Amount: *s.ScalingAdjustment}
		optional.Set(&steps[i].Lower, s.MetricIntervalLowerBound)
		optional.Set(&steps[i].Upper, s.MetricIntervalUpperBound)
	}
	rule, err := scaling.NewStep(scaling.StepConfig{
		Adjustment:   adjustment,
		Steps:        steps,
		MinMagnitude: aws.ToInt32(c.MinAdjustmentMagnitude),
		Aggregation:  aggregation,
		Cooldown:     cooldown(c.Cooldown, defaultCooldown(scaling.Services)),
	})
	if err != nil {
		return nil, fault.Rule(err)
	}
	return rule, nil
}
