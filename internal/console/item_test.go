package console_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventstypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	schedulertypes "github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"flyball/flyballtest"
)

// hostile is a text that would run, if a page took it for more than one.
const hostile = `<script>window.attacked=1</script>"'><img src=x onerror=window.attacked=1>`

// itemPages are the pages of the things that items makes.
var itemPages = map[string]string{
	"queue": "/console/queues/work?range=3h", "dead-letters": "/console/queues/dead", "function": "/console/functions/report",
	"balancer": "/console/load-balancers/front", "group": "/console/target-groups/backs",
}

// items makes a queue with its dead letters, a function that polls it, and a load balancer with a
// target group. Their descriptions, tags and alarms have hostile names.
func items(t *testing.T, cfg aws.Config) {
	t.Helper()
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	queues := sqs.NewFromConfig(cfg)
	_, err := queues.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("dead")})
	must(err)
	redrive := `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:123456789012:dead","maxReceiveCount":3}`
	_, err = queues.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("work"), Attributes: map[string]string{"RedrivePolicy": redrive}, Tags: map[string]string{"note": hostile}})
	must(err)
	_, err = cloudwatch.NewFromConfig(cfg).PutMetricAlarm(ctx, &cloudwatch.PutMetricAlarmInput{
		AlarmName: aws.String(hostile), AlarmDescription: aws.String(hostile), Namespace: aws.String("AWS/SQS"), MetricName: aws.String("ApproximateNumberOfMessagesVisible"), Statistic: cwtypes.StatisticMaximum,
		Dimensions: []cwtypes.Dimension{{Name: aws.String("QueueName"), Value: aws.String("work")}}, Period: aws.Int32(60), EvaluationPeriods: aws.Int32(1), Threshold: aws.Float64(5),
		ComparisonOperator: cwtypes.ComparisonOperatorGreaterThanThreshold,
	})
	must(err)
	functions := lambda.NewFromConfig(cfg)
	_, err = functions.CreateFunction(ctx, &lambda.CreateFunctionInput{
		FunctionName: aws.String("report"), Runtime: lambdatypes.RuntimeProvidedal2023, Handler: aws.String("bootstrap"), Code: &lambdatypes.FunctionCode{ZipFile: program(t)}, Role: aws.String("arn:aws:iam::123456789012:role/report"),
		Description: aws.String(hostile), Tags: map[string]string{"note": hostile}, Environment: &lambdatypes.Environment{Variables: map[string]string{"NOTE": hostile}},
		DeadLetterConfig: &lambdatypes.DeadLetterConfig{TargetArn: aws.String("arn:aws:sqs:us-east-1:123456789012:dead")},
	})
	must(err)
	_, err = functions.CreateEventSourceMapping(ctx, &lambda.CreateEventSourceMappingInput{
		FunctionName: aws.String("report"), EventSourceArn: aws.String("arn:aws:sqs:us-east-1:123456789012:work"), Enabled: aws.Bool(false),
	})
	must(err)
	called := aws.String("arn:aws:lambda:us-east-1:123456789012:function:report")
	_, err = functions.AddPermission(ctx, &lambda.AddPermissionInput{
		FunctionName: aws.String("report"), StatementId: aws.String("let-rules"), Action: aws.String("lambda:InvokeFunction"), Principal: aws.String("events.amazonaws.com"),
		SourceArn: aws.String("arn:aws:events:us-east-1:123456789012:rule/nightly"),
	})
	must(err)
	rules := eventbridge.NewFromConfig(cfg)
	_, err = rules.PutRule(ctx, &eventbridge.PutRuleInput{Name: aws.String("nightly"), ScheduleExpression: aws.String("rate(1 day)"), Description: aws.String(hostile), State: eventstypes.RuleStateDisabled})
	must(err)
	_, err = rules.PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: aws.String("nightly"), Targets: []eventstypes.Target{
		{Id: aws.String("1"), Arn: called}, {Id: aws.String("2"), Arn: aws.String("arn:aws:sqs:us-east-1:123456789012:work")},
	}})
	must(err)
	_, err = scheduler.NewFromConfig(cfg).CreateSchedule(ctx, &scheduler.CreateScheduleInput{
		Name: aws.String("monthly"), ScheduleExpression: aws.String("rate(30 days)"), State: schedulertypes.ScheduleStateDisabled, FlexibleTimeWindow: &schedulertypes.FlexibleTimeWindow{Mode: schedulertypes.FlexibleTimeWindowModeOff},
		Target: &schedulertypes.Target{Arn: called, RoleArn: aws.String("arn:aws:iam::123456789012:role/report")},
	})
	must(err)
	subnets, err := ec2.NewFromConfig(cfg).DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{})
	must(err)
	api := elb.NewFromConfig(cfg)
	balancer, err := api.CreateLoadBalancer(ctx, &elb.CreateLoadBalancerInput{
		Name: aws.String("front"), Subnets: []string{*subnets.Subnets[0].SubnetId, *subnets.Subnets[1].SubnetId}, Tags: []elbtypes.Tag{{Key: aws.String("note"), Value: aws.String("b=c")}},
	})
	must(err)
	group, err := api.CreateTargetGroup(ctx, &elb.CreateTargetGroupInput{
		Name: aws.String("backs"), Protocol: elbtypes.ProtocolEnumHttp, Port: aws.Int32(80), TargetType: elbtypes.TargetTypeEnumIp, VpcId: subnets.Subnets[0].VpcId, HealthCheckPath: aws.String("/health"),
	})
	must(err)
	_, err = api.RegisterTargets(ctx, &elb.RegisterTargetsInput{TargetGroupArn: group.TargetGroups[0].TargetGroupArn, Targets: []elbtypes.TargetDescription{{Id: aws.String("172.31.0.10")}}})
	must(err)
	listener, err := api.CreateListener(ctx, &elb.CreateListenerInput{
		LoadBalancerArn: balancer.LoadBalancers[0].LoadBalancerArn, Protocol: elbtypes.ProtocolEnumHttp, Port: aws.Int32(80),
		DefaultActions: []elbtypes.Action{{Type: elbtypes.ActionTypeEnumForward, TargetGroupArn: group.TargetGroups[0].TargetGroupArn}},
	})
	must(err)
	_, err = api.CreateRule(ctx, &elb.CreateRuleInput{
		ListenerArn: listener.Listeners[0].ListenerArn, Priority: aws.Int32(1), Conditions: []elbtypes.RuleCondition{{Field: aws.String("path-pattern"), PathPatternConfig: &elbtypes.PathPatternConditionConfig{Values: []string{"/old*"}}}},
		Actions: []elbtypes.Action{{Type: elbtypes.ActionTypeEnumFixedResponse, FixedResponseConfig: &elbtypes.FixedResponseActionConfig{StatusCode: aws.String("410"), ContentType: aws.String("text/plain")}}},
	})
	must(err)
}

