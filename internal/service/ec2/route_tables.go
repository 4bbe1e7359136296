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

// A routeTable is the row of one. The routes to its own VPC are not among its routes:
// nobody can change them.
type routeTable struct {
	resource
	VPC          string
	Associations []tableAssociation
	Routes       []route
}

// A tableAssociation says that a route table is that of a subnet, or the main one.
type tableAssociation struct {
	ID     string
	Subnet string // "" for the main table of its VPC
}

func (as tableAssociation) describe(table string) types.RouteTableAssociation {
	return types.RouteTableAssociation{
		RouteTableAssociationId: &as.ID, RouteTableId: &table, SubnetId: optional.String(as.Subnet), Main: aws.Bool(as.Subnet == ""),
		AssociationState: &types.RouteTableAssociationState{State: types.RouteTableAssociationStateCodeAssociated},
	}
}

// of is where among the associations that with a subnet is, or with "" that of a main
// table; or -1.
func (t routeTable) of(subnet string) int {
	return slices.IndexFunc(t.Associations, func(as tableAssociation) bool { return as.Subnet == subnet })
}

// association is where among the associations one with an id is, or -1.
func (t routeTable) association(id string) int {
	return slices.IndexFunc(t.Associations, func(as tableAssociation) bool { return as.ID == id })
}

func (a *API) describeTable(t routeTable) types.RouteTable {
	d := types.RouteTable{
		RouteTableId: &t.ID, VpcId: &t.VPC, OwnerId: &a.cell.Account, Tags: t.tagList(),
		Associations: []types.RouteTableAssociation{}, PropagatingVgws: []types.PropagatingVgw{},
	}
	for _, as := range t.Associations {
		d.Associations = append(d.Associations, as.describe(t.ID))
	}
	for _, r := range a.routesOf(t) {
		d.Routes = append(d.Routes, a.describeRoute(t, r))
	}
	return d
}

