package policydoc

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"go.yaml.in/yaml/v4"
)

// A template is a CloudFormation template, with the values that it is given.
type template struct {
	Options
	root      *yaml.Node
	resources *yaml.Node
	imports   map[string]bool      // what is imported, and given as a parameter
	depth     int                  // of functions and names in each other
	unknown   map[*yaml.Node]error // stand-ins for what only a deployment knows, and why
	left      int                  // values that may still be made
}

// isTemplate reports whether a value is a template.
func isTemplate(n *yaml.Node) bool {
	return get(n, "AWSTemplateFormatVersion") != nil || get(n, "Resources") != nil
}

// readTemplate reads the scaling of a template: its targets with their scheduled actions, its
// policies and alarms, and the services that they are of.
func (o Options) readTemplate(n *yaml.Node) (Documents, error) {
	o.Region, o.Account = cmp.Or(o.Region, "us-east-1"), cmp.Or(o.Account, "123456789012")
	t := &template{Options: o, root: n, resources: get(n, "Resources"), imports: map[string]bool{}, unknown: map[*yaml.Node]error{}, left: maxNodes}
	if t.resources == nil || t.resources.Kind != yaml.MappingNode {
		return Documents{}, wrong(n, "it is a CloudFormation template without Resources")
	}
	var d Documents
	for i := 0; i+1 < len(t.resources.Content); i += 2 {
		id, r := t.resources.Content[i], t.resources.Content[i+1]
		if err := t.read(&d, id, r); err != nil {
			return d, within(within(err, id.Value), "Resources")
		}
	}
	if parameters := get(n, "Parameters"); parameters != nil {
		for i := 0; i+1 < len(parameters.Content); i += 2 {
			d.Parameters = append(d.Parameters, parameters.Content[i].Value)
		}
	}
	d.Parameters = append(d.Parameters, slices.Sorted(maps.Keys(t.imports))...)
	return d, nil
}

// read reads one resource.
func (t *template) read(d *Documents, id, r *yaml.Node) error {
	if strings.HasPrefix(id.Value, "Fn::ForEach::") {
		d.Notes = append(d.Notes, fmt.Sprintf("line %d: %s is not expanded: what it makes is left out", id.Line, id.Value))
		return nil
	}
	kind := get(r, "Type")
	if kind == nil {
		return nil
	}
	reader, read := map[string]func(*Documents, string, *yaml.Node) error{
		"AWS::ApplicationAutoScaling::ScalableTarget": t.target,
		"AWS::ApplicationAutoScaling::ScalingPolicy":  t.policy,
		"AWS::CloudWatch::Alarm":                      t.alarm,
		"AWS::ECS::Service":                           t.service,
		"AWS::CloudFormation::Stack":                  t.nested,
	}[kind.Value]
	if !read {
		return nil
	}
	if condition := get(r, "Condition"); condition != nil {
		if there, err := t.condition(condition, condition.Value); err != nil || !there {
			return err
		}
	}
	properties := get(r, "Properties")
	if properties == nil {
		properties = &yaml.Node{Kind: yaml.MappingNode, Line: id.Line, Column: id.Column}
	}
	if properties.Kind != yaml.MappingNode {
		return wrong(properties, "there is %s, and Properties should be a mapping", kindOf(properties))
	}
	return reader(d, id.Value, properties)
}

// form is how templates write the API's types.
func (t *template) form() form { return form{Known: true, Text: true, Unknown: t.unknown} }

// fillFrom reads properties into one of the SDK's types, without some of them. Those of loose
// may have values that only a deployment knows.
func (t *template) fillFrom(properties *yaml.Node, to any, without, loose []string) error {
	known := &yaml.Node{Kind: yaml.MappingNode, Line: properties.Line, Column: properties.Column}
	for i := 0; i+1 < len(properties.Content); i += 2 {
		name, value := properties.Content[i], properties.Content[i+1]
		if slices.Contains(without, name.Value) {
			continue
		}
		resolve := t.resolve
		if slices.Contains(loose, name.Value) {
			resolve = t.loosely
		}
		value, err := resolve(value)
		if err != nil {
			return within(err, name.Value)
		}
		if value != nil {
			known.Content = append(known.Content, name, value)
		}
	}
	return t.form().fill(known, to)
}

