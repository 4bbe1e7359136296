package autoscaling

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/smithy-go"

	"flyball/internal/service/autoscaling/rules"
)

// wantError checks an error's code and the start of its message.
func wantError(t *testing.T, err error, code, message string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) {
		t.Fatalf("got %v, want %s", err, code)
	}
	if api.ErrorCode() != code || !strings.HasPrefix(api.ErrorMessage(), message) {
		t.Errorf("got %s: %s\nwant %s: %s", api.ErrorCode(), api.ErrorMessage(), code, message)
	}
}

func registration(change func(*applicationautoscaling.RegisterScalableTargetInput)) *applicationautoscaling.RegisterScalableTargetInput {
	in := &applicationautoscaling.RegisterScalableTargetInput{
		ServiceNamespace: types.ServiceNamespaceEcs, ResourceId: aws.String(web), ScalableDimension: types.ScalableDimensionECSServiceDesiredCount,
		MinCapacity: aws.Int32(1), MaxCapacity: aws.Int32(20),
	}
	change(in)
	return in
}

func TestRegisterScalableTargetRefuses(t *testing.T) {
	type input = applicationautoscaling.RegisterScalableTargetInput
	tests := []struct {
		name    string
		change  func(*input)
		message string
	}{
		{"a service that does not exist", func(in *input) { in.ResourceId = aws.String("service/default/foo") }, "ECS service doesn't exist: service/default/foo"},
		{"a cluster that does not exist", func(in *input) { in.ResourceId = aws.String("service/nowhere/foo") }, "ECS service doesn't exist: service/nowhere/foo"},
		{"another namespace", func(in *input) { in.ServiceNamespace = types.ServiceNamespaceDynamodb }, "Flyball scales ECS services and Lambda functions: service namespace dynamodb is not supported"},
		{"a new target without a minimum", func(in *input) { in.MinCapacity = nil }, "Minimum capacity and maximum capacity must be specified"},
		{"a new target without a maximum", func(in *input) { in.MaxCapacity = nil }, "Minimum capacity and maximum capacity must be specified"},
		{"min above max", func(in *input) { in.MinCapacity = aws.Int32(30) }, "Maximum capacity cannot be less than minimum capacity"},
		{"a negative minimum", func(in *input) { in.MinCapacity = aws.Int32(-1) }, "Minimum capacity -1 must not be negative"},
		{"a tag of AWS", func(in *input) { in.Tags = map[string]string{"aws:x": "y"} }, "aws: prefixed tag key names are not allowed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				_, err := w.RegisterScalableTarget(w.ctx, registration(tt.change))
				wantError(t, err, "ValidationException", tt.message)
				if len(w.rows.targets) > 0 {
					t.Error("a target is there all the same")
				}
			})
		})
	}
}

// The reference bounds a role's length and characters, and no more.
func TestTheRoleIsKeptAsGiven(t *testing.T) {
	inWorld(t, func(w *world) {
		if _, err := w.RegisterScalableTarget(w.ctx, registration(func(in *applicationautoscaling.RegisterScalableTargetInput) { in.RoleARN = aws.String("test:arn") })); err != nil {
			t.Fatal(err)
		}
		out, err := w.DescribeScalableTargets(w.ctx, &applicationautoscaling.DescribeScalableTargetsInput{ServiceNamespace: types.ServiceNamespaceEcs})
		if err != nil || aws.ToString(out.ScalableTargets[0].RoleARN) != "test:arn" {
			t.Errorf("got %+v, %v", out, err)
		}
	})
}

func TestNothingOfOtherServicesIsFound(t *testing.T) {
	inWorld(t, func(w *world) {
		_, err := w.DeregisterScalableTarget(w.ctx, &applicationautoscaling.DeregisterScalableTargetInput{
			ServiceNamespace: types.ServiceNamespaceDynamodb, ResourceId: aws.String("table/t"), ScalableDimension: types.ScalableDimensionDynamoDBTableReadCapacityUnits})
		wantError(t, err, "ObjectNotFoundException", "No scalable target found for service namespace: dynamodb, resource ID: table/t, scalable dimension: dynamodb:table:ReadCapacityUnits")
		_, err = w.DeleteScalingPolicy(w.ctx, &applicationautoscaling.DeleteScalingPolicyInput{PolicyName: aws.String("p"),
			ServiceNamespace: types.ServiceNamespaceDynamodb, ResourceId: aws.String("table/t"), ScalableDimension: types.ScalableDimensionDynamoDBTableReadCapacityUnits})
		wantError(t, err, "ObjectNotFoundException", "No scaling policy found for service namespace: dynamodb, resource ID: table/t, scalable dimension: dynamodb:table:ReadCapacityUnits, policy name: p")
	})
}

