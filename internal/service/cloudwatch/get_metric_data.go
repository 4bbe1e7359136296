package cloudwatch

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// GetMetricData reads any number of metrics, and evaluates expressions over them.
func (m *metrics) GetMetricData(ctx context.Context, in *cloudwatch.GetMetricDataInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricDataOutput, error) {
	whole := *in
	whole.StartTime, whole.EndTime = toSecond(in.StartTime), toSecond(in.EndTime)
	in = &whole
	queries, err := m.dataQueries(in)
	if err != nil {
		return nil, err
	}
	limit, err := maxPoints(in.MaxDatapoints)
	if err != nil {
		return nil, err
	}
	from, err := dataToken(in.NextToken)
	if err != nil {
		return nil, err
	}
	calculation, err := m.calculate(ctx, queries, in)
	if err != nil {
		return nil, err
	}
	p := dataPage{from: from, limit: limit, order: in.ScanBy, out: &cloudwatch.GetMetricDataOutput{
		Messages: []types.MessageData{}, MetricDataResults: []types.MetricDataResult{},
	}}
	for i, q := range queries {
		if i < from.query || !q.returned {
			continue
		}
		results, err := m.results(q, calculation)
		if err != nil {
			return nil, err
		}
		p.out.Messages = append(p.out.Messages, calculation.takeMessages()...)
		for j, result := range results {
			if full := p.add(position{query: i, series: j}, result); full {
				return p.out, nil
			}
		}
	}
	return p.out, nil
}

// results reads all datapoints of a query.
func (m *metrics) results(q dataQuery, c *calculation) (results []types.MetricDataResult, err error) {
	if q.expression {
		results, err = c.results(q)
	} else {
		results = []types.MetricDataResult{emptyResult(q)}
		err = m.readMetric(&results[0], q, c.in)
		results[0].Label = c.labels.label(q.label, false, q.source(), q.period, &results[0])
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
func emptyResult(q dataQuery) types.MetricDataResult {
	return types.MetricDataResult{
		Id: &q.id, StatusCode: types.StatusCodeComplete,
		Timestamps: []time.Time{}, Values: []float64{},
	}
}

// readMetric fills the result of a metric, the oldest first.
func (m *metrics) readMetric(result *types.MetricDataResult, q dataQuery, in *cloudwatch.GetMetricDataInput) error {
	rows, units, err := m.points(q, m.start(*in.StartTime, q.period), *in.EndTime)
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		m.foundNothing("GetMetricData", q.metric, *in.StartTime, *in.EndTime)
	}
	if len(units) > 1 {
		result.Messages = []types.MessageData{{Code: new("MultipleUnits"), Value: new(fmt.Sprintf("Multiple units returned: '[%s]'", strings.Join(units, ", ")))}}
	}
	for _, row := range rows {
		result.Timestamps = append(result.Timestamps, row.Time)
		result.Values = append(result.Values, row.Values[0])
	}
	return nil
}
