package sqs_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"flyball/internal/cell"
	"flyball/internal/clock"
	"flyball/internal/optional"
	"flyball/internal/service/sqs"
	"flyball/internal/state"
	"flyball/internal/store"
	"flyball/metric"
)

// A world is the service, and what it is told of.
type world struct {
	*sqs.API
	t      *testing.T
	ctx    context.Context
	folder string
	store  *store.SQLite

	mu      sync.Mutex
	samples []metric.Sample
}

func (w *world) Record(s []metric.Sample) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.samples = append(w.samples, s...)
}

// run runs a test with a service, in a bubble with a time of its own.
func run(t *testing.T, f func(*world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, ctx: t.Context(), folder: t.TempDir(), store: must(store.OpenSQLite(""))}
		defer w.store.Close()
		w.open()
		defer func() { w.API.Close() }()
		f(w)
	})
}

func (w *world) open() {
	const account, region = "123456789012", "eu-west-2"
	w.API = must(sqs.New(sqs.Config{
		Cell: &cell.Cell{
			Account: account, Region: region, Clock: clock.New(time.Now(), 1), Log: slog.New(slog.DiscardHandler),
			State: state.New(w.store).Scope(cell.Scope(account, region)),
		},
		Folder: w.folder, Lazy: true, Metrics: w, Endpoint: "http://queues",
	}))
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// create creates a queue with attributes, given as names and values in turn.
func (w *world) create(name string, attributes ...string) *string {
	w.t.Helper()
	in := &sdk.CreateQueueInput{QueueName: &name, Attributes: map[string]string{}}
	for i := 0; i < len(attributes); i += 2 {
		in.Attributes[attributes[i]] = attributes[i+1]
	}
	out, err := w.CreateQueue(w.ctx, in)
	if err != nil {
		w.t.Fatal(err)
	}
	return out.QueueUrl
}

func (w *world) send(url *string, body string) *sdk.SendMessageOutput {
	w.t.Helper()
	out, err := w.SendMessage(w.ctx, &sdk.SendMessageInput{QueueUrl: url, MessageBody: &body})
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

func (w *world) receive(url *string) []types.Message {
	w.t.Helper()
	out, err := w.ReceiveMessage(w.ctx, &sdk.ReceiveMessageInput{
		QueueUrl: url, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"},
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return out.Messages
}

// counts are the visible, invisible and delayed messages of a queue.
func (w *world) counts(url *string) string {
	w.t.Helper()
	out, err := w.GetQueueAttributes(w.ctx, &sdk.GetQueueAttributesInput{QueueUrl: url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll}})
	if err != nil {
		w.t.Fatal(err)
	}
	a := out.Attributes
	return a["ApproximateNumberOfMessages"] + " " + a["ApproximateNumberOfMessagesNotVisible"] + " " + a["ApproximateNumberOfMessagesDelayed"]
}

// code is the code of an error and what it says.
func code(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode() + ": " + api.ErrorMessage()
	}
	return fmt.Sprint(err)
}

func TestCreateQueueRefuses(t *testing.T) {
	long := strings.Repeat("q", 81)
	for name, tt := range map[string]struct {
		queue      string
		attributes map[string]string
		want       string
	}{
		"no name":                         {"", nil, "MissingRequiredParameterException: The request must contain the parameter QueueName."},
		"a name that is too long":         {long, nil, "InvalidParameterValueException: Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"},
		"a dot in a standard queue":       {"a.fifo", nil, "InvalidParameterValueException: Can only include"},
		"a FIFO queue without its suffix": {"a", map[string]string{"FifoQueue": "true"}, "InvalidParameterValueException: The name of a FIFO queue can only include"},
		"FifoQueue=false":                 {"a", map[string]string{"FifoQueue": "false"}, "InvalidAttributeName: Unknown Attribute FifoQueue."},
		"two kinds of encryption":         {"a", map[string]string{"SqsManagedSseEnabled": "true", "KmsMasterKeyId": "alias/key"}, "InvalidAttributeName: You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE."},
		"dead letters for another region": {"a", map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:ap-south-1:123456789012:dead","maxReceiveCount":3}`},
			`InvalidParameterValueException: Value {"deadLetterTargetArn":"arn:aws:sqs:ap-south-1:123456789012:dead","maxReceiveCount":3} for parameter RedrivePolicy is invalid. Reason: Dead-letter target must be in same region as the source.`},
		"an attribute of FIFO queues": {"a", map[string]string{"ContentBasedDeduplication": "true"}, "InvalidAttributeName: Unknown Attribute ContentBasedDeduplication."},
		"a scope of a standard queue": {"a", map[string]string{"DeduplicationScope": "queue"}, "InvalidAttributeName: You can specify the DeduplicationScope only when FifoQueue is set to true."},
		"an attribute that is read":   {"a", map[string]string{"QueueArn": "x"}, "InvalidAttributeName: Unknown Attribute QueueArn."},
		"a delay above its range":     {"a", map[string]string{"DelaySeconds": "901"}, "InvalidAttributeValue: Invalid value for the parameter DelaySeconds."},
		"a size below its range":      {"a", map[string]string{"MaximumMessageSize": "1023"}, "InvalidAttributeValue: Invalid value for the parameter MaximumMessageSize."},
		"a size above its range":      {"a", map[string]string{"MaximumMessageSize": "1048577"}, "InvalidAttributeValue: Invalid value for the parameter MaximumMessageSize."},
		"a retention below its range": {"a", map[string]string{"MessageRetentionPeriod": "59"}, "InvalidAttributeValue: Invalid value for the parameter MessageRetentionPeriod."},
		"a wait above its range":      {"a", map[string]string{"ReceiveMessageWaitTimeSeconds": "21"}, "InvalidAttributeValue: Invalid value for the parameter ReceiveMessageWaitTimeSeconds."},
		"a timeout that is no number": {"a", map[string]string{"VisibilityTimeout": "long"}, "InvalidAttributeValue: Invalid value for the parameter VisibilityTimeout."},
		"a limit without its scope":   {"a.fifo", map[string]string{"FifoQueue": "true", "FifoThroughputLimit": "perMessageGroupId"}, "InvalidAttributeValue: Invalid value for the parameter FifoThroughputLimit."},
		"a policy that is none":       {"a", map[string]string{"Policy": "{"}, "InvalidAttributeValue: Invalid value for the parameter Policy."},
		"dead letters to nowhere":     {"a", map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:eu-west-2:123456789012:no","maxReceiveCount":3}`}, "InvalidParameterValueException: Value {"},
		"too many receives":           {"a", map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:eu-west-2:123456789012:no","maxReceiveCount":1001}`}, "InvalidParameterValueException: Value {"},
		"allowed sources without any": {"a", map[string]string{"RedriveAllowPolicy": `{"redrivePermission":"byQueue"}`}, "InvalidParameterValueException: Value {"},
		"a permission that is none":   {"a", map[string]string{"RedriveAllowPolicy": `{"redrivePermission":"some"}`}, "InvalidParameterValueException: Value {"},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(w *world) {
				_, err := w.CreateQueue(w.ctx, &sdk.CreateQueueInput{QueueName: &tt.queue, Attributes: tt.attributes})
				if got := code(err); !strings.HasPrefix(got, tt.want) {
					t.Errorf("got %s", got)
				}
				if out := must(w.ListQueues(w.ctx, &sdk.ListQueuesInput{})); len(out.QueueUrls) > 0 {
					t.Errorf("there are %v", out.QueueUrls)
				}
			})
		})
	}
}

func TestANameIsOfOneQueueAMinuteLong(t *testing.T) {
	run(t, func(w *world) {
		url := w.create("a", "DelaySeconds", "5")
		if *url != "http://queues/123456789012/a" || *w.create("a", "DelaySeconds", "5") != *url || *w.create("a") != *url {
			t.Errorf("the URL is %s", *url)
		}
		_, err := w.CreateQueue(w.ctx, &sdk.CreateQueueInput{QueueName: aws.String("a"), Attributes: map[string]string{"DelaySeconds": "6"}})
		if got := code(err); got != "QueueNameExists: A queue already exists with the same name and a different value for attribute DelaySeconds" {
			t.Error(got)
		}
		must(w.DeleteQueue(w.ctx, &sdk.DeleteQueueInput{QueueUrl: url}))
		_, err = w.GetQueueUrl(w.ctx, &sdk.GetQueueUrlInput{QueueName: aws.String("a")})
		if got := code(err); got != "QueueDoesNotExist: The specified queue does not exist." {
			t.Error(got)
		}
		time.Sleep(58 * time.Second)
		_, err = w.CreateQueue(w.ctx, &sdk.CreateQueueInput{QueueName: aws.String("a")})
		if got := code(err); !strings.HasPrefix(got, "QueueDeletedRecently: ") {
			t.Error(got)
		}
		time.Sleep(3 * time.Second)
		w.create("a")
	})
}

func TestAMessageComesWithWhatItWasSentWith(t *testing.T) {
	run(t, func(w *world) {
		url := w.create("a")
		sent := must(w.SendMessage(w.ctx, &sdk.SendMessageInput{
			QueueUrl: url, MessageBody: aws.String("hello"),
			MessageAttributes: map[string]types.MessageAttributeValue{
				"n": {DataType: aws.String("Number.int"), StringValue: aws.String("5")},
				"b": {DataType: aws.String("Binary"), BinaryValue: []byte{0, 255}},
			},
			MessageSystemAttributes: map[string]types.MessageSystemAttributeValue{
				"AWSTraceHeader": {DataType: aws.String("String"), StringValue: aws.String("Root=1-5759e988-bd862e3fe1be46a994272793")},
			},
		}))
		if *sent.MD5OfMessageBody != "5d41402abc4b2a76b9719d911017c592" || sent.MD5OfMessageSystemAttributes == nil || sent.SequenceNumber != nil {
			t.Errorf("sent: %+v", sent)
		}
		m := w.receive(url)[0]
		now := fmt.Sprint(time.Now().UnixMilli())
		want := map[string]string{
			"SenderId": "123456789012", "SentTimestamp": now, "ApproximateReceiveCount": "1", "ApproximateFirstReceiveTimestamp": now,
			"AWSTraceHeader": "Root=1-5759e988-bd862e3fe1be46a994272793",
		}
		if *m.MessageId != *sent.MessageId || *m.Body != "hello" || !maps.Equal(m.Attributes, want) {
			t.Errorf("received: %v %v %v", *m.MessageId, *m.Body, m.Attributes)
		}
		if len(m.MessageAttributes) != 2 || *m.MessageAttributes["n"].StringValue != "5" || string(m.MessageAttributes["b"].BinaryValue) != "\x00\xff" ||
			*m.MD5OfMessageAttributes != *sent.MD5OfMessageAttributes {
			t.Errorf("attributes: %+v", m.MessageAttributes)
		}
	})
}

func TestAttributesAreShownByNameOrByTheirBeginning(t *testing.T) {
	run(t, func(w *world) {
		url := w.create("a", "VisibilityTimeout", "0")
		value := types.MessageAttributeValue{DataType: aws.String("String"), StringValue: aws.String("v")}
		must(w.SendMessage(w.ctx, &sdk.SendMessageInput{
			QueueUrl: url, MessageBody: aws.String("m"),
			MessageAttributes: map[string]types.MessageAttributeValue{"Foo": value, "Help.Me": value, "Hello": value},
		}))
		for asked, want := range map[string]string{"Foo": "Foo", "Help.*": "Help.Me", "Hel*": "Hello Help.Me", "All": "Foo Hello Help.Me", ".*": "Foo Hello Help.Me", "foo": ""} {
			out := must(w.ReceiveMessage(w.ctx, &sdk.ReceiveMessageInput{QueueUrl: url, MessageAttributeNames: []string{asked}}))
			if got := strings.Join(slices.Sorted(maps.Keys(out.Messages[0].MessageAttributes)), " "); got != want {
				t.Errorf("%s: %s", asked, got)
			}
		}
	})
}

func TestSendMessageRefuses(t *testing.T) {
	text := func(kind, value string) map[string]types.MessageAttributeValue {
		return map[string]types.MessageAttributeValue{"a": {DataType: &kind, StringValue: &value}}
	}
	for name, tt := range map[string]struct {
		fifo bool
		in   sdk.SendMessageInput
		want string
	}{
		"no body":                     {false, sdk.SendMessageInput{}, "MissingRequiredParameterException: The request must contain the parameter MessageBody."},
		"a character of no XML":       {false, sdk.SendMessageInput{MessageBody: aws.String("a\x01")}, "InvalidMessageContents: "},
		"a body that is too long":     {false, sdk.SendMessageInput{MessageBody: aws.String(strings.Repeat("a", 1025))}, "InvalidParameterValueException: One or more parameters are invalid. Reason: Message must be shorter than 1024 bytes."},
		"attributes count":            {false, sdk.SendMessageInput{MessageBody: aws.String(strings.Repeat("a", 1017)), MessageAttributes: text("String", "b")}, "InvalidParameterValueException: One or more parameters are invalid. Reason: Message must be shorter than 1024 bytes."},
		"a delay above its range":     {false, sdk.SendMessageInput{MessageBody: aws.String("a"), DelaySeconds: 901}, "InvalidParameterValueException: Value 901 for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900."},
		"a type that is none":         {false, sdk.SendMessageInput{MessageBody: aws.String("a"), MessageAttributes: text("Text", "b")}, "InvalidParameterValueException: The type of message (user) attribute 'a' is invalid."},
		"a value that is empty":       {false, sdk.SendMessageInput{MessageBody: aws.String("a"), MessageAttributes: text("String", "")}, "InvalidParameterValueException: Message (user) attribute 'a' must contain a non-empty value of type 'String'."},
		"a number that is none":       {false, sdk.SendMessageInput{MessageBody: aws.String("a"), MessageAttributes: text("Number", "five")}, "InvalidParameterValueException: Can't cast the value of message (user) attribute 'a' to a number."},
		"a reserved name":             {false, sdk.SendMessageInput{MessageBody: aws.String("a"), MessageAttributes: map[string]types.MessageAttributeValue{"AWS.a": {DataType: aws.String("String"), StringValue: aws.String("b")}}}, "InvalidParameterValueException: Message (user) attribute name"},
		"a name with a Greek letter":  {false, sdk.SendMessageInput{MessageBody: aws.String("a"), MessageAttributes: map[string]types.MessageAttributeValue{"ω": {DataType: aws.String("String"), StringValue: aws.String("b")}}}, "InvalidParameterValueException: Message (user) attribute name can contain"},
		"an ID for a standard queue":  {false, sdk.SendMessageInput{MessageBody: aws.String("a"), MessageDeduplicationId: aws.String("b")}, "InvalidParameterValueException: Value b for parameter MessageDeduplicationId is invalid."},
		"a FIFO queue without group":  {true, sdk.SendMessageInput{MessageBody: aws.String("a"), MessageDeduplicationId: aws.String("b")}, "MissingRequiredParameterException: The request must contain the parameter MessageGroupId."},
		"a FIFO queue without an ID":  {true, sdk.SendMessageInput{MessageBody: aws.String("a"), MessageGroupId: aws.String("b")}, "InvalidParameterValueException: The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"},
		"a delay in a FIFO queue":     {true, sdk.SendMessageInput{MessageBody: aws.String("a"), MessageGroupId: aws.String("b"), DelaySeconds: 2}, "InvalidParameterValueException: Value 2 for parameter DelaySeconds is invalid. Reason: The request include parameter that is not valid for this queue type."},
		"a group with a space":        {true, sdk.SendMessageInput{MessageBody: aws.String("a"), MessageGroupId: aws.String("b c"), MessageDeduplicationId: aws.String("b")}, "InvalidParameterValueException: Value b c for parameter MessageGroupId is invalid."},
		"a queue that does not exist": {false, sdk.SendMessageInput{QueueUrl: aws.String("http://queues/123456789012/no"), MessageBody: aws.String("a")}, "QueueDoesNotExist: "},
		"an address of a host alone":  {false, sdk.SendMessageInput{QueueUrl: aws.String("http://queues"), MessageBody: aws.String("a")}, "QueueDoesNotExist: "},
		"what is no address":          {false, sdk.SendMessageInput{QueueUrl: aws.String("http://queues/x/y"), MessageBody: aws.String("a")}, "InvalidAddress: "},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(w *world) {
				url := w.create("a", "MaximumMessageSize", "1024")
				if tt.fifo {
					url = w.create("a.fifo", "FifoQueue", "true")
				}
				if tt.in.QueueUrl == nil {
					tt.in.QueueUrl = url
				}
				_, err := w.SendMessage(w.ctx, &tt.in)
				if got := code(err); !strings.HasPrefix(got, tt.want) {
					t.Errorf("got %s", got)
				}
				if got := w.counts(url); got != "0 0 0" {
					t.Errorf("there are %s", got)
				}
			})
		})
	}
}

