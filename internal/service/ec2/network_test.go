package ec2_test

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"flyball/internal/service/ec2"
)

func TestAVPCGoesWithWhatItCameWith(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	before := everything(w)
	v := w.vpc("10.0.0.0/16")
	must(w.DeleteVpc(ctx, &sdk.DeleteVpcInput{VpcId: &v}))(t)
	if !reflect.DeepEqual(before, everything(w)) {
		t.Error("something is left")
	}
}

func TestAttributesOfAVPC(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	v := w.vpc("10.0.0.0/16")
	is := func(name types.VpcAttributeName) *sdk.DescribeVpcAttributeOutput {
		return must(w.DescribeVpcAttribute(ctx, &sdk.DescribeVpcAttributeInput{VpcId: &v, Attribute: name}))(t)
	}
	if !*is("enableDnsSupport").EnableDnsSupport.Value || *is("enableDnsHostnames").EnableDnsHostnames.Value || *is("enableNetworkAddressUsageMetrics").EnableNetworkAddressUsageMetrics.Value {
		t.Error("a new VPC has DNS, and neither host names nor metrics")
	}
	must(w.ModifyVpcAttribute(ctx, &sdk.ModifyVpcAttributeInput{VpcId: &v, EnableDnsHostnames: &types.AttributeBooleanValue{Value: aws.Bool(true)}}))(t)
	if !*is("enableDnsHostnames").EnableDnsHostnames.Value || !*is("enableDnsSupport").EnableDnsSupport.Value {
		t.Error("host names were not switched on alone")
	}
}

func TestAVPCHasFiveBlocks(t *testing.T) {
	w := newWorld(t)
	v := w.vpc("10.10.42.0/24")
	for i := 43; i <= 47; i++ {
		_, err := w.AssociateVpcCidrBlock(t.Context(), &sdk.AssociateVpcCidrBlockInput{VpcId: &v, CidrBlock: aws.String(fmt.Sprintf("10.10.%d.0/24", i))})
		if last := i == 47; last != (err != nil) || last && code(err) != "CidrLimitExceeded" {
			t.Errorf("10.10.%d.0/24: %v", i, err)
		}
	}
}

func TestAnotherBlockOfAVPC(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	v := w.vpc("10.0.0.0/16")
	added := must(w.AssociateVpcCidrBlock(ctx, &sdk.AssociateVpcCidrBlockInput{VpcId: &v, CidrBlock: aws.String("10.1.0.0/16")}))(t).CidrBlockAssociation
	s := w.subnet(v, "10.1.0.0/24")
	if routes := w.mainTable(v).Routes; len(routes) != 2 || *routes[1].DestinationCidrBlock != "10.1.0.0/16" || *routes[1].GatewayId != "local" {
		t.Errorf("its routes are %+v", routes)
	}
	leave := func() error {
		return failed(w.DisassociateVpcCidrBlock(ctx, &sdk.DisassociateVpcCidrBlockInput{AssociationId: added.AssociationId}))
	}
	if err := leave(); code(err) != "InvalidCidrBlock.InUse" {
		t.Errorf("with a subnet in it: %v", err)
	}
	must(w.DeleteSubnet(ctx, &sdk.DeleteSubnetInput{SubnetId: &s}))(t)
	if err := leave(); err != nil || len(w.vpcIDs(by("cidr-block-association.cidr-block", "10.1.0.0/16"))) != 0 {
		t.Errorf("without: %v", err)
	}
}

func TestAttributesOfASubnet(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	s := w.subnet(w.vpc("10.0.0.0/16"), "10.0.0.0/24")
	yes := &types.AttributeBooleanValue{Value: aws.Bool(true)}
	for _, in := range []*sdk.ModifySubnetAttributeInput{
		{MapPublicIpOnLaunch: yes}, {EnableDns64: yes}, {EnableResourceNameDnsARecordOnLaunch: yes}, {EnableResourceNameDnsAAAARecordOnLaunch: yes},
		{PrivateDnsHostnameTypeOnLaunch: types.HostnameTypeResourceName}, {AssignIpv6AddressOnCreation: &types.AttributeBooleanValue{Value: aws.Bool(false)}},
	} {
		in.SubnetId = &s
		must(w.ModifySubnetAttribute(ctx, in))(t)
	}
	got := must(w.DescribeSubnets(ctx, &sdk.DescribeSubnetsInput{SubnetIds: []string{s}}))(t).Subnets[0]
	if o := got.PrivateDnsNameOptionsOnLaunch; !*got.MapPublicIpOnLaunch || !*got.EnableDns64 || !*o.EnableResourceNameDnsARecord || !*o.EnableResourceNameDnsAAAARecord || o.HostnameType != types.HostnameTypeResourceName {
		t.Errorf("got %+v", got)
	}
}

