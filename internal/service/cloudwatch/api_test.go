package cloudwatch_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/smithy-go"

	"flyball/internal/service/cloudwatch"
	"flyball/metric"
)

// The service has the SDK client's methods, so that callers can have either.
type client interface {
	PutMetricData(context.Context, *sdk.PutMetricDataInput, ...func(*sdk.Options)) (*sdk.PutMetricDataOutput, error)
	GetMetricData(context.Context, *sdk.GetMetricDataInput, ...func(*sdk.Options)) (*sdk.GetMetricDataOutput, error)
	PutMetricAlarm(context.Context, *sdk.PutMetricAlarmInput, ...func(*sdk.Options)) (*sdk.PutMetricAlarmOutput, error)
	DescribeAlarms(context.Context, *sdk.DescribeAlarmsInput, ...func(*sdk.Options)) (*sdk.DescribeAlarmsOutput, error)
	DeleteAlarms(context.Context, *sdk.DeleteAlarmsInput, ...func(*sdk.Options)) (*sdk.DeleteAlarmsOutput, error)
}

var (
	_ client = (*sdk.Client)(nil)
	_ client = (*cloudwatch.API)(nil)
)

// What DescribeAlarms shows of the smallest alarm: absent members stay absent,
// so that Terraform finds nothing to change.
func TestMinimalAlarmRoundTrip(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		s.putAlarm(alarmOn("small"))
		got := asJSON(s.describe("small"))
		want := asJSON(types.MetricAlarm{
			ActionsEnabled:                     aws.Bool(true),
			AlarmActions:                       []string{},
			AlarmArn:                           aws.String("arn:aws:cloudwatch:us-east-1:123456789012:alarm:small"),
			AlarmConfigurationUpdatedTimestamp: &began,
			AlarmName:                          aws.String("small"),
			ComparisonOperator:                 types.ComparisonOperatorGreaterThanThreshold,
			Dimensions:                         []types.Dimension{},
			EvaluationPeriods:                  aws.Int32(1),
			InsufficientDataActions:            []string{},
			MetricName:                         aws.String("cpu"),
			Namespace:                          aws.String("test"),
			OKActions:                          []string{},
			Period:                             aws.Int32(60),
			StateReason:                        aws.String("Unchecked: Initial alarm creation"),
			StateTransitionedTimestamp:         &began,
			StateUpdatedTimestamp:              &began,
			StateValue:                         isInsufficient,
			Statistic:                          types.StatisticAverage,
			Threshold:                          aws.Float64(50),
		})
		if got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}

// Whatever an alarm was put with is what it is described with, and putting that
// again changes nothing but the time of its configuration.
func TestAlarmRoundTrip(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		in := &sdk.PutMetricAlarmInput{
			AlarmName:                        aws.String("full"),
			AlarmDescription:                 aws.String("all there is"),
			ActionsEnabled:                   aws.Bool(false),
			OKActions:                        []string{topic},
			AlarmActions:                     []string{policy, topic},
			InsufficientDataActions:          []string{topic},
			Namespace:                        aws.String("test"),
			MetricName:                       aws.String("cpu"),
			Dimensions:                       []types.Dimension{{Name: aws.String("a"), Value: aws.String("1")}, {Name: aws.String("b"), Value: aws.String("2")}},
			ExtendedStatistic:                aws.String("p99.90"),
			Period:                           aws.Int32(300),
			Unit:                             types.StandardUnitNone,
			EvaluationPeriods:                aws.Int32(5),
			DatapointsToAlarm:                aws.Int32(5),
			Threshold:                        aws.Float64(0),
			ComparisonOperator:               types.ComparisonOperatorLessThanOrEqualToThreshold,
			TreatMissingData:                 aws.String("missing"),
			EvaluateLowSampleCountPercentile: aws.String("evaluate"),
		}
		s.putAlarm(in)
		first := s.describe("full")
		again := &sdk.PutMetricAlarmInput{
			AlarmName: first.AlarmName, AlarmDescription: first.AlarmDescription, ActionsEnabled: first.ActionsEnabled,
			OKActions: first.OKActions, AlarmActions: first.AlarmActions, InsufficientDataActions: first.InsufficientDataActions,
			Namespace: first.Namespace, MetricName: first.MetricName, Dimensions: first.Dimensions,
			Statistic: first.Statistic, ExtendedStatistic: first.ExtendedStatistic, Period: first.Period, Unit: first.Unit,
			EvaluationPeriods: first.EvaluationPeriods, DatapointsToAlarm: first.DatapointsToAlarm, Threshold: first.Threshold,
			ComparisonOperator: first.ComparisonOperator, TreatMissingData: first.TreatMissingData,
			EvaluateLowSampleCountPercentile: first.EvaluateLowSampleCountPercentile,
		}
		if got, want := asJSON(again), asJSON(in); got != want {
			t.Errorf("described\n%s\nput\n%s", got, want)
		}
		time.Sleep(time.Second)
		s.putAlarm(again)
		second := s.describe("full")
		if !second.AlarmConfigurationUpdatedTimestamp.After(*first.AlarmConfigurationUpdatedTimestamp) {
			t.Error("the configuration has its old time")
		}
		second.AlarmConfigurationUpdatedTimestamp = first.AlarmConfigurationUpdatedTimestamp
		if got, want := asJSON(second), asJSON(first); got != want {
			t.Errorf("put again\n%s\nfirst\n%s", got, want)
		}
	})
}

func TestAlarmWithMetricsRoundTrip(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		in := alarmOn("query")
		in.Namespace, in.MetricName, in.Statistic, in.Period = nil, nil, "", nil
		in.Metrics = []types.MetricDataQuery{{Id: aws.String("m1"), ReturnData: aws.Bool(true), MetricStat: &types.MetricStat{
			Metric: &types.Metric{Namespace: aws.String("test"), MetricName: aws.String("cpu")}, Period: aws.Int32(60), Stat: aws.String("p90"),
		}}}
		s.putAlarm(in)
		d := s.describe("query")
		if asJSON(d.Metrics) != asJSON(in.Metrics) || d.Period != nil || d.MetricName != nil || d.Statistic != "" || d.ExtendedStatistic != nil {
			t.Errorf("got %s", asJSON(d))
		}
		s.put("16:54:31", 99)
		s.expect("query", isAlarm)
	})
}

