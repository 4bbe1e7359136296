package policydoc_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/internal/policydoc"
)

// What cdk synth prints of a web service behind a load balancer and a worker of a queue, with
// the policies that CDK's own patterns make.
func TestWhatCDKMakes(t *testing.T) {
	d := read(t, "cdk.yaml")
	if ids := d.Resources(); len(ids) != 2 || ids[0] != "service/shop/WorkerQueueProcessingFargateServiceC55E51B1" || ids[1] != "service/shop/web" {
		t.Fatalf("resources %v", ids)
	}
	web := d.Of("service/shop/web")
	if len(web.Targets) != 1 || len(web.Policies) != 4 || len(web.Actions) != 1 || len(web.Services) != 1 {
		t.Fatalf("%d targets, %d policies, %d scheduled actions, %d services", len(web.Targets), len(web.Policies), len(web.Actions), len(web.Services))
	}
	if s := web.Services[0]; s.CPU != 256 || s.Memory != 512 || s.Desired != 2 {
		t.Errorf("service %+v", s)
	}
	if a := web.Actions[0]; aws.ToString(a.Schedule) != "cron(0 8 ? * MON-FRI *)" || aws.ToInt32(a.ScalableTargetAction.MinCapacity) != 4 {
		t.Errorf("scheduled action %+v", a)
	}
	for _, of := range []policydoc.Documents{web, d.Of("service/shop/WorkerQueueProcessingFargateServiceC55E51B1")} {
		for _, p := range of.Policies {
			if p.StepScalingPolicyConfiguration != nil && !slices.ContainsFunc(d.Alarms, func(a types.MetricAlarm) bool { return slices.Contains(a.AlarmActions, *p.PolicyARN) }) {
				t.Errorf("no alarm calls step policy %s", *p.PolicyName)
			}
		}
	}
}

// scaling is a template with a target whose minimum is an expression.
func scaling(minimum string) string {
	return `Parameters:
  Least: {Type: Number}
  Stored: {Type: 'AWS::SSM::Parameter::Value<String>', Default: /shop/least}
  Sizes: {Type: List<Number>, Default: '1, 5'}
Mappings: {By: {Stage: {prod: 3}}}
Conditions:
  Yes: !Equals [a, a]
  No: {'Fn::Not': [{Condition: Yes}]}
  Loop: !Condition Loop
  Some: !Or [!Condition No, !And [!Condition Yes, !Equals [!Ref AWS::Region, eu-west-1]]]
Resources:
  Stack: {Type: AWS::CloudFormation::Stack}
  Loop: {Type: AWS::ECS::Cluster, Properties: {ClusterName: !Ref Loop}}
  Target:
    Type: AWS::ApplicationAutoScaling::ScalableTarget
    Properties:
      ResourceId: service/shop/web
      MaxCapacity: '9'
      MinCapacity: ` + minimum + "\n"
}

func TestFunctionsOfTemplates(t *testing.T) {
	given := policydoc.Options{Region: "eu-west-1", Parameters: map[string]string{"Least": "4", "network-least": "6", "Stack.Outputs.Least": "7", "Stored": "8"}}
	for expression, want := range map[string]int32{
		"2":                            2,
		"!Ref Least":                   4,
		"!Ref Stored":                  8,
		"!Select [1, !Ref Sizes]":      5,
		"!FindInMap [By, Stage, prod]": 3,
		"!If [Yes, 1, 2]":              1,
		"!If [No, 1, 2]":               2,
		"!If [Some, 1, 2]":             1,
		"!ImportValue network-least":   6,
		"!ImportValue\n        Fn::Sub: network-least":     6,
		"!GetAtt Stack.Outputs.Least":                      7,
		"!Sub '${Least}'":                                  4,
		"!Sub ['${x}', {x: !Ref Least}]":                   4,
		"!Join ['', ['', !Ref Least]]":                     4,
		"!Select [2, !Split ['-', a-b-4]]":                 4,
		"{'Fn::Length': !Ref Sizes}":                       2,
		"{'Fn::FindInMap': [By, X, y, {DefaultValue: 5}]}": 5,
	} {
		d, err := given.Read(strings.NewReader(scaling(expression)))
		if err != nil || *d.Targets[0].MinCapacity != want || *d.Targets[0].MaxCapacity != 9 {
			t.Errorf("%s: %+v, %v, want %d", expression, d.Targets, err, want)
		}
	}
}

