package ecs

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"

	"flyball/internal/service/ecs/fault"
)

// Task sets belong to services with the EXTERNAL deployment controller, which are
// not served. For all others AWS refuses them, and so do these operations.

// taskSetsOf tells why a service has no task sets.
func (a *API) taskSetsOf(ctx context.Context, inCluster, ref *string) (err error) {
	a.cell.State.View(ctx, func() {
		var c *cluster
		if c, err = a.activeCluster(inCluster); err != nil {
			return
		}
		s, ok := a.findService(c, aws.ToString(ref))
		switch {
		case !ok:
			err = fault.ServiceNotFound()
		case s.status() != active:
			err = fault.ServiceNotActive()
		default:
			err = fault.InvalidParameter("Amazon ECS only supports task set management on services configured to use external deployment controllers.")
		}
	})
	return err
}

// CreateTaskSet is refused.
func (a *API) CreateTaskSet(ctx context.Context, in *ecs.CreateTaskSetInput, _ ...func(*ecs.Options)) (*ecs.CreateTaskSetOutput, error) {
	return nil, a.taskSetsOf(ctx, in.Cluster, in.Service)
}

// DeleteTaskSet is refused.
func (a *API) DeleteTaskSet(ctx context.Context, in *ecs.DeleteTaskSetInput, _ ...func(*ecs.Options)) (*ecs.DeleteTaskSetOutput, error) {
	return nil, a.taskSetsOf(ctx, in.Cluster, in.Service)
}

// DescribeTaskSets is refused.
func (a *API) DescribeTaskSets(ctx context.Context, in *ecs.DescribeTaskSetsInput, _ ...func(*ecs.Options)) (*ecs.DescribeTaskSetsOutput, error) {
	return nil, a.taskSetsOf(ctx, in.Cluster, in.Service)
}

// UpdateTaskSet is refused.
func (a *API) UpdateTaskSet(ctx context.Context, in *ecs.UpdateTaskSetInput, _ ...func(*ecs.Options)) (*ecs.UpdateTaskSetOutput, error) {
	return nil, a.taskSetsOf(ctx, in.Cluster, in.Service)
}

// UpdateServicePrimaryTaskSet is refused.
func (a *API) UpdateServicePrimaryTaskSet(ctx context.Context, in *ecs.UpdateServicePrimaryTaskSetInput, _ ...func(*ecs.Options)) (*ecs.UpdateServicePrimaryTaskSetOutput, error) {
	return nil, a.taskSetsOf(ctx, in.Cluster, in.Service)
}
