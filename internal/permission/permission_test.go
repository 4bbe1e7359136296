package permission_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	astypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventstypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"flyball/internal/permission"
	"flyball/internal/principal"
	"flyball/policy"
)

// exist are the resources that the tests find.
var exist = map[string]permission.Resource{
	"user/bob":                         {ARN: "arn:aws:iam::123456789012:user/team/bob", Tags: map[string]string{"team": "red"}},
	"vpc-1":                            {ARN: "arn:aws:ec2:eu-west-2:123456789012:vpc/vpc-1"},
	"sg-1":                             {ARN: "arn:aws:ec2:eu-west-2:123456789012:security-group/sg-1"},
	"role/web":                         {ARN: "arn:aws:iam::123456789012:role/service/web"},
	"scalable-target/service/prod/web": {ARN: "arn:aws:application-autoscaling:eu-west-2:123456789012:scalable-target/0ec51"},
	"task-definition/web":              {ARN: "arn:aws:ecs:eu-west-2:123456789012:task-definition/web:9"},
	"task-definition/api:3":            {ARN: "arn:aws:ecs:eu-west-2:123456789012:task-definition/api:3", Roles: []string{"arn:aws:iam::123456789012:role/a"}},
}

const elbARN = "arn:aws:elasticloadbalancing:eu-west-2:123456789012:"

func call(service, operation string, in any) permission.Call {
	return permission.Call{
		Service: service, Operation: operation, Input: in, Account: "123456789012", Region: "eu-west-2", Partition: "aws",
		Source: "127.0.0.1", Time: time.Now(),
		Caller: principal.Principal{Kind: principal.User, Account: "123456789012", ARN: "arn:aws:iam::123456789012:user/team/bob", Name: "bob"},
		Find:   func(_, name string) (permission.Resource, bool) { r, ok := exist[name]; return r, ok },
	}
}

// judged are the actions of a call with their resources.
func judged(c permission.Call) (all []string) {
	for _, r := range permission.Requests(c) {
		all = append(all, r.Action+" "+r.Resource)
	}
	return all
}

