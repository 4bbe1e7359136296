package cloudwatch

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/internal/page"
	"flyball/internal/tsdb"
	"flyball/metric"
)

// Limits of reading metrics, from the API reference.
const (
	maxQueries       = 500
	maxDatapoints    = 100_800 // of a page of GetMetricData
	maxStatistics    = 1_440   // datapoints of GetMetricStatistics
	metricsPage      = 500
	recentlyActive   = 3 * time.Hour
	longestRetention = 455 * 24 * time.Hour
)

var queryID = regexp.MustCompile(`^[a-z][a-zA-Z0-9_]*$`)

// GetMetricData reads any number of metrics, and evaluates expressions over them.
func (a *API) GetMetricData(_ context.Context, in *cloudwatch.GetMetricDataInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricDataOutput, error) {
	whole := *in
	whole.StartTime, whole.EndTime = toSecond(in.StartTime), toSecond(in.EndTime)
	in = &whole
	reads, err := a.dataReads(in)
	if err != nil {
		return nil, err
	}
	limit := maxDatapoints
	if in.MaxDatapoints != nil {
		if limit = int(*in.MaxDatapoints); limit < 1 || limit > maxDatapoints {
			return nil, validation("The value %d for parameter MaxDatapoints is invalid. It must be between 1 and %d.", limit, maxDatapoints)
		}
	}
	from, err := dataToken(in.NextToken)
	if err != nil {
		return nil, err
	}
	calculation, err := a.calculate(reads, in)
	if err != nil {
		return nil, err
	}
	p := dataPage{from: from, limit: limit, order: in.ScanBy, out: &cloudwatch.GetMetricDataOutput{
		Messages: []types.MessageData{}, MetricDataResults: []types.MetricDataResult{},
	}}
	for i, r := range reads {
		if i < from.query || !r.returned {
			continue
		}
		results, err := a.results(r, calculation)
		if err != nil {
			return nil, err
		}
		for j, result := range results {
			if full := p.add(position{query: i, series: j}, result); full {
				return p.out, nil
			}
		}
	}
	return p.out, nil
}

// toSecond is the time without what it has of a second, which CloudWatch does not
// look at in the ranges that it reads.
func toSecond(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	return ptr(t.Truncate(time.Second))
}

// A dataPage is a page of GetMetricData as it fills up.
type dataPage struct {
	from  position
	limit int // datapoints that it has room for
	order types.ScanBy
	out   *cloudwatch.GetMetricDataOutput
}

// add takes over a result, unless an earlier page has it, or what of it there is
// room for. Then the page is full, and says where the next one starts.
func (p *dataPage) add(at position, r types.MetricDataResult) (full bool) {
	if at.query == p.from.query {
		if at.series < p.from.series {
			return false
		}
		if at.series == p.from.series {
			start := p.from.after(r.Timestamps, p.order)
			r.Timestamps, r.Values = r.Timestamps[start:], r.Values[start:]
		}
	}
	if p.limit == 0 {
		p.out.NextToken = ptr(at.token())
		return true
	}
	if len(r.Values) > p.limit {
		r.Timestamps, r.Values = r.Timestamps[:p.limit], r.Values[:p.limit]
		r.StatusCode = types.StatusCodePartialData
		at.time = r.Timestamps[p.limit-1].Unix()
		p.out.NextToken = ptr(at.token())
	}
	p.limit -= len(r.Values)
	p.out.MetricDataResults = append(p.out.MetricDataResults, r)
	return p.out.NextToken != nil
}

// A position is where a page of GetMetricData starts: in this result of this query,
// after this time in the order of reading; 0 is at its start.
type position struct {
	query, series int
	time          int64
}

func (p position) token() string {
	return page.Token(fmt.Sprintf("%d/%d/%d", p.query, p.series, p.time))
}

func dataToken(token *string) (position, error) {
	key, err := page.Key(token)
	if err != nil || key == "" {
		return position{}, badToken(err)
	}
	var p position
	if n, err := fmt.Sscanf(key, "%d/%d/%d", &p.query, &p.series, &p.time); n != 3 || err != nil {
		return position{}, badToken(page.ErrToken)
	}
	return p, nil
}

// after is the index of the first datapoint after the position.
func (p position) after(times []time.Time, order types.ScanBy) int {
	if p.time == 0 {
		return 0
	}
	i := slices.IndexFunc(times, func(t time.Time) bool {
		if order == types.ScanByTimestampAscending {
			return t.Unix() > p.time
		}
		return t.Unix() < p.time
	})
	if i < 0 {
		return len(times)
	}
	return i
}

// A read is one query of GetMetricData, found valid.
type read struct {
	id         string
	name       string // default label
	label      string // as given
	expression bool   // and no metric
	metric     metric.ID
	statistic  metric.Statistic
	period     time.Duration // of an expression 0 where it names none
	unit       string
	returned   bool // ReturnData
}

