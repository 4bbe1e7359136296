package express

import (
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

func subnet(id, vpc, zone string) types.Subnet {
	return types.Subnet{SubnetId: &id, VpcId: &vpc, AvailabilityZone: &zone}
}

// table is a route table: the main one of a VPC without a subnet.
func table(vpc, subnet, gateway string) types.RouteTable {
	a := types.RouteTableAssociation{Main: aws.Bool(subnet == "")}
	if subnet != "" {
		a.SubnetId = &subnet
	}
	return types.RouteTable{VpcId: &vpc, Associations: []types.RouteTableAssociation{a}, Routes: []types.Route{{GatewayId: &gateway}}}
}

func TestAServiceIsPublicWhereItsSubnetsLeadOut(t *testing.T) {
	tables := []types.RouteTable{table("v", "", "igw-1"), table("v", "inner-a", "local"), table("v", "inner-b", "local"), table("w", "", "local")}
	for name, c := range map[string]struct {
		subnets []types.Subnet
		public  bool
		fails   bool
	}{
		"by the main table":    {[]types.Subnet{subnet("a", "v", "1"), subnet("b", "v", "2")}, true, false},
		"not by their own":     {[]types.Subnet{subnet("inner-a", "v", "1"), subnet("inner-b", "v", "2")}, false, false},
		"not in another VPC":   {[]types.Subnet{subnet("a", "w", "1"), subnet("b", "w", "2")}, false, false},
		"some do, some do not": {[]types.Subnet{subnet("a", "v", "1"), subnet("inner-b", "v", "2")}, false, true},
		"in two VPCs":          {[]types.Subnet{subnet("a", "v", "1"), subnet("b", "w", "2")}, false, true},
		"in one zone":          {[]types.Subnet{subnet("a", "v", "1"), subnet("b", "v", "1")}, false, true},
		"in none":              {nil, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := placeIn(c.subnets, tables)
			if (err != nil) != c.fails || err == nil && p.Public != c.public {
				t.Errorf("%+v, %v", p, err)
			}
		})
	}
}

func TestALoadBalancerIsInOneSubnetOfEachZone(t *testing.T) {
	p, err := placeIn([]types.Subnet{subnet("a", "v", "1"), subnet("b", "v", "1"), subnet("c", "v", "2")}, nil)
	if err != nil || !slices.Equal(p.Spread, []string{"a", "c"}) || len(p.Subnets) != 3 {
		t.Errorf("%+v, %v", p, err)
	}
}
