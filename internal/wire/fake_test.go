package wire

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	astypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	smithy "github.com/aws/smithy-go"

	"flyball/internal/signature"
)

// always resolves every scope to the same value.
func always[T any](v T) func(context.Context, Scope) (T, error) {
	return func(context.Context, Scope) (T, error) { return v, nil }
}

// fakeECS answers a few operations, each in the way that one test needs.
type fakeECS struct {
	fail error // what every operation returns, if set
}

func (f *fakeECS) ListClusters(context.Context, *ecs.ListClustersInput, ...func(*ecs.Options)) (*ecs.ListClustersOutput, error) {
	panic("secret: 42")
}

func (f *fakeECS) DescribeServices(_ context.Context, in *ecs.DescribeServicesInput, _ ...func(*ecs.Options)) (*ecs.DescribeServicesOutput, error) {
	if f.fail != nil {
		return nil, f.fail
	}
	out := &ecs.DescribeServicesOutput{Failures: []ecstypes.Failure{}}
	for _, name := range in.Services {
		out.Services = append(out.Services, ecstypes.Service{
			ServiceName:  aws.String(name),
			ClusterArn:   in.Cluster,
			DesiredCount: 3,
			LaunchType:   ecstypes.LaunchTypeFargate,
			CreatedAt:    aws.Time(time.Unix(1_700_000_000, 123e6)),
			Tags:         []ecstypes.Tag{{Key: aws.String("team"), Value: aws.String("shop")}},
		})
	}
	return out, nil
}

func (f *fakeECS) CreateCluster(context.Context, *ecs.CreateClusterInput, ...func(*ecs.Options)) (*ecs.CreateClusterOutput, error) {
	return nil, nil
}

// fakeCloudWatch keeps what it was given.
type fakeCloudWatch struct {
	data *cloudwatch.PutMetricDataInput
	fail error
}

func (f *fakeCloudWatch) PutMetricData(_ context.Context, in *cloudwatch.PutMetricDataInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.PutMetricDataOutput, error) {
	f.data = in
	return &cloudwatch.PutMetricDataOutput{}, f.fail
}

func (f *fakeCloudWatch) GetMetricStatistics(_ context.Context, in *cloudwatch.GetMetricStatisticsInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricStatisticsOutput, error) {
	return &cloudwatch.GetMetricStatisticsOutput{
		Label: in.MetricName,
		Datapoints: []cwtypes.Datapoint{{
			Timestamp:          in.StartTime,
			Average:            aws.Float64(12.5),
			Sum:                aws.Float64(25),
			ExtendedStatistics: map[string]float64{"p99": 17.25, "p50": 11},
			Unit:               cwtypes.StandardUnitPercent,
		}},
	}, f.fail
}

func (f *fakeCloudWatch) GetDashboard(context.Context, *cloudwatch.GetDashboardInput, ...func(*cloudwatch.Options)) (*cloudwatch.GetDashboardOutput, error) {
	return nil, f.fail
}

func (f *fakeCloudWatch) TagResource(context.Context, *cloudwatch.TagResourceInput, ...func(*cloudwatch.Options)) (*cloudwatch.TagResourceOutput, error) {
	return &cloudwatch.TagResourceOutput{}, f.fail
}

// fakeScaling tells back what it was called with.
type fakeScaling struct {
	scope   Scope
	missing error // what no scope resolves for, if set
	fail    error
}

func (f *fakeScaling) resolve(_ context.Context, s Scope) (*fakeScaling, error) {
	f.scope = s
	return f, f.missing
}

func (f *fakeScaling) RegisterScalableTarget(_ context.Context, _ *applicationautoscaling.RegisterScalableTargetInput, _ ...func(*applicationautoscaling.Options)) (*applicationautoscaling.RegisterScalableTargetOutput, error) {
	return &applicationautoscaling.RegisterScalableTargetOutput{
		ScalableTargetARN: aws.String("arn:aws:application-autoscaling:us-east-1:123456789012:scalable-target/1"),
	}, f.fail
}

func (f *fakeScaling) DescribeScalableTargets(_ context.Context, in *applicationautoscaling.DescribeScalableTargetsInput, _ ...func(*applicationautoscaling.Options)) (*applicationautoscaling.DescribeScalableTargetsOutput, error) {
	return &applicationautoscaling.DescribeScalableTargetsOutput{
		ScalableTargets: []astypes.ScalableTarget{{
			ServiceNamespace: in.ServiceNamespace,
			ResourceId:       aws.String("service/prod/web"),
			MinCapacity:      aws.Int32(2),
			MaxCapacity:      aws.Int32(20),
			CreationTime:     aws.Time(time.Unix(1_700_000_000, 0)),
			SuspendedState:   &astypes.SuspendedState{ScheduledScalingSuspended: aws.Bool(true)},
		}},
	}, f.fail
}

func (f *fakeScaling) TagResource(context.Context, *applicationautoscaling.TagResourceInput, ...func(*applicationautoscaling.Options)) (*applicationautoscaling.TagResourceOutput, error) {
	return &applicationautoscaling.TagResourceOutput{}, f.fail
}

func (f *fakeScaling) PutScalingPolicy(context.Context, *applicationautoscaling.PutScalingPolicyInput, ...func(*applicationautoscaling.Options)) (*applicationautoscaling.PutScalingPolicyOutput, error) {
	return &applicationautoscaling.PutScalingPolicyOutput{}, f.fail
}

// Errors of the kinds that services return.
var (
	errUntyped = errors.New("open /var/lib/flyball: permission denied")
	errGeneric = &smithy.GenericAPIError{Code: "InvalidParameterValue", Message: "The value <x> is not valid", Fault: smithy.FaultClient}
)

// nobody admits known keys only.
func nobody(_ context.Context, signed bool) *signature.Error {
	if signed {
		return signature.ErrInvalidToken
	}
	return signature.ErrMissingToken
}
