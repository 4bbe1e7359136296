package lambda_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	sqssdk "github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"flyball/internal/function"
	"flyball/internal/service/sqs"
)

// A program is what functions do in a test: it is given bodies, and says what comes of
// them.
type program struct {
	mu    sync.Mutex
	do    func(bodies []string) function.Answer
	calls [][]string
}

func (p *program) Invoke(_ context.Context, _ function.Function, call function.Call) (function.Answer, error) {
	var event struct{ Records []struct{ Body string } }
	if err := json.Unmarshal(call.Payload, &event); err != nil {
		return function.Answer{}, err
	}
	var bodies []string
	for _, r := range event.Records {
		bodies = append(bodies, r.Body)
	}
	p.mu.Lock()
	p.calls = append(p.calls, bodies)
	do := p.do
	p.mu.Unlock()
	if do == nil {
		return function.Answer{Payload: []byte("null")}, nil
	}
	return do(bodies), nil
}

func (p *program) Retire(string) {}

// seen are the bodies of all calls, sorted.
func (p *program) seen() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Sorted(slices.Values(slices.Concat(p.calls...)))
}

// A feeding is a world with a queue and a function that is given its messages.
type feeding struct {
	*world
	sqs  *sqs.API
	code *program
	url  string
	arn  string
}

// feed opens a world with the queue q, and runs what its Lambda does.
func feed(t *testing.T, attributes map[string]string) *feeding {
	t.Helper()
	w := &feeding{world: open(t), code: &program{}}
	var err error
	w.sqs, err = sqs.New(sqs.Config{Cell: w.cell, Folder: t.TempDir(), Lazy: true, Endpoint: "http://127.0.0.1:1"})
	ok(t, err)
	w.config.Queues, w.config.Runner = w.sqs, w.code
	w.restart()
	ctx, cancel := context.WithCancel(context.Background())
	var loops sync.WaitGroup
	loops.Go(func() { _ = w.sqs.Run(ctx) })
	loops.Go(func() { _ = w.API.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		loops.Wait()
		ok(t, w.sqs.Close())
	})
	name := "q"
	if attributes["FifoQueue"] != "" {
		name = "q.fifo"
	}
	out, err := w.sqs.CreateQueue(t.Context(), &sqssdk.CreateQueueInput{QueueName: &name, Attributes: attributes})
	ok(t, err)
	w.url, w.arn = *out.QueueUrl, "arn:aws:sqs:"+region+":"+account+":"+name
	w.create("f")
	return w
}

func (w *feeding) send(bodies ...string) {
	w.t.Helper()
	for _, body := range bodies {
		in := &sqssdk.SendMessageInput{QueueUrl: &w.url, MessageBody: aws.String(body)}
		if strings.HasSuffix(w.url, ".fifo") {
			group, id, _ := strings.Cut(body, " ")
			in.MessageGroupId, in.MessageDeduplicationId = &group, aws.String(group+id)
		}
		_, err := w.sqs.SendMessage(w.t.Context(), in)
		ok(w.t, err)
	}
}

// left are the messages of the queue: those that can be received, and those that are in
// flight.
func (w *feeding) left() string {
	w.t.Helper()
	out, err := w.sqs.GetQueueAttributes(w.t.Context(), &sqssdk.GetQueueAttributesInput{QueueUrl: &w.url, AttributeNames: []sqstypes.QueueAttributeName{"All"}})
	ok(w.t, err)
	return out.Attributes["ApproximateNumberOfMessages"] + " " + out.Attributes["ApproximateNumberOfMessagesNotVisible"]
}

// await waits until something is so.
func (w *feeding) await(what string, is func() bool) {
	w.t.Helper()
	for end := time.Now().Add(30 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			w.t.Fatalf("%s is not so: saw %v, left %s", what, w.code.seen(), w.left())
		}
	}
}

// mapped makes a mapping of the queue, and waits until it is enabled.
func (w *feeding) mapped(change ...func(*sdk.CreateEventSourceMappingInput)) string {
	w.t.Helper()
	in := &sdk.CreateEventSourceMappingInput{FunctionName: aws.String("f"), EventSourceArn: &w.arn}
	for _, f := range change {
		f(in)
	}
	out, err := w.CreateEventSourceMapping(w.t.Context(), in)
	ok(w.t, err)
	if *out.State != "Creating" {
		w.t.Errorf("state is %s", *out.State)
	}
	w.await("the mapping is enabled", func() bool { return w.state(*out.UUID) == "Enabled" })
	return *out.UUID
}

