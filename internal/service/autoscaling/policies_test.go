package autoscaling

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/smithy-go"

	"flyball/internal/service/autoscaling/rules"
	"flyball/scaling"
)

func (w *world) policiesOf() []types.ScalingPolicy {
	w.t.Helper()
	out, err := w.DescribeScalingPolicies(w.ctx, &applicationautoscaling.DescribeScalingPoliciesInput{
		ServiceNamespace: types.ServiceNamespaceEcs, ResourceId: aws.String(web), ScalableDimension: types.ScalableDimensionECSServiceDesiredCount,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return out.ScalingPolicies
}

func TestTargetTrackingCreatesItsAlarms(t *testing.T) {
	inWorld(t, func(w *world) {
		w.register(1, 20)
		out := w.put(tracking("cpu", types.TargetTrackingScalingPolicyConfiguration{}))
		if !regexp.MustCompile(`^arn:aws:autoscaling:us-east-1:123456789012:scalingPolicy:[0-9a-f-]{36}:resource/ecs/service/default/web:policyName/cpu$`).MatchString(*out.PolicyARN) {
			t.Errorf("ARN is %s", *out.PolicyARN)
		}
		if len(out.Alarms) != 2 {
			t.Fatalf("alarms: %v", out.Alarms)
		}
		for i, want := range []struct {
			side      string
			operator  cwtypes.ComparisonOperator
			threshold float64
			periods   int32
		}{
			{"High", cwtypes.ComparisonOperatorGreaterThanThreshold, 50, 3},
			{"Low", cwtypes.ComparisonOperatorLessThanThreshold, 45, 15},
		} {
			name := *out.Alarms[i].AlarmName
			if !regexp.MustCompile(`^TargetTracking-service/default/web-Alarm` + want.side + `-[0-9a-f-]{36}$`).MatchString(name) {
				t.Errorf("name is %s", name)
			}
			if *out.Alarms[i].AlarmARN != "arn:aws:cloudwatch:us-east-1:123456789012:alarm:"+name {
				t.Errorf("ARN is %s", *out.Alarms[i].AlarmARN)
			}
			m := w.cw.alarms[name]
			if m.ComparisonOperator != want.operator || *m.Threshold != want.threshold || *m.EvaluationPeriods != want.periods || *m.Period != 60 {
				t.Errorf("%s: %s %v, %d periods of %d s", name, m.ComparisonOperator, *m.Threshold, *m.EvaluationPeriods, *m.Period)
			}
			if *m.Namespace != "AWS/ECS" || *m.MetricName != "CPUUtilization" || m.Statistic != "Average" || *m.Dimensions[0].Value != "default" || *m.Dimensions[1].Value != "web" {
				t.Errorf("%s watches %+v", name, m)
			}
			if *m.AlarmDescription != "DO NOT EDIT OR DELETE. For TargetTrackingScaling policy "+*out.PolicyARN+"." || !slices.Equal(m.AlarmActions, []string{*out.PolicyARN}) {
				t.Errorf("%s: %q calls %v", name, *m.AlarmDescription, m.AlarmActions)
			}
		}
	})
}

func TestMetricsOfTargetTracking(t *testing.T) {
	predefined := func(m types.MetricType, label *string) types.TargetTrackingScalingPolicyConfiguration {
		return types.TargetTrackingScalingPolicyConfiguration{PredefinedMetricSpecification: &types.PredefinedMetricSpecification{PredefinedMetricType: m, ResourceLabel: label}}
	}
	tests := []struct {
		name   string
		config types.TargetTrackingScalingPolicyConfiguration
		want   string
	}{
		{"cpu", predefined(types.MetricTypeECSServiceAverageCPUUtilization, nil), "AWS/ECS CPUUtilization Average 60 ClusterName=default ServiceName=web"},
		{"memory", predefined(types.MetricTypeECSServiceAverageMemoryUtilization, nil), "AWS/ECS MemoryUtilization Average 60 ClusterName=default ServiceName=web"},
		{"cpu in high resolution", predefined("ECSServiceAverageCPUUtilizationHighResolution", nil), "AWS/ECS CPUUtilization Average 20 ClusterName=default ServiceName=web"},
		{"memory in high resolution", predefined("ECSServiceAverageMemoryUtilizationHighResolution", nil), "AWS/ECS MemoryUtilization Average 20 ClusterName=default ServiceName=web"},
		{
			"requests", predefined(types.MetricTypeALBRequestCountPerTarget, aws.String("app/lb/1/targetgroup/tg/2")),
			"AWS/ApplicationELB RequestCountPerTarget Sum 60 LoadBalancer=app/lb/1 TargetGroup=targetgroup/tg/2",
		},
		{
			"customized", types.TargetTrackingScalingPolicyConfiguration{CustomizedMetricSpecification: &types.CustomizedMetricSpecification{
				Namespace: aws.String("My"), MetricName: aws.String("Backlog"), Statistic: types.MetricStatisticMaximum,
				Dimensions: []types.MetricDimension{{Name: aws.String("Queue"), Value: aws.String("q")}},
			}}, "My Backlog Maximum 60 Queue=q",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.register(1, 20)
				for _, a := range w.put(tracking("p", tt.config)).Alarms {
					m := w.cw.alarms[*a.AlarmName]
					got := fmt.Sprint(*m.Namespace, " ", *m.MetricName, " ", m.Statistic, " ", *m.Period)
					for _, d := range m.Dimensions {
						got += fmt.Sprint(" ", *d.Name, "=", *d.Value)
					}
					if got != tt.want {
						t.Errorf("got %s, want %s", got, tt.want)
					}
				}
			})
		})
	}
}

