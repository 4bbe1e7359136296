package scheduler_test

import (
	"context"
	"encoding/json"
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
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	sdk "github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/aws/smithy-go"

	"flyball/internal/cell"
	"flyball/internal/clock"
	"flyball/internal/deliver"
	"flyball/internal/delivery"
	"flyball/internal/service/scheduler"
	"flyball/internal/state"
	"flyball/internal/store"
	"flyball/metric"
)

const account = "123456789012"

// A world is a scheduler whose runs are seen as they are handed on.
type world struct {
	t      *testing.T
	cell   *cell.Cell
	router deliver.Router
	roles  scheduler.Roles
	stop   func()
	*scheduler.API

	mu        sync.Mutex
	owner     delivery.Owner
	fail      error // what handing on comes to, after it was done
	delivered []delivery.Delivery
	at        []time.Time
	samples   []metric.Sample
}

func (w *world) Register(_ string, o delivery.Owner) { w.owner = o }

func (w *world) Deliver(_ context.Context, all ...delivery.Delivery) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, d := range all {
		w.delivered, w.at = append(w.delivered, d), append(w.at, w.cell.Clock.Now())
	}
	return w.fail
}

func (w *world) Record(samples []metric.Sample) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.samples = append(w.samples, samples...)
}

// inWorld runs a test in fake time, from 10:00:00 on a Thursday.
func inWorld(t *testing.T, f func(*testing.T, *world)) {
	synctest.Test(t, func(t *testing.T) {
		st, err := store.OpenSQLite("")
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		w := &world{t: t, cell: &cell.Cell{
			Account: account, Region: "eu-west-2", Clock: clock.New(time.Date(2026, 11, 26, 10, 0, 0, 0, time.UTC), 1),
			State: state.New(st).Scope(cell.Scope(account, "eu-west-2")), Log: slog.New(slog.DiscardHandler),
		}}
		w.start()
		defer func() { w.stop() }()
		f(t, w)
	})
}

// start opens the service with what is stored, and runs it.
func (w *world) start() {
	w.t.Helper()
	var err error
	config := scheduler.Config{Cell: w.cell, Deliveries: w, Router: &w.router, Metrics: w}
	if w.roles != nil {
		config.Roles = func() (scheduler.Roles, error) { return w.roles, nil }
	}
	if w.API, err = scheduler.New(config); err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = w.API.Run(ctx) }()
	w.stop = func() { cancel(); <-ended }
}

const queue = "arn:aws:sqs:eu-west-2:" + account + ":orders"

func target(to string) *types.Target {
	return &types.Target{Arn: aws.String(to), RoleArn: aws.String("arn:aws:iam::" + account + ":role/schedules")}
}

// schedule is a schedule of a queue, which a test changes.
func scheduleOf(expression string, changes ...func(*sdk.CreateScheduleInput)) *sdk.CreateScheduleInput {
	in := &sdk.CreateScheduleInput{
		Name: aws.String("orders"), ScheduleExpression: &expression, Target: target(queue),
		FlexibleTimeWindow: &types.FlexibleTimeWindow{Mode: types.FlexibleTimeWindowModeOff},
	}
	for _, change := range changes {
		change(in)
	}
	return in
}

func (w *world) create(in *sdk.CreateScheduleInput) {
	w.t.Helper()
	if _, err := w.CreateSchedule(w.t.Context(), in); err != nil {
		w.t.Fatal(err)
	}
}

// times are when runs were handed on, as 10:05:00.
func (w *world) times() string {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	all := make([]string, len(w.at))
	for i, t := range w.at {
		all[i] = t.Format(time.TimeOnly)
	}
	w.at = nil
	return strings.Join(all, " ")
}

// sent are the runs that were handed on.
func (w *world) sent() []delivery.Delivery {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.delivered)
}

func (w *world) exists() bool {
	_, err := w.GetSchedule(w.t.Context(), &sdk.GetScheduleInput{Name: aws.String("orders")})
	return err == nil
}

