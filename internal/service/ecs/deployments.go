package ecs

import (
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/service/ecs/lifecycle"
	"flyball/internal/service/ecs/rules"
	"flyball/internal/service/ecs/scheduler"
	"flyball/internal/state"
)

// maxHistory is how many service deployments are kept for each service.
const maxHistory = 50

// The platform of all Fargate tasks.
const (
	platformFamily  = "Linux"
	platformVersion = "1.4.0" // what LATEST means
)

// A revision is what a service was told to run at one time. It never changes.
type revision struct {
	Number         string
	TaskDefinition string // ARN
	CreatedAt      time.Time
	// Groups are the ARNs of the target groups that its tasks are in, one for each of
	// its load balancers.
	Groups []string `json:",omitempty"`
	rules.Launch
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
	Retry     backOff
	// Proven is set once it has been completed: it is what later deployments return to,
	// also when it is brought back and another comes before that has ended.
	Proven bool `json:",omitempty"`
}

// A backOff is what a deployment remembers of its tasks that have failed, to wait before
// it starts others.
type backOff struct {
	Failures int       `json:",omitempty"` // in a row
	RetryAt  time.Time `json:",omitzero"`  // no task is started before
	attempt  int       // grows with each failure that is counted
}

// A rollout is what the API calls a service deployment: how the change to one
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
	Images        map[string]string `json:",omitempty"` // the digests of the containers' images, once they are known

	Plan     lifecycle.Plan
	Position lifecycle.Position
	Watch    deploymentWatch
	Source   string             `json:",omitempty"` // number of the revision that traffic goes back to
	Routes   []route            `json:",omitempty"`
	Routed   *lifecycle.Traffic `json:",omitempty"` // what the listeners send; nil before they are first set
	looked   bool               // at the listeners, in this life of the server
}

func (r *rollout) save(tx *state.Tx, s *service) {
	tx.Put(kindRollout, s.key()+"/"+r.ID, r)
}

func (r *rollout) running() bool {
	return r.Status == types.ServiceDeploymentStatusInProgress || r.Status == types.ServiceDeploymentStatusRollbackInProgress
}

func (r *rollout) finish(status types.ServiceDeploymentStatus, reason string, now time.Time) {
	r.Status, r.Reason, r.UpdatedAt = status, reason, now
	r.FinishedAt = aws.Time(now)
}

// beside is whether the deployment keeps revisions side by side, or has stopped while it
// did.
func (r *rollout) beside() bool { return r.Position.Apart(r.Plan) }

// newRollout is a service deployment that begins.
func newRollout(target revision, s *service, now time.Time) *rollout {
	return &rollout{
		ID:            newServiceDeploymentID(),
		Target:        target,
		Status:        types.ServiceDeploymentStatusInProgress,
		CreatedAt:     now,
		UpdatedAt:     now,
		Configuration: s.api.DeploymentConfiguration,
		Threshold:     s.breakerThreshold(),
	}
}

// deploymentID is the ID of the deployment of a revision.
func deploymentID(revision string) string { return "ecs-svc/" + revision }

// deploy makes a new deployment the primary one.
func (s *service) deploy(def *definition, l rules.Launch, now time.Time) {
	s.supersede(now)
	source := s.source()
	rev := revision{Number: newDeploymentNumber(), TaskDefinition: def.arn(), CreatedAt: now, Launch: l}
	rev.Groups = groupsBeside(source, l.LoadBalancers, s.shiftsTraffic())
	d := &deployment{revision: rev, ID: deploymentID(rev.Number), Status: primary, UpdatedAt: now}
	d.begin("ECS deployment "+d.ID+" in progress.", now)
	r := newRollout(rev, s, now)
	for _, old := range s.deployments {
		old.Status, old.UpdatedAt = active, now
		r.Sources = append(r.Sources, old.Number)
	}
	s.plan(r, source)
	s.deployments = append([]*deployment{d}, s.deployments...)
	s.show(rev)
	s.history = append([]*rollout{r}, s.history...)
	s.steady, s.warned = false, nil
}

// supersede ends the service deployment that runs, for a new one. One that has only to
// remove the revision that it has replaced is as good as done.
func (s *service) supersede(now time.Time) {
	if len(s.history) == 0 || !s.history[0].running() {
		return
	}
	r := s.history[0]
	if p := r.Position; p.Stage == lifecycle.CleanUp && !p.Back {
		s.primary().succeed()
		r.finish(types.ServiceDeploymentStatusSuccessful, "", now)
		return
	}
	r.StoppedAt = aws.Time(now)
	r.finish(types.ServiceDeploymentStatusStopped, "Replaced by a newer service deployment.", now)
}

// source is the deployment that a new one replaces: the last one that was completed,
// or else the primary one. There is none in a service that is being created.
func (s *service) source() *deployment {
	for _, d := range s.deployments {
		if d.proven() {
			return d
		}
	}
	if len(s.deployments) > 0 {
		return s.deployments[0]
	}
	return nil
}

