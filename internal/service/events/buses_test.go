package events_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
)

const busARN = "arn:aws:events:us-east-1:123456789012:event-bus/"

func TestTheDefaultBusIsThere(t *testing.T) {
	w, stop := fresh(t)
	defer stop()
	for _, name := range []*string{nil, aws.String("default"), aws.String(busARN + "default")} {
		got := must(w.DescribeEventBus(t.Context(), &eventbridge.DescribeEventBusInput{Name: name}))
		if *got.Name != "default" || *got.Arn != busARN+"default" {
			t.Errorf("%v is %+v", name, got)
		}
	}
	_, err := w.DeleteEventBus(t.Context(), &eventbridge.DeleteEventBusInput{Name: aws.String("default")})
	refused(t, err, "ValidationException", "Cannot delete event bus default.")
	_, err = w.CreateEventBus(t.Context(), &eventbridge.CreateEventBusInput{Name: aws.String("default")})
	refused(t, err, "ResourceAlreadyExistsException", "Event bus default already exists.")
}

func TestBusesAreListedByName(t *testing.T) {
	w, stop := fresh(t)
	defer stop()
	for _, name := range []string{"shop", "audit"} {
		must(w.CreateEventBus(t.Context(), &eventbridge.CreateEventBusInput{Name: &name}))
	}
	var names []string
	for in := (&eventbridge.ListEventBusesInput{Limit: aws.Int32(1)}); ; {
		out := must(w.ListEventBuses(t.Context(), in))
		names = append(names, *out.EventBuses[0].Name)
		if in.NextToken = out.NextToken; in.NextToken == nil {
			break
		}
	}
	if !reflect.DeepEqual(names, []string{"audit", "default", "shop"}) {
		t.Errorf("got %v", names)
	}
	if out := must(w.ListEventBuses(t.Context(), &eventbridge.ListEventBusesInput{NamePrefix: aws.String("x")})); out.EventBuses == nil || len(out.EventBuses) > 0 {
		t.Errorf("without any: %v", out.EventBuses)
	}
}

func TestABusWithRulesIsNotDeleted(t *testing.T) {
	w, stop := fresh(t)
	defer stop()
	bus, rule := aws.String("shop"), aws.String("r")
	must(w.CreateEventBus(t.Context(), &eventbridge.CreateEventBusInput{Name: bus}))
	out := must(w.PutRule(t.Context(), &eventbridge.PutRuleInput{Name: rule, EventBusName: bus, EventPattern: aws.String(`{"source": ["s"]}`)}))
	if *out.RuleArn != "arn:aws:events:us-east-1:123456789012:rule/shop/r" {
		t.Errorf("the rule is %s", *out.RuleArn)
	}
	_, err := w.DeleteEventBus(t.Context(), &eventbridge.DeleteEventBusInput{Name: bus})
	refused(t, err, "ValidationException", "Event bus shop cannot be deleted since it has rules.")
	must(w.DeleteRule(t.Context(), &eventbridge.DeleteRuleInput{Name: rule, EventBusName: bus}))
	must(w.DeleteEventBus(t.Context(), &eventbridge.DeleteEventBusInput{Name: bus}))
	must(w.DeleteEventBus(t.Context(), &eventbridge.DeleteEventBusInput{Name: bus})) // as AWS does
	_, err = w.DescribeEventBus(t.Context(), &eventbridge.DescribeEventBusInput{Name: bus})
	refused(t, err, "ResourceNotFoundException", "Event bus shop does not exist.")
}

func TestThePolicyOfABus(t *testing.T) {
	w, stop := fresh(t)
	defer stop()
	put := func(in eventbridge.PutPermissionInput) error { _, err := w.PutPermission(t.Context(), &in); return err }
	grant := func(id, principal string) eventbridge.PutPermissionInput {
		return eventbridge.PutPermissionInput{StatementId: &id, Principal: &principal, Action: aws.String("events:PutEvents")}
	}
	policy := func() string {
		return aws.ToString(must(w.DescribeEventBus(t.Context(), &eventbridge.DescribeEventBusInput{})).Policy)
	}
	for _, g := range []eventbridge.PutPermissionInput{grant("a", "111122223333"), grant("all", "*"), grant("a", "444455556666")} {
		if err := put(g); err != nil {
			t.Fatal(err)
		}
	}
	want := `{"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::444455556666:root"},"Action":"events:PutEvents","Resource":"` +
		busARN + `default"},{"Sid":"all","Effect":"Allow","Principal":"*","Action":"events:PutEvents","Resource":"` + busARN + `default"}]}`
	if got := policy(); got != want {
		t.Errorf("it is %s\nwant %s", got, want)
	}
	remove := func(in eventbridge.RemovePermissionInput) error {
		_, err := w.RemovePermission(t.Context(), &in)
		return err
	}
	refused(t, remove(eventbridge.RemovePermissionInput{StatementId: aws.String("b")}), "ResourceNotFoundException", "Statement with the provided id does not exist.")
	if err := remove(eventbridge.RemovePermissionInput{StatementId: aws.String("a")}); err != nil || strings.Contains(policy(), `"a"`) {
		t.Errorf("%v: it is %s", err, policy())
	}
	if err := remove(eventbridge.RemovePermissionInput{RemoveAllPermissions: true}); err != nil || policy() != "" {
		t.Errorf("%v: it is %s", err, policy())
	}
	whole := `{"Version": "2012-10-17", "Statement": {"Sid": "w", "Effect": "Allow", "Principal": "*", "Action": "events:PutEvents", "Resource": "*"}}`
	if err := put(eventbridge.PutPermissionInput{Policy: &whole}); err != nil || policy() != whole {
		t.Errorf("%v: it is %s", err, policy())
	}
	if err := put(grant("more", "111122223333")); err != nil || !strings.Contains(policy(), `"Sid":"more"`) || !strings.Contains(policy(), `"Sid": "w"`) && !strings.Contains(policy(), `"Sid":"w"`) {
		t.Errorf("%v: beside a statement that stands alone it is %s", err, policy())
	}
	long := fmt.Sprintf(`{"Version": "2012-10-17", "Statement": {"Sid": "%s", "Effect": "Allow", "Principal": "*", "Action": "events:PutEvents", "Resource": "*"}}`, strings.Repeat("x", 10<<10))
	refused(t, put(eventbridge.PutPermissionInput{Policy: &long}), "PolicyLengthExceededException", "The policy on the event bus cannot exceed 10240 bytes.")
	action := grant("a", "111122223333")
	action.Action = aws.String("events:PutRule")
	refused(t, put(action), "ValidationException", "Provided value in parameter 'action' is not supported.")
	refused(t, put(eventbridge.PutPermissionInput{Action: action.Action}), "ValidationException", "Parameter(s) principal, statementId must be specified.")
}