// balancerDimension is by what CloudWatch knows the load balancer that items makes.
func balancerDimension(t *testing.T, cfg aws.Config) string {
	t.Helper()
	out, err := elb.NewFromConfig(cfg).DescribeLoadBalancers(t.Context(), &elb.DescribeLoadBalancersInput{Names: []string{"front"}})
	if err != nil {
		t.Fatal(err)
	}
	_, name, _ := strings.Cut(aws.ToString(out.LoadBalancers[0].LoadBalancerArn), ":loadbalancer/")
	return name
}

// program is the package of a function.
func program(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create("bootstrap")
	if err == nil {
		_, err = w.Write([]byte("#!/bin/sh\n"))
	}
	if err = errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// page gets a page, or sends a form to it, as a browser does.
func page(t *testing.T, address string, form url.Values) (status int, text string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if form != nil {
		r, err = http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(form.Encode()))
	}
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

// The pages of queues, load balancers, target groups and functions tell what uses them, and change
// them through the API: what it refuses is told in its words, and nothing has changed.
func TestThePagesOfOneThingTellAndChangeIt(t *testing.T) {
	s := flyballtest.Start(t)
	items(t, s.Config())
	at := func(path string) string { return s.URL() + "/console/" + path }
	for path, wants := range map[string][]string{
		"queues/work":          {"/console/functions/report", "/console/queues/dead", "after 3 receives", "&lt;script&gt;window.attacked", "set-queue-attributes", ">nightly<", "No schedule of EventBridge"},
		"queues/dead":          {"/console/queues/work", "start-message-move-task"},
		"functions/report":     {"/console/queues/work", "/console/queues/dead", "provided.al2023", "&lt;script&gt;window.attacked", "put-function-concurrency", "Disabled", ">nightly<", "rate(1 day)", ">monthly<", "rate(30 days)", ">let-rules<", "events.amazonaws.com", "rule/nightly"},
		"load-balancers/front": {"HTTP:80", "/console/target-groups/backs", "path-pattern is /old*", "answer 410", "idle_timeout.timeout_seconds"},
		"target-groups/backs":  {"172.31.0.10:80", "/console/load-balancers/front", "/health", "deregistration_delay.timeout_seconds"},
	} {
		status, text := page(t, at(path), nil)
		if status != http.StatusOK {
			t.Errorf("%s: %d", path, status)
		}
		for _, want := range wants {
			if path == "functions/report" && want == "put-function-concurrency" {
				want = "delete-function-concurrency" // none is reserved
			}
			if !strings.Contains(text, want) {
				t.Errorf("%s does not have %q", path, want)
			}
		}
		if path == "queues/work" && !strings.Contains(text, s.URL()+"/123456789012/work") {
			t.Errorf("the URL of the queue does not lead to where it was asked for")
		}
		if strings.Contains(text, "<script>window") || strings.Contains(text, "<img") {
			t.Errorf("%s has markup of a name", path)
		}
	}
	for _, c := range []struct {
		path   string
		form   url.Values
		status int
		want   string // on the page then
	}{
		{"queues/work", url.Values{"do": {"send"}, "body": {"hello"}}, 200, "Message "},
		{"queues/work", url.Values{"do": {"send"}, "body": {"of two\r\nlines"}}, 200, "--message-body &#39;of two\nlines&#39;"},
		{"queues/work", url.Values{"do": {"send"}, "body": {""}}, 400, "MissingRequiredParameterException"},
		{"queues/work", url.Values{"do": {"attributes"}, "VisibilityTimeout": {"soon"}, "MessageRetentionPeriod": {"345600"}, "DelaySeconds": {"0"}, "ReceiveMessageWaitTimeSeconds": {"0"}, "MaximumMessageSize": {"1048576"}}, 400, "InvalidAttributeValue"},
		{"queues/work", url.Values{"do": {"purge"}, "sure": {"yes"}}, 400, "to be sure"},
		{"queues/work", url.Values{"do": {"dance"}}, 404, "There is no form"},
		{"queues/work", url.Values{"do": {"send"}, "body": {strings.Repeat("a", 70_000)}}, 413, "64 KiB"},
		{"queues/dead", url.Values{"do": {"redrive"}, "rate": {"many"}}, 400, "is no whole number"},
		{"functions/report", url.Values{"do": {"configuration"}, "memory": {"7"}, "timeout": {"3"}}, 400, "memorySize"},
		{"functions/report", url.Values{"do": {"configuration"}, "memory": {"256"}, "timeout": {"5"}, "description": {hostile}}, 200, "update-function-configuration"},
		{"functions/report", url.Values{"do": {"reserved"}, "reserved": {"100000"}}, 400, "InvalidParameterValueException"},
		{"functions/report", url.Values{"do": {"reserved"}, "reserved": {"3"}}, 200, "3 reserved"},
		{"functions/report", url.Values{"do": {"reserved"}, "reserved": {""}}, 200, "from those of the account"},
		{"functions/report", url.Values{"do": {"provisioned"}, "qualifier": {"$LATEST"}, "environments": {"1"}}, 400, "InvalidParameterValueException"},
		{"load-balancers/front", url.Values{"do": {"attributes"}, "key": {"idle_timeout.timeout_seconds"}, "value": {"0"}}, 400, "ValidationError"},
		{"load-balancers/front", url.Values{"do": {"attributes"}, "key": {"idle_timeout.timeout_seconds"}, "value": {"99"}}, 200, "<td data-label=\"Value\">99</td>"},
		{"target-groups/backs", url.Values{"do": {"health"}, "path": {"/up"}, "interval": {"1"}, "timeout": {"5"}, "healthy": {"2"}, "unhealthy": {"2"}}, 400, "ValidationError"},
		{"target-groups/backs", url.Values{"do": {"register"}, "target": {"nowhere"}}, 400, "ValidationError"},
		{"target-groups/backs", url.Values{"do": {"deregister"}, "leaving": {"172.31.0.10:80"}}, 200, "deregister-targets"},
		{"target-groups/backs", url.Values{"do": {"delete"}, "sure": {"backs"}}, 400, "ResourceInUse"},
		{"queues/work", url.Values{"do": {"delete"}, "sure": {"work"}}, 303, ""},
		{"queues/work", nil, 404, "There is no queue work"},
	} {
		status, text := page(t, at(c.path), c.form)
		if status != c.status || !strings.Contains(text, c.want) {
			i := strings.Index(text, `role="alert"`)
			t.Errorf("%s %v: %d, want %d and %q; it says %.300s", c.path, c.form, status, c.status, c.want, text[max(0, i):])
		}
	}
	for _, c := range []struct {
		path  string
		form  url.Values
		field string // beside which it is told
	}{
		{"functions/report", url.Values{"do": {"configuration"}, "memory": {"7"}, "timeout": {"3"}}, "configuration-memory"},
		{"functions/report", url.Values{"do": {"configuration"}, "memory": {"128"}, "timeout": {"901"}}, "configuration-timeout"},
		{"functions/report", url.Values{"do": {"configuration"}, "memory": {"128"}, "timeout": {"soon"}}, "configuration-timeout"},
		{"functions/report", url.Values{"do": {"provisioned"}, "qualifier": {"$LATEST"}, "environments": {"1"}}, "provisioned-qualifier"},
		{"functions/report", url.Values{"do": {"delete"}, "sure": {"other"}}, "delete-sure"},
		{"queues/dead", url.Values{"do": {"attributes"}, "VisibilityTimeout": {"30"}, "MessageRetentionPeriod": {"1"}, "DelaySeconds": {"0"}, "ReceiveMessageWaitTimeSeconds": {"0"}, "MaximumMessageSize": {"1048576"}}, "attributes-MessageRetentionPeriod"},
		{"target-groups/backs", url.Values{"do": {"health"}, "path": {"/up"}, "interval": {"1"}, "timeout": {"5"}, "healthy": {"2"}, "unhealthy": {"2"}}, "health-interval"},
		{"target-groups/backs", url.Values{"do": {"health"}, "path": {"/up"}, "interval": {"30"}, "timeout": {"5"}, "healthy": {"2"}, "unhealthy": {"99"}}, "health-unhealthy"},
		{"target-groups/backs", url.Values{"do": {"register"}, "target": {"nowhere"}}, "register-target"},
	} {
		status, text := page(t, at(c.path), c.form)
		id := `id="` + c.field + `-problem" role="alert"`
		if i := strings.Index(text, `role="alert"`); status != http.StatusBadRequest || !strings.Contains(text, id) || !strings.Contains(text, `aria-invalid="true" aria-describedby="`+c.field+`-problem"`) {
			t.Errorf("%s %v: %d, told elsewhere than at %s: %.300s", c.path, c.form, status, c.field, text[max(0, i-60):])
		}
	}
	out, err := lambda.NewFromConfig(s.Config()).GetFunctionConfiguration(t.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: aws.String("report")})
	if err != nil || aws.ToInt32(out.MemorySize) != 256 || aws.ToInt32(out.Timeout) != 5 {
		t.Errorf("the function is %+v: %v", out, err)
	}
}

