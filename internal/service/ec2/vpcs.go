package ec2

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"flyball/internal/optional"
	"flyball/internal/service/ec2/fault"
	"flyball/internal/service/ec2/rules"
	"flyball/internal/state"
)

// A vpc is the row of one.
type vpc struct {
	resource
	Blocks                            []vpcBlock // the primary one first
	Tenancy                           types.Tenancy
	Default                           bool
	DNSSupport, DNSHostnames, Metrics bool
}

// A vpcBlock is an IPv4 block of a VPC.
type vpcBlock struct{ ID, CIDR string }

// cidrs are the VPC's blocks.
func (v vpc) cidrs() []string {
	all := make([]string, len(v.Blocks))
	for i, b := range v.Blocks {
		all[i] = b.CIDR
	}
	return all
}

func (v vpc) describe(owner, dhcp string) types.Vpc {
	d := types.Vpc{
		VpcId: &v.ID, CidrBlock: &v.Blocks[0].CIDR, InstanceTenancy: v.Tenancy, IsDefault: &v.Default, OwnerId: &owner,
		DhcpOptionsId: &dhcp, State: types.VpcStateAvailable, Tags: v.tagList(),
	}
	for _, b := range v.Blocks {
		d.CidrBlockAssociationSet = append(d.CidrBlockAssociationSet, b.describe(types.VpcCidrBlockStateCodeAssociated))
	}
	return d
}

func (b vpcBlock) describe(s types.VpcCidrBlockStateCode) types.VpcCidrBlockAssociation {
	return types.VpcCidrBlockAssociation{AssociationId: &b.ID, CidrBlock: &b.CIDR, CidrBlockState: &types.VpcCidrBlockState{State: s}}
}

func (a *API) describeVPC(v vpc) types.Vpc { return v.describe(a.cell.Account, a.dhcpOptions()) }

// CreateVpc makes a VPC with its main route table, network ACL and security group.
func (a *API) CreateVpc(ctx context.Context, in *ec2.CreateVpcInput, _ ...func(*ec2.Options)) (*ec2.CreateVpcOutput, error) {
	v, err := newVPC(in)
	if err != nil {
		return nil, err
	}
	err = a.write(ctx, in.DryRun, func(_ context.Context, tx *state.Tx) error {
		a.makeVPC(tx, v, random)
		return nil
	})
	if err != nil {
		return nil, err
	}
	d := a.describeVPC(v)
	return &ec2.CreateVpcOutput{Vpc: &d}, nil
}

// newVPC is the VPC that a call describes.
func newVPC(in *ec2.CreateVpcInput) (v vpc, err error) {
	switch {
	case aws.ToBool(in.AmazonProvidedIpv6CidrBlock), in.Ipv6CidrBlock != nil, in.Ipv6Pool != nil, in.Ipv6IpamPoolId != nil:
		return v, fault.Unsupported("A VPC with IPv6 addresses")
	case in.Ipv4IpamPoolId != nil:
		return v, fault.Unsupported("IP Address Manager")
	case in.CidrBlock == nil:
		return v, fault.Missing("cidrBlock")
	case in.InstanceTenancy == types.TenancyHost:
		return v, fault.InvalidValue(string(in.InstanceTenancy), "instanceTenancy", "A VPC can be default or dedicated.")
	}
	block, err := rules.VPCBlock(*in.CidrBlock)
	if err != nil {
		return v, err
	}
	v = vpc{
		resource: resource{ID: random("vpc-", "")}, Blocks: []vpcBlock{{ID: random("vpc-cidr-assoc-", ""), CIDR: block.String()}},
		Tenancy: types.TenancyDefault, DNSSupport: true,
	}
	if in.InstanceTenancy != "" {
		v.Tenancy = in.InstanceTenancy
	}
	v.Tags, err = rules.TagsOf(in.TagSpecifications, types.ResourceTypeVpc)
	return v, err
}

