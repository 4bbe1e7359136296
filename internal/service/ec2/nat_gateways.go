package ec2

import (
	"context"
	"net/netip"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"flyball/internal/cell"
	"flyball/internal/optional"
	"flyball/internal/service/ec2/fault"
	"flyball/internal/service/ec2/rules"
	"flyball/internal/state"
)

// A natGateway is the row of one. It is there at once, and gone at once.
type natGateway struct {
	resource
	VPC, Subnet        string
	Interface, Private string // the id and the address of its interface
	Allocation         string // of its public address; "" for a private gateway
	Public             string // that address
	Association        string
	Created            time.Time
}

func (n natGateway) face() Interface {
	return Interface{
		ID: n.Interface, Subnet: n.Subnet, Address: n.Private, Public: n.Allocation != "", Description: "Interface for NAT Gateway " + n.ID,
		Requester: "amazon-vpc", Type: types.NetworkInterfaceTypeNatGateway, Created: n.Created,
	}
}

func (n natGateway) connectivity() types.ConnectivityType {
	if n.Allocation == "" {
		return types.ConnectivityTypePrivate
	}
	return types.ConnectivityTypePublic
}

func (n natGateway) describe() types.NatGateway {
	return types.NatGateway{
		NatGatewayId: &n.ID, VpcId: &n.VPC, SubnetId: &n.Subnet, State: types.NatGatewayStateAvailable, ConnectivityType: n.connectivity(),
		CreateTime: &n.Created, Tags: n.tagList(),
		NatGatewayAddresses: []types.NatGatewayAddress{{
			NetworkInterfaceId: &n.Interface, PrivateIp: &n.Private, IsPrimary: aws.Bool(true), Status: types.NatGatewayAddressStatusSucceeded,
			AllocationId: optional.String(n.Allocation), PublicIp: optional.String(n.Public), AssociationId: optional.String(n.Association),
		}},
	}
}

// CreateNatGateway makes a NAT gateway in a subnet, which takes its address at once.
func (a *API) CreateNatGateway(ctx context.Context, in *ec2.CreateNatGatewayInput, _ ...func(*ec2.Options)) (*ec2.CreateNatGatewayOutput, error) {
	switch {
	case len(in.SecondaryAllocationIds) > 0, len(in.SecondaryPrivateIpAddresses) > 0, aws.ToInt32(in.SecondaryPrivateIpAddressCount) > 0:
		return nil, fault.Unsupported("A NAT gateway with several addresses")
	case in.AvailabilityMode == types.AvailabilityModeRegional, len(in.AvailabilityZoneAddresses) > 0:
		return nil, fault.Unsupported("A NAT gateway of a whole region")
	case in.SubnetId == nil:
		return nil, fault.Missing("subnetId")
	case in.ConnectivityType == types.ConnectivityTypePrivate && in.AllocationId != nil:
		return nil, fault.Combination("AllocationId cannot be used with a private NAT gateway")
	case in.ConnectivityType != types.ConnectivityTypePrivate && in.AllocationId == nil:
		return nil, fault.Missing("allocationId")
	}
	tags, err := rules.TagsOf(in.TagSpecifications, types.ResourceTypeNatgateway)
	if err != nil {
		return nil, err
	}
	n := natGateway{
		resource: resource{ID: a.nats.newID(), Tags: tags}, Subnet: *in.SubnetId, Interface: cell.NewID("eni-", 17),
		Created: a.cell.Clock.Now().UTC().Truncate(time.Second),
	}
	err = a.write(ctx, in.DryRun, func(ctx context.Context, tx *state.Tx) error { return a.placeNAT(ctx, tx, &n, in) })
	if err != nil {
		return nil, err
	}
	d := n.describe()
	return &ec2.CreateNatGatewayOutput{NatGateway: &d, ClientToken: in.ClientToken}, nil
}

