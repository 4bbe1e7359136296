package server

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// asTask is set in the environment of a test binary that is a task of
// TestATaskReachesTheServer.
const asTask = "FLYBALL_TEST_TASK"

// A task asks the server for its health, for its own metadata, and as an AWS client
// does, with the credentials that it finds.
func TestATaskReachesTheServer(t *testing.T) {
	if os.Getenv(asTask) != "" {
		askAsATask(t)
		return
	}
	for _, network := range []string{"loopback", "namespace"} {
		t.Run(network, func(t *testing.T) {
			s, err := Open(t.Context(), Config{
				Addr: "127.0.0.1:0", Data: t.TempDir(), Runtime: "process", TaskNetwork: network,
				Images: map[string]string{"task": "'" + os.Args[0] + "' -test.run ^TestATaskReachesTheServer$ -test.v"},
				Speed:  1, Account: "123456789012", Region: "us-east-1", Log: slog.New(slog.DiscardHandler),
			})
			if err != nil && network == "namespace" {
				t.Skip("this machine does not permit network namespaces: ", err)
			}
			if err != nil {
				t.Fatal(err)
			}
			ctx, end := context.WithCancel(t.Context())
			ended := make(chan error)
			go func() { ended <- s.Run(ctx) }()
			defer func() {
				end()
				if err := <-ended; err != nil {
					t.Error(err)
				}
			}()
			if code := runTask(t, s); code != 0 {
				t.Errorf("the task has ended with code %d", code)
			}
		})
	}
}

// runTask runs a task of one container and returns its exit code.
func runTask(t *testing.T, s *Server) int32 {
	t.Helper()
	ctx, api := t.Context(), s.home().ecs
	if _, err := api.CreateCluster(ctx, &ecs.CreateClusterInput{}); err != nil {
		t.Fatal(err)
	}
	_, err := api.RegisterTaskDefinition(ctx, &ecs.RegisterTaskDefinitionInput{
		Family: aws.String("task"),
		ContainerDefinitions: []ecstypes.ContainerDefinition{{
			Name: aws.String("main"), Image: aws.String("task"), Memory: aws.Int32(256),
			Environment: []ecstypes.KeyValuePair{{Name: aws.String(asTask), Value: aws.String("1")}},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	run, err := api.RunTask(ctx, &ecs.RunTaskInput{TaskDefinition: aws.String("task")})
	if err != nil {
		t.Fatal(err)
	}
	id := *run.Tasks[0].TaskArn
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); <-time.After(10 * time.Millisecond) {
		out, err := api.DescribeTasks(ctx, &ecs.DescribeTasksInput{Tasks: []string{id}})
		if err != nil {
			t.Fatal(err)
		}
		if task := out.Tasks[0]; *task.LastStatus == "STOPPED" {
			if task.Containers[0].ExitCode == nil {
				t.Fatalf("the task has not run: %s", aws.ToString(task.StoppedReason))
			}
			return *task.Containers[0].ExitCode
		}
	}
	t.Fatal("the task has not ended in a minute")
	return 0
}

// askAsATask is what the task does.
func askAsATask(t *testing.T) {
	for _, url := range []string{
		os.Getenv("AWS_ENDPOINT_URL") + "/healthz",
		os.Getenv("ECS_CONTAINER_METADATA_URI_V4") + "/task",
	} {
		resp, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("%s answers %s", url, resp.Status)
		}
	}
	cfg, err := config.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	client := ecs.NewFromConfig(cfg)
	out, err := client.ListTasks(t.Context(), &ecs.ListTasksInput{})
	if err != nil || len(out.TaskArns) != 1 {
		t.Errorf("ListTasks = %v, %v", out, err)
	}
}