func TestBatchesRefuse(t *testing.T) {
	entries := func(ids ...string) (all []types.SendMessageBatchRequestEntry) {
		for _, id := range ids {
			all = append(all, types.SendMessageBatchRequestEntry{Id: &id, MessageBody: aws.String("m")})
		}
		return all
	}
	big := entries("a", "b")
	big[0].MessageBody = aws.String(strings.Repeat("a", 1<<20))
	for name, tt := range map[string]struct {
		entries []types.SendMessageBatchRequestEntry
		want    string
	}{
		"none":            {nil, "EmptyBatchRequest: There should be at least one SendMessageBatchRequestEntry in the request."},
		"eleven":          {entries(strings.Split("abcdefghijk", "")...), "TooManyEntriesInBatchRequest: Maximum number of entries per request are 10. You have sent 11."},
		"an ID twice":     {entries("a", "b", "a"), "BatchEntryIdsNotDistinct: Id a repeated."},
		"an ID with a .":  {entries("a.b"), "InvalidBatchEntryId: "},
		"too much in all": {big, "BatchRequestTooLong: Batch requests cannot be longer than 1048576 bytes. You have sent 1048577 bytes."},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(w *world) {
				url := w.create("a")
				_, err := w.SendMessageBatch(w.ctx, &sdk.SendMessageBatchInput{QueueUrl: url, Entries: tt.entries})
				if got := code(err); !strings.HasPrefix(got, tt.want) || w.counts(url) != "0 0 0" {
					t.Errorf("got %s, and there are %s", got, w.counts(url))
				}
			})
		})
	}
}

