package cloudwatch

import (
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/metric"
)

// maxQueries is how many queries a GetMetricData may have, from the API reference.
const maxQueries = 500

var queryID = regexp.MustCompile(`^[a-z][a-zA-Z0-9_]*$`)

// A dataQuery is one query of GetMetricData, or of an alarm, found valid.
type dataQuery struct {
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

// dataQueries checks the queries of a GetMetricData.
func (m *metrics) dataQueries(in *cloudwatch.GetMetricDataInput) ([]dataQuery, error) {
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
	queries := make([]dataQuery, 0, len(in.MetricDataQueries))
	ids := map[string]bool{}
	for i := range in.MetricDataQueries {
		at, q := fmt.Sprintf("MetricDataQueries.member.%d.", i+1), &in.MetricDataQueries[i]
		if q.AccountId != nil && *q.AccountId != m.cell.Account {
			return nil, unsupported("The parameter " + at + "AccountId of another account")
		}
		query, err := newDataQuery(q, at)
		if err != nil {
			return nil, err
		}
		if ids[query.id] {
			return nil, validation("The values for parameter id in MetricDataQueries are not unique.")
		}
		ids[query.id] = true
		queries = append(queries, query)
	}
	nameQueries(queries)
	return queries, nil
}

// newDataQuery checks one query; at is its place for messages.
func newDataQuery(q *types.MetricDataQuery, at string) (dataQuery, error) {
	r := dataQuery{id: aws.ToString(q.Id), label: aws.ToString(q.Label), returned: q.ReturnData == nil || *q.ReturnData}
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
	case stat.Metric == nil || aws.ToString(stat.Metric.MetricName) == "":
		return r, validation("The parameter %sMetricStat.Metric.MetricName is required.\n", at)
	case aws.ToString(stat.Metric.Namespace) == "":
		return r, validation("The parameter %sMetricStat.Metric.Namespace is required.\n", at)
	case stat.Period == nil || !readable(*stat.Period):
		return r, validation("The value for parameter %sMetricStat.Period must be a multiple of 60, or one of 1, 5, 10, 20, 30.", at)
	}
	statistic, err := metric.ParseStatistic(aws.ToString(stat.Stat))
	if err != nil {
		return r, validation("The value %s for parameter %sMetricStat.Stat is not supported.", aws.ToString(stat.Stat), at)
	}
	r.metric = metric.NewID(*stat.Metric.Namespace, *stat.Metric.MetricName, dimensions(stat.Metric.Dimensions)...)
	r.statistic, r.period, r.unit = statistic, time.Duration(*stat.Period)*time.Second, string(stat.Unit)
	return r, nil
}

// readable tells whether a metric can be read with a period.
func readable(period int32) bool {
	return period > 0 && (period%60 == 0 || slices.Contains([]int32{1, 5, 10, 20, 30}, period))
}
