package server

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"flyball/internal/image/imagetest"
	localecs "flyball/internal/service/ecs"
)

// webImage is an image whose web server answers with a word.
func webImage(t *testing.T, word string) v1.Image {
	return imagetest.Image(t, v1.Config{Entrypoint: []string{"/program"}, Cmd: []string{"serve:" + word}},
		imagetest.Layer(t, imagetest.Program("program", imagetest.StaticProgram(t))))
}

// A service's tasks run the image that was pushed, all the same one until the next
// deployment.
func TestADeploymentRunsOneImage(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root may give images roots of their own")
	}
	reference := imagetest.Registry(t) + "/web:latest"
	imagetest.Push(t, reference, webImage(t, "one"))
	api := serveTasks(t)
	createService(t, api, reference)

	first := awaitTask(t, api, "")
	if got := answerOf(t, first); got != "one" {
		t.Errorf("the task answers %q, want one", got)
	}
	revision := revisionImage(t, api)
	if digest := aws.ToString(first.Containers[0].ImageDigest); digest == "" || aws.ToString(revision.ImageDigest) != digest {
		t.Errorf("the task's digest is %q, its revision's %q", digest, aws.ToString(revision.ImageDigest))
	}

	imagetest.Push(t, reference, webImage(t, "two"))
	if _, err := api.StopTask(t.Context(), &ecs.StopTaskInput{Task: first.TaskArn}); err != nil {
		t.Fatal(err)
	}
	second := awaitTask(t, api, *first.TaskArn)
	if got := answerOf(t, second); got != "one" {
		t.Errorf("a task of the same deployment answers %q, want one", got)
	}

	if _, err := api.UpdateService(t.Context(), &ecs.UpdateServiceInput{Service: aws.String("web"), ForceNewDeployment: true}); err != nil {
		t.Fatal(err)
	}
	third := awaitTask(t, api, *second.TaskArn)
	if got := answerOf(t, third); got != "two" {
		t.Errorf("a task of the next deployment answers %q, want two", got)
	}
}

// serveTasks is the ECS of a server with the process runtime.
func serveTasks(t *testing.T) *localecs.API {
	t.Helper()
	s, err := Open(t.Context(), Config{
		Addr: "127.0.0.1:0", Data: t.TempDir(), Runtime: "process", TaskNetwork: "loopback",
		Speed: 1, Account: "123456789012", Region: "us-east-1", Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		end()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return s.home().ecs
}

func createService(t *testing.T, api *localecs.API, image string) {
	t.Helper()
	if _, err := api.CreateCluster(t.Context(), &ecs.CreateClusterInput{}); err != nil {
		t.Fatal(err)
	}
	_, err := api.RegisterTaskDefinition(t.Context(), &ecs.RegisterTaskDefinitionInput{
		Family:               aws.String("web"),
		ContainerDefinitions: []ecstypes.ContainerDefinition{{Name: aws.String("main"), Image: &image, Memory: aws.Int32(64)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = api.CreateService(t.Context(), &ecs.CreateServiceInput{
		ServiceName: aws.String("web"), TaskDefinition: aws.String("web"), DesiredCount: aws.Int32(1),
	})
	if err != nil {
		t.Fatal(err)
	}
}

// awaitTask returns a running task of the service other than one that was seen before.
func awaitTask(t *testing.T, api *localecs.API, not string) ecstypes.Task {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); <-time.After(10 * time.Millisecond) {
		list, err := api.ListTasks(t.Context(), &ecs.ListTasksInput{ServiceName: aws.String("web")})
		if err != nil {
			t.Fatal(err)
		}
		if len(list.TaskArns) == 0 {
			continue
		}
		out, err := api.DescribeTasks(t.Context(), &ecs.DescribeTasksInput{Tasks: list.TaskArns})
		if err != nil {
			t.Fatal(err)
		}
		for _, task := range out.Tasks {
			if *task.LastStatus == "RUNNING" && *task.TaskArn != not {
				return task
			}
		}
	}
	t.Fatal("no task has come to run in a minute")
	return ecstypes.Task{}
}

// answerOf is the first word of what a task's web server answers.
func answerOf(t *testing.T, task ecstypes.Task) string {
	t.Helper()
	address := ""
	for _, detail := range task.Attachments[0].Details {
		if *detail.Name == "privateIPv4Address" {
			address = *detail.Value
		}
	}
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); <-time.After(10 * time.Millisecond) {
		resp, err := http.Get("http://" + address + ":8080")
		if err != nil {
			continue // it does not listen yet
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(io.LimitReader(resp.Body, 3))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	t.Fatal("the task has not answered in a minute")
	return ""
}

// revisionImage is what the service's current revision says of its container's image.
func revisionImage(t *testing.T, api *localecs.API) ecstypes.ContainerImage {
	t.Helper()
	services, err := api.DescribeServices(t.Context(), &ecs.DescribeServicesInput{Services: []string{"web"}})
	if err != nil {
		t.Fatal(err)
	}
	revisions, err := api.DescribeServiceRevisions(t.Context(), &ecs.DescribeServiceRevisionsInput{
		ServiceRevisionArns: []string{*services.Services[0].CurrentServiceRevisions[0].Arn},
	})
	if err != nil || len(revisions.ServiceRevisions) != 1 {
		t.Fatal(revisions, err)
	}
	return revisions.ServiceRevisions[0].ContainerImages[0]
}