func TestTheMainRouteTableCanBeAnother(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	v := w.vpc("10.0.0.0/16")
	before, other := w.mainTable(v), w.table(v)
	out := must(w.ReplaceRouteTableAssociation(ctx, &sdk.ReplaceRouteTableAssociationInput{
		AssociationId: before.Associations[0].RouteTableAssociationId, RouteTableId: &other,
	}))(t)
	after := w.mainTable(v)
	if *after.RouteTableId != other || *after.Associations[0].RouteTableAssociationId != *out.NewAssociationId {
		t.Errorf("the main table is %+v", after)
	}
	again := must(w.ReplaceRouteTableAssociation(ctx, &sdk.ReplaceRouteTableAssociationInput{AssociationId: out.NewAssociationId, RouteTableId: &other}))(t)
	if *again.NewAssociationId != *out.NewAssociationId {
		t.Error("a table in its own place has another association")
	}
	must(w.DeleteRouteTable(ctx, &sdk.DeleteRouteTableInput{RouteTableId: before.RouteTableId}))(t)
}

func TestARouteToNothingIsABlackhole(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	v := w.vpc("10.0.0.0/16")
	g, main := w.gateway(v), w.mainTable(v).RouteTableId
	nat := w.nat(w.subnet(v, "10.0.0.0/24"), w.address())
	must(w.CreateRoute(ctx, &sdk.CreateRouteInput{RouteTableId: main, DestinationCidrBlock: aws.String("0.0.0.0/0"), GatewayId: &g}))(t)
	must(w.CreateRoute(ctx, &sdk.CreateRouteInput{RouteTableId: main, DestinationCidrBlock: aws.String("192.168.0.0/16"), NatGatewayId: &nat}))(t)
	states := func() (all []types.RouteState) {
		for _, r := range w.mainTable(v).Routes[1:] {
			all = append(all, r.State)
		}
		return all
	}
	if got := states(); !slices.Equal(got, []types.RouteState{"active", "active"}) {
		t.Errorf("at first %v", got)
	}
	must(w.DeleteNatGateway(ctx, &sdk.DeleteNatGatewayInput{NatGatewayId: &nat}))(t)
	must(w.DetachInternetGateway(ctx, &sdk.DetachInternetGatewayInput{InternetGatewayId: &g, VpcId: &v}))(t)
	if got := states(); !slices.Equal(got, []types.RouteState{"blackhole", "blackhole"}) {
		t.Errorf("then %v", got)
	}
	must(w.AttachInternetGateway(ctx, &sdk.AttachInternetGatewayInput{InternetGatewayId: &g, VpcId: &v}))(t)
	must(w.ReplaceRoute(ctx, &sdk.ReplaceRouteInput{RouteTableId: main, DestinationCidrBlock: aws.String("192.168.0.0/16"), GatewayId: &g}))(t)
	if got := states(); !slices.Equal(got, []types.RouteState{"active", "active"}) {
		t.Errorf("at last %v", got)
	}
}

