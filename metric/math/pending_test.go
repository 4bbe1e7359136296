package math_test

import (
	"fmt"
	gomath "math"
	"testing"

	"pgregory.net/rapid"

	"flyball/metric/math"
)

func pending(t interface{ Fatal(...any) }, expression string, m metrics) (newest float64, pending bool) {
	program, err := math.Compile(append(m.queries(), math.Query{ID: "e", Expression: expression}))
	if err != nil {
		t.Fatal(err)
	}
	run := program.Run(m.env())
	result, err := run.Result("e")
	if err != nil {
		t.Fatal(err)
	}
	return result[0].Values[len(result[0].Values)-1], run.Pending("e")
}

// Late has yet to report for the newest period, here is there, and gone has
// stopped.
func TestPending(t *testing.T) {
	m := metrics{"late": "1 1 1 -", "here": "20 20 20 20", "gone": "1 1 - -"}
	for _, c := range []struct {
		expression string
		want       bool
	}{
		{"here * 2", false},
		{"late * 2", true},
		{"late + here", true},
		{"gone + here", false},
		{"SUM(METRICS())", true},
		{"SUM([here, gone])", false},
		{"here / AVG(late)", true},
		{"here * PERIOD(late)", false},
		{"here * METRIC_COUNT([late])", false},
		{"here + HOUR(late)", false},
		{"TIME_SERIES(SUM(late) + 1)", true},
		{"TIME_SERIES(-SUM(late))", true},
		{"RATE(late)", true},
		{"FIRST(SORT(METRICS(\"e\"), MAX, DESC))", false},

		// FILL says what a missing value is.
		{"FILL(late, 0)", false},
		{"FILL(late, REPEAT)", false},
		{"FILL(late, LINEAR)", true}, // which fills nothing after the last value
		{"FILL(late, here)", false},
		{"FILL(gone, late)", true},
		{"FILL(here, late)", false},
		{"FILL(late, 0) / here", false},
		{"FILL(late, 0) + late * 0 + here", true},
		{"FILL(late + here, 0)", true}, // a sum that has a value is not filled
		{"RUNNING_SUM(FILL(late, 0))", false},
		{"SUM(FILL(METRICS(), 0))", false},
		{"here / SUM(FILL(late, 0))", false},

		{"IF(here > 10, late, 0)", true},
		{"IF(here > 10, 0, late)", false},
		{"IF(here < 10, late)", false},
		{"IF(late > 10, here, 0)", true},
		{"IF(FILL(late, 0) > 10, late, here)", false},
		{"IF(AVG(late) > 10, here, here)", true},
		{"IF(AVG(here) > 10, here, late)", false},
		{"IF(AVG(here) > 10, AVG(late), here)", true},
	} {
		if _, got := pending(t, c.expression, m); got != c.want {
			t.Errorf("%s: got %v", c.expression, got)
		}
	}
}

// Without FILL, and without the numbers that functions make of a whole series, a
// newest value that is not pending is what it will be, whatever the metrics have yet
// to report.
func TestAValueThatIsNotPendingStays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := metrics{}
		for _, id := range []string{"a", "b", "c"} {
			m[id] = rapid.SampledFrom([]string{"1 2 3 4", "4 0 2 0", "1 2 3 -", "5 - 7 -"}).Draw(t, id)
		}
		text := term(t, 3)
		before, open := pending(t, text, m)
		if open {
			return
		}
		for _, id := range []string{"a", "b", "c"} {
			if s := m[id]; s[len(s)-1] == '-' {
				m[id] = s[:len(s)-1] + rapid.SampledFrom([]string{"0", "1", "9"}).Draw(t, "reported")
			}
		}
		after, _ := pending(t, text, m)
		if after != before && !(gomath.IsNaN(before) && gomath.IsNaN(after)) {
			t.Fatalf("%s goes from %v to %v with %v", text, before, after, m)
		}
	})
}

// term draws an expression that gives a time series.
func term(t *rapid.T, depth int) string {
	if depth == 0 {
		return rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "metric")
	}
	x, y := term(t, depth-1), term(t, depth-1)
	switch rapid.IntRange(0, 5).Draw(t, "kind") {
	case 0:
		return fmt.Sprintf("IF(%s > 1, %s, %s)", x, y, term(t, depth-1))
	case 1:
		return fmt.Sprintf("IF(%s, %s, 7)", x, y)
	case 2:
		return fmt.Sprintf("SUM([%s, %s])", x, y)
	case 3:
		return fmt.Sprintf("DIFF(%s)", x)
	default:
		return fmt.Sprintf("(%s %s %s)", x, rapid.SampledFrom([]string{"+", "-", "*", "/", "<", "AND"}).Draw(t, "operator"), y)
	}
}
