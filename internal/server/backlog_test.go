package server

import (
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	aastypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"flyball/internal/client"
	"flyball/internal/task/idle"
)

// perTask is the expression of docs/metric-math.md that has a value without a task.
const perTask = "IF(FILL(tasks, 0) > 0, visible / tasks, visible)"

// A stat is a metric of a policy's metric math.
type stat struct {
	id, namespace, name, statistic string
	dimensions                     []string // name, value, name, ...
}

var (
	visible  = stat{"visible", "AWS/SQS", "ApproximateNumberOfMessagesVisible", "Average", []string{"QueueName", "vouchers"}}
	counted  = stat{"tasks", "ECS/ContainerInsights", "RunningTaskCount", "Average", []string{"ClusterName", "shop", "ServiceName", "workers"}}
	measured = stat{"tasks", "AWS/ECS", "CPUUtilization", "SampleCount", []string{"ClusterName", "shop", "ServiceName", "workers"}}
)

// perTaskOf is the backlog per task in metric math.
func perTaskOf(stats ...stat) aastypes.TargetTrackingScalingPolicyConfiguration {
	var queries []aastypes.TargetTrackingMetricDataQuery
	for _, s := range stats {
		m := &aastypes.TargetTrackingMetric{Namespace: &s.namespace, MetricName: &s.name}
		for i := 0; i < len(s.dimensions); i += 2 {
			m.Dimensions = append(m.Dimensions, aastypes.TargetTrackingMetricDimension{Name: &s.dimensions[i], Value: &s.dimensions[i+1]})
		}
		queries = append(queries, aastypes.TargetTrackingMetricDataQuery{
			Id: &s.id, ReturnData: aws.Bool(false), MetricStat: &aastypes.TargetTrackingMetricStat{Metric: m, Stat: &s.statistic},
		})
	}
	queries = append(queries, aastypes.TargetTrackingMetricDataQuery{Id: aws.String("backlog"), Expression: aws.String(perTask)})
	return aastypes.TargetTrackingScalingPolicyConfiguration{CustomizedMetricSpecification: &aastypes.CustomizedMetricSpecification{Metrics: queries}}
}

// backlogOf is the backlog per task as Flyball measures it.
func backlogOf(queue string) aastypes.TargetTrackingScalingPolicyConfiguration {
	return aastypes.TargetTrackingScalingPolicyConfiguration{PredefinedMetricSpecification: &aastypes.PredefinedMetricSpecification{
		PredefinedMetricType: "FlyballSQSBacklogPerTask", ResourceLabel: &queue,
	}}
}

// A queueShop is a queue, and a service without tasks that takes its messages.
type queueShop struct {
	*testing.T
	*client.Client
	queue *string
}

