package cloudwatch_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/smithy-go"

	"flyball/alarm"
	"flyball/internal/cell"
	"flyball/internal/clock"
	"flyball/internal/deliver"
	"flyball/internal/event"
	"flyball/internal/service/cloudwatch"
	"flyball/internal/state"
	"flyball/internal/store"
	"flyball/internal/tsdb"
)

// began is when the service of each test starts.
var began = time.Date(2026, 11, 21, 16, 55, 30, 0, time.UTC)

// A service is a CloudWatch under test, in a bubble of synctest, with the
// actions that it carried out.
type service struct {
	*cloudwatch.API
	t     *testing.T
	store store.Store
	clock *clock.Clock
	cell  *cell.Cell

	mu      sync.Mutex
	acts    []alarm.Notification
	failure error // what actions return
}

// run runs a test against a new service whose loops run, until the test ends.
func run(t *testing.T, test func(t *testing.T, s *service)) {
	t.Helper()
	runAt(t, 1, test)
}

// runAt is run with a clock that is faster than time.
func runAt(t *testing.T, speed float64, test func(t *testing.T, s *service)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		st, err := store.OpenSQLite("")
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		test(t, startService(t, st, clock.New(began, speed)))
	})
}

// startService starts a service on what a store has.
func startService(t *testing.T, st store.Store, clk *clock.Clock) *service {
	t.Helper()
	db, err := tsdb.Open(st, clk)
	if err != nil {
		t.Fatal(err)
	}
	s := &service{t: t, store: st, clock: clk}
	s.cell = &cell.Cell{Account: "123456789012", Region: "us-east-1", Clock: clk, State: state.New(st), Events: &event.Stream{}, Log: slog.New(slog.DiscardHandler)}
	router := &deliver.Router{}
	router.Handle("autoscaling", func(_ context.Context, _ arn.ARN, n any) error { return s.act(n.(alarm.Notification)) })
	s.API, err = cloudwatch.New(cloudwatch.Config{Cell: s.cell, Metrics: db, Deliver: router})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { s.API.Run(ctx) })
	running.Go(func() { db.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	return s
}

func (s *service) act(n alarm.Notification) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.acts = append(s.acts, n)
	return s.failure
}

// acted takes the actions carried out since it was last called.
func (s *service) acted() []alarm.Notification {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	acts := s.acts
	s.acts = nil
	return acts
}

// until lets time pass until the clock shows hh:mm:ss of the first day.
func (s *service) until(clock string) {
	s.t.Helper()
	at, err := time.Parse(time.TimeOnly, clock)
	if err != nil {
		s.t.Fatal(err)
	}
	to := began.Truncate(24 * time.Hour).Add(at.Sub(at.Truncate(24 * time.Hour)))
	time.Sleep(to.Sub(s.clock.Now()) + 2*time.Microsecond) // a queue wakes up a microsecond late
	synctest.Wait()
}

// put publishes a value of the metric cpu, at hh:mm:ss of the first day.
func (s *service) put(at string, value float64) {
	s.t.Helper()
	s.publish(types.MetricDatum{MetricName: aws.String("cpu"), Value: &value, Timestamp: s.at(at)})
}

func (s *service) at(clock string) *time.Time {
	s.t.Helper()
	at, err := time.Parse(time.TimeOnly, clock)
	if err != nil {
		s.t.Fatal(err)
	}
	at = began.Truncate(24 * time.Hour).Add(at.Sub(at.Truncate(24 * time.Hour)))
	return &at
}

func (s *service) publish(data ...types.MetricDatum) {
	s.t.Helper()
	if _, err := s.PutMetricData(s.t.Context(), &sdk.PutMetricDataInput{Namespace: aws.String("test"), MetricData: data}); err != nil {
		s.t.Fatal(err)
	}
}

const policy = "arn:aws:autoscaling:us-east-1:123456789012:scalingPolicy:6d8972f3:resource/ecs/service/prod/web:policyName/cpu"

// alarmOn is an alarm on cpu above 50 in one minute, with changes.
func alarmOn(name string, changes ...func(*sdk.PutMetricAlarmInput)) *sdk.PutMetricAlarmInput {
	in := &sdk.PutMetricAlarmInput{
		AlarmName:          aws.String(name),
		Namespace:          aws.String("test"),
		MetricName:         aws.String("cpu"),
		Statistic:          types.StatisticAverage,
		Period:             aws.Int32(60),
		EvaluationPeriods:  aws.Int32(1),
		Threshold:          aws.Float64(50),
		ComparisonOperator: types.ComparisonOperatorGreaterThanThreshold,
	}
	for _, change := range changes {
		change(in)
	}
	return in
}

func acting(in *sdk.PutMetricAlarmInput) { in.AlarmActions = []string{policy} }

func (s *service) putAlarm(in *sdk.PutMetricAlarmInput) {
	s.t.Helper()
	if _, err := s.PutMetricAlarm(s.t.Context(), in); err != nil {
		s.t.Fatal(err)
	}
}

func (s *service) describe(name string) types.MetricAlarm {
	s.t.Helper()
	out, err := s.DescribeAlarms(s.t.Context(), &sdk.DescribeAlarmsInput{AlarmNames: []string{name}})
	if err != nil {
		s.t.Fatal(err)
	}
	if len(out.MetricAlarms) != 1 {
		s.t.Fatalf("%d alarms with the name %s", len(out.MetricAlarms), name)
	}
	return out.MetricAlarms[0]
}

func (s *service) expect(name string, want types.StateValue) {
	s.t.Helper()
	synctest.Wait()
	if d := s.describe(name); d.StateValue != want {
		s.t.Errorf("%s: alarm %s is in %s (%s), want %s", s.clock.Now().Format(time.TimeOnly), name, d.StateValue, *d.StateReason, want)
	}
}

// history is the summaries of an alarm's history, oldest first.
func (s *service) history(name string) []string {
	s.t.Helper()
	synctest.Wait()
	out, err := s.DescribeAlarmHistory(s.t.Context(), &sdk.DescribeAlarmHistoryInput{AlarmName: &name, ScanBy: types.ScanByTimestampAscending})
	if err != nil {
		s.t.Fatal(err)
	}
	var summaries []string
	for _, item := range out.AlarmHistoryItems {
		summaries = append(summaries, *item.HistorySummary)
	}
	return summaries
}

func refused(t *testing.T, err error, code string) {
	t.Helper()
	api, ok := err.(smithy.APIError)
	if !ok || api.ErrorCode() != code {
		t.Errorf("got error %v, want one with code %s", err, code)
	}
}

func same[T comparable](t *testing.T, what string, got, want []T) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\ngot  %v\nwant %v", what, got, want)
	}
}

func asJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}