func TestPutMetricAlarmRefusals(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		for name, c := range map[string]struct {
			code   string
			change func(*sdk.PutMetricAlarmInput)
		}{
			"no name":                 {"ValidationError", func(in *sdk.PutMetricAlarmInput) { in.AlarmName = nil }},
			"control character":       {"ValidationError", func(in *sdk.PutMetricAlarmInput) { in.AlarmName = aws.String("a\x00b") }},
			"no metric":               {"ValidationError", func(in *sdk.PutMetricAlarmInput) { in.MetricName = nil }},
			"no namespace":            {"ValidationError", func(in *sdk.PutMetricAlarmInput) { in.Namespace = nil }},
			"no statistic":            {"ValidationError", func(in *sdk.PutMetricAlarmInput) { in.Statistic = "" }},
			"two statistics":          {"ValidationError", func(in *sdk.PutMetricAlarmInput) { in.ExtendedStatistic = aws.String("p99") }},
			"unknown statistic":       {"InvalidParameterValueException", func(in *sdk.PutMetricAlarmInput) { in.Statistic = "Mode" }},
			"a percentile of a sum":   {"ValidationError", func(in *sdk.PutMetricAlarmInput) { in.EvaluateLowSampleCountPercentile = aws.String("ignore") }},
			"percentile over 100":     {"ValidationError", func(in *sdk.PutMetricAlarmInput) { in.Statistic, in.ExtendedStatistic = "", aws.String("p101") }},
			"no period":               {"ValidationError", func(in *sdk.PutMetricAlarmInput) { in.Period = nil }},
			"period 15":               {"ValidationError", func(in *sdk.PutMetricAlarmInput) { in.Period = aws.Int32(15) }},
			"period 1":                {"ValidationError", func(in *sdk.PutMetricAlarmInput) { in.Period = aws.Int32(1) }},
			"negative period":         {"ValidationError", func(in *sdk.PutMetricAlarmInput) { in.Period = aws.Int32(-60) }},
			"more than a day":         {"ValidationError", func(in *sdk.PutMetricAlarmInput) { in.EvaluationPeriods = aws.Int32(1441) }},
			"more than a week":        {"ValidationError", func(in *sdk.PutMetricAlarmInput) { in.Period, in.EvaluationPeriods = aws.Int32(86400), aws.Int32(8) }},
			"no evaluation periods":   {"ValidationError", func(in *sdk.PutMetricAlarmInput) { in.EvaluationPeriods = nil }},
			"M above N":               {"ValidationError", func(in *sdk.PutMetricAlarmInput) { in.DatapointsToAlarm = aws.Int32(2) }},
			"no threshold":            {"ValidationError", func(in *sdk.PutMetricAlarmInput) { in.Threshold = nil }},
			"threshold NaN":           {"ValidationError", func(in *sdk.PutMetricAlarmInput) { in.Threshold = aws.Float64(math.NaN()) }},
			"no comparison":           {"ValidationError", func(in *sdk.PutMetricAlarmInput) { in.ComparisonOperator = "" }},
			"anomaly band":            {"ValidationError", func(in *sdk.PutMetricAlarmInput) { in.ComparisonOperator = "GreaterThanUpperThreshold" }},
			"treatment":               {"ValidationError", func(in *sdk.PutMetricAlarmInput) { in.TreatMissingData = aws.String("zero") }},
			"low sample count":        {"ValidationError", func(in *sdk.PutMetricAlarmInput) { in.EvaluateLowSampleCountPercentile = aws.String("x") }},
			"action without ARN":      {"ValidationError", func(in *sdk.PutMetricAlarmInput) { in.OKActions = []string{"mail me"} }},
			"six actions":             {"ValidationError", func(in *sdk.PutMetricAlarmInput) { in.OKActions = []string{topic, topic, topic, topic, topic, topic} }},
			"dimension without value": {"ValidationError", func(in *sdk.PutMetricAlarmInput) { in.Dimensions = []types.Dimension{{Name: aws.String("x")}} }},
			"reserved tag": {"InvalidParameterValueException", func(in *sdk.PutMetricAlarmInput) {
				in.Tags = []types.Tag{{Key: aws.String("aws:x"), Value: aws.String("")}}
			}},
			"metric and metrics": {"ValidationError", func(in *sdk.PutMetricAlarmInput) { in.Metrics = []types.MetricDataQuery{{Id: aws.String("m")}} }},
			"expression": {"ValidationError", func(in *sdk.PutMetricAlarmInput) {
				*in = sdk.PutMetricAlarmInput{AlarmName: in.AlarmName, Threshold: in.Threshold, ComparisonOperator: in.ComparisonOperator, EvaluationPeriods: in.EvaluationPeriods,
					Metrics: []types.MetricDataQuery{{Id: aws.String("e"), Expression: aws.String("1+1")}}}
			}},
		} {
			_, err := s.PutMetricAlarm(t.Context(), alarmOn("wrong", c.change))
			if err == nil {
				t.Errorf("%s: accepted", name)
				continue
			}
			refused(t, err, c.code)
		}
		for message, change := range map[string]func(*sdk.PutMetricAlarmInput){
			"Unsupported AWS vendor sqs": func(in *sdk.PutMetricAlarmInput) {
				in.OKActions = []string{"arn:aws:sqs:us-east-1:123456789012:queue"}
			},
			"Invalid region eu-west-2 specified. Only us-east-1 is supported.": func(in *sdk.PutMetricAlarmInput) {
				in.AlarmActions = []string{strings.ReplaceAll(policy, "us-east-1", "eu-west-2")}
			},
			"Invalid partition aws-cn specified. Only aws is supported.": func(in *sdk.PutMetricAlarmInput) {
				in.OKActions = []string{strings.Replace(topic, "arn:aws:", "arn:aws-cn:", 1)}
			},
			"MetricName must not be null":                             func(in *sdk.PutMetricAlarmInput) { in.MetricName = nil },
			"Namespace must not be null":                              func(in *sdk.PutMetricAlarmInput) { in.Namespace = nil },
			"Period must not be null":                                 func(in *sdk.PutMetricAlarmInput) { in.Period = nil },
			"MetricName must not contain Non-ASCII characters.":       func(in *sdk.PutMetricAlarmInput) { in.MetricName = aws.String("µs") },
			"MetricName should not be set if list of Metrics is set.": func(in *sdk.PutMetricAlarmInput) { in.Metrics = []types.MetricDataQuery{{Id: aws.String("m")}} },
		} {
			if _, err := s.PutMetricAlarm(t.Context(), alarmOn("wrong", change)); err == nil || !strings.HasSuffix(err.Error(), message) {
				t.Errorf("got %v, want %s", err, message)
			}
		}
		if _, err := s.PutMetricAlarm(t.Context(), &sdk.PutMetricAlarmInput{}); err == nil {
			t.Error("an empty alarm was accepted")
		}
		if out, err := s.DescribeAlarms(t.Context(), &sdk.DescribeAlarmsInput{}); err != nil || len(out.MetricAlarms) > 0 {
			t.Errorf("something was written: %v, %v", out, err)
		}
		s.putAlarm(alarmOn("TargetTracking-x", func(in *sdk.PutMetricAlarmInput) { in.Period = aws.Int32(1) })) // our extension
	})
}

