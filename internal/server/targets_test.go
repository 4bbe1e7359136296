package server

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventstypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// An eventWorld is a region of an account with rules, and what their targets hold.
type eventWorld struct {
	*testing.T
	config aws.Config
	region string
	events *eventbridge.Client
	sqs    *sqs.Client
}

func eventsOf(t *testing.T, url, region string, key aws.Credentials) *eventWorld {
	cfg := configOf(url, region, key)
	return &eventWorld{t, cfg, region, eventbridge.NewFromConfig(cfg), sqs.NewFromConfig(cfg)}
}

func (w *eventWorld) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// queueARN is the ARN of a queue of the world.
func (w *eventWorld) queueARN(name string) string {
	return "arn:aws:sqs:" + w.region + ":" + testAccount + ":" + name
}

// rule makes a rule of the source shop with a target, and returns its ARN.
func (w *eventWorld) rule(bus string, target eventstypes.Target) string {
	w.Helper()
	out, err := w.events.PutRule(w.Context(), &eventbridge.PutRuleInput{
		Name: aws.String("orders"), EventBusName: &bus, EventPattern: aws.String(`{"source": ["shop"]}`),
	})
	w.must(err)
	target.Id = aws.String("target")
	_, err = w.events.PutTargets(w.Context(), &eventbridge.PutTargetsInput{Rule: aws.String("orders"), EventBusName: &bus, Targets: []eventstypes.Target{target}})
	w.must(err)
	return *out.RuleArn
}

// put puts an event of the source shop.
func (w *eventWorld) put() {
	w.Helper()
	out, err := w.events.PutEvents(w.Context(), &eventbridge.PutEventsInput{Entries: []eventstypes.PutEventsRequestEntry{{
		Source: aws.String("shop"), DetailType: aws.String("Order"), Detail: aws.String(`{"number": 7}`), Resources: []string{"order/7"},
		TraceHeader: aws.String("Root=1-5759e988-bd862e3fe1be46a994272793"),
	}}})
	w.must(err)
	if out.FailedEntryCount > 0 {
		w.Fatal(*out.Entries[0].ErrorMessage)
	}
}

// receive waits for a message.
func (w *eventWorld) receive(queue string) sqstypes.Message {
	w.Helper()
	out, err := w.sqs.ReceiveMessage(w.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: &queue, WaitTimeSeconds: 20, MessageAttributeNames: []string{"All"}, MessageSystemAttributeNames: []sqstypes.MessageSystemAttributeName{"All"},
	})
	w.must(err)
	if len(out.Messages) == 0 {
		w.Fatal("no message came")
	}
	return out.Messages[0]
}

func TestARuleSendsToAQueue(t *testing.T) {
	url, stop := serving(t, "")
	defer stop()
	w := eventsOf(t, url, "us-east-1", unknown("test"))
	queue := *createQueue(t, w.sqs, "orders")
	w.rule("default", eventstypes.Target{Arn: aws.String(w.queueARN("orders"))})
	w.put()
	m := w.receive(queue)
	var e struct {
		Detail    struct{ Number int }
		Resources []string
	}
	if err := json.Unmarshal([]byte(*m.Body), &e); err != nil || e.Detail.Number != 7 || e.Resources[0] != "order/7" {
		t.Errorf("it was sent %s", *m.Body)
	}
	if m.Attributes["AWSTraceHeader"] != "Root=1-5759e988-bd862e3fe1be46a994272793" {
		t.Errorf("with %v", m.Attributes)
	}
}

func TestARuleSendsToAGroupOfAFIFOQueue(t *testing.T) {
	url, stop := serving(t, "")
	defer stop()
	w := eventsOf(t, url, "us-east-1", unknown("test"))
	out, err := w.sqs.CreateQueue(t.Context(), &sqs.CreateQueueInput{
		QueueName: aws.String("orders.fifo"), Attributes: map[string]string{"FifoQueue": "true", "ContentBasedDeduplication": "true"},
	})
	w.must(err)
	w.rule("default", eventstypes.Target{Arn: aws.String(w.queueARN("orders.fifo")), SqsParameters: &eventstypes.SqsParameters{MessageGroupId: aws.String("g")}})
	w.put()
	if m := w.receive(*out.QueueUrl); m.Attributes["MessageGroupId"] != "g" {
		t.Errorf("it came with %v", m.Attributes)
	}
}

