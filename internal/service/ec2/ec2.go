// Package ec2 is the network of Amazon EC2 in one region of one account: VPCs with
// their subnets, security groups, gateways, route tables and network ACLs, addresses,
// and the tags of all of them.
//
// What is said is checked and kept; no packet is filtered by it. The services that put
// something into this network, such as the tasks of ECS, tell of it with the Interfaces
// of the Config, and what they use can not be deleted.
//
// A region has a default VPC from the beginning, as those of AWS have. EnsureDefaultVPC
// makes it before the service is first used, with ids that are the same for a region of
// an account wherever it is made.
package ec2

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"flyball/internal/cell"
	"flyball/internal/service/ec2/fault"
	"flyball/internal/state"
)

// Config is what the service needs of its surroundings.
type Config struct {
	Cell *cell.Cell
	// Interfaces are the network interfaces that other services have in the network.
	// It is called within changes: what it reads, it reads with the context. Nil
	// means that there are none.
	Interfaces func(context.Context) []Interface
}

// An API serves the operations of EC2 in one region of one account. Its methods may be
// called concurrently.
type API struct {
	cell       *cell.Cell
	interfaces func(context.Context) []Interface

	founded   *state.Table[bool]
	vpcs      collection[vpc, *vpc]
	subnets   collection[subnet, *subnet]
	groups    collection[group, *group]
	rules     collection[groupRule, *groupRule]
	gateways  collection[internetGateway, *internetGateway]
	tables    collection[routeTable, *routeTable]
	acls      collection[networkACL, *networkACL]
	addresses collection[address, *address]
	nats      collection[natGateway, *natGateway]
}

// New returns the service with what the cell's state has of it, which is nothing before
// EnsureDefaultVPC is called for the first time.
func New(cfg Config) (*API, error) {
	a := &API{cell: cfg.Cell, interfaces: cfg.Interfaces}
	if a.interfaces == nil {
		a.interfaces = func(context.Context) []Interface { return nil }
	}
	if err := a.open(); err != nil {
		return nil, err
	}
	return a, nil
}

// open loads the collections.
func (a *API) open() error {
	founded, err := state.NewTable[bool](a.cell.State, kindFounded)
	if err != nil {
		return err
	}
	a.founded = founded
	for _, err := range []error{
		a.vpcs.open(a.cell, types.ResourceTypeVpc, "vpc-", "InvalidVpcID.NotFound", "The vpc ID '%s' does not exist", ""), // also of ids of another form, as of subnets
		a.subnets.open(a.cell, types.ResourceTypeSubnet, "subnet-", "InvalidSubnetID.NotFound", "The subnet ID '%s' does not exist", ""),
		a.groups.open(a.cell, types.ResourceTypeSecurityGroup, "sg-", "InvalidGroup.NotFound", "The security group '%s' does not exist", "InvalidGroupId.Malformed"),
		a.rules.open(a.cell, types.ResourceTypeSecurityGroupRule, "sgr-", "InvalidSecurityGroupRuleId.NotFound", "The security group rule ID '%s' does not exist", "InvalidSecurityGroupRuleId.Malformed"),
		a.gateways.open(a.cell, types.ResourceTypeInternetGateway, "igw-", "InvalidInternetGatewayID.NotFound", "The internetGateway ID '%s' does not exist", "InvalidInternetGatewayId.Malformed"),
		a.tables.open(a.cell, types.ResourceTypeRouteTable, "rtb-", "InvalidRouteTableID.NotFound", "The routeTable ID '%s' does not exist", "InvalidRouteTableId.Malformed"),
		a.acls.open(a.cell, types.ResourceTypeNetworkAcl, "acl-", "InvalidNetworkAclID.NotFound", "The networkAcl ID '%s' does not exist", "InvalidNetworkAclId.Malformed"),
		a.addresses.open(a.cell, types.ResourceTypeElasticIp, "eipalloc-", "InvalidAllocationID.NotFound", "The allocation ID '%s' does not exist", ""),
		a.nats.open(a.cell, types.ResourceTypeNatgateway, "nat-", "NatGatewayNotFound", "The Nat Gateway %s was not found", "NatGatewayMalformed"),
	} {
		if err != nil {
			return err
		}
	}
	return nil
}

// read runs a function that only reads rows. A dry run ends with an error that says
// that it was one.
func (a *API) read(ctx context.Context, dryRun *bool, f func() error) (err error) {
	a.cell.State.View(ctx, func() { err = f() })
	if err == nil && aws.ToBool(dryRun) {
		return fault.DryRun()
	}
	return err
}

// write changes rows, all or none. A dry run finds what is wrong with a call, and
// changes nothing.
func (a *API) write(ctx context.Context, dryRun *bool, f func(context.Context, *state.Tx) error) error {
	return a.cell.State.Change(ctx, func(ctx context.Context, tx *state.Tx) error {
		if err := f(ctx, tx); err != nil {
			return err
		}
		if aws.ToBool(dryRun) {
			return fault.DryRun()
		}
		return nil
	})
}

// arn names a resource of the region.
func (a *API) arn(kind types.ResourceType, id string) *string {
	return aws.String(a.cell.ARN("ec2", string(kind)+"/"+id))
}
