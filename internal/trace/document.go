package trace

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
func added(from collector, series int) (points, error) {
	p, err := from.points()
	if err != nil || series == 1 {
		return p, err
	}
	kept := &timeline{}
	var sum point
	rows := p.rows.sorted()
	for i, r := range rows.all() {
		switch {
		case i == 0:
			sum = r
		case sum.at == r.at:
			sum.value += r.value
		default:
			kept.add(sum)
			sum = r
		}
	}
	kept.add(sum)
	p.rows = kept.after(rows)
	p.notes = append(p.notes, fmt.Sprintf("Added up %d series.", series))
	return p, nil
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
	p := points{rows: &timeline{}}
	for i, one := range all {
		switch one := one.(type) {
		case float64:
			p.rows.add(point{int64(i), one, 0})
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
	if p.rows.len() > 0 && rows.found == nil {
		return p, nil
	}
	return rows.points()
}
