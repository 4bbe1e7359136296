package cloudwatch_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/internal/clock"
	"flyball/internal/store"
)

// The server's clock is a day ahead, and each query asks for the last hour of the wall clock.
func TestQueriesForTheWallClocksTimeAreTold(t *testing.T) {
	load := &types.MetricStat{
		Metric: &types.Metric{Namespace: aws.String("App"), MetricName: aws.String("Load")}, Period: aws.Int32(60), Stat: aws.String("Sum"),
	}
	data := func(queries ...types.MetricDataQuery) func(*service, time.Time) error {
		return func(s *service, now time.Time) error {
			_, err := s.GetMetricData(t.Context(), &cloudwatch.GetMetricDataInput{
				StartTime: aws.Time(now.Add(-time.Hour)), EndTime: &now, MetricDataQueries: queries,
			})
			return err
		}
	}
	for name, ask := range map[string]func(*service, time.Time) error{
		"GetMetricStatistics": func(s *service, now time.Time) error {
			_, err := s.GetMetricStatistics(t.Context(), &cloudwatch.GetMetricStatisticsInput{
				Namespace: load.Metric.Namespace, MetricName: load.Metric.MetricName, Period: load.Period,
				StartTime: aws.Time(now.Add(-time.Hour)), EndTime: &now, Statistics: []types.Statistic{types.StatisticSum},
			})
			return err
		},
		"GetMetricData": data(types.MetricDataQuery{Id: aws.String("m"), MetricStat: load}),
		"GetMetricData, an expression": data(types.MetricDataQuery{Id: aws.String("m"), MetricStat: load, ReturnData: aws.Bool(false)},
			types.MetricDataQuery{Id: aws.String("e"), Expression: aws.String("m * 2")}),
	} {
		synctest.Test(t, func(t *testing.T) {
			st, err := store.OpenSQLite("")
			if err != nil {
				t.Fatal(err)
			}
			defer st.Close()
			now := time.Now()
			s := startService(t, st, clock.New(now.Add(24*time.Hour), 1))
			var log bytes.Buffer
			s.cell.Log = slog.New(slog.NewTextHandler(&log, nil))
			_, err = s.PutMetricData(t.Context(), &cloudwatch.PutMetricDataInput{
				Namespace: load.Metric.Namespace, MetricData: []types.MetricDatum{{MetricName: load.Metric.MetricName, Value: aws.Float64(1), Timestamp: aws.Time(s.clock.Now().Add(-time.Minute))}},
			})
			if err == nil {
				err = ask(s, now)
			}
			if err != nil || !strings.Contains(log.String(), "flyball now") {
				t.Errorf("%s: %v, and the log is %q", name, err, log.String())
			}
		})
	}
}
