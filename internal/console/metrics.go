package console

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/internal/awscommand"
	"flyball/internal/client"
	"flyball/internal/report"
	"flyball/metric"
)

// A metricsPage lists metrics, and draws one, or what an expression makes of it.
type metricsPage struct {
	Query      string
	Metrics    []metricRow
	More       bool
	Chosen     *metricRow
	Stat       string
	Period     int
	Expression string // of m, the metric that is chosen
	Window     window
	Lengths    []string
	Stats      []string
	Periods    []int
	Put        form   // a datapoint of the metric that is chosen
	Done       string // the command that was carried out
}

// A metricRow is one metric.
type metricRow struct {
	Namespace, Name string
	Dimensions      []types.Dimension
}

// Labels are its dimensions in words.
func (m metricRow) Labels() string {
	var all []string
	for _, d := range m.Dimensions {
		all = append(all, aws.ToString(d.Name)+"="+aws.ToString(d.Value))
	}
	return strings.Join(all, ", ")
}

// Address is the query of an address that draws it.
func (m metricRow) Address() string {
	q := url.Values{"namespace": {m.Namespace}, "name": {m.Name}}
	for _, d := range m.Dimensions {
		q.Set("d."+aws.ToString(d.Name), aws.ToString(d.Value))
	}
	return q.Encode()
}

// mostMetrics is how many metrics a page looks through.
const mostMetrics = 5000

// metrics shows which metrics there are, and one of them.
func (c *console) metrics(v *visit) error {
	p, err := readMetricsPage(v)
	if err != nil {
		return err
	}
	return c.showMetrics(v, http.StatusOK, p)
}

// putDatapoint puts the datapoint that was typed.
func (c *console) putDatapoint(v *visit) error {
	p, err := readMetricsPage(v)
	if err != nil {
		return err
	}
	if p.Chosen == nil {
		return &missing{"Choose a metric first: its page has a form for a datapoint."}
	}
	done, ok := p.Put.submit(v)
	if !ok {
		return c.showMetrics(v, http.StatusBadRequest, p)
	}
	p.Done = done
	return c.showMetrics(v, http.StatusOK, p)
}

// datapointForm puts a datapoint of a metric, as of now.
func datapointForm(c *client.Client, m metricRow) form {
	return form{
		ID: "put", Do: "put", Title: "Put a datapoint", Verb: "Put", Fields: []field{{Name: "value", Label: "Value"}},
		make: func(typed values) (call, error) {
			value, err := strconv.ParseFloat(strings.TrimSpace(typed("value")), 64)
			if err != nil {
				return call{}, fmt.Errorf("the value %q is no number; write one such as 50", typed("value"))
			}
			in := &cloudwatch.PutMetricDataInput{
				Namespace: &m.Namespace, MetricData: []types.MetricDatum{{MetricName: &m.Name, Dimensions: m.Dimensions, Value: &value}},
			}
			return call{command: awscommand.Format("cloudwatch", "put-metric-data", in), send: func(ctx context.Context) error {
				_, err := c.CloudWatch.PutMetricData(ctx, in)
				return err
			}}, nil
		},
	}
}

func (c *console) showMetrics(v *visit, status int, p metricsPage) error {
	all, err := readMetricList(v.r.Context(), v.Client)
	if err != nil {
		return err
	}
	words := strings.Fields(strings.ToLower(p.Query))
	for _, m := range all {
		text := strings.ToLower(m.Namespace + " " + m.Name + " " + m.Labels())
		if !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(text, word) }) {
			p.Metrics = append(p.Metrics, m)
		}
	}
	p.More = len(p.Metrics) > mostShown
	p.Metrics = p.Metrics[:min(len(p.Metrics), mostShown)]
	c.show(v, status, "metrics.html", page{Title: "Metrics", Section: "metrics", Body: p})
	return nil
}