func TestEntriesOfABatchFailAlone(t *testing.T) {
	run(t, func(w *world) {
		url := w.create("a")
		out := must(w.SendMessageBatch(w.ctx, &sdk.SendMessageBatchInput{QueueUrl: url, Entries: []types.SendMessageBatchRequestEntry{
			{Id: aws.String("good"), MessageBody: aws.String("m")}, {Id: aws.String("bad"), MessageBody: aws.String("m"), DelaySeconds: 1000},
		}}))
		if len(out.Successful) != 1 || *out.Successful[0].Id != "good" || len(out.Failed) != 1 || *out.Failed[0].Id != "bad" ||
			*out.Failed[0].Code != "InvalidParameterValue" || !out.Failed[0].SenderFault {
			t.Errorf("got %+v and %+v", out.Successful, out.Failed)
		}
		m := w.receive(url)[0]
		deleted := must(w.DeleteMessageBatch(w.ctx, &sdk.DeleteMessageBatchInput{QueueUrl: url, Entries: []types.DeleteMessageBatchRequestEntry{
			{Id: aws.String("good"), ReceiptHandle: m.ReceiptHandle}, {Id: aws.String("bad"), ReceiptHandle: aws.String("x")},
		}}))
		if len(deleted.Successful) != 1 || len(deleted.Failed) != 1 || *deleted.Failed[0].Code != "ReceiptHandleIsInvalid" || w.counts(url) != "0 0 0" {
			t.Errorf("got %+v and %+v, and there are %s", deleted.Successful, deleted.Failed, w.counts(url))
		}
	})
}