func TestAPolicyFollowsOnlyATargetGroupOfItsService(t *testing.T) {
	label := func(group string) *string { return aws.String("app/lb/1/targetgroup/" + group) }
	requests := func(group string) *applicationautoscaling.PutScalingPolicyInput {
		return tracking("p", types.TargetTrackingScalingPolicyConfiguration{PredefinedMetricSpecification: &types.PredefinedMetricSpecification{
			PredefinedMetricType: types.MetricTypeALBRequestCountPerTarget, ResourceLabel: label(group),
		}})
	}
	forecast := func(group string) *applicationautoscaling.PutScalingPolicyInput {
		return predicting(predictiveConfig{MetricSpecifications: []types.PredictiveScalingMetricSpecification{{
			TargetValue:                       aws.Float64(100),
			PredefinedMetricPairSpecification: &types.PredictiveScalingPredefinedMetricPairSpecification{PredefinedMetricType: aws.String("ALBRequestCount"), ResourceLabel: label(group)},
		}}})
	}
	inWorld(t, func(w *world) {
		w.register(1, 20)
		w.scalingPolicies.targetGroups = func(_ context.Context, id scaling.ResourceID) ([]string, error) {
			return []string{"arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/tg/2"}, nil
		}
		for _, put := range []func(string) *applicationautoscaling.PutScalingPolicyInput{requests, forecast} {
			_, err := w.PutScalingPolicy(w.ctx, put("other/3"))
			wantError(t, err, "ValidationException", "Target group targetgroup/other/3 is not attached to ECS service service/default/web")
			w.put(put("tg/2"))
			w.put(tracking("cpu", types.TargetTrackingScalingPolicyConfiguration{}))
		}
	})
}

