package server

import (
	"context"
	"fmt"
	"regexp"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	scaling "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/client"
	"flyball/internal/task/simulated"
)

var monday = time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)

// manual has a server with a manual clock and the service demo/web, which has a target of 60 % CPU.
func manual(t testing.TB) (*Server, *client.Client) {
	t.Helper()
	s := open(t, "", func(c *Config) {
		c.Clock, c.Start, c.Runtime, c.Tasks = ClockManual, monday, "auto", nil
		c.TaskStart, c.TaskStop = 20*time.Second, 5*time.Second
	})
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return s, client.New(client.Config{Endpoint: s.URL(), Region: testRegion})
}

func deploy(t testing.TB, c *client.Client) {
	t.Helper()
	ctx := t.Context()
	check := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(c.ECS.CreateCluster(ctx, &ecs.CreateClusterInput{ClusterName: aws.String("demo")}))
	check(c.ECS.RegisterTaskDefinition(ctx, &ecs.RegisterTaskDefinitionInput{
		Family: aws.String("web"), Cpu: aws.String("256"), Memory: aws.String("512"), NetworkMode: types.NetworkModeAwsvpc,
		RequiresCompatibilities: []types.Compatibility{types.CompatibilityFargate},
		ContainerDefinitions:    []types.ContainerDefinition{{Name: aws.String("web"), Image: aws.String("shop/web")}},
	}))
	check(c.ECS.CreateService(ctx, &ecs.CreateServiceInput{
		Cluster: aws.String("demo"), ServiceName: aws.String("web"), TaskDefinition: aws.String("web"), DesiredCount: aws.Int32(2),
		LaunchType:           types.LaunchTypeFargate,
		NetworkConfiguration: &types.NetworkConfiguration{AwsvpcConfiguration: &types.AwsVpcConfiguration{Subnets: []string{"subnet-1"}}},
	}))
	check(c.AutoScaling.RegisterScalableTarget(ctx, &applicationautoscaling.RegisterScalableTargetInput{
		ServiceNamespace: scaling.ServiceNamespaceEcs, ScalableDimension: scaling.ScalableDimensionECSServiceDesiredCount,
		ResourceId: aws.String("service/demo/web"), MinCapacity: aws.Int32(2), MaxCapacity: aws.Int32(10),
	}))
	check(c.AutoScaling.PutScalingPolicy(ctx, &applicationautoscaling.PutScalingPolicyInput{
		ServiceNamespace: scaling.ServiceNamespaceEcs, ScalableDimension: scaling.ScalableDimensionECSServiceDesiredCount,
		ResourceId: aws.String("service/demo/web"), PolicyName: aws.String("cpu"), PolicyType: scaling.PolicyTypeTargetTrackingScaling,
		TargetTrackingScalingPolicyConfiguration: &scaling.TargetTrackingScalingPolicyConfiguration{
			TargetValue: aws.Float64(60), ScaleOutCooldown: aws.Int32(60), ScaleInCooldown: aws.Int32(60),
			PredefinedMetricSpecification: &scaling.PredefinedMetricSpecification{PredefinedMetricType: scaling.MetricTypeECSServiceAverageCPUUtilization},
		},
	}))
}

func counts(t testing.TB, c *client.Client) (desired, running int32) {
	t.Helper()
	out, err := c.ECS.DescribeServices(t.Context(), &ecs.DescribeServicesInput{Cluster: aws.String("demo"), Services: []string{"web"}})
	if err != nil {
		t.Fatal(err)
	}
	return out.Services[0].DesiredCount, out.Services[0].RunningCount
}

func TestAManualClockStandsStillUntilItIsMoved(t *testing.T) {
	s, c := manual(t)
	deploy(t, c)
	if now := s.Clock().Now(); !now.Equal(monday) {
		t.Errorf("it shows %v", now)
	}
	if err := s.Advance(t.Context(), 19*time.Second); err != nil {
		t.Fatal(err)
	}
	if desired, running := counts(t, c); desired != 2 || running != 0 {
		t.Errorf("after 19 s %d of %d tasks run", running, desired)
	}
	if err := s.Advance(t.Context(), time.Second); err != nil {
		t.Fatal(err)
	}
	if desired, running := counts(t, c); desired != 2 || running != 2 {
		t.Errorf("after 20 s %d of %d tasks run", running, desired)
	}
}

// history is what a target has come to after each minute, and its activities.
func history(t testing.TB) string {
	s, c := manual(t)
	deploy(t, c)
	var text string
	for minute := range 40 {
		load := 100.0 + 40*float64(minute%20)
		if err := s.SetLoad("demo/web", simulated.Load{TotalCPU: load}); err != nil {
			t.Fatal(err)
		}
		if err := s.Advance(t.Context(), time.Minute); err != nil {
			t.Fatal(err)
		}
		desired, running := counts(t, c)
		text += fmt.Sprint(minute, load, desired, running, "\n")
	}
	out, err := c.AutoScaling.DescribeScalingActivities(t.Context(), &applicationautoscaling.DescribeScalingActivitiesInput{ServiceNamespace: scaling.ServiceNamespaceEcs})
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range out.ScalingActivities {
		text += fmt.Sprint(a.StartTime.UTC(), a.EndTime, *a.Description, *a.Cause, a.StatusCode, "\n")
	}
	alarms, err := c.CloudWatch.DescribeAlarmHistory(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range alarms.AlarmHistoryItems {
		text += fmt.Sprint(a.Timestamp.UTC(), *a.HistorySummary, "\n")
	}
	return identifiers.ReplaceAllString(text, "ID")
}

var identifiers = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}`)

func TestTheSameLoadHasTheSameHistory(t *testing.T) {
	first := history(t)
	for range 3 {
		if again := history(t); again != first {
			t.Fatalf("%s\nand then\n%s", first, again)
		}
	}
}

func BenchmarkSimulatedMinutes(b *testing.B) {
	s, c := manual(b)
	deploy(b, c)
	b.ResetTimer()
	for i := range b.N {
		if i%30 == 0 {
			if err := s.SetLoad("demo/web", simulated.Load{TotalCPU: 100 + 400*float64(i/30%2)}); err != nil {
				b.Fatal(err)
			}
		}
		if err := s.Advance(b.Context(), time.Minute); err != nil {
			b.Fatal(err)
		}
	}
}
