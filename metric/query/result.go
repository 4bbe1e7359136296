package query

import (
	"cmp"
	"errors"
	"math"
	"slices"
	"strings"

	"flyball/metric"
)

// maxValues is how many values a Result has at most, one for each period of each
// group: 160 MB, as much as metric math may compute.
const maxValues = 20_000_000

// ErrTooLarge refuses a result of too many groups with too many periods.
var ErrTooLarge = errors.New("the query takes too many datapoints to compute: ask for a shorter time range or a longer period")

// Other is the value of a label that GROUP BY names and a metric has not.
const Other = "Other"

// A Result is what a query finds, as it is put together.
type Result struct {
	query   *Query
	periods int
	groups  map[string]*Group
}

// A Group is the metrics that share the values of the labels of GROUP BY.
type Group struct {
	labels []string
	values []float64 // NaN where there is nothing
	counts []float64 // of an average: how many observations
}

// A Series is one of the time series that a query gives.
type Series struct {
	// Labels are the labels of GROUP BY with the values that they have for the
	// series, in the order of GROUP BY; none where there is no GROUP BY.
	Labels []metric.Dimension
	// Values are one for each period, NaN where there is no observation.
	Values []float64
}

// Label is what tells the series from the others: its values of GROUP BY.
func (s Series) Label() string {
	values := make([]string, len(s.Labels))
	for i, l := range s.Labels {
		values[i] = l.Value
	}
	return strings.Join(values, " ")
}

// Result begins the evaluation of the query over a number of periods.
func (q *Query) Result(periods int) *Result {
	return &Result{query: q, periods: periods, groups: map[string]*Group{}}
}

// Group is the group of a metric that the query matches. A group of which nothing is
// observed gives no series.
func (r *Result) Group(id metric.ID) (*Group, error) {
	labels := make([]string, len(r.query.groups))
	for i, name := range r.query.groups {
		var ok bool
		if labels[i], ok = r.query.label(id, name); !ok {
			labels[i] = Other
		}
	}
	key := strings.Join(labels, "\x00")
	g := r.groups[key]
	if g != nil {
		return g, nil
	}
	width := len(r.query.Statistics())
	if (len(r.groups)+1)*r.periods*width > maxValues {
		return nil, ErrTooLarge
	}
	g = &Group{labels: labels, values: nothing(r.periods)}
	if width > 1 {
		g.counts = make([]float64, r.periods)
	}
	r.groups[key] = g
	return g, nil
}

func nothing(n int) []float64 {
	values := make([]float64, n)
	for i := range values {
		values[i] = math.NaN()
	}
	return values
}

// Add adds what a metric of a group has in a period: the query's Statistics.
func (r *Result) Add(g *Group, period int, statistics ...float64) {
	v, old := statistics[0], &g.values[period]
	switch {
	case math.IsNaN(v):
		return
	case math.IsNaN(*old):
		*old = v
	case r.query.Function == Maximum:
		*old = max(*old, v)
	case r.query.Function == Minimum:
		*old = min(*old, v)
	default:
		*old += v
	}
	if g.counts != nil {
		g.counts[period] += statistics[1]
	}
}

// Series are what the query gives, in its order and no more than its limit, and
// whether there were more of them than a query can give. Without GROUP BY it is
// always one.
func (r *Result) Series() (series []Series, more bool) {
	groups := make([]*Group, 0, len(r.groups))
	for _, g := range r.groups {
		g.finish()
		if r.query.Grouped() && !slices.ContainsFunc(g.values, present) {
			continue
		}
		groups = append(groups, g)
	}
	if len(groups) == 0 && !r.query.Grouped() {
		groups = append(groups, &Group{values: nothing(r.periods)})
	}
	r.query.sort(groups)
	more = len(groups) > MaxSeries && r.query.limit == MaxSeries
	for _, g := range groups[:min(len(groups), r.query.limit)] {
		s := Series{Values: g.values}
		for i, name := range r.query.groups {
			s.Labels = append(s.Labels, metric.Dimension{Name: name, Value: g.labels[i]})
		}
		series = append(series, s)
	}
	return series, more
}

func present(v float64) bool { return !math.IsNaN(v) }

// finish makes averages of sums and counts.
func (g *Group) finish() {
	if g.counts == nil {
		return
	}
	for i, n := range g.counts {
		g.values[i] /= n // NaN stays
	}
	g.counts = nil
}

// sort puts groups into the order of the query. "By default the results are ordered in
// alphabetical ascending order, using the sequence of labels specified in the GROUP BY
// clause"; that decides between equals, too.
func (q *Query) sort(groups []*Group) {
	slices.SortFunc(groups, func(a, b *Group) int { return slices.Compare(a.labels, b.labels) })
	if q.order == nil {
		return
	}
	keys := make(map[*Group]float64, len(groups))
	for _, g := range groups {
		keys[g] = q.order.by.of(g.values)
	}
	slices.SortStableFunc(groups, func(a, b *Group) int {
		if q.order.descending {
			a, b = b, a
		}
		return cmp.Compare(keys[a], keys[b])
	})
}

// of is the "single scalar value from each returned time series" that ORDER BY sorts
// by: the function of its datapoints.
func (f Function) of(values []float64) float64 {
	var set metric.Set
	for _, v := range values {
		if present(v) {
			set.MergeTotals(metric.Set{Count: 1, Sum: v, Min: v, Max: v})
		}
	}
	v, _ := set.Value(f.Statistic())
	return v
}
