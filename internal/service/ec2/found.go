package ec2

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"flyball/internal/cell"
	"flyball/internal/state"
)

// kindFounded notes that the region has had its default VPC, which may be gone.
var kindFounded = state.Kind{Name: "ec2.founded", Version: 1}

// A naming makes the ids of what a VPC comes with: with a prefix, for a thing that it
// has once.
type naming func(prefix, thing string) string

// random names what a caller makes.
func random(prefix, _ string) string { return cell.NewID(prefix, idDigits) }

// fixed names what a region has from the beginning, the same each time.
func (a *API) fixed(prefix, thing string) string {
	sum := sha256.Sum256([]byte(a.cell.Scope() + "ec2/" + prefix + thing))
	return prefix + hex.EncodeToString(sum[:])[:idDigits]
}

// EnsureDefaultVPC makes the default VPC of a region that never had one. Whoever gives
// the service away calls it each time: made within a change of another service, the VPC
// goes again when that fails.
func (a *API) EnsureDefaultVPC(ctx context.Context) error {
	had := false
	a.cell.State.View(ctx, func() { had = a.founded.Len() > 0 })
	if had {
		return nil
	}
	return a.cell.State.Change(ctx, func(_ context.Context, tx *state.Tx) error {
		if a.founded.Len() == 0 {
			a.founded.Put(tx, "default", true)
			a.makeDefaultVPC(tx, a.fixed)
		}
		return nil
	})
}

// The blocks of a default VPC and of its subnets. Source: Amazon VPC User Guide,
// "Default VPC components".
const (
	defaultBlock       = "172.31.0.0/16"
	defaultSubnetBlock = "172.31.%d.0/20"
)

// makeDefaultVPC makes a VPC with a subnet in each zone and a way to the internet.
func (a *API) makeDefaultVPC(tx *state.Tx, name naming) vpc {
	v := vpc{
		resource: resource{ID: name("vpc-", "")}, Blocks: []vpcBlock{{ID: name("vpc-cidr-assoc-", ""), CIDR: defaultBlock}},
		Tenancy: "default", Default: true, DNSSupport: true, DNSHostnames: true,
	}
	main := a.makeVPC(tx, v, name)
	gateway := internetGateway{resource: resource{ID: name("igw-", "")}, VPC: v.ID}
	a.gateways.put(tx, gateway)
	main.Routes = append(main.Routes, route{Destination: anywhere, Gateway: gateway.ID, Origin: originCreateRoute})
	a.tables.put(tx, main)
	for i, zone := range a.cell.Zones() {
		a.makeSubnet(tx, a.defaultSubnet(v, zone, fmt.Sprintf(defaultSubnetBlock, 16*i), name), name)
	}
	return v
}

func (a *API) defaultSubnet(v vpc, zone, block string, name naming) subnet {
	return subnet{resource: resource{ID: name("subnet-", zone)}, VPC: v.ID, CIDR: block, Zone: zone, Default: true, PublicAddresses: true}
}

// makeVPC makes a VPC with what each has: a main route table, a network ACL that lets
// everything pass, and the security group that is called default. It returns the route
// table.
func (a *API) makeVPC(tx *state.Tx, v vpc, name naming) routeTable {
	a.vpcs.put(tx, v)
	main := routeTable{
		resource: resource{ID: name("rtb-", "main")}, VPC: v.ID,
		Associations: []tableAssociation{{ID: name("rtbassoc-", "main")}},
	}
	a.tables.put(tx, main)
	a.acls.put(tx, networkACL{
		resource: resource{ID: name("acl-", "default")}, VPC: v.ID, Default: true,
		Entries: []aclEntry{
			{Number: 100, Egress: true, Action: "allow", Protocol: "-1", CIDR: anywhere},
			{Number: 100, Action: "allow", Protocol: "-1", CIDR: anywhere},
		},
	})
	g := group{resource: resource{ID: name("sg-", "default")}, Name: defaultGroup, Description: "default VPC security group", VPC: v.ID}
	a.groups.put(tx, g)
	a.rules.put(tx, groupRule{resource: resource{ID: name("sgr-", "in")}, GroupID: g.ID, Rule: anyFrom(g.ID)})
	a.rules.put(tx, groupRule{resource: resource{ID: name("sgr-", "out")}, GroupID: g.ID, Egress: true, Rule: anyTo})
	return main
}
