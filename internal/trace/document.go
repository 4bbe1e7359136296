package trace

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// maxDocument bounds a JSON document, which is held in memory: decoded, a list of numbers takes
// some twenty times as much.
const maxDocument = 64 << 20

// A document is one JSON value: an answer of CloudWatch or Prometheus, or a list of rows.
type document struct{}

func (document) read(in *bufio.Reader, o Options) (points, error) {
	text, err := io.ReadAll(io.LimitReader(in, maxDocument+1))
	if err != nil {
		return points{}, err
	}
	if len(text) > maxDocument {
		return points{}, &Error{What: fmt.Sprintf("a document of more than %d bytes", maxDocument), Remedy: "ask for a shorter time or a longer period, or save a table of times and values"}
	}
	if text[skipSpace(text)] == '[' {
		return list(text, o)
	}
	var d answer
	if err := json.Unmarshal(text, &d); err != nil {
		return points{}, jsonError(text, err)
	}
	switch {
	case d.MetricDataResults != nil:
		return metricData(d, o)
	case d.Datapoints != nil:
		return metricStatistics(d, o)
	case d.Data != nil:
		return prometheus(d, o)
	case d.ErrorType != "":
		return points{}, &Error{What: "Prometheus answered " + d.ErrorType + ": " + d.Error, Remedy: "mend the query, and save its answer again"}
	}
	return points{}, &Error{What: "a JSON document that is neither an answer of get-metric-data or get-metric-statistics nor one of Prometheus' query_range",
		Remedy: "save one of those, or a table of times and values"}
}

// skipSpace is where the text begins.
func skipSpace(text []byte) int {
	i := 0
	for i < len(text)-1 && strings.IndexByte(" \t\r\n", text[i]) >= 0 {
		i++
	}
	return i
}

// jsonError says where a document is broken.
func jsonError(text []byte, err error) error {
	offset := int64(len(text))
	if broken := new(json.SyntaxError); errors.As(err, &broken) {
		offset = broken.Offset
	} else if typed := new(json.UnmarshalTypeError); errors.As(err, &typed) {
		offset = typed.Offset
		return place(text, offset, fmt.Sprintf("%s is a %s here", typed.Field, typed.Value), "save the answer as the command printed it")
	}
	return place(text, offset, "this is not whole JSON", "save the answer as the command printed it")
}

// place is an error at an offset of a text.
func place(text []byte, offset int64, what, remedy string) error {
	before := string(text[:min(max(offset-1, 0), int64(len(text)))])
	line := strings.Count(before, "\n") + 1
	return &Error{line, len(before) - strings.LastIndex(before, "\n"), what, remedy}
}

// An answer has the members of all answers that are known.
type answer struct {
	MetricDataResults []struct {
		ID         string `json:"Id"`
		Label      string
		Timestamps []any
		Values     []float64
		StatusCode string
	}
	Label      string
	Datapoints []map[string]any
	Data       *struct {
		ResultType string
		Result     json.RawMessage
	}
	ErrorType, Error string
}

// metricData reads an answer of GetMetricData.
func metricData(d answer, o Options) (points, error) {
	var names []string
	for _, r := range d.MetricDataResults {
		names = append(names, r.ID)
	}
	chosen, err := choose("result", names, func(i int, name string) bool {
		return strings.EqualFold(d.MetricDataResults[i].ID, name) || strings.EqualFold(d.MetricDataResults[i].Label, name)
	}, o)
	if err != nil {
		return points{}, err
	}
	rows := collector{o: o}
	partial := 0
	for _, i := range chosen {
		r := d.MetricDataResults[i]
		rows.name = r.Label
		if len(r.Values) != len(r.Timestamps) {
			return points{}, &Error{What: fmt.Sprintf("result %s has %d values at %d times", r.ID, len(r.Values), len(r.Timestamps)), Remedy: "save the answer again"}
		}
		if r.StatusCode != "" && r.StatusCode != "Complete" {
			partial++
		}
		for n, at := range r.Timestamps {
			if err := rows.add(0, 0, jsonCell(at), r.Values[n]); err != nil {
				return points{}, err
			}
		}
	}
	p, err := added(rows, len(chosen))
	if partial > 0 {
		p.notes = append(p.notes, "CloudWatch marked the answer as partial: there are more datapoints than it holds.")
	}
	return p, err
}

// choose finds one of several series, or all of them to be added up.
func choose(what string, names []string, is func(i int, name string) bool, o Options) ([]int, error) {
	all := allOf(len(names))
	switch {
	case len(names) == 0:
		return nil, errEmpty
	case o.Column == "*" || o.Column == "" && len(names) == 1:
		return all, nil
	case o.Column != "":
		chosen := slices.DeleteFunc(slices.Clone(all), func(i int) bool { return !is(i, o.Column) })
		if n, err := strconv.Atoi(o.Column); len(chosen) == 0 && err == nil && n >= 1 && n <= len(names) {
			chosen = []int{n - 1}
		}
		if len(chosen) == 1 {
			return chosen, nil
		}
		return nil, &Error{What: fmt.Sprintf("%d %ss are %s", len(chosen), what, o.Column), Remedy: "there are " + listed(names)}
	}
	return nil, &Error{What: fmt.Sprintf("%d %ss", len(names), what), Remedy: "choose one with --column: " + listed(names) + "; or add them up with --column '*'"}
}

