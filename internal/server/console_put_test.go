package server

import (
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"

	"flyball/internal/client"
)

func TestAStateIsSetByTheOperationOrNotAtAll(t *testing.T) {
	base, stop := serving(t, "")
	defer stop()
	c := client.New(client.Config{Endpoint: base, Region: testRegion})
	if _, err := c.CloudWatch.PutMetricAlarm(t.Context(), &cloudwatch.PutMetricAlarmInput{
		AlarmName: aws.String("late"), Namespace: aws.String("shop"), MetricName: aws.String("m"),
		Statistic: "Sum", Period: aws.Int32(86400), EvaluationPeriods: aws.Int32(1), Threshold: aws.Float64(1), ComparisonOperator: "GreaterThanThreshold",
	}); err != nil {
		t.Fatal(err)
	}
	b := browse(t, base)
	alarmed := func() (times int) { // the alarm itself never goes there: it has no data
		out, err := c.CloudWatch.DescribeAlarmHistory(t.Context(), &cloudwatch.DescribeAlarmHistoryInput{HistoryItemType: types.HistoryItemTypeStateUpdate})
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range out.AlarmHistoryItems {
			if strings.HasSuffix(aws.ToString(item.HistorySummary), "to ALARM") {
				times++
			}
		}
		return times
	}
	for _, tt := range []struct {
		name   string
		path   string
		form   url.Values
		status int
		says   string
		times  int
	}{
		{"no such state", "late", url.Values{"state": {"LOUD"}, "reason": {"x"}}, http.StatusBadRequest, "ValidationException", 0},
		{"a reason that is too long", "late", url.Values{"state": {"ALARM"}, "reason": {strings.Repeat("x", 1024)}}, http.StatusBadRequest, "ValidationException", 0},
		{"no such alarm", "none", url.Values{"state": {"OK"}, "reason": {"x"}}, http.StatusNotFound, "There is no alarm none", 0},
		{"a state", "late", url.Values{"state": {"ALARM"}, "reason": {hostile}}, http.StatusOK, "set-alarm-state", 1},
	} {
		status, _, body := b.ask(http.MethodPost, "/console/alarms/"+tt.path, tt.form, nil)
		if status != tt.status || !strings.Contains(html.UnescapeString(body), tt.says) || strings.Contains(body, "<script>alert") {
			t.Errorf("%s: %d, want %d with %q: %s", tt.name, status, tt.status, tt.says, body)
		}
		if got := alarmed(); got != tt.times {
			t.Errorf("%s: it went to ALARM %d times, want %d", tt.name, got, tt.times)
		}
	}
}

func TestADatapointIsPutByTheOperationOrNotAtAll(t *testing.T) {
	base, stop := serving(t, "")
	defer stop()
	c := client.New(client.Config{Endpoint: base, Region: testRegion})
	b := browse(t, base)
	metric := "/console/metrics?namespace=shop&name=waiting&d.Queue=a"
	names := func() (all []string) {
		out, err := c.CloudWatch.ListMetrics(t.Context(), &cloudwatch.ListMetricsInput{})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range out.Metrics {
			all = append(all, *m.Namespace+" "+*m.MetricName)
		}
		return all
	}
	for _, tt := range []struct {
		name, path, value string
		status            int
		says              string
		metrics           int
	}{
		{"no number", metric, "much", http.StatusBadRequest, "is no number", 0},
		{"not a number", metric, "NaN", http.StatusBadRequest, "InvalidParameterValue", 0},
		{"a namespace of AWS", "/console/metrics?namespace=AWS/ECS&name=CPUUtilization", "1", http.StatusBadRequest, "InvalidParameterValue", 0},
		{"no metric", "/console/metrics", "1", http.StatusNotFound, "Choose a metric", 0},
		{"a value", metric, "4.5", http.StatusOK, "put-metric-data", 1},
	} {
		status, _, body := b.ask(http.MethodPost, tt.path, url.Values{"value": {tt.value}}, nil)
		if status != tt.status || !strings.Contains(html.UnescapeString(body), tt.says) {
			t.Errorf("%s: %d, want %d with %q: %.3000s", tt.name, status, tt.status, tt.says, body[strings.Index(body, "<main"):])
		}
		if got := names(); len(got) != tt.metrics {
			t.Errorf("%s: there are %q", tt.name, got)
		}
	}
}

func TestAccountsAreOfferedToWhomTheyAreFor(t *testing.T) {
	s := open(t, "")
	defer running(t, s)()
	for _, account := range []string{testAccount, "210987654321"} {
		c := client.New(client.Config{Endpoint: s.URL(), Region: testRegion, Account: account})
		if _, err := c.ECS.CreateCluster(t.Context(), &ecs.CreateClusterInput{ClusterName: aws.String("of-" + account)}); err != nil {
			t.Fatal(err)
		}
	}
	b := browse(t, s.URL())
	if _, body := b.get("/console/?account=210987654321"); !strings.Contains(body, "<option selected>210987654321") || !strings.Contains(body, "<option>"+testAccount) {
		t.Errorf("the owner's accounts: %s", body)
	}
	eve := callerOf(s.URL(), testRegion, "210987654321")
	key := eve.createKey(t, "eve")
	embed(t, eve, "eve", "all", document("Allow", "*", "*", ""))
	other := browse(t, s.URL())
	other.signIn(linkOf(t, client.New(client.Config{Endpoint: s.URL(), Region: testRegion, Credentials: key})))
	if _, body := other.get("/console/?account=" + testAccount); strings.Contains(body, `id="account"`) || !strings.Contains(body, "Sign out") {
		t.Errorf("a user of another account: %s", body)
	}
}
