package autoscaling

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// live is the alias of most tests.
const live = "function:my-function:live"

// environments are the provisioned environments of the aliases that there are. They are
// ready at once.
type environments map[string]int32

func (e environments) GetProvisionedConcurrencyConfig(_ context.Context, in *lambda.GetProvisionedConcurrencyConfigInput, _ ...func(*lambda.Options)) (*lambda.GetProvisionedConcurrencyConfigOutput, error) {
	switch n, ok := e["function:"+*in.FunctionName+":"+*in.Qualifier]; {
	case !ok:
		return nil, &lambdatypes.ResourceNotFoundException{}
	case n == 0:
		return nil, &lambdatypes.ProvisionedConcurrencyConfigNotFoundException{}
	default:
		return &lambda.GetProvisionedConcurrencyConfigOutput{
			RequestedProvisionedConcurrentExecutions: aws.Int32(n), AllocatedProvisionedConcurrentExecutions: aws.Int32(n),
		}, nil
	}
}

func (e environments) PutProvisionedConcurrencyConfig(_ context.Context, in *lambda.PutProvisionedConcurrencyConfigInput, _ ...func(*lambda.Options)) (*lambda.PutProvisionedConcurrencyConfigOutput, error) {
	e["function:"+*in.FunctionName+":"+*in.Qualifier] = *in.ProvisionedConcurrentExecutions
	return nil, nil
}

func (e environments) DeleteProvisionedConcurrencyConfig(_ context.Context, in *lambda.DeleteProvisionedConcurrencyConfigInput, _ ...func(*lambda.Options)) (*lambda.DeleteProvisionedConcurrencyConfigOutput, error) {
	e["function:"+*in.FunctionName+":"+*in.Qualifier] = 0
	return nil, nil
}

func (w *world) registerFunction(id string, min, max int32) error {
	_, err := w.RegisterScalableTarget(w.ctx, &applicationautoscaling.RegisterScalableTargetInput{
		ServiceNamespace: types.ServiceNamespaceLambda, ResourceId: aws.String(id),
		ScalableDimension: types.ScalableDimensionLambdaFunctionProvisionedConcurrency,
		MinCapacity:       aws.Int32(min), MaxCapacity: aws.Int32(max),
	})
	return err
}

// utilization is a policy that keeps the utilization of live's provisioned concurrency
// at 70 %.
func utilization() *applicationautoscaling.PutScalingPolicyInput {
	in := tracking("utilization", types.TargetTrackingScalingPolicyConfiguration{
		TargetValue: aws.Float64(0.7),
		PredefinedMetricSpecification: &types.PredefinedMetricSpecification{
			PredefinedMetricType: types.MetricTypeLambdaProvisionedConcurrencyUtilization,
		},
	})
	in.ServiceNamespace, in.ResourceId = types.ServiceNamespaceLambda, aws.String(live)
	in.ScalableDimension = types.ScalableDimensionLambdaFunctionProvisionedConcurrency
	return in
}

// functionActivities are live's, newest first.
func (w *world) functionActivities() []types.ScalingActivity {
	w.t.Helper()
	synctest.Wait()
	out, err := w.DescribeScalingActivities(w.ctx, &applicationautoscaling.DescribeScalingActivitiesInput{ServiceNamespace: types.ServiceNamespaceLambda})
	if err != nil {
		w.t.Fatal(err)
	}
	return out.ScalingActivities
}

func TestAFunctionIsBroughtInsideItsBounds(t *testing.T) {
	inWorld(t, func(w *world) {
		w.lambda[live] = 0
		if err := w.registerFunction(live, 5, 20); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		if w.lambda[live] != 5 {
			t.Fatalf("%d environments are provisioned, want 5", w.lambda[live])
		}
		all := w.functionActivities()
		if len(all) != 1 {
			t.Fatalf("%d activities, want 1", len(all))
		}
		a := all[0]
		if a.ServiceNamespace != types.ServiceNamespaceLambda || a.ScalableDimension != types.ScalableDimensionLambdaFunctionProvisionedConcurrency ||
			*a.Description != "Setting desired concurrency to 5." ||
			aws.ToString(a.StatusMessage) != "Successfully set desired concurrency to 5. Change successfully fulfilled by lambda." {
			t.Errorf("got %s %s %q %q", a.ServiceNamespace, a.ScalableDimension, *a.Description, aws.ToString(a.StatusMessage))
		}
	})
}

