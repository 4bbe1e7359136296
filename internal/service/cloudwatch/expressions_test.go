package cloudwatch_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/metric"
)

// show writes results one a line: id, label, and the values at the minutes.
func show(results []types.MetricDataResult) string {
	var lines []string
	for _, r := range results {
		line := fmt.Sprintf("%s %q:", *r.Id, *r.Label)
		for i, v := range r.Values {
			line += fmt.Sprintf(" %s=%g", r.Timestamps[i].Format("15:04"), v)
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// get evaluates queries over five minutes, the oldest first.
func (s *service) get(queries ...types.MetricDataQuery) string {
	s.t.Helper()
	out, err := s.GetMetricData(s.t.Context(), &sdk.GetMetricDataInput{
		StartTime: s.at("16:50:00"), EndTime: s.at("16:55:00"), ScanBy: types.ScanByTimestampAscending, MetricDataQueries: queries,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return show(out.MetricDataResults)
}

func labelled(q types.MetricDataQuery, label string) types.MetricDataQuery {
	q.Label = &label
	return q
}

func TestExpressions(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		for i, messages := range []float64{900, 1500, 1200} {
			s.report("messages", fmt.Sprintf("16:5%d:10", i), messages)
			s.report("tasks", fmt.Sprintf("16:5%d:20", i), []float64{10, 10, 0}[i])
		}
		s.report("tasks", "16:54:00", 4)
		m1, m2 := hidden(query("m1", "messages", "Sum", 60)), hidden(query("m2", "tasks", "Average", 60))
		for _, c := range []struct {
			name    string
			queries []types.MetricDataQuery
			want    string
		}{
			{"a ratio", []types.MetricDataQuery{m1, m2, expression("e1", "m1/m2")}, `e1 "e1": 16:50=90 16:51=150 16:54=0`},
			{"a label", []types.MetricDataQuery{labelled(expression("e1", "m1*2"), "twice"), m1}, `e1 "twice": 16:50=1800 16:51=3000 16:52=2400`},
			{"beside its metric", []types.MetricDataQuery{query("m1", "messages", "Sum", 60), expression("e1", "FILL(m1, 7)")},
				"m1 \"messages\": 16:50=900 16:51=1500 16:52=1200\ne1 \"e1\": 16:50=900 16:51=1500 16:52=1200 16:53=7 16:54=7"},
			{"by way of another", []types.MetricDataQuery{expression("e2", "m1-e1"), hidden(expression("e1", "AVG(m1)")), m1}, `e2 "e2": 16:50=-300 16:51=300 16:52=0`},
			{"several series", []types.MetricDataQuery{m1, m2, labelled(expression("e1", "METRICS()/10"), "Tenth:")},
				"e1 \"Tenth: messages Sum\": 16:50=90 16:51=150 16:52=120\ne1 \"Tenth: tasks Average\": 16:50=1 16:51=1 16:52=0 16:54=0.4"},
			{"nothing but a scalar", []types.MetricDataQuery{expression("e1", "TIME_SERIES(5)")}, `e1 "e1": 16:50=5 16:51=5 16:52=5 16:53=5 16:54=5`},
			{"a period", []types.MetricDataQuery{query("m1", "messages", "Sum", 300), expression("e1", "m1/PERIOD(m1)")},
				"m1 \"messages\": 16:50=3600\ne1 \"e1\": 16:50=12"},
			{"no data", []types.MetricDataQuery{hidden(query("m1", "none", "Sum", 60)), expression("e1", "m1+1")}, `e1 "e1":`},
			{"no series", []types.MetricDataQuery{m1, expression("e1", "METRICS('x')")}, ``},
		} {
			if got := s.get(c.queries...); got != c.want {
				t.Errorf("%s:\ngot  %s\nwant %s", c.name, got, c.want)
			}
		}
	})
}

func TestSearchExpressions(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		for i, service := range []string{"api", "web", "web-canary"} {
			s.Record([]metric.Sample{{
				Metric: metric.NewID("AWS/ECS", "CPUUtilization", metric.Dimension{Name: "ClusterName", Value: "prod"}, metric.Dimension{Name: "ServiceName", Value: service}),
				Time:   *s.at("16:51:00"), Unit: "Percent", Set: metric.Set{Count: 1, Sum: float64(10 * (i + 1)), Min: 1, Max: 1},
			}})
		}
		for search, want := range map[string]string{
			`SEARCH('{AWS/ECS,ClusterName,ServiceName} MetricName="CPUUtilization" prod', 'Average', 60)`: "e \"api\": 16:51=10\ne \"web\": 16:51=20\ne \"web-canary\": 16:51=30",
			`SEARCH('{AWS/ECS,ClusterName,ServiceName} canary', 'Average', 300)`:                          `e "CPUUtilization": 16:50=30`,
			`SUM(SEARCH('CPUUtilization NOT canary', 'Average', 60))`:                                     `e "e": 16:51=30`,
			`SORT(SEARCH('web', 'Average', 60), MAX, DESC, 1)`:                                            `e "web-canary": 16:51=30`,
			`SEARCH('memory', 'Average', 60)`:                                                             ``,
		} {
			if got := s.get(expression("e", search)); got != want {
				t.Errorf("%s:\ngot  %s\nwant %s", search, got, want)
			}
		}
	})
}

// Pages of several time series of one expression, and of a metric after it.
func TestExpressionPages(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		for i := range 4 {
			s.report("a", fmt.Sprintf("16:5%d:00", i), float64(i))
			s.report("b", fmt.Sprintf("16:5%d:00", i), float64(10*i))
		}
		in := &sdk.GetMetricDataInput{
			StartTime: s.at("16:50:00"), EndTime: s.at("16:55:00"), MaxDatapoints: aws.Int32(3),
			MetricDataQueries: []types.MetricDataQuery{expression("e", "METRICS()"), query("a", "a", "Sum", 60), hidden(query("b", "b", "Sum", 60))},
		}
		var pages []string
		for {
			out, err := s.GetMetricData(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			pages = append(pages, show(out.MetricDataResults))
			if in.NextToken = out.NextToken; in.NextToken == nil {
				break
			}
		}
		same(t, "pages", pages, []string{
			"e \"a\": 16:53=3 16:52=2 16:51=1",
			"e \"a\": 16:50=0\ne \"b\": 16:53=30 16:52=20",
			"e \"b\": 16:51=10 16:50=0\na \"a\": 16:53=3",
			"a \"a\": 16:52=2 16:51=1 16:50=0",
		})
	})
}

