package express

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logstypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/google/uuid"

	"flyball/internal/cell"
	"flyball/internal/service/ecs/fault"
	"flyball/internal/service/ecs/rules"
	"flyball/internal/service/express/plan"
	"flyball/internal/state"
)

// usualCluster is the cluster of a service that names none. It is made if it is not
// there; others are not.
const usualCluster = "default"

const fargate = "FARGATE" // the capacity provider of all tasks

// CreateExpressGatewayService makes a service with all that it needs.
func (s *Services) CreateExpressGatewayService(ctx context.Context, in *ecs.CreateExpressGatewayServiceInput, _ ...func(*ecs.Options)) (*ecs.CreateExpressGatewayServiceOutput, error) {
	if !arn.IsARN(aws.ToString(in.InfrastructureRoleArn)) {
		return nil, fault.InvalidParameter("infrastructureRoleArn must be the ARN of a role.")
	}
	settings, err := plan.New(in)
	if err != nil {
		return nil, err
	}
	cluster, err := s.clusterName(in.Cluster)
	if err != nil {
		return nil, err
	}
	name := aws.ToString(cmp.Or(in.ServiceName, aws.String(plan.ServiceName(aws.ToString(settings.Container.Image), cell.NewID("", 4)))))
	if !rules.ValidName(name) {
		return nil, fault.InvalidParameter("Unable to create service: service name can only contain letters, numbers, hyphens and underscores, up to 255 characters.")
	}
	m, err := s.maker(ctx, *in.InfrastructureRoleArn, s.cell.ARN("ecs", "service/"+key(cluster, name)))
	if err != nil {
		return nil, err
	}
	made := service{Parts: plan.Parts{Cluster: cluster, Name: name, Role: m.role}, ARN: m.service}
	err = s.change(ctx, func(ctx context.Context, tx *state.Tx) error {
		return m.create(ctx, tx, &made, settings, in)
	})
	if err != nil {
		return nil, err
	}
	shown, err := s.describe(ctx, made, true)
	return &ecs.CreateExpressGatewayServiceOutput{Service: shown}, err
}

// clusterName is the name of the cluster that a call names.
func (s *Services) clusterName(ref *string) (string, error) {
	if !arn.IsARN(aws.ToString(ref)) {
		return cmp.Or(aws.ToString(ref), usualCluster), nil
	}
	resource, ok := s.cell.Parse("ecs", *ref)
	name, is := strings.CutPrefix(resource, "cluster/")
	if !ok || !is {
		return "", fault.ClusterNotFound()
	}
	return name, nil
}

// create makes all that a service needs, and then the service.
func (m *maker) create(ctx context.Context, tx *state.Tx, made *service, settings plan.Settings, in *ecs.CreateExpressGatewayServiceInput) error {
	if err := m.free(ctx, tx, made.Parts); err != nil {
		return err
	}
	if err := m.readyCluster(ctx, made.Cluster); err != nil {
		return err
	}
	place, err := m.place(ctx, in.NetworkConfiguration)
	if err != nil {
		return err
	}
	definition, settings, err := m.define(ctx, made.Parts, settings)
	if err != nil {
		return err
	}
	if err := m.makeIngress(ctx, &made.Parts, place, settings, in.Tags); err != nil {
		return err
	}
	if err := m.makeLogGroup(ctx, &made.Parts, settings, in.Tags); err != nil {
		return err
	}
	if _, err := ask(ctx, m, alarmsName, "PutMetricAlarm", m.cfg.Alarms.PutMetricAlarm, made.Alarm(in.Tags)); err != nil {
		return err
	}
	network := made.Network(place, addedGroups(in.NetworkConfiguration))
	if _, err := m.cfg.ECS.CreateManagedService(ctx, made.Service(settings, definition, network, in.Tags)); err != nil {
		return err
	}
	if err := m.makeScaling(ctx, &made.Parts, settings, in.Tags); err != nil {
		return err
	}
	made.become(settings)
	made.CreatedAt = m.now()
	made.UpdatedAt = made.CreatedAt
	m.rows.Put(tx, made.key(), *made)
	return nil
}

