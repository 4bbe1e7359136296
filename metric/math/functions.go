package math

import (
	"cmp"
	gomath "math"
	"slices"
	"time"
)

// A function is one that expressions can call.
type function struct {
	signatures []signature
	eval       func(*Run, *call, []value) (value, *Error)
	refused    string // why there is no such function here
}

// A signature is what a function takes, and what it gives for that.
type signature struct {
	args   []Type
	result Type
}

func takes(result Type, args ...Type) signature { return signature{args, result} }

// The signatures of most functions.
var (
	forEach  = []signature{takes(TimeSeries, TimeSeries), takes(Array, Array)}
	reducing = []signature{takes(Scalar, TimeSeries), takes(TimeSeries, Array)}
	dated    = []signature{takes(TimeSeries, TimeSeries)}
	choosing = []signature{takes(TimeSeries, Array)}
)

// functions is filled by init, for what evaluates refers to it.
var functions map[string]*function

func init() {
	functions = map[string]*function{
		"ABS":   {signatures: forEach, eval: pointwise(gomath.Abs)},
		"CEIL":  {signatures: forEach, eval: pointwise(gomath.Ceil)},
		"EXP":   {signatures: forEach, eval: pointwise(gomath.Exp)},
		"FLOOR": {signatures: forEach, eval: pointwise(gomath.Floor)},
		"LOG":   {signatures: forEach, eval: pointwise(gomath.Log)},
		"LOG10": {signatures: forEach, eval: pointwise(gomath.Log10)},

		"DIFF":        {signatures: forEach, eval: changes(func(by, _ float64) float64 { return by })},
		"DIFF_TIME":   {signatures: forEach, eval: changes(func(_, seconds float64) float64 { return seconds })},
		"RATE":        {signatures: forEach, eval: changes(func(by, seconds float64) float64 { return by / seconds })},
		"RUNNING_SUM": {signatures: forEach, eval: runningSum},

		"AVG":             {signatures: reducing, eval: reduce(average, averageOfAll)},
		"DATAPOINT_COUNT": {signatures: reducing, eval: reduce(count, count)},
		"MAX":             {signatures: reducing, eval: reduce(maximum, maximum)},
		"MIN":             {signatures: reducing, eval: reduce(minimum, minimum)},
		"STDDEV":          {signatures: reducing, eval: reduce(deviation, deviation)},
		"SUM":             {signatures: reducing, eval: reduce(sum, sum)},

		"MINUTE": {signatures: dated, eval: ofTime(func(t time.Time) int64 { return int64(t.Minute()) })},
		"HOUR":   {signatures: dated, eval: ofTime(func(t time.Time) int64 { return int64(t.Hour()) })},
		"DAY":    {signatures: dated, eval: ofTime(func(t time.Time) int64 { return (int64(t.Weekday())+6)%7 + 1 })},
		"DATE":   {signatures: dated, eval: ofTime(func(t time.Time) int64 { return int64(t.Day()) })},
		"MONTH":  {signatures: dated, eval: ofTime(func(t time.Time) int64 { return int64(t.Month()) })},
		"YEAR":   {signatures: dated, eval: ofTime(func(t time.Time) int64 { return int64(t.Year()) })},
		"EPOCH":  {signatures: dated, eval: ofTime(time.Time.Unix)},

		"FILL": {eval: fill, signatures: []signature{
			takes(TimeSeries, TimeSeries, Scalar), takes(TimeSeries, TimeSeries, TimeSeries), takes(TimeSeries, TimeSeries, fillMode),
			takes(Array, Array, Scalar), takes(Array, Array, TimeSeries), takes(Array, Array, fillMode),
		}},
		"IF": {eval: choose, signatures: []signature{
			takes(TimeSeries, TimeSeries, TimeSeries), takes(TimeSeries, TimeSeries, Scalar), takes(TimeSeries, Scalar, TimeSeries),
			takes(TimeSeries, TimeSeries, TimeSeries, TimeSeries), takes(TimeSeries, TimeSeries, Scalar, TimeSeries),
			takes(TimeSeries, TimeSeries, TimeSeries, Scalar), takes(TimeSeries, TimeSeries, Scalar, Scalar),
			takes(TimeSeries, Scalar, TimeSeries, TimeSeries),
			// Not documented, and plain: the scalar stands for a time series of itself.
			takes(TimeSeries, Scalar, TimeSeries, Scalar), takes(TimeSeries, Scalar, Scalar, TimeSeries),
		}},
		"TIME_SERIES": {eval: timeSeries, signatures: []signature{takes(TimeSeries, Scalar)}},
		"PERIOD":      {eval: period, signatures: []signature{takes(Scalar, TimeSeries)}},

		"METRICS":      {eval: metrics, signatures: []signature{takes(Array), takes(Array, text)}},
		"METRIC_COUNT": {eval: metricCount, signatures: []signature{takes(Scalar, Array)}},
		"SEARCH":       {eval: search, signatures: []signature{takes(Array, text, text), takes(Array, text, text, Scalar)}},

		"FIRST":        {signatures: choosing, eval: pick(func(int) int { return 0 })},
		"LAST":         {signatures: choosing, eval: pick(func(n int) int { return n - 1 })},
		"REMOVE_EMPTY": {eval: removeEmpty, signatures: []signature{takes(Array, Array)}},
		"SLICE":        {eval: slice, signatures: []signature{takes(Array, Array, Scalar), takes(Array, Array, Scalar, Scalar)}},
		"SORT":         {eval: sort, signatures: []signature{takes(Array, Array, sortKey, sortOrder), takes(Array, Array, sortKey, sortOrder, Scalar)}},

		bandFunction: {eval: band, signatures: []signature{takes(Array, TimeSeries), takes(Array, TimeSeries, Scalar)}},

		"DB_PERF_INSIGHTS":    {refused: "there is no RDS"},
		"INSIGHT_RULE_METRIC": {refused: "there is no Contributor Insights"},
		"LAMBDA":              {refused: "there are no connected data sources"},
		"SERVICE_QUOTA":       {refused: "there are no service quotas"},
	}
}

