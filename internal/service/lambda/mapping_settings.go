package lambda

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"flyball/internal/optional"
	"flyball/internal/service/events/pattern"
	"flyball/internal/service/lambda/fault"
	"flyball/internal/service/lambda/polling"
)

// The limits of mappings ("Creating and configuring an Amazon SQS event source mapping").
const (
	defaultBatchSize = 10
	windowless       = 10 // the largest batch without a window
	maxFilters       = 5
)

// settingsGiven are the settings that a call gives of a mapping.
type settingsGiven struct {
	batchSize, window *int32
	filters           *types.FilterCriteria
	responses         []types.FunctionResponseType
	scaling           *types.ScalingConfig
	pollers           *types.ProvisionedPollerConfig
	metrics           *types.EventSourceMappingMetricsConfig
	logging           *types.EventSourceMappingLoggingConfig
	kmsKey            *string
	others            []unsupported // what a mapping of a queue cannot have
}

func createdSettings(in *lambda.CreateEventSourceMappingInput) settingsGiven {
	return settingsGiven{
		batchSize: in.BatchSize, window: in.MaximumBatchingWindowInSeconds, filters: in.FilterCriteria, responses: in.FunctionResponseTypes,
		scaling: in.ScalingConfig, pollers: in.ProvisionedPollerConfig, metrics: in.MetricsConfig, logging: in.LoggingConfig, kmsKey: in.KMSKeyArn,
		others: []unsupported{
			{"StartingPosition", in.StartingPosition != "" || in.StartingPositionTimestamp != nil},
			{"ParallelizationFactor", in.ParallelizationFactor != nil},
			{"DestinationConfig", hasDestination(in.DestinationConfig)},
			{"MaximumRecordAgeInSeconds", in.MaximumRecordAgeInSeconds != nil},
			{"BisectBatchOnFunctionError", aws.ToBool(in.BisectBatchOnFunctionError)},
			{"MaximumRetryAttempts", in.MaximumRetryAttempts != nil},
			{"TumblingWindowInSeconds", aws.ToInt32(in.TumblingWindowInSeconds) != 0},
			{"Topics and Queues", len(in.Topics)+len(in.Queues) > 0},
			{"SourceAccessConfigurations", len(in.SourceAccessConfigurations) > 0},
			{"SelfManagedKafkaEventSourceConfig", in.SelfManagedKafkaEventSourceConfig != nil},
			{"DocumentDBEventSourceConfig", in.DocumentDBEventSourceConfig != nil},
			{"AmazonManagedKafkaEventSourceConfig", in.AmazonManagedKafkaEventSourceConfig != nil},
		},
	}
}

// updatedSettings are those of an update, whose members have the names of a creation's.
func updatedSettings(in *lambda.UpdateEventSourceMappingInput) settingsGiven {
	return createdSettings(as[lambda.CreateEventSourceMappingInput](in))
}

// hasDestination reports whether there is one. Terraform gives one that is empty.
func hasDestination(c *types.DestinationConfig) bool {
	return c != nil && (c.OnFailure != nil && aws.ToString(c.OnFailure.Destination) != "" || c.OnSuccess != nil && aws.ToString(c.OnSuccess.Destination) != "")
}

// supported checks that nothing is given that a mapping of a queue cannot have.
func (in settingsGiven) supported() error {
	for _, u := range in.others {
		switch {
		case u.given && u.what == "DestinationConfig":
			return fault.Parameter("Unsupported DestinationConfig parameter for given event source mapping type.")
		case u.given:
			return fault.Parameter("%s is not valid for SQS event sources.", u.what)
		}
	}
	return nil
}

// with are the settings with what is given. An empty list or configuration takes away
// what there was.
func (s mappingSettings) with(in settingsGiven) (mappingSettings, error) {
	if err := in.supported(); err != nil {
		return s, err
	}
	optional.Set(&s.BatchSize, in.batchSize)
	optional.Set(&s.Window, in.window)
	optional.Set(&s.KMSKey, in.kmsKey)
	if in.responses != nil {
		s.Reports = len(in.responses) > 0
	}
	if in.scaling != nil {
		s.Maximum = aws.ToInt32(in.scaling.MaximumConcurrency)
	}
	if in.metrics != nil {
		s.Metrics = in.metrics.Metrics
	}
	if in.logging != nil {
		s.Logging = in.logging
	}
	if err := s.setPollers(in.pollers); err != nil {
		return s, err
	}
	return s, s.setFilters(in.filters)
}

