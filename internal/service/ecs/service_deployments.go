package ecs

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/optional"
	"flyball/internal/page"
	"flyball/internal/service/ecs/fault"
	"flyball/internal/service/ecs/lifecycle"
	"flyball/internal/state"
)

// Service deployments and revisions, as the API shows them.

func (a *API) rolloutARN(s *service, id string) *string {
	return aws.String(a.arn("service-deployment", s.cluster.name, s.name, id))
}

func (a *API) revisionARN(s *service, number string) *string {
	return aws.String(a.arn("service-revision", s.cluster.name, s.name, number))
}

// findRollout returns the service deployment of an ARN.
func (a *API) findRollout(ref string) (*service, *rollout, bool) {
	s, id, ok := a.ownedBy("service-deployment", ref)
	if !ok {
		return nil, nil, false
	}
	i := slices.IndexFunc(s.history, func(r *rollout) bool { return r.ID == id })
	if i < 0 {
		return nil, nil, false
	}
	return s, s.history[i], true
}

// ownedBy splits the ARN of something that belongs to a service.
func (a *API) ownedBy(kind, ref string) (*service, string, bool) {
	parts, ok := a.resource(kind, ref)
	if !ok || len(parts) != 3 {
		return nil, "", false
	}
	c, ok := a.clusters[parts[0]]
	if !ok {
		return nil, "", false
	}
	s, ok := c.services[parts[1]]
	return s, parts[2], ok
}

// ListServiceDeployments lists the deployments of a service, newest first.
func (a *API) ListServiceDeployments(ctx context.Context, in *ecs.ListServiceDeploymentsInput, _ ...func(*ecs.Options)) (*ecs.ListServiceDeploymentsOutput, error) {
	return read(ctx, a, func() (*ecs.ListServiceDeploymentsOutput, error) {
		c, err := a.activeCluster(in.Cluster)
		if err != nil {
			return nil, err
		}
		s, ok := a.findService(c, aws.ToString(in.Service))
		if !ok {
			return nil, fault.ServiceNotFound()
		}
		briefs := []types.ServiceDeploymentBrief{}
		for _, r := range s.history {
			if r.matches(in) {
				briefs = append(briefs, types.ServiceDeploymentBrief{
					ClusterArn:               c.api.ClusterArn,
					CreatedAt:                aws.Time(r.CreatedAt),
					FinishedAt:               r.FinishedAt,
					ServiceArn:               s.api.ServiceArn,
					ServiceDeploymentArn:     a.rolloutARN(s, r.ID),
					StartedAt:                aws.Time(r.CreatedAt),
					Status:                   r.Status,
					StatusReason:             optional.String(r.Reason),
					TargetServiceRevisionArn: a.revisionARN(s, r.Target.Number),
				})
			}
		}
		limit := aws.ToInt32(in.MaxResults)
		if limit < 0 || limit > 100 {
			return nil, fault.InvalidParameter("maxResults must be between 1 and 100.")
		}
		if limit == 0 {
			limit = 20
		}
		// Newest first: the key counts down with the time.
		briefs, next, err := page.Of(briefs, func(b types.ServiceDeploymentBrief) string {
			return fmt.Sprintf("%020d", 1<<62-b.CreatedAt.UnixNano())
		}, in.NextToken, int(limit))
		if err != nil {
			return nil, fault.InvalidParameter("Invalid token: %s", aws.ToString(in.NextToken))
		}
		return &ecs.ListServiceDeploymentsOutput{ServiceDeployments: briefs, NextToken: next}, nil
	})
}

func (r *rollout) matches(in *ecs.ListServiceDeploymentsInput) bool {
	if len(in.Status) > 0 && !slices.Contains(in.Status, r.Status) {
		return false
	}
	if c := in.CreatedAt; c != nil {
		if c.After != nil && r.CreatedAt.Before(*c.After) || c.Before != nil && r.CreatedAt.After(*c.Before) {
			return false
		}
	}
	return true
}

// DescribeServiceDeployments describes up to 20 service deployments.
func (a *API) DescribeServiceDeployments(ctx context.Context, in *ecs.DescribeServiceDeploymentsInput, _ ...func(*ecs.Options)) (*ecs.DescribeServiceDeploymentsOutput, error) {
	if n := len(in.ServiceDeploymentArns); n == 0 || n > 20 {
		return nil, fault.InvalidParameter("serviceDeploymentArns must have between 1 and 20 items.")
	}
	out := &ecs.DescribeServiceDeploymentsOutput{ServiceDeployments: []types.ServiceDeployment{}, Failures: []types.Failure{}}
	return read(ctx, a, func() (*ecs.DescribeServiceDeploymentsOutput, error) {
		for _, ref := range in.ServiceDeploymentArns {
			s, r, ok := a.findRollout(ref)
			if !ok {
				out.Failures = append(out.Failures, missing(ref))
				continue
			}
			out.ServiceDeployments = append(out.ServiceDeployments, a.describeRollout(s, r))
		}
		return out, nil
	})
}

