package resource_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"flyball/internal/client"
	"flyball/internal/resource"
	"flyball/internal/server"
	"flyball/internal/task/idle"
)

// open starts a server, and returns a client of it.
func open(t *testing.T) *client.Client {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	s, err := server.Open(ctx, server.Config{
		Addr: "127.0.0.1:0", Tasks: idle.Runtime{}, Speed: 1, Account: "123456789012", Region: "us-east-1",
		Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		stop()
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the server ended with %v", err)
		}
	})
	return client.New(client.Config{Endpoint: s.URL(), Region: "us-east-1"})
}

// must fails a test for want of what it prepares.
func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// furnish makes services in two clusters, tasks, a queue and a log group.
func furnish(t *testing.T, c *client.Client) (task string) {
	t.Helper()
	ctx := t.Context()
	must(c.ECS.RegisterTaskDefinition(ctx, &ecs.RegisterTaskDefinitionInput{
		Family: aws.String("web"), ContainerDefinitions: []types.ContainerDefinition{{Name: aws.String("main"), Image: aws.String("i"), Memory: aws.Int32(64)}},
	}))(t)
	for _, cluster := range []string{"demo", "prod"} {
		must(c.ECS.CreateCluster(ctx, &ecs.CreateClusterInput{ClusterName: &cluster}))(t)
		for _, service := range []string{"web", cluster + "-api"} {
			must(c.ECS.CreateService(ctx, &ecs.CreateServiceInput{Cluster: &cluster, ServiceName: &service, TaskDefinition: aws.String("web"), DesiredCount: aws.Int32(0)}))(t)
		}
	}
	must(c.SQS.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("vouchers")}))(t)
	must(c.Logs.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("app")}))(t)
	run := must(c.ECS.RunTask(ctx, &ecs.RunTaskInput{Cluster: aws.String("demo"), TaskDefinition: aws.String("web")}))(t)
	names := must(resource.Parse(*run.Tasks[0].TaskArn, resource.Task))(t)
	return names[0].ID
}

func TestWhatAShortNameLeavesOutIsFoundOut(t *testing.T) {
	c := open(t)
	task := furnish(t, c)
	service := []resource.Kind{resource.Service}
	for _, tt := range []struct {
		text string
		of   []resource.Kind
		want string // what is found, or the error
	}{
		{"demo/web", service, "service demo/web"},
		{"prod-api", service, "service prod/prod-api"},
		{"web", service, "web is the name of several; say which: demo/web or prod/web"},
		{"arn:aws:ecs:us-east-1:123456789012:service/demo/web", service, "service demo/web"},
		{"demo/wbe", service, "there is no service demo/wbe in region us-east-1; did you mean demo/web?"},
		{"none/web", service, "there is no service none/web in region us-east-1; did you mean demo/web or prod/web?"},
		{"basket", service, "there is no service basket in region us-east-1; there are demo/demo-api, demo/web, prod/prod-api and 1 more"},
		{"arn:aws:ecs:eu-west-1:123456789012:service/demo/web", service,
			"there is no service demo/web in region eu-west-1, nor any other; --region names another region, flyball status shows what is there"},
		{task[:8], []resource.Kind{resource.Task, resource.Service}, "task demo/" + task},
		{"task/" + task, []resource.Kind{resource.Task}, "task demo/" + task},
		{"prod/" + task, []resource.Kind{resource.Task}, "there is no task prod/" + task + " in region us-east-1; did you mean demo/" + task + "?"},
		{"demo", []resource.Kind{resource.Service, resource.Cluster}, "cluster demo"},
		{"voucher", []resource.Kind{resource.Queue}, "there is no queue voucher in region us-east-1; did you mean vouchers?"},
		{"http://127.0.0.1:4566/123456789012/vouchers", []resource.Kind{resource.Queue}, "queue vouchers"},
		{"app", []resource.Kind{resource.Service, resource.LogGroup}, "log group app"},
		{"resize:live", []resource.Kind{resource.Function}, "there is no function resize:live in region us-east-1, nor any other; --region names another region, flyball status shows what is there"},
	} {
		name, err := resource.Find(t.Context(), c, tt.text, tt.of...)
		got := fmt.Sprintf("%s %s", name.Kind, name)
		if err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%s: %s\nwant %s", tt.text, got, tt.want)
		}
	}
}
