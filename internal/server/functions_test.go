package server

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"flyball/internal/deliver"
)

// goFunction is the package of testdata/function, built once.
var goFunction = sync.OnceValues(func() ([]byte, error) {
	folder, err := os.MkdirTemp("", "function")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "bootstrap")
	build := exec.Command("go", "build", "-tags", "lambda.norpc", "-o", path, "./testdata/function")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, errors.New(string(out))
	}
	program, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	header := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate}
	header.SetMode(0o755)
	f, err := w.CreateHeader(header)
	if err == nil {
		_, err = f.Write(program)
	}
	err = errors.Join(err, w.Close())
	return b.Bytes(), err
})

// runsRole is the role of the functions of tests.
const (
	runsName = "runs"
	runsRole = "arn:aws:iam::" + testAccount + ":role/" + runsName
)

// createFunction creates a function f of the program.
func createFunction(t *testing.T, l *lambda.Client, change ...func(*lambda.CreateFunctionInput)) {
	t.Helper()
	code, err := goFunction()
	if err != nil {
		t.Fatal(err)
	}
	in := &lambda.CreateFunctionInput{
		FunctionName: aws.String("f"), Role: aws.String(runsRole), Runtime: types.RuntimeProvidedal2023, Handler: aws.String("bootstrap"),
		Code: &types.FunctionCode{ZipFile: code}, Timeout: aws.Int32(30),
	}
	for _, f := range change {
		f(in)
	}
	if _, err := l.CreateFunction(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	active := lambda.NewFunctionActiveV2Waiter(l)
	if err := active.Wait(t.Context(), &lambda.GetFunctionInput{FunctionName: in.FunctionName}, time.Minute); err != nil {
		t.Fatal(err)
	}
}

func createRole(t *testing.T, admin caller, name, trust, allows string) {
	t.Helper()
	_, err := admin.iam.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: &trust})
	if err == nil {
		_, err = admin.iam.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: &name, PolicyName: aws.String("own"), PolicyDocument: &allows})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// told is what f answers when it is told to do something.
func told(t *testing.T, l *lambda.Client, what string) (payload string, failed bool) {
	t.Helper()
	out, err := l.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("f"), Payload: []byte(`{"Do": "` + what + `"}`)})
	if err != nil {
		t.Fatal(err)
	}
	return string(out.Payload), out.FunctionError != nil
}

func TestAFunctionActsAsItsRole(t *testing.T) {
	s := open(t, "", knownKeysOnly)
	defer running(t, s)()
	admin := callerWith(s.URL(), testRegion, adminKey)
	l := lambda.NewFromConfig(configOf(s.URL(), testRegion, adminKey))
	createRole(t, admin, runsName, trusting("lambda.amazonaws.com", ""), document("Allow", "sqs:ListQueues", "*", ""))
	createFunction(t, l)
	if payload, failed := told(t, l, "list queues"); failed {
		t.Error(payload)
	}
	payload, failed := told(t, l, "create a queue")
	if want := "assumed-role/runs/f@lambda_function is not authorized to perform: sqs:CreateQueue"; !failed || !strings.Contains(payload, want) {
		t.Errorf("to create a queue it got %s, want %s", payload, want)
	}
	// It may write no logs, and has written none.
	logs := cloudwatchlogs.NewFromConfig(configOf(s.URL(), testRegion, adminKey))
	groups, err := logs.DescribeLogGroups(t.Context(), &cloudwatchlogs.DescribeLogGroupsInput{})
	if err != nil || len(groups.LogGroups) > 0 {
		t.Errorf("there are log groups %v, %v", groups.LogGroups, err)
	}
	other := "arn:aws:iam::" + testAccount + ":role/other"
	createRole(t, admin, "other", trusting("ec2.amazonaws.com", ""), document("Allow", "*", "*", ""))
	for _, role := range []string{other, "arn:aws:iam::" + testAccount + ":role/none"} {
		_, err := l.UpdateFunctionConfiguration(t.Context(), &lambda.UpdateFunctionConfigurationInput{FunctionName: aws.String("f"), Role: &role})
		refused(t, err, "InvalidParameterValueException", http.StatusBadRequest, "The role defined for the function cannot be assumed by Lambda.")
	}
}