// state is that of a mapping; "" of one that there is not.
func (w *feeding) state(id string) string {
	out, err := w.GetEventSourceMapping(w.t.Context(), &sdk.GetEventSourceMappingInput{UUID: &id})
	if err != nil {
		return ""
	}
	return *out.State
}

func TestMessagesAreSentToTheFunctionAndDeleted(t *testing.T) {
	w := feed(t, nil)
	w.send("a", "b")
	w.mapped()
	w.send("c")
	w.await("all messages are gone", func() bool { return w.left() == "0 0" })
	if got := w.code.seen(); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("the function saw %v", got)
	}
}

func TestMessagesOfABatchThatFailsStay(t *testing.T) {
	w := feed(t, nil)
	w.code.do = func([]string) function.Answer { return function.Answer{Error: function.Unhandled} }
	w.send("a", "b")
	w.mapped()
	w.await("both have failed", func() bool { return slices.Equal(w.code.seen(), []string{"a", "b"}) && w.left() == "0 2" })
}

func TestOnlyWhatIsReportedStays(t *testing.T) {
	w := feed(t, nil)
	w.code.do = func([]string) function.Answer {
		return function.Answer{Payload: []byte(`{"batchItemFailures": [{"itemIdentifier": "none of the batch"}]}`)}
	}
	w.send("a")
	id := w.mapped(func(in *sdk.CreateEventSourceMappingInput) {
		in.FunctionResponseTypes = []types.FunctionResponseType{types.FunctionResponseTypeReportBatchItemFailures}
	})
	w.await("an answer that names another message is a failure", func() bool { return len(w.code.seen()) == 1 && w.left() == "0 1" })
	w.code.mu.Lock()
	w.code.do = func([]string) function.Answer { return function.Answer{Payload: []byte(`{"batchItemFailures": []}`)} }
	w.code.mu.Unlock()
	w.send("b")
	w.await("what has not failed is deleted", func() bool { return len(w.code.seen()) == 2 && w.left() == "0 1" })
	if got := w.state(id); got != "Enabled" {
		t.Errorf("the mapping is %s", got)
	}
}

func TestWhatNoFilterWantsIsDeleted(t *testing.T) {
	w := feed(t, nil)
	w.send(`{"kind": "order"}`, `{"kind": "other"}`, "text")
	w.mapped(func(in *sdk.CreateEventSourceMappingInput) {
		in.FilterCriteria = &types.FilterCriteria{Filters: []types.Filter{{Pattern: aws.String(`{"body": {"kind": ["order"]}}`)}}}
	})
	w.await("all messages are gone", func() bool { return w.left() == "0 0" })
	if got := w.code.seen(); !slices.Equal(got, []string{`{"kind": "order"}`}) {
		t.Errorf("the function saw %v", got)
	}
}

func TestAWindowGathersABatch(t *testing.T) {
	w := feed(t, nil)
	other := make(chan struct{})
	w.code.do = func([]string) function.Answer { // neither of two pollers begins another batch before both have one
		select {
		case other <- struct{}{}:
		case <-other:
		case <-t.Context().Done():
		}
		return function.Answer{}
	}
	w.mapped(func(in *sdk.CreateEventSourceMappingInput) {
		in.BatchSize, in.MaximumBatchingWindowInSeconds = aws.Int32(12), aws.Int32(300)
		in.ScalingConfig = &types.ScalingConfig{MaximumConcurrency: aws.Int32(2)}
	})
	for i := range 24 {
		w.send(string(rune('a' + i)))
	}
	w.await("all messages are gone", func() bool { return w.left() == "0 0" })
	if n := len(w.code.calls); n != 2 {
		t.Errorf("24 messages came in %d batches: %v", n, w.code.calls)
	}
}

func TestMessagesOfAGroupComeInOrder(t *testing.T) {
	w := feed(t, map[string]string{"FifoQueue": "true"})
	var want []string
	for i := range 40 {
		for _, group := range []string{"x", "y"} {
			w.send(group + " " + string(rune('A'+i)))
		}
		want = append(want, string(rune('A'+i)))
	}
	w.mapped(func(in *sdk.CreateEventSourceMappingInput) { in.BatchSize = aws.Int32(3) })
	w.await("all messages are gone", func() bool { return w.left() == "0 0" })
	of := map[string][]string{}
	for _, body := range slices.Concat(w.code.calls...) {
		group, id, _ := strings.Cut(body, " ")
		of[group] = append(of[group], id)
	}
	for group, got := range of {
		if !slices.Equal(got, want) {
			t.Errorf("group %s came as %v", group, got)
		}
	}
}

func TestAMappingThatIsDisabledTakesNoMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := feed(t, nil)
		id := w.mapped()
		out, err := w.UpdateEventSourceMapping(t.Context(), &sdk.UpdateEventSourceMappingInput{UUID: &id, Enabled: aws.Bool(false)})
		ok(t, err)
		if *out.State != "Disabling" {
			t.Errorf("state is %s", *out.State)
		}
		w.await("it is disabled", func() bool { return w.state(id) == "Disabled" })
		w.send("a")
		time.Sleep(time.Minute) // a poller waits 20 seconds at most
		synctest.Wait()
		if got := w.left(); got != "1 0" {
			t.Errorf("left %s", got)
		}
		_, err = w.UpdateEventSourceMapping(t.Context(), &sdk.UpdateEventSourceMappingInput{UUID: &id, Enabled: aws.Bool(true)})
		ok(t, err)
		w.await("the message is gone", func() bool { return w.left() == "0 0" })
	})
}

func TestAMappingThatIsThrottledEndsAtOnceAndGivesItsMessagesBack(t *testing.T) {
	w := feed(t, map[string]string{"VisibilityTimeout": "43200"})
	ok(t, w.keep("f", 0))
	id := w.mapped()
	w.send("a")
	w.await("the message is taken", func() bool { return w.left() == "0 1" })
	_, err := w.DeleteEventSourceMapping(t.Context(), &sdk.DeleteEventSourceMappingInput{UUID: &id})
	ok(t, err)
	w.await("it is no more", func() bool { return w.state(id) == "" })
	if got := w.left(); got != "1 0" {
		t.Errorf("left are %s, want 1 0", got)
	}
}

func TestAMappingThatIsDeletedIsNoMore(t *testing.T) {
	w := feed(t, nil)
	id := w.mapped()
	out, err := w.DeleteEventSourceMapping(t.Context(), &sdk.DeleteEventSourceMappingInput{UUID: &id})
	ok(t, err)
	if *out.State != "Deleting" {
		t.Errorf("state is %s", *out.State)
	}
	w.await("it is gone", func() bool { return w.state(id) == "" })
	_, err = w.DeleteEventSourceMapping(t.Context(), &sdk.DeleteEventSourceMappingInput{UUID: &id})
	wants(t, err, "ResourceNotFoundException", "The resource you requested does not exist.")
}

func TestTheTagsOfNoMapping(t *testing.T) {
	w := feed(t, nil)
	arn := "arn:aws:lambda:" + region + ":" + account + ":event-source-mapping:00000000-0000-0000-0000-000000000001"
	_, err := w.ListTags(t.Context(), &sdk.ListTagsInput{Resource: &arn})
	wants(t, err, "ResourceNotFoundException", "Event source mapping not found: "+arn)
	_, err = w.TagResource(t.Context(), &sdk.TagResourceInput{Resource: &arn, Tags: map[string]string{"a": "1"}})
	wants(t, err, "ResourceNotFoundException", "Event source mapping not found: "+arn)
}

func TestAMappingIsCarriedOutAgainAfterAStart(t *testing.T) {
	w := feed(t, nil)
	w.send("a")
	w.code.do = func([]string) function.Answer { return function.Answer{Error: function.Unhandled} }
	w.mapped()
	w.await("it has failed", func() bool { return len(w.code.seen()) > 0 && w.left() == "0 1" })
	w.restart() // beside the old one, which has the message in flight
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- w.API.Run(ctx) }()
	w.code.mu.Lock()
	w.code.do = nil
	w.code.mu.Unlock()
	w.send("b")
	w.await("the new message is gone", func() bool { return w.left() == "0 1" && slices.Contains(w.code.seen(), "b") })
	cancel()
	ok(t, errors.Join(<-done))
}

