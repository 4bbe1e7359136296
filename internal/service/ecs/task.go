package ecs

import (
	"cmp"
	goruntime "runtime"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/google/uuid"

	"flyball/internal/cell"
	"flyball/internal/clock"
	"flyball/internal/optional"
	"flyball/internal/service/ecs/rules"
	"flyball/internal/service/ecs/scheduler"
	"flyball/internal/state"
	runtime "flyball/internal/task"
)

// The states of a task, in the order of its life (Amazon ECS Developer Guide,
// "Amazon ECS task lifecycle").
const (
	statusProvisioning   = "PROVISIONING"
	statusPending        = "PENDING"
	statusActivating     = "ACTIVATING"
	statusRunning        = "RUNNING"
	statusDeactivating   = "DEACTIVATING"
	statusStopping       = "STOPPING"
	statusDeprovisioning = "DEPROVISIONING"
	statusStopped        = "STOPPED"
)

// stableAfter is how long a task must have run, in real time, before the
// scheduler counts it as ready. AWS does not document such a time; without one
// a program that crashes in its first second would complete its deployment and
// push the old tasks out.
const stableAfter = 3 * time.Second

// shortLife is how long a task must have run, in real time, for its end not to
// count as one more failure in a row.
const shortLife = time.Minute

// A task is one copy of a task definition.
type task struct {
	id      string
	cluster *cluster
	service *service // nil for a task that RunTask started
	// deployment is the ID of the service's deployment that the task belongs to.
	deployment string
	definition *definition
	// api is what the API shows of the task. Its lists are replaced, never
	// changed in place, because descriptions share them.
	api            types.Task
	clientToken    string
	request        string // fingerprint of the RunTask call, if it has a client token
	protectedUntil time.Time
	securityGroups []string   // of its network interface
	balancing      *balancing // nil for a task that is in no target group

	secret      string                      // in the path of the credentials of its role; "" has none
	credentials atomic.Pointer[Credentials] // that it was given last in this life of the server
	accessKey   string                      // of credentials that end with it; "" has none

	stop      *clock.Signal // closed when the task is to stop
	handle    runtime.Task  // set once the containers have started
	address   string        // of the containers, from then on
	steady    bool          // has been counted as ready
	unhealthy bool          // stopped for its health
	unplaced  string        // what this machine lacked, if it was not started for that
	attempt   int           // its deployment's when the task was accepted

	reserved rules.Size
	meter    *meter                  // while it is measured
	use      atomic.Pointer[TaskUse] // as it was measured last; nil: not yet
}

// storedTask is the stored form.
type storedTask struct {
	Task           types.Task
	Service        string
	Deployment     string
	Definition     string // FAMILY:REVISION
	ClientToken    string
	Request        string
	ProtectedUntil time.Time
	Secret         string    `json:",omitempty"`
	AccessKey      string    `json:",omitempty"`
	SecurityGroups []string  `json:",omitempty"`
	Targets        []*target `json:",omitempty"`
}

func (t *task) key() string { return t.cluster.name + "/" + t.id }
func (t *task) arn() string { return *t.api.TaskArn }

func (t *task) save(tx *state.Tx) {
	r := storedTask{
		Task:           t.api,
		Deployment:     t.deployment,
		Definition:     t.definition.key(),
		ClientToken:    t.clientToken,
		Request:        t.request,
		ProtectedUntil: t.protectedUntil,
		Secret:         t.secret,
		AccessKey:      t.accessKey,
		SecurityGroups: t.securityGroups,
		Targets:        t.balancing.stored(),
	}
	if t.service != nil {
		r.Service = t.service.name
	}
	tx.Put(kindTask, t.key(), r)
}

func (t *task) status() string { return *t.api.LastStatus }
func (t *task) stopped() bool  { return t.status() == statusStopped }

func (t *task) askedToStop() bool { return *t.api.DesiredStatus == statusStopped }

// phase is the task's life as the scheduler sees it.
func (t *task) phase() scheduler.Phase {
	switch {
	case t.askedToStop():
		return scheduler.Stopping
	case t.status() == statusRunning:
		return scheduler.Running
	}
	return scheduler.Pending
}

// view is a service's task as the scheduler sees it. Virtual turns spans of real
// time, in which tasks live, into the clock's.
func (t *task) view(virtual func(time.Duration) time.Duration) scheduler.Task {
	v := scheduler.Task{
		ID:         t.id,
		Deployment: t.deployment,
		Phase:      t.phase(),
		CreatedAt:  *t.api.CreatedAt,
		Protected:  t.protectedUntil,
	}
	switch {
	case v.Phase != scheduler.Running:
	case t.api.HealthStatus == types.HealthStatusUnhealthy || t.balancing.failing() != nil:
		grace := time.Duration(aws.ToInt32(t.service.api.HealthCheckGracePeriodSeconds)) * time.Second
		v.UnhealthyAt = t.api.StartedAt.Add(virtual(grace))
	case !t.balancing.serving():
	case t.api.HealthStatus == types.HealthStatusHealthy || !t.checksHealth():
		v.ReadyAt = t.api.StartedAt.Add(virtual(stableAfter))
	}
	return v
}

