package ecs

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/optional"
	"flyball/internal/service/ecs/fault"
	"flyball/internal/service/ecs/rules"
	"flyball/internal/state"
)

// A family is the revisions of a task definition, oldest first.
type family struct {
	name      string
	revisions []*definition
}

// latest is the newest active revision.
func (f *family) latest() (*definition, bool) {
	for _, d := range slices.Backward(f.revisions) {
		if d.api.Status == types.TaskDefinitionStatusActive {
			return d, true
		}
	}
	return nil, false
}

// revision is the one with a number.
func (f *family) revision(n int) (*definition, bool) {
	i, ok := slices.BinarySearchFunc(f.revisions, n, func(d *definition, n int) int { return int(d.api.Revision) - n })
	if !ok {
		return nil, false
	}
	return f.revisions[i], true
}

// next is the number of the next revision.
func (f *family) next() int32 {
	if len(f.revisions) == 0 {
		return 1
	}
	return f.revisions[len(f.revisions)-1].api.Revision + 1
}

// A definition is one revision. What it says never changes, only its status and
// its tags.
type definition struct {
	api  types.TaskDefinition
	tags []types.Tag
	size rules.Size
}

func (d *definition) arn() string { return *d.api.TaskDefinitionArn }

// key is FAMILY:REVISION.
func (d *definition) key() string {
	return *d.api.Family + ":" + strconv.Itoa(int(d.api.Revision))
}

type storedDefinition struct {
	Definition types.TaskDefinition
	Tags       []types.Tag
}

func (d *definition) save(tx *state.Tx) {
	tx.Put(kindDefinition, d.key(), storedDefinition{d.api, d.tags})
}

// reserved is what a task of the definition reserves: its task-level size, else
// the sum of its containers'. A container's soft limit counts before its hard
// one.
func (d *definition) reserved() rules.Size {
	r := d.size
	for _, c := range d.api.ContainerDefinitions {
		if d.size.CPU == 0 {
			r.CPU += int(c.Cpu)
		}
		if d.size.Memory == 0 {
			r.Memory += int(aws.ToInt32(cmp.Or(c.MemoryReservation, c.Memory)))
		}
	}
	return r
}

// sizeWith is the task-level size of a task that overrides it, or does not.
func (d *definition) sizeWith(o *types.TaskOverride) rules.Size {
	size := d.size
	if o == nil {
		return size
	}
	if own, err := rules.ParseSize(o.Cpu, o.Memory); err == nil {
		size = own.Or(size)
	}
	return size
}

// claims is what a task of a task-level size reserves.
func (d *definition) claims(size rules.Size) rules.Size { return size.Or(d.reserved()) }

// ordered is whether containers wait for others before they are started.
func (d *definition) ordered() bool {
	return slices.ContainsFunc(d.api.ContainerDefinitions, func(c types.ContainerDefinition) bool { return len(c.DependsOn) > 0 })
}

// findDefinition returns the definition of FAMILY, FAMILY:REVISION or an ARN of
// either. A family alone means its latest active revision.
func (a *API) findDefinition(ref string) (*definition, bool) {
	parts, ok := a.resource("task-definition", ref)
	if !ok || len(parts) != 1 {
		return nil, false
	}
	name, revision, numbered := strings.Cut(parts[0], ":")
	f, ok := a.families[name]
	if !ok {
		return nil, false
	}
	if !numbered {
		return f.latest()
	}
	n, err := strconv.Atoi(revision)
	if err != nil {
		return nil, false
	}
	return f.revision(n)
}

// describedDefinition returns a definition, active or not, or says why there is
// none.
func (a *API) describedDefinition(ref string) (*definition, error) {
	if d, ok := a.findDefinition(ref); ok {
		return d, nil
	}
	if _, revision, ok := strings.Cut(lastPart(ref), ":"); ok {
		if !isRevision(revision) {
			return nil, fault.Client("Invalid revision number. Number: %s", revision)
		}
	}
	return nil, fault.Client("Unable to describe task definition.")
}

func isRevision(text string) bool {
	n, err := strconv.Atoi(text)
	return err == nil && n > 0
}

// usableDefinition returns an active definition to run tasks of.
func (a *API) usableDefinition(ref *string) (*definition, error) {
	d, ok := a.findDefinition(aws.ToString(ref))
	if !ok {
		if _, revision, numbered := strings.Cut(lastPart(aws.ToString(ref)), ":"); numbered && !isRevision(revision) {
			return nil, fault.InvalidParameter("Invalid revision number. Number: %s", revision)
		}
		return nil, fault.Client("TaskDefinition not found.")
	}
	if d.api.Status != types.TaskDefinitionStatusActive {
		return nil, fault.Client("TaskDefinition is inactive")
	}
	return d, nil
}

