package cloudwatch_test

import (
	"encoding/json"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// told is what a topic was told of an alarm last.
func (s *service) told(name string) string {
	s.t.Helper()
	synctest.Wait()
	out, err := s.DescribeAlarmHistory(s.t.Context(), &sdk.DescribeAlarmHistoryInput{AlarmName: &name, HistoryItemType: types.HistoryItemTypeAction})
	if err != nil || len(out.AlarmHistoryItems) == 0 {
		s.t.Fatalf("no action of %s: %v", name, err)
	}
	var action, message struct{ PublishedMessage, Default string }
	if err := json.Unmarshal([]byte(*out.AlarmHistoryItems[0].HistoryData), &action); err != nil {
		s.t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(action.PublishedMessage), &message); err != nil {
		s.t.Fatal(err)
	}
	return message.Default
}

// The members and their order are those of messages that CloudWatch sent.
func TestMessageOfAMetricAlarm(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		s.putAlarm(alarmOn("a", func(in *sdk.PutMetricAlarmInput) {
			in.AlarmDescription, in.AlarmActions, in.OKActions = aws.String("too busy"), []string{topic}, []string{topic}
			in.Dimensions = []types.Dimension{{Name: aws.String("InstanceId"), Value: aws.String("abc")}}
			in.Unit, in.TreatMissingData = types.StandardUnitSeconds, aws.String("ignore")
		}))
		s.setState("a", isAlarm, "testing alarm")
		if got, want := s.told("a"), `{"AlarmName":"a","AlarmDescription":"too busy","AWSAccountId":"123456789012","AlarmConfigurationUpdatedTimestamp":"2026-11-21T16:55:30.000+0000","NewStateValue":"ALARM","NewStateReason":"testing alarm","StateChangeTime":"2026-11-21T16:55:30.000+0000","Region":"US East (N. Virginia)","AlarmArn":"arn:aws:cloudwatch:us-east-1:123456789012:alarm:a","OldStateValue":"INSUFFICIENT_DATA","OKActions":["arn:aws:sns:us-east-1:123456789012:ops"],"AlarmActions":["arn:aws:sns:us-east-1:123456789012:ops"],"InsufficientDataActions":[],"Trigger":{"MetricName":"cpu","Namespace":"test","StatisticType":"Statistic","Statistic":"AVERAGE","Unit":"Seconds","Dimensions":[{"value":"abc","name":"InstanceId"}],"Period":60,"EvaluationPeriods":1,"DatapointsToAlarm":1,"ComparisonOperator":"GreaterThanThreshold","Threshold":50.0,"TreatMissingData":"ignore","EvaluateLowSampleCountPercentile":""}}`; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}

func TestTriggers(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		for name, c := range map[string]struct {
			change func(*sdk.PutMetricAlarmInput)
			want   string
		}{
			"two words": {func(in *sdk.PutMetricAlarmInput) { in.Statistic = types.StatisticSampleCount },
				`{"MetricName":"cpu","Namespace":"test","StatisticType":"Statistic","Statistic":"SAMPLE_COUNT","Unit":null,"Dimensions":[],"Period":60,"EvaluationPeriods":1,"DatapointsToAlarm":1,"ComparisonOperator":"GreaterThanThreshold","Threshold":50.0,"TreatMissingData":"missing","EvaluateLowSampleCountPercentile":""}`},
			"a percentile": {func(in *sdk.PutMetricAlarmInput) {
				in.Statistic, in.ExtendedStatistic, in.EvaluateLowSampleCountPercentile = "", aws.String("p90"), aws.String("ignore")
				in.EvaluationPeriods, in.DatapointsToAlarm = aws.Int32(3), aws.Int32(2)
			},
				`{"MetricName":"cpu","Namespace":"test","StatisticType":"ExtendedStatistic","ExtendedStatistic":"p90","Unit":null,"Dimensions":[],"Period":60,"EvaluationPeriods":3,"DatapointsToAlarm":2,"ComparisonOperator":"GreaterThanThreshold","Threshold":50.0,"TreatMissingData":"missing","EvaluateLowSampleCountPercentile":"ignore"}`},
			"metric math": {func(in *sdk.PutMetricAlarmInput) {
				in.Metrics = []types.MetricDataQuery{labelled(expression("e", "m * 2"), "twice"), hidden(ofService("m", "web", "Sum", 60))}
				in.Namespace, in.MetricName, in.Statistic, in.Period = nil, nil, "", nil
			},
				`{"Period":60,"EvaluationPeriods":1,"DatapointsToAlarm":1,"ComparisonOperator":"GreaterThanThreshold","Threshold":50.0,"TreatMissingData":"missing","EvaluateLowSampleCountPercentile":"","Metrics":[{"Expression":"m * 2","Id":"e","Label":"twice","ReturnData":true},{"Id":"m","MetricStat":{"Metric":{"Dimensions":[{"value":"prod","name":"ClusterName"},{"value":"web","name":"ServiceName"}],"MetricName":"CPUUtilization","Namespace":"AWS/ECS"},"Period":60,"Stat":"Sum"},"ReturnData":false}]}`},
			"a band": {func(in *sdk.PutMetricAlarmInput) {
				in.Metrics = []types.MetricDataQuery{expression("ad1", "ANOMALY_DETECTION_BAND(m, 2)"), shown(query("m", "cpu", "Average", 300))}
				in.Namespace, in.MetricName, in.Statistic, in.Period, in.Threshold = nil, nil, "", nil, nil
				in.ThresholdMetricId, in.ComparisonOperator = aws.String("ad1"), types.ComparisonOperatorGreaterThanUpperThreshold
			},
				`{"Period":300,"EvaluationPeriods":1,"DatapointsToAlarm":1,"ComparisonOperator":"GreaterThanUpperThreshold","ThresholdMetricId":"ad1","TreatMissingData":"missing","EvaluateLowSampleCountPercentile":"","Metrics":[{"Expression":"ANOMALY_DETECTION_BAND(m, 2)","Id":"ad1","ReturnData":true},{"Id":"m","MetricStat":{"Metric":{"Dimensions":[],"MetricName":"cpu","Namespace":"test"},"Period":300,"Stat":"Average"},"ReturnData":true}]}`},
			"a selection": {func(in *sdk.PutMetricAlarmInput) {
				in.Metrics = []types.MetricDataQuery{perMinute("q", "SELECT MAX(cpu) FROM test")}
				in.Namespace, in.MetricName, in.Statistic, in.Period = nil, nil, "", nil
			},
				`{"Period":60,"EvaluationPeriods":1,"DatapointsToAlarm":1,"ComparisonOperator":"GreaterThanThreshold","Threshold":50.0,"TreatMissingData":"missing","EvaluateLowSampleCountPercentile":"","Metrics":[{"Expression":"SELECT MAX(cpu) FROM test","Id":"q","Period":60,"ReturnData":true}]}`},
		} {
			s.putAlarm(alarmOn(name, c.change, func(in *sdk.PutMetricAlarmInput) { in.AlarmActions = []string{topic} }))
			s.setState(name, isAlarm, "a drill")
			var message struct{ Trigger json.RawMessage }
			if err := json.Unmarshal([]byte(s.told(name)), &message); err != nil || string(message.Trigger) != c.want {
				t.Errorf("%s:\ngot  %s, %v\nwant %s", name, message.Trigger, err, c.want)
			}
		}
	})
}