// listed are the first names.
func listed(names []string) string {
	text := strings.Join(names[:min(len(names), 10)], ", ")
	if len(names) > 10 {
		text += fmt.Sprintf(" and %d more", len(names)-10)
	}
	return text
}

// added are the rows of so many series. Of several, those of one time are added up.
func added(rows collector, series int) (points, error) {
	p, err := rows.points()
	if err != nil || series == 1 {
		return p, err
	}
	slices.SortStableFunc(p.rows, byTime)
	kept := p.rows[:0]
	for _, r := range p.rows {
		if n := len(kept); n > 0 && kept[n-1].at == r.at {
			kept[n-1].value += r.value
			continue
		}
		kept = append(kept, r)
	}
	p.rows = kept
	p.notes = append(p.notes, fmt.Sprintf("Added up %d series.", series))
	return p, nil
}

// statisticKinds are the statistics of CloudWatch, those first that are taken from several.
var statisticKinds = []struct {
	name string
	kind Kind
}{{"Sum", Counts}, {"SampleCount", Counts}, {"Average", Gauges}, {"Maximum", Gauges}, {"Minimum", Gauges}}

// metricStatistics reads an answer of GetMetricStatistics.
func metricStatistics(d answer, o Options) (points, error) {
	if len(d.Datapoints) == 0 {
		return points{}, &Error{What: "the answer has no datapoints", Remedy: "ask for another time, or look at the metric's name and dimensions"}
	}
	var names []string
	for _, s := range statisticKinds {
		if _, there := d.Datapoints[0][s.name]; there {
			names = append(names, s.name)
		}
	}
	if extended, there := d.Datapoints[0]["ExtendedStatistics"].(map[string]any); there {
		for name := range extended {
			names = append(names, name)
		}
	}
	chosen, err := choose("statistic", names, func(i int, name string) bool { return strings.EqualFold(names[i], name) }, o)
	if err != nil {
		return points{}, err
	}
	statistic := names[chosen[0]]
	rows := collector{o: o, name: d.Label}
	for _, point := range d.Datapoints {
		v, isNumber := point[statistic].(float64)
		if extended, there := point["ExtendedStatistics"].(map[string]any); !isNumber && there {
			v, isNumber = extended[statistic].(float64)
		}
		if err := rows.add(0, 0, jsonCell(point["Timestamp"]), orGap(v, isNumber)); err != nil {
			return points{}, err
		}
	}
	p, err := rows.points()
	p.kind = Gauges
	for _, s := range statisticKinds {
		if s.name == statistic {
			p.kind = s.kind
		}
	}
	return p, err
}

// prometheus reads an answer of query_range, or of query with a range.
func prometheus(d answer, o Options) (points, error) {
	if d.Data.ResultType != "matrix" {
		return points{}, &Error{What: fmt.Sprintf("Prometheus' answer is a %s", d.Data.ResultType), Remedy: "ask /api/v1/query_range, which answers with a matrix"}
	}
	var series []struct {
		Metric map[string]string
		Values [][2]any
	}
	if err := json.Unmarshal(d.Data.Result, &series); err != nil {
		return points{}, &Error{What: "the matrix is not one of Prometheus", Remedy: "save the answer as it came"}
	}
	var names []string
	for _, s := range series {
		names = append(names, labels(s.Metric))
	}
	chosen, err := choose("series", names, func(i int, name string) bool { return strings.Contains(names[i], name) }, o)
	if err != nil {
		return points{}, err
	}
	rows, rises := collector{o: o}, false
	for _, i := range chosen {
		s := series[i]
		rows.name = s.Metric["__name__"]
		rises = rises || counterName(rows.name)
		values := make([]float64, len(s.Values))
		for n, v := range s.Values {
			text, _ := v[1].(string)
			if values[n], err = strconv.ParseFloat(text, 64); err != nil || math.IsInf(values[n], 0) {
				values[n] = math.NaN()
			}
		}
		if counterName(rows.name) {
			values = increases(values)
		}
		for n, v := range s.Values {
			if err := rows.add(0, 0, jsonCell(v[0]), values[n]); err != nil {
				return points{}, err
			}
		}
	}
	p, err := added(rows, len(chosen))
	if rises {
		p.kind = Counts
		p.notes = append(p.notes, tookIncreases)
	}
	return p, err
}

// labels are the labels of a series as Prometheus writes them.
func labels(metric map[string]string) string {
	var parts []string
	for name, value := range metric {
		if name != "__name__" {
			parts = append(parts, fmt.Sprintf("%s=%q", name, value))
		}
	}
	slices.Sort(parts)
	return metric["__name__"] + "{" + strings.Join(parts, ",") + "}"
}

// counterName is whether a metric is a counter by the conventions of Prometheus.
func counterName(name string) bool {
	return strings.HasSuffix(name, "_total") || strings.HasSuffix(name, "_count") || strings.HasSuffix(name, "_bucket")
}