// dataReads checks the queries of a GetMetricData.
func (a *API) dataReads(in *cloudwatch.GetMetricDataInput) ([]read, error) {
	switch {
	case in.StartTime == nil || in.EndTime == nil:
		return nil, validation("The parameters StartTime and EndTime are required.")
	case in.StartTime.Equal(*in.EndTime):
		return nil, validation("The parameter StartTime must not equal parameter EndTime.")
	case in.StartTime.After(*in.EndTime):
		return nil, validation("The parameter EndTime must be greater than StartTime.")
	case len(in.MetricDataQueries) == 0:
		return nil, validation("The parameter MetricDataQueries is required.")
	case len(in.MetricDataQueries) > maxQueries:
		return nil, validation("The collection MetricDataQueries must not have a size greater than %d.", maxQueries)
	}
	reads := make([]read, 0, len(in.MetricDataQueries))
	seen := map[string]bool{}
	for i := range in.MetricDataQueries {
		at, q := fmt.Sprintf("MetricDataQueries.member.%d.", i+1), &in.MetricDataQueries[i]
		if q.AccountId != nil && *q.AccountId != a.Account {
			return nil, unsupported("The parameter " + at + "AccountId of another account")
		}
		r, err := dataRead(q, at)
		if err != nil {
			return nil, err
		}
		if seen[r.id] {
			return nil, validation("The values for parameter id in MetricDataQueries are not unique.")
		}
		seen[r.id] = true
		reads = append(reads, r)
	}
	nameReads(reads)
	return reads, nil
}

// dataRead checks one query; at is its place for messages.
func dataRead(q *types.MetricDataQuery, at string) (read, error) {
	r := read{id: str(q.Id), label: str(q.Label), returned: q.ReturnData == nil || *q.ReturnData}
	stat := q.MetricStat
	switch {
	case !queryID.MatchString(r.id):
		return r, validation("The value %s for parameter %sId is not matching the expected pattern %s.", r.id, at, queryID)
	case q.Expression != nil && stat != nil:
		return r, validation("The parameters %sExpression and %sMetricStat are mutually exclusive and you have specified both.", at, at)
	case q.Expression != nil && *q.Expression == "":
		return r, validation("The parameter %sExpression must not be empty.", at)
	case q.Expression != nil:
		if q.Period != nil && !readable(*q.Period) {
			return r, validation("The value for parameter %sPeriod must be a multiple of 60, or one of 1, 5, 10, 20, 30.", at)
		}
		r.expression = true
		if q.Period != nil {
			r.period = time.Duration(*q.Period) * time.Second
		}
		return r, nil
	case stat == nil:
		return r, validation("The parameter %sMetricStat is required.\n", at)
	case stat.Metric == nil || str(stat.Metric.MetricName) == "":
		return r, validation("The parameter %sMetricStat.Metric.MetricName is required.\n", at)
	case str(stat.Metric.Namespace) == "":
		return r, validation("The parameter %sMetricStat.Metric.Namespace is required.\n", at)
	case stat.Period == nil || !readable(*stat.Period):
		return r, validation("The value for parameter %sMetricStat.Period must be a multiple of 60, or one of 1, 5, 10, 20, 30.", at)
	}
	statistic, err := metric.ParseStatistic(str(stat.Stat))
	if err != nil {
		return r, validation("The value %s for parameter %sMetricStat.Stat is not supported.", str(stat.Stat), at)
	}
	r.metric = metric.NewID(*stat.Metric.Namespace, *stat.Metric.MetricName, dimensions(stat.Metric.Dimensions)...)
	r.statistic, r.period, r.unit = statistic, time.Duration(*stat.Period)*time.Second, string(stat.Unit)
	return r, nil
}

// readable tells whether a metric can be read with a period.
func readable(period int32) bool {
	return period > 0 && (period%60 == 0 || slices.Contains([]int32{1, 5, 10, 20, 30}, period))
}

// results reads all datapoints of a query.
func (a *API) results(r read, c *calculation) (results []types.MetricDataResult, err error) {
	if r.expression {
		results, err = c.results(r)
	} else {
		results = []types.MetricDataResult{emptyResult(r)}
		err = a.readMetric(&results[0], r, c.in)
		results[0].Label = c.labels.label(r.label, false, r.source(), r.period, &results[0])
	}
	if err == nil && c.in.ScanBy != types.ScanByTimestampAscending {
		for _, result := range results {
			slices.Reverse(result.Timestamps)
			slices.Reverse(result.Values)
		}
	}
	return results, err
}

// emptyResult is the result of a query before there is data.
func emptyResult(r read) types.MetricDataResult {
	return types.MetricDataResult{
		Id: &r.id, StatusCode: types.StatusCodeComplete,
		Timestamps: []time.Time{}, Values: []float64{},
	}
}

