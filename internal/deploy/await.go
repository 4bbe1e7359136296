package deploy

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// often is how often it is looked whether the tasks run.
const often = 200 * time.Millisecond

// await returns when all tasks of the newest definition run and a load balancer sends them
// requests, or with the reason why one has stopped.
func (d *deployer) await(ctx context.Context, definition *string) error {
	for {
		ready, err := d.ready(ctx)
		if err == nil && !ready {
			err = d.failure(ctx, definition)
		}
		if ready || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the tasks of %s/%s do not run yet (%w); flyball status and flyball logs %[1]s/%[2]s tell more",
				d.plan.Cluster, d.plan.Name, context.Cause(ctx))
		case <-time.After(often):
		}
	}
}

// awaitDrained waits a while for a service that was deleted, and says so at first.
func (d *deployer) awaitDrained(ctx context.Context, told bool) error {
	if !told {
		d.tell(fmt.Sprintf("# %s/%s was deleted, and its last tasks still end; a new one is made then", d.plan.Cluster, d.plan.Name))
	}
	select {
	case <-ctx.Done():
		return fmt.Errorf("service %s/%s was deleted, and its last tasks have not ended yet (%w); try again later, or give another --name",
			d.plan.Cluster, d.plan.Name, context.Cause(ctx))
	case <-time.After(often):
		return nil
	}
}

func (d *deployer) ready(ctx context.Context) (bool, error) {
	out, err := d.ECS.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: &d.plan.Cluster, Services: []string{d.plan.Name}})
	if err != nil {
		return false, err
	}
	if len(out.Services) == 0 {
		return false, errors.New("the service is gone")
	}
	s := out.Services[0]
	d.service.Running = s.RunningCount
	// The deployments before have ended when the newest is alone.
	if len(s.Deployments) != 1 || s.RunningCount < s.DesiredCount || s.RunningCount == 0 {
		return false, nil
	}
	if d.service.balancer.group == "" {
		return true, nil
	}
	n, err := d.healthy(ctx)
	return n >= s.RunningCount, err
}

// failure is the reason why a task of a definition has stopped, or nil.
func (d *deployer) failure(ctx context.Context, definition *string) error {
	list, err := d.ECS.ListTasks(ctx, &ecs.ListTasksInput{Cluster: &d.plan.Cluster, ServiceName: &d.plan.Name, DesiredStatus: ecstypes.DesiredStatusStopped})
	if err != nil || len(list.TaskArns) == 0 {
		return err
	}
	out, err := d.ECS.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: &d.plan.Cluster, Tasks: list.TaskArns})
	if err != nil {
		return err
	}
	for _, t := range out.Tasks {
		if aws.ToString(t.TaskDefinitionArn) == *definition {
			return fmt.Errorf("a task of %s/%s has stopped: %s. %sThe service goes on trying; flyball logs %[1]s/%[2]s shows what the program wrote, and flyball run starts another version",
				d.plan.Cluster, d.plan.Name, reason(t), d.plan.meaning(t))
		}
	}
	return nil
}

// meaning says what a reason comes to where it names only what the load balancer has found.
func (p Plan) meaning(t ecstypes.Task) string {
	if p.Port == 0 || !strings.Contains(aws.ToString(t.StoppedReason), "ELB health checks") {
		return ""
	}
	return fmt.Sprintf("The program has to listen to port %d, which $PORT tells it, and to answer requests for %s (--health-path) with 200. ", p.Port, p.HealthPath)
}

// reason is what is told of a task that has stopped.
func reason(t ecstypes.Task) string {
	told := []string{strings.TrimSuffix(aws.ToString(t.StoppedReason), ".")}
	for _, c := range t.Containers {
		if c.ExitCode != nil {
			told = append(told, fmt.Sprintf("exit code %d", *c.ExitCode))
		}
		if text := aws.ToString(c.Reason); text != "" && text != aws.ToString(t.StoppedReason) {
			told = append(told, strings.TrimSuffix(text, "."))
		}
	}
	return strings.Join(told, "; ")
}
