package server

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"flyball/internal/store"
	"flyball/internal/task/idle"
	"flyball/internal/variant"
)

const (
	testAccount = "123456789012"
	testRegion  = "us-east-1"
)

// A world is a server of its own with a few things in it.
type world struct {
	t      testing.TB
	server *Server
	client *http.Client
	names  map[string]any // what $NAMES in inputs stand for
	stop   func()
}

// The calls that prepare a world, in order.
var preparation = []struct{ service, operation, input string }{
	{"ecs", "CreateCluster", `{"clusterName": "prod"}`},
	{"ecs", "CreateCluster", `{"clusterName": "empty"}`},
	// Its health never becomes known, so that its deployment is in progress for
	// good and nothing changes by itself.
	{"ecs", "RegisterTaskDefinition", `{"family": "web", "containerDefinitions": [{"name": "main", "image": "i", "cpu": 128, "memory": 64,
		"healthCheck": {"command": ["CMD", "true"]}}]}`},
	{"ecs", "RegisterTaskDefinition", `{"family": "web", "containerDefinitions": [{"name": "main", "image": "j", "cpu": 128, "memory": 64,
		"healthCheck": {"command": ["CMD", "true"]}}]}`},
	{"ecs", "RegisterTaskDefinition", `{"family": "old", "containerDefinitions": [{"name": "main", "image": "i", "memory": 64}]}`},
	{"ecs", "DeregisterTaskDefinition", `{"taskDefinition": "old:1"}`},
	{"ecs", "CreateService", `{"cluster": "prod", "serviceName": "web", "taskDefinition": "web:1", "desiredCount": 1,
		"tags": [{"key": "team", "value": "shop"}]}`},
	{"ecs", "CreateService", `{"cluster": "prod", "serviceName": "spare", "taskDefinition": "web:1", "desiredCount": 1}`},
	{"ecs", "CreateService", `{"cluster": "prod", "serviceName": "paused", "taskDefinition": "web:1", "desiredCount": 1,
		"deploymentConfiguration": {"strategy": "BLUE_GREEN", "lifecycleHooks": [{"targetType": "PAUSE", "lifecycleStages": ["PRE_SCALE_UP"]}]}}`},
	{"ecs", "CreateCapacityProvider", `{"name": "spare", "autoScalingGroupProvider": {
		"autoScalingGroupArn": "arn:aws:autoscaling:us-east-1:123456789012:autoScalingGroup:x:autoScalingGroupName/spare"}}`},
	{"ecs", "RegisterContainerInstance", `{"cluster": "prod", "attributes": [{"name": "rack", "value": "1"}]}`},
	{"ecs", "RunTask", `{"cluster": "prod", "taskDefinition": "web:1"}`},
	{"application-autoscaling", "RegisterScalableTarget", `{"ServiceNamespace": "ecs", "ResourceId": "service/prod/web",
		"ScalableDimension": "ecs:service:DesiredCount", "MinCapacity": 1, "MaxCapacity": 10, "Tags": {"team": "shop"}}`},
	{"application-autoscaling", "PutScalingPolicy", `{"ServiceNamespace": "ecs", "ResourceId": "service/prod/web",
		"ScalableDimension": "ecs:service:DesiredCount", "PolicyName": "cpu", "PolicyType": "TargetTrackingScaling",
		"TargetTrackingScalingPolicyConfiguration": {"TargetValue": 50,
			"PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"}}}`},
	{"application-autoscaling", "PutScalingPolicy", `{"ServiceNamespace": "ecs", "ResourceId": "service/prod/web",
		"ScalableDimension": "ecs:service:DesiredCount", "PolicyName": "step", "PolicyType": "StepScaling",
		"StepScalingPolicyConfiguration": {"AdjustmentType": "ChangeInCapacity", "StepAdjustments": [
			{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}]}}`},
	{"application-autoscaling", "PutScheduledAction", `{"ServiceNamespace": "ecs", "ResourceId": "service/prod/web",
		"ScalableDimension": "ecs:service:DesiredCount", "ScheduledActionName": "nightly", "Schedule": "at(2099-01-01T00:00:00)",
		"ScalableTargetAction": {"MinCapacity": 1}}`},
	{"logs", "CreateLogGroup", `{"logGroupName": "app", "tags": {"team": "shop"}}`},
	{"logs", "CreateLogStream", `{"logGroupName": "app", "logStreamName": "web"}`},
	{"logs", "PutLogEvents", `{"logGroupName": "app", "logStreamName": "web", "logEvents": [{"timestamp": "$millis", "message": "a line"}]}`},
	{"logs", "PutMetricFilter", `{"logGroupName": "app", "filterName": "errors", "filterPattern": "ERROR",
		"metricTransformations": [{"metricName": "Errors", "metricNamespace": "Shop", "metricValue": "1"}]}`},
	{"logs", "PutRetentionPolicy", `{"logGroupName": "app", "retentionInDays": 7}`},
	{"logs", "PutResourcePolicy", `{"policyName": "dns", "policyDocument": "{\"Statement\": [{\"Effect\": \"Allow\", \"Principal\": \"*\", \"Action\": \"logs:*\", \"Resource\": \"*\"}]}"}`},
	{"logs", "PutQueryDefinition", `{"name": "mine", "queryString": "fields @message"}`},
	{"monitoring", "PutMetricData", `{"Namespace": "Shop", "MetricData": [{"MetricName": "Orders", "Value": 1, "Unit": "Count",
		"Timestamp": "$earlier", "Dimensions": [{"Name": "Shop", "Value": "a"}]}]}`},
	{"monitoring", "PutMetricAlarm", `{"AlarmName": "busy", "Namespace": "Quiet", "MetricName": "Orders", "Statistic": "Average", "Period": 60,
		"EvaluationPeriods": 1, "Threshold": 1, "ComparisonOperator": "GreaterThanThreshold", "Tags": [{"Key": "team", "Value": "shop"}]}`},
	{"monitoring", "PutMetricAlarm", `{"AlarmName": "idle", "Namespace": "Quiet", "MetricName": "Orders", "Statistic": "Average", "Period": 60,
		"EvaluationPeriods": 1, "Threshold": 1, "ComparisonOperator": "LessThanThreshold", "ActionsEnabled": false}`},
	{"monitoring", "PutCompositeAlarm", `{"AlarmName": "either", "AlarmRule": "ALARM(busy)"}`},
	{"monitoring", "PutAnomalyDetector", `{"SingleMetricAnomalyDetector": {"Namespace": "Shop", "MetricName": "Orders", "Stat": "Average"}}`},
	{"monitoring", "PutDashboard", `{"DashboardName": "overview", "DashboardBody": "{\"widgets\": []}"}`},
	{"elasticloadbalancing", "CreateTargetGroup", `{"Name": "app", "Protocol": "HTTP", "Port": 80, "VpcId": "vpc-1", "TargetType": "ip"}`},
	{"elasticloadbalancing", "CreateTargetGroup", `{"Name": "spare", "Protocol": "HTTP", "Port": 80, "VpcId": "vpc-1"}`},
	{"elasticloadbalancing", "CreateLoadBalancer", `{"Name": "spare", "Subnets": ["subnet-1", "subnet-2"]}`},
	{"elasticloadbalancing", "CreateLoadBalancer", `{"Name": "web", "Subnets": ["subnet-1", "subnet-2"], "Tags": [{"Key": "team", "Value": "shop"}]}`},
	{"elasticloadbalancing", "CreateListener", `{"LoadBalancerArn": "$balancer", "Port": 443, "Protocol": "HTTPS", "Certificates": [{"CertificateArn": "$certificate"}],
		"DefaultActions": [{"Type": "forward", "TargetGroupArn": "$group"}]}`},
	{"elasticloadbalancing", "CreateRule", `{"ListenerArn": "$listener", "Priority": 5, "Conditions": [{"Field": "path-pattern", "Values": ["/a"]}],
		"Actions": [{"Type": "forward", "TargetGroupArn": "$group"}]}`},
	{"elasticloadbalancing", "RegisterTargets", `{"TargetGroupArn": "$group", "Targets": [{"Id": "10.0.0.1"}]}`},
	{"ecr", "CreateRepository", `{"repositoryName": "web", "tags": [{"Key": "team", "Value": "shop"}]}`},
	{"ecr", "InitiateLayerUpload", `{"repositoryName": "web"}`},
	{"ecr", "UploadLayerPart", `{"repositoryName": "web", "uploadId": "$upload", "partFirstByte": 0, "partLastByte": 1, "layerPartBlob": "e30="}`},
	{"ecr", "CompleteLayerUpload", `{"repositoryName": "web", "uploadId": "$upload", "layerDigests": ["$layer"]}`},
	{"ecr", "PutImage", `{"repositoryName": "web", "imageManifest": "$manifest", "imageTag": "v1"}`},
	{"ecr", "StartImageScan", `{"repositoryName": "web", "imageId": {"imageTag": "v1"}}`},
	{"ecr", "SetRepositoryPolicy", `{"repositoryName": "web", "policyText": "$pull"}`},
	{"ecr", "PutLifecyclePolicy", `{"repositoryName": "web", "lifecyclePolicyText": "$lifecycle"}`},
	{"ecr", "InitiateLayerUpload", `{"repositoryName": "web"}`},
	{"ecr", "CreateRepository", `{"repositoryName": "spare"}`},
	{"ecr", "InitiateLayerUpload", `{"repositoryName": "spare"}`},
	{"ecr", "UploadLayerPart", `{"repositoryName": "spare", "uploadId": "$spareUpload", "partFirstByte": 0, "partLastByte": 1, "layerPartBlob": "e30="}`},
	{"ecr", "CreateRepositoryCreationTemplate", `{"prefix": "team", "appliedFor": ["CREATE_ON_PUSH"]}`},
	{"ecr", "PutRegistryPolicy", `{"policyText": "$pull"}`},
	{"iam", "CreatePolicy", `{"PolicyName": "mine", "PolicyDocument": "$allow", "Tags": [{"Key": "team", "Value": "shop"}]}`},
	{"iam", "CreatePolicyVersion", `{"PolicyArn": "$policy", "PolicyDocument": "$allow"}`},
	{"iam", "CreatePolicy", `{"PolicyName": "spare", "PolicyDocument": "$allow"}`},
	{"iam", "CreateRole", `{"RoleName": "web", "AssumeRolePolicyDocument": "$trust", "PermissionsBoundary": "$policy",
		"Tags": [{"Key": "team", "Value": "shop"}]}`},
	{"iam", "PutRolePolicy", `{"RoleName": "web", "PolicyName": "inline", "PolicyDocument": "$allow"}`},
	{"iam", "AttachRolePolicy", `{"RoleName": "web", "PolicyArn": "$policy"}`},
	{"iam", "CreateRole", `{"RoleName": "spare", "AssumeRolePolicyDocument": "$trust"}`},
	{"iam", "CreateRole", `{"RoleName": "scaler", "AssumeRolePolicyDocument": "$scaling"}`},
	{"iam", "PutRolePolicy", `{"RoleName": "scaler", "PolicyName": "inline", "PolicyDocument": "$allow"}`},
	{"iam", "CreateRole", `{"RoleName": "express", "AssumeRolePolicyDocument": "$express"}`},
	{"iam", "AttachRolePolicy", `{"RoleName": "express", "PolicyArn": "arn:aws:iam::aws:policy/service-role/AmazonECSInfrastructureRoleforExpressGatewayServices"}`},
	{"iam", "CreateServiceLinkedRole", `{"AWSServiceName": "ecs.amazonaws.com"}`},
	{"iam", "CreateUser", `{"UserName": "bob", "PermissionsBoundary": "$policy", "Tags": [{"Key": "team", "Value": "shop"}]}`},
	{"iam", "PutUserPolicy", `{"UserName": "bob", "PolicyName": "inline", "PolicyDocument": "$allow"}`},
	{"iam", "AttachUserPolicy", `{"UserName": "bob", "PolicyArn": "$policy"}`},
	{"iam", "CreateAccessKey", `{"UserName": "bob"}`},
	{"iam", "CreateUser", `{"UserName": "spare"}`},
	{"iam", "CreateGroup", `{"GroupName": "devs"}`},
	{"iam", "PutGroupPolicy", `{"GroupName": "devs", "PolicyName": "inline", "PolicyDocument": "$allow"}`},
	{"iam", "AttachGroupPolicy", `{"GroupName": "devs", "PolicyArn": "$policy"}`},
	{"iam", "AddUserToGroup", `{"GroupName": "devs", "UserName": "bob"}`},
	{"iam", "CreateGroup", `{"GroupName": "spare"}`},
	{"iam", "CreateInstanceProfile", `{"InstanceProfileName": "host", "Tags": [{"Key": "team", "Value": "shop"}]}`},
	{"iam", "AddRoleToInstanceProfile", `{"InstanceProfileName": "host", "RoleName": "web"}`},
	{"iam", "CreateInstanceProfile", `{"InstanceProfileName": "spare"}`},
	{"iam", "CreateAccountAlias", `{"AccountAlias": "shop"}`},
	{"ec2", "CreateVpc", `{"CidrBlock": "10.0.0.0/16", "TagSpecification": [{"ResourceType": "vpc", "Tag": [{"Key": "team", "Value": "shop"}]}]}`},
	{"ec2", "CreateSubnet", `{"VpcId": "$vpc", "CidrBlock": "10.0.0.0/24"}`},
	{"ec2", "CreateSecurityGroup", `{"VpcId": "$vpc", "GroupName": "web", "GroupDescription": "a group"}`},
	{"ec2", "AuthorizeSecurityGroupIngress", `{"GroupId": "$securityGroup", "IpPermissions": [{"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80,
		"IpRanges": [{"CidrIp": "10.0.0.0/8"}]}]}`},
	{"ec2", "CreateInternetGateway", `{}`},
	{"ec2", "AttachInternetGateway", `{"InternetGatewayId": "$gateway", "VpcId": "$vpc"}`},
	{"ec2", "CreateRouteTable", `{"VpcId": "$vpc"}`},
	{"ec2", "CreateRoute", `{"RouteTableId": "$table", "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "$gateway"}`},
	{"ec2", "AssociateRouteTable", `{"RouteTableId": "$table", "SubnetId": "$subnet"}`},
	{"ec2", "AllocateAddress", `{}`},
	{"ec2", "CreateNatGateway", `{"SubnetId": "$subnet", "AllocationId": "$allocation"}`},
	{"ec2", "CreateNetworkAcl", `{"VpcId": "$vpc"}`},
	{"ec2", "CreateNetworkAclEntry", `{"NetworkAclId": "$acl", "RuleNumber": 7, "Egress": false, "RuleAction": "allow", "Protocol": "-1", "CidrBlock": "10.0.0.0/8"}`},
	{"ec2", "AssociateVpcCidrBlock", `{"VpcId": "$vpc", "CidrBlock": "10.1.0.0/16"}`},
	{"sqs", "CreateQueue", `{"QueueName": "dead"}`},
	{"sqs", "CreateQueue", `{"QueueName": "orders", "Attributes": {"RedrivePolicy": "$redrive"}, "tags": {"team": "shop"}}`},
	{"sqs", "AddPermission", `{"QueueUrl": "$queue", "Label": "theirs", "AWSAccountIds": ["210987654321"], "Actions": ["SendMessage"]}`},
	{"sqs", "SendMessage", `{"QueueUrl": "$queue", "MessageBody": "an order"}`},
	{"sqs", "ReceiveMessage", `{"QueueUrl": "$queue", "VisibilityTimeout": 43200}`},
	{"sqs", "SendMessage", `{"QueueUrl": "$queue", "MessageBody": "another order"}`},
	{"lambda", "CreateFunction", `{"FunctionName": "web", "Runtime": "provided.al2023", "Handler": "bootstrap", "Role": "arn:aws:iam::123456789012:role/r", "Code": {"ZipFile": "UEsDBBQAAAAAAAAAIVyDFtyMAQAAAAEAAAABAAAAYXhQSwECFAMUAAAAAAAAACFcgxbcjAEAAAABAAAAAQAAAAAAAAAAAAAAgAEAAAAAYVBLBQYAAAAAAQABAC8AAAAgAAAAAAA="}, "Publish": true, "Tags": {"team": "shop"}}`},
	{"lambda", "UpdateFunctionConfiguration", `{"FunctionName": "web", "Timeout": 7}`},
	{"lambda", "PublishVersion", `{"FunctionName": "web"}`},
	{"lambda", "CreateAlias", `{"FunctionName": "web", "Name": "live", "FunctionVersion": "1"}`},
	{"lambda", "AddPermission", `{"FunctionName": "web", "StatementId": "theirs", "Action": "lambda:InvokeFunction", "Principal": "210987654321"}`},
	{"lambda", "PutFunctionConcurrency", `{"FunctionName": "web", "ReservedConcurrentExecutions": 5}`},
	{"lambda", "PutFunctionEventInvokeConfig", `{"FunctionName": "web", "MaximumRetryAttempts": 0}`},
	{"scheduler", "CreateScheduleGroup", `{"Name": "shop", "Tags": [{"Key": "team", "Value": "shop"}]}`},
	{"scheduler", "CreateSchedule", `{"Name": "orders", "GroupName": "shop", "ScheduleExpression": "at(2099-01-01T00:00:00)", "FlexibleTimeWindow": {"Mode": "OFF"},
		"Target": {"Arn": "arn:aws:sqs:us-east-1:123456789012:orders", "RoleArn": "arn:aws:iam::123456789012:role/r"}}`},
	{"events", "CreateEventBus", `{"Name": "shop", "Tags": [{"Key": "team", "Value": "shop"}]}`},
	{"events", "PutPermission", `{"EventBusName": "shop", "StatementId": "theirs", "Action": "events:PutEvents", "Principal": "210987654321"}`},
	{"events", "PutRule", `{"EventBusName": "shop", "Name": "orders", "EventPattern": "{\"source\": [\"shop\"]}", "Tags": [{"Key": "team", "Value": "shop"}]}`},
	{"events", "PutTargets", `{"EventBusName": "shop", "Rule": "orders", "Targets": [{"Id": "dead", "Arn": "arn:aws:sqs:us-east-1:123456789012:dead"}]}`},
	{"events", "PutRule", `{"Name": "yearly", "ScheduleExpression": "rate(365 days)"}`},
}