// pointwise applies f to each value.
func pointwise(f func(float64) float64) func(*Run, *call, []value) (value, *Error) {
	return func(_ *Run, _ *call, args []value) (value, *Error) {
		return args[0].each(func(s Series) Series { return s.mapped(f) }), nil
	}
}

// mapped is the series with f of each value. F of missing is missing.
func (s Series) mapped(f func(float64) float64) Series {
	out := s.blank()
	for i, v := range s.Values {
		out.Values[i] = storable(f(v))
	}
	return out
}

// blank is a series like s with room for other values.
func (s Series) blank() Series {
	s.Values = make([]float64, len(s.Values))
	return s
}

// changes computes each value from the one before it: f is given the difference
// between the two, and the seconds between their timestamps. The first value has
// none before it, and is dropped.
func changes(f func(by, seconds float64) float64) func(*Run, *call, []value) (value, *Error) {
	return func(r *Run, _ *call, args []value) (value, *Error) {
		step := r.env.Grid.Step.Seconds()
		return args[0].each(func(s Series) Series {
			out, last := s.blank(), -1
			for i, v := range s.Values {
				out.Values[i] = missing
				if isMissing(v) {
					continue
				}
				if last >= 0 {
					out.Values[i] = storable(f(v-s.Values[last], float64(i-last)*step))
				}
				last = i
			}
			return out
		}), nil
	}
}

// runningSum has values where the series has.
func runningSum(_ *Run, _ *call, args []value) (value, *Error) {
	return args[0].each(func(s Series) Series {
		total := 0.0
		return s.mapped(func(v float64) float64 {
			if isMissing(v) {
				return v
			}
			total += v
			return total
		})
	}), nil
}

// reduce makes a scalar of a series by one, of all its values; and a series of an
// array by across, of what the series have at each timestamp. Both are given
// values that may be missing.
func reduce(one, across func([]float64) float64) func(*Run, *call, []value) (value, *Error) {
	return func(r *Run, _ *call, args []value) (value, *Error) {
		if args[0].typ == TimeSeries {
			return value{typ: Scalar, number: storable(one(args[0].series[0].Values)), pending: args[0].awaited()}, nil
		}
		all := args[0].series
		out := r.series(finest(all))
		out.pending = args[0].awaited()
		column := make([]float64, len(all))
		for i := range out.Values {
			present := false
			for j := range all {
				column[j] = all[j].Values[i]
				present = present || !isMissing(column[j])
			}
			out.Values[i] = missing
			if present {
				out.Values[i] = storable(across(column))
			}
		}
		return single(out), nil
	}
}

