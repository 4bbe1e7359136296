package serviceevent

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/alarm"
	"flyball/internal/event"
	"flyball/internal/service/autoscaling"
	"flyball/internal/service/ecr"
	"flyball/internal/service/ecs"
	"flyball/scaling"
)

// at is a moment of the examples of the documentation, in whose members and formats these events are.
func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		panic(err)
	}
	return t
}

func moment(text string) *time.Time { return aws.Time(at(text)) }

const taskARN = "arn:aws:ecs:us-west-2:111122223333:task/FargateCluster/c13b4cb40f1f4fe4a2971f76ae5a47ad"

// fargateTask is a task with what the example of "Amazon ECS task state change events" has.
var fargateTask = types.Task{
	Attachments: []types.Attachment{{
		Id: aws.String("1789bcae-ddfb-4d10-8ebe-8ac87ddba5b8"), Type: aws.String("eni"), Status: aws.String("ATTACHED"),
		Details: []types.KeyValuePair{{Name: aws.String("subnetId"), Value: aws.String("subnet-abcd1234")}, {Name: aws.String("privateIPv4Address"), Value: aws.String("10.0.0.17")}},
	}},
	AvailabilityZone: aws.String("us-west-2c"),
	ClusterArn:       aws.String("arn:aws:ecs:us-west-2:111122223333:cluster/FargateCluster"),
	Containers: []types.Container{{
		ContainerArn: aws.String("arn:aws:ecs:us-west-2:111122223333:container/cf159fd6-3e3f-4a9e-84f9-66cbe726af01"), LastStatus: aws.String("RUNNING"), Name: aws.String("FargateApp"),
		Image: aws.String("111122223333.dkr.ecr.us-west-2.amazonaws.com/hello-repository:latest"), RuntimeId: aws.String("ad64cbc71c7fb31c55507ec24c9f77947132b03d48d9961115cf24f3b7307e1e"),
		TaskArn: aws.String(taskARN), Cpu: aws.String("0"),
		NetworkInterfaces: []types.NetworkInterface{{AttachmentId: aws.String("1789bcae-ddfb-4d10-8ebe-8ac87ddba5b8"), PrivateIpv4Address: aws.String("10.0.0.17")}},
	}},
	CreatedAt: moment("2020-01-23T17:57:34.402Z"), StartedAt: moment("2020-01-23T17:58:11.83Z"), ConnectivityAt: moment("2020-01-23T17:57:38.453Z"),
	PullStartedAt: moment("2020-01-23T17:57:52.103Z"), PullStoppedAt: moment("2020-01-23T17:57:55.103Z"),
	LaunchType: types.LaunchTypeFargate, Connectivity: types.ConnectivityConnected, Cpu: aws.String("256"), Memory: aws.String("512"),
	DesiredStatus: aws.String("RUNNING"), LastStatus: aws.String("RUNNING"), Group: aws.String("family:sample-fargate"),
	Overrides: &types.TaskOverride{ContainerOverrides: []types.ContainerOverride{{Name: aws.String("FargateApp")}}},
	Tags:      []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}},
	TaskArn:   aws.String(taskARN), TaskDefinitionArn: aws.String("arn:aws:ecs:us-west-2:111122223333:task-definition/sample-fargate:1"),
	PlatformVersion: aws.String("1.3.0"), Version: 4,
}