// free makes sure that the name of a service is free, and that nothing is left of an
// earlier service that had it: its parts may not have been removed yet.
func (m *maker) free(ctx context.Context, tx *state.Tx, p plan.Parts) error {
	there, err := m.inECS(ctx, p.Cluster, p.Name)
	if _, none := errors.AsType[*types.ClusterNotFoundException](err); none {
		return nil
	}
	switch old, left := m.rows.Get(key(p.Cluster, p.Name)); {
	case err != nil:
		return err
	case there != nil && *there.Status == draining:
		return fault.InvalidParameter("Unable to Start a service that is still Draining.")
	case there != nil && *there.Status == active:
		return fault.InvalidParameter("Creation of service was not idempotent.")
	case left:
		return m.remove(ctx, tx, m.network, old)
	}
	return nil
}

// readyCluster makes the usual cluster, if it is not there, and sees to it that Fargate
// runs the tasks of a cluster.
func (m *maker) readyCluster(ctx context.Context, name string) error {
	out, err := m.cfg.ECS.DescribeClusters(ctx, &ecs.DescribeClustersInput{Clusters: []string{name}})
	if err != nil {
		return err
	}
	there := len(out.Clusters) == 1 && aws.ToString(out.Clusters[0].Status) == active
	switch {
	case !there && name != usualCluster:
		return fault.ClusterNotFound()
	case !there:
		_, err = m.cfg.ECS.CreateCluster(ctx, &ecs.CreateClusterInput{ClusterName: &name, CapacityProviders: []string{fargate}})
		return err
	}
	providers := out.Clusters[0].CapacityProviders
	if slices.Contains(providers, fargate) {
		return nil
	}
	strategy := out.Clusters[0].DefaultCapacityProviderStrategy
	if strategy == nil {
		strategy = []types.CapacityProviderStrategyItem{}
	}
	_, err = m.cfg.ECS.PutClusterCapacityProviders(ctx, &ecs.PutClusterCapacityProvidersInput{
		Cluster: &name, CapacityProviders: append(slices.Clone(providers), fargate), DefaultCapacityProviderStrategy: strategy,
	})
	return err
}

// define is the ARN of a service's first task definition, and its settings with what the
// definition says.
func (m *maker) define(ctx context.Context, p plan.Parts, settings plan.Settings) (string, plan.Settings, error) {
	if settings.TaskDefinition != "" {
		return m.brought(ctx, settings)
	}
	if settings.Container.AwsLogsConfiguration == nil {
		settings.Container.AwsLogsConfiguration = &types.ExpressGatewayServiceAwsLogsConfiguration{
			LogGroup: aws.String(plan.LogGroup(p.Cluster, p.Name, cell.NewID("", 4))), LogStreamPrefix: aws.String(plan.LogPrefix),
		}
	}
	out, err := m.cfg.ECS.RegisterTaskDefinition(ctx, settings.Definition(plan.Family(p.Cluster, p.Name), m.cell.Region))
	if err != nil {
		return "", settings, err
	}
	return *out.TaskDefinition.TaskDefinitionArn, settings, nil
}

// brought is a task definition of the caller's.
func (m *maker) brought(ctx context.Context, settings plan.Settings) (string, plan.Settings, error) {
	out, err := m.cfg.ECS.DescribeTaskDefinition(ctx, &ecs.DescribeTaskDefinitionInput{TaskDefinition: &settings.TaskDefinition})
	if err != nil {
		return "", settings, err
	}
	if err := plan.CheckBrought(out.TaskDefinition); err != nil {
		return "", settings, err
	}
	settings, err = settings.Reading(out.TaskDefinition)
	return *out.TaskDefinition.TaskDefinitionArn, settings, err
}

