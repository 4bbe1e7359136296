package cloudwatch_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/metric"
)

// usual publishes two weeks of a metric, every five minutes: 100 by day and 20 by night
// with a ripple of 4.
func (s *service) usual(name string) {
	var samples []metric.Sample
	end := s.at("16:55:00")
	for t, i := end.Add(-14*24*time.Hour+time.Minute), 0; t.Before(*end); t, i = t.Add(5*time.Minute), i+1 {
		v := 20.0
		if h := t.Hour(); h >= 9 && h < 18 {
			v = 100
		}
		v += float64(i%3-1) * 4
		samples = append(samples, metric.Sample{Metric: metric.NewID("test", name), Time: t, Set: metric.Set{Count: 1, Sum: v, Min: v, Max: v}})
	}
	s.Record(samples)
}

// unusual is an alarm on a metric that leaves its band, five minutes a period.
func unusual(name string, changes ...func(*sdk.PutMetricAlarmInput)) *sdk.PutMetricAlarmInput {
	return alarmOn(name, append([]func(*sdk.PutMetricAlarmInput){
		onMath(shown(query("m1", "cpu", "Average", 300)), expression("ad1", "ANOMALY_DETECTION_BAND(m1, 3)")),
		func(in *sdk.PutMetricAlarmInput) {
			in.Threshold, in.ThresholdMetricId, in.DatapointsToAlarm = nil, aws.String("ad1"), aws.Int32(1)
			in.ComparisonOperator = types.ComparisonOperatorLessThanLowerOrGreaterThanUpperThreshold
		},
	}, changes...)...)
}

func shown(q types.MetricDataQuery) types.MetricDataQuery {
	q.ReturnData = aws.Bool(true)
	return q
}

func (s *service) detectors(in *sdk.DescribeAnomalyDetectorsInput) []types.AnomalyDetector {
	s.t.Helper()
	out, err := s.DescribeAnomalyDetectors(s.t.Context(), in)
	if err != nil {
		s.t.Fatal(err)
	}
	return out.AnomalyDetectors
}

func cpuDetector() *sdk.PutAnomalyDetectorInput {
	return &sdk.PutAnomalyDetectorInput{SingleMetricAnomalyDetector: &types.SingleMetricAnomalyDetector{
		Namespace: aws.String("test"), MetricName: aws.String("cpu"), Stat: aws.String("Average"),
	}}
}

