package ecs

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// This file says which task definitions are valid, in AWS's words.

// A memory range that goes with a Fargate CPU size, in MiB. The sizes are
// multiples of step from least to most.
type memoryRange struct{ least, most, step int }

// The sizes of Fargate tasks (Amazon ECS Developer Guide, "Task CPU and memory"
// under "Amazon ECS task definition parameters for Fargate").
var fargateSizes = map[int]memoryRange{
	256:   {512, 2048, 512}, // 1.5 GB is not one of them
	512:   {1024, 4096, 1024},
	1024:  {2048, 8192, 1024},
	2048:  {4096, 16384, 1024},
	4096:  {8192, 30720, 1024},
	8192:  {16384, 61440, 4096},
	16384: {32768, 122880, 8192},
	32768: {61440, 249856, 8192},
}

func fargateSize(cpu, memory int) bool {
	r, ok := fargateSizes[cpu]
	return ok && memory >= r.least && memory <= r.most && (memory-r.least)%r.step == 0 && !(cpu == 256 && memory == 1536)
}

// checkDefinition validates a task definition with its defaults filled in. Size
// is its task-level CPU and memory, 0 where it has none.
func checkDefinition(in *ecs.RegisterTaskDefinitionInput, size taskSize) error {
	if !validName(aws.ToString(in.Family)) {
		return clientError("Family contains invalid characters or is longer than 255 characters.")
	}
	if len(in.ContainerDefinitions) == 0 {
		return clientError("Container list cannot be empty.")
	}
	if slices.Contains(in.RequiresCompatibilities, types.CompatibilityFargate) {
		if err := checkFargate(in, size); err != nil {
			return err
		}
	}
	if err := checkEphemeralStorage(in.EphemeralStorage); err != nil {
		return err
	}
	names := map[string]bool{}
	essential := false
	for i := range in.ContainerDefinitions {
		c := &in.ContainerDefinitions[i]
		if err := checkContainer(c, in, size); err != nil {
			return err
		}
		if names[*c.Name] {
			return clientError("Container names must be unique: '%s'.", *c.Name)
		}
		names[*c.Name] = true
		essential = essential || c.Essential == nil || *c.Essential
	}
	if !essential {
		return clientError("Task definition doesn't have any essential container.")
	}
	if err := checkDependencies(in.ContainerDefinitions); err != nil {
		return err
	}
	if err := checkVolumes(in); err != nil {
		return err
	}
	return checkTotals(in.ContainerDefinitions, size)
}

func checkFargate(in *ecs.RegisterTaskDefinitionInput, size taskSize) error {
	switch {
	case in.NetworkMode != types.NetworkModeAwsvpc:
		return clientError("Fargate only supports network mode ‘awsvpc’.")
	case size.cpu == 0:
		return clientError("Fargate requires that 'cpu' be defined at the task level.")
	case size.memory == 0:
		return clientError("Fargate requires that 'memory' be defined at the task level.")
	case !fargateSize(size.cpu, size.memory):
		return clientError("No Fargate configuration exists for given values: %d CPU, %d memory. See the Amazon ECS documentation for the valid values.", size.cpu, size.memory)
	case in.PidMode == types.PidModeHost:
		return clientError("Tasks using the Fargate launch type do not support pidMode 'host'. The supported value for pidMode is 'task'.")
	case in.IpcMode != "":
		return notOnFargate("ipcMode")
	case len(in.PlacementConstraints) > 0:
		return notOnFargate("placementConstraints")
	}
	for _, c := range in.ContainerDefinitions {
		if err := checkFargateContainer(c); err != nil {
			return err
		}
	}
	return nil
}

func notOnFargate(member string) error {
	return clientError("Tasks using the Fargate launch type do not support %s.", member)
}

