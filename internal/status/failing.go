package status

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// stoppedTasks are the calls that tell of tasks that have stopped.
type stoppedTasks interface {
	ListTasks(context.Context, *ecs.ListTasksInput, ...func(*ecs.Options)) (*ecs.ListTasksOutput, error)
	DescribeTasks(context.Context, *ecs.DescribeTasksInput, ...func(*ecs.Options)) (*ecs.DescribeTasksOutput, error)
}

var _ stoppedTasks = (*ecs.Client)(nil)

// reasons tells why a service fails, newest first; nothing if it does not. Its events since
// it was steady say it, or the last of its tasks that ended by themselves.
func reasons(ctx context.Context, c stoppedTasks, service types.Service) ([]string, error) {
	why := troubles(service.Events)
	for _, d := range service.Deployments {
		if d.RolloutState == types.DeploymentRolloutStateFailed && aws.ToString(d.Status) == "PRIMARY" {
			why = append(why, aws.ToString(d.RolloutStateReason))
		}
	}
	if service.RunningCount >= service.DesiredCount && !troubled(service) {
		return compact(why), nil
	}
	ended, err := lastFailure(ctx, c, service)
	if ended != "" {
		why = slices.Insert(why, 0, ended)
	}
	return compact(why), err
}

// impaired is the event that tells that tasks do not start, and not why.
const impaired = "is unable to consistently start tasks successfully"

// compact leaves out what is told twice: a task's end by its event, and all together by the
// event that has no reason.
func compact(texts []string) (once []string) {
	for _, text := range texts {
		_, reason, launched := strings.Cut(text, "failed to launch a task with (error ")
		told := slices.ContainsFunc(once, func(other string) bool {
			return other == text || launched && strings.Contains(other, strings.TrimSuffix(reason, ")."))
		})
		if !told && !(len(texts) > 1 && strings.HasPrefix(text, impaired)) {
			once = append(once, text)
		}
	}
	return once
}

// troubled reports whether tasks of a deployment have failed.
func troubled(service types.Service) bool {
	return slices.ContainsFunc(service.Deployments, func(d types.Deployment) bool {
		return d.FailedTasks > 0 && d.RolloutState == types.DeploymentRolloutStateInProgress
	})
}

// Words of the events that tell what is wrong ("Amazon ECS service event messages").
var (
	steady  = "has reached a steady state"
	trouble = []string{"failed to launch", "unable to", "is unhealthy", "is not healthy", "failed container health checks", "failed to register"}
)

// troubles are what events tell of trouble since the service was steady, newest first.
func troubles(events []types.ServiceEvent) (found []string) {
	for _, e := range events {
		_, text, ok := strings.Cut(aws.ToString(e.Message), ") ")
		if strings.Contains(text, steady) {
			break
		}
		if ok && slices.ContainsFunc(trouble, func(words string) bool { return strings.Contains(text, words) }) {
			found = append(found, text)
		}
	}
	return found
}

// mostStopped is how many stopped tasks are looked at ("DescribeTasks").
const mostStopped = 100

// lastFailure is why the last of a service's tasks ended that ended by itself.
func lastFailure(ctx context.Context, c stoppedTasks, service types.Service) (string, error) {
	list, err := c.ListTasks(ctx, &ecs.ListTasksInput{
		Cluster: service.ClusterArn, ServiceName: service.ServiceName, DesiredStatus: types.DesiredStatusStopped, MaxResults: aws.Int32(mostStopped),
	})
	if err != nil || len(list.TaskArns) == 0 {
		return "", err
	}
	out, err := c.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: service.ClusterArn, Tasks: list.TaskArns})
	if err != nil {
		return "", err
	}
	var last *types.Task
	for i, t := range out.Tasks {
		failed := t.StopCode == types.TaskStopCodeTaskFailedToStart || t.StopCode == types.TaskStopCodeEssentialContainerExited
		if failed && (last == nil || aws.ToTime(t.StoppedAt).After(aws.ToTime(last.StoppedAt))) {
			last = &out.Tasks[i]
		}
	}
	if last == nil {
		return "", nil
	}
	return ending(*last), nil
}

// ending tells how a task ended, and each of its containers.
func ending(t types.Task) string {
	arn := aws.ToString(t.TaskArn)
	id := fmt.Sprintf("%.8s", arn[strings.LastIndexByte(arn, '/')+1:])
	text, explained := fmt.Sprintf("task %s: %s", id, aws.ToString(t.StoppedReason)), false
	for _, c := range t.Containers {
		reason := aws.ToString(c.Reason)
		explained = explained || reason != ""
		switch {
		case c.ExitCode != nil && *c.ExitCode != 0:
			text += fmt.Sprintf("; container %s ended with exit code %d", aws.ToString(c.Name), *c.ExitCode)
			if reason != "" {
				text += ": " + reason
			}
		case reason != "" && !strings.Contains(text, reason):
			text += fmt.Sprintf("; container %s: %s", aws.ToString(c.Name), reason)
		}
	}
	if t.StopCode == types.TaskStopCodeEssentialContainerExited && !explained {
		text += "; flyball logs " + id + " tells what it has written"
	}
	return text
}
