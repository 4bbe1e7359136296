package query_test

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"testing"

	"flyball/metric"
	"flyball/metric/query"
)

const account = "123456789012"

// id reads "AWS/ECS CPUUtilization ClusterName=prod ServiceName=web".
func id(s string) metric.ID {
	fields := strings.Fields(s)
	var dimensions []metric.Dimension
	for _, f := range fields[2:] {
		name, value, _ := strings.Cut(f, "=")
		dimensions = append(dimensions, metric.Dimension{Name: name, Value: value})
	}
	return metric.NewID(fields[0], fields[1], dimensions...)
}

func parse(t *testing.T, source string) *query.Query {
	t.Helper()
	q, err := query.Parse(source)
	if err != nil {
		t.Fatalf("%s: %v", source, err)
	}
	return q.In(account)
}

func TestMatches(t *testing.T) {
	const (
		bare    = "AWS/ECS cpu"
		cluster = "AWS/ECS cpu ClusterName=prod"
		service = "AWS/ECS cpu ClusterName=prod ServiceName=web"
		other   = "AWS/ECS cpu ClusterName=test ServiceName=web"
	)
	all := []string{bare, cluster, service, other}
	for source, want := range map[string][]string{
		`SELECT AVG(cpu) FROM "AWS/ECS"`:                                                        all,
		`select avg(cpu) from "AWS/ECS";`:                                                       all, // keywords in any case
		`SELECT AVG("cpu") FROM SCHEMA("AWS/ECS")`:                                              {bare},
		`SELECT AVG(cpu) FROM SCHEMA("AWS/ECS", ServiceName, ClusterName)`:                      {service, other},
		`SELECT AVG(cpu) FROM "AWS/ECS" WHERE ClusterName = 'prod'`:                             {cluster, service},
		`SELECT AVG(cpu) FROM "AWS/ECS" WHERE ClusterName != 'prod'`:                            {other}, // not the one without
		`SELECT AVG(cpu) FROM "AWS/ECS" WHERE ServiceName='web' AND "ClusterName"!='test'`:      {service},
		`SELECT AVG(cpu) FROM "AWS/ECS" WHERE clustername = 'prod'`:                             nil, // labels in theirs alone
		`SELECT AVG(CPU) FROM "AWS/ECS"`:                                                        nil,
		`SELECT AVG(cpu) FROM "aws/ecs"`:                                                        nil,
		`SELECT AVG(cpu) FROM "AWS/ECS" WHERE ClusterName = 'Prod'`:                             nil,
		`SELECT AVG(cpu) FROM "AWS/ECS" WHERE AWS.AccountId = CURRENT_ACCOUNT_ID()`:             all,
		`SELECT AVG(cpu) FROM "AWS/ECS" WHERE AWS.AccountId=123456789012`:                       all,
		`SELECT AVG(cpu) FROM "AWS/ECS" WHERE AWS.AccountId = '444455556666'`:                   nil,
		`SELECT AVG(cpu) FROM SCHEMA("AWS/ECS", ClusterName) WHERE ServiceName = 'web' LIMIT 1`: nil,
	} {
		q := parse(t, source)
		var got []string
		for _, s := range all {
			if q.Matches(id(s)) {
				got = append(got, s)
			}
		}
		if strings.Join(got, ", ") != strings.Join(want, ", ") {
			t.Errorf("%s matches %q, want %q", source, got, want)
		}
	}
}

func TestQuotedNames(t *testing.T) {
	q := parse(t, `SELECT SUM("Bytes\"In\"") FROM "my ns" WHERE "LIMIT" = 'it\'s \d'`)
	dimension := metric.Dimension{Name: "LIMIT", Value: `it's \d`}
	if !q.Matches(metric.NewID("my ns", `Bytes"In"`, dimension)) {
		t.Errorf("%+v does not match", q)
	}
}