// checksHealth is whether an essential container has a health check.
func (t *task) checksHealth() bool {
	return slices.ContainsFunc(t.definition.api.ContainerDefinitions, func(c types.ContainerDefinition) bool {
		return *c.Essential && c.HealthCheck != nil && c.HealthCheck.Command[0] != "NONE"
	})
}

// A taskOrder is what a new task is made from.
type taskOrder struct {
	cluster     *cluster
	service     *service
	deployment  string
	definition  *definition
	launch      rules.Launch
	balancers   []types.LoadBalancer // with the target groups that the task is to be in
	provider    string               // capacity provider, "" for none
	subnet      string               // of its network interface, "" for none
	group       string
	startedBy   string
	overrides   *types.TaskOverride
	tags        []types.Tag
	exec        bool
	clientToken string
	request     string
	instance    string // ARN of the container instance, "" for none
}

// newTask accepts a task: it is in the cluster from now on and waits to be
// driven.
func (a *API) newTask(tx *state.Tx, o taskOrder) *task {
	t := &task{
		id:          newTaskID(),
		cluster:     o.cluster,
		service:     o.service,
		deployment:  o.deployment,
		definition:  o.definition,
		clientToken: o.clientToken,
		request:     o.request,
		stop:        a.cell.Clock.Signal(),
	}
	t.api = a.newTaskAPI(t.id, o)
	t.secret = a.newSecret(t)
	t.showSize()
	t.reserved = t.reservation()
	t.balancing = newBalancing(a.cell.Clock, t, o.balancers)
	if n := o.launch.Network; n != nil {
		t.securityGroups = n.AwsvpcConfiguration.SecurityGroups
	}
	t.api.Attachments = newAttachments(o.subnet)
	t.api.Containers = a.newContainers(t)
	put(tx, o.cluster.tasks, t.id, t)
	if o.service != nil {
		put(tx, o.service.tasks, t.id, t)
		t.attempt = o.service.deployment(o.deployment).Retry.attempt
	}
	t.save(tx)
	a.publishTask(tx, t)
	accepted := a.now()
	tx.After(func() { a.undriven.Set(t, accepted) })
	return t
}

// newTaskAPI is what the API shows of a new task, without its size, containers
// and attachments.
func (a *API) newTaskAPI(id string, o taskOrder) types.Task {
	api := types.Task{
		Attributes:           []types.Attribute{{Name: aws.String("ecs.cpu-architecture"), Value: aws.String(cpuArchitecture(o.definition))}},
		AvailabilityZone:     aws.String(cmp.Or(o.launch.Zone(o.subnet), a.cell.Zones()[0])),
		CapacityProviderName: optional.String(o.provider),
		ClusterArn:           o.cluster.api.ClusterArn,
		ContainerInstanceArn: optional.String(o.instance),
		CreatedAt:            aws.Time(a.now()),
		DesiredStatus:        aws.String(statusRunning),
		EnableExecuteCommand: o.exec,
		EphemeralStorage:     o.storage(),
		Group:                aws.String(o.group),
		HealthStatus:         types.HealthStatusUnknown,
		LastStatus:           aws.String(statusProvisioning),
		LaunchType:           o.launch.RunsAs(),
		Overrides:            overridesShown(o.definition, o.overrides),
		StartedBy:            optional.String(o.startedBy),
		Tags:                 optional.List(o.tags),
		TaskArn:              aws.String(a.arn("task", o.cluster.name, id)),
		TaskDefinitionArn:    aws.String(o.definition.arn()),
		Version:              1,
	}
	if o.launch.PlatformVersion != nil {
		api.PlatformFamily = aws.String(platformFamily)
		api.PlatformVersion = aws.String(resolvedPlatform(*o.launch.PlatformVersion))
		api.FargateEphemeralStorage = &types.TaskEphemeralStorage{SizeInGiB: api.EphemeralStorage.SizeInGiB}
	}
	return api
}

// storage is what the task or its definition asks for, or what Fargate gives.
func (o taskOrder) storage() *types.EphemeralStorage {
	switch {
	case o.overrides != nil && o.overrides.EphemeralStorage != nil:
		return o.overrides.EphemeralStorage
	case o.definition.api.EphemeralStorage == nil && o.launch.RunsAs() == types.LaunchTypeFargate:
		return &types.EphemeralStorage{SizeInGiB: fargateStorage}
	}
	return o.definition.api.EphemeralStorage
}

// fargateStorage is the ephemeral storage, in GiB, of a Fargate task that asks
// for none.
const fargateStorage = 20

// cpuArchitecture is what a task's definition wants, or this machine's.
func cpuArchitecture(d *definition) string {
	if p := d.api.RuntimePlatform; p != nil && p.CpuArchitecture == types.CPUArchitectureArm64 || goruntime.GOARCH == "arm64" {
		return "arm64"
	}
	return "x86_64"
}

