package discovery

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// balancer finds a load balancer by its name, its ARN or its DNS name, at one of its
// listeners.
func (f Finder) balancer(ctx context.Context, s Subject) (Place, error) {
	balancer, err := f.describeBalancer(ctx, s.Balancer)
	if err != nil {
		return Place{}, err
	}
	listeners, err := f.listeners(ctx, aws.ToString(balancer.LoadBalancerArn))
	if err != nil {
		return Place{}, err
	}
	i := slices.IndexFunc(listeners, func(l elbtypes.Listener) bool {
		return answers(l) && (s.Port == 0 || int(aws.ToInt32(l.Port)) == s.Port)
	})
	if i < 0 {
		at := ""
		if s.Port != 0 {
			at = fmt.Sprintf(" at port %d", s.Port)
		}
		return Place{}, &NotFoundError{fmt.Sprintf("listener for HTTP, HTTPS, TCP or TLS%s of load balancer %s", at, aws.ToString(balancer.LoadBalancerName))}
	}
	place := f.at(ctx, balancer, listeners[i])
	if err := f.behind(ctx, &place, forwardsTo(listeners[i])); err != nil {
		return Place{}, err
	}
	return place, nil
}

func (f Finder) describeBalancer(ctx context.Context, named string) (elbtypes.LoadBalancer, error) {
	for pages := elb.NewDescribeLoadBalancersPaginator(f.LoadBalancing, &elb.DescribeLoadBalancersInput{}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return elbtypes.LoadBalancer{}, err
		}
		for _, b := range page.LoadBalancers {
			if slices.Contains([]string{aws.ToString(b.LoadBalancerName), aws.ToString(b.LoadBalancerArn), aws.ToString(b.DNSName)}, named) {
				return b, nil
			}
		}
	}
	return elbtypes.LoadBalancer{}, &NotFoundError{"load balancer " + named}
}

// before finds the load balancer in front of target groups, at a listener that forwards to
// one of them whatever is asked of it. There may be none.
func (f Finder) before(ctx context.Context, groups []string, port int) (Place, bool, error) {
	if len(groups) == 0 || port != 0 {
		return Place{}, false, nil
	}
	out, err := f.LoadBalancing.DescribeTargetGroups(ctx, &elb.DescribeTargetGroupsInput{TargetGroupArns: groups})
	if err != nil {
		return Place{}, false, err
	}
	for _, group := range out.TargetGroups {
		for _, arn := range group.LoadBalancerArns {
			listeners, err := f.listeners(ctx, arn)
			if err != nil {
				return Place{}, false, err
			}
			i := slices.IndexFunc(listeners, func(l elbtypes.Listener) bool {
				return answers(l) && slices.Contains(forwardsTo(l), aws.ToString(group.TargetGroupArn))
			})
			if i < 0 {
				continue
			}
			balancer, err := f.describeBalancer(ctx, arn)
			if err != nil {
				return Place{}, false, err
			}
			return f.at(ctx, balancer, listeners[i]), true, nil
		}
	}
	return Place{}, false, nil
}

func (f Finder) listeners(ctx context.Context, balancer string) ([]elbtypes.Listener, error) {
	var listeners []elbtypes.Listener
	for pages := elb.NewDescribeListenersPaginator(f.LoadBalancing, &elb.DescribeListenersInput{LoadBalancerArn: &balancer}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		listeners = append(listeners, page.Listeners...)
	}
	// Plain ones first: HTTPS wants an authority that is trusted.
	slices.SortStableFunc(listeners, func(a, b elbtypes.Listener) int { return len(scheme(a)) - len(scheme(b)) })
	return listeners, nil
}

func answers(l elbtypes.Listener) bool { return scheme(l) != "" && l.Port != nil }

// scheme is that of the URLs of a listener; empty if it does not take HTTP.
func scheme(l elbtypes.Listener) string {
	switch l.Protocol {
	case elbtypes.ProtocolEnumHttp, elbtypes.ProtocolEnumTcp:
		return "http"
	case elbtypes.ProtocolEnumHttps, elbtypes.ProtocolEnumTls:
		return "https"
	}
	return ""
}

// forwardsTo are the target groups to which a listener forwards by default.
func forwardsTo(l elbtypes.Listener) []string {
	var groups []string
	for _, action := range l.DefaultActions {
		if action.TargetGroupArn != nil {
			groups = append(groups, *action.TargetGroupArn)
		}
		if action.ForwardConfig != nil {
			for _, group := range action.ForwardConfig.TargetGroups {
				groups = append(groups, aws.ToString(group.TargetGroupArn))
			}
		}
	}
	return groups
}

