package server

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

func TestHooksOfDeploymentsAskFunctionsInTheirRole(t *testing.T) {
	s := open(t, "", knownKeysOnly)
	defer running(t, s)()
	admin := callerWith(s.URL(), testRegion, adminKey)
	createRole(t, admin, runsName, trusting("lambda.amazonaws.com", ""), document("Allow", "sqs:ListQueues", "*", ""))
	createRole(t, admin, "hooks", trusting("ecs.amazonaws.com", ""), document("Allow", "lambda:InvokeFunction", "*", ""))
	createRole(t, admin, "others", trusting("ec2.amazonaws.com", ""), document("Allow", "lambda:InvokeFunction", "*", ""))
	createRole(t, admin, "weak", trusting("ecs.amazonaws.com", ""), document("Allow", "sqs:ListQueues", "*", ""))
	createFunction(t, lambda.NewFromConfig(configOf(s.URL(), testRegion, adminKey)))

	v := s.cells.find(testAccount, testRegion)
	ask := func(role, do string) (string, error) {
		answer, err := hookFunctions{s, v}.Ask(t.Context(), v.cell.ARN("ecs", "service/prod/web"), v.cell.GlobalARN("iam", "role/"+role), v.cell.ARN("lambda", "function:f"), []byte(`{"Do": "`+do+`"}`))
		return string(answer), err
	}
	if answer, err := ask("hooks", "list queues"); err != nil || answer == "" {
		t.Errorf("it answers %q, %v", answer, err)
	}
	for role, want := range map[string]string{
		"weak":   "is not authorized to perform: lambda:InvokeFunction",
		"others": "does not trust ecs.amazonaws.com",
		"absent": "does not exist",
	} {
		if _, err := ask(role, "list queues"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("in the role %s: %v", role, err)
		}
	}
	if _, err := ask("hooks", "create a queue"); err == nil || !strings.Contains(err.Error(), "has failed (Unhandled)") && !strings.Contains(err.Error(), "has failed (Handled)") {
		t.Errorf("a function that fails: %v", err)
	}
}
