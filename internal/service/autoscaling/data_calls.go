package autoscaling

import (
	"cmp"
	"context"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/internal/service/autoscaling/fault"
	"flyball/metric"
	"flyball/scaling"
)

// dataCalls are the calls that fetch datapoints: one for all alarms on a metric,
// and one for each metric math, for its expressions know its metrics by their ids.
type dataCalls struct {
	client      CloudWatch
	now         time.Time
	nothingRuns bool

	metrics  dataCall
	formulas []dataCall
}

// A dataCall is one call for datapoints.
type dataCall struct {
	queries []cwtypes.MetricDataQuery
	wanted  map[string][]*watched // by the id of a query
	longest time.Duration
}

// add asks for the datapoints of alarms that watch the same.
func (c *dataCalls) add(alarms ...*watched) {
	switch m := alarms[0].described; {
	case len(m.Metrics) > 0:
		call := dataCall{queries: m.Metrics}
		call.add(returnedID(m.Metrics), alarms)
		c.formulas = append(c.formulas, call)
	case m.MetricName != nil:
		id := "m" + strconv.Itoa(len(c.metrics.queries))
		c.metrics.queries = append(c.metrics.queries, cwtypes.MetricDataQuery{
			Id: aws.String(id),
			MetricStat: &cwtypes.MetricStat{
				Metric: &cwtypes.Metric{Namespace: m.Namespace, MetricName: m.MetricName, Dimensions: m.Dimensions},
				Period: aws.Int32(int32(alarms[0].seen.Period / time.Second)),
				Stat:   aws.String(cmp.Or(string(m.Statistic), aws.ToString(m.ExtendedStatistic))),
				Unit:   m.Unit,
			},
		})
		c.metrics.add(id, alarms)
	}
}

func (c *dataCall) add(id string, alarms []*watched) {
	if c.wanted == nil {
		c.wanted = map[string][]*watched{}
	}
	c.wanted[id] = alarms
	for _, w := range alarms {
		c.longest = max(c.longest, time.Duration(w.seen.Of+1)*w.seen.Period)
	}
}

// fetch makes the calls.
func (c dataCalls) fetch(ctx context.Context) error {
	if len(c.metrics.queries) > 0 {
		results, err := c.get(ctx, c.metrics.queries, c.metrics.longest)
		if err != nil {
			return err
		}
		for _, result := range results {
			for _, w := range c.metrics.wanted[aws.ToString(result.Id)] {
				w.seen.Datapoints = newest(result, w.seen, c.now)
			}
		}
	}
	for _, call := range c.formulas {
		results, err := c.get(ctx, answering(call.queries), call.longest)
		if err != nil {
			return err
		}
		for _, alarms := range call.wanted {
			for _, w := range alarms {
				f := formula{call.queries, results, w.seen, c.now}
				w.seen.Datapoints, w.seen.Missing = f.datapoints(c.nothingRuns), f.missing()
			}
		}
	}
	return nil
}

// get reads metrics up to now.
func (c dataCalls) get(ctx context.Context, queries []cwtypes.MetricDataQuery, span time.Duration) ([]cwtypes.MetricDataResult, error) {
	out, err := c.client.GetMetricData(ctx, &cloudwatch.GetMetricDataInput{
		MetricDataQueries: queries,
		StartTime:         aws.Time(c.now.Add(-span)),
		EndTime:           aws.Time(c.now),
		ScanBy:            cwtypes.ScanByTimestampAscending,
	})
	if err != nil {
		return nil, fault.Alarms(err)
	}
	return out.MetricDataResults, nil
}

// newest are the datapoints of the newest closed periods that an alarm evaluates.
func newest(r cwtypes.MetricDataResult, seen scaling.Alarm, now time.Time) []metric.Datapoint {
	end := now.Truncate(seen.Period)
	start := end.Add(-time.Duration(seen.Of) * seen.Period)
	var points []metric.Datapoint
	for i, at := range r.Timestamps {
		if i < len(r.Values) && !at.Before(start) && at.Before(end) {
			points = append(points, metric.Datapoint{Time: at, Value: r.Values[i]})
		}
	}
	return points
}
