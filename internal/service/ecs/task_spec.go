package ecs

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	runtime "flyball/internal/task"
)

// spec is what the runtime is told to start for a task, or the reason why the
// task cannot be started, in the words of a stopped reason.
func (a *API) spec(t *task) (runtime.Spec, error) {
	d := t.definition.api
	size := t.size()
	spec := runtime.Spec{
		ID:     t.id,
		CPU:    size.CPU,
		Memory: size.Memory,
		PIDs:   mostPIDs,
		Labels: map[string]string{
			"cluster":         t.cluster.name,
			"task-arn":        t.arn(),
			"task-definition": t.definition.key(),
		},
	}
	if t.service != nil {
		spec.Labels["service"] = t.service.name
	}
	if err := checkStartable(&d); err != nil {
		return runtime.Spec{}, err
	}
	for _, c := range d.ContainerDefinitions {
		spec.Containers = append(spec.Containers, a.containerSpec(t, c))
	}
	return spec, nil
}

// mostPIDs is how many processes and threads a task may have. AWS documents no limit for
// Fargate; without one a task that forks without end takes all that this machine can have.
const mostPIDs = 4096

// checkStartable refuses a task that would run without something it was
// promised: what is not built, and what comes from services that are not served.
func checkStartable(d *types.TaskDefinition) error {
	switch p := d.RuntimePlatform; {
	case p != nil && p.OperatingSystemFamily != "" && p.OperatingSystemFamily != types.OSFamilyLinux:
		return fmt.Errorf("CannotStartContainerError: the operating system family %s does not run on this server. Register the task definition with operatingSystemFamily LINUX", p.OperatingSystemFamily)
	case d.ProxyConfiguration != nil:
		return errors.New("ResourceInitializationError: proxy configurations are not supported by this server. Register the task definition without proxyConfiguration")
	//lint:ignore SA1019 old definitions still have it
	case len(d.InferenceAccelerators) > 0:
		return errors.New("ResourceInitializationError: inference accelerators are not supported by this server. Register the task definition without inferenceAccelerators")
	}
	for _, c := range d.ContainerDefinitions {
		if err := checkContainerStartable(c); err != nil {
			return err
		}
	}
	return nil
}

func checkContainerStartable(c types.ContainerDefinition) error {
	switch {
	case len(c.Secrets) > 0 || c.LogConfiguration != nil && len(c.LogConfiguration.SecretOptions) > 0:
		return errors.New("ResourceInitializationError: unable to pull secrets or registry auth: secrets are not supported by this server. Give the value in environment, in place of secrets or secretOptions")
	case len(c.EnvironmentFiles) > 0:
		return errors.New("ResourceInitializationError: failed to download env files: environment files are not supported by this server. Give what is in them in environment")
	case len(c.MountPoints) > 0 || len(c.VolumesFrom) > 0:
		return fmt.Errorf("CannotCreateVolumeError: the container %s mounts a volume, volumes are not supported by this server. Register the task definition without mountPoints and volumesFrom, and put the files into the image", *c.Name)
	case slices.ContainsFunc(c.PortMappings, func(p types.PortMapping) bool { return p.ContainerPort == nil }):
		return fmt.Errorf("CannotStartContainerError: the container %s maps a range of ports, ranges are not supported by this server. Map each port by containerPort", *c.Name)
	}
	return nil
}

// override is what a task overrides of a container; the zero value overrides
// nothing.
func override(o *types.TaskOverride, container string) types.ContainerOverride {
	for _, c := range o.ContainerOverrides {
		if *c.Name == container {
			return c
		}
	}
	return types.ContainerOverride{}
}

func (a *API) containerSpec(t *task, c types.ContainerDefinition) runtime.Container {
	o := override(t.api.Overrides, *c.Name)
	spec := runtime.Container{
		Name:        *c.Name,
		Image:       *c.Image,
		Digest:      t.imageDigest(*c.Name),
		EntryPoint:  c.EntryPoint,
		Command:     c.Command,
		Env:         a.environment(t, c, o),
		WorkingDir:  aws.ToString(c.WorkingDirectory),
		User:        aws.ToString(c.User),
		Essential:   *c.Essential,
		CPU:         int(c.Cpu),
		Memory:      int(aws.ToInt32(c.Memory)),
		StopTimeout: time.Duration(aws.ToInt32(c.StopTimeout)) * time.Second,
		HealthCheck: healthCheck(c.HealthCheck),

		ReadOnlyRoot: aws.ToBool(c.ReadonlyRootFilesystem),
		StartTimeout: time.Duration(aws.ToInt32(c.StartTimeout)) * time.Second,
	}
	for _, u := range c.Ulimits {
		spec.Ulimits = append(spec.Ulimits, runtime.Ulimit{Name: string(u.Name), Soft: int64(u.SoftLimit), Hard: int64(u.HardLimit)})
	}
	for _, d := range c.DependsOn {
		spec.DependsOn = append(spec.DependsOn, runtime.Dependency{Container: *d.ContainerName, Condition: runtime.Condition(d.Condition)})
	}
	if len(o.Command) > 0 {
		spec.Command = o.Command
	}
	if o.Cpu != nil {
		spec.CPU = int(*o.Cpu)
	}
	if n := aws.ToInt32(o.Memory); n > 0 {
		spec.Memory = int(n)
	}
	for _, p := range c.PortMappings {
		spec.Ports = append(spec.Ports, int(*p.ContainerPort))
	}
	return spec
}

func healthCheck(h *types.HealthCheck) *runtime.HealthCheck {
	if h == nil || h.Command[0] == "NONE" {
		return nil
	}
	seconds := func(n *int32) time.Duration { return time.Duration(aws.ToInt32(n)) * time.Second }
	return &runtime.HealthCheck{
		Command:     h.Command,
		Interval:    seconds(h.Interval),
		Timeout:     seconds(h.Timeout),
		Retries:     int(aws.ToInt32(h.Retries)),
		StartPeriod: seconds(h.StartPeriod),
	}
}

// environment is a container's, sorted by name. What the definition or the task
// sets wins over what tasks are given here: the way to this server, how many times
// faster than theirs its clock runs, the way to the task's metadata and credentials
// and, where there is just one port, its number in PORT.
func (a *API) environment(t *task, c types.ContainerDefinition, o types.ContainerOverride) []string {
	env := map[string]string{
		"AWS_REGION":         a.cell.Region, // with the key, what makes the task's calls its own cell's
		"AWS_DEFAULT_REGION": a.cell.Region,
	}
	if a.cfg.Endpoint != "" {
		env["AWS_ENDPOINT_URL"] = a.cfg.Endpoint
		env["FLYBALL_SPEED"] = strconv.FormatFloat(a.cell.Clock.Speed(), 'g', -1, 64)
	}
	if len(c.PortMappings) == 1 {
		env["PORT"] = strconv.Itoa(int(*c.PortMappings[0].ContainerPort))
	}
	maps.Copy(env, a.credentialEnvironment(t))
	maps.Copy(env, a.agentEnvironment(t, *c.Name))
	for _, e := range slices.Concat(c.Environment, o.Environment) {
		env[*e.Name] = aws.ToString(e.Value)
	}
	var list []string
	for _, name := range slices.Sorted(maps.Keys(env)) {
		list = append(list, name+"="+env[name])
	}
	return list
}
