package console

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"flyball/internal/awscommand"
	"flyball/internal/client"
	"flyball/internal/loadtest"
)

// queueCharts are the metrics of a queue.
var queueCharts = []itemChart{
	{"depth", "Messages in the queue", "", []itemLine{
		{"waiting", "load", "ApproximateNumberOfMessagesVisible", "Maximum", false, 1},
		{"in flight", "metric", "ApproximateNumberOfMessagesNotVisible", "Maximum", false, 1},
		{"delayed", "target", "ApproximateNumberOfMessagesDelayed", "Maximum", false, 1},
	}},
	{"age", "Age of the oldest message", "seconds", []itemLine{{"age", "bad", "ApproximateAgeOfOldestMessage", "Maximum", false, 1}}},
	{"traffic", "Messages a minute", "", []itemLine{
		{"sent", "load", "NumberOfMessagesSent", "Sum", false, 1}, {"received", "metric", "NumberOfMessagesReceived", "Sum", false, 1},
		{"deleted", "good", "NumberOfMessagesDeleted", "Sum", false, 1},
	}},
	{"polls", "Receives that found nothing", "a minute", []itemLine{{"empty", "target", "NumberOfEmptyReceives", "Sum", false, 1}}},
}

func (c *console) queueCharts(v *visit) error {
	return itemCharts(v, "AWS/SQS", dimensions("QueueName", v.r.PathValue("name")), queueCharts)
}

// A redrive is where messages go that were received too often.
type redrive struct {
	Target string `json:"deadLetterTargetArn"`
	Most   any    `json:"maxReceiveCount"` // a number, or one in quotes
}

// queueSettings are the attributes of a queue that its page changes.
var queueSettings = []struct {
	name  types.QueueAttributeName
	label string
}{
	{types.QueueAttributeNameVisibilityTimeout, "Visibility timeout, s"}, {types.QueueAttributeNameMessageRetentionPeriod, "Retention, s"},
	{types.QueueAttributeNameDelaySeconds, "Delay, s"}, {types.QueueAttributeNameReceiveMessageWaitTimeSeconds, "Receives wait, s"},
	{types.QueueAttributeNameMaximumMessageSize, "Largest message, bytes"},
}

// queueItem reads one queue.
func (c *console) queueItem(v *visit) (*itemPage, error) {
	name, api, l := v.r.PathValue("name"), v.Client.SQS, linksOf(v)
	ctx := v.r.Context()
	found, err := api.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &name})
	if errors.As(err, new(*types.QueueDoesNotExist)) {
		return nil, &missing{"There is no queue " + name + " in region " + v.Region + "."}
	}
	if err != nil {
		return nil, err
	}
	url := aws.ToString(found.QueueUrl)
	out, err := api.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll}})
	if err != nil {
		return nil, err
	}
	has := func(name types.QueueAttributeName) string { return out.Attributes[string(name)] }
	arn := has(types.QueueAttributeNameQueueArn)
	p := &itemPage{Name: name, Section: "queues", List: "Queues", Links: []cell{
		{Text: "Load test", Link: loadTestCell(v, loadtest.Queue, name).Link}, {Text: "As code", Link: l.To("queues", name, "code")},
	}}
	p.Figures = []figure{
		{"Waiting", has(types.QueueAttributeNameApproximateNumberOfMessages), ""}, {"In flight", has(types.QueueAttributeNameApproximateNumberOfMessagesNotVisible), ""},
		{"Delayed", has(types.QueueAttributeNameApproximateNumberOfMessagesDelayed), ""},
	}
	kind := "standard"
	if has(types.QueueAttributeNameFifoQueue) == "true" {
		kind = "FIFO"
	}
	p.tell(said("ARN", arn), said("URL", url), said("Kind", kind), said("Created", epoch(has(types.QueueAttributeNameCreatedTimestamp))))
	for _, s := range queueSettings {
		p.tell(said(s.label, has(s.name)))
	}
	p.tell(deadLetters(l, "Dead-letter queue", has(types.QueueAttributeNameRedrivePolicy)), said("Content-based deduplication", has(types.QueueAttributeNameContentBasedDeduplication)),
		said("Encryption key", has(types.QueueAttributeNameKmsMasterKeyId)), said("Policy", has(types.QueueAttributeNamePolicy)))
	tags, err := api.ListQueueTags(ctx, &sqs.ListQueueTagsInput{QueueUrl: &url})
	if err == nil {
		p.tell(said("Tags", mapText(tags.Tags)))
	}
	sources, err := readSources(ctx, api, url)
	if err != nil {
		return nil, err
	}
	of := dimensions("QueueName", name)
	policies, err := c.policyTable(v, of)
	if err != nil {
		return nil, err
	}
	p.add("policies", policies)
	mappings, err := mappingTable(v, &lambda.ListEventSourceMappingsInput{EventSourceArn: &arn})
	if err != nil {
		return nil, err
	}
	mappings.Empty = "No function polls it."
	p.add("functions", mappings)
	if err := p.addCallers(v, callee{arns: []string{arn}, letters: true}); err != nil {
		return nil, err
	}
	alarms, err := alarmTable(v, of)
	if err != nil {
		return nil, err
	}
	p.add("alarms", alarms)
	if len(sources) > 0 {
		t := table{Title: "Queues whose dead letters come here", Columns: []column{{Name: "Queue"}}}
		for _, s := range sources {
			t.Rows = append(t.Rows, []cell{{Text: s, Link: l.To("queues", s)}})
		}
		p.add("sources", t)
	}
	p.Forms = queueForms(v.Client, name, url, kind == "FIFO", out.Attributes)
	if len(sources) > 0 {
		p.Forms = slices.Insert(p.Forms, 2, redriveForm(v.Client, arn))
	}
	return p, nil
}

