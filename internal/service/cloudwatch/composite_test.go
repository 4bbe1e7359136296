package cloudwatch_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

const topic = "arn:aws:sns:us-east-1:123456789012:ops"

func (s *service) putComposite(name, rule string, changes ...func(*sdk.PutCompositeAlarmInput)) {
	s.t.Helper()
	in := &sdk.PutCompositeAlarmInput{AlarmName: &name, AlarmRule: &rule, AlarmActions: []string{topic}}
	for _, change := range changes {
		change(in)
	}
	if _, err := s.PutCompositeAlarm(s.t.Context(), in); err != nil {
		s.t.Fatal(err)
	}
}

func (s *service) composite(name string) types.CompositeAlarm {
	s.t.Helper()
	out, err := s.DescribeAlarms(s.t.Context(), &sdk.DescribeAlarmsInput{AlarmNames: []string{name}, AlarmTypes: []types.AlarmType{types.AlarmTypeCompositeAlarm}})
	if err != nil || len(out.CompositeAlarms) != 1 {
		s.t.Fatalf("alarm %s: %v, %v", name, out, err)
	}
	return out.CompositeAlarms[0]
}

func TestCompositeAlarmFollowsItsChildren(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		s.putAlarm(alarmOn("cpu"))
		s.putAlarm(alarmOn("disk"))
		s.putComposite("both", `ALARM(cpu) AND ALARM("arn:aws:cloudwatch:us-east-1:123456789012:alarm:disk")`)
		s.putComposite("outer", `NOT OK(both)`)
		d := s.composite("both")
		if want := "arn:aws:cloudwatch:us-east-1:123456789012:alarm:both was created and its alarm rule evaluates to OK"; d.StateValue != isOK || *d.StateReason != want {
			t.Errorf("new: %s, %s", d.StateValue, *d.StateReason)
		}
		s.setState("cpu", isAlarm, "a drill")
		if d := s.composite("both"); d.StateValue != isOK {
			t.Errorf("one of two: %s", d.StateValue)
		}
		s.setState("disk", isAlarm, "a drill")
		d = s.composite("both")
		if want := "arn:aws:cloudwatch:us-east-1:123456789012:alarm:disk transitioned to ALARM at Saturday 21 November, 2026 16:55:30 UTC"; d.StateValue != isAlarm || *d.StateReason != want {
			t.Errorf("both: %s, %s", d.StateValue, *d.StateReason)
		}
		if want := `{"triggeringAlarms":[{"arn":"arn:aws:cloudwatch:us-east-1:123456789012:alarm:disk","state":{"value":"ALARM","timestamp":"2026-11-21T16:55:30.000+0000"}}]}`; *d.StateReasonData != want {
			t.Errorf("got %s", *d.StateReasonData)
		}
		if d := s.composite("outer"); d.StateValue != isAlarm {
			t.Errorf("composite of a composite: %s", d.StateValue)
		}
		same(t, "history", s.history("both"), []string{
			`Alarm "both" created`, "Alarm updated from INSUFFICIENT_DATA to OK",
			"Alarm updated from OK to ALARM", "Successfully executed action " + topic,
		})
	})
}

func TestCompositeAlarmRefusals(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		for rule, want := range map[string]string{
			"ALARM(nobody) OR OK(noone)": "Could not save the composite alarm as alarms [nobody, noone] in the alarm rule do not exist",
			"ALARM(nobody":               "AlarmRule cannot be parsed",
			strings.Repeat("(", 10_241):  "AlarmRule must not be longer",
			"OK(c)":                      "A composite alarm cannot have a child relation with itself via its AlarmRule",
			"TRUE\n":                     "AlarmRule must not contain leading or trailing whitespace or be null",
			" TRUE":                      "AlarmRule must not contain leading or trailing whitespace or be null",
		} {
			_, err := s.PutCompositeAlarm(t.Context(), &sdk.PutCompositeAlarmInput{AlarmName: aws.String("c"), AlarmRule: &rule})
			refused(t, err, "ValidationError")
			if err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("%.20s: got %v, want %s", rule, err, want)
			}
		}
		s.putAlarm(alarmOn("cpu"))
		_, err := s.PutCompositeAlarm(t.Context(), &sdk.PutCompositeAlarmInput{AlarmName: aws.String("cpu"), AlarmRule: aws.String("TRUE")})
		refused(t, err, "ValidationError")
		s.expect("cpu", isInsufficient)
	})
}

func TestAlarmThatACompositeNeedsIsNotDeleted(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		s.putAlarm(alarmOn("cpu"))
		s.putAlarm(alarmOn("other"))
		s.putComposite("c", "ALARM(cpu)")
		_, err := s.DeleteAlarms(t.Context(), &sdk.DeleteAlarmsInput{AlarmNames: []string{"other", "cpu"}})
		refused(t, err, "ValidationError")
		s.describe("other") // nothing was deleted
		if _, err := s.DeleteAlarms(t.Context(), &sdk.DeleteAlarmsInput{AlarmNames: []string{"cpu", "c"}}); err != nil {
			t.Errorf("together: %v", err)
		}
	})
}

