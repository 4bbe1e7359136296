package server

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	eventstypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"
)

// schedule makes a schedule that runs at once and then each hour.
func (w *eventWorld) schedule(target types.Target) error {
	if target.RoleArn == nil {
		target.RoleArn = aws.String("arn:aws:iam::" + testAccount + ":role/schedules")
	}
	_, err := scheduler.NewFromConfig(w.config).CreateSchedule(w.Context(), &scheduler.CreateScheduleInput{
		Name: aws.String("orders"), ScheduleExpression: aws.String("rate(1 hours)"), Target: &target,
		FlexibleTimeWindow: &types.FlexibleTimeWindow{Mode: types.FlexibleTimeWindowModeOff},
	})
	return err
}

func TestASchedulesRunReachesItsTarget(t *testing.T) {
	for _, tt := range []struct {
		name   string
		target func(*eventWorld) types.Target
		want   string
	}{
		{"a queue", func(w *eventWorld) types.Target {
			return types.Target{Arn: aws.String(w.queueARN("orders")), Input: aws.String("<aws.scheduler.schedule-arn> <aws.scheduler.attempt-number>")}
		}, "arn:aws:scheduler:us-east-1:" + testAccount + ":schedule/default/orders 1"},
		{"a bus, whose rule sends it on", func(w *eventWorld) types.Target {
			w.rule("default", eventstypes.Target{Arn: aws.String(w.queueARN("orders")), InputPath: aws.String("$.detail")})
			return types.Target{
				Arn: aws.String("arn:aws:events:us-east-1:" + testAccount + ":event-bus/default"), Input: aws.String(`{"number":7}`),
				EventBridgeParameters: &types.EventBridgeParameters{Source: aws.String("shop"), DetailType: aws.String("Order")},
			}
		}, `{"number":7}`},
		{"any operation", func(w *eventWorld) types.Target {
			return types.Target{
				Arn:   aws.String("arn:aws:scheduler:::aws-sdk:sqs:sendMessage"),
				Input: aws.String(`{"QueueUrl": "http://queues/` + testAccount + `/orders", "MessageBody": "an order of <aws.scheduler.attempt-number>"}`),
			}
		}, "an order of 1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			url, stop := serving(t, "")
			defer stop()
			w := eventsOf(t, url, "us-east-1", unknown("test"))
			queue := *createQueue(t, w.sqs, "orders")
			w.must(w.schedule(tt.target(w)))
			if m := w.receive(queue); *m.Body != tt.want {
				t.Errorf("it was sent %s, want %s", *m.Body, tt.want)
			}
		})
	}
}

func TestAScheduleRunsTasks(t *testing.T) {
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
	w.must(w.schedule(types.Target{
		Arn:           aws.String("arn:aws:ecs:us-east-1:" + testAccount + ":cluster/shop"),
		EcsParameters: &types.EcsParameters{TaskDefinitionArn: definition.TaskDefinition.TaskDefinitionArn, TaskCount: aws.Int32(2), Tags: []map[string]string{{"key": "team", "value": "shop"}}},
	}))
	await(t, "two tasks run", func() bool {
		out, err := client.ListTasks(t.Context(), &ecs.ListTasksInput{Cluster: aws.String("shop"), StartedBy: aws.String("chronos-schedule/orders")})
		w.must(err)
		return len(out.TaskArns) == 2
	})
}

func TestAScheduleInvokesAFunction(t *testing.T) {
	url, stop := serving(t, "")
	defer stop()
	w := eventsOf(t, url, testRegion, unknown("test"))
	queue := *createQueue(t, w.sqs, "outcomes")
	functions := lambda.NewFromConfig(w.config)
	createFunction(t, functions)
	_, err := functions.PutFunctionEventInvokeConfig(t.Context(), &lambda.PutFunctionEventInvokeConfigInput{
		FunctionName:      aws.String("f"),
		DestinationConfig: &lambdatypes.DestinationConfig{OnSuccess: &lambdatypes.OnSuccess{Destination: aws.String(w.queueARN("outcomes"))}},
	})
	w.must(err)
	w.must(w.schedule(types.Target{
		Arn: aws.String("arn:aws:lambda:" + testRegion + ":" + testAccount + ":function:f"), Input: aws.String(`{"attempt":"<aws.scheduler.attempt-number>"}`),
	}))
	if m := w.receive(queue); !strings.Contains(*m.Body, `"requestPayload":{"attempt":"1"}`) {
		t.Errorf("it was given %s", *m.Body)
	}
}

// Operations that are called by name are held to the model, and to what there is.
func TestWhatAScheduleCannotDoIsADeadLetter(t *testing.T) {
	for _, tt := range []struct {
		name, to, input string
		code, message   string
	}{
		{"a queue that is not there", "arn:aws:sqs:us-east-1:" + testAccount + ":none", "", "QueueDoesNotExist", "The specified queue does not exist."},
		{"an operation without what it needs", "arn:aws:scheduler:::aws-sdk:ecr:createRepository", "{}", "InvalidParameterException", "Invalid parameter at 'repositoryName' failed to satisfy constraint: 'Member must not be null'"},
		{"an operation that nobody knows", "arn:aws:scheduler:::aws-sdk:sqs:fly", "{}", "UnknownOperationException", "The operation Fly is not available in Flyball"},
		{"an input of another type", "arn:aws:scheduler:::aws-sdk:ecs:runTask", `{"Count": "many"}`, "SerializationException", "STRING_VALUE can not be converted to an Integer (at 'count')"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			url, stop := serving(t, "")
			defer stop()
			w := eventsOf(t, url, "us-east-1", unknown("test"))
			dead := *createQueue(t, w.sqs, "dead")
			target := types.Target{Arn: &tt.to, DeadLetterConfig: &types.DeadLetterConfig{Arn: aws.String(w.queueARN("dead"))}}
			if tt.input != "" {
				target.Input = &tt.input
			}
			w.must(w.schedule(target))
			m := w.receive(dead)
			got := map[string]string{}
			for name, a := range m.MessageAttributes {
				got[name] = *a.StringValue
			}
			if got["ERROR_CODE"] != tt.code || got["ERROR_MESSAGE"] != tt.message || got["TARGET_ARN"] != tt.to || got["RETRY_ATTEMPTS"] != "0" || len(got["EXECUTION_ID"]) != 16 ||
				got["SCHEDULE_ARN"] != "arn:aws:scheduler:us-east-1:"+testAccount+":schedule/default/orders" {
				t.Errorf("it has %v", got)
			}
		})
	}
}

