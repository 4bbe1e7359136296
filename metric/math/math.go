// Package math evaluates CloudWatch's metric math: expressions such as
//
//	m1 / m2
//	IF(errors > 10 AND requests > 100, 100 * errors / requests, 0)
//	SUM(SEARCH('{AWS/ECS,ClusterName,ServiceName} MetricName="CPUUtilization"', 'Average', 300))
//
// Queries that name one another are compiled together, and so checked together:
// unknown names, cycles and wrong types are found before there is any data.
//
//	program, err := math.Compile([]math.Query{
//		{ID: "m1"}, {ID: "m2"}, // metrics
//		{ID: "backlog", Expression: "m1 / m2"},
//	})
//	run := program.Run(math.Env{
//		Grid:   math.Grid{Start: start, Step: time.Minute, Len: 3},
//		Metric: func(id string) (math.Series, error) { ... }, // one value for each timestamp
//	})
//	backlog, err := run.Result("backlog")
//
// What CloudWatch does is from "Using math expressions with CloudWatch metrics"
// and "CloudWatch search expression syntax" in its User Guide. Where those are
// silent, the choice is at the function that makes it.
//
// The package keeps no clock and does no I/O, and the same queries and values
// give the same results.
package math

import (
	"fmt"
	gomath "math"
	"time"
	"unicode/utf8"

	"flyball/metric"
)

// Limits of what is compiled and evaluated.
const (
	// MaxExpression is how many characters an expression may have (API
	// reference, "MetricDataQuery").
	MaxExpression = 2048
	// MaxSeries is how many time series an array may have, as many as a graph
	// shows. A search that finds more gives the first of them.
	MaxSeries = 500

	maxDepth  = 100        // of parentheses, brackets and arguments in one another
	maxPoints = 20_000_000 // values computed in one Run: 160 MB, some tenths of a second
)

// A Type is what an expression gives: a number, a time series, or an array of
// them.
type Type uint8

// The types of expressions.
const (
	Scalar Type = iota + 1
	TimeSeries
	Array // of TimeSeries

	// Types of arguments that are no values of their own.
	text
	fillMode  // REPEAT or LINEAR
	sortKey   // AVG, MIN, MAX or SUM
	sortOrder // ASC or DESC
)

var typeNames = [...]string{
	Scalar: "Scalar", TimeSeries: "TimeSeries", Array: "TimeSeries[]",
	text: "String", fillMode: "FillMode", sortKey: "Function", sortOrder: "SortOrder",
}

// String is the name of the type in messages.
func (t Type) String() string { return typeNames[t] }

// A Grid is the timestamps of an evaluation: Start, Start+Step and so on. All its
// series have their values on it.
type Grid struct {
	Start time.Time
	Step  time.Duration // at least a second
	Len   int
}

// Time is the timestamp with index i.
func (g Grid) Time(i int) time.Time { return g.Start.Add(time.Duration(i) * g.Step) }

// A Series is a time series on a Grid.
type Series struct {
	Source
	Period time.Duration // a multiple of the grid's step; between its timestamps there is no value
	Values []float64     // one for each timestamp; NaN where there is none

	pending bool // a metric that is pending would change the newest value
}

// A Source says what a series was read from. What is computed of a series keeps
// its source, and what is computed of several that of one of them.
type Source struct {
	Label     string
	Metric    metric.ID // zero for a series of nothing but numbers
	Statistic metric.Statistic
}

// NewSeries is a series without values, with the period of the grid.
func NewSeries(g Grid) Series {
	s := Series{Period: g.Step, Values: make([]float64, g.Len)}
	for i := range s.Values {
		s.Values[i] = missing
	}
	return s
}

// A Query is a metric or an expression, and the name that expressions know it by.
type Query struct {
	ID         string
	Expression string // "" for a metric
}

// An Error says what is wrong with an expression, and where.
type Error struct {
	ID      string // of the query; "" where the expression stands alone
	At      int    // the character where it is wrong, counted from 1; 0 is the whole
	Message string
}

// Error is the message in CloudWatch's form, with the place at its end.
func (e *Error) Error() string {
	message := e.Message
	if e.At > 0 {
		message += fmt.Sprintf(" (at character %d)", e.At)
	}
	if e.ID != "" {
		return fmt.Sprintf("Error in expression '%s': %s", e.ID, message)
	}
	return message
}

// errorAt is an error at a byte offset of the source.
func errorAt(source string, offset int, format string, args ...any) *Error {
	return &Error{At: utf8.RuneCountInString(source[:offset]) + 1, Message: fmt.Sprintf(format, args...)}
}

// missing is no value. A result that is no number CloudWatch would store, as that
// of a division by zero or of LOG(0), is none either.
var missing = gomath.NaN()

func isMissing(v float64) bool { return v != v }

// storable is v, or missing where v is infinite.
func storable(v float64) float64 {
	if gomath.IsInf(v, 0) {
		return missing
	}
	return v
}
