package source_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"flyball/internal/source"
	"flyball/metric"
	"flyball/scaling"
)

var (
	end   = time.Date(2026, 3, 2, 17, 5, 0, 0, time.UTC)
	shops = metric.NewID("Shop", "Load", metric.Dimension{Name: "Service", Value: "web"})
)

func query(id metric.ID, periods int) source.Query {
	return source.Query{Metric: id, Statistic: "Average", Period: time.Minute, Now: end, End: end, Periods: periods}
}

// values are those of the one answer.
func values(t *testing.T, s source.Source, q source.Query) []float64 {
	t.Helper()
	a := s.Read(t.Context(), []source.Query{q})
	if len(a) != 1 || a[0].Err != nil {
		t.Fatalf("%+v", a)
	}
	return a[0].Values
}

// wants compares values, of which NaN is -1.
func wants(t *testing.T, got []float64, want ...float64) {
	t.Helper()
	for i, v := range got {
		if math.IsNaN(v) {
			got[i] = -1
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// served answers a path with a status and a text.
func served(t *testing.T, status int, text string) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprint(w, text)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func prometheus(url string) *source.Prometheus {
	return &source.Prometheus{URL: url, Queries: map[metric.Key]string{shops.Key(): "load"}}
}

const oneSeries = `{"metric":{"job":"a"},"values":[[%d,"1"],[%d,"NaN"],[%d,"3"]]}`

func TestPrometheusTellsWhatAQueryCameToAtTheEndOfEachPeriod(t *testing.T) {
	series := fmt.Sprintf(oneSeries, end.Add(-2*time.Minute).Unix(), end.Add(-time.Minute).Unix(), end.Unix())
	url := served(t, 200, `{"status":"success","data":{"resultType":"matrix","result":[`+series+`]}}`)
	wants(t, values(t, prometheus(url), query(shops, 4)), -1, 1, -1, 3)
	empty := served(t, 200, `{"status":"success","data":{"resultType":"matrix","result":[]}}`)
	wants(t, values(t, prometheus(empty), query(shops, 2)), -1, -1)
}

func TestWhatPrometheusCannotAnswerIsSaid(t *testing.T) {
	for what, c := range map[string]struct {
		status int
		text   string
		is     error
		says   string
	}{
		"two series": {200, `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"job":"a"},"values":[]},{"metric":{"job":"b"},"values":[]}]}}`, source.ErrQuery, `"load" comes to 2 series, such as {"job":"a"} and {"job":"b"}`},
		"no query":   {400, `{"status":"error","errorType":"bad_data","error":"parse error"}`, source.ErrQuery, "parse error"},
		"too often":  {429, ``, source.ErrThrottled, "429"},
		"a timeout":  {503, `{"status":"error","errorType":"timeout","error":"query timed out"}`, nil, "query timed out"},
		"no JSON":    {200, `<html>`, nil, "not as Prometheus does"},
	} {
		a := prometheus(served(t, c.status, c.text)).Read(t.Context(), []source.Query{query(shops, 3)})[0]
		if a.Err == nil || c.is != nil && !errors.Is(a.Err, c.is) || !strings.Contains(a.Err.Error(), c.says) {
			t.Errorf("%s: %v", what, a.Err)
		}
	}
}

// serving runs a Prometheus that scrapes itself, and returns its address once it is ready.
func serving(t *testing.T, program string) string {
	t.Helper()
	for {
		port, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		address := port.Addr().String()
		port.Close()
		dir := t.TempDir()
		config := filepath.Join(dir, "prometheus.yml")
		text := fmt.Sprintf("global: {scrape_interval: 1s}\nscrape_configs:\n- {job_name: self, static_configs: [{targets: ['%s']}]}\n", address)
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), program, "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address, "--log.level=error")
		cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
		var said strings.Builder
		cmd.Stderr = &said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_ = cmd.Wait()
		}()
		t.Cleanup(func() { _ = cmd.Process.Kill(); <-ended })
		if ready(t, address, ended) {
			return address
		}
		if !strings.Contains(said.String(), "address already in use") { // the port may be another program's by then
			t.Fatalf("it ended: %s", said.String())
		}
	}
}

// ready waits until a Prometheus is ready at an address, and reports whether that is before a program ends.
func ready(t *testing.T, address string, ended <-chan struct{}) bool {
	t.Helper()
	ctx, end := context.WithTimeout(t.Context(), 2*time.Minute)
	defer end()
	for {
		select {
		case <-ended:
			return false
		case <-ctx.Done():
			t.Fatal("Prometheus does not become ready")
		case <-time.After(50 * time.Millisecond):
		}
		resp, err := http.Get("http://" + address + "/-/ready")
		if err != nil {
			continue
		}
		text, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err == nil && strings.Contains(string(text), "Prometheus Server is Ready") {
			return true
		}
	}
}

// TestARealPrometheus asks one that scrapes itself.
func TestARealPrometheus(t *testing.T) {
	if testing.Short() {
		t.Skip("starts Prometheus")
	}
	program, err := exec.LookPath("prometheus")
	if err != nil {
		t.Skip("there is no prometheus on this machine")
	}
	address := serving(t, program)
	p := &source.Prometheus{URL: "http://" + address, Queries: map[metric.Key]string{shops.Key(): "sum(up)"}}
	ctx, end := context.WithTimeout(t.Context(), 2*time.Minute)
	defer end()
	for {
		now := time.Now().Truncate(time.Second)
		q := source.Query{Metric: shops, Statistic: "Average", Period: time.Second, Now: now, End: now, Periods: 5}
		a := p.Read(ctx, []source.Query{q})[0]
		if a.Err == nil && a.Values[4] == 1 {
			break
		}
		select {
		case <-ctx.Done():
			t.Fatalf("it has not measured itself: %v, %v", a.Values, a.Err)
		case <-time.After(100 * time.Millisecond):
		}
	}
	// Of the hours that have begun, and of the one that follows, it takes each minute for which there was a
	// sample within five minutes.
	hours := source.Query{Metric: shops, Statistic: "Average", Period: time.Hour, End: time.Now().Truncate(time.Hour).Add(2 * time.Hour), Periods: 14 * 24, Whole: true}
	if a := p.Read(t.Context(), []source.Query{hours})[0]; a.Err != nil || len(a.Values) != 14*24 || a.Values[14*24-2] != 1 && a.Values[14*24-1] != 1 {
		t.Errorf("two weeks of hours: %v, %v", a.Values, a.Err)
	}
	p.Queries[shops.Key()] = `{__name__=~"up|prometheus_build_info"}`
	if a := p.Read(t.Context(), []source.Query{{Metric: shops, Period: time.Second, End: time.Now().Truncate(time.Second), Periods: 5}})[0]; !errors.Is(a.Err, source.ErrQuery) {
		t.Errorf("several series are none: %v, %v", a.Values, a.Err)
	}
}

func TestJSONIsReadOnceAPeriodAndRemembered(t *testing.T) {
	calls := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		calls++
		fmt.Fprintf(w, `{"queues":[{"a/b":%d}]}`, calls)
	}))
	defer s.Close()
	j := &source.JSON{Samples: &source.Samples{}, Values: map[metric.Key]source.JSONValue{shops.Key(): {URL: s.URL, Pointer: "/queues/0/a~1b"}}}
	q := query(shops, 3)
	j.Read(t.Context(), []source.Query{q, q}) // asked by two alarms, read once
	q.Now, q.End = end.Add(time.Minute), end.Add(time.Minute)
	wants(t, values(t, j, q), -1, 1, 2)
	q.Period, q.Now, q.End, q.Periods = 5*time.Minute, end.Add(5*time.Minute), end.Add(5*time.Minute), 1
	wants(t, values(t, j, q), 2.5) // 2 of 17:06, and 3 of now
}

