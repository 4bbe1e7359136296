package elb

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"flyball/internal/optional"
	"flyball/internal/service/elb/fault"
)

// subnetIDs are the subnets that a request names, in one way or the other.
func subnetIDs(subnets []string, mappings []types.SubnetMapping) ([]string, error) {
	if len(subnets) > 0 && len(mappings) > 0 {
		return nil, fault.Validation("You must specify either subnets or subnet mappings")
	}
	for _, m := range mappings {
		if m.AllocationId != nil || m.IPv6Address != nil || m.PrivateIPv4Address != nil || m.SourceNatIpv6Prefix != nil {
			return nil, fault.InvalidConfiguration("Addresses can be specified for the subnets of network load balancers only")
		}
		subnets = append(subnets, aws.ToString(m.SubnetId))
	}
	return subnets, nil
}

// attach finds the availability zones of subnets, and their VPC. Subnets that the
// network does not know are dealt out over the region's zones, in their order.
func (a *API) attach(ctx context.Context, subnets []string) (zones []types.AvailabilityZone, vpc string, err error) {
	for i, id := range subnets {
		if id == "" || slices.Contains(subnets[:i], id) {
			return nil, "", fault.InvalidConfiguration("The same subnet cannot be specified multiple times: '%s'", id)
		}
		of, zone, known := a.cfg.Network.SubnetVPC(ctx, id)
		switch {
		case !known && a.cfg.StrictNetwork:
			return nil, "", fault.SubnetNotFound(id)
		case !known:
			zone = a.cell.Zones()[i%len(a.cell.Zones())]
		case vpc != "" && of != vpc:
			return nil, "", fault.InvalidConfiguration("All subnets must belong to the same VPC: '%s'", vpc)
		default:
			vpc = of
		}
		if slices.ContainsFunc(zones, func(z types.AvailabilityZone) bool { return *z.ZoneName == zone }) {
			return nil, "", fault.InvalidConfiguration("A load balancer cannot be attached to multiple subnets in the same Availability Zone")
		}
		zones = append(zones, types.AvailabilityZone{SubnetId: &id, ZoneName: &zone, LoadBalancerAddresses: []types.LoadBalancerAddress{}})
	}
	if len(zones) < 2 {
		return nil, "", fault.Validation("At least two subnets in two different Availability Zones must be specified")
	}
	return zones, cmp.Or(vpc, a.unknownVPC()), nil
}

// securityGroups are those that a new load balancer of a VPC is to have: the VPC's own
// when none is given.
func (a *API) securityGroups(ctx context.Context, given []string, vpc string) ([]string, error) {
	if len(given) == 0 {
		if group, known := a.cfg.Network.DefaultGroup(ctx, vpc); known {
			return []string{group}, nil
		}
	}
	return optional.List(given), a.checkSecurityGroups(ctx, given, vpc, func(string) error {
		return fault.InvalidConfiguration("One or more security groups are invalid")
	})
}

// checkSecurityGroups refuses security groups that the network does not know, if it
// is to know all or knows the VPC in which they would have to be, and, as a caller says
// it, those of another VPC.
func (a *API) checkSecurityGroups(ctx context.Context, ids []string, vpc string, elsewhere func(id string) error) error {
	for _, id := range ids {
		of, known := a.cfg.Network.GroupVPC(ctx, id)
		switch {
		case id == "", !known && (a.cfg.StrictNetwork || a.knowsVPC(ctx, vpc)):
			return fault.InvalidSecurityGroup(id)
		case known && of != vpc && vpc != a.unknownVPC():
			return elsewhere(id)
		}
	}
	return nil
}

// checkVPC refuses a VPC that the network does not know, if it is to know all.
func (a *API) checkVPC(ctx context.Context, id string) error {
	if a.cfg.StrictNetwork && !a.knowsVPC(ctx, id) {
		return fault.Validation("The VPC ID '%s' is not found", id)
	}
	return nil
}

// checkSameVPC refuses to have a load balancer forward to a target group of another VPC.
func (a *API) checkSameVPC(ctx context.Context, b loadBalancer, g targetGroup) error {
	of, to := aws.ToString(b.VpcId), aws.ToString(g.VpcId)
	if of != to && a.knowsVPC(ctx, of) && a.knowsVPC(ctx, to) {
		return fault.InvalidConfiguration("The following target groups are in a different VPC than load balancer '%s': %s", *b.LoadBalancerArn, *g.TargetGroupArn)
	}
	return nil
}

func (a *API) knowsVPC(ctx context.Context, id string) bool {
	_, known := a.cfg.Network.DefaultGroup(ctx, id)
	return known
}

// unknownVPC is the VPC of subnets that nobody knows: always the same in a region.
func (a *API) unknownVPC() string {
	sum := sha256.Sum256([]byte(a.cell.Scope()))
	return "vpc-" + hex.EncodeToString(sum[:])[:17]
}

// noNetwork is for whoever has no Network.
type noNetwork struct{}

func (noNetwork) SubnetVPC(context.Context, string) (vpc, zone string, ok bool) { return "", "", false }
func (noNetwork) GroupVPC(context.Context, string) (vpc string, ok bool)        { return "", false }
func (noNetwork) DefaultGroup(context.Context, string) (id string, ok bool)     { return "", false }