// readMetric fills the result of a metric, the oldest first.
func (a *API) readMetric(result *types.MetricDataResult, r read, in *cloudwatch.GetMetricDataInput) error {
	rows, units, err := a.points(r, a.start(*in.StartTime, r.period), *in.EndTime)
	if err != nil {
		return err
	}
	if len(units) > 1 {
		result.Messages = []types.MessageData{{Code: ptr("MultipleUnits"), Value: ptr(fmt.Sprintf("Multiple units returned: '[%s]'", strings.Join(units, ", ")))}}
	}
	for _, row := range rows {
		result.Timestamps = append(result.Timestamps, row.Time)
		result.Values = append(result.Values, row.Values[0])
	}
	return nil
}

// points reads the datapoints of a metric, the oldest first. Of several units
// CloudWatch returns the first.
func (a *API) points(r read, from, to time.Time) (rows []tsdb.Row, units []string, err error) {
	rows, err = a.rows(r.metric, tsdb.Query{
		From: from, To: to, Period: r.period,
		Unit: r.unit, PerUnit: r.unit == "", Statistics: []metric.Statistic{r.statistic},
	})
	for _, row := range rows {
		if !slices.Contains(units, row.Unit) {
			units = append(units, row.Unit)
		}
	}
	slices.Sort(units)
	rows = slices.DeleteFunc(rows, func(row tsdb.Row) bool { return row.Unit != units[0] || math.IsNaN(row.Values[0]) })
	return rows, units, err
}

// rows reads a metric; one that does not exist has none.
func (a *API) rows(id metric.ID, q tsdb.Query) ([]tsdb.Row, error) {
	series, ok := a.Metrics.Lookup(id)
	if !ok || !q.From.Before(q.To) {
		return nil, nil
	}
	rows, err := series.Query(q)
	if err != nil {
		return nil, internal(err)
	}
	return rows, nil
}

// start rounds the start of a range down, as the reference of GetMetricData
// says: the older, the coarser. Before all retention there is nothing to read.
func (a *API) start(t time.Time, period time.Duration) time.Time {
	now := a.Clock.Now()
	if oldest := now.Add(-longestRetention); t.Before(oldest) {
		t = oldest
	}
	switch age := now.Sub(t); {
	case period < time.Minute:
		return t.Truncate(period)
	case age < 15*24*time.Hour:
		return t.Truncate(time.Minute)
	case age < 63*24*time.Hour:
		return t.Truncate(5 * time.Minute)
	default:
		return t.Truncate(time.Hour)
	}
}

// GetMetricStatistics reads one metric.
func (a *API) GetMetricStatistics(_ context.Context, in *cloudwatch.GetMetricStatisticsInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricStatisticsOutput, error) {
	whole := *in
	whole.StartTime, whole.EndTime = toSecond(in.StartTime), toSecond(in.EndTime)
	in = &whole
	statistics, err := checkStatistics(in)
	if err != nil {
		return nil, err
	}
	period := time.Duration(*in.Period) * time.Second
	rows, err := a.rows(metric.NewID(*in.Namespace, *in.MetricName, dimensions(in.Dimensions)...), tsdb.Query{
		From: a.start(*in.StartTime, period), To: *in.EndTime, Period: period,
		Unit: string(in.Unit), PerUnit: in.Unit == "", Statistics: statistics,
	})
	if err != nil {
		return nil, err
	}
	out := &cloudwatch.GetMetricStatisticsOutput{Label: in.MetricName, Datapoints: []types.Datapoint{}}
	for _, row := range rows {
		out.Datapoints = append(out.Datapoints, datapoint(row, in))
	}
	return out, nil
}

// checkStatistics checks a GetMetricStatistics, and returns the statistics that
// it asks for: the basic ones, then the extended ones.
func checkStatistics(in *cloudwatch.GetMetricStatisticsInput) ([]metric.Statistic, error) {
	var p parameters
	p.namespace(in.Namespace)
	p.name(top("MetricName"), in.MetricName, maxName)
	p.dimensions(top("Dimensions"), in.Dimensions)
	for _, time := range [2]struct {
		name  string
		value *time.Time
	}{{"StartTime", in.StartTime}, {"EndTime", in.EndTime}} {
		if time.value == nil {
			p.miss(time.name)
		}
	}
	p.unit(top("Unit"), in.Unit)
	if in.StartTime != nil && in.EndTime != nil && !in.StartTime.Before(*in.EndTime) {
		p.refuse("The parameter StartTime must be less than the parameter EndTime.")
	}
	if in.Period == nil {
		p.miss("Period")
	} else if !readable(*in.Period) {
		p.refuse("The parameter Period must be a multiple of 60, or one of 1, 5, 10, 20, 30.")
	}
	statistics := p.asked(in)
	if err := p.err(); err != nil {
		return nil, err
	}
	if n := int64(in.EndTime.Sub(*in.StartTime) / (time.Duration(*in.Period) * time.Second)); n > maxStatistics {
		return nil, invalidCombination("You have requested up to %s datapoints, which exceeds the limit of 1,440. You may reduce the datapoints requested by increasing Period, or decreasing the time range.", thousands(n))
	}
	return statistics, nil
}

