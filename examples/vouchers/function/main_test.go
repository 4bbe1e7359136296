package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	aastypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"flyball/internal/server"
	"flyball/internal/task/idle"
)

// What the post agrees on: a message may wait for ten seconds, and takes 0.1.
const (
	acceptableLatency = 10.0
	timePerMessage    = 0.1
	target            = acceptableLatency / timePerMessage
)

func TestBacklogPerTask(t *testing.T) {
	for _, tt := range []struct {
		messages, running int
		want              float64
	}{
		{1500, 10, 150},
		{1500, 15, 100},
		{0, 10, 0},
		{0, 0, 0},
		{1500, 0, 1500},
		{1, 3, 1.0 / 3},
	} {
		if got := backlogPerTask(tt.messages, tt.running); got != tt.want {
			t.Errorf("%d messages for %d tasks are %v each, want %v", tt.messages, tt.running, got, tt.want)
		}
	}
}

// A world is a server on which a minute takes 60 ms, with a queue and a service of
// tasks that do nothing.
type world struct {
	*testing.T
	cfg  aws.Config
	auto *applicationautoscaling.Client
	env  map[string]string
}

func newWorld(t *testing.T, messages, tasks int) *world {
	t.Helper()
	s, err := server.Open(t.Context(), server.Config{
		Addr: "127.0.0.1:0", Tasks: idle.Runtime{}, Runtime: "process", Speed: 1000, Account: "123456789012", Region: "us-east-1",
		Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	w := &world{T: t, cfg: aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(s.URL()), Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}}
	w.auto = applicationautoscaling.NewFromConfig(w.cfg)
	w.env = map[string]string{"ECS_CLUSTER_NAME": "vouchers", "ECS_SERVICE_NAME": "worker", "QUEUE_URL": w.queue(messages)}
	w.service(tasks)
	w.policy()
	return w
}

func (w *world) queue(messages int) string {
	w.Helper()
	c := sqs.NewFromConfig(w.cfg)
	q := must(c.CreateQueue(w.Context(), &sqs.CreateQueueInput{QueueName: aws.String("vouchers")}))(w.T)
	for sent := 0; sent < messages; sent += 10 {
		in := &sqs.SendMessageBatchInput{QueueUrl: q.QueueUrl}
		for i := range 10 {
			in.Entries = append(in.Entries, sqstypes.SendMessageBatchRequestEntry{Id: aws.String(fmt.Sprint(i)), MessageBody: aws.String("V-1")})
		}
		must(c.SendMessageBatch(w.Context(), in))(w.T)
	}
	return *q.QueueUrl
}

func (w *world) service(tasks int) {
	w.Helper()
	c := ecs.NewFromConfig(w.cfg)
	must(c.CreateCluster(w.Context(), &ecs.CreateClusterInput{ClusterName: aws.String("vouchers")}))(w.T)
	must(c.RegisterTaskDefinition(w.Context(), &ecs.RegisterTaskDefinitionInput{
		Family: aws.String("worker"), Cpu: aws.String("256"), Memory: aws.String("512"),
		ContainerDefinitions: []ecstypes.ContainerDefinition{{Name: aws.String("worker"), Image: aws.String("vouchers")}},
	}))(w.T)
	must(c.CreateService(w.Context(), &ecs.CreateServiceInput{
		Cluster: aws.String("vouchers"), ServiceName: aws.String("worker"), TaskDefinition: aws.String("worker"), DesiredCount: aws.Int32(int32(tasks)),
	}))(w.T)
	w.await(fmt.Sprintf("%d running tasks", tasks), func() bool { return w.counts().RunningCount == int32(tasks) })
}

func (w *world) policy() {
	w.Helper()
	id := aws.String("service/vouchers/worker")
	must(w.auto.RegisterScalableTarget(w.Context(), &applicationautoscaling.RegisterScalableTargetInput{
		ServiceNamespace: aastypes.ServiceNamespaceEcs, ScalableDimension: aastypes.ScalableDimensionECSServiceDesiredCount,
		ResourceId: id, MinCapacity: aws.Int32(0), MaxCapacity: aws.Int32(50),
	}))(w.T)
	must(w.auto.PutScalingPolicy(w.Context(), &applicationautoscaling.PutScalingPolicyInput{
		ServiceNamespace: aastypes.ServiceNamespaceEcs, ScalableDimension: aastypes.ScalableDimensionECSServiceDesiredCount,
		ResourceId: id, PolicyName: aws.String("backlog"), PolicyType: aastypes.PolicyTypeTargetTrackingScaling,
		TargetTrackingScalingPolicyConfiguration: &aastypes.TargetTrackingScalingPolicyConfiguration{
			TargetValue: aws.Float64(target),
			CustomizedMetricSpecification: &aastypes.CustomizedMetricSpecification{
				Namespace: aws.String(namespace), MetricName: aws.String(metricName), Statistic: aastypes.MetricStatisticAverage,
				Dimensions: []aastypes.MetricDimension{
					{Name: aws.String("ClusterName"), Value: aws.String("vouchers")}, {Name: aws.String("ServiceName"), Value: aws.String("worker")},
				},
			},
		},
	}))(w.T)
}

func (w *world) counts() ecstypes.Service {
	w.Helper()
	out := must(ecs.NewFromConfig(w.cfg).DescribeServices(w.Context(), &ecs.DescribeServicesInput{Cluster: aws.String("vouchers"), Services: []string{"worker"}}))(w.T)
	return out.Services[0]
}

// invoke calls the function as Lambda would.
func (w *world) invoke() (Result, error) {
	return newPublisher(w.cfg, func(name string) string { return w.env[name] }).handle(w.Context())
}

func (w *world) await(what string, ok func() bool) {
	w.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); {
		if time.Now().After(deadline) {
			w.Fatalf("waited a minute for %s", what)
		}
		<-time.After(10 * time.Millisecond)
	}
}