func TestAMappingWaitsForItsFunctionAndItsQueue(t *testing.T) {
	w := feed(t, nil)
	w.mapped()
	_, err := w.DeleteFunction(t.Context(), &sdk.DeleteFunctionInput{FunctionName: aws.String("f")})
	ok(t, err)
	w.send("a", "b", "c")
	w.create("f")
	w.await("the messages are gone", func() bool { return w.left() == "0 0" && len(w.code.seen()) >= 3 })
	_, err = w.sqs.DeleteQueue(t.Context(), &sqssdk.DeleteQueueInput{QueueUrl: &w.url})
	ok(t, err)
}

func TestWhatAMappingCannotBe(t *testing.T) {
	w := feed(t, nil)
	_, err := w.sqs.CreateQueue(t.Context(), &sqssdk.CreateQueueInput{QueueName: aws.String("o.fifo"), Attributes: map[string]string{"FifoQueue": "true"}})
	ok(t, err)
	ordered := "arn:aws:sqs:" + region + ":" + account + ":o.fifo"
	w.create("slow", func(in *sdk.CreateFunctionInput) { in.Timeout = aws.Int32(60) })
	id := w.mapped()
	for name, c := range map[string]struct {
		change func(*sdk.CreateEventSourceMappingInput)
		code   string
		want   string
	}{
		"without a queue": {func(in *sdk.CreateEventSourceMappingInput) { in.EventSourceArn = nil }, "InvalidParameterValueException", "Unrecognized event source."},
		"of a stream": {func(in *sdk.CreateEventSourceMappingInput) {
			in.EventSourceArn = aws.String("arn:aws:kinesis:" + region + ":" + account + ":stream/s")
			in.StartingPosition = types.EventSourcePositionLatest // as streams have one
		}, "InvalidParameterValueException", "Flyball does not support event sources other than queues of SQS, such as kinesis."},
		"of no queue": {func(in *sdk.CreateEventSourceMappingInput) { in.EventSourceArn = aws.String(w.arn + "2") }, "InvalidParameterValueException",
			"Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. SQS Error Message: The specified queue does not exist."},
		"to no function": {func(in *sdk.CreateEventSourceMappingInput) { in.FunctionName = aws.String("none") }, "InvalidParameterValueException", "Function does not exist"},
		"of nothing to no function": {func(in *sdk.CreateEventSourceMappingInput) {
			in.FunctionName, in.EventSourceArn = aws.String("none"), nil
		},
			"InvalidParameterValueException", "Unrecognized event source."},
		"with a destination": {func(in *sdk.CreateEventSourceMappingInput) {
			in.DestinationConfig = &types.DestinationConfig{OnFailure: &types.OnFailure{Destination: &w.arn}}
		}, "InvalidParameterValueException", "Unsupported DestinationConfig parameter for given event source mapping type."},
		"with a destination to no function": {func(in *sdk.CreateEventSourceMappingInput) {
			in.FunctionName = aws.String("none")
			in.DestinationConfig = &types.DestinationConfig{OnFailure: &types.OnFailure{Destination: &w.arn}}
		}, "InvalidParameterValueException", "Unsupported DestinationConfig parameter for given event source mapping type."},
		"of a large batch without a window": {func(in *sdk.CreateEventSourceMappingInput) { in.BatchSize = aws.Int32(11) }, "InvalidParameterValueException",
			"Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"},
		"with a window of a FIFO queue": {func(in *sdk.CreateEventSourceMappingInput) {
			in.EventSourceArn, in.MaximumBatchingWindowInSeconds = &ordered, aws.Int32(1)
		}, "InvalidParameterValueException", "Batching window is not supported for FIFO queues"},
		"to a function that takes longer than a message is hidden": {func(in *sdk.CreateEventSourceMappingInput) { in.FunctionName = aws.String("slow") }, "InvalidParameterValueException",
			"Queue visibility timeout: 30 seconds is less than Function timeout: 60 seconds"},
		"twice": {func(*sdk.CreateEventSourceMappingInput) {}, "ResourceConflictException",
			`An event source mapping with SQS arn (" ` + w.arn + ` ") and function (" f ") already exists. Please update or delete the existing mapping with UUID ` + id},
		"with a pattern that is none": {func(in *sdk.CreateEventSourceMappingInput) {
			in.FilterCriteria = &types.FilterCriteria{Filters: []types.Filter{{Pattern: aws.String(`{"body": "x"}`)}}}
		}, "InvalidParameterValueException", "Invalid filter pattern definition."},
		"with a starting position": {func(in *sdk.CreateEventSourceMappingInput) { in.StartingPosition = types.EventSourcePositionLatest }, "InvalidParameterValueException",
			"StartingPosition is not valid for SQS event sources."},
	} {
		t.Run(name, func(t *testing.T) {
			in := &sdk.CreateEventSourceMappingInput{FunctionName: aws.String("f"), EventSourceArn: &w.arn}
			c.change(in)
			_, err := w.CreateEventSourceMapping(t.Context(), in)
			wants(t, err, c.code, c.want)
		})
	}
}

