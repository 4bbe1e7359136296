package server

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	local "flyball/internal/service/autoscaling"
	localcloudwatch "flyball/internal/service/cloudwatch"
	localec2 "flyball/internal/service/ec2"
	localecr "flyball/internal/service/ecr"
	localecs "flyball/internal/service/ecs"
	localelb "flyball/internal/service/elb"
	localevents "flyball/internal/service/events"
	localiam "flyball/internal/service/iam"
	locallambda "flyball/internal/service/lambda"
	locallogs "flyball/internal/service/logs"
	localscheduler "flyball/internal/service/scheduler"
	localsqs "flyball/internal/service/sqs"
	localsts "flyball/internal/service/sts"
)

var name = regexp.MustCompile(`\b[A-Z][A-Za-z]+\b`)

// The lists in docs/compatibility.md name each operation of the SDK's clients
// once, and say Missing of those and only those that are not served, or of every
// other operation.
func TestTheCompatibilityListsAreTrue(t *testing.T) {
	text, err := os.ReadFile("../../docs/compatibility.md")
	if err != nil {
		t.Fatal(err)
	}
	for title, service := range map[string]struct{ client, api any }{
		"Application Auto Scaling": {&applicationautoscaling.Client{}, &local.API{}},
		"CloudWatch":               {&cloudwatch.Client{}, &localcloudwatch.API{}},
		"CloudWatch Logs":          {&cloudwatchlogs.Client{}, &locallogs.API{}},
		"EC2":                      {&ec2.Client{}, &localec2.API{}},
		"ECR":                      {&ecr.Client{}, &localecr.API{}},
		"ECS":                      {&ecs.Client{}, &localecs.API{}},
		"Elastic Load Balancing":   {&elasticloadbalancingv2.Client{}, &localelb.API{}},
		"EventBridge":              {&eventbridge.Client{}, &localevents.API{}},
		"IAM":                      {&iam.Client{}, &localiam.API{}},
		"Lambda":                   {&lambda.Client{}, &locallambda.API{}},
		"EventBridge Scheduler":    {&scheduler.Client{}, &localscheduler.API{}},
		"SQS":                      {&sqs.Client{}, &localsqs.API{}},
		"STS":                      {&sts.Client{}, &localsts.API{}},
	} {
		t.Run(title, func(t *testing.T) {
			_, section, _ := strings.Cut(string(text), "### "+title+"\n")
			section, _, _ = strings.Cut(section, "\n## ")
			section, _, _ = strings.Cut(section, "\n### ")
			served, missing, ok := strings.Cut(section, "Missing:")
			if !ok {
				t.Fatal("no list of what is missing")
			}
			listed := map[string]int{}
			client, api := reflect.TypeOf(service.client), reflect.TypeOf(service.api)
			count := func(text string, want bool) {
				for _, op := range name.FindAllString(text, -1) {
					if _, known := client.MethodByName(op); !known {
						continue
					}
					listed[op]++
					if _, is := api.MethodByName(op); is != want {
						t.Errorf("%s: served is %t, the list says %t", op, is, want)
					}
				}
			}
			for line := range strings.Lines(served) {
				if row, ok := strings.CutPrefix(line, "| "); ok {
					line, _, _ = strings.Cut(row, " |") // what comes after is prose
				}
				count(line, true)
			}
			count(missing, false)
			others := strings.HasPrefix(missing, " every other operation.")
			for i := range client.NumMethod() {
				op, want := client.Method(i).Name, 1
				if _, is := api.MethodByName(op); op == "Options" || others && !is {
					want = 0
				}
				if listed[op] != want {
					t.Errorf("%s is listed %d times", op, listed[op])
				}
			}
		})
	}
}