// makeIngress makes the way from a load balancer to the tasks.
func (m *maker) makeIngress(ctx context.Context, p *plan.Parts, place plan.Place, settings plan.Settings, tags []types.Tag) error {
	p.VPC, p.Public = place.VPC, place.Public
	name := plan.EndpointName(p.Name, cell.NewID("", 32), m.cell.Region)
	p.Domain = name + plan.Domain
	p.Certificate = m.cell.ARN("acm", "certificate/"+uuid.NewString())
	if err := m.joinGateway(ctx, p, place); err != nil {
		return err
	}
	var err error
	if p.Host, err = m.cfg.LoadBalancing.AddEndpoint(ctx, p.LoadBalancer, name); err != nil {
		return inWordsOfECS(err)
	}
	if err := m.makeSecurityGroup(ctx, p, *settings.Container.ContainerPort, tags); err != nil {
		return err
	}
	for i := range p.TargetGroups {
		out, err := ask(ctx, m, elbName, "CreateTargetGroup", m.cfg.LoadBalancing.CreateTargetGroup, settings.TargetGroup(p.VPC, cell.NewID("", 17), tags))
		if err != nil {
			return err
		}
		p.TargetGroups[i] = *out.TargetGroups[0].TargetGroupArn
	}
	taken, err := ask(ctx, m, elbName, "DescribeRules", m.cfg.LoadBalancing.DescribeRules, &elb.DescribeRulesInput{ListenerArn: &p.Listener})
	if err != nil {
		return err
	}
	out, err := ask(ctx, m, elbName, "CreateRule", m.cfg.LoadBalancing.CreateRule, p.ListenerRule(plan.Priority(taken.Rules), tags))
	if err != nil {
		return err
	}
	p.Rule = *out.Rules[0].RuleArn
	return nil
}

// makeSecurityGroup makes the tasks' security group, which lets in the load balancer
// only.
func (m *maker) makeSecurityGroup(ctx context.Context, p *plan.Parts, port int32, tags []types.Tag) error {
	group, err := ask(ctx, m, ec2Name, "CreateSecurityGroup", m.network.CreateSecurityGroup, plan.SecurityGroup(
		plan.ServiceGroup(p.Cluster, p.Name, p.VPC), "Express Mode service", p.VPC, tags))
	if err != nil {
		return err
	}
	p.SecurityGroup = *group.GroupId
	return m.openPort(ctx, *p, port)
}

// openPort lets the load balancer reach the tasks at a port.
func (m *maker) openPort(ctx context.Context, p plan.Parts, port int32) error {
	_, err := ask(ctx, m, ec2Name, "AuthorizeSecurityGroupIngress", m.network.AuthorizeSecurityGroupIngress, plan.Ingress(p.SecurityGroup, plan.Permission(port, p.BalancerGroup)))
	if err != nil {
		return err
	}
	_, err = ask(ctx, m, ec2Name, "AuthorizeSecurityGroupEgress", m.network.AuthorizeSecurityGroupEgress, plan.Egress(p.BalancerGroup, plan.Permission(port, p.SecurityGroup)))
	return err
}

// makeLogGroup makes the log group that the service names, if it is not there.
func (m *maker) makeLogGroup(ctx context.Context, p *plan.Parts, settings plan.Settings, tags []types.Tag) error {
	logs := settings.Container.AwsLogsConfiguration
	if m.cfg.Logs == nil || logs == nil || settings.TaskDefinition != "" {
		return nil
	}
	p.LogGroup = *logs.LogGroup
	in := &cloudwatchlogs.CreateLogGroupInput{LogGroupName: &p.LogGroup, Tags: plan.Tags(tags)}
	if err := m.judge(ctx, RoleCall{logsName, "CreateLogGroup", in}); err != nil {
		return err
	}
	_, err := m.cfg.Logs.CreateLogGroup(ctx, in)
	if _, there := errors.AsType[*logstypes.ResourceAlreadyExistsException](err); there {
		return nil
	}
	return inWordsOfECS(err)
}

// makeScaling makes the scalable target and its policy.
func (m *maker) makeScaling(ctx context.Context, p *plan.Parts, settings plan.Settings, tags []types.Tag) error {
	target, err := ask(ctx, m, scalingName, "RegisterScalableTarget", m.cfg.Scaling.RegisterScalableTarget, p.Target(settings, tags))
	if err != nil {
		return err
	}
	p.ScalableTarget = *target.ScalableTargetARN
	return m.putPolicy(ctx, p, settings)
}

func (m *maker) putPolicy(ctx context.Context, p *plan.Parts, settings plan.Settings) error {
	out, err := ask(ctx, m, scalingName, "PutScalingPolicy", m.cfg.Scaling.PutScalingPolicy, p.ScalingPolicy(settings))
	if err != nil {
		return err
	}
	p.Policy = *out.PolicyARN
	return nil
}

// addedGroups are the security groups that a request adds to the service's own.
func addedGroups(n *types.ExpressGatewayServiceNetworkConfiguration) []string {
	if n == nil {
		return nil
	}
	return n.SecurityGroups
}