func TestZeroIsNotTheSameAsNothing(t *testing.T) {
	run(t, func(w *world) {
		url := w.create("a", "DelaySeconds", "60", "ReceiveMessageWaitTimeSeconds", "20", "VisibilityTimeout", "30")
		must(w.SendMessage(w.ctx, &sdk.SendMessageInput{QueueUrl: url, MessageBody: aws.String("m"), DelaySeconds: optional.Zero}))
		if got := w.counts(url); got != "1 0 0" {
			t.Errorf("without a delay there are %s", got)
		}
		must(w.ReceiveMessage(w.ctx, &sdk.ReceiveMessageInput{QueueUrl: url, VisibilityTimeout: optional.Zero}))
		if got := w.counts(url); got != "1 0 0" {
			t.Errorf("received for no time there are %s", got)
		}
		w.receive(url)
		start := time.Now()
		must(w.ReceiveMessage(w.ctx, &sdk.ReceiveMessageInput{QueueUrl: url, WaitTimeSeconds: optional.Zero}))
		if took := time.Since(start); took != 0 {
			t.Errorf("not to wait took %v", took)
		}
		must(w.ReceiveMessage(w.ctx, &sdk.ReceiveMessageInput{QueueUrl: url}))
		if took := time.Since(start); took != 20*time.Second {
			t.Errorf("to wait as the queue says took %v", took)
		}
	})
}