// readMetricsPage reads what an address asks for.
func readMetricsPage(v *visit) (p metricsPage, err error) {
	p = metricsPage{
		Query: v.r.FormValue("q"), Expression: strings.TrimSpace(v.r.FormValue("expression")), Lengths: lengthNames(),
		Stat: cmp.Or(v.r.FormValue("stat"), "Average"), Stats: []string{"Average", "Sum", "Minimum", "Maximum", "SampleCount", "p50", "p90", "p95", "p99"},
		Period: 60, Periods: []int{1, 5, 10, 30, 60, 300, 900, 3600},
	}
	if _, err := metric.ParseStatistic(p.Stat); err != nil {
		return p, &missing{fmt.Sprintf("There is no statistic %q; there are Average, Sum, Minimum, Maximum, SampleCount and percentiles such as p99.", p.Stat)}
	}
	if text := v.r.FormValue("period"); text != "" {
		if p.Period, err = strconv.Atoi(text); err != nil || p.Period < 1 {
			return p, &missing{fmt.Sprintf("%q is no period; give seconds, such as 60.", text)}
		}
	}
	if !slices.Contains(p.Periods, p.Period) {
		p.Periods = append(p.Periods, p.Period)
	}
	if !slices.Contains(p.Stats, p.Stat) {
		p.Stats = append(p.Stats, p.Stat)
	}
	if name := v.r.FormValue("name"); name != "" {
		m := metricRow{Namespace: v.r.FormValue("namespace"), Name: name}
		for _, key := range slices.Sorted(keysOf(v.r.Form)) {
			if dimension, ok := strings.CutPrefix(key, "d."); ok {
				m.Dimensions = append(m.Dimensions, types.Dimension{Name: &dimension, Value: aws.String(v.r.FormValue(key))})
			}
		}
		p.Chosen, p.Put = &m, datapointForm(v.Client, m)
	}
	p.Window, err = windowOf(v.r.FormValue("range"), v.r.FormValue("at"), v.clock.Now)
	return p, err
}

// keysOf are the names in a form.
func keysOf(form url.Values) func(func(string) bool) {
	return func(yield func(string) bool) {
		for key := range form {
			if !yield(key) {
				return
			}
		}
	}
}

func readMetricList(ctx context.Context, c *client.Client) (all []metricRow, err error) {
	pages := cloudwatch.NewListMetricsPaginator(c.CloudWatch, &cloudwatch.ListMetricsInput{})
	for pages.HasMorePages() && len(all) < mostMetrics {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, m := range page.Metrics {
			all = append(all, metricRow{aws.ToString(m.Namespace), aws.ToString(m.MetricName), m.Dimensions})
		}
	}
	slices.SortFunc(all, func(a, b metricRow) int {
		return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name), strings.Compare(a.Labels(), b.Labels()))
	})
	return all, nil
}

// metricCharts serves the metric that an address names.
func (c *console) metricCharts(v *visit) error {
	p, err := readMetricsPage(v)
	if err != nil {
		return err
	}
	out := charts{From: seconds(p.Window.From), To: seconds(p.Window.To), Marks: []mark{}}
	if p.Chosen == nil {
		return v.charts(out)
	}
	queries := []types.MetricDataQuery{{Id: aws.String("m"), MetricStat: &types.MetricStat{
		Period: aws.Int32(int32(p.Period)), Stat: &p.Stat,
		Metric: &types.Metric{Namespace: &p.Chosen.Namespace, MetricName: &p.Chosen.Name, Dimensions: p.Chosen.Dimensions},
	}}}
	id, label := "m", p.Stat
	if p.Expression != "" {
		queries[0].ReturnData = aws.Bool(false)
		queries = append(queries, types.MetricDataQuery{Id: aws.String("e"), Expression: &p.Expression})
		id, label = "e", p.Expression
	}
	found, err := seriesOf(v.r.Context(), v.Client, queries, p.Window.From, p.Window.To)
	if err != nil {
		return err
	}
	drawn := panel{ID: "metric", Title: p.Chosen.Name, Unit: p.Chosen.Labels()}
	drawn.draw(map[string][]report.Datapoint{label: asPoints(found[id])}, []series{{Label: label, Role: "metric"}})
	out.add(drawn)
	return v.charts(out)
}
