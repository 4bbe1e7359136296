package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logstypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventstypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
	"github.com/google/uuid"

	"flyball/internal/deliver"
)

// connectTargets registers who takes what rules, schedules and functions send.
func (s *Server) connectTargets() {
	s.router.Handle("scheduler", s.callOperation)
	for service, take := range map[string]func(context.Context, *services, arn.ARN, deliver.Invocation) error{
		"ecs": s.runTasks, "events": s.forwardEvent, "logs": s.logEvent, "sqs": s.sendMessage,
	} {
		s.router.Handle(service, func(ctx context.Context, to arn.ARN, message any) error {
			in, ok := message.(deliver.Invocation)
			if !ok {
				return fmt.Errorf("%s takes no %T", to, message)
			}
			v, err := s.servicesAt(to)
			if err != nil {
				return err
			}
			return verdictOf(take(ctx, v, to, in))
		})
	}
}

// servicesAt are the services of the cell that an ARN is of. Where there is none, what is
// sent there is refused.
func (s *Server) servicesAt(name arn.ARN) (*services, error) {
	v := s.cells.find(name.AccountID, name.Region)
	if v == nil || v.cell.Partition() != name.Partition {
		return nil, refusedAs("NO_RESOURCE", fmt.Errorf("there is nothing in region %s of account %s", name.Region, name.AccountID))
	}
	return v, nil
}

func refusedAs(code string, err error) error { return &deliver.Refused{Code: code, Err: err} }

// verdictOf has the refusals of an operation be refusals of the message: those that a
// client could mend another attempt does not. "Throttling" and faults of the server are
// attempted again.
func verdictOf(err error) error {
	var refused *deliver.Refused
	var api smithy.APIError
	if err == nil || errors.As(err, &refused) || !errors.As(err, &api) || api.ErrorFault() == smithy.FaultServer {
		return err
	}
	switch code := api.ErrorCode(); {
	case strings.Contains(code, "Throttl"), strings.Contains(code, "TooManyRequests"):
		return err
	case strings.Contains(code, "AccessDenied"):
		return refusedAs("NO_PERMISSIONS", err)
	case strings.Contains(code, "NotFound"), strings.Contains(code, "NonExistent"), strings.Contains(code, "DoesNotExist"):
		return refusedAs("NO_RESOURCE", err)
	case strings.Contains(code, "Limit"):
		return refusedAs("RESOURCE_LIMIT_EXCEEDED", err)
	}
	return refusedAs("INVALID_PARAMETER", err)
}

// sendMessage sends a message to a queue. A FIFO queue tells duplicates by what is in them:
// "the queue must have content-based deduplication enabled" (Target), and refuses it else.
func (s *Server) sendMessage(ctx context.Context, v *services, to arn.ARN, in deliver.Invocation) error {
	message := &sqs.SendMessageInput{
		QueueUrl: aws.String("/" + to.AccountID + "/" + to.Resource), MessageBody: aws.String(string(in.Body)), MessageAttributes: messageAttributes(in.Attributes),
	}
	if in.Trace != "" {
		message.MessageSystemAttributes = map[string]sqstypes.MessageSystemAttributeValue{
			string(sqstypes.MessageSystemAttributeNameForSendsAWSTraceHeader): {DataType: aws.String("String"), StringValue: &in.Trace},
		}
	}
	if p, ok := in.Parameters.(*eventstypes.SqsParameters); ok {
		message.MessageGroupId = p.MessageGroupId
	}
	if err := s.mayInvoke(ctx, v, in, "sqs", "SendMessage", message); err != nil {
		return err
	}
	_, err := v.sqs.SendMessage(ctx, message)
	return err
}

// messageAttributes are attributes as SQS has them. All are texts, but for the status that
// Lambda tells in its dead letters.
func messageAttributes(given map[string]string) map[string]sqstypes.MessageAttributeValue {
	all := make(map[string]sqstypes.MessageAttributeValue, len(given))
	for name, value := range given {
		if value == "" {
			continue // SQS has no empty ones
		}
		kind := "String"
		if name == "ErrorCode" && madeOf(value, digits) {
			kind = "Number"
		}
		all[name] = sqstypes.MessageAttributeValue{DataType: &kind, StringValue: aws.String(value)}
	}
	return all
}

// logEvent puts an event into a log group, in a stream of its rule's.
func (s *Server) logEvent(ctx context.Context, v *services, to arn.ARN, in deliver.Invocation) error {
	group, ok := strings.CutPrefix(strings.TrimSuffix(to.Resource, ":*"), "log-group:")
	if !ok {
		return refusedAs("INVALID_PARAMETER", fmt.Errorf("%s is no log group", to))
	}
	stream := uuid.NewSHA1(uuid.NameSpaceURL, []byte(in.Source)).String()
	put := &cloudwatchlogs.PutLogEventsInput{LogGroupName: &group, LogStreamName: &stream, LogEvents: []logstypes.InputLogEvent{logLine(in.Body, v.cell.Clock.Now())}}
	create := &cloudwatchlogs.CreateLogStreamInput{LogGroupName: &group, LogStreamName: &stream}
	if err := s.mayInvoke(ctx, v, in, "logs", "CreateLogStream", create); err != nil {
		return err
	}
	if err := s.mayInvoke(ctx, v, in, "logs", "PutLogEvents", put); err != nil {
		return err
	}
	_, err := v.logs.PutLogEvents(ctx, put)
	var missing *logstypes.ResourceNotFoundException
	if !errors.As(err, &missing) {
		return err
	}
	var exists *logstypes.ResourceAlreadyExistsException
	if _, err := v.logs.CreateLogStream(ctx, create); err != nil && !errors.As(err, &exists) {
		return err // the group is missing, too
	}
	_, err = v.logs.PutLogEvents(ctx, put)
	return err
}