const fargateDetail = `{
	"attachments": [{"id": "1789bcae-ddfb-4d10-8ebe-8ac87ddba5b8", "type": "eni", "status": "ATTACHED", "details": [
		{"name": "subnetId", "value": "subnet-abcd1234"}, {"name": "privateIPv4Address", "value": "10.0.0.17"}]}],
	"availabilityZone": "us-west-2c",
	"clusterArn": "arn:aws:ecs:us-west-2:111122223333:cluster/FargateCluster",
	"containers": [{"containerArn": "arn:aws:ecs:us-west-2:111122223333:container/cf159fd6-3e3f-4a9e-84f9-66cbe726af01", "lastStatus": "RUNNING",
		"name": "FargateApp", "image": "111122223333.dkr.ecr.us-west-2.amazonaws.com/hello-repository:latest",
		"runtimeId": "ad64cbc71c7fb31c55507ec24c9f77947132b03d48d9961115cf24f3b7307e1e",
		"taskArn": "arn:aws:ecs:us-west-2:111122223333:task/FargateCluster/c13b4cb40f1f4fe4a2971f76ae5a47ad", "cpu": "0",
		"networkInterfaces": [{"attachmentId": "1789bcae-ddfb-4d10-8ebe-8ac87ddba5b8", "privateIpv4Address": "10.0.0.17"}]}],
	"createdAt": "2020-01-23T17:57:34.402Z", "startedAt": "2020-01-23T17:58:11.83Z", "connectivityAt": "2020-01-23T17:57:38.453Z",
	"pullStartedAt": "2020-01-23T17:57:52.103Z", "pullStoppedAt": "2020-01-23T17:57:55.103Z", "updatedAt": "2020-01-23T17:58:11.83Z",
	"launchType": "FARGATE", "connectivity": "CONNECTED", "cpu": "256", "memory": "512", "desiredStatus": "RUNNING", "lastStatus": "RUNNING",
	"enableExecuteCommand": false, "group": "family:sample-fargate", "overrides": {"containerOverrides": [{"name": "FargateApp"}]},
	"taskArn": "arn:aws:ecs:us-west-2:111122223333:task/FargateCluster/c13b4cb40f1f4fe4a2971f76ae5a47ad",
	"taskDefinitionArn": "arn:aws:ecs:us-west-2:111122223333:task-definition/sample-fargate:1", "platformVersion": "1.3.0", "version": 4}`

// scaledOut is the activity of the example of "Monitor Application Auto Scaling events using Amazon EventBridge".
var scaledOut = autoscaling.ActivityChange{
	Activity: scaling.Activity{Status: scaling.Successful, From: 5, To: 8, Start: at("2022-06-12T10:20:43.2Z"), End: at("2022-06-12T10:23:40Z")},
	Target:   "service/default/web", Min: 2, Max: 8,
}

// alarmChange stands for what CloudWatch announces, which writes itself.
type alarmChange struct{ alarm.Notification }

func (c alarmChange) MarshalJSON() ([]byte, error) { return c.Detail(), nil }