func TestRegisteringAgainKeepsWhatIsNotGiven(t *testing.T) {
	inWorld(t, func(w *world) {
		arn := w.register(2, 20)
		out, err := w.RegisterScalableTarget(w.ctx, &applicationautoscaling.RegisterScalableTargetInput{
			ServiceNamespace: types.ServiceNamespaceEcs, ResourceId: aws.String(web), ScalableDimension: types.ScalableDimensionECSServiceDesiredCount,
			MaxCapacity: aws.Int32(30), SuspendedState: &types.SuspendedState{DynamicScalingInSuspended: aws.Bool(true)},
		})
		if err != nil {
			t.Fatal(err)
		}
		if *out.ScalableTargetARN != arn {
			t.Errorf("ARN changes from %s to %s", arn, *out.ScalableTargetARN)
		}
		got := w.described()
		if *got.MinCapacity != 2 || *got.MaxCapacity != 30 {
			t.Errorf("bounds are %d..%d", *got.MinCapacity, *got.MaxCapacity)
		}
		if !*got.SuspendedState.DynamicScalingInSuspended || *got.SuspendedState.DynamicScalingOutSuspended {
			t.Errorf("suspended: %+v", got.SuspendedState)
		}
	})
}

func TestRegisteringAgainTakesNoTags(t *testing.T) {
	inWorld(t, func(w *world) {
		w.register(2, 20)
		_, err := w.RegisterScalableTarget(w.ctx, registration(func(in *applicationautoscaling.RegisterScalableTargetInput) {
			in.Tags = map[string]string{"team": "a"}
		}))
		wantError(t, err, "ValidationException", "The scalable target that you tried to tag already exists. To update tags on an existing scalable target, use the TagResource API.")
		if got := w.described(); *got.MinCapacity != 2 {
			t.Errorf("the refused call changed the minimum to %d", *got.MinCapacity)
		}
	})
}

// described is web as DescribeScalableTargets shows it.
func (w *world) described() types.ScalableTarget {
	w.t.Helper()
	out, err := w.DescribeScalableTargets(w.ctx, &applicationautoscaling.DescribeScalableTargetsInput{ServiceNamespace: types.ServiceNamespaceEcs, ResourceIds: []string{web}})
	if err != nil || len(out.ScalableTargets) != 1 {
		w.t.Fatalf("got %v, %v", out, err)
	}
	return out.ScalableTargets[0]
}

func TestDescribeScalableTargetsTellsTheDefaults(t *testing.T) {
	inWorld(t, func(w *world) {
		w.register(1, 20)
		got := w.described()
		if want := "arn:aws:iam::123456789012:role/aws-service-role/ecs.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_ECSService"; *got.RoleARN != want {
			t.Errorf("role is %s", *got.RoleARN)
		}
		if !regexp.MustCompile(`^arn:aws:application-autoscaling:us-east-1:123456789012:scalable-target/[a-z0-9]+$`).MatchString(*got.ScalableTargetARN) {
			t.Errorf("ARN is %s", *got.ScalableTargetARN)
		}
		s := got.SuspendedState
		if *s.DynamicScalingInSuspended || *s.DynamicScalingOutSuspended || *s.ScheduledScalingSuspended {
			t.Errorf("suspended: %+v", s)
		}
		if !got.CreationTime.Equal(time.Date(2026, 3, 2, 17, 0, 0, 0, time.UTC)) {
			t.Errorf("created at %v", got.CreationTime)
		}
	})
}

func TestListingsComeInPages(t *testing.T) {
	inWorld(t, func(w *world) {
		for i := range 120 {
			id := fmt.Sprintf("service/default/s%03d", i)
			w.ecs.add(id, 1, 1)
			_, err := w.RegisterScalableTarget(w.ctx, registration(func(in *applicationautoscaling.RegisterScalableTargetInput) { in.ResourceId = aws.String(id) }))
			if err != nil {
				t.Fatal(err)
			}
		}
		var sizes []int
		var ids []string
		pages := applicationautoscaling.NewDescribeScalableTargetsPaginator(w.API, &applicationautoscaling.DescribeScalableTargetsInput{ServiceNamespace: types.ServiceNamespaceEcs, MaxResults: aws.Int32(500)})
		for pages.HasMorePages() {
			page, err := pages.NextPage(w.ctx)
			if err != nil {
				t.Fatal(err)
			}
			sizes = append(sizes, len(page.ScalableTargets))
			for _, s := range page.ScalableTargets {
				ids = append(ids, *s.ResourceId)
			}
		}
		if fmt.Sprint(sizes) != "[50 50 20]" || ids[0] != "service/default/s000" || ids[119] != "service/default/s119" {
			t.Errorf("pages of %v from %s to %s", sizes, ids[0], ids[119])
		}
	})
}

