package ec2

import (
	"context"
	"fmt"
	"hash/fnv"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"flyball/internal/optional"
	"flyball/internal/service/ec2/fault"
	"flyball/internal/service/ec2/rules"
	"flyball/internal/state"
)

// An address is the row of an Elastic IP address.
type address struct {
	resource
	IP          string
	Association string // its id while it is associated, or ""
	Interface   string // that has it
	Private     string // the address of that interface
}

// publicIP is an address for an id, of the block for benchmarks (RFC 2544): no packet
// finds its way to it.
func publicIP(id string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id)) // it never fails
	n := h.Sum32()
	return fmt.Sprintf("198.%d.%d.%d", 18+n>>16&1, n>>8&0xff, n&0xff)
}

func (a *API) describeAddress(e address) types.Address {
	return types.Address{
		AllocationId: &e.ID, PublicIp: &e.IP, Domain: types.DomainTypeVpc, PublicIpv4Pool: aws.String("amazon"),
		NetworkBorderGroup: &a.cell.Region, AssociationId: optional.String(e.Association), NetworkInterfaceId: optional.String(e.Interface),
		PrivateIpAddress: optional.String(e.Private), NetworkInterfaceOwnerId: a.ownerOf(e), Tags: e.tagList(),
	}
}

// ownerOf is the owner of the interface that has an address.
func (a *API) ownerOf(e address) *string {
	if e.Interface == "" {
		return nil
	}
	return &a.cell.Account
}

// AllocateAddress makes an address that nothing has.
func (a *API) AllocateAddress(ctx context.Context, in *ec2.AllocateAddressInput, _ ...func(*ec2.Options)) (*ec2.AllocateAddressOutput, error) {
	if in.Address != nil || in.CustomerOwnedIpv4Pool != nil || in.IpamPoolId != nil || optional.Or(in.PublicIpv4Pool, "amazon") != "amazon" {
		return nil, fault.Unsupported("An address of your own")
	}
	tags, err := rules.TagsOf(in.TagSpecifications, types.ResourceTypeElasticIp)
	if err != nil {
		return nil, err
	}
	var e address
	err = a.write(ctx, in.DryRun, func(_ context.Context, tx *state.Tx) error {
		e = a.freeAddress()
		e.Tags = tags
		a.addresses.put(tx, e)
		return nil
	})
	if err != nil {
		return nil, err
	}
	d := a.describeAddress(e)
	return &ec2.AllocateAddressOutput{
		AllocationId: d.AllocationId, PublicIp: d.PublicIp, Domain: d.Domain, PublicIpv4Pool: d.PublicIpv4Pool, NetworkBorderGroup: d.NetworkBorderGroup,
	}, nil
}

// freeAddress is an address that no other one is.
func (a *API) freeAddress() address {
	for {
		e := address{resource: resource{ID: a.addresses.newID()}}
		e.IP = publicIP(e.ID)
		if _, taken := a.addresses.one(func(other address) bool { return other.IP == e.IP }); !taken {
			return e
		}
	}
}

// DescribeAddresses lists addresses by their ids.
func (a *API) DescribeAddresses(ctx context.Context, in *ec2.DescribeAddressesInput, _ ...func(*ec2.Options)) (*ec2.DescribeAddressesOutput, error) {
	q := question{ids: in.AllocationIds, filters: in.Filters, dryRun: in.DryRun}
	for _, ip := range in.PublicIps {
		e, err := a.byIP(ctx, ip)
		if err != nil {
			return nil, err
		}
		q.ids = append(q.ids, e.ID)
	}
	found, _, err := describe(ctx, a, &a.addresses, q, a.addressFields())
	if err != nil {
		return nil, err
	}
	return &ec2.DescribeAddressesOutput{Addresses: shown(found, a.describeAddress)}, nil
}

func (a *API) byIP(ctx context.Context, ip string) (e address, err error) {
	a.cell.State.View(ctx, func() {
		var ok bool
		if e, ok = a.addresses.one(func(e address) bool { return e.IP == ip }); !ok {
			err = fault.New("InvalidAddress.NotFound", "Address '%s' not found.", ip)
		}
	})
	return e, err
}

func (a *API) addressFields() rules.Fields[address] {
	text := func(f func(address) string) func(address) []string {
		return func(e address) []string {
			if v := f(e); v != "" {
				return []string{v}
			}
			return nil
		}
	}
	return rules.Fields[address]{
		"allocation-id":              text(func(e address) string { return e.ID }),
		"association-id":             text(func(e address) string { return e.Association }),
		"domain":                     text(func(address) string { return "vpc" }),
		"instance-id":                text(func(address) string { return "" }),
		"network-border-group":       text(func(address) string { return a.cell.Region }),
		"network-interface-id":       text(func(e address) string { return e.Interface }),
		"network-interface-owner-id": text(func(e address) string { return aws.ToString(a.ownerOf(e)) }),
		"private-ip-address":         text(func(e address) string { return e.Private }),
		"public-ip":                  text(func(e address) string { return e.IP }),
	}
}

