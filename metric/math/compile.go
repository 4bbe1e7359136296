package math

import (
	"fmt"
	"slices"
	"strings"
	"time"

	insights "flyball/metric/query"
)

// A Program is queries that were compiled together.
type Program struct {
	queries map[string]*query
	metrics []string // ids, in the order given
}

// A query is one that was compiled.
type query struct {
	Query
	source string
	root   node // nil for a metric
	typ    Type // known once it is checked
	state  state
	order  int
}

// isSelection tells whether the query is a Metrics Insights query.
func (q *query) isSelection() bool {
	_, ok := q.root.(*selection)
	return ok
}

type state uint8

const (
	unchecked state = iota
	checking
	checked
)

// Compile reads the expressions of queries, and checks them against one another.
// The IDs must be different. Its errors are of type *Error; of several it is that
// of the first query.
func Compile(queries []Query) (*Program, error) {
	p := &Program{queries: make(map[string]*query, len(queries))}
	for i, given := range queries {
		if p.queries[given.ID] != nil {
			return nil, &Error{ID: given.ID, Message: "The ID is not unique"}
		}
		q := &query{Query: given, order: i}
		p.queries[given.ID] = q
		if given.Expression == "" {
			q.typ, q.state = TimeSeries, checked
			p.metrics = append(p.metrics, given.ID)
			continue
		}
		x, err := parse(given.Expression)
		if err != nil {
			return nil, err.in(given.ID)
		}
		q.source, q.root = x.source, x.root
	}
	for _, given := range queries {
		c := &checker{program: p}
		if err := c.query(p.queries[given.ID]); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// in says which query the error is of, unless that is known.
func (e *Error) in(id string) *Error {
	if e.ID == "" {
		e.ID = id
	}
	return e
}

// Type is what a query gives. A metric gives a TimeSeries. The id must be that of
// a query, here as below.
func (p *Program) Type(id string) Type { return p.queries[id].typ }

// Metrics are the ids of the metrics that a query is computed from, by way of
// other expressions too, in the order in which they were given.
func (p *Program) Metrics(id string) []string {
	needed := map[string]bool{}
	p.visit(id, map[string]bool{}, func(q *query, n node) {
		switch n := n.(type) {
		case nil:
			needed[q.ID] = true
		case *call:
			if n.name == "METRICS" {
				for _, m := range p.containing(n.substring()) {
					needed[m] = true
				}
			}
		}
	})
	var ids []string
	for _, m := range p.metrics {
		if needed[m] {
			ids = append(ids, m)
		}
	}
	return ids
}

// Searches are the searches that a query is computed from, by way of other
// expressions too.
func (p *Program) Searches(id string) []Search {
	var found []Search
	p.visit(id, map[string]bool{}, func(_ *query, n node) {
		if c, ok := n.(*call); ok && c.search != nil {
			found = append(found, *c.search)
		}
	})
	return found
}

// Selections are the ids of the Metrics Insights queries that a query is computed
// from, by way of other expressions too. One is such a query by itself.
func (p *Program) Selections(id string) []string {
	var ids []string
	p.visit(id, map[string]bool{}, func(q *query, n node) {
		if _, ok := n.(*selection); ok {
			ids = append(ids, q.ID)
		}
	})
	return ids
}

// Watchable tells whether an alarm can watch a query: whether it gives a single
// time series, and is computed without a search. It evaluates the query over
// nothing, for there are arrays that do not go together. Its errors are of type
// *Error.
func (p *Program) Watchable(id string) error {
	for other := range p.queries {
		if len(p.Searches(other)) > 0 {
			return &Error{Message: "SEARCH is not supported on Metric Alarms."}
		}
	}
	if q := p.queries[id]; q.typ == Array && q.isSelection() {
		return &Error{Message: "A Metrics Insights query with GROUP BY is not supported on Metric Alarms here: an alarm watches a single time series. Leave GROUP BY out, or make one of its results, as with MAX(" + id + ")"}
	}
	if p.Type(id) == Array {
		return &Error{Message: fmt.Sprintf("The expression '%s' returns several time series. It must return a single one", id)}
	}
	_, err := p.overNothing().Result(id)
	return err
}

// overNothing is a run over no data, which finds what is wrong with any.
func (p *Program) overNothing() *Run {
	nothing := Env{Grid: Grid{Step: time.Minute}}
	nothing.Metric = func(string) (Series, error) { return NewSeries(nothing.Grid), nil }
	nothing.Band = func(string, float64) (upper, lower Series, err error) {
		return NewSeries(nothing.Grid), NewSeries(nothing.Grid), nil
	}
	nothing.Select = func(string, *insights.Query) ([]Series, bool, error) {
		return []Series{NewSeries(nothing.Grid)}, false, nil
	}
	return p.Run(nothing)
}

// visit goes through all nodes that a query is computed from; a metric has none,
// and is visited with nil.
func (p *Program) visit(id string, seen map[string]bool, each func(*query, node)) {
	if seen[id] {
		return
	}
	seen[id] = true
	q := p.queries[id]
	if q.root == nil {
		each(q, nil)
		return
	}
	walk(q.root, func(n node) {
		each(q, n)
		if r, ok := n.(*ref); ok {
			p.visit(r.id, seen, each)
		}
	})
}

// containing are the metrics whose ids contain a string.
func (p *Program) containing(substring string) []string {
	var ids []string
	for _, id := range p.metrics {
		if strings.Contains(id, substring) {
			ids = append(ids, id)
		}
	}
	return ids
}

// A checker finds out the types of expressions.
type checker struct {
	program *Program
	path    []string // ids of the expressions that are being checked
}

// query checks an expression after those that it names.
func (c *checker) query(q *query) *Error {
	switch q.state {
	case checked:
		return nil
	case checking:
		start := slices.Index(c.path, q.ID)
		return &Error{ID: q.ID, Message: fmt.Sprintf("The expression depends on itself: %s", strings.Join(append(c.path[start:], q.ID), " -> "))}
	}
	q.state = checking
	c.path = append(c.path, q.ID)
	typ, err := c.check(q, q.root)
	if err != nil {
		return err.in(q.ID)
	}
	c.path = c.path[:len(c.path)-1]
	q.typ, q.state = typ, checked
	return nil
}

// check is the type of a part of an expression.
func (c *checker) check(q *query, n node) (Type, *Error) {
	switch n := n.(type) {
	case *literal:
		return Scalar, nil
	case *str:
		return text, nil
	case *keyword:
		return n.typ, nil
	case *ref:
		return c.ref(q, n)
	case *list:
		return c.list(q, n)
	case *negation:
		t, err := c.check(q, n.of)
		if err == nil && t > Array {
			err = unsupported(q, n, "-", t)
		}
		return t, err
	case *binary:
		return c.binary(q, n)
	case *call:
		return c.call(q, n)
	case *selection:
		if n.query.Grouped() {
			return Array, nil
		}
		return TimeSeries, nil
	}
	panic("unreachable")
}

func (c *checker) ref(q *query, n *ref) (Type, *Error) {
	named := c.program.queries[n.id]
	if named == nil {
		return 0, errorAt(q.source, n.offset, "There is no metric or expression with the ID '%s'", n.id)
	}
	if err := c.query(named); err != nil {
		return 0, err
	}
	return named.typ, nil
}

func (c *checker) list(q *query, n *list) (Type, *Error) {
	for _, item := range n.items {
		t, err := c.check(q, item)
		if err != nil {
			return 0, err
		}
		if t != TimeSeries && t != Array {
			return 0, errorAt(q.source, item.place(), "An array is made of time series, not of a %s", t)
		}
	}
	return Array, nil
}

// binary: the wider of the two types is that of the result. "You can use
// comparison and logical operators with either a pair of time series or a pair of
// single scalar values", and the examples compare a time series with a scalar;
// arrays are compared here as they are added.
func (c *checker) binary(q *query, n *binary) (Type, *Error) {
	left, err := c.check(q, n.left)
	if err != nil {
		return 0, err
	}
	right, err := c.check(q, n.right)
	if err != nil {
		return 0, err
	}
	if left > Array || right > Array {
		return 0, unsupported(q, n, n.op, left, right)
	}
	return max(left, right), nil
}

func (c *checker) call(q *query, n *call) (Type, *Error) {
	if n.refused != "" {
		return 0, errorAt(q.source, n.offset, "The function %s is not supported: %s", n.name, n.refused)
	}
	types := make([]Type, len(n.args))
	for i, arg := range n.args {
		t, err := c.check(q, arg)
		if err != nil {
			return 0, err
		}
		types[i] = t
	}
	i := slices.IndexFunc(n.signatures, func(s signature) bool { return slices.Equal(s.args, types) })
	if i < 0 {
		return 0, unsupported(q, n, n.name, types...)
	}
	switch n.name {
	case "PERIOD": // "Valid input is metrics, not the results of other expressions"
		if r, ok := n.args[0].(*ref); !ok || c.program.queries[r.id].root != nil {
			return 0, errorAt(q.source, n.args[0].place(), "PERIOD takes a metric, not the result of an expression")
		}
	case bandFunction: // a model is of a metric or of an expression that has a name
		if _, ok := n.args[0].(*ref); !ok {
			return 0, errorAt(q.source, n.args[0].place(), "%s takes the ID of a metric or of an expression", bandFunction)
		}
	case "SEARCH":
		var err *Error
		if n.search, err = newSearch(q.source, n.args); err != nil {
			return 0, err
		}
	}
	return n.signatures[i].result, nil
}

// unsupported refuses operands of the wrong types.
func unsupported(q *query, n node, name string, types ...Type) *Error {
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = t.String()
	}
	return errorAt(q.source, n.place(), "Unsupported operand type(s) for %s: '[%s]'", name, strings.Join(names, ", "))
}

// unknownFunction refuses a name that is none of CloudWatch's functions.
func unknownFunction(source string, t token) *Error {
	if upper := strings.ToUpper(t.text); functions[upper] != nil {
		return errorAt(source, t.offset, "Unknown function '%s' (functions are written in capitals: %s)", t.text, upper)
	}
	return errorAt(source, t.offset, "Unknown function '%s'", t.text)
}
