package server

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	astypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// trusting is a trust policy of one service, with more members.
func trusting(service, more string) string {
	return `{"Version": "2012-10-17", "Statement": [{"Action": "sts:AssumeRole", "Effect": "Allow", "Sid": "", "Principal": {"Service": "` + service + `"}` + more + `}]}`
}

const (
	scalingService = "application-autoscaling.amazonaws.com"
	webARN         = "arn:aws:ecs:us-east-1:" + testAccount + ":service/shop/web"
	scalerARN      = "arn:aws:iam::" + testAccount + ":role/scaler"
)

// withService runs a server with the service shop/web, and returns its administrator.
func withService(t *testing.T, change ...func(*Config)) user {
	t.Helper()
	s := open(t, "", change...)
	t.Cleanup(running(t, s))
	admin := userWith(s.URL(), "", aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"})
	ctx := t.Context()
	if _, err := admin.ecs.CreateCluster(ctx, &ecs.CreateClusterInput{ClusterName: aws.String("shop")}); err != nil {
		t.Fatal(err)
	}
	_, err := admin.ecs.RegisterTaskDefinition(ctx, &ecs.RegisterTaskDefinitionInput{
		Family:               aws.String("web"),
		ContainerDefinitions: []ecstypes.ContainerDefinition{{Name: aws.String("web"), Image: aws.String("web"), Memory: aws.Int32(16)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = admin.ecs.CreateService(ctx, &ecs.CreateServiceInput{
		Cluster: aws.String("shop"), ServiceName: aws.String("web"), TaskDefinition: aws.String("web"), DesiredCount: aws.Int32(1),
		Tags: []ecstypes.Tag{{Key: aws.String("team"), Value: aws.String("red")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return admin
}

// makeScaler makes the role scaler with a trust policy and, if it is not empty, one
// policy.
func (u user) makeScaler(t *testing.T, trust, policy string) {
	t.Helper()
	role := aws.String("scaler")
	if _, err := u.iam.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: role, AssumeRolePolicyDocument: &trust}); err != nil {
		t.Fatal(err)
	}
	if policy != "" {
		u.allowScaler(t, policy)
	}
}

func (u user) allowScaler(t *testing.T, policy string) {
	t.Helper()
	_, err := u.iam.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: aws.String("scaler"), PolicyName: aws.String("scale"), PolicyDocument: &policy})
	if err != nil {
		t.Fatal(err)
	}
}

func (u user) registerTarget(ctx context.Context, role string, least int32) error {
	_, err := u.autoscaling.RegisterScalableTarget(ctx, &applicationautoscaling.RegisterScalableTargetInput{
		ServiceNamespace: astypes.ServiceNamespaceEcs, ScalableDimension: astypes.ScalableDimensionECSServiceDesiredCount,
		ResourceId: aws.String("service/shop/web"), MinCapacity: &least, MaxCapacity: aws.Int32(4), RoleARN: &role,
	})
	return err
}

func (u user) track(ctx context.Context) (*applicationautoscaling.PutScalingPolicyOutput, error) {
	return u.autoscaling.PutScalingPolicy(ctx, &applicationautoscaling.PutScalingPolicyInput{
		ServiceNamespace: astypes.ServiceNamespaceEcs, ScalableDimension: astypes.ScalableDimensionECSServiceDesiredCount,
		ResourceId: aws.String("service/shop/web"), PolicyName: aws.String("cpu"), PolicyType: astypes.PolicyTypeTargetTrackingScaling,
		TargetTrackingScalingPolicyConfiguration: &astypes.TargetTrackingScalingPolicyConfiguration{
			TargetValue:                   aws.Float64(10),
			PredefinedMetricSpecification: &astypes.PredefinedMetricSpecification{PredefinedMetricType: astypes.MetricTypeECSServiceAverageCPUUtilization},
		},
	})
}

// allActions are the permissions that scaling needs, on a resource each of ECS and
// CloudWatch.
func allActions(resources ...string) string {
	return `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["ecs:DescribeServices", "ecs:UpdateService",
		"cloudwatch:PutMetricAlarm", "cloudwatch:DescribeAlarms", "cloudwatch:DeleteAlarms"], "Resource": ["` + strings.Join(resources, `", "`) + `"]}]}`
}

func TestTheRoleOfAScalableTargetNeedsWhatItIsUsedFor(t *testing.T) {
	const none = "because no identity-based policy allows the "
	for name, c := range map[string]struct {
		trust, policy string
		target        []string // what is told when the target is registered
		alarms        []string // and when the policy is put
	}{
		"ARNs with two wildcards": {
			trusting(scalingService, ""), allActions("arn:aws:ecs:us-east-1:"+testAccount+":*/*", "arn:aws:cloudwatch:us-east-1:"+testAccount+":*/*"), nil, nil,
		},
		"every resource":               {trusting(scalingService, ""), allActions("*"), nil, nil},
		"the service's own ARN":        {trusting(scalingService, ""), allActions(webARN, "arn:aws:cloudwatch:*:*:alarm:TargetTracking-service/shop/web-*"), nil, nil},
		"the trust of the linked role": {trusting("ecs.application-autoscaling.amazonaws.com", ""), allActions("*"), nil, nil},
		"a trust for this account and these targets": {
			trusting(scalingService, `, "Condition": {"StringEquals": {"aws:SourceAccount": "`+testAccount+`"},
				"ArnLike": {"aws:SourceArn": "arn:aws:application-autoscaling:us-east-1:`+testAccount+`:scalable-target/*"}}`),
			allActions("*"), nil, nil,
		},
		"conditions on the cluster and on tags": {
			trusting(scalingService, ""), `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ecs:*", "Resource": "*", "Condition":
				{"ArnEquals": {"ecs:cluster": "arn:aws:ecs:us-east-1:` + testAccount + `:cluster/shop"}, "StringEquals": {"aws:ResourceTag/team": "red"}}},
				{"Effect": "Allow", "Action": "cloudwatch:DescribeAlarms", "Resource": "*"}]}`, nil, nil,
		},
		"no policy": {trusting(scalingService, ""), "", []string{
			"It is not authorized to perform: ecs:DescribeServices on resource: " + webARN + " " + none + "ecs:DescribeServices action; " +
				"ecs:UpdateService on resource: " + webARN + " " + none + "ecs:UpdateService action."}, nil},
		"another region's": {trusting(scalingService, ""), allActions("arn:aws:ecs:eu-west-2:" + testAccount + ":*/*"), []string{"ecs:DescribeServices", "ecs:UpdateService"}, nil},
		"an explicit deny": {trusting(scalingService, ""), `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"},
			{"Effect": "Deny", "Action": "ecs:Update*", "Resource": "*"}]}`,
			[]string{"perform: ecs:UpdateService on resource: " + webARN + " with an explicit deny in an identity-based policy."}, nil},
		"another service's trust": {trusting("ecs.amazonaws.com", ""), allActions("*"), []string{
			"Its trust policy does not allow sts:AssumeRole to application-autoscaling.amazonaws.com or ecs.application-autoscaling.amazonaws.com."}, nil},
		"a trust for another account": {
			trusting(scalingService, `, "Condition": {"StringEquals": {"aws:SourceAccount": "210987654321"}}`), allActions("*"), []string{"Its trust policy"}, nil,
		},
		"nothing": {trusting("ec2.amazonaws.com", ""), "", []string{"Its trust policy", "ecs:DescribeServices", "ecs:UpdateService"}, nil},
		"no alarms": {trusting(scalingService, ""), allActions("arn:aws:ecs:*:*:*"), nil, []string{
			"perform: cloudwatch:DescribeAlarms on resource: arn:aws:cloudwatch:us-east-1:" + testAccount + ":alarm:TargetTracking-service/shop/web-AlarmHigh-",
			"; cloudwatch:DescribeAlarms on resource: arn:aws:cloudwatch:us-east-1:" + testAccount + ":alarm:TargetTracking-service/shop/web-AlarmLow-"}},
	} {
		t.Run(name, func(t *testing.T) {
			admin := withService(t)
			admin.makeScaler(t, c.trust, c.policy)
			err := admin.registerTarget(t.Context(), scalerARN, 1)
			wantRefusal(t, err, c.target)
			if len(c.target) == 0 {
				_, err = admin.track(t.Context())
				wantRefusal(t, err, c.alarms)
			}
		})
	}
}

// AWS's own policy for such roles is enough, as is a boundary around it that allows as
// much; one that does not is told of.
func TestTheRoleMayHaveAManagedPolicyAndABoundary(t *testing.T) {
	admin, ctx := withService(t), t.Context()
	admin.makeScaler(t, trusting(scalingService, ""), "")
	_, err := admin.iam.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{
		RoleName: aws.String("scaler"), PolicyArn: aws.String("arn:aws:iam::aws:policy/service-role/AmazonEC2ContainerServiceAutoscaleRole"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := admin.registerTarget(ctx, scalerARN, 1); err != nil {
		t.Error(err)
	}
	if _, err := admin.track(ctx); err != nil {
		t.Error(err)
	}
	bound := document("Allow", "ecs:Describe*", "*", "")
	boundary, err := admin.iam.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: aws.String("bound"), PolicyDocument: &bound})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := admin.iam.PutRolePermissionsBoundary(ctx, &iam.PutRolePermissionsBoundaryInput{RoleName: aws.String("scaler"), PermissionsBoundary: boundary.Policy.Arn}); err != nil {
		t.Fatal(err)
	}
	wantRefusal(t, admin.registerTarget(ctx, scalerARN, 1), []string{
		"to perform: ecs:UpdateService on resource: " + webARN + " because no permissions boundary allows the ecs:UpdateService action."})
}

// wantRefusal wants a ValidationException with all the parts, or no error without
// any.
func wantRefusal(t *testing.T, err error, parts []string) {
	t.Helper()
	if len(parts) == 0 {
		if err != nil {
			t.Error(err)
		}
		return
	}
	for _, part := range parts {
		refused(t, err, "ValidationException", 400, part)
	}
	if err != nil && strings.Contains(err.Error(), "Unable to assume") {
		t.Errorf("a client would try again: %v", err)
	}
}

func TestARoleThatIsNotThereIsRefusedUnlessRolesAreTaken(t *testing.T) {
	admin := withService(t)
	for _, role := range []string{scalerARN, "arn:aws:iam::210987654321:role/scaler", "scaler", "arn:aws:iam::" + testAccount + ":user/scaler"} {
		refused(t, admin.registerTarget(t.Context(), role, 1), "ValidationException", 400, "The role "+role+" does not exist.")
	}
	admin = withService(t, func(c *Config) { c.Roles = RolesTaken })
	if err := admin.registerTarget(t.Context(), scalerARN, 1); err != nil {
		t.Error(err)
	}
}

func TestAPermissionThatIsTakenAwayFailsTheActivityOfAnAlarm(t *testing.T) {
	admin, ctx := withService(t), t.Context()
	admin.makeScaler(t, trusting(scalingService, ""), allActions("*"))
	if err := admin.registerTarget(ctx, scalerARN, 1); err != nil {
		t.Fatal(err)
	}
	policy, err := admin.autoscaling.PutScalingPolicy(ctx, &applicationautoscaling.PutScalingPolicyInput{
		ServiceNamespace: astypes.ServiceNamespaceEcs, ScalableDimension: astypes.ScalableDimensionECSServiceDesiredCount,
		ResourceId: aws.String("service/shop/web"), PolicyName: aws.String("step"), PolicyType: astypes.PolicyTypeStepScaling,
		StepScalingPolicyConfiguration: &astypes.StepScalingPolicyConfiguration{
			AdjustmentType:  astypes.AdjustmentTypeExactCapacity,
			StepAdjustments: []astypes.StepAdjustment{{MetricIntervalLowerBound: aws.Float64(0), ScalingAdjustment: aws.Int32(3)}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = admin.cloudwatch.PutMetricAlarm(ctx, &cloudwatch.PutMetricAlarmInput{
		AlarmName: aws.String("busy"), Namespace: aws.String("Shop"), MetricName: aws.String("Load"), Statistic: cwtypes.StatisticAverage, Period: aws.Int32(60),
		EvaluationPeriods: aws.Int32(1), Threshold: aws.Float64(1), ComparisonOperator: cwtypes.ComparisonOperatorGreaterThanOrEqualToThreshold,
		AlarmActions: []string{*policy.PolicyARN},
	})
	if err != nil {
		t.Fatal(err)
	}
	admin.allowScaler(t, allActions("arn:aws:ecs:us-east-1:"+testAccount+":service/shop/other", "arn:aws:cloudwatch:*:*:*"))
	_, err = admin.cloudwatch.PutMetricData(ctx, &cloudwatch.PutMetricDataInput{
		Namespace: aws.String("Shop"), MetricData: []cwtypes.MetricDatum{{MetricName: aws.String("Load"), Value: aws.Float64(5), Timestamp: aws.Time(time.Now().Add(-time.Minute))}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := admin.cloudwatch.SetAlarmState(ctx, &cloudwatch.SetAlarmStateInput{AlarmName: aws.String("busy"), StateValue: cwtypes.StateValueAlarm, StateReason: aws.String("test")}); err != nil {
		t.Fatal(err)
	}
	activity := admin.awaitActivity(t)
	for _, part := range []string{"Failed to set desired count to 3. Reason: The role " + scalerARN, "ecs:DescribeServices on resource: " + webARN, "ecs:UpdateService on resource: " + webARN} {
		if activity.StatusCode != astypes.ScalingActivityStatusCodeFailed || !strings.Contains(*activity.StatusMessage, part) {
			t.Errorf("%s: %s", activity.StatusCode, *activity.StatusMessage)
		}
	}
	services, err := admin.ecs.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: aws.String("shop"), Services: []string{"web"}})
	if err != nil || services.Services[0].DesiredCount != 1 {
		t.Errorf("the desired count is %d, %v", services.Services[0].DesiredCount, err)
	}
}

// awaitActivity is the newest activity that has ended.
func (u user) awaitActivity(t *testing.T) astypes.ScalingActivity {
	t.Helper()
	var newest astypes.ScalingActivity
	await(t, "an activity has ended", func() bool {
		out, err := u.autoscaling.DescribeScalingActivities(t.Context(), &applicationautoscaling.DescribeScalingActivitiesInput{ServiceNamespace: astypes.ServiceNamespaceEcs})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.ScalingActivities) == 0 {
			return false
		}
		newest = out.ScalingActivities[0]
		return newest.EndTime != nil
	})
	return newest
}
