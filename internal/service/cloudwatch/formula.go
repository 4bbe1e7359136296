package cloudwatch

import (
	gomath "math"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/alarm"
	"flyball/internal/tsdb"
	"flyball/metric"
	"flyball/metric/math"
	"flyball/metric/query"
)

// Limits of an alarm that is defined with Metrics, from the API reference,
// "MetricDataQuery".
const (
	maxAlarmMetrics     = 10
	maxAlarmExpressions = 10
)

// A querySet is what an alarm that was defined with Metrics watches.
type querySet struct {
	given   []types.MetricDataQuery
	formula *formula // nil where the one query is a metric
}

// A formula is metric math that an alarm watches.
type formula struct {
	program *math.Program
	result  string // id of the query that returns data
	inputs  []input

	// Of a formula with a Metrics Insights query.
	selects bool
	db      *tsdb.DB
	account string

	band *bandRule // nil without one
}

// An input is a metric that a formula is computed from.
type input struct {
	id     string
	series *tsdb.Series
	stat   metric.Statistic
	unit   string
}

// returned is the query of a list that returns data, beside the one that is the
// threshold, which is "" where there is none.
func returned(queries []types.MetricDataQuery, threshold string) *types.MetricDataQuery {
	i := slices.IndexFunc(queries, func(q types.MetricDataQuery) bool {
		return (q.ReturnData == nil || *q.ReturnData) && *q.Id != threshold
	})
	return &queries[i]
}

// mathQueries are queries as package math compiles them.
func mathQueries(queries []types.MetricDataQuery) []math.Query {
	out := make([]math.Query, len(queries))
	for i, q := range queries {
		out[i] = math.Query{ID: aws.ToString(q.Id), Expression: aws.ToString(q.Expression)}
	}
	return out
}

// formula makes what an alarm watches of its queries, which were found valid: one
// that returns data, and another that is its threshold, or "".
func (a *alarms) formula(queries []types.MetricDataQuery, threshold string) (*formula, error) {
	program, err := math.Compile(mathQueries(queries))
	if err != nil {
		return nil, err
	}
	f := &formula{program: program, result: *returned(queries, threshold).Id, db: a.db, account: a.cell.Account}
	f.selects = len(program.Selections(f.result)) > 0
	if threshold != "" {
		if f.band, err = a.bandRule(program, queries, threshold); err != nil {
			return nil, err
		}
	}
	needed := program.Metrics(f.result)
	for _, q := range queries {
		s := q.MetricStat
		if s == nil || !slices.Contains(needed, *q.Id) {
			continue
		}
		stat, err := metric.ParseStatistic(aws.ToString(s.Stat))
		if err != nil {
			return nil, err
		}
		id := metric.NewID(aws.ToString(s.Metric.Namespace), aws.ToString(s.Metric.MetricName), dimensions(s.Metric.Dimensions)...)
		f.inputs = append(f.inputs, input{*q.Id, a.db.Series(id), stat, string(s.Unit)})
	}
	return f, nil
}

// checkFormula refuses expressions that an alarm cannot watch, with the period that
// they have in common.
func checkFormula(queries []types.MetricDataQuery, threshold string, period int32) error {
	id := *returned(queries, threshold).Id
	program, err := math.Compile(mathQueries(queries))
	if err == nil {
		err = program.Watchable(id)
	}
	if err != nil {
		return validation("%v", err)
	}
	if period == 0 {
		return validation("Period must not be null")
	}
	if err := checkBand(program, id, threshold, period); err != nil {
		return err
	}
	if period < 60 && len(program.Selections(id)) > 0 {
		return validation("Period must be a multiple of 60 for a Metrics Insights query, which has no high-resolution data")
	}
	return nil
}

// formulaPeriod is the period that all queries of an alarm have in common, in
// seconds: 0 where none has one, and false where they have several.
func formulaPeriod(queries []types.MetricDataQuery) (period int32, same bool) {
	for _, q := range queries {
		own := q.Period
		if q.MetricStat != nil {
			own = q.MetricStat.Period
		}
		switch {
		case own == nil:
		case period == 0:
			period = *own
		case period != *own:
			return 0, false
		}
	}
	return period, true
}

// window computes the formula for the periods that end at end, as the Window of a
// series reads one. It has no value for the newest period as long as a metric that
// is pending would change that value.
func (f *formula) window(dst []float64, band alarm.Band, period time.Duration, end time.Time) error {
	n := len(dst)
	values := make([]float64, n*len(f.inputs))
	grid := math.Grid{Start: end.Add(-time.Duration(n) * period), Step: period, Len: n}
	env := math.Env{
		Grid: grid,
		Metric: func(id string) (math.Series, error) {
			i := slices.IndexFunc(f.inputs, func(in input) bool { return in.id == id })
			in, window := &f.inputs[i], values[i*n:(i+1)*n]
			err := in.series.Window(window, in.stat, period, in.unit, end)
			return math.Series{Period: period, Values: window}, err
		},
	}
	if f.selects {
		env.Select = func(_ string, q *query.Query) ([]math.Series, bool, error) { return f.selection(q, n, period, end) }
	}
	if f.band != nil {
		env.Band = func(_ string, width float64) (upper, lower math.Series, err error) { return f.band.series(grid, width) }
	}
	run := f.program.Run(env)
	result, err := run.Result(f.result)
	if err != nil {
		for i := range dst {
			dst[i] = gomath.NaN()
		}
		return err
	}
	copy(dst, result[0].Values)
	if run.Pending(f.result) {
		dst[n-1] = gomath.NaN()
	}
	if f.band != nil {
		return f.readBand(run, dst, band)
	}
	return nil
}

// selects tells whether the alarm finds metrics by a query as it is evaluated.
func (m *metricRule) selects() bool {
	return m.queries != nil && m.queries.formula != nil && m.queries.formula.selects
}

// sources are the series whose datapoints change what the alarm sees.
func (m *metricRule) sources() []*tsdb.Series {
	if m.series != nil {
		return []*tsdb.Series{m.series}
	}
	var all []*tsdb.Series
	for _, in := range m.queries.formula.inputs {
		if !slices.Contains(all, in.series) {
			all = append(all, in.series)
		}
	}
	return all
}

// band is what the alarm compares its values with, or nil.
func (m *metricRule) band() *bandRule {
	if m.queries == nil || m.queries.formula == nil {
		return nil
	}
	return m.queries.formula.band
}

// read reads the values of the evaluation range, and their band where the alarm has
// one; NaN is no data.
func (m *metricRule) read(dst []float64, band alarm.Band, end time.Time) error {
	if m.series == nil {
		return m.queries.formula.window(dst, band, m.rule.Period, end)
	}
	return m.series.Window(dst, m.stat, m.rule.Period, m.unit, end)
}
