package cloudwatch

import (
	"cmp"
	"encoding/json"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/google/uuid"

	"flyball/alarm"
	"flyball/internal/optional"
)

// A topicMessage is what a topic is told of an alarm's new state, in the order in which
// CloudWatch writes it.
type topicMessage struct {
	AlarmName, AlarmDescription        *string
	AWSAccountId                       string
	AlarmConfigurationUpdatedTimestamp string
	NewStateValue, NewStateReason      string
	StateChangeTime, Region            string
	AlarmArn, OldStateValue            string
	OKActions, AlarmActions            []string
	InsufficientDataActions            []string
	AlarmRule                          string            `json:",omitempty"`
	Trigger                            *trigger          `json:",omitempty"`
	TriggeringChildren                 []triggeringChild `json:",omitzero"`
}

// message is what a topic is told of an alarm's new state.
func (a *alarms) message(e *entry, n alarm.Notification) *string {
	m := topicMessage{
		AlarmName: &e.name, AlarmDescription: optional.String(e.description), AlarmArn: n.AlarmARN,
		AWSAccountId: a.cell.Account, Region: regionName(a.cell.Region),
		AlarmConfigurationUpdatedTimestamp: e.configured.Time().Format(alarm.TimeFormat),
		NewStateValue:                      n.State.String(), NewStateReason: n.Reason, OldStateValue: n.Previous.String(),
		StateChangeTime: n.At.Format(alarm.TimeFormat),
		OKActions:       e.actionsOf(alarm.OK), AlarmActions: e.actionsOf(alarm.Alarm), InsufficientDataActions: e.actionsOf(alarm.InsufficientData),
	}
	if e.composite != nil {
		m.AlarmRule, m.TriggeringChildren = e.composite.text, e.triggering()
	} else {
		m.Trigger = e.metric.trigger()
	}
	return new(string(encode(object{"default": string(encode(m))})))
}

// A triggeringChild is read as reasons write it, with small first letters.
type triggeringChild struct {
	Arn   string
	State struct{ Value, Timestamp string }
}

// triggering are the alarms that made a composite alarm what it is: none where
// SetAlarmState did.
func (e *entry) triggering() []triggeringChild {
	why := struct{ TriggeringAlarms []triggeringChild }{}
	if _, data := e.reason(); data != "" {
		_ = json.Unmarshal([]byte(data), &why) // SetAlarmState takes any data
	}
	return append([]triggeringChild{}, why.TriggeringAlarms...)
}

// A trigger is what a metric alarm watches: one metric, or Metrics. What was not
// given is there with what CloudWatch takes for it.
type trigger struct {
	*watched
	Period, EvaluationPeriods        int
	DatapointsToAlarm                int
	ComparisonOperator               string
	ThresholdMetricID                string        `json:"ThresholdMetricId,omitempty"`
	Threshold                        *alarm.Number `json:",omitempty"`
	TreatMissingData                 string
	EvaluateLowSampleCountPercentile string
	Metrics                          []object `json:",omitempty"`
}

// watched is the one metric of a trigger.
type watched struct {
	MetricName, Namespace        string
	StatisticType                string
	Statistic, ExtendedStatistic string `json:",omitempty"`
	Unit                         *string
	Dimensions                   []triggerDimension
}

type triggerDimension struct {
	Value *string `json:"value"`
	Name  *string `json:"name"`
}

func (m *metricRule) trigger() *trigger {
	t := &trigger{
		Period: int(m.rule.Period / time.Second), EvaluationPeriods: int(m.rule.Periods),
		DatapointsToAlarm:  cmp.Or(int(m.rule.Datapoints), int(m.rule.Periods)),
		ComparisonOperator: m.rule.Comparison.String(),
		TreatMissingData:   m.rule.Missing.String(), EvaluateLowSampleCountPercentile: m.lowSample,
	}
	if b := m.band(); b != nil {
		t.ThresholdMetricID = b.id
	} else {
		t.Threshold = new(alarm.Number(m.rule.Threshold))
	}
	if m.queries != nil {
		t.Metrics = triggerQueries(m.queries.given)
		return t
	}
	id := m.series.Key().ID()
	w := &watched{MetricName: id.Name, Namespace: id.Namespace, Dimensions: triggerDimensions(sdkDimensions(id.Dimensions)), Unit: optional.String(m.unit)}
	if m.extended() {
		w.StatisticType, w.ExtendedStatistic = "ExtendedStatistic", m.statistic
	} else {
		w.StatisticType, w.Statistic = "Statistic", strings.ToUpper(wordEnd.ReplaceAllString(m.statistic, "${1}_$2"))
	}
	t.watched = w
	return t
}