func TestAFunctionIsLoggedAndMeasured(t *testing.T) {
	s := open(t, "", at(60))
	defer running(t, s)()
	config := configOf(s.URL(), testRegion, aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"})
	l := lambda.NewFromConfig(config)
	createFunction(t, l)
	begun := s.clock.Now()
	told(t, l, "something")
	if payload, failed := told(t, l, "fail"); !failed || payload != `{"errorMessage":"it fails","errorType":"errorString"}` {
		t.Errorf("a failure is %s", payload)
	}
	logs := cloudwatchlogs.NewFromConfig(config)
	awaitTrue(t, "a log", func() bool {
		out, err := logs.FilterLogEvents(t.Context(), &cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String("/aws/lambda/f")})
		if err != nil {
			return false
		}
		text := ""
		for _, e := range out.Events {
			text += *e.Message + "\n"
		}
		return strings.Contains(text, "START RequestId: ") && strings.Contains(text, "it is to do something\n") && strings.Count(text, "REPORT RequestId: ") == 2
	})
	metrics := cloudwatch.NewFromConfig(config)
	sum := func(name string) (sum float64) {
		out, err := metrics.GetMetricStatistics(t.Context(), &cloudwatch.GetMetricStatisticsInput{
			Namespace: aws.String("AWS/Lambda"), MetricName: &name, Dimensions: []cwtypes.Dimension{{Name: aws.String("FunctionName"), Value: aws.String("f")}},
			StartTime: aws.Time(begun.Add(-time.Minute)), EndTime: aws.Time(s.clock.Now().Add(time.Minute)), Period: aws.Int32(60), Statistics: []cwtypes.Statistic{cwtypes.StatisticSum},
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range out.Datapoints {
			sum += *d.Sum
		}
		return sum
	}
	awaitTrue(t, "metrics", func() bool { return sum("Invocations") == 2 && sum("Errors") == 1 && sum("Duration") > 0 })
}

// awaitTrue waits until something is true.
func awaitTrue(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("there is not %s", what)
		}
	}
}

func TestAnAlarmInvokesAFunction(t *testing.T) {
	s := open(t, "")
	defer running(t, s)()
	config := configOf(s.URL(), testRegion, aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"})
	l, queues, alarms := lambda.NewFromConfig(config), sqs.NewFromConfig(config), cloudwatch.NewFromConfig(config)
	createFunction(t, l)
	queue, err := queues.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("outcomes")})
	if err != nil {
		t.Fatal(err)
	}
	_, err = l.PutFunctionEventInvokeConfig(t.Context(), &lambda.PutFunctionEventInvokeConfigInput{
		FunctionName:      aws.String("f"),
		DestinationConfig: &types.DestinationConfig{OnSuccess: &types.OnSuccess{Destination: aws.String("arn:aws:sqs:" + testRegion + ":" + testAccount + ":outcomes")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = alarms.PutMetricAlarm(t.Context(), &cloudwatch.PutMetricAlarmInput{
		AlarmName: aws.String("busy"), Namespace: aws.String("shop"), MetricName: aws.String("load"), Statistic: cwtypes.StatisticSum,
		Period: aws.Int32(60), EvaluationPeriods: aws.Int32(1), Threshold: aws.Float64(1), ComparisonOperator: cwtypes.ComparisonOperatorGreaterThanThreshold,
		AlarmActions: []string{"arn:aws:lambda:" + testRegion + ":" + testAccount + ":function:f"},
	})
	if err == nil {
		_, err = alarms.SetAlarmState(t.Context(), &cloudwatch.SetAlarmStateInput{AlarmName: aws.String("busy"), StateValue: cwtypes.StateValueAlarm, StateReason: aws.String("by hand")})
	}
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		RequestPayload struct {
			Source    string
			AlarmARN  string `json:"alarmArn"`
			AlarmData struct {
				AlarmName string
				State     struct{ Value string }
			}
		}
	}
	awaitTrue(t, "an outcome", func() bool {
		out, err := queues.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: queue.QueueUrl, WaitTimeSeconds: 5})
		if err != nil {
			t.Fatal(err)
		}
		return len(out.Messages) > 0 && json.Unmarshal([]byte(*out.Messages[0].Body), &got) == nil
	})
	event := got.RequestPayload
	if event.Source != "aws.cloudwatch" || !strings.HasSuffix(event.AlarmARN, ":alarm:busy") || event.AlarmData.AlarmName != "busy" || event.AlarmData.State.Value != "ALARM" {
		t.Errorf("the function was given %+v", event)
	}
}

