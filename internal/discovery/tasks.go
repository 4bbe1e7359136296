package discovery

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// tasks finds the tasks of a service that run, each at its own address.
func (f Finder) tasks(ctx context.Context, s Subject) (Place, error) {
	place := Place{Via: "its tasks"}
	running, err := f.running(ctx, &ecs.ListTasksInput{Cluster: &s.Cluster, ServiceName: &s.Service})
	if err != nil {
		return place, err
	}
	ports := map[string]int{} // by task definition
	for _, task := range running {
		address := addressOf(task)
		if address == "" || aws.ToString(task.DesiredStatus) != "RUNNING" || aws.ToString(task.LastStatus) != "RUNNING" {
			continue // it is stopped, or does not answer yet
		}
		port := s.Port
		if definition := aws.ToString(task.TaskDefinitionArn); port == 0 {
			if port = ports[definition]; port == 0 {
				if port, err = f.port(ctx, definition); err != nil {
					return place, err
				}
				ports[definition] = port
			}
		}
		place.URLs = append(place.URLs, "http://"+net.JoinHostPort(address, strconv.Itoa(port)))
	}
	return place, nil
}

// running are the tasks that a list has, described.
func (f Finder) running(ctx context.Context, list *ecs.ListTasksInput) ([]ecstypes.Task, error) {
	var tasks []ecstypes.Task
	for pages := ecs.NewListTasksPaginator(f.ECS, list); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		if len(page.TaskArns) == 0 {
			continue
		}
		out, err := f.ECS.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: list.Cluster, Tasks: page.TaskArns})
		if err != nil {
			return nil, err
		}
		tasks = append(tasks, out.Tasks...)
	}
	return tasks, nil
}

// addressOf is a task's own address, or "" if it has none yet.
func addressOf(task ecstypes.Task) string {
	for _, attachment := range task.Attachments {
		for _, detail := range attachment.Details {
			if aws.ToString(detail.Name) == "privateIPv4Address" {
				return aws.ToString(detail.Value)
			}
		}
	}
	for _, container := range task.Containers {
		for _, binding := range container.NetworkBindings {
			return aws.ToString(binding.BindIP)
		}
	}
	return ""
}

// port is the first that a task definition maps.
func (f Finder) port(ctx context.Context, definition string) (int, error) {
	out, err := f.ECS.DescribeTaskDefinition(ctx, &ecs.DescribeTaskDefinitionInput{TaskDefinition: &definition})
	if err != nil {
		return 0, err
	}
	if out.TaskDefinition == nil {
		return 0, errors.New("the task definition is not told")
	}
	for _, container := range out.TaskDefinition.ContainerDefinitions {
		for _, mapping := range container.PortMappings {
			if mapping.Protocol != ecstypes.TransportProtocolUdp && mapping.ContainerPort != nil {
				return int(*mapping.ContainerPort), nil
			}
		}
	}
	return 0, &NoPortError{fmt.Sprintf("%s:%d", aws.ToString(out.TaskDefinition.Family), out.TaskDefinition.Revision)}
}

// A NoPortError is of tasks that do not say at which port they answer.
type NoPortError struct{ Definition string }

// Error says which flag tells it.
func (e *NoPortError) Error() string {
	return fmt.Sprintf("task definition %s maps no port: say with --port at which its tasks answer", e.Definition)
}

// Addresses are those of all tasks that the server runs, in all clusters.
func (f Finder) Addresses(ctx context.Context) (map[netip.Addr]bool, error) {
	addresses := map[netip.Addr]bool{}
	for pages := ecs.NewListClustersPaginator(f.ECS, &ecs.ListClustersInput{}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, cluster := range page.ClusterArns {
			tasks, err := f.running(ctx, &ecs.ListTasksInput{Cluster: &cluster})
			if err != nil {
				return nil, err
			}
			for _, task := range tasks {
				if address, err := netip.ParseAddr(addressOf(task)); err == nil {
					addresses[address] = true
				}
			}
		}
	}
	return addresses, nil
}
