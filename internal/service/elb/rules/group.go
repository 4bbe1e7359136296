package rules

import (
	"cmp"
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"flyball/internal/service/elb/fault"
)

// What stands for what a target group does not say ("CreateTargetGroup").
const (
	trafficPort       = "traffic-port"
	usualInterval     = 30
	usualTimeout      = 5
	usualHealthy      = 5
	usualUnhealthy    = 2
	usualPath         = "/"
	usualGRPCPath     = "/AWS.ALB/healthcheck"
	usualMatcher      = "200"
	usualGRPCMatcher  = "12"
	grpc              = "GRPC"
	usualProtoVersion = "HTTP1"
)

// Group is the target group that a request asks for, without its ARN.
func Group(in *elasticloadbalancingv2.CreateTargetGroupInput) (types.TargetGroup, error) {
	if err := cmp.Or(CheckGroupName(aws.ToString(in.Name)), checkGroupKind(in)); err != nil {
		return types.TargetGroup{}, err
	}
	g := types.TargetGroup{
		TargetGroupName: in.Name, TargetType: cmp.Or(in.TargetType, types.TargetTypeEnumInstance),
		Protocol: in.Protocol, Port: in.Port, VpcId: in.VpcId,
		ProtocolVersion: aws.String(cmp.Or(aws.ToString(in.ProtocolVersion), usualProtoVersion)),
		IpAddressType:   cmp.Or(in.IpAddressType, types.TargetGroupIpAddressTypeEnumIpv4), TargetControlPort: in.TargetControlPort,
		HealthCheckEnabled: aws.Bool(true), HealthCheckProtocol: types.ProtocolEnumHttp, HealthCheckPort: aws.String(trafficPort),
		HealthCheckIntervalSeconds: aws.Int32(usualInterval), HealthCheckTimeoutSeconds: aws.Int32(usualTimeout),
		HealthyThresholdCount: aws.Int32(usualHealthy), UnhealthyThresholdCount: aws.Int32(usualUnhealthy),
		HealthCheckPath: aws.String(usualPath), Matcher: &types.Matcher{HttpCode: aws.String(usualMatcher)},
	}
	if *g.ProtocolVersion == grpc {
		g.HealthCheckPath, g.Matcher = aws.String(usualGRPCPath), &types.Matcher{GrpcCode: aws.String(usualGRPCMatcher)}
	}
	return WithHealthCheck(g, HealthCheck{
		Enabled: in.HealthCheckEnabled, Interval: in.HealthCheckIntervalSeconds, Path: in.HealthCheckPath, Port: in.HealthCheckPort,
		Protocol: in.HealthCheckProtocol, Timeout: in.HealthCheckTimeoutSeconds, Healthy: in.HealthyThresholdCount,
		Unhealthy: in.UnhealthyThresholdCount, Matcher: in.Matcher,
	})
}

// checkGroupKind refuses target groups of other load balancers than those of
// applications.
func checkGroupKind(in *elasticloadbalancingv2.CreateTargetGroupInput) error {
	switch in.TargetType {
	case types.TargetTypeEnumLambda, types.TargetTypeEnumAlb:
		return fault.NotServed("Target type '" + string(in.TargetType) + "' is")
	}
	switch in.Protocol {
	case "":
		return fault.Validation("A protocol must be specified")
	case types.ProtocolEnumHttp, types.ProtocolEnumHttps:
	default:
		return fault.NotServed("Protocol '" + string(in.Protocol) + "' of network and gateway load balancers is")
	}
	version := aws.ToString(in.ProtocolVersion)
	switch {
	case in.Port == nil:
		return fault.Validation("A port must be specified")
	case aws.ToString(in.VpcId) == "":
		return fault.Validation("A VPC ID must be specified")
	case version != "" && version != "HTTP1" && version != "HTTP2" && version != grpc:
		return fault.Validation("Protocol version '%s' must be one of '[GRPC, HTTP1, HTTP2]'", version)
	}
	return nil
}

// A HealthCheck is what a request says of a target group's health checks. What is
// not set stays.
type HealthCheck struct {
	Enabled                               *bool
	Interval, Timeout, Healthy, Unhealthy *int32
	Path, Port                            *string
	Protocol                              types.ProtocolEnum
	Matcher                               *types.Matcher
}

