package policy

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"

	"flyball/flyballtest"
)

// putPolicy keeps the CPU of shop/web at 60 %, with 2 to 10 tasks.
func putPolicy(t *testing.T, cfg aws.Config) {
	t.Helper()
	scaling := applicationautoscaling.NewFromConfig(cfg)
	_, err := scaling.RegisterScalableTarget(t.Context(), &applicationautoscaling.RegisterScalableTargetInput{
		ServiceNamespace:  types.ServiceNamespaceEcs,
		ScalableDimension: types.ScalableDimensionECSServiceDesiredCount,
		ResourceId:        aws.String("service/shop/web"),
		MinCapacity:       aws.Int32(2),
		MaxCapacity:       aws.Int32(10),
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = scaling.PutScalingPolicy(t.Context(), &applicationautoscaling.PutScalingPolicyInput{
		ServiceNamespace:  types.ServiceNamespaceEcs,
		ScalableDimension: types.ScalableDimensionECSServiceDesiredCount,
		ResourceId:        aws.String("service/shop/web"),
		PolicyName:        aws.String("cpu"),
		PolicyType:        types.PolicyTypeTargetTrackingScaling,
		TargetTrackingScalingPolicyConfiguration: &types.TargetTrackingScalingPolicyConfiguration{
			TargetValue:      aws.Float64(60),
			ScaleOutCooldown: aws.Int32(60),
			ScaleInCooldown:  aws.Int32(120),
			PredefinedMetricSpecification: &types.PredefinedMetricSpecification{
				PredefinedMetricType: types.MetricTypeECSServiceAverageCPUUtilization,
			},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestTheLunchPeakIsServed(t *testing.T) {
	s := flyballtest.Start(t)
	s.Deploy("shop/web", 2)
	putPolicy(t, s.Config())

	s.SetLoad("shop/web", flyballtest.Load{TotalCPU: 100}) // 50 % of each of two
	s.Advance(30 * time.Minute)
	if desired, _ := s.Tasks("shop/web"); desired != 2 {
		t.Fatalf("in the morning %d tasks are desired\n%s", desired, s.Explain("shop/web"))
	}

	s.SetLoad("shop/web", flyballtest.Load{TotalCPU: 360}) // more than two can do
	s.WaitDesired("shop/web", 4, 5*time.Minute)
	s.WaitRunning("shop/web", 6, 10*time.Minute)

	s.SetLoad("shop/web", flyballtest.Load{TotalCPU: 100})
	s.WaitRunning("shop/web", 2, time.Hour)
}
