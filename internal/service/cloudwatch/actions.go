package cloudwatch

import (
	"fmt"
	"strings"
	"time"

	"flyball/alarm"
	"flyball/internal/state"
)

// serviceOf is the service that an ARN names, in any partition.
func serviceOf(arn string) string {
	parts := strings.SplitN(arn, ":", 4)
	if len(parts) < 4 {
		return ""
	}
	return parts[2]
}

// isScaling tells whether an action is a policy of Application Auto Scaling or
// EC2 Auto Scaling. Such actions repeat.
func isScaling(action string) bool {
	return serviceOf(action) == "autoscaling" && strings.Contains(action, ":scalingPolicy:")
}

// isTopic tells whether an action is a notification topic.
func isTopic(action string) bool { return serviceOf(action) == "sns" }

// isFunction tells whether an action is a Lambda function, which is handed an event.
func isFunction(action string) bool { return serviceOf(action) == "lambda" }

// fire starts the actions of an alarm's state, or repeats those that scale.
func (a *alarms) fire(tx *state.Tx, e *entry, before status, repeat bool, why reason, now time.Time) {
	actions := e.actionsOf(e.State)
	if !e.enabled || len(actions) == 0 {
		return
	}
	n := a.notification(e, before, now)
	n.Repeat = repeat
	if o, ok := why.(*observation); ok {
		n.Datapoints = o.evidence().Datapoints()
	}
	for _, n.Action = range actions {
		if repeat && !isScaling(n.Action) {
			continue
		}
		j := &job{Notification: n, entry: e, updated: e.updated}
		switch {
		case isTopic(n.Action):
			j.message = a.message(e, n)
		case isFunction(n.Action):
			a.describeChange(&j.Notification, e, before)
		}
		a.dispatcher.enqueue(j)
		tx.Undo(func() { a.dispatcher.withdraw(j) })
	}
	tx.After(a.dispatcher.wake)
}

// notification tells of an alarm's state.
func (a *alarms) notification(e *entry, before status, now time.Time) alarm.Notification {
	n := alarm.Notification{Alarm: e.name, AlarmARN: a.arn(e.name), State: e.State, Previous: before.State, At: now}
	n.Reason, n.ReasonData = e.reason()
	if e.composite == nil {
		n.Threshold, n.Comparison = e.metric.rule.Threshold, e.metric.rule.Comparison
	}
	return n
}

// describeChange adds what only events show.
func (a *alarms) describeChange(n *alarm.Notification, e *entry, before status) {
	n.PreviousReason, n.PreviousData = before.reason()
	n.PreviousAt = before.updated.Time()
	n.Configuration = encode(e.eventConfiguration())
}

// publish tells the server's stream of an alarm's new state.
func (a *alarms) publish(tx *state.Tx, e *entry, before status, now time.Time) {
	if a.cell.Events == nil {
		return
	}
	n := a.notification(e, before, now)
	a.describeChange(&n, e, before)
	a.cell.Announce(tx, "aws.cloudwatch", "CloudWatch Alarm State Change", n.AlarmARN, stateChange{n})
}

// A stateChange is the detail of an event. Most are never read, so that it is
// written when it is.
type stateChange struct{ alarm.Notification }

// MarshalJSON implements json.Marshaler.
func (c stateChange) MarshalJSON() ([]byte, error) { return c.Detail(), nil }

// executed writes into an alarm's history how an action ended.
func (a *alarms) executed(j *job, failure string) {
	now := a.now()
	a.cell.State.Later(func(tx *state.Tx) { a.history.addAction(tx, j, failure, now) })
}

// summary is the HistorySummary of an action.
func (j *job) summary(failure string) string {
	if failure == "" {
		return fmt.Sprintf("Successfully executed action %s", j.Action)
	}
	return fmt.Sprintf("Failed to execute action %s. Received error: %q", j.Action, failure)
}
