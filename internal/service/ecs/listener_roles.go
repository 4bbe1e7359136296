package ecs

import (
	"context"

	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// ListenerRoles judges the roles in which deployments shift traffic (Amazon ECS
// Developer Guide, "Amazon ECS infrastructure IAM role for load balancers").
type ListenerRoles interface {
	// Allow returns why ECS may not make some calls of Elastic Load Balancing in a role,
	// for a service, or nil.
	Allow(ctx context.Context, role, serviceARN string, calls []BalancingCall) error
}

// A BalancingCall is a call of Elastic Load Balancing.
type BalancingCall struct {
	Operation string
	Input     any
}

// judgeRoutes returns why the deployment of a service may not shift traffic in the roles
// that it is given, or nil. Roles are judged without the lock, since they are of an
// account that may have to be opened first.
func (a *API) judgeRoutes(ctx context.Context, s *service) error {
	if a.cfg.ListenerRoles == nil {
		return nil
	}
	var routes []route
	a.cell.State.View(ctx, func() {
		if s.there() {
			routes = s.history[0].Routes
		}
	})
	for _, one := range routes {
		if err := a.cfg.ListenerRoles.Allow(ctx, one.Role, s.arn(), one.calls()); err != nil {
			return err
		}
	}
	return nil
}

// calls are those that are made for a route.
func (r route) calls() []BalancingCall {
	var calls []BalancingCall
	for _, arn := range []string{r.Production, r.Test} {
		switch {
		case arn == "":
		case isRule(arn):
			calls = append(calls,
				BalancingCall{"DescribeRules", &elb.DescribeRulesInput{RuleArns: []string{arn}}},
				BalancingCall{"ModifyRule", &elb.ModifyRuleInput{RuleArn: &arn}})
		default:
			calls = append(calls,
				BalancingCall{"DescribeListeners", &elb.DescribeListenersInput{ListenerArns: []string{arn}}},
				BalancingCall{"ModifyListener", &elb.ModifyListenerInput{ListenerArn: &arn}})
		}
	}
	for _, group := range []string{r.Source, r.Target} {
		calls = append(calls,
			BalancingCall{"RegisterTargets", &elb.RegisterTargetsInput{TargetGroupArn: &group, Targets: []elbtypes.TargetDescription{}}},
			BalancingCall{"DeregisterTargets", &elb.DeregisterTargetsInput{TargetGroupArn: &group, Targets: []elbtypes.TargetDescription{}}})
	}
	return calls
}
