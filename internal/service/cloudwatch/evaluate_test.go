package cloudwatch_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/alarm"
)

const (
	isOK           = types.StateValueOk
	isAlarm        = types.StateValueAlarm
	isInsufficient = types.StateValueInsufficientData
)

func TestAlarmIsEvaluatedWhenItsPeriodCloses(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		s.putAlarm(alarmOn("high"))
		s.put("16:55:31", 99)
		s.until("16:55:59")
		s.expect("high", isInsufficient)
		s.until("16:56:00")
		s.expect("high", isAlarm)
		d := s.describe("high")
		if want := "Threshold Crossed: 1 datapoint [99.0 (21/11/26 16:55:00)] was greater than the threshold (50.0)."; *d.StateReason != want {
			t.Errorf("got %s\nwant %s", *d.StateReason, want)
		}
		if want := `{"version":"1.0","queryDate":"2026-11-21T16:56:00.000+0000","startDate":"2026-11-21T16:55:00.000+0000","statistic":"Average","period":60,"recentDatapoints":[99.0],"threshold":50.0,"evaluatedDatapoints":[{"timestamp":"2026-11-21T16:55:00.000+0000","sampleCount":1.0,"value":99.0}]}`; *d.StateReasonData != want {
			t.Errorf("got %s\nwant %s", *d.StateReasonData, want)
		}
	})
}

func TestLateDatapointIsEvaluatedAtOnce(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		s.putAlarm(alarmOn("high", acting))
		s.until("16:57:10")
		s.acted()
		s.put("16:56:40", 80)
		s.expect("high", isAlarm)
		acts := s.acted()
		if len(acts) != 1 || acts[0].Action != policy || acts[0].State != alarm.Alarm || acts[0].Threshold != 50 ||
			len(acts[0].Datapoints) != 1 || acts[0].Datapoints[0].Value != 80 {
			t.Errorf("got actions %+v", acts)
		}
	})
}

func TestNewAlarmIsEvaluatedSoonIfThereAreData(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		s.put("16:54:30", 99)
		s.putAlarm(alarmOn("high"))
		s.expect("high", isInsufficient)
		s.until("16:55:40")
		s.expect("high", isAlarm)
	})
}

func TestAlarmWithoutData(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		for _, treatment := range []string{"missing", "ignore", "breaching", "notBreaching"} {
			s.putAlarm(alarmOn(treatment, func(in *sdk.PutMetricAlarmInput) { in.TreatMissingData = &treatment }))
		}
		s.until("16:56:00")
		s.expect("missing", isInsufficient)
		s.expect("ignore", isInsufficient)
		s.expect("breaching", isAlarm)
		s.expect("notBreaching", isOK)
		if got := *s.describe("missing").StateReason; got != "Unchecked: Initial alarm creation" {
			t.Errorf("nothing changed, but the reason is %q", got)
		}
	})
}

func TestHighResolutionAlarm(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		s.putAlarm(alarmOn("fast", func(in *sdk.PutMetricAlarmInput) { in.Period = aws.Int32(10) }))
		s.until("16:55:41")
		s.publish(types.MetricDatum{MetricName: aws.String("cpu"), Value: aws.Float64(70), StorageResolution: aws.Int32(1)})
		s.until("16:55:49")
		s.expect("fast", isInsufficient)
		s.until("16:55:50")
		s.expect("fast", isAlarm)
		// Two more periods are looked at, then there is no data.
		s.until("16:56:10")
		s.expect("fast", isAlarm)
		s.until("16:56:20")
		s.expect("fast", isInsufficient)
	})
}

// A datapoint of standard resolution stands at the beginning of its minute, whenever
// it came.
func TestShortPeriodOnAStandardMetric(t *testing.T) {
	for _, at := range []string{"16:56:04", "16:56:31", "16:56:58"} {
		run(t, func(t *testing.T, s *service) {
			s.putAlarm(alarmOn("short", func(in *sdk.PutMetricAlarmInput) { in.Period = aws.Int32(10) }))
			s.until(at)
			s.publish(types.MetricDatum{MetricName: aws.String("cpu"), Value: aws.Float64(70)})
			s.until("16:57:00")
			s.expect("short", isAlarm)
			s.until("16:57:20")
			s.expect("short", isInsufficient)
		})
	}
}