func TestDescribeAlarms(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		for i := range 5 {
			s.putAlarm(alarmOn(fmt.Sprintf("web-%d", i)))
		}
		s.putAlarm(alarmOn("db-0", acting))
		s.putComposite("web-all", "ALARM(db-0)")
		s.setState("web-2", isAlarm, "a drill")
		for name, c := range map[string]struct {
			in   sdk.DescribeAlarmsInput
			want string
		}{
			"all":            {sdk.DescribeAlarmsInput{}, "db-0 web-0 web-1 web-2 web-3 web-4"},
			"names":          {sdk.DescribeAlarmsInput{AlarmNames: []string{"web-1", "none", "db-0", "web-1"}}, "db-0 web-1"},
			"prefix":         {sdk.DescribeAlarmsInput{AlarmNamePrefix: aws.String("web-")}, "web-0 web-1 web-2 web-3 web-4"},
			"composite":      {sdk.DescribeAlarmsInput{AlarmTypes: []types.AlarmType{types.AlarmTypeCompositeAlarm}}, "web-all"},
			"both types":     {sdk.DescribeAlarmsInput{AlarmNamePrefix: aws.String("web-"), AlarmTypes: []types.AlarmType{types.AlarmTypeCompositeAlarm, types.AlarmTypeMetricAlarm}}, "web-0 web-1 web-2 web-3 web-4 web-all"},
			"state":          {sdk.DescribeAlarmsInput{StateValue: isAlarm}, "web-2"},
			"action prefix":  {sdk.DescribeAlarmsInput{ActionPrefix: aws.String("arn:aws:autoscaling")}, "db-0"},
			"unknown prefix": {sdk.DescribeAlarmsInput{AlarmNamePrefix: aws.String("x")}, ""},
		} {
			for _, page := range []int32{1, 2, 100} {
				c.in.MaxRecords = &page
				var got []string
				in := c.in
				for {
					out, err := s.DescribeAlarms(t.Context(), &in)
					if err != nil {
						t.Fatal(err)
					}
					if n := len(out.MetricAlarms) + len(out.CompositeAlarms); n > int(page) {
						t.Errorf("%s: a page of %d has %d", name, page, n)
					}
					for _, m := range out.MetricAlarms {
						got = append(got, *m.AlarmName)
					}
					for _, m := range out.CompositeAlarms {
						got = append(got, *m.AlarmName)
					}
					if in.NextToken = out.NextToken; in.NextToken == nil {
						break
					}
				}
				if strings.Join(got, " ") != c.want {
					t.Errorf("%s by %d: got %v, want %s", name, page, got, c.want)
				}
			}
		}
		_, err := s.DescribeAlarms(t.Context(), &sdk.DescribeAlarmsInput{NextToken: aws.String("x")})
		refused(t, err, "InvalidNextToken")
		_, err = s.DescribeAlarms(t.Context(), &sdk.DescribeAlarmsInput{MaxRecords: aws.Int32(101)})
		refused(t, err, "ValidationError")

		out, err := s.DescribeAlarmsForMetric(t.Context(), &sdk.DescribeAlarmsForMetricInput{Namespace: aws.String("test"), MetricName: aws.String("cpu"), Statistic: types.StatisticAverage})
		if err != nil || len(out.MetricAlarms) != 6 {
			t.Errorf("for metric: %v, %v", out, err)
		}
		out, err = s.DescribeAlarmsForMetric(t.Context(), &sdk.DescribeAlarmsForMetricInput{Namespace: aws.String("test"), MetricName: aws.String("cpu"), Period: aws.Int32(300)})
		if err != nil || len(out.MetricAlarms) != 0 {
			t.Errorf("for metric and another period: %v, %v", out, err)
		}
	})
}

func TestDescribeAlarmHistory(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		s.putAlarm(alarmOn("a"))
		s.putAlarm(alarmOn("ab"))
		for range 3 {
			time.Sleep(time.Second)
			s.setState("a", isAlarm, "OK -> ALARM")
			s.setState("a", isOK, "a drill")
		}
		all := func(in sdk.DescribeAlarmHistoryInput) (summaries []string) {
			t.Helper()
			in.MaxRecords = aws.Int32(2)
			for {
				out, err := s.DescribeAlarmHistory(t.Context(), &in)
				if err != nil {
					t.Fatal(err)
				}
				for _, item := range out.AlarmHistoryItems {
					summaries = append(summaries, *item.AlarmName+": "+*item.HistorySummary)
				}
				if in.NextToken = out.NextToken; in.NextToken == nil {
					return summaries
				}
			}
		}
		newest := all(sdk.DescribeAlarmHistoryInput{})
		if len(newest) != 8 || newest[0] != "a: Alarm updated from ALARM to OK" || newest[7] != `a: Alarm "a" created` {
			t.Errorf("all, newest first: %q", newest)
		}
		if got := all(sdk.DescribeAlarmHistoryInput{AlarmName: aws.String("ab")}); len(got) != 1 {
			t.Errorf("of ab: %q", got)
		}
		if got := all(sdk.DescribeAlarmHistoryInput{AlarmName: aws.String("a"), ScanBy: types.ScanByTimestampAscending, HistoryItemType: types.HistoryItemTypeStateUpdate}); len(got) != 6 || !strings.HasSuffix(got[0], "INSUFFICIENT_DATA to ALARM") {
			t.Errorf("state updates of a: %q", got)
		}
		if got := all(sdk.DescribeAlarmHistoryInput{StartDate: &time.Time{}, EndDate: aws.Time(time.Unix(1<<40, 0))}); len(got) != 8 {
			t.Errorf("of all time: %q", got)
		}
		if got := all(sdk.DescribeAlarmHistoryInput{StartDate: s.at("16:55:32"), EndDate: s.at("16:55:32")}); len(got) != 2 {
			t.Errorf("of one second: %q", got)
		}
		out, err := s.DescribeAlarmHistory(t.Context(), &sdk.DescribeAlarmHistoryInput{AlarmName: aws.String("a"), MaxRecords: aws.Int32(1)})
		if err != nil {
			t.Fatal(err)
		}
		if want := `{"version":"1.0","oldState":{"stateValue":"ALARM","stateReason":"OK -> ALARM"},"newState":{"stateValue":"OK","stateReason":"a drill"}}`; *out.AlarmHistoryItems[0].HistoryData != want {
			t.Errorf("got %s", *out.AlarmHistoryItems[0].HistoryData)
		}
		_, err = s.DescribeAlarmHistory(t.Context(), &sdk.DescribeAlarmHistoryInput{NextToken: aws.String("?")})
		refused(t, err, "InvalidNextToken")
	})
}

