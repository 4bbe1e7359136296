package cloudwatch

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/metric"
	"flyball/metric/math"
	"flyball/metric/query"
)

// The periods of what names none: of a search and a Metrics Insights query, and of an
// expression without metrics.
const (
	searchPeriod   = 5 * time.Minute
	constantPeriod = time.Minute
)

// A calculation evaluates the expressions of a GetMetricData.
type calculation struct {
	ctx     context.Context
	metrics *metrics
	in      *cloudwatch.GetMetricDataInput
	queries map[string]dataQuery // by id
	program *math.Program
	runs    map[math.Grid]*math.Run
	points  int // computed so far
	labels  labeller

	messages []types.MessageData // about the whole answer
}

// calculate compiles the expressions among the queries.
func (m *metrics) calculate(ctx context.Context, queries []dataQuery, in *cloudwatch.GetMetricDataInput) (*calculation, error) {
	c := &calculation{ctx: ctx, metrics: m, in: in, queries: make(map[string]dataQuery, len(queries)), runs: map[math.Grid]*math.Run{}}
	selections := 0
	for i, q := range queries {
		c.queries[q.id] = q
		if query.Begins(aws.ToString(in.MetricDataQueries[i].Expression)) {
			selections++
		}
	}
	if selections > 1 {
		return nil, validation("MetricDataQueries must not contain more than one Metrics Insights query, and contains %d.", selections)
	}
	var err error
	if c.labels, err = m.labeller(in.LabelOptions); err != nil {
		return nil, err
	}
	if c.program, err = math.Compile(mathQueries(in.MetricDataQueries)); err != nil {
		return nil, badExpression(err)
	}
	return c, nil
}

// badExpression refuses what is wrong with an expression. Other errors stay.
func badExpression(err error) error {
	if wrong := (*math.Error)(nil); errors.As(err, &wrong) {
		return validation("%s", wrong)
	}
	return err
}

// results are the time series of an expression.
func (c *calculation) results(q dataQuery) ([]types.MetricDataResult, error) {
	grid := c.grid(q)
	run := c.runs[grid]
	if run == nil {
		run = c.program.Run(math.Env{
			Grid: grid, Points: &c.points,
			Metric: func(id string) (math.Series, error) { return c.series(c.queries[id], grid) },
			Find:   func(s math.Search) ([]math.Series, error) { return c.find(s, q, grid) },
			Band:   func(id string, width float64) (upper, lower math.Series, err error) { return c.band(id, width, grid) },
			Select: func(id string, q *query.Query) ([]math.Series, bool, error) { return c.selection(id, q, grid) },
		})
		c.runs[grid] = run
	}
	all, err := run.Result(q.id)
	if err != nil {
		return nil, badExpression(err)
	}
	array := c.program.Type(q.id) == math.Array
	results := make([]types.MetricDataResult, len(all))
	for i, s := range all {
		result := &results[i]
		*result = emptyResult(q)
		for j, v := range s.Values {
			if v == v {
				result.Timestamps = append(result.Timestamps, grid.Time(j))
				result.Values = append(result.Values, v)
			}
		}
		if !array {
			s.Label = q.name
		}
		result.Label = c.labels.label(q.label, array, s.Source, s.Period, result)
	}
	return results, nil
}

// grid is the timestamps that an expression is evaluated on: those that its
// metrics have in common, as far back as datapoints are kept.
func (c *calculation) grid(q dataQuery) math.Grid {
	var periods []time.Duration
	for _, id := range c.program.Metrics(q.id) {
		periods = append(periods, c.queries[id].period)
	}
	for _, s := range c.program.Searches(q.id) {
		periods = append(periods, cmp.Or(s.Period, q.period, searchPeriod))
	}
	for _, id := range c.program.Selections(q.id) {
		periods = append(periods, selectionPeriod(c.queries[id]))
	}
	if len(periods) == 0 {
		periods = append(periods, cmp.Or(q.period, constantPeriod))
	}
	step, every := common(periods)
	now := c.metrics.cell.Clock.Now()
	from, to := c.metrics.start(*c.in.StartTime, slices.Max(periods)), earlier(*c.in.EndTime, now.Add(newestData))
	if gone := now.Add(-kept(step)).Sub(from); gone > 0 {
		from = from.Add((gone + every - 1) / every * every)
	}
	return math.Grid{Start: from, Step: step, Len: int(max(0, to.Sub(from)+step-1) / step)}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// common is the longest period that divides all of some, and the shortest that all
// of them divide, but no longer than datapoints are kept.
func common(periods []time.Duration) (divides, divided time.Duration) {
	most := int64(longestRetention / time.Second)
	var step, every int64 = 0, 1
	for _, p := range periods {
		p := int64(p / time.Second)
		step = gcd(step, p)
		every = min(every*(p/gcd(every, p)), most)
	}
	return time.Duration(step) * time.Second, time.Duration(every) * time.Second
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// kept is how long datapoints are kept that a period can be read from.
func kept(period time.Duration) time.Duration {
	const day = 24 * time.Hour
	switch {
	case period < time.Minute:
		return 3 * time.Hour
	case period < 5*time.Minute:
		return 15 * day
	case period < time.Hour:
		return 63 * day
	default:
		return longestRetention
	}
}

// series reads a metric onto a grid.
func (c *calculation) series(q dataQuery, grid math.Grid) (math.Series, error) {
	s := math.NewSeries(grid)
	s.Source, s.Period = q.source(), q.period
	s.Label = cmp.Or(q.label, q.name)
	rows, _, err := c.metrics.points(q, grid.Start, grid.Start.Add(time.Duration(grid.Len)*grid.Step))
	if err != nil {
		return s, err
	}
	if len(rows) == 0 {
		c.metrics.foundNothing("GetMetricData", q.metric, *c.in.StartTime, *c.in.EndTime)
	}
	for _, row := range rows {
		if i := int(row.Time.Sub(grid.Start) / grid.Step); i >= 0 && i < grid.Len {
			s.Values[i] = row.Values[0]
		}
	}
	return s, nil
}

// find reads the metrics that a search matches, of those that had datapoints in
// the last two weeks.
func (c *calculation) find(s math.Search, q dataQuery, grid math.Grid) ([]math.Series, error) {
	var found []metric.ID
	for id := range c.metrics.db.List(s.Namespace(), "", "") {
		if s.Matches(id) {
			found = append(found, id)
		}
		if len(found) == math.MaxSeries {
			break
		}
	}
	labels := labels(found)
	all := make([]math.Series, len(found))
	for i, id := range found {
		var err error
		one := dataQuery{name: labels[i], metric: id, statistic: s.Statistic, period: cmp.Or(s.Period, q.period, searchPeriod)}
		if all[i], err = c.series(one, grid); err != nil {
			return nil, err
		}
	}
	return all, nil
}