// checkFargateContainer refuses what Fargate does not do (Amazon ECS Developer
// Guide, "Amazon ECS task definition differences for Fargate").
func checkFargateContainer(c types.ContainerDefinition) error {
	linux := c.LinuxParameters
	if linux == nil {
		linux = &types.LinuxParameters{}
	}
	gpu := func(r types.ResourceRequirement) bool { return r.Type == types.ResourceTypeGpu }
	switch {
	case len(c.Links) > 0:
		return clientError("Links are not supported when networkMode=awsvpc.")
	case aws.ToInt32(c.StopTimeout) > 120:
		return clientError("Tasks using the Fargate launch type must have a container stop timeout of less than 120 seconds.")
	case aws.ToBool(c.Privileged):
		return notOnFargate("privileged")
	case aws.ToBool(c.DisableNetworking):
		return notOnFargate("disableNetworking")
	case len(c.DnsSearchDomains) > 0:
		return notOnFargate("dnsSearchDomains")
	case len(c.DnsServers) > 0:
		return notOnFargate("dnsServers")
	case len(c.DockerSecurityOptions) > 0:
		return notOnFargate("dockerSecurityOptions")
	case len(c.ExtraHosts) > 0:
		return notOnFargate("extraHosts")
	case slices.ContainsFunc(c.ResourceRequirements, gpu):
		return notOnFargate("gpu")
	case linux.MaxSwap != nil:
		return notOnFargate("maxSwap")
	case linux.Swappiness != nil:
		return notOnFargate("swappiness")
	}
	return nil
}

// checkVolumes validates the volumes and what the containers mount of them.
func checkVolumes(in *ecs.RegisterTaskDefinitionInput) error {
	fargate := slices.Contains(in.RequiresCompatibilities, types.CompatibilityFargate)
	volumes := map[string]bool{}
	for _, v := range in.Volumes {
		name := aws.ToString(v.Name)
		sourcePath := v.Host != nil && aws.ToString(v.Host.SourcePath) != ""
		switch {
		case name == "":
			return clientError("Volume name should not be null or empty.")
		case volumes[name]:
			return clientError("Volume names must be unique: '%s'.", name)
		case aws.ToBool(v.ConfiguredAtLaunch) && (sourcePath || v.DockerVolumeConfiguration != nil || v.EfsVolumeConfiguration != nil || v.FsxWindowsFileServerVolumeConfiguration != nil):
			return clientError("No volume configuration can be configured for volume '%s', which is configured at launch.", name)
		case sourcePath && fargate:
			return clientError("Fargate compatible task definitions do not support sourcePath")
		}
		volumes[name] = true
	}
	for _, c := range in.ContainerDefinitions {
		for _, m := range c.MountPoints {
			if !volumes[aws.ToString(m.SourceVolume)] {
				return clientError("Unknown volume '%s'.", aws.ToString(m.SourceVolume))
			}
		}
	}
	return nil
}

func checkEphemeralStorage(s *types.EphemeralStorage) error {
	if s != nil && (s.SizeInGiB < 21 || s.SizeInGiB > 200) {
		return clientError("Invalid ephemeral storage setting: sizeInGiB must be between 21 and 200.")
	}
	return nil
}

func checkContainer(c *types.ContainerDefinition, in *ecs.RegisterTaskDefinitionInput, size taskSize) error {
	name := aws.ToString(c.Name)
	switch {
	case name == "":
		return clientError("Container.name should not be null or empty.")
	case !validName(name):
		return clientError("Container name contains invalid characters or is longer than 255 characters: '%s'.", name)
	case aws.ToString(c.Image) == "":
		return clientError("Container.image should not be null or empty.")
	case c.Cpu < 0:
		return clientError("Invalid 'cpu' setting for container '%s'.", name)
	}
	if err := checkContainerMemory(c, size); err != nil {
		return err
	}
	if size.cpu > 0 && int(c.Cpu) > size.cpu {
		return clientError("The 'cpu' setting for container '%s' is greater than for the task.", name)
	}
	for _, e := range c.Environment {
		if aws.ToString(e.Name) == "" {
			return clientError("Environment variable names must not be null or empty in container '%s'.", name)
		}
	}
	if aws.ToInt32(c.StopTimeout) < 0 || aws.ToInt32(c.StartTimeout) < 0 {
		return clientError("Invalid startTimeout or stopTimeout for container '%s'. It must not be negative.", name)
	}
	if r := c.RestartPolicy; r != nil && (r.RestartAttemptPeriod != nil && (*r.RestartAttemptPeriod < 60 || *r.RestartAttemptPeriod > 1800) || len(r.IgnoredExitCodes) > 50) {
		return clientError("Invalid restart policy for container '%s'. restartAttemptPeriod must be between 60 and 1800, and ignoredExitCodes have at most 50 items.", name)
	}
	if err := checkPorts(c, in.NetworkMode); err != nil {
		return err
	}
	if err := checkLinux(name, c.LinuxParameters); err != nil {
		return err
	}
	return checkHealthCheck(name, c.HealthCheck)
}

