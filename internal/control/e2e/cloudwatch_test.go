package e2e_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/internal/control"
)

// Two shops have the load of a day: each 50 by night, and 200 from 8 to 20 o'clock. A search finds both.
const searched = `
ScalableTargets: [{ServiceNamespace: ecs, ResourceId: service/shop/web, MinCapacity: 1, MaxCapacity: 40}]
ScalingPolicies:
- PolicyName: ahead
  PolicyType: PredictiveScaling
  ServiceNamespace: ecs
  ResourceId: service/shop/web
  PredictiveScalingPolicyConfiguration:
    Mode: ForecastAndScale
    MetricSpecifications:
    - TargetValue: 10
      CustomizedLoadMetricSpecification: {MetricDataQueries: [{Id: load, Expression: "SUM(SEARCH('{Shop,Name} MetricName=\"Load\"', 'Sum', 3600))"}]}
      CustomizedScalingMetricSpecification: {MetricDataQueries: [{Id: share, Expression: "SELECT AVG(Share) FROM Shop"}]}
      CustomizedCapacityMetricSpecification: {MetricDataQueries: [{Id: tasks, MetricStat: {Metric: {Namespace: Shop, MetricName: Tasks}, Stat: Average}}]}
`

// past puts what the shops have measured in some days.
func (w *world) past(days int) {
	w.t.Helper()
	client := cloudwatch.NewFromConfig(w.Config())
	end := w.Now().Truncate(time.Hour)
	var data []types.MetricDatum
	for at := end.Add(-time.Duration(days) * 24 * time.Hour); at.Before(end); at = at.Add(time.Hour) {
		load := 50.0
		if at.Hour() >= 8 && at.Hour() < 20 {
			load = 200
		}
		datum := func(name string, value float64, dimensions ...types.Dimension) {
			data = append(data, types.MetricDatum{MetricName: &name, Value: &value, Timestamp: aws.Time(at.Add(30 * time.Minute)), Dimensions: dimensions})
		}
		for _, shop := range []string{"a", "b"} {
			datum("Load", load, types.Dimension{Name: aws.String("Name"), Value: &shop})
		}
		datum("Share", 2*load/5)
		datum("Tasks", 5)
	}
	for len(data) > 0 {
		some := data[:min(len(data), 500)]
		data = data[len(some):]
		if _, err := client.PutMetricData(w.t.Context(), &cloudwatch.PutMetricDataInput{Namespace: aws.String("Shop"), MetricData: some}); err != nil {
			w.t.Fatal(err)
		}
	}
}

func TestAForecastOfWhatCloudWatchSearchesFor(t *testing.T) {
	w := newWorld(t, "service: shop/web\nmin: 1\nmax: 40\n")
	w.past(13)
	w.write("web.yaml", searched)
	w.look()
	w.run(10 * time.Minute)
	want := 10
	if hour := w.Now().Hour(); hour >= 8 && hour < 20 {
		want = 40
	}
	w.wants(want) // 400 of 5 tasks are 80 each, and 10 are wanted
	if !w.has(control.Forecasts) {
		t.Errorf("a forecast is told:\n%s", w.told())
	}
	if _, metrics, _ := w.cloud.Budget.Spent(); metrics != 3 {
		t.Errorf("%d metrics were paid for, and a forecast reads three", metrics)
	}
}

func TestAnAlarmOnAQueryOfMetricsInsights(t *testing.T) {
	w := newWorld(t, `
ScalableTargets: [{ServiceNamespace: ecs, ResourceId: service/shop/web, MinCapacity: 1, MaxCapacity: 20}]
ScalingPolicies:
- {PolicyName: more, PolicyARN: arn-of-more, PolicyType: StepScaling, ServiceNamespace: ecs, ResourceId: service/shop/web,
   StepScalingPolicyConfiguration: {AdjustmentType: ChangeInCapacity, StepAdjustments: [{MetricIntervalLowerBound: 0, ScalingAdjustment: 3}]}}
MetricAlarms:
- {AlarmName: waiting, AlarmActions: [arn-of-more], ComparisonOperator: GreaterThanThreshold, Threshold: 100, EvaluationPeriods: 2,
   Metrics: [{Id: worst, Expression: "SELECT MAX(Waiting) FROM Shop", Period: 60}]}
`)
	for i := range 4 {
		w.Feed("Shop", "Waiting", 50, "Name", fmt.Sprint("a", i))
	}
	w.run(4 * time.Minute)
	w.wants(2)
	for range 4 {
		w.Feed("Shop", "Waiting", 150, "Name", "a2")
		w.run(time.Minute)
	}
	w.wants(5)
	if strings.Contains(w.told(), "cannot be read") {
		t.Errorf("told:\n%s", w.told())
	}
}
