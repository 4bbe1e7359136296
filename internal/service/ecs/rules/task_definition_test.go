package rules

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/service/ecs/fault"
)

// definition is a Fargate task of one container.
func definition(changes ...func(*ecs.RegisterTaskDefinitionInput)) *ecs.RegisterTaskDefinitionInput {
	in := &ecs.RegisterTaskDefinitionInput{
		Family:                  aws.String("web"),
		NetworkMode:             types.NetworkModeAwsvpc,
		RequiresCompatibilities: []types.Compatibility{types.CompatibilityFargate},
		Cpu:                     aws.String("256"),
		Memory:                  aws.String("512"),
		ContainerDefinitions: []types.ContainerDefinition{{
			Name:         aws.String("web"),
			Image:        aws.String("flyball/web"),
			PortMappings: []types.PortMapping{{ContainerPort: aws.Int32(8080)}},
		}},
	}
	for _, change := range changes {
		change(in)
	}
	return in
}

// check reads a definition's size and validates it, as registering it does.
func check(in *ecs.RegisterTaskDefinitionInput) error {
	size, err := ParseSize(in.Cpu, in.Memory)
	if err != nil {
		return err
	}
	return CheckDefinition(in, size)
}

// refusal is the code and the message of an error, or "".
func refusal(err error) string {
	if err == nil {
		return ""
	}
	code, message := fault.Code(err)
	return code + ": " + message
}

