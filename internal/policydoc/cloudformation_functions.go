package policydoc

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// maxFunctions bounds how deep functions and names of a template lie in each other.
const maxFunctions = 200

// unknownYet stands for what only a deployment knows, where it makes no difference.
const unknownYet = "known-after-deployment"

// function is the name of the intrinsic function that a value is, in its long form, and its
// argument; no name for other values.
func function(n *yaml.Node) (string, *yaml.Node) {
	if n.Tag != "" && n.Tag[0] == '!' && !strings.HasPrefix(n.Tag, "!!") {
		argument := *n
		argument.Tag = map[yaml.Kind]string{yaml.ScalarNode: "!!str", yaml.SequenceNode: "!!seq", yaml.MappingNode: "!!map"}[n.Kind]
		if name := n.Tag[1:]; name == "Ref" || name == "Condition" {
			return name, &argument
		}
		return "Fn::" + n.Tag[1:], &argument
	}
	if n.Kind == yaml.MappingNode && len(n.Content) == 2 {
		if name := n.Content[0].Value; name == "Ref" || strings.HasPrefix(name, "Fn::") {
			return name, n.Content[1]
		}
	}
	return "", n
}

// resolve is a value without functions; nil is one that is not there (AWS::NoValue).
func (t *template) resolve(n *yaml.Node) (*yaml.Node, error) {
	t.depth++
	defer func() { t.depth-- }()
	t.left--
	if t.depth > maxFunctions || t.left < 0 {
		return nil, wrong(n, "functions and names lie too deep in each other; one refers to itself, perhaps")
	}
	name, argument := function(n)
	if name == "" {
		return t.members(n, t.resolve)
	}
	call, known := map[string]func(n, argument *yaml.Node) (*yaml.Node, error){
		"Ref": t.ref, "Fn::GetAtt": t.getAtt, "Fn::Sub": t.sub, "Fn::Join": t.join, "Fn::Select": t.choose, "Fn::Split": t.split,
		"Fn::If": t.either, "Fn::FindInMap": t.findInMap, "Fn::ImportValue": t.importValue, "Fn::Base64": t.base64, "Fn::Length": t.length,
	}[name]
	if !known {
		return nil, wrong(n, "%s cannot be resolved without CloudFormation: write the value in its place", name)
	}
	return call(n, argument)
}

// members are those of a value, each without functions.
func (t *template) members(n *yaml.Node, resolve func(*yaml.Node) (*yaml.Node, error)) (*yaml.Node, error) {
	if n.Kind == yaml.ScalarNode {
		if strings.HasPrefix(n.Value, "{{resolve:") {
			return nil, wrong(n, "%s is known only to AWS: write the value in its place", shortened(n.Value))
		}
		return n, nil
	}
	out := *n
	out.Content = nil
	step := 1
	if n.Kind == yaml.MappingNode {
		step = 2
	}
	for i := step - 1; i < len(n.Content); i += step {
		value, err := resolve(n.Content[i])
		switch {
		case err != nil && step == 2:
			return nil, within(err, n.Content[i-1].Value)
		case err != nil:
			return nil, err
		case value == nil:
			continue
		case step == 2:
			out.Content = append(out.Content, n.Content[i-1])
		}
		out.Content = append(out.Content, value)
	}
	return &out, nil
}

// loosely is resolve with a stand-in for what only a deployment knows. It is for names of
// dimensions and load balancers, which make no difference to a simulation.
func (t *template) loosely(n *yaml.Node) (*yaml.Node, error) {
	if n == nil {
		return nil, nil
	}
	t.depth++
	defer func() { t.depth-- }()
	if name, _ := function(n); name == "" && n.Kind != yaml.ScalarNode && t.depth <= maxFunctions {
		return t.members(n, t.loosely)
	}
	out, err := t.resolve(n)
	if err != nil {
		standIn := scalar(n, unknownYet)
		t.unknown[standIn] = err
		return standIn, nil
	}
	return out, nil
}

