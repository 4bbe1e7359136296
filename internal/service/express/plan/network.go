package plan

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// SecurityGroup is a security group in a VPC.
func SecurityGroup(name, description, vpc string, given []types.Tag) *ec2.CreateSecurityGroupInput {
	return &ec2.CreateSecurityGroupInput{
		GroupName: &name, Description: &description, VpcId: &vpc, TagSpecifications: ec2Tags(given, ec2types.ResourceTypeSecurityGroup),
	}
}

// Permission lets a protocol's port in or out, from or to another security group.
func Permission(port int32, peer string) []ec2types.IpPermission {
	return []ec2types.IpPermission{{
		IpProtocol: aws.String("tcp"), FromPort: &port, ToPort: &port, UserIdGroupPairs: []ec2types.UserIdGroupPair{{GroupId: &peer}},
	}}
}

// Everywhere lets a port in from everywhere.
func Everywhere(port int32) []ec2types.IpPermission {
	return []ec2types.IpPermission{{
		IpProtocol: aws.String("tcp"), FromPort: &port, ToPort: &port, IpRanges: []ec2types.IpRange{{CidrIp: aws.String("0.0.0.0/0")}},
	}}
}

// Ingress lets in what permissions say.
func Ingress(group string, permissions []ec2types.IpPermission) *ec2.AuthorizeSecurityGroupIngressInput {
	return &ec2.AuthorizeSecurityGroupIngressInput{
		GroupId: &group, IpPermissions: permissions, TagSpecifications: ec2Tags(nil, ec2types.ResourceTypeSecurityGroupRule),
	}
}

// Egress lets out what permissions say.
func Egress(group string, permissions []ec2types.IpPermission) *ec2.AuthorizeSecurityGroupEgressInput {
	return &ec2.AuthorizeSecurityGroupEgressInput{
		GroupId: &group, IpPermissions: permissions, TagSpecifications: ec2Tags(nil, ec2types.ResourceTypeSecurityGroupRule),
	}
}

// Groups are the security groups of the tasks: the service's own, and those that the
// caller adds.
func (p Parts) Groups(added []string) []string { return append([]string{p.SecurityGroup}, added...) }

// Added are the security groups that the caller added.
func (p Parts) Added(groups []string) []string {
	return slices.DeleteFunc(slices.Clone(groups), func(id string) bool { return id == p.SecurityGroup })
}

// Network is where the tasks are.
func (p Parts) Network(place Place, added []string) *types.NetworkConfiguration {
	assign := types.AssignPublicIpDisabled
	if place.Public {
		assign = types.AssignPublicIpEnabled
	}
	return &types.NetworkConfiguration{AwsvpcConfiguration: &types.AwsVpcConfiguration{
		Subnets: place.Subnets, SecurityGroups: p.Groups(added), AssignPublicIp: assign,
	}}
}
