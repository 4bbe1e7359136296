package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	astypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// HTTPS is the port of a load balancer's only listener.
const HTTPS = 443

// A Place is where a service runs.
type Place struct {
	VPC     string
	Subnets []string // of its tasks
	// Public is whether the subnets have a route to the internet: then the load balancer
	// faces it, and the tasks have public addresses.
	Public bool
	// Spread are the subnets of a load balancer that is made for the service, one in each
	// of Zones.
	Spread, Zones []string
}

// Scheme is that of the load balancer.
func (p Place) Scheme() elbtypes.LoadBalancerSchemeEnum {
	if p.Public {
		return elbtypes.LoadBalancerSchemeEnumInternetFacing
	}
	return elbtypes.LoadBalancerSchemeEnumInternal
}

// Access is the kind of access to an endpoint behind a load balancer of a scheme.
func Access(public bool) types.AccessType {
	if public {
		return types.AccessTypePublic
	}
	return types.AccessTypePrivate
}

// Parts name what one service is made of.
type Parts struct {
	Cluster, Name  string
	LoadBalancer   string    // ARN
	Listener       string    // ARN
	Rule           string    // ARN
	TargetGroups   [2]string // ARNs: of what runs, and of what a deployment brings
	SecurityGroup  string    // of the tasks
	BalancerGroup  string    // of the load balancer
	Certificate    string    // ARN
	Domain         string    // that the certificate is for
	Host           string    // by which the service is reached
	Public         bool      // from the internet
	VPC            string
	LogGroup       string // "" where it is not the server's to make
	Policy         string // ARN
	Role           string // ARN of the infrastructure role
	ScalableTarget string // ARN
}

