package ecs

import (
	"context"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/optional"
	"flyball/internal/service/ecs/fault"
	"flyball/internal/service/ecs/rules"
	"flyball/internal/service/ecs/scheduler"
	"flyball/internal/state"
)

// A containerInstance is a machine that was registered with a cluster. Tasks that
// are started on it run on this machine, as all do; it counts them and what they
// reserve. Services and RunTask run without one.
type containerInstance struct {
	id      string
	cluster *cluster
	// api is what the API shows, without task counts and remaining resources. Its
	// lists are replaced, never changed in place.
	api types.ContainerInstance
}

func newContainerInstance(c *cluster, api types.ContainerInstance) *containerInstance {
	return &containerInstance{id: lastPart(*api.ContainerInstanceArn), cluster: c, api: api}
}

func (i *containerInstance) arn() string { return *i.api.ContainerInstanceArn }

func (i *containerInstance) save(tx *state.Tx) {
	tx.Put(kindInstance, i.cluster.name+"/"+i.id, i.api)
}

// findInstance returns the container instance of a cluster by its ID or ARN.
func (a *API) findInstance(c *cluster, ref string) (*containerInstance, bool) {
	id, ok := a.inCluster("container-instance", c, ref)
	if !ok {
		return nil, false
	}
	i, ok := c.instances[id]
	return i, ok
}

// tasks are those on the instance that have not stopped, in the order of their
// IDs.
func (i *containerInstance) tasks() []*task {
	var tasks []*task
	for _, t := range i.cluster.tasks {
		if !t.stopped() && aws.ToString(t.api.ContainerInstanceArn) == i.arn() {
			tasks = append(tasks, t)
		}
	}
	slices.SortFunc(tasks, func(x, y *task) int { return strings.Compare(x.id, y.id) })
	return tasks
}

// describe is the instance as the API shows it.
func (i *containerInstance) describe(include []types.ContainerInstanceField) types.ContainerInstance {
	d := i.api
	tasks := i.tasks()
	for _, t := range tasks {
		switch t.phase() {
		case scheduler.Running:
			d.RunningTasksCount++
		case scheduler.Pending:
			d.PendingTasksCount++
		}
	}
	d.RemainingResources = remaining(i.api.RegisteredResources, tasks)
	if !slices.Contains(include, types.ContainerInstanceFieldTags) {
		d.Tags = []types.Tag{}
	}
	return d
}

// remaining is what of the registered resources the tasks leave: of CPU and
// MEMORY what they do not reserve, of PORTS and PORTS_UDP those that are taken.
func remaining(registered []types.Resource, tasks []*task) []types.Resource {
	left := slices.Clone(optional.List(registered))
	for n := range left {
		r := &left[n]
		for _, t := range tasks {
			size := t.definition.claims(t.size())
			switch aws.ToString(r.Name) {
			case "CPU":
				r.IntegerValue -= int32(size.CPU)
			case "MEMORY":
				r.IntegerValue -= int32(size.Memory)
			case "PORTS":
				r.StringSetValue = append(slices.Clip(r.StringSetValue), t.definition.hostPorts(types.TransportProtocolTcp)...)
			case "PORTS_UDP":
				r.StringSetValue = append(slices.Clip(r.StringSetValue), t.definition.hostPorts(types.TransportProtocolUdp)...)
			}
		}
	}
	return left
}

// hostPorts are the fixed ports that a task of the definition takes on its host.
func (d *definition) hostPorts(protocol types.TransportProtocol) []string {
	var ports []string
	if d.api.NetworkMode == types.NetworkModeAwsvpc {
		return nil // its own network
	}
	for _, c := range d.api.ContainerDefinitions {
		for _, p := range c.PortMappings {
			if p.Protocol == protocol && aws.ToInt32(p.HostPort) > 0 {
				ports = append(ports, strconv.Itoa(int(*p.HostPort)))
			}
		}
	}
	return ports
}

