package rules

import (
	"cmp"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"flyball/internal/service/ecs/fault"
)

// CheckRole refuses a role for calls to load balancers where none is called, or
// where only the service-linked role may.
func CheckRole(role *string, def *types.TaskDefinition, balancers []types.LoadBalancer) error {
	switch {
	case role == nil:
		return nil
	case def.NetworkMode == types.NetworkModeAwsvpc:
		return fault.InvalidParameter("You cannot specify an IAM role for services that require a service linked role.")
	case len(balancers) == 0:
		return fault.InvalidParameter("IAM roles are only valid for services configured to use load balancers.")
	}
	return nil
}

// A Balancing says what Elastic Load Balancing has, by ARN.
type Balancing struct {
	Group  func(arn string) *elbtypes.TargetGroup // nil where there is none
	Listen func(arn string) bool                  // whether there is a listener or a rule
}

// CheckLoadBalancers validates the load balancers of a service that is deployed with a
// strategy.
func CheckLoadBalancers(def *types.TaskDefinition, balancers []types.LoadBalancer, strategy types.DeploymentStrategy, in Balancing) error {
	switch {
	case len(balancers) > 5:
		return fault.InvalidParameter("A service can have at most 5 target groups.")
	case len(balancers) == 0 && (strategy == types.DeploymentStrategyLinear || strategy == types.DeploymentStrategyCanary):
		return fault.InvalidParameter("The deployment strategy %s requires a load balancer.", strategy)
	}
	for _, lb := range balancers {
		group := aws.ToString(lb.TargetGroupArn)
		name := aws.ToString(lb.ContainerName)
		switch {
		case lb.LoadBalancerName != nil && group != "":
			return fault.InvalidParameter("loadBalancerName and targetGroupArn cannot both be specified. You must specify either a loadBalancerName or a targetGroupArn in all loadBalancer entries.")
		case lb.LoadBalancerName != nil:
			return fault.NotServed("A Classic Load Balancer")
		case group == "":
			return fault.InvalidParameter("targetGroupArn or loadBalancerName must be specified.")
		case !HasContainer(def, name):
			return fault.InvalidParameter("The container %s does not exist in the task definition.", name)
		case !exposes(def, name, aws.ToInt32(lb.ContainerPort)):
			return fault.InvalidParameter("The container %s did not have a container port %d defined.", name, aws.ToInt32(lb.ContainerPort))
		}
		if err := checkAdvanced(def, lb, strategy, in); err != nil {
			return err
		}
		managed := lb.AdvancedConfiguration != nil && aws.ToString(lb.AdvancedConfiguration.ProductionListenerRule) != ""
		if err := checkTargetGroup(def, group, in.Group(group), managed); err != nil {
			return err
		}
	}
	return nil
}

// checkAdvanced validates how deployments shift traffic between two target groups.
func checkAdvanced(def *types.TaskDefinition, lb types.LoadBalancer, strategy types.DeploymentStrategy, in Balancing) error {
	c := lb.AdvancedConfiguration
	if c == nil {
		if strategy == types.DeploymentStrategyRolling {
			return nil
		}
		return fault.InvalidParameter("advancedConfiguration must be specified for each load balancer of a service with the deployment strategy %s.", strategy)
	}
	for _, required := range []struct {
		member string
		value  *string
	}{
		{"alternateTargetGroupArn", c.AlternateTargetGroupArn}, {"productionListenerRule", c.ProductionListenerRule}, {"roleArn", c.RoleArn},
	} {
		if aws.ToString(required.value) == "" {
			return fault.InvalidParameter("%s must be specified in advancedConfiguration.", required.member)
		}
	}
	if *c.AlternateTargetGroupArn == *lb.TargetGroupArn {
		return fault.InvalidParameter("alternateTargetGroupArn must be another target group than targetGroupArn.")
	}
	for _, arn := range []*string{c.ProductionListenerRule, c.TestListenerRule} {
		if arn != nil && !in.Listen(*arn) {
			return fault.InvalidParameter("The listener rule %s does not exist.", *arn)
		}
	}
	if c.TestListenerRule != nil && *c.TestListenerRule == *c.ProductionListenerRule {
		return fault.InvalidParameter("testListenerRule must be another listener rule than productionListenerRule.")
	}
	return checkTargetGroup(def, *c.AlternateTargetGroupArn, in.Group(*c.AlternateTargetGroupArn), true)
}

// checkTargetGroup refuses a target group that gets no requests or takes other
// targets than the tasks: those with a network interface of their own are known by
// their addresses, others by their instances. A group of a managed rule gets requests
// as soon as there is a deployment.
func checkTargetGroup(def *types.TaskDefinition, arn string, g *elbtypes.TargetGroup, managed bool) error {
	mode, takes := cmp.Or(def.NetworkMode, types.NetworkModeBridge), elbtypes.TargetTypeEnumInstance
	if mode == types.NetworkModeAwsvpc {
		takes = elbtypes.TargetTypeEnumIp
	}
	switch {
	case g == nil:
		return fault.InvalidParameter("The target group with targetGroupArn %s does not exist.", arn)
	case len(g.LoadBalancerArns) == 0 && !managed:
		return fault.InvalidParameter("The target group with targetGroupArn %s does not have an associated load balancer.", arn)
	case g.TargetType != takes:
		return fault.InvalidParameter("The provided target group %s has target type %s, which is incompatible with the %s network mode specified in the task definition.", arn, g.TargetType, mode)
	}
	return nil
}

func exposes(def *types.TaskDefinition, container string, port int32) bool {
	for _, c := range def.ContainerDefinitions {
		if *c.Name == container {
			return slices.ContainsFunc(c.PortMappings, func(p types.PortMapping) bool { return aws.ToInt32(p.ContainerPort) == port })
		}
	}
	return false
}
