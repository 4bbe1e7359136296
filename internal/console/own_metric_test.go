package console_test

import (
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"

	"flyball/flyballtest"
)

// drawnValues are the charts in a page.
var drawnValues = regexp.MustCompile(`data-values="([^"]*)"`)

// A policy on a metric of its own, or on metric math, is drawn on what was measured, put, and changed
// in the same form; AWS's words for what is wrong stand beside its field.
func TestAPolicyOnMetricsOfItsOwn(t *testing.T) {
	s := flyballtest.Start(t)
	track(t, s, "shop/web", 10)
	s.SetLoad("shop/web", flyballtest.Load{TotalCPU: 90})
	for range 30 {
		s.Advance(time.Minute)
		s.Feed("Shop", "Orders", 300, "Queue", "a, b")
		s.Feed("Shop", "Workers", 3)
	}
	at := s.URL() + "/console/services/shop/web/policy"
	metric := url.Values{
		"kind": {"tracking"}, "metric": {"own"}, "target": {"100"}, "out": {"60"}, "in": {"60"}, "range": {"1h"}, "name": {"orders"},
		"m1-namespace": {"Shop"}, "m1-name": {"Orders"}, "m1-dimensions": {`Queue="a, b"`}, "m1-stat": {"Average"},
	}
	with := func(changes ...string) url.Values {
		v := url.Values{}
		for key, values := range metric {
			v[key] = values
		}
		for i := 0; i < len(changes); i += 2 {
			v.Set(changes[i], changes[i+1])
		}
		return v
	}
	inMath := []string{"metric", "math", "name", "math", "m2-namespace", "Shop", "m2-name", "Workers", "m2-dimensions", "", "m2-stat", "Average", "expression", "m1 / m2"}
	for name, form := range map[string]url.Values{"a metric": with(), "math": with(inMath...)} {
		status, text := page(t, at+"?"+form.Encode(), nil)
		var drawn struct {
			Panels []struct {
				ID, Title string
				Series    []struct{ Values []*float64 }
			}
		}
		if found := drawnValues.FindStringSubmatch(text); status != http.StatusOK || found == nil || json.Unmarshal([]byte(html.UnescapeString(found[1])), &drawn) != nil {
			t.Fatalf("%s: %d, drawn as %q", name, status, found)
		}
		if len(drawn.Panels) != 2 || drawn.Panels[0].Title != "Metric of the policy" || len(drawn.Panels[0].Series) != 2 {
			t.Errorf("%s is drawn as %+v", name, drawn)
		}
		form.Set("do", "update")
		if status, text := page(t, at+"?form=policy", form); status != http.StatusOK || !strings.Contains(text, "CustomizedMetricSpecification") || !strings.Contains(text, "customized_metric_specification {") {
			t.Fatalf("%s is not put: %d", name, status)
		}
	}
	if _, text := page(t, at+"?edit=orders", nil); !strings.Contains(text, `value="Queue=&#34;a, b&#34;"`) {
		t.Error("the form of a policy does not have the dimensions of its metric")
	}
	if _, text := page(t, at+"?edit=math", nil); !strings.Contains(text, `value="m1 / m2"`) || !strings.Contains(text, `value="Workers"`) {
		t.Error("the form of a policy does not have its metric math")
	}
	if status, text := page(t, s.URL()+"/console/services/shop/web/what-if?policy=orders&target=50&range=1h", nil); status != http.StatusOK || !strings.Contains(text, "Simulated with 50") {
		t.Errorf("another target of it is not told: %d", status)
	}
	for _, c := range []struct {
		form  url.Values
		field string
	}{
		{with("m1-dimensions", "Queue"), "m1-dimensions"}, {with("m1-name", ""), "m1-name"}, {with(append(inMath, "expression", "")...), "expression"},
		{with(append(inMath, "expression", "m1 //")...), "expression"}, {with("target", "x"), "target"},
	} {
		c.form.Set("do", "review")
		if status, text := page(t, at+"?form=policy", c.form); status != http.StatusBadRequest || !strings.Contains(text, `id="p-`+c.field+`"`) {
			i := strings.Index(text, `role="alert"`)
			t.Errorf("%s: %d, told elsewhere: %.200s", c.field, status, text[max(i, 0):])
		}
	}
	if status, text := page(t, at+"?"+with(append(inMath, "expression", "m1 //")...).Encode(), nil); status != http.StatusOK || !strings.Contains(text, `class="problem"`) {
		t.Errorf("an expression that is none, while it is typed: %d", status)
	}
	if status, text := page(t, at+"?"+with("m1-name", "Nothing").Encode(), nil); status != http.StatusOK || !strings.Contains(text, "no datapoint in this time") {
		t.Errorf("a metric without a datapoint: %d", status)
	}
	counted := with("name", "counted", "m1-unit", "Count", "do", "update")
	if status, text := page(t, at+"?form=policy", counted); status != http.StatusOK || !strings.Contains(text, "&#34;Unit&#34;: &#34;Count&#34;") {
		t.Errorf("a metric with a unit is not put: %d", status)
	}
	if _, text := page(t, at+"?edit=counted", nil); !strings.Contains(text, `<option value="Count" selected>`) || !strings.Contains(text, "no datapoint in this time") {
		t.Error("the form of a policy does not have the unit of its metric, or draws datapoints without it")
	}
}