func TestAnomalyDetectorLife(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		put := func(in *sdk.PutAnomalyDetectorInput) string {
			t.Helper()
			out, err := s.PutAnomalyDetector(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			return *out.AnomalyDetectorId
		}
		id := put(cpuDetector())
		// The members that are older name the same one.
		in := &sdk.PutAnomalyDetectorInput{Namespace: aws.String("test"), MetricName: aws.String("cpu"), Stat: aws.String("Average"),
			Configuration: &types.AnomalyDetectorConfiguration{MetricTimezone: aws.String("Europe/Berlin"), ExcludedTimeRanges: []types.Range{{StartTime: s.at("10:00:00"), EndTime: s.at("11:00:00")}}}}
		if again := put(in); again != id {
			t.Errorf("the same metric has the ids %s and %s", id, again)
		}
		math := put(&sdk.PutAnomalyDetectorInput{MetricMathAnomalyDetector: &types.MetricMathAnomalyDetector{
			MetricDataQueries: []types.MetricDataQuery{hidden(query("m1", "a", "Sum", 60)), expression("e1", "m1 * 2")},
		}})

		got := s.detectors(&sdk.DescribeAnomalyDetectorsInput{})
		for _, d := range got {
			if single := d.SingleMetricAnomalyDetector; single != nil && aws.ToString(single.AccountId) != "123456789012" || d.Configuration.ExcludedTimeRanges == nil {
				t.Errorf("a detector is shown without its account or its excluded times: %+v", d)
			}
		}
		if len(got) != 1 || *got[0].AnomalyDetectorId != id || got[0].StateValue != types.AnomalyDetectorStateValuePendingTraining ||
			*got[0].SingleMetricAnomalyDetector.Stat != "Average" || *got[0].SingleMetricAnomalyDetector.MetricName != "cpu" || *got[0].Configuration.MetricTimezone != "Europe/Berlin" {
			t.Errorf("got %s", asJSON(got))
		}
		both := s.detectors(&sdk.DescribeAnomalyDetectorsInput{AnomalyDetectorTypes: []types.AnomalyDetectorType{"SINGLE_METRIC", "METRIC_MATH"}})
		if len(both) != 2 {
			t.Errorf("got %s", asJSON(both))
		}
		for _, other := range []*sdk.DescribeAnomalyDetectorsInput{
			{Namespace: aws.String("other")}, {MetricName: aws.String("other")}, {AnomalyDetectorIds: []string{"other"}},
			{Dimensions: []types.Dimension{{Name: aws.String("a"), Value: aws.String("b")}}},
		} {
			if got := s.detectors(other); len(got) != 0 {
				t.Errorf("%s: got %s", asJSON(other), asJSON(got))
			}
		}
		if got := s.detectors(&sdk.DescribeAnomalyDetectorsInput{AnomalyDetectorIds: []string{math}}); len(got) != 1 || len(got[0].MetricMathAnomalyDetector.MetricDataQueries) != 2 {
			t.Errorf("got %s", asJSON(got))
		}

		s.until("16:56:00")
		if got := s.detectors(&sdk.DescribeAnomalyDetectorsInput{})[0].StateValue; got != types.AnomalyDetectorStateValueTrainedInsufficientData {
			t.Errorf("without data it is %s", got)
		}
		s.usual("cpu")
		s.until("17:05:00")
		if got := s.detectors(&sdk.DescribeAnomalyDetectorsInput{})[0].StateValue; got != types.AnomalyDetectorStateValueTrained {
			t.Errorf("with two weeks of data it is %s", got)
		}

		if _, err := s.DeleteAnomalyDetector(t.Context(), &sdk.DeleteAnomalyDetectorInput{AnomalyDetectorId: &math}); err != nil {
			t.Error(err)
		}
		single := &sdk.DeleteAnomalyDetectorInput{SingleMetricAnomalyDetector: cpuDetector().SingleMetricAnomalyDetector}
		if _, err := s.DeleteAnomalyDetector(t.Context(), single); err != nil {
			t.Error(err)
		}
		_, err := s.DeleteAnomalyDetector(t.Context(), single)
		refused(t, err, "ResourceNotFoundException")
	})
}

