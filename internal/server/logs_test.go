package server

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"flyball/internal/task/idle"
)

// Log events are in the data folder, and what a metric filter makes of them is in
// CloudWatch when the server's minute has ended.
func TestLogEventsOutliveTheServerAndMakeMetrics(t *testing.T) {
	dir := t.TempDir()
	app, web := aws.String("app"), aws.String("web")
	life := func(during func(context.Context, *services)) {
		ctx, stop := context.WithCancel(t.Context())
		s, err := Open(ctx, Config{
			Addr: "127.0.0.1:0", Data: dir, Tasks: idle.Runtime{}, Speed: 600, Account: testAccount, Region: testRegion, Log: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		served := make(chan error, 1)
		go func() { served <- s.Run(ctx) }()
		during(ctx, s.home())
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	}
	life(func(ctx context.Context, v *services) {
		_, err := v.logs.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: app})
		if err == nil {
			_, err = v.logs.CreateLogStream(ctx, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: app, LogStreamName: web})
		}
		if err == nil {
			_, err = v.logs.PutMetricFilter(ctx, &cloudwatchlogs.PutMetricFilterInput{
				LogGroupName: app, FilterName: app, FilterPattern: aws.String("ERROR"),
				MetricTransformations: []types.MetricTransformation{{MetricName: aws.String("Errors"), MetricNamespace: aws.String("App"), MetricValue: aws.String("2")}},
			})
		}
		if err == nil {
			_, err = v.logs.PutLogEvents(ctx, &cloudwatchlogs.PutLogEventsInput{
				LogGroupName: app, LogStreamName: web,
				LogEvents: []types.InputLogEvent{{Timestamp: aws.Int64(v.cell.Clock.Now().UnixMilli()), Message: aws.String("an ERROR")}},
			})
		}
		if err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(2 * time.Minute); sumOf(ctx, t, v, "Errors") != 2; time.Sleep(20 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("the filter published nothing")
			}
		}
	})
	life(func(ctx context.Context, v *services) {
		out, err := v.logs.FilterLogEvents(ctx, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: app})
		if err != nil || len(out.Events) != 1 || *out.Events[0].Message != "an ERROR" {
			t.Errorf("after a restart: %+v, %v", out, err)
		}
	})
}

// sumOf is the sum of a metric of the namespace App in the last day.
func sumOf(ctx context.Context, t *testing.T, v *services, name string) (sum float64) {
	now := v.cell.Clock.Now()
	out, err := v.cloudwatch.GetMetricStatistics(ctx, &cloudwatch.GetMetricStatisticsInput{
		Namespace: aws.String("App"), MetricName: &name, Period: aws.Int32(60), Statistics: []cwtypes.Statistic{cwtypes.StatisticSum},
		StartTime: aws.Time(now.Add(-20 * time.Hour)), EndTime: aws.Time(now),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range out.Datapoints {
		sum += *d.Sum
	}
	return sum
}
