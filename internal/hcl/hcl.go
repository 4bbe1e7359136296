// Package hcl writes resources of Terraform's AWS provider, with values of the SDK as their
// blocks: the provider names the members of AWS's APIs by one rule, but for a few.
package hcl

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A Raw value is an expression, not a string.
type Raw string

// A Field is an attribute, or a block where its value is made of members.
type Field = struct {
	Name  string
	Value any
}

// Fields are those of a resource, in order.
type Fields []Field

// A File is one that is written.
type File struct{ strings.Builder }

// Resource adds a resource.
func (t *File) Resource(kind, name string, all Fields) {
	if t.Len() > 0 {
		t.WriteByte('\n')
	}
	fmt.Fprintf(t, "resource %q %q {\n", kind, name)
	t.body(1, all)
	t.WriteString("}\n")
}

// body writes attributes, the names of which are as wide as the widest, and then blocks.
func (t *File) body(depth int, all Fields) {
	indent, width := strings.Repeat("  ", depth), 0
	var blocks Fields
	for _, f := range all {
		if isBlock(f.Value) {
			blocks = append(blocks, f)
		} else {
			width = max(width, len(f.Name))
		}
	}
	for _, f := range all {
		if !isBlock(f.Value) {
			fmt.Fprintf(t, "%s%-*s = %s\n", indent, width, f.Name, literal(f.Value))
		}
	}
	for i, f := range blocks {
		if i > 0 || width > 0 {
			t.WriteByte('\n')
		}
		list, many := f.Value.([]any)
		if !many {
			list = []any{f.Value}
		}
		for _, one := range list {
			fmt.Fprintf(t, "%s%s {\n", indent, f.Name)
			t.body(depth+1, fieldsOf(one.(map[string]any)))
			fmt.Fprintf(t, "%s}\n", indent)
		}
	}
}

// singular are the blocks that the provider names otherwise than the API its members.
var singular = map[string]string{
	"step_adjustments": "step_adjustment", "metric_specifications": "metric_specification", "dimensions": "dimensions",
	"predefined_metric_pair_specification": "predefined_metric_pair_specification",
}

// fieldsOf are members of the API as the provider names them.
func fieldsOf(members map[string]any) Fields {
	var all Fields
	for key, value := range members {
		name := snake(key)
		if other, known := singular[name]; known {
			name = other
		}
		all = append(all, Field{name, value})
	}
	slices.SortFunc(all, func(a, b Field) int { return strings.Compare(a.Name, b.Name) })
	return all
}

func isBlock(v any) bool {
	if list, many := v.([]any); many {
		return len(list) > 0 && isBlock(list[0])
	}
	_, block := v.(map[string]any)
	return block
}

func literal(v any) string {
	switch v := v.(type) {
	case Raw:
		return string(v)
	case string:
		return strconv.Quote(strings.NewReplacer("${", "$${", "%{", "%%{").Replace(v))
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

var capital = regexp.MustCompile(`[A-Z]+[a-z0-9]*`)

func snake(name string) string {
	return strings.ToLower(strings.Join(capital.FindAllString(name, -1), "_"))
}

// Label is a name as Terraform's resources can have it.
func Label(name string) string {
	clean := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-' {
			return r
		}
		return '_'
	}, name)
	if clean == "" || clean[0] >= '0' && clean[0] <= '9' || clean[0] == '-' {
		clean = "_" + clean
	}
	return clean
}

// Given is a value of the SDK as maps and lists, without members that are not given.
func Given(v any) any {
	text, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	var plain any
	if json.Unmarshal(text, &plain) != nil {
		return nil
	}
	return prune(plain)
}

func prune(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, member := range v {
			if member = prune(member); member == nil || member == "" {
				delete(v, key)
			} else {
				v[key] = member
			}
		}
	case []any:
		for i := range v {
			v[i] = prune(v[i])
		}
	}
	return v
}
