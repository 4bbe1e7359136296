// Package serviceevent is what services tell EventBridge: the events of a cell's stream as AWS sends
// them to the default event bus. What AWS does not send there is left out.
package serviceevent

import (
	"encoding/json"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/event"
	"flyball/internal/service/autoscaling"
	"flyball/internal/service/ecr"
	"flyball/internal/service/ecs"
	"flyball/internal/service/events"
	"flyball/scaling"
)

// Of is an event of the stream as EventBridge gets it, or false if it does not.
func Of(e event.Event) (events.Event, bool) {
	resources := []string{e.Resource}
	var detail any
	switch d := e.Detail.(type) {
	case types.Task:
		detail = task(d, e.At)
	case ecs.Action:
		detail = action(e.Type, d)
	case ecr.ImageAction:
		resources, detail = nil, d // "resources": []
	case autoscaling.ActivityChange:
		if !toMax(d) {
			return events.Event{}, false
		}
		resources, detail = nil, activity(d)
	default:
		if e.Source != "aws.cloudwatch" { // whose details write themselves
			return events.Event{}, false
		}
		detail = d
	}
	encoded, err := json.Marshal(detail)
	if err != nil { // there is nothing in a detail that JSON cannot express
		panic(err)
	}
	return events.Event{Source: e.Source, DetailType: e.Type, Time: e.At, Resources: resources, Detail: encoded}, true
}

// timeFormat is how events write times: 2018-12-06T16:26:03.83Z.
const timeFormat = "2006-01-02T15:04:05.999Z"

func timeOf(t time.Time) string { return t.UTC().Format(timeFormat) }

// task is a task as DescribeTasks shows it, without its tags and with its times as text ("Amazon ECS task
// state change events").
func task(t types.Task, changed time.Time) map[string]any {
	detail := shown(t)
	delete(detail, "tags")
	detail["updatedAt"] = timeOf(changed)
	return detail
}

// action is what an event tells of a service, or of its deployment ("Amazon ECS service action events",
// "Amazon ECS service deployment state change events").
func action(kind string, a ecs.Action) map[string]any {
	detail := map[string]any{"eventType": a.EventType, "eventName": a.EventName}
	for name, text := range map[string]string{"deploymentId": a.DeploymentID, "reason": a.Reason} {
		if text != "" {
			detail[name] = text
		}
	}
	if a.DesiredCount != nil {
		detail["desiredCount"] = *a.DesiredCount
	}
	if kind == ecs.EventAction {
		detail["clusterArn"], detail["createdAt"] = a.ClusterARN, timeOf(a.CreatedAt)
	} else {
		detail["updatedAt"] = timeOf(a.CreatedAt)
	}
	return detail
}

// toMax tells whether a target has been scaled out to its maximum, which is all that AWS tells of ("Monitor
// Application Auto Scaling events using Amazon EventBridge").
func toMax(c autoscaling.ActivityChange) bool {
	return c.Status == scaling.Successful && c.To > c.From && c.To == c.Max
}

func activity(c autoscaling.ActivityChange) map[string]any {
	return map[string]any{
		"startTime":          c.Start.UTC().Format(time.RFC3339),
		"endTime":            c.End.UTC().Format(time.RFC3339),
		"newDesiredCapacity": c.To,
		"oldDesiredCapacity": c.From,
		"minCapacity":        c.Min,
		"maxCapacity":        c.Max,
		"resourceId":         c.Target,
		"scalableDimension":  c.Target.Kind().Dimension(),
		"serviceNamespace":   c.Target.Kind().Namespace(),
		"statusCode":         c.Status,
		"scaledToMax":        true,
		"direction":          "scale-out",
	}
}
