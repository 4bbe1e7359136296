package tune_test

import (
	"bytes"
	"context"
	"flag"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/policydoc"
	"flyball/internal/server"
	"flyball/internal/task/idle"
	"flyball/internal/tune"
)

var live = flag.Bool("terraform", false, "run Terraform with its AWS provider on what is written")

// everything is a candidate with every policy that Terraform's provider 5 knows.
func everything() tune.Candidate {
	c := tune.Candidate{
		Target: 72.5, OutCooldown: 30, Min: 2, Max: 20,
		Step: tune.Step{Above: 10, Percent: 40, More: 80, Points: 2, Of: 3},
		In:   tune.StepIn{Below: 20, Percent: 10, Points: 5, Of: 5, Cooldown: 60},
	}
	for hour := 8; hour < 18; hour++ {
		c.Hours.Week[hour], c.Hours.Weekend[hour] = 6, 6
	}
	return c
}

func TestTheCommandsPutACandidateInPlace(t *testing.T) {
	t.Parallel() // it waits for programs
	if _, err := exec.LookPath("aws"); err != nil {
		t.Skip("the AWS CLI is not there")
	}
	url, config := serve(t)
	s, want := tune.NewSubject("service/shop/web", policydoc.Documents{}), everything()
	apply := filepath.Join(t.TempDir(), "apply.sh")
	written(t, apply, s.WriteCommands, want)
	run(t, filepath.Dir(apply), url, "sh", apply)

	scaling := applicationautoscaling.NewFromConfig(config)
	policies, err := scaling.DescribeScalingPolicies(t.Context(), &applicationautoscaling.DescribeScalingPoliciesInput{ServiceNamespace: types.ServiceNamespaceEcs})
	if err != nil {
		t.Fatal(err)
	}
	actions, err := scaling.DescribeScheduledActions(t.Context(), &applicationautoscaling.DescribeScheduledActionsInput{ServiceNamespace: types.ServiceNamespaceEcs})
	if err != nil {
		t.Fatal(err)
	}
	alarms, err := cloudwatch.NewFromConfig(config).DescribeAlarms(t.Context(), &cloudwatch.DescribeAlarmsInput{AlarmNamePrefix: aws.String("cpu-")})
	if err != nil {
		t.Fatal(err)
	}
	d := s.Documents(want)
	if len(policies.ScalingPolicies) != len(d.Policies) || len(actions.ScheduledActions) != len(d.Actions) || len(alarms.MetricAlarms) != len(d.Alarms) {
		t.Errorf("%d policies, %d actions and %d alarms are there, want %d, %d and %d", len(policies.ScalingPolicies), len(actions.ScheduledActions),
			len(alarms.MetricAlarms), len(d.Policies), len(d.Actions), len(d.Alarms))
	}
	for _, a := range alarms.MetricAlarms {
		for _, p := range policies.ScalingPolicies {
			if called := aws.ToString(p.PolicyARN) == a.AlarmActions[0]; called != (*p.PolicyName == *a.AlarmName) {
				t.Errorf("alarm %s calls policy %s: %v", *a.AlarmName, *p.PolicyName, called)
			}
		}
	}
}

func TestTheRealProviderTakesWhatIsWritten(t *testing.T) {
	if !*live {
		t.Skip("Terraform was not asked for: make test-terraform runs it")
	}
	if _, err := exec.LookPath("terraform"); err != nil {
		t.Skip("Terraform is not there")
	}
	url, _ := serve(t)
	dir := t.TempDir()
	written(t, filepath.Join(dir, "policy.tf"), tune.NewSubject("service/shop/web", policydoc.Documents{}).WriteTerraform, everything())
	run(t, dir, url, "terraform", "init", "-input=false", "-no-color")
	run(t, dir, url, "terraform", "validate", "-no-color")
	run(t, dir, url, "terraform", "fmt", "-check", "-diff", "-no-color")
	run(t, dir, url, "terraform", "apply", "-auto-approve", "-input=false", "-no-color")
	run(t, dir, url, "terraform", "plan", "-detailed-exitcode", "-input=false", "-no-color")
}

// written writes a candidate into a file.
func written(t *testing.T, path string, write func(io.Writer, tune.Candidate) error, c tune.Candidate) {
	t.Helper()
	var text bytes.Buffer
	if err := write(&text, c); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// run runs a program that calls the server.
func run(t *testing.T, dir, url, name string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+url, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_REGION=us-east-1",
		"AWS_DEFAULT_REGION=us-east-1", "AWS_PAGER=", "NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1", "TF_IN_AUTOMATION=1", "CHECKPOINT_DISABLE=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

// serve runs a server with a service, until the test ends. Its clock all but stands still.
func serve(t *testing.T) (url string, config aws.Config) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s, err := server.Open(ctx, server.Config{
		Addr: "127.0.0.1:0", Tasks: idle.Runtime{}, Speed: 0.001, Account: "123456789012", Region: "us-east-1", Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	config = aws.Config{Region: "us-east-1", BaseEndpoint: aws.String(s.URL()), Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")}
	createService(t, ecs.NewFromConfig(config))
	return s.URL(), config
}

func createService(t *testing.T, client *ecs.Client) {
	t.Helper()
	_, err := client.CreateCluster(t.Context(), &ecs.CreateClusterInput{ClusterName: aws.String("shop")})
	if err == nil {
		_, err = client.RegisterTaskDefinition(t.Context(), &ecs.RegisterTaskDefinitionInput{
			Family:               aws.String("web"),
			ContainerDefinitions: []ecstypes.ContainerDefinition{{Name: aws.String("web"), Image: aws.String("flyball/web"), Memory: aws.Int32(64)}},
		})
	}
	if err == nil {
		_, err = client.CreateService(t.Context(), &ecs.CreateServiceInput{
			Cluster: aws.String("shop"), ServiceName: aws.String("web"), TaskDefinition: aws.String("web"), DesiredCount: aws.Int32(2),
		})
	}
	if err != nil {
		t.Fatal(err)
	}
}