func TestAnAlarmScalesTheProvisionedConcurrencyOfAFunction(t *testing.T) {
	inWorld(t, func(w *world) {
		w.lambda[live] = 10
		if err := w.registerFunction(live, 1, 20); err != nil {
			t.Fatal(err)
		}
		out := w.put(utilization())
		high := w.cw.alarms[*out.Alarms[0].AlarmName]
		if *high.Namespace != "AWS/Lambda" || *high.MetricName != "ProvisionedConcurrencyUtilization" || high.Statistic != cwtypes.StatisticAverage ||
			*high.EvaluationPeriods != 3 || *high.Period != 60 || *high.Threshold != 0.7 ||
			*high.Dimensions[0].Value != "my-function" || *high.Dimensions[1].Value != "my-function:live" {
			t.Errorf("the alarm is %+v", high)
		}
		if err := w.alarm(*high.AlarmName, *out.PolicyARN, 0.9); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		if w.lambda[live] != 13 { // 10 at 0.9 against 0.7 need 12.86
			t.Errorf("%d environments are provisioned, want 13", w.lambda[live])
		}
	})
}

func TestEachNamespaceListsItsOwnTargets(t *testing.T) {
	inWorld(t, func(w *world) {
		w.register(20, 30)
		w.lambda[live] = 0
		if err := w.registerFunction(live, 1, 10); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		for ns, want := range map[types.ServiceNamespace]string{types.ServiceNamespaceEcs: web, types.ServiceNamespaceLambda: live, types.ServiceNamespaceDynamodb: ""} {
			targets := must[*applicationautoscaling.DescribeScalableTargetsOutput](t)(w.DescribeScalableTargets(w.ctx, &applicationautoscaling.DescribeScalableTargetsInput{ServiceNamespace: ns}))
			activities := must[*applicationautoscaling.DescribeScalingActivitiesOutput](t)(w.DescribeScalingActivities(w.ctx, &applicationautoscaling.DescribeScalingActivitiesInput{ServiceNamespace: ns}))
			var got []string
			for _, s := range targets.ScalableTargets {
				got = append(got, *s.ResourceId)
			}
			for _, a := range activities.ScalingActivities {
				got = append(got, *a.ResourceId)
			}
			slices.Sort(got)
			if got = slices.Compact(got); want == "" && len(got) > 0 || want != "" && !slices.Equal(got, []string{want}) {
				t.Errorf("namespace %s lists %v, want %s", ns, got, want)
			}
		}
	})
}

func TestWhatFunctionsCannotHave(t *testing.T) {
	inWorld(t, func(w *world) {
		w.lambda[live] = 5
		if err := w.registerFunction(live, 1, 20); err != nil {
			t.Fatal(err)
		}
		steps := add2("steps")
		steps.ServiceNamespace, steps.ResourceId, steps.ScalableDimension = types.ServiceNamespaceLambda, aws.String(live), types.ScalableDimensionLambdaFunctionProvisionedConcurrency
		cpu := utilization()
		cpu.TargetTrackingScalingPolicyConfiguration.PredefinedMetricSpecification.PredefinedMetricType = types.MetricTypeECSServiceAverageCPUUtilization
		of := tracking("of", types.TargetTrackingScalingPolicyConfiguration{PredefinedMetricSpecification: &types.PredefinedMetricSpecification{
			PredefinedMetricType: types.MetricTypeLambdaProvisionedConcurrencyUtilization,
		}})
		w.register(1, 20)
		for name, c := range map[string]struct {
			in   *applicationautoscaling.PutScalingPolicyInput
			want string
		}{
			"steps":                       {steps, "Policy type StepScaling is not supported for service namespace lambda"},
			"the metric of a service":     {cpu, "Predefined metric type ECSServiceAverageCPUUtilization is not supported for scalable dimension lambda:function:ProvisionedConcurrency"},
			"its own metric on a service": {of, "Predefined metric type LambdaProvisionedConcurrencyUtilization is not supported for scalable dimension ecs:service:DesiredCount"},
		} {
			_, err := w.PutScalingPolicy(w.ctx, c.in)
			wantError(t, err, "ValidationException", c.want)
			if t.Failed() {
				t.Fatal(name)
			}
		}
		wantError(t, w.registerFunction("function:none:live", 1, 2), "ValidationException", "Lambda function doesn't exist: function:none:live")
	})
}