func day(hour, minute int) *time.Time {
	return aws.Time(time.Date(2026, 11, 26, hour, minute, 0, 0, time.UTC))
}

func TestSchedulesRunWhenTheyAreDue(t *testing.T) {
	flexible := func(minutes int32) func(*sdk.CreateScheduleInput) {
		return func(in *sdk.CreateScheduleInput) {
			in.FlexibleTimeWindow = &types.FlexibleTimeWindow{Mode: types.FlexibleTimeWindowModeFlexible, MaximumWindowInMinutes: &minutes}
		}
	}
	zone := func(name string) func(*sdk.CreateScheduleInput) {
		return func(in *sdk.CreateScheduleInput) { in.ScheduleExpressionTimezone = &name }
	}
	between := func(start, end *time.Time) func(*sdk.CreateScheduleInput) {
		return func(in *sdk.CreateScheduleInput) { in.StartDate, in.EndDate = start, end }
	}
	deleted := func(in *sdk.CreateScheduleInput) { in.ActionAfterCompletion = types.ActionAfterCompletionDelete }
	disabled := func(in *sdk.CreateScheduleInput) { in.State = types.ScheduleStateDisabled }
	for _, tt := range []struct {
		name, expression string
		with             []func(*sdk.CreateScheduleInput)
		want             string // in the 20 minutes from 10:00
		gone             bool
	}{
		{"a rate begins at once", "rate(5 minutes)", nil, "10:00:00 10:05:00 10:10:00 10:15:00 10:20:00", false},
		{"a rate counts from its start date", "rate(5 minutes)", list(between(day(10, 3), nil)), "10:03:00 10:08:00 10:13:00 10:18:00", false},
		{"a rate whose start date is past goes on from it", "rate(10 minutes)", list(between(day(9, 57), nil)), "10:07:00 10:17:00", false},
		{"no run is after the end date", "rate(5 minutes)", list(between(nil, day(10, 10))), "10:00:00 10:05:00 10:10:00", false},
		{"what has had its last run is deleted", "rate(5 minutes)", list(between(nil, day(10, 10)), deleted), "10:00:00 10:05:00 10:10:00", true},
		{"cron", "cron(1/7 * * * ? *)", nil, "10:01:00 10:08:00 10:15:00", false},
		{"cron in a zone", "cron(5 5 * * ? *)", list(zone("America/New_York")), "10:05:00", false},
		{"cron between dates", "cron(* * * * ? *)", list(between(day(10, 3), day(10, 5))), "10:03:00 10:04:00 10:05:00", false},
		{"once", "at(2026-11-26T10:02:30)", nil, "10:02:30", false},
		{"once in a zone, then deleted", "at(2026-11-26T11:02:00)", list(zone("Europe/Paris"), deleted), "10:02:00", true},
		{"dates do not matter to what is once", "at(2026-11-26T10:02:00)", list(between(day(10, 5), day(10, 1))), "10:02:00", false},
		{"once, in the minute that is not over", "at(2026-11-26T09:59:30)", nil, "10:00:00", false},
		{"once, in the past", "at(2026-11-26T09:58:00)", nil, "", false},
		{"an end date in the past", "rate(1 minutes)", list(between(nil, day(9, 0))), "", false},
		{"disabled", "rate(1 minutes)", list(disabled), "", false},
		{"a flexible window moves all runs alike", "rate(5 minutes)", list(flexible(4)), "10:03:06 10:08:06 10:13:06 10:18:06", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.create(scheduleOf(tt.expression, tt.with...))
				time.Sleep(20*time.Minute + time.Second)
				if got := w.times(); got != tt.want {
					t.Errorf("ran at %s, want %s", got, tt.want)
				}
				if w.exists() == tt.gone {
					t.Errorf("exists: %v", !tt.gone)
				}
			})
		})
	}
}

func list[T any](all ...T) []T { return all }