func (t *template) target(d *Documents, id string, properties *yaml.Node) error {
	var s types.ScalableTarget
	if err := t.fillFrom(properties, &s, []string{"ScheduledActions", "RoleARN"}, nil); err != nil {
		return err
	}
	if s.ResourceId == nil || s.MinCapacity == nil || s.MaxCapacity == nil {
		return wrong(properties, "a scalable target has a ResourceId, a MinCapacity and a MaxCapacity")
	}
	d.Targets = append(d.Targets, s)
	actions := get(properties, "ScheduledActions")
	if actions == nil {
		return nil
	}
	actions, err := t.resolve(actions)
	if err != nil || actions == nil {
		return within(err, "ScheduledActions")
	}
	var all []types.ScheduledAction
	if err := t.form().fill(actions, &all); err != nil {
		return within(err, "ScheduledActions")
	}
	for _, a := range all {
		a.ResourceId = s.ResourceId
		d.Actions = append(d.Actions, a)
	}
	return nil
}

func (t *template) policy(d *Documents, id string, properties *yaml.Node) error {
	var p types.ScalingPolicy
	loose := []string{"TargetTrackingScalingPolicyConfiguration", "PredictiveScalingPolicyConfiguration"}
	if err := t.fillFrom(properties, &p, []string{"ScalingTargetId"}, loose); err != nil {
		return err
	}
	if of := get(properties, "ScalingTargetId"); p.ResourceId == nil && of != nil {
		// A target's id is its resource, dimension and namespace.
		text, err := t.text(of)
		if err != nil {
			return within(err, "ScalingTargetId")
		}
		resource, _, _ := strings.Cut(text, "|")
		p.ResourceId = &resource
	}
	if p.ResourceId == nil {
		return wrong(properties, "a scaling policy has a ScalingTargetId, or a ResourceId")
	}
	labelKnownLater(&p)
	p.PolicyName = cmp.Or(p.PolicyName, &id)
	p.PolicyARN = aws.String(t.arn("autoscaling", "scalingPolicy:"+id))
	d.Policies = append(d.Policies, p)
	return nil
}

func (t *template) alarm(d *Documents, id string, properties *yaml.Node) error {
	var a cwtypes.MetricAlarm
	without := []string{"Tags", "AlarmDescription", "OKActions", "InsufficientDataActions"}
	if err := t.fillFrom(properties, &a, without, []string{"AlarmActions", "Dimensions", "Metrics"}); err != nil {
		return err
	}
	a.AlarmName = cmp.Or(a.AlarmName, &id)
	d.Alarms = append(d.Alarms, a)
	return nil
}

// service reads a service. Its name and its cluster's are as good as any where only a
// deployment knows them; the policies name it by the same.
func (t *template) service(d *Documents, id string, properties *yaml.Node) error {
	arn, err := t.physical(get(t.resources, id), id)
	if err != nil {
		return err
	}
	s := Service{ResourceID: "service/" + after(arn, ":service/")}
	if count := get(properties, "DesiredCount"); count != nil {
		text, err := t.text(count)
		if err != nil {
			return within(err, "DesiredCount")
		}
		s.Desired = number(text)
	}
	if of := get(properties, "TaskDefinition"); of != nil {
		if name, argument := function(of); name == "Ref" {
			definition := get(get(t.resources, argument.Value), "Properties")
			s.CPU = t.size(definition, "Cpu", 1024)
			s.Memory = t.size(definition, "Memory", 1024)
		}
	}
	d.Services = append(d.Services, s)
	return nil
}

// size is the size of a task definition, in units or MiB: "256", or ".25 vCPU" and "0.5 GB", or
// what its containers have together. 0 is one that is not known.
func (t *template) size(definition *yaml.Node, name string, large float64) int {
	if of := get(definition, name); of != nil {
		text, err := t.text(of)
		if err != nil {
			return 0
		}
		digits := strings.TrimRight(strings.ToLower(text), "vcpugb ")
		v, err := strconv.ParseFloat(digits, 64)
		if err != nil || v < 0 || v > 1e7 {
			return 0
		}
		if digits != text {
			v *= large
		}
		return int(v)
	}
	total := 0
	if containers, err := t.loosely(get(definition, "ContainerDefinitions")); err == nil && containers != nil {
		for _, c := range containers.Content {
			if of := get(c, name); of != nil {
				total += number(of.Value)
			}
		}
	}
	return total
}

func (t *template) nested(d *Documents, id string, _ *yaml.Node) error {
	d.Notes = append(d.Notes, fmt.Sprintf("%s is a nested stack: what scales in it is in a template of its own, which --policies takes, too", id))
	return nil
}
