package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	aastypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/client"
	"flyball/internal/load"
)

// asFlyball makes the test binary the program under test.
const asFlyball = "FLYBALL_TEST_MAIN"

func TestMain(m *testing.M) {
	// The built-in images run this binary, too, and inherit nothing.
	if os.Getenv(asFlyball) != "" || len(os.Args) == 3 && os.Args[1] == "workload" {
		if len(os.Args) > 1 && os.Args[1] == "serve" {
			go endWithParent()
		}
		main()
		return
	}
	http.DefaultClient.Timeout = patience
	asNobody()
	os.Exit(m.Run())
}

// asNobody removes what leads AWS's clients and our commands elsewhere, or as somebody else, from the environment: a test
// sets what it is about.
func asNobody() {
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "AWS_") || strings.HasPrefix(name, "FLYBALL_") || strings.HasSuffix(strings.ToUpper(name), "_PROXY") {
			os.Unsetenv(name)
		}
	}
	os.Setenv("AWS_CONFIG_FILE", os.DevNull)
	os.Setenv("AWS_SHARED_CREDENTIALS_FILE", os.DevNull)
}

// endWithParent has a server stop, with its tasks, when what has started it is no more: a test that was killed ends none.
func endWithParent() {
	for parent := os.Getppid(); os.Getppid() == parent; {
		time.Sleep(time.Second)
	}
	_ = syscall.Kill(os.Getpid(), syscall.SIGTERM)
}

// patience bounds waiting for something that is bound to happen.
const patience = 2 * time.Minute

// command is flyball in a process of its own, which is killed if it is still there after minutes: no command of a
// test takes as long.
func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*patience)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env = append(os.Environ(), asFlyball+"=1")
	cmd.WaitDelay = 10 * time.Second // what it has started may hold its output
	return cmd
}

// flyball runs a command and returns what it printed.
func flyball(t *testing.T, args ...string) (string, error) {
	t.Helper()
	out, err := command(t, args...).CombinedOutput()
	return string(out), err
}

// A served is a `flyball serve` in a process of its own.
type served struct {
	*client.Client
	cmd *exec.Cmd
}

func serve(t *testing.T, data string, args ...string) *served {
	t.Helper()
	cmd := command(t, append([]string{"serve", "--addr", "127.0.0.1:0", "--runtime", "process", "--data", data, "--log-level", "warn"}, args...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { end(cmd) })
	line, err := bufio.NewReader(out).ReadString('\n')
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "ready ")
	if err != nil || !ok {
		t.Fatalf("serve printed %q, %v; want ready and its address", line, err)
	}
	t.Logf("serving at %s", url)
	return &served{client.New(client.Config{Endpoint: url, Region: "us-east-1"}), cmd}
}

// end stops a server that the test has not stopped, and with it its tasks.
func end(cmd *exec.Cmd) {
	if cmd.ProcessState != nil || cmd.Process.Signal(syscall.SIGTERM) != nil {
		return
	}
	late := time.AfterFunc(patience, func() { cmd.Process.Kill() })
	defer late.Stop()
	cmd.Wait()
}

// stop ends the server as a user does, and returns its exit error.
func (s *served) stop(t *testing.T) error {
	t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	return s.cmd.Wait()
}

// kill ends the server without a warning.
func (s *served) kill(t *testing.T) {
	t.Helper()
	if err := s.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	s.cmd.Wait()
}

func (s *served) service(t *testing.T) ecstypes.Service {
	t.Helper()
	out, err := s.ECS.DescribeServices(t.Context(), &ecs.DescribeServicesInput{Cluster: aws.String("test"), Services: []string{"web"}})
	if err != nil || len(out.Services) != 1 {
		t.Fatalf("DescribeServices: %v %v", out, err)
	}
	return out.Services[0]
}

// await looks until what is expected is there.
func (s *served) await(t *testing.T, what string, ok func(ecstypes.Service) bool) ecstypes.Service {
	t.Helper()
	for deadline := time.Now().Add(patience); ; {
		svc := s.service(t)
		if ok(svc) {
			return svc
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited %v for %s: desired %d, running %d, events %v", patience, what, svc.DesiredCount, svc.RunningCount, messages(svc))
		}
		<-time.After(20 * time.Millisecond)
	}
}