// WithHealthCheck is a target group with its health checks changed.
func WithHealthCheck(g types.TargetGroup, h HealthCheck) (types.TargetGroup, error) {
	if h.Enabled != nil && !*h.Enabled {
		return g, fault.Validation("Health check enabled must be true for target groups with target type '%s'", g.TargetType)
	}
	g.HealthCheckIntervalSeconds = cmp.Or(h.Interval, g.HealthCheckIntervalSeconds)
	g.HealthCheckTimeoutSeconds = cmp.Or(h.Timeout, g.HealthCheckTimeoutSeconds)
	g.HealthyThresholdCount = cmp.Or(h.Healthy, g.HealthyThresholdCount)
	g.UnhealthyThresholdCount = cmp.Or(h.Unhealthy, g.UnhealthyThresholdCount)
	g.HealthCheckPath = cmp.Or(h.Path, g.HealthCheckPath)
	g.HealthCheckPort = cmp.Or(h.Port, g.HealthCheckPort)
	g.HealthCheckProtocol = cmp.Or(h.Protocol, g.HealthCheckProtocol)
	g.Matcher = cmp.Or(h.Matcher, g.Matcher)
	return g, checkHealthCheck(g)
}

func checkHealthCheck(g types.TargetGroup) error {
	interval, timeout := *g.HealthCheckIntervalSeconds, *g.HealthCheckTimeoutSeconds
	switch {
	case g.HealthCheckProtocol != types.ProtocolEnumHttp && g.HealthCheckProtocol != types.ProtocolEnumHttps:
		return fault.Validation("Health check protocol '%s' must be one of '[HTTP, HTTPS]'", g.HealthCheckProtocol)
	case timeout >= interval:
		return fault.Validation("Health check timeout '%d' must be smaller than the interval '%d'", timeout, interval)
	case !strings.HasPrefix(*g.HealthCheckPath, "/"):
		return fault.Validation("Health check path '%s' must begin with a '/' character", *g.HealthCheckPath)
	}
	if port := *g.HealthCheckPort; port != trafficPort {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return fault.Validation("Health check port '%s' must be '%s' or a number between '1' and '65535' inclusive", port, trafficPort)
		}
	}
	return checkMatcher(g)
}

// checkMatcher checks which answers pass a health check: HTTP codes from 200 to
// 499, and with gRPC codes from 0 to 99 ("Matcher").
func checkMatcher(g types.TargetGroup) error {
	kind, codes, least, most := "HTTP", g.Matcher.HttpCode, 200, 499
	if *g.ProtocolVersion == grpc {
		kind, codes, least, most = "GRPC", g.Matcher.GrpcCode, 0, 99
	}
	if codes == nil {
		return fault.Validation("A health check matcher of a target group with the protocol version %s must have %s codes", *g.ProtocolVersion, kind)
	}
	for part := range strings.SplitSeq(*codes, ",") {
		from, to, ranged := strings.Cut(part, "-")
		if !ranged {
			to = from
		}
		x, err := strconv.Atoi(from)
		y, err2 := strconv.Atoi(to)
		if err != nil || err2 != nil || x < least || y > most || x > y {
			return fault.Validation("Health check matcher %s code '%s' must be within '%d-%d' inclusive", kind, part, least, most)
		}
	}
	return nil
}

var instanceID = regexp.MustCompile(`^i-[0-9a-f]{8,32}$`)

// Target is a target of a group as it is kept: with its port.
func Target(g types.TargetGroup, t types.TargetDescription) (types.TargetDescription, error) {
	t.Port = cmp.Or(t.Port, g.Port)
	id := aws.ToString(t.Id)
	if g.TargetType == types.TargetTypeEnumInstance {
		if !instanceID.MatchString(id) {
			return t, fault.Validation("Instance ID '%s' is not valid", id)
		}
		return t, nil
	}
	ip, err := netip.ParseAddr(id)
	switch {
	case err != nil:
		return t, fault.Validation("The IP address '%s' is not a valid IPv4 or IPv6 address", id)
	case ip.Is4() == (g.IpAddressType == types.TargetGroupIpAddressTypeEnumIpv6):
		return t, fault.InvalidTarget("The IP address '%s' is not of the type '%s' of the target group", id, g.IpAddressType)
	case !private(ip):
		return t, fault.InvalidTarget("The IP address '%s' is outside of the allowed ranges: give an address of the VPC, of RFC 1918 or of 100.64.0.0/10", id)
	}
	return t, nil
}

var shared = netip.MustParsePrefix("100.64.0.0/10")

// private says whether an address can be a target's. AWS takes no loopback
// addresses, which tasks of this machine have where they cannot have others.
func private(ip netip.Addr) bool { return ip.IsPrivate() || ip.IsLoopback() || shared.Contains(ip) }