func TestEachSubnetHasOneNetworkACL(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	v := w.vpc("10.0.0.0/16")
	s := w.subnet(v, "10.0.0.0/24")
	of := func() types.NetworkAcl {
		out := must(w.DescribeNetworkAcls(ctx, &sdk.DescribeNetworkAclsInput{Filters: []types.Filter{by("association.subnet-id", s)}}))(t)
		if len(out.NetworkAcls) != 1 {
			t.Fatalf("it has %d", len(out.NetworkAcls))
		}
		return out.NetworkAcls[0]
	}
	first := of()
	other := must(w.CreateNetworkAcl(ctx, &sdk.CreateNetworkAclInput{VpcId: &v}))(t).NetworkAcl.NetworkAclId
	must(w.CreateNetworkAclEntry(ctx, &sdk.CreateNetworkAclEntryInput{
		NetworkAclId: other, RuleNumber: aws.Int32(7), Egress: aws.Bool(false), RuleAction: "allow", Protocol: aws.String("tcp"),
		CidrBlock: aws.String("10.0.0.0/8"), PortRange: &types.PortRange{From: aws.Int32(80), To: aws.Int32(80)},
	}))(t)
	must(w.ReplaceNetworkAclAssociation(ctx, &sdk.ReplaceNetworkAclAssociationInput{AssociationId: first.Associations[0].NetworkAclAssociationId, NetworkAclId: other}))(t)
	if got := of(); *got.NetworkAclId != *other || *got.Entries[1].Protocol != "6" || *got.Entries[1].PortRange.To != 80 {
		t.Errorf("it is %+v", got)
	}
	if err := failed(w.DeleteNetworkAcl(ctx, &sdk.DeleteNetworkAclInput{NetworkAclId: other})); code(err) != "DependencyViolation" {
		t.Errorf("one in use is deleted: %v", err)
	}
	must(w.DeleteSubnet(ctx, &sdk.DeleteSubnetInput{SubnetId: &s}))(t)
	must(w.DeleteNetworkAclEntry(ctx, &sdk.DeleteNetworkAclEntryInput{NetworkAclId: other, RuleNumber: aws.Int32(7), Egress: aws.Bool(false)}))(t)
	must(w.DeleteNetworkAcl(ctx, &sdk.DeleteNetworkAclInput{NetworkAclId: other}))(t)
	if err := failed(w.DeleteNetworkAcl(ctx, &sdk.DeleteNetworkAclInput{NetworkAclId: first.NetworkAclId})); code(err) != "InvalidParameterValue" {
		t.Errorf("the default one is deleted: %v", err)
	}
}

func TestInterfacesTakeAddresses(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	v := w.vpc("10.0.0.0/16")
	s, g := w.subnet(v, "10.0.0.0/28"), w.group(v, "web")
	w.interfaces = []ec2.Interface{{
		ID: "eni-1", Subnet: s, Address: "10.0.0.4", Groups: []string{g}, Requester: "ecs.amazonaws.com", Type: "interface", Created: time.Unix(1, 0),
	}}
	nat := w.nat(s, w.address())
	if got := must(w.DescribeSubnets(ctx, &sdk.DescribeSubnetsInput{SubnetIds: []string{s}}))(t).Subnets[0]; *got.AvailableIpAddressCount != 9 {
		t.Errorf("%d of 11 addresses are left", *got.AvailableIpAddressCount)
	}
	if got := must(w.DescribeNatGateways(ctx, &sdk.DescribeNatGatewaysInput{NatGatewayIds: []string{nat}}))(t).NatGateways[0].NatGatewayAddresses[0]; *got.PrivateIp != "10.0.0.5" {
		t.Errorf("the NAT gateway has %s", *got.PrivateIp)
	}
	found := must(w.DescribeNetworkInterfaces(ctx, &sdk.DescribeNetworkInterfacesInput{Filters: []types.Filter{by("group-id", g), by("vpc-id", v)}}))(t).NetworkInterfaces
	if len(found) != 1 || *found[0].PrivateIpAddress != "10.0.0.4" || *found[0].Groups[0].GroupName != "web" || *found[0].PrivateDnsName != "ip-10-0-0-4.eu-west-2.compute.internal" {
		t.Errorf("found are %+v", found)
	}
}

