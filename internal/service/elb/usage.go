package elb

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"flyball/internal/service/elb/fault"
	"flyball/internal/service/elb/rules"
)

// mostGroupsOfBalancer is how many target groups a load balancer can have.
const mostGroupsOfBalancer = 100

// users are the load balancers of each target group: those with a rule that forwards
// to it. There is one at most.
func (a *API) users() map[string][]string {
	users := map[string][]string{}
	for _, r := range a.rules.Rows("") {
		balancer := a.balancerOf(*r.RuleArn)
		for _, group := range rules.Groups(r.Actions) {
			if !slices.Contains(users[group], balancer) {
				users[group] = append(users[group], balancer)
			}
		}
	}
	return users
}

// usedBy are the target groups of a load balancer.
func (a *API) usedBy(balancer string) map[string]bool {
	used := map[string]bool{}
	for _, r := range a.rules.Rows(a.rulesOfBalancer(balancer)) {
		for _, group := range rules.Groups(r.Actions) {
			used[group] = true
		}
	}
	return used
}

// balancerOf is the ARN of the load balancer of a rule.
func (a *API) balancerOf(rule string) string {
	parts := strings.SplitN(tail(rule, kindOfRule), "/", 3)
	return a.cell.ARN(serviceName, kindOfBalancer+parts[0]+"/"+parts[1])
}

// checkForwards refuses actions of a listener that forward to what they cannot
// forward to.
func (a *API) checkForwards(ctx context.Context, l types.Listener, actions []types.Action) error {
	b, err := a.balancer(l.LoadBalancerArn)
	if err != nil {
		return err
	}
	balancer := *b.LoadBalancerArn
	used, users := a.usedBy(balancer), a.users()
	for _, arn := range rules.Groups(actions) {
		g, err := a.group(&arn)
		if err != nil {
			return err
		}
		if *g.ProtocolVersion == "GRPC" && l.Protocol != types.ProtocolEnumHttps {
			return fault.InvalidConfiguration("Listener protocol '%s' is not supported with a target group with the protocol-version 'GRPC'", l.Protocol)
		}
		if of := users[arn]; len(of) > 0 && !slices.Contains(of, balancer) {
			return fault.AssociationLimit(arn)
		}
		if err := a.checkSameVPC(ctx, b, g); err != nil {
			return err
		}
		if used[arn] = true; len(used) > mostGroupsOfBalancer {
			return fault.TooManyGroupsOfBalancer(mostGroupsOfBalancer)
		}
	}
	return nil
}
