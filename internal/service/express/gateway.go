package express

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"flyball/internal/cell"
	"flyball/internal/service/ecs/fault"
	"flyball/internal/service/express/plan"
)

// mostSharing is how many services share a load balancer ("Resource sharing and cost
// optimization").
const mostSharing = 25

// sharing are the services behind a load balancer.
func (s *Services) sharing(balancer string) (all []service) {
	for _, other := range s.rows.Rows("") {
		if other.LoadBalancer == balancer {
			all = append(all, other)
		}
	}
	return all
}

// joinGateway names the load balancer of a service: one that has room, of the same VPC
// and kind, or a new one. The service's certificate is among those of its listener.
func (m *maker) joinGateway(ctx context.Context, p *plan.Parts, place plan.Place) error {
	for _, other := range m.rows.Rows("") {
		if other.VPC != place.VPC || other.Public != place.Public || len(m.sharing(other.LoadBalancer)) >= mostSharing {
			continue
		}
		p.LoadBalancer, p.Listener, p.BalancerGroup = other.LoadBalancer, other.Listener, other.BalancerGroup
		if err := m.checkZones(ctx, p.LoadBalancer, place); err != nil {
			return err
		}
		_, err := ask(ctx, m, elbName, "AddListenerCertificates", m.cfg.LoadBalancing.AddListenerCertificates, &elb.AddListenerCertificatesInput{
			ListenerArn: &p.Listener, Certificates: []elbtypes.Certificate{{CertificateArn: &p.Certificate}},
		})
		return err
	}
	return m.makeGateway(ctx, p, place)
}

// checkZones refuses subnets in zones that a load balancer is not in.
func (m *maker) checkZones(ctx context.Context, balancer string, place plan.Place) error {
	out, err := ask(ctx, m, elbName, "DescribeLoadBalancers", m.cfg.LoadBalancing.DescribeLoadBalancers, &elb.DescribeLoadBalancersInput{LoadBalancerArns: []string{balancer}})
	if err != nil {
		return err
	}
	var zones []string
	for _, z := range out.LoadBalancers[0].AvailabilityZones {
		zones = append(zones, aws.ToString(z.ZoneName))
	}
	for _, zone := range place.Zones {
		if !slices.Contains(zones, zone) {
			return fault.InvalidParameter("The subnets must be in Availability Zones of the load balancer that the Express services of %s share: %s.", place.VPC, strings.Join(zones, ", "))
		}
	}
	return nil
}

// makeGateway makes a load balancer with its security group and its listener.
func (m *maker) makeGateway(ctx context.Context, p *plan.Parts, place plan.Place) error {
	group, err := ask(ctx, m, ec2Name, "CreateSecurityGroup", m.network.CreateSecurityGroup, plan.SecurityGroup(
		fmt.Sprintf("ecs-express-gateway-alb-sg-%s", cell.NewID("", 12)), "Express Mode load balancer", place.VPC, nil))
	if err != nil {
		return err
	}
	p.BalancerGroup = *group.GroupId
	_, err = ask(ctx, m, ec2Name, "AuthorizeSecurityGroupIngress", m.network.AuthorizeSecurityGroupIngress, plan.Ingress(p.BalancerGroup, plan.Everywhere(plan.HTTPS)))
	if err != nil {
		return err
	}
	balancer, err := ask(ctx, m, elbName, "CreateLoadBalancer", m.cfg.LoadBalancing.CreateLoadBalancer, plan.Balancer(place, cell.NewID("", 8), p.BalancerGroup))
	if err != nil {
		return err
	}
	p.LoadBalancer = *balancer.LoadBalancers[0].LoadBalancerArn
	listener, err := ask(ctx, m, elbName, "CreateListener", m.cfg.LoadBalancing.CreateListener, plan.BalancerListener(p.LoadBalancer, p.Certificate))
	if err != nil {
		return err
	}
	p.Listener = *listener.Listeners[0].ListenerArn
	return nil
}