func sum(values []float64) float64 {
	total := 0.0
	for _, v := range values {
		if !isMissing(v) {
			total += v
		}
	}
	return total
}

func count(values []float64) float64 {
	n := 0
	for _, v := range values {
		if !isMissing(v) {
			n++
		}
	}
	return float64(n)
}

// average is missing where there is no value.
func average(values []float64) float64 { return sum(values) / count(values) }

// averageOfAll is the average across an array, where "missing values are treated
// as 0".
func averageOfAll(values []float64) float64 { return sum(values) / float64(len(values)) }

func maximum(values []float64) float64 {
	return extreme(values, func(a, b float64) bool { return a > b })
}
func minimum(values []float64) float64 {
	return extreme(values, func(a, b float64) bool { return a < b })
}

func extreme(values []float64, better func(a, b float64) bool) float64 {
	best := missing
	for _, v := range values {
		if isMissing(best) || better(v, best) {
			best = v
		}
	}
	return best
}

// deviation is that of the population, of the values that are there; CloudWatch
// does not document which it computes.
func deviation(values []float64) float64 {
	mean, squares := average(values), 0.0
	for _, v := range values {
		if !isMissing(v) {
			squares += (v - mean) * (v - mean)
		}
	}
	return gomath.Sqrt(squares / count(values))
}

// ofTime makes a series "where each value is based on its timestamp", in UTC, with
// the period of the one given and no gaps.
func ofTime(f func(time.Time) int64) func(*Run, *call, []value) (value, *Error) {
	return func(r *Run, _ *call, args []value) (value, *Error) {
		s := args[0].series[0]
		out := s.blank()
		out.pending = false
		for i := range out.Values {
			out.Values[i] = missing
			if r.on(s, i) {
				out.Values[i] = float64(f(r.env.Grid.Time(i).UTC()))
			}
		}
		return single(out), nil
	}
}

// fill fills the gaps of series: with a scalar, with the values of another series,
// with the value before the gap (REPEAT) or with a straight line between the
// values around it (LINEAR). REPEAT leaves what is before the first value, and
// LINEAR also what is after the last.
func fill(r *Run, c *call, args []value) (value, *Error) {
	mode := ""
	if k, ok := c.args[1].(*keyword); ok {
		mode = k.name
	}
	return args[0].each(func(s Series) Series {
		out := s.blank()
		copy(out.Values, s.Values)
		last := -1
		for i, v := range s.Values {
			switch {
			case !isMissing(v):
				if mode == "LINEAR" && last >= 0 {
					r.interpolate(out, last, i)
				}
				last = i
			case mode == "LINEAR" || !r.on(s, i):
			case mode == "REPEAT":
				if last >= 0 {
					out.Values[i] = s.Values[last]
				}
			default:
				out.Values[i] = args[1].at(i)
			}
		}
		if last < len(s.Values)-1 && mode != "LINEAR" {
			out.pending = args[1].awaited() // what a metric has yet to report was filled
		}
		return out
	}), nil
}

// interpolate draws a straight line through the gap between two values.
func (r *Run) interpolate(s Series, from, to int) {
	start, slope := s.Values[from], (s.Values[to]-s.Values[from])/float64(to-from)
	for i := from + 1; i < to; i++ {
		if r.on(s, i) {
			s.Values[i] = storable(start + slope*float64(i-from))
		}
	}
}

// choose is IF. Where the condition has no value there is none; where it holds and
// the first alternative has none it is 0; where it does not hold and the second has
// none, or there is none, it is dropped. A scalar condition chooses a whole series.
func choose(r *Run, _ *call, args []value) (value, *Error) {
	condition, then, otherwise := args[0], args[1], scalar(missing)
	if len(args) == 3 {
		otherwise = args[2]
	}
	if condition.typ == Scalar {
		chosen := otherwise
		if condition.number != 0 && !isMissing(condition.number) {
			chosen = then
		}
		if chosen.typ == Scalar {
			chosen = r.constant(chosen)
		}
		return chosen.each(func(s Series) Series {
			s.pending = s.pending || condition.pending
			return s
		}), nil
	}
	out := r.series(finest(slices.Concat(condition.series, then.series, otherwise.series)))
	chosen := &condition // in the end, what the newest value is of
	for i := range out.Values {
		switch c := condition.at(i); {
		case isMissing(c):
			chosen, out.Values[i] = &condition, missing
		case c == 0:
			chosen, out.Values[i] = &otherwise, otherwise.at(i)
		case then.typ == TimeSeries:
			chosen, out.Values[i] = &then, zeroed(then.at(i))
		default:
			chosen, out.Values[i] = &then, then.number
		}
	}
	out.pending = condition.awaited() || chosen.awaited()
	return single(out), nil
}