func TestAnomalyDetectorRefusals(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		ranges := make([]types.Range, 11)
		for i := range ranges {
			ranges[i] = types.Range{StartTime: s.at("10:00:00"), EndTime: s.at("11:00:00")}
		}
		onQueries := func(queries ...types.MetricDataQuery) func(*sdk.PutAnomalyDetectorInput) {
			return func(in *sdk.PutAnomalyDetectorInput) {
				in.SingleMetricAnomalyDetector, in.MetricMathAnomalyDetector = nil, &types.MetricMathAnomalyDetector{MetricDataQueries: queries}
			}
		}
		configured := func(c types.AnomalyDetectorConfiguration) func(*sdk.PutAnomalyDetectorInput) {
			return func(in *sdk.PutAnomalyDetectorInput) { in.Configuration = &c }
		}
		for name, c := range map[string]struct {
			code   string
			change func(*sdk.PutAnomalyDetectorInput)
		}{
			"no metric":    {"MissingRequiredParameterException", func(in *sdk.PutAnomalyDetectorInput) { in.SingleMetricAnomalyDetector = nil }},
			"no statistic": {"MissingRequiredParameterException", func(in *sdk.PutAnomalyDetectorInput) { in.SingleMetricAnomalyDetector.Stat = nil }},
			"a statistic":  {"InvalidParameterValueException", func(in *sdk.PutAnomalyDetectorInput) { in.SingleMetricAnomalyDetector.Stat = aws.String("p101") }},
			//lint:ignore SA1019 older clients name the metric by these
			"two metrics": {"InvalidParameterCombinationException", func(in *sdk.PutAnomalyDetectorInput) { in.MetricName = aws.String("x") }},
			"another account": {"InvalidParameterValueException", func(in *sdk.PutAnomalyDetectorInput) {
				in.SingleMetricAnomalyDetector.AccountId = aws.String("210987654321")
			}},
			"no queries":       {"MissingRequiredParameterException", onQueries()},
			"one metric":       {"InvalidParameterValueException", onQueries(shown(query("m1", "a", "Sum", 60)))},
			"two returned":     {"InvalidParameterValueException", onQueries(shown(query("m1", "a", "Sum", 60)), expression("e1", "m1 * 2"))},
			"several series":   {"InvalidParameterValueException", onQueries(hidden(query("m1", "a", "Sum", 60)), expression("e1", "METRICS()"))},
			"a band":           {"InvalidParameterValueException", onQueries(hidden(query("m1", "a", "Sum", 60)), expression("e1", "FIRST(ANOMALY_DETECTION_BAND(m1))"))},
			"short periods":    {"InvalidParameterValueException", onQueries(hidden(query("m1", "a", "Sum", 10)), expression("e1", "m1 * 2"))},
			"a time zone":      {"InvalidParameterValueException", configured(types.AnomalyDetectorConfiguration{MetricTimezone: aws.String("Mars/Base")})},
			"ranges":           {"InvalidParameterValueException", configured(types.AnomalyDetectorConfiguration{ExcludedTimeRanges: ranges})},
			"a range backward": {"InvalidParameterValueException", configured(types.AnomalyDetectorConfiguration{ExcludedTimeRanges: []types.Range{{StartTime: s.at("11:00:00"), EndTime: s.at("10:00:00")}}})},
			"a speed":          {"InvalidParameterValueException", configured(types.AnomalyDetectorConfiguration{AdaptationSpeed: "FAST"})},
			"a filter":         {"InvalidParameterValueException", configured(types.AnomalyDetectorConfiguration{OutlierFilteringStrength: "STRICT"})},
		} {
			in := cpuDetector()
			c.change(in)
			_, err := s.PutAnomalyDetector(t.Context(), in)
			if err == nil {
				t.Errorf("%s: accepted", name)
				continue
			}
			refused(t, err, c.code)
		}
		if got := s.detectors(&sdk.DescribeAnomalyDetectorsInput{AnomalyDetectorTypes: []types.AnomalyDetectorType{"SINGLE_METRIC", "METRIC_MATH"}}); len(got) != 0 {
			t.Errorf("refused detectors are there: %s", asJSON(got))
		}
	})
}

func TestBandOfGetMetricData(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		s.usual("cpu")
		band := func(id string) *sdk.GetMetricDataOutput {
			out, err := s.GetMetricData(t.Context(), &sdk.GetMetricDataInput{
				StartTime: aws.Time(s.at("16:50:00").Add(-36 * time.Hour)), EndTime: s.at("16:55:00"), ScanBy: types.ScanByTimestampAscending,
				MetricDataQueries: []types.MetricDataQuery{query("m1", "cpu", "Average", 300), expression("e1", "m1 * 10"), expression("ad1", "ANOMALY_DETECTION_BAND("+id+", 3)")},
			})
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		out := band("m1")
		if r := out.MetricDataResults; len(r) != 4 || len(r[2].Values) != 0 || len(out.Messages) != 1 || *out.Messages[0].Code != "NoAnomalyDetector" {
			t.Fatalf("without a detector: %s", asJSON(out.Messages))
		}
		if _, err := s.PutAnomalyDetector(t.Context(), cpuDetector()); err != nil {
			t.Fatal(err)
		}
		out = band("m1")
		m, upper, lower := out.MetricDataResults[0], out.MetricDataResults[2], out.MetricDataResults[3]
		if *upper.Id != "ad1" || *lower.Id != "ad1" || *upper.Label == *lower.Label || len(upper.Values) != len(m.Values) || len(m.Values) < 400 {
			t.Fatalf("%d values, %q with %d and %q with %d", len(m.Values), *upper.Label, len(upper.Values), *lower.Label, len(lower.Values))
		}
		for i, v := range m.Values {
			if v < lower.Values[i] || v > upper.Values[i] || upper.Values[i]-lower.Values[i] > 60 {
				t.Errorf("%s: %v is not within %v to %v", m.Timestamps[i], v, lower.Values[i], upper.Values[i])
			}
		}
		if got := band("e1"); len(got.MetricDataResults[2].Values) != 0 {
			t.Error("another expression has the band of the metric")
		}
	})
}

