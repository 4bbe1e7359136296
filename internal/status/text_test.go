package status

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	aastypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"

	"flyball/internal/resource"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// shown is a status with one of everything.
func shown() *Status {
	return &Status{
		Endpoint: "http://127.0.0.1:4566", Region: "us-east-1", Now: noon, Speed: 60,
		Resources: []Resource{
			{Kind: resource.Service, Name: "demo/api", Desired: 3, State: Failing, Why: []string{
				"failed to launch a task with (error CannotPullContainerError: image shop/api:latest is neither built in nor in a registry)."}},
			{Kind: resource.Service, Name: "demo/web", Desired: 2, Running: 2, Healthy: aws.Int(2), State: Steady, Target: &Target{
				Min: 1, Max: 10, Suspended: []string{"scale-in"},
				Policies: []Policy{
					{Name: "cpu", Type: "TargetTrackingScaling", Rule: "ECSServiceAverageCPUUtilization at 50", Goal: aws.Float64(50), Value: aws.Float64(47.21),
						At: noon.Add(-time.Minute), Alarms: []Alarm{
							{Name: "high", State: "OK", Since: noon.Add(-272 * time.Second), Rule: "Average > 50 for 3 of 3 x 60 s"},
							{Name: "low", State: "INSUFFICIENT_DATA", Since: noon.Add(-26 * time.Hour), Rule: "Average < 45 for 15 of 15 x 60 s"}}},
					{Name: "load", Type: "PredictiveScaling", Rule: "ForecastOnly of ECSServiceCPUUtilization at 40",
						Forecast: &Forecast{Hours: []Hour{{noon, 2}, {noon.Add(time.Hour), 4}}}},
				},
				Schedules: []Schedule{{Name: "nightly", Rule: "cron(0 0 * * ? *) Europe/Berlin", Next: noon.Add(11 * time.Hour), Min: aws.Int32(1)}},
			}},
		},
		Alarms: []Alarm{{Name: "busy", State: "ALARM", Since: noon.Add(-time.Hour), Rule: "Sum > 5 for 1 of 1 x 60 s"}},
	}
}

func TestTheStateIsReadable(t *testing.T) {
	const want = `http://127.0.0.1:4566  us-east-1  2026-03-01 12:00:00 UTC  (60x speed)

SERVICE     RUNNING  HEALTHY    MIN-MAX        METRIC  STATE
demo/api        0/3        -          -             -  failing
demo/web        2/2        2       1-10       47.2/50  steady

demo/api
  failing: failed to launch a task with (error CannotPullContainerError: image
    shop/api:latest is neither built in nor in a registry).

demo/web
  suspended: scale-in
  policy cpu: ECSServiceAverageCPUUtilization at 50, is 47.2 since 11:59:00
    OK         4m32s  Average > 50 for 3 of 3 x 60 s
    NO DATA     1d2h  Average < 45 for 15 of 15 x 60 s
  policy load: ForecastOnly of ECSServiceCPUUtilization at 40
    forecast capacity: 2 at 12:00, 4 at 13:00
  schedule nightly: cron(0 0 * * ? *) Europe/Berlin; next 2026-03-01 23:00 UTC,
    in 11h, min 1

ALARMS OF NO POLICY
    ALARM         1h  busy: Sum > 5 for 1 of 1 x 60 s
`
	var out strings.Builder
	if err := shown().WriteText(&out); err != nil || out.String() != want {
		t.Errorf("%v\n%s\nwant\n%s", err, out.String(), want)
	}
	for line := range strings.Lines(out.String()) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > lineWidth {
			t.Errorf("a line has %d columns: %s", n, line)
		}
	}
}

func TestOfManyServicesThoseThatFailAreToldOfInDetail(t *testing.T) {
	s := shown()
	for range detailed {
		s.Resources = append(s.Resources, Resource{Kind: resource.Service, Name: "demo/" + strings.Repeat("long", 10), Target: &Target{}})
	}
	var out strings.Builder
	if err := s.WriteText(&out); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	if !strings.Contains(text, "failing: failed to launch") || strings.Contains(text, "policy cpu") || !strings.Contains(text, "of one: flyball status demo/api") {
		t.Errorf("%s", text)
	}
}

func TestAStateIsTheSameWhenOnlyTimeHasPassed(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*Status)
		same   bool
	}{
		"a minute later":     {func(s *Status) { s.Now = s.Now.Add(time.Minute) }, true},
		"another datapoint":  {func(s *Status) { s.Resources[1].Target.Policies[0].At = s.Now }, true},
		"another value":      {func(s *Status) { s.Resources[1].Target.Policies[0].Value = aws.Float64(1) }, false},
		"a task more":        {func(s *Status) { s.Resources[1].Running++ }, false},
		"an alarm":           {func(s *Status) { s.Alarms[0].State = "OK" }, false},
		"a service that was": {func(s *Status) { s.Resources = s.Resources[1:] }, false},
	} {
		s := shown()
		tt.change(s)
		if s.Same(shown()) != tt.same {
			t.Errorf("%s: the same is %v, want %v", name, !tt.same, tt.same)
		}
	}
	if shown().Same(nil) {
		t.Error("a state is the same as none")
	}
}

func TestTheNextRunOfASchedule(t *testing.T) {
	for _, tt := range []struct {
		name   string
		action aastypes.ScheduledAction
		want   string
	}{
		{"in its time zone", aastypes.ScheduledAction{Schedule: aws.String("cron(0 9 * * ? *)"), Timezone: aws.String("Asia/Tokyo")}, "2026-03-02T00:00:00Z"},
		{"a rate counts from its creation", aastypes.ScheduledAction{Schedule: aws.String("rate(1 hour)"), CreationTime: aws.Time(noon.Add(-10 * time.Minute))}, "2026-03-01T12:50:00Z"},
		{"not after its end", aastypes.ScheduledAction{Schedule: aws.String("cron(0 9 * * ? *)"), EndTime: aws.Time(noon.Add(time.Hour))}, "0001-01-01T00:00:00Z"},
		{"at a time that is over", aastypes.ScheduledAction{Schedule: aws.String("at(2026-02-01T00:00:00)")}, "0001-01-01T00:00:00Z"},
	} {
		if got := nextRun(tt.action, noon).Format(time.RFC3339); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}