func TestActionsAndResourcesOfCalls(t *testing.T) {
	for name, c := range map[string]struct {
		call permission.Call
		want []string
	}{
		"a service by its names": {
			call("ecs", "UpdateService", &ecs.UpdateServiceInput{Cluster: aws.String("prod"), Service: aws.String("web")}),
			[]string{"ecs:UpdateService arn:aws:ecs:eu-west-2:123456789012:service/prod/web"},
		},
		"a service by its ARN, in a cluster by its": {
			call("ecs", "UpdateService", &ecs.UpdateServiceInput{
				Cluster: aws.String("arn:aws:ecs:eu-west-2:123456789012:cluster/prod"), Service: aws.String("arn:aws:ecs:eu-west-2:123456789012:service/prod/web"),
			}),
			[]string{"ecs:UpdateService arn:aws:ecs:eu-west-2:123456789012:service/prod/web"},
		},
		"each of several, in the default cluster": {
			call("ecs", "DescribeServices", &ecs.DescribeServicesInput{Services: []string{"web", "api"}}),
			[]string{"ecs:DescribeServices arn:aws:ecs:eu-west-2:123456789012:service/default/web", "ecs:DescribeServices arn:aws:ecs:eu-west-2:123456789012:service/default/api"},
		},
		"targets of a group": {
			call("elasticloadbalancing", "RegisterTargets", &elasticloadbalancingv2.RegisterTargetsInput{TargetGroupArn: aws.String(elbARN + "targetgroup/app/1")}),
			[]string{"elasticloadbalancing:RegisterTargets " + elbARN + "targetgroup/app/1"},
		},
		"a listener with tags": {
			call("elasticloadbalancing", "CreateListener", &elasticloadbalancingv2.CreateListenerInput{
				LoadBalancerArn: aws.String(elbARN + "loadbalancer/app/web/1"), Tags: []elbtypes.Tag{{Key: aws.String("a"), Value: aws.String("b")}},
			}),
			[]string{
				"elasticloadbalancing:CreateListener " + elbARN + "loadbalancer/app/web/1",
				"elasticloadbalancing:AddTags " + elbARN + "listener/app/web/1/*",
			},
		},
		"tags alone": {
			call("elasticloadbalancing", "AddTags", &elasticloadbalancingv2.AddTagsInput{
				ResourceArns: []string{elbARN + "loadbalancer/app/web/1"}, Tags: []elbtypes.Tag{{Key: aws.String("a"), Value: aws.String("b")}},
			}),
			[]string{"elasticloadbalancing:AddTags " + elbARN + "loadbalancer/app/web/1"},
		},
		"each rule of several": {
			call("elasticloadbalancing", "SetRulePriorities", &elasticloadbalancingv2.SetRulePrioritiesInput{RulePriorities: []elbtypes.RulePriorityPair{
				{RuleArn: aws.String(elbARN + "listener-rule/app/web/1/2/3")}, {RuleArn: aws.String(elbARN + "listener-rule/app/web/1/2/4")},
			}}),
			[]string{
				"elasticloadbalancing:SetRulePriorities " + elbARN + "listener-rule/app/web/1/2/3",
				"elasticloadbalancing:SetRulePriorities " + elbARN + "listener-rule/app/web/1/2/4",
			},
		},
		"a stream of a log group, by the group's ARN": {
			call("logs", "GetLogEvents", &cloudwatchlogs.GetLogEventsInput{
				LogGroupIdentifier: aws.String("arn:aws:logs:eu-west-2:123456789012:log-group:/app/web"), LogStreamName: aws.String("web/1"),
			}),
			[]string{"logs:GetLogEvents arn:aws:logs:eu-west-2:123456789012:log-group:/app/web:log-stream:web/1"},
		},
		"a log group with tags": {
			call("logs", "CreateLogGroup", &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("/app/web"), Tags: map[string]string{"a": "b"}}),
			[]string{
				"logs:CreateLogGroup arn:aws:logs:eu-west-2:123456789012:log-group:/app/web:log-stream:",
				"logs:TagResource arn:aws:logs:eu-west-2:123456789012:log-group:/app/web:log-stream:",
			},
		},
		"a rule of the default bus": {
			call("events", "PutRule", &eventbridge.PutRuleInput{Name: aws.String("r"), RoleArn: aws.String("arn:aws:iam::123456789012:role/a")}),
			[]string{"events:PutRule arn:aws:events:eu-west-2:123456789012:rule/r", "iam:PassRole arn:aws:iam::123456789012:role/a"},
		},
		"a rule of another, by its ARN": {
			call("events", "DescribeRule", &eventbridge.DescribeRuleInput{
				Name: aws.String("r"), EventBusName: aws.String("arn:aws:events:eu-west-2:123456789012:event-bus/b"),
			}),
			[]string{"events:DescribeRule arn:aws:events:eu-west-2:123456789012:rule/b/r"},
		},
		"the default bus": {
			call("events", "DescribeEventBus", &eventbridge.DescribeEventBusInput{}),
			[]string{"events:DescribeEventBus arn:aws:events:eu-west-2:123456789012:event-bus/default"},
		},
		"every bus that events are put on": {
			call("events", "PutEvents", &eventbridge.PutEventsInput{Entries: []eventstypes.PutEventsRequestEntry{
				{EventBusName: aws.String("b")}, {}, {EventBusName: aws.String("arn:aws:events:eu-west-2:210987654321:event-bus/c")},
			}}),
			[]string{
				"events:PutEvents arn:aws:events:eu-west-2:123456789012:event-bus/b",
				"events:PutEvents arn:aws:events:eu-west-2:123456789012:event-bus/default",
				"events:PutEvents arn:aws:events:eu-west-2:210987654321:event-bus/c",
			},
		},
		"no resource-level permissions": {
			call("ecs", "ListClusters", &ecs.ListClustersInput{}),
			[]string{"ecs:ListClusters *"},
		},
		"the newest revision of a family": {
			call("ecs", "RunTask", &ecs.RunTaskInput{TaskDefinition: aws.String("web"), Overrides: &ecstypes.TaskOverride{TaskRoleArn: aws.String("web")}}),
			[]string{"ecs:RunTask arn:aws:ecs:eu-west-2:123456789012:task-definition/web:9", "iam:PassRole arn:aws:iam::123456789012:role/service/web"},
		},
		"roles of a task definition": {
			call("ecs", "RegisterTaskDefinition", &ecs.RegisterTaskDefinitionInput{
				Family: aws.String("web"), TaskRoleArn: aws.String("arn:aws:iam::123456789012:role/a"), ExecutionRoleArn: aws.String("arn:aws:iam::123456789012:role/b"),
			}),
			[]string{
				"ecs:RegisterTaskDefinition arn:aws:ecs:eu-west-2:123456789012:task-definition/web:*",
				"iam:PassRole arn:aws:iam::123456789012:role/a", "iam:PassRole arn:aws:iam::123456789012:role/b",
			},
		},
		"the role that shifts a service's traffic": {
			call("ecs", "UpdateService", &ecs.UpdateServiceInput{
				Cluster: aws.String("prod"), Service: aws.String("web"), LoadBalancers: []ecstypes.LoadBalancer{
					{TargetGroupArn: aws.String("plain")},
					{AdvancedConfiguration: &ecstypes.AdvancedConfiguration{RoleArn: aws.String("arn:aws:iam::123456789012:role/a")}},
				},
			}),
			[]string{"ecs:UpdateService arn:aws:ecs:eu-west-2:123456789012:service/prod/web", "iam:PassRole arn:aws:iam::123456789012:role/a"},
		},
		"the role of a definition that is run": {
			call("ecs", "StartTask", &ecs.StartTaskInput{TaskDefinition: aws.String("arn:aws:ecs:eu-west-2:123456789012:task-definition/api:3")}),
			[]string{"ecs:StartTask arn:aws:ecs:eu-west-2:123456789012:task-definition/api:3", "iam:PassRole arn:aws:iam::123456789012:role/a"},
		},
		"tags of what is made": {
			call("ecs", "RunTask", &ecs.RunTaskInput{TaskDefinition: aws.String("web"), Tags: []ecstypes.Tag{{Key: aws.String("team")}}}),
			[]string{"ecs:RunTask arn:aws:ecs:eu-west-2:123456789012:task-definition/web:9", "ecs:TagResource arn:aws:ecs:eu-west-2:123456789012:task/default/*"},
		},
		"tags of a role to be": {
			call("iam", "CreateRole", &iam.CreateRoleInput{RoleName: aws.String("new"), Tags: []iamtypes.Tag{{Key: aws.String("team")}}}),
			[]string{"iam:CreateRole arn:aws:iam::123456789012:role/new", "iam:TagRole arn:aws:iam::123456789012:role/new"},
		},
		"tags of a subnet to be": {
			call("ec2", "CreateSubnet", &ec2.CreateSubnetInput{VpcId: aws.String("vpc-1"), TagSpecifications: []ec2types.TagSpecification{{
				Tags: []ec2types.Tag{{Key: aws.String("team")}},
			}}}),
			[]string{
				"ec2:CreateSubnet arn:aws:ec2:eu-west-2:123456789012:subnet/*", "ec2:CreateSubnet arn:aws:ec2:eu-west-2:123456789012:vpc/vpc-1",
				"ec2:CreateTags arn:aws:ec2:eu-west-2:123456789012:subnet/*",
			},
		},
		"tags of resources of different types": {
			call("ec2", "CreateTags", &ec2.CreateTagsInput{Resources: []string{"vpc-1", "sg-1"}, Tags: []ec2types.Tag{{Key: aws.String("team")}}}),
			[]string{"ec2:CreateTags arn:aws:ec2:eu-west-2:123456789012:vpc/vpc-1", "ec2:CreateTags arn:aws:ec2:eu-west-2:123456789012:security-group/sg-1"},
		},
		"an alarm": {
			call("monitoring", "PutMetricAlarm", &cloudwatch.PutMetricAlarmInput{AlarmName: aws.String("a/b")}),
			[]string{"cloudwatch:PutMetricAlarm arn:aws:cloudwatch:eu-west-2:123456789012:alarm:a/b"},
		},
		"all alarms": {
			call("monitoring", "DescribeAlarms", &cloudwatch.DescribeAlarmsInput{}),
			[]string{"cloudwatch:DescribeAlarms arn:aws:cloudwatch:eu-west-2:123456789012:alarm:*"},
		},
		"a dashboard, which has no region": {
			call("monitoring", "GetDashboard", &cloudwatch.GetDashboardInput{DashboardName: aws.String("d")}),
			[]string{"cloudwatch:GetDashboard arn:aws:cloudwatch::123456789012:dashboard/d"},
		},
		"a scalable target with a role": {
			call("application-autoscaling", "RegisterScalableTarget", &applicationautoscaling.RegisterScalableTargetInput{
				ResourceId: aws.String("service/prod/web"), RoleARN: aws.String("arn:aws:iam::123456789012:role/scale"),
			}),
			[]string{
				"application-autoscaling:RegisterScalableTarget arn:aws:application-autoscaling:eu-west-2:123456789012:scalable-target/0ec51",
				"iam:PassRole arn:aws:iam::123456789012:role/scale",
			},
		},
		"a scalable target that is not there": {
			call("application-autoscaling", "PutScalingPolicy", &applicationautoscaling.PutScalingPolicyInput{ResourceId: aws.String("service/prod/api")}),
			[]string{"application-autoscaling:PutScalingPolicy arn:aws:application-autoscaling:eu-west-2:123456789012:scalable-target/*"},
		},
		"a resource by its ARN": {
			call("ecs", "ListTagsForResource", &ecs.ListTagsForResourceInput{ResourceArn: aws.String("arn:aws:ecs:eu-west-2:123456789012:cluster/prod")}),
			[]string{"ecs:ListTagsForResource arn:aws:ecs:eu-west-2:123456789012:cluster/prod"},
		},
		"the caller": {
			call("iam", "GetUser", &iam.GetUserInput{}),
			[]string{"iam:GetUser arn:aws:iam::123456789012:user/team/bob"},
		},
		"a user to be, with a path": {
			call("iam", "CreateUser", &iam.CreateUserInput{UserName: aws.String("eve"), Path: aws.String("/x/")}),
			[]string{"iam:CreateUser arn:aws:iam::123456789012:user/x/eve"},
		},
		"a role by its name": {
			call("iam", "GetRole", &iam.GetRoleInput{RoleName: aws.String("web")}),
			[]string{"iam:GetRole arn:aws:iam::123456789012:role/service/web"},
		},
		"a managed policy": {
			call("iam", "GetPolicy", &iam.GetPolicyInput{PolicyArn: aws.String("arn:aws:iam::aws:policy/AmazonECS_FullAccess")}),
			[]string{"iam:GetPolicy arn:aws:iam::aws:policy/AmazonECS_FullAccess"},
		},
		"who the caller is, which everybody may ask": {call("sts", "GetCallerIdentity", &sts.GetCallerIdentityInput{}), nil},
		"an operation that no table has":             {call("ecs", "DescribeNothing", &struct{}{}), []string{"ecs:DescribeNothing *"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := judged(c.call); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestConditionKeysOfCalls(t *testing.T) {
	for name, c := range map[string]struct {
		call permission.Call
		want map[string][]string // an empty list: it is not there
	}{
		"of every call": {
			call("ecs", "ListClusters", &ecs.ListClustersInput{}),
			map[string][]string{"aws:RequestedRegion": {"eu-west-2"}, "aws:SourceIp": {"127.0.0.1"}, "aws:SecureTransport": {"false"}, "aws:TagKeys": nil, "ecs:cluster": nil},
		},
		"of ECS": {
			call("ecs", "CreateService", &ecs.CreateServiceInput{
				ServiceName: aws.String("web"), TaskDefinition: aws.String("web"), EnableExecuteCommand: true, Tags: []ecstypes.Tag{{Key: aws.String("team"), Value: aws.String("red")}, {Key: aws.String("empty")}},
			}),
			map[string][]string{
				"ecs:cluster": {"arn:aws:ecs:eu-west-2:123456789012:cluster/default"}, "ecs:service": {"arn:aws:ecs:eu-west-2:123456789012:service/default/web"},
				"ecs:task-definition": {"arn:aws:ecs:eu-west-2:123456789012:task-definition/web:9"}, "ecs:enable-execute-command": {"true"},
				"aws:RequestTag/team": {"red"}, "aws:RequestTag/empty": {""}, "aws:TagKeys": {"team", "empty"},
			},
		},
		"of Application Auto Scaling": {
			call("application-autoscaling", "RegisterScalableTarget", &applicationautoscaling.RegisterScalableTargetInput{
				ResourceId: aws.String("service/prod/web"), ServiceNamespace: astypes.ServiceNamespaceEcs, ScalableDimension: astypes.ScalableDimensionECSServiceDesiredCount,
				Tags: map[string]string{"team": "red"},
			}),
			map[string][]string{
				"application-autoscaling:service-namespace": {"ecs"}, "application-autoscaling:scalable-dimension": {"ecs:service:DesiredCount"},
				"aws:RequestTag/team": {"red"}, "aws:TagKeys": {"team"},
			},
		},
		"of CloudWatch": {
			call("monitoring", "PutMetricAlarm", &cloudwatch.PutMetricAlarmInput{
				AlarmName: aws.String("a"), Namespace: aws.String("App"), AlarmActions: []string{"x"}, OKActions: []string{"y"}, Tags: []cwtypes.Tag{},
			}),
			map[string][]string{"cloudwatch:namespace": {"App"}, "cloudwatch:AlarmActions": {"x", "y"}},
		},
		"of tags that are taken away": {
			call("ecs", "UntagResource", &ecs.UntagResourceInput{ResourceArn: aws.String("arn:aws:ecs:eu-west-2:123456789012:cluster/prod"), TagKeys: []string{"team"}}),
			map[string][]string{"aws:TagKeys": {"team"}},
		},
		"of the resource's own tags": {
			call("iam", "GetUser", &iam.GetUserInput{UserName: aws.String("bob")}),
			map[string][]string{"aws:ResourceTag/team": {"red"}, "iam:ResourceTag/team": {"red"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			requests := permission.Requests(c.call)
			if len(requests) == 0 {
				t.Fatal("nothing is judged")
			}
			for key, want := range c.want {
				if got := requests[0].Context[key]; !slices.Equal(got, want) {
					t.Errorf("%s is %q, want %q", key, got, want)
				}
			}
		})
	}
}

func TestAPassedRoleSaysToWhom(t *testing.T) {
	requests := permission.Requests(call("ecs", "RegisterTaskDefinition", &ecs.RegisterTaskDefinitionInput{Family: aws.String("web"), TaskRoleArn: aws.String("web")}))
	if got := requests[len(requests)-1].Context["iam:PassedToService"]; !slices.Equal(got, []string{"ecs-tasks.amazonaws.com"}) {
		t.Errorf("passed to %q", got)
	}
}

func TestATrustPolicySeesForWhomAServiceAssumesARole(t *testing.T) {
	r := permission.ServiceAssumption{
		Service: "ecs-tasks.amazonaws.com", Role: "arn:aws:iam::123456789012:role/web", Source: "arn:aws:ecs:eu-west-2:123456789012:task/prod/1",
		Account: "123456789012", Region: "eu-west-2",
	}.Request()
	if r.Action != "sts:AssumeRole" || r.Principal.Kind != policy.Service || r.Principal.Service != "ecs-tasks.amazonaws.com" {
		t.Errorf("%s by %+v", r.Action, r.Principal)
	}
	for key, want := range map[string]string{"aws:SourceAccount": "123456789012", "aws:SourceArn": "arn:aws:ecs:eu-west-2:123456789012:task/prod/1", "aws:RequestedRegion": "eu-west-2"} {
		if got := r.Context[key]; !slices.Equal(got, []string{want}) {
			t.Errorf("%s is %q", key, got)
		}
	}
}

func TestTagsAndSourceIdentitiesOfSessionsNeedPermissionsOfTheirOwn(t *testing.T) {
	a := permission.Assumption{Role: permission.Resource{ARN: "arn:aws:iam::123456789012:role/web"}, SessionName: "try", ExternalID: "x", SourceIdentity: "bob", Tags: map[string]string{"team": "red"}}
	var actions []string
	for _, r := range a.Requests() {
		actions = append(actions, r.Action)
		if !slices.Equal(r.Context["sts:ExternalId"], []string{"x"}) || !slices.Equal(r.Context["sts:RoleSessionName"], []string{"try"}) || !slices.Equal(r.Context["aws:RequestTag/team"], []string{"red"}) {
			t.Errorf("%s: context %v", r.Action, r.Context)
		}
	}
	if want := []string{"sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"}; !slices.Equal(actions, want) {
		t.Errorf("got %v, want %v", actions, want)
	}
}

// An event of a source that may not be put is refused beside one that may.
func TestEachEntryOfPutEventsIsJudgedByItself(t *testing.T) {
	entry := func(source string) eventstypes.PutEventsRequestEntry {
		return eventstypes.PutEventsRequestEntry{Source: &source}
	}
	var sources []string
	for _, r := range permission.Requests(call("events", "PutEvents", &eventbridge.PutEventsInput{Entries: []eventstypes.PutEventsRequestEntry{entry("shop"), entry("bank")}})) {
		sources = append(sources, strings.Join(r.Context["events:source"], " "))
	}
	if !slices.Equal(sources, []string{"shop", "bank"}) {
		t.Errorf("they are judged as %q", sources)
	}
}
