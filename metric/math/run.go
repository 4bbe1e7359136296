package math

import (
	"errors"
	gomath "math"
	"slices"

	"flyball/metric"
	insights "flyball/metric/query"
)

// Env is what an evaluation needs of its surroundings.
type Env struct {
	Grid Grid
	// Metric reads a metric among the queries.
	Metric func(id string) (Series, error)
	// ZeroDivisor is what a divisor of zero counts as. 0 drops the data point, as
	// CloudWatch does.
	ZeroDivisor float64
	// Find reads the metrics that a search matches, in an order that does not
	// change. Without it, searches fail.
	Find func(Search) ([]Series, error)
	// Select evaluates a Metrics Insights query, given the id that it has among the
	// queries: one series, or any number of a query that is grouped, and whether a
	// metric that it matched is pending, as metric.Pending says. Without it, such
	// queries fail.
	Select func(id string, q *insights.Query) (series []Series, pending bool, err error)
	// Band is what is usual for a query among the queries: the bounds that are so many
	// standard deviations from what is expected. Without it, such bands fail.
	Band func(id string, width float64) (upper, lower Series, err error)
	// Points counts the values computed, which are bounded. Runs that share it share
	// the bound; without it, a run has its own.
	Points *int
}

// A Run evaluates the queries of a program. What several of them need is read and
// computed once. A Run is for one goroutine.
type Run struct {
	program *Program
	env     Env
	results []value // by the order of the queries; of type 0 before they are computed
	found   map[*Search][]Series
	cause   error // the error of one of Env's functions
}

// Run begins an evaluation.
func (p *Program) Run(env Env) *Run {
	if env.Points == nil {
		env.Points = new(int)
	}
	return &Run{program: p, env: env, results: make([]value, len(p.queries))}
}

// Result is what a query gives: one series, or for an Array any number of them.
// It is an *Error if the query gives a Scalar, for "the final result of any math
// expression must be a single time series or an array of time series", or if the
// evaluation would take too much. Errors of Env's functions come back as they are.
// The series are shared: leave their values as they are.
func (r *Run) Result(id string) ([]Series, error) {
	q := r.program.queries[id]
	if q == nil {
		return nil, &Error{ID: id, Message: "There is no such query"}
	}
	if q.typ == Scalar {
		return nil, &Error{ID: id, Message: "The result of the expression is a Scalar. It must be a TimeSeries or a TimeSeries[]; TIME_SERIES makes one of a Scalar"}
	}
	v, err := r.query(id)
	if err != nil {
		if r.cause != nil {
			return nil, r.cause
		}
		return nil, err
	}
	return v.series, nil
}

// Pending tells whether the newest value of a query is not final: it was computed
// of a metric whose newest datapoint is pending, as metric.Pending says, and that
// stood for 0 in it. What FILL filled is final, for there the expression itself says
// what a missing value is; and so is what IF did not choose.
//
//	m1 + m2                   waits for m1 and for m2
//	FILL(m1, 0) + m2          waits for m2
//	IF(m1 > 10, m2, 0)        waits for m1, and for m2 where m1 is above 10
//
// It is for queries that gave a single time series, whose metrics have the period
// of the grid. A Metrics Insights query waits for all metrics that it matches.
func (r *Run) Pending(id string) bool {
	v := r.results[r.program.queries[id].order]
	return v.typ == TimeSeries && v.awaited()
}

// broken is the error of one of Env's functions on its way out.
func (r *Run) broken(err error) *Error {
	var own *Error
	if !errors.As(err, &own) {
		own = &Error{Message: err.Error()}
	}
	r.cause = err
	return own
}

// A value is what a part of an expression has.
type value struct {
	typ     Type
	number  float64  // of a Scalar
	pending bool     // of a Scalar: a metric that is pending would change it
	series  []Series // one of a TimeSeries, any number of an Array
}

func scalar(v float64) value      { return value{typ: Scalar, number: v} }
func single(s Series) value       { return value{typ: TimeSeries, series: []Series{s}} }
func array(series []Series) value { return value{typ: Array, series: series} }

// at is what a scalar or a series has at a timestamp.
func (v value) at(i int) float64 {
	if v.typ == Scalar {
		return v.number
	}
	return v.series[0].Values[i]
}