func TestTagsSetThePaceOfTargetTracking(t *testing.T) {
	inWorld(t, func(w *world) {
		var periods []time.Duration
		w.metricPeriod = func(_ context.Context, _ scaling.ResourceID, p time.Duration) error {
			periods = append(periods, p)
			return nil
		}
		arn := w.register(1, 20)
		out := w.put(tracking("cpu", types.TargetTrackingScalingPolicyConfiguration{}))
		pace := func() string {
			var s []string
			for _, a := range out.Alarms {
				m := w.cw.alarms[*a.AlarmName]
				s = append(s, fmt.Sprint(*m.EvaluationPeriods, "x", *m.Period))
			}
			return strings.Join(s, " ")
		}
		if _, err := w.TagResource(w.ctx, &applicationautoscaling.TagResourceInput{ResourceARN: &arn, Tags: map[string]string{
			rules.TagMetricPeriod: "1", rules.TagOutDatapoints: "2", rules.TagInDatapoints: "5",
		}}); err != nil {
			t.Fatal(err)
		}
		if pace() != "2x1 5x1" {
			t.Errorf("alarms are %s", pace())
		}
		if _, err := w.UntagResource(w.ctx, &applicationautoscaling.UntagResourceInput{ResourceARN: &arn, TagKeys: []string{rules.TagMetricPeriod, rules.TagOutDatapoints, rules.TagInDatapoints}}); err != nil {
			t.Fatal(err)
		}
		if pace() != "3x60 15x60" {
			t.Errorf("alarms are %s", pace())
		}
		if want := []time.Duration{time.Minute, time.Second, time.Minute}; !slices.Equal(periods, want) {
			t.Errorf("periods asked for: %v, want %v", periods, want)
		}
	})
}

func TestAnUpdateKeepsTheAlarmsOfTheSameMetric(t *testing.T) {
	inWorld(t, func(w *world) {
		w.register(1, 20)
		first := w.put(tracking("p", types.TargetTrackingScalingPolicyConfiguration{}))
		again := w.put(tracking("p", types.TargetTrackingScalingPolicyConfiguration{TargetValue: aws.Float64(60)}))
		if *again.PolicyARN != *first.PolicyARN || *again.Alarms[0].AlarmName != *first.Alarms[0].AlarmName {
			t.Errorf("was %+v, is %+v", first, again)
		}
		if got := *w.cw.alarms[*again.Alarms[1].AlarmName].Threshold; got != 54 {
			t.Errorf("low threshold is %v", got)
		}
		noIn := w.put(tracking("p", types.TargetTrackingScalingPolicyConfiguration{DisableScaleIn: aws.Bool(true)}))
		if len(noIn.Alarms) != 1 || len(w.cw.alarms) != 1 {
			t.Errorf("with scale-in disabled: %v, in all %d alarms", noIn.Alarms, len(w.cw.alarms))
		}
		memory := w.put(tracking("p", types.TargetTrackingScalingPolicyConfiguration{PredefinedMetricSpecification: &types.PredefinedMetricSpecification{PredefinedMetricType: types.MetricTypeECSServiceAverageMemoryUtilization}}))
		if len(w.cw.alarms) != 2 || *memory.Alarms[0].AlarmName == *first.Alarms[0].AlarmName {
			t.Errorf("with another metric: %v, in all %d alarms", memory.Alarms, len(w.cw.alarms))
		}
	})
}

func TestARefusedPolicyLeavesNothing(t *testing.T) {
	nameless := add2("")
	nameless.PolicyName = nil
	for _, tt := range []struct {
		name    string
		in      *applicationautoscaling.PutScalingPolicyInput
		message string
	}{
		{"no name", nameless, "PolicyName must be specified"},
		{"a target of zero", tracking("p", types.TargetTrackingScalingPolicyConfiguration{TargetValue: aws.Float64(0)}), "Target value 0 must be a number greater than 0"},
		{"no steps", stepping("p", types.StepScalingPolicyConfiguration{AdjustmentType: types.AdjustmentTypeChangeInCapacity}), "There must be at least one step adjustment"},
		{"an unknown id", onMath("p", expression("e1", "m1 * 2")), "Error in expression 'e1'"},
		{"an unknown mode", predicting(predictiveConfig{Mode: "Dream"}), "Mode must be ForecastOnly or ForecastAndScale"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.register(1, 20)
				_, err := w.PutScalingPolicy(w.ctx, tt.in)
				wantError(t, err, "ValidationException", tt.message)
				if len(w.cw.alarms) > 0 || len(w.rows.policies) > 0 {
					t.Error("something is left of it")
				}
			})
		})
	}
}

