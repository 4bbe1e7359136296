package alarm_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"flyball/alarm"
)

// window turns the notation of the CloudWatch User Guide into values for a
// threshold of 50: X breaches, 0 does not, - is missing.
func window(notation string) []float64 {
	var values []float64
	for _, c := range strings.Fields(notation) {
		switch c {
		case "X":
			values = append(values, 99)
		case "0":
			values = append(values, 0)
		default:
			values = append(values, math.NaN())
		}
	}
	return values
}

// keep stands for "Retain current state" in the tables.
const keep = alarm.State(255)

// The tables of "How alarm state is evaluated when data is missing" and the
// examples of "Avoiding premature transitions to alarm state" in the
// CloudWatch User Guide. The columns are the treatments missing, ignore,
// breaching and notBreaching.
func TestMissingData(t *testing.T) {
	const insufficient, ok, al = alarm.InsufficientData, alarm.OK, alarm.Alarm
	for _, table := range []struct {
		name string
		m    int32
		rows []struct {
			data   string
			filled int32
			want   [4]alarm.State
		}
	}{
		{"3 out of 3", 3, []struct {
			data   string
			filled int32
			want   [4]alarm.State
		}{
			{"0 - X - X", 0, [4]alarm.State{ok, ok, ok, ok}},
			{"0 - - - -", 2, [4]alarm.State{ok, ok, ok, ok}},
			{"- - - - -", 3, [4]alarm.State{insufficient, keep, al, ok}},
			{"0 X X - X", 0, [4]alarm.State{al, al, al, al}},
			{"- - X - -", 2, [4]alarm.State{al, keep, al, ok}},
			// From the text below the tables.
			{"- - - - X", 2, [4]alarm.State{insufficient, keep, al, ok}},
			{"- - - X -", 2, [4]alarm.State{insufficient, keep, al, ok}},
			{"- - - X 0", 1, [4]alarm.State{ok, ok, ok, ok}},
			{"X - - - -", 2, [4]alarm.State{al, keep, al, ok}},
		}},
		{"2 out of 3", 2, []struct {
			data   string
			filled int32
			want   [4]alarm.State
		}{
			{"0 - X - X", 0, [4]alarm.State{al, al, al, al}},
			{"0 0 X 0 X", 0, [4]alarm.State{al, al, al, al}},
			{"0 - X - -", 1, [4]alarm.State{ok, ok, al, ok}},
			{"- - - - 0", 2, [4]alarm.State{ok, ok, al, ok}},
			{"- - - X -", 2, [4]alarm.State{al, keep, al, ok}},
			{"- - - X X", 1, [4]alarm.State{al, al, al, al}},
		}},
	} {
		for _, row := range table.rows {
			for treatment, want := range row.want {
				rule := alarm.Rule{Comparison: alarm.Greater, Threshold: 50, Periods: 3, Datapoints: table.m, Missing: alarm.Treatment(treatment)}
				for _, current := range []alarm.State{insufficient, ok, al} {
					expected := want
					if want == keep {
						expected = current
					}
					got := rule.Evaluate(current, window(row.data), 0)
					if got.State != expected || got.Kept != (want == keep) || got.Filled != row.filled {
						t.Errorf("%s, %s, data treated as %v, in state %v: got %+v, want %v with %d filled",
							table.name, row.data, rule.Missing, current, got, expected, row.filled)
					}
				}
			}
		}
	}
}

func TestComparison(t *testing.T) {
	for _, c := range []struct {
		name               string
		below, equal, over bool
	}{
		{"GreaterThanOrEqualToThreshold", false, true, true},
		{"GreaterThanThreshold", false, false, true},
		{"LessThanThreshold", true, false, false},
		{"LessThanOrEqualToThreshold", true, true, false},
	} {
		op, err := alarm.ParseComparison(c.name)
		if err != nil || op.String() != c.name {
			t.Fatalf("%s: got %v, %v", c.name, op, err)
		}
		if got := [3]bool{op.Breaches(1, 2), op.Breaches(2, 2), op.Breaches(3, 2)}; got != [3]bool{c.below, c.equal, c.over} {
			t.Errorf("%s of 1, 2 and 3 against 2: got %v", c.name, got)
		}
	}
	if _, err := alarm.ParseComparison("LessThan"); err == nil {
		t.Error("an unknown operator was accepted")
	}
}

