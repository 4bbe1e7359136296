package logs_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"flyball/metric"
)

func withCancel(t *testing.T) (context.Context, func()) { return context.WithCancel(t.Context()) }

func (w *world) putFilter(name, pattern string, t types.MetricTransformation) error {
	t.MetricName, t.MetricNamespace = aws.String(cmp.Or(aws.ToString(t.MetricName), "M")), aws.String("App")
	_, err := w.PutMetricFilter(ctx(w), &cloudwatchlogs.PutMetricFilterInput{
		LogGroupName: aws.String("app"), FilterName: &name, FilterPattern: &pattern, MetricTransformations: []types.MetricTransformation{t},
	})
	return err
}

// shown are samples as text: metric, minute, unit, count and sum.
func shown(samples []metric.Sample) (all []string) {
	for _, s := range samples {
		var dimensions []string
		for _, d := range s.Metric.Dimensions {
			dimensions = append(dimensions, d.Name+"="+d.Value)
		}
		all = append(all, strings.TrimSpace(fmt.Sprintf("%s %s %s n=%g sum=%g %s", s.Metric.Name, s.Time.Format("15:04"), s.Unit, s.Set.Count, s.Set.Sum, strings.Join(dimensions, " "))))
	}
	slices.Sort(all)
	return all
}

// Each minute of the events' times is a datapoint. With a default value an event that
// does not match counts, too.
func TestMetricFiltersPublishEachMinute(t *testing.T) {
	for name, tt := range map[string]struct {
		pattern        string
		transformation types.MetricTransformation
		messages       []string // 30 s apart
		want           []string
	}{
		"a count": {"ERROR", types.MetricTransformation{MetricValue: aws.String("1")},
			[]string{"ERROR a", "ERROR b", "fine", "ERROR c"}, []string{"M 00:00  n=2 sum=2", "M 00:01  n=1 sum=1"}},
		"a count with a default": {"ERROR", types.MetricTransformation{MetricValue: aws.String("1"), DefaultValue: aws.Float64(0)},
			[]string{"ERROR a", "fine", "fine", "fine"}, []string{"M 00:00  n=2 sum=1", "M 00:01  n=2 sum=0"}},
		"a field of JSON": {"{ $.latency = * }", types.MetricTransformation{MetricValue: aws.String("$.latency"), Unit: types.StandardUnitMilliseconds},
			[]string{`{"latency": 20}`, `{"latency": "22.5"}`, `{"latency": "slow"}`, "fine"}, []string{"M 00:00 Milliseconds n=2 sum=42.5"}},
		"a word": {"[ip, ..., bytes]", types.MetricTransformation{MetricValue: aws.String("$bytes")},
			[]string{"127.0.0.1 GET 100", "127.0.0.1 GET 200"}, []string{"M 00:00  n=2 sum=300"}},
		"dimensions": {"{ $.code = * }", types.MetricTransformation{MetricValue: aws.String("1"), Dimensions: map[string]string{"Code": "$.code", "Path": "$.path"}},
			[]string{`{"code": 500, "path": "/a"}`, `{"code": 404, "path": "/a"}`, `{"code": 500}`},
			[]string{"M 00:00  n=1 sum=1 Code=404 Path=/a", "M 00:00  n=1 sum=1 Code=500 Path=/a", "M 00:01  n=1 sum=1 Code=500"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.create("app", "web")
				if err := w.putFilter("f", tt.pattern, tt.transformation); err != nil {
					t.Fatal(err)
				}
				w.restart()
				midnight := w.now()
				for i, m := range tt.messages {
					w.put("app", "web", midnight+int64(i)*30_000, m)
				}
				run(t, w, time.Minute)
				if got := shown(w.took.samples); !slices.Equal(got, tt.want) {
					t.Errorf("got %q, want %q", got, tt.want)
				}
			})
		})
	}
}

func TestAFilterMakesAThousandCombinationsInAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var told bytes.Buffer
		w.Close()
		w.cell.Log = slog.New(slog.NewTextHandler(&told, nil))
		w.open()
		w.create("app", "web")
		if err := w.putFilter("f", "[id]", types.MetricTransformation{MetricValue: aws.String("1"), Dimensions: map[string]string{"ID": "$id"}}); err != nil {
			t.Fatal(err)
		}
		var ids []string
		for i := range 1500 {
			ids = append(ids, fmt.Sprint(i))
		}
		w.put("app", "web", w.now(), ids...)
		w.put("app", "web", w.now(), ids[:10]...) // known ones are counted as before
		run(t, w, time.Minute)
		combinations := map[metric.Key]bool{}
		for _, s := range w.took.samples {
			combinations[s.Metric.Key()] = true
		}
		if len(combinations) != 1000 {
			t.Errorf("got %d", len(combinations))
		}
		if n := strings.Count(told.String(), "as many combinations"); n != 1 {
			t.Errorf("it was said %d times, want once", n)
		}
	})
}

