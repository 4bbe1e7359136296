package ecs

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	cwltypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/awslogs"
)

// logGroups keeps what is put into log streams, by GROUP:STREAM.
type logGroups struct {
	awslogs.Logs
	mu      sync.Mutex
	groups  map[string]bool
	streams map[string][]string
}

func (l *logGroups) CreateLogGroup(_ context.Context, in *cloudwatchlogs.CreateLogGroupInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.CreateLogGroupOutput, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.groups[*in.LogGroupName] = true
	return &cloudwatchlogs.CreateLogGroupOutput{}, nil
}

func (l *logGroups) CreateLogStream(_ context.Context, in *cloudwatchlogs.CreateLogStreamInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.CreateLogStreamOutput, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.groups[*in.LogGroupName] {
		return nil, &cwltypes.ResourceNotFoundException{Message: aws.String("The specified log group does not exist.")}
	}
	l.streams[*in.LogGroupName+":"+*in.LogStreamName] = []string{}
	return &cloudwatchlogs.CreateLogStreamOutput{}, nil
}

func (l *logGroups) PutLogEvents(_ context.Context, in *cloudwatchlogs.PutLogEventsInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.PutLogEventsOutput, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := *in.LogGroupName + ":" + *in.LogStreamName
	for _, e := range in.LogEvents {
		l.streams[key] = append(l.streams[key], *e.Message)
	}
	return &cloudwatchlogs.PutLogEventsOutput{}, nil
}

func (l *logGroups) GetLogEvents(context.Context, *cloudwatchlogs.GetLogEventsInput, ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.GetLogEventsOutput, error) {
	return &cloudwatchlogs.GetLogEventsOutput{}, nil
}

// inLoggedWorld is a world with the log group app, whose tasks write to it.
func inLoggedWorld(t *testing.T, test func(w *world, logs *logGroups)) {
	inWorld(t, func(w *world) {
		w.end()
		logs := &logGroups{groups: map[string]bool{"app": true}, streams: map[string][]string{}}
		w.config.Logs = logs.driver(w)
		w.boot()
		test(w, logs)
	})
}

func (l *logGroups) driver(w *world) *awslogs.Driver {
	w.Helper()
	driver, err := awslogs.New(awslogs.Config{Cell: w.config.Cell, Logs: func(string) (awslogs.Logs, error) { return l, nil }})
	if err != nil {
		w.Fatal(err)
	}
	return driver
}

// logged has the container of a definition write to a log group.
func logged(group string) func(*ecs.RegisterTaskDefinitionInput) {
	return func(in *ecs.RegisterTaskDefinitionInput) {
		in.ExecutionRoleArn = aws.String("arn:aws:iam::123456789012:role/execution")
		in.ContainerDefinitions[0].LogConfiguration = &types.LogConfiguration{LogDriver: types.LogDriverAwslogs, Options: map[string]string{
			"awslogs-group": group, "awslogs-region": "us-east-1", "awslogs-stream-prefix": "svc",
		}}
	}
}

func (w *world) runLogged(group string) string {
	w.Helper()
	w.cluster("prod")
	w.define(logged(group))
	out := must(w.api.RunTask(w.Context(), &ecs.RunTaskInput{Cluster: aws.String("prod"), TaskDefinition: aws.String("web"), LaunchType: types.LaunchTypeFargate, NetworkConfiguration: subnets}))(w)
	w.pass(2 * time.Second)
	return lastPart(*out.Tasks[0].TaskArn)
}

func (w *world) describe(id string) types.Task {
	w.Helper()
	return must(w.api.DescribeTasks(w.Context(), &ecs.DescribeTasksInput{Cluster: aws.String("prod"), Tasks: []string{id}}))(w).Tasks[0]
}

func TestWhatAContainerWritesIsInItsLogStream(t *testing.T) {
	inLoggedWorld(t, func(w *world, logs *logGroups) {
		id := w.runLogged("app")
		stream := "app:svc/web/" + id
		if got := logs.streams[stream]; !slices.Equal(got, []string{"hello from " + id}) {
			t.Errorf("the stream %s has %q", stream, got)
		}
		w.end() // stops the task
		w.pass(time.Second)
		w.config.Logs = logs.driver(w)
		w.boot()
		w.pass(2*forgetAfter + time.Second)
		if got := logs.streams[stream]; len(got) != 1 {
			t.Errorf("after another life the stream %s has %q", stream, got)
		}
		if !w.runtime.any().removed.Load() {
			t.Error("the task is still kept")
		}
	})
}

func TestATaskWhoseLogGroupIsNotThereDoesNotStart(t *testing.T) {
	inLoggedWorld(t, func(w *world, logs *logGroups) {
		got := w.describe(w.runLogged("other"))
		want := "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: " +
			"failed to create Cloudwatch log stream: ResourceNotFoundException: The specified log group does not exist. : exit status 1. " +
			"Create the log group, or set the option awslogs-create-group to true."
		if *got.LastStatus != statusStopped || got.StopCode != types.TaskStopCodeTaskFailedToStart || aws.ToString(got.StoppedReason) != want {
			t.Errorf("the task is %s with %s: %s", *got.LastStatus, got.StopCode, aws.ToString(got.StoppedReason))
		}
		if w.runtime.started != 0 {
			t.Error("its containers were started")
		}
	})
}

func TestALogGroupIsMadeWhereTheOptionAllowsIt(t *testing.T) {
	inLoggedWorld(t, func(w *world, logs *logGroups) {
		w.cluster("prod")
		w.define(logged("new"), func(in *ecs.RegisterTaskDefinitionInput) {
			in.ContainerDefinitions[0].LogConfiguration.Options["awslogs-create-group"] = "true"
		})
		must(w.api.CreateService(w.Context(), webService(3)))(w)
		w.pass(5 * time.Second)
		streams := slices.Collect(maps.Keys(logs.streams))
		if len(streams) != 3 || !strings.HasPrefix(streams[0], "new:svc/web/") {
			t.Errorf("the streams are %q, want one for each of three tasks", streams)
		}
	})
}
