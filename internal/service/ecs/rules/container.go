package rules

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/service/ecs/fault"
)

func checkContainer(c *types.ContainerDefinition, in *ecs.RegisterTaskDefinitionInput, size Size) error {
	name := aws.ToString(c.Name)
	switch {
	case name == "":
		return fault.Client("Container.name should not be null or empty.")
	case !ValidName(name):
		return fault.Client("Container name contains invalid characters or is longer than 255 characters: '%s'.", name)
	case aws.ToString(c.Image) == "":
		return fault.Client("Container.image should not be null or empty.")
	case !imagePattern.MatchString(*c.Image):
		return fault.Client("Container.image contains invalid characters.")
	case c.Cpu < 0:
		return fault.Client("Invalid 'cpu' setting for container '%s'.", name)
	}
	if err := checkExecutionRole(c, in); err != nil {
		return err
	}
	if err := checkContainerMemory(c, size); err != nil {
		return err
	}
	if size.CPU > 0 && int(c.Cpu) > size.CPU {
		return fault.Client("The 'cpu' setting for container '%s' is greater than for the task.", name)
	}
	for _, e := range c.Environment {
		if aws.ToString(e.Name) == "" {
			return fault.Client("Environment variable names must not be null or empty in container '%s'.", name)
		}
	}
	if aws.ToInt32(c.StopTimeout) < 0 || aws.ToInt32(c.StartTimeout) < 0 {
		return fault.Client("Invalid startTimeout or stopTimeout for container '%s'. It must not be negative.", name)
	}
	if err := checkRestarts(name, c.RestartPolicy); err != nil {
		return err
	}
	if err := checkEnvironmentFiles(c.EnvironmentFiles); err != nil {
		return err
	}
	if err := checkAwsvpc(c, in.NetworkMode); err != nil {
		return err
	}
	if err := checkPorts(c, in.NetworkMode); err != nil {
		return err
	}
	if err := checkLinux(name, c.LinuxParameters); err != nil {
		return err
	}
	if err := checkLogConfiguration(c, in); err != nil {
		return err
	}
	return checkHealthCheck(name, c.HealthCheck)
}

// imagePattern has the characters that ECS permits in an image ("RegisterTaskDefinition").
var imagePattern = regexp.MustCompile(`^[A-Za-z0-9_:./#@-]+$`)

func checkRestarts(container string, r *types.ContainerRestartPolicy) error {
	switch {
	case r == nil:
		return nil
	case r.RestartAttemptPeriod != nil && (*r.RestartAttemptPeriod < 60 || *r.RestartAttemptPeriod > 1800):
		return fault.Client("The 'restartAttemptPeriod' setting for container '%s' must be between 60 and 1800.", container)
	case len(r.IgnoredExitCodes) > 50:
		return fault.Client("Invalid restart policy for container '%s'. ignoredExitCodes must have at most 50 items.", container)
	}
	return nil
}

func checkEnvironmentFiles(files []types.EnvironmentFile) error {
	if len(files) > 10 {
		return fault.Client("The maximum number of environment files was exceeded. Specify ten or less and try again.")
	}
	for _, f := range files {
		if !arn.IsARN(aws.ToString(f.Value)) {
			return fault.Client("Invalid arn syntax.")
		}
	}
	return nil
}

// registryOfECR is an image in a registry of ECR at AWS.
var registryOfECR = regexp.MustCompile(`^\d{12}\.dkr\.ecr\.`)

// checkExecutionRole refuses what ECS does in the execution role's name, if there is none.
func checkExecutionRole(c *types.ContainerDefinition, in *ecs.RegisterTaskDefinitionInput) error {
	switch {
	case aws.ToString(in.ExecutionRoleArn) != "":
		return nil
	case len(c.Secrets) > 0:
		return fault.Client("When you are specifying container secrets, you must also specify a value for 'executionRoleArn'.")
	case slices.Contains(in.RequiresCompatibilities, types.CompatibilityFargate) && registryOfECR.MatchString(*c.Image):
		return fault.Client("Fargate requires task definition to have execution role ARN to support ECR images.")
	}
	return nil
}

func checkContainerMemory(c *types.ContainerDefinition, size Size) error {
	name := aws.ToString(c.Name)
	switch {
	case c.Memory == nil && c.MemoryReservation == nil && size.Memory == 0:
		return fault.Client("Invalid setting for container '%s'. At least one of 'memory' or 'memoryReservation' must be specified.", name)
	case c.Memory != nil && *c.Memory < 6:
		return fault.Client("Invalid setting for container '%s'. 'memory' must be at least 6 MiB.", name)
	case c.MemoryReservation != nil && *c.MemoryReservation < 1:
		return fault.Client("Invalid setting for container '%s'. 'memoryReservation' must be at least 1 MiB.", name)
	case c.Memory != nil && c.MemoryReservation != nil && *c.Memory < *c.MemoryReservation:
		return fault.Client("Invalid setting for container '%s'. 'memory' must be greater than or equal to 'memoryReservation'.", name)
	case c.Memory != nil && size.Memory > 0 && int(*c.Memory) > size.Memory:
		return fault.Client("The 'memory' setting for container '%s' is greater than for the task.", name)
	}
	return nil
}