func TestTemplatesThatAreRefused(t *testing.T) {
	for expression, want := range map[string]string{
		"!Ref Least":                    "line 19, column 20: Resources.Target.MinCapacity: parameter Least has no default: give its value with --parameter Least=VALUE",
		"!Ref Stored":                   "is kept in Parameter Store, under /shop/least: give its value with --parameter Stored=VALUE",
		"!Ref Leats":                    "no resource of that name; it has Least",
		"!ImportValue network-least":    "network-least is an output of another stack: give its value with --parameter 'network-least=VALUE'",
		"!GetAtt Stack.Outputs.Least":   "Stack.Outputs.Least is an output of a nested stack",
		"!GetAtt Nobody.Arn":            "no such resource",
		"!FindInMap [By, Stage, dev]":   "no mapping By, Stage, dev",
		"!If [Maybe, 1, 2]":             "no condition Maybe",
		"!If [Loop, 1, 2]":              "refers to itself",
		"!If [Yes, 1]":                  "other arguments",
		"!Ref Loop":                     "refers to itself",
		"!Cidr [a, b]":                  "Fn::Cidr cannot be resolved",
		"'{{resolve:ssm:/shop/least}}'": "known only to AWS",
		"!Sub '${Least'":                "has no }",
		"two":                           `line 19, column 20: Resources.Target.MinCapacity: there is the text "two", and there should be a whole number`,
		"2.5":                           "a whole number",
		"[2]":                           "there is a list",
		"{a: 1}":                        "there is a mapping",
		"2\n      MinCapcity: 3":        "MinCapcity is not known; MinCapacity is",
		"2\n      MinCapacity: 3":       "line 20, column 7: MinCapacity is there twice",
		"&a [*a]":                       "too many values in each other",
		"2\n      <<: {MaxCapacity: 3}": "<< is not read",
		"2\n\tx: 3":                     "neither JSON nor YAML",
		"!Ref AWS::NoValue":             "a MinCapacity",
		"!Ref AWS::Planet":              "no such parameter",
	} {
		_, err := policydoc.Read(strings.NewReader(scaling(expression)))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q in it", expression, err, want)
		}
	}
}

// Names of a policy may be known only to a deployment; its numbers and words are what decides.
func TestWhatDecidesInAPolicyHasToBeKnown(t *testing.T) {
	policy := func(target, statistic, dimension string) string {
		return scaling("2") + `  Cpu:
    Type: AWS::ApplicationAutoScaling::ScalingPolicy
    Properties:
      PolicyName: cpu
      PolicyType: TargetTrackingScaling
      ScalingTargetId: !Ref Target
      TargetTrackingScalingPolicyConfiguration:
        TargetValue: ` + target + `
        CustomizedMetricSpecification:
          {Namespace: N, MetricName: m, Statistic: ` + statistic + `, Dimensions: [{Name: Queue, Value: ` + dimension + `}]}
`
	}
	if _, err := policydoc.Read(strings.NewReader(policy("50", "Average", "!ImportValue queue"))); err != nil {
		t.Errorf("the name of a queue: %v", err)
	}
	for text, want := range map[string]string{
		policy("!ImportValue least", "Average", "q"): "TargetTrackingScalingPolicyConfiguration.TargetValue: least is an output of another stack: give its value with --parameter 'least=VALUE'",
		policy("!Ref Leats", "Average", "q"):         "no resource of that name; it has Least",
		policy("50", "!Ref Leats", "q"):              "no resource of that name; it has Least",
	} {
		if _, err := policydoc.Read(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q in it", err, want)
		}
	}
}

// Aliases in aliases stand for more values than a machine can hold.
func TestALaughIsRefused(t *testing.T) {
	text := "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
	for i := range 9 {
		a, b := string(rune('0'+i)), string(rune('1'+i))
		text += "a" + b + ": &a" + b + " [" + strings.TrimSuffix(strings.Repeat("*a"+a+", ", 9), ", ") + "]\n"
	}
	if _, err := policydoc.Read(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), "aliases that repeat themselves") {
		t.Errorf("%v", err)
	}
}

func FuzzReadYAML(f *testing.F) {
	for _, name := range []string{"template.yaml", "cdk.yaml", "policies.yaml"} {
		text, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(scaling("!Ref Loop")))
	f.Add([]byte(scaling("&a [*a]")))
	for _, c := range refused {
		f.Add([]byte(c.text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := policydoc.Options{Parameters: map[string]string{"Least": "4"}}.Read(strings.NewReader(string(text)))
		if err != nil {
			if err.Error() == "" {
				t.Error("an error without words")
			}
			return
		}
		for _, id := range d.Resources() {
			d.Of(id)
		}
	})
}