func TestConfigurationHistory(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		s.putAlarm(alarmOn("a", func(in *sdk.PutMetricAlarmInput) {
			in.Dimensions = []types.Dimension{{Name: aws.String("n"), Value: aws.String("v")}}
		}))
		out, err := s.DescribeAlarmHistory(t.Context(), &sdk.DescribeAlarmHistoryInput{AlarmName: aws.String("a")})
		if err != nil {
			t.Fatal(err)
		}
		want := `{"createdAlarm":{"actionsEnabled":true,"alarmActions":[],"alarmArn":"arn:aws:cloudwatch:us-east-1:123456789012:alarm:a","alarmConfigurationUpdatedTimestamp":"2026-11-21T16:55:30.000+0000","alarmName":"a","comparisonOperator":"GreaterThanThreshold","dimensions":[{"name":"n","value":"v"}],"evaluationPeriods":1,"insufficientDataActions":[],"metricName":"cpu","namespace":"test","okactions":[],"period":60,"stateTransitionedTimestamp":"2026-11-21T16:55:30.000+0000","stateUpdatedTimestamp":"2026-11-21T16:55:30.000+0000","stateValue":"INSUFFICIENT_DATA","statistic":"Average","threshold":50},"type":"Create","version":"1.0"}`
		if got := *out.AlarmHistoryItems[0].HistoryData; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}

func TestSetAlarmStateRefusals(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		s.putAlarm(alarmOn("a"))
		why := aws.String("a drill")
		_, err := s.SetAlarmState(t.Context(), &sdk.SetAlarmStateInput{AlarmName: aws.String("none"), StateValue: isOK, StateReason: why})
		refused(t, err, "ResourceNotFound")
		if message := err.(smithy.APIError).ErrorMessage(); message != "" {
			t.Errorf("CloudWatch does not say what it did not find, and this is %q", message)
		}
		_, err = s.SetAlarmState(t.Context(), &sdk.SetAlarmStateInput{AlarmName: aws.String("a"), StateValue: "BROKEN", StateReason: why})
		refused(t, err, "ValidationError")
		_, err = s.SetAlarmState(t.Context(), &sdk.SetAlarmStateInput{AlarmName: aws.String("a"), StateValue: isOK, StateReason: why, StateReasonData: aws.String("{")})
		refused(t, err, "InvalidFormatFault")
		s.expect("a", isInsufficient)
	})
}

func TestTags(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		s.putAlarm(alarmOn("a"))
		arn := s.describe("a").AlarmArn
		tag := func(key, value string) types.Tag { return types.Tag{Key: &key, Value: &value} }
		if _, err := s.TagResource(t.Context(), &sdk.TagResourceInput{ResourceARN: arn, Tags: []types.Tag{tag("b", "2"), tag("a", "1")}}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.TagResource(t.Context(), &sdk.TagResourceInput{ResourceARN: arn, Tags: []types.Tag{tag("b", "3")}}); err != nil {
			t.Fatal(err)
		}
		list := func() string {
			out, err := s.ListTagsForResource(t.Context(), &sdk.ListTagsForResourceInput{ResourceARN: arn})
			if err != nil {
				t.Fatal(err)
			}
			return asJSON(out.Tags)
		}
		if got, want := list(), `[{"Key":"a","Value":"1"},{"Key":"b","Value":"3"}]`; got != want {
			t.Errorf("got %s", got)
		}
		s.putAlarm(alarmOn("a", func(in *sdk.PutMetricAlarmInput) { in.Tags = []types.Tag{tag("c", "4")} })) // ignored in an update
		if _, err := s.UntagResource(t.Context(), &sdk.UntagResourceInput{ResourceARN: arn, TagKeys: []string{"b", "x"}}); err != nil {
			t.Fatal(err)
		}
		if got, want := list(), `[{"Key":"a","Value":"1"}]`; got != want {
			t.Errorf("got %s", got)
		}
		_, err := s.TagResource(t.Context(), &sdk.TagResourceInput{ResourceARN: aws.String(*arn + "x"), Tags: []types.Tag{tag("a", "1")}})
		refused(t, err, "ResourceNotFoundException")
		var many []types.Tag
		for i := range 51 {
			many = append(many, tag(fmt.Sprint(i), ""))
		}
		_, err = s.TagResource(t.Context(), &sdk.TagResourceInput{ResourceARN: arn, Tags: many})
		refused(t, err, "InvalidParameterValueException")
	})
}

