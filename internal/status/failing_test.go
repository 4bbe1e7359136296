package status

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// stopped are tasks that have stopped.
type stopped []types.Task

func (s stopped) ListTasks(context.Context, *ecs.ListTasksInput, ...func(*ecs.Options)) (*ecs.ListTasksOutput, error) {
	out := &ecs.ListTasksOutput{}
	for _, t := range s {
		out.TaskArns = append(out.TaskArns, *t.TaskArn)
	}
	return out, nil
}

func (s stopped) DescribeTasks(context.Context, *ecs.DescribeTasksInput, ...func(*ecs.Options)) (*ecs.DescribeTasksOutput, error) {
	return &ecs.DescribeTasksOutput{Tasks: s}, nil
}

func said(texts ...string) (events []types.ServiceEvent) {
	for _, text := range texts {
		events = append(events, types.ServiceEvent{Message: aws.String("(service web) " + text)})
	}
	return events
}

func TestWhyAServiceFailsIsToldByItsEventsSinceItWasSteadyAndByItsLastTask(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	task := func(id string, code types.TaskStopCode, ago time.Duration, containers ...types.Container) types.Task {
		return types.Task{
			TaskArn: aws.String("arn:aws:ecs:us-east-1:123456789012:task/demo/" + id), StopCode: code,
			StoppedReason: aws.String("reason of " + id), StoppedAt: aws.Time(now.Add(-ago)), Containers: containers,
		}
	}
	crashed := task("0f9d1c62b1a84f3f", types.TaskStopCodeEssentialContainerExited, time.Second,
		types.Container{Name: aws.String("main"), ExitCode: aws.Int32(3)}, types.Container{Name: aws.String("side"), ExitCode: aws.Int32(0)})
	scaledIn := task("1aaaaaaaaaaaaaaa", types.TaskStopCodeServiceSchedulerInitiated, 0)
	older := task("2bbbbbbbbbbbbbbb", types.TaskStopCodeTaskFailedToStart, time.Minute)
	for _, tt := range []struct {
		name    string
		events  []types.ServiceEvent
		tasks   stopped
		running int32
		want    []string
	}{
		{"all run, and tasks of earlier are none of its troubles", said("has reached a steady state."), stopped{crashed}, 1, nil},
		{"trouble before it was steady is over", said("has started 1 tasks: (task 1).", "has reached a steady state.", "failed to launch a task with (error x)."), nil, 1, nil},
		{"what comes again is told once", said("failed to launch a task with (error y).", "failed to launch a task with (error x).", "failed to launch a task with (error y)."), nil, 0,
			[]string{"failed to launch a task with (error y).", "failed to launch a task with (error x)."}},
		{"targets are unhealthy though all run", said("(task 1) (port 80) is unhealthy in (target-group g) due to (reason r)."), nil, 1,
			[]string{"(task 1) (port 80) is unhealthy in (target-group g) due to (reason r)."}},
		{"the last task that ended by itself", nil, stopped{older, scaledIn, crashed}, 0,
			[]string{"task 0f9d1c62: reason of 0f9d1c62b1a84f3f; container main ended with exit code 3; flyball logs 0f9d1c62 tells what it has written"}},
		{"an end is told once", said("is unable to consistently start tasks successfully.", "failed to launch a task with (error reason of 2bbbbbbbbbbbbbbb)."), stopped{older}, 0,
			[]string{"task 2bbbbbbb: reason of 2bbbbbbbbbbbbbbb"}},
		{"fewer run than are desired because they are being started", said("has started 1 tasks: (task 1)."), stopped{scaledIn}, 0, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := reasons(t.Context(), tt.tasks, types.Service{Events: tt.events, DesiredCount: 1, RunningCount: tt.running})
			if err != nil || !slices.Equal(got, tt.want) {
				t.Errorf("%q, %v; want %q", got, err, tt.want)
			}
		})
	}
}
