package policydoc_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"

	"flyball/internal/policydoc"
)

func TestWhatAFileMeans(t *testing.T) {
	d, err := policydoc.Read(strings.NewReader(`
service: service/shop/worker
min: 0
max: 9
policies:
  cpu: 60.5
  backlog: 10
  idle: {metric: memory, below: 20, change: percent, steps: [{from: 5, add: -10}, {from: 10, add: -50}]}
  ahead: {metric: requests, forecast: 400, buffer: 600}
  orders:
    target: 5
    scaleIn: false
    metric: {Namespace: Shop, MetricName: Orders, Statistic: Sum, Dimensions: [{Name: Region, Value: north}]}
  aws:
    StepScalingPolicyConfiguration: {AdjustmentType: ExactCapacity, StepAdjustments: [{MetricIntervalLowerBound: 0, ScalingAdjustment: 9}]}
alarms:
  - {AlarmName: full, MetricName: CPUUtilization, Namespace: AWS/ECS, Threshold: 95, AlarmActions: [aws, 'arn:aws:sns:us-east-1:123456789012:pager']}
`))
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Policies) != 6 || len(d.Alarms) != 2 || len(d.Targets) != 1 || *d.Targets[0].ResourceId != "service/shop/worker" {
		t.Fatalf("%d policies, %d alarms, targets %+v", len(d.Policies), len(d.Alarms), d.Targets)
	}
	if c := d.Policies[0].TargetTrackingScalingPolicyConfiguration; *c.TargetValue != 60.5 || c.ScaleInCooldown != nil {
		t.Errorf("cpu is %+v", c)
	}
	idle := d.Policies[2].StepScalingPolicyConfiguration.StepAdjustments
	if aws.ToFloat64(idle[0].MetricIntervalUpperBound) != -5 || aws.ToFloat64(idle[0].MetricIntervalLowerBound) != -10 || idle[1].MetricIntervalLowerBound != nil {
		t.Errorf("idle has steps %+v", idle)
	}
	if a := d.Alarms[0]; a.AlarmActions[0] != *d.Policies[2].PolicyARN || *a.Threshold != 20 || a.ComparisonOperator != "LessThanOrEqualToThreshold" {
		t.Errorf("idle is called by %+v", a)
	}
	if a := d.Alarms[1]; a.AlarmActions[0] != *d.Policies[5].PolicyARN {
		t.Errorf("aws is called by %+v", a)
	}
	if c := d.Policies[4].TargetTrackingScalingPolicyConfiguration; !*c.DisableScaleIn || *c.CustomizedMetricSpecification.Dimensions[0].Value != "north" {
		t.Errorf("orders is %+v", c)
	}
}

// file is a file with one thing in it.
func file(one string) string { return "service: shop/web\nmin: 2\nmax: 9\n" + one }

