package elb

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"flyball/internal/service/elb/fault"
	"flyball/internal/service/elb/rules"
	"flyball/internal/state"
)

func balancerAttribute(key, value string) types.LoadBalancerAttribute {
	return types.LoadBalancerAttribute{Key: &key, Value: &value}
}

func groupAttribute(key, value string) types.TargetGroupAttribute {
	return types.TargetGroupAttribute{Key: &key, Value: &value}
}

func listenerAttribute(key, value string) types.ListenerAttribute {
	return types.ListenerAttribute{Key: &key, Value: &value}
}

// attributes are those that a request sets, each once.
func attributes[T any](list []T, pair func(T) (key, value *string)) (map[string]string, error) {
	set := map[string]string{}
	for _, a := range list {
		given, value := pair(a)
		key := aws.ToString(given) // a client need not give one
		if _, twice := set[key]; twice {
			return nil, fault.Validation("Attribute key '%s' has been specified more than once", key)
		}
		set[key] = aws.ToString(value)
	}
	return set, nil
}

// DescribeLoadBalancerAttributes lists all attributes of a load balancer.
func (a *API) DescribeLoadBalancerAttributes(ctx context.Context, in *elb.DescribeLoadBalancerAttributesInput, _ ...func(*elb.Options)) (*elb.DescribeLoadBalancerAttributesOutput, error) {
	b, err := read(ctx, a, func() (loadBalancer, error) { return a.balancer(in.LoadBalancerArn) })
	if err != nil {
		return nil, err
	}
	return &elb.DescribeLoadBalancerAttributesOutput{
		Attributes: rules.AttributeList(rules.BalancerAttributes(), b.Attributes, balancerAttribute),
	}, nil
}

// ModifyLoadBalancerAttributes sets attributes of a load balancer, and lists all.
func (a *API) ModifyLoadBalancerAttributes(ctx context.Context, in *elb.ModifyLoadBalancerAttributesInput, _ ...func(*elb.Options)) (*elb.ModifyLoadBalancerAttributesOutput, error) {
	set, err := attributes(in.Attributes, func(t types.LoadBalancerAttribute) (key, value *string) { return t.Key, t.Value })
	if err != nil {
		return nil, err
	}
	var all map[string]string
	err = a.changeBalancer(ctx, in.LoadBalancerArn, func(_ context.Context, b *loadBalancer) (err error) {
		if all, err = rules.BalancerAttributes().With(b.Attributes, set); err != nil {
			return err
		}
		b.Attributes = all
		return rules.CheckBalancerAttributes(all)
	})
	if err != nil {
		return nil, err
	}
	return &elb.ModifyLoadBalancerAttributesOutput{Attributes: rules.AttributeList(rules.BalancerAttributes(), all, balancerAttribute)}, nil
}

// DescribeTargetGroupAttributes lists all attributes of a target group.
func (a *API) DescribeTargetGroupAttributes(ctx context.Context, in *elb.DescribeTargetGroupAttributesInput, _ ...func(*elb.Options)) (*elb.DescribeTargetGroupAttributesOutput, error) {
	g, err := read(ctx, a, func() (targetGroup, error) { return a.group(in.TargetGroupArn) })
	if err != nil {
		return nil, err
	}
	return &elb.DescribeTargetGroupAttributesOutput{
		Attributes: rules.AttributeList(rules.GroupAttributes(), g.Attributes, groupAttribute),
	}, nil
}

// ModifyTargetGroupAttributes sets attributes of a target group, and lists all.
func (a *API) ModifyTargetGroupAttributes(ctx context.Context, in *elb.ModifyTargetGroupAttributesInput, _ ...func(*elb.Options)) (*elb.ModifyTargetGroupAttributesOutput, error) {
	set, err := attributes(in.Attributes, func(t types.TargetGroupAttribute) (key, value *string) { return t.Key, t.Value })
	if err != nil {
		return nil, err
	}
	var all map[string]string
	err = a.changeGroup(ctx, in.TargetGroupArn, func(_ context.Context, g *targetGroup) (err error) {
		if all, err = rules.GroupAttributes().With(g.Attributes, set); err != nil {
			return err
		}
		g.Attributes = all
		return rules.CheckGroupAttributes(g.Protocol, all)
	})
	if err != nil {
		return nil, err
	}
	return &elb.ModifyTargetGroupAttributesOutput{Attributes: rules.AttributeList(rules.GroupAttributes(), all, groupAttribute)}, nil
}

// DescribeListenerAttributes lists all attributes of a listener.
func (a *API) DescribeListenerAttributes(ctx context.Context, in *elb.DescribeListenerAttributesInput, _ ...func(*elb.Options)) (*elb.DescribeListenerAttributesOutput, error) {
	l, err := read(ctx, a, func() (listener, error) { return a.listener(in.ListenerArn) })
	if err != nil {
		return nil, err
	}
	return &elb.DescribeListenerAttributesOutput{
		Attributes: rules.AttributeList(rules.ListenerAttributes(l.https()), l.Attributes, listenerAttribute),
	}, nil
}

// ModifyListenerAttributes sets attributes of a listener, and lists all.
func (a *API) ModifyListenerAttributes(ctx context.Context, in *elb.ModifyListenerAttributesInput, _ ...func(*elb.Options)) (*elb.ModifyListenerAttributesOutput, error) {
	set, err := attributes(in.Attributes, func(t types.ListenerAttribute) (key, value *string) { return t.Key, t.Value })
	if err != nil {
		return nil, err
	}
	var changed listener
	err = a.changeListener(ctx, in.ListenerArn, func(_ context.Context, _ *state.Tx, l *listener) (err error) {
		l.Attributes, err = rules.ListenerAttributes(l.https()).With(l.Attributes, set)
		changed = *l
		return err
	})
	if err != nil {
		return nil, err
	}
	return &elb.ModifyListenerAttributesOutput{
		Attributes: rules.AttributeList(rules.ListenerAttributes(changed.https()), changed.Attributes, listenerAttribute),
	}, nil
}
