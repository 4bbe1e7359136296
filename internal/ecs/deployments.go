package ecs

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/page"
	"flyball/internal/store"
)

// maxHistory is how many service deployments are kept for each service.
const maxHistory = 50

// The platform of all Fargate tasks.
const (
	platformFamily  = "Linux"
	platformVersion = "1.4.0" // what LATEST means
)

// A launch is how the tasks of a deployment are started, besides their
// definition.
type launch struct {
	LaunchType      types.LaunchType
	Strategy        []types.CapacityProviderStrategyItem
	Network         *types.NetworkConfiguration
	PlatformVersion *string
	LoadBalancers   []types.LoadBalancer
}

// changed is the launch with the changes of an update.
func (l launch) changed(in *ecs.UpdateServiceInput) launch {
	if in.NetworkConfiguration != nil {
		l.Network = networkDefaults(in.NetworkConfiguration)
	}
	if in.PlatformVersion != nil {
		l.PlatformVersion = in.PlatformVersion
	}
	if in.CapacityProviderStrategy != nil {
		l.LaunchType, l.Strategy = "", in.CapacityProviderStrategy
	}
	if in.LoadBalancers != nil {
		l.LoadBalancers = in.LoadBalancers
	}
	return l
}

// runsAs is the launch type that the tasks show.
func (l launch) runsAs() types.LaunchType {
	if len(l.Strategy) > 0 {
		return types.LaunchTypeFargate
	}
	return l.LaunchType
}

// A revision is what a service was told to run at one time. It never changes.
type revision struct {
	Number         string
	TaskDefinition string // ARN
	CreatedAt      time.Time
	launch
}

// A deployment brings the tasks of one revision up. The PRIMARY one is what the
// service is to run; ACTIVE ones are on their way out.
type deployment struct {
	revision
	ID        string // ecs-svc/ and the revision's number
	Status    string
	UpdatedAt time.Time
	State     types.DeploymentRolloutState
	Reason    string
	Failed    int // tasks that failed in a row
}

// A rollout is the record of a service deployment: how the change to one
// revision went.
type rollout struct {
	ID            string
	Target        revision
	Sources       []string // numbers of the revisions it replaces
	Status        types.ServiceDeploymentStatus
	Reason        string
	CreatedAt     time.Time
	UpdatedAt     time.Time
	FinishedAt    *time.Time
	StoppedAt     *time.Time
	Configuration *types.DeploymentConfiguration
	Failures      int
	Threshold     int
	Tripped       bool
	RollbackTo    string // number of a revision
	RollbackAt    *time.Time
	RollbackWhy   string
}

func (r *rollout) save(b *store.Batch, s *service) {
	b.Put(kindRollout, s.key()+"/"+r.ID, document(r))
}

func (r *rollout) running() bool {
	return r.Status == types.ServiceDeploymentStatusInProgress || r.Status == types.ServiceDeploymentStatusRollbackInProgress
}

func (r *rollout) finish(status types.ServiceDeploymentStatus, reason string, now time.Time) {
	r.Status, r.Reason, r.UpdatedAt = status, reason, now
	r.FinishedAt = aws.Time(now)
}

// deploy makes a new deployment the primary one.
func (s *service) deploy(def *definition, l launch, now time.Time) {
	rev := revision{Number: newDeploymentNumber(), TaskDefinition: def.arn(), CreatedAt: now, launch: l}
	d := &deployment{revision: rev, ID: "ecs-svc/" + rev.Number, Status: primary, UpdatedAt: now}
	d.begin("ECS deployment "+d.ID+" in progress.", now)
	r := &rollout{
		ID:            newServiceDeploymentID(),
		Target:        rev,
		Status:        types.ServiceDeploymentStatusInProgress,
		CreatedAt:     now,
		UpdatedAt:     now,
		Configuration: s.api.DeploymentConfiguration,
		Threshold:     s.breakerThreshold(),
	}
	for _, old := range s.deployments {
		old.Status, old.UpdatedAt = active, now
		r.Sources = append(r.Sources, old.Number)
	}
	if len(s.history) > 0 && s.history[0].running() {
		s.history[0].StoppedAt = aws.Time(now)
		s.history[0].finish(types.ServiceDeploymentStatusStopped, "Replaced by a newer service deployment.", now)
	}
	s.deployments = append([]*deployment{d}, s.deployments...)
	s.show(rev)
	s.history = append([]*rollout{r}, s.history[:min(len(s.history), maxHistory-1)]...)
	s.steady, s.warned = false, ""
	s.failures, s.retryAt = 0, time.Time{}
}

