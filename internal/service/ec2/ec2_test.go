package ec2_test

import (
	"reflect"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"flyball/internal/service/ec2"
)

// everything is all that EC2 tells.
func everything(w *world) []any {
	ctx, t := w.t.Context(), w.t
	return []any{
		must(w.DescribeVpcs(ctx, &sdk.DescribeVpcsInput{}))(t),
		must(w.DescribeSubnets(ctx, &sdk.DescribeSubnetsInput{}))(t),
		must(w.DescribeSecurityGroups(ctx, &sdk.DescribeSecurityGroupsInput{}))(t),
		must(w.DescribeSecurityGroupRules(ctx, &sdk.DescribeSecurityGroupRulesInput{}))(t),
		must(w.DescribeInternetGateways(ctx, &sdk.DescribeInternetGatewaysInput{}))(t),
		must(w.DescribeRouteTables(ctx, &sdk.DescribeRouteTablesInput{}))(t),
		must(w.DescribeNetworkAcls(ctx, &sdk.DescribeNetworkAclsInput{}))(t),
		must(w.DescribeNetworkInterfaces(ctx, &sdk.DescribeNetworkInterfacesInput{}))(t),
		must(w.DescribeAddresses(ctx, &sdk.DescribeAddressesInput{}))(t),
		must(w.DescribeNatGateways(ctx, &sdk.DescribeNatGatewaysInput{}))(t),
		must(w.DescribeTags(ctx, &sdk.DescribeTagsInput{}))(t),
		must(w.DescribeAccountAttributes(ctx, &sdk.DescribeAccountAttributesInput{}))(t),
	}
}

// A full region has one of everything.
func fullRegion(t *testing.T) (w *world, vpc, subnet, group string) {
	w = newWorld(t)
	vpc = w.vpc("10.0.0.0/16")
	subnet, group = w.subnet(vpc, "10.0.1.0/24"), w.group(vpc, "web")
	table, gateway, nat := w.table(vpc), w.gateway(vpc), w.nat(subnet, w.address())
	must(w.CreateRoute(t.Context(), &sdk.CreateRouteInput{RouteTableId: &table, DestinationCidrBlock: aws.String("0.0.0.0/0"), GatewayId: &gateway}))(t)
	must(w.CreateRoute(t.Context(), &sdk.CreateRouteInput{RouteTableId: &table, DestinationIpv6CidrBlock: aws.String("::/0"), NatGatewayId: &nat}))(t)
	must(w.AssociateRouteTable(t.Context(), &sdk.AssociateRouteTableInput{RouteTableId: &table, SubnetId: &subnet}))(t)
	must(w.AuthorizeSecurityGroupIngress(t.Context(), &sdk.AuthorizeSecurityGroupIngressInput{
		GroupId: &group, IpPermissions: []types.IpPermission{port(80, "0.0.0.0/0"), fromGroup(group)},
	}))(t)
	must(w.CreateTags(t.Context(), &sdk.CreateTagsInput{
		Resources: []string{vpc, subnet, group, table, gateway, nat}, Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("shop")}},
	}))(t)
	return w, vpc, subnet, group
}

// Source: Amazon EC2 API Reference, "DescribeSubnets".
func TestFiltersOfSubnetsHaveOtherNames(t *testing.T) {
	w, vpc, subnet, _ := fullRegion(t)
	s := must(w.DescribeSubnets(t.Context(), &sdk.DescribeSubnetsInput{SubnetIds: []string{subnet}}))(t).Subnets[0]
	for name, value := range map[string]string{
		"availabilityZone": *s.AvailabilityZone, "availabilityZoneId": *s.AvailabilityZoneId, "cidr": *s.CidrBlock, "cidrBlock": *s.CidrBlock, "defaultForAz": "false",
	} {
		found := must(w.DescribeSubnets(t.Context(), &sdk.DescribeSubnetsInput{Filters: []types.Filter{by("vpc-id", vpc), by(name, value)}}))(t).Subnets
		if len(found) != 1 || *found[0].SubnetId != subnet {
			t.Errorf("%s=%s finds %d", name, value, len(found))
		}
	}
}