func TestDashboards(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		ctx := t.Context()
		body := `{"widgets":[{"type":"text","x":0,"y":0,"width":6,"height":6,"properties":{"markdown":"hello"}}]}`
		for _, name := range []string{"web", "db"} {
			if _, err := s.PutDashboard(ctx, &sdk.PutDashboardInput{DashboardName: &name, DashboardBody: &body}); err != nil {
				t.Fatal(err)
			}
		}
		one := func(problem string) string {
			return "The dashboard body is invalid, there are 1 validation errors:\n[\n  {\n    " + problem + "\n  }\n]"
		}
		for name, c := range map[string]struct{ name, body, want string }{
			"not JSON":        {"x", "{", "The field DashboardBody must be a valid JSON object"},
			"not an object":   {"x", "null", "The field DashboardBody must be a valid JSON object"},
			"no widgets":      {"x", "{}", one("\"dataPath\": \"\",\n    \"message\": \"Should have required property 'widgets'\"")},
			"widgets":         {"x", `{"widgets":5}`, one("\"dataPath\": \"/widgets\",\n    \"message\": \"Should be array\"")},
			"widget, no type": {"x", `{"widgets":[{}]}`, "there are 2 validation errors:"},
			"type":            {"x", `{"widgets":[{"type":"pie","properties":{}}]}`, one("\"dataPath\": \"/widgets/0/type\",\n    \"message\": \"Should be equal to one of the allowed values\"")},
			"properties":      {"x", `{"widgets":[{"type":"text","properties":[]}]}`, "/widgets/0/properties"},
			"out of the grid": {"x", `{"widgets":[{"type":"text","x":24,"y":-1,"width":0,"height":1.5,"properties":{}}]}`, "there are 4 validation errors:"},
		} {
			_, err := s.PutDashboard(ctx, &sdk.PutDashboardInput{DashboardName: &c.name, DashboardBody: &c.body})
			if err == nil {
				t.Errorf("%s: accepted", name)
				continue
			}
			refused(t, err, "DashboardInvalidInputError")
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: got %v", name, err)
			}
		}
		_, err := s.PutDashboard(ctx, &sdk.PutDashboardInput{DashboardName: aws.String("a:b"), DashboardBody: &body})
		refused(t, err, "InvalidParameterValueException")
		got, err := s.GetDashboard(ctx, &sdk.GetDashboardInput{DashboardName: aws.String("web")})
		if err != nil || *got.DashboardBody != body || *got.DashboardArn != "arn:aws:cloudwatch::123456789012:dashboard/web" {
			t.Errorf("got %s, %v", asJSON(got), err)
		}
		again := startService(t, s.store, s.clock)
		list, err := again.ListDashboards(ctx, &sdk.ListDashboardsInput{})
		if err != nil || len(list.DashboardEntries) != 2 || *list.DashboardEntries[0].DashboardName != "db" || *list.DashboardEntries[0].Size != int64(len(body)) {
			t.Errorf("list after a restart: %s, %v", asJSON(list), err)
		}
		list, err = s.ListDashboards(ctx, &sdk.ListDashboardsInput{DashboardNamePrefix: aws.String("w")})
		if err != nil || len(list.DashboardEntries) != 1 {
			t.Errorf("list with prefix: %s, %v", asJSON(list), err)
		}
		_, err = s.DeleteDashboards(ctx, &sdk.DeleteDashboardsInput{DashboardNames: []string{"web", "none"}})
		refused(t, err, "DashboardNotFoundError")
		if _, err := s.DeleteDashboards(ctx, &sdk.DeleteDashboardsInput{DashboardNames: []string{"web"}}); err != nil {
			t.Error(err)
		}
		_, err = s.GetDashboard(ctx, &sdk.GetDashboardInput{DashboardName: aws.String("web")})
		refused(t, err, "DashboardNotFoundError")
	})
}

