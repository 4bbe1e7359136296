package ec2

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"flyball/internal/service/ec2/fault"
	"flyball/internal/state"
)

// DescribeVpcAttribute tells one attribute of a VPC.
func (a *API) DescribeVpcAttribute(ctx context.Context, in *ec2.DescribeVpcAttributeInput, _ ...func(*ec2.Options)) (*ec2.DescribeVpcAttributeOutput, error) {
	out := &ec2.DescribeVpcAttributeOutput{VpcId: in.VpcId}
	err := a.read(ctx, in.DryRun, func() error {
		v, err := a.vpcs.find(in.VpcId)
		if err != nil {
			return err
		}
		switch in.Attribute {
		case types.VpcAttributeNameEnableDnsSupport:
			out.EnableDnsSupport = &types.AttributeBooleanValue{Value: &v.DNSSupport}
		case types.VpcAttributeNameEnableDnsHostnames:
			out.EnableDnsHostnames = &types.AttributeBooleanValue{Value: &v.DNSHostnames}
		case types.VpcAttributeNameEnableNetworkAddressUsageMetrics:
			out.EnableNetworkAddressUsageMetrics = &types.AttributeBooleanValue{Value: &v.Metrics}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// ModifyVpcAttribute sets one attribute of a VPC.
func (a *API) ModifyVpcAttribute(ctx context.Context, in *ec2.ModifyVpcAttributeInput, _ ...func(*ec2.Options)) (*ec2.ModifyVpcAttributeOutput, error) {
	return &ec2.ModifyVpcAttributeOutput{}, a.write(ctx, nil, func(_ context.Context, tx *state.Tx) error {
		v, err := a.vpcs.find(in.VpcId)
		if err != nil {
			return err
		}
		err = setOne([]setting{
			{in.EnableDnsSupport, &v.DNSSupport},
			{in.EnableDnsHostnames, &v.DNSHostnames},
			{in.EnableNetworkAddressUsageMetrics, &v.Metrics},
		})
		if err != nil {
			return err
		}
		a.vpcs.put(tx, v)
		return nil
	})
}

// A setting is an attribute that a call may set.
type setting struct {
	given *types.AttributeBooleanValue
	to    *bool
}

// setOne sets the attribute that is given, which must be one.
func setOne(settings []setting) error {
	var given []setting
	for _, s := range settings {
		if s.given != nil {
			given = append(given, s)
		}
	}
	switch {
	case len(given) == 0:
		return fault.Combination("No attributes specified.")
	case len(given) > 1:
		return fault.Combination("Fields for multiple attribute types specified.")
	case given[0].given.Value == nil:
		return fault.Missing("value")
	}
	*given[0].to = *given[0].given.Value
	return nil
}