func TestLongPeriodSlidesByTheMinute(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		s.putAlarm(alarmOn("five", func(in *sdk.PutMetricAlarmInput) { in.Period = aws.Int32(300) }))
		s.put("16:55:31", 99)
		s.until("16:56:00")
		s.expect("five", isAlarm)
		if want := "Threshold Crossed: 1 datapoint [99.0 (21/11/26 16:51:00)] was greater than the threshold (50.0)."; *s.describe("five").StateReason != want {
			t.Errorf("got %s", *s.describe("five").StateReason)
		}
	})
}

func TestLowSampleCount(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		p90 := func(option string) func(*sdk.PutMetricAlarmInput) {
			return func(in *sdk.PutMetricAlarmInput) {
				in.Statistic, in.ExtendedStatistic = "", aws.String("p90")
				in.EvaluateLowSampleCountPercentile = &option
			}
		}
		s.putAlarm(alarmOn("strict", p90("ignore")))
		s.putAlarm(alarmOn("hasty", p90("evaluate")))
		s.publish(types.MetricDatum{MetricName: aws.String("cpu"), Values: []float64{80, 90}, Counts: []float64{50, 49}})
		s.until("16:56:00")
		s.expect("strict", isInsufficient)
		s.expect("hasty", isAlarm)
		s.publish(types.MetricDatum{MetricName: aws.String("cpu"), Value: aws.Float64(80), Timestamp: s.at("16:55:59")})
		s.expect("strict", isAlarm)
	})
}

// Scaling actions repeat each minute; others are carried out once.
func TestScalingActionsRepeat(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		topic := "arn:aws:sns:us-east-1:123456789012:ops"
		s.putAlarm(alarmOn("high", func(in *sdk.PutMetricAlarmInput) { in.AlarmActions = []string{topic, policy} }))
		var times []string
		for minute := range 4 { // each minute a datapoint of the minute before, 2 s late
			time.Sleep(s.at("16:56:02").Add(time.Duration(minute) * time.Minute).Sub(s.clock.Now()))
			s.publish(types.MetricDatum{MetricName: aws.String("cpu"), Value: aws.Float64(float64(60 + minute)), Timestamp: aws.Time(s.clock.Now().Add(-30 * time.Second))})
			for _, n := range s.acted() {
				times = append(times, n.At.Format(time.TimeOnly))
				if n.Action != policy || n.Datapoints[0].Value != float64(60+minute) || n.Repeat != (minute > 0) || (n.Previous == n.State) != n.Repeat {
					t.Errorf("minute %d: %+v", minute, n)
				}
			}
		}
		same(t, "times of actions", times, []string{"16:56:02", "16:57:02", "16:58:02", "16:59:02"})
		same(t, "history", s.history("high"), []string{
			`Alarm "high" created`, "Alarm updated from INSUFFICIENT_DATA to ALARM",
			"Successfully executed action " + topic, "Successfully executed action " + policy,
		})
	})
}

// Alarms with a period that only the tag flyball:metric-period gives are in a hurry.
func TestScalingActionsOfShortPeriodsRepeatSooner(t *testing.T) {
	for period, want := range map[int32][]string{
		5:  {"16:56:05", "16:56:20", "16:56:30", "16:56:40", "16:56:50", "16:57:00"},
		10: {"16:56:05", "16:57:00"},
	} {
		run(t, func(t *testing.T, s *service) {
			s.until("16:56:00")
			s.putAlarm(alarmOn("TargetTracking-high", acting, func(in *sdk.PutMetricAlarmInput) {
				in.Period, in.TreatMissingData = aws.Int32(period), aws.String("breaching")
			}))
			s.until("16:57:02")
			var times []string
			for _, n := range s.acted() {
				times = append(times, n.At.Format(time.TimeOnly))
			}
			same(t, fmt.Sprintf("times of actions with a period of %d s", period), times, want)
		})
	}
}