func TestListingsRefuse(t *testing.T) {
	inWorld(t, func(w *world) {
		_, err := w.DescribeScalableTargets(w.ctx, &applicationautoscaling.DescribeScalableTargetsInput{ServiceNamespace: types.ServiceNamespaceEcs, NextToken: aws.String("x")})
		wantError(t, err, "InvalidNextTokenException", "")
		_, err = w.DescribeScalingPolicies(w.ctx, &applicationautoscaling.DescribeScalingPoliciesInput{ServiceNamespace: types.ServiceNamespaceEcs, NextToken: aws.String("x")})
		wantError(t, err, "InvalidNextTokenException", "")
		_, err = w.DescribeScalingActivities(w.ctx, &applicationautoscaling.DescribeScalingActivitiesInput{ServiceNamespace: types.ServiceNamespaceEcs, NextToken: aws.String("x")})
		wantError(t, err, "InvalidNextTokenException", "")
		_, err = w.DescribeScheduledActions(w.ctx, &applicationautoscaling.DescribeScheduledActionsInput{ServiceNamespace: types.ServiceNamespaceEcs, NextToken: aws.String("x")})
		wantError(t, err, "InvalidNextTokenException", "")
		_, err = w.DescribeScalableTargets(w.ctx, &applicationautoscaling.DescribeScalableTargetsInput{ServiceNamespace: types.ServiceNamespaceEcs, MaxResults: aws.Int32(0)})
		wantError(t, err, "ValidationException", "MaxResults must be between 1 and 50")
		_, err = w.DescribeScalingPolicies(w.ctx, &applicationautoscaling.DescribeScalingPoliciesInput{ServiceNamespace: types.ServiceNamespaceEcs, MaxResults: aws.Int32(-1)})
		wantError(t, err, "ValidationException", "MaxResults must be between 1 and 10")
		_, err = w.DescribeScalableTargets(w.ctx, &applicationautoscaling.DescribeScalableTargetsInput{ServiceNamespace: types.ServiceNamespaceEcs, ScalableDimension: types.ScalableDimensionECSServiceDesiredCount})
		wantError(t, err, "ValidationException", "A resource ID must be specified")
	})
}

func TestOtherNamespacesHaveNothingToList(t *testing.T) {
	inWorld(t, func(w *world) {
		w.register(1, 20)
		out, err := w.DescribeScalableTargets(w.ctx, &applicationautoscaling.DescribeScalableTargetsInput{ServiceNamespace: types.ServiceNamespaceDynamodb})
		if err != nil || len(out.ScalableTargets) != 0 {
			t.Errorf("got %v, %v", out, err)
		}
	})
}

func TestACapacityOutsideNewBoundsIsBroughtInside(t *testing.T) {
	tests := []struct {
		name     string
		min, max int32
		to       int32
		cause    string
	}{
		{"below the minimum", 12, 20, 12, "minimum capacity was set to 12"},
		{"above the maximum", 1, 8, 8, "maximum capacity was set to 8"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.ecs.instant = true
				w.register(tt.min, tt.max)
				w.wantDesired(tt.to)
				time.Sleep(2 * time.Second)
				a := w.activities(false)
				if len(a) != 1 || *a[0].Cause != tt.cause || a[0].StatusCode != types.ScalingActivityStatusCodeSuccessful {
					t.Errorf("activities: %+v", a)
				}
			})
		})
	}
}

func TestACapacityInsideTheBoundsStays(t *testing.T) {
	inWorld(t, func(w *world) {
		w.register(1, 20)
		if len(w.ecs.updates) > 0 || len(w.activities(true)) > 0 {
			t.Errorf("updates %v, activities %v", w.ecs.updates, w.activities(true))
		}
	})
}

func TestDeregisteringDeletesPoliciesAndTheirAlarms(t *testing.T) {
	inWorld(t, func(w *world) {
		w.register(1, 20)
		w.put(tracking("cpu", types.TargetTrackingScalingPolicyConfiguration{}))
		step := w.put(add2("step"))
		w.userAlarm("mine", *step.PolicyARN)
		in := &applicationautoscaling.DeregisterScalableTargetInput{ServiceNamespace: types.ServiceNamespaceEcs, ResourceId: aws.String(web), ScalableDimension: types.ScalableDimensionECSServiceDesiredCount}
		if _, err := w.DeregisterScalableTarget(w.ctx, in); err != nil {
			t.Fatal(err)
		}
		if len(w.cw.alarms) != 1 || len(w.rows.policies) != 0 || len(w.rows.targets) != 0 {
			t.Errorf("left: %d alarms, %d policies, %d targets", len(w.cw.alarms), len(w.rows.policies), len(w.rows.targets))
		}
		_, err := w.DeregisterScalableTarget(w.ctx, in)
		wantError(t, err, "ObjectNotFoundException", "No scalable target found for service namespace: ecs, resource ID: service/default/web, scalable dimension: ecs:service:DesiredCount")
		if err := w.ResourceDeleted(w.ctx, web); err != nil {
			t.Errorf("a service without a target: %v", err)
		}
	})
}