// Where callers have to be known, a schedule's role has to trust the service, may do what
// its policies say, and sends the dead letters.
func TestTheRoleOfAScheduleDecides(t *testing.T) {
	s := open(t, "", knownKeysOnly)
	defer running(t, s)()
	w := eventsOf(t, s.URL(), "us-east-1", adminKey)
	roles := iam.NewFromConfig(w.config)
	dead, queue := *createQueue(t, w.sqs, "dead"), *createQueue(t, w.sqs, "orders")
	target := types.Target{Arn: aws.String(w.queueARN("orders")), DeadLetterConfig: &types.DeadLetterConfig{Arn: aws.String(w.queueARN("dead"))}}
	var invalid *types.ValidationException
	if err := w.schedule(target); !errors.As(err, &invalid) || *invalid.Message != "The execution role you provide must allow AWS EventBridge Scheduler to assume the role." {
		t.Errorf("a role that is not there: %v", err)
	}
	role, err := roles.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: aws.String("schedules"), AssumeRolePolicyDocument: aws.String(trusting("events.amazonaws.com", ""))})
	w.must(err)
	if err := w.schedule(target); !errors.As(err, &invalid) {
		t.Errorf("a role that trusts another: %v", err)
	}
	trust := trusting("scheduler.amazonaws.com", `, "Condition": {"ArnEquals": {"aws:SourceArn": "arn:aws:scheduler:us-east-1:`+testAccount+`:schedule-group/default"}}`)
	_, err = roles.UpdateAssumeRolePolicy(t.Context(), &iam.UpdateAssumeRolePolicyInput{RoleName: role.Role.RoleName, PolicyDocument: &trust})
	w.must(err)
	allow := func(queue string) {
		_, err := roles.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{
			RoleName: role.Role.RoleName, PolicyName: aws.String("p"), PolicyDocument: aws.String(document("Allow", "sqs:SendMessage", w.queueARN(queue), "")),
		})
		w.must(err)
	}
	allow("dead")
	w.must(w.schedule(target))
	if m := w.receive(dead); !strings.Contains(*m.MessageAttributes["ERROR_MESSAGE"].StringValue, "is not authorized to perform: sqs:SendMessage") {
		t.Errorf("the dead letter has %v", *m.MessageAttributes["ERROR_MESSAGE"].StringValue)
	}
	allow("orders")
	_, err = scheduler.NewFromConfig(w.config).DeleteSchedule(t.Context(), &scheduler.DeleteScheduleInput{Name: aws.String("orders")})
	w.must(err)
	w.must(w.schedule(target))
	w.receive(queue)
}

func TestSchedulesAreJudgedByTheirGroups(t *testing.T) {
	s := open(t, "", knownKeysOnly)
	defer running(t, s)()
	w := eventsOf(t, s.URL(), "us-east-1", adminKey)
	role, err := iam.NewFromConfig(w.config).CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: aws.String("schedules"), AssumeRolePolicyDocument: aws.String(trusting("scheduler.amazonaws.com", ""))})
	w.must(err)
	admin := scheduler.NewFromConfig(w.config)
	_, err = admin.CreateScheduleGroup(t.Context(), &scheduler.CreateScheduleGroupInput{Name: aws.String("shop")})
	w.must(err)
	users := callerWith(s.URL(), "us-east-1", adminKey)
	key := users.createKey(t, "bob")
	embed(t, users, "bob", "own", `{"Version": "2012-10-17", "Statement": [
		{"Effect": "Allow", "Action": "scheduler:*", "Resource": "arn:aws:scheduler:us-east-1:`+testAccount+`:schedule/shop/*"},
		{"Effect": "Allow", "Action": "iam:PassRole", "Resource": "`+*role.Role.Arn+`", "Condition": {"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}}}]}`)
	client := scheduler.NewFromConfig(configOf(s.URL(), "us-east-1", key))
	in := &scheduler.CreateScheduleInput{
		Name: aws.String("orders"), GroupName: aws.String("shop"), ScheduleExpression: aws.String("rate(1 hours)"),
		Target:             &types.Target{Arn: aws.String(w.queueARN("orders")), RoleArn: role.Role.Arn},
		FlexibleTimeWindow: &types.FlexibleTimeWindow{Mode: types.FlexibleTimeWindowModeOff},
	}
	_, err = client.CreateSchedule(t.Context(), in)
	w.must(err)
	in.GroupName = nil
	_, err = client.CreateSchedule(t.Context(), in)
	refused(t, err, "AccessDeniedException", http.StatusForbidden, "scheduler:CreateSchedule on resource: arn:aws:scheduler:us-east-1:"+testAccount+":schedule/default/orders")
}