func TestAFIFOQueueWithoutContentBasedDeduplicationIsSentNothing(t *testing.T) {
	url, stop := serving(t, "")
	defer stop()
	w := eventsOf(t, url, "us-east-1", unknown("test"))
	dead := *createQueue(t, w.sqs, "dead")
	_, err := w.sqs.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("orders.fifo"), Attributes: map[string]string{"FifoQueue": "true"}})
	w.must(err)
	w.rule("default", eventstypes.Target{
		Arn: aws.String(w.queueARN("orders.fifo")), SqsParameters: &eventstypes.SqsParameters{MessageGroupId: aws.String("g")},
		DeadLetterConfig: &eventstypes.DeadLetterConfig{Arn: aws.String(w.queueARN("dead"))},
	})
	w.put()
	if m := w.receive(dead); *m.MessageAttributes["ERROR_CODE"].StringValue != "INVALID_PARAMETER" {
		t.Errorf("it has %v", m.MessageAttributes)
	}
}

func TestWhatAQueueThatIsGoneWasSentIsADeadLetter(t *testing.T) {
	url, stop := serving(t, "")
	defer stop()
	w := eventsOf(t, url, "us-east-1", unknown("test"))
	dead := *createQueue(t, w.sqs, "dead")
	rule := w.rule("default", eventstypes.Target{
		Arn: aws.String(w.queueARN("none")), DeadLetterConfig: &eventstypes.DeadLetterConfig{Arn: aws.String(w.queueARN("dead"))},
	})
	w.put()
	m := w.receive(dead)
	got := map[string]string{}
	for name, a := range m.MessageAttributes {
		got[name] = *a.StringValue
	}
	if got["ERROR_CODE"] != "NO_RESOURCE" || got["RULE_ARN"] != rule || got["TARGET_ARN"] != w.queueARN("none") || got["RETRY_ATTEMPTS"] != "0" {
		t.Errorf("it has %v", got)
	}
}

func TestARuleSendsToALogGroup(t *testing.T) {
	url, stop := serving(t, "")
	defer stop()
	w := eventsOf(t, url, "us-east-1", unknown("test"))
	logs := cloudwatchlogs.NewFromConfig(w.config)
	_, err := logs.CreateLogGroup(t.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("/aws/events/orders")})
	w.must(err)
	w.rule("default", eventstypes.Target{Arn: aws.String("arn:aws:logs:us-east-1:" + testAccount + ":log-group:/aws/events/orders")})
	w.put()
	await(t, "the event is in the group", func() bool {
		out, err := logs.FilterLogEvents(t.Context(), &cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String("/aws/events/orders")})
		return err == nil && len(out.Events) == 1 && strings.Contains(*out.Events[0].Message, `"detail":{"number":7}`)
	})
}

// await waits for a condition.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("after a minute not yet: %s", what)
		}
	}
}