// lacks says what an instance has too little of for one more task, in the words
// of a failure's reason, or "" when there is room. What an instance has not
// registered it has without limit.
func (i *containerInstance) lacks(o taskOrder) string {
	wanted := o.definition.claims(o.definition.sizeWith(o.overrides))
	taken := func(r types.Resource, protocol types.TransportProtocol) bool {
		return slices.ContainsFunc(o.definition.hostPorts(protocol), func(p string) bool { return slices.Contains(r.StringSetValue, p) })
	}
	for _, r := range remaining(i.api.RegisteredResources, i.tasks()) {
		name := aws.ToString(r.Name)
		switch {
		case name == "CPU" && int(r.IntegerValue) < wanted.CPU,
			name == "MEMORY" && int(r.IntegerValue) < wanted.Memory,
			name == "PORTS" && taken(r, types.TransportProtocolTcp),
			name == "PORTS_UDP" && taken(r, types.TransportProtocolUdp):
			return "RESOURCE:" + name
		}
	}
	return ""
}

// An identity is what an EC2 instance identity document tells.
type identity struct {
	InstanceID       string `json:"instanceId"`
	InstanceType     string `json:"instanceType"`
	ImageID          string `json:"imageId"`
	AvailabilityZone string `json:"availabilityZone"`
}

// attributes are those that every instance has.
func (d identity) attributes() []types.Attribute {
	list := []types.Attribute{{Name: aws.String("ecs.os-type"), Value: aws.String("linux")}}
	for name, value := range map[string]string{
		"ecs.availability-zone": d.AvailabilityZone,
		"ecs.ami-id":            d.ImageID,
		"ecs.instance-type":     d.InstanceType,
	} {
		if value != "" {
			list = append(list, types.Attribute{Name: aws.String(name), Value: aws.String(value)})
		}
	}
	return inOrder(list)
}

