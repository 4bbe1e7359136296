package policydoc_test

import (
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"

	"flyball/internal/policydoc"
)

func read(t testing.TB, name string) policydoc.Documents {
	t.Helper()
	file, err := os.Open("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	d, err := policydoc.Read(file)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return d
}

// One service with four policies, two scheduled actions and an alarm of its user, as the
// AWS CLI describes it, as Terraform shows its plan and its state, and as a template and a file have it.
func TestEveryDocumentTellsTheSame(t *testing.T) {
	described := read(t, "targets.json")
	for _, name := range []string{"policies.json", "actions.json", "alarms.json"} {
		described.Add(read(t, name))
	}
	for name, d := range map[string]policydoc.Documents{"described": described, "plan": read(t, "plan.json"), "state": read(t, "state.json"), "template": read(t, "template.yaml"), "file": read(t, "policies.yaml")} {
		if ids := d.Resources(); len(ids) != 1 || ids[0] != "service/shop/web" {
			t.Fatalf("%s: resources %v", name, ids)
		}
		d = d.Of("service/shop/web")
		if len(d.Targets) != 1 || aws.ToInt32(d.Targets[0].MinCapacity) != 2 || aws.ToInt32(d.Targets[0].MaxCapacity) != 12 {
			t.Errorf("%s: targets %+v", name, d.Targets)
		}
		wantPolicies(t, name, d)
		if len(d.Actions) != 2 {
			t.Errorf("%s: %d scheduled actions, want 2", name, len(d.Actions))
		}
		for _, a := range d.Actions {
			if *a.ScheduledActionName == "morning" && (*a.Schedule != "cron(0 8 ? * MON-FRI *)" || a.ScalableTargetAction == nil || aws.ToInt32(a.ScalableTargetAction.MinCapacity) < 2) {
				t.Errorf("%s: morning is %+v", name, a)
			}
		}
	}
}

func wantPolicies(t *testing.T, name string, d policydoc.Documents) {
	t.Helper()
	targets := map[string]float64{}
	for _, p := range d.Policies {
		if c := p.TargetTrackingScalingPolicyConfiguration; c != nil {
			targets[*p.PolicyName] = *c.TargetValue
			if aws.ToInt32(c.ScaleInCooldown) == 0 && c.ScaleInCooldown == nil {
				t.Errorf("%s: policy %s has no cooldown, and the provider sends 0", name, *p.PolicyName)
			}
			continue
		}
		steps := p.StepScalingPolicyConfiguration
		amounts := map[float64]int32{}
		if steps != nil {
			for _, s := range steps.StepAdjustments {
				amounts[aws.ToFloat64(s.MetricIntervalLowerBound)] = aws.ToInt32(s.ScalingAdjustment)
			}
		}
		if len(amounts) != 2 || amounts[0] != 2 || amounts[10] != 4 {
			t.Errorf("%s: policy %s is %+v", name, *p.PolicyName, steps)
		}
		calling := 0
		for _, a := range d.Alarms {
			for _, action := range a.AlarmActions {
				if action == *p.PolicyARN && *a.MetricName == "CPUUtilization" && aws.ToFloat64(a.Threshold) == 85 {
					calling++
				}
			}
		}
		if calling != 1 {
			t.Errorf("%s: %d alarms call policy %s", name, calling, *p.PolicyName)
		}
	}
	if len(targets) != 3 || targets["cpu"] != 60 || targets["memory"] != 80 {
		t.Errorf("%s: target values %v", name, targets)
	}
}

// A plan of before the first apply knows no load balancer yet.
func TestAPlanSaysWhatItKnows(t *testing.T) {
	d := read(t, "plan.json").Of("service/shop/web")
	if len(d.Services) != 1 || d.Services[0].Desired != 2 || d.Services[0].CPU != 256 || d.Services[0].Memory != 512 {
		t.Errorf("services %+v", d.Services)
	}
	for _, p := range d.Policies {
		if c := p.TargetTrackingScalingPolicyConfiguration; c != nil && c.PredefinedMetricSpecification.PredefinedMetricType == types.MetricTypeALBRequestCountPerTarget && c.PredefinedMetricSpecification.ResourceLabel == nil {
			t.Errorf("policy %s has no load balancer at all", *p.PolicyName)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"nothing":               {"", "no scalable target"},
		"no JSON":               {"{\n  \"ScalingPolicies\": [}", "line 2, column 23"},
		"the half of a file":    {`{"ScalingPolicies": [`, "ends in the middle"},
		"a list":                {`[1]`, "no object"},
		"something else":        {`{"Services": []}`, "describe-scaling-policies"},
		"a number as a name":    {`{"ScalingPolicies": [{"PolicyName": 7}]}`, "PolicyName"},
		"Terraform's other":     {`{"format_version": "1.0", "valid": true}`, "terraform show -json"},
		"a resource of nowhere": {`{"format_version":"1.2","planned_values":{"root_module":{"resources":[{"address":"aws_appautoscaling_policy.p","mode":"managed","type":"aws_appautoscaling_policy","values":{"name":"p"}}]}}}`, "aws_appautoscaling_policy.p: its resource_id"},
	} {
		_, err := policydoc.Read(strings.NewReader(c.text))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q in it", name, err, c.want)
		}
	}
}

// Times come as the AWS CLI's two versions and boto3 print them.
func TestTimesOfAnyClient(t *testing.T) {
	for _, at := range []string{`1795715038.732`, `"2026-11-26T14:03:58.732000+00:00"`, `"2026-11-26T14:03:58.732Z"`, `"2026-11-26 14:03:58.732000+00:00"`} {
		d, err := policydoc.Read(strings.NewReader(`{"ScheduledActions": [{"ScheduledActionName": "a", "StartTime": ` + at + `}]}`))
		if err != nil || d.Actions[0].StartTime == nil || d.Actions[0].StartTime.Year() != 2026 {
			t.Errorf("%s: %+v, %v", at, d.Actions, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, name := range []string{"plan.json", "policies.json", "actions.json"} {
		text, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(`{"format_version":"1","values":{"root_module":{"resources":[{"type":"aws_cloudwatch_metric_alarm","values":{"metric_query":[{"metric":[3]}]}}]}}}`))
	f.Fuzz(func(_ *testing.T, text []byte) {
		d, err := policydoc.Read(strings.NewReader(string(text)))
		if err == nil {
			for _, id := range d.Resources() {
				d.Of(id)
			}
		}
	})
}
