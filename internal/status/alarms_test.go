package status

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

func TestTheRuleOfAnAlarmInWords(t *testing.T) {
	orders := &cwtypes.MetricStat{Stat: aws.String("p99"), Period: aws.Int32(20)}
	for want, a := range map[string]cwtypes.MetricAlarm{
		"Average > 50 for 3 of 3 x 60 s": {Statistic: cwtypes.StatisticAverage, Period: aws.Int32(60)},
		"p90 > 50 for 3 of 3 x 60 s":     {ExtendedStatistic: aws.String("p90"), Period: aws.Int32(60)},
		"m1 / m2 > 50 for 3 of 3 x 20 s": {Metrics: []cwtypes.MetricDataQuery{
			{Id: aws.String("m1"), MetricStat: orders, ReturnData: aws.Bool(false)},
			{Id: aws.String("e"), Expression: aws.String("m1 / m2")},
		}},
		"p99 > 50 for 3 of 3 x 20 s": {Metrics: []cwtypes.MetricDataQuery{{Id: aws.String("m1"), MetricStat: orders}}},
	} {
		a.EvaluationPeriods, a.Threshold, a.ComparisonOperator = aws.Int32(3), aws.Float64(50), cwtypes.ComparisonOperatorGreaterThanThreshold
		if got := alarmRule(a); got != want {
			t.Errorf("rule = %q, want %q", got, want)
		}
	}
}

// AlarmHigh of target tracking looks at three minutes, and its first datapoint comes in the fourth.
func TestAnAlarmIsNewUntilItCouldHaveData(t *testing.T) {
	put := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	high := cwtypes.MetricAlarm{AlarmConfigurationUpdatedTimestamp: &put, Period: aws.Int32(60), EvaluationPeriods: aws.Int32(3)}
	if !isNew(high, put.Add(4*time.Minute-1)) || isNew(high, put.Add(4*time.Minute)) {
		t.Error("want it to be new for four minutes")
	}
	if isNew(cwtypes.MetricAlarm{}, put) {
		t.Error("an alarm that is gone is new")
	}
}
