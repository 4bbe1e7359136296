package deploy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// A balancer is the load balancer of a service, by the ARNs of its parts.
type balancer struct{ arn, group string }

// label names both to a policy on the requests for each target.
func (b balancer) label() string {
	_, lb, _ := strings.Cut(b.arn, ":loadbalancer/")
	_, group, _ := strings.Cut(b.group, ":targetgroup/")
	return lb + "/targetgroup/" + group
}

// network finds the subnets of the default VPC.
func (d *deployer) network(ctx context.Context) (vpc string, subnets []string, err error) {
	out, err := call(ctx, d, "ec2", "describe-subnets", d.DescribeSubnets, &ec2.DescribeSubnetsInput{
		Filters: []ec2types.Filter{{Name: aws.String("default-for-az"), Values: []string{"true"}}},
	})
	if err != nil {
		return "", nil, err
	}
	if len(out.Subnets) == 0 {
		return "", nil, errors.New("the region has no default VPC; make one: aws ec2 create-default-vpc")
	}
	for _, s := range out.Subnets {
		subnets = append(subnets, aws.ToString(s.SubnetId))
	}
	return aws.ToString(out.Subnets[0].VpcId), subnets, nil
}

// Health checks are quick, so that a task takes requests seconds after its start, and any
// answer but an error of the server's is taken for health: what the program answers there is its
// own affair. Draining takes real time whatever the server's clock does, so it is short.
const (
	checkSeconds, timeoutSeconds, checks = 5, 2, 2
	healthyStatus                        = "200-499"
	drainSeconds                         = "5"
)

// unclaimed refuses the name of a target group that has targets: they are tasks of another
// service, which has the same name in another cluster, and each would answer for the other.
func (d *deployer) unclaimed(ctx context.Context) error {
	found, err := d.LoadBalancing.DescribeTargetGroups(ctx, &elb.DescribeTargetGroupsInput{Names: []string{d.plan.Name}})
	var none *elbtypes.TargetGroupNotFoundException
	if errors.As(err, &none) {
		return nil
	}
	if err != nil {
		return err
	}
	out, err := d.LoadBalancing.DescribeTargetHealth(ctx, &elb.DescribeTargetHealthInput{TargetGroupArn: found.TargetGroups[0].TargetGroupArn})
	if err != nil {
		return err
	}
	for _, t := range out.TargetHealthDescriptions {
		if t.TargetHealth != nil && t.TargetHealth.State != elbtypes.TargetHealthStateEnumDraining {
			return fmt.Errorf("load balancer %s is that of another service; give this one another --name", d.plan.Name)
		}
	}
	return nil
}

// balance makes the load balancer, its target group and the listener between them. What an
// attempt that broke off has left is found by its name.
func (d *deployer) balance(ctx context.Context, vpc string, subnets []string) error {
	lb, err := call(ctx, d, "elbv2", "create-load-balancer", d.LoadBalancing.CreateLoadBalancer, &elb.CreateLoadBalancerInput{Name: &d.plan.Name, Subnets: subnets})
	if err != nil {
		return err
	}
	group, err := call(ctx, d, "elbv2", "create-target-group", d.LoadBalancing.CreateTargetGroup, &elb.CreateTargetGroupInput{
		Name: &d.plan.Name, Protocol: elbtypes.ProtocolEnumHttp, Port: &d.plan.Port, VpcId: &vpc, TargetType: elbtypes.TargetTypeEnumIp,
		HealthCheckPath: &d.plan.HealthPath, HealthCheckIntervalSeconds: aws.Int32(checkSeconds), HealthCheckTimeoutSeconds: aws.Int32(timeoutSeconds),
		HealthyThresholdCount: aws.Int32(checks), Matcher: &elbtypes.Matcher{HttpCode: aws.String(healthyStatus)},
	})
	if err != nil {
		return err
	}
	d.service.balancer = balancer{aws.ToString(lb.LoadBalancers[0].LoadBalancerArn), aws.ToString(group.TargetGroups[0].TargetGroupArn)}
	_, err = call(ctx, d, "elbv2", "modify-target-group-attributes", d.LoadBalancing.ModifyTargetGroupAttributes, &elb.ModifyTargetGroupAttributesInput{
		TargetGroupArn: &d.service.balancer.group,
		Attributes:     []elbtypes.TargetGroupAttribute{{Key: aws.String("deregistration_delay.timeout_seconds"), Value: aws.String(drainSeconds)}},
	})
	if err != nil {
		return err
	}
	if err := d.listen(ctx); err != nil {
		return err
	}
	return d.address(ctx)
}

func (d *deployer) listen(ctx context.Context) error {
	b := &d.service.balancer
	found, err := d.LoadBalancing.DescribeListeners(ctx, &elb.DescribeListenersInput{LoadBalancerArn: &b.arn})
	if err != nil || len(found.Listeners) > 0 {
		return err
	}
	_, err = call(ctx, d, "elbv2", "create-listener", d.LoadBalancing.CreateListener, &elb.CreateListenerInput{
		LoadBalancerArn: &b.arn, Protocol: elbtypes.ProtocolEnumHttp, Port: aws.Int32(listenerPort(d.plan.Port)),
		DefaultActions: []elbtypes.Action{{Type: elbtypes.ActionTypeEnumForward, TargetGroupArn: &b.group}},
	})
	return err
}

// listenerPort is the container's own port, but one that needs no root to be listened to.
func listenerPort(port int32) int32 {
	if port < 1024 {
		return 8000 + port
	}
	return port
}

// findBalancer finds the load balancer of a target group.
func (d *deployer) findBalancer(ctx context.Context, group string) error {
	out, err := d.LoadBalancing.DescribeTargetGroups(ctx, &elb.DescribeTargetGroupsInput{TargetGroupArns: []string{group}})
	if err != nil {
		return err
	}
	if arns := out.TargetGroups[0].LoadBalancerArns; len(arns) > 0 {
		d.service.balancer = balancer{arns[0], group}
		return d.address(ctx)
	}
	return nil
}

// address says where the load balancer is reached.
func (d *deployer) address(ctx context.Context) error {
	b := &d.service.balancer
	out, err := d.LoadBalancing.DescribeLoadBalancers(ctx, &elb.DescribeLoadBalancersInput{LoadBalancerArns: []string{b.arn}})
	if err != nil {
		return err
	}
	d.service.URL = urlOf(aws.ToString(out.LoadBalancers[0].DNSName), listenerPort(d.plan.Port), d.Endpoint)
	return nil
}

// urlOf is where a load balancer is reached: at the port of its listener, or where its name is no
// address and leads to the server at an endpoint, at the server's port and with TLS if that speaks it.
func urlOf(name string, listener int32, endpoint string) string {
	scheme, port := "http", strconv.Itoa(int(listener))
	if _, err := netip.ParseAddr(name); err != nil {
		if server, err := url.Parse(endpoint); err == nil && server.Port() != "" {
			scheme, port = server.Scheme, server.Port()
		}
	}
	return scheme + "://" + net.JoinHostPort(name, port) + "/"
}

// healthy counts the targets that take requests.
func (d *deployer) healthy(ctx context.Context) (n int32, err error) {
	out, err := d.LoadBalancing.DescribeTargetHealth(ctx, &elb.DescribeTargetHealthInput{TargetGroupArn: &d.service.balancer.group})
	if err != nil {
		return 0, err
	}
	for _, t := range out.TargetHealthDescriptions {
		if t.TargetHealth != nil && t.TargetHealth.State == elbtypes.TargetHealthStateEnumHealthy {
			n++
		}
	}
	return n, nil
}
