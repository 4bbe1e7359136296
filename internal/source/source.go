// Package source is where the metrics of scaling policies are read from: CloudWatch,
// Prometheus, the attributes of queues, the resource metrics of Kubernetes, JSON behind an
// address. A source answers many queries at a time, each by itself: one that fails is no
// reason for the others to.
package source

import (
	"context"
	"errors"
	"math"
	"time"

	"flyball/metric"
)

// A Query asks for the newest datapoints of a metric, or of a formula that only CloudWatch computes.
type Query struct {
	Metric    metric.ID
	Formula   *Formula      // in the place of the metric; nil: the metric is meant
	Statistic string        // of a metric, as CloudWatch spells it, such as Average or p99
	Unit      string        // "" for any
	Period    time.Duration // of a datapoint
	Now       time.Time     // when it is asked
	End       time.Time     // when the newest period ends
	Periods   int           // how many of them, up to End
	// Whole says that a datapoint is to be of all minutes of its period: it is for hours of the
	// past, of which one moment tells little. CloudWatch's are so in any case.
	Whole bool
}

// A Key tells what queries ask for apart, whenever that is.
type Key struct {
	of              string
	statistic, unit string
	period          time.Duration
	whole           bool
}

// Key is that of the query.
func (q Query) Key() Key {
	k := Key{of: string(q.Metric.Key()), statistic: q.Statistic, unit: q.Unit, period: q.Period, whole: q.Whole}
	if q.Formula != nil {
		k.of = q.Formula.key
	}
	return k
}

// String names what is asked for.
func (q Query) String() string {
	if q.Formula != nil {
		return "expression " + q.Formula.text()
	}
	return "metric " + q.Metric.Name + " of " + q.Metric.Namespace
}

// cost is for how many metrics CloudWatch charges, at least: how many a search finds is not known.
func (q Query) cost() int {
	if q.Formula != nil {
		return q.Formula.cost
	}
	return 1
}

// Start is when the oldest period begins.
func (q Query) Start() time.Time { return q.End.Add(-time.Duration(q.Periods) * q.Period) }

// place is the period that a time is in; -1: none.
func (q Query) place(t time.Time) int {
	i := t.Sub(q.Start())
	if i < 0 || !t.Before(q.End) {
		return -1
	}
	return int(i / q.Period)
}

// none are no datapoints.
func (q Query) none() []float64 {
	values := make([]float64, q.Periods)
	for i := range values {
		values[i] = math.NaN()
	}
	return values
}

// An Answer is what a query got: its datapoints, the newest last and NaN where there is
// none, or why they are not known. That there are none is no error.
type Answer struct {
	Values []float64
	Err    error
}

// A Source answers queries, in their order. One that keeps no past, since what it reads
// tells only how things are now, remembers what it has read itself.
type Source interface {
	Read(ctx context.Context, queries []Query) []Answer
}

// Each is a Source that makes a call for each query, and so may as well be asked a part of them at a time.
type Each interface {
	Source
	Each()
}

// KeepsPast reports whether a source can tell how things were before anybody asked. Others remember what
// they have read.
func KeepsPast(s Source) bool {
	_, forgets := s.(interface{ forgets() })
	return !forgets
}

// Errors that callers tell apart.
var (
	// ErrThrottled is that the source has been asked too often: it is asked less for a while.
	ErrThrottled = errors.New("too many requests")
	// ErrQuery is that a query is wrong, and the source is not: asking again changes nothing.
	ErrQuery = errors.New("the query cannot be answered")
	// ErrBudget is that no more may be spent on calls for now.
	ErrBudget = errors.New("the budget of calls is used up")
)

// Failed are the answers to queries that failed together.
func Failed(n int, err error) []Answer {
	answers := make([]Answer, n)
	for i := range answers {
		answers[i].Err = err
	}
	return answers
}
