package math_test

import (
	"errors"
	"fmt"
	gomath "math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"flyball/metric/math"
)

var none = gomath.NaN()

// start is a Sunday, 23:58 UTC.
var start = time.Date(2026, 2, 1, 23, 58, 0, 0, time.UTC)

// values reads "30 - 0": a dash is no value.
func values(s string) []float64 {
	var out []float64
	for _, f := range strings.Fields(s) {
		v := none
		if f != "-" {
			var err error
			if v, err = strconv.ParseFloat(f, 64); err != nil {
				panic(err)
			}
		}
		out = append(out, v)
	}
	return out
}

func show(s math.Series) string {
	var out []string
	for _, v := range s.Values {
		if v != v {
			out = append(out, "-")
		} else {
			out = append(out, strconv.FormatFloat(gomath.Round(v*1e9)/1e9, 'f', -1, 64))
		}
	}
	return strings.Join(out, " ")
}

func showAll(all []math.Series) string {
	var out []string
	for _, s := range all {
		out = append(out, show(s))
	}
	return strings.Join(out, " | ")
}

// metrics are those of a test by id, one minute apart.
type metrics map[string]string

func (m metrics) queries() []math.Query {
	var ids []string
	for id := range m {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	queries := make([]math.Query, len(ids))
	for i, id := range ids {
		queries[i].ID = id
	}
	return queries
}

func (m metrics) env() math.Env {
	env := math.Env{Grid: math.Grid{Start: start, Step: time.Minute, Len: 4}}
	for _, s := range m {
		env.Grid.Len = len(strings.Fields(s))
	}
	env.Metric = func(id string) (math.Series, error) {
		return math.Series{Source: math.Source{Label: id}, Period: time.Minute, Values: values(m[id])}, nil
	}
	return env
}

// evaluate is the result of expressions called e1, e2 and so on; that of the last.
func (m metrics) evaluate(expressions ...string) ([]math.Series, error) {
	queries := m.queries()
	last := ""
	for i, x := range expressions {
		last = "e" + strconv.Itoa(i+1)
		queries = append(queries, math.Query{ID: last, Expression: x})
	}
	p, err := math.Compile(queries)
	if err != nil {
		return nil, err
	}
	return p.Run(m.env()).Result(last)
}

// The values of the tables in "Using math expressions with CloudWatch metrics".
func TestDocumentedValues(t *testing.T) {
	operators := metrics{"metric1": "30 20 0 0", "metric2": "20 - 20 -"}
	choice := metrics{"metric1": "1 1 0 0 -", "metric2": "30 - 0 0 30", "metric3": "0 0 20 - 20"}
	for _, c := range []struct {
		m                metrics
		expression, want string
	}{
		{operators, "(metric1 < metric2)", "0 0 1 0"},
		{operators, "(metric1 >= 30)", "1 0 0 0"},
		{operators, "(metric1 > 15 AND metric2 > 15)", "1 0 0 0"},
		{choice, "IF(metric1, metric2, metric3)", "30 0 20 - -"},
		{choice, "IF(metric1, 5, metric3)", "5 5 20 - -"},
		{choice, "IF(metric1, metric2, 5)", "30 0 5 5 -"},
	} {
		got, err := c.m.evaluate(c.expression)
		if err != nil || showAll(got) != c.want {
			t.Errorf("%s is %q, %v, want %q", c.expression, showAll(got), err, c.want)
		}
	}
}

// The expressions that the documentation shows, and values that follow from its
// words.
func TestDocumentedExpressions(t *testing.T) {
	m := metrics{"m1": "10 20 30 40", "m2": "5 - 15 0", "m3": "- - - -", "errors4xx": "1 2 3 4", "errors5xx": "1 0 1 0", "requests": "100 100 0 50"}
	for expression, want := range map[string]string{
		"PERIOD(m1)/60 * m1":             "10 20 30 40",
		"5 * m1":                         "50 100 150 200",
		"m1 - m2":                        "5 20 15 40", // missing is 0
		"m1 / m2":                        "2 - 2 -",    // a division by zero is dropped
		"m2 / m1":                        "0.5 0 0.5 0",
		"SUM(100/[m1, m2])":              "30 5 10 2.5",
		"AVG([m1,m2]/m3)":                "- - - -",
		"AVG([m1,m2]/requests)":          "0.075 0.1 - 0.4",
		"SUM(-[m1, m2])":                 "-15 -20 -45 -40",
		"-5*m1":                          "-50 -100 -150 -200",
		"ABS(m2-m1)":                     "5 20 15 40",
		"MIN(ABS([m1, m2]))":             "5 20 15 0",
		"SUM([m1,m2])/AVG(m2)":           "2.25 3 6.75 6", // AVG(m2) is 20/3
		"CEIL(m1/3)":                     "4 7 10 14",
		"FLOOR(m1/3)":                    "3 6 10 13",
		"m1*SUM(m2)/DATAPOINT_COUNT(m2)": "66.666666667 133.333333333 200 266.666666667",
		"DATAPOINT_COUNT([m1,m2])":       "2 1 2 2",
		"DIFF(m1)":                       "- 10 10 10",
		"DIFF(m2)":                       "- - 10 -15",
		"DIFF_TIME(m2)":                  "- - 120 60",
		"RATE(m2)":                       "- - 0.083333333 -0.25",
		"FILL(m2,10)":                    "5 10 15 0",
		"FILL(m2,m1)":                    "5 20 15 0",
		"FILL(m2,MIN(m1))":               "5 10 15 0",
		"FILL(m2,REPEAT)":                "5 5 15 0",
		"FILL(m2,LINEAR)":                "5 10 15 0",
		"FILL(m3,0)":                     "0 0 0 0",
		"FILL(m3,REPEAT)":                "- - - -",
		"IF(FIRST(SORT([m2,m1], AVG, DESC))>20, 1, 0)": "0 0 1 1",
		"LAST([m1,m2])":            "5 - 15 0",
		"LOG(m2)":                  "1.609437912 - 2.708050201 -", // LOG(0) is no number
		"LOG10(m1*10)":             "2 2.301029996 2.477121255 2.602059991",
		"EXP(m1-m1)":               "1 1 1 1",
		"MAX(m1)/m1":               "4 2 1.333333333 1",
		"MAX([m1,m2])":             "10 20 30 40",
		"m1/METRIC_COUNT([m1,m2])": "5 10 15 20",
		"m1-MIN(m1)":               "0 10 20 30",
		"SUM(METRICS(\"errors\"))": "2 2 4 4",
		"SUM([METRICS(\"4xx\"), METRICS(\"5xx\")])":           "2 2 4 4",
		"SUM(METRICS('errors'))/SUM(METRICS('requests'))*100": "2 2 - 8",
		"m1/STDDEV(m1)":                "0.894427191 1.788854382 2.683281573 3.577708764",
		"STDDEV([m1,m2])":              "2.5 0 7.5 20",
		"RUNNING_SUM(m2)":              "5 - 20 20",
		"TIME_SERIES(MAX(m1))":         "40 40 40 40",
		"TIME_SERIES(5*AVG(m1))":       "125 125 125 125",
		"IF(m1<25, m1)":                "10 20 - -",
		"IF(m1<25, 10, 2)":             "10 10 2 2",
		"IF(AVG(m1)>10, m1)":           "10 20 30 40",
		"IF(AVG(m1)>100, m1)":          "- - - -",
		"IF(AVG(m1)>100, m1, m2)":      "5 - 15 0",
		"MINUTE(m3)":                   "58 59 0 1", // not sparse
		"HOUR(m1)":                     "23 23 0 0",
		"DAY(m1)":                      "7 7 1 1",
		"DATE(m1)":                     "1 1 2 2",
		"MONTH(m1)":                    "2 2 2 2",
		"YEAR(m1)":                     "2026 2026 2026 2026",
		"EPOCH(m1)-EPOCH(m1)+HOUR(m1)": "23 23 0 0",
		"IF(DAY(m1)<6,m1)":             "- - 30 40",
	} {
		got, err := m.evaluate(expression)
		if err != nil || showAll(got) != want {
			t.Errorf("%s is %q, %v, want %q", expression, showAll(got), err, want)
		}
	}
}

func TestArrays(t *testing.T) {
	m := metrics{"m1": "1 2", "m2": "30 40", "m3": "- -", "m4": "5 -"}
	for expression, want := range map[string]string{
		"METRICS()*100":                           "100 200 | 3000 4000 | - - | 500 -",
		"FILL(METRICS(), 0)":                      "1 2 | 30 40 | 0 0 | 5 0",
		"FILL(METRICS(), m1)":                     "1 2 | 30 40 | 1 2 | 5 2",
		"REMOVE_EMPTY(METRICS())":                 "1 2 | 30 40 | 5 -",
		"SORT(METRICS(), AVG, DESC)":              "30 40 | 5 - | 1 2 | - -", // without data last
		"SORT(METRICS(), MAX, ASC)":               "1 2 | 5 - | 30 40 | - -",
		"SORT(METRICS(), SUM, DESC, 2)":           "30 40 | 5 -",
		"SORT(METRICS(), MIN, ASC, 0)":            "",
		"SLICE(SORT(METRICS(), SUM, DESC), 0, 1)": "30 40",
		"SLICE(METRICS(), 2)":                     "- - | 5 -",
		"SLICE(METRICS(), 3, 1)":                  "",
		"SLICE(METRICS(), 1, 99)":                 "30 40 | - - | 5 -",
		"[m1,m2]*[m2,m1]":                         "30 80 | 30 80",
		"[[m1,m2],m1] > 1":                        "0 1 | 1 1 | 0 1",
		"m2/[m1,m4]":                              "30 20 | 6 -",
		"TIME_SERIES(METRIC_COUNT([]))":           "0 0",
		"FIRST(SLICE(METRICS(), 9))":              "- -",
		"SUM([])":                                 "- -",
		"TIME_SERIES(AVG(m3))":                    "- -",
		"m1 + AVG(m3)":                            "- -",
		"m1 + SUM(m3)":                            "1 2",
		"METRICS('none')":                         "",
	} {
		got, err := m.evaluate(expression)
		if err != nil || showAll(got) != want {
			t.Errorf("%s is %q, %v, want %q", expression, showAll(got), err, want)
		}
	}
}

func TestPrecedence(t *testing.T) {
	m := metrics{"m": "1"}
	for expression, want := range map[string]string{
		"1 + 2 * 3":                 "7",
		"(1 + 2) * 3":               "9",
		"10 - 4 - 3":                "3",
		"2 * 3 ^ 2":                 "18",
		"2 ^ 3 ^ 2":                 "512",
		"-2 ^ 2":                    "-4",
		"2 ^ -1":                    "0.5",
		"- -3":                      "3",
		"100 / 10 / 5":              "2",
		"1 + 1 > 1":                 "1",
		"1 > 0 == 1":                "1",
		"1 == 2 < 3":                "1",
		"1 OR 0 AND 0":              "1",
		"1 || 0 && 0":               "1",
		"(1 OR 0) AND 0":            "0",
		"2 > 1 AND 3 > 4 OR 5 != 5": "0",
		"1.5e1 + .5 + 2.":           "17.5",
		"1 / 0":                     "-",
		"0 ^ -1":                    "-",
		"(1 / 0) > 5":               "-",
		"10 ^ 400":                  "-",
	} {
		got, err := m.evaluate("TIME_SERIES(" + expression + ")")
		if err != nil || showAll(got) != want {
			t.Errorf("%s is %q, %v, want %q", expression, showAll(got), err, want)
		}
	}
}

func TestExpressionsOfExpressions(t *testing.T) {
	m := metrics{"m1": "1 2", "m2": "4 2"}
	got, err := m.evaluate("e2 + e3", "m1 * 2", "AVG(m2)")
	if err == nil {
		t.Errorf("a scalar that is asked for is %v", got)
	}
	queries := append(m.queries(), math.Query{ID: "a", Expression: "b + c"}, math.Query{ID: "b", Expression: "m1 * 2"}, math.Query{ID: "c", Expression: "AVG(m2)"})
	p, err := math.Compile(queries)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := p.Run(m.env()).Result("a"); err != nil || showAll(got) != "5 7" {
		t.Errorf("got %q, %v", showAll(got), err)
	}
	if got := p.Metrics("a"); !slices.Equal(got, []string{"m1", "m2"}) {
		t.Errorf("a needs %q", got)
	}
	if got := p.Metrics("b"); !slices.Equal(got, []string{"m1"}) {
		t.Errorf("b needs %q", got)
	}
	if p.Type("a") != math.TimeSeries || p.Type("c") != math.Scalar {
		t.Error("wrong types")
	}
}

// A coarse metric has values at every second timestamp of a fine one; where it has
// none, it counts as 0, and FILL fills only its own timestamps.
func TestPeriods(t *testing.T) {
	p, err := math.Compile([]math.Query{
		{ID: "fine"}, {ID: "coarse"}, {ID: "sum", Expression: "fine + coarse"}, {ID: "filled", Expression: "FILL(coarse, 1)"},
		{ID: "minutes", Expression: "MINUTE(coarse)"}, {ID: "line", Expression: "FILL(coarse, LINEAR)"}, {ID: "seconds", Expression: "coarse * PERIOD(coarse)"},
	})
	if err != nil {
		t.Fatal(err)
	}
	run := p.Run(math.Env{
		Grid: math.Grid{Start: start, Step: time.Minute, Len: 6},
		Metric: func(id string) (math.Series, error) {
			if id == "fine" {
				return math.Series{Period: time.Minute, Values: values("1 2 3 4 5 6")}, nil
			}
			return math.Series{Period: 2 * time.Minute, Values: values("10 - - - 30 -")}, nil
		},
	})
	for id, want := range map[string]string{
		"sum": "11 2 3 4 35 6", "filled": "10 - 1 - 30 -", "minutes": "58 - 0 - 2 -", "line": "10 - 20 - 30 -", "seconds": "1200 - - - 3600 -",
	} {
		if got, err := run.Result(id); err != nil || showAll(got) != want {
			t.Errorf("%s is %q, %v, want %q", id, showAll(got), err, want)
		}
	}
}

func TestLabels(t *testing.T) {
	m := metrics{"m1": "1", "m2": "2"}
	for expression, want := range map[string]string{"METRICS()*100": "m1 m2", "m1/METRICS()": "m1 m2", "SORT(METRICS(), AVG, DESC)": "m2 m1", "FILL([m2], 0)": "m2"} {
		got, err := m.evaluate(expression)
		if err != nil {
			t.Fatal(err)
		}
		var labels []string
		for _, s := range got {
			labels = append(labels, s.Label)
		}
		if strings.Join(labels, " ") != want {
			t.Errorf("%s: labels %q, want %q", expression, labels, want)
		}
	}
}

func TestRefusals(t *testing.T) {
	m := metrics{"m1": "1", "m2": "2"}
	for expression, want := range map[string]string{
		"":                                "Error in expression 'e1': Syntax error: the expression is empty",
		"m1 +":                            "Error in expression 'e1': Syntax error: expected a metric, a number or a function instead of the end of the expression (at character 5)",
		"m1 m2":                           "Error in expression 'e1': Syntax error: unexpected 'm2' (at character 4)",
		"(m1":                             "Error in expression 'e1': Syntax error: expected ')' instead of the end of the expression (at character 4)",
		"[m1, m2":                         "Error in expression 'e1': Syntax error: expected ',' or ']' instead of the end of the expression (at character 8)",
		"SUM(m1":                          "Error in expression 'e1': Syntax error: expected ',' or ')' instead of the end of the expression (at character 7)",
		"SUM m1":                          "Error in expression 'e1': Syntax error: unexpected 'm1' (at character 5)",
		"m1 = 5":                          "Error in expression 'e1': Syntax error: unexpected '=' (to compare, write '==') (at character 4)",
		"m1 + é":                          "Error in expression 'e1': Syntax error: unexpected 'é' (at character 6)",
		"é":                               "Error in expression 'e1': Syntax error: unexpected 'é' (at character 1)",
		"m1 + 'x":                         "Error in expression 'e1': Syntax error: the string that starts here has no end (at character 6)",
		"METRICS(“4xx”)":                  "Error in expression 'e1': Syntax error: unexpected '“' (quote with ' or \") (at character 9)",
		"m1 + M2":                         "Error in expression 'e1': Syntax error: unexpected 'M2' (the ID of a metric or an expression starts with a lowercase letter) (at character 6)",
		"m1 + FLOOR":                      "Error in expression 'e1': Syntax error: expected '(' after the function FLOOR instead of the end of the expression (at character 11)",
		"m1 + .":                          "Error in expression 'e1': Syntax error: '.' is not a number (at character 6)",
		"1e999 * m1":                      "Error in expression 'e1': Syntax error: '1e999' is not a number (at character 1)",
		"m1 + MEDIAN(m2)":                 "Error in expression 'e1': Unknown function 'MEDIAN' (at character 6)",
		"m1 + avg(m2)":                    "Error in expression 'e1': Unknown function 'avg' (functions are written in capitals: AVG) (at character 6)",
		"m1 / m3":                         "Error in expression 'e1': There is no metric or expression with the ID 'm3' (at character 6)",
		"ABS(5)":                          "Error in expression 'e1': Unsupported operand type(s) for ABS: '[Scalar]' (at character 1)",
		"m1 + SUM(m1, m2)":                "Error in expression 'e1': Unsupported operand type(s) for SUM: '[TimeSeries, TimeSeries]' (at character 6)",
		"FILL(5, m1)":                     "Error in expression 'e1': Unsupported operand type(s) for FILL: '[Scalar, TimeSeries]' (at character 1)",
		"FILL(m1, DESC)":                  "Error in expression 'e1': Unsupported operand type(s) for FILL: '[TimeSeries, SortOrder]' (at character 1)",
		"IF(METRICS(), m1)":               "Error in expression 'e1': Unsupported operand type(s) for IF: '[TimeSeries[], TimeSeries]' (at character 1)",
		"m1 + 'a'":                        "Error in expression 'e1': Unsupported operand type(s) for +: '[TimeSeries, String]' (at character 4)",
		"-REPEAT":                         "Error in expression 'e1': Unsupported operand type(s) for -: '[FillMode]' (at character 1)",
		"[m1, 5]":                         "Error in expression 'e1': An array is made of time series, not of a Scalar (at character 6)",
		"m1*PERIOD(m1+m2)":                "Error in expression 'e1': PERIOD takes a metric, not the result of an expression (at character 13)",
		"SUM(m1)":                         "Error in expression 'e1': The result of the expression is a Scalar. It must be a TimeSeries or a TimeSeries[]; TIME_SERIES makes one of a Scalar",
		"m1 + e1":                         "Error in expression 'e1': The expression depends on itself: e1 -> e1",
		"ANOMALY_DETECTION_BAND(m1, 2)":   "Error in expression 'e1': ANOMALY_DETECTION_BAND is not supported here",
		"ANOMALY_DETECTION_BAND(m1 * 2)":  "Error in expression 'e1': ANOMALY_DETECTION_BAND takes the ID of a metric or of an expression (at character 27)",
		"ANOMALY_DETECTION_BAND([m1], 2)": "Error in expression 'e1': Unsupported operand type(s) for ANOMALY_DETECTION_BAND: '[TimeSeries[], Scalar]' (at character 1)",
		"SERVICE_QUOTA(m1)":               "Error in expression 'e1': The function SERVICE_QUOTA is not supported: there are no service quotas (at character 1)",
		"SELECT AVG(CPUUtilization) FROM": "Error in expression 'e1': Syntax error: expected a namespace instead of the end of the query (at character 32)",
		"1 + SELECT AVG(CPU) FROM x":      "Error in expression 'e1': Syntax error: unexpected 'SELECT' (the ID of a metric or an expression starts with a lowercase letter) (at character 5)",
		"[m1]/METRICS()":                  "Error in expression 'e1': The arrays around / must have as many time series as one another, and have 1 and 2 (at character 5)",
		strings.Repeat("(", 101) + "m1" + strings.Repeat(")", 101): "Error in expression 'e1': The expression is nested deeper than 100 levels (at character 101)",
		strings.Repeat("-", 101) + "m1":                            "Error in expression 'e1': The expression is nested deeper than 100 levels (at character 101)",
		"m1" + strings.Repeat("+m1", 700):                          "Error in expression 'e1': The expression is longer than 2048 characters",
	} {
		queries := append(m.queries(), math.Query{ID: "e1", Expression: expression})
		if expression == "" { // for Compile that is a metric
			if _, err := math.Parse(""); err == nil || "Error in expression 'e1': "+err.Error() != want {
				t.Errorf("the empty expression: %v", err)
			}
			continue
		}
		p, err := math.Compile(queries)
		if err == nil {
			_, err = p.Run(m.env()).Result("e1")
		}
		if err == nil || err.Error() != want {
			t.Errorf("%s\n got %v\nwant %s", expression, err, want)
		}
	}
}

func TestCycle(t *testing.T) {
	_, err := math.Compile([]math.Query{{ID: "m"}, {ID: "x", Expression: "a"}, {ID: "a", Expression: "b+m"}, {ID: "b", Expression: "c"}, {ID: "c", Expression: "a"}})
	if want := "Error in expression 'a': The expression depends on itself: a -> b -> c -> a"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestSizeIsBounded(t *testing.T) {
	queries := []math.Query{{ID: "m"}, {ID: "e0", Expression: "[m,m]"}}
	for i := range 20 {
		queries = append(queries, math.Query{ID: fmt.Sprintf("e%d", i+1), Expression: fmt.Sprintf("[e%d,e%d]", i, i)})
	}
	many := []math.Query{{ID: "m"}}
	for i := range 490 {
		many = append(many, math.Query{ID: fmt.Sprintf("f%d", i), Expression: strings.Repeat("m+", 1000) + "m"})
	}
	many = append(many, math.Query{ID: "all", Expression: "f0"})
	for i := range 400 {
		many[len(many)-1].Expression += fmt.Sprintf("+f%d", i)
	}
	for _, c := range []struct {
		queries []math.Query
		id      string
	}{{queries, "e20"}, {many, "all"}} {
		p, err := math.Compile(c.queries)
		if err != nil {
			t.Fatal(err)
		}
		run := p.Run(math.Env{Grid: math.Grid{Start: start, Step: time.Second, Len: 1000}, Metric: func(string) (math.Series, error) {
			return math.Series{Period: time.Second, Values: make([]float64, 1000)}, nil
		}})
		if _, err := run.Result(c.id); !errors.As(err, new(*math.Error)) {
			t.Errorf("%s: %v", c.id, err)
		}
	}
}

func TestErrorsOfTheSurroundingsComeBack(t *testing.T) {
	broken := errors.New("broken disk")
	p, err := math.Compile([]math.Query{{ID: "m"}, {ID: "e", Expression: "m*2"}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Run(math.Env{Metric: func(string) (math.Series, error) { return math.Series{}, broken }}).Result("e")
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

func TestRefs(t *testing.T) {
	x, err := math.Parse(`IF(m2 > 5, m1 + FILL(m2, REPEAT), METRICS("m3"))`)
	if err != nil {
		t.Fatal(err)
	}
	if got := x.Refs(); !slices.Equal(got, []string{"m2", "m1"}) {
		t.Errorf("got %q", got)
	}
}

func TestBands(t *testing.T) {
	p, err := math.Compile([]math.Query{
		{ID: "m1"}, {ID: "m2"}, {ID: "e", Expression: "m1 * 2"}, {ID: "ad1", Expression: "ANOMALY_DETECTION_BAND(e, 3)"},
		{ID: "usual", Expression: "ANOMALY_DETECTION_BAND(m1)"}, {ID: "wide", Expression: "FIRST(ad1) - LAST(ad1)"}, {ID: "none", Expression: "ANOMALY_DETECTION_BAND(m1, 0)"},
	})
	if err != nil {
		t.Fatal(err)
	}
	grid := math.Grid{Start: start, Step: time.Minute, Len: 1}
	run := p.Run(math.Env{Grid: grid, Metric: func(string) (math.Series, error) { return math.NewSeries(grid), nil }, Band: func(id string, width float64) (upper, lower math.Series, err error) {
		upper, lower = math.NewSeries(grid), math.NewSeries(grid)
		upper.Values[0], lower.Values[0] = 100+10*width, 100-10*width
		return upper, lower, nil
	}})
	for id, want := range map[string]string{"ad1": "130 | 70", "usual": "120 | 80", "wide": "60"} {
		if got, err := run.Result(id); err != nil || showAll(got) != want {
			t.Errorf("%s is %q, %v, want %q", id, showAll(got), err, want)
		}
	}
	if _, err := run.Result("none"); err == nil || err.Error() != "Error in expression 'none': The width of an ANOMALY_DETECTION_BAND must be greater than 0" {
		t.Error(err)
	}
	if of, ok := p.BandOf("ad1"); of != "e" || !ok {
		t.Errorf("ad1 is the band of %q, %v", of, ok)
	}
	if _, ok := p.BandOf("wide"); ok || !p.HasBands("wide") || p.HasBands("e") {
		t.Error("which expressions are bands, or have some, is not known")
	}
	if got := p.Needs("ad1"); len(got) != 3 {
		t.Errorf("ad1 needs %v", got)
	}
}