// AWS lets a client make a cycle, and stops to evaluate the alarms in it.
func TestCompositeAlarmsInACycleAreNotEvaluated(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		s.putComposite("a", "FALSE")
		s.putComposite("b", "ALARM(a)")
		s.putComposite("a", "NOT ALARM(b)")
		s.setState("b", isAlarm, "a drill")
		if d := s.composite("a"); d.StateValue != isOK {
			t.Errorf("got %s", d.StateValue)
		}
		_, err := s.DeleteAlarms(t.Context(), &sdk.DeleteAlarmsInput{AlarmNames: []string{"a"}})
		refused(t, err, "ValidationError")
		s.putComposite("a", "FALSE")
		if _, err := s.DeleteAlarms(t.Context(), &sdk.DeleteAlarmsInput{AlarmNames: []string{"b"}}); err != nil {
			t.Errorf("after the cycle is broken: %v", err)
		}
	})
}

func TestRelatives(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		s.putAlarm(alarmOn("cpu"))
		s.putComposite("c", "ALARM(cpu)")
		s.putComposite("d", "ALARM(cpu) OR ALARM(c)")
		children, err := s.DescribeAlarms(t.Context(), &sdk.DescribeAlarmsInput{ChildrenOfAlarmName: aws.String("d")})
		if err != nil || len(children.MetricAlarms) != 1 || len(children.CompositeAlarms) != 1 ||
			children.MetricAlarms[0].StateValue != isInsufficient || children.MetricAlarms[0].Threshold != nil {
			t.Errorf("children: %s, %v", asJSON(children), err)
		}
		parents, err := s.DescribeAlarms(t.Context(), &sdk.DescribeAlarmsInput{ParentsOfAlarmName: aws.String("cpu")})
		if err != nil || len(parents.CompositeAlarms) != 2 || *parents.CompositeAlarms[1].AlarmName != "d" || parents.CompositeAlarms[1].StateValue != "" {
			t.Errorf("parents: %s, %v", asJSON(parents), err)
		}
		_, err = s.DescribeAlarms(t.Context(), &sdk.DescribeAlarmsInput{ParentsOfAlarmName: aws.String("cpu"), StateValue: isOK})
		refused(t, err, "ValidationError")
	})
}

// "Alarm suppression" in the CloudWatch User Guide: the actions wait up to the
// wait period for the suppressor, and up to the extension period after it.
func TestActionsSuppressor(t *testing.T) {
	suppressed := func(in *sdk.PutCompositeAlarmInput) {
		in.ActionsSuppressor = aws.String("deploy")
		in.ActionsSuppressorWaitPeriod, in.ActionsSuppressorExtensionPeriod = aws.Int32(120), aws.Int32(180)
	}
	start := func(s *service) {
		s.putAlarm(alarmOn("cpu", func(in *sdk.PutMetricAlarmInput) { in.TreatMissingData = aws.String("ignore") }))
		s.putAlarm(alarmOn("deploy", func(in *sdk.PutMetricAlarmInput) { in.TreatMissingData = aws.String("ignore") }))
		s.putComposite("c", "ALARM(cpu)", suppressed)
		s.until("17:00:00") // the wait period of the first state is over
	}
	acts := func(s *service) (n int) {
		for _, line := range s.history("c") {
			if strings.Contains(line, "executed action") {
				n++
			}
		}
		return n
	}
	by := func(s *service, want types.ActionsSuppressedBy) {
		s.t.Helper()
		synctest.Wait()
		d := s.composite("c")
		if d.ActionsSuppressedBy != want || want != "" && *d.ActionsSuppressedReason != "Actions suppressed by "+string(want) {
			s.t.Errorf("%s: suppressed by %q, want %q", s.clock.Now().Format("15:04:05"), d.ActionsSuppressedBy, want)
		}
	}
	t.Run("the suppressor does not come within the wait period", func(t *testing.T) {
		run(t, func(t *testing.T, s *service) {
			start(s)
			s.setState("cpu", isAlarm, "a drill")
			by(s, types.ActionsSuppressedByWaitPeriod)
			s.until("17:01:59")
			if acts(s) != 0 {
				t.Error("acted before the end of the wait period")
			}
			s.until("17:02:00")
			by(s, "")
			if acts(s) != 1 {
				t.Error("did not act after the wait period")
			}
		})
	})
	t.Run("the suppressor comes, and the alarm outlasts it", func(t *testing.T) {
		run(t, func(t *testing.T, s *service) {
			start(s)
			s.setState("cpu", isAlarm, "a drill")
			s.until("17:01:00")
			s.setState("deploy", isAlarm, "a drill")
			by(s, types.ActionsSuppressedByAlarm)
			s.until("17:30:00")
			s.setState("deploy", isOK, "a drill")
			by(s, types.ActionsSuppressedByExtensionPeriod)
			s.until("17:32:59")
			if acts(s) != 0 {
				t.Error("acted before the end of the extension period")
			}
			s.until("17:33:00")
			by(s, "")
			if acts(s) != 1 {
				t.Error("did not act after the extension period")
			}
		})
	})
	t.Run("the alarm is over before the suppressor", func(t *testing.T) {
		run(t, func(t *testing.T, s *service) {
			start(s)
			s.setState("deploy", isAlarm, "a drill")
			s.setState("cpu", isAlarm, "a drill")
			by(s, types.ActionsSuppressedByAlarm)
			s.setState("cpu", isOK, "a drill")
			s.setState("deploy", isOK, "a drill")
			s.until("17:10:00")
			by(s, "")
			if acts(s) != 0 {
				t.Error("acted on an alarm that nobody saw")
			}
		})
	})
}
