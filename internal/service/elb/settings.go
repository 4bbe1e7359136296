package elb

import (
	"cmp"
	"context"

	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"flyball/internal/service/elb/fault"
)

// SetSecurityGroups replaces the security groups of a load balancer.
func (a *API) SetSecurityGroups(ctx context.Context, in *elb.SetSecurityGroupsInput, _ ...func(*elb.Options)) (*elb.SetSecurityGroupsOutput, error) {
	switch {
	case in.EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic != "":
		return nil, fault.InvalidConfiguration("EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic can be specified for network load balancers only")
	case len(in.SecurityGroups) == 0:
		return nil, fault.InvalidConfiguration("At least one security group must be specified")
	}
	err := a.changeBalancer(ctx, in.LoadBalancerArn, func(ctx context.Context, b *loadBalancer) error {
		b.SecurityGroups = in.SecurityGroups
		return a.checkSecurityGroups(ctx, in.SecurityGroups, *b.VpcId, func(id string) error {
			return fault.InvalidConfiguration("Security group '%s' does not belong to VPC '%s'", id, *b.VpcId)
		})
	})
	if err != nil {
		return nil, err
	}
	return &elb.SetSecurityGroupsOutput{SecurityGroupIds: in.SecurityGroups}, nil
}

// SetSubnets replaces the subnets of a load balancer.
func (a *API) SetSubnets(ctx context.Context, in *elb.SetSubnetsInput, _ ...func(*elb.Options)) (*elb.SetSubnetsOutput, error) {
	subnets, err := subnetIDs(in.Subnets, in.SubnetMappings)
	if err != nil {
		return nil, err
	}
	if in.EnablePrefixForIpv6SourceNat != "" {
		return nil, fault.InvalidConfiguration("EnablePrefixForIpv6SourceNat can be specified for network load balancers only")
	}
	out := &elb.SetSubnetsOutput{}
	err = a.changeBalancer(ctx, in.LoadBalancerArn, func(ctx context.Context, b *loadBalancer) error {
		zones, vpc, err := a.attach(ctx, subnets)
		if err != nil {
			return err
		}
		if vpc != *b.VpcId {
			return fault.InvalidSubnet("The subnets are not in the VPC '%s' of the load balancer", *b.VpcId)
		}
		b.AvailabilityZones = zones
		b.IpAddressType = cmp.Or(in.IpAddressType, b.IpAddressType)
		out.AvailabilityZones, out.IpAddressType = zones, b.IpAddressType
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// SetIpAddressType sets which addresses the clients of a load balancer may have.
func (a *API) SetIpAddressType(ctx context.Context, in *elb.SetIpAddressTypeInput, _ ...func(*elb.Options)) (*elb.SetIpAddressTypeOutput, error) {
	err := a.changeBalancer(ctx, in.LoadBalancerArn, func(_ context.Context, b *loadBalancer) error {
		if in.IpAddressType == types.IpAddressTypeDualstackWithoutPublicIpv4 && b.Scheme == types.LoadBalancerSchemeEnumInternal {
			return fault.InvalidConfiguration("You cannot set the IP address type '%s' on an internal load balancer", in.IpAddressType)
		}
		b.IpAddressType = in.IpAddressType
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &elb.SetIpAddressTypeOutput{IpAddressType: in.IpAddressType}, nil
}

// ModifyIpPools is refused: there are no pools of addresses.
func (a *API) ModifyIpPools(ctx context.Context, in *elb.ModifyIpPoolsInput, _ ...func(*elb.Options)) (*elb.ModifyIpPoolsOutput, error) {
	if _, err := read(ctx, a, func() (loadBalancer, error) { return a.balancer(in.LoadBalancerArn) }); err != nil {
		return nil, err
	}
	return nil, fault.NotServed("IPAM pools are")
}
