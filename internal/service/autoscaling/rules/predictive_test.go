package rules

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
)

// cpuPair aims at 50 % CPU.
func cpuPair() []types.PredictiveScalingMetricSpecification {
	return []types.PredictiveScalingMetricSpecification{{
		TargetValue:                       aws.Float64(50),
		PredefinedMetricPairSpecification: &types.PredictiveScalingPredefinedMetricPairSpecification{PredefinedMetricType: aws.String("ECSServiceCPUUtilization")},
	}}
}

// predicting is a policy that forecasts by CPU, if nothing else is said.
func predicting(c types.PredictiveScalingPolicyConfiguration) *applicationautoscaling.PutScalingPolicyInput {
	if c.MetricSpecifications == nil {
		c.MetricSpecifications = cpuPair()
	}
	return &applicationautoscaling.PutScalingPolicyInput{
		PolicyName: aws.String("p"), PolicyType: types.PolicyTypePredictiveScaling, PredictiveScalingPolicyConfiguration: &c,
	}
}

func TestMetricsOfAPolicyMayHaveQueriesOfTheSameName(t *testing.T) {
	custom := func(id string, more ...types.PredictiveScalingMetricDataQuery) *types.PredictiveScalingCustomizedMetricSpecification {
		return &types.PredictiveScalingCustomizedMetricSpecification{MetricDataQueries: append(more, types.PredictiveScalingMetricDataQuery{
			Id: aws.String(id), Expression: aws.String("SUM(SEARCH('{AWS/ECS,ServiceName} web', 'Sum', 300))"),
		})}
	}
	part := func(id string) types.PredictiveScalingMetricDataQuery {
		q := custom(id).MetricDataQueries[0]
		q.ReturnData = aws.Bool(false)
		return q
	}
	_, err := compiled(predicting(types.PredictiveScalingPolicyConfiguration{MetricSpecifications: []types.PredictiveScalingMetricSpecification{{
		TargetValue:                           aws.Float64(50),
		CustomizedLoadMetricSpecification:     custom("load_sum"),
		CustomizedScalingMetricSpecification:  custom("weighted_average", part("load_sum"), part("capacity_sum")),
		CustomizedCapacityMetricSpecification: custom("capacity_sum"),
	}}}))
	if err != nil {
		t.Error(err)
	}
}

func TestPredictiveRefusals(t *testing.T) {
	type config = types.PredictiveScalingPolicyConfiguration
	type spec = types.PredictiveScalingMetricSpecification
	type pair = types.PredictiveScalingPredefinedMetricPairSpecification
	type load = types.PredictiveScalingPredefinedLoadMetricSpecification
	type scaling = types.PredictiveScalingPredefinedScalingMetricSpecification
	type custom = types.PredictiveScalingCustomizedMetricSpecification
	type query = types.PredictiveScalingMetricDataQuery
	metrics := func(s spec) config {
		if s.TargetValue == nil {
			s.TargetValue = aws.Float64(50)
		}
		return config{MetricSpecifications: []spec{s}}
	}
	cpu := &pair{PredefinedMetricType: aws.String("ECSServiceCPUUtilization")}
	totalCPU := &load{PredefinedMetricType: aws.String("ECSServiceTotalCPUUtilization")}
	averageCPU := &scaling{PredefinedMetricType: aws.String("ECSServiceAverageCPUUtilization")}
	sum := query{Id: aws.String("m"), Expression: aws.String("a+b")}
	for _, tt := range []struct {
		name    string
		config  config
		message string
	}{
		{"no metric", config{MetricSpecifications: []spec{}}, "You must specify one metric specification."},
		{"two metrics", config{MetricSpecifications: append(cpuPair(), cpuPair()...)}, "You must specify one metric specification."},
		{"a target of 0", metrics(spec{TargetValue: aws.Float64(0), PredefinedMetricPairSpecification: cpu}), "TargetValue must be greater than 0"},
		{"nothing to measure", metrics(spec{}), "Either a predefined metric pair, or a load metric and a scaling metric"},
		{"load alone", metrics(spec{PredefinedLoadMetricSpecification: totalCPU}), "Either a predefined metric pair, or a load metric and a scaling metric"},
		{"a pair and a load", metrics(spec{PredefinedMetricPairSpecification: cpu, PredefinedLoadMetricSpecification: totalCPU}), "PredefinedMetricPairSpecification cannot be specified with other"},
		{"an unknown pair", metrics(spec{PredefinedMetricPairSpecification: &pair{PredefinedMetricType: aws.String("ASGCPUUtilization")}}), "Predefined metric type ASGCPUUtilization is not supported as pair metric"},
		{"an average as load", metrics(spec{PredefinedLoadMetricSpecification: &load{PredefinedMetricType: aws.String("ECSServiceAverageCPUUtilization")}, PredefinedScalingMetricSpecification: averageCPU}), "Predefined metric type ECSServiceAverageCPUUtilization is not supported as load metric"},
		{"requests without a label", metrics(spec{PredefinedMetricPairSpecification: &pair{PredefinedMetricType: aws.String("ALBRequestCount")}}), "Resource label should be specified"},
		{"CPU with a label", metrics(spec{PredefinedMetricPairSpecification: &pair{PredefinedMetricType: aws.String("ECSServiceCPUUtilization"), ResourceLabel: aws.String("x")}}), "Resource label cannot be specified"},
		{"two loads", metrics(spec{PredefinedLoadMetricSpecification: totalCPU, CustomizedLoadMetricSpecification: &custom{}, PredefinedScalingMetricSpecification: averageCPU}), "Only one of PredefinedLoadMetricSpecification and"},
		{"no query", metrics(spec{CustomizedLoadMetricSpecification: &custom{}, PredefinedScalingMetricSpecification: averageCPU}), "Exactly one element of MetricDataQueries must return data"},
		{"one id twice", metrics(spec{CustomizedLoadMetricSpecification: &custom{MetricDataQueries: []query{sum, sum}}, PredefinedScalingMetricSpecification: averageCPU}), "The Id 'm' is not unique"},
		{"a buffer of two hours", config{SchedulingBufferTime: aws.Int32(7200)}, "SchedulingBufferTime must be between 0 and 3600"},
		{"an unknown mode", config{Mode: "Dream"}, "Mode must be ForecastOnly or ForecastAndScale"},
		{"an increase without a buffer", config{MaxCapacityBreachBehavior: "IncreaseMaxCapacity"}, "MaxCapacityBuffer must be specified"},
		{"an increase by more than all", config{MaxCapacityBreachBehavior: "IncreaseMaxCapacity", MaxCapacityBuffer: aws.Int32(101)}, "MaxCapacityBuffer must be between 0 and 100"},
		{"a buffer that is not used", config{MaxCapacityBuffer: aws.Int32(10)}, "MaxCapacityBuffer can only be specified"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := compiled(predicting(tt.config))
			wantError(t, err, "ValidationException", tt.message)
		})
	}
}
