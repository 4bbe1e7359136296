package ecs

import (
	"cmp"
	"context"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/optional"
	"flyball/internal/service/ecs/fault"
	"flyball/internal/service/ecs/rules"
	"flyball/internal/service/ecs/scheduler"
	"flyball/internal/state"
)

// A service keeps a number of tasks of a definition running.
type service struct {
	cluster *cluster
	name    string
	// api is what the API shows of the service that only a call changes. Events,
	// deployments and counts are added when it is described.
	api         types.Service
	clientToken string
	deployments []*deployment // the primary first
	history     []*rollout    // newest first
	events      []types.ServiceEvent
	eventNumber uint64           // of the next event
	tasks       map[string]*task // by ID, those that have not stopped
	inactiveAt  time.Time
	monitoring  *types.MonitoringConfiguration // of its metrics; nil: each minute

	// What the scheduler remembers.
	steady bool     // the steady state has been announced
	warned []string // warning events since it was steady last, not to be repeated

	period time.Duration // of the metrics, virtual; 0 while there are none
}

// A storedService is the document of a service.
type storedService struct {
	Service     types.Service
	ClientToken string
	Deployments []*deployment
	InactiveAt  time.Time
	Steady      bool
	Monitoring  *types.MonitoringConfiguration `json:",omitempty"`
	Warnings    []string                       `json:",omitempty"`
}

func (s *service) status() string { return aws.ToString(s.api.Status) }
func (s *service) key() string    { return s.cluster.name + "/" + s.name }
func (s *service) arn() string    { return *s.api.ServiceArn }
func (s *service) desired() int   { return int(s.api.DesiredCount) }

func (s *service) stored() storedService {
	return storedService{
		Service:     s.api,
		ClientToken: s.clientToken,
		Deployments: s.deployments,
		InactiveAt:  s.inactiveAt,
		Steady:      s.steady,
		Monitoring:  s.monitoring,
		Warnings:    s.warned,
	}
}

func (s *service) save(tx *state.Tx) {
	tx.Put(kindService, s.key(), s.stored())
}

// there is whether the service has not ended: it is neither inactive nor forgotten.
func (s *service) there() bool {
	return s != nil && s.cluster.services[s.name] == s && s.status() != inactive
}

// primary is the deployment that tasks are started for.
func (s *service) primary() *deployment { return s.deployments[0] }

// deployment is that of an ID, or nil.
func (s *service) deployment(id string) *deployment {
	if i := slices.IndexFunc(s.deployments, func(d *deployment) bool { return d.ID == id }); i >= 0 {
		return s.deployments[i]
	}
	return nil
}

// describe is the service as the API shows it.
func (a *API) describe(s *service, include []types.ServiceField) types.Service {
	d := s.api
	d.Events = optional.List(s.events)
	d.Deployments = make([]types.Deployment, len(s.deployments))
	counts := s.counts()
	d.CurrentServiceRevisions = make([]types.ServiceCurrentRevisionSummary, len(s.deployments))
	for i, dep := range s.deployments {
		shown := dep.describe(s, counts[dep.ID])
		d.Deployments[i] = shown
		d.CurrentServiceRevisions[i] = types.ServiceCurrentRevisionSummary{
			Arn:                a.revisionARN(s, dep.Number),
			PendingTaskCount:   shown.PendingCount,
			RequestedTaskCount: shown.DesiredCount,
			RunningTaskCount:   shown.RunningCount,
		}
	}
	for _, n := range counts {
		d.RunningCount += n.running
		d.PendingCount += n.pending
	}
	if !slices.Contains(include, types.ServiceFieldTags) {
		d.Tags = nil
	}
	if s.managed() {
		d.TaskDefinition = nil // AWS names it in the deployments and revisions only
	}
	if r := s.history[0]; r.running() {
		d.CurrentServiceDeployment = a.rolloutARN(s, r.ID)
	}
	return d
}

// A tally counts the tasks of a deployment as ECS does: pending until they run,
// and not at all once they are stopping.
type tally struct{ running, pending int32 }

func (s *service) counts() map[string]tally {
	counts := make(map[string]tally, 1)
	for _, t := range s.tasks {
		n := counts[t.deployment]
		switch t.phase() {
		case scheduler.Running:
			n.running++
		case scheduler.Pending:
			n.pending++
		}
		counts[t.deployment] = n
	}
	return counts
}

// CreateService creates a service. Its tasks are started by the scheduler.
func (a *API) CreateService(ctx context.Context, in *ecs.CreateServiceInput, _ ...func(*ecs.Options)) (*ecs.CreateServiceOutput, error) {
	return a.createService(ctx, in, types.ResourceManagementTypeCustomer)
}

