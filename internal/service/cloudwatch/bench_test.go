package cloudwatch

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/alarm"
	"flyball/internal/cell"
	"flyball/internal/clock"
	"flyball/internal/deliver"
	"flyball/internal/due"
	"flyball/internal/state"
	"flyball/internal/store"
	"flyball/internal/tsdb"
	"flyball/metric"
)

// benchService is a service that is not running, in the middle of a minute that
// lasts.
func benchService(b *testing.B, st store.Store, act func(alarm.Notification)) *API {
	b.Helper()
	clk := clock.New(time.Date(2026, 11, 21, 16, 55, 30, 0, time.UTC), 0.01)
	db, err := tsdb.Open(st, clk)
	if err != nil {
		b.Fatal(err)
	}
	router := &deliver.Router{}
	router.Handle("autoscaling", func(_ context.Context, _ arn.ARN, n any) error {
		act(n.(alarm.Notification))
		return nil
	})
	a, err := New(Config{
		Cell:    &cell.Cell{Account: "123456789012", Region: "us-east-1", Clock: clk, State: state.New(st), Log: slog.New(slog.DiscardHandler)},
		Metrics: db, Deliver: router,
	})
	if err != nil {
		b.Fatal(err)
	}
	return a
}

// forgetful is a store that is not there.
type forgetful struct{}

func (forgetful) Get(string, string) ([]byte, error)                                  { return nil, store.ErrNotFound }
func (forgetful) Scan(string, store.Range, func(key string, value []byte) bool) error { return nil }
func (forgetful) Write(*store.Batch) store.Commit                                     { return store.Commit{} }
func (forgetful) Flush()                                                              {}
func (forgetful) Stalled() <-chan struct{}                                            { return nil }
func (forgetful) Failed() <-chan error                                                { return nil }
func (forgetful) Close() error                                                        { return nil }

// tracked creates the two alarms of a target tracking policy on the CPU of each
// of n services, and the metrics with some minutes of data, near the target.
func (a *API) tracked(b *testing.B, n int) {
	b.Helper()
	now := a.alarms.now()
	for i := range n {
		a.track(b, i, now)
	}
	// All new alarms were evaluated: OK.
	a.schedule.queue = due.Queue[task]{}
	a.all(a.alarms.now())
}

func (a *API) track(b *testing.B, i int, now time.Time) {
	target := fmt.Sprintf("service/production/checkout-%06d", i)
	policy := fmt.Sprintf("arn:aws:autoscaling:us-east-1:123456789012:scalingPolicy:6d8972f3-efc8-437c-92d1-%012d:resource/ecs/%s:policyName/cpu-at-50-percent", i, target)
	dims := []types.Dimension{{Name: aws.String("ClusterName"), Value: aws.String("production")}, {Name: aws.String("ServiceName"), Value: aws.String(target[len("service/production/"):])}}
	for _, side := range []struct {
		name       string
		comparison types.ComparisonOperator
		threshold  float64
		periods    int32
	}{{"High", "GreaterThanThreshold", 50, 3}, {"Low", "LessThanThreshold", 45, 15}} {
		if _, err := a.PutMetricAlarm(b.Context(), &cloudwatch.PutMetricAlarmInput{
			AlarmName:        aws.String(fmt.Sprintf("TargetTracking-%s-Alarm%s-3f3a4c1e-8f6c-4c3e-b3a5-%012d", target, side.name, i)),
			AlarmDescription: aws.String("DO NOT EDIT OR DELETE. For TargetTrackingScaling policy " + policy + "."),
			AlarmActions:     []string{policy},
			Namespace:        aws.String("AWS/ECS"), MetricName: aws.String("CPUUtilization"), Dimensions: dims,
			Statistic: "Average", Unit: "Percent", Period: aws.Int32(60), EvaluationPeriods: &side.periods,
			Threshold: &side.threshold, ComparisonOperator: side.comparison,
		}); err != nil {
			b.Fatal(err)
		}
	}
	for minute := range 17 {
		set := metric.Set{}
		set.Add(48, 1)
		a.Record([]metric.Sample{{Metric: metric.NewID("AWS/ECS", "CPUUtilization", dimensions(dims)...),
			Time: now.Add(-time.Duration(minute) * time.Minute), Unit: "Percent", Set: set}})
	}
}

// all evaluates all alarms, as on the minute.
func (a *API) all(now time.Time) {
	a.evaluateClass(context.Background(), time.Minute, now)
}

// BenchmarkEvaluation evaluates 100,000 alarms that do not change.
func BenchmarkEvaluation(b *testing.B) {
	a := benchService(b, forgetful{}, nil)
	const services = 50_000
	a.tracked(b, services)
	now := a.alarms.now()
	b.ReportAllocs()
	for b.Loop() {
		a.all(now)
	}
	b.ReportMetric(float64(b.N)*2*services/b.Elapsed().Seconds(), "evaluations/s")
}