// CreateDefaultVpc makes a default VPC in a region that has none.
func (a *API) CreateDefaultVpc(ctx context.Context, in *ec2.CreateDefaultVpcInput, _ ...func(*ec2.Options)) (*ec2.CreateDefaultVpcOutput, error) {
	var v vpc
	err := a.write(ctx, in.DryRun, func(_ context.Context, tx *state.Tx) error {
		if _, exists := a.defaultVPC(); exists {
			return fault.New("DefaultVpcAlreadyExists", "A Default VPC already exists for this account in this region.")
		}
		v = a.makeDefaultVPC(tx, random)
		return nil
	})
	if err != nil {
		return nil, err
	}
	d := a.describeVPC(v)
	return &ec2.CreateDefaultVpcOutput{Vpc: &d}, nil
}

func (a *API) defaultVPC() (vpc, bool) { return a.vpcs.one(func(v vpc) bool { return v.Default }) }

// DescribeVpcs lists VPCs by their ids.
func (a *API) DescribeVpcs(ctx context.Context, in *ec2.DescribeVpcsInput, _ ...func(*ec2.Options)) (*ec2.DescribeVpcsOutput, error) {
	q := question{in.VpcIds, in.Filters, in.MaxResults, in.NextToken, in.DryRun}
	found, next, err := describe(ctx, a, &a.vpcs, q, a.vpcFields())
	if err != nil {
		return nil, err
	}
	return &ec2.DescribeVpcsOutput{Vpcs: shown(found, a.describeVPC), NextToken: next}, nil
}

func (a *API) vpcFields() rules.Fields[vpc] {
	blockIDs := func(v vpc) (ids []string) {
		for _, b := range v.Blocks {
			ids = append(ids, b.ID)
		}
		return ids
	}
	primary := func(v vpc) []string { return v.cidrs()[:1] }
	nothing := func(vpc) []string { return nil }
	return rules.Fields[vpc]{
		"cidr": primary, "cidr-block": primary, "cidrBlock": primary,
		"cidr-block-association.cidr-block":           vpc.cidrs,
		"cidr-block-association.association-id":       blockIDs,
		"cidr-block-association.state":                func(vpc) []string { return []string{"associated"} },
		"dhcp-options-id":                             func(vpc) []string { return []string{a.dhcpOptions()} },
		"ipv6-cidr-block-association.association-id":  nothing,
		"ipv6-cidr-block-association.ipv6-cidr-block": nothing,
		"ipv6-cidr-block-association.ipv6-pool":       nothing,
		"ipv6-cidr-block-association.state":           nothing,
		"isDefault":                                   func(v vpc) []string { return flag(v.Default) },
		"is-default":                                  func(v vpc) []string { return flag(v.Default) },
		"owner-id":                                    func(vpc) []string { return []string{a.cell.Account} },
		"state":                                       func(vpc) []string { return []string{"available"} },
		"vpc-id":                                      func(v vpc) []string { return []string{v.ID} },
	}
}

// DeleteVpc deletes a VPC in which nothing is but what it came with.
func (a *API) DeleteVpc(ctx context.Context, in *ec2.DeleteVpcInput, _ ...func(*ec2.Options)) (*ec2.DeleteVpcOutput, error) {
	return &ec2.DeleteVpcOutput{}, a.write(ctx, in.DryRun, func(_ context.Context, tx *state.Tx) error {
		v, err := a.vpcs.find(in.VpcId)
		if err != nil {
			return err
		}
		groups := a.groups.some(func(g group) bool { return g.VPC == v.ID })
		tables := a.tables.some(func(t routeTable) bool { return t.VPC == v.ID })
		acls := a.acls.some(func(n networkACL) bool { return n.VPC == v.ID })
		_, subnets := a.subnets.one(func(s subnet) bool { return s.VPC == v.ID })
		_, gateways := a.gateways.one(func(g internetGateway) bool { return g.VPC == v.ID })
		if subnets || gateways || len(groups) > 1 || len(tables) > 1 || len(acls) > 1 {
			return fault.Dependency("The vpc '%s' has dependencies and cannot be deleted.", v.ID)
		}
		for _, g := range groups {
			a.removeGroup(tx, g)
		}
		for _, t := range tables {
			a.tables.remove(tx, t)
		}
		for _, n := range acls {
			a.acls.remove(tx, n)
		}
		a.vpcs.remove(tx, v)
		return nil
	})
}

