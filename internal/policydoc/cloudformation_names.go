package policydoc

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"
)

// ref is what a name of the template stands for: a parameter, a resource, or what
// CloudFormation itself knows.
func (t *template) ref(n, argument *yaml.Node) (*yaml.Node, error) {
	if argument.Kind != yaml.ScalarNode {
		return nil, wrong(n, "Ref is of a name")
	}
	return t.named(n, argument.Value)
}

func (t *template) named(n *yaml.Node, name string) (*yaml.Node, error) {
	if strings.HasPrefix(name, "AWS::") {
		return t.pseudo(n, name)
	}
	if p := get(get(t.root, "Parameters"), name); p != nil {
		return t.parameter(n, name, p)
	}
	if r := get(t.resources, name); r != nil {
		text, err := t.physical(r, name)
		return scalar(n, text), err
	}
	var known []string
	for _, section := range []*yaml.Node{get(t.root, "Parameters"), t.resources} {
		for i := 0; section != nil && i+1 < len(section.Content); i += 2 {
			known = append(known, section.Content[i].Value)
		}
	}
	if near := nearest(name, known); near != "" {
		return nil, wrong(n, "Ref of %s: the template has no parameter and no resource of that name; it has %s", shortened(name), near)
	}
	return nil, wrong(n, "Ref of %s: the template has no parameter and no resource of that name", shortened(name))
}

// pseudo is a parameter that CloudFormation has by itself.
func (t *template) pseudo(n *yaml.Node, name string) (*yaml.Node, error) {
	const stack = "stack"
	values := map[string]string{
		"AWS::Region": t.Region, "AWS::AccountId": t.Account, "AWS::Partition": "aws", "AWS::URLSuffix": "amazonaws.com",
		"AWS::StackName": stack, "AWS::StackId": t.arn("cloudformation", "stack/"+stack+"/0"),
	}
	if name == "AWS::NoValue" {
		return nil, nil
	}
	if given, is := t.Parameters[name]; is {
		t.imports[name] = true
		return scalar(n, given), nil
	}
	value, known := values[name]
	if !known {
		return nil, wrong(n, "Ref of %s: CloudFormation has no such parameter of its own", shortened(name))
	}
	return scalar(n, value), nil
}

// parameter is a parameter's value: what is given, or its default.
func (t *template) parameter(n *yaml.Node, name string, p *yaml.Node) (*yaml.Node, error) {
	kind := ""
	if k := get(p, "Type"); k != nil {
		kind = k.Value
	}
	value, given := t.Parameters[name]
	if byDefault := get(p, "Default"); !given && byDefault != nil && byDefault.Kind == yaml.ScalarNode {
		value, given = byDefault.Value, true
		if strings.HasPrefix(kind, "AWS::SSM::Parameter::Value") {
			return nil, wrong(n, "parameter %s is kept in Parameter Store, under %s: give its value with --parameter %s=VALUE", name, shortened(value), name)
		}
	}
	switch {
	case !given:
		return nil, wrong(n, "parameter %s has no default: give its value with --parameter %s=VALUE", name, name)
	case strings.HasPrefix(kind, "List<") || kind == "CommaDelimitedList" || strings.Contains(kind, "<List<"):
		all := strings.Split(value, ",")
		for i := range all {
			all[i] = strings.TrimSpace(all[i])
		}
		return list(n, all), nil
	}
	return scalar(n, value), nil
}

// importValue is the output of another stack, which is given as a parameter of its name.
func (t *template) importValue(n, argument *yaml.Node) (*yaml.Node, error) {
	name, err := t.text(argument)
	if err != nil {
		return nil, err
	}
	return t.given(n, name, "is an output of another stack")
}

// given is a value that only --parameter can tell.
func (t *template) given(n *yaml.Node, name, why string) (*yaml.Node, error) {
	value, is := t.Parameters[name]
	if !is {
		return nil, wrong(n, "%s %s: give its value with --parameter '%s=VALUE'", shortened(name), why, shortened(name))
	}
	t.imports[name] = true
	return scalar(n, value), nil
}

func (t *template) getAtt(n, argument *yaml.Node) (*yaml.Node, error) {
	if argument.Kind == yaml.ScalarNode {
		id, attribute, _ := strings.Cut(argument.Value, ".")
		return t.attribute(n, id, attribute)
	}
	a, err := arguments(n, argument, 2, 2, `{"Fn::GetAtt": ["Resource", "Attribute"]}`)
	if err != nil {
		return nil, err
	}
	attribute, err := t.text(a[1])
	if err != nil {
		return nil, err
	}
	return t.attribute(n, a[0].Value, attribute)
}

// attribute is an attribute of a resource. Names of a deployment's own making are those of the
// template.
func (t *template) attribute(n *yaml.Node, id, attribute string) (*yaml.Node, error) {
	r := get(t.resources, id)
	if r == nil || attribute == "" {
		return nil, wrong(n, "Fn::GetAtt of %s.%s: the template has no such resource", shortened(id), shortened(attribute))
	}
	if strings.HasPrefix(attribute, "Outputs.") {
		return t.given(n, id+"."+attribute, "is an output of a nested stack")
	}
	text, err := t.physical(r, id)
	if err != nil {
		return nil, err
	}
	arn := text
	switch kind := kindOfResource(r); {
	case attribute == "Arn" || strings.HasSuffix(attribute, "Arn") || attribute == "Id":
		if !strings.HasPrefix(text, "arn:") && attribute != "Id" {
			arn = t.arn("resource", text)
			if kind == "AWS::ECS::Cluster" {
				arn = t.arn("ecs", "cluster/"+text)
			}
		}
		return scalar(n, arn), nil
	case strings.HasSuffix(attribute, "FullName"): // of load balancers and target groups
		full := after(text, ":loadbalancer/")
		if kind == "AWS::ElasticLoadBalancingV2::TargetGroup" {
			full = text[strings.LastIndex(text, ":")+1:]
		}
		return scalar(n, full), nil
	case strings.HasSuffix(attribute, "Name"):
		name := text[strings.LastIndexAny(text, "/:")+1:]
		if strings.HasPrefix(kind, "AWS::ElasticLoadBalancingV2::") {
			name = id
		}
		return scalar(n, name), nil
	}
	return scalar(n, id+"."+attribute), nil
}