// BenchmarkFormula evaluates 10,000 alarms on the ratio of two metrics.
func BenchmarkFormula(b *testing.B) {
	a := benchService(b, forgetful{}, nil)
	const alarms = 10_000
	now := a.alarms.now()
	bare := heap()
	for i := range alarms {
		stat := func(id, name string) types.MetricDataQuery {
			name = fmt.Sprintf("%s-%05d", name, i)
			set := metric.Set{}
			set.Add(48, 1)
			for minute := range 5 {
				a.Record([]metric.Sample{{Metric: metric.NewID("jobs", name), Time: now.Add(-time.Duration(minute) * time.Minute), Set: set}})
			}
			return types.MetricDataQuery{Id: &id, ReturnData: aws.Bool(false), MetricStat: &types.MetricStat{
				Metric: &types.Metric{Namespace: aws.String("jobs"), MetricName: &name}, Stat: aws.String("Average"), Period: aws.Int32(60),
			}}
		}
		if _, err := a.PutMetricAlarm(b.Context(), &cloudwatch.PutMetricAlarmInput{
			AlarmName: aws.String(fmt.Sprintf("backlog-%05d", i)), EvaluationPeriods: aws.Int32(3),
			Threshold: aws.Float64(50), ComparisonOperator: "GreaterThanThreshold",
			Metrics: []types.MetricDataQuery{stat("m1", "messages"), stat("m2", "tasks"), {Id: aws.String("e1"), Expression: aws.String("m1 / m2")}},
		}); err != nil {
			b.Fatal(err)
		}
	}
	a.schedule.queue = due.Queue[task]{}
	a.all(now)
	b.ReportAllocs()
	for b.Loop() {
		a.all(now)
	}
	b.ReportMetric(float64(b.N)*alarms/b.Elapsed().Seconds(), "evaluations/s")
	b.ReportMetric(float64(heap()-bare)/alarms, "B/alarm") // with its two metrics
	runtime.KeepAlive(a)
}

