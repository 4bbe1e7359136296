package math_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"flyball/metric"
	"flyball/metric/math"
)

func id(namespace, name string, dimensions ...string) metric.ID {
	var all []metric.Dimension
	for _, d := range dimensions {
		name, value, _ := strings.Cut(d, "=")
		all = append(all, metric.Dimension{Name: name, Value: value})
	}
	return metric.NewID(namespace, name, all...)
}

// known are the metrics of the tests, by a short name.
var known = []struct {
	name string
	id   metric.ID
}{
	{"prod", id("AWS/ECS", "CPUUtilization", "ClusterName=prod", "ServiceName=web-1")},
	{"test", id("AWS/ECS", "CPUUtilization", "ClusterName=test", "ServiceName=web-2")},
	{"memory", id("AWS/ECS", "MemoryUtilization", "ClusterName=prod", "ServiceName=web-1")},
	{"cluster", id("AWS/ECS", "CPUUtilization", "ClusterName=prod")},
	{"custom", id("MyNamespace", "CustomCount1")},
	{"value", id("MyNamespace", "Other", "Kind=CustomCount1")},
	{"sdb", id("My Namespace", "SDBFailure", "Dimension@Name=x")},
	{"trial", id("Trials", "Project2-trial333")},
	{"errors", id("Net", "Network-Errors-2")},
	{"errors2", id("Net", "NetworkErrors2")},
	{"europe", id("Geo", `Europe\France Traffic(Network)`)},
	{"ops", id("AWS/EBS", "VolumeReadOps", "VolumeId=vol-1")},
}

func find(t *testing.T, query string) (string, error) {
	t.Helper()
	p, err := math.Compile([]math.Query{{ID: "e", Expression: "SEARCH('" + query + "', 'Average', 300)"}})
	if err != nil {
		return "", err
	}
	search := p.Searches("e")[0]
	if search.Period != 5*time.Minute || search.Statistic != metric.Average {
		t.Errorf("%s: %v, %v", query, search.Period, search.Statistic)
	}
	var names []string
	for _, k := range known {
		if search.Matches(k.id) {
			names = append(names, k.name)
		}
	}
	return strings.Join(names, " "), nil
}

// After "CloudWatch search expression syntax" in the User Guide.
func TestSearch(t *testing.T) {
	for query, want := range map[string]string{
		// The schema has exactly its dimensions.
		` {AWS/ECS,ClusterName,ServiceName} MetricName="CPUUtilization" prod`: "prod",
		`{AWS/ECS, ServiceName, ClusterName}`:                                 "prod test memory",
		`{AWS/ECS,ClusterName}`:                                               "cluster",
		`{AWS/ECS}`:                                                           "prod test memory cluster",
		`{"My Namespace", "Dimension@Name"}`:                                  "sdb",
		// Partial matches: a token in any case, several only as they stand.
		`count`: "custom value", `Count`: "custom value", `COUNT`: "custom value", `couNT`: "",
		`CustomCount`: "custom value", `Count1`: "custom value", `customcount`: "", `count1`: "",
		`customcount1`: "custom value",
		`sdb`:          "sdb", `failure`: "sdb", `SDBFailure`: "sdb", `SDBfail`: "",
		`333`: "trial", `trial333`: "trial", `project2trial333`: "trial", `Project2-trial`: "trial",
		`network/errors`: "errors errors2", `network+errors`: "errors errors2", `network-errors`: "errors errors2", `Network_Errors`: "errors errors2",
		// Exact matches.
		`{MyNamespace}, "CustomCount1"`: "custom value",
		`{MyNamespace}, "customcount1"`: "", `{MyNamespace}, "Custom"`: "",
		`"Network-Errors-2"`: "errors", `"Network_Errors_2"`: "",
		`"Europe\\France Traffic\(Network\)"`: "europe",
		// Properties.
		`MetricName="CustomCount1"`: "custom", `Kind=custom`: "value", `ClusterName="prod" Namespace="AWS/ECS"`: "prod memory cluster",
		`"Dimension@Name"=x`: "sdb", `ServiceName=("web-1" OR "web-2") MetricName=CPUUtilization`: "prod test",
		// Boolean operators; nothing between two terms is AND.
		`cpu AND prod`: "prod cluster", `CPUUtilization prod`: "prod cluster",
		`CPUUtilization NOT prod`: "test", `NOT Namespace=AWS`: "custom value sdb trial errors errors2 europe",
		`CPUUtilization NOT "prod" NOT "test"`: "", `and`: "",
		`(ECS OR EBS) AND MetricName=ReadOps`: "ops", `(ECS OR EBS) MetricName=ReadOps`: "ops",
		`{AWS/ECS,ClusterName,ServiceName} MetricName="MemoryUtilization" OR (MetricName="CPUUtilization" AND (test OR none))`: "test memory",
		`sdb OR trial AND 333`: "sdb trial", `trial AND NOT (sdb OR 4)`: "trial",
	} {
		got, err := find(t, query)
		if err != nil || got != want {
			t.Errorf("%s finds %q, %v, want %q", query, got, err, want)
		}
	}
}