func TestInvalidTaskDefinitions(t *testing.T) {
	type input = ecs.RegisterTaskDefinitionInput
	first := func(change func(*types.ContainerDefinition)) func(*input) {
		return func(in *input) { change(&in.ContainerDefinitions[0]) }
	}
	beside := func(name string, change func(first, other *types.ContainerDefinition)) func(*input) {
		return func(in *input) {
			in.ContainerDefinitions = append(in.ContainerDefinitions, types.ContainerDefinition{Name: &name, Image: aws.String("flyball/web")})
			change(&in.ContainerDefinitions[0], &in.ContainerDefinitions[1])
		}
	}
	on := func(name string, condition types.ContainerCondition) []types.ContainerDependency {
		return []types.ContainerDependency{{ContainerName: &name, Condition: condition}}
	}
	ec2 := func(in *input) {
		in.RequiresCompatibilities, in.NetworkMode, in.Cpu, in.Memory = nil, "", nil, nil
	}
	tests := []struct {
		name    string
		changes []func(*input)
		message string
	}{
		{"no containers", []func(*input){func(in *input) { in.ContainerDefinitions = nil }}, "Container list cannot be empty."},
		{"no name", []func(*input){first(func(c *types.ContainerDefinition) { c.Name = nil })}, "Container.name should not be null or empty."},
		{"no image", []func(*input){first(func(c *types.ContainerDefinition) { c.Image = nil })}, "Container.image should not be null or empty."},
		{"Fargate without CPU", []func(*input){func(in *input) { in.Cpu = nil }}, "Fargate requires that 'cpu' be defined at the task level."},
		{"Fargate without memory", []func(*input){func(in *input) { in.Memory = nil }}, "Fargate requires that 'memory' be defined at the task level."},
		{"a pair that Fargate lacks", []func(*input){func(in *input) { in.Cpu, in.Memory = aws.String("512"), aws.String("512") }},
			"No Fargate configuration exists for given values: 512 CPU, 512 memory. See the Amazon ECS documentation for the valid values."},
		{"EC2 without memory", []func(*input){ec2}, "Invalid setting for container 'web'. At least one of 'memory' or 'memoryReservation' must be specified."},
		{"a container larger than the task", []func(*input){first(func(c *types.ContainerDefinition) { c.Memory = aws.Int32(1024) })},
			"The 'memory' setting for container 'web' is greater than for the task."},
		{"no essential container", []func(*input){first(func(c *types.ContainerDefinition) { c.Essential = aws.Bool(false) })},
			"Task definition doesn't have any essential container."},
		{"two host ports", []func(*input){first(func(c *types.ContainerDefinition) { c.PortMappings[0].HostPort = aws.Int32(80) })},
			"When networkMode=awsvpc, the host ports and container ports in port mappings must match."},
		{"not a number", []func(*input){func(in *input) { in.Cpu = aws.String("a lot") }}, "Invalid 'cpu' setting for task."},
		{"more CPU in containers than in the task", []func(*input){beside("other", func(_, c *types.ContainerDefinition) { c.Cpu = 200 }), first(func(c *types.ContainerDefinition) { c.Cpu = 100 })},
			"The sum of all container 'cpu' values cannot be greater than the value of the task 'cpu'."},
		{"what Fargate does not do", []func(*input){first(func(c *types.ContainerDefinition) { c.DnsServers = []string{"1.1.1.1"} })},
			"DNS servers are not supported on container when networkMode=awsvpc"},
		{"links on a task's own network interface", []func(*input){first(func(c *types.ContainerDefinition) { c.Links = []string{"other"} })}, "Links are not supported when networkMode=awsvpc."},
		{"a container without a network", []func(*input){first(func(c *types.ContainerDefinition) { c.DisableNetworking = aws.Bool(true) })},
			"Disable Networking is not supported on container when networkMode=awsvpc"},
		{"a privileged container on Fargate", []func(*input){first(func(c *types.ContainerDefinition) { c.Privileged = aws.Bool(true) })},
			"Fargate requires that the 'privileged' setting be 'false'"},
		{"devices on Fargate", []func(*input){first(func(c *types.ContainerDefinition) {
			c.LinuxParameters = &types.LinuxParameters{Devices: []types.Device{{HostPath: aws.String("/dev/kvm")}}}
		})}, "Fargate compatible task definitions do not support devices"},
		{"secrets without a role to read them", []func(*input){first(func(c *types.ContainerDefinition) {
			c.Secrets = []types.Secret{{Name: aws.String("KEY"), ValueFrom: aws.String("key")}}
		})}, "When you are specifying container secrets, you must also specify a value for 'executionRoleArn'."},
		{"an image of ECR on Fargate without a role to pull it", []func(*input){first(func(c *types.ContainerDefinition) {
			c.Image = aws.String("123456789012.dkr.ecr.us-east-1.amazonaws.com/web:1")
		})}, "Fargate requires task definition to have execution role ARN to support ECR images."},
		{"no tags in a list of tags", []func(*input){func(in *input) { in.Tags = []types.Tag{} }}, "Tags can not be empty."},
		//lint:ignore SA1019 old clients still send it
		{"accelerators that AWS has ended", []func(*input){func(in *input) { in.InferenceAccelerators = []types.InferenceAccelerator{{}} }}, "Unsupported field 'inferenceAccelerators'."},
		{"swap on Fargate", []func(*input){first(func(c *types.ContainerDefinition) { c.LinuxParameters = &types.LinuxParameters{MaxSwap: aws.Int32(0)} })},
			"Fargate compatible task definitions do not support maxSwap"},
		{"IPC mode on Fargate", []func(*input){func(in *input) { in.IpcMode = types.IpcModeHost }}, "Fargate compatible task definitions do not support ipcMode"},
		{"a dependency that is not there", []func(*input){first(func(c *types.ContainerDefinition) { c.DependsOn = on("none", "START") })},
			"Cannot depend on container + 'none' because it does not exist"},
		{"the end of an essential container", []func(*input){beside("other", func(c, _ *types.ContainerDefinition) { c.DependsOn = on("other", "COMPLETE") })},
			"A dependency container with SUCCESS or COMPLETE condition cannot be an essential container"},
		{"the health of one without a check", []func(*input){beside("other", func(c, _ *types.ContainerDefinition) { c.DependsOn = on("other", "HEALTHY") })},
			"A dependency container with HEALTHY condition must have health check configured"},
		{"a container that waits for itself", []func(*input){first(func(c *types.ContainerDefinition) { c.DependsOn = on("web", "START") })}, "Container dependsOn contains a cycle"},
		{"containers that wait for each other", []func(*input){beside("other", func(c, other *types.ContainerDefinition) {
			c.DependsOn, other.DependsOn = on("other", "START"), on("web", "START")
		})}, "Container dependsOn contains a cycle"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := check(definition(tt.changes...)); refusal(err) != "ClientException: "+tt.message {
				t.Errorf("got %v, want %q", err, tt.message)
			}
		})
	}
}