func TestAnAddressBelongsToOneInterface(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	w.interfaces = []ec2.Interface{{ID: "eni-1", Address: "10.0.0.4"}, {ID: "eni-2", Address: "10.0.0.5"}}
	e := w.address()
	associate := func(to string, again bool) error {
		return failed(w.AssociateAddress(ctx, &sdk.AssociateAddressInput{AllocationId: &e, NetworkInterfaceId: &to, AllowReassociation: &again}))
	}
	for _, tt := range []struct {
		to    string
		again bool
		code  string
	}{{"eni-1", false, ""}, {"eni-2", false, "Resource.AlreadyAssociated"}, {"eni-2", true, ""}, {"eni-3", true, "InvalidNetworkInterfaceID.NotFound"}} {
		if err := associate(tt.to, tt.again); code(err) != tt.code {
			t.Errorf("to %s: %v", tt.to, err)
		}
	}
	got := must(w.DescribeAddresses(ctx, &sdk.DescribeAddressesInput{Filters: []types.Filter{by("private-ip-address", "10.0.0.5")}}))(t).Addresses[0]
	must(w.DisassociateAddress(ctx, &sdk.DisassociateAddressInput{AssociationId: got.AssociationId}))(t)
	must(w.ReleaseAddress(ctx, &sdk.ReleaseAddressInput{AllocationId: &e}))(t)
}

func TestListingsComeInPages(t *testing.T) {
	w := newWorld(t)
	for _, block := range []string{"10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16"} {
		w.vpc(block)
	}
	var got []string
	pages := sdk.NewDescribeVpcsPaginator(w, &sdk.DescribeVpcsInput{MaxResults: aws.Int32(3)})
	for pages.HasMorePages() {
		out := must(pages.NextPage(t.Context()))(t)
		for _, v := range out.Vpcs {
			got = append(got, *v.VpcId)
		}
	}
	if want := w.vpcIDs(); !slices.Equal(got, want) || len(got) != 4 {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestTagsAreListed(t *testing.T) {
	w, vpc, subnet, _ := fullRegion(t)
	for name, tt := range map[string]struct {
		filters []types.Filter
		want    int
	}{
		"all":                 {nil, 6},
		"of a type":           {[]types.Filter{by("resource-type", "subnet")}, 1},
		"by a tag":            {[]types.Filter{by("tag:team", "s*"), by("resource-id", vpc, subnet)}, 2},
		"by key and value":    {[]types.Filter{by("key", "team"), by("value", "bank")}, 0},
		"of what has none":    {[]types.Filter{by("resource-type", "network-acl")}, 0},
		"by a tag's value of": {[]types.Filter{by("tag:team", "bank")}, 0},
	} {
		out := must(w.DescribeTags(t.Context(), &sdk.DescribeTagsInput{Filters: tt.filters}))(t)
		if len(out.Tags) != tt.want {
			t.Errorf("%s: got %d", name, len(out.Tags))
		}
	}
	arn, tags, ok := w.Resource(t.Context(), "subnet/"+subnet)
	if !ok || arn != "arn:aws:ec2:eu-west-2:123456789012:subnet/"+subnet || tags["team"] != "shop" {
		t.Errorf("policies see %s %v, %t", arn, tags, ok)
	}
	must(w.DeleteTags(t.Context(), &sdk.DeleteTagsInput{Resources: []string{vpc, subnet}}))(t)
	if out := must(w.DescribeTags(t.Context(), &sdk.DescribeTagsInput{}))(t); len(out.Tags) != 4 {
		t.Errorf("%d are left", len(out.Tags))
	}
}

func TestZonesAndRegions(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	out := must(w.DescribeAvailabilityZones(ctx, &sdk.DescribeAvailabilityZonesInput{Filters: []types.Filter{by("zone-id", "euw2-az2"), by("state", "available")}}))(t)
	if len(out.AvailabilityZones) != 1 || *out.AvailabilityZones[0].ZoneName != "eu-west-2b" {
		t.Errorf("zones are %+v", out.AvailabilityZones)
	}
	usual := must(w.DescribeRegions(ctx, &sdk.DescribeRegionsInput{}))(t)
	all := must(w.DescribeRegions(ctx, &sdk.DescribeRegionsInput{AllRegions: aws.Bool(true)}))(t)
	if len(usual.Regions) != 17 || len(all.Regions) <= 17 {
		t.Errorf("there are %d regions, and %d with those to opt in to", len(usual.Regions), len(all.Regions))
	}
}
