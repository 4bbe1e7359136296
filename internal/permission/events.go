package permission

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
)

// eventsCalls are those of EventBridge, on buses that are named by their names or ARNs,
// and on rules, whose ARNs have the bus only where that is not the default one.
var eventsCalls = service{
	prefix:   "events",
	resource: (*Call).eventsResource,
	operations: map[string]string{
		"CreateEventBus":        "{Name}",
		"DeleteEventBus":        "{Name}",
		"DeleteRule":            "rule/{EventBusName}/{Name}",
		"DescribeEventBus":      "{Name}",
		"DescribeRule":          "rule/{EventBusName}/{Name}",
		"DisableRule":           "rule/{EventBusName}/{Name}",
		"EnableRule":            "rule/{EventBusName}/{Name}",
		"ListEventBuses":        "*",
		"ListRuleNamesByTarget": "*",
		"ListRules":             "*",
		"ListTagsForResource":   "{ResourceARN}",
		"ListTargetsByRule":     "rule/{EventBusName}/{Rule}",
		"PutEvents":             "{Entries.EventBusName}",
		"PutPermission":         "{EventBusName}",
		"PutRule":               "rule/{EventBusName}/{Name}",
		"PutTargets":            "rule/{EventBusName}/{Rule}",
		"RemovePermission":      "{EventBusName}",
		"RemoveTargets":         "rule/{EventBusName}/{Rule}",
		"TagResource":           "{ResourceARN}",
		"TestEventPattern":      "*",
		"UntagResource":         "{ResourceARN}",
		"UpdateEventBus":        "{Name}",
	},
	keys: []conditionKey{
		{name: "events:TargetArn", member: "Targets.Arn"},
		{name: "events:detail-type", member: "Entries.DetailType"},
		{name: "events:source", member: "Entries.Source"},
	},
	passes: map[string][]pass{
		"PutRule":    {{"RoleArn", "events.amazonaws.com"}},
		"PutTargets": {{"Targets.RoleArn", "events.amazonaws.com"}},
	},
}

// eventsResource is the end of the ARN of what a template has come to, or the ARN that it is.
func (c *Call) eventsResource(name string) string {
	switch {
	case strings.HasPrefix(name, "arn:"):
		return name
	case strings.HasPrefix(name, "rule/"):
		return strings.Replace(name, "rule/default/", "rule/", 1)
	case strings.HasPrefix(name, "event-bus/"):
		return name
	}
	return "event-bus/" + name
}

// entries are the calls that each put one of several events: a condition on the source of
// an event has to hold for each of them.
func (c *Call) entries() (calls []Call) {
	in, ok := c.Input.(*eventbridge.PutEventsInput)
	if !ok {
		return nil
	}
	for i := range in.Entries {
		single := *c
		single.Input = &eventbridge.PutEventsInput{Entries: in.Entries[i : i+1]}
		calls = append(calls, single)
	}
	return calls
}
