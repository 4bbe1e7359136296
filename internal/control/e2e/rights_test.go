package e2e_test

import (
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"flyball/flyballtest"
	"flyball/internal/capacity"
	"flyball/internal/control"
	"flyball/internal/source"
	"flyball/scaling"
)

// rights is what docs/production.md says of the rights that control needs, with its policy document.
func rights(t *testing.T) (section, document string) {
	page, err := os.ReadFile("../../../docs/production.md")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile("(?s)\n### Rights\n(.*?)\n### ").FindSubmatch(page)
	if found == nil {
		t.Fatal("docs/production.md has no section on rights")
	}
	json := regexp.MustCompile("(?s)```json\n(.*?)```").FindSubmatch(found[1])
	if json == nil {
		t.Fatal("the section on rights has no policy document")
	}
	return string(found[1]), string(json[1])
}

// A client that control has can call nothing that its interface does not have.
func TestTheDocumentedRightsAreTheOperationsThatControlCanCall(t *testing.T) {
	section, _ := rights(t)
	documented := map[string]bool{}
	for _, action := range regexp.MustCompile(`\b(cloudwatch|ecs|sqs|lambda):[A-Z]\w+`).FindAllString(section, -1) {
		documented[action] = true
	}
	called := map[string]bool{}
	for service, client := range map[string]reflect.Type{
		"cloudwatch": reflect.TypeFor[source.MetricData](), "sqs": reflect.TypeFor[source.QueueClient](),
		"ecs": reflect.TypeFor[capacity.ECS](), "lambda": reflect.TypeFor[capacity.Lambda](),
	} {
		for m := range client.Methods() {
			called[service+":"+m.Name] = true
		}
	}
	if want, got := slices.Sorted(maps.Keys(called)), slices.Sorted(maps.Keys(documented)); !slices.Equal(want, got) {
		t.Errorf("docs/production.md has %v, and control can call %v", got, want)
	}
}

func TestTheDocumentedRightsAreEnough(t *testing.T) {
	_, document := rights(t)
	w := newWorld(t, `
ScalableTargets:
- {ServiceNamespace: ecs, ResourceId: service/shop/web, MinCapacity: 1, MaxCapacity: 20}
- {ServiceNamespace: ecs, ResourceId: service/shop/workers, MinCapacity: 1, MaxCapacity: 20}
ScalingPolicies:
- {PolicyName: cpu, PolicyType: TargetTrackingScaling, ServiceNamespace: ecs, ResourceId: service/shop/web,
   TargetTrackingScalingPolicyConfiguration: {TargetValue: 50, PredefinedMetricSpecification: {PredefinedMetricType: ECSServiceAverageCPUUtilization}}}
- {PolicyName: ahead, PolicyType: PredictiveScaling, ServiceNamespace: ecs, ResourceId: service/shop/web,
   PredictiveScalingPolicyConfiguration: {MetricSpecifications: [{TargetValue: 50, PredefinedMetricPairSpecification: {PredefinedMetricType: ECSServiceCPUUtilization}}]}}
- {PolicyName: backlog, PolicyType: TargetTrackingScaling, ServiceNamespace: ecs, ResourceId: service/shop/workers,
   TargetTrackingScalingPolicyConfiguration: {TargetValue: 5, PredefinedMetricSpecification: {PredefinedMetricType: FlyballSQSBacklogPerTask, ResourceLabel: orders}}}
`)
	w.Deploy("shop/workers", 2)
	root := sqs.NewFromConfig(w.Config())
	queue, err := root.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("orders")})
	if err != nil {
		t.Fatal(err)
	}
	for range 40 {
		if _, err := root.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: queue.QueueUrl, MessageBody: aws.String("an order")}); err != nil {
			t.Fatal(err)
		}
	}
	w.SetLoad("shop/web", flyballtest.Load{TotalCPU: 200})
	client := w.user(strings.ReplaceAll(document, "eu-central-1", w.Config().Region))
	w.cloud.Client, w.queues.Client = cloudwatch.NewFromConfig(client), sqs.NewFromConfig(client)
	w.cfg.Capacity = capacity.Kinds{scaling.Services: capacity.Services{ECS: ecs.NewFromConfig(client), PauseTag: "flyball:paused"}}
	w.start()
	w.run(8 * time.Minute)
	w.wants(4)
	if desired, _ := w.Tasks("shop/workers"); desired != 8 {
		t.Errorf("there are %d workers, and 8 should be", desired)
	}
	for _, e := range []control.Event{control.Blind, control.Unseen} {
		if w.has(e) {
			t.Errorf("something is %s:\n%s", e, w.told())
		}
	}
	if !strings.Contains(w.told(), "0 hours of data") {
		t.Errorf("the past could not be read:\n%s", w.told())
	}
}
