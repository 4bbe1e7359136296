package rules

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/service/ecs/fault"
)

// maxContainers is AWS's quota of containers in a task definition.
const maxContainers = 10

// CheckDefinition validates a task definition with its defaults filled in. Size
// is its task-level CPU and memory, 0 where it has none.
func CheckDefinition(in *ecs.RegisterTaskDefinitionInput, size Size) error {
	switch family := aws.ToString(in.Family); {
	case len(family) > 255:
		return fault.Client("Family cannot be longer than 255 characters.")
	case !ValidName(family):
		return fault.Client("Family contains invalid characters.")
	}
	if len(in.ContainerDefinitions) == 0 {
		return fault.Client("Container list cannot be empty.")
	}
	switch {
	case in.Tags != nil && len(in.Tags) == 0:
		return fault.Client("Tags can not be empty.")
	case len(in.ContainerDefinitions) > maxContainers:
		return fault.Client("Too many containers.")
	case len(in.InferenceAccelerators) > 0: //lint:ignore SA1019 old clients still send it
		return fault.Client("Unsupported field 'inferenceAccelerators'.")
	}
	if slices.Contains(in.RequiresCompatibilities, types.CompatibilityFargate) {
		if err := checkFargate(in, size); err != nil {
			return err
		}
	}
	if err := checkEphemeralStorage(in.EphemeralStorage, in.RequiresCompatibilities); err != nil {
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
			return fault.Client("Container names must be unique within a task definition")
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
	for _, check := range []func(*ecs.RegisterTaskDefinitionInput) error{checkVolumes, checkSharedPorts, checkRouter, checkProxy} {
		if err := check(in); err != nil {
			return err
		}
	}
	return checkTotals(in.ContainerDefinitions, size)
}

// HasContainer is whether a definition has a container of a name.
func HasContainer(def *types.TaskDefinition, name string) bool {
	return slices.ContainsFunc(def.ContainerDefinitions, func(c types.ContainerDefinition) bool { return *c.Name == name })
}

func checkEphemeralStorage(s *types.EphemeralStorage, on []types.Compatibility) error {
	switch {
	case s == nil:
		return nil
	case slices.Contains(on, types.CompatibilityEc2) && !slices.Contains(on, types.CompatibilityFargate):
		return fault.Client("Tasks using the EC2 launch type do not support EphemeralStorage.")
	case s.SizeInGiB < 21:
		return fault.Client("EphemeralStorage size should be at least 21")
	case s.SizeInGiB > 200:
		return fault.Client("EphemeralStorage size should be at most 200")
	}
	return nil
}

// checkRouter refuses logs for FireLens in a task that has no container for them.
func checkRouter(in *ecs.RegisterTaskDefinitionInput) error {
	routes := func(c types.ContainerDefinition) bool { return c.FirelensConfiguration != nil }
	routed := func(c types.ContainerDefinition) bool {
		return c.LogConfiguration != nil && c.LogConfiguration.LogDriver == types.LogDriverAwsfirelens
	}
	if slices.ContainsFunc(in.ContainerDefinitions, routed) && !slices.ContainsFunc(in.ContainerDefinitions, routes) {
		return fault.Client("When awsfirelens log driver is specified in log configuration, a firelens configuration object must be configured in one of the containers.")
	}
	return nil
}

// checkProxy validates what is kept and never started.
func checkProxy(in *ecs.RegisterTaskDefinitionInput) error {
	p := in.ProxyConfiguration
	if p == nil {
		return nil
	}
	has := func(property string) bool {
		return slices.ContainsFunc(p.Properties, func(v types.KeyValuePair) bool { return aws.ToString(v.Name) == property })
	}
	switch {
	case in.NetworkMode != types.NetworkModeAwsvpc:
		return fault.Client("APPMESH proxy configuration is only supported in networkMode=awsvpc")
	case !slices.ContainsFunc(in.ContainerDefinitions, func(c types.ContainerDefinition) bool { return *c.Name == aws.ToString(p.ContainerName) }):
		return fault.Client("Proxy container [%s] does not exist.", aws.ToString(p.ContainerName))
	case !has("ProxyIngressPort"):
		return fault.Client("Ingress port not found")
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
	case !size.Fargate(), size.CPU < 1024 && onWindows(in.RuntimePlatform):
		return noFargateSize(size)
	case in.PidMode == types.PidModeHost:
		return fault.Client("Tasks using the Fargate launch type do not support pidMode 'host'. The supported value for pidMode is 'task'.")
	case in.IpcMode != "":
		return notOnFargate("ipcMode")
	case len(in.PlacementConstraints) > 0:
		return notOnFargate("constraints")
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
		return fault.Client("Tasks using the Fargate launch type do not support GPU resource requirements.")
	case len(linux.Devices) > 0:
		return notOnFargate("devices")
	case linux.SharedMemorySize != nil:
		return notOnFargate("sharedMemorySize")
	case linux.MaxSwap != nil:
		return notOnFargate("maxSwap")
	case linux.Swappiness != nil:
		return notOnFargate("swappiness")
	}
	if linux.Capabilities != nil {
		for _, added := range linux.Capabilities.Add {
			if added != "SYS_PTRACE" {
				return fault.Client("%s is not allowed on Fargate.", added)
			}
		}
	}
	return nil
}

func onWindows(p *types.RuntimePlatform) bool {
	return p != nil && strings.HasPrefix(string(p.OperatingSystemFamily), "WINDOWS")
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
	case c.Hostname != nil:
		return fault.Client("hostname is not supported on container when networkMode=awsvpc.")
	case len(c.DnsSearchDomains) > 0:
		return fault.Client("DNS search domains are not supported on container when networkMode=awsvpc")
	case len(c.DnsServers) > 0:
		return fault.Client("DNS servers are not supported on container when networkMode=awsvpc")
	case len(c.ExtraHosts) > 0:
		return fault.Client("Extra hosts are not supported on container when networkMode=awsvpc")
	}
	return nil
}

func checkEFS(v *types.EFSVolumeConfiguration) error {
	if v == nil {
		return nil
	}
	encrypted := v.TransitEncryption == types.EFSTransitEncryptionEnabled
	auth := v.AuthorizationConfig
	if auth == nil {
		auth = &types.EFSAuthorizationConfig{}
	}
	switch {
	case auth.AccessPointId != nil && !slices.Contains([]string{"", "/"}, aws.ToString(v.RootDirectory)):
		return fault.Client(`When using an EFS access point, the root directory must either be set to "/" or be omitted.`)
	case auth.Iam == types.EFSAuthorizationConfigIAMEnabled && !encrypted:
		return fault.Client("EFS IAM authorization requires TransitEncryption to be enabled.")
	case v.TransitEncryptionPort != nil && !encrypted:
		return fault.Client("TransitEncryptionPort requires that TransitEncryption is enabled.")
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
		if err := checkEFS(v.EfsVolumeConfiguration); err != nil {
			return err
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