func TestMetricFiltersRefuse(t *testing.T) {
	w := newWorld(t)
	w.create("app")
	one := aws.String("1")
	const transformation = "Invalid metric transformation: "
	for name, tt := range map[string]struct {
		pattern string
		t       types.MetricTransformation
		message string
	}{
		"a pattern that is none":            {"{ $.a", types.MetricTransformation{MetricValue: one}, "Invalid metric filter pattern"},
		"a value that is no number":         {"ERROR", types.MetricTransformation{MetricValue: aws.String("$.a")}, transformation + "metric value must be a number or a reference to a field of the filter pattern."},
		"dimensions of terms":               {"ERROR", types.MetricTransformation{MetricValue: one, Dimensions: map[string]string{"A": "$.a"}}, transformation + "dimension value must be a reference to a field of the filter pattern."},
		"dimensions with a default":         {"[a]", types.MetricTransformation{MetricValue: one, DefaultValue: aws.Float64(0), Dimensions: map[string]string{"A": "$a"}}, transformation + "dimensions and default value are mutually exclusive properties."},
		"more than three dimensions":        {"[a]", types.MetricTransformation{MetricValue: one, Dimensions: map[string]string{"A": "$a", "B": "$a", "C": "$a", "D": "$a"}}, transformation + "the number of dimensions can not exceed 3."},
		"dimensions that the pattern lacks": {"[a]", types.MetricTransformation{MetricValue: one, Dimensions: map[string]string{"A": "$b"}}, transformation + "dimension value must be a reference to a field of the filter pattern."},
	} {
		refused(t, name, w.putFilter("f", tt.pattern, tt.t), "InvalidParameterException", tt.message)
	}
	for i := range 100 {
		pattern := "ERROR"
		if i < 5 {
			pattern = "%ERROR%"
		}
		if err := w.putFilter(fmt.Sprint("f", i), pattern, types.MetricTransformation{MetricValue: one}); err != nil {
			t.Fatal(err)
		}
		if i == 4 {
			refused(t, "the sixth regular expression", w.putFilter("g", "%x%", types.MetricTransformation{MetricValue: one}), "LimitExceededException", "Resource limit exceeded.")
		}
	}
	refused(t, "one filter too many", w.putFilter("g", "x", types.MetricTransformation{MetricValue: one}), "LimitExceededException", "Resource limit exceeded.")
	if err := w.putFilter("f1", "y", types.MetricTransformation{MetricValue: one}); err != nil {
		t.Errorf("a change of one: %v", err)
	}
}

func TestMetricFiltersAreDescribed(t *testing.T) {
	w := newWorld(t)
	w.create("app")
	for _, name := range []string{"b", "a"} {
		if err := w.putFilter(name, " ", types.MetricTransformation{MetricName: aws.String("M" + name), MetricValue: aws.String("1"), DefaultValue: aws.Float64(0)}); err != nil {
			t.Fatal(err)
		}
	}
	w.restart()
	out := must(w.DescribeMetricFilters(ctx(w), &cloudwatchlogs.DescribeMetricFiltersInput{Limit: aws.Int32(1)}))
	f := out.MetricFilters[0]
	if *f.FilterName != "a" || *f.FilterPattern != " " || *f.LogGroupName != "app" || *f.MetricTransformations[0].DefaultValue != 0 || f.ApplyOnTransformedLogs || out.NextToken == nil {
		t.Errorf("got %+v", f)
	}
	out = must(w.DescribeMetricFilters(ctx(w), &cloudwatchlogs.DescribeMetricFiltersInput{MetricName: aws.String("Mb"), MetricNamespace: aws.String("App")}))
	if len(out.MetricFilters) != 1 || *out.MetricFilters[0].FilterName != "b" {
		t.Errorf("by metric %+v", out.MetricFilters)
	}
	groups := must(w.DescribeLogGroups(ctx(w), &cloudwatchlogs.DescribeLogGroupsInput{}))
	if got := *groups.LogGroups[0].MetricFilterCount; got != 2 {
		t.Errorf("the group has %d", got)
	}
	must(w.DeleteMetricFilter(ctx(w), &cloudwatchlogs.DeleteMetricFilterInput{LogGroupName: aws.String("app"), FilterName: aws.String("a")}))
	_, err := w.DeleteMetricFilter(ctx(w), &cloudwatchlogs.DeleteMetricFilterInput{LogGroupName: aws.String("app"), FilterName: aws.String("a")})
	refused(t, "once more", err, "ResourceNotFoundException", "The specified metric filter does not exist.")
}

