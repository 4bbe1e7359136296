package cloudwatch

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"time"
	"unique"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/alarm"
	"flyball/internal/store"
	"flyball/internal/tsdb"
	"flyball/metric"
)

// A record is an alarm in memory: small, for there may be a million. What the
// SDK's types say with pointers is in plain members here, and what alarms have
// in common is kept once.
type record struct {
	name        string
	description string
	actions     []string // ARNs: those of the three states, one after the other
	ends        [3]uint8 // where the actions of each alarm.State end
	scales      uint8    // bit 1<<state: that state has scaling-policy actions
	enabled     bool     // ActionsEnabled
	deleted     bool
	slot        int32       // place in its class of the schedule
	tags        []types.Tag // by key
	configured  alarm.Instant

	standing
	queue *actionQueue // nil before the first action

	metric    metricRule
	composite *compositeRule // nil for a metric alarm
}

// A standing is the state of an alarm and how it came about.
type standing struct {
	alarm.Watch
	updated     alarm.Instant // when state or reason changed last
	why         reason        // nil is alarm.InitialReason
	suppression *suppression  // of a composite alarm's actions
}

// transitioned is when the state changed last: that of a new alarm when it was
// created.
func (s *standing) transitioned() time.Time { return cmp.Or(s.Since, s.updated).Time() }

// A metricRule is the part of a record that a metric alarm is evaluated by.
type metricRule struct {
	series *tsdb.Series // nil for a formula
	rule   alarm.Rule
	*reading
	watched *watched // set where the alarm was defined with Metrics
}

// A reading is how an alarm reads its metric. Alarms that read alike share it.
type reading struct {
	stat      metric.Statistic
	statistic string // stat as the client gave it
	unit      string // "" for any
	treated   bool   // whether the client gave a treatment of missing data
	lowSample string // EvaluateLowSampleCountPercentile, "" when not given
}

// readings keeps one of each reading.
type readings struct {
	mu  sync.Mutex
	all map[reading]*reading
}

func (k *readings) share(r reading) *reading {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.all == nil {
		k.all = map[reading]*reading{}
	}
	if k.all[r] == nil {
		k.all[r] = &r
	}
	return k.all[r]
}

// extended tells whether the statistic was given as ExtendedStatistic.
func (r *reading) extended() bool { return !r.stat.Basic() }

// shared returns a string that equal strings share, so that a thousand alarms
// with one action hold its ARN once.
func shared(s string) string { return unique.Make(s).Value() }

// isScaling tells whether an action is a policy of Application Auto Scaling or
// EC2 Auto Scaling. Such actions repeat.
func isScaling(action string) bool {
	return strings.HasPrefix(action, "arn:aws:autoscaling:") && strings.Contains(action, ":scalingPolicy:")
}

// act sets the actions of the record.
func (r *record) act(ok, al, insufficient []string) {
	r.actions, r.scales = nil, 0
	for state, actions := range [3][]string{alarm.OK: ok, alarm.Alarm: al, alarm.InsufficientData: insufficient} {
		for _, action := range actions {
			r.actions = append(r.actions, shared(action))
			if isScaling(action) {
				r.scales |= 1 << state
			}
		}
		r.ends[state] = uint8(len(r.actions))
	}
	r.actions = slices.Clip(r.actions)
}

// of are the actions of a state, never nil.
func (r *record) of(state alarm.State) []string {
	start := uint8(0)
	if state > 0 {
		start = r.ends[state-1]
	}
	return append([]string{}, r.actions[start:r.ends[state]]...)
}

// repeats tells whether the alarm has scaling actions to repeat in its state.
func (r *record) repeats() bool { return r.enabled && r.scales&(1<<r.State) != 0 }