func (a *API) describeRollout(s *service, r *rollout) types.ServiceDeployment {
	counts := s.counts()
	summary := func(number string, requested int32) types.ServiceRevisionSummary {
		n := counts[deploymentID(number)]
		return types.ServiceRevisionSummary{
			Arn:                a.revisionARN(s, number),
			PendingTaskCount:   n.pending,
			RunningTaskCount:   n.running,
			RequestedTaskCount: requested,
		}
	}
	d := types.ServiceDeployment{
		Alarms:                   r.alarms(),
		ClusterArn:               s.cluster.api.ClusterArn,
		CreatedAt:                aws.Time(r.CreatedAt),
		DeploymentCircuitBreaker: r.breaker(),
		DeploymentConfiguration:  r.Configuration,
		FinishedAt:               r.FinishedAt,
		LifecycleHookDetails:     r.hookDetails(),
		ServiceArn:               s.api.ServiceArn,
		ServiceDeploymentArn:     a.rolloutARN(s, r.ID),
		SourceServiceRevisions:   []types.ServiceRevisionSummary{},
		StartedAt:                aws.Time(r.CreatedAt),
		Status:                   r.Status,
		StatusReason:             optional.String(r.Reason),
		StoppedAt:                r.StoppedAt,
		UpdatedAt:                aws.Time(r.UpdatedAt),
	}
	target := summary(r.Target.Number, 0)
	if len(s.deployments) > 0 && s.primary().Number == r.Target.Number {
		target.RequestedTaskCount = s.api.DesiredCount
	}
	target.RequestedProductionTrafficWeight, target.RequestedTestTrafficWeight = r.weights(r.Position.Traffic)
	d.TargetServiceRevision = &target
	for _, number := range r.Sources {
		n := counts[deploymentID(number)]
		shown := summary(number, n.running+n.pending)
		if number == r.Source {
			shown.RequestedProductionTrafficWeight, shown.RequestedTestTrafficWeight = r.weights(r.Position.Traffic.Rest())
		}
		d.SourceServiceRevisions = append(d.SourceServiceRevisions, shown)
	}
	if r.Plan.Beside {
		d.LifecycleStage = r.Position.Stage
	}
	if r.running() { // a percentage is one of the latest desired count
		d.DeploymentCircuitBreaker.Threshold = int32(s.breakerThreshold())
	}
	if r.RollbackAt != nil {
		d.Rollback = &types.Rollback{
			Reason:             aws.String(r.RollbackWhy),
			ServiceRevisionArn: a.revisionARN(s, r.RollbackTo),
			StartedAt:          r.RollbackAt,
		}
	}
	return d
}

// weights are a revision's percentages of the traffic that there is, in a deployment that
// shifts it.
func (r *rollout) weights(t lifecycle.Traffic) (production, test *float64) {
	if !r.Plan.Beside {
		return nil, nil
	}
	for _, one := range r.Routes {
		production = &t.Production
		if one.Test != "" {
			test = &t.Test
		}
	}
	return production, test
}

func (r *rollout) breaker() *types.ServiceDeploymentCircuitBreaker {
	return &types.ServiceDeploymentCircuitBreaker{
		FailureCount: int32(r.Failures),
		Threshold:    int32(r.Threshold),
		Status:       r.monitors(r.Configuration.DeploymentCircuitBreaker.Enable, r.Tripped),
	}
}

// DescribeServiceRevisions describes up to 20 service revisions.
func (a *API) DescribeServiceRevisions(ctx context.Context, in *ecs.DescribeServiceRevisionsInput, _ ...func(*ecs.Options)) (*ecs.DescribeServiceRevisionsOutput, error) {
	if n := len(in.ServiceRevisionArns); n == 0 || n > 20 {
		return nil, fault.InvalidParameter("serviceRevisionArns must have between 1 and 20 items.")
	}
	out := &ecs.DescribeServiceRevisionsOutput{ServiceRevisions: []types.ServiceRevision{}, Failures: []types.Failure{}}
	a.cell.State.View(ctx, func() {
		for _, ref := range in.ServiceRevisionArns {
			s, number, ok := a.ownedBy("service-revision", ref)
			i := -1
			if ok {
				i = slices.IndexFunc(s.history, func(r *rollout) bool { return r.Target.Number == number })
			}
			if i < 0 {
				out.Failures = append(out.Failures, missing(ref))
				continue
			}
			out.ServiceRevisions = append(out.ServiceRevisions, a.describeRevision(s, s.history[i]))
		}
	})
	if a.cfg.Managed != nil {
		for i, r := range out.ServiceRevisions {
			out.ServiceRevisions[i].EcsManagedResources = a.cfg.Managed(ctx, *r.ServiceArn)
		}
	}
	return out, nil
}

