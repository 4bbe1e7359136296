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

// A route is one of a route table. It has one target.
type route struct {
	Destination             string // an IPv4 or IPv6 block, or the id of a prefix list
	Gateway, NAT, Interface string // ids
	Origin                  types.RouteOrigin
}

const (
	originCreateRoute = types.RouteOriginCreateRoute
	localGateway      = "local" // the gateway of the routes to the table's own VPC
)

// routesOf are the routes of a table, those to its VPC first.
func (a *API) routesOf(t routeTable) (all []route) {
	v, _ := a.vpcs.rows.Get(t.VPC)
	for _, block := range v.cidrs() {
		all = append(all, route{Destination: block, Gateway: localGateway, Origin: types.RouteOriginCreateRouteTable})
	}
	return append(all, t.Routes...)
}

// describeRoute tells of a route also whether there is something at its end.
func (a *API) describeRoute(t routeTable, r route) types.Route {
	d := types.Route{
		GatewayId: optional.String(r.Gateway), NatGatewayId: optional.String(r.NAT), NetworkInterfaceId: optional.String(r.Interface),
		Origin: r.Origin, State: types.RouteStateActive,
	}
	d.DestinationCidrBlock, d.DestinationIpv6CidrBlock, d.DestinationPrefixListId = destinations(r.Destination)
	if r.Gateway != "" && r.Gateway != localGateway {
		if g, ok := a.gateways.rows.Get(r.Gateway); !ok || g.VPC != t.VPC {
			d.State = types.RouteStateBlackhole
		}
	}
	if r.NAT != "" {
		if _, ok := a.nats.rows.Get(r.NAT); !ok {
			d.State = types.RouteStateBlackhole
		}
	}
	return d
}

// destinations is a destination as the member that it belongs in.
func destinations(d string) (four, six, list *string) {
	switch {
	case isPrefixList(d):
		return nil, nil, &d
	case isSix(d):
		return nil, &d, nil
	}
	return &d, nil, nil
}

// destination is what a call gives as one of three.
func destination(four, six, list *string) (string, error) {
	var given []string
	for _, p := range []*string{four, six, list} {
		if p != nil {
			given = append(given, *p)
		}
	}
	switch {
	case len(given) == 0:
		return "", fault.Missing("destinationCidrBlock")
	case len(given) > 1:
		return "", fault.Combination("Exactly one destination must be specified")
	case list != nil:
		return *list, nil
	}
	block, ok := rules.Destination(given[0])
	if !ok || isSix(block) != (six != nil) {
		return "", fault.InvalidValue(given[0], "destinationCidrBlock", "This is not a valid CIDR block.")
	}
	return block, nil
}

// A target is what a call names as the end of a route.
type target struct {
	gateway, nat, face *string
	others             []*string // of kinds that there are none of here
}

// to is a route in a table to the one target that a call gives, which must be there.
func (a *API) to(ctx context.Context, t routeTable, destination string, given target) (r route, err error) {
	r = route{
		Destination: destination, Origin: originCreateRoute,
		Gateway: aws.ToString(given.gateway), NAT: aws.ToString(given.nat), Interface: aws.ToString(given.face),
	}
	count := 0
	for _, p := range append(given.others, given.gateway, given.nat, given.face) {
		if p != nil {
			count++
		}
	}
	if count != 1 {
		return r, fault.Combination("The parameters must contain exactly one target of the route")
	}
	switch {
	case given.gateway != nil:
		return r, a.checkGateway(t, r.Gateway)
	case given.nat != nil:
		n, err := a.nats.find(given.nat)
		if err == nil && n.VPC != t.VPC {
			err = fault.Invalid("route table %s and NAT gateway %s belong to different networks", t.ID, n.ID)
		}
		return r, err
	case given.face != nil:
		if !slices.ContainsFunc(a.used(ctx), func(face Interface) bool { return face.ID == r.Interface }) {
			return r, fault.New("InvalidNetworkInterfaceID.NotFound", "The networkInterface ID '%s' does not exist", r.Interface)
		}
		return r, nil
	}
	return r, fault.Unsupported("A route to such a target")
}

func (a *API) checkGateway(t routeTable, id string) error {
	if id == localGateway {
		return nil
	}
	g, ok := a.gateways.rows.Get(id)
	if !ok {
		return fault.New("InvalidGatewayID.NotFound", "The gateway ID '%s' does not exist", id)
	}
	if g.VPC != t.VPC {
		return fault.Invalid("route table %s and network gateway %s belong to different networks", t.ID, id)
	}
	return nil
}