func messages(svc ecstypes.Service) []string {
	var m []string
	for _, e := range svc.Events {
		m = append(m, aws.ToString(e.Message))
	}
	return m
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// webMemory, in MiB, is for this program with the race detector, which takes several times
// what `flyball/web` does.
const webMemory = 256

// createService makes cluster, task definition, service, scalable target and a
// target tracking policy on CPU at 50 %.
func (s *served) createService(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	must(s.ECS.CreateCluster(ctx, &ecs.CreateClusterInput{ClusterName: aws.String("test")}))(t)
	must(s.ECS.RegisterTaskDefinition(ctx, &ecs.RegisterTaskDefinitionInput{
		Family: aws.String("web"), NetworkMode: ecstypes.NetworkModeAwsvpc,
		ContainerDefinitions: []ecstypes.ContainerDefinition{{
			Name: aws.String("web"), Image: aws.String("flyball/web"), Cpu: 64, Memory: aws.Int32(webMemory), StopTimeout: aws.Int32(2),
			PortMappings: []ecstypes.PortMapping{{ContainerPort: aws.Int32(8080)}},
		}},
	}))(t)
	must(s.ECS.CreateService(ctx, &ecs.CreateServiceInput{
		Cluster: aws.String("test"), ServiceName: aws.String("web"), TaskDefinition: aws.String("web"), DesiredCount: aws.Int32(1),
		LaunchType: ecstypes.LaunchTypeEc2,
		NetworkConfiguration: &ecstypes.NetworkConfiguration{
			AwsvpcConfiguration: &ecstypes.AwsVpcConfiguration{Subnets: []string{"subnet-1"}},
		},
	}))(t)
	must(s.AutoScaling.RegisterScalableTarget(ctx, &applicationautoscaling.RegisterScalableTargetInput{
		ServiceNamespace: aastypes.ServiceNamespaceEcs, ScalableDimension: aastypes.ScalableDimensionECSServiceDesiredCount,
		ResourceId: aws.String("service/test/web"), MinCapacity: aws.Int32(1), MaxCapacity: aws.Int32(4),
	}))(t)
	must(s.AutoScaling.PutScalingPolicy(ctx, &applicationautoscaling.PutScalingPolicyInput{
		ServiceNamespace: aastypes.ServiceNamespaceEcs, ScalableDimension: aastypes.ScalableDimensionECSServiceDesiredCount,
		ResourceId: aws.String("service/test/web"), PolicyName: aws.String("cpu"), PolicyType: aastypes.PolicyTypeTargetTrackingScaling,
		TargetTrackingScalingPolicyConfiguration: &aastypes.TargetTrackingScalingPolicyConfiguration{
			TargetValue: aws.Float64(50), ScaleInCooldown: aws.Int32(30), ScaleOutCooldown: aws.Int32(30),
			PredefinedMetricSpecification: &aastypes.PredefinedMetricSpecification{
				PredefinedMetricType: aastypes.MetricTypeECSServiceAverageCPUUtilization,
			},
		},
	}))(t)
	s.await(t, "the first task", func(svc ecstypes.Service) bool { return svc.RunningCount == 1 })
}

// activities are the service's scaling activities, newest first.
func (s *served) activities(t *testing.T) []aastypes.ScalingActivity {
	t.Helper()
	return must(s.AutoScaling.DescribeScalingActivities(t.Context(), &applicationautoscaling.DescribeScalingActivitiesInput{
		ServiceNamespace: aastypes.ServiceNamespaceEcs, ResourceId: aws.String("service/test/web"),
	}))(t).ScalingActivities
}

// urls are the addresses of the running tasks.
func (s *served) urls(ctx context.Context) []string {
	list, err := s.ECS.ListTasks(ctx, &ecs.ListTasksInput{Cluster: aws.String("test")})
	if err != nil || len(list.TaskArns) == 0 {
		return nil
	}
	out, err := s.ECS.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: aws.String("test"), Tasks: list.TaskArns})
	if err != nil {
		return nil
	}
	var urls []string
	for _, task := range out.Tasks {
		for _, a := range task.Attachments {
			for _, d := range a.Details {
				if aws.ToString(d.Name) == "privateIPv4Address" && aws.ToString(task.LastStatus) == "RUNNING" {
					urls = append(urls, fmt.Sprintf("http://%s:8080/computation", aws.ToString(d.Value)))
				}
			}
		}
	}
	return urls
}