func TestAFunctionIsInvokedByThoseWhoMay(t *testing.T) {
	s := open(t, "", knownKeysOnly)
	defer running(t, s)()
	admin := callerWith(s.URL(), testRegion, adminKey)
	l := lambda.NewFromConfig(configOf(s.URL(), testRegion, adminKey))
	createRole(t, admin, runsName, trusting("lambda.amazonaws.com", ""), document("Allow", "logs:*", "*", ""))
	createFunction(t, l)
	function := "arn:aws:lambda:" + testRegion + ":" + testAccount + ":function:f"
	rule := "arn:aws:events:" + testRegion + ":" + testAccount + ":rule/orders"
	send := func(source string) error {
		return s.router.Deliver(t.Context(), function, deliver.Invocation{Principal: "events.amazonaws.com", Source: source, Body: []byte(`{}`)})
	}
	var denied *deliver.Refused
	if err := send(rule); !errors.As(err, &denied) || denied.Code != "NO_PERMISSIONS" {
		t.Errorf("without a permission: %v", err)
	}
	permit := func(sid, principal, source string) {
		t.Helper()
		in := &lambda.AddPermissionInput{FunctionName: aws.String("f"), StatementId: &sid, Action: aws.String("lambda:InvokeFunction"), Principal: &principal}
		if source != "" {
			in.SourceArn = &source
		}
		if _, err := l.AddPermission(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	permit("rule", "events.amazonaws.com", rule)
	if err := send(rule); err != nil {
		t.Errorf("with a permission: %v", err)
	}
	if err := send(rule + "2"); !errors.As(err, &denied) || denied.Code != "NO_PERMISSIONS" {
		t.Errorf("another rule: %v", err)
	}

	bob := createUserAs(t, s, admin, "bob", document("Allow", "lambda:GetFunction", function, ""))
	call := func() error {
		_, err := bob.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("f"), InvocationType: types.InvocationTypeDryRun})
		return err
	}
	refused(t, call(), "AccessDeniedException", http.StatusForbidden, "is not authorized to perform: lambda:InvokeFunction on resource: "+function)
	got, err := bob.GetFunction(t.Context(), &lambda.GetFunctionInput{FunctionName: aws.String("f")})
	if err != nil {
		t.Fatal(err)
	}
	permit("bob", "arn:aws:iam::"+testAccount+":user/bob", "")
	if err := call(); err != nil {
		t.Errorf("bob, by the function's policy: %v", err)
	}
	code, err := goFunction()
	if err != nil {
		t.Fatal(err)
	}
	if body := fetch(t, *got.Code.Location); !bytes.Equal(body, code) {
		t.Errorf("at the URL of the code are %d bytes, want %d", len(body), len(code))
	}
	if body := fetch(t, strings.Replace(*got.Code.Location, "Signature=", "Signature=0", 1)); bytes.Equal(body, code) {
		t.Error("the URL of the code needs no signature")
	}
	_, err = bob.CreateFunction(t.Context(), &lambda.CreateFunctionInput{FunctionName: aws.String("g"), Role: aws.String(runsRole), Code: &types.FunctionCode{ZipFile: code}})
	refused(t, err, "AccessDeniedException", http.StatusForbidden, "lambda:CreateFunction")
	embed(t, admin, "bob", "more", document("Allow", "lambda:*", "*", ""))
	_, err = bob.CreateFunction(t.Context(), &lambda.CreateFunctionInput{FunctionName: aws.String("g"), Role: aws.String(runsRole), Code: &types.FunctionCode{ZipFile: code}})
	refused(t, err, "AccessDeniedException", http.StatusForbidden, "is not authorized to perform: iam:PassRole on resource: "+runsRole)
}

