package autoscaling

import (
	gomath "math"
	"regexp"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/metric"
	"flyball/metric/math"
	"flyball/scaling"
)

// Limits of the Metrics of a customized metric, which are those of an alarm.
const (
	maxMetrics     = 10
	maxExpressions = 10
)

var queryIDs = regexp.MustCompile(`^[a-z][a-zA-Z0-9_]*$`)

// checkQueries checks a customized metric that is given as Metrics: a metric, or
// metric math over several.
func checkQueries(m *types.CustomizedMetricSpecification) error {
	if m.Namespace != nil || m.MetricName != nil || m.Statistic != "" || m.Unit != nil || len(m.Dimensions) > 0 {
		return invalid("MetricName, Namespace, Dimensions, Statistic and Unit cannot be specified with Metrics")
	}
	var metrics, answers int
	queries := make([]math.Query, len(m.Metrics))
	for i, q := range m.Metrics {
		if err := checkQuery(q); err != nil {
			return err
		}
		if slices.ContainsFunc(queries[:i], func(other math.Query) bool { return other.ID == *q.Id }) {
			return invalid("The Id '%s' is not unique in Metrics", *q.Id)
		}
		queries[i] = math.Query{ID: *q.Id, Expression: aws.ToString(q.Expression)}
		if q.MetricStat != nil {
			metrics++
		}
		if returnsData(q) {
			answers++
		}
	}
	switch {
	case metrics > maxMetrics:
		return invalid("Metrics must not have more than %d metrics", maxMetrics)
	case len(queries)-metrics > maxExpressions:
		return invalid("Metrics must not have more than %d expressions", maxExpressions)
	case answers != 1:
		return invalid("Exactly one element of Metrics must return data")
	}
	program, err := math.Compile(queries)
	if err == nil {
		err = program.Watchable(*answer(m.Metrics).Id)
	}
	if err != nil {
		return invalid("%v", err)
	}
	return nil
}

// checkQuery checks an element of Metrics by itself.
func checkQuery(q types.TargetTrackingMetricDataQuery) error {
	id := aws.ToString(q.Id)
	switch {
	case !queryIDs.MatchString(id):
		return invalid("The Id '%s' must start with a lowercase letter, and have only letters, numbers and underscores", id)
	case (q.MetricStat == nil) == (aws.ToString(q.Expression) == ""):
		return invalid("Exactly one of Expression and MetricStat must be specified for the Id '%s'", id)
	case q.MetricStat == nil:
		return nil
	}
	s := q.MetricStat
	if _, err := metric.ParseStatistic(aws.ToString(s.Stat)); err != nil {
		return invalid("The Stat '%s' of the Id '%s' is not a statistic", aws.ToString(s.Stat), id)
	}
	if s.Metric == nil {
		return invalid("The Metric of the Id '%s' must be specified", id)
	}
	return checkMetric(s.Metric.Namespace, s.Metric.MetricName, aws.ToString(s.Unit), queryDimensions(s.Metric.Dimensions))
}

func returnsData(q types.TargetTrackingMetricDataQuery) bool {
	return q.ReturnData == nil || *q.ReturnData
}

// answer is the element that returns data. There is one.
func answer(queries []types.TargetTrackingMetricDataQuery) types.TargetTrackingMetricDataQuery {
	return queries[slices.IndexFunc(queries, returnsData)]
}

func queryDimensions(in []types.TargetTrackingMetricDimension) []types.MetricDimension {
	out := make([]types.MetricDimension, len(in))
	for i, d := range in {
		out[i] = types.MetricDimension{Name: d.Name, Value: d.Value}
	}
	return out
}

// alarmQueries are Metrics as an alarm takes them: with a period, which expressions
// have from their metrics, where there are any.
func alarmQueries(in []types.TargetTrackingMetricDataQuery, period time.Duration) []cwtypes.MetricDataQuery {
	out := make([]cwtypes.MetricDataQuery, len(in))
	bare := !slices.ContainsFunc(in, func(q types.TargetTrackingMetricDataQuery) bool { return q.MetricStat != nil })
	for i, q := range in {
		out[i] = cwtypes.MetricDataQuery{Id: q.Id, Label: q.Label, Expression: q.Expression, ReturnData: aws.Bool(returnsData(q))}
		s := q.MetricStat
		if s == nil {
			if bare {
				out[i].Period = seconds(period)
			}
			continue
		}
		out[i].MetricStat = &cwtypes.MetricStat{
			Metric: &cwtypes.Metric{Namespace: s.Metric.Namespace, MetricName: s.Metric.MetricName},
			Stat:   s.Stat, Unit: cwtypes.StandardUnit(aws.ToString(s.Unit)), Period: seconds(period),
		}
		for _, d := range s.Metric.Dimensions {
			out[i].MetricStat.Metric.Dimensions = append(out[i].MetricStat.Metric.Dimensions, cwtypes.Dimension{Name: d.Name, Value: d.Value})
		}
	}
	return out
}

