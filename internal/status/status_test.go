package status

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// targetStates are the states of the targets of groups.
type targetStates map[string][]elbtypes.TargetHealthStateEnum

func (s targetStates) DescribeTargetHealth(_ context.Context, in *elb.DescribeTargetHealthInput, _ ...func(*elb.Options)) (*elb.DescribeTargetHealthOutput, error) {
	states, ok := s[*in.TargetGroupArn]
	if !ok {
		return nil, &elbtypes.TargetGroupNotFoundException{}
	}
	out := &elb.DescribeTargetHealthOutput{}
	for _, state := range states {
		out.TargetHealthDescriptions = append(out.TargetHealthDescriptions, elbtypes.TargetHealthDescription{TargetHealth: &elbtypes.TargetHealth{State: state}})
	}
	return out, nil
}

func TestHealthyTargetsAreThoseOfTheGroupWithTheFewest(t *testing.T) {
	states := targetStates{"blue": {"healthy", "healthy", "initial"}, "green": {"healthy", "unhealthy", "draining"}}
	for _, tt := range []struct {
		groups []string
		want   string
	}{
		{nil, "-"},
		{[]string{"blue"}, "2"},
		{[]string{"blue", "green"}, "1"},
		{[]string{"blue", "gone"}, "0"},
	} {
		var balancers []ecstypes.LoadBalancer
		for _, arn := range tt.groups {
			balancers = append(balancers, ecstypes.LoadBalancer{TargetGroupArn: &arn})
		}
		n, err := healthyTargets(t.Context(), states, balancers)
		if err != nil || healthy(n) != tt.want {
			t.Errorf("%v: %s, %v, want %s", tt.groups, healthy(n), err, tt.want)
		}
	}
}

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
