package ec2

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"flyball/internal/optional"
	"flyball/internal/service/ec2/fault"
	"flyball/internal/service/ec2/rules"
)

// An Interface is a network interface that a service has in a subnet, such as that of
// a task.
type Interface struct {
	ID          string // such as eni-0a1b2c3d4e5f60718
	Subnet      string // its id
	Address     string // its private IPv4 address
	Public      bool   // it has a public address, too
	Groups      []string
	Description string
	Requester   string // the service that has it, such as ecs.amazonaws.com
	Type        types.NetworkInterfaceType
	Created     time.Time
}

// used are all interfaces in the network: those of other services, and those of NAT
// gateways.
func (a *API) used(ctx context.Context) []Interface {
	all := slices.Clone(a.interfaces(ctx))
	for _, n := range a.nats.rows.Rows("") {
		all = append(all, n.face())
	}
	slices.SortFunc(all, func(x, y Interface) int { return strings.Compare(x.ID, y.ID) })
	return all
}

// usedAddresses counts the interfaces in each subnet.
func (a *API) usedAddresses(ctx context.Context) map[string]int {
	count := map[string]int{}
	for _, face := range a.used(ctx) {
		count[face.Subnet]++
	}
	return count
}

// usesGroup tells whether an interface has a security group.
func (a *API) usesGroup(ctx context.Context, id string) bool {
	return slices.ContainsFunc(a.used(ctx), func(face Interface) bool { return slices.Contains(face.Groups, id) })
}

// mapsAddress tells whether an interface in a VPC has a public address.
func (a *API) mapsAddress(ctx context.Context, vpc string) bool {
	return slices.ContainsFunc(a.used(ctx), func(face Interface) bool {
		s, known := a.subnets.rows.Get(face.Subnet)
		return face.Public && known && s.VPC == vpc
	})
}

// A placedInterface is one with what else its description says.
type placedInterface struct {
	Interface
	subnet subnet
	public address // the zero address for none
	groups []types.GroupIdentifier
}

// attachment is the id of what attaches the interface to whatever its service runs.
func (p placedInterface) attachment() string { return "eni-attach-" + strings.TrimPrefix(p.ID, "eni-") }

func (a *API) place(face Interface) placedInterface {
	p := placedInterface{Interface: face, groups: []types.GroupIdentifier{}}
	p.subnet, _ = a.subnets.rows.Get(face.Subnet)
	p.public, _ = a.addresses.one(func(e address) bool { return e.Interface == face.ID })
	for _, id := range face.Groups {
		g, _ := a.groups.rows.Get(id)
		p.groups = append(p.groups, types.GroupIdentifier{GroupId: &id, GroupName: optional.String(g.Name)})
	}
	return p
}

func (a *API) describeInterface(p placedInterface) types.NetworkInterface {
	d := types.NetworkInterface{
		NetworkInterfaceId: &p.ID, SubnetId: &p.Subnet, VpcId: optional.String(p.subnet.VPC), AvailabilityZone: optional.String(p.subnet.Zone),
		OwnerId: &a.cell.Account, RequesterId: &p.Requester, RequesterManaged: aws.Bool(true), Description: &p.Description,
		InterfaceType: p.Type, Status: types.NetworkInterfaceStatusInUse, SourceDestCheck: aws.Bool(p.Type != types.NetworkInterfaceTypeNatGateway),
		PrivateIpAddress: &p.Address, PrivateDnsName: aws.String(a.cell.Hostname(p.Address)), Groups: p.groups, TagSet: []types.Tag{},
		Attachment: &types.NetworkInterfaceAttachment{
			AttachmentId: aws.String(p.attachment()), InstanceOwnerId: &p.Requester,
			DeviceIndex: aws.Int32(1), DeleteOnTermination: aws.Bool(true), Status: types.AttachmentStatusAttached, AttachTime: &p.Created,
		},
	}
	if p.public.ID != "" {
		d.Association = &types.NetworkInterfaceAssociation{
			AllocationId: &p.public.ID, AssociationId: &p.public.Association, PublicIp: &p.public.IP, IpOwnerId: &a.cell.Account,
		}
	}
	d.PrivateIpAddresses = []types.NetworkInterfacePrivateIpAddress{{
		Primary: aws.Bool(true), PrivateIpAddress: d.PrivateIpAddress, PrivateDnsName: d.PrivateDnsName, Association: d.Association,
	}}
	return d
}

