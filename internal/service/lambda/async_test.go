package lambda_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"flyball/internal/deliver"
	"flyball/internal/delivery"
	"flyball/internal/function"
)

// A sent is what reached a destination.
type sent struct {
	to string
	deliver.Invocation
}

// An events is a world in which events are delivered.
type events struct {
	*world
	mu   sync.Mutex
	sent []sent
	took []time.Duration // when the function was run
}

// openEvents opens one whose deliveries run until the test ends.
func openEvents(t *testing.T) *events {
	t.Helper()
	e := &events{world: open(t)}
	folder, err := os.MkdirTemp("", "")
	ok(t, err)
	t.Cleanup(func() { os.RemoveAll(folder) })
	q, err := delivery.Open(delivery.Options{Folder: folder, Lazy: true, Clock: e.cell.Clock, Router: &deliver.Router{}, Log: slog.New(slog.DiscardHandler)})
	ok(t, err)
	e.config.Deliveries = q
	e.config.Route = func(_ context.Context, to string, message any) error {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.sent = append(e.sent, sent{to, message.(deliver.Invocation)})
		return nil
	}
	e.restart()
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = q.Run(ctx) })
	t.Cleanup(func() { cancel(); running.Wait(); q.Close() })
	return e
}

// fails has the function fail each time.
func (e *events) fails() {
	start := time.Now()
	e.runner.answer = func(function.Function, function.Call) (function.Answer, error) {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.took = append(e.took, time.Since(start).Round(time.Second))
		return failing("no"), nil
	}
}

func (e *events) event(payload string) {
	e.t.Helper()
	out, err := e.invoke("f", payload, func(in *sdk.InvokeInput) { in.InvocationType = types.InvocationTypeEvent })
	ok(e.t, err)
	if out.StatusCode != 202 || len(out.Payload) > 0 {
		e.t.Errorf("an event was answered with %d and %q", out.StatusCode, out.Payload)
	}
}

func (e *events) configure(change func(*sdk.PutFunctionEventInvokeConfigInput)) {
	e.t.Helper()
	in := &sdk.PutFunctionEventInvokeConfigInput{FunctionName: aws.String("f")}
	change(in)
	_, err := e.PutFunctionEventInvokeConfig(e.t.Context(), in)
	ok(e.t, err)
}

const (
	failures  = "arn:aws:sqs:eu-west-2:123456789012:failures"
	successes = "arn:aws:sqs:eu-west-2:123456789012:successes"
	dead      = "arn:aws:sqs:eu-west-2:123456789012:dead"
)

func destinations(in *sdk.PutFunctionEventInvokeConfigInput) {
	in.DestinationConfig = &types.DestinationConfig{
		OnSuccess: &types.OnSuccess{Destination: aws.String(successes)}, OnFailure: &types.OnFailure{Destination: aws.String(failures)},
	}
}

func TestAnEventThatFailsIsTriedAgainAfterOneAndTwoMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := openEvents(t)
		e.create("f", func(in *sdk.CreateFunctionInput) { in.DeadLetterConfig = deadLetters(dead) })
		e.configure(destinations)
		e.fails()
		e.event(`{"a":1}`)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if want := []time.Duration{0, time.Minute, 3 * time.Minute}; !slices.Equal(e.took, want) {
			t.Errorf("it ran at %v, want %v", e.took, want)
		}
		if ids := []string{e.runner.calls[0].RequestID, e.runner.calls[2].RequestID}; ids[0] == "" || ids[0] != ids[1] {
			t.Errorf("its attempts have the IDs %v", ids)
		}
		got := map[string]sent{}
		for _, s := range e.sent {
			got[s.to] = s
		}
		if len(e.sent) != 2 {
			t.Fatalf("sent were %v", e.sent)
		}
		letter := got[dead]
		if string(letter.Body) != `{"a":1}` || letter.Attributes["ErrorMessage"] != "no" || letter.Attributes["ErrorCode"] != "200" || letter.Attributes["RequestID"] != e.runner.calls[0].RequestID || letter.Role != role {
			t.Errorf("the dead letter is %s with %v", letter.Body, letter.Attributes)
		}
		want := `{"requestContext":{"approximateInvokeCount":3,"condition":"RetriesExhausted","functionArn":"` + functionARN + `f:$LATEST","requestId":"` + e.runner.calls[0].RequestID + `"},` +
			`"requestPayload":{"a":1},"responseContext":{"executedVersion":"$LATEST","functionError":"Unhandled","statusCode":200},` +
			`"responsePayload":{"errorMessage":"no","errorType":"Error"},"version":"1.0"}`
		if got := document(t, got[failures].Body); got != want {
			t.Errorf("the failure is\n%s, want\n%s", got, want)
		}
	})
}