func (d *deployment) begin(reason string, now time.Time) {
	d.State, d.Reason, d.UpdatedAt = types.DeploymentRolloutStateInProgress, reason, now
	d.Failed = 0
}

// complete ends a deployment whose tasks are all ready. Older ones are gone.
func (s *service) complete(now time.Time) {
	d, r := s.primary(), s.history[0]
	d.State, d.UpdatedAt = types.DeploymentRolloutStateCompleted, now
	d.Reason = "ECS deployment " + d.ID + " completed."
	s.deployments = []*deployment{d}
	switch r.Status {
	case types.ServiceDeploymentStatusRollbackInProgress:
		r.finish(types.ServiceDeploymentStatusRollbackSuccessful, r.Reason, now)
	case types.ServiceDeploymentStatusInProgress:
		r.finish(types.ServiceDeploymentStatusSuccessful, "", now)
	}
}

// fail ends the primary deployment after too many failed tasks. It starts no
// more.
func (s *service) fail(now time.Time) {
	d, r := s.primary(), s.history[0]
	d.State, d.UpdatedAt = types.DeploymentRolloutStateFailed, now
	d.Reason = "ECS deployment circuit breaker: tasks failed to start."
	r.Tripped = true
	r.finish(types.ServiceDeploymentStatusStopped, "Service deployment stopped because the circuit breaker threshold was exceeded.", now)
	r.StoppedAt = aws.Time(now)
}

// rollBack makes the last completed deployment the primary one again.
func (s *service) rollBack(to *deployment, reason, why string, now time.Time) {
	failed, r := s.primary(), s.history[0]
	failed.Status, failed.UpdatedAt = active, now
	to.Status = primary
	to.begin(reason, now)
	rest := slices.DeleteFunc(s.deployments, func(d *deployment) bool { return d == to })
	s.deployments = append([]*deployment{to}, rest...)
	s.show(to.revision)
	s.steady, s.warned = false, ""
	s.failures, s.retryAt = 0, time.Time{}

	r.Status, r.UpdatedAt, r.FinishedAt, r.StoppedAt = types.ServiceDeploymentStatusRollbackInProgress, now, nil, nil
	r.Reason = why
	r.RollbackTo, r.RollbackAt, r.RollbackWhy = to.Number, aws.Time(now), why
}

// rollbackTarget is the last completed deployment before the primary one.
func (s *service) rollbackTarget() (*deployment, bool) {
	for _, d := range s.deployments[1:] {
		if d.State == types.DeploymentRolloutStateCompleted {
			return d, true
		}
	}
	return nil, false
}

// breakerOn is whether failed tasks may end the primary deployment: while it is
// in progress, but not when it is itself a way back.
func (s *service) breakerOn() bool {
	return s.api.DeploymentConfiguration.DeploymentCircuitBreaker.Enable &&
		s.primary().State == types.DeploymentRolloutStateInProgress &&
		s.history[0].Status == types.ServiceDeploymentStatusInProgress
}

func (s *service) breakerThreshold() int {
	configured := s.api.DeploymentConfiguration.DeploymentCircuitBreaker.ThresholdConfiguration
	if configured == nil {
		return breakerThreshold(s.desired(), nil)
	}
	t := &threshold{percent: int(configured.Value), bounded: configured.Type == types.ThresholdTypeBoundedPercent}
	if configured.Type == types.ThresholdTypeCount {
		t = &threshold{count: int(configured.Value)}
	}
	return breakerThreshold(s.desired(), t)
}

// dropEmpty forgets older deployments that have no tasks and to which there is
// no way back.
func (s *service) dropEmpty() {
	counts := map[string]int{}
	for _, t := range s.tasks {
		counts[t.deployment]++
	}
	target, _ := s.rollbackTarget()
	s.deployments = slices.DeleteFunc(s.deployments, func(d *deployment) bool {
		return d.Status != primary && d != target && counts[d.ID] == 0
	})
}

