package cloudwatch_test

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/metric"
)

// reportOf publishes CPUUtilization of an ECS service.
func (s *service) reportOf(service, at string, value float64) {
	s.t.Helper()
	s.Record([]metric.Sample{{
		Metric: metric.NewID("AWS/ECS", "CPUUtilization", metric.Dimension{Name: "ClusterName", Value: "prod"}, metric.Dimension{Name: "ServiceName", Value: service}),
		Time:   *s.at(at), Unit: "Percent", Set: metric.Set{Count: 1, Sum: value, Min: value, Max: value},
	}})
}

func ofService(id, service, stat string, period int32) types.MetricDataQuery {
	q := query(id, "CPUUtilization", stat, period)
	q.MetricStat.Metric.Namespace = aws.String("AWS/ECS")
	q.MetricStat.Metric.Dimensions = []types.Dimension{{Name: aws.String("ClusterName"), Value: aws.String("prod")}, {Name: aws.String("ServiceName"), Value: &service}}
	return q
}

func (s *service) labels(options *types.LabelOptions, queries ...types.MetricDataQuery) (labels []string) {
	s.t.Helper()
	out, err := s.GetMetricData(s.t.Context(), &sdk.GetMetricDataInput{
		StartTime: s.at("16:50:00"), EndTime: s.at("16:55:00"), MetricDataQueries: queries, LabelOptions: options, MaxDatapoints: aws.Int32(100),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, r := range out.MetricDataResults {
		labels = append(labels, *r.Label)
	}
	return labels
}

// "Use dynamic labels" in the User Guide.
func TestDynamicLabels(t *testing.T) {
	run(t, func(t *testing.T, s *service) { // it is 16:55:30
		for i, v := range []float64{20.5, 60, 10, 30} {
			s.reportOf("web", fmt.Sprintf("16:5%d:00", i), v)
		}
		for label, want := range map[string]string{
			"CPU":                              "CPU",
			"${LABEL}":                         "CPUUtilization",
			"[max: ${MAX}] ${LABEL}":           "[max: 60] CPUUtilization",
			"${AVG} ${SUM} ${MIN}":             "30.125 120.5 10",
			"${FIRST}-${LAST}":                 "20.5-30",
			"${DATAPOINT_COUNT}":               "4",
			"${FIRST_LAST_RANGE}":              "9.5",
			"${MIN_MAX_RANGE}":                 "50",
			"${FIRST_LAST_TIME_RANGE}":         "3m0s",
			"${MIN_MAX_TIME_RANGE}":            "1m0s",
			"${FIRST_TIME}":                    "2026-11-21T16:50:00+00:00",
			"${LAST_TIME}":                     "2026-11-21T16:53:00+00:00",
			"${MAX_TIME}":                      "2026-11-21T16:51:00+00:00",
			"${MIN_TIME}":                      "2026-11-21T16:52:00+00:00",
			"${FIRST_TIME_RELATIVE}":           "5m30s",
			"${LAST_TIME_RELATIVE}":            "2m30s",
			"${MAX_TIME_RELATIVE}":             "4m30s",
			"${MIN_TIME_RELATIVE}":             "3m30s",
			"${PROP('MetricName')}":            "CPUUtilization",
			"${PROP('Namespace')}":             "AWS/ECS",
			"${PROP('Stat')}":                  "p90",
			"${PROP('Period')}":                "60",
			"${PROP('Region')}":                "us-east-1",
			"${PROP('AccountId')}":             "123456789012",
			"${PROP('Dim.ServiceName')}":       "web",
			"${PROP('Dim.servicename')}":       "${PROP('Dim.servicename')}",
			"${PROP('ServiceName')} ${MEDIAN}": "${PROP('ServiceName')} ${MEDIAN}",
			"$MAX ${max} ${":                   "$MAX ${max} ${",
		} {
			if got := s.labels(nil, labelled(ofService("m", "web", "p90", 60), label)); got[0] != want {
				t.Errorf("%s is %q, want %q", label, got[0], want)
			}
		}

		for _, c := range []struct {
			name    string
			queries []types.MetricDataQuery
			want    []string
		}{
			{"without data", []types.MetricDataQuery{labelled(ofService("m", "none", "Sum", 60), "${MAX} ${DATAPOINT_COUNT} ${LAST_TIME} ${PROP('Dim.ServiceName')}")}, []string{"-- 0 -- none"}},
			{"the oldest of several minima", []types.MetricDataQuery{labelled(expression("e", "TIME_SERIES(7)"), "${MIN} at ${MIN_TIME} ${LABEL} ${PROP('Stat')}")}, []string{"7 at 2026-11-21T16:50:00+00:00 e ${PROP('Stat')}"}},
			{"an expression", []types.MetricDataQuery{hidden(ofService("m", "web", "Sum", 60)), labelled(expression("e", "m * 2"), "${LABEL} ${MAX} ${PROP('Dim.ServiceName')}")}, []string{"e 120 web"}},
		} {
			if got := s.labels(nil, c.queries...); fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("%s: got %q, want %q", c.name, got, c.want)
			}
		}
		zone := &types.LabelOptions{Timezone: aws.String("+0130")}
		if got := s.labels(zone, labelled(ofService("m", "web", "Sum", 60), "${MAX_TIME}")); got[0] != "2026-11-21T18:21:00+01:30" {
			t.Errorf("in another time zone: %q", got)
		}
	})
}

// "If you use a dynamic label with a search expression, the dynamic label applies
// to every metric returned by the search."
func TestLabelsOfSearches(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		s.reportOf("api", "16:51:00", 10)
		s.reportOf("web", "16:51:00", 20)
		for label, want := range map[string][]string{
			"":                           {"api", "web"},
			"CPU of":                     {"CPU of api", "CPU of web"},
			"[max: ${MAX}]":              {"[max: 10] api", "[max: 20] web"},
			"${LABEL} [max: ${MAX}]":     {"api [max: 10]", "web [max: 20]"},
			"${PROP('Dim.ServiceName')}": {"api", "web"},
			"${PROP('Stat')} of ${PROP('Dim.ClusterName')}/${PROP('Dim.ServiceName')}": {"Average of prod/api", "Average of prod/web"},
		} {
			for _, search := range []string{`SEARCH('{AWS/ECS,ClusterName,ServiceName} CPUUtilization', 'Average', 60)`, `REMOVE_EMPTY(SORT(SEARCH('CPUUtilization', 'Average', 60), MAX, ASC)) * 1`} {
				if got := s.labels(nil, labelled(expression("e", search), label)); fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("%q of %s is %q, want %q", label, search, got, want)
				}
			}
		}
	})
}