// text is a value that is text, or a number.
func (t *template) text(n *yaml.Node) (string, error) {
	out, err := t.resolve(n)
	switch {
	case err != nil:
		return "", err
	case out == nil || out.Kind != yaml.ScalarNode:
		return "", wrong(n, "there should be text here, and no list or mapping")
	}
	return out.Value, nil
}

// scalar is text in the place of another value.
func scalar(at *yaml.Node, text string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text, Line: at.Line, Column: at.Column}
}

// arguments are those of a function that takes a number of them.
func arguments(n, list *yaml.Node, least, most int, such string) ([]*yaml.Node, error) {
	if list.Kind != yaml.SequenceNode || len(list.Content) < least || len(list.Content) > most {
		return nil, wrong(n, "the function has other arguments than it should: write %s", such)
	}
	return list.Content, nil
}

func (t *template) join(n, argument *yaml.Node) (*yaml.Node, error) {
	a, err := arguments(n, argument, 2, 2, `{"Fn::Join": [",", ["a", "b"]]}`)
	if err != nil {
		return nil, err
	}
	between, err := t.text(a[0])
	if err != nil {
		return nil, err
	}
	parts, err := t.texts(a[1])
	if err != nil {
		return nil, err
	}
	length := 0
	for _, part := range parts {
		length += len(part) + len(between)
	}
	if t.left -= length / 64; t.left < 0 {
		return nil, wrong(n, "the text that Fn::Join makes is too long")
	}
	return scalar(n, strings.Join(parts, between)), nil
}

// texts are the members of a list of texts.
func (t *template) texts(n *yaml.Node) ([]string, error) {
	list, err := t.resolve(n)
	switch {
	case err != nil:
		return nil, err
	case list == nil || list.Kind != yaml.SequenceNode:
		return nil, wrong(n, "there should be a list here")
	}
	var all []string
	for _, one := range list.Content {
		if one.Kind != yaml.ScalarNode {
			return nil, wrong(one, "there should be text here, and no list or mapping")
		}
		all = append(all, one.Value)
	}
	return all, nil
}

func (t *template) choose(n, argument *yaml.Node) (*yaml.Node, error) {
	a, err := arguments(n, argument, 2, 2, `{"Fn::Select": [0, ["a", "b"]]}`)
	if err != nil {
		return nil, err
	}
	index, err := t.text(a[0])
	if err != nil {
		return nil, err
	}
	list, err := t.resolve(a[1])
	if err != nil {
		return nil, err
	}
	i, err := strconv.Atoi(index)
	if err != nil || list == nil || list.Kind != yaml.SequenceNode || i < 0 || i >= len(list.Content) {
		return nil, wrong(n, "Fn::Select of %s: the list has no such member", shortened(index))
	}
	return list.Content[i], nil
}

func (t *template) split(n, argument *yaml.Node) (*yaml.Node, error) {
	a, err := arguments(n, argument, 2, 2, `{"Fn::Split": ["/", "a/b"]}`)
	if err != nil {
		return nil, err
	}
	between, err := t.text(a[0])
	if err != nil {
		return nil, err
	}
	text, err := t.text(a[1])
	if err != nil {
		return nil, err
	}
	if between == "" {
		return nil, wrong(a[0], "Fn::Split needs a separator that is not empty")
	}
	return list(n, strings.Split(text, between)), nil
}

// list is a list of texts in the place of another value.
func list(at *yaml.Node, texts []string) *yaml.Node {
	out := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Line: at.Line, Column: at.Column}
	for _, text := range texts {
		out.Content = append(out.Content, scalar(at, text))
	}
	return out
}

func (t *template) base64(n, argument *yaml.Node) (*yaml.Node, error) {
	text, err := t.text(argument)
	return scalar(n, base64.StdEncoding.EncodeToString([]byte(text))), err
}