// deadLetters is the fact of a redrive policy.
func deadLetters(l links, name, policy string) fact {
	var r redrive
	if json.Unmarshal([]byte(policy), &r) != nil || r.Target == "" {
		return fact{}
	}
	queue := r.Target[strings.LastIndexByte(r.Target, ':')+1:]
	return fact{name, []cell{{Text: queue, Link: l.To("queues", queue), Note: fmt.Sprintf("after %v receives", r.Most)}}}
}

// readSources are the names of the queues that have a queue for their dead letters.
func readSources(ctx context.Context, api *sqs.Client, url string) (names []string, err error) {
	out, err := api.ListDeadLetterSourceQueues(ctx, &sqs.ListDeadLetterSourceQueuesInput{QueueUrl: &url, MaxResults: aws.Int32(mostShown)})
	if err != nil {
		return nil, err
	}
	for _, url := range out.QueueUrls {
		names = append(names, lastPart(url))
	}
	return names, nil
}

// epoch is a time that an attribute has in seconds.
func epoch(text string) string {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return ""
	}
	return written(time.Unix(n, 0), time.DateTime)
}

// queueForms are what can be done to a queue.
func queueForms(c *client.Client, name, url string, fifo bool, attributes map[string]string) []form {
	send := form{
		ID: "send", Do: "send", Title: "Send a message", Verb: "Send", Fields: []field{{Name: "body", Label: "Body", Long: true}},
		make: func(typed values) (call, error) {
			in := &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String(typed("body"))}
			if fifo {
				in.MessageGroupId = aws.String(typed("group"))
				in.MessageDeduplicationId = optionalText(typed("deduplication"))
			}
			id := ""
			return call{command: awscommand.Format("sqs", "send-message", in), answer: func() string { return "Message " + id }, send: func(ctx context.Context) error {
				out, err := c.SQS.SendMessage(ctx, in)
				if err == nil {
					id = aws.ToString(out.MessageId)
				}
				return err
			}}, nil
		},
	}
	if fifo {
		send.Fields = append(send.Fields, field{Name: "group", Label: "Message group", Value: "1", Words: true}, field{Name: "deduplication", Label: "Deduplication ID", Words: true, Optional: true})
	}
	change := form{
		ID: "attributes", Do: "attributes", Title: "Attributes",
		make: func(typed values) (call, error) {
			in := &sqs.SetQueueAttributesInput{QueueUrl: &url, Attributes: map[string]string{}}
			for _, s := range queueSettings {
				if value := strings.TrimSpace(typed(string(s.name))); value != attributes[string(s.name)] {
					in.Attributes[string(s.name)] = value
				}
			}
			if value := strings.TrimSpace(typed("RedrivePolicy")); value != attributes["RedrivePolicy"] {
				in.Attributes["RedrivePolicy"] = value
			}
			var same error
			if len(in.Attributes) == 0 {
				same = errors.New("nothing is different from what it is")
				for _, s := range queueSettings {
					in.Attributes[string(s.name)] = attributes[string(s.name)]
				}
			}
			return call{command: awscommand.Format("sqs", "set-queue-attributes", in), send: func(ctx context.Context) error {
				_, err := c.SQS.SetQueueAttributes(ctx, in)
				return err
			}}, same
		},
	}
	for _, s := range queueSettings {
		change.Fields = append(change.Fields, field{Name: string(s.name), Label: s.label, Value: attributes[string(s.name)]})
	}
	change.Fields = append(change.Fields, field{Name: "RedrivePolicy", Label: `Redrive policy, such as {"deadLetterTargetArn": "ARN", "maxReceiveCount": 5}`, Value: attributes["RedrivePolicy"], Long: true})
	purge := form{ID: "purge", Do: "purge", Title: "Delete all messages", Verb: "Purge", make: func(values) (call, error) {
		in := &sqs.PurgeQueueInput{QueueUrl: &url}
		return call{command: awscommand.Format("sqs", "purge-queue", in), send: func(ctx context.Context) error {
			_, err := c.SQS.PurgeQueue(ctx, in)
			return err
		}}, nil
	}}
	remove := form{ID: "delete", Do: "delete", Title: "Delete the queue", Verb: "Delete", Deletes: true, make: func(values) (call, error) {
		in := &sqs.DeleteQueueInput{QueueUrl: &url}
		return call{command: awscommand.Format("sqs", "delete-queue", in), send: func(ctx context.Context) error {
			_, err := c.SQS.DeleteQueue(ctx, in)
			return err
		}}, nil
	}}
	return []form{send, change, sure(name, purge), sure(name, remove)}
}

