package status

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"golang.org/x/sync/errgroup"

	"flyball/internal/capacity"
	"flyball/internal/client"
	"flyball/internal/resource"
	"flyball/scaling"
)

// callsAtOnce is how many calls of a kind are under way at a time.
const callsAtOnce = 8

// describedAtOnce is how many services one call can describe ("DescribeServices").
const describedAtOnce = 10

// readServices reads the services among resources.
func readServices(ctx context.Context, c *client.Client, resources []Resource) error {
	byCluster := map[string][]*Resource{}
	for i := range resources {
		if r := &resources[i]; r.Kind == resource.Service {
			byCluster[r.id.Cluster] = append(byCluster[r.id.Cluster], r)
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(callsAtOnce)
	for cluster, services := range byCluster {
		for batch := range slices.Chunk(services, describedAtOnce) {
			group.Go(func() error {
				if err := describe(ctx, c, cluster, batch); err != nil {
					return fmt.Errorf("read the services of cluster %s: %w", cluster, err)
				}
				return nil
			})
		}
	}
	return group.Wait()
}

// describe reads some services of a cluster. Those of a cluster that is gone are, too.
func describe(ctx context.Context, c *client.Client, cluster string, batch []*Resource) error {
	byName := map[string]*Resource{}
	in := &ecs.DescribeServicesInput{Cluster: &cluster}
	for _, r := range batch {
		byName[r.id.ID] = r
		in.Services = append(in.Services, r.id.ID)
	}
	out, err := c.ECS.DescribeServices(ctx, in)
	if _, gone := errors.AsType[*types.ClusterNotFoundException](err); gone {
		return nil
	}
	if err != nil {
		return err
	}
	for _, service := range out.Services {
		if err := byName[aws.ToString(service.ServiceName)].show(ctx, c, service); err != nil {
			return err
		}
	}
	return nil
}

// show notes what a service is.
func (r *Resource) show(ctx context.Context, c *client.Client, service types.Service) (err error) {
	if aws.ToString(service.Status) == "INACTIVE" {
		return nil // it is as gone as one that ECS has forgotten
	}
	for _, lb := range service.LoadBalancers {
		r.Groups = append(r.Groups, aws.ToString(lb.TargetGroupArn))
	}
	r.Desired, r.Running, r.Pending = service.DesiredCount, service.RunningCount, service.PendingCount
	if r.Healthy, err = healthyTargets(ctx, c.LoadBalancing, service.LoadBalancers); err != nil {
		return err
	}
	if r.Why, err = reasons(ctx, c.ECS, service); err != nil {
		return err
	}
	r.State = state(service, len(r.Why) > 0)
	return nil
}

// state is what a service is about.
func state(service types.Service, failing bool) string {
	switch {
	case aws.ToString(service.Status) == "DRAINING":
		return Draining
	case failing:
		return Failing
	case deploying(service):
		return Deploying
	case service.RunningCount < service.DesiredCount:
		return Starting
	case service.RunningCount > service.DesiredCount:
		return Stopping
	}
	return Steady
}

// deploying reports whether a deployment replaces tasks of another.
func deploying(service types.Service) bool {
	for _, d := range service.Deployments {
		if d.RolloutState == types.DeploymentRolloutStateInProgress && len(service.Deployments) > 1 {
			return true
		}
	}
	return false
}

// readFunctions reads the provisioned concurrency of the functions among resources.
func readFunctions(ctx context.Context, c *client.Client, resources []Resource) error {
	for i := range resources {
		r := &resources[i]
		if r.Kind != resource.Function {
			continue
		}
		seen, err := capacity.Functions{Lambda: c.Lambda}.Look(ctx, []scaling.ResourceID{r.id.Scalable()})
		if err != nil {
			return fmt.Errorf("read function %s: %w", r.Name, err)
		}
		now := seen[0]
		if now.Gone {
			continue
		}
		r.Desired, r.Running, r.State = int32(now.Desired), int32(now.Running), Steady
		if r.Running < r.Desired {
			r.Pending, r.State = r.Desired-r.Running, Starting
		}
	}
	return nil
}
