package cloudwatch

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/internal/cell"
	"flyball/internal/clock"
	"flyball/internal/state"
	"flyball/internal/tsdb"
	"flyball/metric"
)

// feed puts a value of a metric of ECS.
func feed(t *testing.T, a *API, value float64) error {
	t.Helper()
	_, err := a.PutMetricData(t.Context(), &cloudwatch.PutMetricDataInput{
		Namespace: aws.String("AWS/ECS"), MetricData: []types.MetricDatum{{MetricName: aws.String("CPUUtilization"), Value: &value}},
	})
	return err
}

// measure records a value of a metric, as services do.
func measure(a *API, name string, value float64) {
	s := metric.Sample{Metric: metric.NewID("AWS/ECS", name), Time: a.cell.Clock.Now()}
	s.Set.Add(value, 1)
	a.Record([]metric.Sample{s})
}

// sum adds up a metric's values.
func sum(t *testing.T, a *API, name string) float64 {
	t.Helper()
	now := a.cell.Clock.Now()
	rows, err := a.metrics.rows(metric.NewID("AWS/ECS", name), tsdb.Query{
		From: now.Add(-time.Hour), To: now.Add(time.Hour), Period: time.Hour, Statistics: []metric.Statistic{metric.Sum},
	})
	if err != nil {
		t.Fatal(err)
	}
	total := 0.0
	for _, row := range rows {
		total += row.Values[0]
	}
	return total
}

// openFed opens a service that takes metrics in AWS's namespaces, or does not, and writes a log.
func openFed(t *testing.T, allowed bool, log *bytes.Buffer) *API {
	t.Helper()
	st := memoryStore(t)
	clk := clock.New(time.Date(2026, 11, 21, 16, 30, 0, 0, time.UTC), 0.001)
	db, err := tsdb.Open(st, clk)
	if err != nil {
		t.Fatal(err)
	}
	a, err := New(Config{Metrics: db, FeedAWS: allowed, Cell: &cell.Cell{
		Account: "123456789012", Region: "us-east-1", Clock: clk, State: state.New(st), Log: slog.New(slog.NewTextHandler(log, nil)),
	}})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestAMetricThatIsFedIsNoLongerMeasured(t *testing.T) {
	var log bytes.Buffer
	a := openFed(t, true, &log)
	measure(a, "CPUUtilization", 1)
	if err := feed(t, a, 10); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(log.String(), "is fed from now on"); n != 1 {
		t.Errorf("the log tells of it %d times: %s", n, log.String())
	}
	measure(a, "CPUUtilization", 100)
	measure(a, "MemoryUtilization", 100)
	if err := feed(t, a, 1000); err != nil {
		t.Fatal(err)
	}
	if got := sum(t, a, "CPUUtilization"); got != 1011 {
		t.Errorf("the metric that is fed adds up to %v, want what was measured before and what was fed", got)
	}
	if got := sum(t, a, "MemoryUtilization"); got != 100 {
		t.Errorf("a metric that is not fed adds up to %v", got)
	}
}

func TestFeedingIsRefusedUnlessItIsAllowed(t *testing.T) {
	var log bytes.Buffer
	a := openFed(t, false, &log)
	for range 2 {
		if err := feed(t, a, 10); err == nil || !strings.Contains(err.Error(), "The value AWS/ for parameter Namespace is invalid.") {
			t.Errorf("it is answered with %v", err)
		}
	}
	if n := strings.Count(log.String(), "--feed-aws-namespaces"); n != 1 {
		t.Errorf("the log tells %d times what can be done: %s", n, log.String())
	}
	measure(a, "CPUUtilization", 1)
	if got := sum(t, a, "CPUUtilization"); got != 1 {
		t.Errorf("what is measured adds up to %v", got)
	}
}