func TestAnAlarmThatLooksBackLessForgetsNothingOfAnother(t *testing.T) {
	j := &source.JSON{Samples: &source.Samples{}, Values: map[metric.Key]source.JSONValue{shops.Key(): {URL: served(t, 200, "7")}}}
	far := query(shops, 3)
	far.Period = 5 * time.Minute
	for minute := range 15 {
		at := end.Add(time.Duration(minute+1) * time.Minute)
		short := query(shops, 2)
		short.Now, short.End = at, at
		queries := []source.Query{short}
		if far.Now, far.End = at, at.Truncate(far.Period); minute%5 == 4 {
			queries = append(queries, far)
		}
		for _, a := range j.Read(t.Context(), queries) {
			if a.Err != nil {
				t.Fatal(a.Err)
			}
		}
	}
	wants(t, values(t, j, far), 7, 7, 7)
}

func TestWhatIsNoNumberIsSaid(t *testing.T) {
	for text, says := range map[string]string{
		`{"a":{}}`: `is no number`, `{"b":1}`: `there is no a`, `[1]`: `the list has no a`, `7`: `is not in a list or an object`, `no`: `not JSON`,
	} {
		j := &source.JSON{Samples: &source.Samples{}, Values: map[metric.Key]source.JSONValue{shops.Key(): {URL: served(t, 200, text), Pointer: "/a"}}}
		if a := j.Read(t.Context(), []source.Query{query(shops, 3)})[0]; a.Err == nil || !strings.Contains(a.Err.Error(), says) {
			t.Errorf("%s: %v", text, a.Err)
		}
	}
}