func TestEventsAreThoseOfTheDocumentation(t *testing.T) {
	const service = "arn:aws:ecs:us-west-2:111122223333:service/default/servicetest"
	const alarmARN = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:ServerCpuTooHigh"
	for _, c := range []struct {
		rule      string
		in        event.Event
		resources []string
		detail    string
	}{
		{"a task", event.Event{Source: "aws.ecs", Type: ecs.EventTask, Resource: taskARN, At: at("2020-01-23T17:58:11.83Z"), Detail: fargateTask}, []string{taskARN}, fargateDetail},
		{"a steady state", event.Event{Source: "aws.ecs", Type: ecs.EventAction, Resource: service, Detail: ecs.Action{
			EventType: "INFO", EventName: "SERVICE_STEADY_STATE", ClusterARN: "arn:aws:ecs:us-west-2:111122223333:cluster/default", CreatedAt: at("2019-11-19T19:27:22.695Z"),
		}}, []string{service}, `{"eventType": "INFO", "eventName": "SERVICE_STEADY_STATE",
			"clusterArn": "arn:aws:ecs:us-west-2:111122223333:cluster/default", "createdAt": "2019-11-19T19:27:22.695Z"}`},
		{"a desired count", event.Event{Source: "aws.ecs", Type: ecs.EventAction, Resource: service, Detail: ecs.Action{
			EventType: "INFO", EventName: "SERVICE_DESIRED_COUNT_UPDATED", ClusterARN: "c", DesiredCount: aws.Int32(2), CreatedAt: at("2019-11-19T19:27:22Z"),
		}}, []string{service}, `{"eventType": "INFO", "eventName": "SERVICE_DESIRED_COUNT_UPDATED", "clusterArn": "c", "desiredCount": 2, "createdAt": "2019-11-19T19:27:22Z"}`},
		{"a deployment", event.Event{Source: "aws.ecs", Type: ecs.EventDeployment, Resource: service, Detail: ecs.Action{
			EventType: "INFO", EventName: "SERVICE_DEPLOYMENT_IN_PROGRESS", ClusterARN: "c", DeploymentID: "ecs-svc/123",
			CreatedAt: at("2020-05-23T11:11:11Z"), Reason: "ECS deployment ecs-svc/123 in progress.",
		}}, []string{service}, `{"eventType": "INFO", "eventName": "SERVICE_DEPLOYMENT_IN_PROGRESS", "deploymentId": "ecs-svc/123",
			"updatedAt": "2020-05-23T11:11:11Z", "reason": "ECS deployment ecs-svc/123 in progress."}`},
		{"an alarm", event.Event{Source: "aws.cloudwatch", Type: "CloudWatch Alarm State Change", Resource: alarmARN, Detail: alarmChange{alarm.Notification{
			Alarm: "ServerCpuTooHigh", AlarmARN: alarmARN, State: alarm.Alarm, Reason: "Threshold Crossed", ReasonData: `{"version":"1.0"}`, At: at("2019-10-02T17:04:40.989Z"),
			Previous: alarm.OK, PreviousReason: "before", PreviousData: `{"version":"1.0"}`, PreviousAt: at("2019-10-01T13:56:40.987Z"), Configuration: json.RawMessage(`{"metrics":[]}`),
		}}}, []string{alarmARN}, `{"alarmName": "ServerCpuTooHigh", "configuration": {"metrics": []},
			"state": {"value": "ALARM", "reason": "Threshold Crossed", "reasonData": "{\"version\":\"1.0\"}", "timestamp": "2019-10-02T17:04:40.989+0000"},
			"previousState": {"value": "OK", "reason": "before", "reasonData": "{\"version\":\"1.0\"}", "timestamp": "2019-10-01T13:56:40.987+0000"}}`},
		{"scaled to the maximum", event.Event{Source: "aws.application-autoscaling", Type: autoscaling.EventActivity, Resource: "service/default/web", Detail: scaledOut}, nil,
			`{"startTime": "2022-06-12T10:20:43Z", "endTime": "2022-06-12T10:23:40Z", "newDesiredCapacity": 8, "oldDesiredCapacity": 5, "minCapacity": 2, "maxCapacity": 8,
			"resourceId": "service/default/web", "scalableDimension": "ecs:service:DesiredCount", "serviceNamespace": "ecs", "statusCode": "Successful",
			"scaledToMax": true, "direction": "scale-out"}`},
		{"an image", event.Event{Source: "aws.ecr", Type: ecr.EventImage, Resource: "r", Detail: ecr.ImageAction{
			Result: "SUCCESS", Repository: "my-repository-name", Digest: "sha256:7f5b", Action: "PUSH", Tag: "latest",
		}}, nil, `{"result": "SUCCESS", "repository-name": "my-repository-name", "image-digest": "sha256:7f5b", "action-type": "PUSH", "image-tag": "latest"}`},
	} {
		got, ok := Of(c.in)
		if !ok {
			t.Errorf("%s: there is no event", c.rule)
			continue
		}
		if got.Source != c.in.Source || got.DetailType != c.in.Type || !got.Time.Equal(c.in.At) || !reflect.DeepEqual(got.Resources, c.resources) {
			t.Errorf("%s: got %+v", c.rule, got)
		}
		if have, want := decoded(t, got.Detail), decoded(t, []byte(c.detail)); !reflect.DeepEqual(have, want) {
			t.Errorf("%s: got %s", c.rule, got.Detail)
		}
	}
}

func decoded(t *testing.T, document []byte) (v any) {
	t.Helper()
	if err := json.Unmarshal(document, &v); err != nil {
		t.Fatalf("%s: %v", document, err)
	}
	return v
}

func TestWhatAWSDoesNotTell(t *testing.T) {
	in := scaledOut
	in.From, in.To = 8, 2
	below := scaledOut
	below.To = 7
	pending := scaledOut
	pending.Status = scaling.InProgress
	failed := scaledOut
	failed.Activity = failed.Activity.Failed(failed.Start, errors.New("no"))
	failed.Status = scaling.Failed
	for rule, detail := range map[string]any{
		"scaled in": in, "scaled out below the maximum": below, "not there yet": pending, "failed": failed, "a message of a service": types.ServiceEvent{}, "nothing": nil,
	} {
		if got, ok := Of(event.Event{Source: "aws.x", Detail: detail}); ok {
			t.Errorf("%s: got %+v", rule, got)
		}
	}
}