func TestExpressionRefusals(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		period := expression("e", "TIME_SERIES(1)")
		period.Period = aws.Int32(7)
		for name, c := range map[string]struct {
			query types.MetricDataQuery
			want  string
		}{
			"syntax":     {expression("e", "m1 +"), "Error in expression 'e': Syntax error: expected a metric, a number or a function instead of the end of the expression (at character 5)"},
			"unknown id": {expression("e", "m1 + m2"), "Error in expression 'e': There is no metric or expression with the ID 'm2' (at character 6)"},
			"itself":     {expression("e", "m1 + e"), "Error in expression 'e': The expression depends on itself: e -> e"},
			"a scalar":   {expression("e", "AVG(m1)"), "Error in expression 'e': The result of the expression is a Scalar. It must be a TimeSeries or a TimeSeries[]; TIME_SERIES makes one of a Scalar"},
			"empty":      {expression("e", ""), "The parameter MetricDataQueries.member.2.Expression must not be empty."},
			"period":     {period, "The value for parameter MetricDataQueries.member.2.Period must be a multiple of 60, or one of 1, 5, 10, 20, 30."},
			"insights":   {expression("e", "SELECT AVG(cpu)"), "Error in expression 'e': Syntax error: expected 'FROM' instead of the end of the query (at character 16)"},
		} {
			_, err := s.GetMetricData(t.Context(), &sdk.GetMetricDataInput{StartTime: s.at("16:45:00"), EndTime: s.at("16:55:00"),
				MetricDataQueries: []types.MetricDataQuery{query("m1", "cpu", "Sum", 60), c.query}})
			if err == nil {
				t.Errorf("%s: accepted", name)
				continue
			}
			refused(t, err, "ValidationError")
			if got := err.Error(); !strings.HasSuffix(got, c.want) {
				t.Errorf("%s:\ngot  %s\nwant %s", name, got, c.want)
			}
		}
	})
}

// No time range and no period makes an evaluation take more than what is kept.
func TestExpressionsOverAllTime(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		s.put("16:50:00", 1)
		for _, period := range []int32{1, 60, 86340, 1<<31 - 1 - 7} { // the last is a multiple of 60
			q := query("m1", "cpu", "Sum", period)
			out, err := s.GetMetricData(t.Context(), &sdk.GetMetricDataInput{
				StartTime: aws.Time(time.Unix(0, 0)), EndTime: aws.Time(began.AddDate(5, 0, 0)),
				MetricDataQueries: []types.MetricDataQuery{hidden(q), hidden(query("m2", "cpu", "Sum", 3600)), expression("e", "m1+m2"), expression("f", "TIME_SERIES(1)")},
			})
			if err != nil || len(out.MetricDataResults) == 0 {
				t.Errorf("period %d: %v, %v", period, out, err)
			}
		}
	})
}

// The newest period is filled like any other.
func TestGetMetricDataFillsTheNewestPeriod(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		s.report("errors", "16:53:31", 1)
		got := s.get(hidden(query("m1", "errors", "Sum", 60)), expression("e1", "FILL(m1, 0)"))
		if want := `e1 "e1": 16:50=0 16:51=0 16:52=0 16:53=1 16:54=0`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}
