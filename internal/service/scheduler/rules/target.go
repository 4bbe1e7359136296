package rules

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"

	"flyball/internal/service/scheduler/fault"
)

// A Kind is what a target is.
type Kind string

// The kinds of targets that can be had. Source: Scheduler User Guide, "Using templated
// targets".
const (
	Function  Kind = "AWS Lambda"
	Queue     Kind = "Amazon SQS"
	Tasks     Kind = "Amazon ECS"
	Bus       Kind = "Amazon EventBridge"
	Universal Kind = "universal"
)

// absent are templated targets of AWS whose services are not here.
var absent = map[string]string{
	"codebuild": "AWS CodeBuild", "codepipeline": "AWS CodePipeline", "firehose": "Amazon Data Firehose", "inspector": "Amazon Inspector",
	"kinesis": "Amazon Kinesis", "sagemaker": "Amazon SageMaker", "sns": "Amazon SNS", "states": "AWS Step Functions",
}

// KindOf is the kind of the target that an ARN names.
func KindOf(name string) (Kind, error) {
	to, err := arn.Parse(name)
	if err != nil {
		return "", fault.Invalid("Provided Arn is not in correct format.")
	}
	switch {
	case to.Service == "scheduler" && to.Region == "" && strings.HasPrefix(to.Resource, "aws-sdk:"):
		return Universal, nil
	case to.Service == "lambda" && strings.HasPrefix(to.Resource, "function:"):
		return Function, nil
	case to.Service == "sqs" && to.Resource != "":
		return Queue, nil
	case to.Service == "ecs" && strings.HasPrefix(to.Resource, "cluster/"):
		return Tasks, nil
	case to.Service == "events" && strings.HasPrefix(to.Resource, "event-bus/"):
		return Bus, nil
	case !slices.Contains([]string{"lambda", "sqs", "ecs", "events"}, to.Service) && absent[to.Service] == "" && to.Service != "":
		return "", fault.Invalid("%s is not a supported service for a target.", to.Service)
	case absent[to.Service] != "":
		return "", fault.Invalid("Targets of %s are not available in Flyball.", absent[to.Service])
	}
	return "", fault.Invalid("Provided Arn is not in correct format.")
}

// CheckTarget refuses a target that cannot be one.
func CheckTarget(t *types.Target) error {
	kind, err := KindOf(aws.ToString(t.Arn))
	if err != nil {
		return err
	}
	for _, p := range []struct {
		name  string
		given bool
		of    Kind
	}{
		{"EcsParameters", t.EcsParameters != nil, Tasks},
		{"EventBridgeParameters", t.EventBridgeParameters != nil, Bus},
		{"KinesisParameters", t.KinesisParameters != nil, "Amazon Kinesis"},
		{"SageMakerPipelineParameters", t.SageMakerPipelineParameters != nil, "Amazon SageMaker"},
		{"SqsParameters", t.SqsParameters != nil, Queue},
	} {
		if p.given && p.of != kind {
			return fault.Invalid("Parameters %s not supported for the target.", p.name)
		}
	}
	return checkKind(kind, t)
}

// checkKind refuses what a kind of target lacks.
func checkKind(kind Kind, t *types.Target) error {
	input := aws.ToString(t.Input)
	switch kind {
	case Function:
		if input != "" && !json.Valid([]byte(input)) {
			return fault.Invalid("JSON syntax error in input for the target.")
		}
	case Bus:
		if t.EventBridgeParameters == nil {
			return missing("EventBridgeParameters")
		}
		if input != "" && !isObject(input) {
			return fault.Invalid("JSON syntax error in input for the target.")
		}
	case Tasks:
		if t.EcsParameters == nil {
			return missing("EcsParameters")
		}
		if t.EcsParameters.LaunchType == types.LaunchTypeFargate && t.EcsParameters.NetworkConfiguration == nil {
			return fault.Invalid("Parameter NetworkConfiguration must be specified for the target when launch type is FARGATE.")
		}
	case Queue:
		fifo := strings.HasSuffix(*t.Arn, ".fifo")
		switch group := t.SqsParameters != nil && t.SqsParameters.MessageGroupId != nil; {
		case fifo && !group:
			return missing("SqsParameters")
		case !fifo && group:
			return fault.Invalid("Parameters MessageGroupId not valid for the target.")
		}
	case Universal:
		if _, _, err := Action(*t.Arn); err != nil {
			return err
		}
		if input == "" {
			return fault.Invalid("You must provide an input to set this target for your schedule.")
		}
		if !isObject(input) {
			return fault.Invalid("Input of a universal target must be a well-formed JSON object.")
		}
	}
	return nil
}

func missing(parameters string) error {
	return fault.Invalid("Parameters %s must be specified for the target.", parameters)
}

func isObject(text string) bool {
	var object map[string]json.RawMessage
	return json.Unmarshal([]byte(text), &object) == nil && object != nil
}

// readOnly are the beginnings of actions that universal targets do not have. Source:
// Scheduler User Guide, "Using universal targets", "Unsupported actions".
var readOnly = []string{
	"get", "describe", "list", "poll", "receive", "search", "scan", "query", "select", "read", "lookup", "discover", "validate",
	"batchGet", "batchDescribe", "batchRead", "transactGet", "adminGet", "adminList", "testMigration", "retrieve", "testConnection",
	"translateDocument", "isAuthorized", "invokeModel",
}

// identifiers are the services that are here, by the names that universal targets have
// for them, with those in credential scopes.
var identifiers = map[string]string{
	"applicationautoscaling": "application-autoscaling", "cloudwatch": "monitoring", "cloudwatchlogs": "logs", "ec2": "ec2", "ecr": "ecr",
	"ecs": "ecs", "elasticloadbalancingv2": "elasticloadbalancing", "eventbridge": "events", "iam": "iam", "lambda": "lambda",
	"scheduler": "scheduler", "sqs": "sqs", "sts": "sts",
}

// Action is the service, as in credential scopes, and the operation of a universal
// target: arn:aws:scheduler:::aws-sdk:sqs:sendMessage.
func Action(name string) (service, operation string, err error) {
	_, rest, _ := strings.Cut(name, ":aws-sdk:")
	identifier, action, ok := strings.Cut(rest, ":")
	if !ok || action == "" || strings.Trim(action, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") != "" {
		return "", "", fault.Invalid("Provided Arn is not in correct format.")
	}
	if slices.ContainsFunc(readOnly, func(prefix string) bool { return strings.HasPrefix(action, prefix) }) {
		return "", "", fault.Invalid("%s API is not supported.", action)
	}
	if service = identifiers[identifier]; service == "" {
		return "", "", fault.Invalid("The service %s is not available in Flyball.", identifier)
	}
	return service, strings.ToUpper(action[:1]) + action[1:], nil
}
