package cloudwatch_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

func expression(id, text string) types.MetricDataQuery {
	return types.MetricDataQuery{Id: &id, Expression: &text, ReturnData: aws.Bool(true)}
}

func hidden(q types.MetricDataQuery) types.MetricDataQuery {
	q.ReturnData = aws.Bool(false)
	return q
}

// onMath makes the alarm watch what queries return.
func onMath(queries ...types.MetricDataQuery) func(*sdk.PutMetricAlarmInput) {
	return func(in *sdk.PutMetricAlarmInput) {
		in.Namespace, in.MetricName, in.Statistic, in.Period, in.Metrics = nil, nil, "", nil, queries
	}
}

// backlog is an alarm on messages per task above 100.
func backlog(name string, changes ...func(*sdk.PutMetricAlarmInput)) *sdk.PutMetricAlarmInput {
	changes = append([]func(*sdk.PutMetricAlarmInput){
		onMath(hidden(query("m1", "messages", "Sum", 60)), hidden(query("m2", "tasks", "Average", 60)), expression("e1", "m1 / m2")),
		func(in *sdk.PutMetricAlarmInput) { in.Threshold = aws.Float64(100) },
	}, changes...)
	return alarmOn(name, changes...)
}

// report publishes a value of a metric for a time of the first day.
func (s *service) report(name, at string, value float64) {
	s.t.Helper()
	s.publish(types.MetricDatum{MetricName: &name, Value: &value, Timestamp: s.at(at)})
}

func TestAlarmOnMetricMath(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		s.putAlarm(backlog("high", acting))
		s.report("messages", "16:55:31", 1500)
		s.report("tasks", "16:55:32", 10)
		s.until("16:55:59")
		s.expect("high", isInsufficient)
		s.until("16:56:00")
		s.expect("high", isAlarm)
		d := s.describe("high")
		if want := "Threshold Crossed: 1 datapoint [150.0 (21/11/26 16:55:00)] was greater than the threshold (100.0)."; *d.StateReason != want {
			t.Errorf("got %s\nwant %s", *d.StateReason, want)
		}
		if want := `{"version":"1.0","queryDate":"2026-11-21T16:56:00.000+0000","startDate":"2026-11-21T16:55:00.000+0000","period":60,"recentDatapoints":[150.0],"threshold":100.0,"evaluatedDatapoints":[{"timestamp":"2026-11-21T16:55:00.000+0000","value":150.0}]}`; *d.StateReasonData != want {
			t.Errorf("got %s\nwant %s", *d.StateReasonData, want)
		}
		acts := s.acted()
		if len(acts) != 1 || len(acts[0].Datapoints) != 1 || acts[0].Datapoints[0].Value != 150 {
			t.Errorf("got actions %+v", acts)
		}
	})
}

// A datapoint of any of the metrics that lands in a period that has closed has the
// alarm evaluated; the newest period waits for all of them.
func TestAlarmOnMetricMathFollowsAllItsMetrics(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		s.putAlarm(backlog("high"))
		s.putAlarm(backlog("low", func(in *sdk.PutMetricAlarmInput) { in.ComparisonOperator = types.ComparisonOperatorLessThanThreshold }))
		s.report("tasks", "16:55:40", 10)
		s.report("messages", "16:55:40", 1500)
		s.until("16:56:00")
		s.expect("high", isAlarm)
		s.expect("low", isOK)

		s.until("16:57:05")
		s.report("tasks", "16:56:40", 10) // 0 messages in 10 tasks, for now
		s.expect("high", isAlarm)
		s.expect("low", isOK)
		s.until("16:57:06")
		s.report("messages", "16:56:40", 500)
		s.expect("high", isOK)
		s.expect("low", isAlarm)

		// Two minutes on, no message in the minute after that is no message.
		s.until("16:58:05")
		s.report("tasks", "16:57:40", 10)
		s.until("16:59:05")
		s.report("tasks", "16:58:40", 10)
		s.report("messages", "16:58:40", 0)
		if d := s.describe("low"); !strings.Contains(*d.StateReason, "[50.0 (21/11/26 16:56:00)]") {
			t.Errorf("the reason was rewritten: %s", *d.StateReason)
		}
	})
}