func checkPorts(c *types.ContainerDefinition, mode types.NetworkMode) error {
	name := aws.ToString(c.Name)
	for _, p := range c.PortMappings {
		if p.ContainerPortRange != nil {
			if p.ContainerPort != nil || p.HostPort != nil {
				return fault.Client("Invalid port mapping for container '%s', cannot specify both single port and port range.", name)
			}
			if _, _, ok := portRange(p); !ok {
				return fault.Client("Invalid 'containerPortRange' setting for container '%s'.", name)
			}
			continue
		}
		if p.ContainerPort == nil || *p.ContainerPort < 1 || *p.ContainerPort > 65535 {
			return fault.Client("Invalid 'containerPort' setting for container '%s'. It must be between 1 and 65535.", name)
		}
		if p.HostPort == nil {
			continue
		}
		if *p.HostPort < 0 || *p.HostPort > 65535 {
			return fault.Client("Invalid 'hostPort' setting for container '%s'. It must be between 0 and 65535.", name)
		}
		if (mode == types.NetworkModeAwsvpc || mode == types.NetworkModeHost) && *p.HostPort != *p.ContainerPort {
			return fault.Client("When networkMode=%s, the host ports and container ports in port mappings must match.", mode)
		}
	}
	return nil
}

// portRange is the first and the last port of a mapping, and whether it has such.
func portRange(p types.PortMapping) (first, last int, ok bool) {
	if p.ContainerPortRange == nil {
		port := int(aws.ToInt32(p.ContainerPort))
		return port, port, p.ContainerPort != nil
	}
	from, to, _ := strings.Cut(*p.ContainerPortRange, "-")
	first, errFirst := strconv.Atoi(from)
	last, errLast := strconv.Atoi(to)
	return first, last, errFirst == nil && errLast == nil && 1 <= first && first < last && last <= 65535
}

// checkSharedPorts refuses ports and names of ports that containers cannot both have in the
// one network of their task.
func checkSharedPorts(in *ecs.RegisterTaskDefinitionInput) error {
	if in.NetworkMode != types.NetworkModeAwsvpc {
		return nil
	}
	names := map[string]bool{}
	var before []types.PortMapping
	for _, c := range in.ContainerDefinitions {
		for _, p := range c.PortMappings {
			if p.Name != nil && names[*p.Name] {
				return fault.Client("When networkMode=awsvpc, port mapping name is already used")
			}
			names[aws.ToString(p.Name)] = true
			for _, q := range before {
				first, last, _ := portRange(p)
				qFirst, qLast, _ := portRange(q)
				if at := max(first, qFirst); at <= min(last, qLast) && protocol(p) == protocol(q) {
					return fault.Client("%s container port '%d' is used multiple times in task when networkMode=awsvpc.", protocol(p), at)
				}
			}
			before = append(before, p)
		}
	}
	return nil
}

func protocol(p types.PortMapping) string {
	return strings.ToUpper(string(cmp.Or(p.Protocol, types.TransportProtocolTcp)))
}

func checkLinux(container string, l *types.LinuxParameters) error {
	if l == nil {
		return nil
	}
	for member, v := range map[string]*int32{"maxSwap": l.MaxSwap, "sharedMemorySize": l.SharedMemorySize, "swappiness": l.Swappiness} {
		if aws.ToInt32(v) < 0 {
			return fault.Client("Invalid '%s' setting for container '%s'. It must not be negative.", member, container)
		}
	}
	if aws.ToInt32(l.Swappiness) > 100 {
		return fault.Client("Invalid 'swappiness' setting for container '%s'. It must be between 0 and 100.", container)
	}
	return nil
}

func checkHealthCheck(container string, h *types.HealthCheck) error {
	if h == nil {
		return nil
	}
	within := func(member string, v *int32, least, most int32) error {
		switch {
		case v != nil && *v < least:
			return fault.Client("Health check %s must be greater than or equal to the minimum allowed value %d for container '%s'", member, least, container)
		case v != nil && *v > most:
			return fault.Client("Health check %s must be less than or equal to the maximum allowed value %d for container '%s'", member, most, container)
		}
		return nil
	}
	if len(h.Command) == 0 || (h.Command[0] != "CMD" && h.Command[0] != "CMD-SHELL" && h.Command[0] != "NONE") {
		return fault.Client("The health check command of container '%s' must start with CMD or CMD-SHELL.", container)
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
