package math_test

import (
	"errors"
	gomath "math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"flyball/metric"
	"flyball/metric/math"
)

// Whatever is compiled is either refused at a place in it, or gives series on the
// grid, of values that can be stored, the same each time.
func FuzzCompile(f *testing.F) {
	for _, seed := range []string{
		"m1 / m2", "IF(m1 > 5 AND m2 != 0, m1, FILL(m2, REPEAT))", "SUM(METRICS('m'))*-2^3", "SORT([m1,m2], AVG, DESC, 1)",
		`SEARCH('{AWS/ECS,"a b"} MetricName="x\"y" (a OR NOT b)', 'p99', 60)`, "SLICE(METRICS(), -1/0, 1e300)", "[e1]", "((((", "1e", "\"", "m1 || é",
		"FILL([m1,m2], LINEAR)/RATE(m1)", "DAY(m1)<6&&HOUR(m2)>=9",
	} {
		f.Add(seed)
	}
	m := metrics{"m1": "1 - 3 4e300", "m2": "- - -2 0"}
	f.Fuzz(func(t *testing.T, expression string) {
		if expression == "" {
			return
		}
		p, err := math.Compile(append(m.queries(), math.Query{ID: "e1", Expression: expression}))
		if err != nil {
			var e *math.Error
			if !errors.As(err, &e) || e.ID != "e1" || e.At < 0 || e.At > len(expression)+1 {
				t.Errorf("%q: %#v", expression, err)
			}
			return
		}
		env := m.env()
		env.Find = func(s math.Search) ([]math.Series, error) {
			s.Matches(metric.NewID("AWS/ECS", "CPUUtilization", metric.Dimension{Name: "a b", Value: "Web1"}))
			return []math.Series{{Period: time.Minute, Values: values("1 2 - 4")}}, nil
		}
		got, err := p.Run(env).Result("e1")
		again, err2 := p.Run(env).Result("e1")
		if (err == nil) != (err2 == nil) || showAll(got) != showAll(again) {
			t.Errorf("%q: %s, %v and then %s, %v", expression, showAll(got), err, showAll(again), err2)
		}
		for _, s := range got {
			if len(s.Values) != 4 || s.Period <= 0 {
				t.Errorf("%q: %+v", expression, s)
			}
			for _, v := range s.Values {
				if gomath.IsInf(v, 0) {
					t.Errorf("%q: %s", expression, showAll(got))
				}
			}
		}
	})
}

// Expressions made of the grammar, with the right types, are never refused.
func TestWellTypedExpressionsHaveValues(t *testing.T) {
	m := metrics{"m1": "1 - 3 0", "m2": "- - -2 5"}
	rapid.Check(t, func(t *rapid.T) {
		expression := drawSeries(t, 4)
		got, err := m.evaluate(expression)
		if err != nil || len(got) != 1 {
			t.Errorf("%s: %v, %v", expression, got, err)
		}
	})
}

func drawSeries(t *rapid.T, depth int) string {
	choices := []string{"m1", "m2"}
	if depth > 0 {
		op := rapid.SampledFrom([]string{"+", "-", "*", "/", "^", "==", "<=", " AND ", "||"}).Draw(t, "operator")
		a := func() string { return drawSeries(t, depth-1) }
		s := func() string { return drawScalar(t, depth-1) }
		choices = append(choices, "("+a()+op+a()+")", a()+op+s(), s()+op+a(), "-"+a(), "IF("+a()+","+s()+","+a()+")",
			"SUM(["+a()+","+a()+"])", "FILL("+a()+",LINEAR)", "RATE("+a()+")", "TIME_SERIES("+s()+")", "FIRST(SORT(METRICS(),MAX,ASC))", "DAY("+a()+")")
	}
	return rapid.SampledFrom(choices).Draw(t, "series")
}

func drawScalar(t *rapid.T, depth int) string {
	choices := []string{"2", "0", "1e-3", "PERIOD(m1)", "METRIC_COUNT(METRICS())"}
	if depth > 0 {
		choices = append(choices, "AVG("+drawSeries(t, depth-1)+")", "STDDEV("+drawSeries(t, depth-1)+")", "("+drawScalar(t, depth-1)+"/"+drawScalar(t, depth-1)+")")
	}
	return rapid.SampledFrom(choices).Draw(t, "scalar")
}

// The alarm of a policy on a backlog per task evaluates this, over five minutes.
func BenchmarkRatio(b *testing.B) {
	benchmark(b, "m1 / m2", 5)
}

func BenchmarkErrorRate(b *testing.B) {
	benchmark(b, "IF(m1 > 10 AND FILL(m2, 0) > 0, 100 * m1 / SUM([m1, m2]), 0)", 5)
}

func BenchmarkTwoWeeksOfMinutes(b *testing.B) {
	benchmark(b, "m1 / m2", 14*24*60)
}

func benchmark(b *testing.B, expression string, n int) {
	p, err := math.Compile([]math.Query{{ID: "m1"}, {ID: "m2"}, {ID: "e", Expression: expression}})
	if err != nil {
		b.Fatal(err)
	}
	series := math.Series{Period: time.Minute, Values: make([]float64, n)}
	for i := range series.Values {
		series.Values[i] = float64(i)
	}
	env := math.Env{
		Grid:   math.Grid{Start: start, Step: time.Minute, Len: n},
		Metric: func(string) (math.Series, error) { return series, nil },
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Run(env).Result("e"); err != nil {
			b.Fatal(err)
		}
	}
}