// metricRecord makes the record of a metric alarm from the definition in m,
// which was found valid.
func (a *API) metricRecord(m *types.MetricAlarm, tags []types.Tag) (*record, error) {
	r := &record{
		name:        *m.AlarmName,
		description: shared(str(m.AlarmDescription)),
		tags:        tags,
		configured:  alarm.At(*m.AlarmConfigurationUpdatedTimestamp),
		enabled:     *m.ActionsEnabled,
	}
	r.act(m.OKActions, m.AlarmActions, m.InsufficientDataActions)

	period, err := a.watch(&r.metric, m)
	if err != nil {
		return nil, err
	}
	comparison, err := alarm.ParseComparison(string(m.ComparisonOperator))
	if err != nil {
		return nil, err
	}
	rule := alarm.Rule{Comparison: comparison, Threshold: *m.Threshold, Period: period, Periods: *m.EvaluationPeriods}
	if m.DatapointsToAlarm != nil {
		rule.Datapoints = *m.DatapointsToAlarm
	}
	if m.TreatMissingData != nil {
		if rule.Missing, err = alarm.ParseTreatment(*m.TreatMissingData); err != nil {
			return nil, err
		}
	} else if s := r.metric.series; s != nil && s.Key().ID().Namespace == "AWS/DynamoDB" {
		rule.Missing = alarm.Ignore // the default for this namespace alone
	}
	if p, ok := percentile(r.metric.statistic); ok && str(m.EvaluateLowSampleCountPercentile) == "ignore" {
		rule.MinSamples = alarm.LowSamples(p)
	}
	r.metric.rule = rule
	return r, nil
}

// watch sets what a metric alarm reads, and how, and returns the period.
func (a *API) watch(r *metricRule, m *types.MetricAlarm) (time.Duration, error) {
	how := reading{treated: m.TreatMissingData != nil, lowSample: shared(str(m.EvaluateLowSampleCountPercentile))}
	s := &types.MetricStat{
		Metric: &types.Metric{Namespace: m.Namespace, MetricName: m.MetricName, Dimensions: m.Dimensions},
		Stat:   ptr(string(m.Statistic)), Period: m.Period, Unit: m.Unit,
	}
	if m.ExtendedStatistic != nil {
		s.Stat = m.ExtendedStatistic
	}
	if len(m.Metrics) > 0 {
		r.watched = &watched{queries: m.Metrics}
		s = returned(m.Metrics).MetricStat
	}
	if s == nil || len(m.Metrics) > 1 {
		f, err := a.formula(m.Metrics)
		if err != nil {
			return 0, err
		}
		period, _ := formulaPeriod(m.Metrics)
		r.watched.formula = f
		r.reading = a.readings.share(how)
		return time.Duration(period) * time.Second, nil
	}
	var err error
	if how.stat, err = metric.ParseStatistic(str(s.Stat)); err != nil {
		return 0, err
	}
	how.statistic, how.unit = shared(*s.Stat), shared(string(s.Unit))
	r.series = a.Metrics.Series(metric.NewID(str(s.Metric.Namespace), str(s.Metric.MetricName), dimensions(s.Metric.Dimensions)...))
	r.reading = a.readings.share(how)
	return time.Duration(*s.Period) * time.Second, nil
}

// describeMetric is the metric alarm as DescribeAlarms shows it.
func (a *API) describeMetric(r *record) types.MetricAlarm {
	m := &r.metric
	arn := a.alarmARN(r.name)
	configured, updated, transitioned := r.configured.Time(), r.updated.Time(), r.transitioned()
	text, data := r.reason()
	threshold, periods := m.rule.Threshold, m.rule.Periods
	d := types.MetricAlarm{
		AlarmName:                          &r.name,
		AlarmArn:                           &arn,
		AlarmDescription:                   optional(r.description),
		AlarmConfigurationUpdatedTimestamp: &configured,
		ActionsEnabled:                     ptr(r.enabled),
		OKActions:                          r.of(alarm.OK),
		AlarmActions:                       r.of(alarm.Alarm),
		InsufficientDataActions:            r.of(alarm.InsufficientData),
		StateValue:                         types.StateValue(r.State.String()),
		StateReason:                        &text,
		StateReasonData:                    optional(data),
		StateUpdatedTimestamp:              &updated,
		StateTransitionedTimestamp:         &transitioned,
		EvaluationPeriods:                  &periods,
		Threshold:                          &threshold,
		ComparisonOperator:                 types.ComparisonOperator(m.rule.Comparison.String()),
		EvaluateLowSampleCountPercentile:   optional(m.lowSample),
		Dimensions:                         []types.Dimension{},
	}
	if m.rule.Datapoints > 0 {
		d.DatapointsToAlarm = ptr(m.rule.Datapoints)
	}
	if m.treated {
		d.TreatMissingData = ptr(m.rule.Missing.String())
	}
	if m.watched != nil {
		d.Metrics = slices.Clone(m.watched.queries)
		return d
	}
	id := m.series.Key().ID()
	d.Namespace = &id.Namespace
	d.MetricName = &id.Name
	d.Dimensions = sdkDimensions(id.Dimensions)
	d.Period = ptr(int32(m.rule.Period / time.Second))
	d.Unit = types.StandardUnit(m.unit)
	if m.extended() {
		d.ExtendedStatistic = &m.statistic
	} else {
		d.Statistic = types.Statistic(m.statistic)
	}
	return d
}

