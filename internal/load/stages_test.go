package load

import (
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestStagesAreReadAsTheyAreWritten(t *testing.T) {
	const s, m = time.Second, time.Minute
	for text, want := range map[string]struct {
		schedule Schedule
		open     bool
	}{
		"2m:50":                     {Schedule{{2 * m, 50}}, false},
		"2m:50, 1m30s:0":            {Schedule{{2 * m, 50}, {90 * s, 0}}, false},
		"ramp 2m:50/s":              {Schedule{{2 * m, 50}}, true},
		"0s:20,steady 5m":           {Schedule{{0, 20}, {5 * m, 20}}, false},
		"steady 5m:7.5/s":           {Schedule{{0, 7.5}, {5 * m, 7.5}}, true},
		"1m:20/s, spike 30s:400 /s": {Schedule{{m, 20}, {0, 400}, {30 * s, 400}, {0, 20}}, true},
		"1m:10 # up\n# there\nsteady 1m\n\n1m:0\n": {Schedule{{m, 10}, {m, 10}, {m, 0}}, false},
	} {
		schedule, open, err := ParseStages(text)
		if err != nil || open != want.open || !reflect.DeepEqual(schedule, want.schedule) {
			t.Errorf("%q: %v, %v, %v; want %v, %v", text, schedule, open, err, want.schedule, want.open)
		}
	}
}

func TestWhatIsNoStageIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"":                             "a stage is a duration and a level",
		"5m":                           "a ramp needs a level, such as 5m:50",
		"steady 5m":                    "a stage is a duration and a level",
		"spike 30s":                    "a spike needs a level",
		"50":                           `"50" is not a duration`,
		"-1m:5":                        `"-1m" is not a duration`,
		"1m:many":                      `"many" is not a level`,
		"1m:-5":                        `"-5" is not a level`,
		"1m:NaN":                       `"NaN" is not a level`,
		"1m:5/m":                       `"5/m" is not a level`,
		"jump 1m:5":                    `"jump" is none of ramp, steady and spike`,
		"1m:5, 1m:5/s":                 "some stages are of users",
		"0s:5":                         "needs a duration",
		"1m:2000000":                   "it is 0 to 1000000",
		"9000h:5":                      "takes less than",
		strings.Repeat("1s:1,", 10001): "more than 10000 stages",
	} {
		if _, _, err := ParseStages(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.30q: %v, want %q", text, err, want)
		}
	}
}

func FuzzParseStages(f *testing.F) {
	f.Add("2m:50,steady 5m,spike 30s:400,1m:0")
	f.Add("ramp 1s:5/s # up\n0s:3/s")
	f.Fuzz(func(t *testing.T, text string) {
		s, _, err := ParseStages(text)
		if err == nil && s.Check() != nil {
			t.Errorf("%q was read as %v, which is no load", text, s)
		}
	})
}

func TestATraceHasTheRequestsOfItsSteps(t *testing.T) {
	s, err := Trace([]float64{60, 120, math.NaN(), 30}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	for minutes, want := range []float64{0, 60, 180, 180, 210} {
		if total := s.Total(time.Duration(minutes) * time.Minute); total != want {
			t.Errorf("%v requests in %d min, want %v", total, minutes, want)
		}
	}
	if first := s.First(90 * time.Second); first.Duration() != 90*time.Second || first.Total(time.Hour) != 120 {
		t.Errorf("the first 90 s are %v long with %v requests, want 120", first.Duration(), first.Total(time.Hour))
	}
	if ramp := Ramp(60, time.Minute, time.Minute, 0).First(30 * time.Second); ramp.Level(time.Hour) != 30 {
		t.Errorf("half of a ramp to 60 goes to %v", ramp.Level(time.Hour))
	}
	if _, err := Trace([]float64{1, -1}, time.Minute); err == nil {
		t.Error("a step of less than no requests was taken")
	}
}