// rises is whether values hardly ever fall, as those of a counter.
func rises(rows []point) bool {
	ordered := slices.SortedStableFunc(slices.Values(rows), byTime)
	falls := 0
	for i := 1; i < len(ordered); i++ {
		if ordered[i].value < ordered[i-1].value {
			falls++
		}
	}
	return len(rows) > 2 && 20*falls <= len(rows)
}

// tookIncreases tells of a counter.
const tookIncreases = "Took the increases of a counter; where it fell, it had begun again at zero."

// takeIncreases makes counts of the values of a counter.
func (p *points) takeIncreases() {
	slices.SortStableFunc(p.rows, byTime)
	values := make([]float64, len(p.rows))
	for i, r := range p.rows {
		values[i] = r.value
	}
	for i, v := range increases(values) {
		p.rows[i].value = v
	}
	p.notes = append(p.notes, tookIncreases)
}

// increases are what a counter grew by. The first value tells of no growth.
func increases(values []float64) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		switch {
		case i == 0:
			out[i] = math.NaN()
		case v < values[i-1]:
			out[i] = v
		default:
			out[i] = v - values[i-1]
		}
	}
	return out
}

// list reads a list: of times and values, of objects, or of values alone.
func list(text []byte, o Options) (points, error) {
	var all []any
	if err := json.Unmarshal(text, &all); err != nil {
		return points{}, jsonError(text, err)
	}
	if len(all) == 0 {
		return points{}, errEmpty
	}
	rows := collector{o: o, name: o.Column}
	p := points{}
	for i, one := range all {
		switch one := one.(type) {
		case float64:
			p.rows = append(p.rows, point{int64(i), one, 0})
			continue
		case []any:
			if len(one) == 2 {
				v, isNumber := one[1].(float64)
				if err := rows.add(0, 0, jsonCell(one[0]), orGap(v, isNumber)); err != nil {
					return p, err
				}
				continue
			}
		case map[string]any:
			key, _ := stampKey(one, o)
			value := valueKey(one, key, o)
			if key != "" && value != "" {
				rows.name = value
				v, isNumber := one[value].(float64)
				if err := rows.add(0, 0, jsonCell(one[key]), orGap(v, isNumber)); err != nil {
					return p, err
				}
				continue
			}
		}
		return p, &Error{What: fmt.Sprintf("item %d of the list is not a time and a value", i+1), Remedy: `write ["2006-01-02T15:04:05Z", 12] or {"time": ..., "value": ...}`}
	}
	if len(p.rows) > 0 && rows.found == nil {
		return p, nil
	}
	return rows.points()
}

// cliText is what the aws CLI prints of get-metric-statistics and get-metric-data with --output text.
type cliText struct{}

func (cliText) read(in *bufio.Reader, o Options) (points, error) {
	scan := bufio.NewScanner(in)
	scan.Buffer(make([]byte, 1<<16), 64<<20)
	rows := collector{o: o}
	var stamps, values []string
	results, kind := 0, Unknown
	for line := 1; scan.Scan(); line++ {
		cells := strings.Split(strings.TrimRight(scan.Text(), "\r"), "\t")
		switch cells[0] {
		case "DATAPOINTS":
			if len(cells) != 4 {
				return points{}, &Error{Line: line, What: fmt.Sprintf("a datapoint of %d statistics", len(cells)-3), Remedy: "ask for one statistic, or use --output json"}
			}
			stamps, values = append(stamps, cells[2]), append(values, cells[1])
			kind = kindOfUnit(cells[3])
		case "METRICDATARESULTS":
			if results++; results > 1 {
				return points{}, &Error{Line: line, What: "several results", Remedy: "ask for one metric, or use --output json and --column"}
			}
			if len(cells) > 2 {
				rows.name = cells[2]
			}
		case "TIMESTAMPS":
			stamps = append(stamps, cells[1:]...)
		case "VALUES":
			values = append(values, cells[1:]...)
		default:
			if rows.name == "" {
				rows.name = cells[0]
			}
		}
	}
	if len(stamps) != len(values) {
		return points{}, &Error{What: fmt.Sprintf("%d times and %d values", len(stamps), len(values)), Remedy: "save the answer as the command printed it"}
	}
	for i, stamp := range stamps {
		v, err := strconv.ParseFloat(values[i], 64)
		if err != nil {
			return points{}, &Error{What: fmt.Sprintf("%q is not a number", values[i]), Remedy: "save the answer as the command printed it"}
		}
		if err := rows.add(0, 0, stamp, v); err != nil {
			return points{}, err
		}
	}
	p, err := rows.points()
	if p.kind == Unknown {
		p.kind = kind
	}
	return p, errors.Join(scan.Err(), err)
}

// kindOfUnit judges values by their unit.
func kindOfUnit(unit string) Kind {
	switch {
	case unit == "Count":
		return Counts
	case strings.HasSuffix(unit, "/Second"):
		return Rates
	case unit == "None" || unit == "":
		return Unknown
	}
	return Gauges
}