// The ids that EC2 makes up for what is prepared, where the answers have them.
var ec2IDs = []struct {
	name, operation string
	path            []any
}{
	{"$vpc", "CreateVpc", []any{"vpc", "vpcId"}},
	{"$subnet", "CreateSubnet", []any{"subnet", "subnetId"}},
	{"$securityGroup", "CreateSecurityGroup", []any{"groupId"}},
	{"$groupRule", "AuthorizeSecurityGroupIngress", []any{"securityGroupRuleSet", 0, "securityGroupRuleId"}},
	{"$gateway", "CreateInternetGateway", []any{"internetGateway", "internetGatewayId"}},
	{"$table", "CreateRouteTable", []any{"routeTable", "routeTableId"}},
	{"$tableAssociation", "AssociateRouteTable", []any{"associationId"}},
	{"$allocation", "AllocateAddress", []any{"allocationId"}},
	{"$nat", "CreateNatGateway", []any{"natGateway", "natGatewayId"}},
	{"$face", "CreateNatGateway", []any{"natGateway", "natGatewayAddressSet", 0, "networkInterfaceId"}},
	{"$acl", "CreateNetworkAcl", []any{"networkAcl", "networkAclId"}},
	{"$block", "AssociateVpcCidrBlock", []any{"cidrBlockAssociation", "associationId"}},
}

