package events

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"flyball/internal/service/events/fault"
	"flyball/internal/service/events/pattern"
)

// PutTargets adds targets to a rule, each in the place of the one that has its ID.
func (a *API) PutTargets(ctx context.Context, in *eventbridge.PutTargetsInput, _ ...func(*eventbridge.Options)) (*eventbridge.PutTargetsOutput, error) {
	busName, err := a.busName(in.EventBusName)
	if err != nil {
		return nil, err
	}
	given := map[string]bool{}
	for _, t := range in.Targets {
		if given[*t.Id] {
			return nil, fault.Invalid("Parameter targets is not valid. Reason: More than one target with Id '%s' is provided.", *t.Id)
		}
		given[*t.Id] = true
		if err := checkTarget(*in.Rule, t); err != nil {
			return nil, err
		}
	}
	err = a.changeRule(ctx, busName, *in.Rule, func(r *rule) error {
		targets := slices.Clone(r.Targets)
		for _, t := range in.Targets {
			i, exists := slices.BinarySearchFunc(targets, *t.Id, byID)
			if exists {
				targets[i] = t
			} else {
				targets = slices.Insert(targets, i, t)
			}
		}
		if len(targets) > mostTargets {
			return fault.TooMany()
		}
		r.Targets = targets
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &eventbridge.PutTargetsOutput{FailedEntries: []types.PutTargetsResultEntry{}}, nil
}

func byID(t types.Target, id string) int { return strings.Compare(*t.Id, id) }

// checkTarget says what is wrong with a target.
func checkTarget(rule string, t types.Target) error {
	to, err := arn.Parse(*t.Arn)
	if err != nil {
		return fault.Invalid("Parameter %s is not valid. Reason: Provided Arn is not in correct format.", *t.Arn)
	}
	if err := checkParameters(to.Service, t); err != nil {
		return err
	}
	switch {
	case to.Service == "kinesis" && aws.ToString(t.RoleArn) == "":
		return fault.Invalid("Rule %s does not have RoleArn assigned to invoke target %s.", rule, *t.Arn)
	case slices.Contains(withRole, to.Service) && aws.ToString(t.RoleArn) == "":
		return fault.Invalid("RoleArn is required for target %s.", *t.Arn)
	case to.Service == "ecs" && t.EcsParameters == nil:
		return fault.Invalid("Parameter(s) EcsParameters must be specified for target: %s.", *t.Id)
	case to.Service == "sqs" && strings.HasSuffix(to.Resource, ".fifo") && (t.SqsParameters == nil || aws.ToString(t.SqsParameters.MessageGroupId) == ""):
		return fault.Invalid("Parameter(s) SqsParameters must be specified for target: %s.", *t.Id)
	}
	if e := t.EcsParameters; e != nil && e.TaskCount != nil && (*e.TaskCount < 1 || *e.TaskCount > mostTasks) {
		return fault.Invalid("Parameter(s) TaskCount not valid for target: %s.", *t.Id)
	}
	if dead := t.DeadLetterConfig; dead != nil && dead.Arn != nil {
		queue, err := arn.Parse(*dead.Arn)
		switch {
		case err != nil:
			return fault.Invalid("Parameter %s is not valid. Reason: Provided Arn is not in correct format.", *dead.Arn)
		case queue.Service != "sqs":
			return fault.Invalid("%s is not supported as a dead letter resource.", queue.Service)
		case strings.HasSuffix(queue.Resource, ".fifo"):
			return fault.Invalid("SQS FIFO is not supported by Dead Letter Queues.")
		}
	}
	return checkInput(t)
}

// mostTasks is how many tasks a target can start at a time.
const mostTasks = 10

// withRole are the services that EventBridge calls by a role alone.
var withRole = []string{
	"batch", "codebuild", "codepipeline", "ecs", "events", "firehose", "glue", "inspector", "redshift", "redshift-serverless", "sagemaker",
	"ssm", "ssm-incidents", "states",
}

// checkParameters refuses what targets of another service take. SqsParameters are taken
// for all.
func checkParameters(service string, t types.Target) error {
	for _, p := range []struct {
		name  string
		given bool
		of    []string
	}{
		{"EcsParameters", t.EcsParameters != nil, []string{"ecs"}},
		{"KinesisParameters", t.KinesisParameters != nil, []string{"kinesis"}},
		{"BatchParameters", t.BatchParameters != nil, []string{"batch"}},
		{"HttpParameters", t.HttpParameters != nil, []string{"events", "execute-api"}},
		{"RedshiftDataParameters", t.RedshiftDataParameters != nil, []string{"redshift", "redshift-serverless"}},
		{"RunCommandParameters", t.RunCommandParameters != nil, []string{"ssm"}},
		{"SageMakerPipelineParameters", t.SageMakerPipelineParameters != nil, []string{"sagemaker"}},
		{"AppSyncParameters", t.AppSyncParameters != nil, []string{"appsync"}},
	} {
		if p.given && !slices.Contains(p.of, service) {
			return fault.Invalid("Parameter(s) %s not supported for target: %s.", p.name, *t.Id)
		}
	}
	return nil
}

// checkInput says what is wrong with what a target is to be sent.
func checkInput(t types.Target) error {
	given := 0
	for _, is := range []bool{t.Input != nil, t.InputPath != nil, t.InputTransformer != nil} {
		if is {
			given++
		}
	}
	if given > 1 {
		return fault.Invalid("Only one of Input, InputPath, or InputTransformer must be provided for target %s.", *t.Id)
	}
	if t.Input != nil && !json.Valid([]byte(*t.Input)) {
		return fault.Invalid("JSON syntax error in input for target %s.", *t.Id)
	}
	_, err := compileInput(t)
	var invalid *pattern.InvalidInput
	switch {
	case errors.As(err, &invalid):
		return fault.Invalid("%s", invalid.For(*t.Id))
	case err != nil:
		return fault.Invalid("InputPath for target %s is invalid.", *t.Id)
	}
	return nil
}

// RemoveTargets removes targets from a rule.
func (a *API) RemoveTargets(ctx context.Context, in *eventbridge.RemoveTargetsInput, _ ...func(*eventbridge.Options)) (*eventbridge.RemoveTargetsOutput, error) {
	busName, err := a.busName(in.EventBusName)
	if err != nil {
		return nil, err
	}
	out := &eventbridge.RemoveTargetsOutput{FailedEntries: []types.RemoveTargetsResultEntry{}}
	err = a.changeRule(ctx, busName, *in.Rule, func(r *rule) error {
		r.Targets = slices.Clone(r.Targets)
		for _, id := range in.Ids {
			i, exists := slices.BinarySearchFunc(r.Targets, id, byID)
			if exists {
				r.Targets = slices.Delete(r.Targets, i, i+1)
				continue
			}
			out.FailedEntries = append(out.FailedEntries, types.RemoveTargetsResultEntry{
				TargetId: aws.String(id), ErrorCode: aws.String("ResourceNotFoundException"),
				ErrorMessage: aws.String("Rule " + r.Name + " does not have a target with the Id " + id + "."),
			})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out.FailedEntryCount = int32(len(out.FailedEntries))
	return out, nil
}

// ListTargetsByRule lists the targets of a rule by their IDs, in pages.
func (a *API) ListTargetsByRule(ctx context.Context, in *eventbridge.ListTargetsByRuleInput, _ ...func(*eventbridge.Options)) (*eventbridge.ListTargetsByRuleOutput, error) {
	r, err := a.find(ctx, in.EventBusName, *in.Rule)
	if err != nil {
		return nil, err
	}
	rows, next, err := pageOf(r.Targets, func(t types.Target) string { return *t.Id }, in.NextToken, in.Limit)
	if err != nil {
		return nil, err
	}
	return &eventbridge.ListTargetsByRuleOutput{NextToken: next, Targets: append([]types.Target{}, rows...)}, nil
}