func TestAlarmOnABand(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		s.usual("cpu")
		topic := "arn:aws:sns:us-east-1:123456789012:ops"
		s.putAlarm(unusual("odd", func(in *sdk.PutMetricAlarmInput) { in.AlarmActions = []string{topic} }))
		s.putAlarm(unusual("low", func(in *sdk.PutMetricAlarmInput) {
			in.ComparisonOperator = types.ComparisonOperatorLessThanLowerThreshold
		}))
		d := s.describe("odd")
		if aws.ToString(d.ThresholdMetricId) != "ad1" || d.Threshold != nil || len(d.Metrics) != 2 {
			t.Errorf("got %s", asJSON(d))
		}
		if got := s.detectors(&sdk.DescribeAnomalyDetectorsInput{}); len(got) != 1 {
			t.Errorf("the alarm's detector is not there: %s", asJSON(got))
		}
		s.until("16:56:30")
		s.expect("odd", isOK)
		if got := *s.describe("odd").StateReason; !strings.Contains(got, "was not less than the lower thresholds [") || !strings.Contains(got, "] or not greater than the upper thresholds [") {
			t.Error(got)
		}
		s.report("cpu", "16:57:00", 400)
		s.report("cpu", "16:58:00", 300)
		s.until("17:00:30")
		s.expect("odd", isAlarm)
		s.expect("low", isOK)
		got := s.describe("odd")
		if !strings.HasPrefix(*got.StateReason, "Thresholds Crossed: 1 out of the last 1 datapoints [") || !strings.Contains(*got.StateReasonData, `"recentUpperThresholds":[`) {
			t.Errorf("got %s %s", *got.StateReason, *got.StateReasonData)
		}

		// Without a detector there is no band, and nothing is known.
		if _, err := s.DeleteAnomalyDetector(t.Context(), &sdk.DeleteAnomalyDetectorInput{SingleMetricAnomalyDetector: cpuDetector().SingleMetricAnomalyDetector}); err != nil {
			t.Fatal(err)
		}
		s.until("17:02:30")
		s.expect("odd", isInsufficient)
		if _, err := s.PutAnomalyDetector(t.Context(), cpuDetector()); err != nil {
			t.Fatal(err)
		}
		s.until("17:03:30")
		s.expect("odd", isAlarm)
	})
}

func TestAlarmOnTheBandOfMetricMath(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		s.usual("cpu")
		s.putAlarm(unusual("odd", onMath(hidden(query("m1", "cpu", "Average", 300)), expression("e1", "m1 * 10"), expression("ad1", "ANOMALY_DETECTION_BAND(e1)"))))
		s.until("16:57:00")
		s.expect("odd", isOK)
		s.report("cpu", "16:58:00", 400)
		s.until("17:00:30")
		s.expect("odd", isAlarm)
		if got := s.detectors(&sdk.DescribeAnomalyDetectorsInput{AnomalyDetectorTypes: []types.AnomalyDetectorType{"METRIC_MATH"}}); len(got) != 1 {
			t.Errorf("got %s", asJSON(got))
		}
	})
}

// Detectors and what alarms saw of bands outlive the process; models are learned again.
func TestBandsAfterARestart(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		s.usual("cpu")
		s.putAlarm(unusual("odd"))
		s.until("16:56:30")
		s.expect("odd", isOK)
		again := startService(t, s.store, s.clock)
		if got, want := asJSON(again.describe("odd")), asJSON(s.describe("odd")); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		got := again.detectors(&sdk.DescribeAnomalyDetectorsInput{})
		if len(got) != 1 || got[0].StateValue != types.AnomalyDetectorStateValuePendingTraining {
			t.Errorf("got %s", asJSON(got))
		}
	})
}

