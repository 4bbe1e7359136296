package simulation_test

import (
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"flyball/internal/policydoc"
	"flyball/internal/simulation"
	"flyball/internal/threshold"
	"flyball/scaling"
	"flyball/sim"
)

var start = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

var web = sim.Service{CPU: 50 * time.Millisecond, VCPU: 0.25, Memory: 512, Start: 30 * time.Second}

func document(t *testing.T, text string) policydoc.Documents {
	t.Helper()
	d, err := policydoc.Read(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// steady is traffic of so many requests a minute for some minutes, one after the other.
func steady(levels ...float64) sim.Traffic {
	return func(yield func(sim.Minute) bool) {
		for _, level := range levels {
			for range 60 {
				if !yield(sim.Minute{Requests: level}) {
					return
				}
			}
		}
	}
}

// All that a plan has is in the scenario: four policies and a schedule of two actions. At 8
// the minimum rises to 4.
func TestAPlanIsSimulatedAsItIs(t *testing.T) {
	file, err := os.Open("../policydoc/testdata/plan.json")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	d, err := policydoc.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	s, notes, err := simulation.New(d.Of("service/shop/web"), simulation.Setup{Start: start, Service: web})
	if err != nil || len(notes) > 0 {
		t.Fatalf("%v, notes %q", err, notes)
	}
	var names []string
	for _, p := range s.Policies {
		names = append(names, p.Name)
	}
	if got := strings.Join(names, " "); got != "cpu memory requests surge" || len(s.Schedules) != 2 || s.Initial != 2 || s.Bounds.Max() != 12 {
		t.Errorf("policies %s, %d schedules, %d tasks of at most %d", got, len(s.Schedules), s.Initial, s.Bounds.Max())
	}
	var said []string
	s.Observer.Activity = func(a scaling.Activity) {
		if a.Status == scaling.Successful {
			said = append(said, a.Start.Format("15:04 ")+a.Description+" "+a.Cause)
		}
	}
	if _, err := sim.Run(s, steady(0, 0, 0, 0, 0, 0, 0, 0, 10)); err != nil {
		t.Fatal(err)
	}
	if all := strings.Join(said, "\n"); !strings.Contains(all, "scheduled action name morning was triggered") {
		t.Errorf("activities:\n%s", all)
	}
}

const backlogPerTask = `{"ScalableTargets": [{"ResourceId": "service/jobs/worker", "MinCapacity": 0, "MaxCapacity": 50}],
	"ScalingPolicies": [{"PolicyName": "backlog", "ResourceId": "service/jobs/worker", "PolicyType": "TargetTrackingScaling",
	"TargetTrackingScalingPolicyConfiguration": {"TargetValue": 10, "ScaleInCooldown": 60, "ScaleOutCooldown": 60, "CustomizedMetricSpecification": {"Metrics": [
	{"Id": "m1", "ReturnData": false, "MetricStat": {"Stat": "Sum", "Metric": {"Namespace": "AWS/SQS", "MetricName": "ApproximateNumberOfMessagesVisible"}}},
	{"Id": "m2", "ReturnData": false, "MetricStat": {"Stat": "Average", "Metric": {"Namespace": "ECS/ContainerInsights", "MetricName": "RunningTaskCount"}}},
	{"Id": "e1", "Expression": "m1 / m2"}]}}}]}`

// Workers of a second a message, with a policy on messages for each task, as metric math:
// from nothing, for 300 messages a minute there have to be five at least.
func TestABacklogIsMetricMath(t *testing.T) {
	s, _, err := simulation.New(document(t, backlogPerTask), simulation.Setup{
		Start: start, Service: sim.Service{Wait: time.Second, Concurrency: 1, Workers: true, Start: 10 * time.Second},
	})
	if err != nil {
		t.Fatal(err)
	}
	most := 0
	s.Observer.Minute = func(r sim.Record) { most = max(most, r.Running) }
	r, err := sim.Run(s, steady(300, 300, 300))
	if err != nil {
		t.Fatal(err)
	}
	if most < 5 || r.Backlog > 300 || r.Dropped != 0 {
		t.Errorf("%d tasks at most, %v messages wait at the end, %v dropped", most, r.Backlog, r.Dropped)
	}
}

func TestNewRefuses(t *testing.T) {
	policy := func(configuration string) string {
		return `{"ScalableTargets": [{"ResourceId": "service/a/b", "MinCapacity": 1, "MaxCapacity": 5}], "ScalingPolicies": [{"PolicyName": "p", "PolicyARN": "arn", "ResourceId": "service/a/b", ` + configuration + `}]}`
	}
	for name, c := range map[string]struct{ text, want string }{
		"no bounds": {`{"ScalingPolicies": [{"PolicyName": "p"}]}`, "--min and --max"},
		"a metric of one's own": {policy(`"PolicyType": "TargetTrackingScaling", "TargetTrackingScalingPolicyConfiguration": {"TargetValue": 5,
			"CustomizedMetricSpecification": {"Namespace": "Shop", "MetricName": "Carts", "Statistic": "Average"}}`), "Carts of namespace Shop cannot be simulated"},
		"steps without their alarm": {policy(`"PolicyType": "StepScaling", "StepScalingPolicyConfiguration": {"AdjustmentType": "ChangeInCapacity", "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}]}`), "describe-alarms"},
		"a target value of 0":       {policy(`"PolicyType": "TargetTrackingScaling", "TargetTrackingScalingPolicyConfiguration": {"TargetValue": 0, "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"}}`), "policy p: "},
	} {
		_, _, err := simulation.New(document(t, c.text), simulation.Setup{Start: start, Service: web})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q in it", name, err, c.want)
		}
	}
}

// What a policy forecasts of metrics that a simulation does not have holds up only what would scale by it.
func TestForecastsOfMetricsOfOnesOwn(t *testing.T) {
	query := `{"MetricDataQueries": [{"Id": "m", "MetricStat": {"Metric": {"Namespace": "Shop", "MetricName": "Carts"}, "Stat": "Sum"}}]}`
	text := `{"ScalableTargets": [{"ResourceId": "service/a/b", "MinCapacity": 1, "MaxCapacity": 5}], "ScalingPolicies": [
		{"PolicyName": "ahead", "ResourceId": "service/a/b", "PolicyType": "PredictiveScaling", "PredictiveScalingPolicyConfiguration": {"Mode": "ForecastOnly", "MetricSpecifications": [{"TargetValue": 5,
			"CustomizedLoadMetricSpecification": ` + query + `, "CustomizedScalingMetricSpecification": ` + query + `}]}},
		{"PolicyName": "cpu", "ResourceId": "service/a/b", "PolicyType": "TargetTrackingScaling", "TargetTrackingScalingPolicyConfiguration": {"TargetValue": 50, "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"}}}]}`
	s, notes, err := simulation.New(document(t, text), simulation.Setup{Start: start, Service: web})
	if err != nil || len(s.Policies) != 1 || s.Policies[0].Name != "cpu" || !strings.Contains(strings.Join(notes, "\n"), "policy ahead only forecasts, and is left out") {
		t.Errorf("%d policies, notes %q: %v", len(s.Policies), notes, err)
	}
	scales := strings.Replace(text, "ForecastOnly", "ForecastAndScale", 1)
	if _, _, err := simulation.New(document(t, scales), simulation.Setup{Start: start, Service: web}); err == nil || !strings.Contains(err.Error(), "policy ahead: its customized metrics cannot be simulated") {
		t.Errorf("one that scales: %v", err)
	}
}

func TestParseAgreement(t *testing.T) {
	a, err := simulation.ParseAgreement(" p99.9 <= 1.5s")
	if err != nil || a.Within != 1500*time.Millisecond || math.Abs(a.Share-0.999) > 1e-12 || simulation.Describe(a) != "p99.9 < 1.5s" {
		t.Errorf("%+v, %v", a, err)
	}
	for _, text := range []string{"", "p95", "95 < 300ms", "p95 < 300", "p95 < -1s", "p0 < 1s", "p95 > 1s", "p100 < 1s"} {
		if _, err := simulation.ParseAgreement(text); err == nil || !strings.Contains(err.Error(), "write one such as") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// A task of a quarter of a processor and half a GB.
func TestPrices(t *testing.T) {
	p, err := simulation.ReadPrices(nil)
	if err != nil {
		t.Fatal(err)
	}
	price, err := p.Of("us-east-1", "x86_64")
	if err != nil || math.Abs(0.25*price.VCPUHour+0.5*price.GBHour-0.0123425) > 1e-9 {
		t.Errorf("%+v, %v", price, err)
	}
	if _, err := p.Of("moon-1", "x86_64"); err == nil || !strings.Contains(err.Error(), "--prices") {
		t.Errorf("%v", err)
	}
	if _, err := simulation.ReadPrices([]byte(`{}`)); err == nil {
		t.Error("a file without prices was taken")
	}
}

// Every value that conditions know is in the JSON, and the text names the decisions.
func TestReports(t *testing.T) {
	d := document(t, `{"ScalableTargets": [{"ResourceId": "service/a/b", "MinCapacity": 1, "MaxCapacity": 5}], "ScalingPolicies": [{"PolicyName": "cpu", "ResourceId": "service/a/b",
		"PolicyType": "TargetTrackingScaling", "TargetTrackingScalingPolicyConfiguration": {"TargetValue": 50, "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"}}}]}`)
	s, notes, err := simulation.New(d, simulation.Setup{Start: start, Service: web})
	if err != nil {
		t.Fatal(err)
	}
	s.Price = sim.Price{VCPUHour: 4, GBHour: 2}
	r := simulation.Report{Resource: "a/b", Notes: notes}
	if r.Result, err = sim.Run(s, steady(60, 600, 60)); err != nil {
		t.Fatal(err)
	}
	if cost := r.Measured()["cost"]; cost <= 0 {
		t.Errorf("the tasks cost %v", cost)
	}
	unknown := r
	unknown.Cost = 0
	if cost, known := unknown.Measured()["cost"]; known {
		t.Errorf("without a price the tasks cost %v", cost)
	}
	var text, document strings.Builder
	if err := r.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(text.String(), "policy cpu: ") || !strings.Contains(text.String(), "a/b, 2026-03-02 00:00 to 2026-03-02 03:00 (3 h)") {
		t.Errorf("text:\n%s", text.String())
	}
	if err := r.WriteJSON(&document); err != nil {
		t.Fatal(err)
	}
	var read struct{ Values map[string]float64 }
	if err := json.Unmarshal([]byte(document.String()), &read); err != nil {
		t.Fatal(err)
	}
	for _, name := range simulation.Names() {
		if _, ok := read.Values[name.Name]; !ok {
			t.Errorf("the JSON has no %s", name.Name)
		}
	}
	if got := read.Values["cost"]; math.Abs(got-2*read.Values["task_hours"]) > 1e-9 {
		t.Errorf("a cost of %v for %v task-hours of 2 dollars", got, read.Values["task_hours"])
	}
	c, err := threshold.Parse("cost > 1 and slo < 100", simulation.Names())
	if err != nil {
		t.Fatal(err)
	}
	if met, _ := c.Met(r.Measured()); !met {
		t.Errorf("%v: not met by %v", c, r.Measured())
	}
}

const taggedFile = `
service: shop/web
min: 1
max: 20
tags: {team: shop, "flyball:time-zone": Europe/Berlin, "flyball:holidays": 12-25 2026-05-01, "flyball:forecast-step": "300", "flyball:history-days": "14", "flyball:scale-out-datapoints": "2"}
policies:
  cpu: 50
  ahead: {metric: cpu, forecast: 50}
`

const taggedPlan = `{"format_version": "1.2", "planned_values": {"root_module": {"resources": [
	{"address": "aws_appautoscaling_target.t", "mode": "managed", "type": "aws_appautoscaling_target", "values": {"resource_id": "service/shop/web", "min_capacity": 1, "max_capacity": 20,
		"tags": {"flyball:forecast-step": "300", "flyball:history-days": "14", "flyball:time-zone": "Europe/Berlin"},
		"tags_all": {"flyball:forecast-step": "600", "flyball:holidays": "12-25 2026-05-01", "flyball:scale-out-datapoints": "2"}}},
	{"address": "aws_appautoscaling_policy.ahead", "mode": "managed", "type": "aws_appautoscaling_policy", "values": {"resource_id": "service/shop/web", "name": "ahead", "policy_type": "PredictiveScaling",
		"predictive_scaling_policy_configuration": [{"metric_specification": [{"target_value": 50, "predefined_metric_pair_specification": [{"predefined_metric_type": "ECSServiceCPUUtilization"}]}]}]}},
	{"address": "aws_appautoscaling_policy.cpu", "mode": "managed", "type": "aws_appautoscaling_policy", "values": {"resource_id": "service/shop/web", "name": "cpu", "policy_type": "TargetTrackingScaling",
		"target_tracking_scaling_policy_configuration": [{"target_value": 50, "predefined_metric_specification": [{"predefined_metric_type": "ECSServiceAverageCPUUtilization"}]}]}}]}}}`

// Flyball's own tags of a target change how its policies react and forecast, as they do in the
// server.
func TestTagsOfTheTargetCount(t *testing.T) {
	for name, text := range map[string]string{"a file": taggedFile, "a plan": taggedPlan} {
		s, _, err := simulation.New(document(t, text).Of("service/shop/web"), simulation.Setup{Start: start, Service: web})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		ahead, high := s.Policies[0].Predictive, s.Policies[1].Alarms[0].Rule
		if ahead.Step != 5*time.Minute || ahead.Hours != 14*24 || ahead.Calendar.Zone.String() != "Europe/Berlin" || len(ahead.Calendar.Holidays) != 2 {
			t.Errorf("%s: it forecasts by %+v", name, ahead)
		}
		if high.Periods != 2 {
			t.Errorf("%s: scaling out takes %d datapoints, want 2", name, high.Periods)
		}
	}
	wrong := strings.Replace(taggedFile, `"300"`, `"7"`, 1)
	if _, _, err := simulation.New(document(t, wrong), simulation.Setup{Start: start, Service: web}); err == nil || !strings.Contains(err.Error(), "flyball:forecast-step") {
		t.Errorf("a step of 7 seconds: %v", err)
	}
}