func TestMessagesAreDelayedInvisibleAndForgotten(t *testing.T) {
	run(t, func(w *world) {
		url := w.create("a", "DelaySeconds", "10", "MessageRetentionPeriod", "60")
		w.send(url, "m")
		for _, step := range []struct {
			wait time.Duration
			do   func()
			want string
		}{
			{9 * time.Second, func() {}, "0 0 1"},
			{time.Second, func() {}, "1 0 0"},
			{0, func() { w.receive(url) }, "0 1 0"},
			{29 * time.Second, func() {}, "0 1 0"},
			{time.Second, func() {}, "1 0 0"},
			{20 * time.Second, func() {}, "0 0 0"}, // a minute after it was sent
		} {
			time.Sleep(step.wait)
			if step.do(); w.counts(url) != step.want {
				t.Fatalf("there are %s, want %s", w.counts(url), step.want)
			}
		}
	})
}

func TestReceiptHandles(t *testing.T) {
	run(t, func(w *world) {
		standard, fifo := w.create("a"), w.create("a.fifo", "FifoQueue", "true", "ContentBasedDeduplication", "true")
		w.send(standard, "m")
		must(w.SendMessage(w.ctx, &sdk.SendMessageInput{QueueUrl: fifo, MessageBody: aws.String("m"), MessageGroupId: aws.String("g")}))
		of, old := w.receive(standard)[0].ReceiptHandle, w.receive(fifo)[0].ReceiptHandle
		del := func(url, handle *string) string {
			_, err := w.DeleteMessage(w.ctx, &sdk.DeleteMessageInput{QueueUrl: url, ReceiptHandle: handle})
			return code(err)
		}
		if got := del(fifo, of); !strings.HasPrefix(got, "ReceiptHandleIsInvalid: The input receipt handle ") {
			t.Errorf("of another queue: %s", got)
		}
		change := func(seconds int32) string {
			_, err := w.ChangeMessageVisibility(w.ctx, &sdk.ChangeMessageVisibilityInput{QueueUrl: fifo, ReceiptHandle: old, VisibilityTimeout: seconds})
			return code(err)
		}
		if got := change(43_201); !strings.Contains(got, "Value 43201 for parameter VisibilityTimeout is invalid.") {
			t.Error(got)
		}
		time.Sleep(10 * time.Second)
		if got := change(43_195); !strings.Contains(got, "Total VisibilityTimeout for the message is beyond the limit [43200 seconds].") {
			t.Error(got)
		}
		time.Sleep(30 * time.Second)
		if got := del(fifo, old); !strings.HasSuffix(got, "Reason: The receipt handle has expired.") {
			t.Errorf("of a FIFO queue, too late: %s", got)
		}
		if got := del(standard, of) + del(standard, of); got != "<nil><nil>" || w.counts(standard) != "0 0 0" {
			t.Errorf("of a standard queue, too late and twice: %s; there are %s", got, w.counts(standard))
		}
	})
}

func TestAFIFOQueueTellsOnceAndInOrder(t *testing.T) {
	run(t, func(w *world) {
		url := w.create("a.fifo", "FifoQueue", "true", "ContentBasedDeduplication", "true")
		send := func(body, group string) *sdk.SendMessageOutput {
			return must(w.SendMessage(w.ctx, &sdk.SendMessageInput{QueueUrl: url, MessageBody: &body, MessageGroupId: &group}))
		}
		first := send("1", "g")
		if again := send("1", "g"); *again.MessageId != *first.MessageId || *again.SequenceNumber != *first.SequenceNumber || len(*first.SequenceNumber) != 20 {
			t.Errorf("again: %s %s, first: %s %s", *again.MessageId, *again.SequenceNumber, *first.MessageId, *first.SequenceNumber)
		}
		send("2", "h")
		send("3", "g")
		var got []string
		for _, m := range w.receive(url) {
			got = append(got, *m.Body)
		}
		if !slices.Equal(got, []string{"1", "3", "2"}) {
			t.Errorf("received %v", got)
		}
	})
}

func TestAnAttemptIsAnsweredAgain(t *testing.T) {
	run(t, func(w *world) {
		url := w.create("a.fifo", "FifoQueue", "true", "ContentBasedDeduplication", "true")
		must(w.SendMessage(w.ctx, &sdk.SendMessageInput{QueueUrl: url, MessageBody: aws.String("m"), MessageGroupId: aws.String("g")}))
		in := &sdk.ReceiveMessageInput{QueueUrl: url, ReceiveRequestAttemptId: aws.String("attempt")}
		first := must(w.ReceiveMessage(w.ctx, in)).Messages
		again := must(w.ReceiveMessage(w.ctx, in)).Messages
		if len(again) != 1 || *again[0].ReceiptHandle != *first[0].ReceiptHandle {
			t.Errorf("again: %+v", again)
		}
		must(w.DeleteMessage(w.ctx, &sdk.DeleteMessageInput{QueueUrl: url, ReceiptHandle: first[0].ReceiptHandle}))
		if again := must(w.ReceiveMessage(w.ctx, in)).Messages; len(again) != 0 {
			t.Errorf("of what is deleted: %+v", again)
		}
	})
}

func TestARedriveAllowPolicyIsReadBackWithoutSpaces(t *testing.T) {
	run(t, func(w *world) {
		url := w.create("a", "RedriveAllowPolicy", "{\n  \"redrivePermission\": \"byQueue\", \"sourceQueueArns\": [\"arn:aws:sqs:eu-west-2:123456789012:b\"]\n}\n")
		out := must(w.GetQueueAttributes(w.ctx, &sdk.GetQueueAttributesInput{QueueUrl: url, AttributeNames: []types.QueueAttributeName{"RedriveAllowPolicy"}}))
		if got := out.Attributes["RedriveAllowPolicy"]; got != `{"redrivePermission":"byQueue","sourceQueueArns":["arn:aws:sqs:eu-west-2:123456789012:b"]}` {
			t.Errorf("it is %s", got)
		}
	})
}

