// Package query reads and evaluates the queries of CloudWatch Metrics Insights:
//
//	SELECT AVG(CPUUtilization)
//	FROM SCHEMA("AWS/ECS", ClusterName, ServiceName)
//	WHERE ClusterName = 'prod'
//	GROUP BY ServiceName
//	ORDER BY MAX() DESC
//	LIMIT 5
//
// A query says which metrics it matches, and a Result takes their observations, by
// period, and makes time series of them:
//
//	q, err := query.Parse(source)
//	q = q.In(account)
//	r := q.Result(periods)
//	// for each metric whose id q.Matches, with the statistics q.Statistics
//	group := r.Group(id)
//	r.Add(group, period, values)
//	series := r.Series() // grouped, ordered and limited
//
// What CloudWatch does is from "Query components and syntax in CloudWatch Metrics
// Insights" and the pages around it in its User Guide. Where those are silent, the
// choice is at the function that makes it.
//
// The package keeps no clock and does no I/O.
package query

import (
	"fmt"
	"slices"
	"strings"

	"flyball/metric"
)

// Limits of queries, from "Metrics Insights quotas".
const (
	// MaxMetrics is how many metrics a query looks at; of more it takes the first.
	MaxMetrics = 10_000
	// MaxSeries is how many time series a query gives.
	MaxSeries = 500
)

// A Query is one that was read.
type Query struct {
	Function  Function
	Metric    string // the name
	Namespace string

	schema     []string // sorted names of the dimensions that a metric must have
	exact      bool     // SCHEMA was written: a metric must have these and no others
	conditions []condition
	groups     []string
	order      *order // nil where the groups' names give it
	limit      int
	account    string // in which the query is made; "" before In
}

// In is the query as it is made in an account: the one that all metrics are in.
func (q *Query) In(account string) *Query {
	made := *q
	made.account = account
	return &made
}

// A condition is one of WHERE.
type condition struct {
	label, value string
	own          bool // in place of value: the account that the query is made in
	not          bool
}

// An order is that of ORDER BY.
type order struct {
	by         Function
	descending bool
}

// A Function aggregates observations.
type Function uint8

// The functions of queries.
const (
	Average Function = iota + 1
	Count
	Maximum
	Minimum
	Sum
)

var functionNames = map[string]Function{"AVG": Average, "COUNT": Count, "MAX": Maximum, "MIN": Minimum, "SUM": Sum}

// Statistic is what the function is called as a statistic of a metric.
func (f Function) Statistic() metric.Statistic {
	switch f {
	case Count:
		return metric.SampleCount
	case Maximum:
		return metric.Maximum
	case Minimum:
		return metric.Minimum
	case Sum:
		return metric.Sum
	default:
		return metric.Average
	}
}

// accountLabel is the label of the account that a metric is in. There is one account
// only: that of the query.
const accountLabel = "AWS.AccountId"

// Grouped tells whether the query gives any number of time series. Without GROUP BY it
// gives one.
func (q *Query) Grouped() bool { return len(q.groups) > 0 }

// Statistics are those that the query needs of each period of a metric, in the order
// in which Result.Add takes them. The average of metrics is weighed by how many
// observations each has.
func (q *Query) Statistics() []metric.Statistic {
	if q.Function == Average {
		return []metric.Statistic{metric.Sum, metric.SampleCount}
	}
	return []metric.Statistic{q.Function.Statistic()}
}

// Matches tells whether the query looks at a metric. A metric without the label of a
// condition matches neither = nor !=, as in SQL, where nothing is known of a NULL.
func (q *Query) Matches(id metric.ID) bool {
	if id.Namespace != q.Namespace || id.Name != q.Metric {
		return false
	}
	if q.exact && !slices.EqualFunc(q.schema, id.Dimensions, func(name string, d metric.Dimension) bool { return name == d.Name }) {
		return false
	}
	for _, c := range q.conditions {
		wanted := c.value
		if c.own {
			wanted = q.account
		}
		if value, ok := q.label(id, c.label); !ok || (value == wanted) == c.not {
			return false
		}
	}
	return true
}

// label is the value of a metric's label: a dimension, or the account.
func (q *Query) label(id metric.ID, name string) (value string, ok bool) {
	if name == accountLabel {
		return q.account, true
	}
	for _, d := range id.Dimensions {
		if d.Name == name {
			return d.Value, true
		}
	}
	return "", false
}

// An Error says what is wrong with a query, and where.
type Error struct {
	Offset  int // of the byte where it is wrong
	Message string
}

// Error is the message with the place at its end.
func (e *Error) Error() string {
	return fmt.Sprintf("%s (at byte %d)", e.Message, e.Offset+1)
}

// Begins tells whether an expression is a query, and not metric math: whether it
// starts with the word SELECT, in capitals or before another word.
func Begins(expression string) bool {
	rest := strings.TrimLeft(expression, space)
	n := wordLen(rest)
	if !strings.EqualFold(rest[:n], "SELECT") {
		return false
	}
	after := strings.TrimLeft(rest[n:], space)
	return rest[:n] == "SELECT" || wordLen(after) > 0
}