func TestARunSendsWhatItsTargetWants(t *testing.T) {
	group := "arn:aws:scheduler:eu-west-2:" + account + ":schedule-group/default"
	inWorld(t, func(t *testing.T, w *world) {
		var got deliver.Invocation
		w.router.Handle("sqs", func(_ context.Context, _ arn.ARN, message any) error {
			got = message.(deliver.Invocation)
			return nil
		})
		w.create(scheduleOf("at(2026-11-26T10:02:00)", func(in *sdk.CreateScheduleInput) {
			in.Target.Input = aws.String(`<aws.scheduler.schedule-arn> <aws.scheduler.scheduled-time> <aws.scheduler.execution-id> #<aws.scheduler.attempt-number>`)
			in.Target.DeadLetterConfig = &types.DeadLetterConfig{Arn: aws.String(queue + "-dead")}
			in.Target.RetryPolicy = &types.RetryPolicy{MaximumRetryAttempts: aws.Int32(0), MaximumEventAgeInSeconds: aws.Int32(60)}
		}))
		time.Sleep(3 * time.Minute)
		d := w.sent()[0]
		execution := d.Attributes["EXECUTION_ID"]
		if len(execution) != 16 || d.Retry.MaxAge != time.Minute || d.Retry.Retries != 0 || d.DeadLetter != queue+"-dead" || d.LetterRole != *target("").RoleArn {
			t.Errorf("delivered %+v", d)
		}
		if d.Invocation.Source != group || d.Invocation.Principal != "scheduler.amazonaws.com" || d.Invocation.Role != *target("").RoleArn {
			t.Errorf("delivered %+v", d.Invocation)
		}
		d.Invocation.Attempt = 3
		if err := w.owner.Take(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		want := "arn:aws:scheduler:eu-west-2:" + account + ":schedule/default/orders 2026-11-26T10:02:00Z " + execution + " #3"
		if string(got.Body) != want {
			t.Errorf("sent %s, want %s", got.Body, want)
		}
	})
}

func TestEventsOfSchedules(t *testing.T) {
	for _, tt := range []struct {
		name string
		to   *types.Target
		want string // of the event; its id is left out
	}{
		{
			"nothing given is a notification", target(queue),
			`{"version":"0","detail-type":"Scheduled Event","source":"aws.scheduler","account":"123456789012","time":"2026-11-26T10:02:00Z","region":"eu-west-2","resources":["arn:aws:scheduler:eu-west-2:123456789012:schedule/default/orders"],"detail":"{}"}`,
		},
		{
			"a bus gets an event", &types.Target{
				Arn: aws.String("arn:aws:events:eu-west-2:" + account + ":event-bus/shop"), RoleArn: target("").RoleArn, Input: aws.String(`{"at": "<aws.scheduler.scheduled-time>", "n": 1e2}`),
				EventBridgeParameters: &types.EventBridgeParameters{DetailType: aws.String("Order <due>"), Source: aws.String("shop")},
			},
			`{"version":"0","detail-type":"Order <due>","source":"shop","account":"123456789012","time":"2026-11-26T10:02:00Z","region":"eu-west-2","resources":["arn:aws:scheduler:eu-west-2:123456789012:schedule/default/orders"],"detail":{"at":"2026-11-26T10:02:00Z","n":1e2}}`,
		},
	} {
		inWorld(t, func(t *testing.T, w *world) {
			w.create(scheduleOf("at(2026-11-26T10:02:00)", func(in *sdk.CreateScheduleInput) { in.Target = tt.to }))
			time.Sleep(3 * time.Minute)
			body := string(w.sent()[0].Invocation.Body)
			before, rest, _ := strings.Cut(body, `"id":"`)
			if got := before + rest[38:]; got != tt.want || !json.Valid([]byte(body)) {
				t.Errorf("%s: got  %s\nwant %s", tt.name, got, tt.want)
			}
		})
	}
}

func TestRunsGoOnAfterARestart(t *testing.T) {
	for _, tt := range []struct {
		name, expression string
		with             []func(*sdk.CreateScheduleInput)
		stopped          time.Duration // from 10:06
		want             string        // until 20 minutes after the restart
	}{
		{"nothing was missed", "rate(5 minutes)", nil, time.Minute, "10:10:00 10:15:00 10:20:00 10:25:00"},
		{"of those that were missed the last is made", "rate(5 minutes)", nil, 12 * time.Minute, "10:18:00 10:20:00 10:25:00 10:30:00 10:35:00"},
		{"what was to be once is made late", "at(2026-11-26T10:07:00)", nil, 5 * time.Minute, "10:11:00"},
		{
			"but not when it is too old", "at(2026-11-26T10:07:00)",
			list(func(in *sdk.CreateScheduleInput) {
				in.Target.RetryPolicy = &types.RetryPolicy{MaximumEventAgeInSeconds: aws.Int32(60)}
			}), 5 * time.Minute, "",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.create(scheduleOf(tt.expression, tt.with...))
				time.Sleep(6 * time.Minute)
				w.times()
				w.stop()
				time.Sleep(tt.stopped)
				w.start()
				time.Sleep(19*time.Minute + time.Second)
				if got := w.times(); got != tt.want {
					t.Errorf("ran at %s, want %s", got, tt.want)
				}
			})
		})
	}
}

