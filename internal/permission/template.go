package permission

import (
	"reflect"
	"strconv"
	"strings"

	"flyball/internal/principal"
)

// An inputValue is the struct of an operation's input.
type inputValue struct{ reflect.Value }

func input(in any) inputValue { return inputValue{reflect.Indirect(reflect.ValueOf(in))} }

// values are the texts in a member of the input, by its name, or by the names on the
// way to it, which may go through a list: Overrides.TaskRoleArn,
// RulePriorities.RuleArn. There are none if it is not set.
func (in inputValue) values(path string) (all []string) {
	name, rest, nested := strings.Cut(path, ".")
	v := reflect.Indirect(in.Value)
	if v.Kind() != reflect.Struct {
		return nil
	}
	v = reflect.Indirect(v.FieldByName(name))
	switch {
	case !nested:
		return texts(v)
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			all = append(all, inputValue{v.Index(i)}.values(rest)...)
		}
		return all
	}
	return inputValue{v}.values(rest)
}

func texts(v reflect.Value) (all []string) {
	switch v = reflect.Indirect(v); v.Kind() {
	case reflect.String:
		if v.Len() > 0 {
			return []string{v.String()}
		}
	case reflect.Bool:
		return []string{strconv.FormatBool(v.Bool())}
	case reflect.Slice:
		for i := range v.Len() {
			all = append(all, texts(v.Index(i))...)
		}
	}
	return all
}

// expand puts the input's values into a template. A list makes a resource of each of
// its values.
func (c *Call) expand(template string, in inputValue) []string {
	all := []string{""}
	add := func(parts ...string) {
		var longer []string
		for _, head := range all {
			for _, part := range parts {
				longer = append(longer, head+part)
			}
		}
		all = longer
	}
	for rest := template; rest != ""; {
		text, member, ok := strings.Cut(rest, "{")
		add(text)
		if !ok {
			break
		}
		if member, rest, ok = strings.Cut(member, "}"); !ok {
			break
		}
		var values []string
		for name := range strings.SplitSeq(member, "|") {
			if values = in.values(name); len(values) > 0 {
				member = name
				break
			}
		}
		if len(values) == 0 {
			values = []string{c.unset(member)}
		}
		if !strings.HasPrefix(template, "{") || !strings.HasSuffix(template, "}") {
			values = names(member, values)
		}
		add(values...)
	}
	return all
}

// unset is what a member stands for that is not given.
func (c *Call) unset(member string) string {
	switch {
	case c.Service == "events" && member != "ResourceARN":
		return "default" // the bus
	case member == "Cluster" || member == "Clusters":
		return "default"
	case member == "GroupName" && c.Service == "scheduler":
		return "default"
	case member == "Path":
		return "/"
	case member == "UserName" && c.Caller.Kind == principal.User:
		return c.Caller.Name
	}
	return "*"
}

// names are the values as names: what may be given as an ARN ends with the name. What
// is below a load balancer or a listener has all that follows the kind of those.
func names(member string, values []string) []string {
	if member == "Path" || member == "ResourceId" {
		return values
	}
	short := make([]string, len(values))
	for i, value := range values {
		short[i] = value
		switch {
		case !strings.HasPrefix(value, "arn:"):
		case strings.Contains(value, ":log-group:"):
			_, short[i], _ = strings.Cut(strings.TrimSuffix(value, ":*"), ":log-group:")
		case member == "LoadBalancerArn" || member == "ListenerArn":
			_, short[i], _ = strings.Cut(value, "/")
		default:
			short[i] = value[strings.LastIndexByte(value, '/')+1:]
		}
	}
	return short
}
