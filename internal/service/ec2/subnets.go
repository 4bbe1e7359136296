package ec2

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"flyball/internal/optional"
	"flyball/internal/service/ec2/fault"
	"flyball/internal/service/ec2/rules"
	"flyball/internal/state"
)

// A subnet is the row of one.
type subnet struct {
	resource
	VPC, CIDR, Zone             string
	Default                     bool // of its zone
	PublicAddresses             bool // new interfaces get a public address
	DNS64                       bool
	HostnameType                types.HostnameType // "" is ip-name
	NameARecord, NameAAAARecord bool
}

// shownSubnet is a subnet with what its description says besides.
type shownSubnet struct {
	subnet
	free int // addresses
}

func (a *API) describeSubnet(s shownSubnet) types.Subnet {
	return types.Subnet{
		SubnetId: &s.ID, SubnetArn: a.arn(types.ResourceTypeSubnet, s.ID), OwnerId: &a.cell.Account, VpcId: &s.VPC, CidrBlock: &s.CIDR,
		AvailabilityZone: &s.Zone, AvailabilityZoneId: optional.String(a.zoneID(s.Zone)), AvailableIpAddressCount: aws.Int32(int32(s.free)),
		DefaultForAz: &s.Default, MapPublicIpOnLaunch: &s.PublicAddresses, EnableDns64: &s.DNS64, Ipv6Native: aws.Bool(false),
		AssignIpv6AddressOnCreation: aws.Bool(false), MapCustomerOwnedIpOnLaunch: aws.Bool(false),
		Ipv6CidrBlockAssociationSet:   []types.SubnetIpv6CidrBlockAssociation{},
		PrivateDnsNameOptionsOnLaunch: s.nameOptions(), State: types.SubnetStateAvailable, Tags: s.tagList(),
	}
}

func (s subnet) nameOptions() *types.PrivateDnsNameOptionsOnLaunch {
	return &types.PrivateDnsNameOptionsOnLaunch{
		HostnameType: s.hostnameType(), EnableResourceNameDnsARecord: &s.NameARecord, EnableResourceNameDnsAAAARecord: &s.NameAAAARecord,
	}
}

func (s subnet) hostnameType() types.HostnameType {
	if s.HostnameType == "" {
		return types.HostnameTypeIpName
	}
	return s.HostnameType
}

// makeSubnet makes a subnet, to which the default network ACL of its VPC applies.
func (a *API) makeSubnet(tx *state.Tx, s subnet, name naming) {
	a.subnets.put(tx, s)
	if acl, ok := a.acls.one(func(n networkACL) bool { return n.VPC == s.VPC && n.Default }); ok {
		acl.Associations = append(slices.Clone(acl.Associations), aclAssociation{ID: name("aclassoc-", s.Zone), Subnet: s.ID})
		a.acls.put(tx, acl)
	}
}

// CreateSubnet makes a subnet in a VPC.
func (a *API) CreateSubnet(ctx context.Context, in *ec2.CreateSubnetInput, _ ...func(*ec2.Options)) (*ec2.CreateSubnetOutput, error) {
	switch {
	case in.Ipv6CidrBlock != nil, aws.ToBool(in.Ipv6Native), in.Ipv6IpamPoolId != nil:
		return nil, fault.Unsupported("A subnet with IPv6 addresses")
	case in.Ipv4IpamPoolId != nil, in.OutpostArn != nil:
		return nil, fault.Unsupported("A subnet of an address pool or an outpost")
	case in.CidrBlock == nil:
		return nil, fault.Missing("cidrBlock")
	}
	tags, err := rules.TagsOf(in.TagSpecifications, types.ResourceTypeSubnet)
	if err != nil {
		return nil, err
	}
	zone, err := a.zoneOf(in.AvailabilityZone, in.AvailabilityZoneId)
	if err != nil {
		return nil, err
	}
	s := subnet{resource: resource{ID: a.subnets.newID(), Tags: tags}, VPC: aws.ToString(in.VpcId), Zone: zone}
	err = a.write(ctx, in.DryRun, func(_ context.Context, tx *state.Tx) error {
		if s.CIDR, err = a.freeBlock(s.VPC, *in.CidrBlock); err != nil {
			return err
		}
		a.makeSubnet(tx, s, random)
		return nil
	})
	if err != nil {
		return nil, err
	}
	d := a.describeSubnet(shownSubnet{s, rules.Addresses(s.CIDR)})
	return &ec2.CreateSubnetOutput{Subnet: &d}, nil
}

