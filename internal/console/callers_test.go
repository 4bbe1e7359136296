package console_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventstypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	schedulertypes "github.com/aws/aws-sdk-go-v2/service/scheduler/types"

	"flyball/flyballtest"
)

// Who sends events to a queue or a function is found in whatever role it has: as a target, as the queue of
// dead letters, and by the number of a version; behind as many other schedules as there are.
func TestCallersAreFoundInEachRole(t *testing.T) {
	s := flyballtest.Start(t)
	items(t, s.Config())
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	const work, dead, function = "arn:aws:sqs:us-east-1:123456789012:work", "arn:aws:sqs:us-east-1:123456789012:dead", "arn:aws:lambda:us-east-1:123456789012:function:report"
	published, err := lambda.NewFromConfig(s.Config()).PublishVersion(t.Context(), &lambda.PublishVersionInput{FunctionName: aws.String("report")})
	must(err)
	version := function + ":" + aws.ToString(published.Version)
	rules, schedules := eventbridge.NewFromConfig(s.Config()), scheduler.NewFromConfig(s.Config())
	rule := func(name, target string) {
		t.Helper()
		_, err := rules.PutRule(t.Context(), &eventbridge.PutRuleInput{Name: &name, ScheduleExpression: aws.String("rate(1 day)"), State: eventstypes.RuleStateDisabled})
		must(err)
		_, err = rules.PutTargets(t.Context(), &eventbridge.PutTargetsInput{Rule: &name, Targets: []eventstypes.Target{
			{Id: aws.String("1"), Arn: &target, DeadLetterConfig: &eventstypes.DeadLetterConfig{Arn: aws.String(dead)}},
		}})
		must(err)
	}
	schedule := func(name, target string) {
		t.Helper()
		_, err := schedules.CreateSchedule(t.Context(), &scheduler.CreateScheduleInput{
			Name: &name, ScheduleExpression: aws.String("rate(30 days)"), State: schedulertypes.ScheduleStateDisabled, FlexibleTimeWindow: &schedulertypes.FlexibleTimeWindow{Mode: schedulertypes.FlexibleTimeWindowModeOff},
			Target: &schedulertypes.Target{Arn: &target, RoleArn: aws.String("arn:aws:iam::123456789012:role/report"), DeadLetterConfig: &schedulertypes.DeadLetterConfig{Arn: aws.String(dead)}},
		})
		must(err)
	}
	rule("of-a-queue", work)
	rule("of-a-version", version)
	schedule("first", work)
	schedule("later", version)
	tags := regexp.MustCompile(`<[^>]*>`)
	found := func(path, name string) string {
		t.Helper()
		status, text := page(t, s.URL()+"/console/"+path, nil)
		if status != 200 {
			t.Fatalf("%s: %d", path, status)
		}
		_, row, _ := strings.Cut(text, `<th scope="row">`+name)
		row, _, _ = strings.Cut(row, "</tr>")
		return tags.ReplaceAllString(row, " ")
	}
	for _, c := range []struct{ path, name, as string }{
		{"queues/work", "of-a-queue", "target"}, {"queues/work", "first", "target"},
		{"queues/dead", "of-a-queue", "dead-letter queue"}, {"queues/dead", "later", "dead-letter queue"},
		{"functions/report", "of-a-version", "target"}, {"functions/report", "later", "target"},
	} {
		if row := found(c.path, c.name); !strings.Contains(row, " "+c.as+" ") {
			t.Errorf("%s: %s is %q, want it as its %s", c.path, c.name, row, c.as)
		}
	}
	if row := found("queues/work", "of-a-version"); row != "" {
		t.Errorf("a rule that does not name the queue is listed: %q", row)
	}
	for i := range 1001 {
		schedule(fmt.Sprintf("many-%d", i), version)
	}
	schedule("the-last", work) // in the order of names
	if row := found("queues/work", "the-last"); !strings.Contains(row, " target ") {
		t.Errorf("the schedule behind a thousand others is %q", row)
	}
}