// What was handed on and not noted is made again, with the same IDs.
func TestARunThatIsMadeAgainHasTheSameIDs(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.mu.Lock()
		w.fail = errors.New("the server was killed")
		w.mu.Unlock()
		w.create(scheduleOf("rate(1 minutes)"))
		time.Sleep(100 * time.Millisecond)
		w.mu.Lock()
		w.fail = nil
		w.mu.Unlock()
		time.Sleep(time.Minute)
		sent := w.sent()
		if n := len(sent); n != 3 {
			t.Fatalf("%d runs", n)
		}
		first, again, next := sent[0], sent[1], sent[2]
		if first.Invocation.ID == "" || first.Invocation.ID != again.Invocation.ID || !maps.Equal(first.Attributes, again.Attributes) {
			t.Errorf("%+v, and again %+v", first, again)
		}
		if first.Invocation.ID == next.Invocation.ID || first.Attributes["EXECUTION_ID"] == next.Attributes["EXECUTION_ID"] {
			t.Errorf("the next run is %+v", next)
		}
		if first.Attributes["SCHEDULED_TIME"] != "2026-11-26T10:00:00Z" {
			t.Errorf("the first was to be at %s", first.Attributes["SCHEDULED_TIME"])
		}
	})
}

func TestUpdatesReplaceEverything(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create(scheduleOf("rate(5 minutes)", func(in *sdk.CreateScheduleInput) {
			in.Description, in.Target.Input = aws.String("orders"), aws.String("a")
		}))
		time.Sleep(2 * time.Minute)
		w.times()
		update := (*sdk.UpdateScheduleInput)(scheduleOf("rate(5 minutes)"))
		if _, err := w.UpdateSchedule(t.Context(), update); err != nil {
			t.Fatal(err)
		}
		got, err := w.GetSchedule(t.Context(), &sdk.GetScheduleInput{Name: aws.String("orders")})
		if err != nil || got.Description != nil || got.Target.Input != nil || !got.LastModificationDate.After(*got.CreationDate) {
			t.Errorf("got %+v, %v", got, err)
		}
		if got.State != types.ScheduleStateEnabled || *got.ScheduleExpressionTimezone != "UTC" || got.ActionAfterCompletion != types.ActionAfterCompletionNone ||
			*got.Target.RetryPolicy.MaximumEventAgeInSeconds != 86400 || *got.Target.RetryPolicy.MaximumRetryAttempts != 185 {
			t.Errorf("got %+v", got)
		}
		time.Sleep(3 * time.Minute)
		if got := w.times(); got != "10:05:00" {
			t.Errorf("runs go on at %s", got)
		}
		update.State = types.ScheduleStateDisabled
		for _, state := range []types.ScheduleState{types.ScheduleStateDisabled, types.ScheduleStateEnabled} {
			update.State = state
			if _, err := w.UpdateSchedule(t.Context(), update); err != nil {
				t.Fatal(err)
			}
			time.Sleep(7 * time.Minute)
		}
		if got := w.times(); got != "10:12:00 10:17:00" {
			t.Errorf("what is enabled begins anew: %s", got)
		}
	})
}

