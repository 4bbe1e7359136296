package events_test

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"flyball/internal/deliver"
	"flyball/internal/store"
)

func TestAnEventReachesTheTargetsOfTheRulesThatWantIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, stop := fresh(t)
		defer stop()
		w.rule(t, "orders", `{"source": ["shop"], "detail": {"amount": [{"numeric": [">", 10]}]}}`, queue("a"))
		w.rule(t, "others", `{"source": ["warehouse"]}`, queue("a"))
		w.put(t, "shop", "Order", `{"amount": 5}`)
		id := w.put(t, "shop", "Order", `{ "amount" : 12.50 }`)
		synctest.Wait()
		got := w.to(queueARN)
		want := `{"version":"0","id":"` + id + `","detail-type":"Order","source":"shop","account":"123456789012","time":"` +
			time.Now().UTC().Format("2006-01-02T15:04:05Z") + `","region":"us-east-1","resources":[],"detail":{"amount":12.50}}`
		if len(got) != 1 || got[0] != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
	})
}

func TestWhatATargetIsSent(t *testing.T) {
	for _, tt := range []struct {
		name   string
		target types.Target
		want   string
	}{
		{"a constant", types.Target{Input: aws.String(`{"a": 1}`)}, `{"a": 1}`},
		{"a part", types.Target{InputPath: aws.String("$.detail.n")}, `7`},
		{"a part that is not there", types.Target{InputPath: aws.String("$.detail.x")}, `null`},
		{"a template", types.Target{InputTransformer: &types.InputTransformer{
			InputPathsMap: map[string]string{"n": "$.detail.n"}, InputTemplate: aws.String(`{"n": <n>, "rule": <aws.events.rule-name>}`),
		}}, `{"n": 7, "rule": "r"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, stop := fresh(t)
				defer stop()
				tt.target.Id, tt.target.Arn = aws.String("a"), aws.String(queueARN)
				w.rule(t, "r", `{"source": ["s"]}`, tt.target)
				w.put(t, "s", "t", `{"n": 7}`)
				synctest.Wait()
				if got := w.to(queueARN); len(got) != 1 || got[0] != tt.want {
					t.Errorf("got %s, want %s", got, tt.want)
				}
			})
		})
	}
}

func TestEntriesOfPutEventsFailByThemselves(t *testing.T) {
	w, stop := fresh(t)
	defer stop()
	entry := func(source, detailType, detail string) types.PutEventsRequestEntry {
		return types.PutEventsRequestEntry{Source: &source, DetailType: &detailType, Detail: &detail}
	}
	deep := strings.Repeat(`{"a":`, 1001) + "1" + strings.Repeat("}", 1001)
	out := must(w.PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{
		entry("s", "t", "{}"), entry("", "t", "{}"), entry("s", "", "{}"), entry("s", "t", ""), entry("aws.s", "t", "{}"),
		entry("s", "t", "[]"), entry("s", "t", "{"), entry("s", "t", deep), entry("s", "t", `{"n": 9223372036854775808}`),
		{Source: aws.String("s"), DetailType: aws.String("t"), Detail: aws.String("{}"), EventBusName: aws.String("none")},
	}}))
	var got []string
	for _, e := range out.Entries {
		got = append(got, aws.ToString(e.ErrorCode)+": "+aws.ToString(e.ErrorMessage))
		if (e.EventId == nil) == (e.ErrorCode == nil) {
			t.Errorf("an entry is %+v", e)
		}
	}
	malformed := "MalformedDetail: Detail is malformed."
	want := []string{
		": ",
		"InvalidArgument: Parameter Source is not valid. Reason: Source is a required argument.",
		"InvalidArgument: Parameter DetailType is not valid. Reason: DetailType is a required argument.",
		"InvalidArgument: Parameter Detail is not valid. Reason: Detail is a required argument.",
		"NotAuthorizedForSourceException: Not authorized for the source.",
		malformed, malformed, malformed, malformed, ": ",
	}
	if !reflect.DeepEqual(got, want) || out.FailedEntryCount != 8 {
		t.Errorf("got %d failures: %s", out.FailedEntryCount, strings.Join(got, "\n"))
	}
	_, err := w.PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{
		entry("s", "t", `{"a":"`+strings.Repeat("x", 262144)+`"}`),
	}})
	refused(t, err, "ValidationException", "Total size of the entries in the request is over the limit.")
}

func TestWhatTargetsDoNotTakeIsADeadLetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, stop := fresh(t)
		defer stop()
		w.refuse = func(to string) error {
			if to == queueARN {
				return &deliver.Refused{Code: "NO_PERMISSIONS", Err: errors.New("no")}
			}
			return nil
		}
		target := queue("a")
		target.Input = aws.String(`{"changed": true}`)
		target.DeadLetterConfig = &types.DeadLetterConfig{Arn: aws.String(deadARN)}
		rule := w.rule(t, "r", `{"source": ["s"]}`, target)
		id := w.put(t, "s", "t", "{}")
		synctest.Wait()
		letters := w.sent[deadARN]
		want := map[string]string{
			"RULE_ARN": rule, "TARGET_ARN": queueARN, "ERROR_CODE": "NO_PERMISSIONS", "ERROR_MESSAGE": "no", "RETRY_ATTEMPTS": "0",
		}
		if len(letters) != 1 || !reflect.DeepEqual(letters[0].Attributes, want) || document(t, string(letters[0].Body))["id"] != id {
			t.Errorf("letters %+v", letters)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if got := w.sums("r"); got["FailedInvocations"] != 1 || got["InvocationsSentToDlq"] != 1 || got["MatchedEvents"] != 1 || got["TriggeredRules"] != 1 {
			t.Errorf("metrics %v", got)
		}
	})
}

// sums are what was published for a rule of the default bus.
func (w *world) sums(rule string) map[string]float64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	sums := map[string]float64{}
	for _, s := range w.samples {
		if d := s.Metric.Dimensions; len(d) == 1 && d[0].Value == rule {
			sums[s.Metric.Name] += s.Set.Sum
		}
	}
	return sums
}

func TestARuleIsReplacedAsAWholeAndKeepsItsTargets(t *testing.T) {
	w, stop := fresh(t)
	defer stop()
	w.rule(t, "r", `{"source": ["s"]}`, queue("a"))
	must(w.PutRule(t.Context(), &eventbridge.PutRuleInput{Name: aws.String("r"), ScheduleExpression: aws.String("rate(5 minutes)"), State: types.RuleStateDisabled}))
	got := must(w.DescribeRule(t.Context(), &eventbridge.DescribeRuleInput{Name: aws.String("r")}))
	if got.EventPattern != nil || *got.ScheduleExpression != "rate(5 minutes)" || got.State != types.RuleStateDisabled || *got.CreatedBy != "123456789012" {
		t.Errorf("it is %+v", got)
	}
	if targets := must(w.ListTargetsByRule(t.Context(), &eventbridge.ListTargetsByRuleInput{Rule: aws.String("r")})); len(targets.Targets) != 1 {
		t.Errorf("targets %+v", targets.Targets)
	}
	_, err := w.DeleteRule(t.Context(), &eventbridge.DeleteRuleInput{Name: aws.String("r")})
	refused(t, err, "ValidationException", "Rule can't be deleted since it has targets.")
}

func TestRulesThatAreNone(t *testing.T) {
	w, stop := fresh(t)
	defer stop()
	must(w.CreateEventBus(t.Context(), &eventbridge.CreateEventBusInput{Name: aws.String("b")}))
	for _, tt := range []struct {
		name          string
		in            eventbridge.PutRuleInput
		code, message string
	}{
		{"without either", eventbridge.PutRuleInput{}, "ValidationException", "Parameter(s) EventPattern or ScheduleExpression must be specified."},
		{"a rate of nothing", eventbridge.PutRuleInput{ScheduleExpression: aws.String("rate(0 minutes)")}, "ValidationException", "Parameter ScheduleExpression is not valid."},
		{"a rate in the wrong number", eventbridge.PutRuleInput{ScheduleExpression: aws.String("rate(1 minutes)")}, "ValidationException", "Parameter ScheduleExpression is not valid."},
		{"a cron with seconds", eventbridge.PutRuleInput{ScheduleExpression: aws.String("cron(0 0 12 * * ? *)")}, "ValidationException", "Parameter ScheduleExpression is not valid."},
		{"one run", eventbridge.PutRuleInput{ScheduleExpression: aws.String("at(2030-01-01T00:00:00)")}, "ValidationException", "Parameter ScheduleExpression is not valid."},
		{"a schedule on another bus", eventbridge.PutRuleInput{ScheduleExpression: aws.String("rate(1 minute)"), EventBusName: aws.String("b")}, "ValidationException",
			"ScheduleExpression is supported only on the default event bus."},
		{"a schedule on a bus that is not there", eventbridge.PutRuleInput{ScheduleExpression: aws.String("rate(1 minute)"), EventBusName: aws.String("none")}, "ResourceNotFoundException",
			"Event bus none does not exist."},
		{"a bus that is not there", eventbridge.PutRuleInput{EventPattern: aws.String(`{"source": ["s"]}`), EventBusName: aws.String("none")}, "ResourceNotFoundException",
			"Event bus none does not exist."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.in.Name = aws.String("r")
			_, err := w.PutRule(t.Context(), &tt.in)
			refused(t, err, tt.code, tt.message)
		})
	}
	_, err := w.PutRule(t.Context(), &eventbridge.PutRuleInput{Name: aws.String("r"), EventPattern: aws.String(`{"source": "s"}`)})
	var invalid *types.InvalidEventPatternException
	if !errors.As(err, &invalid) {
		t.Errorf("a pattern that is none: %v", err)
	}
}

func TestQuotas(t *testing.T) {
	w, stop := fresh(t)
	defer stop()
	for i := range 300 {
		must(w.PutRule(t.Context(), &eventbridge.PutRuleInput{Name: aws.String(fmt.Sprint("r", i)), EventPattern: aws.String(`{"source": ["s"]}`)}))
	}
	const most = "The requested resource exceeds the maximum number allowed."
	_, err := w.PutRule(t.Context(), &eventbridge.PutRuleInput{Name: aws.String("one-more"), EventPattern: aws.String(`{"source": ["s"]}`)})
	refused(t, err, "LimitExceededException", most)
	var targets []types.Target
	for i := range 6 {
		targets = append(targets, queue(fmt.Sprint(i)))
	}
	_, err = w.PutTargets(t.Context(), &eventbridge.PutTargetsInput{Rule: aws.String("r0"), Targets: targets})
	refused(t, err, "LimitExceededException", most)
	for i := range 100 {
		must(w.CreateEventBus(t.Context(), &eventbridge.CreateEventBusInput{Name: aws.String(fmt.Sprint("b", i))}))
	}
	_, err = w.CreateEventBus(t.Context(), &eventbridge.CreateEventBusInput{Name: aws.String("one-more")})
	refused(t, err, "LimitExceededException", most)
}

func TestTargetsThatAreNone(t *testing.T) {
	w, stop := fresh(t)
	defer stop()
	w.rule(t, "r", `{"source": ["s"]}`)
	const cluster, bus = "arn:aws:ecs:us-east-1:123456789012:cluster/c", "arn:aws:events:us-east-1:123456789012:event-bus/b"
	role := aws.String("arn:aws:iam::123456789012:role/r")
	for _, tt := range []struct {
		name    string
		target  types.Target
		message string
	}{
		{"no ARN", types.Target{Arn: aws.String("queue")}, "Parameter queue is not valid. Reason: Provided Arn is not in correct format."},
		{"a task without a role", types.Target{Arn: aws.String(cluster)}, "RoleArn is required for target " + cluster + "."},
		{"a bus without a role", types.Target{Arn: aws.String(bus)}, "RoleArn is required for target " + bus + "."},
		{"a task of no definition", types.Target{Arn: aws.String(cluster), RoleArn: role}, "Parameter(s) EcsParameters must be specified for target: a."},
		{"a FIFO queue without a group", types.Target{Arn: aws.String(queueARN + ".fifo")}, "Parameter(s) SqsParameters must be specified for target: a."},
		{"a task's parameters of a queue", types.Target{Arn: aws.String(queueARN), EcsParameters: &types.EcsParameters{TaskDefinitionArn: aws.String("d")}},
			"Parameter(s) EcsParameters not supported for target: a."},
		{"eleven tasks", types.Target{Arn: aws.String(cluster), RoleArn: role, EcsParameters: &types.EcsParameters{TaskDefinitionArn: aws.String("d"), TaskCount: aws.Int32(11)}},
			"Parameter(s) TaskCount not valid for target: a."},
		{"a stream without a role", types.Target{Arn: aws.String("arn:aws:kinesis:us-east-1:123456789012:stream/s")},
			"Rule r does not have RoleArn assigned to invoke target arn:aws:kinesis:us-east-1:123456789012:stream/s."},
		{"a topic for dead letters", types.Target{Arn: aws.String(queueARN), DeadLetterConfig: &types.DeadLetterConfig{Arn: aws.String("arn:aws:sns:us-east-1:123456789012:t")}},
			"sns is not supported as a dead letter resource."},
		{"a FIFO queue for dead letters", types.Target{Arn: aws.String(queueARN), DeadLetterConfig: &types.DeadLetterConfig{Arn: aws.String(queueARN + ".fifo")}},
			"SQS FIFO is not supported by Dead Letter Queues."},
		{"two inputs", types.Target{Arn: aws.String(queueARN), Input: aws.String("1"), InputPath: aws.String("$")},
			"Only one of Input, InputPath, or InputTransformer must be provided for target a."},
		{"no JSON", types.Target{Arn: aws.String(queueARN), Input: aws.String("{")}, "JSON syntax error in input for target a."},
		{"no path", types.Target{Arn: aws.String(queueARN), InputPath: aws.String("detail")}, "InputPath for target a is invalid."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.target.Id = aws.String("a")
			_, err := w.PutTargets(t.Context(), &eventbridge.PutTargetsInput{Rule: aws.String("r"), Targets: []types.Target{tt.target}})
			refused(t, err, "ValidationException", tt.message)
		})
	}
	twice := types.Target{Id: aws.String("a"), Arn: aws.String(queueARN)}
	_, err := w.PutTargets(t.Context(), &eventbridge.PutTargetsInput{Rule: aws.String("r"), Targets: []types.Target{twice, twice}})
	refused(t, err, "ValidationException", "Parameter targets is not valid. Reason: More than one target with Id 'a' is provided.")
	out := must(w.RemoveTargets(t.Context(), &eventbridge.RemoveTargetsInput{Rule: aws.String("r"), Ids: []string{"x"}}))
	if out.FailedEntryCount != 1 || *out.FailedEntries[0].TargetId != "x" {
		t.Errorf("removing what is not there: %+v", out)
	}
}

func TestATaskIsSentNothingOfTheEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, stop := fresh(t)
		defer stop()
		const cluster = "arn:aws:ecs:us-east-1:123456789012:cluster/c"
		w.rule(t, "r", `{"source": ["s"]}`, types.Target{
			Id: aws.String("a"), Arn: aws.String(cluster), RoleArn: aws.String("arn:aws:iam::123456789012:role/r"),
			EcsParameters: &types.EcsParameters{TaskDefinitionArn: aws.String("arn:aws:ecs:us-east-1:123456789012:task-definition/f:1"), TaskCount: aws.Int32(3)},
		})
		w.put(t, "s", "t", "{}")
		synctest.Wait()
		got := w.sent[cluster]
		if len(got) != 1 || len(got[0].Body) != 0 || *got[0].Parameters.(*types.EcsParameters).TaskCount != 3 {
			t.Errorf("it is sent %+v", got)
		}
	})
}

func TestSchedulesFireAtTheirTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, stop := fresh(t)
		defer stop()
		time.Sleep(10 * time.Second) // to 00:00:10
		synctest.Wait()
		arn := *must(w.PutRule(t.Context(), &eventbridge.PutRuleInput{Name: aws.String("rate"), ScheduleExpression: aws.String("rate(2 minutes)")})).RuleArn
		w.targets(t, "rate", queue("a"))
		must(w.PutRule(t.Context(), &eventbridge.PutRuleInput{Name: aws.String("cron"), ScheduleExpression: aws.String("cron(0/5 * * * ? *)")}))
		dead := queue("a")
		dead.Arn = aws.String(deadARN)
		w.targets(t, "cron", dead)
		time.Sleep(11 * time.Minute)
		synctest.Wait()
		at := func(bodies []string) (times []string) {
			for _, b := range bodies {
				times = append(times, document(t, b)["time"].(string)[11:])
			}
			return times
		}
		if got := at(w.to(queueARN)); !reflect.DeepEqual(got, []string{"00:02:10Z", "00:04:10Z", "00:06:10Z", "00:08:10Z", "00:10:10Z"}) {
			t.Errorf("the rate fired at %v", got)
		}
		if got := at(w.to(deadARN)); !reflect.DeepEqual(got, []string{"00:05:00Z", "00:10:00Z"}) {
			t.Errorf("the cron fired at %v", got)
		}
		got := document(t, w.to(queueARN)[0])
		delete(got, "id")
		want := map[string]any{
			"version": "0", "detail-type": "Scheduled Event", "source": "aws.events", "account": "123456789012", "time": "2000-01-01T00:02:10Z",
			"region": "us-east-1", "resources": []any{arn}, "detail": map[string]any{},
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("it is sent %v", got)
		}
	})
}

func TestADisabledScheduleDoesNotFire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, stop := fresh(t)
		defer stop()
		must(w.PutRule(t.Context(), &eventbridge.PutRuleInput{Name: aws.String("r"), ScheduleExpression: aws.String("rate(1 minute)")}))
		w.targets(t, "r", queue("a"))
		time.Sleep(90 * time.Second)
		synctest.Wait()
		must(w.DisableRule(t.Context(), &eventbridge.DisableRuleInput{Name: aws.String("r")}))
		time.Sleep(time.Hour)
		synctest.Wait()
		must(w.EnableRule(t.Context(), &eventbridge.EnableRuleInput{Name: aws.String("r")}))
		time.Sleep(61 * time.Second)
		synctest.Wait()
		if got := w.to(queueARN); len(got) != 2 {
			t.Errorf("it fired %d times", len(got))
		}
	})
}

// What was due in the last minute before a start is made up for, once.
func TestRunsThatAnEarlierLifeMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := must(store.OpenSQLite(""))
		defer st.Close()
		folder := t.TempDir()
		w, stop := open(t, st, folder)
		must(w.PutRule(t.Context(), &eventbridge.PutRuleInput{Name: aws.String("r"), ScheduleExpression: aws.String("rate(1 minute)")}))
		w.targets(t, "r", queue("a"))
		time.Sleep(90 * time.Second) // it fires at 60 s
		synctest.Wait()
		stop()
		time.Sleep(10 * time.Minute) // until 11:30
		synctest.Wait()
		w, stop = open(t, st, folder)
		time.Sleep(time.Second)
		synctest.Wait()
		if got := w.to(queueARN); len(got) != 1 || document(t, got[0])["time"] != "2000-01-01T00:11:00Z" {
			t.Errorf("after a stop it fired %v", got)
		}
		stop()
		w, stop = open(t, st, folder)
		defer stop()
		time.Sleep(time.Second)
		synctest.Wait()
		if got := w.to(queueARN); len(got) != 0 {
			t.Errorf("after another it fired %v", got)
		}
	})
}

func TestAnAcknowledgedEventOutlivesAKill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := must(store.OpenSQLite(""))
		defer st.Close()
		folder, after := t.TempDir(), t.TempDir()
		w, stop := open(t, st, folder)
		w.refuse = func(string) error { return errors.New("down") }
		w.rule(t, "r", `{"source": ["s"]}`, queue("a"))
		id := w.put(t, "s", "t", "{}")
		synctest.Wait()
		if err := os.CopyFS(after, os.DirFS(folder)); err != nil { // as a kill would leave it
			t.Fatal(err)
		}
		stop()
		w, stop = open(t, st, after)
		defer stop()
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := w.to(queueARN); len(got) != 1 || document(t, got[0])["id"] != id {
			t.Errorf("it came as %v", got)
		}
	})
}

func TestAnEventOfAnotherRegionHasAnIdentifierOfItsOwn(t *testing.T) {
	const document = `{"version":"0","id":"1a2b","detail-type":"d","source":"shop","account":"123456789012","time":"2020-01-01T00:00:00Z","region":"eu-west-1","resources":[],"detail":{}}`
	for region, renamed := range map[string]bool{"us-east-1": false, "eu-west-1": true} {
		synctest.Test(t, func(t *testing.T) {
			w, stop := fresh(t)
			defer stop()
			w.rule(t, "all", `{"source": ["shop"]}`, queue("q"))
			if err := w.Receive(t.Context(), "default", deliver.Invocation{ID: "attempts", Body: []byte(document), Source: "arn:aws:events:" + region + ":123456789012:rule/r"}); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if got := w.to(queueARN); len(got) != 1 || (got[0] != document) != renamed {
				t.Errorf("from %s: %s", region, got)
			}
		})
	}
}

// The fields are those that AWS wants, which are fewer than its reference calls mandatory.
func TestTheEventOfTestEventPattern(t *testing.T) {
	w, stop := fresh(t)
	defer stop()
	const whole = `{"id": "1", "account": "1", "source": "shop", "time": "2020-01-01T00:00:00Z", "region": "r", "detail-type": "d"}`
	for event, want := range map[string]string{
		whole: "", `"a text"`: "Parameter Event is not valid.", `[` + whole + `]`: "Parameter Event is not valid.",
		strings.Replace(whole, `"id"`, `"ID"`, 1): "Parameter Event is not valid.",
	} {
		out, err := w.TestEventPattern(t.Context(), &eventbridge.TestEventPatternInput{Event: &event, EventPattern: aws.String(`{"source": ["shop"]}`)})
		if want == "" && (err != nil || !out.Result) || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %+v, %v", event, out, err)
		}
	}
}

func TestEventsGoFromBusToBusButNotInCircles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, stop := fresh(t)
		defer stop()
		must(w.CreateEventBus(t.Context(), &eventbridge.CreateEventBusInput{Name: aws.String("b")}))
		to := func(bus string) types.Target {
			return types.Target{
				Id: aws.String("bus"), Arn: aws.String("arn:aws:events:us-east-1:123456789012:event-bus/" + bus), RoleArn: aws.String("arn:aws:iam::123456789012:role/r"),
			}
		}
		w.rule(t, "there", `{"source": ["s"]}`, to("b"))
		must(w.PutRule(t.Context(), &eventbridge.PutRuleInput{Name: aws.String("back"), EventBusName: aws.String("b"), EventPattern: aws.String(`{"source": ["s"]}`)}))
		must(w.PutTargets(t.Context(), &eventbridge.PutTargetsInput{
			Rule: aws.String("back"), EventBusName: aws.String("b"), Targets: []types.Target{to("default"), queue("q")},
		}))
		id := w.put(t, "s", "t", "{}")
		time.Sleep(time.Hour)
		synctest.Wait()
		got := w.to(queueARN)
		if len(got) != 5 || document(t, got[0])["id"] != id {
			t.Errorf("ten buses make %d passes: %v", len(got), got)
		}
	})
}