// What tells one world from another, as clients see it.
var views = []struct{ service, operation, input string }{
	{"ecs", "DescribeClusters", `{"clusters": ["prod", "empty", "default", "test"], "include": ["SETTINGS", "TAGS", "STATISTICS", "CONFIGURATIONS"]}`},
	{"ecs", "ListTaskDefinitions", `{}`},
	{"ecs", "DescribeTaskDefinition", `{"taskDefinition": "web:1", "include": ["TAGS"]}`},
	{"ecs", "ListServices", `{"cluster": "prod"}`},
	{"ecs", "DescribeServices", `{"cluster": "prod", "services": ["web"], "include": ["TAGS"]}`},
	{"ecs", "ListTasks", `{"cluster": "prod"}`},
	{"ecs", "DescribeTasks", `{"cluster": "prod", "tasks": ["$task", "$serviceTask"], "include": ["TAGS"]}`},
	{"ecs", "GetTaskProtection", `{"cluster": "prod", "tasks": ["$serviceTask"]}`},
	{"ecs", "DescribeCapacityProviders", `{"include": ["TAGS"]}`},
	{"ecs", "ListContainerInstances", `{"cluster": "prod"}`},
	{"ecs", "DescribeContainerInstances", `{"cluster": "prod", "containerInstances": ["$instance"], "include": ["TAGS"]}`},
	{"ecs", "ListAccountSettings", `{"effectiveSettings": true}`},
	{"ecs", "ListServiceDeployments", `{"cluster": "prod", "service": "web"}`},
	{"application-autoscaling", "DescribeScalableTargets", `{"ServiceNamespace": "ecs"}`},
	{"application-autoscaling", "DescribeScalingPolicies", `{"ServiceNamespace": "ecs"}`},
	{"application-autoscaling", "DescribeScalingActivities", `{"ServiceNamespace": "ecs", "IncludeNotScaledActivities": true}`},
	{"application-autoscaling", "DescribeScheduledActions", `{"ServiceNamespace": "ecs"}`},
	{"application-autoscaling", "ListTagsForResource", `{"ResourceARN": "$target"}`},
	{"monitoring", "DescribeAlarms", `{"AlarmTypes": ["MetricAlarm", "CompositeAlarm"]}`},
	{"monitoring", "DescribeAlarmHistory", `{}`},
	{"monitoring", "ListTagsForResource", `{"ResourceARN": "$alarm"}`},
	{"monitoring", "ListDashboards", `{}`},
	{"monitoring", "GetDashboard", `{"DashboardName": "overview"}`},
	{"monitoring", "ListMetrics", `{"Namespace": "Shop"}`},
	{"logs", "DescribeLogGroups", `{}`},
	{"logs", "DescribeLogStreams", `{"logGroupName": "app"}`},
	{"logs", "DescribeMetricFilters", `{}`},
	{"logs", "DescribeQueryDefinitions", `{}`},
	{"logs", "DescribeResourcePolicies", `{}`},
	{"logs", "FilterLogEvents", `{"logGroupName": "app"}`},
	{"logs", "ListTagsLogGroup", `{"logGroupName": "app"}`},
	{"elasticloadbalancing", "DescribeLoadBalancers", `{}`},
	{"elasticloadbalancing", "DescribeLoadBalancerAttributes", `{"LoadBalancerArn": "$balancer"}`},
	{"elasticloadbalancing", "DescribeTargetGroups", `{}`},
	{"elasticloadbalancing", "DescribeTargetHealth", `{"TargetGroupArn": "$group"}`},
	{"elasticloadbalancing", "DescribeListeners", `{"LoadBalancerArn": "$balancer"}`},
	{"elasticloadbalancing", "DescribeRules", `{"ListenerArn": "$listener"}`},
	{"elasticloadbalancing", "DescribeTags", `{"ResourceArns": ["$balancer", "$group", "$listener", "$rule"]}`},
	{"ecr", "DescribeRepositories", `{}`},
	{"ecr", "DescribeImages", `{"repositoryName": "web"}`},
	{"ecr", "ListTagsForResource", `{"resourceArn": "$repository"}`},
	{"ecr", "GetRepositoryPolicy", `{"repositoryName": "web"}`},
	{"ecr", "GetLifecyclePolicy", `{"repositoryName": "web"}`},
	{"ecr", "GetRegistryPolicy", `{}`},
	{"ecr", "GetRegistryScanningConfiguration", `{}`},
	{"ecr", "DescribeRegistry", `{}`},
	{"ecr", "GetAccountSetting", `{"name": "BLOB_MOUNTING"}`},
	{"ecr", "DescribeRepositoryCreationTemplates", `{}`},
	{"iam", "GetAccountAuthorizationDetails", `{"MaxItems": 1000}`},
	{"iam", "ListInstanceProfiles", `{}`},
	{"iam", "ListInstanceProfileTags", `{"InstanceProfileName": "host"}`},
	{"iam", "ListPolicyTags", `{"PolicyArn": "$policy"}`},
	{"iam", "ListAccessKeys", `{"UserName": "bob"}`},
	{"iam", "ListAccountAliases", `{}`},
	{"sts", "GetCallerIdentity", `{}`},
	{"ec2", "DescribeVpcs", `{}`},
	{"ec2", "DescribeSubnets", `{}`},
	{"ec2", "DescribeSecurityGroups", `{}`},
	{"ec2", "DescribeSecurityGroupRules", `{}`},
	{"ec2", "DescribeInternetGateways", `{}`},
	{"ec2", "DescribeRouteTables", `{}`},
	{"ec2", "DescribeNetworkAcls", `{}`},
	{"ec2", "DescribeAddresses", `{}`},
	{"ec2", "DescribeNatGateways", `{}`},
	{"ec2", "DescribeTags", `{}`},
	{"sqs", "ListQueues", `{}`},
	{"sqs", "GetQueueAttributes", `{"QueueUrl": "$queue", "AttributeNames": ["All"]}`},
	{"sqs", "GetQueueAttributes", `{"QueueUrl": "$deadQueue", "AttributeNames": ["All"]}`},
	{"sqs", "ListQueueTags", `{"QueueUrl": "$queue"}`},
	{"lambda", "ListFunctions", `{"FunctionVersion": "ALL"}`},
	{"lambda", "ListAliases", `{"FunctionName": "web"}`},
	{"lambda", "GetPolicy", `{"FunctionName": "web"}`},
	{"lambda", "GetFunctionConcurrency", `{"FunctionName": "web"}`},
	{"lambda", "ListFunctionEventInvokeConfigs", `{"FunctionName": "web"}`},
	{"lambda", "ListEventSourceMappings", `{}`},
	{"lambda", "ListTags", `{"Resource": "arn:aws:lambda:us-east-1:123456789012:function:web"}`},
	{"scheduler", "ListScheduleGroups", `{}`},
	{"scheduler", "ListSchedules", `{}`},
	{"scheduler", "GetSchedule", `{"Name": "orders", "groupName": "shop"}`},
	{"scheduler", "ListTagsForResource", `{"ResourceArn": "arn:aws:scheduler:us-east-1:123456789012:schedule-group/shop"}`},
	{"events", "ListEventBuses", `{}`},
	{"events", "ListRules", `{}`},
	{"events", "ListRules", `{"EventBusName": "shop"}`},
	{"events", "ListTargetsByRule", `{"EventBusName": "shop", "Rule": "orders"}`},
	{"events", "ListTagsForResource", `{"ResourceARN": "arn:aws:events:us-east-1:123456789012:event-bus/shop"}`},
	{"events", "ListTagsForResource", `{"ResourceARN": "arn:aws:events:us-east-1:123456789012:rule/shop/orders"}`},
}