func TestACallThatIsMadeAgainAnswersAsTheFirst(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		token := func(token string) func(*sdk.CreateScheduleInput) {
			return func(in *sdk.CreateScheduleInput) { in.ClientToken = &token }
		}
		w.create(scheduleOf("rate(5 minutes)", token("a")))
		time.Sleep(time.Second)
		w.create(scheduleOf("rate(5 minutes)", token("a")))
		for _, in := range []*sdk.CreateScheduleInput{scheduleOf("rate(5 minutes)", token("b")), scheduleOf("rate(6 minutes)", token("a")), scheduleOf("rate(5 minutes)")} {
			_, err := w.CreateSchedule(t.Context(), in)
			refused(t, err, "ConflictException", "Schedule orders already exists.")
		}
		if got := w.times(); got != "10:00:00" {
			t.Errorf("ran at %s", got)
		}
	})
}

func refused(t *testing.T, err error, code, message string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != code || api.ErrorMessage() != message {
		t.Errorf("got %v, want %s: %s", err, code, message)
	}
}

func TestWhatCannotBeAScheduleIsRefused(t *testing.T) {
	const invalid = "ValidationException"
	bus := "arn:aws:events:eu-west-2:" + account + ":event-bus/default"
	for _, tt := range []struct {
		name          string
		change        func(*sdk.CreateScheduleInput)
		code, message string
	}{
		{"no expression", func(in *sdk.CreateScheduleInput) { in.ScheduleExpression = aws.String("often") }, invalid, "Invalid Schedule Expression often."},
		{"seconds", func(in *sdk.CreateScheduleInput) { in.ScheduleExpression = aws.String("cron(0 0 10 * * ? *)") }, invalid, "Invalid Schedule Expression cron(0 0 10 * * ? *)."},
		{"no zone", func(in *sdk.CreateScheduleInput) { in.ScheduleExpressionTimezone = aws.String("Mars/North") }, invalid, "Invalid Schedule Expression Timezone Mars/North."},
		{"no group", func(in *sdk.CreateScheduleInput) { in.GroupName = aws.String("shop") }, "ResourceNotFoundException", "Schedule group shop does not exist."},
		{"an old start", func(in *sdk.CreateScheduleInput) { in.StartDate = day(9, 54) }, invalid, "The StartDate you specify cannot be earlier than 5 minutes ago."},
		{"an end before the start", func(in *sdk.CreateScheduleInput) { in.StartDate, in.EndDate = day(11, 0), day(10, 0) }, invalid, "The StartDate you specify must come before the EndDate."},
		{"a window without its length", func(in *sdk.CreateScheduleInput) { in.FlexibleTimeWindow.Mode = "FLEXIBLE" }, invalid, "MaximumWindowInMinutes must be provided when FlexibleTimeWindowMode is set to FLEXIBLE."},
		{"a length without a window", func(in *sdk.CreateScheduleInput) { in.FlexibleTimeWindow.MaximumWindowInMinutes = aws.Int32(5) }, invalid, "MaximumWindowInMinutes cannot be given when the Mode of FlexibleTimeWindow is OFF."},
		{"a target that is no ARN", func(in *sdk.CreateScheduleInput) { in.Target = target("orders") }, invalid, "Provided Arn is not in correct format."},
		{"a target of another service", func(in *sdk.CreateScheduleInput) {
			in.Target = target("arn:aws:sns:eu-west-2:" + account + ":topic")
		}, invalid, "Targets of Amazon SNS are not available in Flyball."},
		{"a target in another region", func(in *sdk.CreateScheduleInput) {
			in.Target = target("arn:aws:lambda:ap-south-1:" + account + ":function:f")
		}, invalid, "The target ARN provided does not match the current region eu-west-2."},
		{"parameters of another target", func(in *sdk.CreateScheduleInput) { in.Target.EcsParameters = &types.EcsParameters{} }, invalid, "Parameters EcsParameters not supported for the target."},
		{"tasks without parameters", func(in *sdk.CreateScheduleInput) {
			in.Target = target("arn:aws:ecs:eu-west-2:" + account + ":cluster/shop")
		}, invalid, "Parameters EcsParameters must be specified for the target."},
		{"a bus without parameters", func(in *sdk.CreateScheduleInput) { in.Target = target(bus) }, invalid, "Parameters EventBridgeParameters must be specified for the target."},
		{"a bus with a text", func(in *sdk.CreateScheduleInput) {
			in.Target = target(bus)
			in.Target.EventBridgeParameters, in.Target.Input = &types.EventBridgeParameters{}, aws.String("text")
		}, invalid, "JSON syntax error in input for the target."},
		{"a function with a text", func(in *sdk.CreateScheduleInput) {
			in.Target = target("arn:aws:lambda:eu-west-2:" + account + ":function:f")
			in.Target.Input = aws.String("text")
		}, invalid, "JSON syntax error in input for the target."},
		{"a FIFO queue without a group", func(in *sdk.CreateScheduleInput) { in.Target = target(queue + ".fifo") }, invalid, "Parameters SqsParameters must be specified for the target."},
		{"a standard queue with a group", func(in *sdk.CreateScheduleInput) {
			in.Target = target(queue)
			in.Target.SqsParameters = &types.SqsParameters{MessageGroupId: aws.String("g")}
		}, invalid, "Parameters MessageGroupId not valid for the target."},
		{"a Fargate task without subnets", func(in *sdk.CreateScheduleInput) {
			in.Target = target("arn:aws:ecs:us-east-1:123456789012:cluster/c")
			in.Target.EcsParameters = &types.EcsParameters{TaskDefinitionArn: aws.String("arn:aws:ecs:us-east-1:123456789012:task-definition/d"), LaunchType: types.LaunchTypeFargate}
		}, invalid, "Parameter NetworkConfiguration must be specified for the target when launch type is FARGATE."},
		{"a universal target in a region", func(in *sdk.CreateScheduleInput) {
			in.Target = target("arn:aws:scheduler:us-east-1:123456789012:aws-sdk:sqs:sendMessage")
		},
			invalid, "scheduler is not a supported service for a target."},
		{"a universal target without input", func(in *sdk.CreateScheduleInput) { in.Target = target("arn:aws:scheduler:::aws-sdk:sqs:sendMessage") },
			invalid, "You must provide an input to set this target for your schedule."},
		{"an action that reads", func(in *sdk.CreateScheduleInput) {
			in.Target = target("arn:aws:scheduler:::aws-sdk:sqs:getQueueUrl")
		}, invalid, "getQueueUrl API is not supported."},
		{"an action of another service", func(in *sdk.CreateScheduleInput) {
			in.Target = target("arn:aws:scheduler:::aws-sdk:sns:publish")
		}, invalid, "The service sns is not available in Flyball."},
		{"an action with a list for an input", func(in *sdk.CreateScheduleInput) {
			in.Target = target("arn:aws:scheduler:::aws-sdk:sqs:sendMessage")
			in.Target.Input = aws.String("[]")
		}, invalid, "Input of a universal target must be a well-formed JSON object."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				_, err := w.CreateSchedule(t.Context(), scheduleOf("rate(1 minutes)", tt.change))
				refused(t, err, tt.code, tt.message)
				if w.exists() {
					t.Error("it is there")
				}
			})
		})
	}
}

