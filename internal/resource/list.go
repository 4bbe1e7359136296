package resource

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	aastypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"golang.org/x/sync/errgroup"

	"flyball/internal/client"
	"flyball/scaling"
)

// List returns the names of what is there of some kinds, in the order of the kinds.
func List(ctx context.Context, c *client.Client, of ...Kind) ([]Name, error) {
	var names []Name
	for _, kind := range of {
		some, err := listers[kind](ctx, c)
		if err != nil {
			return nil, c.Plain(err)
		}
		slices.SortFunc(some, func(a, b Name) int { return strings.Compare(a.String(), b.String()) })
		names = append(names, some...)
	}
	return names, nil
}

var listers = map[Kind]func(context.Context, *client.Client) ([]Name, error){
	Service:  listServices,
	Task:     listTasks,
	Cluster:  listClusters,
	Function: listFunctions,
	Queue:    listQueues,
	LogGroup: listLogGroups,
}

func listClusters(ctx context.Context, c *client.Client) (names []Name, err error) {
	pages := ecs.NewListClustersPaginator(c.ECS, &ecs.ListClustersInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		names = append(names, parseARNs(page.ClusterArns)...)
	}
	return names, nil
}

func listServices(ctx context.Context, c *client.Client) ([]Name, error) {
	return eachCluster(ctx, c, func(ctx context.Context, cluster string) (names []Name, err error) {
		pages := ecs.NewListServicesPaginator(c.ECS, &ecs.ListServicesInput{Cluster: &cluster, MaxResults: aws.Int32(100)})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, err
			}
			names = append(names, parseARNs(page.ServiceArns)...)
		}
		return inCluster(names, cluster), nil
	})
}

// listTasks lists the tasks of which ECS knows, those that have stopped, too.
func listTasks(ctx context.Context, c *client.Client) ([]Name, error) {
	return eachCluster(ctx, c, func(ctx context.Context, cluster string) (names []Name, err error) {
		for _, status := range []ecstypes.DesiredStatus{ecstypes.DesiredStatusRunning, ecstypes.DesiredStatusStopped} {
			pages := ecs.NewListTasksPaginator(c.ECS, &ecs.ListTasksInput{Cluster: &cluster, DesiredStatus: status})
			for pages.HasMorePages() {
				page, err := pages.NextPage(ctx)
				if err != nil {
					return nil, err
				}
				names = append(names, parseARNs(page.TaskArns)...)
			}
		}
		return inCluster(names, cluster), nil
	})
}

// clustersAtOnce is how many clusters are asked about at once.
const clustersAtOnce = 8

// eachCluster puts together what is listed of each cluster. A cluster that is deleted
// meanwhile has nothing.
func eachCluster(ctx context.Context, c *client.Client, of func(ctx context.Context, cluster string) ([]Name, error)) ([]Name, error) {
	clusters, err := listClusters(ctx, c)
	if err != nil {
		return nil, err
	}
	var all []Name
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(clustersAtOnce)
	for _, cluster := range clusters {
		group.Go(func() error {
			names, err := of(ctx, cluster.ID)
			if isNone(err) {
				return nil
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, names...)
			return err
		})
	}
	return all, group.Wait()
}

// inCluster gives names the cluster that early ARNs leave out.
func inCluster(names []Name, cluster string) []Name {
	for i := range names {
		names[i].Cluster = cluster
	}
	return names
}

// listFunctions lists the versions and aliases that are scalable targets, and the functions
// of which none is.
func listFunctions(ctx context.Context, c *client.Client) (names []Name, err error) {
	scaled := map[string]bool{}
	targets := applicationautoscaling.NewDescribeScalableTargetsPaginator(c.AutoScaling, &applicationautoscaling.DescribeScalableTargetsInput{
		ServiceNamespace: aastypes.ServiceNamespace(scaling.Functions.Namespace()),
	})
	for targets.HasMorePages() {
		page, err := targets.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, t := range page.ScalableTargets {
			n := Of(scaling.ResourceID(aws.ToString(t.ResourceId)))
			scaled[n.ID] = true
			names = append(names, n)
		}
	}
	functions := lambda.NewListFunctionsPaginator(c.Lambda, &lambda.ListFunctionsInput{})
	for functions.HasMorePages() {
		page, err := functions.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, f := range page.Functions {
			if name := aws.ToString(f.FunctionName); !scaled[name] {
				names = append(names, Name{Kind: Function, ID: name})
			}
		}
	}
	return names, nil
}

func listQueues(ctx context.Context, c *client.Client) (names []Name, err error) {
	pages := sqs.NewListQueuesPaginator(c.SQS, &sqs.ListQueuesInput{MaxResults: aws.Int32(1000)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, url := range page.QueueUrls {
			for _, n := range parseURL(url) {
				names = append(names, Name{Kind: Queue, ID: n.ID})
			}
		}
	}
	return names, nil
}

func listLogGroups(ctx context.Context, c *client.Client) (names []Name, err error) {
	pages := cloudwatchlogs.NewDescribeLogGroupsPaginator(c.Logs, &cloudwatchlogs.DescribeLogGroupsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, g := range page.LogGroups {
			names = append(names, Name{Kind: LogGroup, ID: aws.ToString(g.LogGroupName)})
		}
	}
	return names, nil
}

// parseARNs reads ARNs of a server, of which it keeps what is not the same for all.
func parseARNs(arns []string) (names []Name) {
	for _, text := range arns {
		if n, ok := parseARN(text); ok {
			n.Region, n.Account = "", ""
			names = append(names, n)
		}
	}
	return names
}

// isNone reports whether a cluster is not there.
func isNone(err error) bool {
	_, none := errors.AsType[*ecstypes.ClusterNotFoundException](err)
	return none
}