// DescribeNetworkInterfaces lists the interfaces of services by their ids.
func (a *API) DescribeNetworkInterfaces(ctx context.Context, in *ec2.DescribeNetworkInterfacesInput, _ ...func(*ec2.Options)) (*ec2.DescribeNetworkInterfacesOutput, error) {
	passes, err := rules.Tags(a.interfaceFields(), func(placedInterface) map[string]string { return nil }).Match(in.Filters)
	if err != nil {
		return nil, err
	}
	var all []placedInterface
	err = a.read(ctx, in.DryRun, func() error {
		all = shown(a.used(ctx), a.place)
		for _, id := range in.NetworkInterfaceIds {
			if !slices.ContainsFunc(all, func(p placedInterface) bool { return p.ID == id }) {
				return fault.New("InvalidNetworkInterfaceID.NotFound", "The networkInterface ID '%s' does not exist", id)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(p placedInterface) bool {
		return !passes(p) || len(in.NetworkInterfaceIds) > 0 && !slices.Contains(in.NetworkInterfaceIds, p.ID)
	})
	found, next, err := paged(all, func(p placedInterface) string { return p.ID }, question{most: in.MaxResults, token: in.NextToken})
	if err != nil {
		return nil, err
	}
	return &ec2.DescribeNetworkInterfacesOutput{NetworkInterfaces: shown(found, a.describeInterface), NextToken: next}, nil
}

func (a *API) interfaceFields() rules.Fields[placedInterface] {
	text := func(f func(placedInterface) string) func(placedInterface) []string {
		return func(p placedInterface) []string { return []string{f(p)} }
	}
	fixed := func(value string) func(placedInterface) []string {
		return func(placedInterface) []string { return []string{value} }
	}
	nothing := func(placedInterface) []string { return nil }
	groupNames := func(p placedInterface) (names []string) {
		for _, g := range p.groups {
			names = append(names, aws.ToString(g.GroupName))
		}
		return names
	}
	address := text(func(p placedInterface) string { return p.Address })
	public := text(func(p placedInterface) string { return p.public.IP })
	return rules.Fields[placedInterface]{
		"addresses.association.public-ip":  public,
		"addresses.primary":                fixed("true"),
		"addresses.private-ip-address":     address,
		"association.allocation-id":        text(func(p placedInterface) string { return p.public.ID }),
		"association.association-id":       text(func(p placedInterface) string { return p.public.Association }),
		"association.ip-owner-id":          fixed(a.cell.Account),
		"association.public-ip":            public,
		"addresses.association.owner-id":   fixed(a.cell.Account),
		"association.public-dns-name":      nothing,
		"attachment.attach-time":           text(func(p placedInterface) string { return p.Created.UTC().Format("2006-01-02T15:04:05.000Z") }),
		"attachment.attachment-id":         text(placedInterface.attachment),
		"attachment.delete-on-termination": fixed("true"),
		"attachment.device-index":          fixed("1"),
		"availability-zone-id":             text(func(p placedInterface) string { return a.zoneID(p.subnet.Zone) }),
		"operator.managed":                 fixed("false"),
		"operator.principal":               nothing,
		"attachment.instance-id":           nothing,
		"attachment.instance-owner-id":     text(func(p placedInterface) string { return p.Requester }),
		"attachment.status":                fixed("attached"),
		"availability-zone":                text(func(p placedInterface) string { return p.subnet.Zone }),
		"description":                      text(func(p placedInterface) string { return p.Description }),
		"group-id":                         func(p placedInterface) []string { return p.Groups },
		"group-name":                       groupNames,
		"interface-type":                   text(func(p placedInterface) string { return string(p.Type) }),
		"ipv6-addresses.ipv6-address":      nothing,
		"mac-address":                      nothing,
		"network-interface-id":             text(func(p placedInterface) string { return p.ID }),
		"owner-id":                         fixed(a.cell.Account),
		"private-dns-name":                 text(func(p placedInterface) string { return a.cell.Hostname(p.Address) }),
		"private-ip-address":               address,
		"requester-id":                     text(func(p placedInterface) string { return p.Requester }),
		"requester-managed":                fixed("true"),
		"source-dest-check":                text(func(p placedInterface) string { return flag(p.Type != types.NetworkInterfaceTypeNatGateway)[0] }),
		"status":                           fixed("in-use"),
		"subnet-id":                        text(func(p placedInterface) string { return p.Subnet }),
		"vpc-id":                           text(func(p placedInterface) string { return p.subnet.VPC }),
	}
}
