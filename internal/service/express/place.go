package express

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/service/ecs/fault"
	"flyball/internal/service/express/plan"
)

// place is where a service runs that asks for some subnets, or for none: then it runs in
// those of the default VPC.
func (m *maker) place(ctx context.Context, network *types.ExpressGatewayServiceNetworkConfiguration) (plan.Place, error) {
	in := &ec2.DescribeSubnetsInput{Filters: []ec2types.Filter{{Name: aws.String("default-for-az"), Values: []string{"true"}}}}
	if network != nil && len(network.Subnets) > 0 {
		in = &ec2.DescribeSubnetsInput{SubnetIds: network.Subnets}
	}
	out, err := ask(ctx, m, ec2Name, "DescribeSubnets", m.network.DescribeSubnets, in)
	if err != nil {
		return plan.Place{}, err
	}
	tables, err := ask(ctx, m, ec2Name, "DescribeRouteTables", m.network.DescribeRouteTables, &ec2.DescribeRouteTablesInput{})
	if err != nil {
		return plan.Place{}, err
	}
	return placeIn(out.Subnets, tables.RouteTables)
}

// placeIn is the place of some subnets. They have to be in one VPC and in two zones, and
// to be alike: either all lead to the internet or none does.
func placeIn(subnets []ec2types.Subnet, tables []ec2types.RouteTable) (p plan.Place, err error) {
	for i, s := range subnets {
		zone, public := aws.ToString(s.AvailabilityZone), leadsOut(s, tables)
		switch {
		case i == 0:
			p.VPC, p.Public = aws.ToString(s.VpcId), public
		case p.VPC != aws.ToString(s.VpcId):
			return p, fault.InvalidParameter("All subnets must belong to the same VPC: '%s'", p.VPC)
		case p.Public != public:
			return p, fault.InvalidParameter("The subnets must either all be public or all be private.")
		}
		p.Subnets = append(p.Subnets, aws.ToString(s.SubnetId))
		if !slices.Contains(p.Zones, zone) {
			p.Zones, p.Spread = append(p.Zones, zone), append(p.Spread, aws.ToString(s.SubnetId))
		}
	}
	if len(p.Zones) < 2 {
		return p, fault.InvalidParameter("An Express service needs subnets in at least two Availability Zones, but there are %d.", len(p.Zones))
	}
	return p, nil
}

// leadsOut tells whether a subnet has a route to an internet gateway. One without a
// route table of its own has the main one of its VPC.
func leadsOut(s ec2types.Subnet, tables []ec2types.RouteTable) bool {
	var main, own *ec2types.RouteTable
	for i, t := range tables {
		for _, a := range t.Associations {
			switch {
			case aws.ToString(a.SubnetId) == *s.SubnetId:
				own = &tables[i]
			case aws.ToBool(a.Main) && aws.ToString(t.VpcId) == aws.ToString(s.VpcId):
				main = &tables[i]
			}
		}
	}
	if own == nil {
		own = main
	}
	return own != nil && slices.ContainsFunc(own.Routes, func(r ec2types.Route) bool {
		return strings.HasPrefix(aws.ToString(r.GatewayId), "igw-")
	})
}
