package cloudwatch

import (
	"slices"
	"sync"
	"time"
	"unique"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/alarm"
	"flyball/internal/optional"
	"flyball/internal/state"
	"flyball/internal/tsdb"
	"flyball/metric"
)

// An entry is an alarm in memory: small, for there may be a million. What the
// SDK's types say with pointers is in plain members here, and what alarms have
// in common is kept once. A changed alarm is another entry; of an entry only the
// status changes, and whether its actions are enabled.
type entry struct {
	name        string
	description string
	actions     []string // ARNs: those of the three states, one after the other
	ends        [3]uint8 // where the actions of each alarm.State end
	scales      uint8    // bit 1<<state: that state has scaling-policy actions
	enabled     bool     // ActionsEnabled
	deleted     bool
	late        bool  // guarded by the schedule's list of late alarms
	slot        int32 // place in its class of the schedule
	tags        map[string]string
	configured  alarm.Instant

	status
	jobs *jobQueue // nil before the first action

	metric    metricRule
	composite *compositeRule // nil for a metric alarm
}

// A metricRule is the part of an entry that a metric alarm is evaluated by.
type metricRule struct {
	series *tsdb.Series // nil for a formula
	rule   alarm.Rule
	*options
	queries *querySet // set where the alarm was defined with Metrics
}

// options are what many alarms have in common: how the metric is read, and what the
// client gave of it. Alarms with the same options share them.
type options struct {
	stat      metric.Statistic
	statistic string // stat as the client gave it
	unit      string // "" for any
	treated   bool   // whether the client gave a treatment of missing data
	lowSample string // EvaluateLowSampleCountPercentile, "" when not given
}

// An optionSet has each combination of options once.
type optionSet struct {
	mu  sync.Mutex
	all map[options]*options
}

func (s *optionSet) share(o options) *options {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = map[options]*options{}
	}
	if s.all[o] == nil {
		s.all[o] = &o
	}
	return s.all[o]
}

// extended tells whether the statistic was given as ExtendedStatistic.
func (o *options) extended() bool { return !o.stat.Basic() }

// shared returns a string that equal strings share, so that a thousand alarms
// with one action hold its ARN once.
func shared(s string) string { return unique.Make(s).Value() }

// setActions sets the actions of the three states.
func (e *entry) setActions(ok, al, insufficient []string) {
	e.actions, e.scales = nil, 0
	for state, actions := range [3][]string{alarm.OK: ok, alarm.Alarm: al, alarm.InsufficientData: insufficient} {
		for _, action := range actions {
			e.actions = append(e.actions, shared(action))
			if isScaling(action) {
				e.scales |= 1 << state
			}
		}
		e.ends[state] = uint8(len(e.actions))
	}
	e.actions = slices.Clip(e.actions)
}

// actionsOf are the actions of a state, never nil.
func (e *entry) actionsOf(state alarm.State) []string {
	start := uint8(0)
	if state > 0 {
		start = e.ends[state-1]
	}
	return append([]string{}, e.actions[start:e.ends[state]]...)
}

// repeats tells whether the alarm has scaling actions to repeat in its state.
func (e *entry) repeats() bool { return e.enabled && e.scales&(1<<e.State) != 0 }

// metricEntry makes the entry of a metric alarm from the definition in m, which was
// found valid.
func (a *alarms) metricEntry(m *types.MetricAlarm, tags map[string]string) (*entry, error) {
	e := &entry{
		name:        *m.AlarmName,
		description: shared(aws.ToString(m.AlarmDescription)),
		tags:        tags,
		configured:  alarm.At(*m.AlarmConfigurationUpdatedTimestamp),
		enabled:     *m.ActionsEnabled,
	}
	e.setActions(m.OKActions, m.AlarmActions, m.InsufficientDataActions)

	period, err := a.source(&e.metric, m)
	if err != nil {
		return nil, err
	}
	comparison, err := alarm.ParseComparison(string(m.ComparisonOperator))
	if err != nil {
		return nil, err
	}
	rule := alarm.Rule{Comparison: comparison, Threshold: aws.ToFloat64(m.Threshold), Period: period, Periods: *m.EvaluationPeriods}
	if m.DatapointsToAlarm != nil {
		rule.Datapoints = *m.DatapointsToAlarm
	}
	if m.TreatMissingData != nil {
		if rule.Missing, err = alarm.ParseTreatment(*m.TreatMissingData); err != nil {
			return nil, err
		}
	} else if s := e.metric.series; s != nil && s.Key().ID().Namespace == "AWS/DynamoDB" {
		rule.Missing = alarm.Ignore // the default for this namespace alone
	}
	if p, ok := percentile(e.metric.statistic); ok && aws.ToString(m.EvaluateLowSampleCountPercentile) == "ignore" {
		rule.MinSamples = alarm.LowSamples(p)
	}
	e.metric.rule = rule
	return e, nil
}