func TestPoliciesNeedATarget(t *testing.T) {
	inWorld(t, func(w *world) {
		_, err := w.PutScalingPolicy(w.ctx, add2("p"))
		wantError(t, err, "ObjectNotFoundException", "No scalable target registered for service namespace: ecs, resource ID: service/default/web, scalable dimension: ecs:service:DesiredCount")
	})
}

func TestEachTargetTrackingPolicyNeedsItsOwnMetric(t *testing.T) {
	inWorld(t, func(w *world) {
		w.register(1, 20)
		w.put(tracking("a", types.TargetTrackingScalingPolicyConfiguration{}))
		_, err := w.PutScalingPolicy(w.ctx, tracking("b", types.TargetTrackingScalingPolicyConfiguration{}))
		wantError(t, err, "ValidationException", "Only one TargetTrackingScaling policy for a given metric specification is allowed.")
	})
}

func TestATargetHasFiftyPoliciesAtMost(t *testing.T) {
	inWorld(t, func(w *world) {
		w.register(1, 20)
		for i := range maxPolicies {
			w.put(add2(fmt.Sprint("p", i)))
		}
		_, err := w.PutScalingPolicy(w.ctx, add2("more"))
		wantError(t, err, "LimitExceededException", "")
		w.put(add2("p7")) // an update is no new policy
	})
}

func TestAnAlarmThatFailsLeavesNothing(t *testing.T) {
	inWorld(t, func(w *world) {
		w.register(1, 20)
		w.cw.failOn, w.cw.fail = "PutMetricAlarm", &smithy.GenericAPIError{Code: "ValidationError", Message: "no such statistic"}
		_, err := w.PutScalingPolicy(w.ctx, tracking("p", types.TargetTrackingScalingPolicyConfiguration{}))
		wantError(t, err, "ValidationException", "The alarms of the policy cannot be created: no such statistic")
		w.cw.fail = errors.New("connection refused")
		_, err = w.PutScalingPolicy(w.ctx, tracking("p", types.TargetTrackingScalingPolicyConfiguration{}))
		wantError(t, err, "FailedResourceAccessException", "")
		if len(w.rows.policies) > 0 {
			t.Error("the policy is there all the same")
		}
	})
}

func TestDeleteScalingPolicy(t *testing.T) {
	inWorld(t, func(w *world) {
		w.register(1, 20)
		w.put(tracking("cpu", types.TargetTrackingScalingPolicyConfiguration{}))
		step := w.put(add2("step"))
		w.userAlarm("mine", *step.PolicyARN)
		for _, name := range []string{"cpu", "step"} {
			if _, err := w.DeleteScalingPolicy(w.ctx, &applicationautoscaling.DeleteScalingPolicyInput{
				PolicyName: aws.String(name), ServiceNamespace: types.ServiceNamespaceEcs, ResourceId: aws.String(web), ScalableDimension: types.ScalableDimensionECSServiceDesiredCount,
			}); err != nil {
				t.Fatal(err)
			}
		}
		if left := slices.Collect(maps.Keys(w.cw.alarms)); !slices.Equal(left, []string{"mine"}) {
			t.Errorf("alarms left: %v", left)
		}
		_, err := w.DeleteScalingPolicy(w.ctx, &applicationautoscaling.DeleteScalingPolicyInput{
			PolicyName: aws.String("cpu"), ServiceNamespace: types.ServiceNamespaceEcs, ResourceId: aws.String(web), ScalableDimension: types.ScalableDimensionECSServiceDesiredCount,
		})
		wantError(t, err, "ObjectNotFoundException", "No scaling policy found for service namespace: ecs, resource ID: service/default/web, scalable dimension: ecs:service:DesiredCount, policy name: cpu")
	})
}