// Tags are those of what is made for a service: the caller's, and the mark of ECS.
func Tags(given []types.Tag) map[string]string {
	all := map[string]string{ManagedTag: "true"}
	for _, t := range given {
		all[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return all
}

// eachTag makes tags of an API's type, by key.
func eachTag[T any](given []types.Tag, tag func(key, value *string) T) []T {
	all := Tags(given)
	var made []T
	for _, key := range slices.Sorted(maps.Keys(all)) {
		made = append(made, tag(&key, aws.String(all[key])))
	}
	return made
}

func elbTags(given []types.Tag) []elbtypes.Tag {
	return eachTag(given, func(key, value *string) elbtypes.Tag { return elbtypes.Tag{Key: key, Value: value} })
}

func ec2Tags(given []types.Tag, kinds ...ec2types.ResourceType) (all []ec2types.TagSpecification) {
	list := eachTag(given, func(key, value *string) ec2types.Tag { return ec2types.Tag{Key: key, Value: value} })
	for _, kind := range kinds {
		all = append(all, ec2types.TagSpecification{ResourceType: kind, Tags: list})
	}
	return all
}

// Balancer is the load balancer that services in a place share.
func Balancer(p Place, number, group string) *elb.CreateLoadBalancerInput {
	return &elb.CreateLoadBalancerInput{
		Name: aws.String("ecs-express-gateway-alb-" + number), Scheme: p.Scheme(), Subnets: p.Spread, SecurityGroups: []string{group},
		Type: elbtypes.LoadBalancerTypeEnumApplication, IpAddressType: elbtypes.IpAddressTypeIpv4, Tags: elbTags(nil),
	}
}

// BalancerListener is its listener. What is for no service is not found.
func BalancerListener(balancer, certificate string) *elb.CreateListenerInput {
	return &elb.CreateListenerInput{
		LoadBalancerArn: &balancer, Port: aws.Int32(HTTPS), Protocol: elbtypes.ProtocolEnumHttps, Tags: elbTags(nil),
		Certificates: []elbtypes.Certificate{{CertificateArn: &certificate}},
		DefaultActions: []elbtypes.Action{{
			Type:                elbtypes.ActionTypeEnumFixedResponse,
			FixedResponseConfig: &elbtypes.FixedResponseActionConfig{StatusCode: aws.String("404"), ContentType: aws.String("text/plain")},
		}},
	}
}

// TargetGroup is one of the two of a service.
func (s Settings) TargetGroup(vpc, number string, given []types.Tag) *elb.CreateTargetGroupInput {
	return &elb.CreateTargetGroupInput{
		Name: aws.String("ecs-gateway-tg-" + number), VpcId: &vpc, TargetType: elbtypes.TargetTypeEnumIp, Tags: elbTags(given),
		Protocol: elbtypes.ProtocolEnumHttp, Port: s.Container.ContainerPort, HealthCheckPath: &s.HealthCheckPath,
		HealthCheckIntervalSeconds: aws.Int32(30), HealthCheckTimeoutSeconds: aws.Int32(5), HealthyThresholdCount: aws.Int32(5), UnhealthyThresholdCount: aws.Int32(2),
	}
}

// ListenerRule sends what is for the service to its first target group.
func (p Parts) ListenerRule(priority int32, given []types.Tag) *elb.CreateRuleInput {
	hosts := []string{p.Domain}
	if p.Host != p.Domain {
		hosts = append(hosts, p.Host)
	}
	return &elb.CreateRuleInput{
		ListenerArn: &p.Listener, Priority: &priority, Tags: elbTags(given),
		Conditions: []elbtypes.RuleCondition{{Field: aws.String("host-header"), HostHeaderConfig: &elbtypes.HostHeaderConditionConfig{Values: hosts}}},
		Actions: []elbtypes.Action{{Type: elbtypes.ActionTypeEnumForward, ForwardConfig: &elbtypes.ForwardActionConfig{
			TargetGroups: []elbtypes.TargetGroupTuple{
				{TargetGroupArn: &p.TargetGroups[0], Weight: aws.Int32(100)}, {TargetGroupArn: &p.TargetGroups[1], Weight: aws.Int32(0)},
			},
		}}},
	}
}

// The highest priority number of a rule. Rules of services come after those of users.
const lastPriority = 50000

// Priority is the last one that is free.
func Priority(taken []elbtypes.Rule) int32 {
	used := map[string]bool{}
	for _, r := range taken {
		used[aws.ToString(r.Priority)] = true
	}
	priority := lastPriority
	for used[fmt.Sprint(priority)] {
		priority--
	}
	return int32(priority)
}

// SecurityGroup is a security group in a VPC.
func SecurityGroup(name, description, vpc string, given []types.Tag) *ec2.CreateSecurityGroupInput {
	return &ec2.CreateSecurityGroupInput{
		GroupName: &name, Description: &description, VpcId: &vpc, TagSpecifications: ec2Tags(given, ec2types.ResourceTypeSecurityGroup),
	}
}

// Permission lets a protocol's port in or out, from or to another security group.
func Permission(port int32, peer string) []ec2types.IpPermission {
	return []ec2types.IpPermission{{
		IpProtocol: aws.String("tcp"), FromPort: &port, ToPort: &port, UserIdGroupPairs: []ec2types.UserIdGroupPair{{GroupId: &peer}},
	}}
}

// Everywhere lets a port in from everywhere.
func Everywhere(port int32) []ec2types.IpPermission {
	return []ec2types.IpPermission{{
		IpProtocol: aws.String("tcp"), FromPort: &port, ToPort: &port, IpRanges: []ec2types.IpRange{{CidrIp: aws.String("0.0.0.0/0")}},
	}}
}

// Ingress lets in what permissions say.
func Ingress(group string, permissions []ec2types.IpPermission) *ec2.AuthorizeSecurityGroupIngressInput {
	return &ec2.AuthorizeSecurityGroupIngressInput{
		GroupId: &group, IpPermissions: permissions, TagSpecifications: ec2Tags(nil, ec2types.ResourceTypeSecurityGroupRule),
	}
}

// Egress lets out what permissions say.
func Egress(group string, permissions []ec2types.IpPermission) *ec2.AuthorizeSecurityGroupEgressInput {
	return &ec2.AuthorizeSecurityGroupEgressInput{
		GroupId: &group, IpPermissions: permissions, TagSpecifications: ec2Tags(nil, ec2types.ResourceTypeSecurityGroupRule),
	}
}

// Groups are the security groups of the tasks: the service's own, and those that the
// caller adds.
func (p Parts) Groups(added []string) []string { return append([]string{p.SecurityGroup}, added...) }

// Added are the security groups that the caller added.
func (p Parts) Added(groups []string) []string {
	return slices.DeleteFunc(slices.Clone(groups), func(id string) bool { return id == p.SecurityGroup })
}

// Network is where the tasks are.
func (p Parts) Network(place Place, added []string) *types.NetworkConfiguration {
	assign := types.AssignPublicIpDisabled
	if place.Public {
		assign = types.AssignPublicIpEnabled
	}
	return &types.NetworkConfiguration{AwsvpcConfiguration: &types.AwsVpcConfiguration{
		Subnets: place.Subnets, SecurityGroups: p.Groups(added), AssignPublicIp: assign,
	}}
}

// Balancers are the load balancers of the service for ECS, which shifts traffic between
// the target groups by the listener rule.
func (p Parts) Balancers(s Settings) []types.LoadBalancer {
	return []types.LoadBalancer{{
		TargetGroupArn: &p.TargetGroups[0], ContainerName: aws.String(Container), ContainerPort: s.Container.ContainerPort,
		AdvancedConfiguration: &types.AdvancedConfiguration{
			AlternateTargetGroupArn: &p.TargetGroups[1], ProductionListenerRule: &p.Rule, RoleArn: &p.Role,
		},
	}}
}

// FargateStrategy has Fargate run the tasks.
func FargateStrategy() []types.CapacityProviderStrategyItem {
	return []types.CapacityProviderStrategyItem{{CapacityProvider: aws.String("FARGATE"), Base: 1, Weight: 1}}
}

// Service is the service for ECS.
func (p Parts) Service(s Settings, definition string, network *types.NetworkConfiguration, given []types.Tag) *ecs.CreateServiceInput {
	return &ecs.CreateServiceInput{
		Cluster: &p.Cluster, ServiceName: &p.Name, TaskDefinition: &definition, DesiredCount: s.Scaling.MinTaskCount,
		CapacityProviderStrategy: FargateStrategy(), PlatformVersion: aws.String("LATEST"), NetworkConfiguration: network,
		LoadBalancers: p.Balancers(s), HealthCheckGracePeriodSeconds: aws.Int32(300), SchedulingStrategy: types.SchedulingStrategyReplica,
		AvailabilityZoneRebalancing: types.AvailabilityZoneRebalancingEnabled, EnableECSManagedTags: true, PropagateTags: types.PropagateTagsService,
		DeploymentConfiguration: p.deployment(), Tags: given,
	}
}

// deployment is how new revisions take the place of others: with a twentieth of the
// requests for three minutes, then with all ("Updating an Amazon ECS Express Mode
// service"). The alarm and tasks that do not start take a deployment back.
func (p Parts) deployment() *types.DeploymentConfiguration {
	return &types.DeploymentConfiguration{
		Strategy: types.DeploymentStrategyCanary, BakeTimeInMinutes: aws.Int32(3),
		CanaryConfiguration:      &types.CanaryConfiguration{CanaryPercent: aws.Float64(5), CanaryBakeTimeInMinutes: aws.Int32(3)},
		DeploymentCircuitBreaker: &types.DeploymentCircuitBreaker{Enable: true, Rollback: true},
		Alarms:                   &types.DeploymentAlarms{Enable: true, Rollback: true, AlarmNames: []string{AlarmName(p.Cluster, p.Name)}},
	}
}

// Resource is the service as Application Auto Scaling calls it.
func (p Parts) Resource() *string { return aws.String("service/" + p.Cluster + "/" + p.Name) }

// Target is the scalable target.
func (p Parts) Target(s Settings, given []types.Tag) *applicationautoscaling.RegisterScalableTargetInput {
	return &applicationautoscaling.RegisterScalableTargetInput{
		ServiceNamespace: astypes.ServiceNamespaceEcs, ScalableDimension: astypes.ScalableDimensionECSServiceDesiredCount,
		ResourceId: p.Resource(), MinCapacity: s.Scaling.MinTaskCount, MaxCapacity: s.Scaling.MaxTaskCount, Tags: Tags(given),
	}
}

// PolicyName is that of the policy for a metric.
func (p Parts) PolicyName(metric types.ExpressGatewayServiceScalingMetric) *string {
	return aws.String(bounded(p.Name, mostName-len(Predefined(metric))) + string(Predefined(metric)))
}

// Predefined is the metric as Application Auto Scaling calls it.
func Predefined(metric types.ExpressGatewayServiceScalingMetric) astypes.MetricType {
	switch metric {
	case types.ExpressGatewayServiceScalingMetricAverageMemoryUtilization:
		return astypes.MetricTypeECSServiceAverageMemoryUtilization
	case types.ExpressGatewayServiceScalingMetricRequestCountPerTarget:
		return astypes.MetricTypeALBRequestCountPerTarget
	}
	return astypes.MetricTypeECSServiceAverageCPUUtilization
}

// ScalingPolicy keeps the metric at its target.
func (p Parts) ScalingPolicy(s Settings) *applicationautoscaling.PutScalingPolicyInput {
	tracking := &astypes.TargetTrackingScalingPolicyConfiguration{
		TargetValue: aws.Float64(float64(*s.Scaling.AutoScalingTargetValue)), DisableScaleIn: aws.Bool(false),
	}
	if metric := Predefined(s.Scaling.AutoScalingMetric); metric == astypes.MetricTypeALBRequestCountPerTarget {
		tracking.CustomizedMetricSpecification = p.requests()
	} else {
		tracking.PredefinedMetricSpecification = &astypes.PredefinedMetricSpecification{PredefinedMetricType: metric}
	}
	return &applicationautoscaling.PutScalingPolicyInput{
		ServiceNamespace: astypes.ServiceNamespaceEcs, ScalableDimension: astypes.ScalableDimensionECSServiceDesiredCount,
		ResourceId: p.Resource(), PolicyName: p.PolicyName(s.Scaling.AutoScalingMetric), PolicyType: astypes.PolicyTypeTargetTrackingScaling,
		TargetTrackingScalingPolicyConfiguration: tracking,
	}
}

// requests are those to each target, in whichever of the target groups the tasks are.
// The predefined metric is that of one group, which deployments leave for the other.
func (p Parts) requests() *astypes.CustomizedMetricSpecification {
	m := &astypes.CustomizedMetricSpecification{}
	for i := range p.TargetGroups {
		m.Metrics = append(m.Metrics, astypes.TargetTrackingMetricDataQuery{
			Id: aws.String(fmt.Sprintf("m%d", i+1)), ReturnData: aws.Bool(false),
			MetricStat: &astypes.TargetTrackingMetricStat{Stat: aws.String("Sum"), Metric: &astypes.TargetTrackingMetric{
				Namespace: aws.String(balancerMetrics), MetricName: aws.String("RequestCountPerTarget"),
				Dimensions: []astypes.TargetTrackingMetricDimension{{Name: aws.String("TargetGroup"), Value: aws.String(p.groupLabel(i))}},
			}},
		})
	}
	m.Metrics = append(m.Metrics, astypes.TargetTrackingMetricDataQuery{
		Id: aws.String("requests"), ReturnData: aws.Bool(true), Expression: aws.String("SUM([FILL(m1, 0), FILL(m2, 0)])"), Label: aws.String("Requests per target"),
	})
	return m
}

// balancerMetrics is the namespace of the metrics of load balancers.
const balancerMetrics = "AWS/ApplicationELB"

// Unpolicy deletes the policy for a metric.
func (p Parts) Unpolicy(metric types.ExpressGatewayServiceScalingMetric) *applicationautoscaling.DeleteScalingPolicyInput {
	return &applicationautoscaling.DeleteScalingPolicyInput{
		ServiceNamespace: astypes.ServiceNamespaceEcs, ScalableDimension: astypes.ScalableDimensionECSServiceDesiredCount,
		ResourceId: p.Resource(), PolicyName: p.PolicyName(metric),
	}
}

func after(arn, kind string) string {
	_, rest, _ := strings.Cut(arn, ":"+kind)
	return rest
}

// groupLabel is a target group in the dimensions of metrics.
func (p Parts) groupLabel(i int) string {
	return "targetgroup/" + after(p.TargetGroups[i], "targetgroup/")
}

// Alarm tells of a faulty deployment: more than one request in a hundred fails, in two
// of three minutes ("Updating an Amazon ECS Express Mode service").
func (p Parts) Alarm(given []types.Tag) *cloudwatch.PutMetricAlarmInput {
	var queries []cwtypes.MetricDataQuery
	var failed, all []string
	for i := range p.TargetGroups {
		for _, metric := range []string{"HTTPCode_Target_4XX_Count", "HTTPCode_Target_5XX_Count", "RequestCount"} {
			id := fmt.Sprintf("m%d", len(queries)+1)
			queries = append(queries, cwtypes.MetricDataQuery{Id: &id, ReturnData: aws.Bool(false), MetricStat: p.stat(metric, i)})
			if metric == "RequestCount" {
				all = append(all, "FILL("+id+", 0)")
			} else {
				failed = append(failed, "FILL("+id+", 0)")
			}
		}
	}
	queries = append(queries, cwtypes.MetricDataQuery{
		Id: aws.String("failed"), ReturnData: aws.Bool(true), Label: aws.String("Failed requests in percent"),
		Expression: aws.String("100 * (" + strings.Join(failed, " + ") + ") / (" + strings.Join(all, " + ") + ")"),
	})
	return &cloudwatch.PutMetricAlarmInput{
		AlarmName: aws.String(AlarmName(p.Cluster, p.Name)), Metrics: queries, ComparisonOperator: cwtypes.ComparisonOperatorGreaterThanThreshold,
		AlarmDescription: aws.String("Tells of a faulty deployment of the Express service " + p.Name + "."),
		Threshold:        aws.Float64(1), EvaluationPeriods: aws.Int32(3), DatapointsToAlarm: aws.Int32(2), TreatMissingData: aws.String("notBreaching"),
		Tags: eachTag(given, func(key, value *string) cwtypes.Tag { return cwtypes.Tag{Key: key, Value: value} }),
	}
}

func (p Parts) stat(metric string, group int) *cwtypes.MetricStat {
	return &cwtypes.MetricStat{Period: aws.Int32(60), Stat: aws.String("Sum"), Metric: &cwtypes.Metric{
		Namespace: aws.String(balancerMetrics), MetricName: &metric,
		Dimensions: []cwtypes.Dimension{
			{Name: aws.String("LoadBalancer"), Value: aws.String(after(p.LoadBalancer, "loadbalancer/"))},
			{Name: aws.String("TargetGroup"), Value: aws.String(p.groupLabel(group))},
		},
	}}
}
