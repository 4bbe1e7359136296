package plan

import (
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// Alarm tells of a faulty deployment: more than one request in a hundred fails, in two
// of three minutes ("Updating an Amazon ECS Express Mode service").
func (p Parts) Alarm(given []types.Tag) *cloudwatch.PutMetricAlarmInput {
	var queries []cwtypes.MetricDataQuery
	var failed, all []string
	for i := range p.TargetGroups {
		for _, metric := range []string{"HTTPCode_Target_4XX_Count", "HTTPCode_Target_5XX_Count", "RequestCount"} {
			id := fmt.Sprintf("m%d", len(queries)+1)
			queries = append(queries, cwtypes.MetricDataQuery{Id: &id, ReturnData: aws.Bool(false), MetricStat: p.stat(metric, i)})
			if metric == "RequestCount" {
				all = append(all, "FILL("+id+", 0)")
			} else {
				failed = append(failed, "FILL("+id+", 0)")
			}
		}
	}
	queries = append(queries, cwtypes.MetricDataQuery{
		Id: aws.String("failed"), ReturnData: aws.Bool(true), Label: aws.String("Failed requests in percent"),
		Expression: aws.String("100 * (" + strings.Join(failed, " + ") + ") / (" + strings.Join(all, " + ") + ")"),
	})
	return &cloudwatch.PutMetricAlarmInput{
		AlarmName: aws.String(AlarmName(p.Cluster, p.Name)), Metrics: queries, ComparisonOperator: cwtypes.ComparisonOperatorGreaterThanThreshold,
		AlarmDescription: aws.String("Tells of a faulty deployment of the Express service " + p.Name + "."),
		Threshold:        aws.Float64(1), EvaluationPeriods: aws.Int32(3), DatapointsToAlarm: aws.Int32(2), TreatMissingData: aws.String("notBreaching"),
		Tags: eachTag(given, func(key, value *string) cwtypes.Tag { return cwtypes.Tag{Key: key, Value: value} }),
	}
}

func (p Parts) stat(metric string, group int) *cwtypes.MetricStat {
	return &cwtypes.MetricStat{Period: aws.Int32(60), Stat: aws.String("Sum"), Metric: &cwtypes.Metric{
		Namespace: aws.String(balancerMetrics), MetricName: &metric,
		Dimensions: []cwtypes.Dimension{
			{Name: aws.String("LoadBalancer"), Value: aws.String(after(p.LoadBalancer, "loadbalancer/"))},
			{Name: aws.String("TargetGroup"), Value: aws.String(p.groupLabel(group))},
		},
	}}
}