// The main job, with real processes: load scales the service out, its absence
// scales it in, and a kill in the middle loses nothing.
func TestLoadScalesAServiceOutAndInAcrossAKill(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes and puts load on them")
	}
	data := t.TempDir()
	s := serve(t, data, "--speed", "60")
	s.createService(t)

	ctx, endLoad := context.WithCancel(t.Context())
	loaded := make(chan struct{})
	targets := s.urls(ctx)
	go func() {
		defer close(loaded)
		load.Plan{
			Targets: func() []string { return targets }, Schedule: load.Constant(6, patience),
		}.Run(ctx)
	}()
	out := s.await(t, "a scale-out", func(svc ecstypes.Service) bool {
		// A desired count can be seen before it is on disk. The activity that is in
		// progress comes after it, and is read from there.
		return svc.DesiredCount > 1 && len(s.activities(t)) > 0 && s.activities(t)[0].StatusCode != aastypes.ScalingActivityStatusCodePending
	})
	s.kill(t)

	s = serve(t, data, "--speed", "60")
	if got := s.service(t).DesiredCount; got < out.DesiredCount {
		t.Errorf("desired count after the kill is %d, want the %d that was there before", got, out.DesiredCount)
	}
	s.await(t, "the tasks that were asked for", func(svc ecstypes.Service) bool { return svc.RunningCount == svc.DesiredCount })
	endLoad()
	<-loaded
	s.await(t, "the scale-in to the minimum", func(svc ecstypes.Service) bool { return svc.DesiredCount == 1 && svc.RunningCount == 1 })

	activities := s.activities(t)
	if len(activities) < 2 {
		t.Fatalf("%d activities, want one out and one in at least", len(activities))
	}
	first := activities[len(activities)-1]
	// A slow machine may have seen the second scale-out first.
	var to int32
	if _, err := fmt.Sscanf(aws.ToString(first.Description), "Setting desired count to %d.", &to); err != nil || to <= 1 || to > out.DesiredCount {
		t.Errorf("first activity %q, want that the desired count goes from 1 to %d", aws.ToString(first.Description), out.DesiredCount)
	}
	if cause := aws.ToString(first.Cause); !strings.Contains(cause, "AlarmHigh") || !strings.HasSuffix(cause, "in state ALARM triggered policy cpu") {
		t.Errorf("cause %q", cause)
	}
	if err := s.stop(t); err != nil {
		t.Errorf("serve ended with %v after SIGTERM", err)
	}
}

func TestAnAcknowledgedWriteSurvivesAKill(t *testing.T) {
	data := t.TempDir()
	s := serve(t, data)
	s.createService(t)
	ctx := t.Context()
	must(s.CloudWatch.PutMetricAlarm(ctx, &cloudwatch.PutMetricAlarmInput{
		AlarmName: aws.String("busy"), Namespace: aws.String("App"), MetricName: aws.String("Queue"), Statistic: cwtypes.StatisticSum,
		Period: aws.Int32(60), EvaluationPeriods: aws.Int32(1), Threshold: aws.Float64(5),
		ComparisonOperator: cwtypes.ComparisonOperatorGreaterThanThreshold,
	}))(t)
	must(s.CloudWatch.SetAlarmState(ctx, &cloudwatch.SetAlarmStateInput{
		AlarmName: aws.String("busy"), StateValue: cwtypes.StateValueAlarm, StateReason: aws.String("by hand"),
	}))(t)
	s.kill(t)

	s = serve(t, data)
	alarms := must(s.CloudWatch.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{AlarmNames: []string{"busy"}}))(t).MetricAlarms
	if len(alarms) != 1 || alarms[0].StateValue != cwtypes.StateValueAlarm || aws.ToString(alarms[0].StateReason) != "by hand" {
		t.Errorf("alarm after the kill: %+v", alarms)
	}
	policies := must(s.AutoScaling.DescribeScalingPolicies(ctx, &applicationautoscaling.DescribeScalingPoliciesInput{
		ServiceNamespace: aastypes.ServiceNamespaceEcs,
	}))(t).ScalingPolicies
	if len(policies) != 1 || len(policies[0].Alarms) != 2 {
		t.Errorf("policies after the kill: %+v", policies)
	}
	s.await(t, "the task, adopted or replaced", func(svc ecstypes.Service) bool { return svc.RunningCount == 1 })
	if err := s.stop(t); err != nil {
		t.Error(err)
	}
}