func TestARedrivePolicyIsReadBackWithANumber(t *testing.T) {
	run(t, func(w *world) {
		w.create("dead")
		given := `{ "maxReceiveCount": "2", "deadLetterTargetArn": "arn:aws:sqs:eu-west-2:123456789012:dead" }`
		url := w.create("a", "RedrivePolicy", given)
		out := must(w.GetQueueAttributes(w.ctx, &sdk.GetQueueAttributesInput{QueueUrl: url, AttributeNames: []types.QueueAttributeName{"RedrivePolicy"}}))
		if got := out.Attributes["RedrivePolicy"]; got != `{"deadLetterTargetArn":"arn:aws:sqs:eu-west-2:123456789012:dead","maxReceiveCount":2}` {
			t.Errorf("it is %s", got)
		}
		if again := w.create("a", "RedrivePolicy", given); *again != *url {
			t.Errorf("the same policy is of another queue, %s", *again)
		}
	})
}

func TestDeadLettersMoveAndAreMovedBack(t *testing.T) {
	run(t, func(w *world) {
		dead := w.create("dead")
		url := w.create("a", "VisibilityTimeout", "1", "RedrivePolicy", `{"deadLetterTargetArn":"arn:aws:sqs:eu-west-2:123456789012:dead","maxReceiveCount":"2"}`)
		sent := w.send(url, "m")
		at := fmt.Sprint(time.Now().UnixMilli())
		for range 2 {
			if len(w.receive(url)) != 1 {
				t.Fatal("not received")
			}
			time.Sleep(2 * time.Second)
		}
		if got := w.receive(url); len(got) != 0 || w.counts(url) != "0 0 0" || w.counts(dead) != "1 0 0" {
			t.Fatalf("received %d; there are %s and %s", len(got), w.counts(url), w.counts(dead))
		}
		m := w.receive(dead)[0]
		if *m.MessageId != *sent.MessageId || m.Attributes["SentTimestamp"] != at || m.Attributes["ApproximateReceiveCount"] != "3" ||
			m.Attributes["DeadLetterQueueSourceArn"] != "arn:aws:sqs:eu-west-2:123456789012:a" {
			t.Errorf("the dead letter is %v", m.Attributes)
		}
		sources := must(w.ListDeadLetterSourceQueues(w.ctx, &sdk.ListDeadLetterSourceQueuesInput{QueueUrl: dead}))
		if !slices.Equal(sources.QueueUrls, []string{*url}) {
			t.Errorf("sources are %v", sources.QueueUrls)
		}
		time.Sleep(time.Minute)
		arn := aws.String("arn:aws:sqs:eu-west-2:123456789012:dead")
		must(w.StartMessageMoveTask(w.ctx, &sdk.StartMessageMoveTaskInput{SourceArn: arn}))
		time.Sleep(2 * time.Second)
		tasks := must(w.ListMessageMoveTasks(w.ctx, &sdk.ListMessageMoveTasksInput{SourceArn: arn})).Results
		if len(tasks) != 1 || *tasks[0].Status != "COMPLETED" || tasks[0].ApproximateNumberOfMessagesMoved != 1 || *tasks[0].ApproximateNumberOfMessagesToMove != 1 {
			t.Errorf("tasks are %+v", tasks)
		}
		back := w.receive(url)
		if w.counts(dead) != "0 0 0" || len(back) != 1 || *back[0].MessageId == *sent.MessageId || back[0].Attributes["ApproximateReceiveCount"] != "1" {
			t.Errorf("there are %s dead ones; back are %v", w.counts(dead), back)
		}
	})
}

func TestMoveTasksRefuse(t *testing.T) {
	run(t, func(w *world) {
		w.create("a")
		for arn, want := range map[string]string{
			"":                                      "MissingRequiredParameterException: The request must contain the parameter SourceArn.",
			"arn:aws:sqs:eu-west-2:123456789012:no": "ResourceNotFoundException: The resource that you specified for the SourceArn parameter doesn't exist.",
			"arn:aws:sqs:eu-west-2:123456789012:a":  "InvalidParameterValueException: Source queue must be configured as a Dead Letter Queue.",
		} {
			_, err := w.StartMessageMoveTask(w.ctx, &sdk.StartMessageMoveTaskInput{SourceArn: &arn})
			if got := code(err); got != want {
				t.Errorf("%s: %s", arn, got)
			}
		}
		_, err := w.CancelMessageMoveTask(w.ctx, &sdk.CancelMessageMoveTaskInput{TaskHandle: aws.String("foo")})
		if got := code(err); got != "InvalidParameterValueException: Value for parameter TaskHandle is invalid." {
			t.Error(got)
		}
	})
}

func TestAQueueIsPurgedOnceAMinute(t *testing.T) {
	run(t, func(w *world) {
		url := w.create("a")
		w.send(url, "m")
		must(w.PurgeQueue(w.ctx, &sdk.PurgeQueueInput{QueueUrl: url}))
		if got := w.counts(url); got != "0 0 0" {
			t.Errorf("there are %s", got)
		}
		_, err := w.PurgeQueue(w.ctx, &sdk.PurgeQueueInput{QueueUrl: url})
		if got := code(err); got != "PurgeQueueInProgress: Only one PurgeQueue operation on a is allowed every 60 seconds." {
			t.Error(got)
		}
		time.Sleep(time.Minute)
		must(w.PurgeQueue(w.ctx, &sdk.PurgeQueueInput{QueueUrl: url}))
	})
}