// What is stored of a world, but for measurements.
var storedKinds = []string{
	"ecs.cluster", "ecs.taskdefinition", "ecs.service", "ecs.event", "ecs.servicedeployment", "ecs.task", "ecs.containerinstance",
	"ecs.capacityprovider", "ecs.setting",
	"autoscaling.target", "autoscaling.policy", "autoscaling.action", "autoscaling.activity", "autoscaling.target-activity",
	"cloudwatch.alarm", "cloudwatch.state", "cloudwatch.history", "cloudwatch.alarm-history", "cloudwatch.dashboard",
	"logs.group", "logs.stream", "logs.filter", "logs.policy", "logs.query",
	"ecr.repository", "ecr.image", "ecr.tag", "ecr.layer", "ecr.settings", "ecr.template",
	"express.service", "elb.loadbalancer", "elb.targetgroup", "elb.listener", "elb.rule",
	"iam.user", "iam.group", "iam.role", "iam.policy", "iam.instanceprofile", "iam.accesskey", "iam.alias", "sts.session",
	"ec2.vpc", "ec2.subnet", "ec2.security-group", "ec2.security-group-rule", "ec2.internet-gateway", "ec2.route-table", "ec2.network-acl",
	"ec2.elastic-ip", "ec2.natgateway", "ec2.founded", "sqs.queue", "sqs.deleted", "sqs.movetask", "events.bus", "events.rule",
	"lambda.function", "lambda.version", "lambda.alias", "lambda.policy", "lambda.async",
	"scheduler.group", "scheduler.run", "scheduler.schedule",
}

