package cloudwatch

import (
	"encoding/json"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/alarm"
)

// A document is JSON whose members CloudWatch's messages have.
type document = map[string]any

// isTopic tells whether an action is a notification topic.
func isTopic(action string) bool { return strings.HasPrefix(action, "arn:aws:sns:") }

// message is what a topic is told of an alarm's new state. The caller holds the
// lock.
func (a *API) message(r *record, n alarm.Notification) *string {
	m := document{
		"AlarmName": r.name, "AlarmDescription": optional(r.description), "AlarmArn": n.AlarmARN, "AWSAccountId": a.Account, "Region": a.Region,
		"AlarmConfigurationUpdatedTimestamp": r.configured.Time().Format(alarm.TimeFormat),
		"NewStateValue":                      n.State.String(), "NewStateReason": n.Reason, "OldStateValue": n.Previous.String(),
		"StateChangeTime": n.At.Format(alarm.TimeFormat),
		"OKActions":       r.of(alarm.OK), "AlarmActions": r.of(alarm.Alarm), "InsufficientDataActions": r.of(alarm.InsufficientData),
	}
	if r.composite != nil {
		m["AlarmRule"], m["TriggeringChildren"] = r.composite.text, r.triggering()
	} else {
		m["Trigger"] = r.metric.trigger()
	}
	return ptr(string(encode(document{"default": string(encode(m))})))
}

// A triggeringChild is read as reasons write it, with small first letters.
type triggeringChild struct {
	Arn   string
	State struct{ Value, Timestamp string }
}

// triggering are the alarms that made a composite alarm what it is: none where
// SetAlarmState did.
func (r *record) triggering() []triggeringChild {
	why := struct{ TriggeringAlarms []triggeringChild }{}
	if _, data := r.reason(); data != "" {
		_ = json.Unmarshal([]byte(data), &why) // SetAlarmState takes any data
	}
	return append([]triggeringChild{}, why.TriggeringAlarms...)
}

// trigger is what a metric alarm watches: one metric, or Metrics.
func (m *metricRule) trigger() document {
	t := document{
		"Period": int64(m.rule.Period / time.Second), "EvaluationPeriods": m.rule.Periods, "ComparisonOperator": m.rule.Comparison.String(), "Threshold": m.rule.Threshold,
		"TreatMissingData": "", "EvaluateLowSampleCountPercentile": m.lowSample,
	}
	if m.treated {
		t["TreatMissingData"] = m.rule.Missing.String()
	}
	if m.rule.Datapoints > 0 {
		t["DatapointsToAlarm"] = m.rule.Datapoints
	}
	if m.watched != nil {
		t["Metrics"] = triggerQueries(m.watched.queries)
		return t
	}
	id := m.series.Key().ID()
	t["Namespace"], t["MetricName"], t["Dimensions"], t["Unit"] = id.Namespace, id.Name, triggerDimensions(sdkDimensions(id.Dimensions)), optional(m.unit)
	if m.extended() {
		t["StatisticType"], t["ExtendedStatistic"] = "ExtendedStatistic", m.statistic
	} else {
		t["StatisticType"], t["Statistic"] = "Statistic", strings.ToUpper(wordEnd.ReplaceAllString(m.statistic, "${1}_$2"))
	}
	return t
}

func triggerQueries(queries []types.MetricDataQuery) (all []document) {
	for _, q := range queries {
		shown := document{"Id": q.Id, "ReturnData": q.ReturnData}
		if q.Label != nil {
			shown["Label"] = q.Label
		}
		if s := q.MetricStat; s != nil {
			stat := document{"Period": s.Period, "Stat": s.Stat, "Metric": document{
				"Namespace": s.Metric.Namespace, "MetricName": s.Metric.MetricName, "Dimensions": triggerDimensions(s.Metric.Dimensions),
			}}
			if s.Unit != "" {
				stat["Unit"] = s.Unit
			}
			shown["MetricStat"] = stat
		} else {
			shown["Expression"] = q.Expression
		}
		all = append(all, shown)
	}
	return all
}

func triggerDimensions(dimensions []types.Dimension) []document {
	all := []document{}
	for _, d := range dimensions {
		all = append(all, document{"name": d.Name, "value": d.Value})
	}
	return all
}

// wordEnd is where a word ends in a name such as SampleCount.
var wordEnd = regexp.MustCompile(`([a-z])([A-Z])`)