// awaited tells whether a metric that is pending would change the value at the
// newest timestamp.
func (v value) awaited() bool {
	return v.pending || slices.ContainsFunc(v.series, func(s Series) bool { return s.pending })
}

// each is the value with f of each series.
func (v value) each(f func(Series) Series) value {
	out := value{typ: v.typ, series: make([]Series, len(v.series))}
	for i, s := range v.series {
		out.series[i] = f(s)
	}
	return out
}

// finest is the series like which one made of several is: that with the shortest
// period, for it has a timestamp wherever one of them has, if each period divides
// the next, as those of CloudWatch that go together do.
func finest(all []Series) Series {
	var fine Series
	for i, s := range all {
		if i == 0 || s.Period < fine.Period {
			fine = s
		}
	}
	return fine
}

// series is an empty one with the source and period of another.
func (r *Run) series(like Series) Series {
	like.Values = make([]float64, r.env.Grid.Len)
	if like.Period == 0 {
		like.Period = r.env.Grid.Step
	}
	return like
}

// constant is a series with the value of a scalar everywhere.
func (r *Run) constant(v value) value {
	out := r.series(Series{pending: v.pending})
	for i := range out.Values {
		out.Values[i] = v.number
	}
	return single(out)
}

// on tells whether a timestamp is one of the series', given its period.
func (r *Run) on(s Series, i int) bool {
	return s.Period <= r.env.Grid.Step || i%int(s.Period/r.env.Grid.Step) == 0
}

// query is the value of a query, computed once.
func (r *Run) query(id string) (value, *Error) {
	q := r.program.queries[id]
	if v := r.results[q.order]; v.typ != 0 {
		return v, nil
	}
	v, err := r.compute(q)
	if err != nil {
		return value{}, err.in(id)
	}
	r.results[q.order] = v
	return v, nil
}

func (r *Run) compute(q *query) (value, *Error) {
	if q.root != nil {
		return r.eval(q, q.root)
	}
	s, err := r.env.Metric(q.ID)
	if err != nil {
		return value{}, r.broken(err)
	}
	if len(s.Values) != r.env.Grid.Len {
		return value{}, r.broken(errors.New("math: a metric is not on the grid"))
	}
	s.pending = s.Period <= r.env.Grid.Step && metric.Pending(s.Values)
	return single(s), nil
}

// eval is the value of a part of a query's expression, whose types are right.
func (r *Run) eval(q *query, n node) (value, *Error) {
	var v value
	var err *Error
	switch n := n.(type) {
	case *literal:
		return scalar(n.value), nil
	case *ref:
		return r.query(n.id)
	case *list:
		v, err = r.list(q, n)
	case *negation:
		if v, err = r.eval(q, n.of); err == nil {
			v = r.negate(v)
		}
	case *binary:
		v, err = r.binary(q, n)
	case *call:
		v, err = r.call(q, n)
	case *selection:
		v, err = r.selected(q, n)
	default: // a string or a keyword, which functions read by themselves
		return value{}, nil
	}
	if err == nil {
		err = r.afford(q, n, v)
	}
	return v, err
}

// afford stops an evaluation that has become too large.
func (r *Run) afford(q *query, n node, v value) *Error {
	if len(v.series) > MaxSeries {
		return errorAt(q.source, n.place(), "The array has more than %d time series", MaxSeries)
	}
	if *r.env.Points += len(v.series) * r.env.Grid.Len; *r.env.Points > maxPoints {
		return errorAt(q.source, n.place(), "The expressions take too many datapoints to compute. Ask for a shorter time range or a longer period")
	}
	return nil
}

func (r *Run) list(q *query, n *list) (value, *Error) {
	var all []Series
	for _, item := range n.items {
		v, err := r.eval(q, item)
		if err != nil {
			return value{}, err
		}
		if all = append(all, v.series...); len(all) > MaxSeries {
			break // afford refuses it
		}
	}
	return array(all), nil
}

func (r *Run) negate(v value) value {
	if v.typ == Scalar {
		v.number = -v.number
		return v
	}
	return v.each(func(s Series) Series { return s.mapped(func(x float64) float64 { return -x }) })
}

func (r *Run) call(q *query, n *call) (value, *Error) {
	args := make([]value, len(n.args))
	for i, arg := range n.args {
		var err *Error
		if args[i], err = r.eval(q, arg); err != nil {
			return value{}, err
		}
	}
	return n.eval(r, n, args)
}

