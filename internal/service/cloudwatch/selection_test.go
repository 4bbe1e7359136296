package cloudwatch_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/metric"
)

// tasks publishes what a service's tasks use: as many observations as there are tasks.
func (s *service) tasks(name, at string, count int, each float64) {
	s.Record([]metric.Sample{{
		Metric: metric.NewID("AWS/ECS", "CPUUtilization", metric.Dimension{Name: "ClusterName", Value: "prod"}, metric.Dimension{Name: "ServiceName", Value: name}),
		Time:   *s.at(at), Unit: "Percent", Set: metric.Set{Count: float64(count), Sum: float64(count) * each, Min: each, Max: each},
	}})
}

// perMinute is a query with a period of a minute.
func perMinute(id, text string) types.MetricDataQuery {
	q := expression(id, text)
	q.Period = aws.Int32(60)
	return q
}

const allServices = `SELECT AVG(CPUUtilization) FROM SCHEMA("AWS/ECS", ClusterName, ServiceName)`

func TestSelections(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		s.tasks("api", "16:51:00", 1, 10)
		s.tasks("web", "16:51:00", 3, 50)
		s.tasks("web", "16:53:00", 3, 20)
		for name, c := range map[string]struct {
			queries []types.MetricDataQuery
			want    string
		}{
			"all":                      {[]types.MetricDataQuery{perMinute("q", allServices)}, `q "q": 16:51=40 16:53=20`},
			"one":                      {[]types.MetricDataQuery{perMinute("q", allServices+" WHERE ServiceName = 'api'")}, `q "q": 16:51=10`},
			"none":                     {[]types.MetricDataQuery{perMinute("q", allServices+" WHERE ServiceName = 'db'")}, `q "q":`},
			"groups":                   {[]types.MetricDataQuery{perMinute("q", allServices+" GROUP BY ServiceName")}, "q \"api\": 16:51=10\nq \"web\": 16:51=50 16:53=20"},
			"two labels":               {[]types.MetricDataQuery{perMinute("q", allServices+" GROUP BY ServiceName, ClusterName LIMIT 1")}, `q "api prod": 16:51=10`},
			"the busiest":              {[]types.MetricDataQuery{perMinute("q", allServices+" GROUP BY ServiceName ORDER BY MAX() DESC LIMIT 1")}, `q "web": 16:51=50 16:53=20`},
			"no group":                 {[]types.MetricDataQuery{perMinute("q", allServices+" WHERE ServiceName = 'db' GROUP BY ServiceName")}, ``},
			"a label":                  {[]types.MetricDataQuery{labelled(perMinute("q", allServices+" GROUP BY ServiceName"), "${PROP('Dim.ServiceName')} ${PROP('Stat')} ${MAX}")}, "q \"api Average 10\": 16:51=10\nq \"web Average 50\": 16:51=50 16:53=20"},
			"five minutes by default":  {[]types.MetricDataQuery{expression("q", strings.Replace(allServices, "AVG", "COUNT", 1))}, `q "q": 16:50=7`},
			"in math":                  {[]types.MetricDataQuery{hidden(perMinute("q", allServices)), expression("e", "q/10")}, `e "e": 16:51=4 16:53=2`},
			"groups in math":           {[]types.MetricDataQuery{hidden(perMinute("q", allServices+" GROUP BY ServiceName")), expression("e", "q/10"), expression("m", "MAX(q)")}, "e \"api\": 16:51=1\ne \"web\": 16:51=5 16:53=2\nm \"m\": 16:51=50 16:53=20"},
			"beside a metric":          {[]types.MetricDataQuery{perMinute("q", allServices), query("m", "none", "Sum", 60)}, "q \"q\": 16:51=40 16:53=20\nm \"none\":"},
			"a word for an id, select": {[]types.MetricDataQuery{hidden(perMinute("select", allServices)), expression("e", "select * 2")}, `e "e": 16:51=80 16:53=40`},
		} {
			if got := s.get(c.queries...); got != c.want {
				t.Errorf("%s:\ngot  %s\nwant %s", name, got, c.want)
			}
		}
	})
}

// High resolution is aggregated by minute, and nothing older than two weeks is read.
func TestSelectionsHaveNoHighResolutionAndTwoWeeks(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		s.tasks("api", "16:51:20", 1, 10)
		seconds := expression("q", allServices)
		seconds.Period = aws.Int32(10)
		if got, want := s.get(seconds), `q "q": 16:51=10`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		s.until("16:55:00")
		out, err := s.GetMetricData(t.Context(), &sdk.GetMetricDataInput{
			StartTime: aws.Time(s.at("16:50:00").Add(-30 * 24 * time.Hour)), EndTime: s.at("16:55:00"), MetricDataQueries: []types.MetricDataQuery{perMinute("q", allServices)},
		})
		if err != nil || len(out.Messages) != 1 || *out.Messages[0].Code != "MaxQueryTimeRangeExceeded" || len(out.MetricDataResults[0].Values) != 1 {
			t.Errorf("a month: %s, %v", asJSON(out), err)
		}
	})
}

