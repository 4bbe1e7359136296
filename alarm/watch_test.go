package alarm_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"flyball/alarm"
	"flyball/metric"
)

// An alarm on a metric that comes 2 seconds after each minute, which rises above
// the threshold and falls again. The step on the minute finds the datapoint
// pending; the one at its landing calls.
func ExampleWatch() {
	rule := alarm.Rule{Comparison: alarm.Greater, Threshold: 50, Periods: 1}
	minute := time.Date(2026, 11, 21, 16, 56, 0, 0, time.UTC)
	values := make([]float64, rule.Range())
	for i := range values {
		values[i] = math.NaN()
	}
	var w alarm.Watch
	step := func(now time.Time) {
		var call alarm.Call
		if w, _, call = w.Step(now, rule, values, 0); call != alarm.None {
			fmt.Println(now.Format(time.TimeOnly), call, w.State)
		}
	}
	for _, landed := range []float64{70, 80, 60, 10, 20} {
		values = append(values[1:], math.NaN())
		step(minute)
		values[len(values)-1] = landed
		step(minute.Add(2 * time.Second))
		minute = minute.Add(time.Minute)
	}
	// Output:
	// 16:56:02 change ALARM
	// 16:57:02 repeat ALARM
	// 16:58:02 repeat ALARM
	// 16:59:02 change OK
	// 17:00:02 repeat OK
}

func TestActionsRepeatOnTheMinute(t *testing.T) {
	start := time.Date(2026, 11, 21, 16, 56, 0, 0, time.UTC)
	for _, c := range []struct {
		name   string
		period time.Duration
		called time.Duration // after 16:56
		want   time.Duration
	}{
		{"called on the minute", 0, 0, time.Minute},
		{"called for a late datapoint", 0, 2 * time.Second, time.Minute},
		{"called less than half a minute before the next", 0, 31 * time.Second, 2 * time.Minute},
		{"a period of CloudWatch's below a minute", 10 * time.Second, 5 * time.Second, time.Minute},
		{"a period that CloudWatch does not have", 5 * time.Second, 0, 10 * time.Second},
		{"of which less than half is left", 5 * time.Second, 6 * time.Second, 20 * time.Second},
		{"a long period", time.Hour, 0, time.Minute},
	} {
		w := alarm.Watch{}.Enter(start.Add(c.called), alarm.Alarm)
		if got := w.Again(alarm.Rule{Period: c.period}); !got.Equal(start.Add(c.want)) {
			t.Errorf("%s: again at %v, want %v after the start", c.name, got, c.want)
		}
	}
}

func TestANewAlarmRepeatsNothing(t *testing.T) {
	rule := alarm.Rule{Comparison: alarm.Greater, Threshold: 50, Periods: 1}
	now := time.Date(2026, 11, 21, 16, 56, 0, 0, time.UTC)
	var w alarm.Watch
	if !w.Again(rule).IsZero() {
		t.Errorf("it would repeat at %v", w.Again(rule))
	}
	if next, _, call := w.Step(now, rule, window("- - -"), 0); call != alarm.None || next != w {
		t.Errorf("a step calls for %v and leaves %+v", call, next)
	}
}

// A state that was read back from a store, or entered by hand while the actions
// were disabled, has its actions called for at the next step.
func TestAStateWhoseActionsWereNotCalledIsCalledForAtOnce(t *testing.T) {
	rule := alarm.Rule{Comparison: alarm.Greater, Threshold: 50, Periods: 1}
	now := time.Date(2026, 11, 21, 16, 56, 0, 0, time.UTC)
	w := alarm.Watch{State: alarm.Alarm, Since: alarm.At(now.Add(-time.Hour))}
	for _, c := range []struct {
		values string
		want   alarm.Call
	}{
		{"- X -", alarm.None}, // it may come yet
		{"- X X", alarm.Repeat},
	} {
		if _, _, call := w.Step(now, rule, window(c.values), 0); call != c.want {
			t.Errorf("%s calls for %v, want %v", c.values, call, c.want)
		}
	}
}

// A life is a rule and what an alarm sees at successive times.
type life struct {
	rule   alarm.Rule
	times  []time.Time
	values [][]float64
}

