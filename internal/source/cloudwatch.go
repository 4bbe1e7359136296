package source

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
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
		by[w] = slices.DeleteFunc(of, func(i int) bool {
			if queries[i].Formula == nil {
				return false
			}
			all.Go(func() { c.call(ctx, w, queries, []int{i}, answers) }) // its ids are its own
			return true
		})
	}
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
	cost := 0
	readings := make(map[string]*seriesReading, len(some))
	for _, i := range some {
		q := queries[i]
		r := &seriesReading{query: q, answer: &answers[i]}
		r.answer.Values = q.none()
		if f := q.Formula; f != nil {
			in.MetricDataQueries = append(in.MetricDataQueries, f.queries...)
			readings[f.result] = r
		} else {
			in.MetricDataQueries = append(in.MetricDataQueries, metricQuery(i, q))
			readings["m"+strconv.Itoa(i)] = r
		}
		cost += q.cost()
	}
	for {
		c.Budget.spend(cost)
		out, err := c.Client.GetMetricData(ctx, in)
		if err != nil {
			c.fail(ctx, w, queries, some, answers, err)
			return
		}
		for _, r := range out.MetricDataResults {
			if to := readings[aws.ToString(r.Id)]; to != nil {
				to.add(r)
			}
		}
		if aws.ToString(out.NextToken) == "" {
			return
		}
		in.NextToken = out.NextToken
	}
}

// A seriesReading is an answer as its datapoints come.
type seriesReading struct {
	query  Query
	answer *Answer
	label  *string // of the series
	counts []int   // datapoints of each period
}

// add adds what came. Of datapoints that are finer than a period, as expressions can have them, it
// takes the mean.
func (s *seriesReading) add(r types.MetricDataResult) {
	label := aws.ToString(r.Label)
	switch {
	case s.answer.Err != nil:
		return
	case r.StatusCode == types.StatusCodeForbidden || r.StatusCode == types.StatusCodeInternalError:
		*s.answer = Answer{Err: fmt.Errorf("CloudWatch answers %s for it", r.StatusCode)}
		return
	case s.label != nil && *s.label != label && s.query.Formula != nil:
		*s.answer = Answer{Err: fmt.Errorf("%w: it comes to several series, such as %q and %q, and a metric is one: add them up, for example with SUM(...)", ErrQuery, *s.label, label)}
		return
	}
	s.label = &label
	for k, at := range r.Timestamps {
		place := s.query.place(at)
		if place < 0 || k >= len(r.Values) {
			continue
		}
		if s.counts == nil {
			s.counts = make([]int, s.query.Periods)
		}
		v := &s.answer.Values[place]
		if s.counts[place]++; s.counts[place] == 1 {
			*v = r.Values[k]
		} else {
			*v += (r.Values[k] - *v) / float64(s.counts[place])
		}
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
