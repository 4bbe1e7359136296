package plan

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/service/ecs/fault"
)

// Options of the awslogs driver that are the container's configuration of logs.
const (
	logGroup  = "awslogs-group"
	logPrefix = "awslogs-stream-prefix"
	logRegion = "awslogs-region"
)

// Definition is the task definition of a service's first revision.
func (s Settings) Definition(family, region string) *ecs.RegisterTaskDefinitionInput {
	in := &ecs.RegisterTaskDefinitionInput{
		Family: &family, NetworkMode: types.NetworkModeAwsvpc, RequiresCompatibilities: []types.Compatibility{types.CompatibilityFargate},
		RuntimePlatform: &types.RuntimePlatform{OperatingSystemFamily: types.OSFamilyLinux},
		ContainerDefinitions: []types.ContainerDefinition{{
			Name: aws.String(Container), Essential: aws.Bool(true), StopTimeout: aws.Int32(30),
			LinuxParameters: &types.LinuxParameters{InitProcessEnabled: aws.Bool(true)}, VersionConsistency: types.VersionConsistencyEnabled,
		}},
	}
	s.write(in, Settings{}, region)
	return in
}

// Revision is a task definition for what has changed from earlier settings. What else
// a definition has, such as a second container, it keeps.
func (s Settings) Revision(of *types.TaskDefinition, before Settings, region string) *ecs.RegisterTaskDefinitionInput {
	in := &ecs.RegisterTaskDefinitionInput{
		Family: of.Family, NetworkMode: of.NetworkMode, RequiresCompatibilities: of.RequiresCompatibilities, RuntimePlatform: of.RuntimePlatform,
		ContainerDefinitions: slices.Clone(of.ContainerDefinitions), Cpu: of.Cpu, Memory: of.Memory, TaskRoleArn: of.TaskRoleArn,
		ExecutionRoleArn: of.ExecutionRoleArn, EphemeralStorage: of.EphemeralStorage, IpcMode: of.IpcMode, PidMode: of.PidMode,
		PlacementConstraints: of.PlacementConstraints, ProxyConfiguration: of.ProxyConfiguration, Volumes: of.Volumes,
		EnableFaultInjection: of.EnableFaultInjection,
	}
	s.write(in, before, region)
	return in
}

// write sets what differs from earlier settings.
func (s Settings) write(in *ecs.RegisterTaskDefinitionInput, before Settings, region string) {
	if s.CPU != before.CPU {
		in.Cpu = &s.CPU
	}
	if s.Memory != before.Memory {
		in.Memory = &s.Memory
	}
	if s.ExecutionRole != before.ExecutionRole {
		in.ExecutionRoleArn = &s.ExecutionRole
	}
	if s.TaskRole != before.TaskRole {
		in.TaskRoleArn = &s.TaskRole
	}
	if s.Architecture != before.Architecture {
		platform := types.RuntimePlatform{OperatingSystemFamily: types.OSFamilyLinux}
		if in.RuntimePlatform != nil {
			platform = *in.RuntimePlatform
		}
		platform.CpuArchitecture = types.CPUArchitecture(s.Architecture)
		in.RuntimePlatform = &platform
	}
	for i := range in.ContainerDefinitions {
		if c := &in.ContainerDefinitions[i]; aws.ToString(c.Name) == Container {
			writeContainer(c, s.Container, before.Container, region)
		}
	}
}

func writeContainer(c *types.ContainerDefinition, want, before types.ExpressGatewayContainer, region string) {
	if aws.ToString(want.Image) != aws.ToString(before.Image) {
		c.Image = want.Image
	}
	if port := *want.ContainerPort; port != aws.ToInt32(before.ContainerPort) {
		name := fmt.Sprintf("main-%d-tcp", port)
		c.PortMappings = []types.PortMapping{{ContainerPort: &port, Name: &name, Protocol: types.TransportProtocolTcp}}
	}
	if !slices.Equal(want.Command, before.Command) {
		c.Command = want.Command
	}
	if !reflect.DeepEqual(want.Environment, before.Environment) {
		c.Environment = want.Environment
	}
	if !reflect.DeepEqual(want.Secrets, before.Secrets) {
		c.Secrets = want.Secrets
	}
	if r := want.RepositoryCredentials; r != nil && !reflect.DeepEqual(r, before.RepositoryCredentials) {
		c.RepositoryCredentials = &types.RepositoryCredentials{CredentialsParameter: r.CredentialsParameter}
	}
	if l := want.AwsLogsConfiguration; l != nil && !reflect.DeepEqual(l, before.AwsLogsConfiguration) {
		c.LogConfiguration = &types.LogConfiguration{LogDriver: types.LogDriverAwslogs, Options: map[string]string{
			logGroup: *l.LogGroup, logPrefix: *l.LogStreamPrefix, logRegion: region, "mode": "non-blocking", "max-buffer-size": "25m",
		}}
	}
}

// Reading is what a task definition says, in place of the same members of some
// settings. A definition without a container that can get requests is refused.
func (s Settings) Reading(def *types.TaskDefinition) (Settings, error) {
	s.CPU, s.Memory = aws.ToString(def.Cpu), aws.ToString(def.Memory)
	s.ExecutionRole, s.TaskRole = aws.ToString(def.ExecutionRoleArn), aws.ToString(def.TaskRoleArn)
	s.Architecture = ""
	if p := def.RuntimePlatform; p != nil {
		s.Architecture = types.ExpressCpuArchitecture(p.CpuArchitecture)
	}
	i := slices.IndexFunc(def.ContainerDefinitions, func(c types.ContainerDefinition) bool { return aws.ToString(c.Name) == Container })
	if i < 0 {
		return s, fault.InvalidParameter("The task definition must have a container named %s.", Container)
	}
	c := def.ContainerDefinitions[i]
	if len(c.PortMappings) != 1 || c.PortMappings[0].ContainerPort == nil || cmp.Or(c.PortMappings[0].Protocol, types.TransportProtocolTcp) != types.TransportProtocolTcp {
		return s, fault.InvalidParameter("The container %s must have a single TCP port mapping with a containerPort and a name.", Container)
	}
	s.Container = types.ExpressGatewayContainer{
		Image: c.Image, Command: c.Command, Environment: c.Environment, Secrets: c.Secrets, ContainerPort: c.PortMappings[0].ContainerPort,
	}
	if r := c.RepositoryCredentials; r != nil {
		s.Container.RepositoryCredentials = &types.ExpressGatewayRepositoryCredentials{CredentialsParameter: r.CredentialsParameter}
	}
	if l := c.LogConfiguration; l != nil && l.LogDriver == types.LogDriverAwslogs {
		s.Container.AwsLogsConfiguration = &types.ExpressGatewayServiceAwsLogsConfiguration{
			LogGroup: aws.String(l.Options[logGroup]), LogStreamPrefix: aws.String(l.Options[logPrefix]),
		}
	}
	return s, nil
}

// CheckBrought refuses a task definition of the caller's that Express Mode cannot run.
func CheckBrought(def *types.TaskDefinition) error {
	if !slices.Contains(def.Compatibilities, types.CompatibilityFargate) && !slices.Contains(def.RequiresCompatibilities, types.CompatibilityFargate) {
		return fault.InvalidParameter("The task definition must be compatible with FARGATE.")
	}
	for _, c := range def.ContainerDefinitions {
		if aws.ToString(c.Name) == Container && len(c.PortMappings) == 1 && aws.ToString(c.PortMappings[0].Name) == "" {
			return fault.InvalidParameter("The container %s must have a single TCP port mapping with a containerPort and a name.", Container)
		}
	}
	return nil
}
