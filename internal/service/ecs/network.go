package ecs

import (
	"context"

	"flyball/internal/service/ecs/fault"
	"flyball/internal/service/ecs/rules"
)

// A Network knows the subnets and security groups of tasks; EC2 is one. A call whose
// context comes from a change is part of it.
type Network interface {
	// SubnetVPC is the VPC and the availability zone of a subnet.
	SubnetVPC(ctx context.Context, id string) (vpc, zone string, ok bool)
	// GroupVPC is the VPC of a security group.
	GroupVPC(ctx context.Context, id string) (vpc string, ok bool)
}

// noNetwork is the Network of a server without any.
type noNetwork struct{}

func (noNetwork) SubnetVPC(context.Context, string) (vpc, zone string, ok bool) {
	return "", "", false
}
func (noNetwork) GroupVPC(context.Context, string) (vpc string, ok bool) { return "", false }

// placed is a launch with the zones of its subnets. Those that the network does not know
// are dealt out over the region's zones, in their order. They are refused if the network
// is to know all, and whatever it knows has to be in one VPC.
func (a *API) placed(ctx context.Context, l rules.Launch) (rules.Launch, error) {
	l.Zones = nil
	if l.Network == nil {
		return l, nil
	}
	var vpc string
	zones := a.cell.Zones()
	for i, id := range l.Subnets() {
		of, zone, known := a.cfg.Network.SubnetVPC(ctx, id)
		switch {
		case !known && a.cfg.StrictNetwork:
			return l, fault.InvalidParameter("Error retrieving subnet information for [%s]: The subnet ID '%s' does not exist (ErrorCode: InvalidSubnetID.NotFound)", id, id)
		case !known:
			zone = zones[i%len(zones)]
		case vpc != "" && of != vpc:
			return l, fault.InvalidParameter("All subnets must belong to the same VPC: '%s'", vpc)
		default:
			vpc = of
		}
		l.Zones = append(l.Zones, zone)
	}
	return l, a.checkSecurityGroups(ctx, l.Network.AwsvpcConfiguration.SecurityGroups, vpc)
}

// checkSecurityGroups refuses security groups for subnets of a VPC; "" is for one that
// the network does not know.
func (a *API) checkSecurityGroups(ctx context.Context, ids []string, vpc string) error {
	for _, id := range ids {
		switch of, known := a.cfg.Network.GroupVPC(ctx, id); {
		case !known && a.cfg.StrictNetwork:
			return fault.InvalidParameter("Error retrieving security group information for [%s]: The security group '%s' does not exist (ErrorCode: InvalidGroup.NotFound)", id, id)
		case known && vpc != "" && of != vpc:
			return fault.InvalidParameter("Security group %s does not appear to belong to the same VPC as the input subnets.", id)
		}
	}
	return nil
}
