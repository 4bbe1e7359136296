package operator

import (
	"maps"
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"flyball/internal/control"
	"flyball/internal/operator/v1alpha1"
	"flyball/scaling"
)

// ahead is a predictive policy whose past is in Prometheus.
func ahead(load, metric string) *v1alpha1.ScalingPolicy {
	of := func(query string) *v1alpha1.PredictiveScalingMetric {
		return &v1alpha1.PredictiveScalingMetric{Prometheus: &v1alpha1.PrometheusQuery{Query: query, ServerAddress: "http://prometheus:9090"}}
	}
	return &v1alpha1.ScalingPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: "web-ahead", Namespace: "shop", UID: types.UID("web-ahead"), Generation: 1},
		Spec: v1alpha1.ScalingPolicySpec{
			ScalableTargetRef: v1alpha1.ScalableTargetRef{Name: "web"}, PolicyType: v1alpha1.PredictiveScaling,
			PredictiveScalingPolicyConfiguration: &v1alpha1.PredictiveScalingPolicyConfiguration{
				Mode: "ForecastAndScale",
				MetricSpecifications: []v1alpha1.PredictiveScalingMetricSpecification{{
					TargetValue: 50, CustomizedLoadMetricSpecification: of(load), CustomizedScalingMetricSpecification: of(metric),
				}},
			},
		},
	}
}

func TestAPredictivePolicyTellsWhatItForecastsAndWhyItDoesNot(t *testing.T) {
	w := newWorld(t, target("web", "Deployment", "web"), ahead("sum(requests)", "avg(requests)"))
	w.reconcile("web")
	got := w.host[web]
	if len(got.Policies) != 1 || got.Policies[0].Predictive == nil || !got.Policies[0].Predictive.Rule.Scales {
		t.Fatalf("the host governs %+v; want a predictive policy", w.host)
	}
	stands := func() v1alpha1.ScalingPolicyStatus {
		t.Helper()
		w.reconcile("web")
		var p v1alpha1.ScalingPolicy
		w.get("web-ahead", &p)
		return p.Status
	}
	at := w.now()
	tell := func(e control.Event, f control.Foretold) {
		f.Policy = "web-ahead"
		w.hear(t.Context(), control.Record{At: at, Event: e, Target: web, Forecast: &f, Reason: "policy web-ahead forecasts"})
	}
	tell(control.NoForecast, control.Foretold{Lacks: "the load metric has 7 hours of data, and a minimum of 24 hours is required", Short: true})
	s := stands()
	w.is(s.Conditions, v1alpha1.Accepted, metav1.ConditionTrue, "Accepted", "")
	w.is(s.Conditions, v1alpha1.MetricAvailable, metav1.ConditionTrue, "Read", "")
	w.is(s.Conditions, v1alpha1.ForecastAvailable, metav1.ConditionFalse, "TooLittleHistory", "7 hours of data")
	tell(control.NoForecast, control.Foretold{Lacks: "forbidden"})
	s = stands()
	w.is(s.Conditions, v1alpha1.MetricAvailable, metav1.ConditionFalse, "Unreadable", "forbidden")
	hours := slices.Repeat([]scaling.Capacity{3}, 48)
	hours[30], hours[40] = 2, 9
	tell(control.Forecasts, control.Foretold{Start: at, Capacity: hours})
	f := stands().Forecast
	if f == nil || f.LeastCapacity != 2 || f.MostCapacity != 9 || !f.MostTime.Time.Equal(at.Add(40*time.Hour)) || !f.EndTime.Time.Equal(at.Add(48*time.Hour)) {
		t.Errorf("the forecast is told as %+v", f)
	}
}

func TestAnnotationsSayHowIsForecast(t *testing.T) {
	of := target("web", "Deployment", "web")
	w := newWorld(t, of, ahead("sum(requests)", "avg(requests)"))
	w.reconcile("web")
	before := w.host[web].Policies[0].Predictive
	of = new(w.target("web"))
	of.Annotations = map[string]string{"flyball.dev/time-zone": "Europe/Berlin", "flyball.dev/history-days": "28"}
	if err := w.client.Update(t.Context(), of); err != nil {
		t.Fatal(err)
	}
	w.reconcile("web")
	after := w.host[web].Policies[0].Predictive
	if after.How.Calendar.Zone == nil || after.How.Hours != 28*24 || after.Of == before.Of {
		t.Errorf("with %v it is forecast by %+v", slices.Collect(maps.Keys(of.Annotations)), after.How)
	}
}

// Numbers that change in each minute wait for others, and what people have to know does not.
func TestAStatusIsWrittenAtOnceWhenItSaysSomethingNew(t *testing.T) {
	w := newWorld(t, target("web", "Deployment", "web"), policy("web-cpu", "web", cpu))
	w.reconcile("web")
	held := func(text string, code scaling.Code) {
		d := scaling.Decision{At: w.now(), Direction: scaling.Hold, Desired: 5, To: 5, Rule: text, Reasons: []scaling.Reason{{Code: code, Policy: "web-cpu"}}}
		w.hear(t.Context(), control.Record{At: w.now(), Event: control.Decided, Target: web, Decision: &d})
		w.reconcile("web")
	}
	version := func() string { return w.target("web").ResourceVersion }
	held("2 running at 200", scaling.InCooldown)
	first := version()
	held("2 running at 202", scaling.InCooldown)
	if version() != first {
		t.Error("a status was written for a number that is another")
	}
	held("2 running at 203", scaling.AlreadyAtMaxCapacity)
	if version() == first {
		t.Error("that it cannot be scaled for another reason was not written")
	}
}
