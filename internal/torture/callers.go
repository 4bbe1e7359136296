package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/client"
)

// intruder is the user as whom other users' programs run.
const intruder = 12345

// An intrusion is a program that tries to start a task in a server that is another user's, or
// in the one that runs it.
type intrusion struct {
	name    string
	network string // of tasks
	user    string // of the task; "" is the server's
	outside bool   // not a task but a program of another user
}

var intrusions = []intrusion{
	{"a program of another user", "loopback", "", true},
	{"a task on loopback", "loopback", "", false},
	{"a task on loopback as another user", "loopback", fmt.Sprint(intruder), false},
	{"a task on the bridge", "namespace", "", false},
	{"a task on the bridge as another user", "namespace", fmt.Sprint(intruder), false},
}

// intrusionsTried has programs that may not start tasks try it, with any key and with what
// they find.
func intrusionsTried(ctx context.Context, r *run) error {
	self, err := copied(r.dir)
	if err != nil {
		return err
	}
	return r.repeat(ctx, func(ctx context.Context, n int) error {
		in := intrusions[(n-1)%len(intrusions)]
		r.flags = []string{"--task-network", in.network, "--image", "intruder=" + self + " -intrude"}
		if err := errors.Join(os.RemoveAll(r.data), in.try(ctx, r, n, self)); err != nil {
			return fmt.Errorf("%s: %w", in.name, err)
		}
		return nil
	})
}

// try starts a server, lets the program in question try, and looks whether a task runs that
// nobody who may has started.
func (in intrusion) try(ctx context.Context, r *run, n int, self string) error {
	server, err := r.launch(ctx)
	if err != nil {
		return err
	}
	defer server.kill()
	url := "http://" + r.addr
	api := client.New(client.Config{Endpoint: url, Region: "us-east-1"}).ECS
	if err := in.run(ctx, api, self, url); err != nil {
		return err
	}
	started, err := api.ListTasks(ctx, &ecs.ListTasksInput{Family: aws.String("loot")})
	if err != nil {
		return err
	}
	if len(started.TaskArns) > 0 {
		r.report(n, fault{intruded, in.name, fmt.Sprintf("%s has started %d tasks", in.name, len(started.TaskArns))})
	}
	return server.terminate()
}

// run runs the program and waits for its end, which is that it was refused.
func (in intrusion) run(ctx context.Context, api *ecs.Client, self, url string) error {
	for _, family := range []string{"loot", "intruder"} {
		_, err := api.RegisterTaskDefinition(ctx, &ecs.RegisterTaskDefinitionInput{
			Family: &family, ContainerDefinitions: []ecstypes.ContainerDefinition{{
				Name: aws.String("main"), Image: aws.String("intruder"), Memory: aws.Int32(128), User: aws.String(in.user),
			}},
		})
		if err != nil {
			return err
		}
	}
	if _, err := api.CreateCluster(ctx, &ecs.CreateClusterInput{}); err != nil {
		return err
	}
	if in.outside {
		cmd := exec.CommandContext(ctx, self, "-intrude")
		cmd.Env = []string{"AWS_ENDPOINT_URL=" + url, "AWS_REGION=us-east-1", "AWS_EC2_METADATA_DISABLED=true"}
		cmd.Dir = "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: intruder, Gid: intruder}}
		out, err := cmd.CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	}
	out, err := api.RunTask(ctx, &ecs.RunTaskInput{TaskDefinition: aws.String("intruder")})
	if err != nil {
		return err
	}
	tried := &ecs.DescribeTasksInput{Tasks: []string{*out.Tasks[0].TaskArn}}
	stopped, err := ecs.NewTasksStoppedWaiter(api, func(w *ecs.TasksStoppedWaiterOptions) { w.MinDelay, w.MaxDelay = time.Second, time.Second }).
		WaitForOutput(ctx, tried, time.Minute)
	if err != nil {
		return err
	}
	if code := stopped.Tasks[0].Containers[0].ExitCode; code == nil || *code != 0 {
		return fmt.Errorf("the task could not try: %s", aws.ToString(stopped.Tasks[0].Containers[0].Reason))
	}
	return nil
}

// intrude is the program that tries. It ends in order when it has been able to ask, whatever
// the answers were.
func intrude(ctx context.Context) error {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRetryMaxAttempts(1))
	if err != nil {
		return err
	}
	for _, key := range []aws.CredentialsProvider{credentials.NewStaticCredentialsProvider("test", "test", ""), cfg.Credentials} {
		cfg.Credentials = key
		_, err := ecs.NewFromConfig(cfg).RunTask(ctx, &ecs.RunTaskInput{TaskDefinition: aws.String("loot")})
		if err != nil && strings.Contains(err.Error(), "connect:") {
			return err
		}
	}
	return nil
}

// copied copies this program to where every user may run it.
func copied(dir string) (string, error) {
	text, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "intruder")
	return path, errors.Join(os.Chmod(dir, 0o755), os.WriteFile(path, text, 0o755))
}