func checkContainerMemory(c *types.ContainerDefinition, size taskSize) error {
	name := aws.ToString(c.Name)
	switch {
	case c.Memory == nil && c.MemoryReservation == nil && size.memory == 0:
		return clientError("Invalid setting for container '%s'. At least one of 'memory' or 'memoryReservation' must be specified.", name)
	case c.Memory != nil && *c.Memory < 6:
		return clientError("Invalid setting for container '%s'. 'memory' must be at least 6 MiB.", name)
	case c.MemoryReservation != nil && *c.MemoryReservation < 1:
		return clientError("Invalid setting for container '%s'. 'memoryReservation' must be at least 1 MiB.", name)
	case c.Memory != nil && c.MemoryReservation != nil && *c.Memory < *c.MemoryReservation:
		return clientError("Invalid setting for container '%s'. 'memory' must be greater than or equal to 'memoryReservation'.", name)
	case c.Memory != nil && size.memory > 0 && int(*c.Memory) > size.memory:
		return clientError("The 'memory' setting for container '%s' is greater than for the task.", name)
	}
	return nil
}

func checkPorts(c *types.ContainerDefinition, mode types.NetworkMode) error {
	name := aws.ToString(c.Name)
	for _, p := range c.PortMappings {
		if p.ContainerPortRange != nil && p.ContainerPort == nil && p.HostPort == nil {
			continue
		}
		if p.ContainerPort == nil || *p.ContainerPort < 1 || *p.ContainerPort > 65535 {
			return clientError("Invalid 'containerPort' setting for container '%s'. It must be between 1 and 65535.", name)
		}
		if p.HostPort == nil {
			continue
		}
		if *p.HostPort < 0 || *p.HostPort > 65535 {
			return clientError("Invalid 'hostPort' setting for container '%s'. It must be between 0 and 65535.", name)
		}
		if (mode == types.NetworkModeAwsvpc || mode == types.NetworkModeHost) && *p.HostPort != *p.ContainerPort {
			return clientError("When networkMode=%s, the host ports and container ports in port mappings must match.", mode)
		}
	}
	return nil
}

func checkLinux(container string, l *types.LinuxParameters) error {
	if l == nil {
		return nil
	}
	for member, v := range map[string]*int32{"maxSwap": l.MaxSwap, "sharedMemorySize": l.SharedMemorySize, "swappiness": l.Swappiness} {
		if aws.ToInt32(v) < 0 {
			return clientError("Invalid '%s' setting for container '%s'. It must not be negative.", member, container)
		}
	}
	if aws.ToInt32(l.Swappiness) > 100 {
		return clientError("Invalid 'swappiness' setting for container '%s'. It must be between 0 and 100.", container)
	}
	return nil
}

func checkHealthCheck(container string, h *types.HealthCheck) error {
	if h == nil {
		return nil
	}
	within := func(member string, v *int32, least, most int32) error {
		if v != nil && (*v < least || *v > most) {
			return clientError("Invalid health check '%s' setting for container '%s'. It must be between %d and %d.", member, container, least, most)
		}
		return nil
	}
	if len(h.Command) == 0 || (h.Command[0] != "CMD" && h.Command[0] != "CMD-SHELL" && h.Command[0] != "NONE") {
		return clientError("The health check command of container '%s' must start with CMD or CMD-SHELL.", container)
	}
	for _, err := range []error{
		within("interval", h.Interval, 5, 300),
		within("timeout", h.Timeout, 2, 60),
		within("retries", h.Retries, 1, 10),
		within("startPeriod", h.StartPeriod, 0, 300),
	} {
		if err != nil {
			return err
		}
	}
	return nil
}