// placeNAT gives a NAT gateway its addresses.
func (a *API) placeNAT(ctx context.Context, tx *state.Tx, n *natGateway, in *ec2.CreateNatGatewayInput) error {
	s, err := a.subnets.find(in.SubnetId)
	if err != nil {
		return err
	}
	n.VPC = s.VPC
	if n.Private, err = a.privateAddress(ctx, s, in.PrivateIpAddress); err != nil {
		return err
	}
	if in.AllocationId != nil {
		e, err := a.addresses.find(in.AllocationId)
		if err != nil {
			return err
		}
		if e.Association != "" {
			return fault.New("Resource.AlreadyAssociated", "Elastic IP address [%s] is already associated", e.ID)
		}
		e.Association, e.Interface, e.Private = random("eipassoc-", ""), n.Interface, n.Private
		n.Allocation, n.Public, n.Association = e.ID, e.IP, e.Association
		a.addresses.put(tx, e)
	}
	a.nats.put(tx, *n)
	return nil
}

// privateAddress is the address of a subnet that a call asks for, or the first that no
// interface has.
func (a *API) privateAddress(ctx context.Context, s subnet, asked *string) (string, error) {
	block, err := netip.ParsePrefix(s.CIDR)
	if err != nil {
		return "", err
	}
	taken := map[string]bool{}
	for _, face := range a.used(ctx) {
		taken[face.Address] = face.Subnet == s.ID || taken[face.Address]
	}
	if asked != nil {
		at, err := netip.ParseAddr(*asked)
		if err != nil || !block.Contains(at) {
			return "", fault.Invalid("Address %s does not fall within the subnet's address range", *asked)
		}
		if taken[*asked] {
			return "", fault.New("InvalidIPAddress.InUse", "The specified address is already in use.")
		}
		return *asked, nil
	}
	at := block.Addr()
	for range 4 { // the first four are the VPC's own
		at = at.Next()
	}
	for range rules.Addresses(s.CIDR) {
		if !taken[at.String()] {
			return at.String(), nil
		}
		at = at.Next()
	}
	return "", fault.New("InsufficientFreeAddressesInSubnet", "The specified subnet does not have enough free addresses to satisfy the request.")
}

// DescribeNatGateways lists NAT gateways by their ids.
func (a *API) DescribeNatGateways(ctx context.Context, in *ec2.DescribeNatGatewaysInput, _ ...func(*ec2.Options)) (*ec2.DescribeNatGatewaysOutput, error) {
	q := question{in.NatGatewayIds, in.Filter, in.MaxResults, in.NextToken, in.DryRun}
	text := func(f func(natGateway) string) func(natGateway) []string {
		return func(n natGateway) []string { return []string{f(n)} }
	}
	found, next, err := describe(ctx, a, &a.nats, q, rules.Fields[natGateway]{
		"connectivity-type": text(func(n natGateway) string { return string(n.connectivity()) }),
		"nat-gateway-id":    text(func(n natGateway) string { return n.ID }),
		"state":             text(func(natGateway) string { return "available" }),
		"subnet-id":         text(func(n natGateway) string { return n.Subnet }),
		"vpc-id":            text(func(n natGateway) string { return n.VPC }),
	})
	if err != nil {
		return nil, err
	}
	return &ec2.DescribeNatGatewaysOutput{NatGateways: shown(found, natGateway.describe), NextToken: next}, nil
}

// DeleteNatGateway deletes a NAT gateway, which gives up its address.
func (a *API) DeleteNatGateway(ctx context.Context, in *ec2.DeleteNatGatewayInput, _ ...func(*ec2.Options)) (*ec2.DeleteNatGatewayOutput, error) {
	return &ec2.DeleteNatGatewayOutput{NatGatewayId: in.NatGatewayId}, a.write(ctx, in.DryRun, func(_ context.Context, tx *state.Tx) error {
		n, err := a.nats.find(in.NatGatewayId)
		if err != nil {
			return err
		}
		if e, ok := a.addresses.rows.Get(n.Allocation); ok {
			e.Association, e.Interface, e.Private = "", "", ""
			a.addresses.put(tx, e)
		}
		a.nats.remove(tx, n)
		return nil
	})
}