// setPollers changes how many pollers are provisioned; without numbers there are none.
func (s *mappingSettings) setPollers(given *types.ProvisionedPollerConfig) error {
	if given == nil {
		return nil
	}
	if s.Pollers = nil; given.MinimumPollers == nil && given.MaximumPollers == nil {
		return nil
	}
	p := types.ProvisionedPollerConfig{MinimumPollers: aws.Int32(2), MaximumPollers: aws.Int32(200), PollerGroupName: given.PollerGroupName}
	optional.Set(p.MinimumPollers, given.MinimumPollers)
	optional.Set(p.MaximumPollers, given.MaximumPollers)
	switch {
	case *p.MinimumPollers < 2 || *p.MaximumPollers < 2:
		return fault.Parameter("The minimum and the maximum of event pollers must be at least 2 for SQS event sources.")
	case *p.MinimumPollers > *p.MaximumPollers:
		return fault.Parameter("The minimum of event pollers must not be greater than the maximum.")
	}
	s.Pollers = &p
	return nil
}

// setFilters changes the filters; an empty list takes them away.
func (s *mappingSettings) setFilters(given *types.FilterCriteria) error {
	if given == nil {
		return nil
	}
	if len(given.Filters) > maxFilters {
		return fault.Constraint(len(given.Filters), "filterCriteria.filters", "have length less than or equal to 5")
	}
	s.Filters = nil
	for _, f := range given.Filters {
		s.Filters = append(s.Filters, aws.ToString(f.Pattern))
	}
	_, err := s.compile()
	if err != nil {
		return fault.Parameter("Invalid filter pattern definition.")
	}
	return nil
}

// compile makes the filters of their patterns.
func (s mappingSettings) compile() ([]polling.Filter, error) {
	filters := make([]polling.Filter, len(s.Filters))
	for i, document := range s.Filters {
		p, err := pattern.Parse(document)
		if err != nil {
			return nil, err
		}
		filters[i] = p
	}
	return filters, nil
}

// A sourceQueue is the queue of a mapping.
type sourceQueue struct {
	arn        string
	url        string
	fifo       bool
	visibility time.Duration
}

// servedSource refuses event sources that are no queues, whatever else is asked for with them.
func servedSource(in *lambda.CreateEventSourceMappingInput) error {
	if in.SelfManagedEventSource != nil {
		return fault.Unsupported("event sources other than queues of SQS, such as those that are self-managed")
	}
	if name, err := arn.Parse(aws.ToString(in.EventSourceArn)); err == nil && name.Service != "sqs" {
		return fault.Unsupported("event sources other than queues of SQS, such as " + name.Service)
	}
	return nil
}

// source is the queue that a call names.
func (a *API) source(ctx context.Context, in *lambda.CreateEventSourceMappingInput) (sourceQueue, error) {
	given := aws.ToString(in.EventSourceArn)
	if !arn.IsARN(given) {
		return sourceQueue{}, fault.Parameter("Unrecognized event source.")
	}
	return a.queue(ctx, given)
}

// queue is the queue that an ARN names, as it is now.
func (a *API) queue(ctx context.Context, given string) (q sourceQueue, err error) {
	const missing = "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. SQS Error Message: The specified queue does not exist."
	name, err := arn.Parse(given)
	if err != nil || a.cfg.Queues == nil || name.Region != a.cell.Region {
		return q, fault.Parameter(missing)
	}
	q = sourceQueue{arn: given, url: a.cfg.Endpoint + "/" + name.AccountID + "/" + name.Resource}
	out, err := a.cfg.Queues.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &q.url, AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameAll},
	})
	switch {
	case errors.As(err, new(*sqstypes.QueueDoesNotExist)):
		return q, fault.Parameter(missing)
	case err != nil:
		return q, err
	}
	q.fifo = out.Attributes[string(sqstypes.QueueAttributeNameFifoQueue)] == "true"
	seconds, err := strconv.Atoi(out.Attributes[string(sqstypes.QueueAttributeNameVisibilityTimeout)])
	q.visibility = time.Duration(seconds) * time.Second
	return q, err
}

// check checks what a mapping asks of its function and of its queue.
func (m mapping) check(t target, q sourceQueue) error {
	timeout := time.Duration(t.version.Settings.Timeout) * time.Second
	switch {
	case q.fifo && m.Window > 0:
		return fault.Parameter("Batching window is not supported for FIFO queues")
	case q.fifo && m.BatchSize > windowless:
		return fault.Parameter("Batch size must be in the range 1 to 10 for FIFO queues")
	case m.BatchSize > windowless && m.Window == 0:
		return fault.Parameter("Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10")
	case m.Maximum > 0 && m.Pollers != nil:
		return fault.Parameter("MaximumConcurrency and ProvisionedPollerConfig cannot be specified together.")
	case q.visibility < timeout:
		return fault.Parameter("Queue visibility timeout: %d seconds is less than Function timeout: %d seconds", int(q.visibility.Seconds()), int(timeout.Seconds()))
	}
	return nil
}

// mayPoll checks that the role of a function allows to take messages from a queue.
func (a *API) mayPoll(ctx context.Context, t target, q sourceQueue) error {
	if a.cfg.MayPoll == nil {
		return nil
	}
	denied, err := a.cfg.MayPoll(ctx, t.version.Settings.Role, t.arn(), q.arn)
	if err == nil && denied != "" {
		err = fault.Parameter("The function execution role does not have permissions to call %s on SQS", denied)
	}
	return err
}
