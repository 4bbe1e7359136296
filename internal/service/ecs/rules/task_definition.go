package rules

import (
	"cmp"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/service/ecs/fault"
)

// CheckDefinition validates a task definition with its defaults filled in. Size
// is its task-level CPU and memory, 0 where it has none.
func CheckDefinition(in *ecs.RegisterTaskDefinitionInput, size Size) error {
	if !ValidName(aws.ToString(in.Family)) {
		return fault.Client("Family contains invalid characters or is longer than 255 characters.")
	}
	if len(in.ContainerDefinitions) == 0 {
		return fault.Client("Container list cannot be empty.")
	}
	switch {
	case in.Tags != nil && len(in.Tags) == 0:
		return fault.Client("Tags can not be empty.")
	case len(in.InferenceAccelerators) > 0: //lint:ignore SA1019 old clients still send it
		return fault.Client("Unsupported field 'inferenceAccelerators'.")
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
			return fault.Client("Container names must be unique: '%s'.", *c.Name)
		}
		names[*c.Name] = true
		essential = essential || c.Essential == nil || *c.Essential
	}
	if !essential {
		return fault.Client("Task definition doesn't have any essential container.")
	}
	if err := checkDependencies(in.ContainerDefinitions); err != nil {
		return err
	}
	if err := checkVolumes(in); err != nil {
		return err
	}
	return checkTotals(in.ContainerDefinitions, size)
}

// HasContainer is whether a definition has a container of a name.
func HasContainer(def *types.TaskDefinition, name string) bool {
	return slices.ContainsFunc(def.ContainerDefinitions, func(c types.ContainerDefinition) bool { return *c.Name == name })
}

func checkEphemeralStorage(s *types.EphemeralStorage) error {
	if s != nil && (s.SizeInGiB < 21 || s.SizeInGiB > 200) {
		return fault.Client("Invalid ephemeral storage setting: sizeInGiB must be between 21 and 200.")
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
				return fault.Client("Cannot depend on container + '%s' because it does not exist", aws.ToString(d.ContainerName))
			case d.Condition == types.ContainerConditionHealthy && (on.HealthCheck == nil || on.HealthCheck.Command[0] == "NONE"):
				return fault.Client("A dependency container with HEALTHY condition must have health check configured")
			case (d.Condition == types.ContainerConditionSuccess || d.Condition == types.ContainerConditionComplete) && (on.Essential == nil || *on.Essential):
				return fault.Client("A dependency container with SUCCESS or COMPLETE condition cannot be an essential container")
			}
		}
	}
	if circular(byName) {
		return fault.Client("Container dependsOn contains a cycle")
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

func checkTotals(containers []types.ContainerDefinition, size Size) error {
	cpu, memory := 0, 0
	for _, c := range containers {
		cpu += int(c.Cpu)
		memory += int(aws.ToInt32(cmp.Or(c.MemoryReservation, c.Memory)))
	}
	if size.CPU > 0 && cpu > size.CPU {
		return fault.Client("The sum of all container 'cpu' values cannot be greater than the value of the task 'cpu'.")
	}
	if size.Memory > 0 && memory > size.Memory {
		return fault.Client("Total memory of the containers (%d) is greater than the task's (%d).", memory, size.Memory)
	}
	return nil
}

func checkFargate(in *ecs.RegisterTaskDefinitionInput, size Size) error {
	switch {
	case in.NetworkMode != types.NetworkModeAwsvpc:
		return fault.Client("Fargate only supports network mode ‘awsvpc’.")
	case size.CPU == 0:
		return fault.Client("Fargate requires that 'cpu' be defined at the task level.")
	case size.Memory == 0:
		return fault.Client("Fargate requires that 'memory' be defined at the task level.")
	case !size.Fargate():
		return noFargateSize(size)
	case in.PidMode == types.PidModeHost:
		return fault.Client("Tasks using the Fargate launch type do not support pidMode 'host'. The supported value for pidMode is 'task'.")
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

func noFargateSize(size Size) error {
	return fault.Client("No Fargate configuration exists for given values: %d CPU, %d memory. See the Amazon ECS documentation for the valid values.", size.CPU, size.Memory)
}

func notOnFargate(member string) error {
	return fault.Client("Fargate compatible task definitions do not support %s", member)
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
	case aws.ToInt32(c.StopTimeout) > 120:
		return fault.Client("Tasks using the Fargate launch type must have a container stop timeout of less than 120 seconds.")
	case aws.ToBool(c.Privileged):
		return fault.Client("Fargate requires that the 'privileged' setting be 'false'")
	case len(c.DockerSecurityOptions) > 0:
		return notOnFargate("dockerSecurityOptions")
	case slices.ContainsFunc(c.ResourceRequirements, gpu):
		return notOnFargate("gpu")
	case len(linux.Devices) > 0:
		return notOnFargate("devices")
	case linux.MaxSwap != nil:
		return notOnFargate("maxSwap")
	case linux.Swappiness != nil:
		return notOnFargate("swappiness")
	}
	return nil
}

// checkAwsvpc refuses what a container cannot have where the task has a network interface.
func checkAwsvpc(c *types.ContainerDefinition, mode types.NetworkMode) error {
	switch {
	case mode != types.NetworkModeAwsvpc:
		return nil
	case len(c.Links) > 0:
		return fault.Client("Links are not supported when networkMode=awsvpc.")
	case aws.ToBool(c.DisableNetworking):
		return fault.Client("Disable Networking is not supported on container when networkMode=awsvpc")
	case len(c.DnsSearchDomains) > 0:
		return fault.Client("DNS search domains are not supported on container when networkMode=awsvpc")
	case len(c.DnsServers) > 0:
		return fault.Client("DNS servers are not supported on container when networkMode=awsvpc")
	case len(c.ExtraHosts) > 0:
		return fault.Client("Extra hosts are not supported on container when networkMode=awsvpc")
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
			return fault.Client("Volume name should not be null or empty.")
		case volumes[name]:
			return fault.Client("Volume names must be unique: '%s'.", name)
		case aws.ToBool(v.ConfiguredAtLaunch) && (sourcePath || v.DockerVolumeConfiguration != nil || v.EfsVolumeConfiguration != nil || v.FsxWindowsFileServerVolumeConfiguration != nil):
			return fault.Client("No volume configuration can be configured for volume '%s', which is configured at launch.", name)
		case sourcePath && fargate:
			return notOnFargate("sourcePath")
		case v.DockerVolumeConfiguration != nil && fargate:
			return notOnFargate("dockerVolumeConfiguration")
		}
		volumes[name] = true
	}
	for _, c := range in.ContainerDefinitions {
		for _, m := range c.MountPoints {
			if !volumes[aws.ToString(m.SourceVolume)] {
				return fault.Client("Unknown volume '%s'.", aws.ToString(m.SourceVolume))
			}
		}
	}
	return nil
}