// selected is what a Metrics Insights query gives.
func (r *Run) selected(q *query, n *selection) (value, *Error) {
	if r.env.Select == nil {
		return value{}, &Error{Message: "Metrics Insights queries (SELECT) are not supported here"}
	}
	series, pending, err := r.env.Select(q.ID, n.query)
	if err != nil {
		return value{}, r.broken(err)
	}
	for i := range series {
		series[i].pending = pending
	}
	return value{typ: q.typ, series: series}, nil
}

// binary combines scalars and series. Arrays of the same length are combined
// series by series, and an array with anything else each of its series with that.
func (r *Run) binary(q *query, n *binary) (value, *Error) {
	left, err := r.eval(q, n.left)
	if err != nil {
		return value{}, err
	}
	right, err := r.eval(q, n.right)
	if err != nil {
		return value{}, err
	}
	f := operations[n.op]
	if n.op == "/" {
		f = r.divide
	}
	switch {
	case left.typ == Scalar && right.typ == Scalar:
		v := value{typ: Scalar, number: missing, pending: left.pending || right.pending}
		if !isMissing(left.number) && !isMissing(right.number) {
			v.number = storable(f(left.number, right.number))
		}
		return v, nil
	case left.typ == Array && right.typ == Array:
		if len(left.series) != len(right.series) {
			return value{}, errorAt(q.source, n.offset, "The arrays around %s must have as many time series as one another, and have %d and %d", n.op, len(left.series), len(right.series))
		}
		out := array(make([]Series, len(left.series)))
		for i := range out.series {
			out.series[i] = r.combine(f, single(left.series[i]), single(right.series[i]))
		}
		return out, nil
	case left.typ == Array:
		return left.each(func(s Series) Series { return r.combine(f, single(s), right) }), nil
	case right.typ == Array:
		return right.each(func(s Series) Series {
			out := r.combine(f, left, single(s))
			out.Source = s.Source
			return out
		}), nil
	}
	return single(r.combine(f, left, right)), nil
}

// combine computes f of two values, of which one at least is a series, at each
// timestamp. A series that has no value where the other has one counts as 0
// there; beside a scalar, what is missing stays missing.
func (r *Run) combine(f func(a, b float64) float64, left, right value) Series {
	like, both := left, left.typ == TimeSeries && right.typ == TimeSeries
	if left.typ == Scalar || both && right.series[0].Period < left.series[0].Period {
		like = right
	}
	out := r.series(like.series[0])
	out.pending = left.awaited() || right.awaited()
	for i := range out.Values {
		a, b := left.at(i), right.at(i)
		if both && isMissing(a) != isMissing(b) {
			a, b = zeroed(a), zeroed(b)
		}
		out.Values[i] = missing
		if !isMissing(a) && !isMissing(b) {
			out.Values[i] = storable(f(a, b))
		}
	}
	return out
}

// divide: "if the value of a data point causes a function to attempt to divide by
// zero, the data point is dropped".
func (r *Run) divide(a, b float64) float64 {
	if b == 0 {
		b = r.env.ZeroDivisor
	}
	if b == 0 {
		return missing
	}
	return a / b
}

// zeroed is v, or 0 where it is missing.
func zeroed(v float64) float64 {
	if isMissing(v) {
		return 0
	}
	return v
}

// operations are the binary operators but the division.
var operations = map[string]func(a, b float64) float64{
	"+": func(a, b float64) float64 { return a + b },
	"-": func(a, b float64) float64 { return a - b },
	"*": func(a, b float64) float64 { return a * b },
	"^": gomath.Pow,

	"==": func(a, b float64) float64 { return truth(a == b) },
	"!=": func(a, b float64) float64 { return truth(a != b) },
	"<":  func(a, b float64) float64 { return truth(a < b) },
	"<=": func(a, b float64) float64 { return truth(a <= b) },
	">":  func(a, b float64) float64 { return truth(a > b) },
	">=": func(a, b float64) float64 { return truth(a >= b) },

	"AND": func(a, b float64) float64 { return truth(a != 0 && b != 0) },
	"OR":  func(a, b float64) float64 { return truth(a != 0 || b != 0) },
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