// Their charts have the metrics of one thing, with the thresholds of its alarms.
func TestTheChartsOfOneThing(t *testing.T) {
	s := flyballtest.Start(t)
	items(t, s.Config())
	s.Feed("AWS/SQS", "ApproximateNumberOfMessagesVisible", 7, "QueueName", "work")
	s.Advance(2 * time.Minute)
	_, text := page(t, s.URL()+"/console/queues/work/charts", nil)
	var drawn struct {
		Panels []struct {
			ID    string
			Lines []struct{ Value float64 }
		}
	}
	if err := json.Unmarshal([]byte(text), &drawn); err != nil {
		t.Fatal(err)
	}
	if len(drawn.Panels) == 0 || drawn.Panels[0].ID != "depth" || len(drawn.Panels[0].Lines) != 1 || drawn.Panels[0].Lines[0].Value != 5 {
		t.Errorf("the charts are %s", text)
	}

	// One alarm on a metric of which several percentiles are drawn is one line, in the unit of the chart.
	name := balancerDimension(t, s.Config())
	s.Feed("AWS/ApplicationELB", "TargetResponseTime", 0.2, "LoadBalancer", name)
	s.Advance(2 * time.Minute)
	if _, err := cloudwatch.NewFromConfig(s.Config()).PutMetricAlarm(t.Context(), &cloudwatch.PutMetricAlarmInput{
		AlarmName: aws.String("slow"), Namespace: aws.String("AWS/ApplicationELB"), MetricName: aws.String("TargetResponseTime"), ExtendedStatistic: aws.String("p95"),
		Dimensions: []cwtypes.Dimension{{Name: aws.String("LoadBalancer"), Value: &name}}, Period: aws.Int32(60), EvaluationPeriods: aws.Int32(1), Threshold: aws.Float64(1.5),
		ComparisonOperator: cwtypes.ComparisonOperatorGreaterThanThreshold,
	}); err != nil {
		t.Fatal(err)
	}
	if _, text = page(t, s.URL()+"/console/load-balancers/front/charts", nil); strings.Count(text, `"alarm above 1500"`) != 1 || strings.Count(text, "alarm above") != 1 {
		t.Errorf("the charts of a load balancer are %s", text)
	}
}
