package rules

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
)

func stat(id, name, statistic string) types.TargetTrackingMetricDataQuery {
	return types.TargetTrackingMetricDataQuery{Id: &id, ReturnData: aws.Bool(false), MetricStat: &types.TargetTrackingMetricStat{
		Metric: &types.TargetTrackingMetric{Namespace: aws.String("test"), MetricName: &name}, Stat: &statistic,
	}}
}

func expression(id, text string) types.TargetTrackingMetricDataQuery {
	return types.TargetTrackingMetricDataQuery{Id: &id, Expression: &text, ReturnData: aws.Bool(true)}
}

// onMath is a policy on what queries return.
func onMath(queries ...types.TargetTrackingMetricDataQuery) *applicationautoscaling.PutScalingPolicyInput {
	in := tracking()
	in.TargetTrackingScalingPolicyConfiguration.PredefinedMetricSpecification = nil
	in.TargetTrackingScalingPolicyConfiguration.CustomizedMetricSpecification = &types.CustomizedMetricSpecification{Metrics: queries}
	return in
}

func TestMetricMathRefusals(t *testing.T) {
	type queries = []types.TargetTrackingMetricDataQuery
	m1, m2 := stat("m1", "Messages", "Sum"), stat("m2", "RunningTaskCount", "Average")
	both := expression("m1", "m2")
	both.MetricStat = m1.MetricStat
	many := queries{expression("e1", "SUM(METRICS())")}
	chain := queries{m1, expression("e1", "m1")}
	for i := range 11 {
		many = append(many, stat("m"+string(rune('a'+i)), "Messages", "Sum"))
		link := expression("e"+string(rune('a'+i)), "m1")
		link.ReturnData = aws.Bool(false)
		chain = append(chain, link)
	}
	nameless := stat("m1", "", "Sum")
	for name, c := range map[string]struct {
		metrics queries
		want    string
	}{
		"an unknown id":      {queries{m1, expression("e1", "m1 / m2")}, "Error in expression 'e1': There is no metric or expression with the ID 'm2' (at character 6)"},
		"a syntax error":     {queries{m1, expression("e1", "m1 /")}, "Error in expression 'e1': Syntax error"},
		"nothing returned":   {queries{m1, m2}, "Exactly one element of Metrics must return data"},
		"two returned":       {queries{m1, expression("e1", "m1"), expression("e2", "m1")}, "Exactly one element of Metrics must return data"},
		"a capital id":       {queries{m1, expression("E1", "m1")}, "The Id 'E1' must start with a lowercase letter"},
		"the same id twice":  {queries{m1, m1, expression("e1", "m1")}, "The Id 'm1' is not unique in Metrics"},
		"both":               {queries{both}, "Exactly one of Expression and MetricStat must be specified for the Id 'm1'"},
		"a statistic":        {queries{stat("m1", "Messages", "Mode"), expression("e1", "m1")}, "The Stat 'Mode' of the Id 'm1' is not a statistic"},
		"a nameless metric":  {queries{nameless, expression("e1", "m1")}, "A metric must have a Namespace and a MetricName"},
		"several series":     {queries{m1, m2, expression("e1", "METRICS()")}, "The expression 'e1' returns several time series. It must return a single one"},
		"a scalar":           {queries{m1, expression("e1", "SUM(m1)")}, "Error in expression 'e1': The result of the expression is a Scalar"},
		"a selection":        {queries{expression("e1", "SELECT AVG(cpu) FROM n")}, "Metrics Insights queries (SELECT) are not supported in scaling policies"},
		"a search":           {queries{expression("e1", "SUM(SEARCH('cpu', 'Sum', 60))")}, "SEARCH is not supported on Metric Alarms"},
		"eleven metrics":     {many, "Metrics must not have more than 10 metrics"},
		"twelve expressions": {chain, "Metrics must not have more than 10 expressions"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := compiled(onMath(c.metrics...))
			wantError(t, err, "ValidationException", c.want)
		})
	}
	mixed := onMath(m1, m2, expression("e1", "m1 / m2"))
	mixed.TargetTrackingScalingPolicyConfiguration.CustomizedMetricSpecification.MetricName = aws.String("x")
	_, err := compiled(mixed)
	wantError(t, err, "ValidationException", "The customized metric specification is not valid. You can use a specification with metric math or a specification without metric math, but not a combination of both.")
}
