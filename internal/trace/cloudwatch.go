package trace

import (
	"bufio"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

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
