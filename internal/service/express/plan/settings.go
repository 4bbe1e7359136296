// Package plan says what an Express service is made of: from what a request asks for
// it makes the settings of the service, and from these what is asked of each service
// that has a part in it.
//
//	settings, err := plan.New(in)
//	target := plan.Parts{...}.ScalableTarget(settings)
//
// Everything in it is a value. Package express asks the services.
//
// Source: Amazon ECS Developer Guide, "Resources created by Amazon ECS Express Mode
// services". Where the API reference has other defaults (256 CPU units, 512 MiB, the
// path /ping) the guide's are taken, which are those that services have.
package plan

import (
	"cmp"
	"reflect"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/service/ecs/fault"
	"flyball/internal/service/ecs/rules"
)

// Settings are what an Express service runs, and how, with everything filled in that
// can be known before anything is made.
type Settings struct {
	CPU, Memory     string
	Architecture    types.ExpressCpuArchitecture // "" where a task definition of the caller's has none
	ExecutionRole   string
	TaskRole        string // "" for none
	Container       types.ExpressGatewayContainer
	HealthCheckPath string
	Scaling         types.ExpressGatewayScalingTarget
	// TaskDefinition is what the caller brings in place of what it says of the
	// container; "" for one that is made.
	TaskDefinition string
}

// The defaults of what a request leaves out.
const (
	usualCPU    = "1024"
	usualMemory = "2048"
	usualPath   = "/"
	usualPort   = 80
	usualTasks  = 1
	usualMost   = 20
	usualTarget = 60
)

// LogPrefix is the prefix of log streams where a request names none.
const LogPrefix = "ecs"

// Bounds of what a request says.
const (
	maxPath     = 1024
	maxRequests = 65536 // for each target
)

// New are the settings that a request asks for. The log group has still to be named
// where the request names none.
func New(in *ecs.CreateExpressGatewayServiceInput) (Settings, error) {
	s := Settings{HealthCheckPath: aws.ToString(cmp.Or(in.HealthCheckPath, aws.String(usualPath)))}
	s.Scaling = withScaling(types.ExpressGatewayScalingTarget{
		AutoScalingMetric: types.ExpressGatewayServiceScalingMetricAverageCPUUtilization, AutoScalingTargetValue: aws.Int32(usualTarget),
		MinTaskCount: aws.Int32(usualTasks), MaxTaskCount: aws.Int32(usualMost),
	}, in.ScalingTarget)
	t := taskChange{in.TaskDefinitionArn, in.Cpu, in.Memory, in.ExecutionRoleArn, in.TaskRoleArn, in.CpuArchitecture, in.PrimaryContainer}
	if err := t.check(); err != nil {
		return s, err
	}
	if t.definition != nil {
		s.TaskDefinition = *t.definition
		return s, s.check()
	}
	switch {
	case aws.ToString(in.ExecutionRoleArn) == "":
		return s, fault.InvalidParameter("executionRoleArn is required unless taskDefinitionArn is specified.")
	case in.PrimaryContainer == nil:
		return s, fault.InvalidParameter("primaryContainer is required unless taskDefinitionArn is specified.")
	}
	s.CPU, s.Memory, s.Architecture = usualCPU, usualMemory, types.ExpressCpuArchitectureX8664
	s.Container.ContainerPort = aws.Int32(usualPort)
	s = s.with(t)
	return s, s.check()
}

// Changed are the settings with what a request changes of them.
func (s Settings) Changed(in *ecs.UpdateExpressGatewayServiceInput) (Settings, error) {
	t := taskChange{in.TaskDefinitionArn, in.Cpu, in.Memory, in.ExecutionRoleArn, in.TaskRoleArn, in.CpuArchitecture, in.PrimaryContainer}
	if err := t.check(); err != nil {
		return s, err
	}
	s.HealthCheckPath = aws.ToString(cmp.Or(in.HealthCheckPath, &s.HealthCheckPath))
	s.Scaling = withScaling(s.Scaling, in.ScalingTarget)
	s.TaskDefinition = aws.ToString(t.definition)
	if t.definition == nil {
		s = s.with(t)
	}
	return s, s.check()
}

// A taskChange is what a request says of the tasks.
type taskChange struct {
	definition, cpu, memory, executionRole, taskRole *string
	architecture                                     types.ExpressCpuArchitecture
	container                                        *types.ExpressGatewayContainer
}

func (t taskChange) check() error {
	own := t.cpu != nil || t.memory != nil || t.executionRole != nil || t.taskRole != nil || t.architecture != "" || t.container != nil
	if t.definition != nil && own {
		return fault.InvalidParameter("You cannot specify primaryContainer, executionRoleArn, taskRoleArn, cpu, memory or cpuArchitecture with taskDefinitionArn.")
	}
	return nil
}

