package capacity

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/governor"
	"flyball/scaling"
)

// ECS is what Services needs of Amazon ECS.
type ECS interface {
	DescribeServices(context.Context, *ecs.DescribeServicesInput, ...func(*ecs.Options)) (*ecs.DescribeServicesOutput, error)
	UpdateService(context.Context, *ecs.UpdateServiceInput, ...func(*ecs.Options)) (*ecs.UpdateServiceOutput, error)
}

var _ ECS = (*ecs.Client)(nil)

// Services are ECS services: the server's own, or those of AWS.
type Services struct {
	ECS ECS
	// PauseTag is a tag that services have with which nothing is to be done for now; "": none.
	PauseTag string
}

var _ Marked = Services{}

// described is how many services DescribeServices takes.
const described = 10

// Look implements Capacity. A service that does not exist or is no longer active
// is gone.
func (s Services) Look(ctx context.Context, ids []scaling.ResourceID) ([]governor.Capacity, error) {
	seen, _, err := s.LookMarked(ctx, ids)
	return seen, err
}

// LookMarked implements Marked.
func (s Services) LookMarked(ctx context.Context, ids []scaling.ResourceID) (seen []governor.Capacity, marks []string, err error) {
	seen, marks = make([]governor.Capacity, len(ids)), make([]string, len(ids))
	if len(ids) == 1 {
		cluster, name := ids[0].Service()
		services, err := s.describe(ctx, cluster, []string{name})
		found := find(services, name)
		seen[0], marks[0] = seenAs(found), s.mark(found)
		return seen, marks, err
	}
	clusters := map[string][]int{} // places in ids
	for i, id := range ids {
		cluster, _ := id.Service()
		clusters[cluster] = append(clusters[cluster], i)
	}
	for cluster, places := range clusters {
		for batch := range slices.Chunk(places, described) {
			names := make([]string, len(batch))
			for i, place := range batch {
				_, names[i] = ids[place].Service()
			}
			services, err := s.describe(ctx, cluster, names)
			if err != nil {
				return nil, nil, err
			}
			for i, place := range batch {
				found := find(services, names[i])
				seen[place], marks[place] = seenAs(found), s.mark(found)
			}
		}
	}
	return seen, marks, nil
}

// mark is why nothing is to be done with a service, by its tags.
func (s Services) mark(found *types.Service) string {
	if found == nil || s.PauseTag == "" {
		return ""
	}
	for _, t := range found.Tags {
		if aws.ToString(t.Key) == s.PauseTag && aws.ToString(t.Value) != "false" {
			return fmt.Sprintf("it has the tag %s=%s", s.PauseTag, aws.ToString(t.Value))
		}
	}
	return ""
}

func (s Services) describe(ctx context.Context, cluster string, names []string) ([]types.Service, error) {
	in := &ecs.DescribeServicesInput{Cluster: &cluster, Services: names}
	if s.PauseTag != "" {
		in.Include = []types.ServiceField{types.ServiceFieldTags}
	}
	out, err := s.ECS.DescribeServices(ctx, in)
	switch {
	case errors.As(err, new(*types.ClusterNotFoundException)):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("describe services of cluster %s: %w", cluster, err)
	}
	return out.Services, nil
}

// find is the active service of a name, or nil.
func find(services []types.Service, name string) *types.Service {
	for i := range services {
		if s := &services[i]; aws.ToString(s.ServiceName) == name && aws.ToString(s.Status) == "ACTIVE" {
			return s
		}
	}
	return nil
}

func seenAs(s *types.Service) governor.Capacity {
	if s == nil {
		return governor.Capacity{Gone: true}
	}
	return governor.Capacity{Desired: count(s.DesiredCount), Running: count(s.RunningCount), Deploying: deploying(s), New: deployed(s)}
}

// deployed is how many tasks run of the revision that a service is to run.
func deployed(s *types.Service) scaling.Capacity {
	for _, d := range s.Deployments {
		if aws.ToString(d.Status) == "PRIMARY" {
			return count(d.RunningCount)
		}
	}
	return 0
}

func count(n int32) scaling.Capacity { return scaling.Capacity(max(n, 0)) }

// deploying reports whether a deployment is under way: an old one still has
// tasks, or the new one is not steady yet.
func deploying(s *types.Service) bool {
	return len(s.Deployments) > 1 || slices.ContainsFunc(s.Deployments, func(d types.Deployment) bool {
		return d.RolloutState == types.DeploymentRolloutStateInProgress
	})
}

// Set implements Capacity.
func (s Services) Set(ctx context.Context, id scaling.ResourceID, to scaling.Capacity) error {
	cluster, name := id.Service()
	_, err := s.ECS.UpdateService(ctx, &ecs.UpdateServiceInput{Cluster: &cluster, Service: &name, DesiredCount: aws.Int32(int32(to))})
	return err
}
