package variant

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	smithy "github.com/aws/smithy-go"
)

// A place is a member of an input, or of what is in it: present in the valid input or
// not.
type place struct {
	path     string // for who reads of it
	said     string // as AWS's messages have it
	whole    string // what said is of the list or the map that it is an item of
	typ      reflect.Type
	shape    string         // in the model; empty if nothing is demanded
	schema   *smithy.Schema // of the SDK; nil where its package has none
	required bool
	in       string        // where it is with restJson1
	value    any           // in the valid input; nil if it has none
	made     bool          // what it is in has to be made for it
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
	f.visit(place{typ: t, shape: m.Operations[operation], schema: schemaOf(t), value: input, with: func(v any) any { return v }}, 0)
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
	object, there := p.value.(map[string]any)
	of := f.model.Shapes[p.shape]
	for field := range p.typ.Fields() {
		if !field.IsExported() || field.Name == "ResultMetadata" {
			continue
		}
		m := of.Members[field.Name]
		name, schema := f.model.name(m, p.schema, field.Name)
		below := place{
			path: p.path + "." + name, said: join(p.said, lowerFirst(field.Name)), typ: field.Type,
			shape: m.Shape, schema: schema, required: m.Required, in: p.in, value: object[name], made: p.made || !there,
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
			shape: f.model.Shapes[p.shape].List, schema: elementOf(p.schema), in: p.in, value: v, made: p.made || p.value == nil,
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
			shape: f.model.Shapes[p.shape].Value, schema: valueOf(p.schema), in: p.in, value: object[k], made: p.made || p.value == nil,
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

// operationOf tells the operation of an input by its type.
func operationOf(t reflect.Type) string { return strings.TrimSuffix(t.Name(), "Input") }