// describe is the deployment as DescribeServices shows it.
func (d *deployment) describe(s *service, n tally) types.Deployment {
	shown := types.Deployment{
		CapacityProviderStrategy: d.Strategy,
		CreatedAt:                aws.Time(d.CreatedAt),
		DesiredCount:             n.running + n.pending,
		FailedTasks:              int32(d.Failed),
		Id:                       aws.String(d.ID),
		LaunchType:               d.LaunchType,
		NetworkConfiguration:     d.Network,
		PendingCount:             n.pending,
		RolloutState:             d.State,
		RolloutStateReason:       aws.String(d.Reason),
		RunningCount:             n.running,
		Status:                   aws.String(d.Status),
		TaskDefinition:           aws.String(d.TaskDefinition),
		UpdatedAt:                aws.Time(d.UpdatedAt),
	}
	if d.Status == primary {
		shown.DesiredCount = s.api.DesiredCount
	}
	if d.PlatformVersion != nil {
		shown.PlatformFamily, shown.PlatformVersion = aws.String(platformFamily), aws.String(resolvedPlatform(*d.PlatformVersion))
	}
	return shown
}

func resolvedPlatform(version string) string {
	if version == "LATEST" {
		return platformVersion
	}
	return version
}

func (a *API) rolloutARN(s *service, id string) *string {
	return aws.String(a.arn("service-deployment", s.cluster.name, s.name, id))
}

func (a *API) revisionARN(s *service, number string) *string {
	return aws.String(a.arn("service-revision", s.cluster.name, s.name, number))
}

// findRollout returns the service deployment of an ARN. The lock is held.
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
	a.mu.RLock()
	defer a.mu.RUnlock()
	c, err := a.activeCluster(in.Cluster)
	if err != nil {
		return nil, err
	}
	s, ok := a.findService(c, aws.ToString(in.Service))
	if !ok {
		return nil, serviceNotFound()
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
				StatusReason:             nonEmpty(r.Reason),
				TargetServiceRevisionArn: a.revisionARN(s, r.Target.Number),
			})
		}
	}
	limit := aws.ToInt32(in.MaxResults)
	if limit < 0 || limit > 100 {
		return nil, invalidParameter("maxResults must be between 1 and 100.")
	}
	if limit == 0 {
		limit = 20
	}
	// Newest first: the key counts down with the time.
	briefs, next, err := page.Of(briefs, func(b types.ServiceDeploymentBrief) string {
		return fmt.Sprintf("%020d", 1<<62-b.CreatedAt.UnixNano())
	}, in.NextToken, int(limit))
	if err != nil {
		return nil, invalidParameter("Invalid token: %s", aws.ToString(in.NextToken))
	}
	return &ecs.ListServiceDeploymentsOutput{ServiceDeployments: briefs, NextToken: next}, nil
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

