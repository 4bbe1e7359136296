package control_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/capacity"
	"flyball/internal/control"
	"flyball/internal/policydoc"
	"flyball/internal/source"
	"flyball/scaling"
)

// A region of AWS has services whose load comes and goes in an hour, each at its own time; it
// answers at once.
type region struct {
	mu       sync.Mutex
	began    time.Duration // the round, in processor time
	tasks    map[string]float64
	reads    int
	looks    int
	sets     int
	decided  []time.Duration // processor time from the begin of the round until the capacity was set
	services int
}

func (r *region) place(name string) (i int) { fmt.Sscanf(name, "s%d", &i); return i }

// load is that of a service at a time, in percent of one task.
func (r *region) load(name string, at time.Time) float64 {
	phase := float64(r.place(name)) / float64(r.services)
	return 250 + 200*math.Sin(2*math.Pi*(at.Sub(start).Hours()+phase))
}

func (r *region) GetMetricData(_ context.Context, in *cloudwatch.GetMetricDataInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricDataOutput, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reads++
	out := &cloudwatch.GetMetricDataOutput{}
	for _, q := range in.MetricDataQueries {
		name := *q.MetricStat.Metric.Dimensions[1].Value
		result := cwtypes.MetricDataResult{Id: q.Id}
		for at := *in.StartTime; at.Before(*in.EndTime); at = at.Add(time.Minute) {
			result.Timestamps = append(result.Timestamps, at)
			result.Values = append(result.Values, r.load(name, at)/r.tasks[name])
		}
		out.MetricDataResults = append(out.MetricDataResults, result)
	}
	return out, nil
}

func (r *region) DescribeServices(_ context.Context, in *ecs.DescribeServicesInput, _ ...func(*ecs.Options)) (*ecs.DescribeServicesOutput, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.looks++
	out := &ecs.DescribeServicesOutput{}
	for _, name := range in.Services {
		n := int32(r.tasks[name])
		out.Services = append(out.Services, types.Service{ServiceName: &name, Status: aws.String("ACTIVE"), DesiredCount: n, RunningCount: n})
	}
	return out, nil
}

func (r *region) UpdateService(_ context.Context, in *ecs.UpdateServiceInput, _ ...func(*ecs.Options)) (*ecs.UpdateServiceOutput, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sets++
	r.tasks[*in.Service] = float64(*in.DesiredCount)
	r.decided = append(r.decided, processor()-r.began)
	return &ecs.UpdateServiceOutput{}, nil
}

// BenchmarkTenThousandTargets governs ten thousand services through an hour, in which the load of
// each comes and goes, with what is remembered on disk. An iteration is a minute.
func BenchmarkTenThousandTargets(b *testing.B) {
	const targets = 10_000
	aws := &region{tasks: map[string]float64{}, services: targets}
	folder := &control.Folder{Path: b.TempDir()}
	ctx, resign, err := folder.Elect(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	defer resign()
	var policies strings.Builder
	for i := range targets {
		name := fmt.Sprintf("s%d", i)
		aws.tasks[name] = 5
		fmt.Fprintf(&policies, "---\nservice: c%d/%s\nmin: 1\nmax: 20\npolicies: {cpu: 50}\n", i%20, name)
	}
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	host := control.New(control.Config{
		Capacity: capacity.Kinds{scaling.Services: capacity.Services{ECS: aws, PauseTag: "flyball:paused"}}, State: folder, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	d, err := policydoc.Read(strings.NewReader(policies.String()))
	if err != nil {
		b.Fatal(err)
	}
	compiled, problems := control.Compile(d, &source.Registry{CloudWatch: &source.CloudWatch{Client: aws, Budget: &source.Budget{}}})
	if len(problems) > 0 {
		b.Fatal(problems[0])
	}
	for _, t := range compiled {
		host.Put(t)
	}
	now := start
	minute := func() {
		for until := now.Add(time.Minute); now.Before(until); {
			aws.began = processor()
			next := host.Round(ctx, now)
			now = now.Add(max(time.Second, min(next.Sub(now), until.Sub(now))))
		}
	}
	for range 16 { // until alarms have seen enough, and all is under way
		minute()
	}
	aws.reads, aws.looks, aws.sets, aws.decided = 0, 0, 0, nil
	begun := processor()
	for b.Loop() {
		minute()
	}
	spent := processor() - begun
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(host)
	slices.Sort(aws.decided)
	n := float64(b.N)
	b.ReportMetric(float64(spent.Milliseconds())/n, "cpu-ms/minute")
	b.ReportMetric(float64(aws.reads)/n, "GetMetricData/minute")
	b.ReportMetric(float64(aws.looks)/n, "DescribeServices/minute")
	b.ReportMetric(float64(aws.sets)/n, "UpdateService/minute")
	b.ReportMetric((float64(after.HeapAlloc)-float64(before.HeapAlloc))/(1<<20), "heap-MiB")
	if len(aws.decided) > 0 {
		b.ReportMetric(float64(aws.decided[len(aws.decided)*99/100].Microseconds())/1000, "p99-cpu-ms")
	}
	b.ReportMetric(0, "ns/op")
}

// processor is the processor time of this process.
func processor() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
