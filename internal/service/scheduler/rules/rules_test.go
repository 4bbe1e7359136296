package rules_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"pgregory.net/rapid"

	"flyball/internal/service/scheduler/rules"
)

var run = rules.Run{
	Schedule: "arn:aws:scheduler:eu-west-2:123456789012:schedule/default/orders", Account: "123456789012", Region: "eu-west-2",
	At: time.Date(2026, 11, 26, 10, 0, 0, 0, time.UTC), Since: time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC),
}

// A run that is made again after a kill has the same execution ID, and no other run has.
func TestAnExecutionIDIsOneRuns(t *testing.T) {
	later, renewed, other := run, run, run
	later.At = later.At.Add(time.Second)
	renewed.Since = renewed.Since.Add(time.Second)
	other.Schedule += "2"
	same := run
	same.At = same.At.In(time.FixedZone("", 3600))
	if same.Execution() != run.Execution() || len(run.Execution()) != 16 {
		t.Errorf("%s, %s", run.Execution(), same.Execution())
	}
	for _, r := range []rules.Run{later, renewed, other} {
		if r.Execution() == run.Execution() {
			t.Errorf("%+v has the ID of %+v", r, run)
		}
	}
}

func TestADelayIsWithinTheWindow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		arn, window := rapid.String().Draw(t, "arn"), rapid.Int32Range(0, 1440).Draw(t, "window")
		d := rules.Delay(arn, window)
		if d != rules.Delay(arn, window) || d < 0 || d > 0 && d >= time.Duration(window)*time.Minute {
			t.Errorf("delay %s in %d minutes", d, window)
		}
	})
}

// What a schedule sends to a bus is an event whose detail is the input, whatever that is.
func FuzzInput(f *testing.F) {
	for _, text := range []string{`{}`, `{"a": "<aws.scheduler.execution-id>", "<aws.scheduler.attempt-number>": 1e400}`, `{"a":"</script>\u2028","a":[{}]}`, "\xff", `[1]`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		to := &types.Target{
			Arn: aws.String("arn:aws:events:eu-west-2:123456789012:event-bus/default"), Input: &text,
			EventBridgeParameters: &types.EventBridgeParameters{Source: aws.String("shop"), DetailType: aws.String("Order")},
		}
		if rules.CheckTarget(to) != nil || text == "" {
			return
		}
		var event struct{ Detail map[string]json.RawMessage }
		sent := rules.Attempt(run.Input(rules.Bus, to), 12)
		if err := json.Unmarshal(sent, &event); err != nil || event.Detail == nil {
			t.Errorf("sent %s: %v", sent, err)
		}
	})
}

// An ARN is that of a target, or it is refused in a sentence.
func FuzzTarget(f *testing.F) {
	for _, name := range []string{"arn:aws:sqs:eu-west-2:123456789012:q", "arn:aws:scheduler:::aws-sdk:sqs:sendMessage", "arn:aws:scheduler:::aws-sdk:sqs:", "arn:::::", "arn:aws:scheduler:::aws-sdk:ecs:é"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		kind, err := rules.KindOf(name)
		if (kind == "") != (err != nil) {
			t.Errorf("%q: %q, %v", name, kind, err)
		}
		_ = rules.CheckTarget(&types.Target{Arn: &name, Input: aws.String("{}")})
	})
}