// showSize shows the task-level size where there is one.
func (t *task) showSize() {
	size := t.size()
	if size.CPU > 0 {
		t.api.Cpu = aws.String(strconv.Itoa(size.CPU))
	}
	if size.Memory > 0 {
		t.api.Memory = aws.String(strconv.Itoa(size.Memory))
	}
}

// overridesShown lists every container, as AWS does, with what is overridden.
func overridesShown(d *definition, o *types.TaskOverride) *types.TaskOverride {
	shown := types.TaskOverride{}
	if o != nil {
		shown = *o
	}
	//lint:ignore SA1019 clients still see the empty list
	shown.InferenceAcceleratorOverrides = []types.InferenceAcceleratorOverride{}
	shown.ContainerOverrides = slices.Clone(shown.ContainerOverrides)
	for _, c := range d.api.ContainerDefinitions {
		if !slices.ContainsFunc(shown.ContainerOverrides, func(o types.ContainerOverride) bool { return *o.Name == *c.Name }) {
			shown.ContainerOverrides = append(shown.ContainerOverrides, types.ContainerOverride{Name: c.Name})
		}
	}
	return &shown
}

// newAttachments is the network interface of a task, without its address.
func newAttachments(subnet string) []types.Attachment {
	details := []types.KeyValuePair{}
	if subnet != "" {
		details = append(details, types.KeyValuePair{Name: aws.String("subnetId"), Value: &subnet})
	}
	details = append(details,
		types.KeyValuePair{Name: aws.String("networkInterfaceId"), Value: aws.String(cell.NewID("eni-", 17))},
		types.KeyValuePair{Name: aws.String("macAddress"), Value: aws.String(newMACAddress())})
	return []types.Attachment{{
		Id:      aws.String(uuid.NewString()),
		Type:    aws.String("ElasticNetworkInterface"),
		Status:  aws.String("PRECREATED"),
		Details: details,
	}}
}

func (a *API) newContainers(t *task) []types.Container {
	var containers []types.Container
	for _, c := range t.definition.api.ContainerDefinitions {
		shown := types.Container{
			ContainerArn:      aws.String(a.arn("container", t.cluster.name, t.id, uuid.NewString())),
			Cpu:               aws.String(strconv.Itoa(int(c.Cpu))),
			HealthStatus:      types.HealthStatusUnknown,
			Image:             c.Image,
			LastStatus:        aws.String(statusPending),
			Name:              c.Name,
			NetworkBindings:   []types.NetworkBinding{},
			NetworkInterfaces: []types.NetworkInterface{},
			TaskArn:           t.api.TaskArn,
		}
		if c.Memory != nil {
			shown.Memory = aws.String(strconv.Itoa(int(*c.Memory)))
		}
		if c.MemoryReservation != nil {
			shown.MemoryReservation = aws.String(strconv.Itoa(int(*c.MemoryReservation)))
		}
		containers = append(containers, shown)
	}
	return containers
}

// size is the task-level size, after overrides.
func (t *task) size() rules.Size { return t.definition.sizeWith(t.api.Overrides) }

// reservation is what the task's usage is measured against. A task that
// reserves no CPU is measured against one virtual CPU: its metric then means
// something, and a policy on it can act.
func (t *task) reservation() rules.Size {
	r := t.definition.claims(t.size())
	if r.CPU == 0 {
		r.CPU = 1024
	}
	return r
}

// setStatus moves a task on.
func (t *task) setStatus(status string) { t.api.LastStatus = aws.String(status) }

// setContainers replaces the containers with changed copies.
func (t *task) setContainers(change func(*types.Container)) {
	containers := slices.Clone(t.api.Containers)
	for i := range containers {
		change(&containers[i])
	}
	t.api.Containers = containers
}

// setAttachment replaces the network interface's status, and adds details to it.
func (t *task) setAttachment(status string, details ...types.KeyValuePair) {
	attachments := slices.Clone(t.api.Attachments)
	for i := range attachments {
		attachments[i].Status = aws.String(status)
		attachments[i].Details = slices.Concat(attachments[i].Details, details)
	}
	t.api.Attachments = attachments
}

// attached is whether the network interface has its address.
func (t *task) attached() bool { return *t.api.Attachments[0].Status == "ATTACHED" }

// A stopCause is why a task is asked to stop, as its stop code tells it.
type stopCause = types.TaskStopCode

const (
	stopScheduler = types.TaskStopCodeServiceSchedulerInitiated
	stopUser      = types.TaskStopCodeUserInitiated
	stopShutdown  = types.TaskStopCodeTerminationNotice
)

// stopTask wants a task stopped. It does nothing for one that has been asked
// already.
func (a *API) stopTask(tx *state.Tx, t *task, cause stopCause, reason string) {
	if t.askedToStop() {
		return
	}
	keep(tx, &t.api)
	t.api.DesiredStatus = aws.String(statusStopped)
	t.api.StopCode = cause
	t.api.StoppedReason = aws.String(reason)
	t.api.StoppingAt = aws.Time(a.now())
	if s := t.status(); s == statusRunning || s == statusActivating {
		t.setStatus(statusDeactivating)
	}
	a.withdraw(t)
	tx.After(t.stop.Close)
	a.changed(tx, t)
}