func newWorld(t testing.TB, failures io.Writer) *world {
	t.Helper()
	w := emptyWorld(t, failures)
	w.prepare()
	return w
}

// emptyWorld is a world with nothing in it.
func emptyWorld(t testing.TB, failures io.Writer) *world {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s, err := Open(ctx, Config{
		Addr: "127.0.0.1:0", Tasks: idle.Runtime{}, Speed: 1, Account: testAccount, Region: testRegion,
		Log: slog.New(slog.NewTextHandler(failures, &slog.HandlerOptions{Level: slog.LevelError})),
	})
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Run(ctx) }()
	transport := new(http.Transport)
	w := &world{t: t, server: s, client: &http.Client{Transport: transport, Timeout: 30 * time.Second}}
	w.stop = sync.OnceFunc(func() {
		transport.CloseIdleConnections()
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(w.stop)
	return w
}

func (w *world) prepare() {
	now := atSecond(w.server.clock.Now())
	w.names = map[string]any{
		"$now": now, "$earlier": now.Add(-time.Hour), "$millis": float64(now.UnixMilli()),
		"$service":        "arn:aws:ecs:us-east-1:123456789012:service/prod/web",
		"$alarm":          "arn:aws:cloudwatch:us-east-1:123456789012:alarm:busy",
		"$policy":         "arn:aws:iam::123456789012:policy/mine",
		"$certificate":    "arn:aws:acm:us-east-1:123456789012:certificate/11111111-2222-3333-4444-555555555555",
		"$allow":          `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "ecs:*", "Resource": "*"}}`,
		"$scaling":        `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"Service": "application-autoscaling.amazonaws.com"}, "Action": "sts:AssumeRole"}}`,
		"$queue":          w.server.URL() + "/123456789012/orders",
		"$deadQueue":      w.server.URL() + "/123456789012/dead",
		"$redrive":        `{"deadLetterTargetArn": "arn:aws:sqs:us-east-1:123456789012:dead", "maxReceiveCount": 3}`,
		"$trust":          `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"AWS": "123456789012"}, "Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]}}`,
		"$repository":     "arn:aws:ecr:us-east-1:123456789012:repository/web",
		"$layer":          "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
		"$image":          "sha256:f20c43161d73848408ef247f0ec7111b19fe58ffebc0cbcaa0d2c8bda4967268",
		"$manifest":       `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},"layers":[]}`,
		"$pull":           `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": "*", "Action": "ecr:BatchGetImage"}}`,
		"$lifecycle":      `{"rules": [{"rulePriority": 1, "selection": {"tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 1}, "action": {"type": "expire"}}]}`,
		"$express":        `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"Service": "ecs.amazonaws.com"}, "Action": "sts:AssumeRole"}}`,
		"$expressService": "arn:aws:ecs:us-east-1:123456789012:service/prod/express",
	}
	for _, c := range preparation {
		out := w.must(c.service, c.operation, c.input)
		switch c.operation {
		case "RunTask":
			w.names["$task"] = pick(out, "tasks", 0, "taskArn")
		case "InitiateLayerUpload":
			name := "$upload"
			if strings.Contains(c.input, "spare") {
				name = "$spareUpload"
			}
			w.names[name] = pick(out, "uploadId")
		case "RegisterContainerInstance":
			w.names["$instance"] = pick(out, "containerInstance", "containerInstanceArn")
		case "RegisterScalableTarget":
			w.names["$target"] = pick(out, "ScalableTargetARN")
		case "CreateLoadBalancer":
			w.names["$spareBalancer"], w.names["$balancer"] = w.names["$balancer"], pick(out, "LoadBalancers", 0, "LoadBalancerArn")
		case "CreateTargetGroup":
			w.names["$group"], w.names["$spareGroup"] = cmp.Or(w.names["$group"], pick(out, "TargetGroups", 0, "TargetGroupArn")), pick(out, "TargetGroups", 0, "TargetGroupArn")
		case "CreateListener":
			w.names["$listener"] = pick(out, "Listeners", 0, "ListenerArn")
		case "CreateRule":
			w.names["$rule"] = pick(out, "Rules", 0, "RuleArn")
		case "ReceiveMessage":
			w.names["$receipt"] = pick(out, "Messages", 0, "ReceiptHandle")
		case "PutQueryDefinition":
			w.names["$query"] = pick(out, "queryDefinitionId")
		case "CreateAccessKey":
			w.names["$accessKey"] = pick(out, "AccessKey", "AccessKeyId")
		}
		for _, n := range ec2IDs {
			if n.operation == c.operation {
				w.names[n.name] = pick(out, n.path...)
			}
		}
	}
	deployments := w.must("ecs", "ListServiceDeployments", `{"cluster": "prod", "service": "web"}`)
	w.names["$deployment"] = pick(deployments, "serviceDeployments", 0, "serviceDeploymentArn")
	w.names["$revision"] = pick(deployments, "serviceDeployments", 0, "targetServiceRevisionArn")
	w.names["$pausedDeployment"] = pick(w.must("ecs", "ListServiceDeployments", `{"cluster": "prod", "service": "paused"}`), "serviceDeployments", 0, "serviceDeploymentArn")
	paused := w.must("ecs", "DescribeServiceDeployments", `{"serviceDeploymentArns": ["$pausedDeployment"]}`)
	w.names["$hook"] = pick(paused, "serviceDeployments", 0, "lifecycleHookDetails", 0, "hookId")
	// ECS acts by itself until the tasks run.
	w.await("DescribeClusters", `{"clusters": ["prod"]}`, func(out any) bool {
		return reflect.DeepEqual(pick(out, "clusters", 0, "runningTasksCount"), 3.0)
	})
	w.await("DescribeServices", `{"cluster": "prod", "services": ["web"]}`, func(out any) bool {
		return strings.Contains(fmt.Sprint(pick(out, "services", 0, "events")), "started 1 tasks")
	})
	w.names["$serviceTask"] = pick(w.must("ecs", "ListTasks", `{"cluster": "prod", "serviceName": "web"}`), "taskArns", 0)
}

// prepareExpress adds an Express service, which takes longer to come to rest than all the
// others: only what may act on it needs it.
func (w *world) prepareExpress() {
	w.must("ecs", "CreateExpressGatewayService", `{"cluster": "prod", "serviceName": "express", "primaryContainer": {"image": "i"},
		"scalingTarget": {"minTaskCount": 0}, "executionRoleArn": "arn:aws:iam::123456789012:role/web",
		"infrastructureRoleArn": "arn:aws:iam::123456789012:role/express"}`)
	w.await("DescribeServices", `{"cluster": "prod", "services": ["express"]}`, func(out any) bool {
		return strings.Contains(fmt.Sprint(pick(out, "services", 0, "events")), "steady state")
	})
}

// atSecond is a time as every protocol carries it.
func atSecond(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }

// await asks ECS until the answer is good.
func (w *world) await(operation, input string, good func(any) bool) {
	w.t.Helper()
	deadline := time.Now().Add(2 * time.Minute)
	for !good(w.must("ecs", operation, input)) {
		if time.Now().After(deadline) {
			w.t.Fatalf("%s(%s) never became what was expected", operation, input)
		}
	}
}

// seen is all that clients can see and all that is stored, a line each.
func (w *world) seen() (lines []string) {
	for _, v := range views {
		lines = append(lines, fmt.Sprint(v, w.must(v.service, v.operation, v.input)))
	}
	for _, kind := range storedKinds {
		if err := w.server.store.Scan(kind, store.Range{}, func(key string, value []byte) bool {
			lines = append(lines, fmt.Sprint(kind, " ", key, " ", string(value)))
			return true
		}); err != nil {
			w.t.Fatal(err)
		}
	}
	return lines
}

// call sends an input and reads the answer.
func (w *world) call(p variant.Protocol, service, operation string, in any) (a variant.Answer, err error) {
	r, err := w.request(p, service, operation, in)
	if err != nil {
		return a, err
	}
	return w.send(p, r)
}

// request is a call, signed.
func (w *world) request(p variant.Protocol, service, operation string, in any) (*http.Request, error) {
	r, err := p.Request(w.server.URL(), served[service][operation], variant.Resolve(in, w.names))
	if err == nil {
		variant.Sign(r, "test", testRegion, service)
	}
	return r, err
}

// send sends a request and reads the answer. There is an error only if there was no
// answer that can be read.
func (w *world) send(p variant.Protocol, r *http.Request) (a variant.Answer, err error) {
	res, err := w.client.Do(r)
	if err != nil {
		return a, fmt.Errorf("the connection was dropped: %w", err)
	}
	defer res.Body.Close()
	if a.Status = res.StatusCode; a.Status/100 == 2 {
		a.Status = http.StatusOK // some services have other successes
	}
	if a.Body, err = io.ReadAll(res.Body); err != nil || a.Status < 300 {
		return a, err
	}
	if a.Code, a.Message, err = p.Problem(a.Body); err != nil {
		return a, fmt.Errorf("the error cannot be read: %w", err)
	}
	a.Code = cmp.Or(a.Code, res.Header.Get("X-Amzn-Errortype"))
	return a, nil
}

// must calls with an input in JSON that has to be accepted.
func (w *world) must(service, operation, input string) any {
	w.t.Helper()
	p := models[service].Protocols()[0]
	a, err := w.call(p, service, operation, variant.Parse(input))
	if err != nil || a.Status != http.StatusOK {
		w.t.Fatalf("%s.%s(%s): %v %s", service, operation, input, err, a.Body)
	}
	out, err := p.Output(a.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// pick follows keys and indexes into a value.
func pick(v any, path ...any) any {
	for _, step := range path {
		switch step := step.(type) {
		case string:
			v = v.(map[string]any)[step]
		case int:
			v = v.([]any)[step]
		}
	}
	return v
}