// checkDependencies validates what containers wait for, each of which is there.
func checkDependencies(containers []types.ContainerDefinition) error {
	byName := map[string]types.ContainerDefinition{}
	for _, c := range containers {
		byName[*c.Name] = c
	}
	for _, c := range containers {
		for _, d := range c.DependsOn {
			on, ok := byName[aws.ToString(d.ContainerName)]
			switch {
			case !ok:
				return clientError("Cannot depend on container + '%s' because it does not exist", aws.ToString(d.ContainerName))
			case d.Condition == types.ContainerConditionHealthy && (on.HealthCheck == nil || on.HealthCheck.Command[0] == "NONE"):
				return clientError("A dependency container with HEALTHY condition must have health check configured")
			case (d.Condition == types.ContainerConditionSuccess || d.Condition == types.ContainerConditionComplete) && (on.Essential == nil || *on.Essential):
				return clientError("A dependency container with SUCCESS or COMPLETE condition cannot be an essential container")
			}
		}
	}
	if circular(byName) {
		return clientError("Container dependsOn contains a cycle")
	}
	return nil
}

// circular is whether containers wait for each other. It takes those away that
// wait for none that is left, until no such container is left.
func circular(left map[string]types.ContainerDefinition) bool {
	waits := func(d types.ContainerDependency) bool {
		_, ok := left[*d.ContainerName]
		return ok
	}
	for before := len(left) + 1; len(left) < before; {
		before = len(left)
		maps.DeleteFunc(left, func(_ string, c types.ContainerDefinition) bool { return !slices.ContainsFunc(c.DependsOn, waits) })
	}
	return len(left) > 0
}

func checkTotals(containers []types.ContainerDefinition, size taskSize) error {
	cpu, memory := 0, 0
	for _, c := range containers {
		cpu += int(c.Cpu)
		memory += int(aws.ToInt32(orElse(c.MemoryReservation, c.Memory)))
	}
	if size.cpu > 0 && cpu > size.cpu {
		return clientError("The sum of all container 'cpu' values cannot be greater than the value of the task 'cpu'.")
	}
	if size.memory > 0 && memory > size.memory {
		return clientError("Total memory of the containers (%d) is greater than the task's (%d).", memory, size.memory)
	}
	return nil
}

// A taskSize is task-level CPU in units and memory in MiB, 0 where there is none.
type taskSize struct{ cpu, memory int }

// or fills in what the size has none of.
func (s taskSize) or(other taskSize) taskSize {
	return taskSize{cmp.Or(s.cpu, other.cpu), cmp.Or(s.memory, other.memory)}
}

var (
	vcpuPattern = regexp.MustCompile(`(?i)^\s*([0-9]+|[0-9]*\.[0-9]+)\s*vcpu\s*$`)
	gbPattern   = regexp.MustCompile(`(?i)^\s*([0-9]+|[0-9]*\.[0-9]+)\s*gb\s*$`)
)

// parseSize reads task-level CPU and memory: units and MiB, or with a suffix
// such as "1 vCPU" and "2 GB".
func parseSize(cpu, memory *string) (taskSize, error) {
	var size taskSize
	var ok bool
	if size.cpu, ok = parseAmount(cpu, vcpuPattern); !ok || (cpu != nil && size.cpu < 128) {
		return size, clientError("Invalid 'cpu' setting for task.")
	}
	if size.memory, ok = parseAmount(memory, gbPattern); !ok || (memory != nil && size.memory < 6) {
		return size, clientError("Invalid 'memory' setting for task.")
	}
	return size, nil
}

// parseAmount reads a whole number, or one with a suffix that stands for 1024.
func parseAmount(s *string, suffixed *regexp.Regexp) (int, bool) {
	if s == nil {
		return 0, true
	}
	if m := suffixed.FindStringSubmatch(*s); m != nil {
		f, err := strconv.ParseFloat(m[1], 64)
		return int(f * 1024), err == nil && f <= 1<<20
	}
	n, err := strconv.Atoi(strings.TrimSpace(*s))
	return n, err == nil && n > 0 && n <= 1<<30
}