// roles are those that the service may take, by group.
type roles map[string]string

func (r roles) Trusts(_ context.Context, role, group string) (bool, error) {
	return r[role] == group, nil
}

func TestTheRoleHasToTrustTheService(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.stop()
		trusting := roles{}
		w.roles = trusting
		w.start()
		in := scheduleOf("rate(1 minutes)")
		_, err := w.CreateSchedule(t.Context(), in)
		refused(t, err, "ValidationException", "The execution role you provide must allow AWS EventBridge Scheduler to assume the role.")
		trusting[*in.Target.RoleArn] = "arn:aws:scheduler:eu-west-2:" + account + ":schedule-group/default"
		w.create(in)
		delete(trusting, *in.Target.RoleArn)
		_, err = w.UpdateSchedule(t.Context(), (*sdk.UpdateScheduleInput)(in))
		refused(t, err, "ValidationException", "The execution role you provide must allow AWS EventBridge Scheduler to assume the role.")
	})
}

func TestGroups(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		if _, err := w.CreateScheduleGroup(ctx, &sdk.CreateScheduleGroupInput{Name: aws.String("shop"), Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("a")}}}); err != nil {
			t.Fatal(err)
		}
		_, err := w.CreateScheduleGroup(ctx, &sdk.CreateScheduleGroupInput{Name: aws.String("default")})
		refused(t, err, "ValidationException", "This operation cannot be performed on schedule group default.")
		w.create(scheduleOf("rate(1 minutes)", func(in *sdk.CreateScheduleInput) { in.GroupName = aws.String("shop") }))
		w.create(scheduleOf("rate(1 minutes)", func(in *sdk.CreateScheduleInput) { in.Name = aws.String("kept") }))
		out, err := w.ListScheduleGroups(ctx, &sdk.ListScheduleGroupsInput{})
		if err != nil || len(out.ScheduleGroups) != 2 || *out.ScheduleGroups[0].Name != "default" || *out.ScheduleGroups[1].Name != "shop" {
			t.Errorf("groups %+v, %v", out, err)
		}
		if _, err := w.DeleteScheduleGroup(ctx, &sdk.DeleteScheduleGroupInput{Name: aws.String("shop")}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		w.times()
		time.Sleep(time.Minute)
		if got := w.times(); got != "10:01:00" {
			t.Errorf("ran at %s", got)
		}
		_, err = w.ListSchedules(ctx, &sdk.ListSchedulesInput{GroupName: aws.String("shop")})
		refused(t, err, "ResourceNotFoundException", "Schedule group shop does not exist.")
		_, err = w.DeleteScheduleGroup(ctx, &sdk.DeleteScheduleGroupInput{Name: aws.String("default")})
		refused(t, err, "ValidationException", "This operation cannot be performed on schedule group default.")
	})
}