func TestMessageOfACompositeAlarm(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		s.putAlarm(alarmOn("cpu"))
		s.putComposite("c", "ALARM(cpu)")
		s.setState("cpu", isAlarm, "a drill")
		if got, want := s.told("c"), `{"AlarmName":"c","AlarmDescription":null,"AWSAccountId":"123456789012","AlarmConfigurationUpdatedTimestamp":"2026-11-21T16:55:30.000+0000","NewStateValue":"ALARM","NewStateReason":"arn:aws:cloudwatch:us-east-1:123456789012:alarm:cpu transitioned to ALARM at Saturday 21 November, 2026 16:55:30 UTC","StateChangeTime":"2026-11-21T16:55:30.000+0000","Region":"US East (N. Virginia)","AlarmArn":"arn:aws:cloudwatch:us-east-1:123456789012:alarm:c","OldStateValue":"OK","OKActions":[],"AlarmActions":["arn:aws:sns:us-east-1:123456789012:ops"],"InsufficientDataActions":[],"AlarmRule":"ALARM(cpu)","TriggeringChildren":[{"Arn":"arn:aws:cloudwatch:us-east-1:123456789012:alarm:cpu","State":{"Value":"ALARM","Timestamp":"2026-11-21T16:55:30.000+0000"}}]}`; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}
