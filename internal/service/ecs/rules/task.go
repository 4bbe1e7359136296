package rules

import (
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/service/ecs/fault"
)

// CheckRunTask validates what can be seen without looking at the state, but for
// the tags.
func CheckRunTask(in *ecs.RunTaskInput) error {
	switch {
	case aws.ToString(in.TaskDefinition) == "":
		return fault.Client("TaskDefinition can not be blank.")
	case in.Count != nil && (*in.Count < 1 || *in.Count > 10):
		return fault.InvalidParameter("Count must be between 1 and 10.")
	case len(aws.ToString(in.StartedBy)) > 128:
		return fault.InvalidParameter("startedBy can be at most 128 characters long.")
	case len(aws.ToString(in.Group)) > 255:
		return fault.InvalidParameter("The task group can be at most 255 characters long.")
	case len(aws.ToString(in.ReferenceId)) > 1024:
		return fault.InvalidParameter("The reference ID can be at most 1024 characters long.")
	case strings.HasPrefix(aws.ToString(in.Group), "service:"):
		return fault.InvalidParameter("The task group cannot start with service:, which is reserved for services.")
	case in.PropagateTags == types.PropagateTagsService:
		return fault.InvalidParameter("The propagateTags value SERVICE is not valid for a task that belongs to no service.")
	case len(in.VolumeConfigurations) > 0:
		return fault.NotServed("volumeConfigurations")
	case len(aws.ToString(in.ClientToken)) > 64:
		return fault.InvalidParameter("The client token can be at most 64 characters long.")
	}
	return checkPlacement(in.LaunchType, in.PlacementConstraints, in.PlacementStrategy)
}

// CheckOverrides validates what a task changes of its definition.
func CheckOverrides(def *types.TaskDefinition, o *types.TaskOverride) error {
	if o == nil {
		return nil
	}
	for _, c := range o.ContainerOverrides {
		if err := checkContainerOverride(def, c); err != nil {
			return err
		}
	}
	//lint:ignore SA1019 old clients still send it, and are refused
	if len(o.InferenceAcceleratorOverrides) > 0 {
		return fault.NotServed("inferenceAcceleratorOverrides")
	}
	if n := overrideLength(o); n > maxOverrides {
		return fault.InvalidParameter("Container Overrides length must be at most %d", maxOverrides)
	}
	if err := checkEphemeralStorage(o.EphemeralStorage, def.RequiresCompatibilities); err != nil {
		return err
	}
	return checkOverriddenSize(def, o)
}

func checkContainerOverride(def *types.TaskDefinition, c types.ContainerOverride) error {
	if !HasContainer(def, aws.ToString(c.Name)) {
		return fault.InvalidParameter("Override for container named %s is not a container in the TaskDefinition.", aws.ToString(c.Name))
	}
	for _, e := range c.Environment {
		if aws.ToString(e.Name) == "" {
			return fault.InvalidParameter("Environment variable names must not be null or empty in the override of container %s.", *c.Name)
		}
	}
	if len(c.EnvironmentFiles) > 0 {
		return fault.NotServed("environmentFiles of an override")
	}
	// A memory of 0 is none, as Terraform's provider sends it.
	if m := aws.ToInt32(c.Memory); aws.ToInt32(c.Cpu) < 0 || m != 0 && m < 6 || aws.ToInt32(c.MemoryReservation) < 0 {
		return fault.Client("Invalid 'cpu', 'memory' or 'memoryReservation' setting in the override of container '%s'.", *c.Name)
	}
	return nil
}

func checkOverriddenSize(def *types.TaskDefinition, o *types.TaskOverride) error {
	size, err := ParseSize(o.Cpu, o.Memory)
	if err != nil {
		return err
	}
	own, err := ParseSize(def.Cpu, def.Memory)
	if err != nil {
		return err
	}
	size = size.Or(own)
	if slices.Contains(def.RequiresCompatibilities, types.CompatibilityFargate) && !size.Fargate() {
		return noFargateSize(size)
	}
	return nil
}

// maxOverrides is how many characters the overrides of a task may have.
const maxOverrides = 8192

func overrideLength(o *types.TaskOverride) int {
	n := len(aws.ToString(o.ExecutionRoleArn)) + len(aws.ToString(o.TaskRoleArn))
	for _, c := range o.ContainerOverrides {
		n += len(*c.Name)
		for _, arg := range c.Command {
			n += len(arg)
		}
		for _, e := range c.Environment {
			n += len(*e.Name) + len(aws.ToString(e.Value))
		}
	}
	return n
}