func (t *template) length(n, argument *yaml.Node) (*yaml.Node, error) {
	list, err := t.resolve(argument)
	if err != nil {
		return nil, err
	}
	if list == nil || list.Kind != yaml.SequenceNode {
		return nil, wrong(n, "Fn::Length is of a list")
	}
	return scalar(n, strconv.Itoa(len(list.Content))), nil
}

func (t *template) findInMap(n, argument *yaml.Node) (*yaml.Node, error) {
	a, err := arguments(n, argument, 3, 4, `{"Fn::FindInMap": ["Map", "first", "second"]}`)
	if err != nil {
		return nil, err
	}
	var keys []string
	for _, one := range a[:3] {
		key, err := t.text(one)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	found := get(t.root, "Mappings")
	for _, key := range keys {
		if found = get(found, key); found == nil {
			break
		}
	}
	if found == nil && len(a) == 4 {
		if fallback := get(a[3], "DefaultValue"); fallback != nil {
			return t.resolve(fallback)
		}
	}
	if found == nil {
		return nil, wrong(n, "Fn::FindInMap: the template has no mapping %s", strings.Join(keys, ", "))
	}
	return t.resolve(found)
}

func (t *template) either(n, argument *yaml.Node) (*yaml.Node, error) {
	a, err := arguments(n, argument, 3, 3, `{"Fn::If": ["Condition", "then", "else"]}`)
	if err != nil {
		return nil, err
	}
	there, err := t.condition(a[0], a[0].Value)
	if err != nil {
		return nil, err
	}
	if there {
		return t.resolve(a[1])
	}
	return t.resolve(a[2])
}

// condition is whether a condition of the template holds.
func (t *template) condition(at *yaml.Node, name string) (bool, error) {
	of := get(get(t.root, "Conditions"), name)
	if of == nil {
		return false, wrong(at, "the template has no condition %s", shortened(name))
	}
	return t.holds(of)
}

// holds is whether an expression of conditions holds.
func (t *template) holds(n *yaml.Node) (bool, error) {
	t.depth++
	defer func() { t.depth-- }()
	if t.left--; t.depth > maxFunctions || t.left < 0 {
		return false, wrong(n, "conditions lie too deep in each other; one refers to itself, perhaps")
	}
	name, argument := function(n)
	if c := get(n, "Condition"); name == "" && c != nil {
		name, argument = "Condition", c
	}
	switch name {
	case "Condition":
		return t.condition(argument, argument.Value)
	case "Fn::Equals":
		return t.equal(n, argument)
	case "Fn::Not", "Fn::And", "Fn::Or":
		a, err := arguments(n, argument, 1, 10, `{"Fn::Not": [{"Condition": "Name"}]}`)
		if err != nil {
			return false, err
		}
		var all []bool
		for _, one := range a {
			holds, err := t.holds(one)
			if err != nil {
				return false, err
			}
			all = append(all, holds)
		}
		switch name {
		case "Fn::Not":
			return !all[0], nil
		case "Fn::And":
			return !slices.Contains(all, false), nil
		}
		return slices.Contains(all, true), nil
	}
	return false, wrong(n, "there is no condition: write Fn::Equals, Fn::And, Fn::Or, Fn::Not or the name of a condition")
}

func (t *template) equal(n, argument *yaml.Node) (bool, error) {
	a, err := arguments(n, argument, 2, 2, `{"Fn::Equals": [{"Ref": "Stage"}, "prod"]}`)
	if err != nil {
		return false, err
	}
	one, err := t.resolve(a[0])
	if err != nil {
		return false, err
	}
	other, err := t.resolve(a[1])
	if err != nil {
		return false, err
	}
	return same(one, other), nil
}

// same reports whether two values are alike.
func same(a, b *yaml.Node) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Kind == b.Kind && a.Value == b.Value && slices.EqualFunc(a.Content, b.Content, same)
}