// maxDefinition is AWS's quota of a task definition's size, in bytes. It is
// counted as stored, with a few thousand bytes of empty members.
const maxDefinition = 64 << 10

// RegisterTaskDefinition adds a revision to a family, which is created with its
// first.
func (a *API) RegisterTaskDefinition(ctx context.Context, in *ecs.RegisterTaskDefinitionInput, _ ...func(*ecs.Options)) (*ecs.RegisterTaskDefinitionOutput, error) {
	size, err := rules.ParseSize(in.Cpu, in.Memory)
	if err != nil {
		return nil, err
	}
	if err := rules.CheckDefinition(in, size); err != nil {
		return nil, err
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	d := newDefinition(in, size)
	if n := len(marshal(d.api)); n > maxDefinition {
		return nil, fault.Client("Actual length: '%d'. Max allowed length is '%d' bytes.", n, maxDefinition)
	}
	out := &ecs.RegisterTaskDefinitionOutput{Tags: optional.List(in.Tags)}
	return answer(out, a.cell.State.Change(ctx, func(ctx context.Context, tx *state.Tx) error {
		f, ok := a.families[*in.Family]
		if !ok {
			f = &family{name: *in.Family}
			put(tx, a.families, f.name, f)
		}
		keep(tx, f)
		d.api.Revision = f.next()
		d.api.TaskDefinitionArn = aws.String(a.arn("task-definition", d.key()))
		d.api.RegisteredAt = aws.Time(a.now())
		d.api.RegisteredBy = aws.String(a.rootARN())
		f.revisions = append(f.revisions, d)
		d.save(tx)
		shown := d.api
		out.TaskDefinition = &shown
		return nil
	}))
}

// newDefinition fills in what AWS fills in, so that a client which reads the
// definition back finds what it would find on AWS.
func newDefinition(in *ecs.RegisterTaskDefinitionInput, size rules.Size) *definition {
	containers := slices.Clone(in.ContainerDefinitions)
	for i := range containers {
		c := &containers[i]
		if c.Essential == nil {
			c.Essential = aws.Bool(true)
		}
		c.Environment = optional.List(c.Environment)
		c.MountPoints = optional.List(c.MountPoints)
		c.VolumesFrom = optional.List(c.VolumesFrom)
		c.SystemControls = optional.List(c.SystemControls)
		c.PortMappings = withPortDefaults(c.PortMappings, in.NetworkMode)
		c.HealthCheck = withHealthDefaults(c.HealthCheck)
	}
	d := &definition{tags: in.Tags, size: size}
	d.api = types.TaskDefinition{
		Compatibilities:         compatibilities(in, size),
		ContainerDefinitions:    containers,
		EnableFaultInjection:    in.EnableFaultInjection,
		EphemeralStorage:        in.EphemeralStorage,
		ExecutionRoleArn:        in.ExecutionRoleArn,
		Family:                  in.Family,
		IpcMode:                 in.IpcMode,
		NetworkMode:             cmp.Or(in.NetworkMode, types.NetworkModeBridge),
		PidMode:                 in.PidMode,
		PlacementConstraints:    optional.List(in.PlacementConstraints),
		ProxyConfiguration:      in.ProxyConfiguration,
		RequiresCompatibilities: in.RequiresCompatibilities,
		RuntimePlatform:         in.RuntimePlatform,
		Status:                  types.TaskDefinitionStatusActive,
		TaskRoleArn:             in.TaskRoleArn,
		Volumes:                 withVolumeDefaults(in.Volumes),
	}
	// "1 vCPU" and "2 GB" are stored as units and MiB.
	if size.CPU > 0 {
		d.api.Cpu = aws.String(strconv.Itoa(size.CPU))
	}
	if size.Memory > 0 {
		d.api.Memory = aws.String(strconv.Itoa(size.Memory))
	}
	return d
}

// withPortDefaults fills in the protocol and the host port: the container's
// where the task has its own network, else 0 for any.
func withPortDefaults(ports []types.PortMapping, mode types.NetworkMode) []types.PortMapping {
	ports = slices.Clone(optional.List(ports))
	for i := range ports {
		p := &ports[i]
		if p.Protocol == "" {
			p.Protocol = types.TransportProtocolTcp
		}
		if p.HostPort != nil || p.ContainerPortRange != nil {
			continue
		}
		p.HostPort = aws.Int32(0)
		if mode == types.NetworkModeAwsvpc || mode == types.NetworkModeHost {
			p.HostPort = p.ContainerPort
		}
	}
	return ports
}

// withVolumeDefaults fills in the directory of a file system that is mounted.
func withVolumeDefaults(volumes []types.Volume) []types.Volume {
	volumes = slices.Clone(optional.List(volumes))
	for i := range volumes {
		if given := volumes[i].EfsVolumeConfiguration; given != nil {
			filled := *given
			filled.RootDirectory = cmp.Or(given.RootDirectory, aws.String("/"))
			volumes[i].EfsVolumeConfiguration = &filled
		}
	}
	return volumes
}

func withHealthDefaults(h *types.HealthCheck) *types.HealthCheck {
	if h == nil {
		return nil
	}
	filled := *h
	filled.Interval = cmp.Or(h.Interval, aws.Int32(30))
	filled.Timeout = cmp.Or(h.Timeout, aws.Int32(5))
	filled.Retries = cmp.Or(h.Retries, aws.Int32(3))
	return &filled
}

// compatibilities are the launch types that a definition can be run with.
func compatibilities(in *ecs.RegisterTaskDefinitionInput, size rules.Size) []types.Compatibility {
	switch in.NetworkMode {
	case types.NetworkModeAwsvpc:
	case types.NetworkModeHost:
		return []types.Compatibility{types.CompatibilityExternal, types.CompatibilityEc2, types.CompatibilityManagedInstances}
	default:
		return []types.Compatibility{types.CompatibilityExternal, types.CompatibilityEc2}
	}
	list := []types.Compatibility{types.CompatibilityEc2, types.CompatibilityManagedInstances}
	if slices.Contains(in.RequiresCompatibilities, types.CompatibilityFargate) ||
		size.Fargate() {
		list = append(list, types.CompatibilityFargate)
	}
	return list
}

// DescribeTaskDefinition describes a revision, active or not.
func (a *API) DescribeTaskDefinition(ctx context.Context, in *ecs.DescribeTaskDefinitionInput, _ ...func(*ecs.Options)) (*ecs.DescribeTaskDefinitionOutput, error) {
	return read(ctx, a, func() (*ecs.DescribeTaskDefinitionOutput, error) {
		d, err := a.describedDefinition(aws.ToString(in.TaskDefinition))
		if err != nil {
			return nil, err
		}
		shown := d.api
		out := &ecs.DescribeTaskDefinitionOutput{TaskDefinition: &shown}
		if slices.Contains(in.Include, types.TaskDefinitionFieldTags) {
			out.Tags = optional.List(d.tags)
		}
		return out, nil
	})
}

// DeregisterTaskDefinition makes a revision inactive, or leaves it so: what uses
// it goes on, new services and tasks cannot.
func (a *API) DeregisterTaskDefinition(ctx context.Context, in *ecs.DeregisterTaskDefinitionInput, _ ...func(*ecs.Options)) (*ecs.DeregisterTaskDefinitionOutput, error) {
	if !strings.Contains(lastPart(aws.ToString(in.TaskDefinition)), ":") {
		return nil, fault.Client("Revision is missing.")
	}
	out := &ecs.DeregisterTaskDefinitionOutput{}
	return answer(out, a.cell.State.Change(ctx, func(ctx context.Context, tx *state.Tx) error {
		d, err := a.describedDefinition(*in.TaskDefinition)
		if err != nil {
			return err
		}
		switch d.api.Status {
		case types.TaskDefinitionStatusActive:
			keep(tx, &d.api.Status)
			keep(tx, &d.api.DeregisteredAt)
			d.api.Status = types.TaskDefinitionStatusInactive
			d.api.DeregisteredAt = aws.Time(a.now())
			d.save(tx)
		case types.TaskDefinitionStatusDeleteInProgress:
			return fault.Client("The task definition could not be deregistered because it is in the process of being deleted.")
		}
		shown := d.api
		out.TaskDefinition = &shown
		return nil
	}))
}

// DeleteTaskDefinitions marks up to ten inactive revisions as being deleted.
func (a *API) DeleteTaskDefinitions(ctx context.Context, in *ecs.DeleteTaskDefinitionsInput, _ ...func(*ecs.Options)) (*ecs.DeleteTaskDefinitionsOutput, error) {
	switch n := len(in.TaskDefinitions); {
	case n == 0:
		return nil, fault.InvalidParameter("size of TaskDefinition references list must be greater than 0")
	case n > 10:
		return nil, fault.InvalidParameter("Size of TaskDefinition references list cannot exceed 10")
	}
	out := &ecs.DeleteTaskDefinitionsOutput{TaskDefinitions: []types.TaskDefinition{}, Failures: []types.Failure{}}
	return answer(out, a.cell.State.Change(ctx, func(ctx context.Context, tx *state.Tx) error {
		for _, ref := range in.TaskDefinitions {
			d, failure := a.deletable(ref)
			if failure != nil {
				out.Failures = append(out.Failures, *failure)
				continue
			}
			if d.api.Status == types.TaskDefinitionStatusInactive {
				keep(tx, &d.api.Status)
				keep(tx, &d.api.DeleteRequestedAt)
				d.api.Status = types.TaskDefinitionStatusDeleteInProgress
				d.api.DeleteRequestedAt = aws.Time(a.now())
				d.save(tx)
			}
			out.TaskDefinitions = append(out.TaskDefinitions, d.api)
		}
		return nil
	}))
}

// deletable returns an inactive revision, or why there is none.
func (a *API) deletable(ref string) (*definition, *types.Failure) {
	fail := func(reason string) (*definition, *types.Failure) {
		return nil, &types.Failure{Arn: aws.String(ref), Reason: aws.String(reason)}
	}
	if !strings.Contains(lastPart(ref), ":") {
		return fail("The specified task definition identifier is invalid. Specify a valid name or ARN and try again.")
	}
	d, ok := a.findDefinition(ref)
	switch {
	case !ok:
		return fail("The specified task definition does not exist. Specify a valid account, family, revision and try again.")
	case d.api.Status == types.TaskDefinitionStatusActive:
		return fail("The specified task definition is still in ACTIVE status. Please deregister the target and try again.")
	}
	return d, nil
}

// lastPart is what follows the last slash of an ARN, or the whole of a name.
func lastPart(ref string) string { return ref[strings.LastIndexByte(ref, '/')+1:] }

// ListTaskDefinitions lists the ARNs of revisions with a status, ACTIVE unless
// another is asked for: families in alphabetical order, revisions in ascending
// order, or all of it the other way round.
func (a *API) ListTaskDefinitions(ctx context.Context, in *ecs.ListTaskDefinitionsInput, _ ...func(*ecs.Options)) (*ecs.ListTaskDefinitionsOutput, error) {
	status := in.Status
	if status == "" {
		status = types.TaskDefinitionStatusActive
	}
	var found []*definition
	a.cell.State.View(ctx, func() {
		for _, name := range slices.Sorted(maps.Keys(a.families)) {
			if p := aws.ToString(in.FamilyPrefix); p != "" && name != p {
				continue // despite its name, AWS wants the whole family name here
			}
			for _, d := range a.families[name].revisions {
				if d.api.Status == status {
					found = append(found, d)
				}
			}
		}
	})
	if in.Sort == types.SortOrderDesc {
		slices.Reverse(found)
	}
	return pageOfDefinitions(found, in)
}

func pageOfDefinitions(found []*definition, in *ecs.ListTaskDefinitionsInput) (*ecs.ListTaskDefinitionsOutput, error) {
	// The order is not that of the ARNs, so the key of a page is the position.
	byPosition := make([]string, len(found))
	for i := range found {
		byPosition[i] = position(i)
	}
	keys, next, err := pageOf(byPosition, in.NextToken, in.MaxResults, 100)
	if err != nil {
		return nil, err
	}
	out := &ecs.ListTaskDefinitionsOutput{TaskDefinitionArns: []string{}, NextToken: next}
	for _, k := range keys {
		i, _ := strconv.Atoi(k)
		out.TaskDefinitionArns = append(out.TaskDefinitionArns, found[i].arn())
	}
	return out, nil
}

// position is a number that sorts as text.
func position(i int) string {
	const digits = "0000000000"
	s := strconv.Itoa(i)
	return digits[len(s):] + s
}

// ListTaskDefinitionFamilies lists the families that start with a prefix and
// have an active revision, have none, or either.
func (a *API) ListTaskDefinitionFamilies(ctx context.Context, in *ecs.ListTaskDefinitionFamiliesInput, _ ...func(*ecs.Options)) (*ecs.ListTaskDefinitionFamiliesOutput, error) {
	var names []string
	a.cell.State.View(ctx, func() {
		for _, name := range slices.Sorted(maps.Keys(a.families)) {
			_, isActive := a.families[name].latest()
			switch {
			case !strings.HasPrefix(name, aws.ToString(in.FamilyPrefix)):
			case in.Status == types.TaskDefinitionFamilyStatusActive && !isActive:
			case in.Status == types.TaskDefinitionFamilyStatusInactive && isActive:
			default:
				names = append(names, name)
			}
		}
	})
	names, next, err := pageOf(names, in.NextToken, in.MaxResults, 100)
	if err != nil {
		return nil, err
	}
	return &ecs.ListTaskDefinitionFamiliesOutput{Families: optional.List(names), NextToken: next}, nil
}