// physical is what Ref gives of a resource: a name, or an ARN of the kinds that have one.
func (t *template) physical(r *yaml.Node, id string) (string, error) {
	properties := get(r, "Properties")
	name := func(of string) (string, error) {
		if p := get(properties, of); p != nil {
			value, err := t.resolve(p)
			if err != nil || value != nil && value.Kind == yaml.ScalarNode {
				return valueOf(value), within(within(err, of), id)
			}
		}
		return id, nil
	}
	switch kindOfResource(r) {
	case "AWS::ECS::Cluster":
		return name("ClusterName")
	case "AWS::ECS::Service":
		service, err := name("ServiceName")
		if err != nil {
			return "", err
		}
		cluster := "default"
		if get(properties, "Cluster") != nil {
			if cluster, err = name("Cluster"); err != nil {
				return "", err
			}
		}
		return t.arn("ecs", fmt.Sprintf("service/%s/%s", cluster[strings.LastIndex(cluster, "/")+1:], service)), nil
	case "AWS::ApplicationAutoScaling::ScalableTarget":
		resource, err := name("ResourceId")
		return resource + "|ecs:service:DesiredCount|ecs", err
	case "AWS::ApplicationAutoScaling::ScalingPolicy":
		return t.arn("autoscaling", "scalingPolicy:"+id), nil
	case "AWS::CloudWatch::Alarm":
		return name("AlarmName")
	case "AWS::SQS::Queue":
		queue, err := name("QueueName")
		return fmt.Sprintf("https://sqs.%s.amazonaws.com/%s/%s", t.Region, t.Account, queue), err
	case "AWS::ElasticLoadBalancingV2::LoadBalancer":
		return t.arn("elasticloadbalancing", "loadbalancer/app/"+id+"/0"), nil
	case "AWS::ElasticLoadBalancingV2::Listener":
		return t.arn("elasticloadbalancing", "listener/app/"+id+"/0/0"), nil
	case "AWS::ElasticLoadBalancingV2::TargetGroup":
		return t.arn("elasticloadbalancing", "targetgroup/"+id+"/0"), nil
	}
	return id, nil
}

func valueOf(n *yaml.Node) string {
	if n == nil {
		return ""
	}
	return n.Value
}

func kindOfResource(r *yaml.Node) string { return valueOf(get(r, "Type")) }

// arn is the ARN of something that a deployment makes.
func (t *template) arn(service, resource string) string {
	return fmt.Sprintf("arn:aws:%s:%s:%s:%s", service, t.Region, t.Account, resource)
}

// after is what follows the first of a mark.
func after(text, mark string) string {
	_, rest, found := strings.Cut(text, mark)
	if !found {
		return text
	}
	return rest
}

// sub is text with ${names} in it.
func (t *template) sub(n, argument *yaml.Node) (*yaml.Node, error) {
	text, own := argument, (*yaml.Node)(nil)
	if argument.Kind == yaml.SequenceNode {
		a, err := arguments(n, argument, 2, 2, `{"Fn::Sub": ["${Name}", {"Name": "value"}]}`)
		if err != nil {
			return nil, err
		}
		text, own = a[0], a[1]
	}
	if text.Kind != yaml.ScalarNode {
		return nil, wrong(n, "Fn::Sub is of text")
	}
	var b strings.Builder
	rest := text.Value
	for {
		before, inside, found := strings.Cut(rest, "${")
		b.WriteString(before)
		if !found {
			return scalar(n, b.String()), nil
		}
		name, after, closed := strings.Cut(inside, "}")
		if !closed {
			return nil, wrong(text, "Fn::Sub: ${ has no }")
		}
		rest = after
		if literal, is := strings.CutPrefix(name, "!"); is {
			b.WriteString("${" + literal + "}")
			continue
		}
		value, err := t.inside(n, strings.TrimSpace(name), own)
		if err != nil {
			return nil, err
		}
		b.WriteString(value)
		if t.left -= len(value) / 64; t.left < 0 {
			return nil, wrong(n, "the text that Fn::Sub makes is too long")
		}
	}
}

// inside is what a ${name} stands for.
func (t *template) inside(n *yaml.Node, name string, own *yaml.Node) (string, error) {
	if value := get(own, name); value != nil {
		return t.text(value)
	}
	var value *yaml.Node
	var err error
	if id, attribute, dotted := strings.Cut(name, "."); dotted {
		value, err = t.attribute(n, id, attribute)
	} else {
		value, err = t.named(n, name)
	}
	switch {
	case err != nil:
		return "", err
	case value == nil || value.Kind != yaml.ScalarNode:
		return "", wrong(n, "Fn::Sub: ${%s} is no text", shortened(name))
	}
	return value.Value, nil
}