func (s Settings) with(t taskChange) Settings {
	s.CPU, s.Memory = *cmp.Or(t.cpu, &s.CPU), *cmp.Or(t.memory, &s.Memory)
	s.ExecutionRole, s.TaskRole = *cmp.Or(t.executionRole, &s.ExecutionRole), *cmp.Or(t.taskRole, &s.TaskRole)
	s.Architecture = cmp.Or(t.architecture, s.Architecture)
	if t.container != nil {
		s.Container = withContainer(s.Container, *t.container)
	}
	return s
}

// withContainer changes what a request says of a container. An empty list takes away
// what was there.
func withContainer(c, change types.ExpressGatewayContainer) types.ExpressGatewayContainer {
	c.Image = cmp.Or(change.Image, c.Image)
	c.ContainerPort = cmp.Or(change.ContainerPort, c.ContainerPort)
	c.AwsLogsConfiguration = cmp.Or(change.AwsLogsConfiguration, c.AwsLogsConfiguration)
	c.RepositoryCredentials = cmp.Or(change.RepositoryCredentials, c.RepositoryCredentials)
	if change.Command != nil {
		c.Command = change.Command
	}
	if change.Environment != nil {
		c.Environment = change.Environment
	}
	if change.Secrets != nil {
		c.Secrets = change.Secrets
	}
	return c
}

// withScaling changes what a request says of the scaling. Another metric has a target
// of its own, which is the usual one unless the request says it.
func withScaling(t types.ExpressGatewayScalingTarget, change *types.ExpressGatewayScalingTarget) types.ExpressGatewayScalingTarget {
	if change == nil {
		return t
	}
	t.AutoScalingMetric = cmp.Or(change.AutoScalingMetric, t.AutoScalingMetric)
	t.AutoScalingTargetValue = cmp.Or(change.AutoScalingTargetValue, t.AutoScalingTargetValue)
	t.MinTaskCount = cmp.Or(change.MinTaskCount, t.MinTaskCount)
	t.MaxTaskCount = cmp.Or(change.MaxTaskCount, t.MaxTaskCount)
	return t
}

// SameTasks tells whether two settings have the same tasks.
func (s Settings) SameTasks(other Settings) bool {
	other.HealthCheckPath, other.Scaling = s.HealthCheckPath, s.Scaling
	return reflect.DeepEqual(s, other)
}

// check says what is wrong with settings, of what the services that are asked do not
// say by themselves in the words of ECS.
func (s Settings) check() error {
	switch {
	case !strings.HasPrefix(s.HealthCheckPath, "/") || len(s.HealthCheckPath) > maxPath:
		return fault.InvalidParameter("healthCheckPath must start with / and have at most %d characters.", maxPath)
	case s.TaskDefinition != "":
		return checkScaling(s.Scaling)
	case aws.ToString(s.Container.Image) == "":
		return fault.InvalidParameter("primaryContainer.image must not be empty.")
	case *s.Container.ContainerPort < 1 || *s.Container.ContainerPort > 65535:
		return fault.InvalidParameter("primaryContainer.containerPort must be between 1 and 65535.")
	}
	if logs := s.Container.AwsLogsConfiguration; logs != nil && (aws.ToString(logs.LogGroup) == "" || aws.ToString(logs.LogStreamPrefix) == "") {
		return fault.InvalidParameter("primaryContainer.awsLogsConfiguration must name a logGroup and a logStreamPrefix.")
	}
	size, err := rules.ParseSize(&s.CPU, &s.Memory)
	if err != nil {
		return err
	}
	if !size.Fargate() {
		return fault.InvalidParameter("No Fargate configuration exists for given values: %s CPU, %s memory.", s.CPU, s.Memory)
	}
	return checkScaling(s.Scaling)
}

func checkScaling(t types.ExpressGatewayScalingTarget) error {
	least, most, value := *t.MinTaskCount, *t.MaxTaskCount, *t.AutoScalingTargetValue
	limit := int32(100) // percent
	if t.AutoScalingMetric == types.ExpressGatewayServiceScalingMetricRequestCountPerTarget {
		limit = maxRequests
	}
	switch {
	case least < 0:
		return fault.InvalidParameter("scalingTarget.minTaskCount must not be negative.")
	case most < least:
		return fault.InvalidParameter("scalingTarget.minTaskCount must not be greater than maxTaskCount.")
	case value < 1 || value > limit:
		return fault.InvalidParameter("scalingTarget.autoScalingTargetValue must be between 1 and %d for %s.", limit, t.AutoScalingMetric)
	}
	return nil
}