// scaled calls the function again and again until the service has as many tasks.
func (w *world) scaled(tasks int32) {
	w.Helper()
	w.await(fmt.Sprintf("%d tasks", tasks), func() bool {
		if _, err := w.invoke(); err != nil {
			w.Fatal(err)
		}
		s := w.counts()
		return s.DesiredCount == tasks && s.RunningCount == tasks
	})
}

func TestFifteenHundredMessagesForTenTasksMakeFifteen(t *testing.T) {
	w := newWorld(t, 1500, 10)
	r, err := w.invoke()
	if want := (Result{Messages: 1500, Running: 10, BacklogPerTask: 150}); err != nil || r != want {
		t.Fatalf("published %+v, %v; want %+v", r, err, want)
	}
	if target != 100 {
		t.Fatalf("the target is %v, want 100", target)
	}
	w.scaled(15)
	if r, _ = w.invoke(); r.BacklogPerTask != 100 {
		t.Errorf("fifteen tasks have a backlog of %v each, want 100", r.BacklogPerTask)
	}
	activities := must(w.auto.DescribeScalingActivities(t.Context(), &applicationautoscaling.DescribeScalingActivitiesInput{ServiceNamespace: aastypes.ServiceNamespaceEcs}))(t)
	if n := len(activities.ScalingActivities); n != 1 || !strings.Contains(*activities.ScalingActivities[0].Description, "15") {
		t.Errorf("%d activities, %+v; want one, to 15", n, activities.ScalingActivities)
	}
}

func TestWhereNoTaskRunsTheFirstOneStarts(t *testing.T) {
	w := newWorld(t, 1500, 0)
	w.scaled(15)
}

func TestTheDivisionOfThePostPublishesNothingWhereNoTaskRuns(t *testing.T) {
	for _, tt := range []struct {
		messages int
		value    string
	}{{1500, "+Inf"}, {0, "NaN"}} {
		w := newWorld(t, tt.messages, 0)
		w.env["LIKE_IN_POST"] = "1"
		r, err := w.invoke()
		if fmt.Sprint(r.BacklogPerTask) != tt.value {
			t.Errorf("%d messages for no task are %v, want %s", tt.messages, r.BacklogPerTask, tt.value)
		}
		refusal := "The value " + tt.value + " for parameter MetricData.member.1.Value is invalid."
		if err == nil || !strings.Contains(err.Error(), "InvalidParameterValue: "+refusal) {
			t.Errorf("it was published: %v, want %q", err, refusal)
		}
	}
}

// must returns what a call answered; its error ends the test.
func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