// Source: the examples of TestMetricFilter's API reference.
func TestMetricFilterIsTried(t *testing.T) {
	w := newWorld(t)
	const line = `127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /apache_pb.gif HTTP/1.0" 200 1534`
	out := must(w.TestMetricFilter(ctx(w), &cloudwatchlogs.TestMetricFilterInput{FilterPattern: aws.String("[..., size]"), LogEventMessages: []string{"", line}}))
	want := map[string]string{"$1": "127.0.0.1", "$2": "-", "$3": "frank", "$4": "10/Oct/2000:13:25:15 -0700", "$5": "GET /apache_pb.gif HTTP/1.0", "$6": "200", "$size": "1534"}
	if len(out.Matches) != 1 || out.Matches[0].EventNumber != 2 || *out.Matches[0].EventMessage != line || !maps.Equal(out.Matches[0].ExtractedValues, want) {
		t.Errorf("got %+v", out.Matches)
	}
	_, err := w.TestMetricFilter(ctx(w), &cloudwatchlogs.TestMetricFilterInput{FilterPattern: aws.String("["), LogEventMessages: []string{"x"}})
	refused(t, "a pattern that is none", err, "InvalidParameterException", "Invalid metric filter pattern")
}

func TestPoliciesAndQueriesAreKept(t *testing.T) {
	w := newWorld(t)
	w.create("app")
	document := aws.String(`{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": ["route53.amazonaws.com"]}, "Action": "logs:PutLogEvents", "Resource": "*"}]}`)
	for i := range 10 {
		must(w.PutResourcePolicy(ctx(w), &cloudwatchlogs.PutResourcePolicyInput{PolicyName: aws.String(fmt.Sprint("p", i)), PolicyDocument: document}))
	}
	_, err := w.PutResourcePolicy(ctx(w), &cloudwatchlogs.PutResourcePolicyInput{PolicyName: aws.String("q"), PolicyDocument: document})
	refused(t, "the eleventh", err, "LimitExceededException", "Resource limit exceeded.")
	_, err = w.PutResourcePolicy(ctx(w), &cloudwatchlogs.PutResourcePolicyInput{PolicyName: aws.String("p1"), PolicyDocument: aws.String(`{"a": "b"}`)})
	refused(t, "no policy", err, "InvalidParameterException", "Error occurred while parsing accessPolicy. Please check if the accessPolicy has been constructed correctly using IAM grammar.")
	_, err = w.DeleteResourcePolicy(ctx(w), &cloudwatchlogs.DeleteResourcePolicyInput{PolicyName: aws.String("q")})
	refused(t, "one that is not there", err, "ResourceNotFoundException", "Policy with name [q] does not exist.")

	arn := aws.String("arn:aws:logs:eu-west-2:123456789012:log-group:app")
	first := must(w.PutResourcePolicy(ctx(w), &cloudwatchlogs.PutResourcePolicyInput{ResourceArn: arn, PolicyDocument: document}))
	if _, err := w.PutResourcePolicy(ctx(w), &cloudwatchlogs.PutResourcePolicyInput{ResourceArn: arn, PolicyDocument: document}); err == nil {
		t.Error("changed without its revision")
	}
	must(w.PutResourcePolicy(ctx(w), &cloudwatchlogs.PutResourcePolicyInput{ResourceArn: arn, PolicyDocument: document, ExpectedRevisionId: first.RevisionId}))

	id := must(w.PutQueryDefinition(ctx(w), &cloudwatchlogs.PutQueryDefinitionInput{Name: aws.String("mine"), QueryString: aws.String("fields @message")})).QueryDefinitionId
	w.restart()
	if got := len(must(w.DescribeResourcePolicies(ctx(w), &cloudwatchlogs.DescribeResourcePoliciesInput{})).ResourcePolicies); got != 10 {
		t.Errorf("%d policies of the account", got)
	}
	if got := must(w.DescribeResourcePolicies(ctx(w), &cloudwatchlogs.DescribeResourcePoliciesInput{ResourceArn: arn})).ResourcePolicies; len(got) != 1 || got[0].PolicyScope != types.PolicyScopeResource {
		t.Errorf("of the group: %+v", got)
	}
	if got := must(w.DescribeQueryDefinitions(ctx(w), &cloudwatchlogs.DescribeQueryDefinitionsInput{QueryDefinitionNamePrefix: aws.String("m")})).QueryDefinitions; len(got) != 1 || *got[0].QueryDefinitionId != *id {
		t.Errorf("queries: %+v", got)
	}
	must(w.DeleteQueryDefinition(ctx(w), &cloudwatchlogs.DeleteQueryDefinitionInput{QueryDefinitionId: id}))
}

func filterInput() *cloudwatchlogs.PutMetricFilterInput {
	return &cloudwatchlogs.PutMetricFilterInput{
		LogGroupName: aws.String("app"), FilterName: aws.String("latency"), FilterPattern: aws.String("{ $.latency = * }"),
		MetricTransformations: []types.MetricTransformation{{MetricName: aws.String("Latency"), MetricNamespace: aws.String("App"), MetricValue: aws.String("$.latency")}},
	}
}