func TestTargetsAndPoliciesSurviveARestart(t *testing.T) {
	inWorld(t, func(w *world) {
		w.register(1, 20)
		w.put(tracking("cpu", types.TargetTrackingScalingPolicyConfiguration{ScaleInCooldown: aws.Int32(60)}))
		w.put(add2("step"))
		target, policies := w.described(), w.policiesOf()
		w.restart()
		if again := w.described(); fmt.Sprint(*again.ScalableTargetARN, *again.MaxCapacity) != fmt.Sprint(*target.ScalableTargetARN, *target.MaxCapacity) {
			t.Errorf("target was %+v, is %+v", target, again)
		}
		again := w.policiesOf()
		if len(again) != 2 || *again[0].PolicyARN != *policies[0].PolicyARN || len(again[0].Alarms) != 2 ||
			*again[0].TargetTrackingScalingPolicyConfiguration.ScaleInCooldown != 60 {
			t.Errorf("policies were %+v, are %+v", policies, again)
		}
	})
}

func TestTags(t *testing.T) {
	inWorld(t, func(w *world) {
		arn := aws.String(w.register(1, 20))
		tag := func(tags map[string]string) error {
			_, err := w.TagResource(w.ctx, &applicationautoscaling.TagResourceInput{ResourceARN: arn, Tags: tags})
			return err
		}
		if err := tag(map[string]string{"team": "a", "stage": "test"}); err != nil {
			t.Fatal(err)
		}
		if err := tag(map[string]string{"team": "b"}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.UntagResource(w.ctx, &applicationautoscaling.UntagResourceInput{ResourceARN: arn, TagKeys: []string{"stage", "none"}}); err != nil {
			t.Fatal(err)
		}
		out := must[*applicationautoscaling.ListTagsForResourceOutput](t)(w.ListTagsForResource(w.ctx, &applicationautoscaling.ListTagsForResourceInput{ResourceARN: arn}))
		if fmt.Sprint(out.Tags) != "map[team:b]" {
			t.Errorf("tags are %v", out.Tags)
		}
		many := map[string]string{}
		for i := range 50 {
			many[fmt.Sprint("k", i)] = "v"
		}
		wantError(t, tag(many), "TooManyTagsException", "")
		wantError(t, tag(map[string]string{rules.TagMetricPeriod: "0"}), "ValidationException", "Tag flyball:metric-period")
		arn = aws.String("arn:aws:application-autoscaling:us-east-1:123456789012:scalable-target/none")
		wantError(t, tag(nil), "ResourceNotFoundException", "")
	})
}

func TestTheQuotaOfTargets(t *testing.T) {
	inWorld(t, func(w *world) {
		w.scalableTargets.most = 1
		w.register(1, 20)
		w.register(1, 30) // an update is no new target
		w.ecs.add("service/default/other", 1, 1)
		_, err := w.RegisterScalableTarget(w.ctx, registration(func(in *applicationautoscaling.RegisterScalableTargetInput) {
			in.ResourceId = aws.String("service/default/other")
		}))
		wantError(t, err, "LimitExceededException", "")
		synctest.Wait()
	})
}

func TestOnlyTheTargetWhoseServiceIsGoneIsForgotten(t *testing.T) {
	inWorld(t, func(w *world) {
		w.register(1, 20)
		first := w.lookup(w.ctx, web)
		forget := func(seen *target) *target {
			if err := w.forgetGone(w.ctx, seen); err != nil {
				t.Fatal(err)
			}
			return w.lookup(w.ctx, web)
		}
		if forget(first) == nil {
			t.Error("the service was there again, and its target is forgotten")
		}

		if _, err := w.DeregisterScalableTarget(w.ctx, &applicationautoscaling.DeregisterScalableTargetInput{
			ServiceNamespace: types.ServiceNamespaceEcs, ResourceId: aws.String(web), ScalableDimension: types.ScalableDimensionECSServiceDesiredCount,
		}); err != nil {
			t.Fatal(err)
		}
		w.register(1, 20)
		second := w.lookup(w.ctx, web)
		w.ecs.change(web, func(s *ecstypes.Service) { s.Status = aws.String("INACTIVE") })
		if forget(first) == nil {
			t.Error("the target of an earlier service took the later one with it")
		}
		if forget(second) != nil {
			t.Error("a target stays whose service is gone")
		}
	})
}