// isLocal tells whether a destination is a block of the table's VPC.
func (a *API) isLocal(t routeTable, destination string) bool {
	v, _ := a.vpcs.rows.Get(t.VPC)
	return slices.Contains(v.cidrs(), destination)
}

// CreateRoute adds a route to a table that has none to the same destination.
func (a *API) CreateRoute(ctx context.Context, in *ec2.CreateRouteInput, _ ...func(*ec2.Options)) (*ec2.CreateRouteOutput, error) {
	to, err := destination(in.DestinationCidrBlock, in.DestinationIpv6CidrBlock, in.DestinationPrefixListId)
	if err != nil {
		return nil, err
	}
	given := target{in.GatewayId, in.NatGatewayId, in.NetworkInterfaceId, []*string{
		in.CarrierGatewayId, in.CoreNetworkArn, in.EgressOnlyInternetGatewayId, in.InstanceId, in.LocalGatewayId,
		in.TransitGatewayId, in.VpcEndpointId, in.VpcPeeringConnectionId,
	}}
	return &ec2.CreateRouteOutput{Return: aws.Bool(true)}, a.write(ctx, in.DryRun, func(ctx context.Context, tx *state.Tx) error {
		t, err := a.tables.find(in.RouteTableId)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(a.routesOf(t), func(r route) bool { return r.Destination == to }) {
			return fault.New("RouteAlreadyExists", "The route identified by %s already exists.", to)
		}
		r, err := a.to(ctx, t, to, given)
		if err != nil {
			return err
		}
		t.Routes = append(slices.Clone(t.Routes), r)
		a.tables.put(tx, t)
		return nil
	})
}

// ReplaceRoute gives a route of a table another target.
func (a *API) ReplaceRoute(ctx context.Context, in *ec2.ReplaceRouteInput, _ ...func(*ec2.Options)) (*ec2.ReplaceRouteOutput, error) {
	to, err := destination(in.DestinationCidrBlock, in.DestinationIpv6CidrBlock, in.DestinationPrefixListId)
	if err != nil {
		return nil, err
	}
	given := target{in.GatewayId, in.NatGatewayId, in.NetworkInterfaceId, []*string{
		in.CarrierGatewayId, in.CoreNetworkArn, in.EgressOnlyInternetGatewayId, in.InstanceId, in.LocalGatewayId,
		in.TransitGatewayId, in.VpcEndpointId, in.VpcPeeringConnectionId,
	}}
	if aws.ToBool(in.LocalTarget) {
		given.gateway = aws.String(localGateway)
	}
	return &ec2.ReplaceRouteOutput{}, a.write(ctx, in.DryRun, func(ctx context.Context, tx *state.Tx) error {
		t, at, err := a.findRoute(in.RouteTableId, to)
		if err != nil {
			return err
		}
		r, err := a.to(ctx, t, to, given)
		if err != nil {
			return err
		}
		if at < 0 {
			if r.Gateway == localGateway {
				return nil // as it is
			}
			return fault.Unsupported("Another target for the route to the VPC itself")
		}
		t.Routes = slices.Clone(t.Routes)
		t.Routes[at] = r
		a.tables.put(tx, t)
		return nil
	})
}

// findRoute finds the table and the place in it of a route, which is -1 for the routes
// to the table's VPC.
func (a *API) findRoute(table *string, to string) (routeTable, int, error) {
	t, err := a.tables.find(table)
	if err != nil {
		return t, -1, err
	}
	at := slices.IndexFunc(t.Routes, func(r route) bool { return r.Destination == to })
	if at < 0 && !a.isLocal(t, to) {
		kind := "cidr-block"
		if isPrefixList(to) {
			kind = "prefix-list-id"
		}
		return t, at, fault.New("InvalidRoute.NotFound", "no route with destination-%s %s in route table %s", kind, to, t.ID)
	}
	return t, at, nil
}

// DeleteRoute deletes a route of a table.
func (a *API) DeleteRoute(ctx context.Context, in *ec2.DeleteRouteInput, _ ...func(*ec2.Options)) (*ec2.DeleteRouteOutput, error) {
	to, err := destination(in.DestinationCidrBlock, in.DestinationIpv6CidrBlock, in.DestinationPrefixListId)
	if err != nil {
		return nil, err
	}
	return &ec2.DeleteRouteOutput{}, a.write(ctx, in.DryRun, func(_ context.Context, tx *state.Tx) error {
		t, at, err := a.findRoute(in.RouteTableId, to)
		if err != nil {
			return err
		}
		if at < 0 {
			return fault.Invalid("cannot remove local route %s in route table %s", to, t.ID)
		}
		t.Routes = slices.Delete(slices.Clone(t.Routes), at, at+1)
		a.tables.put(tx, t)
		return nil
	})
}
