package server

import (
	"context"
	"sync"

	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"flyball/internal/service/ec2"
)

// lazyEC2 opens EC2 when it is first asked for.
func lazyEC2(cfg ec2.Config) func(context.Context) (*ec2.API, error) {
	open := sync.OnceValues(func() (*ec2.API, error) { return ec2.New(cfg) })
	return func(ctx context.Context) (*ec2.API, error) {
		api, err := open()
		if err != nil {
			return nil, err
		}
		return api, api.EnsureDefaultVPC(ctx)
	}
}

// network is EC2 as load balancers and services of ECS ask for it. Ids that EC2 can not
// have made, such as subnet-1, do not open it.
type network struct{ v *services }

func (n network) SubnetVPC(ctx context.Context, id string) (vpc, zone string, ok bool) {
	if api := n.mayKnow(ctx, id); api != nil {
		return api.SubnetVPC(ctx, id)
	}
	return "", "", false
}

func (n network) GroupVPC(ctx context.Context, id string) (vpc string, ok bool) {
	if api := n.mayKnow(ctx, id); api != nil {
		return api.GroupVPC(ctx, id)
	}
	return "", false
}

func (n network) DefaultGroup(ctx context.Context, vpc string) (id string, ok bool) {
	if api := n.mayKnow(ctx, vpc); api != nil {
		return api.DefaultGroup(ctx, vpc)
	}
	return "", false
}

// mayKnow is EC2, or nil where it can not know an id.
func (n network) mayKnow(ctx context.Context, id string) *ec2.API {
	if !ec2.IsID(id) {
		return nil
	}
	api, err := n.v.ec2(ctx)
	if err != nil {
		n.v.cell.Log.Error("EC2 can not be opened", "reason", err)
		return nil
	}
	return api
}

// interfaces are the network interfaces of tasks and of load balancers, as EC2
// describes them.
func (v *services) interfaces(ctx context.Context) []ec2.Interface {
	var all []ec2.Interface
	for _, i := range v.ecs.Interfaces(ctx) {
		all = append(all, ec2.Interface{
			ID: i.ID, Subnet: i.Subnet, Address: i.PrivateAddress, Groups: i.SecurityGroups,
			Description: i.Description, Requester: "ecs.amazonaws.com", Type: ec2types.NetworkInterfaceTypeInterface, Created: i.Created,
		})
	}
	for _, i := range v.elb.Interfaces(ctx) {
		all = append(all, ec2.Interface{
			ID: i.ID, Subnet: i.Subnet, Address: i.Address.String(), Public: i.Public, Groups: i.SecurityGroups,
			Description: i.Description, Requester: "amazon-elb", Type: ec2types.NetworkInterfaceTypeInterface, Created: i.Created,
		})
	}
	return all
}
