package console_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/chromedp/chromedp"

	"flyball/flyballtest"
)

// A forecast is seen beside what came, with its interval, and the capacity that the policy has forecast
// beside the tasks.
func TestBrowserAForecastIsSeenBesideWhatCame(t *testing.T) {
	chromium(t)
	s := flyballtest.Start(t)
	track(t, s, "shop/web", 10)
	api := applicationautoscaling.NewFromConfig(s.Config())
	if _, err := api.PutScalingPolicy(t.Context(), &applicationautoscaling.PutScalingPolicyInput{
		ServiceNamespace: types.ServiceNamespaceEcs, ScalableDimension: types.ScalableDimensionECSServiceDesiredCount, ResourceId: aws.String("service/shop/web"),
		PolicyName: aws.String("ahead"), PolicyType: types.PolicyTypePredictiveScaling,
		PredictiveScalingPolicyConfiguration: &types.PredictiveScalingPolicyConfiguration{
			Mode: types.PredictiveScalingModeForecastAndScale,
			MetricSpecifications: []types.PredictiveScalingMetricSpecification{{
				TargetValue: aws.Float64(50), PredefinedMetricPairSpecification: &types.PredictiveScalingPredefinedMetricPairSpecification{PredefinedMetricType: aws.String("ECSServiceCPUUtilization")},
			}},
		},
	}); err != nil {
		t.Fatal(err)
	}
	for hour := range 54 {
		s.SetLoad("shop/web", flyballtest.Load{TotalCPU: []float64{60, 90, 150, 240, 200, 120}[hour%24/4]})
		s.Advance(time.Hour)
	}
	b := openTab(t, s.URL())
	b.visit("/console/forecasts")
	if row := b.text("tbody tr"); !strings.Contains(row, "ahead") || !strings.Contains(row, "shop/web") {
		t.Errorf("the list of forecasts has %q", row)
	}
	b.do(chromedp.Click(chromedp.CSS("tbody a")), chromedp.WaitVisible(chromedp.CSS("#charts")))
	b.drawn()
	if panels := get(b, chromedp.Evaluate[string](`[...document.querySelectorAll(".panel h3")].map((h) => h.firstChild.textContent).join()`)); panels != "Load of an hour,ahead" {
		t.Errorf("the charts are %q", panels)
	}
	if within := b.text("dl.figures dd"); !strings.HasSuffix(within, "/ 24") {
		t.Errorf("of the last day %q hours were within the interval", within)
	}
	b.seen("forecast")

	// What each policy says now, and said when another one scaled.
	b.visit("/console/services/shop/web?range=12h")
	if says := b.text("#says"); !strings.Contains(says, "ahead asks for nothing: forecasts ") || !strings.Contains(says, "cpu asks for nothing: the metric is ") {
		t.Errorf("the policies say %q", says)
	}
	b.drawn()
	b.do(chromedp.Focus(chromedp.CSS(".marks button")))
	b.until(`document.getElementById("pointed").textContent.includes("Policy ahead")`)
	b.seen("said")
	if complaints := b.complaints(); len(complaints) > 0 {
		t.Errorf("the pages have logged %q", complaints)
	}
}
