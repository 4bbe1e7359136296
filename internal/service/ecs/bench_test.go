package ecs

import (
	"context"
	"fmt"
	goruntime "runtime"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"

	"flyball/internal/clock"
	"flyball/internal/service/ecs/rules"
	"flyball/internal/state"
	"flyball/internal/store"
	runtime "flyball/internal/task"
	"flyball/metric"
)

// manyServices is an API with a number of services of no tasks.
func manyServices(b *testing.B, n int) *API {
	b.Helper()
	st, err := store.OpenSQLite("")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { st.Close() })
	a, err := New(Config{
		Cell: testCell(state.New(st), "us-east-1", clock.New(time.Now(), 1)), Runtime: newFakeRuntime(),
	})
	if err != nil {
		b.Fatal(err)
	}
	ctx := context.Background()
	if _, err := a.CreateCluster(ctx, &ecs.CreateClusterInput{ClusterName: aws.String("prod")}); err != nil {
		b.Fatal(err)
	}
	if _, err := a.RegisterTaskDefinition(ctx, webDefinition()); err != nil {
		b.Fatal(err)
	}
	for i := range n {
		in := webService(0, func(in *ecs.CreateServiceInput) { in.ServiceName = aws.String(fmt.Sprintf("web-%d", i)) })
		if _, err := a.CreateService(ctx, in); err != nil {
			b.Fatal(err)
		}
	}
	return a
}

const benchServices = 10_000

func BenchmarkDescribeServices(b *testing.B) {
	a := manyServices(b, benchServices)
	in := &ecs.DescribeServicesInput{Cluster: aws.String("prod"), Services: []string{"web-77"}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := a.DescribeServices(context.Background(), in); err != nil {
			b.Fatal(err)
		}
	}
}

// The desired count is set in memory and written to a store in memory: the time
// is that of the service and of SQLite without a disk.
func BenchmarkUpdateServiceDesiredCount(b *testing.B) {
	a := manyServices(b, benchServices)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		in := &ecs.UpdateServiceInput{Cluster: aws.String("prod"), Service: aws.String("web-77"), DesiredCount: aws.Int32(int32(i % 100))}
		if _, err := a.UpdateService(context.Background(), in); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMemoryPerService(b *testing.B) {
	for b.Loop() {
		var before, after goruntime.MemStats
		empty := manyServices(b, 0)
		goruntime.GC()
		goruntime.ReadMemStats(&before)
		a := manyServices(b, benchServices)
		goruntime.GC()
		goruntime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/benchServices, "B/service")
		goruntime.KeepAlive(a)
		goruntime.KeepAlive(empty)
	}
}

// A full minute of services with one running task each, whose metrics nobody
// keeps.
func BenchmarkPublish(b *testing.B) {
	a := manyServices(b, benchServices)
	a.cfg.Metrics = nobody{}
	for _, s := range a.clusters["prod"].services {
		t := &task{cluster: s.cluster, service: s, handle: idle{}, reserved: rules.Size{CPU: 256, Memory: 512}}
		t.api.LastStatus, t.api.DesiredStatus = aws.String(statusRunning), aws.String(statusRunning)
		s.tasks[s.name] = t
		a.measure(t, mark{at: time.Now()})
	}
	minute := a.now().Truncate(time.Minute)
	b.ReportAllocs()
	for b.Loop() {
		a.publishMetrics(context.Background(), minute)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchServices, "ns/service")
}

type nobody struct{}

func (nobody) Record([]metric.Sample) {}

type idle struct{ runtime.Task }

func (idle) Usage(context.Context) (runtime.Usage, error) { return runtime.Usage{At: time.Now()}, nil }