func TestPermissionsAreStatementsOfThePolicy(t *testing.T) {
	run(t, func(w *world) {
		url := w.create("a")
		add := func(label, action string) string {
			_, err := w.AddPermission(w.ctx, &sdk.AddPermissionInput{QueueUrl: url, Label: &label, AWSAccountIds: []string{"210987654321"}, Actions: []string{action}})
			return code(err)
		}
		if got := add("one", "SendMessage"); got != "<nil>" {
			t.Error(got)
		}
		if got := add("one", "*"); got != "InvalidParameterValueException: Value one for parameter Label is invalid. Reason: Already exists." {
			t.Error(got)
		}
		if got := add("two", "CreateQueue"); !strings.HasSuffix(got, "Only the queue owner is allowed to invoke this action.") {
			t.Error(got)
		}
		_, err := w.AddPermission(w.ctx, &sdk.AddPermissionInput{QueueUrl: url, Label: aws.String("two"), AWSAccountIds: []string{"210987654321"}})
		if got := code(err); got != "MissingRequiredParameterException: The request must contain the parameter Actions." {
			t.Error(got)
		}
		_, err = w.AddPermission(w.ctx, &sdk.AddPermissionInput{QueueUrl: url, Label: aws.String("two"), Actions: []string{"SendMessage"}})
		if got := code(err); got != "InvalidParameterValueException: Value [] for parameter PrincipalId is invalid. Reason: Unable to verify." {
			t.Error(got)
		}
		_, err = w.AddPermission(w.ctx, &sdk.AddPermissionInput{QueueUrl: url, Label: aws.String("two"), AWSAccountIds: []string{"210987654321"}, Actions: slices.Repeat([]string{"SendMessage"}, 8)})
		if got := code(err); got != "OverLimit: 8 Actions were found, maximum allowed is 7." {
			t.Error(got)
		}
		_, err = w.UntagQueue(w.ctx, &sdk.UntagQueueInput{QueueUrl: url})
		if got := code(err); got != "InvalidParameterValueException: Tag keys must be between 1 and 128 characters in length." {
			t.Error(got)
		}
		tags, policy, ok := w.Resource(w.ctx, "arn:aws:sqs:eu-west-2:123456789012:a")
		want := `{"Version":"2008-10-17","Id":"arn:aws:sqs:eu-west-2:123456789012:a/SQSDefaultPolicy","Statement":[{"Sid":"one","Effect":"Allow",` +
			`"Principal":{"AWS":"arn:aws:iam::210987654321:root"},"Action":"SQS:SendMessage","Resource":"arn:aws:sqs:eu-west-2:123456789012:a"}]}`
		if policy != want || len(tags) != 0 || !ok {
			t.Errorf("the policy is %s", policy)
		}
		must(w.RemovePermission(w.ctx, &sdk.RemovePermissionInput{QueueUrl: url, Label: aws.String("one")}))
		if _, policy, _ := w.Resource(w.ctx, "arn:aws:sqs:eu-west-2:123456789012:a"); policy != "" {
			t.Errorf("the policy is %s", policy)
		}
		_, err = w.RemovePermission(w.ctx, &sdk.RemovePermissionInput{QueueUrl: url, Label: aws.String("one")})
		if got := code(err); got != "InvalidParameterValueException: Value one for parameter Label is invalid. Reason: can't find label." {
			t.Error(got)
		}
	})
}

func TestListsAreInPages(t *testing.T) {
	run(t, func(w *world) {
		for _, name := range []string{"a1", "a2", "a3", "b1"} {
			w.create(name)
		}
		var pages []string
		p := sdk.NewListQueuesPaginator(w, &sdk.ListQueuesInput{QueueNamePrefix: aws.String("a"), MaxResults: aws.Int32(2)})
		for p.HasMorePages() {
			pages = append(pages, strings.Join(must(p.NextPage(w.ctx)).QueueUrls, " "))
		}
		if want := []string{"http://queues/123456789012/a1 http://queues/123456789012/a2", "http://queues/123456789012/a3"}; !slices.Equal(pages, want) {
			t.Errorf("pages are %q", pages)
		}
	})
}

func TestARestartForgetsNothing(t *testing.T) {
	run(t, func(w *world) {
		url := w.create("a", "DelaySeconds", "0")
		must(w.TagQueue(w.ctx, &sdk.TagQueueInput{QueueUrl: url, Tags: map[string]string{"k": "v"}}))
		w.send(url, "one")
		w.send(url, "two")
		handle := must(w.ReceiveMessage(w.ctx, &sdk.ReceiveMessageInput{QueueUrl: url})).Messages[0].ReceiptHandle
		w.API.Close()
		w.open()
		if got := w.counts(url); got != "1 1 0" {
			t.Errorf("there are %s", got)
		}
		must(w.DeleteMessage(w.ctx, &sdk.DeleteMessageInput{QueueUrl: url, ReceiptHandle: handle}))
		if got := w.counts(url); got != "1 0 0" {
			t.Errorf("there are %s", got)
		}
		if tags := must(w.ListQueueTags(w.ctx, &sdk.ListQueueTagsInput{QueueUrl: url})).Tags; tags["k"] != "v" {
			t.Errorf("tags are %v", tags)
		}
	})
}