func TestSearchRefusals(t *testing.T) {
	const where = "Error in expression 'e': "
	for query, want := range map[string]string{
		"":                        "SEARCH: the query is empty (at character 9)",
		"{}":                      "SEARCH: expected a namespace or the name of a dimension (at character 10)",
		"{AWS/ECS":                "SEARCH: expected ',' or '}' in the metric schema (at character 17)",
		"{AWS/ECS x}":             "SEARCH: expected ',' or '}' in the metric schema (at character 18)",
		"(a":                      "SEARCH: expected ')' (at character 11)",
		"a)":                      "SEARCH: unexpected ')' (at character 10)",
		"a AND":                   "SEARCH: expected a term (at character 14)",
		"a OR OR b":               "SEARCH: expected a term (at character 14)",
		"NOT":                     "SEARCH: expected a term (at character 12)",
		"=b":                      "SEARCH: expected a term (at character 9)",
		"A=B=c":                   "SEARCH: 'B' is inside of what A must be (at character 13)",
		`"x`:                      "SEARCH: the quotes that start here are empty, or have no end (at character 9)",
		"--":                      "SEARCH: '--' has no letter or digit to search for (at character 11)",
		`:aws.AccountId="1" x`:    "SEARCH: ':aws.AccountId' is not supported: there are no other accounts (at character 24)",
		strings.Repeat("(", 101):  "SEARCH: the query is nested deeper than 100 levels (at character 109)",
		strings.Repeat("a", 1025): "SEARCH: the query is longer than 1024 characters (at character 8)",
	} {
		if got, err := find(t, query); err == nil || err.Error() != where+want {
			t.Errorf("%s\n got %q, %v\nwant %s", query, got, err, want)
		}
	}
	for expression, want := range map[string]string{
		"SEARCH('x')":               "Unsupported operand type(s) for SEARCH: '[String]' (at character 1)",
		"SEARCH('x', 'Mean', 60)":   "SEARCH: 'Mean' is not a statistic (at character 13)",
		"SEARCH('x', 'Sum', 90)":    "SEARCH: the period must be a multiple of 60 up to 86400, or one of 1, 5, 10, 20, 30 (at character 20)",
		"SEARCH('x', 'Sum', 60+60)": "SEARCH: the period must be a multiple of 60 up to 86400, or one of 1, 5, 10, 20, 30 (at character 22)",
	} {
		if _, err := math.Compile([]math.Query{{ID: "e", Expression: expression}}); err == nil || err.Error() != where+want {
			t.Errorf("%s\n got %v\nwant %s", expression, err, want)
		}
	}
}

// The finder is asked once for a search, and what it finds beyond the limit of an
// array is left out.
func TestSearchIsAskedOnce(t *testing.T) {
	p, err := math.Compile([]math.Query{
		{ID: "all", Expression: "SEARCH('cpu', 'Sum')"}, {ID: "total", Expression: "SUM(all)"}, {ID: "n", Expression: "TIME_SERIES(METRIC_COUNT(all))"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if s := p.Searches("total"); len(s) != 1 || s[0].Period != 0 || s[0].Query != "cpu" {
		t.Errorf("searches %+v", s)
	}
	asked := 0
	run := p.Run(math.Env{Grid: math.Grid{Start: start, Step: time.Minute, Len: 1}, Find: func(math.Search) ([]math.Series, error) {
		asked++
		return slices.Repeat([]math.Series{{Period: time.Minute, Values: []float64{1}}}, 501), nil
	}})
	for id, want := range map[string]string{"total": "500", "n": "500"} {
		if got, err := run.Result(id); err != nil || showAll(got) != want {
			t.Errorf("%s is %q, %v", id, showAll(got), err)
		}
	}
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
}