// redriveForm sends the messages of a dead-letter queue back to where they came from.
func redriveForm(c *client.Client, arn string) form {
	return form{
		ID: "redrive", Do: "redrive", Title: "Send its messages back to their queues", Verb: "Redrive",
		Fields: []field{{Name: "rate", Label: "Messages a second, at most", Optional: true, Says: []string{"persecond"}}},
		make: func(typed values) (call, error) {
			in := &sqs.StartMessageMoveTaskInput{SourceArn: &arn}
			var err error
			if text := typed("rate"); text != "" {
				in.MaxNumberOfMessagesPerSecond, err = whole(text)
			}
			return call{command: awscommand.Format("sqs", "start-message-move-task", in), send: func(ctx context.Context) error {
				_, err := c.SQS.StartMessageMoveTask(ctx, in)
				return err
			}}, err
		},
	}
}

// optionalText is a text, nil where nothing was typed.
func optionalText(text string) *string {
	if text = strings.TrimSpace(text); text == "" {
		return nil
	}
	return &text
}

// mapText are members with their values in words.
func mapText(all map[string]string) string {
	var parts []string
	for key, value := range all {
		parts = append(parts, paired(key, value))
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}

// mappingTable lists the event source mappings that are asked for.
func mappingTable(v *visit, in *lambda.ListEventSourceMappingsInput) (table, error) {
	t := table{Title: "Event source mappings", Columns: []column{{Name: "Function"}, {Name: "From"}, {Name: "State"}, {"Batch", true}, {Name: "Last result"}}}
	found, err := readMappings(v, in)
	l := linksOf(v)
	for _, m := range found {
		name := functionName(aws.ToString(m.FunctionArn))
		from := aws.ToString(m.EventSourceArn)
		source := cell{Text: from[strings.LastIndexByte(from, ':')+1:], Note: aws.ToString(m.UUID)}
		if strings.Contains(from, ":sqs:") {
			source.Link = l.To("queues", source.Text)
		}
		t.Rows = append(t.Rows, []cell{
			{Text: name, Link: l.To("functions", name)}, source, {Text: aws.ToString(m.State), Note: aws.ToString(m.StateTransitionReason)},
			{Text: fmt.Sprint(aws.ToInt32(m.BatchSize))}, {Text: aws.ToString(m.LastProcessingResult)},
		})
	}
	return t, err
}

func readMappings(v *visit, in *lambda.ListEventSourceMappingsInput) (all []lambdatypes.EventSourceMappingConfiguration, err error) {
	pages := lambda.NewListEventSourceMappingsPaginator(v.Client.Lambda, in)
	for pages.HasMorePages() && len(all) < mostShown {
		page, err := pages.NextPage(v.r.Context())
		if err != nil {
			return nil, err
		}
		all = append(all, page.EventSourceMappings...)
	}
	return all, nil
}

// functionName is the name in the ARN of a function, without its qualifier.
func functionName(arn string) string {
	_, name, is := strings.Cut(arn, ":function:")
	if !is {
		return arn
	}
	name, _, _ = strings.Cut(name, ":")
	return name
}
