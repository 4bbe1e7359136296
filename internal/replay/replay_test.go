package replay_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"flyball/internal/forecasting"
	"flyball/internal/replay"
	"flyball/internal/trace"
)

// halfDays is traffic of 90 requests a minute before noon and 390 after.
func halfDays(days int) replay.Traffic {
	traffic := make(replay.Traffic, days*24*60)
	for i := range traffic {
		traffic[i] = 90
		if i/60%24 >= 12 {
			traffic[i] = 390
		}
	}
	return traffic
}

var setup = replay.Setup{PerTask: 100, Start: time.Minute, Buffer: 5 * time.Minute, WarmUp: 48 * time.Hour}

func TestEveryPolicyOnDaysThatRepeat(t *testing.T) {
	r, err := replay.Compare(halfDays(10), setup)
	if err != nil {
		t.Fatal(err)
	}
	if r.Hours != 8*24 || !near(r.Need, 2.5) {
		t.Errorf("%d hours that needed %v, want 192 that needed 2.5", r.Hours, r.Need)
	}
	// Once a day, 3 tasks more run for 4 minutes before noon: asked for 5 minutes
	// ahead, they take 1 to start.
	const early = 3 * 4.0 / 1440
	// At noon the first 3 minutes breach, then 3 tasks are asked for, and run a
	// minute later. The hour has 3.8 tasks of the 3.9 that it needs.
	const late = 4.0 / 1440
	tests := map[string]replay.Outcome{
		"predictive":                       {HoursEnough: 1, MinutesEnough: 1, TooMany: early, Tasks: 2.5 + early},
		"seasonal naive":                   {HoursEnough: 1, MinutesEnough: 1, TooMany: early, Tasks: 2.5 + early},
		"target tracking":                  {HoursEnough: 1 - 1.0/24, MinutesEnough: 1 - late},
		"predictive + target tracking":     {HoursEnough: 1, MinutesEnough: 1},
		"seasonal naive + target tracking": {HoursEnough: 1, MinutesEnough: 1},
	}
	if len(r.Outcomes) != len(tests) {
		t.Errorf("%d outcomes, want %d", len(r.Outcomes), len(tests))
	}
	for _, got := range r.Outcomes {
		want := tests[got.Policy]
		if !near(got.HoursEnough, want.HoursEnough) || !near(got.MinutesEnough, want.MinutesEnough) {
			t.Errorf("%s: enough in %v of the hours and %v of the minutes, want %v and %v",
				got.Policy, got.HoursEnough, got.MinutesEnough, want.HoursEnough, want.MinutesEnough)
		}
		if want.Tasks > 0 && (!near(got.TooMany, want.TooMany) || !near(got.TooFew, 0) || !near(got.Tasks, want.Tasks)) {
			t.Errorf("%s: %v too many, %v too few of %v, want %v, 0 and %v", got.Policy, got.TooMany, got.TooFew, got.Tasks, want.TooMany, want.Tasks)
		}
		// What runs is what is needed, what is too many, and not what is too few.
		if !near(got.Tasks, r.Need+got.TooMany-got.TooFew) {
			t.Errorf("%s: %v needed, %v too many and %v too few do not make %v", got.Policy, r.Need, got.TooMany, got.TooFew, got.Tasks)
		}
	}
}

// 25 % more of 0.9 and 3.9 tasks are 2 and 5.
func TestHeadroomIsKeptFree(t *testing.T) {
	s := setup
	s.Headroom = 25
	r, err := replay.Compare(halfDays(10), s)
	if err != nil {
		t.Fatal(err)
	}
	if o := r.Outcomes[0]; !near(r.Need, 2.5) || !near(o.TooMany, 1+3*4.0/1440) {
		t.Errorf("%v needed, %v too many, want 2.5 and a task more than without headroom", r.Need, o.TooMany)
	}
}

