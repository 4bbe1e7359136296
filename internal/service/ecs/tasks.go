package ecs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/optional"
	"flyball/internal/service/ecs/fault"
	"flyball/internal/service/ecs/rules"
	"flyball/internal/service/ecs/scheduler"
	"flyball/internal/state"
	runtime "flyball/internal/task"
)

// describeTask is the task as the API shows it.
func describeTask(t *task, include []types.TaskField) types.Task {
	d := t.api
	if !slices.Contains(include, types.TaskFieldTags) {
		d.Tags = []types.Tag{}
	}
	return d
}

// RunTask starts up to ten tasks that belong to no service.
func (a *API) RunTask(ctx context.Context, in *ecs.RunTaskInput, _ ...func(*ecs.Options)) (*ecs.RunTaskOutput, error) {
	if err := rules.CheckRunTask(in); err != nil {
		return nil, err
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	out := &ecs.RunTaskOutput{Tasks: []types.Task{}, Failures: []types.Failure{}}
	return answer(out, a.cell.State.Change(ctx, func(ctx context.Context, tx *state.Tx) error {
		c, err := a.activeCluster(in.Cluster)
		if err != nil {
			return err
		}
		if earlier := c.startedWith(aws.ToString(in.ClientToken)); len(earlier) > 0 {
			if earlier[0].request != fingerprint(in) {
				return conflictingRun(earlier)
			}
			for _, t := range earlier {
				out.Tasks = append(out.Tasks, describeTask(t, []types.TaskField{types.TaskFieldTags}))
			}
			return nil
		}
		order, err := a.runOrder(ctx, c, in)
		if err != nil {
			return err
		}
		providers, subnets := scheduler.NewSpread(order.launch.Strategy), scheduler.NewEvenSpread(order.launch.Subnets())
		for range max(1, aws.ToInt32(in.Count)) {
			order.provider, order.subnet = providers.Next(), subnets.Next()
			t := a.newTask(tx, order)
			out.Tasks = append(out.Tasks, describeTask(t, []types.TaskField{types.TaskFieldTags}))
		}
		return nil
	}))
}

// startedWith are the tasks of an earlier call with the same client token.
func (c *cluster) startedWith(token string) []*task {
	if token == "" {
		return nil
	}
	var tasks []*task
	for _, t := range c.tasks {
		if t.clientToken == token {
			tasks = append(tasks, t)
		}
	}
	return tasks
}

// fingerprint tells a RunTask call from any other. Only calls with a client token
// have one.
func fingerprint(in *ecs.RunTaskInput) string {
	if aws.ToString(in.ClientToken) == "" {
		return ""
	}
	sum := sha256.Sum256(marshal(in))
	return hex.EncodeToString(sum[:16])
}

func conflictingRun(earlier []*task) error {
	conflict := &types.ConflictException{
		Message: aws.String("The RunTask request could not be processed due to conflicts. The provided clientToken is already in use with a different RunTask request."),
	}
	for _, t := range earlier {
		conflict.ResourceIds = append(conflict.ResourceIds, t.arn())
	}
	return conflict
}

// runOrder validates a RunTask call against the state.
func (a *API) runOrder(ctx context.Context, c *cluster, in *ecs.RunTaskInput) (taskOrder, error) {
	def, err := a.usableDefinition(in.TaskDefinition)
	if err != nil {
		return taskOrder{}, err
	}
	if err := rules.CheckOverrides(&def.api, in.Overrides); err != nil {
		return taskOrder{}, err
	}
	l := rules.Launch{
		LaunchType:      in.LaunchType,
		Strategy:        in.CapacityProviderStrategy,
		Network:         in.NetworkConfiguration,
		PlatformVersion: in.PlatformVersion,
	}
	if l, err = l.Resolve(&c.api, &def.api); err != nil {
		return taskOrder{}, err
	}
	if l, err = a.placed(ctx, l); err != nil {
		return taskOrder{}, err
	}
	tags := in.Tags
	if in.PropagateTags == types.PropagateTagsTaskDefinition {
		if tags, err = mergeTags(def.tags, tags); err != nil {
			return taskOrder{}, err
		}
	}
	if in.EnableECSManagedTags {
		tags = append(slices.Clone(tags), types.Tag{Key: aws.String("aws:ecs:clusterName"), Value: aws.String(c.name)})
	}
	group := aws.ToString(in.Group)
	if group == "" {
		group = "family:" + *def.api.Family
	}
	return taskOrder{
		cluster:     c,
		definition:  def,
		launch:      l,
		group:       group,
		startedBy:   aws.ToString(in.StartedBy),
		overrides:   in.Overrides,
		tags:        tags,
		exec:        in.EnableExecuteCommand,
		clientToken: aws.ToString(in.ClientToken),
		request:     fingerprint(in),
	}, nil
}

// StopTask stops a task. One of a service is replaced by the scheduler.
func (a *API) StopTask(ctx context.Context, in *ecs.StopTaskInput, _ ...func(*ecs.Options)) (*ecs.StopTaskOutput, error) {
	if len(aws.ToString(in.Reason)) > 1024 {
		return nil, fault.InvalidParameter("The reason can be at most 1024 characters long.")
	}
	out := &ecs.StopTaskOutput{}
	return answer(out, a.cell.State.Change(ctx, func(ctx context.Context, tx *state.Tx) error {
		c, err := a.activeCluster(in.Cluster)
		if err != nil {
			return err
		}
		if err := checkID("task", aws.ToString(in.Task)); err != nil {
			return err
		}
		t, ok := a.findTask(c, aws.ToString(in.Task))
		if !ok {
			return fault.InvalidParameter("The referenced task was not found.")
		}
		reason := aws.ToString(in.Reason)
		if reason == "" {
			reason = "Task stopped by user"
		}
		a.stopTask(tx, t, stopUser, reason)
		shown := describeTask(t, []types.TaskField{types.TaskFieldTags})
		out.Task = &shown
		return nil
	}))
}

// DescribeTasks describes up to 100 tasks of a cluster, stopped ones too while
// they are remembered.
func (a *API) DescribeTasks(ctx context.Context, in *ecs.DescribeTasksInput, _ ...func(*ecs.Options)) (*ecs.DescribeTasksOutput, error) {
	out := &ecs.DescribeTasksOutput{Tasks: []types.Task{}, Failures: []types.Failure{}}
	return read(ctx, a, func() (*ecs.DescribeTasksOutput, error) {
		c, err := a.activeCluster(in.Cluster)
		if err != nil {
			return nil, err
		}
		switch n := len(in.Tasks); {
		case n == 0:
			return nil, fault.InvalidParameter("Tasks cannot be empty.")
		case n > 100:
			return nil, fault.InvalidParameter("Tasks can have at most 100 items.")
		}
		for _, ref := range in.Tasks {
			if err := checkID("task", ref); err != nil {
				return nil, err
			}
			t, ok := a.findTask(c, ref)
			if !ok {
				out.Failures = append(out.Failures, missing(a.reference("task", ref, c.name)))
				continue
			}
			out.Tasks = append(out.Tasks, describeTask(t, in.Include))
		}
		return out, nil
	})
}

// ListTasks lists the ARNs of a cluster's tasks that pass all the filters. Tasks
// that are to run are listed unless stopped ones are asked for.
func (a *API) ListTasks(ctx context.Context, in *ecs.ListTasksInput, _ ...func(*ecs.Options)) (*ecs.ListTasksOutput, error) {
	arns, err := a.matchingTasks(ctx, in)
	if err != nil {
		return nil, err
	}
	slices.Sort(arns)
	arns, next, err := pageOf(arns, in.NextToken, in.MaxResults, 100)
	if err != nil {
		return nil, err
	}
	return &ecs.ListTasksOutput{TaskArns: optional.List(arns), NextToken: next}, nil
}

func (a *API) matchingTasks(ctx context.Context, in *ecs.ListTasksInput) ([]string, error) {
	return read(ctx, a, func() ([]string, error) {
		c, err := a.activeCluster(in.Cluster)
		if err != nil {
			return nil, err
		}
		if in.StartedBy != nil && (in.Family != nil || in.ServiceName != nil || in.LaunchType != "") {
			return nil, fault.InvalidParameter("When startedBy is specified, it must be the only filter.")
		}
		tasks := c.tasks
		if in.ServiceName != nil {
			s, ok := a.findService(c, *in.ServiceName)
			if !ok {
				return nil, fault.ServiceNotFound()
			}
			if in.DesiredStatus != types.DesiredStatusStopped {
				tasks = s.tasks // those of one service: no need to look at all
			}
			in = &ecs.ListTasksInput{
				ServiceName:       aws.String("service:" + s.name),
				ContainerInstance: in.ContainerInstance,
				DaemonName:        in.DaemonName,
				DesiredStatus:     in.DesiredStatus,
				Family:            in.Family,
				LaunchType:        in.LaunchType,
				StartedBy:         in.StartedBy,
			}
		}
		var arns []string
		for _, t := range tasks {
			if t.matches(in) {
				arns = append(arns, t.arn())
			}
		}
		return arns, nil
	})
}

// matches is whether a task passes the filters. ServiceName is the task group
// here.
func (t *task) matches(in *ecs.ListTasksInput) bool {
	wanted := in.DesiredStatus
	if wanted == "" {
		wanted = types.DesiredStatusRunning
	}
	switch {
	case in.DaemonName != nil:
		return false // there are none
	case in.ContainerInstance != nil && lastPart(aws.ToString(t.api.ContainerInstanceArn)) != lastPart(*in.ContainerInstance):
		return false
	case *t.api.DesiredStatus != string(wanted): // no task has PENDING here, as on AWS
		return false
	case in.ServiceName != nil && *t.api.Group != *in.ServiceName:
		return false
	case in.Family != nil && *t.definition.api.Family != *in.Family:
		return false
	case in.StartedBy != nil && aws.ToString(t.api.StartedBy) != *in.StartedBy:
		return false
	case in.LaunchType != "" && t.api.LaunchType != in.LaunchType:
		return false
	}
	return true
}

// TaskLog opens what a container of a task has written. The task is named by its ID
// or ARN; an empty container name is the first container.
func (a *API) TaskLog(ctx context.Context, ref, container string, opts runtime.LogOptions) (runtime.Log, error) {
	handle, err := a.handleOf(ctx, ref)
	if err != nil {
		return nil, err
	}
	return handle.Logs(ctx, container, opts)
}

func (a *API) handleOf(ctx context.Context, ref string) (runtime.Task, error) {
	return read(ctx, a, func() (runtime.Task, error) {
		for _, c := range a.clusters {
			if t, ok := a.findTask(c, ref); ok {
				if t.handle == nil {
					return nil, fault.Client("There are no logs of the task: its containers have not been started, or the server was started again since.")
				}
				return t.handle, nil
			}
		}
		return nil, fault.InvalidParameter("The referenced task was not found.")
	})
}