func TestOnlyGroupsHaveTags(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		group := aws.String("arn:aws:scheduler:eu-west-2:" + account + ":schedule-group/default")
		if _, err := w.TagResource(ctx, &sdk.TagResourceInput{ResourceArn: group, Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("1")}, {Key: aws.String("b"), Value: aws.String("")}}}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.UntagResource(ctx, &sdk.UntagResourceInput{ResourceArn: group, TagKeys: []string{"a"}}); err != nil {
			t.Fatal(err)
		}
		out, err := w.ListTagsForResource(ctx, &sdk.ListTagsForResourceInput{ResourceArn: group})
		if err != nil || len(out.Tags) != 1 || *out.Tags[0].Key != "b" {
			t.Errorf("tags %+v, %v", out, err)
		}
		w.create(scheduleOf("rate(1 minutes)"))
		schedule := aws.String("arn:aws:scheduler:eu-west-2:" + account + ":schedule/default/orders")
		_, err = w.TagResource(ctx, &sdk.TagResourceInput{ResourceArn: schedule, Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("1")}}})
		refused(t, err, "ResourceNotFoundException", "Resource "+*schedule+" does not exist.")
	})
}

func TestSchedulesAreListedInPages(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		for _, group := range []string{"a", "b"} {
			if _, err := w.CreateScheduleGroup(ctx, &sdk.CreateScheduleGroupInput{Name: &group}); err != nil {
				t.Fatal(err)
			}
			for i := range 5 {
				w.create(scheduleOf("cron(0 0 1 1 ? *)", func(in *sdk.CreateScheduleInput) {
					in.Name, in.GroupName = aws.String(fmt.Sprintf("%s-%d", strings.Repeat("x", i%2), i)), &group
					if i == 4 {
						in.State = types.ScheduleStateDisabled
					}
				}))
			}
		}
		for _, tt := range []struct {
			in   sdk.ListSchedulesInput
			want string
		}{
			{sdk.ListSchedulesInput{}, "a/-0 a/-2 a/-4 a/x-1 a/x-3 b/-0 b/-2 b/-4 b/x-1 b/x-3"},
			{sdk.ListSchedulesInput{GroupName: aws.String("b")}, "b/-0 b/-2 b/-4 b/x-1 b/x-3"},
			{sdk.ListSchedulesInput{NamePrefix: aws.String("x")}, "a/x-1 a/x-3 b/x-1 b/x-3"},
			{sdk.ListSchedulesInput{NamePrefix: aws.String("x"), GroupName: aws.String("a")}, "a/x-1 a/x-3"},
			{sdk.ListSchedulesInput{State: types.ScheduleStateDisabled}, "a/-4 b/-4"},
		} {
			for _, limit := range []int32{1, 2, 3, 100} {
				tt.in.MaxResults = &limit
				var got []string
				pages := sdk.NewListSchedulesPaginator(w, &tt.in)
				for pages.HasMorePages() {
					out, err := pages.NextPage(ctx)
					if err != nil || len(out.Schedules) > int(limit) {
						t.Fatal(out, err)
					}
					for _, s := range out.Schedules {
						got = append(got, *s.GroupName+"/"+*s.Name)
					}
				}
				if strings.Join(got, " ") != tt.want {
					t.Errorf("%+v: got %v, want %s", tt.in, got, tt.want)
				}
			}
		}
		_, err := w.ListSchedules(ctx, &sdk.ListSchedulesInput{NextToken: aws.String("none")})
		refused(t, err, "ValidationException", "Invalid NextToken.")
	})
}

