package server

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	aastypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"golang.org/x/sync/errgroup"

	"flyball/internal/task"
)

// BenchmarkMemory reports what a scalable target with a target tracking policy
// on CPU and its two alarms keeps in memory, and the ECS service below it, which
// has no task: with as many of them as the name says, in a server with a data
// folder. With -short it leaves out the most, which take a minute.
func BenchmarkMemory(b *testing.B) {
	for _, n := range []int{1_000, 10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			if n > 10_000 && testing.Short() {
				b.Skip("takes a minute")
			}
			for b.Loop() {
				s := benchServer(b)
				empty := heapBytes()
				s.each(b, n, s.benchService)
				services := heapBytes()
				s.each(b, n, s.benchTarget)
				targets := heapBytes()
				b.ReportMetric((services-empty)/float64(n), "B/service")
				b.ReportMetric((targets-services)/float64(n), "B/target")
				s.Close()
			}
		})
	}
}

func heapBytes() float64 {
	runtime.GC()
	runtime.GC() // what the first found to be garbage of pools
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

func benchServer(b *testing.B) *Server {
	b.Helper()
	s, err := Open(b.Context(), Config{
		Addr: "127.0.0.1:0", Data: b.TempDir(), Tasks: noTasks{}, Speed: 1, Account: "123456789012", Region: "us-east-1",
		Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := s.home().ecs.CreateCluster(b.Context(), &ecs.CreateClusterInput{ClusterName: aws.String("production")}); err != nil {
		b.Fatal(err)
	}
	if _, err := s.home().ecs.RegisterTaskDefinition(b.Context(), &ecs.RegisterTaskDefinitionInput{
		Family:               aws.String("web"),
		ContainerDefinitions: []ecstypes.ContainerDefinition{{Name: aws.String("web"), Image: aws.String("web"), Memory: aws.Int32(16)}},
	}); err != nil {
		b.Fatal(err)
	}
	return s
}

// each calls f for the numbers below n, many at a time: they share disk syncs.
func (s *Server) each(b *testing.B, n int, f func(ctx context.Context, name string) error) {
	b.Helper()
	var group errgroup.Group
	group.SetLimit(256)
	for i := range n {
		group.Go(func() error { return f(b.Context(), fmt.Sprintf("checkout-%06d", i)) })
	}
	if err := group.Wait(); err != nil {
		b.Fatal(err)
	}
}

func (s *Server) benchService(ctx context.Context, name string) error {
	_, err := s.home().ecs.CreateService(ctx, &ecs.CreateServiceInput{
		Cluster: aws.String("production"), ServiceName: &name, TaskDefinition: aws.String("web"), DesiredCount: aws.Int32(0),
	})
	return err
}

func (s *Server) benchTarget(ctx context.Context, name string) error {
	resource := "service/production/" + name
	_, err := s.home().autoscaling.RegisterScalableTarget(ctx, &applicationautoscaling.RegisterScalableTargetInput{
		ServiceNamespace: aastypes.ServiceNamespaceEcs, ScalableDimension: aastypes.ScalableDimensionECSServiceDesiredCount,
		ResourceId: &resource, MinCapacity: aws.Int32(0), MaxCapacity: aws.Int32(10),
	})
	if err != nil {
		return err
	}
	_, err = s.home().autoscaling.PutScalingPolicy(ctx, &applicationautoscaling.PutScalingPolicyInput{
		ServiceNamespace: aastypes.ServiceNamespaceEcs, ScalableDimension: aastypes.ScalableDimensionECSServiceDesiredCount,
		ResourceId: &resource, PolicyName: aws.String("cpu-at-50-percent"), PolicyType: aastypes.PolicyTypeTargetTrackingScaling,
		TargetTrackingScalingPolicyConfiguration: &aastypes.TargetTrackingScalingPolicyConfiguration{
			TargetValue: aws.Float64(50),
			PredefinedMetricSpecification: &aastypes.PredefinedMetricSpecification{
				PredefinedMetricType: aastypes.MetricTypeECSServiceAverageCPUUtilization,
			},
		},
	})
	return err
}

// noTasks is a runtime that is not asked to run any.
type noTasks struct{ task.Runtime }

func (noTasks) Name() string                                 { return "none" }
func (noTasks) Recover(context.Context) ([]task.Task, error) { return nil, nil }
func (noTasks) Close() error                                 { return nil }
