package ecs

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"flyball/internal/service/ecs/fault"
	"flyball/internal/service/ecs/rules"
)

// LoadBalancing is what services need of Elastic Load Balancing: to see target
// groups, to register tasks in them, and to shift traffic between them. A call whose context comes from a change
// is part of it.
type LoadBalancing interface {
	DescribeTargetGroups(context.Context, *elb.DescribeTargetGroupsInput, ...func(*elb.Options)) (*elb.DescribeTargetGroupsOutput, error)
	DescribeTargetHealth(context.Context, *elb.DescribeTargetHealthInput, ...func(*elb.Options)) (*elb.DescribeTargetHealthOutput, error)
	RegisterTargets(context.Context, *elb.RegisterTargetsInput, ...func(*elb.Options)) (*elb.RegisterTargetsOutput, error)
	DeregisterTargets(context.Context, *elb.DeregisterTargetsInput, ...func(*elb.Options)) (*elb.DeregisterTargetsOutput, error)
	DescribeListeners(context.Context, *elb.DescribeListenersInput, ...func(*elb.Options)) (*elb.DescribeListenersOutput, error)
	DescribeRules(context.Context, *elb.DescribeRulesInput, ...func(*elb.Options)) (*elb.DescribeRulesOutput, error)
	ModifyListener(context.Context, *elb.ModifyListenerInput, ...func(*elb.Options)) (*elb.ModifyListenerOutput, error)
	ModifyRule(context.Context, *elb.ModifyRuleInput, ...func(*elb.Options)) (*elb.ModifyRuleOutput, error)
}

var _ LoadBalancing = (*elb.Client)(nil)

// noTargetGroups is the LoadBalancing of a server without any. Nothing is
// registered in a group that is not there, so it needs no more methods.
type noTargetGroups struct{ LoadBalancing }

func (noTargetGroups) DescribeTargetGroups(context.Context, *elb.DescribeTargetGroupsInput, ...func(*elb.Options)) (*elb.DescribeTargetGroupsOutput, error) {
	return nil, errNoTargetGroup
}

func (noTargetGroups) DescribeTargetHealth(context.Context, *elb.DescribeTargetHealthInput, ...func(*elb.Options)) (*elb.DescribeTargetHealthOutput, error) {
	return nil, errNoTargetGroup
}

var errNoTargetGroup error = &elbtypes.TargetGroupNotFoundException{Message: aws.String("One or more target groups not found")}

func isNoTargetGroup(err error) bool {
	_, is := errors.AsType[*elbtypes.TargetGroupNotFoundException](err)
	return is
}

// loadBalancing is what there is in Elastic Load Balancing. Whatever is wrong with an
// ARN, it is that of nothing.
func (a *API) loadBalancing(ctx context.Context) rules.Balancing {
	return rules.Balancing{
		Group: func(arn string) *elbtypes.TargetGroup {
			out, err := a.cfg.LoadBalancing.DescribeTargetGroups(ctx, &elb.DescribeTargetGroupsInput{TargetGroupArns: []string{arn}})
			if err != nil || len(out.TargetGroups) != 1 {
				return nil
			}
			return &out.TargetGroups[0]
		},
		Listen: func(arn string) bool {
			_, _, err := a.actionsOf(ctx, arn)
			return err == nil
		},
	}
}

// ServiceTargetGroups are the ARNs of the target groups that a service registers
// its tasks in, now or in another deployment.
func (a *API) ServiceTargetGroups(ctx context.Context, cluster, service string) ([]string, error) {
	return read(ctx, a, func() ([]string, error) {
		c, err := a.activeCluster(&cluster)
		if err != nil {
			return nil, err
		}
		s, ok := a.findService(c, service)
		if !ok {
			return nil, fault.ServiceNotFound()
		}
		var groups []string
		for _, lb := range s.api.LoadBalancers {
			groups = append(groups, aws.ToString(lb.TargetGroupArn))
			if c := lb.AdvancedConfiguration; c != nil && c.AlternateTargetGroupArn != nil {
				groups = append(groups, *c.AlternateTargetGroupArn)
			}
		}
		return groups, nil
	})
}

// TargetHealthChanged tells that the health of a target group's targets has
// changed, or that the group is gone. It returns at once; the services with tasks
// in the group are reconciled after it.
func (a *API) TargetHealthChanged(groupARN string) { a.unbalanced.Sooner(groupARN, a.now()) }