func TestAPolicyGoesEvenIfItsAlarmsAreGone(t *testing.T) {
	inWorld(t, func(w *world) {
		w.register(1, 20)
		out := w.put(tracking("cpu", types.TargetTrackingScalingPolicyConfiguration{}))
		delete(w.cw.alarms, *out.Alarms[0].AlarmName)
		if _, err := w.DeleteScalingPolicy(w.ctx, &applicationautoscaling.DeleteScalingPolicyInput{
			PolicyName: aws.String("cpu"), ServiceNamespace: types.ServiceNamespaceEcs, ResourceId: aws.String(web), ScalableDimension: types.ScalableDimensionECSServiceDesiredCount,
		}); err != nil {
			t.Fatal(err)
		}
		if len(w.cw.alarms) > 0 {
			t.Error("the other alarm is still there")
		}
	})
}

func TestDescribeScalingPoliciesShowsWhatWasPut(t *testing.T) {
	inWorld(t, func(w *world) {
		w.register(1, 20)
		track := tracking("cpu", types.TargetTrackingScalingPolicyConfiguration{ScaleInCooldown: aws.Int32(60)})
		w.put(track)
		step := w.put(add2("step"))
		w.userAlarm("mine", *step.PolicyARN)
		got := w.policiesOf()
		if len(got) != 2 || *got[0].PolicyName != "cpu" || *got[1].PolicyName != "step" {
			t.Fatalf("got %+v", got)
		}
		if c := got[0].TargetTrackingScalingPolicyConfiguration; *c.ScaleInCooldown != 60 || c.ScaleOutCooldown != nil || c.DisableScaleIn != nil {
			t.Errorf("what was not given is not left out: %+v", c)
		}
		if a := got[1].Alarms; len(a) != 1 || *a[0].AlarmName != "mine" {
			t.Errorf("alarms of the step policy are %v", a)
		}
		if c := got[1].StepScalingPolicyConfiguration; c.Cooldown != nil || c.MetricAggregationType != "" || len(c.StepAdjustments) != 2 {
			t.Errorf("what was not given is not left out: %+v", c)
		}
	})
}

func TestNothingPanicsOnEmptyInputs(t *testing.T) {
	inWorld(t, func(w *world) {
		w.register(1, 20)
		_, err := w.RegisterScalableTarget(w.ctx, &applicationautoscaling.RegisterScalableTargetInput{})
		wantError(t, err, "ValidationException", "")
		_, err = w.DeregisterScalableTarget(w.ctx, &applicationautoscaling.DeregisterScalableTargetInput{})
		wantError(t, err, "ValidationException", "")
		_, err = w.PutScalingPolicy(w.ctx, &applicationautoscaling.PutScalingPolicyInput{})
		wantError(t, err, "ValidationException", "")
		_, err = w.DeleteScalingPolicy(w.ctx, &applicationautoscaling.DeleteScalingPolicyInput{})
		wantError(t, err, "ValidationException", "")
		_, err = w.TagResource(w.ctx, &applicationautoscaling.TagResourceInput{})
		wantError(t, err, "ResourceNotFoundException", "")
		_, err = w.PutScalingPolicy(w.ctx, &applicationautoscaling.PutScalingPolicyInput{
			PolicyName: aws.String("p"), ServiceNamespace: types.ServiceNamespaceEcs, ResourceId: aws.String(web), ScalableDimension: types.ScalableDimensionECSServiceDesiredCount,
			PolicyType: types.PolicyTypeTargetTrackingScaling,
			TargetTrackingScalingPolicyConfiguration: &types.TargetTrackingScalingPolicyConfiguration{
				CustomizedMetricSpecification: &types.CustomizedMetricSpecification{Dimensions: []types.MetricDimension{{}}},
			},
		})
		wantError(t, err, "ValidationException", "")
	})
}