func TestMetricsOfAMinute(t *testing.T) {
	run(t, func(w *world) {
		time.Sleep(time.Until(time.Now().Truncate(time.Minute).Add(time.Minute)))
		ctx, cancel := context.WithCancel(w.ctx)
		done := make(chan error, 1)
		go func() { done <- w.Run(ctx) }()
		synctest.Wait()
		start, url := time.Now(), w.create("a")
		w.create("idle") // to be created is to be used
		w.send(url, "12345")
		w.send(url, "1234567890")
		m := must(w.ReceiveMessage(w.ctx, &sdk.ReceiveMessageInput{QueueUrl: url})).Messages[0]
		must(w.DeleteMessage(w.ctx, &sdk.DeleteMessageInput{QueueUrl: url, ReceiptHandle: m.ReceiptHandle}))
		must(w.ReceiveMessage(w.ctx, &sdk.ReceiveMessageInput{QueueUrl: url}))
		must(w.ReceiveMessage(w.ctx, &sdk.ReceiveMessageInput{QueueUrl: url}))
		time.Sleep(time.Minute + time.Second)
		w.mu.Lock()
		defer w.mu.Unlock()
		got, idle := map[string]float64{}, map[string]float64{}
		for _, s := range w.samples {
			if s.Metric.Dimensions[0].Value == "idle" {
				idle[s.Metric.Name] = s.Set.Sum
				continue
			}
			if id := s.Metric; len(id.Dimensions) != 1 || id.Dimensions[0].Value != "a" || id.Namespace != "AWS/SQS" || !s.Time.Equal(start) {
				t.Errorf("a sample of %v at %v", id, s.Time)
			}
			got[s.Metric.Name] = s.Set.Sum
		}
		want := map[string]float64{
			"ApproximateNumberOfMessagesVisible": 1, "ApproximateNumberOfMessagesNotVisible": 0, "ApproximateNumberOfMessagesDelayed": 0,
			"NumberOfMessagesSent": 2, "NumberOfMessagesReceived": 2, "NumberOfMessagesDeleted": 1, "NumberOfEmptyReceives": 1,
			"ApproximateAgeOfOldestMessage": 60, "SentMessageSize": 15,
		}
		if !maps.Equal(got, want) {
			t.Errorf("got %v", got)
		}
		if visible, ok := idle["ApproximateNumberOfMessagesVisible"]; !ok || visible != 0 {
			t.Errorf("a queue that nobody has used yet has %v", idle)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestATagHasAQueueMeasuredEachSecond(t *testing.T) {
	run(t, func(w *world) {
		time.Sleep(time.Until(time.Now().Truncate(time.Minute).Add(time.Minute)))
		ctx, cancel := context.WithCancel(w.ctx)
		done := make(chan error, 1)
		go func() { done <- w.Run(ctx) }()
		synctest.Wait()
		url := w.create("a")
		w.send(url, "m")
		_, err := w.TagQueue(w.ctx, &sdk.TagQueueInput{QueueUrl: url, Tags: map[string]string{"flyball:metric-period": "2"}})
		if got := code(err); !strings.HasPrefix(got, "InvalidParameterValueException: Tag flyball:metric-period must be a number of seconds") {
			t.Error(got)
		}
		must(w.TagQueue(w.ctx, &sdk.TagQueueInput{QueueUrl: url, Tags: map[string]string{"flyball:metric-period": "1"}}))
		time.Sleep(3*time.Second + 500*time.Millisecond)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		var visible []float64
		for _, s := range w.samples {
			if s.Metric.Name == "ApproximateNumberOfMessagesVisible" && s.Resolution == time.Second {
				visible = append(visible, s.Set.Sum)
			}
		}
		if !slices.Equal(visible, []float64{1, 1, 1}) {
			t.Errorf("in three seconds it was measured %v", visible)
		}
	})
}

func FuzzReceiptHandle(f *testing.F) {
	f.Add("AQAAAAAAAAABAAAAASqj0mQgmCnxyFS5PvJXgU8=")
	f.Add("")
	f.Add("x")
	w := &world{ctx: context.Background(), folder: f.TempDir(), store: must(store.OpenSQLite(""))}
	w.open()
	defer w.API.Close()
	url := must(w.CreateQueue(w.ctx, &sdk.CreateQueueInput{QueueName: aws.String("a")})).QueueUrl
	f.Fuzz(func(t *testing.T, handle string) {
		_, err := w.DeleteMessage(w.ctx, &sdk.DeleteMessageInput{QueueUrl: url, ReceiptHandle: &handle})
		if got := code(err); !strings.HasPrefix(got, "ReceiptHandleIsInvalid") && !strings.HasPrefix(got, "MissingRequiredParameter") {
			t.Errorf("%q is taken: %s", handle, got)
		}
	})
}

func TestNamesOfAttributesHaveLatinLettersWithMarks(t *testing.T) {
	run(t, func(w *world) {
		_, err := w.SendMessage(w.ctx, &sdk.SendMessageInput{QueueUrl: w.create("a"), MessageBody: aws.String("a"),
			MessageAttributes: map[string]types.MessageAttributeValue{"attr.1øßä": {DataType: aws.String("String"), StringValue: aws.String("b")}}})
		if err != nil {
			t.Error(err)
		}
	})
}

func FuzzAddress(f *testing.F) {
	f.Add("http://127.0.0.1:4566/123456789012/a")
	f.Add("a")
	f.Add("//")
	f.Fuzz(func(t *testing.T, url string) {
		account, name, ok := sqs.Address(url)
		if ok && (name == "" || account != "" && len(account) != 12 || strings.Contains(name, "/")) {
			t.Errorf("%q is %q of %q", url, name, account)
		}
	})
}
