// The function publishes the backlog per task: how many messages wait in the queue for
// each task of the service that runs. A rule of EventBridge calls it once a minute.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"strconv"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// The metric that the scaling policy follows.
const (
	namespace  = "Vouchers"
	metricName = "BacklogPerTask"
)

// A publisher measures one service and its queue.
type publisher struct {
	queue      *sqs.Client
	services   *ecs.Client
	metrics    *cloudwatch.Client
	queueURL   string
	cluster    string
	service    string
	likeInPost bool // divide by whatever runs, also by nothing
}

// Result is what an invocation tells.
type Result struct {
	Messages       int     `json:"messages"`
	Running        int     `json:"running"`
	BacklogPerTask float64 `json:"backlogPerTask"`
}

func main() {
	cfg, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	lambda.Start(newPublisher(cfg, os.Getenv).handle)
}

func newPublisher(cfg aws.Config, getenv func(string) string) publisher {
	return publisher{
		queue: sqs.NewFromConfig(cfg), services: ecs.NewFromConfig(cfg), metrics: cloudwatch.NewFromConfig(cfg),
		queueURL: getenv("QUEUE_URL"), cluster: getenv("ECS_CLUSTER_NAME"), service: getenv("ECS_SERVICE_NAME"),
		likeInPost: getenv("LIKE_IN_POST") != "",
	}
}

// handle publishes one datapoint.
func (p publisher) handle(ctx context.Context) (r Result, err error) {
	if r.Messages, err = p.messages(ctx); err != nil {
		return r, err
	}
	if r.Running, err = p.running(ctx); err != nil {
		return r, err
	}
	if r.BacklogPerTask = backlogPerTask(r.Messages, r.Running); p.likeInPost {
		r.BacklogPerTask = float64(r.Messages) / float64(r.Running)
	}
	_, err = p.metrics.PutMetricData(ctx, &cloudwatch.PutMetricDataInput{
		Namespace: aws.String(namespace),
		MetricData: []cwtypes.MetricDatum{{
			MetricName: aws.String(metricName),
			Dimensions: []cwtypes.Dimension{
				{Name: aws.String("ClusterName"), Value: &p.cluster},
				{Name: aws.String("ServiceName"), Value: &p.service},
			},
			Value: &r.BacklogPerTask,
			Unit:  cwtypes.StandardUnitCount,
		}},
	})
	return r, err
}

// backlogPerTask is how many messages wait for each task that runs. Where none runs it is
// as many as would wait for the first one: a number that says that there is work, where a
// division by zero says nothing.
func backlogPerTask(messages, running int) float64 {
	return float64(messages) / float64(max(running, 1))
}

func (p publisher) messages(ctx context.Context) (int, error) {
	out, err := p.queue.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &p.queueURL, AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameApproximateNumberOfMessages},
	})
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(out.Attributes[string(sqstypes.QueueAttributeNameApproximateNumberOfMessages)])
}

func (p publisher) running(ctx context.Context) (int, error) {
	out, err := p.services.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: &p.cluster, Services: []string{p.service}})
	if err != nil {
		return 0, err
	}
	if len(out.Services) != 1 {
		return 0, fmt.Errorf("there is no service %s in the cluster %s", p.service, p.cluster)
	}
	return int(out.Services[0].RunningCount), nil
}
