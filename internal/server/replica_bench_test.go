package server

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/postgres/postgrestest"
)

// BenchmarkTakeover has a replica take over 100 regions, with a service of two tasks and ten alarms each, and their metrics, from one that stops.
func BenchmarkTakeover(b *testing.B) {
	url := postgrestest.Database(b)
	before := startReplica(b, url)
	holder(b, before)
	ctx := b.Context()
	for i := range mostCells - 1 {
		cfg := before.config()
		cfg.Region = fmt.Sprintf("eu-region-%d", i)
		services, metrics := ecs.NewFromConfig(cfg), cloudwatch.NewFromConfig(cfg)
		_, err := services.CreateCluster(ctx, &ecs.CreateClusterInput{ClusterName: aws.String("c")})
		if err == nil {
			_, err = services.RegisterTaskDefinition(ctx, &ecs.RegisterTaskDefinitionInput{Family: aws.String("f"), ContainerDefinitions: []ecstypes.ContainerDefinition{
				{Name: aws.String("web"), Image: aws.String("flyball/web"), Memory: aws.Int32(64)},
			}})
		}
		if err == nil {
			_, err = services.CreateService(ctx, &ecs.CreateServiceInput{Cluster: aws.String("c"), ServiceName: aws.String("s"), TaskDefinition: aws.String("f"), DesiredCount: aws.Int32(2)})
		}
		for n := 0; n < 10 && err == nil; n++ {
			_, err = metrics.PutMetricAlarm(ctx, &cloudwatch.PutMetricAlarmInput{
				AlarmName: aws.String(fmt.Sprint("alarm", n)), Namespace: aws.String("N"), MetricName: aws.String("M"), Statistic: cwtypes.StatisticAverage,
				Period: aws.Int32(60), EvaluationPeriods: aws.Int32(1), Threshold: aws.Float64(1), ComparisonOperator: cwtypes.ComparisonOperatorGreaterThanThreshold,
			})
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		after := startReplica(b, url)
		before.end(b)
		began := time.Now()
		holder(b, after)
		b.ReportMetric(time.Since(began).Seconds(), "s/takeover")
		before = after
	}
}
