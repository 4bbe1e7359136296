package source

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"flyball/metric"
)

// A QueueClient is what Queues need of Amazon SQS.
type QueueClient interface {
	GetQueueUrl(context.Context, *sqs.GetQueueUrlInput, ...func(*sqs.Options)) (*sqs.GetQueueUrlOutput, error)
	GetQueueAttributes(context.Context, *sqs.GetQueueAttributesInput, ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error)
}

var _ QueueClient = (*sqs.Client)(nil)

// A QueueAttribute is a number that SQS tells of a queue.
type QueueAttribute struct {
	Queue     string // its name, address or ARN
	Attribute string // "": the messages that are visible
}

// Queues read how many messages are in queues of SQS.
type Queues struct {
	Client  QueueClient
	Bound   map[metric.Key]QueueAttribute // other metrics than Messages
	Samples *Samples

	mu        sync.Mutex
	addresses map[string]string // by name
}

func (*Queues) forgets() {}

// Read implements Source.
func (s *Queues) Read(ctx context.Context, queries []Query) []Answer {
	return readNow(ctx, s.Samples, queries, func(q Query) (reading, error) {
		a, bound := s.Bound[q.Metric.Key()]
		for _, d := range q.Metric.Dimensions {
			if !bound && d.Name == "QueueName" {
				a.Queue = d.Value
			}
		}
		if a.Queue == "" {
			return reading{}, fmt.Errorf("%w: metric %s names no queue", ErrQuery, q.Metric.Name)
		}
		return reading{about: a.Queue + " " + a.Attribute, read: func(ctx context.Context) (float64, error) { return s.count(ctx, a) }}, nil
	})
}

func (s *Queues) count(ctx context.Context, a QueueAttribute) (float64, error) {
	address, err := s.address(ctx, a.Queue)
	if err != nil {
		return 0, err
	}
	name := types.QueueAttributeName(cmp.Or(a.Attribute, string(types.QueueAttributeNameApproximateNumberOfMessages)))
	out, err := s.Client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &address, AttributeNames: []types.QueueAttributeName{name}})
	if err != nil {
		return 0, fmt.Errorf("read %s of queue %s: %w", name, a.Queue, err)
	}
	return strconv.ParseFloat(out.Attributes[string(name)], 64)
}

// address is the address of a queue.
func (s *Queues) address(ctx context.Context, queue string) (string, error) {
	if strings.HasPrefix(queue, "http://") || strings.HasPrefix(queue, "https://") {
		return queue, nil
	}
	s.mu.Lock()
	known := s.addresses[queue]
	s.mu.Unlock()
	if known != "" {
		return known, nil
	}
	name := queue[strings.LastIndex(queue, ":")+1:]
	out, err := s.Client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &name})
	if err != nil {
		return "", fmt.Errorf("find queue %s: %w", queue, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.addresses == nil {
		s.addresses = map[string]string{}
	}
	s.addresses[queue] = *out.QueueUrl
	return *out.QueueUrl, nil
}