func TestComparisonWithABand(t *testing.T) {
	for name, want := range map[string][3]alarm.State{ // of values below, on the bounds of and above 10 to 20
		"LessThanLowerOrGreaterThanUpperThreshold": {alarm.Alarm, alarm.OK, alarm.Alarm},
		"LessThanLowerThreshold":                   {alarm.Alarm, alarm.OK, alarm.OK},
		"GreaterThanUpperThreshold":                {alarm.OK, alarm.OK, alarm.Alarm},
	} {
		op, err := alarm.ParseComparison(name)
		if err != nil || op.String() != name || !op.OfBand() || op.Breaches(1, 0) || op.Breaches(0, 1) {
			t.Fatalf("%s: got %v, %v", name, op, err)
		}
		rule := alarm.Rule{Comparison: op, Periods: 1}
		band := alarm.Band{Lower: []float64{0, 0, 10}, Upper: []float64{99, 99, 20}}
		evaluate := func(v float64) alarm.State {
			_, verdict, _ := alarm.Watch{}.StepBand(end, rule, []float64{50, 50, v}, band, 0)
			return verdict.State
		}
		if got := [3]alarm.State{evaluate(9), evaluate(20), evaluate(21)}; got != want || evaluate(10) != alarm.OK {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
}

func TestLowSamplesKeepTheState(t *testing.T) {
	for p, want := range map[float64]float64{99: 1000, 90: 100, 50: 20, 10: 100, 99.9: 10000} {
		if got := alarm.LowSamples(p); got != want {
			t.Errorf("p%v needs %v samples, want %v", p, got, want)
		}
	}
	rule := alarm.Rule{Comparison: alarm.Greater, Threshold: 50, Periods: 1, MinSamples: 1000}
	if got := rule.Evaluate(alarm.OK, window("- - X"), 999); got.State != alarm.OK || !got.Kept {
		t.Errorf("with 999 samples: got %+v, want the state kept", got)
	}
	if got := rule.Evaluate(alarm.OK, window("- - X"), 1000); got.State != alarm.Alarm {
		t.Errorf("with 1000 samples: got %+v, want ALARM", got)
	}
	if got := rule.Evaluate(alarm.OK, window("- - -"), 0); got.State != alarm.InsufficientData {
		t.Errorf("with no data: got %+v, want INSUFFICIENT_DATA", got)
	}
}

func TestBoundary(t *testing.T) {
	now := time.Date(2026, 11, 21, 16, 55, 47, 9e8, time.UTC)
	for period, want := range map[time.Duration]string{
		time.Second:      "16:55:47",
		10 * time.Second: "16:55:40",
		20 * time.Second: "16:55:40",
		30 * time.Second: "16:55:30",
		time.Minute:      "16:55:00",
		5 * time.Minute:  "16:55:00",
		time.Hour:        "16:55:00",
	} {
		if got := alarm.Boundary(now, alarm.Rule{Period: period}.Interval()).Format(time.TimeOnly); got != want {
			t.Errorf("period %v: due at %s, want %s", period, got, want)
		}
	}
}

// generate draws any rule and any window for it.
func generate(t *rapid.T) (alarm.Rule, []float64) {
	n := rapid.Int32Range(1, 15).Draw(t, "N")
	rule := alarm.Rule{
		Comparison: alarm.Comparison(rapid.IntRange(0, 3).Draw(t, "comparison")),
		Threshold:  50,
		Periods:    n,
		Datapoints: rapid.Int32Range(0, n).Draw(t, "M"),
		Missing:    alarm.Treatment(rapid.IntRange(0, 3).Draw(t, "missing")),
	}
	values := rapid.SliceOfN(rapid.SampledFrom([]float64{math.NaN(), 0, 50, 99}), rule.Range(), rule.Range()).Draw(t, "values")
	return rule, values
}

func TestVerdictInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rule, values := generate(t)
		current := alarm.State(rapid.IntRange(0, 2).Draw(t, "current"))
		v := rule.Evaluate(current, values, 0)
		m := rule.Datapoints
		if m == 0 {
			m = rule.Periods
		}
		switch {
		case v.Breaching+v.Within+v.Filled != rule.Periods:
			t.Fatalf("%+v does not add up to %d", v, rule.Periods)
		case v.Kept && v.State != current:
			t.Fatalf("kept, but changed from %v to %v", current, v.State)
		case v.Filled == 0 && v.State == alarm.Alarm != (v.Breaching >= m):
			t.Fatalf("with all the data: %+v with M = %d", v, m)
		case v.State == alarm.InsufficientData && !v.Kept && (rule.Missing != alarm.Missing || v.Within > 0):
			t.Fatalf("%+v with missing data treated as %v", v, rule.Missing)
		case rule.Missing == alarm.NotBreaching && v.Breaching == 0 && v.State != alarm.OK:
			t.Fatalf("nothing breaches, but %+v", v)
		}
	})
}

func TestEvidenceNamesWhatWasEvaluated(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rule, values := generate(t)
		v := rule.Evaluate(alarm.OK, values, 0)
		e := alarm.Evidence{Rule: rule, Verdict: v, End: time.Unix(6000, 0), Values: values}
		points := e.Datapoints()
		if len(points) != int(v.Breaching+v.Within) {
			t.Fatalf("%d datapoints for %+v", len(points), v)
		}
		for i := 1; i < len(points); i++ {
			if !points[i-1].Time.Before(points[i].Time) {
				t.Fatalf("datapoints are not in order: %v", points)
			}
		}
		if got := strings.Count(e.ReasonData(), `"timestamp"`); got != int(rule.Periods) {
			t.Fatalf("%d evaluated datapoints in %s, want %d", got, e.ReasonData(), rule.Periods)
		}
		if e.Reason() == "" {
			t.Fatal("no reason")
		}
	})
}

func TestEvaluateDoesNotAllocate(t *testing.T) {
	rule := alarm.Rule{Comparison: alarm.Greater, Threshold: 50, Periods: 3}
	values := window("0 X 0 - X")
	if n := testing.AllocsPerRun(100, func() { rule.Evaluate(alarm.OK, values, 0) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkEvaluate(b *testing.B) {
	b.ReportAllocs()
	rule := alarm.Rule{Comparison: alarm.Less, Threshold: 45, Periods: 15}
	values := make([]float64, rule.Range())
	for b.Loop() {
		rule.Evaluate(alarm.Alarm, values, 0)
	}
}
