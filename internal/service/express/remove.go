package express

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/smithy-go"

	"flyball/internal/service/express/plan"
	"flyball/internal/state"
)

// retryAfter is when the parts of a service are removed that could not be removed, such
// as a security group that the rules of others name.
const retryAfter = time.Minute

// removeDue removes the parts of services that have ended.
func (s *Services) removeDue(ctx context.Context, keys []string) {
	for _, key := range keys {
		if err := s.removeEnded(ctx, key); err != nil {
			s.log.Warn("what was made for an Express service could not be removed", "service", key, "error", err)
			s.ended.Sooner(key, s.now().Add(retryAfter))
		}
	}
}

// removeEnded removes the parts of a service, if it has ended.
func (s *Services) removeEnded(ctx context.Context, key string) error {
	network, err := s.cfg.Network(ctx)
	if err != nil {
		return err
	}
	return s.change(ctx, func(ctx context.Context, tx *state.Tx) error {
		row, ok := s.rows.Get(key)
		if !ok {
			return nil
		}
		there, err := s.inECS(ctx, row.Cluster, row.Name)
		if err != nil || there != nil && *there.Status != inactive {
			return err
		}
		return s.remove(ctx, tx, network, row)
	})
}

// remove removes what was made for a service and nothing else has, whatever has become
// of its role. Its log group and its task definitions stay, as on AWS.
func (s *Services) remove(ctx context.Context, tx *state.Tx, network Network, row service) error {
	_, err := s.cfg.LoadBalancing.DeleteRule(ctx, &elb.DeleteRuleInput{RuleArn: &row.Rule})
	if unlessGone(err) != nil {
		return err
	}
	for _, group := range row.TargetGroups {
		_, err := s.cfg.LoadBalancing.DeleteTargetGroup(ctx, &elb.DeleteTargetGroupInput{TargetGroupArn: &group})
		if unlessGone(err) != nil {
			return err
		}
	}
	_, err = s.cfg.Alarms.DeleteAlarms(ctx, &cloudwatch.DeleteAlarmsInput{AlarmNames: []string{plan.AlarmName(row.Cluster, row.Name)}})
	if unlessGone(err) != nil {
		return err
	}
	if err := unlessGone(s.unnameGroup(ctx, network, row)); err != nil {
		return err
	}
	_, err = network.DeleteSecurityGroup(ctx, &ec2.DeleteSecurityGroupInput{GroupId: &row.SecurityGroup})
	if unlessGone(err) != nil {
		return err
	}
	s.rows.Delete(tx, row.key())
	return s.leaveGateway(ctx, network, row)
}

// unlessGone is an error, unless it says that something is not there any more: somebody
// else has removed it.
func unlessGone(err error) error {
	if e, ok := errors.AsType[smithy.APIError](err); ok && (strings.Contains(e.ErrorCode(), "NotFound") || e.ErrorCode() == "ResourceNotFound") {
		return nil
	}
	return err
}

// unnameGroup takes the rules that name a service's security group out of the load
// balancer's.
func (s *Services) unnameGroup(ctx context.Context, network Network, row service) error {
	out, err := network.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{GroupIds: []string{row.BalancerGroup}})
	if err != nil {
		return err
	}
	for _, p := range out.SecurityGroups[0].IpPermissionsEgress {
		p.UserIdGroupPairs = slices.DeleteFunc(slices.Clone(p.UserIdGroupPairs), func(u ec2types.UserIdGroupPair) bool {
			return aws.ToString(u.GroupId) != row.SecurityGroup
		})
		if len(p.UserIdGroupPairs) == 0 {
			continue
		}
		p.IpRanges, p.Ipv6Ranges, p.PrefixListIds = nil, nil, nil
		_, err := network.RevokeSecurityGroupEgress(ctx, &ec2.RevokeSecurityGroupEgressInput{GroupId: &row.BalancerGroup, IpPermissions: []ec2types.IpPermission{p}})
		if err != nil {
			return err
		}
	}
	return nil
}

// leaveGateway takes a service away from its load balancer, whose other services stay.
// Without any it goes, with its listener and its security group.
func (s *Services) leaveGateway(ctx context.Context, network Network, row service) error {
	if others := s.sharing(row.LoadBalancer); len(others) > 0 {
		if err := unlessGone(s.cfg.LoadBalancing.RemoveEndpoint(ctx, row.LoadBalancer, row.Host)); err != nil {
			return err
		}
		return unlessGone(s.dropCertificate(ctx, row, others[0]))
	}
	_, err := s.cfg.LoadBalancing.DeleteLoadBalancer(ctx, &elb.DeleteLoadBalancerInput{LoadBalancerArn: &row.LoadBalancer})
	if unlessGone(err) != nil {
		return err
	}
	_, err = network.DeleteSecurityGroup(ctx, &ec2.DeleteSecurityGroupInput{GroupId: &row.BalancerGroup})
	return unlessGone(err)
}

// dropCertificate takes a service's certificate from the listener. If it is the one for
// whoever names no host, that of another service takes its place.
func (s *Services) dropCertificate(ctx context.Context, row, other service) error {
	out, err := s.cfg.LoadBalancing.DescribeListeners(ctx, &elb.DescribeListenersInput{ListenerArns: []string{row.Listener}})
	if err != nil {
		return err
	}
	gone := row.Certificate
	if aws.ToString(out.Listeners[0].Certificates[0].CertificateArn) == row.Certificate {
		gone = other.Certificate
		_, err := s.cfg.LoadBalancing.ModifyListener(ctx, &elb.ModifyListenerInput{
			ListenerArn: &row.Listener, Certificates: []elbtypes.Certificate{{CertificateArn: &other.Certificate}},
		})
		if err != nil {
			return err
		}
	}
	_, err = s.cfg.LoadBalancing.RemoveListenerCertificates(ctx, &elb.RemoveListenerCertificatesInput{
		ListenerArn: &row.Listener, Certificates: []elbtypes.Certificate{{CertificateArn: &gone}},
	})
	return err
}