func nonEmpty(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// DescribeServiceDeployments describes up to 20 service deployments.
func (a *API) DescribeServiceDeployments(ctx context.Context, in *ecs.DescribeServiceDeploymentsInput, _ ...func(*ecs.Options)) (*ecs.DescribeServiceDeploymentsOutput, error) {
	if n := len(in.ServiceDeploymentArns); n == 0 || n > 20 {
		return nil, invalidParameter("serviceDeploymentArns must have between 1 and 20 items.")
	}
	out := &ecs.DescribeServiceDeploymentsOutput{ServiceDeployments: []types.ServiceDeployment{}, Failures: []types.Failure{}}
	a.mu.RLock()
	defer a.mu.RUnlock()
	for _, ref := range in.ServiceDeploymentArns {
		s, r, ok := a.findRollout(ref)
		if !ok {
			out.Failures = append(out.Failures, missing(ref))
			continue
		}
		out.ServiceDeployments = append(out.ServiceDeployments, a.describeRollout(s, r))
	}
	return out, nil
}

func (a *API) describeRollout(s *service, r *rollout) types.ServiceDeployment {
	counts := s.counts()
	summary := func(number string, requested int32) types.ServiceRevisionSummary {
		n := counts["ecs-svc/"+number]
		return types.ServiceRevisionSummary{
			Arn:                a.revisionARN(s, number),
			PendingTaskCount:   n.pending,
			RunningTaskCount:   n.running,
			RequestedTaskCount: requested,
		}
	}
	d := types.ServiceDeployment{
		ClusterArn:               s.cluster.api.ClusterArn,
		CreatedAt:                aws.Time(r.CreatedAt),
		DeploymentCircuitBreaker: r.breaker(),
		DeploymentConfiguration:  r.Configuration,
		FinishedAt:               r.FinishedAt,
		ServiceArn:               s.api.ServiceArn,
		ServiceDeploymentArn:     a.rolloutARN(s, r.ID),
		SourceServiceRevisions:   []types.ServiceRevisionSummary{},
		StartedAt:                aws.Time(r.CreatedAt),
		Status:                   r.Status,
		StatusReason:             nonEmpty(r.Reason),
		StoppedAt:                r.StoppedAt,
		UpdatedAt:                aws.Time(r.UpdatedAt),
	}
	target := summary(r.Target.Number, 0)
	if len(s.deployments) > 0 && s.primary().Number == r.Target.Number {
		target.RequestedTaskCount = s.api.DesiredCount
	}
	d.TargetServiceRevision = &target
	for _, number := range r.Sources {
		n := counts["ecs-svc/"+number]
		d.SourceServiceRevisions = append(d.SourceServiceRevisions, summary(number, n.running+n.pending))
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

func (r *rollout) breaker() *types.ServiceDeploymentCircuitBreaker {
	b := &types.ServiceDeploymentCircuitBreaker{FailureCount: int32(r.Failures), Threshold: int32(r.Threshold)}
	switch {
	case !r.Configuration.DeploymentCircuitBreaker.Enable:
		b.Status = types.ServiceDeploymentRollbackMonitorsStatusDisabled
	case r.Tripped:
		b.Status = types.ServiceDeploymentRollbackMonitorsStatusTriggered
	case r.running():
		b.Status = types.ServiceDeploymentRollbackMonitorsStatusMonitoring
	default:
		b.Status = types.ServiceDeploymentRollbackMonitorsStatusMonitoringComplete
	}
	return b
}

// DescribeServiceRevisions describes up to 20 service revisions.
func (a *API) DescribeServiceRevisions(ctx context.Context, in *ecs.DescribeServiceRevisionsInput, _ ...func(*ecs.Options)) (*ecs.DescribeServiceRevisionsOutput, error) {
	if n := len(in.ServiceRevisionArns); n == 0 || n > 20 {
		return nil, invalidParameter("serviceRevisionArns must have between 1 and 20 items.")
	}
	out := &ecs.DescribeServiceRevisionsOutput{ServiceRevisions: []types.ServiceRevision{}, Failures: []types.Failure{}}
	a.mu.RLock()
	defer a.mu.RUnlock()
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
		out.ServiceRevisions = append(out.ServiceRevisions, a.describeRevision(s, s.history[i].Target))
	}
	return out, nil
}

func (a *API) describeRevision(s *service, r revision) types.ServiceRevision {
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
	if r.PlatformVersion != nil {
		d.PlatformFamily, d.PlatformVersion = aws.String(platformFamily), aws.String(resolvedPlatform(*r.PlatformVersion))
	}
	if def, ok := a.findDefinition(r.TaskDefinition); ok {
		for _, c := range def.api.ContainerDefinitions {
			d.ContainerImages = append(d.ContainerImages, types.ContainerImage{ContainerName: c.Name, Image: c.Image})
		}
	}
	return d
}

// StopServiceDeployment ends a deployment in progress: by going back to the last
// completed one, or with ABORT by starting and replacing no more tasks.
func (a *API) StopServiceDeployment(ctx context.Context, in *ecs.StopServiceDeploymentInput, _ ...func(*ecs.Options)) (*ecs.StopServiceDeploymentOutput, error) {
	err := a.change(func(b *store.Batch) error {
		s, r, ok := a.findRollout(aws.ToString(in.ServiceDeploymentArn))
		if !ok {
			return &types.ServiceDeploymentNotFoundException{Message: aws.String("Service deployment not found.")}
		}
		if r.Status != types.ServiceDeploymentStatusInProgress {
			return &types.ConflictException{Message: aws.String("The service deployment is not in a state that can be stopped: " + string(r.Status) + ".")}
		}
		now := a.now()
		switch target, ok := s.rollbackTarget(); {
		case in.StopType == types.StopServiceDeploymentStopTypeAbort:
			d := s.primary()
			d.State, d.UpdatedAt = types.DeploymentRolloutStateFailed, now
			d.Reason = "ECS deployment " + d.ID + " was stopped."
			r.StoppedAt = aws.Time(now)
			r.finish(types.ServiceDeploymentStatusStopped, "Service deployment stopped by the user.", now)
		case !ok:
			return &types.ConflictException{Message: aws.String("The service deployment cannot be rolled back: there is no completed deployment to return to.")}
		default:
			s.event(b, now, rollingBackTo(target))
			s.rollBack(target, "ECS deployment rolling back to deploymentId "+target.ID+".", "Service deployment stopped by the user.", now)
		}
		r.save(b, s)
		s.save(b)
		a.markDirty(s)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ecs.StopServiceDeploymentOutput{ServiceDeploymentArn: in.ServiceDeploymentArn}, nil
}

func rollingBackTo(d *deployment) string {
	return "rolling back to deployment " + d.ID + "."
}