// BenchmarkMemory reports what an alarm takes with its definition and state.
func BenchmarkMemory(b *testing.B) {
	const services = 50_000
	for b.Loop() {
		a := benchService(b, forgetful{}, nil)
		a.tracked(b, services)
		with := heap()
		for id := range a.metrics.db.List("", "", "") {
			a.metrics.db.Series(id).Watch(nil)
		}
		a.alarms = alarms{}
		b.ReportMetric(float64(with-heap())/(2*services), "B/alarm")
		runtime.KeepAlive(a) // with its metrics, which are not the alarms'
	}
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkBreach measures the time from a PutMetricData that completes a
// breach to its scaling action, with 10,000 alarms.
func BenchmarkBreach(b *testing.B) {
	const alarms = 10_000
	var mu sync.Mutex
	acted := map[string]chan time.Time{}
	st, err := store.OpenSQLite("")
	if err != nil {
		b.Fatal(err)
	}
	defer st.Close()
	a := benchService(b, st, func(n alarm.Notification) {
		mu.Lock()
		defer mu.Unlock()
		acted[n.Alarm] <- time.Now()
	})
	for i := range alarms {
		name := fmt.Sprintf("a%05d", i)
		acted[name] = make(chan time.Time, 1)
		if _, err := a.PutMetricAlarm(b.Context(), &cloudwatch.PutMetricAlarmInput{
			AlarmName: &name, AlarmActions: []string{"arn:aws:autoscaling:us-east-1:123456789012:scalingPolicy:x:resource/ecs/service/c/s:policyName/p"},
			Namespace: aws.String("bench"), MetricName: &name, Statistic: "Average", Period: aws.Int32(60), EvaluationPeriods: aws.Int32(1),
			Threshold: aws.Float64(50), ComparisonOperator: "GreaterThanThreshold",
		}); err != nil {
			b.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(b.Context())
	var running sync.WaitGroup
	running.Go(func() { a.Run(ctx) })
	defer running.Wait()
	defer cancel()

	var latencies []time.Duration
	i := 0
	for b.Loop() {
		name := fmt.Sprintf("a%05d", i%alarms)
		value := 99.0
		at := a.alarms.now().Add(-time.Minute)
		if i >= alarms { // it is in ALARM: bring it back first
			if _, err := a.SetAlarmState(ctx, &cloudwatch.SetAlarmStateInput{AlarmName: &name, StateValue: "OK", StateReason: aws.String("again")}); err != nil {
				b.Fatal(err)
			}
		}
		start := time.Now()
		if _, err := a.PutMetricData(ctx, &cloudwatch.PutMetricDataInput{Namespace: aws.String("bench"), MetricData: []types.MetricDatum{{MetricName: &name, Value: &value, Timestamp: &at}}}); err != nil {
			b.Fatal(err)
		}
		latencies = append(latencies, (<-acted[name]).Sub(start))
		i++
	}
	slices.Sort(latencies)
	b.ReportMetric(float64(latencies[len(latencies)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(float64(latencies[len(latencies)/2].Microseconds())/1000, "p50-ms")
}

// BenchmarkChangeDuringEvaluation measures how long a change of the state waits,
// whichever service's it is, while 100,000 alarms are evaluated.
func BenchmarkChangeDuringEvaluation(b *testing.B) {
	a := benchService(b, forgetful{}, nil)
	a.tracked(b, 50_000)
	now := a.alarms.now()
	ctx, cancel := context.WithCancel(b.Context())
	var running sync.WaitGroup
	running.Go(func() {
		for ctx.Err() == nil {
			a.all(now)
		}
	})
	defer running.Wait()
	defer cancel()
	var waits []time.Duration
	for b.Loop() {
		start := time.Now()
		a.cell.State.Later(func(*state.Tx) {})
		waits = append(waits, time.Since(start))
		time.Sleep(50 * time.Microsecond)
	}
	slices.Sort(waits)
	b.ReportMetric(float64(waits[len(waits)/2].Nanoseconds())/1000, "p50-us")
	b.ReportMetric(float64(waits[len(waits)*99/100].Nanoseconds())/1000, "p99-us")
}

// An evaluation of an alarm on a Metrics Insights query, by how many metrics it
// matches.
func BenchmarkEvaluateSelection(b *testing.B) {
	for _, metrics := range []int{100, 10_000} {
		b.Run(fmt.Sprint(metrics), func(b *testing.B) {
			a := benchService(b, forgetful{}, func(alarm.Notification) {})
			at := a.alarms.now().Add(-time.Minute)
			for i := range metrics {
				a.Record([]metric.Sample{{
					Metric: metric.NewID("AWS/ECS", "CPUUtilization", metric.Dimension{Name: "ClusterName", Value: "prod"}, metric.Dimension{Name: "ServiceName", Value: fmt.Sprintf("checkout-%d", i)}),
					Time:   at, Unit: "Percent", Set: metric.Set{Count: 2, Sum: 30, Min: 10, Max: 20},
				}})
			}
			_, err := a.PutMetricAlarm(b.Context(), &cloudwatch.PutMetricAlarmInput{
				AlarmName: aws.String("busy"), EvaluationPeriods: aws.Int32(3), Threshold: aws.Float64(50), ComparisonOperator: "GreaterThanThreshold",
				Metrics: []types.MetricDataQuery{{Id: aws.String("q"), Period: aws.Int32(60), Expression: aws.String(`SELECT AVG(CPUUtilization) FROM SCHEMA("AWS/ECS", ClusterName, ServiceName)`)}},
			})
			if err != nil {
				b.Fatal(err)
			}
			part, now := []*entry{a.registry.get("busy")}, a.alarms.now()
			b.ReportAllocs()
			for b.Loop() {
				if views := a.read(part, now); len(views) != 1 || views[0].values[4] != 15 {
					b.Fatal(views)
				}
			}
		})
	}
}

// An evaluation of an alarm on a band that was learned.
func BenchmarkEvaluateBand(b *testing.B) {
	a := benchService(b, forgetful{}, func(alarm.Notification) {})
	now := a.alarms.now()
	var samples []metric.Sample
	for at := now.Add(-14 * 24 * time.Hour); at.Before(now); at = at.Add(5 * time.Minute) {
		v := float64(at.Hour()) + float64(at.Minute()%7)
		samples = append(samples, metric.Sample{Metric: metric.NewID("Shop", "Requests"), Time: at, Set: metric.Set{Count: 1, Sum: v, Min: v, Max: v}})
	}
	a.Record(samples)
	_, err := a.PutMetricAlarm(b.Context(), &cloudwatch.PutMetricAlarmInput{
		AlarmName: aws.String("odd"), EvaluationPeriods: aws.Int32(3), ThresholdMetricId: aws.String("ad1"), ComparisonOperator: "GreaterThanUpperThreshold",
		Metrics: []types.MetricDataQuery{
			{Id: aws.String("ad1"), Expression: aws.String("ANOMALY_DETECTION_BAND(m1, 2)")},
			{Id: aws.String("m1"), MetricStat: &types.MetricStat{Metric: &types.Metric{Namespace: aws.String("Shop"), MetricName: aws.String("Requests")}, Stat: aws.String("Sum"), Period: aws.Int32(300)}},
		},
	})
	if err != nil {
		b.Fatal(err)
	}
	part := []*entry{a.registry.get("odd")}
	a.detectors.learn(b.Context(), []lesson{part[0].metric.band().lesson})
	now = now.Truncate(5 * time.Minute)
	b.ReportAllocs()
	for b.Loop() {
		if views := a.read(part, now); len(views) != 1 || views[0].band.Upper[4] == 0 {
			b.Fatal(views)
		}
	}
}
