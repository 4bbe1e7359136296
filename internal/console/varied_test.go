package console

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/internal/awscommand"
)

// The commands name what others have answered by variables, which the shell replaces wherever they stand, whatever
// quotes other texts have.
func TestTheShellReplacesTheVariablesOfCommands(t *testing.T) {
	for _, name := range []string{"out", "it's-out"} {
		testVaried(t, "arn:aws:autoscaling:us-east-1:123456789012:scalingPolicy:1:policyName/"+name)
	}
}

func testVaried(t *testing.T, arn string) {
	t.Helper()
	text := awscommand.Format("cloudwatch", "put-metric-alarm", &cloudwatch.PutMetricAlarmInput{
		AlarmName: aws.String("it's slow"), AlarmDescription: aws.String("a 'quote' of " + arn + `, and a \'`), AlarmActions: []string{arn, arn + "2"},
		Dimensions: []cwtypes.Dimension{{Name: aws.String("Policy"), Value: aws.String(arn)}}, OKActions: []string{arn},
	})
	script := "aws() { printf '%s\n' \"$@\"; }\npolicy_out=ANSWERED\n" + varied(text, arn, "policy_out")
	out, err := exec.CommandContext(t.Context(), "sh", "-c", script).Output()
	if err != nil {
		t.Fatalf("%v: %s", err, script)
	}
	got := strings.Split(string(out), "\n")
	for _, want := range []string{"it's slow", `a 'quote' of ANSWERED, and a \'`, "ANSWERED", arn + "2", `[{"Name": "Policy", "Value": "ANSWERED"}]`} {
		if !slices.Contains(got, want) {
			t.Errorf("the shell makes no %q of\n%s\nbut\n%s", want, script, out)
		}
	}
	if strings.Contains(string(out), "$policy_out") {
		t.Errorf("variables are left: %s", out)
	}
}