// RegisterContainerInstance adds a machine to a cluster. With the ARN of one
// that is registered, that one is changed.
func (a *API) RegisterContainerInstance(ctx context.Context, in *ecs.RegisterContainerInstanceInput, _ ...func(*ecs.Options)) (*ecs.RegisterContainerInstanceOutput, error) {
	var id identity
	if doc := aws.ToString(in.InstanceIdentityDocument); doc != "" {
		if err := json.Unmarshal([]byte(doc), &id); err != nil {
			return nil, fault.Client("The instance identity document is not valid.")
		}
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	if err := checkAttributes(in.Attributes); err != nil {
		return nil, err
	}
	if err := checkResources(in.TotalResources); err != nil {
		return nil, err
	}
	out := &ecs.RegisterContainerInstanceOutput{}
	return answer(out, a.cell.State.Change(ctx, func(_ context.Context, tx *state.Tx) error {
		c, err := a.activeCluster(in.Cluster)
		if err != nil {
			return err
		}
		api, err := a.registeredInstance(c, in, id)
		if err != nil {
			return err
		}
		i := newContainerInstance(c, api)
		put(tx, c.instances, i.id, i)
		i.save(tx)
		shown := i.describe([]types.ContainerInstanceField{types.ContainerInstanceFieldTags})
		out.ContainerInstance = &shown
		return nil
	}))
}

// registeredInstance is what the API shows of an instance once it has registered:
// a new one, or one that is known, with what it has told of itself.
func (a *API) registeredInstance(c *cluster, in *ecs.RegisterContainerInstanceInput, id identity) (types.ContainerInstance, error) {
	api := types.ContainerInstance{
		Attachments:          []types.Attachment{},
		ContainerInstanceArn: aws.String(a.arn("container-instance", c.name, newTaskID())),
		RegisteredAt:         aws.Time(a.now()),
		Status:               aws.String(active),
		Tags:                 []types.Tag{},
	}
	if in.ContainerInstanceArn != nil {
		known, ok := a.findInstance(c, *in.ContainerInstanceArn)
		if !ok {
			return api, errNoInstance()
		}
		api = known.api
	}
	merged, err := mergeTags(api.Tags, in.Tags)
	if err != nil {
		return api, err
	}
	api.AgentConnected = true
	api.Attributes = mergeAttributes(mergeAttributes(api.Attributes, id.attributes()), in.Attributes)
	api.Ec2InstanceId = optional.String(id.InstanceID)
	api.RegisteredResources = optional.List(in.TotalResources)
	api.Tags = merged
	api.Version++
	api.VersionInfo = in.VersionInfo
	return api, nil
}

// checkResources refuses amounts that are negative, and those that a call can carry
// but a document cannot: NaN and Infinity.
func checkResources(resources []types.Resource) error {
	for _, r := range resources {
		if !(r.DoubleValue >= 0 && r.DoubleValue <= math.MaxFloat64) || r.IntegerValue < 0 || r.LongValue < 0 {
			return fault.InvalidParameter("The amount of the resource %s is not valid.", aws.ToString(r.Name))
		}
	}
	return nil
}

func errNoInstance() error {
	return fault.InvalidParameter("The referenced container instance was not found.")
}

// DeregisterContainerInstance takes a machine out of its cluster. One with tasks
// is only with force, and they go on.
func (a *API) DeregisterContainerInstance(ctx context.Context, in *ecs.DeregisterContainerInstanceInput, _ ...func(*ecs.Options)) (*ecs.DeregisterContainerInstanceOutput, error) {
	out := &ecs.DeregisterContainerInstanceOutput{}
	return answer(out, a.cell.State.Change(ctx, func(ctx context.Context, tx *state.Tx) error {
		c, err := a.activeCluster(in.Cluster)
		if err != nil {
			return err
		}
		i, ok := a.findInstance(c, aws.ToString(in.ContainerInstance))
		if !ok {
			return errNoInstance()
		}
		if len(i.tasks()) > 0 && !aws.ToBool(in.Force) {
			return fault.InvalidParameter("Found running tasks on the instance.")
		}
		keep(tx, i)
		i.api.Status = aws.String(inactive)
		i.api.AgentConnected = false
		drop(tx, c.instances, i.id)
		tx.Delete(kindInstance, c.name+"/"+i.id)
		shown := i.describe([]types.ContainerInstanceField{types.ContainerInstanceFieldTags})
		out.ContainerInstance = &shown
		return nil
	}))
}

// UpdateContainerInstancesState makes up to ten instances ACTIVE or DRAINING. As
// services run without instances, DRAINING moves no task.
func (a *API) UpdateContainerInstancesState(ctx context.Context, in *ecs.UpdateContainerInstancesStateInput, _ ...func(*ecs.Options)) (*ecs.UpdateContainerInstancesStateOutput, error) {
	if in.Status != types.ContainerInstanceStatusActive && in.Status != types.ContainerInstanceStatusDraining {
		return nil, fault.InvalidParameter("Container instance status should be one of [ACTIVE,DRAINING]")
	}
	switch n := len(in.ContainerInstances); {
	case n == 0:
		return nil, fault.InvalidParameter("Container instances cannot be empty.")
	case n > 10:
		return nil, fault.InvalidParameter("Container instances can have at most 10 items.")
	}
	out := &ecs.UpdateContainerInstancesStateOutput{ContainerInstances: []types.ContainerInstance{}, Failures: []types.Failure{}}
	return answer(out, a.cell.State.Change(ctx, func(ctx context.Context, tx *state.Tx) error {
		c, err := a.activeCluster(in.Cluster)
		if err != nil {
			return err
		}
		for _, ref := range in.ContainerInstances {
			i, ok := a.findInstance(c, ref)
			if !ok {
				out.Failures = append(out.Failures, missing(a.reference("container-instance", ref, c.name)))
				continue
			}
			keep(tx, i)
			i.api.Status = aws.String(string(in.Status))
			i.api.Version++
			i.save(tx)
			out.ContainerInstances = append(out.ContainerInstances, i.describe(nil))
		}
		return nil
	}))
}

// ListContainerInstances lists the ARNs of a cluster's instances.
func (a *API) ListContainerInstances(ctx context.Context, in *ecs.ListContainerInstancesInput, _ ...func(*ecs.Options)) (*ecs.ListContainerInstancesOutput, error) {
	if aws.ToString(in.Filter) != "" {
		return nil, fault.NotServed("The filter of ListContainerInstances")
	}
	arns, err := read(ctx, a, func() (arns []string, err error) {
		c, err := a.activeCluster(in.Cluster)
		if err != nil {
			return nil, err
		}
		for _, i := range c.instances {
			if in.Status == "" || *i.api.Status == string(in.Status) {
				arns = append(arns, i.arn())
			}
		}
		return arns, nil
	})
	if err != nil {
		return nil, err
	}
	slices.Sort(arns)
	arns, next, err := pageOf(arns, in.NextToken, in.MaxResults, 100)
	if err != nil {
		return nil, err
	}
	return &ecs.ListContainerInstancesOutput{ContainerInstanceArns: optional.List(arns), NextToken: next}, nil
}

// DescribeContainerInstances describes up to 100 instances of a cluster.
func (a *API) DescribeContainerInstances(ctx context.Context, in *ecs.DescribeContainerInstancesInput, _ ...func(*ecs.Options)) (*ecs.DescribeContainerInstancesOutput, error) {
	return read(ctx, a, func() (*ecs.DescribeContainerInstancesOutput, error) {
		c, err := a.activeCluster(in.Cluster)
		if err != nil {
			return nil, err
		}
		switch n := len(in.ContainerInstances); {
		case n == 0:
			return nil, fault.Client("Container Instances cannot be empty.")
		case n > 100:
			return nil, fault.Client("Container Instances can have at most 100 items.")
		}
		out := &ecs.DescribeContainerInstancesOutput{ContainerInstances: []types.ContainerInstance{}, Failures: []types.Failure{}}
		for _, ref := range in.ContainerInstances {
			i, ok := a.findInstance(c, ref)
			if !ok {
				out.Failures = append(out.Failures, missing(a.reference("container-instance", ref, c.name)))
				continue
			}
			out.ContainerInstances = append(out.ContainerInstances, i.describe(in.Include))
		}
		return out, nil
	})
}

// StartTask starts a task on each of up to ten container instances.
func (a *API) StartTask(ctx context.Context, in *ecs.StartTaskInput, _ ...func(*ecs.Options)) (*ecs.StartTaskOutput, error) {
	run := &ecs.RunTaskInput{
		EnableECSManagedTags: in.EnableECSManagedTags,
		EnableExecuteCommand: in.EnableExecuteCommand,
		Group:                in.Group,
		LaunchType:           types.LaunchTypeEc2,
		NetworkConfiguration: in.NetworkConfiguration,
		Overrides:            in.Overrides,
		PropagateTags:        in.PropagateTags,
		StartedBy:            in.StartedBy,
		Tags:                 in.Tags,
		TaskDefinition:       in.TaskDefinition,
		VolumeConfigurations: in.VolumeConfigurations,
	}
	if err := rules.CheckRunTask(run); err != nil {
		return nil, err
	}
	if err := checkTags(run.Tags); err != nil {
		return nil, err
	}
	out := &ecs.StartTaskOutput{Tasks: []types.Task{}, Failures: []types.Failure{}}
	return answer(out, a.cell.State.Change(ctx, func(ctx context.Context, tx *state.Tx) error {
		c, err := a.activeCluster(in.Cluster)
		if err != nil {
			return err
		}
		switch n := len(in.ContainerInstances); {
		case n == 0:
			return fault.InvalidParameter("Container instances cannot be empty.")
		case n > 10:
			return fault.InvalidParameter("Container instances can have at most 10 items.")
		}
		for _, ref := range in.ContainerInstances {
			if err := checkID("instance", ref); err != nil {
				return err
			}
		}
		order, err := a.runOrder(ctx, c, run)
		if err != nil {
			return err
		}
		subnets := scheduler.NewEvenSpread(order.launch.Subnets())
		for _, ref := range in.ContainerInstances {
			order.subnet = subnets.Next()
			t, failure := a.startOn(tx, ref, order)
			if failure != nil {
				out.Failures = append(out.Failures, *failure)
				continue
			}
			out.Tasks = append(out.Tasks, describeTask(t, []types.TaskField{types.TaskFieldTags}))
		}
		return nil
	}))
}

// startOn accepts a task on a container instance, or says why there is none.
func (a *API) startOn(tx *state.Tx, ref string, order taskOrder) (*task, *types.Failure) {
	i, ok := a.findInstance(order.cluster, ref)
	if !ok {
		gone := missing(a.reference("container-instance", ref, order.cluster.name))
		return nil, &gone
	}
	if reason := i.lacks(order); reason != "" {
		return nil, &types.Failure{Arn: i.api.ContainerInstanceArn, Reason: &reason}
	}
	order.instance = i.arn()
	return a.newTask(tx, order), nil
}