// live draws a life whose steps are on boundaries of the rule's interval and, for
// late datapoints, some time after them.
func live(t *rapid.T) life {
	rule, _ := generate(t)
	rule.Period = rapid.SampledFrom([]time.Duration{0, time.Second, 5 * time.Second, 10 * time.Second, time.Minute, time.Hour}).Draw(t, "period")
	l := life{rule: rule}
	boundary := time.Date(2026, 11, 21, 16, 56, 0, 0, time.UTC)
	datapoint := rapid.SampledFrom([]float64{math.NaN(), 0, 50, 99})
	values := rapid.SliceOfN(datapoint, rule.Range(), rule.Range()).Draw(t, "values")
	for range rapid.IntRange(1, 40).Draw(t, "steps") {
		values = append(append([]float64{}, values[1:]...), datapoint.Draw(t, "datapoint"))
		l.times, l.values = append(l.times, boundary), append(l.values, values)
		if late := datapoint.Draw(t, "late"); math.IsNaN(values[len(values)-1]) {
			values = append(append([]float64{}, values[:len(values)-1]...), late)
			l.times, l.values = append(l.times, boundary.Add(rule.Interval()/3)), append(l.values, values)
		}
		boundary = boundary.Add(rule.Interval())
	}
	return l
}

func TestStepInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := live(t)
		var w alarm.Watch
		var called time.Time // for the state that lasts
		for i, now := range l.times {
			next, v, call := w.Step(now, l.rule, l.values[i], 0)
			again := w.Again(l.rule)
			switch {
			case v != l.rule.Evaluate(w.State, l.values[i], 0) || next.State != v.State:
				t.Fatalf("step %d: in %+v with verdict %+v", i, next, v)
			case (call == alarm.Change) != (next.State != w.State):
				t.Fatalf("step %d: %v from %+v to %+v", i, call, w, next)
			case call == alarm.Change && (!next.Since.Time().Equal(now) || !next.Called.Time().Equal(now)):
				t.Fatalf("step %d: changed at %v to %+v", i, now, next)
			case call == alarm.Repeat && (called.IsZero() || now.Sub(called) < 5*time.Second || metric.Pending(l.values[i])):
				t.Fatalf("step %d: repeats at %v after %v", i, now, called)
			case call == alarm.None && next != w:
				t.Fatalf("step %d: calls for nothing and goes from %+v to %+v", i, w, next)
			case call == alarm.None && !again.IsZero() && !now.Before(again) && !metric.Pending(l.values[i]):
				t.Fatalf("step %d: should have repeated at %v", i, again)
			}
			if call != alarm.None {
				called = now
			}
			if same, _, call := next.Step(now, l.rule, l.values[i], 0); call != alarm.None || same != next {
				t.Fatalf("step %d: the same step again calls for %v and leaves %+v", i, call, same)
			}
			w = next
		}
	})
}

func TestStepDoesNotAllocate(t *testing.T) {
	rule := alarm.Rule{Comparison: alarm.Greater, Threshold: 50, Periods: 3}
	now := time.Date(2026, 11, 21, 16, 56, 0, 0, time.UTC)
	quiet, loud := window("0 0 0 0 0"), window("0 0 X X X")
	var w alarm.Watch
	if n := testing.AllocsPerRun(100, func() {
		w, _, _ = w.Step(now, rule, loud, 0)
		w, _, _ = w.Step(now.Add(time.Minute), rule, loud, 0)
		w, _, _ = w.Step(now.Add(2*time.Minute), rule, quiet, 0)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkStep(b *testing.B) {
	b.ReportAllocs()
	rule := alarm.Rule{Comparison: alarm.Less, Threshold: 45, Periods: 15}
	values := make([]float64, rule.Range())
	now := time.Date(2026, 11, 21, 16, 56, 0, 0, time.UTC)
	w := alarm.Watch{}.Enter(now, alarm.Alarm)
	for b.Loop() {
		w.Step(now, rule, values, 0)
	}
}

// An alarm that is OK and calm stays OK, whatever the treatment of what is missing.
func TestACalmAlarmStaysOK(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rule := alarm.Rule{
			Comparison: rapid.SampledFrom([]alarm.Comparison{alarm.Greater, alarm.GreaterOrEqual, alarm.Less, alarm.LessOrEqual}).Draw(t, "comparison"),
			Threshold:  2, Periods: rapid.Int32Range(1, 5).Draw(t, "periods"),
			Missing: rapid.SampledFrom([]alarm.Treatment{alarm.Missing, alarm.Ignore, alarm.Breaching, alarm.NotBreaching}).Draw(t, "missing"),
		}
		rule.Datapoints = rapid.Int32Range(0, rule.Periods).Draw(t, "datapoints")
		values := make([]float64, rule.Range())
		for i := range values {
			values[i] = rapid.SampledFrom([]float64{1, 2, 3, math.NaN()}).Draw(t, "value")
		}
		w := alarm.Watch{State: alarm.OK}
		next, _, _ := w.Step(time.Unix(1e9, 0), rule, values, 0)
		if rule.Calm(values) && next.State != alarm.OK {
			t.Fatalf("%+v: calm at %v, and %v", rule, values, next.State)
		}
	})
}