func TestWhatRunsComeToIsCounted(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		report := func(outcome delivery.Outcome, err error) {
			w.owner.Done(t.Context(), delivery.Report{Delivery: delivery.Delivery{Note: []byte("shop")}, Outcome: outcome, Err: err})
		}
		report(delivery.Taken, nil)
		report(delivery.Retried, errors.New("no"))
		report(delivery.Retried, &deliver.Busy{Err: errors.New("later")})
		report(delivery.Exhausted, errors.New("no"))
		report(delivery.Buried, nil)
		report(delivery.Refused, errors.New("no"))
		report(delivery.Lost, errors.New("no"))
		time.Sleep(time.Minute)
		synctest.Wait()
		got := map[string]float64{}
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, s := range w.samples {
			group := ""
			for _, d := range s.Metric.Dimensions {
				group = d.Value
			}
			got[s.Metric.Name+" "+group] = s.Set.Sum
		}
		for name, n := range map[string]float64{
			"InvocationAttemptCount": 5, "TargetErrorCount": 4, "TargetErrorThrottledCount": 1, "InvocationDroppedCount": 2,
			"InvocationsSentToDeadLetterCount": 1, "InvocationsFailedToBeSentToDeadLetterCount": 1,
		} {
			for _, group := range []string{"shop", ""} {
				if got[name+" "+group] != n {
					t.Errorf("%s %s: %v, want %v", name, group, got[name+" "+group], n)
				}
			}
		}
	})
}
