package source

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// A MetricData is what CloudWatch needs of Amazon CloudWatch.
type MetricData interface {
	GetMetricData(context.Context, *cloudwatch.GetMetricDataInput, ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricDataOutput, error)
}

var _ MetricData = (*cloudwatch.Client)(nil)

// metricsAtOnce is how many metrics a call of GetMetricData takes.
const metricsAtOnce = 500

// A CloudWatch reads metrics of Amazon CloudWatch, 500 a call.
type CloudWatch struct {
	Client MetricData
	Budget *Budget // nil: whatever it costs
}

// Read implements Source.
func (c *CloudWatch) Read(ctx context.Context, queries []Query) []Answer {
	answers := make([]Answer, len(queries))
	for i := range answers {
		answers[i].Err = ErrBudget
	}
	// A call has one start and one end, which those with one period share.
	by := map[window][]int{}
	for _, i := range c.Budget.take(queries) {
		answers[i] = Answer{}
		by[windowOf(queries[i])] = append(by[windowOf(queries[i])], i)
	}
	var all sync.WaitGroup
	for w, of := range by {
		for len(of) > 0 {
			some := of[:min(len(of), metricsAtOnce)]
			of = of[len(some):]
			all.Go(func() { c.call(ctx, w, queries, some, answers) })
		}
	}
	all.Wait()
	return answers
}

// A window is what the queries of one call share.
type window struct {
	start, end int64
	period     time.Duration
}

func windowOf(q Query) window { return window{q.Start().Unix(), q.End.Unix(), q.Period} }

// call reads some of the queries.
func (c *CloudWatch) call(ctx context.Context, w window, queries []Query, some []int, answers []Answer) {
	in := &cloudwatch.GetMetricDataInput{StartTime: aws.Time(time.Unix(w.start, 0)), EndTime: aws.Time(time.Unix(w.end, 0)), ScanBy: types.ScanByTimestampAscending}
	for _, i := range some {
		in.MetricDataQueries = append(in.MetricDataQueries, metricQuery(i, queries[i]))
		answers[i].Values = queries[i].none()
	}
	for {
		c.Budget.spend(len(some))
		out, err := c.Client.GetMetricData(ctx, in)
		if err != nil {
			c.fail(ctx, w, queries, some, answers, err)
			return
		}
		for _, r := range out.MetricDataResults {
			i, err := strconv.Atoi(strings.TrimPrefix(aws.ToString(r.Id), "m"))
			if err != nil || !slices.Contains(some, i) {
				continue // it was not asked for
			}
			if r.StatusCode == types.StatusCodeForbidden || r.StatusCode == types.StatusCodeInternalError {
				answers[i] = Answer{Err: fmt.Errorf("CloudWatch answers %s for it", r.StatusCode)}
				continue
			}
			for k, at := range r.Timestamps {
				if place := queries[i].place(at); place >= 0 && k < len(r.Values) && answers[i].Err == nil {
					answers[i].Values[place] = r.Values[k]
				}
			}
		}
		if aws.ToString(out.NextToken) == "" {
			return
		}
		in.NextToken = out.NextToken
	}
}

// fail has queries failed; where one of them may be wrong, they are asked by themselves.
func (c *CloudWatch) fail(ctx context.Context, w window, queries []Query, some []int, answers []Answer, err error) {
	invalid := errors.As(err, new(*types.InvalidParameterValueException)) || errors.As(err, new(*types.InvalidParameterCombinationException))
	if invalid && len(some) > 1 {
		half := len(some) / 2
		c.call(ctx, w, queries, some[:half], answers)
		c.call(ctx, w, queries, some[half:], answers)
		return
	}
	if invalid {
		err = fmt.Errorf("%w: %w", ErrQuery, err)
	}
	for _, i := range some {
		answers[i] = Answer{Err: err}
	}
}

func metricQuery(i int, q Query) types.MetricDataQuery {
	m := &types.Metric{Namespace: aws.String(q.Metric.Namespace), MetricName: aws.String(q.Metric.Name)}
	for _, d := range q.Metric.Dimensions {
		m.Dimensions = append(m.Dimensions, types.Dimension{Name: aws.String(d.Name), Value: aws.String(d.Value)})
	}
	return types.MetricDataQuery{
		Id: aws.String("m" + strconv.Itoa(i)),
		MetricStat: &types.MetricStat{
			Metric: m, Period: aws.Int32(int32(q.Period / time.Second)), Stat: aws.String(q.Statistic), Unit: types.StandardUnit(q.Unit),
		},
	}
}