// What GetMetricData shows of past hours does not depend on when it is asked.
func TestPastBandsStay(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		s.usual("cpu")
		if _, err := s.PutAnomalyDetector(t.Context(), cpuDetector()); err != nil {
			t.Fatal(err)
		}
		band := func() string {
			out, err := s.GetMetricData(t.Context(), &sdk.GetMetricDataInput{
				StartTime: s.at("11:00:00"), EndTime: s.at("13:00:00"), MetricDataQueries: []types.MetricDataQuery{hidden(query("m1", "cpu", "Average", 300)), expression("ad1", "ANOMALY_DETECTION_BAND(m1)")},
			})
			if err != nil || len(out.MetricDataResults[0].Values) != 24 {
				t.Fatal(asJSON(out), err)
			}
			return asJSON(out.MetricDataResults)
		}
		before := band()
		s.until("23:00:00")
		if after := band(); after != before {
			t.Errorf("before %s\nafter  %s", before, after)
		}
	})
}

func TestAlarmsOnBandsRefused(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		for want, change := range map[string]func(*sdk.PutMetricAlarmInput){
			"ComparisonOperators for ranges require ThresholdMetricId to be set": func(in *sdk.PutMetricAlarmInput) { in.ThresholdMetricId = nil },
			"Threshold should not be set if ThresholdMetricId is set":            func(in *sdk.PutMetricAlarmInput) { in.Threshold = aws.Float64(1) },
			"ThresholdMetricId can be set only with":                             func(in *sdk.PutMetricAlarmInput) { in.ComparisonOperator = "GreaterThanThreshold" },
			"autoscaling actions not supported when ThresholdMetricId is set":    acting,
			"Exactly two elements of the metrics list should return data":        func(in *sdk.PutMetricAlarmInput) { in.Metrics[1].ReturnData = aws.Bool(false) },
			"exactly one metric matching the ThresholdMetricId parameter":        func(in *sdk.PutMetricAlarmInput) { in.ThresholdMetricId = aws.String("ad2") },
			"must be the Id of an ANOMALY_DETECTION_BAND":                        func(in *sdk.PutMetricAlarmInput) { in.Metrics[1].Expression = aws.String("m1 * 2") },
			"Period must be a multiple of 60":                                    func(in *sdk.PutMetricAlarmInput) { in.Metrics[0].MetricStat.Period = aws.Int32(10) },
			"The width of an ANOMALY_DETECTION_BAND must be greater than 0": func(in *sdk.PutMetricAlarmInput) {
				in.Metrics[1].Expression = aws.String("ANOMALY_DETECTION_BAND(m1, 0)")
			},
			"only as its ThresholdMetricId": func(in *sdk.PutMetricAlarmInput) {
				in.ComparisonOperator, in.ThresholdMetricId, in.Threshold = "GreaterThanThreshold", nil, aws.Float64(1)
				in.Metrics = []types.MetricDataQuery{hidden(query("m1", "cpu", "Average", 300)), expression("e1", "FIRST(ANOMALY_DETECTION_BAND(m1, 2))")}
			},
			"must be of the metric that the alarm watches": func(in *sdk.PutMetricAlarmInput) {
				in.Metrics = append(in.Metrics, hidden(query("m2", "cpu", "Sum", 300)))
				in.Metrics[1].Expression = aws.String("ANOMALY_DETECTION_BAND(m2, 2)")
			},
		} {
			_, err := s.PutMetricAlarm(t.Context(), unusual("odd", change))
			if err == nil {
				t.Errorf("%s: accepted", want)
				continue
			}
			refused(t, err, "ValidationError")
			if !strings.Contains(err.Error(), want) {
				t.Errorf("got  %v\nwant %s", err, want)
			}
		}
	})
}