// The default label of a metric has what tells it from the others.
func TestDefaultLabels(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		for _, c := range []struct {
			queries []types.MetricDataQuery
			want    []string
		}{
			{[]types.MetricDataQuery{ofService("a", "api", "Sum", 60)}, []string{"CPUUtilization"}},
			{[]types.MetricDataQuery{ofService("a", "api", "Sum", 60), ofService("b", "api", "Sum", 60)}, []string{"CPUUtilization", "CPUUtilization"}},
			{[]types.MetricDataQuery{ofService("a", "api", "Sum", 60), ofService("b", "api", "Maximum", 300)}, []string{"CPUUtilization Sum 60", "CPUUtilization Maximum 300"}},
			{[]types.MetricDataQuery{ofService("a", "api", "Sum", 60), ofService("b", "web", "Sum", 60)}, []string{"api", "web"}},
			{[]types.MetricDataQuery{ofService("a", "api", "Sum", 60), ofService("b", "web", "Maximum", 60)}, []string{"api Sum", "web Maximum"}},
			{[]types.MetricDataQuery{query("a", "cpu", "Sum", 60), query("b", "memory", "Sum", 60)}, []string{"cpu", "memory"}},
			{[]types.MetricDataQuery{ofService("a", "api", "Sum", 60), query("b", "cpu", "Sum", 60)}, []string{"prod api CPUUtilization", "cpu"}},
		} {
			if got := s.labels(nil, c.queries...); fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		}
	})
}
