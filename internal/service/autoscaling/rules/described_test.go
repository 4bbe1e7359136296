package rules

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/alarm"
)

func TestAlarmsAsTheyAreDescribed(t *testing.T) {
	math := []cwtypes.MetricDataQuery{{MetricStat: &cwtypes.MetricStat{Period: aws.Int32(300)}}, {Expression: aws.String("m1")}}
	for name, c := range map[string]struct {
		alarm cwtypes.MetricAlarm
		want  alarm.Rule
	}{
		"all of 3": {
			cwtypes.MetricAlarm{ComparisonOperator: "GreaterThanThreshold", Threshold: aws.Float64(50), Period: aws.Int32(60), EvaluationPeriods: aws.Int32(3), DatapointsToAlarm: aws.Int32(3)},
			alarm.Rule{Comparison: alarm.Greater, Threshold: 50, Period: time.Minute, Periods: 3},
		},
		"2 of 3, and missing data that breaches": {
			cwtypes.MetricAlarm{ComparisonOperator: "LessThanThreshold", Period: aws.Int32(60), EvaluationPeriods: aws.Int32(3), DatapointsToAlarm: aws.Int32(2), TreatMissingData: aws.String("breaching")},
			alarm.Rule{Comparison: alarm.Less, Period: time.Minute, Periods: 3, Datapoints: 2, Missing: alarm.Breaching},
		},
		"metric math has its period in its queries": {
			cwtypes.MetricAlarm{ComparisonOperator: "GreaterThanThreshold", EvaluationPeriods: aws.Int32(1), Metrics: math},
			alarm.Rule{Comparison: alarm.Greater, Period: 5 * time.Minute, Periods: 1},
		},
	} {
		if got, err := ReadAlarm(c.alarm); err != nil || got != c.want {
			t.Errorf("%s: %+v, %v; want %+v", name, got, err, c.want)
		}
	}
	band := cwtypes.MetricAlarm{ComparisonOperator: "GreaterThanUpperThreshold", EvaluationPeriods: aws.Int32(1), Period: aws.Int32(60)}
	if r, err := ReadAlarm(band); err == nil {
		t.Errorf("an alarm on a band drives no policy: %+v", r)
	}
}
