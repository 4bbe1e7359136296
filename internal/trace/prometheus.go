package trace

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

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