// queues have messages, by their names.
type queues map[string]string

func (q queues) GetQueueUrl(_ context.Context, in *sqs.GetQueueUrlInput, _ ...func(*sqs.Options)) (*sqs.GetQueueUrlOutput, error) {
	url := "https://sqs/" + *in.QueueName
	return &sqs.GetQueueUrlOutput{QueueUrl: &url}, nil
}

func (q queues) GetQueueAttributes(_ context.Context, in *sqs.GetQueueAttributesInput, _ ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error) {
	return &sqs.GetQueueAttributesOutput{Attributes: map[string]string{string(in.AttributeNames[0]): q[*in.QueueUrl]}}, nil
}

func TestQueuesTellTheirMessages(t *testing.T) {
	id := metric.NewID("Flyball/SQS", source.Messages, metric.Dimension{Name: "QueueName", Value: "orders"})
	s := &source.Queues{Client: queues{"https://sqs/orders": "12", "https://sqs/late": "3"}, Samples: &source.Samples{}, Bound: map[metric.Key]source.QueueAttribute{
		shops.Key(): {Queue: "arn:aws:sqs:eu-central-1:123456789012:late", Attribute: "ApproximateNumberOfMessagesDelayed"},
	}}
	wants(t, values(t, s, query(id, 2)), -1, 12)
	wants(t, values(t, s, query(shops, 2)), -1, 3)
}

// meter measures pods; NaN: none.
type meter float64

func (m meter) Usage(_ context.Context, _ scaling.ResourceID, _ string) (float64, error) {
	return float64(m), nil
}

func TestPodsThatAreNotMeasuredHaveNoDatapoint(t *testing.T) {
	id := metric.NewID("Flyball/Kubernetes", "CPUUtilization", metric.Dimension{Name: "Namespace", Value: "shop"}, metric.Dimension{Name: "Resource", Value: "deployments.apps"}, metric.Dimension{Name: "Name", Value: "web"})
	wants(t, values(t, &source.Pods{Meter: meter(60), Samples: &source.Samples{}}, query(id, 2)), -1, 60)
	wants(t, values(t, &source.Pods{Meter: meter(math.NaN()), Samples: &source.Samples{}}, query(id, 2)), -1, -1)
}

// A cloud answers each metric with the number in its name, and refuses some.
type cloud struct {
	bad string

	mu    sync.Mutex // several calls are under way at a time
	calls [][]string
}

func (c *cloud) GetMetricData(_ context.Context, in *cloudwatch.GetMetricDataInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricDataOutput, error) {
	var names []string
	out := &cloudwatch.GetMetricDataOutput{}
	for _, q := range in.MetricDataQueries {
		names = append(names, *q.MetricStat.Metric.MetricName)
		var v float64
		fmt.Sscanf(*q.MetricStat.Metric.MetricName, "m%g", &v)
		out.MetricDataResults = append(out.MetricDataResults, types.MetricDataResult{Id: q.Id, Timestamps: []time.Time{end.Add(-time.Minute)}, Values: []float64{v}})
	}
	c.mu.Lock()
	c.calls = append(c.calls, names)
	c.mu.Unlock()
	for _, name := range names {
		if name == c.bad {
			return nil, &types.InvalidParameterValueException{}
		}
	}
	return out, nil
}

