package variant

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// A place is a member of an input, or of what is in it: present in the valid input or
// not.
type place struct {
	path     string // for who reads of it
	said     string // as AWS's messages have it
	whole    string // what said is of the list or the map that it is an item of
	typ      reflect.Type
	shape    string // in the model; empty if nothing is demanded
	required bool
	in       string        // where it is with restJson1
	value    any           // in the valid input; nil if it has none
	with     func(any) any // the whole input with another value here
}

// absent takes a member away.
type absent struct{}

// deepest is how many members down places are looked for.
const deepest = 7

// A finder lists places.
type finder struct {
	model *Model
	found []place
}

// places lists the members of an input of a type, those below them included.
func (m *Model) places(operation string, t reflect.Type, input any) []place {
	f := finder{model: m}
	f.visit(place{typ: t, shape: m.Operations[operation], value: input, with: func(v any) any { return v }}, 0)
	return f.found
}

func (f *finder) visit(p place, depth int) {
	for p.typ.Kind() == reflect.Pointer {
		p.typ = p.typ.Elem()
	}
	if depth > 0 {
		f.found = append(f.found, p)
	}
	if depth == deepest || p.typ == reflect.TypeFor[time.Time]() {
		return
	}
	switch p.typ.Kind() {
	case reflect.Struct:
		f.members(p, depth)
	case reflect.Slice:
		if p.typ.Elem().Kind() != reflect.Uint8 {
			f.items(p, depth)
		}
	case reflect.Map:
		f.entries(p, depth)
	}
}

func (f *finder) members(p place, depth int) {
	object, _ := p.value.(map[string]any)
	of := f.model.Shapes[f.model.shapeOf(p.typ)]
	for field := range p.typ.Fields() {
		if !field.IsExported() || field.Name == "ResultMetadata" {
			continue
		}
		name := f.model.name(p.typ, field.Name)
		m := of.Members[field.Name]
		below := place{
			path: p.path + "." + name, said: join(p.said, lowerFirst(field.Name)), typ: field.Type,
			shape: m.Shape, required: m.Required, in: p.in, value: object[name],
			with: func(v any) any { return p.with(setMember(object, name, v)) },
		}
		if depth == 0 {
			below.in = m.In
		}
		f.visit(below, depth+1)
	}
}

func (f *finder) items(p place, depth int) {
	for i, v := range listOr(p.value, nil) {
		f.visit(place{
			path: fmt.Sprintf("%s[%d]", p.path, i), said: fmt.Sprintf("%s.%d.member", p.said, i+1), whole: p.said, typ: p.typ.Elem(),
			shape: f.model.Shapes[p.shape].List, in: p.in, value: v,
			with: func(v any) any { return p.with(setItem(listOr(p.value, nil), i, v)) },
		}, depth+1)
	}
}

func (f *finder) entries(p place, depth int) {
	object, _ := p.value.(map[string]any)
	if object == nil {
		object = map[string]any{"key": nil}
	}
	for _, k := range sortedKeys(object) {
		f.visit(place{
			path: p.path + "." + k, said: p.said + "." + k + ".member", whole: p.said, typ: p.typ.Elem(),
			shape: f.model.Shapes[p.shape].Value, in: p.in, value: object[k],
			with: func(v any) any { return p.with(setMember(object, k, v)) },
		}, depth+1)
	}
}

func join(path, step string) string {
	if path == "" {
		return step
	}
	return path + "." + step
}

// listOr is a list's items; a list that is not in the valid input gets one.
func listOr(v, item any) []any {
	if list, ok := v.([]any); ok && len(list) > 0 {
		return list
	}
	return []any{item}
}

func setMember(object map[string]any, name string, v any) map[string]any {
	out := make(map[string]any, len(object)+1)
	for k, e := range object {
		if e != nil {
			out[k] = e
		}
	}
	if delete(out, name); v != (any)(absent{}) {
		out[name] = v
	}
	return out
}

func setItem(list []any, i int, v any) []any {
	out := slices.Clone(list)
	if v == (any)(absent{}) {
		return slices.Delete(out, i, i+1)
	}
	out[i] = v
	return out
}

func lowerFirst(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToLower(r)) + s[n:]
}

// name is what a member of a struct is called in the requests of the service.
func (m *Model) name(of reflect.Type, member string) string {
	in := m.Shapes[m.shapeOf(of)].Members[member]
	switch m.service {
	case "ec2":
		return cmp.Or(in.Query, member)
	case "lambda", "scheduler":
		return cmp.Or(in.Name, member)
	case "ecs", "logs":
		return lowerFirst(member)
	case "ecr":
		if of.Name() != "Tag" {
			return lowerFirst(member)
		}
	case "sqs":
		if member == "Tags" && of.Name() == "CreateQueueInput" {
			return "tags"
		}
	case "sts":
		if member == "Arn" { // of a PolicyDescriptorType
			return "arn"
		}
	}
	return member
}

// operationOf tells the operation of an input by its type.
func operationOf(t reflect.Type) string { return strings.TrimSuffix(t.Name(), "Input") }