func TestPutMetricDataRefusals(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		one := func(change func(*types.MetricDatum)) *sdk.PutMetricDataInput {
			good, d := 1.0, types.MetricDatum{MetricName: aws.String("m"), Value: aws.Float64(1)}
			change(&d)
			return &sdk.PutMetricDataInput{Namespace: aws.String("test"), MetricData: []types.MetricDatum{{MetricName: aws.String("m"), Value: &good}, d}}
		}
		const value, combination, absent = "InvalidParameterValueException", "InvalidParameterCombinationException", "MissingRequiredParameterException"
		set := func(count, sum, low, high float64) *types.StatisticSet {
			return &types.StatisticSet{SampleCount: &count, Sum: &sum, Minimum: &low, Maximum: &high}
		}
		for name, c := range map[string]struct {
			code, message string
			in            *sdk.PutMetricDataInput
		}{
			"no namespace":         {absent, "The parameter Namespace is required.", &sdk.PutMetricDataInput{}},
			"reserved namespace":   {value, "The value AWS/ for parameter Namespace is invalid.", &sdk.PutMetricDataInput{Namespace: aws.String("AWS/ECS"), MetricData: []types.MetricDatum{{MetricName: aws.String("m"), Value: aws.Float64(1)}}}},
			"namespace of a colon": {value, "The value :x for parameter Namespace is invalid.", &sdk.PutMetricDataInput{Namespace: aws.String(":x"), MetricData: []types.MetricDatum{{MetricName: aws.String("m"), Value: aws.Float64(1)}}}},
			"nothing at all":       {absent, "The parameter Namespace is required.\nThe parameter MetricData is required.", &sdk.PutMetricDataInput{}},
			"no name, no value": {absent, "The parameter MetricData.member.2.MetricName is required.\nThe parameter MetricData.member.2.Dimensions.member.1.Value is required.", one(func(d *types.MetricDatum) {
				d.MetricName, d.Dimensions = nil, []types.Dimension{{Name: aws.String("n"), Value: aws.String("")}}
			})},
			"unit":      {value, "The parameter MetricData.member.2.Unit must be a value in the set [ Seconds, Microseconds, ", one(func(d *types.MetricDatum) { d.Unit = "Apples" })},
			"long name": {value, "The parameter MetricData.member.2.MetricName must be shorter than 256 characters.", one(func(d *types.MetricDatum) { d.MetricName = aws.String(strings.Repeat("m", 256)) })},
			"not ASCII": {value, "The value for parameter MetricData.member.2.Dimensions.member.1.Value contains non-ASCII characters.", one(func(d *types.MetricDatum) {
				d.Dimensions = []types.Dimension{{Name: aws.String("n"), Value: aws.String("é")}}
			})},
			"two things": {value, "StorageResolution is invalid.\nThe value NaN for", one(func(d *types.MetricDatum) {
				d.Value, d.StorageResolution, d.Unit = aws.Float64(math.NaN()), aws.Int32(2), "Apples"
			})},
			"colon": {value, "The value :n for parameter MetricData.member.2.Dimensions.member.1.Name is invalid.", one(func(d *types.MetricDatum) {
				d.Dimensions = []types.Dimension{{Name: aws.String(":n"), Value: aws.String("v")}}
			})},
			"no data": {absent, "The parameter MetricData is required.", &sdk.PutMetricDataInput{Namespace: aws.String("test")}},
			"one key of an entity": {value, "The collection EntityMetricData.member.1.Entity.KeyAttributes must not have a size less than 2.", &sdk.PutMetricDataInput{Namespace: aws.String("test"),
				EntityMetricData: []types.EntityMetricData{{Entity: &types.Entity{KeyAttributes: map[string]string{"Type": "Service"}},
					MetricData: []types.MetricDatum{{MetricName: aws.String("m"), Value: aws.Float64(1)}}}}}},
			"1001 data":        {value, "The collection MetricData must not have a size greater than 1000.", &sdk.PutMetricDataInput{Namespace: aws.String("test"), MetricData: make([]types.MetricDatum, 1001)}},
			"no name":          {absent, "The parameter MetricData.member.2.MetricName is required.", one(func(d *types.MetricDatum) { d.MetricName = nil })},
			"nothing":          {absent, "At least one of the parameters must be specified.", one(func(d *types.MetricDatum) { d.Value = nil })},
			"NaN":              {value, "The value NaN for parameter MetricData.member.2.Value is invalid.", one(func(d *types.MetricDatum) { d.Value = aws.Float64(math.NaN()) })},
			"infinity":         {value, "The value +Inf for parameter MetricData.member.2.Value is invalid.", one(func(d *types.MetricDatum) { d.Value = aws.Float64(math.Inf(1)) })},
			"too large":        {value, "MetricData.member.2.Value is invalid.", one(func(d *types.MetricDatum) { d.Value = aws.Float64(-math.Ldexp(1.1, 360)) })},
			"value and values": {combination, "The parameters MetricData.member.2.Value and MetricData.member.2.Values are mutually exclusive and you have specified both.", one(func(d *types.MetricDatum) { d.Values = []float64{1} })},
			"value and set":    {combination, "The parameters MetricData.member.2.Value and MetricData.member.2.StatisticValues are mutually exclusive and you have specified both.", one(func(d *types.MetricDatum) { d.StatisticValues = set(1, 1, 1, 1) })},
			"counts":           {value, "The parameters MetricData.member.2.Values and MetricData.member.2.Counts must be of the same size.", one(func(d *types.MetricDatum) { d.Value, d.Values, d.Counts = nil, []float64{1, 2}, []float64{1} })},
			"151 values":       {value, "The collection MetricData.member.2.Values must not have a size greater than 150.", one(func(d *types.MetricDatum) { d.Value, d.Values = nil, make([]float64, 151) })},
			"negative count":   {value, "MetricData.member.2.Counts is invalid.", one(func(d *types.MetricDatum) { d.Value, d.Values, d.Counts = nil, []float64{1}, []float64{-1} })},
			"half a set": {absent, "The parameter MetricData.member.2.StatisticValues.Sum is required.", one(func(d *types.MetricDatum) {
				d.Value, d.StatisticValues = nil, &types.StatisticSet{SampleCount: aws.Float64(1)}
			})},
			"empty set":     {value, "MetricData.member.2.StatisticValues.SampleCount is invalid.", one(func(d *types.MetricDatum) { d.Value, d.StatisticValues = nil, set(0, 0, 0, 0) })},
			"min above max": {combination, "MetricData.member.2.StatisticValues.Maximum must be", one(func(d *types.MetricDatum) { d.Value, d.StatisticValues = nil, set(1, 1, 2, 1) })},
			"resolution":    {value, "The value 30 for parameter MetricData.member.2.StorageResolution is invalid.", one(func(d *types.MetricDatum) { d.StorageResolution = aws.Int32(30) })},
			"too old":       {value, "MetricData.member.2.Timestamp must specify a time within the past two weeks", one(func(d *types.MetricDatum) { d.Timestamp = aws.Time(began.Add(-15 * 24 * time.Hour)) })},
			"too new":       {value, "MetricData.member.2.Timestamp must specify a time no more than two hours in the future", one(func(d *types.MetricDatum) { d.Timestamp = aws.Time(began.Add(3 * time.Hour)) })},
			"dimension":     {absent, "The parameter MetricData.member.2.Dimensions.member.1.Value is required.", one(func(d *types.MetricDatum) { d.Dimensions = []types.Dimension{{Name: aws.String("n")}} })},
			"31 dimensions": {value, "The collection MetricData.member.2.Dimensions must not have a size greater than 30.", one(func(d *types.MetricDatum) { d.Dimensions = make([]types.Dimension, 31) })},
		} {
			_, err := s.PutMetricData(t.Context(), c.in)
			if err == nil {
				t.Errorf("%s: accepted", name)
				continue
			}
			refused(t, err, c.code)
			if !strings.Contains(err.Error(), c.message) {
				t.Errorf("%s: got %v, want %s", name, err, c.message)
			}
		}
		out, err := s.ListMetrics(t.Context(), &sdk.ListMetricsInput{})
		if err != nil || len(out.Metrics) != 0 {
			t.Errorf("something was written: %s, %v", asJSON(out), err)
		}
	})
}

// For values and a set together CloudWatch has no refusal.
func TestASetCountsBeforeValues(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		s.publish(types.MetricDatum{MetricName: aws.String("m"), Values: []float64{1, 10},
			StatisticValues: &types.StatisticSet{SampleCount: aws.Float64(10), Sum: aws.Float64(55), Minimum: aws.Float64(1), Maximum: aws.Float64(10)}})
		out, err := s.GetMetricStatistics(t.Context(), &sdk.GetMetricStatisticsInput{Namespace: aws.String("test"), MetricName: aws.String("m"),
			Period: aws.Int32(60), StartTime: aws.Time(began.Add(-time.Minute)), EndTime: aws.Time(began.Add(time.Minute)), Statistics: []types.Statistic{"Sum"}})
		if err != nil || len(out.Datapoints) != 1 || *out.Datapoints[0].Sum != 55 {
			t.Errorf("got %s, %v", asJSON(out), err)
		}
	})
}