func TestRepeatedActionDoesNotWaitForDataThatStopped(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		s.putAlarm(alarmOn("high", acting, func(in *sdk.PutMetricAlarmInput) { in.TreatMissingData = aws.String("breaching") }))
		s.until("17:00:30")
		var times []string
		for _, n := range s.acted() {
			times = append(times, n.At.Format(time.TimeOnly))
		}
		same(t, "times of actions", times, []string{"16:55:35", "16:57:00", "16:58:00", "16:59:00", "17:00:00"})
	})
}

func TestFailedActionIsInTheHistory(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		s.failure = errors.New("no such policy")
		s.putAlarm(alarmOn("high", acting))
		s.put("16:54:00", 99)
		s.until("16:56:30")
		same(t, "history", s.history("high")[2:], []string{`Failed to execute action ` + policy + `. Received error: "no such policy"`})
	})
}

func TestActionsOfAnAlarmComeInOrder(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		s.putAlarm(alarmOn("high", acting, func(in *sdk.PutMetricAlarmInput) { in.OKActions = []string{policy} }))
		var want, got []alarm.State
		for i := range 20 {
			to := []alarm.State{alarm.Alarm, alarm.OK}[i%2]
			s.setState("high", types.StateValue(to.String()), "try")
			want = append(want, to)
		}
		for _, n := range s.acted() {
			got = append(got, n.State)
		}
		same(t, "states", got, want)
	})
}

func TestDisabledAlarmDoesNotAct(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		s.putAlarm(alarmOn("high", acting, func(in *sdk.PutMetricAlarmInput) { in.ActionsEnabled = aws.Bool(false) }))
		s.put("16:55:31", 99)
		s.until("16:56:30")
		s.expect("high", isAlarm)
		if acts := s.acted(); len(acts) > 0 {
			t.Errorf("acted: %+v", acts)
		}
		if _, err := s.EnableAlarmActions(t.Context(), &sdk.EnableAlarmActionsInput{AlarmNames: []string{"high"}}); err != nil {
			t.Fatal(err)
		}
		s.put("16:56:31", 99)
		s.until("16:57:00")
		if acts := s.acted(); len(acts) != 1 {
			t.Errorf("enabled while in ALARM: got %d actions, want 1", len(acts))
		}
	})
}

func (s *service) setState(name string, to types.StateValue, why string) {
	s.t.Helper()
	_, err := s.SetAlarmState(s.t.Context(), &sdk.SetAlarmStateInput{AlarmName: &name, StateValue: to, StateReason: &why})
	if err != nil {
		s.t.Fatal(err)
	}
}

func TestSetAlarmStateLastsUntilTheNextEvaluation(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		s.putAlarm(alarmOn("high", acting))
		s.put("16:55:31", 10)
		s.until("16:56:10")
		s.expect("high", isOK)
		s.setState("high", isAlarm, "a drill")
		s.expect("high", isAlarm)
		if d := s.describe("high"); *d.StateReason != "a drill" || d.StateReasonData != nil {
			t.Errorf("reason %q, data %v", *d.StateReason, d.StateReasonData)
		}
		if acts := s.acted(); len(acts) != 1 || acts[0].Reason != "a drill" || len(acts[0].Datapoints) != 0 {
			t.Errorf("got actions %+v", acts)
		}
		s.until("16:57:00")
		s.expect("high", isOK)
		same(t, "history", s.history("high")[1:], []string{
			"Alarm updated from INSUFFICIENT_DATA to OK", "Alarm updated from OK to ALARM",
			"Successfully executed action " + policy, "Alarm updated from ALARM to OK",
		})
	})
}