func TestAlarmOnMetricMathRoundTrip(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		in := backlog("high", acting)
		in.Metrics[2].Label = aws.String("backlog per task")
		in.Metrics[1].AccountId = aws.String("123456789012")
		in.Metrics[0].MetricStat.Unit = types.StandardUnitCount
		in.Metrics[0].MetricStat.Metric.Dimensions = []types.Dimension{{Name: aws.String("QueueName"), Value: aws.String("jobs")}}
		want := asJSON(in.Metrics)
		s.putAlarm(in)
		d := s.describe("high")
		if got := asJSON(d.Metrics); got != want || d.MetricName != nil || d.Period != nil || d.Statistic != "" || d.Namespace != nil {
			t.Errorf("got %s", asJSON(d))
		}
		for _, name := range []string{"messages", "tasks"} {
			out, err := s.DescribeAlarmsForMetric(t.Context(), &sdk.DescribeAlarmsForMetricInput{Namespace: aws.String("test"), MetricName: &name})
			if err != nil || len(out.MetricAlarms) != 0 {
				t.Errorf("alarms of %s: %v, %v", name, out, err)
			}
		}

		s.report("messages", "16:55:31", 1500)
		s.report("tasks", "16:55:32", 10)
		s.Record(nil)
		s.until("16:56:10")
		again := startService(t, s.store, s.clock)
		if got := again.describe("high"); asJSON(got) != asJSON(s.describe("high")) {
			t.Errorf("after a restart:\ngot  %s\nwant %s", asJSON(got), asJSON(s.describe("high")))
		}
		if _, err := s.DeleteAlarms(t.Context(), &sdk.DeleteAlarmsInput{AlarmNames: []string{"high"}}); err != nil {
			t.Fatal(err)
		}
		s.report("tasks", "16:55:32", 1) // has nobody to tell
	})
}

// What returns data may be a metric among several, or nothing but a scalar.
func TestAlarmOnOneOfItsMetrics(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		s.putAlarm(alarmOn("first", onMath(query("m1", "cpu", "Maximum", 60), hidden(query("m2", "tasks", "Average", 60)))))
		flat := expression("e1", "TIME_SERIES(99)")
		flat.Period = aws.Int32(60)
		s.putAlarm(alarmOn("flat", onMath(flat)))
		s.put("16:55:31", 80)
		s.until("16:56:00")
		s.expect("first", isAlarm)
		s.expect("flat", isAlarm)
	})
}