func triggerQueries(queries []types.MetricDataQuery) (all []object) {
	for _, q := range queries {
		shown := object{"Id": q.Id, "ReturnData": q.ReturnData}
		if q.Label != nil {
			shown["Label"] = q.Label
		}
		if s := q.MetricStat; s != nil {
			stat := object{"Period": s.Period, "Stat": s.Stat, "Metric": object{
				"Namespace": s.Metric.Namespace, "MetricName": s.Metric.MetricName, "Dimensions": triggerDimensions(s.Metric.Dimensions),
			}}
			if s.Unit != "" {
				stat["Unit"] = s.Unit
			}
			shown["MetricStat"] = stat
		} else {
			shown["Expression"] = q.Expression
			if q.Period != nil {
				shown["Period"] = q.Period
			}
		}
		all = append(all, shown)
	}
	return all
}

func triggerDimensions(dimensions []types.Dimension) []triggerDimension {
	all := []triggerDimension{}
	for _, d := range dimensions {
		all = append(all, triggerDimension{d.Value, d.Name})
	}
	return all
}

// wordEnd is where a word ends in a name such as SampleCount.
var wordEnd = regexp.MustCompile(`([a-z])([A-Z])`)

// eventConfiguration is what an alarm watches, as events show it.
func (e *entry) eventConfiguration() object {
	c := object{"description": e.description}
	if rule := e.composite; rule != nil {
		c["alarmRule"] = rule.text
		if rule.given != "" {
			c["actionsSuppressor"] = rule.given
			c["actionsSuppressorWaitPeriod"], c["actionsSuppressorExtensionPeriod"] = rule.wait/time.Second, rule.extension/time.Second
		}
		return c
	}
	c["metrics"] = eventQueries(e.metric.asQueries(e.name))
	return c
}

func eventQueries(queries []types.MetricDataQuery) (all []object) {
	for _, q := range queries {
		shown := object{"id": q.Id, "returnData": q.ReturnData == nil || *q.ReturnData}
		if q.Label != nil {
			shown["label"] = q.Label
		}
		if s := q.MetricStat; s != nil {
			dimensions := map[string]string{}
			for _, d := range s.Metric.Dimensions {
				dimensions[*d.Name] = *d.Value
			}
			stat := object{"period": s.Period, "stat": s.Stat, "metric": object{
				"namespace": s.Metric.Namespace, "name": s.Metric.MetricName, "dimensions": dimensions,
			}}
			if s.Unit != "" {
				stat["unit"] = s.Unit
			}
			shown["metricStat"] = stat
		} else {
			shown["expression"] = q.Expression
			if q.Period != nil {
				shown["period"] = q.Period
			}
		}
		all = append(all, shown)
	}
	return all
}

// asQueries are the queries of the metric alarm with a name; a metric by itself is one,
// too, to which AWS gives a UUID for its id.
func (m *metricRule) asQueries(alarm string) []types.MetricDataQuery {
	if m.queries != nil {
		return m.queries.given
	}
	id := m.series.Key().ID()
	return []types.MetricDataQuery{{Id: new(uuid.NewSHA1(uuid.NameSpaceOID, []byte(alarm)).String()), MetricStat: &types.MetricStat{
		Metric: &types.Metric{Namespace: &id.Namespace, MetricName: &id.Name, Dimensions: sdkDimensions(id.Dimensions)},
		Period: new(int32(m.rule.Period / time.Second)), Stat: &m.statistic, Unit: types.StandardUnit(m.unit),
	}}}
}