// asked reads the statistics that a GetMetricStatistics asks for.
func (p *parameters) asked(in *cloudwatch.GetMetricStatisticsInput) []metric.Statistic {
	if len(in.Statistics) == 0 && len(in.ExtendedStatistics) == 0 {
		p.conflict("Must specify either Statistics or ExtendedStatistics")
	}
	p.size(top("Statistics"), len(in.Statistics), 5)
	p.size(top("ExtendedStatistics"), len(in.ExtendedStatistics), 10)
	var statistics []metric.Statistic
	for i, name := range in.Statistics {
		oneOf(p, func() string { return fmt.Sprintf("Statistics.member.%d", i+1) }, name, name.Values())
		stat, _ := metric.ParseStatistic(string(name))
		statistics = append(statistics, stat)
	}
	for _, name := range in.ExtendedStatistics {
		stat, err := metric.ParseStatistic(name)
		if err != nil || stat.Basic() {
			p.refuse("The value %s for parameter ExtendedStatistics is not supported.", name)
		}
		statistics = append(statistics, stat)
	}
	return statistics
}

// datapoint is a row as GetMetricStatistics shows it.
func datapoint(row tsdb.Row, in *cloudwatch.GetMetricStatisticsInput) types.Datapoint {
	d := types.Datapoint{Timestamp: &row.Time, Unit: types.StandardUnit(cmp.Or(row.Unit, metric.None))}
	for i, stat := range in.Statistics {
		value := &row.Values[i]
		switch stat {
		case types.StatisticAverage:
			d.Average = value
		case types.StatisticMaximum:
			d.Maximum = value
		case types.StatisticMinimum:
			d.Minimum = value
		case types.StatisticSampleCount:
			d.SampleCount = value
		case types.StatisticSum:
			d.Sum = value
		}
	}
	for i, name := range in.ExtendedStatistics {
		if value := row.Values[len(in.Statistics)+i]; !math.IsNaN(value) {
			if d.ExtendedStatistics == nil {
				d.ExtendedStatistics = map[string]float64{}
			}
			d.ExtendedStatistics[name] = value
		}
	}
	return d
}

// thousands writes a positive number with commas.
func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// ListMetrics lists the metrics that had datapoints in the last two weeks.
func (a *API) ListMetrics(_ context.Context, in *cloudwatch.ListMetricsInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.ListMetricsOutput, error) {
	if in.OwningAccount != nil || in.IncludeLinkedAccounts != nil && *in.IncludeLinkedAccounts {
		return nil, invalidValue("This account is not a monitoring account.")
	}
	var since time.Time
	switch in.RecentlyActive {
	case "":
	case types.RecentlyActivePt3h:
		since = a.Clock.Now().Add(-recentlyActive)
	default:
		return nil, invalidValue("The value %s for parameter RecentlyActive is invalid.", in.RecentlyActive)
	}
	for i, d := range in.Dimensions {
		if str(d.Name) == "" {
			return nil, missing(fmt.Sprintf("Dimensions.member.%d.Name", i+1))
		}
	}
	after, err := page.Key(in.NextToken)
	if err != nil {
		return nil, invalidValue("Request parameter NextToken is invalid")
	}
	out := &cloudwatch.ListMetricsOutput{Metrics: []types.Metric{}}
	var last metric.Key
	for id, newest := range a.Metrics.List(str(in.Namespace), str(in.MetricName), metric.Key(after)) {
		if newest.Before(since) || !hasDimensions(id, in.Dimensions) {
			continue
		}
		if len(out.Metrics) == metricsPage {
			out.NextToken = ptr(page.Token(string(last)))
			break
		}
		out.Metrics = append(out.Metrics, types.Metric{Namespace: &id.Namespace, MetricName: &id.Name, Dimensions: sdkDimensions(id.Dimensions)})
		last = id.Key()
	}
	return out, nil
}

// hasDimensions tells whether a metric has all the dimensions asked for, with
// the value where one is given.
func hasDimensions(id metric.ID, filters []types.DimensionFilter) bool {
	for _, f := range filters {
		if !slices.ContainsFunc(id.Dimensions, func(d metric.Dimension) bool {
			return d.Name == *f.Name && (f.Value == nil || d.Value == *f.Value)
		}) {
			return false
		}
	}
	return true
}