func TestWrongQueriesAreRefusedWithTheirPlace(t *testing.T) {
	for source, want := range map[string]string{
		`SELECT`:                                         "Syntax error: expected one of the functions AVG, COUNT, MAX, MIN and SUM instead of the end of the query (at byte 7)",
		`SELECT p99(x) FROM n`:                           "Syntax error: expected one of the functions AVG, COUNT, MAX, MIN and SUM instead of 'p99' (at byte 8)",
		`SELECT AVG(x, y) FROM n`:                        "Syntax error: expected ')' instead of ',' (at byte 13)",
		`SELECT AVG(*) FROM n`:                           "Syntax error: expected the name of a metric instead of '*' (at byte 12)",
		`SELECT AVG(LIMIT) FROM n`:                       "Syntax error: expected the name of a metric instead of 'LIMIT' (a name that is a keyword stands in double quotes) (at byte 12)",
		`SELECT AVG('x') FROM n`:                         "Syntax error: expected the name of a metric instead of the value 'x' (names stand in double quotes, values in single ones) (at byte 12)",
		`SELECT AVG(x) FROM AWS/ECS`:                     "Syntax error: unexpected '/' (a name with characters other than letters, digits and _ stands in double quotes) (at byte 23)",
		`SELECT AVG(x) FROM ""`:                          "Syntax error: a namespace must not be empty (at byte 20)",
		`SELECT AVG(x)`:                                  "Syntax error: expected 'FROM' instead of the end of the query (at byte 14)",
		`SELECT AVG(x) FROM SCHEMA()`:                    "Syntax error: expected a namespace instead of ')' (at byte 27)",
		`SELECT AVG(x) FROM n WHERE`:                     "Syntax error: expected the name of a dimension instead of the end of the query (at byte 27)",
		`SELECT AVG(x) FROM n WHERE a = b`:               "Syntax error: expected a value in single quotes instead of 'b' (at byte 32)",
		`SELECT AVG(x) FROM n WHERE a <> 'b'`:            "Syntax error: expected '=' or '!=' instead of '<>' (at byte 30)",
		`SELECT AVG(x) FROM n WHERE a = "b"`:             `Syntax error: expected a value in single quotes instead of the name "b" (at byte 32)`,
		`SELECT AVG(x) FROM n WHERE a='b' OR a='c'`:      "Syntax error: unexpected 'OR' (conditions are joined by AND) (at byte 34)",
		`SELECT AVG(x) FROM n WHERE tag.env = 'prod'`:    "Tags of resources (tag.) are not supported in queries: filter and group by dimensions (at byte 28)",
		`SELECT AVG(x) FROM n GROUP BY tag."my-tag"`:     "Tags of resources (tag.) are not supported in queries: filter and group by dimensions (at byte 31)",
		`SELECT AVG(x) FROM n GROUP BY a.b`:              "Syntax error: unexpected 'a.b' (a label with a dot in its name stands in double quotes) (at byte 31)",
		`SELECT AVG(x) FROM n GROUP a`:                   "Syntax error: expected 'BY' instead of 'a' (at byte 28)",
		`SELECT AVG(x) FROM n ORDER BY MAX`:              "Syntax error: expected '(' instead of the end of the query (at byte 34)",
		`SELECT AVG(x) FROM n LIMIT 501`:                 "LIMIT must be a number from 1 to 500 (at byte 28)",
		`SELECT AVG(x) FROM n LIMIT 0`:                   "LIMIT must be a number from 1 to 500 (at byte 28)",
		`SELECT AVG(x) FROM n LIMIT 5 GROUP BY a`:        "Syntax error: unexpected 'GROUP' (at byte 30)",
		`SELECT AVG(x) FROM n ORDER BY MAX() GROUP BY a`: "Syntax error: unexpected 'GROUP' (at byte 37)",
		`SELECT AVG(x) FROM n; SELECT`:                   "Syntax error: unexpected 'SELECT' (at byte 23)",
		`SELECT AVG("x) FROM n`:                          "Syntax error: the quotes that start here have no end (at byte 12)",
		`SELECT AVG(x) FROM é`:                           "Syntax error: unexpected 'é' (at byte 20)",
	} {
		_, err := query.Parse(source)
		if err == nil || err.Error() != want {
			t.Errorf("%s:\n got %v\nwant %s", source, err, want)
		}
	}
}

// observed are metrics by their dimensions, with values by period: a dash is none, and
// 6x3 is a sum of 6 over 3 observations.
func observed(t *testing.T, q *query.Query, metrics ...string) string {
	t.Helper()
	var r *query.Result
	for _, m := range metrics {
		name, values, _ := strings.Cut(m, ":")
		of := id("ns x " + name)
		fields := strings.Fields(values)
		if r == nil {
			r = q.Result(len(fields))
		}
		if !q.Matches(of) {
			continue
		}
		g, err := r.Group(of)
		if err != nil {
			t.Fatal(err)
		}
		for i, f := range fields {
			r.Add(g, i, statistics(q, f)...)
		}
	}
	series, _ := r.Series()
	var out []string
	for _, s := range series {
		line := s.Label() + ":"
		for _, v := range s.Values {
			if math.IsNaN(v) {
				line += " -"
			} else {
				line += " " + strconv.FormatFloat(v, 'g', -1, 64)
			}
		}
		out = append(out, line)
	}
	return strings.Join(out, " | ")
}

func statistics(q *query.Query, f string) []float64 {
	var set metric.Set
	if sum, count, ok := strings.Cut(f, "x"); ok {
		n, _ := strconv.ParseFloat(count, 64)
		total, _ := strconv.ParseFloat(sum, 64)
		set.AddStatistics(n, total, total/n, total/n)
	} else if v, err := strconv.ParseFloat(f, 64); err == nil {
		set.Add(v, 1)
	}
	var all []float64
	for _, s := range q.Statistics() {
		v, ok := set.Value(s)
		if !ok {
			v = math.NaN()
		}
		all = append(all, v)
	}
	return all
}