func TestTagsOfBusesAndRules(t *testing.T) {
	w, stop := fresh(t)
	defer stop()
	rule := w.rule(t, "r", `{"source": ["s"]}`)
	for _, arn := range []string{busARN + "default", rule} {
		must(w.TagResource(t.Context(), &eventbridge.TagResourceInput{ResourceARN: &arn, Tags: []types.Tag{
			{Key: aws.String("b"), Value: aws.String("2")}, {Key: aws.String("a"), Value: aws.String("1")},
		}}))
		must(w.UntagResource(t.Context(), &eventbridge.UntagResourceInput{ResourceARN: &arn, TagKeys: []string{"b"}}))
		got := must(w.ListTagsForResource(t.Context(), &eventbridge.ListTagsForResourceInput{ResourceARN: &arn})).Tags
		if len(got) != 1 || *got[0].Key != "a" || *got[0].Value != "1" {
			t.Errorf("%s has %v", arn, got)
		}
	}
	_, err := w.ListTagsForResource(t.Context(), &eventbridge.ListTagsForResourceInput{ResourceARN: aws.String(rule + "x")})
	refused(t, err, "ResourceNotFoundException", "Rule rx does not exist on EventBus default.")
	_, err = w.TagResource(t.Context(), &eventbridge.TagResourceInput{ResourceARN: &rule, Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("1")}, {Key: aws.String("a"), Value: aws.String("2")}}})
	refused(t, err, "ValidationException", "Invalid parameter: Duplicated keys are not allowed.")
}

func TestRulesByTheirTargets(t *testing.T) {
	w, stop := fresh(t)
	defer stop()
	w.rule(t, "a", `{"source": ["s"]}`, queue("q"))
	w.rule(t, "b", `{"source": ["s"]}`)
	w.rule(t, "c", `{"source": ["s"]}`, queue("q"))
	got := must(w.ListRuleNamesByTarget(t.Context(), &eventbridge.ListRuleNamesByTargetInput{TargetArn: aws.String(queueARN)})).RuleNames
	if !reflect.DeepEqual(got, []string{"a", "c"}) {
		t.Errorf("got %v", got)
	}
}

func TestADisabledRuleTakesNoEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, stop := fresh(t)
		defer stop()
		w.rule(t, "r", `{"source": ["s"]}`, queue("q"))
		must(w.DisableRule(t.Context(), &eventbridge.DisableRuleInput{Name: aws.String("r")}))
		w.put(t, "s", "t", "{}")
		must(w.EnableRule(t.Context(), &eventbridge.EnableRuleInput{Name: aws.String("r")}))
		id := w.put(t, "s", "t", "{}")
		synctest.Wait()
		if got := w.to(queueARN); len(got) != 1 || document(t, got[0])["id"] != id {
			t.Errorf("it was sent %v", got)
		}
	})
}

func TestTheRetryPolicyOfATarget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, stop := fresh(t)
		defer stop()
		attempts := 0
		w.refuse = func(to string) error {
			if to == deadARN {
				return nil
			}
			attempts++
			return fmt.Errorf("down")
		}
		target := queue("q")
		target.RetryPolicy = &types.RetryPolicy{MaximumRetryAttempts: aws.Int32(2), MaximumEventAgeInSeconds: aws.Int32(3600)}
		target.DeadLetterConfig = &types.DeadLetterConfig{Arn: aws.String(deadARN)}
		w.rule(t, "r", `{"source": ["s"]}`, target)
		w.put(t, "s", "t", "{}")
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if attempts != 3 || w.sent[deadARN][0].Attributes["EXHAUSTED_RETRY_CONDITION"] != "MaximumRetryAttempts" {
			t.Errorf("%d attempts, letters %+v", attempts, w.sent[deadARN])
		}
	})
}

// Whatever an entry holds, it is refused or makes an event that is JSON with that detail.
func FuzzPutEvents(f *testing.F) {
	f.Add("shop", "Order", `{"a": 1}`)
	f.Add("s\xff", "\u2028", `{"a": {"b": [1, 2.50, null, "\u0000"]}, "a": 2}`)
	w, stop := fresh(f)
	f.Cleanup(stop)
	w.rule(f, "all", `{"account": ["123456789012"]}`, queue("q"))
	f.Fuzz(func(t *testing.T, source, detailType, detail string) {
		out, err := w.PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{{Source: &source, DetailType: &detailType, Detail: &detail}}})
		if err != nil || out.FailedEntryCount > 0 {
			return
		}
		var v map[string]any
		if err := json.Unmarshal([]byte(detail), &v); err != nil {
			t.Errorf("%q is taken: %v", detail, err)
		}
	})
}