// document is JSON without its time, in the order of names.
func document(t *testing.T, text []byte) string {
	t.Helper()
	var all map[string]any
	ok(t, json.Unmarshal(text, &all))
	if _, err := time.Parse(time.RFC3339, all["timestamp"].(string)); err != nil {
		t.Error(err)
	}
	delete(all, "timestamp")
	sorted, err := json.Marshal(all)
	ok(t, err)
	return string(sorted)
}

func TestWhatSucceedsIsToldToItsDestination(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := openEvents(t)
		e.create("f")
		e.configure(destinations)
		e.event(`{"a":1}`)
		time.Sleep(time.Second)
		synctest.Wait()
		if len(e.sent) != 1 || e.sent[0].to != successes {
			t.Fatalf("sent were %v", e.sent)
		}
		want := `{"requestContext":{"approximateInvokeCount":1,"condition":"Success","functionArn":"` + functionARN + `f:$LATEST","requestId":"` + e.runner.calls[0].RequestID + `"},` +
			`"requestPayload":{"a":1},"responseContext":{"executedVersion":"$LATEST","statusCode":200},"responsePayload":{"a":1},"version":"1.0"}`
		if got := document(t, e.sent[0].Body); got != want {
			t.Errorf("the success is\n%s, want\n%s", got, want)
		}
	})
}

func TestEventsHaveTheRetriesAndTheAgeThatAreSet(t *testing.T) {
	for name, tt := range map[string]struct {
		age, retries int32
		attempts     int
		condition    string
	}{
		"no retries": {600, 0, 1, "RetriesExhausted"},
		"one retry":  {600, 1, 2, "RetriesExhausted"},
		"an age that ends before the first retry": {60, 2, 1, "EventAgeExceeded"},
		"an age that ends before the second":      {120, 2, 2, "EventAgeExceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := openEvents(t)
				e.create("f")
				e.configure(func(in *sdk.PutFunctionEventInvokeConfigInput) {
					destinations(in)
					in.MaximumEventAgeInSeconds, in.MaximumRetryAttempts = &tt.age, &tt.retries
				})
				e.fails()
				e.runner.answer = func(answer func(function.Function, function.Call) (function.Answer, error)) func(function.Function, function.Call) (function.Answer, error) {
					return func(fn function.Function, call function.Call) (function.Answer, error) {
						time.Sleep(time.Millisecond) // an invocation takes some time
						return answer(fn, call)
					}
				}(e.runner.answer)
				e.event("{}")
				time.Sleep(time.Hour)
				synctest.Wait()
				var got struct {
					RequestContext struct {
						Condition string
						Attempts  int `json:"approximateInvokeCount"`
					}
					ResponseContext *struct{}
				}
				if len(e.sent) != 1 {
					t.Fatalf("sent were %v", e.sent)
				}
				ok(t, json.Unmarshal(e.sent[0].Body, &got))
				if len(e.took) != tt.attempts || got.RequestContext.Condition != tt.condition || got.RequestContext.Attempts != tt.attempts || got.ResponseContext == nil {
					t.Errorf("after attempts at %v the destination was told %s", e.took, e.sent[0].Body)
				}
			})
		})
	}
}