func timeSeries(r *Run, _ *call, args []value) (value, *Error) {
	return r.constant(args[0]), nil
}

func period(_ *Run, _ *call, args []value) (value, *Error) {
	return scalar(args[0].series[0].Period.Seconds()), nil
}

func metricCount(_ *Run, _ *call, args []value) (value, *Error) {
	return scalar(float64(len(args[0].series))), nil
}

// substring is what METRICS looks for in ids.
func (c *call) substring() string {
	if len(c.args) == 0 {
		return ""
	}
	return c.args[0].(*str).value
}

func metrics(r *Run, c *call, _ []value) (value, *Error) {
	var all []Series
	for _, id := range r.program.containing(c.substring()) {
		v, err := r.query(id)
		if err != nil {
			return value{}, err
		}
		all = append(all, v.series...)
	}
	return array(all), nil
}

// search finds metrics, and keeps what it found: it would find the same again.
func search(r *Run, c *call, _ []value) (value, *Error) {
	if found, ok := r.found[c.search]; ok {
		return array(found), nil
	}
	if r.env.Find == nil {
		return value{}, &Error{Message: "SEARCH is not possible here"}
	}
	found, err := r.env.Find(*c.search)
	if err != nil {
		return value{}, r.broken(err)
	}
	found = found[:min(len(found), MaxSeries)]
	if r.found == nil {
		r.found = map[*Search][]Series{}
	}
	r.found[c.search] = found
	return array(found), nil
}

// pick takes the series with an index from an array. An empty array has a series
// without values.
func pick(index func(n int) int) func(*Run, *call, []value) (value, *Error) {
	return func(r *Run, _ *call, args []value) (value, *Error) {
		n := len(args[0].series)
		if n == 0 {
			return r.constant(scalar(missing)), nil
		}
		return single(args[0].series[index(n)]), nil
	}
}

func removeEmpty(_ *Run, _ *call, args []value) (value, *Error) {
	return array(slices.DeleteFunc(slices.Clone(args[0].series), func(s Series) bool { return count(s.Values) == 0 })), nil
}

// slice takes the series from a first index to one before a second. Indexes out of
// range are moved into it.
func slice(_ *Run, _ *call, args []value) (value, *Error) {
	all := args[0].series
	from, to := clamp(args[1].number, len(all)), len(all)
	if len(args) == 3 {
		to = clamp(args[2].number, len(all))
	}
	return array(all[min(from, to):to]), nil
}

// clamp is a number as an index of up to n. What is no number is 0.
func clamp(v float64, n int) int {
	if !(v > 0) {
		return 0
	}
	return int(min(v, float64(n)))
}

// sort orders series by a statistic of their values. Series of the same statistic
// keep their order; those without values come last.
func sort(_ *Run, c *call, args []value) (value, *Error) {
	key := map[string]func([]float64) float64{"AVG": average, "MIN": minimum, "MAX": maximum, "SUM": sum}[c.args[1].(*keyword).name]
	descending := c.args[2].(*keyword).name == "DESC"
	type keyed struct {
		Series
		key float64
	}
	all := make([]keyed, len(args[0].series))
	for i, s := range args[0].series {
		all[i] = keyed{s, key(s.Values)}
		if count(s.Values) == 0 {
			all[i].key = missing
		}
	}
	slices.SortStableFunc(all, func(a, b keyed) int {
		if isMissing(a.key) || isMissing(b.key) || descending {
			return cmp.Compare(b.key, a.key) // which takes a missing one for the least
		}
		return cmp.Compare(a.key, b.key)
	})
	limit := len(all)
	if len(args) == 4 {
		limit = clamp(args[3].number, len(all))
	}
	sorted := make([]Series, limit)
	for i := range sorted {
		sorted[i] = all[i].Series
	}
	return array(sorted), nil
}