// source sets what a metric alarm reads, and how, and returns the period.
func (a *alarms) source(r *metricRule, m *types.MetricAlarm) (time.Duration, error) {
	how := options{treated: m.TreatMissingData != nil, lowSample: shared(aws.ToString(m.EvaluateLowSampleCountPercentile))}
	s := &types.MetricStat{
		Metric: &types.Metric{Namespace: m.Namespace, MetricName: m.MetricName, Dimensions: m.Dimensions},
		Stat:   new(string(m.Statistic)), Period: m.Period, Unit: m.Unit,
	}
	if m.ExtendedStatistic != nil {
		s.Stat = m.ExtendedStatistic
	}
	if len(m.Metrics) > 0 {
		r.queries = &querySet{given: m.Metrics}
		s = returned(m.Metrics, aws.ToString(m.ThresholdMetricId)).MetricStat
	}
	if s == nil || len(m.Metrics) > 1 {
		f, err := a.formula(m.Metrics, aws.ToString(m.ThresholdMetricId))
		if err != nil {
			return 0, err
		}
		period, _ := formulaPeriod(m.Metrics)
		r.queries.formula = f
		r.options = a.options.share(how)
		return time.Duration(period) * time.Second, nil
	}
	var err error
	if how.stat, err = metric.ParseStatistic(aws.ToString(s.Stat)); err != nil {
		return 0, err
	}
	how.statistic, how.unit = shared(*s.Stat), shared(string(s.Unit))
	r.series = a.db.Series(metric.NewID(aws.ToString(s.Metric.Namespace), aws.ToString(s.Metric.MetricName), dimensions(s.Metric.Dimensions)...))
	r.options = a.options.share(how)
	return time.Duration(*s.Period) * time.Second, nil
}

// describeMetric is the metric alarm as DescribeAlarms shows it.
func (a *alarms) describeMetric(e *entry) types.MetricAlarm {
	m := &e.metric
	arn := a.arn(e.name)
	configured, updated, transitioned := e.configured.Time(), e.updated.Time(), e.transitioned()
	text, data := e.reason()
	periods := m.rule.Periods
	d := types.MetricAlarm{
		AlarmName:                          &e.name,
		AlarmArn:                           &arn,
		AlarmDescription:                   optional.String(e.description),
		AlarmConfigurationUpdatedTimestamp: &configured,
		ActionsEnabled:                     new(e.enabled),
		OKActions:                          e.actionsOf(alarm.OK),
		AlarmActions:                       e.actionsOf(alarm.Alarm),
		InsufficientDataActions:            e.actionsOf(alarm.InsufficientData),
		StateValue:                         types.StateValue(e.State.String()),
		StateReason:                        &text,
		StateReasonData:                    optional.String(data),
		StateUpdatedTimestamp:              &updated,
		StateTransitionedTimestamp:         &transitioned,
		EvaluationPeriods:                  &periods,
		ComparisonOperator:                 types.ComparisonOperator(m.rule.Comparison.String()),
		EvaluateLowSampleCountPercentile:   optional.String(m.lowSample),
		Dimensions:                         []types.Dimension{},
	}
	if b := m.band(); b != nil {
		d.ThresholdMetricId = &b.id
	} else {
		d.Threshold = new(m.rule.Threshold)
	}
	if m.rule.Datapoints > 0 {
		d.DatapointsToAlarm = new(m.rule.Datapoints)
	}
	if m.treated {
		d.TreatMissingData = new(m.rule.Missing.String())
	}
	if m.queries != nil {
		d.Metrics = slices.Clone(m.queries.given)
		return d
	}
	id := m.series.Key().ID()
	d.Namespace = &id.Namespace
	d.MetricName = &id.Name
	d.Dimensions = sdkDimensions(id.Dimensions)
	d.Period = new(int32(m.rule.Period / time.Second))
	d.Unit = types.StandardUnit(m.unit)
	if m.extended() {
		d.ExtendedStatistic = &m.statistic
	} else {
		d.Statistic = types.Statistic(m.statistic)
	}
	return d
}

// A definition is an alarm in the store, under its name: one of the two kinds,
// without the state, which has a document of its own.
type definition struct {
	Metric    *types.MetricAlarm    `json:",omitempty"`
	Composite *types.CompositeAlarm `json:",omitempty"`
	Tags      []types.Tag           `json:",omitempty"`
}

// entry makes an entry of a stored definition.
func (a *alarms) entry(d *definition) (*entry, error) {
	if d.Composite != nil {
		return a.compositeEntry(d.Composite, tagMap(d.Tags))
	}
	return a.metricEntry(d.Metric, tagMap(d.Tags))
}

// putDefinition writes the alarm's definition.
func (a *alarms) putDefinition(tx *state.Tx, e *entry) {
	d := definition{Tags: tagList(e.tags)}
	if e.composite != nil {
		c := a.describeComposite(e)
		c.StateReason, c.StateReasonData = nil, nil
		d.Composite = &c
	} else {
		m := a.describeMetric(e)
		m.StateReason, m.StateReasonData = nil, nil
		d.Metric = &m
	}
	tx.Put(kindAlarm, e.name, d)
}