func (a *API) describeRevision(s *service, of *rollout) types.ServiceRevision {
	r := of.Target
	d := types.ServiceRevision{
		CapacityProviderStrategy: r.Strategy,
		ClusterArn:               s.cluster.api.ClusterArn,
		ContainerImages:          []types.ContainerImage{},
		CreatedAt:                aws.Time(r.CreatedAt),
		LaunchType:               r.LaunchType,
		LoadBalancers:            r.LoadBalancers,
		NetworkConfiguration:     r.Network,
		ServiceArn:               s.api.ServiceArn,
		ServiceRevisionArn:       a.revisionARN(s, r.Number),
		TaskDefinition:           aws.String(r.TaskDefinition),
	}
	if len(s.deployments) > 0 && r.Number == s.primary().Number {
		d.Monitoring = s.monitoring
	}
	if r.PlatformVersion != nil {
		d.PlatformFamily, d.PlatformVersion = aws.String(platformFamily), aws.String(resolvedPlatform(*r.PlatformVersion))
	}
	d.ResolvedConfiguration = r.resolved()
	if def, ok := a.findDefinition(r.TaskDefinition); ok {
		d.ContainerImages = of.containerImages(def)
	}
	return d
}

// resolved says which target groups the revision's tasks are in, and what sends them
// their traffic.
func (r revision) resolved() *types.ResolvedConfiguration {
	if len(r.LoadBalancers) == 0 {
		return nil
	}
	resolved := &types.ResolvedConfiguration{}
	for i, group := range r.groups() {
		one := types.ServiceRevisionLoadBalancer{TargetGroupArn: &group}
		if c := r.LoadBalancers[i].AdvancedConfiguration; c != nil {
			one.ProductionListenerRule = c.ProductionListenerRule
		}
		resolved.LoadBalancers = append(resolved.LoadBalancers, one)
	}
	return resolved
}

// StopServiceDeployment ends a deployment in progress: by going back to the last
// completed one, or with ABORT by starting and replacing no more tasks.
func (a *API) StopServiceDeployment(ctx context.Context, in *ecs.StopServiceDeploymentInput, _ ...func(*ecs.Options)) (*ecs.StopServiceDeploymentOutput, error) {
	return answer(&ecs.StopServiceDeploymentOutput{ServiceDeploymentArn: in.ServiceDeploymentArn}, a.cell.State.Change(ctx, func(ctx context.Context, tx *state.Tx) error {
		s, r, ok := a.findRollout(aws.ToString(in.ServiceDeploymentArn))
		if !ok {
			return &types.ServiceDeploymentNotFoundException{Message: aws.String("Service deployment not found.")}
		}
		if r.Status != types.ServiceDeploymentStatusInProgress {
			return &types.ConflictException{Message: aws.String("The service deployment is not in a state that can be stopped: " + string(r.Status) + ".")}
		}
		s.keep(tx)
		if in.StopType == types.StopServiceDeploymentStopTypeAbort {
			a.abort(tx, s)
			return nil
		}
		target, ok := s.rollbackTarget()
		if !ok {
			return &types.ConflictException{Message: aws.String(nothingToReturnTo)}
		}
		a.rollBackByUser(tx, s, target)
		return nil
	}))
}

const nothingToReturnTo = "The service deployment cannot be rolled back: there is no completed deployment to return to."

// abort has a deployment start and replace no more tasks.
func (a *API) abort(tx *state.Tx, s *service) {
	d, r, now := s.primary(), s.history[0], a.now()
	d.State, d.UpdatedAt = types.DeploymentRolloutStateFailed, now
	d.Reason = "ECS deployment " + d.ID + " was stopped."
	r.StoppedAt = aws.Time(now)
	r.Position = r.Position.Halt()
	r.finish(types.ServiceDeploymentStatusStopped, "Service deployment stopped by the user.", now)
	r.save(tx, s)
	s.save(tx)
	a.reconcileSoon(s)
}

// rollBackByUser goes back to a completed deployment because somebody has asked for it.
func (a *API) rollBackByUser(tx *state.Tx, s *service, to *deployment) {
	a.tell(tx, s, rollingBackTo(to))
	s.rollBack(to, "ECS deployment rolling back to deploymentId "+to.ID+".", "Service deployment stopped by the user.", a.now())
	s.history[0].save(tx, s)
	s.save(tx)
	a.reconcileSoon(s)
}
