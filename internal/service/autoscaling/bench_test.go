package autoscaling

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/alarm"
	"flyball/internal/capacity"
	"flyball/internal/clock"
	"flyball/internal/due"
	"flyball/internal/store"
	"flyball/metric"
	"flyball/scaling"
)

// manyTargets is the service with targets that have a policy on CPU each. The
// fakes around it keep next to nothing, so that what is measured is its own.
func manyTargets(b *testing.B, targets int) (*API, []string) {
	b.Helper()
	st, err := store.OpenSQLite("")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { st.Close() })
	api, err := New(Config{
		Cell:     testCell(clock.New(time.Now(), 1), st),
		Alarms:   &cloudWatch{alarms: map[string]cwtypes.MetricAlarm{}, series: map[string][]metric.Datapoint{}, calls: map[string]int{}},
		Capacity: capacity.Services{ECS: everyService{}},
	})
	if err != nil {
		b.Fatal(err)
	}
	ids := make([]string, targets)
	for i := range ids {
		ids[i] = fmt.Sprintf("service/default/web-%06d", i)
		_, err := api.RegisterScalableTarget(context.Background(), &applicationautoscaling.RegisterScalableTargetInput{
			ServiceNamespace: types.ServiceNamespaceEcs, ResourceId: aws.String(ids[i]), ScalableDimension: types.ScalableDimensionECSServiceDesiredCount,
			MinCapacity: aws.Int32(1), MaxCapacity: aws.Int32(20),
		})
		if err != nil {
			b.Fatal(err)
		}
		in := tracking("cpu", types.TargetTrackingScalingPolicyConfiguration{})
		in.ResourceId = aws.String(ids[i])
		if _, err := api.PutScalingPolicy(context.Background(), in); err != nil {
			b.Fatal(err)
		}
	}
	return api, ids
}

// everyService is ECS with ten running tasks in every service there could be.
type everyService struct{}

func (everyService) DescribeServices(_ context.Context, in *ecs.DescribeServicesInput, _ ...func(*ecs.Options)) (*ecs.DescribeServicesOutput, error) {
	out := &ecs.DescribeServicesOutput{}
	for _, name := range in.Services {
		out.Services = append(out.Services, ecstypes.Service{ServiceName: aws.String(name), Status: aws.String("ACTIVE"), DesiredCount: 10, RunningCount: 10})
	}
	return out, nil
}

func (everyService) UpdateService(context.Context, *ecs.UpdateServiceInput, ...func(*ecs.Options)) (*ecs.UpdateServiceOutput, error) {
	return &ecs.UpdateServiceOutput{}, nil
}

// BenchmarkTargets reports the memory of a target with one policy.
func BenchmarkTargets(b *testing.B) {
	const targets = 10_000
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	for b.Loop() {
		api, _ := manyTargets(b, targets)
		full := heap()
		*api.rows = registry{}
		api.times.steps = due.Queue[scaling.ResourceID]{}
		b.ReportMetric(float64(full-heap())/targets, "B/target")
		runtime.KeepAlive(api)
	}
}

// BenchmarkAlarmAction is the way from an alarm's call to the new desired
// count and its activity in the store.
func BenchmarkAlarmAction(b *testing.B) {
	api, ids := manyTargets(b, 1_000)
	points := func(v float64) []metric.Datapoint {
		now := api.now().Truncate(time.Minute)
		return []metric.Datapoint{{Time: now.Add(-3 * time.Minute), Value: v}, {Time: now.Add(-2 * time.Minute), Value: v}, {Time: now.Add(-time.Minute), Value: v}}
	}
	for name, value := range map[string]float64{"hold": 50, "out": 70} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				p := forgetCooldown(api, scaling.ResourceID(ids[i%len(ids)]))
				if err := api.AlarmAction(context.Background(), alarm.Notification{Action: p.ARN, Alarm: p.Alarms[0], State: alarm.Alarm, Datapoints: points(value)}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// forgetCooldown lets a target's policy act at once. It changes the row in its
// place, which costs the benchmark nothing.
func forgetCooldown(api *API, id scaling.ResourceID) *policy {
	p := api.rows.targets[id].policies[0]
	p.Cooldown = scaling.Cooldown{}
	return p
}