func TestPublishAndRead(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		name := aws.String("m")
		s.publish(
			types.MetricDatum{MetricName: name, Timestamp: s.at("16:50:10"), Value: aws.Float64(4), Unit: "Count"},
			types.MetricDatum{MetricName: name, Timestamp: s.at("16:50:20"), Values: []float64{1, 10}, Counts: []float64{2, 3}, Unit: "Count"},
			types.MetricDatum{MetricName: name, Timestamp: s.at("16:52:10"), Unit: "Count", StatisticValues: &types.StatisticSet{
				SampleCount: aws.Float64(2), Sum: aws.Float64(6), Minimum: aws.Float64(2), Maximum: aws.Float64(4)}},
		)
		all := []types.Statistic{"Average", "Maximum", "Minimum", "SampleCount", "Sum"}
		read := &sdk.GetMetricStatisticsInput{Namespace: aws.String("test"), MetricName: name, Period: aws.Int32(60),
			StartTime: s.at("16:45:30"), EndTime: s.at("16:55:00"), Statistics: all, ExtendedStatistics: []string{"p50"}}
		out, err := s.GetMetricStatistics(t.Context(), read)
		if err != nil {
			t.Fatal(err)
		}
		want := asJSON([]types.Datapoint{
			{Timestamp: s.at("16:50:00"), Unit: "Count", SampleCount: aws.Float64(6), Sum: aws.Float64(36), Average: aws.Float64(6), Minimum: aws.Float64(1), Maximum: aws.Float64(10),
				ExtendedStatistics: map[string]float64{"p50": 4}},
			{Timestamp: s.at("16:52:00"), Unit: "Count", SampleCount: aws.Float64(2), Sum: aws.Float64(6), Average: aws.Float64(3), Minimum: aws.Float64(2), Maximum: aws.Float64(4)},
		})
		if got := asJSON(out.Datapoints); got != want || *out.Label != "m" {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		read.Unit = "Bytes"
		if out, err = s.GetMetricStatistics(t.Context(), read); err != nil || len(out.Datapoints) != 0 {
			t.Errorf("another unit: %s, %v", asJSON(out), err)
		}
	})
}

func TestGetMetricStatisticsRefusals(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		for name, c := range map[string]struct {
			code   string
			change func(*sdk.GetMetricStatisticsInput)
		}{
			"backwards": {"InvalidParameterValueException", func(in *sdk.GetMetricStatisticsInput) { in.EndTime = in.StartTime }},
			"a second": {"InvalidParameterValueException", func(in *sdk.GetMetricStatisticsInput) {
				in.EndTime = aws.Time(in.StartTime.Add(999 * time.Millisecond))
			}},
			"no statistics":   {"InvalidParameterCombinationException", func(in *sdk.GetMetricStatisticsInput) { in.Statistics = nil }},
			"period":          {"InvalidParameterValueException", func(in *sdk.GetMetricStatisticsInput) { in.Period = aws.Int32(61) }},
			"1441 datapoints": {"InvalidParameterCombinationException", func(in *sdk.GetMetricStatisticsInput) { in.StartTime = aws.Time(in.EndTime.Add(-1441 * time.Minute)) }},
			"no period":       {"MissingRequiredParameterException", func(in *sdk.GetMetricStatisticsInput) { in.Period = nil }},
			"statistic":       {"InvalidParameterValueException", func(in *sdk.GetMetricStatisticsInput) { in.ExtendedStatistics = []string{"q9"} }},
			"basic, extended": {"InvalidParameterValueException", func(in *sdk.GetMetricStatisticsInput) { in.ExtendedStatistics = []string{"Sum"} }},
			"unit":            {"InvalidParameterValueException", func(in *sdk.GetMetricStatisticsInput) { in.Unit = "Apples" }},
			"unknown":         {"InvalidParameterValueException", func(in *sdk.GetMetricStatisticsInput) { in.Statistics = []types.Statistic{"Mode"} }},
			"nothing":         {"MissingRequiredParameterException", func(in *sdk.GetMetricStatisticsInput) { *in = sdk.GetMetricStatisticsInput{} }},
		} {
			in := &sdk.GetMetricStatisticsInput{Namespace: aws.String("n"), MetricName: aws.String("m"), Period: aws.Int32(60),
				StartTime: s.at("10:00:00"), EndTime: s.at("11:00:00"), Statistics: []types.Statistic{"Sum"}}
			c.change(in)
			_, err := s.GetMetricStatistics(t.Context(), in)
			if err == nil {
				t.Errorf("%s: accepted", name)
				continue
			}
			refused(t, err, c.code)
			if name == "1441 datapoints" && !strings.Contains(err.Error(), "You have requested up to 1441 datapoints, which exceeds the limit of 1440.") {
				t.Errorf("got %v", err)
			}
		}
	})
}

func query(id, name, stat string, period int32) types.MetricDataQuery {
	return types.MetricDataQuery{Id: &id, MetricStat: &types.MetricStat{
		Metric: &types.Metric{Namespace: aws.String("test"), MetricName: &name}, Period: &period, Stat: &stat,
	}}
}

func TestGetMetricData(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		for i := range 5 {
			s.put(fmt.Sprintf("16:%d:00", 50+i), float64(i))
		}
		get := func(in sdk.GetMetricDataInput) *sdk.GetMetricDataOutput {
			t.Helper()
			in.StartTime, in.EndTime = s.at("16:50:00"), s.at("16:55:00")
			out, err := s.GetMetricData(t.Context(), &in)
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		hidden := query("hidden", "cpu", "Sum", 60)
		hidden.ReturnData = aws.Bool(false)
		named := query("named", "none", "Sum", 60)
		named.Label = aws.String("mine")
		in := sdk.GetMetricDataInput{MetricDataQueries: []types.MetricDataQuery{query("a", "cpu", "Sum", 60), hidden, named, query("b", "cpu", "Maximum", 300)}}
		out := get(in)
		want := asJSON([]types.MetricDataResult{
			{Id: aws.String("a"), Label: aws.String("cpu Sum 60"), StatusCode: "Complete", Values: []float64{4, 3, 2, 1, 0},
				Timestamps: []time.Time{*s.at("16:54:00"), *s.at("16:53:00"), *s.at("16:52:00"), *s.at("16:51:00"), *s.at("16:50:00")}},
			{Id: aws.String("named"), Label: aws.String("mine"), StatusCode: "Complete", Values: []float64{}, Timestamps: []time.Time{}},
			{Id: aws.String("b"), Label: aws.String("cpu Maximum 300"), StatusCode: "Complete", Values: []float64{4}, Timestamps: []time.Time{*s.at("16:50:00")}},
		})
		if got := asJSON(out.MetricDataResults); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}

		for _, order := range []types.ScanBy{types.ScanByTimestampAscending, types.ScanByTimestampDescending} {
			in.ScanBy, in.MaxDatapoints, in.NextToken = order, aws.Int32(2), nil
			values := map[string][]float64{}
			for pages := 1; ; pages++ {
				out := get(in)
				for _, r := range out.MetricDataResults {
					values[*r.Id] = append(values[*r.Id], r.Values...)
				}
				if in.NextToken = out.NextToken; in.NextToken == nil {
					if pages != 3 {
						t.Errorf("%d pages of 2 for 6 datapoints", pages)
					}
					break
				}
			}
			sorted := []float64{0, 1, 2, 3, 4}
			if order == types.ScanByTimestampDescending {
				sorted = []float64{4, 3, 2, 1, 0}
			}
			same(t, string(order)+" a", values["a"], sorted)
			same(t, string(order)+" b", values["b"], []float64{4})
		}
	})
}

