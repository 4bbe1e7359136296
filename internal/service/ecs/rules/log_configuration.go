package rules

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/awslogs"
	"flyball/internal/service/ecs/fault"
)

// fargateLogDrivers are the log drivers of tasks on Fargate ("LogConfiguration").
var fargateLogDrivers = []types.LogDriver{types.LogDriverAwslogs, types.LogDriverSplunk, types.LogDriverAwsfirelens}

// groupNamePattern is the name of a log group ("CreateLogGroup").
var groupNamePattern = regexp.MustCompile(`^[A-Za-z0-9_/.#-]+$`)

// validGroupName tells whether a log group can have a name. Its length is no part of the
// pattern, which would be 512 states in every server's memory.
func validGroupName(s string) bool { return len(s) <= 512 && groupNamePattern.MatchString(s) }

// checkLogConfiguration validates where a container's log goes.
func checkLogConfiguration(c *types.ContainerDefinition, in *ecs.RegisterTaskDefinitionInput) error {
	l := c.LogConfiguration
	if l == nil {
		return nil
	}
	fargate := slices.Contains(in.RequiresCompatibilities, types.CompatibilityFargate)
	switch {
	case !slices.Contains(l.LogDriver.Values(), l.LogDriver):
		return fault.Client("Invalid logDriver setting for container '%s'.", *c.Name)
	case fargate && !slices.Contains(fargateLogDrivers, l.LogDriver):
		return fault.Client("%s is not a valid log driver. Must be one of [awslogs,splunk,awsfirelens]", l.LogDriver)
	case l.LogDriver != types.LogDriverAwslogs:
		return nil
	}
	if err := checkAwslogs(l.Options); err != nil || !fargate {
		return err
	}
	switch {
	case l.Options[awslogs.OptionStreamPrefix] == "":
		return fault.Client("Fargate requires log configuration options to include %s to support log driver awslogs.", awslogs.OptionStreamPrefix)
	case aws.ToString(in.ExecutionRoleArn) == "":
		return fault.Client("Fargate requires task definition to have execution role ARN to support log driver awslogs.")
	}
	return nil
}

// checkAwslogs validates the options of the driver awslogs, in the words of ECS.
func checkAwslogs(options map[string]string) error {
	known := awslogs.Options()
	var unknown, missing []string
	for _, name := range slices.Sorted(maps.Keys(options)) {
		if !slices.Contains(known, name) {
			unknown = append(unknown, name)
		}
	}
	for _, name := range []string{awslogs.OptionGroup, awslogs.OptionRegion} {
		if options[name] == "" {
			missing = append(missing, name)
		}
	}
	create, creates := options[awslogs.OptionCreateGroup]
	mode, modal := options[awslogs.OptionMode]
	switch {
	case len(unknown) > 0:
		return fault.Client("Log driver awslogs disallows options: %s", strings.Join(unknown, ", "))
	case len(missing) > 0:
		return fault.Client("Log driver awslogs requires options: %s", strings.Join(missing, ", "))
	case !validGroupName(options[awslogs.OptionGroup]):
		return fault.Client("Log driver awslogs option '%s' contains invalid characters.", awslogs.OptionGroup)
	case strings.ContainsAny(options[awslogs.OptionStreamPrefix], ":*"):
		return fault.Client("Log driver awslogs option '%s' contains invalid characters.", awslogs.OptionStreamPrefix)
	case creates && create != "true":
		return fault.Client("Log driver awslogs option '%s' should only be set to 'true', else omit option.", awslogs.OptionCreateGroup)
	case modal && mode != awslogs.Blocking && mode != awslogs.NonBlocking:
		return fault.Client("Log driver awslogs option '%s' should be '%s' or '%s'.", awslogs.OptionMode, awslogs.Blocking, awslogs.NonBlocking)
	}
	return nil
}
