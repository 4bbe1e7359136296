package source

import (
	"encoding/json"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/metric"
)

// A Formula is metric math that CloudWatch is asked for as it is, since only CloudWatch knows what
// it reads: it has searches (SEARCH), or queries of Metrics Insights (SELECT).
type Formula struct {
	queries []types.MetricDataQuery
	result  string // the id of the query that it comes to
	key     string // tells formulas apart
	cost    int    // its metrics, and one for what it searches for
}

// NewFormula returns the formula that comes to one of some queries.
func NewFormula(queries []types.MetricDataQuery, result string) *Formula {
	f := &Formula{queries: slices.Clone(queries), result: result, cost: 1}
	for i := range f.queries {
		q := &f.queries[i]
		q.ReturnData = aws.Bool(aws.ToString(q.Id) == result)
		if q.MetricStat != nil {
			f.cost++
		}
	}
	text, err := json.Marshal(f.queries)
	if err != nil {
		panic("source: a query is no JSON: " + err.Error()) // they are pointers to texts and numbers
	}
	f.key = string(text)
	return f
}

// metrics are those that the formula names, beside what it searches for.
func (f *Formula) metrics() (ids []metric.ID) {
	for _, q := range f.queries {
		if q.MetricStat == nil || q.MetricStat.Metric == nil {
			continue
		}
		m := q.MetricStat.Metric
		var dimensions []metric.Dimension
		for _, d := range m.Dimensions {
			dimensions = append(dimensions, metric.Dimension{Name: aws.ToString(d.Name), Value: aws.ToString(d.Value)})
		}
		ids = append(ids, metric.NewID(aws.ToString(m.Namespace), aws.ToString(m.MetricName), dimensions...))
	}
	return ids
}

// text is what the formula computes, for people.
func (f *Formula) text() string {
	for _, q := range f.queries {
		if aws.ToString(q.Id) == f.result {
			return aws.ToString(q.Expression)
		}
	}
	return f.result
}
