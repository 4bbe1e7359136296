package console_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"

	"flyball/flyballtest"
)

// The load that a policy forecasts from metrics of its own is drawn beside the forecast, as that of the
// predefined ones is.
func TestAForecastOfMetricsOfItsOwn(t *testing.T) {
	s := flyballtest.Start(t)
	track(t, s, "shop/web", 10)
	custom := func(queries ...types.PredictiveScalingMetricDataQuery) *types.PredictiveScalingCustomizedMetricSpecification {
		return &types.PredictiveScalingCustomizedMetricSpecification{MetricDataQueries: queries}
	}
	measured := func(id, name string) types.PredictiveScalingMetricDataQuery {
		return types.PredictiveScalingMetricDataQuery{Id: &id, MetricStat: &types.PredictiveScalingMetricStat{
			Metric: &types.PredictiveScalingMetric{Namespace: aws.String("Shop"), MetricName: &name}, Stat: aws.String("Sum"),
		}}
	}
	half := measured("carts", "Carts")
	half.ReturnData = aws.Bool(false)
	api := applicationautoscaling.NewFromConfig(s.Config())
	for name, load := range map[string]*types.PredictiveScalingCustomizedMetricSpecification{
		"carts": custom(measured("carts", "Carts")),
		"pairs": custom(half, types.PredictiveScalingMetricDataQuery{Id: aws.String("pairs"), Expression: aws.String("carts / 2")}),
	} {
		if _, err := api.PutScalingPolicy(t.Context(), &applicationautoscaling.PutScalingPolicyInput{
			ServiceNamespace: types.ServiceNamespaceEcs, ScalableDimension: types.ScalableDimensionECSServiceDesiredCount, ResourceId: aws.String("service/shop/web"),
			PolicyName: &name, PolicyType: types.PolicyTypePredictiveScaling,
			PredictiveScalingPolicyConfiguration: &types.PredictiveScalingPolicyConfiguration{
				MetricSpecifications: []types.PredictiveScalingMetricSpecification{{
					TargetValue: aws.Float64(50), CustomizedLoadMetricSpecification: load, CustomizedScalingMetricSpecification: custom(measured("carts", "CartsPerTask")),
				}},
			},
		}); err != nil {
			t.Fatal(err)
		}
	}
	look := func(policy string) string {
		t.Helper()
		status, text := page(t, s.URL()+"/console/services/shop/web/forecast?policy="+policy, nil)
		if status != 200 {
			t.Fatalf("status %d: %s", status, text)
		}
		return text
	}
	if text := look("carts"); !strings.Contains(text, "card empty") || strings.Contains(text, "data-charts") {
		t.Errorf("without any datapoint: %s", text)
	}
	for hour := range 54 {
		s.Feed("Shop", "Carts", []float64{600, 900, 1500, 2400, 2000, 1234}[hour%24/4])
		s.Feed("Shop", "CartsPerTask", 50)
		s.Advance(time.Hour)
	}
	for policy, want := range map[string][]string{"carts": {"Sum of Carts", "1234"}, "pairs": {"carts / 2", "617"}} {
		text := look(policy)
		for _, w := range append(want, "Load of an hour", "came", "forecast", "<dd>24<small> / 24") {
			if !strings.Contains(text, w) {
				t.Errorf("%s: no %q in %s", policy, w, text)
			}
		}
	}
}