func TestARuleRunsTasks(t *testing.T) {
	url, stop := serving(t, "")
	defer stop()
	w := eventsOf(t, url, "us-east-1", unknown("test"))
	client := ecs.NewFromConfig(w.config)
	_, err := client.CreateCluster(t.Context(), &ecs.CreateClusterInput{ClusterName: aws.String("shop")})
	w.must(err)
	definition, err := client.RegisterTaskDefinition(t.Context(), &ecs.RegisterTaskDefinitionInput{
		Family: aws.String("pack"), ContainerDefinitions: []ecstypes.ContainerDefinition{{Name: aws.String("main"), Image: aws.String("flyball/web"), Memory: aws.Int32(64)}},
	})
	w.must(err)
	w.rule("default", eventstypes.Target{
		Arn: aws.String("arn:aws:ecs:us-east-1:" + testAccount + ":cluster/shop"), RoleArn: aws.String("arn:aws:iam::" + testAccount + ":role/events"),
		EcsParameters: &eventstypes.EcsParameters{TaskDefinitionArn: definition.TaskDefinition.TaskDefinitionArn, TaskCount: aws.Int32(2)},
		InputTransformer: &eventstypes.InputTransformer{
			InputPathsMap: map[string]string{"n": "$.detail.number"},
			InputTemplate: aws.String(`{"containerOverrides": [{"name": "main", "environment": [{"name": "ORDER", "value": "<n>"}]}]}`),
		},
	})
	w.put()
	await(t, "two tasks run", func() bool {
		list, err := client.ListTasks(t.Context(), &ecs.ListTasksInput{Cluster: aws.String("shop")})
		w.must(err)
		if len(list.TaskArns) != 2 {
			return false
		}
		out, err := client.DescribeTasks(t.Context(), &ecs.DescribeTasksInput{Cluster: aws.String("shop"), Tasks: list.TaskArns})
		w.must(err)
		task := out.Tasks[0]
		return *task.StartedBy == "events-rule/orders" && *task.Overrides.ContainerOverrides[0].Environment[0].Value == "7"
	})
}

func TestARuleSendsToABusOfAnotherRegion(t *testing.T) {
	url, stop := serving(t, "")
	defer stop()
	here, there := eventsOf(t, url, "us-east-1", unknown("test")), eventsOf(t, url, "eu-west-2", unknown("test"))
	bus, err := there.events.CreateEventBus(t.Context(), &eventbridge.CreateEventBusInput{Name: aws.String("all")})
	there.must(err)
	queue := *createQueue(t, there.sqs, "orders")
	there.rule("all", eventstypes.Target{Arn: aws.String(there.queueARN("orders"))})
	here.rule("default", eventstypes.Target{Arn: bus.EventBusArn, RoleArn: aws.String("arn:aws:iam::" + testAccount + ":role/events")})
	here.put()
	if m := there.receive(queue); !strings.Contains(*m.Body, `"region":"us-east-1"`) {
		t.Errorf("it came as %s", *m.Body)
	}
}

// Where callers have to be known, so have senders.
func TestAQueueSaysWhichRulesMaySendToIt(t *testing.T) {
	s := open(t, "", knownKeysOnly)
	defer running(t, s)()
	w := eventsOf(t, s.URL(), "us-east-1", adminKey)
	dead, queue := *createQueue(t, w.sqs, "dead"), *createQueue(t, w.sqs, "orders")
	allow := func(queue, rule string) {
		t.Helper()
		policy := document("Allow", "sqs:SendMessage", "*", `, "Principal": {"Service": "events.amazonaws.com"}, "Condition": {"ArnEquals": {"aws:SourceArn": "`+rule+`"}}`)
		_, err := w.sqs.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{QueueUrl: &queue, Attributes: map[string]string{"Policy": policy}})
		w.must(err)
	}
	rule := w.rule("default", eventstypes.Target{
		Arn: aws.String(w.queueARN("orders")), DeadLetterConfig: &eventstypes.DeadLetterConfig{Arn: aws.String(w.queueARN("dead"))},
	})
	allow(dead, rule)
	allow(queue, rule+"-other")
	w.put()
	if m := w.receive(dead); *m.MessageAttributes["ERROR_CODE"].StringValue != "NO_PERMISSIONS" {
		t.Errorf("the dead letter has %v", m.MessageAttributes)
	}
	allow(queue, rule)
	w.put()
	w.receive(queue)
}