func many(n int) (all []source.Query) {
	for i := range n {
		all = append(all, query(metric.NewID("N", fmt.Sprintf("m%d", i)), 2))
	}
	return all
}

func TestCloudWatchIsAskedForFiveHundredMetricsACall(t *testing.T) {
	c, budget := &cloud{}, &source.Budget{}
	for i, a := range (&source.CloudWatch{Client: c, Budget: budget}).Read(t.Context(), many(1201)) {
		if a.Err != nil || a.Values[1] != float64(i) {
			t.Fatalf("the answer to %d is %+v", i, a)
		}
	}
	calls, metrics, dollars := budget.Spent()
	if len(c.calls) != 3 || calls != 3 || metrics != 1201 || math.Abs(dollars-0.01201) > 1e-9 {
		t.Errorf("%d calls; counted are %d for %d metrics at %v dollars", len(c.calls), calls, metrics, dollars)
	}
}

func TestAMetricThatCloudWatchRefusesKeepsNoOtherFromBeingRead(t *testing.T) {
	answers := (&source.CloudWatch{Client: &cloud{bad: "m37"}}).Read(t.Context(), many(100))
	for i, a := range answers {
		if bad := i == 37; bad != errors.Is(a.Err, source.ErrQuery) || !bad && a.Err != nil {
			t.Errorf("%d: %v", i, a.Err)
		}
	}
}

// A stray cloud answers what it was not asked for, too.
type stray struct{ cloud }

func (c *stray) GetMetricData(ctx context.Context, in *cloudwatch.GetMetricDataInput, o ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricDataOutput, error) {
	out, err := c.cloud.GetMetricData(ctx, in, o...)
	for _, id := range []*string{nil, new(string), aws.String("m-1"), aws.String("m99"), aws.String("e1")} {
		out.MetricDataResults = append(out.MetricDataResults, types.MetricDataResult{Id: id, Timestamps: []time.Time{end.Add(-time.Minute)}, Values: []float64{9}})
	}
	return out, err
}

func TestWhatCloudWatchWasNotAskedForIsPassedOver(t *testing.T) {
	answers := (&source.CloudWatch{Client: &stray{}}).Read(t.Context(), many(3))
	for i, a := range answers {
		wants(t, a.Values, -1, float64(i))
	}
}

func TestABudgetThatIsNotEnoughHasMetricsReadInTurns(t *testing.T) {
	c := &source.CloudWatch{Client: &cloud{}, Budget: &source.Budget{PerDay: 40 * 0.01 / 1000 * 24 * 60}} // 40 a minute
	read := map[int]int{}
	queries := many(100)
	for minute := range 10 {
		for i := range queries {
			queries[i].End = end.Add(time.Duration(minute) * time.Minute)
		}
		for i, a := range c.Read(t.Context(), queries) {
			if a.Err == nil {
				read[i]++
			} else if !errors.Is(a.Err, source.ErrBudget) {
				t.Fatal(a.Err)
			}
		}
	}
	for i := range queries {
		if read[i] < 3 || read[i] > 5 {
			t.Errorf("metric %d was read %d times in ten minutes, and should be about 4 times", i, read[i])
		}
	}
}

