package autoscaling

import (
	gomath "math"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/metric"
	"flyball/metric/math"
	"flyball/scaling"
)

// A formula is metric math that an alarm watches, with what CloudWatch gave for
// its queries.
type formula struct {
	queries []cwtypes.MetricDataQuery
	results []cwtypes.MetricDataResult
	alarm   scaling.Alarm
	now     time.Time
}

// grid are the periods that the alarm evaluates, and one before them for what is
// pending.
func (f formula) grid() math.Grid {
	of, period := f.alarm.Of, f.alarm.Period
	end := f.now.Truncate(period)
	return math.Grid{Start: end.Add(-time.Duration(of+1) * period), Step: period, Len: of + 1}
}

// datapoints are those of the newest closed periods. As in the alarm, the newest
// period has none as long as a metric that is pending would change it.
//
// With no task a division by the number of tasks has no value, and nothing would
// ever start. So where nothing runs the values are computed again from the
// metrics, with what is divided by zero divided by the one task that there might
// be. What cannot be computed stays as it is: CloudWatch may know expressions that
// package math does not.
func (f formula) datapoints(nothingRuns bool) []metric.Datapoint {
	grid, result := f.grid(), returnedID(f.queries)
	values := onGrid(grid, f.results, result).Values
	if run, series, ok := f.compute(grid, nothingRuns); ok {
		if nothingRuns {
			values = series.Values
		}
		if run.Pending(result) {
			values[grid.Len-1] = gomath.NaN()
		}
	}
	var points []metric.Datapoint
	for i, v := range values {
		if i > 0 && v == v { // the first period is there for what is pending
			points = append(points, metric.Datapoint{Time: grid.Time(i), Value: v})
		}
	}
	return points
}

// compute runs the formula on the metrics' own results.
func (f formula) compute(grid math.Grid, nothingRuns bool) (*math.Run, math.Series, bool) {
	named := make([]math.Query, len(f.queries))
	for i, q := range f.queries {
		named[i] = math.Query{ID: aws.ToString(q.Id), Expression: aws.ToString(q.Expression)}
	}
	program, err := math.Compile(named)
	if err != nil {
		return nil, math.Series{}, false
	}
	env := math.Env{Grid: grid, Metric: func(id string) (math.Series, error) { return onGrid(grid, f.results, id), nil }}
	if nothingRuns {
		env.ZeroDivisor = 1
	}
	run := program.Run(env)
	series, err := run.Result(returnedID(f.queries))
	if err != nil || len(series) != 1 {
		return nil, math.Series{}, false
	}
	return run, series[0], true
}

// missing names the metrics that have no data for the newest period.
func (f formula) missing() []string {
	grid := f.grid()
	var names []string
	for _, q := range f.queries {
		if values := onGrid(grid, f.results, aws.ToString(q.Id)).Values; q.MetricStat != nil && gomath.IsNaN(values[grid.Len-1]) {
			names = append(names, aws.ToString(q.Id)+" ("+aws.ToString(q.MetricStat.Metric.MetricName)+")")
		}
	}
	return names
}

// answering are queries whose metrics return data, too.
func answering(queries []cwtypes.MetricDataQuery) []cwtypes.MetricDataQuery {
	queries = slices.Clone(queries)
	for i := range queries {
		if queries[i].MetricStat != nil {
			queries[i].ReturnData = aws.Bool(true)
		}
	}
	return queries
}

// onGrid is the result with an id as a time series.
func onGrid(grid math.Grid, results []cwtypes.MetricDataResult, id string) math.Series {
	s := math.NewSeries(grid)
	for _, r := range results {
		if aws.ToString(r.Id) != id {
			continue
		}
		for i, at := range r.Timestamps {
			if k := int(at.Sub(grid.Start) / grid.Step); at.Sub(grid.Start) >= 0 && k < grid.Len && i < len(r.Values) {
				s.Values[k] = r.Values[i]
			}
		}
	}
	return s
}

// returnedID is the id of the query that returns data; "" where none says so.
func returnedID(queries []cwtypes.MetricDataQuery) string {
	for _, q := range queries {
		if q.ReturnData == nil || *q.ReturnData {
			return aws.ToString(q.Id)
		}
	}
	return ""
}
