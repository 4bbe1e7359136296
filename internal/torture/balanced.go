package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"flyball/internal/client"
)

// A tree's load balancer and its target group have the tree's name. Listener and
// targets hang on them.

func balancerFact(idle string, tags map[string]string) string {
	return "idle for " + idle + " s, " + tagsFact(tags)
}

func groupFact(path string) string { return "checks " + path }

func listenerFact(port int32, to string) string { return fmt.Sprintf("port %d to %s", port, to) }

// idleAtFirst is what AWS has for the idle timeout of load balancers.
const idleAtFirst = "60"

// movesOfBalancing are what can be done with the load balancer and the target group.
func (t *tree) movesOfBalancing() (moves []func() move) {
	balancer, group, listener := t.has("load balancer", ""), t.has("target group", ""), t.has("listener", "")
	if !balancer {
		moves = append(moves, t.createBalancer)
	} else {
		moves = append(moves, t.modifyBalancer, t.deleteBalancer)
	}
	if !group {
		moves = append(moves, t.createGroup)
	} else {
		moves = append(moves, t.modifyGroup, t.registerTargets)
	}
	switch {
	case listener:
		moves = append(moves, t.modifyListener, t.deleteListener)
	case balancer && group:
		moves = append(moves, t.createListener, t.createListener)
	}
	if group && !listener {
		moves = append(moves, t.deleteGroup)
	}
	return moves
}

func (t *tree) createBalancer() move {
	made := fmt.Sprint(t.next())
	set := facts{t.key("load balancer", ""): balancerFact(idleAtFirst, map[string]string{"made": made})}
	return t.move("CreateLoadBalancer", set, func(ctx context.Context, c *client.Client) error {
		_, err := c.LoadBalancing.CreateLoadBalancer(ctx, &elb.CreateLoadBalancerInput{
			Name: &t.name, Subnets: []string{"subnet-11111111", "subnet-22222222"},
			Tags: []types.Tag{{Key: aws.String("made"), Value: &made}},
		})
		return err
	})
}

func (t *tree) modifyBalancer() move {
	idle := fmt.Sprint(t.next()%3900 + 100)
	_, tags, _ := strings.Cut(t.known[t.key("load balancer", "")], ", ")
	set := facts{t.key("load balancer", ""): "idle for " + idle + " s, " + tags}
	return t.move("ModifyLoadBalancerAttributes", set, func(ctx context.Context, c *client.Client) error {
		arn, err := balancerARN(ctx, c, t.name)
		if err != nil {
			return before(err)
		}
		_, err = c.LoadBalancing.ModifyLoadBalancerAttributes(ctx, &elb.ModifyLoadBalancerAttributesInput{
			LoadBalancerArn: arn, Attributes: []types.LoadBalancerAttribute{{Key: aws.String("idle_timeout.timeout_seconds"), Value: &idle}},
		})
		return err
	})
}

func (t *tree) deleteBalancer() move {
	return t.move("DeleteLoadBalancer", t.without("load balancer", "listener"), func(ctx context.Context, c *client.Client) error {
		arn, err := balancerARN(ctx, c, t.name)
		if err != nil {
			return before(err)
		}
		_, err = c.LoadBalancing.DeleteLoadBalancer(ctx, &elb.DeleteLoadBalancerInput{LoadBalancerArn: arn})
		return err
	})
}

func (t *tree) createGroup() move {
	path := fmt.Sprint("/", t.next())
	set := facts{t.key("target group", ""): groupFact(path)}
	return t.move("CreateTargetGroup", set, func(ctx context.Context, c *client.Client) error {
		_, err := c.LoadBalancing.CreateTargetGroup(ctx, &elb.CreateTargetGroupInput{
			Name: &t.name, Protocol: types.ProtocolEnumHttp, Port: aws.Int32(8080), VpcId: aws.String("vpc-11111111"),
			TargetType: types.TargetTypeEnumIp, HealthCheckPath: &path,
		})
		return err
	})
}