// at is where a listener is reached: at the load balancer's address or, where its name is
// none of an address, at the server, which serves load balancers by name.
func (f Finder) at(ctx context.Context, b elbtypes.LoadBalancer, l elbtypes.Listener) Place {
	name, port := aws.ToString(b.DNSName), int(aws.ToInt32(l.Port))
	place := Place{Via: "load balancer " + aws.ToString(b.LoadBalancerName), fixed: true}
	spoken, host := scheme(l), net.JoinHostPort(name, strconv.Itoa(f.open(ctx, name, port)))
	if _, err := netip.ParseAddr(name); err != nil && f.Server != "" {
		spoken, host, place.Host = "http", f.Server, name
		if f.TLS {
			spoken = "https"
		}
	}
	place.URLs = []string{spoken + "://" + strings.TrimSuffix(host, ":"+usualPort(spoken))}
	return place
}

func usualPort(scheme string) string {
	if scheme == "https" {
		return "443"
	}
	return "80"
}

// otherPorts is what the server adds to ports below 1024 that the system does not give it.
const otherPorts = 8000

// open is the port at which a listener is, in place of its own if that is not open.
func (f Finder) open(ctx context.Context, address string, port int) int {
	ip, err := netip.ParseAddr(address)
	if err != nil || !ip.IsLoopback() || port >= 1024 {
		return port
	}
	dialer := net.Dialer{Timeout: time.Second}
	for _, p := range []int{port, port + otherPorts} {
		if conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(address, strconv.Itoa(p))); err == nil {
			conn.Close()
			return p
		}
	}
	return port
}

// targetGroup finds the healthy targets of a target group, by its name or its ARN.
func (f Finder) targetGroup(ctx context.Context, s Subject) (Place, error) {
	in := &elb.DescribeTargetGroupsInput{Names: []string{s.TargetGroup}}
	if strings.HasPrefix(s.TargetGroup, "arn:") {
		in = &elb.DescribeTargetGroupsInput{TargetGroupArns: []string{s.TargetGroup}}
	}
	out, err := f.LoadBalancing.DescribeTargetGroups(ctx, in)
	if missing := (*elbtypes.TargetGroupNotFoundException)(nil); errors.As(err, &missing) || err == nil && len(out.TargetGroups) == 0 {
		return Place{}, &NotFoundError{"target group " + s.TargetGroup}
	}
	if err != nil {
		return Place{}, err
	}
	group := out.TargetGroups[0]
	health, err := f.LoadBalancing.DescribeTargetHealth(ctx, &elb.DescribeTargetHealthInput{TargetGroupArn: group.TargetGroupArn})
	if err != nil {
		return Place{}, err
	}
	place := Place{Via: "the healthy targets of " + aws.ToString(group.TargetGroupName), Desired: len(health.TargetHealthDescriptions)}
	for _, target := range health.TargetHealthDescriptions {
		if target.TargetHealth == nil || target.TargetHealth.State != elbtypes.TargetHealthStateEnumHealthy || target.Target == nil {
			continue
		}
		port := s.Port
		if port == 0 {
			port = int(aws.ToInt32(target.Target.Port))
		}
		place.URLs = append(place.URLs, "http://"+net.JoinHostPort(aws.ToString(target.Target.Id), strconv.Itoa(port)))
	}
	place.Running = len(place.URLs)
	if s.Service != "" {
		service, err := f.describe(ctx, s.Cluster, s.Service)
		if err != nil {
			return Place{}, err
		}
		place.of(service, s.Cluster)
		return place, nil
	}
	if err := f.behind(ctx, &place, []string{aws.ToString(group.TargetGroupArn)}); err != nil {
		return Place{}, err
	}
	return place, nil
}

// behind notes the first service that has one of some target groups, if any has.
func (f Finder) behind(ctx context.Context, place *Place, groups []string) error {
	for clusters := ecs.NewListClustersPaginator(f.ECS, &ecs.ListClustersInput{}); clusters.HasMorePages(); {
		page, err := clusters.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, cluster := range page.ClusterArns {
			if found, err := f.behindIn(ctx, place, cluster, groups); found || err != nil {
				return err
			}
		}
	}
	return nil
}

func (f Finder) behindIn(ctx context.Context, place *Place, cluster string, groups []string) (bool, error) {
	for pages := ecs.NewListServicesPaginator(f.ECS, &ecs.ListServicesInput{Cluster: &cluster}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return false, err
		}
		if len(page.ServiceArns) == 0 {
			continue
		}
		out, err := f.ECS.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: &cluster, Services: page.ServiceArns})
		if err != nil {
			return false, err
		}
		for _, service := range out.Services {
			if slices.ContainsFunc(groupsOf(service), func(g string) bool { return slices.Contains(groups, g) }) {
				place.of(service, cluster[strings.LastIndexByte(cluster, '/')+1:])
				return true, nil
			}
		}
	}
	return false, nil
}