func TestTheRoleOfATargetDecides(t *testing.T) {
	s := open(t, "", knownKeysOnly)
	defer running(t, s)()
	w := eventsOf(t, s.URL(), "us-east-1", adminKey)
	roles := iam.NewFromConfig(w.config)
	bus, err := w.events.CreateEventBus(t.Context(), &eventbridge.CreateEventBusInput{Name: aws.String("all")})
	w.must(err)
	queue, dead := *createQueue(t, w.sqs, "orders"), *createQueue(t, w.sqs, "dead")
	for _, q := range []string{queue, dead} {
		_, err = w.sqs.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{QueueUrl: &q, Attributes: map[string]string{
			"Policy": document("Allow", "sqs:SendMessage", "*", `, "Principal": {"Service": "events.amazonaws.com"}`),
		}})
		w.must(err)
	}
	w.rule("all", eventstypes.Target{Arn: aws.String(w.queueARN("orders"))})
	role, err := roles.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: aws.String("events"), AssumeRolePolicyDocument: aws.String(trusting("events.amazonaws.com", ""))})
	w.must(err)
	w.rule("default", eventstypes.Target{
		Arn: bus.EventBusArn, RoleArn: role.Role.Arn, DeadLetterConfig: &eventstypes.DeadLetterConfig{Arn: aws.String(w.queueARN("dead"))},
	})
	w.put()
	if m := w.receive(dead); !strings.Contains(*m.MessageAttributes["ERROR_MESSAGE"].StringValue, "is not authorized to perform: events:PutEvents") {
		t.Errorf("the dead letter has %v", *m.MessageAttributes["ERROR_MESSAGE"].StringValue)
	}
	_, err = roles.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{
		RoleName: aws.String("events"), PolicyName: aws.String("p"), PolicyDocument: aws.String(document("Allow", "events:PutEvents", *bus.EventBusArn, "")),
	})
	w.must(err)
	w.put()
	w.receive(queue)
}

// An event on a bus of another account tells whose it is.
func TestEventsArePutOnABusOfAnotherAccount(t *testing.T) {
	url, stop := serving(t, "")
	defer stop()
	w := eventsOf(t, url, "us-east-1", unknown("test"))
	queue := *createQueue(t, w.sqs, "orders")
	w.rule("default", eventstypes.Target{Arn: aws.String(w.queueARN("orders"))})
	theirs := eventsOf(t, url, "us-east-1", unknown("210987654321"))
	out, err := theirs.events.PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: []eventstypes.PutEventsRequestEntry{{
		Source: aws.String("shop"), DetailType: aws.String("Order"), Detail: aws.String("{}"),
		EventBusName: aws.String("arn:aws:events:us-east-1:" + testAccount + ":event-bus/default"),
	}}})
	theirs.must(err)
	if m := w.receive(queue); !strings.Contains(*m.Body, `"account":"210987654321"`) || !strings.Contains(*m.Body, *out.Entries[0].EventId) {
		t.Errorf("it came as %s", *m.Body)
	}
}

// Of whoever has a known key, both sides have a say.
func TestThePolicyOfABusHasAVoice(t *testing.T) {
	s := open(t, "")
	defer running(t, s)()
	w := eventsOf(t, s.URL(), "us-east-1", unknown(testAccount))
	bus := "arn:aws:events:us-east-1:" + testAccount + ":event-bus/default"
	bob := callerOf(s.URL(), "us-east-1", "210987654321").createKey(t, "bob")
	roles := iam.NewFromConfig(configOf(s.URL(), "us-east-1", unknown("210987654321")))
	_, err := roles.PutUserPolicy(t.Context(), &iam.PutUserPolicyInput{
		UserName: aws.String("bob"), PolicyName: aws.String("p"), PolicyDocument: aws.String(document("Allow", "events:PutEvents", bus, "")),
	})
	w.must(err)
	put := func() error {
		_, err := eventsOf(t, s.URL(), "us-east-1", bob).events.PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: []eventstypes.PutEventsRequestEntry{{
			Source: aws.String("shop"), DetailType: aws.String("Order"), Detail: aws.String("{}"), EventBusName: &bus,
		}}})
		return err
	}
	refused(t, put(), "AccessDeniedException", 400, "because no resource-based policy allows the events:PutEvents action")
	_, err = w.events.PutPermission(t.Context(), &eventbridge.PutPermissionInput{
		StatementId: aws.String("theirs"), Principal: aws.String("210987654321"), Action: aws.String("events:PutEvents"),
	})
	w.must(err)
	w.must(put())
}