func TestSelectionsOfManySeries(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		for i := range 501 {
			s.tasks("s"+strconv.Itoa(i), "16:51:00", 1, float64(i))
		}
		out, err := s.GetMetricData(t.Context(), &sdk.GetMetricDataInput{
			StartTime: s.at("16:50:00"), EndTime: s.at("16:55:00"),
			MetricDataQueries: []types.MetricDataQuery{perMinute("q", allServices+" GROUP BY ServiceName ORDER BY MAX() DESC")},
		})
		if err != nil || len(out.MetricDataResults) != 500 || *out.MetricDataResults[0].Label != "s500" || len(out.Messages) != 1 || *out.Messages[0].Code != "MaxQueryResultsExceeded" {
			t.Errorf("%d results, %s, %v", len(out.MetricDataResults), asJSON(out.Messages), err)
		}
	})
}

func TestSelectionRefusals(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		_, err := s.GetMetricData(t.Context(), &sdk.GetMetricDataInput{StartTime: s.at("16:45:00"), EndTime: s.at("16:55:00"),
			MetricDataQueries: []types.MetricDataQuery{perMinute("q1", allServices), perMinute("q2", allServices)}})
		refused(t, err, "ValidationError")
		withPeriod := func(period int32, text string) types.MetricDataQuery {
			q := expression("q", text)
			q.Period = &period
			return q
		}
		for want, queries := range map[string][]types.MetricDataQuery{
			"Period must not be null": {expression("q", allServices)},
			"A Metrics Insights query with GROUP BY is not supported on Metric Alarms here": {perMinute("q", allServices+" GROUP BY ServiceName ORDER BY MAX() DESC")},
			"Period must be a multiple of 60 for a Metrics Insights query":                  {withPeriod(10, allServices)},
			"Tags of resources (tag.) are not supported in queries":                         {perMinute("q", allServices+" WHERE tag.env = 'prod'")},
		} {
			_, err := s.PutMetricAlarm(t.Context(), alarmOn("a", onMath(queries...)))
			refused(t, err, "ValidationError")
			if !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want %s", err, want)
			}
		}
	})
}

// An alarm on a query finds its metrics each time it is evaluated, and waits for those
// that have still to report.
func TestAlarmOnSelection(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		busiest := strings.Replace(allServices, "AVG", "MAX", 1)
		s.putAlarm(alarmOn("busy", onMath(perMinute("q", busiest)), acting))
		s.tasks("api", "16:55:31", 1, 10)
		s.until("16:56:00")
		s.expect("busy", isOK)

		// A service that comes is watched from then on.
		s.tasks("api", "16:56:30", 1, 10)
		s.tasks("web", "16:56:31", 1, 90)
		s.until("16:57:00")
		s.expect("busy", isAlarm)
		if got, want := *s.describe("busy").StateReason, "Threshold Crossed: 1 datapoint [90.0 (21/11/26 16:56:00)] was greater than the threshold (50.0)."; got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}

		// The newest period waits for a service that was there in the one before, and a
		// moment after its end is not too late.
		s.tasks("api", "16:57:30", 1, 10)
		s.until("16:58:00")
		s.expect("busy", isAlarm)
		s.until("16:58:02")
		s.tasks("web", "16:57:59", 1, 20)
		s.until("16:58:06")
		s.expect("busy", isOK)
	})
}

func TestAlarmsOnSelectionsAreLimited(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		on := onMath(perMinute("q", allServices))
		for i := range 200 {
			s.putAlarm(alarmOn("a"+strconv.Itoa(i), on))
		}
		s.putAlarm(alarmOn("a7", on))
		_, err := s.PutMetricAlarm(t.Context(), alarmOn("one-more", on))
		refused(t, err, "LimitExceededFault")
		if _, err := s.DeleteAlarms(t.Context(), &sdk.DeleteAlarmsInput{AlarmNames: []string{"a0"}}); err != nil {
			t.Fatal(err)
		}
		s.putAlarm(alarmOn("one-more", on))
	})
}

func TestAlarmOnMathOverGroups(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		s.putAlarm(alarmOn("busy", onMath(hidden(perMinute("q", allServices+" GROUP BY ServiceName")), expression("e", "MAX(q)"))))
		s.tasks("api", "16:55:31", 1, 10)
		s.tasks("web", "16:55:31", 1, 90)
		s.until("16:56:00")
		s.expect("busy", isAlarm)
		if got := asJSON(s.describe("busy").Metrics[0].Period); got != "60" {
			t.Errorf("the period is %s", got)
		}
	})
}