func TestAnEventThatIsThrottledWaitsForConcurrency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := openEvents(t)
		e.create("f")
		leave := e.occupy()
		e.configure(func(in *sdk.PutFunctionEventInvokeConfigInput) {
			destinations(in)
			in.MaximumRetryAttempts = aws.Int32(0)
		})
		e.event("{}")
		time.Sleep(20 * time.Minute)
		synctest.Wait()
		if len(e.runner.calls) > 1 || len(e.sent) > 0 {
			t.Errorf("it ran %d times, and sent were %v", len(e.runner.calls), e.sent)
		}
		leave()
		time.Sleep(6 * time.Minute)
		synctest.Wait()
		if len(e.runner.calls) != 2 || len(e.sent) != 1 || e.sent[0].to != successes {
			t.Errorf("it ran %d times, and sent were %v", len(e.runner.calls), e.sent)
		}
	})
}

func TestAnEventThatIsThrottledIsGivenUpAtItsAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := openEvents(t)
		e.create("f", func(in *sdk.CreateFunctionInput) { in.DeadLetterConfig = deadLetters(dead) })
		leave := e.occupy()
		e.event("{}")
		time.Sleep(7 * time.Hour)
		leave()
		synctest.Wait()
		if len(e.runner.calls) > 1 || len(e.sent) != 1 || e.sent[0].Attributes["ErrorCode"] != "429" {
			t.Errorf("it ran %d times, and sent were %v", len(e.runner.calls), e.sent)
		}
	})
}

func TestAnEventForAFunctionThatKeepsNoConcurrencyIsGivenUpAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := openEvents(t)
		e.create("f", func(in *sdk.CreateFunctionInput) { in.DeadLetterConfig = deadLetters(dead) })
		ok(t, e.keep("f", 0))
		e.configure(destinations)
		e.event("{}")
		time.Sleep(time.Second)
		synctest.Wait()
		if len(e.runner.calls) > 0 || len(e.sent) != 2 {
			t.Fatalf("it ran %d times, and sent were %v", len(e.runner.calls), e.sent)
		}
		for _, sent := range e.sent {
			var told struct {
				RequestContext struct {
					Condition string
					Attempts  int `json:"approximateInvokeCount"`
				}
			}
			if sent.to == dead {
				if sent.Attributes["ErrorCode"] != "429" {
					t.Errorf("the dead letter has %v", sent.Attributes)
				}
			} else if ok(t, json.Unmarshal(sent.Body, &told)); told.RequestContext.Condition != "ZeroReservedConcurrency" || told.RequestContext.Attempts != 0 {
				t.Errorf("%s was told %s", sent.to, sent.Body)
			}
		}
	})
}

// occupy has the function f keep a concurrency of one, and an invocation take that until
// leave is called.
func (e *events) occupy() (leave func()) {
	e.t.Helper()
	ok(e.t, e.keep("f", 1))
	left := make(chan bool)
	e.runner.answer = func(_ function.Function, call function.Call) (function.Answer, error) {
		if string(call.Payload) == `"occupies"` {
			<-left
		}
		return function.Answer{Payload: call.Payload}, nil
	}
	go func() { _, _ = e.invoke("f", `"occupies"`) }()
	synctest.Wait()
	return func() { close(left) }
}

func TestAnEventForAFunctionThatIsGoneIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := openEvents(t)
		e.create("f")
		e.runner.answer = func(function.Function, function.Call) (function.Answer, error) {
			_, err := e.DeleteFunction(t.Context(), &sdk.DeleteFunctionInput{FunctionName: aws.String("f")})
			return function.Answer{}, errors.Join(err, errors.New("the environment ended"))
		}
		e.event("{}")
		time.Sleep(time.Hour)
		synctest.Wait()
		if len(e.runner.calls) != 1 {
			t.Errorf("it ran %d times", len(e.runner.calls))
		}
	})
}