func TestResults(t *testing.T) {
	metrics := []string{
		"a=1 b=x: 10x10 - 4", // ten observations of 1
		"a=2 b=x: 12 - -",
		"a=1 b=y: - - 6",
		"a=3: 3 2 -",
		"b=z: - - -",
	}
	for source, want := range map[string]string{
		"SELECT AVG(x) FROM ns":                                   ": 2.0833333333333335 2 5", // 25 / 12, each observation counts once
		"SELECT COUNT(x) FROM ns":                                 ": 12 1 2",
		"SELECT SUM(x) FROM ns":                                   ": 25 2 10",
		"SELECT MAX(x) FROM ns":                                   ": 12 2 6",
		"SELECT MIN(x) FROM ns":                                   ": 1 2 4",
		"SELECT SUM(x) FROM ns WHERE a = 'none'":                  ": - - -", // always one series
		"SELECT SUM(x) FROM ns WHERE a = 'none' GROUP BY a":       "",
		"SELECT SUM(x) FROM ns GROUP BY a":                        "1: 10 - 10 | 2: 12 - - | 3: 3 2 -", // nothing of b=z
		"SELECT SUM(x) FROM ns GROUP BY b":                        "Other: 3 2 - | x: 22 - 4 | y: - - 6",
		"SELECT SUM(x) FROM ns GROUP BY b, a":                     "Other 3: 3 2 - | x 1: 10 - 4 | x 2: 12 - - | y 1: - - 6",
		"SELECT SUM(x) FROM ns GROUP BY a ORDER BY MAX()":         "3: 3 2 - | 1: 10 - 10 | 2: 12 - -",
		"SELECT SUM(x) FROM ns GROUP BY a ORDER BY SUM() DESC":    "1: 10 - 10 | 2: 12 - - | 3: 3 2 -",
		"SELECT SUM(x) FROM ns GROUP BY a ORDER BY count() asc":   "2: 12 - - | 1: 10 - 10 | 3: 3 2 -", // equals as without ORDER BY
		"SELECT SUM(x) FROM ns GROUP BY a ORDER BY MAX() LIMIT 1": "3: 3 2 -",
		"SELECT AVG(x) FROM ns GROUP BY a ORDER BY AVG() DESC":    "2: 12 - - | 1: 1 - 5 | 3: 3 2 -",
		"SELECT MIN(x) FROM ns GROUP BY AWS.AccountId":            "123456789012: 1 2 4",
	} {
		if got := observed(t, parse(t, source), metrics...); got != want {
			t.Errorf("%s\n gave %s\n want %s", source, got, want)
		}
	}
}

func TestLargeResults(t *testing.T) {
	q := parse(t, "SELECT MAX(x) FROM ns GROUP BY a")
	r := q.Result(1)
	for i := range query.MaxSeries + 1 {
		g, err := r.Group(id("ns x a=" + strconv.Itoa(i)))
		if err != nil {
			t.Fatal(err)
		}
		r.Add(g, 0, float64(i))
	}
	if series, more := r.Series(); len(series) != query.MaxSeries || !more {
		t.Errorf("%d series, %v", len(series), more)
	}
	r = q.Result(15_000_000)
	if _, err := r.Group(id("ns x a=1")); err != nil {
		t.Error(err)
	}
	if _, err := r.Group(id("ns x a=2")); !errors.Is(err, query.ErrTooLarge) {
		t.Errorf("30 million values: %v", err)
	}
}

func TestBegins(t *testing.T) {
	for expression, want := range map[string]bool{
		"SELECT": true, " select\nAVG(x) FROM n": true, "SELECT(1)": true,
		"select + m1": false, "select": false, "selected": false, "m1": false, "": false, "SELECTION x": false,
	} {
		if got := query.Begins(expression); got != want {
			t.Errorf("%q is a query: %v", expression, got)
		}
	}
}

// Whatever is read is either refused at a place in it, or says of any metric whether
// it matches.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`SELECT AVG(CPUUtilization) FROM SCHEMA("AWS/ECS", ClusterName) WHERE a = 'b' AND c != 'd\'' GROUP BY e, "f g" ORDER BY MAX() DESC LIMIT 10`,
		`select count("LIMIT") from n where AWS.AccountId=CURRENT_ACCOUNT_ID() group by AWS.AccountId;`,
		`SELECT AVG(x) FROM n GROUP BY tag.x`, `SELECT AVG("\`, "SELECT AVG(x) FROM n WHERE a.", "é", "",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, source string) {
		q, err := query.Parse(source)
		if err != nil {
			var e *query.Error
			if !errors.As(err, &e) || e.Offset < 0 || e.Offset > len(source) || e.Message == "" {
				t.Errorf("%q: %#v", source, err)
			}
			return
		}
		if !query.Begins(source) || q.Metric == "" || q.Namespace == "" {
			t.Errorf("%q: %+v", source, q)
		}
		q = q.In(account)
		of := metric.NewID(q.Namespace, q.Metric, metric.Dimension{Name: "a", Value: "b"})
		r := q.Result(1)
		if g, err := r.Group(of); err == nil && q.Matches(of) {
			r.Add(g, 0, 1, 1)
			if series, _ := r.Series(); len(series) != 1 {
				t.Errorf("%q: %v", source, series)
			}
		}
	})
}