// logLine is a body as a log event. One that has a timestamp and a message is that ("Amazon
// EventBridge targets", CloudWatch Logs).
func logLine(body []byte, now time.Time) logstypes.InputLogEvent {
	var given struct {
		Timestamp *int64  `json:"timestamp"`
		Message   *string `json:"message"`
	}
	if json.Unmarshal(body, &given) == nil && given.Timestamp != nil && given.Message != nil {
		return logstypes.InputLogEvent{Timestamp: given.Timestamp, Message: given.Message}
	}
	return logstypes.InputLogEvent{Timestamp: aws.Int64(now.UnixMilli()), Message: aws.String(string(body))}
}

// runTasks starts tasks on a cluster. Attempts with the same ID start them once.
func (s *Server) runTasks(ctx context.Context, v *services, to arn.ARN, in deliver.Invocation) error {
	p, ok := in.Parameters.(*eventstypes.EcsParameters)
	if !ok {
		return refusedAs("INVALID_PARAMETER", errors.New("a cluster takes what has EcsParameters"))
	}
	run, err := taskOf(p, in.Body)
	if err != nil {
		return err
	}
	run.Cluster, run.ClientToken, run.StartedBy = aws.String(to.String()), aws.String(token(in.ID)), startedBy(in)
	if err := s.mayInvoke(ctx, v, in, "ecs", "RunTask", run); err != nil {
		return err
	}
	out, err := v.ecs.RunTask(ctx, run)
	if err != nil {
		return err
	}
	if len(out.Failures) > 0 {
		return fmt.Errorf("run tasks: %s", aws.ToString(out.Failures[0].Reason))
	}
	return nil
}

// token is an ID as a client token of ECS, which has 64 characters at most.
func token(id string) string { return id[:min(len(id), 64)] }

// startedBy tells tasks of a rule or a schedule.
func startedBy(in deliver.Invocation) *string {
	if in.StartedBy != "" {
		return &in.StartedBy
	}
	from, err := arn.Parse(in.Source)
	if err != nil || from.Service != "events" {
		return nil
	}
	name := from.Resource[strings.LastIndexByte(from.Resource, '/')+1:]
	return aws.String("events-rule/" + name)
}

// taskOf is the call that starts the tasks of a target. Its input says what to override
// in containers.
func taskOf(p *eventstypes.EcsParameters, body []byte) (*ecs.RunTaskInput, error) {
	run := &ecs.RunTaskInput{
		TaskDefinition: p.TaskDefinitionArn, Count: p.TaskCount, LaunchType: ecstypes.LaunchType(p.LaunchType), PlatformVersion: p.PlatformVersion,
		Group: p.Group, EnableECSManagedTags: p.EnableECSManagedTags, EnableExecuteCommand: p.EnableExecuteCommand,
		PropagateTags: ecstypes.PropagateTags(p.PropagateTags), ReferenceId: p.ReferenceId,
	}
	for _, item := range p.CapacityProviderStrategy {
		run.CapacityProviderStrategy = append(run.CapacityProviderStrategy, ecstypes.CapacityProviderStrategyItem{
			CapacityProvider: item.CapacityProvider, Base: item.Base, Weight: item.Weight,
		})
	}
	for _, c := range p.PlacementConstraints {
		run.PlacementConstraints = append(run.PlacementConstraints, ecstypes.PlacementConstraint{Type: ecstypes.PlacementConstraintType(c.Type), Expression: c.Expression})
	}
	for _, s := range p.PlacementStrategy {
		run.PlacementStrategy = append(run.PlacementStrategy, ecstypes.PlacementStrategy{Type: ecstypes.PlacementStrategyType(s.Type), Field: s.Field})
	}
	for _, t := range p.Tags {
		run.Tags = append(run.Tags, ecstypes.Tag{Key: t.Key, Value: t.Value})
	}
	if p.NetworkConfiguration != nil && p.NetworkConfiguration.AwsvpcConfiguration != nil {
		c := p.NetworkConfiguration.AwsvpcConfiguration
		run.NetworkConfiguration = &ecstypes.NetworkConfiguration{AwsvpcConfiguration: &ecstypes.AwsVpcConfiguration{
			Subnets: c.Subnets, SecurityGroups: c.SecurityGroups, AssignPublicIp: ecstypes.AssignPublicIp(c.AssignPublicIp),
		}}
	}
	if len(body) > 0 {
		run.Overrides = &ecstypes.TaskOverride{}
		if err := json.Unmarshal(body, run.Overrides); err != nil {
			return nil, refusedAs("INVALID_JSON", fmt.Errorf("read the overrides of a task: %w", err))
		}
	}
	return run, nil
}

// forwardEvent has an event go through another bus.
func (s *Server) forwardEvent(ctx context.Context, v *services, to arn.ARN, in deliver.Invocation) error {
	bus, ok := strings.CutPrefix(to.Resource, "event-bus/")
	if !ok {
		return refusedAs("INVALID_PARAMETER", fmt.Errorf("%s is no event bus", to))
	}
	put := &eventbridge.PutEventsInput{Entries: []eventstypes.PutEventsRequestEntry{{EventBusName: aws.String(to.String())}}}
	if err := s.mayInvoke(ctx, v, in, "events", "PutEvents", put); err != nil {
		return err
	}
	return v.events.Receive(ctx, bus, in)
}