// blocksPerVPC is how many IPv4 blocks a VPC can have ("Amazon VPC quotas").
const blocksPerVPC = 5

// AssociateVpcCidrBlock gives a VPC another block of addresses.
func (a *API) AssociateVpcCidrBlock(ctx context.Context, in *ec2.AssociateVpcCidrBlockInput, _ ...func(*ec2.Options)) (*ec2.AssociateVpcCidrBlockOutput, error) {
	if in.CidrBlock == nil {
		return nil, fault.Unsupported("A block that is not an IPv4 one")
	}
	block, err := rules.VPCBlock(*in.CidrBlock)
	if err != nil {
		return nil, err
	}
	added := vpcBlock{ID: random("vpc-cidr-assoc-", ""), CIDR: block.String()}
	err = a.write(ctx, nil, func(_ context.Context, tx *state.Tx) error {
		v, err := a.vpcs.find(in.VpcId)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(v.cidrs(), func(have string) bool { return rules.Overlaps(have, added.CIDR) }) {
			return fault.New("CidrConflict", "The CIDR '%s' conflicts with another CIDR block of the VPC", added.CIDR)
		}
		if len(v.Blocks) >= blocksPerVPC {
			return fault.New("CidrLimitExceeded", "This network %s has met its maximum number of allowed CIDRs: %d", v.ID, blocksPerVPC)
		}
		v.Blocks = append(slices.Clone(v.Blocks), added)
		a.vpcs.put(tx, v)
		return nil
	})
	if err != nil {
		return nil, err
	}
	d := added.describe(types.VpcCidrBlockStateCodeAssociating)
	return &ec2.AssociateVpcCidrBlockOutput{VpcId: in.VpcId, CidrBlockAssociation: &d}, nil
}

// DisassociateVpcCidrBlock takes a block from a VPC that is not its first.
func (a *API) DisassociateVpcCidrBlock(ctx context.Context, in *ec2.DisassociateVpcCidrBlockInput, _ ...func(*ec2.Options)) (*ec2.DisassociateVpcCidrBlockOutput, error) {
	id := aws.ToString(in.AssociationId)
	is := func(b vpcBlock) bool { return b.ID == id }
	out := &ec2.DisassociateVpcCidrBlockOutput{}
	return out, a.write(ctx, nil, func(_ context.Context, tx *state.Tx) error {
		v, ok := a.vpcs.one(func(v vpc) bool { return slices.ContainsFunc(v.Blocks, is) })
		if !ok {
			return fault.New("InvalidVpcCidrBlockAssociationID.NotFound", "The vpc CIDR block association ID '%s' does not exist", id)
		}
		at := slices.IndexFunc(v.Blocks, is)
		block := v.Blocks[at]
		if at == 0 {
			return fault.New("OperationNotPermitted", "The vpc CIDR block with association ID %s may not be disassociated. It is the primary IPv4 CIDR block of the VPC", id)
		}
		if _, used := a.subnets.one(func(s subnet) bool { return s.VPC == v.ID && rules.Overlaps(s.CIDR, block.CIDR) }); used {
			return fault.New("InvalidCidrBlock.InUse", "The vpc %s currently has a subnet within CIDR block %s", v.ID, block.CIDR)
		}
		v.Blocks = slices.Delete(slices.Clone(v.Blocks), at, at+1)
		a.vpcs.put(tx, v)
		d := block.describe(types.VpcCidrBlockStateCodeDisassociating)
		out.VpcId, out.CidrBlockAssociation = &v.ID, &d
		return nil
	})
}

// vpcOr is the VPC with an id, or the default one if none is given.
func (a *API) vpcOr(id *string) (vpc, error) {
	if optional.Or(id, "") != "" {
		return a.vpcs.find(id)
	}
	v, ok := a.defaultVPC()
	if !ok {
		return v, fault.New("VPCIdNotSpecified", "No default VPC for this user")
	}
	return v, nil
}