// Source: Amazon VPC User Guide, "Default VPC components".
func TestARegionHasADefaultVPC(t *testing.T) {
	w := newWorld(t)
	ids := w.vpcIDs(by("is-default", "true"))
	if len(ids) != 1 {
		t.Fatalf("there are %v", ids)
	}
	subnets := must(w.DescribeSubnets(t.Context(), &sdk.DescribeSubnetsInput{Filters: []types.Filter{by("vpc-id", ids[0]), by("default-for-az", "true")}}))(t)
	var blocks []string
	for _, s := range subnets.Subnets {
		blocks = append(blocks, *s.AvailabilityZone+" "+*s.CidrBlock)
		if !*s.MapPublicIpOnLaunch || *s.AvailableIpAddressCount != 4091 {
			t.Errorf("%s gives public addresses: %t; it has %d", *s.CidrBlock, *s.MapPublicIpOnLaunch, *s.AvailableIpAddressCount)
		}
	}
	if slices.Sort(blocks); !slices.Equal(blocks, []string{"eu-west-2a 172.31.0.0/20", "eu-west-2b 172.31.16.0/20", "eu-west-2c 172.31.32.0/20"}) {
		t.Errorf("its subnets are %v", blocks)
	}
	if routes := w.mainTable(ids[0]).Routes; len(routes) != 2 || *routes[0].GatewayId != "local" || *routes[1].DestinationCidrBlock != "0.0.0.0/0" || routes[1].State != types.RouteStateActive {
		t.Errorf("its routes are %+v", routes)
	}
	groups := must(w.DescribeSecurityGroups(t.Context(), &sdk.DescribeSecurityGroupsInput{GroupNames: []string{"default"}}))(t)
	if g := groups.SecurityGroups[0]; *g.VpcId != ids[0] || *g.IpPermissions[0].UserIdGroupPairs[0].GroupId != *g.GroupId || *g.IpPermissionsEgress[0].IpRanges[0].CidrIp != "0.0.0.0/0" {
		t.Errorf("its security group is %+v", g)
	}
	acls := must(w.DescribeNetworkAcls(t.Context(), &sdk.DescribeNetworkAclsInput{Filters: []types.Filter{by("default", "true")}}))(t)
	if n := acls.NetworkAcls[0]; len(n.Associations) != 3 || len(n.Entries) != 4 || *n.Entries[1].RuleNumber != 32767 || n.Entries[1].RuleAction != types.RuleActionDeny {
		t.Errorf("its network ACL is %+v", n)
	}
}

func TestTheDefaultVPCIsTheSameOnEveryServer(t *testing.T) {
	if a, b := everything(newWorld(t)), everything(newWorld(t)); !reflect.DeepEqual(a, b) {
		t.Errorf("%+v\n%+v", a, b)
	}
}

func TestADefaultVPCThatWasDeletedComesBackWhenAskedFor(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	id := w.vpcIDs()[0]
	for _, s := range must(w.DescribeSubnets(ctx, &sdk.DescribeSubnetsInput{}))(t).Subnets {
		must(w.DeleteSubnet(ctx, &sdk.DeleteSubnetInput{SubnetId: s.SubnetId}))(t)
	}
	g := must(w.DescribeInternetGateways(ctx, &sdk.DescribeInternetGatewaysInput{}))(t).InternetGateways[0].InternetGatewayId
	must(w.DetachInternetGateway(ctx, &sdk.DetachInternetGatewayInput{InternetGatewayId: g, VpcId: &id}))(t)
	must(w.DeleteVpc(ctx, &sdk.DeleteVpcInput{VpcId: &id}))(t)
	if w.open(); len(w.vpcIDs()) != 0 {
		t.Error("it came back with a restart")
	}
	if _, err := w.CreateSecurityGroup(ctx, &sdk.CreateSecurityGroupInput{GroupName: aws.String("web"), Description: aws.String("d")}); code(err) != "VPCIdNotSpecified" {
		t.Errorf("a group without a VPC: %v", err)
	}
	v := must(w.CreateDefaultVpc(ctx, &sdk.CreateDefaultVpcInput{}))(t).Vpc
	if *v.VpcId == id || !*v.IsDefault {
		t.Errorf("it is %+v", v)
	}
	if _, err := w.CreateDefaultVpc(ctx, &sdk.CreateDefaultVpcInput{}); code(err) != "DefaultVpcAlreadyExists" {
		t.Errorf("another one: %v", err)
	}
}

