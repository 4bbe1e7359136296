package tail

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/awslogs"
	"flyball/internal/client"
	"flyball/internal/resource"
)

// A set is the sources that a name stands for.
type set struct {
	client *client.Client
	Options
	from  time.Time // the beginning of what is read
	speed float64

	sources     []source
	known       map[string]bool                  // containers, as TASK/CONTAINER, that are among them
	definitions map[string]*types.TaskDefinition // by ARN
	regions     map[string]filterer              // CloudWatch Logs in each
}

// A place is a log group in a region.
type place struct{ region, group string }

// find returns what adds the sources that have come to be, and tells whether no more will
// be written to any.
func (s *set) find(name resource.Name) func(context.Context) (over bool, err error) {
	switch name.Kind {
	case resource.Task:
		return func(ctx context.Context) (bool, error) { return s.task(ctx, name.Cluster, name.ID) }
	case resource.Service:
		return func(ctx context.Context) (bool, error) { return false, s.service(ctx, name.Cluster, name.ID) }
	}
	s.addGroup(place{s.client.Region, name.ID})
	return func(context.Context) (bool, error) { return false, nil }
}

// addGroup reads a log group, or some of its streams.
func (s *set) addGroup(at place, streams ...string) {
	if s.regions[at.region] == nil {
		s.regions[at.region] = s.client.In(at.region).Logs
	}
	s.sources = append(s.sources, &group{
		logs: s.regions[at.region], name: at.group, streams: streams, pattern: s.Filter, from: s.from,
		late: time.Duration(float64(lateEvents) * s.speed), seen: map[string]time.Time{},
	})
}

// task reads a task, until it has stopped or is forgotten.
func (s *set) task(ctx context.Context, cluster, id string) (over bool, err error) {
	tasks, err := s.describe(ctx, cluster, []string{id})
	if err != nil || len(tasks) == 0 {
		return true, err
	}
	if s.Container == "" {
		s.Container = aws.ToString(tasks[0].Containers[0].Name)
	}
	return aws.ToString(tasks[0].LastStatus) == "STOPPED", s.add(ctx, tasks)
}

// service reads the tasks of a service, those that have stopped, too.
func (s *set) service(ctx context.Context, cluster, service string) error {
	for _, status := range []types.DesiredStatus{types.DesiredStatusStopped, types.DesiredStatusRunning} {
		pages := ecs.NewListTasksPaginator(s.client.ECS, &ecs.ListTasksInput{Cluster: &cluster, ServiceName: &service, DesiredStatus: status})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return s.client.Plain(err)
			}
			tasks, err := s.describe(ctx, cluster, page.TaskArns)
			if err != nil {
				return err
			}
			if err := s.add(ctx, tasks); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *set) describe(ctx context.Context, cluster string, tasks []string) ([]types.Task, error) {
	if len(tasks) == 0 {
		return nil, nil
	}
	out, err := s.client.ECS.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: &cluster, Tasks: tasks})
	if err != nil {
		return nil, s.client.Plain(err)
	}
	return out.Tasks, nil
}

// add adds the containers of tasks that have been started. Those of a log group are one
// source.
func (s *set) add(ctx context.Context, tasks []types.Task) error {
	streams := map[place][]string{}
	for _, t := range tasks {
		if t.PullStoppedAt == nil {
			continue // nothing has been started
		}
		definition, err := s.definition(ctx, *t.TaskDefinitionArn)
		if err != nil {
			return err
		}
		for _, c := range definition.ContainerDefinitions {
			s.addContainer(streams, t, c)
		}
	}
	for at, names := range streams {
		for part := range slices.Chunk(names, mostStreams) {
			s.addGroup(at, part...)
		}
	}
	return nil
}

// mostStreams is how many streams one call can name ("FilterLogEvents").
const mostStreams = 100

// addContainer adds a container: a stream to those that are to be read, or what the
// runtime keeps.
func (s *set) addContainer(streams map[place][]string, t types.Task, c types.ContainerDefinition) {
	id := lastPart(*t.TaskArn)
	key := id + "/" + *c.Name
	if s.known[key] || s.Container != "" && s.Container != *c.Name {
		return
	}
	s.known[key] = true
	if l := c.LogConfiguration; l != nil && l.LogDriver == types.LogDriverAwslogs {
		to, err := awslogs.ParseOptions(l.Options, "", *c.Name, id, runtimeID(t, *c.Name))
		if err == nil {
			at := place{to.Region, to.Group}
			streams[at] = append(streams[at], to.Stream)
			return
		}
	}
	s.sources = append(s.sources, &local{client: s.client, task: id, container: *c.Name, name: key, pattern: s.Filter, from: s.from})
}

// definition is a task definition, which is asked for once.
func (s *set) definition(ctx context.Context, name string) (*types.TaskDefinition, error) {
	if d := s.definitions[name]; d != nil {
		return d, nil
	}
	out, err := s.client.ECS.DescribeTaskDefinition(ctx, &ecs.DescribeTaskDefinitionInput{TaskDefinition: &name})
	if err != nil {
		return nil, s.client.Plain(err)
	}
	s.definitions[name] = out.TaskDefinition
	return out.TaskDefinition, nil
}

func runtimeID(t types.Task, container string) string {
	for _, c := range t.Containers {
		if aws.ToString(c.Name) == container {
			return aws.ToString(c.RuntimeId)
		}
	}
	return ""
}

// lastPart is what follows the last slash.
func lastPart(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }
