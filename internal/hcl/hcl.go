// Package hcl writes resources of Terraform's AWS provider, with values of the SDK as their
// blocks: the provider names the members of AWS's APIs by one rule, but for a few.
package hcl

import (
	"encoding/json"
	"fmt"
	"maps"
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

// Import adds what has Terraform take up a resource that is there already.
func (t *File) Import(kind, name, id string) {
	if t.Len() > 0 {
		t.WriteByte('\n')
	}
	t.WriteString("import {\n")
	t.body(1, Fields{{"to", Raw(kind + "." + name)}, {"id", id}})
	t.WriteString("}\n")
}

// body writes attributes, the names of which are as wide as the widest, those of several lines
// after the others, and then blocks.
func (t *File) body(depth int, all Fields) {
	indent, width := strings.Repeat("  ", depth), 0
	var long, blocks Fields
	for _, f := range all {
		switch {
		case isBlock(f.Value):
			blocks = append(blocks, f)
		case strings.Contains(literal(f.Value), "\n"):
			long = append(long, f)
		default:
			width = max(width, len(f.Name))
		}
	}
	for _, f := range all {
		if !isBlock(f.Value) && !strings.Contains(literal(f.Value), "\n") {
			fmt.Fprintf(t, "%s%-*s = %s\n", indent, width, f.Name, literal(f.Value))
		}
	}
	for _, f := range long {
		fmt.Fprintf(t, "%s%s = %s\n", indent, f.Name, strings.ReplaceAll(literal(f.Value), "\n", "\n"+indent))
		width = max(width, len(f.Name))
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

// Expression is a value of maps, lists and scalars as Terraform's own formatter has it.
func Expression(v any) Raw {
	switch v := v.(type) {
	case map[string]any:
		return object(v)
	case []any:
		if len(v) == 0 {
			return "[]"
		}
		parts := make([]string, len(v))
		for i, one := range v {
			parts[i] = string(Expression(one))
		}
		return Raw("[" + strings.Join(parts, ", ") + "]")
	case nil:
		return "null"
	}
	return Raw(literal(v))
}

// object is a map, each of whose members has a line of its own. Those whose values are of one line
// have their values below each other.
func object(members map[string]any) Raw {
	if len(members) == 0 {
		return "{}"
	}
	keys := slices.Sorted(maps.Keys(members))
	values, width := make([]string, len(keys)), make([]int, len(keys))
	for i, key := range keys {
		values[i] = string(Expression(members[key]))
		if !word.MatchString(key) {
			keys[i] = literal(key)
		}
	}
	for begin := 0; begin < len(keys); {
		end, widest := begin, 0
		for end < len(keys) && !strings.Contains(values[end], "\n") {
			widest = max(widest, len(keys[end]))
			end++
		}
		for i := begin; i < end; i++ {
			width[i] = widest
		}
		begin = end + 1
	}
	var text strings.Builder
	for i, key := range keys {
		fmt.Fprintf(&text, "  %-*s = %s\n", width[i], key, strings.ReplaceAll(values[i], "\n", "\n  "))
	}
	return Raw("{\n" + text.String() + "}")
}

// word is a key that needs no quotes.
var word = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

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