func TestAnotherAccountMayDoWithAFunctionWhatItsPolicyAllows(t *testing.T) {
	s := open(t, "")
	defer running(t, s)()
	l := lambda.NewFromConfig(configOf(s.URL(), testRegion, adminKey))
	createFunction(t, l)
	function := aws.String("arn:aws:lambda:" + testRegion + ":" + testAccount + ":function:f")
	eve := createUserAs(t, s, callerOf(s.URL(), testRegion, "210987654321"), "eve", document("Allow", "lambda:*", "*", ""))
	concurrency := func() error {
		_, err := eve.PutFunctionConcurrency(t.Context(), &lambda.PutFunctionConcurrencyInput{FunctionName: function, ReservedConcurrentExecutions: aws.Int32(1)})
		return err
	}
	refused(t, concurrency(), "AccessDeniedException", http.StatusForbidden, "because no resource-based policy allows the lambda:PutFunctionConcurrency action")
	_, err := l.AddPermission(t.Context(), &lambda.AddPermissionInput{
		FunctionName: aws.String("f"), StatementId: aws.String("eve"), Action: aws.String("lambda:*"), Principal: aws.String("210987654321"),
	})
	if err != nil {
		t.Fatal(err)
	}
	calls := map[string]func() error{
		"PutFunctionConcurrency": concurrency,
		"CreateAlias": func() error {
			_, err := eve.CreateAlias(t.Context(), &lambda.CreateAliasInput{FunctionName: function, Name: aws.String("live"), FunctionVersion: aws.String("$LATEST")})
			return err
		},
		"TagResource": func() error {
			_, err := eve.TagResource(t.Context(), &lambda.TagResourceInput{Resource: function, Tags: map[string]string{"by": "eve"}})
			return err
		},
		"PublishVersion": func() error {
			_, err := eve.PublishVersion(t.Context(), &lambda.PublishVersionInput{FunctionName: function})
			return err
		},
	}
	for name, call := range calls {
		if err := call(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	got, err := l.GetFunction(t.Context(), &lambda.GetFunctionInput{FunctionName: aws.String("f")})
	if err != nil || got.Tags["by"] != "eve" || got.Concurrency == nil {
		t.Errorf("the function has %+v: %v", got, err)
	}
	if _, err := eve.DeleteFunction(t.Context(), &lambda.DeleteFunctionInput{FunctionName: function}); err != nil {
		t.Error(err)
	}
}

func createUserAs(t *testing.T, s *Server, admin caller, name, policy string) *lambda.Client {
	t.Helper()
	key := admin.createKey(t, name)
	embed(t, admin, name, "own", policy)
	return lambda.NewFromConfig(configOf(s.URL(), testRegion, key))
}

func fetch(t *testing.T, url string) []byte {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// throttled calls the function f once, and reports whether there was no concurrency for it.
func throttled(ctx context.Context, l *lambda.Client, do string) bool {
	_, err := l.Invoke(ctx, &lambda.InvokeInput{FunctionName: aws.String("f"), Payload: []byte(`{"Do": "` + do + `"}`)}, func(o *lambda.Options) { o.RetryMaxAttempts = 1 })
	return errors.As(err, new(*types.TooManyRequestsException))
}

// What was acknowledged before a server was killed runs in its next life.
func TestEventsOutliveTheServer(t *testing.T) {
	folder := t.TempDir()
	s := open(t, folder)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- s.Run(ctx) }()
	config := configOf(s.URL(), testRegion, aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"})
	l := lambda.NewFromConfig(config)
	createFunction(t, l)
	if _, err := l.PutFunctionConcurrency(t.Context(), &lambda.PutFunctionConcurrencyInput{FunctionName: aws.String("f"), ReservedConcurrentExecutions: aws.Int32(1)}); err != nil {
		t.Fatal(err)
	}
	// Until the server stops there is no concurrency left for the event.
	var busy sync.WaitGroup
	defer busy.Wait()
	defer cancel()
	busy.Go(func() {
		for throttled(ctx, l, "wait") { // by the call below
		}
	})
	awaitTrue(t, "a throttle", func() bool { return throttled(ctx, l, "nothing") })
	if _, err := l.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("f"), InvocationType: types.InvocationTypeEvent, Payload: []byte(`{"Do": "it"}`)}); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	s = open(t, folder)
	defer running(t, s)()
	config = configOf(s.URL(), testRegion, aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"})
	l, logs := lambda.NewFromConfig(config), cloudwatchlogs.NewFromConfig(config)
	if _, err := l.DeleteFunctionConcurrency(t.Context(), &lambda.DeleteFunctionConcurrencyInput{FunctionName: aws.String("f")}); err != nil {
		t.Fatal(err)
	}
	awaitTrue(t, "a log", func() bool {
		out, err := logs.FilterLogEvents(t.Context(), &cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String("/aws/lambda/f"), FilterPattern: aws.String(`"it is to do it"`)})
		return err == nil && len(out.Events) > 0
	})
}