// zoneOf is the zone that a call names, or the first.
func (a *API) zoneOf(name, id *string) (string, error) {
	all := a.zones()
	if name == nil && id == nil {
		return all[0].Name, nil
	}
	for _, z := range all {
		if name != nil && z.Name == *name || name == nil && z.ID == *id {
			return z.Name, nil
		}
	}
	given, parameter := aws.ToString(name), "availabilityZone"
	if name == nil {
		given, parameter = *id, "availabilityZoneId"
	}
	return "", fault.InvalidValue(given, parameter,
		"Subnets can currently only be created in the following availability zones: "+strings.Join(a.cell.Zones(), ", ")+".")
}

// freeBlock is a block of addresses inside those of a VPC that no subnet has.
func (a *API) freeBlock(vpcID, text string) (string, error) {
	v, err := a.vpcs.find(&vpcID)
	if err != nil {
		return "", err
	}
	block, err := rules.SubnetBlock(text, v.cidrs())
	if err != nil {
		return "", err
	}
	_, taken := a.subnets.one(func(s subnet) bool { return s.VPC == v.ID && rules.Overlaps(s.CIDR, block.String()) })
	if taken {
		return "", fault.New("InvalidSubnet.Conflict", "The CIDR '%s' conflicts with another subnet", text)
	}
	return block.String(), nil
}

// CreateDefaultSubnet makes the default subnet of a zone that has none.
func (a *API) CreateDefaultSubnet(ctx context.Context, in *ec2.CreateDefaultSubnetInput, _ ...func(*ec2.Options)) (*ec2.CreateDefaultSubnetOutput, error) {
	if in.AvailabilityZone == nil && in.AvailabilityZoneId == nil {
		return nil, fault.Missing("availabilityZone")
	}
	zone, err := a.zoneOf(in.AvailabilityZone, in.AvailabilityZoneId)
	if err != nil {
		return nil, err
	}
	var s subnet
	err = a.write(ctx, in.DryRun, func(_ context.Context, tx *state.Tx) error {
		v, ok := a.defaultVPC()
		if !ok {
			return fault.New("DefaultVpcDoesNotExist", "No default VPC exists for this account in this region.")
		}
		if other, ok := a.subnets.one(func(s subnet) bool { return s.Default && s.Zone == zone }); ok {
			return fault.New("DefaultSubnetAlreadyExistsInAvailabilityZone", "'%s' is already the default subnet in %s.", other.ID, zone)
		}
		for i := range 16 {
			block, err := a.freeBlock(v.ID, fmt.Sprintf(defaultSubnetBlock, 16*i))
			if err == nil {
				s = a.defaultSubnet(v, zone, block, random)
				a.makeSubnet(tx, s, random)
				return nil
			}
		}
		return fault.New("InsufficientFreeAddressesInSubnet", "There are insufficient free addresses in the default VPC.")
	})
	if err != nil {
		return nil, err
	}
	d := a.describeSubnet(shownSubnet{s, rules.Addresses(s.CIDR)})
	return &ec2.CreateDefaultSubnetOutput{Subnet: &d}, nil
}

// DescribeSubnets lists subnets by their ids.
func (a *API) DescribeSubnets(ctx context.Context, in *ec2.DescribeSubnetsInput, _ ...func(*ec2.Options)) (*ec2.DescribeSubnetsOutput, error) {
	var used map[string]int
	a.cell.State.Read(ctx, func(ctx context.Context) { used = a.usedAddresses(ctx) })
	free := func(s subnet) int { return rules.Addresses(s.CIDR) - used[s.ID] }
	q := question{in.SubnetIds, in.Filters, in.MaxResults, in.NextToken, in.DryRun}
	found, next, err := describe(ctx, a, &a.subnets, q, a.subnetFields(free))
	if err != nil {
		return nil, err
	}
	show := func(s subnet) types.Subnet { return a.describeSubnet(shownSubnet{s, free(s)}) }
	return &ec2.DescribeSubnetsOutput{Subnets: shown(found, show), NextToken: next}, nil
}