func ptr[T any](v T) *T { return &v }

// A definition is an alarm in the store, under its name: one of the two kinds,
// without the state, which has a document of its own.
type definition struct {
	Metric    *types.MetricAlarm    `json:",omitempty"`
	Composite *types.CompositeAlarm `json:",omitempty"`
	Tags      []types.Tag           `json:",omitempty"`
}

// decode makes a record of a stored definition.
func (a *API) decode(value []byte) (*record, error) {
	var d definition
	if err := json.Unmarshal(value, &d); err != nil {
		return nil, err
	}
	if d.Composite != nil {
		return a.compositeRecord(d.Composite, d.Tags)
	}
	return a.metricRecord(d.Metric, d.Tags)
}

// putDefinition adds the alarm's definition to a batch.
func (a *API) putDefinition(b *store.Batch, r *record) {
	d := definition{Tags: r.tags}
	if r.composite != nil {
		c := a.describeComposite(r)
		c.StateReason, c.StateReasonData = nil, nil
		d.Composite = &c
	} else {
		m := a.describeMetric(r)
		m.StateReason, m.StateReasonData = nil, nil
		d.Metric = &m
	}
	b.Put(kindAlarm, r.name, encode(d))
}

// putState adds the alarm's state to a batch.
func putState(b *store.Batch, r *record) { b.Put(kindState, r.name, encode(r.standing.document())) }

// encode is for documents, all of whose members JSON can express. It leaves the
// arrow in "OK -> ALARM" as it is.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// insert makes an alarm known, in the place of the one with its name if there
// is one. The caller holds the lock, or is the first.
func (a *API) insert(r *record) {
	if old := a.alarms[r.name]; old != nil {
		a.remove(old)
	}
	a.alarms[r.name] = r
	a.names = nil
	if r.composite != nil {
		a.composites++
		for _, child := range r.composite.children {
			a.parents[child] = append(a.parents[child], r)
		}
		if s := r.composite.suppressor; s != "" {
			a.suppressed[s] = append(a.suppressed[s], r)
		}
		return
	}
	a.schedule.add(r)
	for _, s := range r.metric.sources() {
		w := a.watches[s]
		if w == nil {
			w = &watch{api: a}
			a.watches[s] = w
			s.Watch(w)
		}
		w.add(r)
	}
}

// remove makes an alarm unknown again.
func (a *API) remove(r *record) {
	r.deleted = true
	delete(a.alarms, r.name)
	a.names = nil
	if r.composite != nil {
		a.composites--
		for _, child := range r.composite.children {
			without(a.parents, child, r)
		}
		without(a.suppressed, r.composite.suppressor, r)
		return
	}
	a.schedule.remove(r)
	for _, s := range r.metric.sources() {
		if w := a.watches[s]; w.remove(r) == 0 {
			delete(a.watches, s)
			s.Watch(nil)
		}
	}
}

// without takes a record out of the list under a key.
func without(lists map[string][]*record, key string, r *record) {
	rest := slices.DeleteFunc(lists[key], func(other *record) bool { return other == r })
	if len(rest) == 0 {
		delete(lists, key)
	} else {
		lists[key] = rest
	}
}

// sorted returns all alarms by name. The caller holds the lock and leaves the
// list as it is.
func (a *API) sorted() []*record {
	if a.names == nil {
		a.names = make([]*record, 0, len(a.alarms))
		for _, r := range a.alarms {
			a.names = append(a.names, r)
		}
		slices.SortFunc(a.names, func(x, y *record) int { return strings.Compare(x.name, y.name) })
	}
	return a.names
}
