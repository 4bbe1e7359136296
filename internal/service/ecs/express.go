package ecs

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/service/ecs/fault"
)

// Express are the operations of Express Mode. Who serves them makes services of this
// API by CreateManagedService.
type Express interface {
	CreateExpressGatewayService(context.Context, *ecs.CreateExpressGatewayServiceInput, ...func(*ecs.Options)) (*ecs.CreateExpressGatewayServiceOutput, error)
	DeleteExpressGatewayService(context.Context, *ecs.DeleteExpressGatewayServiceInput, ...func(*ecs.Options)) (*ecs.DeleteExpressGatewayServiceOutput, error)
	DescribeExpressGatewayService(context.Context, *ecs.DescribeExpressGatewayServiceInput, ...func(*ecs.Options)) (*ecs.DescribeExpressGatewayServiceOutput, error)
	UpdateExpressGatewayService(context.Context, *ecs.UpdateExpressGatewayServiceInput, ...func(*ecs.Options)) (*ecs.UpdateExpressGatewayServiceOutput, error)
}

var _ Express = (*ecs.Client)(nil)

// noExpress is the Express of a server without any.
type noExpress struct{}

func (noExpress) CreateExpressGatewayService(context.Context, *ecs.CreateExpressGatewayServiceInput, ...func(*ecs.Options)) (*ecs.CreateExpressGatewayServiceOutput, error) {
	return nil, errNoExpress
}

func (noExpress) DeleteExpressGatewayService(context.Context, *ecs.DeleteExpressGatewayServiceInput, ...func(*ecs.Options)) (*ecs.DeleteExpressGatewayServiceOutput, error) {
	return nil, errNoExpress
}

func (noExpress) DescribeExpressGatewayService(context.Context, *ecs.DescribeExpressGatewayServiceInput, ...func(*ecs.Options)) (*ecs.DescribeExpressGatewayServiceOutput, error) {
	return nil, errNoExpress
}

func (noExpress) UpdateExpressGatewayService(context.Context, *ecs.UpdateExpressGatewayServiceInput, ...func(*ecs.Options)) (*ecs.UpdateExpressGatewayServiceOutput, error) {
	return nil, errNoExpress
}

var errNoExpress = fault.NotServed("Express Mode")

// managed is whether ECS itself manages what a service needs: whether it is an Express
// service.
func (s *service) managed() bool {
	return s.api.ResourceManagementType == types.ResourceManagementTypeEcs
}

// CreateManagedService is CreateService for a service whose resources ECS manages.
func (a *API) CreateManagedService(ctx context.Context, in *ecs.CreateServiceInput) (*types.Service, error) {
	out, err := a.createService(ctx, in, types.ResourceManagementTypeEcs)
	if err != nil {
		return nil, err
	}
	return out.Service, nil
}

// UpdateManagedService is UpdateService for such a service, of which it may change
// everything.
func (a *API) UpdateManagedService(ctx context.Context, in *ecs.UpdateServiceInput) (*types.Service, error) {
	out, err := a.updateService(ctx, in, func(*service) error { return nil })
	if err != nil {
		return nil, err
	}
	return out.Service, nil
}

// checkUnmanaged refuses to change by UpdateService what Express Mode decides ("Resources
// created by Amazon ECS Express Mode services").
func checkUnmanaged(s *service, in *ecs.UpdateServiceInput) error {
	switch {
	case !s.managed():
		return nil
	case in.LoadBalancers != nil:
		return fault.InvalidParameter("The load balancers of an Express service cannot be updated.")
	case in.DeploymentConfiguration != nil && in.DeploymentConfiguration.Strategy != "" &&
		in.DeploymentConfiguration.Strategy != s.api.DeploymentConfiguration.Strategy:
		return fault.InvalidParameter("The deployment strategy of an Express service cannot be updated.")
	}
	return nil
}