// The second service is the first a hundred times over: each needs 10 tasks on
// average, in an hour of the morning 4 and in one of the afternoon 16.
func TestABatchIsTheMeanOfItsServices(t *testing.T) {
	var batch strings.Builder
	for _, size := range []int{1, 100} {
		batch.WriteString("service")
		for hour := range 10 * 24 {
			fmt.Fprintf(&batch, ",%d", size*(2+hour/12%2*6))
		}
		batch.WriteString("\n")
	}
	s := setup
	s.PerTask, s.Floors = 0, true
	compare := func(text string) (replay.Report, error) {
		return replay.CompareAll(context.Background(), forecasting.NewBatchReader(strings.NewReader(text)), time.Hour, 10, s, 2)
	}
	r, err := compare(batch.String())
	if err != nil {
		t.Fatal(err)
	}
	if r.Services != 2 || r.Hours != 2*8*24 || !near(r.Need, 10) || len(r.Outcomes) != 2 {
		t.Errorf("got %+v", r)
	}
	for _, o := range r.Outcomes {
		if early := 12 * 4.0 / 1440; !near(o.HoursEnough, 1) || !near(o.TooMany, early) {
			t.Errorf("%s: enough in %v of the hours, %v too many, want all and %v", o.Policy, o.HoursEnough, o.TooMany, early)
		}
	}
	const want = `series "short": 2 hours of traffic are too few for a warm-up of 48h0m0s`
	if _, err := compare("short,1,2\n"); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// Target tracking comes down in halves of what can go, once in a cooldown after
// a quarter of an hour, and is at the need long before the next rise.
func TestTargetTrackingComesDown(t *testing.T) {
	r, err := replay.Compare(halfDays(10), setup)
	if err != nil {
		t.Fatal(err)
	}
	if o := r.Outcomes[2]; o.TooMany <= 0 || o.TooMany > 3.0/24 {
		t.Errorf("%s: %v too many, want more than none and less than an hour's 3 in a day", o.Policy, o.TooMany)
	}
}

func TestStepsAreSpreadOverTheirMinutes(t *testing.T) {
	got, err := replay.NewTraffic(trace.Trace{Values: []float64{10, math.NaN(), 4}}, 2*time.Minute)
	want := replay.Traffic{5, 5, 0, 0, 2, 2}
	if err != nil || len(got) != len(want) {
		t.Fatalf("got %v, %v", got, err)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("minute %d has %v, want %v", i, got[i], want[i])
		}
	}
}

func TestWhatCannotBeReplayedIsRefused(t *testing.T) {
	with := func(change func(*replay.Setup)) replay.Setup {
		s := setup
		change(&s)
		return s
	}
	tests := map[string]struct {
		days  int
		setup replay.Setup
		want  string
	}{
		"no load on a task": {10, with(func(s *replay.Setup) { s.PerTask = 0 }), "greater than 0"},
		"less than needed":  {10, with(func(s *replay.Setup) { s.Headroom = -1 }), "headroom"},
		"time backwards":    {10, with(func(s *replay.Setup) { s.Start = -1 }), "to start"},
		"certainty":         {10, with(func(s *replay.Setup) { s.Quantile = 1 }), "a quantile of 1; it must be between 0 and 1"},
		"long buffer":       {10, with(func(s *replay.Setup) { s.Buffer = 2 * time.Hour }), "buffer"},
		"no history":        {10, with(func(s *replay.Setup) { s.WarmUp = time.Hour }), "warm-up of 1h0m0s; it must be 25h0m0s at least"},
		"little traffic":    {2, setup, "48 hours of traffic are too few"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := replay.Compare(halfDays(tt.days), tt.setup); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
	for _, step := range []time.Duration{0, time.Second, 90 * time.Second, 7 * time.Minute, 2 * time.Hour} {
		if _, err := replay.NewTraffic(trace.Trace{Values: []float64{1}}, step); err == nil {
			t.Errorf("a step of %v is taken", step)
		}
	}
	if _, err := replay.NewTraffic(trace.Trace{Values: []float64{-1}}, time.Minute); err == nil {
		t.Error("negative traffic is taken")
	}
}

func near(a, b float64) bool { return math.Abs(a-b) < 1e-9 }
