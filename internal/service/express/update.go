package express

import (
	"context"
	"reflect"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"

	"flyball/internal/service/ecs/fault"
	"flyball/internal/service/express/plan"
	"flyball/internal/state"
)

// UpdateExpressGatewayService changes a service. What affects its tasks is a new
// revision.
func (s *Services) UpdateExpressGatewayService(ctx context.Context, in *ecs.UpdateExpressGatewayServiceInput, _ ...func(*ecs.Options)) (*ecs.UpdateExpressGatewayServiceOutput, error) {
	row, err := s.changeable(ctx, aws.ToString(in.ServiceArn))
	if err != nil {
		return nil, err
	}
	m, err := s.maker(ctx, row.Role, row.ARN)
	if err != nil {
		return nil, err
	}
	err = s.change(ctx, func(ctx context.Context, tx *state.Tx) error {
		if row, err = s.changeable(ctx, row.ARN); err != nil { // it may have gone meanwhile
			return err
		}
		return m.update(ctx, tx, &row, in)
	})
	if err != nil {
		return nil, err
	}
	shown, err := s.describe(ctx, row, false)
	if err != nil {
		return nil, err
	}
	return &ecs.UpdateExpressGatewayServiceOutput{Service: &types.UpdatedExpressGatewayService{
		Cluster: shown.Cluster, ServiceArn: shown.ServiceArn, ServiceName: shown.ServiceName, Status: shown.Status,
		CreatedAt: shown.CreatedAt, UpdatedAt: shown.UpdatedAt, TargetConfiguration: &shown.ActiveConfigurations[0],
	}}, nil
}

// update changes what differs from what a request asks for.
func (m *maker) update(ctx context.Context, tx *state.Tx, row *service, in *ecs.UpdateExpressGatewayServiceInput) error {
	there, err := m.inECS(ctx, row.Cluster, row.Name)
	if err != nil {
		return err
	}
	current := there.Deployments[0]
	before, err := m.settings(ctx, *row, *current.TaskDefinition)
	if err != nil {
		return err
	}
	wanted, err := before.Changed(in)
	if err != nil {
		return err
	}
	change := &ecs.UpdateServiceInput{Cluster: &row.Cluster, Service: &row.Name, ForceNewDeployment: before.HealthCheckPath != wanted.HealthCheckPath}
	if change.TaskDefinition, wanted, err = m.revise(ctx, *current.TaskDefinition, before, wanted); err != nil {
		return err
	}
	if change.NetworkConfiguration, err = m.moved(ctx, row.Parts, current, in.NetworkConfiguration); err != nil {
		return err
	}
	if err := m.updatePort(ctx, *row, before, wanted, change); err != nil {
		return err
	}
	row.become(wanted)
	row.UpdatedAt = m.now()
	m.rows.Put(tx, row.key(), *row)
	if _, err := m.cfg.ECS.UpdateManagedService(ctx, change); err != nil {
		return err
	}
	if err := m.updateScaling(ctx, row, before, wanted); err != nil {
		return err
	}
	m.rows.Put(tx, row.key(), *row)
	return nil
}

// Deployed has the health of a new revision's tasks checked at the service's path. Its
// target groups are not those of the revision before, which are checked as they were. No
// role is asked: AWS's policy for it does not let it modify target groups.
func (s *Services) Deployed(ctx context.Context, arn string, groups []string) error {
	row, ok := s.find(arn)
	if !ok {
		return nil
	}
	for _, group := range groups {
		path, err := s.pathOf(ctx, group)
		if err != nil {
			return err
		}
		if path == row.Path {
			continue
		}
		_, err = s.cfg.LoadBalancing.ModifyTargetGroup(ctx, &elb.ModifyTargetGroupInput{TargetGroupArn: &group, HealthCheckPath: &row.Path})
		if err != nil {
			return inWordsOfECS(err)
		}
	}
	return nil
}

// pathOf is where the targets of a group are checked.
func (s *Services) pathOf(ctx context.Context, group string) (string, error) {
	out, err := s.cfg.LoadBalancing.DescribeTargetGroups(ctx, &elb.DescribeTargetGroupsInput{TargetGroupArns: []string{group}})
	if err != nil {
		return "", inWordsOfECS(err)
	}
	return aws.ToString(out.TargetGroups[0].HealthCheckPath), nil
}