func (t *tree) modifyGroup() move {
	path := fmt.Sprint("/", t.next())
	set := facts{t.key("target group", ""): groupFact(path)}
	return t.move("ModifyTargetGroup", set, func(ctx context.Context, c *client.Client) error {
		arn, err := groupARN(ctx, c, t.name)
		if err != nil {
			return before(err)
		}
		_, err = c.LoadBalancing.ModifyTargetGroup(ctx, &elb.ModifyTargetGroupInput{TargetGroupArn: arn, HealthCheckPath: &path})
		return err
	})
}

func (t *tree) deleteGroup() move {
	return t.move("DeleteTargetGroup", t.without("target group", "targets"), func(ctx context.Context, c *client.Client) error {
		arn, err := groupARN(ctx, c, t.name)
		if err != nil {
			return before(err)
		}
		_, err = c.LoadBalancing.DeleteTargetGroup(ctx, &elb.DeleteTargetGroupInput{TargetGroupArn: arn})
		return err
	})
}

// registerTargets adds two targets in one call, at a port that is new.
func (t *tree) registerTargets() move {
	port := int32(t.next()%60000 + 1)
	targets := []types.TargetDescription{{Id: aws.String("127.0.0.1"), Port: &port}, {Id: aws.String("127.0.0.2"), Port: &port}}
	set := facts{}
	for _, d := range targets {
		set[t.key("targets", targetName(&d))] = "registered"
	}
	return t.move("RegisterTargets", set, func(ctx context.Context, c *client.Client) error {
		arn, err := groupARN(ctx, c, t.name)
		if err != nil {
			return before(err)
		}
		_, err = c.LoadBalancing.RegisterTargets(ctx, &elb.RegisterTargetsInput{TargetGroupArn: arn, Targets: targets})
		return err
	})
}

func targetName(d *types.TargetDescription) string {
	return fmt.Sprintf("%s:%d", aws.ToString(d.Id), aws.ToInt32(d.Port))
}

func (t *tree) createListener() move {
	port := t.listenerPort()
	set := facts{t.key("listener", ""): listenerFact(port, t.name)}
	return t.move("CreateListener", set, func(ctx context.Context, c *client.Client) error {
		arn, err := balancerARN(ctx, c, t.name)
		if err != nil {
			return before(err)
		}
		group, err := groupARN(ctx, c, t.name)
		if err != nil {
			return before(err)
		}
		_, err = c.LoadBalancing.CreateListener(ctx, &elb.CreateListenerInput{
			LoadBalancerArn: arn, Port: &port, Protocol: types.ProtocolEnumHttp,
			DefaultActions: []types.Action{{Type: types.ActionTypeEnumForward, TargetGroupArn: group}},
		})
		return err
	})
}

func (t *tree) listenerPort() int32 { return int32(t.next()%10000 + 40000) }

func (t *tree) modifyListener() move {
	port := t.listenerPort()
	set := facts{t.key("listener", ""): listenerFact(port, t.name)}
	return t.move("ModifyListener", set, func(ctx context.Context, c *client.Client) error {
		arn, err := listenerARN(ctx, c, t.name)
		if err != nil {
			return before(err)
		}
		_, err = c.LoadBalancing.ModifyListener(ctx, &elb.ModifyListenerInput{ListenerArn: arn, Port: &port})
		return err
	})
}

func (t *tree) deleteListener() move {
	return t.move("DeleteListener", t.without("listener"), func(ctx context.Context, c *client.Client) error {
		arn, err := listenerARN(ctx, c, t.name)
		if err != nil {
			return before(err)
		}
		_, err = c.LoadBalancing.DeleteListener(ctx, &elb.DeleteListenerInput{ListenerArn: arn})
		return err
	})
}

func balancerARN(ctx context.Context, c *client.Client, name string) (*string, error) {
	out, err := c.LoadBalancing.DescribeLoadBalancers(ctx, &elb.DescribeLoadBalancersInput{Names: []string{name}})
	if err != nil {
		return nil, err
	}
	return out.LoadBalancers[0].LoadBalancerArn, nil
}

