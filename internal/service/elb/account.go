package elb

import (
	"cmp"
	"context"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"flyball/internal/service/elb/fault"
	"flyball/internal/service/elb/rules"
)

// DescribeAccountLimits lists how much there may be of what.
func (a *API) DescribeAccountLimits(_ context.Context, in *elb.DescribeAccountLimitsInput, _ ...func(*elb.Options)) (*elb.DescribeAccountLimitsOutput, error) {
	var limits []types.Limit
	for _, l := range []struct {
		name string
		most int
	}{
		{"application-load-balancers", mostBalancers},
		{"certificates-per-application-load-balancer", mostCertificates},
		{"condition-values-per-alb-rule", rules.MostValues},
		{"condition-wildcards-per-alb-rule", rules.MostWildcards},
		{"listeners-per-application-load-balancer", mostListeners},
		{"rules-per-application-load-balancer", mostRules},
		{"target-groups", mostGroups},
		{"target-groups-per-action-on-application-load-balancer", rules.MostGroups},
		{"target-groups-per-application-load-balancer", mostGroupsOfBalancer},
		{"targets-per-application-load-balancer", mostTargets},
		{"targets-per-target-group", mostTargets},
	} {
		limits = append(limits, types.Limit{Name: aws.String(l.name), Max: aws.String(strconv.Itoa(l.most))})
	}
	limits, next, err := list(limits, func(l types.Limit) string { return *l.Name }, in.Marker, in.PageSize)
	if err != nil {
		return nil, err
	}
	return &elb.DescribeAccountLimitsOutput{Limits: limits, NextMarker: next}, nil
}

// DescribeSSLPolicies describes the security policies of listeners: all, or some by
// their names.
func (a *API) DescribeSSLPolicies(_ context.Context, in *elb.DescribeSSLPoliciesInput, _ ...func(*elb.Options)) (*elb.DescribeSSLPoliciesOutput, error) {
	all := rules.SSLPolicies()
	if in.LoadBalancerType != "" && in.LoadBalancerType != types.LoadBalancerTypeEnumApplication {
		all = nil
	}
	for _, name := range in.Names {
		if _, ok := rules.SSLPolicy(name); !ok {
			return nil, fault.SSLPolicyNotFound(name)
		}
	}
	all = slices.DeleteFunc(all, func(p types.SslPolicy) bool { return len(in.Names) > 0 && !slices.Contains(in.Names, *p.Name) })
	key := func(p types.SslPolicy) string { return *p.Name }
	slices.SortFunc(all, func(x, y types.SslPolicy) int { return cmp.Compare(key(x), key(y)) })
	all, next, err := list(all, key, in.Marker, in.PageSize)
	if err != nil {
		return nil, err
	}
	return &elb.DescribeSSLPoliciesOutput{SslPolicies: all, NextMarker: next}, nil
}
