package rules

import (
	"slices"
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
	ranges := func(of ...string) (mappings []types.PortMapping) {
		for _, r := range of {
			mappings = append(mappings, types.PortMapping{ContainerPortRange: &r})
		}
		return mappings
	}
	checked := func(h types.HealthCheck) *types.HealthCheck {
		h.Command = []string{"CMD", "true"}
		return &h
	}
	disk := func(size int32) func(*input) {
		return func(in *input) { in.EphemeralStorage = &types.EphemeralStorage{SizeInGiB: size} }
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
		{"a character that no image has", []func(*input){first(func(c *types.ContainerDefinition) { c.Image = aws.String("$IMAGE:$TAG") })}, "Container.image contains invalid characters."},
		{"a space behind an image", []func(*input){first(func(c *types.ContainerDefinition) { c.Image = aws.String("web:1 ") })}, "Container.image contains invalid characters."},
		{"a space in the family", []func(*input){func(in *input) { in.Family = aws.String("a b") }}, "Family contains invalid characters."},
		{"eleven containers", []func(*input){func(in *input) { in.ContainerDefinitions = slices.Repeat(in.ContainerDefinitions, 11) }}, "Too many containers."},
		{"two containers of one name", []func(*input){beside("web", func(_, _ *types.ContainerDefinition) {})}, "Container names must be unique within a task definition"},
		{"a container with a host name", []func(*input){first(func(c *types.ContainerDefinition) { c.Hostname = aws.String("web") })}, "hostname is not supported on container when networkMode=awsvpc."},
		{"a port and a range", []func(*input){first(func(c *types.ContainerDefinition) { c.PortMappings[0].ContainerPortRange = aws.String("90-95") })},
			"Invalid port mapping for container 'web', cannot specify both single port and port range."},
		{"a range that ends before it begins", []func(*input){first(func(c *types.ContainerDefinition) { c.PortMappings = ranges("95-90") })}, "Invalid 'containerPortRange' setting for container 'web'."},
		{"ranges that overlap", []func(*input){first(func(c *types.ContainerDefinition) { c.PortMappings = ranges("8080-8090", "8085-8095") })},
			"TCP container port '8085' is used multiple times in task when networkMode=awsvpc."},
		{"one port for two containers", []func(*input){beside("other", func(c, other *types.ContainerDefinition) { other.PortMappings = c.PortMappings })},
			"TCP container port '8080' is used multiple times in task when networkMode=awsvpc."},
		{"one name for two ports", []func(*input){beside("other", func(c, other *types.ContainerDefinition) {
			c.PortMappings[0].Name = aws.String("http")
			other.PortMappings = []types.PortMapping{{ContainerPort: aws.Int32(81), Name: aws.String("http")}}
		})}, "When networkMode=awsvpc, port mapping name is already used"},
		{"restarts at once", []func(*input){first(func(c *types.ContainerDefinition) {
			c.RestartPolicy = &types.ContainerRestartPolicy{Enabled: aws.Bool(true), RestartAttemptPeriod: aws.Int32(59)}
		})}, "The 'restartAttemptPeriod' setting for container 'web' must be between 60 and 1800."},
		{"checks that are too rare", []func(*input){first(func(c *types.ContainerDefinition) {
			c.HealthCheck = checked(types.HealthCheck{Interval: aws.Int32(301)})
		})},
			"Health check interval must be less than or equal to the maximum allowed value 300 for container 'web'"},
		{"checks that are too short", []func(*input){first(func(c *types.ContainerDefinition) { c.HealthCheck = checked(types.HealthCheck{Timeout: aws.Int32(1)}) })},
			"Health check timeout must be greater than or equal to the minimum allowed value 2 for container 'web'"},
		{"eleven environment files", []func(*input){first(func(c *types.ContainerDefinition) {
			c.EnvironmentFiles = make([]types.EnvironmentFile, 11)
		})}, "The maximum number of environment files was exceeded. Specify ten or less and try again."},
		{"an environment file without an ARN", []func(*input){first(func(c *types.ContainerDefinition) {
			c.EnvironmentFiles = []types.EnvironmentFile{{Type: "s3", Value: aws.String("s3://settings/web.env")}}
		})}, "Invalid arn syntax."},
		{"a small disk", []func(*input){disk(20)}, "EphemeralStorage size should be at least 21"},
		{"a large disk", []func(*input){disk(201)}, "EphemeralStorage size should be at most 200"},
		{"a disk on EC2", []func(*input){disk(30), func(in *input) { in.RequiresCompatibilities = []types.Compatibility{types.CompatibilityEc2} }}, "Tasks using the EC2 launch type do not support EphemeralStorage."},
		{"a capability that Fargate lacks", []func(*input){first(func(c *types.ContainerDefinition) {
			c.LinuxParameters = &types.LinuxParameters{Capabilities: &types.KernelCapabilities{Add: []string{"SYS_PTRACE", "NET_ADMIN"}}}
		})}, "NET_ADMIN is not allowed on Fargate."},
		{"a GPU on Fargate", []func(*input){first(func(c *types.ContainerDefinition) {
			c.ResourceRequirements = []types.ResourceRequirement{{Type: types.ResourceTypeGpu, Value: aws.String("1")}}
		})}, "Tasks using the Fargate launch type do not support GPU resource requirements."},
		{"shared memory on Fargate", []func(*input){first(func(c *types.ContainerDefinition) {
			c.LinuxParameters = &types.LinuxParameters{SharedMemorySize: aws.Int32(64)}
		})}, "Fargate compatible task definitions do not support sharedMemorySize"},
		{"a place on Fargate", []func(*input){func(in *input) {
			in.PlacementConstraints = []types.TaskDefinitionPlacementConstraint{{Type: "memberOf"}}
		}}, "Fargate compatible task definitions do not support constraints"},
		{"Windows on a quarter of a CPU", []func(*input){func(in *input) {
			in.RuntimePlatform = &types.RuntimePlatform{OperatingSystemFamily: types.OSFamilyWindowsServer2022Core}
		}}, "No Fargate configuration exists for given values: 256 CPU, 512 memory. See the Amazon ECS documentation for the valid values."},
		{"a proxy without its container", []func(*input){func(in *input) { in.ProxyConfiguration = &types.ProxyConfiguration{ContainerName: aws.String("envoy")} }},
			"Proxy container [envoy] does not exist."},
		{"a proxy without its port", []func(*input){func(in *input) { in.ProxyConfiguration = &types.ProxyConfiguration{ContainerName: aws.String("web")} }}, "Ingress port not found"},
		{"a proxy on a bridge", []func(*input){ec2, func(in *input) {
			in.Memory, in.ProxyConfiguration = aws.String("512"), &types.ProxyConfiguration{ContainerName: aws.String("web")}
		}}, "APPMESH proxy configuration is only supported in networkMode=awsvpc"},
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
	efs := func(c types.EFSVolumeConfiguration) []types.Volume {
		return []types.Volume{{Name: aws.String("data"), EfsVolumeConfiguration: &c}}
	}
	host := &types.HostVolumeProperties{SourcePath: aws.String("/srv")}
	for want, volumes := range map[string][]types.Volume{
		"Unknown volume 'data'.":                   nil,
		"Volume names must be unique: 'data'.":     {{Name: aws.String("data")}, {Name: aws.String("data")}},
		"Volume name should not be null or empty.": {{}},
		"No volume configuration can be configured for volume 'data', which is configured at launch.": {{Name: aws.String("data"), ConfiguredAtLaunch: aws.Bool(true), Host: host}},
		"Fargate compatible task definitions do not support dockerVolumeConfiguration":                {{Name: aws.String("data"), DockerVolumeConfiguration: &types.DockerVolumeConfiguration{}}},
		"Fargate compatible task definitions do not support sourcePath":                               {{Name: aws.String("data"), Host: host}},
		`When using an EFS access point, the root directory must either be set to "/" or be omitted.`: efs(types.EFSVolumeConfiguration{RootDirectory: aws.String("/web"), AuthorizationConfig: &types.EFSAuthorizationConfig{AccessPointId: aws.String("fsap-1")}}),
		"EFS IAM authorization requires TransitEncryption to be enabled.":                             efs(types.EFSVolumeConfiguration{AuthorizationConfig: &types.EFSAuthorizationConfig{Iam: types.EFSAuthorizationConfigIAMEnabled}}),
		"TransitEncryptionPort requires that TransitEncryption is enabled.":                           efs(types.EFSVolumeConfiguration{TransitEncryptionPort: aws.Int32(2999)}),
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
		{"json-file on Fargate", "json-file", nil, false, "", "ClientException: json-file is not a valid log driver. Must be one of [awslogs,splunk,awsfirelens]"},
		{"no container for FireLens", "awsfirelens", nil, false, "", "ClientException: When awsfirelens log driver is specified in log configuration, a firelens configuration object must be configured in one of the containers."},
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