func TestAlarmOnMetricMathRefusals(t *testing.T) {
	m1, m2 := hidden(query("m1", "messages", "Sum", 60)), hidden(query("m2", "tasks", "Average", 60))
	var many []types.MetricDataQuery
	for i := range 11 {
		many = append(many, hidden(query("m"+string(rune('a'+i)), "cpu", "Sum", 60)))
	}
	var chain []types.MetricDataQuery
	for i := range 11 {
		chain = append(chain, hidden(expression("e"+string(rune('a'+i)), "m1 * 2")))
	}
	chain[0].ReturnData = aws.Bool(true)
	account := query("m1", "cpu", "Sum", 60)
	account.AccountId = aws.String("210987654321")
	both := expression("m1", "m2")
	both.MetricStat = m1.MetricStat
	run(t, func(t *testing.T, s *service) {
		for name, c := range map[string]struct {
			metrics []types.MetricDataQuery
			want    string
		}{
			"none returns data":  {[]types.MetricDataQuery{m1, m2}, "Exactly one element of the metrics list should return data."},
			"two return data":    {[]types.MetricDataQuery{query("m1", "cpu", "Sum", 60), expression("e1", "m1*2")}, "Exactly one element of the metrics list should return data."},
			"eleven metrics":     {append([]types.MetricDataQuery{expression("e1", "SUM(METRICS())")}, many...), "Too many metrics in alarm, maximum is 10"},
			"eleven expressions": {append(chain, m1), "Too many expressions in alarm, maximum is 10"},
			"same id":            {[]types.MetricDataQuery{m1, m1, expression("e1", "m1")}, "Invalid metrics list: the Id m1 is not unique"},
			"unknown id":         {[]types.MetricDataQuery{m1, expression("e1", "m1 / m2")}, "Error in expression 'e1': There is no metric or expression with the ID 'm2' (at character 6)"},
			"unknown function":   {[]types.MetricDataQuery{m1, expression("e1", "MEDIAN(m1)")}, "Error in expression 'e1': Unknown function 'MEDIAN' (at character 1)"},
			"search":             {[]types.MetricDataQuery{m1, expression("e1", "SUM(SEARCH('cpu', 'Sum', 60))")}, "SEARCH is not supported on Metric Alarms."},
			"search alone":       {[]types.MetricDataQuery{expression("e1", "SEARCH('cpu', 'Sum', 60)")}, "SEARCH is not supported on Metric Alarms."},
			"several series":     {[]types.MetricDataQuery{m1, m2, expression("e1", "METRICS()")}, "The expression 'e1' returns several time series. It must return a single one"},
			"a scalar":           {[]types.MetricDataQuery{m1, expression("e1", "SUM(m1)")}, "Error in expression 'e1': The result of the expression is a Scalar. It must be a TimeSeries or a TimeSeries[]; TIME_SERIES makes one of a Scalar"},
			"uneven arrays":      {[]types.MetricDataQuery{m1, m2, expression("e1", "SUM([m1]/METRICS())")}, "Error in expression 'e1': The arrays around / must have as many time series as one another, and have 1 and 2 (at character 9)"},
			"several periods":    {[]types.MetricDataQuery{m1, hidden(query("m2", "tasks", "Average", 300)), expression("e1", "m1/m2")}, "All elements of the metrics list must have the same Period."},
			"no period":          {[]types.MetricDataQuery{expression("e1", "TIME_SERIES(1)")}, "Period must not be null"},
			"short period":       {[]types.MetricDataQuery{hidden(query("m1", "cpu", "Sum", 5)), expression("e1", "m1*2")}, "Period must be 10, 20, 30 or a multiple of 60"},
			"id":                 {[]types.MetricDataQuery{m1, expression("E1", "m1")}, "Invalid metrics list: The value E1 for parameter Metrics.member.2.Id is not matching the expected pattern ^[a-z][a-zA-Z0-9_]*$."},
			"another account":    {[]types.MetricDataQuery{account}, "The parameter Metrics.member.1.AccountId of another account is not supported."},
			"both":               {[]types.MetricDataQuery{both}, "Invalid metrics list: The parameters Metrics.member.1.Expression and Metrics.member.1.MetricStat are mutually exclusive and you have specified both."},
		} {
			_, err := s.PutMetricAlarm(t.Context(), alarmOn("a", onMath(c.metrics...)))
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

// FILL says what a missing value is, so nothing waits for it: with one error, the
// alarm is over when the error leaves the newest period.
func TestAlarmOnFILLDoesNotWait(t *testing.T) {
	const speed = 60 // a day is 24 minutes of what happens each second
	runAt(t, speed, func(t *testing.T, s *service) {
		errors := func(expr string, period int32) func(*sdk.PutMetricAlarmInput) {
			return func(in *sdk.PutMetricAlarmInput) {
				onMath(hidden(query("m1", "errors", "Sum", period)), hidden(query("m2", "requests", "Sum", period)), expression("e1", expr))(in)
				in.Threshold, in.ComparisonOperator = aws.Float64(1), types.ComparisonOperatorGreaterThanOrEqualToThreshold
			}
		}
		s.putAlarm(alarmOn("filled", errors("FILL(m1, 0)", 300)))
		s.putAlarm(alarmOn("ratio", errors("1000 * FILL(m1, 0) / m2", 300)))
		s.putAlarm(alarmOn("daily", errors("FILL(m1, 0)", 86400)))
		s.report("errors", "16:55:31", 1)
		for minute := range 10 {
			s.publish(types.MetricDatum{MetricName: aws.String("requests"), Value: aws.Float64(100), Timestamp: aws.Time(s.at("16:55:31").Add(time.Duration(minute) * time.Minute))})
			time.Sleep(time.Minute / speed)
		}
		time.Sleep(24 * time.Hour / speed)
		for _, c := range []struct {
			name string
			over string
			from string
		}{
			{"filled", "2026-11-21T17:01:00Z", "OK"},
			{"ratio", "2026-11-21T17:01:00Z", "INSUFFICIENT_DATA"}, // there were no requests
			{"daily", "2026-11-22T16:56:00Z", "OK"},
		} {
			out, err := s.DescribeAlarmHistory(t.Context(), &sdk.DescribeAlarmHistoryInput{AlarmName: &c.name, HistoryItemType: types.HistoryItemTypeStateUpdate})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, item := range out.AlarmHistoryItems {
				got = append(got, item.Timestamp.Format(time.RFC3339)+" "+*item.HistorySummary)
			}
			for _, want := range []string{"2026-11-21T16:56:00Z Alarm updated from " + c.from + " to ALARM", c.over + " Alarm updated from ALARM to OK"} {
				if !slices.Contains(got, want) {
					t.Errorf("%s: %q is not in %q", c.name, want, got)
				}
			}
		}
	})
}
