package ec2

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"flyball/internal/service/ec2/fault"
	"flyball/internal/service/ec2/rules"
	"flyball/internal/state"
)

// An internetGateway is the row of one.
type internetGateway struct {
	resource
	VPC string // that it is attached to, or ""
}

func (a *API) describeInternetGateway(g internetGateway) types.InternetGateway {
	d := types.InternetGateway{InternetGatewayId: &g.ID, OwnerId: &a.cell.Account, Tags: g.tagList(), Attachments: []types.InternetGatewayAttachment{}}
	if g.VPC != "" {
		d.Attachments = append(d.Attachments, types.InternetGatewayAttachment{VpcId: &g.VPC, State: attached})
	}
	return d
}

// attached is the state of an attachment of an internet gateway. The SDK lists it with
// those of other attachments, and not by this value.
const attached types.AttachmentStatus = "available"

// CreateInternetGateway makes an internet gateway that is attached to nothing.
func (a *API) CreateInternetGateway(ctx context.Context, in *ec2.CreateInternetGatewayInput, _ ...func(*ec2.Options)) (*ec2.CreateInternetGatewayOutput, error) {
	tags, err := rules.TagsOf(in.TagSpecifications, types.ResourceTypeInternetGateway)
	if err != nil {
		return nil, err
	}
	g := internetGateway{resource: resource{ID: a.gateways.newID(), Tags: tags}}
	err = a.write(ctx, in.DryRun, func(_ context.Context, tx *state.Tx) error { a.gateways.put(tx, g); return nil })
	if err != nil {
		return nil, err
	}
	d := a.describeInternetGateway(g)
	return &ec2.CreateInternetGatewayOutput{InternetGateway: &d}, nil
}

// DescribeInternetGateways lists internet gateways by their ids.
func (a *API) DescribeInternetGateways(ctx context.Context, in *ec2.DescribeInternetGatewaysInput, _ ...func(*ec2.Options)) (*ec2.DescribeInternetGatewaysOutput, error) {
	q := question{in.InternetGatewayIds, in.Filters, in.MaxResults, in.NextToken, in.DryRun}
	whenAttached := func(value func(internetGateway) string) func(internetGateway) []string {
		return func(g internetGateway) []string {
			if g.VPC == "" {
				return nil
			}
			return []string{value(g)}
		}
	}
	found, next, err := describe(ctx, a, &a.gateways, q, rules.Fields[internetGateway]{
		"attachment.state":    whenAttached(func(internetGateway) string { return string(attached) }),
		"attachment.vpc-id":   whenAttached(func(g internetGateway) string { return g.VPC }),
		"internet-gateway-id": func(g internetGateway) []string { return []string{g.ID} },
		"owner-id":            func(internetGateway) []string { return []string{a.cell.Account} },
	})
	if err != nil {
		return nil, err
	}
	return &ec2.DescribeInternetGatewaysOutput{InternetGateways: shown(found, a.describeInternetGateway), NextToken: next}, nil
}

// AttachInternetGateway attaches a gateway to a VPC that has none.
func (a *API) AttachInternetGateway(ctx context.Context, in *ec2.AttachInternetGatewayInput, _ ...func(*ec2.Options)) (*ec2.AttachInternetGatewayOutput, error) {
	return &ec2.AttachInternetGatewayOutput{}, a.write(ctx, in.DryRun, func(_ context.Context, tx *state.Tx) error {
		g, err := a.gateways.find(in.InternetGatewayId)
		if err != nil {
			return err
		}
		v, err := a.vpcs.find(in.VpcId)
		if err != nil {
			return err
		}
		if g.VPC != "" {
			return fault.New("Resource.AlreadyAssociated", "resource %s is already attached to network %s", g.ID, g.VPC)
		}
		if _, has := a.gateways.one(func(other internetGateway) bool { return other.VPC == v.ID }); has {
			return fault.Invalid("Network %s already has an internet gateway attached", v.ID)
		}
		g.VPC = v.ID
		a.gateways.put(tx, g)
		return nil
	})
}

// DetachInternetGateway detaches a gateway from its VPC, in which no public address is
// in use.
func (a *API) DetachInternetGateway(ctx context.Context, in *ec2.DetachInternetGatewayInput, _ ...func(*ec2.Options)) (*ec2.DetachInternetGatewayOutput, error) {
	return &ec2.DetachInternetGatewayOutput{}, a.write(ctx, in.DryRun, func(ctx context.Context, tx *state.Tx) error {
		g, err := a.gateways.find(in.InternetGatewayId)
		if err != nil {
			return err
		}
		if g.VPC == "" || g.VPC != aws.ToString(in.VpcId) {
			return fault.New("Gateway.NotAttached", "resource %s is not attached to network %s", g.ID, aws.ToString(in.VpcId))
		}
		if a.mapsAddress(ctx, g.VPC) {
			return fault.Dependency("Network %s has some mapped public address(es). Please unmap those public address(es) before detaching the gateway.", g.VPC)
		}
		g.VPC = ""
		a.gateways.put(tx, g)
		return nil
	})
}

// DeleteInternetGateway deletes a gateway that is attached to nothing.
func (a *API) DeleteInternetGateway(ctx context.Context, in *ec2.DeleteInternetGatewayInput, _ ...func(*ec2.Options)) (*ec2.DeleteInternetGatewayOutput, error) {
	return &ec2.DeleteInternetGatewayOutput{}, a.write(ctx, in.DryRun, func(_ context.Context, tx *state.Tx) error {
		g, err := a.gateways.find(in.InternetGatewayId)
		if err != nil {
			return err
		}
		if g.VPC != "" {
			return fault.Dependency("The internetGateway '%s' has dependencies and cannot be deleted.", g.ID)
		}
		a.gateways.remove(tx, g)
		return nil
	})
}