// createService creates a service whose resources somebody manages.
func (a *API) createService(ctx context.Context, in *ecs.CreateServiceInput, manages types.ResourceManagementType) (*ecs.CreateServiceOutput, error) {
	if err := rules.CheckNewService(in); err != nil {
		return nil, err
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	out := &ecs.CreateServiceOutput{}
	return answer(out, a.cell.State.Change(ctx, func(ctx context.Context, tx *state.Tx) error {
		c, err := a.activeCluster(in.Cluster)
		if err != nil {
			return err
		}
		if old, ok := c.services[*in.ServiceName]; ok && old.status() != inactive {
			if err := checkCreateAgain(old, in); err != nil {
				return err
			}
			shown := a.describe(old, []types.ServiceField{types.ServiceFieldTags})
			out.Service = &shown
			return nil
		}
		s, err := a.newService(ctx, c, in)
		if err != nil {
			return err
		}
		s.api.ResourceManagementType = manages
		if old, ok := c.services[s.name]; ok {
			old.forget(ctx, a, tx)
		}
		put(tx, c.services, s.name, s)
		a.setPeriod(tx, s, a.periodOf(s))
		s.history[0].save(tx, s)
		a.tellDeployment(tx, s)
		out.Service = a.apply(tx, s)
		return nil
	}))
}

// apply stores a service that a call has made or changed, and begins to do what
// is wanted of it: the next call finds the tasks that it starts or stops. It returns
// the service as the call shows it, before that.
func (a *API) apply(tx *state.Tx, s *service) *types.Service {
	shown := a.describe(s, []types.ServiceField{types.ServiceFieldTags})
	s.save(tx)
	a.reconcile(tx, s)
	return &shown
}

// newService builds a service with its first deployment, or says what is wrong
// with it. Nothing is changed.
func (a *API) newService(ctx context.Context, c *cluster, in *ecs.CreateServiceInput) (*service, error) {
	def, err := a.usableDefinition(in.TaskDefinition)
	if err != nil {
		return nil, err
	}
	l, err := rules.Launch{
		LaunchType:      in.LaunchType,
		Strategy:        in.CapacityProviderStrategy,
		Network:         in.NetworkConfiguration,
		PlatformVersion: in.PlatformVersion,
		LoadBalancers:   in.LoadBalancers,
	}.Resolve(&c.api, &def.api)
	if err != nil {
		return nil, err
	}
	if l, err = a.placed(ctx, l); err != nil {
		return nil, err
	}
	if in.SchedulingStrategy == types.SchedulingStrategyDaemon && l.LaunchType == types.LaunchTypeFargate {
		return nil, fault.InvalidParameter("The daemon scheduling strategy does not support the FARGATE launch type. Change the launch type and try again")
	}
	if err := rules.CheckRole(in.Role, &def.api, in.LoadBalancers); err != nil {
		return nil, err
	}
	now := a.now()
	s := &service{
		cluster:     c,
		name:        *in.ServiceName,
		api:         a.newServiceAPI(c, in, now),
		clientToken: aws.ToString(in.ClientToken),
		monitoring:  in.Monitoring,
		tasks:       map[string]*task{},
	}
	how := s.api.DeploymentConfiguration
	if err := rules.CheckDeploymentConfiguration(how, s.api.SchedulingStrategy); err != nil {
		return nil, err
	}
	if err := rules.CheckLoadBalancers(&def.api, in.LoadBalancers, how.Strategy, a.loadBalancing(ctx)); err != nil {
		return nil, err
	}
	s.deploy(def, l, now)
	a.beginWatch(ctx, s)
	return s, nil
}

// checkCreateAgain decides about a service name that is taken.
func checkCreateAgain(old *service, in *ecs.CreateServiceInput) error {
	if old.status() == draining {
		return fault.InvalidParameter("Unable to Start a service that is still Draining.")
	}
	if token := aws.ToString(in.ClientToken); token == "" || token != old.clientToken {
		return fault.InvalidParameter("Creation of service was not idempotent.")
	}
	return nil
}

// roleARN is the ARN of a role that a service names by its ARN, or by its path and
// name: bar, or /foo/bar.
func (a *API) roleARN(role *string) *string {
	if role == nil || arn.IsARN(*role) {
		return role
	}
	return aws.String(a.cell.GlobalARN("iam", "role/"+strings.TrimPrefix(*role, "/")))
}

// newServiceAPI is what the API shows of a new service, with AWS's defaults
// filled in and without what the deployment adds.
func (a *API) newServiceAPI(c *cluster, in *ecs.CreateServiceInput, now time.Time) types.Service {
	api := types.Service{
		AvailabilityZoneRebalancing:   in.AvailabilityZoneRebalancing,
		ClusterArn:                    c.api.ClusterArn,
		CreatedAt:                     aws.Time(now),
		CreatedBy:                     aws.String(a.rootARN()),
		DeploymentController:          &types.DeploymentController{Type: types.DeploymentControllerTypeEcs},
		DesiredCount:                  aws.ToInt32(in.DesiredCount),
		EnableECSManagedTags:          in.EnableECSManagedTags,
		EnableExecuteCommand:          in.EnableExecuteCommand,
		HealthCheckGracePeriodSeconds: cmp.Or(in.HealthCheckGracePeriodSeconds, aws.Int32(0)),
		PlacementConstraints:          optional.List(in.PlacementConstraints),
		PlacementStrategy:             optional.List(rules.CanonicalPlacement(in.PlacementStrategy)),
		PropagateTags:                 cmp.Or(in.PropagateTags, types.PropagateTagsNone),
		RoleArn:                       a.roleARN(in.Role),
		SchedulingStrategy:            cmp.Or(in.SchedulingStrategy, types.SchedulingStrategyReplica),
		ServiceArn:                    aws.String(a.arn("service", c.name, *in.ServiceName)),
		ServiceName:                   in.ServiceName,
		ServiceRegistries:             []types.ServiceRegistry{},
		Status:                        aws.String(active),
		Tags:                          optional.List(in.Tags),
	}
	if in.NetworkConfiguration != nil { // ECS attaches the network interfaces in its own role
		api.RoleArn = aws.String(a.cell.GlobalARN("iam", "role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS"))
	}
	api.DeploymentConfiguration = rules.DeploymentDefaults(in.DeploymentConfiguration, nil, api.SchedulingStrategy)
	if api.SchedulingStrategy == types.SchedulingStrategyDaemon {
		api.DesiredCount = 1 // one task on each host: this machine
	}
	if api.AvailabilityZoneRebalancing == "" {
		api.AvailabilityZoneRebalancing = types.AvailabilityZoneRebalancingEnabled
		if *api.DeploymentConfiguration.MaximumPercent <= 100 { // rebalancing needs room above
			api.AvailabilityZoneRebalancing = types.AvailabilityZoneRebalancingDisabled
		}
	}
	return api
}

// show shows what the primary deployment runs as the service's.
func (s *service) show(r revision) {
	l := r.Launch
	s.api.TaskDefinition = aws.String(r.TaskDefinition)
	s.api.LaunchType = l.LaunchType
	s.api.CapacityProviderStrategy = l.Strategy
	s.api.NetworkConfiguration = l.Network
	s.api.PlatformVersion = l.PlatformVersion
	s.api.PlatformFamily = nil
	if l.PlatformVersion != nil {
		s.api.PlatformFamily = aws.String(platformFamily)
	}
	s.api.LoadBalancers = optional.List(l.LoadBalancers)
}

// UpdateService changes a service. What affects its tasks, or a forced
// deployment, starts a new deployment.
func (a *API) UpdateService(ctx context.Context, in *ecs.UpdateServiceInput, _ ...func(*ecs.Options)) (*ecs.UpdateServiceOutput, error) {
	return a.updateService(ctx, in, func(s *service) error { return checkUnmanaged(s, in) })
}

// updateService changes a service that a check lets it change.
func (a *API) updateService(ctx context.Context, in *ecs.UpdateServiceInput, check func(*service) error) (*ecs.UpdateServiceOutput, error) {
	if err := rules.CheckServiceUpdate(in); err != nil {
		return nil, err
	}
	out := &ecs.UpdateServiceOutput{}
	return answer(out, a.cell.State.Change(ctx, func(ctx context.Context, tx *state.Tx) error {
		c, err := a.activeCluster(in.Cluster)
		if err != nil {
			return err
		}
		s, ok := a.findService(c, aws.ToString(in.Service))
		if !ok {
			return fault.ServiceNotFound()
		}
		if s.status() != active {
			return fault.ServiceNotActive()
		}
		if err := check(s); err != nil {
			return err
		}
		before := s.primary()
		if err := a.update(ctx, tx, s, in); err != nil {
			return err
		}
		if now := s.primary(); now != before && s.managed() && a.cfg.Deployed != nil {
			if err := a.cfg.Deployed(ctx, s.arn(), now.groups()); err != nil {
				return err
			}
		}
		out.Service = a.apply(tx, s)
		return nil
	}))
}

// update validates a change of a service and makes it.
func (a *API) update(ctx context.Context, tx *state.Tx, s *service, in *ecs.UpdateServiceInput) error {
	if err := rules.CheckDaemonCount(s.api.SchedulingStrategy, in.DesiredCount); err != nil {
		return err
	}
	configuration := s.api.DeploymentConfiguration
	if in.DeploymentConfiguration != nil {
		configuration = rules.DeploymentDefaults(in.DeploymentConfiguration, configuration, s.api.SchedulingStrategy)
		if err := rules.CheckDeploymentConfiguration(configuration, s.api.SchedulingStrategy); err != nil {
			return err
		}
	}
	def, l, redeploy, err := a.updatedLaunch(ctx, s, in, configuration.Strategy)
	if err != nil {
		return err
	}

	s.keep(tx)
	s.api.DeploymentConfiguration = configuration
	if in.DesiredCount != nil {
		a.setDesired(tx, s, *in.DesiredCount)
	}
	s.applyPlainChanges(in)
	if in.Monitoring != nil {
		s.monitoring = in.Monitoring
		a.setPeriod(tx, s, a.periodOf(s))
	}
	if redeploy {
		replaced := s.history[0]
		s.deploy(def, l, a.now())
		a.beginWatch(ctx, s)
		replaced.save(tx, s)
		s.history[0].save(tx, s)
		a.tellDeployment(tx, s)
		s.trimHistory(tx)
	}
	return nil
}

func (a *API) setDesired(tx *state.Tx, s *service, n int32) {
	if s.api.DesiredCount == n {
		return
	}
	s.api.DesiredCount = n
	s.steady = false
	a.publishAction(tx, s, EventAction, Action{EventType: "INFO", EventName: "SERVICE_DESIRED_COUNT_UPDATED", DesiredCount: &n})
}

// updatedLaunch is what a service's tasks are started with after an update, and
// whether that takes a new deployment.
func (a *API) updatedLaunch(ctx context.Context, s *service, in *ecs.UpdateServiceInput, strategy types.DeploymentStrategy) (*definition, rules.Launch, bool, error) {
	current := s.primary()
	l := current.Launch.Changed(in)
	if err := current.Launch.CheckChange(l, in.ForceNewDeployment); err != nil {
		return nil, l, false, err
	}
	redeploy := in.ForceNewDeployment || !reflect.DeepEqual(l, current.Launch)
	def, known := a.findDefinition(current.TaskDefinition)
	if in.TaskDefinition != nil {
		var err error
		if def, err = a.usableDefinition(in.TaskDefinition); err != nil {
			return nil, l, false, err
		}
		known = true
		redeploy = redeploy || def.arn() != current.TaskDefinition
	}
	if !redeploy && strategy == s.api.DeploymentConfiguration.Strategy {
		return nil, l, false, nil
	}
	if !known {
		return nil, l, false, fault.Client("TaskDefinition not found.")
	}
	l, err := l.Resolve(&s.cluster.api, &def.api)
	if err != nil {
		return nil, l, false, err
	}
	if in.NetworkConfiguration != nil {
		if l, err = a.placed(ctx, l); err != nil {
			return nil, l, false, err
		}
	}
	if err := rules.CheckLoadBalancers(&def.api, l.LoadBalancers, strategy, a.loadBalancing(ctx)); err != nil {
		return nil, l, false, err
	}
	return def, l, redeploy, nil
}

// applyPlainChanges sets what needs no new deployment by itself.
func (s *service) applyPlainChanges(in *ecs.UpdateServiceInput) {
	if in.AvailabilityZoneRebalancing != "" {
		s.api.AvailabilityZoneRebalancing = in.AvailabilityZoneRebalancing
	}
	if in.EnableECSManagedTags != nil {
		s.api.EnableECSManagedTags = *in.EnableECSManagedTags
	}
	if in.EnableExecuteCommand != nil {
		s.api.EnableExecuteCommand = *in.EnableExecuteCommand
	}
	if in.HealthCheckGracePeriodSeconds != nil {
		s.api.HealthCheckGracePeriodSeconds = in.HealthCheckGracePeriodSeconds
	}
	if in.PlacementConstraints != nil {
		s.api.PlacementConstraints = in.PlacementConstraints
	}
	if in.PlacementStrategy != nil {
		s.api.PlacementStrategy = rules.CanonicalPlacement(in.PlacementStrategy)
	}
	if in.PropagateTags != "" {
		s.api.PropagateTags = in.PropagateTags
	}
}

// DeleteService drains a service, which must be scaled to zero unless force is
// set. It becomes inactive when its last task has stopped. What scales it goes with
// it, or both stay.
func (a *API) DeleteService(ctx context.Context, in *ecs.DeleteServiceInput, _ ...func(*ecs.Options)) (*ecs.DeleteServiceOutput, error) {
	out := &ecs.DeleteServiceOutput{}
	return answer(out, a.cell.State.Change(ctx, func(ctx context.Context, tx *state.Tx) error {
		s, err := a.deletableService(in)
		if err != nil {
			return err
		}
		if a.cfg.Deleted != nil {
			if err := a.cfg.Deleted(ctx, s.cluster.name, s.name); err != nil {
				return err
			}
		}
		s.keep(tx)
		s.api.Status = aws.String(draining)
		a.setDesired(tx, s, 0)
		out.Service = a.apply(tx, s)
		return nil
	}))
}

func (a *API) deletableService(in *ecs.DeleteServiceInput) (*service, error) {
	c, err := a.activeCluster(in.Cluster)
	if err != nil {
		return nil, err
	}
	s, ok := a.findService(c, aws.ToString(in.Service))
	if !ok {
		return nil, fault.ServiceNotFound()
	}
	if s.status() == inactive {
		return nil, fault.ServiceNotActive()
	}
	scaled := s.desired() > 0 && s.api.SchedulingStrategy != types.SchedulingStrategyDaemon
	if scaled && !aws.ToBool(in.Force) {
		return nil, fault.InvalidParameter("The service cannot be stopped while it is scaled above 0.")
	}
	return s, nil
}

// DescribeServices describes up to ten services of a cluster, deleted ones too
// while they are remembered.
func (a *API) DescribeServices(ctx context.Context, in *ecs.DescribeServicesInput, _ ...func(*ecs.Options)) (*ecs.DescribeServicesOutput, error) {
	switch n := len(in.Services); {
	case n == 0:
		return nil, fault.InvalidParameter("Services cannot be empty.")
	case n > 10:
		return nil, fault.InvalidParameter("Services can have at most 10 items.")
	}
	out := &ecs.DescribeServicesOutput{Services: make([]types.Service, 0, len(in.Services)), Failures: []types.Failure{}}
	return read(ctx, a, func() (*ecs.DescribeServicesOutput, error) {
		c, ok := a.findCluster(in.Cluster) // a deleted one still shows the services that it had
		if !ok {
			return nil, fault.ClusterNotFound()
		}
		for _, ref := range in.Services {
			s, ok := a.findService(c, ref)
			if !ok {
				// ECS names it without its cluster, unlike a service that exists.
				out.Failures = append(out.Failures, missing(a.reference("service", ref)))
				continue
			}
			out.Services = append(out.Services, a.describe(s, in.Include))
		}
		return out, nil
	})
}

// ListServices lists the ARNs of a cluster's active services.
func (a *API) ListServices(ctx context.Context, in *ecs.ListServicesInput, _ ...func(*ecs.Options)) (*ecs.ListServicesOutput, error) {
	arns, err := read(ctx, a, func() ([]string, error) {
		c, err := a.activeCluster(in.Cluster)
		if err != nil {
			return nil, err
		}
		arns := make([]string, 0, len(c.services))
		for _, s := range c.services {
			switch {
			case s.status() != active:
			case in.LaunchType != "" && s.api.LaunchType != in.LaunchType:
			case in.SchedulingStrategy != "" && s.api.SchedulingStrategy != in.SchedulingStrategy:
			case in.ResourceManagementType != "" && s.api.ResourceManagementType != in.ResourceManagementType:
			default:
				arns = append(arns, s.arn())
			}
		}
		return arns, nil
	})
	if err != nil {
		return nil, err
	}
	slices.Sort(arns)
	arns, next, err := pageOf(arns, in.NextToken, cmp.Or(in.MaxResults, aws.Int32(10)), 100)
	if err != nil {
		return nil, err
	}
	return &ecs.ListServicesOutput{ServiceArns: arns, NextToken: next}, nil
}

// ListServicesByNamespace lists the services of a Cloud Map namespace, of which
// there are none.
func (a *API) ListServicesByNamespace(ctx context.Context, in *ecs.ListServicesByNamespaceInput, _ ...func(*ecs.Options)) (*ecs.ListServicesByNamespaceOutput, error) {
	return nil, &types.NamespaceNotFoundException{Message: aws.String("Namespace not found.")}
}