func TestVolumesThatAreRefused(t *testing.T) {
	mount := func(name string) []types.MountPoint {
		return []types.MountPoint{{SourceVolume: aws.String(name), ContainerPath: aws.String("/data")}}
	}
	host := &types.HostVolumeProperties{SourcePath: aws.String("/srv")}
	for want, volumes := range map[string][]types.Volume{
		"Unknown volume 'data'.":                   nil,
		"Volume names must be unique: 'data'.":     {{Name: aws.String("data")}, {Name: aws.String("data")}},
		"Volume name should not be null or empty.": {{}},
		"No volume configuration can be configured for volume 'data', which is configured at launch.": {{Name: aws.String("data"), ConfiguredAtLaunch: aws.Bool(true), Host: host}},
		"Fargate compatible task definitions do not support dockerVolumeConfiguration":                {{Name: aws.String("data"), DockerVolumeConfiguration: &types.DockerVolumeConfiguration{}}},
		"Fargate compatible task definitions do not support sourcePath":                               {{Name: aws.String("data"), Host: host}},
	} {
		in := definition()
		in.Volumes = volumes
		in.ContainerDefinitions[0].MountPoints = mount("data")
		if err := check(in); refusal(err) != "ClientException: "+want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestLogConfigurations(t *testing.T) {
	type options = map[string]string
	whole := func(changes options) options {
		all := options{"awslogs-group": "/ecs/web", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "web"}
		for k, v := range changes {
			all[k] = v
		}
		return all
	}
	for _, tt := range []struct {
		name    string
		driver  types.LogDriver
		options options
		ec2     bool
		role    string
		want    string
	}{
		{"awslogs on Fargate", "awslogs", whole(nil), false, "role", ""},
		{"every option", "awslogs", whole(options{"mode": "blocking", "max-buffer-size": "1m", "awslogs-create-group": "true", "awslogs-datetime-format": "%Y", "awslogs-multiline-pattern": "^x"}), false, "role", ""},
		{"no role", "awslogs", whole(nil), false, "", "ClientException: Fargate requires task definition to have execution role ARN to support log driver awslogs."},
		{"no role on EC2", "awslogs", options{"awslogs-group": "web", "awslogs-region": "us-east-1"}, true, "", ""},
		{"no prefix on Fargate", "awslogs", options{"awslogs-group": "web", "awslogs-region": "us-east-1"}, false, "role",
			"ClientException: Fargate requires log configuration options to include awslogs-stream-prefix to support log driver awslogs."},
		{"no options", "awslogs", nil, true, "", "ClientException: Log driver awslogs requires options: awslogs-group, awslogs-region"},
		{"unknown options", "awslogs", whole(options{"tag": "x", "awslogs-stream": "y"}), true, "", "ClientException: Log driver awslogs disallows options: awslogs-stream, tag"},
		{"a group that none can be", "awslogs", whole(options{"awslogs-group": "a b"}), true, "", "ClientException: Log driver awslogs option 'awslogs-group' contains invalid characters."},
		{"a group with the longest name", "awslogs", whole(options{"awslogs-group": strings.Repeat("a", 512)}), true, "", ""},
		{"a group with a name that is too long", "awslogs", whole(options{"awslogs-group": strings.Repeat("a", 513)}), true, "", "ClientException: Log driver awslogs option 'awslogs-group' contains invalid characters."},
		{"a group that is not to be made", "awslogs", whole(options{"awslogs-create-group": "false"}), true, "", "ClientException: Log driver awslogs option 'awslogs-create-group' should only be set to 'true', else omit option."},
		{"an unknown mode", "awslogs", whole(options{"mode": "fast"}), true, "", "ClientException: Log driver awslogs option 'mode' should be 'blocking' or 'non-blocking'."},
		{"json-file on EC2", "json-file", options{"max-size": "1m"}, true, "", ""},
		{"json-file on Fargate", "json-file", nil, false, "", "ClientException: Fargate compatible task definitions do not support log driver json-file."},
		{"no driver", "none", nil, true, "", "ClientException: Invalid logDriver setting for container 'web'."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := definition(func(in *ecs.RegisterTaskDefinitionInput) {
				if tt.ec2 {
					in.RequiresCompatibilities = []types.Compatibility{types.CompatibilityEc2}
				}
				if tt.role != "" {
					in.ExecutionRoleArn = &tt.role
				}
				in.ContainerDefinitions[0].LogConfiguration = &types.LogConfiguration{LogDriver: tt.driver, Options: tt.options}
			})
			if got := refusal(check(in)); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}
