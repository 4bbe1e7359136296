package policydoc_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"flyball/internal/policydoc"
)

func TestDocumentsWithOtherValues(t *testing.T) {
	d := read(t, "policies.yaml")
	set, err := policydoc.ParseSettings([]string{"policy.cpu.target=45.5", "policy.cpu.cooldown=90", "policy.memory.scaleIn=false", "policy.surge.steps=0:+1, 20:5", "policy.surge.cooldown=5", "policy.surge.threshold=70", "max=30"})
	if err != nil {
		t.Fatal(err)
	}
	other, err := d.With(set)
	if err != nil {
		t.Fatal(err)
	}
	if c := other.Policies[0].TargetTrackingScalingPolicyConfiguration; *c.TargetValue != 45.5 || *c.ScaleInCooldown != 90 || *c.ScaleOutCooldown != 90 {
		t.Errorf("cpu is %+v", c)
	}
	if c := other.Policies[1].TargetTrackingScalingPolicyConfiguration; !*c.DisableScaleIn {
		t.Errorf("memory is %+v", c)
	}
	if c := other.Policies[3].StepScalingPolicyConfiguration; *c.Cooldown != 5 || len(c.StepAdjustments) != 2 || *c.StepAdjustments[0].MetricIntervalUpperBound != 20 || *c.StepAdjustments[1].ScalingAdjustment != 5 {
		t.Errorf("surge is %+v", c)
	}
	if *other.Alarms[0].Threshold != 70 || *other.Targets[0].MaxCapacity != 30 || *other.Targets[0].MinCapacity != 2 {
		t.Errorf("alarm %+v, target %+v", other.Alarms[0], other.Targets[0])
	}
	if *d.Policies[0].TargetTrackingScalingPolicyConfiguration.TargetValue != 60 || aws.ToFloat64(d.Alarms[0].Threshold) != 85 || *d.Targets[0].MaxCapacity != 12 {
		t.Error("the documents have changed that were asked about")
	}
	if texts := set.Texts(); texts[0] != "policy.cpu.target=45.5" || texts[6] != "max=30" {
		t.Errorf("%v", texts)
	}
}

func TestSettingsThatAreRefused(t *testing.T) {
	d := read(t, "policies.yaml")
	for text, want := range map[string]string{
		"":                           "write one such as policy.cpu.target=60",
		"target=60":                  "min, max and policy.NAME.FIELD are",
		"policy.cpu=60":              "names no value of a policy",
		"policy.cpu.targt=60":        "nothing that can be set; target is",
		"policy.cpu.target=high":     `"high" is no value for it; write one such as 60`,
		"policy.cpu.target=0":        "no value for it",
		"policy.cpu.target=NaN":      "no value for it",
		"max=-1":                     "no value for it",
		"policy.surge.steps=1,2":     "write one such as 0:2,10:4",
		"policy.surge.steps=5:1,2:2": "write one such as 0:2,10:4",
		"policy.cpu.scaleIn=maybe":   "write one such as false",
		"policy.cpus.target=60":      "there is no policy cpus; there are cpu, memory, requests, surge",
		"policy.surge.target=60":     "surge is a step policy, of which steps, cooldown",
		"policy.cpu.steps=0:1":       "cpu is a target tracking policy, of which target",
	} {
		set, err := policydoc.ParseSettings([]string{text})
		if err == nil {
			_, err = d.With(set)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q in it", text, err, want)
		}
	}
	if _, err := policydoc.ParseSettings([]string{"max=1", "max=2"}); err == nil || !strings.Contains(err.Error(), "set twice") {
		t.Errorf("%v", err)
	}
}