func (a *API) subnetFields(free func(subnet) int) rules.Fields[subnet] {
	text := func(f func(subnet) string) func(subnet) []string {
		return func(s subnet) []string { return []string{f(s)} }
	}
	nothing := func(subnet) []string { return nil }
	cidr := text(func(s subnet) string { return s.CIDR })
	zone := text(func(s subnet) string { return s.Zone })
	zoneID := text(func(s subnet) string { return a.zoneID(s.Zone) })
	isDefault := func(s subnet) []string { return flag(s.Default) }
	return rules.Fields[subnet]{
		"availability-zone": zone, "availabilityZone": zone,
		"availability-zone-id": zoneID, "availabilityZoneId": zoneID,
		"available-ip-address-count": text(func(s subnet) string { return strconv.Itoa(free(s)) }),
		"cidr":                       cidr,
		"cidr-block":                 cidr,
		"cidrBlock":                  cidr,
		"customer-owned-ipv4-pool":   nothing,
		"default-for-az":             isDefault,
		"defaultForAz":               isDefault,
		"enable-dns64":               func(s subnet) []string { return flag(s.DNS64) },
		"enable-lni-at-device-index": nothing,
		"ipv6-cidr-block-association.association-id":       nothing,
		"ipv6-cidr-block-association.ipv6-cidr-block":      nothing,
		"ipv6-cidr-block-association.state":                nothing,
		"ipv6-native":                                      func(subnet) []string { return flag(false) },
		"map-customer-owned-ip-on-launch":                  func(subnet) []string { return flag(false) },
		"map-public-ip-on-launch":                          func(s subnet) []string { return flag(s.PublicAddresses) },
		"outpost-arn":                                      nothing,
		"owner-id":                                         text(func(subnet) string { return a.cell.Account }),
		"private-dns-name-options-on-launch.hostname-type": text(func(s subnet) string { return string(s.hostnameType()) }),
		"private-dns-name-options-on-launch.enable-resource-name-dns-a-record":    func(s subnet) []string { return flag(s.NameARecord) },
		"private-dns-name-options-on-launch.enable-resource-name-dns-aaaa-record": func(s subnet) []string { return flag(s.NameAAAARecord) },
		"state":      text(func(subnet) string { return "available" }),
		"subnet-arn": text(func(s subnet) string { return *a.arn(types.ResourceTypeSubnet, s.ID) }),
		"subnet-id":  text(func(s subnet) string { return s.ID }),
		"vpc-id":     text(func(s subnet) string { return s.VPC }),
	}
}

// ModifySubnetAttribute sets one attribute of a subnet.
func (a *API) ModifySubnetAttribute(ctx context.Context, in *ec2.ModifySubnetAttributeInput, _ ...func(*ec2.Options)) (*ec2.ModifySubnetAttributeOutput, error) {
	if in.AssignIpv6AddressOnCreation != nil && aws.ToBool(in.AssignIpv6AddressOnCreation.Value) {
		return nil, fault.Invalid("Invalid value '%s' for assignIpv6AddressOnCreation. Subnet must have an associated IPv6 CIDR block", "true")
	}
	if in.MapCustomerOwnedIpOnLaunch != nil || in.CustomerOwnedIpv4Pool != nil || in.EnableLniAtDeviceIndex != nil || in.DisableLniAtDeviceIndex != nil {
		return nil, fault.Unsupported("An attribute of subnets of outposts")
	}
	return &ec2.ModifySubnetAttributeOutput{}, a.write(ctx, nil, func(_ context.Context, tx *state.Tx) error {
		s, err := a.subnets.find(in.SubnetId)
		if err != nil {
			return err
		}
		var never bool
		settings := []setting{
			{in.AssignIpv6AddressOnCreation, &never},
			{in.EnableDns64, &s.DNS64},
			{in.EnableResourceNameDnsAAAARecordOnLaunch, &s.NameAAAARecord},
			{in.EnableResourceNameDnsARecordOnLaunch, &s.NameARecord},
			{in.MapPublicIpOnLaunch, &s.PublicAddresses},
		}
		if in.PrivateDnsHostnameTypeOnLaunch != "" {
			s.HostnameType = in.PrivateDnsHostnameTypeOnLaunch
			settings = append(settings, setting{&types.AttributeBooleanValue{Value: aws.Bool(true)}, new(bool)})
		}
		if err := setOne(settings); err != nil {
			return err
		}
		a.subnets.put(tx, s)
		return nil
	})
}

// DeleteSubnet deletes a subnet in which there is no interface.
func (a *API) DeleteSubnet(ctx context.Context, in *ec2.DeleteSubnetInput, _ ...func(*ec2.Options)) (*ec2.DeleteSubnetOutput, error) {
	return &ec2.DeleteSubnetOutput{}, a.write(ctx, in.DryRun, func(ctx context.Context, tx *state.Tx) error {
		s, err := a.subnets.find(in.SubnetId)
		if err != nil {
			return err
		}
		if a.usedAddresses(ctx)[s.ID] > 0 {
			return fault.Dependency("The subnet '%s' has dependencies and cannot be deleted.", s.ID)
		}
		for _, t := range a.tables.some(func(t routeTable) bool { return t.of(s.ID) >= 0 }) {
			t.Associations = slices.DeleteFunc(slices.Clone(t.Associations), func(as tableAssociation) bool { return as.Subnet == s.ID })
			a.tables.put(tx, t)
		}
		if acl, at := a.aclOf(s.ID); at >= 0 {
			acl.Associations = slices.Delete(slices.Clone(acl.Associations), at, at+1)
			a.acls.put(tx, acl)
		}
		a.subnets.remove(tx, s)
		return nil
	})
}
