package alarm

import (
	"encoding/json"
	"strings"
	"time"

	"flyball/metric"
)

// A Notification is what an alarm hands to one of its actions, when it goes into
// the action's state and, with an action that repeats, while it stays there.
type Notification struct {
	Action     string // ARN
	Alarm      string // name
	AlarmARN   string
	State      State
	Previous   State // equal to State where the action is repeated
	Repeat     bool
	Reason     string
	ReasonData string // JSON, or "" where the reason has no data
	At         time.Time

	// Of a metric alarm. Datapoints are those that were evaluated, oldest first;
	// there are none for a state that was set by hand.
	Threshold  float64
	Comparison Comparison
	Datapoints []metric.Datapoint

	// Only events show these, and they are set only for actions that are handed one.
	PreviousReason, PreviousData string          // Reason and ReasonData of the Previous state
	PreviousAt                   time.Time       // when those were given
	Configuration                json.RawMessage // what the alarm watches, as Event shows it
}

// Event is the notification as CloudWatch hands it to a Lambda function ("Alarm
// events" in the CloudWatch User Guide).
func (n Notification) Event() json.RawMessage {
	arn := append(strings.SplitN(n.AlarmARN, ":", 6), make([]string, 6)...)
	return encode(struct {
		Source  string          `json:"source"`
		ARN     string          `json:"alarmArn"`
		Account string          `json:"accountId"`
		Time    string          `json:"time"`
		Region  string          `json:"region"`
		Data    json.RawMessage `json:"alarmData"`
	}{"aws.cloudwatch", n.AlarmARN, arn[4], n.At.UTC().Format(TimeFormat), arn[3], n.Detail()})
}

// Detail is what an Event says of the alarm, and the detail of the event that
// EventBridge gets.
func (n Notification) Detail() json.RawMessage {
	type state struct {
		Value      string `json:"value"`
		Reason     string `json:"reason,omitempty"`
		ReasonData string `json:"reasonData,omitempty"`
		Timestamp  string `json:"timestamp,omitempty"`
	}
	show := func(s State, reason, data string, at time.Time) state {
		shown := state{Value: s.String(), Reason: reason, ReasonData: data}
		if !at.IsZero() {
			shown.Timestamp = at.UTC().Format(TimeFormat)
		}
		return shown
	}
	return encode(struct {
		Name          string          `json:"alarmName"`
		State         state           `json:"state"`
		Previous      state           `json:"previousState"`
		Configuration json.RawMessage `json:"configuration"`
	}{
		n.Alarm, show(n.State, n.Reason, n.ReasonData, n.At), show(n.Previous, n.PreviousReason, n.PreviousData, n.PreviousAt), n.Configuration,
	})
}

// encode is for what JSON can express; a Configuration must be JSON.
func encode(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}
