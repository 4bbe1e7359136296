package console_test

import (
	"html"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"flyball/flyballtest"
)

// written are the two forms of a page of code.
var written = regexp.MustCompile(`(?s)<pre class="log" id="(commands|terraform)"[^>]*>(.*?)</pre>`)

// codeOf is what a page has as code.
func codeOf(t *testing.T, base, path string) (commands, terraform string) {
	t.Helper()
	status, text := page(t, base+"/console/"+path, nil)
	found := written.FindAllStringSubmatch(text, -1)
	if status != http.StatusOK || len(found) != 2 {
		t.Fatalf("%s: %d, with %d forms: %s", path, status, len(found), text)
	}
	return html.UnescapeString(found[0][2]), html.UnescapeString(found[1][2])
}

// Each page is written whole: what it consists of, what that names of each other, and nothing of what
// AWS makes by itself.
func TestPagesAreWrittenAsCode(t *testing.T) {
	s := flyballtest.Start(t)
	track(t, s, "shop/web", 10)
	items(t, s.Config())
	for path, wants := range map[string][]string{
		"services/shop/web/code": {
			"aws ecs create-cluster --cluster-name shop", "definition_web=$(aws ecs register-task-definition", `--task-definition "$definition_web"`, "aws ecs create-service", "aws application-autoscaling register-scalable-target",
			"aws application-autoscaling put-scaling-policy", `resource "aws_ecs_service" "web"`, "${aws_ecs_task_definition.web.family}:${aws_ecs_task_definition.web.revision}", `id = "ecs/service/shop/web/ecs:service:DesiredCount/cpu"`,
			"= aws_ecs_cluster.shop.arn",
		},
		"code/services":             {"aws ecs create-service", `resource "aws_ecs_cluster" "shop"`},
		"queues/work/code":          {"aws sqs create-queue", "--queue-name work", `resource "aws_sqs_queue" "work"`, "maxReceiveCount"},
		"code/queues":               {`resource "aws_sqs_queue" "dead"`, `resource "aws_sqs_queue" "work"`},
		"functions/report/code":     {"aws lambda create-function", "--zip-file fileb://report.zip", "create-event-source-mapping", `resource "aws_lambda_event_source_mapping" "report-work"`},
		"load-balancers/front/code": {"balancer_front=$(aws elbv2 create-load-balancer", `--load-balancer-arn "$balancer_front"`, `"TargetGroupArn": "'"$group_backs"'"`, `target_group_arn = aws_lb_target_group.backs.arn`, "path_pattern {"},
		"target-groups/backs/code":  {"aws elbv2 create-target-group", `resource "aws_lb_target_group" "backs"`},
		"code/load-balancers":       {`resource "aws_lb" "front"`},
		"code/functions":            {`resource "aws_lambda_function" "report"`},
		"code/alarms?q=script":      {"aws cloudwatch put-metric-alarm", `resource "aws_cloudwatch_metric_alarm"`},
	} {
		commands, terraform := codeOf(t, s.URL(), path)
		for _, want := range wants {
			if !strings.Contains(commands+terraform, want) {
				t.Errorf("%s does not have %s:\n%s\n%s", path, want, commands, terraform)
			}
		}
	}
	if _, text := page(t, s.URL()+"/console/code/alarms?q=TargetTracking", nil); !strings.Contains(text, "There is nothing to write") {
		t.Error("alarms that target tracking makes are written")
	}
	if status, _ := page(t, s.URL()+"/console/code/secrets", nil); status != http.StatusNotFound {
		t.Errorf("a list that there is not: %d", status)
	}
}