// DescribeAddressesAttribute tells the names of addresses, of which none has one.
func (a *API) DescribeAddressesAttribute(ctx context.Context, in *ec2.DescribeAddressesAttributeInput, _ ...func(*ec2.Options)) (*ec2.DescribeAddressesAttributeOutput, error) {
	q := question{ids: in.AllocationIds, most: in.MaxResults, token: in.NextToken, dryRun: in.DryRun}
	found, next, err := describe(ctx, a, &a.addresses, q, nil)
	if err != nil {
		return nil, err
	}
	return &ec2.DescribeAddressesAttributeOutput{NextToken: next, Addresses: shown(found, func(e address) types.AddressAttribute {
		return types.AddressAttribute{AllocationId: &e.ID, PublicIp: &e.IP}
	})}, nil
}

// AssociateAddress gives an address to an interface.
func (a *API) AssociateAddress(ctx context.Context, in *ec2.AssociateAddressInput, _ ...func(*ec2.Options)) (*ec2.AssociateAddressOutput, error) {
	switch {
	case in.InstanceId != nil:
		return nil, fault.New("InvalidInstanceID.NotFound", "The instance ID '%s' does not exist", *in.InstanceId)
	case in.AllocationId == nil:
		return nil, fault.Missing("allocationId")
	case in.NetworkInterfaceId == nil:
		return nil, fault.Missing("networkInterfaceId")
	}
	id := random("eipassoc-", "")
	err := a.write(ctx, in.DryRun, func(ctx context.Context, tx *state.Tx) error {
		e, err := a.addresses.find(in.AllocationId)
		if err != nil {
			return err
		}
		all := a.used(ctx)
		at := slices.IndexFunc(all, func(face Interface) bool { return face.ID == *in.NetworkInterfaceId })
		if at < 0 {
			return fault.New("InvalidNetworkInterfaceID.NotFound", "The networkInterface ID '%s' does not exist", *in.NetworkInterfaceId)
		}
		if e.Association != "" && !aws.ToBool(in.AllowReassociation) {
			return fault.New("Resource.AlreadyAssociated", "resource %s is already associated with associate-id %s", e.ID, e.Association)
		}
		e.Association, e.Interface, e.Private = id, all[at].ID, all[at].Address
		a.addresses.put(tx, e)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ec2.AssociateAddressOutput{AssociationId: &id}, nil
}

// DisassociateAddress takes an address from an interface.
func (a *API) DisassociateAddress(ctx context.Context, in *ec2.DisassociateAddressInput, _ ...func(*ec2.Options)) (*ec2.DisassociateAddressOutput, error) {
	if in.AssociationId == nil && in.PublicIp == nil {
		return nil, fault.Missing("associationId")
	}
	return &ec2.DisassociateAddressOutput{}, a.write(ctx, in.DryRun, func(_ context.Context, tx *state.Tx) error {
		id := aws.ToString(in.AssociationId)
		e, ok := a.addresses.one(func(e address) bool {
			return id != "" && e.Association == id || in.PublicIp != nil && e.IP == *in.PublicIp && e.Association != ""
		})
		if !ok {
			return fault.New("InvalidAssociationID.NotFound", "The association ID '%s' does not exist", id)
		}
		if _, used := a.nats.one(func(n natGateway) bool { return n.Allocation == e.ID }); used {
			return fault.New("AuthFailure", "You do not have permission to access the specified resource.")
		}
		e.Association, e.Interface, e.Private = "", "", ""
		a.addresses.put(tx, e)
		return nil
	})
}

// ReleaseAddress gives back an address that nothing has.
func (a *API) ReleaseAddress(ctx context.Context, in *ec2.ReleaseAddressInput, _ ...func(*ec2.Options)) (*ec2.ReleaseAddressOutput, error) {
	if in.AllocationId == nil {
		return nil, fault.Missing("allocationId")
	}
	return &ec2.ReleaseAddressOutput{}, a.write(ctx, in.DryRun, func(_ context.Context, tx *state.Tx) error {
		e, err := a.addresses.find(in.AllocationId)
		if err != nil {
			return err
		}
		if e.Association != "" {
			return fault.New("InvalidIPAddress.InUse", "Address %s is in use.", e.IP)
		}
		a.addresses.remove(tx, e)
		return nil
	})
}