func TestGetMetricDataOfSeveralUnits(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		s.publish(
			types.MetricDatum{MetricName: aws.String("cpu"), Value: aws.Float64(1), Unit: "Seconds", Timestamp: s.at("16:50:00")},
			types.MetricDatum{MetricName: aws.String("cpu"), Value: aws.Float64(60000), Unit: "Milliseconds", Timestamp: s.at("16:50:00")},
		)
		out, err := s.GetMetricData(t.Context(), &sdk.GetMetricDataInput{StartTime: s.at("16:45:00"), EndTime: s.at("16:55:00"),
			MetricDataQueries: []types.MetricDataQuery{query("m1", "cpu", "Sum", 60)}})
		if err != nil {
			t.Fatal(err)
		}
		want := `[{"Id":"m1","Label":"cpu","Messages":[{"Code":"MultipleUnits","Value":"Multiple units returned: '[Milliseconds, Seconds]'"}],"StatusCode":"Complete","Timestamps":["2026-11-21T16:50:00Z"],"Values":[60000]}]`
		if got := asJSON(out.MetricDataResults); got != want {
			t.Errorf("got %s", got)
		}
	})
}

func TestGetMetricDataRefusals(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		for name, c := range map[string]struct {
			want    string
			queries []types.MetricDataQuery
		}{
			"no query":      {"MetricDataQueries is required", nil},
			"nothing":       {"The parameter MetricDataQueries.member.1.MetricStat is required.\n", []types.MetricDataQuery{{Id: aws.String("a")}}},
			"id":            {"The value A for parameter MetricDataQueries.member.1.Id is not matching the expected pattern", []types.MetricDataQuery{query("A", "cpu", "Sum", 60)}},
			"same id":       {"are not unique", []types.MetricDataQuery{query("a", "cpu", "Sum", 60), query("a", "cpu", "Sum", 60)}},
			"statistic":     {"Stat is not supported", []types.MetricDataQuery{query("a", "cpu", "Mode", 60)}},
			"period":        {"Period must be", []types.MetricDataQuery{query("a", "cpu", "Sum", 7)}},
			"expression":    {"Error in expression 'e': There is no metric or expression with the ID 'a'", []types.MetricDataQuery{expression("e", "a+b")}},
			"empty element": {"Id is not matching", []types.MetricDataQuery{{}}},
		} {
			_, err := s.GetMetricData(t.Context(), &sdk.GetMetricDataInput{StartTime: s.at("16:45:00"), EndTime: s.at("16:55:00"), MetricDataQueries: c.queries})
			if err == nil {
				t.Errorf("%s: accepted", name)
				continue
			}
			refused(t, err, "ValidationError")
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: got %v", name, err)
			}
		}
		_, err := s.GetMetricData(t.Context(), &sdk.GetMetricDataInput{StartTime: s.at("16:55:00"), EndTime: s.at("16:45:00"), MetricDataQueries: []types.MetricDataQuery{query("a", "cpu", "Sum", 60)}})
		refused(t, err, "ValidationError")
		_, err = s.GetMetricData(t.Context(), &sdk.GetMetricDataInput{StartTime: s.at("16:45:00"), EndTime: aws.Time(s.at("16:45:00").Add(999 * time.Millisecond)), MetricDataQueries: []types.MetricDataQuery{query("a", "cpu", "Sum", 60)}})
		refused(t, err, "ValidationError")
		_, err = s.GetMetricData(t.Context(), &sdk.GetMetricDataInput{StartTime: s.at("16:45:00"), EndTime: s.at("16:55:00"), NextToken: aws.String("x"), MetricDataQueries: []types.MetricDataQuery{query("a", "cpu", "Sum", 60)}})
		refused(t, err, "InvalidNextToken")
	})
}

func TestListMetrics(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		s.Record([]metric.Sample{{Metric: metric.NewID("AWS/ECS", "CPUUtilization", metric.Dimension{Name: "ServiceName", Value: "web"}),
			Time: began.Add(-4 * time.Hour), Unit: "Percent", Set: metric.Set{Count: 1, Sum: 1, Min: 1, Max: 1}}})
		for i := range 501 {
			s.publish(types.MetricDatum{MetricName: aws.String(fmt.Sprintf("m%03d", i)), Value: aws.Float64(1)})
		}
		list := func(in sdk.ListMetricsInput) *sdk.ListMetricsOutput {
			t.Helper()
			out, err := s.ListMetrics(t.Context(), &in)
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		first := list(sdk.ListMetricsInput{Namespace: aws.String("test")})
		rest := list(sdk.ListMetricsInput{Namespace: aws.String("test"), NextToken: first.NextToken})
		if len(first.Metrics) != 500 || len(rest.Metrics) != 1 || *rest.Metrics[0].MetricName != "m500" || rest.NextToken != nil {
			t.Errorf("pages of %d and %d", len(first.Metrics), len(rest.Metrics))
		}
		service := []types.DimensionFilter{{Name: aws.String("ServiceName")}}
		if out := list(sdk.ListMetricsInput{Dimensions: service}); len(out.Metrics) != 1 || asJSON(out.Metrics[0]) != `{"Dimensions":[{"Name":"ServiceName","Value":"web"}],"MetricName":"CPUUtilization","Namespace":"AWS/ECS"}` {
			t.Errorf("by dimension: %s", asJSON(out.Metrics))
		}
		service[0].Value = aws.String("db")
		if out := list(sdk.ListMetricsInput{Dimensions: service}); len(out.Metrics) != 0 {
			t.Errorf("by another value: %s", asJSON(out.Metrics))
		}
		if out := list(sdk.ListMetricsInput{Namespace: aws.String("AWS/ECS"), RecentlyActive: types.RecentlyActivePt3h}); len(out.Metrics) != 0 {
			t.Errorf("recently active: %s", asJSON(out.Metrics))
		}
		_, err := s.ListMetrics(t.Context(), &sdk.ListMetricsInput{NextToken: aws.String("x")})
		refused(t, err, "InvalidParameterValueException")
	})
}
