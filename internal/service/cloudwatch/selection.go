package cloudwatch

import (
	"cmp"
	"errors"
	"iter"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/internal/tsdb"
	"flyball/metric"
	"flyball/metric/math"
	"flyball/metric/query"
)

// How far back queries of Metrics Insights look, from "Metrics Insights quotas".
const (
	selectionReach = 14 * 24 * time.Hour
	selectionAlarm = 3 * time.Hour // for the evaluation of an alarm
)

// maxSelecting is how many alarms on queries there are, from the same page.
const maxSelecting = 200

// selectionPeriod is the period of a Metrics Insights query, which "does not support
// high-resolution data": a shorter one is a minute.
func selectionPeriod(q dataQuery) time.Duration {
	return max(time.Minute, cmp.Or(q.period, searchPeriod))
}

// matching are the metrics that a query looks at, in the order of their keys: those
// with datapoints in the last two weeks, and no more than it may have.
func matching(db *tsdb.DB, q *query.Query) iter.Seq2[metric.ID, *tsdb.Series] {
	return func(yield func(metric.ID, *tsdb.Series) bool) {
		left := query.MaxMetrics
		for id := range db.List(q.Namespace, q.Metric, "") {
			if !q.Matches(id) {
				continue
			}
			series, ok := db.Lookup(id)
			if !ok {
				continue
			}
			if left--; left < 0 || !yield(id, series) {
				return
			}
		}
	}
}

// selection evaluates a Metrics Insights query of a GetMetricData.
func (c *calculation) selection(id string, q *query.Query, grid math.Grid) ([]math.Series, bool, error) {
	period := selectionPeriod(c.queries[id])
	read := tsdb.Query{From: grid.Start, To: grid.Time(grid.Len), Period: period, Statistics: q.Statistics()}
	if gone := c.metrics.cell.Clock.Now().Add(-selectionReach).Sub(read.From); gone > 0 {
		read.From = read.From.Add((gone + period - 1) / period * period)
		c.message("MaxQueryTimeRangeExceeded", "Max time window exceeded for query")
	}
	q = q.In(c.metrics.cell.Account)
	result, matched := q.Result(grid.Len), 0
	for metric, series := range matching(c.metrics.db, q) {
		if !read.From.Before(read.To) {
			break
		}
		matched++
		rows, err := series.Query(read)
		if err != nil {
			return nil, false, err
		}
		if len(rows) == 0 {
			continue
		}
		group, err := result.Group(metric)
		if err != nil {
			return nil, false, tooLarge(err)
		}
		for _, row := range rows {
			result.Add(group, int(row.Time.Sub(grid.Start)/grid.Step), row.Values...)
		}
	}
	if matched == query.MaxMetrics {
		c.message("MaxMatchingResultsExceeded", "The query matched 10,000 metrics, which is as many as it looks at. There may be more")
	}
	all, more := result.Series()
	if more {
		c.message("MaxQueryResultsExceeded", "Only the first 500 time series can be returned by a query.")
	}
	return selected(q, all, period), false, nil
}

// tooLarge makes a result that is refused the client's error.
func tooLarge(err error) error {
	if errors.Is(err, query.ErrTooLarge) {
		return validation("The query takes too many datapoints to compute. Ask for a shorter time range or a longer period")
	}
	return err
}

// message has the answer tell something beside the results, once.
func (c *calculation) message(code, text string) {
	if !slices.ContainsFunc(c.messages, func(m types.MessageData) bool { return *m.Code == code }) {
		c.messages = append(c.messages, types.MessageData{Code: &code, Value: &text})
	}
}

// takeMessages are the messages since the last call.
func (c *calculation) takeMessages() []types.MessageData {
	taken := c.messages
	c.messages = nil
	return taken
}

// selected are the time series of a query for metric math. The labels of their groups
// are the dimensions that ${PROP('Dim.Name')} shows.
func selected(q *query.Query, series []query.Series, period time.Duration) []math.Series {
	all := make([]math.Series, len(series))
	for i, s := range series {
		all[i] = math.Series{Period: period, Values: s.Values, Source: math.Source{
			Label:  s.Label(),
			Metric: metric.NewID(q.Namespace, q.Metric, s.Labels...), Statistic: q.Function.Statistic(),
		}}
	}
	return all
}

// selection evaluates a Metrics Insights query for an alarm, over the periods that end
// at end, and tells whether a metric that it matches has still to report for the
// newest. Which metrics there are is found out each time.
func (f *formula) selection(q *query.Query, n int, period time.Duration, end time.Time) ([]math.Series, bool, error) {
	var pending bool
	q = q.In(f.account)
	statistics := q.Statistics()
	result := q.Result(n)
	seen := min(n, int(selectionAlarm/period)) // older datapoints are not looked at
	values, row := make([]float64, seen*len(statistics)), make([]float64, len(statistics))
	for id, series := range matching(f.db, q) {
		for i, statistic := range statistics {
			if err := series.Window(values[i*seen:(i+1)*seen], statistic, period, "", end); err != nil {
				return nil, false, err
			}
		}
		pending = pending || metric.Pending(values[:seen])
		group, err := result.Group(id)
		if err != nil {
			return nil, false, err
		}
		for p := range seen {
			for i := range statistics {
				row[i] = values[i*seen+p]
			}
			result.Add(group, n-seen+p, row...)
		}
	}
	all, _ := result.Series()
	return selected(q, all, period), pending, nil
}
