package source

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"flyball/metric"
)

// A Prometheus reads metrics of Prometheus, and of what answers as it does.
type Prometheus struct {
	URL       string // such as http://prometheus:9090
	TokenFile string // with a bearer token; "": none
	Queries   map[metric.Key]string
	HTTP      *http.Client
}

// Read implements Source. A period's datapoint is what the query came to at its end.
func (p *Prometheus) Read(ctx context.Context, queries []Query) []Answer {
	answers := make([]Answer, len(queries))
	var l lanes
	for i, q := range queries {
		l.run(func() error {
			answers[i].Values, answers[i].Err = p.ask(ctx, q)
			return answers[i].Err
		}, func(err error) { answers[i].Err = err })
	}
	l.wait()
	return answers
}

// Each implements Each.
func (*Prometheus) Each() {}

// A matrix is what Prometheus answers to query_range.
type matrix struct {
	Status    string `json:"status"`
	ErrorType string `json:"errorType"`
	Error     string `json:"error"`
	Data      struct {
		ResultType string `json:"resultType"`
		Result     []struct {
			Metric map[string]string    `json:"metric"`
			Values [][2]json.RawMessage `json:"values"`
		} `json:"result"`
	} `json:"data"`
}

// askedAtOnce is how much of the past is asked for in one call: Prometheus answers with 11,000 datapoints
// at most, and looks at each minute of it.
const askedAtOnce = 7 * 24 * time.Hour

// ask asks one query.
func (p *Prometheus) ask(ctx context.Context, q Query) ([]float64, error) {
	text := p.Queries[q.Metric.Key()]
	if q.Whole {
		var err error
		if text, err = whole(text, q); err != nil {
			return nil, err
		}
	}
	var values []float64
	for most := max(1, int(askedAtOnce/q.Period)); len(values) < q.Periods; {
		some := q
		some.Periods = min(most, q.Periods-len(values))
		some.End = q.Start().Add(time.Duration(len(values)+some.Periods) * q.Period)
		read, err := p.askSome(ctx, text, some)
		if err != nil {
			return nil, err
		}
		values = append(values, read...)
	}
	return values, nil
}

// whole is PromQL of all minutes of a period, each of which is a datapoint as alarms see it.
func whole(text string, q Query) (string, error) {
	over := map[string]string{"Average": "avg", "Sum": "sum", "Minimum": "min", "Maximum": "max", "SampleCount": "count"}[q.Statistic]
	quantile := ""
	if percent, is := strings.CutPrefix(q.Statistic, "p"); is && over == "" {
		if p, err := strconv.ParseFloat(percent, 64); err == nil {
			over, quantile = "quantile", strconv.FormatFloat(p/100, 'g', -1, 64)+", "
		}
	}
	if over == "" {
		return "", fmt.Errorf("%w: the past of %q is read by Average, Sum, Minimum, Maximum, SampleCount or a percentile, not by %s", ErrQuery, text, q.Statistic)
	}
	// A minute at the very begin of the range belongs to the period before.
	return fmt.Sprintf("%s_over_time(%s(%s)[%ds:1m])", over, quantile, text, int(q.Period/time.Second)-1), nil
}

// askSome asks for as many periods as one call can.
func (p *Prometheus) askSome(ctx context.Context, text string, q Query) ([]float64, error) {
	address := strings.TrimSuffix(p.URL, "/") + "/api/v1/query_range?" + url.Values{
		"query": {text}, "step": {strconv.FormatFloat(q.Period.Seconds(), 'f', -1, 64)},
		"start": {strconv.FormatInt(q.Start().Add(q.Period).Unix(), 10)}, "end": {strconv.FormatInt(q.End.Unix(), 10)},
	}.Encode()
	status, body, err := get(ctx, p.HTTP, address, p.TokenFile)
	if err != nil {
		return nil, err
	}
	var m matrix
	wrong := json.Unmarshal(body, &m)
	switch {
	case m.ErrorType == "bad_data" || m.ErrorType == "execution":
		return nil, fmt.Errorf("%w: Prometheus says of %q: %s", ErrQuery, text, m.Error)
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable && m.ErrorType == "":
		return nil, fmt.Errorf("%w: Prometheus answers with status %d", ErrThrottled, status)
	case status != http.StatusOK && m.Error != "":
		return nil, fmt.Errorf("Prometheus answers with status %d: %s", status, m.Error)
	case status != http.StatusOK || wrong != nil || m.Status != "success" || m.Data.ResultType != "matrix":
		return nil, fmt.Errorf("%s answers with status %d and not as Prometheus does", p.URL, status)
	}
	values := q.none()
	if n := len(m.Data.Result); n > 1 {
		return nil, fmt.Errorf("%w: %q comes to %d series, such as %s and %s, and a metric is one: add them up, for example with sum(...)",
			ErrQuery, text, n, labels(m.Data.Result[0].Metric), labels(m.Data.Result[1].Metric))
	} else if n == 0 {
		return values, nil
	}
	for _, pair := range m.Data.Result[0].Values {
		var at float64
		var written string
		if json.Unmarshal(pair[0], &at) != nil || json.Unmarshal(pair[1], &written) != nil {
			return nil, fmt.Errorf("%s answers with a datapoint that is none", p.URL)
		}
		v, err := strconv.ParseFloat(written, 64)
		// The value at the end of a period is the period's.
		if place := q.place(time.UnixMilli(int64(at * 1000)).Add(-time.Millisecond)); err == nil && place >= 0 && v-v == 0 {
			values[place] = v
		}
	}
	return values, nil
}

// labels are those of a series, as Prometheus writes them.
func labels(of map[string]string) string {
	text, err := json.Marshal(of)
	if err != nil {
		return "{}"
	}
	return string(text)
}