// trimHistory forgets the oldest service deployments when there are too many.
func (s *service) trimHistory(tx *state.Tx) {
	for len(s.history) > maxHistory {
		last := len(s.history) - 1
		tx.Delete(kindRollout, s.key()+"/"+s.history[last].ID)
		s.history = s.history[:last]
	}
}

func (d *deployment) begin(reason string, now time.Time) {
	d.State, d.Reason, d.UpdatedAt = types.DeploymentRolloutStateInProgress, reason, now
	d.Failed = 0
}

func (d *deployment) succeed() { d.State, d.Proven = types.DeploymentRolloutStateCompleted, true }

// proven is whether the deployment has been completed once. Earlier releases kept its state
// only.
func (d *deployment) proven() bool {
	return d.Proven || d.State == types.DeploymentRolloutStateCompleted
}

// complete ends a deployment that has what it wants. Older ones that still have tasks
// are on their way out.
func (s *service) complete(now time.Time) {
	d, r := s.primary(), s.history[0]
	d.succeed()
	d.UpdatedAt = now
	d.Reason = "ECS deployment " + d.ID + " completed."
	s.dropEmpty()
	switch r.Status {
	case types.ServiceDeploymentStatusRollbackInProgress:
		r.finish(types.ServiceDeploymentStatusRollbackSuccessful, r.Reason, now)
	case types.ServiceDeploymentStatusInProgress:
		r.finish(types.ServiceDeploymentStatusSuccessful, "", now)
	}
}

// A cause is why a deployment fails, in the words of what found it.
type cause struct {
	finder string // begins what the deployment says of its state
	fault  string // what was found
	reason string // ends what the service deployment says of its status
}

var (
	byBreaker = cause{"ECS deployment circuit breaker", "tasks failed to start.", "the circuit breaker threshold was exceeded"}
	byHook    = cause{"ECS deployment lifecycle hook", "nobody continued the deployment in time.", "a lifecycle hook timed out"}
)

// failDeployment ends the primary deployment, and goes back to the last completed one if
// that is wanted.
func (a *API) failDeployment(tx *state.Tx, s *service, why cause, rollback bool, now time.Time) {
	d := s.primary()
	s.fail(why, now)
	a.tell(tx, s, deploymentFailed(d, why))
	if target, ok := s.rollbackTarget(); ok && rollback {
		a.tell(tx, s, rollingBackTo(target))
		s.rollBack(target, why.finder+": rolling back to deploymentId "+target.ID, "Service deployment rolled back because "+why.reason+".", now)
	}
	s.history[0].save(tx, s)
}

// fail ends the primary deployment. It starts no more tasks.
func (s *service) fail(why cause, now time.Time) {
	d, r := s.primary(), s.history[0]
	d.State, d.UpdatedAt = types.DeploymentRolloutStateFailed, now
	d.Reason = why.finder + ": " + why.fault
	r.Position = r.Position.Halt()
	r.finish(types.ServiceDeploymentStatusStopped, "Service deployment stopped because "+why.reason+".", now)
	r.StoppedAt = aws.Time(now)
}

// rollBack makes the last completed deployment the primary one again.
func (s *service) rollBack(to *deployment, reason, why string, now time.Time) {
	failed, r := s.primary(), s.history[0]
	failed.Status, failed.UpdatedAt = active, now
	to.Status = primary
	to.begin(reason, now)
	rest := slices.DeleteFunc(slices.Clone(s.deployments), func(d *deployment) bool { return d == to })
	s.deployments = append([]*deployment{to}, rest...)
	s.show(to.revision)
	s.steady, s.warned = false, nil
	to.Retry.Failures, to.Retry.RetryAt = 0, time.Time{}

	r.Position = r.Position.Return(now)
	r.Status, r.UpdatedAt, r.FinishedAt, r.StoppedAt = types.ServiceDeploymentStatusRollbackInProgress, now, nil, nil
	r.Reason = why
	r.RollbackTo, r.RollbackAt, r.RollbackWhy = to.Number, aws.Time(now), why
}

// rollbackTarget is the last completed deployment before the primary one.
func (s *service) rollbackTarget() (*deployment, bool) {
	for _, d := range s.deployments[1:] {
		if d.proven() {
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
		return scheduler.BreakerThreshold(s.desired(), nil)
	}
	t := &scheduler.Threshold{Percent: int(configured.Value), Bounded: configured.Type == types.ThresholdTypeBoundedPercent}
	if configured.Type == types.ThresholdTypeCount {
		t = &scheduler.Threshold{Count: int(configured.Value)}
	}
	return scheduler.BreakerThreshold(s.desired(), t)
}

// dropEmpty forgets older deployments that have no tasks and to which there is
// no way back.
func (s *service) dropEmpty() {
	if len(s.deployments) == 1 {
		return
	}
	counts := map[string]int{}
	for _, t := range s.tasks {
		counts[t.deployment]++
	}
	target, _ := s.rollbackTarget()
	if s.primary().State == types.DeploymentRolloutStateCompleted {
		target = nil
	}
	s.deployments = slices.DeleteFunc(slices.Clone(s.deployments), func(d *deployment) bool {
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
