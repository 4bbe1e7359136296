package trace

import (
	"bufio"
	"encoding/json"
	"io"
	"slices"
	"time"
)

// A Name is one of the series that a file holds.
type Name struct {
	Column string // as Options choose it
	Title  string // what it is called; "" if the file does not say
}

// Names are the series that a file of several can be read as, one at a time. A file of one, such as
// an access log, has none.
func Names(r io.Reader, o Options) ([]Name, error) {
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	in := bufio.NewReaderSize(r, peeked)
	begin, err := in.Peek(peeked)
	if err != nil && err != io.EOF && err != bufio.ErrBufferFull {
		return nil, err
	}
	switch f := formOf(begin).(type) {
	case table:
		return f.names(in, o)
	case document:
		return f.names(in)
	}
	return nil, nil
}

// names are the columns of numbers.
func (t table) names(in *bufio.Reader, o Options) ([]Name, error) {
	rows := newRows(in, separatorOf(t.begin))
	sample, err := rows.sample(200)
	if err != nil {
		return nil, err
	}
	o.Column = "*"
	l, _, err := layoutOf(sample, rows.separator, o)
	if err != nil || len(l.titles) == 0 {
		return nil, err
	}
	var names []Name
	for _, column := range l.values {
		names = append(names, Name{l.title(column), l.title(column)})
	}
	return names, nil
}

// names are the results of GetMetricData, or the series of Prometheus.
func (document) names(in *bufio.Reader) ([]Name, error) {
	text, err := io.ReadAll(io.LimitReader(in, maxDocument+1))
	if err != nil || len(text) == 0 || text[skipSpace(text)] == '[' {
		return nil, err
	}
	var d answer
	if err := json.Unmarshal(text, &d); err != nil {
		return nil, jsonError(text, err)
	}
	var names []Name
	for _, r := range d.MetricDataResults {
		names = append(names, Name{r.ID, r.Label})
	}
	if d.Datapoints != nil {
		return nil, nil
	}
	if d.Data != nil {
		var series []struct{ Metric map[string]string }
		if json.Unmarshal(d.Data.Result, &series) == nil {
			for _, s := range series {
				names = append(names, Name{labels(s.Metric), labels(s.Metric)})
			}
		}
	}
	return slices.Clip(names), nil
}