func TestUpdatedAlarmKeepsItsState(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		s.putAlarm(alarmOn("high"))
		s.put("16:55:31", 99)
		s.until("16:56:10")
		before := s.describe("high")
		s.putAlarm(alarmOn("high", func(in *sdk.PutMetricAlarmInput) { in.Threshold = aws.Float64(200) }))
		after := s.describe("high")
		if after.StateValue != isAlarm || *after.StateReason != *before.StateReason || !after.StateUpdatedTimestamp.Equal(*before.StateUpdatedTimestamp) {
			t.Errorf("got %s since %v: %s", after.StateValue, after.StateUpdatedTimestamp, *after.StateReason)
		}
		s.until("16:56:20")
		s.expect("high", isOK)
	})
}

func TestDeletedAlarmIsNotEvaluated(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		s.putAlarm(alarmOn("high", acting))
		s.putAlarm(alarmOn("other"))
		if _, err := s.DeleteAlarms(t.Context(), &sdk.DeleteAlarmsInput{AlarmNames: []string{"high"}}); err != nil {
			t.Fatal(err)
		}
		s.put("16:54:31", 99)
		s.until("16:58:00")
		if acts := s.acted(); len(acts) > 0 {
			t.Errorf("acted: %+v", acts)
		}
		s.expect("other", isInsufficient)
		same(t, "history", s.history("high"), []string{`Alarm "high" created`, `Alarm "high" deleted`})
	})
}

// A restart brings alarms back as they were. What they would have seen
// meanwhile is not made up for; evaluation goes on from now.
func TestRestart(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		s.putAlarm(alarmOn("high", acting, func(in *sdk.PutMetricAlarmInput) {
			in.DatapointsToAlarm, in.EvaluationPeriods = aws.Int32(1), aws.Int32(2)
			in.AlarmDescription = aws.String("too hot")
			in.Dimensions = []types.Dimension{{Name: aws.String("b"), Value: aws.String("2")}, {Name: aws.String("a"), Value: aws.String("1")}}
			in.Tags = []types.Tag{{Key: aws.String("team"), Value: aws.String("web")}}
		}))
		s.publish(types.MetricDatum{MetricName: aws.String("cpu"), Value: aws.Float64(99), Timestamp: s.at("16:54:40"),
			Dimensions: []types.Dimension{{Name: aws.String("a"), Value: aws.String("1")}, {Name: aws.String("b"), Value: aws.String("2")}}})
		s.expect("high", isAlarm)
		before, history := s.describe("high"), s.history("high") // which is on disk

		again := startService(t, s.store, s.clock)
		after := again.describe("high")
		if a, b := asJSON(before), asJSON(after); a != b {
			t.Errorf("before %s\nafter  %s", a, b)
		}
		same(t, "history", again.history("high"), history)
		tags, err := again.ListTagsForResource(t.Context(), &sdk.ListTagsForResourceInput{ResourceARN: after.AlarmArn})
		if err != nil || len(tags.Tags) != 1 || *tags.Tags[0].Value != "web" {
			t.Errorf("tags %v, %v", tags, err)
		}
		again.until("17:05:00")
		again.expect("high", isInsufficient)
	})
}

func TestHistoryIsKeptForThirtyDays(t *testing.T) {
	const speed = 3600
	runAt(t, speed, func(t *testing.T, s *service) {
		s.putAlarm(alarmOn("high"))
		time.Sleep(29 * 24 * time.Hour / speed)
		s.setState("high", isAlarm, "a drill")
		if n := len(s.history("high")); n != 2 {
			t.Errorf("after 29 days: %d items, want 2", n)
		}
		time.Sleep(26 * time.Hour / speed)
		same(t, "history", s.history("high")[:1], []string{"Alarm updated from INSUFFICIENT_DATA to ALARM"})
		all, err := s.DescribeAlarmHistory(t.Context(), &sdk.DescribeAlarmHistoryInput{})
		if err != nil || len(all.AlarmHistoryItems) != len(s.history("high")) {
			t.Errorf("all history: %v, %v", all, err)
		}
	})
}