// refused are files that are wrong, and what is said of them. Those that a schema cannot refuse,
// since it compares no two values, have a note.
var refused = []struct{ text, want, beyond string }{
	{"min: 2\nmax: 4\n", "it has no service", ""},
	{"service: web\n", `line 1, column 10: service: "web" is no service: write CLUSTER/SERVICE`, ""},
	{"service: shop/web\nmin: 2\n", "one of min and max", ""},
	{"service: shop/web\nmin: 4\nmax: 2\n", "line 3, column 6: max: 2 is less than min, which is 4", "compares"},
	{"service: shop/web\nmin: -1\nmax: 2\n", "line 2, column 6: min: -1 is less than 0", ""},
	{"service: shop/web\nmin: '1'\nmax: 2\n", `there is the text "1", and there should be a whole number`, ""},
	{"service: shop/web\nmin: 1\nmaxx: 2\n", "maxx is not known; max is", ""},
	{"service: shop/web\npolicies:\n", "there is nothing here", ""},
	{"service: shop/web\nmin: 1\nmax: 99999999999\n", "a whole number", "the range of an integer"},
	{file("policies: [cpu]\n"), "there should be a mapping", ""},
	{file("policies: {cpu: 0}\n"), "policies.cpu.target: 0 is not more than 0", ""},
	{file("policies: {cpu: sixty}\n"), `line 4, column 17: policies.cpu: there is the text "sixty", and there should be a target value such as 60`, ""},
	{file("policies: {web: 60}\n"), "policies.web: there is 60, and only cpu, memory, requests and backlog take a number: write {metric: cpu, target: 60}", ""},
	{file("policies: {web: {target: 60}}\n"), "it has no metric: write metric: cpu", "the policy's name is its metric"},
	{file("policies: {web: {metric: cpuu, target: 60}}\n"), "policies.web.metric: cpuu is not known; cpu is", ""},
	{file("policies: {cpu: {targt: 60}}\n"), "line 4, column 18: policies.cpu: targt is not known; target is", ""},
	{file("policies: {cpu: {}}\n"), "one of target, steps and forecast", ""},
	{file("policies: {cpu: {target: 60, forecast: 60}}\n"), "one of target, steps and forecast", ""},
	{file("policies: {cpu: {target: 60, cooldown: 60}}\n"), "cooldown does not belong to a policy with target; metric, scaleOutCooldown", ""},
	{file("policies: {cpu: {steps: [{add: 1}]}}\n"), "one of above and below", ""},
	{file("policies: {cpu: {above: 1, steps: [{from: 1}]}}\n"), "a step has add", "kept simple"},
	{file("policies: {cpu: {above: 1, steps: [{from: 5, add: 1}, {from: 2, add: 2}]}}\n"), "write steps in order", "compares"},
	{file("policies: {cpu: {above: 1, change: twice, steps: [{add: 1}]}}\n"), "twice is not known; count, percent, exact are", ""},
	{file("policies: {backlog: {forecast: 1}}\n"), "predictive scaling is by cpu", "the policy's name is its metric"},
	{file("policies: {a: {TargetTrackingScalingPolicyConfiguration: {TargetValue: high}}}\n"), `TargetTrackingScalingPolicyConfiguration.TargetValue: there is the text "high"`, ""},
	{file("policies: {a: {StepScalingPolicyConfiguration: {AdjustmentType: ChangeCapacity}}}\n"), "ChangeCapacity is not known; ChangeInCapacity is", ""},
	{file("schedules: {a: {at: rate(1 day)}}\n"), "has at, such as cron(0 8 * * ? *), and min or max", ""},
	{file("alarms: [{Treshold: 1}]\n"), "Treshold is not known; Threshold is", ""},
}

func TestFilesThatAreRefused(t *testing.T) {
	for _, c := range refused {
		_, err := policydoc.Read(strings.NewReader(c.text))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q in it", c.text, err, c.want)
		}
	}
}

// validator holds YAML against a JSON schema.
func validator(t *testing.T, text []byte) func(string) error {
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("schema.json", parsed); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return func(text string) error {
		var v any
		if err := yaml.Unmarshal([]byte(text), &v); err != nil {
			t.Fatal(err)
		}
		return schema.Validate(v)
	}
}

// An editor with the schema and the reader take and refuse the same.
func TestTheSchemaIsWhatTheReaderReads(t *testing.T) {
	text, err := policydoc.Schema()
	if err != nil {
		t.Fatal(err)
	}
	valid := validator(t, text)
	whole, err := os.ReadFile("testdata/policies.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, good := range []string{
		string(whole), file(""), file("policies: {cpu: 60, memory: 80.5, requests: {target: 5}}\n"),
		file("policies: {a: {metric: {Namespace: Shop, MetricName: Orders}, target: 5}}\n"),
		file("policies: {a: {PredictiveScalingPolicyConfiguration: {Mode: ForecastOnly, MetricSpecifications: [{TargetValue: 4}]}}}\n"),
		file("schedules: {a: {at: rate(1 day), max: 4, start: '2026-11-26T14:05:00Z'}}\nalarms: [{AlarmName: a, Threshold: 5}]\n"),
	} {
		if _, err := policydoc.Read(strings.NewReader(good)); err != nil {
			t.Errorf("%s\nis not read: %v", good, err)
		}
		if err := valid(good); err != nil {
			t.Errorf("%s\nis not valid: %v", good, err)
		}
	}
	for _, c := range refused {
		if err := valid(c.text); (err == nil) != (c.beyond != "") {
			t.Errorf("%s\nvalid: %v; beyond a schema: %q", c.text, err, c.beyond)
		}
	}
}
