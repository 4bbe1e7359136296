package cloudwatch

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/metric"
	"flyball/metric/math"
)

// nameQueries gives the metrics their default labels: the parts of their names that
// tell them from one another, or else the name of the metric, and the statistic
// and period where those differ.
func nameQueries(queries []dataQuery) {
	var ids []metric.ID
	statistics, periods := map[metric.Statistic]bool{}, map[time.Duration]bool{}
	for _, q := range queries {
		if !q.expression {
			ids = append(ids, metric.ID{Name: q.metric.Name, Dimensions: q.metric.Dimensions})
			statistics[q.statistic], periods[q.period] = true, true
		}
	}
	names := labels(ids)
	for i := range queries {
		q := &queries[i]
		if q.expression {
			q.name = q.id
			continue
		}
		q.name, names = names[0], names[1:]
		if len(statistics) > 1 {
			q.name += " " + q.statistic.String()
		}
		if len(periods) > 1 {
			q.name += fmt.Sprintf(" %d", q.period/time.Second)
		}
	}
}

// labels tell metrics from one another: by the parts of their names that not all
// of them have.
func labels(found []metric.ID) []string {
	parts := make([][]string, len(found))
	often := map[string]int{}
	for i, id := range found {
		parts[i] = append(parts[i], id.Namespace)
		for _, d := range id.Dimensions {
			parts[i] = append(parts[i], d.Value)
		}
		parts[i] = append(parts[i], id.Name)
		for _, p := range slices.Compact(slices.Sorted(slices.Values(parts[i]))) {
			often[p]++
		}
	}
	out := make([]string, len(found))
	for i, id := range found {
		own := slices.DeleteFunc(parts[i], func(p string) bool { return often[p] == len(found) })
		out[i] = cmp.Or(strings.Join(own, " "), id.Name)
	}
	return out
}

// source is what a metric's series is known by.
func (q *dataQuery) source() math.Source {
	return math.Source{Label: q.name, Metric: q.metric, Statistic: q.statistic}
}

// placeholder is what a dynamic label has instead of a value: ${MAX}, or
// ${PROP('Dim.ServiceName')}.
var placeholder = regexp.MustCompile(`\$\{(?:([A-Z_]+)|PROP\('([^']*)'\))\}`)

// noValue stands for the values of a series without datapoints.
const noValue = "--"

// A labeller writes the labels of a GetMetricData, in which placeholders stand for
// what the User Guide lists in "Use dynamic labels".
type labeller struct {
	account, region string
	now             time.Time
	zone            *time.Location // of LabelOptions
}

func (m *metrics) labeller(options *types.LabelOptions) (labeller, error) {
	l := labeller{m.cell.Account, m.cell.Region, m.cell.Clock.Now(), time.UTC}
	if options == nil || options.Timezone == nil {
		return l, nil
	}
	zone, err := time.Parse("-0700", *options.Timezone)
	if err != nil {
		return l, validation("The value for parameter LabelOptions.Timezone must be an offset such as +0130.")
	}
	_, offset := zone.Zone()
	l.zone = time.FixedZone("", offset)
	return l, nil
}

// label is the label of a result, of which all datapoints are there, the oldest
// first. One of an array has the label of its series behind the given one, unless
// that names the series itself.
func (l labeller) label(given string, array bool, s math.Source, period time.Duration, r *types.MetricDataResult) *string {
	switch {
	case given == "":
		given = "${LABEL}"
	case array && !strings.Contains(given, "${LABEL}") && !strings.Contains(given, "${PROP("):
		given += " ${LABEL}"
	}
	shown := placeholder.ReplaceAllStringFunc(given, func(written string) string {
		name := placeholder.FindStringSubmatch(written)
		if name[1] == "" {
			return cmp.Or(l.property(name[2], s, period), written)
		}
		return cmp.Or(l.live(name[1], s.Label, r), written)
	})
	return &shown
}

// property is a property of the metric that a series was read from, or "".
func (l labeller) property(name string, s math.Source, period time.Duration) string {
	switch {
	case name == "AccountId":
		return l.account
	case name == "Region":
		return l.region
	case name == "Period":
		return strconv.Itoa(int(period / time.Second))
	case s.Metric.Name == "":
		return ""
	case name == "MetricName":
		return s.Metric.Name
	case name == "Namespace":
		return s.Metric.Namespace
	case name == "Stat":
		return s.Statistic.String()
	}
	for _, d := range s.Metric.Dimensions {
		if name == "Dim."+d.Name {
			return d.Value
		}
	}
	return ""
}

// live is what a placeholder shows of a result's datapoints, or "".
func (l labeller) live(name, label string, r *types.MetricDataResult) string {
	switch show := live[name]; {
	case name == "LABEL":
		return label
	case name == "DATAPOINT_COUNT":
		return strconv.Itoa(len(r.Values))
	case show == nil:
		return ""
	case len(r.Values) == 0:
		return noValue
	default:
		return show(l, r)
	}
}

// live are the placeholders that need a datapoint.
var live = func() map[string]func(labeller, *types.MetricDataResult) string {
	sum := func(values []float64) (total float64) {
		for _, v := range values {
			total += v
		}
		return total
	}
	all := map[string]func(labeller, *types.MetricDataResult) string{
		"SUM": func(_ labeller, r *types.MetricDataResult) string { return number(sum(r.Values)) },
		"AVG": func(_ labeller, r *types.MetricDataResult) string {
			return number(sum(r.Values) / float64(len(r.Values)))
		},
	}
	points := map[string]func(values []float64) int{ // of several, the oldest
		"FIRST": func([]float64) int { return 0 },
		"LAST":  func(values []float64) int { return len(values) - 1 },
		"MIN":   func(values []float64) int { return slices.Index(values, slices.Min(values)) },
		"MAX":   func(values []float64) int { return slices.Index(values, slices.Max(values)) },
	}
	for name, at := range points {
		all[name] = func(_ labeller, r *types.MetricDataResult) string { return number(r.Values[at(r.Values)]) }
		all[name+"_TIME"] = func(l labeller, r *types.MetricDataResult) string {
			return r.Timestamps[at(r.Values)].In(l.zone).Format("2006-01-02T15:04:05-07:00")
		}
		all[name+"_TIME_RELATIVE"] = func(l labeller, r *types.MetricDataResult) string {
			return l.now.Sub(r.Timestamps[at(r.Values)]).Abs().Truncate(time.Second).String()
		}
	}
	for _, ends := range [2][2]string{{"FIRST", "LAST"}, {"MIN", "MAX"}} {
		name, from, to := ends[0]+"_"+ends[1], points[ends[0]], points[ends[1]]
		all[name+"_RANGE"] = func(_ labeller, r *types.MetricDataResult) string {
			return number(r.Values[to(r.Values)] - r.Values[from(r.Values)])
		}
		all[name+"_TIME_RANGE"] = func(_ labeller, r *types.MetricDataResult) string {
			return r.Timestamps[to(r.Values)].Sub(r.Timestamps[from(r.Values)]).Abs().String()
		}
	}
	return all
}()

func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