func TestAnUpdateChangesWhatItNamesAlone(t *testing.T) {
	w := feed(t, nil)
	id := w.mapped(func(in *sdk.CreateEventSourceMappingInput) {
		in.FilterCriteria = &types.FilterCriteria{Filters: []types.Filter{{Pattern: aws.String(`{"body": ["x"]}`)}}}
		in.ScalingConfig = &types.ScalingConfig{MaximumConcurrency: aws.Int32(7)}
		in.Tags = map[string]string{"team": "shop"}
	})
	out, err := w.UpdateEventSourceMapping(t.Context(), &sdk.UpdateEventSourceMappingInput{UUID: &id, BatchSize: aws.Int32(3)})
	ok(t, err)
	if *out.State != "Updating" || *out.BatchSize != 3 || *out.ScalingConfig.MaximumConcurrency != 7 || len(out.FilterCriteria.Filters) != 1 {
		t.Errorf("got %s, %d, %v, %v", *out.State, *out.BatchSize, out.ScalingConfig, out.FilterCriteria)
	}
	w.await("it is enabled again", func() bool { return w.state(id) == "Enabled" })
	out, err = w.UpdateEventSourceMapping(t.Context(), &sdk.UpdateEventSourceMappingInput{UUID: &id, FilterCriteria: &types.FilterCriteria{}, ScalingConfig: &types.ScalingConfig{}})
	ok(t, err)
	if out.FilterCriteria != nil || out.ScalingConfig != nil {
		t.Errorf("what is empty leaves %v, %v", out.FilterCriteria, out.ScalingConfig)
	}
	tags, err := w.ListTags(t.Context(), &sdk.ListTagsInput{Resource: out.EventSourceMappingArn})
	ok(t, err)
	if tags.Tags["team"] != "shop" {
		t.Errorf("tags are %v", tags.Tags)
	}
}

func TestMappingsAreListedByQueueAndFunction(t *testing.T) {
	w := feed(t, nil)
	w.create("g")
	id := w.mapped()
	w.mapped(func(in *sdk.CreateEventSourceMappingInput) { in.FunctionName = aws.String("g") })
	for name, c := range map[string]struct {
		in   sdk.ListEventSourceMappingsInput
		want int
	}{
		"all":            {sdk.ListEventSourceMappingsInput{}, 2},
		"of the queue":   {sdk.ListEventSourceMappingsInput{EventSourceArn: &w.arn}, 2},
		"of another":     {sdk.ListEventSourceMappingsInput{EventSourceArn: aws.String(w.arn + "2")}, 0},
		"of a function":  {sdk.ListEventSourceMappingsInput{FunctionName: aws.String("f")}, 1},
		"of no function": {sdk.ListEventSourceMappingsInput{FunctionName: aws.String("none")}, 0},
		"a page":         {sdk.ListEventSourceMappingsInput{MaxItems: aws.Int32(1)}, 1},
	} {
		out, err := w.ListEventSourceMappings(t.Context(), &c.in)
		ok(t, err)
		if len(out.EventSourceMappings) != c.want {
			t.Errorf("%s: %d, want %d", name, len(out.EventSourceMappings), c.want)
		}
		if name == "of a function" && *out.EventSourceMappings[0].UUID != id {
			t.Errorf("got %s, want %s", *out.EventSourceMappings[0].UUID, id)
		}
	}
}

func TestAMappingThatIsMadeDisabledIsSoAtOnce(t *testing.T) {
	w := feed(t, nil)
	out, err := w.CreateEventSourceMapping(t.Context(), &sdk.CreateEventSourceMappingInput{FunctionName: aws.String("f"), EventSourceArn: &w.arn, Enabled: aws.Bool(false)})
	ok(t, err)
	if *out.State != "Disabled" {
		t.Errorf("it is %s", *out.State)
	}
}
