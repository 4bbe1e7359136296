package plan

import (
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// HTTPS is the port of a load balancer's only listener.
const HTTPS = 443

// Balancer is the load balancer that services in a place share.
func Balancer(p Place, number, group string) *elb.CreateLoadBalancerInput {
	return &elb.CreateLoadBalancerInput{
		Name: aws.String("ecs-express-gateway-alb-" + number), Scheme: p.Scheme(), Subnets: p.Spread, SecurityGroups: []string{group},
		Type: elbtypes.LoadBalancerTypeEnumApplication, IpAddressType: elbtypes.IpAddressTypeIpv4, Tags: elbTags(nil),
	}
}

// BalancerListener is its listener. What is for no service is not found.
func BalancerListener(balancer, certificate string) *elb.CreateListenerInput {
	return &elb.CreateListenerInput{
		LoadBalancerArn: &balancer, Port: aws.Int32(HTTPS), Protocol: elbtypes.ProtocolEnumHttps, Tags: elbTags(nil),
		Certificates: []elbtypes.Certificate{{CertificateArn: &certificate}},
		DefaultActions: []elbtypes.Action{{
			Type:                elbtypes.ActionTypeEnumFixedResponse,
			FixedResponseConfig: &elbtypes.FixedResponseActionConfig{StatusCode: aws.String("404"), ContentType: aws.String("text/plain")},
		}},
	}
}

// TargetGroup is one of the two of a service.
func (s Settings) TargetGroup(vpc, number string, given []types.Tag) *elb.CreateTargetGroupInput {
	return &elb.CreateTargetGroupInput{
		Name: aws.String("ecs-gateway-tg-" + number), VpcId: &vpc, TargetType: elbtypes.TargetTypeEnumIp, Tags: elbTags(given),
		Protocol: elbtypes.ProtocolEnumHttp, Port: s.Container.ContainerPort, HealthCheckPath: &s.HealthCheckPath,
		HealthCheckIntervalSeconds: aws.Int32(30), HealthCheckTimeoutSeconds: aws.Int32(5), HealthyThresholdCount: aws.Int32(5), UnhealthyThresholdCount: aws.Int32(2),
	}
}

// ListenerRule sends what is for the service to its first target group.
func (p Parts) ListenerRule(priority int32, given []types.Tag) *elb.CreateRuleInput {
	hosts := []string{p.Domain}
	if p.Host != p.Domain {
		hosts = append(hosts, p.Host)
	}
	return &elb.CreateRuleInput{
		ListenerArn: &p.Listener, Priority: &priority, Tags: elbTags(given),
		Conditions: []elbtypes.RuleCondition{{Field: aws.String("host-header"), HostHeaderConfig: &elbtypes.HostHeaderConditionConfig{Values: hosts}}},
		Actions: []elbtypes.Action{{Type: elbtypes.ActionTypeEnumForward, ForwardConfig: &elbtypes.ForwardActionConfig{
			TargetGroups: []elbtypes.TargetGroupTuple{
				{TargetGroupArn: &p.TargetGroups[0], Weight: aws.Int32(100)}, {TargetGroupArn: &p.TargetGroups[1], Weight: aws.Int32(0)},
			},
		}}},
	}
}

// The highest priority number of a rule. Rules of services come after those of users.
const lastPriority = 50000

// Priority is the last one that is free.
func Priority(taken []elbtypes.Rule) int32 {
	used := map[string]bool{}
	for _, r := range taken {
		used[aws.ToString(r.Priority)] = true
	}
	priority := lastPriority
	for used[fmt.Sprint(priority)] {
		priority--
	}
	return int32(priority)
}

func after(arn, kind string) string {
	_, rest, _ := strings.Cut(arn, ":"+kind)
	return rest
}

// groupLabel is a target group in the dimensions of metrics.
func (p Parts) groupLabel(i int) string {
	return "targetgroup/" + after(p.TargetGroups[i], "targetgroup/")
}