func TestThePastOfAPrometheusIsOfWholeHours(t *testing.T) {
	var asked []url.Values
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Query())
		fmt.Fprintf(w, `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[%s,"%d"]]}]}}`, r.FormValue("end"), len(asked))
	}))
	t.Cleanup(s.Close)
	q := query(shops, 10*24)
	q.Period, q.End, q.Whole, q.Statistic = time.Hour, end.Truncate(time.Hour), true, "Sum"
	got := values(t, prometheus(s.URL), q)
	if len(got) != 240 || len(asked) != 2 || got[167] != 1 || got[239] != 2 {
		t.Errorf("%d hours of %d calls, with %v and %v at their ends", len(got), len(asked), got[167], got[len(got)-1])
	}
	if text := asked[0].Get("query"); text != "sum_over_time((load)[3599s:1m])" || asked[0].Get("step") != "3600" {
		t.Errorf("asked %v", asked[0])
	}
	for statistic, text := range map[string]string{"p99": "quantile_over_time(0.99, (load)[3599s:1m])", "Average": "avg_over_time((load)[3599s:1m])", "SampleCount": "count_over_time((load)[3599s:1m])"} {
		asked, q.Statistic = nil, statistic
		if values(t, prometheus(s.URL), q); asked[0].Get("query") != text {
			t.Errorf("%s: asked %s", statistic, asked[0].Get("query"))
		}
	}
	q.Statistic = "tm10"
	if a := prometheus(s.URL).Read(t.Context(), []source.Query{q})[0]; !errors.Is(a.Err, source.ErrQuery) {
		t.Error(a.Err)
	}
}

// formulas answers to metric math with some series.
type formulas struct {
	asked  []*cloudwatch.GetMetricDataInput
	labels []string
}

func (f *formulas) GetMetricData(_ context.Context, in *cloudwatch.GetMetricDataInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricDataOutput, error) {
	f.asked = append(f.asked, in)
	out := &cloudwatch.GetMetricDataOutput{}
	for _, label := range f.labels {
		out.MetricDataResults = append(out.MetricDataResults, types.MetricDataResult{
			Id: aws.String("all"), Label: aws.String(label), Timestamps: []time.Time{end.Add(-2 * time.Minute), end.Add(-time.Minute), end.Add(-30 * time.Second)}, Values: []float64{1, 2, 4},
		})
	}
	return out, nil
}

func search() *source.Formula {
	return source.NewFormula([]types.MetricDataQuery{
		{Id: aws.String("m"), MetricStat: &types.MetricStat{Metric: &types.Metric{Namespace: aws.String("Shop"), MetricName: aws.String("Tasks")}, Stat: aws.String("Average"), Period: aws.Int32(60)}},
		{Id: aws.String("all"), Expression: aws.String("SUM(SEARCH('{Shop,Task} Load', 'Sum', 60)) / m"), Period: aws.Int32(60)},
	}, "all")
}

func TestASearchIsAskedOfCloudWatchAsItIs(t *testing.T) {
	f, budget := &formulas{labels: []string{"all"}}, &source.Budget{}
	q := source.Query{Formula: search(), Period: time.Minute, Now: end, End: end, Periods: 3}
	wants(t, values(t, &source.CloudWatch{Client: f, Budget: budget}, q), -1, 1, 3)
	if in := f.asked[0].MetricDataQueries; len(in) != 2 || *in[0].ReturnData || !*in[1].ReturnData {
		t.Errorf("asked %+v", in)
	}
	if _, metrics, _ := budget.Spent(); metrics != 2 {
		t.Errorf("%d metrics are counted: the one that is named, and one for what is searched for", metrics)
	}
	f.labels = []string{"a", "b"}
	if a := (&source.CloudWatch{Client: f}).Read(t.Context(), []source.Query{q})[0]; !errors.Is(a.Err, source.ErrQuery) || !strings.Contains(a.Err.Error(), `several series, such as "a" and "b"`) {
		t.Error(a.Err)
	}
	f.labels = nil
	wants(t, values(t, &source.CloudWatch{Client: f}, q), -1, -1, -1)
}

func TestASearchOfWhatCloudWatchDoesNotHaveIsRefused(t *testing.T) {
	q := source.Query{Formula: search()}
	if _, err := (&source.Registry{}).Of(q); err == nil || !strings.Contains(err.Error(), "control does not read here") {
		t.Error(err)
	}
	cloud := &source.CloudWatch{}
	r := &source.Registry{CloudWatch: cloud, Bound: map[metric.Key]source.Source{metric.NewID("Shop", "Tasks").Key(): &source.Prometheus{}}}
	if _, err := r.Of(q); err == nil || !strings.Contains(err.Error(), "does not have metric Tasks of namespace Shop") {
		t.Error(err)
	}
	r.Bound = nil
	if s, err := r.Of(q); err != nil || s != source.Source(cloud) {
		t.Error(s, err)
	}
}