func groupARN(ctx context.Context, c *client.Client, name string) (*string, error) {
	out, err := c.LoadBalancing.DescribeTargetGroups(ctx, &elb.DescribeTargetGroupsInput{Names: []string{name}})
	if err != nil {
		return nil, err
	}
	return out.TargetGroups[0].TargetGroupArn, nil
}

// listenerARN is that of the only listener of a load balancer.
func listenerARN(ctx context.Context, c *client.Client, name string) (*string, error) {
	arn, err := balancerARN(ctx, c, name)
	if err != nil {
		return nil, err
	}
	out, err := c.LoadBalancing.DescribeListeners(ctx, &elb.DescribeListenersInput{LoadBalancerArn: arn})
	if err != nil {
		return nil, err
	}
	return out.Listeners[0].ListenerArn, nil
}

// readBalancing reads load balancers, their listeners, and target groups with their
// targets.
func (w *world) readBalancing(ctx context.Context, c *client.Client) error {
	groups, err := w.readGroups(ctx, c)
	if err != nil {
		return err
	}
	balancers := elb.NewDescribeLoadBalancersPaginator(c.LoadBalancing, &elb.DescribeLoadBalancersInput{})
	for balancers.HasMorePages() {
		page, err := balancers.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, lb := range page.LoadBalancers {
			if err := w.addBalancer(ctx, c, lb, groups); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *world) addBalancer(ctx context.Context, c *client.Client, lb types.LoadBalancer, groups map[string]string) error {
	attributes, err := c.LoadBalancing.DescribeLoadBalancerAttributes(ctx, &elb.DescribeLoadBalancerAttributesInput{LoadBalancerArn: lb.LoadBalancerArn})
	if err != nil {
		return err
	}
	described, err := c.LoadBalancing.DescribeTags(ctx, &elb.DescribeTagsInput{ResourceArns: []string{*lb.LoadBalancerArn}})
	if err != nil {
		return err
	}
	idle, tags := "", map[string]string{}
	for _, a := range attributes.Attributes {
		if aws.ToString(a.Key) == "idle_timeout.timeout_seconds" {
			idle = aws.ToString(a.Value)
		}
	}
	for _, tag := range described.TagDescriptions[0].Tags {
		tags[*tag.Key] = *tag.Value
	}
	tree := *lb.LoadBalancerName
	w.facts[key{tree, "load balancer", ""}] = balancerFact(idle, tags)
	listeners, err := c.LoadBalancing.DescribeListeners(ctx, &elb.DescribeListenersInput{LoadBalancerArn: lb.LoadBalancerArn})
	if err != nil {
		return err
	}
	var found []string
	for _, l := range listeners.Listeners {
		found = append(found, listenerFact(*l.Port, groups[aws.ToString(l.DefaultActions[0].TargetGroupArn)]))
	}
	w.facts[key{tree, "listener", ""}] = strings.Join(found, " and ")
	return nil
}

// readGroups returns the names of the target groups by their ARNs.
func (w *world) readGroups(ctx context.Context, c *client.Client) (map[string]string, error) {
	names := map[string]string{}
	groups := elb.NewDescribeTargetGroupsPaginator(c.LoadBalancing, &elb.DescribeTargetGroupsInput{})
	for groups.HasMorePages() {
		page, err := groups.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, g := range page.TargetGroups {
			tree := *g.TargetGroupName
			names[*g.TargetGroupArn] = tree
			w.facts[key{tree, "target group", ""}] = groupFact(aws.ToString(g.HealthCheckPath))
			health, err := c.LoadBalancing.DescribeTargetHealth(ctx, &elb.DescribeTargetHealthInput{TargetGroupArn: g.TargetGroupArn})
			if err != nil {
				return nil, err
			}
			for _, d := range health.TargetHealthDescriptions {
				w.facts[key{tree, "targets", targetName(d.Target)}] = "registered"
			}
		}
	}
	return names, nil
}
