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
		return fault.InvalidParameter("The role parameter is only valid for services configured to use load balancers.")
	}
	return nil
}

// CheckLoadBalancers validates the load balancers of a service. Find finds a target
// group by its ARN; nil where there is none.
func CheckLoadBalancers(def *types.TaskDefinition, balancers []types.LoadBalancer, find func(arn string) *elbtypes.TargetGroup) error {
	if len(balancers) > 5 {
		return fault.InvalidParameter("A service can have at most 5 target groups.")
	}
	for _, lb := range balancers {
		group := aws.ToString(lb.TargetGroupArn)
		name := aws.ToString(lb.ContainerName)
		switch {
		case lb.LoadBalancerName != nil:
			return fault.NotServed("A Classic Load Balancer")
		case lb.AdvancedConfiguration != nil:
			return fault.NotServed("advancedConfiguration of a load balancer")
		case group == "":
			return fault.InvalidParameter("targetGroupArn or loadBalancerName must be specified.")
		case !HasContainer(def, name):
			return fault.InvalidParameter("The container %s does not exist in the task definition.", name)
		case !exposes(def, name, aws.ToInt32(lb.ContainerPort)):
			return fault.InvalidParameter("The container %s did not have a container port %d defined.", name, aws.ToInt32(lb.ContainerPort))
		}
		if err := checkTargetGroup(def, group, find(group)); err != nil {
			return err
		}
	}
	return nil
}

// checkTargetGroup refuses a target group that gets no requests or takes other
// targets than the tasks: those with a network interface of their own are known by
// their addresses, others by their instances.
func checkTargetGroup(def *types.TaskDefinition, arn string, g *elbtypes.TargetGroup) error {
	mode, takes := cmp.Or(def.NetworkMode, types.NetworkModeBridge), elbtypes.TargetTypeEnumInstance
	if mode == types.NetworkModeAwsvpc {
		takes = elbtypes.TargetTypeEnumIp
	}
	switch {
	case g == nil:
		return fault.InvalidParameter("The target group with targetGroupArn %s does not exist.", arn)
	case len(g.LoadBalancerArns) == 0:
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