// A search plays a metric of a policy's own in proportion to the tasks, and says so; without a datapoint
// of it there is nothing to search on.
func TestASearchOnAMetricOfItsOwn(t *testing.T) {
	s := flyballtest.Start(t)
	track(t, s, "shop/web", 10)
	api, scales := applicationautoscaling.NewFromConfig(s.Config()), &types.TargetTrackingScalingPolicyConfiguration{
		TargetValue:                   aws.Float64(100),
		CustomizedMetricSpecification: &types.CustomizedMetricSpecification{Namespace: aws.String("Shop"), MetricName: aws.String("Orders"), Statistic: types.MetricStatisticAverage},
	}
	if _, err := api.PutScalingPolicy(t.Context(), &applicationautoscaling.PutScalingPolicyInput{
		ServiceNamespace: types.ServiceNamespaceEcs, ScalableDimension: types.ScalableDimensionECSServiceDesiredCount, ResourceId: aws.String("service/shop/web"),
		PolicyName: aws.String("cpu"), PolicyType: types.PolicyTypeTargetTrackingScaling, TargetTrackingScalingPolicyConfiguration: scales,
	}); err != nil {
		t.Fatal(err)
	}
	s.SetLoad("shop/web", flyballtest.Load{TotalCPU: 90})
	s.Advance(200 * time.Minute)
	base, form := s.URL()+"/console/services/shop/web/tune", url.Values{"agree": {"p95 utilization < 80%"}, "range": {"3h"}, "candidates": {"40"}}
	if status, text := page(t, base, form); status != http.StatusBadRequest || !strings.Contains(text, "no datapoint in this time") {
		t.Errorf("without a datapoint: %d", status)
	}
	for i := range 190 {
		s.Advance(time.Minute)
		s.Feed("Shop", "Orders", float64(200+100*(i%60/30)))
	}
	status, location := post(t, base, form)
	if status != http.StatusSeeOther {
		t.Fatalf("it is not searched: %d", status)
	}
	for range 600 {
		_, text := page(t, s.URL()+location, nil)
		if strings.Contains(text, "<h1>Tuning") {
			time.Sleep(50 * time.Millisecond)
			continue
		}
		if !strings.Contains(text, "put it in place") || !strings.Contains(text, "with twice as many it is half") || !strings.Contains(text, "&#34;Orders&#34;") {
			t.Errorf("what was found is %s", text)
		}
		return
	}
	t.Error("the search does not end")
}