func TestEverythingIsThereAfterARestart(t *testing.T) {
	w, _, _, _ := fullRegion(t)
	before := everything(w)
	if w.open(); !reflect.DeepEqual(before, everything(w)) {
		t.Errorf("before %+v\nafter %+v", before, everything(w))
	}
}

func TestADryRunChangesNothing(t *testing.T) {
	w, vpc, subnet, group := fullRegion(t)
	before, dry, ctx := everything(w), aws.Bool(true), t.Context()
	for name, err := range map[string]error{
		"CreateVpc":           failed(w.CreateVpc(ctx, &sdk.CreateVpcInput{CidrBlock: aws.String("10.9.0.0/16"), DryRun: dry})),
		"CreateSubnet":        failed(w.CreateSubnet(ctx, &sdk.CreateSubnetInput{VpcId: &vpc, CidrBlock: aws.String("10.0.9.0/24"), DryRun: dry})),
		"CreateSecurityGroup": failed(w.CreateSecurityGroup(ctx, &sdk.CreateSecurityGroupInput{GroupName: aws.String("x"), Description: aws.String("x"), DryRun: dry})),
		"AuthorizeSecurityGroupEgress": failed(w.AuthorizeSecurityGroupEgress(ctx, &sdk.AuthorizeSecurityGroupEgressInput{
			GroupId: &group, IpPermissions: []types.IpPermission{port(1, "10.0.0.0/8")}, DryRun: dry,
		})),
		"CreateTags":      failed(w.CreateTags(ctx, &sdk.CreateTagsInput{Resources: []string{subnet}, Tags: []types.Tag{{Key: aws.String("a")}}, DryRun: dry})),
		"AllocateAddress": failed(w.AllocateAddress(ctx, &sdk.AllocateAddressInput{DryRun: dry})),
		"DescribeVpcs":    failed(w.DescribeVpcs(ctx, &sdk.DescribeVpcsInput{DryRun: dry})),
		"DescribeRegions": failed(w.DescribeRegions(ctx, &sdk.DescribeRegionsInput{DryRun: dry})),
	} {
		if code(err) != "DryRunOperation" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := failed(w.DeleteSubnet(ctx, &sdk.DeleteSubnetInput{SubnetId: &subnet, DryRun: dry})); code(err) != "DependencyViolation" {
		t.Errorf("a dry run of what would fail: %v", err)
	}
	if !reflect.DeepEqual(before, everything(w)) {
		t.Error("something has changed")
	}
}

func TestWhatIsInUseCanNotBeDeleted(t *testing.T) {
	w, vpc, subnet, group := fullRegion(t)
	other, ctx := w.group(vpc, "db"), t.Context()
	must(w.AuthorizeSecurityGroupIngress(ctx, &sdk.AuthorizeSecurityGroupIngressInput{GroupId: &other, IpPermissions: []types.IpPermission{fromGroup(group)}}))(t)
	taskSubnet, taskGroup := w.subnet(vpc, "10.0.2.0/24"), w.group(vpc, "task")
	w.interfaces = []ec2.Interface{{ID: "eni-1", Subnet: taskSubnet, Groups: []string{taskGroup}, Address: "10.0.2.4"}}
	gateways := must(w.DescribeInternetGateways(ctx, &sdk.DescribeInternetGatewaysInput{Filters: []types.Filter{by("attachment.vpc-id", vpc)}}))(t)
	gateway := gateways.InternetGateways[0].InternetGatewayId
	address := must(w.DescribeAddresses(ctx, &sdk.DescribeAddressesInput{}))(t).Addresses[0].AllocationId
	table := w.mainTable(vpc)
	before := everything(w)
	for name, tt := range map[string]struct {
		err  error
		code string
	}{
		"a VPC with a subnet":                  {failed(w.DeleteVpc(ctx, &sdk.DeleteVpcInput{VpcId: &vpc})), "DependencyViolation"},
		"a subnet with a NAT gateway":          {failed(w.DeleteSubnet(ctx, &sdk.DeleteSubnetInput{SubnetId: &subnet})), "DependencyViolation"},
		"a subnet with a task":                 {failed(w.DeleteSubnet(ctx, &sdk.DeleteSubnetInput{SubnetId: &taskSubnet})), "DependencyViolation"},
		"a group that another names":           {failed(w.DeleteSecurityGroup(ctx, &sdk.DeleteSecurityGroupInput{GroupId: &group})), "DependencyViolation"},
		"a group of a task":                    {failed(w.DeleteSecurityGroup(ctx, &sdk.DeleteSecurityGroupInput{GroupId: &taskGroup})), "DependencyViolation"},
		"the default group":                    {failed(w.DeleteSecurityGroup(ctx, &sdk.DeleteSecurityGroupInput{GroupName: aws.String("default")})), "CannotDelete"},
		"a gateway of a VPC":                   {failed(w.DeleteInternetGateway(ctx, &sdk.DeleteInternetGatewayInput{InternetGatewayId: gateway})), "DependencyViolation"},
		"the gateway of a public address":      {failed(w.DetachInternetGateway(ctx, &sdk.DetachInternetGatewayInput{InternetGatewayId: gateway, VpcId: &vpc})), "DependencyViolation"},
		"the main route table":                 {failed(w.DeleteRouteTable(ctx, &sdk.DeleteRouteTableInput{RouteTableId: table.RouteTableId})), "DependencyViolation"},
		"the association of a main table":      {failed(w.DisassociateRouteTable(ctx, &sdk.DisassociateRouteTableInput{AssociationId: table.Associations[0].RouteTableAssociationId})), "InvalidParameterValue"},
		"the route to the VPC":                 {failed(w.DeleteRoute(ctx, &sdk.DeleteRouteInput{RouteTableId: table.RouteTableId, DestinationCidrBlock: aws.String("10.0.0.0/16")})), "InvalidParameterValue"},
		"the address of a NAT gateway":         {failed(w.ReleaseAddress(ctx, &sdk.ReleaseAddressInput{AllocationId: address})), "InvalidIPAddress.InUse"},
		"the first block of a VPC's addresses": {failed(w.DisassociateVpcCidrBlock(ctx, &sdk.DisassociateVpcCidrBlockInput{AssociationId: w.firstBlock(vpc)})), "OperationNotPermitted"},
	} {
		if code(tt.err) != tt.code {
			t.Errorf("%s: %v", name, tt.err)
		}
	}
	if !reflect.DeepEqual(before, everything(w)) {
		t.Error("something has changed")
	}
}

func (w *world) firstBlock(vpc string) *string {
	out := must(w.DescribeVpcs(w.t.Context(), &sdk.DescribeVpcsInput{VpcIds: []string{vpc}}))(w.t)
	return out.Vpcs[0].CidrBlockAssociationSet[0].AssociationId
}

func TestRefusedCalls(t *testing.T) {
	w, vpc, subnet, group := fullRegion(t)
	ctx, none := t.Context(), aws.String("no-such")
	other := w.vpc("10.5.0.0/16")
	otherGroup, otherTable, spare := w.group(other, "web"), w.table(other), *must(w.CreateInternetGateway(ctx, &sdk.CreateInternetGatewayInput{}))(t).InternetGateway.InternetGatewayId
	main := w.mainTable(vpc).RouteTableId
	route := func(to string, change func(*sdk.CreateRouteInput)) error {
		in := &sdk.CreateRouteInput{RouteTableId: main, DestinationCidrBlock: &to}
		change(in)
		return failed(w.CreateRoute(ctx, in))
	}
	authorize := func(group string, p types.IpPermission) error {
		return failed(w.AuthorizeSecurityGroupIngress(ctx, &sdk.AuthorizeSecurityGroupIngressInput{GroupId: &group, IpPermissions: []types.IpPermission{p}}))
	}
	before := everything(w)
	for name, tt := range map[string]struct {
		err  error
		code string
	}{
		"a VPC that is not there":            {failed(w.DescribeVpcs(ctx, &sdk.DescribeVpcsInput{VpcIds: []string{vpc, "vpc-1"}})), "InvalidVpcID.NotFound"},
		"a VPC too large":                    {failed(w.CreateVpc(ctx, &sdk.CreateVpcInput{CidrBlock: aws.String("10.0.0.0/8")})), "InvalidVpc.Range"},
		"a VPC without a block":              {failed(w.CreateVpc(ctx, &sdk.CreateVpcInput{})), "MissingParameter"},
		"tags of another type":               {failed(w.CreateVpc(ctx, &sdk.CreateVpcInput{CidrBlock: aws.String("10.0.0.0/16"), TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeSubnet}}})), "InvalidParameter"},
		"tags of no type":                    {failed(w.CreateVpc(ctx, &sdk.CreateVpcInput{CidrBlock: aws.String("10.0.0.0/16"), TagSpecifications: []types.TagSpecification{{}}})), "InvalidParameter"},
		"tags without any":                   {failed(w.CreateVpc(ctx, &sdk.CreateVpcInput{CidrBlock: aws.String("10.0.0.0/16"), TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeVpc}}})), "InvalidParameter"},
		"two attributes at once":             {failed(w.ModifyVpcAttribute(ctx, &sdk.ModifyVpcAttributeInput{VpcId: &vpc, EnableDnsSupport: &types.AttributeBooleanValue{Value: aws.Bool(true)}, EnableDnsHostnames: &types.AttributeBooleanValue{Value: aws.Bool(true)}})), "InvalidParameterCombination"},
		"a subnet outside its VPC":           {failed(w.CreateSubnet(ctx, &sdk.CreateSubnetInput{VpcId: &vpc, CidrBlock: aws.String("10.1.0.0/24")})), "InvalidSubnet.Range"},
		"a subnet over another":              {failed(w.CreateSubnet(ctx, &sdk.CreateSubnetInput{VpcId: &vpc, CidrBlock: aws.String("10.0.1.128/25")})), "InvalidSubnet.Conflict"},
		"a zone of another region":           {failed(w.CreateSubnet(ctx, &sdk.CreateSubnetInput{VpcId: &vpc, CidrBlock: aws.String("10.0.3.0/24"), AvailabilityZone: aws.String("us-east-1a")})), "InvalidParameterValue"},
		"a block that the VPC has":           {failed(w.AssociateVpcCidrBlock(ctx, &sdk.AssociateVpcCidrBlockInput{VpcId: &vpc, CidrBlock: aws.String("10.0.0.0/20")})), "CidrConflict"},
		"a group's name twice":               {failed(w.CreateSecurityGroup(ctx, &sdk.CreateSecurityGroupInput{VpcId: &vpc, GroupName: aws.String("web"), Description: aws.String("d")})), "InvalidGroup.Duplicate"},
		"a group called default":             {failed(w.CreateSecurityGroup(ctx, &sdk.CreateSecurityGroupInput{VpcId: &vpc, GroupName: aws.String("default"), Description: aws.String("d")})), "InvalidParameterValue"},
		"a group by a name that none has":    {failed(w.DeleteSecurityGroup(ctx, &sdk.DeleteSecurityGroupInput{GroupName: none})), "InvalidGroup.NotFound"},
		"a group by an id of another form":   {failed(w.DeleteSecurityGroup(ctx, &sdk.DeleteSecurityGroupInput{GroupId: none})), "InvalidGroupId.Malformed"},
		"a group by a name for its id":       {failed(w.DeleteSecurityGroup(ctx, &sdk.DeleteSecurityGroupInput{GroupId: aws.String("sg-malformed")})), "InvalidGroupId.Malformed"},
		"groups by an id of another form":    {failed(w.DescribeSecurityGroups(ctx, &sdk.DescribeSecurityGroupsInput{GroupIds: []string{"foobar"}})), "InvalidGroupId.Malformed"},
		"rules of a group of another form":   {failed(w.DescribeSecurityGroupRules(ctx, &sdk.DescribeSecurityGroupRulesInput{Filters: []types.Filter{by("group-id", "foobar")}})), "InvalidGroupId.Malformed"},
		"no association":                     {failed(w.DisassociateAddress(ctx, &sdk.DisassociateAddressInput{})), "MissingParameter"},
		"a rule twice":                       {authorize(group, port(80, "0.0.0.0/0")), "InvalidPermission.Duplicate"},
		"a rule twice, said otherwise":       {authorize(group, port(80, "1.2.3.4/0")), "InvalidPermission.Duplicate"},
		"a rule for a group elsewhere":       {authorize(group, fromGroup(otherGroup)), "InvalidGroup.NotFound"},
		"a rule without a protocol":          {authorize(group, types.IpPermission{}), "MissingParameter"},
		"a rule that is not there":           {failed(w.RevokeSecurityGroupIngress(ctx, &sdk.RevokeSecurityGroupIngressInput{GroupId: &group, IpPermissions: []types.IpPermission{port(81, "0.0.0.0/0")}})), "InvalidPermission.NotFound"},
		"a rule's id that is not there":      {failed(w.RevokeSecurityGroupIngress(ctx, &sdk.RevokeSecurityGroupIngressInput{GroupId: &group, SecurityGroupRuleIds: []string{"sgr-1"}})), "InvalidSecurityGroupRuleId.NotFound"},
		"a second gateway":                   {failed(w.AttachInternetGateway(ctx, &sdk.AttachInternetGatewayInput{InternetGatewayId: &spare, VpcId: &vpc})), "InvalidParameterValue"},
		"a gateway that is not attached":     {failed(w.DetachInternetGateway(ctx, &sdk.DetachInternetGatewayInput{InternetGatewayId: &spare, VpcId: &vpc})), "Gateway.NotAttached"},
		"a route twice":                      {route("10.0.0.0/16", func(in *sdk.CreateRouteInput) { in.GatewayId = &spare }), "RouteAlreadyExists"},
		"a route to nothing":                 {route("1.0.0.0/8", func(*sdk.CreateRouteInput) {}), "InvalidParameterCombination"},
		"a route to a gateway elsewhere":     {route("1.0.0.0/8", func(in *sdk.CreateRouteInput) { in.GatewayId = &spare }), "InvalidParameterValue"},
		"a route to a gateway of nobody":     {route("1.0.0.0/8", func(in *sdk.CreateRouteInput) { in.GatewayId = none }), "InvalidGatewayID.NotFound"},
		"a route to a NAT gateway of nobody": {route("1.0.0.0/8", func(in *sdk.CreateRouteInput) { in.NatGatewayId = aws.String("nat-0") }), "NatGatewayNotFound"},
		"a route to what is no NAT gateway":  {route("1.0.0.0/8", func(in *sdk.CreateRouteInput) { in.NatGatewayId = none }), "NatGatewayMalformed"},
		"an id that no VPC can have":         {failed(w.DeleteVpc(ctx, &sdk.DeleteVpcInput{VpcId: none})), "InvalidVpcID.NotFound"},
		"a subnet with letters behind f":     {failed(w.DeleteSubnet(ctx, &sdk.DeleteSubnetInput{SubnetId: aws.String("subnet-xyz")})), "InvalidSubnetID.NotFound"},
		"an id of another kind":              {failed(w.DeleteRouteTable(ctx, &sdk.DeleteRouteTableInput{RouteTableId: &subnet})), "InvalidRouteTableId.Malformed"},
		"a route to a transit gateway":       {route("1.0.0.0/8", func(in *sdk.CreateRouteInput) { in.TransitGatewayId = none }), "UnsupportedOperation"},
		"a route from no block":              {route("1.0.0.0", func(in *sdk.CreateRouteInput) { in.GatewayId = &spare }), "InvalidParameterValue"},
		"a route that is not there":          {failed(w.DeleteRoute(ctx, &sdk.DeleteRouteInput{RouteTableId: main, DestinationCidrBlock: aws.String("9.0.0.0/8")})), "InvalidRoute.NotFound"},
		"a second route table of a subnet":   {failed(w.AssociateRouteTable(ctx, &sdk.AssociateRouteTableInput{RouteTableId: main, SubnetId: &subnet})), "Resource.AlreadyAssociated"},
		"a route table elsewhere":            {failed(w.AssociateRouteTable(ctx, &sdk.AssociateRouteTableInput{RouteTableId: &otherTable, SubnetId: &subnet})), "InvalidParameterValue"},
		"an association that is not there":   {failed(w.DisassociateRouteTable(ctx, &sdk.DisassociateRouteTableInput{AssociationId: none})), "InvalidAssociationID.NotFound"},
		"tags of nothing":                    {failed(w.CreateTags(ctx, &sdk.CreateTagsInput{Resources: []string{"i-1"}})), "InvalidID"},
		"tags of one that is not there":      {failed(w.CreateTags(ctx, &sdk.CreateTagsInput{Resources: []string{vpc, "subnet-1"}, Tags: []types.Tag{{Key: aws.String("x")}}})), "InvalidSubnetID.NotFound"},
		"tags of AWS's":                      {failed(w.CreateTags(ctx, &sdk.CreateTagsInput{Resources: []string{vpc}, Tags: []types.Tag{{Key: aws.String("aws:x")}}})), "InvalidParameterValue"},
		"a filter that nobody knows":         {failed(w.DescribeSubnets(ctx, &sdk.DescribeSubnetsInput{Filters: []types.Filter{by("colour", "red")}})), "InvalidParameterValue"},
		"a token of nobody":                  {failed(w.DescribeSubnets(ctx, &sdk.DescribeSubnetsInput{NextToken: none})), "InvalidNextToken"},
		"a page of nothing":                  {failed(w.DescribeSubnets(ctx, &sdk.DescribeSubnetsInput{MaxResults: aws.Int32(0)})), "InvalidParameterValue"},
		"a NAT gateway without an address":   {failed(w.CreateNatGateway(ctx, &sdk.CreateNatGatewayInput{SubnetId: &subnet})), "MissingParameter"},
		"an interface that is not there":     {failed(w.DescribeNetworkInterfaces(ctx, &sdk.DescribeNetworkInterfacesInput{NetworkInterfaceIds: []string{"eni-1"}})), "InvalidNetworkInterfaceID.NotFound"},
		"a prefix list that is not there":    {failed(w.DescribePrefixLists(ctx, &sdk.DescribePrefixListsInput{PrefixListIds: []string{"pl-1"}})), "InvalidPrefixListId.NotFound"},
		"a region that AWS has not":          {failed(w.DescribeRegions(ctx, &sdk.DescribeRegionsInput{RegionNames: []string{"mars-north-1"}})), "InvalidParameterValue"},
		"a subnet of a zone that has one":    {failed(w.CreateDefaultSubnet(ctx, &sdk.CreateDefaultSubnetInput{AvailabilityZone: aws.String("eu-west-2a")})), "DefaultSubnetAlreadyExistsInAvailabilityZone"},
		"options that are not there":         {failed(w.DescribeDhcpOptions(ctx, &sdk.DescribeDhcpOptionsInput{DhcpOptionsIds: []string{"dopt-1"}})), "InvalidDhcpOptionID.NotFound"},
		"an address of an instance":          {failed(w.AssociateAddress(ctx, &sdk.AssociateAddressInput{InstanceId: none})), "InvalidInstanceID.NotFound"},
		"a VPC with IPv6":                    {failed(w.CreateVpc(ctx, &sdk.CreateVpcInput{CidrBlock: aws.String("10.0.0.0/16"), AmazonProvidedIpv6CidrBlock: aws.Bool(true)})), "UnsupportedOperation"},
		"an entry number of the last":        {failed(w.CreateNetworkAclEntry(ctx, &sdk.CreateNetworkAclEntryInput{RuleNumber: aws.Int32(32767)})), "InvalidParameterValue"},
	} {
		if code(tt.err) != tt.code {
			t.Errorf("%s: %v", name, tt.err)
		}
	}
	if !reflect.DeepEqual(before, everything(w)) {
		t.Error("something has changed")
	}
}