// sameQueries reports whether two Metrics are the same, whatever their labels.
func sameQueries(a, b []types.TargetTrackingMetricDataQuery) bool {
	return slices.EqualFunc(a, b, func(x, y types.TargetTrackingMetricDataQuery) bool {
		return aws.ToString(x.Id) == aws.ToString(y.Id) && aws.ToString(x.Expression) == aws.ToString(y.Expression) &&
			returnsData(x) == returnsData(y) && sameStat(x.MetricStat, y.MetricStat)
	})
}

func sameStat(a, b *types.TargetTrackingMetricStat) bool {
	if a == nil || b == nil {
		return a == b
	}
	return aws.ToString(a.Stat) == aws.ToString(b.Stat) && aws.ToString(a.Unit) == aws.ToString(b.Unit) &&
		aws.ToString(a.Metric.Namespace) == aws.ToString(b.Metric.Namespace) &&
		aws.ToString(a.Metric.MetricName) == aws.ToString(b.Metric.MetricName) &&
		slices.Equal(sortedDimensions(queryDimensions(a.Metric.Dimensions)), sortedDimensions(queryDimensions(b.Metric.Dimensions)))
}

// computed are the datapoints of the newest closed periods that an alarm on metric
// math evaluates. As in the alarm, the newest period has none as long as a metric
// that has one for the period before has none for it: what is missing counts as 0.
func computed(queries []cwtypes.MetricDataQuery, results []cwtypes.MetricDataResult, seen scaling.Alarm, now time.Time, nothingRuns bool) []metric.Datapoint {
	end := now.Truncate(seen.Period)
	grid := math.Grid{Start: end.Add(-time.Duration(seen.Of+1) * seen.Period), Step: seen.Period, Len: seen.Of + 1}
	values := onGrid(grid, results, returnedID(queries)).Values
	if nothingRuns {
		values = demand(queries, results, grid, values)
	}
	if late(queries, results, grid) {
		values[seen.Of] = gomath.NaN()
	}
	var points []metric.Datapoint
	for i, v := range values {
		if i > 0 && v == v { // the first period is there for what is late
			points = append(points, metric.Datapoint{Time: grid.Time(i), Value: v})
		}
	}
	return points
}

// late tells whether a metric has yet to report for the newest period.
func late(queries []cwtypes.MetricDataQuery, results []cwtypes.MetricDataResult, grid math.Grid) bool {
	return slices.ContainsFunc(queries, func(q cwtypes.MetricDataQuery) bool {
		values := onGrid(grid, results, aws.ToString(q.Id)).Values
		return q.MetricStat != nil && gomath.IsNaN(values[grid.Len-1]) && !gomath.IsNaN(values[grid.Len-2])
	})
}

// demand is what the queries would give if something ran. With no task a division
// by the number of tasks has no value, and nothing would ever start; so there the
// values are computed again from the metrics, with what is divided by zero divided
// by the one task that there might be. What cannot be computed stays as it is:
// CloudWatch may know expressions that package math does not.
func demand(queries []cwtypes.MetricDataQuery, results []cwtypes.MetricDataResult, grid math.Grid, values []float64) []float64 {
	named := make([]math.Query, len(queries))
	for i, q := range queries {
		named[i] = math.Query{ID: aws.ToString(q.Id), Expression: aws.ToString(q.Expression)}
	}
	program, err := math.Compile(named)
	if err != nil {
		return values
	}
	series, err := program.Run(math.Env{
		Grid: grid, ZeroDivisor: 1,
		Metric: func(id string) (math.Series, error) { return onGrid(grid, results, id), nil },
	}).Result(returnedID(queries))
	if err != nil || len(series) != 1 {
		return values
	}
	return series[0].Values
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