func TestTasksOfAKilledServerThatKeptNothingAreRemoved(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	// Of a loopback address it is sure that nobody else answers there.
	s := serve(t, "", "--task-network", "loopback")
	s.createService(t)
	orphan := s.urls(t.Context())
	if len(orphan) != 1 {
		t.Fatalf("tasks at %v, want one", orphan)
	}
	s.awaitLog(t, "listening on")
	s.kill(t)
	if _, err := http.Get(orphan[0]); err != nil {
		t.Fatalf("the task did not outlive its server: %v", err)
	}

	s = serve(t, "")
	if _, err := http.Get(orphan[0]); err == nil {
		t.Error("the task still answers after the next start")
	}
	if err := s.stop(t); err != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(os.Getenv("TMPDIR")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestASecondSignalEndsAServerThatWaitsForItsTasks(t *testing.T) {
	data := t.TempDir()
	busy := filepath.Join(t.TempDir(), "busy")
	if err := os.WriteFile(busy, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := serve(t, data, "--image", "stay=/bin/sh -c")
	ctx := t.Context()
	must(s.ECS.CreateCluster(ctx, &ecs.CreateClusterInput{ClusterName: aws.String("test")}))(t)
	must(s.ECS.RegisterTaskDefinition(ctx, &ecs.RegisterTaskDefinitionInput{
		Family: aws.String("stay"),
		ContainerDefinitions: []ecstypes.ContainerDefinition{{
			Name: aws.String("stay"), Image: aws.String("stay"), Memory: aws.Int32(64), StopTimeout: aws.Int32(120),
			Command: []string{"trap '' TERM; echo ready; while [ -e '" + busy + "' ]; do sleep 0.1; done"},
		}},
	}))(t)
	must(s.ECS.RunTask(ctx, &ecs.RunTaskInput{Cluster: aws.String("test"), TaskDefinition: aws.String("stay")}))(t)
	s.awaitLog(t, "ready")

	if err := s.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(patience)
	for answers := true; answers; { // until it has taken the signal
		if time.Now().After(deadline) {
			t.Fatalf("it answers %v after SIGINT", patience)
		}
		res, err := http.Get(s.Endpoint + "/healthz")
		if answers = err == nil; answers {
			res.Body.Close()
		}
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.cmd.Wait()
	}()
	for ending := true; ending; { // the first may still be at work
		s.cmd.Process.Signal(syscall.SIGINT)
		select {
		case <-ended:
			ending = false
		case <-time.After(20 * time.Millisecond):
		}
	}
	if status := s.cmd.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() || status.Signal() != syscall.SIGINT {
		t.Errorf("it ended with %v, want the signal", s.cmd.ProcessState)
	}
	// What it has left goes with the next.
	if err := os.Remove(busy); err != nil {
		t.Fatal(err)
	}
	if err := serve(t, data).stop(t); err != nil {
		t.Error(err)
	}
}

func TestCommandsThatLook(t *testing.T) {
	s := serve(t, "")
	s.createService(t)
	endpoint := []string{"--endpoint", s.Endpoint}

	text, err := flyball(t, append([]string{"status", "--json"}, endpoint...)...)
	var status struct {
		Resources []struct {
			Name    string
			Running int
			Target  struct {
				Policies []struct{ Alarms []struct{ State string } }
			}
		}
	}
	if err != nil || json.Unmarshal([]byte(text), &status) != nil {
		t.Fatalf("status: %v: %s", err, text)
	}
	if len(status.Resources) != 1 || status.Resources[0].Running != 1 || len(status.Resources[0].Target.Policies[0].Alarms) != 2 {
		t.Errorf("status: %+v", status)
	}

	for _, tt := range []struct{ args, want string }{
		{"status", "test/web"},
		{"status test", "test/web"},
		{"explain service/test/web", "scale-out"},
		{"explain web", "scale-out"},
		{"activities", ""},
		{"activities test/web", ""},
	} {
		text, err := flyball(t, append(strings.Fields(tt.args), endpoint...)...)
		if err != nil || !strings.Contains(text, tt.want) {
			t.Errorf("flyball %s: %v\n%s", tt.args, err, text)
		}
	}
	s.awaitLog(t, "listening on")
	for _, command := range []string{"status", "explain"} {
		if text, err := flyball(t, append([]string{command, "service/test/none"}, endpoint...)...); err == nil || !strings.Contains(text, "test/none") {
			t.Errorf("%s of an unknown target: %v: %s", command, err, text)
		}
	}
	if text, err := flyball(t, append([]string{"activities", "--limit", "-1"}, endpoint...)...); err == nil || !strings.Contains(text, "--limit -1: give") {
		t.Errorf("a limit below 1: %v: %s", err, text)
	}
}

func TestCommandsThatLookSayThatNoServerAnswers(t *testing.T) {
	// Nothing listens on this address: it is that of a server that has stopped.
	s := serve(t, "")
	if err := s.stop(t); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"status", "explain service/test/web", "activities", "logs 1"} {
		text, err := flyball(t, append(strings.Fields(command), "--endpoint", s.Endpoint)...)
		if want := "flyball: no server answers at " + s.Endpoint + ": nothing listens there; start one with flyball serve"; err == nil || !strings.HasPrefix(text, want) {
			t.Errorf("flyball %s: %v: %s", command, err, text)
		}
	}
}

// An access key that names no account would be taken for the server's own.
func TestCommandsThatLookRefuseAnAccountThatIsNone(t *testing.T) {
	for _, account := range []string{"42", "1234567890123", "12345678901x"} {
		for _, command := range []string{"status", "explain service/test/web", "activities", "logs 1"} {
			text, err := flyball(t, append(strings.Fields(command), "--account", account)...)
			if err == nil || !strings.Contains(text, "12 digits") {
				t.Errorf("flyball %s --account %s: %v: %s", command, account, err, text)
			}
		}
	}
}

// awaitLog reads the task's log until it has a text: a task may be there before
// its program has written its first line, or has been started.
func (s *served) awaitLog(t *testing.T, want string) {
	t.Helper()
	id := s.taskID(t)
	for deadline := time.Now().Add(patience); ; {
		text, err := flyball(t, "logs", id, "--endpoint", s.Endpoint)
		if err == nil && strings.Contains(text, want) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("logs of the task: %v: %q, want %q in them", err, text, want)
		}
	}
}

func (s *served) taskID(t *testing.T) string {
	t.Helper()
	arns := must(s.ECS.ListTasks(t.Context(), &ecs.ListTasksInput{Cluster: aws.String("test")}))(t).TaskArns
	if len(arns) != 1 {
		t.Fatalf("tasks %v, want one", arns)
	}
	return arns[0][strings.LastIndex(arns[0], "/")+1:]
}

func TestAScalableTargetGoesWithItsService(t *testing.T) {
	s := serve(t, "")
	s.createService(t)
	must(s.ECS.DeleteService(t.Context(), &ecs.DeleteServiceInput{
		Cluster: aws.String("test"), Service: aws.String("web"), Force: aws.Bool(true),
	}))(t)
	targets := must(s.AutoScaling.DescribeScalableTargets(t.Context(), &applicationautoscaling.DescribeScalableTargetsInput{
		ServiceNamespace: aastypes.ServiceNamespaceEcs,
	}))(t).ScalableTargets
	alarms := must(s.CloudWatch.DescribeAlarms(t.Context(), &cloudwatch.DescribeAlarmsInput{}))(t).MetricAlarms
	if len(targets) != 0 || len(alarms) != 0 {
		t.Errorf("left: %d targets, %d alarms", len(targets), len(alarms))
	}
}

func TestServeRefusesWhatItCannotDoSafely(t *testing.T) {
	data := t.TempDir()
	s := serve(t, data)
	for _, tt := range []struct {
		name, want string
		args       []string
	}{
		{"an address that others can reach", "can be reached from other machines", []string{"--addr", "0.0.0.0:0"}},
		{"an administrator who is nowhere", "read the administrator's access key", []string{"--auth", "no-such-file"}},
		{"a data folder that is in use", "in use by another flyball", []string{"--data", data}},
		{"a clock that stands still", "speed 0", []string{"--speed", "0"}},
		{"an account that is none", "12 digits", []string{"--account", "42"}},
		{"a region that is none", `region "us east/1"`, []string{"--region", "us east/1"}},
		{"a runtime that does not exist", `runtime "podman"`, []string{"--runtime", "podman"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text, err := flyball(t, append([]string{"serve", "--addr", "127.0.0.1:0", "--data", "", "--runtime", "process"}, tt.args...)...)
			if err == nil || !strings.Contains(text, tt.want) {
				t.Errorf("%v: %s", err, text)
			}
		})
	}
	if err := s.stop(t); err != nil {
		t.Error(err)
	}
}

func TestPathsOfItsOwn(t *testing.T) {
	s := serve(t, "")
	get := func(path, host, origin string) int {
		req := must(http.NewRequestWithContext(t.Context(), http.MethodGet, s.Endpoint+path, nil))(t)
		if host != "" {
			req.Host = host
		}
		if origin != "" {
			req.Header.Set("Origin", origin)
		}
		res := must(http.DefaultClient.Do(req))(t)
		defer res.Body.Close()
		return res.StatusCode
	}
	for _, path := range []string{"/healthz", "/metrics", "/console/api/clock"} {
		if got := get(path, "", ""); got != http.StatusOK {
			t.Errorf("GET %s is answered with %d", path, got)
		}
		if got := get(path, "attacker.example", ""); got != http.StatusForbidden {
			t.Errorf("GET %s for another host is answered with %d", path, got)
		}
		if got := get(path, "", "https://attacker.example"); got != http.StatusForbidden {
			t.Errorf("GET %s from another origin is answered with %d", path, got)
		}
	}
	if got := get("/", "", ""); got != http.StatusForbidden {
		t.Errorf("an unsigned call is answered with %d", got)
	}
}
