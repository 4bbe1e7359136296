package console

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"

	"flyball/internal/client"
)

// details are what a service consists of.
type details struct {
	TaskDefinition string
	Tasks          []taskRow
	Deployments    []ecstypes.Deployment
	Events         []ecstypes.ServiceEvent
	Health         []healthRow
}

// A taskRow is one task.
type taskRow struct {
	ID         string
	Status     string
	Health     string
	Revision   string
	Address    string
	CPU, MB    string // that it has reserved
	Use        *taskUse
	Started    time.Time
	Why        string // it stops
	Containers []string
}

// A taskUse is what a task used in the last period of its service's metrics.
type taskUse struct {
	CPU    *float64 // percent of what it has; nil in its first period
	Memory float64  // MiB
}

// taskUsePath is where the server tells what tasks use.
const taskUsePath = "/console/api/task-use"

// readUses adds what the tasks use. Whoever may not know sees the rest.
func readUses(v *visit, cluster, service string, tasks []taskRow) {
	uses := map[string]taskUse{}
	if err := v.Client.Own(v.r.Context(), http.MethodGet, taskUsePath, v.place(url.Values{"service": {cluster + "/" + service}}), &uses); err != nil {
		return
	}
	for i := range tasks {
		if use, known := uses[tasks[i].ID]; known {
			tasks[i].Use = &use
		}
	}
}

// A healthRow is a target in a target group.
type healthRow struct {
	Group, Target, State, Why string
}

// mostShown bounds the lists of a page.
const mostShown = 100

// readDetails reads the parts of a service.
func readDetails(ctx context.Context, c *client.Client, cluster, service string) (d details, err error) {
	out, err := c.ECS.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: &cluster, Services: []string{service}})
	if err != nil || len(out.Services) == 0 {
		return d, err
	}
	s := out.Services[0]
	d.TaskDefinition, d.Deployments = lastPart(aws.ToString(s.TaskDefinition)), s.Deployments
	d.Events = s.Events[:min(len(s.Events), 20)]
	if d.Tasks, err = readTasks(ctx, c, cluster, service); err != nil {
		return d, err
	}
	for _, lb := range s.LoadBalancers {
		rows, err := readHealth(ctx, c, aws.ToString(lb.TargetGroupArn))
		if err != nil {
			return d, err
		}
		d.Health = append(d.Health, rows...)
	}
	return d, nil
}

func readTasks(ctx context.Context, c *client.Client, cluster, service string) ([]taskRow, error) {
	list, err := c.ECS.ListTasks(ctx, &ecs.ListTasksInput{Cluster: &cluster, ServiceName: &service, MaxResults: aws.Int32(mostShown)})
	if err != nil || len(list.TaskArns) == 0 {
		return nil, err
	}
	out, err := c.ECS.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: &cluster, Tasks: list.TaskArns})
	if err != nil {
		return nil, err
	}
	var rows []taskRow
	for _, t := range out.Tasks {
		rows = append(rows, taskOf(t))
	}
	slices.SortFunc(rows, func(a, b taskRow) int { return a.Started.Compare(b.Started) })
	return rows, nil
}

func taskOf(t ecstypes.Task) taskRow {
	row := taskRow{
		ID: lastPart(aws.ToString(t.TaskArn)), Status: aws.ToString(t.LastStatus), Health: string(t.HealthStatus), Revision: lastPart(aws.ToString(t.TaskDefinitionArn)),
		CPU: aws.ToString(t.Cpu), MB: aws.ToString(t.Memory), Started: aws.ToTime(t.StartedAt), Why: aws.ToString(t.StoppedReason),
	}
	for _, a := range t.Attachments {
		for _, d := range a.Details {
			if aws.ToString(d.Name) == "privateIPv4Address" {
				row.Address = aws.ToString(d.Value)
			}
		}
	}
	for _, c := range t.Containers {
		row.Containers = append(row.Containers, aws.ToString(c.Name))
	}
	return row
}

func readHealth(ctx context.Context, c *client.Client, group string) (rows []healthRow, err error) {
	out, err := c.LoadBalancing.DescribeTargetHealth(ctx, &elb.DescribeTargetHealthInput{TargetGroupArn: &group})
	if err != nil {
		return nil, nil // the group is gone, as the needs of the service say
	}
	for _, t := range out.TargetHealthDescriptions {
		row := healthRow{Group: groupName(group), State: string(t.TargetHealth.State), Why: aws.ToString(t.TargetHealth.Description)}
		if t.Target != nil {
			row.Target = aws.ToString(t.Target.Id)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// groupName is the name in the ARN of a target group.
func groupName(arn string) string {
	_, rest, _ := strings.Cut(arn, ":targetgroup/")
	name, _, _ := strings.Cut(rest, "/")
	return name
}

func lastPart(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }
