package server

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventstypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// toQueue has a rule with a pattern send to a new queue, and returns the queue's URL.
func (w *eventWorld) toQueue(pattern string) string {
	w.Helper()
	_, err := w.events.PutRule(w.Context(), &eventbridge.PutRuleInput{Name: aws.String("services"), EventPattern: &pattern})
	w.must(err)
	_, err = w.events.PutTargets(w.Context(), &eventbridge.PutTargetsInput{
		Rule: aws.String("services"), Targets: []eventstypes.Target{{Id: aws.String("queue"), Arn: aws.String(w.queueARN("services"))}},
	})
	w.must(err)
	return *createQueue(w.T, w.sqs, "services")
}

// take reads the next event of a queue into v, and deletes it.
func (w *eventWorld) take(queue string, v any) {
	w.Helper()
	m := w.receive(queue)
	w.must(json.Unmarshal([]byte(*m.Body), v))
	_, err := w.sqs.DeleteMessage(w.Context(), &sqs.DeleteMessageInput{QueueUrl: &queue, ReceiptHandle: m.ReceiptHandle})
	w.must(err)
}

func TestARuleIsToldWhatBecomesOfATaskInOrder(t *testing.T) {
	url, stop := serving(t, "")
	defer stop()
	w := eventsOf(t, url, "us-east-1", unknown("test"))
	queue := w.toQueue(`{"source": ["aws.ecs"], "detail-type": ["ECS Task State Change"]}`)
	client := ecs.NewFromConfig(w.config)
	_, err := client.CreateCluster(t.Context(), &ecs.CreateClusterInput{ClusterName: aws.String("shop")})
	w.must(err)
	_, err = client.RegisterTaskDefinition(t.Context(), &ecs.RegisterTaskDefinitionInput{
		Family: aws.String("pack"), ContainerDefinitions: []ecstypes.ContainerDefinition{{Name: aws.String("main"), Image: aws.String("flyball/web"), Memory: aws.Int32(64)}},
	})
	w.must(err)
	run, err := client.RunTask(t.Context(), &ecs.RunTaskInput{Cluster: aws.String("shop"), TaskDefinition: aws.String("pack")})
	w.must(err)
	arn := *run.Tasks[0].TaskArn
	var states []string
	for version := 1; !slices.Contains(states, "STOPPED"); version++ {
		var e struct {
			Version   string
			Account   string
			Resources []string
			Detail    struct {
				TaskArn, LastStatus, DesiredStatus, StoppedReason string
				Version                                           int
				Containers                                        []struct{ LastStatus string }
			}
		}
		w.take(queue, &e)
		if e.Version != "0" || e.Account != testAccount || !slices.Equal(e.Resources, []string{arn}) || e.Detail.TaskArn != arn || len(e.Detail.Containers) != 1 {
			t.Fatalf("it was told %+v", e)
		}
		if e.Detail.Version != version {
			t.Fatalf("version %d comes in place of %d", e.Detail.Version, version)
		}
		if e.Detail.LastStatus == "RUNNING" && e.Detail.DesiredStatus == "RUNNING" && !slices.Contains(states, "RUNNING") {
			_, err := client.StopTask(t.Context(), &ecs.StopTaskInput{Cluster: aws.String("shop"), Task: &arn, Reason: aws.String("enough")})
			w.must(err)
		}
		if e.Detail.LastStatus == "STOPPED" && e.Detail.StoppedReason != "enough" {
			t.Errorf("it stopped because of %q", e.Detail.StoppedReason)
		}
		states = append(states, e.Detail.LastStatus)
	}
	want := []string{"PROVISIONING", "PENDING", "ACTIVATING", "RUNNING", "DEACTIVATING", "STOPPING", "DEPROVISIONING", "STOPPED"}
	if got := slices.Compact(states); !slices.Equal(got, want) {
		t.Errorf("it went through %v", got)
	}
}

func TestARuleIsToldOfAlarms(t *testing.T) {
	url, stop := serving(t, "")
	defer stop()
	w := eventsOf(t, url, "us-east-1", unknown("test"))
	queue := w.toQueue(`{"source": ["aws.cloudwatch"], "detail-type": ["CloudWatch Alarm State Change"], "detail": {"state": {"value": ["ALARM"]}}}`)
	client := cloudwatch.NewFromConfig(w.config)
	_, err := client.PutMetricAlarm(t.Context(), &cloudwatch.PutMetricAlarmInput{
		AlarmName: aws.String("hot"), AlarmDescription: aws.String("too hot"), Namespace: aws.String("Shop"), MetricName: aws.String("Load"),
		Dimensions: []cwtypes.Dimension{{Name: aws.String("Service"), Value: aws.String("web")}}, Statistic: cwtypes.StatisticAverage,
		Period: aws.Int32(60), EvaluationPeriods: aws.Int32(1), Threshold: aws.Float64(1), ComparisonOperator: cwtypes.ComparisonOperatorGreaterThanThreshold,
	})
	w.must(err)
	for _, value := range []cwtypes.StateValue{cwtypes.StateValueOk, cwtypes.StateValueAlarm} {
		_, err = client.SetAlarmState(t.Context(), &cloudwatch.SetAlarmStateInput{
			AlarmName: aws.String("hot"), StateValue: value, StateReason: aws.String("by hand"), StateReasonData: aws.String(`{"a":1}`),
		})
		w.must(err)
	}
	var e struct {
		Resources []string
		Detail    struct {
			AlarmName            string
			State, PreviousState struct{ Value, Reason, ReasonData, Timestamp string }
			Configuration        struct {
				Description string
				Metrics     []struct {
					ID         string
					MetricStat struct {
						Metric struct {
							Name       string
							Dimensions map[string]string
						}
					}
				}
			}
		}
	}
	w.take(queue, &e)
	d := e.Detail
	if e.Resources[0] != "arn:aws:cloudwatch:us-east-1:"+testAccount+":alarm:hot" || d.AlarmName != "hot" || d.Configuration.Description != "too hot" ||
		d.State.Value != "ALARM" || d.State.ReasonData != `{"a":1}` || d.PreviousState.Value != "OK" ||
		len(d.Configuration.Metrics[0].ID) != len("00000000-0000-0000-0000-000000000000") ||
		d.Configuration.Metrics[0].MetricStat.Metric.Name != "Load" || d.Configuration.Metrics[0].MetricStat.Metric.Dimensions["Service"] != "web" {
		t.Errorf("it was told %+v", e)
	}
}