// CreateRouteTable makes a route table that is associated with nothing.
func (a *API) CreateRouteTable(ctx context.Context, in *ec2.CreateRouteTableInput, _ ...func(*ec2.Options)) (*ec2.CreateRouteTableOutput, error) {
	tags, err := rules.TagsOf(in.TagSpecifications, types.ResourceTypeRouteTable)
	if err != nil {
		return nil, err
	}
	t := routeTable{resource: resource{ID: a.tables.newID(), Tags: tags}, VPC: aws.ToString(in.VpcId)}
	var d types.RouteTable
	err = a.write(ctx, in.DryRun, func(_ context.Context, tx *state.Tx) error {
		if _, err := a.vpcs.find(in.VpcId); err != nil {
			return err
		}
		a.tables.put(tx, t)
		d = a.describeTable(t)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ec2.CreateRouteTableOutput{RouteTable: &d, ClientToken: in.ClientToken}, nil
}

// DescribeRouteTables lists route tables by their ids.
func (a *API) DescribeRouteTables(ctx context.Context, in *ec2.DescribeRouteTablesInput, _ ...func(*ec2.Options)) (*ec2.DescribeRouteTablesOutput, error) {
	q := question{in.RouteTableIds, in.Filters, in.MaxResults, in.NextToken, in.DryRun}
	found, next, err := describe(ctx, a, &a.tables, q, a.tableFields())
	if err != nil {
		return nil, err
	}
	out := &ec2.DescribeRouteTablesOutput{NextToken: next}
	a.cell.State.View(ctx, func() { out.RouteTables = shown(found, a.describeTable) })
	return out, nil
}

func (a *API) tableFields() rules.Fields[routeTable] {
	association := func(value func(tableAssociation) string) func(routeTable) []string {
		return func(t routeTable) (values []string) {
			for _, as := range t.Associations {
				values = append(values, value(as))
			}
			return values
		}
	}
	routes := func(value func(types.Route) *string) func(routeTable) []string {
		return func(t routeTable) (values []string) {
			for _, r := range a.routesOf(t) {
				if v := value(a.describeRoute(t, r)); v != nil {
					values = append(values, *v)
				}
			}
			return values
		}
	}
	id := func(t routeTable) []string { return []string{t.ID} }
	nothing := func(routeTable) []string { return nil }
	return rules.Fields[routeTable]{
		"association.gateway-id":                 nothing,
		"association.main":                       association(func(as tableAssociation) string { return flag(as.Subnet == "")[0] }),
		"association.route-table-association-id": association(func(as tableAssociation) string { return as.ID }),
		"association.route-table-id":             func(t routeTable) []string { return slices.Repeat(id(t), len(t.Associations)) },
		"association.subnet-id":                  association(func(as tableAssociation) string { return as.Subnet }),
		"owner-id":                               func(routeTable) []string { return []string{a.cell.Account} },
		"route-table-id":                         id,
		"route.destination-cidr-block":           routes(func(r types.Route) *string { return r.DestinationCidrBlock }),
		"route.destination-ipv6-cidr-block":      routes(func(r types.Route) *string { return r.DestinationIpv6CidrBlock }),
		"route.destination-prefix-list-id":       routes(func(r types.Route) *string { return r.DestinationPrefixListId }),
		"route.egress-only-internet-gateway-id":  nothing,
		"route.instance-id":                      nothing,
		"route.transit-gateway-id":               nothing,
		"route.vpc-peering-connection-id":        nothing,
		"route.gateway-id":                       routes(func(r types.Route) *string { return r.GatewayId }),
		"route.nat-gateway-id":                   routes(func(r types.Route) *string { return r.NatGatewayId }),
		"route.network-interface-id":             routes(func(r types.Route) *string { return r.NetworkInterfaceId }),
		"route.origin":                           routes(func(r types.Route) *string { return optional.String(r.Origin) }),
		"route.state":                            routes(func(r types.Route) *string { return optional.String(r.State) }),
		"vpc-id":                                 func(t routeTable) []string { return []string{t.VPC} },
	}
}

// DeleteRouteTable deletes a route table that is associated with nothing.
func (a *API) DeleteRouteTable(ctx context.Context, in *ec2.DeleteRouteTableInput, _ ...func(*ec2.Options)) (*ec2.DeleteRouteTableOutput, error) {
	return &ec2.DeleteRouteTableOutput{}, a.write(ctx, in.DryRun, func(_ context.Context, tx *state.Tx) error {
		t, err := a.tables.find(in.RouteTableId)
		if err != nil {
			return err
		}
		if len(t.Associations) > 0 {
			return fault.Dependency("The routeTable '%s' has dependencies and cannot be deleted.", t.ID)
		}
		a.tables.remove(tx, t)
		return nil
	})
}

// AssociateRouteTable makes a route table that of a subnet of its VPC.
func (a *API) AssociateRouteTable(ctx context.Context, in *ec2.AssociateRouteTableInput, _ ...func(*ec2.Options)) (*ec2.AssociateRouteTableOutput, error) {
	switch {
	case in.GatewayId != nil, in.PublicIpv4Pool != nil:
		return nil, fault.Unsupported("The association of a route table with a gateway")
	case in.SubnetId == nil:
		return nil, fault.Missing("subnetId")
	}
	added := tableAssociation{ID: random("rtbassoc-", ""), Subnet: *in.SubnetId}
	err := a.write(ctx, in.DryRun, func(_ context.Context, tx *state.Tx) error {
		t, err := a.tables.find(in.RouteTableId)
		if err != nil {
			return err
		}
		s, err := a.subnets.find(in.SubnetId)
		if err != nil {
			return err
		}
		if s.VPC != t.VPC {
			return fault.Invalid("Route table %s and network %s belong to different networks", t.ID, s.ID)
		}
		other, has := a.tables.one(func(t routeTable) bool { return t.of(s.ID) >= 0 })
		if has && other.ID == t.ID {
			added = t.Associations[t.of(s.ID)] // said again
			return nil
		}
		if has {
			return fault.New("Resource.AlreadyAssociated", "the specified association for route table %s conflicts with an existing association", t.ID)
		}
		t.Associations = append(slices.Clone(t.Associations), added)
		a.tables.put(tx, t)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ec2.AssociateRouteTableOutput{AssociationId: &added.ID, AssociationState: added.describe("").AssociationState}, nil
}

// associated finds the route table with an association, and where this is in it.
func (a *API) associated(id *string) (routeTable, int, error) {
	t, ok := a.tables.one(func(t routeTable) bool { return t.association(aws.ToString(id)) >= 0 })
	if !ok {
		return t, -1, fault.New("InvalidAssociationID.NotFound", "The association ID '%s' does not exist", aws.ToString(id))
	}
	return t, t.association(*id), nil
}

// DisassociateRouteTable leaves a subnet with the main route table of its VPC.
func (a *API) DisassociateRouteTable(ctx context.Context, in *ec2.DisassociateRouteTableInput, _ ...func(*ec2.Options)) (*ec2.DisassociateRouteTableOutput, error) {
	return &ec2.DisassociateRouteTableOutput{}, a.write(ctx, in.DryRun, func(_ context.Context, tx *state.Tx) error {
		t, at, err := a.associated(in.AssociationId)
		if err != nil {
			return err
		}
		if t.Associations[at].Subnet == "" {
			return fault.Invalid("cannot disassociate the main route table association %s", *in.AssociationId)
		}
		t.Associations = slices.Delete(slices.Clone(t.Associations), at, at+1)
		a.tables.put(tx, t)
		return nil
	})
}

// ReplaceRouteTableAssociation gives a subnet, or its VPC as the main one, another
// route table.
func (a *API) ReplaceRouteTableAssociation(ctx context.Context, in *ec2.ReplaceRouteTableAssociationInput, _ ...func(*ec2.Options)) (*ec2.ReplaceRouteTableAssociationOutput, error) {
	added := tableAssociation{ID: random("rtbassoc-", "")}
	err := a.write(ctx, in.DryRun, func(_ context.Context, tx *state.Tx) error {
		from, at, err := a.associated(in.AssociationId)
		if err != nil {
			return err
		}
		if added.Subnet = from.Associations[at].Subnet; from.ID == aws.ToString(in.RouteTableId) {
			added.ID = from.Associations[at].ID // nothing is replaced
		}
		from.Associations = slices.Delete(slices.Clone(from.Associations), at, at+1)
		a.tables.put(tx, from)
		to, err := a.tables.find(in.RouteTableId)
		if err != nil {
			return err
		}
		if to.VPC != from.VPC {
			return fault.Invalid("Route table %s and route table %s belong to different networks", from.ID, to.ID)
		}
		to.Associations = append(slices.Clone(to.Associations), added)
		a.tables.put(tx, to)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ec2.ReplaceRouteTableAssociationOutput{NewAssociationId: &added.ID, AssociationState: added.describe("").AssociationState}, nil
}