// revise is the task definition for what is wanted, or nil where nothing of it changes,
// and what is wanted with what the definition says.
func (m *maker) revise(ctx context.Context, current string, before, wanted plan.Settings) (*string, plan.Settings, error) {
	if wanted.TaskDefinition != "" {
		arn, wanted, err := m.brought(ctx, wanted)
		return &arn, wanted, err
	}
	if before.SameTasks(wanted) {
		return nil, wanted, nil
	}
	out, err := m.cfg.ECS.DescribeTaskDefinition(ctx, &ecs.DescribeTaskDefinitionInput{TaskDefinition: &current})
	if err != nil {
		return nil, wanted, err
	}
	made, err := m.cfg.ECS.RegisterTaskDefinition(ctx, wanted.Revision(out.TaskDefinition, before, m.cell.Region))
	if err != nil {
		return nil, wanted, err
	}
	return made.TaskDefinition.TaskDefinitionArn, wanted, nil
}

// moved is the network of the tasks when a request changes it, or nil.
func (m *maker) moved(ctx context.Context, p plan.Parts, current types.Deployment, to *types.ExpressGatewayServiceNetworkConfiguration) (*types.NetworkConfiguration, error) {
	if to == nil {
		return nil, nil
	}
	had := current.NetworkConfiguration.AwsvpcConfiguration
	asked := types.ExpressGatewayServiceNetworkConfiguration{Subnets: to.Subnets, SecurityGroups: to.SecurityGroups}
	if len(asked.Subnets) == 0 {
		asked.Subnets = had.Subnets
	}
	if asked.SecurityGroups == nil {
		asked.SecurityGroups = had.SecurityGroups
	}
	place, err := m.place(ctx, &asked)
	if err != nil {
		return nil, err
	}
	if err := m.stays(ctx, p, place); err != nil {
		return nil, err
	}
	return p.Network(place, p.Added(asked.SecurityGroups)), nil
}

// updatePort changes the port at which the tasks get requests.
func (m *maker) updatePort(ctx context.Context, row service, before, wanted plan.Settings, change *ecs.UpdateServiceInput) error {
	if *before.Container.ContainerPort == *wanted.Container.ContainerPort {
		return nil
	}
	change.LoadBalancers = row.Balancers(wanted)
	if err := m.openPort(ctx, row.Parts, *wanted.Container.ContainerPort); err != nil {
		return err
	}
	return m.closePort(ctx, row.Parts, *before.Container.ContainerPort)
}

// closePort takes back what openPort has made.
func (m *maker) closePort(ctx context.Context, p plan.Parts, port int32) error {
	_, err := ask(ctx, m, ec2Name, "RevokeSecurityGroupIngress", m.network.RevokeSecurityGroupIngress, &ec2.RevokeSecurityGroupIngressInput{
		GroupId: &p.SecurityGroup, IpPermissions: plan.Permission(port, p.BalancerGroup),
	})
	if err != nil {
		return err
	}
	_, err = ask(ctx, m, ec2Name, "RevokeSecurityGroupEgress", m.network.RevokeSecurityGroupEgress, &ec2.RevokeSecurityGroupEgressInput{
		GroupId: &p.BalancerGroup, IpPermissions: plan.Permission(port, p.SecurityGroup),
	})
	return err
}

// updateScaling changes the bounds of the scalable target, and its policy.
func (m *maker) updateScaling(ctx context.Context, row *service, before, wanted plan.Settings) error {
	if reflect.DeepEqual(before.Scaling, wanted.Scaling) {
		return nil
	}
	target := row.Target(wanted, nil)
	target.Tags = nil // it has them
	if _, err := ask(ctx, m, scalingName, "RegisterScalableTarget", m.cfg.Scaling.RegisterScalableTarget, target); err != nil {
		return err
	}
	if before.Scaling.AutoScalingMetric != wanted.Scaling.AutoScalingMetric {
		_, err := ask(ctx, m, scalingName, "DeleteScalingPolicy", m.cfg.Scaling.DeleteScalingPolicy, row.Unpolicy(before.Scaling.AutoScalingMetric))
		if err != nil {
			return err
		}
	}
	return m.putPolicy(ctx, &row.Parts, wanted)
}

// stays refuses to move a service to where its load balancer is not.
func (m *maker) stays(ctx context.Context, p plan.Parts, place plan.Place) error {
	if place.VPC != p.VPC || place.Public != p.Public {
		return fault.InvalidParameter("The subnets of an Express service must stay in its VPC and of its kind, public or private.")
	}
	return m.checkZones(ctx, p.LoadBalancer, place)
}