// inQueueShop runs a test at 600 times speed.
func inQueueShop(t *testing.T, insights string, test func(queueShop)) {
	s, err := Open(t.Context(), Config{
		Addr: "127.0.0.1:0", Tasks: idle.Runtime{}, Speed: 600, Account: testAccount, Region: testRegion, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer running(t, s)()
	w := queueShop{t, client.New(client.Config{Endpoint: s.URL(), Region: testRegion}), nil}
	ctx := t.Context()
	w.queue = createQueue(t, w.SQS, "vouchers")
	_, err = w.ECS.CreateCluster(ctx, &ecs.CreateClusterInput{
		ClusterName: aws.String("shop"), Settings: []ecstypes.ClusterSetting{{Name: ecstypes.ClusterSettingNameContainerInsights, Value: &insights}},
	})
	w.check(err)
	_, err = w.ECS.RegisterTaskDefinition(ctx, &ecs.RegisterTaskDefinitionInput{
		Family:               aws.String("worker"),
		ContainerDefinitions: []ecstypes.ContainerDefinition{{Name: aws.String("worker"), Image: aws.String("worker"), Memory: aws.Int32(16)}},
	})
	w.check(err)
	_, err = w.ECS.CreateService(ctx, &ecs.CreateServiceInput{
		Cluster: aws.String("shop"), ServiceName: aws.String("workers"), TaskDefinition: aws.String("worker"), DesiredCount: aws.Int32(0),
	})
	w.check(err)
	_, err = w.AutoScaling.RegisterScalableTarget(ctx, &applicationautoscaling.RegisterScalableTargetInput{
		ServiceNamespace: aastypes.ServiceNamespaceEcs, ScalableDimension: aastypes.ScalableDimensionECSServiceDesiredCount,
		ResourceId: aws.String("service/shop/workers"), MinCapacity: aws.Int32(0), MaxCapacity: aws.Int32(20),
	})
	w.check(err)
	test(w)
}

func (w queueShop) check(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// follow puts a policy of 100 messages a task.
func (w queueShop) follow(c aastypes.TargetTrackingScalingPolicyConfiguration) error {
	c.TargetValue = aws.Float64(100)
	_, err := w.AutoScaling.PutScalingPolicy(w.Context(), &applicationautoscaling.PutScalingPolicyInput{
		ServiceNamespace: aastypes.ServiceNamespaceEcs, ScalableDimension: aastypes.ScalableDimensionECSServiceDesiredCount,
		ResourceId: aws.String("service/shop/workers"), PolicyName: aws.String("backlog"),
		PolicyType: aastypes.PolicyTypeTargetTrackingScaling, TargetTrackingScalingPolicyConfiguration: &c,
	})
	return err
}

func (w queueShop) send(n int) {
	w.Helper()
	for i := range n / 10 {
		var entries []sqstypes.SendMessageBatchRequestEntry
		for k := range 10 {
			entries = append(entries, sqstypes.SendMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(k)), MessageBody: aws.String(strconv.Itoa(i))})
		}
		_, err := w.SQS.SendMessageBatch(w.Context(), &sqs.SendMessageBatchInput{QueueUrl: w.queue, Entries: entries})
		w.check(err)
	}
}

// awaitTasks waits until the service has a number of tasks in a range. A metric of a minute
// in which tasks were starting counts fewer than there are then, so that the next step can be
// beyond what is needed.
func (w queueShop) awaitTasks(least, most int32) {
	w.Helper()
	var got ecstypes.Service
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		out, err := w.ECS.DescribeServices(w.Context(), &ecs.DescribeServicesInput{Cluster: aws.String("shop"), Services: []string{"workers"}})
		w.check(err)
		if got = out.Services[0]; got.RunningCount == got.DesiredCount && least <= got.DesiredCount && got.DesiredCount <= most {
			return
		}
	}
	w.Fatalf("%d of %d tasks run, and not %d to %d", got.RunningCount, got.DesiredCount, least, most)
}

// Messages that wait for nobody start tasks, as many as it takes, and an empty queue
// ends the last one.
func TestABacklogScalesFromZeroAndBack(t *testing.T) {
	arn := "arn:aws:sqs:" + testRegion + ":" + testAccount + ":vouchers"
	for _, tt := range []struct {
		name, insights string
		policy         func(queueShop) aastypes.TargetTrackingScalingPolicyConfiguration
	}{
		{"metric math with Container Insights", "enabled", func(queueShop) aastypes.TargetTrackingScalingPolicyConfiguration { return perTaskOf(visible, counted) }},
		{"metric math without Container Insights", "disabled", func(queueShop) aastypes.TargetTrackingScalingPolicyConfiguration { return perTaskOf(visible, measured) }},
		{"a queue by its name", "disabled", func(queueShop) aastypes.TargetTrackingScalingPolicyConfiguration { return backlogOf("vouchers") }},
		{"a queue by its ARN", "disabled", func(queueShop) aastypes.TargetTrackingScalingPolicyConfiguration { return backlogOf(arn) }},
		{"a queue by its URL", "disabled", func(w queueShop) aastypes.TargetTrackingScalingPolicyConfiguration { return backlogOf(*w.queue) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			inQueueShop(t, tt.insights, func(w queueShop) {
				w.check(w.follow(tt.policy(w)))
				w.send(1500)
				w.awaitTasks(15, 20) // 1,500 against 100 a task
				_, err := w.SQS.PurgeQueue(w.Context(), &sqs.PurgeQueueInput{QueueUrl: w.queue})
				w.check(err)
				w.awaitTasks(0, 0)
			})
		})
	}
}

func TestABacklogIsThatOfAQueueThatThereIs(t *testing.T) {
	inQueueShop(t, "disabled", func(w queueShop) {
		for _, label := range []string{
			"voucher", "arn:aws:sqs:" + testRegion + ":" + testAccount + ":voucher",
			"arn:aws:sqs:eu-west-2:" + testAccount + ":vouchers", "arn:aws:sns:" + testRegion + ":" + testAccount + ":vouchers",
			"arn:aws:sqs:" + testRegion + ":210987654321:vouchers", strings.Replace(*w.queue, testAccount, "210987654321", 1),
		} {
			refused(t, w.follow(backlogOf(label)), "ValidationException", 400, "The queue "+label+" of predefined metric type FlyballSQSBacklogPerTask does not exist in region "+testRegion+" of account "+testAccount)
		}
		w.check(w.follow(backlogOf("vouchers")))
		w.check(w.follow(backlogOf(*w.queue))) // the same queue by another name
	})
}
